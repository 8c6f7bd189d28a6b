/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a peer understands: what the configuration declares, else what it said when it was asked
 * by OPTIONS (RFC 3261 §11.2, RFC 3840 §8).
 *
 *   declared    counts for ever, and the peer is not asked for it
 *   2xx         its Supported and the feature parameters of its first Contact, for `keep_s`
 *   2xx without any of them: RFC 3261 §11.2 wants a Supported, so it has none; but such a
 *               server may well be changed, so that counts for `keep_no_s` only
 *   any other answer, or none: nothing new; what was said before counts until its time is over
 *
 * A Supported stands for the feature `extensions` when the Contact has none, so that
 * Accept-Contact finds it (RFC 3840 §9).
 *
 * OWNERSHIP. What was said lies in one block of the peer's state. An answer that says the same
 * again makes no new one. Bounded by PEER_SAID_MAX octets: who says more has said nothing.
 */
#include "peers/parts.h"
#include "sip/hdr.h"

#define PEER_SAID_MAX 2048

void peer_forget(struct peer_state *s)
{
    mem_free(&s->peers->env->mem, s->block);
    s->block = NULL;
    s->said = (struct support){0};
    s->said_until_ms = 0;
}

static struct str first_contact_params(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct sip_addr a;
    struct str value;
    uint32_t at;
    if (!sip_msg_each(m, SIP_HDR_CONTACT, &it, &value) || sip_addr_parse(value, &a, &at) != 0) {
        return STR_NONE;
    }
    return a.params;
}

static void write_tags(struct out *o, const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct str tag;
    for (bool more = false; sip_msg_each(m, SIP_HDR_SUPPORTED, &it, &tag); more = true) {
        out_c(o, more ? "," : "");
        out_str(o, tag);
    }
}

/** Parameters as ";name=value", without the line folds that RFC 3261 §7.3.1 allows. */
static void write_params(struct out *o, struct str params)
{
    struct str name, value;
    while (sip_param_next(&params, &name, &value)) {
        out_ch(o, ';');
        out_str(o, name);
        out_c(o, str_is_set(value) ? "=" : "");
        for (size_t i = 0; i < value.n; i++) {
            out_ch(o, value.p[i] == '\r' || value.p[i] == '\n' ? ' ' : value.p[i]);
        }
    }
}

/** @return octets of tags; the features are the rest */
static size_t write_said(struct out *o, const struct sip_msg *m)
{
    struct str params = first_contact_params(m), value;
    write_tags(o, m);
    size_t tags = o->n;
    write_params(o, params);
    if (tags > 0 && !sip_param(params, STR("extensions"), &value)) {
        out_c(o, ";extensions=\"");
        write_tags(o, m);
        out_ch(o, '"');
    }
    return tags;
}

static bool is_known(const struct peer_state *s, struct str text, size_t tags)
{
    return s->block != NULL && str_eq(s->said.supported, str_upto(text, tags)) &&
           str_eq(s->said.features, str_from(text, tags));
}

void peer_learn(struct peer_state *s, const struct sip_msg *m, uint64_t now_ms)
{
    struct peers *p = s->peers;
    char text[PEER_SAID_MAX];
    struct out o;
    out_init(&o, text, sizeof text);
    if (m->status < 200 || m->status > 299) {
        return;
    }
    size_t tags = write_said(&o, m);
    if (o.over) {
        return;
    }
    if (!is_known(s, out_str_of(&o), tags)) {
        /* one octet more: empty texts lie somewhere, too, which says that they were said */
        char *block = mem_alloc(&p->env->mem, o.n + 1);
        if (block == NULL) {
            return;
        }
        memcpy(block, text, o.n);
        peer_forget(s);
        s->block = block;
        s->said.supported = str_make(block, tags);
        s->said.features = str_make(block + tags, o.n - tags);
        p->learned++;
        env_trace(p->env, TRACE_DEBUG, "peers", "%.*s supports \"%.*s\", is \"%.*s\"",
                  STR_ARG(s->peer->name), STR_ARG(str_upto(s->said.supported, 200)),
                  STR_ARG(str_upto(s->said.features, 200)));
    }
    uint32_t keep_s = o.n > 0 ? p->config.keep_s : p->config.keep_no_s;
    s->said_until_ms = now_ms + keep_s * UINT64_C(1000);
}

bool peer_is_declared(const struct peer *peer)
{
    return str_is_set(peer->uui_option) || str_is_set(peer->uui_features);
}

struct support peer_support(const struct peer *peer)
{
    const struct peer_state *s = peer->state;
    if (peer_is_declared(peer)) {
        return (struct support){
            .supported = peer->uui_option, .features = peer->uui_features, .declared = true};
    }
    if (s == NULL || s->block == NULL || s->peers->wheel->now_ms >= s->said_until_ms) {
        return (struct support){0};
    }
    return s->said;
}

enum fit peer_fit(const struct peer *peer, const struct demand *w)
{
    struct support s = peer_support(peer);
    return w != NULL ? demand_fit(w, &s) : FIT_YES;
}

enum understands peer_understands(const struct peer *peer, struct str package,
                                  struct str feature_tag)
{
    struct support s = peer_support(peer);
    return support_package(&s, package, feature_tag);
}
