/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISUP messages that Baton makes in whole calls: the trunk (8*) is a gateway that reads
 * User-to-User out of them (`isup: create`), the gateway (9*) and the phones know none. What
 * arrives is read by our own reader of bodies, and octet by octet where it matters.
 */
#include "isdn/body.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct arena arena;

#define HI "User-to-User: 044869;encoding=hex;purpose=isdn-uui\n"
#define CRLF_HI "User-to-User: 044869;encoding=hex;purpose=isdn-uui\r\n"
#define B(s) ((struct str){s, sizeof(s) - 1})

static void create(struct world *world)
{
    struct neighbour *n = &world->peer[1].policy;
    n->isdn = n->isup_body = n->isup_create = true;
}

static void create_all(struct world *world)
{
    create(world);
    world->peer[1].policy.uui_in_failure = true;
}

static void create_ansi(struct world *world)
{
    create(world);
    world->peer[1].policy.isup_version = 4; /* ansi88 */
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

/** "IAM 044869", "ACM -", "" without ISUP; further ones behind a space. */
static const char *isup_of(const struct text_msg *t)
{
    static char text[512];
    struct isdn_body found;
    struct out o;
    out_init(&o, text, sizeof(text) - 1);
    CHECK_INT(isdn_body_read(t->m, &arena, &found), 0);
    for (size_t i = 0; i < found.n; i++) {
        const struct isdn_found *f = &found.v[i];
        if (f->place != ISDN_ISUP) {
            continue;
        }
        out_fmt(&o, "%s%.*s ", o.n > 0 ? " " : "", STR_ARG(f->isup));
        out_hex(&o, f->octets, true);
        out_c(&o, f->octets.n == 0 ? "-" : "");
    }
    text[o.n] = '\0';
    return text;
}

static bool is_whole(struct str body, const char *part, size_t n)
{
    return str_find(body, str_make(part, n)) < body.n;
}
#define HAS(t, part) CHECK(is_whole(sip_msg_body((t)->m), part, sizeof(part) - 1))

/** The next such message at `r` has this ISUP ("": none). @return it */
static struct text_msg expect(struct raw *r, const char *pattern, const char *isup)
{
    world_run(&w, 50);
    struct text_msg t = world_take(r, pattern);
    test_context(pattern);
    CHECK_STR(str_c(isup_of(&t)), isup);
    test_context(NULL);
    return t;
}

static void expect_free(struct raw *r, const char *pattern, const char *isup)
{
    struct text_msg t = expect(r, pattern, isup);
    text_free(&t);
}

static void respond(struct raw *r, const struct text_msg *req, const char *status,
                    const char *lines)
{
    char more[1024];
    struct hop back = raw_from(r);
    bool answers = status[0] == '2' && req->m->method == SIP_METHOD_INVITE;
    snprintf(more, sizeof(more), "Contact: <sip:raw@%s>\n%s%s",
             r == &w.trunk ? "10.0.2.2" : "10.0.2.1", lines,
             answers ? "Content-Type: application/sdp\n" : "");
    raw_reply(r, &back, req->m, status, "t", more, answers ? world_sdp : "");
}

#define SDP                                                                                \
    "v=0\r\no=- 7 1 IN IP4 10.0.2.9\r\ns=-\r\nc=IN IP4 10.0.2.9\r\nt=0 0\r\nm=audio 4002 " \
    "RTP/AVP 8\r\n"

/** An INVITE of the trunk with an IAM and this parameter in it. */
static void invite_isup(const char *user, struct str uui)
{
    static const char iam[] = "\x01\x10\x20\x01\x0a\x00\x02\x0a\x08\x04\x10\x97\0\0\0\0\xf0";
    char body[1024];
    struct out b;
    out_init(&b, body, sizeof(body));
    out_c(&b, "--b\r\nContent-Type: application/sdp\r\n\r\n" SDP
              "\r\n--b\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\n");
    out_str(&b, str_make(iam, sizeof(iam) - 1));
    out_str(&b, uui);
    out_str(&b, B("\x29\x01\x02\0\r\n--b--\r\n"));
    peer_invite(&w, &w.trunk, "isup", user, "", "multipart/mixed;boundary=b", out_str_of(&b));
}

/** A call to the gateway: IAM with the description, REL when the caller leaves. */
static void test_isup_iam_and_rel(void)
{
    up(create);
    world_raw_invite(&w, &w.gateway, "c", "8555", HI, world_sdp);
    struct text_msg out = expect(&w.trunk, "INVITE", "IAM 044869"), ok, bye;
    CHECK(
        str_istarts(text_value(&out, "Content-Type"), STR("multipart/mixed;boundary=baton-")));
    HAS(&out, "Content-Type: application/sdp\r\n\r\nv=0");
    HAS(&out, "Content-Type: application/ISUP;version=itu-t92+;base=itu-t92+\r\n"
              "Content-Disposition: signal;handling=optional\r\n\r\n"
              "\x01\x00\x60\x00\x0a\x03\x02\x07\x05\x82\x10\x58\x55\x0f"); /* to 8555 */
    CHECK(str_is_set(text_value(&out, "User-to-User")));
    respond(&w.trunk, &out, "180 Ringing", "");
    expect_free(&w.gateway, "180 INVITE", "");
    respond(&w.trunk, &out, "200 OK", "");
    ok = expect(&w.gateway, "200 INVITE", "");
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    world_raw_request(&w, &w.gateway, "BYE", 2, &ok,
                      "User-to-User: 0442;encoding=hex\nReason: Q.850;cause=31\n", "");
    bye = expect(&w.trunk, "BYE", "REL 0442");
    CHECK_BYTES(sip_msg_body(bye.m), B("\x0c\x02\x04\x02\x80\x9f\x20\x02\x04\x42\x00"));
    CHECK_STR(text_value(&bye, "Content-Disposition"), "signal;handling=optional");
    respond(&w.trunk, &bye, "200 OK", "");
    expect_free(&w.gateway, "200 BYE", "");
    CHECK_INT(world_stat(&w, "isup_made"), 2);
    CHECK_INT(world_stat(&w, "isup_unmade"), 0);
    text_free(&bye);
    text_free(&ok);
    text_free(&out);
    down();
}

/** A call from the gateway: ACM, CPG, ANM, and RLC when it leaves. */
static void test_isup_answers_made(void)
{
    up(create);
    invite_isup("9555", B("\x20\x03\x04Hi"));
    struct text_msg out = expect(&w.gateway, "INVITE", "IAM 044869"), ok, rel, ring;
    respond(&w.gateway, &out, "183 Session Progress", "");
    expect_free(&w.trunk, "183 INVITE", "ACM -");
    respond(&w.gateway, &out, "180 Ringing", "User-to-User: 0452;encoding=hex\n");
    ring = expect(&w.trunk, "180 INVITE", "CPG 0452");
    CHECK_BYTES(sip_msg_body(ring.m), B("\x2c\x01\x01\x20\x02\x04\x52\x00"));
    respond(&w.gateway, &out, "200 OK", HI);
    ok = expect(&w.trunk, "200 INVITE", "ANM 044869");
    HAS(&ok, "m=audio");
    world_raw_request(&w, &w.trunk, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    world_raw_request(&w, &w.trunk, "BYE", 2, &ok, "", "");
    rel = expect(&w.gateway, "BYE", "");
    respond(&w.gateway, &rel, "200 OK", HI);
    expect_free(&w.trunk, "200 BYE", "RLC -");
    text_free(&ring);
    text_free(&rel);
    text_free(&ok);
    text_free(&out);
    down();
}

/** Answered without ringing: CON; in ANSI, which has none, ANM. */
static void test_isup_connected_at_once(void)
{
    for (int ansi = 0; ansi < 2; ansi++) {
        up(ansi ? create_ansi : create);
        invite_isup("9555", B("\x20\x03\x04Hi"));
        struct text_msg out = expect(&w.gateway, "INVITE", "IAM 044869");
        respond(&w.gateway, &out, "200 OK", HI);
        struct text_msg ok = expect(&w.trunk, "200 INVITE", ansi ? "ANM 044869" : "CON 044869");
        world_raw_request(&w, &w.trunk, "ACK", 1, &ok, "", "");
        text_free(&ok);
        text_free(&out);
        down();
    }
    up(create_ansi);
    world_raw_invite(&w, &w.gateway, "c", "8555", HI, world_sdp);
    struct text_msg out = expect(&w.trunk, "INVITE", "IAM 044869");
    HAS(&out, "version=ansi88;base=ansi88");
    text_free(&out);
    down();
}

/** Refusals: the cause is the Reason's, or the status'. */
static void test_isup_rel_cause(void)
{
    static const struct {
        const char *status, *lines;
        struct str rel; /* its first octets; absent: none */
    } row[] = {
        {"486 Busy Here", "", STR_INIT("\x0c\x02\x00\x02\x8a\x91")},
        {"486 Busy Here", HI, STR_INIT("\x0c\x02\x04\x02\x8a\x91\x20\x03\x04Hi\x00")},
        {"404 Not Found", "Reason: SIP;cause=1, Q.850;cause=3;text=\"x\"\n",
         STR_INIT("\x0c\x02\x00\x02\x8a\x83")},
        {"603 Decline", "Reason: Q.850;cause=200\n", STR_INIT("\x0c\x02\x00\x02\x80\x95")},
        {"302 Moved Temporarily", "", {NULL, 0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char pattern[32];
        up(create_all);
        invite_isup("9555", B("\x20\x03\x04Hi"));
        struct text_msg out = expect(&w.gateway, "INVITE", "IAM 044869");
        respond(&w.gateway, &out, row[i].status, row[i].lines);
        world_run(&w, 100);
        snprintf(pattern, sizeof(pattern), "%.3s INVITE", row[i].status);
        struct str got = wire_find(&w.wire, ENGINE(&w), &w.trunk.node, pattern, 0);
        test_context(row[i].status);
        if (str_is_set(row[i].rel)) {
            CHECK(str_find(got, row[i].rel) < got.n);
        } else {
            CHECK(str_find(got, STR("/ISUP")) == got.n);
        }
        test_context(NULL);
        text_free(&out);
        down();
    }
}

/** What cannot be said truly is not said: the header alone goes, and that is counted. */
static void test_isup_header_only(void)
{
    static const struct {
        const char *user, *lines, *type, *body;
        unsigned unmade;
        const char *uui;
    } row[] = {
        {"8555555555555555555555555555555555", CRLF_HI, "application/sdp", SDP, 1,
         "044869;encoding=hex;purpose=isdn-uui"},
        {"8555", CRLF_HI, "text/plain", "hello\r\n", 1, "044869;encoding=hex;purpose=isdn-uui"},
        {"8555", CRLF_HI "Content-Encoding: gzip\r\n", "application/sdp", "\x1f", 1,
         "044869;encoding=hex;purpose=isdn-uui"},
        {"8555", "", "application/sdp", SDP, 0, ""}, /* nothing to say */
        {"8555", "User-to-User: 04;encoding=jwt\r\n", "application/sdp", SDP, 0, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        up(create);
        peer_invite(&w, &w.gateway, "isup", row[i].user, row[i].lines, row[i].type,
                    str_c(row[i].body));
        world_run(&w, 50);
        struct text_msg out = world_take(&w.trunk, "INVITE");
        CHECK_STR(text_value(&out, "User-to-User"), row[i].uui);
        CHECK_BYTES(sip_msg_body(out.m), str_c(row[i].body));
        CHECK_INT(world_stat(&w, "isup_unmade"), row[i].unmade);
        respond(&w.trunk, &out, "486 Busy Here", "");
        expect_free(&w.gateway, "486 INVITE", "");
        CHECK_INT(world_stat(&w, "isup_made"), 0);
        text_free(&out);
        down();
    }
}

/** A call that an application makes has no description yet: the IAM is all of the body. */
static void test_isup_made_call(void)
{
    up(create);
    PHONE(&w, 0)->obeys_auto = true;
    (void)app_make_call(&w.crm, "1001", "8555", false, "\x04Hi");
    world_run(&w, 300);
    struct text_msg out = expect(&w.trunk, "INVITE", "IAM 044869");
    CHECK_STR(text_value(&out, "Content-Type"),
              "application/ISUP;version=itu-t92+;base=itu-t92+");
    CHECK_STR(text_value(&out, "Content-Disposition"), "signal;handling=optional");
    HAS(&out, "\x0a\x04\x02\x13\x01\x10\x20"); /* from 1001, which we know */
    respond(&w.trunk, &out, "200 OK", "");
    struct text_msg ack = expect(&w.trunk, "ACK", "");
    CHECK(sip_msg_body(ack.m).n > 0);
    text_free(&ack);
    (void)app_on_connection(&w.crm, "ClearConnection", "connectionToBeCleared", "c1", "1001",
                            "<userData><string>0442</string></userData>");
    struct text_msg bye = expect(&w.trunk, "BYE", "REL 0442");
    respond(&w.trunk, &bye, "200 OK", "");
    world_run(&w, 100);
    text_free(&bye);
    text_free(&out);
    down();
}

/** What a refresh repeats is the description alone: no second IAM. */
static void test_isup_refreshed(void)
{
    up(create);
    world_raw_invite(&w, &w.gateway, "r", "8555", HI, world_sdp);
    struct text_msg out = expect(&w.trunk, "INVITE", "IAM 044869"), ok;
    respond(&w.trunk, &out, "200 OK", "Session-Expires: 90;refresher=uac\nRequire: timer\n");
    ok = expect(&w.gateway, "200 INVITE", "");
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_run(&w, 60000);
    struct text_msg again = world_take(&w.trunk, "INVITE");
    CHECK_STR(text_value(&again, "Content-Type"), "application/sdp");
    CHECK(str_starts(sip_msg_body(again.m), STR("v=0")));
    respond(&w.trunk, &again, "200 OK", "Session-Expires: 90;refresher=uac\nRequire: timer\n");
    world_run(&w, 100);
    text_free(&again);
    text_free(&ok);
    text_free(&out);
    down();
}

/** Memory fails at each place in turn: the call may fail, no message is half made. */
static void test_isup_memory(void)
{
    for (size_t n = 1; n < 90; n++) {
        up(create);
        w.hard = true;
        w.mem.calls = 0;
        w.mem.fail_at = n;
        world_raw_invite(&w, &w.gateway, "m", "8555", HI, world_sdp);
        world_run(&w, 100);
        w.mem.fail_at = 0;
        struct str got = wire_find(&w.wire, ENGINE(&w), &w.trunk.node, "INVITE", 0);
        CHECK(str_find(got, STR("multipart")) == got.n ||
              str_find(got, B("\x20\x03\x04Hi\0\r\n--")) < got.n);
        down();
    }
}

TEST_MAIN(T(test_isup_iam_and_rel), T(test_isup_answers_made), T(test_isup_connected_at_once),
          T(test_isup_rel_cause), T(test_isup_header_only), T(test_isup_made_call),
          T(test_isup_refreshed), T(test_isup_memory))
