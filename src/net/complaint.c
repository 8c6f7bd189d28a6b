/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much is written about connections that others open: handshakes that fail, what cannot be
 * framed, who does not read. Each costs its peer next to nothing, so lines are limited, or he
 * fills the disk with them. The counters have all of them.
 *
 * A source is an IPv4 address, or the /64 of an IPv6 one, and has COMPLAINTS lines in
 * WINDOW_MS; then the number of those that were not written is told once. Sources share
 * COMPLAINT_SLOTS slots by a keyed hash, so that neither memory nor the lines of all of them
 * together have no end; two that share one share its lines.
 */
#include "net/net_int.h"

enum { COMPLAINTS = 5, WINDOW_MS = 10000 };

bool net_may_complain(struct net *n, const struct addr *who)
{
    size_t octets = who->family == ADDR_IP6 ? 8 : who->family == ADDR_IP4 ? 4 : 0;
    uint64_t now_ms = net_now(n);
    uint64_t h = hash_bytes(&n->key, str_make((const char *)who->ip, octets));
    struct net_complaint *c = &n->complaint[h % COMPLAINT_SLOTS];

    if (c->n == 0 || now_ms - c->since_ms >= WINDOW_MS) {
        if (c->n > COMPLAINTS) {
            env_trace(&n->env, TRACE_INFO, "net", "%u more lines like these were not written",
                      c->n - COMPLAINTS);
        }
        c->since_ms = now_ms;
        c->n = 0;
    }
    return c->n++ < COMPLAINTS;
}
