/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes of the API that are about the server itself: what it is asked by those who run it.
 *
 *   POST /v1/admin/reload   the configuration anew: what changed, or what is wrong and where
 *   POST /v1/admin/drain    no new calls, or calls again
 *   GET, PUT /v1/admin/log  levels by module; whom to follow, and for how long
 *   POST /v1/admin/backup   the database as it is now (admin_backup.c)
 *   GET /v1/listeners       where it listens
 *   GET /metrics            admin_metrics.c
 *   GET /healthz, /readyz   is it alive, does it take calls
 *
 * Handlers run in the API's thread and get here by api_host; all that stands below belongs to
 * the engine's thread, where their jobs run, but for what says otherwise.
 */
#ifndef BATON_SERVER_ADMIN_H
#define BATON_SERVER_ADMIN_H

#include "engine/engine.h"
#include "server/capturing.h"
#include "server/keeping.h"
#include "server/log.h"
#include "server/reload.h"
#include "server/serving.h"

enum { ADMIN_LISTENERS = 16 };

struct backup;

struct admin {
    struct log *log; /**< any thread may use it */
    struct net *net;
    const struct config *config; /**< of the start; never changes */
    struct keeping *keeping;
    struct reload *reload;
    struct serving *serving;
    struct capturing *capturing;
    /** As SIGHUP does, without the log file. @return false: the server stops, nothing is done
     */
    bool (*reload_now)(void *ctx);
    /** Levels of the log have changed. */
    void (*levels)(void *ctx);
    void *ctx;

    bool draining;
    bool stopping;
    uint64_t started_s;
    struct api_listen api[ADMIN_LISTENERS]; /**< where the API listens; paths are `paths` */
    char paths[ADMIN_LISTENERS][128];
    size_t api_count;

    struct backup *backup; /**< that is being made or sent, or NULL; the API's thread's */
};

/** The API's thread has ended: a backup that is being made ends, too. Before api_free. */
void admin_stop(struct admin *a);

/** Where the API listens: before its thread starts. */
void admin_note_listeners(struct admin *a);

#endif
