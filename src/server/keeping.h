/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's store: opened before the engine, put back into it, woken by its thread.
 *
 *   keeping_open ──► (engine_new, listeners) ──► keeping_restore ──► keeping_after …
 *                                                                ──► keeping_close
 *
 * Without `store.path` there is none, unless the HTTP API has those who follow the journal:
 * then it is in memory, and nothing waits for it (hold.h).
 */
#ifndef BATON_SERVER_KEEPING_H
#define BATON_SERVER_KEEPING_H

#include "engine/engine.h"
#include "server/config.h"
#include "server/log.h"
#include "store/hold.h"
#include "store/store.h"

struct uv_async_s;

struct keeping {
    struct store *store; /**< NULL: nothing outlives the process, and nobody follows */
    struct hold *hold;   /**< NULL: nothing waits */
    struct log *log;
    struct net *net;
    struct engine *engine; /**< NULL before keeping_restore and after keeping_close */
    struct uv_async_s *async;
    bool refuses; /**< while the store is broken nothing new comes in */
    /** After the thread has woken us. */
    void (*woken)(void *ctx);
    void *ctx;
};

/**
 * Open the database.
 * @param env  in: the sockets; out: what the engine gets instead
 * @return false after the complaint
 */
bool keeping_open(struct keeping *k, const struct config *c, struct log *log, struct net *net,
                  const struct env **env);
/** net_set_trace_from was called. */
void keeping_trace_from(struct keeping *k);
/** NULL: there is no store. */
const struct store_ops *keeping_ops(struct keeping *k);
/** Put back what was kept, and start the thread. The listeners are there. */
bool keeping_restore(struct keeping *k, struct engine *e);
/** The engine has done something. */
void keeping_after(struct keeping *k);
/** Does something that was sent wait for the disk? */
bool keeping_waits(const struct keeping *k);
/** Wait until nothing waits for the disk, for a second at most. */
void keeping_settle(struct keeping *k);
/** Counters, by name. */
void keeping_each_stat(struct keeping *k,
                       void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx);
/** All that was handed over is written. The engine is gone. Before net_free. */
void keeping_close(struct keeping *k);

#endif
