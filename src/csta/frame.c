/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See frame.h. The other header of the standard, 01 00, announces SOAP, which is not spoken
 * here: it is no frame, like everything else that does not begin with 00 00.
 */
#include "csta/frame.h"

enum csta_framing csta_frame_next(struct str bytes, struct csta_frame *out, size_t *used)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t len;

    for (size_t i = 0; i < 2 && i < bytes.n; i++) {
        if (p[i] != 0) {
            return CSTA_FRAME_BAD;
        }
    }
    for (size_t i = 4; i < CSTA_FRAME_HEADER && i < bytes.n; i++) {
        if (p[i] < '0' || p[i] > '9') {
            return CSTA_FRAME_BAD;
        }
    }
    if (bytes.n < 4) {
        return CSTA_FRAME_MORE;
    }
    len = (size_t)p[2] << 8 | p[3];
    if (len < CSTA_FRAME_HEADER) {
        return CSTA_FRAME_BAD;
    }
    if (bytes.n < len) {
        return CSTA_FRAME_MORE;
    }
    out->invoke = 0;
    for (size_t i = 4; i < CSTA_FRAME_HEADER; i++) {
        out->invoke = (uint16_t)(out->invoke * 10 + (p[i] - '0'));
    }
    out->xml = str_make(bytes.p + CSTA_FRAME_HEADER, len - CSTA_FRAME_HEADER);
    *used = len;
    return CSTA_FRAME_WHOLE;
}

bool csta_frame_header(char out[CSTA_FRAME_HEADER], unsigned invoke, size_t xml_len)
{
    size_t len = xml_len + CSTA_FRAME_HEADER;

    if (xml_len > CSTA_FRAME_MAX - CSTA_FRAME_HEADER) {
        return false;
    }
    out[0] = out[1] = 0;
    out[2] = (char)(len >> 8);
    out[3] = (char)(len & 0xff);
    for (size_t i = CSTA_FRAME_HEADER; i > 4; i--) {
        out[i - 1] = (char)('0' + invoke % 10);
        invoke /= 10;
    }
    return true;
}
