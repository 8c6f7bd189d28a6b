/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two calls of one device, event by event (TR/87 11, flows 12 to 14 and 18): ConsultationCall,
 * AlternateCall, ReconnectCall, TransferCall, by calls that an application made over the
 * phone's one leg and by calls that the phone's keys made; what each refuses, what becomes of
 * it when it fails half-way; GenerateDigits, DialDigits, ClearCall.
 */
#include "service.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct phone *ann, *bob, *cleo;
static const char *a, *b, *c;

static void up_with(struct world_options o)
{
    world_up(&w, &o);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    a = world_monitor(&w, &w.crm, "1001");
    b = world_monitor(&w, &w.crm, "1002");
    c = world_monitor(&w, &w.crm, "1003");
    app_forget(&w.crm);
}

static void up(void)
{
    up_with((struct world_options){0});
}

/** Everybody hung up, each request answered, one terminal event for each connection. */
static void down(void)
{
    for (size_t i = 0; i < w.phones; i++) {
        PHONE(&w, i)->refuse_offers = 0;
        PHONE(&w, i)->idle = false;
    }
    world_end(&w);
    app_check(&w.crm, true, NULL);
    world_down(&w);
}

#define EVENTS(ref, text) CHECK_STR(str_c(app_events(&w.crm, ref)), text)
#define ANSWER(q, want) CHECK_STR(str_c((q)->text), want)

static struct ask *done(struct ask *q)
{
    world_run(&w, 500);
    CHECK_INT(q->answers, 1);
    return q;
}

static struct ask *on(const char *service, const char *element, const char *call,
                      const char *device, const char *more)
{
    return done(app_on_connection(&w.crm, service, element, call, device, more));
}

static struct ask *ask_consult(const char *to, const char *more)
{
    char text[512];
    snprintf(text, sizeof(text), "<consultedDevice>%s</consultedDevice>%s", to, more);
    return app_on_connection(&w.crm, "ConsultationCall", "existingCall", "c1", "1001", text);
}

static struct ask *consult(const char *to, const char *more)
{
    return done(ask_consult(to, more));
}

static struct ask *ask_alternate(void)
{
    return app_on_two(&w.crm, "AlternateCall", "heldCall", "c1", "activeCall", "c2", "1001");
}

static struct ask *ask_reconnect(void)
{
    return app_on_two(&w.crm, "ReconnectCall", "activeCall", "c2", "heldCall", "c1", "1001");
}

static struct ask *ask_transfer(void)
{
    return app_on_two(&w.crm, "TransferCall", "heldCall", "c1", "activeCall", "c2", "1001");
}

/** ann talks to bob. */
static void talk(void)
{
    REQUIRE(world_call(&w, ann, bob));
    app_forget(&w.crm);
}

/** And now to cleo, while bob is held. */
static void two_calls(void)
{
    talk();
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    CHECK(phone_talks(ann) && phone_talks(cleo) && phone_talks(bob));
    app_forget(&w.crm);
}

static void check_parties(struct phone *one, struct phone *two)
{
    CHECK_STR(str_c(phones_media(one, two)), "sendrecv|sendrecv");
}

static size_t to(const struct phone *p, const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), &p->s.node, pattern);
}

/* ---- consultation ---- */

/** Flow 12, until both talk. */
static void test_12_consultation(void)
{
    up();
    talk();
    ANSWER(consult("1003", "<correlatorData><string>0a0b</string></correlatorData>"
                           "<userData><string>68656C6C6F</string></userData>"),
           "ConsultationCallResponse c2:1001");
    EVENTS(a, "Held c1:1001 hold consultation; "
              "Originated c2:1001 connected consultation 1001>1003 corr=0a0b; "
              "Delivered c2:1003 connected newCall 1001>1003 uui=hello corr=0a0b");
    EVENTS(b, "Held c1:1001 connected consultation");
    EVENTS(c, "Delivered c2:1003 alerting newCall 1001>1003 uui=hello corr=0a0b");
    CHECK_INT(bob->media.remote_dir, SDP_SENDONLY);
    CHECK(to(ann, "BYE") == 0 && ann->s.leg != NULL);
    app_forget(&w.crm);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    EVENTS(a, "Established c2:1003 connected newCall 1001>1003 uui=hello corr=0a0b");
    check_parties(ann, cleo);
    CHECK_INT(bob->media.remote_dir, SDP_SENDONLY);
    ANSWER(done(app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>")),
           "SnapshotDeviceResponse c1:1001 hold,connected with=1002 c2:1001 "
           "connected,connected with=1003");
    down();
}

/** The called side can consult as well; the phone is the one that was called. */
static void test_12_consultation_of_callee(void)
{
    up();
    REQUIRE(world_call(&w, bob, ann));
    app_forget(&w.crm);
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    EVENTS(a, "Held c1:1001 hold consultation; "
              "Originated c2:1001 connected consultation 1001>1003; "
              "Delivered c2:1003 connected newCall 1001>1003; "
              "Established c2:1003 connected newCall 1001>1003");
    check_parties(ann, cleo);
    ANSWER(done(ask_transfer()), "TransferCallResponse c1:1003");
    check_parties(bob, cleo);
    down();
}

/** The consulted one is busy: the new call fails and is over, the first is held. */
static void test_consultation_busy(void)
{
    up();
    talk();
    cleo->on_call = 486;
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    EVENTS(a, "Held c1:1001 hold consultation; "
              "Originated c2:1001 connected consultation 1001>1003; "
              "Failed c2:1003 connected busy; Cleared c2:1001 null busy by=1001");
    CHECK(phone_talks(ann) && phone_talks(bob));
    app_forget(&w.crm);
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""), "RetrieveCallResponse");
    check_parties(ann, bob);
    down();
}

static void test_consultation_refused(void)
{
    up();
    talk();
    ANSWER(consult("1777", ""), "operation/invalidCalledDeviceID");
    ANSWER(consult("1002", ""), "operation/invalidCalledDeviceID");
    ANSWER(consult("1001", ""), "operation/invalidCalledDeviceID");
    bob->refuse_offers = 488;
    ANSWER(consult("1003", ""), "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    CHECK_INT(to(cleo, "INVITE"), 0);
    bob->refuse_offers = 0;
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    CHECK_INT(ann->media.remote_dir, SDP_INACTIVE);
    down();
}

/** There is one phone and one leg: a third call has to wait. */
static void test_consultation_twice(void)
{
    up_with((struct world_options){.phones = 4});
    two_calls();
    ANSWER(on("ConsultationCall", "existingCall", "c2", "1001",
              "<consultedDevice>1004</consultedDevice>"),
           "systemResourceAvailibility/resourceBusy");
    ANSWER(on("ConsultationCall", "existingCall", "c1", "1001",
              "<consultedDevice>1004</consultedDevice>"),
           "stateIncompatibility/noActiveCall");
    EVENTS(NULL, "");
    down();
}

/* ---- reconnect ---- */

static void test_13_reconnect(void)
{
    up();
    two_calls();
    ANSWER(done(ask_reconnect()), "ReconnectCallResponse");
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1001; "
              "Retrieved c1:1001 connected normal");
    EVENTS(b, "Retrieved c1:1001 connected normal");
    EVENTS(c, "Cleared c2:1003 null normalClearing by=1001");
    CHECK(cleo->s.leg == NULL);
    check_parties(ann, bob);
    down();
}

/** Back before the consulted one has answered; heldCall is not named. */
static void test_13_reconnect_ringing(void)
{
    up();
    talk();
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    app_forget(&w.crm);
    ANSWER(on("ReconnectCall", "activeCall", "c2", "1001", ""), "ReconnectCallResponse");
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1001; "
              "Retrieved c1:1001 connected normal");
    CHECK_INT(to(cleo, "CANCEL"), 1);
    check_parties(ann, bob);
    down();
}

/** The held one does not come back: it stays held, and that is told. */
static void test_reconnect_refused(void)
{
    up();
    two_calls();
    bob->refuse_offers = 488;
    ANSWER(done(ask_reconnect()), "operation/requestIncompatibleWithConnection");
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1001");
    bob->refuse_offers = 0;
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""), "RetrieveCallResponse");
    check_parties(ann, bob);
    down();
}

/* ---- alternate ---- */

static void test_14_alternate(void)
{
    up();
    two_calls();
    ANSWER(done(ask_alternate()), "AlternateCallResponse");
    EVENTS(a, "Held c2:1001 hold alternate; Retrieved c1:1001 connected alternate");
    EVENTS(b, "Retrieved c1:1001 connected alternate");
    EVENTS(c, "Held c2:1001 connected alternate");
    check_parties(ann, bob);
    CHECK_INT(cleo->media.remote_dir, SDP_SENDONLY);
    app_forget(&w.crm);
    ANSWER(
        done(app_on_two(&w.crm, "AlternateCall", "heldCall", "c2", "activeCall", "c1", "1001")),
        "AlternateCallResponse");
    EVENTS(a, "Held c1:1001 hold alternate; Retrieved c2:1001 connected alternate");
    check_parties(ann, cleo);
    down();
}

/** The second step fails: the first call is resumed. */
static void test_alternate_refused(void)
{
    up();
    two_calls();
    bob->refuse_offers = 488;
    ANSWER(done(ask_alternate()), "operation/requestIncompatibleWithConnection");
    EVENTS(a, "Held c2:1001 hold alternate; Retrieved c2:1001 connected normal");
    check_parties(ann, cleo);
    app_forget(&w.crm);
    bob->refuse_offers = 0;
    cleo->refuse_offers = 488; /* and now the first */
    ANSWER(done(ask_alternate()), "operation/requestIncompatibleWithConnection");
    EVENTS(a, "");
    down();
}

/** 491 from the one who is to come back: again, and then it works. */
static void test_alternate_glare(void)
{
    up();
    two_calls();
    bob->refuse_offers = 491;
    struct ask *q = ask_alternate();
    world_run(&w, 1000);
    CHECK_INT(q->answers, 0);
    bob->refuse_offers = 0;
    world_run(&w, 5000);
    ANSWER(q, "AlternateCallResponse");
    EVENTS(a, "Held c2:1001 hold alternate; Retrieved c1:1001 connected alternate");
    check_parties(ann, bob);
    down();
}

/** heldCall rings at the same device: it is answered. A phone that cannot be told to is not. */
static void test_alternate_with_ringing(void)
{
    for (int obeys = 0; obeys < 2; obeys++) {
        up();
        ann->talk = obeys == 1;
        phone_register(ann, 3600);
        world_run(&w, 200);
        talk();
        ann->any_media = bob->any_media = cleo->any_media = true; /* two sessions, one phone */
        (void)line_keep(ann);
        REQUIRE(phone_call(cleo, "1001", true, STR_NONE) != NULL);
        world_run(&w, 300);
        app_forget(&w.crm);
        struct ask *q = done(
            app_on_two(&w.crm, "AlternateCall", "heldCall", "c2", "activeCall", "c1", "1001"));
        if (obeys == 1) {
            ANSWER(q, "AlternateCallResponse");
            EVENTS(a, "Held c1:1001 hold alternate; "
                      "Established c2:1001 connected newCall 1003>1001");
            CHECK(phone_talks(cleo));
        } else {
            ANSWER(q, "operation/requestIncompatibleWithDevice");
            EVENTS(NULL, "");
        }
        list_each(it, &ann->s.legs.legs)
        {
            leg_end(list_entry(it, struct leg, all), 0, NULL, NULL, NULL, station_now(&ann->s));
        }
        down();
    }
}

static void test_two_calls_errors(void)
{
    up();
    two_calls();
    ANSWER(
        done(app_on_two(&w.crm, "AlternateCall", "heldCall", "c2", "activeCall", "c1", "1001")),
        "stateIncompatibility/noHeldCall");
    ANSWER(
        done(app_on_two(&w.crm, "AlternateCall", "heldCall", "c1", "activeCall", "c1", "1001")),
        "operation/invalidConnectionID");
    ANSWER(
        done(app_on_two(&w.crm, "ReconnectCall", "activeCall", "c1", "heldCall", "c2", "1001")),
        "stateIncompatibility/noHeldCall");
    /* the phone talks: RetrieveCall alone would leave cleo where she is */
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""),
           "stateIncompatibility/noHeldCall");
    EVENTS(NULL, "");
    ANSWER(on("HoldCall", "callToBeHeld", "c2", "1001", ""), "HoldCallResponse");
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""), "RetrieveCallResponse");
    EVENTS(a, "Held c2:1001 hold normal; Retrieved c1:1001 connected normal");
    check_parties(ann, bob);
    down();
}

/* ---- transfer ---- */

static void test_12_transfer(void)
{
    up();
    two_calls();
    ANSWER(done(ask_transfer()), "TransferCallResponse c1:1003");
    EVENTS(a, "Transferred c1:1001 null transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(b, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(c, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    CHECK(ann->s.leg == NULL);
    CHECK_INT(to(ann, "BYE"), 1);
    check_parties(bob, cleo);
    app_forget(&w.crm);
    phone_hang_up(cleo, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1003");
    EVENTS(c, "Cleared c1:1003 null normalClearing by=1003");
    down();
}

/** Both held, or the active one named as held: as ECMA-269 has it, either order does. */
static void test_transfer_states(void)
{
    up();
    two_calls();
    ANSWER(on("HoldCall", "callToBeHeld", "c2", "1001", ""), "HoldCallResponse");
    ANSWER(done(ask_transfer()), "TransferCallResponse c1:1003");
    check_parties(bob, cleo);
    down();
    up();
    two_calls();
    ANSWER(
        done(app_on_two(&w.crm, "TransferCall", "heldCall", "c2", "activeCall", "c1", "1001")),
        "TransferCallResponse c2:1002");
    CHECK(ann->s.leg == NULL);
    check_parties(bob, cleo);
    down();
}

/** Semi-attended: ann leaves while cleo rings, and they are joined when she answers. */
static void test_transfer_ringing(void)
{
    up();
    talk();
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    app_forget(&w.crm);
    ANSWER(done(ask_transfer()), "TransferCallResponse c1:1003");
    CHECK(ann->s.leg == NULL);
    EVENTS(a, "Transferred c1:1001 null transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(c, "Transferred c1:1001 alerting transfer and c2:1001 to=1003 [1002,1003]");
    app_forget(&w.crm);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    EVENTS(b, "Established c1:1003 connected transfer 1002>1003 last=1001");
    EVENTS(c, "Established c1:1003 connected transfer 1002>1003 last=1001");
    check_parties(bob, cleo);
    down();
}

/** And she refuses. */
static void test_transfer_ringing_refused(void)
{
    up();
    talk();
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    ANSWER(done(ask_transfer()), "TransferCallResponse c1:1003");
    app_forget(&w.crm);
    CHECK_INT(phone_respond(cleo, 603), 0);
    world_run(&w, 500);
    CHECK(bob->s.leg == NULL);
    EVENTS(a, "");
    EVENTS(b, "Failed c1:1003 connected callNotAnswered; "
              "Cleared c1:1002 null callNotAnswered by=1002");
    down();
}

/** The held one refuses the other's offer: both calls are as before. */
static void test_transfer_refused(void)
{
    up();
    two_calls();
    bob->refuse_offers = 488;
    struct ask *q = ask_transfer();
    world_run(&w, 3000);
    ANSWER(q, "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    check_parties(ann, cleo);
    cleo->refuse_offers = 488;
    bob->refuse_offers = 0;
    q = ask_transfer();
    world_run(&w, 3000);
    ANSWER(q, "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    cleo->refuse_offers = 0;
    q = ask_transfer();
    world_run(&w, 3000);
    ANSWER(q, "TransferCallResponse c1:1003");
    check_parties(bob, cleo);
    down();
}

static void test_transfer_glare(void)
{
    up();
    two_calls();
    cleo->refuse_offers = 491;
    struct ask *q = ask_transfer();
    world_run(&w, 1000);
    CHECK_INT(q->answers, 0);
    cleo->refuse_offers = 0;
    world_run(&w, 5000);
    ANSWER(q, "TransferCallResponse c1:1003");
    check_parties(bob, cleo);
    down();
}

/** consultOptions say what may become of it. */
static void test_consult_options(void)
{
    static const struct {
        const char *option, *answer;
    } row[] = {
        {"unrestricted", "TransferCallResponse c1:1003"},
        {"transferOnly", "TransferCallResponse c1:1003"},
        {"consultOnly", "operation/requestIncompatibleWithConnection"},
        {"conferenceOnly", "operation/requestIncompatibleWithConnection"},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char more[64];
        snprintf(more, sizeof(more), "<consultOptions>%s</consultOptions>", row[i].option);
        up();
        talk();
        ANSWER(consult("1003", more), "ConsultationCallResponse c2:1001");
        CHECK_INT(phone_answer(cleo), 0);
        world_run(&w, 300);
        ANSWER(done(ask_transfer()), row[i].answer);
        down();
    }
}

/* ---- who hangs up ---- */

/** The consulted one does: ann is back with bob, who is still held. */
static void test_consulted_hangs_up(void)
{
    up();
    two_calls();
    phone_hang_up(cleo, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1003");
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_INT(ann->media.remote_dir, SDP_INACTIVE);
    app_forget(&w.crm);
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""), "RetrieveCallResponse");
    check_parties(ann, bob);
    down();
}

/** Who takes the held call back while its phone is still being silenced need not wait. */
static void test_retrieve_at_once(void)
{
    for (uint32_t ms = 2; ms <= 40; ms += 3) {
        up();
        two_calls();
        phone_hang_up(cleo, STR_NONE);
        world_run(&w, ms);
        struct ask *q =
            app_on_connection(&w.crm, "RetrieveCall", "callToBeRetrieved", "c1", "1001", "");
        world_run(&w, 300);
        ANSWER(q, "RetrieveCallResponse");
        check_parties(ann, bob);
        down();
    }
}

/** The held one does: ann talks on. */
static void test_held_hangs_up(void)
{
    up();
    two_calls();
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1002");
    check_parties(ann, cleo);
    ANSWER(on("HoldCall", "callToBeHeld", "c2", "1001", ""), "HoldCallResponse");
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "c2", "1001", ""), "RetrieveCallResponse");
    check_parties(ann, cleo);
    down();
}

/** The phone hangs up the one call that it knows of: both end. */
static void test_phone_hangs_up(void)
{
    up();
    two_calls();
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1001; "
              "Cleared c1:1001 null normalClearing by=1001");
    CHECK(bob->s.leg == NULL && cleo->s.leg == NULL);
    down();
}

/** The held one presses hold, retrieves, and refreshes its session. */
static void test_held_offers(void)
{
    up();
    two_calls();
    CHECK_INT(phone_offer(bob, SDP_SENDONLY), 0);
    world_run(&w, 300);
    CHECK_INT(bob->s.last_status, 200);
    EVENTS(a, "Held c1:1002 hold normal");
    CHECK_INT(phone_offer(bob, SDP_SENDRECV), 0);
    world_run(&w, 300);
    CHECK_INT(bob->s.last_status, 200);
    EVENTS(b, "Held c1:1002 hold normal; Retrieved c1:1002 connected normal");
    check_parties(ann, cleo);
    ANSWER(done(ask_alternate()), "AlternateCallResponse");
    check_parties(ann, bob);
    down();
}

/** The application takes the blind way out of the consultation. */
static void test_single_step_out_of_consultation(void)
{
    up_with((struct world_options){.phones = 4});
    two_calls();
    PHONE(&w, 3)->on_call = 200;
    ANSWER(on("SingleStepTransferCall", "activeCall", "c2", "1001",
              "<transferredTo>1004</transferredTo>"),
           "SingleStepTransferCallResponse c2:1004");
    EVENTS(a, "Transferred c2:1001 null singleStepTransfer to=1004 [1003,1004]");
    check_parties(cleo, PHONE(&w, 3));
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""), "RetrieveCallResponse");
    check_parties(ann, bob);
    down();
}

/* ---- two calls by the phone's keys ---- */

static struct line first;

/** bob calls ann, who holds and calls cleo: two dialogs of one phone. */
static void two_lines(void)
{
    REQUIRE(world_call(&w, ann, bob));
    REQUIRE(phone_offer(ann, SDP_SENDONLY) == 0);
    world_run(&w, 200);
    first = line_keep(ann);
    REQUIRE(phone_call(ann, "1003", true, STR_NONE) != NULL);
    world_run(&w, 200);
    app_forget(&w.crm);
}

static void test_keys_transfer(void)
{
    up();
    two_lines();
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    ANSWER(done(ask_transfer()), "TransferCallResponse c1:1003");
    EVENTS(a, "Transferred c1:1001 null transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(b, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(c, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    CHECK_INT(to(ann, "BYE"), 2);
    check_parties(bob, cleo);
    down();
}

/** REFER with Replaces by the phone gives the same events. */
static void test_keys_refer(void)
{
    char lines[512];
    up();
    two_lines();
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    snprintf(lines, sizeof(lines), "Refer-To: <sip:1003@example.com?%s>\r\n",
             service_replaces(ann->s.leg));
    struct leg_content content = {.lines = str_c(lines)};
    CHECK_INT(leg_send(first.leg, NULL, STR("REFER"), &content, station_listen, &ann->s, NULL,
                       station_now(&ann->s)),
              0);
    world_run(&w, 1000);
    EVENTS(a, "Transferred c1:1001 null transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(b, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(c, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    check_parties(bob, cleo);
    world_run(&w, 6000);
    down();
}

static void test_keys_transfer_ringing(void)
{
    up();
    two_lines();
    ANSWER(done(ask_transfer()), "TransferCallResponse c1:1003");
    EVENTS(c, "Transferred c1:1001 alerting transfer and c2:1001 to=1003 [1002,1003]");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    check_parties(bob, cleo);
    down();
}

static void test_keys_alternate_and_reconnect(void)
{
    up();
    two_lines();
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    ann->idle = false;
    ANSWER(done(ask_alternate()), "AlternateCallResponse");
    EVENTS(a, "Held c2:1001 hold alternate; Retrieved c1:1001 connected alternate");
    app_forget(&w.crm);
    ANSWER(
        done(app_on_two(&w.crm, "ReconnectCall", "activeCall", "c1", "heldCall", "c2", "1001")),
        "ReconnectCallResponse");
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1001; "
              "Retrieved c2:1001 connected normal");
    CHECK(bob->s.leg == NULL);
    down();
}

/* ---- digits ---- */

static struct ask *digits(const char *text)
{
    char more[128];
    snprintf(more, sizeof(more), "<charactersToSend>%s</charactersToSend>", text);
    return app_on_connection(&w.crm, "GenerateDigits", "connectionToSendDigits", "c1", "1001",
                             more);
}

static void test_generate_digits(void)
{
    up();
    talk();
    struct ask *q = digits("1,*a");
    world_run(&w, 100);
    ANSWER(q, "GenerateDigitsResponse");
    CHECK_INT(to(bob, "INFO"), 1);
    EVENTS(NULL, "");
    world_run(&w, 2000);
    CHECK_INT(to(bob, "INFO"), 3);
    CHECK_STR(wire_body(wire_find(&w.wire, ENGINE(&w), &bob->s.node, "INFO", 0)),
              "Signal=1\r\nDuration=100\r\n");
    CHECK_STR(wire_body(wire_find(&w.wire, ENGINE(&w), &bob->s.node, "INFO", 2)),
              "Signal=A\r\nDuration=100\r\n");
    EVENTS(a, "Digits c1:1001 1*A");
    ANSWER(done(digits("12x")), "operation/invalidParameterValue");
    ANSWER(done(digits(",")), "operation/invalidParameterValue");
    ANSWER(on("GenerateDigits", "connectionToSendDigits", "c1", "1001",
              "<digitMode>rotaryPulse</digitMode><charactersToSend>1</charactersToSend>"),
           "operation/digitModeOutOfRange");
    down();
}

/** What the far end's phone answers decides. */
static void test_generate_digits_refused(void)
{
    static const struct {
        unsigned status;
        const char *answer;
        size_t infos;
    } row[] = {
        {415, "operation/requestIncompatibleWithConnection", 2},
        {405, "operation/requestIncompatibleWithConnection", 1},
        {488, "operation/requestIncompatibleWithConnection", 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        up();
        talk();
        bob->idle = true;
        struct ask *q = digits("12");
        for (size_t n = 0; n < row[i].infos; n++) {
            world_run(&w, 100);
            (void)station_answer(&bob->s, row[i].status, STR_NONE);
        }
        world_run(&w, 500);
        ANSWER(q, row[i].answer);
        CHECK_INT(to(bob, "INFO"), row[i].infos);
        EVENTS(NULL, "");
        down();
    }
}

/** It takes bare digits only; and the call ends before the last. */
static void test_generate_digits_plain(void)
{
    up();
    talk();
    bob->idle = true;
    struct ask *q = digits("1,2");
    world_run(&w, 100);
    (void)station_answer(&bob->s, 415, STR_NONE);
    bob->idle = false;
    world_run(&w, 100);
    ANSWER(q, "GenerateDigitsResponse");
    CHECK_STR(wire_body(wire_find(&w.wire, ENGINE(&w), &bob->s.node, "INFO", 1)), "1");
    ANSWER(done(digits("3")), "systemResourceAvailibility/resourceBusy");
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Digits c1:1001 1; Cleared c1:1001 null normalClearing by=1002");
    down();
}

static struct ask *dial(const char *text)
{
    char more[128];
    snprintf(more, sizeof(more), "<diallingSequence>%s</diallingSequence>", text);
    return done(
        app_on_connection(&w.crm, "DialDigits", "diallingConnection", "c1", "1001", more));
}

/** Flow 18 with a number that comes in parts. */
static void test_18_dial_digits(void)
{
    up();
    ANSWER(done(app_make_call(&w.crm, "1001", "10;", true, NULL)), "MakeCallResponse c1:1001");
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall");
    ANSWER(dial("0;"), "DialDigitsResponse");
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 300);
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall");
    ANSWER(dial("77"), "operation/invalidCalledDeviceID");
    ANSWER(dial("2"), "DialDigitsResponse");
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Originated c1:1001 connected makeCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002");
    ANSWER(dial("3"), "stateIncompatibility/invalidConnectionState");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 300);
    check_parties(ann, bob);
    down();
}

/** The number is complete before the phone is picked up; and nobody dials at all. */
static void test_18_dial_early_and_never(void)
{
    up();
    ANSWER(done(app_make_call(&w.crm, "1001", "", true, NULL)), "MakeCallResponse c1:1001");
    ANSWER(dial("1002"), "DialDigitsResponse");
    CHECK_INT(to(bob, "INVITE"), 0);
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 300);
    CHECK_INT(to(bob, "INVITE"), 1);
    down();
    up();
    ANSWER(done(app_make_call(&w.crm, "1001", "", true, NULL)), "MakeCallResponse c1:1001");
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 31000);
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Cleared c1:1001 null timeout by=1001");
    CHECK(ann->s.leg == NULL);
    down();
}

static void test_clear_call(void)
{
    up();
    two_calls();
    ANSWER(on("ClearCall", "callToBeCleared", "c2", "1003", ""), "ClearCallResponse");
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1003");
    EVENTS(c, "Cleared c2:1003 null normalClearing by=1003");
    CHECK(phone_talks(ann) && cleo->s.leg == NULL);
    ANSWER(on("ClearCall", "callToBeCleared", "c1", "1001", ""), "ClearCallResponse");
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    ANSWER(on("ClearCall", "callToBeCleared", "c1", "1001", ""),
           "operation/invalidConnectionID");
    down();
}

TEST_MAIN(T(test_12_consultation), T(test_12_consultation_of_callee), T(test_consultation_busy),
          T(test_consultation_refused), T(test_consultation_twice), T(test_13_reconnect),
          T(test_13_reconnect_ringing), T(test_reconnect_refused), T(test_14_alternate),
          T(test_alternate_refused), T(test_alternate_glare), T(test_alternate_with_ringing),
          T(test_two_calls_errors), T(test_12_transfer), T(test_transfer_states),
          T(test_transfer_ringing), T(test_transfer_ringing_refused), T(test_transfer_refused),
          T(test_transfer_glare), T(test_consult_options), T(test_consulted_hangs_up),
          T(test_retrieve_at_once), T(test_held_hangs_up), T(test_phone_hangs_up),
          T(test_held_offers), T(test_single_step_out_of_consultation), T(test_keys_transfer),
          T(test_keys_refer), T(test_keys_transfer_ringing),
          T(test_keys_alternate_and_reconnect), T(test_generate_digits),
          T(test_generate_digits_refused), T(test_generate_digits_plain),
          T(test_18_dial_digits), T(test_18_dial_early_and_never), T(test_clear_call))
