/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same request again with what was missing: credentials (RFC 3261 §8.1.3.5, §22.2, §22.3)
 * or a longer session interval (RFC 4028 §7.3).
 *
 * The new request has the same Call-ID, From and body and the next CSeq. Credentials stay with
 * the request: its ACK repeats them (§22.1), and when a proxy and then the server ask, both are
 * there. How often is bounded: a proxy and a server, each once and once more for a nonce
 * that was stale.
 */
#include "dialog/leg_impl.h"

#define AUTH_TRIES_MAX 4u
#define INTERVAL_TRIES_MAX 3u /* each proxy on the way may have its own minimum */
#define CREDENTIALS_MAX 4096u

static bool add_credentials(struct leg_request *r, const struct sip_msg *m)
{
    struct leg *leg = r->leg;
    struct leg_layer *l = leg->layer;
    const struct mem *mem = &l->env->mem;
    char *buf = arena_alloc(l->scratch, CREDENTIALS_MAX);
    struct out o;
    if (leg->auth == NULL || r->auth_tries >= AUTH_TRIES_MAX || buf == NULL) {
        return false;
    }
    out_init(&o, buf, CREDENTIALS_MAX);
    if (auth_client_answer(leg->auth, l->env, m, r->name, r->dialog->request_uri,
                           r->credentials, &o) != 0 ||
        o.over) {
        return false;
    }
    struct str kept;
    if (mem_dup(mem, out_str_of(&o), &kept) != 0) {
        return false;
    }
    mem_free(mem, (void *)(uintptr_t)r->credentials.p);
    r->credentials = kept;
    r->auth_tries++;
    return true;
}

static bool lengthen(struct leg_request *r, const struct sip_msg *m)
{
    struct leg *leg = r->leg;
    uint32_t min;
    if ((r->method != SIP_METHOD_INVITE && r->method != SIP_METHOD_UPDATE) ||
        !leg_timer_is_on(leg) || r->interval_tries >= INTERVAL_TRIES_MAX ||
        sip_msg_number(m, SIP_HDR_MIN_SE, &min) != 0 || min <= leg->min_se_s) {
        return false;
    }
    leg->min_se_s = min;
    r->interval_tries++;
    return true;
}

bool leg_retry(struct leg_request *r, const struct sip_msg *m, uint64_t now_ms)
{
    struct leg *leg = r->leg;
    bool again = false;
    if (r->parts.block == NULL) {
        return false;
    }
    if (m->status == 401 || m->status == 407) {
        again = add_credentials(r, m);
    } else if (m->status == 422) {
        again = lengthen(r, m);
    }
    if (!again) {
        return false;
    }
    if (r->initial) {
        leg_drop_early(leg, NULL); /* of the refused INVITE */
        leg->dialog = NULL;
    }
    struct txn *old = r->txn;
    if (leg_request_start(r, NULL, now_ms) != 0) {
        r->txn = old;
        return false;
    }
    txn_detach(old);
    return true;
}
