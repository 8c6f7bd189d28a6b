/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The roster: the devices, applications and peers of a running server, in memory of their own.
 *
 * A configuration that is read again is a new list of who there is, but calls, monitors,
 * subscriptions and sessions hang on the structs of the old one. So the structs are the
 * roster's: who was there before keeps his struct and gets what is new about him, who is new
 * gets one, and who is gone leaves the directory.
 *
 *   prepare (may fail, changes nothing) ──► commit (cannot fail)
 *                                      └──► discard
 *
 * WHO IS GONE can neither call, register nor be called, and his secret is erased at once. His
 * struct stays for the rest of the run, because whatever still refers to him ends in its own
 * time, and is taken into use again when he comes back. So memory is bounded by the number of
 * different devices and applications that were ever configured.
 *
 * PEERS lie in an array that never moves (the engine's layers know them by place), with room
 * for limits.peers. A peer that is gone leaves its place empty; it is given to another one at a
 * later change.
 */
#ifndef BATON_SERVER_ROSTER_H
#define BATON_SERVER_ROSTER_H

#include "auth/directory.h"
#include "server/config.h"

struct roster {
    struct directory *directory;
    struct map devices, applications; /**< all that ever were, by key and by name */
    struct list device_list, application_list;
    struct peer *peers;
    char **peer_block; /**< strings of each */
    size_t peer_room;
    uint64_t turn; /**< of changes */
};

struct roster_change;

/** @return 0 or E_NOMEM; roster_fini in either case */
int roster_init(struct roster *r, struct directory *d, size_t peer_room);
/** After the engine, before directory_fini. */
void roster_fini(struct roster *r);

/** Get ready to be what `c` says. @param why  static text when NULL is returned */
struct roster_change *roster_prepare(struct roster *r, const struct config *c,
                                     const char **why);
void roster_discard(struct roster_change *change);

/** `gone` is called for each device that leaves, after it has left the directory. */
void roster_commit(struct roster *r, struct roster_change *change,
                   void (*gone)(void *ctx, struct device *d), void *ctx);

#endif
