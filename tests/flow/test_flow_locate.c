/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How calls find the phones of a device: by q, by what the caller prefers, by GRUU (RFC 5627),
 * over several flows (RFC 5626), and through the proxies of a Path (RFC 3327).
 */
#include "world.h"

static struct world w;

#define PHONE_ID(x) ";+sip.instance=\"<urn:uuid:" x ">\""

static void up(void)
{
    world_up(&w, &(struct world_options){.no_apps = true});
}

static size_t invites(const struct phone *p)
{
    return wire_count(&w.wire, ENGINE(&w), &p->s.node, "INVITE");
}

static size_t cancels(const struct phone *p)
{
    return wire_count(&w.wire, ENGINE(&w), &p->s.node, "CANCEL");
}

/** Register again, with these parameters and lines. */
static void again(struct phone *p, const char *params, const char *lines)
{
    p->register_params = params;
    p->register_lines = lines;
    phone_register(p, 3600);
    world_run(&w, 100);
    CHECK_INT(p->register_status, 200);
}

static struct phone *second(const char *params)
{
    struct phone *p = world_phone(&w, "bob2", "10.0.1.12", "1002", TP_UDP);
    again(p, params, NULL);
    return p;
}

/* ---- q ---- */

static void test_equal_q_ring_together(void)
{
    struct phone *other;
    up();
    other = second("");
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true, STR_NONE);
    world_run(&w, 100);
    CHECK_INT(invites(PHONE(&w, 1)), 1);
    CHECK_INT(invites(other), 1);
    CHECK_INT(phone_answer(other), 0);
    world_run(&w, 100);
    CHECK(phone_talks(PHONE(&w, 0)) && phone_talks(other));
    CHECK_INT(cancels(PHONE(&w, 1)), 1);
    world_down(&w);
}

/** The lower one after calls.group_s; then the first is called off. */
static void test_lower_q_rings_later(void)
{
    struct phone *other;
    up();
    other = second(";q=0.5");
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true, STR_NONE);
    world_run(&w, 19000);
    CHECK_INT(invites(PHONE(&w, 1)), 1);
    CHECK_INT(invites(other), 0);
    CHECK_INT(cancels(PHONE(&w, 1)), 0);
    world_run(&w, 1500);
    CHECK_INT(invites(other), 1);
    CHECK_INT(cancels(PHONE(&w, 1)), 1);
    CHECK_INT(phone_answer(other), 0);
    world_run(&w, 60000);
    CHECK(phone_talks(PHONE(&w, 0)) && phone_talks(other));
    CHECK_INT(invites(PHONE(&w, 1)), 1);
    world_down(&w);
}

/** Who refuses makes the next one ring at once; the call fails when all have. */
static void test_refused_goes_on(void)
{
    struct phone *other;
    up();
    other = second(";q=0.5");
    PHONE(&w, 1)->on_call = 486;
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true, STR_NONE);
    world_run(&w, 200);
    CHECK_INT(invites(other), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "486 INVITE"), 0);
    CHECK_INT(phone_respond(other, 480), 0);
    world_run(&w, 200);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "480 INVITE"), 1);
    /* 6xx speaks for everybody */
    PHONE(&w, 1)->on_call = 603;
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true, STR_NONE);
    world_run(&w, 30000);
    CHECK_INT(invites(other), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "603 INVITE"), 1);
    world_down(&w);
}

/** Hanging up stops the search: nobody rings afterwards. */
static void test_caller_gives_up(void)
{
    struct phone *other;
    up();
    other = second(";q=0.5");
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true, STR_NONE);
    world_run(&w, 1000);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 60000);
    CHECK_INT(invites(other), 0);
    CHECK_INT(cancels(PHONE(&w, 1)), 1);
    world_down(&w);
}

/* ---- RFC 3841 ---- */

static void test_what_the_caller_prefers(void)
{
    struct phone *other;
    up();
    again(PHONE(&w, 1), ";audio;mobility=\"fixed\"", NULL);
    other = second(";audio;mobility=\"mobile\"");
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true,
               STR("Accept-Contact: *;mobility=\"mobile\";require;explicit\r\n"));
    world_run(&w, 30000);
    CHECK_INT(invites(other), 1);
    CHECK_INT(invites(PHONE(&w, 1)), 0);
    /* what was not for us alone goes on */
    struct str sent = wire_find(&w.wire, ENGINE(&w), &other->s.node, "INVITE", 0);
    CHECK_STR(str_trim(wire_raw(sent, "Accept-Contact", 0)),
              "*;mobility=\"mobile\";require;explicit");
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 1000);
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true,
               STR("Reject-Contact: *;mobility\r\nReject-Contact: *;audio\r\n"));
    world_run(&w, 100);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "480 INVITE"), 1);
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true,
               STR("Request-Disposition: sequential\r\n"));
    world_run(&w, 10000);
    CHECK_INT(invites(other) + invites(PHONE(&w, 1)), 2);
    world_down(&w);
}

/* ---- contacts ---- */

/** As whoever follows a redirection to it does, with us as his outbound proxy. */
static void test_a_contact_is_its_phone(void)
{
    struct phone *other;
    up();
    again(PHONE(&w, 1), PHONE_ID("1"), NULL);
    other = second(PHONE_ID("2"));
    phone_call(PHONE(&w, 0), "sip:1002@10.0.1.2:5060", true, STR_NONE);
    world_run(&w, 100);
    CHECK_INT(invites(PHONE(&w, 1)), 1);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 100);
    CHECK(phone_talks(PHONE(&w, 0)) && phone_talks(PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 1000);
    CHECK_INT(invites(other), 0);
    /* without an instance nothing tells it from the other phones of its number */
    again(PHONE(&w, 1), "", NULL);
    phone_call(PHONE(&w, 0), "sip:1002@10.0.1.2:5060", true, STR_NONE);
    world_run(&w, 100);
    CHECK_INT(invites(PHONE(&w, 1)), 2);
    CHECK_INT(invites(other), 1);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 1000);
    /* nobody's contact */
    phone_call(PHONE(&w, 0), "sip:1002@10.0.1.2:5099", true, STR_NONE);
    world_run(&w, 1000);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "404 INVITE"), 1);
    world_down(&w);
}

/** A phone says that a number of a peer is its contact: the peer's own redirection is not for
 * it.
 */
static void test_a_peers_number_is_no_contact(void)
{
    up();
    phone_register_contact(PHONE(&w, 1), "<sip:931@10.0.2.1:5060>", 3600);
    world_run(&w, 100);
    CHECK_INT(PHONE(&w, 1)->register_status, 200);
    REQUIRE(phone_call(PHONE(&w, 0), "930", true, STR_NONE) != NULL);
    world_run(&w, 100);
    struct text_msg t = world_take(&w.gateway, "INVITE");
    struct hop back = raw_from(&w.gateway);
    raw_reply(&w.gateway, &back, t.m, "302 Moved", "t", "Contact: <sip:931@10.0.2.1:5060>\n",
              "");
    text_free(&t);
    world_run(&w, 100);
    t = world_take(&w.gateway, "INVITE");
    CHECK_STR(sip_msg_ruri(t.m), "sip:931@10.0.2.1:5060");
    text_free(&t);
    CHECK_INT(invites(PHONE(&w, 1)), 0);
    world_down(&w);
}

/* ---- GRUU ---- */

/** The GRUU that the last 200 gave to this phone's own contact. */
static void gruu_of(const struct phone *p, const char *name, char out[200])
{
    struct sip_values it = {0};
    struct str v, value;
    out[0] = '\0';
    while (sip_msg_each(&p->registered->m, SIP_HDR_CONTACT, &it, &v)) {
        struct sip_addr a;
        uint32_t at;
        if (sip_addr_parse(v, &a, &at) == 0 &&
            str_starts(str_c(p->register_contact + 1), a.uri_text) &&
            sip_param(a.params, str_c(name), &value)) {
            snprintf(out, 200, "%.*s", (int)value.n - 2, value.p + 1);
        }
    }
}

static void test_a_gruu_is_one_phone(void)
{
    struct phone *other;
    char pub[200], temp[200];
    up();
    again(PHONE(&w, 1), PHONE_ID("1"), "Supported: gruu\r\n");
    other = second(PHONE_ID("2"));
    gruu_of(PHONE(&w, 1), "pub-gruu", pub);
    gruu_of(PHONE(&w, 1), "temp-gruu", temp);
    CHECK_BYTES(str_c(pub), STR("sip:1002@example.com;gr=urn:uuid:1"));
    for (int i = 0; i < 2; i++) {
        struct leg *leg = phone_call(PHONE(&w, 0), i == 0 ? pub : temp, true, STR_NONE);
        CHECK(leg != NULL);
        world_run(&w, 100);
        CHECK_INT(invites(PHONE(&w, 1)), i + 1);
        CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
        world_run(&w, 100);
        CHECK(phone_talks(PHONE(&w, 0)) && phone_talks(PHONE(&w, 1)));
        /* §6.1: the contact takes the place of the GRUU */
        struct str sent =
            wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE", (size_t)i);
        CHECK(str_starts(sent, STR("INVITE sip:1002@10.0.1.2:5060 SIP/2.0\r\n")));
        phone_hang_up(PHONE(&w, 0), STR_NONE);
        world_run(&w, 1000);
    }
    CHECK_INT(invites(other), 0);
    world_down(&w);
}

/**
 * A caller behind proxies that keep out of the dialog has a GRUU as Contact: our requests go to
 * where its phone is registered, also after it has moved.
 */
static void call_with_gruu(const char *record_route)
{
    struct hop to;
    up();
    again(PHONE(&w, 1), PHONE_ID("1"), "Supported: gruu\r\n");
    to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_sendf(&w.gateway, &to,
              "INVITE sip:1001@example.com SIP/2.0\n"
              "Via: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bKg1\n"
              "Via: SIP/2.0/UDP 10.0.1.2;branch=z9hG4bKg2\n"
              "Max-Forwards: 69\nFrom: <sip:1002@example.com>;tag=g\n"
              "To: <sip:1001@example.com>\nCall-ID: gruu\nCSeq: 1 INVITE\n"
              "Contact: <sip:1002@example.com;gr=urn:uuid:1>\n%s"
              "Content-Type: application/sdp\n\n%s",
              record_route, world_sdp);
    world_run(&w, 100);
    CHECK_INT(phone_answer(PHONE(&w, 0)), 0);
    world_run(&w, 100);
    struct text_msg t = world_take(&w.gateway, "200 INVITE");
    raw_sendf(&w.gateway, &to,
              "ACK sip:baton SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bKg3\n"
              "Via: SIP/2.0/UDP 10.0.1.2;branch=z9hG4bKg4\n"
              "Max-Forwards: 69\nFrom: <sip:1002@example.com>;tag=g\nTo:%.*s\n"
              "Call-ID: gruu\nCSeq: 1 ACK\n\n",
              STR_ARG(text_value(&t, "To")));
    text_free(&t);
    world_run(&w, 100);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 200);
}

static void test_a_gruu_as_remote_target(void)
{
    call_with_gruu("");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "BYE"), 0);
    struct str bye = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "BYE", 0);
    CHECK(str_starts(bye, STR("BYE sip:1002@10.0.1.2:5060 SIP/2.0\r\n")));
    CHECK_STR(str_trim(wire_raw(bye, "Call-ID", 0)), "gruu");
    world_down(&w);
}

/** A proxy that stays in the dialog need not know our GRUUs: it is told the contact. */
static void test_a_gruu_behind_a_route_set(void)
{
    call_with_gruu("Record-Route: <sip:10.0.2.1;lr>\n");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "BYE"), 0);
    struct str bye = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "BYE", 0);
    CHECK(str_starts(bye, STR("BYE sip:1002@10.0.1.2:5060 SIP/2.0\r\n")));
    CHECK_STR(str_trim(wire_raw(bye, "Route", 0)), "<sip:10.0.2.1;lr>");
    world_down(&w);
}

/**
 * ann and bob have set up a dialog without us, and ann knows bob by his GRUU alone: what she
 * sends there comes to us without a Route, and goes to where bob is (§6.1).
 */
static void test_a_gruu_inside_a_dialog_of_others(void)
{
    static const char *const method[] = {"ACK", "BYE", "INFO"};
    struct hop to;
    up();
    again(PHONE(&w, 1), PHONE_ID("1"), "Supported: gruu\r\n");
    to = vnet_hop(ENGINE(&w), TP_UDP);
    for (int i = 0; i < 3; i++) {
        size_t n = strlen(method[i]);
        raw_sendf(&w.gateway, &to,
                  "%s sip:1002@example.com;gr=urn:uuid:1 SIP/2.0\n"
                  "Via: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bKo%d\nMax-Forwards: 70\n"
                  "From: <sip:9@10.0.2.1>;tag=g\nTo: <sip:1002@example.com>;tag=b\n"
                  "Call-ID: others\nCSeq: %d %s\n\n",
                  method[i], i, i + 1, method[i]);
        world_run(&w, 100);
        struct str sent = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), method[i], 0);
        CHECK(str_starts(str_from(sent, n), STR(" sip:1002@10.0.1.2:5060 ")));
    }
    struct text_msg t = world_take(&w.gateway, "481 BYE"); /* the phone's own word */
    CHECK_STR(text_value(&t, "Call-ID"), "others");
    text_free(&t);
    CHECK_INT(world_stat(&w, "proxy_acks"), 1);
    world_down(&w);
}

/** Nobody there, no such phone; and strangers have to say who they are first. */
static void test_a_gruu_inside_a_dialog_leads_nowhere(void)
{
    static const char *const uri[] = {"1002@example.com;gr=urn:uuid:1",
                                      "1999@example.com;gr=urn:uuid:1"};
    static const char *const answer[] = {"480 BYE", "404 BYE", "401 BYE"};
    struct hop to;
    struct raw stranger;
    up();
    to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_up(&stranger, &w.net, "stranger", "10.0.9.9");
    for (int i = 0; i < 3; i++) {
        struct raw *sender = i < 2 ? &w.gateway : &stranger;
        raw_sendf(sender, &to,
                  "BYE sip:%s SIP/2.0\n"
                  "Via: SIP/2.0/UDP %s;branch=z9hG4bKn%d\nMax-Forwards: 70\n"
                  "From: <sip:9@10.0.2.1>;tag=g\nTo: <sip:1002@example.com>;tag=b\n"
                  "Call-ID: others%d\nCSeq: 1 BYE\n\n",
                  uri[i % 2], i < 2 ? "10.0.2.1" : "10.0.9.9", i, i);
        world_run(&w, 100);
        struct text_msg t = world_take(sender, answer[i]);
        text_free(&t);
    }
    raw_down(&stranger);
    world_down(&w);
}

static void test_gruus_that_lead_nowhere(void)
{
    char temp[200];
    up();
    again(PHONE(&w, 1), PHONE_ID("1"), "Supported: gruu\r\n");
    gruu_of(PHONE(&w, 1), "temp-gruu", temp);
    phone_call(PHONE(&w, 0), "sip:1002@example.com;gr=urn:uuid:9", true, STR_NONE);
    world_run(&w, 1000);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "480 INVITE"), 1);
    phone_call(PHONE(&w, 0), "sip:1999@example.com;gr=urn:uuid:1", true, STR_NONE);
    world_run(&w, 1000);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "404 INVITE"), 1);
    phone_register(PHONE(&w, 1), 0);
    world_run(&w, 100);
    phone_call(PHONE(&w, 0), temp, true, STR_NONE);
    world_run(&w, 1000);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "404 INVITE"), 2);
    phone_register(PHONE(&w, 1), 3600);
    world_run(&w, 100);
    world_down(&w);
}

/* ---- outbound ---- */

#define FLOW(n) ";reg-id=" n PHONE_ID("1")
#define OUTBOUND "Supported: outbound\r\n"

/** One phone on two flows: the other takes over when the latest says 430. */
static void test_the_other_flow_takes_over(void)
{
    struct phone *other;
    up();
    again(PHONE(&w, 1), FLOW("1"), OUTBOUND);
    other = second(FLOW("2"));
    again(other, FLOW("2"), OUTBOUND);
    CHECK(sip_msg_has_token(&other->registered->m, SIP_HDR_REQUIRE, STR("outbound")));
    other->on_call = 430;
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true, STR_NONE);
    world_run(&w, 200);
    CHECK_INT(invites(other), 1);
    CHECK_INT(invites(PHONE(&w, 1)), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "430 INVITE"), 0);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 100);
    CHECK(phone_talks(PHONE(&w, 0)) && phone_talks(PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 1000);
    /* the flow is the last choice from now on */
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true, STR_NONE);
    world_run(&w, 200);
    CHECK_INT(invites(other), 1);
    CHECK_INT(invites(PHONE(&w, 1)), 2);
    /* any other answer is the phone's own */
    CHECK_INT(phone_respond(PHONE(&w, 1), 486), 0);
    world_run(&w, 200);
    CHECK_INT(invites(other), 1);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "486 INVITE"), 1);
    world_down(&w);
}

/** Connections: what only a closed one reached is gone, the other flow rings. */
static void test_a_flow_closes(void)
{
    struct phone *other;
    world_up(&w, &(struct world_options){.no_apps = true, .transport = TP_TCP});
    again(PHONE(&w, 1), FLOW("1"), OUTBOUND);
    other = world_phone(&w, "bob2", "10.0.1.12", "1002", TP_TCP);
    again(other, FLOW("2"), OUTBOUND);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 4);
    CHECK(vnet_close(&w.net, ENGINE(&w), &other->s.node) > 0);
    world_run(&w, 100);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 3);
    CHECK_INT(world_stat(&w, "registrar_lost"), 1);
    phone_call(PHONE(&w, 0), "sip:1002@example.com", true, STR_NONE);
    world_run(&w, 200);
    CHECK_INT(invites(other), 0);
    CHECK_INT(invites(PHONE(&w, 1)), 1);
    world_down(&w);
}

/* ---- Path ---- */

static void edge_registers(const char *lines)
{
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    static unsigned cseq;
    raw_sendf(&w.gateway, &to,
              "REGISTER sip:example.com SIP/2.0\n"
              "Via: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bKp%u\n"
              "Via: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKq%u\n"
              "Max-Forwards: 69\nFrom: <sip:1003@example.com>;tag=1\n"
              "To: <sip:1003@example.com>\nCall-ID: edge\nCSeq: %u REGISTER\n"
              "Contact: <sip:1003@192.0.2.50>;reg-id=1" PHONE_ID("3") "\n%s\n",
              cseq, cseq, cseq + 1, lines);
    cseq++;
    world_run(&w, 100);
}

static void test_calls_go_through_the_path(void)
{
    struct text_msg t;
    up();
    phone_register(PHONE(&w, 2), 0);
    world_run(&w, 100);
    edge_registers("Supported: outbound\n");
    t = world_take(&w.gateway, "439 REGISTER");
    text_free(&t);
    edge_registers("Path: <sip:10.0.2.1;lr;ob>\n");
    t = world_take(&w.gateway, "420 REGISTER");
    CHECK_STR(text_value(&t, "Unsupported"), "path");
    text_free(&t);
    edge_registers(
        "Supported: outbound, path\nPath: <sip:tok@10.0.2.1;lr;ob>, <sip:in;lr;ob>\n");
    t = world_take(&w.gateway, "200 REGISTER");
    CHECK_STR(text_value(&t, "Require"), "outbound");
    CHECK_STR(text_value(&t, "Path"), "<sip:tok@10.0.2.1;lr;ob>");
    text_free(&t);
    phone_call(PHONE(&w, 0), "sip:1003@example.com", true, STR_NONE);
    world_run(&w, 100);
    t = world_take(&w.gateway, "INVITE");
    CHECK_STR(sip_msg_ruri(t.m), "sip:1003@192.0.2.50");
    struct str raw = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "INVITE", 0);
    CHECK_STR(str_trim(wire_raw(raw, "Route", 0)), "<sip:tok@10.0.2.1;lr;ob>");
    CHECK_STR(str_trim(wire_raw(raw, "Route", 1)), "<sip:in;lr;ob>");
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_reply(&w.gateway, &to, t.m, "486 Busy Here", "t", "", "");
    text_free(&t);
    world_run(&w, 100);
    /* the ACK of a refusal goes where its INVITE went */
    raw = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "ACK", 0);
    CHECK_STR(str_trim(wire_raw(raw, "Route", 0)), "<sip:tok@10.0.2.1;lr;ob>");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "486 INVITE"), 1);
    edge_registers("Supported: path\nPath: <sip:tok@10.0.2.1;lr;ob>\nExpires: 0\n");
    world_down(&w);
}

TEST_MAIN(T(test_equal_q_ring_together), T(test_lower_q_rings_later), T(test_refused_goes_on),
          T(test_caller_gives_up), T(test_what_the_caller_prefers),
          T(test_a_contact_is_its_phone), T(test_a_peers_number_is_no_contact),
          T(test_a_gruu_is_one_phone), T(test_a_gruu_as_remote_target),
          T(test_a_gruu_behind_a_route_set), T(test_a_gruu_inside_a_dialog_of_others),
          T(test_a_gruu_inside_a_dialog_leads_nowhere), T(test_gruus_that_lead_nowhere),
          T(test_the_other_flow_takes_over), T(test_a_flow_closes),
          T(test_calls_go_through_the_path))
