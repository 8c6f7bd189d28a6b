/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that leave to a peer, and calls that come from one. */
#include "fixture_call.h"
#include "peers/peers.h"

#include <stdio.h>

static const struct str nines[] = {STR_INIT("9*")};

static void peer_up(struct trio *w)
{
    w->x.peer = (struct peer){.name = STR("gw"),
                              .uri = STR("sip:10.0.0.3"),
                              .host = STR("10.0.0.3"),
                              .transport = TP_UDP,
                              .numbers = nines,
                              .number_count = 1,
                              .trusted = true};
    w->x.directory.peers = &w->x.peer;
    w->x.directory.peer_count = 1;
}

static void test_call_to_a_peer(void)
{
    struct trio w;
    trio_up(&w, 1);
    peer_up(&w);
    exchange_dial(&w.x, &w.s[0], 1001, "90123", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    REQUIRE(w.s[2].leg != NULL);
    CHECK_STR(sip_msg_ruri(&w.s[2].last->m), "sip:90123@10.0.0.3");
    trio_ring_and_answer(&w, 2, SDP_B);
    leg_end(w.s[0].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    trio_down(&w);
    CHECK_STR(str_c(w.x.log),
              "originated:1001/newCall network:90123/normal delivered:90123/newCall "
              "established:90123/newCall cleared:1001/normalClearing "
              "cleared:90123/normalClearing");
}

static void test_call_from_a_peer_with_privacy(void)
{
    struct trio w;
    trio_up(&w, 2);
    exchange_dial(&w.x, &w.s[2], 7777, "1002", SDP_A, STR("Privacy: id\r\n"));
    vnet_run_for(&w.net, 100);
    CHECK_INT(station_respond(&w.s[1], 180, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    struct connection *b = exchange_connection(&w.x, 1);
    REQUIRE(b != NULL);
    CHECK(call_other(b)->restricted);
    CHECK_STR(call_other(b)->id, "sip:7777@example.com");
    leg_cancel(w.s[2].leg, STR_NONE, w.net.now_ms);
    trio_down(&w);
}

/** Room is taken when the INVITE goes out and given back with the end, however it comes. */
static void test_limit_of_calls(void)
{
    struct trio w;
    struct peers watch;
    trio_up(&w, 3);
    peer_up(&w);
    w.x.peer.max_calls = 1;
    CHECK_INT(peers_init(&watch, &w.x.node.env, &w.x.wheel, &w.x.txn, &w.x.directory, NULL), 0);
    exchange_dial(&w.x, &w.s[0], 1001, "90123", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(peers_now(&watch).calls, 1);
    /* No room for a second one. */
    exchange_dial(&w.x, &w.s[1], 1002, "90124", SDP_B, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK(strstr(w.s[1].log, "rejected:503") != NULL);
    CHECK_INT(watch.full, 1);
    /* Refused by the peer: room at once, not when the transaction has been forgotten. */
    CHECK_INT(station_respond(&w.s[2], 486, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    CHECK(strstr(w.s[0].log, "rejected:486") != NULL);
    CHECK_INT(peers_now(&watch).calls, 0);
    exchange_dial(&w.x, &w.s[0], 1001, "90125", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    trio_ring_and_answer(&w, 2, SDP_B);
    CHECK_INT(peers_now(&watch).calls, 1);
    leg_end(w.s[0].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    vnet_run_for(&w.net, 100);
    CHECK_INT(peers_now(&watch).calls, 0);
    exchange_dial(&w.x, &w.s[0], 1001, "90126", SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_INT(peers_now(&watch).calls, 1);
    vnet_run_for(&w.net, 300); /* the peer has said 100: CANCEL goes out at once */
    leg_cancel(w.s[0].leg, STR_NONE, w.net.now_ms);
    vnet_run_for(&w.net, 100);
    CHECK_INT(peers_now(&watch).calls, 0);
    peers_fini(&watch);
    trio_down(&w);
}

/** A party behind a peer changes its call by an attended transfer: its room goes along. */
static void test_room_of_a_transferred_party(void)
{
    struct trio w;
    struct peers watch;
    char lines[512];
    trio_up(&w, 4);
    peer_up(&w);
    w.x.peer.max_calls = 1;
    w.s[0].answer_body = SDP_A;
    w.s[2].answer_body = SDP_B;
    CHECK_INT(peers_init(&watch, &w.x.node.env, &w.x.wheel, &w.x.txn, &w.x.directory, NULL), 0);
    REQUIRE(trio_talk(&w));
    struct leg *first = w.s[1].leg;
    exchange_dial(&w.x, &w.s[1], 1002, "90123", SDP_B, STR_NONE);
    vnet_run_for(&w.net, 100);
    trio_ring_and_answer(&w, 2, SDP_B);
    const struct dialog *d = w.s[1].leg->dialog;
    (void)snprintf(lines, sizeof(lines),
                   "Refer-To: <sip:90123@10.0.0.9?Replaces=%.*s%%3Bto-tag%%3D%.*s"
                   "%%3Bfrom-tag%%3D%.*s>\r\n",
                   STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag));
    struct leg_content content = {.lines = str_c(lines)};
    CHECK_INT(leg_send(first, NULL, STR("REFER"), &content, station_listen, &w.s[1], NULL,
                       w.net.now_ms),
              0);
    vnet_run_for(&w.net, 500);
    CHECK(w.s[1].leg == NULL); /* it has been transferred */
    CHECK_INT(peers_now(&watch).calls, 1);
    leg_end(first, 0, NULL, NULL, NULL, w.net.now_ms);
    leg_end(w.s[0].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    vnet_run_for(&w.net, 500);
    CHECK(w.s[2].leg == NULL);
    CHECK_INT(peers_now(&watch).calls, 0);
    peers_fini(&watch);
    trio_down(&w);
}

TEST_MAIN(T(test_call_to_a_peer), T(test_call_from_a_peer_with_privacy), T(test_limit_of_calls),
          T(test_room_of_a_transferred_party))
