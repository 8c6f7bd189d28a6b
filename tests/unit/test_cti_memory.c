/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of the switch fails once, and all from some point on: in the opening of a
 * session, in each service, while events are recorded and sent. Whatever happens then, no
 * request is answered twice, the sessions and calls that are left can be ended, and nothing
 * leaks.
 */
#include "fixture_cti.h"

#include <stdio.h>
/** One story; the memory fails somewhere in it. */
static void story(struct office *o)
{
    struct client *c = &o->client[0];
    client_open_typed(c, "crm", "multipart/mixed;boundary=x",
                      "--x\r\nContent-Type: application/sdp\r\n\r\n"
                      "v=0\r\no=- 1 1 IN IP4 h\r\nm=audio 5 RTP/AVP 0\r\n\r\n"
                      "--x\r\nContent-Type: application/csta+xml\r\n\r\n" STATUS_REQUEST
                      "\r\n--x--");
    if (c->leg == NULL || c->leg->state != LEG_CONFIRMED) {
        return;
    }
    client_ask(c, "MonitorStart",
               "<monitorObject><deviceObject>tel:1001</deviceObject></monitorObject>");
    if (c->leg != NULL) {
        client_ask(c, "MakeCall",
                   "<callingDevice>1001</callingDevice>"
                   "<calledDirectoryNumber>1002</calledDirectoryNumber>"
                   "<correlatorData><string>AB</string></correlatorData>"
                   "<userData><string>00AB</string></userData>");
    }
    if (o->phone[0].leg != NULL && o->phone[0].leg->state == LEG_INCOMING) {
        (void)station_respond(&o->phone[0], 200, SDP_A);
        office_run(o, 50);
    }
    if (o->phone[1].leg != NULL && o->phone[1].leg->state == LEG_INCOMING) {
        (void)station_respond(&o->phone[1], 200, SDP_B);
        office_run(o, 200);
    }
    if (c->leg != NULL) {
        client_ask(c, "HoldCall", "<callToBeHeld><deviceID>1001</deviceID></callToBeHeld>");
        office_run(o, 100);
    }
    if (c->leg != NULL) {
        client_ask(c, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    }
    if (c->leg != NULL) {
        client_ask(c, "GetCSTAFeatures", "");
    }
    if (c->leg != NULL) {
        client_ask(c, "ClearConnection",
                   "<connectionToBeCleared><deviceID>1001</deviceID></connectionToBeCleared>"
                   "<correlatorData><string>CD</string></correlatorData>");
    }
    if (c->leg != NULL) {
        client_ask(c, "MonitorStop", "<monitorCrossRefID>1</monitorCrossRefID>");
    }
}

/** @return true when no allocation was reached that fails */
static bool told_with_failure(size_t fail_at, bool fail_on)
{
    static const struct cti_config config = {.back_in_service_on_monitor = true,
                                             .journal_records = 8};
    struct office *o = office_up(&config, TP_UDP);
    office_register(o, 0, false, 3600);
    office_register(o, 1, false, 3600);
    size_t before = o->mem.calls;
    o->mem.fail_at = before + fail_at;
    o->mem.fail_on = fail_on;
    story(o);
    bool whole = o->mem.calls < before + fail_at;
    o->mem.fail_at = 0;
    o->mem.fail_on = false;
    office_run(o, 1000); /* what had to wait goes out */
    struct cti_stats s = office_stats(o);
    CHECK(s.answered <= s.requests);
    list_each(it, &o->cti->sessions)
    {
        CHECK(list_entry(it, struct cti_session, link)->leg->state != LEG_INCOMING);
    }
    if (whole) {
        CHECK_STR(str_c(o->client[0].log),
                  "A:RequestSystemStatusResponse A:MonitorStartResponse E:BackInService "
                  "A:MakeCallResponse E:ServiceInitiated[initiated] E:Originated[connected] "
                  "E:Established[connected] A:HoldCallResponse E:Held[hold] "
                  "A:SnapshotDeviceResponse A:GetCSTAFeaturesResponse "
                  "A:ClearConnectionResponse E:ConnectionCleared[null] A:MonitorStopResponse");
    }
    office_down(o);
    return whole;
}

static void sweep(bool fail_on)
{
    char context[64];
    size_t n = 1;
    for (; n < 2000; n++) {
        (void)snprintf(context, sizeof(context), "allocation %zu%s", n,
                       fail_on ? " and on" : "");
        test_context(context);
        if (told_with_failure(n, fail_on)) {
            break;
        }
    }
    test_context(NULL);
    CHECK(n > 20 && n < 2000);
}

static void test_memory_one_fails(void)
{
    sweep(false);
}

static void test_memory_all_fail_from_here(void)
{
    sweep(true);
}

static void test_memory_event_waits(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    client_watch(&o->client[0], "crm", "1001");
    office_register(o, 0, false, 3600); /* recorded */
    office_run(o, 100);
    office_register(o, 0, false, 0);
    office_run(o, 100);
    CHECK_STR(str_c(o->client[0].log), "E:BackInService E:OutOfService");
    client_clear(&o->client[0]);
    /* no pool may be warm enough for this one */
    struct cti_session *s = list_entry(o->cti->sessions.next, struct cti_session, link);
    struct arena empty;
    struct test_mem none;
    test_mem_init(&none);
    none.fail_at = 1;
    none.fail_on = true;
    arena_init(&empty, &none.mem, 64);
    o->cti->scratch = &empty;
    office_register(o, 0, false, 3600);
    office_run(o, 500);
    CHECK_STR(str_c(o->client[0].log), "");
    CHECK_INT(s->unsent, 1);
    o->cti->scratch = &o->arena;
    office_run(o, 1000);
    CHECK_STR(str_c(o->client[0].log), "E:BackInService");
    arena_fini(&empty);
    office_down(o);
}

TEST_MAIN(T(test_memory_one_fails), T(test_memory_all_fail_from_here),
          T(test_memory_event_waits))
