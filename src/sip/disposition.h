/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request-Disposition: how a caller would like his request to be treated (RFC 3841 §9.1).
 *
 * Six matters, of each of which he may have said one thing, or its opposite, or nothing. They
 * are wishes: whoever heeds them says where his own policy goes before.
 */
#ifndef BATON_SIP_DISPOSITION_H
#define BATON_SIP_DISPOSITION_H

#include "sip/msg.h"

/** What a caller said of one of the six matters, or that he did not. */
enum directive { DIRECTIVE_NONE, DIRECTIVE_YES, DIRECTIVE_NO };

/** Members hold enum directive. */
struct disposition {
    uint8_t proxy;    /**< NO: redirect */
    uint8_t cancel;   /**< NO: do not CANCEL the others after a 2xx */
    uint8_t fork;     /**< NO: only the best one */
    uint8_t recurse;  /**< NO: pass 3xx on */
    uint8_t parallel; /**< NO: sequential */
    uint8_t queue;    /**< NO: refuse rather than let wait */
};

/**
 * Unknown words are passed over; of two for one matter the first counts. Who asks for
 * "redirect" has said nothing about fork, recurse and parallel, whatever stands there (§9.1).
 */
void disposition_read(const struct sip_msg *m, struct disposition *out);

#endif
