/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does anybody listen at that UDP port? A machine on which nobody does says so (ICMP), but only
 * a connected socket hears it, and a transaction would try for half a minute. So an empty line,
 * a keep-alive to who speaks SIP (RFC 5626 §3.5.1), goes there once from a socket of its own.
 * What is answered otherwise, or not at all, is no news.
 */
#ifndef BATON_CLI_UA_KNOCK_H
#define BATON_CLI_UA_KNOCK_H

#include "base/addr.h"
#include <uv.h>

/** Zeros before; part of its owner, who runs the loop until the handle is closed. */
struct ua_knock {
    uv_udp_t socket;
    void (*refused)(void *owner);
    void *owner;
    char room[64]; /**< for what comes, which nobody reads */
};

/** @param refused  called once, from the loop; the knock is over then */
void ua_knock_at(struct ua_knock *k, uv_loop_t *loop, const struct addr *to,
                 void (*refused)(void *owner), void *owner);

/** Allowed at any time, also when nothing was begun; the loop has to turn once more. */
void ua_knock_end(struct ua_knock *k);

#endif
