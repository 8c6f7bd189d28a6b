/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests of the server to an application whose response does not come in the 200 of the INFO:
 * some clients answer without a body and send the response as a request of their own (TR/87
 * S-11), others never (S-12). Each outcome is told once.
 */
#include "cti/parts.h"
#include "engine/parts.h"
#include "world.h"

static struct world w;

/** What the one who asked has heard. */
static struct {
    unsigned times;
    enum cti_ask_end end;
    enum csta_msg_id answer;
} heard;

static void on_end(void *owner, enum cti_ask_end end, const struct csta_msg *answer,
                   uint64_t now_ms)
{
    (void)owner;
    (void)now_ms;
    heard.times++;
    heard.end = end;
    heard.answer = answer != NULL ? answer->id : CSTA_MSG_NONE;
}

static struct cti_session *session(void)
{
    return list_entry(w.engine->cti->sessions.next, struct cti_session, link);
}

static void up(void)
{
    world_up(&w, &(struct world_options){0});
    heard.times = 0;
}

static int ask(void)
{
    struct csta_system_status status = {.system_status = CSTA_STATUS_MESSAGES_LOST};
    struct csta_msg msg = {.id = CSTA_MSG_SYSTEM_STATUS, .edition = CSTA_ED3};
    int err;
    msg.system_status = &status;
    err = cti_ask(session(), &msg, on_end, &heard, w.net.now_ms);
    world_run(&w, 200);
    return err;
}

#define HEARD(n, how, what)            \
    do {                               \
        CHECK_INT(heard.times, n);     \
        CHECK_INT(heard.end, how);     \
        CHECK_INT(heard.answer, what); \
    } while (0)

static void test_response_comes_later(void)
{
    up();
    CHECK_INT(ask(), 0);
    CHECK_INT(heard.times, 0);
    struct ask *q = app_ask(&w.crm, "SystemStatusResponse", "%s", "");
    world_run(&w, 200);
    CHECK_INT(q->status, 200);
    HEARD(1, CTI_ASK_ANSWERED, CSTA_MSG_SYSTEM_STATUS_RESPONSE);
    world_run(&w, 10000);
    CHECK_INT(heard.times, 1);
    (void)app_ask(&w.crm, "SystemStatusResponse", "%s",
                  ""); /* to nothing: taken, and forgotten */
    world_run(&w, 200);
    CHECK_INT(heard.times, 1);
    world_down(&w);
}

static void test_error_comes_later(void)
{
    up();
    CHECK_INT(ask(), 0);
    (void)app_ask(&w.crm, "CSTAErrorCode", "<operation>generic</operation>");
    world_run(&w, 200);
    HEARD(1, CTI_ASK_REFUSED, CSTA_MSG_ERROR_CODE);
    world_down(&w);
}

static void test_response_never_comes(void)
{
    up();
    CHECK_INT(ask(), 0);
    world_run(&w, 4000);
    (void)app_ask(&w.crm, "MakeCallResponse", /* of somebody else's question */
                  "<callingDevice><callID>1</callID></callingDevice>");
    world_run(&w, 200);
    CHECK_INT(heard.times, 0);
    world_run(&w, 2000);
    HEARD(1, CTI_ASK_ANSWERED, CSTA_MSG_NONE);
    world_down(&w);
}

static void test_two_at_a_time(void)
{
    up();
    CHECK_INT(ask(), 0);
    CHECK_INT(ask(), 0);
    (void)app_ask(&w.crm, "SystemStatusResponse", "%s", ""); /* the older one's */
    world_run(&w, 100);
    CHECK_INT(heard.times, 1);
    (void)app_ask(&w.crm, "SystemStatusResponse", "%s", "");
    world_run(&w, 100);
    CHECK_INT(heard.times, 2);
    world_down(&w);
}

/** The session ends while the response is waited for; or nobody wants it any more. */
static void test_nobody_is_there(void)
{
    up();
    CHECK_INT(ask(), 0);
    app_close(&w.crm);
    world_run(&w, 200);
    HEARD(1, CTI_ASK_LOST, CSTA_MSG_NONE);
    world_down(&w);
    up();
    CHECK_INT(ask(), 0);
    cti_ask_forget(session(), &heard);
    world_run(&w, 10000);
    CHECK_INT(heard.times, 0);
    world_down(&w);
}

static void test_in_the_200(void)
{
    up();
    w.crm.answer_body = "<SystemStatusResponse xmlns=\"http://www.ecma-international.org/"
                        "standards/ecma-323/csta/ed3\"/>";
    CHECK_INT(ask(), 0);
    HEARD(1, CTI_ASK_ANSWERED, CSTA_MSG_SYSTEM_STATUS_RESPONSE);
    world_run(&w, 10000);
    CHECK_INT(heard.times, 1);
    world_down(&w);
}

TEST_MAIN(T(test_response_comes_later), T(test_error_comes_later), T(test_response_never_comes),
          T(test_two_at_a_time), T(test_nobody_is_there), T(test_in_the_200))
