/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REQ-9 of call-control User-to-User: one kind of it is removed on its way, and no other; with
 * somebody who writes it so that it might slip through, in every place that a message has.
 *
 * The rule is: nothing of the package crm goes to the trunk. What stays is compared octet by
 * octet, and what has gone is looked for in everything that the trunk got.
 */
#include "hostile.h"

#define OUT (1u << FLOW_BRIDGE_TRUNK | 1u << FLOW_PROXY_TRUNK)
#define UUI(value) "User-to-User: " value "\r\n"
#define KEEP "04AA;encoding=hex;purpose=isdn-uui"
#define CRM "736563726574;encoding=hex;purpose=crm"
#define FROM_ANN .from = "ann", .to = "baton", .pattern = "INVITE"
#define STRIPPED "strip crm header out of trunk 'no crm'"
#define ISDN "isdn-uui valid, originator sip:1001@example.com"

static const struct str crm[] = {STR_INIT("crm")};
static const struct str trunk[] = {STR_INIT("trunk")};
static const struct str isdn[] = {STR_INIT("isdn-uui")};
static const struct border_rule no_crm[] = {{.name = STR_INIT("no crm"),
                                             .package = crm,
                                             .package_count = 1,
                                             .to = trunk,
                                             .to_count = 1,
                                             .direction = BORDER_OUT,
                                             .action = BORDER_STRIP}};
static const struct border_policy stripping = {.rule = no_crm, .count = 1};

static void strip(struct world *w)
{
    w->config.policy = &stripping;
}

static size_t found(struct str where, struct str what)
{
    size_t n = 0;
    for (size_t i = 0; i + what.n <= where.n; i++) {
        n += str_ieq(str_upto(str_from(where, i), what.n), what);
    }
    return n;
}

/** No octet of the secret is in anything that the trunk got, at whatever depth of escaping. */
static void nothing_leaks(struct service *s, const struct trial *t)
{
    (void)t;
    for (size_t i = 0; i < s->w.wire.n; i++) {
        const struct wire_packet *p = &s->w.wire.packet[i];
        if (p->to == &s->w.trunk.node) {
            CHECK_INT(found(p->bytes, STR("736563726574")), 0);
            CHECK_INT(found(p->bytes, STR("secret")), 0);
            CHECK_INT(found(p->bytes, STR("purpose=crm")), 0);
            CHECK_INT(found(p->bytes, STR("purpose%3Dcrm")), 0);
        }
    }
    CHECK(wire_count(&s->w.wire, &s->w.node, &s->w.trunk.node, "INVITE") > 0);
}

#define ADD(text)                                       \
    {                                                   \
        {                                               \
            FROM_ANN, .attack = attack_add, .arg = text \
        }                                               \
    }
#define URI_CRM "User-to-User=736563726574%3Bencoding%3Dhex%3Bpurpose%3Dcrm"

static const struct trial req9[] = {
    {.name = "only the one",
     .flows = OUT,
     .sends = UUI(KEEP ", " CRM ",  \"x\";purpose=x-else"),
     .arrives = KEEP ",  \"x\";purpose=x-else",
     .reports = "…uui_stripped 1; " STRIPPED,
     .then = nothing_leaks},
    {.name = "first in the line",
     .flows = OUT,
     .sends = UUI(CRM " , " KEEP),
     .arrives = KEEP,
     .reads = ISDN,
     .then = nothing_leaks},
    {.name = "the whole line",
     .flows = OUT,
     .sends = UUI(CRM),
     .arrives = "",
     .reads = "",
     .then = nothing_leaks},
    {.name = "a box appends a line of it",
     .flows = OUT,
     .sends = UUI(KEEP),
     .box = ADD("user-TO-user :" CRM "\r\n"),
     .arrives = KEEP,
     .reads = ISDN,
     .reports = "…uui_stripped 1; " STRIPPED,
     .then = nothing_leaks},
    {.name = "appended twice",
     .flows = OUT,
     .sends = UUI(KEEP ", " CRM),
     .box = ADD(UUI(CRM)),
     .arrives = KEEP,
     .reads = ISDN,
     .reports = "…uui_stripped 2; " STRIPPED "; " STRIPPED,
     .then = nothing_leaks},
    {.name = "capital letters",
     .flows = OUT,
     .sends = UUI(KEEP),
     .box = ADD("USER-TO-USER: 736563726574;Encoding=HEX;PURPOSE=CRM\r\n"),
     .arrives = KEEP,
     .reads = ISDN,
     .then = nothing_leaks},
    {.name = "a folded line",
     .flows = OUT,
     .sends = UUI(KEEP),
     .box = ADD("User-to-User:\r\n 736563726574\r\n\t;encoding=hex\r\n ;purpose\r\n = crm\r\n"),
     .arrives = KEEP,
     .reads = ISDN,
     .then = nothing_leaks},
    {.name = "behind a quoted comma",
     .flows = OUT,
     .sends = UUI(KEEP ";x=\"a,b\""),
     .box = ADD(UUI("\"q\\\",;\";purpose=x-else," CRM)),
     .arrives = KEEP ";x=\"a,b\" | \"q\\\",;\";purpose=x-else",
     .then = nothing_leaks},
    {.name = "in a URI of History-Info",
     .flows = OUT,
     .sends = UUI(KEEP),
     .box = ADD("History-Info: <sip:1002@example.com>;index=1, "
                "<sip:8555@example.com?" URI_CRM ">;index=2;mp=1\r\n"),
     .arrives = KEEP,
     .reads = NULL,
     .then = nothing_leaks},
    {.name = "in a URI of Referred-By",
     .flows = OUT,
     .sends = UUI(KEEP),
     .box = ADD("Referred-By: <sip:1002@example.com?" URI_CRM ">\r\n"),
     .arrives = KEEP,
     .reads = NULL,
     .then = nothing_leaks},
    {.name = "in a header inside of a URI inside of a URI",
     .flows = 1u << FLOW_PROXY_TRUNK,
     .sends = UUI(KEEP),
     .box = ADD("Referred-By: <sip:1002@example.com?Refer-To=%3Csip%3A1@example.com%3F"
                "User-to-User%3D736563726574%253Bencoding%253Dhex%253Bpurpose%253Dcrm%3E>\r\n"),
     .arrives = KEEP,
     .then = nothing_leaks},
    {.name = "in a header of one maker",
     .flows = OUT,
     .sends = UUI(KEEP),
     .box = ADD("X-User-to-User: " CRM "\r\n"),
     .arrives = KEEP,
     .then = nothing_leaks},
};

static void test_req9_removal(void)
{
    struct trial t;
    for (size_t i = 0; i < ARRAY_LEN(req9); i++) {
        t = req9[i];
        t.tweak = strip;
        hostile_run(&t, 1);
    }
}

/* ---- on the ways by which a call goes to somebody else, and in bodies ---- */

static const struct str device[] = {STR_INIT("device")};
static const struct border_rule where[] = {{.name = STR_INIT("no crm of phones"),
                                            .package = crm,
                                            .package_count = 1,
                                            .direction = BORDER_IN,
                                            .from = device,
                                            .from_count = 1,
                                            .action = BORDER_STRIP},
                                           {.name = STR_INIT("no bodies"),
                                            .places = 1u << BORDER_BODY,
                                            .to = trunk,
                                            .to_count = 1,
                                            .direction = BORDER_OUT,
                                            .action = BORDER_STRIP}};
static const struct border_policy in_moves = {.rule = where, .count = ARRAY_LEN(where)};

static void strip_in_moves(struct world *w)
{
    w->config.policy = &in_moves;
}

static void no_correlation(struct service *s, const struct trial *t)
{
    struct str m = wire_find(&s->w.wire, &s->w.node, &s->w.trunk.node, "INVITE", 0);
    (void)t;
    CHECK_INT(found(m, STR("cs-correlation")), 0);
    CHECK_INT(found(wire_body(m), STR("a=sendrecv")), 1);
    uint32_t length = 0;
    CHECK(str_to_u32(str_trim(wire_raw(m, "Content-Length", 0)), &length));
    CHECK_INT(wire_body(m).n, length);
}

#define MOVES "User-to-User=04BB%3Bencoding%3Dhex%2C%20736563726574%3Bpurpose%3Dcrm"
#define GONE "strip crm uri-header in of device 'no crm of phones'"

static const struct trial moves[] = {
    {.name = "in the Contact of a 302",
     .flows = 1u << FLOW_BRIDGE_MOVED | 1u << FLOW_PROXY_MOVED,
     .moves = MOVES,
     .arrives = "04BB;encoding=hex",
     .reads = "isdn-uui valid, redirector sip:1002@example.com",
     .reports = "uui_stripped 1; " GONE},
    {.name = "a box puts it into the Contact once more, as a header of its own",
     .flows = 1u << FLOW_BRIDGE_MOVED | 1u << FLOW_PROXY_MOVED,
     .moves = "User-to-User=04BB%3Bencoding%3Dhex",
     .box = {{.from = "bob",
              .to = "baton",
              .pattern = "302 INVITE",
              .attack = attack_text,
              .arg = "?User=>?uSER-to-user=736563726574%3BPURPOSE%3DCRM&User"}},
     .arrives = "04BB;encoding=hex",
     .reports = "uui_stripped 1; strip CRM uri-header in of device 'no crm of phones'"},
    {.name = "in the Refer-To",
     .flows = 1u << FLOW_REFERRED,
     .moves = MOVES,
     .arrives = "04BB;encoding=hex",
     .reads = "isdn-uui valid, referrer sip:1002@example.com",
     .reports = "uui_stripped 1; " GONE},
    {.name = "in a description",
     .flows = OUT,
     .sends = UUI(KEEP),
     .box = {{FROM_ANN, .attack = attack_body,
              .arg = "a=cs-correlation:uuie:736563726574\r\n"}},
     .arrives = KEEP,
     .reports = "uui_stripped 1; strip isdn-uui body out of trunk 'no bodies'",
     .then = no_correlation},
};

static void test_req9_moves_and_bodies(void)
{
    for (size_t i = 0; i < ARRAY_LEN(moves); i++) {
        struct trial t = moves[i];
        t.tweak = strip_in_moves;
        hostile_run(&t, 1);
    }
}

/* ---- what else a rule may do, and the way back ---- */

static const struct border_rule others[] = {
    {.name = STR_INIT("no crm back"),
     .package = crm,
     .package_count = 1,
     .kind = BORDER_RESPONSE,
     .direction = BORDER_IN,
     .from = trunk,
     .from_count = 1,
     .action = BORDER_STRIP},
    {.name = STR_INIT("short ones only"),
     .package = isdn,
     .package_count = 1,
     .longer_than = 8,
     .direction = BORDER_IN,
     .action = BORDER_REFUSE,
     .status = 403},
    {.name = STR_INIT("nothing broken"),
     .verdicts = 1u << UUI_WRONG,
     .direction = BORDER_IN,
     .action = BORDER_STRIP},
};
static const struct border_policy other_policy = {.rule = others, .count = ARRAY_LEN(others)};

static void other_rules(struct world *w)
{
    w->config.policy = &other_policy;
}

static void refused(struct service *s, const struct trial *t)
{
    (void)t;
    CHECK_INT(wire_count(&s->w.wire, &s->w.node, &s->ann->s.node, "403 INVITE"), 1);
}

/** The trunk rings with two values; the caller gets one of them. */
static void answers_with_crm(struct service *s, const struct trial *t)
{
    struct text_msg m = world_take(&s->w.trunk, "INVITE");
    struct hop back = raw_from(&s->w.trunk);
    (void)t;
    raw_reply(&s->w.trunk, &back, m.m, "180 Ringing", "t",
              "Contact: <sip:555@10.0.2.2>\nUser-to-User: " CRM " , " KEEP "\n", "");
    service_run(s, 100);
    CHECK_STR(service_to(s, &s->ann->s.node, "180 INVITE", 0, "User-to-User"), KEEP);
    raw_reply(&s->w.trunk, &back, m.m, "486 Busy Here", "t", "", "");
    service_run(s, 100);
    text_free(&m);
    CHECK_STR(str_c(hostile_reports(&s->w)),
              "uui_stripped 1; strip crm header in of trunk 'no crm back'");
}

static const struct trial more[] = {
    {.name = "what comes back",
     .flows = OUT,
     .arrives = "",
     .tweak = other_rules,
     .then = answers_with_crm},
    {.name = "a box makes it longer than the rule has it",
     .flows = OUT,
     .sends = UUI("04AABB;encoding=hex"),
     .box = {{FROM_ANN, .attack = attack_text, .arg = "04AABB=>04AABB00112233445566"}},
     .arrives = "no INVITE",
     .reads = "no message",
     .reports = "uui_refused 1; refuse isdn-uui header in of device 'short ones only'",
     .tweak = other_rules,
     .then = refused},
    {.name = "a box breaks it: it is taken out here",
     .flows = OUT,
     .sends = UUI("04AABB;encoding=hex, 01;purpose=x-else"),
     .box = {{FROM_ANN, .attack = attack_truncate, .arg = "5"}},
     .arrives = "01;purpose=x-else",
     .reads = "x-else ignored PACKAGE, originator sip:1001@example.com",
     /* and out of the INVITE that was challenged */
     .reports = "uui_stripped 2; strip isdn-uui header in of device 'nothing broken'; "
                "strip isdn-uui header in of device 'nothing broken'",
     .tweak = other_rules},
};

static void test_req9_other_actions(void)
{
    hostile_run(more, ARRAY_LEN(more));
}

TEST_MAIN(T(test_req9_removal), T(test_req9_moves_and_bodies), T(test_req9_other_actions))
