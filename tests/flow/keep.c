/* SPDX-License-Identifier: Apache-2.0 */
/* See keep.h. */
#include "keep.h"

#include "base/attr.h"
#include <stdio.h>
#include <stdlib.h>

static void *grown(void *p, size_t n, size_t *cap, size_t size)
{
    if (n < *cap) {
        return p;
    }
    *cap = *cap == 0 ? 64 : *cap * 2;
    p = realloc(p, *cap * size);
    if (p == NULL) {
        abort();
    }
    return p;
}

static char *copy(struct str s)
{
    char *p = malloc(s.n + 1);
    if (p == NULL) {
        abort();
    }
    if (s.n > 0) {
        memcpy(p, s.p, s.n);
    }
    return p;
}

static void on_event(void *ctx, const struct store_event *e)
{
    struct keep *k = ctx;
    struct kept_event *to;
    size_t n = 0;
    CHECK(k->events == 0 || e->number == k->event[k->events - 1].e.number + 1);
    CHECK(e->event.n > 0);
    k->event = grown(k->event, k->events, &k->event_cap, sizeof(*k->event));
    to = &k->event[k->events++];
    to->e = *e;
    struct str *all[] = {&to->e.watched,   &to->e.call_id, &to->e.event,  &to->e.cause,
                         &to->e.subject,   &to->e.calling, &to->e.called, &to->e.other,
                         &to->e.user_data, &to->e.data};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        n += all[i]->n;
    }
    to->block = malloc(n + 1);
    if (to->block == NULL) {
        abort();
    }
    char *at = to->block;
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i]->p != NULL) {
            memcpy(at, all[i]->p, all[i]->n);
            all[i]->p = at;
            at += all[i]->n;
        }
    }
}

static struct kept_row *find(const struct keep *k, enum store_kind kind, struct str key)
{
    for (size_t i = 0; i < k->rows; i++) {
        struct kept_row *r = &k->row[i];
        if (r->kind == kind && str_eq(str_make(r->key, r->key_n), key)) {
            return r;
        }
    }
    return NULL;
}

static void on_put(void *ctx, enum store_kind kind, struct str key, struct str value)
{
    struct keep *k = ctx;
    struct kept_row *r = find(k, kind, key);
    CHECK(key.n > 0);
    k->puts++;
    if (r == NULL) {
        k->row = grown(k->row, k->rows, &k->row_cap, sizeof(*k->row));
        r = &k->row[k->rows++];
        *r = (struct kept_row){.kind = kind, .key = copy(key), .key_n = key.n};
    }
    free(r->value);
    r->value = copy(value);
    r->value_n = value.n;
}

static void on_drop(void *ctx, enum store_kind kind, struct str key)
{
    struct keep *k = ctx;
    struct kept_row *r = find(k, kind, key);
    CHECK(key.n > 0);
    if (r != NULL) {
        free(r->key);
        free(r->value);
        *r = k->row[--k->rows];
    }
}

static void on_clear(void *ctx)
{
    struct keep *k = ctx;
    while (k->rows > 0) {
        k->rows--;
        free(k->row[k->rows].key);
        free(k->row[k->rows].value);
    }
}

void keep_init(struct keep *k)
{
    *k = (struct keep){
        .ops = {
            .ctx = k, .event = on_event, .put = on_put, .drop = on_drop, .clear = on_clear}};
}

void keep_fini(struct keep *k)
{
    for (size_t i = 0; i < k->events; i++) {
        free(k->event[i].block);
    }
    for (size_t i = 0; i < k->rows; i++) {
        free(k->row[i].key);
        free(k->row[i].value);
    }
    free(k->event);
    free(k->row);
}

/* Rows may be dropped while they are put back: from a copy of the table. */
void keep_give(struct world *w, const struct keep *k)
{
    size_t rows = k->rows;
    struct kept_row *row = malloc((rows + 1) * sizeof(*row));
    if (row == NULL) {
        abort();
    }
    for (size_t i = 0; i < rows; i++) {
        row[i] = k->row[i];
        row[i].key = copy(str_make(k->row[i].key, k->row[i].key_n));
        row[i].value = copy(str_make(k->row[i].value, k->row[i].value_n));
    }
    for (int kind = 0; kind < STORE_KINDS; kind++) {
        for (size_t i = 0; i < rows; i++) {
            if ((int)row[i].kind == kind) {
                engine_restore_row(w->engine, row[i].kind, str_make(row[i].key, row[i].key_n),
                                   str_make(row[i].value, row[i].value_n), w->net.now_ms);
            }
        }
    }
    for (size_t i = 0; i < rows; i++) {
        free(row[i].key);
        free(row[i].value);
    }
    free(row);
}

void keep_restart(struct world *w, struct keep *k)
{
    size_t events = k->events, before;
    world_restart(w);
    before = w->mem.calls;
    if (k->fail_at != 0) {
        w->mem.fail_at = w->mem.calls + k->fail_at;
    }
    engine_restore_head(w->engine, 0, events > 0 ? k->event[events - 1].e.number : 0);
    for (size_t i = 0; i < events; i++) {
        if (k->event[i].e.watched.n > 0) {
            engine_restore_event(w->engine, &k->event[i].e);
        }
    }
    keep_give(w, k);
    engine_restored(w->engine, w->net.now_ms);
    w->mem.fail_at = 0;
    k->calls = w->mem.calls - before;
}

size_t keep_count(const struct keep *k, enum store_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < k->rows; i++) {
        n += k->row[i].kind == kind ? 1 : 0;
    }
    return n;
}

const char *keep_story(const struct keep *k, const char *call_id)
{
    static char text[4096];
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; i < k->events; i++) {
        const struct store_event *e = &k->event[i].e;
        if (e->watched.n == 0 && e->call_id.n > 0 &&
            (call_id == NULL || str_eq(e->call_id, str_c(call_id)))) {
            struct str name = e->event;
            name.n -= str_ends(name, STR("Event")) ? 5 : 0;
            n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n > 0 ? " " : "",
                                  STR_ARG(name));
        }
    }
    return text;
}
