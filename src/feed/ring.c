/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The newest events in memory: a ring in order of numbers, bounded by count and octets. The
 * oldest gives up its place, and `after` says so: who stands before it reads pages.
 */
#include "feed/parts.h"
#include <stdlib.h>

bool ring_init(struct ring *r, uint32_t cap, size_t octets)
{
    *r = (struct ring){
        .slot = calloc(cap, sizeof(struct feed_event *)), .cap = cap, .octets_max = octets};
    return r->slot != NULL;
}

static struct feed_event **place_of(const struct ring *r, uint32_t place)
{
    return &r->slot[(r->first + place) % r->cap];
}

static size_t size_of(const struct feed_event *e)
{
    return sizeof(*e) + e->e.text.n + e->sse.n;
}

static void drop_first(struct ring *r)
{
    struct feed_event *e = *place_of(r, 0);

    r->after = e->e.number;
    r->octets -= size_of(e);
    free(e);
    r->first = (r->first + 1) % r->cap;
    r->count--;
}

void ring_start(struct ring *r, uint64_t at)
{
    while (r->count > 0) {
        drop_first(r);
    }
    r->after = r->upto = at;
}

void ring_fini(struct ring *r)
{
    if (r->slot != NULL) {
        ring_start(r, 0);
    }
    free(r->slot);
    *r = (struct ring){0};
}

static void put_sse(struct out *o, const struct cloud_event *e)
{
    out_fmt(o, "id: %llu\nevent: ", (unsigned long long)e->number);
    out_str(o, e->type);
    out_c(o, "\ndata: ");
    out_str(o, e->text); /* JSON of ours has no line ends */
    out_c(o, "\n\n");
}

struct str feed_sse(const struct cloud_event *e, struct arena *a)
{
    struct out o;
    char *buf;

    out_init(&o, NULL, 0);
    put_sse(&o, e);
    buf = arena_alloc(a, o.need);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, o.need);
    put_sse(&o, e);
    return out_str_of(&o);
}

static struct str keep(char **at, struct str s)
{
    struct str copy = s;

    if (str_is_set(s)) {
        copy.p = *at;
        if (s.n > 0) {
            memcpy(*at, s.p, s.n);
        }
        *at += s.n;
    }
    return copy;
}

bool ring_push(struct ring *r, const struct cloud_event *e)
{
    struct feed_event *copy;
    struct out o;
    char *at;

    out_init(&o, NULL, 0);
    put_sse(&o, e);
    copy = malloc(sizeof(*copy) + e->type.n + e->subject.n + e->call_id.n + e->audience.n +
                  e->device.n + e->calling.n + e->called.n + e->cause.n + e->owner.n + o.need);
    if (copy == NULL) {
        return false;
    }
    copy->e = *e;
    at = (char *)(copy + 1);
    copy->e.type = keep(&at, e->type);
    copy->e.subject = keep(&at, e->subject);
    copy->e.call_id = keep(&at, e->call_id);
    copy->e.audience = keep(&at, e->audience);
    copy->e.device = keep(&at, e->device);
    copy->e.calling = keep(&at, e->calling);
    copy->e.called = keep(&at, e->called);
    copy->e.cause = keep(&at, e->cause);
    copy->e.owner = keep(&at, e->owner);
    size_t n = o.need;
    out_init(&o, at, n);
    put_sse(&o, e);
    copy->sse = out_str_of(&o);
    copy->e.text = str_make(at + n - 2 - e->text.n, e->text.n); /* it stands in there */
    while (r->count > 0 && (r->count == r->cap || r->octets + size_of(copy) > r->octets_max)) {
        drop_first(r);
    }
    *place_of(r, r->count++) = copy;
    r->octets += size_of(copy);
    r->upto = e->number;
    return true;
}

const struct feed_event *ring_at(const struct ring *r, uint32_t place)
{
    return *place_of(r, place);
}

uint32_t ring_find(const struct ring *r, uint64_t after)
{
    uint32_t low = 0, high = r->count;

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (ring_at(r, mid)->e.number > after) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return low;
}
