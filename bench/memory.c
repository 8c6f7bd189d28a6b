/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What things cost in memory while they stand: a bridged call, a binding, a monitor.
 *
 *     memory [CALLS [BINDINGS [MONITORS [REQUESTS]]]]
 *
 * One engine in a world of its own: virtual time, messages passed by hand, and an allocator
 * that counts what is live, with what malloc adds to each block (its rounding and 8 octets).
 * Calls are set up at ten a second of virtual time, so that finished transactions are swept as
 * in life; then the world is quiet for forty seconds, in which the last ones go. What is live
 * then, above what the idle engine holds, divided by the number, is the cost. Pools and tables
 * that have grown meanwhile are in it.
 *
 * It also counts the allocations that calls make once the engine is warm, from INVITE to the
 * end of retention.
 */
#include "auth/auth.h"
#include "base/err.h"
#include "bench.h"
#include "engine/engine.h"
#include "load.h"
#include <malloc.h>
#include <stdlib.h>

enum { CALLER = 5070, CALLEE = 5071, APP = 5074, SLOTS = 256, OCTETS = 8192, BATCH = 1000 };

#define NS "http://www.ecma-international.org/standards/ecma-323/csta/ed3"

static const char sdp_body[] =
    "v=0\r\no=baton 3344112 3344112 IN IP4 192.0.2.44\r\ns=-\r\n"
    "c=IN IP4 192.0.2.44\r\nt=0 0\r\nm=audio 40102 RTP/AVP 9 8 101\r\n"
    "a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
    "a=sendrecv\r\n";

struct datagram {
    uint16_t port;
    size_t n;
    char text[OCTETS];
};

static struct {
    struct env env;
    struct engine *engine;
    struct directory directory;
    uint64_t now, live, allocations, random;
    double spent_ns, best_ns; /**< in the engine: of this batch, of the best one */
    struct datagram queue[SLOTS];
    unsigned first, count;
    uint64_t up, cleared, registered, monitors, snapshots; /**< what came about */
    bool session;                                          /**< the CSTA session stands */
    struct auth_client client;
    uint32_t cseq;         /**< of the session */
    struct str to, target; /**< of the session, owned */
} w;

static void fail(const char *what, struct str detail)
{
    fprintf(stderr, "memory: %s: %.*s\n", what, (int)(detail.n < 200 ? detail.n : 200),
            detail.p != NULL ? detail.p : "");
    exit(1);
}

/* ---- the world ---- */

static void *count_alloc(void *ctx, size_t n)
{
    void *p = malloc(n);
    (void)ctx;
    w.live += p != NULL ? malloc_usable_size(p) + 8 : 0;
    w.allocations++;
    return p;
}

static void count_free(void *ctx, void *p)
{
    (void)ctx;
    w.live -= p != NULL ? malloc_usable_size(p) + 8 : 0;
    free(p);
}

/** Not unpredictable: the same numbers in every run. */
static void give_random(void *ctx, void *out, size_t n)
{
    unsigned char *p = out;
    (void)ctx;
    while (n-- > 0) {
        w.random = w.random * 6364136223846793005u + 1442695040888963407u;
        *p++ = (unsigned char)(w.random >> 56);
    }
}

static uint64_t give_wall(void *ctx)
{
    (void)ctx;
    return 1700000000 + w.now / 1000;
}

static int take_message(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    struct datagram *d = &w.queue[(w.first + w.count) % SLOTS];
    (void)ctx;
    d->port = hop->remote.port;
    d->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (w.count == SLOTS || d->n + run[i].n > sizeof(d->text)) {
            fail("the queue is full", STR_NONE);
        }
        memcpy(d->text + d->n, run[i].p, run[i].n);
        d->n += run[i].n;
    }
    w.count++;
    return 0;
}

static int give_flow(void *ctx, struct hop *hop, struct str name)
{
    (void)name;
    (void)ctx;
    hop->flow = 1;
    return 0;
}

static int give_records(void *ctx, enum dns_type type, struct str name,
                        const struct dns_record **records, size_t *n)
{
    (void)ctx;
    (void)type;
    (void)name;
    *records = NULL;
    *n = 0;
    return E_NOTFOUND;
}

static void give_local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    (void)hop;
    *out = (struct addr){.ip = {192, 0, 2, 9}, .port = 5060, .family = ADDR_IP4};
}

static void input(uint16_t port, struct str bytes)
{
    /* The application's address is none that is trusted. */
    struct hop from = {
        .flow = 1,
        .transport = TP_UDP,
        .remote = {.ip = {192, 0, 2, port == APP ? 2 : 1}, .port = port, .family = ADDR_IP4}};
    double begin = bench_now_ns();
    engine_input(w.engine, &from, bytes, true, w.now);
    w.spent_ns += bench_now_ns() - begin;
}

/* ---- the two phones ---- */

static struct mould invite_mould, ack_mould, bye_mould;
static bool hang_up; /**< the caller sends BYE at once */

static void make_moulds(void)
{
    mould_make(
        &invite_mould,
        "INVITE sip:1002@example.com SIP/2.0\r\n"
        "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKi################;rport\r\n"
        "Max-Forwards: 70\r\n"
        "From: \"Ada Byron\" <sip:2001@pbx.example.com>;tag=a################\r\n"
        "To: <sip:1002@example.com>\r\nCall-ID: ################@192.0.2.1\r\n"
        "CSeq: 1 INVITE\r\nContact: <sip:2001@192.0.2.1:5070;transport=udp>\r\n"
        "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY\r\n"
        "Supported: replaces, uui\r\nUser-Agent: Desk Phone 12.0\r\n"
        "User-to-User: ################;encoding=hex\r\n"
        "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
        sizeof(sdp_body) - 1, sdp_body);
    for (int bye = 0; bye < 2; bye++) {
        mould_make(bye ? &bye_mould : &ack_mould,
                   "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK%c################;rport\r\n"
                   "Max-Forwards: 70\r\n"
                   "From: \"Ada Byron\" <sip:2001@pbx.example.com>;tag=a################\r\n"
                   "Call-ID: ################@192.0.2.1\r\nCSeq: %d %s\r\n"
                   "Content-Length: 0\r\n\r\n",
                   bye ? 'b' : 'k', bye ? 2 : 1, bye ? "BYE" : "ACK");
    }
}

static void send_in_dialog(const struct seen *s, const struct mould *m, const char *method)
{
    char buf[4096];
    uint64_t id;
    struct str target = seen_uri(s->contact);
    if (target.n == 0 || !hex16_read(seen_value(s->call_id), &id)) {
        fail("a 200 without Contact", s->start);
    }
    int n = snprintf(buf, sizeof(buf), "%s %.*s SIP/2.0\r\nTo: %.*s\r\n", method,
                     STR_ARG(target), STR_ARG(seen_value(s->to)));
    char *end = mould_pour(m, buf + n, id);
    input(CALLER, str_make(buf, (size_t)(end - buf)));
}

static void on_caller(const struct seen *s)
{
    if (s->status >= 300 || s->status == 0) {
        fail("at the caller", s->start);
    }
    if (s->status >= 200 && s->method == 'I') {
        w.up++;
        send_in_dialog(s, &ack_mould, "ACK");
        if (hang_up) {
            send_in_dialog(s, &bye_mould, "BYE");
        }
    } else if (s->status >= 200) {
        w.cleared++;
    }
}

static void on_callee(const struct seen *s)
{
    static const struct str bare = STR_INIT("Content-Length: 0\r\n\r\n");
    static const struct str contact = STR_INIT("Contact: <sip:1002@192.0.2.1:5071>\r\n"
                                               "Content-Length: 0\r\n\r\n");
    char buf[4096], rest[1024];
    struct str tag = str_upto(seen_value(s->uui), 16);
    if (s->status == 200) {
        w.registered++;
        return;
    }
    if (s->status != 0) {
        fail("at the callee", s->start);
    }
    if (s->method == 'B') {
        input(CALLEE,
              str_make(buf, seen_answer(s, STR("SIP/2.0 200 OK\r\n"), STR("x"), bare, buf)));
    }
    if (s->method != 'I') {
        return;
    }
    int n = snprintf(rest, sizeof(rest),
                     "Contact: <sip:1002@192.0.2.1:5071>\r\n"
                     "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER\r\n"
                     "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s",
                     sizeof(sdp_body) - 1, sdp_body);
    char ok[4096];
    size_t ok_n = seen_answer(s, STR("SIP/2.0 200 OK\r\n"), tag, str_make(rest, (size_t)n), ok);
    size_t ring_n = seen_answer(s, STR("SIP/2.0 180 Ringing\r\n"), tag, contact, buf);
    input(CALLEE, str_make(buf, ring_n));
    input(CALLEE, str_make(ok, ok_n));
}

/* ---- the application ---- */

static void send_session_invite(struct str authorization)
{
    char buf[4096];
    static const char body[] = "<RequestSystemStatus xmlns=\"" NS "\"/>";
    int n =
        snprintf(buf, sizeof(buf),
                 "INVITE sip:example.com SIP/2.0\r\n"
                 "Via: SIP/2.0/UDP 192.0.2.2:5074;branch=z9hG4bKs%u;rport\r\n"
                 "Max-Forwards: 70\r\nFrom: <sip:bench@example.com>;tag=s\r\n"
                 "To: <sip:example.com>\r\nCall-ID: session@192.0.2.2\r\nCSeq: %u INVITE\r\n"
                 "Contact: <sip:bench@192.0.2.2:5074>\r\n%.*s"
                 "Accept: application/csta+xml\r\nContent-Type: application/csta+xml\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 w.cseq, w.cseq, STR_ARG(authorization), sizeof(body) - 1, body);
    input(APP, str_make(buf, (size_t)n));
}

static void send_in_session(const char *method, uint32_t cseq, const char *body)
{
    char buf[4096];
    int n = snprintf(buf, sizeof(buf),
                     "%s %.*s SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP 192.0.2.2:5074;branch=z9hG4bKm%c%u;rport\r\n"
                     "Max-Forwards: 70\r\nFrom: <sip:bench@example.com>;tag=s\r\n"
                     "To: %.*s\r\nCall-ID: session@192.0.2.2\r\nCSeq: %u %s\r\n"
                     "%sContent-Length: %zu\r\n\r\n%s",
                     method, STR_ARG(w.target), method[0], cseq, STR_ARG(w.to), cseq, method,
                     body[0] != '\0' ? "Content-Type: application/csta+xml\r\n" : "",
                     strlen(body), body);
    input(APP, str_make(buf, (size_t)n));
}

static void authorize(struct str bytes)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    char lines[1024];
    struct out o;
    out_init(&o, lines, sizeof(lines));
    if (sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) != 0 ||
        auth_client_answer(&w.client, &w.env, &m, STR("INVITE"), STR("sip:example.com"),
                           STR_NONE, &o) != 0) {
        fail("no answer to the challenge", bytes);
    }
    w.cseq++;
    send_session_invite(out_str_of(&o));
}

static void on_session_answer(const struct seen *s, struct str bytes)
{
    if (s->status == 401 && w.cseq == 1) {
        authorize(bytes); /* its ACK is left out: the engine stops repeating after 32 s */
    } else if (s->status == 401) {
        return; /* repeated */
    } else if (s->status == 200 && !w.session) {
        w.session = mem_dup(&mem_libc, seen_value(s->to), &w.to) == 0 &&
                    mem_dup(&mem_libc, seen_uri(s->contact), &w.target) == 0;
        send_in_session("ACK", w.cseq, "");
    } else if (s->status >= 200) {
        fail("no session", s->start);
    }
}

static void on_app(const struct seen *s, struct str bytes)
{
    if (s->status == 0) {
        fail("an event without a cause", s->start);
    }
    if (s->status >= 200 && s->cseq_number <= w.cseq) {
        on_session_answer(s, bytes);
    } else if (str_find(s->body, STR("<MonitorStartResponse")) < s->body.n) {
        w.monitors++;
    } else if (str_find(s->body, STR("<SnapshotDeviceResponse")) < s->body.n) {
        w.snapshots++;
    } else if (s->status >= 200) {
        fail("no monitor", s->body);
    }
}

/* ---- time ---- */

static void deliver(void)
{
    while (w.count > 0) {
        struct datagram *d = &w.queue[w.first];
        struct str bytes = str_make(d->text, d->n);
        struct seen s;
        if (!seen_read(&s, bytes)) {
            fail("a message that is none", bytes);
        }
        if (d->port == CALLER) {
            on_caller(&s);
        } else if (d->port == APP) {
            on_app(&s, bytes);
        } else {
            on_callee(&s);
        }
        w.first = (w.first + 1) % SLOTS;
        w.count--;
    }
}

static void pass(uint64_t ms)
{
    for (uint64_t end = w.now + ms; w.now < end;) {
        uint64_t next = engine_deadline(w.engine);
        w.now = next > w.now && next < end ? next : next <= w.now ? w.now + 1 : end;
        double begin = bench_now_ns();
        engine_tick(w.engine, w.now);
        w.spent_ns += bench_now_ns() - begin;
        deliver();
    }
}

static void quiet(void)
{
    pass(40000);
}

/* ---- what is measured ---- */

static void call(uint64_t id)
{
    char buf[4096];
    char *end = mould_pour(&invite_mould, buf, id);
    input(CALLER, str_make(buf, (size_t)(end - buf)));
    deliver();
    pass(100);
}

static void send_register(uint32_t number)
{
    char buf[2048];
    int n = snprintf(buf, sizeof(buf),
                     "REGISTER sip:example.com SIP/2.0\r\n"
                     "Via: SIP/2.0/UDP 192.0.2.1:5071;branch=z9hG4bKr%u;rport\r\n"
                     "Max-Forwards: 70\r\nFrom: <sip:%u@example.com>;tag=%u\r\n"
                     "To: <sip:%u@example.com>\r\nCall-ID: reg-%08x-1f0c4e88@192.0.2.1\r\n"
                     "CSeq: 1 REGISTER\r\nContact: <sip:%u@192.0.2.1:5071;transport=udp>\r\n"
                     "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER\r\n"
                     "User-Agent: Desk Phone 12.0\r\nExpires: 86400\r\n"
                     "Content-Length: 0\r\n\r\n",
                     number, number, number, number, number, number);
    input(CALLEE, str_make(buf, (size_t)n));
    deliver();
}

static void start_monitor(uint32_t number)
{
    char body[512];
    snprintf(body, sizeof(body),
             "<MonitorStart xmlns=\"" NS "\"><monitorObject><deviceObject>sip:%u@example.com"
             "</deviceObject></monitorObject></MonitorStart>",
             number);
    send_in_session("INFO", w.cseq + 1 + number, body);
    deliver();
}

static void measure_bindings(uint32_t n)
{
    uint64_t before = w.live;
    for (uint32_t i = 0; i < n; i++) {
        send_register(200000 + i);
        pass(10);
    }
    quiet();
    if (w.registered != n + 1) {
        fail("not all are registered", STR_NONE);
    }
    printf("binding_octets %.1f\n", ((double)w.live - (double)before) / n);
}

static void measure_monitors(uint32_t n)
{
    w.cseq = 1;
    send_session_invite(STR(""));
    deliver();
    quiet();
    if (!w.session) {
        fail("no session", STR_NONE);
    }
    uint64_t before = w.live;
    for (uint32_t i = 0; i < n; i++) {
        start_monitor(400000 + i);
        pass(10);
    }
    quiet();
    if (w.monitors != n) {
        fail("not all are monitored", STR_NONE);
    }
    printf("monitor_octets %.1f\n", ((double)w.live - (double)before) / n);
}

/** Closes a batch of `n` units. The best counts: what disturbs a batch makes it slower. */
static void end_batch(unsigned n)
{
    double ns = w.spent_ns / n;
    w.best_ns = w.best_ns == 0 || ns < w.best_ns ? ns : w.best_ns;
    w.spent_ns = 0;
}

/** The batches before this one were to warm up. */
static void first_batch(void)
{
    w.spent_ns = w.best_ns = 0;
}

/** At 2000 a second, so that each ends its retention of 32 seconds inside of the measurement.
 */
static void measure_requests(uint32_t n)
{
    char body[512];
    uint32_t first = w.cseq + 1000000;
    snprintf(body, sizeof(body),
             "<SnapshotDevice xmlns=\"" NS "\"><snapshotObject>sip:400000@example.com"
             "</snapshotObject></SnapshotDevice>");
    for (uint32_t i = 0; i < 2 * n; i++) {
        if (i == n) {
            first_batch();
        }
        send_in_session("INFO", first + i, body);
        deliver();
        pass(i & 1);
        if (i >= n && (i - n + 1) % BATCH == 0) {
            end_batch(BATCH);
        }
    }
    printf("info_ns %.1f\n", w.best_ns);
    quiet();
    if (w.snapshots != 2 * n) {
        fail("not all requests were answered", STR_NONE);
    }
}

/** 640 calls come and go so that all is warm; then what as many more cost counts. */
static void measure_traffic(void)
{
    uint64_t id = 1u << 30, before = 0;
    hang_up = true;
    for (int i = 0; i < 1280; i++) {
        if (i == 640) {
            before = w.allocations;
            first_batch();
        }
        call(id++);
        if (i >= 640 && i % 40 == 39) {
            end_batch(40);
        }
    }
    printf("call_allocations %.2f\n", (double)(w.allocations - before) / 640);
    printf("call_ns %.1f\n", w.best_ns);
    hang_up = false;
    quiet();
    if (w.cleared != 1280) {
        fail("not all calls were cleared", STR_NONE);
    }
}

static void measure_calls(uint32_t n)
{
    uint64_t before = w.live, up = w.up;
    for (uint32_t i = 0; i < n; i++) {
        call(i);
    }
    printf("call_octets_busy %.1f\n", ((double)w.live - (double)before) / n);
    quiet();
    if (w.up - up != n) {
        fail("not all calls stand", STR_NONE);
    }
    printf("call_octets %.1f\n", ((double)w.live - (double)before) / n);
}

static void add_devices(uint32_t from, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct device *d = calloc(1, sizeof(*d));
        char *text = malloc(96);
        if (d == NULL || text == NULL) {
            fail("out of memory", STR_NONE);
            return;
        }
        int len = snprintf(text, 96, "sip:%u@example.com", from + i);
        d->uri = str_make(text, (size_t)len);
        d->key = str_from(d->uri, 4);
        d->number = str_upto(d->key, str_index(d->key, '@'));
        if (directory_add_device(&w.directory, d) != 0) {
            fail("a device twice", d->uri);
        }
    }
}

static void make_world(uint32_t bindings, uint32_t monitors)
{
    static const struct str domains[] = {STR_INIT("example.com")};
    static const struct access_scope all[] = {{STR_INIT("*"), ACCESS_CONTROL}};
    static struct peer peer = {.name = STR_INIT("phones"),
                               .addr = {.ip = {192, 0, 2, 1}, .family = ADDR_IP4},
                               .trusted = true};
    static struct application app = {.name = STR_INIT("bench"),
                                     .secret = {.password = STR_INIT("bench-secret")},
                                     .scopes = all,
                                     .scope_count = 1};
    struct engine_config config = {
        .directory = &w.directory,
        .server_name = STR("Baton"),
        .leg = {.session_expires_s = 1800,
                .allow = STR("INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, REFER"),
                .accept = STR("application/sdp, application/csta+xml")},
        .cti = {.max_monitors = monitors + 1, .max_session_monitors = monitors + 1},
    };
    w.env = (struct env){.mem = {count_alloc, count_free, NULL},
                         .random = give_random,
                         .wall_s = give_wall,
                         .send = take_message,
                         .open = give_flow,
                         .query = give_records,
                         .local = give_local};
    w.now = 1000;
    w.client.user = app.name;
    w.client.password = app.secret.password;
    if (directory_init(&w.directory, &w.env, domains, 1) != 0 ||
        directory_add_application(&w.directory, &app) != 0) {
        fail("no directory", STR_NONE);
    }
    w.directory.peers = &peer;
    w.directory.peer_count = 1;
    add_devices(1002, 1);
    add_devices(200000, bindings);
    add_devices(400000, monitors);
    w.engine = engine_new(&w.env, &config, w.now);
    if (w.engine == NULL) {
        fail("no engine", STR_NONE);
    }
}

static uint32_t argument(int argc, char **argv, int i, uint32_t fallback)
{
    uint32_t n = fallback;
    if (i < argc && (!str_to_u32(str_c(argv[i]), &n) || n == 0 || n > 100000)) {
        fprintf(stderr,
                "usage: memory [CALLS [BINDINGS [MONITORS [REQUESTS]]]], each 1 to 100000\n");
        exit(2);
    }
    return n;
}

int main(int argc, char **argv)
{
    uint32_t calls = argument(argc, argv, 1, 2000), bindings = argument(argc, argv, 2, 10000);
    uint32_t monitors = argument(argc, argv, 3, 1000);
    uint32_t requests = argument(argc, argv, 4, 80000);
    make_world(bindings, monitors);
    make_moulds();
    send_register(1002);
    quiet();
    measure_calls(calls);
    measure_traffic();
    measure_monitors(monitors);
    measure_requests(requests);
    measure_bindings(bindings);
    return 0;
}
