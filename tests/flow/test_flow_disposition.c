/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request-Disposition (RFC 3841 §9.1) at work: who would rather wait for a busy phone, who
 * wants to be told where it is, and who does not want us to try everything.
 */
#include "engine/parts.h"
#include "service.h"

#include <stdio.h>

static struct service s;
static enum engine_ask asked;
static uint32_t queue_s, queue_max, per_device;

#define CALLING ">INVITE <401 >ACK >INVITE"
#define QUEUE STR("Request-Disposition: queue\r\n")
#define REDIRECT STR("Request-Disposition: redirect\r\n")

static void configure(struct world *w)
{
    w->config.redirect_asked = (uint8_t)asked;
    w->config.call.queue_s = queue_s;
    w->config.call.queue_max = queue_max;
    w->config.call.queue_per_device = per_device;
}

static void begin(enum role role)
{
    service_begin(&s, role);
    s.tweak = configure;
    asked = ENGINE_ASK_ALL;
    queue_s = 180;
    queue_max = per_device = 0;
}

static void call(struct phone *p, const char *to, struct str lines)
{
    REQUIRE(phone_call(p, to, true, lines) != NULL);
    service_run(&s, 100);
}

static size_t invites(const struct phone *p)
{
    return wire_count(&s.w.wire, ENGINE(&s.w), &p->s.node, "INVITE");
}

static size_t told(const struct phone *p, const char *pattern)
{
    return wire_count(&s.w.wire, ENGINE(&s.w), &p->s.node, pattern);
}

static struct str contact(const struct phone *p, size_t nth)
{
    return str_trim(wire_raw(wire_find(&s.w.wire, ENGINE(&s.w), &p->s.node, "302 INVITE", 0),
                             "Contact", nth));
}

/* ---- queue ---- */

/** ann and bob talk; he says busy to everybody else. @return bob's line */
static struct line make_busy(void)
{
    struct line line;
    service_talk(&s, s.ann, s.bob);
    line = line_keep(s.bob);
    s.bob->on_call = 486;
    return line;
}

static void hang_up(const struct line *line)
{
    struct line other = line_keep(s.bob);
    line_resume(s.bob, line);
    phone_hang_up(s.bob, STR_NONE);
    service_run(&s, 50);
    line_resume(s.bob, &other);
    s.bob->on_call = 180;
}

static void test_waits_until_he_is_free(void)
{
    begin(ROLE_BRIDGE);
    service_up(&s);
    struct line line = make_busy();
    call(s.cleo, "1002", QUEUE);
    LADDER(&s, s.cleo, CALLING " <182");
    CHECK_INT(world_stat(&s.w, "calls_waiting"), 1);
    service_run(&s, 61000); /* he is known to be in a call: nobody bothers his phone */
    CHECK_INT(invites(s.bob), 2);
    LADDER(&s, s.cleo, CALLING " <182 <182");
    hang_up(&line);
    service_run(&s, 1000);
    CHECK_INT(invites(s.bob), 3);
    LADDER(&s, s.cleo, CALLING " <182 <182 <180");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    CHECK(phone_talks(s.cleo) && phone_talks(s.bob));
    CHECK_INT(world_stat(&s.w, "calls_waiting"), 0);
    CHECK_INT(world_stat(&s.w, "calls_queued"), 1);
    service_down(&s);
}

/** Who does not ask, or says no-queue, hears at once that he is busy. */
static void test_nobody_waits_unasked(void)
{
    static const struct str lines[] = {STR_INIT(""),
                                       STR_INIT("Request-Disposition: no-queue, queue\r\n")};
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        begin(ROLE_BRIDGE);
        service_up(&s);
        make_busy();
        call(s.cleo, "1002", lines[i]);
        LADDER(&s, s.cleo, CALLING " <486 >ACK");
        service_down(&s);
    }
    begin(ROLE_BRIDGE);
    queue_s = 0;
    service_up(&s);
    make_busy();
    call(s.cleo, "1002", QUEUE);
    LADDER(&s, s.cleo, CALLING " <486 >ACK");
    service_down(&s);
}

/** A phone that is busy with what we do not see is asked again, until the time is over. */
static void test_busy_elsewhere(void)
{
    begin(ROLE_BRIDGE);
    queue_s = 40;
    service_up(&s);
    s.bob->on_call = 486;
    call(s.cleo, "1002", QUEUE);
    LADDER(&s, s.cleo, CALLING " <182");
    service_run(&s, 39000);
    CHECK_INT(invites(s.bob), 3);
    LADDER(&s, s.cleo, CALLING " <182");
    service_run(&s, 1000);
    LADDER(&s, s.cleo, CALLING " <182 <486 >ACK");
    CHECK_INT(world_stat(&s.w, "calls_active"), 0);
    service_down(&s);
}

/** Who has let it ring and then refuses is no busy phone. */
static void test_a_person_is_not_asked_again(void)
{
    begin(ROLE_BRIDGE);
    service_up(&s);
    call(s.cleo, "1002", QUEUE);
    CHECK_INT(phone_respond(s.bob, 486), 0);
    service_run(&s, 100);
    LADDER(&s, s.cleo, CALLING " <180 <486 >ACK");
    s.bob->on_call = 600;
    call(s.dan, "1002", QUEUE);
    LADDER(&s, s.dan, CALLING " <600 >ACK");
    service_down(&s);
}

/** One after another, and who gives up leaves the queue. */
static void test_in_order(void)
{
    begin(ROLE_BRIDGE);
    service_up(&s);
    struct line line = make_busy();
    call(s.cleo, "1002", QUEUE);
    call(s.dan, "1002", QUEUE);
    CHECK_INT(world_stat(&s.w, "calls_waiting"), 2);
    hang_up(&line);
    service_run(&s, 20000);
    LADDER(&s, s.cleo, CALLING " <182 <180");
    LADDER(&s, s.dan, CALLING " <182");
    CHECK_INT(invites(s.bob), 4);
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 2000);
    LADDER(&s, s.cleo, CALLING " <182 <180 >CANCEL <200.CANCEL <487 >ACK");
    LADDER(&s, s.dan, CALLING " <182 <180");
    CHECK_INT(world_stat(&s.w, "calls_waiting"), 1); /* until he answers */
    phone_hang_up(s.dan, STR_NONE);
    service_run(&s, 1000);
    CHECK_INT(world_stat(&s.w, "calls_waiting"), 0);
    service_down(&s);
}

/** He hangs up while he waits: no phone rings afterwards. */
static void test_gives_up(void)
{
    begin(ROLE_BRIDGE);
    service_up(&s);
    s.bob->on_call = 486;
    call(s.cleo, "1002", QUEUE);
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 60000);
    LADDER(&s, s.cleo, CALLING " <182 >CANCEL <200.CANCEL <487 >ACK");
    CHECK_INT(invites(s.bob), 1);
    service_down(&s);
}

static void test_queue_is_bounded(void)
{
    for (int i = 0; i < 2; i++) {
        begin(ROLE_BRIDGE);
        queue_max = i == 0 ? 1 : 9;
        per_device = i == 0 ? 9 : 1;
        service_up(&s);
        make_busy();
        call(s.cleo, "1002", QUEUE);
        call(s.dan, "1002", QUEUE);
        LADDER(&s, s.cleo, CALLING " <182");
        LADDER(&s, s.dan, CALLING " <486 >ACK");
        CHECK_INT(world_stat(&s.w, "calls_queue_full"), 1);
        service_down(&s);
    }
}

/** What the device's user has switched on, meanwhile too, goes before what callers wish. */
static void test_his_own_switches(void)
{
    begin(ROLE_BRIDGE);
    service_up(&s);
    struct device *bob = &s.w.device[1];
    s.bob->on_call = 486;
    CHECK_INT(call_set_forward(&s.w.engine->calls, bob, FORWARD_BUSY, true, STR("1004"), 0, 0),
              0);
    call(s.cleo, "1002", QUEUE);
    CHECK_INT(told(s.cleo, "182 INVITE"), 0);
    CHECK_INT(invites(s.dan), 1);
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 1000);
    CHECK_INT(call_set_forward(&s.w.engine->calls, bob, FORWARD_BUSY, false, STR_NONE, 0, 0),
              0);
    call(s.cleo, "1002", QUEUE);
    CHECK_INT(told(s.cleo, "182 INVITE"), 1);
    CHECK_INT(call_set_dnd(&s.w.engine->calls, bob, true, 0), 0);
    service_run(&s, 16000);
    CHECK_INT(told(s.cleo, "486 INVITE"), 1);
    CHECK_INT(invites(s.bob), 2);
    service_down(&s);
}

/** Further targets of a rule come before waiting. */
static void test_a_rule_goes_on(void)
{
    begin(ROLE_BRIDGE);
    struct rule *r = service_rule(&s, "1002", RULE_BRIDGE);
    service_target(&s, r, RULE_TO_DEVICE, "1002");
    service_target(&s, r, RULE_TO_DEVICE, "1003");
    r->next_on[0] = 486;
    r->next_count = 1;
    service_up(&s);
    s.bob->on_call = s.cleo->on_call = 486;
    call(s.ann, "1002", QUEUE);
    CHECK_INT(invites(s.bob), 1);
    CHECK_INT(invites(s.cleo), 1);
    LADDER(&s, s.ann, CALLING " <182");
    s.cleo->on_call = 180;
    service_run(&s, 16000);
    CHECK_INT(invites(s.bob), 1);
    CHECK_INT(invites(s.cleo), 2);
    LADDER(&s, s.ann, CALLING " <182 <180");
    service_down(&s);
}

/* ---- redirect ---- */

static void second_bob(const char *params)
{
    struct phone *p = world_phone(&s.w, "bob2", "10.0.1.12", "1002", TP_UDP);
    p->register_params = params;
    phone_register(p, 3600);
    service_run(&s, 100);
    CHECK_INT(p->register_status, 200);
}

static void is_redirected(enum role role)
{
    begin(role);
    service_up(&s);
    second_bob(";q=0.5");
    service_mark(&s);
    call(s.ann, "1002", STR("Request-Disposition: redirect, no-fork\r\n"));
    LADDER(&s, s.ann, CALLING " <302 >ACK");
    LADDER(&s, s.bob, "");
    CHECK_STR(contact(s.ann, 0), "<sip:1002@10.0.1.2:5060>;q=1.000");
    CHECK_STR(contact(s.ann, 1), "<sip:1002@10.0.1.12:5060>;q=0.500");
    CHECK_INT(world_stat(&s.w, "routed_redirect_asked"), 1);
    call(s.ann, "1002", STR("Request-Disposition: proxy\r\n"));
    CHECK_INT(invites(s.bob), 1);
    service_down(&s);
}

static void test_redirected_as_he_asks(void)
{
    is_redirected(ROLE_BRIDGE);
    is_redirected(ROLE_PROXY);
}

/** Not everybody is told where a phone is; who is not, is put through. */
static void test_who_may_know(void)
{
    for (int who = ENGINE_ASK_NOBODY; who <= ENGINE_ASK_TRUSTED; who++) {
        begin(ROLE_BRIDGE);
        asked = (enum engine_ask)who;
        service_up(&s);
        call(s.ann, "1002", REDIRECT);
        LADDER(&s, s.ann, CALLING " <180");
        phone_hang_up(s.ann, STR_NONE);
        world_raw_invite(&s.w, &s.w.gateway, "r1", "1002", "Request-Disposition: redirect\n",
                         world_sdp);
        service_run(&s, 100);
        struct text_msg t =
            world_take(&s.w.gateway, who == ENGINE_ASK_TRUSTED ? "302 INVITE" : "180 INVITE");
        if (who == ENGINE_ASK_TRUSTED) {
            CHECK_STR(text_value(&t, "Contact"), "<sip:1002@10.0.1.2:5060>");
        }
        text_free(&t);
        service_down(&s);
    }
}

/** Strangers learn nothing, not even that there are phones. */
static void test_strangers_are_challenged(void)
{
    begin(ROLE_BRIDGE);
    service_up(&s);
    REQUIRE(phone_call(s.ann, "1002", true, REDIRECT) != NULL);
    service_run(&s, 5);
    struct str first = wire_find(&s.w.wire, ENGINE(&s.w), &s.ann->s.node, "401 INVITE", 0);
    CHECK(first.n > 0 && !str_is_set(wire_raw(first, "Contact", 0)));
    service_down(&s);
}

/** A phone that only its flow leads to is told by its GRUU, which leads to us. */
static void test_flow_is_told_as_gruu(void)
{
    begin(ROLE_BRIDGE);
    service_up(&s);
    s.bob->register_params = ";+sip.instance=\"<urn:uuid:7>\";reg-id=1";
    s.bob->register_lines = "Supported: gruu, outbound\r\n";
    phone_register(s.bob, 3600);
    service_run(&s, 100);
    service_mark(&s);
    call(s.ann, "1002", REDIRECT);
    LADDER(&s, s.ann, CALLING " <302 >ACK");
    CHECK_STR(contact(s.ann, 0), "<sip:1002@example.com;gr=urn:uuid:7>");
    service_mark(&s);
    call(s.ann, "sip:1002@example.com;gr=urn:uuid:7", REDIRECT);
    LADDER(&s, s.ann, CALLING " <180"); /* RFC 5627 §6.1 */
    service_down(&s);
}

/** Who has called a GRUU means that phone, whatever its user has switched on (RFC 5627 §6.1).
 */
static void test_a_gruu_is_not_forwarded(void)
{
    begin(ROLE_BRIDGE);
    service_up(&s);
    s.bob->register_params = ";+sip.instance=\"<urn:uuid:7>\"";
    phone_register(s.bob, 3600);
    service_run(&s, 100);
    CHECK_INT(call_set_forward(&s.w.engine->calls, &s.w.device[1], FORWARD_IMMEDIATE, true,
                               STR("1004"), 0, 0),
              0);
    CHECK_INT(call_set_forward(&s.w.engine->calls, &s.w.device[1], FORWARD_BUSY, true,
                               STR("1004"), 0, 0),
              0);
    call(s.ann, "1002", STR_NONE);
    CHECK_INT(invites(s.dan), 1);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 500);
    s.bob->on_call = 486;
    call(s.ann, "sip:1002@example.com;gr=urn:uuid:7", STR_NONE);
    CHECK_INT(invites(s.bob), 1);
    CHECK_INT(invites(s.dan), 1);
    CHECK_INT(told(s.ann, "486 INVITE"), 1);
    service_down(&s);
}

/** What is switched on at the device, or stands in a rule, is not passed by. */
static void test_no_way_around(void)
{
    begin(ROLE_BRIDGE);
    struct rule *r = service_rule(&s, "1003", RULE_BRIDGE);
    service_target(&s, r, RULE_TO_DEVICE, "1003");
    service_target(&s, r, RULE_TO_PEER, "gateway");
    r = service_rule(&s, "1004", RULE_REFUSE);
    r->status = 403;
    service_up(&s);
    CHECK_INT(call_set_dnd(&s.w.engine->calls, &s.w.device[1], true, 0), 0);
    call(s.ann, "1002", REDIRECT);
    LADDER(&s, s.ann, CALLING " <486 >ACK");
    service_mark(&s);
    call(s.ann, "1003", REDIRECT);
    LADDER(&s, s.cleo, "<INVITE >180");
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 500);
    service_mark(&s);
    call(s.ann, "1004", REDIRECT);
    CHECK_INT(told(s.ann, "403 INVITE"), 1);
    CHECK_INT(told(s.ann, "302 INVITE"), 0);
    service_down(&s);
}

/** The phones of whoever has none cannot be told: 480, as for everybody. */
static void test_nobody_registered(void)
{
    begin(ROLE_BRIDGE);
    service_up(&s);
    phone_register(s.bob, 0);
    service_run(&s, 100);
    service_mark(&s);
    call(s.ann, "1002", REDIRECT);
    LADDER(&s, s.ann, CALLING " <480 >ACK");
    service_down(&s);
}

/* ---- fork, recurse, cancel ---- */

static void test_no_fork(void)
{
    begin(ROLE_BRIDGE);
    struct rule *r = service_rule(&s, "1002", RULE_BRIDGE);
    service_target(&s, r, RULE_TO_DEVICE, "1002");
    service_target(&s, r, RULE_TO_DEVICE, "1003");
    r->next_on[0] = 486;
    r->next_count = 1;
    service_up(&s);
    second_bob(";q=0.5");
    service_mark(&s);
    s.bob->on_call = 486;
    call(s.ann, "1002", STR("Request-Disposition: no-fork\r\n"));
    service_run(&s, 30000);
    LADDER(&s, s.ann, CALLING " <486 >ACK");
    CHECK_INT(invites(PHONE(&s.w, s.w.phones - 1)), 0);
    CHECK_INT(invites(s.cleo), 0);
    service_down(&s);
}

static void test_no_recurse(void)
{
    for (int i = 0; i < 2; i++) {
        begin(ROLE_BRIDGE);
        service_up(&s);
        s.bob->on_call = 302;
        s.bob->answer_lines = STR("Contact: <sip:1003@example.com>\r\n");
        call(s.ann, "1002",
             i == 0 ? STR("Request-Disposition: no-recurse\r\n")
                    : STR("Request-Disposition: recurse\r\n"));
        CHECK_INT(invites(s.cleo), (size_t)i);
        CHECK_INT(told(s.ann, "302 INVITE"), (size_t)(1 - i));
        if (i == 0) {
            CHECK_STR(contact(s.ann, 0), "<sip:1003@example.com>");
        }
        service_down(&s);
    }
}

/** no-cancel is for proxies: a bridge has one conversation to give, and stops the others. */
static void test_no_cancel(void)
{
    for (int role = ROLE_BRIDGE; role <= ROLE_PROXY; role++) {
        begin((enum role)role);
        service_up(&s);
        second_bob("");
        struct phone *other = PHONE(&s.w, s.w.phones - 1);
        call(s.ann, "1002", STR("Request-Disposition: no-cancel\r\n"));
        CHECK_INT(phone_answer(s.bob), 0);
        service_run(&s, 200);
        CHECK_INT(told(other, "CANCEL"), role == ROLE_BRIDGE ? 1 : 0);
        phone_hang_up(other, STR_NONE);
        service_down(&s);
    }
}

TEST_MAIN(T(test_waits_until_he_is_free), T(test_nobody_waits_unasked), T(test_busy_elsewhere),
          T(test_a_person_is_not_asked_again), T(test_in_order), T(test_gives_up),
          T(test_queue_is_bounded), T(test_his_own_switches), T(test_a_rule_goes_on),
          T(test_redirected_as_he_asks), T(test_who_may_know), T(test_strangers_are_challenged),
          T(test_flow_is_told_as_gruu), T(test_a_gruu_is_not_forwarded), T(test_no_way_around),
          T(test_nobody_registered), T(test_no_fork), T(test_no_recurse), T(test_no_cancel))
