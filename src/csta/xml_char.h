/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of XML 1.0 §2.2, shared by the reader, the text decoder and the writer. */
#ifndef BATON_CSTA_XML_CHAR_H
#define BATON_CSTA_XML_CHAR_H

#include "base/str.h"

/* Classes of ASCII octets; every octet from 0x80 up has none. */
enum {
    XML_C_START = 1, /**< begins a name; `:` too */
    XML_C_NAME = 2,  /**< stands in a name; not `:` */
    XML_C_TEXT = 4,  /**< stands for itself in text: not `<`, `&`, `]`, CR */
    XML_C_ATTR = 8,  /**< stands for itself in an attribute: no quote, no blank but SP */
    XML_C_SPACE = 16,
};

extern const unsigned char xml_classes[256];

static inline bool xml_is(char c, unsigned classes)
{
    return (xml_classes[(unsigned char)c] & classes) != 0;
}

/** The first octet from `p` on that is in none of `classes`. */
static inline const char *xml_scan(const char *p, const char *end, unsigned classes)
{
    while (end - p >= 4) {
        if (!xml_is(p[0], classes)) {
            return p;
        }
        if (!xml_is(p[1], classes)) {
            return p + 1;
        }
        if (!xml_is(p[2], classes)) {
            return p + 2;
        }
        if (!xml_is(p[3], classes)) {
            return p + 3;
        }
        p += 4;
    }
    while (p < end && xml_is(*p, classes)) {
        p++;
    }
    return p;
}

/** memcmp(a, b, n) == 0 without the call, which costs more than comparing a name does. */
static inline bool xml_same(const char *a, const char *b, size_t n)
{
    uint64_t x;
    uint64_t y;
    if (n >= sizeof(x)) {
        for (size_t i = 0;; i += sizeof(x)) {
            i = i > n - sizeof(x) ? n - sizeof(x) : i; /* the last step overlaps */
            memcpy(&x, a + i, sizeof(x));
            memcpy(&y, b + i, sizeof(y));
            if (x != y) {
                return false;
            }
            if (i == n - sizeof(x)) {
                return true;
            }
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (a[i] != b[i]) {
            return false;
        }
    }
    return true;
}

/** Octets of the legal UTF-8 character at `p` that is not ASCII; 0 when there is none. */
size_t xml_utf8_len(const char *p, const char *end);

/** Octets of the reference at `p` (`&amp;`, `&#10;`, `&#xA;`) and what it stands for; 0 when
    it is none. */
size_t xml_ref_len(const char *p, const char *end, uint32_t *cp);

/** How `c` has to be written in text or in an attribute; absent when it may stand as it is. */
struct str xml_escape(char c, bool attr);

/** Up to four octets of UTF-8. @return how many */
size_t xml_utf8_put(uint32_t cp, char *out);

#endif
