/* SPDX-License-Identifier: Apache-2.0 */
/* INVITE with Replaces that names a dialog of a call (RFC 3891): taken over, picked up,
 * refused. */
#include "fixture_call.h"

#include <stdio.h>

#define SDP_C \
    STR("v=0\r\no=- 3 1 IN IP4 192.0.2.3\r\ns=-\r\nt=0 0\r\nm=audio 4004 RTP/AVP 0\r\n")

static void run(struct trio *w, uint64_t ms)
{
    vnet_run_for(&w->net, ms);
}

static bool has(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

static void hang_up(struct trio *w, unsigned i)
{
    if (w->s[i].leg != NULL) {
        leg_end(w->s[i].leg, 0, NULL, NULL, NULL, w->net.now_ms);
    }
    run(w, 200);
}

static void up(struct trio *w, uint64_t seed)
{
    trio_up(w, seed);
    w->s[0].answer_body = SDP_A;
    w->s[1].answer_body = SDP_B;
    w->s[2].answer_body = SDP_C;
}

static void talking(struct trio *w, uint64_t seed)
{
    up(w, seed);
    CHECK(trio_talk(w));
    w->x.log_n = 0;
    w->x.log[0] = '\0';
    station_clear_log(&w->s[0]);
    station_clear_log(&w->s[1]);
}

static void ringing(struct trio *w, uint64_t seed, struct str offer)
{
    up(w, seed);
    exchange_dial(&w->x, &w->s[0], 1001, "1002", offer, STR_NONE);
    run(w, 100);
    CHECK_INT(station_respond(&w->s[1], 180, STR_NONE), 0);
    run(w, 100);
}

/** 1003 sends INVITE with Replaces for that dialog, as its owner knows it. */
static void take(struct trio *w, const struct dialog *d, struct str sdp, const char *more)
{
    char lines[512];
    (void)snprintf(lines, sizeof(lines), "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s%s\r\n",
                   STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag), more);
    exchange_dial(&w->x, &w->s[2], 1003, "1001", sdp, str_c(lines));
    run(w, 300);
}

static void check_rejected(struct trio *w, unsigned status)
{
    char want[32];
    (void)snprintf(want, sizeof(want), "rejected:%u gone", status);
    CHECK_STR(str_c(w->s[2].log), want);
    station_clear_log(&w->s[2]);
}

/** Who was referred by 1002 takes its place in the call with 1001. */
static void test_confirmed(void)
{
    struct trio w;
    talking(&w, 1);
    take(&w, w.s[1].leg->dialog, SDP_C,
         "\r\nReferred-By: <sip:1002@example.com>\r\nUser-to-User: 01;purpose=x");
    CHECK(has(w.s[2].log, "answered"));
    CHECK_STR(sip_msg_body(&w.s[2].last->m), SDP_A.p);
    CHECK_STR(str_c(w.s[0].log), "INVITE reacked");
    CHECK(has(w.s[1].log, "bye"));
    CHECK(w.s[1].leg == NULL);
    CHECK_STR(str_c(w.x.log), "transferred:1002/transfer established:1003/transfer");
    CHECK_INT(station_send(&w.s[2], "INFO", STR_NONE), 0);
    run(&w, 200);
    CHECK(has(w.s[0].log, "INFO"));
    hang_up(&w, 0);
    trio_down(&w);
}

/** The caller's side: 1003 was referred by 1001 and now talks to 1002. */
static void test_confirmed_caller(void)
{
    struct trio w;
    talking(&w, 2);
    take(&w, w.s[0].leg->dialog, SDP_C, "\r\nReferred-By: <sip:1001@example.com>");
    CHECK(w.s[0].leg == NULL);
    CHECK(has(w.s[2].log, "answered"));
    CHECK_STR(str_c(w.s[1].log), "INVITE reacked");
    CHECK(exchange_connection(&w.x, 1)->originating);
    hang_up(&w, 2);
    trio_down(&w);
    CHECK(has(w.x.log, "cleared:1003/normalClearing cleared:1002/normalClearing"));
}

static void test_refused(void)
{
    struct trio w;
    char lines[256];
    talking(&w, 3);
    take(&w, w.s[1].leg->dialog, SDP_C, "");
    check_rejected(&w, 403); /* nobody has told 1003 to */
    take(&w, w.s[1].leg->dialog, SDP_C, "\r\nReferred-By: <sip:1001@example.com>");
    check_rejected(&w, 403); /* not the one whose place it is */
    take(&w, w.s[1].leg->dialog, SDP_C, ";early-only\r\nReferred-By: <sip:1002@example.com>");
    check_rejected(&w, 486);
    take(&w, w.s[1].leg->dialog, SDP_C, "\r\nJoin: x;to-tag=1;from-tag=2");
    check_rejected(&w, 400);
    (void)snprintf(lines, sizeof(lines), "Join: %.*s;to-tag=%.*s;from-tag=%.*s\r\n",
                   STR_ARG(w.s[1].leg->dialog->call_id),
                   STR_ARG(w.s[1].leg->dialog->remote_tag),
                   STR_ARG(w.s[1].leg->dialog->local_tag));
    exchange_dial(&w.x, &w.s[2], 1003, "1001", SDP_C, str_c(lines));
    run(&w, 200);
    check_rejected(&w, 488); /* nobody mixes here */
    exchange_dial(&w.x, &w.s[2], 1003, "1001", SDP_C, STR("Require: join\r\n"));
    run(&w, 200);
    check_rejected(&w, 420);
    exchange_dial(&w.x, &w.s[2], 1003, "nobody", SDP_C,
                  STR("Replaces: x;to-tag=1;from-tag=2\r\n"));
    run(&w, 200);
    check_rejected(&w, 481);
    CHECK_STR(str_c(w.s[0].log), "");
    CHECK_STR(str_c(w.s[1].log), "");
    /* who stays does not take the offer: the two talk on */
    w.s[0].auto_answer = false;
    take(&w, w.s[1].leg->dialog, SDP_C, "\r\nReferred-By: <sip:1002@example.com>");
    CHECK_INT(station_answer(&w.s[0], 488, STR_NONE), 0);
    run(&w, 200);
    check_rejected(&w, 488);
    w.s[0].auto_answer = true;
    CHECK(w.s[0].leg->state == LEG_CONFIRMED && w.s[1].leg->state == LEG_CONFIRMED);
    CHECK_STR(str_c(w.x.log), "");
    hang_up(&w, 0);
    trio_down(&w);
}

/** It gives up while the other one thinks: that gets its partner's description back. */
static void test_cancelled(void)
{
    struct trio w;
    talking(&w, 4);
    w.s[0].auto_answer = false;
    take(&w, w.s[1].leg->dialog, SDP_C, "\r\nReferred-By: <sip:1002@example.com>");
    CHECK_INT(station_respond(&w.s[2], 180, STR_NONE) != 0, 1);
    leg_cancel(w.s[2].leg, STR_NONE, w.net.now_ms);
    run(&w, 100);
    w.s[0].auto_answer = true;
    CHECK_INT(station_answer(&w.s[0], 200, SDP_A), 0);
    run(&w, 500);
    CHECK(w.s[2].leg == NULL);
    CHECK(w.s[0].leg->state == LEG_CONFIRMED && w.s[1].leg->state == LEG_CONFIRMED);
    struct str now = exchange_connection(&w.x, 0)->sent;
    CHECK(str_find(now, STR("m=audio 4002")) < now.n);
    hang_up(&w, 1);
    trio_down(&w);
    CHECK(!has(w.x.log, "transferred"));
}

/** One of the two hangs up meanwhile. */
static void test_over_meanwhile(void)
{
    for (unsigned who = 0; who < 2; who++) {
        struct trio w;
        talking(&w, 5 + who);
        w.s[0].auto_answer = false;
        take(&w, w.s[1].leg->dialog, SDP_C, "\r\nReferred-By: <sip:1002@example.com>");
        w.s[0].auto_answer = true;
        hang_up(&w, who);
        run(&w, 500);
        CHECK(has(w.s[2].log, "rejected:603"));
        trio_down(&w);
    }
}

/* ---- without an offer ---- */

/** 1003 has sent an INVITE without an offer, and has the one of who stays in its 200. */
static void offered(struct trio *w, uint64_t seed)
{
    talking(w, seed);
    w->s[0].auto_answer = false;
    w->s[2].auto_ack = false;
    take(w, w->s[1].leg->dialog, STR_NONE, "\r\nReferred-By: <sip:1002@example.com>");
    CHECK_STR(str_c(w->s[0].log), "INVITE");
    CHECK_INT(sip_msg_body(&w->s[0].last->m).n, 0);
    CHECK_INT(station_answer(&w->s[0], 200, SDP_A), 0);
    w->s[0].auto_answer = true;
    run(w, 200);
    CHECK(has(w->s[2].log, "answered"));
    CHECK_STR(sip_msg_body(&w->s[2].last->m), SDP_A.p);
    CHECK(!has(w->s[0].log, "reacked"));
}

static void check_untouched(struct trio *w)
{
    CHECK(w->s[0].leg->state == LEG_CONFIRMED && w->s[1].leg->state == LEG_CONFIRMED);
    CHECK(!has(w->x.log, "transferred"));
    CHECK(has(w->s[0].log, "reacked"));
    struct str now = exchange_connection(&w->x, 0)->sent;
    CHECK(str_find(now, STR("m=audio 4002")) < now.n); /* what 1002 had sent */
    hang_up(w, 0);
    trio_down(w);
}

static void test_no_offer(void)
{
    struct trio w;
    offered(&w, 31);
    CHECK_INT(station_ack(&w.s[2], SDP_C), 0);
    run(&w, 200);
    CHECK(has(w.s[0].log, "reacked"));
    struct str now = exchange_connection(&w.x, 0)->sent;
    CHECK(str_find(now, STR("m=audio 4004")) < now.n);
    CHECK(w.s[1].leg == NULL);
    CHECK_STR(str_c(w.x.log), "transferred:1002/transfer established:1003/transfer");
    hang_up(&w, 2);
    trio_down(&w);
}

/** No answer in the ACK, or no ACK at all: the two talk on as before. */
static void test_no_offer_and_no_answer(void)
{
    struct trio w;
    offered(&w, 32);
    CHECK_INT(station_ack(&w.s[2], STR_NONE), 0);
    run(&w, 500);
    CHECK(has(w.s[2].log, "bye"));
    check_untouched(&w);
    offered(&w, 33);
    run(&w, 33000);
    CHECK(has(w.s[2].log, "bye"));
    check_untouched(&w);
}

/** Who stays is asked, and does not want; or 1003 has gone when the offer comes. */
static void test_no_offer_from_there(void)
{
    struct trio w;
    talking(&w, 34);
    w.s[0].auto_answer = false;
    take(&w, w.s[1].leg->dialog, STR_NONE, "\r\nReferred-By: <sip:1002@example.com>");
    CHECK_INT(station_answer(&w.s[0], 488, STR_NONE), 0);
    run(&w, 200);
    check_rejected(&w, 488);
    take(&w, w.s[1].leg->dialog, STR_NONE, "\r\nReferred-By: <sip:1002@example.com>");
    CHECK(station_respond(&w.s[2], 180, STR_NONE) != 0);
    leg_cancel(w.s[2].leg, STR_NONE, w.net.now_ms);
    run(&w, 100);
    w.s[0].auto_answer = true;
    CHECK_INT(station_answer(&w.s[0], 200, SDP_A), 0);
    run(&w, 500);
    CHECK(w.s[2].leg == NULL);
    check_untouched(&w);
}

/** One of the two hangs up while the answer is waited for. */
static void test_no_offer_and_over(void)
{
    for (unsigned who = 0; who < 2; who++) {
        struct trio w;
        offered(&w, 35 + who);
        hang_up(&w, who);
        run(&w, 40000);
        CHECK(w.s[2].leg == NULL);
        trio_down(&w);
    }
}

/* ---- pickup ---- */

static void pickup(uint64_t seed, struct str offer)
{
    struct trio w;
    ringing(&w, seed, SDP_A);
    take(&w, w.s[1].leg->dialog, offer, ";early-only");
    run(&w, 300);
    CHECK(has(w.s[1].log, "cancelled"));
    CHECK_STR(station_last(&w.s[1], "Reason"),
              "SIP;cause=200;text=\"Call completed elsewhere\"");
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    CHECK_INT(w.s[2].leg->state, LEG_CONFIRMED);
    /* each has the other's description */
    const struct connection *a = exchange_connection(&w.x, 0),
                            *c = exchange_connection(&w.x, 2);
    CHECK(str_find(a->sent, STR("m=audio 4004")) < a->sent.n);
    CHECK(str_find(c->sent, STR("m=audio 4000")) < c->sent.n);
    CHECK(str_find(c->sent, STR("a=inactive")) == c->sent.n);
    CHECK_STR(str_c(w.x.log), "originated:1001/newCall delivered:1002/newCall "
                              "diverted:1002/callPickup established:1003/callPickup");
    hang_up(&w, 2);
    trio_down(&w);
}

static void test_pickup(void)
{
    pickup(10, SDP_C);
}

/** The dialog as the phone sees it that it is with: what a lamp key knows (RFC 4235). */
static void test_named_from_the_other_side(void)
{
    struct trio w;
    char lines[512];
    const struct dialog *d;
    ringing(&w, 30, SDP_A);
    d = w.s[1].leg->dialog;
    (void)snprintf(lines, sizeof(lines), "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s\r\n",
                   STR_ARG(d->call_id), STR_ARG(d->local_tag), STR_ARG(d->remote_tag));
    exchange_dial(&w.x, &w.s[2], 1003, "1002", SDP_C, str_c(lines));
    run(&w, 500);
    CHECK_INT(w.s[2].leg->state, LEG_CONFIRMED);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    hang_up(&w, 0);
    trio_down(&w);
    talking(&w, 31); /* up: 1003 shall talk to 1002, in place of 1001 who referred it */
    d = w.s[1].leg->dialog;
    (void)snprintf(lines, sizeof(lines),
                   "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s\r\n"
                   "Referred-By: <sip:1001@example.com>\r\n",
                   STR_ARG(d->call_id), STR_ARG(d->local_tag), STR_ARG(d->remote_tag));
    exchange_dial(&w.x, &w.s[2], 1003, "1002", SDP_C, str_c(lines));
    run(&w, 500);
    CHECK(w.s[0].leg == NULL);
    CHECK_INT(w.s[1].leg->state, LEG_CONFIRMED);
    CHECK_INT(w.s[2].leg->state, LEG_CONFIRMED);
    hang_up(&w, 1);
    trio_down(&w);
}

static void test_pickup_without_offer(void)
{
    /* its answer comes in the ACK */
    struct trio w;
    ringing(&w, 11, SDP_A);
    w.s[2].auto_ack = false;
    take(&w, w.s[1].leg->dialog, STR_NONE, ";early-only");
    CHECK_STR(sip_msg_body(&w.s[2].last->m), SDP_A.p);
    CHECK_INT(station_ack(&w.s[2], SDP_C), 0);
    run(&w, 300);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    CHECK_STR(exchange_connection(&w.x, 0)->sent, SDP_C.p);
    hang_up(&w, 0);
    trio_down(&w);
}

static void test_pickup_refused(void)
{
    struct trio w;
    ringing(&w, 12, SDP_A);
    take(&w, w.s[0].leg->dialog, SDP_C, "");
    check_rejected(&w, 481); /* the caller's own */
    w.x.calls.config.pickup = false;
    take(&w, w.s[1].leg->dialog, SDP_C, "");
    check_rejected(&w, 403);
    take(&w, w.s[1].leg->dialog, SDP_C, "\r\nReferred-By: <sip:1002@example.com>");
    CHECK_INT(w.s[2].leg->state, LEG_CONFIRMED);
    hang_up(&w, 2);
    trio_down(&w);
}

/** The caller gives up, or the one who picks up does, before all is agreed. */
static void test_pickup_abandoned(void)
{
    for (unsigned who = 0; who < 3; who += 2) {
        struct trio w;
        ringing(&w, 13 + who, SDP_A);
        w.s[2].auto_answer = false; /* it does not answer the caller's offer */
        take(&w, w.s[1].leg->dialog, SDP_C, "");
        CHECK_INT(w.s[0].leg->state, LEG_EARLY);
        if (who == 0) {
            leg_cancel(w.s[0].leg, STR_NONE, w.net.now_ms);
        }
        w.s[2].auto_answer = true;
        hang_up(&w, 2);
        run(&w, 500);
        CHECK(w.s[0].leg == NULL && w.s[2].leg == NULL);
        trio_down(&w);
    }
}

/** A call that an application has made rings: the caller is up, so it is like a call that is.
 */
static void test_pickup_of_a_made_call(void)
{
    struct trio w;
    struct connection *conn;
    up(&w, 16);
    CHECK_INT(call_make(&w.x.calls,
                        &(struct call_make){.from = &w.x.device[0], .to = STR("1002")}, &conn,
                        w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    run(&w, 100);
    CHECK_INT(station_respond(&w.s[0], 200, SDP_A), 0);
    run(&w, 100);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    run(&w, 100);
    take(&w, w.s[1].leg->dialog, SDP_C, "");
    run(&w, 300);
    CHECK_INT(w.s[2].leg->state, LEG_CONFIRMED);
    CHECK(w.s[1].leg == NULL);
    CHECK(has(w.x.log, "diverted:1002/callPickup established:1003/callPickup"));
    hang_up(&w, 0);
    trio_down(&w);
}

TEST_MAIN(T(test_no_offer), T(test_no_offer_and_no_answer), T(test_no_offer_from_there),
          T(test_no_offer_and_over), T(test_confirmed), T(test_confirmed_caller),
          T(test_refused), T(test_cancelled), T(test_over_meanwhile), T(test_pickup),
          T(test_named_from_the_other_side), T(test_pickup_without_offer),
          T(test_pickup_refused), T(test_pickup_abandoned), T(test_pickup_of_a_made_call))
