/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sends HEP: a thread of its own that reads the capture as others do and writes to one
 * collector. Nothing waits for it: when the collector is slow, gone, or never was there, it
 * falls behind, and what the capture has meanwhile pushed out is dropped and counted.
 *
 *   UDP    one packet, one datagram; what is longer than a datagram is dropped
 *   TCP    packets one behind the other; connected again after a pause when it breaks
 *   TLS    the same, with the certificate verified unless the configuration says otherwise
 */
#ifndef BATON_CAPTURE_HEP_SENDER_H
#define BATON_CAPTURE_HEP_SENDER_H

#include "capture/blank.h"
#include "capture/capture.h"
#include "capture/hep.h"

struct hep_config {
    uint8_t transport; /**< TP_UDP, TP_TCP, TP_TLS */
    const char *host;  /**< name or address */
    uint16_t port;
    struct hep_node node;
    bool calls_only;     /**< not what begins no call: REGISTER, OPTIONS … */
    bool sip, csta;      /**< what is sent */
    bool raw;            /**< credentials too */
    enum blank_uui uui;  /**< of User-to-User, likewise */
    const char *ca_file; /**< TLS: whom to believe; NULL: the system's list */
    bool unverified;     /**< TLS: take any certificate */
};

struct hep_stats {
    uint64_t sent, dropped,
        failed; /**< packets; failed: connections that broke or never were */
};

struct hep_sender;

/** Strings of the configuration are the caller's and must outlive it. @return NULL: no memory
    or thread */
struct hep_sender *hep_sender_new(const struct hep_config *config, struct capture *c);
/** Ends the thread (capture_stop) and waits for it. NULL is allowed. */
void hep_sender_free(struct hep_sender *h);
void hep_sender_stats(struct hep_sender *h, struct hep_stats *out);

#endif
