/* SPDX-License-Identifier: Apache-2.0 */
/* User-to-user information in bodies: SIP-I, GTD, cs-correlation; read, put in, taken out. */
#include "base/err.h"
#include "isdn/body.h"
#include "kit_msg.h"
#include <stdlib.h>

static struct arena arena;
static struct test_mem counted;

/** IAM with 04 "Hi" between two other parameters; and without. */
#define IAM_HEAD "\x01\x10\x20\x01\x0a\x00\x02\x0a\x08\x04\x10\x97\x00\x00\x00\x00\xf0"
#define IAM_WITH "\x0a\x02\x84\x11\x20\x03\x04Hi\x29\x01\x02\x00"
#define IAM_LESS "\x0a\x02\x84\x11\x29\x01\x02\x00"
#define LIT(s) ((struct str){s, sizeof(s) - 1})

#define SDP                                                                               \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=PSTN E164 +49301\r\nt=0 0\r\nm=audio 9 " \
    "PSTN -\r\n"

static struct kit_msg msg;
static char text[8192];

/** An INVITE with that body. */
static const struct sip_msg *message(const char *type, struct str body, const char *more)
{
    struct out o;

    out_init(&o, text, sizeof(text));
    out_fmt(&o,
            "INVITE sip:1@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
            "From: <sip:a@h>;tag=1\r\nTo: <sip:1@h>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n"
            "%sContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
            more, type, body.n);
    out_str(&o, body);
    CHECK(!o.over && kit_index(&msg, out_str_of(&o)));
    return &msg.m;
}

/** What is found, as `place:octets(hex) or error `. */
static struct str found_in(const struct sip_msg *m)
{
    static char line[1024];
    struct isdn_body found;
    struct out o;
    int err = isdn_body_read(m, &arena, &found);

    out_init(&o, line, sizeof(line));
    for (size_t i = 0; i < found.n; i++) {
        const struct isdn_found *f = &found.v[i];
        out_fmt(&o, "%s%.*s:",
                f->place == ISDN_ISUP  ? "isup/"
                : f->place == ISDN_GTD ? "gtd"
                                       : "sdp",
                STR_ARG(f->isup));
        if (f->err == 0) {
            out_hex(&o, f->octets, false);
        } else {
            out_fmt(&o, "%d", f->err);
        }
        out_ch(&o, ' ');
    }
    out_fmt(&o, "%d", err);
    return out_str_of(&o);
}

static struct str edited(const struct sip_msg *m, unsigned places, struct str octets)
{
    struct isdn_edit e;

    CHECK_INT(isdn_body_edit(m, &arena, places, octets, &e), 0);
    return e.body;
}

#define PART_SDP "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n"
#define PART_ISUP                                                                \
    "--b\r\nContent-Type: application/ISUP; version=nxv3;\r\n base=itu-t92+\r\n" \
    "Content-Disposition: signal; handling=optional\r\n\r\n"
#define MIXED "multipart/mixed; boundary=b"
#define END "\r\n--b--\r\n"

static void test_isup_alone(void)
{
    struct str with = LIT(IAM_HEAD IAM_WITH), less = LIT(IAM_HEAD IAM_LESS);
    const char *type = "application/ISUP;version=itu-t92+";
    const struct sip_msg *m = message(type, with, "");
    struct isdn_body found;
    struct isdn_edit e;

    CHECK(isdn_body_may(m));
    CHECK_STR(found_in(m), "isup/IAM:044869 0");
    CHECK_INT(isdn_body_read(m, &arena, &found), 0);
    CHECK_INT(found.places, ISDN_ISUP);
    CHECK_STR(isdn_body_octets(&found, ISDN_ANYWHERE), "\x04Hi");
    CHECK(!str_is_set(isdn_body_octets(&found, ISDN_GTD)));
    CHECK_INT(isdn_body_edit(m, &arena, ISDN_ISUP, STR_NONE, &e), 0);
    CHECK(e.changed && e.left == 0);
    CHECK_STR(e.type, type);
    CHECK_BYTES(e.body, less);
    CHECK_INT(isdn_body_edit(m, &arena, ISDN_ISUP, STR("\x04Hi"), &e), 0);
    CHECK(!e.changed);
    CHECK_BYTES(e.body, with);
    CHECK_INT(isdn_body_edit(m, &arena, ISDN_GTD, STR_NONE, &e), 0); /* not there */
    CHECK(!e.changed);
    m = message(type, less, "");
    CHECK_STR(found_in(m), "isup/IAM:-7 0");
    CHECK_STR(found_in(message("application/isup", LIT("\x01\x10"), "")), "isup/:-2 0");
    m = message("application/isup", LIT("\x01\x10"), "");
    CHECK_INT(isdn_body_edit(m, &arena, ISDN_ISUP, STR_NONE, &e), 0);
    CHECK(!e.changed && e.left == 1);
}

/** As gateways send it: description and ISUP, binary, with octets that look like line ends. */
static void test_multipart(void)
{
    struct str with = LIT("preamble\r\n" PART_SDP PART_ISUP IAM_HEAD IAM_WITH
                          "\r\n--b\r\nContent-Type: text/plain\r\n\r\nthe rest" END "epilogue");
    struct str less = LIT("preamble\r\n" PART_SDP PART_ISUP IAM_HEAD IAM_LESS
                          "\r\n--b\r\nContent-Type: text/plain\r\n\r\nthe rest" END "epilogue");
    struct str lines =
        LIT("preamble\r\n" PART_SDP PART_ISUP IAM_HEAD
            "\x0a\x02\x84\x11\x20\x07\x00\r\n--\r\n\x29\x01\x02\x00"
            "\r\n--b\r\nContent-Type: text/plain\r\n\r\nthe rest" END "epilogue");

    const struct sip_msg *m = message(MIXED, with, "");
    CHECK_STR(found_in(m), "sdp:-7 isup/IAM:044869 0");
    CHECK_BYTES(edited(m, ISDN_ANYWHERE, STR_NONE), less);
    CHECK_BYTES(edited(m, ISDN_ANYWHERE, LIT("\0\r\n--\r\n")), lines);
    /* octets that would end the part are refused, and nothing is changed */
    struct isdn_edit e;
    CHECK_INT(isdn_body_edit(m, &arena, ISDN_ISUP, LIT("\x04\r\n--b--\r\n"), &e), E_VALUE);
    CHECK(!e.changed);
    CHECK_BYTES(e.body, with);
}

static void test_nested(void)
{
    struct str inner = LIT("--b\r\nContent-Type: multipart/related; boundary=\"in ner\"\r\n\r\n"
                           "--in ner\r\nContent-Type: application/isup;base=itu-t92+\r\n\r\n"
                           "\x09\x01\x20\x02\x04x\x00\r\n--in ner--" END);
    const struct sip_msg *m = message(MIXED, inner, "");
    struct str want = LIT("--b\r\nContent-Type: multipart/related; boundary=\"in ner\"\r\n\r\n"
                          "--in ner\r\nContent-Type: application/isup;base=itu-t92+\r\n\r\n"
                          "\x09\x00\r\n--in ner--" END);
    CHECK_STR(found_in(m), "isup/ANM:0478 0");
    CHECK_BYTES(edited(m, ISDN_ANYWHERE, STR_NONE), want);

    char deep[4096];
    struct out o;
    out_init(&o, deep, sizeof(deep));
    for (int i = 0; i < ISDN_DEPTH_MAX; i++) {
        out_fmt(&o, "--%d\r\nContent-Type: multipart/mixed;boundary=%d\r\n\r\n", i, i + 1);
    }
    out_fmt(&o, "--%d\r\nContent-Type: application/isup\r\n\r\nx", ISDN_DEPTH_MAX);
    for (int i = ISDN_DEPTH_MAX; i >= 0; i--) {
        out_fmt(&o, "\r\n--%d--", i);
    }
    CHECK_STR(found_in(message("multipart/mixed;boundary=0", out_str_of(&o), "")), "-9");
}

/** User information messages are nothing else: the part goes, or the whole body. */
static void test_usr_goes(void)
{
    struct str usr = LIT("\x2d\x02\x00\x03\x04Hi");
    const struct sip_msg *m = message("application/isup", usr, "");
    struct isdn_edit e;

    CHECK_STR(found_in(m), "isup/USR:044869 0");
    CHECK_INT(isdn_body_edit(m, &arena, ISDN_ISUP, STR_NONE, &e), 0);
    CHECK(e.changed && !str_is_set(e.type));
    CHECK_INT(e.body.n, 0);
    m = message(MIXED, LIT(PART_ISUP "\x2d\x02\x00\x03\x04Hi\r\n" PART_SDP "\r\n--b--"), "");
    CHECK_STR(edited(m, ISDN_ISUP, STR_NONE), "\r\n" PART_SDP "\r\n--b--");
    m = message(MIXED, LIT(PART_SDP PART_ISUP "\x2d\x02\x00\x03\x04Hi\r\n--b--"), "");
    struct str left = edited(m, ISDN_ISUP, STR_NONE);
    CHECK_STR(left, "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n--b--");
    CHECK_STR(found_in(message(MIXED, arena_dup(&arena, left), "")), "sdp:-7 0");
    m = message(MIXED, LIT(PART_ISUP "\x2d\x02\x00\x03\x04Hi" END), "");
    CHECK_INT(isdn_body_edit(m, &arena, ISDN_ISUP, STR_NONE, &e), 0);
    CHECK(e.changed && !str_is_set(e.type) && e.body.n == 0);
}

static void test_gtd(void)
{
    static const struct {
        const char *gtd, *found, *set, *none;
    } t[] = {
        {"IAM,\r\nPRN,isdn*,,NT100,\r\nUUS,3,3132333435\r\nGCI,87c0\r\n\r\n",
         "gtd:043132333435 0", "IAM,\r\nPRN,isdn*,,NT100,\r\nUUS,3,4869\r\nGCI,87c0\r\n\r\n",
         "IAM,\r\nPRN,isdn*,,NT100,\r\nGCI,87c0\r\n\r\n"},
        {"ANM,\r\nPRN,isdn*,,NET5*,\r\n\r\n", "gtd:-7 0",
         "ANM,\r\nPRN,isdn*,,NET5*,\r\nUUS,3,4869\r\n\r\n",
         "ANM,\r\nPRN,isdn*,,NET5*,\r\n\r\n"},
        {"REL,\nCAI,16", "gtd:-7 0", "REL,\nCAI,16\nUUS,3,4869\n", "REL,\nCAI,16"},
        {"IAM,\nuus,0,31,x\nUUS,3,32\n", "gtd:-4 0", "IAM,\nUUS,3,4869\n", "IAM,\n"},
        {"IAM,\nUUS,3,313\n", "gtd:-2 0", "IAM,\nUUS,3,4869\n", "IAM,\n"},
        {"IAM,\nUUS,3,zz\n", "gtd:-2 0", "IAM,\nUUS,3,4869\n", "IAM,\n"},
        {"IAM,\nUUS,3\n", "gtd:-7 0", "IAM,\nUUS,3,4869\n", "IAM,\n"},
        {"IAM,\nUUS,3,\n", "gtd:-7 0", "IAM,\nUUS,3,4869\n", "IAM,\n"},
        {"IAM,\nUUS,0,3132\n", "gtd:003132 0", "IAM,\nUUS,3,4869\n", "IAM,\n"},
        {"IAM,\nUUS,256,3132\n", "gtd:-2 0", "IAM,\nUUS,3,4869\n", "IAM,\n"},
        {"IAM,\nUUS,,3132\n", "gtd:-2 0", "IAM,\nUUS,3,4869\n", "IAM,\n"},
        {"x", "gtd:-7 0", "x\r\nUUS,3,4869\r\n", "x"},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        const struct sip_msg *m = message("application/gtd", str_c(t[i].gtd), "");
        test_context(t[i].gtd);
        CHECK_STR(found_in(m), t[i].found);
        CHECK_STR(edited(m, ISDN_GTD, STR("\x04Hi")), t[i].set);
        CHECK_STR(edited(m, ISDN_GTD, STR_NONE), t[i].none);
    }
    test_context(NULL);
    /* every discriminator there and back, but the one whose number is taken */
    for (unsigned pd = 0; pd < 256; pd++) {
        char octets[2] = {(char)pd, 'x'}, want[32];
        const struct sip_msg *m = message("application/gtd", STR("IAM,\r\n"), "");
        struct isdn_edit e;
        CHECK_INT(isdn_body_edit(m, &arena, ISDN_GTD, str_make(octets, 2), &e), 0);
        CHECK_INT(e.left, pd == 3);
        if (pd != 3) {
            snprintf(want, sizeof(want), "gtd:%02x78 0", pd);
            CHECK_STR(found_in(message("application/gtd", arena_dup(&arena, e.body), "")),
                      want);
        }
    }
    char big[300] = "UUS,3,";
    memset(big + 6, '3', 2 * (ISDN_UUI_MAX - 1));
    CHECK(str_starts(found_in(message("application/gtd", str_make(big, 6 + 256), "")),
                     STR("gtd:0433")));
    memset(big + 6, '3', 2 * ISDN_UUI_MAX);
    CHECK_STR(found_in(message("application/gtd", str_make(big, 6 + 258), "")), "gtd:-3 0");
}

static void test_correlation(void)
{
    static const struct {
        const char *line, *found, *set, *none;
    } t[] = {
        {"a=cs-correlation:callerid:+49301 uuie:56A390F3D2B7310023 dtmf\r\n",
         "sdp:56a390f3d2b7310023 0", "a=cs-correlation:callerid:+49301 uuie:044869 dtmf\r\n",
         "a=cs-correlation:callerid:+49301 dtmf\r\n"},
        {"a=cs-correlation:uuie:0448\r\n", "sdp:0448 0", "a=cs-correlation:uuie:044869\r\n",
         ""},
        {"a=cs-correlation:uuie\r\n", "sdp:-7 0", "a=cs-correlation:uuie\r\n",
         "a=cs-correlation:uuie\r\n"},
        {"a=cs-correlation:uuie:044\r\n", "sdp:-2 0", "a=cs-correlation:uuie:044869\r\n", ""},
        {"a=cs-correlation:uuie:04\r\na=cs-correlation:uuie:05\r\n", "sdp:-4 0",
         "a=cs-correlation:uuie:044869\r\na=cs-correlation:uuie:044869\r\n", ""},
        {"a=cs-correlation:uuie:0a\r\na=cs-correlation:uuie:0A\r\n", "sdp:0a 0",
         "a=cs-correlation:uuie:044869\r\na=cs-correlation:uuie:044869\r\n", ""},
        {"a=setup:active\r\n", "sdp:-7 0", "a=setup:active\r\n", "a=setup:active\r\n"},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        char body[1024], want[1024];
        snprintf(body, sizeof(body), "%s%s%s", SDP, t[i].line, "a=sendrecv\r\n");
        const struct sip_msg *m = message("application/sdp", str_c(body), "");
        test_context(t[i].line);
        CHECK_STR(found_in(m), t[i].found);
        snprintf(want, sizeof(want), "%s%s%s", SDP, t[i].set, "a=sendrecv\r\n");
        CHECK_STR(edited(m, ISDN_SDP, STR("\x04Hi")), want);
        snprintf(want, sizeof(want), "%s%s%s", SDP, t[i].none, "a=sendrecv\r\n");
        CHECK_STR(edited(m, ISDN_SDP, STR_NONE), want);
    }
    test_context(NULL);
}

static void test_not_looked_at(void)
{
    struct str isup = LIT("\x09\x01\x20\x02\x04x\x00");
    struct isdn_edit e;

    CHECK(!isdn_body_may(message("text/plain", isup, "")));
    CHECK(!isdn_body_may(message("application/isup", STR(""), "")));
    CHECK(!isdn_body_may(message("application/isupx", isup, "")));
    CHECK_STR(found_in(message("text/plain", isup, "")), "0");
    CHECK_STR(found_in(message("application/isup", isup, "Content-Encoding: gzip\r\n")), "-9");
    CHECK_STR(found_in(message("application/isup", isup, "Content-Encoding: identity\r\n")),
              "isup/ANM:0478 0");
    CHECK_STR(found_in(message("application/isup ; x=y", isup, "")), "isup/ANM:0478 0");
    const struct sip_msg *m =
        message(MIXED,
                LIT("--b\r\nContent-Type: application/isup\r\n"
                    "Content-Transfer-Encoding: base64\r\n\r\nCQAA\r\n--b--"),
                "");
    CHECK_STR(found_in(m), "isup/:-9 0");
    CHECK_INT(isdn_body_edit(m, &arena, ISDN_ANYWHERE, STR_NONE, &e), 0);
    CHECK(!e.changed && e.left == 1);
    /* a multipart that is cut short: what came before counts, and nothing is edited */
    m = message(MIXED, LIT(PART_ISUP "\x09\x01\x20\x02\x04x\x00\r\n--b\r\n\r\n"), "");
    CHECK_STR(found_in(m), "isup/ANM:0478 -2");
    CHECK_INT(isdn_body_edit(m, &arena, ISDN_ANYWHERE, STR_NONE, &e), E_SYNTAX);
    CHECK(!e.changed);
    /* more of them than anybody has */
    char many[4096];
    struct out o;
    out_init(&o, many, sizeof(many));
    for (int i = 0; i < ISDN_FOUND_MAX + 1; i++) {
        out_c(&o, "--b\r\nContent-Type: application/gtd\r\n\r\nx\r\n");
    }
    out_c(&o, "--b--");
    CHECK(str_ends(found_in(message(MIXED, out_str_of(&o), "")), STR(" -4")));
}

static void test_settle(void)
{
    static const struct {
        const char *header, *body;
        enum isdn_side side;
        const char *octets;
        bool write_header, write_body, differ;
    } t[] = {
        {NULL, NULL, ISDN_TO_NATIVE, NULL, false, false, false},
        {"h", NULL, ISDN_TO_NATIVE, "h", false, false, false},
        {NULL, "b", ISDN_TO_NATIVE, "b", true, false, false},
        {"h", "b", ISDN_TO_NATIVE, "h", false, false, true},
        {"h", "h", ISDN_TO_NATIVE, "h", false, false, false},
        {NULL, NULL, ISDN_TO_ISUP, NULL, false, false, false},
        {"h", NULL, ISDN_TO_ISUP, "h", false, true, false},
        {NULL, "b", ISDN_TO_ISUP, "b", true, false, false},
        {"h", "b", ISDN_TO_ISUP, "b", true, false, true},
        {"h", "h", ISDN_TO_ISUP, "h", false, false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct isdn_settled s = isdn_settle(str_c(t[i].header), str_c(t[i].body), t[i].side);
        CHECK(str_eq(s.octets, str_c(t[i].octets)));
        CHECK_INT(str_is_set(s.octets), t[i].octets != NULL);
        CHECK_INT(s.header, t[i].write_header);
        CHECK_INT(s.body, t[i].write_body);
        CHECK_INT(s.differ, t[i].differ);
    }
}

/** 129 octets through every place, there and back. */
static void test_longest(void)
{
    char octets[ISDN_UUI_MAX];
    struct {
        const char *type;
        struct str body;
        const char *place;
    } t[] = {{"application/isup", LIT(IAM_HEAD IAM_LESS), "isup/IAM:"},
             {"application/gtd", STR("IAM,\r\n"), "gtd:"},
             {"application/sdp", STR(SDP "a=cs-correlation:uuie:00\r\n"), "sdp:"}};

    for (size_t i = 0; i < sizeof(octets); i++) {
        octets[i] = (char)(i + 4);
    }
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct str body = edited(message(t[i].type, t[i].body, ""), ISDN_ANYWHERE,
                                 str_make(octets, sizeof(octets)));
        struct str got = found_in(message(t[i].type, arena_dup(&arena, body), ""));
        char want[512];
        struct out o;
        out_init(&o, want, sizeof(want));
        out_c(&o, t[i].place);
        out_hex(&o, str_make(octets, sizeof(octets)), false);
        out_c(&o, " 0");
        CHECK_BYTES(got, out_str_of(&o));
    }
}

static void test_memory(void)
{
    static const char body[] = "--b\r\nContent-Type: application/gtd\r\n\r\nUUS,3,31\r\n--b--";
    const struct sip_msg *m = message(MIXED, LIT(body), "");
    struct isdn_body found;
    struct isdn_edit e;
    struct arena small;

    for (size_t fail = 1; fail <= 3; fail++) {
        counted.calls = 0;
        counted.fail_at = fail;
        counted.fail_on = true;
        arena_init(&small, &counted.mem, 16);
        int err = isdn_body_read(m, &small, &found);
        CHECK(err == E_NOMEM || (fail > 1 && err == 0));
        err = isdn_body_edit(m, &small, ISDN_ANYWHERE, STR("\x04Hi"), &e);
        CHECK(err == E_NOMEM || (fail > 3 && err == 0));
        CHECK(!e.changed);
        counted.fail_at = 0;
        arena_fini(&small);
    }
}

/** Every prefix of a body with everything, at the edge of a page. */
static void test_prefixes(void)
{
    struct str whole =
        LIT(PART_SDP PART_ISUP IAM_HEAD IAM_WITH
            "\r\n--b\r\nContent-Type: application/gtd\r\n\r\nIAM,\r\nUUS,3,31" END);
    struct str all = sip_msg_body(message(MIXED, whole, ""));
    size_t head = msg.m.head_len, seen = 0;
    char *copy = malloc(head + all.n);

    REQUIRE(copy != NULL);
    memcpy(copy, text, head + all.n);
    for (size_t n = 1; n <= all.n; n++) {
        struct str cut = test_guard(str_make(copy, head + n));
        struct isdn_body found;
        struct isdn_edit e;
        struct sip_hdr hdr[SIP_HDR_MAX];
        struct sip_msg m = msg.m;
        m.buf = cut.p; /* the index is the whole one's: only the length differs */
        m.len = (uint32_t)cut.n;
        memcpy(hdr, msg.hdr, sizeof(hdr));
        m.hdr = hdr;
        (void)!isdn_body_read(&m, &arena, &found);
        seen += found.n;
        CHECK(isdn_body_edit(&m, &arena, ISDN_ANYWHERE, STR_NONE, &e) <= 0);
        test_guard_free(cut);
    }
    CHECK(seen > 3);
    free(copy);
}

static void with_arena(void (*fn)(void))
{
    test_mem_init(&counted);
    arena_init(&arena, &counted.mem, 4096);
    fn();
    arena_fini(&arena);
    CHECK_INT(counted.live, 0);
}

#define IN_ARENA(fn)           \
    static void fn##_run(void) \
    {                          \
        with_arena(fn);        \
    }
IN_ARENA(test_isup_alone)
IN_ARENA(test_multipart)
IN_ARENA(test_nested)
IN_ARENA(test_usr_goes)
IN_ARENA(test_gtd)
IN_ARENA(test_correlation)
IN_ARENA(test_not_looked_at)
IN_ARENA(test_longest)
IN_ARENA(test_memory)
IN_ARENA(test_prefixes)

TEST_MAIN(T(test_isup_alone_run), T(test_multipart_run), T(test_nested_run),
          T(test_usr_goes_run), T(test_gtd_run), T(test_correlation_run),
          T(test_not_looked_at_run), T(test_settle), T(test_longest_run), T(test_memory_run),
          T(test_prefixes_run))
