/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the scan looks for, by line:
 *
 *   User-to-User, X-U…          at all
 *   Contact, Refer-To, …        '?', or a parameter that begins like one of ours
 *   Content-Type                ISUP, GTD, several parts
 *   body                        "=cs-c", of a=cs-correlation
 *
 * The header names of a line are told apart by their first letters only, and markers by a few
 * characters: what is taken for one of ours and is none is found out later.
 *
 * COST. Two to three instructions an octet in the worst case, a third of one in a line that
 * cannot matter.
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

bool border_has_uris(enum sip_hdr_id id)
{
    return (sip_hdr_flags(id) & SIP_HDRF_URI) != 0 && id != SIP_HDR_FROM && id != SIP_HDR_TO &&
           id != SIP_HDR_VIA;
}

/** Is ';' at `p` in front of uui=, aai=, user-to-user=, or of something escaped? */
static bool is_param(const char *p, const char *end)
{
    p++;
    return begins(p, end, "uui") || begins(p, end, "aai") || begins(p, end, "user-to") ||
           (end - p > 4 && (p[0] == '%' || p[1] == '%' || p[2] == '%'));
}

/** '?', or one of our parameters, also escaped ones (in a URI that is embedded in another). */
static bool has_marker(const char *p, const char *end)
{
#if SIP_SCAN_SSE2
    const __m128i mark = _mm_set1_epi8('?'), semi = _mm_set1_epi8(';');
    const __m128i percent = _mm_set1_epi8('%');
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i any = _mm_or_si128(_mm_cmpeq_epi8(x, mark), _mm_cmpeq_epi8(x, percent));
        unsigned semis = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, semi));
        if (_mm_movemask_epi8(any) != 0) {
            break; /* rare: the plain loop says which */
        }
        for (; semis != 0; semis &= semis - 1) {
            if (is_param(p + __builtin_ctz(semis), end)) {
                return true;
            }
        }
    }
#endif
    for (; p < end; p++) {
        bool escaped = *p == '%' && end - p > 2 && p[1] == '3' &&
                       (p[2] == 'f' || p[2] == 'F' || p[2] == 'b' || p[2] == 'B');
        if (*p == '?' || escaped || (*p == ';' && is_param(p, end))) {
            return true;
        }
    }
    return false;
}

/** Is that the type of a body that may have some beyond the attribute? */
static bool is_body_type(const char *p, const char *end)
{
    return begins(p, end, "multipart") || begins(p, end, "application/isup") ||
           begins(p, end, "application/gtd");
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

/** "=cs-c" */
static bool body_has_marker(const char *p, const char *end)
{
    while (end - p >= 5 && (p = sip_scan_char(p, end - 4, 's')) < end - 4) {
        if (p[-1] == 'c' && p[-2] == '=' && p[1] == '-' && p[2] == 'c') {
            return true;
        }
        p++;
    }
    return false;
}

static bool is_letter(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

/** From the name of a header on: does its line matter? `end`: of the line, folds included. */
static bool line_matters(const char *p, const char *end)
{
    switch (ascii_lower(*p)) {
    case 'u':
        return begins(p, end, "user-to-user");
    case 'x':
        return begins(p, end, "x-u");
    case 'c':
        return begins(p, end, "contact") ? has_marker(p, end)
               : begins(p, end, "content-type") || (end - p > 1 && !is_letter(p[1]))
                   ? is_body_type(value_of(p, end), end)
                   : false;
    case 'r': /* Refer-To, Referred-By, Remote-Party-ID, Route */
    case 'm': /* Contact; not Max-Forwards */
    case 'b': /* Referred-By */
    case 'h': /* History-Info */
    case 'd': /* Diversion; Date does no harm */
    case 'p': /* P-Asserted-Identity, Path, … */
    case 's': /* Service-Route; Supported, Subject do no harm */
        return has_marker(p, end);
    default:
        return false;
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

bool border_scan_bytes(struct str bytes)
{
    const char *p = bytes.p, *end = bytes.p + bytes.n;
    const char *next = line_end(p, end);
    if (!begins(p, next, "sip/2.0 ") && has_marker(p, next)) {
        return true;
    }
    for (p = next; p < end; p = next) {
        next = line_end(p, end);
        if (*p == '\r' || *p == '\n') {
            return end - next > 8 && body_has_marker(next + 2, end);
        }
        if (line_matters(p, next)) {
            return true;
        }
    }
    return false;
}

bool border_scan_msg(const struct sip_msg *m)
{
    struct str body = sip_msg_body(m), ruri = sip_msg_ruri(m);
    if (sip_msg_has(m, SIP_HDR_USER_TO_USER) ||
        (sip_is_request(m) && has_marker(ruri.p, ruri.p + ruri.n))) {
        return true;
    }
    for (const struct sip_hdr *h = m->hdr; h < m->hdr + m->hdr_count; h++) {
        struct str value = sip_hdr_value(m, h);
        if (h->id == SIP_HDR_OTHER ? border_is_x_header(sip_hdr_name(m, h))
            : border_has_uris((enum sip_hdr_id)h->id)
                ? has_marker(value.p, value.p + value.n)
                : h->id == SIP_HDR_CONTENT_TYPE && is_body_type(value.p, value.p + value.n)) {
            return true;
        }
    }
    return body.n > 8 && body_has_marker(body.p + 2, body.p + body.n);
}
