/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May this message be processed? The rules beyond the form of lines (RFC 3261 §8.1.1,
 * §8.2, §16.3; RFC 4475, RFC 5118).
 *
 * A request that breaks one is answered with the status of the fault (400); a response is
 * dropped (§18.1.2, RFC 4475 §3.1.2.19). Examined is what every element relies on to route,
 * to match and to answer:
 *
 *     From, To, Call-ID, CSeq, Via     present, well-formed; not more than VIA_MAX of Via
 *     single headers                   on one line only (RFC 4475 §3.3.8)
 *     CSeq                             below 2^31, its method that of the request
 *     Max-Forwards                     when present: 0..255
 *     Request-URI                      well-formed; sip and sips: no headers in it
 *     Contact, Route, Record-Route,    requests only: each address well-formed; "*" alone
 *     Path, Refer-To                   and in REGISTER only
 *
 * NOT DONE  What needs a role or a policy: 416 for schemes, 420, 415, 483, 405, 501. Values
 *           that can be ignored when they are bad (Date, Expires, Warning, ...: §8.2, §16.3)
 *           are left to whoever reads them. Branch and tags may be absent (RFC 2543), and
 *           so may Max-Forwards and the Contact of an INVITE.
 */
#include "base/err.h"
#include "sip/hdr.h"
#include "sip/lex.h"
#include "sip/msg.h"

#define MAX_FORWARDS_MAX 255 /* RFC 3261 §20.22 */

/* Each is a line of its own in a response, and Max-Forwards begins at 70. */
#define VIA_MAX 128

struct check {
    const struct sip_msg *m;
    const struct sip_limits *limits;
    struct sip_fault *fault;
};

static int refuse(struct check *c, int err, unsigned status, const char *at, const char *reason)
{
    uint16_t answer = sip_is_request(c->m) ? (uint16_t)status : 0;
    *c->fault = (struct sip_fault){answer, (uint32_t)(at - c->m->buf), reason};
    return err;
}

static int check_present(struct check *c)
{
    static const struct {
        enum sip_hdr_id id;
        const char *reason;
    } needed[] = {
        {SIP_HDR_VIA, "Via is missing"},   {SIP_HDR_FROM, "From is missing"},
        {SIP_HDR_TO, "To is missing"},     {SIP_HDR_CALL_ID, "Call-ID is missing"},
        {SIP_HDR_CSEQ, "CSeq is missing"},
    };
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (!sip_msg_has(c->m, needed[i].id)) {
            return refuse(c, E_SYNTAX, 400, c->m->buf + c->m->head_len, needed[i].reason);
        }
    }
    return 0;
}

static int check_single(struct check *c)
{
    const struct sip_msg *m = c->m;
    for (unsigned i = 0; i < m->hdr_count; i++) {
        const struct sip_hdr *h = &m->hdr[i];
        if (h->next != 0 && (sip_hdr_flags((enum sip_hdr_id)h->id) & SIP_HDRF_SINGLE) != 0) {
            return refuse(c, E_SYNTAX, 400, m->buf + m->hdr[h->next].name_off,
                          "A header field that may stand once occurs twice");
        }
    }
    return 0;
}

/* callid = word [ "@" word ]; more than one '@' is harmless and seen. */
static int check_call_id(struct check *c)
{
    struct str v = sip_msg_value(c->m, SIP_HDR_CALL_ID);
    const char *end = sip_end(v);
    const char *p = v.p;
    while (p < end && (sip_char_is(*p, SIP_C_WORD) || *p == '@')) {
        p++;
    }
    return p == end && v.n > 0 ? 0 : refuse(c, E_SYNTAX, 400, p, "Malformed Call-ID");
}

static int check_cseq(struct check *c)
{
    struct str v = sip_msg_value(c->m, SIP_HDR_CSEQ);
    struct sip_cseq cseq;
    uint32_t at;
    int err = sip_cseq_parse(v, &cseq, &at);
    if (err != 0) {
        return refuse(c, E_SYNTAX, 400, v.p + at,
                      err == E_VALUE ? "CSeq number out of range" : "Malformed CSeq");
    }
    if (sip_is_request(c->m) && !str_eq(cseq.method, sip_msg_method(c->m))) {
        return refuse(c, E_SYNTAX, 400, cseq.method.p, "CSeq names another method");
    }
    return 0;
}

static int check_max_forwards(struct check *c)
{
    struct str v = sip_msg_value(c->m, SIP_HDR_MAX_FORWARDS);
    uint64_t n;
    if (str_is_set(v) && !str_to_u64(v, MAX_FORWARDS_MAX, &n)) {
        return refuse(c, E_SYNTAX, 400, v.p, "Max-Forwards is not in 0..255");
    }
    return 0;
}

static int check_via(struct check *c)
{
    struct sip_values it = {0};
    struct str v;
    unsigned count = 0;
    while (sip_msg_each(c->m, SIP_HDR_VIA, &it, &v)) {
        struct sip_via via;
        uint32_t at;
        if (++count > VIA_MAX) {
            return refuse(c, E_TOOMANY, 513, v.p, "Too many Via values");
        }
        if (sip_via_parse(v, &via, &at) != 0) {
            return refuse(c, E_SYNTAX, 400, v.p + at, "Malformed Via");
        }
    }
    struct str first = sip_msg_value(c->m, SIP_HDR_VIA);
    return count > 0 ? 0 : refuse(c, E_SYNTAX, 400, first.p, "Empty Via");
}

static int check_addr(struct check *c, struct str v, struct sip_addr *a, const char *reason)
{
    uint32_t at;
    if (sip_addr_parse(v, a, &at) != 0) {
        return refuse(c, E_SYNTAX, 400, v.p + at, reason);
    }
    if (a->uri_text.n > c->limits->uri) {
        return refuse(c, E_TOOBIG, 400, a->uri_text.p, "URI too long");
    }
    return 0;
}

static int check_from_to(struct check *c, enum sip_hdr_id id, const char *reason)
{
    struct sip_addr a;
    struct str v = sip_msg_value(c->m, id);
    int err = check_addr(c, v, &a, reason);
    return err == 0 && a.star ? refuse(c, E_SYNTAX, 400, v.p, reason) : err;
}

/* Every element of one address list. */
static int check_list(struct check *c, enum sip_hdr_id id, const char *reason)
{
    struct sip_values it = {0};
    struct str v;
    unsigned count = 0;
    bool star = false;
    while (sip_msg_each(c->m, id, &it, &v)) {
        struct sip_addr a;
        int err = check_addr(c, v, &a, reason);
        if (err != 0) {
            return err;
        }
        count++;
        star = star || a.star;
        if (star &&
            (count > 1 || id != SIP_HDR_CONTACT || c->m->method != SIP_METHOD_REGISTER)) {
            return refuse(c, E_SYNTAX, 400, v.p, reason);
        }
    }
    return 0;
}

static int check_ruri(struct check *c)
{
    struct sip_uri uri;
    struct str text = sip_msg_ruri(c->m);
    uint32_t at;
    int err = sip_uri_parse(text, c->limits->uri, &uri, &at);
    if (err == E_TOOBIG) {
        return refuse(c, err, 414, text.p, "Request-URI too long");
    }
    if (err != 0) {
        return refuse(c, err, 400, text.p + at, "Malformed Request-URI");
    }
    if (str_is_set(uri.headers)) { /* RFC 3261 §19.1.1, RFC 4475 §3.1.2.11 */
        return refuse(c, E_SYNTAX, 400, uri.headers.p, "Header fields in the Request-URI");
    }
    return 0;
}

static int check_common(struct check *c)
{
    int err;
    if ((err = check_present(c)) != 0 || (err = check_single(c)) != 0 ||
        (err = check_via(c)) != 0 || (err = check_call_id(c)) != 0 ||
        (err = check_cseq(c)) != 0 ||
        (err = check_from_to(c, SIP_HDR_FROM, "Malformed From")) != 0 ||
        (err = check_from_to(c, SIP_HDR_TO, "Malformed To")) != 0) {
        return err;
    }
    return 0;
}

static int check_request(struct check *c)
{
    int err;
    if ((err = check_ruri(c)) != 0 || (err = check_max_forwards(c)) != 0 ||
        (err = check_list(c, SIP_HDR_CONTACT, "Malformed Contact")) != 0 ||
        (err = check_list(c, SIP_HDR_ROUTE, "Malformed Route")) != 0 ||
        (err = check_list(c, SIP_HDR_RECORD_ROUTE, "Malformed Record-Route")) != 0 ||
        (err = check_list(c, SIP_HDR_PATH, "Malformed Path")) != 0 ||
        (err = check_list(c, SIP_HDR_REFER_TO, "Malformed Refer-To")) != 0) {
        return err;
    }
    return 0;
}

int sip_msg_check(const struct sip_msg *m, const struct sip_limits *limits,
                  struct sip_fault *fault)
{
    struct check c = {m, limits, fault};
    *fault = (struct sip_fault){0, 0, NULL};
    int err = check_common(&c);
    return err == 0 && sip_is_request(m) ? check_request(&c) : err;
}
