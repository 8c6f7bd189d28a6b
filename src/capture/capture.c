/* SPDX-License-Identifier: Apache-2.0 */
/* What was said lately: see capture.h. */
#include "capture/capture.h"
#include "csta/frame.h"
#include "sip/msg.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

enum {
    OCTETS = 32 << 20,
    CALLS = 2000,
    RUNS_MAX = 65536, /**< octets of a message in several runs that are put together */
};

struct capture {
    struct capture_config config;
    const struct env *env;
    struct env_watch watch;
    pthread_mutex_t lock;
    pthread_cond_t came;
    unsigned waiting;
    bool stopped;
    struct reel calls_ring, others_ring;
    struct calls calls;
    uint64_t n;
    int64_t time_us;
    uint64_t turn; /**< of the loop, when `turn_us` was read; engine's thread, as is that */
    int64_t turn_us;
    char runs[RUNS_MAX]; /**< of the engine's thread */
};

static int64_t wall_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

struct capture *capture_new(const struct capture_config *config)
{
    struct capture *c = calloc(1, sizeof(*c));
    struct hash_key key;
    size_t octets = config->octets != 0 ? config->octets : OCTETS;
    pthread_condattr_t monotonic;

    if (c == NULL) {
        return NULL;
    }
    c->config = *config;
    if (c->config.now_us == NULL) {
        c->config.now_us = wall_us;
    }
    key = (struct hash_key){(uint64_t)wall_us() * 0x9E3779B97F4A7C15u, (uint64_t)(uintptr_t)c};
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&c->came, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if (!reel_init(&c->calls_ring, octets / 4 * 3, config->messages / 4 * 3) ||
        !reel_init(&c->others_ring, octets / 4, config->messages / 4) ||
        !calls_init(&c->calls, config->calls != 0 ? config->calls : CALLS, &key)) {
        capture_free(c);
        return NULL;
    }
    return c;
}

void capture_free(struct capture *c)
{
    if (c == NULL) {
        return;
    }
    reel_fini(&c->calls_ring);
    reel_fini(&c->others_ring);
    calls_fini(&c->calls);
    (void)pthread_cond_destroy(&c->came);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

/* ---- writing ---- */

/** Does a message with that method begin or belong to a call? In doubt it does. */
static bool is_of_call(struct str method)
{
    static const struct str others[] = {STR_INIT("REGISTER"),  STR_INIT("OPTIONS"),
                                        STR_INIT("SUBSCRIBE"), STR_INIT("NOTIFY"),
                                        STR_INIT("PUBLISH"),   STR_INIT("MESSAGE")};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (str_eq(method, others[i])) {
            return false;
        }
    }
    return true;
}

/** What stands behind "CSeq:". Every message comes by here, so one rare letter is sought, in
    leaps, instead of each line. */
static struct str cseq_of(struct str bytes)
{
    static const struct str name = STR_INIT("\nCSeq:");
    enum { Q = 4 };

    for (size_t at = 0; at < bytes.n; at++) {
        at += str_index(str_from(bytes, at), 'q');
        if (at >= Q && str_starts(str_from(bytes, at - Q), name)) {
            struct str rest = str_from(bytes, at - Q + name.n);
            return str_upto(rest, str_index(rest, '\n'));
        }
    }
    return STR_NONE;
}

/** The method of a request, or that of a response's CSeq. */
static struct str method_of(struct str bytes)
{
    struct str line;

    if (!str_starts(bytes, STR("SIP/2.0 "))) {
        return str_upto(bytes, str_index(str_upto(bytes, 32), ' '));
    }
    line = str_trim(cseq_of(bytes));
    return str_trim(str_from(line, str_index(line, ' ')));
}

/** In the engine's thread: the same for all that happens in one round of its loop. Asking the
    clock for each message would cost as much as keeping it. */
static int64_t turn_us(struct capture *c)
{
    uint64_t turn = c->env != NULL ? c->env->turn : 0;

    if (turn == 0 || turn != c->turn) {
        c->turn_us = c->config.now_us();
        c->turn = turn;
    }
    return c->turn_us;
}

static void push(struct capture *c, struct capture_msg *m, int64_t now_us)
{
    struct reel *r = m->kind == CAPTURE_SIP && !is_of_call(method_of(m->bytes))
                         ? &c->others_ring
                         : &c->calls_ring;

    (void)pthread_mutex_lock(&c->lock);
    m->n = ++c->n;
    m->time_us = now_us < c->time_us ? c->time_us : now_us;
    c->time_us = m->time_us;
    reel_push(r, m);
    if (c->waiting > 0) {
        (void)pthread_cond_broadcast(&c->came);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

static void put_hop(const struct capture *c, const struct hop *hop, struct capture_msg *m)
{
    m->flow = hop->flow;
    m->transport = hop->transport;
    m->remote = hop->remote;
    if (c->env != NULL) {
        c->env->local(c->env->ctx, hop, &m->local);
    }
}

static void heard(void *ctx, const struct hop *from, struct str bytes)
{
    struct capture *c = ctx;
    struct capture_msg m = {.kind = CAPTURE_SIP, .bytes = bytes};

    put_hop(c, from, &m);
    push(c, &m, turn_us(c));
}

static void csta(void *ctx, const struct env_csta *said)
{
    struct capture *c = ctx;
    struct capture_msg m = {.kind = CAPTURE_CSTA,
                            .sent = said->sent,
                            .invoke = said->invoke,
                            .who = said->who,
                            .bytes = said->text};
    if (said->hop != NULL) {
        put_hop(c, said->hop, &m);
    }
    push(c, &m, turn_us(c));
}

static void leg(void *ctx, const struct env_leg *l)
{
    struct capture *c = ctx;
    int64_t now_us = turn_us(c);

    (void)pthread_mutex_lock(&c->lock);
    calls_leg(&c->calls, l, c->n, now_us);
    (void)pthread_mutex_unlock(&c->lock);
}

static void joined(void *ctx, struct str call, struct str other)
{
    struct capture *c = ctx;

    (void)pthread_mutex_lock(&c->lock);
    calls_joined(&c->calls, call, other);
    (void)pthread_mutex_unlock(&c->lock);
}

static void over(void *ctx, struct str call)
{
    struct capture *c = ctx;
    int64_t now_us = turn_us(c);

    (void)pthread_mutex_lock(&c->lock);
    calls_over(&c->calls, call, c->n, now_us);
    (void)pthread_mutex_unlock(&c->lock);
}

static void note(void *ctx, const struct env_note *n)
{
    char about[128];
    struct out o;
    struct capture_msg m = {.kind = CAPTURE_NOTE,
                            .sent = n->sent,
                            .status = n->status,
                            .who = n->sip_call,
                            .bytes = n->text};

    out_init(&o, about, sizeof(about));
    out_fmt(&o, "%.*s %.*s %.*s", STR_ARG(n->method), STR_ARG(n->package), STR_ARG(n->dialect));
    m.about = out_str_of(&o);
    push(ctx, &m, turn_us(ctx));
}

const struct env_watch *capture_watch(struct capture *c, const struct env *env)
{
    c->env = env;
    c->watch = (struct env_watch){.ctx = c,
                                  .heard = heard,
                                  .csta = csta,
                                  .leg = leg,
                                  .joined = joined,
                                  .over = over,
                                  .note = note};
    return &c->watch;
}

static struct str join(struct capture *c, const struct str *run, size_t n, bool *cut)
{
    size_t len = 0;

    if (n == 1) {
        return run[0];
    }
    for (size_t i = 0; i < n; i++) {
        struct str part = str_upto(run[i], sizeof(c->runs) - len);
        if (part.n > 0) {
            memcpy(c->runs + len, part.p, part.n);
        }
        len += part.n;
        *cut = *cut || part.n < run[i].n;
    }
    return str_make(c->runs, len);
}

void capture_sent(struct capture *c, const struct hop *hop, const struct str *run, size_t n,
                  int err)
{
    struct capture_msg m = {.kind = CAPTURE_SIP, .sent = true, .failed = err != 0};
    struct csta_frame f;
    size_t used;

    m.bytes = join(c, run, n, &m.cut);
    if (m.bytes.n <= 4) { /* a keep-alive */
        return;
    }
    if (m.bytes.p[0] == '\0') {
        m.kind = CAPTURE_CSTA;
        if (csta_frame_next(m.bytes, &f, &used) == CSTA_FRAME_WHOLE) {
            m.invoke = f.invoke;
            m.bytes = f.xml;
        } else {
            m.bytes = str_from(m.bytes, CSTA_FRAME_HEADER);
        }
    }
    put_hop(c, hop, &m);
    push(c, &m, turn_us(c));
}

void capture_http(struct capture *c, const struct capture_http *h)
{
    struct capture_msg m = {.kind = h->webhook ? CAPTURE_WEBHOOK : CAPTURE_API,
                            .sent = h->sent,
                            .exchange = h->exchange,
                            .who = h->who,
                            .bytes = h->head};
    char *both = NULL;

    if (h->remote != NULL) {
        m.remote = *h->remote;
    }
    if (h->local != NULL) {
        m.local = *h->local;
    }
    if (h->body.n > 0) {
        both = malloc(h->head.n + h->body.n);
        if (both != NULL) {
            memcpy(both, h->head.p, h->head.n);
            memcpy(both + h->head.n, h->body.p, h->body.n);
            m.bytes = str_make(both, h->head.n + h->body.n);
        } else {
            m.cut = true;
        }
    }
    push(c, &m, c->config.now_us());
    free(both);
}

/* ---- reading ---- */

void capture_now(struct capture *c, struct capture_cursor *at)
{
    (void)pthread_mutex_lock(&c->lock);
    *at = (struct capture_cursor){c->calls_ring.head, c->others_ring.head, c->n};
    (void)pthread_mutex_unlock(&c->lock);
}

void capture_from(struct capture *c, struct capture_cursor *at, uint64_t n)
{
    (void)pthread_mutex_lock(&c->lock);
    *at = (struct capture_cursor){reel_seek(&c->calls_ring, n), reel_seek(&c->others_ring, n),
                                  n > 0 ? n - 1 : 0};
    (void)pthread_mutex_unlock(&c->lock);
}

/** @return false: no memory */
static bool batch_room(struct capture_batch *b, size_t need)
{
    if (b->msg == NULL || b->count == b->msg_cap) {
        size_t cap = b->msg_cap != 0 ? b->msg_cap * 2 : 64;
        struct capture_msg *more = realloc(b->msg, cap * sizeof(*more));
        if (more == NULL) {
            return false;
        }
        b->msg = more;
        b->msg_cap = cap;
    }
    if (b->cap == 0 || (b->count == 0 && need > b->cap)) {
        size_t cap = need > CAPTURE_BATCH ? need : CAPTURE_BATCH;
        char *more = realloc(b->room, cap);
        if (more == NULL) {
            return false;
        }
        b->room = more;
        b->cap = cap;
    }
    return b->used + need <= b->cap;
}

static struct str keep(struct capture_batch *b, struct str s)
{
    struct str own = str_make(b->room + b->used, s.n);

    if (!str_is_set(s)) {
        return s;
    }
    memcpy(b->room + b->used, s.p, s.n);
    b->used += s.n;
    return own;
}

static bool batch_add(struct capture_batch *b, const struct capture_msg *m)
{
    if (!batch_room(b, m->who.n + m->about.n + m->bytes.n)) {
        return false;
    }
    b->msg[b->count] = *m;
    b->msg[b->count].who = keep(b, m->who);
    b->msg[b->count].about = keep(b, m->about);
    b->msg[b->count].bytes = keep(b, m->bytes);
    b->count++;
    return true;
}

/** The record behind what was read. @param gone  out: were some pushed out before it? */
static bool peek(const struct reel *r, uint64_t *at, uint64_t n, struct capture_msg *m,
                 uint64_t *next)
{
    while (reel_get(r, at, m, next)) {
        if (m->n > n) {
            return true;
        }
        *at = *next;
    }
    return false;
}

size_t capture_next(struct capture *c, struct capture_cursor *at, struct capture_batch *b)
{
    struct capture_msg x, y;
    uint64_t x_next, y_next;
    bool begun = at->n != 0;

    b->count = b->used = 0;
    (void)pthread_mutex_lock(&c->lock);
    for (;;) {
        bool has_x = peek(&c->calls_ring, &at->calls, at->n, &x, &x_next);
        bool has_y = peek(&c->others_ring, &at->others, at->n, &y, &y_next);
        bool take_x = has_x && (!has_y || x.n < y.n);
        const struct capture_msg *m = take_x ? &x : &y;

        if ((!has_x && !has_y) || !batch_add(b, m)) {
            break;
        }
        b->lost += begun ? m->n - at->n - 1 : 0;
        begun = true;
        at->n = m->n;
        *(take_x ? &at->calls : &at->others) = take_x ? x_next : y_next;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return b->count;
}

void capture_batch_fini(struct capture_batch *b)
{
    free(b->msg);
    free(b->room);
    *b = (struct capture_batch){0};
}

bool capture_wait(struct capture *c, const struct capture_cursor *at, unsigned ms)
{
    struct timespec until;
    bool came;
    int err = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    (void)pthread_mutex_lock(&c->lock);
    c->waiting++;
    while (!c->stopped && c->n <= at->n && err != ETIMEDOUT) {
        err = pthread_cond_timedwait(&c->came, &c->lock, &until);
    }
    c->waiting--;
    came = !c->stopped && c->n > at->n;
    (void)pthread_mutex_unlock(&c->lock);
    return came;
}

void capture_stop(struct capture *c)
{
    (void)pthread_mutex_lock(&c->lock);
    c->stopped = true;
    (void)pthread_cond_broadcast(&c->came);
    (void)pthread_mutex_unlock(&c->lock);
}

/* ---- calls ---- */

static bool copy_call(const struct calls_call *from, struct arena *a, struct capture_call *to)
{
    size_t i = from->leg_count;

    *to = (struct capture_call){.id = arena_dup(a, from->id),
                                .began_us = from->began_us,
                                .ended_us = from->ended_us,
                                .first = from->first,
                                .last = from->last,
                                .legs = from->leg_count,
                                .others = from->other_count};
    to->leg = arena_zalloc(a, (to->legs + 1) * sizeof(*to->leg));
    to->other = arena_zalloc(a, (to->others + 1) * sizeof(*to->other));
    if (to->leg == NULL || to->other == NULL) {
        return false;
    }
    for (const struct calls_leg *l = from->legs; l != NULL; l = l->next) {
        to->leg[--i] = (struct capture_leg){.sip_call = arena_dup(a, l->sip_call),
                                            .party = arena_dup(a, l->party),
                                            .named = arena_dup(a, l->named),
                                            .device = l->device};
    }
    for (i = 0; i < to->others; i++) {
        to->other[i] = arena_dup(a, from->other[i]);
    }
    return true;
}

static bool is_among(struct calls_call *const *list, size_t n, const struct calls_call *call)
{
    for (size_t i = 0; i < n; i++) {
        if (list[i] == call) {
            return true;
        }
    }
    return false;
}

size_t capture_family(struct capture *c, struct str id, struct arena *a,
                      struct capture_call **out)
{
    struct calls_call *list[CALLS_FAMILY_MAX];
    size_t n = 0, done = 0;

    *out = arena_zalloc(a, CALLS_FAMILY_MAX * sizeof(**out));
    if (*out == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&c->lock);
    list[0] = calls_find(&c->calls, id);
    n = list[0] != NULL ? 1 : 0;
    for (; done < n && copy_call(list[done], a, &(*out)[done]); done++) {
        for (uint32_t i = 0; i < list[done]->other_count && n < CALLS_FAMILY_MAX; i++) {
            struct calls_call *other = calls_find(&c->calls, list[done]->other[i]);
            if (other != NULL && !is_among(list, n, other)) {
                list[n++] = other;
            }
        }
    }
    (void)pthread_mutex_unlock(&c->lock);
    return done;
}

size_t capture_calls(struct capture *c, int64_t before_us, size_t most, struct arena *a,
                     struct capture_call **out)
{
    size_t n = 0;

    *out = arena_zalloc(a, (most + 1) * sizeof(**out));
    if (*out == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&c->lock);
    for (struct list *it = c->calls.all.prev; it != &c->calls.all && n < most; it = it->prev) {
        const struct calls_call *call = list_entry(it, struct calls_call, link);
        if (before_us != 0 && call->began_us >= before_us) {
            continue;
        }
        if (!copy_call(call, a, &(*out)[n])) {
            break;
        }
        n++;
    }
    (void)pthread_mutex_unlock(&c->lock);
    return n;
}

struct str capture_call_of(struct capture *c, struct str sip_call, char out[256])
{
    const struct calls_leg *l;
    size_t n = 0;

    (void)pthread_mutex_lock(&c->lock);
    l = calls_of_sip(&c->calls, sip_call);
    if (l != NULL) {
        n = l->call->id.n;
        memcpy(out, l->call->id.p, n);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return str_make(out, n);
}

void capture_stats(struct capture *c, struct capture_stats *out)
{
    (void)pthread_mutex_lock(&c->lock);
    *out = (struct capture_stats){
        .messages = c->calls_ring.count + c->others_ring.count,
        .octets = (c->calls_ring.head - c->calls_ring.tail) +
                  (c->others_ring.head - c->others_ring.tail),
        .captured = c->n,
        .gone = c->calls_ring.gone + c->others_ring.gone,
        .calls = c->calls.count,
    };
    (void)pthread_mutex_unlock(&c->lock);
}
