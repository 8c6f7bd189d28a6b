/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Referral through the whole engine: transfers as in RFC 5589 and RFC 5359 §2.4, §2.5, picking
 * up, REFER outside of any dialog, the context at every hop, and all that over a network that
 * loses packets.
 */
#include "sip/embed.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct phone *ann, *bob, *cleo;

static void up(const struct world_options *o)
{
    world_up(&w, o);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
}

static size_t to(const struct phone *p, const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), &p->s.node, pattern);
}

/** A header of the nth such message to a phone. */
static struct str header(const struct phone *p, const char *pattern, size_t nth,
                         const char *name)
{
    return str_trim(
        wire_raw(wire_find(&w.wire, ENGINE(&w), &p->s.node, pattern, nth), name, 0));
}

/** Has a NOTIFY to it said so? */
static bool told(const struct phone *p, const char *status)
{
    struct str what = str_c(status), body;
    bool found = false;
    for (size_t n = 0; n < to(p, "NOTIFY") && !found; n++) {
        body = wire_body(wire_find(&w.wire, ENGINE(&w), &p->s.node, "NOTIFY", n));
        found = str_find(body, what) < body.n;
    }
    return found;
}

static void refer(struct phone *p, struct leg *leg, const char *lines)
{
    struct leg_content content = {.lines = str_c(lines)};
    CHECK_INT(leg_send(leg, NULL, STR("REFER"), &content, station_listen, &p->s, NULL,
                       station_now(&p->s)),
              0);
    world_run(&w, 300);
}

static void hang_up(struct leg *leg, struct phone *p)
{
    leg_end(leg, 0, NULL, NULL, NULL, station_now(&p->s));
    world_run(&w, 300);
}

/** RFC 5589 §6.1, RFC 5359 §2.4: blind, with the context of the call and of the referrer. */
static void test_blind(void)
{
    const char *a, *b, *c;
    up(&(struct world_options){0});
    a = world_monitor(&w, &w.crm, "1001");
    b = world_monitor(&w, &w.crm, "1002");
    c = world_monitor(&w, &w.crm, "1003");
    REQUIRE(phone_call(ann, "1002", true, STR("User-to-User: 00C8;encoding=hex\r\n")) != NULL);
    world_run(&w, 200);
    CHECK_STR(header(bob, "INVITE", 0, "User-to-User"), "00C8;encoding=hex");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    refer(bob, bob->s.leg,
          "Refer-To: <sip:1003@example.com?User-to-User=01%3Bpurpose%3Dx>\r\n"
          "Referred-By: <sip:1002@example.com>\r\n");
    CHECK_INT(bob->s.last_status, 202);
    CHECK(told(bob, "100 Trying") && told(bob, "180 Ringing"));
    CHECK_STR(header(cleo, "INVITE", 0, "User-to-User"), "01;purpose=x, 00C8;encoding=hex");
    CHECK_STR(header(cleo, "INVITE", 0, "Referred-By"), "<sip:1002@example.com>");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    CHECK(told(bob, "200 OK"));
    hang_up(bob->s.leg, bob);
    CHECK(phone_talks(ann) && phone_talks(cleo) && !phone_talks(bob));
    CHECK_STR(str_c(phones_media(ann, cleo)), "sendrecv|sendrecv");
    CHECK_STR(str_c(app_events(&w.crm, a)),
              "Delivered c1:1003 connected singleStepTransfer 1001>1002 last=1002 uui=00c8; "
              "Transferred c1:1002 connected singleStepTransfer to=1003 [1001,1003]; "
              "Established c1:1003 connected singleStepTransfer 1001>1002 last=1002 uui=00c8");
    CHECK_STR(str_c(app_events(&w.crm, c)),
              "Delivered c1:1003 alerting singleStepTransfer 1001>1002 last=1002 uui=00c8; "
              "Transferred c1:1002 alerting singleStepTransfer to=1003 [1001,1003]; "
              "Established c1:1003 connected singleStepTransfer 1001>1002 last=1002 uui=00c8");
    CHECK(strstr(app_events(&w.crm, b), "Transferred c1:1002 null") != NULL);
    world_down(&w);
}

static void attend(char *out, size_t cap, const struct leg *leg, const char *more)
{
    const struct dialog *d = leg->dialog;
    (void)snprintf(out, cap,
                   "Refer-To: <sip:1003@example.com?Replaces=%.*s%%3Bto-tag%%3D%.*s%%3Bfrom-tag"
                   "%%3D%.*s%s>\r\n",
                   STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag), more);
}

/** RFC 5589 §7.3, RFC 5359 §2.5: attended; nobody is called a second time. */
static void attended(enum transport transport)
{
    char lines[512];
    struct leg *first;
    up(&(struct world_options){.no_apps = true, .transport = transport, .phones = 4});
    REQUIRE(world_call(&w, ann, bob));
    first = bob->s.leg;
    REQUIRE(phone_offer(bob, SDP_SENDONLY) == 0);
    world_run(&w, 200);
    bob->media = (struct media){0}; /* its second call is another session */
    REQUIRE(world_call(&w, bob, cleo));
    attend(lines, sizeof(lines), bob->s.leg, "&User-to-User=02%3Bencoding%3Dhex");
    refer(bob, first, lines);
    world_run(&w, 500);
    CHECK(told(bob, "200 OK"));
    CHECK_INT(to(cleo, "BYE"), 0);
    CHECK_STR(header(cleo, "INVITE", 1, "User-to-User"), "02;encoding=hex");
    hang_up(first, bob);
    CHECK(phone_talks(ann) && phone_talks(cleo));
    CHECK_STR(str_c(phones_media(ann, cleo)), "sendrecv|sendrecv");
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    world_down(&w);
}

static void test_attended(void)
{
    attended(TP_UDP);
    attended(TP_TCP);
}

/** A redirection, and then the one whom it led to refers: the context stays. */
static void test_chain(void)
{
    up(&(struct world_options){.no_apps = true, .phones = 4});
    bob->on_call = 302;
    bob->answer_lines =
        STR("Contact: <sip:1003@example.com?User-to-User=0A%3Bpurpose%3Dx>\r\n");
    REQUIRE(phone_call(ann, "1002", true, STR("User-to-User: 01;encoding=hex\r\n")) != NULL);
    world_run(&w, 200);
    CHECK_STR(header(bob, "INVITE", 0, "User-to-User"), "01;encoding=hex");
    CHECK_STR(header(cleo, "INVITE", 0, "User-to-User"), "0A;purpose=x, 01;encoding=hex");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    refer(cleo, cleo->s.leg,
          "Refer-To: <sip:1004@example.com?User-to-User=0B%3Bpurpose%3Dx>\r\n");
    CHECK_STR(header(PHONE(&w, 3), "INVITE", 0, "User-to-User"),
              "0B;purpose=x, 01;encoding=hex");
    CHECK_INT(phone_answer(PHONE(&w, 3)), 0);
    world_run(&w, 500);
    CHECK(told(cleo, "200 OK"));
    world_run(&w, 5000); /* its BYE is ours to send */
    CHECK(phone_talks(ann) && phone_talks(PHONE(&w, 3)) && !phone_talks(cleo));
    world_down(&w);
}

/** Call pickup: cleo takes bob's ringing call with what a lamp key knows of it. */
static void test_pickup(void)
{
    char lines[512];
    const struct dialog *d;
    up(&(struct world_options){.no_apps = true});
    REQUIRE(phone_call(ann, "1002", true, STR_NONE) != NULL);
    world_run(&w, 200);
    d = bob->s.leg->dialog;
    (void)snprintf(
        lines, sizeof(lines),
        "Replaces: %.*s;to-tag=%.*s;from-tag=%.*s;early-only\r\nRequire: replaces\r\n",
        STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag));
    REQUIRE(phone_call(cleo, "1001", true, str_c(lines)) != NULL);
    world_run(&w, 500);
    CHECK(phone_talks(ann) && phone_talks(cleo) && bob->s.leg == NULL);
    CHECK_STR(str_c(phones_media(ann, cleo)), "sendrecv|sendrecv");
    CHECK_INT(to(bob, "CANCEL"), 1);
    world_down(&w);
}

/* ---- outside of any dialog ---- */

static void refer_outside(const char *uri, const char *lines)
{
    struct hop hop = vnet_hop(ENGINE(&w), TP_UDP);
    static unsigned n;
    n++;
    raw_sendf(&w.gateway, &hop,
              "REFER %s SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bK-x%u\n"
              "Max-Forwards: 70\nFrom: <sip:9000@10.0.2.1>;tag=1\nTo: <%s>\n"
              "Call-ID: x%u\nCSeq: 7 REFER\nContact: <sip:9000@10.0.2.1>\n%s\n",
              uri, n, uri, n, lines);
    world_run(&w, 100);
}

/** Answer NOTIFYs until none comes. @return the last body */
static const char *notified(void)
{
    static char body[256];
    body[0] = '\0';
    for (int i = 0; i < 20; i++) {
        struct text_msg t = raw_take(&w.gateway);
        if (t.m == NULL) {
            break;
        }
        if (t.m->method == SIP_METHOD_NOTIFY && sip_is_request(t.m)) {
            struct hop hop = raw_from(&w.gateway);
            (void)snprintf(body, sizeof(body), "%.*s%.*s", STR_ARG(sip_msg_body(t.m)),
                           STR_ARG(str_upto(text_value(&t, "Subscription-State"), 10)));
            raw_reply(&w.gateway, &hop, t.m, "200 OK", NULL, "", "");
        }
        text_free(&t);
        world_run(&w, 50);
    }
    return body;
}

static void test_click_to_call(void)
{
    up(&(struct world_options){.no_apps = true});
    refer_outside("sip:1001@example.com",
                  "Refer-To: <sip:1002@example.com?User-to-User=0C%3Bpurpose%3Dx&Subject=s>\n");
    struct text_msg t = world_take(&w.gateway, "202 REFER");
    text_free(&t);
    CHECK_STR(str_c(notified()), "SIP/2.0 100 Trying\r\nactive;exp");
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 300);
    CHECK_STR(str_c(notified()), "SIP/2.0 180 Ringing\r\nactive;exp");
    CHECK_STR(header(bob, "INVITE", 0, "User-to-User"), "0C;purpose=x");
    CHECK_STR(header(bob, "INVITE", 0, "Subject"), "s");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 300);
    CHECK_STR(str_c(notified()), "SIP/2.0 200 OK\r\nterminated");
    CHECK(phone_talks(ann) && phone_talks(bob));
    world_down(&w);
}

static void test_click_to_call_fails(void)
{
    static const struct {
        const char *uri, *lines, *answer, *told;
    } rows[] = {
        {"sip:1001@example.com", "Refer-To: <sip:nobody@example.com>\n", "202 REFER",
         "SIP/2.0 404 Not Found\r\nterminated"},
        {"sip:1001@example.com", "Refer-To: <http://x/>\n", "603 REFER", ""},
        {"sip:1001@example.com", "", "400 REFER", ""},
        {"sip:1777@example.com", "Refer-To: <sip:1002@example.com>\n", "404 REFER", ""},
        {"sip:1004@example.com", "Refer-To: <sip:1002@example.com>\n", "202 REFER",
         "SIP/2.0 480 Temporarily Unavailable\r\nterminated"},
        {"sip:1001@example.com", "Refer-To: <sip:1002@example.com>\nRequire: nosub\n",
         "420 REFER", ""},
        {"sip:x@example.com",
         "Refer-To: <sip:1002@example.com>\nTarget-Dialog: x;local-tag=1;remote-tag=2\n",
         "202 REFER", "SIP/2.0 481 Call/Transaction Does Not Exist\r\nterminated"},
    };
    up(&(struct world_options){.no_apps = true});
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        refer_outside(rows[i].uri, rows[i].lines);
        struct text_msg t = world_take(&w.gateway, rows[i].answer);
        text_free(&t);
        CHECK_STR(str_c(notified()), rows[i].told);
    }
    CHECK_INT(to(ann, "INVITE"), 0);
    /* nobody picks up, or the phone refuses: it is told */
    refer_outside("sip:1001@example.com", "Refer-To: <sip:1002@example.com>\n");
    (void)notified();
    CHECK_INT(phone_respond(ann, 486), 0);
    world_run(&w, 300);
    CHECK_STR(str_c(notified()), "SIP/2.0 487 Request Terminated\r\nterminated");
    /* without a subscription */
    refer_outside(
        "sip:1001@example.com",
        "Refer-To: <sip:1002@example.com>\nRefer-Sub: false\nSupported: norefersub\n");
    struct text_msg t = world_take(&w.gateway, "200 REFER");
    CHECK_STR(text_value(&t, "Refer-Sub"), "false");
    text_free(&t);
    CHECK_STR(str_c(notified()), "");
    world_down(&w);
}

/** The device's own digest; another device may not. */
static void test_strangers(void)
{
    struct hop hop;
    up(&(struct world_options){.no_apps = true});
    hop = vnet_hop(ENGINE(&w), TP_UDP);
    struct raw stranger;
    raw_up(&stranger, &w.net, "stranger", "10.0.9.9");
    raw_sendf(&stranger, &hop,
              "REFER sip:1001@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.9.9;branch=z9hG4bK-s\n"
              "Max-Forwards: 70\nFrom: <sip:1001@example.com>;tag=1\n"
              "To: <sip:1001@example.com>\nCall-ID: s\nCSeq: 7 REFER\n"
              "Contact: <sip:x@10.0.9.9>\nRefer-To: <sip:1002@example.com>\n\n");
    world_run(&w, 100);
    struct text_msg t = world_take(&stranger, "401 REFER");
    text_free(&t);
    raw_down(&stranger);
    CHECK_INT(to(ann, "INVITE"), 0);
    world_down(&w);
}

/* ---- a peer that carries it out ---- */

static void gateway_takes_refer(struct world *world)
{
    world->peer[0].takes_refer = true;
}

/** The gateway answers the INVITE that came to it under the tag "t". */
static struct text_msg gateway_answers(void)
{
    struct text_msg invite = world_take(&w.gateway, "INVITE");
    struct hop hop = raw_from(&w.gateway);
    raw_reply(&w.gateway, &hop, invite.m, "200 OK", "t",
              "Contact: <sip:gw@10.0.2.1>\nContent-Type: application/sdp\n", world_sdp);
    world_run(&w, 200);
    return invite;
}

/** REFER goes across with the identifiers of the far dialog, and its NOTIFY comes back. */
static void test_passed(void)
{
    char lines[512];
    struct leg *first;
    up(&(struct world_options){.no_apps = true, .tweak = gateway_takes_refer});
    REQUIRE(phone_call(ann, "9001", true, STR_NONE) != NULL);
    world_run(&w, 100);
    struct text_msg one = gateway_answers();
    first = ann->s.leg;
    ann->media = (struct media){0};
    REQUIRE(phone_call(ann, "9002", true, STR_NONE) != NULL);
    world_run(&w, 100);
    struct text_msg two = gateway_answers();
    attend(lines, sizeof(lines), ann->s.leg, "&User-to-User=03%3Bpurpose%3Dx");
    refer(ann, first, lines);
    struct text_msg got = world_take(&w.gateway, "REFER");
    struct hop hop = raw_from(&w.gateway);
    struct sip_addr to;
    struct sip_embedded e;
    struct arena arena;
    arena_init(&arena, &mem_libc, 1024);
    REQUIRE(got.m != NULL && sip_msg_addr(got.m, SIP_HDR_REFER_TO, &to) == 0);
    CHECK_INT(sip_embed(&to.uri, &arena, &e), 0);
    char want[256];
    (void)snprintf(want, sizeof(want), "%.*s;to-tag=t;from-tag=%.*s",
                   STR_ARG(sip_msg_value(two.m, SIP_HDR_CALL_ID)),
                   STR_ARG(sip_msg_tag(two.m, SIP_HDR_FROM)));
    CHECK_STR(e.replaces, want);
    CHECK_STR(e.uri, "sip:gw@10.0.2.1");
    CHECK_STR(e.uui, "03;purpose=x");
    CHECK_BYTES(sip_msg_value(got.m, SIP_HDR_CALL_ID), sip_msg_value(one.m, SIP_HDR_CALL_ID));
    raw_reply(&w.gateway, &hop, got.m, "202 Accepted", NULL, "Contact: <sip:gw@10.0.2.1>\n",
              "");
    world_run(&w, 100);
    CHECK_INT(ann->s.last_status, 202);
    /* the id of its NOTIFY is the CSeq that the phone's REFER had */
    struct sip_cseq there;
    CHECK_INT(sip_msg_cseq(got.m, &there), 0);
    char event[96];
    (void)snprintf(event, sizeof(event),
                   "Event: refer;id=%u\nSubscription-State: active;expires=60\n", there.number);
    struct text_msg gw = {.m = one.m};
    world_raw_request(&w, &w.gateway, "NOTIFY", 9, &gw, event, "");
    world_run(&w, 100);
    struct str id = header(ann, "NOTIFY", 0, "Event");
    CHECK(str_starts(id, STR("refer;id=")));
    (void)snprintf(want, sizeof(want), "refer;id=%u", first->dialog->local_cseq);
    CHECK_STR(id, want);
    arena_fini(&arena);
    text_free(&one);
    text_free(&two);
    text_free(&got);
    hang_up(first, ann);
    world_down(&w);
}

/* ---- a network that loses ---- */

/** Each of the first packets of a transfer is lost once, in either direction. */
static void test_losses(void)
{
    static const struct {
        bool to_engine;
        unsigned phone;
        const char *pattern;
    } rows[] = {
        {true, 1, "REFER"},      {false, 1, "202 REFER"}, {false, 1, "NOTIFY"},
        {true, 1, "200 NOTIFY"}, {false, 2, "INVITE"},    {true, 2, "180 INVITE"},
        {true, 2, "200 INVITE"}, {false, 2, "ACK"},       {false, 0, "INVITE"},
        {true, 0, "200 INVITE"}, {false, 0, "ACK"},       {false, 1, "BYE"},
        {true, 1, "200 BYE"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char what[64];
        up(&(struct world_options){.no_apps = true, .seed = 100 + i});
        (void)snprintf(what, sizeof(what), "lost: %s", rows[i].pattern);
        test_context(what);
        REQUIRE(world_call(&w, ann, bob));
        const struct vnode *p = PHONE_NODE(&w, rows[i].phone);
        wire_lose(&w.wire, rows[i].to_engine ? p : ENGINE(&w),
                  rows[i].to_engine ? ENGINE(&w) : p, rows[i].pattern, 0, 1);
        cleo->on_call = 200;
        refer(bob, bob->s.leg, "Refer-To: <sip:1003@example.com>\r\n");
        world_run(&w, 12000);
        CHECK(phone_talks(ann) && phone_talks(cleo) && !phone_talks(bob));
        CHECK(told(bob, "200 OK"));
        test_context(NULL);
        world_down(&w);
    }
}

TEST_MAIN(T(test_blind), T(test_attended), T(test_chain), T(test_pickup), T(test_click_to_call),
          T(test_click_to_call_fails), T(test_passed), T(test_strangers), T(test_losses))
