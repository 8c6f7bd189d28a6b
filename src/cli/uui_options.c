/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options of `baton uui`, and reading in a dialect.
 *
 * A line is what people have at hand: a value alone, `Header: value`, or, for dialects that
 * keep it in a parameter of a URI, the URI. The dialect says which of those counts.
 */
#include "cli/uui_options.h"
#include "base/err.h"
#include "cli/uui_cmd.h"
#include "sip/chars.h"
#include "uui/parts.h"

bool uui_parse_pd(const char *text, uint8_t *out)
{
    uint64_t n = 0;
    size_t digits = strlen(text);
    if (strncmp(text, "0x", 2) != 0) {
        if (!str_to_u64(str_c(text), 255, &n)) {
            return false;
        }
        *out = (uint8_t)n;
        return true;
    }
    for (size_t i = 2; i < digits && digits <= 4; i++) {
        int d = hex_digit(text[i]);
        if (d < 0) {
            return false;
        }
        n = n * 16 + (unsigned)d;
    }
    *out = (uint8_t)n;
    return digits == 3 || digits == 4;
}

bool uui_find_dialect(const char *name, const struct uui_dialect **out)
{
    *out = uui_dialect_named(str_c(name));
    if (*out == NULL) {
        (void)help_usage_error(&help_uui,
                               "there is no dialect '%s'; `baton uui dialects` "
                               "lists them",
                               name);
    }
    return *out != NULL;
}

static bool take_pd(const char *value, struct uui_options *o)
{
    if (!uui_parse_pd(value, &o->from.pd)) {
        (void)help_usage_error(&help_uui, "--pd takes 0 to 255, not '%s'", value);
        return false;
    }
    o->to.pd = o->from.pd;
    o->from.has_pd = o->to.has_pd = true;
    return true;
}

static bool take_max(const char *value, struct uui_options *o)
{
    if (str_to_u32(str_c(value), &o->to.max_octets)) {
        return true;
    }
    (void)help_usage_error(&help_uui, "--max-octets takes a number, not '%s'", value);
    return false;
}

static bool take_from(const char *value, struct uui_options *o)
{
    return uui_find_dialect(value, &o->from.dialect);
}

static bool take_to(const char *value, struct uui_options *o)
{
    return uui_find_dialect(value, &o->to.dialect);
}

static const struct {
    const char *name;
    bool (*take)(const char *value, struct uui_options *o);
} with_value[] = {{"--dialect", take_from},
                  {"--from", take_from},
                  {"--to", take_to},
                  {"--pd", take_pd},
                  {"--max-octets", take_max}};

/** argv[*i] and, when it needs one, its value. @return false after a message */
static bool take_option(int argc, char **argv, int *i, struct uui_options *o)
{
    const char *name = argv[*i];
    size_t len = strcspn(name, "=");
    if (strcmp(name, "--json") == 0) {
        o->json = true;
        return true;
    }
    if (strcmp(name, "--lenient") == 0) {
        o->known.lenient = true;
        return true;
    }
    for (size_t k = 0; k < ARRAY_LEN(with_value); k++) {
        if (strlen(with_value[k].name) != len || strncmp(name, with_value[k].name, len) != 0) {
            continue;
        }
        if (name[len] != '=' && *i + 1 == argc) {
            (void)help_usage_error(&help_uui, "%s needs a value", name);
            return false;
        }
        return with_value[k].take(name[len] == '=' ? name + len + 1 : argv[++*i], o);
    }
    (void)help_usage_error(&help_uui, "unknown option '%s'", name);
    return false;
}

int uui_take_options(int argc, char **argv, struct uui_options *o)
{
    int n = 0;
    bool options = true;
    for (int i = 1; i < argc; i++) {
        if (!options || argv[i][0] != '-' || argv[i][1] == '\0') {
            argv[n++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (!take_option(argc, argv, &i, o)) {
            return -1;
        }
    }
    return n;
}

struct str uui_line(const struct uui_dialect_text *t, struct arena *a)
{
    const struct str header[] = {t->name, STR(": "), t->value};
    const struct str param[] = {STR(";"), t->name, STR("="), t->value};
    return t->place == UUI_AT_HEADER      ? arena_join(a, header, ARRAY_LEN(header))
           : t->place == UUI_AT_URI_PARAM ? arena_join(a, param, ARRAY_LEN(param))
                                          : t->value;
}

/** Value of ";name=" anywhere in a URI or header; absent: there is none. */
static struct str find_uri_param(struct str s, struct str name)
{
    while (s.n > 0) {
        s = str_trim(str_from(s, str_index(s, ';') + 1));
        struct str value = str_from(s, name.n + 1);
        if (str_istarts(s, name) && s.n > name.n && s.p[name.n] == '=') {
            size_t n = 0;
            while (n < value.n && (value.p[n] == '%' || sip_char_is(value.p[n], SIP_C_PARAM))) {
                n++;
            }
            return str_upto(value, n);
        }
    }
    return STR_NONE;
}

/** The text that holds the value: behind the header's name, in the URI, or the line itself. */
static struct str value_in(const struct uui_dialect *d, struct str line)
{
    for (size_t i = 0; i < UUI_CARRIERS_MAX; i++) {
        const struct uui_carrier *c = &d->carrier[i];
        struct str after = str_trim(str_from(line, c->name.n));
        if (c->place == UUI_AT_HEADER && str_istarts(line, c->name) && after.n > 0 &&
            after.p[0] == ':') {
            return str_trim(str_from(after, 1));
        }
        struct str param =
            c->place == UUI_AT_URI_PARAM ? find_uri_param(line, c->name) : STR_NONE;
        if (str_is_set(param)) {
            return param;
        }
    }
    return line;
}

int uui_read_line(const struct uui_options *o, struct str line, struct arena *a,
                  struct uui_list *out)
{
    const struct uui_dialect *d = o->from.dialect;
    struct str rest = d ? value_in(d, line) : line, element;
    struct uui_cut it;
    *out = (struct uui_list){0};
    if (!d) {
        return uui_list_parse(&rest, 1, &o->known, a, out);
    }
    out->v = arena_alloc(a, UUI_VALUES_MAX * sizeof(*out->v));
    if (out->v == NULL) {
        return E_NOMEM;
    }
    uui_cut_begin(&it, rest);
    for (bool more = true; more;) {
        element = rest;
        more = d->lists && uui_cut_next(&it, &element);
        if (d->lists && !more) {
            break;
        }
        if (out->n == UUI_VALUES_MAX) {
            return E_TOOMANY;
        }
        int err = uui_dialect_read(&o->from, &o->known, element, a, &out->v[out->n]);
        if (err < 0) {
            return err;
        }
        out->n++;
    }
    uui_list_judge(out, &o->known);
    return 0;
}
