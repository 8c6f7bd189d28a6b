/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscriptions (RFC 6665): how they come to be, are refreshed and end, what is refused, and
 * how NOTIFY behaves when the network or the subscriber does not.
 */
#include "watcher.h"
#include "world.h"

#include "engine/parts.h"

#include <stdio.h>

static struct world w;
static struct watcher eve; /* a second device of 1003 */

static void limits(struct world *world)
{
    world->config.event.max_per_subscriber = 3;
    world->config.event.max_per_resource = 2;
}

static void up_with(void (*tweak)(struct world *), enum transport transport)
{
    world_up(&w,
             &(struct world_options){.no_apps = true, .tweak = tweak, .transport = transport});
    watcher_up(&eve, &w.net, &w.node, "eve", "10.0.4.1", "1003", "pw1003", transport);
}

static void up(void)
{
    up_with(NULL, TP_UDP);
}

static void down(void)
{
    CHECK(vnet_run_quiet(&w.net, 200000000));
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0);
    CHECK_INT(world_stat(&w, "event_resources"), 0);
    world_down(&w);
    watcher_down(&eve);
}

static void subscribe(const char *target, const char *event, int expires)
{
    watcher_subscribe(&eve, target, event, expires, "", "");
    world_run(&w, 100);
}

static void test_life(void)
{
    up();
    subscribe("1001", "dialog", 600);
    CHECK_INT(eve.status, 200);
    CHECK_STR(watcher_answer(&eve, "Expires"), "600");
    CHECK(watcher_answer(&eve, "Contact").n > 0);
    CHECK_INT(eve.notes, 1);
    CHECK_STR(str_c(watcher_last(&eve)->state), "active;expires=600");
    CHECK_STR(str_c(watcher_last(&eve)->event), "dialog");
    CHECK_STR(str_c(watcher_last(&eve)->type), "application/dialog-info+xml");
    CHECK(watcher_has(&eve, "version=\"0\" state=\"full\" entity=\"sip:1001@example.com\""));
    /* refresh: the state again */
    world_run(&w, 100000);
    watcher_refresh(&eve, 900, "", "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 200);
    CHECK_STR(watcher_answer(&eve, "Expires"), "900");
    CHECK_INT(eve.notes, 2);
    CHECK_STR(str_c(watcher_last(&eve)->state), "active;expires=900");
    /* and its end */
    watcher_refresh(&eve, 0, "", "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 200);
    CHECK_STR(watcher_answer(&eve, "Expires"), "0");
    CHECK_INT(eve.notes, 3);
    CHECK_STR(str_c(watcher_last(&eve)->state), "terminated;reason=timeout");
    watcher_refresh(&eve, 600, "", "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 481);
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0);
    CHECK_INT(world_stat(&w, "event_refreshed"), 2);
    down();
}

static void test_expiry_and_fetch(void)
{
    up();
    subscribe("1001", "dialog;id=77", 60);
    world_run(&w, 59000);
    CHECK_INT(eve.notes, 1);
    world_run(&w, 2000);
    CHECK_INT(eve.notes, 2);
    CHECK_STR(str_c(watcher_last(&eve)->state), "terminated;reason=timeout");
    CHECK_STR(str_c(watcher_last(&eve)->event), "dialog;id=77");
    CHECK_INT(world_stat(&w, "event_expired"), 1);
    subscribe("1001", "dialog", 0); /* fetch: one NOTIFY, with the state */
    CHECK_INT(eve.status, 200);
    CHECK_INT(eve.notes, 3);
    CHECK_STR(str_c(watcher_last(&eve)->state), "terminated;reason=timeout");
    CHECK(watcher_has(&eve, "<dialog-info"));
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0);
    subscribe("1001", "dialog", -1); /* the package's time */
    CHECK_STR(watcher_answer(&eve, "Expires"), "3600");
    watcher_subscribe(&eve, "1001", "dialog", -1, "Expires: 99999999999\r\n", "");
    world_run(&w, 100);
    CHECK_STR(watcher_answer(&eve, "Expires"), "86400");
    down();
}

static void refused(const char *target, const char *event, int expires, const char *lines,
                    unsigned status)
{
    char what[96];
    (void)snprintf(what, sizeof(what), "%s %s %s", target, event, lines);
    test_context(what);
    uint64_t there = world_stat(&w, "event_subscriptions");
    size_t notes = eve.notes;
    watcher_subscribe(&eve, target, event, expires, lines, "");
    world_run(&w, 100);
    CHECK_INT(eve.status, status);
    CHECK_INT(world_stat(&w, "event_subscriptions"), there);
    CHECK_INT(eve.notes, notes);
    test_context(NULL);
}

static void test_refused(void)
{
    up();
    refused("1001", "presence", 600, "", 489);
    CHECK(str_find(watcher_answer(&eve, "Allow-Events"), STR("dialog")) <
          watcher_answer(&eve, "Allow-Events").n);
    refused("1001", "Dialog", 600, "", 489);
    refused("1001", "refer", 600, "", 403);
    refused("4711", "dialog", 600, "", 404);
    refused("1001", "dialog", 30, "", 423);
    CHECK_STR(watcher_answer(&eve, "Min-Expires"), "60");
    refused("1001", "dialog", 600, "Accept: application/pidf+xml\r\n", 406);
    CHECK_STR(watcher_answer(&eve, "Accept"), "application/dialog-info+xml");
    refused("1001", "dialog", 600, "Require: eventlist\r\n", 420);
    watcher_subscribe(&eve, "1001", "dialog", 600,
                      "Accept: application/pidf+xml, Application/Dialog-Info+XML;q=0.5\r\n",
                      "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 200);
    /* inside the dialog */
    watcher_refresh(&eve, 30, "", "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 423);
    (void)snprintf(eve.event, sizeof(eve.event), "dialog;id=2");
    watcher_refresh(&eve, 600, "", "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 403);
    watcher_send(&eve, "INFO", "", "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 405);
    watcher_send(&eve, "BYE", "", "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 481);
    (void)snprintf(eve.event, sizeof(eve.event), "dialog");
    eve.cseq -= 3; /* CSeq that was used */
    watcher_refresh(&eve, 600, "", "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 500);
    CHECK_INT(world_stat(&w, "event_subscriptions"), 1); /* none of that ended it */
    down();
}

/** A stranger is challenged; a wrong password stays outside. */
static void test_identity(void)
{
    up();
    eve.auth.password = STR("wrong");
    refused("1001", "dialog", 600, "", 401);
    struct hop to = vnet_hop(&w.node, TP_UDP);
    raw_send(&w.gateway, &to, /* a trusted peer may */
             "SUBSCRIBE sip:1001@example.com SIP/2.0\n"
             "Via: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-s1\n"
             "Max-Forwards: 70\nFrom: <sip:lamp@10.0.2.1>;tag=l\nTo: <sip:1001@example.com>\n"
             "Call-ID: peer-sub\nCSeq: 1 SUBSCRIBE\nContact: <sip:lamp@10.0.2.1>\n"
             "Event: dialog\nExpires: 0\n\n");
    world_run(&w, 100);
    struct text_msg t = world_take(&w.gateway, "200 SUBSCRIBE");
    struct text_msg n = world_take(&w.gateway, "NOTIFY");
    CHECK_STR(text_value(&n, "Subscription-State"), "terminated;reason=timeout");
    text_free(&t);
    text_free(&n);
    down();
}

static const struct str ann_only[] = {STR_INIT("1001")}, watch_10[] = {STR_INIT("100*")},
                        cleo[] = {STR_INIT("1003"), STR_INIT("peer:gate*")},
                        dialog_only[] = {STR_INIT("dialog")};
static const struct event_rule rules[] = {
    {.who = cleo,
     .who_count = 2,
     .devices = ann_only,
     .device_count = 1,
     .packages = dialog_only,
     .package_count = 1},
    {.who = ann_only, .who_count = 1, .devices = watch_10, .device_count = 1}};

static void with_rules(struct world *world)
{
    world->config.event.rules = rules;
    world->config.event.rule_count = 2;
}

static void test_who_may(void)
{
    up_with(with_rules, TP_UDP);
    subscribe("1001", "dialog", 600);
    CHECK_INT(eve.status, 200);
    refused("1002", "dialog", 600, "", 403);
    subscribe("1003", "dialog", 600); /* oneself always */
    CHECK_INT(eve.status, 200);
    down();
}

static void test_bounds(void)
{
    up_with(limits, TP_UDP);
    subscribe("1001", "dialog", 600);
    subscribe("1001", "dialog", 600);
    refused("1001", "dialog", 600, "", 403);
    subscribe("1002", "dialog", 600);
    CHECK_INT(eve.status, 200);
    refused("1003", "dialog", 600, "", 403);
    CHECK_INT(world_stat(&w, "event_refused"), 2);
    down();
}

/* ---- NOTIFY ---- */

/** While one is unanswered nothing is sent; then all that changed comes in one. */
static void test_one_in_the_air(void)
{
    up();
    subscribe("1001", "dialog", 600);
    world_run(&w, 2000);
    eve.reply = 0;
    CHECK(phone_call(PHONE(&w, 0), "1002", true, STR_NONE) != NULL);
    world_run(&w, 3000);
    CHECK_INT(eve.notes, 2);
    CHECK(watcher_has(&eve, "<state>trying</state>"));
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 5000);
    CHECK_INT(eve.notes, 2); /* repeated, which the transaction absorbs */
    eve.reply = 200;
    watcher_reply(&eve, 200, "");
    world_run(&w, 100);
    CHECK_INT(eve.notes, 3);
    CHECK(watcher_has(&eve, "<state>confirmed</state>"));
    CHECK(world_stat(&w, "event_coalesced") >= 1);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    down();
}

static void test_interval(void)
{
    up();
    subscribe("1001", "dialog", 600);
    world_run(&w, 5000);
    CHECK(phone_call(PHONE(&w, 0), "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(eve.notes, 2); /* at once */
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 500);
    CHECK_INT(eve.notes, 2); /* not within the second */
    world_run(&w, 1000);
    CHECK_INT(eve.notes, 3);
    CHECK(eve.note[2].time_ms - eve.note[1].time_ms >= 1000);
    watcher_refresh(&eve, 600, "", ""); /* this one does not wait */
    world_run(&w, 50);
    CHECK_INT(eve.notes, 4);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    down();
}

static void failing(unsigned status, const char *lines, bool survives)
{
    up();
    eve.reply = status;
    eve.reply_lines = lines;
    subscribe("1001", "dialog", 600);
    CHECK_INT(eve.status, 200);
    CHECK_INT(world_stat(&w, "event_subscriptions"), survives);
    CHECK_INT(world_stat(&w, "event_notify_failed"), 1);
    eve.reply = 200;
    eve.reply_lines = "";
    world_run(&w, 12000);
    CHECK_INT(eve.notes, survives ? 2 : 1);
    down();
}

static void test_notify_refused(void)
{
    static const unsigned gone[] = {401, 403, 404, 405, 407, 481, 489, 500, 603};
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        failing(gone[i], "", false);
    }
    failing(503, "Retry-After: 10\r\n", true);
    failing(481, "Retry-After: 10\r\n", false);
}

static void test_notify_unanswered(void)
{
    up();
    eve.reply = 0;
    subscribe("1001", "dialog", 3600);
    world_run(&w, 30000);
    CHECK_INT(world_stat(&w, "event_subscriptions"), 1);
    world_run(&w, 5000);
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0); /* Timer F */
    down();
}

/** The connection goes: the subscriber comes back with a refresh over a new one. */
static void test_lost_flow(void)
{
    up_with(NULL, TP_TCP);
    subscribe("1001", "dialog", 3600);
    CHECK_INT(eve.notes, 1);
    CHECK(vnet_close(&w.net, &eve.node, &w.node) > 0);
    world_run(&w, 100);
    watcher_refresh(&eve, 3600, "", "");
    world_run(&w, 200);
    CHECK_INT(eve.status, 200);
    CHECK_INT(eve.notes, 2);
    /* gone again: a change seeks it at its Contact */
    CHECK(vnet_close(&w.net, &eve.node, &w.node) > 0);
    CHECK(phone_call(PHONE(&w, 0), "1002", true, STR_NONE) != NULL);
    world_run(&w, 2000);
    CHECK(eve.notes >= 3);
    CHECK_INT(world_stat(&w, "event_subscriptions"), 1);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    down();
}

/** Its phone has registered the same Contact over another connection: that is the way to it. */
static void test_lost_flow_registered(void)
{
    up_with(NULL, TP_TCP);
    phone_register_contact(PHONE(&w, 2), "<sip:1003@10.0.4.1;transport=tcp>", 3600);
    subscribe("1001", "dialog", 3600);
    CHECK(vnet_close(&w.net, &eve.node, &w.node) > 0);
    CHECK(phone_call(PHONE(&w, 0), "1002", true, STR_NONE) != NULL);
    world_run(&w, 3000);
    CHECK(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "NOTIFY") > 0);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    down();
}

/* ---- feeds: what a REFER outside of any dialog makes ---- */

static unsigned feeds_gone;

static void on_feed_gone(void *owner, uint64_t now_ms)
{
    (void)now_ms;
    CHECK(owner == &w);
    feeds_gone++;
}

/** As the engine would, when it takes a REFER of the watcher's. */
static struct subscription *feed(uint32_t expires_s)
{
    char text[512];
    struct hop from = {.flow = w.node.udp_flow, .transport = TP_UDP, .remote = eve.node.addr};
    watcher_send_out(&eve, "OPTIONS", "1001", "", ""); /* a new dialog on its side */
    world_run(&w, 100);
    (void)snprintf(
        text, sizeof(text),
        "REFER sip:1001@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.4.1;branch=z9hG4bKr\n"
        "Max-Forwards: 70\nFrom: <sip:1003@example.com>;tag=%s\n"
        "To: <sip:1001@example.com>\nCall-ID: %s\nCSeq: 7 REFER\n"
        "Contact: <sip:1003@10.0.4.1>\nRefer-To: <sip:1002@example.com>\n\n",
        eve.tag, eve.call_id);
    struct text_msg m = text_parse(text);
    struct event_party who = {.device = &w.device[2]};
    struct subscription *s = event_feed_new(
        w.engine->events, m.m, &from, &who,
        &(struct event_feed_args){
            .id = STR("7"), .body = STR("SIP/2.0 100 Trying\r\n"), .expires_s = expires_s},
        on_feed_gone, &w, w.net.now_ms);
    text_free(&m);
    if (CHECK(s != NULL)) {
        (void)snprintf(eve.to_tag, sizeof(eve.to_tag), "%.*s", STR_ARG(event_feed_tag(s)));
        CHECK(str_starts(event_feed_contact(s), STR("Contact: <sip:")));
    }
    engine_tick(w.engine, w.net.now_ms);
    world_run(&w, 100);
    return s;
}

static void test_feed(void)
{
    up();
    feeds_gone = 0;
    struct subscription *s = feed(0);
    REQUIRE(s != NULL);
    CHECK_INT(eve.notes, 1);
    CHECK_STR(str_c(watcher_last(&eve)->event), "refer;id=7");
    CHECK_STR(str_c(watcher_last(&eve)->type), "message/sipfrag;version=2.0");
    CHECK_STR(str_c(watcher_last(&eve)->state), "active;expires=60");
    CHECK_STR(str_c(watcher_last(&eve)->body), "SIP/2.0 100 Trying\r\n");
    CHECK_INT(event_feed(s, STR("SIP/2.0 180 Ringing\r\n"), false), 0);
    CHECK_INT(event_feed(s, STR("SIP/2.0 200 OK\r\n"), true), 0);
    engine_tick(w.engine, w.net.now_ms);
    world_run(&w, 100);
    CHECK_INT(eve.notes, 2);
    CHECK_STR(str_c(watcher_last(&eve)->state), "terminated;reason=noresource");
    CHECK_STR(str_c(watcher_last(&eve)->body), "SIP/2.0 200 OK\r\n");
    CHECK_INT(feeds_gone, 0); /* its owner said that it was the last */
    s = feed(30);             /* nobody feeds it: it expires, and the owner hears of that */
    world_run(&w, 31000);
    CHECK_INT(feeds_gone, 1);
    CHECK_STR(str_c(watcher_last(&eve)->state), "terminated;reason=timeout");
    down();
}

/** The referrer ends it, or is gone. */
static void test_feed_ended(void)
{
    up();
    feeds_gone = 0;
    REQUIRE(feed(0) != NULL);
    (void)snprintf(eve.event, sizeof(eve.event), "refer;id=7");
    (void)snprintf(eve.remote, sizeof(eve.remote), "sip:10.0.0.1");
    eve.cseq = 8;
    watcher_refresh(&eve, 0, "", "");
    world_run(&w, 100);
    CHECK_INT(eve.status, 200);
    CHECK_STR(str_c(watcher_last(&eve)->state), "terminated;reason=timeout");
    CHECK_INT(feeds_gone, 1);
    eve.reply = 481;
    (void)feed(0);
    CHECK_INT(feeds_gone, 2);
    down();
}

static void test_shutdown(void)
{
    up();
    subscribe("1001", "dialog", 3600);
    engine_stop(w.engine, w.net.now_ms);
    world_run(&w, 100);
    CHECK_STR(str_c(watcher_last(&eve)->state), "terminated;reason=probation;retry-after=30");
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0);
    CHECK(vnet_run_quiet(&w.net, 200000000));
    world_restart(&w);
    down();
}

TEST_MAIN(T(test_life), T(test_expiry_and_fetch), T(test_refused), T(test_identity),
          T(test_who_may), T(test_bounds), T(test_one_in_the_air), T(test_interval),
          T(test_notify_refused), T(test_notify_unanswered), T(test_lost_flow),
          T(test_lost_flow_registered), T(test_feed), T(test_feed_ended), T(test_shutdown))
