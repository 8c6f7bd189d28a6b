/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ParkCall, event by event: a call that talks, one that is held, one of two; taken by
 * DirectedPickupCall and by calling the place; what is refused; the recall of who has parked
 * it, and the end of a parked call from either side.
 */
#include "service.h"

#include <stdio.h>

static struct service s;
static const char *a, *b, *c, *e;

#define CRM (&s.w.crm)
#define EVENTS(ref, text) CHECK_STR(str_c(app_events(CRM, ref)), text)

static uint32_t park_max;

static void configure(struct world *w)
{
    w->config.call.park_s = 60;
    w->config.call.park_max = park_max;
    w->config.call.auto_answer = true;
}

static void up(void)
{
    service_up_with_crm(&s, configure);
    a = world_monitor(&s.w, CRM, "1001");
    b = world_monitor(&s.w, CRM, "1002");
    c = world_monitor(&s.w, CRM, "1003");
    e = world_monitor(&s.w, CRM, "1005");
    s.cleo->obeys_auto = true;
    phone_register(PHONE(&s.w, 4), 0);
    service_run(&s, 300);
    s.w.device[4].has_secret = false;        /* 1005 is a place, where no phone can be */
    REQUIRE(world_call(&s.w, s.ann, s.bob)); /* c1 */
    app_forget(CRM);
}

static void down(void)
{
    s.w.device[4].has_secret = true;
    for (size_t i = 0; i < s.w.phones; i++) {
        PHONE(&s.w, i)->refuse_offers = 0;
        PHONE(&s.w, i)->on_call = 180;
    }
    service_down_with_crm(&s);
    park_max = 0;
}

static struct ask *done(struct ask *q)
{
    return world_asked(&s.w, q, 700);
}

static struct ask *on(const char *service, const char *element, const char *call,
                      const char *device, const char *more)
{
    return done(app_on_connection(CRM, service, element, call, device, more));
}

static struct ask *park(const char *device, const char *to)
{
    char text[128];
    snprintf(text, sizeof(text), "<parkTo>%s</parkTo>", to);
    return on("ParkCall", "parking", "c1", device, text);
}

static void check_parties(struct phone *one, struct phone *two)
{
    CHECK_STR(str_c(phones_media(one, two)), "sendrecv|sendrecv");
}

/** bob leaves ann at 1005. */
static void parked(void)
{
    up();
    ANSWER(park("1002", "1005"), "ParkCallResponse c1:1005");
    EVENTS(b, "Diverted c1:1002 null park to=1005");
    EVENTS(e, "Queued c1:1005 queued park 0/1 1001>1002 last=1002");
    EVENTS(a, "Queued c1:1005 connected park 0/1 1001>1002 last=1002");
    CHECK(s.bob->s.leg == NULL && phone_talks(s.ann));
    CHECK(s.ann->media.remote_dir == SDP_INACTIVE ||
          strstr(s.ann->media.remote, "a=inactive") != NULL);
    app_forget(CRM);
}

static void test_taken_by_service(void)
{
    parked();
    ANSWER(done(app_ask(CRM, "SnapshotDevice", "<snapshotObject>1005</snapshotObject>")),
           "SnapshotDeviceResponse c1:1005 queued,connected with=1001");
    ANSWER(on("DirectedPickupCall", "callToBePickedUp", "c1", "1005",
              "<requestingDevice>1003</requestingDevice>"),
           "DirectedPickupCallResponse c1:1003");
    EVENTS(e, "Diverted c1:1005 null callPickup to=1003");
    EVENTS(a, "Established c1:1003 connected callPickup 1001>1002 last=1005");
    EVENTS(c, "Established c1:1003 connected callPickup 1001>1002 last=1005");
    check_parties(s.ann, s.cleo);
    service_run(&s, 70000); /* and nobody is called back */
    check_parties(s.ann, s.cleo);
    CHECK(s.bob->s.leg == NULL);
    down();
}

static void test_taken_by_calling(void)
{
    parked();
    REQUIRE(phone_call(s.cleo, "1005", true, STR_NONE) != NULL);
    service_run(&s, 700);
    EVENTS(e, "Diverted c1:1005 null callPickup to=1003");
    EVENTS(c, "Established c1:1003 connected callPickup 1001>1002 last=1005");
    check_parties(s.ann, s.cleo);
    /* the place is free again */
    REQUIRE(phone_call(s.dan, "1005", true, STR_NONE) != NULL);
    service_run(&s, 700);
    LADDER(&s, s.dan, ">INVITE <401 >ACK >INVITE <480 >ACK");
    down();
}

/** Who comes from a trunk that is not inside finds the place occupied, and the call stays. */
static void test_not_for_strangers(void)
{
    struct text_msg t;
    parked();
    s.w.peer[1].domain = PEER_OUTSIDE;
    world_raw_invite(&s.w, &s.w.trunk, "out", "1005", "", world_sdp);
    service_run(&s, 300);
    t = world_take(&s.w.trunk, "486 INVITE");
    text_free(&t);
    EVENTS(e, "");
    s.w.peer[1].domain = PEER_AS_TRUSTED;
    REQUIRE(phone_call(s.cleo, "1005", true, STR_NONE) != NULL);
    service_run(&s, 700);
    check_parties(s.ann, s.cleo);
    down();
}

/** A place where a phone can be rings when it is called. */
static void test_at_an_extension(void)
{
    up();
    ANSWER(park("1002", "1004"), "ParkCallResponse c1:1004");
    REQUIRE(phone_call(s.cleo, "1004", true, STR_NONE) != NULL);
    service_run(&s, 500);
    CHECK(s.dan->s.leg != NULL && s.dan->s.leg->state == LEG_EARLY);
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 500);
    s.dan->obeys_auto = true; /* the device itself can take it */
    ANSWER(on("DirectedPickupCall", "callToBePickedUp", "c1", "1004",
              "<requestingDevice>1004</requestingDevice>"),
           "DirectedPickupCallResponse c1:1004");
    check_parties(s.ann, s.dan);
    down();
}

/** The caller's own side parks who is called; and one that is held. */
static void test_by_the_caller(void)
{
    for (int held = 0; held < 2; held++) {
        up();
        if (held == 1) {
            ANSWER(on("HoldCall", "callToBeHeld", "c1", "1001", ""), "HoldCallResponse");
        }
        app_forget(CRM);
        ANSWER(park("1001", "1005"), "ParkCallResponse c1:1005");
        EVENTS(a, "Diverted c1:1001 null park to=1005");
        EVENTS(b, "Queued c1:1005 connected park 0/1 1002>1005 last=1001");
        CHECK(s.ann->s.leg == NULL);
        REQUIRE(phone_call(s.cleo, "1005", true, STR_NONE) != NULL);
        service_run(&s, 700);
        check_parties(s.bob, s.cleo);
        down();
    }
}

/** One of two calls over one leg: the other one is as it was. */
static void test_one_of_two(void)
{
    up();
    ANSWER(on("ConsultationCall", "existingCall", "c1", "1001",
              "<consultedDevice>1003</consultedDevice>"),
           "ConsultationCallResponse c2:1001");
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 300);
    app_forget(CRM);
    ANSWER(park("1001", "1005"), "ParkCallResponse c1:1005");
    EVENTS(a, "Diverted c1:1001 null park to=1005");
    check_parties(s.ann, s.cleo);
    REQUIRE(phone_call(s.dan, "1005", true, STR_NONE) != NULL);
    service_run(&s, 700);
    check_parties(s.bob, s.dan);
    check_parties(s.ann, s.cleo);
    down();
}

/** Who is called back has left the call before: not every terminal event is the last one. */
static void down_after_recall(void)
{
    world_end(&s.w);
    CRM->notes = CRM->forgotten = 0;
    down();
}

static void test_recall(void)
{
    parked();
    service_run(&s, 60000);
    EVENTS(e, "Diverted c1:1005 null recall to=1002");
    EVENTS(b, "Delivered c1:1002 alerting recall 1001>1002 last=1005");
    EVENTS(a, "Delivered c1:1002 connected recall 1001>1002 last=1005");
    app_forget(CRM);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 700);
    EVENTS(b, "Established c1:1002 connected recall 1001>1002 last=1005");
    check_parties(s.ann, s.bob);
    down_after_recall();
}

/** Nobody is there any more: the end, which is told to who waits. */
static void test_recall_in_vain(void)
{
    parked();
    s.bob->on_call = 486;
    service_run(&s, 61000);
    EVENTS(a, "Failed c1:1002 connected busy; Cleared c1:1001 null busy by=1001");
    CHECK(s.ann->s.leg == NULL);
    down_after_recall();
}

static void test_ends(void)
{
    parked();
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 500);
    EVENTS(e, "Cleared c1:1005 null normalClearing by=1001");
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1001");
    down();
    parked();
    ANSWER(on("ClearConnection", "connectionToBeCleared", "c1", "1005", ""),
           "ClearConnectionResponse");
    EVENTS(e, "Cleared c1:1005 null normalClearing by=1005");
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1005");
    CHECK(s.ann->s.leg == NULL);
    down();
}

/** What the parked party does by itself is answered. */
static void test_party_offers(void)
{
    parked();
    CHECK_INT(phone_offer(s.ann, SDP_SENDONLY), 0);
    service_run(&s, 500);
    EVENTS(a, "Held c1:1001 hold normal");
    CHECK_INT(phone_offer(s.ann, SDP_SENDRECV), 0);
    service_run(&s, 500);
    REQUIRE(phone_call(s.cleo, "1005", true, STR_NONE) != NULL);
    service_run(&s, 700);
    check_parties(s.ann, s.cleo);
    down();
}

static void test_refused(void)
{
    up();
    ANSWER(park("1002", "1777"), "operation/invalidParkToDeviceID");
    ANSWER(park("1002", "1001"), "operation/invalidParkToDeviceID");
    ANSWER(park("1002", "9123"), "operation/invalidParkToDeviceID");
    s.ann->refuse_offers = 488;
    ANSWER(park("1002", "1005"), "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    s.ann->refuse_offers = 0;
    ANSWER(park("1002", "1005"), "ParkCallResponse c1:1005");
    ANSWER(on("ParkCall", "parking", "c1", "1005", "<parkTo>1004</parkTo>"),
           "stateIncompatibility/noActiveCall");
    ANSWER(on("HoldCall", "callToBeHeld", "c1", "1001", ""),
           "stateIncompatibility/noActiveCall");
    ANSWER(park("1001", "1004"), "stateIncompatibility/noActiveCall");
    REQUIRE(phone_call(s.dan, "1003", true, STR_NONE) != NULL);
    service_run(&s, 300);
    s.cleo->obeys_auto = false;
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 300);
    ANSWER(on("ParkCall", "parking", "c2", "1003", "<parkTo>1005</parkTo>"),
           "stateIncompatibility/invalidParkToDeviceState");
    down();
}

static void test_no_room(void)
{
    park_max = 1;
    parked();
    REQUIRE(phone_call(s.dan, "1003", true, STR_NONE) != NULL);
    service_run(&s, 300);
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 300);
    ANSWER(on("ParkCall", "parking", "c2", "1003", "<parkTo>1002</parkTo>"),
           "systemResourceAvailibility/internalResourceBusy");
    check_parties(s.dan, s.cleo);
    down();
}

/** Ringing, there is nobody to leave; and two at a time. */
static void test_states(void)
{
    up();
    CRM->parallel = true;
    struct ask *q =
        app_on_connection(CRM, "ParkCall", "parking", "c1", "1002", "<parkTo>1005</parkTo>");
    struct ask *p =
        app_on_connection(CRM, "ParkCall", "parking", "c1", "1001", "<parkTo>1005</parkTo>");
    service_run(&s, 700);
    ANSWER(q, "ParkCallResponse c1:1005");
    ANSWER(p, "systemResourceAvailibility/resourceBusy");
    CRM->parallel = false;
    s.cleo->obeys_auto = false;
    REQUIRE(phone_call(s.dan, "1003", true, STR_NONE) != NULL);
    service_run(&s, 300);
    ANSWER(on("ParkCall", "parking", "c2", "1003", "<parkTo>1004</parkTo>"),
           "stateIncompatibility/noActiveCall");
    down();
}

/** The party hangs up while it is being parked. */
static void test_party_leaves(void)
{
    up();
    s.ann->idle = true;
    struct ask *q =
        app_on_connection(CRM, "ParkCall", "parking", "c1", "1002", "<parkTo>1005</parkTo>");
    service_run(&s, 300);
    CHECK_INT(q->answers, 0);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 500);
    ANSWER(q, "stateIncompatibility/invalidConnectionState");
    EVENTS(e, "");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1001");
    s.ann->idle = false;
    down();
}

TEST_MAIN(T(test_taken_by_service), T(test_taken_by_calling), T(test_not_for_strangers),
          T(test_at_an_extension), T(test_by_the_caller), T(test_one_of_two), T(test_recall),
          T(test_recall_in_vain), T(test_ends), T(test_party_offers), T(test_refused),
          T(test_no_room), T(test_states), T(test_party_leaves))
