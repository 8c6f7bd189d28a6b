/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plain values that CSTA messages are made of; csta/vocab.h builds on them.
 *
 * Zero is "absent" everywhere: a struct set to zero is a message without content, and a
 * field that is left alone is not written. A text is absent when its pointer is NULL, so
 * an empty element is {"", 0}.
 */
#ifndef BATON_CSTA_VALUE_H
#define BATON_CSTA_VALUE_H

#include "base/str.h"

enum csta_bool {
    CSTA_BOOL_ABSENT,
    CSTA_FALSE,
    CSTA_TRUE,
};

struct csta_int {
    int64_t value;
    bool set;
};

/**
 * Foreign XML as it stands inside an element of its own (`private`, X-6): the attributes of
 * that element with their leading blank, and what is between its tags. Both are raw text,
 * entities not replaced. Written back as they are; refused with E_VALUE when not well-formed.
 */
struct csta_xml {
    struct str attrs;
    struct str body; /**< absent when p is NULL, `<private/>` is {"", 0} */
};

/** One capability bit of a service or event, by its name in the schema. */
struct csta_feature_bit {
    struct str name;
    bool value;
};

#endif
