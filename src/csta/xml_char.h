/* SPDX-License-Identifier: Apache-2.0 */
/* Characters of XML 1.0 §2.2, shared by the reader, the text decoder and the writer. */
#ifndef BATON_CSTA_XML_CHAR_H
#define BATON_CSTA_XML_CHAR_H

#include "base/str.h"

/* Classes of ASCII octets; every octet from 0x80 up has none. */
enum {
    XML_C_START = 1, /**< begins a name */
    XML_C_NAME = 2,
    XML_C_TEXT = 4, /**< stands for itself in text: not `<`, `&`, `]`, CR */
    XML_C_ATTR = 8, /**< stands for itself in an attribute: no quote, no blank but SP */
    XML_C_SPACE = 16,
};

extern const unsigned char xml_classes[256];

static inline bool xml_is(char c, unsigned classes)
{
    return (xml_classes[(unsigned char)c] & classes) != 0;
}

/** Octets of the legal UTF-8 character at `p` that is not ASCII; 0 when there is none. */
size_t xml_utf8_len(const char *p, const char *end);

/** Octets of the reference at `p` (`&amp;`, `&#10;`, `&#xA;`) and what it stands for; 0 when
    it is none. */
size_t xml_ref_len(const char *p, const char *end, uint32_t *cp);

/** Up to four octets of UTF-8. @return how many */
size_t xml_utf8_put(uint32_t cp, char *out);

#endif
