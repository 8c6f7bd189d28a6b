/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: configuration, sockets and engine put together, and its life from start to end.
 *
 * SIGTERM or SIGINT: no new calls, end the standing ones, exit when all has ended or after
 * timers.stop_s. A second one: exit at once. SIGHUP: reopen the log file and
 * read the configuration again (reload.h). SIGUSR1: counters
 * into the log.
 */
#ifndef BATON_SERVER_SERVER_H
#define BATON_SERVER_SERVER_H

#include "server/config.h"
#include "server/log.h"

/**
 * Run until told to stop.
 * @return 0: stopped when told to; 1: could not start, or was made to stop with calls standing
 */
int server_run(struct config *c, struct log *l);

#endif
