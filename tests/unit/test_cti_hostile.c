/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Callers and applications that mean no good: what they write must not keep others from
 * hearing, and two of them at one call must each get one answer that is true.
 */
#include "fixture_cti.h"

#include <stdio.h>
static struct office *up(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    for (unsigned i = 0; i < PHONES; i++) {
        office_register(o, i, i == 1, 3600);
    }
    client_watch(&o->client[0], "crm", "sip:1001@example.com");
    client_watch(&o->client[1], "crm", "sip:1002@example.com");
    return o;
}

static void respond(struct office *o, struct station *s, unsigned status, struct str body)
{
    if (CHECK(s->leg != NULL)) {
        CHECK_INT(station_respond(s, status, body), 0);
    }
    office_run(o, 50);
}

static void ask_connection(struct client *c, const char *root, const char *element,
                           const char *device, const char *more)
{
    char inside[256];
    (void)snprintf(inside, sizeof(inside), "<%s><deviceID>%s</deviceID></%s>%s", element,
                   device, element, more);
    client_ask(c, root, inside);
}

/** "before", `n` times 0 and "after", in static memory. */
static const char *with_digits(const char *before, size_t n, const char *after)
{
    static char text[4096], digits[2048];
    memset(digits, '0', n);
    digits[n] = '\0';
    (void)snprintf(text, sizeof(text), "%s%s%s", before, digits, after);
    return text;
}

/* ---- identifiers that are longer than CSTA allows ---- */

static void test_hostile_caller_with_a_long_name(void)
{
    struct office *o = up();
    struct client *b = &o->client[1];
    phone_call(o, &o->outside, "1002",
               with_digits("P-Asserted-Identity: <sip:", CSTA_ID_MAX, "@trunk>\r\n"));
    respond(o, &o->phone[1], 180, STR_NONE);
    client_ask(b, "SnapshotDevice", "<snapshotObject>1002</snapshotObject>");
    CHECK_STR(client_value(b, "SnapshotDeviceResponse", "endpointDevice"), "<notKnown/>");
    respond(o, &o->phone[1], 200, SDP_B);
    leg_end(o->outside.leg, 0, NULL, NULL, NULL, o->net.now_ms);
    office_run(o, 100);
    CHECK_STR(str_c(b->log), "E:Delivered[alerting] A:SnapshotDeviceResponse "
                             "E:Established[connected] E:ConnectionCleared[null]");
    CHECK_STR(client_value(b, "Delivered", "callingDevice"), "<notKnown/>");
    CHECK_STR(client_value(b, "Cleared", "releasingDevice"), "<notKnown/>");
    office_down(o);
}

static void test_hostile_caller_with_a_long_name_is_transferred(void)
{
    struct office *o = up();
    struct client *b = &o->client[1];
    phone_call(o, &o->outside, "1002",
               with_digits("P-Asserted-Identity: <sip:", CSTA_ID_MAX, "@trunk>\r\n"));
    respond(o, &o->phone[1], 200, SDP_B);
    ask_connection(b, "SingleStepTransferCall", "activeCall", "1002",
                   "<transferredTo>1003</transferredTo>");
    respond(o, &o->phone[2], 180, STR_NONE);
    const char *text = client_text(b, "TransferedEvent");
    CHECK(strstr(text, "<deviceID typeOfNumber=\"dynamic\">unknown1</deviceID>") != NULL);
    CHECK(strstr(text, "<endpoint><notKnown/></endpoint>") != NULL);
    office_down(o);
}

static void test_hostile_long_number_dialled(void)
{
    struct office *o = up();
    struct client *a = &o->client[0];
    client_ask(
        a, "MakeCall",
        with_digits("<callingDevice>1001</callingDevice><calledDirectoryNumber>",
                    CSTA_ID_MAX - 2,
                    "</calledDirectoryNumber><autoOriginate>doNotPrompt</autoOriginate>"));
    respond(o, &o->phone[0], 200, SDP_A);
    CHECK_STR(str_c(a->log), "A:MakeCallResponse E:ServiceInitiated[initiated] "
                             "E:Originated[connected] E:Failed[connected] "
                             "E:ConnectionCleared[null]");
    CHECK_STR(client_value(a, "Originated", "calledDevice"), "<notKnown/>");
    office_down(o);
}

/* ---- user data that no event can carry ---- */

static void call_with_octets(struct office *o, size_t octets)
{
    static char lines[32768];
    size_t n = (size_t)snprintf(lines, sizeof(lines), "User-to-User: ");
    for (size_t i = 0; i < octets; i++) {
        n += (size_t)snprintf(lines + n, sizeof(lines) - n, "04");
    }
    (void)snprintf(lines + n, sizeof(lines) - n, ";encoding=hex;purpose=mine\r\n");
    phone_call(o, &o->outside, "1002", lines);
    respond(o, &o->phone[1], 180, STR_NONE);
}

static void test_hostile_user_data_has_a_limit(void)
{
    static const struct {
        size_t octets;
        bool shown;
    } rows[] = {{2048, true}, {2049, false}, {10000, false}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct office *o = up();
        call_with_octets(o, rows[i].octets);
        CHECK_STR(str_c(o->client[1].log), "E:Delivered[alerting]");
        CHECK((client_value(&o->client[1], "Delivered", "userData").n > 0) == rows[i].shown);
        office_down(o);
    }
}

/* ---- who asked not to be named ---- */

static void test_hostile_transfer_keeps_a_secret(void)
{
    struct office *o = up();
    phone_call(o, &o->outside, "1002",
               "P-Asserted-Identity: <sip:0305555@trunk.example.net>\r\nPrivacy: id\r\n");
    respond(o, &o->phone[1], 200, SDP_B);
    ask_connection(&o->client[1], "SingleStepTransferCall", "activeCall", "1002",
                   "<transferredTo>1003</transferredTo>");
    CHECK(str_starts(station_last(&o->phone[2], "From"),
                     STR("\"Anonymous\" <sip:anonymous@anonymous.invalid>")));
    office_down(o);
}

/* ---- two at one call ---- */

static void test_hostile_answer_and_deflect(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    phone_call(o, &o->phone[0], "1002", NULL);
    respond(o, &o->phone[1], 180, STR_NONE);
    client_clear(a);
    client_clear(b);
    o->phone[1].auto_answer = false; /* the request to answer stays open */
    ask_connection(b, "AnswerCall", "callToBeAnswered", "1002", "");
    ask_connection(a, "DeflectCall", "callToBeDiverted", "1002",
                   "<newDestination>1003</newDestination>");
    office_run(o, 100);
    CHECK_STR(str_c(a->log), "A:DeflectCallResponse");
    CHECK_STR(str_c(b->log), "X:stateIncompatibility/invalidConnectionState E:Diverted[null]");
    office_down(o);
}

static void test_hostile_phone_answers_the_call_only(void)
{
    struct office *o = up();
    struct client *b = &o->client[1];
    phone_call(o, &o->phone[0], "1002", NULL);
    respond(o, &o->phone[1], 180, STR_NONE);
    client_clear(b);
    o->phone[1].auto_answer = false; /* never answers the NOTIFY */
    ask_connection(b, "AnswerCall", "callToBeAnswered", "1002", "");
    respond(o, &o->phone[1], 200, SDP_B);
    CHECK_STR(str_c(b->log), "A:AnswerCallResponse E:Established[connected]");
    o->phone[1].auto_answer = true;
    ask_connection(b, "HoldCall", "callToBeHeld", "1002", "");
    office_run(o, 200);
    CHECK_STR(str_c(b->log), "A:AnswerCallResponse E:Established[connected] "
                             "A:HoldCallResponse E:Held[hold]");
    office_down(o);
}

/* ---- what comes back to the sender ---- */

static void test_hostile_long_root_is_not_repeated(void)
{
    struct office *o = up();
    struct client *a = &o->client[0];
    static char body[40000];
    memset(body, 'A', sizeof(body) - 1);
    body[0] = '<';
    memcpy(body + sizeof(body) - 3, "/>", 3);
    client_send(a, "INFO", "application/csta+xml", body);
    office_run(o, 50);
    CHECK_STR(str_c(a->log), "X:operation/serviceNotSupported");
    CHECK(strlen(a->warning) < 200);
    CHECK(strstr(a->warning, "is not served here") != NULL);
    office_down(o);
}

TEST_MAIN(T(test_hostile_caller_with_a_long_name),
          T(test_hostile_caller_with_a_long_name_is_transferred),
          T(test_hostile_long_number_dialled), T(test_hostile_transfer_keeps_a_secret),
          T(test_hostile_answer_and_deflect), T(test_hostile_phone_answers_the_call_only),
          T(test_hostile_long_root_is_not_repeated), T(test_hostile_user_data_has_a_limit))
