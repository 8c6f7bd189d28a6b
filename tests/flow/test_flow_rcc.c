/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remote call control as Microsoft's clients do it, in the words of pidgin-sipe: the line
 * stands in private data of RequestSystemStatus and GetCSTAFeatures, devices are tel URIs with
 * phone-context and a parameter of their own, calls are MakeCall with doNotPrompt, the session
 * is refreshed by a re-INVITE with the request again, and events are never answered.
 */
#include "world.h"

#include "base/err.h"
#include <stdio.h>

#define NS "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""
#define LINE "tel:1001;phone-context=dialstring;partition=BE_BRS_INT"
#define PRIVATE                                                                               \
    "<extensions><privateData><private><lcs:line "                                            \
    "xmlns:lcs=\"http://schemas.microsoft.com/Lcs/2005/04/RCCExtension\">" LINE "</lcs:line>" \
    "</private></privateData></extensions>"
#define STATUS \
    "<?xml version=\"1.0\"?><RequestSystemStatus " NS ">" PRIVATE "</RequestSystemStatus>"

static struct world w;

static const struct leg_content status = {
    .lines = STR_INIT("Content-Disposition: signal;handling=required\r\n"),
    .type = STR_INIT("application/csta+xml"),
    .body = STR_INIT(STATUS)};

/** Over TCP, as it connects; the line is in the body, the user in From. */
static void open_session(void)
{
    struct app *a = &w.crm;
    struct leg_invite args = {.request_uri = STR("sip:gateway@example.com"),
                              .from = STR("<sip:crm@example.com>"),
                              .to = STR("<sip:gateway@example.com>"),
                              .target = {.hop = vnet_hop(&w.node, TP_TCP)},
                              .content = status,
                              .auth = &a->auth};
    a->sessions++;
    a->s.leg = leg_invite(&a->s.legs, &args, &station_user, &a->s, station_now(&a->s));
    world_run(&w, 200);
    CHECK(app_is_open(a));
    CHECK(str_find(a->opened, STR("<systemStatus>normal</systemStatus>")) < a->opened.n);
    CHECK(str_find(a->opened, STR("ecma-323/csta/ed3")) < a->opened.n);
}

static void up(void)
{
    world_up(&w, &(struct world_options){.transport = TP_TCP, .no_apps = true});
    open_session();
}

static struct ask *done(struct ask *q)
{
    CHECK_INT(world_asked(&w, q, 800)->status, 200);
    return q;
}

static const char *monitor(void)
{
    static char ref[32];
    struct ask *q = done(app_ask_raw(&w.crm, "MonitorStart",
                                     "<?xml version=\"1.0\"?><MonitorStart " NS ">"
                                     "<monitorObject><deviceObject>" LINE "</deviceObject>"
                                     "</monitorObject></MonitorStart>"));
    ref[0] = '\0';
    if (CHECK(q->msg.id == CSTA_MSG_MONITOR_START_RESPONSE)) {
        (void)snprintf(ref, sizeof(ref), "%.*s",
                       STR_ARG(q->msg.monitor_start_response->monitor_cross_ref_id));
    }
    return ref;
}

/** Its services, and its line watched. The client compares the line octet by octet. */
static void test_begin(void)
{
    up();
    struct ask *q = done(app_ask_raw(&w.crm, "GetCSTAFeatures",
                                     "<?xml version=\"1.0\"?><GetCSTAFeatures " NS ">" PRIVATE
                                     "</GetCSTAFeatures>"));
    CHECK(q->msg.id == CSTA_MSG_GET_CSTA_FEATURES_RESPONSE);
    (void)monitor();
    app_forget(&w.crm);
    REQUIRE(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
    world_run(&w, 500);
    struct str event = wire_find(&w.wire, ENGINE(&w), &w.crm.s.node, "INFO", 1);
    CHECK(str_find(event, STR("<DeliveredEvent ")) < event.n);
    CHECK(str_find(event, STR("<deviceID>" LINE "</deviceID>")) < event.n);
    CHECK(str_find(event, STR("<alertingDevice><deviceIdentifier>" LINE "<")) < event.n);
    world_down(&w);
}

/** Who calls is repeated as it was written; ClearConnection names the line in another way. */
static void test_make_and_clear(void)
{
    char clear[512];
    up();
    (void)monitor();
    struct ask *q = done(app_ask_raw(
        &w.crm, "MakeCall",
        "<?xml version=\"1.0\"?><MakeCall " NS "><callingDevice>" LINE "</callingDevice>"
        "<calledDirectoryNumber>tel:1002;phone-context=dialstring</calledDirectoryNumber>"
        "<autoOriginate>doNotPrompt</autoOriginate></MakeCall>"));
    REQUIRE(CHECK(q->msg.id == CSTA_MSG_MAKE_CALL_RESPONSE));
    CHECK_STR(q->msg.make_call_response->calling_device.device_id.value, LINE);
    world_run(&w, 500);
    (void)snprintf(clear, sizeof(clear),
                   "<?xml version=\"1.0\"?><ClearConnection " NS "><connectionToBeCleared>"
                   "<callID>%.*s</callID><deviceID>tel:1001;phone-context=dialstring</deviceID>"
                   "</connectionToBeCleared></ClearConnection>",
                   STR_ARG(q->msg.make_call_response->calling_device.call_id));
    q = done(app_ask_raw(&w.crm, "ClearConnection", clear));
    CHECK(q->msg.id == CSTA_MSG_CLEAR_CONNECTION_RESPONSE);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** The refresh is the first request again, as re-INVITE or without a body as UPDATE. */
static void test_refresh(void)
{
    struct station *s = &w.crm.s;
    up();
    (void)monitor();
    s->auto_ack = true;
    for (int i = 0; i < 4; i++) {
        CHECK_INT(leg_send(s->leg, NULL, i % 2 == 0 ? STR("INVITE") : STR("UPDATE"),
                           i % 2 == 0 ? &status : &(struct leg_content){0}, station_listen, s,
                           NULL, station_now(s)),
                  0);
        world_run(&w, 600000); /* about ten minutes, as OCS has it */
        CHECK_INT(s->last_status, 200);
    }
    struct str ok = wire_find(&w.wire, ENGINE(&w), &s->node, "200 INVITE", 2);
    CHECK(str_find(wire_body(ok), STR("<systemStatus>normal</systemStatus>")) <
          wire_body(ok).n);
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    CHECK_INT(world_stat(&w, "csta_monitors"), 1);
    world_down(&w);
}

/** It never answers events; they come all the same, and the session stands. */
static void test_mute(void)
{
    up();
    (void)monitor();
    w.crm.mute = true;
    app_forget(&w.crm);
    for (int i = 0; i < 3; i++) {
        REQUIRE(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
        world_run(&w, 2000);
        phone_hang_up(PHONE(&w, 1), STR_NONE);
        world_run(&w, 2000);
    }
    size_t delivered = 0;
    for (size_t i = w.crm.forgotten; i < w.crm.notes; i++) {
        delivered += w.crm.note[i].msg.id == CSTA_MSG_DELIVERED_EVENT;
    }
    CHECK_INT(delivered, 3);
    world_run(&w, 60000);
    CHECK(app_is_open(&w.crm));
    CHECK_INT(world_stat(&w, "csta_monitors"), 1);
    w.crm.mute = false;
    world_down(&w);
}

TEST_MAIN(T(test_begin), T(test_make_and_clear), T(test_refresh), T(test_mute))
