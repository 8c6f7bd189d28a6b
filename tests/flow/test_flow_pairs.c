/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two calls of one device: every state of them × everything that can happen, at several
 * moments.
 *
 * A STATE is built, then a procedure is begun in it (or none), some milliseconds pass, and then
 * an EVENT happens: somebody hangs up, presses hold, refers, refuses, says nothing, or the
 * application asks for a second thing. Whatever comes of it, in the end:
 *
 *   each request has one answer                        app_check
 *   each connection one terminal event, and none later app_check, complete
 *   a snapshot agrees with what the events said        check_story
 *   a phone that has no dialog is in no call           check_phone
 *   after everybody hung up nothing is left            world_down: calls, legs, memory, timers
 *
 * Each pair of state and event runs at one of the moments, and every other one of those with a
 * procedure in between; with BATON_PAIRS_ALL all of them do, at all moments.
 */
#include "focus.h"
#include "service.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static struct world w;
static struct phone *ann, *bob, *cleo;
static struct focus f;

static void patience(struct world *world)
{
    world->config.call.step_s = 3;
    world->config.call.ring_s = 8;
    world->config.call.focus = STR("sip:10.0.4.1");
    world->config.call.room = STR("conf-%s");
}

/* ---- states ---- */

static struct ask *consult(void)
{
    return app_on_connection(&w.crm, "ConsultationCall", "existingCall", "c1", "1001",
                             "<consultedDevice>1003</consultedDevice>");
}

static struct ask *two(const char *service, const char *one, const char *other)
{
    return app_on_two(&w.crm, service, one, "c1", other, "c2", "1001");
}

static struct ask *alternate(void)
{
    return two("AlternateCall", "heldCall", "activeCall");
}

static struct ask *transfer(void)
{
    return two("TransferCall", "heldCall", "activeCall");
}

static struct ask *reconnect(void)
{
    return app_on_two(&w.crm, "ReconnectCall", "activeCall", "c2", "heldCall", "c1", "1001");
}

static struct ask *confer(void)
{
    return two("ConferenceCall", "heldCall", "activeCall");
}

static void talking(void)
{
    (void)world_call(&w, ann, bob);
}

static void consulting(void)
{
    talking();
    (void)consult();
    world_run(&w, 400);
}

static void consulted(void)
{
    consulting();
    (void)phone_answer(cleo);
    world_run(&w, 400);
}

static void both_held(void)
{
    consulted();
    (void)app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c2", "1001", "");
    world_run(&w, 400);
}

static void swapped(void)
{
    consulted();
    (void)alternate();
    world_run(&w, 600);
}

static void two_lines_ringing(void)
{
    talking();
    (void)phone_offer(ann, SDP_SENDONLY);
    world_run(&w, 300);
    (void)line_keep(ann);
    (void)phone_call(ann, "1003", true, STR_NONE);
    world_run(&w, 300);
}

static void two_lines(void)
{
    two_lines_ringing();
    (void)phone_answer(cleo);
    world_run(&w, 400);
}

static void conference(void)
{
    consulted();
    (void)confer();
    world_run(&w, 400);
}

/** ann is in it, held, and calls a fourth. */
static void conference_held(void)
{
    conference();
    (void)app_on_connection(&w.crm, "ConsultationCall", "existingCall", "c1", "1001",
                            "<consultedDevice>1004</consultedDevice>");
    world_run(&w, 600);
}

static const struct {
    const char *name;
    void (*make)(void);
} states[] = {
    {"talking", talking},
    {"consulting", consulting},
    {"consulted", consulted},
    {"both held", both_held},
    {"swapped", swapped},
    {"two lines, ringing", two_lines_ringing},
    {"two lines", two_lines},
    {"conference", conference},
    {"conference, held", conference_held},
};

/* ---- procedures ---- */

static struct ask *nothing(void)
{
    return NULL;
}

static struct ask *digits(void)
{
    return app_on_connection(&w.crm, "GenerateDigits", "connectionToSendDigits", "c1", "1001",
                             "<charactersToSend>12</charactersToSend>");
}

static struct ask *clear_call(void)
{
    return app_on_connection(&w.crm, "ClearCall", "callToBeCleared", "c1", "1001", "");
}

static struct ask *clear_second(void)
{
    return app_on_connection(&w.crm, "ClearConnection", "connectionToBeCleared", "c2", "1001",
                             "");
}

static struct ask *hold_second(void)
{
    return app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c2", "1001", "");
}

static struct ask *retrieve_first(void)
{
    return app_on_connection(&w.crm, "RetrieveCall", "callToBeRetrieved", "c1", "1001", "");
}

static struct ask *single_step(void)
{
    return app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c2", "1001",
                             "<transferredTo>1004</transferredTo>");
}

static struct ask *invite(void)
{
    return app_on_connection(&w.crm, "SingleStepConferenceCall", "activeCall", "c1", "1001",
                             "<deviceToJoin>1004</deviceToJoin>"
                             "<participationType>active</participationType>");
}

/** With the call to the fourth, where there is one. */
static struct ask *confer_third(void)
{
    return app_on_two(&w.crm, "ConferenceCall", "heldCall", "c1", "activeCall", "c3", "1001");
}

typedef struct ask *(*ask_fn)(void);
static const struct {
    const char *name;
    ask_fn ask;
} procedures[] = {
    {"nothing", nothing},         {"consult", consult},         {"alternate", alternate},
    {"reconnect", reconnect},     {"transfer", transfer},       {"digits", digits},
    {"clear", clear_call},        {"clear 2", clear_second},    {"hold 2", hold_second},
    {"retrieve", retrieve_first}, {"single step", single_step}, {"confer", confer},
    {"invite", invite},           {"confer 3", confer_third},
};

/* ---- events ---- */

static void bye_ann(void)
{
    phone_hang_up(ann, STR_NONE);
}

static void bye_bob(void)
{
    phone_hang_up(bob, STR_NONE);
}

static void bye_cleo(void)
{
    phone_hang_up(cleo, STR_NONE);
}

static void answer_cleo(void)
{
    (void)phone_answer(cleo);
}

static void hold_ann(void)
{
    if (phone_talks(ann)) {
        (void)phone_offer(ann, SDP_SENDONLY);
    }
}

static void hold_bob(void)
{
    if (phone_talks(bob)) {
        (void)phone_offer(bob, SDP_SENDONLY);
    }
}

static void hold_cleo(void)
{
    if (phone_talks(cleo)) {
        (void)phone_offer(cleo, SDP_SENDONLY);
    }
}

static void refer(struct phone *p)
{
    struct leg_content content = {.lines = STR("Refer-To: <sip:1004@example.com>\r\n"
                                               "Referred-By: <sip:x@example.com>\r\n")};
    if (phone_talks(p)) {
        (void)leg_send(p->s.leg, NULL, STR("REFER"), &content, station_listen, &p->s, NULL,
                       station_now(&p->s));
    }
}

static void refer_ann(void)
{
    refer(ann);
}

static void refer_bob(void)
{
    refer(bob);
}

static void refer_cleo(void)
{
    refer(cleo);
}

static void refuse_bob(void)
{
    bob->refuse_offers = 488;
}

static void refuse_cleo(void)
{
    cleo->refuse_offers = 488;
}

static void refuse_ann(void)
{
    ann->refuse_offers = 488;
}

static void glare_bob(void)
{
    bob->refuse_offers = 491;
}

static void silent_ann(void)
{
    ann->idle = true;
}

static void silent_bob(void)
{
    bob->idle = true;
}

static void silent_cleo(void)
{
    cleo->idle = true;
}

static void ask_alternate(void)
{
    (void)alternate();
}

static void ask_transfer(void)
{
    (void)transfer();
}

static void ask_reconnect(void)
{
    (void)reconnect();
}

static void ask_clear(void)
{
    (void)clear_second();
}

static void ask_confer(void)
{
    (void)confer();
}

static void focus_kicks_bob(void)
{
    if (focus_seat_of(&f, "1002") != NULL) {
        focus_drop(&f, "1002");
    }
}

static void focus_ends(void)
{
    focus_hang_up(&f);
}

static void focus_refuses(void)
{
    f.answer = 503;
    f.refuse_offers = 488;
}

static void focus_silent(void)
{
    f.answer = 0;
}

static void app_leaves(void)
{
    app_close(&w.crm);
}

static const struct {
    const char *name;
    void (*happens)(void);
} events[] = {
    {"nothing", NULL},
    {"BYE by ann", bye_ann},
    {"BYE by bob", bye_bob},
    {"BYE or refusal by cleo", bye_cleo},
    {"cleo answers", answer_cleo},
    {"ann holds", hold_ann},
    {"bob holds", hold_bob},
    {"cleo holds", hold_cleo},
    {"REFER by ann", refer_ann},
    {"REFER by bob", refer_bob},
    {"REFER by cleo", refer_cleo},
    {"ann refuses offers", refuse_ann},
    {"bob refuses offers", refuse_bob},
    {"cleo refuses offers", refuse_cleo},
    {"bob glares", glare_bob},
    {"ann is silent", silent_ann},
    {"bob is silent", silent_bob},
    {"cleo is silent", silent_cleo},
    {"AlternateCall", ask_alternate},
    {"TransferCall", ask_transfer},
    {"ReconnectCall", ask_reconnect},
    {"ClearConnection", ask_clear},
    {"the application leaves", app_leaves},
    {"ConferenceCall", ask_confer},
    {"the focus hangs up on bob", focus_kicks_bob},
    {"the focus hangs up", focus_ends},
    {"the focus refuses", focus_refuses},
    {"the focus is silent", focus_silent},
};

/* ---- invariants ---- */

/** What the events of a monitor said last of ann's connection in a call. */
static const char *last_state(const char *call)
{
    static char state[24];
    struct app *a = &w.crm;
    snprintf(state, sizeof(state), "none");
    for (size_t i = 0; i < a->notes; i++) {
        char name[16], who[16], local[24];
        if (strcmp(a->note[i].ref, "1") == 0 &&
            sscanf(a->note[i].text, "%15s %*[^:]:%15s %23s", name, who, local) == 3 &&
            strcmp(a->note[i].call, call) == 0 && strcmp(name, "Digits") != 0) {
            snprintf(state, sizeof(state), "%s", local);
        }
        if (strcmp(a->note[i].ref, "1") == 0 && strcmp(a->note[i].other, call) == 0) {
            snprintf(state, sizeof(state), "null");
        }
    }
    return state;
}

/** The snapshot of ann's calls agrees with the story that her monitor was told. */
static void check_story(void)
{
    struct app *a = &w.crm;
    if (!app_is_open(a)) {
        return;
    }
    struct ask *q = app_ask(a, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    world_run(&w, 500);
    if (!CHECK(q->msg.id == CSTA_MSG_SNAPSHOT_DEVICE_RESPONSE)) {
        return;
    }
    for (size_t i = 0; i < w.calls.n; i++) {
        char seen[24] = "null", pattern[40];
        snprintf(pattern, sizeof(pattern), " c%zu:1001 ", i + 1);
        const char *at = strstr(q->text, pattern);
        if (at != NULL) {
            (void)sscanf(at + strlen(pattern), "%23[a-z]", seen);
        }
        const char *told = last_state(w.calls.id[i]);
        if (strcmp(told, "none") != 0) {
            CHECK_STR(str_c(seen), told);
        }
    }
}

/** A phone without a dialog is in no call, and one that has some is in one. */
static void check_phone(struct phone *p)
{
    struct ask *q;
    if (!app_is_open(&w.crm) || w.hard) {
        return;
    }
    q = app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>%s</snapshotObject>", p->number);
    world_run(&w, 500);
    CHECK_INT(strcmp(q->text, "SnapshotDeviceResponse") == 0, list_empty(&p->s.legs.legs));
}

static void finish(void)
{
    bool left = !app_is_open(&w.crm);
    for (size_t i = 0; i < w.phones; i++) {
        PHONE(&w, i)->refuse_offers = 0;
        PHONE(&w, i)->idle = false;
    }
    list_each(it, &ann->s.legs.legs) /* the line that was put aside, too */
    {
        struct leg *leg = list_entry(it, struct leg, all);
        if (leg->state < LEG_ENDING) {
            leg_end(leg, 0, NULL, NULL, NULL, station_now(&ann->s));
        }
    }
    world_end(&w);
    app_check(&w.crm, !left, w.where);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    CHECK(w.hard || focus_taken(&f) == 0);
    focus_hang_up(&f);
    world_run(&w, w.hard ? 40000 : 0);
    world_down(&w);
    focus_down(&f);
}

static void pair(size_t s, size_t p, size_t e, uint32_t ms)
{
    static char where[160];
    world_up(&w, &(struct world_options){.phones = 4, .tweak = patience});
    snprintf(where, sizeof(where), "%s, %s, %s after %u ms", states[s].name, procedures[p].name,
             events[e].name, ms);
    test_context(where);
    w.where = where;
    w.hard = events[e].happens == silent_ann || events[e].happens == silent_bob ||
             events[e].happens == silent_cleo || events[e].happens == app_leaves;
    w.crm.parallel = true;
    focus_up(&f, &w.net);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    PHONE(&w, 3)->on_call = 200;
    for (size_t i = 0; i < w.phones; i++) {
        PHONE(&w, i)->any_media = true; /* a phone of the kit with two dialogs has one media */
    }
    (void)world_monitor(&w, &w.crm, "1001");
    (void)world_monitor(&w, &w.crm, "1002");
    (void)world_monitor(&w, &w.crm, "1003");
    states[s].make();
    (void)procedures[p].ask();
    world_run(&w, ms);
    test_context(where);
    if (events[e].happens != NULL) {
        events[e].happens();
    }
    world_run(&w, 15000);
    test_context(where);
    check_story();
    check_phone(ann);
    check_phone(bob);
    check_phone(cleo);
    finish();
    test_context(NULL);
}

/** BATON_PAIRS_ONE="2 4 1 15": one of them, for a closer look. */
static void test_one(void)
{
    const char *one = getenv("BATON_PAIRS_ONE");
    unsigned s, p, e, ms;
    CHECK(true);
    if (one != NULL && sscanf(one, "%u %u %u %u", &s, &p, &e, &ms) == 4 &&
        s < ARRAY_LEN(states) && p < ARRAY_LEN(procedures) && e < ARRAY_LEN(events)) {
        pair(s, p, e, ms);
        printf("# %s\n", app_events(&w.crm, NULL));
    }
}

static void state(size_t s)
{
    static const uint32_t moments[] = {0, 15, 25, 45};
    bool all = getenv("BATON_PAIRS_ALL") != NULL;
    for (size_t p = 0; p < ARRAY_LEN(procedures); p++) {
        for (size_t e = 0; e < ARRAY_LEN(events); e++) {
            for (size_t m = 0; m < ARRAY_LEN(moments); m++) {
                size_t turn = s + p + e;
                if (all || (turn % ARRAY_LEN(moments) == m &&
                            (p == 0 || turn / ARRAY_LEN(moments) % 2 == 0))) {
                    pair(s, p, e, moments[m]);
                }
            }
        }
    }
}

static void test_talking(void)
{
    state(0);
}

static void test_consulting(void)
{
    state(1);
}

static void test_consulted(void)
{
    state(2);
}

static void test_both_held(void)
{
    state(3);
}

static void test_swapped(void)
{
    state(4);
}

static void test_two_lines_ringing(void)
{
    state(5);
}

static void test_two_lines(void)
{
    state(6);
}

static void test_conference(void)
{
    state(7);
}

static void test_conference_held(void)
{
    state(8);
}

TEST_MAIN(T(test_talking), T(test_consulting), T(test_consulted), T(test_both_held),
          T(test_swapped), T(test_two_lines_ringing), T(test_two_lines), T(test_conference),
          T(test_conference_held), T(test_one))
