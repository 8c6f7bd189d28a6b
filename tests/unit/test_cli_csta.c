/* SPDX-License-Identifier: Apache-2.0 */
/* `baton csta` without a server: words to requests, messages to lines, the command line. */
#include "cli/csta_cmd.h"
#include "cli/csta_json.h"
#include "test.h"
#include <stdlib.h>
#include <time.h>

#define ED3 " xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""
#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
/** 2024-05-01 12:30:01.123 UTC */
#define WALL 1714566601123ull

static struct arena arena;

/* ---- words ---- */

static const char *split(const char *line)
{
    static char text[512];
    struct str word[CSTA_WORDS_MAX];
    size_t n = 0, at = 0;
    int err = csta_words_split(str_c(line), &arena, word, &n);

    if (err != 0) {
        return err == E_SYNTAX ? "E_SYNTAX" : err == E_TOOMANY ? "E_TOOMANY" : "?";
    }
    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "[%.*s]", STR_ARG(word[i]));
    }
    return text;
}

static void test_words(void)
{
    CHECK_STR(str_c(split("")), "");
    CHECK_STR(str_c(split("  a\tb  c ")), "[a][b][c]");
    CHECK_STR(str_c(split("a 'b c' \"d e\" f'g h'i")), "[a][b c][d e][fg hi]");
    CHECK_STR(str_c(split("a '' \"\"")), "[a][][]");
    CHECK_STR(str_c(split("\"a \\\" \\\\ b\" 'c\\d'")), "[a \" \\ b][c\\d]");
    CHECK_STR(str_c(split("# all of it")), "");
    CHECK_STR(str_c(split("a # comment 'x")), "[a]");
    CHECK_STR(str_c(split("a#b")), "[a#b]");
    CHECK_STR(str_c(split("a 'b")), "E_SYNTAX");
    CHECK_STR(str_c(split("\"b\\")), "E_SYNTAX");
    char many[2 * CSTA_WORDS_MAX + 3];
    memset(many, ' ', sizeof(many));
    for (size_t i = 0; i < sizeof(many); i += 2) {
        many[i] = 'x';
    }
    many[sizeof(many) - 1] = '\0';
    CHECK_STR(str_c(split(many)), "E_TOOMANY");
    arena_reset(&arena);
}

/** Parse a line. @return 0 or E_VALUE, with the complaint */
static int order(const char *line, struct csta_order *o, struct str *complaint)
{
    struct str *word = arena_alloc(&arena, CSTA_WORDS_MAX * sizeof(*word));
    size_t n = 0;

    CHECK_INT(csta_words_split(str_c(line), &arena, word, &n), 0);
    return csta_order_parse(word, n, &arena, o, complaint);
}

/** The body that a line becomes, without XML declaration; "" for lines without one. */
static struct str body_in(const char *line, enum csta_edition edition)
{
    struct csta_order o;
    struct str complaint, body;

    if (order(line, &o, &complaint) != 0) {
        return complaint;
    }
    if (csta_body_write(&o.msg, edition, &arena, &body) != 0) {
        return STR("not written");
    }
    return str_starts(body, STR(XML)) ? str_from(body, sizeof(XML) - 1) : body;
}

#define CHECK_BODY(line, want) CHECK_STR(body_in(line, CSTA_ED3), want)

static void test_requests(void)
{
    CHECK_BODY("make-call 1001 sip:bob@example.com",
               "<MakeCall" ED3 "><callingDevice>1001</callingDevice>"
               "<calledDirectoryNumber>sip:bob@example.com</calledDirectoryNumber>"
               "<autoOriginate>doNotPrompt</autoOriginate></MakeCall>");
    CHECK_BODY("make-call --prompt --user-text 'Hi there' 1001 --correlator=0a0B 1002",
               "<MakeCall" ED3 "><callingDevice>1001</callingDevice>"
               "<calledDirectoryNumber>1002</calledDirectoryNumber>"
               "<autoOriginate>prompt</autoOriginate>"
               "<correlatorData><string>0A0B</string></correlatorData>"
               "<userData><string>044869207468657265</string></userData></MakeCall>");
    CHECK_BODY("answer c7/1001 --user-data '04 C8:03'",
               "<AnswerCall" ED3 "><callToBeAnswered><callID>c7</callID>"
               "<deviceID>1001</deviceID></callToBeAnswered>"
               "<userData><string>04C803</string></userData></AnswerCall>");
    CHECK_BODY("clear 1001 --reason busy",
               "<ClearConnection" ED3 "><connectionToBeCleared><deviceID>1001</deviceID>"
               "</connectionToBeCleared><reason>busy</reason></ClearConnection>");
    CHECK_BODY("hold SIP/trunk-1/1001",
               "<HoldCall" ED3 "><callToBeHeld><callID>SIP/trunk-1</callID>"
               "<deviceID>1001</deviceID></callToBeHeld></HoldCall>");
    CHECK_BODY("retrieve c7/", "<RetrieveCall" ED3 "><callToBeRetrieved><callID>c7</callID>"
                               "</callToBeRetrieved></RetrieveCall>");
    CHECK_BODY("deflect /1002 1003",
               "<DeflectCall" ED3 "><callToBeDiverted><deviceID>1002</deviceID>"
               "</callToBeDiverted><newDestination>1003</newDestination></DeflectCall>");
    CHECK_BODY("transfer c7/1001 1003 --user-data 04",
               "<SingleStepTransferCall" ED3 "><activeCall><callID>c7</callID>"
               "<deviceID>1001</deviceID></activeCall><transferredTo>1003</transferredTo>"
               "<userData><string>04</string></userData></SingleStepTransferCall>");
    CHECK_BODY("consult c7/1001 1003 --user-data 04 --correlator 01",
               "<ConsultationCall" ED3 "><existingCall><callID>c7</callID>"
               "<deviceID>1001</deviceID></existingCall><consultedDevice>1003"
               "</consultedDevice><correlatorData><string>01</string></correlatorData>"
               "<userData><string>04</string></userData></ConsultationCall>");
    CHECK_BODY("associate c7/1001 --correlator 41",
               "<AssociateData" ED3 "><existingCall><callID>c7</callID><deviceID>1001"
               "</deviceID></existingCall><correlatorData><string>41</string>"
               "</correlatorData></AssociateData>");
    CHECK_BODY("alternate c7/1001 c8/1001",
               "<AlternateCall" ED3 "><heldCall><callID>c7</callID><deviceID>1001</deviceID>"
               "</heldCall><activeCall><callID>c8</callID><deviceID>1001</deviceID>"
               "</activeCall></AlternateCall>");
    CHECK_BODY("reconnect c8/1001",
               "<ReconnectCall" ED3 "><activeCall><callID>c8</callID><deviceID>1001</deviceID>"
               "</activeCall></ReconnectCall>");
    CHECK_BODY("reconnect c8/1001 c7/",
               "<ReconnectCall" ED3 "><activeCall><callID>c8</callID><deviceID>1001</deviceID>"
               "</activeCall><heldCall><callID>c7</callID></heldCall></ReconnectCall>");
    CHECK_BODY("join 1001 1001",
               "<TransferCall" ED3 "><heldCall><deviceID>1001</deviceID></heldCall>"
               "<activeCall><deviceID>1001</deviceID></activeCall></TransferCall>");
    CHECK_BODY("digits 1001 '12,#'",
               "<GenerateDigits" ED3 "><connectionToSendDigits><deviceID>1001</deviceID>"
               "</connectionToSendDigits><charactersToSend>12,#</charactersToSend>"
               "</GenerateDigits>");
    CHECK_BODY("dial 1001 '10;'",
               "<DialDigits" ED3 "><diallingConnection><deviceID>1001</deviceID>"
               "</diallingConnection><diallingSequence>10;</diallingSequence></DialDigits>");
    CHECK_BODY("clear-call c7/ --user-data 04",
               "<ClearCall" ED3 "><callToBeCleared><callID>c7</callID></callToBeCleared>"
               "<userData><string>04</string></userData></ClearCall>");
    CHECK_BODY("stop 43", "<MonitorStop" ED3 "><monitorCrossRefID>43</monitorCrossRefID>"
                          "</MonitorStop>");
    CHECK_BODY("snapshot 'N<123>a&b'", "<SnapshotDevice" ED3 "><snapshotObject>N&lt;123&gt;"
                                       "a&amp;b</snapshotObject></SnapshotDevice>");
    CHECK_BODY("features", "<GetCSTAFeatures" ED3 "/>");
#define SUPPORT(attr)                                                              \
    "<GetCSTAFeatures" ED3 "><extensions><privateData><private><uuiSupport xmlns=" \
    "\"urn:x-baton:csta\"" attr "/></private></privateData></extensions></GetCSTAFeatures>"
    CHECK_BODY("features '10<2'", SUPPORT(" device=\"10&lt;2\""));
    CHECK_BODY("features peer:pbx", SUPPORT(" peer=\"pbx\""));
    CHECK_BODY("features uui", SUPPORT(""));
    CHECK_BODY("status", "<RequestSystemStatus" ED3 "/>");
    CHECK_STR(
        body_in("deflect 1 2", CSTA_ED6),
        "<DeflectCall xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed6\">"
        "<callToBeDiverted><deviceID>1</deviceID></callToBeDiverted>"
        "<newDestination><device>2</device></newDestination></DeflectCall>");
    arena_reset(&arena);
}

static void test_routeing(void)
{
    CHECK_BODY("route-register 700",
               "<RouteRegister" ED3 "><routeingDevice>700</routeingDevice></RouteRegister>");
    CHECK_BODY("route-register", "<RouteRegister" ED3 "/>");
    CHECK_BODY("route-cancel 1",
               "<RouteRegisterCancel" ED3 "><routeRegisterReqID>1</routeRegisterReqID>"
               "</RouteRegisterCancel>");
    CHECK_BODY("route 7 1001 1002 --correlator 41 --user-data 0442",
               "<RouteSelect" ED3 "><crossRefIdentifier>7</crossRefIdentifier>"
               "<routeSelected>1001</routeSelected>"
               "<alternateRoutes><deviceID>1002</deviceID></alternateRoutes>"
               "<routeUsedReq>true</routeUsedReq>"
               "<correlatorData><string>41</string></correlatorData>"
               "<extensions><privateData><private><userData xmlns=\"urn:x-baton:csta\">"
               "<string>0442</string></userData></private></privateData></extensions>"
               "</RouteSelect>");
    CHECK_BODY("route-end 7",
               "<RouteEnd" ED3 "><crossRefIdentifier>7</crossRefIdentifier></RouteEnd>");
    CHECK_BODY("route-reject 7 busyOverflow",
               "<RouteReject" ED3 "><crossRefIdentifier>7</crossRefIdentifier>"
               "<rejectCause>busyOverflow</rejectCause></RouteReject>");
}

static void test_a_body_may_be_long(void)
{
    char line[9000] = "make-call 1001 1002 --user-data ";
    size_t n = strlen(line);
    struct str body;

    memset(line + n, 'A', 8000);
    line[n + 8000] = '\0';
    body = body_in(line, CSTA_ED3);
    CHECK(body.n > 8000);
    CHECK(str_ends(body, STR("AAAA</string></userData></MakeCall>")));
    arena_reset(&arena);
}

static void test_orders_without_a_request(void)
{
    struct csta_order o;
    struct str c;

    CHECK_INT(order("monitor 1001 1002 --count 3 --until established --timeout 1.5", &o, &c),
              0);
    CHECK_INT(o.verb, CSTA_VERB_MONITOR);
    CHECK_INT(o.msg.id, CSTA_MSG_NONE);
    REQUIRE(o.ndevice == 2);
    CHECK_STR(o.device[1], "1002");
    CHECK_INT(o.count, 3);
    CHECK_INT(o.event, CSTA_MSG_ESTABLISHED_EVENT);
    CHECK_INT(o.timeout_ms, 1500);
    CHECK_INT(order("wait Held", &o, &c), 0);
    CHECK_INT(o.timeout_ms, 30000);
    CHECK(!str_is_set(o.wait_device));
    CHECK_INT(order("wait Held 5s", &o, &c), 0);
    CHECK_INT(o.timeout_ms, 5000);
    CHECK(!str_is_set(o.wait_device));
    CHECK_INT(order("wait Held 1001 0.25", &o, &c), 0);
    CHECK_INT(o.timeout_ms, 250);
    CHECK_STR(o.wait_device, "1001");
    CHECK_INT(order("wait Held * 7", &o, &c), 0);
    CHECK_INT(o.timeout_ms, 7000);
    CHECK(!str_is_set(o.wait_device));
    CHECK_INT(order("raw -", &o, &c), 0);
    CHECK_STR(o.file, "-");
    CHECK_INT(order("-", &o, &c), 0);
    CHECK_INT(o.verb, CSTA_VERB_SHELL);
    CHECK_INT(order("clear c7/1001 --watch --timeout 5", &o, &c), 0);
    CHECK(o.watch);
    CHECK_STR(o.subject.device_id.value, "1001");
    CHECK_INT(order("make-call --watch -- -1 --2", &o, &c), 0);
    CHECK_STR(o.subject.device_id.value, "-1");
    CHECK_STR(o.msg.make_call->called_directory_number.value, "--2");
    arena_reset(&arena);
}

static void test_complaints(void)
{
    static const struct {
        const char *line, *want;
    } rows[] = {
        {"dance", "there is no command \"dance\""},
        {"make-call 1001", "it is \"make-call FROM TO\""},
        {"make-call 1 2 3", "it is \"make-call FROM TO\""},
        {"make-call 1001 ''", "an argument of make-call is empty"},
        {"make-call 1 2 --reason busy", "make-call has no option \"--reason\""},
        {"hold 1 --user-data 04", "hold has no option \"--user-data\""},
        {"clear 1 --reason tired",
         "\"tired\" is no cause of CSTA, such as busy, normalClearing or doNotDisturb"},
        {"clear 1 --reason", "--reason takes a value"},
        {"clear 1 --watch=yes", "--watch takes no value"},
        {"clear /", "\"/\" is no connection: callID/deviceID, or a device"},
        {"clear c1/ --watch", "--watch needs a device in the connection"},
        {"clear 1 --timeout 5", "--timeout goes with --watch"},
        {"clear 1 --watch --timeout 0", "--timeout takes seconds, at most a day"},
        {"clear 1 --user-data 4", "--user-data takes pairs of hex digits"},
        {"clear 1 --user-data 0g", "--user-data takes pairs of hex digits"},
        {"clear 1 --user-data ''", "--user-data takes at least one octet"},
        {"clear 1 --correlator xx", "--correlator takes pairs of hex digits"},
        {"clear 1 --user-data 04 --user-text a",
         "--user-data and --user-text are given more than once"},
        {"clear 1 --user-text \xc3\xa4", "--user-text takes IA5 characters (ASCII) only; give "
                                         "other text as octets with --user-data"},
        {"monitor", "it is \"monitor DEVICE...\""},
        {"monitor 1 --count 0", "--count takes a number of events"},
        {"monitor 1 --until Dancing", "\"Dancing\" is no event of CSTA"},
        {"wait Dancing", "\"Dancing\" is no event of CSTA"},
        {"wait Held 1001 soon", "\"soon\" is no time in seconds"},
        {"features 1 2", "it is \"features [DEVICE|peer:NAME|uui]\""},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct csta_order o;
        struct str complaint;
        test_context(rows[i].line);
        CHECK_INT(order(rows[i].line, &o, &complaint), E_VALUE);
        CHECK_STR(complaint, rows[i].want);
    }
    test_context(NULL);
    arena_reset(&arena);
}

static void test_small_parsers(void)
{
    uint64_t ms;

    CHECK_INT(csta_event_find(STR("DeliveredEvent")), CSTA_MSG_DELIVERED_EVENT);
    CHECK_INT(csta_event_find(STR("connectioncleared")), CSTA_MSG_CONNECTION_CLEARED_EVENT);
    CHECK_INT(csta_event_find(STR("Transfered")), CSTA_MSG_TRANSFERRED_EVENT);
    CHECK_INT(csta_event_find(STR("transferredevent")), CSTA_MSG_TRANSFERRED_EVENT);
    CHECK_INT(csta_event_find(STR("MakeCall")), CSTA_MSG_NONE);
    CHECK_INT(csta_event_find(STR("Event")), CSTA_MSG_NONE);
    CHECK_INT(csta_event_find(STR("")), CSTA_MSG_NONE);
    CHECK_STR(csta_event_name(CSTA_MSG_TRANSFERRED_EVENT), "Transferred");
    CHECK_STR(csta_event_name(CSTA_MSG_HELD_EVENT), "Held");
    CHECK_STR(csta_event_name(CSTA_MSG_MAKE_CALL), "");
    CHECK(csta_seconds_parse(STR("2"), &ms) && ms == 2000);
    CHECK(csta_seconds_parse(STR("0.05s"), &ms) && ms == 50);
    CHECK(csta_seconds_parse(STR("86400"), &ms) && ms == 86400000);
    CHECK(!csta_seconds_parse(STR("86401"), &ms));
    CHECK(!csta_seconds_parse(STR("1.2345"), &ms));
    CHECK(!csta_seconds_parse(STR("1."), &ms));
    CHECK(!csta_seconds_parse(STR("s"), &ms));
    CHECK(!csta_seconds_parse(STR("-1"), &ms));
    CHECK_INT(csta_edition_find(STR("ed2")), CSTA_ED2);
    CHECK_INT(csta_edition_find(STR("ED6")), CSTA_ED6);
    CHECK_INT(csta_edition_find(STR("ed7")), CSTA_EDITION_NONE);
    CHECK_INT(csta_edition_find(STR("3")), CSTA_EDITION_NONE);
    CHECK(csta_device_same(STR("sip:1001@Example.com;user=phone"), STR("1001")));
    CHECK(csta_device_same(STR("1001@example.com"), STR("sip:1001@EXAMPLE.com")));
    CHECK(!csta_device_same(STR("1001@example.com"), STR("1001@example.org")));
    CHECK(!csta_device_same(STR("1001"), STR("1002")));
}

/** No allocation fails twice the same way: the parser never does more than say so. */
static void test_memory_runs_out(void)
{
    static const char *const lines[] = {"make-call 1001 1002 --user-text abc --correlator 0102",
                                        "monitor 1001 1002", "clear c7/1001 --reason nonsense"};

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        for (size_t fail = 1; fail < 6; fail++) {
            struct test_mem t;
            struct arena a;
            struct csta_order o;
            struct str word[CSTA_WORDS_MAX], complaint, body;
            size_t n = 0;
            int err;
            test_mem_init(&t);
            t.fail_at = fail;
            t.fail_on = true;
            arena_init(&a, &t.mem, 64);
            err = csta_words_split(str_c(lines[i]), &a, word, &n);
            err = err != 0 ? err : csta_order_parse(word, n, &a, &o, &complaint);
            if (err == 0 && o.msg.id != CSTA_MSG_NONE) {
                err = csta_body_write(&o.msg, CSTA_ED3, &a, &body);
            }
            CHECK(err == 0 || err == E_NOMEM || (err == E_VALUE && str_is_set(complaint)));
            arena_fini(&a);
            CHECK_INT(t.live, 0);
        }
    }
}

/* ---- printing ---- */

struct page {
    char *out, *err;
    size_t nout, nerr;
    struct csta_printer p;
};

static void page_open(struct page *g, bool json)
{
    *g = (struct page){0};
    g->p = (struct csta_printer){.out = open_memstream(&g->out, &g->nout),
                                 .err = open_memstream(&g->err, &g->nerr),
                                 .json = json,
                                 .headed = true,
                                 .scratch = &arena};
}

static void page_close(struct page *g)
{
    fclose(g->p.out);
    fclose(g->p.err);
    free(g->out);
    free(g->err);
    arena_reset(&arena);
}

static struct csta_msg decode(const char *xml)
{
    struct csta_msg m;
    struct csta_fault fault = {.reason = "?"};
    int err = csta_decode(str_c(xml), NULL, &arena, &m, &fault);

    if (err != 0) {
        m.body = NULL;
        CHECK_INT(err, E_UNSUPPORTED);
    }
    return m;
}

#define DEVICE(name, id) "<" name "><deviceIdentifier>" id "</deviceIdentifier></" name ">"
#define CONNECTION(name, call, id) \
    "<" name "><callID>" call "</callID><deviceID>" id "</deviceID></" name ">"

static const char delivered[] =
    "<DeliveredEvent" ED3
    "><monitorCrossRefID>43</monitorCrossRefID>" CONNECTION("connection", "c7", "1002")
        DEVICE("alertingDevice", "1002") DEVICE("callingDevice", "1001") DEVICE(
            "calledDevice",
            "1002") "<lastRedirectionDevice><notRequired/></lastRedirectionDevice>"
                    "<localConnectionInfo>alerting</localConnectionInfo>"
                    "<correlatorData><string>FF00</string></correlatorData>"
                    "<userData><string>0448656C6C6F</string></userData>"
                    "<cause>newCall</cause><subjectOfCall>a &lt;claim&gt;</subjectOfCall></DeliveredEvent>";

/** One event as it is printed, in memory that page_close gives back. */
#define CHECK_EVENT(json, xml, want)                               \
    do {                                                           \
        struct page g;                                             \
        struct csta_msg m = decode(xml);                           \
        page_open(&g, json);                                       \
        csta_print_event(&g.p, WALL, STR("1002"), &m, str_c(xml)); \
        CHECK_STR(str_c(g.out), want);                             \
        page_close(&g);                                            \
    } while (0)

static void test_event_rows(void)
{
    CHECK_EVENT(
        false, delivered,
        "12:30:01.123  1002              Delivered          c7/1002                     "
        "alerting   newCall             1001 -> 1002  userData 0448656C6C6F \"Hello\"  "
        "correlator FF00  subject \"a <claim>\"\n");
    CHECK_EVENT(
        false,
        "<ConnectionClearedEvent" ED3 "><monitorCrossRefID>43</monitorCrossRefID>" CONNECTION(
            "droppedConnection", "c7", "1002")
            DEVICE(
                "releasingDevice",
                "1001") "<localConnectionInfo>null</localConnectionInfo><cause>normalClearing</cause>"
                        "</ConnectionClearedEvent>",
        "12:30:01.123  1002              ConnectionCleared  c7/1002                     "
        "null       normalClearing      by 1001\n");
    CHECK_EVENT(
        false,
        "<TransferedEvent" ED3 "><monitorCrossRefID>43</monitorCrossRefID>" CONNECTION(
            "primaryOldCall", "c7", "1002") CONNECTION("secondaryOldCall", "c8", "1002")
            DEVICE("transferringDevice", "1002") DEVICE(
                "transferredToDevice",
                "1003") "<transferredConnections><connectionListItem>" CONNECTION("newConnection",
                                                                                  "c9", "1001")
                CONNECTION(
                    "oldConnection", "c7",
                    "1001") "<endpoint><deviceID>1001</deviceID></endpoint></connectionListItem>"
                            "</transferredConnections>"
                            "<localConnectionInfo>null</localConnectionInfo><cause>transfer</cause>"
                            "</TransferedEvent>",
        "12:30:01.123  1002              Transferred        c7/1002                     "
        "null       transfer            by 1002  to 1003  and c8/1002\n"
        "              c9/1001 was c7/1001  endpoint 1001\n");
    CHECK_EVENT(
        false,
        "<ForwardingEvent" ED3 "><monitorCrossRefID>43</monitorCrossRefID>" DEVICE(
            "device", "1002") "<forwardingType>forwardBusy</forwardingType>"
                              "<forwardStatus>true</forwardStatus>"
                              "<forwardTo>1009</forwardTo></ForwardingEvent>",
        "12:30:01.123  1002              Forwarding         -                           "
        "-          -                   by 1002  on forwardBusy to 1009\n");
    CHECK_EVENT(
        false,
        "<OriginatedEvent" ED3 "><monitorCrossRefID>4</monitorCrossRefID>" CONNECTION(
            "originatedConnection", "c7",
            "1002") "<callingDevice><restricted/></callingDevice><calledDevice>"
                    "<notKnown/></calledDevice><cause>newCall</cause></OriginatedEvent>",
        "12:30:01.123  1002              Originated         c7/1002                     "
        "-          newCall             (restricted) -> (not known)\n");
    CHECK_EVENT(
        false, "<AutoAnswerEvent" ED3 "/>",
        "12:30:01.123  1002              AutoAnswer         -                           "
        "-          -                   -\n");
}

static void test_the_table_has_one_head_line(void)
{
    struct page g;
    struct csta_msg m = decode(delivered);

    page_open(&g, false);
    g.p.headed = false;
    csta_print_event(&g.p, WALL, STR("1002"), &m, str_c(delivered));
    csta_print_event(&g.p, WALL, STR("1002"), &m, str_c(delivered));
    CHECK(
        str_starts(str_c(g.out),
                   STR("TIME          DEVICE            EVENT              CONNECTION      "
                       "            STATE      CAUSE               CALLING -> CALLED\n12:30")));
    CHECK_INT(str_find(str_from(str_c(g.out), 4), STR("TIME")), g.nout - 4);
    page_close(&g);
}

/** What private data say of User-to-User stands behind it; others' private data do not. */
static void test_event_private(void)
{
#define WITH_PRIVATE(xml)                                                                       \
    "<DeliveredEvent" ED3                                                                       \
    "><monitorCrossRefID>43</monitorCrossRefID>" CONNECTION("connection", "c7", "1002")         \
        DEVICE("alertingDevice", "1002") DEVICE("callingDevice", "1001") DEVICE(                \
            "calledDevice",                                                                     \
            "1002") "<lastRedirectionDevice><notRequired/></lastRedirectionDevice>"             \
                    "<localConnectionInfo>alerting</localConnectionInfo><cause>newCall</cause>" \
                    "<extensions><privateData><private>" xml                                    \
                    "</private></privateData></extensions>"                                     \
                    "</DeliveredEvent>"
#define ROW                                                                           \
    "12:30:01.123  1002              Delivered          c7/1002                     " \
    "alerting   newCall             1001 -> 1002"
    CHECK_EVENT(
        false,
        WITH_PRIVATE(
            "<userToUser xmlns=\"urn:x-baton:csta\" refused=\"2\"><value package=\"isdn-uui\" "
            "octets=\"2\" verdict=\"valid\" userData=\"true\"><origin "
            "role=\"redirector\" identity=\"sip:1002@example.com\" "
            "confidence=\"claimed\" conflicts=\"historyGap\"/><seal result=\"ok\" "
            "key=\"7\" identity=\"sip:a@x\"/></value><value package=\"crm\" "
            "verdict=\"wrong\" rule=\"HEX_ODD\"/><change action=\"strip\" "
            "package=\"crm\" direction=\"out\" neighbour=\"trunk\" rule=\"no\"/>"
            "</userToUser>"),
        ROW
        "  refused 2  isdn-uui by redirector sip:1002@example.com (claimed) but historyGap seal ok "
        "key 7 sip:a@x  crm wrong (HEX_ODD)  strip of crm out trunk by rule no\n");
    CHECK_EVENT(false,
                WITH_PRIVATE("<userToUser xmlns=\"urn:other\"><value package=\"a\"/>"
                             "</userToUser>"),
                ROW "\n");
    CHECK_EVENT(false, WITH_PRIVATE("nothing"), ROW "\n");
}

static void test_event_objects(void)
{
    CHECK_EVENT(
        true, delivered,
        "{\"time\": \"2024-05-01T12:30:01.123Z\", \"kind\": \"event\", \"event\": \"Delivered\", "
        "\"device\": \"1002\", \"monitorCrossRefID\": \"43\", "
        "\"connection\": {\"callID\": \"c7\", \"deviceID\": \"1002\"}, "
        "\"subjectDevice\": \"1002\", \"callingDevice\": \"1001\", \"calledDevice\": \"1002\", "
        "\"localConnectionInfo\": \"alerting\", \"cause\": \"newCall\", "
        "\"userData\": {\"hex\": \"0448656C6C6F\", \"text\": \"Hello\"}, "
        "\"correlatorData\": {\"hex\": \"FF00\"}, \"subjectOfCall\": \"a <claim>\", "
        "\"message\": {\"DeliveredEvent\": {\"monitorCrossRefID\": \"43\", "
        "\"connection\": {\"callID\": \"c7\", \"deviceID\": \"1002\"}, "
        "\"alertingDevice\": {\"deviceIdentifier\": \"1002\"}, "
        "\"callingDevice\": {\"deviceIdentifier\": \"1001\"}, "
        "\"calledDevice\": {\"deviceIdentifier\": \"1002\"}, "
        "\"lastRedirectionDevice\": {\"notRequired\": \"\"}, "
        "\"localConnectionInfo\": \"alerting\", \"correlatorData\": {\"string\": \"FF00\"}, "
        "\"userData\": {\"string\": \"0448656C6C6F\"}, \"cause\": \"newCall\", "
        "\"subjectOfCall\": \"a <claim>\"}}}\n");
}

/** A peer's text must not steer the terminal, and user data that is no text is hex only. */
static void test_texts_are_clean(void)
{
    CHECK_EVENT(
        false,
        "<OriginatedEvent" ED3 "><monitorCrossRefID>4</monitorCrossRefID>" CONNECTION(
            "originatedConnection", "c&#10;7", "1002") DEVICE("callingDevice", "a\xc2\x9b"
                                                                               "31m\xc3\xa4")
            DEVICE("calledDevice", "b") "<cause>newCall</cause></OriginatedEvent>",
        "12:30:01.123  1002              Originated         c.7/1002                    "
        "-          newCall             a.31m\xc3\xa4 -> b\n");
    struct csta_data d = {.kind = CSTA_DATA_STRING, .string = STR("\x04\x1b[31m")};
    CHECK(!str_is_set(csta_data_text(&d)));
    d.string = STR("plain");
    CHECK_STR(csta_data_text(&d), "plain");
    d.string = STR("\x00ok");
    CHECK(!str_is_set(csta_data_text(&d)));
    d.string = STR("\x04");
    CHECK(!str_is_set(csta_data_text(&d)));
    d = (struct csta_data){.kind = CSTA_DATA_FOREIGN};
    CHECK(!str_is_set(csta_data_text(&d)));
}

#define CHECK_ANSWER(json, request, about, xml, want)                  \
    do {                                                               \
        struct page g;                                                 \
        struct csta_msg m = decode(xml);                               \
        page_open(&g, json);                                           \
        csta_print_answer(&g.p, WALL, request, about, &m, str_c(xml)); \
        CHECK_STR(str_c(g.out), want);                                 \
        page_close(&g);                                                \
    } while (0)

static const char snapshot[] =
    "<SnapshotDeviceResponse" ED3 "><crossRefIDorSnapshotData><snapshotData>"
    "<snapshotDeviceResponseInfo>" CONNECTION("connectionIdentifier", "c7", "1001") DEVICE(
        "endpointDevice",
        "1002") "<localCallState><compoundCallState>"
                "<localConnectionState>connected</localConnectionState>"
                "<localConnectionState>hold</localConnectionState></compoundCallState></localCallState>"
                "</snapshotDeviceResponseInfo><snapshotDeviceResponseInfo>" CONNECTION(
                    "connectionIdentifier", "c8",
                    "1001") "<localCallState><simpleCallState>callReceived"
                            "</simpleCallState></localCallState></snapshotDeviceResponseInfo>"
                            "</snapshotData></crossRefIDorSnapshotData></SnapshotDeviceResponse>";

static void test_answers(void)
{
    CHECK_ANSWER(false, CSTA_MSG_MAKE_CALL, STR("1001"),
                 "<MakeCallResponse" ED3
                 ">" CONNECTION("callingDevice", "c7", "1001") "</MakeCallResponse>",
                 "MakeCall: c7/1001\n");
    CHECK_ANSWER(false, CSTA_MSG_HOLD_CALL, STR("c7/1001"), "<HoldCallResponse" ED3 "/>",
                 "HoldCall c7/1001: done\n");
    CHECK_ANSWER(false, CSTA_MSG_MONITOR_START, STR("1001"),
                 "<MonitorStartResponse" ED3 "><monitorCrossRefID>43</monitorCrossRefID>"
                 "</MonitorStartResponse>",
                 "MonitorStart: 1001 is monitored as 43\n");
    CHECK_ANSWER(false, CSTA_MSG_REQUEST_SYSTEM_STATUS, STR_NONE,
                 "<RequestSystemStatusResponse" ED3 "><systemStatus>normal</systemStatus>"
                 "</RequestSystemStatusResponse>",
                 "RequestSystemStatus: normal\n");
    CHECK_ANSWER(false, CSTA_MSG_SNAPSHOT_DEVICE, STR("1001"), snapshot,
                 "SnapshotDevice: 1001 has 2 calls\n"
                 "  c7/1001                   connected,hold        1002\n"
                 "  c8/1001                   callReceived\n");
    CHECK_ANSWER(false, CSTA_MSG_GET_CSTA_FEATURES, STR_NONE,
                 "<GetCSTAFeaturesResponse" ED3 "><supportedServices><callControlServList>"
                 "<answerCall/><makeCall/></callControlServList></supportedServices>"
                 "</GetCSTAFeaturesResponse>",
                 "Services:\n  AnswerCall                MakeCall\nEvents: none\n");
#define SUPPORTED                                                                            \
    "<GetCSTAFeaturesResponse" ED3 "><extensions><privateData><private><uuiSupport xmlns="   \
    "\"urn:x-baton:csta\" optionTag=\"yes\"><package name=\"isdn-uui\" understood=\"yes\"/>" \
    "<package name=\"crm\" understood=\"unknown\"/></uuiSupport></private></privateData>"    \
    "</extensions></GetCSTAFeaturesResponse>"
    CHECK_ANSWER(
        false, CSTA_MSG_GET_CSTA_FEATURES, STR_NONE, SUPPORTED,
        "Services: none\nEvents: none\nUser-to-User\n  isdn-uui: yes\n  crm: unknown\n");
    CHECK_ANSWER(true, CSTA_MSG_MAKE_CALL, STR("1001"),
                 "<MakeCallResponse" ED3
                 ">" CONNECTION("callingDevice", "c7", "1001") "</MakeCallResponse>",
                 "{\"time\": \"2024-05-01T12:30:01.123Z\", \"kind\": \"response\", "
                 "\"request\": \"MakeCall\", \"response\": \"MakeCallResponse\", "
                 "\"about\": \"1001\", "
                 "\"connection\": {\"callID\": \"c7\", \"deviceID\": \"1001\"}, "
                 "\"message\": {\"MakeCallResponse\": {\"callingDevice\": "
                 "{\"callID\": \"c7\", \"deviceID\": \"1001\"}}}}\n");
}

static void test_a_snapshot_as_json(void)
{
    struct page g;
    struct csta_msg m = decode(snapshot);

    page_open(&g, true);
    csta_print_answer(&g.p, WALL, CSTA_MSG_SNAPSHOT_DEVICE, STR("1001"), &m, STR_NONE);
    CHECK_STR(str_c(g.out),
              "{\"time\": \"2024-05-01T12:30:01.123Z\", \"kind\": \"response\", "
              "\"request\": \"SnapshotDevice\", \"response\": \"SnapshotDeviceResponse\", "
              "\"about\": \"1001\", \"calls\": [{\"state\": \"connected,hold\", "
              "\"connection\": {\"callID\": \"c7\", \"deviceID\": \"1001\"}, "
              "\"endpointDevice\": \"1002\"}, {\"state\": \"callReceived\", "
              "\"connection\": {\"callID\": \"c8\", \"deviceID\": \"1001\"}}]}\n");
    page_close(&g);
}

static void test_refusals(void)
{
    const struct csta_refusal r = {
        .what = STR("ClearConnection"),
        .status = 200,
        .reason = STR("OK"),
        .warning = STR("no such \x1b[31mcall"),
        .error = {CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_CONNECTION_ID, STR_INIT("")}};
    const struct csta_refusal sip = {
        .what = STR("the session"), .status = 403, .reason = STR("Forbidden")};
    const struct csta_refusal private = {
        .what = STR("MakeCall"),
        .error = {CSTA_ERROR_PRIVATE_ERROR_CODE, 0, STR_INIT("URM Denied")}};
    struct page g;

    page_open(&g, false);
    csta_print_refusal(&g.p, WALL, &r);
    csta_print_refusal(&g.p, WALL, &sip);
    csta_print_refusal(&g.p, WALL, &private);
    csta_print_refusal(&g.p, WALL, &(struct csta_refusal){.because = "it is late"});
    fflush(g.p.err);
    CHECK_STR(str_c(g.err),
              "baton csta: ClearConnection failed: operation/invalidConnectionID: there is no "
              "such connection; it may have ended\n"
              "  the server says: no such .[31mcall\n"
              "baton csta: the session failed: SIP 403 Forbidden\n"
              "baton csta: MakeCall failed: privateErrorCode/URM Denied: the server gives no "
              "standard reason\n"
              "baton csta: it is late\n");
    page_close(&g);
    page_open(&g, true);
    csta_print_refusal(&g.p, WALL, &r);
    CHECK_STR(str_c(g.out),
              "{\"time\": \"2024-05-01T12:30:01.123Z\", \"kind\": \"error\", "
              "\"request\": \"ClearConnection\", \"status\": 200, \"reason\": \"OK\", "
              "\"category\": \"operation\", \"value\": \"invalidConnectionID\", "
              "\"text\": \"there is no such connection; it may have ended\", "
              "\"warning\": \"no such \\u001B[31mcall\"}\n");
    page_close(&g);
}

static void test_every_error_has_a_meaning(void)
{
    for (int kind = CSTA_ERROR_ABSENT; kind <= CSTA_ERROR_UNSPECIFIED; kind++) {
        for (unsigned value = 0; value < 200; value++) {
            struct csta_error e = {(enum csta_error_kind)kind, value, STR_INIT("")};
            CHECK(strlen(csta_error_meaning(e)) > 10);
        }
    }
}

static void check_json(const char *xml, const char *want)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    bool ok = csta_json_message(str_c(xml), &arena, f);

    fclose(f);
    CHECK(ok == (want[0] != '\0'));
    CHECK_STR(str_c(text), want);
    free(text);
    arena_reset(&arena);
}

static void test_xml_to_json(void)
{
    check_json("<a/>", "{\"a\": \"\"}");
    check_json("<p:a xmlns:p='urn:x' q='1'> <b>1</b><c/><b> 2 </b><b x='y'>z</b></p:a>",
               "{\"a\": {\"@q\": \"1\", \"b\": [\"1\", \"2\", {\"@x\": \"y\", \"#text\": "
               "\"z\"}], \"c\": \"\"}}");
    check_json("<a>&lt;&quot;&amp;</a>", "{\"a\": \"<\\\"&\"}");
    check_json("<a><b></a>", "");
    check_json("<!DOCTYPE a><a/>", "");
    check_json("", "");
}

/* ---- when a call is over ---- */

static enum csta_call_over over(const char *root, const char *dropped, const char *local)
{
    char xml[1024];
    struct csta_event_view v;
    struct csta_msg m;
    bool cleared = strcmp(root, "ConnectionClearedEvent") == 0;

    (void)snprintf(xml, sizeof(xml),
                   "<%s" ED3 "><monitorCrossRefID>1</monitorCrossRefID><%s><callID>c</callID>"
                   "<deviceID>%s</deviceID></%s>%s%s%s<cause>normal</cause></%s>",
                   root, cleared ? "droppedConnection" : "heldConnection", dropped,
                   cleared ? "droppedConnection" : "heldConnection",
                   local == NULL ? "" : "<localConnectionInfo>", local == NULL ? "" : local,
                   local == NULL ? "" : "</localConnectionInfo>", root);
    m = decode(xml);
    CHECK(csta_event_view(&m, &v));
    return csta_event_ends_call(&v, STR("1001"));
}

static void test_a_call_is_over(void)
{
    CHECK_INT(over("ConnectionClearedEvent", "1001", "null"), CSTA_CALL_OVER);
    CHECK_INT(over("ConnectionClearedEvent", "1002", "null"), CSTA_CALL_OVER);
    CHECK_INT(over("ConnectionClearedEvent", "sip:1001@example.com", NULL), CSTA_CALL_OVER);
    CHECK_INT(over("ConnectionClearedEvent", "1002", "connected"), CSTA_CALL_MAYBE_OVER);
    CHECK_INT(over("ConnectionClearedEvent", "1002", NULL), CSTA_CALL_MAYBE_OVER);
    CHECK_INT(over("HeldEvent", "1001", "hold"), CSTA_CALL_GOES_ON);
    CHECK_INT(over("HeldEvent", "1001", "null"), CSTA_CALL_GOES_ON);
    arena_reset(&arena);
}

/* ---- the command line ---- */

/** What is in `c` points into the arena. */
static int command(struct csta_command *c, const char *const *words)
{
    char *argv[32];
    char name[] = "csta";
    int argc = 0;

    argv[argc++] = name;
    for (; words[argc - 1] != NULL; argc++) {
        size_t n = strlen(words[argc - 1]) + 1;
        argv[argc] = arena_alloc(&arena, n);
        memcpy(argv[argc], words[argc - 1], n);
    }
    return csta_command_parse(argc, argv, c);
}

#define COMMAND(c, ...) command(c, (const char *const[]){__VA_ARGS__, NULL})

static void test_command_line(void)
{
    struct csta_command c;

    CHECK_INT(COMMAND(&c, "-s", "192.0.2.1:5062", "clear", "-u", "crm@example.com", "1001",
                      "--reason", "busy", "--json", "--edition=ed5", "--refresh", "120"),
              0);
    CHECK_STR(str_c(c.server.host), "192.0.2.1");
    CHECK_INT(c.server.port, 5062);
    CHECK_STR(str_c(c.user), "crm@example.com");
    CHECK_INT(c.edition, CSTA_ED5);
    CHECK_INT(c.refresh_s, 120);
    CHECK(c.json);
    REQUIRE(c.nword == 4);
    CHECK_STR(c.word[0], "clear");
    CHECK_STR(c.word[3], "busy");
    /* the value of an option is a value whatever it looks like, and so is what follows -- */
    CHECK_INT(COMMAND(&c, "-s", "h", "-u", "u", "clear", "1", "--user-text", "-j", "--", "-v"),
              0);
    CHECK(!c.json && !c.verbose);
    CHECK_INT(c.nword, 6);
    CHECK_INT(c.edition, CSTA_ED3);
    CHECK_INT(c.refresh_s, 600);
    /* options of the command may stand before it */
    CHECK_INT(
        COMMAND(&c, "-s", "h", "-u", "u", "--watch", "--timeout", "5", "clear", "--", "1"), 0);
    REQUIRE(c.nword == 6);
    CHECK_STR(c.word[0], "clear");
    CHECK_STR(c.word[1], "--watch");
    CHECK_STR(c.word[3], "5");
    CHECK_STR(c.word[4], "--");
    CHECK_INT(COMMAND(&c, "-s", "h", "-u", "u", "--watch"), EXIT_CODE_USAGE);
    CHECK_INT(COMMAND(&c, "-s", "h", "-u", "u", "--wotch", "clear", "1"), EXIT_CODE_USAGE);
}

static void test_command_line_errors(void)
{
    struct csta_command c;

    CHECK_INT(COMMAND(&c, "status"), EXIT_CODE_USAGE);
    CHECK_INT(COMMAND(&c, "-s", "h", "status"), EXIT_CODE_USAGE);
    CHECK_INT(COMMAND(&c, "-s", "h", "-u", "u"), EXIT_CODE_USAGE);
    CHECK_INT(COMMAND(&c, "-s", "h", "-u", "@x", "status"), EXIT_CODE_USAGE);
    CHECK_INT(COMMAND(&c, "-s", "h:x:y", "-u", "u", "status"), EXIT_CODE_USAGE);
    CHECK_INT(COMMAND(&c, "-s", "h", "-u", "u", "--edition", "ed9", "status"), EXIT_CODE_USAGE);
    CHECK_INT(COMMAND(&c, "-s", "h", "-u", "u", "--refresh", "10", "status"), EXIT_CODE_USAGE);
    CHECK_INT(COMMAND(&c, "-s", "h", "-u", "u", "--frobnicate", "status"), EXIT_CODE_USAGE);
    CHECK_INT(COMMAND(&c, "status", "-s", "h", "-u"), EXIT_CODE_USAGE);
}

/** Wrong commands end before a socket is opened. */
static void test_commands_that_are_wrong(void)
{
    static const char *const words[][3] = {{"dance", NULL, NULL},
                                           {"clear", NULL, NULL},
                                           {"wait", "Held", NULL},
                                           {"stop", "43", NULL},
                                           {"quit", NULL, NULL}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        char a[] = "csta", s[] = "-s", h[] = "127.0.0.1:1", u[] = "-u", n[] = "x";
        char *argv[8] = {a, s, h, u, n};
        int argc = 5;
        for (size_t k = 0; k < 3 && words[i][k] != NULL; k++) {
            argv[argc++] = strdup(words[i][k]);
        }
        CHECK_INT(cmd_csta(argc, argv), EXIT_CODE_USAGE);
        for (int k = 5; k < argc; k++) {
            free(argv[k]);
        }
    }
}

int main(int argc, char **argv)
{
    static const struct test table[] = {T(test_words),
                                        T(test_requests),
                                        T(test_routeing),
                                        T(test_a_body_may_be_long),
                                        T(test_orders_without_a_request),
                                        T(test_complaints),
                                        T(test_small_parsers),
                                        T(test_memory_runs_out),
                                        T(test_event_rows),
                                        T(test_the_table_has_one_head_line),
                                        T(test_event_private),
                                        T(test_event_objects),
                                        T(test_texts_are_clean),
                                        T(test_answers),
                                        T(test_a_snapshot_as_json),
                                        T(test_refusals),
                                        T(test_every_error_has_a_meaning),
                                        T(test_xml_to_json),
                                        T(test_a_call_is_over),
                                        T(test_command_line),
                                        T(test_command_line_errors),
                                        T(test_commands_that_are_wrong)};
    int code;

    setenv("TZ", "UTC", 1);
    tzset();
    arena_init(&arena, &mem_libc, 64 * 1024);
    code = test_run(table, ARRAY_LEN(table), argc, argv);
    arena_fini(&arena);
    return code;
}
