/* SPDX-License-Identifier: Apache-2.0 */
/* Whole calls of two stations: set-up, ending, CANCEL and what crosses, loss of 2xx and ACK. */
#include "base/err.h"
#include "fixture_leg.h"
#include <stdio.h>

static void up(struct two *w, uint64_t seed)
{
    two_up(w, seed, NULL, NULL);
}

static void call_and_hang_up(enum transport transport, bool caller)
{
    struct two w;
    up(&w, 1);
    REQUIRE(station_call(&w.a, &w.b.node, transport, SDP_A, STR_NONE) != NULL);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 180, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.a.leg->state, LEG_EARLY);
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    CHECK_INT(w.b.leg->state, LEG_ANSWERED);
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.a.leg->state, LEG_CONFIRMED);
    CHECK_INT(w.b.leg->state, LEG_CONFIRMED);
    struct station *x = caller ? &w.a : &w.b;
    leg_end(x->leg, 0, NULL, station_listen, x, w.net.now_ms);
    CHECK_INT(x->leg->state, LEG_ENDING);
    two_down(&w);
    CHECK_STR(str_c(w.a.log), caller ? "180 answered answer:200 ended:local gone"
                                     : "180 answered bye ended:bye gone");
    CHECK_STR(str_c(w.b.log), caller ? "call acked bye ended:bye gone"
                                     : "call acked answer:200 ended:local gone");
}

static void test_call_both_ways(void)
{
    call_and_hang_up(TP_UDP, true);
    call_and_hang_up(TP_UDP, false);
    call_and_hang_up(TP_TCP, true);
    call_and_hang_up(TP_TLS, false);
}

/* ---- refusals ---- */

static void test_refused(void)
{
    struct two w;
    up(&w, 2);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(leg_respond(w.b.leg, NULL, 486, STR("Not now"), NULL, w.net.now_ms), 0);
    vnet_run_for(&w.net, 50);
    CHECK_STR(sip_msg_reason(&w.a.last->m), "Not now");
    CHECK(sip_msg_tag(&w.a.last->m, SIP_HDR_TO).n > 0);
    two_down(&w);
    CHECK_STR(str_c(w.a.log), "rejected:486 gone");
    CHECK_STR(str_c(w.b.log), "call ended:local gone");
}

static void test_nobody_answers(void)
{
    struct two w;
    up(&w, 3);
    w.b.up = false;
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 31000);
    CHECK_STR(str_c(w.a.log), "");
    vnet_run_for(&w.net, 1100);
    CHECK_STR(str_c(w.a.log), "rejected:408(here) gone");
    w.b.up = true;
    two_down(&w);
}

static void test_connection_refused(void)
{
    struct two w;
    up(&w, 4);
    struct vnode nowhere = {0};
    CHECK(addr_parse_host(STR("10.9.9.9"), 5060, &nowhere.addr));
    station_call(&w.a, &nowhere, TP_TCP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 100);
    CHECK_STR(str_c(w.a.log), "rejected:503(here) gone");
    two_down(&w);
}

static void test_unknown_extension_is_refused(void)
{
    struct two w;
    up(&w, 5);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR("Require: 100rel, telepathy\r\n"));
    vnet_run_for(&w.net, 50);
    CHECK_STR(str_c(w.a.log), "rejected:420 gone");
    CHECK_STR(station_last(&w.a, "Unsupported"), "telepathy");
    CHECK_STR(str_c(w.b.log), "refused");
    two_down(&w);
}

static void test_end_before_answer_as_callee(void)
{
    struct two w;
    up(&w, 6);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 180, STR_NONE), 0);
    struct leg_content c = {.lines = STR("Reason: Q.850;cause=17\r\n")};
    leg_end(w.b.leg, 486, &c, NULL, NULL, w.net.now_ms);
    vnet_run_for(&w.net, 50);
    CHECK_STR(station_last(&w.a, "Reason"), "Q.850;cause=17");
    two_down(&w);
    CHECK_STR(str_c(w.b.log), "call ended:local gone");
    CHECK_STR(str_c(w.a.log), "180 rejected:486 gone");
}

/* ---- CANCEL ---- */

static void test_cancel_while_ringing(void)
{
    struct two w;
    up(&w, 7);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 180, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    leg_cancel(w.a.leg, STR("Reason: SIP;cause=200\r\n"), w.net.now_ms);
    vnet_run_for(&w.net, 50);
    CHECK_STR(station_last(&w.b, "Reason"), "SIP;cause=200");
    two_down(&w);
    CHECK_STR(str_c(w.a.log), "180 rejected:487 gone");
    CHECK_STR(str_c(w.b.log), "call cancelled gone");
}

static void test_end_while_ringing(void)
{
    struct two w;
    up(&w, 8);
    station_call(&w.a, &w.b.node, TP_TCP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 180, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    leg_end(w.a.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    leg_end(w.a.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    two_down(&w);
    CHECK_STR(str_c(w.a.log), "180 ended:local gone");
    CHECK_STR(str_c(w.b.log), "call cancelled gone");
}

static void test_cancel_before_any_response(void)
{
    struct two w;
    up(&w, 9);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    leg_cancel(w.a.leg, STR_NONE, w.net.now_ms); /* waits for the 100 */
    two_down(&w);
    CHECK_STR(str_c(w.a.log), "rejected:487 gone");
    CHECK_STR(str_c(w.b.log), "call cancelled gone");
}

/** The 200 and the CANCEL pass each other: the caller acknowledges and hangs up by itself. */
static void cancel_too_late(bool end)
{
    struct two w;
    up(&w, 10);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 180, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    struct leg_content c = {.lines = STR("Reason: SIP;cause=480\r\n")};
    if (end) {
        leg_end(w.a.leg, 0, &c, station_listen, &w.a, w.net.now_ms);
    } else {
        leg_cancel(w.a.leg, STR_NONE, w.net.now_ms);
    }
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.b, "Reason"), end ? "SIP;cause=480" : "");
    two_down(&w);
    CHECK_STR(str_c(w.a.log),
              end ? "180 answer:200 ended:local gone" : "180 rejected:487(here) gone");
    CHECK_STR(str_c(w.b.log), "call acked bye ended:bye gone");
}

static void test_cancel_loses_the_race(void)
{
    cancel_too_late(false);
    cancel_too_late(true);
}

/* ---- loss of 2xx and ACK ---- */

struct filter {
    const char *start;
    unsigned drop; /**< how many of these are dropped */
    unsigned seen;
};

static void drop_some(void *ctx, struct vpacket *p)
{
    struct filter *f = ctx;
    if (str_starts(p->bytes, str_c(f->start))) {
        f->seen++;
        p->copies = f->seen <= f->drop ? 0 : p->copies;
    }
}

static void lose(const char *what, unsigned n, unsigned oks, unsigned acks)
{
    struct two w;
    struct filter f = {what, n, 0};
    up(&w, 11);
    REQUIRE(station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE) != NULL);
    vnet_run_for(&w.net, 50);
    w.net.tap = drop_some;
    w.net.tap_ctx = &f;
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    vnet_run_for(&w.net, 9000);
    CHECK_INT(f.seen, str_starts(str_c(what), STR("ACK")) ? acks : oks);
    CHECK_INT(w.a.leg->state, LEG_CONFIRMED);
    CHECK_INT(w.b.leg->state, LEG_CONFIRMED);
    leg_end(w.a.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    two_down(&w);
    CHECK_STR(str_c(w.a.log), "answered ended:local gone");
    CHECK_STR(str_c(w.b.log), "call acked bye ended:bye gone");
}

static void test_2xx_and_ack_lost(void)
{
    lose("SIP/2.0 200", 2, 3, 0); /* sent at 0, 500, 1500 ms */
    lose("ACK", 3, 0, 4);
}

static void test_never_acknowledged(void)
{
    struct two w;
    struct filter f = {"ACK", 1000, 0};
    up(&w, 12);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    w.net.tap = drop_some;
    w.net.tap_ctx = &f;
    uint64_t start = w.net.now_ms;
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    vnet_run_until(&w.net, start + 31999);
    CHECK_STR(str_c(w.b.log), "call");
    CHECK_INT(f.seen, 11); /* 0, 0.5, 1.5, 3.5, 7.5, 11.5, … 31.5 s: one for each 2xx */
    vnet_run_until(&w.net, start + 32100);
    CHECK_STR(str_c(w.b.log), "call ended:no-ack gone");
    CHECK_STR(str_c(w.a.log), "answered bye ended:bye gone");
    two_down(&w);
}

/** The callee may not send BYE before the ACK (RFC 3261 §15). */
static void test_end_before_ack_waits(void)
{
    struct two w;
    up(&w, 13);
    w.a.auto_ack = false;
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    struct leg_content c = {.lines = STR("X-Why: late\r\n")};
    leg_end(w.b.leg, 0, &c, station_listen, &w.b, w.net.now_ms);
    vnet_run_for(&w.net, 3000);
    CHECK_STR(str_c(w.a.log), "answered");
    CHECK_INT(station_ack(&w.a, STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    CHECK_STR(station_last(&w.a, "X-Why"), "late");
    two_down(&w);
    CHECK_STR(str_c(w.a.log), "answered bye ended:bye gone");
    CHECK_STR(str_c(w.b.log), "call answer:200 ended:local gone");
}

static void test_end_before_ack_times_out(void)
{
    struct two w;
    struct filter f = {"ACK", 1000, 0};
    up(&w, 14);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    w.net.tap = drop_some;
    w.net.tap_ctx = &f;
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    leg_end(w.b.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    two_down(&w);
    CHECK_STR(str_c(w.b.log), "call ended:local gone");
    CHECK_STR(str_c(w.a.log), "answered bye ended:bye gone");
}

/** The caller hangs up before its user has acknowledged: the ACK goes first. */
static void test_end_before_own_ack(void)
{
    struct two w;
    up(&w, 15);
    w.a.auto_ack = false;
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    vnet_run_for(&w.net, 50);
    leg_end(w.a.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    CHECK_INT(leg_ack(w.a.leg, NULL, w.net.now_ms), E_STATE);
    two_down(&w);
    CHECK_STR(str_c(w.b.log), "call acked bye ended:bye gone");
}

static void test_byes_cross(void)
{
    struct two w;
    up(&w, 16);
    REQUIRE(stations_talk(&w.a, &w.b, TP_UDP));
    leg_end(w.a.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    leg_end(w.b.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    two_down(&w);
    CHECK_STR(str_c(w.a.log), "ended:local gone");
    CHECK_STR(str_c(w.b.log), "ended:local gone");
}

static void test_bye_in_early_dialog(void)
{
    struct two w;
    up(&w, 17);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 180, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    /* RFC 3261 §15: the caller may; leg_end prefers CANCEL, so it is sent by hand */
    struct str run[] = {STR_NONE, STR_NONE};
    char line[256], head[1024];
    struct out o;
    out_init(&o, line, sizeof(line));
    out_c(&o, "BYE ");
    out_str(&o, w.a.dialog->request_uri);
    out_c(&o, " SIP/2.0\r\n");
    run[0] = out_str_of(&o);
    out_init(&o, head, sizeof(head));
    dialog_write_head(w.a.dialog, &o, STR("BYE"), 2, 70, STR_NONE);
    out_c(&o, "Content-Length: 0\r\n\r\n");
    run[1] = out_str_of(&o);
    CHECK(txn_client_new(&w.a.txn, SIP_METHOD_BYE, &w.a.dialog->next, run, 2, NULL, NULL,
                         w.net.now_ms) != NULL);
    two_down(&w);
    CHECK_STR(str_c(w.b.log), "call bye ended:bye gone");
    CHECK_STR(str_c(w.a.log), "180 rejected:487 gone");
}

static void test_delayed_offer(void)
{
    struct two w;
    up(&w, 18);
    w.a.auto_ack = false;
    station_call(&w.a, &w.b.node, TP_UDP, STR_NONE, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(sip_msg_body(&w.b.last->m).n, 0);
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0);
    CHECK_INT(w.b.leg->dialog->offer, DIALOG_OFFER_OURS);
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.a.leg->dialog->offer, DIALOG_OFFER_THEIRS);
    CHECK(!leg_can_offer(w.a.leg));
    CHECK_INT(station_send(&w.a, "INVITE", SDP_A), E_STATE);
    CHECK_INT(station_ack(&w.a, SDP_A), 0);
    vnet_run_for(&w.net, 50);
    CHECK_BYTES(sip_msg_body(&w.b.last->m), SDP_A);
    CHECK(leg_can_offer(w.a.leg));
    CHECK(leg_can_offer(w.b.leg));
    leg_end(w.b.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    two_down(&w);
}

static void test_free_while_ringing_leaves_nobody_waiting(void)
{
    struct two w;
    up(&w, 19);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    CHECK_INT(station_respond(&w.b, 180, STR_NONE), 0);
    vnet_run_for(&w.net, 50);
    leg_free(w.a.leg);
    CHECK_INT(station_respond(&w.b, 200, SDP_B), 0); /* crosses the CANCEL */
    two_down(&w);
    CHECK_STR(str_c(w.a.log), "180");
    CHECK_STR(str_c(w.b.log), "call acked bye ended:bye gone");
}

static void free_it(struct station *s, const char *what, struct leg *leg, uint64_t now_ms)
{
    (void)now_ms;
    if (strcmp(what, s->hook_ctx) == 0) {
        leg_free(leg);
        s->leg = NULL;
    }
}

/** A user may drop its leg in any callback. */
static void test_free_in_callbacks(void)
{
    static const char *const caller[] = {"provisional", "answered", "rejected", "ended",
                                         "response"};
    static const char *const callee[] = {"request", "acked", "bye", "ended", "cancelled"};
    char what[32];
    for (size_t i = 0; i < 2 * ARRAY_LEN(caller); i++) {
        struct two w;
        up(&w, 20 + i);
        struct station *s = i < ARRAY_LEN(caller) ? &w.a : &w.b;
        snprintf(what, sizeof(what), "%s",
                 s == &w.a ? caller[i] : callee[i - ARRAY_LEN(caller)]);
        s->hook = free_it;
        s->hook_ctx = what;
        test_context(what);
        station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
        vnet_run_for(&w.net, 50);
        if (w.b.leg != NULL) {
            (void)station_respond(&w.b, 180, STR_NONE);
        }
        vnet_run_for(&w.net, 50);
        bool refuse = strcmp(what, "rejected") == 0, cancel = strcmp(what, "cancelled") == 0;
        if (cancel) {
            leg_cancel(w.a.leg, STR_NONE, w.net.now_ms);
        } else if (w.b.leg != NULL && w.b.leg->state == LEG_EARLY) {
            (void)station_respond(&w.b, refuse ? 603 : 200, refuse ? STR_NONE : SDP_B);
        }
        vnet_run_for(&w.net, 50);
        if (w.a.leg != NULL && w.a.leg->state == LEG_CONFIRMED) {
            CHECK_INT(station_send(&w.a, "INFO", STR_NONE), 0);
            vnet_run_for(&w.net, 50);
            if (w.a.leg != NULL) {
                leg_end(w.a.leg, 0, NULL, NULL, NULL, w.net.now_ms);
            }
        }
        vnet_run_for(&w.net, 50);
        if (w.b.leg != NULL) {
            leg_end(w.b.leg, 0, NULL, NULL, NULL, w.net.now_ms); /* hears 481 */
        }
        two_down(&w);
        CHECK(strstr(s->log, "gone") == NULL); /* on_gone is not told after leg_free */
    }
    test_context(NULL);
}

/* ---- forks ---- */

static const char contact_b[] = "Contact: <sip:b@10.0.0.7>\nRSeq: 1\n";

static void test_forked_call(void)
{
    struct vnet net;
    struct station a;
    struct raw p;
    vnet_init(&net, 40);
    station_up(&a, &net, "alice", "10.0.0.1", NULL);
    raw_up(&p, &net, "proxy", "10.0.0.7");
    REQUIRE(station_call(&a, &p.node, TP_UDP, SDP_A, STR_NONE) != NULL);
    vnet_run_for(&net, 20);
    struct text_msg inv = raw_take(&p);
    REQUIRE(inv.m != NULL);
    struct hop back = raw_from(&p);
    raw_reply(&p, &back, inv.m, "100 Trying", "", "", "");
    raw_reply(&p, &back, inv.m, "180 Ringing", "one", "Contact: <sip:one@10.0.0.7>\n", "");
    raw_reply(&p, &back, inv.m, "183 Progress", "two", "Contact: <sip:two@10.0.0.7>\n", "");
    raw_reply(&p, &back, inv.m, "180 Ringing", "three", "Contact: <sip:three@10.0.0.7>\n", "");
    vnet_run_for(&net, 20);
    CHECK_STR(str_c(a.log), "180 183 180");
    CHECK_INT(a.legs.dialogs.count, 3);
    CHECK_STR(a.dialog->remote_target, "sip:three@10.0.0.7");
    raw_reply(&p, &back, inv.m, "200 OK", "two", "Contact: <sip:two2@10.0.0.7>\n", "");
    vnet_run_for(&net, 20);
    CHECK_STR(str_c(a.log), "180 183 180 answered");
    CHECK_STR(a.leg->dialog->remote_target, "sip:two2@10.0.0.7"); /* §13.2.2.4 */
    CHECK_INT(a.legs.dialogs.count, 1);
    struct text_msg ack = raw_take(&p);
    CHECK_STR(text_start(&ack), "ACK sip:two2@10.0.0.7 SIP/2.0");
    CHECK_STR(text_value(&ack, "CSeq"), "1 ACK");
    text_free(&ack);
    /* a second branch answers: ACK and BYE, twice the ACK when its 200 is repeated */
    for (int i = 0; i < 2; i++) {
        raw_reply(&p, &back, inv.m, "200 OK", "one", "Contact: <sip:one@10.0.0.7>\n", "");
        vnet_run_for(&net, 20);
        ack = raw_take(&p);
        CHECK_STR(text_start(&ack), "ACK sip:one@10.0.0.7 SIP/2.0");
        CHECK(str_find(text_value(&ack, "To"), STR("tag=one")) < text_value(&ack, "To").n);
        text_free(&ack);
        struct text_msg bye = raw_take(&p);
        CHECK_STR(text_start(&bye), i == 0 ? "BYE sip:one@10.0.0.7 SIP/2.0" : "");
        if (bye.m != NULL) {
            CHECK_STR(text_value(&bye, "CSeq"), "2 BYE");
            raw_reply(&p, &back, bye.m, "200 OK", "", "", "");
        }
        text_free(&bye);
    }
    /* one that never rang answers too */
    raw_reply(&p, &back, inv.m, "200 OK", "four", contact_b, "");
    vnet_run_for(&net, 20);
    ack = raw_take(&p);
    CHECK_STR(text_start(&ack), "ACK sip:b@10.0.0.7 SIP/2.0");
    struct text_msg bye = raw_take(&p);
    CHECK_STR(text_start(&bye), "BYE sip:b@10.0.0.7 SIP/2.0");
    raw_reply(&p, &back, bye.m, "200 OK", "", "", "");
    text_free(&ack);
    text_free(&bye);
    /* the winner's 200 again: its ACK again */
    raw_reply(&p, &back, inv.m, "200 OK", "two", "Contact: <sip:two2@10.0.0.7>\n", "");
    vnet_run_for(&net, 20);
    ack = raw_take(&p);
    CHECK_STR(text_start(&ack), "ACK sip:two2@10.0.0.7 SIP/2.0");
    text_free(&ack);
    vnet_run_for(&net, 40000);
    CHECK_INT(a.legs.leg_pool.in_use, 1);
    CHECK_INT(a.legs.dialog_pool.in_use, 2); /* the call's and the seed */
    CHECK_INT(txn_count(&a.txn), 0);
    leg_end(a.leg, 0, NULL, NULL, NULL, net.now_ms);
    vnet_run_for(&net, 20);
    bye = raw_take(&p);
    CHECK_STR(text_value(&bye, "CSeq"), "2 BYE");
    raw_reply(&p, &back, bye.m, "200 OK", "", "", "");
    text_free(&bye);
    text_free(&inv);
    CHECK(vnet_run_quiet(&net, 100000));
    station_check_empty(&a);
    station_down(&a);
    raw_down(&p);
    vnet_fini(&net);
}

static void test_fork_tags_of_a_callee(void)
{
    struct two w;
    up(&w, 41);
    station_call(&w.a, &w.b.node, TP_UDP, SDP_A, STR_NONE);
    vnet_run_for(&w.net, 50);
    struct dialog *one = leg_fork(w.b.leg), *two = leg_fork(w.b.leg);
    REQUIRE(one != NULL && two != NULL);
    CHECK(!str_eq(one->local_tag, two->local_tag));
    struct leg_content none = {0};
    CHECK_INT(leg_respond(w.b.leg, one, 180, STR_NONE, &none, w.net.now_ms), 0);
    CHECK_INT(leg_respond(w.b.leg, two, 183, STR_NONE, &none, w.net.now_ms), 0);
    vnet_run_for(&w.net, 50);
    CHECK_INT(w.a.legs.dialogs.count, 2);
    CHECK_INT(leg_respond(w.b.leg, two, 200, STR_NONE, &none, w.net.now_ms), 0);
    CHECK_INT(leg_respond(w.b.leg, one, 200, STR_NONE, &none, w.net.now_ms), E_STATE);
    CHECK_INT(w.b.legs.dialogs.count, 1);
    vnet_run_for(&w.net, 50);
    CHECK_BYTES(w.a.leg->dialog->remote_tag, two->local_tag);
    CHECK(dialog_find_parts(&w.b.legs, two->call_id, two->local_tag, STR_NONE) == two);
    CHECK(dialog_find_parts(&w.b.legs, two->call_id, two->local_tag, STR("x")) == NULL);
    leg_end(w.a.leg, 0, NULL, NULL, NULL, w.net.now_ms);
    two_down(&w);
}

static void test_invite_without_contact(void)
{
    struct vnet net;
    struct station b;
    struct raw p;
    vnet_init(&net, 42);
    station_up(&b, &net, "bob", "10.0.0.2", NULL);
    raw_up(&p, &net, "peer", "10.0.0.7");
    struct hop to = vnet_hop(&b.node, TP_UDP);
    raw_send(&p, &to,
             "INVITE sip:b@10.0.0.2 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa\n"
             "From: <sip:a@x>;tag=1\nTo: <sip:b@x>\nCall-ID: 1\nCSeq: 1 INVITE\n\n");
    vnet_run_for(&net, 20);
    struct text_msg r = raw_take(&p);
    CHECK_STR(text_start(&r), "SIP/2.0 400 Bad Request");
    text_free(&r);
    /* an ACK to no dialog is dropped, another request inside no dialog hears 481 */
    raw_send(&p, &to,
             "INFO sip:b@10.0.0.2 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKb\n"
             "From: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=9\nCall-ID: 1\nCSeq: 1 INFO\n\n");
    vnet_run_for(&net, 20);
    while (p.taken < p.in_n) {
        text_free(&r);
        r = raw_take(&p);
    }
    CHECK_STR(text_start(&r), "SIP/2.0 481 Call/Transaction Does Not Exist");
    CHECK_INT(b.legs.stray, 1);
    text_free(&r);
    CHECK(vnet_run_quiet(&net, 100000));
    station_check_empty(&b);
    station_down(&b);
    raw_down(&p);
    vnet_fini(&net);
}

TEST_MAIN(T(test_call_both_ways), T(test_refused), T(test_nobody_answers),
          T(test_connection_refused), T(test_unknown_extension_is_refused),
          T(test_end_before_answer_as_callee), T(test_cancel_while_ringing),
          T(test_end_while_ringing), T(test_cancel_before_any_response),
          T(test_cancel_loses_the_race), T(test_2xx_and_ack_lost), T(test_never_acknowledged),
          T(test_end_before_ack_waits), T(test_end_before_ack_times_out),
          T(test_end_before_own_ack), T(test_byes_cross), T(test_bye_in_early_dialog),
          T(test_delayed_offer), T(test_free_while_ringing_leaves_nobody_waiting),
          T(test_free_in_callbacks), T(test_forked_call), T(test_fork_tags_of_a_callee),
          T(test_invite_without_contact))
