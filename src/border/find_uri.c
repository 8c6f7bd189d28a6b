/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User information in URIs: in their headers (RFC 7433 §4.1), in parameters that some
 * systems use for it, and in URIs that stand in headers of URIs.
 *
 * A URI is taken apart by its separators alone: '@', ';', '?', '&', '='. A '?' in the user part
 * is a character of it (RFC 3261 §25.1); behind the '@' it begins the headers.
 */
#include "base/err.h"
#include "border/find.h"
#include "border/scan.h"

/** Names and values of a URI's headers; 0 when a value of the list has room. */
static bool plain(struct border_found *f, const struct border_text *t, struct str part,
                  struct border_text *out)
{
    struct border_text escaped = border_text_part(t, part);
    if (border_text_unescape(&escaped, f->arena, out) != 0) {
        f->err = E_NOMEM;
        return false;
    }
    return true;
}

/** The rule that the header breaks as part of a URI is that of its values. */
static void strike(struct border_found *f, uint32_t first, struct str header)
{
    struct uui_embedded e;
    if (!uui_uri_next(&header, &e) || e.rule == UUI_R_NONE) {
        return;
    }
    for (uint32_t i = first; i < f->values.n; i++) {
        uui_strike(&border_value_at(f, i)->v, e.rule, e.at);
    }
}

/** One header, from its name to the next '&'. @return the group of its values or NOWHERE */
static uint32_t uri_header(struct border_found *f, const struct border_text *t,
                           struct str header, enum sip_hdr_id line)
{
    size_t eq = str_index(header, '=');
    struct border_text name, value;
    uint32_t group, first = f->values.n;
    bool own;
    if (!plain(f, t, eq < header.n ? str_upto(header, eq) : header, &name)) {
        return BORDER_NOWHERE;
    }
    if (eq < header.n) {
        if (!plain(f, t, str_from(header, eq + 1), &value)) {
            return BORDER_NOWHERE;
        }
    } else { /* its '=' is escaped, too */
        eq = str_index(name.s, '=');
        value = border_text_part(&name, str_from(name.s, eq + 1));
        name = border_text_part(&name, str_upto(name.s, eq));
    }
    enum sip_hdr_id id = sip_hdr_id_of(name.s);
    own = id == SIP_HDR_USER_TO_USER || border_is_x_header(name.s);
    if (!own) {
        if (id != SIP_HDR_OTHER && border_has_uris(id) && t->depth + 1 < BORDER_DEPTH_MAX) {
            border__addresses(f, &value, (sip_hdr_flags(id) & SIP_HDRF_LIST) != 0, line);
        }
        return BORDER_NOWHERE;
    }
    group = border__values(f, &value, BORDER_URI_HEADER, name.s, line);
    if (group == BORDER_NOWHERE) {
        return group;
    }
    struct border_group *g = border_group_at(f, group);
    g->name_from = border_text_at(&name, 0);
    g->name_to = border_text_at(&name, name.s.n);
    if (id == SIP_HDR_USER_TO_USER) {
        strike(f, first, header);
    }
    return group;
}

static void uri_headers(struct border_found *f, const struct border_text *t, struct str headers,
                        enum sip_hdr_id line)
{
    struct border_uri u = {border_text_at(t, (size_t)(headers.p - t->s.p)) - 1, f->parts.n, 0};
    uint32_t first = f->values.n;
    bool more = true;
    /* the parts of one URI stand one behind another; those of URIs within it come later */
    for (struct str rest = headers; more && f->err == 0; u.n++) {
        size_t end = str_index(rest, '&');
        struct border_text text = border_text_part(t, str_upto(rest, end));
        struct border_part *p = border__push(f, &f->parts, sizeof(*p));
        if (p != NULL) {
            p->from = border_text_at(&text, 0);
            p->to = border_text_at(&text, text.s.n);
            p->group = BORDER_NOWHERE;
        }
        more = end < rest.n;
        rest = str_from(rest, end + 1);
    }
    struct str rest = headers;
    for (uint32_t i = 0; i < u.n && f->err == 0; i++) {
        size_t end = str_index(rest, '&');
        uint32_t group = uri_header(f, t, str_upto(rest, end), line);
        ((struct border_part *)f->parts.at + u.first + i)->group = group;
        rest = str_from(rest, end + 1);
    }
    border__judge(f, first);
    struct border_uri *place = border__push(f, &f->uris, sizeof(*place));
    if (place != NULL) {
        *place = u;
    }
}

static bool is_ours(struct str name)
{
    return str_ieq(name, STR("uui")) || uui_dialect_any_owns(UUI_AT_URI_PARAM, name);
}

/** A parameter that is one of ours, from its ';' on. */
static void uri_param(struct border_found *f, const struct border_text *t, struct str param,
                      enum sip_hdr_id line)
{
    struct border_text whole = border_text_part(t, param), text;
    struct str rest = str_from(param, 1);
    size_t eq = str_index(rest, '=');
    struct border_text name, value;
    if (!plain(f, t, str_upto(rest, eq), &name) || !is_ours(name.s) ||
        !plain(f, t, str_from(rest, eq + 1), &value)) {
        return;
    }
    text = value;
    uint32_t group = border__values(f, &text, BORDER_URI_PARAM, name.s, line);
    if (group != BORDER_NOWHERE) {
        struct border_group *g = border_group_at(f, group);
        g->from = border_text_at(&whole, 0);
        g->to = border_text_at(&whole, whole.s.n);
    }
}

void border__uri(struct border_found *f, const struct border_text *t, enum sip_hdr_id line)
{
    struct str s = t->s;
    size_t user = str_index(s, '@');
    size_t from = user < s.n ? user : 0;
    size_t mark = from + str_index(str_from(s, from), '?');
    struct str rest = str_make(s.p + from, mark - from);
    size_t semi = str_index(rest, ';');
    while (semi < rest.n && f->err == 0) {
        rest = str_from(rest, semi);
        semi = 1 + str_index(str_from(rest, 1), ';');
        uri_param(f, t, str_upto(rest, semi), line);
    }
    if (mark < s.n && f->err == 0) {
        uri_headers(f, t, str_from(s, mark + 1), line);
    }
}

/** Behind the quoted display name at the start, else 0. */
static size_t display_end(struct str s)
{
    size_t i;
    if (s.n == 0 || s.p[0] != '"') {
        return 0;
    }
    for (i = 1; i < s.n && s.p[i] != '"'; i++) {
        i += s.p[i] == '\\' ? 1 : 0;
    }
    return i < s.n ? i + 1 : s.n;
}

void border__addresses(struct border_found *f, const struct border_text *t, bool list,
                       enum sip_hdr_id line)
{
    struct str rest = t->s, one;
    while (f->err == 0 && rest.n > 0) {
        if (!list) {
            one = rest;
            rest = STR_NONE;
        } else if (!sip_list_next(&rest, &one)) {
            break;
        }
        one = str_trim(one);
        one = str_from(one, display_end(one));
        size_t open = str_index(one, '<');
        if (open < one.n) {
            one = str_from(one, open + 1);
            one = str_upto(one, str_index(one, '>'));
        }
        if (one.n > 0) {
            struct border_text uri = border_text_part(t, one);
            border__uri(f, &uri, line);
        }
    }
}
