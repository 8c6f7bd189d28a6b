/* SPDX-License-Identifier: Apache-2.0 */
/* Filters and rights: which reader gets which event. */
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
