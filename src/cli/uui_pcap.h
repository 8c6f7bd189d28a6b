/* SPDX-License-Identifier: Apache-2.0 */
/* Capture files, pcap and pcapng, read with libpcap; what is in their frames is uui_frames.h's.
 */
#ifndef BATON_CLI_UUI_PCAP_H
#define BATON_CLI_UUI_PCAP_H

#include "lint/frames.h"
#include <stdio.h>

/** Does a file that begins with these four octets hold a capture? */
bool uui_pcap_is(const unsigned char head[4]);

/** Which packet a message was completed by. */
struct uui_pcap_at {
    size_t packet; /**< from 1 */
    int64_t time_us;
};

/**
 * Read a capture to its end. on_message is called by *f, with *at set.
 * @param in   its beginning; closed
 * @param why  of a failure: a text for people, at least 256 octets
 * @return 0, E_SYNTAX (no capture, damaged, a link type that is not known), E_NOMEM
 */
int uui_pcap_read(FILE *in, struct frames *f, struct uui_pcap_at *at, char *why) MUST_USE;

#endif
