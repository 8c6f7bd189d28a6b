/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that change something in a running server, follow it, or deal with its database. */
#include "cli/admin_cmd.h"
#include "cli/call_cmd.h"
#include "cli/completion_cmd.h"
#include "cli/events_cmd.h"
#include "cli/reload_cmd.h"
#include "kit_control.h"
#include "kit_store.h"
#include "store/copy.h"

/* ---- calls ---- */

static void test_verbs_of_calls(void)
{
    static const char *const answers[] = {
        FAKE_JSON("{\"operation\":\"op_1\",\"state\":\"done\",\"callID\":\"c7\"}"),
        FAKE_ANSWER("202 Accepted", "application/json", "{\"operation\":\"op_2\"}"),
        FAKE_JSON("{}"),
        FAKE_ANSWER(
            "409 Conflict", "application/problem+json",
            "{\"detail\":\"It does not ring there.\",\"code\":\"invalidConnectionState\"}"),
        FAKE_JSON("{\"callID\":\"c7\",\"connections\":[]}"),
        FAKE_JSON("{\"a\":1}"),
        FAKE_JSON("{}"),
        NULL};
    struct fake f;
    fake_up(&f, answers);
    const struct fake_said *s =
        FAKE_ASK(call_run, "call", "make", "1001", "sip:x@y", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "done: call c7\n");
    s = FAKE_ASK(call_run, "call", "answer", "c 7", "1002", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "accepted, not done yet: op_2\n");
    s = FAKE_ASK(call_run, "call", "transfer", "c7", "1001", "1003", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "done\n");
    s = FAKE_ASK(call_run, "call", "hold", "c7", "1001", "--socket", f.socket);
    CHECK_INT(s->code, EXIT_CODE_FAILED);
    CHECK_STR(str_c(s->err),
              "baton call: It does not ring there. (409, invalidConnectionState)\n");
    s = FAKE_ASK(call_run, "call", "c7", "--socket", f.socket);
    CHECK(strstr(s->out, "callID       c7\n") != NULL);
    s = FAKE_ASK(call_run, "call", "clear", "c7", "1001", "--json", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "{\"a\":1}\n");
    s = FAKE_ASK(call_run, "call", "clear", "c7", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "done\n");
    fake_down(&f);
    CHECK(strstr(f.seen, "POST /v1/calls/c7/clear HTTP") != NULL);
    CHECK(strstr(f.seen, "POST /v1/devices/1001/calls HTTP") != NULL);
    CHECK(strstr(f.seen, "{\"calledDirectoryNumber\":{\"id\":\"sip:x@y\"}}") != NULL);
    CHECK(strstr(f.seen, "POST /v1/calls/c%207/connections/1002/answer HTTP") != NULL);
    CHECK(strstr(f.seen, "POST /v1/calls/c7/connections/1001/single-step-transfer HTTP") !=
          NULL);
    CHECK(strstr(f.seen, "{\"transferredTo\":{\"id\":\"1003\"}}") != NULL);
    CHECK(strstr(f.seen, "GET /v1/calls/c7 HTTP") != NULL);
    CHECK(strstr(f.seen, "POST /v1/calls/c7/connections/1001/clear HTTP") != NULL);
    CHECK(test_count(f.seen, "Prefer: wait=20\r\n") == 7);
}

/* ---- events ---- */

#define EVENT                                                                                       \
    "{\"type\":\"org.baton.csta.delivered.v1\",\"subject\":\"c1\",\"sequence\":\"7\",\"time\":"     \
    "\"2026-11-20T10:00:05.123Z\",\"data\":{\"DeliveredEvent\":{\"cause\":\"newCall\"},\"ids\":"    \
    "{\"deviceID\":\"sip:1001@x\"},\"uui\":[{\"package\":\"isdn-uui\",\"hex\":\"044142\",\"text\":" \
    "\"AB\\u001b\"}]}}"

#define OLDER "{\"type\":\"org.baton.csta.held.v1\",\"sequence\":\"6\"}"

static void test_events_are_lines(void)
{
    static const char *const answers[] = {
        FAKE_JSON("{\"items\":[],\"sequence\":\"30\"}"),
        FAKE_JSON("{\"items\":[" EVENT "],\"next\":\"29\"}"),
        FAKE_JSON("{\"items\":[]}"),
        FAKE_JSON("{\"items\":[" OLDER "," EVENT "," EVENT "]}"),
        FAKE_JSON("{\"items\":[" EVENT "]}"),
        FAKE_ANSWER("200 OK", "text/event-stream", "id: 7\ndata: " EVENT "\n\n"),
        FAKE_ANSWER("401 Unauthorized", "application/problem+json", "{\"detail\":\"No.\"}"),
        NULL};
    struct fake f;
    fake_up(&f, answers);
    const struct fake_said *s =
        FAKE_ASK(events_run, "events", "--limit", "2", "--device", "10*", "--socket", f.socket);
    CHECK_STR(str_c(s->out), /* the newest of them */
              "10:00:05.123Z  7  delivered  c1  sip:1001@x  newCall  isdn-uui=AB.\n"
              "10:00:05.123Z  7  delivered  c1  sip:1001@x  newCall  isdn-uui=AB.\n");
    s = FAKE_ASK(events_run, "events", "--json", "--from", "3", "--socket", f.socket);
    CHECK(strstr(s->out, "\"sequence\":\"7\"") != NULL);
    CHECK_INT(test_count(s->out, "\n"), 1);
    s = FAKE_ASK(events_run, "events", "--follow", "--json", "--type", "delivered", "--call",
                 "c1", "--socket", f.socket);
    CHECK_STR(str_c(s->out), EVENT "\n");
    CHECK_INT(s->code, EXIT_CODE_FAILED); /* the server did not let it in again */
    fake_down(&f);
    CHECK(strstr(f.seen, "GET /v1/events?from=now&limit=1 HTTP") != NULL);
    CHECK(strstr(f.seen, "GET /v1/events?device=10%2A&from=28&limit=1000 HTTP") != NULL);
    CHECK(strstr(f.seen, "GET /v1/events?device=10%2A&from=28&limit=1000&after=29 HTTP") !=
          NULL);
    CHECK(strstr(f.seen, "GET /v1/events?device=10%2A&from=14&limit=1000 HTTP") != NULL);
    CHECK(strstr(f.seen, "GET /v1/events?from=3&limit=1000 HTTP") != NULL);
    CHECK(strstr(f.seen, "GET /v1/events?from=now&type=delivered&callID=c1 HTTP") != NULL);
    CHECK(strstr(f.seen, "Accept: text/event-stream\r\n") != NULL);
    CHECK(strstr(f.seen, "Last-Event-ID: 7\r\n") != NULL);
}

static void test_traces(void)
{
    static const char *const answers[] = {
        FAKE_JSON("{\"items\":[{\"callID\":\"c1\",\"legs\":[{\"sipCallID\":\"x\",\"deviceID\":"
                  "\"sip:1001@x\"},{\"deviceID\":\"sip:1002@x\"}],\"joined\":[\"c2\"]}]}"),
        FAKE_JSON(
            "{\"lanes\":[{\"id\":\"l1\",\"label\":\"1001\"}],\"messages\":[{\"time\":\"t\",\"from\":"
            "\"l1\",\"to\":\"baton\",\"protocol\":\"sip\",\"label\":\"INVITE\",\"summary\":\"s\"}]}"),
        FAKE_ANSWER("200 OK", "application/vnd.tcpdump.pcap", "PCAP"), NULL};
    char path[96];
    struct fake f;
    fake_up(&f, answers);
    (void)snprintf(path, sizeof(path), "%s/out", f.dir);
    const struct fake_said *s = FAKE_ASK(trace_run, "trace", "--socket", f.socket);
    CHECK(strstr(s->out, "c1 ") != NULL &&
          strstr(s->out, "sip:1001@x, sip:1002@x  c2") != NULL);
    s = FAKE_ASK(trace_run, "trace", "c1", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "TIME  FROM  TO     PROTOCOL  MESSAGE  \n"
                             "t     1001  baton  sip       INVITE   s\n");
    s = FAKE_ASK(trace_run, "trace", "c1", "--format", "pcap", "-o", path, "--socket",
                 f.socket);
    CHECK_INT(s->code, EXIT_CODE_OK);
    struct str got = test_read_file(path);
    CHECK_STR(got, "PCAP");
    free((void *)(uintptr_t)got.p);
    (void)unlink(path);
    fake_down(&f);
    CHECK(strstr(f.seen, "GET /v1/trace/c1?format=pcap HTTP") != NULL);
}

/* ---- administration ---- */

/** What is about no call says who did what, and how it ended. */
static void test_lines_of_events_without_a_call(void)
{
    static const char *const answers[] = {
        FAKE_JSON("{\"sequence\":\"9\"}"),
        FAKE_JSON(
            "{\"items\":["
            "{\"time\":\"2026-11-21T10:00:05.123Z\",\"sequence\":\"7\",\"subject\":\"1001@x\","
            "\"type\":\"org.baton.audit.v1\",\"data\":{\"outcome\":\"done\",\"face\":\"API\","
            "\"action\":\"HoldCall\",\"who\":\"token:crm\"}},"
            "{\"time\":\"2026-11-21T10:00:05.124Z\",\"sequence\":\"8\",\"subject\":\"op_1\","
            "\"type\":\"org.baton.operation.v1\",\"data\":{\"operation\":\"op_1\","
            "\"service\":\"HoldCall\",\"state\":\"failed\"}},"
            "{\"time\":\"2026-11-21T10:00:05.125Z\",\"sequence\":\"9\",\"subject\":\"c1\","
            "\"type\":\"org.baton.csta.originated.v1\",\"data\":{\"uui\":[{\"hex\":\"044142\"}]}}]}"),
        NULL};
    struct fake f;

    fake_up(&f, answers);
    const struct fake_said *s = FAKE_ASK(events_run, "events", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "10:00:05.123Z  7  audit  1001@x  token:crm  HoldCall  done\n"
                             "10:00:05.124Z  8  operation  op_1  HoldCall  failed\n"
                             "10:00:05.125Z  9  originated  c1  userData=044142\n");
    fake_down(&f);
}

static void test_drain_waits_for_calls(void)
{
    static const char *const answers[] = {
        FAKE_JSON("{\"draining\":true,\"calls\":2,\"proxied\":1,\"sessions\":4}"),
        FAKE_JSON("{\"draining\":true,\"calls\":0,\"proxied\":0,\"sessions\":4}"),
        FAKE_JSON("{\"draining\":true,\"calls\":1,\"proxied\":0,\"sessions\":4}"),
        FAKE_JSON("{\"draining\":false,\"calls\":1,\"proxied\":0,\"sessions\":4}"), NULL};
    struct fake f;
    fake_up(&f, answers);
    const struct fake_said *s = FAKE_ASK(admin_run, "drain", "--wait", "--socket", f.socket);
    CHECK_INT(s->code, EXIT_CODE_OK);
    CHECK_STR(str_c(s->out), "no new calls come in; 3 calls stand, 4 sessions stay\n"
                             "no new calls come in; 0 calls stand, 4 sessions stay\n");
    s = FAKE_ASK(admin_run, "drain", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "no new calls come in; 1 calls stand, 4 sessions stay\n");
    s = FAKE_ASK(admin_run, "undrain", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "new calls come in; 1 calls stand, 4 sessions\n");
    fake_down(&f);
    CHECK_INT(test_count(f.seen, "{\"drain\":true}"), 3);
    CHECK_INT(test_count(f.seen, "{\"drain\":false}"), 1);
}

static void test_levels(void)
{
    static const char *const answers[] = {
        FAKE_JSON(
            "{\"level\":\"info\",\"modules\":{\"sip\":\"warn\"},\"follow\":[{\"id\":\"1001\",\"seconds\":60}]}"),
        FAKE_JSON("{}"),
        FAKE_JSON("{}"),
        FAKE_JSON("{}"),
        FAKE_JSON("{}"),
        FAKE_JSON("{}"),
        NULL};
    struct fake f;
    fake_up(&f, answers);
    const struct fake_said *s = FAKE_ASK(admin_run, "log", "--socket", f.socket);
    CHECK_STR(str_c(s->out),
              "all          info\nsip          warn\n1001         everything, for 60 s\n");
    (void)FAKE_ASK(admin_run, "log", "level", "debug", "--socket", f.socket);
    (void)FAKE_ASK(admin_run, "log", "level", "debug", "cti", "--socket", f.socket);
    (void)FAKE_ASK(admin_run, "log", "level", "default", "cti", "--socket", f.socket);
    (void)FAKE_ASK(admin_run, "log", "follow", "1001", "--for", "1h", "--socket", f.socket);
    (void)FAKE_ASK(admin_run, "log", "unfollow", "1001", "--socket", f.socket);
    fake_down(&f);
    CHECK(strstr(f.seen, "GET /v1/admin/log HTTP") != NULL);
    CHECK_INT(test_count(f.seen, "PUT /v1/admin/log HTTP"), 5);
    CHECK(strstr(f.seen, "{\"level\":\"debug\"}") != NULL);
    CHECK(strstr(f.seen, "{\"modules\":{\"cti\":\"debug\"}}") != NULL);
    CHECK(strstr(f.seen, "{\"modules\":{\"cti\":null}}") != NULL);
    CHECK(strstr(f.seen, "{\"follow\":[{\"id\":\"1001\",\"seconds\":3600}]}") != NULL);
    CHECK(strstr(f.seen, "{\"follow\":[{\"id\":\"1001\",\"seconds\":0}]}") != NULL);
}

static void test_seconds(void)
{
    unsigned s = 0;
    CHECK(admin_seconds("90", &s) && s == 90);
    CHECK(admin_seconds("90s", &s) && s == 90);
    CHECK(admin_seconds("10m", &s) && s == 600);
    CHECK(admin_seconds("24h", &s) && s == 86400);
    CHECK(!admin_seconds("25h", &s) && !admin_seconds("2d", &s) && !admin_seconds("-1", &s));
    CHECK(!admin_seconds("", &s) && !admin_seconds("1x", &s) && !admin_seconds("1mm", &s));
}

static void test_reload_over_the_socket(void)
{
    static const char *const answers[] = {
        FAKE_JSON(
            "{\"file\":\"b.yaml\",\"changed\":[\"routes\",\"devices\"],\"needsRestart\":[\"limits.calls\"]}"),
        FAKE_ANSWER(
            "422 Unprocessable Content", "application/problem+json",
            "{\"detail\":\"b.yaml, line 3, column 4: what?\",\"code\":\"configurationWrong\"}"),
        NULL};
    char text[512] = "", err[512] = "";
    struct fake f;
    fake_up(&f, answers);
    FILE *out = fmemopen(text, sizeof(text), "w"),
         *complaints = fmemopen(err, sizeof(err), "w");
    const struct ask_words w = {.socket = f.socket};
    CHECK_INT(reload_over_socket(&w, out, complaints), EXIT_CODE_OK);
    CHECK_INT(reload_over_socket(&w, out, complaints), EXIT_CODE_FAILED);
    (void)fclose(out);
    (void)fclose(complaints);
    CHECK_STR(str_c(text),
              "b.yaml: taken over\nchanged: routes, devices\nneeds a restart: limits.calls\n");
    CHECK_STR(str_c(err),
              "baton reload: b.yaml, line 3, column 4: what? (422, configurationWrong)\n");
    fake_down(&f);
}

/* ---- the database ---- */

static void test_a_backup_that_is_none_is_not_kept(void)
{
    static const char *const answers[] = {
        FAKE_ANSWER("200 OK", "application/vnd.sqlite3", "rubbish"),
        FAKE_ANSWER("409 Conflict", "application/problem+json",
                    "{\"detail\":\"Nothing is kept on disk.\"}"),
        NULL};
    char path[96];
    struct fake f;
    fake_up(&f, answers);
    (void)snprintf(path, sizeof(path), "%s/copy", f.dir);
    const struct fake_said *s = FAKE_ASK(admin_run, "backup", path, "--socket", f.socket);
    CHECK_INT(s->code, EXIT_CODE_FAILED);
    CHECK(strstr(s->err, "is no database") != NULL);
    CHECK(access(path, F_OK) != 0);
    s = FAKE_ASK(admin_run, "backup", path, "--socket", f.socket);
    CHECK_STR(str_c(s->err), "baton backup: Nothing is kept on disk. (409)\n");
    CHECK(access(path, F_OK) != 0);
    fake_down(&f);
}

static void test_restoring(void)
{
    struct kit_store k;
    char copy[128], other[128], why[256];
    kit_store_make(&k);
    kit_store_up(&k);
    CHECK(store_start(k.st));
    kit_store_note(&k, 1, "c1", "OriginatedEvent");
    kit_store_sync(&k);
    (void)snprintf(copy, sizeof(copy), "%s/copy", k.dir);
    (void)snprintf(other, sizeof(other), "%s/other", k.dir);
    CHECK(store_copy(k.path, copy, why, sizeof(why)));
    const struct fake_said *s = FAKE_ASK(admin_run, "restore", "--check", copy);
    CHECK_INT(s->code, EXIT_CODE_OK);
    CHECK(strstr(s->out, ": sound; ") != NULL &&
          strstr(s->out, "1 events up to number 1") != NULL);
    s = FAKE_ASK(admin_run, "restore", copy, "--database", k.path, "--force");
    CHECK_INT(s->code, EXIT_CODE_FAILED); /* the server runs */
    CHECK(strstr(s->err, "another server writes to it") != NULL);
    (void)kit_store_down(&k);
    s = FAKE_ASK(admin_run, "restore", copy, "--database", k.path);
    CHECK(strstr(s->err, "is there already, and would be lost (--force)") != NULL);
    s = FAKE_ASK(admin_run, "restore", copy, "--database", k.path, "--force");
    CHECK_INT(s->code, EXIT_CODE_OK);
    s = FAKE_ASK(admin_run, "restore", copy, "--database", other);
    CHECK_INT(s->code, EXIT_CODE_OK);
    CHECK_STR(str_c(s->err), "");
    (void)snprintf(copy, sizeof(copy), "%s/other.lock", k.dir);
    (void)unlink(copy);
    kit_store_remove(&k);
}

static void test_wrong_words(void)
{
    FILE *was = stderr;
    char text[4096] = "";
    stderr = fmemopen(text, sizeof(text), "w");
    CHECK_INT(FAKE_ASK(call_run, "call")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(call_run, "call", "hold", "c1")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(call_run, "call", "clear")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(call_run, "call", "clear", "c1", "1", "2")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(call_run, "call", "c1", "c2")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(events_run, "events", "c1")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(trace_run, "trace", "c1", "--format", "gif")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(trace_run, "trace", "--format", "svg")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(trace_run, "trace", "--follow", "c1")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(admin_run, "backup")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(admin_run, "drain", "now")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(admin_run, "drain", "--timeout", "x")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(admin_run, "log", "loud")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(admin_run, "log", "follow", "x", "--for", "3y")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(admin_run, "restore", "x")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(completion_run, "completion", "fish")->code, EXIT_CODE_USAGE);
    (void)fclose(stderr);
    stderr = was;
    CHECK(strstr(text, "Try 'baton help restore'.") != NULL);
}

TEST_MAIN(T(test_verbs_of_calls), T(test_events_are_lines), T(test_traces),
          T(test_lines_of_events_without_a_call), T(test_drain_waits_for_calls), T(test_levels),
          T(test_seconds), T(test_reload_over_the_socket),
          T(test_a_backup_that_is_none_is_not_kept), T(test_restoring), T(test_wrong_words))
