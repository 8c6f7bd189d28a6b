/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scans that touch every octet of a head, and zeroing: for the sip module,
 * and for who else looks at whole messages.
 *
 * Sixteen octets a step with SSE2 where the target has it (every x86-64 does), one octet a
 * step elsewhere and at the end of the buffer: nothing is read beyond `end`. Building with
 * -DSIP_SCAN_SCALAR takes the plain loops on any target.
 */
#ifndef BATON_SIP_SCAN_H
#define BATON_SIP_SCAN_H

#include <stddef.h>
#include <string.h>

#if defined(__SSE2__) && !defined(SIP_SCAN_SCALAR)
#define SIP_SCAN_SSE2 1
#include <emmintrin.h>
#else
#define SIP_SCAN_SSE2 0
#endif

/*
 * Zero `n` >= 16 octets, a constant. For the structs of this module, compilers turn memset
 * into a string instruction whose start costs more than the stores.
 */
static inline void sip_zero(void *at, size_t n)
{
#if SIP_SCAN_SSE2
    char *p = at;
    const __m128i zero = _mm_setzero_si128();
    for (; n >= 128; n -= 128, p += 128) {
        _mm_storeu_si128((__m128i *)(void *)(p + 0), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 16), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 32), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 48), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 64), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 80), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 96), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 112), zero);
    }
    if (n >= 64) {
        _mm_storeu_si128((__m128i *)(void *)(p + 0), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 16), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 32), zero);
        _mm_storeu_si128((__m128i *)(void *)(p + 48), zero);
        n -= 64;
        p += 64;
    }
    for (; n > 16; n -= 16, p += 16) {
        _mm_storeu_si128((__m128i *)(void *)(p + 0), zero);
        __asm__("" ::: "memory"); /* keeps the loop from becoming a memset again */
    }
    p += n; /* the last store overlaps the one before */
    _mm_storeu_si128((__m128i *)(void *)(p - 16), zero);
#else
    memset(at, 0, n);
#endif
}

/* The first control octet (CR, LF, HTAB, ...) in [p, end), or `end`. */
static inline const char *sip_scan_control(const char *p, const char *end)
{
#if SIP_SCAN_SSE2
    const __m128i top = _mm_set1_epi8(0x1f);
    while (end - p >= 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        unsigned hit = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(x, top), x));
        if (hit != 0) {
            return p + __builtin_ctz(hit);
        }
        p += 16;
    }
#endif
    while (p < end && (unsigned char)*p > 0x1f) {
        p++;
    }
    return p;
}

/* memchr, inline, for what is near: the first `c` in [p, end), or `end`. */
static inline const char *sip_scan_char(const char *p, const char *end, char c)
{
#if SIP_SCAN_SSE2
    if (end - p >= 16) {
        const __m128i want = _mm_set1_epi8(c);
        const char *last = end - 16; /* the last step overlaps the one before */
        for (;;) {
            __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
            unsigned hit = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, want));
            if (hit != 0) {
                return p + __builtin_ctz(hit);
            }
            if (p == last) {
                return end;
            }
            p = last - p < 16 ? last : p + 16;
        }
    }
#endif
    while (p < end && *p != c) {
        p++;
    }
    return p;
}

#endif
