/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every service: what it answers, and every reason for which it refuses. Positive answers of
 * the services on calls are in test_cti_event.c, where the calls are real; here a driver that
 * does what it is told takes their place for outcomes that are hard to bring about.
 */
#include "fixture_cti.h"

#include <stdio.h>
static struct office *up(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    for (unsigned i = 0; i < 2; i++) {
        office_register(o, i, false, 3600);
    }
    client_open(&o->client[0], "crm", STATUS_REQUEST);
    client_open(&o->client[1], "desk", STATUS_REQUEST);
    client_clear(&o->client[0]);
    client_clear(&o->client[1]);
    return o;
}

static void talk(struct office *o)
{
    phone_call(o, &o->phone[0], "1002", NULL);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
}

#define HEX64 "00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"
#define HEX128 HEX64 HEX64
#define HEX256 HEX128 HEX128
#define DATA(name, hex) "<" name "><string>" hex "</string></" name ">"
#define FROM(d) "<callingDevice>" d "</callingDevice>"
#define TO(d) "<calledDirectoryNumber>" d "</calledDirectoryNumber>"
#define DEVICE(e, d) "<" e "><deviceID>" d "</deviceID></" e ">"
#define CALL(e, c) "<" e "><callID>" c "</callID></" e ">"
#define BOTH(e, c, d) "<" e "><callID>" c "</callID><deviceID>" d "</deviceID></" e ">"

/* Asked by "crm" (100*), in an office where 1001 and 1002 talk and 1003 is not registered. */
static const struct {
    const char *root, *inside, *want, *why;
} rows[] = {
    /* known? */
    {"NoSuchService", "", "X:operation/serviceNotSupported", "NoSuchService is not served"},
    {"ConferenceCall", "", "X:operation/serviceNotSupported", "ConferenceCall"},
    {"CamponCall", "", "X:operation/serviceNotSupported", ""},
    {"ChangeSysStatFilter", "", "X:operation/serviceNotSupported", ""},
    {"DeliveredEvent", "<monitorCrossRefID>1</monitorCrossRefID>",
     "X:operation/serviceNotSupported", ""},
    /* parameters */
    {"MonitorStop", "", "X:operation/invalidMonitorCrossRefID", "monitorCrossRefID"},
    {"SnapshotDevice", "", "X:operation/invalidParameterValue", "snapshotObject"},
    {"MakeCall", FROM("1001") TO("1002") "<autoOriginate>perhaps</autoOriginate>",
     "X:operation/invalidParameterValue", "autoOriginate"},
    {"MakeCall", FROM("1001") TO("1002") "<autoOriginate>perhaps</autoOriginate>",
     "X:operation/invalidParameterValue", "not one of the values (prompt, doNotPrompt)"},
    {"ClearConnection", DEVICE("connectionToBeCleared", "1001") "<reason>boredom</reason>",
     "X:operation/invalidParameterValue", ", ...)"},
    {"MakeCall", FROM("1001") TO("1002") DATA("userData", "001"),
     "X:operation/invalidParameterValue",
     "an odd number of hexadecimal digits (pairs of hex digits)"},
    {"MakeCall", FROM("1001") TO("1002") DATA("userData", HEX256 "0011"),
     "X:operation/valueOutOfRange", "userData has 130 octets"},
    {"MakeCall", FROM("1001") TO("1002") "<userData><private><a/></private></userData>",
     "X:operation/userDataNotSupported", "octets only"},
    {"MakeCall", FROM("1001") TO("1002") DATA("correlatorData", HEX256 HEX256 "00"),
     "X:operation/correlatorDataOutOfRange", "257 octets"},
    {"MakeCall",
     FROM("1001") TO("1002") "<correlatorData><private><a/></private></correlatorData>",
     "X:operation/correlatorDataNotSupported", ""},
    {"ClearConnection", DEVICE("connectionToBeCleared", "1001") DATA("userData", HEX256 "0011"),
     "X:operation/valueOutOfRange", ""},
    {"DeflectCall",
     DEVICE("callToBeDiverted",
            "1001") "<newDestination>1003</newDestination>" DATA("userData", HEX256 "0011"),
     "X:operation/valueOutOfRange", ""},
    {"SingleStepTransferCall",
     DEVICE("activeCall", "1001") "<transferredTo>1003</transferredTo>" DATA("userData",
                                                                             HEX256 "0011"),
     "X:operation/valueOutOfRange", ""},
    {"AnswerCall", DEVICE("callToBeAnswered", "1001") DATA("userData", "0011"),
     "X:operation/userDataNotSupported",
     "AnswerCall cannot carry user data: the phone answers by itself"},
    {"AnswerCall",
     DEVICE("callToBeAnswered", "1001") "<userData><private><a/></private></userData>",
     "X:operation/userDataNotSupported", ""},
    {"AnswerCall", DEVICE("callToBeAnswered", "1001") "<userData><string/></userData>",
     "X:stateIncompatibility/noCallToAnswer", ""},
    {"AnswerCall",
     DEVICE("callToBeAnswered", "1001") DATA("correlatorData", HEX256 HEX256 "00"),
     "X:operation/correlatorDataOutOfRange", "257 octets"},
    {"ClearConnection",
     DEVICE("connectionToBeCleared", "1001") DATA("correlatorData", HEX256 HEX256 "00"),
     "X:operation/correlatorDataOutOfRange", "257 octets"},
    {"DeflectCall",
     DEVICE("callToBeDiverted", "1001") "<newDestination>1003</newDestination>" DATA(
         "correlatorData", HEX256 HEX256 "00"),
     "X:operation/correlatorDataOutOfRange", ""},
    {"SingleStepTransferCall",
     DEVICE("activeCall", "1001") "<transferredTo>1003</transferredTo>"
                                  "<correlatorData><private><a/></private></correlatorData>",
     "X:operation/correlatorDataNotSupported", ""},
    {"HoldCall", "<callToBeHeld/>", "X:operation/atLeastOneConditionalParameterNotProvided",
     ""},
    /* device */
    {"MakeCall", FROM("1009") TO("1002"), "X:operation/invalidCallingDeviceID",
     "no such device"},
    {"MakeCall", FROM("1001") TO("777"), "X:operation/invalidCalledDeviceID", "destination"},
    {"MakeCall", FROM("1001") TO("1001"), "X:operation/invalidCalledDeviceID", ""},
    {"MakeCall", FROM("1003") TO("1001"), "X:systemResourceAvailibility/deviceOutOfService",
     "not registered"},
    {"SnapshotDevice", "<snapshotObject>1009</snapshotObject>", "X:operation/invalidDeviceID",
     ""},
    {"MonitorStart", "<monitorObject><deviceObject>1009</deviceObject></monitorObject>",
     "X:operation/invalidDeviceID", ""},
    {"MonitorStart", "<monitorObject>" BOTH("callObject", "1", "1001") "</monitorObject>",
     "X:operation/invalidConnectionID", ""},
    {"MonitorStart",
     "<monitorObject><deviceObject>1001</deviceObject></monitorObject>"
     "<monitorType>call</monitorType>",
     "X:operation/monitorTypeNotSupported", ""},
    {"MonitorStop", "<monitorCrossRefID>99</monitorCrossRefID>",
     "X:operation/invalidMonitorCrossRefID", "no such monitor"},
    {"MonitorStop", "<monitorCrossRefID>x</monitorCrossRefID>",
     "X:operation/invalidMonitorCrossRefID", ""},
    {"HoldCall", DEVICE("callToBeHeld", "1009"), "X:operation/invalidDeviceID", ""},
    /* connection */
    {"HoldCall", CALL("callToBeHeld", "nosuchcall"), "X:operation/invalidConnectionID",
     "no such connection"},
    {"HoldCall", BOTH("callToBeHeld", "nosuchcall", "1001"), "X:operation/invalidConnectionID",
     ""},
    {"HoldCall", BOTH("callToBeHeld", "$", "1003"), "X:operation/invalidConnectionID", ""},
    /* state */
    {"AnswerCall", DEVICE("callToBeAnswered", "1001"), "X:stateIncompatibility/noCallToAnswer",
     "state"},
    {"AnswerCall", BOTH("callToBeAnswered", "$", "1001"),
     "X:stateIncompatibility/noCallToAnswer", ""},
    {"RetrieveCall", DEVICE("callToBeRetrieved", "1001"), "X:stateIncompatibility/noHeldCall",
     ""},
    {"RetrieveCall", BOTH("callToBeRetrieved", "$", "1001"),
     "X:stateIncompatibility/noHeldCall", ""},
    {"HoldCall", DEVICE("callToBeHeld", "1003"), "X:stateIncompatibility/noActiveCall", ""},
    {"HoldCall", CALL("callToBeHeld", "$"), "X:stateIncompatibility/invalidConnectionState",
     "several connections"},
    {"ClearConnection", DEVICE("connectionToBeCleared", "1003"),
     "X:stateIncompatibility/noConnectionToClear", ""},
    {"DeflectCall",
     BOTH("callToBeDiverted", "$", "1001") "<newDestination>1002</newDestination>",
     "X:stateIncompatibility/invalidConnectionState", ""},
    {"SingleStepTransferCall",
     BOTH("activeCall", "$", "1001") "<transferredTo>777</transferredTo>",
     "X:operation/invalidDestination", ""},
    {"SingleStepTransferCall",
     BOTH("activeCall", "$", "1001") "<transferredTo>1002</transferredTo>",
     "X:operation/invalidDestination", ""},
    {"SingleStepTransferCall",
     BOTH("activeCall", "$", "1001") "<transferredTo>1003</transferredTo>",
     "X:systemResourceAvailibility/destinationDeviceOutOfService", ""},
    /* and what is answered */
    {"RequestSystemStatus", "", "A:RequestSystemStatusResponse", ""},
    {"SystemStatus", "<systemStatus>normal</systemStatus>", "A:SystemStatusResponse", ""},
    {"GetCSTAFeatures", "", "A:GetCSTAFeaturesResponse", ""},
    {"SnapshotDevice", "<snapshotObject>1003</snapshotObject>", "A:SnapshotDeviceResponse", ""},
    {"MonitorStart", "<monitorObject><deviceObject>1003</deviceObject></monitorObject>",
     "A:MonitorStartResponse", ""},
    {"MonitorStop", "<monitorCrossRefID>\n 1 </monitorCrossRefID>", "A:MonitorStopResponse",
     ""},
};

/** `$` becomes the callID. */
static void expand(const char *inside, const char *call_id, char *out, size_t cap)
{
    struct out o;
    out_init(&o, out, cap - 1);
    for (; *inside != '\0'; inside++) {
        if (*inside == '$') {
            out_c(&o, call_id);
        } else {
            out_ch(&o, *inside);
        }
    }
    CHECK(!o.over);
    out[o.n] = '\0';
}

static void test_service_errors(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    char inside[4096];
    talk(o);
    struct call *call = list_entry(o->calls.calls.next, struct call, link);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context(rows[i].inside);
        client_clear(c);
        expand(rows[i].inside, call->id, inside, sizeof(inside));
        client_ask(c, rows[i].root, inside);
        CHECK_STR(str_c(c->log), rows[i].want);
        CHECK(strstr(c->warning, rows[i].why) != NULL);
        CHECK((rows[i].want[0] == 'X') == (strstr(c->warning, "399 example.com \"") != NULL));
    }
    test_context(NULL);
    CHECK_INT(office_stats(o).requests, 2 + ARRAY_LEN(rows));
    CHECK_INT(office_stats(o).answered, 2 + ARRAY_LEN(rows));
    CHECK_INT(o->phone[0].leg->state, LEG_CONFIRMED);
    office_down(o);
}

/* "desk" is granted 1001 only. */
static void test_service_grants(void)
{
    static const struct {
        const char *root, *inside;
    } rows2[] = {
        {"MakeCall", FROM("1002") TO("1001")},
        {"AnswerCall", DEVICE("callToBeAnswered", "1002")},
        {"ClearConnection", DEVICE("connectionToBeCleared", "1002")},
        {"ClearConnection", BOTH("connectionToBeCleared", "$", "1002")},
        {"DeflectCall",
         DEVICE("callToBeDiverted", "1002") "<newDestination>1001</newDestination>"},
        {"HoldCall", DEVICE("callToBeHeld", "sip:1002@example.com")},
        {"RetrieveCall", DEVICE("callToBeRetrieved", "1002")},
        {"SingleStepTransferCall",
         DEVICE("activeCall", "1002") "<transferredTo>1003</transferredTo>"},
        {"SnapshotDevice", "<snapshotObject>1002</snapshotObject>"},
        {"MonitorStart", "<monitorObject><deviceObject>1002</deviceObject></monitorObject>"},
    };
    struct office *o = up();
    struct client *c = &o->client[1];
    char inside[1024];
    talk(o);
    struct call *call = list_entry(o->calls.calls.next, struct call, link);
    for (size_t i = 0; i < ARRAY_LEN(rows2); i++) {
        test_context(rows2[i].root);
        client_clear(c);
        expand(rows2[i].inside, call->id, inside, sizeof(inside));
        client_ask(c, rows2[i].root, inside);
        CHECK_STR(str_c(c->log), "X:operation/privilegeViolationSpecifiedDevice");
    }
    test_context(NULL);
    /* of a call with one party that it is granted, callID alone is enough */
    client_clear(c);
    expand(CALL("callToBeHeld", "$"), call->id, inside, sizeof(inside));
    client_ask(c, "HoldCall", inside);
    office_run(o, 200);
    CHECK_STR(str_c(c->log), "A:HoldCallResponse");
    /* and none at all of a call of others */
    o->desk_scopes[0].pattern = STR("1003");
    client_ask(c, "HoldCall", inside);
    CHECK_STR(str_c(c->log),
              "A:HoldCallResponse X:operation/privilegeViolationSpecifiedDevice");
    office_down(o);
}

/** "desk" may observe 1001 and 1002, and control nothing: it looks, and commands nobody. */
static void test_service_observe_only(void)
{
    static const struct {
        const char *root, *inside;
    } looks[] = {
        {"MonitorStart", "<monitorObject><deviceObject>1001</deviceObject></monitorObject>"},
        {"SnapshotDevice", "<snapshotObject>1002</snapshotObject>"},
        {"SnapshotCall", BOTH("snapshotObject", "$", "1001")},
        {"GetDoNotDisturb", "<device>1001</device>"},
        {"GetForwarding", "<device>1001</device>"},
        {"GetLogicalDeviceInformation", "<device>1001</device>"},
    };
    static const struct {
        const char *root, *inside;
    } commands[] = {
        {"MakeCall", FROM("1001") TO("1003")},
        {"AnswerCall", DEVICE("callToBeAnswered", "1002")},
        {"ClearConnection", BOTH("connectionToBeCleared", "$", "1001")},
        {"ClearCall", CALL("callToBeCleared", "$")},
        {"HoldCall", CALL("callToBeHeld", "$")},
        {"DeflectCall",
         DEVICE("callToBeDiverted", "1002") "<newDestination>1001</newDestination>"},
        {"SingleStepTransferCall",
         DEVICE("activeCall", "1002") "<transferredTo>1003</transferredTo>"},
        {"AssociateData", CALL("existingCall", "$") DATA("correlatorData", "0011")},
        {"SendUserInformation", BOTH("existingCall", "$", "1001") DATA("userData", "0011")},
        {"SetDoNotDisturb", "<device>1001</device><doNotDisturbOn>true</doNotDisturbOn>"},
        {"SetForwarding", "<device>1001</device><activateForward>true</activateForward>"
                          "<forwardDN>1003</forwardDN>"},
        {"RouteRegister", "<routeingDevice>1001</routeingDevice>"},
    };
    struct office *o = up();
    struct client *c = &o->client[1];
    char inside[1024];
    o->desk_scopes[0] = (struct access_scope){STR("100*"), ACCESS_OBSERVE};
    talk(o);
    struct call *call = list_entry(o->calls.calls.next, struct call, link);
    for (size_t i = 0; i < ARRAY_LEN(looks); i++) {
        test_context(looks[i].root);
        client_clear(c);
        expand(looks[i].inside, call->id, inside, sizeof(inside));
        client_ask(c, looks[i].root, inside);
        CHECK(strstr(c->log, "Response") != NULL && strstr(c->log, "X:") == NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        test_context(commands[i].root);
        client_clear(c);
        expand(commands[i].inside, call->id, inside, sizeof(inside));
        client_ask(c, commands[i].root, inside);
        CHECK_STR(str_c(c->log), "X:operation/privilegeViolationSpecifiedDevice");
    }
    test_context(NULL);
    CHECK(strstr(c->warning, "may observe the device, but not control it") != NULL);
    /* and it is told that there is nothing it could do */
    client_clear(c);
    client_ask(c, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    CHECK(strstr(client_text(c, "SnapshotDeviceResponse"), "<holdCall>") == NULL);
    o->desk_scopes[0].kind = ACCESS_CONTROL;
    client_clear(c);
    client_ask(c, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    CHECK(strstr(client_text(c, "SnapshotDeviceResponse"), "<holdCall>true") != NULL);
    office_down(o);
}

/** Requests that are ours to send. */
static bool is_ours(enum csta_msg_id id)
{
    return id == CSTA_MSG_ROUTE_REQUEST || id == CSTA_MSG_RE_ROUTE ||
           id == CSTA_MSG_ROUTE_USED || id == CSTA_MSG_ROUTE_REGISTER_ABORT ||
           id == CSTA_MSG_SYSTEM_REGISTER_ABORT || id == CSTA_MSG_SWITCHING_FUNCTION_DEVICES ||
           id == CSTA_MSG_SW_FUNCTION_DEVICES_CHANGED;
}

static void test_service_announced_is_served(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    size_t supported = 0;
    o->calls.config.focus = STR("sip:192.0.2.9"); /* for conferences */
    for (unsigned id = CSTA_MSG_NONE + 1; id < CSTA_MSG_COUNT; id++) {
        struct str name = csta_msg_name((enum csta_msg_id)id);
        char root[128];
        if (csta_msg_role((enum csta_msg_id)id) != CSTA_ROLE_REQUEST || name.n == 0) {
            continue;
        }
        (void)snprintf(root, sizeof(root), "%.*s", STR_ARG(name));
        test_context(root);
        client_clear(c);
        client_ask(c, root, "");
        CHECK_INT(strcmp(c->log, "X:operation/serviceNotSupported") != 0,
                  csta_msg_is_supported((enum csta_msg_id)id) &&
                      !is_ours((enum csta_msg_id)id) &&
                      !only_phones_have((enum csta_msg_id)id));
        supported += csta_msg_is_supported((enum csta_msg_id)id);
    }
    test_context(NULL);
    CHECK(supported >= 20);
    office_down(o);
}

static void test_service_answers_in_the_edition_asked(void)
{
    static const char *const editions[] = {"ed3", "ed4", "ed5", "ed6"};
    struct office *o = up();
    struct client *c = &o->client[0];
    char ns[128];
    for (size_t i = 0; i < ARRAY_LEN(editions); i++) {
        client_clear(c);
        client_ask_in(c, editions[i], "HoldCall", DEVICE("callToBeHeld", "1009"));
        client_ask_in(c, editions[i], "RequestSystemStatus", "");
        office_run(o, 100);
        (void)snprintf(ns, sizeof(ns), "csta/%s\"", editions[i]);
        if (CHECK_INT(c->texts, 2)) {
            CHECK(strstr(c->text[0], ns) != NULL);
            CHECK(strstr(c->text[1], ns) != NULL);
        }
    }
    office_down(o);
}

static void test_service_several_at_once(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    client_ask_in(c, "ed3", "RequestSystemStatus", "");
    client_ask_in(c, "ed3", "GetCSTAFeatures", "");
    client_ask_in(c, "ed3", "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    office_run(o, 100);
    CHECK_STR(
        str_c(c->log),
        "A:RequestSystemStatusResponse A:GetCSTAFeaturesResponse A:SnapshotDeviceResponse");
    office_down(o);
}

#define SUPPORT(attr)                                                               \
    "<extensions><privateData><private><uuiSupport xmlns=\"urn:x-baton:csta\"" attr \
    "/></private></privateData></extensions>"

static bool answers(struct client *c, const char *inside, const char *want)
{
    client_clear(c);
    client_ask(c, "GetCSTAFeatures", inside);
    return strstr(client_text(c, "GetCSTAFeatures"), want) != NULL;
}

/** Who understands which User-to-User, in private data. */
static void test_service_support(void)
{
    static const struct uui_package row[] = {
        {.name = STR_INIT("crm"), .feature_tag = STR_INIT("+com.example.crm")},
        {.name = STR_INIT("out"), .direction = UUI_OUT}};
    static const struct uui_packages packages = {.row = row, .n = ARRAY_LEN(row)};
    struct office *o = up();
    struct client *c = &o->client[0];
    CHECK(answers(c, "", "GetCSTAFeaturesResponse"));
    CHECK(strstr(client_text(c, "GetCSTAFeatures"), "uuiSupport") == NULL);
    CHECK(answers(c, SUPPORT(""),
                  "<uuiSupport xmlns=\"urn:x-baton:csta\" optionTag=\"yes\">"
                  "<package name=\"isdn-uui\" understood=\"yes\"/></uuiSupport>"));
    cti_set_packages(o->cti, &packages);
    CHECK(answers(c, SUPPORT(""),
                  "understood=\"yes\"/><package name=\"crm\" understood=\"yes\"/>"
                  "<package name=\"out\" understood=\"no\"/></uuiSupport>"));
    CHECK(answers(
        c, SUPPORT(" device=\"1001\""),
        "device=\"sip:1001@example.com\" optionTag=\"unknown\"><package name=\"isdn-uui\" "
        "understood=\"unknown\"/><package name=\"crm\" understood=\"unknown\"/>"));
    o->peer.uui_option = STR("uui");
    o->peer.uui_features = STR(";+com.example.crm");
    char attr[64], want[256], inside[512];
    (void)snprintf(attr, sizeof(attr), " peer=\"%.*s\"", STR_ARG(o->peer.name));
    (void)snprintf(inside, sizeof(inside), SUPPORT("%s"), attr);
    (void)snprintf(want, sizeof(want),
                   "%s optionTag=\"yes\"><package name=\"isdn-uui\" understood=\"no\"/>"
                   "<package name=\"crm\" understood=\"yes\"/>",
                   attr);
    CHECK(answers(c, inside, want));
    /* what is no question of ours is passed over; a wrong one is refused */
    CHECK(answers(c,
                  "<extensions><privateData><private><other/></private></privateData>"
                  "</extensions>",
                  "GetCSTAFeaturesResponse"));
    CHECK(strstr(client_text(c, "GetCSTAFeatures"), "private") == NULL);
    client_clear(c);
    client_ask(c, "GetCSTAFeatures", SUPPORT(" device=\"1777\""));
    client_ask(c, "GetCSTAFeatures", SUPPORT(" peer=\"nobody\""));
    CHECK_STR(str_c(c->log), "X:operation/invalidDeviceID X:operation/invalidDeviceID");
    office_down(o);
}

static void test_service_snapshot(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    client_ask(c, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    CHECK(strstr(client_text(c, "Snapshot"), "<snapshotData/>") != NULL ||
          strstr(client_text(c, "Snapshot"), "<snapshotData></snapshotData>") != NULL);
    phone_call(o, &o->phone[0], "1002", NULL);
    CHECK_INT(station_respond(&o->phone[1], 180, STR_NONE), 0);
    office_run(o, 50);
    client_ask(c, "SnapshotDevice", "<snapshotObject>tel:1002</snapshotObject>");
    CHECK_STR(client_value(c, "tel:1002", "compoundCallState"),
              "<localConnectionState>alerting</localConnectionState>"
              "<localConnectionState>connected</localConnectionState>");
    CHECK_STR(client_value(c, "tel:1002", "endpointDevice"),
              "<deviceIdentifier>sip:1001@example.com</deviceIdentifier>");
    CHECK_STR(client_value(c, "tel:1002", "callControlServices"),
              "<clearCall>true</clearCall><clearConnection>true</clearConnection>"
              "<deflectCall>true</deflectCall><directedPickupCall>true</directedPickupCall>");
    CHECK_STR(client_value(c, "tel:1002", "deviceID"), "tel:1002");
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
    client_ask(c, "HoldCall", DEVICE("callToBeHeld", "1001"));
    office_run(o, 200);
    client_clear(c);
    client_ask(c, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    CHECK_STR(client_value(c, "Snapshot", "compoundCallState"),
              "<localConnectionState>hold</localConnectionState>"
              "<localConnectionState>connected</localConnectionState>");
    CHECK(strstr(client_text(c, "Snapshot"), "<retrieveCall>true") != NULL);
    office_down(o);
}

static void test_service_snapshot_of_two_calls(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    talk(o);
    office_register(o, 2, false, 3600);
    phone_call(o, &o->phone[2], "1001", NULL);
    CHECK_INT(station_respond(&o->phone[0], 180, STR_NONE), 0);
    office_run(o, 50);
    client_ask(c, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    struct str text = str_c(client_text(c, "Snapshot"));
    size_t first = str_find(text, STR("<connectionIdentifier>"));
    CHECK(first < text.n);
    CHECK(str_find(str_from(text, first + 1), STR("<connectionIdentifier>")) <
          text.n - first - 1);
    /* the device alone says which: one rings, one talks */
    client_clear(c);
    client_ask(c, "ClearConnection", DEVICE("connectionToBeCleared", "1001"));
    CHECK_STR(str_c(c->log), "X:stateIncompatibility/invalidConnectionState");
    client_clear(c);
    client_ask(c, "AnswerCall", DEVICE("callToBeAnswered", "1001"));
    CHECK_STR(str_c(c->log), "X:operation/requestIncompatibleWithDevice");
    CHECK(strstr(c->warning, "talk") != NULL);
    office_down(o);
}

/* ---- outcomes of a driver ---- */

struct puppet {
    enum call_error at_once;
    bool done; /* at once, by the callback */
    enum call_error outcome;
    unsigned status;
    call_done_fn fn;
    void *owner;
    unsigned asked, forgotten;
};

static enum call_error puppet_start(void *ctx, struct connection *c, call_done_fn fn,
                                    void *owner, uint64_t now_ms)
{
    struct puppet *p = ctx;
    (void)c;
    p->asked++;
    if (p->at_once != CALL_OK) {
        return p->at_once;
    }
    if (p->done) {
        fn(owner, p->outcome, p->status, now_ms);
    } else {
        p->fn = fn;
        p->owner = owner;
    }
    return CALL_OK;
}

static enum call_error puppet_transfer(void *ctx, struct connection *c, struct str to,
                                       struct str uui, call_done_fn fn, void *owner,
                                       uint64_t now_ms)
{
    (void)to;
    (void)uui;
    return puppet_start(ctx, c, fn, owner, now_ms);
}

static void puppet_forget(void *ctx, void *owner)
{
    struct puppet *p = ctx;
    p->forgotten++;
    if (p->owner == owner) {
        p->owner = NULL;
    }
}

static unsigned puppet_services(void *ctx, const struct connection *c)
{
    (void)ctx;
    (void)c;
    return 0;
}

static struct cti_driver puppet_driver = {
    .name = "puppet",
    .answer = puppet_start,
    .hold = puppet_start,
    .retrieve = puppet_start,
    .transfer = puppet_transfer,
    .services = puppet_services,
    .forget = puppet_forget,
};

static struct office *up_with_puppet(struct puppet *p)
{
    struct office *o = up();
    talk(o);
    *p = (struct puppet){0};
    puppet_driver.make = o->cti->driver->make;
    puppet_driver.clear = o->cti->driver->clear;
    puppet_driver.deflect = o->cti->driver->deflect;
    o->cti->driver = &puppet_driver;
    o->cti->driver_ctx = p;
    return o;
}

static void test_service_outcomes(void)
{
    static const struct {
        enum call_error err;
        unsigned status;
        const char *want, *why;
    } outcomes[] = {
        {CALL_OK, 0, "A:HoldCallResponse", ""},
        {CALL_UNKNOWN_DESTINATION, 0, "X:operation/invalidDestination", ""},
        {CALL_NOT_REGISTERED, 0, "X:systemResourceAvailibility/deviceOutOfService", ""},
        {CALL_BAD_STATE, 0, "X:stateIncompatibility/noActiveCall", ""},
        {CALL_BUSY_STEP, 0, "X:systemResourceAvailibility/resourceBusy", "something else"},
        {CALL_UNSUPPORTED, 0, "X:operation/requestIncompatibleWithDevice", "talk"},
        {CALL_NO_RESOURCES, 0, "X:systemResourceAvailibility/internalResourceBusy", ""},
        {CALL_REFUSED, 488, "X:operation/requestIncompatibleWithConnection", "488"},
        {CALL_REFUSED, 486, "X:systemResourceAvailibility/resourceBusy", "486 Busy"},
        {CALL_REFUSED, 480, "X:systemResourceAvailibility/deviceOutOfService", "480"},
        {CALL_REFUSED, 0, "X:operation/requestIncompatibleWithConnection", "refused"},
        {CALL_TIMEOUT, 0, "X:systemResourceAvailibility/resourceOutOfService", "in time"},
        {CALL_GONE, 0, "X:stateIncompatibility/invalidConnectionState", "ended meanwhile"},
    };
    struct puppet p;
    struct office *o = up_with_puppet(&p);
    struct client *c = &o->client[0];
    for (size_t i = 0; i < ARRAY_LEN(outcomes) * 3; i++) {
        size_t row = i / 3;
        p = (struct puppet){.outcome = outcomes[row].err, .status = outcomes[row].status};
        if (i % 3 == 0 && outcomes[row].err != CALL_OK && outcomes[row].err != CALL_REFUSED) {
            p.at_once = outcomes[row].err;
        }
        p.done = i % 3 == 1;
        client_clear(c);
        client_ask(c, "HoldCall", DEVICE("callToBeHeld", "1001"));
        if (p.owner != NULL) {
            CHECK_STR(str_c(c->log), ""); /* the transaction is held */
            p.fn(p.owner, p.outcome, p.status, o->net.now_ms);
            office_run(o, 50);
        }
        CHECK_STR(str_c(c->log), outcomes[row].want);
        CHECK(strstr(c->warning, outcomes[row].why) != NULL);
        CHECK_INT(o->cti->pending_pool.in_use, 0);
        CHECK_INT(p.asked, 1);
    }
    office_down(o);
}

static void test_service_transfer_refused(void)
{
    static const struct {
        unsigned status;
        const char *want;
    } outcomes[] = {
        {404, "X:operation/invalidDestination"},
        {480, "X:systemResourceAvailibility/destinationDeviceOutOfService"},
        {603, "X:operation/requestIncompatibleWithConnection"},
    };
    struct puppet p;
    struct office *o = up_with_puppet(&p);
    struct client *c = &o->client[0];
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        p = (struct puppet){
            .done = true, .outcome = CALL_REFUSED, .status = outcomes[i].status};
        client_clear(c);
        client_ask(c, "SingleStepTransferCall",
                   DEVICE("activeCall", "1001") "<transferredTo>1003</transferredTo>");
        CHECK_STR(str_c(c->log), outcomes[i].want);
    }
    office_down(o);
}

static void test_service_pending_is_answered_in_time(void)
{
    struct puppet p;
    struct office *o = up_with_puppet(&p);
    struct client *c = &o->client[0];
    client_ask(c, "HoldCall", DEVICE("callToBeHeld", "1001"));
    client_ask(c, "RequestSystemStatus", ""); /* is not held up */
    CHECK_STR(str_c(c->log), "A:RequestSystemStatusResponse");
    office_run(o, 28000);
    CHECK_STR(str_c(c->log), "A:RequestSystemStatusResponse "
                             "X:systemResourceAvailibility/resourceOutOfService");
    CHECK_INT(p.forgotten, 1);
    CHECK(p.owner == NULL);
    office_down(o);
}

static void test_service_pending_when_session_ends(void)
{
    struct puppet p;
    struct office *o = up_with_puppet(&p);
    struct client *c = &o->client[0];
    client_ask(c, "HoldCall", DEVICE("callToBeHeld", "1001"));
    client_ask(c, "HoldCall", DEVICE("callToBeHeld", "1002"));
    CHECK_INT(o->cti->pending_pool.in_use, 2);
    client_bye(c);
    CHECK_INT(o->cti->pending_pool.in_use, 0);
    CHECK_INT(p.forgotten, 2);
    CHECK_INT(office_stats(o).sessions, 1);
    CHECK_STR(str_c(c->log), "S:487 S:487");
    office_down(o);
}

static void test_service_pending_limit(void)
{
    struct puppet p;
    struct office *o = up_with_puppet(&p);
    struct client *c = &o->client[0];
    for (unsigned i = 0; i < PENDING_PER_SESSION; i++) {
        client_ask(c, "HoldCall", DEVICE("callToBeHeld", "1001"));
    }
    CHECK_STR(str_c(c->log), "");
    client_ask(c, "HoldCall", DEVICE("callToBeHeld", "1001"));
    CHECK_STR(str_c(c->log), "X:subscribedResourceAvailability/outstandingReqLimitExceeded");
    CHECK_INT(p.asked, PENDING_PER_SESSION);
    office_down(o);
}

static void test_service_pending_in_invite(void)
{
    struct puppet p;
    struct office *o = up_with_puppet(&p);
    struct client *c = &o->client[0];
    client_bye(c);
    client_clear(c);
    client_open(
        c, "crm",
        "<HoldCall xmlns=\"" CSTA_NS("ed3") "\">" DEVICE("callToBeHeld", "1001") "</HoldCall>");
    CHECK_STR(str_c(c->log), "");
    p.fn(p.owner, CALL_OK, 0, o->net.now_ms);
    office_run(o, 50);
    CHECK_STR(str_c(c->log), "A:HoldCallResponse"); /* in the 200 to the INVITE */
    CHECK_INT(c->status, 200);
    client_clear(c);
    /* and in a re-INVITE, which is cancelled */
    struct leg_request *r;
    static const struct leg_content content = {
        .type = STR_INIT("application/csta+xml"),
        .body = STR_INIT("<HoldCall>" DEVICE("callToBeHeld", "1001") "</HoldCall>"),
    };
    CHECK_INT(leg_send(c->leg, NULL, STR("INVITE"), &content, station_listen, &c->st, &r,
                       o->net.now_ms),
              0);
    office_run(o, 300);
    CHECK_INT(o->cti->pending_pool.in_use, 1);
    leg_request_cancel(r, o->net.now_ms);
    office_run(o, 100);
    CHECK_INT(o->cti->pending_pool.in_use, 0);
    CHECK_INT(c->st.last_status, 487);
    CHECK_INT(office_stats(o).sessions, 2);
    office_down(o);
}

static void test_service_pending_in_cancelled_invite(void)
{
    struct puppet p;
    struct office *o = up_with_puppet(&p);
    struct client *c = &o->client[0];
    client_bye(c);
    client_clear(c);
    client_open(c, "crm", "<HoldCall>" DEVICE("callToBeHeld", "1001") "</HoldCall>");
    office_run(o, 300);
    leg_cancel(c->leg, STR_NONE, o->net.now_ms);
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "S:487");
    CHECK_INT(p.forgotten, 1);
    CHECK_INT(office_stats(o).sessions, 1);
    CHECK_INT(o->cti->pending_pool.in_use, 0);
    office_down(o);
}

TEST_MAIN(T(test_service_errors), T(test_service_grants), T(test_service_observe_only),
          T(test_service_announced_is_served), T(test_service_answers_in_the_edition_asked),
          T(test_service_several_at_once), T(test_service_support), T(test_service_snapshot),
          T(test_service_snapshot_of_two_calls), T(test_service_outcomes),
          T(test_service_transfer_refused), T(test_service_pending_is_answered_in_time),
          T(test_service_pending_when_session_ends), T(test_service_pending_limit),
          T(test_service_pending_in_invite), T(test_service_pending_in_cancelled_invite))
