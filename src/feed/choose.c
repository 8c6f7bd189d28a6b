/* SPDX-License-Identifier: Apache-2.0 */
/* Filters and rights: which reader gets which event. */
#include "csta/csta.h"
#include "feed/parts.h"

/** Without "org.baton.", "csta." and the version. */
static struct str short_of(struct str type)
{
    if (str_starts(type, STR("org.baton."))) {
        type = str_from(type, sizeof("org.baton.") - 1);
    }
    if (str_starts(type, STR("csta."))) {
        type = str_from(type, sizeof("csta.") - 1);
    }
    return str_upto(type, str_index(type, '.'));
}

bool feed_type_matches(struct str pattern, struct str type)
{
    return access_matches(pattern, type) || access_matches(pattern, short_of(type));
}

enum { OURS = 6 };

/** What is no event of CSTA: OURS, then the questions to an application (engine/asked.c). */
static const char *const others[] = {"operation", "audit",    "resynced",          "snapshot",
                                     "gap",       "test",     "routeRequest",      "reRoute",
                                     "routeUsed", "routeEnd", "routeRegisterAbort"};

/**
 * Short names, one after the other, from 0 on: those above, then the events of CSTA as
 * cti/cloud.c calls them.
 * @param buf  room for one
 * @return false: that was the last
 */
static bool next_type(size_t *at, char *buf, size_t cap, struct str *out)
{
    size_t i = (*at)++;

    if (i < ARRAY_LEN(others)) {
        *out = str_c(others[i]);
        return true;
    }
    for (i -= ARRAY_LEN(others); i < CSTA_MSG_COUNT; i++, (*at)++) {
        struct str name = csta_msg_name((enum csta_msg_id)i);
        if (str_ends(name, STR("Event")) && name.n < cap) {
            *out = str_make(memcpy(buf, name.p, name.n), name.n - (sizeof("Event") - 1));
            buf[0] = (char)(buf[0] | 0x20);
            return true;
        }
    }
    return false;
}

bool feed_type_is_known(struct str pattern)
{
    char buf[64], whole[128];
    struct str type;
    struct out o;

    for (size_t at = 0; next_type(&at, buf, sizeof(buf), &type);) {
        out_init(&o, whole, sizeof(whole));
        out_fmt(&o, "org.baton.%s%.*s.v1", at <= OURS ? "" : "csta.", STR_ARG(type));
        if (feed_type_matches(pattern, out_str_of(&o))) {
            return true;
        }
    }
    return false;
}

void feed_types(struct out *o)
{
    char buf[64];
    struct str type;

    for (size_t at = 0; next_type(&at, buf, sizeof(buf), &type);) {
        out_c(o, at > 1 ? ", " : "");
        out_str(o, type);
    }
}

static bool any_type(const struct feed_filter *f, struct str type)
{
    for (size_t i = 0; i < f->types; i++) {
        if (feed_type_matches(f->type[i], type)) {
            return true;
        }
    }
    return f->types == 0;
}

static bool any_device(const struct feed_filter *f, struct str audience)
{
    struct str key;

    while (cloud_next_key(&audience, &key)) {
        if (access_scopes_observe(f->device, f->devices, key)) {
            return true;
        }
    }
    return f->devices == 0;
}

bool feed_wants(const struct feed_filter *f, const struct cloud_event *e)
{
    return e->gap || (any_type(f, e->type) && any_device(f, e->audience) &&
                      (f->call_id.n == 0 || str_eq(f->call_id, e->call_id)));
}

bool feed_may(const struct access_principal *who, const struct cloud_event *e)
{
    struct str audience = e->audience, key;

    if (who == NULL || who->gone) {
        return false;
    }
    if (e->gap || access_is_admin(who) || (e->owner.n > 0 && str_eq(e->owner, who->name))) {
        return true;
    }
    while (cloud_next_key(&audience, &key)) {
        if (access_observe(who, key)) {
            return true;
        }
    }
    return false;
}
