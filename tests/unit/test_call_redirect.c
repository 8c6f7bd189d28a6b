/* SPDX-License-Identifier: Apache-2.0 */
/* 3xx of who is called: followed by q, without circles, with what the Contact embeds; or
 * passed. */
#include "fixture_call.h"

#include <stdio.h>

#define SDP_C \
    STR("v=0\r\no=- 3 1 IN IP4 192.0.2.3\r\ns=-\r\nt=0 0\r\nm=audio 4004 RTP/AVP 0\r\n")

/** The usual three, and two more: 1004 and 1005. */
struct five {
    struct trio t;
    struct station more[2];
};

static void run(struct five *w, uint64_t ms)
{
    vnet_run_for(&w->t.net, ms);
}

static struct station *of(struct five *w, unsigned number)
{
    return number < 1004 ? &w->t.s[number - 1001] : &w->more[number - 1004];
}

static void up(struct five *w, uint64_t seed)
{
    trio_up(&w->t, seed);
    station_up(&w->more[0], &w->t.net, "1004", "10.0.0.4", NULL);
    station_up(&w->more[1], &w->t.net, "1005", "10.0.0.5", NULL);
    for (unsigned i = 0; i < 2; i++) {
        w->more[i].auto_answer = w->more[i].auto_ack = true;
        exchange_register(&w->t.x, 3 + i, &w->more[i].node, false);
    }
}

static void down(struct five *w)
{
    for (unsigned n = 1001; n <= 1005; n++) {
        if (of(w, n)->leg != NULL) {
            leg_end(of(w, n)->leg, 0, NULL, NULL, NULL, w->t.net.now_ms);
            run(w, 200);
        }
    }
    vnet_run_for(&w->t.net, 100000);
    for (unsigned i = 0; i < 2; i++) {
        station_check_empty(&w->more[i]);
        station_down(&w->more[i]);
    }
    trio_down(&w->t);
}

static void dial(struct five *w, const char *lines)
{
    exchange_dial(&w->t.x, &w->t.s[0], 1001, "1002", SDP_A, str_c(lines));
    run(w, 100);
}

static void redirect(struct five *w, unsigned number, unsigned status, const char *lines)
{
    struct leg_content content = {.lines = str_c(lines)};
    REQUIRE(of(w, number)->leg != NULL);
    CHECK_INT(
        leg_respond(of(w, number)->leg, NULL, status, STR_NONE, &content, w->t.net.now_ms), 0);
    run(w, 200);
}

static bool called(struct five *w, unsigned number)
{
    return strstr(of(w, number)->log, "call") != NULL;
}

static void test_followed(void)
{
    struct five w;
    up(&w, 1);
    dial(&w, "Subject: old\r\nX-Keep: 1\r\n");
    redirect(&w, 1002, 302,
             "Contact: <sip:1003@example.com?User-to-User=01%3Bpurpose%3Dx&Subject=new>\r\n");
    CHECK_STR(station_last(of(&w, 1003), "Subject"), "new");
    CHECK_STR(station_last(of(&w, 1003), "X-Keep"), "1");
    CHECK_STR(station_last(of(&w, 1003), "User-to-User"), "01;purpose=x");
    CHECK(str_starts(station_last(of(&w, 1003), "From"), STR("\"Phone 1001\"")));
    CHECK_STR(sip_msg_body(&of(&w, 1003)->last->m), SDP_A.p);
    trio_ring_and_answer(&w.t, 2, SDP_C);
    CHECK_INT(w.t.s[0].leg->state, LEG_CONFIRMED);
    CHECK(strstr(w.t.s[0].log, "rejected") == NULL);
    CHECK_STR(str_c(w.t.x.log), "originated:1001/newCall diverted:1002/redirected "
                                "delivered:1003/redirected established:1003/redirected");
    down(&w);
}

/** The decision table of User-to-User: what the caller had, what the Contact gives, what goes.
 */
static void test_user_to_user(void)
{
    static const struct {
        const char *had, *given, *want;
    } rows[] = {
        {"", "", ""},
        {"", "User-to-User=02", "02"},
        {"User-to-User: 01\r\n", "", "01"},
        {"User-to-User: 01\r\n", "User-to-User=01", "01"},
        {"User-to-User: 01\r\n", "User-to-User=02", "02"},
        {"User-to-User: 01\r\n", "User-to-User=02%3Bpurpose%3Dx", "02;purpose=x, 01"},
        {"User-to-User: 01;purpose=x\r\nUser-to-User: 03\r\n", "User-to-User=02",
         "02, 01;purpose=x"},
        {"User-to-User: 01;encoding=hex\r\n", "User-to-User=01%3Bencoding%3Dhex",
         "01;encoding=hex"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct five w;
        char contact[160];
        up(&w, 10 + i);
        dial(&w, rows[i].had);
        (void)snprintf(contact, sizeof(contact), "Contact: <sip:1003@example.com%s%s>\r\n",
                       rows[i].given[0] != '\0' ? "?" : "", rows[i].given);
        redirect(&w, 1002, 302, contact);
        REQUIRE(of(&w, 1003)->last != NULL);
        CHECK_STR(station_last(of(&w, 1003), "User-to-User"), rows[i].want);
        CHECK(of(&w, 1003)->last->m.count[SIP_HDR_USER_TO_USER] <= 1);
        down(&w);
    }
}

/** By q; the next one when one refuses; what leads nowhere is left out. */
static void test_order(void)
{
    struct five w;
    up(&w, 2);
    dial(&w, "");
    redirect(&w, 1002, 300,
             "Contact: <sip:1003@example.com>;q=0.5, <sip:1004@example.com>;q=0.75\r\n"
             "Contact: <sip:x@elsewhere.example>;q=1.0, <mailto:a@b.example>, "
             "<sip:1005@example.com>;q=0.2\r\n");
    CHECK(called(&w, 1004) && !called(&w, 1003) && !called(&w, 1005));
    CHECK_INT(station_respond(of(&w, 1004), 486, STR_NONE), 0);
    run(&w, 200);
    CHECK(called(&w, 1003) && !called(&w, 1005));
    CHECK_INT(station_respond(of(&w, 1003), 180, STR_NONE), 0);
    run(&w, 100);
    CHECK_INT(station_respond(of(&w, 1003), 603, STR_NONE), 0); /* for everywhere */
    run(&w, 200);
    CHECK(!called(&w, 1005));
    CHECK(strstr(w.t.s[0].log, "rejected:603") != NULL);
    down(&w);
}

/** Who was rung, or calls, is not rung again. */
static void test_circles(void)
{
    struct five w;
    up(&w, 3);
    dial(&w, "");
    redirect(&w, 1002, 302, "Contact: <sip:1003@example.com>\r\n");
    redirect(&w, 1003, 302, "Contact: <sip:1002@example.com>, <sip:1001@example.com>\r\n");
    CHECK_STR(str_c(w.t.s[0].log), "181 rejected:302 gone");
    down(&w);
}

static void test_too_many(void)
{
    struct five w;
    up(&w, 4);
    w.t.x.calls.config.max_redirects = 2;
    dial(&w, "");
    redirect(&w, 1002, 301, "Contact: <sip:1003@example.com>\r\n");
    redirect(&w, 1003, 301, "Contact: <sip:1004@example.com>\r\n");
    redirect(&w, 1004, 301, "Contact: <sip:1005@example.com>\r\n");
    CHECK(!called(&w, 1005));
    CHECK_STR(station_last(&w.t.s[0], "Contact"), "<sip:1005@example.com>");
    down(&w);
}

static void test_passed(void)
{
    static const struct {
        unsigned status;
        bool pass;
        const char *contact;
    } rows[] = {
        {302, true, "<sip:1003@example.com?User-to-User=01>"},
        {305, false, "<sip:1003@example.com>"},
        {380, false, "<sip:1003@example.com>"},
        {302, false, "<sip:x@elsewhere.example?User-to-User=01>"},
        {302, false, "<sip:1003@example.com?Require=foo>"},
        {302, false, "<sip:1003@example.com?X=a%0D%0AEvil:%201>"},
        {302, false, "<sip:1003@example.com;method=BYE>"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct five w;
        char line[160], log[40];
        up(&w, 20 + i);
        w.t.x.calls.config.pass_redirects = rows[i].pass;
        dial(&w, "");
        (void)snprintf(line, sizeof(line), "Contact: %s\r\n", rows[i].contact);
        redirect(&w, 1002, rows[i].status, line);
        CHECK(!called(&w, 1003));
        (void)snprintf(log, sizeof(log), "rejected:%u gone", rows[i].status);
        CHECK_STR(str_c(w.t.s[0].log), log);
        CHECK_STR(station_last(&w.t.s[0], "Contact"), rows[i].contact);
        down(&w);
    }
}

/** A call that an application made, and one that a REFER made, are redirected in the same way.
 */
static void test_of_made_and_referred_calls(void)
{
    struct five w;
    struct connection *conn;
    up(&w, 5);
    w.t.s[0].answer_body = SDP_A;
    CHECK_INT(call_make(&w.t.x.calls,
                        &(struct call_make){.from = &w.t.x.device[0], .to = STR("1002")}, &conn,
                        w.t.net.now_ms),
              CALL_OK);
    exchange_settle(&w.t.x);
    run(&w, 100);
    CHECK_INT(station_respond(&w.t.s[0], 200, SDP_A), 0);
    run(&w, 100);
    redirect(&w, 1002, 302, "Contact: <sip:1003@example.com?User-to-User=01>\r\n");
    CHECK_STR(station_last(of(&w, 1003), "User-to-User"), "01");
    trio_ring_and_answer(&w.t, 2, SDP_C);
    CHECK_INT(w.t.s[2].leg->state, LEG_CONFIRMED);
    /* and now 1003 refers 1001 to 1004, which is at 1005; the context comes along */
    struct leg_content content = {.lines = STR("Refer-To: <sip:1004@example.com>\r\n")};
    CHECK_INT(
        leg_send(w.t.s[2].leg, NULL, STR("REFER"), &content, NULL, NULL, NULL, w.t.net.now_ms),
        0);
    run(&w, 200);
    CHECK_STR(station_last(of(&w, 1004), "User-to-User"), "01");
    redirect(&w, 1004, 302,
             "Contact: <sip:1005@example.com?User-to-User=09%3Bpurpose%3Dx>\r\n");
    CHECK_STR(station_last(of(&w, 1005), "User-to-User"), "09;purpose=x, 01");
    CHECK_INT(station_respond(of(&w, 1005), 200, SDP_C), 0);
    run(&w, 6000);
    CHECK(of(&w, 1003)->leg == NULL);
    CHECK_INT(of(&w, 1005)->leg->state, LEG_CONFIRMED);
    down(&w);
}

TEST_MAIN(T(test_followed), T(test_user_to_user), T(test_order), T(test_circles),
          T(test_too_many), T(test_passed), T(test_of_made_and_referred_calls))
