/* SPDX-License-Identifier: Apache-2.0 */
/* The section `conference`: the focus, which is a URI or a peer, and its rooms. */
#include "server/config_map.h"
#include "sip/uri.h"

#include <ctype.h>

static bool has_number(const char *room)
{
    return room != NULL && strstr(room, "%s") != NULL;
}

static bool is_sip(struct str text)
{
    struct sip_uri u;
    uint32_t at;
    return sip_uri_parse(text, 0, &u, &at) == 0 &&
           (u.scheme == SIP_SCHEME_SIP || u.scheme == SIP_SCHEME_SIPS) && u.host.n > 0 &&
           !str_is_set(u.headers);
}

static bool is_peer(const struct config *c, struct str name)
{
    for (size_t i = 0; i < c->peer_count; i++) {
        if (str_eq(c->peers[i].name, name)) {
            return true;
        }
    }
    return false;
}

/** A user part as it may stand in a URI, with at most one number in it. */
static bool check_room(struct config_tree *t, yaml_node_t *at, const char *key,
                       const char *room, bool number)
{
    static const char plain[] = "-_.!~*'()&=+$,;?/";
    const char *rest = room;
    bool seen = false;
    for (; rest != NULL && *rest != '\0'; rest++) {
        bool hole = rest[0] == '%' && rest[1] == 's' && !seen;
        if (!hole && !isalnum((unsigned char)*rest) && strchr(plain, *rest) == NULL) {
            return tree_fault(t, tree_key(t, at, key),
                              "%s: a user part of a URI is wanted, with %%s at most once", key);
        }
        seen = seen || hole;
        rest += hole ? 1 : 0;
    }
    return room == NULL || !number || seen ||
           tree_fault(t, tree_key(t, at, key), "%s: %%s is wanted in it", key);
}

bool config_map_conference(struct config_tree *t, struct config *c)
{
    const struct raw_conference *raw = &c->raw->conference;
    yaml_node_t *at = tree_key(t, tree_root(t), "conference");
    struct str focus = raw->focus == NULL ? STR_NONE : str_c(raw->focus);
    if (focus.n == 0) {
        return raw->room == NULL ||
               tree_fault(t, tree_key(t, at, "room"), "room: it needs a focus");
    }
    if (!is_sip(focus) && !is_peer(c, focus)) {
        return tree_fault(t, tree_key(t, at, "focus"),
                          "focus: a sip URI or the name of a peer is wanted");
    }
    if (!is_sip(focus) && raw->room == NULL) {
        return tree_fault(t, tree_key(t, at, "focus"),
                          "focus: at a peer, `room` says which user part");
    }
    if (raw->silent_room != NULL && !has_number(raw->room)) {
        return tree_fault(t, tree_key(t, at, "silent_room"),
                          "silent_room: it is for a `room` with %%s");
    }
    c->engine.call.focus = focus;
    c->engine.call.room = raw->room == NULL ? STR_NONE : str_c(raw->room);
    c->engine.call.silent_room = raw->silent_room == NULL ? STR_NONE : str_c(raw->silent_room);
    c->engine.call.max_parties = raw->max_parties;
    return check_room(t, at, "room", raw->room, false) &&
           check_room(t, at, "silent_room", raw->silent_room, true);
}
