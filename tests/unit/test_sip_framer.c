/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Framing: a stream gives the same messages however it is cut into pieces. Pieces lie before
 * a guard page, so that the framer cannot look ahead.
 */
#include "sip/framer.h"

#include "sip_helpers.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#define ONE "INVITE sip:a@b SIP/2.0\r\nContent-Length: 5\r\n\r\nhello"
#define TWO "SIP/2.0 200 OK\r\nX: \r\n y\r\nl\t:\r\n  0\r\n\r\n"
#define THREE \
    "BYE sip:a@b SIP/2.0\r\nX-Length: 9\r\nC: d\r\nl: 4\r\nContent-Length: 04\r\n\r\n\r\n\r\n"

/* What came out, as text: "M<message>" "I" (ping) "O" (pong) "B<status>". */
struct log {
    char text[4096];
    size_t n;
    bool pongs; /* recorded */
    bool bad;
    struct sip_fault fault;
};

static void record(struct log *l, const char *tag, struct str s)
{
    l->n +=
        (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, "%s%.*s|", tag, STR_ARG(s));
}

/* Everything that the octets in the buffer give. @return octets used */
static size_t drain(struct sip_framer *f, struct str buffered, struct log *l)
{
    size_t total = 0;
    for (;;) {
        struct str msg;
        size_t used;
        struct sip_fault fault;
        enum sip_frame what = sip_framer_next(f, str_from(buffered, total), &sip_limits_default,
                                              &msg, &used, &fault);
        total += used;
        switch (what) {
        case SIP_FRAME_MORE:
            CHECK_INT(used, 0);
            return total;
        case SIP_FRAME_MESSAGE:
            record(l, "M", msg);
            break;
        case SIP_FRAME_PING:
            record(l, "I", STR(""));
            break;
        case SIP_FRAME_PONG:
            if (l->pongs) {
                record(l, "O", STR(""));
            }
            break;
        case SIP_FRAME_BAD:
            l->fault = fault;
            l->bad = true;
            record(l, fault.status == 0 ? "D" : "B", msg);
            return total;
        }
    }
}

/* The stream in pieces: size(i) octets in the i-th. */
static void run_pieces(struct str stream, const size_t *cuts, size_t n_cuts, struct log *l)
{
    struct sip_framer f;
    size_t dropped = 0;
    sip_framer_init(&f);
    for (size_t i = 0; i <= n_cuts && !l->bad; i++) {
        size_t end = i < n_cuts ? cuts[i] : stream.n;
        struct str g = test_guard(str_make(stream.p + dropped, end - dropped));
        dropped += drain(&f, g, l);
        test_guard_free(g);
    }
}

static void expect_whole(struct str stream, const char *want)
{
    struct log l = {.pongs = true};
    run_pieces(stream, NULL, 0, &l);
    CHECK_STR(str_make(l.text, l.n), want);
}

static void test_whole(void)
{
    expect_whole(STR(ONE), "M" ONE "|");
    expect_whole(STR(ONE TWO THREE ONE), "M" ONE "|M" TWO "|M" THREE "|M" ONE "|");
    expect_whole(STR("\r\n" ONE), "M" ONE "|");
    expect_whole(STR("\r\n\r\n" ONE), "I|M" ONE "|");
    expect_whole(STR("\r\n\r\n\r\n" ONE "\r\n\r\n"), "I|M" ONE "|I|");
    expect_whole(STR("\r\n"), "O|");
    expect_whole(STR(ONE "\r\n"), "M" ONE "|O|");
    expect_whole(STR("\r"), "");
    expect_whole(STR(""), "");
}

/* A pong that comes alone is told at once; the other half makes it a ping. */
static void test_ping_in_halves(void)
{
    struct log l = {.pongs = true};
    size_t cuts[] = {1, 2, 3};
    run_pieces(STR("\r\n\r\n" ONE), cuts, 3, &l);
    CHECK_STR(str_make(l.text, l.n), "O|I|M" ONE "|");
}

static void test_every_split(void)
{
    struct str stream = STR("\r\n" ONE "\r\n\r\n" TWO "\r\n\r\n\r\n" THREE "\r\n" ONE);
    struct log whole = {0};
    run_pieces(stream, NULL, 0, &whole);
    CHECK_STR(str_make(whole.text, whole.n), "M" ONE "|I|M" TWO "|I|M" THREE "|M" ONE "|");
    for (size_t i = 0; i <= stream.n; i++) {
        for (size_t j = i; j <= stream.n; j += 7) {
            struct log l = {0};
            size_t cuts[] = {i, j};
            run_pieces(stream, cuts, 2, &l);
            CHECK_BYTES(str_make(l.text, l.n), str_make(whole.text, whole.n));
        }
    }
}

static void test_octet_by_octet(void)
{
    struct str stream = STR("\r\n" ONE "\r\n\r\n" TWO "\r\n\r\n\r\n" THREE "\r\n" ONE);
    size_t cuts[512];
    struct log l = {0};
    for (size_t i = 0; i < stream.n; i++) {
        cuts[i] = i + 1;
    }
    run_pieces(stream, cuts, stream.n, &l);
    CHECK_STR(str_make(l.text, l.n), "M" ONE "|I|M" TWO "|I|M" THREE "|M" ONE "|");
}

static void test_bad(void)
{
    static const struct {
        const char *text;
        unsigned status;
    } rows[] = {
        {"BYE sip:a SIP/2.0\r\nX: y\r\n\r\n", 400},
        {"BYE sip:a SIP/2.0\r\n\r\n", 400},
        {"BYE sip:a SIP/2.0\r\nl: -1\r\n\r\n", 400},
        {"BYE sip:a SIP/2.0\r\nl: x\r\n\r\n", 400},
        {"BYE sip:a SIP/2.0\r\nl:\r\n\r\n", 400},
        {"BYE sip:a SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n", 400},
        {"BYE sip:a SIP/2.0\r\nA: b\nl: 0\r\n\r\n", 400},
        {"BYE sip:a SIP/2.0\r\nA: b\rl: 0\r\nl: 0\r\n\r\n", 400},
        {"BYE sip:a SIP/2.0\r\nl: 99999999\r\n\r\n", 513},
        {"BYE sip:a SIP/2.0\r\nl: 18446744073709551615\r\n\r\n", 513},
        {"BYE sip:a SIP/2.0\r\nl: 18446744073709551616\r\n\r\n", 400},
        {"SIP/2.0 200 OK\r\nX: y\r\n\r\n", 0},
        {"Content-Length: 0\r\nX: y\r\n\r\n", 400}, /* the start line is no header */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct log l = {0};
        char want[256];
        test_context(rows[i].text);
        run_pieces(str_c(rows[i].text), NULL, 0, &l);
        CHECK(l.bad && l.fault.reason != NULL);
        CHECK_INT(l.fault.status, rows[i].status);
        CHECK(l.fault.at <= strlen(rows[i].text));
        snprintf(want, sizeof(want), "%s%s|", rows[i].status == 0 ? "D" : "B", rows[i].text);
        CHECK_STR(str_make(l.text, l.n), want); /* the head, for the answer */
    }
    test_context(NULL);
}

static void test_no_start_line(void)
{
    static const struct str rows[] = {STR_INIT("\x16\x03\x01\x02"), STR_INIT("\0\0"),
                                      STR_INIT("\r\n\x80"), STR_INIT(" BYE"), STR_INIT("<")};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct sip_framer f;
        struct str msg;
        size_t used;
        struct sip_fault fault;
        sip_framer_init(&f);
        CHECK_INT(sip_framer_next(&f, rows[i], &sip_limits_default, &msg, &used, &fault),
                  SIP_FRAME_BAD);
        CHECK_INT(fault.status, 0);
        CHECK(!str_is_set(msg));
        CHECK_INT(used, rows[i].n);
    }
}

static void test_limits(void)
{
    struct sip_limits small = {60, 10, 20};
    struct sip_framer f;
    struct str msg;
    size_t used;
    struct sip_fault fault;
    static const char endless[] =
        "BYE sip:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    sip_framer_init(&f);
    CHECK_INT(sip_framer_next(&f, str_make(endless, 60), &small, &msg, &used, &fault),
              SIP_FRAME_MORE);
    CHECK_INT(sip_framer_next(&f, str_make(endless, 61), &small, &msg, &used, &fault),
              SIP_FRAME_BAD);
    CHECK_INT(fault.status, 513);
    CHECK_INT(used, 61);
    sip_framer_init(&f);
    struct str head = STR("BYE sip:a SIP/2.0\r\nContent-Length: 19\r\n\r\n");
    CHECK_INT(head.n, 41);
    CHECK_INT(sip_framer_next(&f, head, &small, &msg, &used, &fault), SIP_FRAME_MORE);
    CHECK_INT(f.total, 60);
    sip_framer_init(&f);
    head = STR("BYE sip:a SIP/2.0\r\nContent-Length: 20\r\n\r\n");
    CHECK_INT(sip_framer_next(&f, head, &small, &msg, &used, &fault), SIP_FRAME_BAD);
    CHECK_INT(fault.status, 513);
}

/* Nothing is looked at again: what was seen may be overwritten, but for the last three. */
static void test_no_rescan(void)
{
    struct sip_framer f;
    struct str msg;
    size_t used;
    struct sip_fault fault;
    char buf[200];
    struct str whole = STR("BYE sip:a SIP/2.0\r\nX: yyyyyyyyyyyyyyyyyy\r\nl: 3\r\n\r\nabc");
    sip_framer_init(&f);
    memcpy(buf, whole.p, whole.n);
    CHECK_INT(sip_framer_next(&f, str_make(buf, 38), &sip_limits_default, &msg, &used, &fault),
              SIP_FRAME_MORE);
    CHECK_INT(f.looked, 35);
    memcpy(buf + 22, "\r\n\r\n", 4); /* an end of the head where it was not */
    CHECK_INT(sip_framer_next(&f, str_make(buf, 40), &sip_limits_default, &msg, &used, &fault),
              SIP_FRAME_MORE);
    memcpy(buf, whole.p, whole.n);
    CHECK_INT(sip_framer_next(&f, str_make(buf, whole.n - 1), &sip_limits_default, &msg, &used,
                              &fault),
              SIP_FRAME_MORE);
    CHECK_INT(f.total, whole.n);
    CHECK_INT(
        sip_framer_next(&f, str_make(buf, whole.n), &sip_limits_default, &msg, &used, &fault),
        SIP_FRAME_MESSAGE);
    CHECK_BYTES(msg, whole);
}

/* Whatever the framer cuts and the index accepts, both agree on where it ends. */
static void test_agrees_with_index(void)
{
    static const char with[] = "\r\n \t:lLcC-0129x,";
    char text[] = "BYE sip:a@b SIP/2.0\r\nC: d\r\nX: y\r\n l: 1\r\nl: 4\r\n\r\nabcdefgh";
    uint32_t seed = 99;
    unsigned accepted = 0;
    for (int round = 0; round < 20000; round++) {
        char copy[sizeof(text)];
        memcpy(copy, text, sizeof(text));
        for (uint32_t k = sip_test_random(&seed) % 3; k > 0; k--) {
            copy[19 + sip_test_random(&seed) % 34] = with[sip_test_random(&seed) % 16];
        }
        struct sip_framer f;
        struct sip_parsed p;
        struct str msg;
        size_t used;
        struct sip_fault fault;
        sip_framer_init(&f);
        if (sip_framer_next(&f, str_make(copy, sizeof(text) - 1), &sip_limits_default, &msg,
                            &used, &fault) == SIP_FRAME_MESSAGE) {
            p.m.hdr = p.hdr;
            if (sip_msg_index(&p.m, msg, false, &sip_limits_default, &p.fault) == 0) {
                CHECK_INT(p.m.len, msg.n);
                accepted++;
            }
        }
    }
    CHECK(accepted > 2000);
}

TEST_MAIN(T(test_whole), T(test_ping_in_halves), T(test_every_split), T(test_octet_by_octet),
          T(test_bad), T(test_no_start_line), T(test_limits), T(test_no_rescan),
          T(test_agrees_with_index))
