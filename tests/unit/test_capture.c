/* SPDX-License-Identifier: Apache-2.0 */
/* What was said lately, in memory: the ring, the two of them, the table of calls, readers. */
#include "capture/capture.h"
#include "test.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t clock_us;

static int64_t now_us(void)
{
    return clock_us;
}

static struct capture *make(size_t octets, uint32_t calls)
{
    clock_us = 1000000;
    return capture_new(
        &(struct capture_config){.octets = octets, .calls = calls, .now_us = now_us});
}

static const struct hop far = {.flow = 3,
                               .transport = TP_UDP,
                               .remote = {.ip = {192, 0, 2, 9}, .port = 5060, .family = 4}};

static void hear(struct capture *c, const char *text)
{
    const struct env_watch *w = capture_watch(c, NULL);
    w->heard(w->ctx, &far, str_c(text));
}

static size_t read_all(struct capture *c, struct capture_cursor *at, struct capture_batch *b)
{
    size_t n = 0, got;
    while ((got = capture_next(c, at, b)) > 0) {
        n += got;
    }
    return n;
}

/* ---- the clock ---- */

/** It is asked once in a round of the loop, and by other threads each time. */
static void test_one_time_a_turn(void)
{
    struct capture *c = make(65536, 10);
    struct env env = {.turn = 0};
    const struct env_watch *w = capture_watch(c, &env);
    static const int64_t expected[] = {1000010, 1000020, 1000030, 1000030, 1000050, 1000060};
    struct capture_cursor at = {0};
    struct capture_batch b = {0};
    struct env_csta said = {.text = STR("<a/>")};

    for (int i = 0; i < 6; i++) {
        clock_us += 10;
        env.turn = i < 2 ? 0 : i < 4 ? 7 : 8; /* no rounds; one; the next */
        if (i == 5) {
            capture_http(c,
                         &(struct capture_http){.exchange = 1, .head = STR("GET / HTTP/1.1")});
        } else {
            w->csta(w->ctx, &said);
        }
    }
    CHECK_INT(capture_next(c, &at, &b), 6);
    for (size_t i = 0; i < b.count; i++) {
        CHECK_INT(b.msg[i].time_us, expected[i]);
    }
    capture_batch_fini(&b);
    capture_free(c);
}

/* ---- the ring ---- */

static void test_ring_keeps_the_newest(void)
{
    struct reel r;
    struct capture_msg m = {0}, got;
    uint64_t at = 0, next;
    char text[301];

    REQUIRE(reel_init(&r, 8192, 0));
    memset(text, 'x', sizeof(text));
    for (uint64_t i = 1; i <= 1000; i++) {
        m.n = i;
        m.who = STR("me");
        m.bytes = str_make(text, i % sizeof(text)); /* all sizes, all places of the end */
        reel_push(&r, &m);
        at = 0;
        REQUIRE(reel_get(&r, &at, &got, &next));
        CHECK_INT(got.n + r.count - 1, i);
    }
    CHECK(r.count > 10);
    CHECK_INT(r.gone + r.count, 1000);
    uint64_t want = 1000 - r.count + 1;
    for (at = 0; reel_get(&r, &at, &got, &next); at = next, want++) {
        CHECK_INT(got.n, want);
        CHECK_INT(got.bytes.n, want % sizeof(text));
        CHECK_STR(got.who, "me");
        CHECK(!got.cut);
    }
    CHECK_INT(want, 1001);
    reel_fini(&r);
}

static void test_ring_cuts_what_is_too_long(void)
{
    struct reel r;
    struct capture_msg m = {.n = 1}, got;
    uint64_t at = 0, next;
    char *text = calloc(1, 20000);

    REQUIRE(reel_init(&r, 8192, 0));
    m.bytes = str_make(text, 20000);
    reel_push(&r, &m);
    REQUIRE(reel_get(&r, &at, &got, &next));
    CHECK(got.cut);
    CHECK(got.bytes.n > 0 && got.bytes.n < 1024);
    reel_fini(&r);
    free(text);
}

static void test_ring_counts_messages_too(void)
{
    struct reel r;
    struct capture_msg m = {.bytes = STR("abc")};

    REQUIRE(reel_init(&r, 1 << 20, 5));
    for (m.n = 1; m.n <= 20; m.n++) {
        reel_push(&r, &m);
    }
    CHECK_INT(r.count, 5);
    reel_fini(&r);
}

static void test_ring_seek_is_never_behind(void)
{
    struct reel r;
    struct capture_msg m = {0}, got;
    uint64_t next;
    char text[500] = "";

    REQUIRE(reel_init(&r, 1 << 20, 0));
    m.bytes = str_make(text, sizeof(text));
    for (m.n = 1; m.n <= 5000; m.n++) {
        reel_push(&r, &m);
    }
    for (uint64_t n = 1; n <= 5000; n += 37) {
        uint64_t at = reel_seek(&r, n);
        REQUIRE(reel_get(&r, &at, &got, &next));
        CHECK(got.n <= n || got.n == 5000 - r.count + 1);
        CHECK(n < 3500 || n - got.n < 300); /* and not far before */
    }
    reel_fini(&r);
}

/* ---- capture ---- */

static void test_messages_in_order(void)
{
    struct capture *c = make(1 << 20, 10);
    struct capture_cursor at = {0};
    struct capture_batch b = {0};
    struct str runs[] = {STR("BYE sip:b@c SIP/2.0\r\n"), STR("\r\n")};

    hear(c, "INVITE sip:a@b SIP/2.0\r\n\r\n");
    clock_us -= 500; /* the clock is set back: time does not */
    hear(c, "REGISTER sip:b SIP/2.0\r\n\r\n");
    clock_us += 900;
    capture_sent(c, &far, runs, 2, 0);
    hear(c, "SIP/2.0 200 OK\r\nCSeq: 7 OPTIONS\r\n\r\n");
    CHECK_INT(capture_next(c, &at, &b), 4);
    CHECK_STR(b.msg[0].bytes, "INVITE sip:a@b SIP/2.0\r\n\r\n");
    CHECK_INT(b.msg[1].time_us, 1000000);
    CHECK_STR(b.msg[2].bytes, "BYE sip:b@c SIP/2.0\r\n\r\n");
    CHECK(b.msg[2].sent && !b.msg[1].sent);
    CHECK_INT(b.msg[2].time_us, 1000400);
    for (size_t i = 0; i < 4; i++) {
        CHECK_INT(b.msg[i].n, i + 1);
        CHECK_INT(b.msg[i].remote.port, 5060);
    }
    CHECK_INT(capture_next(c, &at, &b), 0);
    CHECK_INT(b.lost, 0);
    capture_batch_fini(&b);
    capture_free(c);
}

static void test_registrations_push_no_calls_out(void)
{
    struct capture *c = make(256 << 10, 10);
    struct capture_cursor at = {0};
    struct capture_batch b = {0};
    size_t invites = 0;

    hear(c, "INVITE sip:first@b SIP/2.0\r\n\r\n");
    for (int i = 0; i < 5000; i++) {
        hear(c, "REGISTER sip:b SIP/2.0\r\nCSeq: 1 REGISTER\r\n\r\n");
        hear(c, "SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n\r\n");
    }
    hear(c, "SIP/2.0 180 Ringing\r\nCSeq: 1 INVITE\r\n\r\n");
    while (capture_next(c, &at, &b) > 0) {
        for (size_t i = 0; i < b.count; i++) {
            invites += str_find(b.msg[i].bytes, STR("INVITE")) < b.msg[i].bytes.n ? 1 : 0;
        }
    }
    CHECK_INT(invites, 2);
    CHECK(b.lost > 4000);
    capture_batch_fini(&b);
    capture_free(c);
}

static void test_frames_of_csta(void)
{
    struct capture *c = make(1 << 20, 10);
    struct capture_cursor at = {0};
    struct capture_batch b = {0};
    const char frame[] = {0, 0, 0, 12, '0', '0', '4', '2', '<', 'a', '/', '>'};
    struct str run = str_make(frame, sizeof(frame)), ping = STR("\r\n\r\n");

    capture_sent(c, &far, &run, 1, 0);
    capture_sent(c, &far, &ping, 1, 0); /* a keep-alive is no message */
    CHECK_INT(capture_next(c, &at, &b), 1);
    CHECK_INT(b.msg[0].kind, CAPTURE_CSTA);
    CHECK_INT(b.msg[0].invoke, 42);
    CHECK_STR(b.msg[0].bytes, "<a/>");
    capture_batch_fini(&b);
    capture_free(c);
}

static void test_reader_is_told_what_it_missed(void)
{
    struct capture *c = make(64 << 10, 10);
    struct capture_cursor at;
    struct capture_batch b = {0};

    hear(c, "INFO sip:a@b SIP/2.0\r\n\r\n");
    capture_now(c, &at);
    for (int i = 0; i < 1000; i++) {
        hear(c, "INFO sip:a@b SIP/2.0\r\n\r\n");
    }
    size_t n = read_all(c, &at, &b);
    CHECK(n > 0 && n < 1000);
    CHECK_INT(n + b.lost, 1000);
    capture_from(c, &at, 991);
    b.lost = 0;
    CHECK_INT(read_all(c, &at, &b), 11);
    CHECK_INT(b.lost, 0);
    capture_batch_fini(&b);
    capture_free(c);
}

/* ---- calls ---- */

static void add_leg(struct capture *c, const char *call, const char *sip_call)
{
    const struct env_watch *w = capture_watch(c, NULL);
    w->leg(w->ctx, &(struct env_leg){.call = str_c(call),
                                     .sip_call = str_c(sip_call),
                                     .party = STR("sip:1001@example.com"),
                                     .device = true});
}

static void test_family_of_a_call(void)
{
    struct capture *c = make(1 << 20, 10);
    const struct env_watch *w = capture_watch(c, NULL);
    struct capture_call *call;
    struct arena a;
    char buf[256];

    arena_init(&a, &mem_libc, 4096);
    add_leg(c, "one", "s1");
    add_leg(c, "one", "s1"); /* again: nothing new */
    add_leg(c, "one", "s2");
    add_leg(c, "two", "s3");
    add_leg(c, "three", "s4");
    w->joined(w->ctx, STR("one"), STR("two"));
    w->joined(w->ctx, STR("two"), STR("three"));
    w->joined(w->ctx, STR("two"), STR("two"));
    w->over(w->ctx, STR("two"));
    REQUIRE(capture_family(c, STR("two"), &a, &call) == 3);
    CHECK_STR(call[0].id, "two");
    CHECK(call[0].ended_us != 0 && call[1].ended_us == 0);
    REQUIRE(capture_family(c, STR("three"), &a, &call) == 3);
    CHECK_STR(call[2].id, "one");
    CHECK_INT(call[2].legs, 2);
    CHECK_STR(call[2].leg[1].sip_call, "s2");
    CHECK_STR(call[2].leg[1].party, "sip:1001@example.com");
    CHECK_INT(capture_family(c, STR("four"), &a, &call), 0);
    CHECK_STR(capture_call_of(c, STR("s4"), buf), "three");
    CHECK_INT(capture_call_of(c, STR("s5"), buf).n, 0);
    hear(c, "INFO sip:a@b SIP/2.0\r\n\r\n");
    add_leg(c, "five", "s4"); /* a consultation that went on as another call */
    CHECK_STR(capture_call_of(c, STR("s4"), buf), "five");
    REQUIRE(capture_calls(c, 0, 2, &a, &call) == 2);
    CHECK_STR(call[0].id, "five");
    arena_fini(&a);
    capture_free(c);
}

static void test_calls_are_bounded(void)
{
    struct capture *c = make(1 << 20, 3);
    const struct env_watch *w = capture_watch(c, NULL);
    struct capture_call *call;
    struct arena a;

    arena_init(&a, &mem_libc, 4096);
    add_leg(c, "old", "s0");
    add_leg(c, "done", "s1");
    add_leg(c, "new", "s2");
    w->over(w->ctx, STR("done"));
    w->over(w->ctx, STR("old"));
    add_leg(c, "a", "s3"); /* the oldest that is over goes first */
    CHECK_INT(capture_family(c, STR("old"), &a, &call), 0);
    CHECK_INT(capture_family(c, STR("done"), &a, &call), 1);
    add_leg(c, "b", "s4");
    add_leg(c, "c", "s5"); /* and then the oldest, whatever it is */
    CHECK_INT(capture_family(c, STR("done"), &a, &call), 0);
    CHECK_INT(capture_family(c, STR("new"), &a, &call), 0);
    CHECK_INT(capture_calls(c, 0, 10, &a, &call), 3);
    arena_fini(&a);
    capture_free(c);
}

/* ---- threads ---- */

enum { MANY = 20000 };

static void *write_many(void *ctx)
{
    for (int i = 0; i < MANY; i++) {
        capture_http(ctx, &(struct capture_http){.exchange = (uint64_t)i + 1,
                                                 .head = STR("GET / HTTP/1.1\r\n\r\n"),
                                                 .body = STR("{}")});
    }
    return NULL;
}

static void test_threads_share_it(void)
{
    struct capture *c = make(64 << 20, 10);
    struct capture_cursor at = {0};
    struct capture_batch b = {0};
    pthread_t other;
    uint64_t last = 0;
    size_t n = 0;

    REQUIRE(pthread_create(&other, NULL, write_many, c) == 0);
    for (int i = 0; i < MANY; i++) {
        hear(c, "INFO sip:a@b SIP/2.0\r\n\r\n");
    }
    (void)pthread_join(other, NULL);
    while (capture_next(c, &at, &b) > 0) {
        for (size_t i = 0; i < b.count; i++) {
            CHECK_INT(b.msg[i].n, last + 1);
            last = b.msg[i].n;
            n++;
        }
    }
    CHECK_INT(n, 2 * MANY);
    CHECK(!capture_wait(c, &at, 0));
    at.n--;
    CHECK(capture_wait(c, &at, 1000));
    capture_stop(c);
    CHECK(!capture_wait(c, &at, 1000));
    capture_batch_fini(&b);
    capture_free(c);
}

TEST_MAIN(T(test_one_time_a_turn), T(test_ring_keeps_the_newest),
          T(test_ring_cuts_what_is_too_long), T(test_ring_counts_messages_too),
          T(test_ring_seek_is_never_behind), T(test_messages_in_order),
          T(test_registrations_push_no_calls_out), T(test_frames_of_csta),
          T(test_reader_is_told_what_it_missed), T(test_family_of_a_call),
          T(test_calls_are_bounded), T(test_threads_share_it))
