/* SPDX-License-Identifier: Apache-2.0 */
/* See script.h. */
#include "script.h"

#include "base/err.h"

static bool rings(const struct phone *p)
{
    return p->s.leg != NULL && p->s.leg->state == LEG_EARLY && !p->s.leg->uac;
}

static bool idle(const struct phone *p)
{
    return p->s.leg == NULL;
}

/** Wait for a phone to be in a state. @return false: it did not come in time */
static bool wait_phone(struct world *w, const struct phone *p, bool (*is)(const struct phone *),
                       uint64_t ms)
{
    for (uint64_t t = 0; t < ms && !is(p); t += 50) {
        world_run(w, 50);
    }
    return is(p);
}

static bool wait_answer(struct world *w, const struct ask *q)
{
    for (uint64_t t = 0; t < 40000 && q->sent && q->answers == 0; t += 50) {
        world_run(w, 50);
    }
    return q->answers > 0 && q->msg.id != CSTA_MSG_NONE && q->msg.id != CSTA_MSG_ERROR_CODE;
}

/** ann and bob talk, if it can be had. */
static bool talk(struct world *w)
{
    struct phone *ann = PHONE(w, 0), *bob = PHONE(w, 1);
    if (phone_call(ann, "1002", true, STR("User-to-User: 0461;encoding=hex\r\n")) == NULL ||
        !wait_phone(w, bob, rings, 40000) || phone_answer(bob) != 0) {
        return false;
    }
    return wait_phone(w, ann, phone_talks, 40000) && wait_phone(w, bob, phone_talks, 40000);
}

static void watch(struct world *w)
{
    (void)wait_answer(w, app_monitor(&w->crm, "1001"));
    (void)wait_answer(w, app_monitor(&w->crm, "1002"));
}

/** The same for one connection; a call that nobody knows is asked for all the same. */
static bool serve(struct world *w, const char *service, const char *element, const char *device,
                  const char *more)
{
    return wait_answer(w, app_on_connection(&w->crm, service, element, "c1", device, more));
}

static bool registered(const struct phone *p)
{
    return p->register_status != 0;
}

static void registration(struct world *w)
{
    phone_register(PHONE(w, 0), 600);
    phone_register(PHONE(w, 1), 600);
    (void)wait_phone(w, PHONE(w, 0), registered, 40000);
    (void)wait_phone(w, PHONE(w, 1), registered, 40000);
    phone_register(PHONE(w, 0), 300);
    (void)wait_phone(w, PHONE(w, 0), registered, 40000);
    phone_register_contact(PHONE(w, 0), "", 0);
    (void)wait_phone(w, PHONE(w, 0), registered, 40000);
    phone_register_contact(PHONE(w, 1), "*", 0);
    (void)wait_phone(w, PHONE(w, 1), registered, 40000);
    CHECK(world_stat(w, "registrar_bindings") <= 2);
}

static void call(struct world *w)
{
    watch(w);
    if (talk(w)) {
        world_run(w, 2000);
        phone_hang_up(PHONE(w, 1), STR("User-to-User: 0462;encoding=hex\r\n"));
    }
    phone_hang_up(PHONE(w, 0), STR_NONE);
    (void)wait_phone(w, PHONE(w, 0), idle, 40000);
}

static void make_call(struct world *w)
{
    PHONE(w, 0)->obeys_auto = true;
    watch(w);
    if (wait_answer(w, app_make_call(&w->crm, "1001", "1002", false, "context")) &&
        wait_phone(w, PHONE(w, 1), rings, 40000) && phone_answer(PHONE(w, 1)) == 0) {
        (void)wait_phone(w, PHONE(w, 1), phone_talks, 40000);
    }
    (void)serve(w, "ClearConnection", "connectionToBeCleared", "1001", "");
    (void)wait_phone(w, PHONE(w, 0), idle, 40000);
}

static void hold(struct world *w)
{
    watch(w);
    (void)talk(w);
    if (serve(w, "HoldCall", "callToBeHeld", "1001", "")) {
        CHECK_INT(PHONE(w, 1)->media.remote_dir, SDP_SENDONLY);
    }
    if (phone_talks(PHONE(w, 1))) {
        (void)phone_offer(PHONE(w, 1), SDP_SENDONLY);
        world_run(w, 1000);
    }
    (void)serve(w, "RetrieveCall", "callToBeRetrieved", "1001", "");
    phone_hang_up(PHONE(w, 0), STR_NONE);
    (void)wait_phone(w, PHONE(w, 0), idle, 40000);
}

static void transfer(struct world *w)
{
    watch(w);
    (void)talk(w);
    if (serve(w, "SingleStepTransferCall", "activeCall", "1001",
              "<transferredTo>1003</transferredTo>") &&
        wait_phone(w, PHONE(w, 2), rings, 40000) && phone_answer(PHONE(w, 2)) == 0) {
        (void)wait_phone(w, PHONE(w, 2), phone_talks, 40000);
    }
    phone_hang_up(PHONE(w, 1), STR_NONE);
    (void)wait_phone(w, PHONE(w, 2), idle, 40000);
}

/** bob is held while ann calls cleo, who answers. @return false: it did not come to that */
static bool consult(struct world *w)
{
    watch(w);
    if (!talk(w) || !serve(w, "ConsultationCall", "existingCall", "1001",
                           "<consultedDevice>1003</consultedDevice>")) {
        return false;
    }
    return wait_phone(w, PHONE(w, 2), rings, 40000) && phone_answer(PHONE(w, 2)) == 0 &&
           wait_phone(w, PHONE(w, 2), phone_talks, 40000);
}

static void leave_two(struct world *w)
{
    phone_hang_up(PHONE(w, 0), STR_NONE);
    (void)wait_phone(w, PHONE(w, 0), idle, 40000);
    phone_hang_up(PHONE(w, 1), STR_NONE);
    phone_hang_up(PHONE(w, 2), STR_NONE);
    (void)wait_phone(w, PHONE(w, 2), idle, 40000);
}

/** About the two calls, whatever has become of them. */
static bool serve_two(struct world *w, const char *service, const char *element,
                      const char *call, const char *element2, const char *call2)
{
    return wait_answer(w, app_on_two(&w->crm, service, element, call, element2, call2, "1001"));
}

static void reconnect(struct world *w)
{
    if (consult(w)) {
        (void)serve_two(w, "AlternateCall", "heldCall", "c1", "activeCall", "c2");
        (void)serve_two(w, "AlternateCall", "heldCall", "c2", "activeCall", "c1");
        (void)serve_two(w, "ReconnectCall", "activeCall", "c2", "heldCall", "c1");
    }
    leave_two(w);
}

static void attended(struct world *w)
{
    if (consult(w) && serve_two(w, "TransferCall", "heldCall", "c1", "activeCall", "c2")) {
        (void)wait_phone(w, PHONE(w, 0), idle, 40000);
    }
    leave_two(w);
}

static void digits(struct world *w)
{
    watch(w);
    (void)wait_answer(w, app_make_call(&w->crm, "1001", "10;", true, NULL));
    (void)serve(w, "DialDigits", "diallingConnection", "1001",
                "<diallingSequence>02</diallingSequence>");
    if (wait_phone(w, PHONE(w, 0), rings, 40000) && phone_answer(PHONE(w, 0)) == 0 &&
        wait_phone(w, PHONE(w, 1), rings, 40000) && phone_answer(PHONE(w, 1)) == 0 &&
        wait_phone(w, PHONE(w, 1), phone_talks, 40000)) {
        (void)serve(w, "GenerateDigits", "connectionToSendDigits", "1001",
                    "<charactersToSend>1#</charactersToSend>");
    }
    (void)serve(w, "ClearCall", "callToBeCleared", "1001", "");
    leave_two(w);
}

static void deflect(struct world *w)
{
    watch(w);
    if (phone_call(PHONE(w, 0), "1002", true, STR_NONE) != NULL &&
        wait_phone(w, PHONE(w, 1), rings, 40000)) {
        (void)serve(w, "DeflectCall", "callToBeDiverted", "1002",
                    "<newDestination>1003</newDestination>");
        if (wait_phone(w, PHONE(w, 2), rings, 20000)) {
            (void)phone_answer(PHONE(w, 2));
        }
    }
    world_run(w, 2000);
    phone_hang_up(PHONE(w, 0), STR_NONE);
    (void)wait_phone(w, PHONE(w, 0), idle, 40000);
}

static void cancel(struct world *w)
{
    watch(w);
    if (phone_call(PHONE(w, 0), "1002", true, STR_NONE) != NULL) {
        (void)wait_phone(w, PHONE(w, 1), rings, 10000);
    }
    phone_hang_up(PHONE(w, 0), STR_NONE);
    (void)wait_phone(w, PHONE(w, 0), idle, 80000);
}

/** ann's calls go to cleo when nobody answers, bob's at once. */
static void forwarding(struct world *w)
{
    watch(w);
    (void)wait_answer(w, app_ask(&w->crm, "SetForwarding",
                                 "<device>1002</device><activateForward>true</activateForward>"
                                 "<forwardDN>1001</forwardDN>"));
    (void)wait_answer(w, app_ask(&w->crm, "SetForwarding",
                                 "<device>1001</device><forwardingType>forwardNoAns"
                                 "</forwardingType><activateForward>true</activateForward>"
                                 "<forwardDN>1002</forwardDN><ringCount>2</ringCount>"));
    (void)wait_answer(w, app_ask(&w->crm, "GetForwarding", "<device>1001</device>"));
    if (phone_call(PHONE(w, 2), "1002", true, STR_NONE) != NULL &&
        wait_phone(w, PHONE(w, 0), rings, 40000)) {
        world_run(w, 13000); /* bob forwards to her, but the call has been there already */
        (void)phone_answer(PHONE(w, 0));
        (void)wait_phone(w, PHONE(w, 2), phone_talks, 10000);
    }
    phone_hang_up(PHONE(w, 2), STR_NONE);
    (void)wait_phone(w, PHONE(w, 2), idle, 40000);
    (void)wait_answer(w, app_ask(&w->crm, "SetForwarding",
                                 "<device>1002</device><activateForward>false"
                                 "</activateForward>"));
}

/** cleo waits until bob has finished with ann. */
static void queue(struct world *w)
{
    struct phone *bob = PHONE(w, 1), *cleo = PHONE(w, 2);
    watch(w);
    bob->on_call = 486;
    if (phone_call(cleo, "1002", true, STR("Request-Disposition: queue\r\n")) != NULL) {
        world_run(w, 3000);
        (void)wait_answer(
            w, app_ask(&w->crm, "SnapshotDevice", "<snapshotObject>1002</snapshotObject>"));
        bob->on_call = 180;
        if (wait_phone(w, bob, rings, 40000)) {
            (void)phone_answer(bob);
            (void)wait_phone(w, cleo, phone_talks, 10000);
        }
    }
    bob->on_call = 180;
    phone_hang_up(cleo, STR_NONE);
    (void)wait_phone(w, cleo, idle, 40000);
    phone_hang_up(bob, STR_NONE);
}

/** cleo takes bob's calls: one that rings, and one that he holds. */
static void pickup(struct world *w)
{
    struct phone *ann = PHONE(w, 0), *bob = PHONE(w, 1), *cleo = PHONE(w, 2);
    watch(w);
    cleo->obeys_auto = true;
    for (int i = 0; i < 2; i++) {
        bool rang = i == 0;
        if (rang ? phone_call(ann, "1002", true, STR_NONE) != NULL &&
                       wait_phone(w, bob, rings, 40000)
                 : talk(w)) {
            const char *name = rang ? "c1" : "c2";
            if (!rang) {
                (void)wait_answer(w, app_on_connection(&w->crm, "HoldCall", "callToBeHeld",
                                                       name, "1002", ""));
            }
            (void)wait_answer(
                w, app_on_connection(&w->crm, "DirectedPickupCall", "callToBePickedUp", name,
                                     "1002", "<requestingDevice>1003</requestingDevice>"));
            world_run(w, 1000);
        }
        phone_hang_up(ann, STR_NONE);
        (void)wait_phone(w, ann, idle, 40000);
        phone_hang_up(bob, STR_NONE);
        phone_hang_up(cleo, STR_NONE);
        (void)wait_phone(w, cleo, idle, 40000);
    }
    cleo->obeys_auto = false;
}

/** bob parks ann, cleo takes her. */
static void park(struct world *w)
{
    struct phone *ann = PHONE(w, 0), *bob = PHONE(w, 1), *cleo = PHONE(w, 2);
    watch(w);
    cleo->obeys_auto = true;
    if (talk(w) && serve(w, "ParkCall", "parking", "1002", "<parkTo>1003</parkTo>")) {
        world_run(w, 1000);
        (void)serve(w, "DirectedPickupCall", "callToBePickedUp", "1003",
                    "<requestingDevice>1003</requestingDevice>");
        world_run(w, 1000);
    }
    phone_hang_up(ann, STR_NONE);
    (void)wait_phone(w, ann, idle, 40000);
    phone_hang_up(bob, STR_NONE);
    phone_hang_up(cleo, STR_NONE);
    (void)wait_phone(w, cleo, idle, 40000);
    cleo->obeys_auto = false;
}

/** bob does not answer, tells ann why, and she is called back when he can. */
static void callback(struct world *w)
{
    struct phone *ann = PHONE(w, 0), *bob = PHONE(w, 1);
    watch(w);
    bob->on_call = 486;
    if (phone_call(ann, "1002", true, STR("Request-Disposition: queue\r\n")) != NULL) {
        world_run(w, 2000);
        (void)serve(w, "SendUserInformation", "existingCall", "1002",
                    "<userData><string>6869</string></userData>");
        (void)serve(w, "CallBack", "callbackConnection", "1001", "");
        (void)wait_phone(w, ann, idle, 40000);
    }
    bob->on_call = 180;
    (void)wait_answer(w, app_ask(&w->crm, "GetCallBack", "<device>1001</device>"));
    if (wait_phone(w, ann, rings, 40000) && phone_answer(ann) == 0 &&
        wait_phone(w, bob, rings, 40000)) {
        /* what is late of the first call: a phone of the kit has room for one */
        world_run(w, 3000);
        if (phone_answer(bob) == 0) {
            (void)wait_phone(w, bob, phone_talks, 40000);
        }
    }
    phone_hang_up(ann, STR_NONE);
    (void)wait_phone(w, ann, idle, 40000);
    phone_hang_up(bob, STR_NONE);
    (void)wait_phone(w, bob, idle, 40000);
    (void)wait_answer(w, app_ask(&w->crm, "CancelCallBack",
                                 "<originatingDevice>1001</originatingDevice>"
                                 "<targetDevice>1002</targetDevice>"));
}

static void let_wait(struct world *w)
{
    w->config.call.queue_s = 60;
}

const struct script scripts[] = {
    {"registration", registration, true, NULL},
    {"call", call, false, NULL},
    {"MakeCall", make_call, false, NULL},
    {"hold", hold, false, NULL},
    {"transfer", transfer, false, NULL},
    {"deflect", deflect, false, NULL},
    {"reconnect", reconnect, false, NULL},
    {"attended", attended, false, NULL},
    {"digits", digits, false, NULL},
    {"cancel", cancel, false, NULL},
    {"forwarding", forwarding, false, NULL},
    {"queue", queue, false, let_wait},
    {"pickup", pickup, false, NULL},
    {"park", park, false, NULL},
    {"callback", callback, false, let_wait},
};
const size_t script_count = ARRAY_LEN(scripts);
