/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as text (RFC 8259): strings written, and a strict pull reader.
 *
 * The reader has no stack: whoever calls it knows what can come, asks for a value, and walks
 * into an object or array by asking for members or items until there are none. So its depth is
 * that of the caller, who here follows the types of CSTA and goes no deeper than they do.
 *
 * Refused are, as RFC 8259 would have it, octets that are no UTF-8, control characters and
 * commas too many; and beyond it halves of surrogate pairs and a byte order mark.
 *
 * It borrows the text. Only strings with escapes in them are copied, into the arena.
 */
#ifndef BATON_CSTA_JSON_TEXT_H
#define BATON_CSTA_JSON_TEXT_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/out.h"
#include "base/str.h"

enum json_kind {
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER, /**< text: as it stands */
    JSON_STRING, /**< text: what it says */
    JSON_ARRAY,  /**< go on with json_next_item */
    JSON_OBJECT, /**< go on with json_next_member */
};

struct json_reader {
    const char *p, *start, *end;
    struct arena *arena;
    unsigned values, values_max;
    const char *at;     /**< where the last value or name, or the fault, is */
    const char *reason; /**< of a failure; static text */
    struct str text;
    bool fresh; /**< an object or array was opened and nothing in it has been read */
};

void json_init(struct json_reader *r, struct str text, unsigned values_max,
               struct arena *arena);

/** The next value. @return an enum json_kind; E_SYNTAX, E_TOOMANY, E_NOMEM */
MUST_USE int json_value(struct json_reader *r);

/** The name of the next member, in `text`. @return 1; 0 at the end of the object; as above */
MUST_USE int json_next_member(struct json_reader *r);

/** Whether an item comes. @return 1; 0 at the end of the array; as above */
MUST_USE int json_next_item(struct json_reader *r);

/** Nothing but blanks may follow. @return 0 or E_SYNTAX */
MUST_USE int json_end(struct json_reader *r);

/** A string with its quotes; octets that are no UTF-8 become U+FFFD, one each. */
void json_put_string(struct out *o, struct str s);

/** `s` as a reference token of a JSON pointer (RFC 6901 §3). */
void json_put_token(struct out *o, struct str s);

#endif
