/* SPDX-License-Identifier: Apache-2.0 */
/* Filters, monitors of calls, SnapshotCall, and monitors that the server ends. */
#include "fixture_cti.h"

#include <stdio.h>

static struct office *up(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    for (unsigned i = 0; i < PHONES; i++) {
        office_register(o, i, false, 3600);
    }
    return o;
}

static void come_and_go(struct office *o, unsigned i, bool come)
{
    office_register(o, i, false, come ? 3600 : 0);
    office_run(o, 50);
}

static void ring(struct office *o)
{
    phone_call(o, &o->phone[0], "1002", NULL);
    CHECK_INT(station_respond(&o->phone[1], 180, STR_NONE), 0);
    office_run(o, 100);
}

static void talk(struct office *o)
{
    ring(o);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
}

static void hang_up(struct office *o)
{
    leg_end(o->phone[0].leg, 0, NULL, NULL, NULL, o->net.now_ms);
    office_run(o, 100);
}

static void watch_with(struct client *c, const char *device, const char *filter)
{
    client_ask_fmt(c, "MonitorStart",
                   "<monitorObject><deviceObject>%s</deviceObject></monitorObject>"
                   "<requestedMonitorFilter>%s</requestedMonitorFilter>",
                   device, filter);
}

static void change(struct client *c, unsigned ref, const char *filter)
{
    client_ask_fmt(c, "ChangeMonitorFilter",
                   "<monitorCrossRefID>%u</monitorCrossRefID>"
                   "<requestedFilterList>%s</requestedFilterList>",
                   ref, filter);
}

/** callID of the one call that there is. */
static const char *the_call(const struct office *o)
{
    return list_entry(o->calls.calls.next, struct call, link)->id;
}

/* ---- filters ---- */

static void test_watch_filter_keeps_back(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    watch_with(c, "1001",
               "<callcontrol><delivered>true</delivered><originated>false"
               "</originated></callcontrol><maintenance><outOfService>1"
               "</outOfService></maintenance>");
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse");
    CHECK_STR(client_value(c, "MonitorStart", "actualMonitorFilter"),
              "<callcontrol><delivered>true</delivered><originated>false</originated>"
              "</callcontrol><maintenance><outOfService>true</outOfService></maintenance>");
    client_clear(c);
    talk(o);
    hang_up(o);
    come_and_go(o, 0, false);
    come_and_go(o, 0, true);
    CHECK_STR(str_c(c->log), "E:Originated[connected] E:Established[connected] "
                             "E:ConnectionCleared[null] E:BackInService");
    CHECK_INT(office_stats(o).gaps, 0);
    office_down(o);
}

/** One element at a time: that event is not told, and all others are. */
static void test_watch_filter_each_event(void)
{
    static const struct {
        const char *category, *element, *event;
    } rows[] = {
        {"callcontrol", "originated", "E:Originated[connected]"},
        {"callcontrol", "delivered", "E:Delivered[connected]"},
        {"callcontrol", "established", "E:Established[connected]"},
        {"callcontrol", "connectionCleared", "E:ConnectionCleared[null]"},
        {"maintenance", "outOfService", "E:OutOfService"},
        {"maintenance", "backInService", "E:BackInService"},
        {"voice", "stop", ""},
        {"private", "private", ""},
        {"logicalDeviceFeature", "doNotDisturb", ""},
        {"physicalDeviceFeature", "hookswitch", ""},
        {"callAssociated", "digitsGenerated", ""},
        {"mediaAttachment", "mediaAttached", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct office *o = up();
        struct client *c = &o->client[0];
        char filter[256];
        test_context(rows[i].element);
        client_open(c, "crm", STATUS_REQUEST);
        (void)snprintf(filter, sizeof(filter), "<%s><%s>true</%s></%s>", rows[i].category,
                       rows[i].element, rows[i].element, rows[i].category);
        watch_with(c, "1001", filter);
        client_clear(c);
        talk(o);
        hang_up(o);
        come_and_go(o, 0, false);
        come_and_go(o, 0, true);
        CHECK_INT(test_count(c->log, "E:"), rows[i].event[0] == '\0' ? 6 : 5);
        CHECK(rows[i].event[0] == '\0' || strstr(c->log, rows[i].event) == NULL);
        office_down(o);
    }
}

static void test_watch_filter_changes(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    ring(o);
    CHECK_STR(str_c(c->log), "E:Originated[connected] E:Delivered[connected]");
    change(c, 1, "<callcontrol><established>true</established></callcontrol>");
    CHECK_STR(str_c(c->log), "A:ChangeMonitorFilterResponse");
    CHECK_STR(client_value(c, "ChangeMonitorFilterResponse", "actualFilterList"),
              "<callcontrol><established>true</established></callcontrol>");
    client_clear(c);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "");
    change(c, 1, ""); /* what was kept back does not come later */
    CHECK_STR(str_c(c->log), "A:ChangeMonitorFilterResponse");
    client_clear(c);
    hang_up(o);
    CHECK_STR(str_c(c->log), "E:ConnectionCleared[null]");
    office_down(o);
}

/** The client is behind: what waits for its turn obeys the filter that came meanwhile. */
static void test_watch_filter_of_what_waits(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001 1002");
    c->answer_with = 0;
    talk(o);
    hang_up(o); /* the first one is open; seven wait */
    CHECK_STR(str_c(c->log), "E:Originated[connected]");
    change(c, 1, "<callcontrol><delivered>true</delivered></callcontrol>");
    change(c, 1, "<callcontrol><connectionCleared>true</connectionCleared></callcontrol>");
    change(c, 2,
           "<callcontrol><delivered>1</delivered><established>1</established>"
           "<connectionCleared>1</connectionCleared></callcontrol>");
    c->answer_with = 200;
    client_clear(c);
    client_answer(c, 200);
    office_run(o, 200);
    CHECK_STR(str_c(c->log), "E:Established[connected]");
    come_and_go(o, 1, false);
    CHECK_STR(str_c(c->log), "E:Established[connected] E:OutOfService");
    CHECK_INT(office_stats(o).gaps, 0);
    office_down(o);
}

/** Events that are kept back are not what a session is behind with, however many. */
static void test_watch_filter_leaves_no_gap(void)
{
    struct office *o =
        office_up(&(struct cti_config){.max_unsent = 3, .journal_records = 4}, TP_UDP);
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    watch_with(c, "1001",
               "<maintenance><outOfService>true</outOfService>"
               "<backInService>true</backInService></maintenance>");
    client_clear(c);
    for (unsigned i = 0; i < 10; i++) {
        come_and_go(o, 0, true);
        come_and_go(o, 0, false);
    }
    change(c, 1, "");
    come_and_go(o, 0, true);
    CHECK_STR(str_c(c->log), "A:ChangeMonitorFilterResponse E:BackInService");
    CHECK_INT(office_stats(o).gaps, 0);
    office_down(o);
}

static void test_watch_filter_and_greeting(void)
{
    struct office *o =
        office_up(&(struct cti_config){.back_in_service_on_monitor = true}, TP_UDP);
    struct client *c = &o->client[0];
    office_register(o, 0, false, 3600);
    client_open(c, "crm", STATUS_REQUEST);
    watch_with(c, "1001", "<maintenance><backInService>true</backInService></maintenance>");
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse");
    watch_with(c, "1001", "");
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse E:BackInService");
    office_down(o);
}

static void test_watch_filter_refused(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    change(c, 2, "");
    CHECK_STR(str_c(c->log), "X:operation/invalidMonitorCrossRefID");
    client_ask_fmt(c, "ChangeMonitorFilter", "<monitorCrossRefID>1</monitorCrossRefID>");
    CHECK_STR(str_c(c->log), "X:operation/invalidMonitorFilter");
    change(c, 1, "<callcontrol><delivered>perhaps</delivered></callcontrol>");
    CHECK_INT(test_count(c->log, "X:operation/"), 1);
    client_clear(c);
    ring(o); /* nothing has changed */
    CHECK_STR(str_c(c->log), "E:Originated[connected] E:Delivered[connected]");
    office_down(o);
}

/* ---- calls ---- */

static void watch_call(struct client *c, const char *call, const char *more)
{
    client_ask_fmt(
        c, "MonitorStart",
        "<monitorObject><callObject><callID>%s</callID></callObject></monitorObject>%s", call,
        more);
}

static void test_watch_call(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    ring(o);
    watch_call(c, the_call(o), "<monitorType>call</monitorType>");
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse");
    client_clear(c);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
    client_ask_fmt(c, "HoldCall", "<callToBeHeld><deviceID>1001</deviceID></callToBeHeld>");
    office_run(o, 200);
    hang_up(o);
    CHECK_STR(str_c(c->log), "A:HoldCallResponse E:Held E:ConnectionCleared "
                             "E:ConnectionCleared E:CallCleared");
    CHECK_STR(client_value(c, "CallCleared", "monitorCrossRefID"), "1");
    CHECK_INT(office_stats(o).monitors, 0);
    client_ask_fmt(c, "MonitorStop", "<monitorCrossRefID>1</monitorCrossRefID>");
    CHECK_STR(str_c(c->log), "X:operation/invalidMonitorCrossRefID");
    office_down(o);
}

static void test_watch_call_with_its_filter(void)
{
    struct office *o = up();
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    ring(o);
    watch_call(c, the_call(o),
               "<requestedMonitorFilter><callcontrol><callCleared>true</callCleared>"
               "<connectionCleared>true</connectionCleared></callcontrol>"
               "</requestedMonitorFilter>");
    client_clear(c);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
    hang_up(o);
    CHECK_STR(str_c(c->log), "E:Established");
    CHECK_INT(office_stats(o).monitors, 0);
    office_down(o);
}

/** Two sessions, one of them twice; one stops, one leaves, the last is told to the end. */
static void test_watch_call_by_several(void)
{
    struct office *o = up();
    struct client *c = &o->client[0], *d = &o->client[1];
    client_open(c, "crm", STATUS_REQUEST);
    client_open(d, "desk", STATUS_REQUEST);
    ring(o);
    watch_call(c, the_call(o), "");
    watch_call(c, the_call(o), "");
    watch_call(d, the_call(o), "");
    CHECK_INT(office_stats(o).monitors, 3);
    client_clear(d);
    client_ask_fmt(c, "MonitorStop", "<monitorCrossRefID>1</monitorCrossRefID>");
    CHECK_STR(str_c(c->log), "A:MonitorStopResponse");
    client_bye(c);
    office_run(o, 100);
    CHECK_INT(office_stats(o).monitors, 1);
    hang_up(o);
    CHECK_INT(test_count(d->log, "E:ConnectionCleared"), 1); /* of its own device */
    CHECK(str_ends(str_c(d->log), STR(" E:CallCleared")));
    CHECK_INT(office_stats(o).monitors, 0);
    office_down(o);
}

/** "desk" has 1001 only: of others it hears what 1001 hears. */
static void test_watch_call_of_others(void)
{
    struct office *o = up();
    struct client *d = &o->client[1];
    client_open(d, "desk", STATUS_REQUEST);
    phone_call(o, &o->phone[1], "1003", NULL);
    CHECK_INT(station_respond(&o->phone[2], 200, SDP_B), 0);
    office_run(o, 100);
    watch_call(d, the_call(o), "");
    CHECK_STR(str_c(d->log), "X:operation/privilegeViolationSpecifiedDevice");
    client_ask_fmt(d, "SnapshotCall", "<snapshotObject><callID>%s</callID></snapshotObject>",
                   the_call(o));
    CHECK_STR(str_c(d->log), "X:operation/privilegeViolationSpecifiedDevice");
    leg_end(o->phone[1].leg, 0, NULL, NULL, NULL, o->net.now_ms);
    office_run(o, 40000);
    ring(o);
    watch_call(d, the_call(o), "");
    client_clear(d);
    CHECK_INT(station_respond(&o->phone[1], 200, SDP_B), 0);
    office_run(o, 100);
    hang_up(o); /* that 1002 is cleared no device of desk's hears */
    CHECK_STR(str_c(d->log), "E:Established E:ConnectionCleared E:CallCleared");
    office_down(o);
}

static void test_watch_call_refused(void)
{
    static const struct {
        const char *object, *error;
    } rows[] = {
        {"<callObject><callID>nope</callID></callObject>", "X:operation/invalidConnectionID"},
        {"<callObject><deviceID>1003</deviceID></callObject>", "X:"},
        {"<callObject><deviceID>77</deviceID></callObject>", "X:operation/invalidDeviceID"},
        {"<callObject/>", "X:operation/"},
    };
    struct office *o = up();
    struct client *c = &o->client[0];
    client_open(c, "crm", STATUS_REQUEST);
    talk(o);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        client_ask_fmt(c, "MonitorStart", "<monitorObject>%s</monitorObject>", rows[i].object);
        CHECK(str_starts(str_c(c->log), str_c(rows[i].error)));
    }
    watch_call(c, the_call(o), "<monitorType>device</monitorType>");
    CHECK_STR(str_c(c->log), "X:operation/monitorTypeNotSupported");
    client_ask_fmt(c, "MonitorStart",
                   "<monitorObject><deviceObject>1001</deviceObject></monitorObject>"
                   "<monitorType>call</monitorType>");
    CHECK_STR(str_c(c->log), "X:operation/monitorTypeNotSupported");
    CHECK_INT(office_stats(o).monitors, 0);
    client_ask_fmt(
        c, "MonitorStart",
        "<monitorObject><callObject><deviceID>1001</deviceID></callObject></monitorObject>");
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse"); /* the only call of that device */
    office_down(o);
}

static void test_watch_snapshot_of_a_call(void)
{
    struct office *o = up();
    struct client *d = &o->client[1];
    client_open(d, "desk", STATUS_REQUEST);
    talk(o);
    client_ask_fmt(d, "SnapshotCall", "<snapshotObject><callID>%s</callID></snapshotObject>",
                   the_call(o));
    CHECK_STR(str_c(d->log), "E:SnapshotCallResponse[connected]"); /* of a party */
    const char *text = client_text(d, "SnapshotCallResponse");
    CHECK_INT(test_count(text, "<snapshotCallResponseInfo>"), 2);
    CHECK_INT(test_count(text, "<localConnectionInfo>connected</localConnectionInfo>"), 2);
    CHECK_INT(test_count(text, "<servicesPermitted>"), 1); /* only 1001 is its own */
    CHECK_STR(client_value(d, "SnapshotCall", "callingDevice"),
              "<deviceIdentifier>sip:1001@example.com</deviceIdentifier>");
    CHECK_STR(client_value(d, "SnapshotCall", "calledDevice"),
              "<deviceIdentifier>sip:1002@example.com</deviceIdentifier>");
    client_ask_fmt(d, "SnapshotCall", "<snapshotObject><callID>x</callID></snapshotObject>");
    CHECK_STR(str_c(d->log), "X:operation/invalidConnectionID");
    hang_up(o);
    office_run(o, 40000);
    client_ask_fmt(d, "SnapshotCall",
                   "<snapshotObject><deviceID>1001</deviceID></snapshotObject>");
    CHECK(str_starts(str_c(d->log), STR("X:")));
    office_down(o);
}

/** Every allocation fails once while calls are watched and filters change. */
static void test_watch_without_memory(void)
{
    bool whole = false;
    for (size_t fail_at = 1; !whole && fail_at < 500; fail_at++) {
        struct office *o = up();
        struct client *c = &o->client[0];
        client_watch(c, "crm", "1001");
        ring(o);
        size_t before = o->mem.calls;
        o->mem.fail_at = before + fail_at;
        watch_call(c, the_call(o), "");
        if (c->leg != NULL) {
            change(c, 1, "<callcontrol><held>true</held></callcontrol>");
        }
        if (c->leg != NULL && !list_empty(&o->calls.calls)) {
            client_ask_fmt(c, "SnapshotCall",
                           "<snapshotObject><callID>%s</callID></snapshotObject>", the_call(o));
        }
        whole = o->mem.calls < before + fail_at;
        o->mem.fail_at = 0;
        office_down(o);
    }
    CHECK(whole);
}

TEST_MAIN(T(test_watch_filter_keeps_back), T(test_watch_filter_each_event),
          T(test_watch_filter_changes), T(test_watch_filter_of_what_waits),
          T(test_watch_filter_leaves_no_gap), T(test_watch_filter_and_greeting),
          T(test_watch_filter_refused), T(test_watch_call), T(test_watch_call_with_its_filter),
          T(test_watch_call_by_several), T(test_watch_call_of_others),
          T(test_watch_call_refused), T(test_watch_snapshot_of_a_call),
          T(test_watch_without_memory))
