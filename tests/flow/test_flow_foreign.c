/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that live on a phone: every service of calls in every state that such a call can have.
 *
 * The phone takes all that TR/87 has and DialDigits. For each service and state the table says
 * how the application is answered, and whether the phone was asked: a service is refused here
 * when the state does not allow it (TR/87 7.0, V-4) or when only who carries a call can do it.
 * What the phone tells when it has done what it was asked comes to the application as one
 * event.
 */
#include "tel.h"

#include <stdio.h>

static struct world w;
static struct tel tel;
static struct tel_profile profile;

static void with_phone(struct world *world)
{
    struct phone_profile *whole = tel_profile(&profile, world, 0, "whole");
    phone_messages_add(&whole->services, CSTA_MSG_DIAL_DIGITS);
}

static void up(void)
{
    tel_world_up(&tel, &w, &(struct world_options){.tweak = with_phone});
    REQUIRE(world_stat(&w, "phone_sessions") == 1);
    (void)world_monitor(&w, &w.crm, "1001");
    (void)world_monitor(&w, &w.crm, "1002");
    world_run(&w, 100);
    tel_forget(&tel);
}

/** What the application was told since it was asked last. */
static const char *news(void)
{
    world_run(&w, 300);
    const char *text = app_events(&w.crm, NULL);
    app_forget(&w.crm);
    return text;
}

#define TOLD(want) CHECK_STR(str_c(news()), want)

/* ---- states ---- */

static void alerting(void)
{
    tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
    world_run(&w, 300);
}

static void talking(void)
{
    alerting();
    tel_established(&tel, "1", "1001", "777", "1001");
    world_run(&w, 300);
}

static void held(void)
{
    talking();
    tel_held(&tel, "1", true);
    world_run(&w, 300);
}

static void dialled(void)
{
    tel_originated(&tel, "1", "777");
    world_run(&w, 4000); /* until it counts as foreign */
}

enum { ALERTING, DIALLED, TALKING, HELD, STATES };

static const struct {
    const char *name;
    void (*make)(void);
} states[STATES] = {
    {"alerting", alerting}, {"dialled", dialled}, {"talking", talking}, {"held", held}};

/* ---- services about one call ---- */

#define STATE_ERROR(value) "stateIncompatibility/" value
#define WRONG STATE_ERROR("invalidConnectionState")
#define NONE "operation/serviceNotSupported"

#define NO_ACTIVE STATE_ERROR("noActiveCall")
#define NO_HELD STATE_ERROR("noHeldCall")
#define NO_ANSWER STATE_ERROR("noCallToAnswer")
#define NO_COMPLETE STATE_ERROR("noCallToComplete")
#define ALL(answer)                    \
    {                                  \
        answer, answer, answer, answer \
    }

/* In the states alerting, dialled, talking, held. */
static const struct {
    const char *service, *element, *more;
    const char *answer[STATES];
} one_call[] = {
    {"AnswerCall",
     "callToBeAnswered",
     "",
     {"AnswerCallResponse", NO_ANSWER, NO_ANSWER, NO_ANSWER}},
    {"ClearConnection", "connectionToBeCleared", "", ALL("ClearConnectionResponse")},
    {"ClearCall", "callToBeCleared", "", ALL("ClearCallResponse")},
    {"HoldCall",
     "callToBeHeld",
     "",
     {NO_ACTIVE, "HoldCallResponse", "HoldCallResponse", NO_ACTIVE}},
    {"RetrieveCall",
     "callToBeRetrieved",
     "",
     {NO_HELD, NO_HELD, NO_HELD, "RetrieveCallResponse"}},
    {"DeflectCall",
     "callToBeDiverted",
     "<newDestination>1003</newDestination>",
     {"DeflectCallResponse", WRONG, WRONG, WRONG}},
    {"SingleStepTransferCall",
     "activeCall",
     "<transferredTo>1003</transferredTo>",
     {NO_ACTIVE, "SingleStepTransferCallResponse c1:777",
      "SingleStepTransferCallResponse c1:777", NO_ACTIVE}},
    {"ConsultationCall",
     "existingCall",
     "<consultedDevice>1003</consultedDevice>",
     {NO_ACTIVE, "ConsultationCallResponse c2:1001", "ConsultationCallResponse c2:1001",
      NO_ACTIVE}},
    {"GenerateDigits",
     "connectionToSendDigits",
     "<charactersToSend>12#</charactersToSend>",
     {NO_ACTIVE, "GenerateDigitsResponse", "GenerateDigitsResponse", NO_ACTIVE}},
    {"DialDigits",
     "diallingConnection",
     "<diallingSequence>12</diallingSequence>",
     {WRONG, "DialDigitsResponse", WRONG, WRONG}},
    {"SingleStepConferenceCall", "activeCall",
     "<deviceToJoin>1003</deviceToJoin><participationType>active</participationType>",
     ALL(NONE)},
    {"ParkCall", "parking", "<parkTo>1003</parkTo>", ALL(NONE)},
    {"DirectedPickupCall", "callToBePickedUp", "<requestingDevice>1002</requestingDevice>",
     ALL(NONE)},
    {"CallBack", "callbackConnection", "", ALL(NO_COMPLETE)},
    {"SendUserInformation", "existingCall", "<userData><string>6869</string></userData>",
     ALL(NONE)},
    {"AssociateData", "existingCall", "<correlatorData><string>4711</string></correlatorData>",
     ALL("AssociateDataResponse")},
};

/** Services of which the phone hears nothing: Baton keeps that itself. */
static bool is_ours(const char *service)
{
    return strcmp(service, "AssociateData") == 0;
}

/** By what name the phone is asked. */
static const char *asked_as(const char *service)
{
    return strcmp(service, "ClearCall") == 0 ? "ClearConnection" : service;
}

static void end(const char *call)
{
    tel_cleared(&tel, call, "1001", "null");
    world_run(&w, 300);
}

static void check_one(size_t row, unsigned state)
{
    char where[96], want[64];
    const char *expected = one_call[row].answer[state];
    bool positive = strstr(expected, "Response") != NULL;
    (void)snprintf(where, sizeof(where), "%s, %s", one_call[row].service, states[state].name);
    up();
    states[state].make();
    test_context(where);
    tel_forget(&tel);
    (void)news();
    struct ask *q = app_on_connection(&w.crm, one_call[row].service, one_call[row].element,
                                      "c1", "1001", one_call[row].more);
    world_run(&w, 500);
    ANSWER(q, expected);
    CHECK_INT(q->answers, 1);
    (void)snprintf(want, sizeof(want), "%s ", asked_as(one_call[row].service));
    CHECK_STR(str_c(tel.asked), positive && !is_ours(one_call[row].service) ? want : "");
    end("m2");
    end("1");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    test_context(NULL);
    world_down(&w);
}

static void test_foreign_states(void)
{
    for (size_t i = 0; i < ARRAY_LEN(one_call); i++) {
        for (unsigned state = 0; state < STATES; state++) {
            check_one(i, state);
        }
    }
}

/* ---- services about two calls ---- */

static void second(const char *from)
{
    tel_delivered(&tel, "2", "1001", from, "1001", "alerting");
    world_run(&w, 300);
}

static void second_talks(void)
{
    second("888");
    tel_established(&tel, "2", "1001", "888", "1001");
    world_run(&w, 300);
}

static void held_and_talking(void)
{
    held();
    second_talks();
}

static void talking_and_held(void)
{
    held_and_talking();
    tel_held(&tel, "2", true);
    tel_held(&tel, "1", false);
    world_run(&w, 300);
}

static void both_on_hold(void)
{
    held_and_talking();
    tel_held(&tel, "2", true);
    world_run(&w, 300);
}

static void held_and_alerting(void)
{
    held();
    second("888");
}

static void alerting_and_talking(void)
{
    alerting();
    second_talks();
}

/** One of the phone's own, held, and one that Baton bridges. */
static void held_and_bridged(void)
{
    held();
    REQUIRE(world_call(&w, PHONE(&w, 1), PHONE(&w, 0)));
}

enum { PAIRS = 6 };

static void (*const pairs[PAIRS])(void) = {held_and_talking,     talking_and_held,
                                           both_on_hold,         held_and_alerting,
                                           alerting_and_talking, held_and_bridged};

static const struct {
    const char *service, *first, *other;
    bool swapped; /**< the first element is the second call */
    const char *answer[PAIRS];
} two_calls[] = {
    {"AlternateCall",
     "heldCall",
     "activeCall",
     false,
     {"AlternateCallResponse", NO_HELD, NO_HELD, NO_HELD, "AlternateCallResponse", NO_HELD}},
    {"ReconnectCall",
     "activeCall",
     "heldCall",
     true,
     {"ReconnectCallResponse", NO_HELD, NO_HELD, "ReconnectCallResponse", NO_HELD, NO_HELD}},
    {"TransferCall",
     "heldCall",
     "activeCall",
     false,
     {"TransferCallResponse c1:777", "TransferCallResponse c1:777",
      "TransferCallResponse c1:777", NO_HELD, NO_HELD, NO_HELD}},
    {"ConferenceCall",
     "heldCall",
     "activeCall",
     false,
     {"ConferenceCallResponse c1:1001", "ConferenceCallResponse c1:1001",
      "ConferenceCallResponse c1:1001", WRONG, WRONG, WRONG}},
};

static void check_two(size_t row, size_t pair)
{
    char where[96], want[64];
    const char *expected = two_calls[row].answer[pair];
    bool swap = two_calls[row].swapped;
    (void)snprintf(where, sizeof(where), "%s, pair %zu", two_calls[row].service, pair);
    up();
    pairs[pair]();
    test_context(where);
    tel_forget(&tel);
    struct ask *q =
        app_on_two(&w.crm, two_calls[row].service, two_calls[row].first, swap ? "c2" : "c1",
                   two_calls[row].other, swap ? "c1" : "c2", "1001");
    world_run(&w, 500);
    ANSWER(q, expected);
    CHECK_INT(q->answers, 1);
    (void)snprintf(want, sizeof(want), "%s ", two_calls[row].service);
    CHECK_STR(str_c(tel.asked), strstr(expected, "Response") != NULL ? want : "");
    test_context(NULL);
    if (pairs[pair] == held_and_bridged) {
        phone_hang_up(PHONE(&w, 1), STR_NONE);
    } else {
        end("2");
    }
    end("1");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

static void test_foreign_pairs(void)
{
    for (size_t i = 0; i < ARRAY_LEN(two_calls); i++) {
        for (size_t pair = 0; pair < PAIRS; pair++) {
            check_two(i, pair);
        }
    }
}

/* ---- the phone tells what it has done ---- */

static void command(const char *service, const char *element, const char *more)
{
    struct ask *q = app_on_connection(&w.crm, service, element, "c1", "1001", more);
    world_run(&w, 300);
    CHECK_INT(q->answers, 1);
    CHECK(strstr(q->text, "Response") != NULL);
    TOLD(""); /* nothing has happened yet: it has been asked */
}

static void diverted(const char *to)
{
    tel_event(&tel, "DivertedEvent",
              "<connection><callID>1</callID><deviceID>1001</deviceID></connection>"
              "<divertingDevice><deviceIdentifier>1001</deviceIdentifier></divertingDevice>"
              "<newDestination><deviceIdentifier>%s</deviceIdentifier></newDestination>"
              "<lastRedirectionDevice><notKnown/></lastRedirectionDevice>"
              "<localConnectionInfo>null</localConnectionInfo><cause>redirected</cause>",
              to);
}

static void transferred_to(const char *to)
{
    tel_event(
        &tel, "TransferedEvent",
        "<primaryOldCall><callID>1</callID><deviceID>1001</deviceID></primaryOldCall>"
        "<transferringDevice><deviceIdentifier>1001</deviceIdentifier>"
        "</transferringDevice><transferredToDevice><deviceIdentifier>%s"
        "</deviceIdentifier></transferredToDevice><transferredConnections/>"
        "<localConnectionInfo>null</localConnectionInfo><cause>singleStepTransfer</cause>",
        to);
}

static void test_foreign_events(void)
{
    up();
    (void)news();
    alerting();
    TOLD("Delivered c1:1001 alerting newCall 777>1001");
    command("AnswerCall", "callToBeAnswered", "");
    tel_established(&tel, "1", "1001", "777", "1001");
    TOLD("Established c1:1001 connected normal 777>1001");
    command("HoldCall", "callToBeHeld", "");
    tel_held(&tel, "1", true);
    TOLD("Held c1:1001 hold normal");
    command("RetrieveCall", "callToBeRetrieved", "");
    tel_held(&tel, "1", false);
    TOLD("Retrieved c1:1001 connected normal");
    command("SingleStepTransferCall", "activeCall", "<transferredTo>1003</transferredTo>");
    transferred_to("1003");
    TOLD("Transferred c1:1001 null singleStepTransfer to=1003 [777,1003]");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);

    up();
    alerting();
    (void)news();
    command("DeflectCall", "callToBeDiverted", "<newDestination>1003</newDestination>");
    diverted("1003");
    TOLD("Diverted c1:1001 null redirected to=1003");
    world_down(&w);

    up();
    talking();
    (void)news();
    command("ClearConnection", "connectionToBeCleared", "");
    tel_cleared(&tel, "1", "1001", "null");
    TOLD("Cleared c1:1001 null normalClearing by=1001");
    world_down(&w);

    up();
    tel_originated(&tel, "1", "77");
    world_run(&w, 4000);
    (void)news();
    command("DialDigits", "diallingConnection", "<diallingSequence>7</diallingSequence>");
    tel_event(&tel, "DigitsDialedEvent",
              "<dialingConnection><callID>1</callID><deviceID>1001</deviceID>"
              "</dialingConnection><dialingDevice><deviceIdentifier>1001</deviceIdentifier>"
              "</dialingDevice><dialingSequence>7</dialingSequence>"
              "<localConnectionInfo>connected</localConnectionInfo><cause>normal</cause>%s",
              "");
    TOLD("Dialed c1:1001 connected normal 7");
    tel_cleared(&tel, "1", "1001", "null");
    TOLD("Cleared c1:1001 null normalClearing by=1001");
    world_down(&w);
}

/* ---- a phone that mixes ---- */

#define ITEM(call, device)                                                          \
    "<connectionListItem><newConnection><callID>" call "</callID><deviceID>" device \
    "</deviceID></newConnection></connectionListItem>"
#define DEVICE(name, id) "<" name "><deviceIdentifier>" id "</deviceIdentifier></" name ">"

/** It has brought its two calls together: the conference is call 9 from now on. */
static void mixes(void)
{
    tel_event(&tel, "ConferencedEvent",
              "<primaryOldCall><callID>1</callID><deviceID>1001</deviceID></primaryOldCall>"
              "<secondaryOldCall><callID>2</callID><deviceID>1001</deviceID></secondaryOldCall>"
              "%s%s<conferenceConnections>%s</conferenceConnections>"
              "<localConnectionInfo>connected</localConnectionInfo><cause>conference</cause>",
              DEVICE("conferencingDevice", "1001"), DEVICE("addedParty", "888"),
              ITEM("9", "1001") ITEM("9", "777") ITEM("9", "888"));
}

static const char *in_calls(void)
{
    struct ask *q = app_ask(&w.crm, "SnapshotDevice", "<snapshotObject>1001</snapshotObject>");
    world_run(&w, 300);
    return q->text;
}

static void test_foreign_conference(void)
{
    up();
    held_and_talking();
    (void)news();
    struct ask *q =
        app_on_two(&w.crm, "ConferenceCall", "heldCall", "c1", "activeCall", "c2", "1001");
    world_run(&w, 300);
    ANSWER(q, "ConferenceCallResponse c1:1001");
    mixes();
    TOLD(
        "Conferenced c1:1001 connected conference and c2:1001 by=1001 added=888 [1001<c1,777<c1,888<c2]");
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    CHECK_STR(str_c(in_calls()),
              "SnapshotDeviceResponse c1:1001 connected,connected,connected with=777");
    tel_event(&tel, "HeldEvent",
              "<heldConnection><callID>9</callID><deviceID>1001</deviceID></heldConnection>"
              "<holdingDevice><deviceIdentifier>1001</deviceIdentifier></holdingDevice>"
              "<localConnectionInfo>hold</localConnectionInfo><cause>normal</cause>");
    TOLD("Held c1:1001 hold normal"); /* by the callID that it has now */
    tel_held(&tel, "9", false);
    TOLD("Retrieved c1:1001 connected normal");
    tel_cleared(&tel, "9", "777", "connected"); /* the one that was there first */
    TOLD("Cleared c1:777 connected normalClearing by=777");
    world_run(&w, 10000);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    tel_cleared(&tel, "9", "1001", "null");
    TOLD("Cleared c1:1001 null normalClearing by=1001");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** Nothing is told twice, and nobody is asked for what the phone has done by itself. */
static void test_foreign_conference_once(void)
{
    up();
    held_and_talking();
    (void)news();
    tel_forget(&tel);
    mixes();
    (void)news();
    tel_event(&tel, "ConferencedEvent",
              "<primaryOldCall><callID>9</callID><deviceID>1001</deviceID></primaryOldCall>"
              "%s%s<conferenceConnections>%s</conferenceConnections>"
              "<localConnectionInfo>connected</localConnectionInfo><cause>conference</cause>",
              DEVICE("conferencingDevice", "1001"), DEVICE("addedParty", "888"),
              ITEM("9", "1001") ITEM("9", "777") ITEM("9", "888"));
    TOLD("");
    CHECK_STR(str_c(tel.asked), "");
    tel_event(&tel, "ConferencedEvent", /* and a fourth comes */
              "<primaryOldCall><callID>9</callID><deviceID>1001</deviceID></primaryOldCall>"
              "%s%s<conferenceConnections/>"
              "<localConnectionInfo>connected</localConnectionInfo><cause>conference</cause>",
              DEVICE("conferencingDevice", "1001"), DEVICE("addedParty", "999"));
    TOLD(
        "Conferenced c1:1001 connected conference by=1001 added=999 [1001<c1,777<c1,888<c1,999+]");
    end("9");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** The party at the other end has made the conference, and says who came. */
static void test_foreign_conference_of_others(void)
{
    up();
    talking();
    (void)news();
    tel_event(&tel, "ConferencedEvent",
              "<primaryOldCall><callID>1</callID><deviceID>777</deviceID></primaryOldCall>"
              "%s%s<conferenceConnections>%s</conferenceConnections>"
              "<localConnectionInfo>connected</localConnectionInfo><cause>conference</cause>",
              DEVICE("conferencingDevice", "777"), DEVICE("addedParty", "888"),
              ITEM("1", "1001") ITEM("1", "777") ITEM("1", "888"));
    TOLD("Conferenced c1:777 connected conference by=777 added=888 [1001<c1,777<c1,888+]");
    tel_cleared(&tel, "1", "888", "connected");
    TOLD("Cleared c1:888 connected normalClearing by=888");
    end("1");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** Calls that Baton bridges are two to it, whatever the phone does with their media. */
static void test_bridged_calls_mixed_by_phone(void)
{
    up();
    REQUIRE(world_call(&w, PHONE(&w, 1), PHONE(&w, 0)));
    tel_delivered(&tel, "1", "1001", "1002", "1001", "alerting");
    tel_established(&tel, "1", "1001", "1002", "1001");
    second_talks();
    (void)news();
    mixes();
    TOLD("");
    CHECK_INT(world_stat(&w, "calls_active"), 2);
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    end("2");
    world_run(&w, 3000);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

TEST_MAIN(T(test_foreign_states), T(test_foreign_pairs), T(test_foreign_events),
          T(test_foreign_conference), T(test_foreign_conference_once),
          T(test_foreign_conference_of_others), T(test_bridged_calls_mixed_by_phone))
