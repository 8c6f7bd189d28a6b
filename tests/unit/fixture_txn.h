/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction layer in a world of paper: time stands until it is moved, what is sent is
 * written down, what users hear is written down, and sends, connections and look-ups fail
 * when told to.
 *
 * Flows: 1 is the UDP socket; whoever opens a stream gets 100, 101, …; `dead` is a flow on
 * which nothing can be sent. Message texts are written with \n and get CRLF.
 */
#ifndef BATON_TESTS_FIXTURE_TXN_H
#define BATON_TESTS_FIXTURE_TXN_H

#include "base/err.h"
#include "kit_dns.h"
#include "test.h"
#include "txn/txn.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FX_SENT 512
#define FX_HEARD 512

struct fx_sent {
    struct hop hop;
    uint64_t at;
    struct str bytes;
};

struct fx_heard {
    char what; /**< 'r' response, 'f' failure, 'g' gone */
    int value; /**< status or enum txn_failure */
    struct txn *t;
    uint64_t at;
};

struct fx {
    struct test_mem tm;
    struct env env;
    struct wheel wheel;
    struct txn_layer l;
    uint64_t now, seed;
    struct fx_sent sent[FX_SENT];
    struct fx_heard heard[FX_HEARD];
    size_t sent_n, heard_n;
    int send_err, open_err, resolve_err;
    uint32_t dead, next_flow;
    struct hop opened;    /**< the last hop for which a flow was opened */
    char opened_name[64]; /**< and the name that it was opened for, "" for none */
    struct addr resolved;
    struct dns_record answer;
    struct kit_zone zone;
    void (*hook)(struct fx *f, const struct fx_heard *h);
    /** Instead of being written down, what is sent goes here. */
    void (*carry)(struct fx *f, const struct hop *hop, const struct str *run, size_t n);
};

/** A message with its bytes and its index. */
struct fx_msg {
    struct sip_msg m;
    struct sip_hdr hdr[SIP_HDR_MAX];
    char buf[16384];
};

static inline struct addr fx_addr(const char *text)
{
    struct addr a = {0};
    CHECK(addr_parse(str_c(text), &a));
    return a;
}

/* ---- the world ---- */

static inline void fx_random(void *ctx, void *out, size_t n)
{
    struct fx *f = ctx;
    for (size_t i = 0; i < n; i++) {
        f->seed = f->seed * 6364136223846793005u + 1442695040888963407u;
        ((unsigned char *)out)[i] = (unsigned char)(f->seed >> 56);
    }
}

static inline int fx_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    struct fx *f = ctx;
    size_t len = 0;
    if (f->send_err != 0 || hop->flow == f->dead) {
        return f->send_err != 0 ? f->send_err : E_IO;
    }
    CHECK(hop->flow != 0);
    if (f->carry != NULL) {
        f->carry(f, hop, run, n);
        return 0;
    }
    if (f->sent_n == FX_SENT) {
        abort();
    }
    for (size_t i = 0; i < n; i++) {
        len += run[i].n;
    }
    char *p = malloc(len + 1);
    struct fx_sent *s = &f->sent[f->sent_n++];
    *s = (struct fx_sent){*hop, f->now, {p, len}};
    for (size_t i = 0; i < n; p += run[i].n, i++) {
        if (run[i].n > 0) {
            memcpy(p, run[i].p, run[i].n);
        }
    }
    *p = '\0';
    return 0;
}

static inline int fx_open(void *ctx, struct hop *hop, struct str name)
{
    struct fx *f = ctx;
    f->opened = *hop;
    (void)snprintf(f->opened_name, sizeof f->opened_name, "%.*s", (int)name.n,
                   name.n > 0 ? name.p : "");
    if (f->open_err != 0) {
        return f->open_err;
    }
    hop->flow = hop->transport == TP_UDP ? 1 : f->next_flow++;
    return 0;
}

/** Without a table of records there is one name, phone.example.com, with one address. */
static inline int fx_query(void *ctx, enum dns_type type, struct str name,
                           const struct dns_record **records, size_t *n)
{
    struct fx *f = ctx;
    if (f->zone.n > 0) {
        return f->resolve_err != 0 ? f->resolve_err
                                   : kit_dns_query(&f->zone, type, name, records, n);
    }
    if (type != (f->resolved.family == ADDR_IP6 ? DNS_AAAA : DNS_A)) {
        return E_NOTFOUND;
    }
    CHECK_STR(name, "phone.example.com");
    f->answer = (struct dns_record){.addr = f->resolved};
    *records = &f->answer;
    *n = 1;
    return f->resolve_err;
}

static inline void fx_local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    *out = fx_addr(hop->remote.family == ADDR_IP6 ? "[2001:db8::1]:5060" : "192.0.2.1:5060");
}

/* ---- the user ---- */

static inline void fx_hear(struct txn *t, char what, int value, uint64_t now_ms)
{
    struct fx *f = container_of(t->layer, struct fx, l);
    if (f->heard_n == FX_HEARD) {
        abort();
    }
    struct fx_heard *h = &f->heard[f->heard_n++];
    *h = (struct fx_heard){what, value, t, now_ms};
    if (f->hook != NULL) {
        f->hook(f, h);
    }
}

static inline void fx_on_response(struct txn *t, const struct sip_msg *m,
                                  const struct hop *from, uint64_t now_ms)
{
    (void)from;
    fx_hear(t, 'r', m->status, now_ms);
}

static inline void fx_on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    fx_hear(t, 'f', (int)why, now_ms);
}

static inline void fx_on_gone(struct txn *t)
{
    fx_hear(t, 'g', 0, container_of(t->layer, struct fx, l)->now);
}

static const struct txn_user fx_user = {
    .on_response = fx_on_response, .on_failure = fx_on_failure, .on_gone = fx_on_gone};

/** All that was heard since `from`, as "r180 f1 g". */
static inline const char *fx_heard_text(const struct fx *f, size_t from, char *buf, size_t n)
{
    size_t at = 0;
    buf[0] = '\0';
    for (size_t i = from; i < f->heard_n && at < n; i++) {
        const struct fx_heard *h = &f->heard[i];
        at += (size_t)snprintf(buf + at, n - at, h->what == 'g' ? "%s%c" : "%s%c%d",
                               i > from ? " " : "", h->what, h->value);
    }
    return buf;
}

/* ---- life ---- */

/** Time does not begin at 0, so that a forgotten `now_ms` is noticed. */
#define FX_START 1000000u

static inline void fx_init_with(struct fx *f, const struct txn_timing *timing, size_t max)
{
    memset(f, 0, sizeof *f);
    test_mem_init(&f->tm);
    f->env = (struct env){.ctx = f,
                          .mem = f->tm.mem,
                          .random = fx_random,
                          .send = fx_send,
                          .open = fx_open,
                          .query = fx_query,
                          .local = fx_local};
    f->seed = 42;
    f->next_flow = 100;
    f->dead = UINT32_MAX;
    f->now = FX_START;
    f->resolved = fx_addr("203.0.113.7");
    wheel_init(&f->wheel, f->now);
    CHECK_INT(txn_layer_init(&f->l, &f->env, &f->wheel, timing, max), 0);
}

static inline void fx_init(struct fx *f)
{
    fx_init_with(f, NULL, 0);
}

static inline void fx_fini(struct fx *f)
{
    txn_layer_fini(&f->l);
    for (size_t i = 0; i < f->sent_n; i++) {
        free((void *)(uintptr_t)f->sent[i].bytes.p);
    }
    CHECK_INT(f->tm.live, 0);
    CHECK_INT(f->wheel.count, 0);
}

/** Let everything happen that is due until then, each thing at its time. */
static inline void fx_run_until(struct fx *f, uint64_t until)
{
    uint64_t next;
    while ((next = wheel_next(&f->wheel)) <= until) {
        f->now = next > f->now ? next : f->now;
        (void)wheel_advance(&f->wheel, f->now);
    }
    f->now = until;
    (void)wheel_advance(&f->wheel, until);
}

static inline void fx_run(struct fx *f, uint64_t ms)
{
    fx_run_until(f, f->now + ms);
}

static inline void fx_tick(struct fx *f)
{
    fx_run(f, 0);
}

/* ---- messages ---- */

static inline const struct sip_msg *fx_index(struct fx_msg *x, size_t n)
{
    struct sip_fault fault = {0};
    x->m.hdr = x->hdr;
    CHECK_INT(sip_msg_index(&x->m, str_make(x->buf, n), true, &sip_limits_default, &fault), 0);
    return &x->m;
}

static inline const struct sip_msg *fx_parse(struct fx_msg *x, const char *fmt, ...)
    PRINTF_LIKE(2, 3);
static inline const struct sip_msg *fx_parse(struct fx_msg *x, const char *fmt, ...)
{
    static char text[16384];
    size_t n = 0;
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0 || (size_t)len >= sizeof text) {
        abort();
    }
    for (const char *p = text; *p != '\0'; p++) {
        if (n + 2 > sizeof x->buf) {
            abort();
        }
        if (*p == '\n') {
            x->buf[n++] = '\r';
        }
        x->buf[n++] = *p;
    }
    return fx_index(x, n);
}

/** What a request is made of; zero means the usual. */
struct fx_req {
    const char *method, *via, *ruri, *from_tag, *to_tag, *call_id, *lines;
    unsigned cseq;
};

static inline const char *fx_or(const char *s, const char *usual)
{
    return s != NULL ? s : usual;
}

static inline const struct sip_msg *fx_request(struct fx_msg *x, struct fx_req r)
{
    const char *method = fx_or(r.method, "INVITE");
    const char *to_tag = fx_or(r.to_tag, "");
    return fx_parse(x,
                    "%s %s SIP/2.0\nVia: %s\nMax-Forwards: 70\n"
                    "From: <sip:alice@example.com>;tag=%s\nTo: <sip:bob@example.com>%s%s\n"
                    "Call-ID: %s\nCSeq: %u %s\n%sContent-Length: 0\n\n",
                    method, fx_or(r.ruri, "sip:bob@example.com"),
                    fx_or(r.via, "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKone;rport"),
                    fx_or(r.from_tag, "ft"), *to_tag ? ";tag=" : "", to_tag,
                    fx_or(r.call_id, "call-1"), r.cseq ? r.cseq : 7, method,
                    fx_or(r.lines, ""));
}

/** A response to bytes that were sent. `to_tag` as it is to be in it, "": none. */
static inline const struct sip_msg *fx_response(struct fx_msg *x, struct str request,
                                                unsigned status, const char *to_tag)
{
    static struct fx_msg q;
    char text[8192];
    struct out o;
    struct sip_values it = {0};
    struct str via;
    memcpy(q.buf, request.p, request.n);
    const struct sip_msg *m = fx_index(&q, request.n);
    out_init(&o, text, sizeof text);
    while (sip_msg_each(m, SIP_HDR_VIA, &it, &via)) {
        out_fmt(&o, "Via: %.*s\n", STR_ARG(via));
    }
    out_fmt(&o, "From: %.*s\n", STR_ARG(sip_msg_value(m, SIP_HDR_FROM)));
    out_fmt(&o, "To: %.*s%s%s\n", STR_ARG(sip_msg_value(m, SIP_HDR_TO)), *to_tag ? ";tag=" : "",
            to_tag);
    out_fmt(&o, "Call-ID: %.*s\n", STR_ARG(sip_msg_value(m, SIP_HDR_CALL_ID)));
    out_fmt(&o, "CSeq: %.*s\n", STR_ARG(sip_msg_value(m, SIP_HDR_CSEQ)));
    return fx_parse(x, "SIP/2.0 %u %s\n%.*sContent-Length: 0\n\n", status, sip_reason(status),
                    STR_ARG(out_str_of(&o)));
}

static inline const struct sip_msg *fx_sent_msg(const struct fx *f, size_t i, struct fx_msg *x)
{
    memcpy(x->buf, f->sent[i].bytes.p, f->sent[i].bytes.n);
    return fx_index(x, f->sent[i].bytes.n);
}

/** "INVITE" or "180": what the i-th sent message is. */
static inline struct str fx_sent_what(const struct fx *f, size_t i)
{
    struct str s = f->sent[i].bytes;
    struct str rest = str_starts(s, STR("SIP/2.0 ")) ? str_from(s, 8) : s;
    return str_upto(rest, str_index(rest, ' '));
}

/** All that was sent since `from`, as "INVITE ACK". */
static inline const char *fx_sent_text(const struct fx *f, size_t from, char *buf, size_t n)
{
    size_t at = 0;
    buf[0] = '\0';
    for (size_t i = from; i < f->sent_n && at < n; i++) {
        at += (size_t)snprintf(buf + at, n - at, "%s%.*s", i > from ? " " : "",
                               STR_ARG(fx_sent_what(f, i)));
    }
    return buf;
}

/* ---- both sides ---- */

static inline struct hop fx_hop(enum transport t)
{
    return (struct hop){t == TP_UDP ? 1 : 20, (uint8_t)t, fx_addr("192.0.2.9:5060")};
}

static inline struct txn *fx_client_to(struct fx *f, enum sip_method method,
                                       const struct txn_target *to, const struct txn_user *user)
{
    static const char headers[] = "Via: SIP/2.0/UDP 198.51.100.2;branch=z9hG4bKupstream\r\n"
                                  "Max-Forwards: 69\r\n"
                                  "Route: <sip:p1.example.com;lr>\r\n"
                                  "Route: <sip:p2.example.com;lr>, <sip:p3.example.com;lr>\r\n"
                                  "From: \"Alice\" <sip:alice@example.com>;tag=ours\r\n"
                                  "To: <sip:bob@example.com>\r\n"
                                  "Call-ID: outgoing@example.com\r\n";
    char line[80], cseq[64];
    int line_n = snprintf(line, sizeof line, "%.*s sip:bob@203.0.113.9:5070 SIP/2.0\r\n",
                          STR_ARG(sip_method_name(method)));
    int cseq_n =
        snprintf(cseq, sizeof cseq, "CSeq: 314 %.*s\r\n", STR_ARG(sip_method_name(method)));
    struct str run[] = {{line, (size_t)line_n},
                        {headers, sizeof headers - 1},
                        {cseq, (size_t)cseq_n},
                        STR("Content-Length: 0\r\n\r\n")};
    return txn_client_new(&f->l, method, to, run, 4, user, f, f->now);
}

static inline struct txn *fx_client(struct fx *f, enum sip_method method, enum transport tp)
{
    struct txn_target to = {.hop = fx_hop(tp)};
    return fx_client_to(f, method, &to, &fx_user);
}

/** Hand in a response to the i-th sent message. */
static inline bool fx_answer(struct fx *f, size_t i, unsigned status, const char *to_tag)
{
    struct fx_msg x;
    struct hop from = f->sent[i].hop;
    return txn_on_response(&f->l, fx_response(&x, f->sent[i].bytes, status, to_tag), &from,
                           f->now);
}

/** Hand in a request as from fx_hop(tp). */
static inline enum txn_in fx_offer(struct fx *f, enum transport tp, struct fx_req r,
                                   struct txn **out)
{
    struct fx_msg x;
    struct hop from = fx_hop(tp);
    return txn_on_request(&f->l, fx_request(&x, r), &from, f->now, out);
}

/** Hand in a request that must be new, and make its transaction. */
static inline struct txn *fx_server(struct fx *f, enum transport tp, struct fx_req r)
{
    struct fx_msg x;
    struct hop from = fx_hop(tp);
    struct txn *t = NULL;
    const struct sip_msg *m = fx_request(&x, r);
    CHECK_INT(txn_on_request(&f->l, m, &from, f->now, &t), TXN_IN_NEW);
    CHECK(t == NULL);
    return txn_server_new(&f->l, m, &from, &fx_user, f, f->now);
}

#endif
