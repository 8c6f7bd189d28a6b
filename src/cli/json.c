/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON strings (RFC 8259 §7): escape what must be, pass valid UTF-8, replace the rest, so
 * that the line is JSON whatever a peer has put into a display name.
 */
#include "cli/json.h"

#include "base/utf8.h"

void json_print_string(struct str s, FILE *to)
{
    fputc('"', to);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            fprintf(to, "\\%c", c);
        } else if (c < 0x20 || c == 0x7F) {
            fprintf(to, "\\u%04X", c);
        } else if (c < 0x80) {
            fputc(c, to);
        } else {
            size_t n = utf8_len(str_from(s, i));
            if (n == 0) {
                fputs("\\uFFFD", to);
            } else {
                fwrite(s.p + i, 1, n, to);
                i += n - 1;
            }
        }
    }
    fputc('"', to);
}

void json_print_member(const char *name, struct str value, bool first, FILE *to)
{
    if (!str_is_set(value)) {
        return;
    }
    fprintf(to, "%s\"%s\": ", first ? "" : ", ", name);
    json_print_string(value, to);
}

void json_set_str(json_t *object, const char *name, struct str value)
{
    if (str_is_set(value)) {
        (void)json_object_set_new(object, name, json_stringn(value.p, value.n));
    }
}

void json_print_line(json_t *value, FILE *to)
{
    if (value == NULL || json_dumpf(value, to, JSON_COMPACT | JSON_ENCODE_ANY) != 0) {
        fputs("null", to);
    }
    fputc('\n', to);
    json_decref(value);
}
