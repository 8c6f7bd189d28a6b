/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From where, and which events: in a query, in a message of a WebSocket, in a webhook.
 *
 *     from    now, earliest, snapshot, or a number: what comes behind it
 *     device  numbers, keys, sip: URIs, or beginnings of them with '*'
 *     type    names of events (feed_type_matches); one that is no event's is refused
 *     callID  one call
 */
#include "api/events.h"
#include "base/err.h"

static const char bad_from[] = "`from` is now, earliest, snapshot, or the number of an event.";
static const char bad_device[] =
    "A device is chosen by its number, 1001, its URI, sip:1001@example.com, or the beginning of "
    "one with * behind it.";
static const char many[] = "At most 64 devices and 64 types can be chosen.";

static bool read_from(struct str text, struct choice *out)
{
    out->snapshot = str_eq(text, STR("snapshot"));
    if (out->snapshot || str_eq(text, STR("now"))) {
        out->from = FEED_NOW;
        return true;
    }
    if (str_eq(text, STR("earliest"))) {
        out->from = FEED_EARLIEST;
        return true;
    }
    out->from = FEED_AFTER;
    return str_to_u64(text, INT64_MAX - 1, &out->after);
}

/** A device as scopes have it. */
static bool read_device(struct str text, struct access_scope *out)
{
    static const struct str schemes[] = {STR_INIT("sip:"), STR_INIT("sips:"), STR_INIT("tel:")};
    char scope[ACCESS_SCOPE_TEXT];
    struct access_scope checked;
    struct out o;

    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (str_istarts(text, schemes[i])) {
            text = str_from(text, schemes[i].n);
            break;
        }
    }
    out_init(&o, scope, sizeof(scope));
    out_c(&o, "observe:");
    out_str(&o, text);
    *out = (struct access_scope){.pattern = text, .kind = ACCESS_OBSERVE};
    return !o.over && access_scope_read(out_str_of(&o), &checked) == 0;
}

/** Room for the items of both lists. */
struct lists {
    struct arena *arena; /**< of the sentence about what is wrong, too */
    struct access_scope *device;
    struct str *type;
};

static bool lists_in(struct arena *a, struct lists *l, struct choice *c)
{
    l->arena = a;
    l->device = arena_zalloc(a, CHOICE_ITEMS * sizeof(*l->device));
    l->type = arena_zalloc(a, CHOICE_ITEMS * sizeof(*l->type));
    c->filter.device = l->device;
    c->filter.type = l->type;
    return l->device != NULL && l->type != NULL;
}

static bool add_device(struct lists *l, struct choice *c, struct str text, const char **why)
{
    if (c->filter.devices == CHOICE_ITEMS) {
        *why = many;
        return false;
    }
    if (!read_device(text, &l->device[c->filter.devices])) {
        *why = bad_device;
        return false;
    }
    c->filter.devices++;
    return true;
}

/** A slip would choose nothing, for ever. */
static const char *no_type(struct arena *a, struct str text)
{
    enum { ROOM = 1400 };
    char *buf = arena_alloc(a, ROOM);
    struct out o;

    if (buf == NULL) {
        return "No event has that type.";
    }
    out_init(&o, buf, ROOM - 1);
    out_fmt(&o, "No event has the type %.*s. There are ", STR_ARG(str_upto(text, 64)));
    feed_types(&o);
    out_c(&o, "; or * behind a beginning.");
    buf[o.n] = '\0';
    return buf;
}

static bool add_type(struct lists *l, struct choice *c, struct str text, const char **why)
{
    if (c->filter.types == CHOICE_ITEMS) {
        *why = many;
        return false;
    }
    if (!feed_type_is_known(text)) {
        *why = no_type(l->arena, text);
        return false;
    }
    l->type[c->filter.types++] = text;
    return true;
}

/* ---- a query: lists with commas ---- */

static bool add_all(struct lists *l, struct choice *c, struct str list, bool devices,
                    const char **why)
{
    while (list.n > 0) {
        struct str one = str_upto(list, str_index(list, ','));
        list = str_from(list, one.n + 1);
        one = str_trim(one);
        if (one.n > 0 && !(devices ? add_device(l, c, one, why) : add_type(l, c, one, why))) {
            return false;
        }
    }
    return true;
}

bool choice_of_query(struct api_request *r, struct choice *out)
{
    struct str from = r->field[API_LAST_EVENT_ID];
    const char *why = bad_from;
    struct lists l;

    *out = (struct choice){.from = FEED_NOW};
    if (!lists_in(r->arena, &l, out)) {
        api_busy(r, E_NOMEM);
        return false;
    }
    if (!str_is_set(from) || from.n == 0) {
        from = api_query(r, "from");
    }
    if (str_is_set(from) && from.n > 0 && !read_from(from, out)) {
        api_refuse(r, 400, "badFrom", "%s", why);
        return false;
    }
    if (!add_all(&l, out, api_query(r, "device"), true, &why) ||
        !add_all(&l, out, api_query(r, "type"), false, &why)) {
        api_refuse(r, 400, "badFilter", "%s", why);
        return false;
    }
    out->filter.call_id = api_query(r, "callID");
    return true;
}

/* ---- JSON ---- */

static struct str text_of(const json_t *v, struct arena *a)
{
    return json_is_string(v)
               ? arena_dup(a, str_make(json_string_value(v), json_string_length(v)))
               : STR_NONE;
}

static bool read_list(const json_t *list, struct lists *l, struct choice *c, bool devices,
                      struct arena *a, const char **why)
{
    size_t i;
    const json_t *item;

    if (list != NULL && !json_is_array(list)) {
        *why = "`devices` and `types` are arrays of strings.";
        return false;
    }
    json_array_foreach(list, i, item)
    {
        struct str text = text_of(item, a);
        if (text.n == 0) {
            *why = "`devices` and `types` are arrays of strings.";
            return false;
        }
        if (!(devices ? add_device(l, c, text, why) : add_type(l, c, text, why))) {
            return false;
        }
    }
    return true;
}

static bool only_known(const json_t *filter, const char **why)
{
    const char *name;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)filter, name, v)
    {
        if (strcmp(name, "devices") != 0 && strcmp(name, "types") != 0 &&
            strcmp(name, "callID") != 0) {
            *why = "A filter has devices, types and callID, and nothing else.";
            return false;
        }
    }
    return true;
}

static bool read_from_json(const json_t *from, struct arena *a, struct choice *out)
{
    if (from == NULL) {
        return true;
    }
    if (json_is_integer(from) && json_integer_value(from) >= 0) {
        out->from = FEED_AFTER;
        out->after = (uint64_t)json_integer_value(from);
        return true;
    }
    return json_is_string(from) && read_from(text_of(from, a), out);
}

bool choice_of_json(const json_t *msg, struct arena *a, struct choice *out, const char **why)
{
    const json_t *filter = json_object_get(msg, "filter"), *call;
    struct lists l;

    *out = (struct choice){.from = FEED_NOW};
    if (!lists_in(a, &l, out)) {
        *why = "There is no memory for it now.";
        return false;
    }
    if (!read_from_json(json_object_get(msg, "from"), a, out)) {
        *why = bad_from;
        return false;
    }
    if (filter == NULL) {
        return true;
    }
    if (!json_is_object(filter)) {
        *why = "`filter` is an object.";
        return false;
    }
    call = json_object_get(filter, "callID");
    if (call != NULL) {
        out->filter.call_id = text_of(call, a);
        if (out->filter.call_id.n == 0) {
            *why = "`callID` is a string.";
            return false;
        }
    }
    return only_known(filter, why) &&
           read_list(json_object_get(filter, "devices"), &l, out, true, a, why) &&
           read_list(json_object_get(filter, "types"), &l, out, false, a, why);
}

static json_t *json_of(struct str s)
{
    return json_stringn(s.p != NULL ? s.p : "", s.n);
}

json_t *choice_filter_json(const struct feed_filter *f)
{
    json_t *all = json_object(), *list;

    if (f->devices > 0) {
        list = json_array();
        for (size_t i = 0; i < f->devices; i++) {
            (void)json_array_append_new(list, json_of(f->device[i].pattern));
        }
        (void)json_object_set_new(all, "devices", list);
    }
    if (f->types > 0) {
        list = json_array();
        for (size_t i = 0; i < f->types; i++) {
            (void)json_array_append_new(list, json_of(f->type[i]));
        }
        (void)json_object_set_new(all, "types", list);
    }
    if (f->call_id.n > 0) {
        (void)json_object_set_new(all, "callID", json_of(f->call_id));
    }
    return all;
}
