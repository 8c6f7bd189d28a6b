/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is done with a call, with memory running out at each step of it: once for
 * one allocation and once for all that follow.
 *
 * Whatever the command makes of it: it is told once, the events stay in order, and when memory
 * is back and everybody has hung up nothing is left.
 */
#include "fixture_call.h"

#include <stdio.h>

#define SDP(user, id, port)                                                                \
    STR("v=0\r\no=" user " " id " 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 " \
        "0\r\nm=audio " port " RTP/AVP 0 8\r\na=sendrecv\r\n")
#define SDP_1 SDP("a", "1", "4000")
#define SDP_2 SDP("b", "2", "4002")
#define SDP_3 SDP("c", "3", "4004")

struct scene {
    const char *name;
    void (*before)(struct trio *w);
    void (*act)(struct trio *w);
};

static uint64_t now(const struct trio *w)
{
    return w->net.now_ms;
}

/* ---- what is there before ---- */

static void nothing(struct trio *w)
{
    (void)w;
}

static void ringing(struct trio *w)
{
    exchange_dial(&w->x, &w->s[0], 1001, "1002", SDP_1, STR("User-to-User: 00C8\r\n"));
    vnet_run_for(&w->net, 100);
    CHECK_INT(station_respond(&w->s[1], 180, STR_NONE), 0);
    vnet_run_for(&w->net, 100);
}

static void ringing_with_talk(struct trio *w)
{
    ringing(w);
    list_entry(exchange_connection(&w->x, 1)->branches.next, struct branch, link)->talk = true;
}

static void talking(struct trio *w)
{
    exchange_dial(&w->x, &w->s[0], 1001, "1002", SDP_1, STR_NONE);
    vnet_run_for(&w->net, 100);
    trio_ring_and_answer(w, 1, SDP_2);
    vnet_run_for(&w->net, 200);
    w->s[0].answer_body = SDP_1;
    w->s[1].answer_body = SDP_2;
}

static void held(struct trio *w)
{
    talking(w);
    CHECK_INT(call_hold(exchange_connection(&w->x, 0), NULL, NULL, now(w)), CALL_OK);
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 300);
    CHECK_INT(exchange_connection(&w->x, 0)->state, CONN_HOLD);
}

static void transferring(struct trio *w)
{
    talking(w);
    w->s[2].answer_body = SDP_3;
    CHECK_INT(call_transfer(exchange_connection(&w->x, 1), STR("1003"), STR("\x04tx"), NULL,
                            NULL, now(w)),
              CALL_OK);
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 100);
}

static void transfer_rings(struct trio *w)
{
    transferring(w);
    CHECK_INT(station_respond(&w->s[2], 180, STR_NONE), 0);
    vnet_run_for(&w->net, 200);
}

/* ---- REFER ---- */

static struct leg *first; /* of 1002's two */

static void refer(struct trio *w, struct leg *leg, const char *lines)
{
    struct leg_content content = {.lines = str_c(lines)};
    CHECK_INT(
        leg_send(leg, NULL, STR("REFER"), &content, station_listen, &w->s[1], NULL, now(w)), 0);
    vnet_run_for(&w->net, 200);
}

static void refer_blind(struct trio *w)
{
    refer(w, w->s[1].leg,
          "Refer-To: <sip:1003@example.com?User-to-User=01&Subject=x>\r\n"
          "Referred-By: <sip:1002@example.com>\r\n");
}

static void referred(struct trio *w)
{
    talking(w);
    w->s[2].answer_body = SDP_3;
    refer_blind(w);
}

static void referred_rings(struct trio *w)
{
    referred(w);
    CHECK_INT(station_respond(&w->s[2], 180, STR_NONE), 0);
    vnet_run_for(&w->net, 200);
}

static void consulting(struct trio *w)
{
    talking(w);
    w->s[2].answer_body = SDP_3;
    first = w->s[1].leg;
    exchange_dial(&w->x, &w->s[1], 1002, "1003", SDP_2, STR_NONE);
    vnet_run_for(&w->net, 100);
    CHECK_INT(station_respond(&w->s[2], 180, STR_NONE), 0);
    vnet_run_for(&w->net, 100);
}

static void consulted(struct trio *w)
{
    consulting(w);
    CHECK_INT(station_respond(&w->s[2], 200, SDP_3), 0);
    vnet_run_for(&w->net, 200);
}

static void refer_attended(struct trio *w)
{
    const struct dialog *d = w->s[1].leg->dialog;
    char lines[512];
    (void)snprintf(lines, sizeof(lines),
                   "Refer-To: <sip:x@example.com?Replaces=%.*s%%3Bto-tag%%3D%.*s%%3Bfrom-tag"
                   "%%3D%.*s&User-to-User=01>\r\n",
                   STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag));
    refer(w, first, lines);
    vnet_run_for(&w->net, 500);
    if (first->state == LEG_CONFIRMED) {
        leg_end(first, 0, NULL, NULL, NULL, now(w));
    }
}

static void take_place(struct trio *w)
{
    const struct dialog *d = w->s[1].leg->dialog;
    char lines[512];
    (void)snprintf(lines, sizeof(lines),
                   "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s\r\n"
                   "Referred-By: <sip:1002@example.com>\r\nUser-to-User: 01\r\n",
                   STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag));
    w->s[2].answer_body = SDP_3;
    exchange_dial(&w->x, &w->s[2], 1003, "1002", SDP_3, str_c(lines));
    vnet_run_for(&w->net, 500);
}

static void referrer_leaves(struct trio *w)
{
    leg_end(w->s[1].leg, 0, NULL, NULL, NULL, now(w));
    vnet_run_for(&w->net, 300);
}

static void prompted(struct trio *w)
{
    struct connection *conn;
    CHECK_INT(call_make(&w->x.calls,
                        &(struct call_make){.from = &w->x.device[0], .to = STR("1002")}, &conn,
                        now(w)),
              CALL_OK);
    exchange_settle(&w->x);
    w->s[0].answer_body = SDP_1;
    vnet_run_for(&w->net, 100);
}

/* ---- what is done ---- */

static void dial(struct trio *w)
{
    exchange_dial(&w->x, &w->s[0], 1001, "1002", SDP_1, STR("User-to-User: 00C8\r\n"));
    vnet_run_for(&w->net, 300);
}

static void make(struct trio *w)
{
    struct connection *conn = NULL;
    enum call_error err = call_make(&w->x.calls,
                                    &(struct call_make){.from = &w->x.device[0],
                                                        .to = STR("1002"),
                                                        .uui = STR("\x04hi"),
                                                        .correlator = STR("c")},
                                    &conn, now(w));
    CHECK(err == CALL_OK || err == CALL_NO_RESOURCES || err == CALL_UNKNOWN_DESTINATION);
    CHECK((err == CALL_OK) == (conn != NULL));
}

static void caller_answers(struct trio *w)
{
    CHECK_INT(station_respond(&w->s[0], 200, SDP_1), 0);
    vnet_run_for(&w->net, 300);
}

static void callee_rings(struct trio *w)
{
    exchange_dial(&w->x, &w->s[0], 1001, "1002", SDP_1, STR_NONE);
    vnet_run_for(&w->net, 100);
    if (w->s[1].leg != NULL) {
        (void)station_respond(&w->s[1], 180, STR_NONE);
    }
    vnet_run_for(&w->net, 300);
}

static void callee_answers(struct trio *w)
{
    CHECK_INT(station_respond(&w->s[1], 200, SDP_2), 0);
    vnet_run_for(&w->net, 1000);
}

static void callee_refuses(struct trio *w)
{
    CHECK_INT(station_respond(&w->s[1], 486, STR_NONE), 0);
    vnet_run_for(&w->net, 300);
}

static void callee_redirects(struct trio *w)
{
    CHECK_INT(leg_respond(w->s[1].leg, NULL, 302, STR_NONE,
                          &(struct leg_content){.lines = STR("Contact: <sip:x@y.example>\r\n")},
                          now(w)),
              0);
    vnet_run_for(&w->net, 300);
}

static void callee_forwards(struct trio *w)
{
    CHECK_INT(
        leg_respond(
            w->s[1].leg, NULL, 302, STR_NONE,
            &(struct leg_content){
                .lines = STR("Contact: <sip:1003@example.com?User-to-User=01&Subject=x>\r\n")},
            now(w)),
        0);
    vnet_run_for(&w->net, 300);
}

static void caller_cancels(struct trio *w)
{
    leg_cancel(w->s[0].leg, STR("Reason: SIP;cause=487\r\n"), now(w));
    vnet_run_for(&w->net, 300);
}

static void phone_hangs_up(struct trio *w)
{
    leg_end(w->s[0].leg, 0, NULL, NULL, NULL, now(w));
    vnet_run_for(&w->net, 300);
}

static void phone_informs(struct trio *w)
{
    CHECK_INT(station_send(&w->s[0], "INFO", STR_NONE), 0);
    vnet_run_for(&w->net, 300);
}

static void phone_reinvites(struct trio *w)
{
    CHECK_INT(station_send(&w->s[1], "INVITE", SDP_3), 0);
    vnet_run_for(&w->net, 500);
}

/** A procedure that says OK is heard of exactly once, within its limit. */
static void outcome(struct trio *w, enum call_error err)
{
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 500);
    if (err != CALL_OK) {
        CHECK_INT(w->x.done, -1);
        return;
    }
    w->x.mem.fail_at = 0;
    vnet_run_for(&w->net, 40000);
    CHECK(w->x.done >= 0);
}

static void answer(struct trio *w)
{
    outcome(w, call_answer(exchange_connection(&w->x, 1), exchange_done, &w->x, now(w)));
}

static void hold(struct trio *w)
{
    struct connection *conn = exchange_connection(&w->x, 0);
    enum call_error err = call_hold(conn, exchange_done, &w->x, now(w));
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 500);
    if (err == CALL_OK) {
        w->x.mem.fail_at = 0;
        vnet_run_for(&w->net, 40000);
        CHECK(w->x.done >= 0);
    }
}

static void retrieve(struct trio *w)
{
    outcome(w, call_retrieve(exchange_connection(&w->x, 0), exchange_done, &w->x, now(w)));
}

static void transfer(struct trio *w)
{
    w->s[2].answer_body = SDP_3;
    enum call_error err = call_transfer(exchange_connection(&w->x, 0), STR("1003"),
                                        STR("\x04tx"), exchange_done, &w->x, now(w));
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 100);
    if (w->s[2].leg != NULL) {
        (void)station_respond(&w->s[2], 180, STR_NONE);
    }
    outcome(w, err);
}

static void new_party_answers(struct trio *w)
{
    CHECK_INT(station_respond(&w->s[2], 200, SDP_3), 0);
    vnet_run_for(&w->net, 1000);
}

static void new_party_refuses(struct trio *w)
{
    CHECK_INT(station_respond(&w->s[2], 486, STR_NONE), 0);
    vnet_run_for(&w->net, 300);
}

static void deflect(struct trio *w)
{
    enum call_error err =
        call_deflect(exchange_connection(&w->x, 1), STR("1003"), STR("\x04tx"), now(w));
    CHECK(err == CALL_OK || err == CALL_NO_RESOURCES || err == CALL_UNKNOWN_DESTINATION);
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 300);
}

static void deflect_after_transfer(struct trio *w)
{
    enum call_error err =
        call_deflect(exchange_connection(&w->x, 2), STR("1002"), STR_NONE, now(w));
    CHECK(err == CALL_OK || err == CALL_NO_RESOURCES || err == CALL_UNKNOWN_DESTINATION);
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 300);
}

static void clear(struct trio *w)
{
    enum call_error err =
        call_clear(exchange_connection(&w->x, 0), STR("busy"), STR("\x04tx"), now(w));
    CHECK(err == CALL_OK || err == CALL_NO_RESOURCES);
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 300);
}

static void clear_callee(struct trio *w)
{
    CHECK_INT(call_clear(exchange_connection(&w->x, 1), STR("busy"), STR_NONE, now(w)),
              CALL_OK);
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 300);
}

static void end_all(struct trio *w)
{
    call_end_all(&w->x.calls, now(w));
    exchange_settle(&w->x);
    vnet_run_for(&w->net, 300);
}

static const struct scene scenes[] = {
    {"dial", nothing, dial},
    {"ring", nothing, callee_rings},
    {"make", nothing, make},
    {"caller answers", prompted, caller_answers},
    {"clear prompted", prompted, clear},
    {"callee answers", ringing, callee_answers},
    {"callee refuses", ringing, callee_refuses},
    {"callee redirects", ringing, callee_redirects},
    {"callee forwards", ringing, callee_forwards},
    {"cancel", ringing, caller_cancels},
    {"answer", ringing_with_talk, answer},
    {"deflect", ringing, deflect},
    {"clear ringing, caller", ringing, clear},
    {"clear ringing, callee", ringing, clear_callee},
    {"end all, ringing", ringing, end_all},
    {"hang up", talking, phone_hangs_up},
    {"INFO", talking, phone_informs},
    {"re-INVITE", talking, phone_reinvites},
    {"hold", talking, hold},
    {"retrieve", held, retrieve},
    {"transfer", talking, transfer},
    {"new party answers", transferring, new_party_answers},
    {"new party refuses", transferring, new_party_refuses},
    {"new party answers after ringing", transfer_rings, new_party_answers},
    {"deflect after transfer", transfer_rings, deflect_after_transfer},
    {"hang up in transfer", transferring, phone_hangs_up},
    {"REFER", talking, refer_blind},
    {"referred party answers", referred, new_party_answers},
    {"referred party refuses", referred_rings, new_party_refuses},
    {"referrer leaves", referred_rings, referrer_leaves},
    {"REFER with Replaces", consulted, refer_attended},
    {"INVITE with Replaces", talking, take_place},
    {"pickup", ringing, take_place},
    {"clear", talking, clear},
    {"end all, talking", talking, end_all},
};

/** @return false: the scene needed fewer allocations than `n` */
static bool run(const struct scene *scene, size_t n, bool on, uint64_t seed)
{
    struct trio w;
    bool reached;
    trio_up(&w, seed);
    scene->before(&w);
    w.x.mem.calls = 0;
    w.x.mem.fail_at = n;
    w.x.mem.fail_on = on;
    scene->act(&w);
    reached = w.x.mem.calls >= n;
    w.x.mem.fail_at = 0;
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 1000);
    w.x.done = -1;
    call_end_all(&w.x.calls, now(&w));
    exchange_settle(&w.x);
    for (int i = 0; i < 3; i++) {
        if (w.s[i].leg != NULL) {
            leg_end(w.s[i].leg, 0, NULL, NULL, NULL, now(&w));
        }
    }
    vnet_run_for(&w.net, 200000);
    trio_down(&w);
    return reached;
}

static void sweep(bool on)
{
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        size_t n = 1;
        char text[96];
        do {
            (void)snprintf(text, sizeof(text), "%s, allocation %zu%s", scenes[i].name, n,
                           on ? " and all others" : "");
            test_context(text);
        } while (run(&scenes[i], n++, on, 7 + i) && n < 400);
        CHECK(n < 400);
        test_context(NULL);
    }
}

static void test_memory_is_out_once(void)
{
    sweep(false);
}

static void test_memory_is_out(void)
{
    sweep(true);
}

/** The layer ends in the middle of things, `ms` after they began, and has nothing left. */
static void stop(const struct scene *scene, uint64_t ms, bool silent)
{
    struct trio w;
    trio_up(&w, ms);
    scene->before(&w);
    for (int i = 0; i < 3; i++) {
        w.s[i].auto_answer = w.s[i].auto_answer && !silent;
    }
    scene->act(&w);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, ms);
    exchange_down(&w.x);
    for (int i = 0; i < 3; i++) {
        station_down(&w.s[i]);
    }
    vnet_fini(&w.net);
}

static void test_stopped_in_the_middle(void)
{
    static const uint64_t after_ms[] = {0, 20, 50, 400};
    for (size_t i = 0; i < ARRAY_LEN(scenes); i++) {
        test_context(scenes[i].name);
        for (size_t k = 0; k < 2 * ARRAY_LEN(after_ms); k++) {
            stop(&scenes[i], after_ms[k / 2], k % 2 == 1);
        }
        test_context(NULL);
    }
}

TEST_MAIN(T(test_stopped_in_the_middle), T(test_memory_is_out_once), T(test_memory_is_out))
