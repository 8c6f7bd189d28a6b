/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attackers at 10.6.6.x, and the phones and calls that they do not stop; and an engine that has
 * more to do than it can.
 */
#include "engine/parts.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static struct world w;
static struct raw attacker;
static unsigned serial;

static const struct str scanners[] = {STR_INIT("friendly-scanner")};
static const struct str emergency[] = {STR_INIT("9112")};

static void guarded(struct world *world)
{
    world->config.guard = (struct guard_config){.rate = 50,
                                                .burst = 100,
                                                .ban_after = 20,
                                                .window_s = 60,
                                                .ban_s = 60,
                                                .max_ban_s = 600,
                                                .slow_after = 4,
                                                .slow_s = 1,
                                                .max_slow_s = 60,
                                                .max_sources = 64,
                                                .scanners = scanners,
                                                .scanner_count = 1};
}

static void up(void)
{
    const struct world_options o = {.tweak = guarded, .no_apps = true};
    world_up(&w, &o);
    raw_up(&attacker, &w.net, "attacker", "10.6.6.6");
    serial = 0;
}

static void down(void)
{
    raw_down(&attacker);
    world_down(&w);
}

/** One message of the attacker's. @return how it was answered, 0: not at all */
static unsigned attack(struct raw *r, const char *method, const char *user, const char *lines)
{
    struct hop to = vnet_hop(&w.node, TP_UDP);
    serial++;
    raw_sendf(r, &to,
              "%s sip:example.com SIP/2.0\n"
              "Via: SIP/2.0/UDP 10.6.6.6:5060;branch=z9hG4bK%u\n"
              "From: <sip:%s@example.com>;tag=a\nTo: <sip:%s@example.com>\nCall-ID: c%u\n"
              "CSeq: 1 %s\nMax-Forwards: 70\nContact: <sip:%s@10.6.6.6>\n%s\n",
              method, serial, user, user, serial, method, user, lines);
    size_t before = w.wire.n;
    world_run(&w, 10);
    for (size_t k = before; k < w.wire.n; k++) {
        const struct wire_packet *got = &w.wire.packet[k];
        if (got->from == ENGINE(&w) && got->to == &r->node) {
            return (unsigned)strtoul(got->bytes.p + sizeof("SIP/2.0"), NULL, 10);
        }
    }
    return 0;
}

static unsigned guess(struct raw *r, const char *user)
{
    char line[320];
    (void)snprintf(line, sizeof(line),
                   "Authorization: Digest username=\"%s\", realm=\"example.com\", nonce=\"n\", "
                   "uri=\"sip:example.com\", qop=auth, nc=00000001, cnonce=\"c\", "
                   "response=\"%032u\"\n",
                   user, serial);
    return attack(r, "REGISTER", user, line);
}

static bool registers(struct phone *p)
{
    p->register_status = 0;
    phone_register(p, 3600);
    world_run(&w, 1000);
    return p->register_status == 200;
}

/** Who guesses is soon not heard any more; the phone whose password it is does not notice. */
static void test_guesser(void)
{
    unsigned answered = 0;
    up();
    for (int i = 0; i < 200; i++) {
        answered += guess(&attacker, "1002") != 0;
    }
    CHECK(answered < 10);
    CHECK(registers(PHONE(&w, 1)));
    CHECK_INT(world_stat(&w, "guard_bans"), 1);
    CHECK_INT(attack(&attacker, "OPTIONS", "1001", ""), 0);
    CHECK(registers(PHONE(&w, 1)));
    world_run(&w, 61000);
    CHECK_INT(attack(&attacker, "OPTIONS", "1001", ""), 200);
    down();
}

/** Wrong credentials with a phone's address do not shut it out: it has proven who it is. */
static void test_forged_source(void)
{
    static char text[1024];
    up();
    CHECK(registers(PHONE(&w, 1)));
    struct hop from = {.flow = 1, .transport = TP_UDP, .remote = w.phone[1].s.node.addr};
    for (int i = 0; i < 100; i++) {
        int n = snprintf(
            text, sizeof(text),
            "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.6.6.7;branch=z9hG4bKf%d\r\n"
            "From: <sip:1002@example.com>;tag=a\r\nTo: <sip:1002@example.com>\r\n"
            "Call-ID: f%d\r\nCSeq: 1 REGISTER\r\nMax-Forwards: 70\r\n"
            "Authorization: Digest username=\"1002\", realm=\"example.com\", nonce=\"n\", "
            "uri=\"sip:example.com\", qop=auth, nc=00000001, cnonce=\"c\", "
            "response=\"0123456789abcdef0123456789abcdef\"\r\n\r\n",
            i, i);
        engine_input(w.engine, &from, str_make(text, (size_t)n), true, w.net.now_ms);
        world_run(&w, 50);
    }
    CHECK_INT(world_stat(&w, "guard_bans"), 0);
    CHECK(registers(PHONE(&w, 1)));
    down();
}

static void test_scanner(void)
{
    up();
    for (int i = 0; i < 20; i++) {
        CHECK_INT(attack(&attacker, "OPTIONS", "100", "User-Agent: friendly-scanner\n"), 0);
    }
    CHECK_INT(world_stat(&w, "guard_scanners"), 20);
    CHECK_INT(world_stat(&w, "guard_bans"), 1);
    CHECK_INT(attack(&attacker, "OPTIONS", "100", ""), 0);
    down();
}

/** What is over the rate is dropped, also what pretends to be in a dialog; calls go on. */
static void test_flood(void)
{
    unsigned answered = 0;
    up();
    phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    for (int i = 0; i < 500; i++) {
        answered += attack(&attacker, i % 2 == 0 ? "OPTIONS" : "INVITE", "100", "") != 0;
    }
    CHECK(answered >= 100 && answered <= 360); /* five seconds and the burst */
    CHECK(world_stat(&w, "guard_limited") > 100);
    (void)phone_answer(PHONE(&w, 1));
    world_run(&w, 500);
    CHECK(phone_talks(PHONE(&w, 0)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 500);
    down();
}

/** Rubbish is not answered for ever; a trusted peer's is. */
static void test_rubbish(void)
{
    struct hop to = vnet_hop(&w.node, TP_UDP);
    up();
    to = vnet_hop(&w.node, TP_UDP);
    for (int i = 0; i < 50; i++) {
        raw_send(&attacker, &to, "OPTIONS sip:x SIP/2.0\nVia: ;;\n\n");
        raw_send(&w.gateway, &to, "OPTIONS sip:x SIP/2.0\nVia: ;;\n\n");
        world_run(&w, 100);
    }
    CHECK_INT(world_stat(&w, "guard_bans"), 1);
    CHECK_INT(attack(&attacker, "OPTIONS", "100", ""), 0);
    CHECK_INT(world_stat(&w, "sip_malformed"), 100);
    CHECK(registers(PHONE(&w, 0)));
    down();
}

/** Nobody is sent more than he sent: what only helps is left out of an answer over UDP. */
static void test_small_answers(void)
{
    static const struct {
        const char *more;
        bool allow;
    } rows[] = {{"", false},
                {"X: 0123456789012345678901234567890123456789012345678901234567890"
                 "12345678901234567890123456789012345678901234567890123456789012345"
                 "67890123456789012345678901234567890123456789012345678901234567890"
                 "1234567890123456789012345678901234567890123456789\n",
                 true}};
    up();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_INT(attack(&attacker, "OPTIONS", "100", rows[i].more), 200);
        struct str ask = wire_find(&w.wire, &attacker.node, ENGINE(&w), "OPTIONS", i);
        struct str answer = wire_find(&w.wire, ENGINE(&w), &attacker.node, "200 OPTIONS", i);
        CHECK_INT(str_is_set(wire_raw(answer, "Allow", 0)), rows[i].allow);
        CHECK(answer.n <= ask.n + 32);
    }
    down();
}

/* ---- load ---- */

static void loaded(struct world *world)
{
    world->config.call.max_calls = 4;
    world->config.load = (struct load_config){.high_percent = 50,
                                              .full_percent = 75,
                                              .retry_s = 7,
                                              .emergency = emergency,
                                              .emergency_count = 1};
}

/** Calls are refused first, registrations after them, an emergency not at all, and a call that
    stands goes on. */
static void test_load(void)
{
    const struct world_options o = {.tweak = loaded, .no_apps = true, .phones = 5};
    world_up(&w, &o);
    phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    phone_call(PHONE(&w, 2), "1004", true, STR_NONE);
    world_run(&w, 500);
    CHECK_INT(world_stat(&w, "calls_active"), 2);
    phone_call(PHONE(&w, 4), "1002", true, STR_NONE); /* half is taken */
    world_run(&w, 500);
    struct str no = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 4), "503 INVITE", 0);
    CHECK(str_is_set(no));
    CHECK(str_is_set(wire_raw(no, "Retry-After", 0)));
    CHECK(registers(PHONE(&w, 4)));
    phone_call(PHONE(&w, 4), "9112", true, STR_NONE);
    world_run(&w, 500);
    struct text_msg call = raw_take(&w.gateway);
    CHECK(call.m != NULL && call.m->method == SIP_METHOD_INVITE);
    CHECK(!registers(PHONE(&w, 0))); /* three quarters are */
    CHECK_INT(PHONE(&w, 0)->register_status, 503);
    (void)phone_answer(PHONE(&w, 1));
    world_run(&w, 500);
    CHECK(phone_talks(PHONE(&w, 0)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 500);
    CHECK(registers(PHONE(&w, 0)));
    struct hop to = vnet_hop(&w.node, TP_UDP);
    raw_reply(&w.gateway, &to, call.m, "486 Busy Here", "t", "", "");
    text_free(&call);
    world_run(&w, 500);
    phone_hang_up(PHONE(&w, 2), STR_NONE);
    world_run(&w, 500);
    CHECK(world_stat(&w, "load_shed") >= 2);
    CHECK(world_stat(&w, "load_emergency") >= 1);
    world_down(&w);
}

static void lag_counts(struct world *world)
{
    world->config.load = (struct load_config){.lag_ms = 100};
}

/** Timers are late, not once: calls wait, registrations do not. */
static void test_lag(void)
{
    const struct world_options o = {.tweak = lag_counts, .no_apps = true};
    world_up(&w, &o);
    load_lag(&w.engine->load, 150, w.net.now_ms);
    phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 200);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "503 INVITE"), 0);
    (void)phone_answer(PHONE(&w, 1));
    world_run(&w, 200);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 200);
    load_lag(&w.engine->load, 150, w.net.now_ms);
    phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 200);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "503 INVITE"), 1);
    CHECK(registers(PHONE(&w, 0)));
    world_run(&w, 1000);
    phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 200);
    (void)phone_answer(PHONE(&w, 1));
    world_run(&w, 200);
    CHECK(phone_talks(PHONE(&w, 0)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 500);
    world_down(&w);
}

/* ---- applications ---- */

static void one_each(struct world *world)
{
    world->config.cti.max_sessions = 4;
    world->config.cti.max_app_sessions = 1;
    world->application[1].max_sessions = 2;
}

/** One application cannot take all sessions. */
static void test_sessions_of_one_application(void)
{
    static struct app more[2];
    const struct world_options o = {.tweak = one_each};
    world_up(&w, &o);
    app_up(&more[0], &w.net, &w.node, "crm2", "10.0.3.21", "crm", "pwcrm", TP_UDP, &w.calls,
           NULL);
    app_up(&more[1], &w.net, &w.node, "desk2", "10.0.3.22", "frontdesk", "pwfrontdesk", TP_UDP,
           &w.calls, NULL);
    CHECK(app_open(&more[0]) != NULL);
    CHECK(app_open(&w.desk) != NULL);
    world_run(&w, 200);
    CHECK_INT(more[0].open_status, 503);
    CHECK(app_is_open(&w.desk));
    CHECK(app_open(&more[1]) != NULL);
    world_run(&w, 200);
    CHECK(app_is_open(&more[1])); /* its own limit is two */
    app_close(&more[1]);
    world_run(&w, 500);
    app_down(&more[0]);
    app_down(&more[1]);
    world_down(&w);
}

TEST_MAIN(T(test_guesser), T(test_forged_source), T(test_scanner), T(test_flood),
          T(test_rubbish), T(test_small_answers), T(test_load), T(test_lag),
          T(test_sessions_of_one_application))
