/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated uaCSTA phone by itself: raw messages go to it, and what comes back is what the
 * phones of the field send (names of the documented exchanges in the comments). What rests on
 * it rests on this.
 */
#include "uaphone.h"

#include <stdarg.h>
#include <stdio.h>

static struct vnet net;
static struct raw server;
static struct uaphone u;
static struct phone_profile profile;
static unsigned cseq;
static struct text_msg opened; /**< 200 to the INVITE */

static void up(const struct phone_profile *p, unsigned odd)
{
    profile = *p;
    vnet_init(&net, 1);
    raw_up(&server, &net, "server", "10.0.0.1");
    uaphone_up(&u, &net, &server.node, "u", "10.0.1.1", "1001", "pw1001", TP_UDP, &profile,
               NULL, odd);
    cseq = 1;
    opened = (struct text_msg){0};
}

static void down(void)
{
    text_free(&opened);
    uaphone_forget(&u);
    vnet_run_quiet(&net, 100000);
    uaphone_down(&u);
    raw_down(&server);
    vnet_fini(&net);
}

/** The next message that begins so; others are thrown away. */
static struct text_msg take(const char *start)
{
    struct text_msg t;
    for (;;) {
        t = raw_take(&server);
        if (t.m == NULL || str_starts(text_start(&t), str_c(start))) {
            CHECK(t.m != NULL);
            return t;
        }
        text_free(&t);
    }
}

static void send_request(const char *method, const char *to_tag, const char *more,
                         const char *body)
{
    struct hop to = vnet_hop(&u.p.s.node, TP_UDP);
    raw_sendf(&server, &to,
              "%s sip:1001@10.0.1.1 SIP/2.0\n"
              "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK-%s-%u\n"
              "Max-Forwards: 70\nFrom: <sip:baton@example.com>;tag=s\n"
              "To: <sip:1001@example.com>%s%s\nCall-ID: session\nCSeq: %u %s\n"
              "Contact: <sip:baton@10.0.0.1>\n%s%s\n%s",
              method, method, cseq, to_tag[0] != '\0' ? ";tag=" : "", to_tag, cseq, method,
              more,
              body[0] != '\0' ? "Content-Type: application/csta+xml\n"
                                "Content-Disposition: signal;handling=required\n"
                              : "",
              body);
    cseq++;
}

static const char *to_tag(void)
{
    static char text[64];
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(sip_msg_tag(opened.m, SIP_HDR_TO)));
    return text;
}

#define NS(ed) " xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/" ed "\""

/** Session opened and acknowledged. */
static bool open_session(void)
{
    struct hop to = vnet_hop(&u.p.s.node, TP_UDP);
    send_request("INVITE", "", "Supported: timer\n", "<RequestSystemStatus" NS("ed3") "/>");
    vnet_run_for(&net, 100);
    text_free(&opened);
    opened = take("SIP/2.0 200");
    if (opened.m == NULL) {
        return false;
    }
    raw_sendf(&server, &to,
              "ACK sip:1001@10.0.1.1 SIP/2.0\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK-ack%u\n"
              "Max-Forwards: 70\nFrom: <sip:baton@example.com>;tag=s\n"
              "To: <sip:1001@example.com>;tag=%s\nCall-ID: session\nCSeq: %u ACK\n\n",
              cseq, to_tag(), cseq - 1);
    vnet_run_for(&net, 100);
    return CHECK(u.up);
}

/** A request in the session, and the body of its answer. */
static const char *ask(const char *fmt, ...) PRINTF_LIKE(1, 2);
static const char *ask(const char *fmt, ...)
{
    static char text[4096];
    char body[2048];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(body, sizeof(body), fmt, ap);
    va_end(ap);
    send_request("INFO", to_tag(), "", body);
    vnet_run_for(&net, 100);
    struct text_msg t = take("SIP/2.0 ");
    (void)snprintf(text, sizeof(text), "%.*s",
                   STR_ARG(t.m != NULL ? sip_msg_body(t.m) : STR_NONE));
    text_free(&t);
    return text;
}

/** The next event, answered. */
static const char *event(void)
{
    static char text[4096];
    struct text_msg t = take("INFO ");
    text[0] = '\0';
    if (t.m != NULL) {
        (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(sip_msg_body(t.m)));
        struct hop to = raw_from(&server);
        raw_reply(&server, &to, t.m, "200 OK", NULL, "", "");
    }
    text_free(&t);
    vnet_run_for(&net, 100);
    return text;
}

static void has(const char *text, const char *part)
{
    test_context(text);
    CHECK(strstr(text, part) != NULL || !CHECK_STR(STR("(not there)"), part));
    test_context(NULL);
}

static void monitor(void)
{
    has(ask("<MonitorStart" NS("ed3") "><monitorObject><deviceObject>%s</deviceObject>"
                                      "</monitorObject></MonitorStart>",
            uaphone_self(&u)),
        "<monitorCrossRefID>7</monitorCrossRefID>");
}

/* ---- */

static void test_session_and_services(void)
{
    up(&phone_profile_generic, 0);
    REQUIRE(open_session());
    CHECK(str_find(sip_msg_body(opened.m), STR("<systemStatus>normal</systemStatus>")) <
          sip_msg_body(opened.m).n);
    CHECK(sip_msg_content_is(opened.m, STR("application"), STR("csta+xml")));
    monitor();
    has(ask("<MonitorStart" NS("ed3") "><monitorObject><deviceObject>sip:1001@example.com"
                                      "</deviceObject></monitorObject></MonitorStart>"),
        "objectMonitorLimitExceeded");
    has(ask("<MonitorStart" NS("ed3") "><monitorObject><deviceObject>1002</deviceObject>"
                                      "</monitorObject></MonitorStart>"),
        "invalidDeviceID");
    has(ask("<SetDoNotDisturb" NS(
            "ed3") "><device>sip:1001@example.com</device><doNotDisturbOn>"
                   "true</doNotDisturbOn></SetDoNotDisturb>"),
        "SetDoNotDisturbResponse");
    CHECK(u.dnd);
    has(event(), "<doNotDisturbOn>true</doNotDisturbOn>");
    has(ask("<ClearCall" NS("ed3") "><callToBeCleared><callID>1</callID></callToBeCleared>"
                                   "</ClearCall>"),
        "<operation>serviceNotSupported</operation>");
    has(ask("<SetSpeakerVolume" NS(
            "ed3") "><device>sip:1001@example.com</device><speakerVolume>"
                   "<volAbs>70</volAbs></speakerVolume>"
                   "</SetSpeakerVolume>"),
        "SetSpeakerVolumeResponse");
    CHECK_INT(u.volume, 70);
    has(ask("<MonitorStop" NS("ed3") "><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>"),
        "MonitorStopResponse");
    uaphone_sets_dnd(&u, false); /* nobody is told */
    vnet_run_for(&net, 100);
    CHECK_STR(str_c(u.told), "DoNotDisturbEvent");
    CHECK_STR(str_c(u.heard), "INVITE MonitorStart MonitorStart MonitorStart SetDoNotDisturb "
                              "ClearCall SetSpeakerVolume MonitorStop");
    down();
}

static void test_calls_of_its_own(void)
{
    up(&phone_profile_generic, 0);
    REQUIRE(open_session());
    monitor();
    struct uaphone_call *c = uaphone_rings(&u, "4711");
    vnet_run_for(&net, 100);
    const char *e = event();
    has(e, "<DeliveredEvent");
    has(e, "<localConnectionInfo>alerting</localConnectionInfo>");
    has(e, "sip:4711@example.com");
    has(ask("<SnapshotDevice" NS("ed3") "><snapshotObject>sip:1001@example.com</snapshotObject>"
                                        "</SnapshotDevice>"),
        "<localConnectionState>alerting</localConnectionState>");
    has(ask("<HoldCall" NS(
                "ed3") "><callToBeHeld><callID>%s</callID></callToBeHeld></HoldCall>",
            c->id),
        "<stateIncompatibility>invalidConnectionState</stateIncompatibility>");
    has(ask("<AnswerCall" NS("ed3") "><callToBeAnswered><callID>%s</callID></callToBeAnswered>"
                                    "</AnswerCall>",
            c->id),
        "AnswerCallResponse");
    has(event(), "<EstablishedEvent");
    has(ask("<HoldCall" NS(
                "ed3") "><callToBeHeld><callID>%s</callID></callToBeHeld></HoldCall>",
            c->id),
        "HoldCallResponse");
    has(event(), "<HeldEvent");
    has(ask("<RetrieveCall" NS("ed3") "><callToBeRetrieved><callID>%s</callID>"
                                      "</callToBeRetrieved></RetrieveCall>",
            c->id),
        "RetrieveCallResponse");
    has(event(), "<RetrievedEvent");
    has(ask("<ClearConnection" NS("ed3") "><connectionToBeCleared><callID>%s</callID>"
                                         "</connectionToBeCleared></ClearConnection>",
            c->id),
        "ClearConnectionResponse");
    has(event(), "<ConnectionClearedEvent");
    has(ask("<ClearConnection" NS("ed3") "><connectionToBeCleared><callID>x</callID>"
                                         "</connectionToBeCleared></ClearConnection>"),
        "invalidConnectionID");
    down();
}

static void test_its_user(void)
{
    up(&phone_profile_generic, 0);
    REQUIRE(open_session());
    monitor();
    struct uaphone_call *c = uaphone_dials(&u, "4712");
    uaphone_far_rings(&u, c);
    uaphone_far_answers(&u, c);
    uaphone_holds(&u, c);
    uaphone_retrieves(&u, c);
    uaphone_clears(&u, c, true);
    vnet_run_for(&net, 100);
    has(event(), "<OriginatedEvent");
    has(event(), "<DeliveredEvent");
    has(event(), "<EstablishedEvent");
    has(event(), "<HeldEvent");
    has(event(), "<RetrievedEvent");
    const char *e = event();
    has(e, "<ConnectionClearedEvent");
    has(e, "<releasingDevice><deviceIdentifier>sip:4712@example.com");
    CHECK(uaphone_find(&u, UACALL_TALKING) == NULL);
    down();
}

/** snom: ed5 whatever is asked in, small and negative callIDs, devices without a scheme. */
static void test_quirks(void)
{
    struct phone_profile p = phone_profile_generic;
    p.quirks = PHONE_QUIRK_OWN_EDITION | PHONE_QUIRK_CALL_ID_COUNTS | PHONE_QUIRK_NO_SCHEME |
               PHONE_QUIRK_BACK_IN_SERVICE | PHONE_QUIRK_DIAL_URI;
    up(&p, 0);
    REQUIRE(open_session());
    CHECK(str_find(sip_msg_body(opened.m), STR("csta/ed5")) < sip_msg_body(opened.m).n);
    has(ask("<MonitorStart" NS("ed3") "><monitorObject><deviceObject>sip:1001@example.com"
                                      "</deviceObject></monitorObject></MonitorStart>"),
        "csta/ed5\"");
    has(event(), "<deviceIdentifier>1001@example.com</deviceIdentifier>");
    (void)uaphone_rings(&u, "4711");
    vnet_run_for(&net, 100);
    has(event(), "<callID>-1</callID>");
    (void)uaphone_dials(&u, "4712");
    vnet_run_for(&net, 100);
    has(event(), "<callID>2</callID>");
    has(ask("<MakeCall" NS("ed3") "><callingDevice>1001@example.com</callingDevice>"
                                  "<calledDirectoryNumber>4713</calledDirectoryNumber>"
                                  "</MakeCall>"),
        "invalidCalledDeviceID");
    has(ask("<MakeCall" NS("ed3") "><callingDevice>1001</callingDevice><calledDirectoryNumber>"
                                  "sip:4713@example.com</calledDirectoryNumber></MakeCall>"),
        "invalidCallingDeviceID");
    down();
}

static void test_odd_events(void)
{
    up(&phone_profile_generic, UAPHONE_REPEATS | UAPHONE_LATE | UAPHONE_GARBAGE);
    REQUIRE(open_session());
    monitor();
    (void)uaphone_rings(&u, "4711");
    vnet_run_for(&net, 1000);
    CHECK(raw_take(&server).m == NULL); /* not yet */
    vnet_run_for(&net, 1000);
    has(event(), "&#0;<");
    has(event(), "<DeliveredEvent");
    has(event(), "<DeliveredEvent");
    down();
}

static void test_odd_answers(void)
{
    up(&phone_profile_generic, UAPHONE_EMPTY | UAPHONE_SIP_REFUSALS);
    REQUIRE(open_session());
    monitor();
    CHECK_STR(str_c(ask("<MonitorStop" NS("ed3") "><monitorCrossRefID>7</monitorCrossRefID>"
                                                 "</MonitorStop>")),
              "");
    send_request("INFO", to_tag(), "",
                 "<ClearCall" NS("ed3") "><callToBeCleared><callID>1"
                                        "</callID></callToBeCleared></ClearCall>");
    vnet_run_for(&net, 100);
    struct text_msg t = take("SIP/2.0 488");
    text_free(&t);
    down();

    up(&phone_profile_generic, UAPHONE_APART);
    REQUIRE(open_session());
    CHECK_STR(str_c(ask("<GetDoNotDisturb" NS("ed3") "><device>sip:1001@example.com</device>"
                                                     "</GetDoNotDisturb>")),
              "");
    has(event(), "<GetDoNotDisturbResponse");
    down();

    up(&phone_profile_generic, UAPHONE_NO_STATUS);
    REQUIRE(open_session());
    CHECK_INT(sip_msg_body(opened.m).n, 0);
    down();
}

static void test_event_before_its_answer(void)
{
    up(&phone_profile_generic, UAPHONE_EVENT_FIRST);
    REQUIRE(open_session());
    monitor();
    send_request(
        "INFO", to_tag(), "",
        "<SetDoNotDisturb" NS("ed3") "><device>"
                                     "sip:1001@example.com</device><doNotDisturbOn>true"
                                     "</doNotDisturbOn></SetDoNotDisturb>");
    vnet_run_for(&net, 100);
    struct text_msg t = raw_take(&server);
    REQUIRE(t.m != NULL);
    CHECK(sip_is_request(t.m));
    text_free(&t);
    t = raw_take(&server);
    REQUIRE(t.m != NULL);
    CHECK(!sip_is_request(t.m));
    text_free(&t);
    down();
}

static void test_refused_sessions(void)
{
    static const struct {
        unsigned odd;
        const char *answer;
    } cases[] = {{UAPHONE_BUSY, "SIP/2.0 486"}, {UAPHONE_NO_CSTA, "SIP/2.0 415"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        up(&phone_profile_generic, cases[i].odd);
        send_request("INVITE", "", "", "<RequestSystemStatus" NS("ed3") "/>");
        vnet_run_for(&net, 100);
        struct text_msg t = take(cases[i].answer);
        CHECK(u.session == NULL || u.session->state >= LEG_ENDING);
        text_free(&t);
        down();
    }
}

static void test_forgotten_session(void)
{
    up(&phone_profile_generic, 0);
    REQUIRE(open_session());
    monitor();
    uaphone_forget(&u);
    send_request("INFO", to_tag(), "",
                 "<MonitorStop" NS("ed3") "><monitorCrossRefID>7"
                                          "</monitorCrossRefID></MonitorStop>");
    vnet_run_for(&net, 100);
    struct text_msg t = take("SIP/2.0 481");
    text_free(&t);
    CHECK(u.ref[0] == '\0');
    down();
}

/** OpenStage: NOTIFY, answers in the 200, callID empty. */
static void test_notify(void)
{
    struct phone_profile p = phone_profile_generic;
    p.means = PHONE_MEANS_NOTIFY;
    p.own_events = false;
    p.name_form = PHONE_NAME_USER;
    p.quirks = PHONE_QUIRK_DEVICE_ONLY;
    up(&p, 0);
    send_request("INVITE", "", "", "<RequestSystemStatus" NS("ed3") "/>");
    vnet_run_for(&net, 100);
    struct text_msg t = take("SIP/2.0 415");
    text_free(&t);
    (void)uaphone_rings(&u, "4711");
    send_request("NOTIFY", "", "Event: uaCSTA\nSubscription-State: active\n",
                 "<AnswerCall" NS("ed3") "><callToBeAnswered><deviceID>1001</deviceID>"
                                         "</callToBeAnswered></AnswerCall>");
    vnet_run_for(&net, 100);
    t = take("SIP/2.0 200");
    REQUIRE(t.m != NULL);
    CHECK(str_find(sip_msg_body(t.m), STR("<AnswerCallResponse")) < sip_msg_body(t.m).n);
    text_free(&t);
    CHECK(uaphone_find(&u, UACALL_TALKING) != NULL);
    CHECK_STR(str_c(u.told), "");
    down();

    p.quirks = PHONE_QUIRK_TLS_ONLY;
    up(&p, 0);
    send_request("NOTIFY", "", "Event: uaCSTA\nSubscription-State: active\n",
                 "<GetDoNotDisturb" NS("ed3") "><device>1001</device></GetDoNotDisturb>");
    vnet_run_for(&net, 100);
    t = take("SIP/2.0 403");
    text_free(&t);
    down();
}

TEST_MAIN(T(test_session_and_services), T(test_calls_of_its_own), T(test_its_user),
          T(test_quirks), T(test_odd_events), T(test_odd_answers),
          T(test_event_before_its_answer), T(test_refused_sessions), T(test_forgotten_session),
          T(test_notify))
