/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key that answers, over HTTP: pressed on the phone that rings and on no other, while it
 * has no other call, and at the address from which it has registered and at no other.
 */
#include "uaphone.h"
#include "world.h"

#include <stdio.h>
#include <stdlib.h>

static struct world w;
static struct uaphone u, other; /**< two phones of 1004 */
static struct phone_profile keys;
static struct phone_profiles profiles;

static struct {
    size_t times;
    char url[256];
    uint64_t tag;
} fetched;

static int fetch(void *ctx, struct str url, uint32_t timeout_ms, uint64_t tag)
{
    (void)ctx;
    (void)timeout_ms;
    fetched.times++;
    fetched.tag = tag;
    (void)snprintf(fetched.url, sizeof(fetched.url), "%.*s", STR_ARG(url));
    return 0;
}

static void with_keys(struct world *world)
{
    keys = phone_profile_generic;
    keys.name = STR("keys");
    keys.action_uri = STR("http://{address}/servlet?key={key}");
    keys.action_key[PHONE_ACT_ANSWER] = STR("OK");
    phone_messages_remove(&keys.services, CSTA_MSG_ANSWER_CALL);
    profiles = (struct phone_profiles){.item = &keys, .count = 1};
    world->config.phone_profiles = &profiles;
    world->device[3].phone_profile = keys.name;
}

static void phone_on(struct uaphone *phone, const char *name, const char *ip,
                     enum transport transport, const char *lines, const char *contact)
{
    uaphone_up(phone, &w.net, &w.node, name, ip, "1004", "pw1004", transport, &keys, NULL, 0);
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
    memset(&fetched, 0, sizeof(fetched));
    world_up(&w, &(struct world_options){.tweak = with_keys});
    w.node.env.fetch = fetch;
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

TEST_MAIN(T(test_pressed), T(test_behind_a_proxy), T(test_flow_is_gone),
          T(test_the_one_that_rings), T(test_another_call))
