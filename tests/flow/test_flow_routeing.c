/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routeing services: an application is the ACD.
 *
 * Calls to 700 wait at the routing device 1005 and are asked about; the rule's own target is
 * 1003 (cleo). 1001 (ann) calls, 1002 (bob) and 1004 (dan) are agents.
 */
#include "service.h"

#include <stdio.h>

static struct service s;
static struct app *crm, *desk;
static bool no_target;
static uint32_t ask_s;

#define DONE(q, want) CHECK_STR(str_c(done(q)->text), want)
#define EVENTS(want) CHECK_STR(str_c(app_events(crm, NULL)), want)

static struct ask *done(struct ask *q)
{
    return world_asked(&s.w, q, 200);
}

static void up(void)
{
    struct rule *r;
    service_begin(&s, ROLE_BRIDGE);
    s.apps = true;
    r = service_rule(&s, "700", RULE_BRIDGE);
    r->ask = STR("1005");
    r->ask_s = ask_s != 0 ? ask_s : 5;
    r->next_on[0] = 486;
    r->next_count = 1;
    if (!no_target) {
        service_target(&s, r, RULE_TO_DEVICE, "1003");
    }
    service_up(&s);
    crm = &s.w.crm;
    desk = &s.w.desk;
}

static void registered(void)
{
    up();
    DONE(app_ask(crm, "RouteRegister", "<routeingDevice>1005</routeingDevice>"),
         "RouteRegisterResponse 1");
    app_forget(crm);
    service_mark(&s);
}

static void call(const char *lines)
{
    REQUIRE(phone_call(s.ann, "700", true, str_c(lines)) != NULL);
    service_run(&s, 200);
}

static struct ask *route(const char *ref, const char *to, const char *more)
{
    return app_ask(crm, "RouteSelect",
                   "<crossRefIdentifier>%s</crossRefIdentifier>"
                   "<routeSelected>%s</routeSelected>%s",
                   ref, to, more);
}

static size_t rang(const struct phone *p)
{
    return wire_count(&s.w.wire, ENGINE(&s.w), &p->s.node, "INVITE");
}

static void down(void)
{
    service_down(&s);
    no_target = false;
    ask_s = 0;
}

#define REQUEST "RouteRequest x1 1001>1005 at=1005 c1:1005 5000 ms"

/** The whole way: asked with the call's UUI, answered with another one and correlatorData. */
static void test_selected(void)
{
    registered();
    CHECK_INT(s.w.crm.asks, 1);
    call("User-to-User: " SERVICE_UUI "\r\n");
    LADDER(&s, s.ann, ">INVITE <401 >ACK >INVITE <182");
    EVENTS(
        REQUEST
        " <userData xmlns=\"urn:x-baton:csta\"><string>56A390F3D2B7310023</string></userData>");
    app_forget(crm);
    DONE(route("1", "1002",
               "<routeUsedReq>true</routeUsedReq>"
               "<correlatorData><string>4142</string></correlatorData>"
               "<extensions><privateData><private><userData xmlns='urn:x-baton:csta'>"
               "<string>04616364</string></userData></private></privateData></extensions>"),
         "SIP 200");
    CHECK_STR(service_to(&s, &s.bob->s.node, "INVITE", 0, "User-to-User"),
              "04616364;encoding=hex;purpose=isdn-uui");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    CHECK(phone_talks(s.ann) && phone_talks(s.bob));
    EVENTS("RouteUsed x1 corr=AB 1001>1002; RouteEnd x1 corr=AB");
    CHECK_INT(rang(s.cleo), 0);
    CHECK_INT(world_stat(&s.w, "csta_route_requests"), 1);
    down();
}

/** User data that the network there could not carry is refused, and the call still waits. */
static void test_unfit_routed(void)
{
#define SEIZE(octets)                                                                      \
    "<extensions><privateData><private><userData xmlns='urn:x-baton:csta'><string>" octets \
    "</string></userData></private></privateData></extensions>"
    registered();
    s.w.peer[1].policy.isdn = true;
    s.w.peer[1].policy.isdn_octets = 3;
    call("");
    DONE(route("1", "8555", SEIZE("04616263")), "operation/valueOutOfRange");
    CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &s.w.trunk.node, "INVITE"), 0);
    DONE(route("1", "8555", SEIZE("046162")), "SIP 200");
    CHECK_STR(service_to(&s, &s.w.trunk.node, "INVITE", 0, "User-to-User"),
              "046162;encoding=hex;purpose=isdn-uui");
    down();
}

/** What monitors of the routing device and of the agent see. */
static void test_watched(void)
{
    const char *at, *agent, *caller;
    registered();
    caller = world_monitor(&s.w, crm, "1001");
    at = world_monitor(&s.w, crm, "1005");
    agent = world_monitor(&s.w, crm, "1002");
    app_forget(crm);
    call("");
    DONE(app_ask(crm, "SnapshotDevice", "<snapshotObject>1005</snapshotObject>"),
         "SnapshotDeviceResponse c1:1005 queued,connected with=1001");
    DONE(route("1", "1002", ""), "SIP 200");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    CHECK_STR(str_c(app_events(crm, at)), "Queued c1:1005 queued normal 0/1 1001>1005; "
                                          "Diverted c1:1005 null distributed to=1002");
    CHECK_STR(str_c(app_events(crm, agent)),
              "Delivered c1:1002 alerting distributed 1001>1005 last=1005; "
              "Established c1:1002 connected distributed 1001>1005 last=1005");
    CHECK_STR(str_c(app_events(crm, caller)),
              "Originated c1:1001 connected newCall 1001>1005; "
              "Queued c1:1005 connected normal 0/1 1001>1005; "
              "Delivered c1:1002 connected distributed 1001>1005 last=1005; "
              "Established c1:1002 connected distributed 1001>1005 last=1005");
    /* the event that was recorded before the question came before it */
    CHECK_STR(str_upto(str_c(app_events(crm, NULL)), 10), "Originated");
    down();
}

static void test_nobody_registered(void)
{
    up();
    service_mark(&s);
    call("");
    LADDER(&s, s.ann, ">INVITE <401 >ACK >INVITE <180");
    CHECK_INT(rang(s.cleo), 1);
    down();
}

static void test_too_late(void)
{
    registered();
    call("");
    app_forget(crm);
    service_run(&s, 5000);
    EVENTS("RouteEnd x1 routeingTimerExpired");
    CHECK_INT(rang(s.cleo), 1);
    DONE(route("1", "1002", ""), "operation/invalidRouteingCrossRefID");
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 200);
    CHECK(phone_talks(s.ann) && phone_talks(s.cleo));
    CHECK_INT(world_stat(&s.w, "csta_route_timeouts"), 1);
    down();
}

/** It waits for minutes, and says so each minute. */
static void test_waits_long(void)
{
    ask_s = 300;
    registered();
    call("");
    service_run(&s, 150000);
    CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &s.ann->s.node, "182 INVITE"), 3);
    DONE(route("1", "1002", ""), "SIP 200");
    CHECK_INT(rang(s.bob), 1);
    down();
}

static void test_application_ends_it(void)
{
    registered();
    call("");
    DONE(app_ask(crm, "RouteEnd", "<crossRefIdentifier>1</crossRefIdentifier>"), "SIP 200");
    CHECK_INT(rang(s.cleo), 1);
    DONE(app_ask(crm, "RouteEnd", "<crossRefIdentifier>1</crossRefIdentifier>"),
         "operation/invalidRouteingCrossRefID");
    down();
}

static void test_rejected(void)
{
    registered();
    call("");
    DONE(app_ask(crm, "RouteReject",
                 "<crossRefIdentifier>1</crossRefIdentifier>"
                 "<rejectCause>busyOverflow</rejectCause>"),
         "SIP 200");
    LADDER(&s, s.ann, ">INVITE <401 >ACK >INVITE <182 <486 >ACK");
    CHECK_INT(rang(s.cleo), 0);
    down();
}

static void test_caller_hangs_up(void)
{
    registered();
    call("");
    app_forget(crm);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 200);
    EVENTS("RouteEnd x1 noActiveCall");
    DONE(route("1", "1002", ""), "operation/invalidRouteingCrossRefID");
    CHECK_INT(rang(s.bob), 0);
    down();
}

/** Its connection is cut, or it closes its session: the rule's own target rings. */
static void test_application_dies(void)
{
    registered();
    call("");
    app_close(crm);
    service_run(&s, 500);
    CHECK_INT(rang(s.cleo), 1);
    down();
}

static void test_application_is_deaf(void)
{
    ask_s = 60;
    registered();
    crm->event_status = 500;
    call("");
    CHECK_INT(rang(s.cleo), 1);
    crm->event_status = 200;
    down();
}

static void test_answers_twice(void)
{
    registered();
    call("");
    DONE(route("1", "1002", ""), "SIP 200");
    DONE(route("1", "1004", ""), "stateIncompatibility/invalidObjectState");
    CHECK_INT(rang(s.bob), 1);
    CHECK_INT(rang(s.dan), 0);
    down();
}

/** What cannot be done is refused, and it may say something better. */
static void test_bad_answers(void)
{
    registered();
    call("");
    DONE(route("1", "nobody", ""), "operation/invalidDestination");
    DONE(route("1", "1005", ""), "operation/invalidDestination");
    DONE(route("1", "1001", ""), "operation/invalidDestination");
    DONE(route("7", "1002", ""), "operation/invalidRouteingCrossRefID");
    DONE(route("x", "1002", ""), "operation/invalidRouteingCrossRefID");
    DONE(route("1", "1002",
               "<extensions><privateData><private><userData><string>0</string></userData>"
               "</private></privateData></extensions>"),
         "operation/invalidParameterValue");
    CHECK_INT(rang(s.bob), 0);
    DONE(route("1", "1002", ""), "SIP 200");
    CHECK_INT(rang(s.bob), 1);
    down();
}

/** Busy, then nobody answers, then an agent takes it; and correlatorData stay. */
static void test_rerouted(void)
{
    registered();
    call("");
    app_forget(crm);
    s.bob->on_call = 486;
    DONE(route("1", "1002", "<correlatorData><string>4142</string></correlatorData>"),
         "SIP 200");
    EVENTS("ReRoute x1 corr=AB");
    app_forget(crm);
    DONE(route("1", "1004", ""), "SIP 200");
    CHECK_INT(rang(s.dan), 1);
    service_run(&s, 121000);
    EVENTS("ReRoute x1 corr=AB");
    app_forget(crm);
    s.bob->on_call = 180;
    DONE(route("1", "1002", ""), "SIP 200");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    CHECK(phone_talks(s.ann) && phone_talks(s.bob));
    EVENTS("RouteEnd x1 corr=AB");
    CHECK_INT(rang(s.cleo), 0);
    down();
}

/** It does not want to be asked again: the rule's own targets, as after any failure. */
static void test_no_retries(void)
{
    registered();
    call("");
    app_forget(crm);
    s.bob->on_call = 486;
    DONE(route("1", "1002", "<remainRetries><retryCount>0</retryCount></remainRetries>"),
         "SIP 200");
    EVENTS("");
    CHECK_INT(rang(s.cleo), 1);
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 200);
    EVENTS("RouteEnd x1");
    down();
}

static void test_alternates(void)
{
    registered();
    call("");
    app_forget(crm);
    s.bob->on_call = 486;
    DONE(route("1", "1002",
               "<alternateRoutes><deviceID>nobody</deviceID><deviceID>1004</deviceID>"
               "</alternateRoutes>"),
         "SIP 200");
    CHECK_INT(rang(s.bob), 1);
    CHECK_INT(rang(s.dan), 1);
    EVENTS("");
    down();
}

/** So often and no more; then the rule's own target. */
static void test_rerouted_for_ever(void)
{
    registered();
    call("");
    s.bob->on_call = 486;
    for (unsigned i = 0; i < 11; i++) {
        DONE(route("1", "1002", ""), "SIP 200");
    }
    CHECK_INT(rang(s.bob), 11);
    CHECK_INT(rang(s.cleo), 1);
    DONE(route("1", "1002", ""), "stateIncompatibility/invalidObjectState");
    down();
}

/** The answer may stand in the 200 of the question. */
static void test_answer_in_the_response(void)
{
    registered();
    crm->answer_body = "<RouteSelect><crossRefIdentifier>1</crossRefIdentifier>"
                       "<routeSelected>1002</routeSelected></RouteSelect>";
    call("");
    crm->answer_body = NULL;
    CHECK_INT(rang(s.bob), 1);
    CHECK_INT(rang(s.cleo), 0);
    down();
}

static void test_error_in_the_response(void)
{
    registered();
    crm->answer_body = "<CSTAErrorCode><operation>generic</operation></CSTAErrorCode>";
    call("");
    crm->answer_body = NULL;
    CHECK_INT(rang(s.cleo), 1);
    down();
}

static void test_no_targets(void)
{
    no_target = true;
    registered();
    call("");
    DONE(app_ask(crm, "RouteEnd", "<crossRefIdentifier>1</crossRefIdentifier>"), "SIP 200");
    LADDER(&s, s.ann, ">INVITE <401 >ACK >INVITE <182 <480 >ACK");
    down();
}

/* ---- registrations ---- */

static void test_registrations(void)
{
    registered();
    REQUIRE(app_open(desk) != NULL);
    service_run(&s, 200);
    /* another application: not granted, and not for all of what it is not granted */
    DONE(app_ask(desk, "RouteRegister", "<routeingDevice>1005</routeingDevice>"),
         "operation/privilegeViolationSpecifiedDevice");
    DONE(app_ask(desk, "RouteRegister", "%s", ""), "RouteRegisterResponse 2");
    DONE(app_ask(crm, "RouteRegister", "<routeingDevice>1001</routeingDevice>"),
         "RouteRegisterResponse 3");
    DONE(app_ask(desk, "RouteRegister", "<routeingDevice>1001</routeingDevice>"),
         "subscribedResourceAvailability/objectRegistrationLimitExceeded");
    DONE(app_ask(crm, "RouteRegister", "<routeingDevice>4711</routeingDevice>"),
         "operation/invalidDeviceID");
    call("");
    EVENTS(REQUEST);
    CHECK_STR(str_c(app_events(desk, NULL)), "");
    /* cancelled: what is open stays, nothing new is asked */
    DONE(app_ask(crm, "RouteRegisterCancel", "<routeRegisterReqID>9</routeRegisterReqID>"),
         "operation/invalidRouteRegistrationCrossRefID");
    DONE(app_ask(crm, "RouteRegisterCancel", "<routeRegisterReqID>2</routeRegisterReqID>"),
         "operation/invalidRouteRegistrationCrossRefID");
    DONE(app_ask(crm, "RouteRegisterCancel", "<routeRegisterReqID>1</routeRegisterReqID>"),
         "RouteRegisterCancelResponse");
    DONE(route("1", "1002", ""), "SIP 200");
    CHECK_INT(rang(s.bob), 1);
    REQUIRE(phone_call(s.dan, "700", true, STR_NONE) != NULL);
    service_run(&s, 200);
    CHECK_INT(rang(s.cleo), 1);
    down();
}

/** The same application again takes it over; for all comes after one for the device. */
static void test_taken_over(void)
{
    registered();
    DONE(app_ask(crm, "RouteRegister", "%s", ""), "RouteRegisterResponse 2");
    DONE(app_ask(crm, "RouteRegister", "<routeingDevice>1005</routeingDevice>"),
         "RouteRegisterResponse 3");
    EVENTS("RouteRegisterAbort 1");
    DONE(app_ask(crm, "RouteRegisterCancel", "<routeRegisterReqID>3</routeRegisterReqID>"),
         "RouteRegisterCancelResponse");
    app_forget(crm);
    call("");
    EVENTS(REQUEST);
    down();
}

/* ---- memory that fails ---- */

static size_t starved(size_t at)
{
    static char where[64];
    size_t before, calls;
    (void)snprintf(where, sizeof(where), "allocation %zu", at);
    test_context(where);
    registered();
    s.w.where = where;
    s.w.hard = true;
    before = s.w.mem.calls;
    s.w.mem.fail_at = at == 0 ? 0 : before + at;
    (void)phone_call(s.ann, "700", true, STR("User-to-User: " SERVICE_UUI "\r\n"));
    service_run(&s, 500);
    s.bob->on_call = 486;
    (void)route("1", "1002", "<correlatorData><string>4142</string></correlatorData>");
    service_run(&s, 500);
    (void)route("1", "1004", "<routeUsedReq>true</routeUsedReq>");
    service_run(&s, 500);
    if (s.dan->s.leg != NULL) {
        (void)phone_answer(s.dan);
    }
    service_run(&s, 500);
    calls = s.w.mem.calls - before;
    s.w.mem.fail_at = 0;
    service_run(&s, 40000);
    down();
    test_context(NULL);
    return calls;
}

static void test_memory(void)
{
    size_t n = starved(0);
    CHECK(n > 20);
    for (size_t at = 1; at <= n; at++) {
        (void)starved(at);
    }
}

TEST_MAIN(T(test_selected), T(test_unfit_routed), T(test_watched), T(test_nobody_registered),
          T(test_too_late), T(test_waits_long), T(test_application_ends_it), T(test_rejected),
          T(test_caller_hangs_up), T(test_application_dies), T(test_application_is_deaf),
          T(test_answers_twice), T(test_bad_answers), T(test_rerouted), T(test_no_retries),
          T(test_alternates), T(test_rerouted_for_ever), T(test_answer_in_the_response),
          T(test_error_in_the_response), T(test_no_targets), T(test_registrations),
          T(test_taken_over), T(test_memory))
