/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What phones cannot be used for: to call what the rules refuse, and to fill the memory with
 * what they tell.
 */
#include "tel.h"

#include "rules/rules.h"

#include <stdio.h>

#define NS "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed5\""
#define FORBIDDEN "operation/invalidDestination"
#define FORBIDDEN_CALLED "operation/invalidCalledDeviceID" /* MakeCall, ConsultationCall */

static struct world w;
static struct tel tel;
static struct test_mem mem;
static struct arena arena;
static struct pattern premium;
static struct rule rule;
static struct rule_table routes;
static struct tel_profile dialler; /**< takes DialDigits */

/** Numbers that begin with 900 are refused; 1004's line lives on the gateway. */
static void with_rules(struct world *world)
{
    struct pattern_fault fault;
    REQUIRE(pattern_compile(&arena, STR("900*"), 0, &premium, &fault) == 0);
    rule = (struct rule){.name = STR("premium"),
                         .methods = 1u << SIP_METHOD_INVITE,
                         .percent = 100,
                         .to = &premium,
                         .to_count = 1,
                         .action = RULE_REFUSE,
                         .status = 403};
    REQUIRE(rule_table_init(&routes, &arena, &rule, 1, NULL) == 0);
    world->config.routes = &routes;
    world->device[0].phone_profile = STR("generic");
    phone_messages_add(&tel_profile(&dialler, world, 3, "dialler")->services,
                       CSTA_MSG_DIAL_DIGITS);
    world->device[3].phone_peer = STR("gateway");
}

static void up(void)
{
    test_mem_init(&mem);
    arena_init(&arena, &mem.mem, 0);
    world_up(&w, &(struct world_options){.tweak = with_rules, .unregistered = true});
    tel_up(&tel, PHONE(&w, 0));
    phone_register(PHONE(&w, 0), 3600);
    world_run(&w, 1000);
    (void)world_monitor(&w, &w.crm, "1001");
    world_run(&w, 100);
    tel_forget(&tel);
}

static void down(void)
{
    w.hard = true; /* the gateway answers no BYE */
    engine_stop(w.engine, w.net.now_ms);
    world_down(&w);
    arena_fini(&arena);
}

static struct ask *on_call(const char *service, const char *element, const char *more)
{
    struct ask *q = app_on_connection(&w.crm, service, element, "c1", "1001", more);
    return world_asked(&w, q, 300);
}

/** In other words for the same number, too. */
static void test_foreign_call(void)
{
    static const char *const no[] = {"900123",
                                     "tel:900123",
                                     "sip:900123@example.com",
                                     "sip:900123@elsewhere.net",
                                     "N&lt;900123&gt;Fun",
                                     "900 1\r\n23"};
    char more[128];
    up();
    tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
    world_run(&w, 300);
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        test_context(no[i]);
        (void)snprintf(more, sizeof(more), "<newDestination>%s</newDestination>", no[i]);
        ANSWER(on_call("DeflectCall", "callToBeDiverted", more), FORBIDDEN);
    }
    test_context(NULL);
    tel_established(&tel, "1", "1001", "777", "1001");
    world_run(&w, 300);
    ANSWER(on_call("SingleStepTransferCall", "activeCall",
                   "<transferredTo>900123</transferredTo>"),
           FORBIDDEN);
    ANSWER(on_call("ConsultationCall", "existingCall",
                   "<consultedDevice>900123</consultedDevice>"),
           FORBIDDEN_CALLED);
    CHECK_STR(str_c(tel.asked), "");
    CHECK_STR(str_c(on_call("SingleStepTransferCall", "activeCall",
                            "<transferredTo>800123</transferredTo>")
                        ->text),
              "SingleStepTransferCallResponse c1:777");
    CHECK_STR(str_c(tel.asked), "SingleStepTransferCall ");
    tel_cleared(&tel, "1", "1001", "null");
    world_run(&w, 300);
    down();
}

static void answer_at_peer(const char *pattern, const char *body)
{
    struct text_msg m = world_take(&w.gateway, pattern);
    struct hop to = raw_from(&w.gateway);
    raw_reply(&w.gateway, &to, m.m, "200 OK", "t",
              "Contact: <sip:1004@10.0.2.1>\nContent-Type: application/csta+xml\n", body);
    text_free(&m);
    world_run(&w, 200);
}

/** MakeCall of a phone whose line is on a peer; nor digit by digit. */
static void test_make(void)
{
    up();
    answer_at_peer("INVITE<RequestSystemStatus",
                   "<RequestSystemStatusResponse " NS "><systemStatus>normal</systemStatus>"
                   "</RequestSystemStatusResponse>");
    answer_at_peer("INFO<GetCSTAFeatures", "<GetCSTAFeaturesResponse " NS "/>");
    answer_at_peer("INFO<MonitorStart", "<MonitorStartResponse " NS "><monitorCrossRefID>9"
                                        "</monitorCrossRefID></MonitorStartResponse>");
    answer_at_peer("INFO<SnapshotDevice", "<SnapshotDeviceResponse " NS "/>");
    answer_at_peer("INFO<GetDoNotDisturb", "<GetDoNotDisturbResponse " NS "/>");
    answer_at_peer("INFO<GetForwarding", "<GetForwardingResponse " NS "/>");
    answer_at_peer("INFO<GetMessageWaiting", "<GetMessageWaitingIndicatorResponse " NS "/>");
    struct ask *q = app_make_call(&w.crm, "1004", "900123", false, NULL);
    world_run(&w, 300);
    ANSWER(q, FORBIDDEN_CALLED);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "INFO<MakeCall"), 0);
    q = app_make_call(&w.crm, "1004", "9", true, NULL);
    world_run(&w, 300);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "INFO<MakeCall"), 1);
    answer_at_peer("INFO<MakeCall",
                   "<MakeCallResponse " NS "><callingDevice><callID>m1</callID>"
                   "<deviceID>1004</deviceID></callingDevice>"
                   "</MakeCallResponse>");
    q = app_on_connection(&w.crm, "DialDigits", "diallingConnection", "c1", "1004",
                          "<diallingSequence>0;</diallingSequence>");
    world_run(&w, 300);
    answer_at_peer("INFO<DialDigits", "<DialDigitsResponse " NS "/>");
    ANSWER(q, "DialDigitsResponse");
    q = app_on_connection(&w.crm, "DialDigits", "diallingConnection", "c1", "1004",
                          "<diallingSequence>0123</diallingSequence>");
    world_run(&w, 300);
    ANSWER(q, FORBIDDEN_CALLED);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "INFO<DialDigits"), 1);
    down();
}

/** A phone that hands its party on for ever. */
static void test_moves(void)
{
    size_t before = 0;
    up();
    tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
    tel_established(&tel, "1", "1001", "777", "1001");
    world_run(&w, 300);
    for (unsigned i = 0; i < 400; i++) {
        tel_event(&tel, "TransferedEvent",
                  "<primaryOldCall><callID>1</callID><deviceID>777</deviceID></primaryOldCall>"
                  "<transferringDevice><deviceIdentifier>777</deviceIdentifier>"
                  "</transferringDevice><transferredToDevice><deviceIdentifier>77%0400u"
                  "</deviceIdentifier></transferredToDevice><transferredConnections/>"
                  "<localConnectionInfo>connected</localConnectionInfo><cause>transfer</cause>",
                  i);
        world_run(&w, 50);
        CHECK_INT(tel.event_status, 200);
        app_forget(&w.crm);
        if (i == 100) { /* of what is not its names nothing is left by then */
            world_run(&w, 40000);
            before = w.mem.live;
        }
    }
    world_run(&w, 40000);
    CHECK(w.mem.live < before + 20);
    tel_cleared(&tel, "1", "1001", "null");
    world_run(&w, 300);
    down();
}

TEST_MAIN(T(test_foreign_call), T(test_make), T(test_moves))
