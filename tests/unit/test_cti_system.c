/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of the system: SystemRegister, lost events, reloads that take devices or rights
 * away, the list of devices, the capabilities.
 */
#include "fixture_cti.h"

#include <stdio.h>

#define ALL_TYPES                                                                          \
    "<requestTypes><systemStatus>true</systemStatus><switchingFunctionDevicesChanged>true" \
    "</switchingFunctionDevicesChanged></requestTypes>"

static void enlist(struct client *c)
{
    client_ask_fmt(c, "SystemRegister", ALL_TYPES);
    CHECK_STR(str_c(c->log), "A:SystemRegisterResponse");
    client_clear(c);
}

/** 1001 comes and goes: two events a turn. */
static void flap(struct office *o, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        office_register(o, 0, false, 3600);
        office_register(o, 0, false, 0);
        office_run(o, 50);
    }
}

/* ---- registration ---- */

static void test_system_register(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    client_ask_fmt(c, "SystemRegisterCancel", "<sysStatRegisterID>1</sysStatRegisterID>");
    CHECK_STR(str_c(c->log), "X:operation/invalidCrossRefID");
    client_ask_fmt(c, "SystemRegister", "<requestTypes/>");
    CHECK_STR(str_c(c->log), "X:operation/atLeastOneConditionalParameterNotProvided");
    client_ask_fmt(c, "SystemRegister", "%s", "");
    CHECK_INT(test_count(c->log, "X:operation/"), 1);
    client_ask_fmt(c, "SystemRegister",
                   ALL_TYPES "<requestedStatusFilter><overloadReached>true</overloadReached>"
                             "</requestedStatusFilter>");
    CHECK_STR(client_value(c, "SystemRegister", "sysStatRegisterID"), "1");
    CHECK_STR(client_value(c, "SystemRegister", "actualStatusFilter"),
              "<overloadReached>true</overloadReached>");
    client_ask_fmt(c, "SystemRegister", ALL_TYPES);
    CHECK_STR(str_c(c->log),
              "X:subscribedResourceAvailability/objectRegistrationLimitExceeded");
    client_ask_fmt(c, "SystemRegisterCancel", "<sysStatRegisterID>2</sysStatRegisterID>");
    CHECK_STR(str_c(c->log), "X:operation/invalidCrossRefID");
    client_ask_fmt(c, "SystemRegisterCancel", "<sysStatRegisterID>x</sysStatRegisterID>");
    CHECK_STR(str_c(c->log), "X:operation/invalidCrossRefID");
    client_ask_fmt(c, "SystemRegisterCancel", "<sysStatRegisterID>1</sysStatRegisterID>");
    CHECK_STR(str_c(c->log), "A:SystemRegisterCancelResponse");
    client_ask_fmt(c, "SystemRegister", ALL_TYPES);
    CHECK_STR(client_value(c, "SystemRegister", "sysStatRegisterID"), "2"); /* never again */
    client_ask_fmt(c, "SystemRegisterCancel", "%s", "");
    CHECK_STR(str_c(c->log), "A:SystemRegisterCancelResponse");
    office_down(o);
}

/* ---- lost events ---- */

static void test_system_messages_lost(void)
{
    struct office *o = office_up(&(struct cti_config){.max_unsent = 5}, TP_UDP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    enlist(c);
    c->answer_with = 0;
    flap(o, 4);
    CHECK_STR(str_c(c->log), "E:BackInService");
    CHECK_INT(office_stats(o).gaps, 1);
    c->answer_with = 200;
    client_answer(c, 200);
    office_run(o, 50);
    CHECK(str_starts(str_c(c->log), STR("E:BackInService E:SystemStatus")));
    CHECK_STR(client_value(c, "SystemStatus", "systemStatus"), "messagesLost");
    CHECK_STR(client_value(c, "SystemStatus", "sysStatRegisterID"), "1");
    client_clear(c);
    flap(o, 1); /* and it goes on */
    CHECK_STR(str_c(c->log), "E:BackInService E:OutOfService");
    CHECK_INT(office_stats(o).sessions, 1);
    CHECK_INT(office_stats(o).monitors, 1);
    office_down(o);
}

static void test_system_messages_lost_again(void)
{
    struct office *o = office_up(&(struct cti_config){.max_unsent = 3}, TP_UDP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001 1001");
    enlist(c);
    c->answer_with = 0;
    flap(o, 20);
    CHECK(office_stats(o).gaps > 2);
    c->answer_with = 200;
    client_answer(c, 200);
    office_run(o, 200);
    CHECK_INT(test_count(c->log, "E:SystemStatus"), 1); /* one report for all of it */
    CHECK_INT(office_stats(o).sessions, 1);
    office_down(o);
}

/** The records were thrown away before the client came to them. */
static void test_system_records_are_gone(void)
{
    struct office *o = office_up(&(struct cti_config){.journal_records = 2}, TP_UDP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    enlist(c);
    c->answer_with = 0;
    flap(o, 4);
    c->answer_with = 200;
    client_answer(c, 200);
    office_run(o, 50);
    CHECK_STR(str_c(c->log), "E:BackInService E:SystemStatus");
    CHECK_INT(office_stats(o).sessions, 1);
    flap(o, 1);
    CHECK_STR(str_c(c->log), "E:BackInService E:SystemStatus E:BackInService E:OutOfService");
    office_down(o);
}

/** Who did not register for it can be told only by the end of the session. */
static void test_system_messages_lost_unregistered(void)
{
    static const char *const asks[] = {
        ALL_TYPES "<requestedStatusFilter><messageLost>true</messageLost>"
                  "</requestedStatusFilter>",
        "<requestTypes><switchingFunctionDevicesChanged>true"
        "</switchingFunctionDevicesChanged></requestTypes>",
        NULL,
    };
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        struct office *o = office_up(&(struct cti_config){.max_unsent = 5}, TP_UDP);
        struct client *c = &o->client[0];
        client_watch(c, "crm", "1001");
        client_ask_fmt(c, "SystemRegister", "%s", asks[i] == NULL ? ALL_TYPES : asks[i]);
        if (asks[i] == NULL) {
            client_ask_fmt(c, "SystemRegisterCancel", "%s", "");
        }
        c->answer_with = 0;
        flap(o, 4);
        CHECK(strstr(c->log, "BYE(SIP;cause=500;text=\"messagesLost\")") != NULL);
        CHECK_INT(office_stats(o).sessions, 0);
        office_down(o);
    }
}

/* ---- reload ---- */

static struct office *up_listed(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    CHECK_INT(directory_add_application(&o->directory, &o->crm), 0);
    CHECK_INT(directory_add_application(&o->directory, &o->desk), 0);
    return o;
}

static void test_system_device_removed(void)
{
    struct office *o = up_listed();
    struct client *c = &o->client[0], *d = &o->client[1];
    client_watch(c, "crm", "1001 1002 1002");
    enlist(c);
    client_watch(d, "desk", "1001");
    enlist(d);
    cti_roster_changed(o->cti, o->net.now_ms); /* nothing has changed */
    office_run(o, 50);
    CHECK_STR(str_c(c->log), "");
    c->answer_with = 0;
    office_register(o, 1, false, 3600);
    office_run(o, 50);
    directory_remove_device(&o->directory, &o->device[1]);
    cti_roster_changed(o->cti, o->net.now_ms);
    c->answer_with = 200;
    client_answer(c, 200);
    office_run(o, 200);
    /* what was recorded comes first */
    CHECK_INT(test_count(c->log, "E:BackInService"), 2);
    CHECK_INT(test_count(c->log, "E:MonitorStop"), 2);
    CHECK_INT(test_count(c->log, "E:SwFunctionDevicesChanged"), 1);
    CHECK(str_starts(str_c(c->log), STR("E:BackInService E:BackInService ")));
    CHECK_STR(client_value(c, "SwFunctionDevicesChanged", "sysStatRegisterID"), "1");
    CHECK_STR(str_c(d->log), ""); /* it never had that device */
    CHECK_INT(office_stats(o).monitors, 2);
    CHECK(o->device[1].cti == NULL);
    client_ask_fmt(c, "MonitorStop", "<monitorCrossRefID>2</monitorCrossRefID>");
    CHECK_STR(str_c(c->log), "X:operation/invalidMonitorCrossRefID");
    CHECK_INT(directory_add_device(&o->directory, &o->device[1]), 0);
    client_clear(c);
    cti_roster_changed(o->cti, o->net.now_ms);
    office_run(o, 50);
    CHECK_STR(str_c(c->log), "E:SwFunctionDevicesChanged");
    office_down(o);
}

static void test_system_rights_lost(void)
{
    struct office *o = up_listed();
    struct client *c = &o->client[0];
    office_register(o, 0, false, 3600);
    office_register(o, 1, false, 3600);
    client_watch(c, "crm", "1001 1003");
    phone_call(o, &o->phone[0], "1002", NULL);
    client_ask(c, "MonitorStart",
               "<monitorObject><callObject><deviceID>1001</deviceID></callObject>"
               "</monitorObject>");
    client_clear(c);
    o->crm_scopes[0].pattern = STR("1003");
    cti_roster_changed(o->cti, o->net.now_ms);
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "E:MonitorStop E:MonitorStop"); /* no registration: no more */
    CHECK_STR(client_value(c, "MonitorStop", "monitorCrossRefID"), "3");
    CHECK_INT(office_stats(o).monitors, 1);
    office_down(o);
}

static void test_system_application_removed(void)
{
    struct office *o = up_listed();
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    enlist(c);
    directory_remove_application(&o->directory, &o->crm);
    o->crm.scope_count = 0;
    cti_roster_changed(o->cti, o->net.now_ms);
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "E:MonitorStop E:SystemRegisterAbort");
    client_clear(c);
    cti_roster_changed(o->cti, o->net.now_ms);
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "");
    office_down(o);
}

/* ---- which devices ---- */

static void test_system_devices(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0], *d = &o->client[1];
    client_open(c, "crm", STATUS_REQUEST);
    client_open(d, "desk", STATUS_REQUEST);
    client_ask_fmt(c, "GetSwitchingFunctionDevices", "%s", "");
    CHECK_STR(str_c(c->log),
              "A:GetSwitchingFunctionDevicesResponse E:SwitchingFunctionDevices");
    CHECK_STR(client_value(c, "FunctionDevicesResponse", "serviceCrossRefID"), "1");
    CHECK_STR(client_value(c, "<SwitchingFunctionDevices", "serviceCrossRefID"), "1");
    CHECK_STR(client_value(c, "<SwitchingFunctionDevices", "lastSegment"), "true");
    CHECK_INT(test_count(client_text(c, "<SwitchingFunctionDevices"), "<device>"), 3);
    client_ask_fmt(d, "GetSwitchingFunctionDevices", "%s", "");
    CHECK_STR(client_value(d, "<SwitchingFunctionDevices", "device"),
              "<deviceID>sip:1001@example.com</deviceID><deviceCategory>station"
              "</deviceCategory><namedDeviceTypes>station</namedDeviceTypes>");
    client_ask_fmt(c, "GetSwitchingFunctionDevices",
                   "<requestedDeviceID>1002</requestedDeviceID>"
                   "<requestedDeviceCategory>station</requestedDeviceCategory>");
    CHECK_STR(client_value(c, "<SwitchingFunctionDevices", "deviceID"), "sip:1002@example.com");
    client_ask_fmt(c, "GetSwitchingFunctionDevices",
                   "<requestedDeviceCategory>acd</requestedDeviceCategory>");
    CHECK_INT(test_count(client_text(c, "<SwitchingFunctionDevices"), "<device>"), 0);
    CHECK_STR(client_value(c, "<SwitchingFunctionDevices", "lastSegment"), "true");
    client_ask_fmt(c, "GetSwitchingFunctionDevices",
                   "<requestedDeviceID>77</requestedDeviceID>");
    CHECK_STR(str_c(c->log), "X:operation/invalidDeviceID");
    client_ask_fmt(d, "GetSwitchingFunctionDevices",
                   "<requestedDeviceID>1002</requestedDeviceID>");
    CHECK_STR(str_c(d->log), "X:operation/privilegeViolationSpecifiedDevice");
    office_down(o);
}

static void test_system_devices_in_segments(void)
{
    enum { MORE = 40 };
    static struct device more[MORE];
    static char names[MORE][64];
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    for (unsigned i = 0; i < MORE; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "sip:100%u@example.com", 10 + i);
        struct str uri = str_c(names[i]);
        more[i] = (struct device){
            .number = str_upto(str_from(uri, 4), 5), .uri = uri, .key = str_from(uri, 4)};
        CHECK_INT(directory_add_device(&o->directory, &more[i]), 0);
    }
    client_open(c, "crm", STATUS_REQUEST);
    client_ask_fmt(c, "GetSwitchingFunctionDevices", "%s", "");
    office_run(o, 1000);
    size_t devices = 0, last = 0;
    for (size_t i = 0; i < c->texts; i++) {
        devices += test_count(c->text[i], "<device>");
        last += test_count(c->text[i], "<lastSegment>true</lastSegment>");
        CHECK(strlen(c->text[i]) < 1400);
    }
    CHECK_INT(devices, PHONES + MORE);
    CHECK_INT(last, 1);
    CHECK_STR(client_value(c, "<SwitchingFunctionDevices", "segmentID"), "8");
    CHECK_STR(client_value(c, "<SwitchingFunctionDevices", "lastSegment"), "true");
    office_down(o);
}

/* ---- capabilities ---- */

/** TR/87 8 with what public lists of vendors add; read off there, not from the code. */
static const struct {
    const char *ed3, *ed6, *parts;
} profiles[] = {
    {"minimalEndpointCallControlProfile", "minimalUACSTACallControlProfile",
     "MakeCall AnswerCall ClearConnection MonitorStart MonitorStop RequestSystemStatus "
     "SystemStatus ConnectionClearedEvent DeliveredEvent EstablishedEvent FailedEvent "
     "NetworkReachedEvent OriginatedEvent ServiceInitiatedEvent"},
    {"basicEndpointCallControlProfile", "basicUACSTAtCallControlProfile",
     "MakeCall AnswerCall ClearConnection MonitorStart MonitorStop DeflectCall HoldCall "
     "RetrieveCall SingleStepTransferCall AlternateCall ConsultationCall ReconnectCall "
     "TransferCall ConferenceCall SingleStepConferenceCall GetForwarding SetForwarding "
     "GetSwitchingFunctionDevices SwitchingFunctionDevices DivertedEvent HeldEvent "
     "RetrievedEvent TransferedEvent BackInServiceEvent OutOfServiceEvent"},
    {"advancedEndpointCallControlProfile", "advancedUACSTACallControlProfile",
     "DeflectCall HoldCall RetrieveCall SingleStepTransferCall ConferenceCall GetForwarding "
     "SetForwarding SingleStepConferenceCall GenerateDigits SnapshotDevice GetCSTAFeatures"},
    {"conferencingEndpointCallControlProfile", "conferencingUACSTACallControlProfile",
     "ConferenceCall SingleStepConferenceCall ConferencedEvent"},
    {"basicEndpointDeviceProfile", "basicUACSTADeviceFeatureProfile",
     "GetDoNotDisturb SetDoNotDisturb GetForwarding SetForwarding GetMessageWaitingIndicator "
     "SetMessageWaitingIndicator DoNotDisturbEvent ForwardingEvent MessageWaitingEvent"},
    {"advancedEndpointDeviceProfile", "speakerUACSTADeviceFeatureProfile",
     "GetSpeakerMute SetSpeakerMute GetSpeakerVolume SetSpeakerVolume SpeakerMuteEvent "
     "SpeakerVolumeEvent"},
};

/** There is no focus in this office. */
static bool all_supported(const char *parts)
{
    struct str rest = str_c(parts);
    while (rest.n > 0) {
        struct str word = str_upto(rest, str_find(rest, STR(" ")));
        if (!csta_msg_is_supported(csta_msg_find(word)) ||
            str_find(word, STR("Conference")) < word.n ||
            only_phones_have(csta_msg_find(word))) {
            return false;
        }
        rest = str_from(rest, word.n < rest.n ? word.n + 1 : word.n);
    }
    return true;
}

static void test_system_capabilities(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    for (unsigned six = 0; six < 2; six++) {
        client_ask_in(c, six == 0 ? "ed3" : "ed6", "GetSwitchingFunctionCaps", "");
        office_run(o, 50);
        CHECK_STR(client_value(c, "FunctionCaps", "connectionView"), "fixed");
        CHECK_STR(client_value(c, "FunctionCaps", "ignoreUnsupportedParameters"),
                  "ignoreParameters");
        CHECK_STR(client_value(c, "FunctionCaps", "switchingSubDomainName"), "example.com");
        for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
            const char *name = six == 0 ? profiles[i].ed3 : profiles[i].ed6;
            const char *other = six == 0 ? profiles[i].ed6 : profiles[i].ed3;
            test_context(name);
            CHECK_STR(client_value(c, "FunctionCaps", name),
                      all_supported(profiles[i].parts) ? "true" : "false");
            CHECK_STR(client_value(c, "FunctionCaps", other), "");
        }
    }
    CHECK(all_supported(profiles[0].parts)); /* the least that a server has to be */
    office_down(o);
}

static void test_system_device_information(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0], *d = &o->client[1];
    client_open(c, "crm", STATUS_REQUEST);
    client_open(d, "desk", STATUS_REQUEST);
    client_ask_fmt(c, "GetLogicalDeviceInformation", "<device>1002</device>");
    CHECK_STR(str_c(c->log), "A:GetLogicalDeviceInformationResponse");
    CHECK_STR(client_value(c, "LogicalDevice", "shortFormDeviceID"), "1002");
    CHECK_STR(client_value(c, "LogicalDevice", "hasPhysicalElement"), "true");
    CHECK_STR(client_value(c, "LogicalDevice", "appearanceAddressable"), "false");
    const char *text = client_text(c, "LogicalDevice");
    /* each service of a call that is served, and none that is not */
    CHECK(strstr(text, "<makeCall>") != NULL || strstr(text, "<makeCall/>") != NULL);
    CHECK(strstr(text, "<transferCall") != NULL);
    CHECK(strstr(text, "<intrudeCall") == NULL);
    CHECK(strstr(text, "<backInService") != NULL);
    client_ask_fmt(c, "GetPhysicalDeviceInformation", "<device>sip:1002@example.com</device>");
    CHECK_STR(str_c(c->log), "A:GetPhysicalDeviceInformationResponse");
    CHECK_STR(client_value(c, "PhysicalDevice", "deviceCategory"), "station");
    CHECK_STR(client_value(c, "PhysicalDevice", "hasLogicalElement"), "true");
    CHECK_STR(client_value(c, "PhysicalDevice", "deviceModelName"), "");
    office_register(o, 1, false, 3600);
    client_ask_fmt(c, "GetPhysicalDeviceInformation", "<device>1002</device>");
    CHECK_STR(client_value(c, "PhysicalDevice", "deviceModelName"), "phone/1.0");
    static const char *const services[] = {"GetLogicalDeviceInformation",
                                           "GetPhysicalDeviceInformation"};
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        client_ask_fmt(c, services[i], "%s", "");
        CHECK_STR(str_c(c->log), "X:operation/atLeastOneConditionalParameterNotProvided");
        client_ask_fmt(c, services[i], "<device>77</device>");
        CHECK_STR(str_c(c->log), "X:operation/invalidDeviceID");
        client_ask_fmt(d, services[i], "<device>1002</device>");
        CHECK_STR(str_c(d->log), "X:operation/privilegeViolationSpecifiedDevice");
    }
    office_down(o);
}

/* ---- without memory ---- */

static void story(struct office *o)
{
    struct client *c = &o->client[0];
    client_ask(c, "SystemRegister", ALL_TYPES);
    client_ask(c, "GetSwitchingFunctionDevices", "");
    client_ask(c, "GetSwitchingFunctionCaps", "");
    client_ask(c, "GetLogicalDeviceInformation", "<device>1001</device>");
    client_ask(c, "GetPhysicalDeviceInformation", "<device>1001</device>");
    office_run(o, 50);
    c->answer_with = 0;
    for (unsigned i = 0; i < 8; i++) {
        struct record rec = {.key = o->device[0].key};
        cti_on_registration(o->cti, &rec, i % 2 == 0, o->net.now_ms);
        office_run(o, 50);
    }
    c->answer_with = 200;
    if (c->leg != NULL && c->open > 0) {
        client_answer(c, 200);
    }
    office_run(o, 50);
    o->crm_scopes[0].pattern = STR("1003");
    cti_roster_changed(o->cti, o->net.now_ms);
    office_run(o, 2000);
}

static void test_system_without_memory(void)
{
    bool whole = false;
    for (size_t fail_at = 1; !whole && fail_at < 2000; fail_at++) {
        struct office *o = office_up(&(struct cti_config){.max_unsent = 5}, TP_UDP);
        CHECK_INT(directory_add_application(&o->directory, &o->crm), 0);
        client_watch(&o->client[0], "crm", "1001 1003");
        size_t before = o->mem.calls;
        o->mem.fail_at = before + fail_at;
        story(o);
        whole = o->mem.calls < before + fail_at;
        o->mem.fail_at = 0;
        office_down(o);
    }
    CHECK(whole);
}

TEST_MAIN(T(test_system_register), T(test_system_messages_lost),
          T(test_system_messages_lost_again), T(test_system_records_are_gone),
          T(test_system_messages_lost_unregistered), T(test_system_device_removed),
          T(test_system_rights_lost), T(test_system_application_removed),
          T(test_system_devices), T(test_system_devices_in_segments),
          T(test_system_capabilities), T(test_system_device_information),
          T(test_system_without_memory))
