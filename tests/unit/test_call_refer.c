/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REFER in the dialog of a call: what is refused, what is told, what is called, and what the
 * three parties are left with, whoever hangs up when (RFC 3515, RFC 5589).
 */
#include "fixture_call.h"

#include <stdio.h>

#define SDP_OFFER_C \
    STR("v=0\r\no=- 3 1 IN IP4 192.0.2.3\r\ns=-\r\nt=0 0\r\nm=audio 4004 RTP/AVP 0\r\n")

static struct sip_msg_own *notified[3]; /* the last NOTIFY to each */

static void hear(struct station *s, const char *what, struct leg *leg, uint64_t now_ms)
{
    unsigned i = s->node.addr.ip[3] - 1u;
    (void)leg;
    (void)now_ms;
    if (strcmp(what, "request") == 0 && s->last->m.method == SIP_METHOD_NOTIFY) {
        mem_free(&mem_libc, notified[i]);
        notified[i] = sip_msg_dup(&mem_libc, &s->last->m);
    }
}

static void forget(void)
{
    for (unsigned i = 0; i < 3; i++) {
        mem_free(&mem_libc, notified[i]);
        notified[i] = NULL;
    }
}

/** 1001 and 1002 talk; each answers re-INVITE with its own description. */
static void talking(struct trio *w, uint64_t seed)
{
    trio_up(w, seed);
    forget();
    for (unsigned i = 0; i < 3; i++) {
        w->s[i].hook = hear;
    }
    w->s[0].answer_body = SDP_A;
    w->s[1].answer_body = SDP_B;
    w->s[2].answer_body = SDP_OFFER_C;
    CHECK(trio_talk(w));
    station_clear_log(&w->s[0]);
    station_clear_log(&w->s[1]);
    w->x.log_n = 0;
    w->x.log[0] = '\0';
}

static void run(struct trio *w, uint64_t ms)
{
    vnet_run_for(&w->net, ms);
}

/** REFER of a station in that dialog with these lines. */
static int refer_in(struct trio *w, unsigned i, struct leg *leg, const char *lines)
{
    struct leg_content content = {.lines = str_c(lines)};
    w->s[i].last_status = 0;
    int err = leg_send(leg, NULL, STR("REFER"), &content, station_listen, &w->s[i], NULL,
                       w->net.now_ms);
    run(w, 100);
    return err;
}

static int refer(struct trio *w, unsigned i, const char *lines)
{
    return refer_in(w, i, w->s[i].leg, lines);
}

static void hang_up(struct trio *w, unsigned i)
{
    if (w->s[i].leg != NULL) {
        leg_end(w->s[i].leg, 0, NULL, NULL, NULL, w->net.now_ms);
    }
    run(w, 200);
}

static bool has(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

/** What the last NOTIFY said. */
static void check_notify(struct trio *w, unsigned i, const char *status, const char *state)
{
    const struct sip_msg *m = notified[i] == NULL ? NULL : &notified[i]->m;
    char body[80];
    (void)w;
    REQUIRE(m != NULL);
    CHECK_STR(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), "message/sipfrag;version=2.0");
    (void)snprintf(body, sizeof(body), "SIP/2.0 %s\r\n", status);
    CHECK_STR(sip_msg_body(m), body);
    CHECK(str_starts(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), str_c(state)));
}

static void check_event(unsigned i, const char *begin)
{
    REQUIRE(notified[i] != NULL);
    CHECK(str_starts(sip_msg_value(&notified[i]->m, SIP_HDR_EVENT), str_c(begin)));
}

/* ---- blind ---- */

static void test_blind(void)
{
    struct trio w;
    talking(&w, 1);
    CHECK_INT(refer(&w, 1,
                    "Refer-To: <sip:1003@example.com?User-to-User=00C8%3Bencoding%3Dhex"
                    "&Subject=Order%2012&From=%3Csip:evil%40e.com%3E>\r\n"
                    "Referred-By: <sip:1002@example.com>\r\n"),
              0);
    CHECK_INT(w.s[1].last_status, 202);
    check_notify(&w, 1, "100 Trying", "active;expires=");
    check_event(1, "refer");
    CHECK_STR(station_last(&w.s[2], "User-to-User"), "00C8;encoding=hex");
    CHECK_STR(station_last(&w.s[2], "Subject"), "Order 12");
    CHECK_STR(station_last(&w.s[2], "Referred-By"), "<sip:1002@example.com>");
    CHECK(str_starts(station_last(&w.s[2], "From"), STR("<sip:1001@example.com>;tag=")));
    CHECK_STR(sip_msg_ruri(&w.s[2].last->m), "sip:1003@10.0.0.3:5060");
    CHECK_INT(station_respond(&w.s[2], 180, STR_NONE), 0);
    run(&w, 100);
    check_notify(&w, 1, "180 Ringing", "active");
    CHECK_INT(station_respond(&w.s[2], 200, SDP_OFFER_C), 0);
    run(&w, 300);
    check_notify(&w, 1, "200 OK", "terminated;reason=noresource");
    CHECK_STR(sip_msg_body(&w.s[2].last->m), SDP_A.p); /* in the ACK */
    CHECK(w.s[1].leg != NULL);                         /* it is its turn to hang up */
    hang_up(&w, 1);
    CHECK(w.s[1].leg == NULL);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    CHECK_INT(w.s[2].leg->state, LEG_CONFIRMED);
    CHECK_STR(str_c(w.x.log),
              "delivered:1003/singleStepTransfer transferred:1002/singleStepTransfer "
              "established:1003/singleStepTransfer");
    hang_up(&w, 2);
    trio_down(&w);
    CHECK(has(w.x.log, "cleared:1003/normalClearing cleared:1001/normalClearing"));
}

/** The caller refers, and its phone leaves the BYE to us. */
static void test_blind_by_caller(void)
{
    struct trio w;
    talking(&w, 2);
    CHECK_INT(refer(&w, 0, "Refer-To: <sip:1003@example.com>\r\n"), 0);
    CHECK(str_starts(station_last(&w.s[2], "From"), STR("<sip:1002@example.com>;tag=")));
    trio_ring_and_answer(&w, 2, SDP_OFFER_C);
    run(&w, 3000);
    CHECK(w.s[0].leg != NULL);
    run(&w, 2000);
    CHECK(w.s[0].leg == NULL);
    CHECK(has(w.s[0].log, "bye"));
    CHECK(exchange_connection(&w.x, 1)->originating);
    hang_up(&w, 2);
    trio_down(&w);
}

static void test_blind_failures(void)
{
    static const struct {
        unsigned ring, refusal;
        const char *told;
    } rows[] = {{0, 486, "486 Busy Here"},
                {180, 486, "486 Busy Here"},
                {180, 603, "603 Decline"},
                {0, 410, "410 Gone"},
                {0, 404, "404 Not Found"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct trio w;
        talking(&w, 3 + i);
        CHECK_INT(refer(&w, 1, "Refer-To: <sip:1003@example.com>\r\n"), 0);
        if (rows[i].ring != 0) {
            CHECK_INT(station_respond(&w.s[2], rows[i].ring, STR_NONE), 0);
            run(&w, 100);
        }
        CHECK_INT(station_respond(&w.s[2], rows[i].refusal, STR_NONE), 0);
        run(&w, 200);
        check_notify(&w, 1, rows[i].told, "terminated;reason=noresource");
        CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
        CHECK_INT(w.s[1].leg->state, LEG_CONFIRMED);
        CHECK(!has(w.s[0].log, "INVITE")); /* they heard nothing of it */
        CHECK_INT(exchange_connection(&w.x, 0)->state, CONN_CONNECTED);
        CHECK_INT(exchange_connection(&w.x, 1)->state, CONN_CONNECTED);
        CHECK(!has(w.x.log, "transferred"));
        CHECK(has(w.x.log, "cleared:1003") == (rows[i].ring != 0));
        /* a second attempt in the same dialog has its number in Event */
        CHECK_INT(refer(&w, 1, "Refer-To: <sip:1003@example.com>\r\n"), 0);
        check_event(1, "refer;id=");
        trio_ring_and_answer(&w, 2, SDP_OFFER_C);
        check_notify(&w, 1, "200 OK", "terminated");
        hang_up(&w, 1);
        hang_up(&w, 2);
        trio_down(&w);
    }
}

static void test_blind_nobody_answers(void)
{
    struct trio w;
    talking(&w, 9);
    CHECK_INT(refer(&w, 1, "Refer-To: <sip:1003@example.com>\r\n"), 0);
    CHECK_INT(station_respond(&w.s[2], 180, STR_NONE), 0);
    run(&w, 121000);
    check_notify(&w, 1, "480 Temporarily Unavailable", "terminated");
    CHECK(has(w.s[2].log, "cancelled"));
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    hang_up(&w, 1);
    trio_down(&w);
}

/** What the new party offers does not suit the one who stays: the two talk on. */
static void test_blind_offer_refused(void)
{
    struct trio w;
    talking(&w, 10);
    CHECK_INT(refer(&w, 1, "Refer-To: <sip:1003@example.com>\r\n"), 0);
    w.s[0].auto_answer = false;
    trio_ring_and_answer(&w, 2, SDP_OFFER_C);
    CHECK_INT(station_answer(&w.s[0], 488, STR_NONE), 0);
    run(&w, 300);
    check_notify(&w, 1, "488 Not Acceptable Here", "terminated");
    CHECK(w.s[2].leg == NULL);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    CHECK_INT(w.s[1].leg->state, LEG_CONFIRMED);
    w.s[0].auto_answer = true;
    hang_up(&w, 0);
    trio_down(&w);
    CHECK(!has(w.x.log, "transferred"));
}

/** The token that Referred-By names comes along (RFC 3892 §2.2). */
static void test_referred_by_token(void)
{
    struct trio w;
    struct leg_content content = {
        .lines = STR("Refer-To: <sip:1003@example.com>\r\nContent-ID: <t1@example.com>\r\n"
                     "Referred-By: <sip:1002@example.com>;cid=\"t1@example.com\"\r\n"),
        .type = STR("multipart/signed;boundary=b"),
        .body = STR("--b\r\n\r\nx\r\n--b--\r\n"),
    };
    talking(&w, 16);
    CHECK_INT(leg_send(w.s[1].leg, NULL, STR("REFER"), &content, station_listen, &w.s[1], NULL,
                       w.net.now_ms),
              0);
    run(&w, 100);
    CHECK_STR(station_last(&w.s[2], "Referred-By"),
              "<sip:1002@example.com>;cid=\"t1@example.com\"");
    CHECK_STR(station_last(&w.s[2], "Content-ID"), "<t1@example.com>");
    CHECK_STR(station_last(&w.s[2], "Content-Type"), "multipart/signed;boundary=b");
    CHECK_BYTES(sip_msg_body(&w.s[2].last->m), content.body);
    trio_ring_and_answer(&w, 2, SDP_OFFER_C);
    check_notify(&w, 1, "200 OK", "terminated");
    hang_up(&w, 1);
    hang_up(&w, 2);
    trio_down(&w);
}

/* ---- what is refused ---- */

static void test_refused(void)
{
    static const struct {
        const char *lines;
        unsigned status;
    } rows[] = {
        {"", 400},
        {"Refer-To: <sip:1003@example.com?Subject=a%0D%0Ab>\r\n", 400},
        {"Refer-To: <sip:1003@example.com?Replaces=x>\r\n", 400},
        {"Refer-To: <http://example.com/>\r\n", 603},
        {"Refer-To: <sip:1003@example.com;method=SUBSCRIBE>\r\n", 603},
        {"Refer-To: <sip:1003@example.com?Require=precondition>\r\n", 603},
        {"Refer-To: <sip:1003@example.com>\r\nRequire: nosub\r\n", 420},
        {"Refer-To: <sip:1003@example.com>\r\nRequire: explicitsub\r\n", 420},
        {"Refer-To: <sip:1003@example.com>\r\nRequire: unheard-of\r\n", 420},
    };
    struct trio w;
    talking(&w, 11);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_INT(refer(&w, 1, rows[i].lines), 0);
        CHECK_INT(w.s[1].last_status, rows[i].status);
        CHECK(!has(w.s[1].log, "NOTIFY"));
    }
    CHECK_STR(str_c(w.s[2].log), "");
    CHECK_STR(str_c(w.x.log), "");
    hang_up(&w, 1);
    trio_down(&w);
}

/** A wrong number is told, and is no answer that would end the dialog (RFC 5057 §5.1). */
static void test_wrong_numbers(void)
{
    static const struct {
        const char *to, *told;
    } rows[] = {
        {"<sip:nobody@example.com>", "404 Not Found"},
        {"<sip:1003@elsewhere.example>", "404 Not Found"},
        {"<tel:+4989555>", "404 Not Found"},
        {"<sip:1005@example.com>", "480 Temporarily Unavailable"},
        {"<sip:1001@example.com>", "482 Loop Detected"},
        {"<sip:1002@example.com>", "482 Loop Detected"},
    };
    struct trio w;
    talking(&w, 12);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char lines[128];
        (void)snprintf(lines, sizeof(lines), "Refer-To: %s\r\n", rows[i].to);
        CHECK_INT(refer(&w, 1, lines), 0);
        CHECK_INT(w.s[1].last_status, 202 == w.s[1].last_status ? 202 : 200);
        check_notify(&w, 1, rows[i].told, "terminated;reason=noresource");
    }
    CHECK_INT(w.s[1].leg->state, LEG_CONFIRMED);
    hang_up(&w, 1);
    trio_down(&w);
}

static void test_one_at_a_time(void)
{
    struct trio w;
    talking(&w, 13);
    CHECK_INT(refer(&w, 1, "Refer-To: <sip:1003@example.com>\r\n"), 0);
    CHECK_INT(refer(&w, 1, "Refer-To: <sip:1003@example.com>\r\n"), 0);
    CHECK_INT(w.s[1].last_status, 491);
    CHECK_INT(refer(&w, 0, "Refer-To: <sip:1003@example.com>\r\n"), 0);
    CHECK_INT(w.s[0].last_status, 491);
    CHECK_INT(call_hold(exchange_connection(&w.x, 0), NULL, NULL, w.net.now_ms),
              CALL_BUSY_STEP);
    CHECK_INT(station_respond(&w.s[2], 486, STR_NONE), 0);
    run(&w, 200);
    hang_up(&w, 1);
    trio_down(&w);
}

/** RFC 4488: the same without a subscription. */
static void test_without_subscription(void)
{
    struct trio w;
    talking(&w, 14);
    CHECK_INT(refer(&w, 1,
                    "Refer-To: <sip:1003@example.com>\r\nRefer-Sub: false\r\n"
                    "Require: norefersub\r\n"),
              0);
    CHECK_INT(w.s[1].last_status, 200);
    CHECK_STR(station_last(&w.s[1], "Refer-Sub"), "false");
    trio_ring_and_answer(&w, 2, SDP_OFFER_C);
    CHECK(!has(w.s[1].log, "NOTIFY"));
    run(&w, 5000);
    CHECK(w.s[1].leg == NULL);
    CHECK_INT(w.s[2].leg->state, LEG_CONFIRMED);
    hang_up(&w, 2);
    trio_down(&w);
}

static void test_subscribe(void)
{
    struct trio w;
    struct leg_content content = {.lines = STR("Event: refer\r\nExpires: 0\r\n")};
    talking(&w, 15);
    CHECK_INT(leg_send(w.s[1].leg, NULL, STR("SUBSCRIBE"), &content, station_listen, &w.s[1],
                       NULL, w.net.now_ms),
              0);
    run(&w, 100);
    CHECK_INT(w.s[1].last_status, 403); /* only REFER makes one */
    CHECK_INT(refer(&w, 1, "Refer-To: <sip:1003@example.com>\r\n"), 0);
    CHECK_INT(leg_send(w.s[1].leg, NULL, STR("SUBSCRIBE"), &content, station_listen, &w.s[1],
                       NULL, w.net.now_ms),
              0);
    run(&w, 100);
    CHECK_INT(w.s[1].last_status, 200);
    check_notify(&w, 1, "100 Trying", "terminated;reason=timeout");
    station_clear_log(&w.s[1]);
    trio_ring_and_answer(&w, 2, SDP_OFFER_C); /* the reference goes on */
    CHECK(!has(w.s[1].log, "NOTIFY"));
    CHECK_INT(w.s[2].leg->state, LEG_CONFIRMED);
    hang_up(&w, 1);
    hang_up(&w, 2);
    trio_down(&w);
}

/* ---- who hangs up when ---- */

enum moment { CALLED, RINGING, JOINING, JOINED, MOMENTS };

/** Bring a blind transfer by 1002 to that moment. */
static void bring_to(struct trio *w, enum moment m)
{
    CHECK_INT(refer(w, 1, "Refer-To: <sip:1003@example.com>\r\n"), 0);
    if (m >= RINGING) {
        CHECK_INT(station_respond(&w->s[2], 180, STR_NONE), 0);
        run(w, 100);
    }
    w->s[0].auto_answer = m != JOINING;
    if (m >= JOINING) {
        CHECK_INT(station_respond(&w->s[2], 200, SDP_OFFER_C), 0);
        run(w, 100);
    }
}

/** Each party hangs up at each moment: who is left talking to whom. */
static void test_hang_ups(void)
{
    /* parties that are still up some seconds later, when 1003 answers if it can */
    static const char *const left[MOMENTS][3] = {
        [CALLED] = {"", "1001 1003", "1001 1002"},
        [RINGING] = {"", "1001 1003", "1001 1002"},
        [JOINING] = {"", "1001 1003", ""}, /* 1003's BYE waits for its ACK, which is the end */
        [JOINED] = {"", "1001 1003", ""},
    };
    for (unsigned m = 0; m < MOMENTS; m++) {
        for (unsigned who = 0; who < 3; who++) {
            struct trio w;
            char up[32] = "";
            talking(&w, 20 + m * 3 + who);
            bring_to(&w, (enum moment)m);
            hang_up(&w, who);
            w.s[0].auto_answer = true;
            if (m == JOINING && who != 0 && w.s[0].request != NULL) {
                (void)station_answer(&w.s[0], 200, SDP_A);
            }
            if (m < JOINING && who == 1) {
                CHECK_INT(station_respond(&w.s[2], 200, SDP_OFFER_C), 0);
            }
            run(&w, 10000);
            for (unsigned i = 0; i < 3; i++) {
                if (w.s[i].leg != NULL && w.s[i].leg->state == LEG_CONFIRMED) {
                    (void)snprintf(up + strlen(up), sizeof(up) - strlen(up), "%s100%u",
                                   up[0] != '\0' ? " " : "", i + 1);
                }
            }
            char what[32];
            (void)snprintf(what, sizeof(what), "moment %u, 100%u", m, who + 1);
            test_context(what);
            CHECK_STR(str_c(up), left[m][who]);
            hang_up(&w, 0);
            hang_up(&w, 1);
            hang_up(&w, 2);
            trio_down(&w);
            test_context(NULL);
        }
    }
}

/** The new party is cleared while its offer is with the one who stays: that gets its partner's
    description back, whatever it has made of the offer. */
static void test_cleared_while_joining(void)
{
    for (unsigned taken = 0; taken < 2; taken++) {
        struct trio w;
        talking(&w, 45 + taken);
        bring_to(&w, JOINING);
        CHECK_INT(call_clear(exchange_connection(&w.x, 2), STR_NONE, STR_NONE, w.net.now_ms),
                  CALL_OK);
        exchange_settle(&w.x);
        run(&w, 100);
        CHECK_INT(station_answer(&w.s[0], taken ? 200 : 487, SDP_A), 0);
        w.s[0].auto_answer = true;
        run(&w, 500);
        check_notify(&w, 1, "603 Decline", "terminated");
        CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
        CHECK_INT(w.s[1].leg->state, LEG_CONFIRMED);
        struct str now = exchange_connection(&w.x, 0)->sent;
        CHECK(str_find(now, str_c(taken ? "4002" : "4004")) < now.n);
        hang_up(&w, 0);
        trio_down(&w);
    }
}

/** It hangs up after the 202, and then nobody can be had: the one who stayed is let go. */
static void test_left_and_refused(void)
{
    struct trio w;
    talking(&w, 40);
    bring_to(&w, RINGING);
    hang_up(&w, 1);
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    CHECK_INT(station_respond(&w.s[2], 486, STR_NONE), 0);
    run(&w, 300);
    CHECK(w.s[0].leg == NULL);
    trio_down(&w);
    CHECK_STR(str_c(w.x.log),
              "delivered:1003/singleStepTransfer transferred:1002/singleStepTransfer "
              "cleared:1003/busy failed:1003/busy cleared:1001/busy");
}

/** An application takes the ringing party away, or sends it on. */
static void test_application_steps_in(void)
{
    struct trio w;
    talking(&w, 41);
    bring_to(&w, RINGING);
    struct connection *x = exchange_connection(&w.x, 2);
    CHECK_INT(call_deflect(x, STR("1002"), STR_NONE, w.net.now_ms), CALL_BAD_STATE);
    CHECK_INT(call_clear(x, STR_NONE, STR_NONE, w.net.now_ms), CALL_OK);
    exchange_settle(&w.x);
    run(&w, 200);
    check_notify(&w, 1, "603 Decline", "terminated");
    CHECK_INT(w.s[0].leg->state, LEG_CONFIRMED);
    bring_to(&w, RINGING);
    hang_up(&w, 1); /* from now on it is a call being set up */
    x = exchange_connection(&w.x, 2);
    CHECK_INT(call_deflect(x, STR("1002"), STR_NONE, w.net.now_ms), CALL_OK);
    exchange_settle(&w.x);
    trio_ring_and_answer(&w, 1, SDP_B);
    CHECK_INT(w.s[1].leg->state, LEG_CONFIRMED);
    CHECK(w.s[2].leg == NULL);
    hang_up(&w, 1);
    trio_down(&w);
}

/* ---- attended ---- */

/** Replaces as the phone writes it, escaped, for the dialog of that leg of its own. */
static void refer_to(char *out, size_t cap, const struct leg *leg, const char *uri,
                     const char *more)
{
    const struct dialog *d = leg->dialog;
    (void)snprintf(
        out, cap, "Refer-To: <%s?Replaces=%.*s%%3Bto-tag%%3D%.*s%%3Bfrom-tag%%3D%.*s%s>\r\n",
        uri, STR_ARG(d->call_id), STR_ARG(d->remote_tag), STR_ARG(d->local_tag), more);
}

/** 1002, in its call with 1001, calls 1003. @return its first leg; the second is s[1].leg */
static struct leg *consult(struct trio *w, uint64_t seed, bool answered)
{
    talking(w, seed);
    struct leg *first = w->s[1].leg;
    exchange_dial(&w->x, &w->s[1], 1002, "1003", SDP_B, STR_NONE);
    run(w, 100);
    CHECK_INT(station_respond(&w->s[2], 180, STR_NONE), 0);
    run(w, 100);
    if (answered) {
        CHECK_INT(station_respond(&w->s[2], 200, SDP_OFFER_C), 0);
        run(w, 200);
    }
    w->x.log_n = 0;
    return first;
}

static void end_all(struct trio *w)
{
    for (unsigned i = 0; i < 3; i++) {
        hang_up(w, i);
    }
    trio_down(w);
}

static void test_attended(void)
{
    struct trio w;
    char lines[512];
    struct leg *first = consult(&w, 60, true);
    struct leg *second = w.s[1].leg;
    station_clear_log(&w.s[2]);
    refer_to(lines, sizeof(lines), second, "sip:10.0.0.9", "&User-to-User=01%3Bpurpose%3Dx");
    CHECK_INT(refer_in(&w, 1, first, lines), 0);
    run(&w, 500);
    CHECK_INT(first->state, LEG_CONFIRMED); /* the REFER's dialog is its to end */
    check_notify(&w, 1, "200 OK", "terminated;reason=noresource");
    CHECK(w.s[1].leg == NULL); /* the other one is gone */
    CHECK_STR(str_c(w.s[2].log), "INVITE reacked");
    CHECK_STR(str_c(w.s[0].log), "INVITE reacked");
    CHECK(str_find(sip_msg_body(&w.s[2].last->m), STR("m=audio 4000")) <
          sip_msg_body(&w.s[2].last->m).n);
    CHECK_STR(str_c(w.x.log), "transferred:1002/transfer"); /* which tells of both calls */
    leg_end(first, 0, NULL, NULL, NULL, w.net.now_ms);
    run(&w, 200);
    CHECK(w.s[0].leg->state == LEG_CONFIRMED && w.s[2].leg->state == LEG_CONFIRMED);
    CHECK_INT(station_send(&w.s[0], "INFO", STR_NONE), 0); /* they are one call now */
    run(&w, 200);
    CHECK(has(w.s[2].log, "INFO"));
    end_all(&w);
    CHECK(has(w.x.uui, "transferred:01;purpose=x"));
}

/** The REFER goes to the other party: then that call is the one that stays. */
static void test_attended_the_other_way(void)
{
    struct trio w;
    char lines[512];
    struct leg *first = consult(&w, 61, true);
    refer_to(lines, sizeof(lines), first, "sip:1001@example.com", "");
    CHECK_INT(refer(&w, 1, lines), 0);
    run(&w, 500);
    check_notify(&w, 1, "200 OK", "terminated");
    run(&w, 5000);
    CHECK(w.s[1].leg == NULL);
    CHECK(w.s[0].leg->state == LEG_CONFIRMED && w.s[2].leg->state == LEG_CONFIRMED);
    end_all(&w);
}

static void test_attended_is_refused(void)
{
    struct trio w;
    char lines[512];
    struct leg *first = consult(&w, 62, true);
    struct leg *second = w.s[1].leg;
    refer_to(lines, sizeof(lines), first, "sip:x@10.0.0.9", ""); /* its own dialog */
    CHECK_INT(refer_in(&w, 1, first, lines), 0);
    check_notify(&w, 1, "403 Forbidden", "terminated");
    refer_to(lines, sizeof(lines), second, "sip:x@10.0.0.9", "%3Bearly-only");
    CHECK_INT(refer_in(&w, 1, first, lines), 0);
    check_notify(&w, 1, "486 Busy Here", "terminated");
    refer_to(lines, sizeof(lines), second, "sip:x@10.0.0.9", "");
    CHECK_INT(refer_in(&w, 0, w.s[0].leg, lines), 0); /* it is not 1001's */
    check_notify(&w, 0, "403 Forbidden", "terminated");
    /* the one who stays, or the one who comes, does not take the other's media */
    for (unsigned i = 0; i < 3; i += 2) {
        w.s[i].auto_answer = false;
        refer_to(lines, sizeof(lines), second, "sip:x@10.0.0.9", "");
        CHECK_INT(refer_in(&w, 1, first, lines), 0);
        CHECK_INT(station_answer(&w.s[i], 488, STR_NONE), 0);
        run(&w, 300);
        check_notify(&w, 1, "488 Not Acceptable Here", "terminated");
        w.s[i].auto_answer = true;
        CHECK(second->state == LEG_CONFIRMED && first->state == LEG_CONFIRMED);
    }
    CHECK_INT(station_send(&w.s[2], "INFO", STR_NONE), 0); /* both calls are as they were */
    run(&w, 200);
    CHECK(has(w.s[1].log, "INFO"));
    CHECK(!has(w.x.log, "cleared"));
    leg_end(first, 0, NULL, NULL, NULL, w.net.now_ms);
    end_all(&w);
}

/** Glare: the one who comes has a re-INVITE of its own under way. */
static void test_attended_glare(void)
{
    struct trio w;
    char lines[512];
    struct leg *first = consult(&w, 63, true);
    refer_to(lines, sizeof(lines), w.s[1].leg, "sip:x@10.0.0.9", "");
    w.s[2].auto_answer = false;
    CHECK_INT(refer_in(&w, 1, first, lines), 0);
    CHECK_INT(station_answer(&w.s[2], 491, STR_NONE), 0);
    w.s[2].auto_answer = true;
    run(&w, 6000);
    check_notify(&w, 1, "200 OK", "terminated");
    CHECK(w.s[0].leg->state == LEG_CONFIRMED && w.s[2].leg->state == LEG_CONFIRMED);
    end_all(&w);
}

/** A consultation call that rings: nobody is called again, whoever answers. */
static void test_semi_attended(void)
{
    for (unsigned way = 0; way < 4; way++) {
        struct trio w;
        char lines[512];
        struct leg *first = consult(&w, 64 + way, false);
        refer_to(lines, sizeof(lines), w.s[1].leg, "sip:1003@example.com", "");
        CHECK_INT(refer_in(&w, 1, first, lines), 0);
        check_notify(&w, 1, "180 Ringing", "active");
        if (way == 1) { /* phones give their own call up as soon as they hear the 202 … */
            leg_cancel(w.s[1].leg, STR_NONE, w.net.now_ms);
        } else if (way == 2) { /* … or both */
            leg_cancel(w.s[1].leg, STR_NONE, w.net.now_ms);
            leg_end(first, 0, NULL, NULL, NULL, w.net.now_ms);
        }
        run(&w, 300);
        CHECK_INT(w.s[2].leg->state, LEG_EARLY);
        CHECK_INT(
            station_respond(&w.s[2], way == 3 ? 486 : 200, way == 3 ? STR_NONE : SDP_OFFER_C),
            0);
        run(&w, 500);
        CHECK(w.s[1].leg == NULL);
        if (way == 3) {
            check_notify(&w, 1, "486 Busy Here", "terminated");
            CHECK(has(w.s[1].log, "rejected:486"));
            CHECK_INT(first->state, LEG_CONFIRMED);
            leg_end(first, 0, NULL, NULL, NULL, w.net.now_ms);
        } else {
            CHECK(w.s[0].leg->state == LEG_CONFIRMED && w.s[2].leg->state == LEG_CONFIRMED);
            CHECK_STR(exchange_connection(&w.x, 0)->desc, SDP_A.p);
            CHECK_INT(station_send(&w.s[0], "INFO", STR_NONE), 0);
            run(&w, 5000);
            CHECK(has(w.s[2].log, "INFO"));
        }
        end_all(&w);
    }
}

/** The dialog is one of the target's own: it gets the INVITE with Replaces. */
static void test_replaces_elsewhere(void)
{
    struct trio w;
    talking(&w, 70);
    CHECK_INT(refer(&w, 1,
                    "Refer-To: <sip:1003@example.com?Replaces=abc%40x%3Bto-tag%3D1%3Bfrom-tag"
                    "%3D2&Require=replaces>\r\n"),
              0);
    CHECK_STR(station_last(&w.s[2], "Replaces"), "abc@x;to-tag=1;from-tag=2");
    CHECK_STR(station_last(&w.s[2], "Require"), "replaces");
    CHECK_INT(station_respond(&w.s[2], 481, STR_NONE), 0);
    run(&w, 200);
    check_notify(&w, 1, "481 Call/Transaction Does Not Exist", "terminated");
    end_all(&w);
}

TEST_MAIN(T(test_blind), T(test_blind_by_caller), T(test_blind_failures),
          T(test_blind_nobody_answers), T(test_blind_offer_refused), T(test_referred_by_token),
          T(test_refused), T(test_wrong_numbers), T(test_one_at_a_time),
          T(test_without_subscription), T(test_subscribe), T(test_hang_ups),
          T(test_cleared_while_joining), T(test_left_and_refused), T(test_application_steps_in),
          T(test_attended), T(test_attended_the_other_way), T(test_attended_is_refused),
          T(test_attended_glare), T(test_semi_attended), T(test_replaces_elsewhere))
