/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The border's word about messages that leave (struct txn_border of txn.h).
 *
 * A request that is refused has its way, its branch and its bytes, but nothing of it is sent:
 * the answer is made of those bytes as if the next hop had given it, waits in `sent` for the
 * next tick, and is handed to the user as a response. So a bridge, a fork and an application
 * need to know nothing of the border: it is a neighbour that said no.
 *
 * COST. Without a border one test for each message.
 */
#include "txn/priv.h"

int txn__send_past_border(const struct txn_layer *l, const char *same, const struct hop *hop,
                          struct str name, const struct str *run, size_t n)
{
    const struct env *env = l->env;
    struct txn_leaving what = {.name = name, .run = run, .n = n};
    struct txn_exit_out x;
    switch (txn__leave(l, same, hop, &what, &x)) {
    case TXN_EXIT_PASS:
        return env->send(env->ctx, hop, run, n);
    case TXN_EXIT_CHANGED:
        return env->send(env->ctx, hop, &x.bytes, 1);
    case TXN_EXIT_REFUSED:
        return E_DENIED;
    case TXN_EXIT_FAILED:
        break;
    }
    return E_NOMEM;
}

int txn__deny(struct txn *t, const struct txn_reply *why)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m;
    struct str answer;
    if (!txn__index_sent(t->sent, hdr, &m) ||
        txn__answer_own(t->layer, &m, &t->hop, why, &answer) != 0) {
        return E_NOMEM;
    }
    txn__drop_sent(t);
    t->sent = answer;
    return E_DENIED;
}

void txn__tell_denied(struct txn *t, struct str answer, uint64_t now_ms)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m;
    struct hop from = t->hop;
    if (t->user != NULL && t->user->on_response != NULL && txn__index_sent(answer, hdr, &m)) {
        t->user->on_response(t, &m, &from, now_ms);
    }
    mem_free(&t->layer->env->mem, (void *)(uintptr_t)answer.p);
}
