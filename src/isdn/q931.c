/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of Q.931: see q931.h. */
#include "isdn/q931.h"
#include "base/err.h"

static uint8_t octet(struct str s, size_t i)
{
    return (uint8_t)s.p[i];
}

int q931_uui_read(struct str element, struct str *octets)
{
    *octets = STR_NONE;
    if (element.n < 2 || octet(element, 0) != Q931_USER_USER ||
        octet(element, 1) != element.n - 2) {
        return E_SYNTAX;
    }
    if (element.n == 2) {
        return E_NOTFOUND;
    }
    if (element.n - 2 > ISDN_UUI_MAX) {
        return E_TOOBIG;
    }
    *octets = str_from(element, 2);
    return 0;
}

int q931_uui_write(struct out *o, struct str octets)
{
    if (octets.n == 0) {
        return E_VALUE;
    }
    if (octets.n > ISDN_UUI_MAX) {
        return E_TOOBIG;
    }
    if (o->over || o->cap - o->n < octets.n + 2) {
        o->need += octets.n + 2;
        o->over = true;
        return E_SPACE;
    }
    out_ch(o, Q931_USER_USER);
    out_ch(o, (char)octets.n);
    out_str(o, octets);
    return 0;
}

int q931_view(struct str message, struct q931_msg *out)
{
    size_t reference;

    *out = (struct q931_msg){0};
    if (message.n < 3 || octet(message, 0) != Q931_CALL_CONTROL ||
        (octet(message, 1) & 0xF0) != 0) {
        return E_SYNTAX;
    }
    reference = octet(message, 1);
    if (message.n < 3 + reference) {
        return E_SYNTAX;
    }
    out->reference = str_make(message.p + 2, reference);
    out->type = octet(message, 2 + reference);
    out->elements = str_from(message, 3 + reference);
    if (out->type == 0 || (out->type & 0x80) != 0) { /* an escape, and what is reserved */
        return E_UNSUPPORTED;
    }
    return 0;
}

const char *q931_type_name(uint8_t type)
{
    static const struct {
        uint8_t type;
        const char *name;
    } known[] = {{0x01, "ALERTING"},
                 {0x02, "CALL PROCEEDING"},
                 {0x03, "PROGRESS"},
                 {0x05, "SETUP"},
                 {0x07, "CONNECT"},
                 {0x0D, "SETUP ACKNOWLEDGE"},
                 {0x0F, "CONNECT ACKNOWLEDGE"},
                 {0x20, "USER INFORMATION"},
                 {0x45, "DISCONNECT"},
                 {0x4D, "RELEASE"},
                 {0x5A, "RELEASE COMPLETE"},
                 {0x62, "FACILITY"}};

    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].type == type) {
            return known[i].name;
        }
    }
    return "";
}

/** A shift is used up: the codeset of the element that follows. */
static uint8_t take_codeset(struct q931_walk *it)
{
    uint8_t codeset = it->shifted != 0 ? (uint8_t)(it->shifted - 8) : it->locked;

    it->shifted = 0;
    return codeset;
}

/** Octets before the content, and of it. @return false: cut short */
static bool measure(const struct q931_walk *it, bool wide, size_t *head, size_t *length)
{
    struct str s = it->rest;

    *head = wide ? 3 : 2;
    if (s.n < *head) {
        return false;
    }
    *length = wide ? (size_t)octet(s, 1) << 8 | octet(s, 2) : octet(s, 1);
    return s.n - *head >= *length;
}

int q931_next(struct q931_walk *it, struct q931_element *out)
{
    size_t head = 1, length = 0;
    bool single;

    *out = (struct q931_element){0};
    if (it->rest.n == 0) {
        return 0;
    }
    out->id = octet(it->rest, 0);
    single = (out->id & 0x80) != 0;
    out->codeset = take_codeset(it);
    if (!single && !measure(it, it->h225 && out->codeset == 0 && out->id == Q931_USER_USER,
                            &head, &length)) {
        it->rest = STR_NONE;
        return E_SYNTAX;
    }
    out->whole = str_upto(it->rest, head + length);
    out->content = single ? STR_NONE : str_from(out->whole, head);
    it->rest = str_from(it->rest, head + length);
    if ((out->id & 0xF8) == 0x90) { /* locking; bit 4 is 0 (§4.5.3) */
        it->locked = out->id & 0x07;
    } else if ((out->id & 0xF8) == 0x98) {
        it->shifted = (uint8_t)(8 + (out->id & 0x07));
    }
    return 1;
}

int q931_uui_find(const struct q931_msg *m, struct str *octets)
{
    struct q931_walk it = {.rest = m->elements};
    struct q931_element e;
    struct str found = STR_NONE;
    int got;

    *octets = STR_NONE;
    while ((got = q931_next(&it, &e)) > 0) {
        if (e.id != Q931_USER_USER || e.codeset != 0) {
            continue;
        }
        if (str_is_set(found)) {
            return E_TOOMANY;
        }
        found = e.whole;
    }
    if (got < 0) {
        return got;
    }
    return str_is_set(found) ? q931_uui_read(found, octets) : E_NOTFOUND;
}
