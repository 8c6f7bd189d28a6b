/* SPDX-License-Identifier: Apache-2.0 */
/* Life of a session: opened, refreshed, ended, lost; and what is refused before CSTA begins. */
#include "fixture_cti.h"

#define PART(type, body) "--x\r\nContent-Type: " type "\r\n\r\n" body "\r\n"
#define OFFER                                                                   \
    "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n" \
    "m=audio 4000 RTP/AVP 0 8\r\nm=video 4002 RTP/AVP 96\r\n"
#define MIXED "multipart/mixed;boundary=\"x\""

/** The version in the o= line of the last answer; 0 when a stream of it is not refused. */
static unsigned long answered_version(const struct client *c)
{
    struct sdp s;
    uint32_t version = 0;
    if (!CHECK_INT(sdp_parse(str_c(c->sdp), &s, NULL), 0) || !CHECK_INT(s.media_count, 2) ||
        s.media[0].port != 0 || s.media[1].port != 0) {
        return 0;
    }
    CHECK_STR(s.media[0].kind, "audio");
    CHECK_STR(s.media[1].formats, "96");
    CHECK_STR(s.address, "192.0.2.1");
    CHECK(str_to_u32(s.version, &version));
    return version;
}

/** A client that cannot leave SDP away: it is answered, with all its streams refused. */
static void test_session_opens_with_sdp(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_open_typed(c, "crm", MIXED,
                      "\r\n" PART("application/sdp", OFFER)
                          PART("application/csta+xml", STATUS_REQUEST) "--x--\r\n");
    CHECK_STR(str_c(c->log), "A:RequestSystemStatusResponse");
    CHECK_INT(answered_version(c), 1);
    CHECK_INT(office_stats(o).sessions, 1);
    client_clear(c);
    /* INFO makes no offer: its part is served, its answer is plain */
    client_send(c, "INFO", MIXED,
                PART("application/csta+xml", STATUS_REQUEST)
                    PART("application/sdp", OFFER) "--x--");
    office_run(o, 50);
    CHECK_STR(str_c(c->sdp), "");
    /* a refresh with both is answered with both */
    client_send(c, "INVITE", MIXED,
                PART("application/sdp", OFFER)
                    PART("application/csta+xml", "<ChangeSysStatFilter/>") "--x--");
    office_run(o, 50);
    CHECK_INT(answered_version(c), 2);
    client_send(c, "UPDATE", MIXED,
                PART("application/sdp", OFFER)
                    PART("application/csta+xml", "<SystemStatusResponse/>") "--x--");
    office_run(o, 50);
    CHECK_INT(answered_version(c), 3);
    CHECK_STR(str_c(c->log),
              "A:RequestSystemStatusResponse X:operation/serviceNotSupported S:200");
    client_bye(c);
    office_down(o);
}

/** The answer to the description waits with the answer to the request. */
static void test_session_sdp_of_what_takes_time(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    office_register(o, 0, false, 3600);
    office_register(o, 1, false, 3600);
    phone_call(o, &o->phone[0], "1002", NULL);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
    client_open_typed(c, "crm", MIXED,
                      PART("application/sdp", OFFER)
                          PART("application/csta+xml",
                               "<HoldCall xmlns=\"" CSTA_NS(
                                   "ed3") "\"><callToBeHeld><deviceID>1001"
                                          "</deviceID></callToBeHeld></HoldCall>") "--x--");
    office_run(o, 200);
    CHECK_STR(str_c(c->log), "A:HoldCallResponse");
    CHECK_INT(answered_version(c), 1);
    office_down(o);
}

static void test_session_opens_with_one_part(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_open_typed(c, "crm", MIXED,
                      PART("application/csta+xml", STATUS_REQUEST)
                          PART("text/plain", "hello") "--x--");
    CHECK_STR(str_c(c->log), "A:RequestSystemStatusResponse");
    CHECK_STR(str_c(c->sdp), "");
    office_down(o);
}

static void test_session_opens_with_status(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    CHECK_STR(str_c(c->log), "A:RequestSystemStatusResponse");
    CHECK_STR(client_value(c, "Response", "systemStatus"), "normal");
    CHECK(strstr(client_text(c, "Response"), CSTA_NS("ed3")) != NULL);
    CHECK_INT(office_stats(o).sessions, 1);
    CHECK_STR(str_c(c->st.log), "answered");
    client_bye(c);
    CHECK_INT(office_stats(o).sessions, 0);
    CHECK_INT(office_stats(o).requests, 1);
    CHECK_INT(office_stats(o).answered, 1);
    office_down(o);
}

static void test_session_opens_with_anything(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_open(c, "crm", NULL);
    CHECK_STR(str_c(c->log), "S:200");
    CHECK_INT(office_stats(o).sessions, 1);
    client_clear(&o->client[1]);
    client_open(&o->client[1], "crm", "<GetCSTAFeatures xmlns=\"" CSTA_NS("ed5") "\"/>");
    CHECK_STR(str_c(o->client[1].log), "A:GetCSTAFeaturesResponse");
    CHECK(strstr(client_text(&o->client[1], "Response"), CSTA_NS("ed5")) != NULL);
    CHECK_INT(office_stats(o).sessions, 2);
    office_down(o);
}

static void test_session_error_keeps_it_open(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_open(c, "crm", "<ChangeSysStatFilter xmlns=\"" CSTA_NS("ed3") "\"/>");
    CHECK_STR(str_c(c->log), "X:operation/serviceNotSupported");
    CHECK_INT(office_stats(o).sessions, 1);
    office_down(o);
}

static void test_session_refuses(void)
{
    static const struct {
        const char *type, *body;
        unsigned status;
        const char *warning;
    } rows[] = {
        {"application/csta+xml", "<RequestSystemStatus", 400, "line 1, column"},
        {"application/csta+xml", "<!DOCTYPE a><RequestSystemStatus/>", 400, "body, line 1"},
        {"application/csta+xml", "  ", 400, "nothing in the body"},
        {"multipart/mixed;boundary=x", PART("application/csta+xml", STATUS_REQUEST) "--x\r\n",
         400, "cannot be told apart"},
        {"multipart/mixed;boundary=x",
         PART("application/csta+xml", STATUS_REQUEST)
             PART("application/csta+xml", STATUS_REQUEST) "--x--",
         400, "cannot be told apart"},
        {"multipart/mixed;boundary=x",
         PART("application/csta+xml", STATUS_REQUEST) PART("application/sdp", "v=0") "--x--",
         400, "session description"},
        {"multipart/mixed;boundary=x", PART("application/csta+xml", " ") "--x--", 400,
         "nothing in the body"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct office *o = office_up(NULL, TP_UDP);
        struct client *c = &o->client[0];
        test_context(rows[i].body);
        client_open_typed(c, "crm", rows[i].type, rows[i].body);
        CHECK_INT(c->status, rows[i].status);
        CHECK(strstr(c->warning, rows[i].warning) != NULL);
        if (rows[i].warning[0] != '\0') {
            CHECK(strstr(c->warning, "399 example.com \"") == c->warning);
        } else {
            CHECK_STR(station_last(&c->st, "Accept"), "application/csta+xml");
        }
        CHECK_INT(office_stats(o).sessions, 0);
        office_down(o);
    }
    test_context(NULL);
}

static void test_session_limit(void)
{
    struct office *o = office_up(&(struct cti_config){.max_sessions = 1}, TP_UDP);
    client_open(&o->client[0], "crm", STATUS_REQUEST);
    client_open(&o->client[1], "crm", STATUS_REQUEST);
    CHECK_INT(o->client[1].status, 503);
    CHECK(station_last(&o->client[1].st, "Retry-After").n > 0);
    client_bye(&o->client[0]);
    client_open(&o->client[1], "crm", STATUS_REQUEST);
    CHECK_INT(o->client[1].status, 200);
    office_down(o);
}

static void test_session_refresh_keeps_monitors(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001 1002");
    client_send(c, "INVITE", "application/csta+xml", STATUS_REQUEST);
    office_run(o, 50);
    CHECK_STR(str_c(c->log), "A:RequestSystemStatusResponse");
    client_clear(c);
    client_send(c, "INVITE", NULL, NULL);
    office_run(o, 50);
    client_send(c, "UPDATE", NULL, NULL);
    office_run(o, 50);
    CHECK_STR(str_c(c->log), "S:200 S:200");
    CHECK_INT(office_stats(o).sessions, 1);
    CHECK_INT(office_stats(o).monitors, 2);
    office_down(o);
}

static void test_session_info_contents(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    client_clear(c);
    client_send(c, "INFO", NULL, NULL);
    client_send(c, "INFO", "text/plain", "hello");
    client_send(c, "INFO", MIXED, PART("text/plain", "hello") "--x--");
    client_send(c, "INFO", MIXED,
                "--x\r\nContent-Type: application/csta+xml\r\n"
                "Content-Transfer-Encoding: base64\r\n\r\nPGEvPg==\r\n--x--");
    client_send(c, "INFO", MIXED, "--x\r\n");
    client_send(c, "INFO", "application/csta+xml", " \r\n");
    client_send(c, "INFO", "application/csta+xml", "<a></b>");
    client_send(c, "OPTIONS", NULL, NULL);
    client_send(c, "MESSAGE", "text/plain", "hello");
    client_send(c, "INFO", "application/csta+xml", "<SystemStatusResponse/>");
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "S:200 S:415 S:415 S:415 S:400 S:400 S:400 S:200 S:405 S:200");
    CHECK_INT(office_stats(o).sessions, 1);
    office_down(o);
}

static void test_session_info_package_refused(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    client_clear(c);
    static const struct leg_content content = {
        .lines = STR_INIT("Info-Package: foo\r\n"),
        .type = STR_INIT("application/csta+xml"),
        .body = STR_INIT(STATUS_REQUEST),
    };
    CHECK_INT(leg_send(c->leg, NULL, STR("INFO"), &content, station_listen, &c->st, NULL,
                       o->net.now_ms),
              0);
    office_run(o, 50);
    CHECK_INT(c->st.last_status, 469);
    office_down(o);
}

/* Whatever ends the session, monitors go and calls stay. */
static void talk(struct office *o)
{
    office_register(o, 0, false, 3600);
    office_register(o, 1, false, 3600);
    phone_call(o, &o->phone[0], "1002", NULL);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
    CHECK_INT(o->calls.call_pool.in_use, 1);
}

static void still_talking(struct office *o)
{
    CHECK_INT(office_stats(o).sessions, 0);
    CHECK_INT(office_stats(o).monitors, 0);
    CHECK(o->device[0].cti == NULL);
    CHECK_INT(o->calls.call_pool.in_use, 1);
    CHECK(o->phone[0].leg != NULL && o->phone[0].leg->state == LEG_CONFIRMED);
}

static void test_session_loss_bye(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    client_watch(&o->client[0], "crm", "1001");
    talk(o);
    client_bye(&o->client[0]);
    still_talking(o);
    office_down(o);
}

static void test_session_loss_481(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    client_watch(&o->client[0], "crm", "1001");
    o->client[0].answer_with = 481;
    talk(o);
    still_talking(o);
    office_down(o);
}

static void test_session_loss_timeout_udp(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    client_watch(&o->client[0], "crm", "1001");
    o->client[0].answer_with = 0;
    talk(o);
    CHECK_INT(office_stats(o).sessions, 1);
    office_run(o, 33000);
    still_talking(o);
    office_down(o);
}

static void test_session_loss_expiry(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    static const char lines[] = "Session-Expires: 90;refresher=uac\r\nSupported: timer\r\n"
                                "Accept: application/csta+xml\r\n";
    struct leg_invite args = {
        .request_uri = STR("sip:csta@example.com"),
        .from = STR("<sip:crm@example.com>"),
        .to = STR("<sip:csta@example.com>"),
        .target = {.hop = vnet_hop(&o->node, TP_UDP)},
        .content = {.lines = str_c(lines),
                    .type = STR("application/csta+xml"),
                    .body = STR(STATUS_REQUEST)},
        .no_timer = true,
    };
    c->st.leg = c->leg = leg_invite(&c->st.legs, &args, &station_user, &c->st, o->net.now_ms);
    office_run(o, 50);
    client_ask(c, "MonitorStart",
               "<monitorObject><deviceObject>1001</deviceObject></monitorObject>");
    CHECK_INT(office_stats(o).monitors, 1);
    talk(o);
    o->client[0].st.leg->we_refresh = false; /* it forgets to */
    timer_stop(&c->st.wheel, &c->leg->session);
    office_run(o, 95000);
    still_talking(o);
    CHECK(strstr(c->log, "BYE") != NULL);
    office_down(o);
}

static void test_session_end_all(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    client_watch(&o->client[0], "crm", "1001");
    client_watch(&o->client[1], "crm", "1001");
    cti_end_all(o->cti, o->net.now_ms);
    office_run(o, 100);
    CHECK_STR(str_c(o->client[0].log), "BYE");
    CHECK_STR(str_c(o->client[1].log), "BYE");
    CHECK_INT(office_stats(o).sessions, 0);
    client_open(&o->client[0], "crm", STATUS_REQUEST);
    CHECK_INT(o->client[0].status, 503);
    office_down(o);
}

static void test_session_free_while_open(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    client_watch(&o->client[0], "crm", "1001 1002");
    talk(o);
    client_ask_in(&o->client[0], "ed3", "HoldCall",
                  "<callToBeHeld><deviceID>1001</deviceID></callToBeHeld>");
    office_run(o, 8); /* the hold has begun */
    CHECK_INT(o->cti->pending_pool.in_use, 1);
    office_drop(o);
}

static bool wants(const char *method, const char *lines, const char *body)
{
    char text[1024];
    struct str all;
    struct out out;
    out_init(&out, text, sizeof(text));
    out_fmt(&out,
            "%s sip:x@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\n"
            "From: <sip:a@example.com>;tag=1\nTo: <sip:x@example.com>\nCall-ID: x\n"
            "CSeq: 1 %s\nMax-Forwards: 70\n%s\n%s%c",
            method, method, lines, body, 0);
    all = out_str_of(&out);
    struct text_msg m = text_parse(all.p);
    bool yes = m.m != NULL && cti_wants(m.m);
    CHECK(m.m != NULL);
    text_free(&m);
    return yes;
}

static void test_wants(void)
{
    CHECK(wants("INVITE", "Content-Type: application/csta+xml\n", "<a/>"));
    CHECK(wants("INVITE", "c: Application/CSTA+XML;charset=utf-8\n", "<a/>"));
    CHECK(wants("INVITE", "Accept: application/csta+xml\n", ""));
    CHECK(wants("INVITE", "Content-Type: multipart/mixed;boundary=x\n",
                "--x\r\nContent-Type: application/csta+xml\r\n\r\n<a/>\r\n--x--\r\n"));
    CHECK(wants("INVITE", "Content-Type: multipart/mixed;boundary=x\n",
                "--x\r\nContent-Type: application/csta+xml\r\n\r\n<a/>\r\n--x\r\n\r\ncut"));
    CHECK(!wants("INVITE", "Content-Type: multipart/mixed;boundary=x\n",
                 "--x\r\nContent-Type: application/sdp\r\n\r\napplication/csta+xml\r\n--x--"));
    CHECK(!wants("INVITE", "Accept: application/csta+xml, application/sdp\n", ""));
    CHECK(!wants("INVITE", "", ""));
    CHECK(!wants("INVITE", "Content-Type: application/sdp\nAccept: application/csta+xml\n",
                 "v=0\n"));
    CHECK(!wants("INFO", "Content-Type: application/csta+xml\n", "<a/>"));
}

TEST_MAIN(T(test_session_opens_with_status), T(test_session_opens_with_anything),
          T(test_session_opens_with_sdp), T(test_session_sdp_of_what_takes_time),
          T(test_session_opens_with_one_part), T(test_session_error_keeps_it_open),
          T(test_session_refuses), T(test_session_limit),
          T(test_session_refresh_keeps_monitors), T(test_session_info_contents),
          T(test_session_info_package_refused), T(test_session_loss_bye),
          T(test_session_loss_481), T(test_session_loss_timeout_udp),
          T(test_session_loss_expiry), T(test_session_end_all), T(test_session_free_while_open),
          T(test_wants))
