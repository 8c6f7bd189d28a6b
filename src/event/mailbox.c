/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Package message-summary (RFC 3842), and mailboxes: what is known of the messages that wait
 * for a device.
 *
 * A MAILBOX is the publications for one device, newest last; the newest is its state. It is
 * there whether anybody watches or not, because the voice mail system says once what has
 * changed.
 *
 * TEXT (§5.2). Kept is what phones read: Messages-Waiting, Message-Account and the counts, line
 * by line, with CRLF; what follows the first empty line (headers of single messages) is left
 * out. A line that is none is a fault of the whole.
 *
 * WITHOUT A SUBSCRIPTION. With `unsolicited_mwi` a phone that has none is sent NOTIFY to each
 * of its bindings when the state changes, and when it registers while something waits. Many
 * phones know nothing else, and those that do not want it say so and that is all.
 */
#include "event/parts.h"

const struct publication *mailbox_newest(const struct mailbox *box)
{
    return box == NULL || list_empty(&box->publications)
               ? NULL
               : list_entry(box->publications.prev, struct publication, link);
}

struct mailbox *mailbox_find(const struct event_layer *l, const struct device *d)
{
    struct map_node *n = map_first(&l->mailboxes, hash_bytes(&l->key, d->key));
    for (; n != NULL; n = map_next(n)) {
        struct mailbox *box = container_of(n, struct mailbox, node);
        if (box->device == d) {
            return box;
        }
    }
    return NULL;
}

struct mailbox *mailbox_get(struct event_layer *l, struct device *d)
{
    struct mailbox *box = mailbox_find(l, d);
    if (box == NULL && (box = pool_get(&l->mailbox_pool)) != NULL) {
        box->device = d;
        list_init(&box->publications);
        map_add(&l->mailboxes, &box->node, hash_bytes(&l->key, d->key));
    }
    return box;
}

void mailbox_settle(struct event_layer *l, struct mailbox *box)
{
    if (box != NULL && list_empty(&box->publications)) {
        map_remove(&l->mailboxes, &box->node);
        pool_put(&l->mailbox_pool, box);
    }
}

void mailbox_free(struct event_layer *l, struct mailbox *box)
{
    list_each(it, &box->publications)
    {
        publication_free(l, list_entry(it, struct publication, link));
    }
    mailbox_settle(l, box);
}

/* ---- reading ---- */

static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = ascii_lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) {
            return false;
        }
    }
    return s.n > 0;
}

static bool is_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' && s.p[i] != '\t') {
            return false;
        }
    }
    return true;
}

/** Cut the first line off, without its end. */
static struct str next_line(struct str *rest)
{
    size_t end = str_index(*rest, '\n');
    struct str line = str_upto(*rest, end);
    *rest = str_from(*rest, end + 1);
    return line.n > 0 && line.p[line.n - 1] == '\r' ? str_upto(line, line.n - 1) : line;
}

bool mailbox_read(struct arena *a, struct str body, struct str *text)
{
    struct str line, rest = body;
    char *buf = arena_alloc(a, 2 * body.n + 1); /* each LF may become CRLF */
    struct out o;
    bool first = true;
    if (buf == NULL) {
        return false;
    }
    out_init(&o, buf, 2 * body.n + 1);
    while (rest.n > 0 && (line = next_line(&rest)).n > 0) {
        size_t colon = str_index(line, ':');
        struct str name = str_trim(str_upto(line, colon));
        struct str value = str_trim(str_from(line, colon + 1));
        if (colon == line.n || !is_name(name) || !is_text(value)) {
            return false;
        }
        if (first && (!str_ieq(name, STR("Messages-Waiting")) ||
                      !(str_ieq(value, STR("yes")) || str_ieq(value, STR("no"))))) {
            return false;
        }
        first = false;
        out_str(&o, name);
        out_c(&o, ": ");
        out_str(&o, value);
        out_c(&o, "\r\n");
    }
    *text = out_str_of(&o);
    return !first && !o.over;
}

struct event_waiting event_waiting(const struct event_layer *l, const struct device *d)
{
    const struct publication *p = mailbox_newest(mailbox_find(l, d));
    struct str line, rest = p != NULL ? p->text : STR_NONE;
    struct event_waiting w = {0};
    while (rest.n > 0 && (line = next_line(&rest)).n > 0) {
        size_t colon = str_index(line, ':');
        struct str name = str_upto(line, colon);
        struct str value = str_trim(str_from(line, colon + 1));
        if (str_ieq(name, STR("Messages-Waiting"))) {
            w.on = str_ieq(value, STR("yes"));
        } else if (str_ieq(name, STR("Message-Account")) && !str_eq(value, d->uri)) {
            w.account = value;
        }
    }
    return w.on ? w : (struct event_waiting){0};
}

uint64_t mailbox_mark(const struct event_layer *l, const struct device *d)
{
    struct event_waiting w = event_waiting(l, d);
    return w.on ? 1 | hash_bytes(&l->key, w.account) : 0;
}

void event_on_waiting(struct event_layer *l, event_waiting_fn fn, void *ctx)
{
    l->on_waiting = fn;
    l->waiting_ctx = ctx;
}

/* ---- telling ---- */

static struct str state_of(struct event_layer *l, const struct device *d)
{
    const struct publication *p = mailbox_newest(mailbox_find(l, d));
    return p != NULL
               ? p->text
               : arena_fmt(l->scratch, "Messages-Waiting: no\r\nMessage-Account: %.*s\r\n",
                           STR_ARG(d->uri));
}

static bool write_summary(struct subscription *s, bool full, struct event_body *out,
                          uint64_t now_ms)
{
    (void)full;
    (void)now_ms;
    out->type = s->package->type;
    out->body = state_of(s->layer, s->resource->device);
    return out->body.p != NULL;
}

const struct event_package event_summary = {
    .name = STR_INIT("message-summary"),
    .type = STR_INIT("application/simple-message-summary"),
    .expires_s = 3600,
    .interval_ms = 1000,
    .write = write_summary,
};

static bool has_subscribed(struct event_layer *l, const struct device *d)
{
    const struct resource *r = resource_find(l, &event_summary, d);
    if (r == NULL) {
        return false;
    }
    list_each(it, &r->subscriptions)
    {
        if (event_is_self(list_entry(it, struct subscription, of_resource))) {
            return true;
        }
    }
    return false;
}

/** One NOTIFY outside of any dialog. What becomes of it changes nothing. */
static void send_unsolicited(struct event_layer *l, const struct device *d,
                             const struct binding *b, struct str body, uint64_t now_ms)
{
    struct txn_target to;
    char id[24], tag[12];
    if (!binding_target(b, &to)) {
        return;
    }
    env_random_token(l->env, id, sizeof(id));
    env_random_token(l->env, tag, sizeof(tag));
    struct str contact = dialog_own_contact(l->env, l->scratch, l->config.contact_user, &to.hop,
                                            str_istarts(b->contact, STR("sips:")));
    struct str start = arena_fmt(l->scratch, "NOTIFY %.*s SIP/2.0\r\n", STR_ARG(b->contact));
    struct str head = arena_fmt(
        l->scratch,
        "%.*sMax-Forwards: 70\r\nFrom: <%.*s>;tag=%.*s\r\nTo: <%.*s>\r\nCall-ID: %.*s\r\n"
        "CSeq: 1 NOTIFY\r\nContact: %.*s\r\nEvent: message-summary\r\n"
        "Subscription-State: terminated;reason=noresource\r\n%.*s"
        "Content-Type: application/simple-message-summary\r\nContent-Length: %zu\r\n\r\n",
        STR_ARG(b->routes), STR_ARG(d->uri), (int)sizeof(tag), tag, STR_ARG(d->uri),
        (int)sizeof(id), id, STR_ARG(contact), STR_ARG(l->txn->user_agent_line), body.n);
    if (start.p == NULL || head.p == NULL || contact.p == NULL) {
        return;
    }
    struct str run[] = {start, head, body};
    if (txn_client_new(l->txn, SIP_METHOD_NOTIFY, &to, run, ARRAY_LEN(run), NULL, NULL,
                       now_ms) != NULL) {
        l->count.notified++;
    }
}

static void tell_phones(struct event_layer *l, const struct device *d, uint64_t now_ms)
{
    const struct record *rec = registrar_find(l->registrar, d->key);
    struct str body = state_of(l, d);
    if (!l->config.unsolicited_mwi || rec == NULL || body.p == NULL || has_subscribed(l, d)) {
        return;
    }
    list_each(it, &rec->bindings)
    {
        send_unsolicited(l, d, list_entry(it, struct binding, link), body, now_ms);
    }
}

void mailbox_changed(struct event_layer *l, struct device *d, uint64_t was, uint64_t now_ms)
{
    struct resource *r = resource_find(l, &event_summary, d);
    if (r != NULL) {
        resource_changed(r);
    }
    tell_phones(l, d, now_ms);
    if (l->on_waiting != NULL && mailbox_mark(l, d) != was) {
        l->on_waiting(l->waiting_ctx, d, now_ms);
    }
}

void event_on_registration(struct event_layer *l, const struct record *record, bool registered,
                           uint64_t now_ms)
{
    struct device *d = registered && l->config.unsolicited_mwi && l->mailboxes.count > 0
                           ? directory_device(l->directory, record->key)
                           : NULL;
    if (d != NULL && mailbox_find(l, d) != NULL) {
        tell_phones(l, d, now_ms);
    }
}
