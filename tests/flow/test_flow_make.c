/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application does to calls: MakeCall with and without prompt, HoldCall and
 * RetrieveCall with the media of both phones, SingleStepTransferCall. Events on all monitors,
 * userData on the wire and in the events, and what happens when a phone will not.
 */
#include "trio.h"

#include <stdio.h>

static struct ask *on(const char *service, const char *element, const char *device,
                      const char *more)
{
    return trio_on(service, element, "c1", device, more);
}

static struct ask *transfer(const char *device, const char *to_whom, const char *more)
{
    char text[256];
    snprintf(text, sizeof(text), "<transferredTo>%s</transferredTo>%s", to_whom, more);
    return app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c1", device,
                             text);
}

/* ---- MakeCall ---- */

/** doNotPrompt: the caller's phone is asked to answer by itself, and does. */
static void test_make_call(void)
{
    trio_up();
    ann->obeys_auto = true;
    struct ask *q = app_make_call(&w.crm, "1001", "1002", false, "hello");
    world_run(&w, 300);
    ANSWER(q, "MakeCallResponse c1:1001");
    CHECK_INT(bob->s.leg->state, LEG_EARLY);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 300);
    CHECK(phone_talks(ann) && phone_talks(bob));
    CHECK_STR(str_c(phones_media(ann, bob)), "sendrecv|sendrecv");
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Originated c1:1001 connected makeCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002 uui=hello; "
              "Established c1:1002 connected newCall 1001>1002 uui=hello");
    EVENTS(b, "Delivered c1:1002 alerting newCall 1001>1002 uui=hello; "
              "Established c1:1002 connected newCall 1001>1002 uui=hello");
    /* the context is in the callee's INVITE, and nobody else's */
    CHECK(str_istarts(str_trim(wire_raw(trio_message(bob, "INVITE", 0), "User-to-User", 0)),
                      STR("68656C6C6F;encoding=hex")));
    CHECK(!str_is_set(wire_raw(trio_message(ann, "INVITE", 0), "User-to-User", 0)));
    CHECK_STR(str_trim(wire_raw(trio_message(ann, "INVITE", 0), "Answer-Mode", 0)), "Auto");
    CHECK(!str_is_set(wire_raw(trio_message(bob, "INVITE", 0), "Answer-Mode", 0)));
    app_forget(&w.crm);
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 200);
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1002");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1002");
    world_down(&w);
}

/** The response to MakeCall is on the wire before any event of that call. */
static void test_answer_before_events(void)
{
    trio_up_with((struct world_options){.transport = TP_TCP});
    ann->obeys_auto = true;
    size_t before = w.wire.n;
    struct ask *q = app_make_call(&w.crm, "1001", "1002", false, NULL);
    world_run(&w, 300);
    CHECK_INT(q->answers, 1);
    bool answered = false;
    for (size_t i = before; i < w.wire.n; i++) {
        if (w.wire.packet[i].from != ENGINE(&w) || w.wire.packet[i].to != &w.crm.s.node) {
            continue;
        }
        answered = answered || wire_is(w.wire.packet[i].bytes, "200 INFO");
        CHECK(answered || !wire_is(w.wire.packet[i].bytes, "INFO"));
    }
    CHECK(answered);
    world_down(&w);
}

/** prompt: the phone rings, the person picks up, only then the other side is called. */
static void test_18_prompted(void)
{
    trio_up();
    struct ask *q =
        app_make_call(&w.crm, "sip:1001@example.com", "sip:1002@example.com", true, NULL);
    world_run(&w, 5000);
    ANSWER(q, "MakeCallResponse c1:1001");
    CHECK_STR(q->msg.make_call_response->calling_device.device_id.value,
              "sip:1001@example.com");
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall");
    CHECK(bob->s.leg == NULL);
    CHECK(!str_is_set(wire_raw(trio_message(ann, "INVITE", 0), "Answer-Mode", 0)));
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 200);
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Originated c1:1001 connected makeCall 1001>1002; "
              "Delivered c1:1002 connected newCall 1001>1002");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 200);
    CHECK_STR(str_c(phones_media(ann, bob)), "sendrecv|sendrecv");
    world_down(&w);
}

static void test_18_prompt_not_answered(void)
{
    trio_up();
    (void)trio_done(app_make_call(&w.crm, "1001", "1002", true, NULL));
    world_run(&w, 31000);
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Cleared c1:1001 null timeout by=1001");
    EVENTS(b, "");
    CHECK_INT(trio_to(ann, "CANCEL"), 1);
    CHECK_INT(trio_to(bob, "INVITE"), 0);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

static void test_18_prompt_rejected(void)
{
    trio_up();
    ann->on_call = 486;
    (void)trio_done(app_make_call(&w.crm, "1001", "1002", true, NULL));
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; Cleared c1:1001 null busy by=1001");
    EVENTS(b, "");
    world_down(&w);
}

/** The application changes its mind while the phone prompts. */
static void test_18_prompt_cleared(void)
{
    trio_up();
    (void)trio_done(app_make_call(&w.crm, "1001", "1002", true, NULL));
    ANSWER(on("ClearConnection", "connectionToBeCleared", "1001", ""),
           "ClearConnectionResponse");
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Cleared c1:1001 null normalClearing by=1001");
    CHECK_INT(trio_to(ann, "CANCEL"), 1);
    CHECK(ann->s.leg == NULL);
    world_down(&w);
}

/** The person hangs up after lifting, while the other phone rings. */
static void test_make_call_abandoned(void)
{
    trio_up();
    ann->obeys_auto = true;
    (void)trio_done(app_make_call(&w.crm, "1001", "1002", false, NULL));
    app_forget(&w.crm);
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 200);
    EVENTS(a, "Cleared c1:1001 null normalClearing by=1001");
    EVENTS(b, "Cleared c1:1002 null normalClearing by=1001");
    CHECK_INT(trio_to(bob, "CANCEL"), 1);
    world_down(&w);
}

/** The called side is busy. */
static void test_make_call_busy(void)
{
    trio_up();
    ann->obeys_auto = true;
    bob->on_call = 486;
    (void)trio_done(app_make_call(&w.crm, "1001", "1002", false, NULL));
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Originated c1:1001 connected makeCall 1001>1002; "
              "Failed c1:1002 connected busy; Cleared c1:1001 null busy by=1001");
    CHECK_INT(trio_to(ann, "BYE"), 1);
    CHECK(ann->s.leg == NULL);
    world_down(&w);
}

/** Outside: NetworkReached, and the number on the wire. */
static void test_make_call_outside(void)
{
    trio_up();
    ann->obeys_auto = true;
    (void)trio_done(app_make_call(&w.crm, "1001", "9555", false, "ctx"));
    struct text_msg invite = world_take(&w.gateway, "INVITE");
    CHECK(str_istarts(text_value(&invite, "User-to-User"), STR("637478")));
    struct hop back = raw_from(&w.gateway);
    raw_reply(&w.gateway, &back, invite.m, "180 Ringing", "t", "Contact: <sip:5@10.0.2.1>\n",
              "");
    world_run(&w, 100);
    raw_reply(&w.gateway, &back, invite.m, "200 OK", "t",
              "Contact: <sip:5@10.0.2.1>\nContent-Type: application/sdp\n", world_sdp);
    world_run(&w, 100);
    struct text_msg ack = world_take(&w.gateway, "ACK");
    CHECK(sip_msg_body(ack.m).n > 0); /* the answer to the offer in its 200 */
    EVENTS(a, "ServiceInitiated c1:1001 initiated makeCall; "
              "Originated c1:1001 connected makeCall 1001>9555; "
              "NetworkReached c1:9555 connected normal uui=ctx; "
              "Delivered c1:9555 connected newCall 1001>9555 uui=ctx; "
              "Established c1:9555 connected newCall 1001>9555 uui=ctx");
    world_raw_request(&w, &w.gateway, "BYE", 1, &invite, "User-to-User: 0461;encoding=hex\n",
                      "");
    world_run(&w, 100);
    text_free(&ack);
    text_free(&invite);
    CHECK(ann->s.leg == NULL);
    CHECK(str_ends(str_c(app_events(&w.crm, a)),
                   STR("Cleared c1:1001 null normalClearing by=9555 uui=0461")));
    world_down(&w);
}

/** Parameters that cannot be: each has its error, and no phone hears of it. */
static void test_make_call_errors(void)
{
    char long_data[400];
    trio_up();
    ANSWER(trio_done(app_make_call(&w.crm, "1999", "1002", false, NULL)),
           "operation/invalidCallingDeviceID");
    ANSWER(trio_done(app_make_call(&w.crm, "1001", "1777", false, NULL)),
           "operation/invalidCalledDeviceID");
    ANSWER(trio_done(app_make_call(&w.crm, "1001", "1001", false, NULL)),
           "operation/invalidCalledDeviceID");
    ANSWER(trio_done(app_make_call(&w.crm, "1004", "1001", false, NULL)),
           "systemResourceAvailibility/deviceOutOfService");
    memset(long_data, 'x', 130);
    long_data[130] = '\0';
    ANSWER(trio_done(app_make_call(&w.crm, "1001", "1002", false, long_data)),
           "operation/valueOutOfRange");
    ANSWER(trio_done(app_ask(&w.crm, "MakeCall",
                             "<calledDirectoryNumber>1002</calledDirectoryNumber>")),
           "operation/invalidParameterValue");
    CHECK_INT(trio_to(ann, "INVITE") + trio_to(bob, "INVITE"), 0);
    CHECK_INT(world_stat(&w, "calls_made"), 0);
    EVENTS(NULL, "");
    world_down(&w);
}

/** correlatorData stays with the call. */
static void test_correlator(void)
{
    trio_up();
    ann->obeys_auto = true;
    (void)trio_done(
        app_ask(&w.crm, "MakeCall",
                "<callingDevice>1001</callingDevice>"
                "<calledDirectoryNumber>1002</calledDirectoryNumber>"
                "<autoOriginate>doNotPrompt</autoOriginate>"
                "<correlatorData><string>6f726465722d37</string></correlatorData>"));
    EVENTS(b, "Delivered c1:1002 alerting newCall 1001>1002 corr=order-7");
    CHECK(str_find(str_c(app_events(&w.crm, a)), STR("1001>1002 corr=order-7")) <
          strlen(app_events(&w.crm, a)));
    CHECK(!str_is_set(wire_raw(trio_message(bob, "INVITE", 0), "User-to-User", 0)));
    world_down(&w);
}

/* ---- hold and retrieve ---- */

static void test_11_hold_retrieve(void)
{
    trio_up();
    trio_talk(ann, bob);
    for (int round = 0; round < 3; round++) {
        ANSWER(on("HoldCall", "callToBeHeld", "1001", ""), "HoldCallResponse");
        CHECK_STR(str_c(phones_media(ann, bob)), "inactive|recvonly");
        CHECK_INT(ann->media.remote_dir, SDP_INACTIVE);
        CHECK_INT(bob->media.remote_dir, SDP_SENDONLY);
        EVENTS(a, "Held c1:1001 hold normal");
        EVENTS(b, "Held c1:1001 connected normal");
        ANSWER(on("HoldCall", "callToBeHeld", "1001", ""), "stateIncompatibility/noActiveCall");
        ANSWER(on("RetrieveCall", "callToBeRetrieved", "1002", ""),
               "stateIncompatibility/noHeldCall");
        app_forget(&w.crm);
        ANSWER(on("RetrieveCall", "callToBeRetrieved", "1001", ""), "RetrieveCallResponse");
        CHECK_STR(str_c(phones_media(ann, bob)), "sendrecv|sendrecv");
        EVENTS(a, "Retrieved c1:1001 connected normal");
        EVENTS(b, "Retrieved c1:1001 connected normal");
        app_forget(&w.crm);
    }
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "1001", ""),
           "stateIncompatibility/noHeldCall");
    world_down(&w);
}

/** The same on a call that an application has made, by the called side, and with key presses in
    between. */
static void test_11_hold_made_call(void)
{
    trio_up();
    ann->obeys_auto = true;
    (void)trio_done(app_make_call(&w.crm, "1001", "1002", false, NULL));
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 300);
    app_forget(&w.crm);
    ANSWER(on("HoldCall", "callToBeHeld", "1002", ""), "HoldCallResponse");
    CHECK_STR(str_c(phones_media(bob, ann)), "inactive|recvonly");
    EVENTS(a, "Held c1:1002 connected normal");
    EVENTS(b, "Held c1:1002 hold normal");
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "1002", ""), "RetrieveCallResponse");
    CHECK_STR(str_c(phones_media(ann, bob)), "sendrecv|sendrecv");
    app_forget(&w.crm);
    CHECK_INT(phone_offer(bob, SDP_SENDONLY), 0); /* by key … */
    world_run(&w, 200);
    CHECK_INT(bob->s.last_status, 200);
    EVENTS(b, "Held c1:1002 hold normal");
    bob->want = SDP_SENDRECV;
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "1002", ""), "RetrieveCallResponse");
    CHECK_STR(str_c(phones_media(ann, bob)), "sendrecv|sendrecv"); /* … and back by service */
    EVENTS(b, "Held c1:1002 hold normal; Retrieved c1:1002 connected normal");
    world_down(&w);
}

/** The versions of what each phone gets rise by one, and the session stays the same. */
static void test_11_versions(void)
{
    struct sdp first, held, back;
    char text[3][1024];
    trio_up();
    REQUIRE(world_call(&w, ann, bob));
    snprintf(text[0], sizeof(text[0]), "%.*s", (int)bob->media.remote_n, bob->media.remote);
    ANSWER(on("HoldCall", "callToBeHeld", "1001", ""), "HoldCallResponse");
    snprintf(text[1], sizeof(text[1]), "%.*s", (int)bob->media.remote_n, bob->media.remote);
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "1001", ""), "RetrieveCallResponse");
    snprintf(text[2], sizeof(text[2]), "%.*s", (int)bob->media.remote_n, bob->media.remote);
    REQUIRE(sdp_parse(str_c(text[0]), &first, NULL) == 0);
    REQUIRE(sdp_parse(str_c(text[1]), &held, NULL) == 0);
    REQUIRE(sdp_parse(str_c(text[2]), &back, NULL) == 0);
    uint64_t v0 = 0, v1 = 0, v2 = 0;
    CHECK(str_to_u64(first.version, UINT64_MAX, &v0));
    CHECK(str_to_u64(held.version, UINT64_MAX, &v1));
    CHECK(str_to_u64(back.version, UINT64_MAX, &v2));
    CHECK_INT(v1, v0 + 1);
    CHECK_INT(v2, v1 + 1);
    CHECK_BYTES(held.id, first.id);
    CHECK_BYTES(back.id, first.id);
    CHECK_BYTES(held.media[0].address, first.media[0].address);
    CHECK_INT(held.media[0].port, first.media[0].port);
    world_down(&w);
}

/** The partner refuses: the holder's phone gets its old description back, nothing has changed.
 */
static void test_hold_refused(void)
{
    trio_up();
    trio_talk(ann, bob);
    bob->refuse_offers = 488;
    ANSWER(on("HoldCall", "callToBeHeld", "1001", ""),
           "operation/requestIncompatibleWithConnection");
    CHECK_INT(ann->media.remote_dir, SDP_SENDRECV);
    EVENTS(NULL, "");
    bob->refuse_offers = 0;
    ann->refuse_offers = 500;
    ANSWER(on("HoldCall", "callToBeHeld", "1001", ""),
           "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    ann->refuse_offers = 0;
    ANSWER(on("HoldCall", "callToBeHeld", "1001", ""), "HoldCallResponse");
    world_down(&w);
}

/** 491: tried again after a while, and then it works. */
static void test_hold_glare(void)
{
    trio_up();
    trio_talk(ann, bob);
    ann->refuse_offers = 491;
    struct ask *q = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
    world_run(&w, 1000);
    CHECK_INT(q->answers, 0);
    ann->refuse_offers = 0;
    world_run(&w, 5000);
    ANSWER(q, "HoldCallResponse");
    EVENTS(a, "Held c1:1001 hold normal");
    CHECK_INT(trio_to(ann, "INVITE"), 2);
    world_down(&w);
}

/** 491 for ever: refused in the end. */
static void test_hold_glare_for_ever(void)
{
    trio_up();
    trio_talk(ann, bob);
    ann->refuse_offers = 491;
    struct ask *q = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
    world_run(&w, 30000);
    CHECK_INT(q->answers, 1);
    ANSWER(q, "systemResourceAvailibility/resourceBusy");
    EVENTS(NULL, "");
    CHECK(phone_talks(ann) && phone_talks(bob));
    ann->refuse_offers = 0;
    world_down(&w);
}

/** One thing at a time; and a phone that presses hold meanwhile is told 491. */
static void test_hold_twice_at_once(void)
{
    trio_up();
    trio_talk(ann, bob);
    w.crm.parallel = true;
    struct ask *one = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
    struct ask *two = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1002", "");
    world_run(&w, 1000);
    ANSWER(one, "HoldCallResponse");
    ANSWER(two, "systemResourceAvailibility/resourceBusy");
    EVENTS(a, "Held c1:1001 hold normal");
    world_down(&w);
}

/** The call ends while the hold is under way: one answer, one terminal event each. */
static void test_hold_crosses_bye(void)
{
    for (uint32_t ms = 0; ms <= 50; ms += 5) {
        trio_up();
        trio_talk(ann, bob);
        struct ask *q = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1001", "");
        world_run(&w, ms);
        phone_hang_up(bob, STR_NONE);
        world_run(&w, 2000);
        CHECK_INT(q->answers, 1);
        CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
        CHECK_INT(world_stat(&w, "calls_active"), 0);
        world_down(&w);
    }
}

/** The phone of the held party does not take the offer when it is to be retrieved. */
static void test_retrieve_refused(void)
{
    trio_up();
    REQUIRE(world_call(&w, ann, bob));
    ANSWER(on("HoldCall", "callToBeHeld", "1001", ""), "HoldCallResponse");
    app_forget(&w.crm);
    bob->refuse_offers = 488;
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "1001", ""),
           "operation/requestIncompatibleWithConnection");
    EVENTS(NULL, "");
    CHECK(phone_talks(ann) && phone_talks(bob));
    bob->refuse_offers = 0;
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "1001", ""), "RetrieveCallResponse");
    CHECK_STR(str_c(phones_media(ann, bob)), "sendrecv|sendrecv");
    EVENTS(a, "Retrieved c1:1001 connected normal");
    world_down(&w);
}

/* ---- transfer ---- */

static void test_16_transfer(void)
{
    trio_up();
    trio_talk(ann, bob);
    struct ask *q =
        transfer("1001", "1003", "<userData><string>04726561736f6e</string></userData>");
    world_run(&w, 300);
    ANSWER(q, "SingleStepTransferCallResponse c1:1003");
    CHECK(ann->s.leg == NULL); /* it has left when the other one rings */
    CHECK_INT(trio_to(ann, "BYE"), 1);
    EVENTS(a, "Transferred c1:1001 null singleStepTransfer to=1003 [1002,1003]");
    EVENTS(b, "Transferred c1:1001 connected singleStepTransfer to=1003 [1002,1003]; "
              "Delivered c1:1003 connected singleStepTransfer 1002>1003 last=1001 "
              "uui=04726561736f6e");
    EVENTS(c, "Delivered c1:1003 alerting singleStepTransfer 1002>1003 last=1001 "
              "uui=04726561736f6e");
    CHECK(str_istarts(str_trim(wire_raw(trio_message(cleo, "INVITE", 0), "User-to-User", 0)),
                      STR("04726561736F6E")));
    app_forget(&w.crm);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    CHECK(phone_talks(bob) && phone_talks(cleo));
    CHECK_STR(str_c(phones_media(bob, cleo)), "sendrecv|sendrecv");
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 300);
    CHECK(cleo->s.leg == NULL);
    EVENTS(a, "");
    world_down(&w);
}

/** The called side transfers; the new party answers at once, without ringing. */
static void test_16_transfer_by_callee(void)
{
    trio_up();
    REQUIRE(phone_call(ann, "1002", true, STR("User-to-User: 04aa;encoding=hex\r\n")) != NULL);
    world_run(&w, 100);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 100);
    cleo->on_call = 200;
    app_forget(&w.crm);
    struct ask *q = transfer("1002", "1003", "");
    world_run(&w, 500);
    ANSWER(q, "SingleStepTransferCallResponse c1:1003");
    CHECK(bob->s.leg == NULL);
    CHECK(phone_talks(ann) && phone_talks(cleo));
    CHECK_STR(str_c(phones_media(ann, cleo)), "sendrecv|sendrecv");
    EVENTS(b, "Transferred c1:1002 null singleStepTransfer to=1003 [1001,1003]");
    EVENTS(a, "Transferred c1:1002 connected singleStepTransfer to=1003 [1001,1003]; "
              "Established c1:1003 connected singleStepTransfer 1001>1002 last=1002 uui=04aa");
    EVENTS(c, "Established c1:1003 connected singleStepTransfer 1001>1002 last=1002 uui=04aa");
    /* the call's context goes with it */
    CHECK_STR(str_trim(wire_raw(trio_message(cleo, "INVITE", 0), "User-to-User", 0)),
              "04aa;encoding=hex");
    ANSWER(on("HoldCall", "callToBeHeld", "1003", ""), "HoldCallResponse");
    CHECK_STR(str_c(phones_media(cleo, ann)), "inactive|recvonly");
    ANSWER(on("RetrieveCall", "callToBeRetrieved", "1003", ""), "RetrieveCallResponse");
    CHECK_STR(str_c(phones_media(ann, cleo)), "sendrecv|sendrecv");
    world_down(&w);
}

/** The target is busy: the call goes on as if nothing had been. */
static void test_transfer_busy(void)
{
    trio_up();
    trio_talk(ann, bob);
    cleo->on_call = 486;
    struct ask *q = transfer("1001", "1003", "");
    world_run(&w, 500);
    ANSWER(q, "systemResourceAvailibility/resourceBusy");
    CHECK(phone_talks(ann) && phone_talks(bob));
    EVENTS(NULL, "");
    CHECK_INT(phone_offer(ann, SDP_SENDONLY), 0);
    world_run(&w, 200);
    CHECK_INT(ann->s.last_status, 200);
    world_down(&w);
}

/** It rings and nobody picks up: the one who stays is let go when the ring time is over. */
static void test_transfer_not_answered(void)
{
    trio_up();
    trio_talk(ann, bob);
    struct ask *q = transfer("1001", "1003", "");
    world_run(&w, 500);
    ANSWER(q, "SingleStepTransferCallResponse c1:1003");
    world_run(&w, 121000);
    CHECK(bob->s.leg == NULL && cleo->s.leg == NULL);
    EVENTS(b, "Transferred c1:1001 connected singleStepTransfer to=1003 [1002,1003]; "
              "Delivered c1:1003 connected singleStepTransfer 1002>1003 last=1001; "
              "Failed c1:1003 connected callNotAnswered; "
              "Cleared c1:1002 null callNotAnswered by=1002");
    EVENTS(c, "Delivered c1:1003 alerting singleStepTransfer 1002>1003 last=1001; "
              "Cleared c1:1003 null callNotAnswered by=1003");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** The target says nothing at all: after the limit the call is as before. */
static void test_transfer_silent(void)
{
    trio_up();
    trio_talk(ann, bob);
    cleo->on_call = 0;
    struct ask *q = transfer("1001", "1003", "");
    world_run(&w, 29000);
    CHECK_INT(q->answers, 1);
    ANSWER(q, "systemResourceAvailibility/resourceOutOfService");
    CHECK(phone_talks(ann) && phone_talks(bob));
    EVENTS(NULL, "");
    world_down(&w);
}

static void test_transfer_errors(void)
{
    trio_up();
    trio_talk(ann, bob);
    ANSWER(trio_done(transfer("1001", "1777", "")), "operation/invalidDestination");
    ANSWER(trio_done(transfer("1001", "1002", "")), "operation/invalidDestination");
    ANSWER(trio_done(transfer("1001", "1001", "")), "operation/invalidDestination");
    ANSWER(trio_done(transfer("1001", "1004", "")),
           "systemResourceAvailibility/destinationDeviceOutOfService");
    ANSWER(on("HoldCall", "callToBeHeld", "1001", ""), "HoldCallResponse");
    app_forget(&w.crm);
    ANSWER(trio_done(transfer("1001", "1003", "")), "stateIncompatibility/noActiveCall");
    EVENTS(NULL, "");
    CHECK_INT(trio_to(cleo, "INVITE"), 0);
    world_down(&w);
}

/** Somebody hangs up while the target is being called, or while it rings. */
static void test_transfer_crosses_bye(void)
{
    for (uint32_t ms = 0; ms <= 60; ms += 5) {
        for (int who = 0; who < 2; who++) {
            trio_up();
            REQUIRE(world_call(&w, ann, bob));
            struct ask *q = transfer("1001", "1003", "");
            world_run(&w, ms);
            phone_hang_up(who == 0 ? ann : bob, STR_NONE);
            world_run(&w, 2000);
            CHECK_INT(q->answers, 1);
            world_run(&w, 125000);
            CHECK(ann->s.leg == NULL && bob->s.leg == NULL && cleo->s.leg == NULL);
            CHECK_INT(world_stat(&w, "calls_active"), 0);
            world_down(&w);
        }
    }
}

/** The new party rings and is deflected: a call like any other. Its context goes with it. */
static void test_transfer_then_deflect(void)
{
    for (int caller = 0; caller < 2; caller++) {
        trio_up_with((struct world_options){.phones = 4});
        struct phone *dan = PHONE(&w, 3), *stays = caller ? bob : ann;
        REQUIRE(world_call(&w, ann, bob));
        struct ask *q = transfer(caller ? "1001" : "1002", "1003",
                                 "<userData><string>0431</string></userData>");
        world_run(&w, 300);
        ANSWER(q, "SingleStepTransferCallResponse c1:1003");
        app_forget(&w.crm);
        ANSWER(on("DeflectCall", "callToBeDiverted", "1003",
                  "<newDestination>1004</newDestination>"),
               "DeflectCallResponse");
        EVENTS(c, "Diverted c1:1003 null redirected to=1004 uui=0431");
        EVENTS(caller ? b : a,
               caller ? "Delivered c1:1004 connected redirected 1002>1003 last=1003 uui=0431"
                      : "Delivered c1:1004 connected redirected 1001>1002 last=1003 uui=0431");
        CHECK(str_istarts(str_trim(wire_raw(trio_message(dan, "INVITE", 0), "User-to-User", 0)),
                          STR("0431")));
        CHECK_INT(phone_answer(dan), 0);
        world_run(&w, 300);
        CHECK(phone_talks(stays) && phone_talks(dan));
        CHECK_STR(str_c(phones_media(stays, dan)), "sendrecv|sendrecv");
        world_down(&w);
    }
}

/** Transfer of a transfer: the callID stays through all of it. */
static void test_transfer_chain(void)
{
    trio_up_with((struct world_options){.phones = 4});
    REQUIRE(world_call(&w, ann, bob));
    struct ask *q = transfer("1001", "1003", "");
    world_run(&w, 300);
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    ANSWER(q, "SingleStepTransferCallResponse c1:1003");
    q = transfer("1002", "1004", "");
    world_run(&w, 300);
    ANSWER(q, "SingleStepTransferCallResponse c1:1004");
    CHECK_INT(phone_answer(PHONE(&w, 3)), 0);
    world_run(&w, 300);
    CHECK(phone_talks(cleo) && phone_talks(PHONE(&w, 3)));
    CHECK_STR(str_c(phones_media(cleo, PHONE(&w, 3))), "sendrecv|sendrecv");
    CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
    q = app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1003</snapshotObject>");
    world_run(&w, 100);
    ANSWER(q, "SnapshotDeviceResponse c1:1003 connected,connected with=1004");
    world_down(&w);
}

TEST_MAIN(T(test_make_call), T(test_answer_before_events), T(test_18_prompted),
          T(test_18_prompt_not_answered), T(test_18_prompt_rejected), T(test_18_prompt_cleared),
          T(test_make_call_abandoned), T(test_make_call_busy), T(test_make_call_outside),
          T(test_make_call_errors), T(test_correlator), T(test_11_hold_retrieve),
          T(test_11_hold_made_call), T(test_11_versions), T(test_hold_refused),
          T(test_hold_glare), T(test_hold_glare_for_ever), T(test_hold_twice_at_once),
          T(test_hold_crosses_bye), T(test_retrieve_refused), T(test_16_transfer),
          T(test_16_transfer_by_callee), T(test_transfer_busy), T(test_transfer_not_answered),
          T(test_transfer_silent), T(test_transfer_errors), T(test_transfer_crosses_bye),
          T(test_transfer_then_deflect), T(test_transfer_chain))
