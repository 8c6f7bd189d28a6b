/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSTA sessions as applications live with them: opening, refusing, refreshing, losing; two
 * applications on the same phones; who may do what; what is not CSTA; restart of the server.
 */
#include "world.h"

#include "base/err.h"
#include <stdio.h>

static struct world w;
static struct phone *ann, *bob;

static void up_with(struct world_options o)
{
    world_up(&w, &o);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
}

static void up(void)
{
    up_with((struct world_options){0});
}

static size_t to_app(const struct app *a, const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), &a->s.node, pattern);
}

static struct ask *done(struct ask *q)
{
    return world_asked(&w, q, 500);
}

static struct ask *on(struct app *a, const char *service, const char *element,
                      const char *device)
{
    return done(app_on_connection(a, service, element, "c1", device, ""));
}

/* ---- opening ---- */

static void test_open(void)
{
    up();
    CHECK_INT(to_app(&w.crm, "401 INVITE"), 1);
    CHECK_INT(to_app(&w.crm, "18x INVITE"), 0);
    struct str ok = wire_find(&w.wire, ENGINE(&w), &w.crm.s.node, "200 INVITE", 0);
    CHECK_STR(str_trim(wire_raw(ok, "Content-Type", 0)), "application/csta+xml");
    CHECK_STR(str_trim(wire_raw(ok, "Content-Disposition", 0)), "signal;handling=required");
    CHECK(str_find(w.crm.opened, STR("<systemStatus>normal</systemStatus>")) < w.crm.opened.n);
    CHECK(str_find(w.crm.opened, STR("csta/ed3")) < w.crm.opened.n); /* as it was asked */
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    app_close(&w.crm);
    world_run(&w, 200);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    world_down(&w);
}

static void refused(const char *user, const char *password, unsigned status)
{
    up_with((struct world_options){.no_apps = true});
    w.crm.name = user;
    w.crm.auth.user = str_c(user);
    w.crm.auth.password = str_c(password);
    CHECK(app_open(&w.crm) != NULL);
    world_run(&w, 1000);
    CHECK(!app_is_open(&w.crm));
    CHECK_INT(w.crm.open_status, status);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    world_down(&w);
}

static void test_refused(void)
{
    refused("crm", "guess", 401);
    refused("nobody", "guess", 401);
    refused("1001", "pw1001", 403); /* a phone is no application */
}

/** An application makes calls by CSTA only, and cannot register. */
static void test_application_is_no_phone(void)
{
    up_with((struct world_options){.no_apps = true});
    ann->auth.user = STR("crm");
    ann->auth.password = STR("pwcrm");
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 500);
    CHECK(str_find(str_c(ann->s.log), STR("rejected:403")) < ann->s.log_n);
    CHECK(bob->s.leg == NULL);
    ann->auth.user = STR("1001");
    ann->auth.password = STR("pw1001");
    world_down(&w);
}

static void one_session(struct world *world)
{
    world->config.cti.max_sessions = 1;
    world->config.cti.max_session_monitors = 2;
}

static void test_limits(void)
{
    up_with((struct world_options){.tweak = one_session});
    CHECK(app_open(&w.desk) != NULL);
    world_run(&w, 200);
    CHECK_INT(w.desk.open_status, 503);
    (void)world_monitor(&w, &w.crm, "1001");
    (void)world_monitor(&w, &w.crm, "1001"); /* the same device twice: two monitors */
    ANSWER(done(app_monitor(&w.crm, "1002")),
           "systemResourceAvailibility/overallMonitorLimitExceeded");
    CHECK_INT(world_stat(&w, "csta_monitors"), 2);
    world_down(&w);
}

/* ---- who may do what ---- */

static void test_grants(void)
{
    up();
    CHECK(app_open(&w.desk) != NULL);
    world_run(&w, 200);
    ANSWER(done(app_monitor(&w.desk, "1002")), "operation/privilegeViolationSpecifiedDevice");
    ANSWER(done(app_monitor(&w.desk, "1999")), "operation/invalidDeviceID");
    ANSWER(done(app_make_call(&w.desk, "1002", "1001", false, NULL)),
           "operation/privilegeViolationSpecifiedDevice");
    ANSWER(done(app_ask(&w.desk, "SnapshotDevice", "<snapshotObject>1002</snapshotObject>")),
           "operation/privilegeViolationSpecifiedDevice");
    const char *a = world_monitor(&w, &w.desk, "1001");
    (void)world_monitor(&w, &w.crm, "1002");
    app_forget(&w.desk);
    app_forget(&w.crm);
    REQUIRE(world_call(&w, ann, bob));
    CHECK_STR(str_c(app_events(&w.desk, a)), "Originated c1:1001 connected newCall 1001>1002; "
                                             "Delivered c1:1002 connected newCall 1001>1002; "
                                             "Established c1:1002 connected newCall 1001>1002");
    ANSWER(on(&w.desk, "ClearConnection", "connectionToBeCleared", "1002"),
           "operation/privilegeViolationSpecifiedDevice");
    ANSWER(on(&w.desk, "HoldCall", "callToBeHeld", "1002"),
           "operation/privilegeViolationSpecifiedDevice");
    CHECK(phone_talks(ann) && phone_talks(bob));
    ANSWER(on(&w.desk, "ClearConnection", "connectionToBeCleared", "1001"),
           "ClearConnectionResponse");
    CHECK(bob->s.leg == NULL);
    world_down(&w);
}

/** Two applications see the same; each is told under its own references and in its spelling. */
static void test_two_watchers(void)
{
    up();
    CHECK(app_open(&w.desk) != NULL);
    world_run(&w, 200);
    const char *a1 = world_monitor(&w, &w.crm, "1001");
    const char *a2 = world_monitor(&w, &w.crm, "sip:1001@example.com");
    const char *a3 = world_monitor(&w, &w.desk, "tel:1001");
    CHECK(strcmp(a1, a2) != 0);
    app_forget(&w.crm);
    app_forget(&w.desk);
    REQUIRE(world_call(&w, ann, bob));
    ANSWER(done(app_on_connection(&w.desk, "HoldCall", "callToBeHeld", "c1", "1001", "")),
           "HoldCallResponse");
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 200);
    static const char all[] = "Originated c1:1001 connected newCall 1001>1002; "
                              "Delivered c1:1002 connected newCall 1001>1002; "
                              "Established c1:1002 connected newCall 1001>1002; "
                              "Held c1:1001 hold normal; "
                              "Cleared c1:1001 null normalClearing by=1002";
    CHECK_STR(str_c(app_events(&w.crm, a1)), all);
    CHECK_STR(str_c(app_events(&w.crm, a2)), all);
    CHECK_STR(str_c(app_events(&w.desk, a3)), all);
    CHECK_STR(str_c(w.desk.note[w.desk.notes - 1].device), "tel:1001");
    world_down(&w);
}

/** Both clear the same connection: one did it, the other is told that it is gone. */
static void test_two_clear(void)
{
    up();
    CHECK(app_open(&w.desk) != NULL);
    world_run(&w, 200);
    (void)world_monitor(&w, &w.crm, "1001");
    REQUIRE(world_call(&w, ann, bob));
    struct ask *one =
        app_on_connection(&w.crm, "ClearConnection", "connectionToBeCleared", "c1", "1001", "");
    struct ask *two = app_on_connection(&w.desk, "ClearConnection", "connectionToBeCleared",
                                        "c1", "1001", "");
    world_run(&w, 500);
    ANSWER(one, "ClearConnectionResponse");
    ANSWER(two, "operation/invalidConnectionID");
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    world_down(&w);
}

/* ---- requests that are none ---- */

static void test_bad_requests(void)
{
    static const struct {
        const char *body, *want;
    } row[] = {
        {"this is no XML", "SIP 400"},
        {"<MakeCall", "SIP 400"},
        {"<!DOCTYPE a [<!ENTITY b \"c\">]><MakeCall>&b;</MakeCall>", "SIP 400"},
        {"<FlyToTheMoon xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed5\"/>",
         "operation/serviceNotSupported"},
        {"<IntrudeCall xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed5\"/>",
         "operation/serviceNotSupported"},
        {"<MonitorStop><monitorCrossRefID>77</monitorCrossRefID></MonitorStop>",
         "operation/invalidMonitorCrossRefID"},
        {"<MonitorStart><monitorObject><callObject><callID>1</callID><deviceID>1001</deviceID>"
         "</callObject></monitorObject></MonitorStart>",
         "operation/invalidConnectionID"},
        {"<HoldCall><callToBeHeld/></HoldCall>",
         "operation/atLeastOneConditionalParameterNotProvided"},
        {"<HoldCall><callToBeHeld><callID>nosuch</callID><deviceID>1001</deviceID>"
         "</callToBeHeld></HoldCall>",
         "operation/invalidConnectionID"},
        {"<HoldCall><callToBeHeld><deviceID>1001</deviceID></callToBeHeld></HoldCall>",
         "stateIncompatibility/noActiveCall"},
        {"<RequestSystemStatusResponse><systemStatus>normal</systemStatus>"
         "</RequestSystemStatusResponse>",
         "SIP 200"},
    };
    up();
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct ask *q = done(app_ask_raw(&w.crm, "raw", row[i].body));
        test_context(row[i].body);
        ANSWER(q, row[i].want);
        test_context(NULL);
    }
    CHECK_INT(world_stat(&w, "csta_requests"), world_stat(&w, "csta_answered"));
    ANSWER(done(app_ask(&w.crm, "RequestSystemStatus", "%s", "")),
           "RequestSystemStatusResponse"); /* the session is as it was */
    CHECK_INT(world_stat(&w, "calls_made"), 0);
    world_down(&w);
}

/** Other content in the session's dialog. */
static void test_other_content(void)
{
    struct leg_content sdp = {.type = STR("text/plain"), .body = STR("hello")};
    struct leg_content none = {0};
    up();
    struct station *s = &w.crm.s;
    CHECK_INT(
        leg_send(s->leg, NULL, STR("INFO"), &sdp, station_listen, s, NULL, station_now(s)), 0);
    world_run(&w, 100);
    CHECK_INT(s->last_status, 415);
    CHECK_STR(station_last(s, "Accept"), "application/csta+xml, multipart/mixed");
    CHECK_INT(
        leg_send(s->leg, NULL, STR("INFO"), &none, station_listen, s, NULL, station_now(s)), 0);
    world_run(&w, 100);
    CHECK_INT(s->last_status, 200);
    CHECK_INT(
        leg_send(s->leg, NULL, STR("MESSAGE"), &sdp, station_listen, s, NULL, station_now(s)),
        0);
    world_run(&w, 100);
    CHECK_INT(s->last_status, 405);
    CHECK(app_is_open(&w.crm));
    world_down(&w);
}

/** An INFO that is repeated because its answer was lost is served once. */
static void test_answer_lost(void)
{
    up();
    ann->obeys_auto = true;
    wire_lose(&w.wire, ENGINE(&w), &w.crm.s.node, "200 INFO", 0, 3);
    struct ask *q = app_make_call(&w.crm, "1001", "1002", false, NULL);
    world_run(&w, 10000);
    CHECK_INT(q->answers, 1);
    ANSWER(q, "MakeCallResponse c1:1001");
    CHECK_INT(world_stat(&w, "calls_made"), 1);
    CHECK_INT(world_stat(&w, "csta_requests"), 2); /* with the one that opened the session */
    world_down(&w);
}

/** Credentials that were recorded open no second session; forged tags reach none. */
static void test_intruder(void)
{
    struct hop hop;
    up();
    hop = vnet_hop(ENGINE(&w), TP_UDP);
    struct str sent = wire_find(&w.wire, &w.crm.s.node, ENGINE(&w), "INVITE", 1);
    struct raw thief;
    raw_up(&thief, &w.net, "thief", "10.0.9.9");
    raw_sendf(&thief, &hop,
              "INVITE sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.9.9;branch=z9hG4bKt\n"
              "Max-Forwards: 70\nFrom: <sip:crm@example.com>;tag=1\nTo: <sip:example.com>\n"
              "Call-ID: thief\nCSeq: 1 INVITE\nContact: <sip:crm@10.0.9.9>\n"
              "Authorization:%.*s\nContent-Type: application/csta+xml\n\n"
              "<RequestSystemStatus/>",
              STR_ARG(wire_raw(sent, "Authorization", 0)));
    world_run(&w, 100);
    struct text_msg t = world_take(&thief, "401 INVITE");
    text_free(&t);
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    CHECK_INT(world_stat(&w, "auth_replayed"), 1);
    struct str info = wire_find(&w.wire, &w.crm.s.node, ENGINE(&w), "ACK", 0);
    raw_sendf(&thief, &hop,
              "INFO sip:baton@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.9.9;branch=z9hG4bKu\n"
              "Max-Forwards: 70\nFrom:%.*sx\nTo:%.*s\nCall-ID:%.*s\nCSeq: 9 INFO\n"
              "Content-Type: application/csta+xml\n\n<RequestSystemStatus/>",
              STR_ARG(wire_raw(info, "From", 0)), STR_ARG(wire_raw(info, "To", 0)),
              STR_ARG(wire_raw(info, "Call-ID", 0)));
    world_run(&w, 100);
    t = world_take(&thief, "481 INFO");
    text_free(&t);
    ANSWER(done(app_ask(&w.crm, "RequestSystemStatus", "%s", "")),
           "RequestSystemStatusResponse");
    world_down(&w);
    raw_down(&thief);
}

/* ---- refreshing ---- */

/** re-INVITE with the request again, without a body, UPDATE: the same session, with monitors.
 */
static void test_refresh(void)
{
    struct leg_content csta = {
        .lines = STR("Content-Disposition: signal;handling=required\r\n"),
        .type = STR("application/csta+xml"),
        .body = STR("<RequestSystemStatus xmlns=\"http://www.ecma-"
                    "international.org/standards/ecma-323/csta/ed3\"/>")};
    struct leg_content none = {0};
    up();
    struct station *s = &w.crm.s;
    const char *a = world_monitor(&w, &w.crm, "1001");
    app_forget(&w.crm);
    s->auto_ack = true;
    for (int i = 0; i < 3; i++) {
        CHECK_INT(leg_send(s->leg, NULL, i < 2 ? STR("INVITE") : STR("UPDATE"),
                           i == 0 ? &csta : &none, station_listen, s, NULL, station_now(s)),
                  0);
        world_run(&w, 200);
        CHECK_INT(s->last_status, 200);
    }
    struct str ok = wire_find(&w.wire, ENGINE(&w), &s->node, "200 INVITE", 1);
    CHECK(str_find(wire_body(ok), STR("<systemStatus>normal</systemStatus>")) <
          wire_body(ok).n);
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    CHECK_INT(world_stat(&w, "csta_monitors"), 1);
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 200);
    CHECK_STR(str_c(app_events(&w.crm, a)), "Originated c1:1001 connected newCall 1001>1002; "
                                            "Delivered c1:1002 connected newCall 1001>1002");
    world_down(&w);
}

/** Session timers keep it for hours; without a sign of life it ends. */
static void test_session_timer(void)
{
    up_with((struct world_options){.app_leg.session_expires_s = 300, .app_leg.min_se_s = 90});
    (void)world_monitor(&w, &w.crm, "1001");
    world_run(&w, 3000000);
    CHECK(app_is_open(&w.crm));
    CHECK_INT(world_stat(&w, "csta_monitors"), 1);
    leg_free(w.crm.s.leg); /* the application crashes */
    w.crm.s.leg = NULL;
    world_run(&w, 400000);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    CHECK_INT(world_stat(&w, "csta_monitors"), 0);
    world_down(&w);
}

/* ---- losing it ---- */

/** The client is gone (481 to an event): the session ends, the call does not. */
static void test_client_forgot(void)
{
    up();
    (void)world_monitor(&w, &w.crm, "1001");
    leg_free(w.crm.s.leg);
    w.crm.s.leg = NULL;
    REQUIRE(world_call(&w, ann, bob));
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    CHECK_INT(world_stat(&w, "csta_monitors"), 0);
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK(app_open(&w.crm) != NULL); /* and it comes back */
    world_run(&w, 200);
    CHECK(app_is_open(&w.crm));
    ANSWER(done(app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>")),
           "SnapshotDeviceResponse c1:1001 connected,connected with=1002");
    w.hard = true; /* the first session's events ended nowhere */
    world_down(&w);
}

/** It never answers events: over UDP that ends the session, over a stream it does not. */
static void test_mute_client(void)
{
    up();
    const char *a = world_monitor(&w, &w.crm, "1001");
    w.crm.mute = true;
    REQUIRE(world_call(&w, ann, bob));
    world_run(&w, 40000);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    CHECK(phone_talks(ann) && phone_talks(bob));
    w.hard = true;
    world_down(&w);
    up_with((struct world_options){.transport = TP_TCP});
    a = world_monitor(&w, &w.crm, "1001");
    app_forget(&w.crm);
    w.crm.mute = true;
    REQUIRE(world_call(&w, ann, bob));
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 40000);
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    CHECK_STR(str_c(app_events(&w.crm, a)), "Originated c1:1001 connected newCall 1001>1002; "
                                            "Delivered c1:1002 connected newCall 1001>1002; "
                                            "Established c1:1002 connected newCall 1001>1002; "
                                            "Cleared c1:1001 null normalClearing by=1001");
    world_down(&w);
}

/** Refusals of events other than 481 are passed over. */
static void test_events_refused(void)
{
    up();
    const char *a = world_monitor(&w, &w.crm, "1001");
    app_forget(&w.crm);
    w.crm.event_status = 500;
    REQUIRE(world_call(&w, ann, bob));
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 500);
    CHECK_STR(str_c(app_events(&w.crm, a)), "Originated c1:1001 connected newCall 1001>1002; "
                                            "Delivered c1:1002 connected newCall 1001>1002; "
                                            "Established c1:1002 connected newCall 1001>1002; "
                                            "Cleared c1:1001 null normalClearing by=1001");
    world_down(&w);
}

static void small_journal(struct world *world)
{
    world->config.cti.max_unsent = 4;
}

/** Too far behind: closed with a reason, not fed a history with holes. */
static void test_messages_lost(void)
{
    up_with((struct world_options){.tweak = small_journal});
    (void)world_monitor(&w, &w.crm, "1001");
    w.crm.mute = true;
    for (int i = 0; i < 2; i++) {
        REQUIRE(world_call(&w, ann, bob));
        phone_hang_up(ann, STR_NONE);
        world_run(&w, 200);
    }
    CHECK_INT(world_stat(&w, "csta_gaps"), 1);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    struct str bye = wire_find(&w.wire, ENGINE(&w), &w.crm.s.node, "BYE", 0);
    CHECK(str_find(wire_raw(bye, "Reason", 0), STR("messagesLost")) < bye.n);
    CHECK(w.crm.s.leg == NULL);
    w.hard = true;
    world_down(&w);
}

/** The session ends while a hold waits for the phone: the hold is done, nobody is told. */
static void test_close_while_pending(void)
{
    for (uint32_t ms = 0; ms <= 40; ms += 5) {
        up();
        (void)world_monitor(&w, &w.crm, "1001");
        REQUIRE(world_call(&w, ann, bob));
        struct ask *q = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
        world_run(&w, ms);
        app_close(&w.crm);
        world_run(&w, 1000);
        CHECK_INT(q->answers, 1); /* 200, or 487 from the end of the dialog */
        CHECK(phone_talks(ann) && phone_talks(bob));
        CHECK_INT(bob->media.remote_dir, SDP_SENDONLY);
        w.hard = true; /* the call outlives the session that watched it */
        world_down(&w);
    }
}

/** A monitor that is stopped is silent. */
static void test_monitor_stop(void)
{
    up();
    const char *a = world_monitor(&w, &w.crm, "1001"), *b = world_monitor(&w, &w.crm, "1001");
    app_forget(&w.crm);
    ANSWER(done(app_ask(&w.crm, "MonitorStop", "<monitorCrossRefID>%s</monitorCrossRefID>", a)),
           "MonitorStopResponse");
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 200);
    CHECK_STR(str_c(app_events(&w.crm, a)), "");
    CHECK_STR(str_c(app_events(&w.crm, b)), "Originated c1:1001 connected newCall 1001>1002; "
                                            "Delivered c1:1002 connected newCall 1001>1002");
    ANSWER(done(app_ask(&w.crm, "MonitorStop", "<monitorCrossRefID>%s</monitorCrossRefID>", a)),
           "operation/invalidMonitorCrossRefID");
    world_down(&w);
}

/** A monitor that is started in the middle of a call, and the snapshot that belongs to it. */
static void test_monitor_existing(void)
{
    up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    const char *b = world_monitor(&w, &w.crm, "1002");
    app_forget(&w.crm);
    ANSWER(done(app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1002</snapshotObject>")),
           "SnapshotDeviceResponse c1:1002 alerting,connected with=1001");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 100);
    CHECK_STR(str_c(app_events(&w.crm, b)), "Established c1:1002 connected newCall 1001>1002");
    world_down(&w);
}

/* ---- restart and shutdown ---- */

/** The server restarts: 481 to what it has forgotten; the client opens, monitors, snapshots. */
static void test_restart(void)
{
    up();
    (void)world_monitor(&w, &w.crm, "1001");
    REQUIRE(world_call(&w, ann, bob));
    world_restart(&w);
    struct ask *q = app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    world_run(&w, 500);
    CHECK_INT(q->answers, 1);
    ANSWER(q, "SIP 481");
    CHECK(w.crm.s.leg == NULL);
    CHECK_INT(station_send(&ann->s, "INFO", STR_NONE), 0); /* the phones find out as well */
    CHECK_INT(station_send(&bob->s, "INFO", STR_NONE), 0);
    world_run(&w, 500);
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    CHECK(app_open(&w.crm) != NULL);
    world_run(&w, 200);
    CHECK(app_is_open(&w.crm));
    app_forget(&w.crm);
    const char *a = world_monitor(&w, &w.crm, "1001");
    CHECK_STR(str_c(app_events(&w.crm, a)), ""); /* not registered yet */
    ANSWER(done(app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>")),
           "SnapshotDeviceResponse");
    phone_register(ann, 3600); /* the registrations were forgotten too */
    phone_register(bob, 3600);
    world_run(&w, 300);
    CHECK_INT(ann->register_status, 200);
    CHECK_STR(str_c(app_events(&w.crm, a)), "BackInService 1001");
    REQUIRE(world_call(&w, ann, bob));
    CHECK_STR(str_c(app_events(&w.crm, a)),
              "BackInService 1001; Originated c2:1001 connected newCall 1001>1002; "
              "Delivered c2:1002 connected newCall 1001>1002; "
              "Established c2:1002 connected newCall 1001>1002");
    w.hard = true; /* the events of the first call ended with the server */
    world_down(&w);
}

/** Shutdown: BYE to all, 503 to what is new, and then there is nothing left. */
static void test_stop(void)
{
    up_with((struct world_options){.phones = 4});
    const char *a = world_monitor(&w, &w.crm, "1001");
    struct phone *cleo = PHONE(&w, 2);
    REQUIRE(world_call(&w, ann, bob));
    REQUIRE(phone_call(cleo, "1004", true, STR_NONE) != NULL);
    world_run(&w, 200);
    app_forget(&w.crm);
    engine_stop(w.engine, w.net.now_ms);
    world_run(&w, 300);
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL && cleo->s.leg == NULL);
    CHECK(PHONE(&w, 3)->s.leg == NULL);
    CHECK(w.crm.s.leg == NULL);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &cleo->s.node, "503 INVITE"), 1);
    CHECK_STR(str_c(app_events(&w.crm, a)),
              "Cleared c1:1001 null switchingFunctionTerminated by=1001");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 300);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &ann->s.node, "503 INVITE"), 1);
    world_run(&w, 40000);
    CHECK(engine_idle(w.engine));
    for (size_t i = 0; i < w.phones; i++) {
        w.phone[i].register_status = 0; /* nobody takes their leave now */
    }
    w.hard = true;
    world_down(&w);
}

/** An event that will never be answered, in a session that has ended, does not hold the stop
 * up. */
static void test_stop_with_an_event_in_flight(void)
{
    up();
    (void)world_monitor(&w, &w.crm, "1001");
    wire_lose(&w.wire, ENGINE(&w), &w.crm.s.node, "INFO", 0, 1000);
    REQUIRE(world_call(&w, ann, bob));
    app_close(&w.crm);
    world_run(&w, 200);
    CHECK_INT(world_stat(&w, "dialog_legs"), 3); /* it waits for its INFO all the same */
    engine_stop(w.engine, w.net.now_ms);
    world_run(&w, 300);
    CHECK(engine_idle(w.engine));
    for (size_t i = 0; i < w.phones; i++) {
        w.phone[i].register_status = 0;
    }
    w.hard = true;
    world_down(&w);
}

TEST_MAIN(T(test_stop_with_an_event_in_flight), T(test_open), T(test_refused),
          T(test_application_is_no_phone), T(test_limits), T(test_grants), T(test_two_watchers),
          T(test_two_clear), T(test_bad_requests), T(test_other_content), T(test_answer_lost),
          T(test_intruder), T(test_refresh), T(test_session_timer), T(test_client_forgot),
          T(test_mute_client), T(test_events_refused), T(test_messages_lost),
          T(test_close_while_pending), T(test_monitor_stop), T(test_monitor_existing),
          T(test_restart), T(test_stop))
