/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitors of a session that have something to tell, the oldest record first.
 *
 * A binary heap of pointers, ordered by the number of each monitor's next record (`due`) and,
 * for two monitors of one device, by their reference. Events of several devices so leave in the
 * order in which they happened, and an event costs O(log of the monitors that are behind),
 * whatever else the session watches. Room for a monitor is made when it starts, so nothing here
 * can fail.
 */
#include "cti/parts.h"

static bool before(const struct monitor *a, const struct monitor *b)
{
    return a->due != b->due ? a->due < b->due : a->ref < b->ref;
}

static void put(struct cti_session *s, uint32_t at, struct monitor *m)
{
    s->queue[at] = m;
    m->slot = at + 1;
}

static void rise(struct cti_session *s, uint32_t at)
{
    struct monitor *m = s->queue[at];

    while (at > 0 && before(m, s->queue[(at - 1) / 2])) {
        put(s, at, s->queue[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(s, at, m);
}

static void sink(struct cti_session *s, uint32_t at)
{
    struct monitor *m = s->queue[at];
    uint32_t child;

    while ((child = 2 * at + 1) < s->queue_len) {
        if (child + 1 < s->queue_len && before(s->queue[child + 1], s->queue[child])) {
            child++;
        }
        if (!before(s->queue[child], m)) {
            break;
        }
        put(s, at, s->queue[child]);
        at = child;
    }
    put(s, at, m);
}

int ready_reserve(struct cti_session *s, uint32_t monitors)
{
    const struct mem *mem = &s->cti->env->mem;
    uint32_t cap = s->queue_cap < 8 ? 8 : s->queue_cap;
    struct monitor **queue;

    while (cap < monitors) {
        cap *= 2;
    }
    if (cap == s->queue_cap) {
        return 0;
    }
    queue = mem_alloc(mem, cap * sizeof(*queue));
    if (queue == NULL) {
        return E_NOMEM;
    }
    if (s->queue_len > 0) {
        memcpy(queue, s->queue, s->queue_len * sizeof(*queue));
    }
    mem_free(mem, s->queue);
    s->queue = queue;
    s->queue_cap = cap;
    return 0;
}

void ready_add(struct monitor *m, uint64_t due)
{
    struct cti_session *s = m->session;

    if (m->slot != 0) {
        return;
    }
    m->due = due;
    s->queue[s->queue_len++] = m;
    rise(s, s->queue_len - 1);
}

void ready_remove(struct monitor *m)
{
    struct cti_session *s = m->session;
    uint32_t at = m->slot - 1;
    struct monitor *last;

    if (m->slot == 0) {
        return;
    }
    m->slot = 0;
    last = s->queue[--s->queue_len];
    if (last == m) {
        return;
    }
    put(s, at, last);
    rise(s, at);
    sink(s, last->slot - 1);
}

struct monitor *ready_first(const struct cti_session *s)
{
    return s->queue_len == 0 ? NULL : s->queue[0];
}
