/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of the store: asked for here, told in the store's thread, where they are copied and
 * nothing else is done, and handed over.
 */
#include "feed/parts.h"
#include <stdlib.h>

static size_t strings_of(const struct store_event *e)
{
    return e->event.n + e->data.n;
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

/** Rows with what is needed of them, in one block. @return false: no memory */
static bool copy_rows(struct feed_page *p, const struct store_page *from)
{
    size_t n = from->count * sizeof(struct store_row);
    struct store_row *row;
    char *at;

    for (size_t i = 0; i < from->count; i++) {
        n += strings_of(&from->row[i].event);
    }
    p->block = malloc(n > 0 ? n : 1);
    if (p->block == NULL) {
        return false;
    }
    row = p->block;
    at = (char *)(row + from->count);
    for (size_t i = 0; i < from->count; i++) {
        const struct store_event *e = &from->row[i].event;
        row[i] = (struct store_row){.number = from->row[i].number,
                                    .at_ms = from->row[i].at_ms,
                                    .event = {.number = from->row[i].number}};
        row[i].event.event = keep(&at, e->event);
        row[i].event.data = keep(&at, e->data);
    }
    p->copy.row = row;
    return true;
}

/** In the store's thread. */
static void on_page(void *ctx, const struct store_page *page)
{
    struct feed_page *p = ctx;
    struct feed *f = p->feed;

    p->copy = *page;
    p->failed = page->err != 0 || !copy_rows(p, page);
    pthread_mutex_lock(&f->lock);
    list_append(&f->arrived, &p->link);
    pthread_mutex_unlock(&f->lock);
    f->config.wake(f->config.ctx);
}

int page_ask(struct feed *f, const struct store_query *q, struct feed_page *page)
{
    struct store_query shared = *q;

    shared.shared = true;
    page->feed = f;
    f->count.pages++;
    return store_read(f->config.store, &shared, on_page, page);
}

void page_take(struct feed *f, struct list *into)
{
    pthread_mutex_lock(&f->lock);
    while (!list_empty(&f->arrived)) {
        struct list *first = f->arrived.next;
        list_remove(first);
        list_append(into, first);
    }
    pthread_mutex_unlock(&f->lock);
}

void page_free(struct feed_page *p)
{
    if (p != NULL) {
        free(p->block);
        free(p);
    }
}
