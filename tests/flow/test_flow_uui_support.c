/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who understands User-to-User (RFC 7433 §3, RFC 3840, RFC 3841): three gateways of which one
 * does, found out by OPTIONS or declared; calls that demand it reach that one, over the bridge,
 * the proxy and a redirection, or are refused when nobody does. And what Baton says of itself
 * and of its devices when it is asked.
 */
#include "world.h"

#include <stdio.h>

#define GATEWAYS 3
#define REQUIRE_UUI STR("Require: uui\r\n")
#define WANTS_ISDN STR("Accept-Contact: *;+sip.uui-isdn;require;explicit\r\n")
#define WITHOUT "Supported: timer\n"
#define WITH "Supported: timer, uui\nContact: <sip:10.0.2.3>;+sip.uui-isdn\n"

static struct world w;
static struct phone *ann, *bob;
static struct peer peers[GATEWAYS];
static struct raw third;
static struct raw *gateway[GATEWAYS];
static uint32_t probe_s;
static struct arena arena;
static struct rule rules[1];
static struct rule_target targets[GATEWAYS];
static struct rule_table routes;
static struct pattern nines;
static struct border_policy policy;
static const struct uui_packages *understood;

static void three_gateways(struct world *world)
{
    static const char *const name[] = {"one", "two", "three"};
    static const char *const host[] = {"10.0.2.1", "10.0.2.2", "10.0.2.3"};
    for (size_t i = 0; i < GATEWAYS; i++) {
        peers[i] = world->peer[0];
        peers[i].name = str_c(name[i]);
        peers[i].host = str_c(host[i]);
        peers[i].probe_s = probe_s;
        (void)addr_parse_host(str_c(host[i]), 5060, &peers[i].addr);
    }
    world->directory.peers = peers;
    world->directory.peer_count = GATEWAYS;
    world->config.policy = policy.count > 0 ? &policy : NULL;
    world->config.packages = understood;
    if (rules[0].target != NULL) {
        REQUIRE(rule_table_init(&routes, &arena, rules, 1, NULL) == 0);
        world->config.routes = &routes;
    }
}

static void up(uint32_t probe)
{
    probe_s = probe;
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = three_gateways});
    raw_up(&third, &w.net, "third", "10.0.2.3");
    gateway[0] = &w.gateway;
    gateway[1] = &w.trunk;
    gateway[2] = &third;
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
}

/** Probing has no end of its own, and the world must become quiet. */
static void down(void)
{
    for (size_t i = 0; i < GATEWAYS; i++) {
        struct peer_state *state = peers[i].state;
        timer_stop(state->peers->wheel, &state->timer);
    }
    world_down(&w);
    raw_down(&third);
    arena_fini(&arena);
    memset(rules, 0, sizeof(rules));
    policy = (struct border_policy){0};
    understood = NULL;
}

/** One rule for 9* with all three as targets, in their order. */
static struct rule *use_rule(enum rule_action action)
{
    static const char *const name[] = {"one", "two", "three"};
    struct pattern_fault fault;
    arena_init(&arena, &mem_libc, 4096);
    CHECK_INT(pattern_compile(&arena, STR("9*"), 0, &nines, &fault), 0);
    for (size_t i = 0; i < GATEWAYS; i++) {
        targets[i] = (struct rule_target){
            .kind = RULE_TO_PEER, .text = str_c(name[i]), .weight = 1, .q = RULE_NO_Q};
    }
    rules[0] = (struct rule){.name = STR("out"),
                             .methods = 1u << SIP_METHOD_INVITE,
                             .to = &nines,
                             .to_count = 1,
                             .percent = 100,
                             .action = (uint8_t)action,
                             .status = 302,
                             .target = targets,
                             .target_count = GATEWAYS,
                             .next_on = {486},
                             .next_count = 1};
    return &rules[0];
}

static void answers(struct raw *r, const char *method, const char *status, const char *lines)
{
    struct text_msg m = world_take(r, method);
    struct hop back = raw_from(r);
    raw_reply(r, &back, m.m, status, "t", lines, "");
    text_free(&m);
}

/** Each gateway is asked once, and answers so. */
static void discover(const char *one, const char *two, const char *three)
{
    const char *const lines[] = {one, two, three};
    world_run(&w, 1100);
    for (size_t i = 0; i < GATEWAYS; i++) {
        answers(gateway[i], "OPTIONS", "200 OK", lines[i]);
    }
    world_run(&w, 50);
}

static size_t sent_to(size_t i, const char *what)
{
    return wire_count(&w.wire, ENGINE(&w), &gateway[i]->node, what);
}

static size_t told(const struct phone *p, const char *what)
{
    return wire_count(&w.wire, ENGINE(&w), &p->s.node, what);
}

static struct str answer_to(const struct phone *p, const char *what, const char *header,
                            size_t nth)
{
    return str_trim(wire_raw(wire_find(&w.wire, ENGINE(&w), &p->s.node, what, 0), header, nth));
}

static void call(const char *number, struct str lines)
{
    REQUIRE(phone_call(ann, number, true, lines) != NULL);
    world_run(&w, 200);
}

static void check_invites(size_t one, size_t two, size_t three)
{
    CHECK_INT(sent_to(0, "INVITE"), one);
    CHECK_INT(sent_to(1, "INVITE"), two);
    CHECK_INT(sent_to(2, "INVITE"), three);
}

/* ---- learned by OPTIONS ---- */

static void test_the_one_that_understands(void)
{
    up(60);
    call("9555", REQUIRE_UUI); /* nobody has been asked yet: the first may well do */
    check_invites(1, 0, 0);
    answers(gateway[0], "INVITE", "420 Bad Extension", "Unsupported: uui\n");
    world_run(&w, 50);
    discover(WITHOUT, WITHOUT, WITH);
    CHECK_INT(peer_understands(&peers[2], STR("isdn-uui"), STR_NONE), UNDERSTANDS_YES);
    CHECK_INT(world_stat(&w, "peers_learned"), 3);
    call("9555", REQUIRE_UUI);
    check_invites(1, 0, 1);
    answers(gateway[2], "INVITE", "486 Busy Here", "");
    world_run(&w, 50);
    call("9555", WANTS_ISDN);
    check_invites(1, 0, 2);
    answers(gateway[2], "INVITE", "486 Busy Here", "");
    world_run(&w, 50);
    /* RFC 7434 §10: who only brings isdn-uui demands nothing of it */
    call("9555", STR("User-to-User: 0448;encoding=hex\r\n"));
    check_invites(2, 0, 2);
    struct str invite = wire_find(&w.wire, ENGINE(&w), &gateway[0]->node, "INVITE", 1);
    CHECK_STR(str_trim(wire_raw(invite, "User-to-User", 0)), "0448;encoding=hex");
    answers(gateway[0], "INVITE", "486 Busy Here", "");
    world_run(&w, 50);
    down();
}

static void test_nobody_understands(void)
{
    up(60);
    discover(WITHOUT, WITHOUT, WITHOUT);
    call("9555", REQUIRE_UUI);
    check_invites(0, 0, 0);
    CHECK_INT(told(ann, "420 INVITE"), 1);
    CHECK_STR(answer_to(ann, "420 INVITE", "Unsupported", 0), "uui");
    call("9555", WANTS_ISDN);
    check_invites(0, 0, 0);
    CHECK_INT(told(ann, "480 INVITE"), 1);
    /* who only would like it best is put through */
    call("9555", STR("Accept-Contact: *;+sip.uui-isdn\r\n"));
    check_invites(1, 0, 0);
    answers(gateway[0], "INVITE", "486 Busy Here", "");
    world_run(&w, 50);
    down();
}

/* ---- what nobody there understands stays here ---- */

/** REQ-10 as a policy: a package that the peer does not understand is withheld; what is not
   known of it, and isdn-uui, which is never taken for not understood, goes. */
static void test_withheld_from_who_does_not_understand(void)
{
    static const struct str crm = STR_INIT("crm");
    static const struct uui_package row[] = {
        {.name = STR_INIT("crm"), .feature_tag = STR_INIT("+com.example.crm")}};
    static const struct uui_packages known = {.row = row, .n = 1};
    static const struct border_rule withhold[] = {{.name = STR_INIT("only who understands"),
                                                   .package = &crm,
                                                   .package_count = 1,
                                                   .understood = 1u << BORDER_NOT_UNDERSTOOD,
                                                   .action = BORDER_STRIP}};
    const struct str both =
        STR("User-to-User: 0448;encoding=hex, 4142;encoding=hex;purpose=crm\r\n");
    understood = &known;
    policy = (struct border_policy){.rule = withhold, .count = 1};
    up(60);
    call("9555", both);
    struct str invite = wire_find(&w.wire, ENGINE(&w), &gateway[0]->node, "INVITE", 0);
    CHECK_STR(str_trim(wire_raw(invite, "User-to-User", 0)),
              "0448;encoding=hex, 4142;encoding=hex;purpose=crm");
    answers(gateway[0], "INVITE", "486 Busy Here", "");
    world_run(&w, 50);
    discover(WITH, WITHOUT, WITHOUT); /* it understands isdn-uui, and says no word of crm */
    call("9555", both);
    invite = wire_find(&w.wire, ENGINE(&w), &gateway[0]->node, "INVITE", 1);
    CHECK_STR(str_trim(wire_raw(invite, "User-to-User", 0)), "0448;encoding=hex");
    answers(gateway[0], "INVITE", "486 Busy Here", "");
    world_run(&w, 50);
    down();
}

/* ---- declared, and by a rule ---- */

static void declare(void)
{
    peers[0].uui_option = STR("");
    peers[0].uui_features = STR(";extensions=\"\"");
    peers[2].uui_option = STR("uui");
    peers[2].uui_features = STR(";+sip.uui-isdn;extensions=\"uui\"");
}

static void declare_none(void)
{
    for (size_t i = 0; i < GATEWAYS; i++) {
        peers[i].uui_option = STR("");
        peers[i].uui_features = STR(";extensions=\"\"");
    }
}

static void test_bridged_by_a_rule(void)
{
    use_rule(RULE_BRIDGE);
    up(0);
    declare();
    /* who has it goes before who may have it; who has not is not tried */
    call("9555", REQUIRE_UUI);
    check_invites(0, 0, 1);
    answers(gateway[2], "INVITE", "486 Busy Here", "");
    world_run(&w, 100);
    check_invites(0, 1, 1);
    answers(gateway[1], "INVITE", "420 Bad Extension", "Unsupported: uui\n");
    world_run(&w, 100);
    check_invites(0, 1, 1);
    CHECK_INT(told(ann, "420 INVITE"), 1);
    declare_none();
    call("9555", REQUIRE_UUI);
    check_invites(0, 1, 1);
    CHECK_INT(told(ann, "420 INVITE"), 2);
    down();
}

static void test_proxied_by_a_rule(void)
{
    use_rule(RULE_PROXY);
    up(0);
    declare();
    call("9555", WANTS_ISDN);
    check_invites(0, 0, 1);
    answers(gateway[2], "INVITE", "603 Decline", "");
    world_run(&w, 100);
    check_invites(0, 0, 1);
    declare_none();
    call("9555", REQUIRE_UUI);
    check_invites(0, 0, 1);
    CHECK_INT(told(ann, "420 INVITE"), 1);
    CHECK_STR(answer_to(ann, "420 INVITE", "Unsupported", 0), "uui");
    down();
}

static void test_redirected_by_a_rule(void)
{
    use_rule(RULE_REDIRECT);
    up(0);
    declare();
    call("9555", REQUIRE_UUI);
    CHECK_INT(told(ann, "302 INVITE"), 1);
    CHECK_STR(answer_to(ann, "302 INVITE", "Contact", 0), "<sip:9555@10.0.2.2:5060>");
    CHECK_STR(answer_to(ann, "302 INVITE", "Contact", 1), "<sip:9555@10.0.2.3:5060>");
    CHECK(!str_is_set(answer_to(ann, "302 INVITE", "Contact", 2)));
    declare_none();
    call("9555", REQUIRE_UUI);
    CHECK_INT(told(ann, "420 INVITE"), 1);
    CHECK_STR(answer_to(ann, "420 INVITE", "Unsupported", 0), "uui");
    call("9555", WANTS_ISDN);
    CHECK_INT(told(ann, "480 INVITE"), 1);
    down();
}

/* ---- devices ---- */

static void register_as(struct phone *p, const char *params, const char *lines)
{
    p->register_params = params;
    p->register_lines = lines;
    phone_register(p, 3600);
    world_run(&w, 100);
    CHECK_INT(p->register_status, 200);
}

static void test_devices(void)
{
    up(0);
    register_as(bob, "", "Supported: timer\r\n");
    call("1002", REQUIRE_UUI);
    CHECK_INT(told(bob, "INVITE"), 0);
    CHECK_INT(told(ann, "420 INVITE"), 1);
    CHECK_STR(answer_to(ann, "420 INVITE", "Unsupported", 0), "uui");
    /* another phone of the same device does: that one rings, and not the first */
    struct phone *second = world_phone(&w, "bob2", "10.0.1.22", "1002", TP_UDP);
    register_as(second, ";+sip.uui-isdn", "Supported: timer, uui\r\n");
    call("1002", REQUIRE_UUI);
    CHECK_INT(told(bob, "INVITE"), 0);
    CHECK_INT(told(second, "INVITE"), 1);
    struct str invite = wire_find(&w.wire, ENGINE(&w), &second->s.node, "INVITE", 0);
    CHECK_STR(str_trim(wire_raw(invite, "Require", 0)), "uui");
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 200);
    register_as(bob, ";audio", NULL);
    call("1002", WANTS_ISDN);
    CHECK_INT(told(bob, "INVITE"), 0);
    CHECK_INT(told(second, "INVITE"), 2);
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 200);
    down();
}

/** The same question about phones: what each said when it registered counts for what goes to
 * it. */
static void test_what_a_phone_understands(void)
{
    static const struct str crm = STR_INIT("crm");
    static const struct uui_package row[] = {
        {.name = STR_INIT("crm"), .feature_tag = STR_INIT("+com.example.crm")}};
    static const struct uui_packages known = {.row = row, .n = 1};
    static const struct border_rule withhold[] = {
        {.name = STR_INIT("only who understands"),
         .package = &crm,
         .package_count = 1,
         .understood = 1u << BORDER_NOT_UNDERSTOOD | 1u << BORDER_UNKNOWN,
         .direction = BORDER_OUT,
         .action = BORDER_STRIP}};
    understood = &known;
    policy = (struct border_policy){.rule = withhold, .count = 1};
    up(0);
    register_as(bob, ";+sip.uui-isdn;audio", "Supported: uui\r\n");
    struct phone *second = world_phone(&w, "bob2", "10.0.1.22", "1002", TP_UDP);
    register_as(second, ";+com.example.crm;+sip.uui-isdn", "Supported: uui\r\n");
    call("1002", STR("User-to-User: 0448;encoding=hex, 4142;encoding=hex;purpose=crm\r\n"));
    struct str one = wire_find(&w.wire, ENGINE(&w), &bob->s.node, "INVITE", 0);
    struct str two = wire_find(&w.wire, ENGINE(&w), &second->s.node, "INVITE", 0);
    CHECK_STR(str_trim(wire_raw(one, "User-to-User", 0)), "0448;encoding=hex");
    CHECK_STR(str_trim(wire_raw(two, "User-to-User", 0)),
              "0448;encoding=hex, 4142;encoding=hex;purpose=crm");
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 200);
    down();
}

/* ---- Baton is asked ---- */

static struct str ask(struct raw *r, const char *uri, const char *id, const char *pattern)
{
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_sendf(r, &to,
              "OPTIONS %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.9;branch=z9hG4bK-%s\n"
              "Max-Forwards: 70\nFrom: <sip:x@10.0.2.9>;tag=1\nTo: <%s>\nCall-ID: %s\n"
              "CSeq: 1 OPTIONS\n\n",
              uri, id, uri, id);
    world_run(&w, 50);
    size_t n = wire_count(&w.wire, ENGINE(&w), &r->node, pattern);
    CHECK(n > 0);
    return wire_find(&w.wire, ENGINE(&w), &r->node, pattern, n > 0 ? n - 1 : 0);
}

static void test_what_we_answer(void)
{
    static const struct uui_package row[] = {
        {.name = STR_INIT("crm"), .feature_tag = STR_INIT("+com.example.crm")},
        {.name = STR_INIT("sent"),
         .feature_tag = STR_INIT("+com.example.sent"),
         .direction = UUI_OUT},
        {.name = STR_INIT("untagged")}};
    static const struct uui_packages packages = {.row = row, .n = ARRAY_LEN(row)};
    struct raw stranger;
    up(0);
    struct str a = ask(&w.gateway, "sip:10.0.0.1", "o1", "200 OPTIONS");
    CHECK_STR(str_trim(wire_raw(a, "Supported", 0)),
              "timer, 100rel, replaces, norefersub, tdialog, histinfo, uui");
    CHECK_STR(str_trim(wire_raw(a, "Contact", 0)),
              "<sip:10.0.0.1:5060>;+sip.uui-isdn;"
              "extensions=\"timer,100rel,uui,replaces,norefersub,tdialog,histinfo\"");
    engine_set_packages(w.engine, &packages);
    a = ask(&w.gateway, "sip:10.0.0.1", "o2", "200 OPTIONS");
    CHECK_STR(str_trim(wire_raw(a, "Contact", 0)),
              "<sip:10.0.0.1:5060>;+sip.uui-isdn;+com.example.crm;"
              "extensions=\"timer,100rel,uui,replaces,norefersub,tdialog,histinfo\"");
    engine_set_packages(w.engine, NULL);
    /* a stranger over UDP gets no more than he sent */
    raw_up(&stranger, &w.net, "stranger", "10.0.7.1");
    a = ask(&stranger, "sip:10.0.0.1", "o3", "200 OPTIONS");
    CHECK(!str_is_set(wire_raw(a, "Contact", 0)));
    raw_down(&stranger);
    down();
}

/** A device answers with what its phones have said, and says nothing about where they are. */
static void test_what_a_device_answers(void)
{
    up(0);
    register_as(bob,
                ";+sip.instance=\"<urn:uuid:7>\";+sip.uui-isdn;x=y;audio;methods=\"INVITE\"",
                "Supported: timer, uui\r\n");
    struct str a = ask(&w.gateway, "sip:1002@example.com", "d1", "200 OPTIONS");
    CHECK_STR(str_trim(wire_raw(a, "Supported", 0)),
              "timer, 100rel, replaces, norefersub, tdialog, histinfo, uui");
    CHECK_STR(str_trim(wire_raw(a, "Contact", 0)),
              "<sip:1002@example.com>;+sip.uui-isdn;audio;methods=\"INVITE\"");
    CHECK(!str_is_set(wire_raw(a, "Contact", 1)));
    a = ask(&w.gateway, "sip:1001@example.com", "d2", "200 OPTIONS");
    CHECK_STR(str_trim(wire_raw(a, "Supported", 0)),
              "timer, 100rel, replaces, norefersub, tdialog, histinfo");
    CHECK_STR(str_trim(wire_raw(a, "Contact", 0)), "<sip:1001@example.com>");
    a = ask(&w.gateway, "sip:1004@example.com", "d3", "480 OPTIONS");
    CHECK(!str_is_set(wire_raw(a, "Contact", 0)));
    down();
}

TEST_MAIN(T(test_the_one_that_understands), T(test_nobody_understands),
          T(test_withheld_from_who_does_not_understand), T(test_bridged_by_a_rule),
          T(test_proxied_by_a_rule), T(test_redirected_by_a_rule), T(test_devices),
          T(test_what_a_phone_understands), T(test_what_we_answer),
          T(test_what_a_device_answers))
