/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GTD bodies that Baton makes: character by character, read back by our own reader, beside
 * those that gateways of Cisco have sent; and what cannot be made.
 */
#include "base/err.h"
#include "isdn/body.h"
#include "isdn/gtd_make.h"
#include "isdn/wrap.h"
#include "kit_msg.h"

#define HI STR_INIT("\x04Hi")
#define ID STR_INIT("\x5c\x2f\x3c\x7d\x86\x18\x11\xe7\x89\x22\x10\x05\xca\x2b\xd8\x80")
#define CALL "GCI,5c2f3c7d861811e789221005ca2bd880\r\n"
#define PRN "PRN,isdn*,,NET5*,\r\n"
#define BEARER "USI,rate,c,s,c,1\r\nTMR,00\r\n"
#define INDICATORS "CPC,09\r\nFCI,,,,,,,y,\r\n"

static struct test_mem counted;

static const struct {
    struct gtd_new m;
    const char *want;
} texts[] = {
    {{.type = ISUP_IAM, .called = STR_INIT("8555"), .call_id = ID, .uui = HI},
     "IAM,\r\n" PRN BEARER "CPN,00,,u,8555\r\n" INDICATORS "UUS,3,4869\r\n" CALL},
    /* what no gateway was seen to say is not said: international numbers, *, names */
    {{.type = ISUP_IAM, .called = STR_INIT("+4930123"), .call_id = ID, .uui = HI},
     "IAM,\r\n" PRN BEARER INDICATORS "UUS,3,4869\r\n" CALL},
    {{.type = ISUP_IAM, .called = STR_INIT("*8"), .call_id = ID, .uui = HI},
     "IAM,\r\n" PRN BEARER INDICATORS "UUS,3,4869\r\n" CALL},
    {{.type = ISUP_IAM, .call_id = ID, .uui = STR_INIT("\x00\xff")},
     "IAM,\r\n" PRN BEARER INDICATORS "UUS,0,FF\r\n" CALL},
    {{.type = ISUP_ACM, .uui = HI}, "ACM,\r\n" PRN "UUS,3,4869\r\n"},
    {{.type = ISUP_CPG, .uui = HI}, "CPG,\r\n" PRN "UUS,3,4869\r\n"},
    {{.type = ISUP_ANM, .uui = HI}, "ANM,\r\n" PRN "UUS,3,4869\r\n"},
    {{.type = ISUP_REL, .uui = HI}, "REL,\r\n" PRN "UUS,3,4869\r\n"},
};

static void test_gtd_texts(void)
{
    struct arena a;

    test_mem_init(&counted);
    arena_init(&a, &counted.mem, 1024);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        char buf[GTD_MADE_MAX];
        struct str back;
        struct out o;
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(gtd_write(&o, &texts[i].m), 0);
        CHECK_BYTES(out_str_of(&o), str_c(texts[i].want));
        CHECK_INT(gtd_uui_get(out_str_of(&o), &a, &back), 0);
        CHECK_BYTES(back, texts[i].m.uui);
        for (size_t n = 0; n < o.n; n++) { /* whole or not at all */
            struct out less;
            out_init(&less, buf, n);
            CHECK_INT(gtd_write(&less, &texts[i].m), E_SPACE);
            CHECK_INT(less.n, 0);
        }
    }
    arena_fini(&a);
}

/** 0 to 130 octets under each discriminator: written and read back, or refused. */
static void test_gtd_octets(void)
{
    char octets[131];
    struct arena a;

    test_mem_init(&counted);
    arena_init(&a, &counted.mem, 1024);
    for (size_t i = 1; i < sizeof(octets); i++) {
        octets[i] = (char)(unsigned char)(i * 37);
    }
    for (int pd = 0; pd < 256; pd++) {
        octets[0] = (char)(unsigned char)pd;
        for (size_t n = 0; n <= sizeof(octets); n++) {
            struct gtd_new m = {.type = ISUP_ANM, .uui = test_guard(str_make(octets, n))};
            char buf[GTD_MADE_MAX];
            struct str back;
            struct out o;
            out_init(&o, buf, sizeof(buf));
            int want = n > ISDN_UUI_MAX ? E_TOOBIG : n < 2 || pd == 3 ? E_VALUE : 0;
            CHECK_INT(gtd_write(&o, &m), want);
            CHECK(want == 0 || o.n == 0);
            if (want == 0) {
                CHECK_INT(gtd_uui_get(out_str_of(&o), &a, &back), 0);
                CHECK_BYTES(back, m.uui);
            }
            test_guard_free(m.uui);
        }
        arena_reset(&a);
    }
    arena_fini(&a);
}

static void test_gtd_not_made(void)
{
    static const struct {
        struct gtd_new m;
        int err;
    } row[] = {
        {{.type = ISUP_ANM}, E_VALUE}, /* nothing to say */
        {{.type = ISUP_ANM, .uui = STR_INIT("\x03Hi")}, E_VALUE},
        {{.type = ISUP_IAM, .called = STR_INIT("1"), .uui = HI}, E_VALUE}, /* which call? */
        {{.type = ISUP_IAM, .call_id = STR_INIT("short"), .uui = HI}, E_VALUE},
        {{.type = ISUP_RLC, .uui = HI}, E_UNSUPPORTED},
        {{.type = ISUP_CON, .uui = HI}, E_UNSUPPORTED},
        {{.type = 0, .uui = HI}, E_UNSUPPORTED},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char buf[GTD_MADE_MAX];
        struct out o;
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(gtd_write(&o, &row[i].m), row[i].err);
        CHECK_INT(o.n, 0);
    }
}

/* As gateways sent them (numbers of people replaced). */
#define SDP_PART "--uniqueBoundary\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
#define GTD_HEAD                                            \
    "--uniqueBoundary\r\nContent-Type: application/gtd\r\n" \
    "Content-Disposition: signal;handling=optional\r\n\r\n"

static const struct {
    const char *body, *uui; /* NULL: none */
} seen[] = {
    {SDP_PART GTD_HEAD
     "IAM,\r\nPRN,isdn*,,NET5*,\r\nUSI,rate,c,s,c,1\r\nUSI,lay1,alaw\r\nTMR,00\r\n"
     "CPN,02,,1,1330\r\nCGN,04,,1,y,4,3335550057\r\nCPC,09\r\nFCI,,,,,,,y,\r\n" CALL
     "\r\n--uniqueBoundary--\r\n",
     NULL},
    {SDP_PART GTD_HEAD
     "IAM,\r\nPRN,isdn*,,ATT5*,\r\nUSI,rate,c,s,c,1\r\nUSI,lay1,ulaw\r\nTMR,00\r\n"
     "CPN,00,,u,5900\r\nCPC,09\r\nFCI,,,,,,,y,\r\nUUS,3,3132333435\r\n" CALL
     "\r\n--uniqueBoundary--\r\n",
     "\x04"
     "12345"},
    {SDP_PART GTD_HEAD "ANM,\r\nPRN,isdn*,,NET5*,\r\n\r\n--uniqueBoundary--\r\n", NULL},
    {SDP_PART GTD_HEAD "VER,1.00\r\nPRN,t1113,*,att**,1993\r\nFAC,\r\nUUS,0,48656C6C6F\r\n"
                       "--uniqueBoundary--\r\n",
     "\0Hello"},
};

static void test_gtd_of_gateways(void)
{
    struct arena a;

    test_mem_init(&counted);
    arena_init(&a, &counted.mem, 1024);
    for (size_t i = 0; i < ARRAY_LEN(seen); i++) {
        struct isdn_body found;
        CHECK_INT(isdn_body_find(STR("multipart/mixed;boundary=uniqueBoundary"),
                                 str_c(seen[i].body), &a, &found),
                  0);
        CHECK_INT(found.places, ISDN_GTD | ISDN_SDP);
        struct str uui = isdn_body_octets(&found, ISDN_GTD);
        CHECK(str_is_set(uui) == (seen[i].uui != NULL));
        if (seen[i].uui != NULL) {
            CHECK_BYTES(uui, str_make(seen[i].uui, 6));
        }
    }
    arena_fini(&a);
}

/** Beside a description, into a multipart, alone; and read back. */
static void test_gtd_wrapped(void)
{
    static const struct {
        struct isdn_content had;
        size_t sdp_n;
        int err;
    } row[] = {
        {{{NULL, 0}, {NULL, 0}, {NULL, 0}}, 0, 0},
        {{STR_INIT("application/sdp"), STR_INIT("v=0\r\n"), {NULL, 0}}, 5, 0},
        {{STR_INIT("multipart/mixed;boundary=x"),
          STR_INIT("--x\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--x--\r\n"),
          {NULL, 0}},
         5,
         0},
        {{STR_INIT("text/plain"), STR_INIT("x"), {NULL, 0}}, 0, E_UNSUPPORTED},
    };
    const struct isdn_part part = {STR("application/gtd"),
                                   STR("ANM,\r\n" PRN "UUS,3,4869\r\n")};
    struct arena a;

    test_mem_init(&counted);
    arena_init(&a, &counted.mem, 1024);
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct isdn_wrapped w;
        struct isdn_body found;
        CHECK_INT(isdn_wrap_part(&a, &row[i].had, &part, STR("t1"), &w), row[i].err);
        if (row[i].err == 0) {
            CHECK_INT(w.sdp_n, row[i].sdp_n);
            CHECK(str_find(w.all.body, part.body) < w.all.body.n);
            CHECK_INT(isdn_body_find(w.all.type, w.all.body, &a, &found), 0);
            CHECK_BYTES(isdn_body_octets(&found, ISDN_GTD), STR("\x04Hi"));
        }
    }
    arena_fini(&a);
}

TEST_MAIN(T(test_gtd_texts), T(test_gtd_octets), T(test_gtd_not_made), T(test_gtd_of_gateways),
          T(test_gtd_wrapped))
