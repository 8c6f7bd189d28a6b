/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON objects written by hand, for what is no message of CSTA: views, problems, operations.
 *
 *     out_ch(o, '{');
 *     json_text(o, "deviceID", d->uri);     // nothing, when it is not set
 *     json_flag(o, "registered", true);
 *     json_key(o, "calls");
 *     out_ch(o, '[');  …  json_next(o); …  out_ch(o, ']');
 *     out_ch(o, '}');
 *
 * Commas come by themselves: one is due unless what was written last opens something or is a
 * name. So it needs a real buffer, and measuring with an empty one does not work. Names are
 * literals that need no escape.
 */
#ifndef BATON_CSTA_JSON_BUILD_H
#define BATON_CSTA_JSON_BUILD_H

#include "csta/json_text.h"

/** The next item of an array is written now. */
static inline void json_next(struct out *o)
{
    char last = o->n > 0 ? o->p[o->n - 1] : '{';

    if (last != '{' && last != '[' && last != ':') {
        out_ch(o, ',');
    }
}

/** `"name":` */
static inline void json_key(struct out *o, const char *name)
{
    json_next(o);
    out_ch(o, '"');
    out_c(o, name);
    out_str(o, STR("\":"));
}

/** Nothing for an absent text. */
static inline void json_text(struct out *o, const char *name, struct str value)
{
    if (str_is_set(value)) {
        json_key(o, name);
        json_put_string(o, value);
    }
}

static inline void json_flag(struct out *o, const char *name, bool value)
{
    json_key(o, name);
    out_c(o, value ? "true" : "false");
}

static inline void json_number(struct out *o, const char *name, uint64_t value)
{
    json_key(o, name);
    out_u64(o, value);
}

/** A number of 64 bits, as text: JavaScript is exact to 2^53 only. */
static inline void json_long(struct out *o, const char *name, uint64_t value)
{
    json_key(o, name);
    out_ch(o, '"');
    out_u64(o, value);
    out_ch(o, '"');
}

/** Octets as hexadecimal digits in capitals, as docs/json.md has them. */
static inline void json_hex(struct out *o, const char *name, struct str octets)
{
    if (str_is_set(octets)) {
        json_key(o, name);
        out_ch(o, '"');
        out_hex(o, octets, true);
        out_ch(o, '"');
    }
}

/** `"name":"2026-02-28T12:00:00.123Z"`; nothing for 0. @param ms  since 1970 */
void json_time(struct out *o, const char *name, uint64_t ms);
/** The same of what is known to the second only: `"2026-02-28T12:00:00Z"`. @param s  since 1970
 */
void json_second(struct out *o, const char *name, uint64_t s);

#endif
