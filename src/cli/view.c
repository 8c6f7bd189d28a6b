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
#include <time.h>

enum { DEEPEST = 8, VALUE_MAX = 1024 };

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
                                        "id",     "string",   "text"};
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
    }
    return out_str_of(&o);
}

static const json_t *member(const json_t *object, const char *path)
{
    char name[64];
    while (object != NULL) {
        size_t n = strcspn(path, ".");
        (void)snprintf(name, sizeof(name), "%.*s", (int)n, path);
        object = json_object_get(object, name);
        if (path[n] == '\0') {
            return object;
        }
        path += n + 1;
    }
    return NULL;
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
