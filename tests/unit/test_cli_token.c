/* SPDX-License-Identifier: Apache-2.0 */
/* `baton token`: what it asks the server for, and what it shows. */
#include "base/attr.h"
#include "cli/control.h"
#include "cli/token_cmd.h"
#include "kit_control.h"

static void test_create(void)
{
    static const char *const answers[] = {
        FAKE_ANSWER(
            "201 Created", "application/json",
            "{\"id\":\"0123456789ab\",\"name\":\"wall\",\"token\":\"bt_0123456789ab_x\"}"),
        NULL};
    struct fake f;
    fake_up(&f, answers);
    struct fake_said *s =
        FAKE_ASK(token_run, "token", "create", "wall", "--scope", "observe:10*", "--scope",
                 "control:1001", "--expires", "30d", "--socket", f.socket);
    CHECK_INT(s->code, EXIT_CODE_OK);
    CHECK_STR(str_c(s->out), "bt_0123456789ab_x\n");
    CHECK(strstr(s->err, "only time") != NULL && strstr(s->err, "bt_") == NULL);
    fake_down(&f);
    CHECK(strstr(f.seen, "POST /v1/tokens HTTP/1.1") != NULL);
    CHECK(strstr(f.seen, "{\"name\":\"wall\",\"scopes\":[\"observe:10*\",\"control:1001\"],"
                         "\"expiresIn\":2592000}") != NULL);
}

static void test_list_and_revoke(void)
{
    static const char *const answers[] = {
        FAKE_JSON("{\"items\":[{\"id\":\"0123456789ab\",\"name\":\"wall\",\"scopes\":"
                  "[\"observe:10*\"],\"expired\":false}]}"),
        FAKE_JSON("{\"items\":[]}"), FAKE_ANSWER("204 No Content", "text/plain", ""),
        FAKE_ANSWER("404 Not Found", "application/problem+json",
                    "{\"code\":\"unknownToken\",\"detail\":\"No such token.\"}"),
        NULL};
    struct fake f;
    fake_up(&f, answers);
    struct fake_said *s = FAKE_ASK(token_run, "token", "list", "--socket", f.socket);
    CHECK(strstr(s->out, "wall") != NULL && strstr(s->out, "observe:10*") != NULL);
    s = FAKE_ASK(token_run, "token", "list", "--socket", f.socket);
    CHECK(strstr(s->out, "no tokens") != NULL);
    s = FAKE_ASK(token_run, "token", "revoke", "a/b", "--socket", f.socket);
    CHECK_INT(s->code, EXIT_CODE_OK);
    s = FAKE_ASK(token_run, "token", "revoke", "nobody", "--socket", f.socket);
    CHECK_INT(s->code, EXIT_CODE_FAILED);
    CHECK(strstr(s->err, "No such token.") != NULL);
    fake_down(&f);
    CHECK(strstr(f.seen, "DELETE /v1/tokens/a%2Fb HTTP/1.1") != NULL);
}

static void test_usage(void)
{
    CHECK_INT(FAKE_ASK(token_run, "token")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(token_run, "token", "make", "x")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(token_run, "token", "create")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(token_run, "token", "create", "x")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(token_run, "token", "create", "x", "y", "--scope", "admin")->code,
              EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(token_run, "token", "list", "x")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(token_run, "token", "revoke")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(token_run, "token", "revoke", "x", "--scope", "admin")->code,
              EXIT_CODE_USAGE);
    CHECK_INT(
        FAKE_ASK(token_run, "token", "create", "x", "--scope", "admin", "--expires", "soon")
            ->code,
        EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(token_run, "token", "list", "--nothing")->code, EXIT_CODE_USAGE);
}

static void test_durations(void)
{
    static const struct {
        const char *text;
        uint64_t s;
    } rows[] = {{"90s", 90},      {"90", 90}, {"15m", 900},     {"12h", 43200},
                {"30d", 2592000}, {"", 0},    {"d", 0},         {"0d", 0},
                {"-1d", 0},       {"3w", 0},  {"99999999d", 0}, {"1dd", 0}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t s = 0;
        test_context(rows[i].text);
        CHECK_INT(token_duration(rows[i].text, &s), rows[i].s != 0);
        CHECK_INT(s, rows[i].s);
    }
    test_context(NULL);
}

TEST_MAIN(T(test_create), T(test_list_and_revoke), T(test_usage), T(test_durations))
