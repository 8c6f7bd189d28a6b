/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions: the input is a script. Each octet is an order (send a request, hand one in,
 * answer, cancel, detach, let time pass, break the network, take the memory away), and the
 * octets behind it are what the order needs. At the end everybody leaves, time passes, and
 * there must be no transaction, no timer and no memory left; and whoever listened must have
 * heard on_gone exactly once.
 */
#include "base/err.h"
#include "txn/txn.h"
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define USERS 64
#define SENT 16
#define MESSAGE 2048

#define ENSURE(cond)                                                   \
    do {                                                               \
        if (!(cond)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                   \
        }                                                              \
    } while (0)

struct world {
    const uint8_t *p;
    size_t n;
    struct env env;
    struct wheel wheel;
    struct txn_layer l;
    uint64_t now, seed;
    size_t live, fail_in;
    int send_err, open_err, resolve_err;
    size_t servers; /**< of the name, besides one */
    struct txn *user[USERS];
    char sent[SENT][MESSAGE]; /**< the last messages, for answers and echoes */
    size_t sent_len[SENT], sent_n;
    struct hop sent_hop[SENT];
};

static uint8_t next(struct world *w)
{
    if (w->n == 0) {
        return 0;
    }
    w->n--;
    return *w->p++;
}

/* ---- the environment ---- */

static void *take(void *ctx, size_t n)
{
    struct world *w = ctx;
    if (w->fail_in > 0 && --w->fail_in == 0) {
        return NULL;
    }
    w->live++;
    return malloc(n);
}

static void give(void *ctx, void *p)
{
    struct world *w = ctx;
    w->live -= p != NULL;
    free(p);
}

static void randomness(void *ctx, void *out, size_t n)
{
    struct world *w = ctx;
    for (size_t i = 0; i < n; i++) {
        w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
        ((unsigned char *)out)[i] = (unsigned char)(w->seed >> 56);
    }
}

static int deliver(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    struct world *w = ctx;
    size_t at = 0, slot = w->sent_n % SENT;
    ENSURE(hop->flow != 0);
    if (w->send_err != 0) {
        return w->send_err;
    }
    for (size_t i = 0; i < n; i++) {
        if (at + run[i].n > MESSAGE) {
            return E_TOOBIG;
        }
        if (run[i].n > 0) {
            memcpy(w->sent[slot] + at, run[i].p, run[i].n);
        }
        at += run[i].n;
    }
    w->sent_len[slot] = at;
    w->sent_hop[slot] = *hop;
    w->sent_n++;
    return 0;
}

static int open_flow(void *ctx, struct hop *hop, struct str name)
{
    (void)name;
    struct world *w = ctx;
    hop->flow = 1u + hop->transport;
    return w->open_err;
}

static int query(void *ctx, enum dns_type type, struct str name,
                 const struct dns_record **records, size_t *n)
{
    static const struct dns_record here[] = {
        {.addr = {.ip = {203, 0, 113, 1}, .family = ADDR_IP4}},
        {.addr = {.ip = {203, 0, 113, 2}, .family = ADDR_IP4}},
        {.addr = {.ip = {203, 0, 113, 3}, .family = ADDR_IP4}}};
    struct world *w = ctx;
    (void)name;
    *records = here;
    *n = 1 + w->servers;
    return type == DNS_A ? w->resolve_err : E_NOTFOUND;
}

static void local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    (void)hop;
    ENSURE(addr_parse(STR("192.0.2.1:5060"), out));
}

/* ---- the users ---- */

static void on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    struct world *w = container_of(t->layer, struct world, l);
    (void)from;
    ENSURE(!sip_is_request(m) && *(struct txn **)t->owner == t);
    if (next(w) % 8 == 0) {
        (void)txn_cancel(t, STR("Reason: SIP;cause=200\r\n"), now_ms);
    }
}

static void on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    (void)now_ms;
    ENSURE(*(struct txn **)t->owner == t && why <= TXN_UNRESOLVED);
}

static void on_gone(struct txn *t)
{
    struct txn **user = t->owner;
    ENSURE(*user == t && t->state == TXN_TERMINATED);
    *user = NULL;
}

static const struct txn_user listener = {
    .on_response = on_response, .on_failure = on_failure, .on_gone = on_gone};

/** A place for one more transaction, or NULL: then it will have no user. */
static struct txn **place(struct world *w)
{
    for (size_t i = 0; i < USERS; i++) {
        if (w->user[i] == NULL) {
            return &w->user[i];
        }
    }
    return NULL;
}

static struct txn *choose(struct world *w)
{
    size_t from = next(w);
    for (size_t i = 0; i < USERS; i++) {
        struct txn *t = w->user[(from + i) % USERS];
        if (t != NULL) {
            return t;
        }
    }
    return NULL;
}

static void leave(struct txn *t)
{
    *(struct txn **)t->owner = NULL;
    txn_detach(t);
}

/* ---- what the orders do ---- */

static const enum sip_method methods[] = {
    SIP_METHOD_INVITE, SIP_METHOD_ACK,     SIP_METHOD_CANCEL, SIP_METHOD_INFO,
    SIP_METHOD_BYE,    SIP_METHOD_OPTIONS, SIP_METHOD_INVITE, SIP_METHOD_OTHER};
static const enum transport transports[] = {TP_UDP, TP_TCP, TP_UDP, TP_TLS};

static struct hop hop_of(uint8_t pick)
{
    struct hop hop = {0};
    hop.transport = (uint8_t)transports[pick % 4];
    hop.flow = 1u + hop.transport;
    ENSURE(
        addr_parse(pick & 4 ? STR("[2001:db8::9]:5062") : STR("192.0.2.9:5060"), &hop.remote));
    return hop;
}

static struct str method_name(enum sip_method method)
{
    return method == SIP_METHOD_OTHER ? STR("WHATEVER") : sip_method_name(method);
}

static void send_request(struct world *w)
{
    enum sip_method method = methods[next(w) % 8];
    uint8_t pick = next(w);
    struct txn_target to = {.hop = hop_of(pick)};
    char text[400];
    if (pick & 8) {
        to.hop.flow = 0;
    }
    if (pick & 16) {
        to = (struct txn_target){.hop = {.transport = to.hop.transport},
                                 .host = STR("h.example")};
    }
    int n = snprintf(text, sizeof text,
                     "Route: <sip:p;lr>\r\nFrom: <sip:a@h>;tag=%u\r\nTo: <sip:b@h>\r\n"
                     "Call-ID: c%u\r\nCSeq: 1 %.*s\r\n\r\n",
                     pick, pick, STR_ARG(method_name(method)));
    char line[64];
    int line_n =
        snprintf(line, sizeof line, "%.*s sip:b@h SIP/2.0\r\n", STR_ARG(method_name(method)));
    struct str run[] = {{line, (size_t)line_n}, {text, (size_t)n}};
    if (method == SIP_METHOD_ACK) {
        ENSURE(txn_client_new(&w->l, method, &to, run, 2, NULL, NULL, w->now) == NULL);
        (void)txn_send_ack(&w->l, &to, run, 2);
        return;
    }
    struct txn **user = place(w);
    struct txn *t =
        txn_client_new(&w->l, method, &to, run, 2, user ? &listener : NULL, user, w->now);
    if (user != NULL) {
        *user = t;
    }
}

static void take_request(struct world *w, const struct sip_msg *m, const struct hop *from,
                         uint8_t wish)
{
    struct txn *found;
    enum txn_in in = txn_on_request(&w->l, m, from, w->now, &found);
    ENSURE(in == TXN_IN_NEW ? found == NULL : in == TXN_IN_ACK || found != NULL);
    if (in == TXN_IN_ABSORBED || in == TXN_IN_ACK) {
        return;
    }
    if (wish & 1) {
        struct txn_reply r = {.status = 200u + wish};
        (void)txn_reply_stateless(&w->l, m, from, &r);
        return;
    }
    struct txn **user = place(w);
    struct txn *t = txn_server_new(&w->l, m, from, user ? &listener : NULL, user, w->now);
    if (user != NULL) {
        *user = t;
    }
    if (t != NULL && in == TXN_IN_CANCEL) {
        (void)txn_reply_status(t, 200, w->now);
        (void)txn_reply_status(found, 487, w->now);
    }
}

/** Index, check, and hand in as a request or a response. */
static void arrive(struct world *w, const char *text, size_t n, const struct hop *from,
                   uint8_t wish)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    if (sip_msg_index(&m, str_make(text, n), true, &sip_limits_default, &fault) != 0) {
        return;
    }
    if (sip_msg_check(&m, &sip_limits_default, &fault) != 0) {
        struct txn_reply r = {.status = 400};
        (void)txn_reply_stateless(&w->l, &m, from, &r);
    } else if (sip_is_request(&m)) {
        take_request(w, &m, from, wish);
    } else {
        (void)txn_on_response(&w->l, &m, from, w->now);
    }
}

static void receive_request(struct world *w)
{
    /* before the branch's number, and behind it */
    static const char *const vias[][2] = {
        {"192.0.2.9:5060;branch=z9hG4bK", ";rport"},
        {"pc.example.com;branch=z9hG4bK", ""},
        {"192.0.2.9;branch=", ""},
        {"192.0.2.9:5060;x=", ""},
        {"[2001:db8::9];branch=z9hG4bK", ";rport"},
        {"192.0.2.9;maddr=[::1];branch=z9hG4bK", ""},
        {"192.0.2.9;received=1.1.1.1;branch=z9hG4bK", ""},
        {"192.0.2.9;branch=z9hG4bK;x=", ""},
    };
    static const char *const to_tags[] = {"", "", "", ";tag=known"};
    enum sip_method method = methods[next(w) % 8];
    uint8_t pick = next(w), which = next(w), wish = next(w);
    struct hop from = hop_of(pick);
    const char *const *via = vias[pick >> 3 & 7];
    char text[MESSAGE];
    int n =
        snprintf(text, sizeof text,
                 "%.*s sip:b@h SIP/2.0\r\nVia: SIP/2.0/%s %s%u%s\r\nMax-Forwards: 9\r\n"
                 "From: <sip:a@h>;tag=%u\r\nTo: <sip:b@h>%s\r\nCall-ID: c%u\r\n"
                 "CSeq: %u %.*s\r\nTimestamp: 1\r\nContact: <sip:a@h>\r\n\r\n",
                 STR_ARG(method_name(method)), transport_name((enum transport)from.transport),
                 via[0], which & 15u, via[1], which >> 4 & 1u, to_tags[which >> 6],
                 which >> 5 & 1u, 1u + (which >> 5 & 1u), STR_ARG(method_name(method)));
    ENSURE(n > 0 && (size_t)n < sizeof text);
    arrive(w, text, (size_t)n, &from, wish);
}

/** One of the last messages that were sent, or -1. */
static int pick_sent(struct world *w)
{
    size_t have = w->sent_n < SENT ? w->sent_n : SENT;
    return have == 0 ? -1 : (int)(next(w) % have);
}

/** A response to a request that was sent: its own headers behind a status line. */
static void receive_response(struct world *w)
{
    static const unsigned status[] = {100, 180, 183, 200, 202, 302, 486, 603};
    static const char *const tags[] = {"", ";tag=a", ";tag=b", ";tag=c"};
    int i = pick_sent(w);
    uint8_t pick = next(w);
    char text[2 * MESSAGE];
    if (i < 0 || str_starts(str_make(w->sent[i], w->sent_len[i]), STR("SIP/2.0"))) {
        return;
    }
    struct str request = str_make(w->sent[i], w->sent_len[i]);
    struct str rest = str_from(request, str_find(request, STR("\r\n")));
    size_t to = str_find(rest, STR("To: <sip:b@h>")) + 13;
    int n =
        snprintf(text, sizeof text, "SIP/2.0 %u X%.*s%s%.*s", status[pick % 8],
                 STR_ARG(str_upto(rest, to)), tags[pick >> 3 & 3], STR_ARG(str_from(rest, to)));
    ENSURE(n > 0 && (size_t)n < sizeof text);
    if (pick & 64) { /* one octet is wrong */
        size_t at = (size_t)(next(w) * 4 + next(w)) % (size_t)n;
        text[at] = (char)next(w);
    }
    arrive(w, text, (size_t)n, &w->sent_hop[i], pick);
}

/** What we sent comes back to us. */
static void echo(struct world *w)
{
    int i = pick_sent(w);
    char text[MESSAGE];
    if (i >= 0) {
        memcpy(text, w->sent[i], w->sent_len[i]);
        arrive(w, text, w->sent_len[i], &w->sent_hop[i], next(w));
    }
}

static void answer(struct world *w)
{
    static const unsigned status[] = {100, 180, 200, 200, 302, 408, 486, 99};
    struct str run[] = {STR("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP other\r\n"), STR("\r\nx")};
    struct txn *t = choose(w);
    uint8_t pick = next(w);
    if (t == NULL) {
        return;
    }
    if (pick & 8) {
        (void)txn_respond(t, status[pick % 8], run, 2, w->now);
    } else {
        struct txn_reply r = {.status = status[pick % 8],
                              .to_tag = pick & 16 ? STR("mine") : STR_NONE,
                              .record_route = (pick & 32) != 0,
                              .body = {w->sent[0], pick & 64 ? 1500 : 0}};
        (void)txn_reply(t, &r, w->now);
    }
    if (pick & 128) {
        (void)txn_resend(t);
    }
}

static void pass_time(struct world *w, uint64_t ms)
{
    uint64_t until = w->now + ms, at;
    while ((at = wheel_next(&w->wheel)) <= until) {
        w->now = at > w->now ? at : w->now;
        (void)wheel_advance(&w->wheel, w->now);
    }
    w->now = until;
    (void)wheel_advance(&w->wheel, until);
}

static void break_things(struct world *w)
{
    static const int send_errs[] = {0, 0, E_IO, E_TOOBIG};
    static const int open_errs[] = {0, 0, E_IO, E_UNSUPPORTED};
    static const int resolve_errs[] = {0, E_AGAIN, E_AGAIN, E_NOTFOUND};
    uint8_t pick = next(w);
    w->send_err = send_errs[pick & 3];
    w->open_err = open_errs[pick >> 2 & 3];
    w->resolve_err = resolve_errs[pick >> 4 & 3];
    w->servers = (pick >> 1) % 3u;
    w->fail_in = pick >> 6 == 3 ? 1u + next(w) % 8 : 0;
}

static void obey(struct world *w, uint8_t order)
{
    struct txn *t;
    switch (order % 12) {
    case 0:
        send_request(w);
        break;
    case 1:
    case 2:
        receive_request(w);
        break;
    case 3:
    case 4:
        receive_response(w);
        break;
    case 5:
        answer(w);
        break;
    case 6:
        t = choose(w);
        if (t != NULL) {
            (void)txn_cancel(t, next(w) & 1 ? STR("Reason: x\r\n") : STR_NONE, w->now);
        }
        break;
    case 7:
        t = choose(w);
        if (t != NULL) {
            leave(t);
        }
        break;
    case 8:
        pass_time(w, (uint64_t)next(w) * next(w));
        break;
    case 9:
        txn_on_flow_closed(&w->l, 1u + next(w) % 8, w->now);
        break;
    case 10:
        break_things(w);
        txn_on_resolved(&w->l, w->now);
        break;
    case 11:
        echo(w);
        break;
    }
}

static void end(struct world *w)
{
    for (size_t i = 0; i < USERS; i++) {
        if (w->user[i] != NULL) {
            leave(w->user[i]);
        }
    }
    w->send_err = w->open_err = w->resolve_err = 0;
    w->fail_in = 0;
    pass_time(w, 400000);
    ENSURE(txn_count(&w->l) == 0);
    ENSURE(w->wheel.count == 0);
    ENSURE(w->l.by_branch.count == 0 && w->l.by_call.count == 0);
    ENSURE(list_empty(&w->l.resolving) && list_empty(&w->l.dying));
    txn_layer_fini(&w->l);
    ENSURE(w->live == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world w;
    memset(&w, 0, sizeof w);
    w.p = data;
    w.n = size;
    w.now = 1000;
    w.env = (struct env){.ctx = &w,
                         .mem = {take, give, &w},
                         .random = randomness,
                         .send = deliver,
                         .open = open_flow,
                         .query = query,
                         .local = local};
    wheel_init(&w.wheel, w.now);
    uint8_t first = next(&w);
    ENSURE(txn_layer_init(&w.l, &w.env, &w.wheel, NULL, first % 64) == 0);
    w.l.udp_max = first & 64 ? 100 : 0;
    while (w.n > 0) {
        obey(&w, next(&w));
    }
    end(&w);
    return 0;
}
