/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service manager is told, in the protocol of sd_notify(3): datagrams of NAME=VALUE
 * lines to the socket that NOTIFY_SOCKET names.
 *
 *   service_open ──► service_ready ──► (service_reloading ──► service_ready)… ──►
 *   service_stopping ──► service_close
 *
 * READY=1 once the listeners listen and what was kept is back; RELOADING=1 with the time;
 * STOPPING=1 with as much time as timers.stop_s grants; STATUS= in words, when it has changed.
 *
 * WATCHDOG=1 four times within the time that WATCHDOG_USEC gives, from a timer of the loop: so
 * not when the loop does not turn. And only when the store's thread has answered what it was
 * asked the time before: a server that cannot keep anything any more is dead, too. A disk that
 * refuses is not, as its thread answers.
 *
 * FDSTORE=1 with each listener, after those of the configuration before are forgotten: after a
 * crash the manager hands them to the next process, and what the kernel had queued meanwhile is
 * not lost.
 *
 * Without NOTIFY_SOCKET all of it does nothing and costs nothing.
 */
#ifndef BATON_SERVER_SERVICE_H
#define BATON_SERVER_SERVICE_H

#include "base/out.h"
#include "server/log.h"
#include "store/store.h"
#include <stdatomic.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

struct uv_loop_s;
struct uv_timer_s;

/** The present state in words, one line. */
typedef void (*service_status_fn)(void *ctx, struct out *o);

struct service {
    int fd; /**< -1: nobody wants to hear */
    struct sockaddr_un to;
    socklen_t to_len;
    struct log *log;
    struct store *store; /**< NULL: there is none that must answer */
    service_status_fn status;
    void *ctx;
    struct uv_timer_s *timer;
    bool watched;         /**< WATCHDOG=1 is wanted */
    atomic_bool answered; /**< by the store's thread, since it was asked */
    bool silent;          /**< it was told that the store does not answer */
    char last[200];       /**< STATUS as it was told last */
};

/**
 * @param loop  where the timer turns
 * @return false when memory is out
 */
bool service_open(struct service *v, struct uv_loop_s *loop, struct log *log,
                  service_status_fn status, void *ctx);
/** @param store  whose thread must answer for the watchdog; it has been started. NULL: none */
void service_ready(struct service *v, struct store *store);
void service_reloading(struct service *v);
/** @param stop_ms  for the calls that stand to end */
void service_stopping(struct service *v, uint64_t stop_ms);
/** The manager keeps none under that name any more. */
void service_forget(struct service *v, const char *name);
/** Have the manager keep a descriptor under that name. */
void service_keep(struct service *v, const char *name, int fd);
/** The store's thread has ended. Before the loop's last run. */
void service_close(struct service *v);

#endif
