/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HEPv3, the Homer Encapsulation Protocol: a copy of each message to a collector (Homer,
 * sngrep), with where it came from, when, and which call it belongs to.
 *
 *   "HEP3"  length of the whole, 16 bits, then chunks:
 *   vendor 16 (0)   type 16   length 16 with these six octets   data
 *
 *   1 family   2 protocol (17 UDP, 6 TCP)   3-6 addresses   7, 8 ports   9, 10 time
 *   11 what it is (1 SIP, 100 a log: CSTA)   12 node number   14 key
 *   15 the message   17 correlation: callID   19 node name
 *
 * What came over TLS or WebSocket is sent as it was said, without the encryption: keep the way
 * to the collector private, or use TLS.
 */
#ifndef BATON_CAPTURE_HEP_H
#define BATON_CAPTURE_HEP_H

#include "capture/reel.h"

/** Octets of one packet at most: its length has 16 bits. */
#define HEP_MAX 65535

enum hep_type { HEP_SIP = 1, HEP_LOG = 100 };

struct hep_node {
    uint32_t id;
    struct str name; /**< absent: not sent */
    struct str key;  /**< likewise */
};

/**
 * One packet. @param call  correlation identifier; absent: not known
 * @return false: it is longer than HEP_MAX; or the message has no address
 */
bool hep_write(const struct hep_node *node, const struct capture_msg *m, struct str call,
               struct out *o) MUST_USE;

#endif
