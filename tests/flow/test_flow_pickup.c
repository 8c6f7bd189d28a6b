/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DirectedPickupCall and GroupPickupCall, event by event: a call that rings, one that is only
 * offered, one that Baton has made, one whose caller has made no offer, one that waits, one
 * that is held; by a phone that answers by itself and by one that rings; what is refused, and
 * what becomes of it when the other phone is quicker, or somebody hangs up on the way. And the
 * same with an INVITE with Replaces for a caller without an offer.
 */
#include "call/services.h"
#include "service.h"

#include <stdio.h>

static struct service s;
static const char *a, *b, *c, *d;
static struct call_group groups[2];
static const struct str sales[] = {STR_INIT("1002"), STR_INIT("1003")};
static const struct str all[] = {STR_INIT("10*")};

#define CRM (&s.w.crm)
#define EVENTS(ref, text) CHECK_STR(str_c(app_events(CRM, ref)), text)

static void configure(struct world *w)
{
    groups[0] = (struct call_group){
        .name = STR("sales"), .members = sales, .member_count = ARRAY_LEN(sales)};
    groups[1] =
        (struct call_group){.name = STR("all"), .members = all, .member_count = ARRAY_LEN(all)};
    w->config.call.groups = groups;
    w->config.call.group_count = ARRAY_LEN(groups);
    w->config.call.queue_s = 60;
    w->config.call.auto_answer = true;
}

static void up(void)
{
    service_up_with_crm(&s, configure);
    a = world_monitor(&s.w, CRM, "1001");
    b = world_monitor(&s.w, CRM, "1002");
    c = world_monitor(&s.w, CRM, "1003");
    d = world_monitor(&s.w, CRM, "1004");
    s.cleo->obeys_auto = true;
    app_forget(CRM);
}

static void down(void)
{
    for (size_t i = 0; i < s.w.phones; i++) {
        PHONE(&s.w, i)->refuse_offers = 0;
    }
    service_down_with_crm(&s);
}

static struct ask *done(struct ask *q)
{
    return world_asked(&s.w, q, 700);
}

#define UUI STR("User-to-User: 68656c6c6f;encoding=hex\r\n")

/** ann's call c1 rings at bob. */
static void ring(void)
{
    REQUIRE(phone_call(s.ann, "1002", true, UUI) != NULL);
    service_run(&s, 300);
}

static struct ask *ask(const char *by, const char *more)
{
    char text[256];
    snprintf(text, sizeof(text), "<requestingDevice>%s</requestingDevice>%s", by, more);
    return app_on_connection(CRM, "DirectedPickupCall", "callToBePickedUp", "c1", "1002", text);
}

static struct ask *group(const char *to, const char *name)
{
    return app_ask(CRM, "GroupPickupCall", "<newDestination>%s</newDestination>%s", to, name);
}

static void check_parties(struct phone *one, struct phone *two)
{
    CHECK_STR(str_c(phones_media(one, two)), "sendrecv|sendrecv");
}

/* ---- what can be picked up ---- */

static void test_ringing(void)
{
    up();
    ring();
    app_forget(CRM);
    ANSWER(done(ask("1003", "")), "DirectedPickupCallResponse c1:1003");
    EVENTS(a, "Established c1:1003 connected callPickup 1001>1002 last=1002 uui=hello");
    EVENTS(b, "Diverted c1:1002 null callPickup to=1003 uui=hello");
    EVENTS(c, "Established c1:1003 connected callPickup 1001>1002 last=1002 uui=hello");
    check_parties(s.ann, s.cleo);
    CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &s.bob->s.node, "CANCEL"), 1);
    CHECK_STR(service_to(&s, &s.cleo->s.node, "INVITE", 0, "User-to-User"),
              "68656c6c6f;encoding=hex");
    CHECK(wire_count(&s.w.wire, ENGINE(&s.w), &s.ann->s.node, "200 INVITE") == 1);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 300);
    CHECK(s.cleo->s.leg == NULL);
    down();
}

/** With data of its own, which the one who takes it gets. */
static void test_data(void)
{
    up();
    ring();
    app_forget(CRM);
    ANSWER(done(ask("1003", "<correlatorData><string>0a0b</string></correlatorData>"
                            "<userData><string>776F726C64</string></userData>")),
           "DirectedPickupCallResponse c1:1003");
    EVENTS(c, "Established c1:1003 connected callPickup 1001>1002 last=1002 uui=world "
              "corr=0a0b");
    down();
}

/** A phone that does not answer by itself rings; the call rings on where it was. */
static void test_prompted(void)
{
    up();
    s.cleo->obeys_auto = false;
    ring();
    app_forget(CRM);
    struct ask *q = ask("1003", "");
    service_run(&s, 3000);
    CHECK_INT(q->answers, 0);
    EVENTS(NULL, "");
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 500);
    ANSWER(q, "DirectedPickupCallResponse c1:1003");
    check_parties(s.ann, s.cleo);
    down();
}

/** bob's phone has not said that it rings: nobody was told of him. */
static void test_offered(void)
{
    up();
    s.bob->on_call = 0;
    ring();
    EVENTS(b, "");
    app_forget(CRM);
    ANSWER(done(ask("1003", "")), "DirectedPickupCallResponse c1:1003");
    EVENTS(b, "");
    EVENTS(c, "Established c1:1003 connected callPickup 1001>1002 last=1002 uui=hello");
    check_parties(s.ann, s.cleo);
    down();
}

/** Baton has called the caller: there is no INVITE of his that waits. */
static void test_made(void)
{
    up();
    s.ann->obeys_auto = true;
    ANSWER(done(app_make_call(CRM, "1001", "1002", false, "hello")),
           "MakeCallResponse c1:1001");
    app_forget(CRM);
    ANSWER(done(ask("1003", "")), "DirectedPickupCallResponse c1:1003");
    EVENTS(a, "Established c1:1003 connected callPickup 1001>1002 last=1002 uui=hello");
    EVENTS(b, "Diverted c1:1002 null callPickup to=1003 uui=hello");
    check_parties(s.ann, s.cleo);
    down();
}

/** The caller wants an offer: he gets that of the one who takes his call. */
static void test_caller_without_offer(void)
{
    up();
    REQUIRE(phone_call(s.ann, "1002", false, UUI) != NULL);
    service_run(&s, 300);
    app_forget(CRM);
    ANSWER(done(ask("1003", "")), "DirectedPickupCallResponse c1:1003");
    EVENTS(a, "Established c1:1003 connected callPickup 1001>1002 last=1002 uui=hello");
    check_parties(s.ann, s.cleo);
    down();
}

/** The same by a phone that knows the dialog: its offer is met with silence first. */
static void test_replaces_caller_without_offer(void)
{
    char lines[512];
    up();
    REQUIRE(phone_call(s.ann, "1002", false, UUI) != NULL);
    service_run(&s, 300);
    app_forget(CRM);
    snprintf(lines, sizeof(lines), "%s", service_replaces_line(s.bob->s.leg, ";early-only"));
    REQUIRE(phone_call(s.cleo, "1002", true, str_c(lines)) != NULL);
    service_run(&s, 1000);
    EVENTS(b, "Diverted c1:1002 null callPickup to=1003 uui=hello");
    EVENTS(c, "Established c1:1003 connected callPickup 1001>1002 last=1002 uui=hello");
    CHECK(phone_talks(s.ann) && phone_talks(s.cleo));
    check_parties(s.ann, s.cleo);
    down();
}

/** A call that waits for a busy phone. */
static void test_queued(void)
{
    up();
    s.bob->on_call = 486;
    REQUIRE(phone_call(s.ann, "1002", true, STR("Request-Disposition: queue\r\n")) != NULL);
    service_run(&s, 300);
    EVENTS(b, "Queued c1:1002 queued campOn 0/1 1001>1002");
    app_forget(CRM);
    ANSWER(done(ask("1003", "")), "DirectedPickupCallResponse c1:1003");
    EVENTS(b, "Diverted c1:1002 null callPickup to=1003");
    check_parties(s.ann, s.cleo);
    CHECK_INT(world_stat(&s.w, "calls_waiting"), 0);
    service_run(&s, 70000);
    CHECK(phone_talks(s.ann));
    down();
}

/** bob holds ann; the call goes on at cleo's. */
static void test_held(void)
{
    up();
    service_talk(&s, s.ann, s.bob);
    ANSWER(done(app_on_connection(CRM, "HoldCall", "callToBeHeld", "c1", "1002", "")),
           "HoldCallResponse");
    app_forget(CRM);
    ANSWER(done(ask("1003", "")), "DirectedPickupCallResponse c1:1003");
    EVENTS(a, "Established c1:1003 connected callPickup 1001>1002 last=1002 "
              "uui=56a390f3d2b7310023");
    EVENTS(b, "Diverted c1:1002 null callPickup to=1003 uui=56a390f3d2b7310023");
    EVENTS(c, "Established c1:1003 connected callPickup 1001>1002 last=1002 "
              "uui=56a390f3d2b7310023");
    check_parties(s.ann, s.cleo);
    CHECK(s.bob->s.leg == NULL);
    down();
}

/* ---- groups ---- */

static void test_group(void)
{
    up();
    ring();
    REQUIRE(phone_call(s.dan, "1005", true, STR_NONE) != NULL);
    service_run(&s, 300);
    app_forget(CRM);
    /* cleo is in both groups: bob's call is the older one */
    ANSWER(done(group("1003", "")), "GroupPickupCallResponse c1:1003");
    EVENTS(b, "Diverted c1:1002 null callPickup to=1003 uui=hello");
    EVENTS(c, "Established c1:1003 connected callPickup 1001>1002 last=1002 uui=hello");
    check_parties(s.ann, s.cleo);
    down();
}

static void test_group_named(void)
{
    up();
    s.bob->obeys_auto = true;
    REQUIRE(phone_call(s.ann, "1003", true, STR_NONE) != NULL);
    service_run(&s, 300);
    app_forget(CRM);
    ANSWER(done(group("1003", "<pickGroup>sales</pickGroup>")),
           "stateIncompatibility/noCallToAnswer"); /* it is his own phone that rings */
    ANSWER(done(group("1002", "<pickGroup>marketing</pickGroup>")),
           "operation/invalidPickUpDeviceID");
    ANSWER(done(group("1004", "<pickGroup>sales</pickGroup>")),
           "operation/invalidPickUpDeviceID"); /* it is not in that group */
    ANSWER(done(group("1777", "")), "operation/invalidDeviceID");
    ANSWER(done(group("1002", "<pickGroup>sales</pickGroup>")),
           "GroupPickupCallResponse c1:1002");
    check_parties(s.ann, s.bob);
    ANSWER(done(group("1003", "<pickGroup>sales</pickGroup>")),
           "stateIncompatibility/noCallToAnswer"); /* it is answered */
    down();
}

/* ---- what is refused ---- */

static void test_refused(void)
{
    up();
    ring();
    app_forget(CRM);
    ANSWER(done(ask("1777", "")), "operation/invalidDeviceID");
    ANSWER(done(ask("1002", "")), "operation/notDifferentDevices");
    ANSWER(done(ask("1001", "")), "operation/notDifferentDevices");
    phone_register(s.dan, 0);
    service_run(&s, 300);
    ANSWER(done(ask("1004", "")), "systemResourceAvailibility/destinationDeviceOutOfService");
    s.cleo->obeys_auto = false;
    s.cleo->on_call = 486;
    ANSWER(done(ask("1003", "")), "systemResourceAvailibility/resourceBusy");
    EVENTS(b, "");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 300);
    ANSWER(done(ask("1003", "")), "stateIncompatibility/noCallToAnswer");
    EVENTS(b, "Established c1:1002 connected newCall 1001>1002 uui=hello");
    check_parties(s.ann, s.bob);
    down();
}

/** Attempts that fail stay with the call, so they come to an end. */
static void test_attempts_are_bounded(void)
{
    unsigned tries = 0;
    up();
    ring();
    s.cleo->obeys_auto = false;
    s.cleo->on_call = 486;
    while (tries < 2 * CALL_PARTIES_MAX &&
           str_eq(str_c(done(ask("1003", ""))->text),
                  STR("systemResourceAvailibility/resourceBusy"))) {
        tries++;
    }
    CHECK_INT(tries, CALL_PARTIES_MAX - 2);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 300);
    check_parties(s.ann, s.bob);
    down();
}

/** Who may: both devices have to be granted. */
static void test_not_granted(void)
{
    up();
    REQUIRE(app_open(&s.w.desk) != NULL);
    service_run(&s, 300);
    ring();
    struct ask *q =
        done(app_on_connection(&s.w.desk, "DirectedPickupCall", "callToBePickedUp", "c1",
                               "1002", "<requestingDevice>1001</requestingDevice>"));
    ANSWER(q, "operation/privilegeViolationSpecifiedDevice");
    q = done(app_on_connection(&s.w.desk, "DirectedPickupCall", "callToBePickedUp", "c1",
                               "1001", "<requestingDevice>1003</requestingDevice>"));
    ANSWER(q, "operation/privilegeViolationSpecifiedDevice");
    down();
}

/** Two applications want it at once: the second hears that something goes on. */
static void test_two_at_once(void)
{
    up();
    s.cleo->obeys_auto = false;
    ring();
    CRM->parallel = true;
    struct ask *q = ask("1003", ""), *p = ask("1004", "");
    service_run(&s, 500);
    ANSWER(p, "systemResourceAvailibility/resourceBusy");
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 500);
    ANSWER(q, "DirectedPickupCallResponse c1:1003");
    check_parties(s.ann, s.cleo);
    down();
}

/* ---- on the way ---- */

static struct ask *on_the_way(void)
{
    up();
    s.cleo->obeys_auto = false;
    ring();
    app_forget(CRM);
    struct ask *q = ask("1003", "");
    service_run(&s, 500);
    CHECK_INT(q->answers, 0);
    return q;
}

/** bob is quicker. */
static void test_answered_meanwhile(void)
{
    struct ask *q = on_the_way();
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 500);
    ANSWER(q, "stateIncompatibility/noCallToAnswer");
    CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &s.cleo->s.node, "CANCEL"), 1);
    EVENTS(c, "");
    check_parties(s.ann, s.bob);
    down();
}

static void test_caller_gives_up(void)
{
    struct ask *q = on_the_way();
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 500);
    ANSWER(q, "stateIncompatibility/invalidConnectionState");
    CHECK(s.cleo->s.leg == NULL);
    EVENTS(c, "");
    down();
}

/** bob refuses, and the call goes to his forwarding: nobody takes it over there. */
static void test_moves_on(void)
{
    up();
    s.cleo->obeys_auto = false;
    ANSWER(done(app_ask(CRM, "SetForwarding",
                        "<device>1002</device><forwardingType>forwardBusy</forwardingType>"
                        "<activateForward>true</activateForward><forwardDN>1004</forwardDN>")),
           "SetForwardingResponse");
    ring();
    struct ask *q = ask("1003", "");
    service_run(&s, 500);
    CHECK_INT(phone_respond(s.bob, 486), 0);
    service_run(&s, 500);
    ANSWER(q, "stateIncompatibility/invalidConnectionState");
    CHECK(s.cleo->s.leg == NULL);
    CHECK_INT(phone_answer(s.dan), 0);
    service_run(&s, 300);
    check_parties(s.ann, s.dan);
    down();
}

static void test_nobody_picks_up(void)
{
    struct ask *q = on_the_way();
    service_run(&s, 21000);
    ANSWER(q, "systemResourceAvailibility/resourceOutOfService");
    EVENTS(NULL, "");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 500);
    check_parties(s.ann, s.bob);
    down();
}

/** ann does not like what cleo offers while bob holds her: all as it was. */
static void test_held_refused(void)
{
    up();
    service_talk(&s, s.ann, s.bob);
    ANSWER(done(app_on_connection(CRM, "HoldCall", "callToBeHeld", "c1", "1002", "")),
           "HoldCallResponse");
    app_forget(CRM);
    s.ann->refuse_offers = 488;
    ANSWER(done(ask("1003", "")), "operation/requestIncompatibleWithConnection");
    s.ann->refuse_offers = 0;
    EVENTS(NULL, "");
    CHECK(s.cleo->s.leg == NULL);
    down();
}

/** ann thinks about the offer for too long, and cleo hangs up: bob still has the call. */
static void test_picker_leaves(void)
{
    up();
    service_talk(&s, s.ann, s.bob);
    ANSWER(done(app_on_connection(CRM, "HoldCall", "callToBeHeld", "c1", "1002", "")),
           "HoldCallResponse");
    app_forget(CRM);
    s.ann->idle = true;
    struct ask *q = ask("1003", "");
    service_run(&s, 500);
    CHECK_INT(q->answers, 0);
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 22000);
    s.ann->idle = false;
    ANSWER(q, "systemResourceAvailibility/resourceOutOfService");
    EVENTS(NULL, "");
    CHECK(phone_talks(s.ann) && phone_talks(s.bob) && s.cleo->s.leg == NULL);
    down();
}

TEST_MAIN(T(test_ringing), T(test_data), T(test_prompted), T(test_offered), T(test_made),
          T(test_caller_without_offer), T(test_replaces_caller_without_offer), T(test_queued),
          T(test_held), T(test_group), T(test_group_named), T(test_refused),
          T(test_attempts_are_bounded), T(test_not_granted), T(test_two_at_once),
          T(test_answered_meanwhile), T(test_caller_gives_up), T(test_moves_on),
          T(test_nobody_picks_up), T(test_held_refused), T(test_picker_leaves))
