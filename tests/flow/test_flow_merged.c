/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that become one, for those who look at calls and not at devices: the list of
 * connections in the answers of transfers, old and new, and monitors of a call whose callID
 * goes away.
 */
#include "world.h"

#include <stdio.h>

static struct world w;
static struct phone *ann, *bob, *cleo;

#define EVENTS(ref, text) CHECK_STR(str_c(app_events(&w.crm, ref)), text)

static struct ask *done(struct ask *q)
{
    return world_asked(&w, q, 500);
}

static const char *monitor_call(const char *call)
{
    static char refs[4][16];
    static unsigned next;
    char *ref = refs[next++ % 4];
    struct ask *q = done(app_ask(&w.crm, "MonitorStart",
                                 "<monitorObject><callObject><callID>%s</callID></callObject>"
                                 "</monitorObject><monitorType>call</monitorType>",
                                 app_call_id(&w.crm, call)));
    if (!CHECK(q->msg.id == CSTA_MSG_MONITOR_START_RESPONSE)) {
        return "";
    }
    snprintf(ref, sizeof(refs[0]), "%.*s",
             STR_ARG(q->msg.monitor_start_response->monitor_cross_ref_id));
    return ref;
}

/** ann talks to bob (c1, held) and to cleo (c2, `answered`). */
static void up(bool answered)
{
    world_up(&w, &(struct world_options){.phones = 4});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    (void)world_monitor(&w, &w.crm, "1001");
    REQUIRE(world_call(&w, ann, bob));
    ANSWER(done(app_on_connection(&w.crm, "ConsultationCall", "existingCall", "c1", "1001",
                                  "<consultedDevice>1003</consultedDevice>")),
           "ConsultationCallResponse c2:1001");
    if (answered) {
        CHECK_INT(phone_answer(cleo), 0);
    }
    world_run(&w, 300);
    app_forget(&w.crm);
}

static void down(void)
{
    world_end(&w);
    app_check(&w.crm, false, NULL);
    world_down(&w);
}

static struct ask *transfer(const char *held, const char *active)
{
    return done(
        app_on_two(&w.crm, "TransferCall", "heldCall", held, "activeCall", active, "1001"));
}

/** "c1:1002<c1:1002 c1:1003<c2:1003": new and old, and who that is. */
static const char *connections(const struct csta_connection_list_item_list *list)
{
    static char text[512];
    struct out o;
    out_init(&o, text, sizeof(text) - 1);
    for (size_t i = 0; i < list->n; i++) {
        const struct csta_connection_list_item *item = &list->item[i];
        out_fmt(&o, "%s%s:%.*s", i > 0 ? " " : "",
                call_name(w.crm.names, item->new_connection.call_id),
                STR_ARG(item->new_connection.device_id.value));
        if (item->old_connection.call_id.n > 0) {
            out_fmt(&o, "<%s:%.*s", call_name(w.crm.names, item->old_connection.call_id),
                    STR_ARG(item->old_connection.device_id.value));
        }
        CHECK(str_eq(item->endpoint.id.value, item->new_connection.device_id.value));
    }
    text[o.n] = '\0';
    return text;
}

static void test_connections_of_transfer(void)
{
    for (int answered = 0; answered < 2; answered++) {
        up(answered == 1);
        struct ask *q = transfer("c1", "c2");
        ANSWER(q, "TransferCallResponse c1:1003");
        CHECK_STR(str_c(connections(&q->msg.transfer_call_response->connections)),
                  "c1:sip:1002@example.com<c1:sip:1002@example.com "
                  "c1:sip:1003@example.com<c2:sip:1003@example.com");
        down();
    }
}

static void test_connections_of_single_step(void)
{
    up(true);
    struct ask *q = done(app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c2",
                                           "1001", "<transferredTo>1004</transferredTo>"));
    ANSWER(q, "SingleStepTransferCallResponse c2:1004");
    CHECK_STR(str_c(connections(&q->msg.single_step_transfer_call_response->connections)),
              "c2:sip:1003@example.com<c2:sip:1003@example.com c2:sip:1004@example.com");
    down();
}

/** Who watches the call that ends goes on with the one that stays. */
static void test_monitors_follow(void)
{
    up(true);
    const char *first = monitor_call("c1"), *second = monitor_call("c2");
    app_forget(&w.crm);
    ANSWER(transfer("c1", "c2"), "TransferCallResponse c1:1003");
    EVENTS(first, "Transferred c1:1001 transfer and c2:1001 to=1003 [1002,1003]");
    EVENTS(second, "Transferred c1:1001 transfer and c2:1001 to=1003 [1002,1003]");
    app_forget(&w.crm);
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 300);
    EVENTS(first, "Cleared c1:1002 normalClearing by=1002; "
                  "Cleared c1:1003 normalClearing by=1002; CallCleared c1");
    EVENTS(second, "Cleared c1:1002 normalClearing by=1002; "
                   "Cleared c1:1003 normalClearing by=1002; CallCleared c1");
    CHECK_INT(world_stat(&w, "csta_monitors"), 1);
    down();
}

/** While cleo rings: the monitors are of one call from then on. */
static void test_monitors_follow_ringing(void)
{
    up(false);
    const char *second = monitor_call("c2");
    app_forget(&w.crm);
    ANSWER(transfer("c1", "c2"), "TransferCallResponse c1:1003");
    EVENTS(second, "Transferred c1:1001 transfer and c2:1001 to=1003 [1002,1003]");
    app_forget(&w.crm);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 500);
    EVENTS(second, "Established c1:1003 transfer 1002>1003 last=1001");
    app_forget(&w.crm);
    phone_hang_up(cleo, STR_NONE);
    world_run(&w, 300);
    EVENTS(second, "Cleared c1:1003 normalClearing by=1003; "
                   "Cleared c1:1002 normalClearing by=1003; CallCleared c1");
    down();
}

/** A transfer that comes to nothing leaves them where they were. */
static void test_monitors_stay(void)
{
    up(true);
    const char *first = monitor_call("c1"), *second = monitor_call("c2");
    app_forget(&w.crm);
    bob->refuse_offers = 488;
    (void)transfer("c1", "c2");
    EVENTS(first, "");
    EVENTS(second, "");
    phone_hang_up(cleo, STR_NONE);
    world_run(&w, 300);
    EVENTS(first, "");
    EVENTS(second, "Cleared c2:1003 normalClearing by=1003; "
                   "Cleared c2:1001 normalClearing by=1003; CallCleared c2");
    bob->refuse_offers = 0;
    down();
}

/** The callID of the active call stays when it is named as the held one. */
static void test_monitors_follow_the_other_way(void)
{
    up(true);
    const char *first = monitor_call("c1");
    ANSWER(done(app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c2", "1001", "")),
           "HoldCallResponse");
    app_forget(&w.crm);
    ANSWER(transfer("c2", "c1"), "TransferCallResponse c2:1002");
    EVENTS(first, "Transferred c2:1001 transfer and c1:1001 to=1002 [1003,1002]");
    app_forget(&w.crm);
    phone_hang_up(cleo, STR_NONE);
    world_run(&w, 300);
    EVENTS(first, "Cleared c2:1003 normalClearing by=1003; "
                  "Cleared c2:1002 normalClearing by=1003; CallCleared c2");
    down();
}

TEST_MAIN(T(test_connections_of_transfer), T(test_connections_of_single_step),
          T(test_monitors_follow), T(test_monitors_follow_ringing), T(test_monitors_stay),
          T(test_monitors_follow_the_other_way))
