/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Features of a device, set and asked by applications: do not disturb and forwarding (TR/87
 * 8.1, 8.2). Two applications and a phone key at once, event by event; what calls do then.
 */
#include "watcher.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct watcher key; /* 1001's phone, with feature keys */
static struct phone *ann, *bob, *cleo;
static const char *a, *b, *d; /* monitors: crm's of 1001 and 1002, the front desk's of 1001 */

static void up(void)
{
    world_up(&w, &(struct world_options){0});
    watcher_up(&key, &w.net, &w.node, "key", "10.0.4.2", "1001", "pw1001", TP_UDP);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    REQUIRE(app_open(&w.desk) != NULL);
    world_run(&w, 500);
    REQUIRE(app_is_open(&w.desk));
    w.crm.edition = "ed3";
    w.desk.edition = "ed6";
    a = world_monitor(&w, &w.crm, "1001");
    b = world_monitor(&w, &w.crm, "1002");
    d = world_monitor(&w, &w.desk, "tel:1001");
    app_forget(&w.crm);
    app_forget(&w.desk);
}

static void down(void)
{
    world_run(&w, 3700000); /* the phone's subscription ends */
    world_down(&w);
    watcher_down(&key);
}

#define EVENTS(ref, text) CHECK_STR(str_c(app_events(&w.crm, ref)), text)
#define DESK(text) CHECK_STR(str_c(app_events(&w.desk, d)), text)

static struct ask *done(struct ask *q)
{
    return world_asked(&w, q, 500);
}

static void heard(void)
{
    app_forget(&w.crm);
    app_forget(&w.desk);
}

static struct ask *set_dnd(struct app *who, const char *device, bool on, const char *more)
{
    return done(app_ask(who, "SetDoNotDisturb",
                        "<device>%s</device><doNotDisturbOn>%s</doNotDisturbOn>%s", device,
                        on ? "true" : "false", more));
}

static struct ask *get(struct app *who, const char *service, const char *device)
{
    return done(app_ask(who, service, "<device>%s</device>", device));
}

/** `type` and `to` may be "". */
static struct ask *forward(struct app *who, const char *device, const char *type, bool on,
                           const char *to, const char *more)
{
    char t[80] = "", n[160] = "";
    if (*type != '\0') {
        snprintf(t, sizeof(t), "<forwardingType>%s</forwardingType>", type);
    }
    if (*to != '\0') {
        snprintf(n, sizeof(n), "<forwardDN>%s</forwardDN>", to);
    }
    return done(app_ask(who, "SetForwarding",
                        "<device>%s</device>%s<activateForward>%s</activateForward>%s%s",
                        device, t, on ? "true" : "false", n, more));
}

static void press(const char *body)
{
    if (key.notes == 0) {
        watcher_subscribe(&key, "1001", "as-feature-event", 3600, "", "");
        world_run(&w, 100);
    }
    watcher_refresh(&key, 3600, "Content-Type: application/x-as-feature-event+xml\r\n", body);
    world_run(&w, 500);
    CHECK_INT(key.status, 200);
}

#define NS "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""

/* ---- do not disturb ---- */

static void test_dnd(void)
{
    up();
    ANSWER(get(&w.crm, "GetDoNotDisturb", "1001"), "GetDoNotDisturbResponse off");
    ANSWER(set_dnd(&w.crm, "1001", true, ""), "SetDoNotDisturbResponse");
    EVENTS(a, "DoNotDisturb 1001 on");
    EVENTS(b, "");
    DESK("DoNotDisturb 1001 on");
    /* the monitor's own spelling and edition */
    CHECK_STR(w.desk.note[w.desk.notes - 1].msg.do_not_disturb_event->device.id.value,
              "tel:1001");
    CHECK_INT(w.desk.note[w.desk.notes - 1].msg.edition, CSTA_ED6);
    CHECK_INT(w.crm.note[w.crm.notes - 1].msg.edition, CSTA_ED3);
    heard();
    ANSWER(set_dnd(&w.desk, "1001", true, ""), "SetDoNotDisturbResponse"); /* as it is */
    EVENTS(a, "");
    DESK("");
    ANSWER(get(&w.desk, "GetDoNotDisturb", "1001"), "GetDoNotDisturbResponse on");
    REQUIRE(phone_call(bob, "1001", true, STR_NONE) != NULL); /* no Delivered at 1001 */
    world_run(&w, 500);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &bob->s.node, "486 INVITE"), 1);
    EVENTS(a, "");
    EVENTS(b, "Originated c1:1002 connected newCall 1002>1001; "
              "Failed c1:1001 connected doNotDisturb; "
              "Cleared c1:1002 null doNotDisturb by=1002");
    heard();
    press("<SetDoNotDisturb " NS "><device>1001</device><doNotDisturbOn>false"
          "</doNotDisturbOn></SetDoNotDisturb>");
    EVENTS(a, "DoNotDisturb 1001 off");
    DESK("DoNotDisturb 1001 off");
    heard();
    press("<SetDoNotDisturb " NS "><device>1001</device><doNotDisturbOn>false"
          "</doNotDisturbOn></SetDoNotDisturb>");
    EVENTS(a, "");
    ANSWER(set_dnd(&w.desk, "1001", true, ""), "SetDoNotDisturbResponse");
    EVENTS(a, "DoNotDisturb 1001 on");
    CHECK(watcher_has(&key, "<doNotDisturbOn>true</doNotDisturbOn>")); /* the lamp */
    down();
}

static void test_dnd_refused(void)
{
    up();
    ANSWER(set_dnd(&w.desk, "1002", true, ""), "operation/privilegeViolationSpecifiedDevice");
    ANSWER(set_dnd(&w.crm, "1099", true, ""), "operation/invalidDeviceID");
    ANSWER(get(&w.desk, "GetDoNotDisturb", "1002"),
           "operation/privilegeViolationSpecifiedDevice");
    ANSWER(get(&w.crm, "GetDoNotDisturb", "1099"), "operation/invalidDeviceID");
    ANSWER(done(app_ask(&w.crm, "SetDoNotDisturb", "<device>1001</device>")),
           "operation/invalidDoNotDisturb");
    ANSWER(done(app_ask(&w.crm, "SetDoNotDisturb",
                        "<device>1001</device><doNotDisturbOn>perhaps</doNotDisturbOn>")),
           "operation/invalidDoNotDisturb");
    ANSWER(set_dnd(&w.crm, "1001", true,
                   "<callOrigination><internal>true</internal></callOrigination>"),
           "operation/parameterNotSupported");
    ANSWER(set_dnd(&w.crm, "1001", true,
                   "<callingDeviceList><callingDevice>1002</callingDevice>"
                   "</callingDeviceList>"),
           "operation/parameterNotSupported");
    ANSWER(get(&w.crm, "GetDoNotDisturb", "1001"), "GetDoNotDisturbResponse off");
    EVENTS(NULL, "");
    ANSWER(set_dnd(&w.crm, "1001", true,
                   "<callOrigination><internal>true</internal><external>true</external>"
                   "</callOrigination>"),
           "SetDoNotDisturbResponse"); /* everybody is what there is */
    EVENTS(a, "DoNotDisturb 1001 on");
    down();
}

/* ---- forwarding ---- */

static void test_forwarding(void)
{
    up();
    ANSWER(get(&w.crm, "GetForwarding", "1001"),
           "GetForwardingResponse forwardImmediate off forwardBusy off "
           "forwardNoAns off rings=3");
    ANSWER(forward(&w.crm, "1001", "", true, "1003", ""), "SetForwardingResponse");
    EVENTS(a, "Forwarding 1001 forwardImmediate on to=1003");
    DESK("Forwarding 1001 forwardImmediate on to=1003");
    EVENTS(b, "");
    heard();
    ANSWER(forward(&w.desk, "1001", "forwardImmediate", true, "1003", ""),
           "SetForwardingResponse"); /* as it is */
    EVENTS(a, "");
    REQUIRE(phone_call(bob, "1001", true, STR_NONE) != NULL);
    world_run(&w, 500);
    EVENTS(a, "Diverted c1:1001 null callForwardImmediate to=1003");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &cleo->s.node, "INVITE"), 1);
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 200);
    heard();
    ANSWER(forward(&w.desk, "1001", "forwardImmediate", false, "", ""),
           "SetForwardingResponse");
    EVENTS(a, "Forwarding 1001 forwardImmediate off to=1003");
    heard();
    ANSWER(forward(&w.crm, "1001", "forwardBusy", true, "1002", ""), "SetForwardingResponse");
    ANSWER(forward(&w.crm, "1001", "forwardImmediate", true, "", ""),
           "SetForwardingResponse"); /* to the number of before */
    EVENTS(a, "Forwarding 1001 forwardBusy on to=1002; "
              "Forwarding 1001 forwardImmediate on to=1003");
    ANSWER(get(&w.desk, "GetForwarding", "1001"),
           "GetForwardingResponse forwardImmediate on to=1003 forwardBusy on to=1002 "
           "forwardNoAns off rings=3");
    down();
}

static void test_no_answer(void)
{
    up();
    ANSWER(forward(&w.crm, "1001", "forwardNoAns", true, "1003", "<ringCount>5</ringCount>"),
           "SetForwardingResponse");
    EVENTS(a, "Forwarding 1001 forwardNoAns on to=1003 rings=5");
    heard();
    ANSWER(
        forward(&w.desk, "1001", "forwardNoAns", true, "", "<ringDuration>20</ringDuration>"),
        "SetForwardingResponse");
    EVENTS(a, "Forwarding 1001 forwardNoAns on to=1003 rings=3"); /* edition 3 knows rings */
    DESK("Forwarding 1001 forwardNoAns on to=1003 rings=3 seconds=20");
    ANSWER(get(&w.desk, "GetForwarding", "1001"),
           "GetForwardingResponse forwardImmediate off forwardBusy off "
           "forwardNoAns on to=1003 rings=3 seconds=20");
    heard();
    REQUIRE(phone_call(bob, "1001", true, STR_NONE) != NULL);
    world_run(&w, 19000);
    EVENTS(a, "Delivered c1:1001 alerting newCall 1002>1001");
    world_run(&w, 2000);
    EVENTS(a, "Delivered c1:1001 alerting newCall 1002>1001; "
              "Diverted c1:1001 null callForwardNoAnswer to=1003");
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 200);
    heard();
    press("<SetForwarding " NS "><device/><forwardingType>forwardNoAns</forwardingType>"
          "<activateForward>false</activateForward><ringCount>2</ringCount></SetForwarding>");
    EVENTS(a, "Forwarding 1001 forwardNoAns off to=1003 rings=2");
    DESK("Forwarding 1001 forwardNoAns off to=1003 rings=2");
    down();
}

static void test_forwarding_refused(void)
{
    static const char *const types[] = {
        "forwardDND",      "forwardBusyInt", "forwardBusyExt", "forwardNoAnsInt",
        "forwardNoAnsExt", "forwardImmInt",  "forwardImmExt",  "forwardDNDInt",
        "forwardDNDExt",   "forwardAlways",
    };
    up();
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        ANSWER(forward(&w.crm, "1001", types[i], true, "1003", ""),
               "operation/invalidForwardingType");
    }
    ANSWER(forward(&w.crm, "1001", "", true, "", ""), "operation/invalidForwardingDestination");
    ANSWER(forward(&w.crm, "1001", "", true, "1001", ""),
           "operation/invalidForwardingDestination");
    ANSWER(forward(&w.crm, "1001", "", false, "no way", ""),
           "operation/invalidForwardingDestination");
    ANSWER(forward(&w.crm, "1001", "forwardNoAns", true, "1003", "<ringCount>0</ringCount>"),
           "operation/invalidRingCount");
    ANSWER(forward(&w.crm, "1001", "forwardNoAns", true, "1003", "<ringCount>101</ringCount>"),
           "operation/invalidRingCount");
    ANSWER(forward(&w.desk, "1001", "forwardNoAns", true, "1003",
                   "<ringDuration>601</ringDuration>"),
           "operation/valueOutOfRange");
    ANSWER(forward(&w.desk, "1002", "", true, "1003", ""),
           "operation/privilegeViolationSpecifiedDevice");
    ANSWER(forward(&w.crm, "1099", "", true, "1003", ""), "operation/invalidDeviceID");
    ANSWER(get(&w.desk, "GetForwarding", "1002"),
           "operation/privilegeViolationSpecifiedDevice");
    ANSWER(get(&w.crm, "GetForwarding", "1099"), "operation/invalidDeviceID");
    ANSWER(done(app_ask(&w.crm, "SetForwarding", "<device>1001</device>")),
           "operation/invalidForwardingFlag");
    EVENTS(NULL, "");
    DESK("");
    ANSWER(get(&w.crm, "GetForwarding", "1001"),
           "GetForwardingResponse forwardImmediate off forwardBusy off "
           "forwardNoAns off rings=3");
    down();
}

/* ---- many at once, and no memory ---- */

/** The events of one device come in the order in which it changed, to everybody. */
static void test_two_applications(void)
{
    char want[1024] = "";
    size_t n = 0;
    up();
    w.crm.parallel = w.desk.parallel = true;
    for (unsigned i = 0; i < 8; i++) {
        app_ask(i % 2 ? &w.desk : &w.crm, "SetDoNotDisturb",
                "<device>1001</device><doNotDisturbOn>%s</doNotDisturbOn>",
                i % 2 ? "false" : "true");
        world_run(&w, 20);
        n += (size_t)snprintf(want + n, sizeof(want) - n, "%sDoNotDisturb 1001 %s",
                              i > 0 ? "; " : "", i % 2 ? "off" : "on");
    }
    world_run(&w, 1000);
    EVENTS(a, want);
    DESK(want);
    app_check(&w.crm, false, NULL);
    app_check(&w.desk, false, NULL);
    down();
}

/** Whatever allocation fails: one answer to each request, and what it says is so. */
static void test_no_memory(void)
{
    for (size_t k = 0; k < 60; k++) {
        struct ask *q;
        bool on;
        up();
        w.mem.fail_at = w.mem.calls + 1 + k;
        q = app_ask(&w.crm, "SetDoNotDisturb",
                    "<device>1001</device><doNotDisturbOn>true</doNotDisturbOn>");
        world_run(&w, 500);
        w.mem.fail_at = 0;
        world_run(&w, 40000);
        on = call_features(&w.device[0])->dnd;
        if (q->answers == 1 && q->msg.id == CSTA_MSG_SET_DO_NOT_DISTURB_RESPONSE) {
            CHECK(on);
        }
        if (on && app_is_open(&w.desk)) {
            DESK("DoNotDisturb 1001 on"); /* told, or its session has ended */
        }
        down();
    }
}

TEST_MAIN(T(test_dnd), T(test_dnd_refused), T(test_forwarding), T(test_no_answer),
          T(test_forwarding_refused), T(test_two_applications), T(test_no_memory))
