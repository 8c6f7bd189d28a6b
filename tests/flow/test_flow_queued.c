/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that wait for a busy device as applications see them: Queued with the number of those
 * who wait, the state `queued` in snapshots, and one terminal event for each that was told.
 * (Calls that wait at a routing device: test_flow_routeing.c.)
 */
#include "service.h"

#include <stdio.h>

static struct service s;
static const char *a, *b, *c;

#define CRM (&s.w.crm)
#define QUEUE STR("Request-Disposition: queue\r\nUser-to-User: 68656c6c6f;encoding=hex\r\n")
#define EVENTS(ref, text) CHECK_STR(str_c(app_events(CRM, ref)), text)

static void configure(struct world *w)
{
    w->config.call.queue_s = 40;
}

/** bob is busy, and cleo waits for him as c1. */
static void up(void)
{
    service_up_with_crm(&s, configure);
    a = world_monitor(&s.w, CRM, "1001");
    b = world_monitor(&s.w, CRM, "1002");
    c = world_monitor(&s.w, CRM, "1003");
    s.bob->on_call = 486;
    app_forget(CRM);
    REQUIRE(phone_call(s.cleo, "1002", true, QUEUE) != NULL);
    service_run(&s, 300);
}

static void down(void)
{
    service_down_with_crm(&s);
}

static struct ask *done(struct ask *q)
{
    return world_asked(&s.w, q, 500);
}

static struct ask *snapshot(void)
{
    return done(app_ask(CRM, "SnapshotDevice", "<snapshotObject>1002</snapshotObject>"));
}

static void test_waits(void)
{
    up();
    EVENTS(b, "Queued c1:1002 queued campOn 0/1 1003>1002 uui=hello");
    EVENTS(c, "Originated c1:1003 connected newCall 1003>1002; "
              "Queued c1:1002 connected campOn 0/1 1003>1002 uui=hello");
    EVENTS(a, "");
    ANSWER(snapshot(), "SnapshotDeviceResponse c1:1002 queued,connected with=1003");
    app_forget(CRM);
    s.bob->on_call = 486;
    service_run(&s, 16000); /* asked again, in vain: the place is the one that it was */
    EVENTS(NULL, "");
    s.bob->on_call = 180;
    service_run(&s, 15000);
    EVENTS(b, "Delivered c1:1002 alerting newCall 1003>1002 uui=hello");
    app_forget(CRM);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 300);
    EVENTS(b, "Established c1:1002 connected newCall 1003>1002 uui=hello");
    down();
}

static void test_others_wait_behind(void)
{
    up();
    app_forget(CRM);
    REQUIRE(phone_call(s.dan, "1002", true, STR("Request-Disposition: queue\r\n")) != NULL);
    service_run(&s, 300);
    EVENTS(b, "Queued c2:1002 queued campOn 1/2 1004>1002");
    ANSWER(snapshot(), "SnapshotDeviceResponse c1:1002 queued,connected with=1003 "
                       "c2:1002 queued,connected with=1004");
    app_forget(CRM);
    phone_hang_up(s.cleo, STR_NONE); /* who gives up leaves it */
    service_run(&s, 300);
    EVENTS(b, "Cleared c1:1002 null callCancelled by=1003");
    EVENTS(c, "Cleared c1:1003 null callCancelled by=1003");
    app_forget(CRM);
    REQUIRE(phone_call(s.ann, "1002", true, STR("Request-Disposition: queue\r\n")) != NULL);
    service_run(&s, 300);
    EVENTS(b, "Queued c3:1002 queued campOn 1/2 1001>1002");
    down();
}

/** He waits too long. */
static void test_in_vain(void)
{
    up();
    app_forget(CRM);
    service_run(&s, 41000);
    EVENTS(b, "Cleared c1:1002 null busy by=1002");
    EVENTS(c, "Failed c1:1002 connected busy uui=hello; Cleared c1:1003 null busy by=1003");
    LADDER(&s, s.cleo, ">INVITE <401 >ACK >INVITE <182 <486 >ACK");
    down();
}

/** The application of the busy one refuses him; the caller's takes the call back. */
static void test_cleared(void)
{
    up();
    app_forget(CRM);
    ANSWER(done(app_on_connection(CRM, "ClearConnection", "connectionToBeCleared", "c1", "1002",
                                  "<reason>busy</reason>")),
           "ClearConnectionResponse");
    EVENTS(b, "Cleared c1:1002 null busy by=1002");
    LADDER(&s, s.cleo, ">INVITE <401 >ACK >INVITE <182 <486 >ACK");
    down();
    up();
    app_forget(CRM);
    ANSWER(done(app_on_connection(CRM, "ClearConnection", "connectionToBeCleared", "c1", "1003",
                                  "")),
           "ClearConnectionResponse");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1003");
    EVENTS(c, "Cleared c1:1003 null normalClearing by=1003");
    down();
}

/** What cannot be done with it. */
static void test_refused(void)
{
    up();
    app_forget(CRM);
    ANSWER(done(app_on_connection(CRM, "AnswerCall", "callToBeAnswered", "c1", "1002", "")),
           "stateIncompatibility/noCallToAnswer");
    ANSWER(done(app_on_connection(CRM, "HoldCall", "callToBeHeld", "c1", "1002", "")),
           "stateIncompatibility/noActiveCall");
    EVENTS(NULL, "");
    down();
}

/** Its user forwards his calls meanwhile: told as that, and the place is gone. */
static void test_forwarded(void)
{
    up();
    ANSWER(done(app_ask(CRM, "SetForwarding",
                        "<device>1002</device><activateForward>true</activateForward>"
                        "<forwardDN>1001</forwardDN>")),
           "SetForwardingResponse");
    app_forget(CRM);
    service_run(&s, 16000);
    EVENTS(b, "Diverted c1:1002 null callForwardImmediate to=1001 uui=hello");
    EVENTS(a, "Delivered c1:1001 alerting callForwardImmediate 1003>1002 last=1002 uui=hello");
    down();
}

TEST_MAIN(T(test_waits), T(test_others_wait_behind), T(test_in_vain), T(test_cleared),
          T(test_refused), T(test_forwarded))
