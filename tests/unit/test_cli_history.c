/* SPDX-License-Identifier: Apache-2.0 */
/* `baton history`: what stands in the journal, in three forms, beside a server that writes. */
#include "base/attr.h"
#include "cli/history_cmd.h"
#include "kit_store.h"

#include <sqlite3.h>

struct told {
    const char *call, *event, *cause, *subject, *calling, *called, *other, *user_data;
};

static void tell(struct kit_store *k, uint64_t *number, const struct told *t, size_t n)
{
    const struct store_ops *ops = store_ops(k->st);
    for (size_t i = 0; i < n; i++) {
        struct store_event e = {.number = ++*number,
                                .watched = STR(""),
                                .call_id = str_c(t[i].call),
                                .event = str_c(t[i].event),
                                .cause = str_c(t[i].cause),
                                .subject = str_c(t[i].subject),
                                .calling = str_c(t[i].calling),
                                .called = str_c(t[i].called),
                                .other = str_c(t[i].other),
                                .user_data = str_c(t[i].user_data)};
        ops->event(ops->ctx, &e);
    }
}

#define A "sip:1001@x"
#define B "sip:1002@x"
#define C "sip:1003@x"

/** One that was talked in and transferred, one that was busy, one that stands. */
static const struct told story[] = {
    {"c1", "OriginatedEvent", "newCall", A, A, B, NULL, NULL},
    {"c1", "DeliveredEvent", "newCall", B, A, B, NULL, "UU"},
    {"c1", "EstablishedEvent", "newCall", B, A, B, NULL, "UU"},
    {"c2", "OriginatedEvent", "newCall", C, C, B, NULL, NULL},
    {"c2", "FailedEvent", "busy", B, C, B, NULL, NULL},
    {"c2", "ConnectionClearedEvent", "normalClearing", C, C, B, NULL, NULL},
    {"c2", "CallClearedEvent", "normalClearing", C, C, B, NULL, NULL},
    {"c1", "TransferedEvent", "transfer", B, A, B, C, NULL},
    {"c1", "ConnectionClearedEvent", "normalClearing", A, A, B, NULL, NULL},
    {"c1", "CallClearedEvent", "normalClearing", A, A, B, NULL, NULL},
    {"c3", "OriginatedEvent", "newCall", B, B, "say \"hi\", then go", NULL, NULL},
    {"c3", "EstablishedEvent", "newCall", A, B, A, NULL, NULL},
    {"c3", "ConnectionClearedEvent", "normalClearing", C, B, A, NULL, NULL},
};

static void up(struct kit_store *k)
{
    uint64_t number = 0;
    kit_store_make(k);
    k->config.history_uui = STORE_UUI_LENGTH;
    kit_store_up(k);
    CHECK(store_start(k->st));
    tell(k, &number, story, ARRAY_LEN(story));
    kit_store_sync(k); /* the server goes on running */
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(k->path, &db), SQLITE_OK);
    /* one event a second, from 2026-11-20T10:00:00Z on */
    CHECK_INT(sqlite3_exec(db, "UPDATE events SET at = 1795168800000 + (seq - 1) * 1000 + 7",
                           NULL, NULL, NULL),
              SQLITE_OK);
    (void)sqlite3_close(db);
}

static void down(struct kit_store *k)
{
    CHECK_INT(kit_store_down(k), 0);
    kit_store_remove(k);
}

static char text[4096];

/** Exit code; what it wrote is in `text`. */
static int run(struct kit_store *k, const char *a, const char *b, const char *c, const char *d)
{
    static char name[] = "history", database[] = "--database";
    char *argv[] = {name,
                    database,
                    k->path,
                    (char *)(uintptr_t)a,
                    (char *)(uintptr_t)b,
                    (char *)(uintptr_t)c,
                    (char *)(uintptr_t)d,
                    NULL};
    int argc = 3;
    char *buf = NULL;
    size_t n = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    FILE *to = open_memstream(&buf, &n);
    int code = history_run(argc, argv, to, to);
    fclose(to);
    (void)snprintf(text, sizeof(text), "%s", buf);
    free(buf);
    return code;
}

static void test_forms(void)
{
    struct kit_store k;
    up(&k);
    CHECK_INT(run(&k, "--json", NULL, NULL, NULL), 0);
    CHECK_STR(str_c(text),
              "{\"call\": \"c1\", \"began\": \"2026-11-20T10:00:00.007Z\", "
              "\"answered\": \"2026-11-20T10:00:02.007Z\", "
              "\"ended\": \"2026-11-20T10:00:09.007Z\", \"seconds\": 7, "
              "\"calling\": \"" A "\", \"called\": \"" B "\", \"answeredBy\": \"" B "\", "
              "\"cause\": \"normalClearing\", \"moves\": \"transferred:" C "\", "
              "\"uui\": \"2 octets\"}\n"
              "{\"call\": \"c2\", \"began\": \"2026-11-20T10:00:03.007Z\", "
              "\"ended\": \"2026-11-20T10:00:06.007Z\", \"seconds\": 0, "
              "\"calling\": \"" C "\", \"called\": \"" B "\", \"cause\": \"busy\"}\n"
              "{\"call\": \"c3\", \"began\": \"2026-11-20T10:00:10.007Z\", "
              "\"answered\": \"2026-11-20T10:00:11.007Z\", \"seconds\": null, "
              "\"calling\": \"" B "\", \"called\": \"say \\\"hi\\\", then go\", "
              "\"answeredBy\": \"" A "\"}\n");
    CHECK_INT(run(&k, "--csv", "--limit", "1", NULL), 0);
    CHECK_STR(str_c(text),
              "call,began,answered,ended,seconds,calling,called,answeredBy,cause,moves,uui\r\n"
              "\"c3\",\"2026-11-20T10:00:10.007Z\",\"2026-11-20T10:00:11.007Z\",\"\",\"\","
              "\"" B "\",\"say \"\"hi\"\", then go\",\"" A "\",\"\",\"\",\"\"\r\n");
    CHECK_INT(run(&k, NULL, NULL, NULL, NULL), 0);
    CHECK(strstr(text, "BEGAN (UTC)") == text);
    CHECK(strstr(text, "2026-11-20 10:00:03") != NULL);
    CHECK(strstr(text, "busy\n") != NULL);
    CHECK(strstr(text, "(stands)") != NULL);
    CHECK(strstr(text, "2026-11-20 10:00:10           " B) != NULL); /* not "0": it goes on */
    down(&k);
}

/** What callers choose is no formula; their numbers are left alone. */
static void test_csv_has_no_formulas(void)
{
    static const struct {
        const char *called, *shown;
    } table[] = {{"=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\""},
                 {"+4930123456", "\"+4930123456\""},
                 {"+1+cmd", "\"'+1+cmd\""},
                 {"+", "\"'+\""},
                 {"-1", "\"'-1\""},
                 {"@SUM(1)", "\"'@SUM(1)\""},
                 {"\t=1", "\"'\t=1\""},
                 {"\r=1", "\"'\r=1\""},
                 {"sip:=1@x", "\"sip:=1@x\""}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct kit_store k;
        uint64_t number = 0;
        char want[80];
        const struct told one = {"c", "OriginatedEvent", NULL, A,
                                 A,   table[i].called,   NULL, NULL};
        kit_store_make(&k);
        kit_store_up(&k);
        CHECK(store_start(k.st));
        tell(&k, &number, &one, 1);
        kit_store_sync(&k);
        CHECK_INT(run(&k, "--csv", NULL, NULL, NULL), 0);
        (void)snprintf(want, sizeof(want), ",\"" A "\",%s,", table[i].shown);
        CHECK(strstr(text, want) != NULL);
        CHECK_INT(run(&k, "--json", NULL, NULL, NULL), 0); /* nobody runs that */
        CHECK(strchr(text, '\'') == NULL);
        down(&k);
    }
}

static void test_which(void)
{
    struct kit_store k;
    up(&k);
    CHECK_INT(run(&k, "--json", "--since", "2026-11-20T10:00:03", NULL), 0);
    CHECK(strstr(text, "\"c1\"") == NULL && strstr(text, "\"c2\"") != NULL);
    CHECK_INT(run(&k, "--json", "--until", "2026-11-20T10:00:03Z", NULL), 0);
    CHECK(strstr(text, "\"c1\"") != NULL && strstr(text, "\"c2\"") == NULL);
    CHECK_INT(run(&k, "--json", "--party", "1003", NULL), 0);
    CHECK(strstr(text, "\"c1\"") != NULL && strstr(text, "\"c3\"") == NULL);
    CHECK_INT(run(&k, "--until", "2000-01-01", NULL, NULL), 0);
    CHECK_STR(str_c(text), "no calls\n");
    CHECK_INT(run(&k, "--json", "--until", "2000-01-01", NULL), 0);
    CHECK_STR(str_c(text), "");
    CHECK_INT(run(&k, "--since", "yesterday", NULL, NULL), EXIT_CODE_USAGE);
    CHECK_INT(run(&k, "--limit", "x", NULL, NULL), EXIT_CODE_USAGE);
    CHECK_INT(run(&k, "--what", NULL, NULL, NULL), EXIT_CODE_USAGE);
    CHECK_INT(run(&k, "-c", "x.yaml", NULL, NULL), EXIT_CODE_USAGE);
    down(&k);
    CHECK_INT(run(&k, NULL, NULL, NULL, NULL), EXIT_CODE_FAILED);
    CHECK(strstr(text, "unable to open") != NULL);
}

static void test_times(void)
{
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"2026-11-20", 1795132800000},
                {"2026-11-20T10:00", 1795168800000},
                {"2026-11-20T10:00:05", 1795168805000},
                {"90m", 94600000},
                {"2h", 92800000},
                {"1d", 13600000},
                {"5s", 99995000}};
    static const char *const bad[] = {"",    "x",       "5",           "-5m",
                                      "5mm", "2026-11", "2026-11-20T", "d"};
    int64_t ms;
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        ms = 0;
        CHECK(history_time(good[i].text, 100000000, &ms));
        CHECK_INT(ms, good[i].ms);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(!history_time(bad[i], 100000000, &ms));
    }
}

/** By the policy of the server, not of who asks. */
static void test_uui_by_policy(void)
{
    static const struct {
        enum store_uui policy;
        const char *wanted;
    } table[] = {{STORE_UUI_NONE, NULL},
                 {STORE_UUI_LENGTH, "\"uui\": \"2 octets\""},
                 {STORE_UUI_FULL, "\"uui\": \"5555\""}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct kit_store k;
        uint64_t number = 0;
        kit_store_make(&k);
        k.config.history_uui = table[i].policy;
        kit_store_up(&k);
        CHECK(store_start(k.st));
        tell(&k, &number, story, 3);
        kit_store_sync(&k);
        CHECK_INT(run(&k, "--json", NULL, NULL, NULL), 0);
        CHECK(table[i].wanted != NULL ? strstr(text, table[i].wanted) != NULL
                                      : strstr(text, "uui") == NULL);
        down(&k);
    }
}

TEST_MAIN(T(test_forms), T(test_csv_has_no_formulas), T(test_which), T(test_times),
          T(test_uui_by_policy))
