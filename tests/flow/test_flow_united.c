/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contexts of two calls that become one: ConsultationCall and TransferCall of an
 * application, REFER with Replaces of a phone. Each row of the table in uui/merge.h: what the
 * held call had, what the consultation was given; what the party who is transferred to gets, on
 * the wire and in events, and what the call has from then on.
 */
#include "service.h"
#include "trio.h"
#include "uui/merge.h"

#include <stdio.h>

static struct uui_carriage rules;

#define HELD "0441"
#define EQUAL "0441"
#define OTHER "0442"
#define CRM "CC;encoding=hex;purpose=crm"
#define HEX ";encoding=hex"
#define FULL ";encoding=hex;purpose=isdn-uui"

static void foreign(struct world *x)
{
    x->peer[0].domain = PEER_OUTSIDE;
    x->config.call.carriage = &rules;
}

static void up(enum uui_replacing may)
{
    rules = uui_carriage_default;
    rules.replacing[UUI_MOVE_SERVICE] = rules.replacing[UUI_MOVE_ATTENDED] = (uint8_t)may;
    trio_up_with((struct world_options){.tweak = foreign, .phones = 4});
}

/** bob calls ann, who is to transfer, with these values; they talk. */
static void held_call(const char *values)
{
    char line[96] = "";
    if (values != NULL) {
        (void)snprintf(line, sizeof(line), "User-to-User: %s\r\n", values);
    }
    REQUIRE(phone_call(bob, "1001", true, str_c(line)) != NULL);
    world_run(&w, 200);
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 200);
}

static void consult(const char *whom, const char *uui, const char *correlator)
{
    char more[256] = "", text[512];
    if (correlator != NULL) {
        (void)snprintf(more, sizeof(more),
                       "<correlatorData><string>%s</string></correlatorData>", correlator);
    }
    if (uui != NULL) {
        size_t n = strlen(more);
        (void)snprintf(more + n, sizeof(more) - n, "<userData><string>%s</string></userData>",
                       uui);
    }
    (void)snprintf(text, sizeof(text), "<consultedDevice>%s</consultedDevice>%s", whom, more);
    ANSWER(trio_on("ConsultationCall", "existingCall", "c1", "1001", text),
           "ConsultationCallResponse c2:1001");
}

/** The User-to-User of the last INVITE to a phone that has some. */
static struct str told(const struct phone *p)
{
    struct str found = STR("nothing"), one;
    for (size_t i = 0; i < trio_to(p, "INVITE"); i++) {
        one = trio_header(p, "INVITE", i, "User-to-User");
        found = str_is_set(one) ? one : found;
    }
    return found;
}

/** What the call has now: it is transferred once more, to the fourth phone. */
static struct str context_now(void)
{
    (void)app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c1", "1003",
                            "<transferredTo>1004</transferredTo>");
    world_run(&w, 500);
    return told(PHONE(&w, 3));
}

static const struct row {
    const char *name, *had, *given;
    enum uui_replacing may;
    const char *cleo;  /**< the last that she is told */
    const char *shown; /**< userData in Transferred */
    const char *after; /**< the context of the call */
    size_t invites;    /**< to cleo with User-to-User */
    unsigned replaced, refused;
} rows[] = {
    {"nothing, nothing", NULL, NULL, UUI_REPLACE, "nothing", "", "nothing", 0, 0, 0},
    {"nothing, a value", NULL, OTHER, UUI_REPLACE, OTHER FULL, "0442", OTHER FULL, 1, 0, 0},
    {"nothing, a value, keep", NULL, OTHER, UUI_KEEP, OTHER FULL, "0442", OTHER FULL, 1, 0, 0},
    {"a value, nothing", HELD HEX, NULL, UUI_REPLACE, HELD HEX, "0441", HELD HEX, 1, 0, 0},
    {"equal octets", HELD HEX, EQUAL, UUI_KEEP, HELD HEX, "0441", HELD HEX, 2, 0, 0},
    {"different", HELD HEX, OTHER, UUI_REPLACE, OTHER FULL, "0442", OTHER FULL, 1, 1, 0},
    {"different, keep", HELD HEX, OTHER, UUI_KEEP, HELD HEX, "0441", HELD HEX, 2, 0, 1},
    {"different, one domain", HELD HEX, OTHER, UUI_REPLACE_IN_DOMAIN, OTHER FULL, "0442",
     OTHER FULL, 1, 1, 0},
    {"another package", CRM, OTHER, UUI_KEEP, OTHER FULL ", " CRM, "0442", OTHER FULL ", " CRM,
     2, 0, 0},
    {"one of two packages", CRM ", " HELD HEX, OTHER, UUI_REPLACE, OTHER FULL ", " CRM, "0442",
     OTHER FULL ", " CRM, 2, 1, 0},
};

static size_t count_told(const struct phone *p)
{
    size_t n = 0;
    for (size_t i = 0; i < trio_to(p, "INVITE"); i++) {
        n += str_is_set(trio_header(p, "INVITE", i, "User-to-User"));
    }
    return n;
}

/** The last event on a monitor is Transferred. */
static const struct csta_transferred_event *transferred(const char *ref)
{
    static const struct csta_transferred_event none;
    const struct note *last = NULL;
    for (size_t i = 0; i < w.crm.notes; i++) {
        last = strcmp(w.crm.note[i].ref, ref) == 0 ? &w.crm.note[i] : last;
    }
    CHECK(last != NULL && last->msg.id == CSTA_MSG_TRANSFERRED_EVENT);
    return last != NULL && last->msg.id == CSTA_MSG_TRANSFERRED_EVENT
               ? last->msg.transferred_event
               : &none;
}

static void check_octets(struct str octets, const char *want)
{
    char hex[64] = "";
    for (size_t i = 0; i < octets.n && i < 16; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02X", (unsigned char)octets.p[i]);
    }
    CHECK_STR(str_c(hex), want);
}

static void check_row(const struct row *r)
{
    check_octets(transferred(a)->user_data.string, r->shown);
    check_octets(transferred(b)->user_data.string, r->shown);
    check_octets(transferred(c)->user_data.string, r->shown);
    CHECK_STR(told(cleo), r->cleo);
    CHECK_INT(count_told(cleo), r->invites);
    CHECK_INT(world_stat(&w, "uui_move_replaced"), r->replaced);
    CHECK_INT(world_stat(&w, "uui_move_refused"), r->refused);
}

static void test_transfer_call(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context(rows[i].name);
        up(rows[i].may);
        held_call(rows[i].had);
        consult("1003", rows[i].given, NULL);
        CHECK_INT(phone_answer(cleo), 0);
        world_run(&w, 300);
        app_forget(&w.crm);
        ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
        check_row(&rows[i]);
        CHECK_STR(str_c(phones_media(bob, cleo)), "sendrecv|sendrecv");
        CHECK_STR(context_now(), rows[i].after);
        trio_down();
    }
    test_context(NULL);
}

/** She is transferred to while she rings, and is told when she answers. */
static void test_ringing(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context(rows[i].name);
        up(rows[i].may);
        held_call(rows[i].had);
        consult("1003", rows[i].given, NULL);
        ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
        CHECK_INT(phone_answer(cleo), 0);
        world_run(&w, 500);
        CHECK_STR(told(cleo), rows[i].cleo);
        CHECK_INT(count_told(cleo), rows[i].invites);
        CHECK_STR(str_c(phones_media(bob, cleo)), "sendrecv|sendrecv");
        trio_down();
    }
    test_context(NULL);
}

/** The same rows when a phone's REFER asks, with Replaces and a value in the URI. What its
    consultation had is not what it gives. */
static void test_phone_refers(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char refer[512], uri[64] = "";
        test_context(rows[i].name);
        up(rows[i].may);
        held_call(rows[i].had);
        struct line first = line_keep(ann);
        REQUIRE(phone_call(ann, "1003", true, STR("User-to-User: 04FF" HEX "\r\n")) != NULL);
        world_run(&w, 200);
        CHECK_INT(phone_answer(cleo), 0);
        world_run(&w, 300);
        app_forget(&w.crm);
        if (rows[i].given != NULL) {
            (void)snprintf(uri, sizeof(uri),
                           "&User-to-User=%s%%3Bencoding%%3Dhex%%3Bpurpose%%3Disdn-uui",
                           rows[i].given);
        }
        (void)snprintf(refer, sizeof(refer), "Refer-To: <sip:1003@example.com?%s%s>\r\n",
                       service_replaces(ann->s.leg), uri);
        struct leg_content content = {.lines = str_c(refer)};
        CHECK_INT(leg_send(first.leg, NULL, STR("REFER"), &content, station_listen, &ann->s,
                           NULL, station_now(&ann->s)),
                  0);
        world_run(&w, 1000);
        check_octets(transferred(c)->user_data.string, rows[i].shown);
        CHECK_STR(told(cleo), *rows[i].shown != '\0' ? rows[i].cleo : "04FF" HEX);
        CHECK_INT(world_stat(&w, "uui_move_replaced"), rows[i].replaced);
        CHECK_INT(world_stat(&w, "uui_move_refused"), rows[i].refused);
        world_run(&w, 6000);
        CHECK_STR(context_now(), rows[i].after);
        trio_down();
    }
    test_context(NULL);
}

/** The target is not of our domain: what the held call has may not be replaced there. */
static void test_foreign_target(void)
{
    struct hop back;
    up(UUI_REPLACE_IN_DOMAIN);
    held_call(HELD HEX);
    consult("9555", OTHER, NULL);
    struct text_msg invite = world_take(&w.gateway, "INVITE");
    CHECK_STR(text_value(&invite, "User-to-User"), OTHER FULL);
    back = raw_from(&w.gateway);
    raw_reply(&w.gateway, &back, invite.m, "200 OK", "t",
              "Contact: <sip:5@10.0.2.1>\nContent-Type: application/sdp\n", world_sdp);
    world_run(&w, 300);
    text_free(&invite);
    struct ask *q = trio_ask_transfer();
    world_run(&w, 300);
    CHECK_INT(world_stat(&w, "uui_move_refused"), 1);
    invite = world_take(&w.gateway, "INVITE"); /* that asks it for an offer */
    CHECK_STR(text_value(&invite, "User-to-User"), HELD HEX);
    raw_reply(&w.gateway, &back, invite.m, "200 OK", "t",
              "Contact: <sip:5@10.0.2.1>\nContent-Type: application/sdp\n", world_sdp);
    world_run(&w, 500);
    text_free(&invite);
    ANSWER(q, "TransferCallResponse c1:9555");
    trio_down();
}

static const struct {
    const char *name, *held, *given;
    enum uui_replacing may;
    const char *want;
} correlated[] = {
    {"none", NULL, NULL, UUI_REPLACE, ""},
    {"of the held call", "4131", NULL, UUI_REPLACE, "4131"},
    {"of the consultation", NULL, "4232", UUI_KEEP, "4232"},
    {"both", "4131", "4232", UUI_REPLACE, "4232"},
    {"both, keep", "4131", "4232", UUI_KEEP, "4131"},
};

static void test_correlator(void)
{
    for (size_t i = 0; i < ARRAY_LEN(correlated); i++) {
        char text[160];
        test_context(correlated[i].name);
        up(correlated[i].may);
        held_call(NULL);
        if (correlated[i].held != NULL) {
            (void)snprintf(text, sizeof(text),
                           "<correlatorData><string>%s</string></correlatorData>",
                           correlated[i].held);
            ANSWER(trio_on("AssociateData", "existingCall", "c1", "1001", text),
                   "AssociateDataResponse");
        }
        consult("1003", NULL, correlated[i].given);
        CHECK_INT(phone_answer(cleo), 0);
        world_run(&w, 300);
        app_forget(&w.crm);
        ANSWER(trio_done(trio_ask_transfer()), "TransferCallResponse c1:1003");
        check_octets(transferred(b)->correlator_data.string, correlated[i].want);
        check_octets(transferred(c)->correlator_data.string, correlated[i].want);
        struct ask *q = trio_done(app_ask(&w.crm, "SnapshotCall",
                                          "<snapshotObject><callID>%s</callID>"
                                          "<deviceID>1003</deviceID></snapshotObject>",
                                          app_call_id(&w.crm, "c1")));
        if (CHECK(q->msg.id == CSTA_MSG_SNAPSHOT_CALL_RESPONSE)) {
            check_octets(q->msg.snapshot_call_response->correlator_data.string,
                         correlated[i].want);
        }
        trio_down();
    }
    test_context(NULL);
}

/** It comes to nothing: both calls have what they had. */
static void test_refused(void)
{
    up(UUI_REPLACE);
    held_call(HELD HEX);
    consult("1003", OTHER, "4232");
    CHECK_INT(phone_answer(cleo), 0);
    world_run(&w, 300);
    bob->refuse_offers = 488;
    struct ask *q = trio_ask_transfer();
    world_run(&w, 3000);
    ANSWER(q, "operation/requestIncompatibleWithConnection");
    bob->refuse_offers = 0;
    ANSWER(trio_on("ReconnectCall", "activeCall", "c2", "1001", ""), "ReconnectCallResponse");
    (void)app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c1", "1001",
                            "<transferredTo>1004</transferredTo>");
    world_run(&w, 500);
    CHECK_STR(told(PHONE(&w, 3)), HELD HEX);
    CHECK(strstr(app_events(&w.crm, b), "corr=B2") == NULL);
    trio_down();
}

/** Every allocation of a transfer fails once: nobody gets two of isdn-uui, no call is lost. */
static void test_without_memory(void)
{
    for (size_t at = 1; at < 60; at++) {
        up(UUI_REPLACE);
        w.hard = true;
        held_call(CRM ", " HELD HEX);
        consult("1003", OTHER, "4232");
        CHECK_INT(phone_answer(cleo), 0);
        world_run(&w, 300);
        w.mem.fail_at = w.mem.calls + at;
        struct ask *q = trio_ask_transfer();
        world_run(&w, 3000);
        w.mem.fail_at = 0;
        CHECK_INT(q->answers, 1);
        for (size_t i = 0; i < trio_to(cleo, "INVITE"); i++) {
            struct str v = trio_header(cleo, "INVITE", i, "User-to-User");
            CHECK(str_find(v, STR(HELD)) == v.n);
        }
        world_run(&w, 40000);
        world_down(&w); /* an event that was lost is counted; no call is */
    }
}

TEST_MAIN(T(test_transfer_call), T(test_ringing), T(test_phone_refers), T(test_foreign_target),
          T(test_correlator), T(test_refused), T(test_without_memory))
