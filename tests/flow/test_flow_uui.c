/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User through the bridge, octet by octet (RFC 7433 §4.1): in INVITE, 180, 183, 200, in
 * the refusal that passes, in BYE and its 2xx, however it is written; and what the events show
 * of it.
 */
#include "world.h"

#include <stdio.h>

static struct world w;

/** Values as peers write them. A line each; folds are inside a value. */
static const char *const lines[][4] = {
    {" 56a390f3d2b7310023a2;encoding=hex;purpose=isdn-uui;content=isdn-uui"},
    {"   56a390f3d2b7310023a2  ;  encoding = hex ;purpose=isdn-uui"},
    {"56a390f3d2b7310023a2;encoding=hex"},
    {"\t00C81031;Encoding=HEX;x-private=\"a;b,c\""},
    {" 56a390f3d2b7310023a2\r\n ;encoding=hex\r\n\t;purpose=isdn-uui"},
    {" 00aa;encoding=hex,00bb;encoding=hex;purpose=x-other ,  00cc"},
    {" 00aa;encoding=hex", " 00bb;encoding=hex;purpose=x-other", "00cc"},
    {" \"quoted, with \\\"escapes\\\"\";encoding=hex;purpose=x-text"},
    {" nothex!;encoding=hex", ""},
    {" 04;;encoding=hex;;"},
};

/** The lines as a block of header lines, with the name in an odd case now and then. */
static struct str block(char *buf, size_t cap, size_t row)
{
    static const char *const names[] = {"User-to-User", "user-TO-user", "USER-TO-USER"};
    struct out o;
    out_init(&o, buf, cap);
    for (size_t i = 0; i < 4 && lines[row][i] != NULL; i++) {
        out_c(&o, names[(row + i) % 3]);
        out_c(&o, ":");
        out_c(&o, lines[row][i]);
        out_c(&o, "\r\n");
    }
    return out_str_of(&o);
}

static struct str bytes_of(const struct text_msg *t)
{
    return str_make(t->m->buf, t->m->len);
}

/** All lines are there, in their order, as they were written, and no further one. */
static void check_lines(const struct text_msg *t, size_t row, const char *where)
{
    size_t i = 0;
    test_context(where);
    for (; i < 4 && lines[row][i] != NULL; i++) {
        CHECK_STR(wire_raw(bytes_of(t), "User-to-User", i), lines[row][i]);
    }
    CHECK(!str_is_set(wire_raw(bytes_of(t), "User-to-User", i)));
    test_context(NULL);
}

/** raw_send with octets that are not touched: the folds must stay. */
static void send_raw(struct raw *r, const struct hop *hop, const char *head, struct str uui,
                     const char *tail)
{
    char buf[8192];
    struct hop to = *hop;
    struct out o;
    out_init(&o, buf, sizeof(buf));
    out_c(&o, head);
    out_str(&o, uui);
    out_c(&o, tail);
    struct str run = out_str_of(&o);
    CHECK(!o.over);
    if (to.flow == 0) {
        (void)r->node.env.open(&r->node, &to, STR_NONE);
    }
    CHECK_INT(r->node.env.send(&r->node, &to, &run, 1), 0);
}

/** A response of the trunk with these lines. */
static void respond(const struct text_msg *req, const char *status, struct str uui)
{
    char head[2048];
    struct hop back = raw_from(&w.trunk);
    struct str via = text_value(req, "Via");
    bool tagged = str_is_set(sip_msg_tag(req->m, SIP_HDR_TO));
    snprintf(head, sizeof(head),
             "SIP/2.0 %s\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\n"
             "CSeq: %.*s\r\nContact: <sip:555@10.0.2.2>\r\n",
             status, STR_ARG(via), STR_ARG(text_value(req, "From")),
             STR_ARG(text_value(req, "To")), tagged ? "" : ";tag=t1",
             STR_ARG(text_value(req, "Call-ID")), STR_ARG(text_value(req, "CSeq")));
    send_raw(&w.trunk, &back, head, uui, "Content-Length: 0\r\n\r\n");
}

static void invite(const char *id, struct str uui)
{
    char head[1024], tail[1024];
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    snprintf(
        head, sizeof(head),
        "INVITE sip:8555@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK%s\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:9000@10.0.2.1>;tag=f\r\n"
        "To: <sip:8555@example.com>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\n"
        "Contact: <sip:raw@10.0.2.1>\r\n",
        id, id);
    snprintf(tail, sizeof(tail),
             "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
             strlen(world_sdp), world_sdp);
    send_raw(&w.gateway, &to, head, uui, tail);
}

static struct str crlf_to_lf(struct str s, char *buf)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\r') {
            buf[n++] = s.p[i];
        }
    }
    buf[n] = '\0';
    return str_make(buf, n);
}

/** One whole call with these lines in every message that may carry them. */
static void whole_call(size_t row)
{
    char buf[2048], plain[2048];
    struct str uui = block(buf, sizeof(buf), row);
    struct text_msg t, ok, out;
    char id[16];
    snprintf(id, sizeof(id), "uui%zu", row);
    invite(id, uui);
    world_run(&w, 50);
    out = world_take(&w.trunk, "INVITE");
    check_lines(&out, row, "INVITE");
    respond(&out, "180 Ringing", uui);
    world_run(&w, 50);
    t = world_take(&w.gateway, "180 INVITE");
    check_lines(&t, row, "180");
    text_free(&t);
    respond(&out, "183 Session Progress", uui);
    world_run(&w, 50);
    t = world_take(&w.gateway, "183 INVITE");
    check_lines(&t, row, "183");
    text_free(&t);
    respond(&out, "200 OK", uui);
    world_run(&w, 50);
    ok = world_take(&w.gateway, "200 INVITE");
    check_lines(&ok, row, "200");
    world_raw_request(&w, &w.gateway, "ACK", 1, &ok, "", "");
    world_run(&w, 50);
    /* raw_send takes \n; a fold is written as such */
    struct str lf = crlf_to_lf(uui, plain);
    world_raw_request(&w, &w.gateway, "BYE", 2, &ok, lf.p, "");
    world_run(&w, 50);
    t = world_take(&w.trunk, "BYE");
    check_lines(&t, row, "BYE");
    respond(&t, "200 OK", uui);
    world_run(&w, 50);
    text_free(&t);
    t = world_take(&w.gateway, "200 BYE");
    check_lines(&t, row, "200 BYE");
    text_free(&t);
    text_free(&ok);
    text_free(&out);
}

static void test_whole_calls(void)
{
    for (size_t row = 0; row < ARRAY_LEN(lines); row++) {
        world_up(&w, &(struct world_options){.no_apps = true});
        whole_call(row);
        world_down(&w);
    }
}

/** A refusal carries it back as well. */
static void test_refusal(void)
{
    char buf[2048];
    for (size_t row = 0; row < ARRAY_LEN(lines); row++) {
        struct str uui = block(buf, sizeof(buf), row);
        struct text_msg out, t;
        world_up(&w, &(struct world_options){.no_apps = true});
        invite("r", uui);
        world_run(&w, 50);
        out = world_take(&w.trunk, "INVITE");
        respond(&out, "486 Busy Here", uui);
        world_run(&w, 50);
        t = world_take(&w.gateway, "486 INVITE");
        check_lines(&t, row, "486");
        text_free(&t);
        text_free(&out);
        world_down(&w);
    }
}

/** The far side hangs up: the BYE of the callee, and the caller's 2xx. */
static void test_bye_of_the_callee(void)
{
    struct phone *ann, *bob;
    world_up(&w, &(struct world_options){0});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    const char *a = world_monitor(&w, &w.crm, "1001"), *b = world_monitor(&w, &w.crm, "1002");
    REQUIRE(world_call(&w, ann, bob));
    app_forget(&w.crm);
    ann->bye_lines = STR("User-to-User:  00616e73776572 ;encoding=hex\r\n");
    phone_hang_up(bob, STR("User-to-User: 627965;encoding=hex;purpose=isdn-uui\r\n"));
    world_run(&w, 200);
    struct str bye = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "BYE", 0);
    CHECK_STR(wire_raw(bye, "User-to-User", 0), " 627965;encoding=hex;purpose=isdn-uui");
    struct str ok = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "200 BYE", 0);
    CHECK_STR(wire_raw(ok, "User-to-User", 0), "  00616e73776572 ;encoding=hex");
    CHECK_STR(str_c(app_events(&w.crm, a)),
              "Cleared c1:1001 null normalClearing by=1002 uui=bye");
    CHECK_STR(str_c(app_events(&w.crm, b)),
              "Cleared c1:1002 null normalClearing by=1002 uui=bye");
    world_down(&w);
}

/** What a caller sends is in the callee's Delivered; what comes back, in the caller's. */
static void test_events(void)
{
    struct phone *ann, *bob;
    world_up(&w, &(struct world_options){0});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    const char *a = world_monitor(&w, &w.crm, "1001"), *b = world_monitor(&w, &w.crm, "1002");
    app_forget(&w.crm);
    bob->ring_lines = STR("User-to-User: 72696e67;encoding=hex\r\n");
    bob->answer_lines = STR("User-to-User: 79657321;encoding=hex\r\n");
    REQUIRE(phone_call(ann, "1002", true, STR("User-to-User: 68656c6c6f;encoding=hex\r\n")) !=
            NULL);
    world_run(&w, 200);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 200);
    CHECK_STR(str_c(app_events(&w.crm, a)),
              "Originated c1:1001 connected newCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002 uui=ring; "
              "Established c1:1002 connected newCall 1001>1002 uui=yes!");
    CHECK_STR(str_c(app_events(&w.crm, b)),
              "Delivered c1:1002 alerting newCall 1001>1002 uui=hello; "
              "Established c1:1002 connected newCall 1001>1002 uui=hello");
    world_down(&w);
}

/** A 302 with UUI in the URI of its Contact passes as it is (RFC 7433 §4.2). */
static void pass_redirects(struct world *world)
{
    world->config.call.pass_redirects = true;
}

static void test_redirection(void)
{
    static const char contact[] =
        "<sip:1003@example.com?User-to-User=0056a390%3Bencoding%3Dhex>;q=1";
    world_up(&w, &(struct world_options){.no_apps = true, .tweak = pass_redirects});
    PHONE(&w, 1)->on_call = 302;
    PHONE(&w, 1)->answer_lines =
        STR("Contact: <sip:1003@example.com?User-to-User=0056a390%3Bencoding%3Dhex>;q=1\r\n");
    REQUIRE(phone_call(PHONE(&w, 0), "1002", true, STR_NONE) != NULL);
    world_run(&w, 200);
    struct str got = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "302 INVITE", 0);
    CHECK_STR(str_trim(wire_raw(got, "Contact", 0)), contact);
    CHECK(!str_is_set(wire_raw(got, "Contact", 1)));
    world_down(&w);
}

/** Followed: what was embedded arrives as a header, in the same octets. */
static void test_redirection_followed(void)
{
    world_up(&w, &(struct world_options){.no_apps = true});
    PHONE(&w, 1)->on_call = 302;
    PHONE(&w, 1)->answer_lines =
        STR("Contact: <sip:1003@example.com?User-to-User=0056a390%3Bencoding%3Dhex>;q=1\r\n");
    REQUIRE(phone_call(PHONE(&w, 0), "1002", true, STR("User-to-User: 01;purpose=x\r\n")) !=
            NULL);
    world_run(&w, 200);
    struct str got = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 2), "INVITE", 0);
    CHECK_STR(str_trim(wire_raw(got, "User-to-User", 0)),
              "0056a390;encoding=hex, 01;purpose=x");
    CHECK(!str_is_set(wire_raw(got, "User-to-User", 1)));
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "302 INVITE"), 0);
    CHECK_INT(phone_answer(PHONE(&w, 2)), 0);
    world_run(&w, 200);
    CHECK(phone_talks(PHONE(&w, 0)) && phone_talks(PHONE(&w, 2)));
    world_down(&w);
}

/** What breaks a rule passes as it is, and is counted by message, watched or not. */
static void test_counters(void)
{
    struct phone *ann, *bob;
    world_up(&w, &(struct world_options){.no_apps = true});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    bob->answer_lines = STR("User-to-User: 0041;encoding=hex, 0042;encoding=hex\r\n");
    REQUIRE(phone_call(ann, "1002", true, STR("User-to-User: 004;encoding=hex\r\n")) != NULL);
    world_run(&w, 200);
    CHECK_INT(world_stat(&w, "uui_wrong"), 1);
    CHECK_INT(world_stat(&w, "uui_ignored"), 0);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 200);
    phone_hang_up(bob, STR("User-to-User: \r\n"));
    world_run(&w, 200);
    CHECK_INT(world_stat(&w, "uui_wrong"), 2);
    CHECK_INT(world_stat(&w, "uui_ignored"), 2);
    world_down(&w);
}

TEST_MAIN(T(test_whole_calls), T(test_refusal), T(test_bye_of_the_callee), T(test_events),
          T(test_counters), T(test_redirection), T(test_redirection_followed))
