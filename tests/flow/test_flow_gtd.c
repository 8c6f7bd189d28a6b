/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GTD bodies in whole calls: the trunk (8*) is a gateway of Cisco's that has User-to-User in
 * them (`uui_dialect: cisco-gtd`), the gateway (9*) and the phones have it in the header.
 */
#include "isdn/body.h"
#include "peer.h"
#include "uui/dialect.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct arena arena;

#define VALUE "044869;encoding=hex;purpose=isdn-uui"
#define HI "User-to-User: " VALUE "\n"
#define CRLF_HI "User-to-User: " VALUE "\r\n"
#define PRN "PRN,isdn*,,NET5*,\r\n"
#define SDP                                                                                \
    "v=0\r\no=- 7 1 IN IP4 10.0.2.9\r\ns=-\r\nc=IN IP4 10.0.2.9\r\nt=0 0\r\nm=audio 4002 " \
    "RTP/AVP 8\r\n"

static void gtd(struct world *world)
{
    struct neighbour *n = &world->peer[1].policy;
    n->isdn = n->isup_body = n->gtd_create = true;
    world->peer[1].uui.dialect = uui_dialect_named(STR("cisco-gtd"));
}

static void gtd_refuses(struct world *world)
{
    gtd(world);
    world->peer[1].policy.uui_in_failure = true;
}

static void gtd_trusted(struct world *world)
{
    gtd(world);
    world->peer[1].trusted = true;
}

static void up(void (*tweak)(struct world *))
{
    arena_init(&arena, &mem_libc, 4096);
    world_up(&w, &(struct world_options){.tweak = tweak});
}

static void down(void)
{
    world_down(&w);
    arena_fini(&arena);
}

/** "044869", "-" for a GTD that has none, "" without GTD. */
static const char *octets_of(const struct text_msg *t)
{
    static char text[300];
    struct isdn_body found;
    struct out o;
    out_init(&o, text, sizeof(text) - 1);
    CHECK_INT(isdn_body_read(t->m, &arena, &found), 0);
    for (size_t i = 0; i < found.n; i++) {
        if (found.v[i].place == ISDN_GTD) {
            out_hex(&o, found.v[i].octets, true);
            out_c(&o, found.v[i].octets.n == 0 ? "-" : "");
        }
    }
    text[o.n] = '\0';
    return text;
}

static bool has(const struct text_msg *t, const char *text)
{
    struct str body = sip_msg_body(t->m);
    return str_find(body, str_c(text)) < body.n;
}

/** The next such message at `r`, with these octets in GTD. @return it */
static struct text_msg expect(struct raw *r, const char *pattern, const char *octets)
{
    world_run(&w, 50);
    struct text_msg t = world_take(r, pattern);
    test_context(pattern);
    CHECK_STR(str_c(octets_of(&t)), octets);
    test_context(NULL);
    return t;
}

static void expect_free(struct raw *r, const char *pattern, const char *octets)
{
    struct text_msg t = expect(r, pattern, octets);
    text_free(&t);
}

static void invite_gtd(const char *user, const char *text)
{
    char body[1024];
    snprintf(body, sizeof(body),
             "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP
             "\r\n--b\r\nContent-Type: application/gtd\r\n"
             "Content-Disposition: signal;handling=optional\r\n\r\n%s\r\n--b--\r\n",
             text);
    peer_invite(&w, &w.trunk, "gtd", user, "", "multipart/mixed;boundary=b", str_c(body));
}

/** A request of the trunk, in the dialog of that answer, with that body. */
static void request_gtd(const char *method, const struct text_msg *ok, const char *lines,
                        const char *text)
{
    struct hop to = vnet_hop(&w.node, TP_UDP);
    struct sip_addr contact;
    REQUIRE(ok->m != NULL && sip_msg_addr(ok->m, SIP_HDR_CONTACT, &contact) == 0);
    raw_sendf(&w.trunk, &to,
              "%s %.*s SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.2;branch=z9hG4bK-gtd\n"
              "Max-Forwards: 70\nFrom: %.*s\nTo: %.*s\nCall-ID: %.*s\nCSeq: 2 %s\n"
              "Contact: <sip:raw@10.0.2.2>\n%s"
              "Content-Type: application/gtd\n\n%s",
              method, STR_ARG(contact.uri_text), STR_ARG(text_value(ok, "From")),
              STR_ARG(text_value(ok, "To")), STR_ARG(text_value(ok, "Call-ID")), method, lines,
              text);
}

/** A call to the gateway: an IAM beside the description, a REL when the caller leaves. */
static void test_gtd_to_gateway(void)
{
    up(gtd);
    world_raw_invite(&w, &w.gateway, "c", "8555", HI, world_sdp);
    struct text_msg out = expect(&w.trunk, "INVITE", "044869"), ok, bye;
    CHECK(
        str_istarts(text_value(&out, "Content-Type"), STR("multipart/mixed;boundary=baton-")));
    CHECK(has(&out, "Content-Type: application/sdp\r\n\r\nv=0"));
    CHECK(has(&out, "Content-Type: application/gtd\r\n"
                    "Content-Disposition: signal;handling=optional\r\n\r\n"
                    "IAM,\r\n" PRN "USI,rate,c,s,c,1\r\nTMR,00\r\nCPN,00,,u,8555\r\n"
                    "CPC,09\r\nFCI,,,,,,,y,\r\nUUS,3,4869\r\nGCI,"));
    CHECK_STR(text_value(&out, "User-to-User"), VALUE);
    peer_respond(&w, &w.trunk, &out, "180 Ringing", "Contact: <sip:raw@10.0.2.2>\n",
                 "application/gtd", str_c("ACM,\r\n" PRN "UUS,3,52\r\n"));
    struct text_msg ring = expect(&w.gateway, "180 INVITE", "0452");
    CHECK_STR(text_value(&ring, "User-to-User"), "0452;encoding=hex;purpose=isdn-uui");
    peer_answer(&w, &w.trunk, &out, "200 OK", "");
    ok = expect(&w.gateway, "200 INVITE", "");
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    world_raw_request(&w, &w.gateway, "BYE", 2, &ok, "User-to-User: 0442;encoding=hex\n", "");
    bye = expect(&w.trunk, "BYE", "0442");
    CHECK_STR(text_value(&bye, "Content-Type"), "application/gtd");
    CHECK_STR(text_value(&bye, "Content-Disposition"), "signal;handling=optional");
    CHECK_BYTES(sip_msg_body(bye.m), str_c("REL,\r\n" PRN "UUS,3,42\r\n"));
    peer_answer(&w, &w.trunk, &bye, "200 OK", "");
    expect_free(&w.gateway, "200 BYE", "");
    CHECK_INT(world_stat(&w, "isup_made"), 2);
    CHECK_INT(world_stat(&w, "isup_unmade"), 0);
    text_free(&ring);
    text_free(&bye);
    text_free(&ok);
    text_free(&out);
    down();
}

/** A call from it: its UUS is a header for the others, their headers are ACM, CPG and ANM. */
static void test_gtd_from_gateway(void)
{
    up(gtd);
    invite_gtd("9555", "IAM,\r\n" PRN "CPN,02,,1,9555\r\nUUS,3,4869\r\n");
    struct text_msg out = peer_expect(&w, &w.gateway, "INVITE", VALUE), ok, bye;
    peer_answer(&w, &w.gateway, &out, "183 Session Progress", "");
    expect_free(&w.trunk, "183 INVITE", ""); /* it has nothing to say */
    peer_answer(&w, &w.gateway, &out, "180 Ringing", "User-to-User: 0452;encoding=hex\n");
    ok = expect(&w.trunk, "180 INVITE", "0452");
    CHECK_BYTES(sip_msg_body(ok.m), str_c("ACM,\r\n" PRN "UUS,3,52\r\n"));
    text_free(&ok);
    peer_answer(&w, &w.gateway, &out, "183 Session Progress",
                "User-to-User: 0453;encoding=hex\n");
    ok = expect(&w.trunk, "183 INVITE", "0453");
    CHECK(has(&ok, "CPG,\r\n"));
    text_free(&ok);
    peer_answer(&w, &w.gateway, &out, "200 OK", HI);
    ok = expect(&w.trunk, "200 INVITE", "044869");
    CHECK(has(&ok, "m=audio"));
    CHECK(has(&ok, "ANM,\r\n" PRN "UUS,3,4869\r\n\r\n--"));
    world_raw_request(&w, &w.trunk, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    request_gtd("BYE", &ok, "", "REL,\nUUS,3,42\n");
    bye = peer_expect(&w, &w.gateway, "BYE", "0442;encoding=hex;purpose=isdn-uui");
    peer_answer(&w, &w.gateway, &bye, "200 OK", HI);
    expect_free(&w.trunk, "200 BYE", "");
    text_free(&bye);
    text_free(&ok);
    text_free(&out);
    down();
}

/** Numbers that have no form that has been seen are left out; so is nothing else. */
static void test_gtd_without_number(void)
{
    static const char *const user[] = {"8*1", "8000000000000000000000000000000000"};

    for (size_t i = 0; i < ARRAY_LEN(user); i++) {
        up(gtd);
        world_raw_invite(&w, &w.gateway, "c", user[i], HI, world_sdp);
        struct text_msg out = expect(&w.trunk, "INVITE", "044869");
        CHECK(!has(&out, "CPN,"));
        CHECK(has(&out, "CPC,09\r\n"));
        text_free(&out);
        down();
    }
}

/** What has no place in a GTD, or no body for one, is not made; and what needs none. */
static void test_gtd_not_made_here(void)
{
    static const struct {
        const char *lines, *type, *body;
        unsigned unmade;
        const char *uui;
    } row[] = {
        {CRLF_HI, "text/plain", "hello\r\n", 1, VALUE},
        {CRLF_HI "Content-Encoding: gzip\r\n", "application/sdp", "\x1f", 1, VALUE},
        {CRLF_HI, "multipart/mixed;boundary=b", "no part\r\n", 1, VALUE},
        {"", "application/sdp", SDP, 0, ""}, /* nothing to say */
        {"User-to-User: 04;encoding=jwt\r\n", "application/sdp", SDP, 0, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        up(gtd);
        peer_invite(&w, &w.gateway, "gtd", "8555", row[i].lines, row[i].type,
                    str_c(row[i].body));
        struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", row[i].uui);
        CHECK_BYTES(sip_msg_body(out.m), str_c(row[i].body));
        CHECK_INT(world_stat(&w, "isup_unmade"), row[i].unmade);
        CHECK_INT(world_stat(&w, "isup_made"), 0);
        text_free(&out);
        down();
    }
}

/** A discriminator without a number in GTD is refused here, and not lost there. */
static void test_gtd_checked_before_sending(void)
{
    up(gtd);
    world_raw_invite(&w, &w.gateway, "c", "8555", "User-to-User: 034869;encoding=hex\n",
                     world_sdp);
    world_run(&w, 100);
    CHECK(!str_is_set(wire_find(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE", 0)));
    CHECK_INT(world_stat(&w, "isup_made"), 0);
    CHECK(world_stat(&w, "uui_too_long") > 0);
    down();
}

/** A GTD that comes with a call is kept, and says what the header says. */
static void test_gtd_of_the_caller(void)
{
    static const char body[] = "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP
                               "\r\n--b\r\nContent-Type: application/gtd\r\n\r\n"
                               "IAM,\r\nPRN,x\r\nGCI,1\r\n\r\n--b--\r\n";
    up(gtd);
    peer_invite(&w, &w.gateway, "gtd", "8555", CRLF_HI, "multipart/mixed;boundary=b",
                str_c(body));
    struct text_msg out = expect(&w.trunk, "INVITE", "044869");
    CHECK(has(&out, "IAM,\r\nPRN,x\r\nGCI,1\r\nUUS,3,4869\r\n"));
    CHECK_INT(world_stat(&w, "isup_made"), 0);
    text_free(&out);
    down();
}

/** A call that an application makes has no description yet: the IAM is all of the body. */
static void test_gtd_made_call(void)
{
    up(gtd);
    PHONE(&w, 0)->obeys_auto = true;
    (void)app_make_call(&w.crm, "1001", "8555", false, "\x04Hi");
    world_run(&w, 300);
    struct text_msg out = expect(&w.trunk, "INVITE", "044869");
    CHECK_STR(text_value(&out, "Content-Type"), "application/gtd");
    CHECK(has(&out, "CPN,00,,u,8555\r\n"));
    peer_answer(&w, &w.trunk, &out, "200 OK", "");
    world_run(&w, 100);
    (void)app_on_connection(&w.crm, "ClearConnection", "connectionToBeCleared", "c1", "1001",
                            "<userData><string>0442</string></userData>");
    struct text_msg bye = expect(&w.trunk, "BYE", "0442");
    CHECK(has(&bye, "REL,\r\n"));
    peer_answer(&w, &w.trunk, &bye, "200 OK", "");
    world_run(&w, 100);
    text_free(&bye);
    text_free(&out);
    down();
}

/** A refusal has one where refusals may have User-to-User. */
static void test_gtd_refusals(void)
{
    static const struct {
        void (*tweak)(struct world *);
        const char *status, *octets;
    } row[] = {
        {gtd, "486 Busy Here", ""},
        {gtd_refuses, "486 Busy Here", "044869"},
    };

    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char pattern[32];
        up(row[i].tweak);
        invite_gtd("9555", "IAM,\r\nUUS,3,4869\r\n");
        struct text_msg out = peer_expect(&w, &w.gateway, "INVITE", VALUE);
        peer_answer(&w, &w.gateway, &out, row[i].status, HI);
        snprintf(pattern, sizeof(pattern), "%.3s INVITE", row[i].status);
        expect_free(&w.trunk, pattern, row[i].octets);
        text_free(&out);
        down();
    }
}

#define FACILITY "VER,1.00\nPRN,t1113,*,att**,1993\nFAC,\nUUS,0,4F4B\n"

/** It transfers by REFER, or redirects: the body has what the new party is to know. */
static void test_gtd_for_another(void)
{
    static const char *const target[] = {
        "<sip:1002@example.com>", "<sip:1002@example.com?User-to-User=0458%3Bencoding%3Dhex>"};
    static const char *const want[] = {"004F4B;encoding=hex;purpose=isdn-uui",
                                       "0458;encoding=hex"};

    for (size_t i = 0; i < ARRAY_LEN(target); i++) {
        char lines[160];
        up(gtd_trusted); /* or it may not refer */
        PHONE(&w, 0)->on_call = 200;
        invite_gtd("1001", "IAM,\r\n" PRN "\r\n");
        world_run(&w, 200);
        struct text_msg ok = world_take(&w.trunk, "200 INVITE");
        world_raw_request(&w, &w.trunk, "ACK", 1, &ok, "", "");
        world_run(&w, 50);
        (void)snprintf(lines, sizeof(lines), "Refer-To: %s\n", target[i]);
        request_gtd("REFER", &ok, lines, FACILITY);
        world_run(&w, 200);
        struct str got = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE", 0);
        CHECK_STR(str_trim(wire_raw(got, "User-to-User", 0)), want[i]);
        text_free(&ok);
        down();
        up(gtd_trusted);
        REQUIRE(phone_call(PHONE(&w, 0), "8555", true, STR_NONE) != NULL);
        struct text_msg out = expect(&w.trunk, "INVITE", "");
        struct hop back = raw_from(&w.trunk);
        (void)snprintf(lines, sizeof(lines), "Contact: %s\nContent-Type: application/gtd\n",
                       target[i]);
        raw_reply(&w.trunk, &back, out.m, "302 Moved Temporarily", "t", lines, FACILITY);
        world_run(&w, 200);
        got = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "INVITE", 0);
        CHECK_STR(str_trim(wire_raw(got, "User-to-User", 0)), want[i]);
        text_free(&out);
        down();
    }
}

/** Memory fails at each place in turn: the call may fail, no message is half made. */
static void test_gtd_memory(void)
{
    for (size_t n = 1; n < 90; n++) {
        up(gtd);
        w.hard = true;
        w.mem.calls = 0;
        w.mem.fail_at = n;
        world_raw_invite(&w, &w.gateway, "m", "8555", HI, world_sdp);
        world_run(&w, 100);
        w.mem.fail_at = 0;
        struct str got = wire_find(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE", 0);
        CHECK(str_find(got, STR("multipart")) == got.n ||
              str_find(got, STR("UUS,3,4869\r\nGCI,")) < got.n);
        down();
    }
}

TEST_MAIN(T(test_gtd_to_gateway), T(test_gtd_from_gateway), T(test_gtd_without_number),
          T(test_gtd_not_made_here), T(test_gtd_checked_before_sending),
          T(test_gtd_of_the_caller), T(test_gtd_made_call), T(test_gtd_refusals),
          T(test_gtd_for_another), T(test_gtd_memory))
