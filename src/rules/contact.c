/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contacts of a redirect (RFC 3261 §8.3), with embedded headers (§19.1.1, §21.3, RFC 7433
 * §4.1).
 *
 *     Contact: <sip:1001@example.com?User-to-User=0448%3Bencoding%3Dhex&Reason=…>;q=0.5
 *
 * A header value is escaped as a whole, once: everything that is not allowed literally in an
 * hvalue. A URI that has headers already keeps them, ours come behind. User-to-User is never
 * doubled: the rule's is left out when the URI has one of its own.
 */
#include "rules/rules.h"
#include "sip/uri.h"
#include "uui/uui.h"

bool rule_header_allowed(struct str name)
{
    /* RFC 3261 §19.1.5: what the sender of a request makes himself, and what describes a body
     */
    static const enum sip_hdr_id theirs[] = {
        SIP_HDR_VIA,           SIP_HDR_FROM,           SIP_HDR_TO,
        SIP_HDR_CALL_ID,       SIP_HDR_CSEQ,           SIP_HDR_ROUTE,
        SIP_HDR_RECORD_ROUTE,  SIP_HDR_CONTACT,        SIP_HDR_MAX_FORWARDS,
        SIP_HDR_PATH,          SIP_HDR_CONTENT_LENGTH, SIP_HDR_CONTENT_TYPE,
        SIP_HDR_ACCEPT,        SIP_HDR_AUTHORIZATION,  SIP_HDR_PROXY_AUTHORIZATION,
        SIP_HDR_ORGANIZATION,  SIP_HDR_SUPPORTED,      SIP_HDR_REQUIRE,
        SIP_HDR_USER_AGENT,    SIP_HDR_USER_TO_USER,   SIP_HDR_ALLOW,
        SIP_HDR_PROXY_REQUIRE,
    };
    enum sip_hdr_id id = sip_hdr_id_of(name);
    for (size_t i = 0; i < sizeof(theirs) / sizeof(theirs[0]); i++) {
        if (id == theirs[i]) {
            return false;
        }
    }
    return uui_is_token(name) && !str_istarts(name, STR("Content-"));
}

void rule_write_user(struct out *o, struct str number)
{
    sip_escape_user(o, number);
}

/** The URI with the called number in place of {number}. */
static void write_filled(struct out *o, struct str uri, struct str number)
{
    static const struct str hole = STR_INIT("{number}");
    for (;;) {
        size_t at = str_find(uri, hole);
        out_str(o, str_upto(uri, at));
        if (at == uri.n) {
            return;
        }
        rule_write_user(o, number);
        uri = str_from(uri, at + hole.n);
    }
}

static void write_header(struct out *o, bool *any, struct str name, struct str value)
{
    out_ch(o, *any ? '&' : '?');
    *any = true;
    out_str(o, name);
    out_ch(o, '=');
    sip_escape_header(o, value);
}

void rule_write_reference(struct out *o, struct str uri, struct str number,
                          const struct rule *r, const struct rule_more *more)
{
    struct str headers = uui_uri_headers(uri), uui = r != NULL ? r->uui_value : STR_NONE;
    struct str rest = headers;
    struct uui_embedded own;
    bool any = headers.n > 0;
    if (str_is_set(headers) && headers.n == 0) {
        uri = str_upto(uri, uri.n - 1); /* a '?' with nothing behind it */
    }
    write_filled(o, uri, number);
    if (r == NULL || !(str_istarts(uri, STR("sip:")) || str_istarts(uri, STR("sips:")))) {
        return;
    }
    uui = more != NULL && str_is_set(more->uui) ? more->uui : uui;
    if (uui.n > 0 && !uui_uri_next(&rest, &own)) {
        write_header(o, &any, STR("User-to-User"), uui);
    }
    for (size_t i = 0; i < r->header_lines; i++) {
        write_header(o, &any, r->headers[i].name, r->headers[i].value);
    }
    if (more != NULL && more->headers.n > 0) {
        out_ch(o, any ? '&' : '?');
        out_str(o, more->headers);
    }
}

void rule_write_uri(struct out *o, struct str uri, struct str number, const struct rule *r)
{
    rule_write_reference(o, uri, number, r, NULL);
}

void rule_write_contact(struct out *o, struct str uri, struct str number, const struct rule *r,
                        uint32_t q, const struct rule_more *more)
{
    out_c(o, "Contact: <");
    rule_write_reference(o, uri, number, r, more);
    out_ch(o, '>');
    if (q != RULE_NO_Q) {
        out_fmt(o, ";q=%u.%03u", q / 1000, q % 1000);
    }
    out_str(o, more != NULL ? more->params : STR_NONE);
    out_c(o, "\r\n");
}
