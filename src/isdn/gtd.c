/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of GTD and SDP that hold user-to-user information: see gtd.h. */
#include "isdn/gtd.h"
#include "base/err.h"
#include "isdn/q931.h"

/** IA5 characters: 4 in Table 4-26/Q.931, 3 in GTD. Others are the same in both. */
enum { PD_IA5 = 0x04, GTD_IA5 = 3 };

struct line {
    struct str text, end; /**< end: CRLF, LF, or nothing behind the last one */
};

static bool cut_line(struct str *rest, struct line *out)
{
    size_t n = str_index(*rest, '\n');
    bool cr = n < rest->n && n > 0 && rest->p[n - 1] == '\r';

    if (rest->n == 0) {
        return false;
    }
    out->text = str_upto(*rest, cr ? n - 1 : n);
    *rest = str_from(*rest, out->text.n);
    out->end = str_upto(*rest, cr ? 2 : 1);
    *rest = str_from(*rest, out->end.n);
    return true;
}

/** Octets of hex digits behind `front`, in the arena. */
static int decode(struct str hex, struct str front, struct arena *a, struct str *octets)
{
    char *p;

    if (hex.n % 2 != 0) {
        return E_SYNTAX;
    }
    for (size_t i = 0; i < hex.n; i++) {
        if (hex_digit(hex.p[i]) < 0) {
            return E_SYNTAX;
        }
    }
    if (hex.n == 0 || hex.n / 2 + front.n > ISDN_UUI_MAX) {
        return hex.n == 0 ? E_NOTFOUND : E_TOOBIG;
    }
    p = arena_alloc(a, front.n + hex.n / 2);
    if (p == NULL) {
        return E_NOMEM;
    }
    *octets = str_make(p, front.n + hex.n / 2);
    for (size_t i = 0; i < front.n; i++) {
        p[i] = front.p[i];
    }
    for (size_t i = 0; i < hex.n; i += 2) {
        p[front.n + i / 2] = (char)(hex_digit(hex.p[i]) << 4 | hex_digit(hex.p[i + 1]));
    }
    return 0;
}

/* ---- GTD ---- */

/** UUS,code,hex: its second and third field. */
static bool is_uus(struct str line, struct str *code, struct str *hex)
{
    if (!str_istarts(line, STR("UUS,"))) {
        return false;
    }
    *code = str_from(line, 4);
    *code = str_upto(*code, str_index(*code, ','));
    *hex = str_from(line, 4 + code->n + 1);
    *hex = str_trim(str_upto(*hex, str_index(*hex, ',')));
    return true;
}

int gtd_uui_get(struct str gtd, struct arena *a, struct str *octets)
{
    struct str code, hex, found = STR_NONE, discriminator = STR_NONE;
    struct line line;
    uint64_t pd;
    char front;

    *octets = STR_NONE;
    while (cut_line(&gtd, &line)) {
        if (!is_uus(line.text, &code, &hex)) {
            continue;
        }
        if (str_is_set(found)) {
            return E_TOOMANY;
        }
        found = hex;
        discriminator = code;
    }
    if (found.n == 0) {
        return E_NOTFOUND;
    }
    if (!str_to_u64(str_trim(discriminator), UINT8_MAX, &pd)) {
        return E_SYNTAX;
    }
    front = (char)(pd == GTD_IA5 ? PD_IA5 : pd);
    return decode(found, str_make(&front, 1), a, octets);
}

static void write_uus(struct str octets, struct str end, struct out *o)
{
    uint8_t pd = (uint8_t)octets.p[0];

    out_c(o, "UUS,");
    out_u64(o, pd == PD_IA5 ? GTD_IA5 : pd);
    out_ch(o, ',');
    out_hex(o, str_from(octets, 1), true);
    out_str(o, end);
}

/** Where a new line goes: behind the last one that is not empty. */
static size_t end_of_text(struct str gtd)
{
    struct str rest = gtd;
    struct line line;
    size_t at = 0;

    while (cut_line(&rest, &line)) {
        at = line.text.n > 0 ? (size_t)(rest.p - gtd.p) : at;
    }
    return at;
}

static void append_uus(struct str gtd, struct str octets, struct out *o)
{
    size_t at = end_of_text(gtd);
    struct str rest = gtd;
    struct line first = {.end = STR_NONE};

    (void)cut_line(&rest, &first);
    first.end = first.end.n > 0 ? first.end : STR("\r\n");
    out_str(o, str_upto(gtd, at));
    if (at > 0 && gtd.p[at - 1] != '\n') {
        out_str(o, first.end);
    }
    write_uus(octets, first.end, o);
    out_str(o, str_from(gtd, at));
}

static bool has_uus(struct str gtd)
{
    struct str code, hex;
    struct line line;

    while (cut_line(&gtd, &line)) {
        if (is_uus(line.text, &code, &hex)) {
            return true;
        }
    }
    return false;
}

int gtd_uui_set(struct str gtd, struct str octets, struct out *o)
{
    bool written = !str_is_set(octets);
    struct str code, hex;
    struct line line;

    if (!written && (octets.n == 0 || (uint8_t)octets.p[0] == GTD_IA5)) {
        return E_VALUE;
    }
    if (!written && !has_uus(gtd)) {
        append_uus(gtd, octets, o);
        return o->over ? E_SPACE : 0;
    }
    while (cut_line(&gtd, &line)) {
        if (!is_uus(line.text, &code, &hex)) {
            out_str(o, line.text);
            out_str(o, line.end);
        } else if (!written) {
            write_uus(octets, line.end, o);
            written = true;
        }
    }
    return o->over ? E_SPACE : 0;
}

/* ---- cs-correlation ---- */

static const struct str attribute = STR_INIT("a=cs-correlation:");
static const struct str mechanism = STR_INIT("uuie:");

/** Cut the next mechanism off *rest, without the spaces around it. */
static bool cut_mechanism(struct str *rest, struct str *out)
{
    *rest = str_trim(*rest);
    *out = str_upto(*rest, str_index(*rest, ' '));
    *rest = str_from(*rest, out->n);
    return out->n > 0;
}

static bool cut_list(struct line line, struct str *list)
{
    if (!str_istarts(line.text, attribute)) {
        return false;
    }
    *list = str_from(line.text, attribute.n);
    return true;
}

int correlation_get(struct str sdp, struct arena *a, struct str *octets)
{
    struct str list, one, found = STR_NONE;
    struct line line;

    *octets = STR_NONE;
    while (cut_line(&sdp, &line)) {
        if (!cut_list(line, &list)) {
            continue;
        }
        while (cut_mechanism(&list, &one)) {
            if (!str_istarts(one, mechanism)) {
                continue;
            }
            one = str_from(one, mechanism.n);
            if (str_is_set(found) && !str_ieq(found, one)) {
                return E_TOOMANY;
            }
            found = one;
        }
    }
    return str_is_set(found) ? decode(found, STR_NONE, a, octets) : E_NOTFOUND;
}

/** The mechanisms as they are to be, each with its space. @return how many are left */
static size_t write_mechanisms(struct str list, struct str octets, struct out *o)
{
    struct str one;
    size_t n = 0;

    while (cut_mechanism(&list, &one)) {
        bool ours = str_istarts(one, mechanism);
        if (ours && !str_is_set(octets)) {
            continue;
        }
        out_c(o, n++ > 0 ? " " : "");
        out_str(o, ours ? mechanism : one);
        if (ours) {
            out_hex(o, octets, true);
        }
    }
    return n;
}

static bool has_uuie(struct str list)
{
    struct str one;

    while (cut_mechanism(&list, &one)) {
        if (str_istarts(one, mechanism)) {
            return true;
        }
    }
    return false;
}

int correlation_set(struct str sdp, struct str octets, struct out *o)
{
    struct line line;
    struct str list;
    struct out none;

    if (str_is_set(octets) && octets.n == 0) {
        return E_VALUE;
    }
    while (cut_line(&sdp, &line)) {
        out_init(&none, NULL, 0);
        if (!cut_list(line, &list) || !has_uuie(list)) {
            out_str(o, line.text);
            out_str(o, line.end);
        } else if (write_mechanisms(list, octets, &none) > 0) {
            out_str(o, str_upto(line.text, attribute.n));
            (void)write_mechanisms(list, octets, o);
            out_str(o, line.end);
        }
    }
    return o->over ? E_SPACE : 0;
}
