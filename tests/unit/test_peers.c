/* SPDX-License-Identifier: Apache-2.0 */
/* Peers: up and down by OPTIONS, room for calls, choice by weight. */
#include "fixture_txn.h"
#include "peers/peers.h"

struct world {
    struct fx f;
    struct directory dir;
    struct peer peer[4];
    struct peers p;
    const struct peers_config *config;
};

static const struct str domain = STR_INIT("example.com");
static const struct str all = STR_INIT("*"), nines = STR_INIT("9*");

static void up(struct world *w, size_t n)
{
    memset(w, 0, sizeof *w);
    fx_init(&w->f);
    CHECK_INT(directory_init(&w->dir, &w->f.env, &domain, 1), 0);
    static const char *const hosts[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
    static const char *const names[] = {"one", "two", "three", "four"};
    for (size_t i = 0; i < n; i++) {
        w->peer[i] = (struct peer){.name = str_c(names[i]),
                                   .host = str_c(hosts[i]),
                                   .port = 5070,
                                   .transport = TP_UDP,
                                   .numbers = &all,
                                   .number_count = 1,
                                   .probe_failures = 2};
    }
    w->dir.peers = w->peer;
    w->dir.peer_count = n;
}

static void start(struct world *w)
{
    CHECK_INT(peers_init(&w->p, &w->f.env, &w->f.wheel, &w->f.l, &w->dir, w->config), 0);
}

static void down(struct world *w)
{
    peers_fini(&w->p);
    directory_fini(&w->dir);
    fx_fini(&w->f);
}

/** Let time pass until one more OPTIONS is out. @return its number */
static size_t next_probe(struct world *w, uint64_t limit_ms)
{
    uint64_t probes = w->p.probes;
    for (uint64_t ms = 0; ms < limit_ms && w->p.probes == probes; ms += 10) {
        fx_run(&w->f, 10);
    }
    CHECK_INT(w->p.probes, probes + 1);
    return w->f.sent_n - 1;
}

static void test_what_a_probe_is(void)
{
    struct world w;
    struct fx_msg x;
    up(&w, 1);
    w.peer[0].probe_s = 30;
    w.peer[0].transport = TP_TCP;
    start(&w);
    CHECK_INT(w.f.sent_n, 0);
    size_t i = next_probe(&w, 1000);
    const struct sip_msg *m = fx_sent_msg(&w.f, i, &x);
    CHECK_STR(sip_msg_ruri(m), "sip:192.0.2.1:5070;transport=TCP");
    CHECK_INT(m->method, SIP_METHOD_OPTIONS);
    struct addr want = fx_addr("192.0.2.1:5070");
    CHECK(addr_eq(&w.f.sent[i].hop.remote, &want));
    CHECK_INT(w.f.sent[i].hop.transport, TP_TCP);
    struct sip_fault fault = {0};
    CHECK_INT(sip_msg_check(m, &sip_limits_default, &fault), 0);
    CHECK(fx_answer(&w.f, i, 200, "a"));
    uint64_t at = w.f.now;
    i = next_probe(&w, 40000);
    CHECK(w.f.now - at >= 30000 && w.f.now - at <= 30020);
    CHECK_STR(sip_msg_value(fx_sent_msg(&w.f, i, &x), SIP_HDR_CSEQ), "2 OPTIONS");
    CHECK_INT(w.p.answered, 1);
    down(&w);
}

/** What proves life, and what does not. */
static void test_answers(void)
{
    static const struct {
        unsigned status;
        bool alive;
    } rows[] = {{200, true}, {404, true}, {401, true}, {483, true}, {405, true},
                {500, true}, {501, true}, {603, true}, {503, false}};
    for (size_t k = 0; k < ARRAY_LEN(rows); k++) {
        struct world w;
        up(&w, 1);
        w.peer[0].probe_s = 30;
        start(&w);
        CHECK(peer_usable(&w.peer[0]));
        size_t i = next_probe(&w, 1000);
        CHECK(fx_answer(&w.f, i, 100, ""));
        CHECK(fx_answer(&w.f, i, rows[k].status, "a"));
        CHECK_INT(peer_usable(&w.peer[0]), rows[k].alive);
        CHECK_INT(peers_now(&w.p).down, !rows[k].alive);
        i = next_probe(&w, 31000);
        CHECK(fx_answer(&w.f, i, 404, "a"));
        CHECK(peer_usable(&w.peer[0]));
        down(&w);
    }
}

/** Silence: asked again soon, down after two, up with the first answer. */
static void test_silence(void)
{
    struct world w;
    up(&w, 1);
    w.peer[0].probe_s = 30;
    start(&w);
    (void)next_probe(&w, 1000);
    fx_run(&w.f, PEER_WAIT_MS - 10);
    CHECK_INT(w.p.silent, 0);
    fx_run(&w.f, 20);
    CHECK_INT(w.p.silent, 1);
    CHECK(peer_usable(&w.peer[0]));
    (void)next_probe(&w, 1100);
    fx_run(&w.f, PEER_WAIT_MS);
    CHECK(!peer_usable(&w.peer[0]));
    CHECK(!peer_take(&w.peer[0]));
    uint64_t at = w.f.now;
    size_t i = next_probe(&w, 31000);
    CHECK(w.f.now - at > 29000);
    CHECK(fx_answer(&w.f, i, 200, "a"));
    CHECK(peer_usable(&w.peer[0]));
    /* One that cannot even be sent to is told at once. */
    w.f.send_err = E_IO;
    (void)next_probe(&w, 31000);
    fx_run(&w.f, 1100);
    fx_tick(&w.f);
    w.f.send_err = 0;
    CHECK(!peer_usable(&w.peer[0]));
    down(&w);
}

/** A name with two servers: it lives as long as one of them does. */
static void test_a_name(void)
{
    struct world w;
    up(&w, 1);
    w.peer[0].host = STR("pbx.example.net");
    w.peer[0].port = 0;
    w.peer[0].transport = TP_NONE;
    w.peer[0].probe_s = 10;
    (void)kit_dns_add(&w.f.zone, "_sip._udp.pbx.example.net", "SRV 1 1 5060 a.example.net");
    (void)kit_dns_add(&w.f.zone, "_sip._udp.pbx.example.net", "SRV 2 1 5060 b.example.net");
    (void)kit_dns_add(&w.f.zone, "a.example.net", "A 192.0.2.11");
    (void)kit_dns_add(&w.f.zone, "b.example.net", "A 192.0.2.12");
    start(&w);
    size_t i = next_probe(&w, 1000);
    CHECK_INT(w.f.sent[i].hop.remote.ip[3], 11);
    fx_run(&w.f, 32000);
    i = w.f.sent_n - 1;
    CHECK_INT(w.f.sent[i].hop.remote.ip[3], 12);
    CHECK(fx_answer(&w.f, i, 200, "b"));
    CHECK_INT(w.p.answered, 1);
    w.f.resolve_err = E_NOTFOUND;
    (void)next_probe(&w, 11000);
    (void)next_probe(&w, 2000);
    fx_tick(&w.f);
    CHECK(!peer_usable(&w.peer[0]));
    down(&w);
}

static void test_room(void)
{
    struct world w;
    up(&w, 2);
    w.peer[0].max_calls = 2;
    CHECK(peer_usable(&w.peer[0]) && peer_take(&w.peer[0])); /* nobody watches yet */
    start(&w);
    CHECK(peer_take(&w.peer[0]));
    CHECK(peer_take(&w.peer[0]));
    CHECK(!peer_usable(&w.peer[0]));
    CHECK(!peer_take(&w.peer[0]));
    CHECK_INT(w.p.full, 1);
    CHECK_INT(peers_now(&w.p).calls, 2);
    peer_release(&w.peer[0]);
    CHECK(peer_usable(&w.peer[0]));
    for (int i = 0; i < 100; i++) {
        CHECK(peer_take(&w.peer[1]));
    }
    CHECK_INT(w.f.wheel.count, 0); /* no probes, no timers */
    down(&w);
}

static void test_choice(void)
{
    struct world w;
    unsigned got[4] = {0};
    up(&w, 4);
    start(&w);
    w.peer[0].numbers = &nines;
    CHECK(peer_for(&w.f.env, &w.dir, STR("91")) == &w.peer[0]);
    CHECK(peer_for(&w.f.env, &w.dir, STR("81")) == &w.peer[1]);
    w.peer[1].max_calls = 1;
    CHECK(peer_take(&w.peer[1]));
    CHECK(peer_for(&w.f.env, &w.dir, STR("81")) == &w.peer[2]);
    peer_release(&w.peer[1]);
    w.peer[1].weight = 30;
    w.peer[2].weight = 10;
    for (int i = 0; i < 1000; i++) {
        got[peer_for(&w.f.env, &w.dir, STR("81")) - w.peer]++;
    }
    CHECK_INT(got[0] + got[3], 0);
    CHECK(got[1] > 700 && got[1] < 800);
    CHECK(peer_take(&w.peer[1]));
    CHECK(peer_for(&w.f.env, &w.dir, STR("81")) == &w.peer[2]);
    for (size_t i = 1; i < 4; i++) {
        w.peer[i].numbers = &nines;
    }
    CHECK(peer_for(&w.f.env, &w.dir, STR("81")) == NULL);
    w.peer[0].state->down = w.peer[2].state->down = w.peer[3].state->down = true;
    CHECK(peer_for(&w.f.env, &w.dir, STR("91")) == &w.peer[0]); /* to be refused there */
    down(&w);
}

/** Without memory for a probe nothing is believed of the peer. */
static void test_without_memory(void)
{
    struct world w;
    up(&w, 1);
    w.peer[0].probe_s = 1;
    w.f.tm.fail_at = w.f.tm.calls + 1;
    CHECK_INT(peers_init(&w.p, &w.f.env, &w.f.wheel, &w.f.l, &w.dir, NULL), E_NOMEM);
    peers_fini(&w.p);
    w.f.tm.fail_at = 0;
    start(&w);
    w.f.tm.fail_at = w.f.tm.calls + 1;
    w.f.tm.fail_on = true;
    fx_run(&w.f, 10000);
    CHECK(w.p.probes > 3);
    CHECK(peer_usable(&w.peer[0]));
    w.f.tm.fail_at = 0;
    w.f.tm.fail_on = false;
    size_t i = next_probe(&w, 1100);
    CHECK(fx_answer(&w.f, i, 200, "a"));
    CHECK_INT(w.p.answered, 1);
    down(&w);
}

/** The answer to a probe, with further header lines. */
static void answer_with(struct world *w, size_t i, unsigned status, const char *lines)
{
    struct fx_msg x, y;
    struct hop from = w->f.sent[i].hop;
    const struct sip_msg *m = fx_response(&x, w->f.sent[i].bytes, status, "a");
    char text[8192];
    struct out o;
    out_init(&o, text, sizeof text - 1);
    struct str bytes = str_make(m->buf, m->len);
    out_str(&o, str_upto(bytes, str_find(bytes, STR("Content-Length"))));
    out_fmt(&o, "%s\r\n", lines);
    memcpy(y.buf, text, o.n);
    CHECK(txn_on_response(&w->f.l, fx_index(&y, o.n), &from, w->f.now));
}

static enum understands isdn(struct world *w, size_t i)
{
    return peer_understands(&w->peer[i], STR("isdn-uui"), STR_NONE);
}

static enum understands crm(struct world *w, size_t i)
{
    return peer_understands(&w->peer[i], STR("crm"), STR("+com.example.crm"));
}

/** What an answer to OPTIONS says is kept, replaced by the next one, and forgotten. */
static void test_what_it_understands(void)
{
    static const struct demand wants_uui = {.uui = true};
    struct world w;
    up(&w, 1);
    w.peer[0].probe_s = 600;
    w.config = &(struct peers_config){.keep_s = 1000, .keep_no_s = 100};
    start(&w);
    CHECK_INT(isdn(&w, 0), UNDERSTANDS_UNKNOWN);
    CHECK_INT(peer_fit(&w.peer[0], &wants_uui), FIT_UNKNOWN);
    size_t i = next_probe(&w, 1000);
    struct fx_msg x;
    CHECK_STR(sip_msg_value(fx_sent_msg(&w.f, i, &x), SIP_HDR_SUPPORTED), "uui, histinfo");
    answer_with(&w, i, 200,
                "Supported: timer, uui\r\nSupported: histinfo\r\n"
                "Contact: <sip:192.0.2.1>;+sip.uui-isdn;\r\n audio\r\n");
    CHECK_STR(peer_support(&w.peer[0]).supported, "timer,uui,histinfo");
    CHECK_STR(peer_support(&w.peer[0]).features,
              ";+sip.uui-isdn;audio;extensions=\"timer,uui,histinfo\"");
    CHECK_INT(isdn(&w, 0), UNDERSTANDS_YES);
    CHECK_INT(crm(&w, 0), UNDERSTANDS_NO);
    CHECK_INT(peer_fit(&w.peer[0], &wants_uui), FIT_YES);
    CHECK_INT(w.p.learned, 1);
    /* the same again is nothing new; an error says nothing about it */
    answer_with(&w, next_probe(&w, 601000), 200,
                "Supported: timer,uui,histinfo\r\n"
                "Contact: <sip:192.0.2.1>;+sip.uui-isdn;audio\r\n");
    CHECK_INT(w.p.learned, 1);
    answer_with(&w, next_probe(&w, 601000), 405, "Allow: INVITE\r\nSupported: nothing\r\n");
    CHECK_INT(isdn(&w, 0), UNDERSTANDS_YES);
    /* not asked successfully for longer than that: not known any more */
    answer_with(&w, next_probe(&w, 601000), 405, "");
    CHECK_INT(isdn(&w, 0), UNDERSTANDS_UNKNOWN);
    /* a 2xx without Supported: it has none, but that is not believed for long */
    answer_with(&w, next_probe(&w, 601000), 200, "");
    CHECK_INT(peer_fit(&w.peer[0], &wants_uui), FIT_NO_OPTION);
    CHECK_INT(crm(&w, 0), UNDERSTANDS_NO);
    CHECK_INT(isdn(&w, 0), UNDERSTANDS_UNKNOWN); /* RFC 7434 §10 */
    fx_run(&w.f, 101000);
    CHECK_INT(peer_fit(&w.peer[0], &wants_uui), FIT_UNKNOWN);
    /* another configuration: another peer, perhaps */
    answer_with(&w, next_probe(&w, 601000), 200, "Supported: uui\r\n");
    CHECK_INT(peer_fit(&w.peer[0], &wants_uui), FIT_YES);
    peers_changed(&w.p);
    CHECK_INT(peer_fit(&w.peer[0], &wants_uui), FIT_UNKNOWN);
    down(&w);
}

/** Peers without probes are asked too, but whether they live is not judged. */
static void test_only_asked(void)
{
    struct world w;
    up(&w, 2);
    w.peer[1].uui_option = STR("uui");
    w.peer[1].uui_features = STR(";+com.example.crm");
    start(&w);
    fx_run(&w.f, 100000);
    CHECK_INT(w.p.probes, 0);
    CHECK_INT(crm(&w, 1), UNDERSTANDS_YES); /* declared */
    CHECK_INT(isdn(&w, 1), UNDERSTANDS_NO);
    down(&w);
    up(&w, 3);
    w.peer[2].uui_option = STR(""); /* declared: no need to ask */
    w.config = &(struct peers_config){.ask_s = 1000};
    start(&w);
    fx_run(&w.f, 1100);
    CHECK_INT(w.p.probes, 2);
    answer_with(&w, 0, 503, "Supported: uui\r\n");
    fx_run(&w.f, 40000);
    CHECK(peer_usable(&w.peer[0]));
    CHECK(peer_usable(&w.peer[1]));
    CHECK_INT(w.p.silent, 1);
    CHECK_INT(w.p.probes, 2); /* nor asked again soon */
    CHECK_INT(peers_now(&w.p).down, 0);
    down(&w);
}

/** A bounded memory: who says more than that has said nothing. */
static void test_says_too_much(void)
{
    static char lines[4096] = "Supported: uui";
    struct world w;
    up(&w, 1);
    w.peer[0].probe_s = 10;
    start(&w);
    for (size_t n = strlen(lines); n < 3000; n += 8) {
        memcpy(lines + n, ",another", 9);
    }
    strncat(lines, "\r\n", 3);
    answer_with(&w, next_probe(&w, 1000), 200, lines);
    CHECK(!str_is_set(peer_support(&w.peer[0]).supported));
    size_t i = next_probe(&w, 11000);
    w.f.tm.fail_at = w.f.tm.calls + 1;
    w.f.tm.fail_on = true;
    answer_with(&w, i, 200, "Supported: uui\r\n");
    w.f.tm.fail_at = 0;
    w.f.tm.fail_on = false;
    CHECK(!str_is_set(peer_support(&w.peer[0]).supported)); /* no memory to keep it in */
    CHECK(peer_usable(&w.peer[0]));
    down(&w);
}

/** Of the peers that take a number, the one that fits. */
static void test_choice_by_demand(void)
{
    static const struct demand wants_uui = {.uui = true};
    struct world w;
    enum fit best;
    up(&w, 3);
    start(&w);
    w.peer[0].uui_option = STR("timer");
    CHECK(peer_for_demand(&w.f.env, &w.dir, STR("1"), &wants_uui, &best) == &w.peer[1]);
    CHECK_INT(best, FIT_UNKNOWN);
    w.peer[2].uui_option = STR("uui");
    CHECK(peer_for_demand(&w.f.env, &w.dir, STR("1"), &wants_uui, &best) == &w.peer[2]);
    CHECK_INT(best, FIT_YES);
    CHECK(peer_for(&w.f.env, &w.dir, STR("1")) == &w.peer[0]);
    /* who fits and is down is no use while another one may fit */
    w.peer[2].state->down = true;
    CHECK(peer_for_demand(&w.f.env, &w.dir, STR("1"), &wants_uui, &best) == &w.peer[1]);
    w.peer[1].uui_option = w.peer[2].uui_option = STR("");
    CHECK(peer_for_demand(&w.f.env, &w.dir, STR("1"), &wants_uui, &best) == NULL);
    CHECK_INT(best, FIT_NO_OPTION);
    /* weights hold among those that fit */
    w.peer[2].state->down = false;
    w.peer[1].uui_option = w.peer[2].uui_option = STR("uui");
    w.peer[0].weight = w.peer[1].weight = w.peer[2].weight = 10;
    unsigned got[3] = {0};
    for (int i = 0; i < 300; i++) {
        got[peer_for_demand(&w.f.env, &w.dir, STR("1"), &wants_uui, &best) - w.peer]++;
    }
    CHECK_INT(got[0], 0);
    CHECK(got[1] > 100 && got[2] > 100);
    down(&w);
}

TEST_MAIN(T(test_what_a_probe_is), T(test_answers), T(test_silence), T(test_a_name),
          T(test_room), T(test_choice), T(test_without_memory), T(test_what_it_understands),
          T(test_only_asked), T(test_says_too_much), T(test_choice_by_demand))
