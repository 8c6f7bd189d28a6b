/* SPDX-License-Identifier: Apache-2.0 */
/* The story of a call: what belongs to it, what changed on the way, and what is not shown. */
#include "base/err.h"
#include "capture/hep.h"
#include "capture/pcap.h"
#include "capture/story.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static int64_t clock_us;
static struct capture *capture;
static const struct env_watch *watch;

static int64_t now_us(void)
{
    return clock_us += 1000;
}

static void local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    (void)hop;
    *out = (struct addr){.ip = {192, 0, 2, 1}, .port = 5060, .family = ADDR_IP4};
}

static const struct env env = {.local = local};

static void up(void)
{
    clock_us = 1700000000000000;
    capture = capture_new(&(struct capture_config){.octets = 1 << 20, .now_us = now_us});
    watch = capture_watch(capture, &env);
}

static struct hop at(unsigned last, enum transport t)
{
    return (struct hop){
        .flow = last,
        .transport = (uint8_t)t,
        .remote = {.ip = {192, 0, 2, (uint8_t)last}, .port = 5060, .family = ADDR_IP4}};
}

static void hear_over(unsigned from, enum transport t, const char *text)
{
    struct hop hop = at(from, t);
    watch->heard(watch->ctx, &hop, str_c(text));
}

static void hear(unsigned from, const char *text)
{
    hear_over(from, TP_UDP, text);
}

static void say_over(unsigned to, enum transport t, const char *text)
{
    struct hop hop = at(to, t);
    struct str run = str_c(text);
    capture_sent(capture, &hop, &run, 1, 0);
}

static void say(unsigned to, const char *text)
{
    say_over(to, TP_UDP, text);
}

static void leg(const char *call, const char *sip_call, const char *party)
{
    watch->leg(watch->ctx, &(struct env_leg){.call = str_c(call),
                                             .sip_call = str_c(sip_call),
                                             .party = str_c(party),
                                             .device = true});
}

#define HEAD(id, cseq)                                                         \
    "Via: SIP/2.0/UDP 192.0.2.9\r\nFrom: <sip:1001@example.com>;tag=a\r\nTo: " \
    "<sip:1002@example.com>\r\nCall-ID: " id "\r\nCSeq: " cseq "\r\n"
#define END "Content-Length: 0\r\n\r\n"

static struct story story;

static int read_story(const char *id, struct story_options o)
{
    return story_read(capture, str_c(id), &o, &story);
}

static char *as_json(struct story_options o)
{
    struct out out;
    char *text;
    out_init(&out, NULL, 0);
    story_json(&story, &o, true, &out);
    text = calloc(1, out.need + 1);
    out_init(&out, text, out.need);
    story_json(&story, &o, true, &out);
    return text;
}

#define CHECK_HAS(text, what) CHECK(strstr((text), (what)) != NULL)
#define CHECK_NOT(text, what) CHECK(strstr((text), (what)) == NULL)

static void down(void)
{
    story_fini(&story);
    capture_free(capture);
}

/** A call with a UUI that the border changes, another call, and an application. */
static void play(void)
{
    up();
    hear(
        9,
        "INVITE sip:1002@example.com SIP/2.0\r\n" HEAD(
            "s1",
            "1 INVITE") "Proxy-Authorization: Digest username=\"1001\", response=\"5ec3e7\"\r\n"
                        "User-to-User: 04C801;encoding=hex, 0A;purpose=crm;encoding=hex\r\n" END);
    watch->note(watch->ctx, &(struct env_note){.sip_call = STR("s1"),
                                               .method = STR("INVITE"),
                                               .package = STR("crm"),
                                               .text = STR("strip: crm, rule no-crm")});
    hear(7, "INVITE sip:1003@example.com SIP/2.0\r\n" HEAD("other", "1 INVITE") END);
    leg("call1", "s1", "sip:1001@example.com");
    watch->note(watch->ctx, &(struct env_note){.sip_call = STR("s2"),
                                               .sent = true,
                                               .method = STR("INVITE"),
                                               .package = STR("isdn-uui"),
                                               .text = STR("replace: isdn-uui, rule five")});
    say(8, "INVITE sip:1002@192.0.2.8 SIP/2.0\r\n" HEAD(
               "s2", "1 INVITE") "User-to-User: 04C805;encoding=hex\r\n" END);
    leg("call1", "s2", "sip:1002@example.com");
    hear(8, "SIP/2.0 200 OK\r\n" HEAD("s2", "1 INVITE") "User-to-User: 04AA\r\n" END);
    say(9, "SIP/2.0 200 OK\r\n" HEAD("s1", "1 INVITE") "User-to-User: 04AA\r\n" END);
    hear_over(
        5, TP_TLS,
        "INFO sip:baton@example.com SIP/2.0\r\n" HEAD(
            "session",
            "3 INFO") "Content-Type: application/csta+xml\r\nContent-Length: 117\r\n\r\n"
                      "<HoldCall xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/"
                      "ed5\"><x><callID>call1</callID></x></HoldCall>");
    say_over(5, TP_TLS,
             "SIP/2.0 200 OK\r\n" HEAD(
                 "session",
                 "3 INFO") "Content-Type: application/csta+xml\r\nContent-Length: 19\r\n\r\n"
                           "<HoldCallResponse/>");
    hear_over(5, TP_TLS,
              "INFO sip:baton@example.com SIP/2.0\r\n" HEAD("session", "4 INFO") END);
}

static void test_messages_of_the_call(void)
{
    play();
    REQUIRE(read_story("call1", (struct story_options){0}) == 0);
    CHECK_INT(story.count, 6);
    CHECK_STR(story.msg[0].label, "INVITE");
    CHECK_STR(story.msg[3].label, "200 OK");
    CHECK_STR(story.msg[4].label, "INFO HoldCall");
    CHECK_STR(story.msg[5].label, "200 OK HoldCallResponse");
    CHECK_INT(story.lanes, 4);
    CHECK_STR(story.lane[1].label, "sip:1001@example.com");
    CHECK_STR(str_c(story.lane[1].kind), "phone");
    CHECK_STR(str_c(story.lane[3].kind), "application");
    CHECK_INT(story.msg[0].from, 1);
    CHECK_INT(story.msg[0].to, 0);
    CHECK_INT(story.msg[1].to, 2);
    for (size_t i = 1; i < story.count; i++) {
        CHECK(story.msg[i].m.n > story.msg[i - 1].m.n);
        CHECK(story.msg[i].m.time_us >= story.msg[i - 1].m.time_us);
    }
    down();
}

static void test_uui_marked_where_it_changed(void)
{
    play();
    REQUIRE(read_story("call1", (struct story_options){0}) == 0);
    REQUIRE(story.msg[0].uuis == 2);
    CHECK_INT(story.msg[0].uui[0].change, STORY_SAME);
    CHECK_STR(story.msg[0].uui[1].why, "strip: crm, rule no-crm");
    REQUIRE(story.msg[1].uuis == 2);
    const struct story_uui *u = story.msg[1].uui;
    CHECK_INT(u[0].change, STORY_CHANGED);
    CHECK_BYTES(u[0].was->value.octets, STR("\x04\xc8\x01"));
    CHECK_BYTES(u[0].value.octets, STR("\x04\xc8\x05"));
    CHECK_STR(u[0].why, "replace: isdn-uui, rule five");
    CHECK_INT(u[1].change, STORY_REMOVED);
    CHECK_STR(u[1].value.package, "crm");
    CHECK_STR(u[1].why, "strip: crm, rule no-crm");
    REQUIRE(story.msg[3].uuis == 1);
    CHECK_INT(story.msg[3].uui[0].change, STORY_SAME);
    down();
}

static void test_json_says_it(void)
{
    play();
    REQUIRE(read_story("call1", (struct story_options){0}) == 0);
    char *text = as_json((struct story_options){0});
    CHECK_HAS(text, "{\"callID\":\"call1\",\"began\":\"2023-11-14T22:13:20.");
    CHECK_HAS(text, "\"hex\":\"04C805\"");
    CHECK_HAS(text, "\"changed\":true,\"change\":\"changed\",\"was\":\"04C801\","
                    "\"wasValue\":\"04C801;encoding=hex\",\"wasIn\":\"User-to-User\"");
    CHECK_HAS(text, "\"protocol\":\"sip\",\"direction\":\"received\",\"transport\":\"TLS\"");
    CHECK_HAS(text, "Digest ********");
    CHECK_NOT(text, "5ec3e7");
    CHECK_HAS(text, "\"truncated\":false");
    free(text);
    down();
}

static void test_raw_and_uui_policy(void)
{
    struct story_options raw = {.raw = true}, none = {.uui = BLANK_UUI_NONE},
                         length = {.uui = BLANK_UUI_LENGTH};
    play();
    REQUIRE(read_story("call1", raw) == 0);
    char *text = as_json(raw);
    CHECK_HAS(text, "5ec3e7");
    CHECK_HAS(text, "04C801");
    free(text);
    story_fini(&story);
    REQUIRE(read_story("call1", none) == 0);
    text = as_json(none);
    CHECK_NOT(text, "04C80");
    CHECK_NOT(text, "\"uui\"");
    free(text);
    story_fini(&story);
    REQUIRE(read_story("call1", length) == 0);
    text = as_json(length);
    CHECK_NOT(text, "04C80");
    CHECK_HAS(text, "\"octets\":3");
    CHECK_HAS(text, "\"change\":\"changed\"");
    free(text);
    down();
}

static void test_by_sip_call_id_and_unknown(void)
{
    play();
    REQUIRE(read_story("other", (struct story_options){0}) == 0);
    CHECK_INT(story.count, 1);
    CHECK_INT(story.calls, 0);
    story_fini(&story);
    CHECK_INT(read_story("nobody", (struct story_options){0}), E_NOTFOUND);
    REQUIRE(read_story("call1", (struct story_options){.messages = 2}) == 0);
    CHECK_INT(story.count, 2);
    CHECK(story.truncated);
    down();
}

/** The answer of a MakeCall names the call, the request does not: both belong to it. */
static void test_exchanges_outside_of_sip(void)
{
    struct hop hop = at(6, TP_TCP);
    static const char frame[] = "\0\0\0\x45"
                                "0005<MakeCallResponse><a><callID>call1</callID></a>"
                                "</MakeCallResponse>";
    struct str run = str_make(frame, sizeof(frame) - 1);
    play();
    watch->csta(watch->ctx, &(struct env_csta){.hop = &hop,
                                               .invoke = 5,
                                               .who = STR("crm"),
                                               .text = STR("<MakeCall><b>1</b></MakeCall>")});
    watch->csta(watch->ctx, &(struct env_csta){.hop = &hop,
                                               .invoke = 6,
                                               .who = STR("crm"),
                                               .text = STR("<MakeCall><b>2</b></MakeCall>")});
    capture_sent(capture, &hop, &run, 1, 0);
    capture_http(capture, &(struct capture_http){
                              .exchange = 11,
                              .who = STR("token:web"),
                              .head = STR("POST /v1/devices/1/calls HTTP/1.1\r\n\r\n"),
                              .body = STR("{\"token\":\"s3cret\"}")});
    capture_http(capture, &(struct capture_http){.exchange = 11,
                                                 .sent = true,
                                                 .who = STR("token:web"),
                                                 .head = STR("HTTP/1.1 202 Accepted\r\n\r\n"),
                                                 .body = STR("{\"callID\":\"call1\"}")});
    capture_http(capture,
                 &(struct capture_http){.exchange = 12,
                                        .who = STR("token:web"),
                                        .head = STR("GET /v1/calls/call10 HTTP/1.1\r\n\r\n")});
    REQUIRE(read_story("call1", (struct story_options){0}) == 0);
    REQUIRE(story.count == 10);
    CHECK_STR(story.msg[6].label, "MakeCall");
    CHECK_HAS(story.msg[6].m.bytes.p, "<b>1</b>");
    CHECK_STR(story.msg[7].label, "MakeCallResponse");
    CHECK_INT(story.msg[7].to, story.msg[6].from);
    CHECK_STR(story.lane[story.msg[6].from].label, "crm");
    CHECK_STR(story.msg[8].label, "POST /v1/devices/1/calls");
    CHECK_STR(story.msg[9].label, "202 Accepted");
    CHECK_STR(str_c(story.lane[story.msg[9].to].kind), "api");
    char *text = as_json((struct story_options){0});
    CHECK_NOT(text, "s3cret");
    free(text);
    down();
}

static void test_svg(void)
{
    struct out o;
    play();
    hear(9, "BYE sip:1002@example.com SIP/2.0\r\n" HEAD(
                "s1", "2 BYE") "Reason: Q.850;cause=16;text=\"a <b> & c\"\r\n" END);
    REQUIRE(read_story("call1", (struct story_options){0}) == 0);
    out_init(&o, NULL, 0);
    story_svg(&story, &(struct story_options){0}, &o);
    char *text = calloc(1, o.need + 1);
    out_init(&o, text, o.need);
    story_svg(&story, &(struct story_options){0}, &o);
    CHECK(!o.over);
    CHECK_INT(test_count(text, "role=\"listitem\""), 7);
    CHECK_HAS(text, "<title id=\"title\">Messages of call call1</title>");
    CHECK_HAS(text, ">isdn-uui 04C805 - changed</text>");
    CHECK_HAS(text, ">was 04C801</text>");
    CHECK_HAS(text, "<title>replace: isdn-uui, rule five</title>");
    CHECK_HAS(text, "prefers-color-scheme:dark");
    CHECK_HAS(text, "a &lt;b");
    CHECK_INT(test_count(text, "<g"), test_count(text, "</g>"));
    CHECK_NOT(text, "http://www.ecma");
    free(text);
    down();
}

/* ---- what is written for others ---- */

static uint32_t sum_of(const unsigned char *p, size_t n)
{
    uint32_t s = 0;
    for (size_t i = 0; i < n; i++) {
        s += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    }
    while (s >> 16) {
        s = (s & 0xFFFF) + (s >> 16);
    }
    return s;
}

static char *as_svg(struct story_options o)
{
    struct out out;
    char *text;
    out_init(&out, NULL, 0);
    story_svg(&story, &o, &out);
    text = calloc(1, out.need + 1);
    out_init(&out, text, out.need);
    story_svg(&story, &o, &out);
    return text;
}

static void change_story(const char *before, const char *after, const char *dialect)
{
    char in[600], out[600];
    (void)snprintf(in, sizeof(in),
                   "INVITE sip:2@example.com SIP/2.0\r\n" HEAD("s1", "1 INVITE") "%s\r\n" END,
                   before);
    (void)snprintf(out, sizeof(out),
                   "INVITE sip:2@192.0.2.8 SIP/2.0\r\n" HEAD("s2", "1 INVITE") "%s\r\n" END,
                   after);
    up();
    hear(9, in);
    leg("call1", "s1", "sip:1001@example.com");
    watch->note(watch->ctx, &(struct env_note){.sip_call = STR("s2"),
                                               .sent = true,
                                               .method = STR("INVITE"),
                                               .package = STR("isdn-uui"),
                                               .dialect = str_c(dialect),
                                               .text = STR("encode: isdn-uui")});
    say(8, out);
    leg("call1", "s2", "sip:1002@example.com");
    REQUIRE(read_story("call1", (struct story_options){0}) == 0);
}

/** Text before and after, decoded; and in the picture, where it turns nothing around it. */
static void test_decoded_before_and_after(void)
{
    change_story("User-to-User: 0463617365;encoding=hex",
                 "User-to-User: 04E280AE61;encoding=hex", "");
    char *text = as_json((struct story_options){0});
    CHECK_HAS(text, "\"wasText\":\"case\"");
    free(text);
    text = as_svg((struct story_options){0});
    CHECK_HAS(text, ">isdn-uui \"\xE2\x81\xA8\xE2\x80\xAE"
                    "a\xE2\x81\xA9\" - changed</text>");
    CHECK_HAS(text, ">was \"\xE2\x81\xA8"
                    "case\xE2\x81\xA9\"</text>");
    free(text);
    text = as_svg((struct story_options){.uui = BLANK_UUI_LENGTH});
    CHECK_HAS(text, ">isdn-uui 5 octets - changed</text>");
    CHECK_HAS(text, ">was 5 octets</text>");
    CHECK_NOT(text, "case");
    free(text);
    story_fini(&story);
    REQUIRE(read_story("call1", (struct story_options){.uui = BLANK_UUI_LENGTH}) == 0);
    text = as_json((struct story_options){.uui = BLANK_UUI_LENGTH});
    CHECK_NOT(text, "wasText");
    CHECK_NOT(text, "0463");
    free(text);
    down();
}

/** The same octets in another header: what is said is the same, how it is written is not. */
static void test_written_otherwise(void)
{
    change_story("User-to-User: 0463617365;encoding=hex",
                 "X-User-to-User: 63617365;encoding=hex", "x-header");
    const struct story_uui *u = story.msg[1].uui;
    REQUIRE(story.msg[1].uuis == 1);
    CHECK_INT(u->change, STORY_REWRITTEN);
    CHECK_STR(story_uui_text(&u->value), "case");
    char *text = as_json((struct story_options){0});
    CHECK_HAS(text, "\"change\":\"rewritten\",\"was\":\"0463617365\",\"wasText\":\"case\","
                    "\"wasValue\":\"0463617365;encoding=hex\",\"wasIn\":\"User-to-User\"");
    free(text);
    text = as_svg((struct story_options){0});
    CHECK_HAS(text, " - rewritten</text>");
    CHECK_HAS(text, ">was 0463617365;encoding=hex</text>");
    free(text);
    text = as_svg((struct story_options){.uui = BLANK_UUI_LENGTH});
    CHECK_HAS(text, ">was User-to-User</text>");
    free(text);
    down();
}

static void test_pcap(void)
{
    struct out o;
    play();
    REQUIRE(read_story("call1", (struct story_options){.raw = true}) == 0);
    out_init(&o, NULL, 0);
    pcap_write(&story, &o);
    unsigned char *p = calloc(1, o.need);
    size_t n = o.need, i = 24, packets = 0;
    out_init(&o, (char *)p, n);
    pcap_write(&story, &o);
    REQUIRE(!o.over && o.n == n);
    CHECK_INT(p[20], 101);
    while (i + 16 <= n) {
        uint32_t len;
        memcpy(&len, p + i + 8, 4);
        const unsigned char *ip = p + i + 16;
        CHECK_INT(sum_of(ip, 20), 0xFFFF);
        CHECK_INT((ip[2] << 8 | ip[3]), len);
        CHECK_INT(ip[9], 17);
        unsigned char pseudo[12] = {0};
        memcpy(pseudo, ip + 12, 8);
        pseudo[9] = 17;
        memcpy(pseudo + 10, ip + 24, 2);
        CHECK_INT((sum_of(pseudo, 12) + sum_of(ip + 20, len - 20)) % 0xFFFF, 0);
        i += 16 + len;
        packets++;
    }
    CHECK_INT(i, n);
    CHECK_INT(packets, 6);
    free(p);
    down();
}

static void test_hep(void)
{
    static char buf[HEP_MAX];
    struct hep_node node = {.id = 7, .name = STR("baton"), .key = STR("pw")};
    struct capture_msg m = {.time_us = 1700000000123456,
                            .transport = TP_TLS,
                            .sent = true,
                            .bytes = STR("OPTIONS")};
    struct out o;
    size_t seen = 0;

    m.remote = at(9, TP_TLS).remote;
    local(NULL, NULL, &m.local);
    out_init(&o, buf, sizeof(buf));
    REQUIRE(hep_write(&node, &m, STR("call1"), &o));
    CHECK(memcmp(buf, "HEP3", 4) == 0);
    CHECK_INT((unsigned char)buf[4] << 8 | (unsigned char)buf[5], o.n);
    for (size_t i = 6; i < o.n;) {
        unsigned type = (unsigned char)buf[i + 3];
        size_t len = (size_t)((unsigned char)buf[i + 4] << 8 | (unsigned char)buf[i + 5]);
        struct str data = str_make(buf + i + 6, len - 6);
        seen |= 1u << type;
        if (type == 3) {
            CHECK_BYTES(data, str_make((const char *)m.local.ip, 4));
        } else if (type == 11) {
            CHECK_INT(data.p[0], 1);
        } else if (type == 2) {
            CHECK_INT(data.p[0], 6);
        } else if (type == 17) {
            CHECK_STR(data, "call1");
        } else if (type == 15) {
            CHECK_STR(data, "OPTIONS");
        }
        i += len;
    }
    CHECK_INT(seen, 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 7 | 1u << 8 | 1u << 9 |
                        1u << 10 | 1u << 11 | 1u << 12 | 1u << 14 | 1u << 15 | 1u << 17 |
                        1u << 19);
    m.remote.family = ADDR_NONE;
    CHECK(!hep_write(&node, &m, STR_NONE, &o));
    m.remote.family = ADDR_IP4;
    m.bytes = str_make(buf, sizeof(buf));
    char *large = malloc(70000);
    out_init(&o, large, 70000);
    CHECK(!hep_write(&node, &m, STR_NONE, &o));
    free(large);
}

static void test_blanks(void)
{
    static const struct {
        const char *in, *out;
    } table[] = {
        {"Authorization: Digest a=\"b\"\r\nX: y", "Authorization: Digest **\"*\"\r\nX: y"},
        {"A: b\r\nproxy-authorization: Bearer abc\r\n c d\r\n",
         "A: b\r\nproxy-authorization: Bearer ***\r\n * *\r\n"},
        {"Authorization: secret\r\n", "Authorization: ******\r\n"},
        {"<password>top</password>", "<password>***</password>"},
        {"<p:password><v>top</v></p:password>", "<p:password><v>***</v></p:password>"},
        {"{\"token\": \"bt_1_x\",\"a\":1}", "{\"token\": \"******\",\"a\":1}"},
        {"a=crypto:1 AES inline:KEY\r\n", "a=crypto:* *** **********\r\n"},
        {"INVITE sip:al:pw@b SIP/2.0", "INVITE sip:al:**@b SIP/2.0"},
        {"INVITE sip:al@b:5060 SIP/2.0", "INVITE sip:al@b:5060 SIP/2.0"},
        {"Subject: no Authorization: here", "Subject: no Authorization: here"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "%s", table[i].in);
        blank_secrets(text, strlen(text));
        CHECK_STR(str_c(text), table[i].out);
        for (size_t n = 0; n < strlen(table[i].in); n++) { /* no prefix reads too far */
            struct str guarded = test_guard(str_make(table[i].in, n));
            blank_secrets((char *)(uintptr_t)guarded.p, guarded.n);
            blank_uui((char *)(uintptr_t)guarded.p, guarded.n);
            test_guard_free(guarded);
        }
    }
    char uui[] = "User-to-User: 04AB\r\nRefer-To: <sip:a@b?User-to-User=04AB%3Bx&b=c>\r\n";
    blank_uui(uui, strlen(uui));
    CHECK_STR(str_c(uui),
              "User-to-User: ****\r\nRefer-To: <sip:a@b?User-to-User=********&b=c>\r\n");
}

TEST_MAIN(T(test_messages_of_the_call), T(test_uui_marked_where_it_changed),
          T(test_json_says_it), T(test_raw_and_uui_policy), T(test_by_sip_call_id_and_unknown),
          T(test_exchanges_outside_of_sip), T(test_svg), T(test_decoded_before_and_after),
          T(test_written_otherwise), T(test_pcap), T(test_hep), T(test_blanks))
