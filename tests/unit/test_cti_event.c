/* SPDX-License-Identifier: Apache-2.0 */
/* What the monitors of both parties are told in whole calls, with everything real beneath. */
#include "fixture_cti.h"

#include <stdio.h>
#include <stdlib.h>

/* What was traced since watch_trace, line by line. */
static char traced[4096];

static void on_trace(void *ctx, enum trace_level level, const char *module,
                     const struct trace_ids *ids, struct str text)
{
    (void)ids;
    size_t n = strlen(traced);
    (void)ctx;
    if (level == TRACE_INFO && strcmp(module, "cti") == 0) {
        (void)snprintf(traced + n, sizeof(traced) - n, "%.*s\n", STR_ARG(text));
    }
}

static void watch_trace(struct office *o)
{
    traced[0] = '\0';
    o->node.env.trace = on_trace;
}

static size_t put(char *to, const char *text)
{
    memcpy(to, text, strlen(text) + 1);
    return strlen(text);
}

static struct office *up_with(const struct cti_config *config)
{
    struct office *o = office_up(config, TP_UDP);
    for (unsigned i = 0; i < PHONES; i++) {
        office_register(o, i, i == 1, 3600);
    }
    return o;
}

/** The first client watches 1001, the second 1002, each as the device is called here. */
static struct office *up(void)
{
    struct office *o = up_with(NULL);
    client_watch(&o->client[0], "crm", "sip:1001@example.com");
    client_watch(&o->client[1], "crm", "sip:1002@example.com");
    return o;
}

static void ring(struct office *o, unsigned phone)
{
    if (CHECK(o->phone[phone].leg != NULL)) {
        CHECK_INT(station_respond(&o->phone[phone], 180, STR_NONE), 0);
    }
    office_run(o, 50);
}

static void answer(struct office *o, unsigned phone)
{
    if (CHECK(o->phone[phone].leg != NULL)) {
        CHECK_INT(station_respond(&o->phone[phone], 200, SDP_B), 0);
    }
    office_run(o, 50);
}

static void hang_up(struct office *o, struct station *s, const char *lines)
{
    struct leg_content c = {.lines = str_c(lines)};
    leg_end(s->leg, 0, &c, NULL, NULL, o->net.now_ms);
    office_run(o, 100);
}

static bool has(const struct client *c, const char *event, const char *what)
{
    return strstr(client_text(c, event), what) != NULL;
}

static void ask_connection(struct client *c, const char *root, const char *element,
                           const char *device)
{
    char inside[256];
    (void)snprintf(inside, sizeof(inside), "<%s><deviceID>%s</deviceID></%s>", element, device,
                   element);
    client_ask(c, root, inside);
}

static void test_event_phone_to_phone(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    phone_call(o, &o->phone[0], "1002", "User-to-User: 0048;encoding=hex\r\n");
    ring(o, 1);
    answer(o, 1);
    hang_up(o, &o->phone[1], NULL);
    CHECK_STR(str_c(a->log), "E:Originated[connected] E:Delivered[connected] "
                             "E:Established[connected] E:ConnectionCleared[null]");
    CHECK_STR(str_c(b->log),
              "E:Delivered[alerting] E:Established[connected] E:ConnectionCleared[null]");
    CHECK_STR(client_value(b, "Delivered", "cause"), "newCall");
    CHECK_STR(client_value(b, "Delivered", "string"), "0048");
    CHECK_STR(client_value(a, "Delivered", "string"), "0048");
    CHECK_STR(client_value(b, "Delivered", "alertingDevice"),
              "<deviceIdentifier>sip:1002@example.com</deviceIdentifier>");
    CHECK_STR(client_value(b, "Delivered", "callingDevice"),
              "<deviceIdentifier>sip:1001@example.com</deviceIdentifier>");
    CHECK_STR(client_value(b, "Delivered", "calledDevice"),
              "<deviceIdentifier>sip:1002@example.com</deviceIdentifier>");
    CHECK_STR(client_value(b, "Delivered", "lastRedirectionDevice"), "<notRequired/>");
    CHECK_STR(client_value(a, "Cleared", "releasingDevice"),
              "<deviceIdentifier>sip:1002@example.com</deviceIdentifier>");
    CHECK_STR(client_value(a, "Cleared", "cause"), "normalClearing");
    /* each party is told of its own end */
    CHECK_STR(client_value(a, "Cleared", "deviceID"), "sip:1001@example.com");
    CHECK_STR(client_value(b, "Cleared", "deviceID"), "sip:1002@example.com");
    /* one call, one id, and in every event the connection that changed */
    struct str id = client_value(a, "Originated", "callID");
    CHECK_INT(id.n, CALL_ID_LEN);
    CHECK_BYTES(client_value(b, "Delivered", "callID"), id);
    CHECK_BYTES(client_value(b, "Cleared", "callID"), id);
    CHECK_STR(client_value(a, "Established", "deviceID"), "sip:1002@example.com");
    office_down(o);
}

static void test_event_user_data_of_answer_and_bye(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    struct leg_content c = {.lines = STR("User-to-User: 0041;encoding=hex\r\n"),
                            .type = STR("application/sdp"),
                            .body = SDP_B};
    phone_call(o, &o->phone[0], "1002", "User-to-User: 0048;encoding=hex\r\n");
    CHECK_INT(leg_respond(o->phone[1].leg, NULL, 200, STR_NONE, &c, o->net.now_ms), 0);
    office_run(o, 50);
    CHECK_STR(client_value(a, "Established", "string"),
              "0041"); /* what came from the subject */
    CHECK_STR(client_value(b, "Established", "string"), "0048"); /* what it has got */
    hang_up(o, &o->phone[0], "User-to-User: 0042;encoding=hex\r\n");
    CHECK_STR(client_value(b, "Cleared", "string"), "0042");
    CHECK_STR(client_value(a, "Cleared", "string"), "0042");
    office_down(o);
}

static void test_event_user_data_values(void)
{
    static const struct {
        const char *lines, *octets;
    } rows[] = {
        {"User-to-User: 56;purpose=foo;encoding=hex, 0048\r\n", "0048"},
        {"User-to-User: 56;purpose=foo;encoding=hex\r\n", "56"},
        {"User-to-User: 004\r\n", ""},
        {"User-to-User: 0048, 0049\r\n", ""},
        {"User-to-User: 56;purpose=foo;encoding=hex\r\nUser-to-User: 0048\r\n", "0048"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct office *o = up();
        test_context(rows[i].lines);
        phone_call(o, &o->phone[0], "1002", rows[i].lines);
        ring(o, 1);
        CHECK_STR(client_value(&o->client[1], "Delivered", "string"), rows[i].octets);
        CHECK(has(&o->client[1], "Delivered", "userData") == (rows[i].octets[0] != '\0'));
        office_down(o);
    }
    test_context(NULL);
}

/** Declared packages are read as declared, and leniently when that is configured. */
static void test_event_user_data_of_packages(void)
{
    static const struct str text[] = {STR_INIT("text")};
    static const struct uui_package row[] = {
        {.name = STR_INIT("crm"), .encodings = text, .encoding_n = 1, .max_octets = 8},
        {.name = STR_INIT("told"), .direction = UUI_OUT}};
    static const struct {
        const char *lines, *octets;
        bool lenient;
    } rows[] = {
        {"User-to-User: ticket.7;purpose=crm\r\n", "7469636B65742E37", false},
        {"User-to-User: ticket.77;purpose=crm\r\n", "", false},
        {"User-to-User: 01;purpose=told\r\n", "", false},
        {"User-to-User: Hello\r\n", "", false},
        {"User-to-User: Hello\r\n", "0448656C6C6F", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct uui_packages known = {row, ARRAY_LEN(row), rows[i].lenient};
        struct office *o = up();
        o->calls.packages = &known;
        test_context(rows[i].lines);
        phone_call(o, &o->phone[0], "1002", rows[i].lines);
        ring(o, 1);
        CHECK_STR(client_value(&o->client[1], "Delivered", "string"), rows[i].octets);
        office_down(o);
    }
    test_context(NULL);
}

/** Each value counts once for its message, however many events and monitors there are. */
static void test_event_user_data_is_judged(void)
{
    static const struct {
        const char *lines;
        uint64_t wrong, ignored;
        const char *why;
    } rows[] = {
        {"User-to-User: 0048;encoding=hex\r\n", 0, 0, NULL},
        {"User-to-User: 004\r\n", 1, 0,
         "User-to-User wrong: an odd number of hex digits (RFC 7433 §4.2), offset "},
        {"User-to-User: 0048, 00x8\r\n", 1, 1, "offset 8"},
        {"User-to-User: 0048\r\nUser-to-User: 0049\r\n", 0, 2,
         "User-to-User ignored: more values of the package"},
        {"User-to-User: 56;purpose=foo\r\n", 0, 0, NULL}, /* shown: it may be ours */
        {"User-to-User: 56;purpose=foo, 0048\r\n", 0, 1,
         "User-to-User ignored: the package is not known (RFC 7433 §4.1), offset "},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct office *o = up();
        test_context(rows[i].lines);
        client_ask(&o->client[1], "MonitorStart",
                   "<monitorObject><deviceObject>1001</deviceObject></monitorObject>");
        watch_trace(o);
        phone_call(o, &o->phone[0], "1002", rows[i].lines);
        ring(o, 1);
        answer(o, 1);
        CHECK_INT(office_stats(o).uui_wrong, rows[i].wrong);
        CHECK_INT(office_stats(o).uui_ignored, rows[i].ignored);
        CHECK(rows[i].why == NULL ? traced[0] == '\0' : strstr(traced, rows[i].why) != NULL);
        hang_up(o, &o->phone[1], rows[i].lines);
        CHECK_INT(office_stats(o).uui_wrong, 2 * rows[i].wrong);
        CHECK_INT(office_stats(o).uui_ignored, 2 * rows[i].ignored);
        office_down(o);
    }
    test_context(NULL);
}

static void test_event_user_data_too_much(void)
{
    char *lines = malloc(8192), *p = lines;
    REQUIRE(lines != NULL);
    p += put(p, "User-to-User: ");
    for (unsigned i = 0; i < 2049; i++) {
        p += put(p, "41");
    }
    (void)put(p, ";encoding=hex\r\n");
    struct office *o = up();
    phone_call(o, &o->phone[0], "1002", lines);
    CHECK_INT(office_stats(o).uui_ignored, 1);
    CHECK(!has(&o->client[0], "Originated", "userData"));
    office_down(o);
    p = lines + put(lines, "User-to-User: 00");
    for (unsigned i = 0; i < UUI_VALUES_MAX; i++) {
        p += put(p, ",00");
    }
    (void)put(p, "\r\n");
    o = up();
    phone_call(o, &o->phone[0], "1002", lines);
    CHECK_INT(office_stats(o).uui_wrong, 1);
    office_down(o);
    free(lines);
}

static void test_event_busy(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    phone_call(o, &o->phone[0], "1002", NULL);
    CHECK_INT(station_respond(&o->phone[1], 486, STR_NONE), 0);
    office_run(o, 50);
    CHECK_STR(str_c(a->log),
              "E:Originated[connected] E:Failed[connected] E:ConnectionCleared[null]");
    CHECK_STR(str_c(b->log), "");
    CHECK_STR(client_value(a, "Failed", "cause"), "busy");
    CHECK_STR(client_value(a, "Failed", "deviceID"), "sip:1002@example.com");
    office_down(o);
}

static void test_event_failed_local_fail(void)
{
    struct office *o = up_with(&(struct cti_config){.failed_local_fail = true});
    client_watch(&o->client[0], "crm", "1001");
    phone_call(o, &o->phone[0], "1002", NULL);
    CHECK_INT(station_respond(&o->phone[1], 486, STR_NONE), 0);
    office_run(o, 50);
    CHECK_STR(str_c(o->client[0].log),
              "E:Originated[connected] E:Failed[fail] E:ConnectionCleared[null]");
    office_down(o);
}

static void test_event_refused_after_ringing(void)
{
    struct office *o = up();
    phone_call(o, &o->phone[0], "1002", NULL);
    ring(o, 1);
    CHECK_INT(station_respond(&o->phone[1], 486, STR_NONE), 0);
    office_run(o, 50);
    CHECK_STR(str_c(o->client[0].log), "E:Originated[connected] E:Delivered[connected] "
                                       "E:Failed[connected] E:ConnectionCleared[null]");
    CHECK_STR(str_c(o->client[1].log), "E:Delivered[alerting] E:ConnectionCleared[null]");
    CHECK_STR(client_value(&o->client[1], "Cleared", "cause"), "busy");
    office_down(o);
}

/** What the refusal carries is shown to both. */
static void test_event_user_data_of_a_refusal(void)
{
    struct office *o = up();
    struct leg_content c = {.lines = STR("User-to-User: 0042, 004\r\n")};
    phone_call(o, &o->phone[0], "1002", "User-to-User: 0048;encoding=hex\r\n");
    ring(o, 1);
    CHECK_INT(leg_respond(o->phone[1].leg, NULL, 486, STR_NONE, &c, o->net.now_ms), 0);
    office_run(o, 50);
    CHECK_INT(office_stats(o).uui_wrong, 1);
    CHECK_INT(office_stats(o).uui_ignored, 1); /* two of them: neither counts */
    office_down(o);
    o = up();
    c.lines = STR("User-to-User: 0042;encoding=hex\r\n");
    phone_call(o, &o->phone[0], "1002", "User-to-User: 0048;encoding=hex\r\n");
    ring(o, 1);
    CHECK_INT(leg_respond(o->phone[1].leg, NULL, 486, STR_NONE, &c, o->net.now_ms), 0);
    office_run(o, 50);
    CHECK_STR(client_value(&o->client[0], "FailedEvent", "string"), "0042");
    CHECK_STR(client_value(&o->client[0], "ClearedEvent", "string"), "0042");
    CHECK_STR(client_value(&o->client[1], "ClearedEvent", "string"), "0042");
    office_down(o);
}

static void test_event_caller_gives_up(void)
{
    struct office *o = up();
    phone_call(o, &o->phone[0], "1002", NULL);
    ring(o, 1);
    leg_cancel(o->phone[0].leg, STR_NONE, o->net.now_ms);
    office_run(o, 100);
    CHECK_STR(str_c(o->client[0].log), "E:Originated[connected] E:Delivered[connected] "
                                       "E:ConnectionCleared[null]");
    CHECK_STR(str_c(o->client[1].log), "E:Delivered[alerting] E:ConnectionCleared[null]");
    CHECK_STR(client_value(&o->client[1], "Cleared", "cause"), "callCancelled");
    CHECK(has(&o->client[1], "Cleared", "sip:1001@example.com</deviceIdentifier></releasing"));
    office_down(o);
}

static void hold(struct office *o, struct client *c)
{
    ask_connection(c, "HoldCall", "callToBeHeld", "1001");
    office_run(o, 200);
}

static void test_event_hold_and_retrieve(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    phone_call(o, &o->phone[0], "1002", NULL);
    answer(o, 1);
    client_clear(a);
    client_clear(b);
    hold(o, a);
    CHECK_STR(str_c(a->log), "A:HoldCallResponse E:Held[hold]"); /* S-16: first the answer */
    CHECK_STR(str_c(b->log), "E:Held[connected]");
    CHECK(has(b, "HeldEvent", "sip:1001@example.com</deviceIdentifier></holdingDevice>"));
    ask_connection(a, "RetrieveCall", "callToBeRetrieved", "1001");
    office_run(o, 200);
    CHECK_STR(str_c(a->log), "A:HoldCallResponse E:Held[hold] A:RetrieveCallResponse "
                             "E:Retrieved[connected]");
    CHECK_STR(str_c(b->log), "E:Held[connected] E:Retrieved[connected]");
    office_down(o);
}

static void test_event_make_call(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    client_ask(a, "MakeCall",
               "<callingDevice>sip:1001@example.com</callingDevice>"
               "<calledDirectoryNumber>1002</calledDirectoryNumber>"
               "<autoOriginate>doNotPrompt</autoOriginate>"
               "<correlatorData><string>AB01</string></correlatorData>"
               "<userData><string>00C0FFEE</string></userData>");
    CHECK_STR(str_c(a->log), "A:MakeCallResponse E:ServiceInitiated[initiated]");
    CHECK_STR(client_value(a, "MakeCallResponse", "deviceID"), "sip:1001@example.com");
    CHECK(station_last(&o->phone[0], "Call-Info").n > 0);
    answer(o, 0);
    ring(o, 1);
    CHECK_STR(station_last(&o->phone[1], "User-to-User"),
              "00C0FFEE;encoding=hex;purpose=isdn-uui");
    answer(o, 1);
    office_run(o, 200);
    CHECK_STR(str_c(a->log), "A:MakeCallResponse E:ServiceInitiated[initiated] "
                             "E:Originated[connected] E:Delivered[connected] "
                             "E:Established[connected]");
    CHECK_STR(str_c(b->log), "E:Delivered[alerting] E:Established[connected]");
    CHECK_STR(client_value(b, "Delivered", "userData"), "<string>00C0FFEE</string>");
    CHECK_STR(client_value(b, "Delivered", "correlatorData"), "<string>AB01</string>");
    CHECK_STR(client_value(a, "Originated", "cause"), "makeCall");
    CHECK_STR(client_value(a, "Originated", "correlatorData"), "<string>AB01</string>");
    struct str id = client_value(a, "MakeCallResponse", "callID");
    CHECK_BYTES(client_value(b, "Delivered", "callID"), id);
    office_down(o);
}

static void test_event_make_call_prompt(void)
{
    struct office *o = up();
    struct client *a = &o->client[0];
    client_ask(a, "MakeCall",
               "<callingDevice>1001</callingDevice>"
               "<calledDirectoryNumber>1002</calledDirectoryNumber>");
    CHECK(station_last(&o->phone[0], "Call-Info").n == 0); /* the phone rings */
    office_run(o, 31000);
    CHECK_STR(str_c(a->log), "A:MakeCallResponse E:ServiceInitiated[initiated] "
                             "E:ConnectionCleared[null]");
    CHECK_STR(client_value(a, "Cleared", "cause"), "timeout");
    CHECK_STR(client_value(a, "MakeCallResponse", "deviceID"), "1001"); /* as it was asked */
    office_down(o);
}

static void test_event_deflect(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    client_ask(b, "MonitorStart",
               "<monitorObject><deviceObject>sip:1003@example.com"
               "</deviceObject></monitorObject>");
    phone_call(o, &o->phone[0], "1002", NULL);
    ring(o, 1);
    client_clear(a);
    client_clear(b);
    client_ask(b, "DeflectCall",
               "<callToBeDiverted><deviceID>1002</deviceID></callToBeDiverted>"
               "<newDestination>1003</newDestination>");
    ring(o, 2);
    answer(o, 2);
    CHECK_STR(str_c(b->log), "A:DeflectCallResponse E:Diverted[null] E:Delivered[alerting] "
                             "E:Established[connected]");
    CHECK_STR(str_c(a->log), "E:Delivered[connected] E:Established[connected]");
    CHECK(has(b, "Diverted", "sip:1003@example.com</deviceIdentifier></newDestination>"));
    CHECK_STR(client_value(b, "Diverted", "cause"), "redirected");
    CHECK_STR(client_value(b, "DeliveredEvent", "cause"), "redirected");
    CHECK(
        has(b, "DeliveredEvent", "<lastRedirectionDevice><numberDialed>sip:1002@example.com"));
    office_down(o);
}

static void test_event_transfer(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    client_ask(b, "MonitorStart",
               "<monitorObject><deviceObject>sip:1003@example.com"
               "</deviceObject></monitorObject>");
    phone_call(o, &o->phone[0], "1002", NULL);
    answer(o, 1);
    struct str id = client_value(a, "Established", "callID");
    char call_id[CALL_ID_LEN + 1];
    (void)snprintf(call_id, sizeof(call_id), "%.*s", STR_ARG(id));
    client_clear(a);
    client_clear(b);
    client_ask(a, "SingleStepTransferCall",
               "<activeCall><deviceID>1001</deviceID></activeCall>"
               "<transferredTo>1003</transferredTo>");
    CHECK_STR(str_c(a->log), "");
    ring(o, 2);
    answer(o, 2);
    office_run(o, 200);
    CHECK_STR(str_c(a->log), "A:SingleStepTransferCallResponse E:Transfered[null]");
    CHECK_STR(client_value(a, "CallResponse", "callID"), call_id);
    CHECK_STR(client_value(a, "CallResponse", "deviceID"), "sip:1003@example.com");
    CHECK_STR(str_c(b->log),
              "E:Transfered[connected] E:Delivered[connected] E:Delivered[alerting] "
              "E:Established[connected] E:Established[connected]");
    CHECK_STR(client_value(a, "TransferedEvent", "cause"), "singleStepTransfer");
    struct str list = client_value(a, "TransferedEvent", "transferredConnections");
    CHECK(str_find(list, STR("<oldConnection>")) < list.n);
    CHECK(str_find(list, STR("sip:1002@example.com")) < list.n);
    CHECK(str_find(list, STR("sip:1003@example.com")) < list.n);
    CHECK(str_find(list, STR("sip:1001@example.com")) == list.n);
    office_down(o);
}

static void test_event_answer_call(void)
{
    struct office *o = up();
    struct client *b = &o->client[1];
    phone_call(o, &o->phone[0], "1002", NULL);
    ring(o, 1);
    client_clear(b);
    o->phone[1].auto_answer = false; /* answers the call first, the NOTIFY later */
    ask_connection(b, "AnswerCall", "callToBeAnswered", "1002");
    CHECK_STR(station_last(&o->phone[1], "Event"), "talk");
    answer(o, 1);
    CHECK_STR(str_c(b->log), "A:AnswerCallResponse E:Established[connected]");
    CHECK_INT(station_answer(&o->phone[1], 200, STR_NONE), 0);
    office_run(o, 100);
    CHECK_STR(str_c(b->log), "A:AnswerCallResponse E:Established[connected]");
    office_down(o);
}

/** Each service on a call sets the call's correlatorData, from the events on that it causes. */
static void test_event_correlator_of_services(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    phone_call(o, &o->phone[0], "1002", NULL);
    ring(o, 1);
    CHECK(!has(b, "DeliveredEvent", "correlatorData"));
    client_ask(b, "AnswerCall",
               "<callToBeAnswered><deviceID>1002</deviceID></callToBeAnswered>"
               "<correlatorData><string>AB0102</string></correlatorData>");
    answer(o, 1);
    CHECK_STR(client_value(a, "Established", "correlatorData"), "<string>AB0102</string>");
    CHECK_STR(client_value(b, "Established", "correlatorData"), "<string>AB0102</string>");
    client_clear(a);
    client_ask(a, "SingleStepTransferCall",
               "<activeCall><deviceID>1001</deviceID></activeCall>"
               "<transferredTo>sip:nobody@example.com</transferredTo>"
               "<correlatorData><string>FF</string></correlatorData>");
    CHECK(strstr(a->log, "X:") != NULL); /* refused at once: nothing has changed */
    hold(o, a);
    CHECK_STR(client_value(b, "HeldEvent", "correlatorData"), "<string>AB0102</string>");
    client_ask(a, "RetrieveCall",
               "<callToBeRetrieved><deviceID>1001</deviceID></callToBeRetrieved>");
    office_run(o, 200);
    client_ask(a, "SingleStepTransferCall",
               "<activeCall><deviceID>1001</deviceID></activeCall>"
               "<transferredTo>1003</transferredTo>"
               "<correlatorData><string>03</string></correlatorData>");
    ring(o, 2);
    answer(o, 2);
    office_run(o, 200);
    CHECK_STR(client_value(a, "TransferedEvent", "correlatorData"), "<string>03</string>");
    client_ask(b, "ClearConnection",
               "<connectionToBeCleared><deviceID>1002</deviceID></connectionToBeCleared>"
               "<correlatorData><string>04</string></correlatorData>");
    CHECK_STR(client_value(b, "ClearedEvent", "correlatorData"), "<string>04</string>");
    office_down(o);
}

static void test_event_correlator_of_deflection(void)
{
    struct office *o = up();
    struct client *b = &o->client[1];
    phone_call(o, &o->phone[0], "1002", NULL);
    ring(o, 1);
    client_ask(b, "DeflectCall",
               "<callToBeDiverted><deviceID>1002</deviceID></callToBeDiverted>"
               "<newDestination>1003</newDestination>"
               "<correlatorData><string>05</string></correlatorData>");
    ring(o, 2);
    CHECK_STR(client_value(b, "DivertedEvent", "correlatorData"), "<string>05</string>");
    CHECK_STR(client_value(&o->client[0], "Delivered", "correlatorData"),
              "<string>05</string>");
    office_down(o);
}

/** The caller's own phone is answered: Originated shows it before the phone answers NOTIFY. */
static void test_event_answer_call_of_the_caller(void)
{
    struct office *o = up();
    struct client *b = &o->client[1];
    client_ask(b, "MakeCall",
               "<callingDevice>1002</callingDevice>"
               "<calledDirectoryNumber>1001</calledDirectoryNumber>");
    ring(o, 1);
    client_clear(b);
    o->phone[1].auto_answer = false;
    ask_connection(b, "AnswerCall", "callToBeAnswered", "1002");
    CHECK_STR(station_last(&o->phone[1], "Event"), "talk");
    answer(o, 1);
    CHECK_STR(str_c(b->log), "A:AnswerCallResponse E:Originated[connected]");
    office_down(o);
}

static void test_event_clear_connection(void)
{
    struct office *o = up();
    struct client *a = &o->client[0], *b = &o->client[1];
    phone_call(o, &o->phone[0], "1002", NULL);
    ring(o, 1);
    client_clear(b);
    client_ask(b, "ClearConnection",
               "<connectionToBeCleared><deviceID>1002</deviceID></connectionToBeCleared>"
               "<reason>busy</reason>");
    CHECK_STR(str_c(b->log), "A:ClearConnectionResponse E:ConnectionCleared[null]");
    CHECK_STR(client_value(b, "ClearedEvent", "cause"), "busy");
    CHECK(strstr(o->phone[0].log, "rejected:486") != NULL);
    CHECK(strstr(a->log, "E:Failed[connected] E:ConnectionCleared[null]") != NULL);
    phone_call(o, &o->phone[0], "1002", NULL);
    answer(o, 1);
    client_clear(b);
    client_ask(b, "ClearConnection",
               "<connectionToBeCleared><deviceID>1002</deviceID></connectionToBeCleared>"
               "<userData><string>0099</string></userData>");
    CHECK_STR(str_c(b->log), "A:ClearConnectionResponse E:ConnectionCleared[null]");
    CHECK_STR(station_last(&o->phone[0], "User-to-User"), "0099;encoding=hex;purpose=isdn-uui");
    office_down(o);
}

static void test_event_outside(void)
{
    struct office *o = up();
    struct client *a = &o->client[0];
    phone_call(o, &o->phone[0], "0301234", NULL);
    if (CHECK(o->outside.leg != NULL)) {
        CHECK_INT(station_respond(&o->outside, 183, STR_NONE), 0);
        office_run(o, 50);
        CHECK_INT(station_respond(&o->outside, 200, SDP_B), 0);
        office_run(o, 50);
    }
    CHECK_STR(str_c(a->log), "E:Originated[connected] E:NetworkReached[connected] "
                             "E:Delivered[connected] E:Established[connected]");
    CHECK_STR(client_value(a, "NetworkReached", "deviceID"), "sip:0301234@example.com");
    office_down(o);
}

static void test_event_restricted(void)
{
    struct office *o = up();
    struct client *b = &o->client[1];
    phone_call(o, &o->outside, "1002", "Privacy: id\r\n");
    ring(o, 1);
    answer(o, 1);
    CHECK_STR(client_value(b, "Delivered", "callingDevice"), "<restricted/>");
    hang_up(o, &o->outside, NULL);
    CHECK_STR(client_value(b, "Cleared", "releasingDevice"), "<restricted/>");
    for (size_t i = 0; i < b->texts; i++) {
        CHECK(strstr(b->text[i], "030123") == NULL); /* nowhere */
    }
    office_down(o);
}

static void test_event_restricted_connection_is_dynamic(void)
{
    struct office *o = up();
    struct client *b = &o->client[1];
    phone_call(o, &o->outside, "1002", "Privacy: id\r\n");
    answer(o, 1);
    client_ask(b, "SingleStepTransferCall",
               "<activeCall><deviceID>1002</deviceID></activeCall>"
               "<transferredTo>1003</transferredTo>");
    ring(o, 2);
    const char *text = client_text(b, "TransferedEvent");
    CHECK(strstr(text, "typeOfNumber=\"dynamic\"") != NULL);
    CHECK(strstr(text, "030123") == NULL);
    office_down(o);
}

static void test_event_registration(void)
{
    struct office *o = up();
    struct client *a = &o->client[0];
    office_register(o, 0, false, 0);
    office_run(o, 50);
    office_register(o, 0, false, 3600);
    office_run(o, 50);
    CHECK_STR(str_c(a->log), "E:OutOfService E:BackInService");
    CHECK_STR(str_c(o->client[1].log), "");
    CHECK(has(a, "OutOfService", "<device><deviceIdentifier>sip:1001@example.com"));
    office_down(o);
}

static void test_event_same_device_twice_in_a_call(void)
{
    struct office *o = up();
    phone_call(o, &o->phone[0], "1001", NULL); /* it rings itself */
    ring(o, 0);
    CHECK_STR(str_c(o->client[0].log), "E:Originated[connected] E:Delivered[alerting]");
    office_down(o);
}

TEST_MAIN(T(test_event_phone_to_phone), T(test_event_user_data_of_answer_and_bye),
          T(test_event_user_data_values), T(test_event_user_data_of_packages),
          T(test_event_user_data_is_judged), T(test_event_user_data_too_much),
          T(test_event_user_data_of_a_refusal), T(test_event_correlator_of_services),
          T(test_event_correlator_of_deflection), T(test_event_busy),
          T(test_event_failed_local_fail), T(test_event_refused_after_ringing),
          T(test_event_caller_gives_up), T(test_event_hold_and_retrieve),
          T(test_event_make_call), T(test_event_make_call_prompt), T(test_event_deflect),
          T(test_event_transfer), T(test_event_answer_call),
          T(test_event_answer_call_of_the_caller), T(test_event_clear_connection),
          T(test_event_outside), T(test_event_restricted),
          T(test_event_restricted_connection_is_dynamic), T(test_event_registration),
          T(test_event_same_device_twice_in_a_call))
