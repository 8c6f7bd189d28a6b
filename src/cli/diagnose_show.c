/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two forms in which a report about a device comes, read for diagnose_words.c: XML, as
 * applications get it, and JSON, as the API gives it (engine/view_other.c makes the one of the
 * other: each kind of element an array, each attribute a member, yes and no true and false).
 *
 * Settings of profiles stand inside the elements, and are wanted when all has been said: each
 * form is walked a second time for them.
 */
#include "base/err.h"
#include "cli/diagnose_cmd.h"
#include "cli/diagnose_words.h"
#include "csta/xml.h"

enum { ATTRS_MAX = XML_ATTR_MAX };

static int unreadable(FILE *out)
{
    fprintf(out, "the server's report cannot be read\n");
    return EXIT_CODE_FAILED;
}

/* ---- XML ---- */

static const struct xml_limits limits = {.bytes = 65536, .depth = 8, .elements = 512};

/** The element whose head was read. @return 0 or an error */
static int say_element(struct diagnose_words *w, struct xml_reader *r, struct arena *a)
{
    struct diagnose_attr attr[ATTRS_MAX];
    unsigned n = 0;
    int err = 0;

    for (; err == 0 && n < r->nattr; n++) {
        attr[n].name = r->attr[n].name;
        err = xml_attr_of(&r->attr[n].value, a, &attr[n].value);
    }
    if (err == 0) {
        diagnose_element(w, r->name, attr, n);
    }
    return err;
}

static void say_settings(struct diagnose_words *w, struct str report)
{
    struct xml_reader r;
    struct str text;

    if (xml_init(&r, report, &limits) != 0) {
        return;
    }
    for (int event; (event = xml_next(&r)) > XML_END_OF_DOCUMENT;) {
        if (event == XML_START && str_eq(r.name, STR("setting")) && xml_skip(&r, &text) == 0) {
            diagnose_setting(w, text);
        }
    }
}

int diagnose_show(struct str report, FILE *out)
{
    struct diagnose_words w = {.out = out};
    struct str text = str_trim(report);
    struct xml_reader r;
    struct arena arena; /* of values with references */
    int event, err;

    arena_init(&arena, &mem_libc, 1024);
    err = xml_init(&r, text, &limits);
    while (err == 0 && (event = xml_next(&r)) != XML_END_OF_DOCUMENT) {
        err = event == XML_START ? say_element(&w, &r, &arena) : event < 0 ? event : 0;
    }
    arena_fini(&arena);
    if (err != 0) {
        return unreadable(out);
    }
    if (diagnose_phones_end(&w)) {
        say_settings(&w, text);
    }
    return diagnose_verdict(&w);
}

/* ---- JSON ---- */

/** A number as digits. */
struct digits {
    char text[24];
};

static struct str value_of(const json_t *v, struct digits *room)
{
    switch (json_typeof(v)) {
    case JSON_STRING:
        return str_make(json_string_value(v), json_string_length(v));
    case JSON_INTEGER:
        (void)snprintf(room->text, sizeof(room->text), "%lld",
                       (long long)json_integer_value(v));
        return str_c(room->text);
    case JSON_TRUE:
        return STR("yes");
    case JSON_FALSE:
        return STR("no");
    default:
        return STR_NONE;
    }
}

static void say_object(struct diagnose_words *w, const char *name, const json_t *object)
{
    struct diagnose_attr attr[ATTRS_MAX];
    struct digits room[ATTRS_MAX];
    const char *member;
    json_t *v;
    size_t n = 0;

    json_object_foreach((json_t *)(uintptr_t)object, member, v)
    {
        struct str value = n < ATTRS_MAX ? value_of(v, &room[n]) : STR_NONE;
        if (str_is_set(value)) {
            bool device = strcmp(member, "deviceID") == 0;
            attr[n++] = (struct diagnose_attr){str_c(device ? "device" : member), value};
        }
    }
    diagnose_element(w, str_c(name), attr, n);
}

static const struct {
    const char *list, *element;
} lists[] = {{"names", "name"},
             {"registrations", "registration"},
             {"sessions", "session"},
             {"services", "service"}};

static void say_settings_of(struct diagnose_words *w, const json_t *report)
{
    size_t k, j;
    json_t *one, *text;

    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_array_foreach(json_object_get(report, lists[i].list), k, one)
        {
            json_array_foreach(json_object_get(one, "settings"), j, text)
            {
                diagnose_setting(w,
                                 str_make(json_string_value(text), json_string_length(text)));
            }
        }
    }
}

int diagnose_show_json(const json_t *report, FILE *out)
{
    struct diagnose_words w = {.out = out};
    size_t k;
    json_t *one;

    if (!json_is_string(json_object_get(report, "deviceID"))) {
        return unreadable(out);
    }
    say_object(&w, "deviceReport", report);
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        json_array_foreach(json_object_get(report, lists[i].list), k, one)
        {
            say_object(&w, lists[i].element, one);
        }
    }
    if (diagnose_phones_end(&w)) {
        say_settings_of(&w, report);
    }
    return diagnose_verdict(&w);
}
