/* SPDX-License-Identifier: Apache-2.0 */
/* CSTA messages read and written: what is tolerated, what is refused and how. */
#include "csta/csta.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

#define NS(ed) "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed" ed "\""
#define DECL "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static struct arena arena;
static struct csta_msg msg;
static struct csta_fault fault;
static char buf[1 << 17];

static int decode(struct str xml)
{
    arena_fini(&arena);
    arena_init(&arena, &mem_libc, 4096);
    memset(&fault, 0, sizeof(fault));
    return csta_decode(xml, NULL, &arena, &msg, &fault);
}

static int decode_c(const char *xml)
{
    test_context(xml);
    int err = decode(str_c(xml));
    test_context(NULL);
    return err;
}

static struct str encode(enum csta_edition edition)
{
    struct out o;
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(csta_encode(&msg, edition, &o), 0);
    return out_str_of(&o);
}

/* `xml` is refused with `err`, at its `at`, for `element`, with operation/`error`. */
static void check_refused(const char *xml, int err, const char *at, const char *element,
                          enum csta_operation_errors error)
{
    test_context(xml);
    CHECK_INT(decode(str_c(xml)), err);
    CHECK_INT(fault.offset, strstr(xml, at) - xml);
    CHECK_STR(fault.element, element);
    CHECK(fault.reason != NULL && fault.reason[0] != '\0');
    CHECK_INT(fault.error.kind, CSTA_ERROR_OPERATION);
    CHECK_STR(csta_error_value_name(fault.error), csta_operation_errors_name(error).p);
    test_context(NULL);
}

#define MAKE_CALL(inner) \
    DECL "<MakeCall " NS("3") "><callingDevice>1001</callingDevice>" inner "</MakeCall>"

/* A message with something of every kind, in the form in which it is written. */
static const char full[] = MAKE_CALL(
    "<calledDirectoryNumber typeOfNumber=\"implicitPublic\" mediaClass=\"voice im\" "
    "connectionRate=\"-5\">tel:+49&amp;1</calledDirectoryNumber>"
    "<accountCode>00FF</accountCode><autoOriginate>doNotPrompt</autoOriginate>"
    "<correlatorData><string>ABCD</string></correlatorData>"
    "<userData><private xmlns:v=\"urn:v\"><v:x a='1'>&lt;</v:x> y</private></userData>"
    "<callCharacteristics><priorityCall>true</priorityCall><maintainanceCall>false"
    "</maintainanceCall></callCharacteristics>"
    "<mediaCallCharacteristics><mediaClass><voice>true</voice></mediaClass>"
    "<connectionRate>64000</connectionRate></mediaCallCharacteristics>"
    "<subjectOfCall> Invoice 7 &gt; 6 </subjectOfCall>"
    "<extensions><security><messageSequenceNumber>1</messageSequenceNumber></security>"
    "<privateData><private/></privateData></extensions>");

static void test_decode_full(void)
{
    REQUIRE(decode_c(full) == 0);
    CHECK_INT(msg.id, CSTA_MSG_MAKE_CALL);
    CHECK_INT(msg.edition, CSTA_ED3);
    CHECK_STR(msg.root_name, "MakeCall");
    const struct csta_make_call *m = msg.make_call;
    CHECK_STR(m->calling_device.value, "1001");
    CHECK(m->calling_device.media == NULL);
    CHECK_STR(m->called_directory_number.value, "tel:+49&1");
    CHECK_INT(m->called_directory_number.type_of_number, CSTA_NUMBER_IMPLICIT_PUBLIC);
    REQUIRE(m->called_directory_number.media != NULL);
    CHECK_STR(m->called_directory_number.media->media_class, "voice im");
    CHECK_INT(m->called_directory_number.media->connection_rate.value, -5);
    CHECK_BYTES(m->account_code, STR("\x00\xFF"));
    CHECK(!str_is_set(m->auth_code));
    CHECK_INT(m->auto_originate, CSTA_AUTO_ORIGINATE_DO_NOT_PROMPT);
    CHECK_BYTES(csta_data_octets(&m->correlator_data), STR("\xAB\xCD"));
    CHECK_INT(m->user_data.kind, CSTA_DATA_FOREIGN);
    CHECK_STR(m->user_data.foreign.attrs, " xmlns:v=\"urn:v\"");
    CHECK_STR(m->user_data.foreign.body, "<v:x a='1'>&lt;</v:x> y");
    REQUIRE(m->call_characteristics != NULL && m->media_call_characteristics != NULL);
    CHECK_INT(m->call_characteristics->priority_call, CSTA_TRUE);
    CHECK_INT(m->call_characteristics->maintenance_call, CSTA_FALSE);
    CHECK_INT(m->call_characteristics->acd_call, CSTA_BOOL_ABSENT);
    CHECK_INT(m->media_call_characteristics->media_class->voice, CSTA_TRUE);
    CHECK_INT(m->media_call_characteristics->connection_rate.value, 64000);
    CHECK_STR(m->subject_of_call, " Invoice 7 > 6 ");
    CHECK_INT(m->reason, CSTA_CAUSE_ABSENT);
    REQUIRE(m->extensions != NULL && m->extensions->security != NULL);
    CHECK(m->extensions->security->message_sequence_number.set);
    CHECK_INT(m->extensions->private_data.kind, CSTA_DATA_FOREIGN);
}

static void test_encode_gives_the_same(void)
{
    REQUIRE(decode_c(full) == 0);
    CHECK_STR(encode(CSTA_ED3), full);
}

static void test_text_is_borrowed(void)
{
    struct str xml = STR(MAKE_CALL("<subjectOfCall>plain</subjectOfCall>"));
    REQUIRE(decode(xml) == 0);
    const char *p = msg.make_call->subject_of_call.p;
    CHECK(p > xml.p && p < xml.p + xml.n);
}

static void test_order_is_free(void)
{
    REQUIRE(decode_c("<AnswerCall " NS(
                "4") "><userData><string>00</string></userData>"
                     "<callToBeAnswered><deviceID>1</deviceID><callID>c</callID>"
                     "</callToBeAnswered></AnswerCall>") == 0);
    CHECK_STR(msg.answer_call->call_to_be_answered.call_id, "c");
    CHECK_STR(msg.answer_call->call_to_be_answered.device_id.value, "1");
    CHECK_STR(encode(msg.edition),
              DECL "<AnswerCall " NS(
                  "4") "><callToBeAnswered><callID>c</callID>"
                       "<deviceID>1</deviceID></callToBeAnswered><userData><string>00</string>"
                       "</userData></AnswerCall>");
}

static void test_namespaces(void)
{
    static const struct {
        const char *xml;
        enum csta_edition edition;
    } t[] = {
        {"<MonitorStop " NS("2") "><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_ED2},
        {"<MonitorStop " NS("3") "><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_ED3},
        {"<MonitorStop " NS("4") "><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_ED4},
        {"<MonitorStop " NS("5") "><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_ED5},
        {"<MonitorStop " NS("6") "><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_ED6},
        {"<MonitorStop " NS("9") "><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_ED3},
        {"<MonitorStop><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_EDITION_NONE},
        {"<MonitorStop xmlns=''><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_EDITION_NONE},
        {"<MonitorStop xmlns='http://www.ecma.ch/standards/ecma-323/csta/ed6'>"
         "<monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_ED6},
        {"<MonitorStop xmlns='http://www.ecmainternational.org/standards/ecma-323/csta/ed3'>"
         "<monitorCrossRefID>7</monitorCrossRefID></MonitorStop>",
         CSTA_ED3},
        {"<c:MonitorStop xmlns='urn:x' xmlns:c='http://y/ecma-323/csta/ed5'>"
         "<c:monitorCrossRefID>7</c:monitorCrossRefID></c:MonitorStop>",
         CSTA_ED5},
        {"<c:MonitorStop xmlns:c='http://y/ecma-323/csta/ed5'><monitorCrossRefID "
         "xmlns='http://y/ecma-323/csta/ed5'>7</monitorCrossRefID></c:MonitorStop>",
         CSTA_ED5},
    };
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        REQUIRE(decode_c(t[i].xml) == 0);
        CHECK_INT(msg.edition, t[i].edition);
        CHECK_STR(msg.monitor_stop->monitor_cross_ref_id, "7");
    }
    check_refused("<MonitorStop xmlns='urn:x'/>", E_UNSUPPORTED, "<M", "",
                  CSTA_OPERATION_SERVICE_NOT_SUPPORTED);
    CHECK_INT(msg.id, CSTA_MSG_NONE);
}

static void test_namespaces_written(void)
{
    struct csta_monitor_stop stop = {.monitor_cross_ref_id = STR("7")};
    msg = (struct csta_msg){.id = CSTA_MSG_MONITOR_STOP, .monitor_stop = &stop};
    CHECK_STR(encode(CSTA_EDITION_NONE),
              DECL "<MonitorStop><monitorCrossRefID>7</monitorCrossRefID></MonitorStop>");
    CHECK_STR(encode(CSTA_ED2),
              DECL "<MonitorStop xmlns=\"http://www.ecma.ch/standards/ecma-323/csta/ed2\">"
                   "<monitorCrossRefID>7</monitorCrossRefID></MonitorStop>");
    for (enum csta_edition e = CSTA_EDITION_NONE; e <= CSTA_ED6; e++) {
        REQUIRE(decode(encode(e)) == 0);
        CHECK_INT(msg.edition, e);
        msg.monitor_stop = &stop;
    }
}

static void test_spelling_traps(void)
{
    REQUIRE(
        decode_c("<TransferredEvent " NS(
            "3") "><monitorCrossRefID>1</monitorCrossRefID>"
                 "<primaryOldCall><callID>c</callID></primaryOldCall></TransferredEvent>") ==
        0);
    CHECK_INT(msg.id, CSTA_MSG_TRANSFERRED_EVENT);
    CHECK_STR(msg.root_name, "TransferredEvent");
    CHECK(str_starts(encode(CSTA_ED3), STR(DECL "<TransferedEvent ")));
    REQUIRE(decode_c("<EstablishedEvent " NS(
                "3") "><monitorCrossRefID>1</monitorCrossRefID>"
                     "<establishedConnection><callID>c</callID></establishedConnection>"
                     "<originatingNIDConnection><callID>d</callID></originatingNIDConnection>"
                     "</EstablishedEvent>") == 0);
    CHECK_STR(msg.established_event->originating_nid_connection.call_id, "d");
    CHECK(str_find(encode(CSTA_ED3), STR("<originatinNIDConnection>")) < sizeof(buf) / 64);
    static const char *const category[] = {"systemResourceAvailibility",
                                           "systemResourceAvailability"};
    for (size_t i = 0; i < 2; i++) {
        char xml[300];
        snprintf(xml, sizeof(xml),
                 "<CSTAErrorCode " NS("3") "><%s>resourceBusy</%s>"
                                           "</CSTAErrorCode>",
                 category[i], category[i]);
        REQUIRE(decode_c(xml) == 0);
        CHECK_INT(msg.error_code->kind, CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY);
        CHECK_INT(msg.error_code->value, CSTA_SYSTEM_RESOURCE_BUSY);
    }
    CHECK_INT(csta_operation_errors_find(STR("ringVolumeOutOfRange")),
              csta_operation_errors_find(STR("ringVolumnOutOfRange")));
}

static void test_blanks(void)
{
    REQUIRE(decode_c("\n<HoldCall " NS(
                "3") ">\r\n <callToBeHeld>\n <callID>\t c 1 \n</callID>\n"
                     " <deviceID> \n x\n</deviceID> </callToBeHeld>\n"
                     " <connectionReservation>\n true </connectionReservation></HoldCall>\n") ==
            0);
    CHECK_STR(msg.hold_call->call_to_be_held.call_id, "c 1");
    CHECK_STR(msg.hold_call->call_to_be_held.device_id.value, "x");
    CHECK_INT(msg.hold_call->connection_reservation, CSTA_TRUE);
    REQUIRE(
        decode_c("<ClearConnection " NS(
            "3") "><connectionToBeCleared><callID>c</callID>"
                 "</connectionToBeCleared><userData><string>\n 4\n1 4 2\r\n</string></userData>"
                 "<reason> busy </reason></ClearConnection>") == 0);
    CHECK_STR(msg.clear_connection->user_data.string, "AB");
    CHECK_INT(msg.clear_connection->reason, CSTA_CAUSE_BUSY);
}

static void test_booleans(void)
{
    static const struct {
        const char *text;
        enum csta_bool value;
    } t[] = {{"true", CSTA_TRUE},
             {"false", CSTA_FALSE},
             {"1", CSTA_TRUE},
             {"0", CSTA_FALSE},
             {"True", 0},
             {"", 0},
             {"2", 0},
             {"yes", 0}};
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char xml[300];
        snprintf(
            xml, sizeof(xml),
            "<SetDoNotDisturb " NS("3") "><device>1</device>"
                                        "<doNotDisturbOn>%s</doNotDisturbOn></SetDoNotDisturb>",
            t[i].text);
        if (t[i].value == 0) {
            check_refused(xml, E_VALUE, "<doNot", "doNotDisturbOn",
                          CSTA_OPERATION_INVALID_DO_NOT_DISTURB);
        } else {
            REQUIRE(decode_c(xml) == 0);
            CHECK_INT(msg.set_do_not_disturb->do_not_disturb_on, t[i].value);
        }
    }
}

static void test_numbers(void)
{
    static const struct {
        const char *text;
        int64_t value;
        int error;
    } t[] = {
        {"0", 0, 0},
        {" +7 ", 7, 0},
        {"-0", 0, 0},
        {"007", 7, 0},
        {"9223372036854775807", INT64_MAX, 0},
        {"-9223372036854775808", INT64_MIN, 0},
        {"9223372036854775808", 0, CSTA_OPERATION_VALUE_OUT_OF_RANGE},
        {"-9223372036854775809", 0, CSTA_OPERATION_VALUE_OUT_OF_RANGE},
        {"99999999999999999999999", 0, CSTA_OPERATION_VALUE_OUT_OF_RANGE},
        {"", 0, CSTA_OPERATION_INVALID_PARAMETER_VALUE},
        {"-", 0, CSTA_OPERATION_INVALID_PARAMETER_VALUE},
        {"1.5", 0, CSTA_OPERATION_INVALID_PARAMETER_VALUE},
        {"0x10", 0, CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    };
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char xml[400];
        snprintf(xml, sizeof(xml),
                 "<GenerateDigits " NS(
                     "3") "><connectionToSendDigits>"
                          "<callID>c</callID></connectionToSendDigits><charactersToSend>1"
                          "</charactersToSend><toneDuration>%s</toneDuration></GenerateDigits>",
                 t[i].text);
        if (t[i].error != 0) {
            check_refused(xml, E_VALUE, "<toneD", "toneDuration",
                          (enum csta_operation_errors)t[i].error);
            continue;
        }
        REQUIRE(decode_c(xml) == 0);
        CHECK(msg.generate_digits->tone_duration.set);
        CHECK_INT(msg.generate_digits->tone_duration.value, t[i].value);
        REQUIRE(decode(encode(CSTA_ED3)) == 0);
        CHECK_INT(msg.generate_digits->tone_duration.value, t[i].value);
    }
}

static void test_volume(void)
{
    REQUIRE(decode_c("<SetSpeakerVolume><device>1</device><speakerVolume><volAbs>32767</volAbs>"
                     "</speakerVolume></SetSpeakerVolume>") == 0);
    CHECK_INT(msg.set_speaker_volume->speaker_volume.vol_abs.value, 32767);
    REQUIRE(decode_c("<SetSpeakerVolume><device>1</device><speakerVolume>5</speakerVolume>"
                     "</SetSpeakerVolume>") == 0);
    CHECK_INT(msg.set_speaker_volume->speaker_volume.vol_abs.value, 5);
    check_refused("<SetSpeakerVolume><device>1</device><speakerVolume><volAbs>32768</volAbs>"
                  "</speakerVolume></SetSpeakerVolume>",
                  E_VALUE, "<volAbs", "volAbs", CSTA_OPERATION_VALUE_OUT_OF_RANGE);
    struct csta_set_speaker_volume v = {
        .device = {.value = STR("1")},
        .speaker_volume = {.kind = CSTA_VOLUME_VOL_ABS, .vol_abs = {40000, true}}};
    struct out o;
    msg = (struct csta_msg){.id = CSTA_MSG_SET_SPEAKER_VOLUME, .set_speaker_volume = &v};
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(csta_encode(&msg, CSTA_ED3, &o), E_VALUE);
}

static void test_mandatory(void)
{
    check_refused("<MakeCall " NS("3") "/>", E_VALUE, "<Make", "callingDevice",
                  CSTA_OPERATION_INVALID_PARAMETER_VALUE);
    CHECK_INT(msg.id, CSTA_MSG_MAKE_CALL);
    CHECK_INT(msg.edition, CSTA_ED3);
    CHECK(msg.body == NULL);
    check_refused("<AnswerCall/>", E_VALUE, "<Answer", "callToBeAnswered",
                  CSTA_OPERATION_INVALID_PARAMETER_VALUE);
    check_refused("<AnswerCall>\n<callToBeAnswered/></AnswerCall>", E_VALUE, "<callTo",
                  "callToBeAnswered",
                  CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED);
    CHECK_INT(fault.line, 2);
    CHECK_INT(fault.column, 1);
    check_refused("<MonitorStart><monitorObject/></MonitorStart>", E_VALUE, "<MonitorStart",
                  "monitorObject", CSTA_OPERATION_INVALID_MONITOR_OBJECT);
    check_refused("<SingleStepConferenceCall><activeCall><callID>c</callID></activeCall>"
                  "<deviceToJoin>1</deviceToJoin></SingleStepConferenceCall>",
                  E_VALUE, "<Single", "participationType",
                  CSTA_OPERATION_INVALID_PARTICIPATION_TYPE);
    CHECK_INT(decode_c("<MakeCall><callingDevice/></MakeCall>"), 0);
    CHECK_INT(decode_c("<DoNotDisturbEvent><device>1</device><doNotDisturbOn>1</doNotDisturbOn>"
                       "</DoNotDisturbEvent>"),
              0);
    CHECK_STR(msg.do_not_disturb_event->device.id.value, "1");
}

/* The faults of values say what could have stood there, all others nothing. */
static void test_wrong_values_say_what_is_allowed(void)
{
    static const struct {
        const char *xml, *allowed;
    } t[] = {
        {MAKE_CALL("<autoOriginate>maybe</autoOriginate>"), "prompt, doNotPrompt"},
        {MAKE_CALL("<accountCode>0</accountCode>"), "pairs of hex digits"},
        {MAKE_CALL("<accountCode>0g</accountCode>"), "pairs of hex digits"},
        {"<SetDoNotDisturb " NS("3") "><device>1</device><doNotDisturbOn>yes</doNotDisturbOn>"
                                     "</SetDoNotDisturb>",
         "true, false, 1 or 0"},
        {"<GenerateDigits " NS(
             "3") "><connectionToSendDigits><callID>1</callID>"
                  "</connectionToSendDigits><pulseRate>x</pulseRate></GenerateDigits>",
         "-9223372036854775808 to 9223372036854775807"},
        {MAKE_CALL("<callingDevice>2</callingDevice>"), ""},
        {"<MakeCall " NS("3") "/>", ""},
        {"<MakeCall", ""},
    };
    char text[CSTA_ALLOWED_MAX];
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct out o;
        test_context(t[i].xml);
        CHECK(decode(str_c(t[i].xml)) != 0);
        out_init(&o, text, sizeof(text));
        csta_fault_allowed(&fault, &o);
        CHECK_STR(out_str_of(&o), t[i].allowed);
    }
    test_context(NULL);
}

/* However many values there are, the list is bounded, whole names, and says that it goes on. */
static void test_allowed_is_bounded(void)
{
    char text[CSTA_ALLOWED_MAX];
    struct out o;
    CHECK(decode(str_c("<ClearConnection " NS(
              "3") "><connectionToBeCleared><callID>1</callID>"
                   "</connectionToBeCleared><reason>no</reason></ClearConnection>")) != 0);
    out_init(&o, text, sizeof(text));
    csta_fault_allowed(&fault, &o);
    CHECK(!o.over && o.n > 150);
    CHECK(str_ends(out_str_of(&o), STR(", ...")));
}

static void test_wrong_values(void)
{
    check_refused(MAKE_CALL("<autoOriginate>maybe</autoOriginate>"), E_VALUE, "<autoO",
                  "autoOriginate", CSTA_OPERATION_INVALID_PARAMETER_VALUE);
    check_refused(MAKE_CALL("<accountCode>0</accountCode>"), E_VALUE, "<account", "accountCode",
                  CSTA_OPERATION_INVALID_ACCOUNT_CODE);
    check_refused(MAKE_CALL("<accountCode>0g</accountCode>"), E_VALUE, "<account",
                  "accountCode", CSTA_OPERATION_INVALID_ACCOUNT_CODE);
    check_refused(MAKE_CALL("<subjectOfCall>a<b/></subjectOfCall>"), E_VALUE, "<b/>",
                  "subjectOfCall", CSTA_OPERATION_INVALID_PARAMETER_VALUE);
    check_refused(MAKE_CALL("<callingDevice>2</callingDevice>"), E_VALUE, "<callingDevice>2",
                  "callingDevice", CSTA_OPERATION_INVALID_PARAMETER_VALUE);
    check_refused(MAKE_CALL("<callCharacteristics/><callCharacteristics/>"), E_VALUE,
                  "<callCharacteristics/></M", "callCharacteristics",
                  CSTA_OPERATION_INVALID_PARAMETER_VALUE);
    check_refused(MAKE_CALL("<userData><string/><private/></userData>"), E_VALUE, "<private",
                  "private", CSTA_OPERATION_INVALID_PARAMETER_VALUE);
    check_refused("<MakeCall><callingDevice typeOfNumber='x'>1</callingDevice></MakeCall>",
                  E_VALUE, "x'", "typeOfNumber", CSTA_OPERATION_INVALID_PARAMETER_VALUE);
}

static void test_identifiers_are_bounded(void)
{
    char xml[2048];
    char id[1200];
    memset(id, 'x', sizeof(id));
    for (int n = 1024; n <= 1025; n++) {
        snprintf(xml, sizeof(xml),
                 "<HoldCall><callToBeHeld><callID>%.*s</callID>"
                 "</callToBeHeld></HoldCall>",
                 n, id);
        if (n == 1024) {
            CHECK_INT(decode_c(xml), 0);
        } else {
            check_refused(xml, E_VALUE, "<callID", "callID", CSTA_OPERATION_INVALID_CALL_ID);
        }
    }
}

static void test_foreign_things_are_ignored(void)
{
    REQUIRE(decode_c("<HoldCall " NS(
                "3") " xsi:schemaLocation='a hold-call.xsd'>stray"
                     "<vendor><callToBeHeld><callID>no</callID></callToBeHeld></vendor>"
                     "<callToBeHeld x='1'><callID y='2'>c</callID><more/></callToBeHeld>"
                     "<privateData><string>00</string></privateData></HoldCall>") == 0);
    CHECK_STR(msg.hold_call->call_to_be_held.call_id, "c");
    REQUIRE(decode_c("<HoldCall><callToBeHeld><deviceID v:typeOfNumber='x'>1</deviceID>"
                     "</callToBeHeld></HoldCall>") == 0);
}

static void test_unknown_roots(void)
{
    check_refused("<AcceptCall " NS("5") "><x/></AcceptCall>", E_UNSUPPORTED, "<Accept", "",
                  CSTA_OPERATION_SERVICE_NOT_SUPPORTED);
    CHECK_INT(msg.id, CSTA_MSG_ACCEPT_CALL);
    CHECK_INT(msg.edition, CSTA_ED5);
    check_refused("<c:NoSuchThing xmlns:c='http://x/ecma-323/csta/ed4'/>", E_UNSUPPORTED,
                  "<c:", "", CSTA_OPERATION_SERVICE_NOT_SUPPORTED);
    CHECK_INT(msg.id, CSTA_MSG_NONE);
    CHECK_INT(msg.edition, CSTA_ED4);
    CHECK_STR(msg.root_name, "NoSuchThing");
    CHECK_INT(decode_c("<AcceptCall><x></AcceptCall>"), E_SYNTAX);
    CHECK_INT(decode_c("<AcceptCall/>x"), E_SYNTAX);
}

static void test_syntax(void)
{
    CHECK_INT(decode_c("<MakeCall"), E_SYNTAX);
    CHECK_INT(decode_c(""), E_SYNTAX);
    CHECK_INT(decode_c(MAKE_CALL("") "<x/>"), E_SYNTAX);
    CHECK_INT(decode_c("<!DOCTYPE a [<!ENTITY x 'y'>]><MakeCall>&x;</MakeCall>"), E_DENIED);
    CHECK_INT(fault.offset, 0);
    CHECK_INT(decode_c("<?pi?><!DOCTYPE a [<!ENTITY x 'y'>]><MakeCall>&x;</MakeCall>"),
              E_DENIED);
    CHECK_INT(decode_c(MAKE_CALL("<subjectOfCall>&nbsp;</subjectOfCall>")), E_SYNTAX);
    CHECK_INT(csta_decode(STR("<a"), NULL, &arena, &msg, NULL), E_SYNTAX);
}

static void test_limits(void)
{
    struct csta_limits l = {.bytes = 300, .depth = 3, .elements = 4};
    struct str xml =
        STR("<HoldCall><callToBeHeld><callID>c</callID></callToBeHeld></HoldCall>");
    CHECK_INT(csta_decode(xml, &l, &arena, &msg, &fault), 0);
    l.depth = 2;
    CHECK_INT(csta_decode(xml, &l, &arena, &msg, &fault), E_TOOMANY);
    l = (struct csta_limits){.elements = 2};
    CHECK_INT(csta_decode(xml, &l, &arena, &msg, &fault), E_TOOMANY);
    l = (struct csta_limits){.bytes = xml.n - 1};
    CHECK_INT(csta_decode(xml, &l, &arena, &msg, &fault), E_TOOBIG);
    /* the defaults of X-7 */
    char *big = malloc(70000);
    REQUIRE(big != NULL);
    memset(big, ' ', 70000);
    memcpy(big, xml.p, xml.n);
    CHECK_INT(decode(str_make(big, 65536)), 0);
    CHECK_INT(decode(str_make(big, 65537)), E_TOOBIG);
    char deep[200] = "<HoldCall>";
    for (int i = 0; i < 32; i++) {
        memcpy(deep + strlen(deep), "<x>", 4);
    }
    CHECK_INT(decode_c(deep), E_TOOMANY);
    size_t n = 0;
    n += (size_t)snprintf(big + n, 100, "<HoldCall>");
    for (int i = 0; i < 2000; i++) {
        n += (size_t)snprintf(big + n, 100, "<x/>");
    }
    CHECK_INT(decode(str_make(big, n)), E_TOOMANY);
    free(big);
}

static void test_other_encodings(void)
{
    struct str latin = STR("<?xml version='1.0' encoding='ISO-8859-1'?>\n<MakeCall " NS(
        "3") "><callingDevice>M\xFCller</callingDevice></MakeCall>");
    REQUIRE(decode(latin) == 0);
    CHECK_INT(msg.edition, CSTA_ED3);
    CHECK_STR(msg.make_call->calling_device.value, "M\xC3\xBCller");
    char wide[512] = "\xFF\xFE";
    const char *text =
        "<HoldCall><callToBeHeld><callID>\xFC</callID></callToBeHeld></HoldCall>";
    size_t n = 2;
    for (size_t i = 0; text[i] != '\0'; i++) {
        wide[n++] = text[i];
        wide[n++] = '\0';
    }
    REQUIRE(decode(str_make(wide, n)) == 0);
    CHECK_STR(msg.hold_call->call_to_be_held.call_id, "\xC3\xBC");
    REQUIRE(decode_c("<?pi x?><HoldCall><callToBeHeld><callID>&amp;</callID></callToBeHeld>"
                     "<extensions><privateData><private><\xC3\xA4 a='\"'/></private>"
                     "</privateData></extensions></HoldCall>") == 0);
    CHECK_STR(msg.hold_call->call_to_be_held.call_id, "&");
    CHECK_STR(msg.hold_call->extensions->private_data.foreign.body,
              "<\xC3\xA4 a=\"&quot;\"></\xC3\xA4>");
    CHECK(encode(CSTA_ED3).n > 0);
}

static void test_other_encodings_say_where(void)
{
    check_refused("<?pi x?>\n<HoldCall>\n <callToBeHeld>\n  <callID>c</callID></callToBeHeld>\n"
                  " <connectionReservation>maybe</connectionReservation></HoldCall>",
                  E_VALUE, "<connectionR", "connectionReservation",
                  CSTA_OPERATION_INVALID_PARAMETER_VALUE);
    CHECK_INT(fault.line, 5);
    CHECK_INT(fault.column, 2);
}

static void test_new_destination(void)
{
    static const char *const forms[] = {
        "<newDestination typeOfNumber='other'>5</newDestination>",
        "<newDestination>\n<device typeOfNumber='other'>5</device>\n<device>6</device>"
        "</newDestination>",
    };
    for (size_t i = 0; i < 2; i++) {
        char xml[400];
        snprintf(xml, sizeof(xml),
                 "<DeflectCall " NS(
                     "3") "><callToBeDiverted><callID>c</callID>"
                          "</callToBeDiverted>%s<subjectOfCall>s</subjectOfCall></DeflectCall>",
                 forms[i]);
        REQUIRE(decode_c(xml) == 0);
        CHECK_STR(msg.deflect_call->new_destination.value, "5");
        CHECK_INT(msg.deflect_call->new_destination.type_of_number, CSTA_NUMBER_OTHER);
        CHECK_STR(msg.deflect_call->subject_of_call, "s");
        CHECK(str_find(encode(CSTA_ED5),
                       STR("<newDestination typeOfNumber=\"other\">5</newDestination>")) < 400);
        CHECK(str_find(encode(CSTA_ED6), STR("<newDestination><device typeOfNumber=\"other\">5"
                                             "</device></newDestination>")) < 400);
    }
    check_refused("<DeflectCall><callToBeDiverted><callID>c</callID></callToBeDiverted>"
                  "</DeflectCall>",
                  E_VALUE, "<Defl", "newDestination", CSTA_OPERATION_INVALID_PARAMETER_VALUE);
}

static void test_editions_leave_out(void)
{
    const struct csta_call_linkage_data link = {0};
    struct csta_make_call_response r = {
        .calling_device = {.call_id = STR("c"),
                           .device_id = {.value = STR("1"),
                                         .media =
                                             &(const struct csta_device_media){
                                                 .private_name = CSTA_TRUE,
                                                 .bit_rate = CSTA_BIT_RATE_CONSTANT}}},
        .call_linkage_data = &link};
    msg = (struct csta_msg){.id = CSTA_MSG_MAKE_CALL_RESPONSE, .make_call_response = &r};
    CHECK_STR(encode(CSTA_ED5),
              DECL "<MakeCallResponse " NS(
                  "5") "><callingDevice><callID>c</callID><deviceID "
                       "bitRate=\"constant\">1</deviceID></callingDevice></MakeCallResponse>");
    CHECK_STR(encode(CSTA_ED6),
              DECL "<MakeCallResponse " NS(
                  "6") "><callingDevice><callID>c</callID><deviceID "
                       "bitRate=\"constant\" privateName=\"true\">1</deviceID></callingDevice>"
                       "<callLinkageData/></MakeCallResponse>");
    struct csta_clear_connection c = {.connection_to_be_cleared = {.call_id = STR("c")},
                                      .reason = CSTA_CAUSE_CALL_INTERCEPTION_BUSY};
    msg = (struct csta_msg){.id = CSTA_MSG_CLEAR_CONNECTION, .clear_connection = &c};
    CHECK(str_find(encode(CSTA_ED3), STR("<reason>busy</reason>")) < 400);
    CHECK(str_find(encode(CSTA_ED6), STR("<reason>callInterceptionBusy</reason>")) < 400);
    const struct csta_profiles p = {.basic_endpoint_device_profile = CSTA_TRUE,
                                    .basic_uacsta_device_feature_profile = CSTA_TRUE};
    struct csta_get_switching_function_caps_response g = {
        .profiles = &p,
        .ignore_unsupported_parameters = CSTA_IGNORE_UNSUPPORTED_PARAMETERS_IGNORE_PARAMETERS,
        .connection_view = CSTA_CONNECTION_VIEW_LOCAL};
    msg = (struct csta_msg){.id = CSTA_MSG_GET_SWITCHING_FUNCTION_CAPS_RESPONSE,
                            .get_switching_function_caps_response = &g};
    CHECK(str_find(encode(CSTA_ED3), STR("<profiles><basicEndpointDeviceProfile>true"
                                         "</basicEndpointDeviceProfile></profiles>")) < 400);
    CHECK(str_find(encode(CSTA_ED6), STR("<profiles><basicUACSTADeviceFeatureProfile>true"
                                         "</basicUACSTADeviceFeatureProfile></profiles>")) <
          400);
}

static void test_lists(void)
{
    char xml[4096];
    size_t n = (size_t)snprintf(
        xml, sizeof(xml),
        "<TransferedEvent " NS(
            "3") "><monitorCrossRefID>1</monitorCrossRefID><primaryOldCall>"
                 "<callID>c</callID></primaryOldCall><transferredConnections>");
    for (int i = 0; i < 9; i++) {
        n += (size_t)snprintf(
            xml + n, sizeof(xml) - n,
            "<connectionListItem><newConnection>"
            "<callID>%d</callID></newConnection><endpoint><notKnown/></endpoint>"
            "</connectionListItem>",
            i);
    }
    snprintf(xml + n, sizeof(xml) - n,
             "</transferredConnections><deviceHistory/>"
             "</TransferedEvent>");
    REQUIRE(decode_c(xml) == 0);
    const struct csta_transferred_event *t = msg.transferred_event;
    REQUIRE(t->transferred_connections.n == 9);
    for (size_t i = 0; i < 9; i++) {
        const struct csta_connection_list_item *item = &t->transferred_connections.item[i];
        CHECK_INT(item->new_connection.call_id.p[0], '0' + (int)i);
        CHECK_INT(item->endpoint.kind, CSTA_DEVICE_REF_NOT_KNOWN);
    }
    CHECK(t->device_history.item != NULL && t->device_history.n == 0);
}

static void test_in_place_lists(void)
{
    REQUIRE(
        decode_c("<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData>"
                 "<snapshotDeviceResponseInfo><connectionIdentifier><callID>1</callID>"
                 "</connectionIdentifier><localCallState><compoundCallState>"
                 "<localConnectionState>alerting</localConnectionState>"
                 "<localConnectionState>connected</localConnectionState></compoundCallState>"
                 "</localCallState></snapshotDeviceResponseInfo>"
                 "<snapshotDeviceResponseInfo><connectionIdentifier><callID>2</callID>"
                 "</connectionIdentifier><localCallState><simpleCallState>callQueued"
                 "</simpleCallState></localCallState></snapshotDeviceResponseInfo>"
                 "</snapshotData></crossRefIDorSnapshotData></SnapshotDeviceResponse>") == 0);
    const struct csta_snapshot_content *c = &msg.snapshot_device_response->content;
    REQUIRE(c->kind == CSTA_SNAPSHOT_CONTENT_SNAPSHOT_DATA);
    REQUIRE(c->snapshot_data->snapshot_device_response_info.n == 2);
    const struct csta_snapshot_device_response_info *info =
        c->snapshot_data->snapshot_device_response_info.item;
    REQUIRE(info[0].local_call_state.kind == CSTA_CALL_STATE_COMPOUND_CALL_STATE);
    REQUIRE(info[0].local_call_state.compound_call_state.local_connection_state.n == 2);
    CHECK_INT(info[0].local_call_state.compound_call_state.local_connection_state.item[1],
              CSTA_STATE_CONNECTED);
    CHECK_INT(info[1].local_call_state.simple_call_state, CSTA_SIMPLE_CALL_STATE_CALL_QUEUED);
    const char *empty = DECL "<SnapshotDeviceResponse><crossRefIDorSnapshotData><snapshotData/>"
                             "</crossRefIDorSnapshotData></SnapshotDeviceResponse>";
    REQUIRE(decode_c(empty) == 0);
    CHECK_STR(encode(CSTA_EDITION_NONE), empty);
}

static int write_error(struct csta_error error, enum csta_edition edition, struct out *o)
{
    return csta_encode(&(struct csta_msg){.id = CSTA_MSG_ERROR_CODE, .error_code = &error},
                       edition, o);
}

static void test_errors(void)
{
    struct out o;
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(write_error(csta_error_of(CSTA_ERROR_STATE_INCOMPATIBILITY,
                                        CSTA_INCOMPATIBLE_NO_CALL_TO_ANSWER),
                          CSTA_ED3, &o),
              0);
    CHECK_STR(out_str_of(&o), DECL "<CSTAErrorCode " NS(
                                  "3") "><stateIncompatibility>"
                                       "noCallToAnswer</stateIncompatibility></CSTAErrorCode>");
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(write_error(csta_error_of(CSTA_ERROR_UNSPECIFIED, 0), CSTA_EDITION_NONE, &o), 0);
    CHECK_STR(out_str_of(&o), DECL "<CSTAErrorCode><unspecified/></CSTAErrorCode>");
    out_init(&o, buf, sizeof(buf));
    struct csta_error private_one = {.kind = CSTA_ERROR_PRIVATE_ERROR_CODE,
                                     .private_error_code = STR("URM <Denied>")};
    CHECK_INT(write_error(private_one, CSTA_EDITION_NONE, &o), 0);
    CHECK_STR(out_str_of(&o), DECL "<CSTAErrorCode><privateErrorCode>URM &lt;Denied&gt;"
                                   "</privateErrorCode></CSTAErrorCode>");
    CHECK_INT(write_error((struct csta_error){0}, CSTA_ED3, &o), E_VALUE);
    CHECK_INT(write_error(csta_error_of(CSTA_ERROR_OPERATION, 9999), CSTA_ED3, &o), E_VALUE);
    REQUIRE(decode_c("<CSTAErrorCode><operation>notInAnyTable</operation></CSTAErrorCode>") ==
            0);
    CHECK_INT(msg.error_code->kind, CSTA_ERROR_OPERATION);
    CHECK_INT(msg.error_code->value, CSTA_OPERATION_GENERIC);
    REQUIRE(decode_c("<CSTAErrorCode><newCategory>x</newCategory></CSTAErrorCode>") == 0);
    CHECK_INT(msg.error_code->kind, CSTA_ERROR_UNSPECIFIED);
    CHECK_INT(decode_c("<CSTAErrorCode/>"), E_VALUE);
}

static void test_encode_refuses(void)
{
    struct out o;
    struct csta_make_call m = {.called_directory_number = {.value = STR("1")}};
    out_init(&o, buf, sizeof(buf));
    msg = (struct csta_msg){.id = CSTA_MSG_MAKE_CALL, .make_call = &m};
    CHECK_INT(csta_encode(&msg, CSTA_ED3, &o), E_VALUE);
    m.calling_device.value = STR("1");
    m.auto_originate = CSTA_AUTO_ORIGINATE_COUNT;
    CHECK_INT(csta_encode(&msg, CSTA_ED3, &o), E_VALUE);
    m.auto_originate = CSTA_AUTO_ORIGINATE_ABSENT;
    m.user_data =
        (struct csta_data){.kind = CSTA_DATA_FOREIGN, .foreign.body = STR("</private>")};
    CHECK_INT(csta_encode(&msg, CSTA_ED3, &o), E_VALUE);
    m.user_data = (struct csta_data){0};
    out_init(&o, buf, 100);
    CHECK_INT(csta_encode(&msg, CSTA_ED3, &o), E_SPACE);
    size_t need = o.need;
    out_init(&o, buf, need);
    CHECK_INT(csta_encode(&msg, CSTA_ED3, &o), 0);
    msg.id = CSTA_MSG_ACCEPT_CALL;
    CHECK_INT(csta_encode(&msg, CSTA_ED3, &o), E_UNSUPPORTED);
    msg.id = CSTA_MSG_NONE;
    CHECK_INT(csta_encode(&msg, CSTA_ED3, &o), E_UNSUPPORTED);
    msg = (struct csta_msg){.id = CSTA_MSG_MAKE_CALL};
    CHECK_INT(csta_encode(&msg, CSTA_ED3, &o), E_VALUE);
}

static void test_encode_mends_text(void)
{
    struct csta_make_call m = {.calling_device = {.value = STR("a\x01"
                                                               "b\xFF"
                                                               "c\r\n\"<&>")}};
    msg = (struct csta_msg){.id = CSTA_MSG_MAKE_CALL, .make_call = &m};
    struct str xml = encode(CSTA_EDITION_NONE);
    CHECK_STR(xml, DECL "<MakeCall><callingDevice>a\xEF\xBF\xBD"
                        "b\xEF\xBF\xBD"
                        "c&#13;\n\"&lt;&amp;&gt;</callingDevice></MakeCall>");
    REQUIRE(decode(xml) == 0);
    CHECK_STR(msg.make_call->calling_device.value, "a\xEF\xBF\xBD"
                                                   "b\xEF\xBF\xBD"
                                                   "c\r\n\"<&>");
}

static void test_every_prefix(void)
{
    struct str xml = str_c(full);
    for (size_t n = 0; n < xml.n; n++) {
        struct str part = test_guard(str_upto(xml, n));
        CHECK_INT(decode(part), E_SYNTAX);
        CHECK(fault.offset <= n);
        test_guard_free(part);
    }
    CHECK_INT(decode(xml), 0);
}

/* Whatever a mutated message decodes to can be written, and reads back the same. */
static void test_mutations(void)
{
    struct str xml = str_c(full);
    size_t ok = 0;
    static char first[4096];
    for (size_t i = 0; i < xml.n; i++) {
        for (size_t k = 0; k < 6; k++) {
            struct str bad = test_guard(xml);
            ((char *)(uintptr_t)bad.p)[i] = "<>\0 \xC3"
                                            "0"[k];
            if (decode(bad) == 0) {
                struct str once = encode(msg.edition);
                memcpy(first, once.p, once.n);
                once.p = first;
                CHECK_INT(decode(once), 0);
                CHECK_BYTES(encode(msg.edition), once);
                ok++;
            }
            test_guard_free(bad);
        }
    }
    CHECK(ok > 100);
}

static void test_without_memory(void)
{
    static const char *const docs[] = {
        full, "<?pi?><HoldCall><callToBeHeld><callID>&amp;</callID></callToBeHeld></HoldCall>",
        "<GetCSTAFeaturesResponse><supportedServices><callControlServList><makeCall><null>1</"
        "null>"
        "</makeCall></callControlServList></supportedServices></GetCSTAFeaturesResponse>"};
    for (size_t d = 0; d < sizeof(docs) / sizeof(docs[0]); d++) {
        int err = E_NOMEM;
        for (size_t n = 1; err == E_NOMEM; n++) {
            struct test_mem mem;
            struct arena a;
            test_mem_init(&mem);
            mem.fail_at = n;
            mem.fail_on = n % 2 == 0;
            arena_init(&a, &mem.mem, 16);
            err = csta_decode(str_c(docs[d]), NULL, &a, &msg, &fault);
            CHECK(err == 0 || err == E_NOMEM);
            CHECK(err == 0 || fault.error.kind != CSTA_ERROR_ABSENT);
            CHECK(err == 0 || n < 200);
            CHECK(err != 0 || n > 3);
            arena_fini(&a);
            CHECK_INT(mem.live, 0);
        }
    }
}

TEST_MAIN(T(test_decode_full), T(test_encode_gives_the_same), T(test_text_is_borrowed),
          T(test_order_is_free), T(test_namespaces), T(test_namespaces_written),
          T(test_spelling_traps), T(test_blanks), T(test_booleans), T(test_numbers),
          T(test_volume), T(test_mandatory), T(test_wrong_values),
          T(test_wrong_values_say_what_is_allowed), T(test_allowed_is_bounded),
          T(test_identifiers_are_bounded), T(test_foreign_things_are_ignored),
          T(test_unknown_roots), T(test_syntax), T(test_limits), T(test_other_encodings),
          T(test_other_encodings_say_where), T(test_new_destination),
          T(test_editions_leave_out), T(test_lists), T(test_in_place_lists), T(test_errors),
          T(test_encode_refuses), T(test_encode_mends_text), T(test_every_prefix),
          T(test_mutations), T(test_without_memory))
