/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event told to 1, 10 and 1000 monitors of a device: recorded once, written for each client
 * in its edition and with its identifiers, framed and sent (ECMA-323 Annex J.2).
 *
 * Each monitor belongs to a session on a connection of its own, and nothing is faked above the
 * socket: sending counts octets. One line each: "csta-event-to-N ns", for the whole event.
 */
#include "bench.h"
#include "csta/frame.h"
#include "cti/parts.h"

#define NS "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""

enum { MONITORS_MAX = 1000 };

struct site {
    struct env env;
    struct wheel wheel;
    struct arena arena;
    struct txn_layer txn;
    struct leg_layer legs;
    struct directory directory;
    struct registrar registrar;
    struct call_layer calls;
    struct application app;
    struct device device;
    struct cti *cti;
    uint64_t random, octets, messages;
};

static void take_random(void *ctx, void *out, size_t n)
{
    struct site *s = ctx;
    unsigned char *p = out;
    for (size_t i = 0; i < n; i++) {
        s->random = s->random * 6364136223846793005 + 1442695040888963407;
        p[i] = (unsigned char)(s->random >> 56);
    }
}

static int take_message(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    struct site *s = ctx;
    (void)hop;
    for (size_t i = 0; i < n; i++) {
        s->octets += run[i].n;
    }
    s->messages++;
    return 0;
}

static uint64_t no_clock(void *ctx)
{
    (void)ctx;
    return 1700000000;
}

static size_t nothing_queued(void *ctx, uint32_t flow)
{
    (void)ctx;
    (void)flow;
    return 0;
}

static void hang_up(void *ctx, uint32_t flow)
{
    (void)ctx;
    (void)flow;
}

static struct application *everybody(void *ctx, const struct hop *from)
{
    struct site *s = ctx;
    (void)from;
    return &s->app;
}

static struct application *nobody(void *ctx, const struct hop *from, struct str name,
                                  struct str password, uint64_t now_ms)
{
    (void)ctx;
    (void)from;
    (void)name;
    (void)password;
    (void)now_ms;
    return NULL;
}

static bool site_up(struct site *s)
{
    static struct str domains[] = {STR_INIT("example.com")};
    static const struct access_scope all[] = {{STR_INIT("*"), ACCESS_CONTROL}};
    static const struct cti_config config = {.max_connections = MONITORS_MAX,
                                             .max_sessions = MONITORS_MAX};
    const struct cti_gate gate = {.ctx = s, .login = nobody, .known = everybody};
    s->env = (struct env){.ctx = s,
                          .mem = mem_libc,
                          .random = take_random,
                          .wall_s = no_clock,
                          .send = take_message,
                          .close = hang_up,
                          .queued = nothing_queued};
    s->app = (struct application){.name = STR("crm"), .scopes = all, .scope_count = 1};
    s->device = (struct device){.number = STR("1001"),
                                .uri = STR("sip:1001@example.com"),
                                .key = STR("1001@example.com")};
    wheel_init(&s->wheel, 0);
    arena_init(&s->arena, &s->env.mem, 32768);
    if (directory_init(&s->directory, &s->env, domains, 1) != 0 ||
        directory_add_device(&s->directory, &s->device) != 0 ||
        txn_layer_init(&s->txn, &s->env, &s->wheel, &(struct txn_timing){0}, 0) != 0 ||
        leg_layer_init(&s->legs, &s->env, &s->wheel, &s->txn, &s->arena,
                       &(struct leg_config){0}, 0) != 0 ||
        registrar_init(&s->registrar, &s->env, &s->wheel, &(struct registrar_config){0}) != 0 ||
        call_layer_init(&s->calls, &s->env, &s->wheel, &s->legs, &s->registrar, &s->directory,
                        &s->arena, &(struct call_config){0}) != 0) {
        return false;
    }
    s->cti = cti_new(&s->env, &s->wheel, &s->legs, &s->calls, &s->registrar, &s->directory,
                     &s->arena, &config);
    cti_set_gate(s->cti, &gate);
    return s->cti != NULL;
}

static void site_down(struct site *s)
{
    cti_free(s->cti);
    call_layer_fini(&s->calls);
    registrar_fini(&s->registrar);
    leg_layer_fini(&s->legs);
    txn_layer_fini(&s->txn);
    directory_fini(&s->directory);
    arena_fini(&s->arena);
}

/** A connection, a session, a monitor. */
static bool add_monitor(struct site *s, uint32_t flow)
{
    static const char start[] =
        "<MonitorStart " NS "><monitorObject><deviceObject>1001</deviceObject></monitorObject>"
        "</MonitorStart>";
    char frame[CSTA_FRAME_HEADER + sizeof(start)];
    struct hop from = {.flow = flow, .transport = TP_TCP};
    if (!csta_frame_header(frame, 1, sizeof(start) - 1)) {
        return false;
    }
    memcpy(frame + CSTA_FRAME_HEADER, start, sizeof(start));
    size_t n = CSTA_FRAME_HEADER + sizeof(start) - 1;
    bool ok = cti_stream_input(s->cti, &from, str_make(frame, n), 0) == n;
    arena_reset(&s->arena);
    return ok;
}

/** Delivered, as a call makes it. */
static void tell(struct site *s)
{
    struct journal_record r = {.event = CSTA_MSG_DELIVERED_EVENT,
                               .cause = CSTA_CAUSE_NEW_CALL,
                               .local = CSTA_STATE_ALERTING,
                               .call_id = STR("c4k2v9q0x1"),
                               .user_data = STR("\x04"
                                                "case 4711")};
    r.party[JOURNAL_SUBJECT] = r.party[JOURNAL_CALLED] = s->device.uri;
    r.party[JOURNAL_CALLING] = STR("sip:1002@example.com");
    r.identity[JOURNAL_SUBJECT] = r.identity[JOURNAL_CALLED] = r.identity[JOURNAL_CALLING] =
        JOURNAL_ID;
    r.identity[JOURNAL_REDIRECTION] = JOURNAL_NOT_REQUIRED;
    event_record(s->cti, s->device.cti, &r);
    cti_flush(s->cti, 0);
    arena_reset(&s->arena);
}

static int measure(uint32_t monitors)
{
    static struct site site;
    site = (struct site){.random = 1};
    bool ok = site_up(&site);
    for (uint32_t i = 1; ok && i <= monitors; i++) {
        ok = add_monitor(&site, i);
    }
    site.messages = site.octets = 0;
    double best = 1e18;
    for (int batch = 0; ok && batch < BENCH_BATCHES; batch++) {
        long rounds = 20000 / (long)monitors + 1;
        double from = bench_now_ns();
        for (long i = 0; i < rounds; i++) {
            tell(&site);
        }
        double ns = (bench_now_ns() - from) / (double)rounds;
        best = ns < best ? ns : best;
        ok = site.messages == (uint64_t)rounds * monitors * (unsigned)(batch + 1);
    }
    if (ok) {
        printf("csta-event-to-%u %.1f\n", monitors, best);
        printf("csta-event-octets-%u %.1f\n", monitors,
               (double)site.octets / (double)site.messages);
    } else {
        fprintf(stderr, "bench_monitors: not every monitor of %u was told\n", monitors);
    }
    site_down(&site);
    return ok ? 0 : 1;
}

int main(void)
{
    return measure(1) | measure(10) | measure(MONITORS_MAX);
}
