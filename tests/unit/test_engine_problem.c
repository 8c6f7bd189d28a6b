/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of CSTA and SIP as problems of HTTP, and JSON that is written by hand. */
#include "base/attr.h"
#include "csta/json_build.h"
#include "engine/problem.h"
#include "test.h"

static void test_statuses(void)
{
    static const struct {
        enum csta_error_kind kind;
        unsigned value, sip, status;
    } table[] = {
        {CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_DEVICE_ID, 0, 404},
        {CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_CONNECTION_ID, 0, 404},
        {CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_CALLING_DEVICE_ID, 0, 404},
        {CSTA_ERROR_OPERATION, CSTA_OPERATION_PRIVILEGE_VIOLATION_SPECIFIED_DEVICE, 0, 403},
        {CSTA_ERROR_OPERATION, CSTA_OPERATION_SERVICE_NOT_SUPPORTED, 0, 501},
        {CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_PARAMETER_VALUE, 0, 400},
        {CSTA_ERROR_OPERATION, CSTA_OPERATION_GENERIC, 0, 400},
        {CSTA_ERROR_OPERATION, CSTA_OPERATION_REQUEST_INCOMPATIBLE_WITH_CONNECTION, 488, 409},
        {CSTA_ERROR_STATE_INCOMPATIBILITY, CSTA_INCOMPATIBLE_NO_HELD_CALL, 0, 409},
        {CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY, CSTA_SYSTEM_INTERNAL_RESOURCE_BUSY, 0, 503},
        {CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY, CSTA_SYSTEM_RESOURCE_OUT_OF_SERVICE, 0, 504},
        {CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY, CSTA_SYSTEM_DEVICE_OUT_OF_SERVICE, 480, 409},
        {CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY, CSTA_SYSTEM_RESOURCE_BUSY, 486, 409},
        {CSTA_ERROR_SUBSCRIBED_RESOURCE_AVAILABILITY,
         CSTA_SUBSCRIBED_OUTSTANDING_REQ_LIMIT_EXCEEDED, 0, 429},
        {CSTA_ERROR_UNSPECIFIED, 0, 0, 500},
        {CSTA_ERROR_UNSPECIFIED, 0, 486, 409},
        {CSTA_ERROR_ABSENT, 0, 503, 503},
        {CSTA_ERROR_ABSENT, 0, 502, 502},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct csta_error error = csta_error_of(table[i].kind, table[i].value);
        CHECK_INT(problem_status(error, table[i].sip), table[i].status);
    }
    for (unsigned kind = 0; kind <= CSTA_ERROR_UNSPECIFIED; kind++) {
        for (unsigned value = 0; value < 200; value++) {
            unsigned status =
                problem_status(csta_error_of((enum csta_error_kind)kind, value), 0);
            CHECK(status >= 400 && status < 600);
            CHECK(!str_eq(str_c(problem_title(status)), STR("Error")));
        }
    }
}

static void test_a_problem_as_json(void)
{
    char buf[512];
    struct out o;
    struct problem p = {.error = csta_error_of(CSTA_ERROR_STATE_INCOMPATIBILITY,
                                               CSTA_INCOMPATIBLE_NO_HELD_CALL),
                        .sip = 486,
                        .detail = STR("the \"phone\" said no")};
    out_init(&o, buf, sizeof(buf));
    problem_write(&p, &o);
    CHECK_STR(
        out_str_of(&o),
        "{\"type\":\"urn:baton:problem:noHeldCall\",\"title\":\"Conflict\","
        "\"status\":409,\"detail\":\"The \\\"phone\\\" said no.\",\"code\":\"noHeldCall\","
        "\"csta\":{\"category\":\"stateIncompatibility\",\"value\":\"noHeldCall\"},"
        "\"sip\":486}");
    out_init(&o, buf, sizeof(buf));
    problem_write(&(struct problem){.status = 422, .code = STR("other")}, &o);
    CHECK_STR(out_str_of(&o), "{\"type\":\"urn:baton:problem:other\",\"title\":\"Unprocessable "
                              "Content\",\"status\":422,\"code\":\"other\"}");
}

static void test_what_is_told_is_a_sentence(void)
{
    static const char *const table[][2] = {
        {"the phone refused it", "The phone refused it."},
        {"busy", "Busy."},
        {"busy, and away", "Busy, and away."},
        {"A sentence.", "A sentence."},
        {"why?", "Why?"},
        {"callID is taken", "callID is taken."},
        {"sip:1001@x is away", "sip:1001@x is away."},
        {"noHeldCall", "noHeldCall."},
        {"7 of them", "7 of them."},
        {"", ""},
    };
    char buf[PROBLEM_SENTENCE_MAX], most[PROBLEM_SENTENCE_MAX];

    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        CHECK_STR(problem_sentence(str_c(table[i][0]), buf), table[i][1]);
    }
    memset(most, 'a', sizeof(most));
    CHECK_INT(problem_sentence(str_make(most, sizeof(most) - 1), buf).n, sizeof(most) - 1);
    CHECK(problem_sentence(str_make(most, sizeof(most) - 1), buf).p == most);
    CHECK_INT(problem_sentence(str_make(most, sizeof(most) - 2), buf).n, sizeof(most) - 1);
}

static void test_times(void)
{
    static const struct {
        uint64_t ms;
        const char *text;
    } table[] = {
        {0, "{"},
        {1, "{\"t\":\"1970-01-01T00:00:00.001Z\""},
        {UINT64_C(951782400000), "{\"t\":\"2000-02-29T00:00:00.000Z\""},
        {UINT64_C(1772323199999), "{\"t\":\"2026-02-28T23:59:59.999Z\""},
        {UINT64_C(1772323200000), "{\"t\":\"2026-03-01T00:00:00.000Z\""},
        {UINT64_C(4102444800000), "{\"t\":\"2100-01-01T00:00:00.000Z\""},
    };
    char buf[64];
    struct out o;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        out_init(&o, buf, sizeof(buf));
        out_ch(&o, '{');
        json_time(&o, "t", table[i].ms);
        CHECK_STR(out_str_of(&o), table[i].text);
    }
}

TEST_MAIN(T(test_statuses), T(test_a_problem_as_json), T(test_what_is_told_is_a_sentence),
          T(test_times))
