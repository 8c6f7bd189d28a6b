/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route rules at work, on the wire: refuse, redirect, bridge with several destinations, proxy;
 * who is asked for credentials first; numbers and User-to-User that a rule changes or adds.
 */
#include "world.h"

#include <stdio.h>

#define RULES 4
#define UUI "0448;encoding=hex"

static struct world w;
static struct arena arena;
static struct rule rules[RULES];
static struct rule_table routes;
static size_t rule_count;
static struct rule_target targets[RULES][4];

static void use_rules(struct world *world)
{
    REQUIRE(rule_table_init(&routes, &arena, rules, rule_count, NULL) == 0);
    world->config.routes = &routes;
}

/** A rule for a called number. */
static struct rule *add_rule(const char *to, enum rule_action action)
{
    static const uint16_t next_on[] = {408, 480, 503};
    struct rule *r = &rules[rule_count++];
    struct pattern *p = arena_alloc(&arena, sizeof(*p));
    struct pattern_fault fault;
    char name[16];
    CHECK_INT(pattern_compile(&arena, str_c(to), 0, p, &fault), 0);
    (void)snprintf(name, sizeof(name), "rule %zu", rule_count);
    *r = (struct rule){.name = arena_dup(&arena, str_c(name)),
                       .methods = 1u << SIP_METHOD_INVITE,
                       .to = p,
                       .to_count = 1,
                       .percent = 100,
                       .action = (uint8_t)action,
                       .parallel = true,
                       .record_route = true,
                       .target = targets[rule_count - 1]};
    memcpy(r->next_on, next_on, sizeof(next_on));
    r->next_count = ARRAY_LEN(next_on);
    return r;
}

static void add_target(struct rule *r, enum rule_target_kind kind, const char *text)
{
    targets[r - rules][r->target_count++] = (struct rule_target){
        .kind = (uint8_t)kind, .text = str_c(text), .weight = 1, .q = RULE_NO_Q};
}

static void begin(void)
{
    arena_fini(&arena);
    arena_init(&arena, &mem_libc, 4096);
    rule_count = 0;
}

static void up(void)
{
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = use_rules});
}

static void down(void)
{
    world_down(&w);
    arena_fini(&arena);
}

static struct str lines_of(const struct text_msg *t, const char *name, size_t nth)
{
    return str_trim(wire_raw(str_make(t->m->buf, t->m->len), name, nth));
}

static void ack(struct raw *r, const struct text_msg *refusal, const char *id, const char *user)
{
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_sendf(
        r, &to,
        "ACK sip:%s@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-%s\n"
        "From: \"Raw\" <sip:9000@10.0.2.1>;tag=f-%s\nTo: %.*s\nCall-ID: %s\nCSeq: 1 ACK\n\n",
        user, id, id, STR_ARG(text_value(refusal, "To")), id);
}

static void refuse_with(struct raw *r, const struct text_msg *invite, const char *status)
{
    struct hop back = raw_from(r);
    raw_reply(r, &back, invite->m, status, "t", "", "");
}

static void answer_with(struct raw *r, const struct text_msg *invite, const char *lines)
{
    struct hop back = raw_from(r);
    raw_reply(r, &back, invite->m, "200 OK", "t", lines, world_sdp);
}

/* ---- refuse, redirect ---- */

static void test_refuse(void)
{
    static const struct rule_line lines[] = {
        {STR_INIT("Retry-After"), STR_INIT("120")},
        {STR_INIT("Reason"), STR_INIT("Q.850;cause=21;text=\"not today\"")}};
    begin();
    struct rule *r = add_rule("77*", RULE_REFUSE);
    r->status = 480;
    r->reason = STR("Closed For The Day");
    r->headers = lines;
    r->header_lines = 2;
    up();
    world_raw_invite(&w, &w.gateway, "c1", "7700", "", world_sdp);
    world_run(&w, 50);
    struct text_msg t = world_take(&w.gateway, "480 INVITE");
    CHECK_STR(sip_msg_reason(t.m), "Closed For The Day");
    CHECK_STR(lines_of(&t, "Retry-After", 0), "120");
    CHECK_STR(lines_of(&t, "Reason", 0), "Q.850;cause=21;text=\"not today\"");
    ack(&w.gateway, &t, "c1", "7700");
    text_free(&t);
    /* another number is nobody's business of that rule */
    world_raw_invite(&w, &w.gateway, "c2", "7800", "", world_sdp);
    world_run(&w, 50);
    t = world_take(&w.gateway, "404 INVITE");
    ack(&w.gateway, &t, "c2", "7800");
    text_free(&t);
    CHECK_INT(world_stat(&w, "routed_refuse"), 1);
    CHECK_INT(world_stat(&w, "calls_made"), 0);
    down();
}

static void test_redirect_by_a_rule(void)
{
    static const struct rule_line lines[] = {
        {STR_INIT("Reason"), STR_INIT("SIP;cause=302;text=\"a, b\"")}};
    begin();
    struct rule *r = add_rule("*", RULE_REDIRECT);
    r->status = 301;
    r->headers = lines;
    r->header_lines = 1;
    r->uui_value = STR(UUI);
    add_target(r, RULE_TO_DEVICE, "1002");
    add_target(r, RULE_TO_PEER, "trunk");
    add_target(r, RULE_TO_URI, "sip:{number}@far.example;transport=tcp");
    targets[0][1].q = 500;
    add_target(r, RULE_TO_DEVICE, "1005"); /* has no phone: it is left out */
    up();
    (void)world_phone(&w, "bob2", "10.0.1.12", "1002", TP_UDP);
    world_raw_invite(&w, &w.gateway, "c1", "+49%2030", "", world_sdp);
    world_run(&w, 50);
    struct text_msg t = world_take(&w.gateway, "301 INVITE");
    struct str bound = wire_raw(
        wire_find(&w.wire, PHONE_NODE(&w, 1), ENGINE(&w), "REGISTER", 0), "Contact", 0);
    char want[400];
    struct sip_addr contact;
    uint32_t at;
    REQUIRE(sip_addr_parse(str_trim(bound), &contact, &at) == 0);
#define EMBEDDED \
    "?User-to-User=0448%3Bencoding%3Dhex&Reason=SIP%3Bcause%3D302%3Btext%3D%22a%2C%20b%22"
    /* both phones of 1002, the newer one first */
    CHECK(str_find(lines_of(&t, "Contact", 0), STR("10.0.1.12")) <
          lines_of(&t, "Contact", 0).n);
    (void)snprintf(want, sizeof(want), "<%.*s%s>;q=1.000", STR_ARG(contact.uri_text), EMBEDDED);
    CHECK_STR(lines_of(&t, "Contact", 1), want);
    CHECK_STR(lines_of(&t, "Contact", 2), "<sip:+4930@10.0.2.2:5060" EMBEDDED ">;q=0.500");
    CHECK_STR(lines_of(&t, "Contact", 3), "<sip:+4930@far.example;transport=tcp" EMBEDDED ">");
    CHECK(!str_is_set(wire_raw(str_make(t.m->buf, t.m->len), "Contact", 4)));
    ack(&w.gateway, &t, "c1", "+49%2030");
    text_free(&t);
    CHECK_INT(world_stat(&w, "routed_redirect"), 1);
    down();
}

static void test_redirect_to_nowhere(void)
{
    begin();
    struct rule *r = add_rule("*", RULE_REDIRECT);
    r->status = 302;
    add_target(r, RULE_TO_DEVICE, "1005");
    up();
    world_raw_invite(&w, &w.gateway, "c1", "1", "", world_sdp);
    world_run(&w, 50);
    struct text_msg t = world_take(&w.gateway, "480 INVITE");
    ack(&w.gateway, &t, "c1", "1");
    text_free(&t);
    down();
}

/* ---- bridge ---- */

/** The first refuses with 503, the second is a device without a phone, the third rings. */
static void test_hunting(void)
{
    begin();
    struct rule *r = add_rule("700", RULE_BRIDGE);
    add_target(r, RULE_TO_PEER, "trunk");
    add_target(r, RULE_TO_DEVICE, "1005");
    add_target(r, RULE_TO_DEVICE, "1002");
    up();
    REQUIRE(phone_call(PHONE(&w, 0), "700", true, STR_NONE) != NULL);
    world_run(&w, 100);
    struct text_msg t = world_take(&w.trunk, "INVITE");
    CHECK_STR(sip_msg_ruri(t.m), "sip:700@10.0.2.2:5060");
    refuse_with(&w.trunk, &t, "503 Service Unavailable");
    text_free(&t);
    world_run(&w, 100);
    CHECK_INT(PHONE(&w, 1)->s.leg->state, LEG_EARLY);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 100);
    CHECK(phone_talks(PHONE(&w, 0)) && phone_talks(PHONE(&w, 1)));
    CHECK_INT(world_stat(&w, "calls_hunted"), 2);
    CHECK_INT(world_stat(&w, "calls_bridged"), 1);
    down();
}

/** Who is busy is busy: 486 is no reason to ring somebody else. */
static void test_a_refusal_that_counts(void)
{
    begin();
    struct rule *r = add_rule("700", RULE_BRIDGE);
    add_target(r, RULE_TO_PEER, "trunk");
    add_target(r, RULE_TO_DEVICE, "1002");
    up();
    struct leg *leg = phone_call(PHONE(&w, 0), "700", true, STR_NONE);
    REQUIRE(leg != NULL);
    world_run(&w, 100);
    struct text_msg t = world_take(&w.trunk, "INVITE");
    refuse_with(&w.trunk, &t, "486 Busy Here");
    text_free(&t);
    world_run(&w, 100);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "486 INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE"), 0);
    CHECK_INT(world_stat(&w, "calls_hunted"), 0);
    down();
}

/** Nobody answers in ring_s: CANCEL, and the next; the last one's silence ends the call. */
static void test_hunting_on_no_answer(void)
{
    begin();
    struct rule *r = add_rule("700", RULE_BRIDGE);
    r->ring_s = 10;
    add_target(r, RULE_TO_DEVICE, "1002");
    add_target(r, RULE_TO_DEVICE, "1003");
    up();
    REQUIRE(phone_call(PHONE(&w, 0), "700", true, STR_NONE) != NULL);
    world_run(&w, 9000);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "INVITE"), 0);
    world_run(&w, 2000);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "CANCEL"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "180 INVITE"), 2);
    world_run(&w, 10000);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "CANCEL"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "480 INVITE"), 1);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    down();
}

/** The caller gives up while the second rings: everybody stops. */
static void test_hunting_is_cancelled(void)
{
    begin();
    struct rule *r = add_rule("700", RULE_BRIDGE);
    add_target(r, RULE_TO_DEVICE, "1005");
    add_target(r, RULE_TO_DEVICE, "1002");
    add_target(r, RULE_TO_DEVICE, "1003");
    up();
    REQUIRE(phone_call(PHONE(&w, 0), "700", true, STR_NONE) != NULL);
    world_run(&w, 100);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 100);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "CANCEL"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "INVITE"), 0);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    down();
}

/** The trunk says nothing at all (64*T1), the URI's host neither exists: 1002 has it then. */
static void test_hunting_past_the_dead(void)
{
    begin();
    struct rule *r = add_rule("700", RULE_BRIDGE);
    add_target(r, RULE_TO_PEER, "trunk");
    add_target(r, RULE_TO_URI, "sip:{number}@nobody.example");
    add_target(r, RULE_TO_DEVICE, "1002");
    up();
    wire_lose(&w.wire, NULL, &w.trunk.node, "INVITE", 0, 1000);
    REQUIRE(phone_call(PHONE(&w, 0), "700", true, STR_NONE) != NULL);
    world_run(&w, 33000);
    CHECK_INT(world_stat(&w, "calls_hunted"), 2);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE"), 1);
    down();
}

static void test_numbers_and_context(void)
{
    static const struct rule_line lines[] = {{STR_INIT("X-Line"), STR_INIT("sales")}};
    begin();
    struct rule *r = add_rule("0(*)", RULE_BRIDGE);
    r->called_number.replace = STR("+49$1");
    r->calling_number.prepend = STR("+4930");
    r->headers = lines;
    r->header_lines = 1;
    r->uui_value = STR(UUI);
    add_target(r, RULE_TO_PEER, "trunk");
    up();
    REQUIRE(phone_call(PHONE(&w, 0), "0891", true, STR_NONE) != NULL);
    world_run(&w, 100);
    struct text_msg t = world_take(&w.trunk, "INVITE");
    CHECK_STR(sip_msg_ruri(t.m), "sip:+49891@10.0.2.2:5060");
    CHECK_STR(str_upto(lines_of(&t, "From", 0), 45),
              "\"Phone 1001\" <sip:+49301001@example.com>;tag=");
    CHECK_STR(lines_of(&t, "User-to-User", 0), UUI);
    CHECK_STR(lines_of(&t, "X-Line", 0), "sales");
    refuse_with(&w.trunk, &t, "404 Not Found");
    text_free(&t);
    world_run(&w, 100);
    /* an INVITE that has context of its own keeps it, and gets no second one */
    REQUIRE(phone_call(PHONE(&w, 0), "0891", true,
                       STR("User-to-User: 00aa;encoding=hex\r\n")) != NULL);
    world_run(&w, 100);
    t = world_take(&w.trunk, "INVITE");
    CHECK_STR(lines_of(&t, "User-to-User", 0), "00aa;encoding=hex");
    CHECK(!str_is_set(wire_raw(str_make(t.m->buf, t.m->len), "User-to-User", 1)));
    refuse_with(&w.trunk, &t, "404 Not Found");
    text_free(&t);
    down();
}

/** Two to one, by Call-ID. */
static void test_shares_on_the_wire(void)
{
    begin();
    struct rule *r = add_rule("7*", RULE_BRIDGE);
    r->by_weight = true;
    add_target(r, RULE_TO_PEER, "trunk");
    add_target(r, RULE_TO_DEVICE, "1002");
    targets[0][0].weight = 2;
    up();
    PHONE(&w, 1)->on_call = 486;
    for (unsigned i = 0; i < 30; i++) {
        char id[16];
        (void)snprintf(id, sizeof(id), "call%u", i);
        size_t before = wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE");
        struct text_msg t;
        world_raw_invite(&w, &w.gateway, id, "700", "", world_sdp);
        world_run(&w, 50);
        if (wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE") > before) {
            t = world_take(&w.trunk, "INVITE");
            refuse_with(&w.trunk, &t, "486 Busy Here");
            text_free(&t);
        }
        world_run(&w, 50);
        t = world_take(&w.gateway, "486 INVITE");
        ack(&w.gateway, &t, id, "700");
        text_free(&t);
    }
    size_t bob = wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE");
    test_context("10 of 30 on average");
    CHECK(bob > 3 && bob < 17);
    CHECK_INT(bob + wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE"), 30);
    down();
}

/* ---- what is ours ---- */

/** An address is ours with a port on which we listen; on another one somebody else is. */
static void test_ports_of_our_address(void)
{
    static const struct addr listening[] = {{.ip = {10, 0, 0, 1}, .port = 5070, .family = 4}};
    begin();
    struct rule *r = add_rule("70", RULE_PROXY);
    add_target(r, RULE_TO_URI, "sip:1002@10.0.0.1:5070"); /* us */
    r = add_rule("71", RULE_PROXY);
    add_target(r, RULE_TO_URI, "sip:1002@10.0.0.1:5099"); /* another program */
    r = add_rule("72", RULE_PROXY);
    add_target(r, RULE_TO_URI, "sip:1002@10.0.0.1"); /* also: the default port */
    up();
    w.directory.own = listening;
    w.directory.own_count = 1;
    world_raw_invite(&w, &w.gateway, "own1", "70", "", world_sdp);
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE"), 1);
    world_raw_invite(&w, &w.gateway, "own2", "71", "", world_sdp);
    world_raw_invite(&w, &w.gateway, "own3", "72", "", world_sdp);
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), ENGINE(&w), "INVITE"), 2);
    down();
}

/* ---- peers that are full ---- */

/** Of a peer that is full nothing more is taken, and nothing goes to it; another target has it.
 */
static void test_full_peers_are_passed_over(void)
{
    begin();
    struct rule *r = add_rule("70*", RULE_BRIDGE);
    r->next_count = 0; /* a peer that is full has refused nothing */
    add_target(r, RULE_TO_PEER, "trunk");
    add_target(r, RULE_TO_DEVICE, "1002");
    r = add_rule("71*", RULE_PROXY);
    add_target(r, RULE_TO_PEER, "trunk");
    add_target(r, RULE_TO_DEVICE, "1003");
    r = add_rule("72*", RULE_BRIDGE);
    add_target(r, RULE_TO_PEER, "trunk");
    r = add_rule("73*", RULE_PROXY);
    add_target(r, RULE_TO_PEER, "trunk");
    up();
    w.peer[1].max_calls = 1;
    world_raw_invite(&w, &w.gateway, "full1", "700", "", world_sdp);
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE"), 1);
    CHECK_INT(world_stat(&w, "peers_calls"), 2) /* the caller is a peer too */;
    world_raw_invite(&w, &w.gateway, "full2", "700", "", world_sdp);
    world_raw_invite(&w, &w.gateway, "full3", "710", "", world_sdp);
    world_raw_invite(&w, &w.gateway, "full4", "720", "", world_sdp);
    world_raw_invite(&w, &w.gateway, "full5", "730", "", world_sdp);
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "503 INVITE"), 2);
    struct str refusal = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "503 INVITE", 0);
    CHECK(str_is_set(wire_raw(refusal, "Retry-After", 0)));
    down();
}

/** `max_calls` of who calls in: the next one is told to come again, until the first has gone.
 */
static void test_calls_in_are_limited(void)
{
    begin();
    struct rule *r = add_rule("71*", RULE_PROXY);
    add_target(r, RULE_TO_DEVICE, "1003");
    up();
    w.peer[0].max_calls = 1;
    world_raw_invite(&w, &w.gateway, "in1", "1002", "", world_sdp);
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "peers_calls"), 1);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 50);
    struct text_msg ok = world_take(&w.gateway, "200 INVITE");
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_raw_invite(&w, &w.gateway, "in2", "1003", "", world_sdp); /* to be bridged */
    world_raw_invite(&w, &w.gateway, "in3", "710", "", world_sdp);  /* and proxied */
    (void)phone_call(PHONE(&w, 2), "900", true, STR_NONE);          /* and out to it */
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "503 INVITE"), 2);
    struct str refusal = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "503 INVITE", 0);
    CHECK(str_is_set(wire_raw(refusal, "Retry-After", 0)));
    refusal = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "503 INVITE", 1);
    CHECK(str_is_set(wire_raw(refusal, "Retry-After", 0)));
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "INVITE"), 0);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "503 INVITE"), 1);
    CHECK_INT(world_stat(&w, "peers_full"), 3);
    world_raw_request(&w, &w.gateway, "BYE", 2, &ok, "", "");
    text_free(&ok);
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "peers_calls"), 0);
    /* what is refused gives its room back at once */
    PHONE(&w, 2)->on_call = 486;
    world_raw_invite(&w, &w.gateway, "in4", "1003", "", world_sdp);
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "peers_calls"), 0);
    world_raw_invite(&w, &w.gateway, "in5", "710", "", world_sdp);
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "486 INVITE"), 2);
    CHECK_INT(world_stat(&w, "peers_calls"), 0);
    down();
}

/** A proxied call counts while it rings, on both sides. */
static void test_proxied_calls_count(void)
{
    begin();
    struct rule *r = add_rule("8*", RULE_PROXY);
    add_target(r, RULE_TO_PEER, "trunk");
    up();
    world_raw_invite(&w, &w.gateway, "px1", "800", "", world_sdp);
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "peers_calls"), 2);
    struct text_msg t = world_take(&w.trunk, "INVITE");
    answer_with(&w.trunk, &t, "Contact: <sip:800@10.0.2.2>\n");
    text_free(&t);
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "peers_calls"), 0);
    down();
}

/* ---- proxy ---- */

/** MESSAGE from the trunk to a device, and from a device to the trunk. */
static void test_messages_are_proxied(void)
{
    begin();
    add_rule("10*", RULE_PROXY)->methods = 1u << SIP_METHOD_MESSAGE;
    struct rule *r = add_rule("8*", RULE_PROXY);
    r->methods = 1u << SIP_METHOD_MESSAGE;
    up();
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_sendf(
        &w.gateway, &to,
        "MESSAGE sip:8555@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bKm\n"
        "Max-Forwards: 70\nFrom: <sip:9@10.0.2.1>;tag=1\nTo: <sip:8555@example.com>\n"
        "Call-ID: m1\nCSeq: 7 MESSAGE\nX-odd-Name :  two  words\n"
        "Content-Type: text/plain\n\nhello");
    world_run(&w, 50);
    struct text_msg t = world_take(&w.trunk, "MESSAGE");
    CHECK_STR(sip_msg_ruri(t.m), "sip:8555@10.0.2.2:5060");
    CHECK_STR(lines_of(&t, "Call-ID", 0), "m1");
    CHECK_STR(sip_msg_body(t.m), "hello");
    CHECK(str_find(str_make(t.m->buf, t.m->len), STR("X-odd-Name :  two  words\r\n")) <
          t.m->len);
    struct hop back = raw_from(&w.trunk);
    raw_reply(&w.trunk, &back, t.m, "202 Accepted", "t", "", "");
    text_free(&t);
    world_run(&w, 50);
    t = world_take(&w.gateway, "202 MESSAGE");
    text_free(&t);
    CHECK_INT(world_stat(&w, "routed_proxy"), 1);
    /* SUBSCRIBE has no rule: as if there were none */
    raw_sendf(
        &w.gateway, &to,
        "SUBSCRIBE sip:8555@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bKs\n"
        "Max-Forwards: 70\nFrom: <sip:9@10.0.2.1>;tag=1\nTo: <sip:8555@example.com>\n"
        "Call-ID: s1\nCSeq: 7 SUBSCRIBE\nEvent: x-none\n\n");
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "SUBSCRIBE"), 0);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "489 SUBSCRIBE"), 1);
    down();
}

/** Nothing is relayed for who has not said who he is, and he does not learn of rules. */
static void test_strangers_are_asked_first(void)
{
    begin();
    add_rule("*", RULE_PROXY)->methods =
        1u << SIP_METHOD_MESSAGE | 1u << SIP_METHOD_INVITE | 1u << SIP_METHOD_CANCEL;
    struct rule *r = &rules[0];
    add_target(r, RULE_TO_PEER, "trunk");
    up();
    struct raw stranger;
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_up(&stranger, &w.net, "stranger", "10.0.9.9");
    static const char *const methods[] = {"MESSAGE", "INVITE", "CANCEL"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        raw_sendf(
            &stranger, &to,
            "%s sip:8555@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.9.9;branch=z9hG4bKm%zu\n"
            "Max-Forwards: 70\nFrom: <sip:1001@example.com>;tag=1\n"
            "Route: <sip:far.example;lr>\n"
            "To: <sip:8555@example.com>\nCall-ID: m%zu\nCSeq: 7 %s\n"
            "Contact: <sip:x@10.0.9.9>\n\n",
            methods[i], i, i, methods[i]);
        world_run(&w, 50);
    }
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &stranger.node, "401 MESSAGE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &stranger.node, "401 INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &stranger.node, "481 CANCEL"), 1); /* §22.1 */
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.trunk.node, methods[i]), 0);
    }
    /* OPTIONS to the server itself is nobody's business but ours, whatever the rules say */
    CHECK_INT(world_stat(&w, "routed_proxy"), 0);
    raw_down(&stranger);
    down();
}

/** A proxied call: one dialog from end to end, with Baton in the route and in no call. */
static void test_a_call_is_proxied(void)
{
    begin();
    struct rule *r = add_rule("8*", RULE_PROXY);
    r->uui_value = STR(UUI);
    up();
    world_raw_invite(&w, &w.gateway, "p1", "8555", "", world_sdp);
    world_run(&w, 50);
    struct text_msg t = world_take(&w.trunk, "INVITE");
    CHECK_STR(lines_of(&t, "Call-ID", 0), "p1");
    CHECK_STR(lines_of(&t, "User-to-User", 0), UUI);
    CHECK(str_is_set(wire_raw(str_make(t.m->buf, t.m->len), "Record-Route", 0)));
    CHECK_STR(sip_msg_body(t.m), sip_msg_body(t.m).n > 0 ? world_sdp : "a body");
    answer_with(&w.trunk, &t, "Contact: <sip:8555@10.0.2.2>\n");
    text_free(&t);
    world_run(&w, 50);
    t = world_take(&w.gateway, "200 INVITE");
    CHECK_STR(lines_of(&t, "Contact", 0), "<sip:8555@10.0.2.2>");
    text_free(&t);
    CHECK_INT(world_stat(&w, "calls_made"), 0);
    down();
}

/** A device's phones, by its location, and a device that has none. */
static void test_location_is_proxied(void)
{
    begin();
    (void)add_rule("10*", RULE_PROXY);
    up();
    world_raw_invite(&w, &w.gateway, "p1", "1002", "", world_sdp);
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "180 INVITE"), 1);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "200 INVITE"), 1);
    struct text_msg t = world_take(&w.gateway, "200 INVITE");
    text_free(&t);
    world_raw_invite(&w, &w.gateway, "p2", "1005", "", world_sdp);
    world_raw_invite(&w, &w.gateway, "p3", "1099", "", world_sdp);
    world_run(&w, 50);
    t = world_take(&w.gateway, "480 INVITE");
    ack(&w.gateway, &t, "p2", "1005");
    text_free(&t);
    t = world_take(&w.gateway, "404 INVITE");
    ack(&w.gateway, &t, "p3", "1099");
    text_free(&t);
    CHECK_INT(world_stat(&w, "calls_made"), 0);
    down();
}

/** Who takes the place of a party of a standing call is not sent elsewhere by a rule. */
static void test_replaces_is_not_routed(void)
{
    begin();
    struct rule *r = add_rule("*", RULE_REFUSE);
    r->status = 410;
    r->percent = 0; /* not yet */
    up();
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    r->percent = 100;
    const struct dialog *d = PHONE(&w, 0)->s.leg->dialog;
    char lines[400];
    (void)snprintf(lines, sizeof(lines),
                   "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s\r\n"
                   "Referred-By: <sip:1001@example.com>\r\n",
                   STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag));
    REQUIRE(phone_call(PHONE(&w, 2), "1001", true, str_c(lines)) != NULL);
    world_run(&w, 500);
    CHECK(phone_talks(PHONE(&w, 2)) && phone_talks(PHONE(&w, 1)));
    CHECK_INT(world_stat(&w, "routed_refuse"), 0);
    phone_hang_up(PHONE(&w, 2), STR_NONE);
    world_run(&w, 200);
    (void)phone_call(PHONE(&w, 0), "1001", true, STR("Replaces: x;to-tag=1;from-tag=2\r\n"));
    world_run(&w, 200);
    CHECK_INT(world_stat(&w, "routed_refuse"), 1); /* of a call that is not ours */
    down();
}

/** Who may not call a number is neither transferred nor forwarded to it in his own name. */
static void test_refused_by_detours(void)
{
    struct phone *ann, *bob, *cleo;
    struct leg_content refer = {.lines = STR("Refer-To: <sip:1003@example.com>\r\n")};
    begin();
    struct rule *r = add_rule("1003", RULE_REFUSE);
    r->status = 403;
    up();
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    REQUIRE(world_call(&w, ann, bob));
    CHECK_INT(leg_send(bob->s.leg, NULL, STR("REFER"), &refer, station_listen, &bob->s, NULL,
                       w.net.now_ms),
              0);
    world_run(&w, 500);
    CHECK_INT(bob->s.last_status, 202);
    CHECK(strstr(bob->s.log, "NOTIFY") != NULL);
    CHECK(cleo->s.leg == NULL);
    CHECK(phone_talks(ann) && phone_talks(bob));
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 500);
    for (unsigned allowed = 0; allowed < 2; allowed++) { /* nor by a redirection */
        struct leg_content moved = {.lines = STR("Contact: <sip:1003@example.com>\r\n")};
        r->percent = allowed ? 0 : 100;
        REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
        world_run(&w, 300);
        REQUIRE(bob->s.leg != NULL);
        CHECK_INT(leg_respond(bob->s.leg, NULL, 302, STR_NONE, &moved, w.net.now_ms), 0);
        world_run(&w, 300);
        CHECK((cleo->s.leg != NULL) == (allowed == 1));
        CHECK(strstr(ann->s.log, "rejected:302") != NULL);
        if (allowed) {
            phone_hang_up(ann, STR_NONE);
        }
        world_run(&w, 500);
    }
    down();
}

/* ---- reload ---- */

/** Other rules, and a device that leaves, while it talks: the call goes on, the next one
 * differs. */
static void test_a_change_in_mid_call(void)
{
    begin();
    struct rule *r = add_rule("700", RULE_BRIDGE);
    add_target(r, RULE_TO_DEVICE, "1002");
    up();
    REQUIRE(phone_call(PHONE(&w, 0), "700", true, STR_NONE) != NULL);
    world_run(&w, 100);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 100);
    REQUIRE(phone_talks(PHONE(&w, 0)) && phone_talks(PHONE(&w, 1)));

    engine_set_routes(w.engine, NULL);
    begin(); /* the old table is gone for good */
    r = add_rule("700", RULE_REFUSE);
    r->status = 410;
    REQUIRE(rule_table_init(&routes, &arena, rules, rule_count, NULL) == 0);
    engine_set_routes(w.engine, &routes);
    directory_remove_device(&w.directory, &w.device[1]);
    engine_forget_device(w.engine, &w.device[1], w.net.now_ms);
    CHECK_INT(world_stat(&w, "registrar_records"), 2);
    world_run(&w, 1000);
    CHECK(phone_talks(PHONE(&w, 0)) && phone_talks(PHONE(&w, 1)));
    CHECK_INT(phone_offer(PHONE(&w, 1), SDP_SENDONLY), 0); /* he may still hold … */
    world_run(&w, 100);
    CHECK_STR(str_c(phones_media(PHONE(&w, 0), PHONE(&w, 1))), "recvonly|sendonly");
    phone_hang_up(PHONE(&w, 1), STR_NONE); /* … and hang up */
    world_run(&w, 100);
    CHECK_INT(world_stat(&w, "calls_active"), 0);

    (void)phone_call(PHONE(&w, 0), "700", true, STR_NONE);
    world_run(&w, 100);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "410 INVITE"), 1);
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 100);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "404 INVITE"), 1);
    phone_register(PHONE(&w, 1), 3600);
    world_run(&w, 100);
    CHECK(PHONE(&w, 1)->register_status >= 400);
    CHECK_INT(world_stat(&w, "registrar_records"), 2);
    down();
}

/* ---- memory ---- */

/** Each allocation fails once: the call is refused or goes on, and nothing is left. */
static void test_no_memory(void)
{
    for (size_t fail = 1; fail < 400; fail++) {
        begin();
        struct rule *r = add_rule("0(*)", RULE_BRIDGE);
        r->called_number.replace = STR("+49$1");
        r->calling_number.prepend = STR("+4930");
        r->uui_value = STR(UUI);
        add_target(r, RULE_TO_DEVICE, "1005");
        add_target(r, RULE_TO_PEER, "trunk");
        add_target(r, RULE_TO_DEVICE, "1002");
        up();
        size_t before = w.mem.calls;
        w.mem.fail_at = before + fail;
        (void)phone_call(PHONE(&w, 0), "0891", true, STR_NONE);
        world_run(&w, 100);
        struct text_msg t = raw_take(&w.trunk);
        if (t.m != NULL) {
            refuse_with(&w.trunk, &t, "503 Service Unavailable");
        }
        text_free(&t);
        world_run(&w, 1000);
        bool done = w.mem.calls < before + fail;
        w.mem.fail_at = 0;
        w.hard = true;
        down();
        if (done) {
            CHECK(fail > 5);
            return;
        }
    }
    CHECK(false);
}

TEST_MAIN(T(test_ports_of_our_address), T(test_full_peers_are_passed_over),
          T(test_calls_in_are_limited), T(test_proxied_calls_count), T(test_refuse),
          T(test_redirect_by_a_rule), T(test_redirect_to_nowhere), T(test_hunting),
          T(test_a_refusal_that_counts), T(test_hunting_on_no_answer),
          T(test_hunting_is_cancelled), T(test_hunting_past_the_dead),
          T(test_numbers_and_context), T(test_shares_on_the_wire), T(test_messages_are_proxied),
          T(test_strangers_are_asked_first), T(test_a_call_is_proxied),
          T(test_location_is_proxied), T(test_replaces_is_not_routed),
          T(test_refused_by_detours), T(test_a_change_in_mid_call), T(test_no_memory))
