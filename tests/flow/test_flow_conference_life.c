/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parties of a conference do (src/call/conference.c): hold, consult, alternate,
 * reconnect, transfer, digits; a fourth one comes; calls that the phone's keys have made; what
 * is refused; a focus that goes; and every allocation of a conference failing.
 */
#include "focus.h"
#include "service.h"
#include "trio.h"

#include <stdio.h>

static struct focus f;

static void rooms(struct world *world)
{
    world->config.call.step_s = 6;
    world->config.call.ring_s = 10;
    world->config.call.focus = STR("sip:10.0.4.1");
    world->config.call.room = STR("conf-%s");
    world->config.call.max_parties = 4;
}

static void up(void)
{
    trio_up_with((struct world_options){.phones = 4, .tweak = rooms});
    focus_up(&f, &w.net);
    (void)world_monitor(&w, &w.crm, "1004");
    app_forget(&w.crm);
}

static void down(void)
{
    for (size_t i = 0; i < w.phones; i++) {
        PHONE(&w, i)->refuse_offers = 0;
        PHONE(&w, i)->idle = false;
    }
    f.mute = false;
    world_end(&w);
    CHECK_INT(focus_taken(&f), 0);
    trio_down();
    focus_down(&f);
}

#define ROOM(text) CHECK_STR(str_c(focus_hears(&f)), text)

static struct ask *consult(const char *call, const char *to, const char *more)
{
    char text[512];
    snprintf(text, sizeof(text), "<consultedDevice>%s</consultedDevice>%s", to, more);
    return trio_on("ConsultationCall", "existingCall", call, "1001", text);
}

static struct ask *ask_two(const char *service, const char *one, const char *first,
                           const char *other, const char *second)
{
    return app_on_two(&w.crm, service, one, first, other, second, "1001");
}

static struct ask *confer(const char *held, const char *active)
{
    return trio_done(ask_two("ConferenceCall", "heldCall", held, "activeCall", active));
}

static struct ask *snapshot(void)
{
    return trio_done(
        app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>"));
}

/** ann holds bob and talks to cleo. */
static void two_calls(const char *more)
{
    trio_talk(ann, bob);
    ANSWER(consult("c1", "1003", more), "ConsultationCallResponse c2:1001");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
}

/** Three at the focus, in c1. */
static void three(void)
{
    two_calls("");
    ANSWER(confer("c1", "c2"), "ConferenceCallResponse c1:1001");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    app_forget(&w.crm);
}

/* ---- what a party does ---- */

/** One holds: all are told, and the others go on; nobody hears its music. */
static void test_hold_in_conference(void)
{
    up();
    three();
    ANSWER(trio_on("HoldCall", "callToBeHeld", "c1", "1001", ""), "HoldCallResponse");
    EVENTS(a, "Held c1:1001 hold normal");
    EVENTS(b, "Held c1:1001 connected normal");
    EVENTS(c, "Held c1:1001 connected normal");
    ROOM("10.0.1.1(inactive) 10.0.1.2 10.0.1.3");
    app_forget(&w.crm);
    ANSWER(trio_on("RetrieveCall", "callToBeRetrieved", "c1", "1001", ""),
           "RetrieveCallResponse");
    EVENTS(b, "Retrieved c1:1001 connected normal");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    app_forget(&w.crm);
    CHECK_INT(phone_offer(bob, SDP_SENDONLY), 0); /* its own key */
    world_run(&w, 300);
    EVENTS(a, "Held c1:1002 connected normal");
    EVENTS(b, "Held c1:1002 hold normal");
    down();
}

/** Consult from the conference, alternate, and come back. */
static void test_consult_from_conference(void)
{
    up();
    three();
    ANSWER(consult("c1", "1004", ""), "ConsultationCallResponse c3:1001");
    CHECK_INT(phone_answer(PHONE(&w, 3)), 0);
    world_run(&w, 300);
    ROOM("10.0.1.1(inactive) 10.0.1.2 10.0.1.3");
    CHECK_STR(str_c(phones_media(ann, PHONE(&w, 3))), "sendrecv|sendrecv");
    app_forget(&w.crm);
    ANSWER(trio_done(ask_two("AlternateCall", "heldCall", "c1", "activeCall", "c3")),
           "AlternateCallResponse");
    EVENTS(a, "Held c3:1001 hold alternate; Retrieved c1:1001 connected alternate");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    ANSWER(trio_done(ask_two("AlternateCall", "heldCall", "c3", "activeCall", "c1")),
           "AlternateCallResponse");
    app_forget(&w.crm);
    ANSWER(trio_done(ask_two("ReconnectCall", "activeCall", "c3", "heldCall", "c1")),
           "ReconnectCallResponse");
    EVENTS(a, "Cleared c3:1001 null normalClearing by=1001; "
              "Retrieved c1:1001 connected normal");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    down();
}

/** ConferenceCall with a conference that is held: a fourth party. */
static void test_fourth_party(void)
{
    up();
    three();
    ANSWER(consult("c1", "1004", ""), "ConsultationCallResponse c3:1001");
    CHECK_INT(phone_answer(PHONE(&w, 3)), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    ANSWER(confer("c1", "c3"), "ConferenceCallResponse c1:1001");
    EVENTS(b, "Conferenced c1:1001 connected conference and c3:1001 by=1001 added=1004 "
              "[1001<c1,1002<c1,1003<c1,1004<c3]");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3 10.0.1.4");
    ANSWER(snapshot(), "SnapshotDeviceResponse c1:1001 "
                       "connected,connected,connected,connected with=?");
    down();
}

/** And with one in which the device talks, while the other call is held: that is what stays. */
static void test_active_conference(void)
{
    up();
    three();
    ANSWER(consult("c1", "1004", ""), "ConsultationCallResponse c3:1001");
    CHECK_INT(phone_answer(PHONE(&w, 3)), 0);
    world_run(&w, 300);
    ANSWER(trio_done(ask_two("AlternateCall", "heldCall", "c1", "activeCall", "c3")),
           "AlternateCallResponse");
    app_forget(&w.crm);
    size_t calls = f.calls;
    ANSWER(confer("c3", "c1"), "ConferenceCallResponse c1:1001");
    CHECK_INT(f.calls, calls + 1);
    EVENTS(a, "Conferenced c1:1001 connected conference and c3:1001 by=1001 added=1004 "
              "[1001<c1,1002<c1,1003<c1,1004<c3]");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3 10.0.1.4");
    down();
}

/** Both calls are held: the phone has one leg, and nobody's media. */
static void test_both_held(void)
{
    up();
    two_calls("");
    ANSWER(trio_on("HoldCall", "callToBeHeld", "c2", "1001", ""), "HoldCallResponse");
    app_forget(&w.crm);
    ANSWER(confer("c1", "c2"), "ConferenceCallResponse c1:1001");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    EVENTS(c, "Conferenced c1:1001 connected conference and c2:1001 by=1001 added=1003 "
              "[1001<c1,1002<c1,1003<c2]");
    down();
}

/** Two calls that the phone's keys have made: it keeps one dialog, the other is ended. */
static void test_two_lines(void)
{
    up();
    ann->any_media = bob->any_media = cleo->any_media = true; /* two sessions, one phone */
    trio_talk(ann, bob);
    CHECK_INT(phone_offer(ann, SDP_SENDONLY), 0);
    world_run(&w, 300);
    (void)line_keep(ann);
    REQUIRE(phone_call(ann, "1003", true, STR_NONE) != NULL);
    world_run(&w, 300);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    size_t byes = trio_to(ann, "BYE");
    ANSWER(confer("c1", "c2"), "ConferenceCallResponse c1:1001");
    EVENTS(a, "Conferenced c1:1001 connected conference and c2:1001 by=1001 added=1003 "
              "[1001<c1,1002<c1,1003<c2]");
    CHECK_INT(trio_to(ann, "BYE"), byes + 1);
    CHECK_INT(focus_taken(&f), 3);
    ANSWER(trio_on("ClearCall", "callToBeCleared", "c1", "1001", ""), "ClearCallResponse");
    down();
}

/** GenerateDigits go to the focus: a PIN, or what its dial plan knows. */
static void test_digits_go_to_the_focus(void)
{
    up();
    three();
    ANSWER(trio_on("GenerateDigits", "connectionToSendDigits", "c1", "1001",
                   "<charactersToSend>1</charactersToSend>"),
           "GenerateDigitsResponse");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &f.s.node, "INFO"), 1);
    CHECK_INT(trio_to(bob, "INFO"), 0);
    world_run(&w, 1000);
    down();
}

/* ---- what is refused ---- */

static void test_refused_in_conference(void)
{
    struct leg_content refer = {.lines = STR("Refer-To: <sip:1004@example.com>\r\n")};
    up();
    three();
    ANSWER(trio_on("SingleStepTransferCall", "activeCall", "c1", "1001",
                   "<transferredTo>1004</transferredTo>"),
           "operation/requestIncompatibleWithConnection");
    ANSWER(trio_on("ParkCall", "parking", "c1", "1001", "<parkTo>1004</parkTo>"),
           "operation/requestIncompatibleWithConnection");
    ANSWER(consult("c1", "1004", ""), "ConsultationCallResponse c3:1001");
    CHECK_INT(phone_answer(PHONE(&w, 3)), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    ANSWER(trio_done(ask_two("TransferCall", "heldCall", "c1", "activeCall", "c3")),
           "operation/requestIncompatibleWithConnection");
    CHECK_INT(leg_send(bob->s.leg, NULL, STR("REFER"), &refer, station_listen, &bob->s, NULL,
                       station_now(&bob->s)),
              0);
    world_run(&w, 300);
    CHECK_INT(bob->s.last_status, 403);
    EVENTS(NULL, "");
    down();
}

/** Two rooms are not made one, and both go on. */
static void test_two_conferences(void)
{
    up();
    three();
    phone_hang_up(cleo, STR_NONE);
    world_run(&w, 500);
    ANSWER(consult("c1", "1004", ""), "ConsultationCallResponse c3:1001");
    CHECK_INT(phone_answer(PHONE(&w, 3)), 0);
    world_run(&w, 500);
    ANSWER(trio_on("SingleStepConferenceCall", "activeCall", "c3", "1001",
                   "<deviceToJoin>1003</deviceToJoin>"
                   "<participationType>active</participationType>"),
           "SingleStepConferenceCallResponse c3:1003");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    app_forget(&w.crm);
    ANSWER(confer("c1", "c3"), "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    ANSWER(snapshot(), "SnapshotDeviceResponse c1:1001 hold,connected with=? c3:1001 "
                       "connected,connected,connected with=?");
    down();
}

/** What a consultation was made for, and who rings. */
static void test_consult_options(void)
{
    static const struct {
        const char *option, *conference, *transfer;
    } cases[] = {
        {"consultOnly", "operation/requestIncompatibleWithConnection",
         "operation/requestIncompatibleWithConnection"},
        {"transferOnly", "operation/requestIncompatibleWithConnection",
         "TransferCallResponse c1:1003"},
        {"conferenceOnly", "ConferenceCallResponse c1:1001", NULL},
        {"unrestricted", "ConferenceCallResponse c1:1001", NULL},
    };
    char more[96];
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        up();
        snprintf(more, sizeof(more), "<consultOptions>%s</consultOptions>", cases[i].option);
        two_calls(more);
        if (strcmp(cases[i].option, "conferenceOnly") == 0) {
            ANSWER(trio_done(ask_two("TransferCall", "heldCall", "c1", "activeCall", "c2")),
                   "operation/requestIncompatibleWithConnection");
        }
        ANSWER(confer("c1", "c2"), cases[i].conference);
        if (cases[i].transfer != NULL) {
            CHECK_INT(focus_taken(&f), 0);
            ANSWER(trio_done(ask_two("TransferCall", "heldCall", "c1", "activeCall", "c2")),
                   cases[i].transfer);
        }
        down();
    }
}

static void test_still_ringing(void)
{
    up();
    trio_talk(ann, bob);
    ANSWER(consult("c1", "1003", ""), "ConsultationCallResponse c2:1001");
    app_forget(&w.crm);
    ANSWER(confer("c1", "c2"), "stateIncompatibility/invalidConnectionState");
    CHECK_INT(f.calls, 0);
    EVENTS(NULL, "");
    down();
}

/* ---- the focus goes ---- */

/** It forgets one dialog (481), and then says nothing at all. */
static void test_focus_is_lost(void)
{
    up();
    three();
    f.refuse_offers = 481;
    (void)app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
    world_run(&w, 1000);
    EVENTS(b, "Cleared c1:1001 connected networkSignal by=1001");
    CHECK(ann->s.leg == NULL);
    f.refuse_offers = 0;
    f.mute = true;
    (void)app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1002", "");
    world_run(&w, 60000);
    f.mute = false;
    world_run(&w, 40000);
    CHECK(phone_talks(bob) == phone_talks(cleo));
    focus_hang_up(&f); /* what it had forgotten */
    world_run(&w, 40000);
    down();
}

/* ---- a party goes while it is being brought there ---- */

static void test_party_leaves_meanwhile(void)
{
    static const uint32_t moments[] = {5, 15, 25, 35, 45, 55, 65};
    for (int who = 0; who < 3; who++) {
        for (size_t i = 0; i < ARRAY_LEN(moments); i++) {
            up();
            two_calls("");
            struct ask *q = ask_two("ConferenceCall", "heldCall", "c1", "activeCall", "c2");
            world_run(&w, moments[i]);
            phone_hang_up(PHONE(&w, who), STR_NONE);
            world_run(&w, 8000);
            CHECK_INT(q->answers, 1);
            down();
        }
    }
}

/* ---- memory ---- */

/** A conference of two calls, or by a third who is called. @return allocations it has made */
static size_t starved(bool single, size_t at, bool on)
{
    static char where[64];
    struct ask *q;
    up();
    w.hard = true;
    snprintf(where, sizeof(where), "%s, allocation %zu%s", single ? "single step" : "two calls",
             at, on ? " and on" : "");
    test_context(where);
    if (single) {
        trio_talk(ann, bob);
        cleo->on_call = 200;
    } else {
        two_calls("");
    }
    size_t before = w.mem.calls;
    w.mem.fail_at = at == 0 ? 0 : before + at;
    w.mem.fail_on = on;
    q = single
            ? app_on_connection(&w.crm, "SingleStepConferenceCall", "activeCall", "c1", "1001",
                                "<deviceToJoin>1003</deviceToJoin>"
                                "<participationType>active</participationType>")
            : ask_two("ConferenceCall", "heldCall", "c1", "activeCall", "c2");
    world_run(&w, 9000);
    size_t calls = w.mem.calls - before;
    w.mem.fail_at = 0;
    if (at != 0 && !on && q->msg.id == CSTA_MSG_ERROR_CODE) {
        world_run(&w, 40000);
    }
    CHECK(at != 0 || q->msg.id != CSTA_MSG_ERROR_CODE);
    for (size_t i = 0; i < 3; i++) {
        phone_hang_up(PHONE(&w, i), STR_NONE);
    }
    world_run(&w, 80000);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    if (on) { /* there was no memory for a BYE either */
        focus_hang_up(&f);
        world_run(&w, 40000);
    }
    CHECK_INT(focus_taken(&f), 0);
    test_context(NULL);
    world_end(&w);
    world_down(&w);
    focus_down(&f);
    return calls;
}

static void starve(bool single)
{
    size_t n = starved(single, 0, false);
    CHECK(n > 20);
    for (size_t at = 1; at <= n; at++) {
        (void)starved(single, at, false);
    }
    for (size_t at = 1; at <= n; at += 7) {
        (void)starved(single, at, true);
    }
}

static void test_memory_of_a_conference(void)
{
    starve(false);
}

static void test_memory_of_a_single_step(void)
{
    starve(true);
}

TEST_MAIN(T(test_hold_in_conference), T(test_consult_from_conference), T(test_fourth_party),
          T(test_active_conference), T(test_both_held), T(test_two_lines),
          T(test_digits_go_to_the_focus), T(test_refused_in_conference),
          T(test_two_conferences), T(test_consult_options), T(test_still_ringing),
          T(test_focus_is_lost), T(test_party_leaves_meanwhile), T(test_memory_of_a_conference),
          T(test_memory_of_a_single_step))
