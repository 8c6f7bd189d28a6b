/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two scans that touch every octet of a head: private to the sip module.
 *
 * Sixteen octets a step with SSE2 where the target has it (every x86-64 does), one octet a
 * step elsewhere and at the end of the buffer: nothing is read beyond `end`. Building with
 * -DSIP_SCAN_SCALAR takes the plain loops, which is how the tests compare the two.
 */
#ifndef BATON_SIP_SCAN_H
#define BATON_SIP_SCAN_H

#include <stddef.h>

#if defined(__SSE2__) && !defined(SIP_SCAN_SCALAR)
#define SIP_SCAN_SSE2 1
#include <emmintrin.h>
#else
#define SIP_SCAN_SSE2 0
#endif

/* The first CR, LF or other control octet but HTAB in [p, end), or `end`. */
static inline const char *sip_scan_control(const char *p, const char *end)
{
#if SIP_SCAN_SSE2
    const __m128i top = _mm_set1_epi8(0x1f);
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned hit = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(x, top), x));
        for (; hit != 0; hit &= hit - 1) {
            const char *at = p + __builtin_ctz(hit);
            if (*at != '\t') {
                return at;
            }
        }
        p += 16;
    }
#endif
    while (p < end && ((unsigned char)*p > 0x1f || *p == '\t')) {
        p++;
    }
    return p;
}

/* The first ':' in [p, end), or `end`. */
static inline const char *sip_scan_colon(const char *p, const char *end)
{
#if SIP_SCAN_SSE2
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned hit = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, _mm_set1_epi8(':')));
        if (hit != 0) {
            return p + __builtin_ctz(hit);
        }
        p += 16;
    }
#endif
    while (p < end && *p != ':') {
        p++;
    }
    return p;
}

#endif
