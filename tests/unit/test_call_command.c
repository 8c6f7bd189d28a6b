/* SPDX-License-Identifier: Apache-2.0 */
/* What an application commands: make, answer, clear, deflect, hold, retrieve, transfer. */
#include "fixture_call.h"

#define SDP_OFFER_A                                                                 \
    STR("v=0\r\no=a 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n" \
        "m=audio 4000 RTP/AVP 0 8\r\na=sendrecv\r\n")
#define SDP_OFFER_B                                                                 \
    STR("v=0\r\no=b 2 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n" \
        "m=audio 4002 RTP/AVP 0 8\r\na=sendrecv\r\n")
#define SDP_OFFER_C                                                                 \
    STR("v=0\r\no=c 3 1 IN IP4 192.0.2.3\r\ns=-\r\nc=IN IP4 192.0.2.3\r\nt=0 0\r\n" \
        "m=audio 4004 RTP/AVP 0 8\r\na=sendrecv\r\n")

static struct connection *make(struct trio *w, const char *to, bool prompt, struct str uui)
{
    struct connection *conn = NULL;
    CHECK_INT(
        call_make(&w->x.calls,
                  &(struct call_make){
                      .from = &w->x.device[0], .to = str_c(to), .prompt = prompt, .uui = uui},
                  &conn, w->net.now_ms),
        CALL_OK);
    exchange_settle(&w->x);
    return conn;
}

/** 1001 has answered and 1002 too: both talk. */
static void made(struct trio *w)
{
    w->s[0].answer_body = SDP_OFFER_A;
    w->s[1].answer_body = SDP_OFFER_B;
    make(w, "1002", false, STR("\x04hi"));
    vnet_run_for(&w->net, 100);
    CHECK_INT(station_respond(&w->s[0], 200, SDP_OFFER_A), 0);
    trio_ring_and_answer(w, 1, SDP_OFFER_B);
}

static void finish(struct trio *w, unsigned i)
{
    leg_end(w->s[i].leg, 0, NULL, NULL, NULL, w->net.now_ms);
    trio_down(w);
}

static void test_make_call(void)
{
    struct trio w;
    trio_up(&w, 1);
    struct connection *a = make(&w, "1002", false, STR("\x04hi"));
    REQUIRE(a != NULL);
    CHECK_INT(a->state, CONN_INITIATED);
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.s[0], "Answer-Mode"), "Auto");
    CHECK(str_starts(station_last(&w.s[0], "From"), STR("<sip:1002@example.com>;tag=")));
    CHECK_INT(sip_msg_body(&w.s[0].last->m).n, 0);
    w.s[0].answer_body = SDP_OFFER_A;
    CHECK_INT(station_respond(&w.s[0], 200, SDP_OFFER_A), 0);
    vnet_run_for(&w.net, 100);
    CHECK(str_find(sip_msg_body(&w.s[0].last->m), STR("a=inactive")) <
          sip_msg_body(&w.s[0].last->m).n);
    CHECK_STR(station_last(&w.s[1], "User-to-User"), "046869;encoding=hex;purpose=isdn-uui");
    trio_ring_and_answer(&w, 1, SDP_OFFER_B);
    /* B's ACK has A's answer, A's re-INVITE had B's offer */
    CHECK_STR(sip_msg_body(&w.s[1].last->m), SDP_OFFER_A.p);
    CHECK(str_find(sip_msg_body(&w.s[0].last->m), STR("a=inactive")) ==
          sip_msg_body(&w.s[0].last->m).n);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    CHECK_INT(w.s[1].leg->state, LEG_CONFIRMED);
    finish(&w, 1);
    CHECK_STR(
        str_c(w.x.log),
        "initiated:1001/makeCall originated:1001/makeCall delivered:1002/newCall "
        "established:1002/newCall cleared:1002/normalClearing cleared:1001/normalClearing");
}

static void test_make_call_is_refused_by_the_caller(void)
{
    struct trio w;
    trio_up(&w, 2);
    make(&w, "1002", true, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.s[0], "Answer-Mode"), "");
    CHECK_INT(station_respond(&w.s[0], 603, STR_NONE), 0);
    trio_down(&w);
    CHECK_STR(str_c(w.x.log), "initiated:1001/makeCall cleared:1001/callNotAnswered");
    CHECK_STR(str_c(w.s[1].log), "");
}

static void test_make_call_is_not_answered_by_the_caller(void)
{
    struct trio w;
    trio_up(&w, 3);
    make(&w, "1002", true, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[0], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 40000);
    trio_down(&w);
    CHECK_STR(str_c(w.s[0].log), "call cancelled gone");
    CHECK_STR(str_c(w.x.log), "initiated:1001/makeCall cleared:1001/timeout");
}

static void test_make_call_to_a_busy_phone(void)
{
    struct trio w;
    trio_up(&w, 4);
    make(&w, "1002", false, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[0], 200, SDP_OFFER_A), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 486, STR_NONE), 0);
    trio_down(&w);
    CHECK_STR(str_c(w.s[0].log), "call acked bye ended:bye gone");
    CHECK_STR(str_c(w.x.log), "initiated:1001/makeCall originated:1001/makeCall "
                              "failed:1002/busy cleared:1001/busy");
}

static void test_make_call_errors(void)
{
    struct trio w;
    struct connection *conn;
    struct call_make args = {.from = &w.x.device[4], .to = STR("1002")};
    trio_up(&w, 5);
    CHECK_INT(call_make(&w.x.calls, &args, &conn, w.net.now_ms), CALL_NOT_REGISTERED);
    args = (struct call_make){.from = &w.x.device[0], .to = STR("nobody")};
    CHECK_INT(call_make(&w.x.calls, &args, &conn, w.net.now_ms), CALL_UNKNOWN_DESTINATION);
    args.to = STR("1001");
    CHECK_INT(call_make(&w.x.calls, &args, &conn, w.net.now_ms), CALL_UNKNOWN_DESTINATION);
    args.to = STR("sip:1002@elsewhere.example");
    CHECK_INT(call_make(&w.x.calls, &args, &conn, w.net.now_ms), CALL_UNKNOWN_DESTINATION);
    trio_down(&w);
    CHECK_STR(str_c(w.x.log), "");
}

static void test_hold_and_retrieve(void)
{
    struct trio w;
    struct str body;
    trio_up(&w, 6);
    made(&w);
    struct connection *b = exchange_connection(&w.x, 1);
    REQUIRE(b != NULL && b->established);
    CHECK_INT(call_hold(b, exchange_done, &w.x, w.net.now_ms), CALL_OK);
    vnet_run_for(&w.net, 200);
    CHECK_INT(w.x.done, CALL_OK);
    CHECK_INT(b->state, CONN_HOLD);
    body = call_other(b)->sent; /* the partner is told: sendonly */
    CHECK(str_find(body, STR("a=sendonly")) < body.n);
    body = b->sent; /* the holder: inactive */
    CHECK(str_find(body, STR("a=inactive")) < body.n);
    CHECK_INT(call_hold(b, exchange_done, &w.x, w.net.now_ms), CALL_BAD_STATE);
    w.x.done = -1;
    CHECK_INT(call_retrieve(b, exchange_done, &w.x, w.net.now_ms), CALL_OK);
    vnet_run_for(&w.net, 300);
    CHECK_INT(w.x.done, CALL_OK);
    CHECK_INT(b->state, CONN_CONNECTED);
    finish(&w, 0);
    CHECK(str_find(str_c(w.x.log), STR("held:1002/normal retrieved:1002/normal cleared:1001")) <
          w.x.log_n);
}

static void test_hold_is_refused_by_the_partner(void)
{
    struct trio w;
    trio_up(&w, 7);
    made(&w);
    struct connection *a = exchange_connection(&w.x, 0);
    w.s[1].auto_answer = false;
    CHECK_INT(call_hold(a, exchange_done, &w.x, w.net.now_ms), CALL_OK);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_answer(&w.s[1], 488, STR_NONE), 0);
    vnet_run_for(&w.net, 200);
    CHECK_INT(w.x.done, CALL_REFUSED);
    CHECK_INT(w.x.done_status, 488);
    CHECK_INT(a->state, CONN_CONNECTED);
    CHECK(str_find(a->sent, STR("a=inactive")) == a->sent.n); /* it was taken back */
    w.s[1].auto_answer = true;
    finish(&w, 0);
    CHECK(str_find(str_c(w.x.log), STR("held")) == w.x.log_n);
}

static void test_transfer(void)
{
    struct trio w;
    trio_up(&w, 8);
    made(&w);
    struct connection *b = exchange_connection(&w.x, 1);
    w.s[2].answer_body = SDP_OFFER_C;
    CHECK_INT(call_transfer(b, STR("1003"), STR_NONE, exchange_done, &w.x, w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.x.done, -1);
    CHECK_STR(station_last(&w.s[2], "User-to-User"), "046869;encoding=hex;purpose=isdn-uui");
    CHECK_INT(station_respond(&w.s[2], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.x.done, CALL_OK);
    CHECK(w.s[1].leg == NULL); /* it has left */
    CHECK_INT(station_respond(&w.s[2], 200, SDP_OFFER_C), 0);
    vnet_run_for(&w.net, 300);
    CHECK_STR(sip_msg_body(&w.s[2].last->m), SDP_OFFER_A.p);
    CHECK_INT(exchange_connection(&w.x, 2)->state, CONN_CONNECTED);
    finish(&w, 2);
    CHECK(str_find(str_c(w.x.log),
                   STR("transferred:1002/singleStepTransfer delivered:1003/singleStepTransfer "
                       "established:1003/singleStepTransfer cleared:1003/normalClearing "
                       "cleared:1001/normalClearing")) < w.x.log_n);
}

static void test_transfer_to_a_busy_phone_changes_nothing(void)
{
    struct trio w;
    trio_up(&w, 9);
    made(&w);
    struct connection *a = exchange_connection(&w.x, 0);
    CHECK_INT(call_transfer(a, STR("1003"), STR_NONE, exchange_done, &w.x, w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[2], 486, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.x.done, CALL_REFUSED);
    CHECK_INT(w.x.done_status, 486);
    CHECK_INT(a->state, CONN_CONNECTED);
    w.x.done = -1;
    CHECK_INT(call_hold(a, exchange_done, &w.x, w.net.now_ms), CALL_OK); /* still works */
    vnet_run_for(&w.net, 300);
    CHECK_INT(w.x.done, CALL_OK);
    finish(&w, 0);
    CHECK(str_find(str_c(w.x.log), STR("1003")) == w.x.log_n);
}

static void test_transfer_nobody_answers_after_ringing(void)
{
    struct trio w;
    trio_up(&w, 10);
    made(&w);
    struct connection *a = exchange_connection(&w.x, 0);
    CHECK_INT(call_transfer(a, STR("1003"), STR_NONE, exchange_done, &w.x, w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[2], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 130000);
    CHECK(w.s[0].leg == NULL);
    CHECK(w.s[1].leg == NULL);
    trio_down(&w);
    CHECK(
        str_find(str_c(w.x.log), STR("transferred:1001/singleStepTransfer "
                                     "delivered:1003/singleStepTransfer "
                                     "cleared:1003/callNotAnswered failed:1003/callNotAnswered "
                                     "cleared:1002/callNotAnswered")) < w.x.log_n);
}

static void test_deflect(void)
{
    struct trio w;
    trio_up(&w, 11);
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A, STR("User-to-User: 00C8\r\n"));
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    struct connection *b = exchange_connection(&w.x, 1);
    CHECK_INT(call_deflect(b, STR("nobody"), STR_NONE, w.net.now_ms), CALL_UNKNOWN_DESTINATION);
    CHECK_INT(call_deflect(b, STR("1005"), STR_NONE, w.net.now_ms), CALL_NOT_REGISTERED);
    CHECK_INT(call_deflect(b, STR("1003"), STR_NONE, w.net.now_ms), CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.s[2], "User-to-User"), "00C8");
    CHECK_STR(str_c(w.s[1].log), "call cancelled gone");
    CHECK_INT(station_respond(&w.s[2], 200, SDP_B), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    finish(&w, 0);
    CHECK_STR(str_c(w.x.log),
              "originated:1001/newCall delivered:1002/newCall diverted:1002/redirected "
              "established:1003/redirected cleared:1001/normalClearing "
              "cleared:1003/normalClearing");
}

/** Asked before the phone has rung, nobody knows yet what it can: later is worth a try. */
static void test_answer_before_it_rings(void)
{
    struct trio w;
    trio_up(&w, 15);
    struct connection *a = make(&w, "1002", true, STR_NONE);
    CHECK_INT(call_answer(a, exchange_done, &w.x, w.net.now_ms), CALL_BAD_STATE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[0], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(call_answer(a, exchange_done, &w.x, w.net.now_ms), CALL_UNSUPPORTED);
    list_entry(a->branches.next, struct branch, link)->talk = true;
    CHECK_INT(call_answer(a, exchange_done, &w.x, w.net.now_ms), CALL_OK);
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.s[0], "Event"), "talk");
    CHECK_INT(call_clear(a, STR_NONE, STR_NONE, w.net.now_ms), CALL_OK);
    vnet_run_for(&w.net, 100);
    trio_down(&w);
}

static void test_answer_by_talk(void)
{
    struct trio w;
    trio_up(&w, 12);
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    struct connection *b = exchange_connection(&w.x, 1);
    CHECK_INT(call_answer(b, exchange_done, &w.x, w.net.now_ms), CALL_UNSUPPORTED);
    CHECK_INT(call_services(b), CALL_SVC_CLEAR | CALL_SVC_DEFLECT | CALL_SVC_PICKUP);
    list_entry(b->branches.next, struct branch, link)->talk = true;
    CHECK_INT(call_services(b),
              CALL_SVC_CLEAR | CALL_SVC_DEFLECT | CALL_SVC_PICKUP | CALL_SVC_ANSWER);
    CHECK_INT(call_answer(b, exchange_done, &w.x, w.net.now_ms), CALL_OK);
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.x.done, CALL_OK);
    CHECK_STR(station_last(&w.s[1], "Event"), "talk");
    CHECK_INT(station_respond(&w.s[1], 200, SDP_B), 0);
    vnet_run_for(&w.net, 100);
    finish(&w, 0);
}

static void test_clear_in_every_state(void)
{
    struct trio w;
    trio_up(&w, 13);
    struct connection *a = make(&w, "1002", true, STR_NONE); /* initiated */
    CHECK_INT(call_clear(a, STR_NONE, STR_NONE, w.net.now_ms), CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 1000);
    CHECK_STR(str_c(w.x.log), "initiated:1001/makeCall cleared:1001/normalClearing");
    w.x.log_n = 0;
    w.x.log[0] = '\0';
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A, STR_NONE); /* alerting */
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    station_clear_log(&w.s[0]);
    CHECK_INT(call_clear(exchange_connection(&w.x, 1), STR("busy"), STR_NONE, w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 1000);
    CHECK_STR(str_c(w.s[0].log), "rejected:486 gone");
    CHECK_STR(str_c(w.x.log),
              "originated:1001/newCall delivered:1002/newCall cleared:1002/busy "
              "failed:1002/busy cleared:1001/busy");
    w.x.log_n = 0;
    w.x.log[0] = '\0';
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A, STR_NONE); /* the caller's, unanswered */
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(call_clear(exchange_connection(&w.x, 0), STR_NONE, STR_NONE, w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 1000);
    CHECK(w.s[0].leg == NULL);
    CHECK(w.s[1].leg == NULL);
    made(&w); /* connected, with UUI in the BYE */
    CHECK_INT(call_clear(exchange_connection(&w.x, 0), STR("normalClearing"), STR("\x04tx"),
                         w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 1000);
    CHECK_STR(station_last(&w.s[1], "User-to-User"), "047478;encoding=hex;purpose=isdn-uui");
    CHECK_STR(station_last(&w.s[1], "Reason"), "Q.850;cause=16");
    trio_down(&w);
}

TEST_MAIN(T(test_make_call), T(test_make_call_is_refused_by_the_caller),
          T(test_make_call_is_not_answered_by_the_caller), T(test_make_call_to_a_busy_phone),
          T(test_make_call_errors), T(test_hold_and_retrieve),
          T(test_hold_is_refused_by_the_partner), T(test_transfer),
          T(test_transfer_to_a_busy_phone_changes_nothing),
          T(test_transfer_nobody_answers_after_ringing), T(test_deflect),
          T(test_answer_before_it_rings), T(test_answer_by_talk), T(test_clear_in_every_state))
