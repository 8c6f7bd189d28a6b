/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives the process: the engine goes without a word and comes back with what it had
 * handed to the store.
 */
#include "base/attr.h"
#include "base/err.h"
#include "keep.h"
#include "tel.h"
#include "test.h"
#include "watcher.h"

#include <stdio.h>
#include <stdlib.h>

static struct keep keep;

static void with_store(struct world *w)
{
    w->config.store = &keep.ops;
}

static void up(struct world *w, const struct world_options *o)
{
    struct world_options with = *o;
    with.tweak = with_store;
    keep_init(&keep);
    world_up(w, &with);
}

static void down(struct world *w)
{
    world_down(w);
    keep_fini(&keep);
}

/* ---- the journal ---- */

static void test_history_is_written_whoever_watches(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 200);
    CHECK_STR(str_c(keep_story(&keep, NULL)),
              "Originated Delivered Established ConnectionCleared ConnectionCleared "
              "CallCleared");
    down(&w);
}

static void test_a_refused_call_ends_once(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    PHONE(&w, 1)->on_call = 486;
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 500);
    const char *story = keep_story(&keep, NULL);
    CHECK(strstr(story, "Failed") != NULL);
    CHECK_INT(test_count(story, "CallCleared"), 1);
    CHECK(str_ends(str_c(story), STR("CallCleared")));
    down(&w);
}

static void test_numbers_go_on_after_a_restart(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 200);
    size_t before = keep.events;
    CHECK(before > 6);
    keep_restart(&w, &keep);
    phone_register(PHONE(&w, 0), 3600);
    phone_register(PHONE(&w, 1), 3600);
    phone_register(PHONE(&w, 2), 3600);
    world_run(&w, 200);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 200);
    CHECK(keep.events >= before + 6); /* keep.c has looked at the numbers */
    down(&w);
}

/* ---- bindings ---- */

static void test_phones_need_not_register_again(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    CHECK_INT(keep_count(&keep, STORE_BINDING), 3);
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 3);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 200);
    CHECK(!phone_talks(PHONE(&w, 1)));
    phone_register(PHONE(&w, 2), 0); /* the row goes with the binding */
    world_run(&w, 200);
    CHECK_INT(keep_count(&keep, STORE_BINDING), 2);
    down(&w);
}

/** What has run out meanwhile does not come back; what has not ends at its time. */
static void test_bindings_end_at_their_time(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    phone_register(PHONE(&w, 0), 100);
    world_run(&w, 1000);
    keep_restart(&w, &keep);
    world_run(&w, 98000);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 3);
    world_run(&w, 4000);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 2);
    CHECK_INT(keep_count(&keep, STORE_BINDING), 2);
    down(&w);
}

/** A connection is gone with the process: its phone is not reached before it is back. */
static void test_bindings_over_connections(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true, .transport = TP_TCP});
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 3);
    world_run(&w, 200);
    phone_register(PHONE(&w, 0), 3600);
    phone_register(PHONE(&w, 1), 3600);
    phone_register(PHONE(&w, 2), 3600);
    world_run(&w, 200);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 3);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 200);
    down(&w);
}

/* ---- standing calls ---- */

static void test_a_call_goes_on(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    CHECK_INT(keep_count(&keep, STORE_CALL), 1);
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    world_run(&w, 1000);
    /* hold and retrieval by a phone's key: the other one hears it */
    CHECK_INT(phone_offer(PHONE(&w, 0), SDP_SENDONLY), 0);
    world_run(&w, 300);
    CHECK_STR(str_c(phones_media(PHONE(&w, 0), PHONE(&w, 1))), "sendonly|recvonly");
    CHECK_INT(phone_offer(PHONE(&w, 0), SDP_SENDRECV), 0);
    world_run(&w, 300);
    CHECK_STR(str_c(phones_media(PHONE(&w, 0), PHONE(&w, 1))), "sendrecv|sendrecv");
    /* once more, so that what was restored is kept again */
    keep_restart(&w, &keep);
    world_run(&w, 300);
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 300);
    CHECK(!phone_talks(PHONE(&w, 0)));
    CHECK_INT(keep_count(&keep, STORE_CALL), 0);
    CHECK_STR(str_c(keep_story(&keep, NULL)),
              "Originated Delivered Established Held Retrieved ConnectionCleared "
              "ConnectionCleared CallCleared");
    down(&w);
}

/** An application that comes after the restart commands the call. */
static void test_a_call_is_commanded(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    keep_restart(&w, &keep);
    (void)app_open(&w.crm);
    world_run(&w, 200);
    const char *ref = world_monitor(&w, &w.crm, "1001");
    struct ask *q = app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    world_run(&w, 200);
    const struct csta_msg *m = &q->msg;
    REQUIRE(m->id == CSTA_MSG_SNAPSHOT_DEVICE_RESPONSE);
    {
        /* the call's identifier is the row's key */
        const struct kept_row *r = NULL;
        for (size_t i = 0; i < keep.rows; i++) {
            r = keep.row[i].kind == STORE_CALL ? &keep.row[i] : r;
        }
        REQUIRE(r != NULL);
        CHECK_STR(str_c(call_name(&w.calls, str_make(r->key, r->key_n))), "c1");
    }
    app_forget(&w.crm);
    q = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
    world_run(&w, 500);
    CHECK_STR(str_c(q->text), "HoldCallResponse");
    CHECK_STR(str_c(app_events(&w.crm, ref)), "Held c1:1001 hold normal");
    CHECK_STR(str_c(phones_media(PHONE(&w, 0), PHONE(&w, 1))), "inactive|recvonly");
    q = app_on_connection(&w.crm, "RetrieveCall", "callToBeRetrieved", "c1", "1001", "");
    world_run(&w, 500);
    CHECK_STR(str_c(q->text), "RetrieveCallResponse");
    q = app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c1", "1001",
                          "<transferredTo>1003</transferredTo>");
    world_run(&w, 300);
    CHECK_INT(phone_answer(PHONE(&w, 2)), 0);
    world_run(&w, 500);
    CHECK(phone_talks(PHONE(&w, 1)) && phone_talks(PHONE(&w, 2)));
    CHECK(!phone_talks(PHONE(&w, 0)));
    keep_restart(&w, &keep); /* the app's session over SIP stands, too */
    q = app_on_connection(&w.crm, "ClearConnection", "connectionToBeCleared", "c1", "1002", "");
    world_run(&w, 500);
    CHECK_STR(str_c(q->text), "ClearConnectionResponse");
    CHECK(!phone_talks(PHONE(&w, 1)) && !phone_talks(PHONE(&w, 2)));
    CHECK_INT(keep_count(&keep, STORE_CALL), 0);
    down(&w);
}

static bool both_can_offer(const struct world *w)
{
    return leg_can_offer(PHONE(w, 0)->s.leg) && leg_can_offer(PHONE(w, 1)->s.leg);
}

/** The process goes between a phone's 2xx and our ACK of it: the next one acknowledges it, and
    commands the phone at once. */
static void test_a_2xx_of_before_is_acknowledged(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    (void)app_open(&w.crm);
    world_run(&w, 200);
    const char *ref = world_monitor(&w, &w.crm, "1001");
    (void)app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    world_run(&w, 200); /* it knows the call now: c1 */
    (void)app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
    for (int i = 0; i < 500 && both_can_offer(&w); i++) {
        world_run(&w, 1);
    }
    CHECK(!both_can_offer(&w)); /* one has answered, and waits for the ACK */
    keep_restart(&w, &keep);
    world_run(&w, 3000);
    CHECK(both_can_offer(&w));
    app_forget(&w.crm);
    struct ask *q = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
    world_run(&w, 500);
    CHECK_STR(str_c(q->text), "HoldCallResponse");
    CHECK_STR(str_c(app_events(&w.crm, ref)), "Held c1:1001 hold normal");
    CHECK_STR(str_c(phones_media(PHONE(&w, 0), PHONE(&w, 1))), "inactive|recvonly");
    down(&w);
}

/** Its own application: ConsultationCall shares the phone's leg between two calls. */
static void test_two_calls_of_one_phone_go_on(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 3});
    (void)world_monitor(&w, &w.crm, "1001");
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    struct ask *q = app_on_connection(&w.crm, "ConsultationCall", "existingCall", "c1", "1001",
                                      "<consultedDevice>1003</consultedDevice>");
    world_run(&w, 500);
    CHECK_STR(str_c(q->text), "ConsultationCallResponse c2:1001");
    CHECK_INT(phone_answer(PHONE(&w, 2)), 0);
    world_run(&w, 500);
    CHECK_INT(keep_count(&keep, STORE_CALL), 2);
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "calls_active"), 2);
    q = app_on_two(&w.crm, "TransferCall", "heldCall", "c1", "activeCall", "c2", "1001");
    world_run(&w, 1000);
    CHECK(strstr(q->text, "TransferCallResponse") != NULL);
    CHECK(phone_talks(PHONE(&w, 1)) && phone_talks(PHONE(&w, 2)));
    CHECK(!phone_talks(PHONE(&w, 0)));
    CHECK_STR(str_c(phones_media(PHONE(&w, 1), PHONE(&w, 2))), "sendrecv|sendrecv");
    down(&w);
}

static size_t call_row_size(void)
{
    size_t n = 0;
    for (size_t i = 0; i < keep.rows; i++) {
        n += keep.row[i].kind == STORE_CALL ? keep.row[i].value_n : 0;
    }
    return n;
}

/** However often it was transferred: who has left it is not written. */
static void test_a_call_that_moved_often_goes_on(void)
{
    struct world w;
    size_t size = 0;
    up(&w, &(struct world_options){.phones = 3});
    (void)world_monitor(&w, &w.crm, "1002");
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    for (int i = 0; i < 63; i++) { /* 65 connections */
        bool back = i % 2 == 1;
        struct ask *q = app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c1",
                                          back ? "1003" : "1001",
                                          back ? "<transferredTo>1001</transferredTo>"
                                               : "<transferredTo>1003</transferredTo>");
        world_run(&w, 300);
        CHECK_INT(phone_answer(PHONE(&w, back ? 0 : 2)), 0);
        world_run(&w, 500);
        CHECK(q->msg.id == CSTA_MSG_SINGLE_STEP_TRANSFER_CALL_RESPONSE);
        app_forget(&w.crm);
        size = i == 3 ? call_row_size() : size;
    }
    CHECK(call_row_size() < 2 * size);
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "store_not_restored"), 0);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    CHECK_INT(phone_offer(PHONE(&w, 1), SDP_SENDONLY), 0);
    world_run(&w, 300);
    CHECK_STR(str_c(phones_media(PHONE(&w, 1), PHONE(&w, 2))), "sendonly|recvonly");
    phone_hang_up(PHONE(&w, 2), STR_NONE);
    world_run(&w, 500);
    CHECK(!phone_talks(PHONE(&w, 1)));
    CHECK_INT(keep_count(&keep, STORE_CALL), 0);
    down(&w);
}

/** A call that was being set up ends, and who watches hears so once. */
static void test_a_call_in_set_up_ends(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 2});
    const char *a = world_monitor(&w, &w.crm, "1001");
    const char *b = world_monitor(&w, &w.crm, "1002");
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 300);
    app_forget(&w.crm);
    keep_restart(&w, &keep);
    world_run(&w, 500);
    CHECK_STR(str_c(app_events(&w.crm, a)),
              "Cleared c1:1001 null switchingFunctionTerminated by=1001");
    CHECK_STR(str_c(app_events(&w.crm, b)),
              "Cleared c1:1002 null switchingFunctionTerminated by=1002");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    CHECK_INT(keep_count(&keep, STORE_CALL), 0);
    CHECK_INT(test_count(keep_story(&keep, NULL), "CallCleared"), 1);
    world_run(&w, 200000); /* the caller's INVITE runs out */
    down(&w);
}

/** A call that has ended for all and only waits for its phones is over for a command, too:
    nobody is told that he lacks a right. */
static void test_a_call_that_is_ending_is_over(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 2});
    (void)world_monitor(&w, &w.crm, "1001");
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 300);
    wire_lose(&w.wire, PHONE_NODE(&w, 1), ENGINE(&w), "487 INVITE", 0, 100);
    struct ask *q = app_on_connection(&w.crm, "ClearCall", "callToBeCleared", "c1", "1001", "");
    world_run(&w, 500);
    CHECK_STR(str_c(q->text), "ClearCallResponse");
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    q = app_on_connection(&w.crm, "ClearCall", "callToBeCleared", "c1", "", "");
    world_run(&w, 100);
    CHECK_STR(str_c(q->text), "operation/invalidConnectionID");
    world_run(&w, 200000);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    down(&w);
}

/* ---- sessions ---- */

/** The session's own dialog: requests are answered, events come, the reference is the same. */
static void test_a_session_goes_on(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 2});
    const char *ref = world_monitor(&w, &w.crm, "1001");
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    app_forget(&w.crm);
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    CHECK_INT(world_stat(&w, "csta_monitors"), 1);
    struct ask *q = app_ask(&w.crm, "RequestSystemStatus", "%s", "");
    world_run(&w, 200);
    CHECK_INT(q->status, 200);
    CHECK_STR(str_c(app_events(&w.crm, ref)), ""); /* nothing twice */
    CHECK_INT(phone_offer(PHONE(&w, 0), SDP_SENDONLY), 0);
    world_run(&w, 300);
    CHECK_STR(str_c(app_events(&w.crm, ref)), "Held c1:1001 hold normal");
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 300);
    q = app_ask(&w.crm, "MonitorStop", "<monitorCrossRefID>%s</monitorCrossRefID>", ref);
    world_run(&w, 200);
    CHECK_STR(str_c(q->text), "MonitorStopResponse");
    CHECK_INT(keep_count(&keep, STORE_SESSION), 1);
    app_close(&w.crm);
    world_run(&w, 200);
    CHECK_INT(keep_count(&keep, STORE_SESSION), 0);
    down(&w);
}

/* What of the traffic between engine and application is lost. */
static struct {
    struct world *w;
    bool to_app, from_app;
    unsigned infos;
} lossy;

static void lose(void *ctx, struct vpacket *p)
{
    (void)ctx;
    bool to = p->from == ENGINE(lossy.w) && p->to == &lossy.w->crm.s.node;
    bool from = p->from == &lossy.w->crm.s.node;
    lossy.infos += to && str_starts(p->bytes, STR("INFO ")) ? 1 : 0;
    if ((to && lossy.to_app) || (from && lossy.from_app)) {
        p->copies = 0;
    }
}

/** What the client has not got when the process ends, it gets afterwards, and in order. */
static void test_missed_events_are_told(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 2});
    const char *ref = world_monitor(&w, &w.crm, "1001");
    lossy.w = &w;
    lossy.to_app = true;
    lossy.from_app = false;
    w.net.tap = lose;
    app_forget(&w.crm);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    CHECK_STR(str_c(app_events(&w.crm, ref)), "");
    keep_restart(&w, &keep);
    lossy.to_app = false;
    world_run(&w, 2000);
    CHECK_STR(str_c(app_events(&w.crm, ref)),
              "Originated c1:1001 connected newCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002; "
              "Established c1:1002 connected newCall 1001>1002");
    w.net.tap = NULL;
    down(&w);
}

/** It got the event, and its answer is lost with the process: it does not get it twice. */
static void test_no_event_is_told_twice(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 2});
    const char *ref = world_monitor(&w, &w.crm, "1001");
    lossy.w = &w;
    lossy.to_app = false;
    lossy.from_app = true;
    w.net.tap = lose;
    app_forget(&w.crm);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    CHECK_STR(str_c(app_events(&w.crm, ref)), "Originated c1:1001 connected newCall 1001>1002");
    lossy.from_app = false;
    lossy.infos = 0;
    keep_restart(&w, &keep);
    world_run(&w, 2000);
    CHECK(lossy.infos >= 3); /* the first one was sent again */
    CHECK_STR(str_c(app_events(&w.crm, ref)),
              "Originated c1:1001 connected newCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002; "
              "Established c1:1002 connected newCall 1001>1002");
    w.net.tap = NULL;
    down(&w);
}

/** Its connection is gone with the process; what it missed comes when it is back. */
static void test_a_session_over_a_connection(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 2, .transport = TP_TCP});
    const char *ref = world_monitor(&w, &w.crm, "1001");
    app_forget(&w.crm);
    keep_restart(&w, &keep);
    world_run(&w, 200);
    phone_register(PHONE(&w, 0), 3600);
    phone_register(PHONE(&w, 1), 3600);
    world_run(&w, 200);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    CHECK_STR(str_c(app_events(&w.crm, ref)), ""); /* nobody to be told, and nothing is lost */
    CHECK_INT(world_stat(&w, "csta_sessions"), 1);
    struct ask *q = app_ask(&w.crm, "RequestSystemStatus", "%s", "");
    world_run(&w, 500);
    CHECK_INT(q->status, 200);
    CHECK_STR(str_c(app_events(&w.crm, ref)),
              "Originated c1:1001 connected newCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002; "
              "Established c1:1002 connected newCall 1001>1002");
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 300);
    down(&w);
}

/* ---- a store that is broken ---- */

/** What begins something is refused while it is; what stands goes on. */
static void test_the_gate_is_closed(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 3, .no_apps = true});
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    engine_close_gate(w.engine, true);
    (void)phone_call(PHONE(&w, 2), "1001", true, STR_NONE);
    world_run(&w, 500);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    CHECK_INT(phone_offer(PHONE(&w, 0), SDP_SENDONLY), 0);
    world_run(&w, 300);
    CHECK_STR(str_c(phones_media(PHONE(&w, 0), PHONE(&w, 1))), "sendonly|recvonly");
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 300);
    engine_close_gate(w.engine, false);
    REQUIRE(world_call(&w, PHONE(&w, 2), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 2), STR_NONE);
    world_run(&w, 300);
    down(&w);
}

/** Rows were lost: all of them are handed over again, as they are. */
static void test_all_is_handed_over_again(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 2});
    (void)world_monitor(&w, &w.crm, "1001");
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    size_t rows = keep.rows;
    while (keep.rows > 0) { /* the disk has forgotten */
        struct kept_row r = keep.row[0];
        keep.ops.drop(keep.ops.ctx, r.kind, str_make(r.key, r.key_n));
    }
    keep.ops.put(keep.ops.ctx, STORE_CALL, STR("over"), STR("not dropped in time"));
    keep.ops.put(keep.ops.ctx, STORE_BINDING, STR("9"), STR("nor that"));
    engine_store_all(w.engine, w.net.now_ms);
    CHECK_INT(keep_count(&keep, STORE_CALL), 1);
    CHECK_INT(keep_count(&keep, STORE_BINDING), 2);
    CHECK_INT(keep.rows, rows + 2); /* and the secrets, which a server writes at its start */
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    CHECK_INT(world_stat(&w, "csta_monitors"), 1);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 300);
    CHECK(!phone_talks(PHONE(&w, 1)));
    down(&w);
}

/** Filters, spellings, monitors of calls, a registration for routes. */
static void test_all_of_a_session_goes_on(void)
{
    struct world w;
    up(&w, &(struct world_options){.phones = 2});
    struct ask *q = app_ask(&w.crm, "MonitorStart",
                            "<monitorObject><deviceObject>tel:1001</deviceObject>"
                            "</monitorObject><requestedMonitorFilter><callcontrol>"
                            "<delivered>true</delivered></callcontrol>"
                            "</requestedMonitorFilter>");
    world_run(&w, 200);
    bool spelled = q->msg.id == CSTA_MSG_MONITOR_START_RESPONSE;
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    (void)spelled;
    q = app_ask(&w.crm, "MonitorStart",
                "<monitorObject><callObject><callID>%s</callID>"
                "<deviceID>1002</deviceID></callObject></monitorObject>",
                app_call_id(&w.crm, "c1"));
    world_run(&w, 200);
    REQUIRE(q->msg.id == CSTA_MSG_MONITOR_START_RESPONSE);
    char ref[16];
    snprintf(ref, sizeof(ref), "%.*s",
             STR_ARG(q->msg.monitor_start_response->monitor_cross_ref_id));
    q = app_ask(&w.crm, "RouteRegister", "%s", "");
    world_run(&w, 200);
    CHECK_INT(q->msg.id, CSTA_MSG_ROUTE_REGISTER_RESPONSE);
    app_forget(&w.crm);
    keep_restart(&w, &keep);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 500);
    CHECK_STR(str_c(app_events(&w.crm, ref)),
              "Cleared c1:1001 normalClearing by=1001; Cleared c1:1002 normalClearing by=1001; "
              "CallCleared c1");
    q = app_ask(&w.crm, "RouteRegisterCancel", "<routeRegisterReqID>1</routeRegisterReqID>");
    world_run(&w, 200);
    CHECK_INT(q->msg.id, CSTA_MSG_ROUTE_REGISTER_CANCEL_RESPONSE);
    down(&w);
}

/* ---- subscriptions ---- */

static void test_watchers_are_told_again(void)
{
    struct world w;
    struct watcher v;
    up(&w, &(struct world_options){.no_apps = true});
    watcher_up(&v, &w.net, ENGINE(&w), "lamp", "10.0.5.1", "1003", "pw1003", TP_UDP);
    watcher_subscribe(&v, "1001", "dialog", 600, "", "");
    world_run(&w, 300);
    REQUIRE(v.notes == 1);
    CHECK_INT(keep_count(&keep, STORE_SUBSCRIPTION), 1);
    keep_restart(&w, &keep);
    world_run(&w, 2000);
    CHECK_INT(v.notes, 2); /* all of it, in the same dialog */
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    world_run(&w, 3000);
    CHECK(v.notes > 2);
    CHECK(strstr(v.note[v.notes - 1].body, "confirmed") != NULL);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 3000);
    watcher_refresh(&v, 0, "", "");
    world_run(&w, 3000);
    CHECK_INT(keep_count(&keep, STORE_SUBSCRIPTION), 0);
    world_run(&w, 40000);
    down(&w);
    watcher_down(&v);
}

static const struct str one[] = {STR_INIT("1001")}, two[] = {STR_INIT("1002")};
static const struct access_scope sees_two[] = {{STR_INIT("1002"), ACCESS_OBSERVE}},
                                 sees_three[] = {{STR_INIT("1003"), ACCESS_OBSERVE}};
static const struct event_rule only_two_watches_one[] = {
    {.who = two, .who_count = 1, .devices = one, .device_count = 1}};

static void nothing_changed(struct world *w)
{
    (void)w;
}

static void device_gone(struct world *w)
{
    directory_remove_device(&w->directory, &w->device[2]);
}

static void rules_changed(struct world *w)
{
    w->config.event.rules = only_two_watches_one;
    w->config.event.rule_count = 1;
}

static void application_gone(struct world *w)
{
    directory_remove_application(&w->directory, &w->application[0]);
}

static void grants_changed(struct world *w)
{
    w->application[0].scopes = sees_two;
}

static void peer_untrusted(struct world *w)
{
    w->peer[0].trusted = false;
}

static void peer_gone(struct world *w)
{
    w->peer[0].name = STR("another");
}

/** Between two runs somebody has lost what he may know: he is told nothing more. */
static void test_watchers_are_judged_again(void)
{
    static const struct {
        const char *number, *password; /**< NULL: the gateway subscribes */
        void (*change)(struct world *w);
        size_t stay;
    } table[] = {
        {"1003", "pw1003", nothing_changed, 1},
        {"1003", "pw1003", device_gone, 0},
        {"1003", "pw1003", rules_changed, 0},
        {"1002", "pw1002", rules_changed, 1},
        {"1001", "pw1001", rules_changed, 1},
        {"crm", "pwcrm", nothing_changed, 1},
        {"crm", "pwcrm", application_gone, 0},
        {"crm", "pwcrm", grants_changed, 0},
        {NULL, NULL, nothing_changed, 1},
        {NULL, NULL, peer_untrusted, 0},
        {NULL, NULL, peer_gone, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct world w;
        struct watcher v;
        bool raw = table[i].number == NULL;
        up(&w, &(struct world_options){.phones = 2, .no_apps = true});
        watcher_up(&v, &w.net, ENGINE(&w), "lamp", "10.0.5.1", raw ? "1003" : table[i].number,
                   raw ? "pw1003" : table[i].password, TP_UDP);
        if (raw) {
            struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
            raw_sendf(&w.gateway, &to,
                      "SUBSCRIBE sip:1001@example.com SIP/2.0\n"
                      "Via: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-s\nMax-Forwards: 70\n"
                      "From: <sip:gw@10.0.2.1>;tag=f\nTo: <sip:1001@example.com>\n"
                      "Call-ID: gw\nCSeq: 1 SUBSCRIBE\nContact: <sip:gw@10.0.2.1>\n"
                      "Event: dialog\nExpires: 600\n\n");
        } else {
            watcher_subscribe(&v, "1001", "dialog", 600, "", "");
        }
        world_run(&w, 300);
        CHECK_INT(keep_count(&keep, STORE_SUBSCRIPTION), 1);
        size_t notes = v.notes;
        table[i].change(&w);
        keep_restart(&w, &keep);
        world_run(&w, 500);
        test_context(raw ? "gateway" : table[i].number);
        CHECK_INT(keep_count(&keep, STORE_SUBSCRIPTION), table[i].stay);
        CHECK_INT(world_stat(&w, "event_subscriptions"), table[i].stay);
        CHECK_INT(v.notes, notes + (raw ? 0 : table[i].stay));
        test_context(NULL);
        world_run(&w, 700000);
        down(&w);
        watcher_down(&v);
    }
}

/** The monitor of a call is whose application still has a device in it. */
static void test_monitors_of_calls_are_judged_again(void)
{
    for (int may = 0; may < 2; may++) {
        struct world w;
        up(&w, &(struct world_options){.phones = 3});
        REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
        (void)world_monitor(&w, &w.crm, "1003");
        const struct kept_row *call = NULL;
        for (size_t i = 0; i < keep.rows; i++) {
            call = keep.row[i].kind == STORE_CALL ? &keep.row[i] : call;
        }
        REQUIRE(call != NULL);
        struct ask *q = app_ask(&w.crm, "MonitorStart",
                                "<monitorObject><callObject><callID>%.*s</callID></callObject>"
                                "</monitorObject><monitorType>call</monitorType>",
                                (int)call->key_n, call->key);
        world_run(&w, 200);
        REQUIRE(q->msg.id == CSTA_MSG_MONITOR_START_RESPONSE);
        CHECK_INT(world_stat(&w, "csta_monitors"), 2);
        w.application[0].scopes = may ? sees_two : sees_three;
        app_forget(&w.crm);
        keep_restart(&w, &keep);
        CHECK_INT(world_stat(&w, "csta_monitors"), 1);
        CHECK_INT(keep_count(&keep, STORE_SESSION), 2); /* the session and that */
        phone_hang_up(PHONE(&w, 0), STR_NONE);
        world_run(&w, 500);
        CHECK((strstr(app_events(&w.crm, NULL), "CallCleared") != NULL) == (may == 1));
        down(&w);
    }
}

/* ---- phones that are spoken with ---- */

static void with_uacsta(struct world *w)
{
    with_store(w);
    w->device[0].phone_profile = STR("generic");
    w->config.phone.refresh_s = 60;
}

/** What registered before the end is asked for a session after it, without a new REGISTER. */
static void test_phones_are_called_again(void)
{
    struct world w;
    struct tel tel;
    keep_init(&keep);
    world_up(&w, &(struct world_options){.tweak = with_uacsta, .unregistered = true});
    tel_up(&tel, PHONE(&w, 0));
    phone_register(PHONE(&w, 0), 3600);
    world_run(&w, 1000);
    CHECK_INT(world_stat(&w, "phones_monitored"), 1);
    tel_reboot(&tel);
    keep_restart(&w, &keep);
    size_t registered = wire_count(&w.wire, PHONE_NODE(&w, 0), ENGINE(&w), "REGISTER");
    CHECK_INT(world_stat(&w, "phones_monitored"), 0);
    world_run(&w, 1000);
    CHECK_INT(tel.sessions, 2);
    CHECK_INT(world_stat(&w, "phones_monitored"), 1);
    CHECK_INT(wire_count(&w.wire, PHONE_NODE(&w, 0), ENGINE(&w), "REGISTER"), registered);
    down(&w);
}

/* ---- rows that are not what they were ---- */

/** Everything that there is: a call, a session with monitors, a watcher. */
static void full_house(struct world *w, struct watcher *v)
{
    up(w, &(struct world_options){.phones = 2});
    (void)world_monitor(w, &w->crm, "1001");
    CHECK(world_call(w, PHONE(w, 0), PHONE(w, 1)));
    watcher_up(v, &w->net, ENGINE(w), "lamp", "10.0.5.1", "1002", "pw1002", TP_UDP);
    watcher_subscribe(v, "1001", "dialog", 600, "", "");
    world_run(w, 300);
    w->hard = true; /* what did not come back cannot come to its end */
}

static void clear_house(struct world *w, struct watcher *v)
{
    watcher_refresh(v, 0, "", "");
    world_run(w, 40000);
    down(w);
    watcher_down(v);
}

/** Cut anywhere: it is dropped, and nothing is left of it. */
static void test_cut_rows_are_dropped(void)
{
    struct world w;
    struct watcher v;
    full_house(&w, &v);
    world_restart(&w);
    uint64_t dropped = 0;
    for (size_t i = 0; i < keep.rows; i++) {
        const struct kept_row r = keep.row[i];
        char *key = malloc(r.key_n), *value = malloc(r.value_n);
        if (key == NULL || value == NULL) {
            abort();
        }
        memcpy(key, r.key, r.key_n);
        memcpy(value, r.value, r.value_n);
        for (size_t n = 0; n + 1 < r.value_n; n++) {
            struct str cut = test_guard(str_make(value, n));
            engine_restore_row(w.engine, r.kind, str_make(key, r.key_n), cut, w.net.now_ms);
            test_guard_free(cut);
            dropped++;
        }
        free(key);
        free(value);
        i -= 1; /* it is gone from the table */
        if (keep.rows == 0) {
            break;
        }
    }
    CHECK_INT(world_stat(&w, "store_not_restored"), dropped);
    CHECK_INT(world_stat(&w, "store_restored"), 0);
    CHECK(dropped > 2000);
    engine_restored(w.engine, w.net.now_ms);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 0);
    clear_house(&w, &v);
}

/** What finds no memory does not come back; the rest does, and nothing breaks or leaks. */
static void test_memory_is_out_while_it_comes_back(void)
{
    bool whole = false;
    for (size_t fail = 1; fail < 1000 && !whole; fail++) {
        struct world w;
        struct watcher v;
        full_house(&w, &v);
        keep.fail_at = fail;
        keep_restart(&w, &keep);
        whole = keep.calls < fail;
        world_run(&w, 500);
        clear_house(&w, &v);
    }
    CHECK(whole);
}

/* ---- who did what ---- */

static bool is_fact(const struct kept_event *e, const char *part)
{
    struct str part_text = str_c(part);
    return str_eq(e->e.event, STR("org.baton.audit.v1")) &&
           str_find(e->e.data, part_text) < e->e.data.n;
}

static size_t facts(const char *part)
{
    size_t n = 0;
    for (size_t i = 0; i < keep.events; i++) {
        n += is_fact(&keep.event[i], part);
    }
    return n;
}

/** Each request that takes control is noted once, when its outcome is known; what looks is not,
    and nothing of what it carried. */
static void test_audit(void)
{
    struct world w;
    up(&w, &(struct world_options){0});
    (void)world_monitor(&w, &w.crm, "1001");
    CHECK_INT(facts(""), 0);
    struct ask *q = app_ask(&w.crm, "MakeCall",
                            "<callingDevice>1001</callingDevice>"
                            "<calledDirectoryNumber>1002</calledDirectoryNumber>"
                            "<userData><string>C0FFEE</string></userData>");
    world_run(&w, 2000);
    REQUIRE(q->msg.id == CSTA_MSG_MAKE_CALL_RESPONSE);
    CHECK_INT(facts("{\"who\":\"application:crm\",\"face\":\"SIP\",\"action\":\"MakeCall\","
                    "\"deviceID\":\"1001@example.com\",\"callID\":\""),
              1);
    CHECK_INT(facts("\"outcome\":\"done\"}"), 1);
    CHECK_INT(facts("C0FFEE") + facts("c0ffee"), 0);
    CHECK_INT(facts("1002"), 0);
    (void)app_ask(&w.crm, "HoldCall", "<callToBeHeld><deviceID>1003</deviceID></callToBeHeld>");
    world_run(&w, 500);
    CHECK_INT(
        facts("\"action\":\"HoldCall\",\"deviceID\":\"1003@example.com\",\"outcome\":\"state"),
        1);
    CHECK_INT(facts(""), 2);
    CHECK_STR(str_upto(str_c(w.audited), 16), "application:crm ");
    down(&w);
}

/** Who asks without end for what he may not does not fill the journal. */
static void test_audit_of_refusals_has_a_bound(void)
{
    const struct cti_audit done = {.who = STR("token:greedy"),
                                   .face = STR("HTTP"),
                                   .action = STR("drain"),
                                   .outcome = STR("done")};
    struct cti_audit refused = done;
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    refused.outcome = STR("403");
    for (int i = 0; i < 70; i++) {
        engine_audit(w.engine, &refused);
        world_run(&w, 100);
    }
    CHECK_INT(facts("\"403\""), 60);
    for (int i = 0; i < 70; i++) {
        engine_audit(w.engine, &done); /* what was done is always noted */
    }
    CHECK_INT(facts("\"done\""), 70);
    world_run(&w, 60000);
    engine_audit(w.engine, &refused);
    world_run(&w, 100);
    CHECK_INT(facts("\"403\""), 61);
    down(&w);
}

/* ---- rows of others ---- */

static void write_row(void *ctx, struct str key, struct str value)
{
    struct out *o = ctx;
    out_str(o, key);
    out_ch(o, '=');
    out_str(o, value);
    out_ch(o, ' ');
}

static const char *rows_of_others(const struct world *w)
{
    static char text[256];
    struct out o;
    out_init(&o, text, sizeof(text) - 1);
    engine_each_row(w->engine, STORE_TOKEN, write_row, &o);
    text[o.n] = '\0';
    return text;
}

/** Who stands above the engine has rows that come back as they were, and again after a loss. */
static void test_rows_of_others(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    CHECK_INT(engine_put_row(w.engine, STORE_CALL, STR("a"), STR("1")), E_UNSUPPORTED);
    CHECK_INT(engine_put_row(w.engine, STORE_TOKEN, STR("a"), STR("1")), 0);
    CHECK_INT(engine_put_row(w.engine, STORE_TOKEN, STR("a"), STR("22")), 0);
    CHECK_INT(engine_put_row(w.engine, STORE_TOKEN, STR("b"), STR("")), E_SYNTAX);
    CHECK_INT(engine_put_row(w.engine, STORE_TOKEN, STR("b"), STR("3")), 0);
    engine_drop_row(w.engine, STORE_TOKEN, STR("b"));
    engine_drop_row(w.engine, STORE_TOKEN, STR("c"));
    CHECK_INT(keep_count(&keep, STORE_TOKEN), 1);
    keep_restart(&w, &keep);
    CHECK_STR(str_c(rows_of_others(&w)), "a=22 ");
    CHECK_INT(keep_count(&keep, STORE_TOKEN), 1);
    keep.ops.clear(&keep);
    engine_store_all(w.engine, w.net.now_ms);
    CHECK_INT(keep_count(&keep, STORE_TOKEN), 1);
    engine_drop_row(w.engine, STORE_TOKEN, STR("a"));
    keep_restart(&w, &keep);
    CHECK_STR(str_c(rows_of_others(&w)), "");
    down(&w);
}

TEST_MAIN(T(test_audit), T(test_audit_of_refusals_has_a_bound), T(test_rows_of_others),
          T(test_history_is_written_whoever_watches), T(test_a_refused_call_ends_once),
          T(test_numbers_go_on_after_a_restart), T(test_phones_need_not_register_again),
          T(test_bindings_end_at_their_time), T(test_bindings_over_connections),
          T(test_a_call_goes_on), T(test_a_call_is_commanded),
          T(test_a_2xx_of_before_is_acknowledged), T(test_two_calls_of_one_phone_go_on),
          T(test_a_call_that_moved_often_goes_on), T(test_a_call_in_set_up_ends),
          T(test_a_call_that_is_ending_is_over), T(test_a_session_goes_on),
          T(test_missed_events_are_told), T(test_no_event_is_told_twice),
          T(test_all_of_a_session_goes_on), T(test_a_session_over_a_connection),
          T(test_the_gate_is_closed), T(test_all_is_handed_over_again),
          T(test_watchers_are_told_again), T(test_watchers_are_judged_again),
          T(test_monitors_of_calls_are_judged_again), T(test_phones_are_called_again),
          T(test_cut_rows_are_dropped), T(test_memory_is_out_while_it_comes_back))
