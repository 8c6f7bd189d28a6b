/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody has switched on at a device outlives the process: do not disturb, forwarding,
 * message waiting, agents, call backs. And what has become of it meanwhile is told.
 */
#include "base/attr.h"
#include "keep.h"
#include "test.h"
#include "watcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;
static struct keep keep;
static const char *ann; /* crm's monitor of 1001 */

static void with_store(struct world *world)
{
    world->config.store = &keep.ops;
    world->config.event.interval_ms = 1;
    world->config.call.callback_s = 600;
    world->config.call.callback_max = 2;
    world->config.event.max_publications = 3;
}

static void up(void)
{
    keep_init(&keep);
    world_up(&w, &(struct world_options){.tweak = with_store});
    ann = world_monitor(&w, &w.crm, "1001");
}

static void down(void)
{
    world_down(&w);
    keep_fini(&keep);
}

static struct ask *done(struct ask *q)
{
    return world_asked(&w, q, 1500);
}

#define ASK(service, body) done(app_ask(&w.crm, service, "%s", body))
#define EVENTS(text) CHECK_STR(str_c(app_events(&w.crm, ann)), text)
#define OF(device) "<device>" device "</device>"

static bool is_called(const struct phone *p)
{
    return p->s.leg != NULL && p->s.leg->state == LEG_EARLY && !p->s.leg->uac;
}

/* ---- call backs ---- */

static struct ask *pair_asked(const char *service, const char *to)
{
    return done(app_ask(&w.crm, service,
                        "<originatingDevice>1001</originatingDevice><targetDevice>%s"
                        "</targetDevice>",
                        to));
}

/** 1002 talks; 1001 wants to be called when it does not any more. */
static void set_call_back(void)
{
    REQUIRE(world_call(&w, PHONE(&w, 1), PHONE(&w, 2)));
    app_forget(&w.crm);
    ANSWER(pair_asked("CallBackNonCallRelated", "1002"), "CallBackNonCallRelatedResponse");
    EVENTS("CallBack 1001>1002 set");
    app_forget(&w.crm);
    CHECK_INT(keep_count(&keep, STORE_CALLBACK), 1);
}

static struct kept_row *row_of_call_back(void)
{
    for (size_t i = 0; i < keep.rows; i++) {
        if (keep.row[i].kind == STORE_CALLBACK) {
            return &keep.row[i];
        }
    }
    return NULL;
}

static void test_a_call_back_outlives_the_process(void)
{
    up();
    set_call_back();
    keep_restart(&w, &keep);
    keep_restart(&w, &keep); /* what was put back is kept again */
    world_run(&w, 60000);
    ANSWER(ASK("GetCallBack", OF("1001")), "GetCallBackResponse 1002");
    ANSWER(pair_asked("CallBackNonCallRelated", "1003"), "CallBackNonCallRelatedResponse");
    CHECK_INT(keep_count(&keep, STORE_CALLBACK), 2); /* under a number of its own */
    ANSWER(pair_asked("CancelCallBack", "1003"), "CancelCallBackResponse");
    CHECK_INT(keep_count(&keep, STORE_CALLBACK), 1);
    app_forget(&w.crm);
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 1500);
    CHECK(strstr(app_events(&w.crm, ann), "CallBack 1001>1002 over") != NULL);
    CHECK_INT(keep_count(&keep, STORE_CALLBACK), 0);
    CHECK_INT(phone_answer(PHONE(&w, 0)), 0);
    world_run(&w, 500);
    CHECK(is_called(PHONE(&w, 1)));
    keep_restart(&w, &keep);
    ANSWER(ASK("GetCallBack", OF("1001")), "GetCallBackResponse");
    w.hard = true;
    down();
}

/** Whether the target has been used since is kept as well, and that it was. */
static void test_a_call_back_waits_for_use(void)
{
    up();
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 300);
    (void)ASK("SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    ANSWER(done(app_on_connection(&w.crm, "CallBack", "callbackConnection", "c1", "1001", "")),
           "CallBackResponse 1002");
    keep_restart(&w, &keep);
    size_t calls = wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "INVITE");
    world_run(&w, 60000);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "INVITE"), calls);
    REQUIRE(world_call(&w, PHONE(&w, 1), PHONE(&w, 2)));
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 100); /* it was used, and nobody has looked yet */
    keep_restart(&w, &keep);
    world_run(&w, 1500);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "INVITE"), calls + 1);
    w.hard = true;
    down();
}

/** What has run out meanwhile is over, and that is told; what has not ends at its time. */
static void test_a_call_back_ends_at_its_time(void)
{
    up();
    set_call_back();
    world_run(&w, 300000);
    keep_restart(&w, &keep);
    world_run(&w, 290000);
    CHECK_STR(str_c(app_events(&w.crm, ann)), "");
    struct kept_row *r = row_of_call_back();
    REQUIRE(r != NULL);
    char key[32], value[128];
    size_t key_n = r->key_n, value_n = r->value_n;
    REQUIRE(key_n <= sizeof(key) && value_n <= sizeof(value));
    memcpy(key, r->key, key_n);
    memcpy(value, r->value, value_n);
    world_run(&w, 20000);
    EVENTS("CallBack 1001>1002 over");
    CHECK_INT(keep_count(&keep, STORE_CALLBACK), 0);
    app_forget(&w.crm);
    keep.ops.put(keep.ops.ctx, STORE_CALLBACK, str_make(key, key_n), str_make(value, value_n));
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "store_not_restored"), 0);
    world_run(&w, 1000);
    EVENTS("CallBack 1001>1002 over");
    CHECK_INT(keep_count(&keep, STORE_CALLBACK), 0);
    down();
}

/** There is room for two; one of a device that is none any more goes. */
static void test_call_backs_that_do_not_come_back(void)
{
    up();
    set_call_back();
    struct kept_row *r = row_of_call_back();
    REQUIRE(r != NULL);
    char value[128];
    struct str row = str_make(value, r->value_n);
    REQUIRE(row.n <= sizeof(value));
    memcpy(value, r->value, row.n);
    keep.ops.put(keep.ops.ctx, STORE_CALLBACK, STR("7"), row); /* the same once more */
    size_t at = str_find(row, STR("1002@"));
    value[at + 3] = '3';
    keep.ops.put(keep.ops.ctx, STORE_CALLBACK, STR("8"), row);
    value[at + 3] = '4';
    keep.ops.put(keep.ops.ctx, STORE_CALLBACK, STR("9"), row); /* one too many */
    value[at + 3] = '9';
    keep.ops.put(keep.ops.ctx, STORE_CALLBACK, STR("10"), row); /* nobody */
    value[at + 3] = '1';
    keep.ops.put(keep.ops.ctx, STORE_CALLBACK, STR("11"), row); /* itself */
    value[at + 3] = '2';
    keep.ops.put(keep.ops.ctx, STORE_CALLBACK, STR("x"), row);
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "store_not_restored"), 5);
    CHECK_INT(keep_count(&keep, STORE_CALLBACK), 2);
    ANSWER(ASK("GetCallBack", OF("1001")), "GetCallBackResponse 1002 1003");
    engine_forget_device(w.engine, &w.device[1], w.net.now_ms);
    engine_forget_device(w.engine, &w.device[2], w.net.now_ms);
    CHECK_INT(keep_count(&keep, STORE_CALLBACK), 0);
    w.hard = true;
    down();
}

/* ---- do not disturb, forwarding ---- */

static void switch_all(void)
{
    ANSWER(ASK("SetDoNotDisturb", OF("1002") "<doNotDisturbOn>true</doNotDisturbOn>"),
           "SetDoNotDisturbResponse");
    ANSWER(ASK("SetForwarding", OF("1003") "<activateForward>true</activateForward>"
                                           "<forwardDN>1001</forwardDN>"),
           "SetForwardingResponse");
    ANSWER(ASK("SetForwarding", OF("1003") "<forwardingType>forwardNoAns</forwardingType>"
                                           "<activateForward>true</activateForward>"
                                           "<forwardDN>1002</forwardDN>"
                                           "<ringCount>2</ringCount>"),
           "SetForwardingResponse");
}

static const struct device_features *features(size_t i)
{
    return call_features(&w.device[i]);
}

static void test_switches_outlive_the_process(void)
{
    up();
    switch_all();
    CHECK_INT(keep_count(&keep, STORE_FEATURES), 2);
    keep_restart(&w, &keep);
    CHECK(features(1)->dnd);
    CHECK(features(2)->forward[FORWARD_IMMEDIATE].on);
    CHECK_STR(str_c(features(2)->forward[FORWARD_IMMEDIATE].to), "1001");
    CHECK_INT(forward_ring_ms(&features(2)->forward[FORWARD_NO_ANSWER]), 2 * FORWARD_RING_MS);
    CHECK(!features(2)->dnd && !features(2)->forward[FORWARD_BUSY].on);
    /* and do what they did */
    (void)phone_call(PHONE(&w, 1), "1003", true, STR_NONE);
    world_run(&w, 500);
    CHECK(is_called(PHONE(&w, 0)));
    CHECK(!is_called(PHONE(&w, 2)));
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 500);
    /* off is kept as well, with the number */
    ANSWER(ASK("SetForwarding", OF("1003") "<activateForward>false</activateForward>"),
           "SetForwardingResponse");
    keep_restart(&w, &keep);
    CHECK(!features(2)->forward[FORWARD_IMMEDIATE].on);
    CHECK_STR(str_c(features(2)->forward[FORWARD_IMMEDIATE].to), "1001");
    down();
}

/** Switched to what it is: nothing is written. */
static void test_nothing_new_is_not_kept(void)
{
    up();
    switch_all();
    keep.ops.drop(keep.ops.ctx, STORE_FEATURES, w.device[1].key);
    ANSWER(ASK("SetDoNotDisturb", OF("1002") "<doNotDisturbOn>true</doNotDisturbOn>"),
           "SetDoNotDisturbResponse");
    CHECK_INT(keep_count(&keep, STORE_FEATURES), 1);
    ANSWER(ASK("SetDoNotDisturb", OF("1002") "<doNotDisturbOn>false</doNotDisturbOn>"),
           "SetDoNotDisturbResponse");
    CHECK_INT(keep_count(&keep, STORE_FEATURES), 2);
    down();
}

/** A device that is none any more takes its rows along, now and over a restart. */
static void test_rows_go_with_the_device(void)
{
    up();
    switch_all();
    ANSWER(ASK("SetAgentState", OF("1003") "<requestedAgentState>loggedOn</requestedAgentState>"
                                           "<agentID>meyer</agentID>"),
           "SetAgentStateResponse");
    ANSWER(ASK("SetMessageWaitingIndicator",
               OF("1003") "<messageWaitingOn>true</messageWaitingOn>"),
           "SetMessageWaitingIndicatorResponse");
    CHECK_INT(keep_count(&keep, STORE_AGENTS) + keep_count(&keep, STORE_MAILBOX), 2);
    engine_forget_device(w.engine, &w.device[2], w.net.now_ms);
    CHECK_INT(keep_count(&keep, STORE_FEATURES), 1);
    CHECK_INT(keep_count(&keep, STORE_AGENTS) + keep_count(&keep, STORE_MAILBOX), 0);
    world_restart(&w);
    directory_remove_device(&w.directory, &w.device[1]);
    engine_restore_head(w.engine, 0, keep.event[keep.events - 1].e.number);
    keep_give(&w, &keep);
    CHECK_INT(keep_count(&keep, STORE_FEATURES), 0);
    w.hard = true; /* its phone is still registered as far as it knows */
    down();
}

/* ---- messages ---- */

#define NEW "Messages-Waiting: yes\r\nVoice-Message: 2/8 (0/2)\r\n"
#define TYPE "Content-Type: application/simple-message-summary\r\n"

static unsigned publish(struct watcher *v, const char *match, int expires, const char *body)
{
    char lines[256];
    (void)snprintf(lines, sizeof(lines), "Event: message-summary\r\nExpires: %d\r\n%s%s",
                   expires, match, body[0] != '\0' ? TYPE : "");
    watcher_send_out(v, "PUBLISH", "1002", lines, body);
    world_run(&w, 100);
    return v->status;
}

static void test_lamps_outlive_the_process(void)
{
    struct watcher own, mail;
    char match[80];
    up();
    watcher_up(&own, &w.net, &w.node, "own", "10.0.4.2", "1001", "pw1001", TP_UDP);
    watcher_up(&mail, &w.net, &w.node, "mail", "10.0.4.3", "1002", "pw1002", TP_UDP);
    watcher_subscribe(&own, "1001", "message-summary", 3600, "", "");
    world_run(&w, 100);
    ANSWER(ASK("SetMessageWaitingIndicator",
               OF("1001") "<messageWaitingOn>true</messageWaitingOn>"),
           "SetMessageWaitingIndicatorResponse");
    CHECK_INT(publish(&mail, "", 3600, NEW), 200);
    (void)snprintf(match, sizeof(match), "SIP-If-Match: %.*s\r\n",
                   STR_ARG(watcher_answer(&mail, "SIP-ETag")));
    CHECK_INT(keep_count(&keep, STORE_MAILBOX), 2);
    size_t notes = own.notes;
    keep_restart(&w, &keep);
    world_run(&w, 2000);
    CHECK_INT(own.notes, notes + 1);
    CHECK(watcher_has(&own, "Messages-Waiting: yes\r\n"));
    ANSWER(ASK("GetMessageWaitingIndicator", OF("1002")),
           "GetMessageWaitingIndicatorResponse on");
    /* who had published goes on with his tag */
    CHECK_INT(publish(&mail, match, 3600, ""), 200);
    CHECK_INT(publish(&mail, match, 3600, ""), 412);
    /* off is off, and the row is gone */
    ANSWER(ASK("SetMessageWaitingIndicator",
               OF("1001") "<messageWaitingOn>false</messageWaitingOn>"),
           "SetMessageWaitingIndicatorResponse");
    CHECK_INT(keep_count(&keep, STORE_MAILBOX), 1);
    keep_restart(&w, &keep);
    world_run(&w, 3700000); /* what was published runs out at its time, in this run too */
    CHECK_INT(world_stat(&w, "event_publications"), 0);
    CHECK_INT(keep_count(&keep, STORE_MAILBOX), 0);
    down();
    watcher_down(&own);
    watcher_down(&mail);
}

/** What a voice mail system says by NOTIFY has its sender in the next run, too. */
static void test_a_sender_is_known_again(void)
{
    up();
    struct hop to = vnet_hop(&w.node, TP_UDP);
    for (unsigned i = 0; i < 3; i++) {
        raw_sendf(&w.gateway, &to,
                  "NOTIFY sip:1001@example.com SIP/2.0\n"
                  "Via: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-n%u\nMax-Forwards: 70\n"
                  "From: <sip:voicemail@10.0.2.1>;tag=v%u\nTo: <sip:1001@example.com>\n"
                  "Call-ID: n%u\nCSeq: 1 NOTIFY\nContact: <sip:voicemail@10.0.2.1>\n"
                  "Event: message-summary\nSubscription-State: active\n"
                  "Content-Type: application/simple-message-summary\n\n"
                  "Messages-Waiting: yes\r\nVoice-Message: %u/0\r\n",
                  i, i, i, i + 1);
        world_run(&w, 200);
        CHECK_INT(world_stat(&w, "event_publications"), 1);
        keep_restart(&w, &keep);
        CHECK_INT(world_stat(&w, "event_publications"), 1);
    }
    CHECK_INT(keep_count(&keep, STORE_MAILBOX), 1);
    down();
}

/* ---- agents ---- */

static const char *agent_of(const char *state, const char *id)
{
    struct ask *q = done(app_ask(&w.crm, "SetAgentState",
                                 OF("1001") "<requestedAgentState>%s</requestedAgentState>"
                                            "<agentID>%s</agentID>",
                                 state, id));
    return q->text;
}

static void test_agents_stay_logged_on(void)
{
    up();
    CHECK_STR(str_c(agent_of("loggedOn", "meyer")), "SetAgentStateResponse");
    CHECK_STR(str_c(agent_of("ready", "meyer")), "SetAgentStateResponse");
    CHECK_STR(str_c(agent_of("loggedOn", "smith")), "SetAgentStateResponse");
    CHECK_INT(keep_count(&keep, STORE_AGENTS), 1);
    app_forget(&w.crm);
    keep_restart(&w, &keep);
    world_run(&w, 500);
    EVENTS("");
    CHECK_INT(world_stat(&w, "csta_agents"), 2);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    world_run(&w, 200);
    const char *before = app_events(&w.crm, ann);
    CHECK(strstr(before, "AgentBusy 1001 meyer") != NULL);
    CHECK(strstr(before, "AgentBusy 1001 smith") != NULL);
    CHECK(strstr(agent_of("loggedOff", "smith"), "agentNull") != NULL);
    app_forget(&w.crm);
    keep_restart(&w, &keep); /* in a call: still busy, and what is pending is */
    world_run(&w, 500);
    EVENTS("");
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 500);
    CHECK(strstr(app_events(&w.crm, ann), "AgentReady 1001 meyer") != NULL);
    CHECK(strstr(app_events(&w.crm, ann), "AgentLoggedOff 1001 smith") != NULL);
    CHECK_STR(str_c(agent_of("loggedOff", "meyer")), "SetAgentStateResponse");
    CHECK_INT(keep_count(&keep, STORE_AGENTS), 0);
    down();
}

/** The call did not come back: the agent is not busy for ever, and that is told. */
static void test_agents_whose_call_is_gone(void)
{
    up();
    CHECK_STR(str_c(agent_of("loggedOn", "meyer")), "SetAgentStateResponse");
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    world_run(&w, 200);
    app_forget(&w.crm);
    for (size_t i = 0; i < keep.rows; i++) {
        if (keep.row[i].kind == STORE_CALL) {
            keep.ops.drop(keep.ops.ctx, STORE_CALL,
                          str_make(keep.row[i].key, keep.row[i].key_n));
            break;
        }
    }
    w.hard = true;
    keep_restart(&w, &keep);
    world_run(&w, 500);
    EVENTS("AgentNotReady 1001 meyer");
    down();
}

/* ---- rows that are not what they were ---- */

static void full(void)
{
    up();
    switch_all();
    CHECK_STR(str_c(agent_of("loggedOn", "meyer")), "SetAgentStateResponse");
    ANSWER(ASK("SetMessageWaitingIndicator",
               OF("1001") "<messageWaitingOn>true</messageWaitingOn>"),
           "SetMessageWaitingIndicatorResponse");
    ANSWER(pair_asked("CallBackNonCallRelated", "1002"), "CallBackNonCallRelatedResponse");
}

static bool is_of_device(const struct kept_row *r)
{
    return r->kind == STORE_FEATURES || r->kind == STORE_MAILBOX || r->kind == STORE_AGENTS ||
           r->kind == STORE_CALLBACK;
}

/** Cut anywhere, or of a later version: dropped, and nothing is left of it. */
static void test_cut_rows_of_devices(void)
{
    full();
    struct keep old = keep;
    keep_init(&keep);
    keep.ops.ctx = &keep;
    world_restart(&w);
    uint64_t dropped = 0;
    for (size_t i = 0; i < old.rows; i++) {
        const struct kept_row *r = &old.row[i];
        struct str key = str_make(r->key, r->key_n);
        if (!is_of_device(r)) {
            continue;
        }
        for (size_t n = 0; n < r->value_n; n++) {
            struct str cut = test_guard(str_make(r->value, n));
            engine_restore_row(w.engine, r->kind, key, cut, w.net.now_ms);
            test_guard_free(cut);
            dropped++;
        }
        engine_restore_row(w.engine, r->kind, key, STR("\7\1\1\1\1\1\1\1"), w.net.now_ms);
        dropped++;
    }
    CHECK(dropped > 60);
    CHECK_INT(world_stat(&w, "store_not_restored"), dropped);
    CHECK_INT(world_stat(&w, "csta_agents"), 0);
    CHECK_INT(world_stat(&w, "event_publications"), 0);
    CHECK(!features(1)->dnd && !features(2)->forward[FORWARD_IMMEDIATE].on);
    engine_restored(w.engine, w.net.now_ms);
    w.hard = true;
    down();
    keep_fini(&old);
}

/** Lost rows are handed over again. */
static void test_rows_of_devices_again(void)
{
    full();
    size_t rows = keep.rows;
    keep.ops.clear(keep.ops.ctx);
    CHECK_INT(keep_count(&keep, STORE_FEATURES), 0);
    engine_store_all(w.engine, w.net.now_ms);
    CHECK_INT(keep_count(&keep, STORE_FEATURES), 2);
    CHECK_INT(keep_count(&keep, STORE_MAILBOX), 1);
    CHECK_INT(keep_count(&keep, STORE_AGENTS), 1);
    CHECK_INT(keep_count(&keep, STORE_CALLBACK), 1);
    CHECK_INT(keep.rows, rows + 2); /* and the secrets, which a server writes at its start */
    down();
}

/** What finds no memory does not come back, and the rest does. */
static void test_no_memory_for_rows_of_devices(void)
{
    bool whole = false;
    for (size_t fail = 1; fail < 1000 && !whole; fail++) {
        full();
        w.hard = true;
        keep.fail_at = fail;
        keep_restart(&w, &keep);
        whole = keep.calls < fail;
        world_run(&w, 500);
        CHECK(!whole || (features(1)->dnd && world_stat(&w, "csta_agents") == 1));
        down();
    }
    CHECK(whole);
}

TEST_MAIN(T(test_a_call_back_outlives_the_process), T(test_a_call_back_waits_for_use),
          T(test_a_call_back_ends_at_its_time), T(test_call_backs_that_do_not_come_back),
          T(test_switches_outlive_the_process), T(test_nothing_new_is_not_kept),
          T(test_rows_go_with_the_device), T(test_lamps_outlive_the_process),
          T(test_a_sender_is_known_again), T(test_agents_stay_logged_on),
          T(test_agents_whose_call_is_gone), T(test_cut_rows_of_devices),
          T(test_rows_of_devices_again), T(test_no_memory_for_rows_of_devices))
