/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REQ-8 and REQ-10 of call-control User-to-User: who understands it and which packages, and
 * calls that are sent there or refused; with somebody on the way who takes from the answers to
 * OPTIONS, puts something into them, or changes what a call demands.
 *
 * There are three gateways for 9*. What they say is learned by OPTIONS; a box lies there about
 * one of them. Baton cannot know that: what it believes is what it was told, and what comes of
 * it is always an answer of the far end or one of ours, never a call that has lost its demand.
 */
#include "hostile.h"

#include "peers/peers.h"
#include <stdio.h>

#define GATEWAYS 3

static struct world w;
static struct peer peers[GATEWAYS];
static struct raw third;
static struct raw *gateway[GATEWAYS];

static const struct uui_package rows[] = {
    {.name = STR_INIT("crm"), .feature_tag = STR_INIT("+com.example.crm")}};
static const struct uui_packages packages = {.row = rows, .n = 1};

static void three_gateways(struct world *world)
{
    static const char *const name[] = {"one", "two", "three"};
    static const char *const host[] = {"10.0.2.1", "10.0.2.2", "10.0.2.3"};
    for (size_t i = 0; i < GATEWAYS; i++) {
        peers[i] = world->peer[0];
        peers[i].name = str_c(name[i]);
        peers[i].host = str_c(host[i]);
        peers[i].probe_s = 60;
        (void)addr_parse_host(str_c(host[i]), 5060, &peers[i].addr);
    }
    world->directory.peers = peers;
    world->directory.peer_count = GATEWAYS;
    world->config.packages = &packages;
}

static void answer(struct raw *r, const char *method, const char *status, const char *lines)
{
    struct text_msg m = world_take(r, method);
    struct hop back = raw_from(r);
    raw_reply(r, &back, m.m, status, "t", lines, "");
    text_free(&m);
}

#define NO "Supported: timer\n"
#define YES "Supported: timer, uui\nContact: <sip:10.0.2.3>;+sip.uui-isdn\n"
#define CRM "Supported: timer, uui\nContact: <sip:10.0.2.2>;+com.example.crm\n"
#define ANSWER_OF(name) .from = name, .to = "baton", .pattern = "200 OPTIONS"
#define FROM_ANN .from = "ann", .to = "baton", .pattern = "INVITE"
#define DEMAND "Require: uui\r\n"
#define ISDN "Accept-Contact: *;+sip.uui-isdn;require;explicit\r\n"
#define WANTS_CRM "Accept-Contact: *;+com.example.crm;require;explicit\r\n"

static const struct row {
    const char *name, *says[GATEWAYS]; /**< in their answers to OPTIONS */
    struct box box[HOSTILE_BOXES];
    const char *lines;          /**< of the call */
    unsigned rings;             /**< which gateway gets it, from 1; 0: none … */
    unsigned status;            /**< … and the caller this */
    const char *demand;         /**< Require of the INVITE that it gets */
    enum understands isdn, crm; /**< what is known of the third */
} trials[] = {
    {"nobody on the way",
     {NO, NO, YES},
     {{0}},
     DEMAND,
     3,
     0,
     "uui",
     UNDERSTANDS_YES,
     UNDERSTANDS_NO},
    {"by package", {NO, NO, YES}, {{0}}, ISDN, 3, 0, "", UNDERSTANDS_YES, UNDERSTANDS_NO},
    {"a private package",
     {NO, CRM, YES},
     {{0}},
     WANTS_CRM,
     2,
     0,
     "",
     UNDERSTANDS_YES,
     UNDERSTANDS_NO},
    {"a private package that nobody has",
     {NO, NO, YES},
     {{0}},
     WANTS_CRM,
     0,
     480,
     NULL,
     UNDERSTANDS_YES,
     UNDERSTANDS_NO},
    {"the option tag is taken out of the answer",
     {NO, NO, YES},
     {{ANSWER_OF("third"), .attack = attack_text, .arg = "timer, uui=>timer"}},
     DEMAND,
     0,
     420,
     NULL,
     UNDERSTANDS_YES,
     UNDERSTANDS_NO},
    {"the feature tag is taken out",
     {NO, NO, YES},
     {{ANSWER_OF("third"), .attack = attack_text, .arg = ";+sip.uui-isdn=>"}},
     ISDN,
     0,
     480,
     NULL,
     UNDERSTANDS_UNKNOWN,
     UNDERSTANDS_UNKNOWN},
    {"another package is put in its place",
     {NO, NO, YES},
     {{ANSWER_OF("third"), .attack = attack_text, .arg = "+sip.uui-isdn=>+com.example.crm"}},
     ISDN,
     0,
     480,
     NULL,
     UNDERSTANDS_UNKNOWN,
     UNDERSTANDS_YES},
    {"another gateway is said to understand",
     {NO, NO, NO},
     {{ANSWER_OF("trunk"), .attack = attack_text, .arg = "timer=>timer, uui"}},
     DEMAND,
     2,
     0,
     "uui",
     UNDERSTANDS_UNKNOWN,
     UNDERSTANDS_NO},
    {"the demand is taken out of the call",
     {NO, NO, YES},
     {{FROM_ANN, .attack = attack_drop, .arg = "Require"}},
     DEMAND,
     1,
     0,
     "",
     UNDERSTANDS_YES,
     UNDERSTANDS_NO},
    {"a demand is put into the call",
     {NO, NO, NO},
     {{FROM_ANN, .attack = attack_add, .arg = DEMAND}},
     "",
     0,
     420,
     NULL,
     UNDERSTANDS_UNKNOWN,
     UNDERSTANDS_NO},
    {"an unknown demand is put into the call",
     {NO, NO, YES},
     {{FROM_ANN, .attack = attack_add, .arg = "Require: x-tap\r\n"}},
     DEMAND,
     0,
     420,
     NULL,
     UNDERSTANDS_YES,
     UNDERSTANDS_NO},
};

static void up(const struct row *r)
{
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = three_gateways});
    raw_up(&third, &w.net, "third", "10.0.2.3");
    gateway[0] = &w.gateway;
    gateway[1] = &w.trunk;
    gateway[2] = &third;
    test_context(r->name);
    hostile_boxes(&w, r->box);
    world_run(&w, 1100);
    for (size_t i = 0; i < GATEWAYS; i++) {
        answer(gateway[i], "OPTIONS", "200 OK", r->says[i]);
    }
    world_run(&w, 50);
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
    test_context(NULL);
}

static void try(const struct row *r)
{
    char status[16];
    up(r);
    test_context(r->name);
    CHECK_INT(peer_understands(&peers[2], STR("isdn-uui"), STR_NONE), r->isdn);
    CHECK_INT(peer_understands(&peers[2], STR("crm"), STR("+com.example.crm")), r->crm);
    REQUIRE(phone_call(PHONE(&w, 0), "9555", true, str_c(r->lines)) != NULL);
    world_run(&w, 200);
    for (size_t i = 0; i < GATEWAYS; i++) {
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), &gateway[i]->node, "INVITE"),
                  i + 1 == r->rings);
    }
    if (r->rings > 0) {
        struct raw *g = gateway[r->rings - 1];
        struct str invite = wire_find(&w.wire, ENGINE(&w), &g->node, "INVITE", 0);
        struct str require = str_trim(wire_raw(invite, "Require", 0));
        CHECK_STR(str_is_set(require) ? require : STR(""), r->demand);
        answer(g, "INVITE", "486 Busy Here", "");
        world_run(&w, 100);
    } else {
        (void)snprintf(status, sizeof(status), "%u INVITE", r->status);
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), status), 1);
    }
    CHECK(r->box[0].attack == NULL || hostile_done() > 0);
    down();
}

static void test_req8_and_req10_gateways(void)
{
    for (size_t i = 0; i < ARRAY_LEN(trials); i++) {
        try(&trials[i]);
    }
}

/* ---- REQ-10: Baton is asked, and a device's registration is changed on the way ---- */

/** What is put into the answer of a gateway is not what Baton says of itself. */
static void test_req10_our_answer(void)
{
    struct hop to;
    up(&trials[6]);
    to = vnet_hop(ENGINE(&w), TP_UDP);
    raw_sendf(&w.gateway, &to,
              "OPTIONS sip:10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-o\n"
              "Max-Forwards: 70\nFrom: <sip:x@10.0.2.1>;tag=1\nTo: <sip:10.0.0.1>\n"
              "Call-ID: o\nCSeq: 1 OPTIONS\n\n");
    world_run(&w, 50);
    struct str a = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "200 OPTIONS", 0);
    CHECK_STR(str_trim(wire_raw(a, "Contact", 0)),
              "<sip:10.0.0.1:5060>;+sip.uui-isdn;+com.example.crm;"
              "extensions=\"timer,100rel,uui,replaces,norefersub,tdialog,histinfo\"");
    down();
}

/** bob's registration says that he understands; a box leaves that out, or puts it in. */
static void registered(const struct box *box, const char *lines, unsigned rings)
{
    struct phone *bob;
    world_up(&w, &(struct world_options){.no_apps = true, .unregistered = true});
    bob = PHONE(&w, 1);
    hostile_boxes(&w, box);
    bob->register_params = ";+sip.uui-isdn";
    bob->register_lines = lines;
    phone_register(bob, 3600);
    phone_register(PHONE(&w, 0), 3600);
    world_run(&w, 100);
    CHECK_INT(bob->register_status, 200);
    REQUIRE(phone_call(PHONE(&w, 0), "1002", true, STR(DEMAND)) != NULL);
    world_run(&w, 200);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &bob->s.node, "INVITE"), rings);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "420 INVITE"), 1 - rings);
    world_down(&w);
}

static void test_req8_registrations(void)
{
    static const struct box none[HOSTILE_BOXES];
    static const struct box out[HOSTILE_BOXES] = {{.from = "bob",
                                                   .to = "baton",
                                                   .pattern = "REGISTER",
                                                   .attack = attack_text,
                                                   .arg = "timer, uui=>timer"}};
    static const struct box in[HOSTILE_BOXES] = {{.from = "bob",
                                                  .to = "baton",
                                                  .pattern = "REGISTER",
                                                  .attack = attack_text,
                                                  .arg = "Supported: timer=>Supported: uui"}};
    registered(none, "Supported: timer, uui\r\n", 1);
    registered(out, "Supported: timer, uui\r\n", 0);
    registered(none, "Supported: timer\r\n", 0);
    registered(in, "Supported: timer\r\n", 1);
}

TEST_MAIN(T(test_req8_and_req10_gateways), T(test_req8_registrations), T(test_req10_our_answer))
