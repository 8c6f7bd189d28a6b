/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 199 Early Dialog Terminated (RFC 6228 §6).
 *
 * When a branch fails whose phones have made early dialogs, and the caller does not hear of it
 * because others still ring, he is told for each of these dialogs that it has ended: he can
 * give up the media of the lost phone. Only when he has said that he supports it, and does not
 * require reliable provisional responses, which a proxy cannot send.
 *
 * Tags are kept in the fork's arena, EARLY_MAX for a branch; who makes more gets no 199 for
 * them.
 */
#include "proxy/priv.h"

enum { EARLY_MAX = 16 };

bool proxy__wants_199(const struct sip_msg *m)
{
    return m->method == SIP_METHOD_INVITE && sip_msg_has(m, SIP_HDR_SUPPORTED) &&
           sip_msg_has_token(m, SIP_HDR_SUPPORTED, STR("199")) &&
           !sip_msg_has_token(m, SIP_HDR_REQUIRE, STR("100rel")) &&
           !str_is_set(sip_msg_tag(m, SIP_HDR_TO));
}

void proxy__note_early(struct proxy__branch *b, const struct sip_msg *m)
{
    struct arena *a = &b->fork->keep;
    struct str tag = b->fork->wants_199 ? sip_msg_tag(m, SIP_HDR_TO) : STR_NONE;
    uint32_t n = 0;
    if (tag.n == 0) {
        return;
    }
    struct proxy__early *e = b->early;
    while (e != NULL && !str_eq(e->tag, tag)) {
        e = e->next;
        n++;
    }
    if (e == NULL) {
        if (n >= EARLY_MAX || (e = arena_zalloc(a, sizeof(*e))) == NULL) {
            return;
        }
        e->tag = arena_dup(a, tag);
        if (!str_is_set(e->tag)) {
            return;
        }
        e->next = b->early;
        b->early = e;
    }
    e->ended = e->ended || m->status == 199;
}

void proxy__end_early(struct proxy__branch *b, unsigned status, uint64_t now_ms)
{
    struct proxy__fork *f = b->fork;
    char reason[40];
    struct out o;
    if (f->server == NULL) {
        return;
    }
    out_init(&o, reason, sizeof(reason));
    out_fmt(&o, "Reason: SIP;cause=%u\r\n", status);
    for (struct proxy__early *e = b->early; e != NULL; e = e->next) {
        if (!e->ended) {
            e->ended = true;
            (void)txn_reply(
                f->server,
                &(struct txn_reply){.status = 199, .to_tag = e->tag, .lines = out_str_of(&o)},
                now_ms);
        }
    }
}
