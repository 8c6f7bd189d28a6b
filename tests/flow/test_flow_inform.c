/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SendUserInformation in every state of a call: from who rings and from who waits it reaches
 * the caller in a provisional response, and everybody who watches hears CallInformation; in all
 * other states it is refused, and nothing is sent.
 */
#include "service.h"

static struct service s;
static const char *a, *b;

#define CRM (&s.w.crm)
#define EVENTS(ref, text) CHECK_STR(str_c(app_events(CRM, ref)), text)
#define DATA "<userData><string>6869</string></userData>"

static void configure(struct world *w)
{
    w->config.call.queue_s = 60;
}

static void up(void)
{
    service_up_with_crm(&s, configure);
    a = world_monitor(&s.w, CRM, "1001");
    b = world_monitor(&s.w, CRM, "1002");
    app_forget(CRM);
}

static void down(void)
{
    service_down_with_crm(&s);
}

static struct ask *send(const char *device, const char *data)
{
    struct ask *q =
        app_on_connection(CRM, "SendUserInformation", "existingCall", "c1", device, data);
    return world_asked(&s.w, q, 300);
}

static void call(struct str lines)
{
    REQUIRE(phone_call(s.ann, "1002", true, lines) != NULL);
    service_run(&s, 300);
    app_forget(CRM);
}

/** Provisional responses to her that carry some. */
static size_t uui_to_ann(void)
{
    static const char *const patterns[] = {"180 INVITE", "182 INVITE"};
    size_t n = 0;
    for (size_t i = 0; i < 2 * 4; i++) {
        n += service_to(&s, &s.ann->s.node, patterns[i % 2], i / 2, "User-to-User").n > 0;
    }
    return n;
}

static void test_rings(void)
{
    up();
    call(STR_NONE);
    ANSWER(send("1002", DATA), "SendUserInformationResponse");
    EVENTS(b, "CallInformation c1:1002 uui=hi");
    EVENTS(a, "CallInformation c1:1002 uui=hi");
    LADDER(&s, s.ann, ">INVITE <401 >ACK >INVITE <180 <180");
    CHECK_INT(uui_to_ann(), 1);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 300);
    CHECK(phone_talks(s.ann) && phone_talks(s.bob)); /* in the dialog that she knows */
    down();
}

static void test_waits(void)
{
    up();
    s.bob->on_call = 486;
    call(STR("Request-Disposition: queue\r\n"));
    ANSWER(send("1002", DATA), "SendUserInformationResponse");
    EVENTS(b, "CallInformation c1:1002 uui=hi");
    LADDER(&s, s.ann, ">INVITE <401 >ACK >INVITE <182 <182");
    CHECK_INT(uui_to_ann(), 1);
    down();
}

static void test_refused(void)
{
    up();
    call(STR_NONE);
    ANSWER(send("1001", DATA), "operation/requestIncompatibleWithConnection"); /* caller */
    ANSWER(send("1002", "<userData><string></string></userData>"),
           "operation/invalidParameterValue");
    ANSWER(send("1002", ""), "operation/invalidParameterValue");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 300);
    app_forget(CRM);
    ANSWER(send("1002", DATA), "operation/requestIncompatibleWithConnection");
    ANSWER(send("1001", DATA), "operation/requestIncompatibleWithConnection");
    struct ask *q = app_on_connection(CRM, "HoldCall", "callToBeHeld", "c1", "1001", "");
    service_run(&s, 500);
    ANSWER(q, "HoldCallResponse");
    app_forget(CRM);
    ANSWER(send("1001", DATA), "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 500);
    ANSWER(send("1002", DATA), "operation/invalidConnectionID");
    CHECK_INT(uui_to_ann(), 0);
    down();
}

/** Whom Baton has called has had his last response. */
static void test_made(void)
{
    up();
    s.ann->obeys_auto = true;
    struct ask *q = app_make_call(CRM, "1001", "1002", false, NULL);
    service_run(&s, 700);
    ANSWER(q, "MakeCallResponse c1:1001");
    app_forget(CRM);
    ANSWER(send("1002", DATA), "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    down();
}

TEST_MAIN(T(test_rings), T(test_waits), T(test_refused), T(test_made))
