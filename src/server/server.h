/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server: configuration, sockets and engine put together, and its life from start to end.
 *
 * SIGTERM or SIGINT: no new calls, end the standing ones, exit when all has ended or after
 * timers.stop_s. A second one: exit at once. SIGHUP: reopen the log file and
 * read the configuration again (reload.h). SIGUSR1: counters
 * into the log. SIGUSR2: become the program that stands now where this one did (upgrade.h).
 */
#ifndef BATON_SERVER_SERVER_H
#define BATON_SERVER_SERVER_H

#include "server/config.h"
#include "server/inherit.h"
#include "server/log.h"

/**
 * Run until told to stop.
 * @param in    what we were started with; closed once we have started
 * @param argv  the command line, for an upgrade; NULL at its end
 * @return 0: stopped when told to; 1: could not start, or was made to stop with calls standing
 */
int server_run(struct config *c, struct log *l, struct inherited *in, char *const *argv);

#endif
