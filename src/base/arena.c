/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arena: a chain of chunks, bytes taken from the front of the first one.
 *
 * A request that does not fit the head opens a new chunk. One larger than half a usual
 * chunk gets a chunk for itself, linked behind the head, so that the room left in the head
 * is not lost. Reset keeps the largest chunk and gives the others back. Chunks do not grow
 * by themselves, because the arenas of small long-lived objects must stay small: whoever
 * resets an arena again and again chooses chunk_size so that an ordinary round fits.
 *
 * INVARIANTS  used <= size; every pointer handed out is 16-byte aligned; bytes that are not
 *             handed out are poisoned in AddressSanitizer builds.
 * COST        32 bytes a chunk; alloc O(1), reset and fini O(chunks).
 */
#include "base/arena.h"
#include "base/poison.h"
#include <stdarg.h>
#include <stdio.h>

#define ALIGN 16

struct arena_chunk {
    struct arena_chunk *next;
    size_t size; /**< bytes of data */
    size_t used;
    _Alignas(ALIGN) char data[];
};

static void chunk_free(struct arena *a, struct arena_chunk *c)
{
    UNPOISON(c->data, c->size);
    mem_free(a->mem, c);
}

void arena_init(struct arena *a, const struct mem *mem, size_t chunk_size)
{
    *a = (struct arena){mem, NULL, chunk_size};
}

void arena_fini(struct arena *a)
{
    while (a->head != NULL) {
        struct arena_chunk *c = a->head;
        a->head = c->next;
        chunk_free(a, c);
    }
}

void arena_reset(struct arena *a)
{
    struct arena_chunk *keep = a->head;
    struct arena_chunk *next;
    for (struct arena_chunk *c = a->head; c != NULL; c = c->next) {
        keep = c->size > keep->size ? c : keep;
    }
    for (struct arena_chunk *c = a->head; c != NULL; c = next) {
        next = c->next;
        if (c != keep) {
            chunk_free(a, c);
        }
    }
    a->head = keep;
    if (keep != NULL) {
        keep->next = NULL;
        keep->used = 0;
        POISON(keep->data, keep->size);
    }
}

static struct arena_chunk *chunk_new(struct arena *a, size_t n)
{
    bool own = a->head != NULL && n > a->chunk_size / 2;
    size_t size = own || n > a->chunk_size ? n : a->chunk_size;
    struct arena_chunk *c = mem_alloc(a->mem, sizeof(*c) + size);
    if (c == NULL) {
        return NULL;
    }
    c->size = size;
    c->used = 0;
    POISON(c->data, c->size);
    struct arena_chunk **at = own ? &a->head->next : &a->head;
    c->next = *at;
    *at = c;
    return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
    if (n > SIZE_MAX / 2) {
        return NULL;
    }
    size_t want = (n + POISON_GAP + ALIGN - 1) / ALIGN * ALIGN;
    struct arena_chunk *c = a->head;
    if (c == NULL || want > c->size - c->used) {
        c = chunk_new(a, want);
        if (c == NULL) {
            return NULL;
        }
    }
    char *p = c->data + c->used;
    c->used += want;
    UNPOISON(p, n);
    return p;
}

void *arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);
    if (p != NULL) {
        memset(p, 0, n);
    }
    return p;
}

struct str arena_dup(struct arena *a, struct str s)
{
    if (s.n == 0) {
        return str_is_set(s) ? STR("") : STR_NONE;
    }
    return arena_join(a, &s, 1);
}

struct str arena_join(struct arena *a, const struct str *parts, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        total += parts[i].n;
    }
    char *p = arena_alloc(a, total);
    if (p == NULL) {
        return STR_NONE;
    }
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].n > 0) {
            memcpy(p + at, parts[i].p, parts[i].n);
            at += parts[i].n;
        }
    }
    return str_make(p, total);
}

/* Most texts fit what is left of the chunk: then they are formatted once, where they stay. */
struct str arena_fmt(struct arena *a, const char *fmt, ...)
{
    struct arena_chunk *c = a->head;
    size_t room =
        c != NULL && c->size - c->used > POISON_GAP ? c->size - c->used - POISON_GAP : 0;
    char *p = room > 0 ? c->data + c->used : NULL;
    va_list args;
    UNPOISON(p, room);
    va_start(args, fmt);
    int n = vsnprintf(p, room, fmt, args);
    va_end(args);
    POISON(p, room);
    char *text = n >= 0 ? arena_alloc(a, (size_t)n + 1) : NULL;
    if (text == NULL) {
        return STR_NONE;
    }
    if (text != p || (size_t)n >= room) {
        va_start(args, fmt);
        vsnprintf(text, (size_t)n + 1, fmt, args);
        va_end(args);
    }
    return str_make(text, (size_t)n);
}
