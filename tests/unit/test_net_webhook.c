/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of webhooks that need no network: the push form, rows, signatures, addresses. */
#include "api/webhook.h"
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

/* ---- the push form ---- */

static const char *call_id = "c 1", *call_text = "";
static enum push_told want_told = PUSH_ALL;

static void check_push(struct push *p, const char *type, const char *audience,
                       const char *device, const char *calling, const char *called,
                       const char *cause, const char *want)
{
    char name[64], text[1024];
    struct out o;
    (void)snprintf(name, sizeof(name), "org.baton.csta.%s.v1", type);
    const struct cloud_event e = {.type = str_c(name),
                                  .text = str_c(call_text),
                                  .call_id = str_c(call_id),
                                  .audience = str_c(audience),
                                  .device = str_c(device),
                                  .calling = str_c(calling),
                                  .called = str_c(called),
                                  .cause = str_c(cause)};
    out_init(&o, text, sizeof(text));
    enum push_told told = push_write(p, &e, &o);
    CHECK_INT(told, want[0] != '\0' ? want_told : PUSH_NOTHING);
    CHECK_STR(out_str_of(&o), want);
}

#define OURS "1002@example.com"
#define DEV "sip:1002@example.com"

static void test_push_incoming(void)
{
    struct push *p = push_new();
    check_push(p, "originated", OURS, DEV, "", "", "normal", "");
    check_push(p, "delivered", OURS, DEV, "sip:+4930123@trunk", "sip:1002@example.com", "",
               "event=newCall&from=4930123&to=1002&direction=in&callId=c%201&user%5B%5D=1002");
    check_push(p, "delivered", OURS, "sip:1003@example.com", "sip:+4930123@trunk", DEV, "", "");
    check_push(p, "established", OURS, DEV, "sip:+4930123@trunk", DEV, "",
               "event=answer&from=4930123&to=1002&direction=in&callId=c%201&user=1002"
               "&answeringNumber=1002");
    check_push(p, "established", OURS, DEV, "sip:+4930123@trunk", DEV, "", "");
    check_push(p, "connectionCleared", OURS, DEV, "", "", "busy", "");
    check_push(p, "callCleared", OURS, DEV, "", "", "",
               "event=hangup&from=4930123&to=1002&direction=in&callId=c%201"
               "&cause=normalClearing&answeringNumber=1002");
    push_free(p);
}

static void test_push_refused_and_outgoing(void)
{
    struct push *p = push_new();
    check_push(
        p, "delivered", OURS, DEV, "", DEV, "",
        "event=newCall&from=anonymous&to=1002&direction=in&callId=c%201&user%5B%5D=1002");
    check_push(p, "failed", OURS, DEV, "", DEV, "busy", "");
    check_push(p, "callCleared", OURS, DEV, "", "", "normalClearing",
               "event=hangup&from=anonymous&to=1002&direction=in&callId=c%201&cause=busy");
    check_push(p, "networkReached", OURS, DEV, DEV, "tel:+49891", "",
               "event=newCall&from=1002&to=49891&direction=out&callId=c%201&user%5B%5D=1002");
    check_push(p, "callCleared", OURS, DEV, "", "", "",
               "event=hangup&from=1002&to=49891&direction=out&callId=c%201&cause=cancel");
    push_free(p);
}

/** Why nobody answered, in the words that CRM count missed calls by. */
static void test_push_missed(void)
{
    static const char *const all[][3] = {
        /* cause of what fails, of the end, and what is said */
        {"", "callCancelled", "cancel"},
        {"busy", "callCancelled", "cancel"},
        {"noAnswer", "", "noAnswer"},
        {"callNotAnswered", "callNotAnswered", "noAnswer"},
        {"doNotDisturb", "normalClearing", "noAnswer"},
        {"invalidNumber", "", "notFound"},
        {"networkCongestion", "", "congestion"},
        {"busy", "callForwardBusy", "forwarded"},
        {"", "", "cancel"},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct push *p = push_new();
        char want[256];
        (void)snprintf(want, sizeof(want),
                       "event=hangup&from=49301&to=1002&direction=in&callId=c%%201&cause=%s",
                       all[i][2]);
        check_push(p, "delivered", OURS, DEV, "tel:+49301", DEV, "",
                   "event=newCall&from=49301&to=1002&direction=in&callId=c%201"
                   "&user%5B%5D=1002");
        check_push(p, "failed", OURS, DEV, "", "", all[i][0], "");
        check_push(p, "callCleared", OURS, DEV, "", "", all[i][1], want);
        push_free(p);
    }
}

/** Without asking beforehand, and with: who has the call now is told once he has it. */
static void test_push_transfers(void)
{
    struct push *p = push_new();
    check_push(p, "delivered", OURS, DEV, "tel:+49301", DEV, "",
               "event=newCall&from=49301&to=1002&direction=in&callId=c%201&user%5B%5D=1002");
    check_push(p, "established", OURS, DEV, "tel:+49301", DEV, "",
               "event=answer&from=49301&to=1002&direction=in&callId=c%201&user=1002"
               "&answeringNumber=1002");
    check_push(p, "delivered", OURS, "sip:1003@example.com", "tel:+49301", DEV, "", "");
    call_text = "{\"data\":{\"TransferedEvent\":{\"transferredToDevice\":{\"deviceIdentifier\":"
                "{\"id\":\"sip:1003@example.com\"}}}}}";
    check_push(p, "transfered", OURS, DEV, "", "", "singleStepTransfer", "");
    call_text = "";
    check_push(p, "established", OURS, "sip:1003@example.com", "tel:+49301", DEV, "",
               "event=answer&from=49301&to=1002&direction=in&callId=c%201&user=1003"
               "&answeringNumber=1003");
    call_id = "second";
    check_push(p, "delivered", OURS, "sip:1004@example.com", "sip:1003@x", "sip:1004@x", "",
               "event=newCall&from=1003&to=1004&direction=out&callId=second&user%5B%5D=1003");
    check_push(p, "established", OURS, "sip:1004@example.com", "", "", "",
               "event=answer&from=1003&to=1004&direction=out&callId=second"
               "&answeringNumber=1004");
    call_id = "c 1";
    call_text = "{\"data\":{\"TransferedEvent\":{\"secondaryOldCall\":{\"callID\":\"second\"},"
                "\"transferredToDevice\":{\"deviceIdentifier\":"
                "{\"id\":\"sip:1004@example.com\"}}}}}";
    check_push(p, "transfered", OURS, DEV, "", "", "transfer",
               "event=answer&from=49301&to=1002&direction=in&callId=c%201&user=1004"
               "&answeringNumber=1004");
    call_text = "";
    call_id = "second";
    check_push(p, "callCleared", OURS, DEV, "", "", "transfer",
               "event=hangup&from=1003&to=1004&direction=out&callId=second&cause=forwarded"
               "&answeringNumber=1004");
    call_id = "c 1";
    check_push(p, "callCleared", OURS, DEV, "", "", "normalClearing",
               "event=hangup&from=49301&to=1002&direction=in&callId=c%201"
               "&cause=normalClearing&answeringNumber=1004");
    push_free(p);
}

/** Whoever keeps a list of calls makes an entry of newCall only: it is there before anything
    else is told of a call, whatever became of it. */
static void test_push_newcall_is_first(void)
{
    static const char *const busy[] = {
        "event=newCall&from=1001&to=1002&direction=in&callId=c%201&user%5B%5D=1002",
        "event=hangup&from=1001&to=1002&direction=in&callId=c%201&cause=busy"};
    static const char *const left[] = {
        "event=newCall&from=1001&to=49891&direction=out&callId=c%201&user%5B%5D=1001",
        "event=hangup&from=1001&to=49891&direction=out&callId=c%201&cause=notFound"};
    const char *from = "sip:1001@example.com";
    struct push *p = push_new();

    check_push(p, "originated", "1001@example.com", from, from, DEV, "newCall", "");
    check_push(p, "failed", "1001@example.com " OURS, DEV, from, DEV, "busy", busy[0]);
    check_push(p, "failed", "1001@example.com " OURS, DEV, from, DEV, "busy", "");
    check_push(p, "callCleared", OURS, from, "", "", "busy", busy[1]);
    check_push(p, "failed", "1001@example.com", "tel:+49891", from, "tel:+49891",
               "invalidNumber", left[0]);
    check_push(p, "callCleared", "1001@example.com", from, "", "", "", left[1]);
    /* the caller's own phone does not go along; he gives up before anything rings */
    check_push(p, "serviceInitiated", OURS, DEV, "", "", "makeCall", "");
    check_push(p, "failed", OURS, DEV, DEV, from, "busy", "");
    check_push(p, "callCleared", OURS, DEV, "", "", "busy", "");
    check_push(p, "originated", OURS, DEV, DEV, from, "newCall", "");
    check_push(p, "connectionCleared", OURS, DEV, "", "", "callCancelled", "");
    check_push(p, "callCleared", OURS, DEV, "", "", "callCancelled", "");
    push_free(p);
}

/** Answered without ringing: two things are told of one event, each until it is taken. */
static void test_push_answered_at_once(void)
{
    static const char ringing[] =
        "event=newCall&from=49301&to=1002&direction=in&callId=c%201&user%5B%5D=1002";
    static const char answered[] =
        "event=answer&from=49301&to=1002&direction=in&callId=c%201&user=1002"
        "&answeringNumber=1002";
    struct push *p = push_new();

    for (int i = 0; i < 2; i++) {
        push_undo(i > 0 ? p : NULL);
        want_told = PUSH_FIRST;
        check_push(p, "established", OURS, DEV, "tel:+49301", DEV, "", ringing);
        want_told = PUSH_ALL;
    }
    for (int i = 0; i < 2; i++) {
        push_undo(i > 0 ? p : NULL);
        check_push(p, "established", OURS, DEV, "tel:+49301", DEV, "", answered);
    }
    check_push(p, "established", OURS, DEV, "tel:+49301", DEV, "", "");
    check_push(p, "callCleared", OURS, DEV, "", "", "",
               "event=hangup&from=49301&to=1002&direction=in&callId=c%201"
               "&cause=normalClearing&answeringNumber=1002");
    push_free(p);
}

/** What was not taken, as its webhook was paused, comes again and is told again. */
static void test_push_undone(void)
{
    static const char ringing[] =
        "event=newCall&from=anonymous&to=1002&direction=in&callId=c%201&user%5B%5D=1002";
    struct push *p = push_new();
    check_push(p, "delivered", OURS, DEV, "", DEV, "", ringing);
    push_undo(p);
    push_undo(p);
    check_push(p, "delivered", OURS, DEV, "", DEV, "", ringing);
    for (int i = 0; i < 2; i++) {
        push_undo(i > 0 ? p : NULL);
        check_push(p, "callCleared", OURS, DEV, "", "", "busy",
                   "event=hangup&from=anonymous&to=1002&direction=in&callId=c%201&cause=busy");
    }
    push_free(p);
}

/** More calls than are remembered: the oldest are told with what is known. */
static void test_push_many_calls(void)
{
    struct push *p = push_new();
    char id[32], text[1024];
    struct out o;
    for (int i = 0; i < 3000; i++) {
        (void)snprintf(id, sizeof(id), "call%d", i);
        const struct cloud_event e = {.type = STR("org.baton.csta.delivered.v1"),
                                      .call_id = str_c(id),
                                      .audience = STR(OURS),
                                      .device = STR(DEV)};
        out_init(&o, text, sizeof(text));
        CHECK(push_write(p, &e, &o));
    }
    const struct cloud_event over = {.type = STR("org.baton.csta.callCleared.v1"),
                                     .call_id = STR("call0")};
    out_init(&o, text, sizeof(text));
    CHECK(push_write(p, &over, &o));
    CHECK(str_starts(out_str_of(&o), STR("event=hangup&from=anonymous&direction=in")));
    push_free(p);
}

/**
 * A call that was given to who had been asked beforehand, before it was learned: he has it.
 * Whom it goes to after that is told, were it who had it before him. Who had not been reached
 * when he was given it is told when he answers.
 */
static void test_push_learns_a_transfer(void)
{
    struct cloud_event talks = {.type = STR("org.baton.csta.established.v1"),
                                .call_id = STR("c1"),
                                .audience = STR(OURS),
                                .device = STR(DEV),
                                .calling = STR("tel:+49301"),
                                .called = STR(DEV)};
    struct cloud_event moved = talks;
    moved.type = STR("org.baton.csta.transfered.v1");
    moved.text = STR("{\"data\":{\"TransferedEvent\":{\"secondaryOldCall\":{\"callID\":\"c2\"},"
                     "\"transferredToDevice\":{\"deviceIdentifier\":"
                     "{\"id\":\"sip:1004@example.com\"}}}}}");
    call_id = "c1";
    for (int i = 0; i < 3; i++) {
        struct push *p = push_new();
        push_learn(p, &talks);
        push_learn(p, &moved);
        if (i == 0) {
            check_push(p, "established", OURS, DEV, "", "", "",
                       "event=answer&from=49301&to=1002&direction=in&callId=c1&user=1002"
                       "&answeringNumber=1002");
        } else if (i == 1) {
            check_push(p, "established", OURS, "sip:1004@example.com", "", "", "",
                       "event=answer&from=49301&to=1002&direction=in&callId=c1&user=1004"
                       "&answeringNumber=1004");
            check_push(p, "established", OURS, "sip:1004@example.com", "", "", "", "");
        } else {
            check_push(p, "callCleared", OURS, DEV, "", "", "",
                       "event=hangup&from=49301&to=1002&direction=in&callId=c1"
                       "&cause=normalClearing&answeringNumber=1004");
        }
        push_free(p);
    }
    call_id = "c 1";
}

/** Of a call that began before: what the journal has of it is learned, nothing is told twice.
 */
static void test_push_learns_the_past(void)
{
    struct cloud_event ringing = {.type = STR("org.baton.csta.delivered.v1"),
                                  .call_id = STR("c1"),
                                  .audience = STR(OURS),
                                  .device = STR(DEV),
                                  .calling = STR("tel:+49301"),
                                  .called = STR(DEV)};
    struct cloud_event talks = ringing, over = ringing, begun = ringing, moved = ringing;
    struct push *p = push_new();
    char lacked[PUSH_CALL_MAX] = "";
    struct cloud_event failed = ringing;
    talks.type = STR("org.baton.csta.established.v1");
    failed.type = STR("org.baton.csta.failed.v1");
    over.type = STR("org.baton.csta.callCleared.v1");
    begun.type = STR("org.baton.csta.originated.v1");
    moved.type = STR("org.baton.csta.transfered.v1");
    moved.text = STR("{\"data\":{\"TransferedEvent\":{\"secondaryOldCall\":{\"callID\":\"c2\"},"
                     "\"transferredToDevice\":{\"deviceIdentifier\":"
                     "{\"id\":\"sip:1004@example.com\"}}}}}");
    CHECK(!push_lacks(p, &begun, lacked)); /* nothing is told of that */
    CHECK(push_begins(&begun) && !push_begins(&ringing));
    CHECK(push_lacks(p, &failed, lacked));
    CHECK(push_lacks(p, &ringing, lacked) && push_lacks(p, &talks, lacked));
    CHECK(push_lacks(p, &over, lacked));
    CHECK_STR(str_c(lacked), "c1");
    push_learn(p, &begun);
    push_learn(p, &ringing);
    push_learn(p, &talks);
    CHECK(!push_lacks(p, &over, lacked));
    CHECK(push_lacks(p, &moved, lacked)); /* the other call */
    CHECK_STR(str_c(lacked), "c2");
    push_know(p, STR("c2"));
    CHECK(!push_lacks(p, &moved, lacked));
    push_undo(p); /* nothing of that is undone */
    call_id = "c1";
    check_push(p, "delivered", OURS, DEV, "tel:+49301", DEV, "", "");
    check_push(p, "established", OURS, DEV, "tel:+49301", DEV, "", "");
    check_push(p, "callCleared", OURS, DEV, "", "", "",
               "event=hangup&from=49301&to=1002&direction=in&callId=c1&cause=normalClearing"
               "&answeringNumber=1002");
    push_learn(p, &talks); /* answered at once, and both told */
    check_push(p, "established", OURS, DEV, "tel:+49301", DEV, "", "");
    push_learn(p, &over); /* of a call that is over, however late */
    push_know(p, STR("c1"));
    CHECK(!push_lacks(p, &over, lacked));
    call_id = "c 1";
    over.call_id = STR("0123456789012345678901234567890123456789012345678901234567890123");
    CHECK_INT(over.call_id.n, PUSH_CALL_MAX);
    CHECK(!push_lacks(p, &over, lacked)); /* none of ours */
    over.call_id = STR("");
    CHECK(!push_lacks(p, &over, lacked));
    push_free(p);
}

/* ---- signatures and addresses ---- */

static void test_webhook_signature(void)
{
    char text[128];
    struct out o;
    out_init(&o, text, sizeof(text));
    /* printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 0123456789abcdef */
    webhook_sign(&o, STR("0123456789abcdef"), 1700000000, STR("{\"a\":1}"));
    CHECK_STR(
        out_str_of(&o),
        "t=1700000000,v1=9eb18f493f8ec135d9eb2dad817c369bb4e9cbfa818657897a7437c1cd8c3a23");
}

static void test_webhook_addresses(void)
{
    static const struct {
        const char *text;
        bool is_public;
    } v4[] = {{"8.8.8.8", true},     {"127.0.0.1", false},       {"10.0.0.1", false},
              {"172.15.0.1", true},  {"172.16.0.1", false},      {"172.31.255.255", false},
              {"172.32.0.1", true},  {"192.168.0.1", false},     {"169.254.169.254", false},
              {"100.64.0.1", false}, {"100.128.0.1", true},      {"0.0.0.0", false},
              {"224.0.0.1", false},  {"255.255.255.255", false}, {"198.18.0.1", false}},
      v6[] = {{"2606:4700::1", true},
              {"::1", false},
              {"::", false},
              {"fe80::1", false},
              {"fc00::1", false},
              {"fd12::1", false},
              {"ff02::1", false},
              {"::ffff:10.0.0.1", false},
              {"::ffff:8.8.8.8", true},
              {"64:ff9b::7f00:1", false},
              {"64:ff9b::808:808", true},
              {"64:ff9b:1::808:808", false},
              {"2002:7f00:1::1", false},
              {"2002:a00:1::1", false},
              {"2002:808:808::1", true},
              {"2001:0:808:808::1", false},
              {"2001:4860:4860::8888", true}};
    for (size_t i = 0; i < ARRAY_LEN(v4); i++) {
        struct sockaddr_in in = {.sin_family = AF_INET};
        CHECK_INT(inet_pton(AF_INET, v4[i].text, &in.sin_addr), 1);
        test_context(v4[i].text);
        CHECK_INT(webhook_address_is_public((struct sockaddr *)&in), v4[i].is_public);
    }
    for (size_t i = 0; i < ARRAY_LEN(v6); i++) {
        struct sockaddr_in6 in = {.sin6_family = AF_INET6};
        CHECK_INT(inet_pton(AF_INET6, v6[i].text, &in.sin6_addr), 1);
        test_context(v6[i].text);
        CHECK_INT(webhook_address_is_public((struct sockaddr *)&in), v6[i].is_public);
    }
    test_context(NULL);
    struct sockaddr other = {.sa_family = AF_UNIX};
    CHECK(!webhook_address_is_public(&other));
}

/* ---- rows ---- */

static void test_webhook_rows(void)
{
    static const struct access_scope devices[] = {{STR_INIT("10*"), ACCESS_OBSERVE}};
    static const struct str types[] = {STR_INIT("delivered"), STR_INIT("org.baton.op*")};
    char room[1024];
    struct out o;
    struct webhook *w = webhook_new(NULL), *again;
    CHECK(w->secret.n == 64 && str_starts(str_c(w->id), STR("wh_")));
    w->url = STR("https://crm.example.com/x");
    w->owner = STR("token:crm");
    w->form = WEBHOOK_PUSH;
    w->paused = true;
    (void)snprintf(w->why, sizeof(w->why), "it answered 410");
    w->cursor = 4711;
    w->created_ms = 1772280000123;
    w->reader.filter = (struct feed_filter){
        .device = devices, .devices = 1, .type = types, .types = 2, .call_id = STR("c1")};
    out_init(&o, room, sizeof(room));
    webhook_pack(&o, w);
    for (size_t n = 0; n <= o.n; n++) {
        struct str cut = test_guard(str_make(room, n));
        again = webhook_new(NULL);
        int err = webhook_unpack(again, str_c(w->id), cut);
        CHECK_INT(err == 0, n == o.n);
        if (err == 0) {
            CHECK_STR(str_c(again->id), w->id);
            CHECK_STR(again->url, "https://crm.example.com/x");
            CHECK_BYTES(again->secret, w->secret);
            CHECK_STR(again->owner, "token:crm");
            CHECK_INT(again->form, WEBHOOK_PUSH);
            CHECK(again->paused);
            CHECK_STR(str_c(again->why), "it answered 410");
            CHECK_INT(again->cursor, 4711);
            CHECK_INT(again->reader.filter.devices, 1);
            CHECK_STR(again->reader.filter.device[0].pattern, "10*");
            CHECK_STR(again->reader.filter.type[1], "org.baton.op*");
            CHECK_STR(again->reader.filter.call_id, "c1");
        }
        webhook_free(again);
        test_guard_free(cut);
    }
    CHECK(webhook_unpack(w, STR(""), out_str_of(&o)) != 0);
    webhook_free(w);
}

TEST_MAIN(T(test_push_incoming), T(test_push_refused_and_outgoing), T(test_push_missed),
          T(test_push_transfers), T(test_push_newcall_is_first), T(test_push_answered_at_once),
          T(test_push_undone), T(test_push_many_calls), T(test_push_learns_the_past),
          T(test_push_learns_a_transfer), T(test_webhook_signature), T(test_webhook_addresses),
          T(test_webhook_rows))
