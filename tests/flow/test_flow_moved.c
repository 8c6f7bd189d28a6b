/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones that move to another connection while something goes on: their GRUU leads after them
 * (RFC 5627 §6.1), through the proxy, the bridge, and for subscriptions.
 *
 * The phone is the trunk's node, which is trusted, so that it may register 1004 without a
 * password; it is written by hand because its Contact inside dialogs is its GRUU.
 */
#include "world.h"

#include <stdio.h>

#define ID ";+sip.instance=\"<urn:uuid:4>\""
#define GRUU "<sip:1004@example.com;gr=urn:uuid:4>"
#define OWN "sip:1004@10.0.2.2:5061;transport=tls"

static struct world w;
static struct arena arena;
static struct rule rule;
static struct rule_table routes;
static struct raw *phone;

static void any_port(struct world *world)
{
    world->peer[1].addr.port = 0;
}

static void by_proxy(struct world *world)
{
    any_port(world);
    rule = (struct rule){.name = STR("all"),
                         .methods = 1u << SIP_METHOD_INVITE,
                         .percent = 100,
                         .action = RULE_PROXY,
                         .record_route = true};
    REQUIRE(rule_table_init(&routes, &arena, &rule, 1, NULL) == 0);
    world->config.routes = &routes;
}

static void grace(struct world *world)
{
    any_port(world);
    world->config.leg.flow_lost_s = 60;
}

static void at_once(struct world *world)
{
    any_port(world);
    world->config.event.interval_ms = 1;
}

static void up(void (*tweak)(struct world *))
{
    arena_init(&arena, &mem_libc, 4096);
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = tweak});
    phone = &w.trunk;
}

static void down(void)
{
    world_down(&w);
    arena_fini(&arena);
}

/** REGISTER of 1004; `lines` with \n. */
static void enrol(enum transport t, const char *contact, unsigned expires, const char *lines)
{
    static unsigned cseq;
    struct hop to = vnet_hop(ENGINE(&w), t);
    cseq++;
    raw_sendf(phone, &to,
              "REGISTER sip:example.com SIP/2.0\n"
              "Via: SIP/2.0/%s 10.0.2.2;branch=z9hG4bKreg%u\nMax-Forwards: 70\n"
              "From: <sip:1004@example.com>;tag=r%u\nTo: <sip:1004@example.com>\n"
              "Call-ID: reg\nCSeq: %u REGISTER\nContact: <%s>" ID "%s\nExpires: %u\n"
              "Supported: gruu, outbound, path\n%s\n",
              transport_name(t), cseq, cseq, cseq, contact, t == TP_TLS ? ";reg-id=1" : "",
              expires, lines);
    world_run(&w, 100);
    struct text_msg ok = world_take(phone, "200 REGISTER");
    text_free(&ok);
}

/** The connection breaks; the phone comes back over another one. */
static void move(void)
{
    CHECK_INT(vnet_close(&w.net, &phone->node, &w.node), 1);
    world_run(&w, 1000);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 3);
    enrol(TP_TLS, OWN, 3600, "");
}

static struct text_msg answers(const char *method, const char *status, const char *tag,
                               const char *lines, const char *body)
{
    struct text_msg m = world_take(phone, method);
    struct hop back = raw_from(phone);
    const struct sip_hdr *h = sip_msg_line(m.m, SIP_HDR_RECORD_ROUTE);
    char text[1024];
    size_t n = 0;
    for (; h != NULL; h = sip_msg_next_line(m.m, h)) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "Record-Route: %.*s\n",
                              STR_ARG(sip_hdr_value(m.m, h)));
    }
    snprintf(text + n, sizeof(text) - n, "%s", lines);
    raw_reply(phone, &back, m.m, status, tag, text, body);
    world_run(&w, 100);
    return m;
}

static size_t got(const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), &phone->node, pattern);
}

static const char answer[] = "Contact: " GRUU "\nContent-Type: application/sdp\n";

/** @param ack  Request-URI of the ACK, while the phone is where it was */
static void call_and_move(const char *ack)
{
    enrol(TP_TLS, OWN, 3600, "");
    REQUIRE(phone_call(PHONE(&w, 0), "1004", true, STR_NONE) != NULL);
    world_run(&w, 100);
    struct text_msg m = answers("INVITE", "200 OK", "t", answer, world_sdp);
    text_free(&m);
    CHECK(phone_talks(PHONE(&w, 0)));
    CHECK_INT(got("ACK"), 1);
    m = world_take(phone, "ACK");
    CHECK(str_starts(text_start(&m), str_c(ack)));
    text_free(&m);
    move();
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 100);
    CHECK_INT(got("BYE"), 1);
    m = answers("BYE", "200 OK", "t", "", "");
    CHECK(str_starts(text_start(&m), STR("BYE " OWN " SIP/2.0")));
    CHECK_INT(raw_from(phone).transport, TP_TLS);
    text_free(&m);
    enrol(TP_TLS, OWN, 0, "");
}

static void test_through_the_proxy(void)
{
    up(by_proxy);
    call_and_move("ACK " OWN " SIP/2.0");
    CHECK_INT(world_stat(&w, "calls_made"), 0);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "200 BYE"), 1);
    down();
}

static void test_through_the_bridge(void)
{
    up(any_port);
    call_and_move("ACK sip:1004@example.com;gr=urn:uuid:4 SIP/2.0"); /* on its flow */
    down();
}

static void test_subscriber(void)
{
    struct hop to;
    up(at_once);
    enrol(TP_TLS, OWN, 3600, "");
    to = vnet_hop(ENGINE(&w), TP_TLS);
    raw_sendf(phone, &to,
              "SUBSCRIBE sip:1001@example.com SIP/2.0\n"
              "Via: SIP/2.0/TLS 10.0.2.2;branch=z9hG4bKsub\nMax-Forwards: 70\n"
              "From: <sip:1004@example.com>;tag=s\nTo: <sip:1001@example.com>\n"
              "Call-ID: sub\nCSeq: 1 SUBSCRIBE\nContact: " GRUU "\nEvent: dialog\n"
              "Expires: 600\n\n");
    world_run(&w, 100);
    struct text_msg m = answers("NOTIFY", "200 OK", "", "", "");
    text_free(&m);
    move();
    REQUIRE(phone_call(PHONE(&w, 0), "1002", true, STR_NONE) != NULL); /* the lamp goes on */
    world_run(&w, 100);
    m = answers("NOTIFY", "481 Gone", "", "", "");
    CHECK(str_starts(text_start(&m), STR("NOTIFY " OWN " SIP/2.0")));
    CHECK_INT(raw_from(phone).transport, TP_TLS);
    text_free(&m);
    enrol(TP_TLS, OWN, 0, "");
    down();
}

/** Two phones behind one contact answer: the one that lost gets its ACK, too, and the BYE. */
static void test_lost_fork(void)
{
    static const char path[] = "Path: <sip:10.0.2.2;lr>\n", own[] = "sip:1004@10.9.9.9";
    up(any_port);
    enrol(TP_UDP, own, 3600, path);
    REQUIRE(phone_call(PHONE(&w, 0), "1004", true, STR_NONE) != NULL);
    world_run(&w, 100);
    struct text_msg m = world_take(phone, "INVITE");
    struct hop back = raw_from(phone);
    raw_reply(phone, &back, m.m, "200 OK", "one", answer, world_sdp);
    raw_reply(phone, &back, m.m, "200 OK", "two", answer, world_sdp);
    text_free(&m);
    world_run(&w, 100);
    CHECK_INT(got("ACK"), 2);
    for (size_t i = 0; i < 2; i++) {
        m = world_take(phone, "ACK");
        CHECK(str_starts(text_start(&m), STR("ACK sip:1004@10.9.9.9 SIP/2.0")));
        CHECK_STR(text_value(&m, "Route"), "<sip:10.0.2.2;lr>");
        text_free(&m);
    }
    m = answers("BYE", "200 OK", "two", "", "");
    text_free(&m);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 100);
    m = answers("BYE", "200 OK", "one", "", "");
    text_free(&m);
    enrol(TP_UDP, own, 0, path);
    down();
}

/* ---- a phone that nobody can connect to, in the middle of a call ---- */

#define WS "sip:1004@abc.invalid;transport=ws"

/** Ann talks to the phone, whose Contact is this, and the connection of which breaks. */
static void talk_and_lose(const char *contact)
{
    char lines[200];
    up(grace);
    enrol(TP_TLS, WS, 3600, "");
    REQUIRE(phone_call(PHONE(&w, 0), "1004", true, STR_NONE) != NULL);
    world_run(&w, 100);
    snprintf(lines, sizeof(lines), "Contact: %s\nContent-Type: application/sdp\n", contact);
    struct text_msg m = answers("INVITE", "200 OK", "t", lines, world_sdp);
    text_free(&m);
    CHECK(phone_talks(PHONE(&w, 0)));
    CHECK_INT(vnet_close(&w.net, &phone->node, &w.node), 1);
    world_run(&w, 59000);
    CHECK(phone_talks(PHONE(&w, 0)));
}

static void test_lost_phone_ends_the_call(void)
{
    static const char *const contact[] = {"<" WS ">", GRUU};
    for (size_t i = 0; i < ARRAY_LEN(contact); i++) {
        talk_and_lose(contact[i]);
        world_run(&w, 2000);
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "BYE"), 1);
        CHECK(PHONE(&w, 0)->s.leg == NULL);
        down();
    }
}

/** Under another address, but the same instance; it is asked, and says that it is in the call,
   or that it is not. */
static void test_lost_phone_comes_back(void)
{
    static const char other[] = "sip:1004@def.invalid;transport=ws";
    for (int knows = 0; knows < 2; knows++) {
        talk_and_lose("<" WS ">");
        enrol(TP_TLS, other, 3600, "");
        world_run(&w, 1000);
        struct text_msg m = answers("OPTIONS", knows ? "200 OK" : "481 Gone", "", "", "");
        CHECK(str_starts(text_start(&m), STR("OPTIONS " WS " SIP/2.0")));
        text_free(&m);
        CHECK_INT(phone_talks(PHONE(&w, 0)), knows);
        if (knows) {
            world_run(&w, 600000);
            phone_hang_up(PHONE(&w, 0), STR_NONE);
            world_run(&w, 100);
            m = answers("BYE", "200 OK", "t", "", "");
            text_free(&m);
        }
        enrol(TP_TLS, other, 0, "");
        down();
    }
}

TEST_MAIN(T(test_lost_phone_ends_the_call), T(test_lost_phone_comes_back),
          T(test_through_the_proxy), T(test_through_the_bridge), T(test_subscriber),
          T(test_lost_fork))
