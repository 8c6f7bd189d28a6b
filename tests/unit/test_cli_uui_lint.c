/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton uui lint`: the rules about where a value stands, message by message; logs of every
 * kind; captures of every link type, with fragments and with streams in any order.
 */
#include "cli/uui_cmd.h"
#include "cli/uui_lint.h"
#include "lint/frames.h"
#include "test.h"
#include <stdlib.h>
#include <unistd.h>

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static char *out_text;
static size_t out_len;

/** @return the exit code; what was printed is in out_text until the next run */
static int run(struct str input, const char *const *args)
{
    char *argv[16], *keep[16], *err_text = NULL;
    int argc = 0, code;
    size_t err_len;
    FILE *in = tmpfile();
    free(out_text);
    FILE *out = open_memstream(&out_text, &out_len);
    FILE *err = open_memstream(&err_text, &err_len);
    CHECK(in && out && err);
    CHECK_INT(fwrite(input.p, 1, input.n, in), input.n);
    rewind(in);
    argv[argc++] = strdup("uui");
    argv[argc++] = strdup("lint");
    for (; *args; args++) {
        argv[argc++] = strdup(*args);
    }
    memcpy(keep, argv, sizeof(keep));
    code = uui_run(argc, argv, in, out, err);
    fclose(in);
    fclose(out);
    fclose(err);
    free(err_text);
    for (int i = 0; i < argc; i++) {
        free(keep[i]);
    }
    return code;
}

static int brief(const char *input)
{
    return run(str_c(input), ARGS("--brief"));
}

static void check_out(const char *want)
{
    CHECK_STR(str_make(out_text, out_len), want);
}

static bool says(const char *what)
{
    return strstr(out_text, what) != NULL;
}

/* ---- rules ---- */

#define HEAD(start, cseq, to) \
    start "\r\nCall-ID: 1\r\nCSeq: 1 " cseq "\r\nTo: <sip:b@x>" to "\r\n"
#define ISDN "User-to-User: 0448;encoding=hex\r\n"
#define INVITE HEAD("INVITE sip:b@x SIP/2.0", "INVITE", "")

static void test_where_it_may_stand(void)
{
    static const struct {
        const char *text, *rule; /* NULL: none */
    } row[] = {
        {INVITE ISDN "\r\n", NULL},
        {HEAD("SIP/2.0 180 Ringing", "INVITE", ";tag=1") ISDN "\r\n", NULL},
        {HEAD("SIP/2.0 100 Trying", "INVITE", "") ISDN "\r\n", "PLACE"},
        {HEAD("SIP/2.0 486 Busy Here", "INVITE", ";tag=1") ISDN "\r\n", "PLACE"},
        {HEAD("SIP/2.0 302 Moved", "INVITE", ";tag=1") ISDN "\r\n", NULL},
        {HEAD("SIP/2.0 302 Moved", "INVITE",
              ";tag=1") "Contact: "
                        "<sip:c@x?User-to-User=0448%3Bencoding%3Dhex>\r\n\r\n",
         "ISDN_REDIRECT"},
        {HEAD("SIP/2.0 200 OK", "BYE", ";tag=1") ISDN "\r\n", NULL},
        {HEAD("SIP/2.0 481 Gone", "BYE", ";tag=1") ISDN "\r\n", "PLACE"},
        {HEAD("INFO sip:b@x SIP/2.0", "INFO", ";tag=1") ISDN "\r\n", "PLACE"},
        {HEAD("ACK sip:b@x SIP/2.0", "ACK", ";tag=1") ISDN "\r\n", "PLACE"},
        {HEAD("CANCEL sip:b@x SIP/2.0", "CANCEL", "") ISDN "\r\n", "PLACE"},
        {HEAD("REFER sip:b@x SIP/2.0", "REFER", ";tag=1") ISDN "\r\n", "REFER_HEADER"},
        {HEAD("REFER sip:b@x SIP/2.0", "REFER",
              ";tag=1") "r: "
                        "<sip:c@x?User-to-User=0448%3Bencoding%3Dhex>\r\n\r\n",
         NULL},
        {HEAD("INVITE sip:b@x SIP/2.0", "INVITE", ";tag=1") ISDN "\r\n", "ISDN_PLACE"},
        {INVITE "\r\n" HEAD("BYE sip:b@x SIP/2.0", "BYE", ";tag=1") ISDN "\r\n",
         "ISDN_NOT_OPENED"},
        {INVITE ISDN "\r\n" HEAD("BYE sip:b@x SIP/2.0", "BYE", ";tag=1") ISDN "\r\n", NULL},
        {INVITE "\r\n" HEAD("SIP/2.0 200 OK", "INVITE", ";tag=1") ISDN "\r\n",
         "ISDN_NOT_OPENED"},
        {INVITE "User-to-User: 68747470733A2F2F78;encoding=hex;purpose=p\r\n\r\n", "LINK"},
        {INVITE "X-UUI: protocol-discriminator=4;user-information=Hi\r\n\r\n", "VENDOR"},
        {INVITE "User-to-User: 04;purpose=isdn-interwork\r\n\r\n", "DRAFT"},
        {INVITE "User-to-User: 04,\r\n 0448\r\n\r\n", "MANY"},
        {INVITE "User-to-User: 0\r\n\r\n", "HEX_ODD"},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char want[64];
        test_context(row[i].text);
        int code = run(str_c(row[i].text), ARGS("-q", "--fail-on=note", "--package", "p"));
        CHECK_INT(code, row[i].rule != NULL);
        if (row[i].rule != NULL) {
            (void)snprintf(want, sizeof(want), ": %s: ", row[i].rule);
            CHECK(says(want));
        } else {
            check_out("");
        }
    }
    test_context(NULL);
}

static void test_levels_are_exit_codes(void)
{
    static const char *const ignored = "User-to-User: 0448;encoding=hex;purpose=other\n";
    CHECK_INT(brief(ignored), 1);
    check_out("-:1: ignored: PACKAGE: the package is not known (RFC 7433 §4.1), at octet 26: "
              "0448;encoding=hex;purpose=other\n");
    CHECK_INT(run(str_c(ignored), ARGS("--fail-on", "wrong")), 0);
    CHECK_INT(run(str_c(ignored), ARGS("--package=other")), 0);
    CHECK_INT(run(str_c(""), ARGS("--package=o:text", "--value", "Hi;purpose=o")), 0);
    CHECK(says("messages: 0; values: 1, without a finding: 1; findings: wrong 0"));
    CHECK_INT(run(str_c(""), ARGS("--value", "0")), 1);
    CHECK_INT(run(str_c(""), ARGS("--value", "0", "--fail-on=never")), 0);
    CHECK_INT(run(str_c(""), ARGS("--value", "<sip:a@x?User-to-User=0448;encoding%3Dhex>")), 1);
    CHECK(says("URI_CHAR"));
    CHECK_INT(run(str_c(""), ARGS("--value", "Refer-To: <sip:a@x?User-to-User=0448%3Bq>")), 0);
    CHECK(says("in Refer-To:"));
    CHECK_INT(run(str_c(""), ARGS("no such file")), 2);
    CHECK_INT(run(str_c(""), ARGS("--fail-on", "maybe")), 2);
    CHECK_INT(run(str_c(""), ARGS("--package", "a b")), 2);
    CHECK_INT(run(str_c(""), ARGS("--nonsense")), 2);
    CHECK_INT(run(str_c(""), ARGS("-q")), 0);
    check_out("");
    CHECK_INT(run(str_c(""), ARGS("--json")), 0);
    check_out(
        "{\"values\": [],\n \"summary\": {\"messages\": 0, \"values\": 0, \"withoutFinding\": "
        "0, \"wrong\": 0, \"ignored\": 0, \"notes\": 0}}\n");
    CHECK_INT(run(str_c(INVITE ISDN), ARGS("--json")), 0);
    CHECK(says("\"file\": \"-\", \"line\": 5, \"findings\": [], \"message\": \"INVITE sip:b@x "
               "SIP/2.0\", \"callId\": \"1\", \"decoded\": {"));
}

/** Values in a dialect: its headers are read, and shown with what they come to. */
static void test_dialects(void)
{
    static const struct {
        const char *dialect, *line, *want;
    } row[] = {
        {"sangoma", "X-Uui: protocol-discriminator=4;user-information=Hi\n",
         "  written   protocol-discriminator=4;user-information=Hi\nin X-Uui:\n"
         "044869;encoding=hex;purpose=isdn-uui\n  valid\n"},
        {"bare-hex", "User-to-User: 4869\n", "  written   4869\n"},
        {"rfc7434", "User-to-User: 0448;encoding=hex,0449\n", "MANY"},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char text[200];
        (void)snprintf(text, sizeof(text), INVITE "%s\n", row[i].line);
        (void)run(str_c(text), ARGS("--dialect", row[i].dialect));
        CHECK(says(row[i].want));
        (void)run(str_c(text), ARGS("--json", "--dialect", row[i].dialect));
        CHECK(says("\"decoded\""));
    }
    CHECK_INT(run(str_c(""), ARGS("--dialect", "nobody's")), 2);
    CHECK_INT(run(str_c(""), ARGS("--dialect=sangoma", "--value",
                                  "protocol-discriminator=4;user-information=Hi")),
              0);
    CHECK_INT(run(str_c(""), ARGS("--dialect=sangoma", "--value",
                                  "X-Uui: protocol-discriminator=4;user-information=Hi")),
              0);
    CHECK(says("044869"));
}

/* ---- logs ---- */

static void test_logs(void)
{
    static const struct {
        const char *text;
        size_t values;
        const char *what; /* that is printed, or NULL */
    } row[] = {
        /* a prefix before the first line only */
        {"12:00:01 INFO recv: INVITE sip:b@x SIP/2.0\nVia: SIP/2.0/UDP h\nUser-to-User: 04\n"
         "Call-ID: a\n\n12:00:02 INFO done\n",
         1, "-:3: INVITE sip:b@x SIP/2.0\n  Call-ID a\n"},
        /* before each line, and a folded header */
        {"12:00:01 | INVITE sip:b@x SIP/2.0\n12:00:01 | Via: SIP/2.0/UDP h\n"
         "12:00:01 | User-to-User: 04,\n12:00:01 |  05;purpose=z\n12:00:01 | \n"
         "12:00:02 | v=0\n",
         2, "-:3: INVITE sip:b@x"},
        /* responses */
        {">>> SIP/2.0 200 OK\nCSeq: 1 INVITE\nUser-to-User: 04\n\n", 1, "-:3: SIP/2.0 200 OK"},
        /* a message that something else interrupts, and one behind it */
        {"INVITE sip:b@x SIP/2.0\nUser-to-User: 04\nthis is no header\nUser-to-User: 05\n", 2,
         "no message around it"},
        {"INVITE sip:b@x SIP/2.0\nUser-to-User: 04\nBYE sip:b@x SIP/2.0\nUser-to-User: 05\n", 2,
         "BYE sip:b@x SIP/2.0"},
        /* all in one line */
        {"{\"m\":\"INVITE sip:b@x SIP/2.0\\r\\nCall-ID: a\\r\\nUser-to-User: 04\\r\\n\\r\\n\"}\n",
         1, "Call-ID a\n04\n"},
        {"{\"User-to-User\": \"04;a=\\\"b c\\\"\", \"x\": 1}\n", 1, "04;a=\"b c\"\n"},
        {"set header 'user-to-user: 0448;encoding=hex' ok\n", 1, "0448;encoding=hex\n"},
        {"goto <sip:a@x?Subject=y&User-to-User=0448%3Bencoding%3Dhex&b=c> now\n", 1,
         "0448;encoding=hex\n"},
        {"two: User-to-User=04 and x?User-to-User=05%3Bq\n", 2, "05;q\n"},
        {"Via: SIP/2.0/UDP h\nno User-to-Users here\nX-User-to-User: 04\n", 0, NULL},
        {"User-to-User:\n", 1, "EMPTY"},
        /* lines of bodies */
        {"IAM,\nUUS,3,4869\nGCI,1\n", 1, "044869"},
        {"UUS,3,486\n", 1, "BODY_FORM"},
        {"a=cs-correlation:callerid:+49301 uuie:5600AB\n", 1, "5600AB"},
        {"a=cs-correlation:callerid:+49301\n", 0, NULL},
        {"User-to-User", 0, NULL},
        {"INVITE sip:b@x SIP/2.0\nUser-to-User: 04", 1, "-:2:"},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char want[64];
        test_context(row[i].text);
        (void)run(str_c(row[i].text), ARGS("--fail-on=never"));
        (void)snprintf(want, sizeof(want), "values: %zu,", row[i].values);
        CHECK(says(want));
        CHECK(row[i].what == NULL || says(row[i].what));
    }
    test_context(NULL);
}

static void test_more_than_is_looked_at(void)
{
    static char text[8000] = "INVITE sip:b@x SIP/2.0\n";
    for (size_t n = strlen(text); n < 5000; n += 17) {
        memcpy(text + n, "User-to-User: 04\n", 18);
    }
    CHECK_INT(brief(text), 1);
    CHECK(says("TOO_MANY"));
}

/* ---- captures ---- */

struct capture {
    unsigned char buf[200000];
    size_t n;
    unsigned link;
};

static void put(struct capture *c, const void *bytes, size_t n)
{
    memcpy(c->buf + c->n, bytes, n);
    c->n += n;
}

static void put32(struct capture *c,
                  uint32_t v) /* in the order of this machine, as files have it */
{
    put(c, &v, 4);
}

static void begin(struct capture *c, unsigned link)
{
    c->n = 0;
    c->link = link;
    put32(c, 0xA1B2C3D4);
    put32(c, 4 << 16 | 2);
    put32(c, 0);
    put32(c, 0);
    put32(c, 65535);
    put32(c, link);
}

static void packet(struct capture *c, const unsigned char *bytes, size_t n)
{
    put32(c, 1700000000);
    put32(c, 250000);
    put32(c, (uint32_t)n);
    put32(c, (uint32_t)n);
    put(c, bytes, n);
}

static size_t be16(unsigned char *p, size_t v)
{
    p[0] = (unsigned char)(v >> 8);
    p[1] = (unsigned char)v;
    return 2;
}

/** A transport header and `data`. @return its length */
static size_t transport(unsigned char *p, bool tcp, uint32_t seq, unsigned flags,
                        struct str data)
{
    size_t head = tcp ? 20 : 8;
    memset(p, 0, head);
    be16(p, 5060);
    be16(p + 2, 5062);
    if (tcp) {
        be16(p + 4, seq >> 16);
        be16(p + 6, seq & 0xFFFF);
        p[12] = 0x50;
        p[13] = (unsigned char)flags;
    } else {
        be16(p + 4, head + data.n);
    }
    if (data.n > 0) {
        memcpy(p + head, data.p, data.n);
    }
    return head + data.n;
}

/** An IPv4 packet; `offset` in octets. */
static size_t ip4(unsigned char *p, unsigned proto, const unsigned char *body, size_t n,
                  size_t offset, bool more)
{
    static const unsigned char addresses[8] = {192, 0, 2, 1, 192, 0, 2, 2};
    memset(p, 0, 20);
    p[0] = 0x45;
    be16(p + 2, 20 + n);
    be16(p + 4, 77);
    be16(p + 6, offset / 8 | (more ? 0x2000 : 0));
    p[8] = 64;
    p[9] = (unsigned char)proto;
    memcpy(p + 12, addresses, 8);
    memcpy(p + 20, body, n);
    return 20 + n;
}

/** An IPv6 packet with an extension header that is skipped, and a fragment header. */
static size_t ip6(unsigned char *p, unsigned proto, const unsigned char *body, size_t n,
                  size_t offset, bool more)
{
    memset(p, 0, 56);
    p[0] = 0x60;
    be16(p + 4, 16 + n);
    p[6] = 60;
    p[8] = p[24] = 0xFE;
    p[39] = 1;
    p[40] = 44;
    p[48] = (unsigned char)proto;
    be16(p + 50, offset | (more ? 1 : 0));
    p[55] = 9;
    memcpy(p + 56, body, n);
    return 56 + n;
}

static const struct str message =
    STR_INIT("INVITE sip:b@x SIP/2.0\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nTo: <sip:b@x>\r\n"
             "User-to-User: 0448;encoding=hex\r\nContent-Length: 2\r\n\r\nHi");

static int lint_capture(const struct capture *c)
{
    return run(str_make((const char *)c->buf, c->n), ARGS("--fail-on=never"));
}

static struct capture cap;

static void count_reports(struct lint *l, const struct lint_report *r)
{
    (void)l;
    CHECK(r->value != NULL || str_is_set(r->where));
}

static void test_link_types(void)
{
    static const struct {
        unsigned link; /* as files have it */
        size_t head;
        unsigned char bytes[20];
        bool six;
    } row[] = {
        {1, 14, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x00}, false},
        {1, 14, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x86, 0xDD}, true},
        {1, 18, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0, 0, 5, 0x08, 0x00}, false},
        {0, 4, {2, 0, 0, 0}, false},
        {0, 4, {0, 0, 0, 30}, true},
        {108, 4, {0, 0, 0, 2}, false},
        {101, 0, {0}, false},
        {101, 0, {0}, true},
        {228, 0, {0}, false},
        {229, 0, {0}, true},
        {113, 16, {0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0x08, 0x00}, false},
        {276, 20, {0x86, 0xDD, 0, 0}, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        unsigned char body[600], frame[700];
        size_t n = transport(body, false, 0, 0, message);
        memcpy(frame, row[i].bytes, row[i].head);
        n = row[i].head + (row[i].six ? ip6(frame + row[i].head, 17, body, n, 0, false)
                                      : ip4(frame + row[i].head, 17, body, n, 0, false));
        begin(&cap, row[i].link);
        packet(&cap, frame, 3); /* damaged */
        packet(&cap, frame, n);
        CHECK_INT(lint_capture(&cap), 0);
        CHECK(says("-:packet 2:line 5: INVITE sip:b@x SIP/2.0"));
        CHECK(says(row[i].six ? "[fe00::1]:5062 UDP" : "192.0.2.1:5060 > 192.0.2.2:5062 UDP"));
        CHECK(says("messages: 1; values: 1, without a finding: 1"));
        /* every shorter frame is no message, and nothing is read beyond it */
        for (size_t k = 0; k < n; k++) {
            struct frame f;
            struct str part = test_guard(str_make((const char *)frame, k));
            enum frame_kind kind = frame_read((int)row[i].link, part, &f);
            CHECK(kind == FRAME_CUT || kind == FRAME_OTHER);
            test_guard_free(part);
        }
    }
    begin(&cap, 147); /* for private use */
    CHECK_INT(lint_capture(&cap), 2);
}

/* ISUP, GTD and cs-correlation in what was captured: each value, and what contradicts it. */
static void test_lint_bodies(void)
{
#define INVITE_OF(type) INVITE "Via: SIP/2.0/UDP h\r\nFrom: <sip:a@x>;tag=1\r\n" type "\r\n"
#define MIXED "Content-Type: multipart/mixed;boundary=b\r\n"
#define ISUP_PART "--b\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n"
#define GTD_PART "\r\n--b\r\nContent-Type: application/gtd\r\n\r\n"
#define ACM "\x06\x01\x20\x01"
    static const struct {
        struct str text;
        size_t values;
        const char *what[3];
    } row[] = {
        {STR_INIT(INVITE_OF(ISDN MIXED) ISUP_PART ACM "\x20\x02\x04H\0\r\n--b--"),
         2,
         {"application/isup ACM", "0448;encoding=hex;purpose=isdn-uui"}},
        {STR_INIT(INVITE_OF(ISDN MIXED) ISUP_PART ACM "\x20\x02\x04I\0" GTD_PART
                                                      "UUS,3,4A\r\n\r\n--b--"),
         3,
         {"BODY_DIFFERS", "0449", "application/gtd"}},
        {STR_INIT(INVITE_OF(MIXED) ISUP_PART ACM "\x20\x02\x04I\0\r\n--b--"), 1, {"0449"}},
        {STR_INIT(INVITE_OF(MIXED) ISUP_PART ACM "\x20\x02\x04I\x20\x01\x04\0\r\n--b--"),
         1,
         {"BODY_MANY"}},
        {STR_INIT(INVITE_OF(MIXED) ISUP_PART "\x06\x01\r\n--b--"), 1, {"BODY_FORM"}},
        {STR_INIT(INVITE_OF(MIXED) ISUP_PART "\xF0\r\n--b--"), 1, {"BODY_UNREAD"}},
        {STR_INIT(INVITE_OF(MIXED) ISUP_PART ACM "\0"), 1, {"BODY_FORM"}},
        {STR_INIT(INVITE_OF(
             "Content-Type: application/sdp\r\n") "v=0\r\na=cs-correlation:uuie:5600AB\r\n"),
         1,
         {"cs-correlation", "5600AB"}},
        {STR_INIT(INVITE_OF(ISDN "Content-Type: application/sdp\r\n") "v=0\r\n"), 1, {NULL}},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        unsigned char body[900], frame[1000];
        char want[64];
        size_t n = transport(body, false, 0, 0, row[i].text);
        begin(&cap, 101);
        packet(&cap, frame, ip4(frame, 17, body, n, 0, false));
        test_context(row[i].text.p);
        CHECK_INT(lint_capture(&cap), 0);
        (void)snprintf(want, sizeof(want), "values: %zu,", row[i].values);
        CHECK(says(want));
        for (size_t k = 0; k < ARRAY_LEN(row[i].what); k++) {
            CHECK(row[i].what[k] == NULL || says(row[i].what[k]));
        }
        for (size_t k = 0; k < row[i].text.n; k++) { /* however it is cut */
            struct lint l;
            struct str part = test_guard(str_upto(row[i].text, k));
            REQUIRE(lint_init(&l, count_reports, NULL) == 0);
            lint_bytes(&l, part, &(struct lint_place){0});
            CHECK(l.values <= row[i].values + 1);
            lint_fini(&l);
            test_guard_free(part);
        }
    }
    test_context(NULL);
}

/* A file that is one message: its bodies are read as such, however its lines end. */
static void test_lint_saved_message(void)
{
#define GTD_BODY "Content-Type: application/gtd\r\n"
#define LENGTH(n) "Content-Length: " n "\r\n"
    static const struct {
        struct str text;
        const char *what, *not ;
    } row[] = {
        {STR_INIT(INVITE_OF(ISDN MIXED) ISUP_PART ACM "\x20\x02\x04I\0\r\n--b--\r\n"),
         "BODY_DIFFERS", "no message"},
        {STR_INIT(INVITE_OF(ISDN GTD_BODY LENGTH("13")) "ANM,\r\nUUS,3,4A\r\n"), /* too short */
         "no message", "BODY_DIFFERS"},
        {STR_INIT(INVITE_OF(ISDN GTD_BODY LENGTH("16")) "ANM,\r\nUUS,3,4A\r\n\r\n"),
         "BODY_DIFFERS", "no message"},
        {STR_INIT(INVITE_OF(ISDN GTD_BODY) "UUS,3,4A\r\n"), "BODY_DIFFERS", "no message"},
        /* two of them are a log */
        {STR_INIT(INVITE_OF(ISDN GTD_BODY) "UUS,3,4A\r\n" INVITE_OF(ISDN)), "no message",
         "BODY_DIFFERS"},
        {STR_INIT("12:00 " INVITE_OF(ISDN GTD_BODY) "UUS,3,4A\r\n"), "no message",
         "BODY_DIFFERS"},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        for (int lf = 0; lf < 2; lf++) {
            char text[2048];
            size_t n = 0;
            for (size_t k = 0; k < row[i].text.n; k++) {
                if (!lf || row[i].text.p[k] != '\r') {
                    text[n++] = row[i].text.p[k];
                }
            }
            if (lf && i == 1) {
                continue; /* there the length says nothing */
            }
            test_context(row[i].text.p);
            (void)run(str_make(text, n), ARGS("-"));
            CHECK(says(row[i].what));
            CHECK(!says(row[i].not ));
        }
    }
    test_context(NULL);
}

/* The answers of a call whose IAM had some are not out of order. */
static void test_a_body_opens(void)
{
    unsigned char body[900], frame[1000];
    static const struct str text[] = {
        STR_INIT(INVITE_OF(MIXED) ISUP_PART ACM "\x20\x02\x04I\0\r\n--b--"),
        STR_INIT(HEAD("SIP/2.0 180 Ringing", "INVITE", ";tag=1") ISDN "\r\n"),
    };
    begin(&cap, 101);
    for (size_t i = 0; i < ARRAY_LEN(text); i++) {
        size_t n = transport(body, false, 0, 0, text[i]);
        packet(&cap, frame, ip4(frame, 17, body, n, 0, false));
    }
    CHECK_INT(lint_capture(&cap), 0);
    CHECK(says("values: 2,"));
    CHECK(!says("ISDN_NOT_OPENED"));
}

static void test_pcapng(void)
{
    unsigned char body[600], frame[700];
    size_t n = ip4(frame, 17, body, transport(body, false, 0, 0, message), 0, false);
    uint32_t padded = (uint32_t)(n + 3) / 4 * 4;
    cap.n = 0;
    const uint32_t section[] = {0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0xFFFFFFFF, 0xFFFFFFFF, 28};
    const uint32_t interface[] = {1, 20, 101, 65535, 20};
    put(&cap, section, sizeof(section));
    put(&cap, interface, sizeof(interface));
    put32(&cap, 6);
    put32(&cap, 32 + padded);
    put32(&cap, 0);
    put32(&cap, 0);
    put32(&cap, 0);
    put32(&cap, (uint32_t)n);
    put32(&cap, (uint32_t)n);
    put(&cap, frame, padded);
    put32(&cap, 32 + padded);
    CHECK_INT(lint_capture(&cap), 0);
    CHECK(says("messages: 1; values: 1, without a finding: 1"));
    cap.n -= 20; /* cut short */
    CHECK_INT(lint_capture(&cap), 2);
}

/** Fragments in any order, twice, and of two datagrams at once. */
static void test_fragments(void)
{
    static const size_t orders[][3] = {{0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
    for (size_t i = 0; i < 2 * ARRAY_LEN(orders); i++) {
        unsigned char body[600], frame[700];
        size_t n = transport(body, false, 0, 0, message);
        const size_t at[4] = {0, 48, 96, n};
        begin(&cap, 101);
        for (size_t k = 0; k < 6; k++) {
            size_t part = orders[i / 2][k / 2];
            size_t len = at[part + 1] - at[part];
            size_t m =
                (i % 2 == 0 ? ip4 : ip6)(frame, 17, body + at[part], len, at[part], part < 2);
            packet(&cap, frame, m);
        }
        CHECK_INT(lint_capture(&cap), 0);
        CHECK(says("messages: 1; values: 1, without a finding: 1"));
    }
    unsigned char body[600] = {0}, frame[700];
    begin(&cap, 101);
    packet(&cap, frame, ip4(frame, 17, body, 13, 8, true));     /* no multiple of eight */
    packet(&cap, frame, ip4(frame, 17, body, 16, 65528, true)); /* beyond the end */
    for (size_t k = 0; k < 40; k++) { /* more datagrams than are kept */
        size_t m = ip4(frame, 17, body, 16, 0, true);
        frame[5] = (unsigned char)k;
        packet(&cap, frame, m);
    }
    CHECK_INT(lint_capture(&cap), 0);
    CHECK(says("messages: 0"));
}

struct piece {
    size_t from, to;
};

static void segment(uint32_t seq, unsigned flags, struct str data)
{
    unsigned char body[2000], frame[2100];
    size_t n = transport(body, true, seq, flags, data);
    packet(&cap, frame, ip4(frame, 6, body, n, 0, false));
}

/** Three messages on one connection, cut and ordered in every way. */
static void test_streams(void)
{
    char three[1024];
    struct out o;
    out_init(&o, three, sizeof(three));
    for (int i = 0; i < 3; i++) {
        out_str(&o, message);
    }
    struct str all = out_str_of(&o);
    for (size_t step = 1; step < all.n; step += 13) {
        begin(&cap, 101);
        segment(0xFFFFFFF0, 2, STR_NONE); /* sequence numbers go round */
        for (size_t at = 0; at < all.n; at += step) {
            segment(0xFFFFFFF1 + (uint32_t)at, 0, str_upto(str_from(all, at), step));
        }
        CHECK_INT(lint_capture(&cap), 0);
        CHECK(says("messages: 3; values: 3"));
    }
    begin(&cap, 101);
    segment(1000, 2, STR_NONE);
    for (size_t at = 0; at < all.n; at += 100) { /* pairs swapped, everything twice */
        struct str first = str_upto(str_from(all, at), 50);
        struct str second = str_upto(str_from(all, at + 50), 50);
        segment(1001 + (uint32_t)at + 50, 0, second);
        segment(1001 + (uint32_t)at, 0, first);
        segment(1001 + (uint32_t)at, 0, str_upto(str_from(all, at), 70));
    }
    CHECK_INT(lint_capture(&cap), 0);
    CHECK(says("messages: 3; values: 3"));
    CHECK(says(" TCP"));
}

/** What was not captured: the beginning, or something in between. */
static void test_holes(void)
{
    begin(&cap, 101);
    segment(1000, 0, str_from(message, 30)); /* in the midst of a message */
    segment(1000 + (uint32_t)message.n - 30, 0, message);
    CHECK_INT(lint_capture(&cap), 0);
    CHECK(says("messages: 1; values: 1"));
    begin(&cap, 101);
    segment(1000, 2, STR_NONE);
    segment(1001, 0, str_upto(message, 60));
    for (uint32_t i = 0; i < FRAMES_HELD + 2; i++) { /* 100 octets are missing for ever */
        segment(1161 + i * (uint32_t)message.n, 0, message);
    }
    CHECK_INT(lint_capture(&cap), 0);
    CHECK(says("messages: 18; values: 18"));
    begin(&cap, 101);
    segment(1000, 2, STR_NONE);
    segment(1001, 0, STR("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    segment(1028, 0, message);
    CHECK_INT(lint_capture(&cap), 0);
    CHECK(says("values: 1"));
}

/** More connections than are kept at a time. */
static void test_many_streams(void)
{
    begin(&cap, 101);
    for (size_t i = 0; i < FRAMES_STREAMS + 40; i++) {
        unsigned char body[600], frame[700];
        size_t n = transport(body, true, 5, 2, message);
        be16(body, 10000 + i);
        packet(&cap, frame, ip4(frame, 6, body, n, 0, false));
    }
    CHECK_INT(lint_capture(&cap), 0);
    CHECK(says("messages: 168; values: 168"));
}

TEST_MAIN(T(test_where_it_may_stand), T(test_levels_are_exit_codes), T(test_dialects),
          T(test_logs), T(test_more_than_is_looked_at), T(test_link_types), T(test_lint_bodies),
          T(test_lint_saved_message), T(test_a_body_opens), T(test_pcapng), T(test_fragments),
          T(test_streams), T(test_holes), T(test_many_streams))
