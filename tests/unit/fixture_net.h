/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A network in memory and in virtual time, for tests of whatever stands on `struct env`.
 *
 * A node is an IP address with an env of its own: UDP and streams (TCP, TLS, WS, WSS) on ports
 * 5060 and 5061, names, randomness from the net's seed. What a node sends becomes an event that
 * is due after the latency; vnet_run_until delivers events and lets nodes tick in the order of
 * time, so a run with one seed is always the same run.
 *
 *   UDP      loss, duplication and reordering by chance; a tap sees each packet first and may
 *            drop, delay or double it; what goes to an unknown address is lost
 *   streams  in order and complete, whole messages; connecting to nobody closes the flow
 *            after the latency; vnet_close closes both ends; over TLS each name that is
 *            wanted at an address has a connection of its own
 *   NAT      a node with `outside` set is seen, and reached, only at that address
 *
 * BATON_TRACE=1 prints the ladder to stderr.
 */
#ifndef BATON_TESTS_FIXTURE_NET_H
#define BATON_TESTS_FIXTURE_NET_H

#include "base/env.h"
#include "base/list.h"
#include "kit_dns.h"

struct vnode;

/** What stands on a node. Any member may be NULL. */
struct vnode_user {
    void (*receive)(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms);
    void (*tick)(void *ctx, uint64_t now_ms);
    uint64_t (*deadline)(void *ctx); /**< UINT64_MAX: nothing to do */
    void (*flow_closed)(void *ctx, uint32_t flow, uint64_t now_ms);
    void (*resolved)(void *ctx, uint64_t now_ms);
};

struct vpacket {
    struct vnode *from, *to; /**< to: NULL when nobody is there */
    uint8_t transport;
    struct str bytes;  /**< the tap may put others there, which live until the next packet */
    uint32_t copies;   /**< 1; the tap may say 0 (drop) or more */
    uint32_t delay_ms; /**< the tap may change it; streams stay in order */
};

struct vnet {
    uint64_t now_ms;
    uint64_t random;
    uint32_t latency_ms;               /**< one way; default 5 */
    uint32_t loss, duplicate, reorder; /**< percent of UDP packets */
    void (*tap)(void *ctx, struct vpacket *p);
    void *tap_ctx;
    bool trace;
    uint64_t sequence, sent, lost;
    uint32_t next_flow;
    struct list nodes, events, flows, names;
    struct dns_record answer[32]; /**< the last one to a look-up */
};

struct vnode {
    struct vnet *net;
    struct list link;
    const char *name;
    struct addr addr;
    struct addr outside; /**< of its NAT; family 0: none */
    uint32_t udp_flow;
    uint16_t next_port;
    size_t queued; /**< what env->queued says of its streams: for peers that do not read */
    struct env env;
    const struct vnode_user *user;
    void *ctx;
};

void vnet_init(struct vnet *net, uint64_t seed);
/** Frees what is under way; nodes are the caller's. */
void vnet_fini(struct vnet *net);

/** @param mem memory of the node's env, borrowed */
void vnet_add(struct vnet *net, struct vnode *node, const char *name, const char *ip,
              const struct mem *mem, const struct vnode_user *user, void *ctx);

/** A DNS record, written as kit_dns_add has it: "SRV 10 60 5060 a.example.com". A delay makes
   the first question E_AGAIN and `resolved` follow. */
void vnet_record(struct vnet *net, const char *name, const char *record, uint32_t delay_ms);
/** A or AAAA of a host name. */
void vnet_name(struct vnet *net, const char *name, const char *ip, uint32_t delay_ms);

/** Both ends of every stream between these two hear flow_closed. @return how many streams */
size_t vnet_close(struct vnet *net, const struct vnode *a, const struct vnode *b);

/** Let time pass. Everything that is due until then happens. */
void vnet_run_until(struct vnet *net, uint64_t time_ms);
void vnet_run_for(struct vnet *net, uint64_t ms);

/** Until nothing is under way and no node has a deadline, or `limit_ms` have passed.
    @return true: all is quiet */
bool vnet_run_quiet(struct vnet *net, uint64_t limit_ms);

/** The hop by which `from` reaches `to` (port 5060, or 5061 for TLS and WSS), no flow yet. */
struct hop vnet_hop(const struct vnode *to, enum transport transport);

uint64_t vnet_random(struct vnet *net);

#endif
