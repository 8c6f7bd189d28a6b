/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store in memory for a world: what the engine hands over, and put back after a restart as
 * the server does it.
 *
 * Checks by itself that numbers of events have no hole, and that what is put or dropped has a
 * key.
 */
#ifndef BATON_TESTS_KEEP_H
#define BATON_TESTS_KEEP_H

#include "base/store.h"
#include "world.h"

struct kept_event {
    struct store_event e; /* strings in `block` */
    char *block;
};

struct kept_row {
    enum store_kind kind;
    char *key, *value;
    size_t key_n, value_n;
};

struct keep {
    struct store_ops ops;
    struct kept_event *event;
    size_t events, event_cap;
    struct kept_row *row;
    size_t rows, row_cap;
    uint64_t puts;
    size_t fail_at; /**< of the allocations while it is put back; 0: none fails */
    size_t calls;   /**< how many there were, the last time */
};

void keep_init(struct keep *k);
void keep_fini(struct keep *k);

/** What the engine is given back: all rows, in the order of their kinds. */
void keep_give(struct world *w, const struct keep *k);
/** world_restart, and everything that was kept is put back. */
void keep_restart(struct world *w, struct keep *k);

/** Rows of that kind. */
size_t keep_count(const struct keep *k, enum store_kind kind);

/** "Originated Delivered …": events of nobody about that call, or about all for NULL. */
const char *keep_story(const struct keep *k, const char *call_id);

#endif
