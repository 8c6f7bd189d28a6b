/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON for people: see view.h.
 *
 * The printer of objects knows no member by name, so that what the server will say one day is
 * shown by the program of today. A list of objects becomes a table of those members that are
 * short in all of them, as far as TABLE_COLUMNS reaches.
 */
#include "cli/view.h"
#include "base/attr.h"
#include "base/out.h"
#include "base/utf8.h"
#include "cli/text.h"
#include <stdlib.h>
#include <time.h>

enum { DEEPEST = 8, VALUE_MAX = 16384 };

/* ---- one value ---- */

struct str view_ago(const char *time_text, int64_t now_s, char *buf, size_t cap)
{
    struct tm t = {0};
    const char *end = time_text != NULL ? strptime(time_text, "%Y-%m-%dT%H:%M:%S", &t) : NULL;
    struct out o;

    if (end == NULL) {
        return STR_NONE;
    }
    int64_t s = now_s - (int64_t)timegm(&t);
    s = s > 0 ? s : 0;
    out_init(&o, buf, cap);
    if (s < 120) {
        out_fmt(&o, "%lld s", (long long)s);
    } else if (s < 7200) {
        out_fmt(&o, "%lld min", (long long)s / 60);
    } else if (s < 172800) {
        out_fmt(&o, "%lld h", (long long)s / 3600);
    } else {
        out_fmt(&o, "%lld d", (long long)s / 86400);
    }
    return out_str_of(&o);
}

/** What stands for an object on one line: the first of these that it has. */
static const json_t *name_of(const json_t *object)
{
    static const char *const names[] = {"number", "deviceID", "name", "callID",
                                        "id",     "string",   "text", "contact"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const json_t *v = json_object_get(object, names[i]);
        if (json_is_string(v)) {
            return v;
        }
    }
    return NULL;
}

static void write_value(struct out *o, const json_t *v)
{
    size_t i;
    json_t *item;

    switch (v != NULL ? json_typeof(v) : JSON_NULL) {
    case JSON_STRING:
        out_str(o, str_make(json_string_value(v), json_string_length(v)));
        break;
    case JSON_INTEGER:
        out_fmt(o, "%lld", (long long)json_integer_value(v));
        break;
    case JSON_REAL:
        out_fmt(o, "%g", json_real_value(v));
        break;
    case JSON_TRUE:
        out_c(o, "yes");
        break;
    case JSON_FALSE:
        out_c(o, "no");
        break;
    case JSON_ARRAY:
        json_array_foreach(v, i, item)
        {
            out_c(o, i > 0 ? ", " : "");
            write_value(o, item);
        }
        break;
    case JSON_OBJECT:
        write_value(o, name_of(v));
        break;
    case JSON_NULL:
        break;
    }
}

/** "1001 connected, 1002 alerting". */
static void write_parties(struct out *o, const json_t *connections)
{
    size_t i;
    json_t *c;

    json_array_foreach(connections, i, c)
    {
        out_c(o, i > 0 ? ", " : "");
        write_value(o, name_of(c));
        out_c(o, " ");
        write_value(o, json_object_get(c, "localConnectionInfo"));
    }
}

static void write_contacts(struct out *o, const json_t *bindings)
{
    size_t i;
    json_t *b;

    json_array_foreach(bindings, i, b)
    {
        out_c(o, i > 0 ? ", " : "");
        write_value(o, json_object_get(b, "contact"));
    }
}

/** "isdn-uui=Order 7": what a service gives has no package before it is in a message. */
static void write_one_value(struct out *o, const json_t *value)
{
    const json_t *package = json_object_get(value, "package"),
                 *text = json_object_get(value, "text");

    if (json_is_string(package)) {
        write_value(o, package);
    } else {
        out_c(o, "userData");
    }
    out_ch(o, '=');
    write_value(o, json_is_string(text) ? text : json_object_get(value, "hex"));
}

/** The values of a call; without any the user data that an application has given it. */
static void write_context(struct out *o, const json_t *of)
{
    const json_t *values = json_object_get(of, "uui"), *data = json_object_get(of, "userData");
    size_t i;
    json_t *v;

    if (json_is_string(json_object_get(of, "hex"))) {
        write_one_value(o, of);
    } else if (json_array_size(values) == 0 && json_is_object(data)) {
        out_c(o, "userData=");
        write_value(o, json_object_get(data, "string"));
    }
    json_array_foreach(values, i, v)
    {
        out_c(o, i > 0 ? ", " : "");
        write_one_value(o, v);
    }
}

struct str view_text(const json_t *value, enum view_kind kind, char *buf, size_t cap)
{
    struct out o;

    out_init(&o, buf, cap);
    switch (kind) {
    case VIEW_TEXT:
        write_value(&o, value);
        break;
    case VIEW_COUNT:
        out_fmt(&o, "%zu", json_array_size(value));
        break;
    case VIEW_AGO:
        return view_ago(json_string_value(value), (int64_t)time(NULL), buf, cap);
    case VIEW_PARTIES:
        write_parties(&o, value);
        break;
    case VIEW_CONTACTS:
        write_contacts(&o, value);
        break;
    case VIEW_CONTEXT:
        write_context(&o, value);
        break;
    }
    return out_str_of(&o);
}

static const json_t *member(const json_t *object, const char *path)
{
    char name[64];
    while (object != NULL && path[0] != '\0') {
        size_t n = strcspn(path, ".");
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, path);
        object = json_object_get(object, name);
        if (path[n] == '\0') {
            return object;
        }
        path += n + 1;
    }
    return object;
}

/* ---- lists ---- */

void view_items(const json_t *items, const struct view_column *columns, const char *none,
                const struct table_style *style, FILE *to)
{
    const char *titles[TABLE_COLUMNS];
    char buf[VALUE_MAX];
    struct table t;
    size_t n = 0, i;
    json_t *item;

    while (n < TABLE_COLUMNS && columns[n].title != NULL) {
        titles[n] = columns[n].title;
        n++;
    }
    if (json_array_size(items) == 0) {
        fprintf(to, "%s\n", none);
        return;
    }
    table_init(&t, titles, n);
    json_array_foreach(items, i, item)
    {
        for (size_t c = 0; c < n; c++) {
            table_cell(&t, view_text(member(item, columns[c].member), columns[c].kind, buf,
                                     sizeof(buf)));
        }
    }
    table_print(&t, style, 0, to);
    table_fini(&t);
}

/* ---- order ---- */

struct placed {
    json_t *item;
    const char *key;
    size_t place;
};

static bool is_digits(const char *s)
{
    return s[0] != '\0' && s[strspn(s, "0123456789")] == '\0';
}

static int by_key(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    bool xd = is_digits(x->key), yd = is_digits(y->key);
    size_t xn = strlen(x->key), yn = strlen(y->key);
    int order = 0;

    if (xd != yd) {
        return xd ? -1 : 1;
    }
    if (xd && xn != yn) { /* as people count: 200 before 1001 */
        return xn < yn ? -1 : 1;
    }
    order = strcmp(x->key, y->key);
    return order != 0 ? order : x->place < y->place ? -1 : 1;
}

void view_sort(json_t *items, const char *name)
{
    size_t n = json_array_size(items);
    struct placed *all = calloc(n + 1, sizeof(*all));

    for (size_t i = 0; all != NULL && i < n; i++) {
        json_t *item = json_array_get(items, i);
        const char *key = json_string_value(member(item, name));
        all[i] = (struct placed){json_incref(item), key != NULL ? key : "", i};
    }
    if (all != NULL) {
        qsort(all, n, sizeof(*all), by_key);
        (void)json_array_clear(items);
    }
    for (size_t i = 0; all != NULL && i < n; i++) {
        (void)json_array_append_new(items, all[i].item);
    }
    free(all);
}

/* ---- objects ---- */

static bool is_long(const json_t *v)
{
    return json_is_object(v) || (json_is_array(v) && json_is_object(json_array_get(v, 0)));
}

/** Members that are short in every object of the list, in the order of the first one. */
static size_t columns_of(const json_t *list, const char **titles)
{
    json_t *first = json_array_get(list, 0);
    const char *name;
    json_t *v;
    size_t n = 0;

    json_object_foreach(first, name, v)
    {
        bool is_short = true;
        for (size_t i = 0; i < json_array_size(list); i++) {
            is_short = is_short && !is_long(json_object_get(json_array_get(list, i), name));
        }
        if (is_short && n < TABLE_COLUMNS) {
            titles[n++] = name;
        }
    }
    return n;
}

static void table_of(const json_t *list, const struct table_style *style, size_t indent,
                     FILE *to)
{
    const char *titles[TABLE_COLUMNS];
    size_t n = columns_of(list, titles), i;
    char buf[VALUE_MAX];
    struct table t;
    json_t *item;

    if (n == 0) {
        return;
    }
    table_init(&t, titles, n);
    json_array_foreach(list, i, item)
    {
        for (size_t c = 0; c < n; c++) {
            table_cell(
                &t, view_text(json_object_get(item, titles[c]), VIEW_TEXT, buf, sizeof(buf)));
        }
    }
    table_print(&t, style, indent, to);
    table_fini(&t);
}

static void show(const json_t *object, const struct table_style *style, size_t indent,
                 unsigned depth, FILE *to)
{
    const char *name;
    char buf[VALUE_MAX];
    size_t width = 0;
    json_t *v;

    json_object_foreach((json_t *)(uintptr_t)object, name, v)
    {
        size_t n = utf8_count(str_c(name));
        width = !is_long(v) && n > width ? n : width;
    }
    json_object_foreach((json_t *)(uintptr_t)object, name, v)
    {
        fprintf(to, "%*s%s", (int)indent, "", style->colour ? "\033[1m" : "");
        text_put(str_c(name), to);
        fputs(style->colour ? "\033[0m" : "", to);
        if (is_long(v) && depth < DEEPEST) {
            fputc('\n', to);
            if (json_is_array(v)) {
                table_of(v, style, indent + 2, to);
            } else {
                show(v, style, indent + 2, depth + 1, to);
            }
            continue;
        }
        size_t n = utf8_count(str_c(name));
        fprintf(to, "%*s", (int)(n < width ? width - n + 2 : 2), "");
        struct str text = view_text(v, VIEW_TEXT, buf, sizeof(buf));
        text_put(text.n > 0 ? text : STR("-"), to);
        fputc('\n', to);
    }
}

void view_object(const json_t *object, const struct table_style *style, size_t indent, FILE *to)
{
    show(object, style, indent, 0, to);
}
