/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `action: refer` on the wire: the caller is answered and sent to a target by REFER, with the
 * context in Refer-To; to the next one when that fails; and bridged when it does not know
 * REFER.
 */
#include "service.h"

#include <stdio.h>

static struct service s;
static struct phone *ann, *bob;
static const char *watch;

static void up(const char *allow)
{
    service_up(&s);
    ann = s.ann;
    bob = s.bob;
    ann->s.legs.config.allow = str_c(allow);
    ann->idle = true;
    app_open(&s.w.crm);
    service_run(&s, 100);
    watch = world_monitor(&s.w, &s.w.crm, "1001");
    app_forget(&s.w.crm);
    service_mark(&s);
}

#define WITH_REFER "INVITE, ACK, CANCEL, BYE, UPDATE, INFO, PRACK, OPTIONS, NOTIFY, REFER"

static struct rule *rule(void)
{
    static const struct rule_line lines[] = {
        {STR_INIT("X-Queue"), STR_INIT("sales, \"first\"")}};
    service_begin(&s, ROLE_BRIDGE);
    struct rule *r = service_rule(&s, "700", RULE_REFER);
    r->uui_value = STR("0448;encoding=hex");
    r->headers = lines;
    r->header_lines = 1;
    service_target(&s, r, RULE_TO_URI, "sip:{number}@far.example");
    service_target(&s, r, RULE_TO_DEVICE, "1002");
    return r;
}

static struct str referred(size_t nth)
{
    struct str m = wire_find(&s.w.wire, ENGINE(&s.w), &ann->s.node, "REFER", nth);
    return str_is_set(m) ? str_trim(wire_raw(m, "Refer-To", 0)) : STR("no REFER");
}

static size_t to_ann(const char *pattern)
{
    return wire_count(&s.w.wire, ENGINE(&s.w), &ann->s.node, pattern);
}

static void notify(const char *line, const char *state)
{
    char lines[160], body[64];
    (void)snprintf(lines, sizeof(lines), "Event: refer\r\nSubscription-State: %s\r\n", state);
    (void)snprintf(body, sizeof(body), "SIP/2.0 %s\r\n", line);
    struct leg_content c = {
        .lines = str_c(lines), .type = STR("message/sipfrag"), .body = str_c(body)};
    CHECK_INT(leg_send(ann->s.leg, NULL, STR("NOTIFY"), &c, station_listen, &ann->s, NULL,
                       station_now(&ann->s)),
              0);
    service_run(&s, 50);
}

/** ann calls 700, is answered, and hears REFER; she takes it, or refuses it. */
static void call_and_be_sent(unsigned answer)
{
    REQUIRE(phone_call(ann, "700", true, STR_NONE) != NULL);
    service_run(&s, 50);
    CHECK_INT(to_ann("200 INVITE"), 1);
    CHECK_STR(referred(0), "<sip:700@far.example?User-to-User=0448%3Bencoding%3Dhex"
                           "&X-Queue=sales%2C%20%22first%22>");
    struct str refer = wire_find(&s.w.wire, ENGINE(&s.w), &ann->s.node, "REFER", 0);
    CHECK_STR(str_trim(wire_raw(refer, "Referred-By", 0)), "<sip:700@example.com>");
    /* no media comes from here */
    struct str ok = wire_find(&s.w.wire, ENGINE(&s.w), &ann->s.node, "200 INVITE", 0);
    CHECK(str_find(wire_body(ok), STR("a=inactive")) < wire_body(ok).n ||
          str_find(wire_body(ok), STR("c=IN IP4 0.0.0.0")) < wire_body(ok).n ||
          str_find(wire_body(ok), STR("a=recvonly")) < wire_body(ok).n);
    CHECK_INT(station_answer(&ann->s, answer, STR_NONE), 0);
    service_run(&s, 50);
}

static void test_sent_to_the_first(void)
{
    (void)rule();
    up(WITH_REFER);
    call_and_be_sent(202);
    notify("100 Trying", "active;expires=60");
    CHECK_INT(to_ann("BYE"), 0);
    ann->idle = false;
    notify("200 OK", "terminated;reason=noresource");
    CHECK_INT(to_ann("BYE"), 1);
    CHECK_INT(to_ann("200 NOTIFY"), 2);
    CHECK_INT(to_ann("REFER"), 1);
    CHECK_INT(world_stat(&s.w, "routed_refer"), 1);
    CHECK_INT(world_stat(&s.w, "calls_active"), 0);
    CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &bob->s.node, "INVITE"), 0);
    CHECK_STR(str_c(app_events(&s.w.crm, watch)),
              "Originated c1:1001 connected newCall 1001>700; "
              "Established c1:700 connected newCall 1001>700; "
              "Cleared c1:1001 null transfer by=1001");
    service_down(&s);
}

/** The first one is busy: REFER to the second; when that fails too, BYE says why. */
static void test_the_next_when_one_fails(void)
{
    (void)rule();
    up(WITH_REFER);
    call_and_be_sent(202);
    notify("486 Busy Here", "terminated;reason=noresource");
    CHECK_INT(to_ann("REFER"), 2);
    CHECK_STR(referred(1), "<sip:1002@example.com?User-to-User=0448%3Bencoding%3Dhex"
                           "&X-Queue=sales%2C%20%22first%22>");
    ann->idle = false;
    CHECK_INT(station_answer(&ann->s, 603, STR_NONE), 0);
    service_run(&s, 50);
    CHECK_INT(to_ann("BYE"), 1);
    struct str bye = wire_find(&s.w.wire, ENGINE(&s.w), &ann->s.node, "BYE", 0);
    CHECK_STR(str_trim(wire_raw(bye, "Reason", 0)), "SIP;cause=603");
    CHECK_STR(str_c(app_events(&s.w.crm, watch)),
              "Originated c1:1001 connected newCall 1001>700; "
              "Established c1:700 connected newCall 1001>700; "
              "Cleared c1:1001 null callNotAnswered by=700");
    service_down(&s);
}

/** A phone that does not know the method after all is not asked twice. */
static void test_no_such_method(void)
{
    (void)rule();
    up(WITH_REFER);
    ann->idle = true;
    REQUIRE(phone_call(ann, "700", true, STR_NONE) != NULL);
    service_run(&s, 50);
    ann->idle = false;
    CHECK_INT(station_answer(&ann->s, 405, STR_NONE), 0);
    service_run(&s, 50);
    CHECK_INT(to_ann("REFER"), 1);
    CHECK_INT(to_ann("BYE"), 1);
    service_down(&s);
}

/** Allow without REFER, or no offer: a bridge to the same targets. */
static void test_who_cannot_is_bridged(void)
{
    struct rule *r = rule();
    r->target_count = 0;
    service_target(&s, r, RULE_TO_DEVICE, "1002");
    up("INVITE, ACK, CANCEL, BYE");
    ann->idle = false;
    REQUIRE(phone_call(ann, "700", true, STR_NONE) != NULL);
    service_run(&s, 50);
    CHECK_INT(to_ann("180 INVITE"), 1);
    CHECK_INT(phone_answer(bob), 0);
    service_run(&s, 50);
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_INT(to_ann("REFER"), 0);
    service_down(&s);
}

/** It takes the REFER and says nothing: it is left to itself. */
static void test_silence(void)
{
    (void)rule();
    up(WITH_REFER);
    call_and_be_sent(202);
    ann->idle = false;
    service_run(&s, 21000);
    CHECK_INT(to_ann("BYE"), 1);
    CHECK_INT(world_stat(&s.w, "calls_active"), 0);
    service_down(&s);
}

/** The caller hangs up before anything is known; an application clears; nothing is left. */
static void test_ended_by_others(void)
{
    (void)rule();
    up(WITH_REFER);
    call_and_be_sent(202);
    ann->idle = false;
    phone_hang_up(ann, STR_NONE);
    service_run(&s, 50);
    CHECK_INT(world_stat(&s.w, "calls_active"), 0);
    CHECK_STR(str_c(app_events(&s.w.crm, watch)),
              "Originated c1:1001 connected newCall 1001>700; "
              "Established c1:700 connected newCall 1001>700; "
              "Cleared c1:1001 null normalClearing by=1001");
    service_down(&s);
}

/** An application sees a call that it can clear, and no more. */
static void test_commands(void)
{
    (void)rule();
    up(WITH_REFER);
    call_and_be_sent(202);
    struct ask *hold =
        app_on_connection(&s.w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
    struct ask *clear = app_on_connection(&s.w.crm, "ClearConnection", "connectionToBeCleared",
                                          "c1", "1001", "");
    ann->idle = false;
    service_run(&s, 100);
    CHECK_STR(str_c(hold->text), "stateIncompatibility/noActiveCall");
    CHECK_STR(str_c(clear->text), "ClearConnectionResponse");
    CHECK_INT(to_ann("BYE"), 1);
    service_down(&s);
}

/** Memory that is out somewhere ends the call, or refuses it; nothing is left. */
static void test_no_memory(void)
{
    for (size_t n = 1; n < 200; n++) {
        (void)rule();
        up(WITH_REFER);
        ann->idle = false;
        size_t before = s.w.mem.calls;
        s.w.mem.fail_at = before + n;
        (void)phone_call(ann, "700", true, STR_NONE);
        service_run(&s, 200);
        bool done = s.w.mem.calls < before + n;
        s.w.mem.fail_at = 0;
        s.w.hard = true;
        service_down(&s);
        if (done) {
            CHECK(n > 5);
            return;
        }
    }
    CHECK(false);
}

TEST_MAIN(T(test_commands), T(test_no_memory), T(test_sent_to_the_first),
          T(test_the_next_when_one_fails), T(test_no_such_method),
          T(test_who_cannot_is_bridged), T(test_silence), T(test_ended_by_others))
