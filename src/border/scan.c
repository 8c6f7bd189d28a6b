/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scan looks for, by line:
 *
 *   User-to-User, X-U…          at all
 *   Contact, Refer-To, …        '?', or a parameter that begins like one of ours
 *   Content-Type                ISUP, GTD, several parts, a message in a message
 *   body                        "s-c", of a=cs-correlation, in any case
 *
 * The header names of a line are told apart by their first letters only, and markers by a few
 * characters: what is taken for one of ours and is none is found out later.
 *
 * COST. Half an instruction an octet for the ends of the lines, and some twenty a line; two an
 * octet in addresses.
 */
#include "border/scan.h"

#include "sip/scan.h"

/** Begins with `name` (lower case) in any case. */
static bool begins(const char *p, const char *end, const char *name)
{
    for (; *name != '\0'; p++, name++) {
        if (p == end || ascii_lower(*p) != *name) {
            return false;
        }
    }
    return true;
}

bool border_is_x_header(struct str name)
{
    const char *end = name.p + name.n;
    return begins(name.p, end, "x-uui") || begins(name.p, end, "x-user-to-user") ||
           begins(name.p, end, "x-usertouser");
}

/** Not From and To (find.h), nor routes, whose URIs have no headers (RFC 3261 §19.1.1). */
static const enum sip_hdr_id with_uris[] = {
    SIP_HDR_CONTACT,         SIP_HDR_REFER_TO,
    SIP_HDR_REFERRED_BY,     SIP_HDR_HISTORY_INFO,
    SIP_HDR_DIVERSION,       SIP_HDR_P_ASSERTED_IDENTITY,
    SIP_HDR_REMOTE_PARTY_ID, SIP_HDR_P_PREFERRED_IDENTITY};

bool border_has_uris(enum sip_hdr_id id)
{
    for (size_t i = 0; i < ARRAY_LEN(with_uris); i++) {
        if (with_uris[i] == id) {
            return true;
        }
    }
    return false;
}

/** Is ';' at `p` in front of uui=, aai= or user-to-user=? */
static inline bool is_param(const char *p, const char *end)
{
    char c = p + 1 < end ? ascii_lower(p[1]) : '\0';
    return (c == 'u' || c == 'a') && (begins(p + 1, end, "uui") || begins(p + 1, end, "aai") ||
                                      begins(p + 1, end, "user-to"));
}

/** '?', one of our parameters, or something escaped, which could be either. */
static bool has_marker(const char *p, const char *end)
{
#if SIP_SCAN_SSE2
    if (end - p >= 16) {
        const char *last = end - 16; /* the last step overlaps the one before */
        for (;;) {
            __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
            __m128i any = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('?')),
                                       _mm_cmpeq_epi8(x, _mm_set1_epi8('%')));
            unsigned semi = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(';')));
            if (_mm_movemask_epi8(any) != 0) {
                return true;
            }
            for (; semi != 0; semi &= semi - 1) {
                if (is_param(p + __builtin_ctz(semi), end)) {
                    return true;
                }
            }
            if (p == last) {
                return false;
            }
            p = last - p < 16 ? last : p + 16;
        }
    }
#endif
    for (; p < end; p++) {
        if (*p == '?' || *p == '%' || (*p == ';' && is_param(p, end))) {
            return true;
        }
    }
    return false;
}

/** Is that the type of a body that may have some beyond the attribute? */
static bool is_body_type(const char *p, const char *end)
{
    if (end - p < 9) {
        return false;
    }
    if (ascii_lower(*p) == 'm') {
        return begins(p, end, "multipart") || begins(p, end, "message/sip");
    }
    return end - p > 12 && p[12] != 's' &&
           (begins(p, end, "application/isup") || begins(p, end, "application/gtd"));
}

/** The value of a line; `end` when it has none. */
static const char *value_of(const char *p, const char *end)
{
    p = sip_scan_char(p, end, ':');
    p += p < end ? 1 : 0;
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n')) {
        p++;
    }
    return p;
}

/** Is '-' at `p` that of "s-c", in any case (RFC 7195's grammar is not case-sensitive)? */
static inline bool is_correlation(const char *p)
{
    return ascii_lower(p[-1]) == 's' && ascii_lower(p[1]) == 'c';
}

/** Such a '-' behind the first three octets of the body, which begins at `p` - 3. */
static bool has_correlation(const char *p, const char *end)
{
    for (; p < end - 1; p++) { /* one octet follows it */
        if (*p == '-' && is_correlation(p)) {
            return true;
        }
    }
    return false;
}

#if SIP_SCAN_SSE2
/** 0xff where "-c" begins, in any case: less to ask than for all three, and nearly as rare. */
static inline __m128i dash_c(const char *p)
{
    __m128i dash = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i next = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
    next = _mm_or_si128(next, _mm_set1_epi8(0x20));
    return _mm_and_si128(_mm_cmpeq_epi8(dash, _mm_set1_epi8('-')),
                         _mm_cmpeq_epi8(next, _mm_set1_epi8('c')));
}
#endif

/** To the end without asking between: hardly any body has one. */
static bool body_has_marker(const char *p, const char *end)
{
#if SIP_SCAN_SSE2
    if (end - p > 16) {
        const char *at = p, *last = end - 17; /* the last step overlaps the one before */
        __m128i any = dash_c(last);
        for (; at + 16 < last; at += 32) {
            any = _mm_or_si128(any, _mm_or_si128(dash_c(at), dash_c(at + 16)));
        }
        if (at < last) {
            any = _mm_or_si128(any, dash_c(at));
        }
        return _mm_movemask_epi8(any) != 0 && has_correlation(p, end);
    }
#endif
    return has_correlation(p, end);
}

static bool is_letter(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static unsigned uri_bit(const char *p, const char *end)
{
    return has_marker(p, end) ? BORDER_SCAN_URI : 0;
}

/** Content-Type, Contact, or one that does not matter. */
static unsigned scan_c(const char *p, const char *end)
{
    bool type;
    if (end - p < 4) {
        return 0;
    }
    if (ascii_lower(p[1]) != 'o' && is_letter(p[1])) {
        return 0; /* Call-ID, CSeq */
    }
    if (begins(p, end, "contact")) {
        return uri_bit(p, end);
    }
    type = !is_letter(p[1]) || begins(p, end, "content-type");
    return type && is_body_type(value_of(p, end), end) ? BORDER_SCAN_BODY : 0;
}

/** From the name of a header on: what may its line have? `end`: of the line, with its folds. */
static unsigned scan_line(const char *p, const char *end)
{
    char second = end - p > 1 ? ascii_lower(p[1]) : '\0';
    switch (ascii_lower(*p)) {
    case 'c':
        return scan_c(p, end);
    case 'u':
        return begins(p, end, "user-to") ? BORDER_SCAN_HEADER : 0;
    case 'x':
        return begins(p, end, "x-u") ? BORDER_SCAN_X : 0;
    case 'r': /* Refer-To, Referred-By, Remote-Party-ID; not Route, Record-Route, Require */
        return second == 'o' || begins(p, end, "rec") || begins(p, end, "req")
                   ? 0
                   : uri_bit(p, end);
    case 'm': /* Contact; not Max-Forwards, MIME-Version */
        return second == 'a' || second == 'i' ? 0 : uri_bit(p, end);
    case 'p': /* P-Asserted-Identity, …; not Path, Privacy, Priority */
        return second == '-' ? uri_bit(p, end) : 0;
    case 'b': /* Referred-By */
    case 'h': /* History-Info */
        return uri_bit(p, end);
    case 'd': /* Diversion; not Date */
        return second == 'i' ? uri_bit(p, end) : 0;
    default:
        return 0;
    }
}

/** Behind the line at `p`, with its folds. */
static const char *line_end(const char *p, const char *end)
{
    do {
        p = sip_scan_char(p, end, '\n');
        p += p < end ? 1 : 0;
    } while (p < end && (*p == ' ' || *p == '\t'));
    return p;
}

unsigned border_scan_bytes(struct str bytes)
{
    const char *p = bytes.p, *end = bytes.p + bytes.n;
    const char *next = line_end(p, end);
    unsigned found = begins(p, next, "sip/2.0 ") ? 0 : uri_bit(p, next);
    for (p = next; p < end; p = next) {
        next = line_end(p, end);
        if (*p == '\r' || *p == '\n') {
            bool body = end - next > 8 && body_has_marker(next + 3, end);
            return found | (body ? BORDER_SCAN_BODY : 0);
        }
        found |= scan_line(p, next);
    }
    return found;
}

/** Something in front of or behind this character that one of ours has. */
static inline bool is_suspect(const char *p, const char *from, const char *end)
{
    char next = p + 1 < end ? ascii_lower(p[1]) : '\0';
    switch (*p) {
    case '-': /* to-User, X-U…, cs-correlation */
        return next == 'u' || next == 'c' || next == '\0';
    case '/': /* application/isup, application/gtd, multipart/, message/sip */
        return next == 'i' || next == 'g' || p == from || ascii_lower(p[-1]) == 't' ||
               ascii_lower(p[-1]) == 'e';
    case ';':
        return (next == 'u' || next == 'a' || next == '\0') &&
               (end - p <= 4 || is_param(p, end));
    default:
        return true;
    }
}

/** A line that Baton writes about the way of a message, or the value of a Via or of
    Max-Forwards: no place for any of ours. */
static bool is_way(struct str s)
{
    static const struct str names[] = {STR_INIT("Via: "), STR_INIT("Max-Breadth: "),
                                       STR_INIT("Record-Route: "), STR_INIT("Route: ")};
    const char *last = s.p + s.n - 1;
    if (s.n <= 3) {
        return *s.p >= '0' && *s.p <= '9' && *last >= '0' && *last <= '9';
    }
    if (s.p[0] == 'S') {
        return str_starts(s, STR("SIP/2.0/")) && sip_scan_char(s.p, last, '\n') == last;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (s.p[0] == names[i].p[0] && str_starts(s, names[i])) {
            return sip_scan_char(s.p, last, '\n') == last;
        }
    }
    return false;
}

bool border_scan_fragment(struct str fragment)
{
    if (fragment.n == 0 || is_way(fragment)) {
        return false;
    }
    const char *p = fragment.p, *end = fragment.p + fragment.n;
#if SIP_SCAN_SSE2
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i any =
            _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('?')),
                                      _mm_cmpeq_epi8(x, _mm_set1_epi8('%'))),
                         _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(';')),
                                                   _mm_cmpeq_epi8(x, _mm_set1_epi8('/'))),
                                      _mm_cmpeq_epi8(x, _mm_set1_epi8('-'))));
        for (unsigned hit = (unsigned)_mm_movemask_epi8(any); hit != 0; hit &= hit - 1) {
            if (is_suspect(p + __builtin_ctz(hit), fragment.p, end)) {
                return true;
            }
        }
    }
#endif
    for (; p < end; p++) {
        bool mark = *p == '?' || *p == '%' || *p == ';' || *p == '/' || *p == '-';
        if (mark && is_suspect(p, fragment.p, end)) {
            return true;
        }
    }
    return false;
}

static bool lines_have_marker(const struct sip_msg *m, enum sip_hdr_id id)
{
    if (!sip_msg_has(m, id)) {
        return false;
    }
    for (const struct sip_hdr *h = sip_msg_line(m, id); h != NULL;
         h = sip_msg_next_line(m, h)) {
        const char *value = m->buf + h->val_off;
        if (has_marker(value, value + h->val_len)) {
            return true;
        }
    }
    return false;
}

static unsigned scan_uris(const struct sip_msg *m)
{
    const char *ruri = m->buf + m->ruri_off;
    const uint16_t *first = m->first;
    if (sip_is_request(m) && has_marker(ruri, ruri + m->ruri_len)) {
        return BORDER_SCAN_URI;
    }
    if (lines_have_marker(m, SIP_HDR_CONTACT)) {
        return BORDER_SCAN_URI;
    }
    if ((first[SIP_HDR_REFER_TO] | first[SIP_HDR_REFERRED_BY] | first[SIP_HDR_HISTORY_INFO] |
         first[SIP_HDR_DIVERSION] | first[SIP_HDR_P_ASSERTED_IDENTITY] |
         first[SIP_HDR_REMOTE_PARTY_ID] | first[SIP_HDR_P_PREFERRED_IDENTITY]) == 0) {
        return 0; /* as in most messages */
    }
    for (size_t i = 0; i < ARRAY_LEN(with_uris); i++) {
        if (lines_have_marker(m, with_uris[i])) {
            return BORDER_SCAN_URI;
        }
    }
    return 0;
}

static unsigned scan_body(const struct sip_msg *m)
{
    struct str type = STR_NONE;
    const char *body = m->buf + m->head_len, *end = m->buf + m->len;
    if (end - body <= 8) {
        return 0;
    }
    type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);
    return (str_is_set(type) && is_body_type(type.p, type.p + type.n)) ||
                   body_has_marker(body + 3, end)
               ? BORDER_SCAN_BODY
               : 0;
}

unsigned border_scan_msg(const struct sip_msg *m)
{
    unsigned found = sip_msg_has(m, SIP_HDR_USER_TO_USER) ? BORDER_SCAN_HEADER : 0;
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_OTHER); h != NULL;
         h = sip_msg_next_line(m, h)) {
        if (border_is_x_header(sip_hdr_name(m, h))) {
            found |= BORDER_SCAN_X;
        }
    }
    return found | scan_uris(m) | scan_body(m);
}
