/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every profile that comes with Baton, run through with the phone driver and a phone that
 * follows it (uaphone.h): session opened, monitored; a call that Baton does not carry followed,
 * answered, held, retrieved, cleared; a call that it carries answered at the phone; what is
 * switched on it; the session forgotten, and the phone restarted. Then the misbehaviours of the
 * field.
 */
#include "fetch.h"
#include "server/profile_file.h"
#include "uaphone.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static struct world w;
static struct uaphone u;
static struct profile_set *set;
static bool focus;      /**< there is one for conferences */
static const char *ref; /**< of the application's monitor */

static void with_phones(struct world *world)
{
    world->config.phone.automatic = true;
    world->config.phone.refresh_s = 60;
    world->config.phone_profiles = set != NULL ? &set->profiles : NULL;
    if (focus) {
        world->config.call.focus = STR("sip:10.0.4.1");
        world->config.call.room = STR("conf-%s");
    }
}

static void up(const struct phone_profile *p, const char *agent, unsigned odd)
{
    bool tls = (p->quirks & PHONE_QUIRK_TLS_ONLY) != 0;
    world_up(&w, &(struct world_options){.tweak = with_phones});
    uaphone_up(&u, &w.net, &w.node, "u", "10.0.1.40", "1004", "pw1004", tls ? TP_TLS : TP_UDP,
               p, agent, odd);
    if (p->name_form == PHONE_NAME_MAC) {
        u.p.register_params =
            ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-001049543b4c>\"";
    }
    if (str_eq(p->name, phone_profile_generic.name)) {
        w.device[3].phone_profile = p->name;
    }
    phone_register(&u.p, 3600);
    world_run(&w, 2000);
    CHECK_INT(u.p.register_status, 200);
    ref = world_monitor(&w, &w.crm, "1004");
    world_run(&w, 200);
    app_forget(&w.crm);
}

static void down(void)
{
    phone_hang_up(&u.p, STR_NONE);
    phone_register(&u.p, 0);
    world_run(&w, 1000);
    world_down(&w);
    uaphone_down(&u);
}

static const char *told(uint64_t ms)
{
    world_run(&w, ms);
    const char *text = app_events(&w.crm, ref);
    app_forget(&w.crm);
    return text;
}

#define TOLD(want) CHECK_STR(str_c(told(1000)), want)

static bool serves(enum csta_msg_id id)
{
    return phone_profile_has(u.profile, id);
}

/** A service on the device's own connection; the answer is to be a positive one. */
static void command(const char *service, const char *element, const char *call)
{
    char want[64];
    struct ask *q = app_on_connection(&w.crm, service, element, call, "1004", "");
    world_run(&w, 500);
    (void)snprintf(want, sizeof(want), "%sResponse", service);
    ANSWER(q, want);
}

/* ---- what each profile is run through ---- */

/** A call that the server never sees. */
static void own_call(const char *call)
{
    char want[128];
    (void)uaphone_rings(&u, "4711");
    (void)snprintf(want, sizeof(want), "Delivered %s:1004 alerting newCall 4711>1004", call);
    TOLD(want);
    command("AnswerCall", "callToBeAnswered", call);
    CHECK(uaphone_find(&u, UACALL_TALKING) != NULL);
    (void)snprintf(want, sizeof(want), "Established %s:1004 connected newCall 4711>1004", call);
    TOLD(want);
    if (serves(CSTA_MSG_HOLD_CALL)) {
        command("HoldCall", "callToBeHeld", call);
        CHECK(uaphone_find(&u, UACALL_HELD) != NULL);
        (void)snprintf(want, sizeof(want), "Held %s:1004 hold normal", call);
        TOLD(want);
        command("RetrieveCall", "callToBeRetrieved", call);
        (void)snprintf(want, sizeof(want), "Retrieved %s:1004 connected normal", call);
        TOLD(want);
    }
    command("ClearConnection", "connectionToBeCleared", call);
    CHECK(uaphone_find(&u, UACALL_TALKING) == NULL);
    (void)snprintf(want, sizeof(want), "Cleared %s:1004 null normalClearing by=1004", call);
    TOLD(want);
}

/** One that it carries: the phone is asked to answer, and its own word of it is no news. */
static void carried_call(const char *call)
{
    char want[256];
    size_t heard = strlen(u.heard);
    REQUIRE(phone_call(PHONE(&w, 0), "1004", true, STR_NONE) != NULL);
    (void)snprintf(want, sizeof(want), "Delivered %s:1004 alerting newCall 1001>1004", call);
    TOLD(want);
    command("AnswerCall", "callToBeAnswered", call);
    CHECK(strstr(u.heard + heard, "AnswerCall") != NULL);
    CHECK(phone_talks(&u.p) && phone_talks(PHONE(&w, 0)));
    (void)snprintf(want, sizeof(want), "Established %s:1004 connected newCall 1001>1004", call);
    TOLD(want);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    (void)snprintf(want, sizeof(want), "Cleared %s:1004 null normalClearing by=1001", call);
    TOLD(want);
}

static void switches(void)
{
    struct ask *q;
    if (serves(CSTA_MSG_SET_DO_NOT_DISTURB)) {
        q = app_ask(&w.crm, "SetDoNotDisturb",
                    "<device>1004</device><doNotDisturbOn>true</doNotDisturbOn>");
        world_run(&w, 1000);
        ANSWER(q, "SetDoNotDisturbResponse");
        CHECK(u.dnd);
        TOLD("DoNotDisturb 1004 on");
        uaphone_sets_dnd(&u, false); /* at the phone */
        TOLD(u.profile->own_events ? "DoNotDisturb 1004 off" : "");
    }
    if (serves(CSTA_MSG_SET_SPEAKER_VOLUME)) {
        q = app_ask(&w.crm, "SetSpeakerVolume",
                    "<device>1004</device><speakerVolume><volAbs>70</volAbs></speakerVolume>");
        world_run(&w, 1000);
        ANSWER(q, "SetSpeakerVolumeResponse");
        CHECK_INT(u.volume, 70);
    }
    q = app_ask(&w.crm, "SetRingerStatus", "<device>1004</device><ringMode>ringing</ringMode>");
    world_run(&w, 500);
    ANSWER(q, "operation/serviceNotSupported"); /* no profile has it */
}

static void lost_and_back(void)
{
    struct uaphone_call *c = uaphone_rings(&u, "4712");
    TOLD("Delivered c3:1004 alerting newCall 4712>1004");
    uaphone_forget(&u); /* what its session is, it does not know; its call it does */
    uaphone_clears(&u, c, true);
    world_run(&w, 70000);
    CHECK_INT(u.sessions, 2);
    CHECK(u.ref[0] != '\0');
    const char *text = told(5000);
    if (serves(CSTA_MSG_SNAPSHOT_DEVICE)) {
        CHECK(strstr(text, "Cleared c3:1004 null") != NULL ||
              !CHECK_STR(str_c(text), "Cleared c3"));
    }
    CHECK(strstr(text, "BackInService 1004") != NULL ||
          !CHECK_STR(str_c(text), "BackInService 1004"));

    uaphone_restart(&u);
    world_run(&w, 5000);
    CHECK_INT(u.sessions, 3);
    CHECK(u.ref[0] != '\0');
    (void)told(1000);
}

static void run_session(const struct phone_profile *p)
{
    up(p, NULL, 0);
    CHECK_INT(u.sessions, 1);
    CHECK(str_starts(str_c(u.heard), STR("INVITE")));
    CHECK((u.ref[0] != '\0') == p->own_events);
    if (p->own_events) {
        own_call("c1");
        carried_call("c2");
        switches();
        lost_and_back();
        own_call("c4");
    } else {
        carried_call("c1");
    }
    down();
}

static void run_notify(const struct phone_profile *p)
{
    up(p, NULL, 0);
    CHECK_INT(u.sessions, 0);
    CHECK_INT(world_stat(&w, "phone_sessions"), 1); /* it can be asked */
    carried_call("c1");
    switches();
    CHECK(strstr(u.heard, "INVITE") == NULL && strstr(u.heard, "MonitorStart") == NULL);
    CHECK_STR(str_c(u.told), "");
    uaphone_restart(&u);
    world_run(&w, 5000);
    (void)told(100);
    carried_call("c2");
    down();
}

static const char *shipped(void)
{
    static const char updir[] = "../../../";
    static char path[64];
    struct stat st;
    for (int n = 0; n <= 3; n++) {
        (void)snprintf(path, sizeof(path), "%.*sprofiles/snom.yaml", 3 * n, updir);
        if (stat(path, &st) == 0) {
            break;
        }
    }
    *strrchr(path, '/') = '\0';
    return path;
}

static void test_every_profile(void)
{
    struct config_error error;
    set = profile_set_new();
    REQUIRE(set != NULL && profile_set_add(set, shipped(), true, &error));
    CHECK(set->profiles.count >= 11);
    for (size_t i = 0; i < set->profiles.count; i++) {
        const struct phone_profile *p = &set->item[i];
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s", STR_ARG(p->name));
        test_context(name);
        if (p->means == PHONE_MEANS_SESSION) {
            run_session(p);
        } else {
            run_notify(p);
        }
    }
    test_context(NULL);
    profile_set_free(set);
    set = NULL;
}

/* ---- misbehaviours ---- */

static void odd(unsigned how)
{
    char name[32];
    (void)snprintf(name, sizeof(name), "odd %#x", how);
    test_context(name);
    up(&phone_profile_generic, NULL, how);
    CHECK_INT(u.sessions, 1);
    CHECK(u.ref[0] != '\0');
    if ((how & UAPHONE_LATE) == 0) {
        own_call("c1");
    } else {
        struct uaphone_call *c = uaphone_rings(&u, "4711");
        CHECK_STR(str_c(told(1000)), "");
        CHECK_STR(str_c(told(2000)), "Delivered c1:1004 alerting newCall 4711>1004");
        uaphone_clears(&u, c, true);
        CHECK_STR(str_c(told(3000)), "Cleared c1:1004 null normalClearing by=4711");
    }
    test_context(name);
    down();
    test_context(NULL);
}

/** A call from there that was answered. */
static struct uaphone_call *uaphone_answered(struct uaphone *phone, const char *from)
{
    struct uaphone_call *c = uaphone_rings(phone, from);
    world_run(&w, 300);
    uaphone_answers(phone, c);
    world_run(&w, 300);
    return c;
}

static void test_odd_phones(void)
{
    static const unsigned all[] = {UAPHONE_REPEATS,
                                   UAPHONE_LATE,
                                   UAPHONE_EVENT_FIRST,
                                   UAPHONE_GARBAGE,
                                   UAPHONE_EMPTY,
                                   UAPHONE_APART,
                                   UAPHONE_NO_STATUS,
                                   UAPHONE_SIP_REFUSALS,
                                   UAPHONE_REPEATS | UAPHONE_GARBAGE | UAPHONE_EVENT_FIRST};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        odd(all[i]);
    }
}

/** One that refuses is left alone for a while, and its calls are Baton's as those of any phone.
 */
static void test_phones_that_do_not_want(void)
{
    static const unsigned all[] = {UAPHONE_NO_CSTA, UAPHONE_BUSY, UAPHONE_DISABLED};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        up(&phone_profile_generic, NULL, all[i]);
        CHECK(u.ref[0] == '\0');
        CHECK_INT(world_stat(&w, "phone_sessions"), 0);
        world_run(&w, 60000);
        CHECK(wire_count(&w.wire, ENGINE(&w), &u.p.s.node, "INVITE") <= 16);
        REQUIRE(phone_call(PHONE(&w, 0), "1004", true, STR_NONE) != NULL);
        TOLD("Delivered c1:1004 alerting newCall 1001>1004");
        CHECK_INT(phone_answer(&u.p), 0);
        TOLD("Established c1:1004 connected newCall 1001>1004");
        phone_hang_up(PHONE(&w, 0), STR_NONE);
        TOLD("Cleared c1:1004 null normalClearing by=1001");
        down();
    }
}

/** A focus has no hand on calls that do not pass here, whatever else it could mix. */
static void test_no_conference_of_foreign_calls(void)
{
    focus = true;
    up(&phone_profile_generic, NULL, 0);
    focus = false;
    uaphone_holds(&u, uaphone_answered(&u, "4711"));
    (void)uaphone_answered(&u, "4712");
    world_run(&w, 1000);
    struct ask *q =
        app_on_two(&w.crm, "ConferenceCall", "heldCall", "c1", "activeCall", "c2", "1004");
    world_run(&w, 500);
    ANSWER(q, "operation/serviceNotSupported");
    q = app_on_connection(&w.crm, "SingleStepConferenceCall", "activeCall", "c2", "1004",
                          "<deviceToJoin>1001</deviceToJoin>"
                          "<participationType>active</participationType>");
    world_run(&w, 500);
    ANSWER(q, "operation/serviceNotSupported");
    for (struct uaphone_call *c; (c = uaphone_find(&u, UACALL_TALKING)) != NULL ||
                                 (c = uaphone_find(&u, UACALL_HELD)) != NULL;) {
        uaphone_clears(&u, c, true);
    }
    world_run(&w, 1000);
    down();
}

/* ---- without a session ---- */

static struct phone_profile with_keys(void)
{
    struct phone_profile p = phone_profile_generic;
    p.name = STR("keys");
    p.action_uri = STR("http://{address}/servlet?key={key}");
    p.action_key[PHONE_ACT_ANSWER] = STR("OK");
    return p;
}

/** CSTA is off and `talk` unknown: its key is pressed over HTTP. */
static void test_answered_by_key(void)
{
    struct phone_profile p = with_keys();
    struct phone_profiles one = {.item = &p, .count = 1};
    for (int round = 0; round < 3; round++) {
        up(&phone_profile_generic, NULL, UAPHONE_NO_CSTA);
        w.device[3].phone_profile = p.name;
        engine_set_phone_profiles(w.engine, &one, w.net.now_ms);
        fetch_keep(&w.node.env);
        phone_register(&u.p, 3600);
        world_run(&w, 2000);
        REQUIRE(phone_call(PHONE(&w, 0), "1004", true, STR_NONE) != NULL);
        TOLD("Delivered c1:1004 alerting newCall 1001>1004");
        struct ask *q =
            app_on_connection(&w.crm, "AnswerCall", "callToBeAnswered", "c1", "1004", "");
        world_run(&w, 500);
        CHECK_STR(str_c(fetched.url), "http://10.0.1.40/servlet?key=OK");
        CHECK_INT(q->answers, 0);
        if (round == 0) {
            CHECK_INT(phone_answer(&u.p), 0); /* the key does that */
            engine_fetched(w.engine, fetched.tag, 200, w.net.now_ms);
        } else if (round == 1) {
            engine_fetched(w.engine, fetched.tag, 401, w.net.now_ms);
        } else {
            engine_fetched(w.engine, fetched.tag, 0, w.net.now_ms); /* no answer */
        }
        world_run(&w, 500);
        CHECK_INT(q->answers, 1);
        CHECK((q->msg.id == CSTA_MSG_ANSWER_CALL_RESPONSE) == (round == 0));
        (void)told(500);
        phone_hang_up(PHONE(&w, 0), STR_NONE);
        world_run(&w, 500);
        w.device[3].phone_profile = STR("generic");
        engine_set_phone_profiles(w.engine, NULL, w.net.now_ms);
        down();
    }
}

/** It has not said that it knows `talk`; its profile has. */
static void test_talk_by_profile(void)
{
    struct phone_profile p = phone_profile_generic;
    struct phone_profiles one = {.item = &p, .count = 1};
    p.name = STR("talker");
    p.talk = true;
    up(&phone_profile_generic, NULL, UAPHONE_NO_CSTA);
    w.device[3].phone_profile = p.name;
    engine_set_phone_profiles(w.engine, &one, w.net.now_ms);
    phone_register(&u.p, 3600);
    world_run(&w, 2000);
    u.p.talk = true; /* it obeys, and has registered without Allow-Events */
    REQUIRE(phone_call(PHONE(&w, 0), "1004", true, STR_NONE) != NULL);
    TOLD("Delivered c1:1004 alerting newCall 1001>1004");
    command("AnswerCall", "callToBeAnswered", "c1");
    TOLD("Established c1:1004 connected newCall 1001>1004");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &u.p.s.node, "NOTIFY"), 1);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 500);
    w.device[3].phone_profile = STR("generic");
    engine_set_phone_profiles(w.engine, NULL, w.net.now_ms);
    down();
}

/** A phone that nobody knows is sent nothing. */
static void test_unknown_phone(void)
{
    struct phone_profile p = phone_profile_generic;
    p.name = STR("other");
    up(&p, "Nokia 3310", 0);
    CHECK_INT(u.sessions, 0);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &u.p.s.node, "INVITE"), 0);
    down();
}

TEST_MAIN(T(test_every_profile), T(test_odd_phones), T(test_phones_that_do_not_want),
          T(test_no_conference_of_foreign_calls), T(test_answered_by_key),
          T(test_talk_by_profile), T(test_unknown_phone))
