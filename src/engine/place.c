/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the targets of a rule mean here and now: our devices, peers, URIs; and the texts that a
 * rule adds or changes in what goes out.
 *
 * Everything lies in the scratch arena: whoever keeps it copies it.
 */
#include "engine/steer.h"

/** The called number as a user part. Absent: no memory. */
static struct str user_of(const struct steering *s)
{
    struct arena *a = &s->e->scratch;
    size_t cap = 3 * s->verdict.called.n + 1;
    char *buf = arena_alloc(a, cap);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    rule_write_user(&o, s->verdict.called);
    return out_str_of(&o);
}

typedef bool is_ours_fn(const struct directory *d, const struct sip_uri *u);

static bool place_of_uri(const struct steering *s, struct str text, is_ours_fn *is_ours,
                         struct destination *out)
{
    struct directory *dir = s->e->config.directory;
    struct sip_uri u;
    uint32_t at;

    if (sip_uri_parse(text, 0, &u, &at) != 0 || u.scheme == SIP_SCHEME_OTHER) {
        return false;
    }
    if (u.scheme == SIP_SCHEME_TEL || is_ours(dir, &u)) {
        return destination_of_uri(&s->e->calls, &u, out);
    }
    /* a Request-URI has no headers (RFC 3261 §19.1.1) */
    *out = (struct destination){.uri = str_upto(text, str_index(text, '?')), .number = u.user};
    out->id = out->uri;
    return true;
}

bool steer_place_of_uri(const struct steering *s, struct str text, struct destination *out)
{
    return place_of_uri(s, text, directory_is_ours, out);
}

/** Where the Request-URI says, with the called number as it is now. */
static bool location(const struct steering *s, struct destination *out)
{
    struct str user, host = s->query.domain;
    struct sip_uri called = {0};
    char port[8] = "";
    uint32_t at;

    if (!s->verdict.called_changed) {
        return place_of_uri(s, sip_msg_ruri(s->m), directory_is_ours, out);
    }
    user = user_of(s);
    if (user.n == 0) {
        return false;
    }
    if (host.n == 0) {
        host = s->e->config.directory->domains[0];
    } else if (sip_uri_parse(sip_msg_ruri(s->m), 0, &called, &at) == 0 && called.port != 0) {
        struct out o;
        out_init(&o, port, sizeof(port) - 1);
        out_fmt(&o, ":%u", called.port);
        port[o.n] = '\0';
    }
    return place_of_uri(s,
                        arena_fmt(&s->e->scratch, "%s:%.*s@%.*s%s",
                                  sip_msg_is_sips(s->m) ? "sips" : "sip", STR_ARG(user),
                                  STR_ARG(host), port),
                        directory_is_ours, out);
}

static bool at_peer(const struct steering *s, struct str name, struct destination *out)
{
    const struct peer *p = directory_peer_named(s->e->config.directory, name);

    *out = (struct destination){.peer = p, .number = user_of(s)};
    if (p == NULL || out->number.p == NULL) {
        return false;
    }
    out->id =
        arena_fmt(&s->e->scratch, "sip:%.*s@%.*s", STR_ARG(out->number), STR_ARG(p->host));
    return out->id.p != NULL;
}

static bool at_uri(const struct steering *s, struct str uri, struct destination *out)
{
    size_t cap = uri.n + (uri.n / 8 + 1) * (3 * s->verdict.called.n + 1);
    char *buf = arena_alloc(&s->e->scratch, cap);
    struct out o;

    if (buf == NULL) {
        return false;
    }
    out_init(&o, buf, cap);
    rule_write_uri(&o, uri, s->verdict.called, NULL);
    return !o.over && place_of_uri(s, out_str_of(&o), directory_is_here, out);
}

bool steer_place(const struct steering *s, const struct rule_target *t, struct destination *out)
{
    *out = (struct destination){0};
    switch ((enum rule_target_kind)t->kind) {
    case RULE_TO_DEVICE:
        out->device = directory_device_named(s->e->config.directory, t->text);
        if (out->device != NULL) {
            out->id = out->device->uri;
            out->number = out->device->number;
        }
        return out->device != NULL;
    case RULE_TO_PEER:
        return at_peer(s, t->text, out);
    case RULE_TO_URI:
        return at_uri(s, t->text, out);
    case RULE_TO_LOCATION:
        break;
    }
    return location(s, out);
}

struct str steer_from(const struct steering *s)
{
    struct sip_addr from;
    struct str number = s->verdict.calling;
    struct out o;
    char *buf;
    size_t cap;

    if (!s->verdict.calling_changed || number.n == 0 ||
        sip_msg_addr(s->m, SIP_HDR_FROM, &from) != 0) {
        return STR_NONE;
    }
    cap = from.text.n + 3 * number.n + 16;
    buf = arena_alloc(&s->e->scratch, cap);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    if (from.display.n > 0) {
        out_ch(&o, '"');
        out_str(&o, from.display);
        out_c(&o, "\" ");
    }
    out_c(&o, from.uri.scheme == SIP_SCHEME_TEL ? "<tel:" : "<sip:");
    rule_write_user(&o, number);
    if (from.uri.scheme != SIP_SCHEME_TEL) {
        out_ch(&o, '@');
        out_str(&o, from.uri.host);
        if (from.uri.port != 0) {
            out_fmt(&o, ":%u", from.uri.port);
        }
    }
    out_ch(&o, '>');
    return o.over ? STR_NONE : out_str_of(&o);
}

struct str steer_lines(const struct steering *s, bool *no_memory)
{
    const struct rule *r = s->verdict.rule;
    size_t cap = 0;
    struct out o;
    char *buf;

    for (size_t i = 0; i < r->header_lines; i++) {
        cap += r->headers[i].name.n + r->headers[i].value.n + 4;
    }
    if (cap == 0) {
        return STR_NONE;
    }
    buf = arena_alloc(&s->e->scratch, cap);
    if (buf == NULL) {
        *no_memory = true;
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    for (size_t i = 0; i < r->header_lines; i++) {
        out_str(&o, r->headers[i].name);
        out_c(&o, ": ");
        out_str(&o, r->headers[i].value);
        out_c(&o, "\r\n");
    }
    return out_str_of(&o);
}

bool steer_is_called(const struct steering *s, const struct device *d)
{
    struct sip_uri uri;
    uint32_t at;

    return sip_uri_parse(sip_msg_ruri(s->m), 0, &uri, &at) == 0 &&
           directory_device_of_uri(s->e->config.directory, &uri) == d;
}

/* ---- the referring role ---- */

/** What a phone is to call: a device is called over us, as any other phone would. The text is
    borrowed, or in `u`. @return absent: nothing */
static struct str reference_of(const struct steering *s, const struct rule_target *t,
                               struct out *u, struct str *domain)
{
    struct destination to;
    struct txn_target way;

    *domain = STR_NONE;
    if (t->kind == RULE_TO_URI) {
        return t->text;
    }
    if (!steer_place(s, t, &to) || (to.peer != NULL && !peer_usable(to.peer))) {
        return STR_NONE;
    }
    if (to.device != NULL && sip_msg_is_sips(s->m)) {
        out_c(u, "sips:"); /* as a redirection does not lower the scheme (RFC 5630 §3.1.3) */
        out_str(u, to.device->key);
    } else if (to.peer == NULL) {
        out_str(u, to.device != NULL ? to.device->uri : to.uri);
    } else if (!call_way_to_peer(to.peer, to.number, sip_msg_is_sips(s->m), u, &way)) {
        return STR_NONE;
    }
    *domain = steer_domain(s, &to);
    return u->over ? STR_NONE : out_str_of(u);
}

/** With what it embeds, in the arena. @return absent: nowhere, or no memory */
static struct str refer_to(const struct steering *s, const struct rule_target *t)
{
    struct rule_more more = {0};
    struct uui_merged joined;
    struct str uri, domain;
    char text[512], *buf;
    struct out o;

    out_init(&o, text, sizeof(text));
    uri = reference_of(s, t, &o, &domain);
    if (uri.n == 0 || !steer_uui(s, UUI_MOVE_BLIND, domain, uri, &joined)) {
        return STR_NONE;
    }
    more.uui = joined.values;
    out_init(&o, NULL, 0); /* once to measure, once to write */
    rule_write_reference(&o, uri, s->verdict.called, s->verdict.rule, &more);
    buf = arena_alloc(&s->e->scratch, o.need);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, o.need);
    rule_write_reference(&o, uri, s->verdict.called, s->verdict.rule, &more);
    return o.over ? STR_NONE : out_str_of(&o);
}

size_t steer_references(const struct steering *s, struct str **list)
{
    size_t n = 0;

    *list = arena_alloc(&s->e->scratch, s->verdict.target_count * sizeof(**list));
    for (size_t i = 0; *list != NULL && i < s->verdict.target_count; i++) {
        (*list)[n] = refer_to(s, s->verdict.target[i]);
        n += str_is_set((*list)[n]);
    }
    return n;
}
