/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the configuration again while the server runs.
 *
 * All or nothing: a file that is wrong, or memory that is out, leaves everything as it is. What
 * is taken over is taken over at one moment, between two inputs: devices, applications, peers,
 * routes with their dialling plans and time zone, the log level, keys for sealed values, and
 * what `tls` names: certificates, keys and roots are read before anything changes. Calls,
 * sessions and registrations go on; those of a device that is gone from the file are ended.
 * What else differs from the configuration that the server was started with is named in a
 * warning.
 *
 * OWNERSHIP. The configuration of the start is the caller's and stays: the engine borrows from
 * it. Of later ones only the last is kept, for its table of routes.
 */
#ifndef BATON_SERVER_RELOAD_H
#define BATON_SERVER_RELOAD_H

#include "net/net.h"
#include "server/log.h"
#include "server/roster.h"

enum { RELOAD_NAMES = 400, RELOAD_WHY = 600 };

/** What came of the last one, for who asked for it. */
struct reload_report {
    bool taken;
    unsigned line, column;      /**< of what is wrong; 0: it has no place in the file */
    char why[RELOAD_WHY];       /**< what is wrong, without the place */
    char changed[RELOAD_NAMES]; /**< keys that were taken over, "routes, devices" */
    char restart[RELOAD_NAMES]; /**< keys that need a restart */
    size_t gone;                /**< devices that are no longer there */
};

struct reload {
    struct config *first;  /**< of the start */
    struct config *routes; /**< whose routes are in use; may be `first` */
    struct roster roster;
    uint64_t done, refused; /**< counters */
    struct reload_report last;
};

/** Fill the directory from `first`. @return 0 or E_NOMEM; reload_fini in either case */
int reload_init(struct reload *r, struct config *first, struct directory *d);
/** After the engine. */
void reload_fini(struct reload *r);

/**
 * Read first->file again. Writes to the log what came of it.
 * @param net  whose certificates are changed; NULL: nobody's
 * @return true: the new configuration is in use, and r->routes is it
 */
bool reload_run(struct reload *r, struct engine *e, struct net *net, struct log *log,
                uint64_t now_ms);

#endif
