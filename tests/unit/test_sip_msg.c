/* SPDX-License-Identifier: Apache-2.0 */
/* Index, accessors, lists, checks and copies of messages. */
#include "sip_helpers.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#define HEAD                                              \
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n" \
    "From: <sip:a@example.com>;tag=1\r\n"                 \
    "To: <sip:b@example.com>\r\n"                         \
    "Call-ID: c1@192.0.2.1\r\n"

static const char whole[] = "INVITE sip:b@example.com SIP/2.0\r\n" HEAD "CSeq: 7 INVITE\r\n"
                            "Max-Forwards: 70\r\n"
                            "m: <sip:a@192.0.2.1>\r\n"
                            "Supported: timer, 100rel,\r\n"
                            " replaces\r\n"
                            "k: uui\r\n"
                            "X-Thing: one\r\n"
                            "x-thing: two\r\n"
                            "l: 4\r\n"
                            "\r\n"
                            "body";

static struct str whole_str(void)
{
    return str_make(whole, sizeof(whole) - 1);
}

static void test_index_finds_everything(void)
{
    struct sip_parsed p;
    REQUIRE(sip_test_judge(&p, whole_str()) == 0);
    const struct sip_msg *m = &p.m;
    CHECK(sip_is_request(m));
    CHECK_INT(m->method, SIP_METHOD_INVITE);
    CHECK_STR(sip_msg_method(m), "INVITE");
    CHECK_STR(sip_msg_ruri(m), "sip:b@example.com");
    CHECK(!str_is_set(sip_msg_reason(m)));
    CHECK_STR(sip_msg_body(m), "body");
    CHECK_INT(m->len, sizeof(whole) - 1);
    CHECK_INT(m->head_len, sizeof(whole) - 5);
    CHECK_INT(m->hdr_count, 12);
    CHECK_STR(sip_msg_value(m, SIP_HDR_CALL_ID), "c1@192.0.2.1");
    CHECK_STR(sip_msg_value(m, SIP_HDR_CONTACT), "<sip:a@192.0.2.1>");
    CHECK_STR(sip_hdr_name(m, sip_msg_line(m, SIP_HDR_CONTACT)), "m");
    CHECK(sip_msg_has(m, SIP_HDR_VIA));
    CHECK(!sip_msg_has(m, SIP_HDR_ROUTE));
    CHECK(!str_is_set(sip_msg_value(m, SIP_HDR_ROUTE)));
    CHECK(sip_msg_line(m, SIP_HDR_ROUTE) == NULL);
    CHECK_INT(m->count[SIP_HDR_SUPPORTED], 2);
}

static void test_lines_of_one_header_are_chained(void)
{
    struct sip_parsed p;
    REQUIRE(sip_test_index(&p, whole_str()) == 0);
    const struct sip_hdr *h = sip_msg_line(&p.m, SIP_HDR_SUPPORTED);
    REQUIRE(h != NULL);
    CHECK_STR(sip_hdr_value(&p.m, h), "timer, 100rel,\r\n replaces");
    h = sip_msg_next_line(&p.m, h);
    REQUIRE(h != NULL);
    CHECK_STR(sip_hdr_value(&p.m, h), "uui");
    CHECK(sip_msg_next_line(&p.m, h) == NULL);
}

static void test_named_finds_unknown_headers(void)
{
    struct sip_parsed p;
    REQUIRE(sip_test_index(&p, whole_str()) == 0);
    const struct sip_hdr *h = sip_msg_named(&p.m, STR("X-THING"));
    REQUIRE(h != NULL);
    CHECK_STR(sip_hdr_value(&p.m, h), "one");
    h = sip_msg_named(&p.m, STR("i"));
    REQUIRE(h != NULL);
    CHECK_INT(h->id, SIP_HDR_CALL_ID);
    CHECK(sip_msg_named(&p.m, STR("X-Thin")) == NULL);
}

static void test_each_walks_lines_and_elements(void)
{
    static const char *const want[] = {"timer", "100rel", "replaces", "uui"};
    struct sip_parsed p;
    REQUIRE(sip_test_index(&p, whole_str()) == 0);
    struct sip_values it = {0};
    struct str v;
    size_t n = 0;
    while (n < 4 && sip_msg_each(&p.m, SIP_HDR_SUPPORTED, &it, &v)) {
        CHECK_STR(v, want[n++]);
    }
    CHECK_INT(n, 4);
    CHECK(!sip_msg_each(&p.m, SIP_HDR_SUPPORTED, &it, &v));
    CHECK(sip_msg_has_token(&p.m, SIP_HDR_SUPPORTED, STR("Replaces")));
    CHECK(!sip_msg_has_token(&p.m, SIP_HDR_SUPPORTED, STR("replace")));
    CHECK(!sip_msg_has_token(&p.m, SIP_HDR_REQUIRE, STR("replace")));
}

static void expect_list(const char *text, const char *const *want, size_t n)
{
    struct str rest = str_c(text);
    struct str e;
    test_context(text);
    for (size_t i = 0; i < n; i++) {
        if (!CHECK(sip_list_next(&rest, &e))) {
            break;
        }
        CHECK_STR(e, want[i]);
    }
    CHECK(!sip_list_next(&rest, &e));
    test_context(NULL);
}

static void test_list_commas(void)
{
    expect_list(
        "\"a, \\\", b\" <sip:x,y@h>;p=\"1,2\" , <sip:c,d@h?a=b,c>,e",
        (const char *const[]){"\"a, \\\", b\" <sip:x,y@h>;p=\"1,2\"", "<sip:c,d@h?a=b,c>", "e"},
        3);
    expect_list(" ,, a ,\r\n\t, b,", (const char *const[]){"a", "b"}, 2);
    expect_list("\"open, a", (const char *const[]){"\"open, a"}, 1);
    expect_list("<open, a", (const char *const[]){"<open, a"}, 1);
    expect_list("\"a\\", (const char *const[]){"\"a\\"}, 1);
    expect_list(", ,", NULL, 0);
    expect_list("", NULL, 0);
}

static void test_response(void)
{
    struct sip_parsed p;
    REQUIRE(sip_test_judge(&p, STR("SIP/2.0 183 Session \xc3\x9c Progress\r\n" HEAD
                                   "CSeq: 7 INVITE\r\n\r\n")) == 0);
    CHECK(!sip_is_request(&p.m));
    CHECK_INT(p.m.status, 183);
    CHECK_INT(p.m.method, SIP_METHOD_INVITE);
    CHECK_STR(sip_msg_reason(&p.m), "Session \xc3\x9c Progress");
    CHECK(!str_is_set(sip_msg_method(&p.m)));
    CHECK(!str_is_set(sip_msg_ruri(&p.m)));
    CHECK_INT(sip_msg_body(&p.m).n, 0);
    REQUIRE(sip_test_judge(&p, STR("sip/2.0 100 \r\n" HEAD "CSeq: 7 X\r\n\r\n")) == 0);
    CHECK_INT(sip_msg_reason(&p.m).n, 0);
    CHECK(str_is_set(sip_msg_reason(&p.m)));
    CHECK_INT(p.m.method, SIP_METHOD_OTHER);
    CHECK_INT(sip_test_judge(&p, STR("SIP/2.0 100\r\n" HEAD "CSeq: 7 X\r\n\r\n")), 0);
}

static void test_start_lines_that_are_refused(void)
{
    static const struct {
        const char *line;
        int err;
        unsigned status;
    } rows[] = {
        {"INVITE sip:a@b SIP/3.0", E_VERSION, 505},
        {"INVITE sip:a@b SIP/7.0", E_VERSION, 505},
        {"INVITE sip:a@b SIP/2.01", E_VERSION, 505},
        {"INVITE sip:a@b SIP/2", E_SYNTAX, 400},
        {"INVITE sip:a@b SIP/2.0 ", E_SYNTAX, 400},
        {"INVITE sip:a@b SIP/2.0\t", E_SYNTAX, 400},
        {"INVITE sip:a@b; lr SIP/2.0", E_SYNTAX, 400},
        {"INVITE sip:a@b  SIP/2.0", E_SYNTAX, 400},
        {"INVITE  sip:a@b SIP/2.0", E_SYNTAX, 400},
        {"INVITE  SIP/2.0", E_SYNTAX, 400},
        {"INVITE SIP/2.0", E_SYNTAX, 0},
        {"INVITE sip:a@b HTTP/1.1", E_SYNTAX, 0},
        {"GET / HTTP/1.1", E_SYNTAX, 0},
        {"IN,VITE sip:a@b SIP/2.0", E_SYNTAX, 0},
        {" INVITE sip:a@b SIP/2.0", E_SYNTAX, 0},
        {"hello", E_SYNTAX, 0},
        {"SIP/2.0 99 X", E_SYNTAX, 0},
        {"SIP/2.0 099 X", E_SYNTAX, 0},
        {"SIP/2.0 700 X", E_SYNTAX, 0},
        {"SIP/2.0 4294967301 X", E_SYNTAX, 0},
        {"SIP/2.0 20a X", E_SYNTAX, 0},
        {"SIP/2.0  200 X", E_SYNTAX, 0},
        {"SIP/3.0 200 OK", E_VERSION, 0},
        {"SIP/2.0", E_VERSION, 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[512];
        struct sip_parsed p;
        int n =
            snprintf(text, sizeof(text), "%s\r\n" HEAD "CSeq: 7 INVITE\r\n\r\n", rows[i].line);
        test_context(rows[i].line);
        CHECK_INT(sip_test_index(&p, str_make(text, (size_t)n)), rows[i].err);
        CHECK_INT(p.fault.status, rows[i].status);
        /* an answer can be addressed all the same */
        CHECK_STR(sip_msg_value(&p.m, SIP_HDR_CALL_ID), "c1@192.0.2.1");
        CHECK(sip_msg_has(&p.m, SIP_HDR_CSEQ));
    }
    test_context(NULL);
}

static void test_version_in_any_case(void)
{
    struct sip_parsed p;
    CHECK_INT(sip_test_index(&p, STR("INVITE sip:a@b sip/2.0\r\n\r\n")), 0);
    CHECK_INT(p.m.hdr_count, 0);
}

static void test_methods_are_case_sensitive(void)
{
    struct sip_parsed p;
    CHECK_INT(sip_test_index(&p, STR("invite sip:a@b SIP/2.0\r\n\r\n")), 0);
    CHECK_INT(p.m.method, SIP_METHOD_OTHER);
    CHECK_STR(sip_msg_method(&p.m), "invite");
    CHECK_INT(sip_test_index(&p, STR("SUBSCRIBE sip:a@b SIP/2.0\r\n\r\n")), 0);
    CHECK_INT(p.m.method, SIP_METHOD_SUBSCRIBE);
}

/* One line in a request that is fine otherwise. */
static int judge_with(struct sip_parsed *p, const char *line)
{
    static char text[2048];
    int n = snprintf(
        text, sizeof(text),
        "REGISTER sip:example.com SIP/2.0\r\n" HEAD "CSeq: 7 REGISTER\r\n%s\r\n\r\nbody", line);
    return sip_test_judge(p, str_make(text, (size_t)n));
}

static void test_lines(void)
{
    static const struct {
        const char *line;
        int err;
    } rows[] = {
        {"X: y", 0},
        {"X : y", 0},
        {"X\t:y", 0},
        {"X:", 0},
        {"X: \r\n y", 0},
        {"X:\r\n \r\n\ty", 0},
        {"X: \x01\x02", 0},
        {"X: a\nY: b", E_SYNTAX},
        {"X: a\rb", E_SYNTAX},
        {"X: a\r\rb", E_SYNTAX},
        {"no colon", E_SYNTAX},
        {": no name", E_SYNTAX},
        {" : no name", E_SYNTAX},
        {"two words: x", E_SYNTAX},
        {"(: x", E_SYNTAX},
        {"\xc3\x9c: x", E_SYNTAX},
        {"X\r\n : y", E_SYNTAX},
        {"Content-Length: 4", 0},
        {"l: 4", 0},
        {"L\t:\r\n 4", 0},
        {"l: 0", 0},
        {"l: 0004", 0},
        {"l: 4\r\nContent-Length: 3", E_SYNTAX},
        {"l: 4\r\nContent-Length: 4", E_SYNTAX}, /* check: it is a single header */
        {"l: 5", E_SYNTAX},
        {"l: -1", E_SYNTAX},
        {"l: +1", E_SYNTAX},
        {"l: 1 2", E_SYNTAX},
        {"l: ", E_SYNTAX},
        {"l: 18446744073709551620", E_SYNTAX},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_parsed p;
        test_context(rows[i].line);
        CHECK_INT(judge_with(&p, rows[i].line), rows[i].err);
        CHECK_INT(p.fault.status, rows[i].err == 0 ? 0 : 400);
    }
    test_context(NULL);
}

/* CR folds to '-' in the look-up of names; a line with a CR in it must not be found by it. */
static void test_cr_in_a_name(void)
{
    struct sip_parsed p;
    CHECK_INT(sip_test_index(&p, STR("BYE sip:a@b SIP/2.0\r\nCall\rID: x\r\nTo: y\r\n\r\n")),
              E_SYNTAX);
    CHECK(!sip_msg_has(&p.m, SIP_HDR_CALL_ID));
    CHECK(sip_msg_has(&p.m, SIP_HDR_TO));
}

static void test_rules(void)
{
    static const struct {
        const char *line;
        const char *reason; /* NULL: fine */
    } rows[] = {
        {"Max-Forwards: 0", NULL},
        {"Max-Forwards: 0255", NULL},
        {"Max-Forwards: 256", "Max-Forwards is not in 0..255"},
        {"Max-Forwards: x", "Max-Forwards is not in 0..255"},
        {"Max-Forwards: ", "Max-Forwards is not in 0..255"},
        {"t: <sip:c@example.com>", "A header field that may stand once occurs twice"},
        {"Subject: a\r\ns: b", "A header field that may stand once occurs twice"},
        {"Contact: *", NULL},
        {"Contact: *, <sip:a@b>", "Malformed Contact"},
        {"Contact: <sip:a@b>\r\nContact: *", "Malformed Contact"},
        {"Contact: sip:a@b?x=y", "Malformed Contact"},
        {"Contact: <sip:a@b?x=y>", NULL},
        {"Contact: <sip:a@b>;expires=0, sip:c@d;q=0.1", NULL},
        {"Contact: \"open <sip:a@b>", "Malformed Contact"},
        {"Contact: < sip:a@b >", "Malformed Contact"},
        {"Contact: %", "Malformed Contact"},
        {"Route: sip:a@b;lr", NULL}, /* the parameter is the header's then */
        {"Route: <sip:a@b;lr", "Malformed Route"},
        {"Route: *", "Malformed Route"},
        {"Record-Route: x", "Malformed Record-Route"},
        {"Path: <>", "Malformed Path"},
        {"Refer-To: <sip:>", "Malformed Refer-To"},
        {"Via: SIP/2.0/UDP", "Malformed Via"},
        {"v: SIP/2.0/UDP a, SIP/2.0/UDP b;x=", NULL},
        {"Date: no date at all", NULL},
        {"Expires: 99999999999999999999", NULL},
        {"Warning: 1812 x \"y\"", NULL},
        {"C%6Fntact: %", NULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_parsed p;
        test_context(rows[i].line);
        CHECK_INT(judge_with(&p, rows[i].line), rows[i].reason == NULL ? 0 : E_SYNTAX);
        CHECK(rows[i].reason == NULL || strcmp(rows[i].reason, p.fault.reason) == 0);
    }
    test_context(NULL);
}

#define VIA_4 "SIP/2.0/UDP a,SIP/2.0/UDP a,SIP/2.0/UDP a,SIP/2.0/UDP a,"
#define VIA_16 VIA_4 VIA_4 VIA_4 VIA_4
#define VIA_64 VIA_16 VIA_16 VIA_16 VIA_16

/* Whole messages, each with one thing wrong. */
static void test_verdicts(void)
{
    static const struct {
        const char *text;
        unsigned status; /* 1: fine */
    } rows[] = {
        {"BYE sip:a@b SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\n\r\n", 1},
        {"BYE sip:a@b SIP/2.0\r\n" HEAD "CSeq: 1 ACK\r\n\r\n", 400},
        {"BYE sip:a@b SIP/2.0\r\n" HEAD "CSeq: 1 bye\r\n\r\n", 400},
        {"BYE sip:a@b SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\nv: " VIA_64 "SIP/2.0/UDP b\r\n\r\n", 1},
        {"BYE sip:a@b SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\nv: " VIA_64 VIA_64
         "SIP/2.0/UDP b\r\n\r\n",
         513},
        {"NEW sip:a@b SIP/2.0\r\n" HEAD "CSeq: 1 NEW\r\n\r\n", 1},
        {"NEW sip:a@b SIP/2.0\r\n" HEAD "CSeq: 1 OLD\r\n\r\n", 400},
        {"BYE sip:a@b SIP/2.0\r\n" HEAD "CSeq: 2147483647 BYE\r\n\r\n", 1},
        {"BYE sip:a@b SIP/2.0\r\n" HEAD "CSeq: 2147483648 BYE\r\n\r\n", 400},
        {"BYE sip:a@b SIP/2.0\r\n" HEAD "CSeq: 36893488147419103232 BYE\r\n\r\n", 400},
        {"BYE sip:a@b SIP/2.0\r\n" HEAD "\r\n", 400},
        {"BYE sip:a@b SIP/2.0\r\nCSeq: 1 BYE\r\n\r\n", 400},
        {"BYE <sip:a@b> SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\n\r\n", 400},
        {"BYE sip:a@b?Route=x SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\n\r\n", 400},
        {"BYE sip:a%zz@b SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\n\r\n", 400},
        {"BYE sip:a@b\tc SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\n\r\n", 400},
        {"BYE soap.beep://192.0.2.1:3 SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\n\r\n", 1},
        {"BYE odd:rest SIP/2.0\r\n" HEAD "CSeq: 1 BYE\r\n\r\n", 1},
        {"SIP/2.0 200 OK\r\n" HEAD "CSeq: 1 BYE\r\nContact: %\r\n\r\n", 1},
        {"SIP/2.0 200 OK\r\n" HEAD "CSeq: 9223372036854775808 BYE\r\n\r\n", 0},
        {"SIP/2.0 200 OK\r\n" HEAD "\r\n", 0},
        {"SIP/2.0 200 OK\r\n" HEAD "CSeq: 1 BYE\r\nl: 9\r\n\r\n", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_parsed p;
        test_context(rows[i].text);
        int err = sip_test_judge(&p, str_c(rows[i].text));
        CHECK((err == 0) == (rows[i].status == 1));
        CHECK_INT(p.fault.status, rows[i].status == 1 ? 0 : rows[i].status);
    }
    test_context(NULL);
}

/* From, To and Call-ID as they should not be; what stands first in HEAD is replaced. */
static void test_identity_headers(void)
{
    static const struct {
        const char *from, *to, *call_id;
        int err;
    } rows[] = {
        {"sip:a@b;tag=1", "sip:c@d", "x", 0},
        {"<sip:a@b>", "isbn:2983792873", "a@b", 0},
        {"Bell, Alexander <sip:a@b>;tag=43", "sip:c@d", "x", E_SYNTAX},
        {"sip:a@b;tag=1", "\"Mr. J <sip:c@d>", "x", E_SYNTAX},
        {"sip:a@b;tag=1", "\"Watson, T\" < sip:c@d >", "x", E_SYNTAX},
        {"sip:a@b;tag=1, sip:c@d", "sip:c@d", "x", E_SYNTAX},
        {"*", "sip:c@d", "x", E_SYNTAX},
        {"sip:a@b;tag=1", "", "x", E_SYNTAX},
        {"sip:a@b;tag=1", "sip:c@d", "x y", E_SYNTAX},
        {"sip:a@b;tag=1", "sip:c@d", "", E_SYNTAX},
        {"sip:a@b;tag=1", "sip:c@d", "word%ZK-!.*_+'@word`~)(><:\\/\"][?}{", 0},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char text[1024];
        struct sip_parsed p;
        int n = snprintf(text, sizeof(text),
                         "BYE sip:a@b SIP/2.0\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\n"
                         "Via: SIP/2.0/UDP h\r\nCSeq: 1 BYE\r\n\r\n",
                         rows[i].from, rows[i].to, rows[i].call_id);
        test_context(text);
        CHECK_INT(sip_test_judge(&p, str_make(text, (size_t)n)), rows[i].err);
    }
    test_context(NULL);
}

static void test_limits(void)
{
    struct sip_parsed p = {.m.hdr = p.hdr};
    struct sip_limits small = {100, 2, 20};
    p.m.hdr = p.hdr;
    CHECK_INT(sip_msg_index(&p.m, whole_str(), true, &small, &p.fault), E_TOOBIG);
    CHECK_INT(p.fault.status, 513);
    struct str three = STR("BYE sip:a@b SIP/2.0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n");
    CHECK_INT(sip_msg_index(&p.m, three, true, &small, &p.fault), E_TOOMANY);
    CHECK_INT(p.fault.status, 513);
    CHECK_INT(p.m.hdr_count, 2);
    struct str uri = STR("BYE sip:aaaaaaaaaaaaaaaaa SIP/2.0\r\n\r\n");
    CHECK_INT(sip_msg_index(&p.m, uri, true, &small, &p.fault), E_TOOBIG);
    CHECK_INT(p.fault.status, 414);
    CHECK_INT(sip_msg_index(&p.m, str_make(whole, 0), true, &small, &p.fault), E_SYNTAX);
    CHECK_INT(p.fault.status, 0);
}

/* 256 lines are indexed, one more is too many. */
static void test_most_lines(void)
{
    static char text[64 * 1024];
    struct sip_parsed p;
    for (int lines = 256; lines <= 257; lines++) {
        size_t n = (size_t)snprintf(text, sizeof(text), "BYE sip:a@b SIP/2.0\r\n");
        for (int i = 0; i < lines; i++) {
            n += (size_t)snprintf(text + n, sizeof(text) - n, "v: SIP/2.0/UDP h%d\r\n", i);
        }
        n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
        CHECK_INT(sip_test_index(&p, str_make(text, n)), lines == 256 ? 0 : E_TOOMANY);
        struct sip_values it = {0};
        struct str v;
        int count = 0;
        while (sip_msg_each(&p.m, SIP_HDR_VIA, &it, &v)) {
            count++;
        }
        CHECK_INT(count, 256);
        CHECK_STR(v, "SIP/2.0/UDP h255");
    }
}

static void test_datagram_edges(void)
{
    struct sip_parsed p;
    /* octets behind the body are ignored, CRLF in front are skipped */
    REQUIRE(sip_test_index(&p, STR("\r\n\r\nBYE sip:a@b SIP/2.0\r\nl: 2\r\n\r\nokINVITE")) ==
            0);
    CHECK_STR(sip_msg_body(&p.m), "ok");
    CHECK_STR(sip_msg_method(&p.m), "BYE");
    /* without a length the body takes the rest */
    REQUIRE(sip_test_index(&p, STR("BYE sip:a@b SIP/2.0\r\n\r\nall of it")) == 0);
    CHECK_STR(sip_msg_body(&p.m), "all of it");
    CHECK_INT(sip_test_index(&p, STR("\r\n\r\n")), E_SYNTAX);
    CHECK_INT(p.fault.status, 0);
    CHECK_INT(sip_test_index(&p, STR_NONE), E_SYNTAX);
    CHECK_INT(sip_test_index(&p, STR("BYE sip:a@b SIP/2.0\r\nA: b\r\n")), E_SYNTAX);
    CHECK_INT(p.fault.status, 400);
    CHECK_INT(p.m.hdr_count, 1);
}

static void test_dup_owns_everything(void)
{
    struct test_mem t;
    test_mem_init(&t);
    struct str heap = test_guard(whole_str());
    struct sip_parsed p;
    REQUIRE(sip_test_index(&p, heap) == 0);
    struct sip_msg_own *own = sip_msg_dup(&t.mem, &p.m);
    test_guard_free(heap);
    memset(&p, 0x55, sizeof(p));
    REQUIRE(own != NULL);
    CHECK_INT(t.calls, 1);
    CHECK_STR(sip_msg_ruri(&own->m), "sip:b@example.com");
    CHECK_STR(sip_msg_value(&own->m, SIP_HDR_CALL_ID), "c1@192.0.2.1");
    CHECK(sip_msg_has_token(&own->m, SIP_HDR_SUPPORTED, STR("uui")));
    CHECK_STR(sip_msg_body(&own->m), "body");
    t.fail_at = t.calls + 1;
    CHECK(sip_msg_dup(&t.mem, &own->m) == NULL);
    mem_free(&t.mem, own);
    CHECK_INT(t.live, 0);
}

static void test_vocabulary(void)
{
    char name[64];
    for (unsigned id = 1; id < SIP_HDR_COUNT; id++) {
        struct str n = sip_hdr_id_name((enum sip_hdr_id)id);
        CHECK_INT(sip_hdr_id_of(n), id);
        for (unsigned upper = 0; upper < 2; upper++) {
            for (size_t i = 0; i < n.n; i++) {
                char c = ascii_lower(n.p[i]);
                name[i] = upper && c >= 'a' ? (char)(c - 32) : c;
            }
            CHECK_INT(sip_hdr_id_of(str_make(name, n.n)), id);
        }
        /* one octet changed, one added, one missing: another name */
        for (size_t i = 0; i < n.n; i++) {
            memcpy(name, n.p, n.n);
            name[i] = name[i] == '-' ? '\r' : '~';
            CHECK_INT(sip_hdr_id_of(str_make(name, n.n)), 0);
        }
        memcpy(name, n.p, n.n);
        name[n.n] = 'x';
        CHECK(sip_hdr_id_of(str_make(name, n.n + 1)) != (enum sip_hdr_id)id);
        /* but "T" is To */
        CHECK((sip_hdr_id_of(str_make(name, n.n - 1)) == (enum sip_hdr_id)id) == (n.n == 2));
    }
    for (unsigned id = 1; id < SIP_METHOD_COUNT; id++) {
        CHECK_INT(sip_method_of(sip_method_name((enum sip_method)id)), id);
    }
    CHECK_INT(sip_hdr_id_of(STR("t")), SIP_HDR_TO);
    CHECK_INT(sip_hdr_id_of(STR("K")), SIP_HDR_SUPPORTED);
    CHECK_INT(sip_hdr_id_of(STR("g")), SIP_HDR_OTHER);
    CHECK_INT(sip_hdr_id_of(STR("4")), SIP_HDR_OTHER);
    CHECK_INT(sip_hdr_id_of(STR("\x14")), SIP_HDR_OTHER);
    CHECK_INT(sip_hdr_id_of(STR("")), SIP_HDR_OTHER);
    CHECK_INT(sip_hdr_id_of(STR("A-Name-That-Is-Longer-Than-All-Of-Them")), SIP_HDR_OTHER);
    CHECK_INT(sip_method_of(STR("invite")), SIP_METHOD_OTHER);
    CHECK_INT(sip_method_of(STR("")), SIP_METHOD_OTHER);
    CHECK_INT(sip_hdr_flags(SIP_HDR_VIA), SIP_HDRF_LIST | SIP_HDRF_HOP);
    CHECK_INT(sip_hdr_flags(SIP_HDR_OTHER), 0);
}

static void test_reasons(void)
{
    CHECK_STR(str_c(sip_reason(100)), "Trying");
    CHECK_STR(str_c(sip_reason(302)), "Moved Temporarily");
    CHECK_STR(str_c(sip_reason(481)), "Call/Transaction Does Not Exist");
    CHECK_STR(str_c(sip_reason(608)), "Rejected");
    CHECK_STR(str_c(sip_reason(299)), "Unknown");
    CHECK_STR(str_c(sip_reason(0)), "Unknown");
}

/* Every prefix, in a buffer that ends at a guard page: never accepted, never read beyond. */
static void test_every_prefix(void)
{
    size_t sip = sizeof("INVITE sip:b@example.com SIP/2") - 1; /* less is no SIP at all */
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        struct str g = test_guard(str_make(whole, n));
        struct sip_parsed p;
        CHECK_INT(sip_test_judge(&p, g), E_SYNTAX);
        CHECK(p.fault.at <= n);
        CHECK_INT(p.fault.status, n < sip ? 0 : 400);
        test_guard_free(g);
    }
}

/* Any octet may become any other: the verdict is a function of the octets. */
static void test_every_mutation(void)
{
    static const char with[] = "\0\t\n\r \"%,:;<=>@[\\]a0\x7f\x80\xff";
    struct str g = test_guard(whole_str());
    char *bytes = (char *)(uintptr_t)g.p;
    unsigned refused = 0;
    for (size_t i = 0; i < g.n; i++) {
        char old = bytes[i];
        for (size_t k = 0; k < sizeof(with) - 1; k++) {
            struct sip_parsed a;
            struct sip_parsed b;
            bytes[i] = with[k];
            int err = sip_test_judge(&a, g);
            CHECK_INT(sip_test_judge(&b, g), err);
            CHECK(err == 0 || a.fault.reason != NULL);
            CHECK(a.m.head_len <= a.m.len && a.m.len <= g.n);
            refused += err != 0;
        }
        bytes[i] = old;
    }
    CHECK(refused > g.n);
    test_guard_free(g);
}

TEST_MAIN(T(test_index_finds_everything), T(test_lines_of_one_header_are_chained),
          T(test_named_finds_unknown_headers), T(test_each_walks_lines_and_elements),
          T(test_list_commas), T(test_response), T(test_start_lines_that_are_refused),
          T(test_version_in_any_case), T(test_methods_are_case_sensitive), T(test_lines),
          T(test_cr_in_a_name), T(test_rules), T(test_verdicts), T(test_identity_headers),
          T(test_limits), T(test_most_lines), T(test_datagram_edges),
          T(test_dup_owns_everything), T(test_vocabulary), T(test_reasons),
          T(test_every_prefix), T(test_every_mutation))
