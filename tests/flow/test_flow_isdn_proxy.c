/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-user signalling with the ISDN in calls that Baton passes on as a proxy: the trunk
 * (8*) is a gateway to it, the gateway (9*) is not, unless a test says otherwise. What opens
 * the service, what is left of it in a dialog of which no state is kept, and ISUP and GTD
 * bodies.
 */
#include "peer.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct arena arena;
static struct rule rule[2];
static struct rule_table routes;
static struct rule_target target[2];
static bool records = true;
static void (*tweak)(struct world *);

#define HI "User-to-User: 044869;encoding=hex;purpose=isdn-uui\n"
#define VALUE "044869;encoding=hex;purpose=isdn-uui"
#define OTHER "User-to-User: 4142;encoding=hex;purpose=crm\n"
#define CRM "4142;encoding=hex;purpose=crm"
#define B(s) ((struct str){s, sizeof(s) - 1})

static void isdn(struct world *world)
{
    world->peer[1].policy.isdn = true;
}

static void isdn_tells(struct world *world)
{
    world->peer[1].policy.isdn = world->peer[1].policy.uui_in_failure = true;
}

static void isup(struct world *world)
{
    world->peer[1].policy.isdn = world->peer[1].policy.isup_body = true;
}

static void isup_both(struct world *world)
{
    isup(world);
    world->peer[0].policy = world->peer[1].policy;
}

/** All calls from the trunk go to the gateway, and all others to the trunk. */
static void use_rules(struct world *world)
{
    static const struct str from_trunk[] = {STR_INIT("trunk")};
    for (size_t i = 0; i < 2; i++) {
        target[i] = (struct rule_target){.kind = RULE_TO_PEER,
                                         .text = i == 0 ? STR("gateway") : STR("trunk"),
                                         .weight = 1,
                                         .q = RULE_NO_Q};
        rule[i] = (struct rule){.name = i == 0 ? STR("in") : STR("out"),
                                .methods = ~0u & ~(1u << SIP_METHOD_REGISTER),
                                .percent = 100,
                                .action = RULE_PROXY,
                                .record_route = records,
                                .target = &target[i],
                                .target_count = 1};
    }
    rule[0].peer = from_trunk;
    rule[0].peer_count = 1;
    REQUIRE(rule_table_init(&routes, &arena, rule, 2, NULL) == 0);
    world->config.routes = &routes;
    tweak(world);
}

static void up(void (*own)(struct world *))
{
    arena_init(&arena, &mem_libc, 4096);
    tweak = own;
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = use_rules});
}

static void down(void)
{
    world_down(&w);
    arena_fini(&arena);
    records = true;
}

static void expect_free(struct raw *r, const char *pattern, const char *uui)
{
    struct text_msg t = peer_expect(&w, r, pattern, uui);
    text_free(&t);
}

/** A request of the dialog that `invite` began, through the proxy. */
static void request(struct raw *r, const char *method, unsigned cseq, const struct text_msg *of,
                    const struct text_msg *invite, const char *lines)
{
    char all[1024];
    snprintf(all, sizeof(all), "Route: %.*s\n%s", STR_ARG(text_value(invite, "Record-Route")),
             lines);
    world_raw_request(&w, r, method, cseq, of, all, "");
}

/** One whole call; each message with these lines; what of them arrives. */
struct whole {
    struct raw *caller, *callee;
    const char *number;
    const char *invite, *other;
    const char *at_invite, *at_other, *at_end;
};

static void whole_call(const struct whole *c)
{
    struct text_msg out, ok, bye;
    world_raw_invite(&w, c->caller, "c", c->number, c->invite, world_sdp);
    out = peer_expect(&w, c->callee, "INVITE", c->at_invite);
    peer_answer(&w, c->callee, &out, "180 Ringing", c->other);
    expect_free(c->caller, "180 INVITE", c->at_other);
    peer_answer(&w, c->callee, &out, "200 OK", c->other);
    ok = peer_expect(&w, c->caller, "200 INVITE", c->at_other);
    request(c->caller, "ACK", 1, &ok, &out, c->other);
    expect_free(c->callee, "ACK", "");
    request(c->caller, "INFO", 2, &ok, &out, c->other);
    bye = peer_expect(&w, c->callee, "INFO", "");
    peer_answer(&w, c->callee, &bye, "200 OK", c->other);
    expect_free(c->caller, "200 INFO", "");
    text_free(&bye);
    request(c->caller, "UPDATE", 3, &ok, &out, ""); /* of which only the answer has some */
    bye = peer_expect(&w, c->callee, "UPDATE", "");
    peer_answer(&w, c->callee, &bye, "200 OK", c->other);
    expect_free(c->caller, "200 UPDATE", "");
    text_free(&bye);
    request(c->caller, "BYE", 4, &ok, &out, c->other);
    bye = peer_expect(&w, c->callee, "BYE", c->at_end);
    peer_answer(&w, c->callee, &bye, "200 OK", c->other);
    expect_free(c->caller, "200 BYE", c->at_end);
    text_free(&bye);
    text_free(&ok);
    text_free(&out);
}

/** The INVITE has some: it may be used until the end, in both directions. */
static void test_proxied_open(void)
{
    up(isdn);
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", HI, HI, VALUE, VALUE, VALUE});
    CHECK_INT(world_stat(&w, "isdn_opened"), 1);
    CHECK_INT(world_stat(&w, "isdn_closed"), 0);
    CHECK_INT(world_stat(&w, "isdn_misplaced"),
              4); /* ACK, INFO, the answers to it, to UPDATE */
    CHECK_INT(world_stat(&w, "calls_bridged"), 0);
    down();
    up(isdn);
    whole_call(&(struct whole){&w.trunk, &w.gateway, "9555", HI, HI, VALUE, VALUE, VALUE});
    CHECK_INT(world_stat(&w, "isdn_opened"), 1);
    down();
}

/** It had none: nobody may send any later. The token says so, and whatever the plan says there
    is one. */
static void test_proxied_not_requested(void)
{
    for (int i = 0; i < 2; i++) {
        records = i == 0;
        up(isdn);
        whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", "", HI, "", "", ""});
        CHECK_INT(world_stat(&w, "isdn_opened"), 0);
        CHECK_INT(world_stat(&w, "isdn_closed"), 7);
        CHECK_INT(world_stat(&w, "isdn_misplaced"), 1);
        down();
        records = i == 0;
        up(isdn);
        whole_call(&(struct whole){&w.trunk, &w.gateway, "9555", "", HI, "", "", ""});
        down();
    }
}

static void nobody(struct world *world)
{
    (void)world;
}

/** Between others nothing of that holds, and nothing is record-routed for it. */
static void test_proxied_others(void)
{
    records = false;
    up(nobody);
    world_raw_invite(&w, &w.gateway, "o", "8555", OTHER, world_sdp);
    struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", CRM);
    CHECK_INT(text_value(&out, "Record-Route").n, 0);
    peer_answer(&w, &w.trunk, &out, "486 Busy Here", HI);
    expect_free(&w.gateway, "486 INVITE", VALUE);
    text_free(&out);
    down();
}

/** Element by element: other packages stay, in their order. */
static void test_proxied_elements(void)
{
    static const struct {
        const char *lines, *want, *counter;
    } row[] = {
        {OTHER "User-to-User: 0441, 0442;purpose=isdn-uui, " CRM "\n", CRM ", " CRM,
         "isdn_several"},
        {"User-to-User: 04486;encoding=hex\n", "", "isdn_malformed"},
        {OTHER "User-to-User: \"Hi\";encoding=ascii\n", CRM, "isdn_malformed"},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        up(isdn);
        world_raw_invite(&w, &w.gateway, "e", "8555", row[i].lines, world_sdp);
        struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", row[i].want);
        peer_answer(&w, &w.trunk, &out, "180 Ringing", HI);
        expect_free(&w.gateway, "180 INVITE", "");
        CHECK_INT(world_stat(&w, row[i].counter), 1);
        text_free(&out);
        down();
    }
}

static const char *line_of(size_t n, char *buf)
{
    size_t at = (size_t)sprintf(buf, "User-to-User: ");
    for (size_t i = 0; i < n; i++) {
        at += (size_t)sprintf(buf + at, "%02X", (unsigned)(i & 0xFF));
    }
    sprintf(buf + at, ";encoding=hex\n");
    return buf;
}

/** 129 octets pass; 130 are left out, and the service is gone with them. */
static void test_proxied_length(void)
{
    char line[512], want[512];
    up(isdn);
    (void)line_of(UUI_ISDN_OCTETS, line);
    snprintf(want, sizeof(want), "%.*s", (int)strlen(line) - 15, line + 14);
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", line, line, want, want, want});
    down();
    up(isdn);
    (void)line_of(UUI_ISDN_OCTETS + 1, line);
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", line, HI, "", "", ""});
    CHECK_INT(world_stat(&w, "isdn_too_long"), 1);
    down();
    up(isdn); /* in an answer: nothing says it but the table of such calls */
    world_raw_invite(&w, &w.trunk, "l", "9555", HI, world_sdp);
    struct text_msg out = peer_expect(&w, &w.gateway, "INVITE", VALUE), ok, bye;
    peer_answer(&w, &w.gateway, &out, "180 Ringing", line);
    expect_free(&w.trunk, "180 INVITE", "");
    peer_answer(&w, &w.gateway, &out, "200 OK", HI);
    ok = peer_expect(&w, &w.trunk, "200 INVITE", "");
    request(&w.trunk, "ACK", 1, &ok, &out, "");
    request(&w.trunk, "BYE", 2, &ok, &out, HI);
    bye = peer_expect(&w, &w.gateway, "BYE", "");
    peer_answer(&w, &w.gateway, &bye, "200 OK", HI);
    expect_free(&w.trunk, "200 BYE", "");
    CHECK_INT(world_stat(&w, "isdn_too_long"), 1);
    CHECK_INT(world_stat(&w, "isdn_closed"), 3);
    text_free(&bye);
    text_free(&ok);
    text_free(&out);
    down();
}

static void test_proxied_refusal(void)
{
    for (int tells = 0; tells <= 1; tells++) {
        up(tells ? isdn_tells : isdn);
        world_raw_invite(&w, &w.gateway, "r", "8555", HI, world_sdp);
        struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", VALUE);
        peer_answer(&w, &w.trunk, &out, "486 Busy Here", HI OTHER);
        expect_free(&w.gateway, "486 INVITE", tells ? VALUE "|" CRM : CRM);
        text_free(&out);
        down();
    }
}

/* ---- bodies ---- */

#define SDP                                                                                \
    "v=0\r\no=- 7 1 IN IP4 10.0.2.9\r\ns=-\r\nc=IN IP4 10.0.2.9\r\nt=0 0\r\nm=audio 4002 " \
    "RTP/AVP 8\r\n"
#define MIXED "multipart/mixed;boundary=b"
#define SDP_PART "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n"
#define ISUP_PART "--b\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n"
#define GTD_PART "--b\r\nContent-Type: application/gtd\r\n\r\n"
#define END "\r\n--b--\r\n"

static const struct {
    void (*tweak)(struct world *);
    bool from_trunk;
    const char *lines;
    struct str body, want; /* of the body */
    const char *uui;
} bodies[] = {
    /* ISUP becomes a header; the body stays */
    {isup, true, "", STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END),
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END), VALUE},
    /* so does GTD */
    {isup, true, "", STR_INIT(GTD_PART "IAM,\r\nUUS,3,4869\r\n" END),
     STR_INIT(GTD_PART "IAM,\r\nUUS,3,4869\r\n" END), VALUE},
    /* the header goes into what has room for it */
    {isup_both, false, "User-to-User: " VALUE "\r\n",
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\0" END),
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END), VALUE},
    {isup_both, false, "User-to-User: " VALUE "\r\n", STR_INIT(GTD_PART "IAM,\r\n" END),
     STR_INIT(GTD_PART "IAM,\r\nUUS,3,4869\r\n" END), VALUE},
    /* they differ: the body counts towards ISUP, the header elsewhere */
    {isup_both, false, "User-to-User: 0458\r\n",
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END),
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END), VALUE},
    {isup, true, "User-to-User: 0458\r\n",
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END),
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END), "0458"},
    /* what counts nowhere goes from everywhere */
    {isup, true, "User-to-User: 04, 05\r\n",
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END),
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\0" END), ""},
    /* but not from what somebody has signed */
    {isup, true, "User-to-User: 04, 05\r\nIdentity: x;info=<https://h>;alg=ES256\r\n",
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END),
     STR_INIT(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END), ""},
};

static void test_proxied_bodies(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct raw *from = bodies[i].from_trunk ? &w.trunk : &w.gateway;
        struct raw *to = bodies[i].from_trunk ? &w.gateway : &w.trunk;
        up(bodies[i].tweak);
        peer_invite(&w, from, "body", bodies[i].from_trunk ? "9555" : "8555", bodies[i].lines,
                    MIXED, bodies[i].body);
        struct text_msg out = peer_expect(&w, to, "INVITE", bodies[i].uui);
        CHECK_BYTES(sip_msg_body(out.m), bodies[i].want);
        text_free(&out);
        down();
    }
}

/** Answers and farewells likewise. */
static void test_proxied_answers_with_bodies(void)
{
    up(isup);
    world_raw_invite(&w, &w.gateway, "a", "8555", HI, world_sdp);
    struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", VALUE), ok, bye;
    peer_respond(&w, &w.trunk, &out, "200 OK", "", MIXED,
                 B(SDP_PART ISUP_PART "\x09\x01\x20\x02\x04y\0" END));
    ok = peer_expect(&w, &w.gateway, "200 INVITE", "0479;encoding=hex;purpose=isdn-uui");
    CHECK_BYTES(sip_msg_body(ok.m), B(SDP_PART ISUP_PART "\x09\x01\x20\x02\x04y\0" END));
    request(&w.gateway, "ACK", 1, &ok, &out, "");
    request(&w.gateway, "BYE", 2, &ok, &out, HI);
    bye = peer_expect(&w, &w.trunk, "BYE", VALUE);
    peer_answer(&w, &w.trunk, &bye, "200 OK", "");
    world_run(&w, 100);
    text_free(&bye);
    text_free(&ok);
    text_free(&out);
    down();
    up(isup); /* the service is closed: what the body has is taken out */
    world_raw_invite(&w, &w.gateway, "b", "8555", "", world_sdp);
    out = peer_expect(&w, &w.trunk, "INVITE", "");
    peer_respond(&w, &w.trunk, &out, "180 Ringing", "", "application/isup;version=itu-t92+",
                 B("\x06\x01\x20\x01\x20\x02\x04y\0"));
    struct text_msg ring = peer_expect(&w, &w.gateway, "180 INVITE", "");
    CHECK_BYTES(sip_msg_body(ring.m), B("\x06\x01\x20\0"));
    text_free(&ring);
    text_free(&out);
    down();
}

/** Memory fails at each place in turn: nothing that does not belong gets through. */
static void test_proxied_memory(void)
{
    size_t heard = 0;
    for (size_t n = 1; n < 60; n++) {
        up(isup);
        w.hard = true;
        w.mem.calls = 0;
        w.mem.fail_at = n;
        w.mem.fail_on = n % 2 != 0;
        peer_invite(&w, &w.trunk, "body", "9555", "User-to-User: 044869, 05\r\n", MIXED,
                    B(SDP_PART ISUP_PART "\x06\x01\x20\x01\x20\x03\x04Hi\0" END));
        world_run(&w, 100);
        w.mem.fail_at = 0;
        w.mem.fail_on = false;
        struct str got = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "INVITE", 0);
        heard += str_is_set(got) ? 1 : 0;
        CHECK(str_find(got, STR("044869")) == got.n);
        down();
    }
    CHECK(heard > 0);
}

TEST_MAIN(T(test_proxied_open), T(test_proxied_not_requested), T(test_proxied_others),
          T(test_proxied_elements), T(test_proxied_length), T(test_proxied_refusal),
          T(test_proxied_bodies), T(test_proxied_answers_with_bodies), T(test_proxied_memory))
