/* SPDX-License-Identifier: Apache-2.0 */
/* Texts and JSON for who uses the client; nothing here knows of a server. */
#include "client/parts.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { IA5 = 0x04 }; /* protocol discriminator of IA5 characters (Q.931 table 4-26) */

void text_copy(char *out, size_t cap, const char *text)
{
    (void)snprintf(out, cap, "%s", text);
}

char *text_dup(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

const json_t *baton_at(const json_t *json, const char *path)
{
    while (json != NULL && *path != '\0') {
        size_t n = strcspn(path, ".");
        if (json_is_array(json)) {
            char *end;
            unsigned long i = strtoul(path, &end, 10);
            json = end == path + n && n > 0 ? json_array_get(json, i) : NULL;
        } else {
            json = json_object_getn(json, path, n);
        }
        path += n + (path[n] == '.');
    }
    return json;
}

const char *baton_text(const json_t *json, const char *path)
{
    const char *text = json_string_value(baton_at(json, path));
    return text != NULL ? text : "";
}

/* ---- paths ---- */

static bool is_plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

/** @return false: no room */
static bool put_encoded(char *out, size_t cap, size_t *n, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        size_t want = is_plain(c) ? 1 : 3;
        if (*n + want >= cap) {
            return false;
        }
        (void)snprintf(out + *n, cap - *n, want == 1 ? "%c" : "%%%02X", c);
        *n += want;
    }
    return true;
}

const char *baton_path(char *out, size_t cap, const char *format, ...)
{
    va_list args;
    size_t n = 0;
    bool fits = cap > 0;

    va_start(args, format);
    while (fits && *format != '\0') {
        if (format[0] == '%' && format[1] == 's') {
            const char *text = va_arg(args, const char *);
            fits = put_encoded(out, cap, &n, text != NULL ? text : "");
            format += 2;
        } else {
            fits = n + 1 < cap;
            if (fits) {
                out[n++] = *format++;
            }
        }
    }
    va_end(args);
    if (cap == 0) {
        return "";
    }
    out[fits ? n : 0] = '\0';
    return out;
}

/* ---- octets ---- */

json_t *baton_user_data(const char *text)
{
    size_t n = strlen(text);
    char *hex = malloc(2 * n + 3);
    json_t *data;

    if (hex == NULL) {
        return NULL;
    }
    (void)snprintf(hex, 3, "%02X", IA5);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(hex + 2 * i + 2, 3, "%02X", (unsigned char)text[i]);
    }
    data = json_pack("{s:s}", "string", hex);
    free(hex);
    return data;
}

const char *baton_user_text(const json_t *data, char *out, size_t cap)
{
    const char *hex =
        json_is_string(data) ? json_string_value(data) : baton_text(data, "string");
    size_t len = strlen(hex), n = 0;

    if (cap == 0) {
        return "";
    }
    for (size_t i = 0; i + 1 < len && n + 1 < cap; i += 2) {
        int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
        int octet = high < 0 || low < 0 ? 0 : high << 4 | low;
        if (i == 0 && octet == IA5) {
            continue;
        }
        if (octet < ' ' && octet != '\t' && octet != '\r' && octet != '\n') {
            n = 0; /* no text: digits that are none, a NUL, another discriminator */
            break;
        }
        out[n++] = (char)octet;
    }
    out[n] = '\0';
    return out;
}

const char *baton_number(const json_t *device, char *out, size_t cap)
{
    static const char *const schemes[] = {"sip:", "sips:", "tel:"};
    const char *id =
        json_is_string(device) ? json_string_value(device) : baton_text(device, "id");

    if (cap == 0) {
        return "";
    }
    if (id[0] == '\0') {
        id = baton_text(device, "deviceIdentifier.id");
    }
    id += id[0] == '<';
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (strncasecmp(id, schemes[i], strlen(schemes[i])) == 0) {
            id += strlen(schemes[i]);
            break;
        }
    }
    (void)snprintf(out, cap, "%.*s", (int)strcspn(id, "@;?>"), id);
    return out;
}
