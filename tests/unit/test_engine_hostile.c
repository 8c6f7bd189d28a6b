/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine and people whom it does not know: what they can learn, make it do, and cost it.
 *
 * One engine at 10.0.0.1 with the devices 1001 and 1002 and a trusted peer at 10.0.0.9; a
 * stranger at 10.0.0.66.
 */
#include "engine/engine.h"
#include "fixture_leg.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const struct str domains[] = {STR_INIT("example.com")};

struct site {
    struct vnet net;
    struct vnode node;
    struct test_mem mem;
    struct directory directory;
    struct device device[2];
    struct peer peer;
    struct engine *engine;
    struct raw stranger, victim, friend;
    struct hop to; /**< the engine, over UDP */
};

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    engine_input(((struct site *)ctx)->engine, from, bytes, from->transport == TP_UDP, now_ms);
}

static void tick(void *ctx, uint64_t now_ms)
{
    engine_tick(((struct site *)ctx)->engine, now_ms);
}

static uint64_t deadline(void *ctx)
{
    const struct site *s = ctx;
    return s->engine != NULL ? engine_deadline(s->engine) : WHEEL_NEVER;
}

static void up(struct site *s)
{
    static const struct vnode_user user = {
        .receive = receive, .tick = tick, .deadline = deadline};
    struct engine_config config = {.directory = &s->directory,
                                   .leg.allow = STR("INVITE, ACK, CANCEL, BYE, OPTIONS"),
                                   .leg.accept = STR("application/sdp"),
                                   .server_name = STR("Baton")};
    *s = (struct site){0};
    vnet_init(&s->net, 1);
    test_mem_init(&s->mem);
    vnet_add(&s->net, &s->node, "baton", "10.0.0.1", &s->mem.mem, &user, s);
    CHECK_INT(directory_init(&s->directory, &s->node.env, domains, 1), 0);
    s->device[0] = (struct device){.number = STR("1001"),
                                   .uri = STR("sip:1001@example.com"),
                                   .key = STR("1001@example.com"),
                                   .secret.password = STR("one"),
                                   .has_secret = true};
    s->device[1] = (struct device){.number = STR("1002"),
                                   .uri = STR("sip:1002@example.com"),
                                   .key = STR("1002@example.com"),
                                   .secret.password = STR("two"),
                                   .has_secret = true};
    CHECK_INT(directory_add_device(&s->directory, &s->device[0]), 0);
    CHECK_INT(directory_add_device(&s->directory, &s->device[1]), 0);
    s->peer = (struct peer){.name = STR("pbx"), .uri = STR("sip:10.0.0.9"), .trusted = true};
    CHECK(addr_parse_host(STR("10.0.0.9"), 0, &s->peer.addr));
    s->directory.peers = &s->peer;
    s->directory.peer_count = 1;
    s->engine = engine_new(&s->node.env, &config, s->net.now_ms);
    raw_up(&s->stranger, &s->net, "stranger", "10.0.0.66");
    raw_up(&s->victim, &s->net, "victim", "10.0.0.77");
    raw_up(&s->friend, &s->net, "pbx", "10.0.0.9");
    s->to = vnet_hop(&s->node, TP_UDP);
}

static void down(struct site *s)
{
    engine_free(s->engine);
    s->engine = NULL;
    directory_fini(&s->directory);
    CHECK_INT(s->mem.live, 0);
    raw_down(&s->stranger);
    raw_down(&s->victim);
    raw_down(&s->friend);
    vnet_fini(&s->net);
}

/** raw_sendf for what is larger. */
static void say(struct raw *r, const struct hop *to, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void say(struct raw *r, const struct hop *to, const char *fmt, ...)
{
    static char text[65536];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    raw_send(r, to, text);
}

/** A request of somebody, with its own branch, Call-ID and CSeq. */
static void ask(struct site *s, struct raw *r, unsigned n, const char *method, const char *uri,
                const char *lines)
{
    say(r, &s->to,
        "%s %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.66:5060;branch=z9hG4bK%u\n"
        "From: <sip:1001@example.com>;tag=a\nTo: <%s>\nCall-ID: c%u\nCSeq: 1 %s\n"
        "Max-Forwards: 70\nContact: <sip:1001@10.0.0.66>\n%s\n",
        method, uri, n, uri, n, method, lines);
}

static void expect(struct raw *r, const char *start)
{
    struct text_msg m = raw_take(r);
    if (CHECK(m.m != NULL)) {
        CHECK(str_starts(text_start(&m), str_c(start)));
    }
    text_free(&m);
}

static void expect_nothing(struct raw *r)
{
    struct text_msg m = raw_take(r);
    CHECK(m.m == NULL);
    text_free(&m);
}

/** Each is answered once, and keeps nothing of us: no transaction, timer, or memory. */
static void test_strangers_cost_nothing(void)
{
    static const struct {
        const char *method, *uri, *lines, *answer;
    } rows[] = {
        {"INVITE", "sip:1002@example.com", "", "SIP/2.0 401 "},
        {"INVITE", "sip:nobody@example.com", "", "SIP/2.0 401 "},
        {"INVITE", "sip:1002@example.com", "Authorization: Digest realm=\"example.com\"\n",
         "SIP/2.0 400 "},
        {"INVITE", "foo:1002", "", "SIP/2.0 416 "},
        {"INVITE", "sip:1002@example.com", "Require: foo\n", "SIP/2.0 420 "},
        {"REGISTER", "sip:example.com", "", "SIP/2.0 401 "},
        {"OPTIONS", "sip:example.com", "", "SIP/2.0 200 "},
        {"OPTIONS", "sip:1002@example.com", "", "SIP/2.0 401 "},
        {"OPTIONS", "sip:nobody@example.com", "", "SIP/2.0 401 "},
        {"BYE", "sip:1002@example.com", "", "SIP/2.0 481 "},
        {"CANCEL", "sip:1002@example.com", "", "SIP/2.0 481 "},
        {"INFO", "sip:1002@example.com", "", "SIP/2.0 481 "},
        {"SUBSCRIBE", "sip:1002@example.com", "", "SIP/2.0 489 "},
        {"MESSAGE", "sip:1002@example.com", "", "SIP/2.0 405 "},
        {"FROB", "sip:1002@example.com", "", "SIP/2.0 501 "},
    };
    struct site s;
    up(&s);
    size_t live = 0, timers = 0;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        test_context(rows[i].answer);
        ask(&s, &s.stranger, i, rows[i].method, rows[i].uri, rows[i].lines);
        vnet_run_for(&s.net, 40);
        expect(&s.stranger, rows[i].answer);
        CHECK_INT(engine_stat(s.engine, "txn_active"), 0);
        if (i == 0) {
            live = s.mem.live;
            timers = engine_stat(s.engine, "timers");
        }
        CHECK_INT(s.mem.live, live);
        CHECK_INT(engine_stat(s.engine, "timers"), timers);
    }
    test_context(NULL);
    vnet_run_for(&s.net, 60000);
    expect_nothing(&s.stranger);
    down(&s);
}

/** Nobody else hears an answer, whatever Via says. */
static void test_answers_are_not_for_others(void)
{
    struct site s;
    up(&s);
    for (unsigned i = 0; i < 2; i++) {
        say(&s.stranger, &s.to,
            "%s sip:1002@example.com SIP/2.0\n"
            "Via: SIP/2.0/UDP 10.0.0.77:5060;maddr=10.0.0.77;branch=z9hG4bKm%u;rport\n"
            "From: <sip:1001@example.com>;tag=a\nTo: <sip:1002@example.com>\n"
            "Call-ID: m%u\nCSeq: 1 INVITE\nMax-Forwards: %s\n\n",
            "INVITE", i, i, i == 0 ? "70" : "x");
    }
    vnet_run_for(&s.net, 60000);
    expect_nothing(&s.victim);
    expect(&s.stranger, "SIP/2.0 401 ");
    expect(&s.stranger, "SIP/2.0 400 ");
    down(&s);
}

/** Lists of thousands of elements are answered in their own size. */
static void test_long_lists(void)
{
    static const char *const head[] = {"Require: a", "Proxy-Require: a", "Unsupported: a",
                                       "Contact: <sip:a@b>", "Supported: a"};
    struct site s;
    char *lines = malloc(60000);
    REQUIRE(lines != NULL);
    up(&s);
    for (unsigned i = 0; i < ARRAY_LEN(head); i++) {
        size_t n = (size_t)snprintf(lines, 60000, "%s", head[i]);
        const char *element = i == 3 ? ",<sip:a@b>" : ",a";
        while (n < 59000) {
            n += (size_t)snprintf(lines + n, 60000 - n, "%s", element);
        }
        (void)snprintf(lines + n, 60000 - n, "\n");
        s.mem.calls = 0;
        ask(&s, &s.stranger, i, "INVITE", "sip:1002@example.com", lines);
        vnet_run_for(&s.net, 40);
        struct text_msg m = raw_take(&s.stranger);
        test_context(head[i]);
        if (CHECK(m.m != NULL)) {
            CHECK(
                str_starts(text_start(&m), i == 0 ? STR("SIP/2.0 420 ") : STR("SIP/2.0 401 ")));
            CHECK(m.m->len < 2000);
            CHECK_INT(m.m->count[SIP_HDR_CONTENT_LENGTH], 1);
            CHECK_INT(m.m->count[SIP_HDR_UNSUPPORTED], i == 0);
        }
        CHECK(s.mem.calls < 20);
        test_context(NULL);
        text_free(&m);
    }
    free(lines);
    down(&s);
}

static size_t lines_written;

static void count_line(void *ctx, enum trace_level level, const char *module,
                       const struct trace_ids *ids, struct str text)
{
    (void)ids;
    (void)ctx;
    (void)level;
    (void)module;
    lines_written += text.n > 0;
}

/** Rubbish is counted, but does not fill the log. */
static void test_few_words_about_much_rubbish(void)
{
    struct site s;
    up(&s);
    s.node.env.trace = count_line;
    lines_written = 0;
    for (unsigned i = 0; i < 1000; i++) {
        say(&s.stranger, &s.to, "INVITE x SIP/2.0\nVia: %u\n\n", i);
    }
    vnet_run_for(&s.net, 40);
    CHECK_INT(engine_stat(s.engine, "sip_malformed"), 1000);
    CHECK_INT(lines_written, 20);
    vnet_run_for(&s.net, 10000);
    say(&s.stranger, &s.to, "INVITE x SIP/2.0\nVia: x\n\n");
    vnet_run_for(&s.net, 40);
    CHECK_INT(lines_written, 22); /* how many there were, and the new one */
    down(&s);
}

/** Parameters of From in thousands, from somebody who may call. */
static void test_long_parameters(void)
{
    struct site s;
    char *from = malloc(60000);
    REQUIRE(from != NULL);
    up(&s);
    size_t n = (size_t)snprintf(from, 60000, "<sip:9@10.0.0.9>;tag=x");
    while (n < 50000) {
        n += (size_t)snprintf(from + n, 60000 - n, ";a");
    }
    say(&s.friend, &s.to,
        "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKr\n"
        "From: <sip:1002@example.com>;tag=r\nTo: <sip:1002@example.com>\nCall-ID: r\n"
        "CSeq: 1 REGISTER\nContact: <sip:1002@10.0.0.9>\n\n");
    vnet_run_for(&s.net, 40);
    expect(&s.friend, "SIP/2.0 200 ");
    s.mem.calls = 0;
    say(&s.friend, &s.to,
        "INVITE sip:1002@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKi\n"
        "From: %s\nTo: <sip:1002@example.com>\nCall-ID: i\nCSeq: 1 INVITE\n"
        "Max-Forwards: 70\nContact: <sip:9@10.0.0.9>\n\n",
        from);
    vnet_run_for(&s.net, 40);
    expect(&s.friend, "INVITE sip:1002@10.0.0.9 SIP/2.0");
    CHECK(s.mem.calls < 100);
    s.mem.calls = 0;
    n = (size_t)snprintf(from, 60000, "a");
    while (n < 50000) {
        n += (size_t)snprintf(from + n, 60000 - n, ",a");
    }
    say(&s.friend, &s.to,
        "CANCEL sip:1002@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKi\n"
        "From: <sip:9@10.0.0.9>;tag=x\nTo: <sip:1002@example.com>\nCall-ID: i\n"
        "CSeq: 1 CANCEL\nMax-Forwards: 70\nReason: %s\n\n",
        from);
    vnet_run_for(&s.net, 40);
    expect(&s.friend, "SIP/2.0 200 ");
    CHECK(s.mem.calls < 100);
    free(from);
    vnet_run_for(&s.net, 200000);
    down(&s);
}

TEST_MAIN(T(test_strangers_cost_nothing), T(test_answers_are_not_for_others),
          T(test_long_lists), T(test_few_words_about_much_rubbish), T(test_long_parameters))
