/* SPDX-License-Identifier: Apache-2.0 */
/* Where requests go: route sets, strict routers, targets, pinning, closed flows, names;
 * Contact. */
#include "base/err.h"
#include "dialog/dialog_impl.h"
#include "fixture_leg.h"
#include <stdio.h>

struct peer {
    struct vnet net;
    struct station s;
    struct raw p, q;
    struct text_msg m;
    struct hop back;
};

static void up(struct peer *w)
{
    vnet_init(&w->net, 1);
    station_up(&w->s, &w->net, "baton", "10.0.0.1", NULL);
    raw_up(&w->p, &w->net, "p", "10.0.0.7");
    raw_up(&w->q, &w->net, "q", "10.0.0.8");
    w->m = (struct text_msg){NULL, NULL};
}

static void down(struct peer *w)
{
    text_free(&w->m);
    if (w->s.leg != NULL) {
        leg_free(w->s.leg);
    }
    CHECK(vnet_run_quiet(&w->net, 400000));
    station_check_empty(&w->s);
    station_down(&w->s);
    raw_down(&w->p);
    raw_down(&w->q);
    vnet_fini(&w->net);
}

static void next(struct peer *w, struct raw *r)
{
    vnet_run_for(&w->net, 20);
    text_free(&w->m);
    w->m = raw_take(r);
    w->back = raw_from(r);
}

/** Call p; it answers with these lines. The ACK is in w->m when it comes to `ack_to`. */
static void call_out(struct peer *w, enum transport transport, const char *lines,
                     struct raw *ack_to)
{
    REQUIRE(station_call(&w->s, &w->p.node, transport, SDP_A, STR_NONE) != NULL);
    next(w, &w->p);
    raw_reply(&w->p, &w->back, w->m.m, "200 OK", "t", lines, "");
    next(w, ack_to);
}

static const char invite[] =
    "INVITE sip:b@10.0.0.1 SIP/2.0\n%sFrom: \"A, Z\" <sip:a@x;p=1>;q=1;tag=1;r\nTo: "
    "<sip:b@x>\nCall-ID: 1\nCSeq: 5 INVITE\nMax-Forwards: 70\n%s\n";

/** p calls; answered and acknowledged. */
static void call_in(struct peer *w, enum transport transport, const char *vias,
                    const char *lines)
{
    struct hop to = vnet_hop(&w->s.node, transport);
    raw_sendf(&w->p, &to, invite, vias, lines);
    vnet_run_for(&w->net, 20);
    REQUIRE(w->s.leg != NULL);
    CHECK_INT(station_respond(&w->s, 200, SDP_B), 0);
    next(w, &w->p);
    w->s.leg->state = LEG_CONFIRMED; /* the ACK is another test's matter */
}

static void raw_ack(struct peer *w, const struct hop *to)
{
    raw_sendf(&w->p, to,
              "ACK sip:b@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKack\n"
              "From: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=%.*s\nCall-ID: 1\nCSeq: 5 ACK\n\n",
              STR_ARG(sip_msg_tag(w->m.m, SIP_HDR_TO)));
    vnet_run_for(&w->net, 20);
}

static struct str nth_route(const struct text_msg *t, unsigned n)
{
    struct sip_values it = {0};
    struct str v = STR("");
    for (unsigned i = 0; i <= n; i++) {
        if (t->m == NULL || !sip_msg_each(t->m, SIP_HDR_ROUTE, &it, &v)) {
            return STR("");
        }
    }
    return v;
}

static void test_route_set_of_a_caller(void)
{
    struct peer w;
    up(&w);
    call_out(&w, TP_UDP,
             "Contact: <sip:c@10.1.1.1;x>\nRecord-Route: <sip:two.example.com;lr;a=\"b,c\">,\n"
             " <sip:one@10.0.0.8:5060;lr>\n",
             &w.q);
    /* last Record-Route first, and the request goes there */
    CHECK_STR(text_start(&w.m), "ACK sip:c@10.1.1.1;x SIP/2.0");
    CHECK_STR(nth_route(&w.m, 0), "<sip:one@10.0.0.8:5060;lr>");
    CHECK_STR(nth_route(&w.m, 1), "<sip:two.example.com;lr;a=\"b,c\">");
    CHECK_INT(station_send(&w.s, "INFO", STR_NONE), 0);
    next(&w, &w.q);
    CHECK_STR(text_start(&w.m), "INFO sip:c@10.1.1.1;x SIP/2.0");
    CHECK_STR(nth_route(&w.m, 0), "<sip:one@10.0.0.8:5060;lr>");
    CHECK_STR(nth_route(&w.m, 1), "<sip:two.example.com;lr;a=\"b,c\">");
    CHECK_STR(nth_route(&w.m, 2), "");
    down(&w);
}

static void test_route_set_of_a_callee(void)
{
    struct peer w;
    up(&w);
    call_in(&w, TP_UDP,
            "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa;rport\n"
            "Via: SIP/2.0/UDP 10.3.3.3;branch=z9hG4bKb\n",
            "Record-Route: <sip:10.0.0.8;lr>\nRecord-Route: <sip:far.example.com;lr>\n"
            "Contact: <sip:a@10.3.3.3>\n");
    CHECK_STR(text_start(&w.m), "SIP/2.0 200 OK");
    CHECK_INT(w.m.m->count[SIP_HDR_RECORD_ROUTE], 2);
    CHECK_INT(w.m.m->count[SIP_HDR_VIA], 2);
    CHECK_STR(text_value(&w.m, "Record-Route"), "<sip:10.0.0.8;lr>");
    CHECK(!w.s.leg->dialog->pinned);
    CHECK_INT(station_send(&w.s, "INFO", STR_NONE), 0);
    next(&w, &w.q);
    CHECK_STR(text_start(&w.m), "INFO sip:a@10.3.3.3 SIP/2.0");
    CHECK_STR(nth_route(&w.m, 0), "<sip:10.0.0.8;lr>");
    CHECK_STR(nth_route(&w.m, 1), "<sip:far.example.com;lr>");
    /* other parameters of an address stay, tags are the dialog's */
    CHECK_STR(text_value(&w.m, "To"), "\"A, Z\" <sip:a@x;p=1>;q=1;r;tag=1");
    CHECK(str_starts(text_value(&w.m, "From"), STR("<sip:b@x>;tag=")));
    down(&w);
}

static void test_strict_router(void)
{
    struct peer w;
    up(&w);
    call_out(&w, TP_UDP,
             "Contact: <sip:c@10.1.1.1>\nRecord-Route: <sip:two.example.com;lr>\n"
             "Record-Route: <sip:strict@10.0.0.8?h=1>\n",
             &w.q);
    CHECK_STR(text_start(&w.m), "ACK sip:strict@10.0.0.8 SIP/2.0");
    CHECK_STR(nth_route(&w.m, 0), "<sip:two.example.com;lr>");
    CHECK_STR(nth_route(&w.m, 1), "<sip:c@10.1.1.1>");
    CHECK_STR(nth_route(&w.m, 2), "");
    /* a target refresh changes the last Route, nothing else */
    CHECK_INT(station_send(&w.s, "UPDATE", STR_NONE), 0);
    next(&w, &w.q);
    struct hop back = raw_from(&w.q);
    raw_reply(&w.q, &back, w.m.m, "200 OK", "t", "Contact: <sip:moved@10.1.1.2>\n", "");
    vnet_run_for(&w.net, 20);
    CHECK_INT(station_send(&w.s, "INFO", STR_NONE), 0);
    next(&w, &w.q);
    CHECK_STR(text_start(&w.m), "INFO sip:strict@10.0.0.8 SIP/2.0");
    CHECK_STR(nth_route(&w.m, 1), "<sip:moved@10.1.1.2>");
    down(&w);
}

static void test_target_refresh(void)
{
    struct peer w;
    up(&w);
    call_out(&w, TP_UDP, "Contact: <sip:c@10.0.0.7>\n", &w.p);
    CHECK_STR(text_start(&w.m), "ACK sip:c@10.0.0.7 SIP/2.0");
    CHECK_INT(station_send(&w.s, "INVITE", SDP_A), 0);
    next(&w, &w.p);
    CHECK_STR(text_value(&w.m, "Contact"), "<sip:baton@10.0.0.1:5060>");
    raw_reply(&w.p, &w.back, w.m.m, "200 OK", "t", "Contact: <sip:n@10.0.0.8;transport=TCP>\n",
              "");
    next(&w, &w.q);
    CHECK_STR(text_start(&w.m), "ACK sip:n@10.0.0.8;transport=TCP SIP/2.0");
    CHECK_INT(raw_from(&w.q).transport, TP_TCP);
    CHECK_INT(station_send(&w.s, "UPDATE", STR_NONE), 0);
    next(&w, &w.q);
    CHECK_STR(text_value(&w.m, "Contact"), "<sip:baton@10.0.0.1:5060;transport=tcp>");
    down(&w);
}

static void test_contact_without_user_and_secure(void)
{
    struct peer w;
    up(&w);
    w.s.legs.config.contact_user = STR_NONE;
    struct leg_invite args = {.request_uri = STR("sips:bob@10.0.0.7"),
                              .from = STR("<sips:a@x>"),
                              .to = STR("<sips:b@x>"),
                              .target = {.hop = vnet_hop(&w.p.node, TP_TLS)}};
    w.s.leg = leg_invite(&w.s.legs, &args, &station_user, &w.s, w.net.now_ms);
    next(&w, &w.p);
    CHECK_STR(text_value(&w.m, "Contact"), "<sips:10.0.0.1:5061>");
    down(&w);
}

static void test_name_is_resolved(void)
{
    struct peer w;
    up(&w);
    vnet_name(&w.net, "phone.example.com", "10.0.0.8", 30);
    call_out(&w, TP_UDP, "Contact: <sip:c@phone.example.com>\n", &w.q);
    CHECK_STR(text_start(&w.m), ""); /* the look-up runs, the ACK is not sent yet */
    CHECK_INT(station_send(&w.s, "INFO", STR_NONE), 0);
    vnet_run_for(&w.net, 30);
    next(&w, &w.q);
    CHECK_STR(text_start(&w.m), "INFO sip:c@phone.example.com SIP/2.0");
    text_free(&w.m);
    down(&w);
}

/* ---- pinning ---- */

struct pin {
    enum transport transport;
    const char *vias, *lines;
    bool pinned;
};

static void test_when_a_dialog_is_pinned(void)
{
    static const struct pin table[] = {
        /* a Contact that is where it came from: no need */
        {TP_UDP, "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa\n", "Contact: <sip:a@10.0.0.7>\n",
         false},
        {TP_UDP, "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa;rport\n",
         "Contact: <sip:a@10.0.0.7>\n", true},
        {TP_UDP, "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa\n",
         "Contact: <sip:a@192.168.1.5:5062>\n", true},
        {TP_TCP, "Via: SIP/2.0/TCP 10.0.0.7;branch=z9hG4bKa\n",
         "Contact: <sip:a@10.0.0.7;transport=tcp>\n", true},
        /* not directly: a proxy has its own way to the peer */
        {TP_TCP,
         "Via: SIP/2.0/TCP 10.0.0.7;branch=z9hG4bKa\nVia: SIP/2.0/TCP "
         "9.9.9.9;branch=z9hG4bKb\n",
         "Contact: <sip:a@10.0.0.7;transport=tcp>\n", false},
        {TP_TCP, "Via: SIP/2.0/TCP 10.0.0.7;branch=z9hG4bKa\n",
         "Record-Route: <sip:10.0.0.7;transport=tcp;lr>\nContact: <sip:a@x.example.com>\n",
         false},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct peer w;
        up(&w);
        test_context(table[i].lines);
        call_in(&w, table[i].transport, table[i].vias, table[i].lines);
        CHECK_INT(w.s.leg->dialog->pinned, table[i].pinned);
        if (table[i].pinned) {
            CHECK_INT(w.s.leg->dialog->next.hop.transport, table[i].transport);
            CHECK(w.s.leg->dialog->next.hop.flow != 0);
        }
        test_context(NULL);
        down(&w);
    }
}

static void test_closed_flow_falls_back_to_the_target(void)
{
    struct peer w;
    up(&w);
    call_in(&w, TP_TCP, "Via: SIP/2.0/TCP 10.0.0.7;branch=z9hG4bKa\n",
            "Contact: <sip:a@10.0.0.8;transport=tcp>\n");
    struct hop flow = raw_from(&w.p);
    raw_ack(&w, &flow);
    CHECK_STR(str_c(w.s.log), "call acked");
    CHECK_INT(station_send(&w.s, "INFO", STR_NONE), 0);
    next(&w, &w.p); /* over the connection of the peer */
    CHECK_STR(text_start(&w.m), "INFO sip:a@10.0.0.8;transport=tcp SIP/2.0");
    CHECK_INT(vnet_close(&w.net, &w.s.node, &w.p.node), 1);
    vnet_run_for(&w.net, 20);
    CHECK_STR(str_c(w.s.log), "call acked answer:503(here)"); /* and the leg lives */
    CHECK(!w.s.leg->dialog->pinned);
    CHECK_INT(station_send(&w.s, "INFO", STR_NONE), 0);
    next(&w, &w.q);
    CHECK_STR(text_start(&w.m), "INFO sip:a@10.0.0.8;transport=tcp SIP/2.0");
    /* that flow breaks too: now there is no way left */
    CHECK_INT(vnet_close(&w.net, &w.s.node, &w.q.node), 1);
    vnet_run_for(&w.net, 20);
    CHECK_STR(str_c(w.s.log), "call acked answer:503(here) answer:503(here) ended:lost");
    vnet_run_for(&w.net, 20);
    down(&w);
}

/** A registered phone: the caller's leg keeps to the flow, whatever its Contact says, and
    follows when the phone's next request comes over another one. */
static void test_pinned_caller_follows_the_peer(void)
{
    struct peer w;
    up(&w);
    struct hop hop = vnet_hop(&w.p.node, TP_TCP);
    CHECK_INT(w.s.node.env.open(&w.s.node, &hop, STR_NONE), 0);
    struct leg_invite args = {.request_uri = STR("sip:phone@192.168.7.7:5062"),
                              .from = STR("<sip:a@x>"),
                              .to = STR("<sip:b@x>"),
                              .target = {.hop = hop},
                              .pin = true};
    w.s.leg = leg_invite(&w.s.legs, &args, &station_user, &w.s, w.net.now_ms);
    next(&w, &w.p);
    CHECK_STR(text_start(&w.m), "INVITE sip:phone@192.168.7.7:5062 SIP/2.0");
    char tag[32], call[64];
    snprintf(tag, sizeof(tag), "%.*s", STR_ARG(sip_msg_tag(w.m.m, SIP_HDR_FROM)));
    snprintf(call, sizeof(call), "%.*s", STR_ARG(text_value(&w.m, "Call-ID")));
    raw_reply(&w.p, &w.back, w.m.m, "200 OK", "t", "Contact: <sip:phone@192.168.7.7:5062>\n",
              "");
    next(&w, &w.p);
    CHECK_STR(text_start(&w.m), "ACK sip:phone@192.168.7.7:5062 SIP/2.0");
    CHECK(w.s.leg->dialog->pinned);
    CHECK_INT(vnet_close(&w.net, &w.s.node, &w.p.node), 1);
    vnet_run_for(&w.net, 20);
    CHECK(!w.s.leg->dialog->pinned);
    struct hop again = vnet_hop(&w.s.node, TP_TCP);
    raw_sendf(&w.p, &again,
              "INFO sip:b@10.0.0.1 SIP/2.0\nVia: SIP/2.0/TCP 192.168.7.7;branch=z9hG4bKi\n"
              "From: <sip:b@x>;tag=t\nTo: <sip:a@x>;tag=%s\nCall-ID: %s\nCSeq: 1 INFO\n\n",
              tag, call);
    next(&w, &w.p);
    CHECK_STR(text_start(&w.m), "SIP/2.0 200 OK");
    CHECK(w.s.leg->dialog->pinned);
    CHECK_INT(station_send(&w.s, "FROB", STR_NONE), 0);
    next(&w, &w.p);
    CHECK_STR(text_start(&w.m), "FROB sip:phone@192.168.7.7:5062 SIP/2.0");
    down(&w);
}

/** Behind a NAT over UDP: answers and requests go through the hole. */
static void test_phone_behind_nat(void)
{
    struct peer w;
    up(&w);
    CHECK(addr_parse(STR("203.0.113.9:31000"), &w.p.node.outside));
    call_in(&w, TP_UDP, "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa;rport\n",
            "Contact: <sip:a@10.0.0.7>\n");
    CHECK_STR(text_value(&w.m, "Via"),
              "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa;rport=31000;received=203.0.113.9");
    CHECK_INT(station_send(&w.s, "INFO", STR_NONE), 0);
    next(&w, &w.p);
    CHECK_STR(text_start(&w.m), "INFO sip:a@10.0.0.7 SIP/2.0");
    down(&w);
}

static void test_many_routes_and_odd_addresses(void)
{
    struct peer w;
    char lines[6000];
    size_t n = 0;
    up(&w);
    for (unsigned i = 0; i < 70; i++) {
        n += (size_t)snprintf(lines + n, sizeof(lines) - n,
                              "Record-Route: <sip:r%u.example.com;lr>\n", i);
    }
    snprintf(lines + n, sizeof(lines) - n, "Contact: <tel:+15551234>\n");
    const char *cut = strstr(lines, "Record-Route: <sip:r6."); /* the last 64 */
    struct hop to = vnet_hop(&w.s.node, TP_UDP);
    raw_sendf(&w.p, &to, invite, "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKz\n", lines);
    next(&w, &w.p);
    CHECK_STR(text_start(&w.m), "SIP/2.0 513 Message Too Large");
    down(&w);
    up(&w);
    call_in(&w, TP_UDP, "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa\n", cut);
    CHECK_STR(text_start(&w.m), "SIP/2.0 200 OK");
    CHECK_INT(w.m.m->count[SIP_HDR_RECORD_ROUTE], 64);
    CHECK(str_starts(w.s.leg->dialog->routes, STR("Route: <sip:r6.example.com;lr>\r\n")));
    CHECK(str_ends(w.s.leg->dialog->routes, STR("Route: <sip:r69.example.com;lr>\r\n")));
    CHECK_STR(w.s.leg->dialog->request_uri, "tel:+15551234");
    down(&w);
}

TEST_MAIN(T(test_route_set_of_a_caller), T(test_route_set_of_a_callee), T(test_strict_router),
          T(test_target_refresh), T(test_contact_without_user_and_secure),
          T(test_name_is_resolved), T(test_when_a_dialog_is_pinned),
          T(test_closed_flow_falls_back_to_the_target), T(test_pinned_caller_follows_the_peer),
          T(test_phone_behind_nat), T(test_many_routes_and_odd_addresses))
