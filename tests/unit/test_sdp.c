/* SPDX-License-Identifier: Apache-2.0 */
/* Session descriptions: what the view finds, and that an edit changes nothing else. */
#include "base/err.h"
#include "sdp/sdp.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static struct arena arena;

static void begin(void)
{
    arena_init(&arena, &mem_libc, 8192);
}

static void end(void)
{
    arena_fini(&arena);
}

#define HEAD "v=0\r\no=alice 53655765 2353687637 IN IP4 192.0.2.1\r\ns=-\r\n"
#define CONN "c=IN IP4 192.0.2.1\r\n"
#define TIME "t=0 0\r\n"

static const char two_streams[] = HEAD CONN TIME "a=group:BUNDLE 0 1\r\n"
                                                 "m=audio 49170 RTP/AVP 0 8 101\r\n"
                                                 "a=rtpmap:101 telephone-event/8000\r\n"
                                                 "a=sendrecv\r\n"
                                                 "a=ptime:20\r\n"
                                                 "m=video 51372/2 RTP/SAVPF 99\r\n"
                                                 "c=IN IP6 2001:db8::1\r\n"
                                                 "a=recvonly\r\n"
                                                 "m=video 0 RTP/AVP 31\r\n";

static struct sdp parse(const char *text)
{
    struct sdp s;
    CHECK_INT(sdp_parse(str_c(text), &s, NULL), 0);
    return s;
}

static struct str rewrite(const struct sdp *s, const struct sdp_edit *e)
{
    struct str out;
    CHECK_INT(sdp_rewrite(s, e, &arena, &out), 0);
    return out;
}

static void test_view(void)
{
    struct sdp s = parse(two_streams);
    CHECK_STR(s.username, "alice");
    CHECK_STR(s.id, "53655765");
    CHECK_STR(s.version, "2353687637");
    CHECK_STR(s.net, "IN IP4 192.0.2.1");
    CHECK_STR(s.address, "192.0.2.1");
    REQUIRE(s.media_count == 3);
    CHECK_STR(s.media[0].kind, "audio");
    CHECK_STR(s.media[0].proto, "RTP/AVP");
    CHECK_STR(s.media[0].formats, "0 8 101");
    CHECK_STR(s.media[0].address, "192.0.2.1");
    CHECK_INT(s.media[0].port, 49170);
    CHECK_INT(s.media[0].dir, SDP_SENDRECV);
    CHECK(s.media[0].has_dir);
    CHECK_INT(s.media[1].port, 51372);
    CHECK_STR(s.media[1].address, "2001:db8::1");
    CHECK_INT(s.media[1].dir, SDP_RECVONLY);
    CHECK_STR(s.media[2].text, "m=video 0 RTP/AVP 31\r\n");
    CHECK(!s.media[2].has_dir);
}

static void test_view_inherits_and_tolerates(void)
{
    struct sdp s =
        parse("v=0\no=a b c 1 18446744073709551616 IN IP4 h\nc=IN IP4 224.2.1.1/127/3\n"
              "a=inactive \nm=audio  5004  RTP/AVP\na=recvonly\na=sendonly\nm=x 9 y z\n"
              "\r\n\n");
    CHECK_STR(s.username, "a b c");
    CHECK_STR(s.version, "18446744073709551616");
    CHECK_STR(s.address, "224.2.1.1");
    CHECK_INT(s.dir, SDP_INACTIVE);
    REQUIRE(s.media_count == 2);
    CHECK_STR(s.media[0].formats, "");
    CHECK_INT(s.media[0].dir, SDP_RECVONLY);
    CHECK_INT(s.media[1].dir, SDP_INACTIVE);
    CHECK_STR(s.media[1].text, "m=x 9 y z\n\r\n\n");
}

static void test_view_faults(void)
{
    static const struct {
        const char *text;
        int err;
        size_t at;
    } cases[] = {
        {"", E_SYNTAX, 0},
        {"v=1\r\n", E_VERSION, 0},
        {"o=- 1 1 IN IP4 h\r\nv=0\r\n", E_SYNTAX, 0},
        {"v=0\r\ns=-\r\n", E_SYNTAX, 10},
        {"v=0\r\no=- 1 x IN IP4 h\r\n", E_SYNTAX, 5},
        {"v=0\r\no=1 IN IP4 h\r\n", E_SYNTAX, 5},
        {"v=0\r\no=- 1 1 IN IP4 h\r\no=- 1 1 IN IP4 h\r\n", E_SYNTAX, 23},
        {"v=0\r\no=- 1 1 IN IP4 h\r\n\r\ns=-\r\n", E_SYNTAX, 23},
        {"v=0\r\no=- 1 1 IN IP4 h\r\nhello\r\n", E_SYNTAX, 23},
        {"v=0\r\no=- 1 1 IN IP4 h\r\nm=audio x RTP/AVP 0\r\n", E_SYNTAX, 23},
        {"v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 65536 RTP/AVP 0\r\n", E_SYNTAX, 23},
        {"v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 5004\r\n", E_SYNTAX, 23},
        {"v=0\r\no=- 1 1 IN IP4 h\r\nm=a 1 b c\r\no=- 1 1 IN IP4 h\r\n", E_SYNTAX, 34},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sdp s;
        size_t at = 99;
        test_context(cases[i].text);
        CHECK_INT(sdp_parse(str_c(cases[i].text), &s, &at), cases[i].err);
        CHECK_INT(at, cases[i].at);
        CHECK_INT(s.media_count, 0);
    }
    test_context(NULL);
}

/** What a phone sent that sent no description. */
static void test_absent_is_no_description(void)
{
    struct sdp s;
    CHECK_INT(sdp_parse(STR_NONE, &s, NULL), E_SYNTAX);
    CHECK_INT(s.media_count, 0);
}

static void test_media_limit(void)
{
    char text[64 + 12 * (SDP_MEDIA_MAX + 1)];
    struct out o;
    struct sdp s;
    out_init(&o, text, sizeof(text));
    out_c(&o, "v=0\r\no=- 1 1 IN IP4 h\r\n");
    for (int i = 0; i < SDP_MEDIA_MAX; i++) {
        out_c(&o, "m=a 1 b c\r\n");
    }
    CHECK_INT(sdp_parse(out_str_of(&o), &s, NULL), 0);
    CHECK_INT(s.media_count, SDP_MEDIA_MAX);
    out_c(&o, "m=a 1 b c\r\n");
    CHECK_INT(sdp_parse(out_str_of(&o), &s, NULL), E_TOOMANY);
}

static void test_directions(void)
{
    CHECK_INT(sdp_dir_reverse(SDP_SENDONLY), SDP_RECVONLY);
    CHECK_INT(sdp_dir_reverse(SDP_RECVONLY), SDP_SENDONLY);
    CHECK_INT(sdp_dir_reverse(SDP_SENDRECV), SDP_SENDRECV);
    CHECK_INT(sdp_dir_reverse(SDP_INACTIVE), SDP_INACTIVE);
    CHECK_INT(sdp_dir_hold(SDP_SENDRECV), SDP_SENDONLY);
    CHECK_INT(sdp_dir_hold(SDP_RECVONLY), SDP_INACTIVE);
    CHECK_INT(sdp_dir_hold(SDP_SENDONLY), SDP_SENDONLY);
    CHECK_INT(sdp_dir_hold(SDP_INACTIVE), SDP_INACTIVE);
    /* RFC 3264 §6.1, offered down, wanted across: inactive sendonly recvonly sendrecv */
    static const uint8_t answers[4][4] = {
        [SDP_INACTIVE] = {SDP_INACTIVE, SDP_INACTIVE, SDP_INACTIVE, SDP_INACTIVE},
        [SDP_SENDONLY] = {SDP_INACTIVE, SDP_INACTIVE, SDP_RECVONLY, SDP_RECVONLY},
        [SDP_RECVONLY] = {SDP_INACTIVE, SDP_SENDONLY, SDP_INACTIVE, SDP_SENDONLY},
        [SDP_SENDRECV] = {SDP_INACTIVE, SDP_SENDONLY, SDP_RECVONLY, SDP_SENDRECV},
    };
    for (int i = 0; i < 16; i++) {
        CHECK_INT(sdp_dir_answer((enum sdp_dir)(i / 4), (enum sdp_dir)(i % 4)),
                  answers[i / 4][i % 4]);
    }
}

static void test_hold_changes_directions_and_version_only(void)
{
    begin();
    struct sdp s = parse(two_streams);
    struct sdp_edit e = {.aim = SDP_HOLD, .bump = true};
    CHECK_STR(rewrite(&s, &e),
              "v=0\r\no=alice 53655765 2353687638 IN IP4 192.0.2.1\r\ns=-\r\n" CONN TIME
              "a=group:BUNDLE 0 1\r\n"
              "m=audio 49170 RTP/AVP 0 8 101\r\n"
              "a=rtpmap:101 telephone-event/8000\r\n"
              "a=sendonly\r\n"
              "a=ptime:20\r\n"
              "m=video 51372/2 RTP/SAVPF 99\r\n"
              "c=IN IP6 2001:db8::1\r\n"
              "a=inactive\r\n"
              "m=video 0 RTP/AVP 31\r\n");
    e = (struct sdp_edit){.aim = SDP_KEEP};
    CHECK_STR(rewrite(&s, &e), two_streams);
    end();
}

static void test_hold_and_retrieve(void)
{
    begin();
    struct sdp s = parse(two_streams);
    struct sdp_edit hold = {.aim = SDP_HOLD};
    struct sdp held;
    CHECK_INT(sdp_parse(rewrite(&s, &hold), &held, NULL), 0);
    CHECK(sdp_is_held(&held) && !sdp_is_held(&s));
    struct sdp_edit back = {.aim = SDP_RETRIEVE, .other = &s};
    CHECK_STR(rewrite(&held, &back), two_streams);
    struct str out;
    back.other = NULL;
    CHECK_INT(sdp_rewrite(&held, &back, &arena, &out), E_VALUE);
    CHECK(!str_is_set(out));
    end();
}

static void test_inherited_directions_get_a_line(void)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        {"m=audio 1 RTP/AVP 0\r\na=x\r\n", "m=audio 1 RTP/AVP 0\r\na=x\r\na=sendonly\r\n"},
        {"m=audio 1 RTP/AVP 0\r\na=x", "m=audio 1 RTP/AVP 0\r\na=x\r\na=sendonly"},
        {"m=audio 1 RTP/AVP 0 \r\n\r\n", "m=audio 1 RTP/AVP 0 \r\na=sendonly\r\n\r\n"},
        {"m=audio 1 x 0\r\nm=video 2 x 0\r\n",
         "m=audio 1 x 0\r\na=sendonly\r\nm=video 2 x 0\r\na=sendonly\r\n"},
        {"a=sendonly\r\nm=audio 1 x 0\r\n", "a=sendonly\r\nm=audio 1 x 0\r\n"},
        {"a=recvonly\r\nm=audio 1 x 0\r\n", "a=recvonly\r\nm=audio 1 x 0\r\na=inactive\r\n"},
        {"a=recvonly\r\nm=audio 0 x 0\r\n", "a=recvonly\r\nm=audio 0 x 0\r\n"},
        {"m=audio 1 x 0\r\na=sendrecv\r\na=recvonly",
         "m=audio 1 x 0\r\na=sendonly\r\na=sendonly"},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str body = arena_fmt(&arena, "%s%s", HEAD, cases[i].body);
        struct str want = arena_fmt(&arena, "%s%s", HEAD, cases[i].want);
        struct sdp s;
        struct sdp_edit e = {.aim = SDP_HOLD};
        CHECK_INT(sdp_parse(body, &s, NULL), 0);
        CHECK_BYTES(rewrite(&s, &e), want);
    }
    struct sdp lf = parse("v=0\no=- 1 9 IN IP4 h\nm=a 1 b c\n");
    struct sdp_edit e = {.aim = SDP_SILENCE, .bump = true};
    CHECK_STR(rewrite(&lf, &e), "v=0\no=- 1 10 IN IP4 h\nm=a 1 b c\na=inactive\n");
    end();
}

static void test_version_of_any_length(void)
{
    static const char *const pairs[][2] = {
        {"0", "1"},       {"9", "10"},
        {"1099", "1100"}, {"99999999999999999999", "100000000000000000000"},
        {"007", "008"},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct str body =
            arena_fmt(&arena, "v=0\r\no=u  1 %s  IN IP4 h\r\ns=-\r\n", pairs[i][0]);
        struct str want =
            arena_fmt(&arena, "v=0\r\no=u  1 %s  IN IP4 h\r\ns=-\r\n", pairs[i][1]);
        struct sdp s;
        struct sdp_edit e = {.bump = true};
        CHECK_INT(sdp_parse(body, &s, NULL), 0);
        CHECK_BYTES(rewrite(&s, &e), want);
    }
    end();
}

static void test_origin_of_one_side(void)
{
    begin();
    struct sdp s = parse(two_streams);
    struct sdp_origin o = {.version = 7};
    struct sdp_edit e = {.origin = &o, .bump = true};
    struct str out = rewrite(&s, &e);
    CHECK(str_starts(out, STR("v=0\r\no=alice 53655765 7 IN IP4 192.0.2.1\r\ns=-\r\n")));
    o = (struct sdp_origin){STR("-"), STR("42"), STR("IN IP6 2001:db8::9"), 8};
    out = rewrite(&s, &e);
    CHECK(str_starts(out, STR("v=0\r\no=- 42 8 IN IP6 2001:db8::9\r\ns=-\r\n")));
    CHECK_BYTES(str_from(out, str_find(out, STR("s=-"))),
                str_from(s.text, str_find(s.text, STR("s=-"))));
    static const struct sdp_origin bad[] = {
        {.username = STR_INIT("a b")}, {.username = STR_INIT("")},   {.id = STR_INIT("1\r\nx")},
        {.id = STR_INIT("")},          {.net = STR_INIT("IN\nIP4")},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        e.origin = &bad[i];
        CHECK_INT(sdp_rewrite(&s, &e, &arena, &out), E_VALUE);
    }
    end();
}

static void test_answer_follows_the_offer(void)
{
    begin();
    struct sdp offer = parse(HEAD CONN "m=audio 1 x 0\r\na=sendonly\r\nm=video 2 x 0\r\n"
                                       "a=inactive\r\nm=video 0 x 0\r\n");
    struct sdp answer = parse(HEAD CONN "m=audio 1 x 0\r\nm=video 2 x 0\r\na=sendrecv\r\n"
                                        "m=video 5 x 0\r\nm=text 6 x 0\r\n");
    struct sdp_edit e = {.aim = SDP_ANSWER, .other = &offer};
    CHECK_STR(rewrite(&answer, &e),
              HEAD CONN "m=audio 1 x 0\r\na=recvonly\r\nm=video 2 x 0\r\na=inactive\r\n"
                        "m=video 5 x 0\r\nm=text 6 x 0\r\n");
    end();
}

static void test_held_descriptions(void)
{
    static const struct {
        const char *body;
        bool held;
    } cases[] = {
        {"c=IN IP4 0.0.0.0\r\nm=audio 1 x 0\r\n", true},
        {"c=IN IP6 ::\r\nm=audio 1 x 0\r\n", true},
        {"c=IN IP4 x.invalid\r\nm=audio 1 x 0\r\n", true},
        {"c=IN IP4 0.0.0.0\r\nm=audio 1 x 0\r\nc=IN IP4 192.0.2.1\r\n", false},
        {"c=IN IP4 192.0.2.1\r\nm=audio 1 x 0\r\nc=IN IP4 0.0.0.0\r\n", true},
        {CONN "m=audio 1 x 0\r\na=sendonly\r\n", true},
        {CONN "m=audio 1 x 0\r\na=recvonly\r\n", false},
        {CONN "m=audio 1 x 0\r\na=inactive\r\nm=video 2 x 0\r\n", false},
        {CONN "m=audio 1 x 0\r\na=inactive\r\nm=video 0 x 0\r\n", true},
        {CONN "m=audio 0 x 0\r\na=inactive\r\n", false},
        {CONN "a=sendonly\r\nm=audio 1 x 0\r\n", true},
        {CONN, false},
    };
    begin();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sdp s;
        test_context(cases[i].body);
        CHECK_INT(sdp_parse(arena_fmt(&arena, "%s%s", HEAD, cases[i].body), &s, NULL), 0);
        CHECK_INT(sdp_is_held(&s), cases[i].held);
    }
    test_context(NULL);
    end();
}

static void test_attributes(void)
{
    struct sdp s = parse(two_streams);
    struct str rest = s.media[0].text, value;
    CHECK(sdp_attr_next(&rest, STR("rtpmap"), &value));
    CHECK_STR(value, "101 telephone-event/8000");
    CHECK(!sdp_attr_next(&rest, STR("rtpmap"), &value));
    rest = s.media[0].text;
    CHECK(sdp_attr_next(&rest, STR("sendrecv"), &value));
    CHECK(!str_is_set(value));
}

TEST_MAIN(T(test_view), T(test_view_inherits_and_tolerates), T(test_view_faults),
          T(test_absent_is_no_description), T(test_media_limit), T(test_directions),
          T(test_hold_changes_directions_and_version_only), T(test_hold_and_retrieve),
          T(test_inherited_directions_get_a_line), T(test_version_of_any_length),
          T(test_origin_of_one_side), T(test_answer_follows_the_offer),
          T(test_held_descriptions), T(test_attributes))
