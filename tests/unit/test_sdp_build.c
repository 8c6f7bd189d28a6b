/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions of Baton's own, and robustness of all of the module. */
#include "base/err.h"
#include "sdp/sdp.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static const struct sdp_local local = {
    .id = 7, .version = 1, .address = STR_INIT("192.0.2.9"), .port = 4000, .dir = SDP_SENDRECV};

#define OURS "v=0\r\no=- 7 1 IN IP4 192.0.2.9\r\ns=-\r\n"
#define AUDIO                                                                        \
    "m=audio %s RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n" \
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"

static struct sdp parse(const char *text)
{
    struct sdp s;
    CHECK_INT(sdp_parse(str_c(text), &s, NULL), 0);
    return s;
}

static void check_text(struct str got, const char *fmt, const char *port)
{
    char want[512];
    const char *mark = strstr(fmt, "%s");
    struct out o;
    out_init(&o, want, sizeof(want));
    out_str(&o, str_make(fmt, mark ? (size_t)(mark - fmt) : strlen(fmt)));
    out_c(&o, mark ? port : "");
    out_c(&o, mark ? mark + 2 : "");
    CHECK_BYTES(got, out_str_of(&o));
}

static void test_offer(void)
{
    char buf[512];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(sdp_write_offer(&o, &local), 0);
    check_text(out_str_of(&o), OURS "c=IN IP4 192.0.2.9\r\nt=0 0\r\n" AUDIO "a=sendrecv\r\n",
               "4000");
    struct sdp_local six = local;
    six.address = STR("2001:db8::9");
    six.username = STR("baton");
    six.dir = SDP_INACTIVE;
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(sdp_write_offer(&o, &six), 0);
    struct sdp s;
    CHECK_INT(sdp_parse(out_str_of(&o), &s, NULL), 0);
    CHECK_STR(s.net, "IN IP6 2001:db8::9");
    CHECK_STR(s.media[0].address, "2001:db8::9");
    CHECK_INT(s.media[0].dir, SDP_INACTIVE);
    struct sdp_local bracketed = six; /* as a URI has it */
    char again[512];
    struct out second;
    bracketed.address = STR("[2001:db8::9]");
    out_init(&second, again, sizeof(again));
    CHECK_INT(sdp_write_offer(&second, &bracketed), 0);
    CHECK_BYTES(out_str_of(&second), out_str_of(&o));
    for (size_t cap = 0; cap < s.text.n; cap++) {
        char small[512];
        struct out t;
        out_init(&t, small, cap);
        CHECK_INT(sdp_write_offer(&t, &six), E_SPACE);
        CHECK_INT(t.need, s.text.n);
    }
}

static void test_local_faults(void)
{
    char buf[512];
    struct sdp_local bad[4] = {local, local, local, local};
    bad[0].address = STR("");
    bad[1].address = STR("192.0.2.9\r\na=x");
    bad[2].username = STR("a b");
    bad[3].port = 0;
    struct sdp offer = parse("v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 1 RTP/AVP 0\r\n");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct out o;
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(sdp_write_offer(&o, &bad[i]), E_VALUE);
        CHECK_INT(sdp_write_answer(&o, &bad[i], &offer), E_VALUE);
        CHECK_INT(sdp_write_black_hole(&o, &bad[i], NULL), i == 3 ? 0 : E_VALUE);
        CHECK_INT(o.n > 0, i == 3); /* which has a port of its own */
    }
}

static void test_answer_takes_the_first_audio(void)
{
    char buf[1024];
    struct out o;
    struct sdp offer = parse("v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 192.0.2.2\r\n"
                             "t=1 2\r\nt=3 4\r\n"
                             "m=video 6 RTP/AVP 0\r\n"
                             "m=audio 8 RTP/SAVP 0\r\n"
                             "m=audio 10 RTP/AVP 18 98 8 97 0 99\r\n"
                             "a=rtpmap:97 telephone-event/8000\r\n"
                             "a=rtpmap:98 pcmu/8000\r\n"
                             "a=rtpmap:99 telephone-event/48000\r\n"
                             "a=rtpmap:0 OTHER/8000\r\n"
                             "a=sendonly\r\n"
                             "m=audio 12 RTP/AVP 0\r\n");
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(sdp_write_answer(&o, &local, &offer), 0);
    CHECK_STR(out_str_of(&o), OURS "c=IN IP4 192.0.2.9\r\nt=1 2\r\nt=3 4\r\n"
                                   "m=video 0 RTP/AVP 0\r\n"
                                   "m=audio 0 RTP/SAVP 0\r\n"
                                   "m=audio 4000 RTP/AVP 98 8 97\r\n"
                                   "a=rtpmap:98 pcmu/8000\r\n"
                                   "a=rtpmap:8 PCMA/8000\r\n"
                                   "a=rtpmap:97 telephone-event/8000\r\n"
                                   "a=fmtp:97 0-15\r\n"
                                   "a=recvonly\r\n"
                                   "m=audio 0 RTP/AVP 0\r\n");
}

static const char dtmf_only[] = "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 1 RTP/AVP 101\r\n"
                                "a=rtpmap:101 telephone-event/8000\r\n";

static void test_answer_without_common_codec(void)
{
    static const char *const offers[] = {
        "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 1 RTP/AVP 18\r\n",
        "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 0 RTP/AVP 0\r\n",
        dtmf_only,
        "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 1 RTP/AVP\r\n",
        "v=0\r\no=- 1 1 IN IP4 h\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
        char buf[512] = "kept";
        struct out o;
        struct sdp offer = parse(offers[i]);
        out_init(&o, buf, sizeof(buf));
        out_c(&o, "kept");
        CHECK_INT(sdp_write_answer(&o, &local, &offer), E_UNSUPPORTED);
        CHECK_STR(out_str_of(&o), "kept");
    }
}

static void test_black_hole(void)
{
    char buf[512];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(sdp_write_black_hole(&o, &local, NULL), 0);
    check_text(out_str_of(&o), OURS "c=IN IP4 0.0.0.0\r\nt=0 0\r\n" AUDIO "a=inactive\r\n",
               "9");
    struct sdp s;
    CHECK_INT(sdp_parse(out_str_of(&o), &s, NULL), 0);
    CHECK(sdp_is_held(&s));
    struct sdp offer = parse("v=0\r\no=- 1 1 IN IP4 h\r\nt=5 6\r\n"
                             "m=audio 10 RTP/AVP 18 98\r\na=fmtp:18 annexb=no\r\n"
                             "a=rtpmap:98 X/8000\r\na=crypto:1 x\r\n"
                             "m=image 12 udptl t38\r\n");
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(sdp_write_black_hole(&o, &local, &offer), 0);
    CHECK_STR(out_str_of(&o), OURS "c=IN IP4 0.0.0.0\r\nt=5 6\r\n"
                                   "m=audio 9 RTP/AVP 18 98\r\na=rtpmap:98 X/8000\r\n"
                                   "a=fmtp:18 annexb=no\r\na=inactive\r\n"
                                   "m=image 0 udptl t38\r\n");
    offer = parse("v=0\r\no=- 1 1 IN IP4 h\r\nm=image 12 udptl t38\r\n");
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(sdp_write_black_hole(&o, &local, &offer), E_UNSUPPORTED);
    CHECK_INT(o.n, 0);
}

#define HOLE OURS "c=IN IP4 0.0.0.0\r\nt=0 0\r\n"

/** What a browser offers, shortened. */
static const char browser[] =
    "v=0\r\no=- 1 1 IN IP4 h\r\nt=0 0\r\na=group:BUNDLE 0 7 1\r\na=ice-options:x trickle\r\n"
    "a=fingerprint:sha-256 00:11\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"
    "a=candidate:1 1 udp 1 192.0.2.4 4444 typ host\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\na=setup:actpass\r\n";

static uint8_t octets[SDP_ENTROPY];

/** Octets 0xF0, 0xF1, …: all of the alphabet of base 64 that URLs have otherwise is in there.
 */
static struct sdp_local with_entropy(void)
{
    struct sdp_local l = local;
    for (size_t i = 0; i < sizeof(octets); i++) {
        octets[i] = (uint8_t)(0xF0 + i);
    }
    l.entropy = octets;
    return l;
}

#define PRINT                                                              \
    "F0:F1:F2:F3:F4:F5:F6:F7:F8:F9:FA:FB:FC:FD:FE:FF:00:01:02:03:04:05:06" \
    ":07:08:09:0A:0B:0C:0D:0E:0F"

/** A browser takes no answer without fingerprint, name and password (RFC 5763, RFC 8839). */
static void test_black_hole_for_a_browser(void)
{
    char buf[1024];
    struct out o;
    struct sdp offer = parse(browser), s;
    struct sdp_local l = with_entropy();
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(sdp_write_black_hole(&o, &l, &offer), 0);
    CHECK_STR(out_str_of(&o),
              HOLE "a=group:BUNDLE 0\r\n"
                   "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\na=mid:0\r\n"
                   "a=rtcp-mux\r\na=ice-ufrag:Hh8g\r\na=ice-pwd:ISIjJCUmJygpKissLS4vMDEy\r\n"
                   "a=ice-options:trickle\r\na=fingerprint:sha-256 " PRINT "\r\n"
                   "a=setup:passive\r\na=inactive\r\n"
                   "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n");
    CHECK_INT(sdp_parse(out_str_of(&o), &s, NULL), 0);
    CHECK(sdp_is_held(&s));
    l.entropy = NULL;
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(sdp_write_black_hole(&o, &l, &offer), E_UNSUPPORTED);
}

/** The role that is left over for an answer; all of them in an offer (RFC 5763 §5). */
static void test_black_hole_and_roles(void)
{
    static const struct {
        const char *theirs;
        bool offers;
        const char *ours;
    } rows[] = {{"actpass", false, "a=setup:passive\r\n"},
                {"active", false, "a=setup:passive\r\n"},
                {"passive", false, "a=setup:active\r\n"},
                {"passive", true, "a=setup:actpass\r\n"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[256], buf[1024];
        struct sdp_local l = with_entropy();
        struct sdp offer;
        struct out o;
        snprintf(text, sizeof(text),
                 "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 9 UDP/TLS/RTP/SAVP 0\r\n"
                 "a=fingerprint:sha-1 00\r\na=setup:%s\r\n",
                 rows[i].theirs);
        offer = parse(text);
        l.offers = rows[i].offers;
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(sdp_write_black_hole(&o, &l, &offer), 0);
        CHECK(str_find(out_str_of(&o), str_c(rows[i].ours)) < o.n);
        CHECK(str_find(out_str_of(&o), STR("ice-")) == o.n); /* it has none */
    }
}

/** SDES: the first suite that is known, with a key of its length (RFC 4568 §6.1). */
static void test_black_hole_with_crypto(void)
{
    static const struct {
        const char *offered, *answer;
    } rows[] = {
        {"a=crypto:1 NEW inline:x\r\na=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:x KDR=1\r\n"
         "a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:x\r\n",
         "a=crypto:3 AES_CM_128_HMAC_SHA1_32 inline:8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwN\r\n"},
        {"a=crypto:4 AEAD_AES_128_GCM inline:x\r\n",
         "a=crypto:4 AEAD_AES_128_GCM inline:8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCw==\r\n"},
        {"a=crypto:5 AEAD_AES_256_GCM inline:x\r\n",
         "a=crypto:5 AEAD_AES_256_GCM inline:8PHy8/T19vf4+fr7/P3+/wABAgMEBQYHCAkKCwwNDg8QERITFBU"
         "WFxgZGhs=\r\n"},
        {"a=crypto:6 NEW inline:x\r\n", NULL},
        {"a=crypto:7 AEAD_AES_256_GCM\r\n", NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[512], want[512], buf[1024];
        struct sdp_local l = with_entropy();
        struct sdp offer;
        struct out o;
        snprintf(text, sizeof(text), "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 9 RTP/SAVP 0\r\n%s",
                 rows[i].offered);
        offer = parse(text);
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(sdp_write_black_hole(&o, &l, &offer), rows[i].answer ? 0 : E_UNSUPPORTED);
        snprintf(want, sizeof(want), HOLE "m=audio 9 RTP/SAVP 0\r\n%sa=inactive\r\n",
                 rows[i].answer ? rows[i].answer : "");
        CHECK_STR(out_str_of(&o), rows[i].answer ? want : "");
    }
}

/* ------------------------------------------------------------------------ robustness */

/** View a body that ends at an unreadable page; whatever is accepted can be edited, and the
    result is accepted. */
static void use(struct arena *a, struct str body)
{
    struct str text = test_guard(body);
    struct sdp s, t, u;
    size_t at = 0;
    int err = sdp_parse(text, &s, &at);
    CHECK(at <= text.n);
    for (int aim = SDP_KEEP; err == 0 && aim <= SDP_SILENCE; aim++) {
        struct sdp_edit e = {.aim = (uint8_t)aim, .bump = true, .other = &s};
        struct sdp_edit keep = {.aim = SDP_KEEP};
        struct str out, same;
        CHECK_INT(sdp_rewrite(&s, &e, a, &out), 0);
        REQUIRE(sdp_parse(out, &t, NULL) == 0);
        CHECK_INT(t.media_count, s.media_count);
        CHECK(t.version.n >= s.version.n && !str_eq(t.version, s.version));
        CHECK(aim != SDP_SILENCE || !sdp_is_held(&s) || sdp_is_held(&t));
        CHECK_INT(sdp_rewrite(&s, &keep, a, &same), 0);
        CHECK_BYTES(same, text);
    }
    char buf[2048];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    if (err == 0 && sdp_write_answer(&o, &local, &s) == 0) {
        CHECK_INT(sdp_parse(out_str_of(&o), &u, NULL), 0);
        CHECK_INT(u.media_count, s.media_count);
    }
    test_guard_free(text);
    arena_reset(a);
}

static void test_rejection(void)
{
    struct sdp offer = parse("v=0\r\no=a 1 2 IN IP4 h\r\ns=x\r\nt=5 9\r\n"
                             "m=audio 5 RTP/AVP 0 8\r\na=sendonly\r\n"
                             "m=image 6 udptl t38\r\n");
    struct sdp_local l = {.address = STR("2001:db8::1"), .id = 7, .version = 3};
    char text[256];
    struct out o;
    out_init(&o, text, sizeof(text));
    CHECK_INT(sdp_write_rejection(&o, &l, &offer), 0);
    CHECK_STR(out_str_of(&o), "v=0\r\no=- 7 3 IN IP6 2001:db8::1\r\ns=-\r\n"
                              "c=IN IP6 2001:db8::1\r\nt=5 9\r\n"
                              "m=audio 0 RTP/AVP 0 8\r\nm=image 0 udptl t38\r\n");
    out_init(&o, text, 60);
    CHECK_INT(sdp_write_rejection(&o, &l, &offer), E_SPACE);
    l.address = STR("a b");
    out_init(&o, text, sizeof(text));
    CHECK_INT(sdp_write_rejection(&o, &l, &offer), E_VALUE);
    CHECK_INT(o.n, 0);
}

static const char *const samples[] = {
    "v=0\r\no=- 1 9 IN IP4 h\r\nc=IN IP4 0.0.0.0\r\na=recvonly\r\nm=audio 5 RTP/AVP 0 97\r\n"
    "a=rtpmap:97 telephone-event/8000\r\na=sendrecv\r\nm=video 0 RTP/AVP 31\r\n",
    "v=0\no=a b 2 3 IN IP6 ::1\nm=audio 5/2 RTP/AVP 8\nc=IN IP6 ::\na=inactive\n\n",
};

static void test_every_prefix_and_mutation(void)
{
    static const char marks[] = "\0\r\n =:/0amov9\xFF";
    struct arena a;
    char text[256];
    arena_init(&a, &mem_libc, 4096);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        size_t n = strlen(samples[i]);
        REQUIRE(n <= sizeof(text));
        for (size_t len = 0; len <= n; len++) {
            use(&a, str_make(samples[i], len));
        }
        for (size_t at = 0; at < n; at++) {
            memcpy(text, samples[i], n);
            for (size_t k = 0; k < sizeof(marks) - 1; k++) {
                text[at] = marks[k];
                use(&a, str_make(text, n));
            }
        }
    }
    arena_fini(&a);
}

static void test_no_memory(void)
{
    struct test_mem t;
    struct arena a;
    struct sdp s = parse(samples[0]);
    struct sdp_edit e = {.aim = SDP_HOLD};
    struct str out = STR("x");
    test_mem_init(&t);
    t.fail_at = 1;
    arena_init(&a, &t.mem, 16);
    CHECK_INT(sdp_rewrite(&s, &e, &a, &out), E_NOMEM);
    CHECK(!str_is_set(out));
    arena_fini(&a);
    CHECK_INT(t.live, 0);
}

static void test_collected_bodies(void)
{
    static const struct {
        const char *name;
        int err;
        size_t media;
    } files[] = {
        {"message-1", E_VERSION, 0}, {"message-2", 0, 3}, {"message-4", 0, 1},
        {"message-5", 0, 1},         {"message-7", 0, 3}, {"message-8", 0, 3},
        {"message-11", 0, 1},
    };
    const char *dir = test_data_dir("torture/sofia-sdp");
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    for (size_t i = 0; dir && i < ARRAY_LEN(files); i++) {
        char path[512];
        struct sdp s;
        snprintf(path, sizeof(path), "%s/%s.sdp", dir, files[i].name);
        struct str body = test_read_file(path);
        test_context(files[i].name);
        REQUIRE(body.n > 0);
        CHECK_INT(sdp_parse(body, &s, NULL), files[i].err);
        CHECK_INT(s.media_count, files[i].media);
        use(&a, body);
        free((void *)(uintptr_t)body.p);
    }
    test_context(NULL);
    arena_fini(&a);
}

TEST_MAIN(T(test_offer), T(test_local_faults), T(test_answer_takes_the_first_audio),
          T(test_answer_without_common_codec), T(test_black_hole),
          T(test_black_hole_for_a_browser), T(test_black_hole_and_roles),
          T(test_black_hole_with_crypto), T(test_rejection), T(test_every_prefix_and_mutation),
          T(test_no_memory), T(test_collected_bodies))
