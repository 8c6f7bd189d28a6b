/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's capture: made when the configuration wants one, or when a collector of HEP is
 * to get a copy of what it holds. Without either all of it does nothing.
 */
#ifndef BATON_SERVER_CAPTURING_H
#define BATON_SERVER_CAPTURING_H

#include "capture/hep_sender.h"
#include "server/config.h"
#include "server/log.h"

struct capturing {
    struct capture *capture; /**< NULL: nothing is captured */
    struct hep_sender *hep;  /**< NULL: nobody gets a copy */
};

/** The sockets are there, the engine is not yet. @return false after the complaint */
bool capturing_open(struct capturing *k, const struct config *c, struct log *log,
                    struct net *net);
/** net_handler.sent */
void capturing_sent(struct capturing *k, const struct hop *hop, const struct str *run, size_t n,
                    int err);
void capturing_each_stat(struct capturing *k,
                         void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx);
/** The engine is gone. */
void capturing_close(struct capturing *k);

#endif
