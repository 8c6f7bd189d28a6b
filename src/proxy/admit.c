/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May a request be forwarded (RFC 3261 §16.3)? Form and scheme were judged before; here are hop
 * count, breadth, loops, what the request demands of proxies, session timers, and whether the
 * sender's word about identities counts.
 *
 * LOOPS AND SPIRALS (RFC 5393 §4.2). The second part of our branch, the mark, is a keyed hash
 * over what decides where a request goes: Request-URI, Route, From, To, Call-ID, CSeq, and the
 * headers that route rules like to ask for. A request whose Via lines hold the mark that it
 * would get again has looped; one that comes again with another mark spirals and passes. Nobody
 * can write a mark that he has not seen, so the Via lines are searched for it as for any text,
 * and whose line it is need not be asked.
 */
#include "proxy/priv.h"

#include "history/identity.h"
#include "sip/hdr.h"

/** What §16.6 step 3 and RFC 5393 §5.3.3 put when the header is not there. */
enum { MAX_FORWARDS = 70 };

/** Texts that are hashed together: few and short, as they are nearly always, in one go. */
struct gathered {
    const struct hash_key *key;
    uint64_t h;
    size_t n;
    char buf[512];
};

static void gather_end(struct gathered *g)
{
    g->h = hash_mix(g->h, hash_bytes(g->key, str_make(g->buf, g->n)));
    g->n = 0;
}

static void gather(struct gathered *g, struct str s)
{
    uint32_t n = (uint32_t)s.n; /* else "ab", "c" would be "a", "bc" */
    if (s.n > sizeof(g->buf) - sizeof(n)) {
        g->h = hash_mix(g->h, hash_bytes(g->key, s));
        return;
    }
    if (g->n + sizeof(n) + s.n > sizeof(g->buf)) {
        gather_end(g);
    }
    memcpy(g->buf + g->n, &n, sizeof(n));
    memcpy(g->buf + g->n + sizeof(n), s.p, s.n);
    g->n += sizeof(n) + s.n;
}

/** RFC 5393 §4.2.1: varies with what decides about the target, not with the method. */
static void make_mark(const struct proxy *p, struct proxy__request *r)
{
    static const enum sip_hdr_id deciding[] = {
        SIP_HDR_ROUTE,          SIP_HDR_FROM,          SIP_HDR_TO,
        SIP_HDR_CALL_ID,        SIP_HDR_USER_TO_USER,  SIP_HDR_P_ASSERTED_IDENTITY,
        SIP_HDR_ACCEPT_CONTACT, SIP_HDR_PROXY_REQUIRE, SIP_HDR_PROXY_AUTHORIZATION,
        SIP_HDR_REJECT_CONTACT,
    };
    struct gathered g;
    struct sip_cseq cseq = {0};
    struct out o;
    g.key = &p->loop_key;
    g.h = g.n = 0;
    gather(&g, r->route.ruri);
    for (size_t i = 0; i < ARRAY_LEN(deciding); i++) {
        const struct sip_hdr *line = sip_msg_line(r->m, deciding[i]);
        for (; line != NULL; line = sip_msg_next_line(r->m, line)) {
            gather(&g, sip_hdr_value(r->m, line));
        }
    }
    (void)sip_msg_cseq(r->m, &cseq);
    gather(&g, str_make((const char *)&cseq.number, sizeof(cseq.number)));
    gather_end(&g);
    out_init(&o, r->mark, sizeof(r->mark));
    out_hex(&o, str_make((const char *)&g.h, sizeof(g.h)), false);
    out_ch(&o, '\0');
}

static bool has_looped(const struct proxy__request *r)
{
    struct str mark = str_c(r->mark);
    const struct sip_hdr *line = sip_msg_line(r->m, SIP_HDR_VIA);
    for (; line != NULL; line = sip_msg_next_line(r->m, line)) {
        struct str value = sip_hdr_value(r->m, line);
        if (str_find(value, mark) < value.n) {
            return true;
        }
    }
    return false;
}

/** No option of Proxy-Require is known here (§16.3 step 5). Names those that fit in a line. */
static struct str unsupported(struct arena *a, const struct sip_msg *m)
{
    char text[512];
    struct sip_values it = {0};
    struct str tag;
    struct out o;
    bool first = true;
    out_init(&o, text, sizeof(text));
    while (sip_msg_each(m, SIP_HDR_PROXY_REQUIRE, &it, &tag)) {
        if (tag.n > 0 && o.n + tag.n + 2 <= 400) {
            out_c(&o, first ? "" : ", ");
            out_str(&o, tag);
            first = false;
        }
    }
    return arena_fmt(a, "Unsupported: %.*s\r\n", STR_ARG(out_str_of(&o)));
}

/** RFC 4028 §8.1: only who knows session timers can be told. */
static bool session_too_short(const struct proxy *p, const struct sip_msg *m)
{
    struct sip_session_expires se;
    return p->config.min_se_s > 0 &&
           (m->method == SIP_METHOD_INVITE || m->method == SIP_METHOD_UPDATE) &&
           sip_msg_has(m, SIP_HDR_SESSION_EXPIRES) &&
           sip_session_expires_parse(sip_msg_value(m, SIP_HDR_SESSION_EXPIRES), &se) == 0 &&
           se.seconds < p->config.min_se_s &&
           sip_msg_has_token(m, SIP_HDR_SUPPORTED, STR("timer"));
}

/** RFC 3325 §5: is what names the sender not to be passed on unseen? */
static bool is_outside(const struct proxy *p, const struct proxy__request *r)
{
    const struct peer *peer =
        p->directory != NULL ? directory_peer_from(p->directory, r->from) : NULL;
    return peer == NULL || !peer_is_inside(peer) || privacy_withholds(privacy_of(r->m));
}

unsigned proxy__admit(struct proxy *p, struct proxy__request *r, struct str *lines)
{
    const struct sip_msg *m = r->m;
    uint32_t n;
    *lines = STR_NONE;
    if (sip_msg_number(m, SIP_HDR_MAX_FORWARDS, &n) != 0) {
        r->max_forwards = MAX_FORWARDS;
    } else if (n == 0) {
        p->stats.hops++;
        return 483;
    } else {
        r->max_forwards = n - 1;
    }
    if (sip_msg_number(m, SIP_HDR_MAX_BREADTH, &n) != 0 || n > p->config.max_breadth) {
        n = p->config.max_breadth;
    }
    r->breadth = n;
    r->outside = is_outside(p, r);
    make_mark(p, r);
    if (has_looped(r)) {
        p->stats.loops++;
        return 482;
    }
    if (m->count[SIP_HDR_PROXY_REQUIRE] > 0) {
        *lines = unsupported(p->scratch, m);
        return 420;
    }
    if (n == 0) {
        return 440; /* not even one branch is allowed */
    }
    if (session_too_short(p, m)) {
        *lines = arena_fmt(p->scratch, "Min-SE: %u\r\n", p->config.min_se_s);
        return 422;
    }
    return 0;
}
