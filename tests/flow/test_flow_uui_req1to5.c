/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REQ-1 to REQ-5 of call-control User-to-User: set-up and termination, redirection and
 * referral, retargeting, and that nobody fetches anything; with somebody on the way who changes
 * it.
 *
 * Nothing here is sealed: a box that keeps to the grammar cannot be told from the sender, and
 * the tables say so; what breaks a rule is called by that rule, by the terminator and by Baton,
 * and goes on as it is.
 */
#include "hostile.h"

#include <stdio.h>

#define DIRECT (1u << FLOW_BRIDGE | 1u << FLOW_PROXY)
#define MOVED (1u << FLOW_BRIDGE_MOVED | 1u << FLOW_PROXY_MOVED)
#define REFERRED (1u << FLOW_REFERRED)
#define UUI(value) "User-to-User: " value "\r\n"
#define HELLO "0448656C6C6F;encoding=hex"
#define ANN "originator sip:1001@example.com"
#define BOB "sip:1002@example.com"
#define URI(hex) "User-to-User=" hex "%3Bencoding%3Dhex"
#define FROM_ANN .from = "ann", .to = "baton", .pattern = "INVITE"
#define TO_BOB .from = "baton", .to = "bob", .pattern = "INVITE"
#define BY_BOB .from = "bob", .to = "baton", .pattern = "302 INVITE"

/* ---- REQ-1: set-up ---- */

static const struct trial req1[] = {
    {.name = "nobody on the way",
     .flows = DIRECT,
     .sends = UUI(HELLO),
     .arrives = HELLO,
     .reads = "isdn-uui valid, " ANN,
     .reports = ""},
    {.name = "small letters",
     .flows = DIRECT,
     .sends = UUI(HELLO),
     .box = {{TO_BOB, .attack = attack_case}},
     .arrives = "0448656c6c6f;encoding=hex",
     .reads = "isdn-uui valid, " ANN,
     .reports = ""},
    {.name = "bit flip: another value, as good as any",
     .flows = DIRECT,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_flip}},
     .arrives = "0448657C6C6F;encoding=hex",
     .reads = "isdn-uui valid, " ANN,
     .reports = ""},
    {.name = "truncated within an octet",
     .flows = 1u << FLOW_BRIDGE,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_truncate, .arg = "7"}},
     .arrives = "0448656;encoding=hex",
     .reads = "isdn-uui wrong HEX_ODD, " ANN,
     .reports = "uui_wrong 1"},
    {.name = "truncated to nothing",
     .flows = 1u << FLOW_BRIDGE,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_truncate, .arg = "0"}},
     .arrives = ";encoding=hex",
     .reads = "? wrong EMPTY, " ANN,
     .reports = "uui_wrong 1"},
    {.name = "truncated behind Baton",
     .flows = DIRECT,
     .sends = UUI(HELLO),
     .box = {{TO_BOB, .attack = attack_truncate, .arg = "7"}},
     .arrives = "0448656;encoding=hex",
     .reads = "isdn-uui wrong HEX_ODD, " ANN,
     .reports = ""},
    {.name = "a duplicate is appended: none counts",
     .flows = 1u << FLOW_BRIDGE,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_double}},
     .arrives = HELLO " | " HELLO,
     .reads = "isdn-uui ignored MANY, " ANN "; isdn-uui ignored MANY, " ANN,
     .reports = "uui_ignored 2"},
    {.name = "another value is appended: none counts",
     .flows = 1u << FLOW_BRIDGE,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_double, .arg = "04666F72676564;encoding=hex"}},
     .arrives = HELLO " | 04666F72676564;encoding=hex",
     .reads = "isdn-uui ignored MANY, " ANN "; isdn-uui ignored MANY, " ANN,
     .reports = "uui_ignored 2"},
    /* it may be the application's own package: it is shown, with the verdict */
    {.name = "package swapped: nobody knows it",
     .flows = 1u << FLOW_BRIDGE,
     .sends = UUI(HELLO ";purpose=crm"),
     .box = {{FROM_ANN, .attack = attack_text, .arg = "purpose=crm=>purpose=erp"}},
     .arrives = HELLO ";purpose=erp",
     .reads = "erp ignored PACKAGE, " ANN,
     .reports = ""},
    {.name = "content swapped",
     .flows = 1u << FLOW_BRIDGE,
     .sends = UUI(HELLO ";content=isdn-uui"),
     .box = {{FROM_ANN, .attack = attack_text, .arg = "content=isdn-uui=>content=x"}},
     .arrives = HELLO ";content=x",
     .reads = "isdn-uui ignored CONTENT, " ANN,
     .reports = "uui_ignored 1"},
    {.name = "encoding swapped",
     .flows = 1u << FLOW_BRIDGE,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_text, .arg = "encoding=hex=>encoding=b64"}},
     .arrives = "0448656C6C6F;encoding=b64",
     .reads = "isdn-uui ignored ENCODING, " ANN,
     .reports = "uui_ignored 1"},
    {.name = "escaped as for a URI",
     .flows = 1u << FLOW_BRIDGE,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_text, .arg = ";encoding=hex=>%3Bencoding%3Dhex"}},
     .arrives = "0448656C6C6F%3Bencoding%3Dhex",
     .reads = "isdn-uui wrong ESCAPED, " ANN,
     .reports = "uui_wrong 1"},
    {.name = "taken away: that cannot be seen",
     .flows = DIRECT,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_drop, .arg = "User-to-User"}},
     .arrives = "",
     .reads = "",
     .reports = ""},
};

/** 180 and 200 have values of their own, which a box doubles and truncates. */
static void responses(enum role role, const struct box *box, const char *at_180,
                      const char *at_200, unsigned wrong, unsigned ignored)
{
    static struct service s;
    service_begin(&s, role);
    service_up(&s);
    s.w.wire.box = NULL;
    hostile_boxes(&s.w, box);
    s.bob->ring_lines = STR(UUI("0472696E67;encoding=hex"));
    s.bob->answer_lines = STR(UUI("04796573;encoding=hex"));
    REQUIRE(phone_call(s.ann, "1002", true, STR(UUI(HELLO))) != NULL);
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    CHECK_STR(service_to(&s, &s.ann->s.node, "180 INVITE", 0, "User-to-User"), at_180);
    CHECK_STR(service_to(&s, &s.ann->s.node, "200 INVITE", 0, "User-to-User"), at_200);
    CHECK_INT(world_stat(&s.w, "uui_wrong"), wrong);
    CHECK_INT(world_stat(&s.w, "uui_ignored"), ignored);
    service_down(&s);
}

static void test_req1_set_up(void)
{
    static const struct box truncating[HOSTILE_BOXES] = {
        {.from = "bob",
         .to = "baton",
         .pattern = "180 INVITE",
         .attack = attack_truncate,
         .arg = "3"},
        {.from = "bob", .to = "baton", .pattern = "200 INVITE", .attack = attack_flip}};
    static const struct box doubling[HOSTILE_BOXES] = {
        {.from = "bob", .to = "baton", .pattern = "200 INVITE", .attack = attack_double}};
    static const struct box none[HOSTILE_BOXES];
    hostile_run(req1, ARRAY_LEN(req1));
    for (unsigned i = 0; i < 2; i++) {
        enum role role = i == 0 ? ROLE_BRIDGE : ROLE_PROXY;
        unsigned one = role == ROLE_BRIDGE;
        responses(role, none, "0472696E67;encoding=hex", "04796573;encoding=hex", 0, 0);
        responses(role, truncating, "047;encoding=hex", "04797573;encoding=hex", one, 0);
        responses(role, doubling, "0472696E67;encoding=hex", "04796573;encoding=hex", 0,
                  2 * one);
    }
}

/** Both phones of bob's ring, each with a value of its own; one of them is tampered with. */
static void forked(enum role role)
{
    static const struct box flipping[HOSTILE_BOXES] = {
        {.from = "bob2", .to = "baton", .pattern = "180 INVITE", .attack = attack_flip}};
    static struct service s;
    service_begin(&s, role);
    service_up(&s);
    struct phone *second = world_phone(&s.w, "bob2", "10.0.1.22", "1002", TP_UDP);
    hostile_boxes(&s.w, flipping);
    service_mark(&s);
    s.bob->ring_lines = STR(UUI("04AAAA;encoding=hex"));
    second->ring_lines = STR(UUI("04BBBB;encoding=hex"));
    REQUIRE(phone_call(s.ann, "1002", true, STR(UUI(HELLO))) != NULL);
    service_run(&s, 200);
    struct str one = service_to(&s, &s.ann->s.node, "180 INVITE", 0, NULL);
    struct str two = service_to(&s, &s.ann->s.node, "180 INVITE", 1, NULL);
    struct str other = STR("04BABB;encoding=hex");
    struct str first = str_trim(wire_raw(one, "User-to-User", 0));
    CHECK(str_eq(first, other) || str_eq(first, STR("04AAAA;encoding=hex")));
    CHECK_STR(str_trim(wire_raw(two, "User-to-User", 0)),
              str_eq(first, other) ? "04AAAA;encoding=hex" : "04BABB;encoding=hex");
    CHECK(!str_eq(wire_raw(one, "To", 0), wire_raw(two, "To", 0))); /* dialogs of their own */
    CHECK_INT(hostile_done(), 1);
    service_down(&s);
}

static void test_req1_several_phones(void)
{
    forked(ROLE_BRIDGE);
    forked(ROLE_PROXY);
}

/* ---- REQ-2: termination ---- */

static const struct {
    const char *name;
    struct box box[HOSTILE_BOXES];
    const char *bye, *ok; /**< as they arrive */
    unsigned wrong, ignored;
} req2[] = {
    {"nobody on the way", {{0}}, "04627965;encoding=hex", "04746F6F;encoding=hex", 0, 0},
    {"truncated",
     {{.from = "ann", .to = "baton", .pattern = "BYE", .attack = attack_truncate, .arg = "3"}},
     "046;encoding=hex",
     "04746F6F;encoding=hex",
     1,
     0},
    {"doubled",
     {{.from = "ann", .to = "baton", .pattern = "BYE", .attack = attack_double}},
     "04627965;encoding=hex",
     "04746F6F;encoding=hex",
     0,
     2},
    {"the answer's is cut out",
     {{.from = "bob",
       .to = "baton",
       .pattern = "200 BYE",
       .attack = attack_drop,
       .arg = "User-to-User"}},
     "04627965;encoding=hex",
     "",
     0,
     0},
    {"package swapped",
     {{.from = "ann",
       .to = "baton",
       .pattern = "BYE",
       .attack = attack_text,
       .arg = "encoding=hex=>encoding=hex;purpose=erp"}},
     "04627965;encoding=hex;purpose=erp",
     "04746F6F;encoding=hex",
     0,
     0},
};

static void termination(enum role role, size_t row)
{
    static struct service s;
    unsigned one = role == ROLE_BRIDGE;
    test_context(req2[row].name);
    service_begin(&s, role);
    service_up(&s);
    REQUIRE(phone_call(s.ann, "1002", true, STR(UUI(HELLO))) != NULL);
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    hostile_boxes(&s.w, req2[row].box);
    s.bob->bye_lines = STR(UUI("04746F6F;encoding=hex"));
    phone_hang_up(s.ann, STR(UUI("04627965;encoding=hex")));
    service_run(&s, 200);
    CHECK_STR(service_to(&s, &s.bob->s.node, "BYE", 0, "User-to-User"), req2[row].bye);
    CHECK_STR(service_to(&s, &s.ann->s.node, "200 BYE", 0, "User-to-User"), req2[row].ok);
    CHECK_INT(world_stat(&s.w, "uui_wrong"), one * req2[row].wrong);
    CHECK_INT(world_stat(&s.w, "uui_ignored"), one * req2[row].ignored);
    service_down(&s);
    test_context(NULL);
}

static void test_req2_termination(void)
{
    for (size_t i = 0; i < ARRAY_LEN(req2); i++) {
        termination(ROLE_BRIDGE, i);
        termination(ROLE_PROXY, i);
    }
}

/* ---- REQ-3: redirection and referral ---- */

static const struct trial req3[] = {
    {.name = "nobody on the way",
     .flows = MOVED,
     .moves = URI("04BB"),
     .arrives = "04BB;encoding=hex",
     .reads = "isdn-uui valid, redirector " BOB,
     .reports = ""},
    {.name = "referral",
     .flows = REFERRED,
     .moves = URI("04BB"),
     .arrives = "04BB;encoding=hex",
     .reads = "isdn-uui valid, referrer " BOB,
     .reports = ""},
    {.name = "bit flip in the Contact",
     .flows = MOVED,
     .moves = URI("04BB"),
     .box = {{BY_BOB, .attack = attack_flip}},
     .arrives = "04AB;encoding=hex",
     .reads = "isdn-uui valid, redirector " BOB,
     .reports = ""},
    {.name = "truncated in the Contact",
     .flows = 1u << FLOW_BRIDGE_MOVED,
     .moves = URI("04BB"),
     .box = {{BY_BOB, .attack = attack_truncate, .arg = "3"}},
     .arrives = "04B;encoding=hex",
     .reads = "isdn-uui wrong HEX_ODD, redirector " BOB,
     .reports = "uui_wrong 1"},
    {.name = "escaped once more",
     .flows = 1u << FLOW_BRIDGE_MOVED,
     .moves = URI("04BB"),
     .box = {{BY_BOB, .attack = attack_text, .arg = "%3Bencoding%3D=>%253Bencoding%253D"}},
     .arrives = "04BB%3Bencoding%3Dhex",
     .reads = "isdn-uui wrong ESCAPED, redirector " BOB,
     .reports = "uui_wrong 1"},
    {.name = "package swapped: it goes beside the caller's",
     .flows = 1u << FLOW_BRIDGE_MOVED,
     .sends = UUI(HELLO),
     .moves = URI("04BB"),
     .box = {{BY_BOB, .attack = attack_text, .arg = "Dhex>=>Dhex%3Bpurpose%3Dcrm>"}},
     .arrives = "04BB;encoding=hex;purpose=crm, " HELLO,
     .reads = "crm valid, redirector " BOB "; isdn-uui valid, " ANN,
     .reports = "uui_ignored 1"}, /* one of them is shown */
    {.name = "taken out of the Contact: the caller's stays",
     .flows = MOVED,
     .sends = UUI(HELLO),
     .moves = URI("04BB"),
     .box = {{BY_BOB, .attack = attack_text, .arg = "?User-to-User=04BB%3Bencoding%3Dhex=>"}},
     .arrives = HELLO,
     .reads = "isdn-uui valid, " ANN,
     .reports = ""},
    {.name = "bit flip in the Refer-To",
     .flows = REFERRED,
     .moves = URI("04BB"),
     .box = {{.from = "bob", .to = "baton", .pattern = "REFER", .attack = attack_flip}},
     .arrives = "04AB;encoding=hex",
     .reads = "isdn-uui valid, referrer " BOB,
     .reports = ""},
    {.name = "a User-to-User line beside the Refer-To means nothing",
     .flows = REFERRED,
     .moves = URI("04BB"),
     .box = {{.from = "bob",
              .to = "baton",
              .pattern = "REFER",
              .attack = attack_add,
              .arg = UUI("04CC;encoding=hex")}},
     .arrives = "04BB;encoding=hex",
     .reads = "isdn-uui valid, referrer " BOB,
     .reports = ""},
};

static void test_req3_redirection_and_referral(void)
{
    hostile_run(req3, ARRAY_LEN(req3));
}

/* ---- REQ-4: retargeting ---- */

/** Every octet of the header is as it was, wherever the request is sent. */
static void unchanged(struct service *s, const struct trial *t)
{
    const struct vnode *at = wire_count(&s->w.wire, &s->w.node, &s->cleo->s.node, "INVITE") > 0
                                 ? &s->cleo->s.node
                                 : &s->bob->s.node;
    struct str in = wire_arrived(&s->w.wire, &s->ann->s.node, &s->w.node, "INVITE", 1);
    struct str out = wire_find(&s->w.wire, &s->w.node, at, "INVITE", 0);
    (void)t;
    for (size_t i = 0; str_is_set(wire_raw(in, "User-to-User", i)); i++) {
        CHECK_BYTES(wire_raw(out, "User-to-User", i), wire_raw(in, "User-to-User", i));
    }
    CHECK(!str_eq(str_upto(in, str_find(in, STR("\r\n"))),
                  str_upto(out, str_find(out, STR("\r\n"))))); /* it was retargeted */
}

static const struct trial req4[] = {
    {.name = "odd writing",
     .flows = DIRECT,
     .sends = "User-to-User:  0448656C6C6F ;Encoding = HEX;x=\"a;b,c\"\r\n",
     .arrives = "0448656C6C6F ;Encoding = HEX;x=\"a;b,c\"",
     .reads = "isdn-uui valid, " ANN,
     .reports = "",
     .then = unchanged},
    {.name = "a box appends what is no value",
     .flows = DIRECT,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_double, .arg = "\"open;purpose=crm"}},
     .arrives = HELLO " | \"open;purpose=crm",
     .reads = "isdn-uui valid, " ANN "; ? wrong QUOTE_OPEN, " ANN,
     .then = unchanged},
    {.name = "a package that nobody knows",
     .flows = DIRECT,
     .sends = UUI("\"Grüße, {1|2}\";encoding=json;purpose=x-else;content=y"),
     .arrives = "\"Grüße, {1|2}\";encoding=json;purpose=x-else;content=y",
     .reads = "x-else ignored PACKAGE, " ANN,
     .then = unchanged},
    {.name = "three in a line, and redirected",
     .flows = MOVED,
     .sends = UUI(HELLO ",  BB;purpose=crm ,\"x\";purpose=x-else"),
     .arrives = HELLO ",  BB;purpose=crm ,\"x\";purpose=x-else",
     .reads = "isdn-uui valid, " ANN "; crm valid, " ANN "; x-else ignored PACKAGE, " ANN,
     .then = unchanged},
};

static void test_req4_retargeting(void)
{
    hostile_run(req4, ARRAY_LEN(req4));
}

/* ---- REQ-5: nothing is fetched ---- */

/** Baton talks to nobody but who is in the call. */
static void nobody_else(struct service *s, const struct trial *t)
{
    (void)t;
    for (size_t i = 0; i < s->w.wire.n; i++) {
        const struct wire_packet *p = &s->w.wire.packet[i];
        bool known = p->to == &s->w.node || p->to == &s->ann->s.node ||
                     p->to == &s->bob->s.node || p->to == &s->cleo->s.node ||
                     p->to == &s->w.crm.s.node || i < s->mark;
        CHECK(known);
    }
    CHECK_INT(wire_count(&s->w.wire, NULL, &s->w.trunk.node, "OPTIONS"), 0);
}

static const struct trial req5[] = {
    {.name = "the value is a reference",
     .flows = DIRECT,
     .sends = UUI("\"https://crm.example.net/c/17\";encoding=text;purpose=crm"),
     .arrives = "\"https://crm.example.net/c/17\";encoding=text;purpose=crm",
     .reads = "crm valid, " ANN,
     .reports = "",
     .then = nobody_else},
    {.name = "a box puts a reference in place of the value",
     .flows = 1u << FLOW_BRIDGE,
     .sends = UUI(HELLO),
     .box = {{FROM_ANN, .attack = attack_text,
              .arg = "0448656C6C6F=>\"http://10.9.9.9/evil\""}},
     .arrives = "\"http://10.9.9.9/evil\";encoding=hex",
     .reads = "isdn-uui wrong HEX_CHAR, " ANN,
     .reports = "uui_wrong 1",
     .then = nobody_else},
    {.name = "a reference in a redirection",
     .flows = MOVED,
     .moves = "User-to-User=%22sip%3Afetch%40evil.example%22%3Bpurpose%3Dcrm%3Bencoding%3Dtext",
     .arrives = "\"sip:fetch@evil.example\";purpose=crm;encoding=text",
     .reads = "crm valid, redirector " BOB,
     .reports = "",
     .then = nobody_else},
    {.name = "a token reference beside a Referred-By",
     .flows = REFERRED,
     .moves = URI("04BB"),
     .box = {{.from = "bob",
              .to = "baton",
              .pattern = "REFER",
              .attack = attack_text,
              .arg = "sip:1002@example.com>\r\n=>sip:1002@example.com>"
                     ";cid=\"1@evil.example\"\r\n"}},
     .arrives = "04BB;encoding=hex",
     .reads = "isdn-uui valid, referrer " BOB,
     .then = nobody_else},
};

static void test_req5_nothing_is_fetched(void)
{
    hostile_run(req5, ARRAY_LEN(req5));
}

TEST_MAIN(T(test_req1_set_up), T(test_req1_several_phones), T(test_req2_termination),
          T(test_req3_redirection_and_referral), T(test_req4_retargeting),
          T(test_req5_nothing_is_fetched))
