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

static const struct trial more[] = {
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

TEST_MAIN(T(test_req9_removal), T(test_req9_other_actions))
