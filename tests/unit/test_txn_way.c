/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way of a request: the next server after a 503, silence or a broken way (RFC 3263 §4.3),
 * and TCP for large requests (RFC 3261 §18.1.1).
 */
#include "fixture_txn.h"

static void three_servers(struct fx *f)
{
    fx_init(f);
    (void)kit_dns_add(&f->zone, "_sip._udp.example.net", "SRV 1 0 5060 a.example.net");
    (void)kit_dns_add(&f->zone, "_sip._udp.example.net", "SRV 2 0 5060 b.example.net");
    (void)kit_dns_add(&f->zone, "_sip._tcp.example.net", "SRV 1 0 5062 c.example.net");
    (void)kit_dns_add(&f->zone, "a.example.net", "A 203.0.113.1");
    (void)kit_dns_add(&f->zone, "b.example.net", "A 203.0.113.2");
    (void)kit_dns_add(&f->zone, "c.example.net", "A 203.0.113.3");
}

static struct txn *send_to_name(struct fx *f, enum sip_method method)
{
    struct txn_target to = {.host = STR("example.net")};
    struct txn *t = fx_client_to(f, method, &to, &fx_user);
    CHECK(t != NULL);
    return t;
}

/** "UDP 203.0.113.1:5060 INVITE, …" of what was sent since `from`; repetitions are left out. */
static const char *sent_where(const struct fx *f, size_t from)
{
    static char text[2048];
    struct out o;
    out_init(&o, text, sizeof text - 1);
    for (size_t i = from; i < f->sent_n; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++) {
            again = again || str_eq(f->sent[k].bytes, f->sent[i].bytes);
        }
        if (again) {
            continue;
        }
        const struct hop *hop = &f->sent[i].hop;
        out_fmt(&o, "%s%s ", o.n > 0 ? ", " : "",
                transport_name((enum transport)hop->transport));
        addr_write(&o, &hop->remote);
        out_fmt(&o, " %.*s", STR_ARG(fx_sent_what(f, i)));
    }
    CHECK(!o.over);
    text[o.n] = '\0';
    return text;
}

static struct str via_of(const struct fx *f, size_t i, struct fx_msg *x)
{
    struct sip_values it = {0};
    struct str via = STR_NONE;
    (void)sip_msg_each(fx_sent_msg(f, i, x), SIP_HDR_VIA, &it, &via);
    return via;
}

#define SENT(f, from, want) CHECK_STR(str_c(sent_where(f, from)), want)

static void heard(const struct fx *f, const char *want)
{
    char buf[256];
    CHECK_STR(str_c(fx_heard_text(f, 0, buf, sizeof buf)), want);
}

/** A 503 is acknowledged on its branch, and the user hears only what the last server says. */
static void test_503_of_an_invite(void)
{
    struct fx f;
    struct fx_msg x;
    three_servers(&f);
    struct txn *t = send_to_name(&f, SIP_METHOD_INVITE);
    char first[64];
    snprintf(first, sizeof first, "%s", t->branch);
    CHECK(fx_answer(&f, 0, 503, "a"));
    SENT(&f, 0,
         "UDP 203.0.113.1:5060 INVITE, UDP 203.0.113.2:5060 INVITE, UDP 203.0.113.1:5060 ACK");
    CHECK(strcmp(first, t->branch) != 0);
    CHECK(str_find(via_of(&f, 0, &x), str_c(first)) < via_of(&f, 0, &x).n);
    CHECK(str_find(via_of(&f, 1, &x), str_c(t->branch)) < via_of(&f, 1, &x).n);
    CHECK(str_find(via_of(&f, 2, &x), str_c(first)) < via_of(&f, 2, &x).n);
    heard(&f, "");
    /* What is left of the first branch goes on acknowledging. */
    CHECK(fx_answer(&f, 0, 503, "a"));
    CHECK_INT(f.sent_n, 4);
    CHECK_STR(fx_sent_what(&f, 3), "ACK");
    CHECK(fx_answer(&f, 1, 100, ""));
    CHECK(fx_answer(&f, 1, 503, "b"));
    CHECK_INT(t->hop.transport, TP_TCP);
    SENT(&f, 4, "TCP 203.0.113.3:5062 INVITE, UDP 203.0.113.2:5060 ACK");
    CHECK(str_starts(via_of(&f, 4, &x), STR("SIP/2.0/TCP ")));
    CHECK(fx_answer(&f, 4, 180, "c"));
    CHECK(fx_answer(&f, 4, 200, "c"));
    heard(&f, "r100 r180 r200");
    CHECK_INT(f.l.stats.retargeted, 2);
    CHECK_INT(t->status, 200);
    fx_run(&f, 64000);
    heard(&f, "r100 r180 r200 g");
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

/** The body and all lines but the Via are the same for each server. */
static void test_only_the_via_differs(void)
{
    struct fx f;
    struct fx_msg x, y;
    three_servers(&f);
    (void)send_to_name(&f, SIP_METHOD_MESSAGE);
    CHECK(fx_answer(&f, 0, 503, "a"));
    REQUIRE(f.sent_n == 2);
    const struct sip_msg *a = fx_sent_msg(&f, 0, &x), *b = fx_sent_msg(&f, 1, &y);
    CHECK_INT(a->hdr_count, b->hdr_count);
    struct str via = via_of(&f, 0, &x);
    size_t at = (size_t)(via.p - x.buf) + via.n;
    struct str via2 = via_of(&f, 1, &y);
    size_t at2 = (size_t)(via2.p - y.buf) + via2.n;
    CHECK_BYTES(str_from(f.sent[0].bytes, at), str_from(f.sent[1].bytes, at2));
    fx_fini(&f);
}

static void test_silence(void)
{
    struct fx f;
    three_servers(&f);
    (void)send_to_name(&f, SIP_METHOD_INVITE);
    struct txn *info = send_to_name(&f, SIP_METHOD_INFO);
    size_t both = f.sent_n;
    CHECK_INT(both, 2);
    fx_run(&f, 32000);
    heard(&f, "");
    CHECK_INT(f.l.stats.retargeted, 2);
    SENT(&f, both, "UDP 203.0.113.2:5060 INVITE, UDP 203.0.113.2:5060 INFO");
    /* Whoever said 100 is at work: his silence is told. */
    size_t last = f.sent_n - 1;
    CHECK_STR(fx_sent_what(&f, last), "INFO");
    CHECK(fx_answer(&f, last, 100, ""));
    fx_run(&f, 32000);
    heard(&f, "r100 f0 g");
    CHECK(f.heard[1].t == info);
    SENT(&f, f.sent_n - 1, "TCP 203.0.113.3:5062 INVITE");
    fx_run(&f, 32000);
    heard(&f, "r100 f0 g f0 g"); /* the last one: the truth */
    fx_fini(&f);
}

/** Four seconds of nothing are enough while there are others; the last one has its 64*T1. */
static void test_early_silence(void)
{
    struct fx f;
    three_servers(&f);
    f.l.timing.silent = 4000;
    (void)send_to_name(&f, SIP_METHOD_INVITE);
    fx_run(&f, 3999);
    SENT(&f, 4, ""); /* after 0, 500, 1500, 3500 */
    fx_run(&f, 1);
    SENT(&f, 4, "UDP 203.0.113.2:5060 INVITE");
    fx_run(&f, 4000);
    CHECK_INT(f.l.stats.retargeted, 2);
    SENT(&f, f.sent_n - 1, "TCP 203.0.113.3:5062 INVITE");
    fx_run(&f, 31999);
    heard(&f, "");
    fx_run(&f, 1);
    heard(&f, "f0 g");
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

/** A server that was left and answers after all hears CANCEL; its refusal is acknowledged. */
static void test_late_answer(void)
{
    struct fx f;
    three_servers(&f);
    f.l.timing.silent = 4000;
    struct txn *t = send_to_name(&f, SIP_METHOD_INVITE);
    fx_run(&f, 4000);
    size_t n = f.sent_n;
    CHECK(fx_answer(&f, n - 1, 180, "b"));
    CHECK(fx_answer(&f, 0, 180, "a"));
    SENT(&f, n, "UDP 203.0.113.1:5060 CANCEL");
    CHECK(fx_answer(&f, n, 200, "a"));
    CHECK(fx_answer(&f, 0, 487, "a"));
    SENT(&f, n + 1, "UDP 203.0.113.1:5060 ACK");
    heard(&f, "r180");
    CHECK(fx_answer(&f, n - 1, 200, "b"));
    heard(&f, "r180 r200");
    CHECK_INT(t->status, 200);
    fx_run(&f, 64000);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

/** 100 is not silence: then Timer F holds, from the beginning on. */
static void test_early_silence_of_others(void)
{
    struct fx f;
    three_servers(&f);
    f.l.timing.silent = 4000;
    (void)send_to_name(&f, SIP_METHOD_INFO);
    fx_run(&f, 3700);
    CHECK(fx_answer(&f, 0, 100, ""));
    fx_run(&f, 32000 - 3700 - 1);
    heard(&f, "r100");
    fx_run(&f, 1);
    heard(&f, "r100 f0 g");
    CHECK_INT(f.l.stats.retargeted, 0);
    fx_fini(&f);
    three_servers(&f);
    f.l.timing.silent = 4000;
    (void)send_to_name(&f, SIP_METHOD_INFO);
    fx_run(&f, 4000);
    SENT(&f, f.sent_n - 1, "UDP 203.0.113.2:5060 INFO");
    CHECK(fx_answer(&f, f.sent_n - 1, 200, "b"));
    heard(&f, "r200");
    fx_fini(&f);
}

/** Whose user has another way is told soon; who has cancelled waits as the RFC says. */
static void test_silence_of_the_only_one(void)
{
    for (int cancelled = 0; cancelled < 2; cancelled++) {
        struct fx f;
        three_servers(&f);
        f.l.timing.silent = 4000;
        struct txn_target to = {.hop = fx_hop(TP_UDP), .has_other = true};
        struct txn *t = fx_client_to(&f, SIP_METHOD_INVITE, &to, &fx_user);
        fx_run(&f, 1000);
        if (cancelled) {
            CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
        }
        fx_run(&f, 3000);
        heard(&f, cancelled ? "" : "f0 g");
        size_t n = f.sent_n;
        CHECK(fx_answer(&f, 0, 180, "a"));
        CHECK_STR(fx_sent_what(&f, n), "CANCEL");
        CHECK(fx_answer(&f, 0, 487, "a"));
        CHECK_STR(fx_sent_what(&f, n + 1), "ACK");
        fx_run(&f, 64000);
        heard(&f, cancelled ? "r180 r487 g" : "f0 g");
        CHECK_INT(txn_count(&f.l), 0);
        fx_fini(&f);
    }
}

static void test_a_broken_way(void)
{
    struct fx f;
    three_servers(&f);
    f.l.black.most_ms = 0;
    struct txn_target tcp = {.host = STR("example.net"), .hop = {.transport = TP_TCP}};
    (void)kit_dns_add(&f.zone, "_sip._tcp.example.net", "SRV 2 0 5063 b.example.net");
    struct txn *t = fx_client_to(&f, SIP_METHOD_INVITE, &tcp, &fx_user);
    SENT(&f, 0, "TCP 203.0.113.3:5062 INVITE");
    txn_on_flow_closed(&f.l, t->hop.flow, f.now);
    CHECK_INT(f.sent_n, 1); /* from a clean stack only */
    fx_tick(&f);
    SENT(&f, 1, "TCP 203.0.113.2:5063 INVITE");
    CHECK(fx_answer(&f, 1, 100, ""));
    txn_on_flow_closed(&f.l, t->hop.flow, f.now);
    fx_tick(&f);
    heard(&f, "r100 f1 g");
    fx_fini(&f);
}

/** Connections that cannot even be begun are passed over in one go. */
static void test_a_way_that_cannot_be_opened(void)
{
    struct fx f;
    three_servers(&f);
    f.open_err = E_IO;
    (void)send_to_name(&f, SIP_METHOD_INVITE);
    CHECK_INT(route_black_count(&f.l.black), 3);
    fx_tick(&f);
    heard(&f, "f1 g");
    fx_fini(&f);
}

static void test_a_phone_that_rings_stays(void)
{
    struct fx f;
    three_servers(&f);
    (void)send_to_name(&f, SIP_METHOD_INVITE);
    CHECK(fx_answer(&f, 0, 180, "a"));
    CHECK(fx_answer(&f, 0, 503, "a"));
    heard(&f, "r180 r503");
    SENT(&f, 1, "UDP 203.0.113.1:5060 ACK");
    fx_fini(&f);
}

/** CANCEL goes to the server that works on it now, and ends the search. */
static void test_cancel(void)
{
    struct fx f;
    three_servers(&f);
    struct txn *t = send_to_name(&f, SIP_METHOD_INVITE);
    CHECK(fx_answer(&f, 0, 503, "a"));
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
    size_t at = f.sent_n;
    CHECK(fx_answer(&f, 1, 100, ""));
    SENT(&f, at, "UDP 203.0.113.2:5060 CANCEL");
    CHECK(fx_answer(&f, 1, 503, "b"));
    heard(&f, "r100 r503");
    SENT(&f, at + 1, "UDP 203.0.113.2:5060 ACK");
    fx_fini(&f);
    /* Before anything was heard: it ends with Timer B, not on the next server. */
    three_servers(&f);
    t = send_to_name(&f, SIP_METHOD_INVITE);
    CHECK_INT(txn_cancel(t, STR_NONE, f.now), 0);
    fx_run(&f, 32000);
    heard(&f, "f0 g");
    SENT(&f, 0, "UDP 203.0.113.1:5060 INVITE");
    fx_fini(&f);
}

/** The next request begins with the server that works; Retry-After says for how long. */
static void test_the_blacklist(void)
{
    struct fx f;
    struct fx_msg x;
    three_servers(&f);
    (void)send_to_name(&f, SIP_METHOD_INFO);
    struct hop from = f.sent[0].hop;
    const struct sip_msg *m = fx_response(&x, f.sent[0].bytes, 503, "a");
    char text[4096];
    snprintf(text, sizeof text,
             "%.*sRetry-After: 60 (busy);duration=9\r\nContent-Length: 0\r\n\r\n",
             (int)(str_find(str_make(m->buf, m->len), STR("Content-Length"))), m->buf);
    memcpy(x.buf, text, strlen(text));
    CHECK(txn_on_response(&f.l, fx_index(&x, strlen(text)), &from, f.now));
    CHECK(fx_answer(&f, 1, 200, "b"));
    CHECK_INT(route_black_count(&f.l.black), 1);
    size_t at = f.sent_n;
    (void)send_to_name(&f, SIP_METHOD_INFO);
    SENT(&f, at, "UDP 203.0.113.2:5060 INFO");
    CHECK(fx_answer(&f, at, 200, "b"));
    fx_run(&f, 59000);
    at = f.sent_n;
    (void)send_to_name(&f, SIP_METHOD_INFO);
    SENT(&f, at, "UDP 203.0.113.2:5060 INFO");
    CHECK(fx_answer(&f, at, 200, "b"));
    fx_run(&f, 1001);
    at = f.sent_n;
    (void)send_to_name(&f, SIP_METHOD_INFO); /* the trial … */
    (void)send_to_name(&f, SIP_METHOD_OPTIONS);
    SENT(&f, at, "UDP 203.0.113.1:5060 INFO, UDP 203.0.113.2:5060 OPTIONS");
    CHECK(fx_answer(&f, at, 200, "a"));
    CHECK_INT(route_black_count(&f.l.black), 0); /* … heals it */
    at = f.sent_n;
    (void)send_to_name(&f, SIP_METHOD_INFO);
    SENT(&f, at, "UDP 203.0.113.1:5060 INFO");
    fx_fini(&f);
}

/** All have failed: the least bad one is tried all the same. */
static void test_all_are_black(void)
{
    struct fx f;
    three_servers(&f);
    (void)send_to_name(&f, SIP_METHOD_INFO);
    CHECK(fx_answer(&f, 0, 503, "a"));
    CHECK(fx_answer(&f, 1, 503, "b"));
    CHECK(fx_answer(&f, 2, 503, "c"));
    heard(&f, "r503");
    CHECK_INT(route_black_count(&f.l.black), 3);
    fx_run(&f, 1000);
    size_t at = f.sent_n;
    (void)send_to_name(&f, SIP_METHOD_INFO);
    CHECK_INT(f.sent_n, at + 1);
    CHECK(fx_answer(&f, at, 200, "x"));
    heard(&f, "r503 g r200");
    fx_fini(&f);
}

/** While it is looked up nothing is decided; then all servers are there. */
static void test_servers_known_later(void)
{
    struct fx f;
    three_servers(&f);
    f.resolve_err = E_AGAIN;
    struct txn *t = send_to_name(&f, SIP_METHOD_INVITE);
    CHECK_INT(t->state, TXN_RESOLVING);
    f.resolve_err = 0;
    txn_on_resolved(&f.l, f.now);
    CHECK(fx_answer(&f, 0, 503, "a"));
    CHECK(fx_answer(&f, 1, 200, "b"));
    SENT(&f, 0,
         "UDP 203.0.113.1:5060 INVITE, UDP 203.0.113.2:5060 INVITE, UDP 203.0.113.1:5060 ACK");
    heard(&f, "r200");
    fx_fini(&f);
}

/** A call that nobody wants any more is not carried from server to server. */
static void test_nobody_listens(void)
{
    struct fx f;
    three_servers(&f);
    txn_detach(send_to_name(&f, SIP_METHOD_INVITE));
    txn_detach(send_to_name(&f, SIP_METHOD_BYE));
    CHECK(fx_answer(&f, 0, 503, "a"));
    CHECK(fx_answer(&f, 1, 503, "a"));
    SENT(&f, 2, "UDP 203.0.113.1:5060 ACK, UDP 203.0.113.2:5060 BYE");
    fx_run(&f, 100000);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

/** Every allocation fails once: then the 503 is the user's, and nothing is lost. */
static void test_without_memory(void)
{
    for (size_t fail = 0; fail < 12; fail++) {
        struct fx f;
        char buf[64];
        three_servers(&f);
        struct txn_target to = {.host = STR("example.net")};
        f.tm.fail_at = f.tm.calls + 1 + fail;
        struct txn *t = fx_client_to(&f, SIP_METHOD_INVITE, &to, &fx_user);
        if (t != NULL) {
            CHECK(fx_answer(&f, 0, 503, "a"));
            const char *told = fx_heard_text(&f, 0, buf, sizeof buf);
            CHECK(told[0] == '\0' ? f.l.stats.retargeted == 1 : strcmp(told, "r503") == 0);
        }
        f.tm.fail_at = 0;
        fx_fini(&f);
    }
}

/* ---- the size ---- */

static struct txn *send_large(struct fx *f, struct txn_target *to, size_t size,
                              enum sip_method method)
{
    static char body[70000];
    char head[400];
    memset(body, 'x', sizeof body);
    int n = snprintf(head, sizeof head,
                     "From: <sip:a@example.com>;tag=1\r\nTo: <sip:b@example.com>\r\n"
                     "Call-ID: big\r\nCSeq: 1 %.*s\r\nContent-Length: %zu\r\n\r\n",
                     STR_ARG(sip_method_name(method)), size);
    char line[64];
    int line_n = snprintf(line, sizeof line, "%.*s sip:b@203.0.113.9 SIP/2.0\r\n",
                          STR_ARG(sip_method_name(method)));
    struct str run[] = {{line, (size_t)line_n}, {head, (size_t)n}, {body, size}};
    return txn_client_new(&f->l, method, to, run, 3, &fx_user, f, f->now);
}

static void test_large_requests(void)
{
    struct fx f;
    struct fx_msg x;
    fx_init(&f);
    f.l.udp_max = 1300;
    struct txn_target to = {
        .hop = {.transport = TP_UDP, .remote = fx_addr("203.0.113.9:5060")}};
    (void)send_large(&f, &to, 10, SIP_METHOD_MESSAGE);
    size_t rest = 1300 - f.sent[0].bytes.n + 10 - 2; /* two digits more in Content-Length */
    (void)send_large(&f, &to, rest, SIP_METHOD_MESSAGE);
    CHECK_INT(f.sent[1].bytes.n, 1300);
    struct txn *t = send_large(&f, &to, rest + 1, SIP_METHOD_MESSAGE);
    SENT(&f, 0,
         "UDP 203.0.113.9:5060 MESSAGE, UDP 203.0.113.9:5060 MESSAGE, "
         "TCP 203.0.113.9:5060 MESSAGE");
    CHECK(str_starts(via_of(&f, 2, &x), STR("SIP/2.0/TCP ")));
    CHECK_INT(f.l.stats.grown, 1);
    CHECK(fx_answer(&f, 2, 200, "b"));
    CHECK_INT(t->status, 200);
    /* Somebody has decided: a configuration, or the flow that leads to a phone. */
    to.fixed = true;
    (void)send_large(&f, &to, 5000, SIP_METHOD_MESSAGE);
    to.fixed = false;
    to.hop.flow = 1;
    (void)send_large(&f, &to, 5000, SIP_METHOD_MESSAGE);
    to.hop.flow = 0;
    f.l.udp_max = 0;
    (void)send_large(&f, &to, 5000, SIP_METHOD_MESSAGE);
    CHECK_INT(f.l.stats.grown, 1);
    fx_fini(&f);
}

/** Nobody listens there: over UDP after all, and the next one at once. */
static void test_large_requests_come_back(void)
{
    struct fx f;
    struct fx_msg x;
    fx_init(&f);
    f.l.udp_max = 1300;
    struct txn_target to = {
        .hop = {.transport = TP_UDP, .remote = fx_addr("203.0.113.9:5060")}};
    struct txn *t = send_large(&f, &to, 5000, SIP_METHOD_INVITE);
    txn_on_flow_closed(&f.l, t->hop.flow, f.now);
    fx_tick(&f);
    SENT(&f, 0, "TCP 203.0.113.9:5060 INVITE, UDP 203.0.113.9:5060 INVITE");
    CHECK(str_starts(via_of(&f, 1, &x), STR("SIP/2.0/UDP ")));
    heard(&f, "");
    (void)send_large(&f, &to, 5000, SIP_METHOD_MESSAGE);
    SENT(&f, 2, "UDP 203.0.113.9:5060 MESSAGE");
    CHECK(fx_answer(&f, 1, 200, "b"));
    heard(&f, "r200");
    fx_run(&f, 10001); /* and later TCP has another chance */
    size_t at = f.sent_n;
    (void)send_large(&f, &to, 5000, SIP_METHOD_MESSAGE);
    CHECK_INT(f.sent[at].hop.transport, TP_TCP);
    CHECK(fx_answer(&f, at, 200, "b"));
    CHECK_INT(route_black_count(&f.l.black), 0);
    fx_fini(&f);
    /* A server that refuses over TCP has refused. */
    fx_init(&f);
    f.l.udp_max = 1300;
    (void)send_large(&f, &to, 5000, SIP_METHOD_MESSAGE);
    CHECK(fx_answer(&f, 0, 503, "b"));
    heard(&f, "r503");
    fx_fini(&f);
}

TEST_MAIN(T(test_503_of_an_invite), T(test_only_the_via_differs), T(test_silence),
          T(test_early_silence), T(test_late_answer), T(test_early_silence_of_others),
          T(test_silence_of_the_only_one), T(test_a_broken_way),
          T(test_a_way_that_cannot_be_opened), T(test_a_phone_that_rings_stays), T(test_cancel),
          T(test_the_blacklist), T(test_all_are_black), T(test_servers_known_later),
          T(test_nobody_listens), T(test_without_memory), T(test_large_requests),
          T(test_large_requests_come_back))
