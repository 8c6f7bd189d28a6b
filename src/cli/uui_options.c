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
