/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that go on in another dialog: what stays byte for byte, what is ours, bodies, tags.
 */
#include "base/err.h"
#include "fixture_leg.h"
#include <stdio.h>

struct peer {
    struct vnet net;
    struct station s;
    struct raw p, q; /**< p calls, q is called */
    struct leg *in, *out;
    struct text_msg m;
};

static void up(struct peer *w)
{
    static const struct leg_config config = {.session_expires_s = 1800,
                                             .allow = STR_INIT("INVITE, ACK, BYE"),
                                             .accept = STR_INIT("application/sdp"),
                                             .allow_events = STR_INIT("talk"),
                                             .contact_user = STR_INIT("baton")};
    vnet_init(&w->net, 1);
    station_up(&w->s, &w->net, "baton", "10.0.0.1", &config);
    w->s.auto_ack = w->s.auto_answer = false;
    w->s.txn.user_agent_line = STR("User-Agent: Baton\r\n");
    w->s.txn.server_line = STR("Server: Baton\r\n");
    raw_up(&w->p, &w->net, "p", "10.0.0.7");
    raw_up(&w->q, &w->net, "q", "10.0.0.8");
    w->m = (struct text_msg){NULL, NULL};
    w->in = w->out = NULL;
}

static void down(struct peer *w)
{
    text_free(&w->m);
    if (w->in != NULL) {
        leg_free(w->in);
    }
    if (w->out != NULL) {
        leg_free(w->out);
    }
    CHECK(vnet_run_quiet(&w->net, 400000));
    station_check_empty(&w->s);
    station_down(&w->s);
    raw_down(&w->p);
    raw_down(&w->q);
    vnet_fini(&w->net);
}

static void next(struct peer *w, struct raw *r)
{
    vnet_run_for(&w->net, 20);
    text_free(&w->m);
    w->m = raw_take(r);
}

/** The head from the first line that starts with `from`, without what stands before. */
static bool holds(const struct text_msg *t, struct str text)
{
    struct str all = str_make(t->m->buf, t->m->len);
    return str_find(all, text) < all.n;
}

#define ODD                                                                      \
    "User-to-User:   0401;encoding = hex\r\n ,\r\n\t0402 ; purpose=isdn-uui\r\n" \
    "X-Unknown:\tone\r\n"                                                        \
    "x-unKNown : two\r\n"                                                        \
    "u: hold\r\n"                                                                \
    "P-Asserted-Identity: \"A\" <sip:a@x>\r\n"                                   \
    "User-to-User: 0403\r\n"                                                     \
    "Subject:   spaces   inside  \r\n"                                           \
    "User-Agent: phone/1\r\n"                                                    \
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"

static const char request[] =
    "INVITE sip:b@10.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa\r\n"
    "v: SIP/2.0/UDP 10.5.5.5;branch=z9hG4bKb\r\n"
    "Max-Forwards: 70\r\n"
    "Record-Route: <sip:10.0.0.7;lr>\r\n"
    "Proxy-Require: foo\r\n"
    "f: <sip:a@x>;tag=1\r\nt: <sip:b@x>\r\ni: 1\r\nCSeq: 5 INVITE\r\n"
    "m: <sip:a@10.0.0.7>\r\n"
    "Supported: 100rel , timer,path, uui, x-own\r\n"
    "Require: uui\r\n"
    "Allow: INVITE, FROB\r\nx: 900\r\nMin-SE: 100\r\nAuthorization: Digest x=\"y\"\r\n" ODD
    "l: 10\r\n"
    "c: application/sdp\r\n"
    "\r\n"
    "v=0\r\no=1\r\n";

/** p calls; w->in and s.last hold it. */
static void incoming(struct peer *w, const char *text)
{
    struct hop to = vnet_hop(&w->s.node, TP_UDP);
    (void)w->p.node.env.open(&w->p.node, &to, STR_NONE);
    struct str run = str_c(text);
    CHECK_INT(w->p.node.env.send(&w->p.node, &to, &run, 1), 0);
    vnet_run_for(&w->net, 20);
    w->in = w->s.leg;
}

static void pass_on(struct peer *w, struct leg_content c)
{
    struct leg_invite args = {.request_uri = STR("sip:b@10.0.0.8"),
                              .from = STR("<sip:a@x>"),
                              .to = STR("<sip:b@x>"),
                              .target = {.hop = vnet_hop(&w->q.node, TP_TCP)},
                              .content = c};
    w->out = leg_invite(&w->s.legs, &args, &station_user, &w->s, w->net.now_ms);
    arena_reset(&w->s.arena);
    next(w, &w->q);
}

static void test_request_passes_byte_for_byte(void)
{
    struct peer w;
    up(&w);
    incoming(&w, request);
    REQUIRE(w.in != NULL && w.s.last != NULL);
    pass_on(&w, (struct leg_content){.pass = &w.s.last->m, .lines = STR("X-Added: 1\r\n")});
    REQUIRE(w.m.m != NULL);
    CHECK(holds(&w.m, STR(ODD "l: 10\r\nc: application/sdp\r\n\r\nv=0\r\no=1\r\n")));
    CHECK_STR(text_start(&w.m), "INVITE sip:b@10.0.0.8 SIP/2.0");
    CHECK_INT(w.m.m->count[SIP_HDR_VIA], 1);
    CHECK_STR(text_value(&w.m, "Max-Forwards"), "69");
    CHECK_STR(text_value(&w.m, "Record-Route"), "");
    CHECK_STR(text_value(&w.m, "Proxy-Require"), "");
    CHECK_STR(text_value(&w.m, "Authorization"), "");
    CHECK_STR(text_value(&w.m, "Supported"), "timer, 100rel, uui, x-own");
    CHECK_STR(text_value(&w.m, "Require"), "uui");
    CHECK_STR(text_value(&w.m, "Allow"), "INVITE, ACK, BYE");
    CHECK_STR(text_value(&w.m, "Session-Expires"), "1800");
    CHECK_STR(text_value(&w.m, "Min-SE"), "");
    CHECK_STR(text_value(&w.m, "Contact"), "<sip:baton@10.0.0.1:5060;transport=tcp>");
    CHECK_STR(text_value(&w.m, "Accept"), "application/sdp");
    CHECK_STR(text_value(&w.m, "X-Added"), "1");
    CHECK_INT(w.m.m->count[SIP_HDR_USER_AGENT], 1);
    CHECK_INT(w.m.m->count[SIP_HDR_ALLOW_EVENTS], 1);
    CHECK_INT(w.m.m->count[SIP_HDR_CALL_ID], 1);
    CHECK_INT(w.m.m->count[SIP_HDR_FROM], 1);
    CHECK_INT(w.m.m->count[SIP_HDR_CONTENT_LENGTH], 1);
    down(&w);
}

static void test_body_is_replaced_or_left_out(void)
{
    static const enum sip_hdr_id cut[] = {SIP_HDR_USER_TO_USER, SIP_HDR_DATE, SIP_HDR_OTHER};
    struct peer w;
    up(&w);
    incoming(&w, request);
    REQUIRE(w.s.last != NULL);
    struct sip_msg_own *m = w.s.last;
    w.s.last = NULL;
    pass_on(&w, (struct leg_content){.pass = &m->m,
                                     .type = STR("application/csta+xml"),
                                     .body = STR("<a/>"),
                                     .cut = cut});
    CHECK_STR(sip_msg_body(w.m.m), "<a/>");
    CHECK_STR(sip_msg_value(w.m.m, SIP_HDR_CONTENT_TYPE), "application/csta+xml");
    CHECK_STR(sip_msg_value(w.m.m, SIP_HDR_CONTENT_LENGTH), "4");
    CHECK_STR(text_value(&w.m, "User-to-User"), "");
    CHECK_STR(text_value(&w.m, "Date"), "");
    CHECK_STR(text_value(&w.m, "Subject"), "spaces   inside");
    leg_free(w.out);
    w.q.taken = w.q.in_n;
    pass_on(&w, (struct leg_content){.pass = &m->m, .no_body = true});
    CHECK_INT(sip_msg_body(w.m.m).n, 0);
    CHECK(!sip_msg_has(w.m.m, SIP_HDR_CONTENT_TYPE));
    CHECK_STR(sip_msg_value(w.m.m, SIP_HDR_CONTENT_LENGTH), "0");
    mem_free(&mem_libc, m);
    down(&w);
}

static void test_length_is_added_when_a_datagram_had_none(void)
{
    struct peer w;
    up(&w);
    incoming(&w,
             "INVITE sip:b@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa\r\n"
             "From: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\nCall-ID: 1\r\nCSeq: 5 INVITE\r\n"
             "Contact: <sip:a@10.0.0.7>\r\nContent-Type: text/plain\r\n\r\nhello");
    REQUIRE(w.s.last != NULL);
    pass_on(&w, (struct leg_content){.pass = &w.s.last->m});
    CHECK_STR(text_value(&w.m, "Content-Length"), "5");
    CHECK_STR(sip_msg_body(w.m.m), "hello");
    CHECK_STR(text_value(&w.m, "Max-Forwards"), "70");
    CHECK_STR(text_value(&w.m, "User-Agent"), "Baton");
    CHECK_STR(text_value(&w.m, "Allow-Events"), "talk");
    down(&w);
}

static void test_max_forwards(void)
{
    struct text_msg m = text_parse("INFO sip:b@x SIP/2.0\nMax-Forwards: 1\n\n");
    uint32_t n = 9;
    CHECK_INT(leg_max_forwards(m.m, &n), 0);
    CHECK_INT(n, 0);
    text_free(&m);
    m = text_parse("INFO sip:b@x SIP/2.0\nMax-Forwards: 0\n\n");
    CHECK_INT(leg_max_forwards(m.m, &n), E_VALUE);
    text_free(&m);
    m = text_parse("INFO sip:b@x SIP/2.0\n\n");
    CHECK_INT(leg_max_forwards(m.m, &n), 0);
    CHECK_INT(n, 70);
    text_free(&m);
}

static void test_response_passes_byte_for_byte(void)
{
    struct peer w;
    up(&w);
    incoming(&w, request);
    REQUIRE(w.in != NULL);
    struct text_msg far = text_parse(
        "SIP/2.0 183 In  Bearbeitung \nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx\n"
        "Record-Route: <sip:10.0.0.8;lr>\nFrom: <sip:a@x>;tag=9\nTo: <sip:b@x>;tag=8\n"
        "Call-ID: far\nCSeq: 77 INVITE\nContact: <sip:b@10.0.0.8>\nServer: other\n"
        "Require: 100rel\nRSeq: 4711\nUser-to-User:  04;x\nWarning: 399 x \"w\"\n\n");
    REQUIRE(far.m != NULL);
    struct leg_content c = {.pass = far.m};
    CHECK_INT(leg_respond(w.in, NULL, 183, STR_NONE, &c, w.net.now_ms), 0);
    next(&w, &w.p);
    CHECK_STR(text_start(&w.m), "SIP/2.0 183 In  Bearbeitung ");
    CHECK(holds(&w.m, STR("RSeq: 4711\r\nUser-to-User:  04;x\r\nWarning: 399 x \"w\"\r\n")));
    CHECK_INT(w.m.m->count[SIP_HDR_VIA], 2);
    CHECK_STR(text_value(&w.m, "Record-Route"), "<sip:10.0.0.7;lr>");
    CHECK_INT(w.m.m->count[SIP_HDR_RECORD_ROUTE], 1);
    CHECK_STR(sip_msg_tag(w.m.m, SIP_HDR_FROM), "1");
    CHECK_BYTES(sip_msg_tag(w.m.m, SIP_HDR_TO), w.in->dialog->local_tag);
    CHECK_STR(text_value(&w.m, "CSeq"), "5 INVITE");
    CHECK_STR(text_value(&w.m, "Require"), "100rel");
    CHECK_STR(text_value(&w.m, "Server"), "Baton");
    CHECK_STR(text_value(&w.m, "Contact"), "<sip:baton@10.0.0.1:5060>");
    text_free(&far);
    /* a refusal has no Contact of ours, a redirection keeps its own */
    far = text_parse("SIP/2.0 302 Moved\nFrom: x\nContact: <sip:c@10.0.0.9>;q=0.5\n"
                     "Contact: <sip:d@10.0.0.9>\nCall-ID: far\nUser-to-User: 77\n\n");
    c = (struct leg_content){.pass = far.m};
    CHECK_INT(leg_respond(w.in, NULL, 302, STR("Gone away"), &c, w.net.now_ms), 0);
    next(&w, &w.p);
    CHECK_STR(text_start(&w.m), "SIP/2.0 302 Gone away");
    CHECK_STR(text_value(&w.m, "Contact"), "<sip:c@10.0.0.9>;q=0.5");
    CHECK_INT(w.m.m->count[SIP_HDR_CONTACT], 2);
    CHECK_STR(text_value(&w.m, "User-to-User"), "77");
    text_free(&far);
    w.in = NULL;
    struct hop to = vnet_hop(&w.s.node, TP_UDP); /* the ACK to the 302 */
    raw_sendf(&w.p, &to,
              "ACK sip:b@10.0.0.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa\n"
              "From: <sip:a@x>;tag=1\nTo: <sip:b@x>;tag=%.*s\nCall-ID: 1\nCSeq: 5 ACK\n\n",
              STR_ARG(sip_msg_tag(w.m.m, SIP_HDR_TO)));
    down(&w);
}

static void test_prack_gets_the_cseq_of_our_invite(void)
{
    struct peer w;
    up(&w);
    w.s.legs.config.session_expires_s = 0;
    pass_on(&w, (struct leg_content){.type = STR("application/sdp"), .body = SDP_A});
    struct hop back = raw_from(&w.q);
    raw_reply(&w.q, &back, w.m.m, "183 Progress", "t",
              "Contact: <sip:q@10.0.0.8;transport=tcp>\nRequire: 100rel\nRSeq: 5\n", "");
    vnet_run_for(&w.net, 20);
    CHECK_STR(str_c(w.s.log), "183");
    struct text_msg far = text_parse("PRACK sip:b@x SIP/2.0\nCSeq: 9 PRACK\nCall-ID: i\n"
                                     "Max-Forwards: 5\nRAck: 5   8  INVITE\nX-A: b\n\n");
    REQUIRE(far.m != NULL);
    struct leg_content c = {.pass = far.m};
    CHECK_INT(leg_send(w.out, NULL, STR("PRACK"), &c, station_listen, &w.s, NULL, w.net.now_ms),
              0);
    next(&w, &w.q);
    CHECK_STR(text_value(&w.m, "RAck"), "5 1 INVITE");
    CHECK_STR(text_value(&w.m, "CSeq"), "2 PRACK");
    CHECK_STR(text_value(&w.m, "X-A"), "b");
    CHECK_STR(text_value(&w.m, "Max-Forwards"), "4");
    back = raw_from(&w.q);
    raw_reply(&w.q, &back, w.m.m, "200 OK", "", "", "");
    vnet_run_for(&w.net, 20);
    CHECK_STR(str_c(w.s.log), "183 answer:200");
    text_free(&far);
    far = text_parse("INFO sip:b@x SIP/2.0\nCSeq: 9 INFO\nCall-ID: i\nMax-Forwards: 0\n\n");
    c = (struct leg_content){.pass = far.m};
    CHECK_INT(leg_send(w.out, NULL, STR("INFO"), &c, NULL, NULL, NULL, w.net.now_ms), E_VALUE);
    text_free(&far);
    down(&w);
}

static void test_edit_cuts_neighbours_as_one(void)
{
    char text[9000];
    size_t n = (size_t)snprintf(text, sizeof(text), "INFO sip:b@x SIP/2.0\n");
    for (int i = 0; i < 120; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n,
                              "Via: SIP/2.0/UDP h%d;branch=z9hG4bK\n", i);
    }
    snprintf(text + n, sizeof(text) - n, "X-Y: 1\nCall-ID: 2\n\n");
    struct text_msg m = text_parse(text);
    REQUIRE(m.m != NULL);
    struct arena arena;
    static struct sip_edit e;
    static struct str run[SIP_RUN_MAX];
    arena_init(&arena, &mem_libc, 4096);
    sip_edit_init(&e, m.m, &arena);
    leg_edit_pass(&e, NULL);
    CHECK_INT(e.count, 2);
    int runs = sip_edit_emit(&e, run);
    REQUIRE(runs > 0);
    struct str all = sip_runs_flatten(&mem_libc, run, (size_t)runs);
    CHECK_STR(all, "INFO sip:b@x SIP/2.0\r\nX-Y: 1\r\nContent-Length: 0\r\n\r\n");
    mem_free(&mem_libc, (void *)(uintptr_t)all.p);
    arena_fini(&arena);
    text_free(&m);
}

static void test_option_tags(void)
{
    struct text_msg m = text_parse("INFO sip:b@x SIP/2.0\nSupported: timer, 100REL,,\n"
                                   "k: foo ,outbound\nRequire: path\n\n");
    char buf[64];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    leg_write_tags(&o, m.m, SIP_HDR_SUPPORTED, STR("replaces, x"));
    CHECK_STR(out_str_of(&o), "100REL, foo");
    out_init(&o, buf, sizeof(buf));
    leg_write_tags(&o, m.m, SIP_HDR_REQUIRE, STR_NONE);
    CHECK_INT(o.n, 0);
    text_free(&m);
}

TEST_MAIN(T(test_request_passes_byte_for_byte), T(test_body_is_replaced_or_left_out),
          T(test_length_is_added_when_a_datagram_had_none), T(test_max_forwards),
          T(test_response_passes_byte_for_byte), T(test_prack_gets_the_cseq_of_our_invite),
          T(test_edit_cuts_neighbours_as_one), T(test_option_tags))
