/* SPDX-License-Identifier: Apache-2.0 */
/* The border: message in, message out, octet by octet; rules; notes; who brought what. */
#include "kit_border.h"

static struct kit_border k;

#define PKG(name) ((const struct str[]){STR_INIT(name)})
#define ONE(field, name) .field = PKG(name), .field##_count = 1

#define START "INVITE sip:bob@example.com SIP/2.0\r\n"
#define TOP                                         \
    "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx\r\n" \
    "From: <sip:alice@example.com>;tag=1\r\n"       \
    "To: <sip:bob@example.com>\r\n"                 \
    "Call-ID: c1\r\n"                               \
    "CSeq: 7 INVITE\r\n"
#define END "Content-Length: 0\r\n\r\n"

static const struct border_rule no_crm = {
    .name = STR_INIT("no-crm"), ONE(package, "crm"), .action = BORDER_STRIP};
static const struct border_rule no_isdn = {
    .name = STR_INIT("no-isdn"), ONE(package, "isdn-uui"), .action = BORDER_STRIP};
static const struct border_rule nothing = {.name = STR_INIT("nothing"), .action = BORDER_STRIP};
static const struct border_rule swap = {.name = STR_INIT("swap"),
                                        ONE(package, "crm"),
                                        .action = BORDER_REPLACE,
                                        .value = STR_INIT("\"a, b\";purpose=crm")};
static const struct border_rule no_history = {
    .name = STR_INIT("no-history"), .places = 1 << BORDER_URI_HEADER, .action = BORDER_STRIP};
static const struct border_rule no_wrong = {
    .name = STR_INIT("no-wrong"), .verdicts = 1 << UUI_WRONG, .action = BORDER_STRIP};
static const struct border_rule no_long = {
    .name = STR_INIT("no-long"), .longer_than = 3, .action = BORDER_STRIP};
static const struct border_rule no_text = {
    .name = STR_INIT("no-text"), ONE(encoding, "ascii"), .action = BORDER_STRIP};

#define CRM "x;encoding=text;purpose=crm"
#define ISDN "04AA;encoding=hex"
#define ISDN_U "04AA%3Bencoding%3Dhex"
#define CRM_U "x%3Bencoding%3Dtext%3Bpurpose%3Dcrm"

struct row {
    const char *name;
    const struct border_rule *rule;
    const char *before, *after; /**< lines between TOP and END; after NULL: as before */
};

static const struct row rows[] = {
    {"nothing there", &nothing, "X-Other: 1\r\n", NULL},
    {"another package", &no_crm, "User-to-User: " ISDN "\r\n", NULL},
    {"the only one of the line", &no_crm, "A: 1\r\nUser-to-User: " CRM "\r\nB: 2\r\n",
     "A: 1\r\nB: 2\r\n"},
    {"the first of a list", &no_crm, "user-to-user :" CRM " ,  " ISDN "\r\n",
     "user-to-user :" ISDN "\r\n"},
    {"the last of a list", &no_crm, "User-to-User: " ISDN " , " CRM "\r\n",
     "User-to-User: " ISDN "\r\n"},
    {"in the middle", &no_crm, "User-to-User: " ISDN ",\"a,b\";purpose=crm , 05;purpose=y\r\n",
     "User-to-User: " ISDN " , 05;purpose=y\r\n"},
    {"two in the middle", &no_crm,
     "User-to-User: " ISDN ",1;purpose=crm,2;purpose=crm, 05;purpose=y\r\n",
     "User-to-User: " ISDN ", 05;purpose=y\r\n"},
    {"every other one", &no_crm,
     "User-to-User: 1;purpose=crm," ISDN ",2;purpose=crm, 05;purpose=y,\t3;purpose=crm\r\n",
     "User-to-User: " ISDN ", 05;purpose=y\r\n"},
    {"over folded lines", &no_crm, "User-to-User: " ISDN ",\r\n\t" CRM ",\r\n 05;purpose=y\r\n",
     "User-to-User: " ISDN ",\r\n 05;purpose=y\r\n"},
    {"of several lines one", &no_crm,
     "User-to-User: " ISDN "\r\nX-Y: z\r\nUser-to-User: " CRM
     "\r\nUser-to-User: 1;purpose=z\r\n",
     "User-to-User: " ISDN "\r\nX-Y: z\r\nUser-to-User: 1;purpose=z\r\n"},
    {"Refer-To with Replaces", &no_isdn,
     "Refer-To: \"?\" <sip:a@b?Replaces=c%3Bto-tag%3D1&User-to-User=" ISDN_U
     "&Subject=x>;p=1\r\n",
     "Refer-To: \"?\" <sip:a@b?Replaces=c%3Bto-tag%3D1&Subject=x>;p=1\r\n"},
    {"the only header of the URI", &no_isdn,
     "Refer-To: <sip:a@b;x=y?User-to-User=" ISDN_U ">\r\n", "Refer-To: <sip:a@b;x=y>\r\n"},
    {"the last header of the URI, without brackets", &no_isdn,
     "r: sip:a@b?Subject=x&uSER-to-User=" ISDN_U "\r\n", "r: sip:a@b?Subject=x\r\n"},
    {"an element of an embedded list", &no_crm,
     "Contact: <sip:a@b?User-to-User=" ISDN_U "%2c%20" CRM_U ">, <sip:c@d>;q=0.5\r\n",
     "Contact: <sip:a@b?User-to-User=" ISDN_U ">, <sip:c@d>;q=0.5\r\n"},
    {"an escaped name", &no_isdn, "Contact: <sip:a@b?%55ser%2Dto-User=" ISDN_U ">\r\n",
     "Contact: <sip:a@b>\r\n"},
    {"an escaped equals sign", &nothing, "Refer-To: <sip:a@b?User-to-User%3D" ISDN_U ">\r\n",
     "Refer-To: <sip:a@b>\r\n"},
    {"History-Info", &no_history,
     "User-to-User: " ISDN "\r\nHistory-Info: <sip:a@b?Reason=SIP%3Bcause%3D302>;index=1, "
     "<sip:c@d?Reason=x&User-to-User=" ISDN_U ">;index=1.1\r\n",
     "User-to-User: " ISDN "\r\nHistory-Info: <sip:a@b?Reason=SIP%3Bcause%3D302>;index=1, "
     "<sip:c@d?Reason=x>;index=1.1\r\n"},
    {"Referred-By and Diversion", &nothing,
     "Referred-By: <sip:a@b?User-to-User=1>;cid=x\r\nDiversion: <sip:a@b?User-to-User=1>\r\n",
     "Referred-By: <sip:a@b>;cid=x\r\nDiversion: <sip:a@b>\r\n"},
    {"a history in a contact", &no_crm,
     "Contact: <sip:a@b?History-Info=%3Csip%3Ac%40d%3FUser-to-User%3D" ISDN_U
     "%252C1%253Bpurpose%253Dcrm%26Reason%3Dx%3E%3Bindex%3D1>\r\n",
     "Contact: <sip:a@b?History-Info=%3Csip%3Ac%40d%3FUser-to-User%3D" ISDN_U
     "%26Reason%3Dx%3E%3Bindex%3D1>\r\n"},
    {"all of a history in a contact", &nothing,
     "Contact: <sip:a@b?Subject=%41&History-Info=%3Csip%3Ac%40d%3FUser-to-User%3D1"
     "%26Reason%3Dx%3E%3Bindex%3D1>\r\n",
     "Contact: <sip:a@b?Subject=%41&History-Info=%3Csip%3Ac%40d%3FReason%3Dx%3E%3Bindex%3D1>\r\n"},
    {"headers of makers", &nothing,
     "X-UUI: protocol-discriminator=4;x=1\r\nX-User-To-User: 1\r\nX-UserToUser: 2\r\nX-U: 3\r\n",
     "X-U: 3\r\n"},
    {"parameters of URIs", &nothing,
     "Contact: <sip:a@b;transport=udp;uui=04AA%3Bx;lr;%61ai=7?Subject=x>;q=1\r\n",
     "Contact: <sip:a@b;transport=udp;lr?Subject=x>;q=1\r\n"},
    {"what looks like one", &nothing,
     "Contact: <sip:a;uui=1@b;user=phone>;audio\r\nSubject: ;uui=1?User-to-User=1\r\n", NULL},
    {"by verdict", &no_wrong, "User-to-User: 04A;encoding=hex, 04AZ;encoding=hex\r\n", ""},
    {"by length", &no_long, "User-to-User: 04AABB;encoding=hex,04AABBCC;encoding=hex\r\n",
     "User-to-User: 04AABB;encoding=hex\r\n"},
    {"by encoding", &no_text, "User-to-User: 04AA;encoding=ASCII,04AABBCC\r\n",
     "User-to-User: 04AABBCC\r\n"},
    {"replaced in a list", &swap, "User-to-User: " ISDN " , " CRM " ,1;purpose=z\r\n",
     "User-to-User: " ISDN " , \"a, b\";purpose=crm ,1;purpose=z\r\n"},
    {"replaced in a URI", &swap, "Refer-To: <sip:a@b?User-to-User=" CRM_U "&a=b>\r\n",
     "Refer-To: <sip:a@b?User-to-User=%22a%2C%20b%22%3Bpurpose%3Dcrm&a=b>\r\n"},
    {"replaced by the same", &swap, "User-to-User: \"a, b\";purpose=crm\r\n", NULL},
};

static struct str message(const char *lines)
{
    const struct str parts[] = {STR(START TOP), str_c(lines), STR(END)};
    return arena_join(&k.arena, parts, 3);
}

/** What left, at whichever door. */
static struct str passed(enum border_verdict v, struct str text)
{
    return v == BORDER_AS_IT_IS ? text : v == BORDER_CHANGED ? k.result.bytes : STR("refused");
}

static void test_elements(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        test_context(r->name);
        kit_init(&k.kit);
        CHECK_INT(kit_border_up(&k, r->rule, 1, NULL), 0);
        struct str text = test_guard(message(r->before));
        struct str want = r->after != NULL ? message(r->after) : text;
        enum border_verdict in = kit_border_in(&k, text, 9, TP_UDP);
        CHECK_BYTES(passed(in, text), want);
        CHECK_INT(in, r->after != NULL ? BORDER_CHANGED : BORDER_AS_IT_IS);
        enum border_verdict out = kit_border_out(&k, text, 9, TP_UDP);
        CHECK_BYTES(passed(out, text), want);
        test_guard_free(text);
        kit_border_down(&k);
        CHECK_INT(k.kit.mem.live, 0);
    }
    test_context(NULL);
}

/* ---- parties, doors, methods ---- */

static const struct border_rule inside[] = {
    {.name = STR_INIT("ours-stays"),
     ONE(from, "pbx"),
     ONE(to, "trunk"),
     .action = BORDER_STRIP},
    {.name = STR_INIT("phones-refused"),
     ONE(from, "device"),
     .direction = BORDER_IN,
     ONE(package, "secret*"),
     .action = BORDER_REFUSE,
     .status = 420,
     .reason = STR_INIT("No Such Thing")},
    {.name = STR_INIT("own"), ONE(from, "baton"), ONE(to, "*"), .action = BORDER_REFUSE},
};

static void test_who_brought_it(void)
{
    kit_init(&k.kit);
    CHECK_INT(kit_border_up(&k, inside, ARRAY_LEN(inside), NULL), 0);
    struct str header = message("User-to-User: " ISDN "\r\n");
    struct str uri = message("Refer-To: <sip:a@b?User-to-User=04aa%3Bencoding%3Dhex>\r\n");
    /* nobody's: Baton's own */
    CHECK_INT(kit_border_out(&k, header, 3, TP_UDP), BORDER_REFUSED);
    CHECK_INT(k.result.refusal.status, 403);
    CHECK_INT(kit_border_out(&k, header, 9, TP_UDP), BORDER_AS_IT_IS);
    /* a phone's, referred by URI and sent as header, and so is another spelling */
    CHECK_INT(kit_border_in(&k, uri, 9, TP_UDP), BORDER_AS_IT_IS);
    CHECK_INT(kit_border_out(&k, header, 3, TP_UDP), BORDER_AS_IT_IS);
    /* the PBX's */
    CHECK_INT(kit_border_in(&k, header, 2, TP_UDP), BORDER_AS_IT_IS);
    CHECK_INT(kit_border_out(&k, header, 3, TP_UDP), BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, message(""));
    CHECK_INT(kit_border_out(&k, header, 2, TP_UDP), BORDER_AS_IT_IS);
    kit_border_down(&k);
    CHECK_INT(k.kit.mem.live, 0);
}

static void test_refusal(void)
{
    kit_init(&k.kit);
    CHECK_INT(kit_border_up(&k, inside, ARRAY_LEN(inside), NULL), 0);
    struct str text = message("User-to-User: x;purpose=secret1\r\n");
    CHECK_INT(kit_border_in(&k, text, 2, TP_UDP), BORDER_AS_IT_IS);
    CHECK_INT(kit_border_in(&k, text, 9, TP_UDP), BORDER_REFUSED);
    CHECK_INT(k.result.refusal.status, 420);
    CHECK_STR(k.result.refusal.reason, "No Such Thing");
    CHECK_STR(k.result.refusal.lines,
              "Unsupported: uui\r\n"
              "Warning: 399 baton \"User-to-User (secret1): refused by policy\"\r\n");
    /* what cannot be refused goes on without */
    static const char *const never[] = {
        "BYE sip:bob@example.com SIP/2.0\r\n", "ACK sip:bob@example.com SIP/2.0\r\n",
        "CANCEL sip:bob@example.com SIP/2.0\r\n", "PRACK sip:bob@example.com SIP/2.0\r\n",
        "SIP/2.0 200 OK\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        const struct str parts[] = {str_c(never[i]),
                                    STR(TOP "User-to-User: x;purpose=secret1\r\n" END)};
        const struct str want[] = {parts[0], STR(TOP END)};
        CHECK_INT(kit_border_in(&k, arena_join(&k.arena, parts, 2), 9, TP_UDP), BORDER_CHANGED);
        CHECK_BYTES(k.result.bytes, arena_join(&k.arena, want, 2));
    }
    CHECK_INT(k.border.stats.refused, 1);
    CHECK_INT(k.border.stats.stripped, 5);
    kit_border_down(&k);
}

static const struct {
    const char *name;
    struct border_rule rule;
    bool in, out, over_tls, response;
} conditions[] = {
    {"all", {.action = BORDER_STRIP}, true, true, true, true},
    {"in", {.direction = BORDER_IN, .action = BORDER_STRIP}, true, false, false, true},
    {"out", {.direction = BORDER_OUT, .action = BORDER_STRIP}, false, true, true, false},
    {"to", {ONE(to, "trunk"), .action = BORDER_STRIP}, false, true, true, false},
    {"to another", {ONE(to, "pbx"), .action = BORDER_STRIP}, false, false, false, false},
    {"plain", {.secure = BORDER_NO, .action = BORDER_STRIP}, true, true, false, true},
    {"tls", {.secure = BORDER_YES, .action = BORDER_STRIP}, false, false, true, false},
    {"method",
     {.methods = 1u << SIP_METHOD_INVITE, .action = BORDER_STRIP},
     true,
     true,
     true,
     true},
    {"other method",
     {.methods = 1u << SIP_METHOD_BYE, .action = BORDER_STRIP},
     false,
     false,
     false,
     false},
    {"requests", {.kind = BORDER_REQUEST, .action = BORDER_STRIP}, true, true, true, false},
    {"responses", {.kind = BORDER_RESPONSE, .action = BORDER_STRIP}, false, false, false, true},
};

static void test_conditions(void)
{
    for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
        test_context(conditions[i].name);
        kit_init(&k.kit);
        CHECK_INT(kit_border_up(&k, &conditions[i].rule, 1, NULL), 0);
        struct str text = message("User-to-User: " ISDN "\r\n");
        struct str answer = STR("SIP/2.0 180 Ringing\r\n" TOP "User-to-User: " ISDN "\r\n" END);
        CHECK_INT(kit_border_in(&k, text, 3, TP_UDP) == BORDER_CHANGED, conditions[i].in);
        CHECK_INT(kit_border_out(&k, text, 3, TP_TCP) == BORDER_CHANGED, conditions[i].out);
        CHECK_INT(kit_border_out(&k, text, 3, TP_TLS) == BORDER_CHANGED,
                  conditions[i].over_tls);
        CHECK_INT(kit_border_in(&k, answer, 3, TP_UDP) == BORDER_CHANGED,
                  conditions[i].response);
        kit_border_down(&k);
    }
    test_context(NULL);
}

static const struct border_rule two[] = {
    {.name = STR_INIT("a"), ONE(package, "isdn-uui"), .action = BORDER_PASS},
    {.name = STR_INIT("b"), .action = BORDER_STRIP},
};

static void test_first_match_wins(void)
{
    kit_init(&k.kit);
    CHECK_INT(kit_border_up(&k, two, 2, NULL), 0);
    CHECK_INT(kit_border_in(&k, message("User-to-User: " CRM "," ISDN "\r\n"), 3, TP_UDP),
              BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, message("User-to-User: " ISDN "\r\n"));
    kit_border_down(&k);
}

/* ---- packages ---- */

static void test_tls_only(void)
{
    static const struct uui_package row[] = {
        {.name = STR_INIT("crm"), .tls_only = true},
        {.name = STR_INIT("mine"), .direction = UUI_IN},
    };
    static const struct uui_packages packages = {.row = row, .n = 2};
    kit_init(&k.kit);
    CHECK_INT(kit_border_up(&k, NULL, 0, &packages), 0);
    CHECK(k.border.active);
    struct str text = message("User-to-User: AA;purpose=crm," ISDN "\r\n");
    CHECK_INT(kit_border_in(&k, text, 2, TP_UDP), BORDER_AS_IT_IS);
    CHECK_INT(kit_border_out(&k, text, 3, TP_TLS), BORDER_AS_IT_IS);
    CHECK_INT(kit_border_out(&k, text, 3, TP_UDP), BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, message("User-to-User: " ISDN "\r\n"));
    CHECK_INT(k.border.stats.withheld, 1);
    k.policy.refuse_plain = true;
    CHECK_INT(kit_border_out(&k, text, 3, TP_UDP), BORDER_REFUSED);
    CHECK_STR(k.result.refusal.lines,
              "Warning: 399 baton \"User-to-User (crm): not over a hop without TLS\"\r\n");
    CHECK_INT(kit_border_out(&k, message("User-to-User: AA;purpose=mine\r\n"), 3, TP_TLS),
              BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, message(""));
    kit_border_down(&k);
}

/* ---- notes ---- */

struct told {
    size_t n;
    struct border_note last;
};

static void hear(void *ctx, const struct border_note *note)
{
    struct told *t = ctx;
    t->n++;
    t->last = *note;
}

static void test_notes(void)
{
    struct told t = {0};
    kit_init(&k.kit);
    CHECK_INT(kit_border_up(&k, &no_crm, 1, NULL), 0);
    struct str text = message("User-to-User: " CRM "," CRM "\r\n");
    for (int i = 0; i < 3; i++) { /* repeated, it is noted once */
        CHECK_INT(kit_border_in(&k, text, 2, TP_UDP), BORDER_CHANGED);
    }
    border_each_note(&k.border, STR("c1"), hear, &t);
    CHECK_INT(t.n, 2);
    CHECK_STR(t.last.peer, "pbx");
    CHECK_STR(t.last.rule, "no-crm");
    CHECK(strcmp(t.last.package, "crm") == 0);
    CHECK_INT(t.last.method, SIP_METHOD_INVITE);
    CHECK_INT(t.last.header, SIP_HDR_USER_TO_USER);
    CHECK_INT(t.last.direction, BORDER_IN);
    CHECK_INT(t.last.action, BORDER_STRIP);
    CHECK_INT(k.border.stats.stripped, 2);
    CHECK_INT(k.border.stats.seen, 6);
    t.n = 0;
    border_each_note(&k.border, STR("c2"), hear, &t);
    CHECK_INT(t.n, 0);
    CHECK_INT(kit_border_out(&k, text, 3, TP_UDP), BORDER_CHANGED);
    border_each_note(&k.border, STR_NONE, hear, &t);
    CHECK_INT(t.n, 4);
    /* texts of the configuration do not outlive it */
    CHECK_INT(border_refresh(&k.border, NULL, NULL), 0);
    border_each_note(&k.border, STR_NONE, hear, &t);
    CHECK_INT(t.last.rule.n + t.last.peer.n, 0);
    CHECK(!k.border.active);
    kit_border_down(&k);
    CHECK_INT(k.kit.mem.live, 0);
}

static void test_ring_is_bounded(void)
{
    struct told t = {0};
    char id[32];
    kit_init(&k.kit);
    CHECK_INT(kit_border_up(&k, &nothing, 1, NULL), 0);
    for (int i = 0; i < BORDER_NOTES + 10; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        const struct str parts[] = {
            STR(START "Via: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: "
                      "<sip:b@b>\r\nCSeq: 1 INVITE\r\nCall-ID: "),
            str_c(id), STR("\r\nUser-to-User: " ISDN "\r\n" END)};
        CHECK_INT(kit_border_in(&k, arena_join(&k.arena, parts, 3), 2, TP_UDP), BORDER_CHANGED);
        arena_reset(&k.arena);
    }
    border_each_note(&k.border, STR_NONE, hear, &t);
    CHECK_INT(t.n, BORDER_NOTES);
    t.n = 0;
    border_each_note(&k.border, STR("0"), hear, &t);
    CHECK_INT(t.n, 0);
    border_each_note(&k.border, str_c(id), hear, &t);
    CHECK_INT(t.n, 1);
    kit_border_down(&k);
}

/* ---- bounds and memory ---- */

static void test_too_many(void)
{
    kit_init(&k.kit);
    CHECK_INT(kit_border_up(&k, &nothing, 1, NULL), 0);
    char *lines = arena_alloc(&k.arena, 5000);
    struct out o;
    out_init(&o, lines, 5000);
    out_c(&o, "User-to-User: 1");
    for (int i = 0; i < 600; i++) {
        out_c(&o, ",1");
    }
    out_c(&o, "\r\n");
    out_ch(&o, '\0');
    CHECK_INT(kit_border_in(&k, message(lines), 2, TP_UDP), BORDER_REFUSED);
    CHECK_INT(k.result.refusal.status, 400);
    const struct str parts[] = {STR("SIP/2.0 200 OK\r\n" TOP), str_c(lines), STR(END)};
    CHECK_INT(kit_border_in(&k, arena_join(&k.arena, parts, 3), 2, TP_UDP), BORDER_NO_MEMORY);
    kit_border_down(&k);
}

static void test_without_memory(void)
{
    const char *lines =
        "User-to-User: " ISDN "," CRM "\r\nRefer-To: <sip:a@b?User-to-User=" CRM_U
        "&History-Info=%3Csip:a%40b%3FUser-to-User%3D" CRM_U "%3E>\r\n";
    for (size_t at = 1; at < 200; at++) {
        kit_init(&k.kit);
        if (kit_border_up(&k, inside, ARRAY_LEN(inside), NULL) != 0) {
            CHECK(false);
        }
        k.policy = (struct border_policy){.rule = &no_crm, .count = 1};
        struct str text = message(lines);
        struct str copy = test_guard(text);
        arena_fini(&k.arena);
        arena_init(&k.arena, &k.kit.env.mem, 64); /* each allocation one of its own */
        k.kit.mem.fail_at = k.kit.mem.calls + at;
        enum border_verdict v = kit_border_in(&k, copy, 2, TP_UDP);
        bool whole = k.kit.mem.calls < k.kit.mem.fail_at;
        k.kit.mem.fail_at = 0;
        CHECK(v == BORDER_NO_MEMORY || v == BORDER_CHANGED);
        if (v == BORDER_CHANGED) {
            CHECK(str_find(k.result.bytes, STR("crm")) == k.result.bytes.n);
        }
        test_guard_free(copy);
        kit_border_down(&k);
        CHECK_INT(k.kit.mem.live, 0);
        if (whole) {
            CHECK_INT(v, BORDER_CHANGED);
            return;
        }
    }
    CHECK(false);
}

static const struct border_rule to_far = {ONE(to, "far"), .action = BORDER_STRIP};
static const struct border_rule from_far = {ONE(from, "far"), .action = BORDER_STRIP};

/** A peer by name only: known by the name of the target, then by its address. */
static void test_named_peer(void)
{
    struct hop hop = kit_border_hop(44, TP_UDP);
    kit_init(&k.kit);
    CHECK_INT(kit_border_up(&k, &to_far, 1, NULL), 0);
    struct str text = message("User-to-User: " ISDN "\r\n");
    struct txn_leaving what = {.name = STR("other.example.net"), .run = &text, .n = 1};
    CHECK_INT(border_out(&k.border, &hop, &what, &k.result), BORDER_AS_IT_IS);
    what.name = STR("FAR.example.net");
    CHECK_INT(border_out(&k.border, &hop, &what, &k.result), BORDER_CHANGED);
    what.name = STR_NONE;
    CHECK_INT(border_out(&k.border, &hop, &what, &k.result), BORDER_CHANGED);
    k.policy.rule = &from_far;
    CHECK_INT(kit_border_in(&k, text, 44, TP_UDP), BORDER_CHANGED);
    CHECK_INT(kit_border_in(&k, text, 45, TP_UDP), BORDER_AS_IT_IS);
    kit_border_down(&k);
}

static const struct border_rule about_pbx[] = {
    {ONE(from, "pbx"), .direction = BORDER_OUT, .longer_than = 100, .action = BORDER_STRIP},
    {ONE(from, "pbx"), .direction = BORDER_OUT, ONE(package, "other"), .action = BORDER_STRIP},
    {ONE(from, "pbx"), .direction = BORDER_OUT, .longer_than = 1, ONE(package, "isdn-uui"),
     .action = BORDER_STRIP}};

/** Who brought a value is remembered when a rule about values like it asks for it. */
static void test_who_brought_what_rules_ask_for(void)
{
    for (size_t n = 1; n <= ARRAY_LEN(about_pbx); n++) {
        kit_init(&k.kit);
        CHECK_INT(kit_border_up(&k, about_pbx, n, NULL), 0);
        struct str text = message("User-to-User: " ISDN "\r\n");
        struct str other = message("Subject: x\r\nUser-to-User: " ISDN "\r\n");
        struct hop hop = kit_border_hop(45, TP_UDP);
        struct txn_leaving what = {.run = &other, .n = 1};
        CHECK_INT(kit_border_in(&k, text, 2, TP_UDP), BORDER_AS_IT_IS);
        border_forget(&k.border);
        CHECK_INT(border_out(&k.border, &hop, &what, &k.result),
                  n == ARRAY_LEN(about_pbx) ? BORDER_CHANGED : BORDER_AS_IT_IS);
        kit_border_down(&k);
    }
}

static const struct border_rule to_phones = {ONE(to, "device"), .action = BORDER_STRIP};

/** Of a message that is sent on with changes about its way only, the start line is looked at;
    and the word of the rules is asked as for any other. */
static void test_sent_on(void)
{
    static const char hidden[] = "INVITE sip:b@example.com?User-to-User=04AA SIP/2.0\r\n";
    struct hop hop = kit_border_hop(44, TP_UDP);
    for (int has = 0; has < 2; has++) {
        kit_init(&k.kit);
        CHECK_INT(kit_border_up(&k, &to_phones, 1, NULL), 0);
        struct str text = message(has ? "User-to-User: " ISDN "\r\n" : "");
        CHECK_INT(kit_border_in(&k, text, 45, TP_UDP), BORDER_AS_IT_IS);
        CHECK(k.border.known.octets == text.p);
        CHECK(k.border.known.clean == !has);
        size_t line = str_find(text, STR("\r\n")) + 2;
        struct str run[] = {str_upto(text, line), STR("User-to-User: 04BB;encoding=hex\r\n"),
                            str_from(text, line)};
        struct txn_leaving what = {.run = run, .n = ARRAY_LEN(run), .known = true};
        CHECK_INT(border_out(&k.border, &hop, &what, &k.result),
                  has ? BORDER_CHANGED : BORDER_AS_IT_IS); /* it was said that there is none */
        what.known = false;
        CHECK_INT(border_out(&k.border, &hop, &what, &k.result), BORDER_CHANGED);
        what.known = true;
        run[0] = str_make(hidden, sizeof(hidden) - 1);
        run[1] = STR("Max-Forwards: 7\r\n");
        CHECK_INT(border_out(&k.border, &hop, &what, &k.result), BORDER_CHANGED);
        border_forget(&k.border);
        CHECK(k.border.known.octets == NULL && !k.border.known.clean);
        kit_border_down(&k);
    }
}

/** The quick way to a rule's word is the same word, for every simple condition and value. */
static void test_ready_rules(void)
{
    static const struct str whom[] = {STR_INIT("device")};
    unsigned held = 0;
    for (unsigned i = 0; i < 3 * 3 * 3 * 4 * 4 * 2; i++) {
        unsigned at = i;
        struct uui_value value = {0};
        struct border_rule slow = {.direction = (uint8_t)(at % 3)}, quick;
        slow.kind = (uint8_t)((at /= 3) % 3);
        slow.secure = (uint8_t)((at /= 3) % 3);
        slow.verdicts = (uint8_t)((at /= 3) % 4);
        slow.places = (uint8_t)((at /= 4) % 4 << 1);
        slow.to = whom;
        slow.to_count = (at / 4) % 2;
        quick = slow;
        border_rule_ready(&quick);
        CHECK(quick.allows != 0);
        for (unsigned j = 0; j < 2 * 2 * 2 * 3 * BORDER_PLACE_COUNT; j++) {
            struct border_policy p = {.rule = &quick, .count = 1};
            struct border_question q = {.direction = j % 2 ? BORDER_IN : BORDER_OUT,
                                        .to = {.device = true},
                                        .value = &value,
                                        .response = j / 2 % 2 != 0,
                                        .secure = j / 4 % 2 != 0,
                                        .place = (enum border_place)(j / 24)};
            value.verdict = (uint8_t)(j / 8 % 3);
            bool holds = border_rule_holds(&slow, &q, NULL);
            CHECK_INT(border_rule_find(&p, &q) != NULL, holds);
            held += holds ? 1 : 0;
        }
    }
    CHECK(held > 1000);
}

TEST_MAIN(T(test_ready_rules), T(test_elements), T(test_who_brought_it), T(test_refusal),
          T(test_conditions), T(test_first_match_wins), T(test_tls_only), T(test_notes),
          T(test_ring_is_bounded), T(test_too_many), T(test_without_memory), T(test_named_peer),
          T(test_who_brought_what_rules_ask_for), T(test_sent_on))
