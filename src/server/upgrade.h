/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Upgrade: this process becomes the program that stands now where it was started from, and
 * keeps its number, its sockets, and, by the store, its calls.
 *
 *   Idle ──upgrade_begin──> Trying ──it is right──> Waiting ──nothing half done, or time
 * over──> go └──── it is not: said in the log ────> Idle
 *
 * TRYING. The new program is run with our own arguments and --check-start: it reads the
 * configuration, the certificates and the version of the database. When anything is wrong with
 * it we go on as if nothing had been said.
 *
 * WAITING. Calls that are being set up do not outlive a restart (docs/store.md), so a moment is
 * sought in which there is none, and in which no request inside of a dialog waits for its
 * answer; for so long only.
 *
 * GO, one round of the loop later, is the server's: it closes the store and becomes the other
 * program (inherit.h). What comes in meanwhile waits in the kernel.
 */
#ifndef BATON_SERVER_UPGRADE_H
#define BATON_SERVER_UPGRADE_H

#include "server/log.h"
#include <limits.h>

struct uv_loop_s;
struct uv_timer_s;
struct trial;

enum upgrade_state { UPGRADE_IDLE, UPGRADE_TRYING, UPGRADE_WAITING, UPGRADE_LEAVING };

struct upgrade {
    struct log *log;
    struct uv_loop_s *loop;
    char *const *argv;      /**< ours, NULL at its end */
    char program[PATH_MAX]; /**< where we were started from */
    enum upgrade_state state;
    struct trial *trial;
    struct uv_timer_s *timer; /**< of Waiting */
    uint64_t wait_ms, until_ms;
    /** Is there nothing half done? */
    bool (*settled)(void *ctx);
    /** From now on signals wait for the other program; those that have come are heard first. */
    void (*hush)(void *ctx);
    /** Returns only when it could not be done. */
    void (*go)(void *ctx);
    void *ctx;
};

/** The members `argv`, `settled`, `hush`, `go`, `ctx`, `wait_ms` are set. */
void upgrade_init(struct upgrade *u, struct uv_loop_s *loop, struct log *log);
void upgrade_begin(struct upgrade *u);
/** Before the loop's last run. */
void upgrade_close(struct upgrade *u);

#endif
