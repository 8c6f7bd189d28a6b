/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's frame, for the files that it is made of:
 *
 *   server.c      made, told by signals, stopped, given up
 *   ears.c        what sockets, clock and names tell the engine
 *   listening.c   where it listens, and who keeps that for it
 *   handing.c     the other program takes over
 */
#ifndef BATON_SERVER_FRAME_H
#define BATON_SERVER_FRAME_H

#include "server/admin.h"
#include "server/capturing.h"
#include "server/keeping.h"
#include "server/reload.h"
#include "server/server.h"
#include "server/service.h"
#include "server/serving.h"
#include "server/trace.h"
#include "server/upgrade.h"
#include <uv.h>

enum { SERVER_SIGNALS = 5 };

struct server {
    struct config *config;
    struct log *log;
    struct sip_trace *trace; /**< NULL: nobody wants one */
    struct capturing capturing;
    struct directory directory;
    struct reload reload; /**< what of the configuration can change */
    int pid_file;
    struct keeping keeping; /**< what outlives the process */
    struct service service; /**< who started us and watches over us */
    struct inherited *inherited;
    struct upgrade upgrade;
    struct serving serving; /**< the HTTP API */
    struct admin admin;     /**< its routes about the server itself */
    uv_timer_t follow;      /**< until the next following in the log ends */
    struct net *net;
    struct engine *engine;
    uv_signal_t signals[SERVER_SIGNALS];
    uv_timer_t limit; /**< of Stopping */
    bool handles;     /**< signals and limit are initialised */
    bool stopping;
    int code;
};

/* ---- server.c ---- */

/** Signals wait, or do not. */
void server_block_signals(bool block);
/** Counters into the log. */
void server_write_counters(struct server *s);

/* ---- ears.c ---- */

/** Something has happened to the engine. */
void server_after(struct server *s);
/** What the network is to call. */
struct net_handler server_ears(struct server *s);

/* ---- listening.c ---- */

/** A wildcard listener is reached by every address of this machine: they all mean us. */
void listening_add_interfaces(struct config *c);
/** @return false after the complaint */
bool listening_open(struct server *s);
/** Sockets that were handed over and are no listener's are closed, and that is said. */
void listening_drop_rest(struct server *s);
/** There is no way back any more; the service manager keeps what listens, and is told. */
void listening_started(struct server *s);

/* ---- handing.c ---- */

void handing_init(struct server *s);
/** Somebody wants the other program. */
void handing_begin(struct server *s);

#endif
