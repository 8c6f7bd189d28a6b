/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The forms of User-to-User that are no element of RFC 7433.
 *
 *     text   01800213027b712a;NULL;4582166        characters as they are
 *     xuui   protocol-discriminator=4;user-information=a%40b
 *     aai    PD%2C04%3BC8%2C48656C6C6F%3BFA%2C...  shared UUI in words, in a URI parameter; the
 *            UCID in decimal digits
 *     gtd    UUS,3,3132333435                      a line of Cisco's GTD body
 *
 * Each reads a text into discriminator and user information, and writes them. A form is strict
 * with itself: what it would never write is UUI_R_DIALECT at the octet in question.
 */
#include "uui/dialect_form.h"
#include "base/err.h"
#include "sip/chars.h"
#include "uui/parts.h"
#include "uui/shared.h"

static int strike(struct uui_form_read *r, enum uui_rule rule, size_t at)
{
    r->rule = rule;
    r->at = at;
    return 0;
}

int uui_form_hex(struct str digits, size_t at, struct arena *a, struct uui_form_read *r,
                 struct str *octets)
{
    char *buf = arena_alloc(a, digits.n / 2 + 1);
    if (!buf) {
        return E_NOMEM;
    }
    for (size_t i = 0; i < digits.n; i++) {
        int digit = hex_digit(digits.p[i]);
        if (digit < 0) {
            return strike(r, UUI_R_HEX_CHAR, at + i);
        }
        if (i % 2 == 1) {
            buf[i / 2] = (char)(unsigned char)(hex_digit(digits.p[i - 1]) * 16 + digit);
        }
    }
    *octets = str_make(buf, digits.n / 2);
    return digits.n % 2 == 0 ? 0 : strike(r, UUI_R_HEX_ODD, at + digits.n - 1);
}

/** "4", up to `most`. */
static bool number(struct str s, uint32_t most, int *out)
{
    uint64_t n;
    if (!str_to_u64(s, most, &n)) {
        return false;
    }
    *out = (int)n;
    return true;
}

/* ------------------------------------------------------------------------------ text */

int uui_form_text_read(const struct uui_dialect *d, bool lenient, struct str text,
                       struct arena *a, struct uui_form_read *out)
{
    size_t end = d->labelled_tail ? uui_tail_at(text) : text.n;
    struct str data = str_upto(text, end);
    size_t at;
    if (data.n == 0) {
        return strike(out, UUI_R_EMPTY, 0);
    }
    char *buf = arena_alloc(a, data.n);
    if (!buf) {
        return E_NOMEM;
    }
    if (!d->escapes) {
        memcpy(buf, data.p, data.n);
        out->info = str_make(buf, data.n);
        return 0;
    }
    size_t n = uui_percent_decode(data, true, buf, &at);
    if (n == SIZE_MAX && !lenient) {
        return strike(out, UUI_R_DIALECT, at);
    }
    if (n == SIZE_MAX) {
        n = uui_percent_decode(data, false, buf, &at);
        out->forgiven = UUI_R_DIALECT;
        out->at = at;
    }
    out->info = str_make(buf, n);
    return 0;
}

/** Every octet that is no token character, and '%' itself, as %HH. */
static void escape(struct out *o, struct str s, unsigned plain)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%' && sip_char_is(s.p[i], plain)) {
            out_ch(o, s.p[i]);
        } else {
            out_ch(o, '%');
            out_hex(o, str_make(s.p + i, 1), true);
        }
    }
}

static bool is_plain_text(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool edge = i == 0 || i + 1 == s.n;
        if (s.p[i] < (edge ? 0x21 : 0x20) || s.p[i] > 0x7E) {
            return false;
        }
    }
    return true;
}

enum uui_rule uui_form_text_write(const struct uui_dialect *d, uint8_t pd, struct str info,
                                  struct out *o)
{
    (void)pd;
    if (info.n == 0) {
        return UUI_R_EMPTY;
    }
    if (d->escapes) {
        escape(o, info, SIP_C_TOKEN);
    } else if (is_plain_text(info)) {
        out_str(o, info);
    } else {
        return UUI_R_FAR_CHAR;
    }
    return UUI_R_NONE;
}

/* ------------------------------------------------------------------------------ xuui */

static const struct str xuui_pd = STR_INIT("protocol-discriminator");
static const struct str xuui_info = STR_INIT("user-information");

/** One "name=value". @return 0, or E_NOMEM */
static int xuui_part(struct str part, size_t at, struct arena *a, struct uui_form_read *out)
{
    size_t equals = str_index(part, '=');
    struct str name = str_trim(str_upto(part, equals));
    struct str value = str_trim(str_from(part, equals + 1));
    size_t value_at = at + (equals < part.n ? (size_t)(value.p - part.p) : 0);
    if (str_ieq(name, xuui_pd)) {
        bool once = out->pd < 0;
        return once && number(value, 255, &out->pd) ? 0 : strike(out, UUI_R_DIALECT, at);
    }
    if (!str_ieq(name, xuui_info) || equals == part.n || str_is_set(out->info)) {
        return strike(out, UUI_R_DIALECT, at);
    }
    char *buf = arena_alloc(a, value.n + 1);
    if (!buf) {
        return E_NOMEM;
    }
    size_t wrong = 0;
    size_t n = uui_percent_decode(value, true, buf, &wrong);
    if (n == SIZE_MAX) {
        return strike(out, UUI_R_DIALECT, value_at + wrong);
    }
    out->info = str_make(buf, n);
    return 0;
}

int uui_form_xuui_read(const struct uui_dialect *d, bool lenient, struct str text,
                       struct arena *a, struct uui_form_read *out)
{
    (void)d, (void)lenient;
    size_t at = 0;
    if (text.n == 0) {
        return strike(out, UUI_R_EMPTY, 0);
    }
    while (at < text.n && out->rule == UUI_R_NONE) {
        struct str part = str_from(text, at);
        part = str_upto(part, str_index(part, ';'));
        int err = xuui_part(part, at, a, out);
        if (err < 0) {
            return err;
        }
        at += part.n + 1;
    }
    if (out->rule == UUI_R_NONE && !str_is_set(out->info)) {
        return strike(out, UUI_R_EMPTY, text.n);
    }
    return 0;
}

enum uui_rule uui_form_xuui_write(const struct uui_dialect *d, uint8_t pd, struct str info,
                                  struct out *o)
{
    (void)d;
    out_str(o, xuui_pd);
    out_ch(o, '=');
    out_u64(o, pd);
    out_ch(o, ';');
    out_str(o, xuui_info);
    out_ch(o, '=');
    escape(o, info, SIP_C_TOKEN);
    return UUI_R_NONE;
}

/* ------------------------------------------------------------------------------- aai */

/** One "C8,48656C" or "PD,04" into the items at `o`. A UCID comes as its twenty decimal digits,
    or as hex like the others. */
static int aai_part(struct str part, size_t at, struct arena *a, struct uui_form_read *out,
                    struct out *o)
{
    size_t comma = str_index(part, ',');
    struct str name = str_upto(part, comma), id = STR_NONE, data = STR_NONE;
    if (comma == part.n) {
        return strike(out, UUI_R_DIALECT, at);
    }
    char ucid[UUI_UCID_OCTETS];
    if (str_ieq(name, STR("FA")) && uui_ucid_octets(str_from(part, comma + 1), ucid)) {
        return uui_shared_write(o, UUI_SHARED_UCID, str_make(ucid, sizeof(ucid)));
    }
    int err = uui_form_hex(str_from(part, comma + 1), at + comma + 1, a, out, &data);
    if (err < 0 || out->rule != UUI_R_NONE) {
        return err;
    }
    if (str_ieq(name, STR("PD"))) {
        bool fits = data.n == 1 && out->pd < 0;
        out->pd = fits ? (unsigned char)data.p[0] : out->pd;
        return fits ? 0 : strike(out, UUI_R_DIALECT, at);
    }
    err = uui_form_hex(name, at, a, out, &id);
    if (err < 0 || out->rule != UUI_R_NONE) {
        return err;
    }
    if (id.n != 1 || uui_shared_write(o, (uint8_t)id.p[0], data) < 0) {
        return strike(out, UUI_R_DIALECT, at);
    }
    return 0;
}

int uui_form_aai_read(const struct uui_dialect *d, bool lenient, struct str text,
                      struct arena *a, struct uui_form_read *out)
{
    (void)d, (void)lenient;
    size_t wrong = 0;
    char *buf = arena_alloc(a, 2 * text.n + 1);
    if (!buf) {
        return E_NOMEM;
    }
    size_t n = uui_percent_decode(text, true, buf, &wrong);
    if (n == SIZE_MAX || text.n == 0) {
        return strike(out, text.n == 0 ? UUI_R_EMPTY : UUI_R_URI_ESCAPE, wrong);
    }
    struct str plain = str_make(buf, n);
    struct out o;
    out_init(&o, buf + text.n, text.n);
    for (size_t at = 0; at < plain.n && out->rule == UUI_R_NONE;) {
        struct str part = str_from(plain, at);
        part = str_upto(part, str_index(part, ';'));
        int err = aai_part(part, at, a, out, &o);
        if (err < 0) {
            return err;
        }
        at += part.n + 1;
    }
    if (out->rule != UUI_R_NONE) {
        out->at = out->at < text.n ? out->at : text.n;
    }
    out->info = out_str_of(&o);
    return 0;
}

enum uui_rule uui_form_aai_write(const struct uui_dialect *d, uint8_t pd, struct str info,
                                 struct out *o)
{
    (void)d;
    struct uui_shared_item item;
    char ucid[UUI_UCID_DIGITS + 1];
    out_c(o, "PD%2C");
    out_hex(o, str_make((const char *)&pd, 1), true);
    while (uui_shared_next(&info, &item)) {
        out_c(o, "%3B");
        out_hex(o, str_make((const char *)&item.id, 1), true);
        out_c(o, "%2C");
        if (item.id == UUI_SHARED_UCID && uui_ucid_text(item.data, ucid)) {
            out_c(o, ucid);
        } else if (item.id == UUI_SHARED_UCID && item.data.n == UUI_UCID_DIGITS / 2) {
            return UUI_R_SHARED_ITEM; /* would be read as a UCID in digits */
        } else {
            out_hex(o, item.data, true);
        }
    }
    return info.n > 0 ? UUI_R_SHARED_ITEM : UUI_R_NONE;
}

/* ------------------------------------------------------------------------------- gtd */

/** GTD numbers the discriminator of IA5 characters 3, Q.931 4; others are the same. */
enum { GTD_IA5 = 3 };

int uui_form_gtd_read(const struct uui_dialect *d, bool lenient, struct str text,
                      struct arena *a, struct uui_form_read *out)
{
    (void)d, (void)lenient;
    struct str rest = str_from(text, 4);
    size_t comma = str_index(rest, ',');
    if (text.n == 0) {
        return strike(out, UUI_R_EMPTY, 0);
    }
    if (!str_istarts(text, STR("UUS,"))) {
        return strike(out, UUI_R_DIALECT, 0);
    }
    if (comma == rest.n || !number(str_upto(rest, comma), 255, &out->pd)) {
        return strike(out, UUI_R_DIALECT, 4);
    }
    out->pd = out->pd == GTD_IA5 ? UUI_PD_IA5 : out->pd;
    return uui_form_hex(str_trim(str_from(rest, comma + 1)), 4 + comma + 1, a, out, &out->info);
}

enum uui_rule uui_form_gtd_write(const struct uui_dialect *d, uint8_t pd, struct str info,
                                 struct out *o)
{
    (void)d;
    if (pd == GTD_IA5) {
        return UUI_R_FAR_PD;
    }
    out_c(o, "UUS,");
    out_u64(o, pd == UUI_PD_IA5 ? GTD_IA5 : pd);
    out_ch(o, ',');
    out_hex(o, info, true);
    return UUI_R_NONE;
}
