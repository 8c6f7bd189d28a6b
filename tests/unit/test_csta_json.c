/* SPDX-License-Identifier: Apache-2.0 */
/* CSTA messages as JSON: every message there and back, by way of XML too; what is refused,
   where and how. */
#include "csta/json.h"
#include "csta/json_text.h"
#include "fixture_csta.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static struct arena arena;
static struct csta_msg msg;
static struct csta_json_fault fault;
/* What has been read from JSON borrows from `first`. */
static char first[1 << 17], second[1 << 17], xml_of[2][1 << 17];

static const struct csta_limits roomy = {.bytes = sizeof(first), .elements = 20000};

static void fresh_arena(void)
{
    arena_fini(&arena);
    arena_init(&arena, &mem_libc, 16384);
}

static int read_json(struct str text)
{
    fresh_arena();
    memset(&fault, 0, sizeof(fault));
    return csta_json_read(text, NULL, &arena, &msg, &fault);
}

static struct str write_json(const struct csta_msg *m, char *buf)
{
    struct out o;
    out_init(&o, buf, sizeof(first));
    CHECK_INT(csta_json_write(m, &o), 0);
    return out_str_of(&o);
}

static struct str write_xml(const struct csta_msg *m, char *buf)
{
    struct out o;
    out_init(&o, buf, sizeof(first));
    CHECK_INT(csta_encode(m, CSTA_ED6, &o), 0);
    return out_str_of(&o);
}

/* ---- every message */

/* Struct to JSON to struct to JSON, which is the same. */
static void check_json(const struct csta_msg *m, struct csta_msg *again)
{
    struct str once = write_json(m, first);
    CHECK_INT(csta_json_read(once, &roomy, &arena, again, &fault), 0);
    CHECK_INT(again->id, m->id);
    if (again->body == NULL) {
        printf("# %s at %.*s\n", fault.why.reason, (int)fault.pointer_n, fault.pointer);
        return;
    }
    CHECK_BYTES(write_json(again, second), once);
}

static void check_message(enum csta_msg_id id, unsigned turn)
{
    struct csta_msg m = {.id = id}, decoded, again = {0};
    fresh_arena();
    m.body = csta_filled(id, turn, &arena);
    test_context(csta_msg_name(id).p);
    check_json(&m, &again);
    if (again.body != NULL) {
        struct str xml = write_xml(&m, xml_of[0]);
        CHECK_BYTES(write_xml(&again, xml_of[1]), xml);
        CHECK_INT(csta_decode(xml, &roomy, &arena, &decoded, NULL), 0);
        check_json(&decoded, &again);
        CHECK_BYTES(write_xml(&again, xml_of[1]), xml);
    }
    test_context(NULL);
}

static void test_every_message(void)
{
    for (unsigned id = 1; id <= CSTA_MSG_LAST_BODY; id++) {
        for (unsigned turn = 0; turn < CSTA_FILLED_TURNS; turn++) {
            check_message((enum csta_msg_id)id, turn);
        }
    }
}

/* ---- one with something of every kind */

static const char full[] =
    "{\"MakeCall\":{\"callingDevice\":{\"id\":\"1001\"},"
    "\"calledDirectoryNumber\":{\"id\":\"tel:+49&1\",\"typeOfNumber\":\"implicitPublic\","
    "\"mediaClass\":\"voice im\",\"connectionRate\":-5},"
    "\"accountCode\":\"00FF\",\"autoOriginate\":\"doNotPrompt\","
    "\"correlatorData\":{\"string\":\"ABCD\"},"
    "\"userData\":{\"private\":{\"attributes\":\" xmlns:v=\\\"urn:v\\\"\",\"xml\":\"<v:x/> y\"}},"
    "\"callCharacteristics\":{\"priorityCall\":true,\"maintainanceCall\":false},"
    "\"subjectOfCall\":\" \xC3\xBC \\\"7\\\" > 6\\n\","
    "\"extensions\":{\"security\":{\"messageSequenceNumber\":9223372036854775807}}}}";

static void test_read_full(void)
{
    REQUIRE(read_json(str_c(full)) == 0);
    CHECK_INT(msg.id, CSTA_MSG_MAKE_CALL);
    CHECK_INT(msg.edition, CSTA_EDITION_NONE);
    CHECK_STR(msg.root_name, "MakeCall");
    const struct csta_make_call *m = msg.make_call;
    CHECK_STR(m->calling_device.value, "1001");
    CHECK(m->calling_device.media == NULL);
    CHECK_INT(m->called_directory_number.type_of_number, CSTA_NUMBER_IMPLICIT_PUBLIC);
    REQUIRE(m->called_directory_number.media != NULL);
    CHECK_INT(m->called_directory_number.media->connection_rate.value, -5);
    CHECK_BYTES(m->account_code, STR("\x00\xFF"));
    CHECK_INT(m->auto_originate, CSTA_AUTO_ORIGINATE_DO_NOT_PROMPT);
    CHECK_BYTES(csta_data_octets(&m->correlator_data), STR("\xAB\xCD"));
    CHECK_STR(m->user_data.foreign.attrs, " xmlns:v=\"urn:v\"");
    CHECK_STR(m->user_data.foreign.body, "<v:x/> y");
    REQUIRE(m->call_characteristics != NULL && m->extensions != NULL);
    CHECK_INT(m->call_characteristics->priority_call, CSTA_TRUE);
    CHECK_INT(m->call_characteristics->maintenance_call, CSTA_FALSE);
    CHECK_STR(m->subject_of_call, " \xC3\xBC \"7\" > 6\n");
    CHECK_INT(m->extensions->security->message_sequence_number.value, INT64_MAX);
}

static void test_write_gives_the_same(void)
{
    REQUIRE(read_json(str_c(full)) == 0);
    CHECK_STR(write_json(&msg, first), full);
}

static void test_body_alone(void)
{
    static const char body[] = "{\"callToBeCleared\":{\"callID\":\"c\"}}";
    struct out o;
    fresh_arena();
    REQUIRE(csta_json_read_body(CSTA_MSG_CLEAR_CALL, str_c(body), NULL, &arena, &msg, NULL) ==
            0);
    CHECK_STR(msg.clear_call->call_to_be_cleared.call_id, "c");
    CHECK_STR(msg.root_name, "ClearCall");
    out_init(&o, first, sizeof(first));
    CHECK_INT(csta_json_write_body(&msg, &o), 0);
    CHECK_STR(out_str_of(&o), body);
}

static void test_device_may_be_a_string(void)
{
    REQUIRE(read_json(STR("{\"MakeCall\" : {\r\n\t\"callingDevice\": \"1001\"}} ")) == 0);
    CHECK_STR(msg.make_call->calling_device.value, "1001");
    CHECK_STR(write_json(&msg, first), "{\"MakeCall\":{\"callingDevice\":{\"id\":\"1001\"}}}");
}

static void test_text_is_borrowed(void)
{
    struct str json = STR("{\"MakeCall\":{\"callingDevice\":\"1001\"}}");
    REQUIRE(read_json(json) == 0);
    const char *p = msg.make_call->calling_device.value.p;
    CHECK(p > json.p && p < json.p + json.n);
}

/* ---- strings */

static void check_written(struct str text, const char *want)
{
    struct out o;
    out_init(&o, first, sizeof(first));
    json_put_string(&o, text);
    CHECK_STR(out_str_of(&o), want);
}

static void test_strings_written(void)
{
    check_written(STR_NONE, "\"\"");
    check_written(STR("a\"\\/\b\f\n\r\t\x1F\x7F"), "\"a\\\"\\\\/\\b\\f\\n\\r\\t\\u001F\x7F\"");
    check_written(STR("\x00"), "\"\\u0000\"");
    check_written(STR("\xC3\xBC\xF0\x9F\x93\x9E"), "\"\xC3\xBC\xF0\x9F\x93\x9E\"");
    check_written(STR("\xFF\xC3"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
    check_written(STR("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

static void test_strings_read(void)
{
    static const struct {
        const char *json;
        struct str want;
    } t[] = {
        {"\"\"", STR_INIT("")},
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", STR_INIT("\"\\/\b\f\n\r\t")},
        {"\"\\u0000\\u00fC\\u20AC\"", STR_INIT("\0\xC3\xBC\xE2\x82\xAC")},
        {"\"\\uD83d\\uDCde\xF0\x9F\x93\x9E\"", STR_INIT("\xF0\x9F\x93\x9E\xF0\x9F\x93\x9E")},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct json_reader r;
        struct str text = test_guard(str_c(t[i].json));
        fresh_arena();
        json_init(&r, text, 1, &arena);
        CHECK_INT(json_value(&r), JSON_STRING);
        CHECK_BYTES(r.text, t[i].want);
        CHECK_INT(json_end(&r), 0);
        test_guard_free(text);
    }
}

static void test_no_json(void)
{
    static const char *const t[] = {
        "",
        "nul",
        "True",
        "01",
        "-",
        "+1",
        "1.",
        ".5",
        "1e",
        "1e+",
        "'a'",
        "\"a",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\u123",
        "\"\\uD800\"",
        "\"\\uDC00\"",
        "\"\\uD800\\u0041\"",
        "\"\xFF\"",
        "\"\n\"",
        "\xEF\xBB\xBFtrue",
        "//",
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct json_reader r;
        struct str text = test_guard(str_c(t[i]));
        fresh_arena();
        json_init(&r, text, 1, &arena);
        test_context(t[i]);
        int err = json_value(&r);
        CHECK_INT(err < 0 ? err : json_end(&r), E_SYNTAX);
        CHECK(r.reason[0] != '\0' && r.at >= r.start && r.at <= r.end);
        test_context(NULL);
        test_guard_free(text);
    }
}

/* ---- refusals */

#define CALL(inner) "{\"MakeCall\":{\"callingDevice\":\"1\"," inner "}}"

static const struct refusal {
    const char *json;
    int err;
    const char *at; /**< the place, where this stands first */
    const char *pointer, *reason;
    enum csta_operation_errors error;
} refusals[] = {
    {"[]", E_VALUE, "[", "", "not an object", CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {"{}", E_VALUE, "{", "", "an object without the name of a message",
     CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {"{\"Foo/~\":{}}", E_UNSUPPORTED, "\"Foo", "/Foo~1~0", "the message is not supported",
     CSTA_OPERATION_SERVICE_NOT_SUPPORTED},
    {"{\"ClearCall\":{\"callToBeCleared\":{\"callID\":\"\"}},\"x\":1}", E_VALUE, "\"x", "/x",
     "more than one message", CSTA_OPERATION_GENERIC},
    {"{\"MakeCall\":{}}", E_VALUE, "{}", "/MakeCall", "a mandatory member is missing",
     CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {"{\"MakeCall\":{\"callingDevice\":7}}", E_VALUE, "7", "/MakeCall/callingDevice",
     "neither a string nor an object with an id", CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {"{\"MakeCall\":{\"callingDevice\":{}}}", E_VALUE, "{}", "/MakeCall/callingDevice",
     "a mandatory member is missing", CSTA_OPERATION_INVALID_DEVICE_ID},
    {"{\"MakeCall\":{\"callingDevice\":{\"id\":null}}}", E_VALUE, "null",
     "/MakeCall/callingDevice/id", "not a string", CSTA_OPERATION_INVALID_DEVICE_ID},
    {"{\"MakeCall\":{\"callingDevice\":{\"id\":\"1\",\"id\":\"1\"}}}", E_VALUE, "\"id\":\"1\"}",
     "/MakeCall/callingDevice/id", "a member that comes twice",
     CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {CALL("\"colour\":[{}]"), E_VALUE, "\"colour", "/MakeCall/colour",
     "a member that is not known", CSTA_OPERATION_PARAMETER_NOT_SUPPORTED},
    {CALL("\"callingDevice\":\"1\""), E_VALUE, "\"callingDevice\":\"1\"}",
     "/MakeCall/callingDevice", "a member that comes twice",
     CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {CALL("\"autoOriginate\":\"perhaps\""), E_VALUE, "\"perhaps", "/MakeCall/autoOriginate",
     "not one of the words that can stand here", CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {CALL("\"accountCode\":\"0 0\""), E_VALUE, "\"0 0", "/MakeCall/accountCode",
     "not a hexadecimal digit; octets are written as two of them each", 0},
    {CALL("\"accountCode\":\"000\""), E_VALUE, "\"000", "/MakeCall/accountCode",
     "an odd number of hexadecimal digits", 0},
    {CALL("\"callCharacteristics\":{\"maintenanceCall\":true}"), E_VALUE, "\"maintenance",
     "/MakeCall/callCharacteristics/maintenanceCall", "a member that is not known",
     CSTA_OPERATION_PARAMETER_NOT_SUPPORTED},
    {CALL("\"callCharacteristics\":{\"acdCall\":1}"), E_VALUE, "1}",
     "/MakeCall/callCharacteristics/acdCall", "neither true nor false",
     CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {CALL("\"userData\":{}"), E_VALUE, "{}", "/MakeCall/userData",
     "an object without the member that is to be chosen", 0},
    {CALL("\"userData\":{\"string\":\"\",\"private\":{}}"), E_VALUE, "\"private",
     "/MakeCall/userData/private", "a second member where one is to be chosen", 0},
    {CALL("\"userData\":{\"private\":{}}"), E_VALUE, "{}", "/MakeCall/userData/private",
     "a mandatory member is missing", CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {CALL("\"userData\":{\"private\":{\"xml\":\"<a>\"}}"), E_VALUE, "\"<a>",
     "/MakeCall/userData/private/xml", "not the content of an element of XML", 0},
    {CALL("\"userData\":{\"private\":{\"attributes\":\"a\"}}"), E_VALUE, "\"a\"}",
     "/MakeCall/userData/private/attributes", "not attributes of XML", 0},
    {"{\"ClearCall\":{\"callToBeCleared\":{}}}", E_VALUE, "{}", "/ClearCall/callToBeCleared",
     "an object that needs one of its members",
     CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED},
    {CALL("\"extensions\":{\"security\":{\"messageSequenceNumber\":1e2}}"), E_VALUE, "1e2",
     "/MakeCall/extensions/security/messageSequenceNumber",
     "not a whole number written in digits only", CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {CALL("\"extensions\":{\"security\":{\"messageSequenceNumber\":9223372036854775808}}"),
     E_VALUE, "9223372036854775808", "/MakeCall/extensions/security/messageSequenceNumber",
     "a number out of range", CSTA_OPERATION_VALUE_OUT_OF_RANGE},
    {"{\"SnapshotCallResponse\":{\"crossRefIDorSnapshotData\":{\"snapshotData\":"
     "{\"snapshotCallResponseInfo\":[{},{\"localConnectionInfo\":\"hold \"}]}}}}",
     E_VALUE, "\"hold ",
     "/SnapshotCallResponse/crossRefIDorSnapshotData/snapshotData/snapshotCallResponseInfo/1/"
     "localConnectionInfo",
     "not one of the words that can stand here", CSTA_OPERATION_INVALID_PARAMETER_VALUE},
    {CALL("\"autoOriginate\":\"prompt\",") "", E_SYNTAX, "}}", "/MakeCall",
     "the name of a member is missing", CSTA_OPERATION_GENERIC},
    {"{\"MakeCall\":{\"callingDevice\":\"1\"}}{", E_SYNTAX, "", "", "something behind the end",
     CSTA_OPERATION_GENERIC},
};

static void check_refusal(const struct refusal *t)
{
    test_context(t->json);
    CHECK_INT(read_json(str_c(t->json)), t->err);
    const char *at = t->at[0] != '\0' ? strstr(t->json, t->at) : strrchr(t->json, '{');
    CHECK_INT(fault.why.offset, at - t->json);
    CHECK_INT(fault.why.line, 1);
    CHECK_INT(fault.why.column, fault.why.offset + 1);
    CHECK_STR(str_make(fault.pointer, fault.pointer_n), t->pointer);
    CHECK_STR(str_c(fault.why.reason), t->reason);
    CHECK(msg.body == NULL);
    CHECK_INT(fault.why.error.kind, CSTA_ERROR_OPERATION);
    if (t->error != 0) {
        CHECK_STR(csta_error_value_name(fault.why.error),
                  csta_operation_errors_name(t->error).p);
    }
    test_context(NULL);
}

static void test_refusals(void)
{
    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        check_refusal(&refusals[i]);
    }
    CHECK_INT(csta_json_read_body(CSTA_MSG_NONE, STR("{}"), NULL, &arena, &msg, &fault),
              E_UNSUPPORTED);
    CHECK_INT(csta_json_read_body(CSTA_MSG_COUNT, STR("{}"), NULL, &arena, &msg, NULL),
              E_UNSUPPORTED);
}

static void check_sentence(const char *json, const char *want)
{
    struct out o;
    CHECK(read_json(str_c(json)) < 0);
    out_init(&o, first, sizeof(first));
    csta_json_explain(&fault, &o);
    CHECK_STR(out_str_of(&o), want);
}

static void test_sentences(void)
{
    check_sentence("7", "At the top: not an object.");
    check_sentence("{\"MakeCall\":{}}",
                   "At /MakeCall: a mandatory member is missing, callingDevice.");
    check_sentence(
        CALL("\"autoOriginate\":\"x\""),
        "At /MakeCall/autoOriginate: not one of the words that can stand here (prompt, "
        "doNotPrompt).");
}

static void test_features_once(void)
{
    static const struct csta_feature_bit bits[] = {
        {STR_INIT("a"), true}, {STR_INIT("b"), false}, {STR_INIT("a"), false}};
    static const struct csta_feature items[] = {{CSTA_MSG_MONITOR_STOP, bits, 3},
                                                {CSTA_MSG_MONITOR_STOP, NULL, 0}};
    struct csta_supported_services services = {.monitoring_serv_list = {items, 2}};
    struct csta_get_csta_features_response r = {.supported_services = &services};
    struct csta_msg m = {.id = CSTA_MSG_GET_CSTA_FEATURES_RESPONSE,
                         .get_csta_features_response = &r};
    CHECK_STR(write_json(&m, first),
              "{\"GetCSTAFeaturesResponse\":{\"supportedServices\":{\"monitoringServList\":"
              "{\"monitorStop\":{\"a\":true,\"b\":false}}}}}");
    CHECK_INT(
        read_json(STR("{\"GetCSTAFeaturesResponse\":{\"supportedServices\":"
                      "{\"monitoringServList\":{\"monitorStop\":{\"a\":true,\"a\":true}}}}}")),
        E_VALUE);
    CHECK_STR(str_c(fault.why.reason), "a member that comes twice");
    CHECK_INT(
        read_json(STR("{\"GetCSTAFeaturesResponse\":{\"supportedServices\":"
                      "{\"monitoringServList\":{\"monitorStop\":{},\"monitorStop\":{}}}}}")),
        E_VALUE);
    CHECK_STR(str_c(fault.why.reason), "a member that comes twice");
}

static void test_write_refuses(void)
{
    struct csta_clear_call empty = {0};
    struct csta_make_call wrong = {.calling_device = {.value = STR("1")},
                                   .auto_originate = (enum csta_auto_originate)77};
    struct csta_msg m = {.id = CSTA_MSG_CLEAR_CALL, .clear_call = &empty};
    struct out o;
    out_init(&o, first, sizeof(first));
    CHECK_INT(csta_json_write(&m, &o), E_VALUE);
    m = (struct csta_msg){.id = CSTA_MSG_MAKE_CALL, .make_call = &wrong};
    CHECK_INT(csta_json_write(&m, &o), E_VALUE);
    m.body = NULL;
    CHECK_INT(csta_json_write(&m, &o), E_VALUE);
    m.id = CSTA_MSG_NONE;
    CHECK_INT(csta_json_write(&m, &o), E_UNSUPPORTED);
}

static void test_write_into_little(void)
{
    struct out o;
    REQUIRE(read_json(str_c(full)) == 0);
    for (size_t n = 0; n < sizeof(full) - 1; n++) {
        char *room = malloc(n + (n == 0));
        out_init(&o, room, n);
        CHECK_INT(csta_json_write(&msg, &o), E_SPACE);
        CHECK_INT(o.need, sizeof(full) - 1);
        free(room);
    }
}

/* ---- hardness */

static void test_every_prefix(void)
{
    for (size_t n = 0; n < sizeof(full) - 1; n++) {
        struct str part = test_guard(str_make(full, n));
        CHECK(read_json(part) < 0);
        CHECK(fault.why.offset <= n && fault.why.reason[0] != '\0');
        test_guard_free(part);
    }
}

static void test_every_octet_wrong(void)
{
    static const char others[] = "\"\\{}[],:0e-\x80 \xC3t";
    for (size_t n = 0; n < sizeof(full) - 1; n++) {
        for (size_t i = 0; i < sizeof(others); i++) {
            struct str bad = test_guard(str_c(full));
            ((char *)(uintptr_t)bad.p)[n] = others[i];
            int err = read_json(bad);
            CHECK(err == 0 || fault.why.offset <= bad.n);
            CHECK(err != 0 || write_json(&msg, first).n > 0);
            test_guard_free(bad);
        }
    }
}

static void test_limits(void)
{
    struct csta_limits few = {.elements = 3}, small = {.bytes = 8};
    struct str text = STR("{\"MakeCall\":{\"callingDevice\":{\"id\":\"1001\"}}}");
    fresh_arena();
    CHECK_INT(csta_json_read(text, &few, &arena, &msg, &fault), E_TOOMANY);
    CHECK_INT(csta_json_read(text, &small, &arena, &msg, &fault), E_TOOBIG);
    few.elements = 4;
    CHECK_INT(csta_json_read(text, &few, &arena, &msg, NULL), 0);
    CHECK_INT(csta_json_read(STR_NONE, NULL, &arena, &msg, NULL), E_SYNTAX);
}

static void test_depth_is_that_of_the_types(void)
{
    memset(first, '[', 60000);
    CHECK_INT(read_json(str_make(first, 60000)), E_VALUE);
    CHECK_INT(fault.why.offset, 0);
}

static void test_long_pointer_is_cut(void)
{
    struct out o;
    out_init(&o, first, sizeof(first));
    out_c(&o, "{\"MakeCall\":{\"");
    for (int i = 0; i < 600; i++) {
        out_ch(&o, 'x');
    }
    out_c(&o, "\":1}}");
    CHECK_INT(read_json(out_str_of(&o)), E_VALUE);
    CHECK_STR(str_make(fault.pointer, fault.pointer_n), "/MakeCall");
    CHECK_INT(fault.why.element.n, 600);
}

static void test_out_of_memory(void)
{
    struct test_mem mem;
    int err = E_NOMEM;
    test_mem_init(&mem);
    for (size_t at = 1; err != 0 && at < 1000; at++) {
        struct arena a;
        mem.calls = 0;
        mem.fail_at = at;
        arena_init(&a, &mem.mem, 16);
        err = csta_json_read(str_c(full), NULL, &a, &msg, &fault);
        CHECK(err == 0 || err == E_NOMEM);
        CHECK(err == 0 || fault.why.error.kind == CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY);
        arena_fini(&a);
        CHECK_INT(mem.live, 0);
    }
    CHECK_INT(err, 0);
}

TEST_MAIN(T(test_every_message), T(test_read_full), T(test_write_gives_the_same),
          T(test_body_alone), T(test_device_may_be_a_string), T(test_text_is_borrowed),
          T(test_strings_written), T(test_strings_read), T(test_no_json), T(test_refusals),
          T(test_sentences), T(test_features_once), T(test_write_refuses),
          T(test_write_into_little), T(test_every_prefix), T(test_every_octet_wrong),
          T(test_limits), T(test_depth_is_that_of_the_types), T(test_long_pointer_is_cut),
          T(test_out_of_memory))
