/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cut messages out of a byte stream (RFC 3261 §18.3) without looking at a byte twice.
 *
 * The caller keeps the bytes in a buffer of its own; the framer keeps only how far it has
 * looked. It finds the empty line, then Content-Length (full or compact name), and says
 * how long the message is. CRLF before a start line is skipped; a double CRLF is the
 * keep-alive ping of RFC 5626 §4.4.1 and is reported.
 */
#ifndef BATON_SIP_FRAMER_H
#define BATON_SIP_FRAMER_H

#include "sip/msg.h"

struct sip_framer {
    uint32_t skip;    /**< CRLF octets before the start line */
    uint32_t looked;  /**< octets that hold no end of the head */
    uint32_t total;   /**< length of skip + message once known, else 0 */
    uint8_t crlf;     /**< 2: a CRLF was just reported as a pong */
};

void sip_framer_init(struct sip_framer *f);

enum sip_frame {
    SIP_FRAME_MORE,    /**< incomplete */
    SIP_FRAME_MESSAGE, /**< *msg is one message */
    SIP_FRAME_PING,    /**< a double CRLF: answer with one CRLF */
    SIP_FRAME_PONG,    /**< a single CRLF, nothing behind it yet: nothing to do. When the
                            second half of a ping comes later, that is a PING of its own */
    SIP_FRAME_BAD,     /**< cannot be framed; answer *fault if it has a status, then close.
                            *msg is the head if that was complete (index it for the answer) */
};

/**
 * @param bytes  all octets that are in the buffer and not consumed; the same octets as
 *               before with new ones behind them
 * @param used   octets to drop from the front of the buffer (after handling *msg)
 */
enum sip_frame sip_framer_next(struct sip_framer *f, struct str bytes,
                               const struct sip_limits *limits, struct str *msg,
                               size_t *used, struct sip_fault *fault);

#endif
