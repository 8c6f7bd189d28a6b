/* SPDX-License-Identifier: Apache-2.0 */
/* Names of devices and dialled numbers of an application with a dialling plan. */
#include "fixture_cti.h"

#include "rules/number.h"

static const struct dial_plan berlin = {.name = STR_INIT("berlin"),
                                        .country = STR_INIT("49"),
                                        .area = STR_INIT("30"),
                                        .trunk = STR_INIT("0"),
                                        .international = STR_INIT("00"),
                                        .extension_digits = 4};

/** 1001 is +49 30 1234 1001; crm dials as in Berlin, desk does not; the trunk takes +…. */
static struct office *up(void)
{
    static const struct str world[] = {STR_INIT("+*")};
    struct office *o = office_up(NULL, TP_UDP);
    directory_forget_tel(&o->directory, &o->device[0]);
    o->device[0].tel = STR("+493012341001");
    directory_know_tel(&o->directory, &o->device[0]);
    o->crm.dial_plan = &berlin;
    o->peer.numbers = world;
    client_open(&o->client[0], "crm", STATUS_REQUEST);
    client_open(&o->client[1], "desk", STATUS_REQUEST);
    return o;
}

static const struct {
    const char *name;
    bool crm, desk; /**< is it 1001 for them? */
} names[] = {
    {"1001", true, true},
    {"sip:1001@example.com", true, true},
    {"tel:1001;phone-context=dialstring", true, true},
    {"+493012341001", true, true},
    {"tel:+49-30-1234-1001", true, true},
    {"tel:1001;phone-context=+49301234", true, true},
    {"N&lt;1001&gt;Line 1", true, true},
    /* as it is dialled: in the city, in the country, from abroad */
    {"12341001", true, false},
    {"030 1234-1001", true, false},
    {"004930 12341001", true, false},
    {"tel:12341001;phone-context=dialstring;partition=BE_BRS_INT", true, false},
    {"tel:03012341001;phone-context=enterprise", true, false},
    {"sip:03012341001@example.com;user=phone", true, false},
    {"sip:03012341001@example.net", false, false}, /* of another domain */
    {"08912341001", false, false},                 /* in another city */
    {"12341002", false, false},
    {"*21", false, false},
};

static void test_names_of_devices(void)
{
    struct office *o = up();
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        for (unsigned k = 0; k < 2; k++) {
            struct client *c = &o->client[k];
            test_context(names[i].name);
            client_ask_fmt(c, "SnapshotDevice", "<snapshotObject>%s</snapshotObject>",
                           names[i].name);
            CHECK_STR(str_c(c->log), (k == 0 ? names[i].crm : names[i].desk)
                                         ? "A:SnapshotDeviceResponse"
                                         : "X:operation/invalidDeviceID");
            test_context(NULL);
        }
    }
    office_down(o);
}

/** What the client wrote is what it reads, in answers and in events. */
static void test_spelling(void)
{
    static const char line[] = "tel:12341001;phone-context=dialstring;partition=BE_BRS_INT";
    struct office *o = up();
    struct client *c = &o->client[0];
    client_ask_fmt(c, "MonitorStart",
                   "<monitorObject><deviceObject>%s</deviceObject></monitorObject>", line);
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse");
    office_register(o, 0, false, 3600);
    office_run(o, 50);
    CHECK_STR(client_value(c, "BackInService", "deviceIdentifier"), line);
    client_ask_fmt(c, "MakeCall",
                   "<callingDevice>%s</callingDevice>"
                   "<calledDirectoryNumber>0891234</calledDirectoryNumber>",
                   line);
    CHECK(strstr(c->log, "A:MakeCallResponse") != NULL);
    CHECK_STR(client_value(c, "MakeCallResponse", "deviceID"), line);
    office_down(o);
}

static const struct {
    const char *dialled, *sent; /**< NULL: it leads nowhere */
} calls[] = {
    {"0891234", "+49891234"},
    {"5678", NULL}, /* an extension, when it has four digits */
    {"56789", "+493056789"},
    {"tel:56789;phone-context=dialstring", "tel:+493056789"},
    {"0043 1 2345", "+4312345"},
    {"+4312345", "+4312345"},
    {"sip:0891234@example.com", "sip:+49891234@example.com"},
};

/** Whom it calls: what is kept, and sent to the peer, is the number of the world. */
static void test_dialled(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        test_context(calls[i].dialled);
        client_ask_fmt(c, "SetForwarding",
                       "<device>1001</device><forwardingType>forwardImmediate</forwardingType>"
                       "<activateForward>true</activateForward><forwardDN>%s</forwardDN>",
                       calls[i].dialled);
        if (calls[i].sent == NULL) {
            CHECK_STR(str_c(c->log), "X:operation/invalidForwardingDestination");
        } else {
            CHECK_STR(str_c(c->log), "A:SetForwardingResponse");
            client_ask_fmt(c, "GetForwarding", "<device>1001</device>");
            CHECK_STR(client_value(c, "GetForwardingResponse", "forwardDN"), calls[i].sent);
        }
        test_context(NULL);
    }
    office_down(o);
}

/** The services that begin or move a call. */
static void test_called(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    office_register(o, 0, false, 3600);
    phone_call(o, &o->phone[1], "1001", "");
    office_run(o, 50);
    CHECK_INT(station_respond(&o->phone[0], 180, STR_NONE), 0);
    office_run(o, 50);
    client_ask_fmt(c, "DeflectCall",
                   "<callToBeDiverted><deviceID>1001</deviceID></callToBeDiverted>"
                   "<newDestination>5678</newDestination>");
    CHECK_STR(str_c(c->log), "X:operation/invalidDestination");
    client_ask_fmt(c, "DeflectCall",
                   "<callToBeDiverted><deviceID>1001</deviceID></callToBeDiverted>"
                   "<newDestination>0891234</newDestination>");
    CHECK_STR(str_c(c->log), "A:DeflectCallResponse");
    CHECK(o->outside.leg != NULL); /* which takes +… alone */
    office_down(o);
}

/** A number that comes in parts is one of that place, too, once it is whole. */
static void test_dialled_in_parts(void)
{
    static const char more[] = "<diallingConnection><deviceID>1001</deviceID>"
                               "</diallingConnection><diallingSequence>%s</diallingSequence>";
    struct office *o = up();
    struct client *c = &o->client[0];
    office_register(o, 0, false, 3600);
    client_ask_fmt(c, "MakeCall",
                   "<callingDevice>1001</callingDevice>"
                   "<calledDirectoryNumber>08;</calledDirectoryNumber>");
    CHECK(strstr(c->log, "A:MakeCallResponse") != NULL);
    client_ask_fmt(c, "DialDigits", more, "9;");
    CHECK_STR(str_c(c->log), "A:DialDigitsResponse");
    client_ask_fmt(c, "DialDigits", more, "1234");
    CHECK_STR(str_c(c->log), "A:DialDigitsResponse");
    office_run(o, 50);
    CHECK_INT(station_respond(&o->phone[0], 200, SDP_A), 0);
    office_run(o, 50);
    CHECK(o->outside.leg != NULL); /* which takes +… alone */
    office_down(o);
}

/** The same for one without a plan: as it is. */
static void test_dialled_without_a_plan(void)
{
    struct office *o = up();
    struct client *c = &o->client[1];
    office_register(o, 0, false, 3600);
    client_ask_fmt(c, "MakeCall",
                   "<callingDevice>1001</callingDevice>"
                   "<calledDirectoryNumber>0891234</calledDirectoryNumber>");
    CHECK_STR(str_c(c->log), "X:operation/invalidCalledDeviceID");
    client_ask_fmt(c, "MakeCall",
                   "<callingDevice>1001</callingDevice>"
                   "<calledDirectoryNumber>+49891234</calledDirectoryNumber>");
    CHECK(strstr(c->log, "A:MakeCallResponse") != NULL);
    office_down(o);
}

TEST_MAIN(T(test_names_of_devices), T(test_spelling), T(test_dialled), T(test_called),
          T(test_dialled_in_parts), T(test_dialled_without_a_plan))
