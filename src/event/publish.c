/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PUBLISH (RFC 3903), and NOTIFY outside of any subscription: how a voice mail system says what
 * waits for a device.
 *
 * The only package with publications is message-summary. Who may publish for a device: the
 * device itself, a trusted peer, an application that it is granted to. Each publication has its
 * entity-tag, a new one after every change, and its time; several for one device stand beside
 * each other, and the one that was changed last counts (§6.4 leaves composition to policy).
 *
 * Voice mail systems that know no PUBLISH send NOTIFY to the address of the device (as to a
 * phone, RFC 3842 §3 without the subscription). Each such system has one state per device,
 * without a tag, which lives until the next one.
 *
 * All of it outlives the process (mailbox_keep.c).
 */
#include "event/parts.h"

enum { BODY_MAX = 4096, DEFAULT_EXPIRES_S = 3600 };

struct request {
    struct event_layer *l;
    const struct sip_msg *m;
    struct device *device;
    struct publication *old; /**< of the SIP-If-Match; NULL: none */
    struct str text;         /**< absent: no body */
    uint32_t expires_s;
};

static bool refuse(struct event_layer *l, struct txn_reply *out, unsigned status,
                   struct str reason, struct str lines)
{
    l->count.refused++;
    *out = (struct txn_reply){.status = status, .reason = reason, .lines = lines};
    return false;
}

/* ---- publications ---- */

void publication_free(struct event_layer *l, struct publication *p)
{
    timer_stop(l->wheel, &p->expire);
    map_remove(&l->publications, &p->node);
    list_remove(&p->link);
    mem_free(&l->env->mem, (void *)(uintptr_t)p->text.p);
    pool_put(&l->publication_pool, p);
}

static void drop(struct event_layer *l, struct publication *p, uint64_t now_ms)
{
    struct mailbox *box = p->box;
    struct device *d = box->device;
    bool counts = mailbox_newest(box) == p;
    uint64_t was = mailbox_mark(l, d);
    publication_free(l, p);
    mailbox_settle(l, box);
    mailbox_keep(l, d, now_ms);
    if (counts) {
        mailbox_changed(l, d, was, now_ms);
    }
}

static void on_expire(struct timer *t, uint64_t now_ms)
{
    struct publication *p = container_of(t, struct publication, expire);
    drop(p->layer, p, now_ms);
}

static uint64_t etag_hash(const struct event_layer *l, struct str tag)
{
    return hash_bytes(&l->key, tag);
}

static struct publication *find_etag(const struct event_layer *l, struct str tag,
                                     const struct device *d)
{
    struct map_node *n = map_first(&l->publications, etag_hash(l, tag));
    for (; n != NULL; n = map_next(n)) {
        struct publication *p = container_of(n, struct publication, node);
        if (str_eq(str_make(p->etag, ETAG_LEN), tag) && p->box->device == d) {
            return p;
        }
    }
    return NULL;
}

void publication_tagged(struct event_layer *l, struct publication *p)
{
    map_add(&l->publications, &p->node, etag_hash(l, str_make(p->etag, ETAG_LEN)));
}

static void new_etag(struct event_layer *l, struct publication *p)
{
    map_remove(&l->publications, &p->node);
    env_random_token(l->env, p->etag, ETAG_LEN);
    publication_tagged(l, p);
}

struct publication *publication_new(struct event_layer *l, struct device *d)
{
    struct mailbox *box = mailbox_get(l, d);
    struct publication *p = box != NULL ? pool_get(&l->publication_pool) : NULL;
    if (p == NULL) {
        mailbox_settle(l, box);
        return NULL;
    }
    p->layer = l;
    p->box = box;
    timer_init(&p->expire, on_expire);
    list_append(&box->publications, &p->link);
    return p;
}

/** @return false: no memory, nothing has changed */
static bool set_text(struct publication *p, struct str text, bool *changed)
{
    const struct mem *mem = &p->layer->env->mem;
    const struct publication *newest = mailbox_newest(p->box);
    struct str copy;
    *changed = newest != p || !str_eq(text, p->text);
    if (mem_dup(mem, text, &copy) != 0) {
        return false;
    }
    mem_free(mem, (void *)(uintptr_t)p->text.p);
    p->text = copy;
    list_remove(&p->link); /* the newest is the last */
    list_append(&p->box->publications, &p->link);
    return true;
}

/* ---- what a request says ---- */

static bool read_body(struct request *q, struct txn_reply *out)
{
    struct str body = sip_msg_body(q->m);
    if (body.n == 0) {
        return true;
    }
    if (!sip_msg_content_is(q->m, STR("application"), STR("simple-message-summary"))) {
        return refuse(q->l, out, 415, STR_NONE,
                      STR("Accept: application/simple-message-summary\r\n"));
    }
    if (body.n > BODY_MAX) {
        return refuse(q->l, out, 413, STR_NONE, STR_NONE);
    }
    return mailbox_read(q->l->scratch, body, &q->text) ||
           refuse(q->l, out, 400, STR("Not A Message Summary"), STR_NONE);
}

static bool may_publish(const struct event_party *who, const struct device *d)
{
    return who->peer != NULL || who->device == d ||
           (who->application != NULL && directory_may_control(who->application, d));
}

static bool is_summary(const struct sip_msg *m)
{
    return str_eq(sip_value_head(sip_msg_value(m, SIP_HDR_EVENT), NULL), event_summary.name);
}

/** For whom, and may he? */
static bool read_target(struct request *q, const struct event_party *who, struct txn_reply *out)
{
    struct sip_uri uri;
    uint32_t at;
    if (sip_uri_parse(sip_msg_ruri(q->m), 0, &uri, &at) == 0) {
        q->device = directory_device_of_uri(q->l->directory, &uri);
    }
    if (q->device == NULL) {
        return refuse(q->l, out, 404, STR_NONE, STR_NONE);
    }
    return may_publish(who, q->device) || refuse(q->l, out, 403, STR_NONE, STR_NONE);
}

static bool read_expires(struct request *q, struct txn_reply *out)
{
    const struct event_config *c = &q->l->config;
    struct str ignored;
    q->expires_s = DEFAULT_EXPIRES_S;
    if (sip_msg_has(q->m, SIP_HDR_EXPIRES) &&
        sip_number_parse(sip_msg_value(q->m, SIP_HDR_EXPIRES), &q->expires_s, &ignored) != 0) {
        q->expires_s = c->max_expires_s;
    }
    if (q->expires_s > c->max_expires_s) {
        q->expires_s = c->max_expires_s;
    }
    return q->expires_s == 0 || q->expires_s >= c->min_expires_s ||
           refuse(q->l, out, 423, STR_NONE,
                  arena_fmt(q->l->scratch, "Min-Expires: %u\r\n", (unsigned)c->min_expires_s));
}

static bool read_match(struct request *q, struct txn_reply *out)
{
    const struct sip_hdr *h = sip_msg_line(q->m, SIP_HDR_SIP_IF_MATCH);
    if (h == NULL) {
        return q->text.n > 0 || refuse(q->l, out, 400, STR("A Body Is Needed"), STR_NONE);
    }
    q->old = find_etag(q->l, str_trim(sip_hdr_value(q->m, h)), q->device);
    return q->old != NULL || refuse(q->l, out, 412, STR_NONE, STR_NONE);
}

/* ---- what it does ---- */

static bool store(struct request *q, struct txn_reply *out, uint64_t now_ms)
{
    struct event_layer *l = q->l;
    uint64_t was = mailbox_mark(l, q->device);
    struct publication *p = q->old != NULL ? q->old : publication_new(l, q->device);
    bool changed = false;
    if (p == NULL || (q->text.n > 0 && !set_text(p, q->text, &changed))) {
        if (p != NULL && q->old == NULL) {
            struct mailbox *box = p->box;
            publication_free(l, p);
            mailbox_settle(l, box);
        }
        return refuse(l, out, 503, STR_NONE, STR("Retry-After: 30\r\n"));
    }
    new_etag(l, p);
    timer_set(l->wheel, &p->expire, now_ms + (uint64_t)q->expires_s * 1000);
    mailbox_keep(l, q->device, now_ms);
    if (changed) {
        mailbox_changed(l, q->device, was, now_ms);
    }
    out->lines = arena_fmt(l->scratch, "SIP-ETag: %.*s\r\nExpires: %u\r\n", (int)ETAG_LEN,
                           p->etag, (unsigned)q->expires_s);
    return true;
}

static void remove_now(struct request *q, struct txn_reply *out, uint64_t now_ms)
{
    char etag[ETAG_LEN];
    env_random_token(q->l->env, etag, ETAG_LEN);
    if (q->old != NULL) {
        drop(q->l, q->old, now_ms);
    }
    out->lines =
        arena_fmt(q->l->scratch, "SIP-ETag: %.*s\r\nExpires: 0\r\n", (int)ETAG_LEN, etag);
}

void event_publish(struct event_layer *l, const struct sip_msg *m,
                   const struct event_party *who, struct txn_reply *out, uint64_t now_ms)
{
    struct request q = {.l = l, .m = m};
    if (!event_publishes(l, m, out) || !read_target(&q, who, out) || !read_body(&q, out) ||
        !read_match(&q, out) || !read_expires(&q, out)) {
        return;
    }
    *out = (struct txn_reply){.status = 200};
    if (q.expires_s == 0) {
        remove_now(&q, out, now_ms);
    } else {
        (void)store(&q, out, now_ms);
    }
}

bool event_publishes(struct event_layer *l, const struct sip_msg *m, struct txn_reply *out)
{
    return is_summary(m) ||
           refuse(l, out, 489, STR_NONE, STR("Allow-Events: message-summary\r\n"));
}

/* ---- NOTIFY ---- */

bool event_is_notified(const struct sip_msg *m)
{
    return is_summary(m);
}

/** What that sender has said before, or NULL. */
static struct publication *said_by(const struct mailbox *box, uint64_t sender)
{
    if (box == NULL) {
        return NULL;
    }
    list_each(it, &box->publications)
    {
        struct publication *p = list_entry(it, struct publication, link);
        if (p->sender == sender) {
            return p;
        }
    }
    return NULL;
}

/** What one sender says, once and for all until he says something else. @return 0, E_NOMEM */
static int say(struct event_layer *l, struct device *d, uint64_t sender, struct str text,
               uint64_t now_ms)
{
    uint64_t was = mailbox_mark(l, d);
    struct publication *p = said_by(mailbox_find(l, d), sender);
    bool fresh = p == NULL, changed = false;
    if (fresh && (p = publication_new(l, d)) != NULL) {
        p->sender = sender;
    }
    if (p == NULL || !set_text(p, text, &changed)) {
        if (p != NULL && fresh) { /* it has said nothing, so nothing has changed */
            struct mailbox *box = p->box;
            publication_free(l, p);
            mailbox_settle(l, box);
        }
        return E_NOMEM;
    }
    if (changed || fresh) {
        mailbox_keep(l, d, now_ms);
        mailbox_changed(l, d, was, now_ms);
    }
    return 0;
}

/** Senders are kept. Who they may be is configured: nobody can choose a name for its hash. */
static const struct hash_key same_in_each_run = {0x6d61696c626f7865, 0x732e6f7572206f77};

void event_notified(struct event_layer *l, const struct sip_msg *m,
                    const struct event_party *who, struct txn_reply *out, uint64_t now_ms)
{
    struct request q = {.l = l, .m = m};
    if (!read_target(&q, who, out) || !read_body(&q, out)) {
        return;
    }
    if (q.text.n == 0) {
        (void)refuse(l, out, 400, STR("A Body Is Needed"), STR_NONE);
        return;
    }
    uint64_t sender = 1 | hash_bytes(&same_in_each_run, event_party_key(l->scratch, who));
    if (say(l, q.device, sender, q.text, now_ms) != 0) {
        (void)refuse(l, out, 503, STR_NONE, STR("Retry-After: 30\r\n"));
        return;
    }
    *out = (struct txn_reply){.status = 200};
}

/* ---- applications ---- */

/* Their one voice: the senders of NOTIFY are odd. */
enum { SENDER_APPLICATION = 2 };

int event_set_waiting(struct event_layer *l, struct device *d, bool on, struct str account,
                      uint64_t now_ms)
{
    struct publication *own = said_by(mailbox_find(l, d), SENDER_APPLICATION);
    struct str line, text;
    if (!on && own != NULL && own->link.next == own->link.prev) { /* nobody else says a word */
        drop(l, own, now_ms);
        return 0;
    }
    if (!on && !event_waiting(l, d).on) {
        return 0;
    }
    line = arena_fmt(l->scratch, "Messages-Waiting: %s\r\nMessage-Account: %.*s\r\n",
                     on ? "yes" : "no", STR_ARG(account.n > 0 ? account : d->uri));
    if (line.n == 0) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < account.n; i++) {
        if (account.p[i] <= ' ' || account.p[i] > '~') {
            return E_VALUE;
        }
    }
    return mailbox_read(l->scratch, line, &text) ? say(l, d, SENDER_APPLICATION, text, now_ms)
                                                 : E_NOMEM;
}
