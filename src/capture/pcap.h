/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages as a file of captured packets (pcap, link type RAW: IP without a link layer), for
 * Wireshark, tshark and sngrep.
 *
 *   came over      stands there as
 *   UDP            a datagram
 *   TCP            segments of a connection, numbers one behind the other
 *   TLS, WS, WSS   datagrams: what was said, without the encryption and the frames, so that
 *                  whoever reads the file sees SIP and needs no key
 *   HTTP           segments, to port 80, whatever it was
 *
 * Messages within the process have no address and are left out. Checksums are right.
 */
#ifndef BATON_CAPTURE_PCAP_H
#define BATON_CAPTURE_PCAP_H

#include "capture/story.h"

/** The whole file. */
void pcap_write(const struct story *s, struct out *to);

/** One IP packet with a UDP datagram in it, checksums too. At most 65507 octets of payload;
    what is longer is cut. */
void pcap_datagram(const struct addr *from, const struct addr *to, struct str payload,
                   struct out *out);

#endif
