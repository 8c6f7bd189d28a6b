/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registrar behind Baton: REGISTER is proxied with a Path to us (RFC 3327), and what comes
 * back by it goes over the flow of the phone (RFC 5626 §5).
 */
#include "world.h"

#include <stdio.h>

static struct world w;
static struct arena arena;
static struct rule_table routes;

static const struct rule_target trunk = {
    .kind = RULE_TO_PEER, .text = STR_INIT("trunk"), .weight = 1, .q = RULE_NO_Q};

/** The second one shows that no rule decides about who comes by a Path. */
static struct rule rules[] = {{.name = STR_INIT("registrations"),
                               .methods = 1u << SIP_METHOD_REGISTER,
                               .percent = 100,
                               .action = RULE_PROXY,
                               .parallel = true,
                               .record_route = true,
                               .target = &trunk,
                               .target_count = 1},
                              {.name = STR_INIT("nothing else"),
                               .methods = 1u << SIP_METHOD_INVITE,
                               .percent = 100,
                               .action = RULE_REFUSE,
                               .status = 403}};

static void use_rules(struct world *world)
{
    REQUIRE(rule_table_init(&routes, &arena, rules, ARRAY_LEN(rules), NULL) == 0);
    world->config.routes = &routes;
}

static struct str lines_of(const struct text_msg *t, const char *name, size_t nth)
{
    return str_trim(wire_raw(str_make(t->m->buf, t->m->len), name, nth));
}

/** The uri of the Path that the trunk was told. */
static struct str path_of(const struct text_msg *t)
{
    struct sip_addr a;
    uint32_t at;
    return CHECK_INT(sip_addr_parse(lines_of(t, "Path", 0), &a, &at), 0) ? a.uri_text
                                                                         : STR("?");
}

static void call_by_path(const char *id, struct str path, const char *more)
{
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_sendf(
        &w.trunk, &to,
        "INVITE sip:1001@10.0.1.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.2;branch=z9hG4bK-%s\n"
        "Route: <%.*s>\n%sFrom: <sip:55@far.example>;tag=f\nTo: <sip:1001@example.com>\n"
        "Call-ID: %s\nCSeq: 1 INVITE\nContact: <sip:55@10.0.2.2>\nMax-Forwards: 70\n"
        "User-to-User: 0455;encoding=hex\nContent-Type: application/sdp\n\n%s",
        id, STR_ARG(path), more, id, world_sdp);
}

/** REGISTER goes through with a Path; what comes back by it goes over the flow of the phone. */
static void registers_behind(enum transport transport)
{
    arena_init(&arena, &mem_libc, 4096);
    world_up(&w, &(struct world_options){.no_apps = true,
                                         .tweak = use_rules,
                                         .transport = transport,
                                         .unregistered = true});
    PHONE(&w, 0)->register_lines = "Supported: path, outbound\r\n";
    PHONE(&w, 0)->register_params = ";reg-id=1;+sip.instance=\"<urn:uuid:1>\"";
    phone_register(PHONE(&w, 0), 600);
    world_run(&w, 200);
    struct text_msg t = world_take(&w.trunk, "REGISTER");
    CHECK_STR(sip_msg_ruri(t.m), "sip:example.com");
    CHECK_STR(lines_of(&t, "Require", 0), "path");
    CHECK(!str_is_set(wire_raw(str_make(t.m->buf, t.m->len), "P-Asserted-Identity", 0)));
    CHECK(!str_is_set(wire_raw(str_make(t.m->buf, t.m->len), "Record-Route", 0)));
    struct str path = path_of(&t);
    CHECK(str_istarts(path, STR("sip:~")));
    CHECK(str_find(path, STR("@10.0.0.1:5060;lr;ob")) < path.n);
    struct hop back = raw_from(&w.trunk);
    raw_reply(&w.trunk, &back, t.m, "200 OK", "t", "Contact: <sip:1001@10.0.1.1:5060>\n", "");
    world_run(&w, 50);
    CHECK_INT(PHONE(&w, 0)->register_status, 200);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 0); /* our own one knows nothing of it */

    call_by_path("path1", path, "");
    world_run(&w, 50);
    struct str in = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "INVITE", 0);
    REQUIRE(str_is_set(in));
    CHECK_STR(str_trim(wire_raw(in, "User-to-User", 0)), "0455;encoding=hex");
    CHECK(!str_is_set(wire_raw(in, "Route", 0)));
    CHECK(str_is_set(wire_raw(in, "Record-Route", 0)));
    CHECK_INT(phone_answer(PHONE(&w, 0)), 0);
    world_run(&w, 50);
    struct text_msg ok = world_take(&w.trunk, "200 INVITE");
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    struct str rr0 = lines_of(&ok, "Record-Route", 0), rr1 = lines_of(&ok, "Record-Route", 1);
    raw_sendf(
        &w.trunk, &to,
        "ACK sip:1001@10.0.1.1:5060 SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.2;branch=z9hG4bK-ack\n"
        "Route: %.*s%s%.*s\nFrom: <sip:55@far.example>;tag=f\nTo: %.*s\n"
        "Call-ID: path1\nCSeq: 1 ACK\nMax-Forwards: 70\n\n",
        STR_ARG(str_is_set(rr1) ? rr1 : rr0), str_is_set(rr1) ? ", " : "",
        STR_ARG(str_is_set(rr1) ? rr0 : STR("")), STR_ARG(text_value(&ok, "To")));
    text_free(&ok);
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "ACK"), 1);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "BYE"), 1);
    CHECK_INT(world_stat(&w, "calls_made"), 0);

    /* nobody makes such a token but us: a changed one leads nowhere, whoever brings it */
    char forged[160];
    (void)snprintf(forged, sizeof(forged), "%.*s", STR_ARG(path));
    forged[7] = forged[7] == 'A' ? 'B' : 'A';
    call_by_path("path2", str_c(forged), "");
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "430 INVITE"), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "INVITE"), 1);
    if (transport != TP_UDP) {
        (void)vnet_close(&w.net, PHONE_NODE(&w, 0), ENGINE(&w));
        world_run(&w, 50);
        call_by_path("path3", path, "");
        world_run(&w, 50);
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.trunk.node, "430 INVITE"), 2);
    }
    text_free(&t);
    world_down(&w);
    arena_fini(&arena);
}

static void test_registrar_behind(void)
{
    registers_behind(TP_UDP);
    registers_behind(TP_TCP);
}

TEST_MAIN(T(test_registrar_behind))
