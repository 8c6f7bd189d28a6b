/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conferences at a focus, event by event (TR/87 7.11, 7.12, flow 15; RFC 4579): ConferenceCall
 * of a consultation, of two lines, of two calls that are held; a fourth party; who leaves and
 * how it ends; what a party of a conference can do; every way in which it can fail, and what is
 * as it was before.
 */
#include "focus.h"
#include "service.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct focus f;
static struct phone *ann, *bob, *cleo, *dan;
static const char *a, *b, *c, *d;

static void rooms(struct world *world)
{
    world->config.call.step_s = 6;
    world->config.call.ring_s = 10;
    world->config.call.focus = STR("sip:10.0.4.1");
    world->config.call.room = STR("conf-%s");
    world->config.call.silent_room = STR("conf-%s-mute");
    world->config.call.max_parties = 4;
}

static void up_with(void (*tweak)(struct world *))
{
    world_up(&w, &(struct world_options){.phones = 5, .tweak = tweak});
    focus_up(&f, &w.net);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    dan = PHONE(&w, 3);
    a = world_monitor(&w, &w.crm, "1001");
    b = world_monitor(&w, &w.crm, "1002");
    c = world_monitor(&w, &w.crm, "1003");
    d = world_monitor(&w, &w.crm, "1004");
    app_forget(&w.crm);
}

static void up(void)
{
    up_with(rooms);
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
    CHECK_INT(focus_taken(&f), 0);
    world_down(&w);
    focus_down(&f);
}

#define EVENTS(ref, text) CHECK_STR(str_c(app_events(&w.crm, ref)), text)
#define ROOM(text) CHECK_STR(str_c(focus_hears(&f)), text)

static struct ask *done(struct ask *q)
{
    return world_asked(&w, q, 500);
}

static struct ask *on(const char *service, const char *element, const char *call,
                      const char *device, const char *more)
{
    return done(app_on_connection(&w.crm, service, element, call, device, more));
}

static struct ask *consult(const char *call, const char *to, const char *more)
{
    char text[512];
    snprintf(text, sizeof(text), "<consultedDevice>%s</consultedDevice>%s", to, more);
    return on("ConsultationCall", "existingCall", call, "1001", text);
}

static struct ask *ask_confer(const char *held, const char *active)
{
    return app_on_two(&w.crm, "ConferenceCall", "heldCall", held, "activeCall", active, "1001");
}

static struct ask *ask_invite(const char *call, const char *device, const char *to,
                              const char *how, const char *more)
{
    char text[512];
    snprintf(text, sizeof(text),
             "<deviceToJoin>%s</deviceToJoin><participationType>%s</participationType>%s", to,
             how, more);
    return app_on_connection(&w.crm, "SingleStepConferenceCall", "activeCall", call, device,
                             text);
}

static struct ask *clear(const char *call, const char *device)
{
    return on("ClearConnection", "connectionToBeCleared", call, device, "");
}

/** ann talks to bob. */
static void talk(void)
{
    REQUIRE(world_call(&w, ann, bob));
    app_forget(&w.crm);
}

/** And now to cleo, while bob is held. */
static void two_calls_with(const char *more)
{
    talk();
    ANSWER(consult("c1", "1003", more), "ConsultationCallResponse c2:1001");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    CHECK(phone_talks(ann) && phone_talks(cleo) && phone_talks(bob));
    app_forget(&w.crm);
}

static void two_calls(void)
{
    two_calls_with("");
}

static void check_parties(struct phone *one, struct phone *two)
{
    CHECK_STR(str_c(phones_media(one, two)), "sendrecv|sendrecv");
}

/** As before a ConferenceCall that came to nothing: ann talks to cleo, bob is held. */
static void check_untouched(void)
{
    check_parties(ann, cleo);
    CHECK(bob->media.remote_dir == SDP_SENDONLY || bob->media.remote_dir == SDP_INACTIVE);
    CHECK_STR(str_make(ann->media.remote +
                           str_find(str_make(ann->media.remote, ann->media.remote_n),
                                    STR("c=IN IP4 ")) +
                           9,
                       8),
              "10.0.1.3");
    ANSWER(done(app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>")),
           "SnapshotDeviceResponse c1:1001 hold,connected with=1002 c2:1001 "
           "connected,connected with=1003");
    CHECK_INT(focus_taken(&f), 0);
}

/** Three at the focus, in c1. */
static void confer(void)
{
    two_calls();
    ANSWER(done(ask_confer("c1", "c2")), "ConferenceCallResponse c1:1001");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    app_forget(&w.crm);
}

/* ---- ConferenceCall ---- */

/** Flow 15. */
static void test_15_conference(void)
{
    up();
    two_calls();
    ANSWER(done(ask_confer("c1", "c2")), "ConferenceCallResponse c1:1001");
    EVENTS(a, "Conferenced c1:1001 connected conference and c2:1001 by=1001 added=1003 "
              "[1001<c1,1002<c1,1003<c2]");
    EVENTS(b, "Conferenced c1:1001 connected conference and c2:1001 by=1001 added=1003 "
              "[1001<c1,1002<c1,1003<c2]");
    EVENTS(c, "Conferenced c1:1001 connected conference and c2:1001 by=1001 added=1003 "
              "[1001<c1,1002<c1,1003<c2]");
    EVENTS(d, "");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    check_parties(ann, bob);
    check_parties(bob, cleo);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &ann->s.node, "BYE"), 0);
    ANSWER(done(app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>")),
           "SnapshotDeviceResponse c1:1001 connected,connected,connected with=?");
    down();
}

/** A deviceID alone means the call that it holds, and the one that it is in. */
static void test_conference_of_device(void)
{
    up();
    two_calls();
    ANSWER(done(app_ask(&w.crm, "ConferenceCall",
                        "<heldCall><deviceID>1001</deviceID></heldCall>"
                        "<activeCall><deviceID>1001</deviceID></activeCall>")),
           "ConferenceCallResponse c1:1001");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    down();
}

/** The first who hangs up leaves; the second one ends it. */
static void test_parties_leave(void)
{
    up();
    confer();
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Cleared c1:1002 connected normalClearing by=1002");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1002");
    EVENTS(c, "Cleared c1:1002 connected normalClearing by=1002");
    ROOM("10.0.1.1 10.0.1.3");
    CHECK(phone_talks(ann) && phone_talks(cleo));
    app_forget(&w.crm);
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 300);
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1001");
    EVENTS(c, "Cleared c1:1003 null normalClearing by=1001");
    CHECK_INT(focus_taken(&f), 0);
    CHECK(cleo->s.leg == NULL);
    down();
}

/** The one who made it goes; the others talk on. */
static void test_conferencing_device_leaves(void)
{
    up();
    confer();
    ANSWER(clear("c1", "1001"), "ClearConnectionResponse");
    EVENTS(b, "Cleared c1:1001 connected normalClearing by=1001");
    ROOM("10.0.1.2 10.0.1.3");
    CHECK(ann->s.leg == NULL);
    down();
}

/** An application takes somebody out. */
static void test_party_is_dropped(void)
{
    up();
    confer();
    ANSWER(clear("c1", "1003"), "ClearConnectionResponse");
    EVENTS(a, "Cleared c1:1003 connected normalClearing by=1003");
    EVENTS(c, "Cleared c1:1003 null normalClearing by=1003");
    ROOM("10.0.1.1 10.0.1.2");
    CHECK(cleo->s.leg == NULL);
    down();
}

static void test_clear_call(void)
{
    up();
    confer();
    ANSWER(on("ClearCall", "callToBeCleared", "c1", "1001", ""), "ClearCallResponse");
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1001");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1001");
    EVENTS(c, "Cleared c1:1003 null normalClearing by=1001");
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL && cleo->s.leg == NULL);
    down();
}

/** The focus takes one out, and then all. */
static void test_focus_hangs_up(void)
{
    up();
    confer();
    focus_drop(&f, "1002");
    world_run(&w, 300);
    EVENTS(a, "Cleared c1:1002 connected normalClearing by=1002");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1002");
    CHECK(bob->s.leg == NULL);
    app_forget(&w.crm);
    focus_drop(&f, "1001");
    focus_drop(&f, "1003");
    world_run(&w, 300);
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1001");
    EVENTS(c, "Cleared c1:1003 null normalClearing by=1001");
    down();
}

/* ---- failures: everything is as before ---- */

static void test_focus_refuses(void)
{
    static const struct {
        unsigned status;
        const char *error;
    } cases[] = {{486, "systemResourceAvailibility/resourceBusy"},
                 {503, "systemResourceAvailibility/resourceBusy"},
                 {403, "systemResourceAvailibility/resourceOutOfService"},
                 {404, "systemResourceAvailibility/resourceOutOfService"},
                 {488, "systemResourceAvailibility/resourceOutOfService"}};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t good = 0; good < 3; good++) { /* which of the three seats */
            up();
            two_calls();
            f.answer = cases[i].status;
            f.good = good;
            ANSWER(done(ask_confer("c1", "c2")), cases[i].error);
            EVENTS(NULL, "");
            check_untouched();
            down();
        }
    }
}

static void test_focus_is_silent(void)
{
    up();
    two_calls();
    f.answer = 0;
    struct ask *q = ask_confer("c1", "c2");
    world_run(&w, 7000);
    ANSWER(q, "systemResourceAvailibility/resourceOutOfService");
    EVENTS(NULL, "");
    world_run(&w, 5000);
    check_untouched();
    down();
}

static void test_focus_says_nothing_of_media(void)
{
    up();
    two_calls();
    f.no_sdp = true;
    ANSWER(done(ask_confer("c1", "c2")), "systemResourceAvailibility/resourceOutOfService");
    EVENTS(NULL, "");
    check_untouched();
    down();
}

/** Each of the three in turn; the others may have been moved already. */
static void test_phone_refuses(void)
{
    for (int who = 0; who < 3; who++) {
        up();
        two_calls();
        test_context(who == 0 ? "ann" : who == 1 ? "bob" : "cleo");
        struct phone *p = PHONE(&w, who);
        p->refuse_offers = 488;
        struct ask *q = ask_confer("c1", "c2");
        world_run(&w, 60);
        p->refuse_offers = 0;
        ANSWER(done(q), "operation/requestIncompatibleWithConnection");
        EVENTS(NULL, "");
        world_run(&w, 8000);
        check_untouched();
        ANSWER(done(ask_confer("c1", "c2")), "ConferenceCallResponse c1:1001");
        ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
        down();
    }
}

/** 491: again, and then it works; for ever: nothing has changed. */
static void test_conference_glare(void)
{
    for (int who = 0; who < 3; who++) {
        up();
        two_calls();
        PHONE(&w, who)->refuse_offers = 491;
        struct ask *q = ask_confer("c1", "c2");
        world_run(&w, 1000);
        CHECK_INT(q->answers, 0);
        PHONE(&w, who)->refuse_offers = 0;
        world_run(&w, 4500);
        ANSWER(q, "ConferenceCallResponse c1:1001");
        ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
        down();
    }
    up();
    two_calls();
    bob->refuse_offers = 491;
    struct ask *q = ask_confer("c1", "c2");
    world_run(&w, 8000);
    ANSWER(q, "systemResourceAvailibility/resourceOutOfService");
    bob->refuse_offers = 0;
    world_run(&w, 8000);
    check_untouched();
    down();
}

static void test_not_configured(void)
{
    up_with(NULL);
    two_calls();
    ANSWER(done(ask_confer("c1", "c2")), "operation/serviceNotSupported");
    ANSWER(done(ask_invite("c2", "1001", "1004", "active", "")),
           "operation/serviceNotSupported");
    check_untouched();
    down();
}

static bool is_listed(const struct csta_feature_list *list, enum csta_msg_id id)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->item[i].id == id) {
            return true;
        }
    }
    return false;
}

/** The profile is claimed, and its services and event are listed, where there is a focus. */
static void test_claimed_with_a_focus(void)
{
    for (int focus = 0; focus < 2; focus++) {
        up_with(focus == 1 ? rooms : NULL);
        struct ask *q = done(app_ask(&w.crm, "GetSwitchingFunctionCaps", "%s", ""));
        REQUIRE(q->msg.id == CSTA_MSG_GET_SWITCHING_FUNCTION_CAPS_RESPONSE);
        const struct csta_profiles *p = q->msg.get_switching_function_caps_response->profiles;
        CHECK_INT(p->conferencing_endpoint_call_control_profile == CSTA_TRUE ||
                      p->conferencing_uacsta_call_control_profile == CSTA_TRUE,
                  focus);
        q = done(app_ask(&w.crm, "GetCSTAFeatures", "%s", ""));
        REQUIRE(q->msg.id == CSTA_MSG_GET_CSTA_FEATURES_RESPONSE);
        const struct csta_get_csta_features_response *r = q->msg.get_csta_features_response;
        const struct csta_feature_list *list = &r->supported_services->call_control_serv_list;
        CHECK_INT(is_listed(list, CSTA_MSG_CONFERENCE_CALL), focus);
        CHECK_INT(is_listed(list, CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL), focus);
        CHECK(is_listed(list, CSTA_MSG_TRANSFER_CALL));
        CHECK_INT(
            is_listed(&r->supported_events->call_control_evts_list, CSTA_MSG_CONFERENCED_EVENT),
            focus);
        down();
    }
}

/* ---- SingleStepConferenceCall ---- */

static void test_single_step(void)
{
    up();
    talk();
    ANSWER(done(ask_invite("c1", "1001", "1003", "active", "")),
           "SingleStepConferenceCallResponse c1:1003");
    EVENTS(a, "Delivered c1:1003 connected singleStepConference 1001>1003");
    EVENTS(b, "Delivered c1:1003 connected singleStepConference 1001>1003");
    EVENTS(c, "Delivered c1:1003 alerting singleStepConference 1001>1003");
    check_parties(ann, bob);
    app_forget(&w.crm);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    EVENTS(a, "Established c1:1003 connected singleStepConference 1001>1003; "
              "Conferenced c1:1001 connected singleStepConference by=1001 added=1003 "
              "[1001<c1,1002<c1,1003+]");
    EVENTS(c, "Established c1:1003 connected singleStepConference 1001>1003; "
              "Conferenced c1:1001 connected singleStepConference by=1001 added=1003 "
              "[1001<c1,1002<c1,1003+]");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    down();
}

/** No ringing before the answer; correlator and User-to-User go along. */
static void test_single_step_answered_at_once(void)
{
    up();
    talk();
    cleo->on_call = 200;
    ANSWER(done(ask_invite("c1", "1002", "1003", "active",
                           "<correlatorData><string>0a0b</string></correlatorData>"
                           "<userData><string>68656C6C6F</string></userData>")),
           "SingleStepConferenceCallResponse c1:1003");
    EVENTS(c, "Established c1:1003 connected singleStepConference 1002>1003 uui=hello "
              "corr=0a0b; Conferenced c1:1002 connected singleStepConference by=1002 "
              "added=1003 [1001<c1,1002<c1,1003+] corr=0a0b");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
    down();
}

/** Into a conference that stands: only the new one needs a seat. */
static void test_single_step_into_conference(void)
{
    up();
    confer();
    dan->on_call = 200;
    size_t calls = f.calls;
    ANSWER(done(ask_invite("c1", "1002", "1004", "active", "")),
           "SingleStepConferenceCallResponse c1:1004");
    CHECK_INT(f.calls, calls + 1);
    EVENTS(d, "Established c1:1004 connected singleStepConference 1002>1004; "
              "Conferenced c1:1002 connected singleStepConference by=1002 added=1004 "
              "[1001<c1,1002<c1,1003<c1,1004+]");
    ROOM("10.0.1.1 10.0.1.2 10.0.1.3 10.0.1.4");
    app_forget(&w.crm);
    ANSWER(done(ask_invite("c1", "1001", "1005", "active", "")),
           "systemResourceAvailibility/conferenceMemberLimitExceeded");
    EVENTS(NULL, "");
    down();
}

static void test_single_step_silent(void)
{
    up();
    talk();
    cleo->on_call = 200;
    ANSWER(done(ask_invite("c1", "1001", "1003", "silent", "")),
           "SingleStepConferenceCallResponse c1:1003");
    CHECK(str_find(str_c(f.seat[f.seats - 1].room), STR("-mute")) <
          strlen(f.seat[f.seats - 1].room));
    CHECK_INT(focus_taken(&f), 3);
    down();
}

static void no_silent_room(struct world *world)
{
    rooms(world);
    world->config.call.silent_room = STR_NONE;
}

static void test_single_step_refused(void)
{
    up_with(no_silent_room);
    talk();
    ANSWER(done(ask_invite("c1", "1001", "1003", "silent", "")),
           "operation/participationTypeOutOfRange");
    ANSWER(done(ask_invite("c1", "1001", "1003", "none", "")),
           "operation/participationTypeOutOfRange");
    ANSWER(done(ask_invite("c1", "1001", "1777", "active", "")),
           "operation/invalidDestination");
    ANSWER(done(ask_invite("c1", "1001", "1002", "active", "")),
           "operation/invalidDestination");
    ANSWER(done(ask_invite("c1", "1001", "1001", "active", "")),
           "operation/invalidDestination");
    cleo->on_call = 486;
    ANSWER(done(ask_invite("c1", "1001", "1003", "active", "")),
           "systemResourceAvailibility/resourceBusy");
    EVENTS(NULL, "");
    check_parties(ann, bob);
    ANSWER(on("HoldCall", "callToBeHeld", "c1", "1001", ""), "HoldCallResponse");
    app_forget(&w.crm);
    ANSWER(done(ask_invite("c1", "1001", "1004", "active", "")),
           "stateIncompatibility/noActiveCall");
    down();
}

/** It rings, and then nothing comes of it: refused, not answered, taken back, given up. */
static void test_single_step_not_answered(void)
{
    for (int how = 0; how < 4; how++) {
        up();
        talk();
        ANSWER(done(ask_invite("c1", "1001", "1003", "active", "")),
               "SingleStepConferenceCallResponse c1:1003");
        app_forget(&w.crm);
        if (how == 0) {
            phone_hang_up(cleo, STR_NONE);
        } else if (how == 1) {
            world_run(&w, 11000);
        } else if (how == 2) {
            ANSWER(clear("c1", "1003"), "ClearConnectionResponse");
        } else {
            phone_hang_up(ann, STR_NONE);
        }
        world_run(&w, 500);
        CHECK(cleo->s.leg == NULL);
        if (how < 3) {
            CHECK(str_starts(str_c(app_events(&w.crm, a)), STR("Failed c1:1003 connected ")));
            check_parties(ann, bob);
        } else {
            EVENTS(c, "Cleared c1:1003 null normalClearing by=1001");
        }
        down();
    }
}

/** It answers, and the focus will not have them: it is let go, the others talk on. */
static void test_single_step_focus_refuses(void)
{
    for (size_t good = 0; good < 3; good++) {
        up();
        talk();
        f.answer = 503;
        f.good = good;
        cleo->on_call = 200;
        ANSWER(done(ask_invite("c1", "1001", "1003", "active", "")),
               "systemResourceAvailibility/resourceBusy");
        EVENTS(a, "");
        CHECK(cleo->s.leg == NULL);
        check_parties(ann, bob);
        CHECK_INT(focus_taken(&f), 0);
        down();
    }
}

/* ---- factories ---- */

static void factory(struct world *world)
{
    rooms(world);
    world->config.call.focus = STR("sip:factory@10.0.4.1");
    world->config.call.room = world->config.call.silent_room = STR_NONE;
}

/** The Contact of its first answer is the room; or that of its 302. */
static void test_factory(void)
{
    for (int redirects = 0; redirects < 2; redirects++) {
        up_with(factory);
        f.factory = true;
        f.redirects = redirects == 1;
        two_calls();
        ANSWER(done(ask_confer("c1", "c2")), "ConferenceCallResponse c1:1001");
        ROOM("10.0.1.1 10.0.1.2 10.0.1.3");
        CHECK_STR(str_c(f.seat[0].room), redirects == 1 ? "room-1" : "factory");
        CHECK_STR(str_c(f.seat[1].room), "room-1");
        CHECK_STR(str_c(f.seat[2].room), "room-1");
        CHECK_INT(f.calls, 3 + redirects);
        down();
    }
}

TEST_MAIN(T(test_15_conference), T(test_conference_of_device), T(test_parties_leave),
          T(test_conferencing_device_leaves), T(test_party_is_dropped), T(test_clear_call),
          T(test_focus_hangs_up), T(test_focus_refuses), T(test_focus_is_silent),
          T(test_focus_says_nothing_of_media), T(test_phone_refuses), T(test_conference_glare),
          T(test_not_configured), T(test_claimed_with_a_focus), T(test_single_step),
          T(test_single_step_answered_at_once), T(test_single_step_into_conference),
          T(test_single_step_silent), T(test_single_step_refused),
          T(test_single_step_not_answered), T(test_single_step_focus_refuses), T(test_factory))
