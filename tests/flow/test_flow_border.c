/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The border around calls: neighbours with different dialects, rules, limits and refusals, for
 * calls that are bridged and calls that are proxied, in requests and responses, and again when
 * they are repeated.
 */
#include "world.h"

#include <stdio.h>

static struct world w;
static struct arena arena;
static struct rule rule;
static struct rule_table routes;
static struct border_policy policy;
static bool proxied, with_apps;
static const char *gateway_dialect, *trunk_dialect;
static uint32_t trunk_takes;

#define HELLO "0448656C6C6F"
#define CANON HELLO ";encoding=hex;purpose=isdn-uui"
#define GENESYS "48656C6C6F;pd=04;encoding=hex;purpose=isdn-uui;content=isdn-uui"
#define X_HEADER "48656C6C6F;encoding=hex"

static void tweak(struct world *world)
{
    world->peer[0].uui.dialect =
        gateway_dialect != NULL ? uui_dialect_named(str_c(gateway_dialect)) : NULL;
    world->peer[1].uui.dialect =
        trunk_dialect != NULL ? uui_dialect_named(str_c(trunk_dialect)) : NULL;
    world->peer[1].uui.max_octets = trunk_takes;
    world->config.policy = &policy;
    if (proxied) {
        rule = (struct rule){.name = STR("all"),
                             .methods = ~0u & ~(1u << SIP_METHOD_REGISTER),
                             .percent = 100,
                             .action = RULE_PROXY,
                             .parallel = true,
                             .record_route = true};
        REQUIRE(rule_table_init(&routes, &arena, &rule, 1, NULL) == 0);
        world->config.routes = &routes;
    }
}

static void up(const struct border_rule *rules, size_t n)
{
    arena_init(&arena, &mem_libc, 4096);
    policy.rule = rules;
    policy.count = n;
    world_up(&w, &(struct world_options){.no_apps = !with_apps, .tweak = tweak});
}

static void down(void)
{
    world_run(&w, 70000);
    world_down(&w);
    arena_fini(&arena);
    policy = (struct border_policy){0};
    gateway_dialect = trunk_dialect = NULL;
    trunk_takes = 0;
    proxied = with_apps = false;
}

static struct str uui(const struct text_msg *t)
{
    return str_trim(text_value(t, "User-to-User"));
}

static struct str x_uui(const struct text_msg *t)
{
    return str_trim(text_value(t, "X-User-to-User"));
}

static void answer(const struct text_msg *req, const char *status, const char *lines)
{
    struct hop back = raw_from(&w.trunk);
    raw_reply(&w.trunk, &back, req->m, status, "t", lines, "");
}

/* ---- dialects ---- */

/** Genesys on one side, an X-header on the other; in between nobody sees either. */
static void whole_call(void)
{
    struct text_msg out, t, ok;
    gateway_dialect = "genesys-pd";
    trunk_dialect = "x-header";
    up(NULL, 0);
    world_raw_invite(&w, &w.gateway, "d1", "8555", "User-to-User: " GENESYS "\n", world_sdp);
    world_run(&w, 50);
    out = world_take(&w.trunk, "INVITE");
    CHECK_STR(x_uui(&out), X_HEADER);
    CHECK_STR(uui(&out), "");
    answer(&out, "180 Ringing",
           "Contact: <sip:555@10.0.2.2>\nX-User-to-User: 41;encoding=hex\n");
    world_run(&w, 50);
    t = world_take(&w.gateway, "180 INVITE");
    CHECK_STR(uui(&t), "41;pd=04;encoding=hex;purpose=isdn-uui;content=isdn-uui");
    text_free(&t);
    char route[300] = "", lines[600];
    struct str recorded = text_value(&out, "Record-Route");
    (void)snprintf(lines, sizeof(lines),
                   "Contact: <sip:555@10.0.2.2>\n%s%.*s%sX-User-to-User: 62;encoding=hex\n"
                   "Content-Type: application/sdp\n",
                   proxied ? "Record-Route: " : "", STR_ARG(recorded), proxied ? "\n" : "");
    struct hop back = raw_from(&w.trunk);
    raw_reply(&w.trunk, &back, out.m, "200 OK", "t", lines, world_sdp);
    world_run(&w, 50);
    ok = world_take(&w.gateway, "200 INVITE");
    CHECK_STR(uui(&ok), "62;pd=04;encoding=hex;purpose=isdn-uui;content=isdn-uui");
    char bye[400];
    if (proxied) {
        (void)snprintf(route, sizeof(route), "Route: %.*s\n", STR_ARG(recorded));
    }
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, route, "");
    world_run(&w, 50);
    t = world_take(&w.trunk, "ACK");
    text_free(&t);
    (void)snprintf(bye, sizeof(bye),
                   "%sUser-to-User: 4242;pd=04;encoding=hex;purpose=isdn-uui\n", route);
    world_raw_request(&w, &w.gateway, "BYE", 2, &ok, bye, "");
    world_run(&w, 50);
    t = world_take(&w.trunk, "BYE");
    CHECK_STR(x_uui(&t), "4242;encoding=hex");
    answer(&t, "200 OK", "");
    text_free(&t);
    text_free(&ok);
    text_free(&out);
    CHECK(world_stat(&w, "uui_decoded") >= 4);
    CHECK_INT(world_stat(&w, "uui_decoded"), world_stat(&w, "uui_encoded"));
    CHECK_INT(world_stat(&w, "uui_stripped"), 0);
    down();
}

static void test_dialects_bridged(void)
{
    whole_call();
}

static void test_dialects_proxied(void)
{
    proxied = true;
    whole_call();
}

/* ---- refusals ---- */

static const struct str secret[] = {STR_INIT("secret")};
static const struct str to_trunk[] = {STR_INIT("trunk")};
static const struct border_rule refuse_in[] = {{.name = STR_INIT("no secrets"),
                                                .direction = BORDER_IN,
                                                .package = secret,
                                                .package_count = 1,
                                                .action = BORDER_REFUSE,
                                                .status = 488}};

/** At the in door: the request is answered, and nothing else has seen it. */
static void test_refused_on_the_way_in(void)
{
    up(refuse_in, 1);
    struct phone *ann = PHONE(&w, 0);
    REQUIRE(phone_call(ann, "8555", true, STR("User-to-User: \"x\";purpose=secret\r\n")) !=
            NULL);
    world_run(&w, 1000);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "488 INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, PHONE_NODE(&w, 0), ENGINE(&w), "ACK"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE"), 0);
    CHECK_INT(world_stat(&w, "uui_refused"), 1);
    CHECK_INT(world_stat(&w, "calls_bridged"), 0);
    down();
}

/** What the trunk could not take is refused to the caller and never sent. */
static void refused_on_the_way_out(void)
{
    struct text_msg t;
    trunk_takes = 3;
    up(NULL, 0);
    world_raw_invite(&w, &w.gateway, "r1", "8555", "User-to-User: " HELLO "\n", world_sdp);
    world_run(&w, 1000);
    t = world_take(&w.gateway, "403 INVITE");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE"), 0);
    CHECK_INT(world_stat(&w, "uui_too_long"), 1);
    CHECK_INT(world_stat(&w, "uui_refused"), 1);
    CHECK_STR(text_start(&t), "SIP/2.0 403 User-to-User Not Allowed");
    text_free(&t);
    world_raw_invite(&w, &w.gateway, "r2", "8555", "User-to-User: 04AABBCC\n", world_sdp);
    world_run(&w, 100);
    t = world_take(&w.trunk, "INVITE"); /* that fits */
    answer(&t, "486 Busy Here", "");
    world_run(&w, 100);
    text_free(&t);
    down();
}

static void test_refused_bridged(void)
{
    refused_on_the_way_out();
}

static void test_refused_proxied(void)
{
    proxied = true;
    refused_on_the_way_out();
}

/** The same, left out by configuration: the call goes on. */
static void test_too_long_left_out(void)
{
    for (int i = 0; i < 2; i++) {
        struct text_msg t;
        proxied = i == 1;
        trunk_takes = 3;
        policy.strip_long = true;
        up(NULL, 0);
        world_raw_invite(&w, &w.gateway, "s1", "8555",
                         "User-to-User: " HELLO ", 1;purpose=crm\n", world_sdp);
        world_run(&w, 100);
        t = world_take(&w.trunk, "INVITE");
        CHECK_STR(uui(&t), "1;purpose=crm");
        answer(&t, "486 Busy Here", "");
        text_free(&t);
        down();
    }
}

/* ---- the same octets each time ---- */

static const struct border_rule strip_secret[] = {{.name = STR_INIT("no secrets"),
                                                   .package = secret,
                                                   .package_count = 1,
                                                   .to = to_trunk,
                                                   .to_count = 1,
                                                   .action = BORDER_STRIP}};

static void test_repetitions(void)
{
    for (int i = 0; i < 2; i++) {
        proxied = i == 1;
        up(strip_secret, 1);
        world_raw_invite(&w, &w.gateway, "w1", "8555",
                         "User-to-User: \"x\";purpose=secret, " CANON "\n", world_sdp);
        world_run(&w, 5000);
        struct str first = wire_find(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE", 0);
        struct str again = wire_find(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE", 2);
        CHECK_BYTES(first, again);
        CHECK_STR(str_trim(wire_raw(first, "User-to-User", 0)), CANON);
        CHECK_INT(world_stat(&w, "uui_stripped"), 1);
        struct text_msg t = world_take(&w.trunk, "INVITE");
        answer(&t, "486 Busy Here", "User-to-User: 1;purpose=secret\n");
        world_run(&w, 5000); /* the refusal to the gateway is repeated until its ACK */
        struct str refusal = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "486 INVITE", 0);
        CHECK_STR(str_trim(wire_raw(refusal, "User-to-User", 0)), "1;purpose=secret");
        text_free(&t);
        down();
    }
}

/* ---- whose value it is, whatever way it takes ---- */

static const struct str device[] = {STR_INIT("device")};
static const struct border_rule phones_stay[] = {{.name = STR_INIT("ours"),
                                                  .from = device,
                                                  .from_count = 1,
                                                  .to = to_trunk,
                                                  .to_count = 1,
                                                  .action = BORDER_STRIP}};

/** A phone redirects the gateway's call and puts a value in: that is the phone's. */
static void test_redirection_of_a_phone(void)
{
    struct text_msg t;
    up(phones_stay, 1);
    struct phone *bob = PHONE(&w, 1);
    bob->on_call = 0;
    world_raw_invite(&w, &w.gateway, "m1", "1002", "User-to-User: 2;purpose=gate\n", world_sdp);
    world_run(&w, 100);
    REQUIRE(bob->s.leg != NULL);
    struct leg_content moved = {
        .lines = STR("Contact: <sip:8555@example.com?User-to-User=1%3Bpurpose%3Dphone>\r\n")};
    CHECK_INT(leg_respond(bob->s.leg, NULL, 302, STR_NONE, &moved, w.net.now_ms), 0);
    world_run(&w, 100);
    t = world_take(&w.trunk, "INVITE");
    CHECK_STR(uui(&t), "2;purpose=gate");
    CHECK_INT(world_stat(&w, "uui_stripped"), 2); /* and out of the history's entry */
    answer(&t, "486 Busy Here", "");
    text_free(&t);
    down();
}

/* ---- other requests ---- */

static const struct str gateway_name[] = {STR_INIT("gateway")};

/** Nothing secret comes from phones, nor goes to the trunk or the gateway. */
static const struct border_rule no_secret[] = {{.name = STR_INIT("from phones"),
                                                .from = device,
                                                .from_count = 1,
                                                .direction = BORDER_IN,
                                                .package = secret,
                                                .package_count = 1,
                                                .action = BORDER_STRIP},
                                               {.name = STR_INIT("to the gateway"),
                                                .to = gateway_name,
                                                .to_count = 1,
                                                .package = secret,
                                                .package_count = 1,
                                                .action = BORDER_STRIP}};

static void no_value_of(const struct vnode *to, const char *pattern, const char *never)
{
    for (size_t i = 0; i < wire_count(&w.wire, ENGINE(&w), to, pattern); i++) {
        struct str m = wire_find(&w.wire, ENGINE(&w), to, pattern, i);
        CHECK(str_find(m, str_c(never)) == m.n);
    }
}

#define SECRET "x%3Bpurpose%3Dsecret"

/** The Refer-To of a phone loses what phones may not bring; the rest is carried out. */
static void test_refer(void)
{
    up(no_secret, 2);
    struct phone *ann = PHONE(&w, 0), *bob = PHONE(&w, 1), *cleo = PHONE(&w, 2);
    REQUIRE(world_call(&w, ann, bob));
    struct leg_content content = {
        .lines = STR("Refer-To: <sip:1003@example.com?User-to-User=" SECRET
                     "%2C04AA%3Bencoding%3Dhex&Subject=y>\r\n"
                     "Referred-By: <sip:1002@example.com?User-to-User=" SECRET ">\r\n")};
    CHECK_INT(leg_send(bob->s.leg, NULL, STR("REFER"), &content, station_listen, &bob->s, NULL,
                       station_now(&bob->s)),
              0);
    world_run(&w, 300);
    CHECK_INT(bob->s.last_status, 202);
    struct str invite = wire_find(&w.wire, ENGINE(&w), &cleo->s.node, "INVITE", 0);
    CHECK_STR(str_trim(wire_raw(invite, "User-to-User", 0)), "04AA;encoding=hex");
    CHECK_STR(str_trim(wire_raw(invite, "Subject", 0)), "y");
    CHECK(str_find(invite, STR("secret")) == invite.n);
    CHECK_INT(world_stat(&w, "uui_stripped"), 2);
    down();
}

/** Proxied, out of a dialog: the same at both doors. */
static void test_refer_proxied(void)
{
    struct text_msg t;
    proxied = true;
    up(no_secret, 2);
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_send(&w.trunk, &to,
             "REFER sip:9555@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.2;branch=z9hG4bKr\n"
             "Max-Forwards: 70\nFrom: <sip:8@10.0.2.2>;tag=1\nTo: <sip:9555@example.com>\n"
             "Call-ID: refer-1\nCSeq: 1 REFER\nContact: <sip:8@10.0.2.2>\n"
             "Refer-To: <sip:1@b.example?User-to-User=" SECRET "&Subject=y>\n\n");
    world_run(&w, 100);
    t = world_take(&w.gateway, "REFER");
    CHECK_STR(str_trim(text_value(&t, "Refer-To")), "<sip:1@b.example?Subject=y>");
    struct hop back = raw_from(&w.gateway);
    raw_reply(&w.gateway, &back, t.m, "202 Accepted", "t", "Contact: <sip:9@10.0.2.1>\n", "");
    world_run(&w, 100);
    text_free(&t);
    t = world_take(&w.trunk, "202 REFER");
    text_free(&t);
    down();
}

/** A value in the Contact of a registration is not kept where a rule takes it. */
static void test_register(void)
{
    up(no_secret, 2);
    struct phone *bob = PHONE(&w, 1);
    bob->register_lines = "User-to-User: x;purpose=secret\r\n"
                          "X-Uui: y;purpose=secret\r\n";
    phone_register(bob, 3600);
    world_run(&w, 200);
    CHECK_INT(bob->register_status, 200);
    CHECK(world_stat(&w, "uui_stripped") >= 1);
    world_raw_invite(&w, &w.gateway, "g1", "1002", "", world_sdp);
    world_run(&w, 100);
    no_value_of(&bob->s.node, "INVITE", "secret");
    CHECK_INT(phone_respond(bob, 486), 0);
    world_run(&w, 100);
    struct text_msg t = world_take(&w.gateway, "486 INVITE");
    text_free(&t);
    down();
}

/** A CANCEL cannot be refused: it loses the value, and cancels. */
static void test_cancel(void)
{
    static const struct border_rule refuse[] = {{.name = STR_INIT("no secrets"),
                                                 .direction = BORDER_IN,
                                                 .package = secret,
                                                 .package_count = 1,
                                                 .action = BORDER_REFUSE}};
    for (int i = 0; i < 2; i++) {
        proxied = i == 1;
        up(refuse, 1);
        struct phone *bob = PHONE(&w, 1);
        world_raw_invite(&w, &w.gateway, "c1", "1002", "", world_sdp);
        world_run(&w, 200);
        CHECK(bob->s.leg != NULL);
        struct str invite = wire_find(&w.wire, &w.gateway.node, ENGINE(&w), "INVITE", 0);
        struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
        raw_sendf(&w.gateway, &to,
                  "CANCEL %.*s SIP/2.0\nVia: %.*s\nMax-Forwards: 70\nFrom: %.*s\nTo: %.*s\n"
                  "Call-ID: c1\nCSeq: 1 CANCEL\nUser-to-User: x;purpose=secret\n\n",
                  STR_ARG(str_upto(str_from(invite, 7), str_index(str_from(invite, 7), ' '))),
                  STR_ARG(str_trim(wire_raw(invite, "Via", 0))),
                  STR_ARG(str_trim(wire_raw(invite, "From", 0))),
                  STR_ARG(str_trim(wire_raw(invite, "To", 0))));
        world_run(&w, 300);
        struct text_msg t = world_take(&w.gateway, "200 CANCEL");
        text_free(&t);
        t = world_take(&w.gateway, "487 INVITE");
        text_free(&t);
        CHECK(bob->s.leg == NULL);
        CHECK_INT(world_stat(&w, "uui_stripped"), 1);
        no_value_of(&bob->s.node, "CANCEL", "secret");
        down();
    }
}

/** What Baton itself sends passes the out door as well: INVITE and BYE of an application's
 * call. */
static void test_own_requests(void)
{
    static const struct str baton[] = {STR_INIT("baton")};
    static const struct border_rule ours[] = {{.name = STR_INIT("ours stays"),
                                               .from = baton,
                                               .from_count = 1,
                                               .to = to_trunk,
                                               .to_count = 1,
                                               .action = BORDER_STRIP}};
    struct text_msg t;
    with_apps = true;
    up(ours, 1);
    struct phone *ann = PHONE(&w, 0);
    ann->obeys_auto = true;
    (void)app_make_call(&w.crm, "1001", "8555", false, "hello");
    world_run(&w, 300);
    t = world_take(&w.trunk, "INVITE");
    CHECK_STR(uui(&t), "");
    struct hop back = raw_from(&w.trunk);
    raw_reply(&w.trunk, &back, t.m, "200 OK", "t",
              "Contact: <sip:555@10.0.2.2>\nContent-Type: application/sdp\n", world_sdp);
    world_run(&w, 300);
    text_free(&t);
    (void)app_on_connection(&w.crm, "ClearConnection", "connectionToBeCleared", "c1", "1001",
                            "<userData><string>0462</string></userData>");
    world_run(&w, 300);
    t = world_take(&w.trunk, "BYE");
    CHECK_STR(uui(&t), "");
    answer(&t, "200 OK", "");
    text_free(&t);
    CHECK_INT(world_stat(&w, "uui_stripped"), 2);
    down();
}

/** Cisco's parameter is for requests that begin a dialog; in one, the value is in its header.
 */
static void test_parameter_of_the_uri(void)
{
    struct text_msg out, t, ok;
    trunk_dialect = "cisco-aai";
    up(NULL, 0);
    world_raw_invite(&w, &w.gateway, "p1", "8555", "User-to-User: " CANON "\n", world_sdp);
    world_run(&w, 50);
    out = world_take(&w.trunk, "INVITE");
    CHECK_STR(uui(&out), "");
    CHECK(str_find(sip_msg_ruri(out.m), STR(";aai=")) < sip_msg_ruri(out.m).n);
    struct hop back = raw_from(&w.trunk);
    raw_reply(&w.trunk, &back, out.m, "200 OK", "t",
              "Contact: <sip:555@10.0.2.2>\nContent-Type: application/sdp\n", world_sdp);
    world_run(&w, 50);
    ok = world_take(&w.gateway, "200 INVITE");
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    world_raw_request(&w, &w.gateway, "BYE", 2, &ok, "User-to-User: 0462;encoding=hex\n", "");
    world_run(&w, 50);
    t = world_take(&w.trunk, "ACK");
    text_free(&t);
    t = world_take(&w.trunk, "BYE");
    CHECK_STR(uui(&t), "0462;encoding=hex");
    CHECK_STR(sip_msg_ruri(t.m), "sip:555@10.0.2.2");
    answer(&t, "200 OK", "");
    text_free(&t);
    text_free(&ok);
    text_free(&out);
    down();
}

/* ---- memory ---- */

static void try_call(void)
{
    world_raw_invite(&w, &w.gateway, "f1", "8555",
                     "User-to-User: " GENESYS ", \"x\";purpose=secret\n", world_sdp);
    world_run(&w, 2000);
}

/** Whichever allocation fails: what the rules keep back never leaves, and nothing is lost. */
static void test_without_memory(void)
{
    for (size_t at = 1; at < 120; at++) {
        proxied = at % 2 == 0;
        gateway_dialect = "genesys-pd";
        trunk_dialect = "avaya-shared";
        up(strip_secret, 1);
        w.mem.fail_at = w.mem.calls + at;
        try_call();
        w.mem.fail_at = 0;
        for (size_t i = 0; i < wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE"); i++) {
            struct str out = wire_find(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE", i);
            CHECK(str_find(out, STR("secret")) == out.n);
        }
        for (struct text_msg t = raw_take(&w.trunk); t.m != NULL; t = raw_take(&w.trunk)) {
            if (t.m->method == SIP_METHOD_INVITE && sip_is_request(t.m)) {
                answer(&t, "486 Busy Here", "");
                text_free(&t);
                break;
            }
            text_free(&t);
        }
        w.hard = true;
        down();
    }
}

TEST_MAIN(T(test_dialects_bridged), T(test_dialects_proxied), T(test_refused_on_the_way_in),
          T(test_refused_bridged), T(test_refused_proxied), T(test_too_long_left_out),
          T(test_repetitions), T(test_redirection_of_a_phone), T(test_refer),
          T(test_refer_proxied), T(test_register), T(test_cancel), T(test_own_requests),
          T(test_parameter_of_the_uri), T(test_without_memory))
