/* SPDX-License-Identifier: Apache-2.0 */
/* The SIP trace: what a line holds, what it never holds, the order of a conversation. */
#include "base/err.h"
#include "server/trace.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define HEAD                                                                       \
    "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nMax-Forwards: 70\r\n"           \
    "From: <sip:1001@example.com>;tag=a\r\nTo: \"Bob\" <sip:1002@example.com>\r\n" \
    "Call-ID: c1\r\nCSeq: 7 INVITE\r\n"

static struct hop hop_of(const char *addr)
{
    struct hop h = {.flow = 1, .transport = TP_UDP};
    (void)addr_parse(str_c(addr), &h.remote);
    return h;
}

static struct str line_of(char *buf, size_t cap, bool sent, struct str text, int err)
{
    struct hop hop = hop_of("192.0.2.9:5062");
    struct addr local = hop_of("192.0.2.2:5060").remote;
    struct str copy = test_guard(text);
    struct out o;
    out_init(&o, buf, cap);
    sip_trace_format(&o, sent, &hop, &local, copy, &sip_limits_default, err);
    test_guard_free(copy);
    CHECK(!o.over);
    return out_str_of(&o);
}

static void test_request(void)
{
    char buf[4096];
    struct str got =
        line_of(buf, sizeof(buf), false,
                STR("INVITE sip:1002@example.com SIP/2.0\r\n" HEAD
                    "Authorization: Digest username=\"1001\", response=\"0123\"\r\n"
                    "User-to-User: 04C842;encoding=hex,\r\n 00\"\\\"\r\nuser-to-user:  x \r\n"
                    "Content-Length: 3\r\n\r\nabc"),
                0);
    CHECK_STR(
        got,
        "\"direction\":\"received\",\"transport\":\"UDP\",\"remote\":\"192.0.2.9:5062\","
        "\"local\":\"192.0.2.2:5060\",\"start\":\"INVITE sip:1002@example.com SIP/2.0\","
        "\"call_id\":\"c1\",\"cseq\":\"7 INVITE\",\"from\":\"sip:1001@example.com\","
        "\"to\":\"sip:1002@example.com\","
        "\"uui\":[\"04C842;encoding=hex,\\u000d\\u000a 00\\\"\\\\\\\"\",\"x\"],\"body\":3}");
    CHECK_INT(str_find(got, STR("Digest")), got.n);
}

static void test_sdp_and_event(void)
{
    static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
                              "m=audio 4000 RTP/AVP 0\r\na=sendonly\r\nm=video 0 RTP/AVP 1\r\n";
    char text[1024], buf[2048];
    (void)snprintf(text, sizeof(text),
                   "SIP/2.0 200 OK\r\n" HEAD "Event: talk\r\nContent-Type: application/sdp\r\n"
                   "Content-Length: %zu\r\n\r\n%s",
                   sizeof(sdp) - 1, sdp);
    struct str got = line_of(buf, sizeof(buf), true, str_c(text), 0);
    CHECK(str_find(got, STR("\"event\":\"talk\",\"sdp\":\"sendonly\",\"body\":")) < got.n);
}

static void test_csta(void)
{
    static const char *const cases[][2] = {
        {"<?xml version=\"1.0\"?><MakeCall xmlns=\"http://x/ed3\">"
         "<callingDevice> 1001 </callingDevice>"
         "<calledDirectoryNumber>10&amp;02</calledDirectoryNumber>"
         "<userData>\n<string>04C8</string></userData></MakeCall>",
         "\"csta\":{\"message\":\"MakeCall\",\"callingDevice\":\"1001\","
         "\"calledDirectoryNumber\":\"10&02\",\"userData\":\"04C8\"}"},
        {"<c:DeliveredEvent xmlns:c='u'><c:monitorCrossRefID>9</c:monitorCrossRefID>"
         "<c:connection><c:callID>a</c:callID><c:deviceID>1001</c:deviceID></c:connection>"
         "<c:other><c:callID>b</c:callID><c:string>no</c:string></c:other>"
         "<c:callingDevice><c:deviceIdentifier>1</c:deviceIdentifier></c:callingDevice>"
         "<c:cause>newCall</c:cause></c:DeliveredEvent>",
         "\"csta\":{\"message\":\"DeliveredEvent\",\"monitorCrossRefID\":\"9\",\"callID\":\"a\","
         "\"deviceID\":\"1001\",\"cause\":\"newCall\"}"},
        {"<MakeCallResponse/>", "\"csta\":{\"message\":\"MakeCallResponse\"}"},
    };
    for (size_t i = 0; i < 3; i++) {
        char text[2048], buf[4096], want[512];
        (void)snprintf(text, sizeof(text),
                       "SIP/2.0 200 OK\r\n" HEAD
                       "Content-Type: application/csta+xml\r\nContent-Length: %zu\r\n\r\n%s",
                       strlen(cases[i][0]), cases[i][0]);
        (void)snprintf(want, sizeof(want), ",%s,\"body\":%zu}", cases[i][1],
                       strlen(cases[i][0]));
        struct str got = line_of(buf, sizeof(buf), true, str_c(text), 0);
        test_context(cases[i][1]);
        CHECK(str_starts(got, STR("\"direction\":\"sent\"")));
        CHECK_STR(str_from(got, got.n > strlen(want) ? got.n - strlen(want) : 0), want);
    }
}

static void test_what_is_not_readable(void)
{
    char buf[4096];
    struct str got = line_of(buf, sizeof(buf), true, STR("\x01\x02 what\r\nx"), E_IO);
    CHECK(str_find(got, STR("\"start\":\"\\u0001\\u0002 what\"")) < got.n);
    CHECK(str_ends(got,
                   STR(",\"malformed\":true,\"octets\":10,\"failed\":\"transport failure\"}")));
    got = line_of(buf, sizeof(buf), false,
                  STR("OPTIONS sip:a:geheim@b SIP/2.0\r\n" HEAD
                      "Content-Type: application/csta+xml\r\nContent-Length: 3\r\n\r\n<a>"),
                  0);
    CHECK(str_find(got, STR("sip:a:***@b")) < got.n);
    CHECK(str_ends(got, STR("\"csta\":{\"message\":\"a\"},\"body\":3}")));
}

/* ---- between the sockets and the engine ---- */

struct world {
    char sent[64];
    size_t sends;
};

static int fake_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    struct world *w = ctx;
    size_t at = 0;
    (void)hop;
    for (size_t i = 0; i < n && at + run[i].n < sizeof(w->sent); i++) {
        memmove(w->sent + at, run[i].n > 0 ? run[i].p : "", run[i].n);
        at += run[i].n;
    }
    w->sent[at] = '\0';
    return ++w->sends == 2 ? E_TOOBIG : 0;
}

static void fake_local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    (void)hop;
    *out = hop_of("192.0.2.2:5060").remote;
}

/** The place behind the next `what` in *rest. */
static bool next(struct str *rest, struct str what)
{
    size_t at = str_find(*rest, what);
    bool found = at < rest->n;
    *rest = str_from(*rest, at + what.n);
    return found;
}

static void test_conversation(void)
{
    char path[] = "/tmp/baton-trace-XXXXXX", other[64];
    struct world w = {0};
    struct env inner = {.ctx = &w, .send = fake_send, .local = fake_local};
    struct hop hop = hop_of("192.0.2.9:5062");
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    close(fd);
    struct sip_trace *t = sip_trace_new(path, &sip_limits_default);
    REQUIRE(t != NULL);
    const struct env *env = sip_trace_env(t, &inner);
    struct str run[] = {STR("SIP/2.0 200 OK\r\n"), STR_NONE, STR("x")}, pong = STR("\r\n");
    sip_trace_received(t, &hop, STR("\r\nfirst\r\n"));
    sip_trace_received(t, &hop, STR("\r\n\r\n"));
    CHECK_INT(env->send(env->ctx, &hop, run, 3), 0);
    CHECK_STR(str_c(w.sent), "SIP/2.0 200 OK\r\nx");
    CHECK_INT(env->send(env->ctx, &hop, run, 1), E_TOOBIG);
    CHECK_INT(env->send(env->ctx, &hop, &pong, 1), 0);
    CHECK_INT(w.sends, 3);
    struct str all = test_read_file(path), rest = all;
    CHECK(next(&rest, STR("\"received\"")) && next(&rest, STR("\"first\"")) &&
          next(&rest, STR("\"sent\"")) && next(&rest, STR("\"start\":\"SIP/2.0 200 OK\"")) &&
          next(&rest, STR("larger than the limit\"}\n")));
    CHECK_INT(rest.n, 0);
    free((void *)(uintptr_t)all.p);

    (void)snprintf(other, sizeof(other), "%s.1", path);
    CHECK_INT(rename(path, other), 0);
    CHECK(sip_trace_reopen(t));
    sip_trace_received(t, &hop, STR("second"));
    all = test_read_file(path);
    CHECK(str_find(all, STR("\"start\":\"second\"")) < all.n);
    free((void *)(uintptr_t)all.p);
    sip_trace_free(t);
    unlink(path);
    unlink(other);
}

/** What the engine reads, or refuses, by its limits, the trace does as well. */
static void test_limits_are_those_given(void)
{
    static const char head[] = "OPTIONS sip:a@example.com SIP/2.0\r\nCall-ID: many\r\n";
    char path[] = "/tmp/baton-trace-XXXXXX", text[8192];
    struct sip_limits limits = sip_limits_default;
    struct world w = {0};
    struct env inner = {.ctx = &w, .send = fake_send, .local = fake_local};
    struct hop hop = hop_of("192.0.2.9:5062");
    struct out o;
    int fd = mkstemp(path);
    REQUIRE(fd >= 0);
    close(fd);
    out_init(&o, text, sizeof(text));
    out_c(&o, head);
    for (unsigned i = 0; i < 6; i++) {
        out_c(&o, "X: y\r\n");
    }
    out_c(&o, "\r\n");
    for (uint32_t headers = 6; headers <= 7; headers++) {
        limits.headers = headers;
        struct sip_trace *t = sip_trace_new(path, &limits);
        REQUIRE(t != NULL);
        (void)sip_trace_env(t, &inner);
        sip_trace_received(t, &hop, out_str_of(&o));
        sip_trace_free(t);
    }
    struct str all = test_read_file(path), rest = all;
    CHECK(next(&rest, STR("\"malformed\":true")) && next(&rest, STR("\"call_id\":\"many\"")));
    CHECK(str_find(rest, STR("malformed")) == rest.n);
    free((void *)(uintptr_t)all.p);
    unlink(path);
}

static void test_no_such_folder(void)
{
    CHECK(sip_trace_new("/nowhere/at/all", &sip_limits_default) == NULL);
}

TEST_MAIN(T(test_request), T(test_sdp_and_event), T(test_csta), T(test_what_is_not_readable),
          T(test_conversation), T(test_limits_are_those_given), T(test_no_such_folder))
