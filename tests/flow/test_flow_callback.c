/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CallBack, CallBackNonCallRelated, CancelCallBack, GetCallBack, event by event: a call that is
 * not answered, one that waits, no call at all; until both are free, for a device that
 * registers later, one that is not to be disturbed; for two callers; and how it ends.
 */
#include "service.h"

#include <stdio.h>

static struct service s;
static const char *a, *b, *c;

#define CRM (&s.w.crm)
#define EVENTS(ref, text) CHECK_STR(str_c(app_events(CRM, ref)), text)

static void configure(struct world *w)
{
    w->config.call.queue_s = 60;
    w->config.call.callback_s = 600;
    w->config.call.callback_max = 2;
}

static void up(void)
{
    service_up_with_crm(&s, configure);
    a = world_monitor(&s.w, CRM, "1001");
    b = world_monitor(&s.w, CRM, "1002");
    c = world_monitor(&s.w, CRM, "1003");
    app_forget(CRM);
}

static void down(void)
{
    service_run(&s, 700000); /* those that are set are given up */
    service_down_with_crm(&s);
}

static struct ask *done(struct ask *q)
{
    return world_asked(&s.w, q, 300);
}

static struct ask *ask(const char *service, const char *from, const char *to)
{
    return done(app_ask(CRM, service,
                        "<originatingDevice>%s</originatingDevice><targetDevice>%s"
                        "</targetDevice>",
                        from, to));
}

#define SET "CallBackNonCallRelated"

static struct ask *get(const char *device)
{
    return done(app_ask(CRM, "GetCallBack", "<device>%s</device>", device));
}

static struct ask *related(const char *call)
{
    return done(app_on_connection(CRM, "CallBack", "callbackConnection", call, "1001", ""));
}

/** bob talks to cleo, as c1 or what comes next. */
static void bob_is_busy(void)
{
    REQUIRE(phone_call(s.cleo, "1002", true, STR_NONE) != NULL);
    service_run(&s, 300);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 300);
}

static void check_parties(struct phone *one, struct phone *two)
{
    CHECK_STR(str_c(phones_media(one, two)), "sendrecv|sendrecv");
}

static void test_when_free(void)
{
    up();
    bob_is_busy();
    app_forget(CRM);
    ANSWER(ask(SET, "1001", "1002"), "CallBackNonCallRelatedResponse");
    EVENTS(a, "CallBack 1001>1002 set");
    EVENTS(b, "CallBack 1001>1002 set");
    EVENTS(c, "");
    ANSWER(get("1001"), "GetCallBackResponse 1002");
    ANSWER(get("1002"), "GetCallBackResponse");
    service_run(&s, 100000);
    CHECK(s.ann->s.leg == NULL);
    phone_hang_up(s.cleo, STR_NONE);
    app_forget(CRM);
    service_run(&s, 1500);
    EVENTS(a, "ServiceInitiated c2:1001 initiated callBack; CallBack 1001>1002 over");
    app_forget(CRM);
    CHECK_INT(phone_answer(s.ann), 0);
    service_run(&s, 500);
    EVENTS(a, "Originated c2:1001 connected callBack 1001>1002; "
              "Delivered c2:1002 connected callBack 1001>1002");
    EVENTS(b, "Delivered c2:1002 alerting callBack 1001>1002");
    app_forget(CRM);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 500);
    EVENTS(b, "Established c2:1002 connected callBack 1001>1002");
    check_parties(s.ann, s.bob);
    ANSWER(get("1001"), "GetCallBackResponse");
    down();
}

/** The originator has to be free, too; and both at once. */
static void test_originator_busy(void)
{
    up();
    service_talk(&s, s.ann, s.dan);
    ANSWER(ask(SET, "1001", "1002"), "CallBackNonCallRelatedResponse");
    service_run(&s, 40000);
    CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &s.ann->s.node, "INVITE"), 0);
    phone_hang_up(s.dan, STR_NONE);
    service_run(&s, 1500);
    CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &s.ann->s.node, "INVITE"), 1);
    down();
}

/** A call that rings and is not answered: the target has to be used first. */
static void test_not_answered(void)
{
    up();
    REQUIRE(phone_call(s.ann, "1002", true, STR_NONE) != NULL);
    service_run(&s, 300);
    app_forget(CRM);
    ANSWER(related("c1"), "CallBackResponse 1002");
    EVENTS(a, "CallBack 1001>1002 set; Cleared c1:1001 null callBack by=1001");
    EVENTS(b, "CallBack 1001>1002 set; Cleared c1:1002 null callBack by=1001");
    CHECK(s.ann->s.leg == NULL && s.bob->s.leg == NULL);
    service_run(&s, 100000);
    CHECK(s.ann->s.leg == NULL);
    bob_is_busy();
    phone_hang_up(s.bob, STR_NONE);
    service_run(&s, 1500);
    CHECK(s.ann->s.leg != NULL);
    down();
}

/** Who waits in the queue of a busy device would rather be called back. */
static void test_queued(void)
{
    up();
    s.bob->on_call = 486;
    REQUIRE(phone_call(s.ann, "1002", true, STR("Request-Disposition: queue\r\n")) != NULL);
    service_run(&s, 300);
    app_forget(CRM);
    ANSWER(related("c1"), "CallBackResponse 1002");
    EVENTS(b, "CallBack 1001>1002 set; Cleared c1:1002 null callBack by=1001");
    s.bob->on_call = 180;
    service_run(&s, 16000);
    CHECK(s.ann->s.leg != NULL);
    down();
}

/** It comes when it registers, and when do not disturb is switched off. */
static void test_not_there(void)
{
    up();
    phone_register(s.bob, 0);
    service_run(&s, 300);
    ANSWER(ask(SET, "1001", "1002"), "CallBackNonCallRelatedResponse");
    service_run(&s, 40000);
    CHECK(s.ann->s.leg == NULL);
    ANSWER(done(app_ask(CRM, "SetDoNotDisturb",
                        "<device>1002</device><doNotDisturbOn>true</doNotDisturbOn>")),
           "SetDoNotDisturbResponse");
    phone_register(s.bob, 3600);
    service_run(&s, 20000);
    CHECK(s.ann->s.leg == NULL);
    ANSWER(done(app_ask(CRM, "SetDoNotDisturb",
                        "<device>1002</device><doNotDisturbOn>false</doNotDisturbOn>")),
           "SetDoNotDisturbResponse");
    service_run(&s, 16000);
    CHECK(s.ann->s.leg != NULL);
    down();
}

/** Two want the same one: one after the other. */
static void test_two(void)
{
    up();
    service_talk(&s, s.dan, s.bob);
    ANSWER(ask(SET, "1001", "1002"), "CallBackNonCallRelatedResponse");
    ANSWER(ask(SET, "1003", "1002"), "CallBackNonCallRelatedResponse");
    ANSWER(ask(SET, "1004", "1002"), "systemResourceAvailibility/internalResourceBusy");
    phone_hang_up(s.dan, STR_NONE);
    service_run(&s, 1500);
    CHECK(s.ann->s.leg != NULL && s.cleo->s.leg == NULL);
    CHECK_INT(phone_answer(s.ann), 0);
    service_run(&s, 300);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 40000);
    CHECK(s.cleo->s.leg == NULL);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 1500);
    CHECK(s.cleo->s.leg != NULL);
    down();
}

/** Nobody takes the phone up: it is over all the same. */
static void test_originator_does_not_answer(void)
{
    up();
    ANSWER(ask(SET, "1001", "1002"), "CallBackNonCallRelatedResponse");
    app_forget(CRM);
    service_run(&s, 40000);
    EVENTS(a, "ServiceInitiated c1:1001 initiated callBack; CallBack 1001>1002 over; "
              "Cleared c1:1001 null timeout by=1001");
    service_run(&s, 100000);
    CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &s.ann->s.node, "INVITE"), 1);
    down();
}

static void test_cancelled(void)
{
    up();
    bob_is_busy();
    ANSWER(ask(SET, "1001", "1002"), "CallBackNonCallRelatedResponse");
    ANSWER(ask(SET, "1001", "1002"), "operation/featureAlreadySet");
    app_forget(CRM);
    ANSWER(ask("CancelCallBack", "1001", "1003"), "operation/invalidFeature");
    ANSWER(ask("CancelCallBack", "1001", "1002"), "CancelCallBackResponse");
    EVENTS(a, "CallBack 1001>1002 over");
    EVENTS(b, "CallBack 1001>1002 over");
    ANSWER(ask("CancelCallBack", "1001", "1002"), "operation/invalidFeature");
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 20000);
    CHECK(s.ann->s.leg == NULL);
    down();
}

static void test_given_up(void)
{
    up();
    bob_is_busy();
    ANSWER(ask(SET, "1001", "1002"), "CallBackNonCallRelatedResponse");
    app_forget(CRM);
    service_run(&s, 600000);
    EVENTS(a, "CallBack 1001>1002 over");
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 20000);
    CHECK(s.ann->s.leg == NULL);
    down();
}

static void test_refused(void)
{
    up();
    ANSWER(ask(SET, "1777", "1002"), "operation/invalidCallingDeviceID");
    ANSWER(ask(SET, "1001", "1777"), "operation/invalidCalledDeviceID");
    ANSWER(ask(SET, "1001", "9123"), "operation/invalidCalledDeviceID");
    ANSWER(ask(SET, "1001", "1001"), "operation/invalidCalledDeviceID");
    ANSWER(get("1777"), "operation/invalidDeviceID");
    REQUIRE(app_open(&s.w.desk) != NULL);
    service_run(&s, 300);
    struct ask *q = done(app_ask(&s.w.desk, SET,
                                 "<originatingDevice>1002</originatingDevice><targetDevice>1001"
                                 "</targetDevice>"));
    ANSWER(q, "operation/privilegeViolationSpecifiedDevice");
    REQUIRE(world_call(&s.w, s.ann, s.bob));
    app_forget(CRM);
    ANSWER(related("c1"), "stateIncompatibility/noCallToComplete"); /* it is answered */
    EVENTS(NULL, "");
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 300);
    REQUIRE(phone_call(s.bob, "1001", true, STR_NONE) != NULL);
    service_run(&s, 300);
    app_forget(CRM);
    ANSWER(related("c2"), "stateIncompatibility/noCallToComplete"); /* she is called */
    EVENTS(NULL, "");
    down();
}

/** The caller hangs up in the same moment. */
static void test_crossing(void)
{
    up();
    REQUIRE(phone_call(s.ann, "1002", true, STR_NONE) != NULL);
    service_run(&s, 300);
    phone_hang_up(s.ann, STR_NONE);
    struct ask *q = related("c1");
    CHECK(strcmp(q->text, "operation/invalidConnectionID") == 0 ||
          strcmp(q->text, "CallBackResponse 1002") == 0);
    down();
}

TEST_MAIN(T(test_when_free), T(test_originator_busy), T(test_not_answered), T(test_queued),
          T(test_not_there), T(test_two), T(test_originator_does_not_answer), T(test_cancelled),
          T(test_given_up), T(test_refused), T(test_crossing))
