/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that this process was started with, as systemd hands them over
 * (sd_listen_fds(3)): LISTEN_PID is us, LISTEN_FDS says how many there are from 3 on,
 * LISTEN_FDNAMES what each is for.
 *
 *   inherit_read ──► inherit_give (listeners take their sockets) ──► inherit_close
 *
 * They come from a socket unit, from the descriptors that the service manager keeps for us, or
 * from the process that we were before an upgrade. What is given is a copy: until inherit_close
 * all of them could be handed on to somebody else.
 */
#ifndef BATON_SERVER_INHERIT_H
#define BATON_SERVER_INHERIT_H

#include "net/net.h"
#include "server/log.h"

/** Where the first one is. */
#define INHERIT_FIRST 3

struct inherited {
    int count;    /**< 0: there are none */
    char **names; /**< of each; "" when it has none */
    char *text;   /**< what `names` points into */
};

/**
 * Read the environment, and take the variables out of it: they are not our children's.
 * @return 0; E_NOMEM; E_VALUE: the variables make no sense, which changes nothing
 */
int inherit_read(struct inherited *in);

/** Give copies of the sockets to the listeners to come. @return false after the complaint */
bool inherit_give(const struct inherited *in, struct net *n, struct log *log);

/** Close the originals: they are taken, or of no use. */
void inherit_close(struct inherited *in);

#endif
