/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that this process was started with, from one of two who may have left them:
 *
 *   the service manager (sd_listen_fds(3)): sockets of a socket unit, or those that it keeps
 * for us over a crash. LISTEN_PID is us, LISTEN_FDS says how many there are from 3 on,
 *     LISTEN_FDNAMES what each is for.
 *   the process that we were before an upgrade (upgrade.h): BATON_HANDOVER is
 * "PID:STATE:PROGRAM", where STATE is a file in memory that names the sockets and has a row for
 * each connection, and PROGRAM the executable that it was; -1: there is no way back.
 *
 *   inherit_read ──► inherit_sockets (for the listeners) ──► inherit_connections ──►
 * inherit_close └────────────────────┴──(this process cannot start)──┴──► inherit_go_back
 *
 * What is given to the sockets' layer are copies: until inherit_close everything can be handed
 * back to the program before.
 */
#ifndef BATON_SERVER_INHERIT_H
#define BATON_SERVER_INHERIT_H

#include "net/net.h"
#include "server/log.h"

struct inherited_fd {
    int fd;
    const char *name; /**< of a socket that listens: what it is for. NULL: a connection */
    struct str row;   /**< of a connection */
};

struct inherited {
    struct inherited_fd *fds;
    size_t count;
    char *text;  /**< what names and rows point into */
    int state;   /**< descriptor of the process before us; -1: there was none */
    int program; /**< its executable; -1: no way back */
};

/**
 * Read the environment, and take the variables out of it: they are not our children's.
 * @return 0; E_NOMEM; E_VALUE, E_SYNTAX: what was left makes no sense, and is left alone
 */
int inherit_read(struct inherited *in);

/** Give copies of the sockets to the listeners to come. @return false after the complaint */
bool inherit_sockets(const struct inherited *in, struct net *n, struct log *log);

/** The connections go on, in copies. @return how many do */
size_t inherit_connections(const struct inherited *in, struct net *n, struct log *log);

/** Close the originals: we have started. */
void inherit_close(struct inherited *in);

/** We cannot start: be the program before again, with all that it left. Returns when there is
    none. @param argv  ends with NULL */
void inherit_go_back(struct inherited *in, char *const argv[]);

/* ---- the other side ---- */

struct legacy;

/** To leave something behind. NULL: memory or descriptors are out */
struct legacy *legacy_new(void);
void legacy_free(struct legacy *l);
/** @param name  NULL: a connection. @param row  absent: a socket that listens */
void legacy_add(struct legacy *l, int fd, const char *name, struct str row);
/** A socket that listens and that we close before legacy_exec. */
void legacy_add_copy(struct legacy *l, int fd, const char *name);
/** Nothing more is added. @return false: it cannot be written down */
bool legacy_seal(struct legacy *l);
/**
 * Be another program, with all that was added, and with the way back to this one. Only returns
 * when neither can be, with errno.
 * @param argv  ends with NULL
 */
void legacy_exec(struct legacy *l, const char *program, char *const argv[]);

#endif
