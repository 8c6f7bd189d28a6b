/* SPDX-License-Identifier: Apache-2.0 */
/* GRUUs (RFC 5627) and outbound (RFC 5626). */
#include "kit_registrar.h"
#include "registrar/select.h"

#define PHONE(x) ";+sip.instance=\"<urn:uuid:" x ">\""
#define KNOWS "Supported: gruu, outbound, path\r\n"
#define VIA "Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"

/* The value of a GRUU parameter of the n-th Contact of the answer, copied to `out`. */
static struct str gruu_of(struct fixture *f, unsigned n, const char *name, char *out)
{
    struct str lines = f->a.lines;
    size_t len = 0;
    for (; n > 0; n--) {
        lines = str_from(lines, str_find(lines, STR("\r\n")) + 2);
    }
    lines = str_upto(lines, str_find(lines, STR("\r\n")));
    size_t at = str_find(lines, str_c(name));
    if (at < lines.n) {
        lines = str_from(lines, at + strlen(name));
        len = str_index(lines, '"');
        memcpy(out, lines.p, len);
    }
    return str_make(out, len);
}

#define PUB ";pub-gruu=\""
#define TEMP ";temp-gruu=\""

static struct binding *find(struct fixture *f, struct str text, struct record **rec)
{
    struct sip_uri u;
    struct binding *only = NULL;
    uint32_t at;
    *rec = NULL;
    if (CHECK_INT(sip_uri_parse(text, 0, &u, &at), 0)) {
        *rec = registrar_find_gruu(&f->r, &u, &only);
    }
    return only;
}

static void test_who_gets_gruus(void)
{
    struct fixture f;
    struct record *rec;
    char pub[300], temp[300];
    setup(&f);
    CHECK_INT(put(&f, ID("a", 1) "Contact: <sip:bob@h1>" PHONE("1") "\r\n"), 200);
    CHECK_BYTES(contacts(&f), STR("Contact: <sip:bob@h1>;expires=3600" PHONE("1") "\r\n"));
    /* a query by somebody who knows of them sees what was made all the same */
    CHECK_INT(put(&f, ID("q", 1) KNOWS), 200);
    CHECK_BYTES(gruu_of(&f, 0, PUB, pub), STR("sip:bob@biloxi.com;gr=urn:uuid:1"));
    struct str t = gruu_of(&f, 0, TEMP, temp);
    CHECK(str_starts(t, STR("sip:")) && str_ends(t, STR("@biloxi.com;gr")));
    CHECK(str_find(t, STR("bob")) == t.n);
    CHECK(find(&f, t, &rec) == nth(record_of(&f), 0));
    CHECK(rec == record_of(&f));
    CHECK(find(&f, STR("sip:bob@biloxi.com;gr=urn:uuid:1"), &rec) == nth(record_of(&f), 0));
    CHECK(find(&f, STR("sip:b%6fb@BILOXI.com;gr=urn:%75uid:1;x=y"), &rec) != NULL);
    /* who has no instance has none */
    CHECK_INT(put(&f, ID("b", 1) KNOWS "Contact: <sip:bob@h2>\r\n"), 200);
    CHECK_INT(gruu_of(&f, 0, PUB, pub).n, 0);
    CHECK(gruu_of(&f, 1, PUB, pub).n > 0);
    /* nobody provides his own */
    CHECK_INT(put(&f, ID("c", 1) KNOWS "Contact: <sip:bob@h3>;pub-gruu=\"sip:x@y;gr=z\";"
                                       "temp-gruu=\"sip:x@y;gr\"" PHONE("3") "\r\n"),
              200);
    CHECK_BYTES(gruu_of(&f, 0, PUB, pub), STR("sip:bob@biloxi.com;gr=urn:uuid:3"));
    CHECK(str_find(f.a.lines, STR("sip:x@y")) == f.a.lines.n);
    check_invariants(&f);
    teardown(&f);
}

static void test_what_is_no_gruu(void)
{
    static const char *const none[] = {
        "sip:bob@biloxi.com",
        "sip:bob@biloxi.com;gr",
        "sip:AAAAAAAAAAAAAAAAAAAAAA@biloxi.com;gr",
        "sip:AAAAAAAAAAAAAAAAAAAAA@biloxi.com;gr",
        "sip:biloxi.com;gr",
        "sip:carol@biloxi.com;gr=urn:uuid:1",
        "sip:bob@atlanta.com;gr=urn:uuid:1",
        "tel:+1555;gr=urn:uuid:1",
    };
    struct fixture f;
    struct record *rec;
    char temp[300];
    setup(&f);
    put(&f, ID("a", 1) KNOWS "Contact: <sip:bob@h1>" PHONE("1") "\r\n");
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        test_context(none[i]);
        CHECK(find(&f, str_c(none[i]), &rec) == NULL);
        CHECK(rec == NULL);
    }
    test_context(NULL);
    /* another instance of a known address: known, not registered */
    CHECK(find(&f, STR("sip:bob@biloxi.com;gr=urn:uuid:2"), &rec) == NULL);
    CHECK(rec == record_of(&f));
    /* every octet of a temporary one counts */
    struct str t = gruu_of(&f, 0, TEMP, temp);
    for (size_t i = 4; i < 26; i++) {
        char was = temp[i];
        temp[i] = was == 'A' ? 'B' : 'A';
        CHECK(find(&f, t, &rec) == NULL);
        temp[i] = was;
    }
    CHECK(find(&f, t, &rec) != NULL);
    memcpy(strchr(temp, '@'), "@atlanta.com;gr", 15);
    CHECK(find(&f, str_make(temp, t.n + 1), &rec) == NULL);
    teardown(&f);
}

/* §3.2: they accumulate, until the last contact goes or the Call-ID changes. */
static void test_life_of_temporary_gruus(void)
{
    struct fixture f;
    struct record *rec;
    char a[300], b[300], c[300], pub[300];
    setup(&f);
    put(&f, ID("a", 1) KNOWS "Contact: <sip:bob@h1>" PHONE("1") "\r\n");
    struct str ta = gruu_of(&f, 0, TEMP, a);
    put(&f, ID("a", 2) KNOWS "Contact: <sip:bob@h1>" PHONE("1") "\r\n");
    struct str tb = gruu_of(&f, 0, TEMP, b);
    CHECK(!str_eq(ta, tb));
    CHECK(find(&f, ta, &rec) != NULL && find(&f, tb, &rec) != NULL);
    put(&f, ID("x", 1) KNOWS); /* a query makes none */
    CHECK_BYTES(gruu_of(&f, 0, TEMP, c), tb);
    put(&f, ID("b", 1) KNOWS "Contact: <sip:bob@h2>" PHONE("1") "\r\n"); /* restarted */
    struct str tc = gruu_of(&f, 0, TEMP, c);
    CHECK(find(&f, ta, &rec) == NULL && find(&f, tb, &rec) == NULL);
    CHECK(find(&f, tc, &rec) != NULL);
    CHECK_BYTES(gruu_of(&f, 0, PUB, pub), STR("sip:bob@biloxi.com;gr=urn:uuid:1"));
    put(&f, ID("b", 2) KNOWS "Contact: <sip:bob@h2>;expires=0" PHONE("1") "\r\n");
    CHECK(find(&f, tc, &rec) == NULL);
    put(&f, ID("b", 3) KNOWS "Contact: <sip:bob@h2>" PHONE("1") "\r\n");
    CHECK(find(&f, tc, &rec) == NULL); /* a new life */
    struct str td = gruu_of(&f, 0, TEMP, a);
    CHECK(find(&f, td, &rec) != NULL);
    pass(&f, 3600000);
    CHECK(find(&f, td, &rec) == NULL);
    /* the same contact, another phone */
    put(&f, ID("c", 1) KNOWS "Contact: <sip:bob@h2>" PHONE("1") "\r\n");
    td = gruu_of(&f, 0, TEMP, a);
    put(&f, ID("c", 2) KNOWS "Contact: <sip:bob@h2>" PHONE("2") "\r\n");
    CHECK(find(&f, td, &rec) == NULL);
    CHECK_INT(f.r.lives.count, 1);
    check_invariants(&f);
    teardown(&f);
}

/* One life for all flows of a phone: it ends with the last of them. */
static void test_gruus_and_flows(void)
{
    struct fixture f;
    struct record *rec;
    char a[300], b[300];
    setup(&f);
    put(&f, ID("a", 1) VIA KNOWS "Contact: <sip:bob@h1>;reg-id=1" PHONE("1") "\r\n");
    struct str ta = gruu_of(&f, 0, TEMP, a);
    put(&f, ID("b", 1) VIA KNOWS "Contact: <sip:bob@h1>;reg-id=2" PHONE("1") "\r\n");
    struct str tb = gruu_of(&f, 0, TEMP, b);
    CHECK_BYTES(gruu_of(&f, 1, TEMP, b), tb); /* the latest, with every contact */
    CHECK_INT(find(&f, ta, &rec)->reg_id, 2); /* the latest flow */
    put(&f, ID("b", 2) VIA "Contact: <sip:bob@h1>;reg-id=2;expires=0" PHONE("1") "\r\n");
    CHECK_INT(find(&f, ta, &rec)->reg_id, 1);
    CHECK(find(&f, tb, &rec) != NULL);
    /* one flow comes under another Call-ID: all end */
    put(&f, ID("c", 1) VIA KNOWS "Contact: <sip:bob@h1>;reg-id=1" PHONE("1") "\r\n");
    CHECK(find(&f, ta, &rec) == NULL && find(&f, tb, &rec) == NULL);
    check_invariants(&f);
    teardown(&f);
}

/* Appendix A.2 wants what we have: nothing in two GRUUs says that they are of one phone. */
static void test_temporary_gruus_look_alike(void)
{
    struct fixture f;
    char text[2][300];
    char lines[300];
    unsigned same = 0;
    setup(&f);
    for (unsigned i = 1; i <= 64; i++) {
        snprintf(lines, sizeof(lines),
                 "Call-ID: a\r\nCSeq: %u REGISTER\r\n" KNOWS
                 "Contact: <sip:bob@h1>" PHONE("1") "\r\n",
                 i);
        put(&f, lines);
        struct str t = gruu_of(&f, 0, TEMP, text[i % 2]);
        for (size_t k = 4; i > 1 && k < 26 && k < t.n; k++) {
            same += text[0][k] == text[1][k];
        }
    }
    CHECK(same < 63u * 22 / 16); /* by chance 1 of 64 */
    teardown(&f);
}

static void test_instances_with_strange_characters(void)
{
    struct fixture f;
    struct record *rec;
    char pub[400];
    setup(&f);
    CHECK_INT(put_for(&f, "o'b;x%@biloxi.com",
                      ID("a", 1) KNOWS
                      "Contact: <sip:b@h>;+sip.instance=\"<urn:x;?a b%41=>\"\r\n"),
              200);
    struct str p = gruu_of(&f, 0, PUB, pub);
    CHECK_BYTES(p, STR("sip:o'b;x%25@biloxi.com;gr=urn:x%3B%3Fa%20b%2541%3D"));
    CHECK(find(&f, p, &rec) != NULL);
    /* too long for a URI, or nothing at all: none */
    char lines[700];
    for (int n = 256; n < 258; n++) {
        snprintf(lines, sizeof(lines),
                 "Call-ID: %d\r\nCSeq: 1 REGISTER\r\n" KNOWS
                 "Contact: <sip:b@h%d>;+sip.instance=\"<%0*d>\"\r\n",
                 n, n, n, 0);
        CHECK_INT(put(&f, lines), 200);
        CHECK_INT(gruu_of(&f, 0, PUB, pub).n > 0, n == 256);
    }
    CHECK_INT(put(&f, ID("z", 1) KNOWS "Contact: <sip:b@h>;+sip.instance=\"<>\"\r\n"), 200);
    CHECK_INT(gruu_of(&f, 0, TEMP, pub).n, 0);
    check_invariants(&f);
    teardown(&f);
}

static void test_contacts_that_lead_back(void)
{
    struct fixture f;
    char temp[300];
    char lines[600];
    setup(&f);
    CHECK_INT(put(&f, ID("a", 1) "Contact: <sip:b%6fb@BILOXI.com;x=1>" PHONE("1") "\r\n"), 403);
    CHECK_STR(f.a.reason, "Contact Is The Address Itself");
    put(&f, ID("a", 1) KNOWS "Contact: <sip:bob@h1>" PHONE("1") "\r\n");
    struct str t = gruu_of(&f, 0, TEMP, temp);
    CHECK_INT(
        put(&f, ID("b", 1) "Contact: <sip:bob@biloxi.com;gr=urn:uuid:9>" PHONE("2") "\r\n"),
        403);
    snprintf(lines, sizeof(lines), ID("b", 1) "Contact: <%.*s>" PHONE("2") "\r\n", STR_ARG(t));
    CHECK_INT(put(&f, lines), 403);
    /* somebody else's is an address like any other */
    CHECK_INT(put(&f, ID("b", 1) "Contact: <sip:carol@biloxi.com;gr=1>" PHONE("2") "\r\n"),
              200);
    check_invariants(&f);
    teardown(&f);
}

/* ---- which instance ---- */

static struct binding *choose(struct fixture *f, struct str uri, unsigned *status)
{
    char request[600];
    struct kit_msg msg;
    struct selected *at;
    snprintf(request, sizeof(request), "INVITE %.*s SIP/2.0\r\n\r\n", STR_ARG(uri));
    if (!CHECK(kit_index(&msg, str_c(request)))) {
        return NULL;
    }
    arena_reset(&f->arena);
    size_t n = registrar_select(record_of(f), &msg.m, &f->arena, &at, status);
    CHECK(n <= 1);
    return n == 1 ? nth(record_of(f), at->binding != nth(record_of(f), 0)) : NULL;
}

static void test_only_the_instance_is_chosen(void)
{
    struct fixture f;
    char temp[300];
    unsigned status;
    setup(&f);
    put(&f, ID("a", 1) KNOWS "Contact: <sip:bob@h1>" PHONE("1") "\r\n");
    struct str t = gruu_of(&f, 0, TEMP, temp);
    put(&f, ID("b", 1) "Contact: <sip:bob@h2>" PHONE("2") "\r\n");
    CHECK_STR(choose(&f, t, &status)->contact, "sip:bob@h1");
    CHECK_STR(choose(&f, STR("sip:bob@biloxi.com;gr=urn:uuid:1"), &status)->contact,
              "sip:bob@h1");
    CHECK_STR(choose(&f, STR("sip:bob@biloxi.com;gr=urn:uuid:2"), &status)->contact,
              "sip:bob@h2");
    /* another name of the domain is as good */
    CHECK_STR(choose(&f, STR("sip:bob@192.0.2.99;gr=urn:uuid:2"), &status)->contact,
              "sip:bob@h2");
    CHECK(choose(&f, STR("sip:bob@biloxi.com;gr=urn:uuid:3"), &status) == NULL);
    CHECK_INT(status, 480);
    teardown(&f);
}

/* ---- outbound ---- */

static void test_answers_of_outbound(void)
{
    static const struct {
        const char *lines;
        unsigned status, reg_id;
        bool required, timer;
    } row[] = {
        /* direct */
        {VIA KNOWS, 200, 1, true, true},
        {VIA, 200, 1, false, false},
        {VIA "Require: outbound\r\n", 200, 1, true, true},
        /* through somebody who keeps no flows */
        {VIA VIA KNOWS, 439, 0, false, false},
        {VIA VIA KNOWS "Path: <sip:p;lr>\r\n", 439, 0, false, false},
        {VIA VIA "Supported: path\r\n", 200, 0, false, false},
        /* through an edge proxy, and one more in front of it */
        {VIA VIA KNOWS "Path: <sip:p;lr;ob>\r\n", 200, 1, true, false},
        {VIA VIA KNOWS "Path: <sip:p2;lr>, <sip:p;lr;ob>\r\n", 200, 1, true, false},
        {VIA VIA KNOWS "Path: <sip:p2;lr;ob>, <sip:p;lr>\r\n", 439, 0, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct fixture f;
        char lines[600];
        setup_with(&f, &(struct registrar_config){.flow_timer_s = 90});
        snprintf(lines, sizeof(lines),
                 ID("a", 1) "%sContact: <sip:bob@h>;reg-id=1" PHONE("1") "\r\n", row[i].lines);
        test_context(row[i].lines);
        CHECK_INT(put(&f, lines), row[i].status);
        CHECK_INT(str_find(f.a.lines, STR("Require: outbound\r\n")) < f.a.lines.n,
                  row[i].required);
        CHECK_INT(str_find(f.a.lines, STR("Flow-Timer: 90\r\n")) < f.a.lines.n, row[i].timer);
        if (row[i].status == 200) {
            CHECK_INT(nth(record_of(&f), 0)->reg_id, row[i].reg_id);
        } else {
            CHECK(record_of(&f) == NULL);
        }
        teardown(&f);
    }
    test_context(NULL);
}

static void test_service_route(void)
{
    struct fixture f;
    setup_with(&f, &(struct registrar_config){.service_route = STR("<sip:o.biloxi.com;lr>")});
    put(&f, ID("a", 1) "Contact: <sip:bob@h>\r\n");
    CHECK(str_ends(f.a.lines, STR("Service-Route: <sip:o.biloxi.com;lr>\r\n")));
    teardown(&f);
}

static void add_flow(struct fixture *f, unsigned n, uint32_t flow)
{
    char lines[300];
    f->hop = (struct hop){.flow = flow, .transport = TP_TCP, .remote = f->hop.remote};
    snprintf(lines, sizeof(lines),
             "Call-ID: f%u\r\nCSeq: 1 REGISTER\r\n" VIA KNOWS
             "Contact: <sip:bob@h>;reg-id=%u" PHONE("1") "\r\n",
             n, n);
    CHECK_INT(put(f, lines), 200);
}

static void check_chain(struct fixture *f, unsigned first, unsigned second, unsigned third)
{
    struct selected *at;
    unsigned status;
    arena_reset(&f->arena);
    REQUIRE(registrar_select(record_of(f), NULL, &f->arena, &at, &status) == 1);
    CHECK_INT(at->binding->reg_id, first);
    REQUIRE(second == 0 || at->next_flow != NULL);
    CHECK_INT(second == 0 ? 0 : at->next_flow->binding->reg_id, second);
    REQUIRE(third == 0 || at->next_flow->next_flow != NULL);
    CHECK_INT(third == 0 ? 0 : at->next_flow->next_flow->binding->reg_id, third);
}

/* RFC 5626 §7: one flow of a phone at a time, the latest first; a closed one is none. */
static void test_flows_take_over(void)
{
    struct fixture f;
    setup(&f);
    add_flow(&f, 1, 11);
    add_flow(&f, 2, 12);
    add_flow(&f, 3, 13);
    check_chain(&f, 3, 2, 1);
    registrar_on_flow_failed(&f.r, STR(KEY), nth(record_of(&f), 0)->id);
    check_chain(&f, 2, 1, 3);
    registrar_on_flow_failed(&f.r, STR("nobody@biloxi.com"), 1);
    registrar_on_flow_closed(&f.r, 12, f.now);
    CHECK_INT(f.told[BINDING_DEACTIVATED], 1);
    CHECK_INT(f.r.lost, 1);
    check_chain(&f, 1, 3, 0);
    check_invariants(&f);
    registrar_on_flow_closed(&f.r, 11, f.now);
    registrar_on_flow_closed(&f.r, 13, f.now);
    CHECK(record_of(&f) == NULL);
    CHECK_INT(f.vanished, 1);
    check_invariants(&f);
    teardown(&f);
}

static void test_browsers_go_with_their_flow(void)
{
    struct fixture f;
    setup(&f);
    f.hop = (struct hop){.flow = 5, .transport = TP_WSS};
    CHECK_INT(put(&f, ID("a", 1) VIA "Contact: <sip:df7jal23ls0d.invalid;transport=ws>\r\n"),
              200);
    CHECK_INT(put(&f, ID("b", 1) VIA "Contact: <sip:bob@192.0.2.7;transport=tcp>\r\n"), 200);
    registrar_on_flow_closed(&f.r, 5, f.now);
    CHECK_INT(record_of(&f)->count, 1);
    CHECK_STR(nth(record_of(&f), 0)->contact, "sip:bob@192.0.2.7;transport=tcp");
    check_invariants(&f);
    teardown(&f);
}

TEST_MAIN(T(test_who_gets_gruus), T(test_what_is_no_gruu), T(test_life_of_temporary_gruus),
          T(test_gruus_and_flows), T(test_temporary_gruus_look_alike),
          T(test_instances_with_strange_characters), T(test_contacts_that_lead_back),
          T(test_only_the_instance_is_chosen), T(test_answers_of_outbound),
          T(test_service_route), T(test_flows_take_over), T(test_browsers_go_with_their_flow))
