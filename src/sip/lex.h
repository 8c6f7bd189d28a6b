/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small steps that all views are made of: private to the sip module.
 *
 * Each takes a position and the end, and gives the position behind what it accepts; a
 * result equal to `p` means that nothing was there. White space includes line breaks,
 * because folds are left in values.
 */
#ifndef BATON_SIP_LEX_H
#define BATON_SIP_LEX_H

#include "base/str.h"
#include "sip/chars.h"

struct sip_uri;

/* sip_uri_parse without a limit into a view that is zeroed already. */
int sip__uri_parse(struct str text, struct sip_uri *out, uint32_t *at);

static inline struct str sip_slice(const char *p, const char *end)
{
    return str_make(p, (size_t)(end - p));
}

/* str_trim, inline. */
static inline struct str sip_trimmed(const char *p, const char *end)
{
    while (p < end && sip_char_is(*p, SIP_C_WS)) {
        p++;
    }
    while (end > p && sip_char_is(end[-1], SIP_C_WS)) {
        end--;
    }
    return sip_slice(p, end);
}

/* Is `s` the literal `word`, made of lower-case letters and '-', in any case? */
#define SIP_IS_WORD(s, word) ((s).n == sizeof(word) - 1 && sip_same_word((s).p, "" word, (s).n))
static inline bool sip_same_word(const char *p, const char *word, size_t n)
{
    unsigned char diff = 0;
    for (size_t i = 0; i < n; i++) {
        /* bit 5 folds letters; '-' has it, and CR, which would fold to '-', is no token */
        diff |= (unsigned char)(((unsigned char)p[i] | 0x20U) ^ (unsigned char)word[i]);
    }
    return diff == 0;
}

/* Behind the last octet. An absent string has no octets, and NULL must not be added to. */
static inline const char *sip_end(struct str s)
{
    return s.n == 0 ? s.p : s.p + s.n;
}

/* Octets of the classes. */
static inline const char *sip_span(const char *p, const char *end, unsigned classes)
{
    while (p < end && sip_char_is(*p, classes)) {
        p++;
    }
    return p;
}

/* Octets of the classes and whole escapes, %HH. Stops at a '%' that is no escape. */
static inline const char *sip_span_escaped(const char *p, const char *end, unsigned classes)
{
    for (;;) {
        while (p < end && sip_char_is(*p, classes)) {
            p++;
        }
        if (end - p < 3 || *p != '%' || !sip_char_is(p[1], SIP_C_HEX) ||
            !sip_char_is(p[2], SIP_C_HEX)) {
            return p;
        }
        p += 3;
    }
}

static inline const char *sip_skip_ws(const char *p, const char *end)
{
    while (p < end && sip_char_is(*p, SIP_C_WS)) {
        p++;
    }
    return p;
}

/* A quoted-string that opens at `p`; NULL when it does not close. */
static inline const char *sip_skip_quoted(const char *p, const char *end)
{
    for (p++; p < end; p++) {
        if (*p == '\\') {
            p++;
        } else if (*p == '"') {
            return p + 1;
        }
    }
    return NULL;
}

/*
 * Digits that make a number up to `max`. NULL when there is none or it is larger; *big
 * tells the two apart.
 */
static inline const char *sip_digits(const char *p, const char *end, uint64_t max,
                                     uint32_t *out, bool *big)
{
    const char *from = p;
    uint64_t v = 0;
    *big = false;
    for (; p < end && sip_char_is(*p, SIP_C_DIGIT); p++) {
        if (v <= max) { /* so that it cannot wrap: max is below 2^32 */
            v = v * 10 + (uint64_t)(*p - '0');
        }
    }
    *big = v > max;
    if (p == from || *big) {
        return NULL;
    }
    *out = (uint32_t)v;
    return p;
}

/*
 * One header parameter behind its ';': name [ "=" value ] with white space anywhere, where
 * the value is a quoted string or anything without separators. *value is absent for a
 * flag. @return behind it and the white space that follows; NULL with *bad set
 */
static inline const char *sip_generic_param(const char *p, const char *end, struct str *name,
                                            struct str *value, const char **bad)
{
    p = sip_skip_ws(p, end);
    const char *q = sip_span(p, end, SIP_C_TOKEN);
    *name = sip_slice(p, q);
    *value = STR_NONE;
    const char *after = sip_skip_ws(q, end);
    if (after == end || *after != '=') {
        return after;
    }
    if (q == p) {
        *bad = p;
        return NULL;
    }
    p = sip_skip_ws(after + 1, end);
    if (p < end && *p == '"') {
        q = sip_skip_quoted(p, end);
        if (q == NULL) {
            *bad = p;
            return NULL;
        }
    } else {
        q = sip_span(p, end, SIP_C_GEN);
    }
    *value = sip_slice(p, q);
    return sip_skip_ws(q, end);
}

#endif
