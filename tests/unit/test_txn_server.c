/* SPDX-License-Identifier: Apache-2.0 */
/* Server side: matching, responses, where they go. */
#include "fixture_txn.h"

#define OLD_VIA "SIP/2.0/UDP 192.0.2.9:5060"

/* ---- matching (§17.2.3) ---- */

static void test_retransmission_gets_the_last_response(void)
{
    struct fx f;
    struct txn *out;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){0}, &out), TXN_IN_ABSORBED);
    CHECK(out == t);
    CHECK_INT(f.sent_n, 0);
    CHECK_INT(txn_reply_status(t, 180, f.now), 0);
    CHECK_INT(txn_reply_status(t, 183, f.now), 0);
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){0}, &out), TXN_IN_ABSORBED);
    CHECK_INT(f.sent_n, 3);
    CHECK_BYTES(f.sent[2].bytes, f.sent[1].bytes);
    CHECK_INT(txn_reply_status(t, 404, f.now), 0);
    CHECK(t->req == NULL);
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){0}, &out), TXN_IN_ABSORBED);
    CHECK_INT(f.sent_n, 5);
    CHECK_BYTES(f.sent[4].bytes, f.sent[3].bytes);
    CHECK_INT(f.l.stats.absorbed, 3);
    fx_fini(&f);
}

/** Each part of the key alone makes a request another one, before and after the final. */
static void test_cookie_matching(void)
{
    static const struct {
        struct fx_req r;
        enum txn_in in;
    } rows[] = {
        {{.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKone;rport"}, TXN_IN_ABSORBED},
        {{.via = "SIP/2.0/UDP 192.0.2.9;rport;branch=z9hG4bKone"}, TXN_IN_ABSORBED},
        {{.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9HG4bkONE"}, TXN_IN_ABSORBED},
        {{.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKone", .call_id = "other"},
         TXN_IN_ABSORBED}, /* the branch decides */
        {{.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKtwo", .call_id = "other"},
         TXN_IN_NEW},
        {{.via = "SIP/2.0/UDP 192.0.2.8:5060;branch=z9hG4bKone", .call_id = "other"},
         TXN_IN_NEW},
        {{.via = "SIP/2.0/UDP 192.0.2.9:5061;branch=z9hG4bKone", .call_id = "other"},
         TXN_IN_NEW},
        {{.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKone",
          .call_id = "other",
          .method = "BYE"},
         TXN_IN_NEW},
    };
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        struct fx f;
        struct txn *out;
        fx_init(&f);
        struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){.lines = "Subject: x\n"});
        CHECK_INT(txn_reply_status(t, i % 2 ? 603 : 180, f.now), 0);
        CHECK_INT(fx_offer(&f, TP_UDP, rows[i / 2].r, &out), rows[i / 2].in);
        fx_fini(&f);
    }
}

static void test_unknown_methods_are_told_apart(void)
{
    struct fx f;
    struct txn *out;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){.method = "FOO"});
    CHECK_INT(t->method, SIP_METHOD_OTHER);
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){.method = "FOO"}, &out), TXN_IN_ABSORBED);
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){.method = "BAR"}, &out), TXN_IN_NEW);
    CHECK_INT(txn_reply_status(t, 501, f.now), 0);
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){.method = "FOO"}, &out), TXN_IN_ABSORBED);
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){.method = "BAR"}, &out), TXN_IN_NEW);
    fx_fini(&f);
}

static void test_old_clients_without_a_branch(void)
{
    static const struct {
        struct fx_req r;
        enum txn_in in;
    } rows[] = {
        {{.via = OLD_VIA}, TXN_IN_ABSORBED},
        {{.via = OLD_VIA, .ruri = "sip:carol@example.com"}, TXN_IN_MERGED},
        {{.via = OLD_VIA, .from_tag = "gt"}, TXN_IN_NEW},
        {{.via = OLD_VIA, .call_id = "call-2"}, TXN_IN_NEW},
        {{.via = OLD_VIA, .cseq = 8}, TXN_IN_NEW},
        {{.via = OLD_VIA, .to_tag = "x"}, TXN_IN_NEW},
        {{.via = "SIP/2.0/UDP 192.0.2.10:5060"}, TXN_IN_MERGED},
        {{.via = "SIP/2.0/TCP 192.0.2.9:5060"}, TXN_IN_MERGED},
        {{.via = OLD_VIA ";branch=1"}, TXN_IN_MERGED},
        {{.via = OLD_VIA ";branch=z9hG4bKnew"}, TXN_IN_MERGED},
        {{.via = OLD_VIA, .method = "OPTIONS"}, TXN_IN_NEW},
    };
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        struct fx f;
        struct txn *out;
        fx_init(&f);
        struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){.via = OLD_VIA});
        if (i % 2 == 0) {
            CHECK_INT(txn_reply_status(t, 486, f.now), 0);
        }
        bool tag_unknown = i % 2 == 0 && rows[i / 2].r.to_tag != NULL;
        CHECK_INT(fx_offer(&f, TP_UDP, rows[i / 2].r, &out), rows[i / 2].in);
        CHECK(!tag_unknown || out == NULL);
        fx_fini(&f);
    }
}

/** The cookie with nothing behind it says nothing (RFC 4475 §3.2.1): as without a branch. */
static void test_empty_cookie_counts_as_none(void)
{
    const char *via = OLD_VIA ";branch=z9hG4bK";
    struct fx f;
    struct txn *out;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){.via = via});
    CHECK(t != NULL);
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){.via = via}, &out), TXN_IN_ABSORBED);
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){.via = via, .call_id = "2"}, &out),
              TXN_IN_NEW);
    fx_fini(&f);
}

static void test_old_ack_has_the_tag_of_the_response(void)
{
    struct fx f;
    struct txn *out;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){.via = OLD_VIA});
    struct txn_reply r = {.status = 486, .to_tag = STR("mine")};
    CHECK_INT(txn_reply(t, &r, f.now), 0);
    struct fx_req ack = {.via = OLD_VIA, .method = "ACK", .to_tag = "yours"};
    CHECK_INT(fx_offer(&f, TP_UDP, ack, &out), TXN_IN_ACK);
    CHECK(out == NULL);
    CHECK_INT(t->state, TXN_COMPLETED);
    ack.to_tag = "mine";
    CHECK_INT(fx_offer(&f, TP_UDP, ack, &out), TXN_IN_ABSORBED);
    CHECK_INT(t->state, TXN_CONFIRMED);
    fx_fini(&f);
}

static void test_ack_of_the_same_branch(void)
{
    struct fx f;
    struct txn *out;
    struct fx_req ack = {.method = "ACK"};
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(fx_offer(&f, TP_UDP, ack, &out), TXN_IN_ABSORBED); /* before any final */
    CHECK_INT(f.l.stats.stray_acks, 1);
    CHECK_INT(t->state, TXN_PROCEEDING);
    CHECK_INT(txn_reply_status(t, 486, f.now), 0);
    CHECK_INT(fx_offer(&f, TP_UDP, ack, &out), TXN_IN_ABSORBED);
    CHECK_INT(t->state, TXN_CONFIRMED);
    fx_run(&f, 1000);
    CHECK_INT(f.sent_n, 1); /* G has stopped */
    CHECK_INT(fx_offer(&f, TP_UDP, ack, &out), TXN_IN_ABSORBED);
    CHECK_INT(f.l.stats.absorbed, 1);
    fx_run(&f, 5000);
    CHECK_INT(fx_offer(&f, TP_UDP, ack, &out), TXN_IN_ACK);
    CHECK(out == NULL);
    fx_fini(&f);
}

static void test_ack_to_a_2xx_is_passed_on(void)
{
    struct fx f;
    struct txn *out;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(txn_reply_status(t, 200, f.now), 0);
    CHECK_INT(fx_offer(&f, TP_UDP, (struct fx_req){.method = "ACK"}, &out), TXN_IN_ACK);
    CHECK(out == t);
    struct fx_req ack = {.method = "ACK", .via = "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKack"};
    CHECK_INT(fx_offer(&f, TP_UDP, ack, &out), TXN_IN_ACK);
    CHECK(out == NULL);
    fx_fini(&f);
}

static void test_merged_request(void)
{
    struct fx_req by_another_path = {.via = "SIP/2.0/UDP 192.0.2.77;branch=z9hG4bKother"};
    struct fx f;
    struct fx_msg x;
    struct txn *out;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(fx_offer(&f, TP_UDP, by_another_path, &out), TXN_IN_MERGED);
    CHECK(out == t);
    CHECK_INT(txn_reply_status(t, 200, f.now), 0);
    CHECK_INT(fx_offer(&f, TP_UDP, by_another_path, &out), TXN_IN_MERGED);
    by_another_path.to_tag = "in-a-dialog";
    CHECK_INT(fx_offer(&f, TP_UDP, by_another_path, &out), TXN_IN_NEW);
    by_another_path.to_tag = NULL;
    by_another_path.method = "OPTIONS"; /* CSeq differs in its method */
    CHECK_INT(fx_offer(&f, TP_UDP, by_another_path, &out), TXN_IN_NEW);
    /* It may get a transaction of its own for its 482. */
    by_another_path.method = NULL;
    struct hop from = fx_hop(TP_UDP);
    const struct sip_msg *m = fx_request(&x, by_another_path);
    struct txn *second = txn_server_new(&f.l, m, &from, &fx_user, &f, f.now);
    CHECK_INT(txn_reply_status(second, 482, f.now), 0);
    CHECK_INT(txn_on_request(&f.l, m, &from, f.now, &out), TXN_IN_ABSORBED);
    CHECK(out == second);
    fx_run(&f, 40000);
    by_another_path.via = NULL;
    CHECK_INT(fx_offer(&f, TP_UDP, by_another_path, &out), TXN_IN_NEW); /* all over */
    fx_fini(&f);
}

static void test_cancel_finds_its_invite(void)
{
    struct fx f;
    struct fx_msg x;
    struct txn *out;
    struct hop from = fx_hop(TP_UDP);
    struct fx_req cancel = {.method = "CANCEL"};
    fx_init(&f);
    CHECK_INT(fx_offer(&f, TP_UDP, cancel, &out), TXN_IN_NEW); /* of nothing: 481 */
    CHECK(out == NULL);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    struct txn *info =
        fx_server(&f, TP_UDP,
                  (struct fx_req){.method = "INFO",
                                  .via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKinfo"});
    CHECK(info != NULL);
    const struct sip_msg *m = fx_request(&x, cancel);
    CHECK_INT(txn_on_request(&f.l, m, &from, f.now, &out), TXN_IN_CANCEL);
    CHECK(out == t);
    struct txn *c = txn_server_new(&f.l, m, &from, &fx_user, &f, f.now);
    CHECK_INT(txn_reply_status(c, 200, f.now), 0);
    CHECK_INT(txn_reply_status(t, 487, f.now), 0);
    /* One tag for both (§9.2). */
    struct str a = sip_msg_tag(fx_sent_msg(&f, 0, &x), SIP_HDR_TO);
    char first[32];
    CHECK_INT(a.n, 16);
    memcpy(first, a.p, 16);
    CHECK_BYTES(sip_msg_tag(fx_sent_msg(&f, 1, &x), SIP_HDR_TO), str_make(first, 16));
    CHECK_INT(fx_offer(&f, TP_UDP, cancel, &out), TXN_IN_ABSORBED);
    CHECK(out == c);
    CHECK_BYTES(f.sent[2].bytes, f.sent[0].bytes);
    /* Only an INVITE can be cancelled; only from the same sent-by and the same host. */
    struct hop stranger = from;
    stranger.remote = fx_addr("203.0.113.66:5060");
    struct fx_req another = {.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKtwo;rport",
                             .call_id = "another"};
    t = fx_server(&f, TP_UDP, another);
    another.method = "CANCEL";
    m = fx_request(&x, another);
    CHECK_INT(txn_on_request(&f.l, m, &stranger, f.now, &out), TXN_IN_NEW);
    CHECK(out == NULL);
    stranger = from;
    stranger.remote.port++;
    CHECK_INT(txn_on_request(&f.l, m, &stranger, f.now, &out), TXN_IN_CANCEL);
    CHECK(out == t);
    cancel.via = "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKinfo";
    CHECK_INT(fx_offer(&f, TP_UDP, cancel, &out), TXN_IN_NEW);
    cancel.via = "SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bKone";
    CHECK_INT(fx_offer(&f, TP_UDP, cancel, &out), TXN_IN_NEW);
    fx_fini(&f);
}

static void test_cancel_of_an_old_client(void)
{
    struct fx f;
    struct txn *out;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){.via = OLD_VIA});
    struct fx_req cancel = {.method = "CANCEL", .via = OLD_VIA};
    CHECK_INT(fx_offer(&f, TP_UDP, cancel, &out), TXN_IN_CANCEL);
    CHECK(out == t);
    cancel.call_id = "other";
    CHECK_INT(fx_offer(&f, TP_UDP, cancel, &out), TXN_IN_NEW);
    fx_fini(&f);
}

/* ---- Via of responses, and where they go ---- */

struct via_row {
    const char *via, *source;
    enum transport tp;
    const char *written, *goes_to;
};

static const struct via_row via_rows[] = {
    /* sent-by is the source: as it came, and to the port of sent-by */
    {"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx", "192.0.2.9:5060", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx", "192.0.2.9:5060"},
    {"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx", "192.0.2.9:40000", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx", "192.0.2.9:5060"},
    {"SIP/2.0/UDP 192.0.2.9:5080;branch=z9hG4bKx", "192.0.2.9:40000", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9:5080;branch=z9hG4bKx", "192.0.2.9:5080"},
    /* a name or another address: received */
    {"SIP/2.0/UDP pc.example.com:5080;branch=z9hG4bKx", "192.0.2.9:40000", TP_UDP,
     "SIP/2.0/UDP pc.example.com:5080;branch=z9hG4bKx;received=192.0.2.9", "192.0.2.9:5080"},
    {"SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx", "192.0.2.9:40000", TP_UDP,
     "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKx;received=192.0.2.9", "192.0.2.9:5060"},
    /* rport: both, also when nothing differs, and back to the source port */
    {"SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKx", "192.0.2.9:40000", TP_UDP,
     "SIP/2.0/UDP 10.0.0.1:5060;rport=40000;branch=z9hG4bKx;received=192.0.2.9",
     "192.0.2.9:40000"},
    {"SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx;rport", "192.0.2.9:5060", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx;rport=5060;received=192.0.2.9",
     "192.0.2.9:5060"},
    {"SIP/2.0/UDP 10.0.0.1;RPORT=1;branch=z9hG4bKx", "192.0.2.9:40000", TP_UDP,
     "SIP/2.0/UDP 10.0.0.1;RPORT=40000;branch=z9hG4bKx;received=192.0.2.9", "192.0.2.9:40000"},
    /* a received of the client's own is not believed */
    {"SIP/2.0/UDP 192.0.2.9;received=1.2.3.4;branch=z9hG4bKx", "192.0.2.9:5060", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx", "192.0.2.9:5060"},
    {"SIP/2.0/UDP h.example;branch=z9hG4bKx;received=1.2.3.4;x=\"a;b\"", "192.0.2.9:5060",
     TP_UDP, "SIP/2.0/UDP h.example;branch=z9hG4bKx;x=\"a;b\";received=192.0.2.9",
     "192.0.2.9:5060"},
    /* maddr */
    {"SIP/2.0/UDP 192.0.2.9:5070;maddr=203.0.113.5;branch=z9hG4bKx", "192.0.2.9:5070", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9:5070;maddr=203.0.113.5;branch=z9hG4bKx", "203.0.113.5:5070"},
    {"SIP/2.0/UDP 192.0.2.9;rport;maddr=203.0.113.5;branch=z9hG4bKx", "192.0.2.9:999", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9;rport=999;maddr=203.0.113.5;branch=z9hG4bKx;received=192.0.2.9",
     "203.0.113.5:5060"},
    {"SIP/2.0/UDP 192.0.2.9;maddr=name.example;branch=z9hG4bKx", "192.0.2.9:5060", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9;maddr=name.example;branch=z9hG4bKx", "192.0.2.9:5060"},
    /* IPv6: brackets in sent-by, none in received */
    {"SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bKx", "[2001:db8::9]:5060", TP_UDP,
     "SIP/2.0/UDP [2001:db8::9]:5060;branch=z9hG4bKx", "[2001:db8::9]:5060"},
    {"SIP/2.0/UDP [2001:DB8:0::9];rport;branch=z9hG4bKx", "[2001:db8::a]:6000", TP_UDP,
     "SIP/2.0/UDP [2001:DB8:0::9];rport=6000;branch=z9hG4bKx;received=2001:db8::a",
     "[2001:db8::a]:6000"},
    {"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx", "[2001:db8::a]:6000", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx;received=2001:db8::a", "[2001:db8::a]:5060"},
    {"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx", "[::ffff:192.0.2.9]:5060", TP_UDP,
     "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx", "[::ffff:192.0.2.9]:5060"},
    /* white space and folds */
    {"SIP / 2.0 / UDP 10.0.0.1 : 5060 ; branch = z9hG4bKx ;rport", "192.0.2.9:40000", TP_UDP,
     "SIP / 2.0 / UDP 10.0.0.1 : 5060;branch=z9hG4bKx;rport=40000;received=192.0.2.9",
     "192.0.2.9:40000"},
    /* streams: the connection */
    {"SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bKx", "192.0.2.9:40000", TP_TCP,
     "SIP/2.0/TCP 10.0.0.1:5060;branch=z9hG4bKx;received=192.0.2.9", "192.0.2.9:40000"},
    {"SIP/2.0/WSS df7jal23ls0d.invalid;rport;branch=z9hG4bKx", "192.0.2.9:40000", TP_WSS,
     "SIP/2.0/WSS df7jal23ls0d.invalid;rport=40000;branch=z9hG4bKx;received=192.0.2.9",
     "192.0.2.9:40000"},
};

static void test_received_rport_maddr(void)
{
    for (size_t i = 0; i < ARRAY_LEN(via_rows); i++) {
        const struct via_row *r = &via_rows[i];
        struct fx f;
        struct fx_msg x, y;
        struct addr want = fx_addr(r->goes_to);
        struct hop from = {r->tp == TP_UDP ? 1 : 20, (uint8_t)r->tp, fx_addr(r->source)};
        test_context(r->via);
        fx_init(&f);
        const struct sip_msg *m =
            fx_request(&x, (struct fx_req){.method = "INFO",
                                           .via = r->via,
                                           .lines = "v: SIP/2.0/UDP second;branch=z9hG4bK2, "
                                                    "SIP/2.0/TCP third;received=9.9.9.9\n"});
        struct txn *t = txn_server_new(&f.l, m, &from, &fx_user, &f, f.now);
        CHECK_INT(txn_reply_status(t, 200, f.now), 0);
        CHECK_INT(f.sent_n, 1);
        CHECK(addr_eq(&f.sent[0].hop.remote, &want));
        CHECK_INT(f.sent[0].hop.flow, from.flow); /* same socket, same connection */
        const struct sip_msg *sent = fx_sent_msg(&f, 0, &y);
        struct sip_values it = {0};
        struct str v;
        CHECK(sip_msg_each(sent, SIP_HDR_VIA, &it, &v));
        CHECK_STR(v, r->written);
        CHECK(sip_msg_each(sent, SIP_HDR_VIA, &it, &v));
        CHECK_STR(v, "SIP/2.0/UDP second;branch=z9hG4bK2");
        CHECK(sip_msg_each(sent, SIP_HDR_VIA, &it, &v));
        CHECK_STR(v, "SIP/2.0/TCP third;received=9.9.9.9");
        CHECK(!sip_msg_each(sent, SIP_HDR_VIA, &it, &v));
        fx_fini(&f);
    }
    test_context(NULL);
}

/** maddr of the other address family: another socket must be found. */
static void test_maddr_of_the_other_family(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_server(
        &f, TP_UDP,
        (struct fx_req){.via = "SIP/2.0/UDP 192.0.2.9;maddr=[2001:db8::5];branch=z9hG4bKx"});
    CHECK_INT(txn_reply_status(t, 180, f.now), 0);
    struct addr want = fx_addr("[2001:db8::5]:5060");
    CHECK(addr_eq(&f.opened.remote, &want));
    CHECK(addr_eq(&f.sent[0].hop.remote, &want));
    fx_fini(&f);
}

#define GONE_VIA "SIP/2.0/TCP 10.0.0.1:5077;branch=z9hG4bKx"

static void test_connection_gone_opens_another(void)
{
    for (int i = 0; i < 3; i++) {
        struct fx f;
        struct txn *out;
        fx_init(&f);
        struct txn *t = fx_server(&f, TP_TCP, (struct fx_req){.via = GONE_VIA});
        struct addr want = fx_addr("192.0.2.9:5077"); /* the source, at the port of sent-by */
        if (i == 0) {
            txn_on_flow_closed(&f.l, 20, f.now);
        } else {
            f.dead = 20; /* nobody told us yet */
        }
        f.open_err = i == 2 ? E_IO : 0;
        CHECK_INT(txn_reply_status(t, 180, f.now), i == 2 ? E_IO : 0);
        CHECK(addr_eq(&f.opened.remote, &want));
        CHECK_INT(f.heard_n, 0);
        fx_tick(&f);
        CHECK_INT(f.heard_n, i == 2);
        CHECK_INT(f.sent_n, i != 2);
        CHECK_INT(t->state, TXN_PROCEEDING);
        if (i == 2) { /* the user may go on, and another failure is told again */
            CHECK_INT(f.heard[0].value, TXN_TRANSPORT);
            CHECK_INT(txn_reply_status(t, 486, f.now), E_IO);
            fx_run(&f, 100000);
            CHECK_INT(f.heard_n, 3);
            CHECK_INT(f.heard[1].what, 'f');
            CHECK_INT(f.heard[1].value, TXN_TRANSPORT);
            CHECK_INT(f.heard[2].what, 'g');
        } else {
            CHECK_INT(f.sent[0].hop.flow, 100);
            f.opened = (struct hop){0};
            CHECK_INT(txn_reply_status(t, 486, f.now), 0); /* over the same new one */
            CHECK_INT(f.sent[1].hop.flow, 100);
            CHECK_INT(f.opened.flow, 0);
            f.dead = 100; /* and that is gone too, and nobody said so */
            CHECK_INT(fx_offer(&f, TP_TCP, (struct fx_req){.via = GONE_VIA}, &out),
                      TXN_IN_ABSORBED);
            CHECK_INT(f.sent[2].hop.flow, 101);
            txn_on_flow_closed(&f.l, 101, f.now);
            CHECK_INT(t->reply_hop.flow, 0);
        }
        fx_fini(&f);
    }
}

/**
 * RFC 3261 §18.2.2, RFC 3263 §5: the connection is gone, and sent-by is a name. Who answers at
 * the source address must prove that name; when nobody does, the name's servers are tried.
 */
static void test_connection_gone_and_sent_by_is_a_name(void)
{
    static const struct fx_req request = {
        .method = "INFO", .via = "SIP/2.0/TLS phone.example.com;branch=z9hG4bKn"};
    static const struct fx_req invite = {
        .via = "SIP/2.0/TLS phone.example.com:5077;branch=z9hG4bKi"};
    struct fx f;
    fx_init(&f);
    struct addr source = fx_addr("192.0.2.9:5061"), named = fx_addr("203.0.113.7:5061");
    struct txn *t = fx_server(&f, TP_TLS, request);
    size_t live = f.tm.live;
    txn_on_flow_closed(&f.l, 20, f.now);
    CHECK_INT(txn_reply_status(t, 200, f.now), 0);
    CHECK(addr_eq(&f.opened.remote, &source));
    CHECK_STR(str_c(f.opened_name), "phone.example.com");
    CHECK_INT(f.tm.live, live); /* the response in place of the request, and nothing else */
    CHECK_INT(t->state, TXN_COMPLETED);
    /* nobody there, or somebody else */
    txn_on_flow_closed(&f.l, 100, f.now);
    CHECK(addr_eq(&f.opened.remote, &named));
    CHECK_STR(str_c(f.opened_name), "phone.example.com");
    CHECK_INT(f.sent_n, 2);
    CHECK_INT(f.sent[1].hop.flow, 101);
    CHECK_BYTES(f.sent[0].bytes, f.sent[1].bytes);
    txn_on_flow_closed(&f.l, 101, f.now); /* and there is nobody else */
    CHECK_INT(f.sent_n, 2);
    fx_run(&f, 32000);
    CHECK_INT(txn_count(&f.l), 0);
    /* of an INVITE, with a port, and the look-up takes its time */
    t = fx_server(&f, TP_TLS, invite);
    txn_on_flow_closed(&f.l, 20, f.now);
    f.open_err = E_IO;
    f.resolve_err = E_AGAIN;
    CHECK_INT(txn_reply_status(t, 486, f.now), 0);
    CHECK_INT(f.opened.remote.port, 5077);
    f.open_err = f.resolve_err = 0;
    txn_on_resolved(&f.l, f.now);
    CHECK_INT(f.sent_n, 3);
    named.port = 5077;
    CHECK(addr_eq(&f.sent[2].hop.remote, &named));
    fx_run(&f, 40000);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

/** The same without any way: it is told once, and the look-up is no way to wait for ever. */
static void test_connection_gone_and_no_other(void)
{
    static const struct fx_req request = {
        .method = "INFO", .via = "SIP/2.0/TLS phone.example.com;branch=z9hG4bKn"};
    for (int wait = 0; wait < 2; wait++) {
        struct fx f;
        fx_init(&f);
        struct txn *t = fx_server(&f, TP_TLS, request);
        txn_on_flow_closed(&f.l, 20, f.now);
        f.open_err = E_IO;
        f.resolve_err = wait ? E_AGAIN : E_NOTFOUND;
        CHECK_INT(txn_reply_status(t, 200, f.now), wait ? 0 : E_IO);
        if (wait) {
            f.resolve_err = E_NOTFOUND;
            txn_on_resolved(&f.l, f.now);
        }
        fx_run(&f, 33000);
        CHECK_INT(txn_count(&f.l), 0);
        CHECK_INT(f.heard_n, 2);
        CHECK_INT(f.heard[0].what, 'f');
        CHECK_INT(f.heard[0].value, TXN_TRANSPORT);
        CHECK_INT(f.sent_n, 0);
        fx_fini(&f);
    }
}

/** Several wait for names, and an answer comes to none of them: each gets one turn, and waits.
 */
static void test_several_wait_for_names(void)
{
    static const struct fx_req request[] = {
        {.method = "INFO",
         .via = "SIP/2.0/TLS phone.example.com;branch=z9hG4bK1",
         .call_id = "1"},
        {.method = "INFO",
         .via = "SIP/2.0/TLS phone.example.com;branch=z9hG4bK2",
         .call_id = "2"},
        {.method = "INFO",
         .via = "SIP/2.0/TLS phone.example.com;branch=z9hG4bK3",
         .call_id = "3"},
    };
    struct fx f;
    fx_init(&f);
    f.open_err = E_IO;
    f.resolve_err = E_AGAIN;
    for (unsigned i = 0; i < ARRAY_LEN(request); i++) {
        struct txn *t = fx_server(&f, TP_TLS, request[i]);
        txn_on_flow_closed(&f.l, 20, f.now);
        CHECK_INT(txn_reply_status(t, 200, f.now), 0);
    }
    txn_on_resolved(&f.l, f.now); /* another name's answer */
    CHECK_INT(f.sent_n, 0);
    f.open_err = f.resolve_err = 0;
    txn_on_resolved(&f.l, f.now);
    CHECK_INT(f.sent_n, ARRAY_LEN(request));
    fx_run(&f, 33000);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

/** A flow that is full is not a flow that is gone. */
static void test_full_connection_is_not_replaced(void)
{
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_TCP, (struct fx_req){.method = "INFO"});
    f.send_err = E_TOOBIG;
    CHECK_INT(txn_reply_status(t, 200, f.now), E_TOOBIG);
    CHECK_INT(f.opened.transport, 0);
    fx_tick(&f);
    CHECK_INT(f.heard_n, 2);
    CHECK_INT(f.heard[0].value, TXN_TRANSPORT);
    fx_fini(&f);
}

/* ---- responses ---- */

static void test_reply_is_built_from_the_request(void)
{
    static const char want[] =
        "SIP/2.0 183 On its way\n"
        "Via: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKone;rport=5060;received=192.0.2.9\n"
        "Record-Route: <sip:p2;lr>, <sip:p1;lr>\nRecord-Route: <sip:p0;lr>\n"
        "From: <sip:alice@example.com>;tag=ft\nTo: <sip:bob@example.com>;tag=mine\n"
        "Call-ID: call-1\nCSeq: 7 INVITE\nContact: <sip:here>\nServer: test\n"
        "Content-Type: application/sdp\nContent-Length: 5\n\nv=0\n";
    struct fx f;
    struct fx_msg x;
    fx_init(&f);
    f.l.server_line = STR("Server: test\r\n");
    struct txn *t =
        fx_server(&f, TP_UDP,
                  (struct fx_req){.lines = "Record-Route: <sip:p2;lr>, <sip:p1;lr>\n"
                                           "Record-Route: <sip:p0;lr>\n"});
    struct txn_reply r = {.status = 183,
                          .reason = STR("On its way"),
                          .to_tag = STR("mine"),
                          .lines = STR("Contact: <sip:here>\r\n"),
                          .record_route = true,
                          .type = STR("application/sdp"),
                          .body = STR("v=0\r\n")};
    CHECK_INT(txn_reply(t, &r, f.now), 0);
    (void)fx_parse(&x, "%s", want);
    CHECK_BYTES(f.sent[0].bytes, str_make(x.buf, x.m.len));
    fx_fini(&f);
}

static void test_to_tag_of_the_layer(void)
{
    struct fx f;
    struct fx_msg x;
    char tag[2][64];
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(txn_reply_status(t, 100, f.now), 0);
    CHECK_INT(txn_reply_status(t, 180, f.now), 0);
    CHECK_INT(txn_reply_status(t, 404, f.now), 0);
    CHECK(!str_is_set(sip_msg_tag(fx_sent_msg(&f, 0, &x), SIP_HDR_TO)));
    for (size_t i = 0; i < 2; i++) {
        struct str s = sip_msg_tag(fx_sent_msg(&f, i + 1, &x), SIP_HDR_TO);
        CHECK_INT(s.n, 16);
        (void)snprintf(tag[i], sizeof tag[i], "%.*s", STR_ARG(s));
    }
    CHECK(strcmp(tag[0], tag[1]) == 0); /* §8.2.6.2 */
    struct txn *other = fx_server(
        &f, TP_UDP, (struct fx_req){.via = "SIP/2.0/UDP a;branch=z9hG4bKy", .call_id = "2"});
    CHECK_INT(txn_reply_status(other, 404, f.now), 0);
    CHECK(!str_eq(sip_msg_tag(fx_sent_msg(&f, 3, &x), SIP_HDR_TO), str_c(tag[0])));
    struct txn *dialog = fx_server(&f, TP_UDP,
                                   (struct fx_req){.via = "SIP/2.0/UDP a;branch=z9hG4bKz",
                                                   .method = "BYE",
                                                   .to_tag = "known"});
    struct txn_reply r = {.status = 200, .to_tag = STR("not-this")};
    CHECK_INT(txn_reply(dialog, &r, f.now), 0);
    CHECK_STR(sip_msg_tag(fx_sent_msg(&f, 4, &x), SIP_HDR_TO), "known");
    fx_fini(&f);
}

static void test_a_large_reply(void)
{
    static char body[10000];
    struct fx f;
    struct fx_msg x;
    memset(body, 'x', sizeof body);
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_TCP, (struct fx_req){0});
    struct txn_reply r = {
        .status = 200, .type = STR("text/plain"), .body = {body, sizeof body}};
    CHECK_INT(txn_reply(t, &r, f.now), 0);
    CHECK_BYTES(sip_msg_body(fx_sent_msg(&f, 0, &x)), r.body);
    fx_fini(&f);
}

static void test_bytes_of_the_user_go_out_unchanged(void)
{
    struct str run[] = {STR("SIP/2.0 200 OK\r\n"), STR("Via: x\r\n"), STR_NONE,
                        STR("\r\nbody")};
    struct fx f;
    fx_init(&f);
    struct txn *t = fx_server(&f, TP_UDP, (struct fx_req){0});
    CHECK_INT(txn_respond(t, 200, run, 4, f.now), 0);
    CHECK_STR(f.sent[0].bytes, "SIP/2.0 200 OK\r\nVia: x\r\n\r\nbody");
    CHECK_INT(txn_resend(t), 0);
    CHECK_BYTES(f.sent[1].bytes, f.sent[0].bytes);
    CHECK_INT(txn_respond(t, 603, run, 4, f.now), E_STATE);
    CHECK_INT(txn_reply_status(t, 200, f.now), E_STATE); /* the request is gone */
    CHECK_INT(t->status, 200);
    CHECK_INT(txn_respond(t, 202, run, 4, f.now), 0);
    CHECK_INT(f.sent_n, 3);
    struct txn *c = fx_client(&f, SIP_METHOD_INFO, TP_UDP);
    CHECK_INT(txn_respond(c, 200, run, 4, f.now), E_STATE);
    CHECK_INT(txn_resend(c), E_STATE);
    fx_fini(&f);
}

static void test_memory_of_a_server(void)
{
    struct fx f;
    fx_init(&f);
    CHECK(fx_server(&f, TP_UDP, (struct fx_req){0}) != NULL);
    size_t live = f.tm.live;
    struct txn *t = fx_server(
        &f, TP_UDP, (struct fx_req){.via = "SIP/2.0/UDP a;branch=z9hG4bKm", .call_id = "m"});
    CHECK_INT(f.tm.live, live + 1); /* the request */
    CHECK_INT(txn_reply_status(t, 180, f.now), 0);
    CHECK_INT(f.tm.live, live + 2);
    CHECK_INT(txn_reply_status(t, 200, f.now), 0);
    CHECK_INT(f.tm.live, live + 1); /* the response alone */
    CHECK(sizeof(struct txn) <= 336);
    fx_fini(&f);
}

/* ---- without a transaction ---- */

static void test_stateless_reply(void)
{
    struct fx f;
    struct fx_msg x, y;
    struct txn *out;
    struct hop from = fx_hop(TP_UDP);
    struct txn_reply r = {.status = 503, .lines = STR("Retry-After: 5\r\n")};
    fx_init_with(&f, NULL, 1);
    CHECK(fx_server(&f, TP_UDP, (struct fx_req){0}) != NULL);
    const struct sip_msg *m =
        fx_request(&x, (struct fx_req){.via = "SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bKs",
                                       .call_id = "s"});
    for (int i = 0; i < 2; i++) {
        CHECK_INT(txn_on_request(&f.l, m, &from, f.now, &out), TXN_IN_NEW);
        CHECK(txn_server_new(&f.l, m, &from, &fx_user, &f, f.now) == NULL);
        CHECK_INT(txn_reply_stateless(&f.l, m, &from, &r), 0);
    }
    CHECK_INT(f.l.stats.refused, 2);
    CHECK_INT(txn_count(&f.l), 1);
    REQUIRE(f.sent_n == 2);
    CHECK_BYTES(f.sent[1].bytes, f.sent[0].bytes); /* §8.2.7: the same tag */
    const struct sip_msg *sent = fx_sent_msg(&f, 0, &y);
    CHECK_INT(sent->status, 503);
    CHECK_INT(sip_msg_tag(sent, SIP_HDR_TO).n, 16);
    CHECK_STR(sip_msg_value(sent, SIP_HDR_VIA),
              "SIP/2.0/UDP 10.0.0.1;rport=5060;branch=z9hG4bKs;received=192.0.2.9");
    /* Another layer has another key, and so another tag. */
    struct fx g;
    fx_init(&g);
    env_random64(&g.env);
    g.l.key.k0 ^= 1;
    CHECK_INT(txn_reply_stateless(&g.l, m, &from, &r), 0);
    CHECK(!str_eq(g.sent[0].bytes, f.sent[0].bytes));
    fx_fini(&g);
    fx_fini(&f);
}

/** Whoever is answered without a transaction is not known: his maddr counts for nothing. */
static void test_stateless_reply_goes_to_the_sender(void)
{
    struct fx f;
    struct fx_msg x;
    struct hop from = fx_hop(TP_UDP);
    struct txn_reply r = {.status = 401};
    fx_init(&f);
    const struct sip_msg *m = fx_request(
        &x,
        (struct fx_req){.via = "SIP/2.0/UDP 192.0.2.9:7;maddr=203.0.113.5;branch=z9hG4bKx"});
    CHECK_INT(txn_reply_stateless(&f.l, m, &from, &r), 0);
    CHECK_INT(f.sent_n, 1);
    CHECK(addr_ip_eq(&f.sent[0].hop.remote, &from.remote));
    fx_fini(&f);
}

static void test_stateless_never_answers_these(void)
{
    struct fx f;
    struct fx_msg x;
    struct hop from = fx_hop(TP_UDP);
    struct txn_reply r = {.status = 400};
    fx_init(&f);
    CHECK_INT(
        txn_reply_stateless(&f.l, fx_request(&x, (struct fx_req){.method = "ACK"}), &from, &r),
        E_STATE);
    CHECK_INT(txn_reply_stateless(
                  &f.l, fx_parse(&x, "SIP/2.0 200 OK\nVia: SIP/2.0/UDP h\nCSeq: 1 INFO\n\n"),
                  &from, &r),
              E_STATE);
    CHECK_INT(txn_reply_stateless(&f.l, fx_parse(&x, "INFO sip:a SIP/2.0\nCSeq: 1 INFO\n\n"),
                                  &from, &r),
              E_SYNTAX);
    CHECK_INT(txn_reply_stateless(&f.l, fx_parse(&x, "INFO sip:a SIP/2.0\nVia: nonsense\n\n"),
                                  &from, &r),
              E_SYNTAX);
    const struct sip_msg *m = fx_request(&x, (struct fx_req){0});
    r.status = 180;
    CHECK_INT(txn_reply_stateless(&f.l, m, &from, &r), E_VALUE);
    CHECK_INT(f.sent_n, 0);
    r.status = 400;
    f.send_err = E_IO;
    CHECK_INT(txn_reply_stateless(&f.l, m, &from, &r), E_IO);
    f.send_err = 0;
    /* A request with holes gets what can be said. */
    CHECK_INT(txn_reply_stateless(
                  &f.l, fx_parse(&x, "INFO sip:a SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9\n\n"),
                  &from, &r),
              0);
    CHECK_STR(f.sent[0].bytes, "SIP/2.0 400 Bad Request\r\nVia: SIP/2.0/UDP 192.0.2.9\r\n"
                               "Content-Length: 0\r\n\r\n");
    fx_fini(&f);
}

static void test_no_transaction_without_need(void)
{
    struct fx f;
    struct fx_msg x;
    struct hop from = fx_hop(TP_UDP);
    fx_init(&f);
    CHECK(txn_server_new(&f.l, fx_request(&x, (struct fx_req){.method = "ACK"}), &from, NULL,
                         NULL, f.now) == NULL);
    CHECK(txn_server_new(&f.l, fx_parse(&x, "INFO sip:a SIP/2.0\nCSeq: 1 INFO\n\n"), &from,
                         NULL, NULL, f.now) == NULL);
    CHECK_INT(txn_count(&f.l), 0);
    fx_fini(&f);
}

TEST_MAIN(T(test_retransmission_gets_the_last_response), T(test_cookie_matching),
          T(test_unknown_methods_are_told_apart), T(test_old_clients_without_a_branch),
          T(test_empty_cookie_counts_as_none), T(test_old_ack_has_the_tag_of_the_response),
          T(test_ack_of_the_same_branch), T(test_ack_to_a_2xx_is_passed_on),
          T(test_stateless_reply_goes_to_the_sender), T(test_merged_request),
          T(test_cancel_finds_its_invite), T(test_cancel_of_an_old_client),
          T(test_received_rport_maddr), T(test_maddr_of_the_other_family),
          T(test_connection_gone_opens_another), T(test_connection_gone_and_sent_by_is_a_name),
          T(test_connection_gone_and_no_other), T(test_several_wait_for_names),
          T(test_full_connection_is_not_replaced), T(test_reply_is_built_from_the_request),
          T(test_to_tag_of_the_layer), T(test_a_large_reply),
          T(test_bytes_of_the_user_go_out_unchanged), T(test_memory_of_a_server),
          T(test_stateless_reply), T(test_stateless_never_answers_these),
          T(test_no_transaction_without_need))
