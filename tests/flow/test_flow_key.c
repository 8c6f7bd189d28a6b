/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys: the one that answers is pressed on the phone that rings and on no other, while it has
 * no other call; over HTTP at the address from which it has registered and at no other, by
 * NOTIFY wherever its registration leads. Calls of the phone's own are held, retrieved and
 * cleared by keys when it does not serve that, and do not disturb is switched.
 */
#include "fetch.h"
#include "tel.h"
#include "uaphone.h"
#include "watcher.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static struct world w;
static struct uaphone u, other; /**< two phones of 1004 */
static struct tel_profile keys;

static bool by_notify; /**< it takes keys so, too */
static bool by_event;  /**< … and its switches by as-feature-event */

static void with_keys(struct world *world)
{
    struct phone_profile *p = tel_profile(&keys, world, 3, "keys");
    p->action_uri = STR("http://{address}/servlet?key={key}");
    p->action_notify = by_notify;
    p->feature_event = by_event;
    p->action_key[PHONE_ACT_ANSWER] = STR("OK");
    p->action_key[PHONE_ACT_CLEAR] = STR("CANCEL");
    p->action_key[PHONE_ACT_HOLD] = STR("F_HOLD");
    p->action_key[PHONE_ACT_RETRIEVE] = STR("F_HOLD");
    p->action_key[PHONE_ACT_DND_ON] = STR("DNDOn");
    p->action_key[PHONE_ACT_DND_OFF] = STR("DNDOff");
    static const uint16_t without[] = {
        CSTA_MSG_ANSWER_CALL,   CSTA_MSG_CLEAR_CONNECTION,   CSTA_MSG_HOLD_CALL,
        CSTA_MSG_RETRIEVE_CALL, CSTA_MSG_SET_DO_NOT_DISTURB, CSTA_MSG_GET_DO_NOT_DISTURB};
    for (size_t i = 0; i < ARRAY_LEN(without); i++) {
        phone_messages_remove(&p->services, (enum csta_msg_id)without[i]);
    }
}

static void phone_on(struct uaphone *phone, const char *name, const char *ip,
                     enum transport transport, const char *lines, const char *contact)
{
    uaphone_up(phone, &w.net, &w.node, name, ip, "1004", "pw1004", transport, &keys.own, NULL,
               0);
    phone->p.register_lines = lines;
    if (contact != NULL) {
        phone_register_contact(&phone->p, contact, 3600);
    } else {
        phone_register(&phone->p, 3600);
    }
    world_run(&w, 2000);
    CHECK_INT(phone->p.register_status, 200);
}

/** @param lines, contact  of its REGISTER, or NULL */
static void up(enum transport transport, const char *lines, const char *contact)
{
    world_up(&w, &(struct world_options){.tweak = with_keys});
    fetch_keep(&w.node.env);
    phone_on(&u, "u", "10.0.1.40", transport, lines, contact);
    CHECK_INT(u.sessions, 1);
}

static void phone_off(struct uaphone *phone)
{
    phone_hang_up(&phone->p, STR_NONE);
    world_run(&w, 1000);
    phone->p.register_lines = NULL;
    phone_register_contact(&phone->p, "*", 0);
    world_run(&w, 1000);
}

static void down(void)
{
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    phone_off(&u);
    world_down(&w);
    uaphone_down(&u);
}

/** 1001 calls 1004, and the application has it answered. @return the request */
static struct ask *rung(const char *call)
{
    if (!CHECK(phone_call(PHONE(&w, 0), "1004", true, STR_NONE) != NULL)) {
        abort();
    }
    (void)world_monitor(&w, &w.crm, "1004");
    world_run(&w, 1000);
    struct ask *q =
        app_on_connection(&w.crm, "AnswerCall", "callToBeAnswered", call, "1004", "");
    world_run(&w, 500);
    return q;
}

/** What cannot be pressed is not, and said to be so. */
static void not_pressed(const char *call)
{
    struct ask *q = rung(call);
    CHECK_INT(q->answers, 1);
    ANSWER(q, "operation/requestIncompatibleWithDevice");
    CHECK_INT(fetched.times, 0);
    CHECK_STR(str_c(fetched.url), "");
}

static void test_pressed(void)
{
    up(TP_UDP, NULL, NULL);
    struct ask *q = rung("c1");
    CHECK_STR(str_c(fetched.url), "http://10.0.1.40/servlet?key=OK");
    engine_fetched(w.engine, fetched.tag, 200, w.net.now_ms);
    world_run(&w, 500);
    ANSWER(q, "AnswerCallResponse");
    down();
}

/** Through a proxy: from where the REGISTER came is not the phone. */
static void test_behind_a_proxy(void)
{
    up(TP_UDP, "Supported: path\r\nPath: <sip:10.0.1.40;lr>\r\n", NULL);
    not_pressed("c1");
    down();
}

/** Its connection is gone, and its contact names somebody else: he is called, and no more. */
static void test_flow_is_gone(void)
{
    struct phone victim;
    up(TP_TCP, NULL, "<sip:1004@10.0.1.41:5060;transport=tcp>");
    phone_up(&victim, &w.net, &w.node, "victim", "10.0.1.41", "1004", "pw1004", TP_TCP);
    CHECK(vnet_close(&w.net, &w.node, &u.p.s.node) > 0);
    world_run(&w, 100);
    not_pressed("c1");
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &victim.s.node, "INVITE<m=audio"), 1);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 1000);
    down();
    phone_down(&victim);
}

/** Two phones of the device, one of which has refused. */
static void test_the_one_that_rings(void)
{
    for (int round = 0; round < 2; round++) {
        up(TP_UDP, NULL, NULL);
        phone_on(&other, "other", "10.0.1.41", TP_UDP, NULL, NULL);
        (round == 0 ? &u : &other)->p.on_call = 486;
        (void)rung("c1");
        CHECK_STR(str_c(fetched.url), round == 0 ? "http://10.0.1.41/servlet?key=OK"
                                                 : "http://10.0.1.40/servlet?key=OK");
        engine_fetched(w.engine, fetched.tag, 0, w.net.now_ms);
        phone_off(&other);
        down();
        uaphone_down(&other);
    }
}

/** The key would act on one of two calls, and nobody knows on which. */
static void test_another_call(void)
{
    up(TP_UDP, NULL, NULL);
    struct uaphone_call *c = uaphone_rings(&u, "4711");
    world_run(&w, 300);
    uaphone_answers(&u, c);
    world_run(&w, 300);
    not_pressed("c1");
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    uaphone_clears(&u, c, true);
    world_run(&w, 1000);
    (void)rung("c3"); /* c2 was the other one */
    CHECK_INT(fetched.times, 1);
    engine_fetched(w.engine, fetched.tag, 0, w.net.now_ms);
    down();
}

/* ---- by NOTIFY ---- */

static void up_by_notify(unsigned odd, const char *lines)
{
    by_notify = true;
    world_up(&w, &(struct world_options){.tweak = with_keys});
    fetch_keep(&w.node.env);
    phone_on(&u, "u", "10.0.1.40", TP_UDP, lines, NULL);
    u.odd = odd;
    CHECK_INT(u.sessions, 1);
    by_notify = false;
}

/** What keys the phone was sent, since the last time. */
static const char *pressed(void)
{
    static char text[256];
    size_t n = 0;
    text[0] = '\0';
    for (char *at = u.heard; (at = strstr(at, "key=")) != NULL; at++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n > 0 ? " " : "",
                              (int)strcspn(at, " "), at);
    }
    u.heard[0] = '\0';
    return text;
}

static void test_pressed_by_notify(void)
{
    up_by_notify(0, NULL);
    struct ask *q = rung("c1");
    CHECK_STR(str_c(pressed()), "key=OK");
    ANSWER(q, "AnswerCallResponse");
    CHECK_INT(fetched.times, 0);
    CHECK(phone_talks(PHONE(&w, 0)));
    down();
}

/** One that does not know the event is asked over HTTP, from then on at once. */
static void test_notify_is_refused(void)
{
    up_by_notify(UAPHONE_NO_KEYS, NULL);
    for (int round = 0; round < 2; round++) {
        struct ask *q = rung(round == 0 ? "c1" : "c2");
        CHECK_STR(str_c(pressed()), round == 0 ? "key=OK" : "");
        CHECK_INT(fetched.times, (size_t)round + 1);
        CHECK_STR(str_c(fetched.url), "http://10.0.1.40/servlet?key=OK");
        CHECK_INT(q->answers, 0);
        engine_fetched(w.engine, fetched.tag, 200, w.net.now_ms);
        world_run(&w, 500);
        ANSWER(q, "AnswerCallResponse");
        phone_hang_up(PHONE(&w, 0), STR_NONE);
        world_run(&w, 500);
    }
    down();
}

/** No answer says nothing about the key: it is not pressed once more. */
static void test_notify_is_not_answered(void)
{
    up_by_notify(UAPHONE_MUTE, NULL);
    struct ask *q = rung("c1");
    world_run(&w, 40000);
    CHECK_INT(q->answers, 1);
    CHECK(strstr(q->text, "Response") == NULL);
    CHECK_INT(fetched.times, 0);
    u.odd = 0;
    down();
}

/* ---- calls of the phone's own ---- */

/** @return how it was answered */
static const char *command_of(const char *service, const char *element)
{
    struct ask *q = app_on_connection(&w.crm, service, element, "c1", "1004", "");
    world_run(&w, 500);
    CHECK_INT(q->answers, 1);
    return q->text;
}

static const char *told_now(void)
{
    world_run(&w, 300);
    const char *text = app_events(&w.crm, NULL);
    app_forget(&w.crm);
    return text;
}

#define KEY(service, element, key, event)                                   \
    do {                                                                    \
        CHECK_STR(str_c(command_of(service, element)), service "Response"); \
        CHECK_STR(str_c(pressed()), key);                                   \
        CHECK_STR(str_c(told_now()), event);                                \
    } while (0)

static void test_own_calls(void)
{
    up_by_notify(0, NULL);
    (void)world_monitor(&w, &w.crm, "1004");
    (void)told_now(); /* BackInService */
    struct uaphone_call *c = uaphone_rings(&u, "4711");
    CHECK_STR(str_c(told_now()), "Delivered c1:1004 alerting newCall 4711>1004");
    (void)pressed();
    KEY("AnswerCall", "callToBeAnswered", "key=OK",
        "Established c1:1004 connected newCall 4711>1004");
    KEY("HoldCall", "callToBeHeld", "key=F_HOLD", "Held c1:1004 hold normal");
    CHECK_STR(str_c(command_of("HoldCall", "callToBeHeld")),
              "stateIncompatibility/noActiveCall"); /* the key would retrieve it */
    CHECK_STR(str_c(pressed()), "");
    KEY("RetrieveCall", "callToBeRetrieved", "key=F_HOLD",
        "Retrieved c1:1004 connected normal");

    struct uaphone_call *second = uaphone_rings(&u, "4712");
    (void)told_now();
    CHECK_STR(str_c(command_of("HoldCall", "callToBeHeld")), "operation/serviceNotSupported");
    CHECK_STR(str_c(pressed()), ""); /* on which of the two would it act? */
    uaphone_clears(&u, second, true);
    (void)told_now();
    KEY("ClearConnection", "connectionToBeCleared", "key=CANCEL",
        "Cleared c1:1004 null normalClearing by=1004");
    CHECK_INT(c->state, UACALL_NONE);
    down();
}

/** Without NOTIFY the same over HTTP. */
static void test_own_calls_over_http(void)
{
    up(TP_UDP, NULL, NULL);
    (void)world_monitor(&w, &w.crm, "1004");
    struct uaphone_call *c = uaphone_rings(&u, "4711");
    world_run(&w, 300);
    uaphone_answers(&u, c);
    world_run(&w, 300);
    struct ask *q = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1004", "");
    world_run(&w, 300);
    CHECK_STR(str_c(fetched.url), "http://10.0.1.40/servlet?key=F_HOLD");
    CHECK_INT(q->answers, 0);
    engine_fetched(w.engine, fetched.tag, 401, w.net.now_ms); /* it has a password */
    world_run(&w, 300);
    ANSWER(q, "operation/requestIncompatibleWithConnection");
    CHECK_INT(fetched.times, 1);
    uaphone_clears(&u, c, true);
    down();
}

/** A phone behind a proxy has no key pressed over HTTP; what it serves is still asked. */
static void test_own_calls_behind_a_proxy(void)
{
    up(TP_UDP, "Supported: path\r\nPath: <sip:10.0.1.40;lr>\r\n", NULL);
    (void)world_monitor(&w, &w.crm, "1004");
    struct uaphone_call *c = uaphone_rings(&u, "4711");
    world_run(&w, 300);
    CHECK_STR(str_c(command_of("AnswerCall", "callToBeAnswered")),
              "operation/serviceNotSupported");
    CHECK_INT(fetched.times, 0);
    uaphone_clears(&u, c, true);
    down();
}

/* ---- do not disturb ---- */

static void set_dnd(bool on)
{
    char body[128];
    (void)snprintf(body, sizeof(body),
                   "<device>1004</device><doNotDisturbOn>%s</doNotDisturbOn>",
                   on ? "true" : "false");
    struct ask *q = app_ask(&w.crm, "SetDoNotDisturb", "%s", body);
    world_run(&w, 500);
    ANSWER(q, "SetDoNotDisturbResponse");
}

static void test_dnd_key(void)
{
    up_by_notify(0, NULL);
    (void)pressed();
    set_dnd(true);
    CHECK_STR(str_c(pressed()), "key=DNDOn");
    CHECK(u.dnd);
    set_dnd(false);
    CHECK_STR(str_c(pressed()), "key=DNDOff");
    CHECK(!u.dnd);
    CHECK_INT(fetched.times, 0);
    down();
}

/** A phone that has subscribed to the switches is told them so, and has no key pressed. */
static void test_dnd_by_subscription(void)
{
    static struct watcher own;
    by_event = true;
    up_by_notify(0, NULL);
    by_event = false;
    (void)pressed();
    set_dnd(true);
    CHECK_STR(str_c(pressed()), "key=DNDOn"); /* it has not */
    watcher_up(&own, &w.net, &w.node, "own", "10.0.4.4", "1004", "pw1004", TP_UDP);
    watcher_subscribe(&own, "1004", "as-feature-event", 60, "", "");
    world_run(&w, 200);
    CHECK_INT(own.status, 200);
    set_dnd(false);
    CHECK_STR(str_c(pressed()), "");
    CHECK(watcher_has(&own, "<doNotDisturbOn>false</doNotDisturbOn>"));
    world_run(&w, 70000);
    down();
    watcher_down(&own);
}

TEST_MAIN(T(test_pressed), T(test_behind_a_proxy), T(test_flow_is_gone),
          T(test_the_one_that_rings), T(test_another_call), T(test_pressed_by_notify),
          T(test_notify_is_refused), T(test_notify_is_not_answered), T(test_own_calls),
          T(test_own_calls_over_http), T(test_own_calls_behind_a_proxy), T(test_dnd_key),
          T(test_dnd_by_subscription))
