/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding servers (RFC 3263): from what a URI says to the addresses that a request may go to,
 * best first.
 *
 *   numeric host                 that address                                     §4.2
 *   port given                   A, AAAA                                          §4.2
 *   transport given              SRV of it (_sip._tcp.NAME); none: A, AAAA        §4.2
 *   neither                      NAPTR → SRV → A, AAAA                            §4.1
 *                                no NAPTR: SRV of each transport that we have; none: A, AAAA
 *
 * What nobody said is UDP, over sips TLS. WebSocket is never found: only its client connects
 * (RFC 7118 §5), and that is not us.
 *
 * It is a function: no state is kept between calls, so a look-up that is not finished is simply
 * begun again when the environment has heard more. All questions that can be asked at the same
 * time are.
 *
 * COST. Nothing for a numeric host; else a cache look-up for each record, and some 6 KiB of
 * stack.
 */
#ifndef BATON_ROUTE_LOCATE_H
#define BATON_ROUTE_LOCATE_H

#include "base/env.h"

/** Hops of one target at most; what DNS says beyond is left out. */
#define ROUTE_HOPS 16

struct route_want {
    struct str host;
    uint16_t port;            /**< 0: not given */
    bool sips;                /**< TLS on each way */
    enum transport transport; /**< TP_NONE: not given */
};

struct route_hops {
    size_t n;
    struct hop hop[ROUTE_HOPS]; /**< no flow; transport and remote with its port are set */
};

/**
 * The hops for a target, in the order in which they are to be tried: NAPTR by order and
 * preference, SRV by priority and, by chance, weight (RFC 2782), of a server with addresses of
 * both families IPv6 first. None is in the list twice, and none that env->reaches denies.
 * @return 0 and out->n > 0; E_AGAIN: a look-up runs, call again (engine_resolved says when);
 *         E_NOTFOUND; E_IO: no name server answers; E_UNSUPPORTED: no such transport here
 */
int route_locate(const struct env *env, const struct route_want *want, struct route_hops *out);

#endif
