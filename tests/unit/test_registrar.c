/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registrar, rule by rule: intervals, q, the star, CSeq order, identity of contacts,
 * limits, the answer, what is learned of a phone, time and flows.
 */
#include "kit_registrar.h"
#include "registrar/select.h"

/* ---- adding, refreshing, removing ---- */

static void test_first_binding_appears(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(put(&f, ID("a", 1) "Contact: \"Bob\" <sip:bob@192.0.2.4;transport=udp>\r\n"),
              200);
    CHECK_BYTES(f.a.lines, STR("Contact: <sip:bob@192.0.2.4;transport=udp>;expires=3600\r\n"
                               "Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n"));
    CHECK(!str_is_set(f.a.reason));
    REQUIRE(record_of(&f) != NULL);
    const struct binding *b = nth(record_of(&f), 0);
    CHECK_STR(record_of(&f)->key, KEY);
    CHECK_STR(b->contact, "sip:bob@192.0.2.4;transport=udp");
    CHECK_STR(b->call_id, "a");
    CHECK_INT(b->cseq, 1);
    CHECK_INT(b->q_milli, 1000);
    CHECK_INT(b->expires_ms, f.now + 3600000);
    CHECK_INT(b->hop.flow, 1);
    CHECK(addr_eq(&b->hop.remote, &f.hop.remote));
    CHECK_INT(f.appeared, 1);
    CHECK_INT(f.r.registered, 1);
    CHECK(registrar_find(&f.r, STR("bob@atlanta.com")) == NULL);
    check_invariants(&f);
    teardown(&f);
}

static void test_refresh_keeps_one_binding(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:bob@HOST;x=1>\r\n");
    pass(&f, 1000000);
    f.hop.flow = 9;
    CHECK_INT(put(&f, ID("a", 2) "Contact: <sip:b%6fb@host;x=1>;expires=100\r\n"), 200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b%6fb@host;x=1>;expires=100\r\n"));
    CHECK_INT(nth(record_of(&f), 0)->hop.flow, 9); /* where it is now */
    CHECK_INT(nth(record_of(&f), 0)->cseq, 2);
    CHECK_INT(f.r.refreshed, 1);
    CHECK_INT(f.appeared, 1);
    check_invariants(&f);
    teardown(&f);
}

static void test_removal_of_one(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:bob@h1>, <sip:bob@h2>\r\n");
    CHECK_INT(put(&f, ID("a", 2) "Contact: <sip:bob@h1>;expires=0\r\n"), 200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:bob@h2>;expires=3600\r\n"));
    CHECK_INT(f.vanished, 0);
    CHECK_INT(put(&f, ID("b", 1) "Contact: sip:bob@h2\r\nExpires: 0\r\n"), 200);
    CHECK_BYTES(contacts(&f), STR(""));
    CHECK_INT(f.vanished, 1);
    CHECK(record_of(&f) == NULL);
    CHECK_INT(f.r.removed, 2);
    /* what is not there can be removed too */
    CHECK_INT(put(&f, ID("b", 2) "Contact: <sip:bob@h3>;expires=0\r\n"), 200);
    CHECK_INT(f.r.removed, 2);
    CHECK(record_of(&f) == NULL);
    CHECK_INT(f.appeared, 1);
    check_invariants(&f);
    teardown(&f);
}

static void test_query_changes_nothing(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(put(&f, ID("a", 1)), 200);
    CHECK_BYTES(f.a.lines, STR("Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n"));
    CHECK(record_of(&f) == NULL);
    put(&f, ID("a", 2) "Contact: <sip:bob@h1>\r\nExpires: 70\r\n");
    pass(&f, 9001);
    CHECK_INT(put(&f, ID("a", 1) "Expires: 0\r\n"), 200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:bob@h1>;expires=61\r\n"));
    check_invariants(&f);
    teardown(&f);
}

/* ---- §10.2.1.1, §10.3 step 7: intervals ---- */

static void test_intervals(void)
{
    static const struct {
        const char *lines;
        unsigned status;
        uint32_t seconds;
    } row[] = {
        {"Contact: <sip:b@h>\r\n", 200, 1800},
        {"Contact: <sip:b@h>\r\nExpires: 700\r\n", 200, 700},
        {"Contact: <sip:b@h>;expires=300\r\nExpires: 700\r\n", 200, 300},
        {"Contact: <sip:b@h>;EXPIRES=300\r\n", 200, 300},
        {"Contact: <sip:b@h>;expires=60\r\n", 200, 60},
        {"Contact: <sip:b@h>;expires=59\r\n", 423, 0},
        {"Contact: <sip:b@h>;expires=1\r\n", 423, 0},
        {"Contact: <sip:b@h>\r\nExpires: 59\r\n", 423, 0},
        {"Contact: <sip:b@h>;expires=7200\r\n", 200, 7200},
        {"Contact: <sip:b@h>;expires=7201\r\n", 200, 7200},
        {"Contact: <sip:b@h>;expires=4294967295\r\n", 200, 7200},
        {"Contact: <sip:b@h>;expires=99999999999999999999999\r\n", 200, 7200},
        {"Contact: <sip:b@h>;expires=soon\r\n", 200, 3600},
        {"Contact: <sip:b@h>;expires=\"60\"\r\n", 200, 3600},
        {"Contact: <sip:b@h>;expires=-1\r\n", 200, 3600},
        {"Contact: <sip:b@h>;expires\r\n", 200, 3600},
        {"Contact: <sip:b@h>\r\nExpires: Thu, 01 Dec\r\n", 200, 3600},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct fixture f;
        char lines[300];
        char want[100];
        setup_with(
            &f, &(struct registrar_config){.default_expires_s = 1800, .max_expires_s = 7200});
        snprintf(lines, sizeof(lines), ID("a", 1) "%s", row[i].lines);
        test_context(row[i].lines);
        CHECK_INT(put(&f, lines), row[i].status);
        snprintf(want, sizeof(want), "Contact: <sip:b@h>;expires=%u\r\n",
                 (unsigned)row[i].seconds);
        if (row[i].status == 200) {
            CHECK_STR(contacts(&f), want);
        } else {
            CHECK_BYTES(f.a.lines, STR("Min-Expires: 60\r\n"));
            CHECK(record_of(&f) == NULL);
            CHECK_INT(f.r.refused, 1);
        }
        teardown(&f);
    }
    test_context(NULL);
}

static void test_an_hour_is_never_too_brief(void)
{
    struct fixture f;
    setup_with(&f, &(struct registrar_config){.min_expires_s = 5000, .default_expires_s = 10});
    CHECK_INT(put(&f, ID("a", 1) "Contact: <sip:b@h>;expires=3599\r\n"), 423);
    CHECK_BYTES(f.a.lines, STR("Min-Expires: 5000\r\n"));
    CHECK_INT(put(&f, ID("a", 1) "Contact: <sip:b@h>;expires=3600\r\n"), 200);
    /* nobody who asks for nothing is told that it is too short */
    CHECK_INT(put(&f, ID("b", 1) "Contact: <sip:b@h>\r\n"), 200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h>;expires=5000\r\n"));
    teardown(&f);
}

static void test_bindings_end(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:b@h1>;expires=60, <sip:b@h2>;expires=61\r\n");
    pass(&f, 59999);
    CHECK_INT(record_of(&f)->count, 2);
    CHECK_INT(put(&f, ID("a", 9)), 200);
    CHECK_BYTES(contacts(&f),
                STR("Contact: <sip:b@h1>;expires=1\r\nContact: <sip:b@h2>;expires=2\r\n"));
    pass(&f, 1);
    CHECK_INT(record_of(&f)->count, 1);
    CHECK_STR(nth(record_of(&f), 0)->contact, "sip:b@h2");
    CHECK_INT(f.vanished, 0);
    check_invariants(&f);
    pass(&f, 1000);
    CHECK(record_of(&f) == NULL);
    CHECK_INT(f.vanished, 1);
    CHECK_INT(f.r.expired, 2);
    check_invariants(&f);
    teardown(&f);
}

/* A REGISTER that arrives in the millisecond of the end, before the wheel turned. */
static void test_due_bindings_are_gone_before_the_wheel_turns(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 5) "Contact: <sip:b@h1>;expires=60\r\n");
    f.now += 60000;
    CHECK_INT(put(&f, ID("a", 1) "Contact: <sip:b@h1>;expires=60\r\n"), 200);
    CHECK_INT(f.vanished, 1);
    CHECK_INT(f.appeared, 2);
    CHECK_INT(f.r.expired, 1);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h1>;expires=60\r\n"));
    teardown(&f);
}

/* ---- q ---- */

static void test_q_values(void)
{
    static const struct {
        const char *q, *answer;
        int milli; /* -1: refused */
    } row[] = {
        {"0", "0.000", 0},     {"1", "1.000", 1000},    {"0.", "0.000", 0},
        {"1.", "1.000", 1000}, {"0.5", "0.500", 500},   {"0.25", "0.250", 250},
        {"0.001", "0.001", 1}, {"0.999", "0.999", 999}, {"1.000", "1.000", 1000},
        {"1.001", "", -1},     {"1.1", "", -1},         {"0.1234", "", -1},
        {"2", "", -1},         {".5", "", -1},          {"00.5", "", -1},
        {"-0", "", -1},        {"0,5", "", -1},         {"0.5e", "", -1},
        {"\"0.5\"", "", -1},   {"0.x", "", -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct fixture f;
        char text[200];
        setup(&f);
        test_context(row[i].q);
        snprintf(text, sizeof(text), ID("a", 1) "Contact: <sip:b@h>;q=%s\r\n", row[i].q);
        CHECK_INT(put(&f, text), row[i].milli < 0 ? 400 : 200);
        if (row[i].milli >= 0) {
            snprintf(text, sizeof(text), "Contact: <sip:b@h>;q=%s;expires=3600\r\n",
                     row[i].answer);
            CHECK_STR(contacts(&f), text);
            CHECK_INT(nth(record_of(&f), 0)->q_milli, row[i].milli);
        } else {
            CHECK(record_of(&f) == NULL);
        }
        teardown(&f);
    }
    test_context(NULL);
}

static void test_order_of_preference(void)
{
    struct fixture f;
    setup(&f);
    put(&f,
        ID("a",
           1) "Contact: <sip:b@h1>;q=0.5, <sip:b@h2>;q=0.5\r\nContact: <sip:b@h3>;q=0.9\r\n");
    put(&f, ID("b", 1) "Contact: <sip:b@h4>;q=0.5\r\nContact: <sip:b@h5>;q=0.1\r\n");
    /* q, then the newest; within one request as the phone has them */
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h3>;q=0.900;expires=3600\r\n"
                                  "Contact: <sip:b@h4>;q=0.500;expires=3600\r\n"
                                  "Contact: <sip:b@h1>;q=0.500;expires=3600\r\n"
                                  "Contact: <sip:b@h2>;q=0.500;expires=3600\r\n"
                                  "Contact: <sip:b@h5>;q=0.100;expires=3600\r\n"));
    put(&f, ID("a", 2) "Contact: <sip:b@h3>;q=0.2\r\n");
    CHECK_STR(nth(record_of(&f), 0)->contact, "sip:b@h4");
    put(&f, ID("a", 3) "Contact: <sip:b@h3>\r\n"); /* none given: 1 */
    CHECK_STR(nth(record_of(&f), 0)->contact, "sip:b@h3");
    check_invariants(&f);
    teardown(&f);
}

/* ---- the star ---- */

static void test_star(void)
{
    static const char *const wrong[] = {
        "Contact: *\r\n",
        "Contact: *\r\nExpires: 60\r\n",
        "Contact: *\r\nExpires: none\r\n",
        "Contact: *\r\nExpires:\r\n",
        "Contact: *, <sip:b@h1>\r\nExpires: 0\r\n",
        "Contact: <sip:b@h1>\r\nContact: *\r\nExpires: 0\r\n",
        "Contact: *, *\r\nExpires: 0\r\n",
        "Contact: *;expires=0\r\n",
        "Contact: <*>\r\nExpires: 0\r\n",
    };
    struct fixture f;
    char lines[300];
    setup(&f);
    put(&f, ID("a", 5) "Contact: <sip:b@h1>\r\n");
    put(&f, ID("b", 7) "Contact: <sip:b@h2>\r\n");
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        snprintf(lines, sizeof(lines), ID("c", 1) "%s", wrong[i]);
        test_context(wrong[i]);
        CHECK_INT(put(&f, lines), 400);
        CHECK_INT(record_of(&f)->count, 2);
    }
    test_context(NULL);
    /* one binding of the same Call-ID with a CSeq that is not lower stops all */
    CHECK_INT(put(&f, ID("b", 7) "Contact: *\r\nExpires: 0\r\n"), 500);
    CHECK_INT(put(&f, ID("a", 1) "Contact: *\r\nExpires: 0\r\n"), 500);
    CHECK_INT(record_of(&f)->count, 2);
    CHECK_INT(put(&f, ID("b", 8) "Contact: *\r\nExpires: 0\r\n"), 200);
    CHECK_BYTES(f.a.lines, STR("Date: Sat, 13 Nov 2010 23:29:00 GMT\r\n"));
    CHECK(record_of(&f) == NULL);
    CHECK_INT(f.r.removed, 2);
    CHECK_INT(f.vanished, 1);
    CHECK_INT(put(&f, ID("b", 9) "Contact: *\r\nExpires: 0\r\n"), 200); /* nothing there */
    CHECK_INT(f.vanished, 1);
    check_invariants(&f);
    teardown(&f);
}

/* ---- order of requests ---- */

static void test_older_cseq_changes_nothing(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 10) "Contact: <sip:b@h1>;expires=500\r\n");
    CHECK_INT(put(&f, ID("a", 10) "Contact: <sip:b@h1>;expires=900\r\n"), 500);
    CHECK_STR(f.a.reason, "CSeq Is Not Higher");
    CHECK_INT(put(&f, ID("a", 9) "Contact: <sip:b@h1>;expires=0\r\n"), 500);
    /* a new contact in the same request does not come in either */
    CHECK_INT(put(&f, ID("a", 9) "Contact: <sip:b@h2>, <sip:b@h1>\r\n"), 500);
    put(&f, ID("q", 1));
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h1>;expires=500\r\n"));
    /* contacts that are not touched do not count */
    CHECK_INT(put(&f, ID("a", 9) "Contact: <sip:b@h2>\r\n"), 200);
    /* another Call-ID has its own numbers */
    CHECK_INT(put(&f, ID("A", 1) "Contact: <sip:b@h1>;expires=700\r\n"), 200);
    CHECK_INT(put(&f, ID("a", 11) "Contact: <sip:b@h1>;expires=800\r\n"), 200);
    CHECK_INT(record_of(&f)->count, 2);
    CHECK_INT(f.r.refused, 3);
    check_invariants(&f);
    teardown(&f);
}

static void test_all_or_nothing(void)
{
    static const char *const bad[] = {
        "Contact: <sip:b@h2>, <sip:b@h3>;expires=5\r\n",
        "Contact: <sip:b@h2>, <sip:b@h3>;q=7\r\n",
        "Contact: <sip:b@h2>, <tel:+15551234>\r\n",
        "Contact: <sip:b@h2>, <mailto:bob@biloxi.com>\r\n",
        "Contact: <sip:b@h2>, <sip:>\r\n",
        "Contact: <sip:b@h2>, <sip:b@h2>;expires=0\r\n",
        "Contact: <sip:b@h2>, <sip:b@H2>\r\n",
        "Contact: <sip:b@h1>;expires=0, <sip:b@h2\r\n",
        "Contact:\r\n",
        "Contact: <sip:b@h2>;+sip.instance=\"<urn:x>\";reg-id=0\r\n",
        "Contact: <sip:b@h2>;+sip.instance=\"<urn:x>\";reg-id=x\r\n",
        "Contact: <sip:b@h2>;+sip.instance=\"<urn:x>\";reg-id=2147483648\r\n",
        "Contact: <sip:b@h2>;+sip.instance=\"<urn:x>\";reg-id=1, <sip:b@h3>\r\n",
    };
    struct fixture f;
    char lines[400];
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:b@h1>\r\n");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(lines, sizeof(lines), ID("a", 2) "%s", bad[i]);
        test_context(bad[i]);
        put(&f, lines);
        CHECK(f.a.status == 400 || f.a.status == 403 || f.a.status == 423);
        CHECK(str_is_set(f.a.reason) || f.a.status == 423);
        put(&f, ID("q", 1));
        CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h1>;expires=3600\r\n"));
    }
    test_context(NULL);
    CHECK_INT(f.r.refused, ARRAY_LEN(bad));
    CHECK_INT(put(&f, "CSeq: 1 REGISTER\r\nContact: <sip:b@h2>\r\n"), 400);
    CHECK_INT(put(&f, "Call-ID: a\r\nContact: <sip:b@h2>\r\n"), 400);
    CHECK_INT(put(&f, "Call-ID: a\r\nCSeq: x REGISTER\r\nContact: <sip:b@h2>\r\n"), 400);
    check_invariants(&f);
    teardown(&f);
}

static void test_schemes(void)
{
    struct fixture f;
    setup(&f);
    f.sips = true;
    CHECK_INT(put(&f, ID("a", 1) "Contact: <sips:b@h>\r\n"), 200);
    CHECK_INT(put(&f, ID("a", 2) "Contact: <tel:+15551234>\r\n"), 403);
    CHECK_STR(f.a.reason, "Only SIP Contacts Can Be Reached");
    CHECK_INT(put(&f, ID("a", 2) "Contact: <mailto:bob@biloxi.com>;expires=0\r\n"), 403);
    teardown(&f);
}

#define INSTANCE(x) ";+sip.instance=\"<urn:uuid:" x ">\""

/* ---- sips (RFC 5630) ---- */

static void test_sips_needs_sips_all_along(void)
{
#define PATH(uri) "Supported: path\r\nPath: <" uri ">\r\n"
    static const struct {
        bool sips;
        const char *lines;
        unsigned status;
    } row[] = {
        {false, "Contact: <sips:b@h>\r\n", 400},
        {true, "Contact: <sips:b@h>, <sip:b@h2>\r\n", 400},
        {true, PATH("sip:p;lr") "Contact: <sips:b@h>\r\n", 400},
        {true, PATH("sips:p;lr") "Contact: <sips:b@h>\r\n", 200},
        {true, PATH("sip:p;lr") "Contact: <sip:b@h>\r\n", 200},
        {true, "Contact: <sips:b@h>, <sips:b@h2>\r\n", 200},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct fixture f;
        char lines[300];
        setup(&f);
        f.sips = row[i].sips;
        snprintf(lines, sizeof(lines), ID("a", 1) "%s", row[i].lines);
        test_context(row[i].lines);
        CHECK_INT(put(&f, lines), row[i].status);
        CHECK_INT(record_of(&f) != NULL, row[i].status == 200);
        teardown(&f);
    }
    test_context(NULL);
}

/** §5.1.1.1: contacts that differ in the scheme alone are one; both schemes lead to a sips one.
 */
static void test_sip_and_sips_are_one_contact(void)
{
    struct fixture f;
    struct selected *at;
    unsigned status;
    setup(&f);
    f.sips = true;
    put(&f, ID("a", 1) "Contact: <sip:b@h>\r\n");
    struct record *rec = record_of(&f);
    CHECK(!record_has_sips(rec));
    struct select_query sips = {.sips = true};
    CHECK_INT(registrar_select_by(rec, &sips, &f.arena, &at, &status), 0);
    CHECK_INT(status, 480);
    put(&f, ID("a", 2) "Contact: <sips:b@h>" INSTANCE("00aa") "\r\nSupported: gruu\r\n");
    CHECK(str_find(f.a.lines, STR("pub-gruu=\"sips:bob@")) < f.a.lines.n);
    CHECK(str_find(f.a.lines, STR("temp-gruu=\"sips:")) < f.a.lines.n);
    CHECK_INT(record_of(&f)->count, 1);
    struct binding *b = nth(rec, 0);
    CHECK(binding_is_sips(b) && record_has_sips(rec));
    CHECK_STR(binding_request_uri(b, true, &f.arena), "sips:b@h");
    CHECK_STR(binding_request_uri(b, false, &f.arena), "sip:b@h");
    put(&f, ID("b", 1) "Contact: <sip:b@h2>\r\n");
    CHECK_INT(registrar_select_by(rec, &sips, &f.arena, &at, &status), 1);
    CHECK(at->binding == b || binding_is_sips(at->binding));
    CHECK_INT(registrar_select(rec, NULL, &f.arena, &at, &status), 2);
    put(&f, ID("a", 3) "Contact: <sip:b@h>" INSTANCE("00aa") "\r\n");
    CHECK(!record_has_sips(rec));
    CHECK_INT(rec->count, 2);
    check_invariants(&f);
    teardown(&f);
}

/* ---- identity: instance and reg-id ---- */

static void test_a_phone_that_restarted_leaves_no_ghost(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:b@h1:1111>" INSTANCE("00aa") "\r\n");
    put(&f, ID("x", 1) "Contact: <sip:b@h9>" INSTANCE("0099") "\r\n");
    CHECK_INT(put(&f, ID("b", 1) "Contact: <sip:b@h1:2222>" INSTANCE("00AA") "\r\n"), 200);
    CHECK_BYTES(contacts(&f),
                STR("Contact: <sip:b@h1:2222>;expires=3600" INSTANCE(
                    "00AA") "\r\n"
                            "Contact: <sip:b@h9>;expires=3600" INSTANCE("0099") "\r\n"));
    CHECK_STR(nth(record_of(&f), 0)->instance, "<urn:uuid:00AA>");
    CHECK_INT(f.r.refreshed, 1);
    /* it leaves under yet another address */
    CHECK_INT(put(&f, ID("c", 1) "Contact: <sip:b@h1:3333>" INSTANCE("00aa") ";expires=0\r\n"),
              200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h9>;expires=3600" INSTANCE("0099") "\r\n"));
    check_invariants(&f);
    teardown(&f);
}

static void test_two_addresses_of_one_phone(void)
{
    struct fixture f;
    setup(&f);
    const char *both = ID("a", 1) "Contact: <sip:b@h1>" INSTANCE(
        "1") "\r\nContact: "
             "<sip:b@h1;transport=tcp>" INSTANCE("1") "\r\n";
    CHECK_INT(put(&f, both), 200);
    CHECK_INT(record_of(&f)->count, 2);
    /* refreshing both keeps both */
    CHECK_INT(put(&f, ID("b", 2) "Contact: <sip:b@h1>" INSTANCE(
                          "1") "\r\nContact: "
                               "<sip:b@h1;transport=tcp>" INSTANCE("1") "\r\n"),
              200);
    CHECK_INT(record_of(&f)->count, 2);
    CHECK_INT(f.r.refreshed, 2);
    /* refreshing one under its address makes the other a ghost */
    CHECK_INT(put(&f, ID("b", 3) "Contact: <sip:b@h1>" INSTANCE("1") "\r\n"), 200);
    CHECK_INT(record_of(&f)->count, 1);
    CHECK_INT(f.r.removed, 1);
    /* a new address comes and the old one leaves in one request */
    CHECK_INT(put(&f, ID("b", 4) "Contact: <sip:b@h1>;expires=0" INSTANCE(
                          "1") "\r\nContact: "
                               "<sip:b@h2>" INSTANCE("1") "\r\n"),
              200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h2>;expires=3600" INSTANCE("1") "\r\n"));
    CHECK_INT(f.appeared, 1);
    CHECK_INT(f.vanished, 0);
    check_invariants(&f);
    teardown(&f);
}

static void test_removing_one_address_keeps_the_other(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:b@h1>" INSTANCE("1") ", <sip:b@h2>" INSTANCE("1") "\r\n");
    CHECK_INT(put(&f, ID("a", 2) "Contact: <sip:b@h1>;expires=0" INSTANCE("1") "\r\n"), 200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h2>;expires=3600" INSTANCE("1") "\r\n"));
    check_invariants(&f);
    teardown(&f);
}

static void test_a_ghost_has_an_order_too(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("b", 1) "Contact: <sip:b@h1>\r\n");
    put(&f, ID("a", 9) "Contact: <sip:b@h2>" INSTANCE("1") "\r\n");
    CHECK_INT(put(&f, ID("a", 5) "Contact: <sip:b@h1>" INSTANCE("1") "\r\n"), 500);
    CHECK_INT(record_of(&f)->count, 2);
    CHECK_INT(put(&f, ID("a", 10) "Contact: <sip:b@h1>" INSTANCE("1") "\r\n"), 200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h1>;expires=3600" INSTANCE("1") "\r\n"));
    check_invariants(&f);
    teardown(&f);
}

/* URI comparison is not transitive: a parameter that only one side has does not count. */
static void test_two_contacts_that_fit_one_binding(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:b@h>\r\n");
    CHECK_INT(put(&f, ID("a", 2) "Contact: <sip:b@h;x=1>;expires=0, <sip:b@h;x=2>\r\n"), 200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h;x=2>;expires=3600\r\n"));
    CHECK_INT(f.r.removed, 1);
    CHECK_INT(f.r.registered, 2);
    check_invariants(&f);
    teardown(&f);
}

static void test_flows_of_one_phone(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(put(&f, ID("a", 1) "Contact: <sip:b@h1>;reg-id=1" INSTANCE("1") "\r\n"), 200);
    CHECK_INT(put(&f, ID("b", 1) "Contact: <sip:b@h1>;reg-id=2" INSTANCE("1") "\r\n"), 200);
    CHECK_INT(record_of(&f)->count, 2); /* one URI, two flows */
    CHECK_INT(nth(record_of(&f), 0)->reg_id, 2);
    CHECK_INT(put(&f, ID("c", 1) "Contact: <sip:b@h2>;reg-id=1" INSTANCE("1") "\r\n"), 200);
    CHECK_BYTES(contacts(&f),
                STR("Contact: <sip:b@h2>;expires=3600;reg-id=1" INSTANCE(
                    "1") "\r\n"
                         "Contact: <sip:b@h1>;expires=3600;reg-id=2" INSTANCE("1") "\r\n"));
    /* within its Call-ID a flow has an order too */
    CHECK_INT(put(&f, ID("c", 1) "Contact: <sip:b@h3>;reg-id=1" INSTANCE("1") "\r\n"), 500);
    /* an old flow can leave when a new one comes (RFC 5626 §6) */
    CHECK_INT(put(&f, ID("d", 1) "Contact: <sip:b@h4>;reg-id=3" INSTANCE(
                          "1") ", <sip:b@h2>;reg-id=1;expires=0" INSTANCE("1") "\r\n"),
              200);
    CHECK_INT(record_of(&f)->count, 2);
    /* without an instance reg-id means nothing */
    CHECK_INT(put(&f, ID("e", 1) "Contact: <sip:b@h7>;reg-id=7\r\n"), 200);
    CHECK_INT(nth(record_of(&f), 0)->reg_id, 0);
    check_invariants(&f);
    teardown(&f);
}

static void test_parameters_come_back(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: \"B, ob\" <sip:b@h;lr?X=y>;Expires=90;audio;Q=0.3;"
                       "methods=\"INVITE,\r\n BYE\";+u.x=\"<a;b,c>\"\r\n");
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:b@h;lr?X=y>;q=0.300;expires=90;audio;"
                                  "methods=\"INVITE, BYE\";+u.x=\"<a;b,c>\"\r\n"));
    const struct binding *b = nth(record_of(&f), 0);
    CHECK_INT(b->methods, 1u << SIP_METHOD_INVITE | 1u << SIP_METHOD_BYE);
    teardown(&f);
}

static void test_what_is_learned(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:b@h>;methods=\"INFO\"\r\nUser-Agent: phone/1.0 (x)\r\n"
                       "Allow: INVITE, ACK,BYE\r\nAllow: NOTIFY, FROBNICATE\r\n"
                       "Allow-Events: Talk, presence\r\n");
    const struct binding *b = nth(record_of(&f), 0);
    CHECK_STR(b->user_agent, "phone/1.0 (x)");
    CHECK_INT(b->methods, 1u << SIP_METHOD_INVITE | 1u << SIP_METHOD_ACK |
                              1u << SIP_METHOD_BYE | 1u << SIP_METHOD_NOTIFY);
    CHECK(b->event_talk);
    put(&f, ID("a", 2) "Contact: <sip:b@h>\r\nu: hold\r\n"); /* what it says now counts */
    b = nth(record_of(&f), 0);
    CHECK(!str_is_set(b->user_agent));
    CHECK_INT(b->methods, 0);
    CHECK(!b->event_talk);
    teardown(&f);
}

/* ---- limits ---- */

static void test_limit_of_contacts(void)
{
    struct fixture f;
    setup_with(&f, &(struct registrar_config){.max_contacts = 2});
    put(&f, ID("a", 1) "Contact: <sip:b@h1>, <sip:b@h2>\r\n");
    CHECK_INT(put(&f, ID("a", 2) "Contact: <sip:b@h3>\r\n"), 403);
    CHECK_STR(f.a.reason, "At Most 2 Contacts Of An Address");
    CHECK_INT(put(&f, ID("a", 2) "Contact: <sip:b@h2>\r\n"), 200); /* a refresh is not more */
    CHECK_INT(put(&f, ID("a", 3) "Contact: <sip:b@h3>, <sip:b@h1>;expires=0\r\n"), 200);
    CHECK_INT(record_of(&f)->count, 2);
    CHECK_INT(
        put(&f,
            ID("a", 4) "Contact: <sip:b@1>, <sip:b@2>, <sip:b@3>, <sip:b@4>, <sip:b@5>\r\n"),
        403);
    CHECK_STR(f.a.reason, "At Most 4 Contacts In A Request");
    check_invariants(&f);
    teardown(&f);
}

static void test_limit_of_records(void)
{
    struct fixture f;
    setup_with(&f, &(struct registrar_config){.max_records = 2});
    CHECK_INT(put_for(&f, "a@b", ID("a", 1) "Contact: <sip:b@h1>\r\n"), 200);
    CHECK_INT(put_for(&f, "b@b", ID("a", 1) "Contact: <sip:b@h1>\r\n"), 200);
    CHECK_INT(put_for(&f, "c@b", ID("a", 1) "Contact: <sip:b@h1>\r\n"), 503);
    CHECK_STR(f.a.reason, "At Most 2 Addresses Can Be Registered");
    CHECK_INT(put_for(&f, "c@b", ID("a", 1)), 200);
    CHECK_INT(put_for(&f, "a@b", ID("a", 2) "Contact: <sip:b@h2>\r\n"), 200);
    CHECK_INT(put_for(&f, "a@b", ID("a", 3) "Contact: *\r\nExpires: 0\r\n"), 200);
    CHECK_INT(put_for(&f, "c@b", ID("a", 1) "Contact: <sip:b@h1>\r\n"), 200);
    check_invariants(&f);
    teardown(&f);
}

static void test_limit_of_text(void)
{
    struct fixture f;
    char lines[10000];
    setup(&f);
    snprintf(lines, sizeof(lines), ID("a", 1) "Contact: <sip:b@h>\r\nUser-Agent: %8200d\r\n",
             1);
    memset(strstr(lines, "User-Agent: ") + 12, 'x', 8199);
    CHECK_INT(put(&f, lines), 403);
    CHECK_STR(f.a.reason, "At Most 8192 Octets Of Text In A Binding");
    CHECK(record_of(&f) == NULL);
    teardown(&f);
}

/* ---- date, flows ---- */

static void test_dates(void)
{
    static const struct {
        uint64_t at;
        const char *want;
    } row[] = {
        {0, "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"},
        {951782399, "Date: Mon, 28 Feb 2000 23:59:59 GMT\r\n"},
        {951782400, "Date: Tue, 29 Feb 2000 00:00:00 GMT\r\n"},
        {951868800, "Date: Wed, 01 Mar 2000 00:00:00 GMT\r\n"},
        {1735689599, "Date: Tue, 31 Dec 2024 23:59:59 GMT\r\n"},
        {1735689600, "Date: Wed, 01 Jan 2025 00:00:00 GMT\r\n"},
        {4107542400, "Date: Mon, 01 Mar 2100 00:00:00 GMT\r\n"},
        {4107542399, "Date: Sun, 28 Feb 2100 23:59:59 GMT\r\n"},
        {253402300799, "Date: Fri, 31 Dec 9999 23:59:59 GMT\r\n"},
    };
    struct fixture f;
    setup(&f);
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        f.k.wall_s = row[i].at;
        CHECK_INT(put(&f, ID("a", 1)), 200);
        CHECK_STR(f.a.lines, row[i].want);
    }
    teardown(&f);
}

static void test_closed_flows(void)
{
    struct fixture f;
    setup(&f);
    f.hop = (struct hop){.flow = 7, .transport = TP_TLS};
    put(&f, ID("a", 1) "Contact: <sip:b@h1>\r\n");
    put_for(&f, "alice@biloxi.com", ID("a", 1) "Contact: <sip:a@h1>\r\n");
    f.hop.flow = 7 + REGISTRAR_FLOW_BUCKETS; /* the same bucket */
    put(&f, ID("b", 1) "Contact: <sip:b@h2>\r\n");
    f.hop = (struct hop){.flow = 3, .transport = TP_UDP};
    put(&f, ID("c", 1) "Contact: <sip:b@h3>\r\n");
    check_invariants(&f);
    registrar_on_flow_closed(&f.r, 7, f.now);
    check_invariants(&f);
    CHECK_INT(nth(record_of(&f), 0)->hop.flow, 3);
    CHECK_INT(nth(record_of(&f), 1)->hop.flow, 7 + REGISTRAR_FLOW_BUCKETS);
    CHECK_INT(nth(record_of(&f), 2)->hop.flow, 0);
    CHECK_INT(record_of(&f)->count, 3); /* the binding stays */
    CHECK_INT(nth(registrar_find(&f.r, STR("alice@biloxi.com")), 0)->hop.flow, 0);
    /* it comes back on a new connection */
    f.hop = (struct hop){.flow = 8, .transport = TP_TLS};
    put(&f, ID("a", 2) "Contact: <sip:b@h1>\r\n");
    registrar_on_flow_closed(&f.r, 7, f.now);
    CHECK_INT(nth(record_of(&f), 0)->hop.flow, 8);
    registrar_on_flow_closed(&f.r, 999, f.now);
    check_invariants(&f);
    teardown(&f);
}

TEST_MAIN(T(test_first_binding_appears), T(test_refresh_keeps_one_binding),
          T(test_removal_of_one), T(test_query_changes_nothing), T(test_intervals),
          T(test_an_hour_is_never_too_brief), T(test_bindings_end),
          T(test_due_bindings_are_gone_before_the_wheel_turns), T(test_q_values),
          T(test_order_of_preference), T(test_star), T(test_older_cseq_changes_nothing),
          T(test_all_or_nothing), T(test_schemes), T(test_sips_needs_sips_all_along),
          T(test_sip_and_sips_are_one_contact), T(test_a_phone_that_restarted_leaves_no_ghost),
          T(test_two_addresses_of_one_phone), T(test_removing_one_address_keeps_the_other),
          T(test_a_ghost_has_an_order_too), T(test_two_contacts_that_fit_one_binding),
          T(test_flows_of_one_phone), T(test_parameters_come_back), T(test_what_is_learned),
          T(test_limit_of_contacts), T(test_limit_of_records), T(test_limit_of_text),
          T(test_dates), T(test_closed_flows))
