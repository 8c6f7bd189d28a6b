/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two calls of one device, event by event (TR/87 11, flows 12 to 14 and 18): ConsultationCall,
 * AlternateCall, ReconnectCall, TransferCall, by calls that an application made over the
 * phone's one leg and by calls that the phone's keys made; what each refuses, what becomes of
 * it when it fails half-way; GenerateDigits, DialDigits, ClearCall.
 */
#include "service.h"
#include "trio.h"

#include <stdio.h>

static struct ask *ask_consult(const char *to, const char *more)
{
    char text[512];
    snprintf(text, sizeof(text), "<consultedDevice>%s</consultedDevice>%s", to, more);
    return app_on_connection(&w.crm, "ConsultationCall", "existingCall", "c1", "1001", text);
}

static struct ask *consult(const char *to, const char *more)
{
    return trio_done(ask_consult(to, more));
}

static struct ask *ask_alternate(void)
{
    return app_on_two(&w.crm, "AlternateCall", "heldCall", "c1", "activeCall", "c2", "1001");
}

static struct ask *ask_reconnect(void)
{
    return app_on_two(&w.crm, "ReconnectCall", "activeCall", "c2", "heldCall", "c1", "1001");
}

/** And now to cleo, while bob is held. */
static void two_calls(void)
{
    trio_talk(ann, bob);
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

/* ---- consultation ---- */

/** Flow 12, until both talk. */
static void test_12_consultation(void)
{
    trio_up();
    trio_talk(ann, bob);
    ANSWER(consult("1003", "<correlatorData><string>0a0b</string></correlatorData>"
                           "<userData><string>68656C6C6F</string></userData>"),
           "ConsultationCallResponse c2:1001");
    EVENTS(a, "Held c1:1001 hold consultation; "
              "Originated c2:1001 connected consultation 1001>1003 corr=0a0b; "
              "Delivered c2:1003 connected newCall 1001>1003 uui=hello corr=0a0b");
    EVENTS(b, "Held c1:1001 connected consultation");
    EVENTS(c, "Delivered c2:1003 alerting newCall 1001>1003 uui=hello corr=0a0b");
    CHECK_INT(bob->media.remote_dir, SDP_SENDONLY);
    CHECK(trio_to(ann, "BYE") == 0 && ann->s.leg != NULL);
    app_forget(&w.crm);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    EVENTS(a, "Established c2:1003 connected newCall 1001>1003 uui=hello corr=0a0b");
    check_parties(ann, cleo);
    CHECK_INT(bob->media.remote_dir, SDP_SENDONLY);
    ANSWER(
        trio_done(app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>")),
        "SnapshotDeviceResponse c1:1001 hold,connected with=1002 c2:1001 "
        "connected,connected with=1003");
    trio_down();
}

/** The called side can consult as well; the phone is the one that was called. */
static void test_12_consultation_of_callee(void)
{
    trio_up();
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
    ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
    check_parties(bob, cleo);
    trio_down();
}

/** The consulted one is busy: the new call fails and is over, the first is held. */
static void test_consultation_busy(void)
{
    trio_up();
    trio_talk(ann, bob);
    cleo->on_call = 486;
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    EVENTS(a, "Held c1:1001 hold consultation; "
              "Originated c2:1001 connected consultation 1001>1003; "
              "Failed c2:1003 connected busy; Cleared c2:1001 null busy by=1001");
    CHECK(phone_talks(ann) && phone_talks(bob));
    app_forget(&w.crm);
    ANSWER(trio_on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""),
           "RetrieveCallResponse");
    check_parties(ann, bob);
    trio_down();
}

static void test_consultation_refused(void)
{
    trio_up();
    trio_talk(ann, bob);
    ANSWER(consult("1777", ""), "operation/invalidCalledDeviceID");
    ANSWER(consult("1002", ""), "operation/invalidCalledDeviceID");
    ANSWER(consult("1001", ""), "operation/invalidCalledDeviceID");
    bob->refuse_offers = 488;
    ANSWER(consult("1003", ""), "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    CHECK_INT(trio_to(cleo, "INVITE"), 0);
    bob->refuse_offers = 0;
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    CHECK_INT(ann->media.remote_dir, SDP_INACTIVE);
    trio_down();
}

/** There is one phone and one leg: a third call has to wait. */
static void test_consultation_twice(void)
{
    trio_up_with((struct world_options){.phones = 4});
    two_calls();
    ANSWER(trio_on("ConsultationCall", "existingCall", "c2", "1001",
                   "<consultedDevice>1004</consultedDevice>"),
           "systemResourceAvailibility/resourceBusy");
    ANSWER(trio_on("ConsultationCall", "existingCall", "c1", "1001",
                   "<consultedDevice>1004</consultedDevice>"),
           "stateIncompatibility/noActiveCall");
    EVENTS(NULL, "");
    trio_down();
}

/* ---- reconnect ---- */

static void test_13_reconnect(void)
{
    trio_up();
    two_calls();
    ANSWER(trio_done(ask_reconnect()), "ReconnectCallResponse");
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1001; "
              "Retrieved c1:1001 connected normal");
    EVENTS(b, "Retrieved c1:1001 connected normal");
    EVENTS(c, "Cleared c2:1003 null normalClearing by=1001");
    CHECK(cleo->s.leg == NULL);
    check_parties(ann, bob);
    trio_down();
}

/** Back before the consulted one has answered; heldCall is not named. */
static void test_13_reconnect_ringing(void)
{
    trio_up();
    trio_talk(ann, bob);
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    app_forget(&w.crm);
    ANSWER(trio_on("ReconnectCall", "activeCall", "c2", "1001", ""), "ReconnectCallResponse");
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1001; "
              "Retrieved c1:1001 connected normal");
    CHECK_INT(trio_to(cleo, "CANCEL"), 1);
    check_parties(ann, bob);
    trio_down();
}

/** The held one does not come back: it stays held, and that is told. */
static void test_reconnect_refused(void)
{
    trio_up();
    two_calls();
    bob->refuse_offers = 488;
    ANSWER(trio_done(ask_reconnect()), "operation/requestIncompatibleWithConnection");
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1001");
    bob->refuse_offers = 0;
    ANSWER(trio_on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""),
           "RetrieveCallResponse");
    check_parties(ann, bob);
    trio_down();
}

/* ---- alternate ---- */

static void test_14_alternate(void)
{
    trio_up();
    two_calls();
    ANSWER(trio_done(ask_alternate()), "AlternateCallResponse");
    EVENTS(a, "Held c2:1001 hold alternate; Retrieved c1:1001 connected alternate");
    EVENTS(b, "Retrieved c1:1001 connected alternate");
    EVENTS(c, "Held c2:1001 connected alternate");
    check_parties(ann, bob);
    CHECK_INT(cleo->media.remote_dir, SDP_SENDONLY);
    app_forget(&w.crm);
    ANSWER(trio_done(app_on_two(&w.crm, "AlternateCall", "heldCall", "c2", "activeCall", "c1",
                                "1001")),
           "AlternateCallResponse");
    EVENTS(a, "Held c1:1001 hold alternate; Retrieved c2:1001 connected alternate");
    check_parties(ann, cleo);
    trio_down();
}

/** The second step fails: the first call is resumed. */
static void test_alternate_refused(void)
{
    trio_up();
    two_calls();
    bob->refuse_offers = 488;
    ANSWER(trio_done(ask_alternate()), "operation/requestIncompatibleWithConnection");
    EVENTS(a, "Held c2:1001 hold alternate; Retrieved c2:1001 connected normal");
    check_parties(ann, cleo);
    app_forget(&w.crm);
    bob->refuse_offers = 0;
    cleo->refuse_offers = 488; /* and now the first */
    ANSWER(trio_done(ask_alternate()), "operation/requestIncompatibleWithConnection");
    EVENTS(a, "");
    trio_down();
}

/** 491 from the one who is to come back: again, and then it works. */
static void test_alternate_glare(void)
{
    trio_up();
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
    trio_down();
}

/** heldCall rings at the same device: it is answered. A phone that cannot be told to is not. */
static void test_alternate_with_ringing(void)
{
    for (int obeys = 0; obeys < 2; obeys++) {
        trio_up();
        ann->talk = obeys == 1;
        phone_register(ann, 3600);
        world_run(&w, 200);
        trio_talk(ann, bob);
        ann->any_media = bob->any_media = cleo->any_media = true; /* two sessions, one phone */
        (void)line_keep(ann);
        REQUIRE(phone_call(cleo, "1001", true, STR_NONE) != NULL);
        world_run(&w, 300);
        app_forget(&w.crm);
        struct ask *q = trio_done(
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
        trio_down();
    }
}

static void test_two_calls_errors(void)
{
    trio_up();
    two_calls();
    ANSWER(trio_done(app_on_two(&w.crm, "AlternateCall", "heldCall", "c2", "activeCall", "c1",
                                "1001")),
           "stateIncompatibility/noHeldCall");
    ANSWER(trio_done(app_on_two(&w.crm, "AlternateCall", "heldCall", "c1", "activeCall", "c1",
                                "1001")),
           "operation/invalidConnectionID");
    ANSWER(trio_done(app_on_two(&w.crm, "ReconnectCall", "activeCall", "c1", "heldCall", "c2",
                                "1001")),
           "stateIncompatibility/noHeldCall");
    /* the phone talks: RetrieveCall alone would leave cleo where she is */
    ANSWER(trio_on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""),
           "stateIncompatibility/noHeldCall");
    EVENTS(NULL, "");
    ANSWER(trio_on("HoldCall", "callToBeHeld", "c2", "1001", ""), "HoldCallResponse");
    ANSWER(trio_on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""),
           "RetrieveCallResponse");
    EVENTS(a, "Held c2:1001 hold normal; Retrieved c1:1001 connected normal");
    check_parties(ann, bob);
    trio_down();
}

/* ---- transfer ---- */

static void test_12_transfer(void)
{
    trio_up();
    two_calls();
    ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
    EVENTS(a, "Transferred c1:1001 null transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(b, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(c, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    CHECK(ann->s.leg == NULL);
    CHECK_INT(trio_to(ann, "BYE"), 1);
    check_parties(bob, cleo);
    app_forget(&w.crm);
    phone_hang_up(cleo, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1003");
    EVENTS(c, "Cleared c1:1003 null normalClearing by=1003");
    trio_down();
}

/** Both held, or the active one named as held: as ECMA-269 has it, either order does. */
static void test_transfer_states(void)
{
    trio_up();
    two_calls();
    ANSWER(trio_on("HoldCall", "callToBeHeld", "c2", "1001", ""), "HoldCallResponse");
    ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
    check_parties(bob, cleo);
    trio_down();
    trio_up();
    two_calls();
    ANSWER(trio_done(app_on_two(&w.crm, "TransferCall", "heldCall", "c2", "activeCall", "c1",
                                "1001")),
           "TransferCallResponse c2:1002");
    CHECK(ann->s.leg == NULL);
    check_parties(bob, cleo);
    trio_down();
}

/** Semi-attended: ann leaves while cleo rings, and they are joined when she answers. */
static void test_transfer_ringing(void)
{
    trio_up();
    trio_talk(ann, bob);
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    app_forget(&w.crm);
    ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
    CHECK(ann->s.leg == NULL);
    EVENTS(a, "Transferred c1:1001 null transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(c, "Transferred c1:1001 alerting transfer and c2:1001 to=1003 [1002,1003]");
    app_forget(&w.crm);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    EVENTS(b, "Established c1:1003 connected transfer 1002>1003 last=1001");
    EVENTS(c, "Established c1:1003 connected transfer 1002>1003 last=1001");
    check_parties(bob, cleo);
    trio_down();
}

/** And she refuses. */
static void test_transfer_ringing_refused(void)
{
    trio_up();
    trio_talk(ann, bob);
    ANSWER(consult("1003", ""), "ConsultationCallResponse c2:1001");
    ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
    app_forget(&w.crm);
    CHECK_INT(phone_respond(cleo, 603), 0);
    world_run(&w, 500);
    CHECK(bob->s.leg == NULL);
    EVENTS(a, "");
    EVENTS(b, "Failed c1:1003 connected callNotAnswered; "
              "Cleared c1:1002 null callNotAnswered by=1002");
    trio_down();
}

/** The held one refuses the other's offer: both calls are as before. */
static void test_transfer_refused(void)
{
    trio_up();
    two_calls();
    bob->refuse_offers = 488;
    struct ask *q = trio_ask_transfer();
    world_run(&w, 3000);
    ANSWER(q, "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    check_parties(ann, cleo);
    cleo->refuse_offers = 488;
    bob->refuse_offers = 0;
    q = trio_ask_transfer();
    world_run(&w, 3000);
    ANSWER(q, "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    cleo->refuse_offers = 0;
    q = trio_ask_transfer();
    world_run(&w, 3000);
    ANSWER(q, "TransferCallResponse c1:1003");
    check_parties(bob, cleo);
    trio_down();
}

static void test_transfer_glare(void)
{
    trio_up();
    two_calls();
    cleo->refuse_offers = 491;
    struct ask *q = trio_ask_transfer();
    world_run(&w, 1000);
    CHECK_INT(q->answers, 0);
    cleo->refuse_offers = 0;
    world_run(&w, 5000);
    ANSWER(q, "TransferCallResponse c1:1003");
    check_parties(bob, cleo);
    trio_down();
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
        trio_up();
        trio_talk(ann, bob);
        ANSWER(consult("1003", more), "ConsultationCallResponse c2:1001");
        CHECK_INT(phone_answer(cleo), 0);
        world_run(&w, 300);
        ANSWER(trio_done(trio_ask_transfer()), row[i].answer);
        trio_down();
    }
}

/* ---- who hangs up ---- */

/** The consulted one does: ann is back with bob, who is still held. */
static void test_consulted_hangs_up(void)
{
    trio_up();
    two_calls();
    phone_hang_up(cleo, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1003");
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_INT(ann->media.remote_dir, SDP_INACTIVE);
    app_forget(&w.crm);
    ANSWER(trio_on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""),
           "RetrieveCallResponse");
    check_parties(ann, bob);
    trio_down();
}

/** Who takes the held call back while its phone is still being silenced need not wait. */
static void test_retrieve_at_once(void)
{
    for (uint32_t ms = 2; ms <= 40; ms += 3) {
        trio_up();
        two_calls();
        phone_hang_up(cleo, STR_NONE);
        world_run(&w, ms);
        struct ask *q =
            app_on_connection(&w.crm, "RetrieveCall", "callToBeRetrieved", "c1", "1001", "");
        world_run(&w, 300);
        ANSWER(q, "RetrieveCallResponse");
        check_parties(ann, bob);
        trio_down();
    }
}

/** The held one does: ann talks on. */
static void test_held_hangs_up(void)
{
    trio_up();
    two_calls();
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1002");
    check_parties(ann, cleo);
    ANSWER(trio_on("HoldCall", "callToBeHeld", "c2", "1001", ""), "HoldCallResponse");
    ANSWER(trio_on("RetrieveCall", "callToBeRetrieved", "c2", "1001", ""),
           "RetrieveCallResponse");
    check_parties(ann, cleo);
    trio_down();
}

/** The phone hangs up the one call that it knows of: both end. */
static void test_phone_hangs_up(void)
{
    trio_up();
    two_calls();
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1001; "
              "Cleared c1:1001 null normalClearing by=1001");
    CHECK(bob->s.leg == NULL && cleo->s.leg == NULL);
    trio_down();
}

/** The held one presses hold, retrieves, and refreshes its session. */
static void test_held_offers(void)
{
    trio_up();
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
    ANSWER(trio_done(ask_alternate()), "AlternateCallResponse");
    check_parties(ann, bob);
    trio_down();
}

/** The application takes the blind way out of the consultation. */
static void test_single_step_out_of_consultation(void)
{
    trio_up_with((struct world_options){.phones = 4});
    two_calls();
    PHONE(&w, 3)->on_call = 200;
    ANSWER(trio_on("SingleStepTransferCall", "activeCall", "c2", "1001",
                   "<transferredTo>1004</transferredTo>"),
           "SingleStepTransferCallResponse c2:1004");
    EVENTS(a, "Transferred c2:1001 null singleStepTransfer to=1004 [1003,1004]");
    check_parties(cleo, PHONE(&w, 3));
    ANSWER(trio_on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""),
           "RetrieveCallResponse");
    check_parties(ann, bob);
    trio_down();
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
    trio_up();
    two_lines();
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
    EVENTS(a, "Transferred c1:1001 null transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(b, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(c, "Transferred c1:1001 connected transfer and c2:1001 to=1003 [1002,1003]");
    CHECK_INT(trio_to(ann, "BYE"), 2);
    check_parties(bob, cleo);
    trio_down();
}

/** REFER with Replaces by the phone gives the same events. */
static void test_keys_refer(void)
{
    char lines[512];
    trio_up();
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
    trio_down();
}

static void test_keys_transfer_ringing(void)
{
    trio_up();
    two_lines();
    ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
    EVENTS(c, "Transferred c1:1001 alerting transfer and c2:1001 to=1003 [1002,1003]");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    check_parties(bob, cleo);
    trio_down();
}

static void test_keys_alternate_and_reconnect(void)
{
    trio_up();
    two_lines();
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    ann->idle = false;
    ANSWER(trio_done(ask_alternate()), "AlternateCallResponse");
    EVENTS(a, "Held c2:1001 hold alternate; Retrieved c1:1001 connected alternate");
    app_forget(&w.crm);
    ANSWER(trio_done(app_on_two(&w.crm, "ReconnectCall", "activeCall", "c1", "heldCall", "c2",
                                "1001")),
           "ReconnectCallResponse");
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1001; "
              "Retrieved c2:1001 connected normal");
    CHECK(bob->s.leg == NULL);
    trio_down();
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
    trio_up();
    trio_talk(ann, bob);
    struct ask *q = digits("1,*a");
    world_run(&w, 100);
    ANSWER(q, "GenerateDigitsResponse");
    CHECK_INT(trio_to(bob, "INFO"), 1);
    EVENTS(NULL, "");
    world_run(&w, 2000);
    CHECK_INT(trio_to(bob, "INFO"), 3);
    CHECK_STR(wire_body(wire_find(&w.wire, ENGINE(&w), &bob->s.node, "INFO", 0)),
              "Signal=1\r\nDuration=100\r\n");
    CHECK_STR(wire_body(wire_find(&w.wire, ENGINE(&w), &bob->s.node, "INFO", 2)),
              "Signal=A\r\nDuration=100\r\n");
    EVENTS(a, "Digits c1:1001 1*A");
    ANSWER(trio_done(digits("12x")), "operation/invalidParameterValue");
    ANSWER(trio_done(digits(",")), "operation/invalidParameterValue");
    ANSWER(trio_on("GenerateDigits", "connectionToSendDigits", "c1", "1001",
                   "<digitMode>rotaryPulse</digitMode><charactersToSend>1</charactersToSend>"),
           "operation/digitModeOutOfRange");
    trio_down();
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
        trio_up();
        trio_talk(ann, bob);
        bob->idle = true;
        struct ask *q = digits("12");
        for (size_t n = 0; n < row[i].infos; n++) {
            world_run(&w, 100);
            (void)station_answer(&bob->s, row[i].status, STR_NONE);
        }
        world_run(&w, 500);
        ANSWER(q, row[i].answer);
        CHECK_INT(trio_to(bob, "INFO"), row[i].infos);
        EVENTS(NULL, "");
        trio_down();
    }
}

/** It takes bare digits only; and the call ends before the last. */
static void test_generate_digits_plain(void)
{
    trio_up();
    trio_talk(ann, bob);
    bob->idle = true;
    struct ask *q = digits("1,2");
    world_run(&w, 100);
    (void)station_answer(&bob->s, 415, STR_NONE);
    bob->idle = false;
    world_run(&w, 100);
    ANSWER(q, "GenerateDigitsResponse");
    CHECK_STR(wire_body(wire_find(&w.wire, ENGINE(&w), &bob->s.node, "INFO", 1)), "1");
    ANSWER(trio_done(digits("3")), "systemResourceAvailibility/resourceBusy");
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Digits c1:1001 1; Cleared c1:1001 null normalClearing by=1002");
    trio_down();
}

static struct ask *dial(const char *text)
{
    char more[128];
    snprintf(more, sizeof(more), "<diallingSequence>%s</diallingSequence>", text);
    return trio_done(
        app_on_connection(&w.crm, "DialDigits", "diallingConnection", "c1", "1001", more));
}

/** Flow 18 with a number that comes in parts. */
static void test_18_dial_digits(void)
{
    trio_up();
    ANSWER(trio_done(app_make_call(&w.crm, "1001", "10;", true, NULL)),
           "MakeCallResponse c1:1001");
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall");
    ANSWER(dial("0;"), "DialDigitsResponse");
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 300);
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Dialed c1:1001 initiated normal 0");
    ANSWER(dial("77"), "operation/invalidCalledDeviceID"); /* and nobody hears of it */
    ANSWER(dial(";"), "DialDigitsResponse");
    ANSWER(dial("2"), "DialDigitsResponse");
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Dialed c1:1001 initiated normal 0; Dialed c1:1001 initiated normal 2; "
              "Originated c1:1001 connected makeCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002");
    ANSWER(dial("3"), "stateIncompatibility/invalidConnectionState");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 300);
    check_parties(ann, bob);
    trio_down();
}

/** The number is complete before the phone is picked up; and nobody dials at all. */
static void test_18_dial_early_and_never(void)
{
    trio_up();
    ANSWER(trio_done(app_make_call(&w.crm, "1001", "", true, NULL)),
           "MakeCallResponse c1:1001");
    ANSWER(dial("1002"), "DialDigitsResponse");
    CHECK_INT(trio_to(bob, "INVITE"), 0);
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 300);
    CHECK_INT(trio_to(bob, "INVITE"), 1);
    trio_down();
    trio_up();
    ANSWER(trio_done(app_make_call(&w.crm, "1001", "", true, NULL)),
           "MakeCallResponse c1:1001");
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 31000);
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Cleared c1:1001 null timeout by=1001");
    CHECK(ann->s.leg == NULL);
    trio_down();
}

static void test_clear_call(void)
{
    trio_up();
    two_calls();
    ANSWER(trio_on("ClearCall", "callToBeCleared", "c2", "1003", ""), "ClearCallResponse");
    EVENTS(a, "Cleared c2:1001 null normalClearing by=1003");
    EVENTS(c, "Cleared c2:1003 null normalClearing by=1003");
    CHECK(phone_talks(ann) && cleo->s.leg == NULL);
    ANSWER(trio_on("ClearCall", "callToBeCleared", "c1", "1001", ""), "ClearCallResponse");
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    ANSWER(trio_on("ClearCall", "callToBeCleared", "c1", "1001", ""),
           "operation/invalidConnectionID");
    trio_down();
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
