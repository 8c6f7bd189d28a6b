/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones that speak uaCSTA, commanded and watched over a session of ours: it is opened over
 * the flow on which they registered, kept, and made anew when it is lost.
 */
#include "tel.h"

#include "base/err.h"
#include <stdio.h>

static struct world w;
static struct tel tel;

static void with_phone(struct world *world)
{
    world->device[0].phone_profile = STR("generic");
    world->config.phone.refresh_s = 60;
}

static void up_over(enum transport t)
{
    tel_world_up(&tel, &w, &(struct world_options){.tweak = with_phone, .transport = t});
}

static void up(void)
{
    up_over(TP_UDP);
}

static const char *monitor(void)
{
    const char *ref = world_monitor(&w, &w.crm, "1001");
    world_run(&w, 100);
    app_forget(&w.crm);
    return ref;
}

static const char *told(const char *ref)
{
    world_run(&w, 300);
    return app_events(&w.crm, ref);
}

/** RequestSystemStatus in the INVITE, then monitor, calls, switches. */
static void test_open(void)
{
    up();
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    CHECK_INT(world_stat(&w, "phones_monitored"), 1);
    CHECK_STR(str_c(tel.asked), "GetCSTAFeatures MonitorStart SnapshotDevice GetDoNotDisturb "
                                "GetForwarding GetMessageWaitingIndicator ");
    struct str invite = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "INVITE", 0);
    CHECK(str_find(invite, STR("<RequestSystemStatus ")) < invite.n);
    CHECK_BYTES(str_trim(wire_raw(invite, "Content-Type", 0)), STR("application/csta+xml"));
    CHECK_BYTES(str_trim(wire_raw(invite, "Content-Disposition", 0)),
                STR("signal;handling=required"));
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE"), 0);
    world_down(&w);
}

/** A call that does not come here is followed, event by event. */
static void test_foreign_in(void)
{
    up();
    const char *ref = monitor();
    tel_delivered(&tel, "-12", "1001", "sip:777@elsewhere.net", "1001", "alerting");
    CHECK_STR(str_c(told(ref)), "Delivered c1:1001 alerting newCall 777>1001");
    CHECK_INT(tel.event_status, 200);
    tel_delivered(&tel, "-12", "1001", "sip:777@elsewhere.net", "1001", "alerting");
    tel_established(&tel, "-12", "1001", "sip:777@elsewhere.net", "1001");
    app_forget(&w.crm);
    CHECK_STR(str_c(told(ref)), "Established c1:1001 connected normal 777>1001");
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    app_forget(&w.crm);
    tel_held(&tel, "-12", true);
    CHECK_STR(str_c(told(ref)), "Held c1:1001 hold normal");
    app_forget(&w.crm);
    tel_held(&tel, "-12", false);
    CHECK_STR(str_c(told(ref)), "Retrieved c1:1001 connected normal");
    app_forget(&w.crm);
    tel_cleared(&tel, "-12", "1001", "null");
    CHECK_STR(str_c(told(ref)), "Cleared c1:1001 null normalClearing by=1001");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** One that goes out waits for its INVITE; none comes, so all is told. */
static void test_foreign_out(void)
{
    up();
    const char *ref = monitor();
    tel_originated(&tel, "5", "sip:888@elsewhere.net");
    CHECK_STR(str_c(told(ref)), "");
    world_run(&w, 400);
    CHECK_STR(str_c(told(ref)), "Originated c1:1001 connected newCall 1001>888");
    app_forget(&w.crm);
    tel_delivered(&tel, "5", "sip:888@elsewhere.net", "1001", "sip:888@elsewhere.net",
                  "connected");
    CHECK_STR(str_c(told(ref)), "Delivered c1:888 connected newCall 1001>888");
    app_forget(&w.crm);
    tel_established(&tel, "5", "sip:888@elsewhere.net", "1001", "sip:888@elsewhere.net");
    CHECK_STR(str_c(told(ref)), "Established c1:888 connected normal 1001>888");
    app_forget(&w.crm);
    tel_cleared(&tel, "5", "sip:888@elsewhere.net", "null");
    CHECK_STR(str_c(told(ref)), "Cleared c1:1001 null normalClearing by=888");
    world_down(&w);
}

/** The leg ends with the answer; what Baton bridges, the phone need not tell. */
static void test_anchored(void)
{
    up();
    const char *ref = monitor();
    REQUIRE(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
    CHECK_STR(str_c(told(ref)), "Delivered c1:1001 alerting newCall 1002>1001");
    tel_delivered(&tel, "3", "1001", "1002", "1001", "alerting");
    world_run(&w, 200);
    phone_answer(PHONE(&w, 0));
    tel_established(&tel, "3", "1001", "1002", "1001");
    app_forget(&w.crm);
    CHECK_STR(str_c(told(ref)), "Established c1:1001 connected newCall 1002>1001");
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    CHECK_INT(world_stat(&w, "phone_events_known"), 2);
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    tel_cleared(&tel, "3", "1001", "null");
    app_forget(&w.crm);
    CHECK_STR(str_c(told(ref)), "Cleared c1:1001 null normalClearing by=1002");
    CHECK_INT(world_stat(&w, "phone_calls"), 0);
    world_down(&w);
}

/** It tells of its call before the INVITE is let in. */
static void test_anchored_out(void)
{
    up();
    const char *ref = monitor();
    tel_originated(&tel, "4", "1002");
    REQUIRE(phone_call(PHONE(&w, 0), "1002", true, STR_NONE) != NULL);
    world_run(&w, 1500);
    CHECK_STR(str_c(told(ref)), "Originated c1:1001 connected newCall 1001>1002; "
                                "Delivered c1:1002 connected newCall 1001>1002");
    tel_delivered(&tel, "4", "1002", "1001", "1002", "connected");
    app_forget(&w.crm);
    CHECK_STR(str_c(told(ref)), "");
    CHECK_INT(world_stat(&w, "phone_calls"), 0);
    world_down(&w);
}

/** AnswerCall of a bridged call: the phone does it, which nobody else can. */
static void test_answer(void)
{
    up();
    const char *ref = monitor();
    REQUIRE(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
    world_run(&w, 200);
    tel_delivered(&tel, "3", "1001", "1002", "1001", "alerting");
    world_run(&w, 200);
    tel_forget(&tel);
    struct ask *q =
        app_on_connection(&w.crm, "AnswerCall", "callToBeAnswered", "c1", "1001", "");
    world_run(&w, 200);
    CHECK_STR(str_c(tel.asked), "AnswerCall ");
    CHECK(strstr(tel.last, "<callID>3</callID>") != NULL);
    CHECK_INT(q->answers, 1);
    CHECK_STR(str_c(q->text), "AnswerCallResponse");
    phone_answer(PHONE(&w, 0));
    app_forget(&w.crm);
    CHECK_STR(str_c(told(ref)), "Established c1:1001 connected newCall 1002>1001");
    world_down(&w);
}

static struct ask *service(const char *name, const char *element, const char *more)
{
    struct ask *q = app_on_connection(&w.crm, name, element, "c1", "1001", more);
    return world_asked(&w, q, 300);
}

/** Commands on a call of its own: as it names it. */
static void test_commands(void)
{
    up();
    const char *ref = monitor();
    tel_delivered(&tel, "-9", "1001", "777", "1001", "alerting");
    (void)told(ref);
    CHECK_STR(str_c(service("AnswerCall", "callToBeAnswered", "")->text), "AnswerCallResponse");
    CHECK(strstr(tel.last, "<callID>-9</callID>") != NULL);
    CHECK(strstr(tel.last, "<deviceID>sip:1001@example.com</deviceID>") != NULL);
    tel_established(&tel, "-9", "1001", "777", "1001");
    world_run(&w, 100);
    CHECK_STR(str_c(service("HoldCall", "callToBeHeld", "")->text), "HoldCallResponse");
    tel_held(&tel, "-9", true);
    world_run(&w, 100);
    CHECK_STR(str_c(service("RetrieveCall", "callToBeRetrieved", "")->text),
              "RetrieveCallResponse");
    tel_held(&tel, "-9", false);
    world_run(&w, 100);
    CHECK_STR(str_c(service("RetrieveCall", "callToBeRetrieved", "")->text),
              "stateIncompatibility/noHeldCall");
    CHECK_STR(str_c(service("ClearConnection", "connectionToBeCleared", "")->text),
              "ClearConnectionResponse");
    CHECK_STR(str_c(tel.asked + strlen(tel.asked) - strlen("ClearConnection ")),
              "ClearConnection ");
    tel_cleared(&tel, "-9", "1001", "null");
    world_run(&w, 100);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** What the phone refuses is refused, and what it has not is not asked for again. */
static void test_refused(void)
{
    up();
    const char *ref = monitor();
    tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
    tel_established(&tel, "1", "1001", "777", "1001");
    (void)told(ref);
    tel_say(&tel, "HoldCall",
            "<CSTAErrorCode xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/"
            "ed3\"><operation>serviceNotSupported</operation></CSTAErrorCode>");
    CHECK_STR(str_c(service("HoldCall", "callToBeHeld", "")->text),
              "operation/serviceNotSupported");
    tel_forget(&tel);
    CHECK_STR(str_c(service("HoldCall", "callToBeHeld", "")->text),
              "operation/serviceNotSupported");
    CHECK_STR(str_c(tel.asked), "");
    tel_say(&tel, "SingleStepTransferCall", "501");
    CHECK_STR(str_c(service("SingleStepTransferCall", "activeCall",
                            "<transferredTo>1003</transferredTo>")
                        ->text),
              "operation/serviceNotSupported");
    tel_cleared(&tel, "1", "1001", "null");
    world_run(&w, 100);
    world_down(&w);
}

static const char held_by_snapshot[] =
    "<snapshotDeviceResponseInfo><connectionIdentifier><callID>1</callID>"
    "<deviceID>1001</deviceID></connectionIdentifier><localCallState>"
    "<compoundCallState><localConnectionState>hold</localConnectionState>"
    "<localConnectionState>connected</localConnectionState>"
    "</compoundCallState></localCallState></snapshotDeviceResponseInfo>";

/** The first sign that the phone has begun anew is its REGISTER. */
static void test_restart(void)
{
    up();
    const char *ref = monitor();
    tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
    tel_established(&tel, "1", "1001", "777", "1001");
    (void)told(ref);
    app_forget(&w.crm);
    tel_reboot(&tel);
    snprintf(PHONE(&w, 0)->register_id, sizeof(PHONE(&w, 0)->register_id), "anew");
    phone_register(PHONE(&w, 0), 3600);
    world_run(&w, 1500);
    CHECK_INT(tel.sessions, 2);
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    CHECK_STR(str_c(told(ref)), "Cleared c1:1001 null normal by=1001; BackInService 1001");
    CHECK_INT(world_stat(&w, "phone_resynced"), 1);
    struct str event = wire_find(&w.wire, ENGINE(&w), &w.crm.s.node, "INFO<resynced", 0);
    CHECK(str_find(event, STR("reason=\"restarted\"")) < event.n);
    CHECK(str_find(event, STR("changes=\"1\"")) < event.n);
    world_down(&w);
}

/** A phone that registered over a connection of its own is asked over that one, and over the
    next one when that has broken; what happened meanwhile is made up for. */
static void test_over_a_connection(void)
{
    static const enum transport all[] = {TP_TCP, TP_TLS};
    static const char *const via[] = {"SIP/2.0/TCP ", "SIP/2.0/TLS "};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        up_over(all[i]);
        const char *ref = monitor();
        tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
        tel_established(&tel, "1", "1001", "777", "1001");
        CHECK_STR(str_c(told(ref)), "Delivered c1:1001 alerting newCall 777>1001; Established "
                                    "c1:1001 connected normal 777>1001");
        app_forget(&w.crm);
        CHECK(vnet_close(&w.net, PHONE_NODE(&w, 0), ENGINE(&w)) > 0);
        tel.snapshot = held_by_snapshot;
        phone_register(PHONE(&w, 0), 3600);
        world_run(&w, 61000);
        CHECK_INT(tel.sessions, 2);
        CHECK_INT(world_stat(&w, "phone_sessions"), 1);
        CHECK_INT(world_stat(&w, "phones_monitored"), 1);
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "INVITE"), 2);
        struct str again = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "INVITE", 1);
        CHECK(str_starts(str_trim(wire_raw(again, "Via", 0)), str_c(via[i])));
        CHECK_STR(str_c(told(ref)), "Held c1:1001 hold normal; BackInService 1001");
        app_forget(&w.crm);
        tel_cleared(&tel, "1", "1001", "null");
        CHECK_STR(str_c(told(ref)), "Cleared c1:1001 null normalClearing by=1001");
        world_down(&w);
    }
}

/** It forgets its session: 481 is found out by the next question, and the calls are kept. */
static void test_481(void)
{
    up();
    const char *ref = monitor();
    tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
    tel_established(&tel, "1", "1001", "777", "1001");
    (void)told(ref);
    app_forget(&w.crm);
    tel_reboot(&tel);
    tel.snapshot = held_by_snapshot;
    world_run(&w, 61000);
    CHECK_INT(tel.sessions, 2);
    CHECK_STR(str_c(told(ref)), "Held c1:1001 hold normal; BackInService 1001");
    struct str event = wire_find(&w.wire, ENGINE(&w), &w.crm.s.node, "INFO<resynced", 0);
    CHECK(str_find(event, STR("reason=\"unknownSession\"")) < event.n);
    tel_cleared(&tel, "1", "1001", "null");
    world_run(&w, 100);
    world_down(&w);
}

/** A phone that answers nothing any more is given up, and tried again less and less often. */
static void test_silent(void)
{
    up();
    tel.silent = true;
    tel.take = 0;
    world_run(&w, 600000);
    CHECK(tel.sessions >= 8 && tel.sessions <= 13);
    CHECK_INT(world_stat(&w, "phone_sessions"), 0);
    tel.silent = false;
    tel.take = 200;
    world_run(&w, 100000);
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    world_down(&w);
}

/** Speaker, microphone, ringer, hookswitch. */
static void test_body(void)
{
    up();
    const char *ref = monitor();
    tel_say(&tel, "GetSpeakerMute",
            "<GetSpeakerMuteResponse xmlns=\"http://www.ecma-international.org/standards/"
            "ecma-323/csta/ed5\"><speakerMuteList><speakerMuteItem><auditoryApparatus>1"
            "</auditoryApparatus><speakerMuteOn>true</speakerMuteOn></speakerMuteItem>"
            "</speakerMuteList></GetSpeakerMuteResponse>");
    struct ask *q = app_ask(&w.crm, "GetSpeakerMute", "<device>1001</device>");
    world_run(&w, 300);
    CHECK_INT(q->answers, 1);
    CHECK(q->msg.id == CSTA_MSG_GET_SPEAKER_MUTE_RESPONSE);
    CHECK(strstr(tel.last, "<device>sip:1001@example.com</device>") != NULL);
    q = app_ask(&w.crm, "SetSpeakerMute",
                "<device>1001</device><speakerMuteOn>true</speakerMuteOn>");
    world_run(&w, 300);
    CHECK(q->msg.id == CSTA_MSG_SET_SPEAKER_MUTE_RESPONSE);
    q = app_ask(&w.crm, "GetSpeakerMute", "<device>1002</device>");
    world_run(&w, 300);
    CHECK_STR(str_c(q->text), "operation/serviceNotSupported");
    tel_event(&tel, "SpeakerMuteEvent",
              "<invokingDevice><deviceIdentifier>1001</deviceIdentifier></invokingDevice>"
              "<auditoryApparatus>1</auditoryApparatus><speakerMuteOn>true</speakerMuteOn>");
    (void)told(ref);
    struct str event =
        wire_find(&w.wire, ENGINE(&w), &w.crm.s.node, "INFO<SpeakerMuteEvent", 0);
    CHECK(str_find(event, STR("<speakerMuteOn>true</speakerMuteOn>")) < event.n);
    CHECK(str_find(event, STR("<deviceIdentifier>1001</deviceIdentifier>")) < event.n ||
          str_find(event, STR("sip:1001@example.com")) < event.n);
    world_down(&w);
}

static bool body_has(const struct ask *q, const char *text)
{
    struct str m = wire_find(&w.wire, ENGINE(&w), &w.crm.s.node, "200 INFO",
                             wire_count(&w.wire, ENGINE(&w), &w.crm.s.node, "200 INFO") - 1);
    CHECK_INT(q->answers, 1);
    return str_find(m, str_c(text)) < m.n;
}

/** What is announced is what works now. */
static void test_announced(void)
{
    up();
    struct ask *q = app_ask(&w.crm, "GetSwitchingFunctionCaps", "%s", "");
    world_run(&w, 200);
    CHECK(body_has(q, "<advancedEndpointDeviceProfile>true<") ||
          body_has(q, "<speakerUACSTADeviceFeatureProfile>true<"));
    q = app_ask(&w.crm, "GetCSTAFeatures", "%s", "");
    world_run(&w, 200);
    CHECK(body_has(q, "<getSpeakerMute/>"));
    tel.take = 488;
    leg_end(tel.session, 0, NULL, NULL, NULL, station_now(&tel.p->s));
    world_run(&w, 1000);
    q = app_ask(&w.crm, "GetSwitchingFunctionCaps", "%s", "");
    world_run(&w, 200);
    CHECK(body_has(q, "<advancedEndpointDeviceProfile>false<") ||
          body_has(q, "<speakerUACSTADeviceFeatureProfile>false<"));
    q = app_ask(&w.crm, "GetCSTAFeatures", "%s", "");
    world_run(&w, 200);
    CHECK(!body_has(q, "getSpeakerMute"));
    world_down(&w);
}

/** Do not disturb is one switch, at the phone and here. */
static void test_mirror(void)
{
    up();
    const char *ref = monitor();
    tel_event(&tel, "DoNotDisturbEvent",
              "<device><deviceIdentifier>1001</deviceIdentifier></device>"
              "<doNotDisturbOn>true</doNotDisturbOn>");
    tel_forget(&tel);
    CHECK_STR(str_c(told(ref)), "DoNotDisturb 1001 on");
    CHECK_STR(str_c(tel.asked), "");
    struct ask *q = app_ask(&w.crm, "SetDoNotDisturb",
                            "<device>1001</device><doNotDisturbOn>false</doNotDisturbOn>");
    app_forget(&w.crm);
    CHECK_STR(str_c(told(ref)), "DoNotDisturb 1001 off");
    CHECK_INT(q->answers, 1);
    CHECK_STR(str_c(tel.asked), "SetDoNotDisturb ");
    CHECK(strstr(tel.last, "<doNotDisturbOn>false</doNotDisturbOn>") != NULL);
    world_down(&w);
}

TEST_MAIN(T(test_open), T(test_foreign_in), T(test_foreign_out), T(test_anchored),
          T(test_anchored_out), T(test_answer), T(test_commands), T(test_refused),
          T(test_restart), T(test_over_a_connection), T(test_481), T(test_silent), T(test_body),
          T(test_announced), T(test_mirror))
