/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in parts and WebSockets: what arrives, what is refused, and that `closed` comes once.
 */
#include "api/webhook.h"
#include "api/work.h"
#include "kit_api.h"
#include <netdb.h>
#include <semaphore.h>
#include <time.h>

enum { PART = 1000 };

/** What a handler of these routes does, and what it has heard; of the API's thread. */
struct told {
    atomic_int closed, writable, messages;
    atomic_size_t written;
    atomic_bool full;
    size_t total; /**< octets to write; 0: what is sent comes back */
};
static struct told told;

/* ---- a stream that writes `total` octets as fast as they are taken ---- */

static void go_on(struct api_request *r)
{
    static char part[PART];
    memset(part, 'x', sizeof(part));
    while (told.written < told.total) {
        int err = api_stream_write(r, str_make(part, sizeof(part)));
        if (err == E_SPACE) {
            told.full = true;
            EXPECT(api_stream_waits(r) > 0);
            return;
        }
        if (err != 0) {
            EXPECT(err == E_STATE);
            return;
        }
        told.written += sizeof(part);
    }
    api_stream_end(r);
}

static void on_writable(struct api_request *r)
{
    told.writable++;
    go_on(r);
}

static void on_closed(struct api_request *r)
{
    EXPECT(r->arena != NULL);
    told.closed++;
}

static const struct api_stream_ops stream_ops = {.writable = on_writable, .closed = on_closed};

static void stream(struct api_request *r)
{
    static char large[1 << 20];
    api_stream_begin(r, 200, "text/plain", NULL, 0, &stream_ops);
    EXPECT(api_stream_write(r, STR("")) == (r->method == API_HEAD ? E_STATE : 0));
    EXPECT(api_stream_write(r, str_make(large, sizeof(large))) != 0);
    go_on(r);
}

/* ---- a socket that says what it hears ---- */

static void on_message(struct api_request *r, struct str text)
{
    told.messages++;
    if (str_eq(text, STR("close"))) {
        api_socket_close(r, 4008, STR("slow"));
        EXPECT(api_socket_send(r, text) == E_STATE);
        return;
    }
    if (str_eq(text, STR("flood"))) {
        static char part[PART];
        memset(part, 'y', sizeof(part));
        while (api_socket_send(r, str_make(part, sizeof(part))) == 0) {
            told.written += sizeof(part);
        }
        told.full = true;
        return;
    }
    EXPECT(api_socket_send(r, text) == 0);
}

static void on_socket_writable(struct api_request *r)
{
    EXPECT(api_socket_waits(r) < KIT_ANSWER);
    told.writable++;
}

static const struct api_socket_ops socket_ops = {on_message, on_socket_writable, on_closed};

static void opened(struct api_request *r)
{
    EXPECT(api_wants_socket(r));
    api_socket_accept(r, str_is_set(r->field[API_WS_PROTOCOL]) ? STR("baton.v1") : STR_NONE,
                      &socket_ops);
}

/* ---- a webhook whose name server is silent ---- */

static sem_t asked, answers;
static atomic_bool answered;

/** libcurl's, in a thread of its own. It does not wait for ever, so that the test does not. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **res)
{
    struct timespec end;
    (void)node;
    (void)service;
    (void)hints;
    (void)res;
    (void)sem_post(&asked);
    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 20;
    (void)sem_timedwait(&answers, &end);
    atomic_store(&answered, true);
    return EAI_AGAIN;
}

static struct sender *sender;
static struct sending *sending;

static void bring(struct api_request *r)
{
    const struct delivery d = {.url = STR("http://nobody.example/"),
                               .secret = STR("0123456789abcdef"),
                               .body = STR("{}"),
                               .type = "application/json",
                               .webhook = STR("wh_1")};
    sender = sender_new(r->api, true);
    sending = sender_post(sender, &d, NULL, NULL);
    EXPECT(sending != NULL);
    api_reply(r, 200, "text/plain", STR("begun"), NULL, 0);
}

static void give_up(struct api_request *r)
{
    sending_forget(sending);
    sender_stop(sender);
    sender_free(sender);
    api_reply(r, 200, "text/plain", STR("given up"), NULL, 0);
}

/* ---- work that one asks for without end ---- */

enum { WORKS = 40 };
static struct api_work works[WORKS];
static sem_t work_goes_on;
static atomic_int worked;

static void run_work(struct api_work *w)
{
    (void)w;
    (void)sem_wait(&work_goes_on);
}

static void work_done(struct api_work *w)
{
    (void)w;
    worked++;
}

/** So many are taken of one, and still those of others. */
static void ask_for_work(struct api_request *r)
{
    int taken = 0, of_others = 0;
    for (int i = 0; i < WORKS; i++) {
        works[i] = (struct api_work){.run = run_work,
                                     .done = work_done,
                                     .payer = i < WORKS - 2 ? 7 : (uint64_t)(40 - i) - 1};
        bool ok = api_work(r->api, &works[i]) == 0;
        *(i < WORKS - 2 ? &taken : &of_others) += ok;
    }
    worked = 0;
    api_reply(r, 200, "text/plain", arena_fmt(r->arena, "%d and %d", taken, of_others), NULL,
              0);
}

const struct api_route api_routes[] = {
    {.path = "/bring",
     .operation = "bring",
     .handler = bring,
     .segment = {{.literal = STR_INIT("bring")}},
     .segments = 1},
    {.path = "/work",
     .operation = "work",
     .handler = ask_for_work,
     .segment = {{.literal = STR_INIT("work")}},
     .segments = 1},
    {.path = "/give-up",
     .operation = "giveUp",
     .handler = give_up,
     .segment = {{.literal = STR_INIT("give-up")}},
     .segments = 1},
    {.path = "/socket",
     .operation = "socket",
     .handler = opened,
     .socket = true,
     .segment = {{.literal = STR_INIT("socket")}},
     .segments = 1},
    {.path = "/stream",
     .operation = "stream",
     .handler = stream,
     .segment = {{.literal = STR_INIT("stream")}},
     .segments = 1},
};
const size_t api_route_count = ARRAY_LEN(api_routes);

static char buf[KIT_ANSWER * 4];

static void reset(size_t total)
{
    told.closed = told.writable = told.messages = 0;
    told.written = 0;
    told.full = false;
    told.total = total;
}

static void wait_closed(int times)
{
    while (told.closed < times) {
        sched_yield();
    }
}

/* ---- streams ---- */

#define STREAM "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n"

static void test_parts_are_chunks(void)
{
    struct kit_api k = {.held = false};
    reset(3 * PART);
    REQUIRE(kit_up(&k));
    int fd = kit_connect(&k);
    CHECK(kit_send(fd, STR(STREAM)));
    struct str answer = kit_read(fd, buf, sizeof(buf), "\r\n0\r\n\r\n");
    CHECK_INT(kit_status(answer), 200);
    CHECK(strstr(buf, "Transfer-Encoding: chunked\r\n") != NULL);
    CHECK(strstr(buf, "Content-Length") == NULL);
    CHECK_INT(test_count(buf, "3e8\r\n"), 3);
    wait_closed(1);
    CHECK(kit_send(fd, STR(STREAM))); /* and the connection stays */
    CHECK_INT(kit_status(kit_read(fd, buf, sizeof(buf), "\r\n0\r\n\r\n")), 200);
    close(fd);
    kit_down(&k);
    CHECK_INT(told.closed, 2);
}

static void test_old_client_reads_to_the_end(void)
{
    struct kit_api k = {.held = false};
    reset(2 * PART);
    REQUIRE(kit_up(&k));
    struct str answer = kit_ask(&k, STR("GET /stream HTTP/1.0\r\n\r\n"), buf, sizeof(buf));
    CHECK(strstr(buf, "chunked") == NULL);
    CHECK_INT(answer.n - str_find(answer, STR("\r\n\r\n")) - 4, 2 * PART);
    kit_down(&k);
    CHECK_INT(told.closed, 1);
}

static void test_head_of_a_stream(void)
{
    struct kit_api k = {.held = false};
    reset(2 * PART);
    REQUIRE(kit_up(&k));
    struct str answer =
        kit_ask(&k, STR("HEAD /stream HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), buf,
                sizeof(buf));
    CHECK_INT(kit_status(answer), 200);
    CHECK(str_ends(answer, STR("\r\n\r\n")));
    kit_down(&k);
    CHECK_INT(told.closed, 1);
}

/** Who reads slowly gets everything, and never more waits for him than his buffer holds. */
static void test_slow_reader_gets_all(void)
{
    struct kit_api k = {.config = {.client_buffer = 64 << 10}};
    reset((size_t)3 << 20);
    REQUIRE(kit_up(&k));
    int fd = kit_connect(&k);
    CHECK(kit_send(fd, STR(STREAM)));
    while (!told.full) {
        sched_yield();
    }
    struct str answer = kit_read(fd, buf, sizeof(buf), "\r\n0\r\n\r\n");
    wait_closed(1);
    CHECK(told.writable > 0);
    CHECK_INT(test_count(buf, "3e8\r\n"), (told.total + PART - 1) / PART);
    CHECK(answer.n > told.total);
    close(fd);
    kit_down(&k);
    CHECK_INT(told.closed, 1);
}

static void test_reader_that_stalls_is_closed(void)
{
    struct kit_api k = {.config = {.client_buffer = 64 << 10, .stalled_ms = 50}};
    reset(SIZE_MAX);
    REQUIRE(kit_up(&k));
    int fd = kit_connect(&k);
    CHECK(kit_send(fd, STR(STREAM)));
    wait_closed(1);
    CHECK(told.written < (size_t)1 << 20);
    close(fd);
    kit_down(&k);
    CHECK_INT(told.closed, 1);
}

static void test_reader_that_leaves(void)
{
    struct kit_api k = {.config = {.client_buffer = 64 << 10}};
    reset(SIZE_MAX);
    REQUIRE(kit_up(&k));
    int fd = kit_connect(&k);
    CHECK(kit_send(fd, STR(STREAM)));
    while (!told.full) {
        sched_yield();
    }
    close(fd);
    wait_closed(1);
    kit_down(&k);
    CHECK_INT(told.closed, 1);
}

static void test_stream_ends_with_the_server(void)
{
    struct kit_api k = {.config = {.client_buffer = 64 << 10}};
    reset(SIZE_MAX);
    REQUIRE(kit_up(&k));
    int fd = kit_connect(&k);
    CHECK(kit_send(fd, STR(STREAM)));
    while (!told.full) {
        sched_yield();
    }
    kit_down(&k); /* it does not read: cut off after the time for that */
    CHECK_INT(told.closed, 1);
    close(fd);
}

/* ---- WebSockets ---- */

#define UPGRADE                                                                                    \
    "GET /socket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/** A masked frame of a client. */
static void frame(struct out *o, unsigned head, struct str payload)
{
    static const char mask[4] = {1, 2, 3, 4};
    out_ch(o, (char)head);
    if (payload.n < 126) {
        out_ch(o, (char)(0x80 | payload.n));
    } else {
        out_ch(o, (char)(0x80 | 126));
        out_ch(o, (char)(payload.n >> 8));
        out_ch(o, (char)payload.n);
    }
    out_str(o, str_make(mask, 4));
    for (size_t i = 0; i < payload.n; i++) {
        out_ch(o, (char)(payload.p[i] ^ mask[i % 4]));
    }
}

static bool send_frame(int fd, unsigned head, struct str payload)
{
    static char text[70000];
    struct out o;
    out_init(&o, text, sizeof(text));
    frame(&o, head, payload);
    return kit_send(fd, out_str_of(&o));
}

static int shake(const struct kit_api *k, const char *more)
{
    int fd = kit_connect(k);
    CHECK(kit_send(fd, str_c(UPGRADE)));
    CHECK(kit_send(fd, str_c(more)));
    CHECK(kit_send(fd, STR("\r\n")));
    CHECK_INT(kit_status(kit_read(fd, buf, sizeof(buf), "\r\n\r\n")), 101);
    return fd;
}

/** A close frame with that code is the last thing that comes. */
static void check_close(int fd, unsigned code)
{
    struct str rest = kit_read(fd, buf, sizeof(buf), NULL);
    for (size_t i = 0; i + 3 < rest.n; i++) {
        if ((unsigned char)rest.p[i] == 0x88) {
            CHECK_INT((unsigned char)rest.p[i + 2] << 8 | (unsigned char)rest.p[i + 3], code);
            return;
        }
    }
    CHECK(false);
}

static void test_messages_come_back(void)
{
    struct kit_api k = {.held = false};
    reset(0);
    REQUIRE(kit_up(&k));
    int fd = shake(&k, "Sec-WebSocket-Protocol: bearer.x, baton.v1\r\n");
    CHECK(strstr(buf, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != NULL);
    CHECK(strstr(buf, "Sec-WebSocket-Protocol: baton.v1\r\n") != NULL);
    CHECK(send_frame(fd, 0x81, STR("hello")));
    struct str got = kit_read(fd, buf, sizeof(buf), "hello");
    CHECK_BYTES(str_upto(got, 2), STR("\x81\x05"));
    CHECK(send_frame(fd, 0x01, STR("in "))); /* in fragments, with a ping between them */
    CHECK(send_frame(fd, 0x89, STR("ping")));
    CHECK(send_frame(fd, 0x80, STR("parts")));
    (void)kit_read(fd, buf, sizeof(buf), "in parts");
    CHECK(strstr(buf, "\x8a\x04ping") != NULL);
    CHECK(send_frame(fd, 0x88, STR("\x03\xe8")));
    check_close(fd, 1000);
    wait_closed(1);
    close(fd);
    kit_down(&k);
    CHECK_INT(told.messages, 2);
    CHECK_INT(told.closed, 1);
}

static void test_frame_with_the_handshake(void)
{
    struct kit_api k = {.held = false};
    char text[512];
    struct out o;
    reset(0);
    REQUIRE(kit_up(&k));
    out_init(&o, text, sizeof(text));
    out_c(&o, UPGRADE "\r\n");
    frame(&o, 0x81, STR("early"));
    int fd = kit_connect(&k);
    CHECK(kit_send(fd, out_str_of(&o)));
    CHECK(kit_read(fd, buf, sizeof(buf), "early").n > 0);
    close(fd);
    wait_closed(1);
    kit_down(&k);
}

static void test_bad_frames_are_closed(void)
{
    static char large[3000];
    static const struct {
        unsigned head, code;
        struct str payload;
    } cases[] = {
        {0x82, 1003, STR_INIT("binary")},
        {0x81, 1009, {large, sizeof(large)}},
        {0x81, 1007, STR_INIT("\xff\xfe")},
        {0xc1, 1002, STR_INIT("reserved bit")},
        {0x80, 1002, STR_INIT("nothing to continue")},
        {0x81, 4008, STR_INIT("close")},
    };
    struct kit_api k = {.config = {.max_body = 2048}};
    reset(0);
    REQUIRE(kit_up(&k));
    memset(large, 'x', sizeof(large));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int fd = shake(&k, "");
        CHECK(send_frame(fd, cases[i].head, cases[i].payload));
        check_close(fd, cases[i].code);
        close(fd);
    }
    wait_closed(ARRAY_LEN(cases));
    kit_down(&k);
    CHECK_INT(told.closed, ARRAY_LEN(cases));
}

static void test_plain_get_of_a_socket(void)
{
    struct kit_api k = {.held = false};
    REQUIRE(kit_up(&k));
    CHECK_INT(kit_status(kit_ask(&k,
                                 STR("GET /socket HTTP/1.1\r\nHost: x\r\nConnection: "
                                     "close\r\n\r\n"),
                                 buf, sizeof(buf))),
              426);
    kit_down(&k);
}

static void test_socket_that_does_not_read(void)
{
    struct kit_api k = {.config = {.client_buffer = 64 << 10, .stalled_ms = 50}};
    reset(0);
    REQUIRE(kit_up(&k));
    int fd = shake(&k, "");
    CHECK(send_frame(fd, 0x81, STR("flood")));
    wait_closed(1);
    CHECK(told.full && told.written < (size_t)1 << 20);
    close(fd);
    kit_down(&k);
    CHECK_INT(told.closed, 1);
}

/** Each frame costs a block of its own: a message is not made of any number of them. */
static void test_socket_fragments_are_counted(void)
{
    struct kit_api k = {.held = false};
    reset(0);
    REQUIRE(kit_up(&k));
    int fd = shake(&k, "");
    CHECK(send_frame(fd, 0x01, STR("a")));
    for (int i = 0; i < 1000; i++) {
        CHECK(send_frame(fd, 0x00, STR("b")));
    }
    CHECK(send_frame(fd, 0x80, STR("end of it")));
    CHECK(kit_read(fd, buf, sizeof(buf), "bend of it").n > 1000);
    CHECK(send_frame(fd, 0x01, STR("a")));
    for (int i = 0; i < 1024; i++) {
        (void)send_frame(fd, 0x00, STR(""));
    }
    check_close(fd, 1009);
    close(fd);
    wait_closed(1);
    kit_down(&k);
    CHECK_INT(told.messages, 1);
}

/** Whoever sends pings and takes no pongs is not read without end; and is, when he takes them.
 */
static void test_socket_pongs_have_a_bound(void)
{
    enum { FRAMES = 100, PING = 131, PONG = 127, MUCH = 16 << 20 };
    static char text[FRAMES * PING], filler[125];
    struct kit_api k = {.config = {.client_buffer = 64 << 10}};
    size_t sent = 0, got = 0;
    struct out o;
    reset(0);
    REQUIRE(kit_up(&k));
    out_init(&o, text, sizeof(text));
    for (int i = 0; i < FRAMES; i++) {
        frame(&o, 0x89, str_make(filler, sizeof(filler)));
    }
    REQUIRE(o.n == sizeof(text));
    int fd = shake(&k, "");
    while (sent < MUCH) {
        size_t at = sent % sizeof(text);
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        ssize_t n = send(fd, text + at, sizeof(text) - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && poll(&room, 1, 200) == 0) {
            break;
        }
        sent += n > 0 ? (size_t)n : 0;
    }
    CHECK(sent < MUCH);
    while (got < sent / PING * PONG) {
        ssize_t n = recv(fd, buf, sizeof(buf), 0);
        REQUIRE(n > 0);
        got += (size_t)n;
    }
    close(fd);
    wait_closed(1);
    kit_down(&k);
}

static void test_socket_hears_of_the_end(void)
{
    struct kit_api k = {.held = false};
    reset(0);
    REQUIRE(kit_up(&k));
    int fd = shake(&k, "");
    kit_down(&k);
    check_close(fd, 4009);
    CHECK_INT(told.closed, 1);
    close(fd);
}

/** Who gives a delivery up does not wait for its name to be found, with all other clients. */
static void test_delivery_to_a_name_that_is_not_found(void)
{
    struct kit_api k = {.held = false};
    REQUIRE(kit_up(&k));
    (void)sem_init(&asked, 0, 0);
    (void)sem_init(&answers, 0, 0);
    int fd = kit_connect(&k);
    CHECK(kit_send(fd, STR("GET /bring HTTP/1.1\r\nHost: x\r\n\r\n")));
    CHECK_INT(kit_status(kit_read(fd, buf, sizeof(buf), "begun")), 200);
    (void)sem_wait(&asked);
    CHECK(kit_send(fd, STR("GET /give-up HTTP/1.1\r\nHost: x\r\n\r\n")));
    CHECK_INT(kit_status(kit_read(fd, buf, sizeof(buf), "given up")), 200);
    CHECK(!atomic_load(&answered));
    (void)sem_post(&answers);
    while (!atomic_load(&answered)) {
        sched_yield();
    }
    close(fd);
    kit_down(&k);
}

/** The first one may be at work by then; the others wait. */
static void test_work_of_one_leaves_room(void)
{
    struct kit_api k = {.held = false};
    REQUIRE(kit_up(&k));
    (void)sem_init(&work_goes_on, 0, 0);
    struct str answer =
        kit_ask(&k, STR("GET /work HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), buf,
                sizeof(buf));
    CHECK(str_ends(answer, STR("\r\n\r\n25 and 2")) ||
          str_ends(answer, STR("\r\n\r\n26 and 2")));
    for (int i = 0; i < WORKS; i++) {
        (void)sem_post(&work_goes_on);
    }
    while (worked < 27) {
        sched_yield();
    }
    kit_down(&k);
}

TEST_MAIN(T(test_parts_are_chunks), T(test_old_client_reads_to_the_end),
          T(test_head_of_a_stream), T(test_slow_reader_gets_all),
          T(test_reader_that_stalls_is_closed), T(test_reader_that_leaves),
          T(test_stream_ends_with_the_server), T(test_messages_come_back),
          T(test_frame_with_the_handshake), T(test_bad_frames_are_closed),
          T(test_plain_get_of_a_socket), T(test_socket_that_does_not_read),
          T(test_socket_fragments_are_counted), T(test_socket_pongs_have_a_bound),
          T(test_socket_hears_of_the_end), T(test_delivery_to_a_name_that_is_not_found),
          T(test_work_of_one_leaves_room))
