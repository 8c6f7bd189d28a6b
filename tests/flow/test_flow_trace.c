/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of whole calls, captured from a running engine: every leg, what came before the
 * call was known, what applications said and heard, transfers, and values that the border
 * changed.
 */
#include "base/err.h"
#include "capture/story.h"
#include "tel.h"
#include "trio.h"

#include <stdio.h>
#include <stdlib.h>

static struct capture *capture;
static struct story story;
static struct border_policy policy;
static int (*plain_send)(void *ctx, const struct hop *hop, const struct str *run, size_t n);

static int send_seen(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    int err = plain_send(ctx, hop, run, n);
    capture_sent(capture, hop, run, n, err);
    return err;
}

static void tweak(struct world *world)
{
    struct env *env = &world->node.env;
    plain_send = env->send;
    env->send = send_seen;
    env->watch = capture_watch(capture, env);
    world->config.policy = &policy;
}

static void up(void)
{
    capture = capture_new(&(struct capture_config){.octets = 4 << 20});
    REQUIRE(capture != NULL);
    trio_up_with((struct world_options){.tweak = tweak});
}

static void down(void)
{
    trio_down();
    story_fini(&story);
    capture_free(capture);
    policy = (struct border_policy){0};
}

static void read_newest(void)
{
    struct capture_call *call;
    struct arena arena;

    arena_init(&arena, &mem_libc, 4096);
    REQUIRE(capture_calls(capture, 0, 1, &arena, &call) == 1);
    REQUIRE(story_read(capture, call[0].id, &(struct story_options){0}, &story) == 0);
    arena_fini(&arena);
}

/** How many messages have that label, and went that way. */
static size_t labelled(const char *label, bool sent)
{
    size_t n = 0;
    for (size_t i = 0; i < story.count; i++) {
        n += str_eq(story.msg[i].label, str_c(label)) && story.msg[i].m.sent == sent ? 1 : 0;
    }
    return n;
}

static const struct story_msg *first(const char *label, bool sent)
{
    for (size_t i = 0; i < story.count; i++) {
        if (str_eq(story.msg[i].label, str_c(label)) && story.msg[i].m.sent == sent) {
            return &story.msg[i];
        }
    }
    test_check(false, label, __FILE__, __LINE__);
    return &story.msg[0];
}

static void check_order(void)
{
    for (size_t i = 1; i < story.count; i++) {
        CHECK(story.msg[i].m.n > story.msg[i - 1].m.n);
        CHECK(story.msg[i].m.time_us >= story.msg[i - 1].m.time_us);
    }
}

static void test_a_call_from_its_first_message(void)
{
    up();
    phone_call(PHONE(&w, 0), "1002", true,
               STR("User-to-User: 04C801;encoding=hex;purpose=isdn-uui\r\n"));
    world_run(&w, 100);
    phone_answer(PHONE(&w, 1));
    world_run(&w, 200);
    phone_hang_up(PHONE(&w, 0), STR(""));
    world_run(&w, 500);
    read_newest();
    /* the one without credentials came before anybody knew of a call */
    CHECK_INT(labelled("INVITE", false), 2);
    CHECK_INT(labelled("401 Unauthorized", true) +
                  labelled("407 Proxy Authentication Required", true),
              1);
    CHECK_INT(labelled("INVITE", true), 1);
    CHECK_INT(labelled("200 OK", true) >= 2, true);
    CHECK_INT(labelled("BYE", false), 1);
    CHECK_INT(labelled("BYE", true), 1);
    CHECK_INT(labelled("INFO DeliveredEvent", true), 2);
    CHECK_INT(labelled("INFO EstablishedEvent", true), 2);
    CHECK_INT(labelled("INFO MonitorStart", false), 0); /* of no call */
    CHECK_INT(labelled("REGISTER", false), 0);
    const struct story_msg *out = first("INVITE", true);
    REQUIRE(out->uuis == 1);
    CHECK_INT(out->uui[0].change, STORY_SAME);
    CHECK_INT(first("INVITE", false)->uuis, 1);
    CHECK_INT(story.lanes, 4); /* Baton, two phones, the application */
    CHECK_INT(story.calls, 1);
    CHECK(story.family[0].ended_us != 0);
    check_order();
    down();
}

static void test_make_call_and_its_answers(void)
{
    up();
    struct ask *q = app_make_call(&w.crm, "1001", "1002", true, "04C802");
    world_run(&w, 300);
    ANSWER(q, "MakeCallResponse c1:1001");
    phone_answer(PHONE(&w, 0));
    world_run(&w, 300);
    read_newest();
    CHECK_INT(labelled("INFO MakeCall", false), 1);
    CHECK_INT(labelled("200 OK MakeCallResponse", true), 1);
    CHECK_INT(labelled("INVITE", true), 2);
    check_order();
    down();
}

static void test_transfer_is_one_story(void)
{
    char one[64];
    up();
    trio_talk(ann, bob);
    read_newest();
    (void)snprintf(one, sizeof(one), "%.*s", STR_ARG(story.id));
    story_fini(&story);
    ANSWER(trio_done(app_on_connection(&w.crm, "ConsultationCall", "existingCall", "c1", "1001",
                                       "<consultedDevice>1003</consultedDevice>")),
           "ConsultationCallResponse c2:1001");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    read_newest();
    CHECK_INT(story.calls, 1); /* two calls yet */
    story_fini(&story);
    ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
    read_newest();
    CHECK_INT(story.calls, 2);
    CHECK(!str_eq(story.id, str_c(one)));
    CHECK_INT(labelled("INFO TransferCall", false), 1);
    CHECK_INT(labelled("200 OK TransferCallResponse", true), 1);
    CHECK(labelled("INFO TransferedEvent", true) + labelled("INFO TransferredEvent", true) > 0);
    size_t count = story.count;
    story_fini(&story);
    REQUIRE(story_read(capture, str_c(one), &(struct story_options){0}, &story) == 0);
    CHECK_INT(story.count, count); /* whichever of the two is asked for */
    check_order();
    down();
}

static void test_border_says_why(void)
{
    static const struct border_rule rules[] = {
        {.name = STR_INIT("no-uui"), .action = BORDER_STRIP, .direction = BORDER_OUT}};
    up();
    policy.rule = rules;
    policy.count = 1;
    engine_set_policy(w.engine, &policy);
    phone_call(PHONE(&w, 0), "1002", true,
               STR("User-to-User: 04C801;encoding=hex;purpose=isdn-uui\r\n"));
    world_run(&w, 200);
    read_newest();
    const struct story_msg *out = first("INVITE", true);
    REQUIRE(out->uuis == 1);
    CHECK_INT(out->uui[0].change, STORY_REMOVED);
    CHECK(str_find(out->uui[0].why, STR("no-uui")) < out->uui[0].why.n);
    down();
}

static void with_phone(struct world *world)
{
    tweak(world);
    world->device[0].phone_profile = STR("generic");
}

static void with_dialects(struct world *world)
{
    tweak(world);
    world->peer[0].uui.dialect = uui_dialect_named(STR("genesys-pd"));
    world->peer[1].uui.dialect = uui_dialect_named(STR("x-header"));
}

/** In the dialect of either neighbour the value is the same; only how it is written is new. */
static void test_dialects_are_read_as_they_are_meant(void)
{
    capture = capture_new(&(struct capture_config){.octets = 4 << 20});
    REQUIRE(capture != NULL);
    world_up(&w, &(struct world_options){.tweak = with_dialects, .no_apps = true});
    world_raw_invite(&w, &w.gateway, "d1", "8555",
                     "User-to-User: 48656C6C6F;pd=04;encoding=hex;purpose=isdn-uui\n",
                     world_sdp);
    world_run(&w, 50);
    read_newest();
    const struct story_msg *in = first("INVITE", false), *out = first("INVITE", true);
    REQUIRE(in->uuis == 1);
    CHECK_BYTES(in->uui[0].value.octets, STR("\x04Hello"));
    CHECK_STR(in->uui[0].value.text, "48656C6C6F;pd=04;encoding=hex;purpose=isdn-uui");
    CHECK(str_find(in->uui[0].why, STR("dialect genesys-pd")) < in->uui[0].why.n);
    REQUIRE(out->uuis == 1);
    CHECK_INT(out->uui[0].change, STORY_REWRITTEN);
    CHECK_STR(out->uui[0].where, "X-User-to-User");
    CHECK_STR(story_uui_text(&out->uui[0].value), "Hello");
    CHECK_STR(out->uui[0].was->where, "User-to-User");
    CHECK_STR(story_uui_text(&out->uui[0].was->value), "Hello");
    CHECK(str_find(out->uui[0].why, STR("dialect")) < out->uui[0].why.n);
    struct text_msg t = world_take(&w.trunk, "INVITE");
    text_free(&t);
    world_run(&w, 70000);
    world_down(&w);
    story_fini(&story);
    capture_free(capture);
}

/** What is said with a phone in its own session, which calls the call otherwise. */
static void test_csta_with_a_phone(void)
{
    struct tel tel;
    capture = capture_new(&(struct capture_config){.octets = 4 << 20});
    REQUIRE(capture != NULL);
    tel_world_up(&tel, &w, &(struct world_options){.tweak = with_phone});
    (void)world_monitor(&w, &w.crm, "1001");
    tel_delivered(&tel, "7", "1001", "888", "1001", "alerting"); /* a call of its own */
    world_run(&w, 200);
    tel_cleared(&tel, "7", "1001", "null");
    world_run(&w, 200);
    app_forget(&w.crm);
    REQUIRE(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
    world_run(&w, 200);
    tel_delivered(&tel, "3", "1001", "1002", "1001", "alerting");
    world_run(&w, 200);
    const char *call = app_call_id(&w.crm, "c2");
    (void)app_on_connection(&w.crm, "AnswerCall", "callToBeAnswered", "c2", "1001", "");
    world_run(&w, 200);
    phone_answer(PHONE(&w, 0));
    tel_established(&tel, "3", "1001", "1002", "1001");
    world_run(&w, 200);
    REQUIRE(story_read(capture, str_c(call), &(struct story_options){0}, &story) == 0);
    CHECK_INT(labelled("INFO DeliveredEvent", false), 1); /* not the other one's */
    CHECK_INT(labelled("INFO EstablishedEvent", false), 1);
    CHECK_INT(labelled("INFO AnswerCall", false), 1); /* the application's … */
    CHECK_INT(labelled("INFO AnswerCall", true), 1);  /* … and ours to the phone */
    CHECK_INT(labelled("200 OK AnswerCallResponse", false), 1);
    CHECK_INT(labelled("INFO MonitorStart", true), 0);
    CHECK_STR(str_c(story.lane[first("INFO AnswerCall", true)->to].kind), "phone");
    check_order();
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    tel_cleared(&tel, "3", "1001", "null");
    world_run(&w, 300);
    world_down(&w);
    story_fini(&story);
    capture_free(capture);
}

TEST_MAIN(T(test_csta_with_a_phone), T(test_a_call_from_its_first_message),
          T(test_make_call_and_its_answers), T(test_transfer_is_one_story),
          T(test_border_says_why), T(test_dialects_are_read_as_they_are_meant))
