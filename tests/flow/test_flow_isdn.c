/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-user signalling with the ISDN (RFC 7434) in whole calls: the trunk (8*) is a gateway
 * to it, the gateway (9*) and the phones are not, unless a test says otherwise. What opens the
 * service, what closes it, which messages may have it, and ISUP bodies.
 */
#include "peer.h"

#include <stdio.h>

static struct world w;

#define HI "User-to-User: 044869;encoding=hex;purpose=isdn-uui\n"
#define OTHER "User-to-User: 4142;encoding=hex;purpose=crm\n"

static void isdn(struct world *world)
{
    world->peer[1].policy.isdn = true;
}

static void isdn_tells(struct world *world)
{
    world->peer[1].policy.isdn = world->peer[1].policy.uui_in_failure = true;
}

static void isup(struct world *world)
{
    world->peer[1].policy.isdn = world->peer[1].policy.isup_body = true;
}

static void isup_both(struct world *world)
{
    isup(world);
    world->peer[0].policy = world->peer[1].policy;
}

static void up(void (*tweak)(struct world *))
{
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = tweak});
}

static void expect_free(struct raw *r, const char *pattern, const char *uui)
{
    struct text_msg t = peer_expect(&w, r, pattern, uui);
    text_free(&t);
}

/** One whole call; each message with these lines; what of them arrives. */
struct whole {
    struct raw *caller, *callee;
    const char *number;
    const char *invite, *other; /**< lines of the INVITE; of all other messages */
    const char *at_invite, *at_other, *at_end;
};

static void whole_call(const struct whole *c)
{
    struct text_msg out, ok, bye;
    world_raw_invite(&w, c->caller, "c", c->number, c->invite, world_sdp);
    out = peer_expect(&w, c->callee, "INVITE", c->at_invite);
    peer_answer(&w, c->callee, &out, "180 Ringing", c->other);
    expect_free(c->caller, "180 INVITE", c->at_other);
    peer_answer(&w, c->callee, &out, "183 Session Progress", c->other);
    expect_free(c->caller, "183 INVITE", c->at_other);
    peer_answer(&w, c->callee, &out, "200 OK", c->other);
    ok = peer_expect(&w, c->caller, "200 INVITE", c->at_other);
    world_raw_request(&w, c->caller, "ACK", 1, &ok, c->other, "");
    world_run(&w, 50);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &c->callee->node, "ACK"), 1);
    CHECK(!str_is_set(wire_raw(wire_find(&w.wire, ENGINE(&w), &c->callee->node, "ACK", 0),
                               "User-to-User", 0)));
    world_raw_request(&w, c->caller, "BYE", 2, &ok, c->other, "");
    bye = peer_expect(&w, c->callee, "BYE", c->at_end);
    peer_answer(&w, c->callee, &bye, "200 OK", c->other);
    expect_free(c->caller, "200 BYE", c->at_end);
    text_free(&bye);
    text_free(&ok);
    text_free(&out);
}

#define VALUE "044869;encoding=hex;purpose=isdn-uui"
#define CRM "4142;encoding=hex;purpose=crm"

/** The INVITE has some: it may be used until the end, in both directions. */
static void test_open(void)
{
    up(isdn);
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", HI, HI, VALUE, VALUE, VALUE});
    CHECK_INT(world_stat(&w, "isdn_opened"), 1);
    CHECK_INT(world_stat(&w, "isdn_closed"), 0);
    CHECK_INT(world_stat(&w, "isdn_misplaced"), 1); /* the ACK */
    world_down(&w);
    up(isdn); /* and the other way round */
    whole_call(&(struct whole){&w.trunk, &w.gateway, "9555", HI, HI, VALUE, VALUE, VALUE});
    CHECK_INT(world_stat(&w, "isdn_opened"), 1);
    world_down(&w);
}

/** The INVITE had none: nobody may send any later, neither from the ISDN nor to it. */
static void test_not_requested(void)
{
    up(isdn);
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", "", HI, "", "", ""});
    CHECK_INT(world_stat(&w, "isdn_opened"), 0);
    CHECK_INT(world_stat(&w, "isdn_closed"), 6);
    world_down(&w);
    up(isdn);
    whole_call(&(struct whole){&w.trunk, &w.gateway, "9555", "", HI, "", "", ""});
    CHECK_INT(world_stat(&w, "isdn_closed"), 6);
    world_down(&w);
    up(NULL); /* between others nothing of that holds */
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", "", OTHER, "", CRM, CRM});
    CHECK_INT(world_stat(&w, "isdn_closed"), 0);
    world_down(&w);
}

/** Other packages are none of the ISDN's business. */
static void test_other_packages(void)
{
    up(isdn);
    world_raw_invite(&w, &w.gateway, "o", "8555", OTHER HI OTHER, world_sdp);
    struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", CRM "|" VALUE "|" CRM);
    peer_answer(&w, &w.trunk, &out, "486 Busy Here", HI OTHER);
    expect_free(&w.gateway, "486 INVITE", CRM);
    text_free(&out);
    world_down(&w);
}

static void test_several(void)
{
    static const char two[] =
        "User-to-User: 0441;encoding=hex, 0442;encoding=hex;purpose=isdn-uui, " CRM "\n";
    up(isdn);
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", two, HI, CRM, "", ""});
    CHECK_INT(world_stat(&w, "isdn_several"), 1);
    world_down(&w);
    up(isdn);
    whole_call(&(struct whole){&w.trunk, &w.gateway, "9555", two, HI, CRM, "", ""});
    CHECK_INT(world_stat(&w, "isdn_several"), 1);
    world_down(&w);
    up(isdn); /* in a later message: that one alone */
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", HI, two, VALUE, CRM, CRM});
    CHECK_INT(world_stat(&w, "isdn_several"), 5);
    world_down(&w);
    up(isdn); /* more lines than anybody has */
    char many[2048] = "";
    for (int i = 0; i < 40; i++) {
        strcat(many, HI);
    }
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", many, HI, "", "", ""});
    CHECK_INT(world_stat(&w, "isdn_several"), 1);
    world_down(&w);
}

/** `n` octets in hex as a line. */
static const char *line_of(size_t n, char *buf, const char **value)
{
    size_t at = (size_t)sprintf(buf, "User-to-User: ");
    *value = buf + at;
    for (size_t i = 0; i < n; i++) {
        at += (size_t)sprintf(buf + at, "%02X", (unsigned)(i & 0xFF));
    }
    sprintf(buf + at, ";encoding=hex\n");
    return buf;
}

/** 129 octets pass; 130 are left out, the call goes on, and the service is gone with them. */
static void test_length(void)
{
    char longest[512], longer[512], want[512];
    const char *value, *unused;
    (void)line_of(UUI_ISDN_OCTETS, longest, &value);
    (void)line_of(UUI_ISDN_OCTETS + 1, longer, &unused);
    snprintf(want, sizeof(want), "%.*s", (int)strlen(value) - 1, value);
    up(isdn);
    whole_call(
        &(struct whole){&w.gateway, &w.trunk, "8555", longest, longest, want, want, want});
    CHECK_INT(world_stat(&w, "isdn_too_long"), 0);
    world_down(&w);
    up(isdn);
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", longer, HI, "", "", ""});
    CHECK_INT(world_stat(&w, "isdn_too_long"), 1);
    CHECK_INT(world_stat(&w, "isdn_closed"), 6);
    CHECK(strstr(w.traced, "left out, the service is not open") != NULL);
    world_down(&w);
}

static void isdn_of_old(struct world *world)
{
    isdn(world);
    world->peer[1].policy.isdn_octets = 33;
}

/** Networks that take 32 octets: likewise. */
static void test_length_of_old(void)
{
    char fits[512], longer[512], want[512];
    const char *value, *unused;
    (void)line_of(33, fits, &value);
    (void)line_of(34, longer, &unused);
    snprintf(want, sizeof(want), "%.*s", (int)strlen(value) - 1, value);
    up(isdn_of_old);
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", fits, fits, want, want, want});
    world_down(&w);
    up(isdn_of_old);
    whole_call(&(struct whole){&w.gateway, &w.trunk, "8555", longer, HI, "", "", ""});
    CHECK_INT(world_stat(&w, "isdn_too_long"), 1);
    world_down(&w);
}

/** Too long for the ISDN in a later message: what comes after that is left out as well. */
static void test_length_later(void)
{
    char longer[512];
    const char *unused;
    (void)line_of(UUI_ISDN_OCTETS + 1, longer, &unused);
    up(isdn);
    world_raw_invite(&w, &w.trunk, "l", "9555", HI, world_sdp);
    struct text_msg out = peer_expect(&w, &w.gateway, "INVITE", VALUE), ok;
    peer_answer(&w, &w.gateway, &out, "180 Ringing", longer);
    expect_free(&w.trunk, "180 INVITE", "");
    peer_answer(&w, &w.gateway, &out, "200 OK", HI);
    ok = peer_expect(&w, &w.trunk, "200 INVITE", "");
    world_raw_request(&w, &w.trunk, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    world_raw_request(&w, &w.trunk, "BYE", 2, &ok, HI, "");
    struct text_msg bye = peer_expect(&w, &w.gateway, "BYE", "");
    peer_answer(&w, &w.gateway, &bye, "200 OK", "");
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "isdn_too_long"), 1);
    text_free(&bye);
    text_free(&ok);
    text_free(&out);
    world_down(&w);
}

/** What is no isdn-uui that an ISDN could take opens nothing. */
static void test_malformed(void)
{
    static const char *const lines[] = {
        "User-to-User: 04486;encoding=hex\n",
        "User-to-User: \"Hi\";encoding=ascii\n",
        "User-to-User: 0448;encoding=hex;content=other\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        up(isdn);
        world_raw_invite(&w, &w.gateway, "m", "8555", lines[i], world_sdp);
        struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", "");
        peer_answer(&w, &w.trunk, &out, "180 Ringing", HI);
        expect_free(&w.gateway, "180 INVITE", "");
        CHECK_INT(world_stat(&w, "isdn_malformed"), 1);
        text_free(&out);
        world_down(&w);
    }
}

/** Refusals: only where the configuration says so. */
static void test_refusal(void)
{
    for (int tells = 0; tells <= 1; tells++) {
        for (int way = 0; way <= 1; way++) {
            struct raw *from = way == 0 ? &w.gateway : &w.trunk;
            struct raw *to = way == 0 ? &w.trunk : &w.gateway;
            up(tells ? isdn_tells : isdn);
            world_raw_invite(&w, from, "r", way == 0 ? "8555" : "9555", HI, world_sdp);
            struct text_msg out = peer_expect(&w, to, "INVITE", VALUE);
            peer_answer(&w, to, &out, "486 Busy Here", HI);
            expect_free(from, "486 INVITE", tells ? VALUE : "");
            CHECK_INT(world_stat(&w, "isdn_misplaced"), tells ? 0 : 1);
            text_free(&out);
            world_down(&w);
        }
    }
}

/** re-INVITE, UPDATE and INFO have none, neither do their answers. */
static void test_inside(void)
{
    static const char *const methods[] = {"INVITE", "UPDATE", "INFO"};
    up(isdn);
    world_raw_invite(&w, &w.gateway, "i", "8555", HI, world_sdp);
    struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", VALUE), ok;
    peer_answer(&w, &w.trunk, &out, "200 OK", "");
    ok = peer_expect(&w, &w.gateway, "200 INVITE", "");
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    expect_free(&w.trunk, "ACK", "");
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        char answer[32];
        world_raw_request(&w, &w.gateway, methods[i], (unsigned)i + 2, &ok, OTHER HI,
                          i == 2 ? "" : world_sdp);
        struct text_msg again = peer_expect(&w, &w.trunk, methods[i], CRM);
        peer_answer(&w, &w.trunk, &again, "200 OK", HI);
        snprintf(answer, sizeof(answer), "200 %s", methods[i]);
        struct text_msg got = peer_expect(&w, &w.gateway, answer, "");
        if (i == 0) {
            world_raw_request(&w, &w.gateway, "ACK", 2, &got, "", "");
            world_run(&w, 50);
        }
        text_free(&got);
        text_free(&again);
    }
    CHECK_INT(world_stat(&w, "isdn_misplaced"), 6);
    text_free(&ok);
    text_free(&out);
    world_down(&w);
}

/** A phone talks to the ISDN, and transfers it: from then on there is no service. */
static void test_transfer(void)
{
    struct phone *bob = PHONE(&w, 1);
    up(isdn);
    world_raw_invite(&w, &w.trunk, "t", "1001", HI, world_sdp);
    world_run(&w, 50);
    CHECK_STR(str_trim(wire_raw(wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "INVITE", 0),
                                "User-to-User", 0)),
              VALUE);
    CHECK_INT(phone_answer(PHONE(&w, 0)), 0);
    struct text_msg ok = peer_expect(&w, &w.trunk, "200 INVITE", "");
    world_raw_request(&w, &w.trunk, "ACK", 1, &ok, "", "");
    world_run(&w, 100);
    struct leg_content refer = {.lines = STR("Refer-To: <sip:1002@example.com>\r\n")};
    CHECK_INT(leg_send(PHONE(&w, 0)->s.leg, NULL, STR("REFER"), &refer, station_listen,
                       &PHONE(&w, 0)->s, NULL, w.net.now_ms),
              0);
    world_run(&w, 200);
    bob->answer_lines = STR("User-to-User: 0461;encoding=hex\r\n");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 200);
    struct text_msg again = peer_expect(&w, &w.trunk, "INVITE", ""); /* the join's */
    peer_answer(&w, &w.trunk, &again, "200 OK", HI);
    world_run(&w, 300);
    CHECK_INT(world_stat(&w, "calls_transferred"), 1);
    CHECK_INT(world_stat(&w, "isdn_ended"), 1);
    bob->bye_lines = STR("User-to-User: 0462;encoding=hex\r\n");
    world_raw_request(&w, &w.trunk, "BYE", 2, &ok, HI, "");
    world_run(&w, 100);
    struct str bye = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "BYE", 0);
    CHECK(str_is_set(bye));
    CHECK(!str_is_set(wire_raw(bye, "User-to-User", 0)));
    expect_free(&w.trunk, "200 BYE", "");
    text_free(&again);
    text_free(&ok);
    world_down(&w);
}

/* ---- ISUP bodies ---- */

#define B(s) ((struct str){s, sizeof(s) - 1})
#define SIPI "multipart/mixed;boundary=b"
#define SDP                                                                                \
    "v=0\r\no=- 7 1 IN IP4 10.0.2.9\r\ns=-\r\nc=IN IP4 10.0.2.9\r\nt=0 0\r\nm=audio 4002 " \
    "RTP/AVP 8\r\n"
#define SDP_PART "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP "\r\n"
#define ISUP_PART "--b\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n"
#define ACM "\x06\x01\x20"
#define REL "\x0c\x02"

/** An INVITE with an IAM. */
static void invite_isup(struct raw *r, const char *user, const char *lines, struct str uui)
{
    static const char iam[] = "\x01\x10\x20\x01\x0a\x00\x02\x0a\x08\x04\x10\x97\0\0\0\0\xf0";
    char wire[4096], body[1024];
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    struct out o, b;
    const char *host = r == &w.trunk ? "10.0.2.2" : "10.0.2.1";
    out_init(&b, body, sizeof(body));
    out_c(&b, SDP_PART ISUP_PART);
    out_str(&b, str_make(iam, sizeof(iam) - 1));
    out_str(&b, uui);
    out_str(&b, B("\x29\x01\x02\0\r\n--b--\r\n"));
    out_init(&o, wire, sizeof(wire));
    out_fmt(&o,
            "INVITE sip:%s@example.com SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bKsipi\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:9000@%s>;tag=f\r\nTo: <sip:%s@example.com>\r\n"
            "Call-ID: sipi\r\nCSeq: 1 INVITE\r\nContact: <sip:raw@%s>\r\nMIME-Version: 1.0\r\n"
            "%sContent-Type: " SIPI "\r\nContent-Length: %zu\r\n\r\n",
            user, host, host, user, host, lines, b.n);
    out_str(&o, out_str_of(&b));
    struct str run = out_str_of(&o);
    if (to.flow == 0) {
        (void)r->node.env.open(&r->node, &to, STR_NONE);
    }
    CHECK(!o.over);
    CHECK_INT(r->node.env.send(&r->node, &to, &run, 1), 0);
}

static bool has(const struct text_msg *t, struct str what)
{
    struct str body = sip_msg_body(t->m);
    return str_find(body, what) < body.n;
}

#define FROM_BODY "044869;encoding=hex;purpose=isdn-uui"

/** From a gateway with ISUP to one that knows the header: it becomes one, both ways. */
static void test_isup_becomes_header(void)
{
    up(isup);
    invite_isup(&w.trunk, "9555", "", B("\x20\x03\x04Hi"));
    struct text_msg out = peer_expect(&w, &w.gateway, "INVITE", FROM_BODY), ok;
    CHECK(has(&out, B("\x20\x03\x04Hi\x29\x01\x02")));
    CHECK_INT(world_stat(&w, "isdn_opened"), 1);
    peer_answer(&w, &w.gateway, &out, "180 Ringing", HI);
    expect_free(&w.trunk, "180 INVITE", VALUE); /* there is no ISUP message to put it into */
    peer_answer(&w, &w.gateway, &out, "200 OK", HI);
    ok = peer_expect(&w, &w.trunk, "200 INVITE", VALUE);
    world_raw_request(&w, &w.trunk, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    world_raw_request(&w, &w.trunk, "BYE", 2, &ok, "", "");
    world_run(&w, 50);
    CHECK_INT(world_stat(&w, "isdn_differed"), 0);
    text_free(&ok);
    text_free(&out);
    world_down(&w);
}

/** A response with an ANM or REL of the callee's gateway. */
static void test_isup_answers(void)
{
    up(isup);
    world_raw_invite(&w, &w.gateway, "a", "8555", HI, world_sdp);
    struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", VALUE), ok, bye;
    peer_respond(&w, &w.trunk, &out, "180 Ringing", "", "application/isup;version=itu-t92+",
                 B(ACM "\x01\x20\x02\x04r\0"));
    struct text_msg ring =
        peer_expect(&w, &w.gateway, "180 INVITE", "0472;encoding=hex;purpose=isdn-uui");
    CHECK_BYTES(sip_msg_body(ring.m), B(ACM "\x01\x20\x02\x04r\0"));
    peer_respond(&w, &w.trunk, &out, "200 OK", HI, SIPI,
                 B(SDP_PART ISUP_PART "\x09\x01\x20\x02\x04y\0\r\n--b--"));
    ok = peer_expect(&w, &w.gateway, "200 INVITE", VALUE); /* a native end: the header wins */
    CHECK_INT(world_stat(&w, "isdn_differed"), 1);
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    world_raw_request(&w, &w.gateway, "BYE", 2, &ok, HI, "");
    bye = peer_expect(&w, &w.trunk, "BYE", VALUE);
    peer_respond(&w, &w.trunk, &bye, "200 OK", "", "application/isup", B("\x10\0"));
    expect_free(&w.gateway, "200 BYE", "");
    text_free(&ring);
    text_free(&bye);
    text_free(&ok);
    text_free(&out);
    world_down(&w);
}

/** From ISUP to ISUP: the body wins, the header's octets are put in where it has none. */
static void test_isup_to_isup(void)
{
    up(isup_both);
    invite_isup(&w.gateway, "8555", "User-to-User: 0461;encoding=hex\r\n", B("\x20\x03\x04Hi"));
    struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", VALUE);
    CHECK(has(&out, B("\x20\x03\x04Hi\x29\x01\x02\0\r\n--b--\r\n")));
    CHECK_INT(world_stat(&w, "isdn_differed"), 1);
    peer_respond(&w, &w.trunk, &out, "180 Ringing", HI, "application/isup", B(ACM "\0"));
    struct text_msg ring = peer_expect(&w, &w.gateway, "180 INVITE", VALUE);
    CHECK_BYTES(sip_msg_body(ring.m), B(ACM "\x01\x20\x03\x04Hi\0"));
    text_free(&ring);
    text_free(&out);
    world_down(&w);
}

/** No service: what lies in bodies is left out too, and the rest of them stays. */
static void test_isup_closed(void)
{
    up(isup);
    world_raw_invite(&w, &w.gateway, "x", "8555", "", world_sdp);
    struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", "");
    peer_respond(&w, &w.trunk, &out, "183 Session Progress", "", SIPI,
                 B(SDP_PART ISUP_PART "\x2c\x02\x01\x20\x02\x04y\x2a\x01\x04\0\r\n--b--"));
    struct text_msg news = peer_expect(&w, &w.gateway, "183 INVITE", "");
    CHECK_BYTES(sip_msg_body(news.m),
                B(SDP_PART ISUP_PART "\x2c\x02\x01\x2a\x01\x04\0\r\n--b--"));
    peer_respond(&w, &w.trunk, &out, "486 Busy Here", "", "application/isup",
                 B(REL "\x04\x02\x83\x91\x20\x02\x04n\0"));
    struct text_msg busy = peer_expect(&w, &w.gateway, "486 INVITE", "");
    CHECK_BYTES(sip_msg_body(busy.m), B(REL "\0\x02\x83\x91"));
    text_free(&busy);
    text_free(&news);
    text_free(&out);
    world_down(&w);
}

/** Bodies that an ISDN would not take: as with headers. */
static void test_isup_invalid(void)
{
    static const struct {
        struct str uui;
        const char *counter;
    } t[] = {{STR_INIT("\x20\x02\x04H\x20\x02\x04i"), "isdn_several"},
             {STR_INIT("\x20\x82\x04"
                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                       "A"),
              "isdn_too_long"}};
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        up(isup_both);
        invite_isup(&w.gateway, "8555", "", t[i].uui);
        struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", "");
        CHECK(has(&out, B("\xf0\x29\x01\x02\0\r\n--b--")));
        CHECK_INT(world_stat(&w, t[i].counter), 1);
        CHECK_INT(world_stat(&w, "isdn_opened"), 0);
        text_free(&out);
        world_down(&w);
    }
}

/** What a body has may be longer than the other end takes, too. */
static void test_isup_length(void)
{
    up(isup_both);
    w.peer[1].policy.isdn_octets = 3;
    invite_isup(&w.gateway, "8555", "", B("\x20\x04\x04Hi!"));
    struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", "");
    CHECK(!has(&out, B("Hi!")));
    CHECK_INT(world_stat(&w, "isdn_too_long"), 1);
    text_free(&out);
    world_down(&w);
}

/** What applications see: what counts, from wherever it came, and nothing else. */
static void test_events(void)
{
    world_up(&w, &(struct world_options){.tweak = isup});
    const char *a = world_monitor(&w, &w.crm, "1001");
    app_forget(&w.crm);
    PHONE(&w, 0)->on_call = 180;
    invite_isup(&w.trunk, "1001", "", B("\x20\x03\x04Hi"));
    world_run(&w, 200);
    CHECK_STR(str_c(app_events(&w.crm, a)),
              "Delivered c1:1001 alerting newCall 9000>1001 uui=044869");
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 200);
    app_forget(&w.crm);
    REQUIRE(phone_call(PHONE(&w, 0), "8555", true, STR_NONE) != NULL);
    world_run(&w, 50);
    struct text_msg out = peer_expect(&w, &w.trunk, "INVITE", "");
    peer_answer(&w, &w.trunk, &out, "180 Ringing", HI);
    world_run(&w, 100);
    CHECK(strstr(app_events(&w.crm, a), "Delivered") != NULL);
    CHECK(strstr(app_events(&w.crm, a), "uui=") == NULL); /* never asked for */
    text_free(&out);
    world_down(&w);
}

/** Memory fails at each place in turn: the call may fail, nothing is lost. */
static void test_memory(void)
{
    for (size_t n = 1; n < 60; n++) {
        up(isup_both);
        w.hard = true;
        w.mem.calls = 0;
        w.mem.fail_at = n;
        invite_isup(&w.gateway, "8555", OTHER "User-to-User: 0461;encoding=hex\r\n",
                    B("\x20\x03\x04Hi"));
        world_run(&w, 100);
        w.mem.fail_at = 0;
        world_down(&w);
    }
}

/** … and nothing that does not belong gets through. */
static void test_memory_keeps_it_closed(void)
{
    size_t heard = 0;
    for (size_t n = 1; n < 40; n++) {
        up(isup);
        w.hard = true;
        world_raw_invite(&w, &w.gateway, "k", "8555", "", world_sdp);
        world_run(&w, 50);
        struct text_msg out = world_take(&w.trunk, "INVITE");
        w.mem.calls = 0;
        w.mem.fail_at = n;
        w.mem.fail_on = n % 2 != 0;
        peer_respond(&w, &w.trunk, &out, "180 Ringing", OTHER HI, SIPI,
                     B(SDP_PART ISUP_PART "\x2c\x02\x01\x20\x03\x04Hi\0\r\n--b--"));
        world_run(&w, 50);
        w.mem.fail_at = 0;
        w.mem.fail_on = false;
        struct str got = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "180 INVITE", 0);
        heard += str_is_set(got) ? 1 : 0;
        CHECK(str_find(got, STR("044869")) == got.n && str_find(got, B("\x04Hi")) == got.n);
        text_free(&out);
        world_down(&w);
    }
    CHECK(heard > 0);
}

TEST_MAIN(T(test_open), T(test_not_requested), T(test_other_packages), T(test_several),
          T(test_length), T(test_length_of_old), T(test_length_later), T(test_malformed),
          T(test_refusal), T(test_inside), T(test_transfer), T(test_isup_becomes_header),
          T(test_isup_answers), T(test_isup_to_isup), T(test_isup_closed), T(test_isup_invalid),
          T(test_isup_length), T(test_events), T(test_memory), T(test_memory_keeps_it_closed))
