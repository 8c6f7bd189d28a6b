/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NOTIFY: when it goes, where to, what it says, and what its answer means (RFC 6665 §4.2.2).
 *
 * WHEN        nothing is in the air, and the interval is over or it is urgent. What cannot go
 *             now is tried again by what it waits for: the answer, or the pause.
 * WHERE       as the dialog says; a GRUU of ours leads to the phone (RFC 5627 §6.1), and when
 *             the dialog's flow is gone, first over the flow on which the subscriber has
 *             registered that Contact meanwhile.
 * ANSWERS     2xx                        it knows what was told
 *             refusal with Retry-After   all of it again then, TRIES_MAX times
 *             refusal, no answer         the subscription is removed
 *             not sent                   all of it again after 2, 4, 8 … s, TRIES_MAX times:
 *                                        the subscriber may come back with a new connection,
 *                                        to which a SUBSCRIBE of its pins the dialog
 *
 * The last NOTIFY is handed over and forgotten: no answer to it could change anything.
 */
#include "event/parts.h"

enum {
    TRIES_MAX = 6,
    PAUSE_MS = 2000, /* after the first failure; doubled with each further one */
    RETRY_AFTER_MAX_S = 3600,
    NO_MEMORY_MS = 1000,
    COME_BACK_S = 30, /* probation */
};

static const char *const reasons[] = {
    [EVENT_DEACTIVATED] = "deactivated", [EVENT_PROBATION] = "probation",
    [EVENT_REJECTED] = "rejected",       [EVENT_TIMEOUT] = "timeout",
    [EVENT_GIVEUP] = "giveup",           [EVENT_NORESOURCE] = "noresource",
    [EVENT_INVARIANT] = "invariant",
};

static void pause_until(struct subscription *s, uint64_t at_ms)
{
    timer_set(s->layer->wheel, &s->pause, at_ms);
}

/* ---- what becomes of it ---- */

/** All of it again, later; too often: never again. */
static void retry(struct subscription *s, uint64_t after_ms, uint64_t now_ms)
{
    s->layer->count.notify_failed++;
    if (s->ending || ++s->tries > TRIES_MAX) {
        subscription_free(s, now_ms);
        return;
    }
    s->dirty = s->full = true;
    s->next_ms = now_ms + after_ms;
    s->urgent = false;
    subscription_wake(s);
}

static void on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    struct subscription *s = t->owner;
    uint32_t after;
    (void)from;
    if (m->status < 200) {
        return;
    }
    txn_detach(t);
    s->notify = NULL;
    if (m->status < 300) {
        s->tries = 0;
        s->told_rev = s->sent_rev;
        if (s->dirty || s->ending) {
            subscription_wake(s);
        }
    } else if (sip_msg_number(m, SIP_HDR_RETRY_AFTER, &after) == 0 &&
               (m->status == 500 || m->status == 503 || m->status == 486 || m->status == 480)) {
        after = after < RETRY_AFTER_MAX_S ? after : RETRY_AFTER_MAX_S;
        retry(s, (uint64_t)(after > 0 ? after : 1) * 1000, now_ms);
    } else {
        s->layer->count.notify_failed++;
        subscription_free(s, now_ms);
    }
}

static void on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    struct subscription *s = t->owner;
    txn_detach(t);
    s->notify = NULL;
    if (why == TXN_TIMEOUT) {
        s->layer->count.notify_failed++;
        subscription_free(s, now_ms);
    } else {
        retry(s, (uint64_t)PAUSE_MS << s->tries, now_ms);
    }
}

static const struct txn_user notify_user = {.on_response = on_response,
                                            .on_failure = on_failure};

/* ---- where to ---- */

static bool same_uri(struct str a, struct str b)
{
    struct sip_uri x, y;
    uint32_t at;
    return str_eq(a, b) || (sip_uri_parse(a, 0, &x, &at) == 0 &&
                            sip_uri_parse(b, 0, &y, &at) == 0 && sip_uri_eq(&x, &y));
}

/** The flow on which the subscriber has registered this Contact. */
static bool registered_flow(const struct subscription *s, struct hop *out)
{
    const struct record *rec =
        s->subscriber != NULL ? registrar_find(s->layer->registrar, s->subscriber->key) : NULL;
    if (rec == NULL || s->dialog.route_set.n > 0) {
        return false;
    }
    list_each(it, &rec->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        if (b->hop.flow != 0 && same_uri(b->contact, s->dialog.remote_target)) {
            *out = b->hop;
            return true;
        }
    }
    return false;
}

static struct txn_target target_of(const struct subscription *s)
{
    struct txn_target to = s->dialog.next;
    struct hop hop;
    if (!s->dialog.pinned && registered_flow(s, &hop)) {
        to = (struct txn_target){.hop = hop};
    }
    return to;
}

/* ---- what it says ---- */

static void write_state(const struct subscription *s, struct out *o, uint64_t now_ms)
{
    out_c(o, "Subscription-State: ");
    if (s->ending) {
        out_c(o, "terminated;reason=");
        out_c(o, reasons[s->reason]);
        if (s->reason == EVENT_PROBATION) {
            out_fmt(o, ";retry-after=%u", (unsigned)COME_BACK_S);
        }
    } else {
        uint64_t left = s->expires_ms > now_ms ? (s->expires_ms - now_ms) / 1000 : 0;
        out_c(o, "active;expires=");
        out_u64(o, left);
    }
    out_c(o, "\r\n");
}

static void write_request(const struct subscription *s, const struct event_body *body,
                          struct str contact, struct out *o, uint64_t now_ms)
{
    const struct dialog *d = &s->dialog;
    out_c(o, "NOTIFY ");
    out_str(o, d->request_uri);
    out_c(o, " SIP/2.0\r\n");
    dialog_write_head(d, o, STR("NOTIFY"), d->local_cseq + 1, 70, STR_NONE);
    out_str(o, contact);
    out_c(o, "Event: ");
    out_str(o, s->package->name);
    if (s->id.n > 0) {
        out_c(o, ";id=");
        out_str(o, s->id);
    }
    out_c(o, "\r\n");
    write_state(s, o, now_ms);
    out_str(o, s->layer->txn->user_agent_line);
    if (body->body.n > 0) {
        out_c(o, "Content-Type: ");
        out_str(o, body->type);
        out_c(o, "\r\n");
    }
    out_c(o, "Content-Length: ");
    out_u64(o, body->body.n);
    out_c(o, "\r\n\r\n");
}

/** @return 0, E_NOMEM */
static int send(struct subscription *s, uint64_t now_ms)
{
    struct event_layer *l = s->layer;
    struct dialog *d = &s->dialog;
    struct event_body body = {0};
    (void)dialog_locate(d, &l->locator, &l->env->mem);
    struct txn_target to = target_of(s);
    struct str contact = subscription_contact(s);
    bool has_state = s->resource != NULL || s->package->implicit;
    if (contact.p == NULL || (has_state && !s->package->write(s, s->full, &body, now_ms))) {
        return E_NOMEM;
    }
    size_t cap = dialog_head_size(d) + d->request_uri.n + contact.n + s->package->name.n +
                 s->id.n + l->txn->user_agent_line.n + body.type.n + 384;
    char *buf = arena_alloc(l->scratch, cap);
    struct out o;
    if (buf == NULL) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    write_request(s, &body, contact, &o, now_ms);
    if (o.over) {
        return E_NOMEM;
    }
    struct str head = out_str_of(&o);
    size_t line = str_find(head, STR("\r\n")) + 2;
    struct str run[] = {str_upto(head, line), str_from(head, line), body.body};
    s->notify = txn_client_new(l->txn, SIP_METHOD_NOTIFY, &to, run, ARRAY_LEN(run),
                               &notify_user, s, now_ms);
    if (s->notify == NULL) {
        return E_NOMEM;
    }
    d->local_cseq++;
    subscription_touch(s);
    return 0;
}

void notify_try(struct subscription *s, uint64_t now_ms)
{
    if (s->notify != NULL || (!s->dirty && !s->ending)) {
        return;
    }
    if (!s->urgent && !s->ending && now_ms < s->next_ms) {
        pause_until(s, s->next_ms);
        return;
    }
    if (send(s, now_ms) != 0) {
        if (++s->tries > TRIES_MAX) {
            subscription_free(s, now_ms);
        } else {
            pause_until(s, now_ms + NO_MEMORY_MS);
        }
        return;
    }
    s->layer->count.notified++;
    if (s->ending) {
        subscription_free(s, now_ms);
        return;
    }
    timer_stop(s->layer->wheel, &s->pause);
    uint32_t interval = s->layer->config.interval_ms;
    s->next_ms = now_ms + (interval != 0 ? interval : s->package->interval_ms);
    s->sent_rev = s->resource != NULL ? s->resource->rev : 0;
    s->version++;
    s->dirty = s->full = s->urgent = false;
}
