/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage one of parsing: from octets to an index of header lines (RFC 3261 §7).
 *
 * One pass over the head. For each line the scan finds its end, a line that starts with
 * white space is joined to the one before, the colon splits name from value, the name is
 * looked up, and lines of one header are chained. Then Content-Length bounds the body.
 *
 * FAULTS    The first one is kept and the pass goes on as far as it makes sense, so that
 *           the answer to a broken request can still carry its Via, From, To, Call-ID and
 *           CSeq. A broken response gets status 0 (drop), and so does what is no SIP
 *           message at all. What is refused here is what would make two readers see two
 *           different messages: CR or LF alone, white space in the Request-URI or after
 *           the version, names that are no tokens, lengths that do not add up.
 *           Everything about values is left to sip_msg_check and the views.
 * COST      no allocation; the head is read once, names and blank edges twice.
 */
#include "sip/msg.h"

#include "base/err.h"
#include "sip/lex.h"
#include "sip/names.h"
#include "sip/scan.h"

const struct sip_limits sip_limits_default = {64 * 1024, SIP_HDR_MAX, 4096};

struct pass {
    struct sip_msg *m;
    struct sip_fault *fault;
    const char *start; /* == m->buf */
    const char *end;   /* of the octets that may be read */
    int err;           /* of the first fault */
    bool response;
    uint8_t last[SIP_HDR_COUNT]; /* by id: index of the last line; if first[id] != 0 */
};

static void note(struct pass *s, int err, unsigned status, const char *at, const char *reason)
{
    if (s->err == 0) {
        s->err = err;
        *s->fault = (struct sip_fault){(uint16_t)status, (uint32_t)(at - s->start), reason};
    }
}

/* Not the usual end of a line at `p`: go on to it. See line_end. */
static const char *odd_line_end(struct pass *s, const char *p, const char **after)
{
    for (;; p++) {
        p = sip_scan_control(p, s->end);
        if (p == s->end) {
            *after = NULL;
            return p;
        }
        if (*p == '\r') {
            if (s->end - p >= 2 && p[1] == '\n') {
                *after = p + 2;
                return p;
            }
            note(s, E_SYNTAX, 400, p, "CR without LF");
        } else if (*p == '\n') {
            note(s, E_SYNTAX, 400, p, "LF without CR");
            *after = p + 1;
            return p;
        }
    }
}

/*
 * The end of the line that starts at `p`: its CR or LF, or the end of the octets. *after
 * is where the next line starts, NULL when the line is not terminated. A LF alone ends the
 * line (and is a fault) so that the pass can go on.
 */
static inline const char *line_end(struct pass *s, const char *p, const char *end,
                                   const char **after)
{
    p = sip_scan_control(p, end);
    if (end - p >= 2 && p[0] == '\r' && p[1] == '\n') {
        *after = p + 2;
        return p;
    }
    return odd_line_end(s, p, after);
}

static bool is_version_like(const char *p, const char *end)
{
    return end - p > 4 && str_ieq(str_make(p, 4), STR("SIP/"));
}

static bool is_version_2(const char *p, const char *end)
{
    return end - p == 7 && (memcmp(p, "SIP/2.0", 7) == 0 ||
                            (is_version_like(p, end) && memcmp(p + 4, "2.0", 3) == 0));
}

/* "SIP/" 1*DIGIT "." 1*DIGIT and nothing else. */
static bool is_version(const char *p, const char *end)
{
    if (!is_version_like(p, end)) {
        return false;
    }
    const char *dot = p + 4;
    while (dot < end && sip_char_is(*dot, SIP_C_DIGIT)) {
        dot++;
    }
    const char *q = dot + 1;
    while (q < end && sip_char_is(*q, SIP_C_DIGIT)) {
        q++;
    }
    return dot > p + 4 && dot < end && *dot == '.' && q > dot + 1 && q == end;
}

/* RFC 3261 §7.2. The reason phrase may be empty; so may, for lenience, the space. */
static void status_line(struct pass *s, const char *p, const char *e)
{
    struct sip_msg *m = s->m;
    const char *sp = memchr(p, ' ', (size_t)(e - p));
    if (sp == NULL || !is_version_2(p, sp)) {
        note(s, E_VERSION, 0, p, "Unknown protocol version in response");
        return;
    }
    const char *code = sp + 1;
    if (e - code < 3 || !sip_char_is(code[0], SIP_C_DIGIT) ||
        !sip_char_is(code[1], SIP_C_DIGIT) || !sip_char_is(code[2], SIP_C_DIGIT) ||
        (e - code > 3 && code[3] != ' ')) {
        note(s, E_SYNTAX, 0, code, "Malformed status code");
        return;
    }
    unsigned status = (unsigned)(code[0] - '0') * 100U + (unsigned)(code[1] - '0') * 10U +
                      (unsigned)(code[2] - '0');
    if (status < 100 || status > 699) {
        note(s, E_SYNTAX, 0, code, "Status code out of range");
        return;
    }
    m->status = (uint16_t)status;
    const char *reason = e - code > 3 ? code + 4 : e;
    m->ruri_off = (uint32_t)(reason - s->start);
    m->ruri_len = (uint32_t)(e - reason);
}

/* What stands behind the second space of a request line is not "SIP/2.0": say why. */
static void version_fault(struct pass *s, const char *p, const char *v, const char *e)
{
    const char *trimmed = e;
    while (trimmed > v && (trimmed[-1] == ' ' || trimmed[-1] == '\t')) {
        trimmed--;
    }
    const char *word = trimmed;
    while (word > p && word[-1] != ' ' && word[-1] != '\t') {
        word--;
    }
    if (!is_version_like(word, trimmed)) {
        note(s, E_SYNTAX, 0, p, "Not a SIP message");
    } else if (word > v) {
        note(s, E_SYNTAX, 400, v, "White space in the Request-URI");
    } else if (trimmed < e) {
        note(s, E_SYNTAX, 400, trimmed, "White space after the version");
    } else if (is_version(word, e)) {
        note(s, E_VERSION, 505, word, "Unknown protocol version");
    } else {
        note(s, E_SYNTAX, 400, word, "Malformed protocol version");
    }
}

/* RFC 3261 §7.1. */
static void request_line(struct pass *s, const char *p, const char *e, uint32_t uri_max)
{
    struct sip_msg *m = s->m;
    const char *sp = p;
    while (sp < e && sip_char_is(*sp, SIP_C_TOKEN)) {
        sp++;
    }
    if (sp == p || sp == e || *sp != ' ') {
        note(s, E_SYNTAX, 0, sp, "Not a SIP message");
        return;
    }
    if (sp - p > UINT8_MAX) {
        note(s, E_TOOBIG, 400, p, "Method name too long");
        return;
    }
    m->method_len = (uint8_t)(sp - p);
    m->method = sip_method_lookup(p, (size_t)(sp - p), (size_t)(e - p));
    const char *uri = sp + 1;
    const char *uri_end = sip_scan_char(uri, e, ' ');
    if (uri_end == e) {
        note(s, E_SYNTAX, 0, uri, "Not a SIP message");
        return;
    }
    m->ruri_off = (uint32_t)(uri - s->start);
    m->ruri_len = (uint32_t)(uri_end - uri);
    if (!is_version_2(uri_end + 1, e)) {
        version_fault(s, p, uri_end + 1, e);
    } else if (uri == uri_end) {
        note(s, E_SYNTAX, 400, uri, "Empty Request-URI");
    } else if (m->ruri_len > uri_max) {
        note(s, E_TOOBIG, 414, uri, "Request-URI too long");
    }
}

static bool is_token(const char *p, const char *e)
{
    while (p < e && sip_char_is(*p, SIP_C_TOKEN)) {
        p++;
    }
    return p == e;
}

/* Put a line into the chain of its header. */
static inline void chain(struct pass *s, struct sip_hdr *hdr, uint8_t id, unsigned at)
{
    struct sip_msg *m = s->m;
    if (m->first[id] == 0) {
        m->first[id] = (uint16_t)(at + 1);
    } else {
        hdr[s->last[id]].next = (uint8_t)at; /* never 0: that line is first of something */
    }
    s->last[id] = (uint8_t)at;
    m->count[id] = (uint8_t)(m->count[id] + (m->count[id] < UINT8_MAX));
}

/*
 * Read line [p, e), folds included, into hdr[count]. @return false: not a header line.
 * What the pass knows comes in by value: through `s` it would be read again after every
 * store of an octet, which may alias anything.
 */
static inline bool header_line(struct pass *s, const char *start, const char *end,
                               const char *p, const char *e, struct sip_hdr *out)
{
    const char *colon = sip_scan_char(p, e, ':');
    if (colon == e || colon == p) {
        note(s, E_SYNTAX, 400, p, "Header line without a name");
        return false;
    }
    const char *name_end = colon;
    while (name_end > p && (name_end[-1] == ' ' || name_end[-1] == '\t')) {
        name_end--;
    }
    const char *v = colon + 1;
    while (v < e && sip_char_is(*v, SIP_C_WS)) {
        v++;
    }
    while (e > v && sip_char_is(e[-1], SIP_C_WS)) {
        e--;
    }
    size_t n = (size_t)(name_end - p);
    uint8_t id = n == 0 ? SIP_HDR_OTHER : sip_hdr_lookup(p, n, (size_t)(end - p));
    if (id == SIP_HDR_OTHER && (n == 0 || n > UINT16_MAX || !is_token(p, name_end))) {
        note(s, E_SYNTAX, 400, p, "Header name is not a token");
        return false;
    }
    out->name_off = (uint32_t)(p - start);
    out->val_off = (uint32_t)(v - start);
    out->val_len = (uint32_t)(e - v);
    out->name_len = (uint16_t)n;
    out->id = id;
    out->next = 0;
    return true;
}

/*
 * The look-up of names takes CR for '-'. A CR alone is a fault, so only then can one stand
 * in a name: such a name is unknown, and the chains are made anew.
 */
static void forget_names_with_cr(struct pass *s)
{
    struct sip_msg *m = s->m;
    memset(m->first, 0, sizeof(m->first));
    memset(m->count, 0, sizeof(m->count));
    for (unsigned i = 0; i < m->hdr_count; i++) {
        struct sip_hdr *h = &m->hdr[i];
        h->next = 0;
        if (memchr(s->start + h->name_off, '\r', h->name_len) != NULL) {
            h->id = SIP_HDR_OTHER;
        }
        chain(s, m->hdr, h->id, i);
    }
}

/* All lines up to the empty one. @return where the body starts, NULL when there is none */
static const char *header_lines(struct pass *s, const char *p, uint32_t max)
{
    const char *const start = s->start;
    const char *const end = s->end;
    struct sip_hdr *const hdr = s->m->hdr;
    unsigned count = 0;
    const char *after;
    for (;; p = after) {
        const char *e = line_end(s, p, end, &after);
        if (e == p) {
            break; /* the empty line, or the end of the octets */
        }
        while (after != NULL && after < end && (*after == ' ' || *after == '\t')) {
            e = line_end(s, after, end, &after);
        }
        if (count >= max) {
            note(s, E_TOOMANY, 513, p, "Too many header lines");
            after = NULL;
            break;
        }
        if (header_line(s, start, end, p, e, &hdr[count])) {
            chain(s, hdr, hdr[count].id, count);
            count++;
        }
        if (after == NULL) {
            break;
        }
    }
    s->m->hdr_count = (uint16_t)count;
    if (s->err != 0) {
        forget_names_with_cr(s);
    }
    return after;
}

/* Where the body ends. RFC 3261 §18.3, §20.14; RFC 4475 §3.1.1.8, §3.1.2.2, §3.3.9. */
static void bound_body(struct pass *s)
{
    struct sip_msg *m = s->m;
    uint64_t have = m->len - m->head_len;
    bool begun = false;
    uint64_t length = 0;
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_CONTENT_LENGTH); h != NULL;
         h = sip_msg_next_line(m, h)) {
        uint64_t v = 0;
        const char *at = m->buf + h->val_off;
        if (!str_to_u64(sip_hdr_value(m, h), UINT64_MAX, &v)) {
            note(s, E_SYNTAX, 400, at, "Content-Length is not a number");
            return;
        }
        if (begun && v != length) {
            note(s, E_SYNTAX, 400, at, "Two different values of Content-Length");
            return;
        }
        if (v > have) {
            note(s, E_SYNTAX, 400, at, "Content-Length is larger than the message");
            return;
        }
        begun = true;
        length = v;
    }
    if (begun) {
        m->len = m->head_len + (uint32_t)length;
    }
}

/* The method that CSeq of a response names; the views complain when it is malformed. */
static uint8_t cseq_method(const struct sip_msg *m)
{
    struct str v = sip_msg_value(m, SIP_HDR_CSEQ);
    size_t from = v.n;
    while (from > 0 && sip_char_is(v.p[from - 1], SIP_C_TOKEN)) {
        from--;
    }
    return from < v.n ? sip_method_lookup(v.p + from, v.n - from, v.n - from)
                      : SIP_METHOD_OTHER;
}

static void start_line(struct pass *s, const char *p, const char *e, uint32_t uri_max)
{
    s->response = is_version_like(p, e);
    if (s->response) {
        status_line(s, p, e);
    } else {
        request_line(s, p, e, uri_max);
    }
}

int sip_msg_index(struct sip_msg *m, struct str bytes, bool datagram,
                  const struct sip_limits *limits, struct sip_fault *fault)
{
    struct sip_hdr *hdr = m->hdr;
    const char *p = bytes.p;
    const char *end = sip_end(bytes);
    while (datagram && end - p >= 2 && p[0] == '\r' && p[1] == '\n') {
        p += 2; /* RFC 3261 §7.5, by lenience for datagrams too */
    }
    sip_zero(m, sizeof(*m));
    m->hdr = hdr;
    m->buf = p;

    struct pass s; /* but for `last`, which is read only where it was written */
    s.m = m;
    s.fault = fault;
    s.start = p;
    s.end = end;
    s.err = 0;
    s.response = false;
    *fault = (struct sip_fault){0, 0, NULL};
    if (p == NULL || p == end) {
        note(&s, E_SYNTAX, 0, p, "Empty message");
        return s.err;
    }
    if ((size_t)(end - p) > limits->message) {
        s.end = end = p + limits->message;
        note(&s, E_TOOBIG, 513, end, "Message too large");
    }
    m->len = m->head_len = (uint32_t)(end - p);

    const char *after = NULL;
    const char *e = line_end(&s, p, end, &after);
    start_line(&s, p, e, limits->uri);
    if (after != NULL) {
        uint32_t max = limits->headers < SIP_HDR_MAX ? limits->headers : SIP_HDR_MAX;
        after = header_lines(&s, after, max);
    }
    if (after == NULL) {
        note(&s, E_SYNTAX, 400, end, "The head has no end");
    } else {
        m->head_len = (uint32_t)(after - p);
        bound_body(&s);
    }
    if (s.response) {
        m->method = cseq_method(m);
        fault->status = 0;
    }
    return s.err;
}
