/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing of SIP on a byte stream (RFC 3261 §18.3, RFC 5626 §4.4.1).
 *
 * STATES   between messages   CRLFs are pings, pongs or the lead-in of a start line
 *          head               `looked` octets hold no empty line
 *          body               `total` says how many octets are awaited
 *
 * A single CRLF is reported as a pong as soon as it stands there, for whoever waits for
 * it; a second one right behind turns the pair into a ping. So two CRLFs are one PING when
 * they come together and PONG, PING when they come apart: the reader that answers pings
 * and ignores pongs cannot tell the difference.
 *
 * Lines are read as sip_msg_index reads them, so that the two never disagree on where a
 * message ends. What leaves room for doubt is BAD: no Content-Length, two different ones,
 * one that is no number, a CR or LF alone. So is a first octet that begins no start line:
 * waiting for the end of such a head (a TLS handshake, say) would be waiting for ever. The
 * connection is out of step then and has to be closed; *msg is the head, for the answer.
 *
 * COST     the head is looked at twice: for its end as octets come in, and for its lines
 *          once it is complete. The body is not looked at.
 */
#include "sip/framer.h"

#include "base/err.h"
#include "sip/lex.h"
#include "sip/names.h"
#include "sip/scan.h"

void sip_framer_init(struct sip_framer *f)
{
    memset(f, 0, sizeof(*f));
}

static enum sip_frame bad(struct sip_framer *f, struct str bytes, size_t *used,
                          struct sip_fault *fault, unsigned status, size_t at,
                          const char *reason)
{
    bool response =
        bytes.n - f->skip >= 4 && str_ieq(str_make(bytes.p + f->skip, 4), STR("SIP/"));
    *fault =
        (struct sip_fault){response ? 0 : (uint16_t)status, (uint32_t)(at - f->skip), reason};
    *used = bytes.n;
    sip_framer_init(f);
    return SIP_FRAME_BAD;
}

/* CR and LF at the front. MESSAGE: a start line may begin at f->skip. */
static enum sip_frame between(struct sip_framer *f, struct str bytes, size_t *used)
{
    if (bytes.n == 0 || (bytes.n == 1 && bytes.p[0] == '\r')) {
        return SIP_FRAME_MORE;
    }
    if (bytes.p[0] != '\r' || bytes.p[1] != '\n') {
        return SIP_FRAME_MESSAGE;
    }
    if (f->crlf == 2) { /* the first half was reported as a pong */
        f->crlf = 0;
        *used = 2;
        return SIP_FRAME_PING;
    }
    if (bytes.n >= 4 && bytes.p[2] == '\r' && bytes.p[3] == '\n') {
        *used = 4;
        return SIP_FRAME_PING;
    }
    if (bytes.n >= 3 && bytes.p[2] != '\r') {
        f->skip = 2;
        return SIP_FRAME_MESSAGE;
    }
    f->crlf = 2;
    *used = 2;
    return SIP_FRAME_PONG;
}

struct length {
    bool begun;
    uint64_t value;
    const char *reason; /* why not, with `at` */
    const char *at;
};

/* Take a line [p, e) into account if it is Content-Length. @return false on a fault */
static bool take_line(struct length *len, const char *p, const char *e)
{
    char first = ascii_lower(*p);
    if (first != 'c' && first != 'l') {
        return true;
    }
    const char *colon = sip_scan_char(p, e, ':');
    const char *name_end = colon;
    while (name_end > p && (name_end[-1] == ' ' || name_end[-1] == '\t')) {
        name_end--;
    }
    if (colon == e || name_end == p ||
        sip_hdr_lookup(p, (size_t)(name_end - p), (size_t)(e - p)) != SIP_HDR_CONTENT_LENGTH) {
        return true;
    }
    uint64_t v = 0;
    len->at = colon + 1;
    if (!str_to_u64(str_trim(sip_slice(colon + 1, e)), UINT64_MAX, &v)) {
        len->reason = "Content-Length is not a number";
        return false;
    }
    if (len->begun && v != len->value) {
        len->reason = "Two different values of Content-Length";
        return false;
    }
    len->begun = true;
    len->value = v;
    return true;
}

/* The end of the line at `p` in a head that ends with an empty line; NULL: alone CR or LF. */
static const char *line_end(const char *p, const char *end)
{
    for (;; p++) {
        p = sip_scan_control(p, end);
        if (p == end || *p == '\n' || (*p == '\r' && (end - p < 2 || p[1] != '\n'))) {
            return NULL;
        }
        if (*p == '\r') {
            return p;
        }
    }
}

/* A line with its folds: *e is its end, the result where the next one starts; or NULL. */
static const char *next_line(const char *p, const char *end, bool folds, const char **e)
{
    do {
        *e = line_end(p, end);
        if (*e == NULL) {
            return NULL;
        }
        p = *e + 2;
    } while (folds && p < end && (*p == ' ' || *p == '\t'));
    return p;
}

/* Content-Length of the head [p, end), both CRLFs of its end included. */
static bool find_length(struct length *len, const char *p, const char *end)
{
    bool start = true;
    while (p < end - 2) {
        const char *line = p;
        const char *e;
        p = next_line(line, end, !start, &e);
        if (p == NULL) {
            len->reason = "CR or LF alone";
            len->at = line;
            return false;
        }
        if (!start && e > line && !take_line(len, line, e)) {
            return false;
        }
        start = false;
    }
    if (!len->begun) {
        len->reason = "No Content-Length on a stream";
        len->at = end;
    }
    return len->begun;
}

/* The head ends at `head` octets: how long is the whole? 0, or E_SYNTAX, E_TOOBIG. */
static int measure(struct sip_framer *f, struct str bytes, size_t head, uint32_t max,
                   struct length *len)
{
    if (!find_length(len, bytes.p + f->skip, bytes.p + head)) {
        return E_SYNTAX;
    }
    if (head - f->skip > max || len->value > max - (head - f->skip)) {
        len->reason = "Message too large";
        return E_TOOBIG;
    }
    f->total = (uint32_t)(head + len->value);
    return 0;
}

/* Look for the end of the head and measure. MESSAGE: f->total is known. */
static enum sip_frame in_head(struct sip_framer *f, struct str bytes, uint32_t max,
                              struct str *msg, size_t *used, struct sip_fault *fault)
{
    size_t from = f->looked > f->skip ? f->looked : f->skip;
    struct str unseen = str_from(bytes, from);
    const char *hit = memmem(unseen.p, unseen.n, "\r\n\r\n", 4);
    if (hit == NULL) {
        if (bytes.n - f->skip > max) {
            return bad(f, bytes, used, fault, 513, bytes.n, "Message too large");
        }
        f->looked = (uint32_t)(unseen.n >= 3 ? bytes.n - 3 : from);
        return SIP_FRAME_MORE;
    }
    size_t head = (size_t)(hit - bytes.p) + 4;
    struct length len = {0};
    int err = measure(f, bytes, head, max, &len);
    if (err != 0) {
        *msg = sip_slice(bytes.p + f->skip, bytes.p + head);
        return bad(f, bytes, used, fault, err == E_TOOBIG ? 513 : 400,
                   (size_t)(len.at - bytes.p), len.reason);
    }
    return SIP_FRAME_MESSAGE;
}

enum sip_frame sip_framer_next(struct sip_framer *f, struct str bytes,
                               const struct sip_limits *limits, struct str *msg, size_t *used,
                               struct sip_fault *fault)
{
    *msg = STR_NONE;
    *used = 0;
    *fault = (struct sip_fault){0, 0, NULL};
    if (f->looked == 0 && f->total == 0 && f->skip == 0) {
        enum sip_frame what = between(f, bytes, used);
        if (what != SIP_FRAME_MESSAGE) {
            return what;
        }
        f->crlf = 0;
        if (bytes.n > f->skip && !sip_char_is(bytes.p[f->skip], SIP_C_TOKEN)) {
            return bad(f, bytes, used, fault, 0, f->skip, "No start line begins so");
        }
    }
    if (f->total == 0) {
        enum sip_frame what = in_head(f, bytes, limits->message, msg, used, fault);
        if (what != SIP_FRAME_MESSAGE) {
            return what;
        }
    }
    if (bytes.n < f->total) {
        return SIP_FRAME_MORE;
    }
    *msg = sip_slice(bytes.p + f->skip, bytes.p + f->total);
    *used = f->total;
    sip_framer_init(f);
    return SIP_FRAME_MESSAGE;
}
