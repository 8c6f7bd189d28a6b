/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 3665 §3 with Baton as the proxy between the two ends: a rule sends every call through it.
 * One dialog from end to end, the descriptions and User-to-User as they were, and nothing of
 * the call in the proxy when it is over.
 */
#include "world.h"

#include <stdio.h>

static struct world w;
static struct arena arena;
static struct rule rule;
static struct rule_table routes;
static struct rule_target target;
static struct phone *ann, *bob, *cleo;

static void use_rule(struct world *world)
{
    rule = (struct rule){.name = STR("all"),
                         .methods = ~0u & ~(1u << SIP_METHOD_REGISTER),
                         .percent = 100,
                         .action = RULE_PROXY,
                         .parallel = true,
                         .record_route = true,
                         .target = &target,
                         .target_count = target.text.n > 0 ? 1 : 0};
    REQUIRE(rule_table_init(&routes, &arena, &rule, 1, NULL) == 0);
    world->config.routes = &routes;
}

/** @param trunk  calls go to the peer of that name, not to the called number's phones */
static void up(enum transport transport, const char *trunk)
{
    arena_init(&arena, &mem_libc, 4096);
    target = (struct rule_target){
        .kind = RULE_TO_PEER, .text = str_c(trunk), .weight = 1, .q = RULE_NO_Q};
    world_up(&w, &(struct world_options){
                     .no_apps = true, .transport = transport, .tweak = use_rule});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
}

static void down(void)
{
    world_run(&w, 40000);
    CHECK_INT(world_stat(&w, "proxy_active"), 0);
    CHECK_INT(world_stat(&w, "calls_made"), 0);
    world_down(&w);
    arena_fini(&arena);
}

static const struct vnode *node(const struct phone *p)
{
    return &p->s.node;
}

static size_t to(const struct phone *p, const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), node(p), pattern);
}

static size_t from(const struct phone *p, const char *pattern)
{
    return wire_count(&w.wire, node(p), ENGINE(&w), pattern);
}

static struct str raw_value(struct str message, const char *name)
{
    return str_trim(wire_raw(message, name, 0));
}

/** §3.2: a session, and either side ends it. */
static void session(enum transport transport, bool caller_hangs_up)
{
    up(transport, NULL);
    REQUIRE(phone_call(ann, "1002", true, STR("User-to-User: 56a390;encoding=hex\r\n")) !=
            NULL);
    world_run(&w, 100);
    CHECK_INT(ann->s.leg->state, LEG_EARLY);
    CHECK_INT(to(ann, "180 INVITE"), 1);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 100);
    CHECK(phone_talks(ann) && phone_talks(bob));
    struct str in = wire_find(&w.wire, node(ann), ENGINE(&w), "INVITE", 1);
    struct str out = wire_find(&w.wire, ENGINE(&w), node(bob), "INVITE", 0);
    CHECK_BYTES(raw_value(out, "Call-ID"), raw_value(in, "Call-ID"));
    CHECK_BYTES(raw_value(out, "From"), raw_value(in, "From"));
    CHECK_BYTES(raw_value(out, "Contact"), raw_value(in, "Contact"));
    CHECK_BYTES(wire_body(out), wire_body(in));
    CHECK_STR(raw_value(out, "User-to-User"), "56a390;encoding=hex");
    CHECK_STR(raw_value(out, "Max-Forwards"), "69");
    CHECK(str_is_set(wire_raw(out, "Record-Route", 0)));
    CHECK_INT(from(ann, "ACK"), 2); /* of the 401, and of the 200: this goes through */
    CHECK_INT(to(bob, "ACK"), 1);
    phone_hang_up(caller_hangs_up ? ann : bob, STR_NONE);
    world_run(&w, 100);
    CHECK_INT(to(caller_hangs_up ? bob : ann, "BYE"), 1);
    CHECK_INT(to(caller_hangs_up ? ann : bob, "200 BYE"), 1);
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    CHECK_INT(world_stat(&w, "proxy_forged_routes"), 0);
    down();
}

static void test_session(void)
{
    static const enum transport all[] = {TP_UDP, TP_TCP, TP_TLS};
    for (size_t i = 0; i < 6; i++) {
        session(all[i / 2], i % 2 == 0);
    }
}

/** §3.2, §3.3: behind another proxy, which record-routes and asks for a password of its own. */
static void test_proxy_in_front(void)
{
    up(TP_UDP, NULL);
    world_raw_invite(&w, &w.gateway, "p1", "1002",
                     "Via: SIP/2.0/UDP caller.example.net:5066;branch=z9hG4bK-c\n"
                     "Record-Route: <sip:10.0.2.1;lr>\n"
                     "Proxy-Authorization: Digest username=\"a\",realm=\"elsewhere\"\n",
                     world_sdp);
    world_run(&w, 100);
    struct str out = wire_find(&w.wire, ENGINE(&w), node(bob), "INVITE", 0);
    CHECK_STR(raw_value(out, "Proxy-Authorization"),
              "Digest username=\"a\",realm=\"elsewhere\"");
    CHECK_STR(str_trim(wire_raw(out, "Via", 2)),
              "SIP/2.0/UDP caller.example.net:5066;branch=z9hG4bK-c");
    CHECK_STR(str_trim(wire_raw(out, "Record-Route", 1)), "<sip:10.0.2.1;lr>");
    struct text_msg t = world_take(&w.gateway, "180 INVITE");
    CHECK(str_find(str_make(t.m->buf, t.m->len), STR("branch=z9hG4bK-c")) < t.m->len);
    text_free(&t);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 100);
    t = world_take(&w.gateway, "200 INVITE");
    CHECK_INT(t.m->count[SIP_HDR_RECORD_ROUTE], 2);
    struct hop here = vnet_hop(ENGINE(&w), TP_UDP);
    raw_sendf(&w.gateway, &here,
              "ACK sip:1002@10.0.1.2 SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-p2\n"
              "Route: %.*s\nFrom: %.*s\nTo: %.*s\nCall-ID: p1\nCSeq: 1 ACK\n\n",
              STR_ARG(sip_msg_value(t.m, SIP_HDR_RECORD_ROUTE)),
              STR_ARG(text_value(&t, "From")), STR_ARG(text_value(&t, "To")));
    text_free(&t);
    world_run(&w, 100);
    CHECK(phone_talks(bob));
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 100);
    t = world_take(&w.gateway, "BYE");
    CHECK_STR(text_value(&t, "Route"), "<sip:10.0.2.1;lr>"); /* ours is gone */
    struct hop back = raw_from(&w.gateway);
    raw_reply(&w.gateway, &back, t.m, "200 OK", "", "", "");
    text_free(&t);
    world_run(&w, 100);
    CHECK_INT(to(bob, "200 BYE"), 1);
    down();
}

/** §3.3 and §3.10: what a proxy behind us answers goes to the caller as it is. */
static void test_answers_from_behind(void)
{
    static const struct {
        const char *status, *pattern, *lines;
    } row[] = {
        {"407 Proxy Authentication Required", "407 INVITE",
         "Proxy-Authenticate: Digest realm=\"trunk\", nonce=\"x\"\n"},
        {"480 Temporarily Unavailable", "480 INVITE", "Retry-After: 120\n"},
        {"302 Moved", "302 INVITE", "Contact: <sip:b@a.example?User-to-User=56a390>\n"},
        {"606 Not Acceptable", "606 INVITE", "Warning: 370 x \"no\"\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        up(TP_UDP, "trunk");
        REQUIRE(phone_call(ann, "9555", true, STR_NONE) != NULL);
        world_run(&w, 100);
        struct text_msg t = world_take(&w.trunk, "INVITE");
        struct hop back = raw_from(&w.trunk);
        raw_reply(&w.trunk, &back, t.m, row[i].status, "t", row[i].lines, "");
        text_free(&t);
        world_run(&w, 100);
        struct str got = wire_find(&w.wire, ENGINE(&w), node(ann), row[i].pattern, 0);
        CHECK(str_is_set(got));
        struct str line = str_upto(str_c(row[i].lines), strlen(row[i].lines) - 1);
        CHECK(str_find(got, line) < got.n);
        t = world_take(&w.trunk, "ACK");
        text_free(&t);
        if (i == 0) { /* the caller has an answer to that, and tries again */
            t = world_take(&w.trunk, "INVITE");
            raw_reply(&w.trunk, &back, t.m, "404 Not Found", "t", "", "");
            text_free(&t);
            world_run(&w, 100);
        }
        CHECK(ann->s.leg == NULL);
        down();
    }
}

/** §3.5, §3.6: the offer in the 200, a re-INVITE from each side. */
static void test_offers(void)
{
    up(TP_UDP, NULL);
    REQUIRE(phone_call(ann, "1002", false, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 100);
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_STR(str_c(phones_media(ann, bob)), "sendrecv|sendrecv");
    CHECK_INT(phone_offer(bob, SDP_SENDONLY), 0);
    world_run(&w, 200);
    CHECK_STR(str_c(phones_media(ann, bob)), "recvonly|sendonly");
    CHECK_INT(phone_offer(bob, SDP_SENDRECV), 0);
    world_run(&w, 200);
    CHECK_STR(str_c(phones_media(ann, bob)), "sendrecv|sendrecv");
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 100);
    down();
}

/** §3.8: nobody answers, and the caller gives up. */
static void test_cancel(void)
{
    up(TP_UDP, NULL);
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 5000);
    phone_hang_up(ann, STR("Reason: SIP;cause=600;text=\"never mind\"\r\n"));
    world_run(&w, 100);
    CHECK_INT(to(bob, "CANCEL"), 1);
    CHECK_INT(to(ann, "200 CANCEL"), 1);
    CHECK_INT(to(ann, "487 INVITE"), 1);
    struct str cancel = wire_find(&w.wire, ENGINE(&w), node(bob), "CANCEL", 0);
    CHECK_STR(raw_value(cancel, "Reason"), "SIP;cause=600;text=\"never mind\"");
    down();
}

/** §3.7, §3.9, §3.10. */
static void test_busy_and_gone(void)
{
    up(TP_UDP, NULL);
    bob->on_call = 486;
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(to(ann, "486 INVITE"), 1);
    bob->on_call = 0; /* it is there, and silent: repeated by us until Timer B */
    wire_lose(&w.wire, node(bob), NULL, "100 INVITE", 0, 100);
    wire_lose(&w.wire, node(bob), NULL, "18x INVITE", 0, 100);
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 40000);
    CHECK_INT(to(ann, "408 INVITE"), 1);
    if (bob->s.leg != NULL) {
        phone_hang_up(bob, STR_NONE);
    }
    world_run(&w, 100);
    down();
}

/** Two phones of one number ring; one answers, the other one is told. */
static void test_fork(void)
{
    up(TP_UDP, NULL);
    struct phone *other = world_phone(&w, "bob2", "10.0.1.12", "1002", TP_TCP);
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 200);
    CHECK_INT(to(ann, "180 INVITE"), 2);
    CHECK_INT(phone_answer(other), 0);
    world_run(&w, 200);
    CHECK(phone_talks(ann) && phone_talks(other));
    CHECK_INT(to(bob, "CANCEL"), 1);
    CHECK_INT(from(bob, "487 INVITE"), 1);
    CHECK(bob->s.leg == NULL);
    struct str cancel = wire_find(&w.wire, ENGINE(&w), node(bob), "CANCEL", 0);
    CHECK_STR(raw_value(cancel, "Reason"), "SIP;cause=200;text=\"Call completed elsewhere\"");
    phone_hang_up(other, STR_NONE);
    world_run(&w, 100);
    CHECK(ann->s.leg == NULL);
    down();
}

/** A request inside a dialog that is not ours, or whose Route is forged, gets 481 and no more.
 */
static void test_no_relay(void)
{
    up(TP_UDP, NULL);
    struct hop here = vnet_hop(ENGINE(&w), TP_UDP);
    struct raw stranger;
    raw_up(&stranger, &w.net, "stranger", "10.0.9.9");
    raw_send(&stranger, &here,
             "BYE sip:x@10.0.1.3 SIP/2.0\nVia: SIP/2.0/UDP 10.0.9.9;branch=z9hG4bK-s\n"
             "Route: <sip:AAAAAAAAAAAAAAAAAAAAAA@10.0.0.1;lr>\nMax-Forwards: 70\n"
             "From: <sip:a@h>;tag=1\nTo: <sip:b@h>;tag=2\nCall-ID: s\nCSeq: 1 BYE\n\n");
    world_run(&w, 100);
    struct text_msg t = world_take(&stranger, "481 BYE");
    text_free(&t);
    CHECK_INT(to(cleo, "BYE"), 0);
    CHECK_INT(world_stat(&w, "proxy_forwarded"), 0);
    raw_down(&stranger);
    down();
}

/** Nobody names himself as somebody else to a peer that believes us, nor through a proxy. */
static void test_identity(void)
{
    up(TP_UDP, "gateway");
    w.device[0].tel = STR("+49301001");
    phone_call(ann, "9001", true,
               STR("P-Asserted-Identity: <sip:boss@example.com>\r\n"
                   "Supported: histinfo\r\n"));
    world_run(&w, 300);
    struct text_msg call = raw_take(&w.gateway);
    REQUIRE(call.m != NULL);
    struct str bytes = str_make(call.m->buf, call.m->len);
    CHECK(str_find(bytes, STR("boss")) == bytes.n);
    CHECK_STR(str_trim(wire_raw(bytes, "P-Asserted-Identity", 0)),
              "\"Ann One\" <sip:1001@example.com>");
    CHECK_STR(str_trim(wire_raw(bytes, "P-Asserted-Identity", 1)),
              "\"Ann One\" <tel:+49301001>");
    CHECK_STR(str_trim(wire_raw(bytes, "History-Info", 0)), "<sip:9001@example.com>;index=1");
    CHECK(str_ends(str_trim(wire_raw(bytes, "History-Info", 1)), STR(">;index=1.1;rc=1")));
    struct hop to = vnet_hop(&w.node, TP_UDP);
    raw_reply(&w.gateway, &to, call.m, "486 Busy Here", "t", "", "");
    text_free(&call);
    down();
}

TEST_MAIN(T(test_session), T(test_proxy_in_front), T(test_answers_from_behind), T(test_offers),
          T(test_cancel), T(test_busy_and_gone), T(test_fork), T(test_no_relay),
          T(test_identity))
