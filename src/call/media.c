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

static bool keep(struct connection *conn, struct str *slot, struct str body)
{
    const struct mem *mem = &conn->call->layer->env->mem;
    struct str copy;

    if (str_eq(*slot, body)) {
        return true;
    }
    if (mem_dup(mem, body, &copy) != 0) {
        return false;
    }
    mem_free(mem, (void *)(uintptr_t)slot->p);
    *slot = copy;
    return true;
}

bool media_has_sdp(const struct sip_msg *m)
{
    return m != NULL && sip_msg_body(m).n > 0 &&
           sip_msg_content_is(m, STR("application"), STR("sdp"));
}

void media_received(struct connection *conn, const struct sip_msg *m)
{
    if (media_has_sdp(m) && !keep(conn, &conn->desc, sip_msg_body(m))) {
        mem_free(&conn->call->layer->env->mem, (void *)(uintptr_t)conn->desc.p);
        conn->desc = STR_NONE; /* rather none than one that is not true any more */
    }
}

static bool same_origin(const struct sdp *a, const struct sdp *b)
{
    return str_eq(a->username, b->username) && str_eq(a->id, b->id) && str_eq(a->net, b->net);
}

static uint64_t version_of(const struct sdp *s)
{
    uint64_t v = 0;

    (void)str_to_u64(s->version, UINT64_MAX - 1,
                     &v); /* not a number: any number continues it */
    return v;
}

bool media_sent(struct connection *conn, struct str body)
{
    struct sdp now;

    conn->sent_stale = !keep(conn, &conn->sent, body);
    if (conn->sent_stale && str_is_set(conn->sent) && sdp_parse(body, &now, NULL) == 0) {
        conn->sent_version = version_of(&now);
    }
    return str_is_set(conn->sent);
}

static struct str with_origin(const struct sdp *body, const struct sdp *seen, uint64_t version,
                              struct arena *a)
{
    struct sdp_origin origin = {
        .username = seen->username, .id = seen->id, .net = seen->net, .version = version};
    struct sdp_edit edit = {.aim = SDP_KEEP, .origin = &origin};
    struct str out;

    return sdp_rewrite(body, &edit, a, &out) == 0 ? out : STR_NONE;
}

struct str media_continue(struct connection *conn, struct str body, struct arena *a)
{
    struct sdp seen, now;
    uint64_t version;
    struct str out;

    if (!str_is_set(conn->sent) || (str_eq(conn->sent, body) && !conn->sent_stale) ||
        sdp_parse(conn->sent, &seen, NULL) != 0 || sdp_parse(body, &now, NULL) != 0) {
        return STR_NONE;
    }
    version = conn->sent_stale ? conn->sent_version : version_of(&seen);
    if (same_origin(&seen, &now) && version_of(&now) > version) {
        return STR_NONE;
    }
    out = with_origin(&now, &seen, version, a);
    if (str_eq(out, conn->sent) && !conn->sent_stale) {
        return out; /* nothing but the origin differs: it is the same description */
    }
    return with_origin(&now, &seen, version + 1, a);
}

struct str media_aimed(struct str body, unsigned aim, struct arena *a)
{
    struct sdp_edit edit = {.aim = (uint8_t)aim};
    struct sdp view;
    struct str out;

    if (sdp_parse(body, &view, NULL) != 0 || sdp_rewrite(&view, &edit, a, &out) != 0) {
        return STR_NONE;
    }
    return out;
}

static struct str silence(const struct connection *conn, bool offers, struct arena *a)
{
    const struct env *env = conn->call->layer->env;
    uint8_t entropy[SDP_ENTROPY];
    struct sdp_local local = {
        .id = env_random64(env) >> 16, .version = 1, .offers = offers, .entropy = entropy};
    const struct leg *leg = connection_leg(conn);
    struct addr addr = {0};
    struct out o, host;
    struct sdp offer;
    char text[64];
    char *buf;
    size_t cap;

    if (leg == NULL || sdp_parse(conn->desc, &offer, NULL) != 0) {
        return STR_NONE;
    }
    cap = conn->desc.n + 512 + offer.media_count * SDP_KEYS_MAX;
    buf = arena_alloc(a, cap);
    if (buf == NULL) {
        return STR_NONE;
    }
    env->random(env->ctx, entropy, sizeof(entropy));
    env->local(env->ctx, &leg->hop, &addr);
    out_init(&host, text, sizeof(text));
    addr_write_host(&host, &addr);
    local.address = out_str_of(&host);
    out_init(&o, buf, cap);
    return sdp_write_black_hole(&o, &local, &offer) == 0 ? out_str_of(&o) : STR_NONE;
}

struct str media_silence(const struct connection *conn, struct arena *a)
{
    return silence(conn, false, a);
}

struct str media_silence_offer(const struct connection *conn, struct arena *a)
{
    return silence(conn, true, a);
}

bool media_ack_silence(struct connection *conn, struct leg *leg, const struct sip_msg *m,
                       uint64_t now_ms)
{
    struct leg_content content = {.type = STR("application/sdp")};
    bool known;

    media_received(conn, m);
    content.body = media_silence(conn, conn->call->layer->scratch);
    if (!str_is_set(content.body)) {
        content.type = STR_NONE;
    }
    known = media_sent(conn, content.body) || !str_is_set(content.body);
    return leg_ack(leg, &content, now_ms) == 0 && known;
}

bool media_pass(const struct connection *from, struct connection *to, const struct sip_msg *m,
                struct leg_content *c)
{
    struct arena *a = to->call->layer->scratch;
    struct str body;

    c->pass = m;
    pass_identity(from, to, m, c);
    if (!media_has_sdp(m)) {
        return true;
    }
    body = media_continue(to, sip_msg_body(m), a);
    if (str_is_set(body)) {
        c->type = STR("application/sdp");
        c->body = body;
    }
    return media_sent(to, str_is_set(body) ? body : sip_msg_body(m));
}

bool media_is_hold(struct str body)
{
    struct sdp view;

    return sdp_parse(body, &view, NULL) == 0 && sdp_is_held(&view);
}

void media_hand_over(struct connection *from, struct connection *to)
{
    media_fini(to);
    to->desc = from->desc;
    to->sent = from->sent;
    to->sent_stale = from->sent_stale;
    to->sent_version = from->sent_version;
    from->desc = from->sent = STR_NONE;
}

void media_fini(struct connection *conn)
{
    const struct mem *mem = &conn->call->layer->env->mem;

    mem_free(mem, (void *)(uintptr_t)conn->desc.p);
    mem_free(mem, (void *)(uintptr_t)conn->sent.p);
    conn->desc = conn->sent = STR_NONE;
}
