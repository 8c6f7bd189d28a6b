/* SPDX-License-Identifier: Apache-2.0 */
/* Calls through the bridge: set-up, ending, forks, refusals, what is told when. */
#include "fixture_call.h"

static void test_call_is_bridged(void)
{
    struct trio w;
    trio_up(&w, 1);
    REQUIRE(trio_talk(&w));
    leg_end(w.s[0].leg, 0, NULL, station_listen, &w.s[0], w.net.now_ms);
    trio_down(&w);
    CHECK_STR(str_c(w.s[0].log), "180 answered answer:200 ended:local gone");
    CHECK_STR(str_c(w.s[1].log), "call acked bye ended:bye gone");
    CHECK_STR(str_c(w.x.log),
              "originated:1001/newCall delivered:1002/newCall established:1002/newCall "
              "cleared:1001/normalClearing cleared:1002/normalClearing");
}

static void test_callee_hangs_up(void)
{
    struct trio w;
    trio_up(&w, 2);
    REQUIRE(trio_talk(&w));
    leg_end(w.s[1].leg, 0, NULL, station_listen, &w.s[1], w.net.now_ms);
    trio_down(&w);
    CHECK_STR(str_c(w.s[1].log), "call acked answer:200 ended:local gone");
    CHECK_STR(str_c(w.x.log),
              "originated:1001/newCall delivered:1002/newCall established:1002/newCall "
              "cleared:1002/normalClearing cleared:1001/normalClearing");
}

static void test_refusal_is_passed(void)
{
    struct trio w;
    trio_up(&w, 3);
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 486, STR_NONE), 0);
    trio_down(&w);
    CHECK_STR(str_c(w.s[0].log), "180 rejected:486 gone");
    CHECK_STR(str_c(w.x.log),
              "originated:1001/newCall delivered:1002/newCall cleared:1002/busy "
              "failed:1002/busy cleared:1001/busy");
}

static void test_unregistered_and_unknown(void)
{
    struct trio w;
    trio_up(&w, 4);
    exchange_dial(&w.x, &w.s[0], 1001, "1005", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    exchange_dial(&w.x, &w.s[0], 1001, "4711", SDP_A, STR_NONE);
    trio_down(&w);
    CHECK_STR(str_c(w.s[0].log), "rejected:480 gone rejected:404 gone");
    CHECK_STR(str_c(w.x.log), "originated:1001/newCall failed:1005/callNotAnswered "
                              "cleared:1001/callNotAnswered");
}

static void test_caller_cancels(void)
{
    struct trio w;
    trio_up(&w, 5);
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    leg_cancel(w.s[0].leg, STR_NONE, w.net.now_ms);
    trio_down(&w);
    CHECK_STR(str_c(w.s[1].log), "call cancelled gone");
    CHECK_STR(str_c(w.x.log), "originated:1001/newCall delivered:1002/newCall "
                              "cleared:1001/callCancelled cleared:1002/callCancelled");
}

static void test_two_contacts_ring_and_one_answers(void)
{
    struct trio w;
    trio_up(&w, 6);
    exchange_register(&w.x, 1, &w.s[2].node, false); /* 1002 has two phones */
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    CHECK_INT(station_respond(&w.s[2], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[2], 200, SDP_B), 0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    CHECK_STR(str_c(w.s[1].log), "call cancelled gone");
    leg_end(w.s[2].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    trio_down(&w);
    CHECK_STR(str_c(w.s[0].log), "180 180 answered bye ended:bye gone");
    CHECK_STR(str_c(w.x.log),
              "originated:1001/newCall delivered:1002/newCall established:1002/newCall "
              "cleared:1002/normalClearing cleared:1001/normalClearing");
}

static void test_uui_is_carried_and_told(void)
{
    struct trio w;
    trio_up(&w, 7);
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A,
                  STR("User-to-User:  04C8 ; encoding = hex ,\r\n 0042;purpose=isdn-uui\r\n"
                      "user-TO-user: \"x,y\";purpose=foo\r\n"));
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.s[1], "User-to-User"),
              "04C8 ; encoding = hex ,\r\n 0042;purpose=isdn-uui");
    CHECK_INT(station_respond(&w.s[1], 486, STR_NONE), 0);
    trio_down(&w);
    CHECK(str_starts(str_c(w.x.uui), STR("originated:04C8 ; encoding = hex ,\r\n 0042;"
                                         "purpose=isdn-uui, \"x,y\";purpose=foo|")));
}

static void test_phone_holds(void)
{
    struct trio w;
    trio_up(&w, 8);
    REQUIRE(trio_talk(&w));
    w.s[1].answer_body = STR("v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\n"
                             "m=audio 4002 RTP/AVP 0\r\na=recvonly\r\n");
    CHECK_INT(station_send(&w.s[0], "INVITE",
                           STR("v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
                               "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\n")),
              0);
    vnet_run_for(&w.net, 200);
    CHECK_INT(exchange_connection(&w.x, 0)->state, CONN_HOLD);
    CHECK_INT(station_send(&w.s[0], "INVITE",
                           STR("v=0\r\no=- 1 3 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
                               "m=audio 4000 RTP/AVP 0\r\n")),
              0);
    vnet_run_for(&w.net, 200);
    CHECK_INT(exchange_connection(&w.x, 0)->state, CONN_CONNECTED);
    leg_end(w.s[0].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    trio_down(&w);
    CHECK(str_find(str_c(w.x.log), STR("held:1001/normal retrieved:1001/normal")) < w.x.log_n);
}

/** 1002 answers 1001, who is slow to acknowledge. */
static void talk_without_ack(struct trio *w, uint64_t seed)
{
    trio_up(w, seed);
    w->s[0].auto_ack = false;
    exchange_dial(&w->x, &w->s[0], 1001, "1002", SDP_A, STR_NONE);
    vnet_run_for(&w->net, 100);
    CHECK_INT(station_respond(&w->s[1], 200, SDP_B), 0);
    vnet_run_for(&w->net, 100);
    station_clear_log(&w->s[0]);
    station_clear_log(&w->s[1]);
}

static void test_offer_before_the_ack_waits(void)
{
    struct trio w;
    talk_without_ack(&w, 10);
    w.s[0].answer_body = SDP_A;
    CHECK_INT(station_send(&w.s[1], "INVITE",
                           STR("v=0\r\no=- 2 2 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\n"
                               "m=audio 4002 RTP/AVP 0\r\na=sendonly\r\n")),
              0);
    vnet_run_for(&w.net, 100);
    CHECK_STR(str_c(w.s[1].log), ""); /* no refusal */
    CHECK_STR(str_c(w.s[0].log), "");
    CHECK_INT(station_ack(&w.s[0], STR_NONE), 0);
    w.s[0].auto_ack = true;
    vnet_run_for(&w.net, 300);
    CHECK_INT(w.s[1].last_status, 200);
    CHECK_INT(exchange_connection(&w.x, 1)->state, CONN_HOLD);
    leg_end(w.s[0].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    trio_down(&w);
}

static void test_offer_before_an_ack_that_never_comes(void)
{
    struct trio w;
    talk_without_ack(&w, 11);
    CHECK_INT(station_send(&w.s[1], "INVITE", SDP_B), 0);
    vnet_run_for(&w.net, 100);
    leg_free(w.s[0].leg); /* the caller has vanished */
    trio_down(&w);
    CHECK_STR(str_c(w.x.log), "originated:1001/newCall established:1002/newCall "
                              "cleared:1001/normalClearing cleared:1002/normalClearing");
}

static void test_redirection_is_passed(void)
{
    struct trio w;
    trio_up(&w, 9);
    exchange_dial(&w.x, &w.s[0], 1001, "1002", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(
        leg_respond(w.s[1].leg, NULL, 302, STR_NONE,
                    &(struct leg_content){.lines = STR("Contact: <sip:x@a.example>;q=0.5, "
                                                       "<tel:123>\r\n")},
                    w.net.now_ms),
        0);
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.s[0], "Contact"), "<sip:x@a.example>;q=0.5, <tel:123>");
    trio_down(&w);
    CHECK_STR(str_c(w.s[0].log), "rejected:302 gone");
}

TEST_MAIN(T(test_redirection_is_passed), T(test_call_is_bridged), T(test_callee_hangs_up),
          T(test_refusal_is_passed), T(test_unregistered_and_unknown), T(test_caller_cancels),
          T(test_two_contacts_ring_and_one_answers), T(test_uui_is_carried_and_told),
          T(test_phone_holds), T(test_offer_before_the_ack_waits),
          T(test_offer_before_an_ack_that_never_comes))
