/* SPDX-License-Identifier: Apache-2.0 */
/* The client of a running server, and the commands that only show what it says. */
#include "cli/ask_cmd.h"
#include "cli/view.h"
#include "client/sse.h"
#include "kit_control.h"

/* ---- events ---- */

struct events {
    char text[512]; /**< "id type data\n" … */
    size_t n;
    int enough;
};

static bool keep_event(void *ctx, const struct sse_event *e)
{
    struct events *all = ctx;
    all->n +=
        (size_t)snprintf(all->text + all->n, sizeof(all->text) - all->n, "%.*s|%.*s|%.*s\n",
                         STR_ARG(e->id), STR_ARG(e->type), STR_ARG(e->data));
    return --all->enough != 0;
}

static const char stream[] =
    ": hello\r\n\r\nid: 1\ndata: a\n\nid:2\r\nevent: x\r\ndata:b\r\n"
    "data: c\r\nretry: 5\r\n\r\nevent: none\n\ndata\n\nid: 3\rdata: d\r\r"
    "data: never ends\n";

static void test_events_of_a_stream(void)
{
    for (size_t step = 1; step < sizeof(stream); step++) {
        struct events all = {.n = 0};
        struct sse s;
        sse_init(&s, keep_event, &all);
        for (size_t i = 0; i < sizeof(stream) - 1; i += step) {
            struct str part =
                test_guard(str_upto(str_make(stream + i, sizeof(stream) - 1 - i), step));
            CHECK(sse_read(&s, part));
            test_guard_free(part);
        }
        CHECK_STR(str_c(all.text), "1||a\n2|x|b\nc\n||\n3||d\n");
        sse_fini(&s);
    }
    struct events first = {.enough = 1};
    struct sse s;
    sse_init(&s, keep_event, &first);
    CHECK(!sse_read(&s, str_c(stream)));
    CHECK_STR(str_c(first.text), "1||a\n");
    sse_fini(&s);
}

static bool keep_data(void *ctx, const json_t *event, struct str text)
{
    struct events *all = ctx;
    all->n += (size_t)snprintf(all->text + all->n, sizeof(all->text) - all->n, "%.*s %lld\n",
                               STR_ARG(text),
                               (long long)json_integer_value(json_object_get(event, "n")));
    return --all->enough != 0;
}

/** A stream that was followed to its end: what came, what was complained of, what was asked. */
struct followed {
    struct events all;
    char complaints[512];
    struct fake f;
    int code;
};

/** @param enough  events after which it ends; 0: it goes on. The rest as of control_follow */
static struct followed *follow(const char *const *answers, const char *path, unsigned tries,
                               int enough)
{
    static struct followed r;
    struct control c;
    r = (struct followed){.all.enough = enough};
    FILE *err = fmemopen(r.complaints, sizeof(r.complaints), "w");
    fake_up(&r.f, answers);
    CHECK_INT(control_open(&c, "events", r.f.socket, err), EXIT_CODE_OK);
    r.code = control_follow(&c, path, tries, keep_data, &r.all);
    control_close(&c);
    fake_down(&r.f);
    (void)fclose(err);
    return &r;
}

static void test_a_stream_goes_on_where_it_ended(void)
{
    static const char *const answers[] = {
        FAKE_ANSWER("200 OK", "text/event-stream",
                    "id: 7\ndata: {\"n\":7}\n\nid: 8\ndata: {\"n\":8}\n\nid: 9\ndata: {\"n\""),
        FAKE_ANSWER("503 Service Unavailable", "application/problem+json", "{}"),
        FAKE_ANSWER("200 OK", "text/event-stream", "id: 9\ndata: {\"n\":9}\n\n"), NULL};
    struct followed *r = follow(answers, "/v1/events?from=now", 5, 3);
    CHECK_INT(r->code, EXIT_CODE_OK);
    CHECK_STR(str_c(r->all.text), "{\"n\":7} 7\n{\"n\":8} 8\n{\"n\":9} 9\n");
    CHECK_INT(test_count(r->f.seen, "GET /v1/events?from=now HTTP/1.1"), 3);
    CHECK_INT(test_count(r->f.seen, "Last-Event-ID: 8"), 2);
    CHECK_INT(test_count(r->f.seen, "Last-Event-ID"), 2);
    CHECK(strstr(r->complaints, "the connection is gone") != NULL);
}

static void test_a_stream_that_is_refused_ends(void)
{
    static const char *const answers[] = {
        FAKE_ANSWER("403 Forbidden", "application/problem+json",
                    "{\"code\":\"forbidden\",\"detail\":\"Not for you.\"}"),
        NULL};
    struct followed *r = follow(answers, "/v1/events", 0, 0);
    CHECK_INT(r->code, EXIT_CODE_FAILED);
    CHECK_STR(str_c(r->complaints), "baton events: Not for you. (403, forbidden)\n");
}

static void test_a_stream_that_says_why_it_ends(void)
{
    static const char *const answers[] = {
        FAKE_ANSWER("200 OK", "text/event-stream",
                    "id: 7\ndata: {\"n\":7}\n\nevent: problem\ndata: "
                    "{\"status\":503,\"code\":\"noSnapshot\"}\n\n"),
        FAKE_ANSWER("200 OK", "text/event-stream",
                    "event: problem\ndata: {\"status\":413,\"code\":\"snapshotTooBig\","
                    "\"detail\":\"Too much.\"}\n\n"),
        NULL};
    struct followed *r = follow(answers, "/v1/events", 0, 3);
    CHECK_INT(r->code, EXIT_CODE_FAILED);
    CHECK_STR(str_c(r->all.text), "{\"n\":7} 7\n");
    CHECK_INT(test_count(r->f.seen, "Last-Event-ID: 7"), 1);
    CHECK(strstr(r->complaints, "baton events: Too much. (413, snapshotTooBig)\n") != NULL);
}

/* ---- where the server is ---- */

static void test_where_the_server_listens(void)
{
    char path[108], run[80], at[96];
    struct fake f;
    fake_make(&f);
    unsetenv("BATON_SOCKET");
    unsetenv("RUNTIME_DIRECTORY");
    unsetenv("XDG_RUNTIME_DIR");
    control_default_socket(path, sizeof(path));
    CHECK_STR(str_c(path), "/run/baton/control");
    setenv("RUNTIME_DIRECTORY", f.dir, 1); /* nothing is there */
    control_default_socket(path, sizeof(path));
    CHECK_STR(str_c(path), "/run/baton/control");
    CHECK(fclose(fopen(f.socket, "w")) == 0);
    control_default_socket(path, sizeof(path));
    CHECK_STR(str_c(path), f.socket);
    unsetenv("RUNTIME_DIRECTORY");
    setenv("XDG_RUNTIME_DIR", f.dir, 1);
    (void)snprintf(run, sizeof(run), "%s/baton", f.dir);
    (void)snprintf(at, sizeof(at), "%s/control", run);
    CHECK(mkdir(run, 0700) == 0 && fclose(fopen(at, "w")) == 0);
    control_default_socket(path, sizeof(path));
    CHECK_STR(str_c(path), at);
    setenv("BATON_SOCKET", "/elsewhere", 1);
    control_default_socket(path, sizeof(path));
    CHECK_STR(str_c(path), "/elsewhere");
    unsetenv("BATON_SOCKET");
    unsetenv("XDG_RUNTIME_DIR");
    (void)unlink(at);
    (void)rmdir(run);
    fake_down(&f);
}

static void test_no_server_is_said_in_words(void)
{
    struct fake f;
    fake_make(&f);
    const struct fake_said *s = FAKE_ASK(ask_run, "status", "--socket", f.socket);
    CHECK_INT(s->code, EXIT_CODE_FAILED);
    CHECK(str_starts(str_c(s->err), STR("baton status: the server is not running, or listens "
                                        "elsewhere: there is no /tmp/baton-fake-")));
    CHECK(fclose(fopen(f.socket, "w")) == 0);
    s = FAKE_ASK(ask_run, "status", "--socket", f.socket);
    CHECK(strstr(s->err, "nobody listens at /tmp/baton-fake-") != NULL);
    char longest[200];
    memset(longest, 'a', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    s = FAKE_ASK(ask_run, "status", "--socket", longest);
    CHECK_INT(s->code, EXIT_CODE_USAGE);
    fake_down(&f);
}

static void test_paths_are_encoded(void)
{
    char path[64];
    CHECK(control_path(path, sizeof(path), "/v1/devices/", "sip:10 01@x/ü", "/calls"));
    CHECK_STR(str_c(path), "/v1/devices/sip%3A10%2001%40x%2F%C3%BC/calls");
    CHECK(!control_path(path, 20, "/v1/devices/", "12345678", ""));
    CHECK(control_path(path, 24, "/v1/devices/", "12345678", ""));
}

/* ---- what people see ---- */

static void test_a_list_is_a_table(void)
{
    static const char *const answers[] = {
        FAKE_JSON(
            "{\"items\":[{\"number\":\"1001\",\"display\":\"J\xc3\xbcrgen\",\"registered\":"
            "true,\"bindings\":[{}],\"calls\":[\"c1\",\"c2\"],\"deviceID\":\"sip:1001@x\","
            "\"features\":{\"doNotDisturb\":false}}],\"next\":\"a b\",\"sequence\":\"9\"}"),
        FAKE_JSON("{\"items\":[{\"number\":\"1002\",\"registered\":false,\"agent\":{\"state\":"
                  "\"ready\"},\"display\":\"\\u001b[31m\"}]}"),
        NULL};
    struct fake f;
    fake_up(&f, answers);
    const struct fake_said *s = FAKE_ASK(ask_run, "devices", "--socket", f.socket);
    CHECK_INT(s->code, EXIT_CODE_OK);
    CHECK_STR(str_c(s->out),
              "NUMBER  NAME    REGISTERED  PHONES  CALLS  DND  AGENTS  ADDRESS\n"
              "1001    J\xc3\xbcrgen  yes         1       2      no   0       sip:1001@x\n"
              "1002    .[31m   no          0       0      -    0       -\n");
    fake_down(&f);
    CHECK(strstr(f.seen, "GET /v1/devices?limit=1000 HTTP") != NULL);
    CHECK(strstr(f.seen, "GET /v1/devices?limit=1000&after=a%20b HTTP") != NULL);
}

/** Calls by age with what they carry, devices as people count; the first of that order. */
static void test_lists_have_an_order(void)
{
    static const char *const answers[] = {
        FAKE_JSON(
            "{\"items\":[{\"callID\":\"c2\",\"created\":\"2026-11-20T10:00:05.000Z\","
            "\"connections\":[{\"number\":\"1001\",\"localConnectionInfo\":\"connected\"}],"
            "\"userData\":{\"string\":\"0441\"},\"correlatorData\":{\"string\":\"0A\"},"
            "\"uui\":[{\"package\":\"isdn-uui\",\"hex\":\"0441\",\"text\":\"A\\u001b\"},"
            "{\"package\":\"crm\",\"hex\":\"0A01\"}]},"
            "{\"callID\":\"c1\",\"created\":\"2026-11-20T10:00:04.000Z\","
            "\"connections\":[],\"userData\":{\"string\":\"0442\"}},"
            "{\"callID\":\"c3\",\"created\":\"2026-11-20T10:00:06.000Z\",\"connections\":[]}]}"),
        FAKE_JSON(
            "{\"items\":[{\"number\":\"1001\"},{\"number\":\"anna\"},{\"number\":\"200\"},"
            "{\"number\":\"1001\",\"display\":\"again\"},{\"number\":\"Bob\"},{\"x\":1}]}"),
        FAKE_JSON("{\"items\":[{\"number\":\"1002\"},{\"number\":\"1003\"}],\"next\":\"n\"}"),
        FAKE_JSON("{\"items\":[{\"number\":\"1001\"}]}"), NULL};
    struct fake f;
    fake_up(&f, answers);
    const struct fake_said *s = FAKE_ASK(ask_run, "calls", "--socket", f.socket);
    const char *first = strstr(s->out, "\nc1 "), *second = strstr(s->out, "\nc2 ");
    REQUIRE(first != NULL && second != NULL && first < second);
    CHECK(strstr(s->out, "  PARTIES         CONTEXT                CORRELATOR\n") != NULL);
    CHECK(strstr(first, "  -               userData=0442          -\n") != NULL);
    CHECK(strstr(second, "  1001 connected  isdn-uui=A., crm=0A01  0A\n") != NULL);
    CHECK(strstr(second, "\nc3 ") != NULL);
    s = FAKE_ASK(ask_run, "devices", "--json", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "[{\"number\":\"200\"},{\"number\":\"1001\"},"
                             "{\"number\":\"1001\",\"display\":\"again\"},{\"x\":1},"
                             "{\"number\":\"Bob\"},{\"number\":\"anna\"}]\n");
    s = FAKE_ASK(ask_run, "devices", "--json", "--limit", "1", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "[{\"number\":\"1001\"}]\n");
    fake_down(&f);
}

static void test_lists_for_programs(void)
{
    static const char *const answers[] = {
        FAKE_JSON("{\"items\":[{\"callID\":\"c1\"},{\"callID\":\"c2\"}],\"next\":\"2\"}"),
        FAKE_JSON("{\"items\":[]}"), NULL};
    struct fake f;
    fake_up(&f, answers);
    const struct fake_said *s =
        FAKE_ASK(ask_run, "sessions", "--json", "--limit", "1", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "[{\"callID\":\"c1\"}]\n");
    s = FAKE_ASK(ask_run, "calls", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "no calls\n");
    fake_down(&f);
}

static void test_one_thing(void)
{
    static const char *const answers[] = {
        FAKE_JSON("{\"deviceID\":\"sip:1001@x\",\"registered\":true,\"bindings\":[{\"contact\":"
                  "\"sip:1001@h\",\"expires\":60,\"more\":{\"a\":1}}],\"features\":{"
                  "\"doNotDisturb\":false,\"forwarding\":[]},\"services\":[\"MakeCall\","
                  "\"HoldCall\"]}"),
        FAKE_JSON("{\"a\":1}\n"),
        FAKE_ANSWER("404 Not Found", "application/problem+json",
                    "{\"title\":\"Not Found\",\"code\":\"unknownDevice\",\"sip\":404}"),
        NULL};
    struct fake f;
    fake_up(&f, answers);
    const struct fake_said *s = FAKE_ASK(ask_run, "device", "1001", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "deviceID    sip:1001@x\n"
                             "registered  yes\n"
                             "bindings\n"
                             "  contact     expires\n"
                             "  sip:1001@h  60\n"
                             "features\n"
                             "  doNotDisturb  no\n"
                             "  forwarding    -\n"
                             "services    MakeCall, HoldCall\n");
    s = FAKE_ASK(ask_run, "status", "--json", "--socket", f.socket);
    CHECK_STR(str_c(s->out), "{\"a\":1}\n");
    s = FAKE_ASK(ask_run, "device", "9/9", "--socket", f.socket);
    CHECK_INT(s->code, EXIT_CODE_FAILED);
    CHECK_STR(str_c(s->err), "baton device: Not Found (404, unknownDevice, SIP 404)\n");
    fake_down(&f);
    CHECK(strstr(f.seen, "GET /v1/devices/9%2F9 HTTP") != NULL);
}

static void test_times_and_parties(void)
{
    char buf[64];
    CHECK_STR(view_ago("2026-11-20T10:00:00.123Z", 1795168805, buf, sizeof(buf)), "5 s");
    CHECK_STR(view_ago("2026-11-20T10:00:00Z", 1795168800 + 600, buf, sizeof(buf)), "10 min");
    CHECK_STR(view_ago("2026-11-20T10:00:00Z", 1795168800 + 7200, buf, sizeof(buf)), "2 h");
    CHECK_STR(view_ago("2026-11-20T10:00:00Z", 1795168800 + 864000, buf, sizeof(buf)), "10 d");
    CHECK_STR(view_ago("2026-11-20T10:00:00Z", 1795168700, buf, sizeof(buf)), "0 s");
    CHECK(!str_is_set(view_ago("soon", 0, buf, sizeof(buf))));
    json_t *c = json_loads("[{\"number\":\"1001\",\"localConnectionInfo\":\"connected\"},"
                           "{\"deviceID\":\"tel:+49\",\"localConnectionInfo\":\"alerting\"}]",
                           0, NULL);
    CHECK_STR(view_text(c, VIEW_PARTIES, buf, sizeof(buf)), "1001 connected, tel:+49 alerting");
    json_decref(c);
    c = json_loads("[{\"contact\":\"sip:1001@h\",\"expires\":\"x\"},{\"contact\":\"sip:1@b\"}]",
                   0, NULL);
    CHECK_STR(view_text(c, VIEW_CONTACTS, buf, sizeof(buf)), "sip:1001@h, sip:1@b");
    CHECK_STR(view_text(NULL, VIEW_CONTACTS, buf, sizeof(buf)), "");
    json_decref(c);
}

static void print_at(size_t width, char *buf, size_t cap)
{
    static const char *const titles[] = {"A", "LONG"};
    struct table t;
    FILE *to = fmemopen(buf, cap, "w");
    table_init(&t, titles, 2);
    table_cell(&t, STR("1"));
    table_cell(&t, STR("abcdefghijklmnopqrst\xc3\xbc"));
    table_cell(&t, STR("\xc3\xa4\xc3\xa4"));
    table_cell(&t, STR_NONE);
    table_print(&t, &(struct table_style){.width = width}, 1, to);
    table_fini(&t);
    (void)fclose(to);
}

static void test_a_table_fits_the_window(void)
{
    char buf[256] = "";
    print_at(0, buf, sizeof(buf));
    CHECK_STR(str_c(buf),
              " A   LONG\n 1   abcdefghijklmnopqrst\xc3\xbc\n \xc3\xa4\xc3\xa4  -\n");
    print_at(26, buf, sizeof(buf));
    CHECK_STR(str_c(buf),
              " A   LONG\n 1   abcdefghijklmnopqrst\xc3\xbc\n \xc3\xa4\xc3\xa4  -\n");
    print_at(20, buf, sizeof(buf));
    CHECK_STR(str_c(buf), " A   LONG\n 1   abcdefghijklmn…\n \xc3\xa4\xc3\xa4  -\n");
    print_at(3, buf, sizeof(buf));
    CHECK_STR(str_c(buf), " A   LONG\n 1   abcdefg…\n \xc3\xa4\xc3\xa4  -\n");
}

static void test_wrong_words(void)
{
    FILE *was = stderr;
    char text[1024] = "";
    stderr = fmemopen(text, sizeof(text), "w");
    CHECK_INT(FAKE_ASK(ask_run, "status", "1001")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(ask_run, "device")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(ask_run, "device", "1", "2")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(ask_run, "calls", "--limit", "x")->code, EXIT_CODE_USAGE);
    CHECK_INT(FAKE_ASK(ask_run, "device", "--frob")->code, EXIT_CODE_USAGE);
    (void)fclose(stderr);
    stderr = was;
    CHECK(strstr(text, "Try 'baton help status'.") != NULL);
}

TEST_MAIN(T(test_events_of_a_stream), T(test_a_stream_goes_on_where_it_ended),
          T(test_a_stream_that_is_refused_ends), T(test_a_stream_that_says_why_it_ends),
          T(test_where_the_server_listens), T(test_no_server_is_said_in_words),
          T(test_paths_are_encoded), T(test_a_list_is_a_table), T(test_lists_have_an_order),
          T(test_lists_for_programs), T(test_one_thing), T(test_times_and_parties),
          T(test_a_table_fits_the_window), T(test_wrong_words))
