/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's HTTP API: its listeners are opened with the others, its jobs run between two
 * inputs, and it goes when the engine has gone.
 *
 *   serving_open ──► (engine_new, listeners) ──► serving_start ──► serving_after …
 *                                          ──► serving_stop ──► serving_close
 *
 * Without `api.listen` all of it does nothing.
 */
#ifndef BATON_SERVER_SERVING_H
#define BATON_SERVER_SERVING_H

#include "api/api.h"
#include "engine/engine.h"
#include "server/config.h"
#include "server/keeping.h"
#include "server/log.h"

struct uv_async_s;

struct serving {
    struct api *api;         /**< NULL: there is none */
    struct capture *capture; /**< set before serving_open; NULL: nothing is captured */
    struct log *log;
    struct net *net;
    struct engine *engine; /**< NULL before serving_start and after serving_stop */
    struct keeping *keeping;
    struct uv_async_s *async;
    /** After jobs have run: what they have changed is to be flushed. */
    void (*ran)(void *ctx);
    api_each_count each_count; /**< for GET /v1/status */
    void *ctx;
    void *host; /**< for handlers of the server itself (admin.h) */
};

/** Open the listeners. `ran`, `each_count` and `ctx` are set. @return false after the complaint
 */
bool serving_open(struct serving *s, const struct config *c, struct log *log, struct net *net,
                  struct keeping *keeping);
/** Start the thread. @return false after the complaint */
bool serving_start(struct serving *s, struct engine *e);
/** The engine has done something, and it was flushed. */
void serving_after(struct serving *s);
/** No more jobs are waited for: the server stops. */
void serving_stopping(struct serving *s);
/** Other rules. */
void serving_reload(struct serving *s, const struct config *c);
/** Its listeners are for the process after us: fn gets them by the names of their kinds. */
void serving_hand_over(struct serving *s, void (*fn)(void *ctx, const char *kind, int fd),
                       void *ctx);
/** The same for those of TCP, which the service manager keeps. */
void serving_each_listener(const struct serving *s,
                           void (*fn)(void *ctx, const char *kind, int fd), void *ctx);
/** For clients to take what they are still told: at the end, and while phones wait for the
    process after us. */
enum { SERVING_END_MS = 2000, SERVING_UPGRADE_MS = 100 };
/** The thread ends, at most `within_ms` from now. No job is run any more; the store is there
    still. */
void serving_stop(struct serving *s, uint32_t within_ms);
/** After the store. */
void serving_close(struct serving *s);

#endif
