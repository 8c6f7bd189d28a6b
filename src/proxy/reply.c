/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses on their way back (RFC 3261 §16.7, RFC 4320, RFC 6026).
 *
 *   100           of the hop: ends here
 *   101-199       to an INVITE at once, while there is no final one; to others never (RFC 4320)
 *   2xx           at once; to an INVITE also every later one, from whatever branch
 *   300-699       kept; when all branches are done the best one goes (best.c)
 *   none          408 of a timeout, 503 of a transport failure (§16.9): made here; 408 to a
 *                 non-INVITE is never sent (RFC 4320 §4.2), nobody waits for it any more
 *
 * What goes upstream is the response as it came, without our Via: the first value of the first
 * Via line. A response without a further Via was not meant to go on: the server that sent it is
 * broken, and its branch counts as 502.
 */
#include "proxy/priv.h"

/** Cut the top Via value. @return false: no other is left */
static bool cut_via(struct sip_edit *e)
{
    const struct sip_msg *m = e->m;
    struct sip_values it = {0};
    struct str first, second;
    if (!sip_msg_each(m, SIP_HDR_VIA, &it, &first)) {
        return false;
    }
    const struct sip_hdr *line = it.line;
    if (!sip_msg_each(m, SIP_HDR_VIA, &it, &second)) {
        return false;
    }
    if (it.line != line) {
        sip_edit_cut_line(e, line);
    } else {
        sip_edit_span(e, (uint32_t)(first.p - m->buf), (uint32_t)(second.p - first.p),
                      STR_NONE);
    }
    return true;
}

static bool has_other_via(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct str value;
    return sip_msg_each(m, SIP_HDR_VIA, &it, &value) &&
           sip_msg_each(m, SIP_HDR_VIA, &it, &value);
}

/** "SIP/2.0 500 Server Internal Error" for "SIP/2.0 503 …". */
static void put_status(struct sip_edit *e, struct arena *a, unsigned status)
{
    const struct sip_msg *m = e->m;
    struct str version =
        str_upto(str_make(m->buf, m->head_len), str_index(str_make(m->buf, m->head_len), ' '));
    struct str line = arena_fmt(a, "%.*s %u %s", STR_ARG(version), status, sip_reason(status));
    if (!str_is_set(line)) {
        e->err = E_NOMEM;
    } else {
        sip_edit_start_line(e, line);
    }
}

static void put_content_length(struct sip_edit *e, struct arena *a)
{
    struct str length = arena_fmt(a, "%u", e->m->len - e->m->head_len);
    if (!str_is_set(length)) {
        e->err = E_NOMEM;
    } else {
        sip_edit_append(e, STR("Content-Length"), length);
    }
}

/** What is added at the end, and cut, besides. @return 0 or E_NOMEM */
static int put_changes(const struct proxy__fork *f, struct sip_edit *e, unsigned status,
                       bool inside, struct str more)
{
    struct history_out out = {0};
    int err = proxy__response_changes(f, e->m, inside, &out);
    if (err == 0 && (status == 401 || status == 407) && f->challenges.n > 0) {
        err = change_add(&out, f->proxy->scratch, f->challenges);
    }
    err = err != 0 ? err : change_add(&out, f->proxy->scratch, more);
    for (const enum sip_hdr_id *id = out.cut; id != NULL && *id != SIP_HDR_OTHER; id++) {
        sip_edit_cut(e, *id);
    }
    if (out.lines.n > 0) {
        sip_edit_span(e, e->m->head_len - 2, 0, out.lines);
    }
    return err;
}

int proxy__pass_response(struct proxy__fork *f, const struct sip_msg *m, unsigned status,
                         bool inside, struct proxy__uus *uus, uint64_t now_ms)
{
    struct proxy *p = f->proxy;
    struct str run[SIP_RUN_MAX];
    struct proxy__said said;
    struct sip_edit e;
    if (f->server == NULL) {
        return E_STATE;
    }
    sip_edit_init(&e, m, p->scratch);
    if (!cut_via(&e)) {
        return E_SYNTAX;
    }
    if (status != m->status) {
        put_status(&e, p->scratch, status);
    }
    if (proxy__uus_response(f, m, status, uus, &said) != 0 ||
        put_changes(f, &e, status, inside, said.lines) != 0) {
        return E_NOMEM; /* not with what may not be told */
    }
    proxy__put_said(&e, &said);
    if (!said.body && !sip_msg_has(m, SIP_HDR_CONTENT_LENGTH) &&
        transport_is_reliable((enum transport)f->from.transport)) {
        put_content_length(&e, p->scratch);
    }
    int n = sip_edit_emit(&e, run);
    if (n < 0) {
        return n;
    }
    p->stats.responses++;
    return txn_pass_response(f->server, status, run, (size_t)n,
                             sip_edit_only_cuts(&e) ? m->buf : NULL, now_ms);
}

/** The status of all branches together, when none of them has said anything. */
static unsigned own_status(const struct proxy__fork *f)
{
    if (f->cancelled && f->best == NULL) {
        return 487; /* the caller has ended it, whoever did not answer (§9.2) */
    }
    return f->best_status != 0 ? f->best_status : 480;
}

/** There is no response of anybody's that could go on; `none`: there was none at all. */
static void reply_without(struct proxy__fork *f, bool none, unsigned status, uint64_t now_ms)
{
    struct str lines = none && status == 480 && f->no_sips
                           ? STR("Warning: 380 baton \"SIPS Not Allowed\"\r\n")
                           : f->challenges;
    struct history_out out = {.lines = lines};
    if (proxy__response_changes(f, NULL, true, &out) != 0) {
        out.lines = lines;
    }
    (void)txn_reply(f->server, &(struct txn_reply){.status = status, .lines = out.lines},
                    now_ms); /* not even that: the transaction answers 500 in time */
}

void proxy__answer(struct proxy__fork *f, const struct sip_msg *m, uint64_t now_ms)
{
    const struct sip_msg *best = m != NULL ? m : f->best != NULL ? &f->best->m : NULL;
    unsigned status = proxy__outward(best != NULL ? f->best_status : own_status(f));
    bool silent = status == 408 && f->server != NULL && f->server->kind == TXN_NIST;
    f->answered = true;
    proxy__leave_peer(&f->caller);
    if (f->server != NULL && !silent) {
        int err = best != NULL ? proxy__pass_response(f, best, status, f->best_inside,
                                                      &f->best_uus, now_ms)
                               : E_STATE;
        if (err == E_STATE || err == E_NOMEM || err == E_SYNTAX || err == E_TOOMANY) {
            reply_without(f, best == NULL, status, now_ms);
        }
    }
    proxy__fork_free(f);
}

/* ---- what comes in ---- */

static void on_provisional(struct proxy__branch *b, const struct sip_msg *m, uint64_t now_ms)
{
    struct proxy__fork *f = b->fork;
    b->rang = true;
    if (m->status == 100 || b->txn->kind != TXN_ICT) {
        return;
    }
    if (!b->done && !b->cancelled) {
        timer_set(f->proxy->wheel, &b->ring, now_ms + f->ring_ms);
    }
    if (f->answered || f->server == NULL) {
        return;
    }
    proxy__trail_answered(b, m->status, m);
    (void)proxy__pass_response(f, m, m->status, proxy__sender_inside(b, m), &b->uus, now_ms);
    proxy__note_early(b, m);
}

void proxy__on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    struct proxy__branch *b = t->owner;
    struct proxy__fork *f = b->fork;
    (void)from;
    proxy__uus_heard(b, m);
    if (m->status < 200) {
        on_provisional(b, m, now_ms);
    } else if (m->status < 300 && b->done && !f->answered) {
        proxy__success(b, m, now_ms); /* given up, and there after all */
    } else if (m->status < 300 && b->done) {
        /* once more, or from another phone behind a proxy behind us (RFC 6026 §7.2) */
        (void)proxy__pass_response(f, m, m->status, proxy__sender_inside(b, m), &b->uus,
                                   now_ms);
    } else if (!has_other_via(m)) {
        proxy__branch_done(b, 502, NULL, now_ms);
    } else {
        proxy__branch_done(b, m->status, m, now_ms);
    }
}

void proxy__on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    struct proxy__branch *b = t->owner;
    unsigned lost = b->by_token ? 430 : 503; /* RFC 5626 §5.3 */
    proxy__branch_done(b, why == TXN_TIMEOUT ? 408 : lost, NULL, now_ms);
}
