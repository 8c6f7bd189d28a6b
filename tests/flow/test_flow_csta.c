/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The event flows of TR/87 §11 on device monitors (digest 11, numbers in the names), as an
 * application sees them that watches all parties: each event with localConnectionInfo and
 * cause, in order, and the one terminal event of each device.
 */
#include "trio.h"

#include <stdio.h>

static struct ask *on(const char *service, const char *element, const char *device,
                      const char *more)
{
    return trio_on(service, element, "c1", device, more);
}

static struct ask *clear(const char *device, const char *reason)
{
    char more[96] = "";
    if (reason != NULL) {
        snprintf(more, sizeof(more), "<reason>%s</reason>", reason);
    }
    return on("ClearConnection", "connectionToBeCleared", device, more);
}

/* ---- plain calls ---- */

static void test_01_05_answered(void)
{
    trio_up();
    REQUIRE(world_call(&w, ann, bob));
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 200);
    EVENTS(a, "Originated c1:1001 connected newCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002; "
              "Established c1:1002 connected newCall 1001>1002; "
              "Cleared c1:1001 null normalClearing by=1002");
    EVENTS(b, "Delivered c1:1002 alerting newCall 1001>1002; "
              "Established c1:1002 connected newCall 1001>1002; "
              "Cleared c1:1002 null normalClearing by=1002");
    EVENTS(c, "");
    app_forget(&w.crm);
    REQUIRE(world_call(&w, ann, bob)); /* another call has another callID */
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 200);
    EVENTS(b, "Delivered c2:1002 alerting newCall 1001>1002; "
              "Established c2:1002 connected newCall 1001>1002; "
              "Cleared c2:1002 null normalClearing by=1001");
    world_down(&w);
}

static void test_02_no_ringing(void)
{
    trio_up();
    bob->on_call = 200;
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 200);
    EVENTS(a, "Originated c1:1001 connected newCall 1001>1002; "
              "Established c1:1002 connected newCall 1001>1002");
    EVENTS(b, "Established c1:1002 connected newCall 1001>1002");
    world_down(&w);
}

/** Two 180 and a 183 are one Delivered. */
static void test_02_ringing_twice(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(phone_respond(bob, 180), 0);
    CHECK_INT(phone_respond(bob, 183), 0);
    world_run(&w, 100);
    CHECK_INT(trio_to(ann, "18x INVITE"), 3);
    EVENTS(b, "Delivered c1:1002 alerting newCall 1001>1002");
    world_down(&w);
}

static void refused(unsigned status, bool rings, const char *lines, const char *cause)
{
    char text[512];
    trio_up();
    bob->on_call = rings ? 180 : status;
    bob->answer_lines = str_c(lines);
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    if (rings) {
        CHECK_INT(phone_respond(bob, status), 0);
        world_run(&w, 100);
    }
    snprintf(text, sizeof(text),
             "Originated c1:1001 connected newCall 1001>1002; %s"
             "Failed c1:1002 connected %s; Cleared c1:1001 null %s by=1001",
             rings ? "Delivered c1:1002 connected newCall 1001>1002; " : "", cause, cause);
    EVENTS(a, text);
    snprintf(text, sizeof(text),
             "Delivered c1:1002 alerting newCall 1001>1002; Cleared c1:1002 null %s by=1002",
             cause);
    EVENTS(b, rings ? text : "");
    CHECK_INT(world_stat(&w, "calls_failed"), 1);
    world_down(&w);
}

static void test_03_refused(void)
{
    refused(486, false, "", "busy");
    refused(486, true, "", "busy");
    refused(480, true, "", "callNotAnswered");
    refused(404, false, "", "numberUnallocated");
    refused(488, false, "", "incompatibleDestination");
    refused(503, false, "", "resourcesNotAvailable");
    refused(603, true, "", "callNotAnswered");
    refused(500, false, "Reason: Q.850;cause=34\r\n", "trunksBusy");
    refused(410, false, "", "numberChanged");
}

static void test_04_06_abandoned(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 100);
    EVENTS(a, "Originated c1:1001 connected newCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002; "
              "Cleared c1:1001 null callCancelled by=1001");
    EVENTS(b, "Delivered c1:1002 alerting newCall 1001>1002; "
              "Cleared c1:1002 null callCancelled by=1001");
    world_down(&w);
}

/** The phone rings until the limit. */
static void test_04_not_answered(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 121000);
    EVENTS(a, "Originated c1:1001 connected newCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002; "
              "Failed c1:1002 connected callNotAnswered; "
              "Cleared c1:1001 null callNotAnswered by=1001");
    EVENTS(b, "Delivered c1:1002 alerting newCall 1001>1002; "
              "Cleared c1:1002 null callNotAnswered by=1002");
    world_down(&w);
}

/* ---- clearing by the application ---- */

static void test_07_rejected(void)
{
    static const struct {
        const char *reason, *cause;
        unsigned status;
    } row[] = {
        {NULL, "normalClearing", 603},
        {"normal", "normal", 603},
        {"normalClearing", "normalClearing", 603},
        {"busy", "busy", 486},
        {"doNotDisturb", "doNotDisturb", 486},
        {"callNotAnswered", "callNotAnswered", 480},
        {"destNotObtainable", "destNotObtainable", 480},
        {"destOutOfOrder", "destOutOfOrder", 480},
        {"incompatibleDestination", "incompatibleDestination", 488},
        {"numberUnallocated", "numberUnallocated", 404},
        {"numberChanged", "numberChanged", 410},
        {"callCancelled", "callCancelled", 603},
        {"resourcesNotAvailable", "resourcesNotAvailable", 503},
        {"blocked", "blocked", 403},
        {"singleStepTransfer", "normalClearing", 603},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char text[256], pattern[16];
        trio_up();
        test_context(row[i].reason);
        REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
        world_run(&w, 100);
        ANSWER(clear("1002", row[i].reason), "ClearConnectionResponse");
        test_context(row[i].reason);
        snprintf(
            text, sizeof(text),
            "Delivered c1:1002 alerting newCall 1001>1002; Cleared c1:1002 null %s by=1002",
            row[i].cause);
        EVENTS(b, text);
        snprintf(pattern, sizeof(pattern), "%u INVITE", row[i].status);
        CHECK_INT(trio_to(ann, pattern), 1);
        CHECK_INT(trio_to(bob, "CANCEL"), 1);
        test_context(NULL);
        world_down(&w);
    }
}

/** The caller's end is cleared before the answer, and after it. */
static void test_clear_other_states(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    ANSWER(clear("1001", NULL), "ClearConnectionResponse");
    EVENTS(a, "Originated c1:1001 connected newCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002; "
              "Cleared c1:1001 null normalClearing by=1001");
    EVENTS(b, "Delivered c1:1002 alerting newCall 1001>1002; "
              "Cleared c1:1002 null normalClearing by=1001");
    CHECK_INT(trio_to(bob, "CANCEL"), 1);
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    world_down(&w);
}

static void clear_talking(const char *device, bool held, const char *reason, const char *line)
{
    char text[128];
    trio_up();
    REQUIRE(world_call(&w, ann, bob));
    if (held) {
        ANSWER(on("HoldCall", "callToBeHeld", device, ""), "HoldCallResponse");
    }
    app_forget(&w.crm);
    ANSWER(clear(device, reason), "ClearConnectionResponse");
    snprintf(text, sizeof(text), "Cleared c1:1001 null %s by=%s",
             reason == NULL ? "normalClearing" : reason, device);
    EVENTS(a, text);
    snprintf(text, sizeof(text), "Cleared c1:1002 null %s by=%s",
             reason == NULL ? "normalClearing" : reason, device);
    EVENTS(b, text);
    CHECK_INT(trio_to(ann, "BYE"), 1);
    CHECK_INT(trio_to(bob, "BYE"), 1);
    for (size_t i = 0; i < 2; i++) {
        struct str bye = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, i), "BYE", 0);
        CHECK_STR(str_trim(wire_raw(bye, "Reason", 0)), line);
    }
    ANSWER(clear(device, NULL), "operation/invalidConnectionID"); /* it is over */
    world_down(&w);
}

static void test_clear_talking(void)
{
    clear_talking("1001", false, NULL, "");
    clear_talking("1002", false, "normalClearing", "Q.850;cause=16");
    clear_talking("1001", true, NULL, "");
    clear_talking("1002", true, "busy", "Q.850;cause=17");
}

/** userData of ClearConnection is in both BYEs and in both events. */
static void test_clear_with_user_data(void)
{
    trio_up();
    trio_talk(ann, bob);
    ANSWER(on("ClearConnection", "connectionToBeCleared", "1001",
              "<userData><string>04746861746B73</string></userData>"),
           "ClearConnectionResponse");
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1001 uui=04746861746b73");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1001 uui=04746861746b73");
    struct str bye = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "BYE", 0);
    CHECK(str_istarts(str_trim(wire_raw(bye, "User-to-User", 0)), STR("04746861746b73")));
    world_down(&w);
}

/* ---- deflection ---- */

static void test_08_deflected(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR("User-to-User: 0461;encoding=hex\r\n")) != NULL);
    world_run(&w, 100);
    app_forget(&w.crm);
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "1002", "<newDestination>1003</newDestination>"),
        "DeflectCallResponse");
    EVENTS(b, "Diverted c1:1002 null redirected to=1003 uui=0461");
    EVENTS(c, "Delivered c1:1003 alerting redirected 1001>1002 last=1002 uui=0461");
    EVENTS(a, "Delivered c1:1003 connected redirected 1001>1002 last=1002 uui=0461");
    CHECK_INT(trio_to(bob, "CANCEL"), 1);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 200);
    CHECK(phone_talks(ann) && phone_talks(cleo));
    EVENTS(c, "Delivered c1:1003 alerting redirected 1001>1002 last=1002 uui=0461; "
              "Established c1:1003 connected redirected 1001>1002 last=1002 uui=0461");
    struct str invite = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "INVITE", 0);
    CHECK_STR(wire_raw(invite, "User-to-User", 0), " 0461;encoding=hex");
    world_down(&w);
}

/** With userData of its own; to nobody, to oneself, to one who is not there. */
static void test_08_deflect_more(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR("User-to-User: 0461;encoding=hex\r\n")) != NULL);
    world_run(&w, 100);
    app_forget(&w.crm);
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "1002", "<newDestination>1777</newDestination>"),
        "operation/invalidDestination");
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "1002", "<newDestination>1002</newDestination>"),
        "operation/invalidDestination");
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "1002", "<newDestination>1004</newDestination>"),
        "systemResourceAvailibility/destinationDeviceOutOfService");
    ANSWER(on("DeflectCall", "callToBeDiverted", "1002",
              "<newDestination>1001</newDestination>"), /* the caller */
           "operation/invalidDestination");
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "1001", "<newDestination>1003</newDestination>"),
        "stateIncompatibility/invalidConnectionState");
    EVENTS(NULL, "");
    CHECK_INT(trio_to(bob, "CANCEL"), 0);
    ANSWER(on("DeflectCall", "callToBeDiverted", "1002",
              "<newDestination>sip:1003@example.com</newDestination>"
              "<userData><string>04626262</string></userData>"),
           "DeflectCallResponse");
    struct str invite = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "INVITE", 0);
    CHECK(str_istarts(str_trim(wire_raw(invite, "User-to-User", 0)), STR("04626262")));
    CHECK(!str_is_set(wire_raw(invite, "User-to-User", 1)));
    EVENTS(b, "Diverted c1:1002 null redirected to=1003 uui=0461");
    EVENTS(c, "Delivered c1:1003 alerting redirected 1001>1002 last=1002 uui=04626262");
    /* and once more, to a number outside: the new context stays with the call */
    app_forget(&w.crm);
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "1003", "<newDestination>9555</newDestination>"),
        "DeflectCallResponse");
    struct text_msg out = world_take(&w.gateway, "INVITE");
    CHECK(str_istarts(text_value(&out, "User-to-User"), STR("04626262")));
    EVENTS(c, "Diverted c1:1003 null redirected to=9555 uui=04626262");
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "9555", "<newDestination>1003</newDestination>"),
        "operation/invalidDeviceID"); /* it is not ours to command */
    text_free(&out);
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 100);
    world_down(&w);
}

/** When the deflected call is up nothing can be deflected any more. */
static void test_08_deflect_late(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "1002", "<newDestination>1003</newDestination>"),
        "DeflectCallResponse");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 100);
    CHECK(phone_talks(ann) && phone_talks(cleo));
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "1003", "<newDestination>1002</newDestination>"),
        "stateIncompatibility/invalidConnectionState");
    world_down(&w);
}

/** To a number outside, and on from there: the new party refuses. */
static void test_08_deflected_and_refused(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    app_forget(&w.crm);
    ANSWER(
        on("DeflectCall", "callToBeDiverted", "1002", "<newDestination>9555</newDestination>"),
        "DeflectCallResponse");
    struct text_msg invite = world_take(&w.gateway, "INVITE");
    struct hop back = raw_from(&w.gateway);
    raw_reply(&w.gateway, &back, invite.m, "180 Ringing", "t", "Contact: <sip:5@10.0.2.1>\n",
              "");
    world_run(&w, 100);
    raw_reply(&w.gateway, &back, invite.m, "486 Busy Here", "t", "", "");
    world_run(&w, 100);
    EVENTS(b, "Diverted c1:1002 null redirected to=9555");
    EVENTS(a, "NetworkReached c1:9555 connected normal; "
              "Delivered c1:9555 connected redirected 1001>1002 last=1002; "
              "Failed c1:9555 connected busy; Cleared c1:1001 null busy by=1001");
    CHECK_INT(trio_to(ann, "486 INVITE"), 1);
    text_free(&invite);
    world_down(&w);
}

/* ---- answering ---- */

static void up_talking(void)
{
    world_up(&w, &(struct world_options){.unregistered = true});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    bob->talk = true;
    phone_register(ann, 3600);
    phone_register(bob, 3600);
    world_run(&w, 200);
    trio_watch();
}

static void test_answer(void)
{
    up_talking();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    app_forget(&w.crm);
    ANSWER(on("AnswerCall", "callToBeAnswered", "1002", ""), "AnswerCallResponse");
    CHECK(phone_talks(ann) && phone_talks(bob));
    EVENTS(b, "Established c1:1002 connected newCall 1001>1002");
    CHECK_INT(trio_to(bob, "NOTIFY"), 1);
    struct str notify = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "NOTIFY", 0);
    CHECK_STR(str_trim(wire_raw(notify, "Event", 0)), "talk");
    ANSWER(on("AnswerCall", "callToBeAnswered", "1002", ""),
           "stateIncompatibility/noCallToAnswer");
    world_down(&w);
}

/** By deviceID alone, as some clients do. */
static void test_answer_by_device(void)
{
    up_talking();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    ANSWER(trio_done(app_ask(&w.crm, "AnswerCall",
                             "<callToBeAnswered><deviceID>1002</deviceID></callToBeAnswered>")),
           "AnswerCallResponse");
    CHECK(phone_talks(ann) && phone_talks(bob));
    world_down(&w);
}

/** A phone that does not let itself be answered: refused, and it goes on ringing. */
static void test_answer_refused(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    app_forget(&w.crm);
    ANSWER(on("AnswerCall", "callToBeAnswered", "1002", ""),
           "operation/requestIncompatibleWithDevice");
    CHECK_INT(trio_to(bob, "NOTIFY"), 0);
    EVENTS(NULL, "");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 200);
    CHECK(phone_talks(ann) && phone_talks(bob));
    world_down(&w);
}

/** It says that it can and then refuses the NOTIFY; then it does not answer at all. */
static void test_answer_fails(void)
{
    up_talking();
    bob->talk = false; /* registered with it, though */
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    app_forget(&w.crm);
    ANSWER(on("AnswerCall", "callToBeAnswered", "1002", ""),
           "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    wire_lose(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "NOTIFY", 0, 100);
    struct ask *q =
        app_on_connection(&w.crm, "AnswerCall", "callToBeAnswered", "c1", "1002", "");
    world_run(&w, 31000);
    CHECK_INT(q->answers, 1);
    ANSWER(q, "systemResourceAvailibility/resourceOutOfService");
    CHECK_INT(bob->s.leg->state, LEG_EARLY);
    world_down(&w);
}

/* ---- registration ---- */

static void test_20_registration(void)
{
    trio_up();
    phone_register(bob, 0);
    world_run(&w, 100);
    EVENTS(b, "OutOfService 1002");
    ANSWER(trio_done(app_make_call(&w.crm, "1002", "1001", false, NULL)),
           "systemResourceAvailibility/deviceOutOfService");
    phone_register(bob, 60);
    world_run(&w, 100);
    EVENTS(b, "OutOfService 1002; BackInService 1002");
    phone_register(bob, 60); /* a refresh is no news */
    world_run(&w, 100);
    app_forget(&w.crm);
    world_run(&w, 61000);
    EVENTS(b, "OutOfService 1002");
    EVENTS(a, "");
    /* a monitor of a device that is not there is possible, and says nothing yet */
    const char *again = world_monitor(&w, &w.crm, "1004");
    EVENTS(again, "");
    world_down(&w);
}

TEST_MAIN(T(test_01_05_answered), T(test_02_no_ringing), T(test_02_ringing_twice),
          T(test_03_refused), T(test_04_06_abandoned), T(test_04_not_answered),
          T(test_07_rejected), T(test_clear_other_states), T(test_clear_talking),
          T(test_clear_with_user_data), T(test_08_deflected), T(test_08_deflect_more),
          T(test_08_deflect_late), T(test_08_deflected_and_refused), T(test_answer),
          T(test_answer_by_device), T(test_answer_refused), T(test_answer_fails),
          T(test_20_registration))
