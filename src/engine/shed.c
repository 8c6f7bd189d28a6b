/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What strangers say of a call's past does not come in (`calls.untrusted_history: strip`).
 *
 * History-Info is protected by nothing but the trust between neighbours (RFC 7044 §5): who is
 * no part of our trust domain can write entries that put words, and User-to-User, into
 * somebody's mouth. Baton itself believes none of them, with or without this; but it passes
 * them on, as RFC 7044 has it, to others who may. Here the lines go, and those of Diversion,
 * which say the same, before anybody has seen them: requests and responses, proxied or bridged.
 *
 * COST. Nothing unless it is configured; then a look at the header index, and for messages that
 * have such lines from outside one copy.
 */
#include "base/err.h"
#include "engine/parts.h"
#include "sip/edit.h"

static bool has_past(const struct sip_msg *m)
{
    return sip_msg_has(m, SIP_HDR_HISTORY_INFO) || sip_msg_has(m, SIP_HDR_DIVERSION);
}

static int without_past(struct engine *e, const struct sip_msg *m, struct str *bytes)
{
    struct sip_edit *edit = arena_alloc(&e->scratch, sizeof(*edit));
    struct str *run = arena_alloc(&e->scratch, SIP_RUN_MAX * sizeof(*run));
    int n;

    if (edit == NULL || run == NULL) {
        return E_NOMEM;
    }
    sip_edit_init(edit, m, &e->scratch);
    sip_edit_cut(edit, SIP_HDR_HISTORY_INFO);
    sip_edit_cut(edit, SIP_HDR_DIVERSION);
    n = sip_edit_emit(edit, run);
    if (n < 0) {
        return n;
    }
    *bytes = arena_join(&e->scratch, run, (size_t)n);
    return str_is_set(*bytes) ? 0 : E_NOMEM;
}

bool shed_past(struct engine *e, const struct hop *from, struct sip_msg *m)
{
    const struct peer *peer;
    struct sip_fault fault;
    struct str bytes;

    if (!e->config.strip_untrusted_history || !has_past(m)) {
        return true;
    }
    peer = directory_peer_from(e->config.directory, from);
    if (peer != NULL && peer_is_inside(peer)) {
        return true;
    }
    if (without_past(e, m, &bytes) != 0 ||
        sip_msg_index(m, bytes, true, &e->config.limits, &fault) != 0) {
        return false;
    }
    env_trace_of(e->env, TRACE_DEBUG, "history",
                 &(struct trace_ids){.sip_call = sip_msg_value(m, SIP_HDR_CALL_ID)},
                 "taken out of a message from outside: Call-ID %.*s",
                 STR_ARG(sip_msg_value(m, SIP_HDR_CALL_ID)));
    return true;
}
