/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in as HTTP: heads, bodies, limits, order; and jobs to the engine and back. */
#include "kit_api.h"
#include <semaphore.h>
#include <time.h>

/* ---- routes of the test ---- */

static void echo(struct api_request *r)
{
    api_reply(r, 200, "application/json", r->body, NULL, 0);
}

static void who(struct api_request *r)
{
    struct str text = arena_fmt(r->arena, "[%.*s][%.*s]", STR_ARG(api_param(r, "device")),
                                STR_ARG(api_query(r, "q")));
    api_reply(r, 200, "text/plain", text, NULL, 0);
}

static sem_t ran; /* a job has, in the engine's thread */

static bool answer_there(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    (void)e;
    const struct api_header tag = {"ETag", STR("\"one\"")};
    EXPECT(now_ms == 1000);
    (void)sem_post(&ran);
    api_reply(r, 200, "text/plain", arena_fmt(r->arena, "from there"), &tag, 1);
    return false;
}

static void ask(struct api_request *r)
{
    api_ask(r, answer_there, NULL);
}

static bool compute(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    (void)e;
    (void)now_ms;
    r->ctx = arena_alloc(r->arena, 8);
    memcpy(r->ctx, "computed", 8);
    return false;
}

static void computed(struct api_request *r)
{
    api_reply(r, 200, "text/plain", str_make(r->ctx, 8), NULL, 0);
}

static void ask_twice(struct api_request *r)
{
    api_ask(r, compute, computed);
}

static bool never(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    (void)r;
    (void)e;
    (void)now_ms;
    return true; /* somebody would answer it later */
}

static void hang(struct api_request *r)
{
    api_ask(r, never, NULL);
}

static void fail(struct api_request *r)
{
    api_problem(r,
                &(struct api_fault){.status = 409,
                                    .code = "invalidConnectionState",
                                    .csta_category = "stateIncompatibility",
                                    .csta_value = "invalidConnectionState",
                                    .sip = 486,
                                    .pointer = STR("/called\"Device")},
                "The phone is \"busy\"\n; try later.");
}

static void number(struct api_request *r)
{
    uint64_t limit = 7;
    if (api_query_u64(r, "limit", 1, 1000, &limit) != 0) {
        return;
    }
    api_reply(r, 200, "text/plain", arena_fmt(r->arena, "%llu", (unsigned long long)limit),
              NULL, 0);
}

static sem_t stuck, go_on;

/** The API's thread does not come back. */
static void block(struct api_request *r)
{
    (void)sem_post(&stuck);
    (void)sem_wait(&go_on);
    api_reply(r, 200, "text/plain", STR("free"), NULL, 0);
}

static const char *const plain_text[] = {"text/plain", NULL};
static const char *const who_query[] = {"a", "q", NULL}, *const number_query[] = {"limit",
                                                                                  NULL};

#define SEG(text)                 \
    {                             \
        .literal = STR_INIT(text) \
    }
const struct api_route api_routes[] = {
    {.path = "/ask",
     .operation = "ask",
     .handler = ask,
     .segment = {SEG("ask")},
     .segments = 1},
    {.path = "/block",
     .operation = "block",
     .handler = block,
     .segment = {SEG("block")},
     .segments = 1},
    {.path = "/d/{device}/x",
     .operation = "who",
     .handler = who,
     .query = who_query,
     .param = {"device"},
     .segment = {SEG("d"), {.param = 0}, SEG("x")},
     .segments = 3},
    {.path = "/echo",
     .operation = "echo",
     .handler = echo,
     .method = API_POST,
     .body_type = "application/json",
     .segment = {SEG("echo")},
     .segments = 1},
    {.path = "/fail",
     .operation = "fail",
     .handler = fail,
     .segment = {SEG("fail")},
     .segments = 1},
    {.path = "/hang",
     .operation = "hang",
     .handler = hang,
     .segment = {SEG("hang")},
     .segments = 1},
    {.path = "/number",
     .operation = "number",
     .handler = number,
     .answer_types = plain_text,
     .query = number_query,
     .segment = {SEG("number")},
     .segments = 1},
    {.path = "/twice",
     .operation = "twice",
     .handler = ask_twice,
     .segment = {SEG("twice")},
     .segments = 1},
    {.path = "/admin",
     .operation = "admin",
     .handler = echo,
     .scope = API_SCOPE_ADMIN,
     .segment = {SEG("admin")},
     .segments = 1},
};
const size_t api_route_count = ARRAY_LEN(api_routes);

static char buf[KIT_ANSWER];

/* ---- heads and bodies ---- */

#define END "Connection: close\r\n\r\n"

static const struct {
    const char *request;
    int status;
    const char *body; /**< is in the answer; NULL: whatever */
} cases[] = {
    {"GET /ask HTTP/1.1\r\nHost: x\r\n" END, 200, "from there"},
    {"GET /twice HTTP/1.1\r\nHost: x\r\n" END, 200, "computed"},
    {"\r\n\r\nGET /ask HTTP/1.1\r\nHost: x\r\n" END, 200, "from there"},
    {"GET http://x/ask HTTP/1.1\r\nHost: y\r\n" END, 200, "from there"},
    {"GET /ask HTTP/1.0\r\n\r\n", 200, "from there"},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nIf-None-Match: W/\"one\"\r\n" END, 304, NULL},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nIf-None-Match: \"two\"\r\n" END, 200, NULL},
    {"GET /admin HTTP/1.1\r\nHost: x\r\n" END, 200, NULL},
    /* paths */
    {"GET /d/sip%3A1%2F2%40x/x?a=b&q=1%262+3 HTTP/1.1\r\nHost: x\r\n" END, 200,
     "[sip:1/2@x][1&2 3]"},
    {"GET /d//x HTTP/1.1\r\nHost: x\r\n" END, 404, NULL},
    {"GET /d/%00/x HTTP/1.1\r\nHost: x\r\n" END, 400, "badPath"},
    {"GET /d/%ff/x HTTP/1.1\r\nHost: x\r\n" END, 400, "badPath"},
    {"GET /d/%zz/x HTTP/1.1\r\nHost: x\r\n" END, 400, "badPath"},
    {"GET /d/1/x/y HTTP/1.1\r\nHost: x\r\n" END, 404, "unknownPath"},
    {"GET /number?limit=12 HTTP/1.1\r\nHost: x\r\n" END, 200, "\r\n\r\n12"},
    {"GET /number HTTP/1.1\r\nHost: x\r\n" END, 200, "\r\n\r\n7"},
    {"GET /number?limit=0 HTTP/1.1\r\nHost: x\r\n" END, 400, "badParameter"},
    {"GET /number?limit=x HTTP/1.1\r\nHost: x\r\n" END, 400, "badParameter"},
    {"GET /number?limits=3 HTTP/1.1\r\nHost: x\r\n" END, 400,
     "no parameter \\\"limits\\\" here; known: limit."},
    {"GET /number?limit=3&%zz=1 HTTP/1.1\r\nHost: x\r\n" END, 400, "unknownParameter"},
    {"POST /echo?x HTTP/1.1\r\nHost: x\r\n" END, 400, "known: none."},
    /* what the client takes */
    {"GET /number HTTP/1.1\r\nHost: x\r\nAccept: text/html, text/*;q=0.5\r\n" END, 200, NULL},
    {"GET /number HTTP/1.1\r\nHost: x\r\nAccept: image/png\r\n" END, 406, "notAcceptable"},
    {"GET /number HTTP/1.1\r\nHost: x\r\nAccept: */*, text/plain;q=0\r\n" END, 406, NULL},
    {"GET /number HTTP/1.1\r\nHost: x\r\nAccept:\r\n" END, 200, NULL},
    /* faults */
    {"GET /fail HTTP/1.1\r\nHost: x\r\n" END, 409,
     "\"detail\":\"The phone is \\\"busy\\\"\\n; try later.\""},
    {"GET /fail HTTP/1.1\r\nHost: x\r\n" END, 409,
     "\"sip\":486,\"pointer\":\"/called\\\"Device\""},
    {"PUT /echo HTTP/1.1\r\nHost: x\r\n" END, 405, "Allow: POST, OPTIONS"},
    /* bodies */
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8\r\n"
     "Content-Length: 3\r\n" END "abc",
     200, "\r\n\r\nabc"},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
     "Transfer-Encoding: chunked\r\n" END "2\r\nab\r\n3;x=y\r\ncde\r\n0\r\nTrailer: 1\r\n\r\n",
     200, "\r\n\r\nabcde"},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n" END
     "a",
     415, "application/json"},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n" END, 200, NULL},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1025\r\n\r\n", 413, "bodyTooLarge"},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400,
     NULL},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400, NULL},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", 400,
     NULL},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n",
     400, NULL},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400, NULL},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400, NULL},
    {"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nGET /", 404, NULL},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nContent-Length: 1\r\n\r\n", 417, NULL},
    /* no requests */
    {"GARBAGE\r\n\r\n", 501, NULL},
    {"GET\r\n\r\n", 501, NULL},
    {"GET /ask\r\n\r\n", 505, NULL},
    {"GET /ask HTTP/2.0\r\nHost: x\r\n\r\n", 505, NULL},
    {"GET /ask HTTP/9.9.9\r\nHost: x\r\n\r\n", 505, NULL},
    {"PROPFIND / HTTP/1.1\r\nHost: x\r\n\r\n", 501, NULL},
    {"GET /ask HTTP/1.1\r\n\r\n", 400, "missingHost"},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, NULL},
    {"GET /ask HTTP/1.1\r\nHost: x y\r\n" END, 400, "badHost"},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nAuthorization: a\r\nAuthorization: b\r\n\r\n", 400, NULL},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400, NULL},
    {"GET /ask HTTP/1.1\r\nHost : x\r\n\r\n", 400, NULL},
    {"GET ask HTTP/1.1\r\nHost: x\r\n\r\n", 400, NULL},
    /* what somebody before us would read as something else */
    {"GET /ask HTTP/1.1\nHost: x\n\nGET /ask HTTP/1.1\r\nHost: x\r\n\r\n", 400, NULL},
    {"GET /ask HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400, NULL},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nA: b\r\r\n\r\n", 400, NULL},
    {"GET  /ask HTTP/1.1\r\nHost: x\r\n\r\n", 400, NULL},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nContent-Length : 5\r\n\r\nhello", 400, NULL},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400,
     NULL},
    {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x, chunked\r\n\r\n0\r\n\r\n", 501,
     "unknownCoding"},
    {"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501, NULL},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.example\r\n" END, 403,
     "originRefused"},
    {"OPTIONS * HTTP/1.1\r\nHost: x\r\n" END, 204, "Allow: OPTIONS"},
    {"OPTIONS /echo HTTP/1.1\r\nHost: x\r\n" END, 204, "Allow: POST, OPTIONS"},
    /* a WebSocket that is none */
    {"GET /ask HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Version: 12\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
     426, "Sec-WebSocket-Version: 13"},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
     "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n\r\n",
     400, "badHandshake"},
    {"GET /ask HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n", 200,
     "from there"},
};

static void test_requests_get_their_answers(void)
{
    struct kit_api k = {.config = {.max_body = 1024}};
    REQUIRE(kit_up(&k));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        test_context(cases[i].request);
        struct str answer = kit_ask(&k, str_c(cases[i].request), buf, sizeof(buf));
        CHECK_INT(kit_status(answer), cases[i].status);
        CHECK(cases[i].body == NULL || strstr(buf, cases[i].body) != NULL);
        CHECK(strstr(buf, "Connection: close") != NULL);
        test_context(NULL);
    }
    kit_down(&k);
}

/** However the octets are cut. */
static void test_octet_by_octet(void)
{
    static const char one[] =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n";
    struct kit_api k = {.held = false};
    REQUIRE(kit_up(&k));
    int fd = kit_connect(&k);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < sizeof(one) - 1; i++) {
            REQUIRE(kit_send(fd, str_make(one + i, 1)));
        }
        struct str answer = kit_read(fd, buf, sizeof(buf), "abcde");
        CHECK_INT(kit_status(answer), 200);
    }
    close(fd);
    kit_down(&k);
}

static void test_body_may_wait_for_permission(void)
{
    struct kit_api k = {.held = false};
    REQUIRE(kit_up(&k));
    int fd = kit_connect(&k);
    CHECK(
        kit_send(fd, STR("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")));
    CHECK_INT(kit_status(kit_read(fd, buf, sizeof(buf), "\r\n\r\n")), 100);
    CHECK(kit_send(fd, STR("{}")));
    CHECK_INT(kit_status(kit_read(fd, buf, sizeof(buf), "{}")), 200);
    close(fd);
    /* who may not is told before he sends it */
    fd = kit_connect(&k);
    CHECK(kit_send(fd, STR("POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
                           "Expect: 100-continue\r\n\r\n")));
    CHECK_INT(kit_status(kit_read(fd, buf, sizeof(buf), NULL)), 404);
    close(fd);
    kit_down(&k);
}

static void test_requests_ahead_keep_their_order(void)
{
    struct kit_api k = {.held = false};
    REQUIRE(kit_up(&k));
    struct str answer = kit_ask(&k,
                                STR("GET /ask HTTP/1.1\r\nHost: x\r\n\r\n"
                                    "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                    "application/json\r\nContent-Length: 6\r\n\r\nsecond"
                                    "GET /twice HTTP/1.1\r\nHost: x\r\n" END),
                                buf, sizeof(buf));
    size_t first = str_find(answer, STR("from there"));
    size_t second = str_find(answer, STR("second"));
    size_t third = str_find(answer, STR("computed"));
    CHECK(first < second && second < third && third < answer.n);
    kit_down(&k);
}

static void test_heads_have_an_end(void)
{
    static char big[20000];
    struct kit_api k = {.held = false};
    struct out o;
    REQUIRE(kit_up(&k));
    memset(big, 'a', sizeof(big));
    memcpy(big, "GET /", 5);
    CHECK_INT(kit_status(kit_ask(&k, str_make(big, sizeof(big)), buf, sizeof(buf))), 414);
    out_init(&o, big, sizeof(big));
    out_c(&o, "GET /ask HTTP/1.1\r\nHost: x\r\n");
    while (o.n < 17000) {
        out_c(&o, "X-Filler: yes\r\n");
    }
    CHECK_INT(kit_status(kit_ask(&k, out_str_of(&o), buf, sizeof(buf))), 431);
    kit_down(&k);
}

/** Half a head, half a body: told after the time for a request. */
static void test_slow_requests_are_told(void)
{
    struct kit_api k = {.config = {.request_ms = 50}};
    REQUIRE(kit_up(&k));
    CHECK_INT(kit_status(kit_ask(&k, STR("GET /ask HT"), buf, sizeof(buf))), 408);
    CHECK_INT(kit_status(kit_ask(&k,
                                 STR("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                     "application/json\r\nContent-Length: 9\r\n\r\nhalf"),
                                 buf, sizeof(buf))),
              408);
    kit_down(&k);
}

static void test_idle_connections_end(void)
{
    struct kit_api k = {.config = {.idle_ms = 50}};
    REQUIRE(kit_up(&k));
    CHECK_INT(kit_ask(&k, STR(""), buf, sizeof(buf)).n, 0);
    kit_down(&k);
}

/* ---- places ---- */

static void test_idle_client_makes_room(void)
{
    static const struct str one = STR_INIT("GET /ask HTTP/1.1\r\nHost: x\r\n\r\n");
    struct kit_api k = {.config = {.max_clients = 2}};
    REQUIRE(kit_up(&k));
    int a = kit_connect(&k);
    CHECK(kit_send(a, one));
    CHECK_INT(kit_status(kit_read(a, buf, sizeof(buf), "there")), 200);
    int b = kit_connect(&k);
    CHECK(kit_send(b, one));
    CHECK_INT(kit_status(kit_read(b, buf, sizeof(buf), "there")), 200);
    int c = -1, status = 503;
    while (status == 503) { /* who has just been served is not idle yet */
        close(c);
        c = kit_connect(&k);
        (void)kit_send(c, one);
        status = kit_status(kit_read(c, buf, sizeof(buf), "\r\n\r\n"));
    }
    CHECK_INT(status, 200);
    CHECK_INT(kit_read(a, buf, sizeof(buf), NULL).n, 0); /* the longest idle one is out */
    CHECK(kit_send(b, one));
    CHECK_INT(kit_status(kit_read(b, buf, sizeof(buf), "there")), 200);
    close(a);
    close(b);
    close(c);
    kit_down(&k);
}

static void test_no_place_is_said(void)
{
    struct kit_api k = {.config = {.max_clients = 1}};
    REQUIRE(kit_up(&k));
    int a = kit_connect(&k);
    CHECK(kit_send(a, STR("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")));
    struct api_stats s = {0};
    while (s.jobs == 0) { /* until that has been read */
        api_stats(k.api, &s);
    }
    struct str answer = kit_ask(&k, STR(""), buf, sizeof(buf));
    CHECK_INT(kit_status(answer), 503);
    CHECK(strstr(buf, "Retry-After: ") != NULL);
    size_t head = str_find(answer, STR("\r\n\r\n")) + 4;
    CHECK_INT(atoi(strstr(buf, "Content-Length: ") + 16), answer.n - head);
    close(a);
    kit_down(&k);
}

/* ---- jobs ---- */

static void test_full_queue_is_said(void)
{
    struct kit_api k = {.config = {.max_jobs = 1}, .held = true};
    REQUIRE(kit_up(&k));
    int a = kit_connect(&k);
    CHECK(kit_send(a, STR("GET /ask HTTP/1.1\r\nHost: x\r\n\r\n")));
    struct api_stats s = {0};
    while (s.jobs == 0) {
        api_stats(k.api, &s);
    }
    struct str answer =
        kit_ask(&k, STR("GET /ask HTTP/1.1\r\nHost: x\r\n" END), buf, sizeof(buf));
    CHECK_INT(kit_status(answer), 503);
    CHECK(strstr(buf, "Retry-After: 1") != NULL && strstr(buf, "\"busy\"") != NULL);
    kit_set(&k, false, 0, UINT64_MAX);
    CHECK_INT(kit_status(kit_read(a, buf, sizeof(buf), "there")), 200);
    close(a);
    kit_down(&k);
}

/** An answer does not leave before what it tells of is kept. */
static void test_answer_waits_for_disk(void)
{
    struct kit_api k = {.held = false};
    REQUIRE(kit_up(&k));
    kit_set(&k, false, 7, 6);
    int a = kit_connect(&k);
    CHECK(kit_send(a, STR("GET /ask HTTP/1.1\r\nHost: x\r\n\r\n")));
    struct api_stats s = {0};
    while (s.jobs == 0) {
        api_stats(k.api, &s);
    }
    /* a request that needs no engine is answered meanwhile */
    (void)kit_ask(&k, STR("OPTIONS * HTTP/1.1\r\nHost: x\r\n" END), buf, sizeof(buf));
    CHECK_INT(kit_status(str_c(buf)), 204);
    api_stats(k.api, &s);
    CHECK_INT(s.answers[2], 1);
    struct pollfd p = {.fd = a, .events = POLLIN};
    CHECK_INT(poll(&p, 1, 0), 0);
    kit_set(&k, false, 8, 8);
    CHECK_INT(kit_status(kit_read(a, buf, sizeof(buf), "there")), 200);
    close(a);
    kit_down(&k);
}

/** The client has gone while the engine has his request: it is freed when it is back. */
static void test_answer_to_nobody(void)
{
    struct kit_api k = {.held = true};
    REQUIRE(kit_up(&k));
    for (int i = 0; i < 5; i++) {
        int a = kit_connect(&k);
        CHECK(kit_send(a, STR("GET /ask HTTP/1.1\r\nHost: x\r\n\r\n")));
        close(a);
    }
    struct api_stats s = {0};
    while (s.jobs < 5) {
        api_stats(k.api, &s);
    }
    kit_set(&k, false, 0, UINT64_MAX);
    CHECK_INT(
        kit_status(kit_ask(&k, STR("GET /ask HTTP/1.1\r\nHost: x\r\n" END), buf, sizeof(buf))),
        200);
    kit_down(&k);
}

/** At the end: one that has not run, and one that was never answered. */
static void test_end_answers_all(void)
{
    struct kit_api k = {.held = false};
    REQUIRE(kit_up(&k));
    int a = kit_connect(&k), b = kit_connect(&k), c = kit_connect(&k);
    int d = kit_connect(&k), e = kit_connect(&k);
    CHECK(kit_send(d, STR("GET /who HTTP/1.1\r\nHost")));
    CHECK(kit_send(e, STR("GET /number?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n")));
    CHECK_INT(kit_status(kit_read(e, buf, sizeof(buf), "\r\n\r\n1")), 200);
    CHECK(kit_send(a, STR("GET /hang HTTP/1.1\r\nHost: x\r\n\r\n")));
    struct api_stats s = {0};
    while (s.jobs == 0) {
        api_stats(k.api, &s);
    }
    /* it has run when the next one is answered */
    CHECK(kit_send(b, STR("GET /ask HTTP/1.1\r\nHost: x\r\n\r\n")));
    CHECK_INT(kit_status(kit_read(b, buf, sizeof(buf), "there")), 200);
    kit_set(&k, true, 0, UINT64_MAX);
    CHECK(kit_send(b, STR("GET /ask HTTP/1.1\r\nHost: x\r\n\r\n")));
    while (s.jobs < 3) {
        api_stats(k.api, &s);
    }
    kit_down(&k);
    CHECK_INT(kit_status(kit_read(a, buf, sizeof(buf), NULL)), 503);
    CHECK(strstr(buf, "\"stopping\"") != NULL && strstr(buf, "Retry-After: ") != NULL);
    CHECK_INT(kit_status(kit_read(b, buf, sizeof(buf), NULL)), 503);
    /* who has not been heard yet is told so; who has had his answer is idle, and closed */
    CHECK_INT(kit_status(kit_read(c, buf, sizeof(buf), NULL)), 503);
    CHECK(strstr(buf, "Retry-After: ") != NULL && strstr(buf, "Connection: close") != NULL);
    CHECK_INT(kit_status(kit_read(d, buf, sizeof(buf), NULL)), 503);
    CHECK_INT(kit_read(e, buf, sizeof(buf), NULL).n, 0);
    close(a);
    close(b);
    close(c);
    close(d);
    close(e);
}

static bool comes(sem_t *sem)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += KIT_WAIT_MS / 1000;
    return sem_timedwait(sem, &end) == 0;
}

/** Whatever keeps the API's thread, signalling does not wait for it: jobs run, what is kept is
    released, all that the engine's thread calls returns. */
static void test_engine_waits_for_no_client(void)
{
    struct kit_api k = {.held = true};
    struct api_stats stats;
    (void)sem_init(&ran, 0, 0);
    (void)sem_init(&stuck, 0, 0);
    (void)sem_init(&go_on, 0, 0);
    REQUIRE(kit_up(&k));
    int asks = kit_connect(&k), blocks = kit_connect(&k);
    CHECK(kit_send(asks, STR("GET /ask HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    do {
        api_stats(k.api, &stats);
        (void)sched_yield();
    } while (stats.jobs == 0);
    CHECK(kit_send(blocks, STR("GET /block HTTP/1.1\r\nHost: localhost\r\n\r\n")));
    CHECK(comes(&stuck));
    kit_set(&k, false, 0, UINT64_MAX);
    CHECK(comes(&ran));
    api_set_draining(k.api, true);
    api_set_stopping(k.api);
    api_stats(k.api, &stats);
    CHECK_INT(stats.jobs, 1);
    char why[128];
    CHECK(api_reload(k.api, &(struct api_rules){0}, why, sizeof(why)));
    (void)sem_post(&go_on);
    CHECK(str_ends(kit_read(asks, buf, sizeof(buf), "there"), STR("from there")));
    CHECK(str_ends(kit_read(blocks, buf, sizeof(buf), "free"), STR("free")));
    close(asks);
    close(blocks);
    kit_down(&k);
}

/** One who does not take his answer: the end is not later for it than was said. */
static void test_end_does_not_wait_for_the_slow(void)
{
    static char page[200000];
    struct kit_api k = {.config = {.max_body = 1 << 20, .client_buffer = 8 << 20}};
    char head[128];
    REQUIRE(kit_up(&k));
    int fd = kit_connect(&k);
    memset(page, ' ', sizeof(page));
    for (int i = 0; i < 20; i++) { /* more than the kernel takes for him */
        int n = snprintf(head, sizeof(head),
                         "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                         "application/json\r\nContent-Length: %zu\r\n\r\n",
                         sizeof(page));
        CHECK(kit_send(fd, str_make(head, (size_t)n)));
        CHECK(kit_send(fd, str_make(page, sizeof(page))));
    }
    struct timespec before, after;
    (void)clock_gettime(CLOCK_MONOTONIC, &before);
    api_stop(k.api, 50);
    (void)clock_gettime(CLOCK_MONOTONIC, &after);
    CHECK(after.tv_sec - before.tv_sec < KIT_WAIT_MS / 1000);
    kit_down(&k);
    close(fd);
}

static void test_socket_of_the_dead_is_taken_over(void)
{
    struct kit_api k = {.held = false};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char why[256];
    REQUIRE(kit_up(&k));
    /* who lives is left alone */
    struct api_config again = k.config;
    struct api *second = api_new(&again, why, sizeof(why));
    CHECK(second == NULL && strstr(why, "another program has it") != NULL);
    api_free(second);
    kit_down(&k);

    struct kit_api fresh = {.held = false};
    REQUIRE(kit_up(&fresh));
    kit_down(&fresh);
    /* a socket without anybody behind it */
    struct api_listen listen = {.face = API_FACE_UNIX, .path = at.sun_path, .fd = -1};
    (void)snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/baton-api-dead-%d", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_INT(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    again.listen = &listen;
    struct api *third = api_new(&again, why, sizeof(why));
    CHECK(third != NULL);
    api_free(third);
    CHECK(access(at.sun_path, F_OK) != 0);

    (void)snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/baton-api-none-%d/socket",
                   (int)getpid());
    CHECK(api_new(&again, why, sizeof(why)) == NULL &&
          strstr(why, "its folder is not there") != NULL);
}

TEST_MAIN(T(test_requests_get_their_answers), T(test_octet_by_octet),
          T(test_body_may_wait_for_permission), T(test_requests_ahead_keep_their_order),
          T(test_heads_have_an_end), T(test_slow_requests_are_told),
          T(test_idle_connections_end), T(test_idle_client_makes_room),
          T(test_no_place_is_said), T(test_full_queue_is_said), T(test_answer_waits_for_disk),
          T(test_answer_to_nobody), T(test_end_answers_all), T(test_engine_waits_for_no_client),
          T(test_end_does_not_wait_for_the_slow), T(test_socket_of_the_dead_is_taken_over))
