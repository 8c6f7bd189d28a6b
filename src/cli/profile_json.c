/* SPDX-License-Identifier: Apache-2.0 */
/* Profiles as JSON: see profile_json.h. Members are called as keys of a profile's file are. */
#include "cli/profile_json.h"
#include "base/attr.h"
#include "cli/json.h"
#include "phone/action.h"

static json_t *string_of(struct str s)
{
    return json_stringn(s.n > 0 ? s.p : "", s.n);
}

json_t *profile_json_entry(const struct phone_profile *p)
{
    json_t *o = json_object();

    json_set_str(o, "name", p->name);
    json_set_str(o, "means", phone_means_name(p->means));
    json_set_str(o, "text", p->text);
    return o;
}

static json_t *services_of(const struct phone_profile *p)
{
    json_t *list = json_array();

    for (unsigned id = 0; id < CSTA_MSG_COUNT; id++) {
        if (phone_profile_has(p, (enum csta_msg_id)id)) {
            (void)json_array_append_new(list, string_of(csta_msg_name((enum csta_msg_id)id)));
        }
    }
    return list;
}

static json_t *quirks_of(const struct phone_profile *p)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < PHONE_QUIRK_COUNT; i++) {
        if ((p->quirks & 1U << i) != 0) {
            (void)json_array_append_new(list, string_of(phone_quirk_name(1U << i)));
        }
    }
    return list;
}

static json_t *lines_of(struct str lines)
{
    json_t *list = json_array();

    while (lines.n > 0) {
        size_t end = str_index(lines, '\n');
        (void)json_array_append_new(list, string_of(str_upto(lines, end)));
        lines = str_from(lines, end + 1);
    }
    return list;
}

static json_t *action_of(const struct phone_profile *p)
{
    json_t *o = json_object();

    json_set_str(o, "uri", p->action_uri);
    for (unsigned i = 0; i < PHONE_ACT_COUNT; i++) {
        json_set_str(o, phone_act_name((enum phone_act)i), p->action_key[i]);
    }
    return o;
}

json_t *profile_json(const struct phone_profile *p)
{
    json_t *o = profile_json_entry(p), *agents = json_array();

    for (size_t i = 0; i < p->agent_count; i++) {
        (void)json_array_append_new(agents, string_of(p->agents[i]));
    }
    (void)json_object_set_new(o, "agents", agents);
    if (p->edition >= CSTA_ED2) {
        (void)json_object_set_new(o, "edition", json_integer((int)p->edition - CSTA_ED2 + 2));
    }
    json_set_str(o, "names", phone_name_form_name(p->name_form));
    (void)json_object_set_new(o, "events", json_boolean(p->own_events));
    (void)json_object_set_new(o, "talk", json_boolean(p->talk));
    (void)json_object_set_new(o, "feature_event", json_boolean(p->feature_event));
    (void)json_object_set_new(o, "services", services_of(p));
    (void)json_object_set_new(o, "quirks", quirks_of(p));
    if (str_is_set(p->action_uri)) {
        (void)json_object_set_new(o, "action", action_of(p));
    }
    (void)json_object_set_new(o, "settings", lines_of(p->settings));
    (void)json_object_set_new(o, "evidence", lines_of(p->evidence));
    json_set_str(o, "file", p->origin);
    return o;
}

json_t *profile_json_choice(const struct phone_profiles *all, const struct phone_choice *c,
                            struct str agent)
{
    json_t *o = json_object(), *others = json_array();

    (void)json_object_set_new(o, "profile",
                              c->profile != NULL ? profile_json(c->profile) : json_null());
    json_set_str(o, "why", str_c(phone_choice_text(c->why)));
    json_set_str(o, "pattern", c->pattern);
    for (size_t i = 0; i < all->count; i++) {
        const struct phone_profile *p = &all->item[i];
        for (size_t k = 0; k < p->agent_count; k++) {
            if (p->agents[k].p != c->pattern.p && phone_pattern_fits(p->agents[k], agent)) {
                json_t *other = json_object();
                json_set_str(other, "name", p->name);
                json_set_str(other, "pattern", p->agents[k]);
                (void)json_array_append_new(others, other);
            }
        }
    }
    (void)json_object_set_new(o, "others", others);
    return o;
}
