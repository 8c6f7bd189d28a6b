/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to a peer whose name has two servers (RFC 3263 §4.3): the first is the gateway, the
 * second the trunk. What the caller and the two servers hear, and when; and a peer that is
 * watched.
 */
#include "world.h"

static struct world w;
static struct phone *ann;

static void two_servers(struct world *world, const char *transport)
{
    char name[64];
    snprintf(name, sizeof name, "_sip._%s.gw.example.net", transport);
    vnet_record(&world->net, name, "SRV 1 1 5060 one.example.net", 20);
    vnet_record(&world->net, name, "SRV 2 1 5060 two.example.net", 20);
    vnet_name(&world->net, "one.example.net", "10.0.2.1", 20);
    vnet_name(&world->net, "two.example.net", "10.0.2.2", 20);
    world->peer[0].host = STR("gw.example.net");
    world->peer[0].port = 0;
    world->peer[0].transport = TP_NONE;
    world->config.blacklist_ms = 60000;
}

static void over_udp(struct world *world)
{
    two_servers(world, "udp");
}

static void over_tcp(struct world *world)
{
    two_servers(world, "tcp");
}

static void up(void (*tweak)(struct world *))
{
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = tweak});
    ann = PHONE(&w, 0);
}

static size_t sent_to(const struct raw *r, const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), &r->node, pattern);
}

static size_t told(const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), &ann->s.node, pattern);
}

/** The next message of that kind at a server; it answers. @return its source */
static struct hop answers(struct raw *r, const char *method, const char *status,
                          const char *lines, const char *body)
{
    struct text_msg m = world_take(r, method);
    struct hop back = raw_from(r);
    raw_reply(r, &back, m.m, status, "t", lines, body);
    text_free(&m);
    return back;
}

/** 503, then the other one answers: a call like any other, and the next one begins there. */
static void test_refusal(void)
{
    up(over_udp);
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 200);
    CHECK_INT(sent_to(&w.trunk, "INVITE"), 0);
    answers(&w.gateway, "INVITE", "503 Service Unavailable", "", "");
    world_run(&w, 50);
    CHECK_INT(sent_to(&w.gateway, "ACK"), 1);
    CHECK_INT(told("503 INVITE"), 0);
    answers(&w.trunk, "INVITE", "200 OK", "Contact: <sip:555@10.0.2.2>\n", world_sdp);
    world_run(&w, 50);
    CHECK(phone_talks(ann));
    CHECK_INT(sent_to(&w.trunk, "ACK"), 1);
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 50);
    answers(&w.trunk, "BYE", "200 OK", "", "");
    world_run(&w, 50);
    REQUIRE(phone_call(ann, "9556", true, STR_NONE) != NULL);
    world_run(&w, 200);
    CHECK_INT(sent_to(&w.gateway, "INVITE"), 1);
    CHECK_INT(sent_to(&w.trunk, "INVITE"), 2);
    answers(&w.trunk, "INVITE", "486 Busy Here", "", "");
    world_run(&w, 50);
    CHECK_INT(told("486 INVITE"), 1);
    world_down(&w);
}

static void soon(struct world *world)
{
    two_servers(world, "udp");
    world->config.timing.silent = 4000;
}

/** Nobody at the first one: after four seconds the second one rings (RFC 3263 §4.3). */
static void test_early_silence(void)
{
    up(soon);
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 3900);
    CHECK_INT(sent_to(&w.trunk, "INVITE"), 0);
    world_run(&w, 300);
    CHECK_INT(sent_to(&w.gateway, "INVITE"), 4);
    CHECK_INT(sent_to(&w.trunk, "INVITE"), 1);
    answers(&w.trunk, "INVITE", "200 OK", "Contact: <sip:555@10.0.2.2>\n", world_sdp);
    world_run(&w, 50);
    CHECK(phone_talks(ann));
    /* the first one has only been slow: it must not ring for nobody */
    answers(&w.gateway, "INVITE", "180 Ringing", "", "");
    world_run(&w, 50);
    struct text_msg m = world_take(&w.gateway, "CANCEL");
    text_free(&m);
    world_run(&w, 40000);
    CHECK(phone_talks(ann));
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 50);
    answers(&w.trunk, "BYE", "200 OK", "", "");
    world_run(&w, 50);
    world_down(&w);
}

/** Nobody at the first one: the caller waits 64*T1, the next caller does not. */
static void test_silence(void)
{
    up(over_udp);
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 31900);
    CHECK_INT(sent_to(&w.gateway, "INVITE"), 7);
    CHECK_INT(sent_to(&w.trunk, "INVITE"), 0);
    world_run(&w, 400);
    CHECK_INT(sent_to(&w.trunk, "INVITE"), 1);
    answers(&w.trunk, "INVITE", "480 Temporarily Unavailable", "", "");
    world_run(&w, 50);
    CHECK_INT(told("480 INVITE"), 1);
    CHECK_INT(sent_to(&w.gateway, "INVITE"), 7);
    REQUIRE(phone_call(ann, "9556", true, STR_NONE) != NULL);
    world_run(&w, 200);
    answers(&w.trunk, "INVITE", "480 Temporarily Unavailable", "", "");
    world_run(&w, 50);
    CHECK_INT(told("480 INVITE"), 2);
    world_down(&w);
}

/** The caller gives up between the two: the second one hears CANCEL and nobody else anything.
 */
static void test_cancel_on_the_way(void)
{
    up(over_udp);
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 300);
    answers(&w.gateway, "INVITE", "503 Service Unavailable", "", "");
    world_run(&w, 50);
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 50);
    CHECK_INT(told("487 INVITE"), 1);
    CHECK_INT(sent_to(&w.trunk, "CANCEL"), 0); /* not before it has said anything (§9.1) */
    struct text_msg invite = world_take(&w.trunk, "INVITE");
    struct hop back = raw_from(&w.trunk);
    raw_reply(&w.trunk, &back, invite.m, "180 Ringing", "t", "", "");
    world_run(&w, 50);
    answers(&w.trunk, "CANCEL", "200 OK", "", "");
    raw_reply(&w.trunk, &back, invite.m, "487 Request Terminated", "t", "", "");
    world_run(&w, 50);
    CHECK_INT(sent_to(&w.trunk, "ACK"), 1);
    CHECK_INT(sent_to(&w.gateway, "CANCEL"), 0);
    text_free(&invite);
    world_down(&w);
}

/** Contact and Via say the transport that was found, which nobody had named. */
static void test_contact_of_the_way_found(void)
{
    up(over_tcp);
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 300);
    struct str invite = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "INVITE", 0);
    CHECK(str_find(wire_raw(invite, "Via", 0), STR("SIP/2.0/TCP 10.0.0.1:5060")) <
          wire_raw(invite, "Via", 0).n);
    CHECK(str_find(wire_raw(invite, "Contact", 0), STR(";transport=tcp>")) <
          wire_raw(invite, "Contact", 0).n);
    CHECK(!str_is_set(wire_raw(invite, "Contact", 1)));
    answers(&w.gateway, "INVITE", "486 Busy Here", "", "");
    world_run(&w, 50);
    CHECK_INT(told("486 INVITE"), 1);
    world_down(&w);
}

static void watched(struct world *world)
{
    world->peer[0].probe_s = 60;
    world->peer[0].probe_failures = 2;
    world->peer[1].numbers = world->peer[0].numbers; /* the trunk takes over */
}

/** A gateway that does not answer OPTIONS gets no calls; its neighbour does. */
static void test_a_peer_that_is_down(void)
{
    up(watched);
    world_run(&w, 20000);
    CHECK(world_stat(&w, "peers_down") == 1);
    CHECK_INT(world_stat(&w, "peers_up"), 1);
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(sent_to(&w.gateway, "INVITE"), 0);
    answers(&w.trunk, "INVITE", "486 Busy Here", "", "");
    for (int i = 0; i < 70 && world_stat(&w, "peers_down") > 0; i++) {
        world_run(&w, 1000);
        while (w.gateway.taken < w.gateway.in_n) {
            answers(&w.gateway, "OPTIONS", "404 Not Found", "", "");
        }
        world_run(&w, 20);
    }
    CHECK_INT(world_stat(&w, "peers_down"), 0);
    REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
    world_run(&w, 100);
    answers(&w.gateway, "INVITE", "486 Busy Here", "", "");
    world_run(&w, 100);
    CHECK_INT(told("486 INVITE"), 2);
    /* Probing has no end of its own, and the world must become quiet. */
    struct peer_state *state = w.peer[0].state;
    timer_stop(state->peers->wheel, &state->timer);
    world_down(&w);
}

/** What the tests stand on: at one address a connection over TLS belongs to one name. */
static void test_connections_have_names(void)
{
    struct hop one, two, again;
    up(NULL);
    one = two = again = vnet_hop(&w.gateway.node, TP_TLS);
    CHECK_INT(w.node.env.open(&w.node, &one, STR("one.example.net")), 0);
    CHECK_INT(w.node.env.open(&w.node, &two, STR("two.example.net")), 0);
    CHECK_INT(w.node.env.open(&w.node, &again, STR("ONE.example.net")), 0);
    CHECK(one.flow != two.flow);
    CHECK_INT(again.flow, one.flow);
    one = two = vnet_hop(&w.gateway.node, TP_TCP);
    CHECK_INT(w.node.env.open(&w.node, &one, STR("one.example.net")), 0);
    CHECK_INT(w.node.env.open(&w.node, &two, STR("two.example.net")), 0);
    CHECK_INT(one.flow, two.flow);
    world_down(&w);
}

TEST_MAIN(T(test_connections_have_names), T(test_refusal), T(test_silence),
          T(test_early_silence), T(test_cancel_on_the_way), T(test_contact_of_the_way_found),
          T(test_a_peer_that_is_down))
