/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 5359 §2.4 to §2.6: unattended, attended and instant-messaging transfer. Through the
 * bridge Baton is the referee on behalf of the transferee; through the proxy the phones are,
 * and what they say arrives as they said it.
 */
#include "service.h"

#include <stdio.h>

static struct service s;

static void up(enum role role)
{
    service_begin(&s, role);
    service_up(&s);
}

/** What the NOTIFYs since the mark have said, in order: "100 180 200". */
static const char *told(const struct phone *p)
{
    static char text[128];
    size_t n = 0;
    for (size_t i = 0;; i++) {
        struct str m = service_to(&s, &p->s.node, "NOTIFY", i, NULL);
        if (!str_is_set(m)) {
            break;
        }
        struct str body = wire_body(m);
        CHECK_STR(str_upto(str_trim(wire_raw(m, "Event", 0)), 5), "refer");
        CHECK(str_starts(body, STR("SIP/2.0 ")));
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n > 0 ? " " : "", 3,
                              body.p + 8);
    }
    text[n] = '\0';
    return text;
}

/* ---- §2.4 ---- */

static const char refer_to_carol[] =
    "Refer-To: <sip:1003@example.com?User-to-User=01%3Bpurpose%3Dx>\r\n"
    "Referred-By: <sip:1001@example.com>\r\n";

/** bob has called ann; ann transfers him to cleo and hangs up at once (F9). */
static void test_2_4_unattended_bridge(void)
{
    up(ROLE_BRIDGE);
    service_talk(&s, s.bob, s.ann);
    service_send(&s, s.ann, "REFER", refer_to_carol, "", "");
    CHECK_INT(s.ann->s.last_status, 202);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 500);
    LADDER(&s, s.ann,
           ">REFER <202.REFER <NOTIFY >200.NOTIFY <NOTIFY >200.NOTIFY >BYE <200.BYE");
    CHECK_STR(str_c(told(s.ann)), "100 180"); /* the dialog that could tell more is gone */
    LADDER(&s, s.cleo, "<INVITE >180 >200 <ACK");
    LADDER(&s, s.bob, "<INVITE >200 <ACK");
    CHECK_STR(service_to(&s, &s.cleo->s.node, "INVITE", 0, "Referred-By"),
              "<sip:1001@example.com>");
    CHECK_STR(service_to(&s, &s.cleo->s.node, "INVITE", 0, "User-to-User"),
              "01;purpose=x, " SERVICE_UUI);
    CHECK(phone_talks(s.bob) && phone_talks(s.cleo) && s.ann->s.leg == NULL);
    CHECK_STR(str_c(phones_media(s.bob, s.cleo)), "sendrecv|sendrecv");
    service_down(&s);
}

/** ann waits until it has worked (RFC 5589 §6.1), and hears of it. */
static void test_2_4_unattended_waits(void)
{
    up(ROLE_BRIDGE);
    service_talk(&s, s.bob, s.ann);
    service_send(&s, s.ann, "REFER", refer_to_carol, "", "");
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 500);
    CHECK_STR(str_c(told(s.ann)), "100 180 200");
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 200);
    LADDER(&s, s.ann,
           ">REFER <202.REFER <NOTIFY >200.NOTIFY <NOTIFY >200.NOTIFY <NOTIFY >200.NOTIFY "
           ">BYE <200.BYE");
    CHECK(phone_talks(s.bob) && phone_talks(s.cleo));
    service_mark(&s);
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 200);
    LADDER(&s, s.cleo, ">BYE <200.BYE");
    LADDER(&s, s.bob, "<BYE >200.BYE");
    service_down(&s);
}

/** cleo does not want: everything is as it was. */
static void test_2_4_unattended_fails(void)
{
    up(ROLE_BRIDGE);
    service_talk(&s, s.bob, s.ann);
    s.cleo->on_call = 486;
    service_send(&s, s.ann, "REFER", refer_to_carol, "", "");
    service_run(&s, 300);
    CHECK_STR(str_c(told(s.ann)), "100 486");
    LADDER(&s, s.bob, "");
    LADDER(&s, s.cleo, "<INVITE >486 <ACK");
    CHECK(phone_talks(s.ann) && phone_talks(s.bob));
    CHECK_INT(phone_offer(s.ann, SDP_SENDRECV), 0);
    service_run(&s, 200);
    CHECK_INT(s.ann->s.last_status, 200);
    service_down(&s);
}

/** Through the proxy bob's phone gets the REFER and does what it says. */
static void test_2_4_unattended_proxy(void)
{
    struct line first;
    up(ROLE_PROXY);
    service_talk(&s, s.bob, s.ann);
    service_send(&s, s.ann, "REFER", refer_to_carol, "", "");
    struct str refer = service_to(&s, &s.bob->s.node, "REFER", 0, NULL);
    CHECK(str_find(refer, str_c(refer_to_carol)) < refer.n);
    CHECK_INT(s.ann->s.last_status, 200); /* as his phone says */
    service_send(&s, s.bob, "NOTIFY",
                 "Event: refer\r\nSubscription-State: active;expires=60\r\n",
                 "message/sipfrag;version=2.0", "SIP/2.0 100 Trying\r\n");
    CHECK_STR(wire_body(service_to(&s, &s.ann->s.node, "NOTIFY", 0, NULL)),
              "SIP/2.0 100 Trying\r\n");
    CHECK_STR(service_to(&s, &s.ann->s.node, "NOTIFY", 0, "Subscription-State"),
              "active;expires=60");
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 200);
    LADDER(&s, s.ann, ">REFER <200.REFER <NOTIFY >200.NOTIFY >BYE <200.BYE");
    first = line_keep(s.bob);
    (void)first;
    service_mark(&s);
    REQUIRE(phone_call(s.bob, "1003", true,
                       STR("Referred-By: <sip:1001@example.com>\r\n"
                           "User-to-User: 01;purpose=x\r\n")) != NULL);
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 200);
    LADDER(&s, s.cleo, "<INVITE >180 >200 <ACK");
    CHECK_STR(service_to(&s, &s.cleo->s.node, "INVITE", 0, "Referred-By"),
              "<sip:1001@example.com>");
    CHECK_STR(service_to(&s, &s.cleo->s.node, "INVITE", 0, "User-to-User"), "01;purpose=x");
    service_down(&s);
}

/* ---- §2.5 ---- */

/** ann has called bob; bob asks cleo, and connects them. */
static void attended(enum role role, bool early)
{
    char lines[640];
    struct line first, second;
    up(role);
    service_talk(&s, s.ann, s.bob);
    CHECK_INT(phone_offer(s.bob, SDP_SENDONLY), 0);
    service_run(&s, 200);
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    first = line_keep(s.bob);
    REQUIRE(phone_call(s.bob, "1003", true, STR("User-to-User: 00C9;encoding=hex\r\n")) !=
            NULL);
    service_run(&s, 200);
    if (!early) {
        CHECK_INT(phone_answer(s.cleo), 0);
        service_run(&s, 200);
        REQUIRE(phone_talks(s.bob) && phone_talks(s.cleo));
        CHECK_INT(phone_offer(s.bob, SDP_SENDONLY), 0); /* F12 */
        service_run(&s, 200);
        CHECK_STR(str_c(phones_media(s.bob, s.cleo)), "sendonly|recvonly");
    }
    second = line_keep(s.bob);
    line_resume(s.bob, &first);
    service_mark(&s);
    (void)snprintf(lines, sizeof(lines),
                   "Refer-To: <sip:1003@example.com?%s&Require=replaces"
                   "&User-to-User=01%%3Bpurpose%%3Dx>\r\n"
                   "Referred-By: <sip:1002@example.com>\r\n",
                   service_replaces(second.leg));
    service_send(&s, s.bob, "REFER", lines, "", "");
    service_run(&s, 500);
    if (role == ROLE_PROXY) {
        struct str refer = service_to(&s, &s.ann->s.node, "REFER", 0, NULL);
        CHECK(str_find(refer, str_c(lines)) < refer.n);
        LADDER(&s, s.bob, ">REFER <200.REFER");
        LADDER(&s, s.cleo, "");
        leg_end(second.leg, 0, NULL, NULL, NULL, station_now(&s.bob->s));
        service_down(&s);
        return;
    }
    CHECK_INT(s.bob->s.last_status, 202);
    if (early) {
        LADDER(&s, s.cleo, "");
        LADDER(&s, s.bob, ">REFER <202.REFER <NOTIFY >200.NOTIFY <NOTIFY >200.NOTIFY");
        CHECK_STR(str_c(told(s.bob)), "100 180");
        CHECK_INT(phone_answer(s.cleo), 0);
        service_run(&s, 500);
        LADDER(&s, s.bob,
               ">REFER <202.REFER <NOTIFY >200.NOTIFY <NOTIFY >200.NOTIFY <487 <NOTIFY >ACK "
               ">200.NOTIFY");
    } else {
        LADDER(&s, s.cleo, "<INVITE >200 <ACK");
        CHECK_STR(service_to(&s, &s.cleo->s.node, "INVITE", 0, "User-to-User"),
                  "01;purpose=x, " SERVICE_UUI);
        /* F22: the second call of bob is taken down by the transfer, the first one by him */
        LADDER(&s, s.bob,
               ">REFER <202.REFER <NOTIFY >200.NOTIFY <BYE <NOTIFY >200.BYE >200.NOTIFY");
        CHECK_STR(str_c(told(s.bob)), "100 200");
    }
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    CHECK(phone_talks(s.ann) && phone_talks(s.cleo));
    CHECK_STR(str_c(phones_media(s.ann, s.cleo)), "sendrecv|sendrecv");
    service_mark(&s);
    leg_end(first.leg, 0, NULL, NULL, NULL, station_now(&s.bob->s)); /* F26 */
    service_run(&s, 200);
    LADDER(&s, s.bob, ">BYE <200.BYE");
    LADDER(&s, s.ann, "");
    CHECK_INT(world_stat(&s.w, "calls_active"), 1);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 200);
    LADDER(&s, s.cleo, "<BYE >200.BYE");
    service_down(&s);
}

static void test_2_5_attended(void)
{
    attended(ROLE_BRIDGE, false);
    attended(ROLE_PROXY, false);
}

/** RFC 5589 §7.5: bob lets go while cleo's phone rings. */
static void test_2_5_semi_attended(void)
{
    attended(ROLE_BRIDGE, true);
}

/* ---- §2.6 ---- */

/** bob's phone sends carol, at the gateway, a message with ann's URI and his dialog in it. */
static void message_to_carol(const char *replaces, const char *expected)
{
    struct hop to = vnet_hop(ENGINE(&s.w), TP_UDP);
    char body[600];
    (void)snprintf(body, sizeof(body), "<a href=\"sip:1001@example.com?%s\">ann</a>", replaces);
    raw_sendf(&s.w.gateway, &to,
              "MESSAGE sip:8003@example.com SIP/2.0\n"
              "Via: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-im\nMax-Forwards: 70\n"
              "From: <sip:1002@example.com>;tag=im\nTo: <sip:8003@example.com>\n"
              "Call-ID: im\nCSeq: 1 MESSAGE\nContent-Type: text/html\n\n%s",
              body);
    service_run(&s, 100);
    if (strcmp(expected, "200 MESSAGE") == 0) {
        struct text_msg m = world_take(&s.w.trunk, "MESSAGE");
        CHECK_STR(sip_msg_body(m.m), body);
        CHECK_STR(text_value(&m, "Content-Type"), "text/html");
        struct hop back = raw_from(&s.w.trunk);
        raw_reply(&s.w.trunk, &back, m.m, "200 OK", "t", "", "");
        text_free(&m);
        service_run(&s, 100);
    }
    struct text_msg answer = world_take(&s.w.gateway, expected);
    if (answer.m->status == 405) {
        struct str allow = text_value(&answer, "Allow");
        CHECK(allow.n > 0 && str_find(allow, STR("MESSAGE")) == allow.n);
    }
    text_free(&answer);
}

/** F7: carol takes the link. @param named  bob's leg */
static struct text_msg carol_calls(const struct leg *named)
{
    char lines[400];
    (void)snprintf(lines, sizeof(lines),
                   "%sRequire: replaces\r\nUser-to-User: 00C8;encoding=hex\r\n",
                   service_replaces_line(named, ""));
    service_mark(&s);
    world_raw_invite(&s.w, &s.w.trunk, "carol", "1001", lines, world_sdp);
    service_run(&s, 200);
    if (s.role == ROLE_PROXY) {
        CHECK_INT(phone_answer(s.ann), 0);
        service_run(&s, 200);
    }
    return world_take(&s.w.trunk, "200 INVITE");
}

static void messaging(enum role role)
{
    char route[512] = "";
    struct line first;
    struct text_msg ok;
    service_begin(&s, role);
    struct rule *r = service_rule(&s, "8*", RULE_PROXY);
    r->methods = 1u << SIP_METHOD_MESSAGE;
    service_target(&s, r, RULE_TO_PEER, "trunk");
    service_up(&s);
    service_talk(&s, s.ann, s.bob);
    message_to_carol(service_replaces(s.bob->s.leg), "200 MESSAGE");
    first = role == ROLE_PROXY ? line_keep(s.ann) : (struct line){0};
    ok = carol_calls(s.bob->s.leg);
    if (text_value(&ok, "Record-Route").n > 0) {
        (void)snprintf(route, sizeof(route), "Route: %.*s\n",
                       STR_ARG(text_value(&ok, "Record-Route")));
    }
    world_raw_request(&s.w, &s.w.trunk, "ACK", 1, &ok, route, "");
    service_run(&s, 200);
    CHECK_STR(service_to(&s, &s.ann->s.node, "INVITE", 0, "User-to-User"), "00C8;encoding=hex");
    if (role == ROLE_PROXY) { /* F10 is hers to send */
        LADDER(&s, s.ann, "<INVITE >180 >200 <ACK");
        leg_end(first.leg, 0, NULL, NULL, NULL, station_now(&s.ann->s));
        service_run(&s, 200);
    } else {
        LADDER(&s, s.ann, "<INVITE >200 <ACK");
    }
    LADDER(&s, s.bob, "<BYE >200.BYE");
    CHECK(s.bob->s.leg == NULL && phone_talks(s.ann));
    service_mark(&s);
    world_raw_request(&s.w, &s.w.trunk, "BYE", 2, &ok, route, "");
    service_run(&s, 200);
    LADDER(&s, s.ann, "<BYE >200.BYE");
    text_free(&ok);
    service_down(&s);
}

static void test_2_6_messaging(void)
{
    messaging(ROLE_BRIDGE);
    messaging(ROLE_PROXY);
}

/** Without a rule Baton takes no messages. */
static void test_2_6_no_rule(void)
{
    up(ROLE_BRIDGE);
    message_to_carol("x=y", "405 MESSAGE");
    service_down(&s);
}

TEST_MAIN(T(test_2_4_unattended_bridge), T(test_2_4_unattended_waits),
          T(test_2_4_unattended_fails), T(test_2_4_unattended_proxy), T(test_2_5_attended),
          T(test_2_5_semi_attended), T(test_2_6_messaging), T(test_2_6_no_rule))
