/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the focus is, and what it says of itself (RFC 4579).
 *
 * The configuration names it in one of two ways. With a "%s" in `conference.room` each
 * conference has a room of its own there, whose user part has a random number in that place:
 * the dial plan of a FreeSWITCH or Asterisk makes the room when somebody calls it. Else what is
 * called (`conference.focus`, with `room` as its user part if there is one) is a FACTORY (RFC
 * 4579 §3.2): the first INVITE goes there, and the Contact of the 2xx, or of a 3xx, is the URI
 * of the room (§5.4), to which the others go.
 *
 * `conference.focus` is a sip URI, or the name of a peer: then everything goes to that peer, be
 * it a proxy in front of several bridges, and of a room's URI the user part counts.
 *
 * The number is random and long, so that nobody who can dial rooms dials into this one.
 */
#include "call/gather.h"

enum { ROOM_DIGITS = 12, USER_MAX = 128 };

static bool is_uri(struct str focus)
{
    return str_istarts(focus, STR("sip:")) || str_istarts(focus, STR("sips:"));
}

static const struct peer *peer_named(const struct call_layer *l, struct str name)
{
    const struct directory *dir = l->directory;

    for (size_t i = 0; i < dir->peer_count; i++) {
        if (str_eq(dir->peers[i].name, name)) {
            return &dir->peers[i];
        }
    }
    return NULL;
}

bool call_has_focus(const struct call_layer *l)
{
    struct str focus = l->config.focus;

    return focus.n > 0 && (is_uri(focus) || peer_named(l, focus) != NULL);
}

/** Where "%s" stands in it, else its length. */
static size_t hole_of(struct str template)
{
    size_t at = 0;

    while (at + 1 < template.n && (template.p[at] != '%' || template.p[at + 1] != 's')) {
        at++;
    }
    return at + 1 < template.n ? at : template.n;
}

/** The template with the number in it, in the call's arena; absent: no memory. */
static struct str fill_in(struct call *c, struct str template, struct str number)
{
    size_t at = hole_of(template);

    if (at == template.n) {
        return arena_dup(&c->arena, template);
    }
    return arena_fmt(&c->arena, "%.*s%.*s%.*s", (int)at, template.p, STR_ARG(number),
                     (int)(template.n - at - 2), template.p + at + 2);
}

static struct str random_number(struct call *c)
{
    char *digits = arena_alloc(&c->arena, ROOM_DIGITS);

    if (digits == NULL) {
        return STR_NONE;
    }
    for (size_t i = 0; i < ROOM_DIGITS; i++) {
        digits[i] = (char)('0' + env_random64(c->layer->env) % 10);
    }
    return str_make(digits, ROOM_DIGITS);
}

/** `uri` with another user part, in the arena; absent: it is no URI, or no memory. */
static struct str with_user(struct arena *a, struct str uri, struct str user)
{
    struct sip_uri u;
    uint32_t at;
    struct str rest;

    if (sip_uri_parse(uri, 0, &u, &at) != 0 || u.host.n == 0) {
        return STR_NONE;
    }
    rest = str_make(u.host.p, (size_t)(uri.p + uri.n - u.host.p));
    return arena_fmt(a, "%.*s:%.*s@%.*s", STR_ARG(u.scheme_name), STR_ARG(user), STR_ARG(rest));
}

struct conference *focus_room(struct call *c)
{
    const struct call_config *config = &c->layer->config;
    struct conference *conf = arena_zalloc(&c->arena, sizeof(*conf));

    if (conf == NULL || !call_has_focus(c->layer)) {
        return NULL;
    }
    conf->call = c;
    list_init(&conf->seats);
    if (config->room.n > 0) {
        conf->number = random_number(c);
        conf->user = conf->number.n == 0 ? STR_NONE : fill_in(c, config->room, conf->number);
        if (conf->user.n == 0) {
            return NULL;
        }
        conf->known = hole_of(config->room) < config->room.n;
    }
    return conf;
}

bool focus_place(const struct call *c, bool silent, struct destination *out)
{
    struct call_layer *l = c->layer;
    struct conference *conf = c->conference;
    struct str user = conf->user;
    struct str focus = l->config.focus;

    if (silent) {
        user = fill_in(conf->call, l->config.silent_room, conf->number);
    }
    *out = (struct destination){.number = user};
    if (!is_uri(focus)) {
        out->peer = peer_named(l, focus);
        out->id = out->peer == NULL ? STR_NONE
                                    : arena_fmt(l->scratch, "sip:%.*s@%.*s", STR_ARG(user),
                                                STR_ARG(out->peer->host));
        return out->id.n > 0 && user.n > 0;
    }
    out->uri = conf->uri.n > 0 ? conf->uri : focus;
    if (user.n > 0) {
        out->uri = with_user(l->scratch, focus, user);
    }
    out->id = out->uri;
    out->sips = str_istarts(out->uri, STR("sips:"));
    return out->uri.n > 0;
}

bool focus_learn(struct call *c, const struct sip_msg *m)
{
    struct conference *conf = c->conference;
    struct sip_values it = {0};
    struct sip_addr contact;
    struct str value, flag;
    uint32_t at;

    if (m == NULL || !sip_msg_each(m, SIP_HDR_CONTACT, &it, &value) ||
        sip_addr_parse(value, &contact, &at) != 0 || str_is_set(contact.uri.headers)) {
        return conf->known;
    }
    conf->isfocus = conf->isfocus || sip_param(contact.params, STR("isfocus"), &flag);
    if (conf->known) {
        return true;
    }
    if (is_uri(c->layer->config.focus)) {
        conf->uri = arena_dup(&c->arena, contact.uri.text);
        conf->user = STR_NONE;
    } else {
        conf->user = arena_dup(&c->arena, contact.uri.user);
    }
    conf->known = conf->uri.n > 0 || conf->user.n > 0;
    struct trace_ids ids = call_trace_ids(c, NULL);
    env_trace_of(c->layer->env, TRACE_INFO, "call", &ids, "%s: the room is %.*s%s", c->id,
                 STR_ARG(contact.uri.text), conf->isfocus ? ", a focus" : "");
    return conf->known;
}
