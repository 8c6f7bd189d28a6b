/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSTA XML over TCP: a header of eight octets before each message (ECMA-323 Annex J.2, "without
 * SOAP"; Annex G of edition 3).
 *
 *   0-1   00 00
 *   2-3   length of the whole, these eight octets included, most significant octet first
 *   4-7   invoke identifier, four ASCII digits
 *   8-…   XML
 *
 * Whoever asks chooses an identifier, and the answer repeats it; each direction has its own.
 * 9999 is that of events, which nobody answers.
 */
#ifndef BATON_CSTA_FRAME_H
#define BATON_CSTA_FRAME_H

#include "base/attr.h"
#include "base/str.h"

enum {
    CSTA_FRAME_HEADER = 8,
    CSTA_FRAME_MAX = 65535, /**< octets of a whole frame: its length has 16 bits */
    CSTA_INVOKE_EVENT = 9999,
};

enum csta_framing {
    CSTA_FRAME_MORE,  /**< octets are missing */
    CSTA_FRAME_WHOLE, /**< one is there */
    CSTA_FRAME_BAD,   /**< what stands here is no frame: nothing behind it can be told apart */
};

struct csta_frame {
    uint16_t invoke; /**< 0 to 9999 */
    struct str xml;  /**< a slice of the octets; may be empty */
};

/**
 * The frame at the beginning of `bytes`.
 * @param used  out, when WHOLE: its octets
 *
 * Says BAD as soon as the octets that are there cannot become a frame.
 */
enum csta_framing csta_frame_next(struct str bytes, struct csta_frame *out, size_t *used);

/**
 * Write the header of a frame. @return false: the XML is too long for one
 * @param invoke  0 to 9999
 */
bool csta_frame_header(char out[CSTA_FRAME_HEADER], unsigned invoke, size_t xml_len) MUST_USE;

#endif
