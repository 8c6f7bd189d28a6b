/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session descriptions of a connection: what its phone sent last, what was sent to it last.
 *
 * Descriptions pass the bridge untouched. Only where a phone would see its partner's
 * description jump (another origin after a transfer, a lower version after a hold that
 * Baton made) the origin line is continued: same session id, higher version (RFC 3264 §8).
 * That is decided by comparing with what the phone has seen, so there is no mode to set.
 */
#include "base/err.h"
#include "call/parts.h"
#include "sdp/sdp.h"

static void keep(struct connection *conn, struct str *slot, struct str body)
{
    const struct mem *mem = &conn->call->layer->env->mem;
    struct str copy;

    if (str_eq(*slot, body) || mem_dup(mem, body, &copy) != 0) {
        return; /* without memory the older description stays: hold may then be refused */
    }
    mem_free(mem, (void *)(uintptr_t)slot->p);
    *slot = copy;
}

bool media_has_sdp(const struct sip_msg *m)
{
    return m != NULL && sip_msg_body(m).n > 0 &&
           sip_msg_content_is(m, STR("application"), STR("sdp"));
}

void media_received(struct connection *conn, const struct sip_msg *m)
{
    if (media_has_sdp(m)) {
        keep(conn, &conn->desc, sip_msg_body(m));
    }
}

void media_sent(struct connection *conn, struct str body)
{
    keep(conn, &conn->sent, body);
}

struct str media_continue(struct connection *conn, struct str body, struct arena *a)
{
    struct sdp_origin seen, now;

    if (!str_is_set(conn->sent) || str_eq(conn->sent, body) ||
        sdp_origin_parse(conn->sent, &seen) != 0 || sdp_origin_parse(body, &now) != 0) {
        return STR_NONE;
    }
    if (sdp_origin_same(&seen, &now) && now.version > seen.version) {
        return STR_NONE;
    }
    if (sdp_equal_but_origin(conn->sent, body)) {
        return conn->sent;
    }
    return sdp_with_origin(body, &seen, seen.version + 1, a);
}

void media_pass(struct connection *to, const struct sip_msg *m, struct leg_content *c,
                struct arena *a)
{
    struct str body;

    c->pass = m;
    if (!media_has_sdp(m)) {
        return;
    }
    body = media_continue(to, sip_msg_body(m), a);
    if (str_is_set(body)) {
        c->type = STR("application/sdp");
        c->body = body;
    }
    media_sent(to, str_is_set(body) ? body : sip_msg_body(m));
}

bool media_is_hold(struct str sdp)
{
    enum sdp_direction d = sdp_direction(sdp);

    return d == SDP_SENDONLY || d == SDP_INACTIVE;
}

void media_fini(struct connection *conn)
{
    const struct mem *mem = &conn->call->layer->env->mem;

    mem_free(mem, (void *)(uintptr_t)conn->desc.p);
    mem_free(mem, (void *)(uintptr_t)conn->sent.p);
    conn->desc = conn->sent = STR_NONE;
}
