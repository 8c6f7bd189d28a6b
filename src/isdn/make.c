/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISUP messages of our own: see make.h.
 *
 * One writer for all of them: the fixed octets, then a pointer for each mandatory variable
 * parameter and one for the optional part, then these. Everything fits one octet of length.
 */
#include "isdn/make.h"
#include "base/err.h"
#include "sip/uri.h"

enum {
    CALLING_PARTY_NUMBER = 0x0A,
    UNKNOWN_NUMBER = 0x02, /* nature of address */
    INTERNATIONAL = 0x04,
    E164 = 0x10,       /* numbering plan */
    RESTRICTED = 0x04, /* presentation */
    NETWORK_PROVIDED = 0x03,
    ORDINARY_SUBSCRIBER = 0x0A,
    AUDIO_3K1 = 0x03,
    NUMBER_MAX = 2 + (ISUP_DIGITS_MAX + 2) / 2,
};

/** The parts of one message. */
struct draft {
    uint8_t fixed[5];
    size_t fixed_n;
    struct str variable[ISUP_VARIABLE_MAX];
    size_t variable_n;
    bool optional; /**< it has a pointer to an optional part */
};

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c == '*' ? 11 : c == '#' ? 12 : -1;
}

/**
 * Nature, plan and digits, the first one in the lower half (Q.763 §3.9).
 * @param more  bits of the second octet besides the plan
 * @param st    the digit 15 stands behind the others
 * @return octets, 0: it is no number
 */
static size_t number(struct str s, uint8_t more, bool st, uint8_t out[static NUMBER_MAX])
{
    bool international = s.n > 0 && s.p[0] == '+';
    size_t n = 0;

    s = str_from(s, international ? 1 : 0);
    if (s.n == 0 || s.n > ISUP_DIGITS_MAX) {
        return 0;
    }
    memset(out, 0, NUMBER_MAX);
    for (size_t i = 0; i < s.n + (st ? 1 : 0); i++, n++) {
        int digit = i < s.n ? digit_of(s.p[i]) : 15;
        if (digit < 0 || (international && digit > 9 && i < s.n)) {
            return 0;
        }
        out[2 + n / 2] |= (uint8_t)(n % 2 == 0 ? digit : digit << 4);
    }
    out[0] = (uint8_t)((international ? INTERNATIONAL : UNKNOWN_NUMBER) | (n % 2 << 7));
    out[1] = (uint8_t)(E164 | more);
    return 2 + (n + 1) / 2;
}

static struct str bytes(const uint8_t *p, size_t n)
{
    return str_make((const char *)p, n);
}

static void fix(struct draft *d, const uint8_t *octets, size_t n)
{
    memcpy(d->fixed, octets, n);
    d->fixed_n = n;
}

/* ---- each type ---- */

static int draft_iam(struct draft *d, const struct isup_new *m,
                     uint8_t called[static NUMBER_MAX])
{
    static const uint8_t audio[] = {0x90, 0x90, 0xA2}; /* 3.1 kHz, 64 kbit/s, G.711 */
    bool ansi = m->base == ISUP_ANSI;
    bool abroad = m->called.n > 0 && m->called.p[0] == '+';
    const uint8_t fixed[] = {0x00, (uint8_t)(0x60 | (abroad ? 1 : 0)), 0x00,
                             ORDINARY_SUBSCRIBER, AUDIO_3K1};
    size_t n = number(m->called, 0, !ansi, called);

    if (n == 0) {
        return E_VALUE;
    }
    fix(d, fixed, ansi ? 4 : 5);
    if (ansi) {
        d->variable[d->variable_n++] = bytes(audio, sizeof(audio));
    }
    d->variable[d->variable_n++] = bytes(called, n);
    return 0;
}

static void draft_backward(struct draft *d, bool free)
{
    const uint8_t indicators[] = {(uint8_t)(free ? 0x16 : 0x12), 0x04};

    fix(d, indicators, sizeof(indicators));
}

/** @param room  NUMBER_MAX octets that the parts may lie in */
static int draft(struct draft *d, const struct isup_new *m, uint8_t room[static NUMBER_MAX])
{
    *d = (struct draft){.optional = m->type != ISUP_RLC || m->base != ISUP_ANSI};
    switch (m->type) {
    case ISUP_IAM:
        return draft_iam(d, m, room);
    case ISUP_ACM:
        draft_backward(d, m->free);
        return 0;
    case ISUP_CON:
        draft_backward(d, true);
        return m->base == ISUP_ANSI ? E_UNSUPPORTED : 0;
    case ISUP_CPG:
        fix(d, &m->event, 1);
        return m->event == 0 || m->event > 0x7F ? E_VALUE : 0;
    case ISUP_ANM:
    case ISUP_RLC:
        return 0;
    case ISUP_REL:
        room[0] = (uint8_t)(0x80 | (m->location & 0x0F));
        room[1] = (uint8_t)(0x80 | m->cause);
        d->variable[d->variable_n++] = bytes(room, 2);
        return m->cause == 0 || m->cause > 0x7F ? E_VALUE : 0;
    default:
        return E_UNSUPPORTED;
    }
}

/** The optional parameters, in the order of their use in the tables of Q.763. */
static int options(const struct isup_new *m, struct out *o)
{
    uint8_t calling[NUMBER_MAX];
    size_t n = 0;

    if (m->type == ISUP_IAM && str_is_set(m->calling)) {
        n = number(m->calling, NETWORK_PROVIDED | (m->restricted ? RESTRICTED : 0), false,
                   calling);
        if (n == 0) {
            return E_VALUE;
        }
    }
    if (n > 0 && isup_param_write(o, CALLING_PARTY_NUMBER, bytes(calling, n)) != 0) {
        return E_SPACE;
    }
    return str_is_set(m->uui) ? isup_param_write(o, ISUP_USER_TO_USER, m->uui) : 0;
}

/** Pointers count from themselves. */
static void put(struct out *o, uint8_t type, const struct draft *d, struct str optional)
{
    size_t pointers = d->variable_n + (d->optional ? 1 : 0), to = pointers;

    out_ch(o, (char)type);
    out_str(o, bytes(d->fixed, d->fixed_n));
    for (size_t i = 0; i < pointers; i++) {
        bool none = i == d->variable_n && optional.n == 0;
        out_ch(o, (char)(unsigned char)(none ? 0 : to - i));
        to += i < d->variable_n ? 1 + d->variable[i].n : 0;
    }
    for (size_t i = 0; i < d->variable_n; i++) {
        out_ch(o, (char)(unsigned char)d->variable[i].n);
        out_str(o, d->variable[i]);
    }
    if (optional.n > 0) {
        out_str(o, optional);
        out_ch(o, 0);
    }
}

int isup_write(struct out *o, const struct isup_new *m)
{
    uint8_t room[NUMBER_MAX];
    char whole[ISUP_MADE_MAX], part[ISUP_MADE_MAX];
    struct draft d;
    struct out text, optional;
    int err;

    if (str_is_set(m->uui) && (m->uui.n == 0 || m->uui.n > ISDN_UUI_MAX)) {
        return m->uui.n == 0 ? E_VALUE : E_TOOBIG;
    }
    if (str_is_set(m->uui) && m->type == ISUP_RLC) {
        return E_UNSUPPORTED;
    }
    out_init(&optional, part, sizeof(part));
    err = draft(&d, m, room);
    err = err != 0 ? err : options(m, &optional);
    if (err != 0) {
        return err;
    }
    out_init(&text, whole, sizeof(whole));
    put(&text, m->type, &d, out_str_of(&optional));
    if (text.over || text.n > o->cap - o->n) {
        return E_SPACE;
    }
    out_str(o, out_str_of(&text));
    return 0;
}

/* ---- numbers ---- */

struct str isup_number_of(struct str uri, char buf[static ISUP_DIGITS_MAX + 1])
{
    struct sip_uri u;
    uint32_t at;
    size_t n = 0;

    if (sip_uri_parse(uri, 0, &u, &at) != 0 || !str_is_set(u.user)) {
        return STR_NONE;
    }
    for (size_t i = 0; i < u.user.n; i++) {
        char c = u.user.p[i];
        bool separates = u.scheme == SIP_SCHEME_TEL && strchr("-.()", c) != NULL;
        if (separates && c != '\0') {
            continue;
        }
        if ((digit_of(c) < 0 && !(c == '+' && i == 0)) || n > ISUP_DIGITS_MAX) {
            return STR_NONE;
        }
        buf[n++] = c;
    }
    return n > 0 && !(n == 1 && buf[0] == '+') ? str_make(buf, n) : STR_NONE;
}
