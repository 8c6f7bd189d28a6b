/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors: references, limits, several on one device, spelling, editions, greeting. */
#include "fixture_cti.h"

#include <stdio.h>
static struct office *up(const struct cti_config *config)
{
    struct office *o = office_up(config, TP_UDP);
    for (unsigned i = 0; i < PHONES; i++) {
        office_register(o, i, false, 3600);
    }
    return o;
}

static void watch_more(struct client *c, const char *edition, const char *device)
{
    char inside[256];
    (void)snprintf(inside, sizeof(inside),
                   "<monitorObject><deviceObject>%s</deviceObject></monitorObject>", device);
    client_ask_in(c, edition, "MonitorStart", inside);
    office_run(c->office, 50);
}

static void talk(struct office *o)
{
    phone_call(o, &o->phone[0], "1002", NULL);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
}

static void test_monitor_references(void)
{
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    watch_more(c, "ed3", "1001");
    CHECK_STR(client_value(c, "MonitorStartResponse", "monitorCrossRefID"), "1");
    CHECK_STR(client_value(c, "MonitorStartResponse", "monitorExistingCalls"), "true");
    watch_more(c, "ed3", "1001"); /* the same device once more */
    CHECK_STR(client_value(c, "MonitorStartResponse", "monitorCrossRefID"), "2");
    client_ask(c, "MonitorStop", "<monitorCrossRefID>1</monitorCrossRefID>");
    watch_more(c, "ed3", "1001"); /* a reference is never used again */
    CHECK_STR(client_value(c, "MonitorStartResponse", "monitorCrossRefID"), "3");
    CHECK_INT(office_stats(o).monitors, 2);
    client_open(&o->client[1], "desk", STATUS_REQUEST);
    watch_more(&o->client[1], "ed3", "1001"); /* and belongs to its session */
    CHECK_STR(client_value(&o->client[1], "MonitorStartResponse", "monitorCrossRefID"), "1");
    client_ask(c, "MonitorStop", "<monitorCrossRefID>1</monitorCrossRefID>");
    CHECK(strstr(c->log, "X:operation/invalidMonitorCrossRefID") != NULL);
    office_down(o);
}

static void test_monitor_stop_stops(void)
{
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001 1002");
    client_ask(c, "MonitorStop", "<monitorCrossRefID>1</monitorCrossRefID>");
    CHECK(o->device[0].cti == NULL);
    talk(o);
    CHECK_STR(str_c(c->log), "A:MonitorStopResponse E:Established[connected]");
    CHECK_STR(client_value(c, "Established", "monitorCrossRefID"), "2");
    office_down(o);
}

static void test_monitor_twice_on_one_device(void)
{
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1002 1002");
    client_watch(&o->client[1], "crm", "1002");
    talk(o);
    CHECK_STR(str_c(c->log), "E:Established[connected] E:Established[connected]");
    CHECK_STR(str_c(o->client[1].log), "E:Established[connected]");
    if (CHECK_INT(c->texts, 2)) {
        CHECK(strstr(c->text[0], "<monitorCrossRefID>1<") != NULL);
        CHECK(strstr(c->text[1], "<monitorCrossRefID>2<") != NULL);
    }
    CHECK_INT(office_stats(o).events_recorded, 1); /* kept once */
    CHECK_INT(office_stats(o).events_sent, 3);
    office_down(o);
}

static void test_monitor_events_of_several_devices_in_order(void)
{
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1003 1002 1001");
    phone_call(o, &o->phone[0], "1002", NULL);
    CHECK_INT(station_respond(&o->phone[1], 180, STR_NONE), 0);
    office_run(o, 50);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
    CHECK_STR(str_c(c->log),
              "E:Originated[connected] E:Delivered[connected] E:Delivered[alerting] "
              "E:Established[connected] E:Established[connected]");
    office_down(o);
}

static void test_monitor_existing_call(void)
{
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    talk(o);
    client_watch(c, "crm", "1002");
    leg_end(o->phone[0].leg, 0, NULL, NULL, NULL, o->net.now_ms);
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "E:ConnectionCleared[null]");
    office_down(o);
}

static void test_monitor_limits(void)
{
    static const struct cti_config total = {.max_monitors = 2};
    static const struct cti_config session = {.max_session_monitors = 2};
    static const struct cti_config none = {0};
    const struct cti_config *configs[] = {&total, &session, &none};
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        struct office *o = up(configs[i]);
        struct client *c = &o->client[0];
        o->crm.max_monitors = i == 2 ? 2 : 0;
        client_watch(c, "crm", "1001 1002");
        watch_more(c, "ed3", "1003");
        CHECK_STR(str_c(c->log), "X:systemResourceAvailibility/overallMonitorLimitExceeded");
        CHECK(strstr(c->warning, "as many monitors as it may have") != NULL);
        client_open(&o->client[1], i == 1 ? "crm" : "desk", STATUS_REQUEST);
        watch_more(&o->client[1], "ed3", "1001");
        /* an application's limit is not another's, nor a session's */
        CHECK((strstr(o->client[1].log, "A:MonitorStartResponse") != NULL) == (i != 0));
        client_ask(c, "MonitorStop", "<monitorCrossRefID>1</monitorCrossRefID>");
        client_clear(c);
        watch_more(c, "ed3", "1003");
        CHECK_STR(str_c(c->log), "A:MonitorStartResponse");
        office_down(o);
    }
}

static void test_monitor_application_limit_counts_sessions(void)
{
    struct office *o = up(NULL);
    o->crm.max_monitors = 1;
    client_watch(&o->client[0], "crm", "1001");
    client_watch(&o->client[1], "crm", "1002");
    CHECK_INT(office_stats(o).monitors, 1);
    client_bye(&o->client[0]);
    watch_more(&o->client[1], "ed3", "1002");
    CHECK_INT(office_stats(o).monitors, 1);
    office_down(o);
}

static void test_monitor_greeting(void)
{
    struct office *o = up(&(struct cti_config){.back_in_service_on_monitor = true});
    struct client *c = &o->client[0];
    office_register(o, 2, false, 0);
    client_open(c, "crm", STATUS_REQUEST);
    client_clear(c);
    watch_more(c, "ed3", "tel:1001");
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse E:BackInService");
    CHECK_STR(client_value(c, "BackInService", "device"),
              "<deviceIdentifier>tel:1001</deviceIdentifier>");
    CHECK_STR(client_value(c, "BackInService", "cause"), "normal");
    client_clear(c);
    watch_more(c, "ed3", "1003"); /* not registered: accepted, and told when it is */
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse");
    office_register(o, 2, false, 3600);
    office_run(o, 50);
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse E:BackInService");
    client_open(&o->client[1], "crm", STATUS_REQUEST);
    client_clear(c);
    watch_more(&o->client[1], "ed3", "1001"); /* others are not greeted again */
    CHECK_STR(str_c(c->log), "");
    office_down(o);
}

static void test_monitor_editions(void)
{
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    watch_more(c, "ed3", "1002");
    watch_more(c, "ed6", "1002");
    watch_more(c, "ed5", "1002");
    client_clear(c);
    talk(o);
    if (CHECK_INT(c->texts, 3)) {
        CHECK(strstr(c->text[0], CSTA_NS("ed3")) != NULL);
        CHECK(strstr(c->text[1], CSTA_NS("ed6")) != NULL);
        CHECK(strstr(c->text[2], CSTA_NS("ed5")) != NULL);
    }
    office_down(o);
}

static void test_monitor_edition_6_adds_its_elements(void)
{
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    watch_more(c, "ed3", "1001");
    watch_more(c, "ed6", "1001");
    client_clear(c);
    client_ask(c, "MakeCall",
               "<callingDevice>1001</callingDevice>"
               "<calledDirectoryNumber>1002</calledDirectoryNumber>");
    CHECK(strstr(client_text(c, "ed6\""), "<calledDevice>") != NULL);
    CHECK(strstr(client_text(c, "ServiceInitiatedEvent xmlns=\"" CSTA_NS("ed3")),
                 "<calledDevice>") == NULL);
    office_down(o);
}

/* A client that compares what it gets with what it wrote, octet by octet. */
static void test_monitor_spelling(void)
{
    static const char *const spellings[] = {"1002",
                                            "tel:1002",
                                            "sip:1002@example.com",
                                            "&lt;sip:1002@example.com&gt;",
                                            "SIP:1002@EXAMPLE.com",
                                            "tel:1002;phone-context=example.com"};
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        struct office *o = up(NULL);
        struct client *c = &o->client[0];
        char want[128];
        test_context(spellings[i]);
        client_watch(c, "crm", spellings[i]);
        client_watch(&o->client[1], "crm", "sip:1002@example.com");
        talk(o);
        CHECK_STR(str_c(c->log), "E:Established[connected]");
        CHECK_STR(client_value(c, "Established", "deviceID"), spellings[i]);
        (void)snprintf(want, sizeof(want), "<deviceIdentifier>%s</deviceIdentifier>",
                       spellings[i]);
        CHECK_STR(client_value(c, "Established", "answeringDevice"), want);
        CHECK_STR(client_value(c, "Established", "calledDevice"), want);
        CHECK_STR(client_value(c, "Established", "callingDevice"),
                  "<deviceIdentifier>sip:1001@example.com</deviceIdentifier>");
        /* another session has its own */
        CHECK_STR(client_value(&o->client[1], "Established", "deviceID"),
                  "sip:1002@example.com");
        office_down(o);
    }
    test_context(NULL);
}

static void test_monitor_spelling_is_each_monitors_own(void)
{
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1002 tel:1002 sip:1002@example.com");
    talk(o);
    CHECK_STR(client_value(c, "<monitorCrossRefID>1<", "deviceID"), "1002");
    CHECK_STR(client_value(c, "<monitorCrossRefID>2<", "deviceID"), "tel:1002");
    office_down(o);
}

static void test_monitor_spelling_of_other_devices(void)
{
    struct office *o = up(NULL);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001 tel:1002");
    talk(o);
    const char *text = client_text(c, "<monitorCrossRefID>1<");
    CHECK(strstr(text, "<deviceID>tel:1002</deviceID>") != NULL);
    CHECK(strstr(text, "<callingDevice><deviceIdentifier>1001<") != NULL);
    client_clear(c);
    client_ask(c, "SnapshotDevice", "<snapshotObject>sip:1001@example.com</snapshotObject>");
    CHECK_STR(client_value(c, "Snapshot", "endpointDevice"),
              "<deviceIdentifier>tel:1002</deviceIdentifier>");
    CHECK_STR(client_value(c, "Snapshot", "deviceID"), "sip:1001@example.com");
    client_ask(c, "MonitorStop", "<monitorCrossRefID>2</monitorCrossRefID>");
    client_ask(c, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    CHECK_STR(client_value(c, "Snapshot", "endpointDevice"),
              "<deviceIdentifier>sip:1002@example.com</deviceIdentifier>");
    office_down(o);
}

TEST_MAIN(T(test_monitor_references), T(test_monitor_stop_stops),
          T(test_monitor_twice_on_one_device),
          T(test_monitor_events_of_several_devices_in_order), T(test_monitor_existing_call),
          T(test_monitor_limits), T(test_monitor_application_limit_counts_sessions),
          T(test_monitor_greeting), T(test_monitor_editions),
          T(test_monitor_edition_6_adds_its_elements), T(test_monitor_spelling),
          T(test_monitor_spelling_is_each_monitors_own),
          T(test_monitor_spelling_of_other_devices))
