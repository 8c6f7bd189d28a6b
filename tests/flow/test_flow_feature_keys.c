/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature keys (as-feature-event), and what calls do when they are on: do not disturb, and
 * forwarding of all calls, when busy, and without an answer.
 */
#include "watcher.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct watcher own, second; /* 1002's phone, and another one of 1002 */
static struct phone *ann, *bob, *cleo;
static const char *ref_a, *ref_b;

#define TYPE "Content-Type: application/x-as-feature-event+xml\r\n"
#define NS "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""

static void up(void)
{
    world_up(&w, &(struct world_options){0});
    watcher_up(&own, &w.net, &w.node, "own", "10.0.4.2", "1002", "pw1002", TP_UDP);
    watcher_up(&second, &w.net, &w.node, "second", "10.0.4.3", "1002", "pw1002", TP_UDP);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    ref_a = world_monitor(&w, &w.crm, "1001");
    ref_b = world_monitor(&w, &w.crm, "1002");
    app_forget(&w.crm);
}

static void down(void)
{
    world_run(&w, 3700000); /* the subscriptions end */
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0);
    world_down(&w);
    watcher_down(&own);
    watcher_down(&second);
}

static void watch(struct watcher *who)
{
    watcher_subscribe(who, "1002", "as-feature-event", 3600, "", "");
    world_run(&w, 100);
    CHECK_INT(who->status, 200);
}

static void press(const char *body)
{
    watcher_refresh(&own, 3600, TYPE, body);
    world_run(&w, 200);
}

static void dnd(bool on)
{
    char body[400];
    (void)snprintf(
        body, sizeof(body),
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<SetDoNotDisturb " NS
        "><device>1002</device><doNotDisturbOn>%s</doNotDisturbOn></SetDoNotDisturb>",
        on ? "true" : "false");
    press(body);
    CHECK_INT(own.status, 200);
}

static unsigned forward(const char *type, bool on, const char *to, unsigned rings)
{
    char body[500], count[64] = "";
    if (rings != 0) {
        (void)snprintf(count, sizeof(count), "<ringCount>%u</ringCount>", rings);
    }
    (void)snprintf(body, sizeof(body),
                   "<SetForwarding " NS "><device/><forwardingType>%s</forwardingType>"
                   "<activateForward>%s</activateForward><forwardDN>%s</forwardDN>%s"
                   "</SetForwarding>",
                   type, on ? "true" : "false", to, count);
    press(body);
    return own.status;
}

static void test_keys(void)
{
    up();
    watch(&own);
    watch(&second);
    CHECK(str_starts(str_c(watcher_last(&own)->type), STR("multipart/mixed;boundary=")));
    CHECK_INT(test_count(watcher_last(&own)->body, "Content-Type: application/x-as-feature"),
              4);
    CHECK(watcher_has(&own, "<doNotDisturbOn>false</doNotDisturbOn>"));
    CHECK(watcher_has(&own, "<forwardingType>forwardNoAns</forwardingType><forwardStatus>false"
                            "</forwardStatus><ringCount>3</ringCount>"));
    dnd(true);
    CHECK_INT(own.notes, 2); /* the one that has changed, to both */
    CHECK_STR(str_c(watcher_last(&own)->type), "application/x-as-feature-event+xml");
    CHECK_STR(str_c(watcher_last(&own)->body),
              "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<DoNotDisturbEvent " NS
              "><device>1002</device><doNotDisturbOn>true</doNotDisturbOn>"
              "</DoNotDisturbEvent>\r\n");
    CHECK_INT(second.notes, 2);
    dnd(true); /* nothing new, but who pressed the key is told */
    CHECK_INT(own.notes, 3);
    CHECK_INT(forward("forwardNoAns", true, "1003", 5), 200);
    CHECK(watcher_has(&second, "<forwardStatus>true</forwardStatus><forwardTo>1003</forwardTo>"
                               "<ringCount>5</ringCount>"));
    CHECK_INT(forward("forwardNoAns", false, "", 0), 200); /* off keeps the number */
    CHECK(watcher_has(&own, "<forwardStatus>false</forwardStatus><forwardTo>1003</forwardTo>"));
    watcher_refresh(&own, 3600, "", "");
    world_run(&w, 100);
    CHECK_INT(test_count(watcher_last(&own)->body, "Event xmlns="), 4);
    dnd(false);
    down();
}

static void test_refused(void)
{
    up();
    watch(&own);
    press("<SetDoNotDisturb");
    CHECK_INT(own.status, 415);
    CHECK_STR(watcher_answer(&own, "Accept"), "application/x-as-feature-event+xml");
    press("<MakeCall " NS "/>");
    CHECK_INT(own.status, 415);
    CHECK_INT(forward("forwardImmediate", true, "1002", 0), 403); /* itself */
    CHECK_INT(forward("forwardImmediate", true, "4711", 0), 403);
    CHECK_INT(forward("forwardImmediate", true, "", 0), 403);
    CHECK_INT(forward("forwardDND", true, "1003", 0), 501);
    watcher_refresh(&own, 3600, "Content-Type: text/plain\r\n", "x");
    world_run(&w, 100);
    CHECK_INT(own.status, 415);
    CHECK_INT(own.notes, 1); /* nothing has changed */
    watcher_subscribe(&second, "1001", "as-feature-event", 3600, "", "");
    world_run(&w, 100);
    CHECK_INT(second.status, 403);
    down();
}

/* ---- calls ---- */

static void test_dnd(void)
{
    up();
    watch(&own);
    dnd(true);
    CHECK(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 500);
    CHECK(strstr(ann->s.log, "rejected:486") != NULL);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &bob->s.node, "INVITE"), 0);
    dnd(false);
    CHECK(world_call(&w, ann, bob));
    phone_hang_up(ann, STR_NONE);
    down();
}

/** ann calls 1002; cleo's phone rings, and she answers. */
static void reaches_cleo(uint64_t after_ms, const char *cause)
{
    char word[128];
    app_forget(&w.crm);
    CHECK(phone_call(ann, "1002", true, STR("User-to-User: 0461;encoding=hex\r\n")) != NULL);
    world_run(&w, after_ms + 500);
    REQUIRE(cleo->s.leg != NULL);
    (void)snprintf(word, sizeof(word), "null %s", cause);
    if (!CHECK(strstr(app_events(&w.crm, ref_b), word) != NULL)) {
        printf("#   %s\n", app_events(&w.crm, ref_b));
    }
    struct str invite = wire_find(&w.wire, ENGINE(&w), &cleo->s.node, "INVITE", 0);
    CHECK_STR(str_trim(wire_raw(invite, "User-to-User", 0)), "0461;encoding=hex");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    CHECK(phone_talks(ann) && phone_talks(cleo));
    CHECK(!phone_talks(bob));
    CHECK_INT(world_stat(&w, "calls_forwarded"), 1);
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 500);
}

static void test_immediate(void)
{
    up();
    watch(&own);
    CHECK_INT(forward("forwardImmediate", true, "1003", 0), 200);
    reaches_cleo(0, "callForwardImmediate");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &bob->s.node, "INVITE"), 0);
    down();
}

static void test_busy(void)
{
    up();
    watch(&own);
    CHECK_INT(forward("forwardBusy", true, "1003", 0), 200);
    bob->on_call = 486;
    reaches_cleo(0, "callForwardBusy");
    down();
}

/** Do not disturb counts as busy. */
static void test_busy_and_dnd(void)
{
    up();
    watch(&own);
    CHECK_INT(forward("forwardBusy", true, "1003", 0), 200);
    dnd(true);
    reaches_cleo(0, "callForwardBusy");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &bob->s.node, "INVITE"), 0);
    down();
}

static void test_no_answer(void)
{
    up();
    watch(&own);
    CHECK_INT(forward("forwardNoAns", true, "1003", 2), 200);
    reaches_cleo(12000, "callForwardNoAnswer");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &bob->s.node, "CANCEL"), 1);
    down();
}

static void test_not_registered(void)
{
    up();
    watch(&own);
    CHECK_INT(forward("forwardNoAns", true, "1003", 2), 200);
    phone_register(bob, 0);
    world_run(&w, 200);
    reaches_cleo(0, "callForwardNoAnswer");
    down();
}

/** Two that forward to each other: the second one rings. */
static void test_loop(void)
{
    up();
    watch(&own);
    CHECK_INT(forward("forwardImmediate", true, "1003", 0), 200);
    static struct watcher third;
    watcher_up(&third, &w.net, &w.node, "third", "10.0.4.4", "1003", "pw1003", TP_UDP);
    watcher_subscribe(&third, "1003", "as-feature-event", 0, TYPE,
                      "<SetForwarding><device>x</device><forwardingType>forwardImmediate"
                      "</forwardingType><activateForward>1</activateForward><forwardDN>1002"
                      "</forwardDN></SetForwarding>");
    world_run(&w, 200);
    CHECK_INT(third.status, 200);
    CHECK_INT(third.notes, 1);
    CHECK(watcher_has(&third, "<forwardTo>1002</forwardTo>"));
    reaches_cleo(0, "callForwardImmediate");
    /* and it does not come back to who calls */
    CHECK_INT(forward("forwardImmediate", true, "1001", 0), 200);
    CHECK(world_call(&w, ann, bob));
    phone_hang_up(ann, STR_NONE);
    down();
    watcher_down(&third);
}

/** A device that is no more, and comes back, has nothing switched on. */
static void test_forgotten(void)
{
    up();
    watch(&own);
    dnd(true);
    engine_forget_device(w.engine, &w.device[1], w.net.now_ms);
    world_run(&w, 200);
    CHECK_STR(str_c(watcher_last(&own)->state), "terminated;reason=noresource");
    phone_register(bob, 3600);
    world_run(&w, 200);
    CHECK(world_call(&w, ann, bob));
    phone_hang_up(ann, STR_NONE);
    down();
}

/** A number outside, and what happens when that is not there. */
static void test_outside(void)
{
    up();
    watch(&own);
    CHECK_INT(forward("forwardImmediate", true, "9123", 0), 200);
    CHECK(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 300);
    struct text_msg t = world_take(&w.gateway, "INVITE");
    CHECK(str_starts(sip_msg_ruri(t.m), STR("sip:9123@")));
    struct hop to = raw_from(&w.gateway);
    raw_reply(&w.gateway, &to, t.m, "404 Not Found", "t", "", "");
    world_run(&w, 300);
    CHECK(strstr(ann->s.log, "rejected:404") != NULL);
    text_free(&t);
    down();
}

/** MakeCall follows the called device's forwarding too. */
static void test_make_call(void)
{
    up();
    watch(&own);
    CHECK_INT(forward("forwardImmediate", true, "1003", 0), 200);
    app_forget(&w.crm);
    (void)app_make_call(&w.crm, "1001", "1002", true, NULL);
    world_run(&w, 500);
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 500);
    REQUIRE(cleo->s.leg != NULL);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    CHECK(phone_talks(ann) && phone_talks(cleo));
    phone_hang_up(ann, STR_NONE);
    down();
}

TEST_MAIN(T(test_keys), T(test_refused), T(test_dnd), T(test_immediate), T(test_busy),
          T(test_busy_and_dnd), T(test_no_answer), T(test_not_registered), T(test_loop),
          T(test_forgotten), T(test_outside), T(test_make_call))
