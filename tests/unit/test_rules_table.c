/* SPDX-License-Identifier: Apache-2.0 */
/* Rules: every condition with the words why it fails, order, shares, numbers, Contacts. */
#include "base/err.h"
#include "kit_msg.h"
#include "rules/rules.h"
#include "sip/uri.h"

static const char request[] =
    "INVITE sip:+49%2889%29-123;ext=1@Example.COM;transport=tcp SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n"
    "Max-Forwards: 70\r\n"
    "From: Alice <sip:1001@example.com>;tag=1\r\n"
    "To: <sip:+4989123@example.com>\r\n"
    "Call-ID: a1@x\r\n"
    "CSeq: 1 INVITE\r\n"
    "Contact: <sip:1001@192.0.2.1>;+sip.instance=\"<urn:uuid:1>\";audio;mobility=\"fixed,mobile\"\r\n"
    "Accept-Contact: *;video;language=\"en,DE\";require\r\n"
    "Supported: timer, replaces\r\n"
    "X-Queue: Support Line\r\n"
    "X-Queue: Sales\r\n"
    "Subject: hello world\r\n"
    "User-to-User: 0448;encoding=hex;purpose=isdn-uui, abc;purpose=foo\r\n"
    "Content-Length: 0\r\n\r\n";

struct fixture {
    struct arena arena;
    struct kit_msg msg;
    struct str text;
    struct rule_query q;
    struct rule rule;
};

static bool setup(struct fixture *f, const char *text)
{
    memset(f, 0, sizeof(*f));
    arena_init(&f->arena, &mem_libc, 4096);
    f->text = test_guard(str_c(text));
    f->rule =
        (struct rule){.name = STR("r"), .methods = 1u << SIP_METHOD_INVITE, .percent = 100};
    f->q = (struct rule_query){.m = &f->msg.m,
                               .scratch = &f->arena,
                               .transport = TP_UDP,
                               .called_state = RULE_CALLED_OTHER,
                               .unix_s = 1795176000};
    return CHECK(kit_index(&f->msg, f->text)) && CHECK_INT(rule_query_read(&f->q), 0);
}

static void fini(struct fixture *f)
{
    test_guard_free(f->text);
    arena_fini(&f->arena);
}

static const struct pattern *pattern(struct fixture *f, const char *text, unsigned flags)
{
    struct pattern *p = arena_alloc(&f->arena, sizeof(*p));
    struct pattern_fault fault;
    CHECK_INT(pattern_compile(&f->arena, str_c(text), flags, p, &fault), 0);
    return p;
}

/** The rule holds (why "") or fails with exactly these words. */
static void check(struct fixture *f, const char *why)
{
    char buf[400];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    bool holds = rule_holds(&f->rule, NULL, &f->q, &o);
    CHECK_STR(out_str_of(&o), why);
    CHECK_INT(holds, why[0] == '\0');
    CHECK_INT(rule_holds(&f->rule, NULL, &f->q, NULL), holds);
    uint32_t methods = f->rule.methods;
    f->rule = (struct rule){.name = STR("r"), .methods = methods, .percent = 100};
}

static void test_facts(void)
{
    struct fixture f;
    REQUIRE(setup(&f, request));
    CHECK_STR(f.q.called, "+4989123"); /* escapes, parameters, separators */
    CHECK_STR(f.q.called_address, "+4989123@example.com");
    CHECK_STR(f.q.calling, "1001");
    CHECK_STR(f.q.domain, "example.com");
    fini(&f);
    REQUIRE(setup(&f, "MESSAGE tel:030-12;phone-context=+49 SIP/2.0\r\nFrom: <sip:h>\r\n\r\n"));
    CHECK_STR(f.q.called, "03012");
    CHECK_STR(f.q.called_address, "03012");
    CHECK_STR(f.q.calling, "");
    fini(&f);
    REQUIRE(setup(&f, "MESSAGE urn:x SIP/2.0\r\n\r\n"));
    CHECK_STR(f.q.called, "");
    CHECK_STR(f.q.calling, "");
    fini(&f);
}

static void test_numbers_and_domains(void)
{
    struct fixture f;
    REQUIRE(setup(&f, request));
    check(&f, "");
    f.rule.methods = 1u << SIP_METHOD_MESSAGE;
    check(&f, "the method INVITE is not the rule's");
    f.rule.methods = UINT32_MAX;
    f.rule.to = pattern(&f, "+49*", 0);
    f.rule.to_count = 1;
    check(&f, "");
    f.rule.to = pattern(&f, "*@example.com", 0);
    f.rule.to_count = 1;
    check(&f, "");
    f.rule.to = pattern(&f, "49*", 0);
    f.rule.to_count = 1;
    check(&f, "the called number +4989123 does not match 49*");
    f.rule.from = pattern(&f, "10XX", 0);
    f.rule.from_count = 1;
    check(&f, "");
    f.rule.from = pattern(&f, "2XXX", 0);
    f.rule.from_count = 1;
    check(&f, "the calling number 1001 does not match 2XXX");
    f.rule.domain = pattern(&f, "*.COM", PATTERN_NO_CASE);
    f.rule.domain_count = 1;
    check(&f, "");
    f.rule.domain = pattern(&f, "example.org", PATTERN_NO_CASE);
    f.rule.domain_count = 1;
    check(&f, "the domain example.com does not match example.org");
    fini(&f);
}

static void test_senders(void)
{
    static const struct str any[] = {STR_INIT("*")}, none[] = {STR_INIT("none")};
    static const struct str two[] = {STR_INIT("pbx"), STR_INIT("trunk")};
    struct fixture f;
    REQUIRE(setup(&f, request));
    f.rule.peer = any;
    f.rule.peer_count = 1;
    check(&f, "the peer (none) is not *");
    f.rule.peer = none;
    f.rule.peer_count = 1;
    check(&f, "");
    f.q.peer = STR("trunk");
    f.rule.peer = none;
    f.rule.peer_count = 1;
    check(&f, "the peer trunk is not none");
    f.rule.peer = two;
    f.rule.peer_count = 2;
    check(&f, "");
    f.q.peer = STR("other");
    f.rule.peer = two;
    f.rule.peer_count = 2;
    check(&f, "the peer other is none of pbx, trunk");
    f.rule.device = pattern(&f, "10*", 0);
    f.rule.device_count = 1;
    check(&f, "the request does not come from a device");
    f.q.device = STR("1001");
    f.rule.device = pattern(&f, "10*", 0);
    f.rule.device_count = 1;
    check(&f, "");
    f.rule.device = pattern(&f, "20*", 0);
    f.rule.device_count = 1;
    check(&f, "the device 1001 does not match 20*");
    f.rule.transports = 1u << TP_UDP | 1u << TP_TLS;
    check(&f, "");
    f.rule.transports = 1u << TP_TLS;
    check(&f, "the transport UDP is none of those wanted");
    f.rule.called = 1u << RULE_CALLED_OTHER;
    check(&f, "");
    f.rule.called = 1u << RULE_CALLED_REGISTERED;
    check(&f, "the called number is no device of ours and that is not wanted");
    fini(&f);
}

static void header(struct fixture *f, const char *name, const char *value, bool absent)
{
    struct rule_header_test *t = arena_zalloc(&f->arena, sizeof(*t));
    t->name = str_c(name);
    t->absent = absent;
    t->has_value = value != NULL;
    if (value != NULL) {
        t->value = *pattern(f, value, PATTERN_NO_CASE);
    }
    f->rule.header = t;
    f->rule.header_count = 1;
}

static void test_headers(void)
{
    struct fixture f;
    REQUIRE(setup(&f, request));
    header(&f, "x-queue", NULL, false);
    check(&f, "");
    header(&f, "X-Queue", "SALES", false); /* its second line */
    check(&f, "");
    header(&f, "Subject", "hello*", false);
    check(&f, "");
    header(&f, "s", "hello*", false); /* the compact name means the same */
    check(&f, "");
    header(&f, "X-Other", NULL, false);
    check(&f, "the header X-Other is missing");
    header(&f, "X-Queue", "Service", false);
    check(&f, "the header X-Queue is missing or does not match Service");
    header(&f, "X-Other", NULL, true);
    check(&f, "");
    header(&f, "X-Queue", "Sal*", true);
    check(&f, "the header X-Queue is there Sal*");
    header(&f, "X-Queue", "none*", true);
    check(&f, "");
    fini(&f);
}

static void uui(struct fixture *f, const struct str *want)
{
    f->rule.uui = want;
    f->rule.uui_count = 1;
}

static void test_user_to_user(void)
{
    static const struct str any = STR_INIT("any"), none = STR_INIT("none"),
                            isdn = STR_INIT("isdn-uui"), foo = STR_INIT("FOO"),
                            bar = STR_INIT("bar");
    struct fixture f;
    REQUIRE(setup(&f, request));
    uui(&f, &any);
    check(&f, "");
    uui(&f, &isdn);
    check(&f, "");
    uui(&f, &foo);
    check(&f, "");
    uui(&f, &bar);
    check(&f, "User-to-User present, but its package is not bar");
    uui(&f, &none);
    check(&f, "User-to-User present, but its package is not none");
    fini(&f);
    REQUIRE(setup(&f, "INVITE sip:1@h SIP/2.0\r\n\r\n"));
    uui(&f, &none);
    check(&f, "");
    uui(&f, &any);
    check(&f, "User-to-User absent is not any");
    fini(&f);
    REQUIRE(setup(&f, "INVITE sip:1@h SIP/2.0\r\nUser-to-User: 044;encoding=hex\r\n\r\n"));
    uui(&f, &isdn); /* wrong: it is not of that package, but it is there */
    check(&f, "User-to-User present, but its package is not isdn-uui");
    uui(&f, &any);
    check(&f, "");
    fini(&f);
}

static void test_feature_tags(void)
{
    static const struct {
        struct rule_tag tag;
        bool wanted, has;
    } t[] = {
        {{STR_INIT("video"), {NULL, 0}}, true, false},
        {{STR_INIT("language"), STR_INIT("de")}, true, false},
        {{STR_INIT("language"), STR_INIT("fr")}, false, false},
        {{STR_INIT("audio"), {NULL, 0}}, false, true},
        {{STR_INIT("audio"), STR_INIT("TRUE")}, false, true},
        {{STR_INIT("mobility"), STR_INIT("mobile")}, false, true},
        {{STR_INIT("+sip.instance"), STR_INIT("urn:uuid:1")}, false, true},
        {{STR_INIT("+sip.instance"), {NULL, 0}}, false, true},
    };
    static const struct str replaces = STR_INIT("replaces"), path = STR_INIT("path");
    struct fixture f;
    REQUIRE(setup(&f, request));
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        char why[100];
        f.rule.wants = &t[i].tag;
        f.rule.wants_count = 1;
        (void)snprintf(why, sizeof(why),
                       "Accept-Contact does not ask for %.*s as the rule wants",
                       STR_ARG(t[i].tag.name));
        check(&f, t[i].wanted ? "" : why);
        f.rule.has = &t[i].tag;
        f.rule.has_count = 1;
        (void)snprintf(why, sizeof(why), "Contact does not have %.*s as the rule wants",
                       STR_ARG(t[i].tag.name));
        check(&f, t[i].has ? "" : why);
    }
    f.rule.supported = &replaces;
    f.rule.supported_count = 1;
    check(&f, "");
    f.rule.supported = &path;
    f.rule.supported_count = 1;
    check(&f, "the caller does not support path as the rule wants");
    fini(&f);
}

static void test_times(void)
{
    static const struct str text[] = {STR_INIT("sat"), STR_INIT("sun 10:00-12:00")};
    struct period p[2];
    size_t at;
    struct fixture f;
    REQUIRE(setup(&f, request));
    REQUIRE(period_parse(text[0], &p[0], &at) && period_parse(text[1], &p[1], &at));
    f.q.unix_s = (int64_t)days_of_date(2026, 11, 20) * 86400 + 9 * 3600; /* a Friday */
    f.rule.time = p;
    f.rule.time_text = text;
    f.rule.time_count = 2;
    check(&f, "the time 2026-11-20 09:00 is not within sat, sun 10:00-12:00");
    f.q.unix_s += 86400;
    f.rule.time = p;
    f.rule.time_count = 2;
    check(&f, "");
    fini(&f);
}

/* ---- the table ---- */

static struct str call_id_text(char *buf, size_t n, unsigned i)
{
    int len = snprintf(buf, n,
                       "INVITE sip:0891234@example.com SIP/2.0\r\nFrom: <sip:1001@h>;tag=1\r\n"
                       "Call-ID: call-%u\r\n\r\n",
                       i);
    return str_make(buf, (size_t)len);
}

static void test_first_match_wins(void)
{
    struct fixture f;
    struct rule rules[4];
    struct rule_table t;
    struct rule_verdict v;
    REQUIRE(setup(&f, request));
    for (size_t i = 0; i < 4; i++) {
        rules[i] = f.rule;
    }
    static const char *const to[] = {"+49891*9", "49*", "+4*", "*"};
    for (size_t i = 0; i < 4; i++) {
        rules[i].to = pattern(&f, to[i], 0);
        rules[i].to_count = 1;
    }
    REQUIRE(rule_table_init(&t, &f.arena, rules, 4, NULL) == 0);
    REQUIRE(rule_find(&t, &f.q, &v) == 0);
    CHECK(v.rule == &rules[2]);
    CHECK_STR(v.called, "+4989123");
    CHECK_INT(v.target_count, 1);
    CHECK_INT(v.target[0]->kind, RULE_TO_LOCATION);
    t.count = 2;
    REQUIRE(rule_find(&t, &f.q, &v) == 0);
    CHECK(v.rule == NULL);
    t.count = 0;
    REQUIRE(rule_find(&t, &f.q, &v) == 0);
    CHECK(v.rule == NULL);
    fini(&f);
}

/** The index never hides a rule: as many verdicts as when each rule is tried. */
static void test_the_index_hides_nothing(void)
{
    static const char *const to[] = {"0*",        "089*",       "0891234",
                                     "(0|1)*",    "08?1*",      "X*",
                                     "*4",        "089123456*", "0891234@example.com",
                                     "0891234@*", "9*",         "/0.*/",
                                     "08*@x",     "\\0891234",  "*"};
    struct fixture f;
    REQUIRE(setup(&f, "INVITE sip:0891234@example.com SIP/2.0\r\nCall-ID: 1\r\n\r\n"));
    for (size_t i = 0; i < ARRAY_LEN(to); i++) {
        for (size_t k = 0; k < ARRAY_LEN(to); k++) {
            struct pattern p[2] = {*pattern(&f, to[i], 0), *pattern(&f, to[k], 0)};
            struct rule r = f.rule;
            struct rule_table t;
            struct rule_verdict v;
            r.to = p;
            r.to_count = 2;
            REQUIRE(rule_table_init(&t, &f.arena, &r, 1, NULL) == 0);
            REQUIRE(rule_find(&t, &f.q, &v) == 0);
            test_context(to[i]);
            CHECK_INT(v.rule != NULL, rule_holds(&r, NULL, &f.q, NULL));
        }
    }
    fini(&f);
}

static void test_numbers_are_rewritten(void)
{
    static const struct dial_plan plan = {STR_INIT("b"), STR_INIT("49"), STR_INIT("30"),
                                          STR_INIT("0"), STR_INIT("00"), 4};
    static const struct {
        const char *to, *replace;
        uint32_t strip;
        const char *prepend;
        bool to_e164, from_e164;
        const char *want;
    } t[] = {
        {"089(*)", "+4989$1", 0, NULL, false, false, "+49891234"},
        {"0891234@(*)", "$1/$0", 0, NULL, false, false, "example.com/0891234"},
        {"*", NULL, 3, "9", false, false, "91234"},
        {"*", NULL, 0, NULL, true, false, "+49891234"},
        {"*", NULL, 3, NULL, true, false, "1234"},
        {"*", NULL, 0, NULL, true, true, "0891234"},
        {"0(*)", "+49$1", 0, NULL, false, true, "0891234"},
        {"*", NULL, 50, NULL, false, false, ""},
        {"*", NULL, 0, NULL, false, false, "0891234"},
    };
    struct fixture f;
    REQUIRE(setup(&f, "INVITE sip:0891234@example.com SIP/2.0\r\nFrom: <sip:1@h>\r\n\r\n"));
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct rule r = f.rule;
        struct rule_table table;
        struct rule_verdict v;
        r.to = pattern(&f, t[i].to, 0);
        r.to_count = 1;
        r.called_number =
            (struct rule_number){str_c(t[i].replace), t[i].strip, str_c(t[i].prepend),
                                 t[i].to_e164 ? &plan : NULL, t[i].from_e164 ? &plan : NULL};
        r.calling_number.prepend = STR("+49");
        REQUIRE(rule_table_init(&table, &f.arena, &r, 1, NULL) == 0);
        REQUIRE(rule_find(&table, &f.q, &v) == 0);
        REQUIRE(v.rule != NULL);
        test_context(t[i].want);
        CHECK_STR(v.called, t[i].want);
        CHECK_INT(v.called_changed, strcmp(t[i].want, "0891234") != 0);
        CHECK_STR(v.calling, "+491");
        CHECK(v.calling_changed);
    }
    fini(&f);
}

static void test_percent_is_a_share(void)
{
    struct fixture f;
    struct rule rules[2];
    struct rule_table t;
    unsigned first = 0, second = 0;
    REQUIRE(setup(&f, request));
    rules[0] = rules[1] = f.rule;
    rules[0].percent = 30;
    rules[1].percent = 50;
    rules[1].name = STR("s");
    REQUIRE(rule_table_init(&t, &f.arena, rules, 2, NULL) == 0);
    for (unsigned i = 0; i < 4000; i++) {
        char buf[200];
        struct kit_msg m;
        struct rule_verdict v;
        REQUIRE(kit_index(&m, call_id_text(buf, sizeof(buf), i)));
        f.q.m = &m.m;
        REQUIRE(rule_find(&t, &f.q, &v) == 0);
        const struct rule *once = v.rule;
        first += v.rule == &rules[0];
        second += v.rule == &rules[1];
        REQUIRE(rule_find(&t, &f.q, &v) == 0);
        CHECK(v.rule == once); /* the same call, the same way */
    }
    CHECK(first > 1080 && first < 1320);   /* 30 % of all */
    CHECK(second > 1280 && second < 1520); /* half of the rest, not of those below 50 */
    f.q.m = &f.msg.m;
    rules[0].percent = 0;
    rules[1].percent = 100;
    struct rule_verdict v;
    REQUIRE(rule_find(&t, &f.q, &v) == 0);
    CHECK(v.rule == &rules[1]);
    fini(&f);
}

static void test_weights_are_shares(void)
{
    static const struct rule_target target[] = {
        {RULE_TO_PEER, STR_INIT("a"), 70, RULE_NO_Q},
        {RULE_TO_PEER, STR_INIT("b"), 20, RULE_NO_Q},
        {RULE_TO_PEER, STR_INIT("c"), 10, RULE_NO_Q},
        {RULE_TO_PEER, STR_INIT("last"), 0, RULE_NO_Q},
        {RULE_TO_PEER, STR_INIT("very last"), 0, RULE_NO_Q},
    };
    struct fixture f;
    struct rule_table t;
    unsigned first[3] = {0}, second_of_a[3] = {0};
    REQUIRE(setup(&f, request));
    f.rule.target = target;
    f.rule.target_count = 5;
    f.rule.by_weight = true;
    REQUIRE(rule_table_init(&t, &f.arena, &f.rule, 1, NULL) == 0);
    for (unsigned i = 0; i < 4000; i++) {
        char buf[200];
        struct kit_msg m;
        struct rule_verdict v;
        REQUIRE(kit_index(&m, call_id_text(buf, sizeof(buf), i)));
        f.q.m = &m.m;
        REQUIRE(rule_find(&t, &f.q, &v) == 0 && v.target_count == 5);
        CHECK(v.target[3] == &target[3] && v.target[4] == &target[4]);
        CHECK(v.target[0] != v.target[1] && v.target[1] != v.target[2] &&
              v.target[0] != v.target[2]);
        first[v.target[0] - target]++;
        second_of_a[v.target[1] - target] += v.target[0] == &target[0];
    }
    CHECK(first[0] > 2640 && first[0] < 2960);
    CHECK(first[1] > 680 && first[1] < 920);
    CHECK(second_of_a[1] > second_of_a[2] * 3 / 2); /* two to one of what is left */
    f.q.m = &f.msg.m;
    f.rule.by_weight = false;
    struct rule_verdict v;
    REQUIRE(rule_find(&t, &f.q, &v) == 0);
    CHECK(v.target[0] == &target[0] && v.target[2] == &target[2]);
    fini(&f);
}

/* ---- redirect ---- */

static void check_contact(const char *uri, const struct rule *r, uint32_t q, const char *want)
{
    char buf[600];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    rule_write_contact(&o, str_c(uri), STR("+49 1"), r, q, NULL);
    CHECK_STR(out_str_of(&o), want);
    struct sip_uri u;
    uint32_t at;
    size_t end = str_index(out_str_of(&o), '>');
    CHECK_INT(sip_uri_parse(str_make(buf + 10, end - 10), 0, &u, &at), 0);
}

static void test_contacts_with_headers(void)
{
    static const struct rule_line lines[] = {
        {STR_INIT("Reason"), STR_INIT("Q.850;cause=31;text=\"a b\"")},
        {STR_INIT("Subject"), STR_INIT("50% & more?=#")}};
    struct rule r = {.uui_value = STR("0448;encoding=hex")};
    check_contact("sip:1001@h;transport=tcp", NULL, RULE_NO_Q,
                  "Contact: <sip:1001@h;transport=tcp>\r\n");
    check_contact("sip:1001@h", &r, 500,
                  "Contact: <sip:1001@h?User-to-User=0448%3Bencoding%3Dhex>;q=0.500\r\n");
    check_contact("sip:1001@h", NULL, 1000, "Contact: <sip:1001@h>;q=1.000\r\n");
    r.headers = lines;
    r.header_lines = 2;
    check_contact("sips:{number}@h", &r, RULE_NO_Q,
                  "Contact: <sips:+49%201@h?User-to-User=0448%3Bencoding%3Dhex"
                  "&Reason=Q.850%3Bcause%3D31%3Btext%3D%22a%20b%22"
                  "&Subject=50%25%20%26%20more?%3D%23>\r\n");
    r.header_lines = 0;
    /* what the URI has stays, in front; its own User-to-User is not doubled */
    check_contact("sip:1@h?Subject=x", &r, RULE_NO_Q,
                  "Contact: <sip:1@h?Subject=x&User-to-User=0448%3Bencoding%3Dhex>\r\n");
    check_contact("sip:1@h?User-to-User=aa", &r, RULE_NO_Q,
                  "Contact: <sip:1@h?User-to-User=aa>\r\n");
    check_contact("sip:1@h?", &r, RULE_NO_Q,
                  "Contact: <sip:1@h?User-to-User=0448%3Bencoding%3Dhex>\r\n");
    check_contact("tel:+491", &r, RULE_NO_Q, "Contact: <tel:+491>\r\n"); /* RFC 3966 §3 */
}

static void test_headers_that_rules_leave_alone(void)
{
    static const char *const no[] = {"Via",
                                     "v",
                                     "from",
                                     "To",
                                     "Call-ID",
                                     "CSeq",
                                     "Route",
                                     "Contact",
                                     "Content-Type",
                                     "content-encoding",
                                     "Content-Disposition",
                                     "User-to-User",
                                     "Require",
                                     "a b",
                                     ""};
    static const char *const yes[] = {"Reason",  "Retry-After", "X-Foo",      "Subject",
                                      "Privacy", "Diversion",   "Alert-Info", "Call-Info"};
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        test_context(no[i]);
        CHECK(!rule_header_allowed(str_c(no[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        test_context(yes[i]);
        CHECK(rule_header_allowed(str_c(yes[i])));
    }
}

static void test_no_memory(void)
{
    struct fixture f;
    struct rule_table t;
    struct rule_verdict v;
    REQUIRE(setup(&f, request));
    f.rule.to = pattern(&f, "+(*)", 0);
    f.rule.to_count = 1;
    f.rule.called_number.replace = STR("$1");
    REQUIRE(rule_table_init(&t, &f.arena, &f.rule, 1, NULL) == 0);
    bool done = false;
    for (size_t fail = 1; fail < 20 && !done; fail++) {
        struct test_mem mem;
        struct arena scratch;
        test_mem_init(&mem);
        mem.fail_at = fail;
        mem.fail_on = true;
        arena_init(&scratch, &mem.mem, 16);
        f.q.scratch = &scratch;
        f.q.calling = STR_NONE;
        int err = rule_query_read(&f.q);
        err = err == 0 ? rule_find(&t, &f.q, &v) : err;
        CHECK(err == 0 || err == E_NOMEM);
        done = err == 0;
        if (done) {
            CHECK_STR(v.called, "4989123");
            CHECK(fail > 3);
        }
        arena_fini(&scratch);
        CHECK_INT(mem.live, 0);
    }
    CHECK(done);
    fini(&f);
}

TEST_MAIN(T(test_facts), T(test_numbers_and_domains), T(test_senders), T(test_headers),
          T(test_user_to_user), T(test_feature_tags), T(test_times), T(test_first_match_wins),
          T(test_the_index_hides_nothing), T(test_numbers_are_rewritten),
          T(test_percent_is_a_share), T(test_weights_are_shares), T(test_contacts_with_headers),
          T(test_headers_that_rules_leave_alone), T(test_no_memory))
