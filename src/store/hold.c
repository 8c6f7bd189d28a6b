/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of what waits for the disk: entries one behind the other in a buffer that grows to
 * the most there ever was, each a head and its octets. Those behind `sealed` are of the input
 * that runs: what it changes is not known yet. Taken from the front; what is left moves
 * down when the front has become the larger half.
 */
#include "store/hold.h"
#include "base/err.h"
#include <stddef.h>
#include <stdlib.h>

enum { HOLD_BYTES = 64 << 20, DATAGRAM_MAX = 65507 };

struct entry {
    uint64_t mark; /**< store_done must have reached it */
    struct hop hop;
    bool close;
    size_t n; /**< octets behind it */
};

struct hold {
    const struct env *inner;
    struct env env;
    struct store *st;
    size_t most;
    char *p;
    size_t head, sealed, tail, cap;
    struct hold_stats count;
};

static size_t padded(size_t n)
{
    return (n + _Alignof(struct entry) - 1) / _Alignof(struct entry) * _Alignof(struct entry);
}

static void move_down(struct hold *h)
{
    memmove(h->p, h->p + h->head, h->tail - h->head);
    h->tail -= h->head;
    h->sealed -= h->head;
    h->head = 0;
}

/** @return NULL: there is no room */
static struct entry *append(struct hold *h, size_t n)
{
    size_t need = sizeof(struct entry) + padded(n);
    size_t cap = h->cap == 0 ? 65536 : h->cap;
    char *p;

    if (h->tail - h->head + need > h->most) {
        h->count.refused++;
        return NULL;
    }
    if (h->tail + need > h->cap && h->head > h->tail / 2) {
        move_down(h);
    }
    while (cap < h->tail + need) {
        cap *= 2;
    }
    if (cap != h->cap) {
        p = realloc(h->p, cap);
        if (p == NULL) {
            h->count.refused++;
            return NULL;
        }
        h->p = p;
        h->cap = cap;
    }
    struct entry *e = (struct entry *)(void *)(h->p + h->tail);
    h->tail += need;
    h->count.waiting++;
    h->count.held++;
    *e = (struct entry){.n = n};
    return e;
}

static int on_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    struct hold *h = ctx;
    size_t len = 0;
    struct entry *e;
    char *at;

    for (size_t i = 0; i < n; i++) {
        len += run[i].n;
    }
    if (hop->transport == TP_UDP && len > DATAGRAM_MAX) {
        return E_TOOBIG;
    }
    e = append(h, len);
    if (e == NULL) {
        return E_TOOBIG;
    }
    e->hop = *hop;
    at = (char *)(e + 1);
    for (size_t i = 0; i < n; i++) {
        if (run[i].n > 0) {
            memcpy(at, run[i].p, run[i].n);
            at += run[i].n;
        }
    }
    return 0;
}

static void on_close(void *ctx, uint32_t flow)
{
    struct hold *h = ctx;
    struct entry *e = append(h, 0);

    if (e == NULL) {
        h->inner->close(h->inner->ctx, flow);
        return;
    }
    e->close = true;
    e->hop.flow = flow;
}

/** What was sent since the last time waits for all that was handed over until now. */
static void seal(struct hold *h)
{
    uint64_t mark = store_mark(h->st);

    while (h->sealed != h->tail) {
        struct entry *e = (struct entry *)(void *)(h->p + h->sealed);
        e->mark = mark;
        h->sealed += sizeof(*e) + padded(e->n);
    }
}

void hold_release(struct hold *h)
{
    uint64_t done = store_done(h->st);

    seal(h);
    while (h->head != h->tail) {
        const struct entry *e = (const struct entry *)(const void *)(h->p + h->head);
        if (e->mark > done) {
            return;
        }
        h->head += sizeof(*e) + padded(e->n);
        h->count.waiting--;
        if (e->close) {
            h->inner->close(h->inner->ctx, e->hop.flow);
        } else {
            struct str bytes = str_make((const char *)(e + 1), e->n);
            /* a flow that has closed meanwhile is told by its end; a datagram is repeated */
            (void)h->inner->send(h->inner->ctx, &e->hop, &bytes, 1);
        }
    }
    h->head = h->sealed = h->tail = 0;
}

/* ---- the rest goes through ---- */

static void on_random(void *ctx, void *out, size_t n)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    in->random(in->ctx, out, n);
}

static uint64_t on_wall(void *ctx)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    return in->wall_s(in->ctx);
}

static int on_open(void *ctx, struct hop *hop, struct str name)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    return in->open(in->ctx, hop, name);
}

static bool on_proves(void *ctx, const struct hop *hop, struct str name)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    return in->proves(in->ctx, hop, name);
}

static int on_query(void *ctx, enum dns_type type, struct str name,
                    const struct dns_record **records, size_t *n)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    return in->query(in->ctx, type, name, records, n);
}

static bool on_reaches(void *ctx, const struct hop *hop)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    return in->reaches(in->ctx, hop);
}

static void on_local(void *ctx, const struct hop *hop, struct addr *out)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    in->local(in->ctx, hop, out);
}

static uint32_t on_listener(void *ctx, const struct hop *hop, const struct addr *local)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    return in->listener(in->ctx, hop, local);
}

static size_t on_queued(void *ctx, uint32_t flow)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    return in->queued(in->ctx, flow);
}

/** It orders something of a phone and tells of nothing: it need not wait. */
static int on_fetch(void *ctx, struct str url, uint32_t timeout_ms, uint64_t tag)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    return in->fetch(in->ctx, url, timeout_ms, tag);
}

static void on_trace(void *ctx, enum trace_level level, const char *module,
                     const struct trace_ids *ids, struct str text)
{
    const struct env *in = ((struct hold *)ctx)->inner;
    in->trace(in->ctx, level, module, ids, text);
}

/* Functions are called with our ctx, so each needs one of ours above; what is not there would
   be switched off without a word. */
_Static_assert(offsetof(struct env, trace_from) - offsetof(struct env, random) ==
                   13 * sizeof(void (*)(void)),
               "struct env has another function: let it through here, too");

struct hold *hold_new(const struct env *inner, struct store *st, size_t hold_bytes)
{
    struct hold *h = calloc(1, sizeof(*h));

    if (h == NULL) {
        return NULL;
    }
    h->inner = inner;
    h->st = st;
    h->most = hold_bytes != 0 ? hold_bytes : HOLD_BYTES;
    h->env = (struct env){
        .ctx = h,
        .mem = inner->mem,
        .watch = inner->watch,
        .random = on_random,
        .wall_s = on_wall,
        .send = on_send,
        .open = on_open,
        .proves = inner->proves != NULL ? on_proves : NULL,
        .query = inner->query != NULL ? on_query : NULL,
        .reaches = inner->reaches != NULL ? on_reaches : NULL,
        .local = on_local,
        .close = inner->close != NULL ? on_close : NULL,
        .listener = inner->listener != NULL ? on_listener : NULL,
        .queued = inner->queued != NULL ? on_queued : NULL,
        .fetch = inner->fetch != NULL ? on_fetch : NULL,
        .trace = inner->trace != NULL ? on_trace : NULL,
        .trace_from = inner->trace_from,
    };
    return h;
}

void hold_free(struct hold *h)
{
    if (h != NULL) {
        free(h->p);
        free(h);
    }
}

const struct env *hold_env(struct hold *h)
{
    h->env.trace_from = h->inner->trace_from;
    return &h->env;
}

void hold_stats(const struct hold *h, struct hold_stats *out)
{
    *out = h->count;
    out->octets = h->tail - h->head;
}
