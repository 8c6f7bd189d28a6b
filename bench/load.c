/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load generator: SIP and bare datagrams over loopback UDP, one thread.
 *
 *     load MODE --server IP:PORT --port PORT [options]
 *
 *     register   --count N devices from --device on, --rounds times
 *     calls      --count calls to --device, --window at a time, --rate a second at most
 *     redirect   --count calls that are answered by 302
 *     hold       --count standing calls; says "holding N"; a line on standard input clears them
 *     info       --count CSTA requests in one session of --user with --password
 *     echo       --count datagrams of --request octets, answered by --reply octets
 *
 * The calling end is at --port, the called end at the next one; --register registers the called
 * device there first. One line of JSON says what happened, and for calls and register how long
 * the 200 to INVITE or REGISTER was waited for; the exit status is 0 when nothing failed.
 * Everything is bounded by --count and --timeout.
 */
#include "load.h"
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

/** Looks at the sockets before it sleeps, and the time between two of them. */
#define LOOKS 200
#define LOOK_NS 30000

uint64_t load_now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t load_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void load_answered(struct load_run *l, uint64_t sent_ns)
{
    if (l->wait_n < l->wait_room) {
        l->waits[l->wait_n++] = (uint32_t)((load_now_ns() - sent_ns) / 1000);
    }
}

void load_fail(struct load_run *l, const char *what, struct str detail)
{
    if (l->failures++ == 0) {
        (void)snprintf(l->why, sizeof(l->why), "%s%s%.*s", what, detail.n > 0 ? ": " : "",
                       (int)(detail.n < 100 ? detail.n : 100),
                       detail.p != NULL ? detail.p : "");
    }
}

/*
 * While messages come it does not wait for the sockets, but looks at them from time to time:
 * over loopback whoever sends pays for waking the receiver, and that would be the server
 * that is measured. Many datagrams at a time come of themselves then.
 */
bool load_wait(struct load_run *l, int ms)
{
    struct pollfd p[2] = {{.fd = l->a.fd, .events = POLLIN}, {.fd = l->b.fd, .events = POLLIN}};
    const struct timespec between = {.tv_nsec = LOOK_NS};
    int ready = 0;
    port_flush(&l->a);
    port_flush(&l->b);
    for (int i = 0; l->awake && ready == 0 && i < LOOKS; i++) {
        (void)nanosleep(&between, NULL);
        ready = poll(p, 2, 0);
    }
    if (ready == 0) {
        ready = poll(p, 2, ms);
    }
    l->awake = ready > 0;
    return load_now_ms() < l->end_ms;
}

uint64_t load_allowed(const struct load_run *l, uint64_t begin_ms)
{
    return l->rate == 0 ? UINT64_MAX : 1 + (load_now_ms() - begin_ms) * l->rate / 1000;
}

static const struct {
    const char *name;
    size_t at;
    uint32_t low, high;
} numbers[] = {
    {"count", offsetof(struct load_run, count), 1, 10000000},
    {"window", offsetof(struct load_run, window), 1, 65535},
    {"rate", offsetof(struct load_run, rate), 1, 1000000},
    {"rounds", offsetof(struct load_run, rounds), 1, 10000},
    {"timeout", offsetof(struct load_run, timeout_s), 1, 3600},
    {"request", offsetof(struct load_run, request_octets), 1, LOAD_OCTETS},
    {"reply", offsetof(struct load_run, reply_octets), 1, LOAD_OCTETS},
};

static const struct {
    const char *name;
    size_t at;
} texts[] = {
    {"server", offsetof(struct load_run, server_text)},
    {"ip", offsetof(struct load_run, ip)},
    {"domain", offsetof(struct load_run, domain)},
    {"device", offsetof(struct load_run, device)},
    {"user", offsetof(struct load_run, user)},
    {"password", offsetof(struct load_run, password)},
};

static void usage(const char *what, const char *value)
{
    fprintf(
        stderr,
        "load: %s%s\nusage: load register|calls|hold|redirect|info|echo --server IP:PORT --port PORT\n"
        "  [--count N] [--window N] [--rate N] [--rounds N] [--timeout S] [--register]\n"
        "  [--device NUMBER] [--domain NAME] [--ip IP] [--user NAME --password TEXT]\n"
        "  [--request OCTETS --reply OCTETS]\n",
        what, value);
    exit(2);
}

/** @return false: it is no option with a value */
static bool option(struct load_run *l, const char *name, const char *value, uint32_t *port)
{
    char *base = (char *)l;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(name, texts[i].name) == 0) {
            memcpy(base + texts[i].at, &value, sizeof(value));
            return true;
        }
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        uint32_t n;
        if (strcmp(name, numbers[i].name) != 0) {
            continue;
        }
        if (!str_to_u32(str_c(value), &n) || n < numbers[i].low || n > numbers[i].high) {
            usage("value out of range: ", value);
        }
        memcpy(base + numbers[i].at, &n, sizeof(n));
        return true;
    }
    return strcmp(name, "port") == 0 && str_to_u32(str_c(value), port) && *port < 65535;
}

static void parse(struct load_run *l, int argc, char **argv)
{
    uint32_t port = 0;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--register") == 0) {
            l->registers = true;
        } else if (strncmp(argv[i], "--", 2) != 0 || i + 1 == argc ||
                   !option(l, argv[i] + 2, argv[i + 1], &port)) {
            usage("unknown or incomplete: ", argv[i]);
        } else {
            i++;
        }
    }
    const char *colon = l->server_text != NULL ? strchr(l->server_text, ':') : NULL;
    char ip[64];
    uint32_t n;
    if (colon == NULL || (size_t)(colon - l->server_text) >= sizeof(ip) ||
        !str_to_u32(str_c(colon + 1), &n) || n == 0 || n > 65535) {
        usage("--server must be IP:PORT", "");
        return;
    }
    memcpy(ip, l->server_text, (size_t)(colon - l->server_text));
    ip[colon - l->server_text] = '\0';
    l->server.sin_family = AF_INET;
    l->server.sin_port = htons((uint16_t)n);
    if (inet_pton(AF_INET, ip, &l->server.sin_addr) != 1) {
        usage("no address: ", ip);
    }
    port_open(&l->a, l->ip, (uint16_t)port);
    port_open(&l->b, l->ip, (uint16_t)(port == 0 ? 0 : port + 1));
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/** How long half, 95 and 99 of 100 waited at most. */
static void report_waits(struct load_run *l)
{
    static const unsigned parts[] = {50, 95, 99};
    qsort(l->waits, l->wait_n, sizeof(*l->waits), by_size);
    for (size_t i = 0; l->wait_n > 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
        uint64_t at = (uint64_t)l->wait_n * parts[i] / 100;
        printf("\"wait_%u_us\": %u, ", parts[i], l->waits[at < l->wait_n ? at : at - 1]);
    }
}

static void report(struct load_run *l, const char *mode, uint64_t begin_ms)
{
    printf("{\"mode\": \"%s\", \"count\": %u, \"seconds\": %.3f, \"messages\": %llu, "
           "\"retransmissions\": %llu, \"failures\": %llu, \"request_octets\": %u, "
           "\"reply_octets\": %u, ",
           mode, l->count, (double)(load_now_ms() - begin_ms) / 1000.0,
           (unsigned long long)(l->a.received + l->a.sent + l->b.received + l->b.sent),
           (unsigned long long)(l->repeats_sent + l->repeats_received),
           (unsigned long long)l->failures, l->request_octets, l->reply_octets);
    report_waits(l);
    printf("\"why\": \"");
    for (const char *p = l->why; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\') {
            printf("\\%c", c);
        } else {
            putchar(c < 0x20 || c > 0x7e ? '.' : c);
        }
    }
    printf("\"}\n");
}

int main(int argc, char **argv)
{
    static struct load_run l = {.ip = "127.0.0.1",
                                .domain = "example.com",
                                .device = "1002",
                                .user = "bench",
                                .password = "",
                                .count = 1000,
                                .window = 64,
                                .rounds = 1,
                                .timeout_s = 60,
                                .request_octets = 500,
                                .reply_octets = 500};
    if (argc < 2) {
        usage("which mode?", "");
    }
    const char *mode = argv[1];
    (void)prctl(PR_SET_TIMERSLACK, 1000); /* nanoseconds; 50 times that unless said */
    parse(&l, argc, argv);
    uint64_t begin = load_now_ms();
    int bad = 1;
    l.end_ms = begin + (uint64_t)l.timeout_s * 1000;
    l.wait_room = l.count * l.rounds < 1000000 ? l.count * l.rounds : 1000000;
    l.waits = calloc(l.wait_room, sizeof(*l.waits));
    if (l.waits == NULL) {
        usage("no memory for as many", "");
    }
    if (strcmp(mode, "register") == 0) {
        bad = load_register(&l);
    } else if (strcmp(mode, "calls") == 0) {
        bad = load_calls(&l, LOAD_CALLS);
    } else if (strcmp(mode, "hold") == 0) {
        bad = load_calls(&l, LOAD_HOLD);
    } else if (strcmp(mode, "redirect") == 0) {
        bad = load_calls(&l, LOAD_REDIRECT);
    } else if (strcmp(mode, "info") == 0) {
        bad = load_info(&l);
    } else if (strcmp(mode, "echo") == 0) {
        bad = load_echo(&l);
    } else {
        usage("no such mode: ", mode);
    }
    port_flush(&l.a);
    port_flush(&l.b);
    report(&l, mode, begin);
    free(l.waits);
    return bad;
}
