/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Busy lamps (RFC 4235): what watchers see of the calls of others, and that what they see names
 * the right dialog: directed pick-up needs its Call-ID and tags (RFC 3891).
 */
#include "watcher.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct watcher eve, own; /* 1003 watches; 1002 watches itself */
static struct phone *ann, *bob;

static void up_with(void (*tweak)(struct world *))
{
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = tweak});
    watcher_up(&eve, &w.net, &w.node, "eve", "10.0.4.1", "1003", "pw1003", TP_UDP);
    watcher_up(&own, &w.net, &w.node, "own", "10.0.4.2", "1002", "pw1002", TP_UDP);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
}

static void down(void)
{
    CHECK(vnet_run_quiet(&w.net, 200000000));
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0);
    world_down(&w);
    watcher_down(&eve);
    watcher_down(&own);
}

static void watch(struct watcher *who, const char *target)
{
    watcher_subscribe(who, target, "dialog", 3600, "", "");
    world_run(&w, 2000);
    CHECK_INT(who->status, 200);
}

static void no_interval(struct world *world)
{
    world->config.event.interval_ms = 1;
}

/** One call from both ends. */
static void test_states(void)
{
    up_with(no_interval);
    watch(&eve, "1002");
    watch(&own, "1001");
    CHECK(!watcher_has(&eve, "<dialog "));
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "<state>early</state>"));
    CHECK(watcher_has(&eve, "direction=\"recipient\""));
    CHECK(watcher_has(&own, "<state>early</state>"));
    CHECK(watcher_has(&own, "direction=\"initiator\""));
    CHECK(strstr(own.note[1].body, "<state>trying</state>") != NULL);
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", watcher_value(&eve, "<dialog id=\""));
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "<state>confirmed</state>"));
    CHECK_STR(str_c(watcher_value(&eve, "<dialog id=\"")), id);
    CHECK(watcher_has(&own, "<state>confirmed</state>"));
    CHECK_INT(phone_offer(bob, SDP_SENDONLY), 0); /* hold */
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "<param pname=\"+sip.rendering\" pval=\"no\"/>"));
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "<state event=\"local-bye\">terminated</state>"));
    CHECK_STR(str_c(watcher_value(&eve, "<dialog id=\"")), id);
    CHECK(watcher_has(&own, "<state event=\"remote-bye\">terminated</state>"));
    watcher_refresh(&eve, 3600, "", ""); /* told: it is not said again */
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "state=\"full\"") && !watcher_has(&eve, "<dialog "));
    down();
}

/** How a call that nobody took ended. */
static void ends(unsigned refusal, const char *callee, const char *caller)
{
    up_with(no_interval);
    watch(&eve, "1002");
    watch(&own, "1001");
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    if (refusal != 0) {
        CHECK_INT(phone_respond(bob, refusal), 0);
    } else {
        phone_hang_up(ann, STR_NONE);
    }
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, callee));
    CHECK(watcher_has(&own, caller));
    down();
}

static void test_ends(void)
{
    ends(0, "<state event=\"cancelled\">terminated", "<state event=\"cancelled\">terminated");
    ends(486, "<state event=\"rejected\">terminated", "<state event=\"rejected\">terminated");
}

static void test_late_watcher(void)
{
    up_with(NULL);
    REQUIRE(world_call(&w, ann, bob));
    watch(&eve, "1001");
    CHECK(watcher_has(&eve, "version=\"0\" state=\"full\""));
    CHECK(watcher_has(&eve, "<state>confirmed</state>"));
    phone_hang_up(ann, STR_NONE);
    down();
}

/** Replaces made of the document names Baton's leg with the watched phone. */
static void check_names(const struct watcher *who, const struct phone *p)
{
    const struct dialog *d = p->s.leg->dialog;
    CHECK_STR(d->call_id, watcher_value(who, "call-id=\""));
    CHECK_STR(d->local_tag, watcher_value(who, "local-tag=\""));
    CHECK_STR(d->remote_tag, watcher_value(who, "remote-tag=\""));
}

static void test_pick_up(void)
{
    up_with(no_interval);
    watch(&eve, "1002");
    watch(&own, "1002");
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    REQUIRE(bob->s.leg != NULL);
    check_names(&eve, bob);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 1000);
    CHECK(!watcher_has(&eve, "call-id=")); /* nobody takes a call that is up */
    check_names(&own, bob);                /* but the device itself */
    phone_hang_up(ann, STR_NONE);
    down();
}

/** What the lamp told while it rang is not good for taking the call when it is up. */
static void test_no_theft(void)
{
    char lines[600];
    up_with(no_interval);
    watch(&eve, "1002");
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    (void)snprintf(lines, sizeof(lines),
                   "Replaces: %s;to-tag=%s;from-tag=%s\r\n"
                   "Referred-By: <sip:1002@example.com>\r\n",
                   watcher_value(&eve, "call-id=\""), watcher_value(&eve, "remote-tag=\""),
                   watcher_value(&eve, "local-tag=\""));
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 1000);
    struct phone *thief = PHONE(&w, 2);
    REQUIRE(phone_call(thief, "1001", true, str_c(lines)) != NULL);
    world_run(&w, 1000);
    CHECK(strstr(thief->s.log, "rejected:403") != NULL);
    CHECK(phone_talks(ann) && phone_talks(bob));
    phone_hang_up(ann, STR_NONE);
    down();
}

/** Nor for speaking in it: who does that from elsewhere is asked who he is. */
static void test_no_impostor(void)
{
    struct hop to = {0};
    up_with(no_interval);
    watch(&eve, "1002");
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    const char *id = watcher_value(&eve, "call-id=\""),
               *ours = watcher_value(&eve, "remote-tag=\""),
               *his = watcher_value(&eve, "local-tag=\"");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 1000);
    w.peer[1].trusted = false; /* the trunk is anybody */
    static const char *const methods[] = {"BYE", "REFER", "INVITE"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        char want[32];
        to = vnet_hop(ENGINE(&w), TP_UDP);
        raw_sendf(
            &w.trunk, &to,
            "%s sip:1002@10.0.9.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.2;branch=z9hG4bKlie%zu\n"
            "Max-Forwards: 70\nFrom: <sip:1002@example.com>;tag=%s\n"
            "To: <sip:1001@example.com>;tag=%s\nCall-ID: %s\nCSeq: %zu %s\n"
            "Contact: <sip:x@10.0.2.2>\nRefer-To: <sip:1003@example.com>\n\n",
            methods[i], i, his, ours, id, 1000 + i, methods[i]);
        world_run(&w, 100);
        (void)snprintf(want, sizeof(want), "401 %s", methods[i]);
        struct text_msg t = world_take(&w.trunk, want);
        text_free(&t);
        CHECK(phone_talks(ann) && phone_talks(bob));
    }
    struct watcher thief; /* and a colleague may not, with credentials of his own */
    watcher_up(&thief, &w.net, &w.node, "thief", "10.0.4.3", "1003", "pw1003", TP_UDP);
    (void)snprintf(thief.call_id, sizeof(thief.call_id), "%s", id);
    (void)snprintf(thief.tag, sizeof(thief.tag), "%s", his);
    (void)snprintf(thief.to_tag, sizeof(thief.to_tag), "%s", ours);
    (void)snprintf(thief.target, sizeof(thief.target), "sip:1001@example.com");
    (void)snprintf(thief.remote, sizeof(thief.remote), "sip:1001@example.com");
    thief.cseq = 5000;
    watcher_send(&thief, "BYE", "", "");
    world_run(&w, 500);
    CHECK_INT(thief.status, 403);
    watcher_down(&thief);
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_INT(phone_offer(bob, SDP_SENDONLY), 0); /* the phone itself is asked nothing */
    world_run(&w, 500);
    CHECK_STR(str_c(phones_media(ann, bob)), "recvonly|sendonly");
    phone_hang_up(bob, STR_NONE);
    down();
}

static void identities(struct world *world)
{
    no_interval(world);
    world->config.event.dialog_identity = true;
    world->config.event.replaces = EVENT_REPLACES_NONE;
    world->device[0].display = STR("<Ann> & \"One\"\x01 \xff'");
}

static void test_privacy(void)
{
    up_with(no_interval);
    watch(&eve, "1002");
    watch(&own, "1002");
    REQUIRE(world_call(&w, ann, bob));
    world_run(&w, 1000);
    CHECK(!watcher_has(&eve, "1001"));
    CHECK(watcher_has(&own, "sip:1001@example.com</identity>"));
    phone_hang_up(ann, STR_NONE);
    down();
    up_with(identities);
    watch(&eve, "1002");
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "<remote><identity display=\"&lt;Ann"));
    CHECK(watcher_has(&eve, " &amp; &quot;One&quot;\xEF\xBF\xBD \xEF\xBF\xBD"));
    CHECK(!watcher_has(&eve, "call-id="));
    phone_hang_up(ann, STR_NONE);
    down();
}

/** A caller from outside who asked for privacy is shown to nobody. */
static void test_anonymous(void)
{
    up_with(identities);
    watch(&own, "1002");
    world_raw_invite(&w, &w.gateway, "anon", "1002", "Privacy: id\n", world_sdp);
    world_run(&w, 1000);
    CHECK(watcher_has(&own, "<state>early</state>"));
    CHECK(!watcher_has(&own, "9000"));
    CHECK_INT(phone_respond(bob, 486), 0);
    world_run(&w, 40000);
    down();
}

static void partial(struct world *world)
{
    no_interval(world);
    world->config.event.dialog_partial = true;
}

/** Two calls of one device: a change tells of one only, a refresh of both. */
static void test_partial(void)
{
    up_with(partial);
    struct phone *cleo = PHONE(&w, 2);
    watch(&eve, "1002");
    REQUIRE(world_call(&w, ann, bob));
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "state=\"partial\""));
    char first[64];
    (void)snprintf(first, sizeof(first), "%s", watcher_value(&eve, "<dialog id=\""));
    REQUIRE(phone_call(cleo, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "state=\"partial\""));
    CHECK(strcmp(watcher_value(&eve, "<dialog id=\""), first) != 0);
    CHECK_INT(test_count(watcher_last(&eve)->body, "<dialog "), 1);
    watcher_refresh(&eve, 3600, "", "");
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "state=\"full\""));
    CHECK_INT(test_count(watcher_last(&eve)->body, "<dialog "), 2);
    phone_hang_up(cleo, STR_NONE);
    phone_hang_up(ann, STR_NONE);
    down();
}

/** Nothing is lost between two documents: an end that came while one was in the air is told. */
static void test_coalesced_end(void)
{
    up_with(partial);
    watch(&eve, "1002");
    eve.reply = 0;
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 1000);
    CHECK(watcher_has(&eve, "<state>early</state>"));
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 1000);
    CHECK_INT(eve.notes, 2);
    eve.reply = 200;
    watcher_reply(&eve, 200, "");
    world_run(&w, 1000);
    CHECK_INT(eve.notes, 3);
    CHECK(watcher_has(&eve, "<state event=\"cancelled\">terminated"));
    down();
}

static void test_device_gone(void)
{
    up_with(NULL);
    watch(&eve, "1002");
    engine_forget_device(w.engine, &w.device[1], w.net.now_ms);
    world_run(&w, 100);
    CHECK_STR(str_c(watcher_last(&eve)->state), "terminated;reason=noresource");
    watch(&eve, "1002");
    engine_forget_device(w.engine, &w.device[2], w.net.now_ms);
    world_run(&w, 100);
    CHECK_STR(str_c(watcher_last(&eve)->state), "terminated;reason=rejected");
    down();
}

TEST_MAIN(T(test_states), T(test_ends), T(test_late_watcher), T(test_pick_up), T(test_no_theft),
          T(test_no_impostor), T(test_privacy), T(test_anonymous), T(test_partial),
          T(test_coalesced_end), T(test_device_gone))
