/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that is ours but may not be touched: under AddressSanitizer a use of a dead arena
 * string or of an object that was given back to its pool is reported at once. Nothing in
 * other builds.
 */
#ifndef BATON_BASE_POISON_H
#define BATON_BASE_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define BATON_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BATON_ASAN 1
#endif
#endif

#ifdef BATON_ASAN
#include <sanitizer/asan_interface.h>
#define POISON(p, n) ASAN_POISON_MEMORY_REGION((p), (n))
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION((p), (n))
#define POISON_GAP 16 /**< bytes kept free between neighbours, so that an overrun shows */
#else
#define POISON(p, n) ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#define POISON_GAP 0
#endif

#endif
