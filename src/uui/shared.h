/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared UUI: several things in the octets of one isdn-uui value, as Avaya's switches pack
 * them.
 *
 *     00  FA 08 0001 0088 58BFD6BD  C8 0C "Hello world!"
 *     |   `- item: identifier, length, data -----------'
 *     `- protocol discriminator, not part of the items
 *
 * FA is the universal call identifier (UCID): node, sequence number and time, two, two and four
 * octets, which people and CTI write as twenty decimal digits, 5 + 5 + 10. C8 is what an
 * application put in (ASAI user data). Others exist (collected digits, time in a queue, ...);
 * they pass untouched.
 *
 * ROOM. A trunk takes 32 to 128 octets of items, each of which costs two more than its data.
 * Where they do not all fit, a switch leaves out those of lower priority in silence;
 * uui_shared_fit does the same and says what it left out, so that whoever sends can decide.
 *
 * OWNERSHIP. Items borrow. Nothing here allocates.
 */
#ifndef BATON_UUI_SHARED_H
#define BATON_UUI_SHARED_H

#include "base/attr.h"
#include "base/out.h"
#include "base/str.h"

enum {
    UUI_SHARED_ASAI = 0xC8, /**< an application's data */
    UUI_SHARED_UCID = 0xFA, /**< universal call identifier, 8 octets */
};

/** What an item holds at most: its length is one octet. */
#define UUI_SHARED_ITEM_MAX 255

/** Octets of a UCID, and the decimal digits that it is written in. */
#define UUI_UCID_OCTETS 8
#define UUI_UCID_DIGITS 20

struct uui_shared_item {
    uint8_t id;
    struct str data;
};

/**
 * Cut the next item off *rest (first: the octets behind the discriminator).
 * @return false at the end; and when an item runs past it: *rest is that item, not empty
 */
bool uui_shared_next(struct str *rest, struct uui_shared_item *out);

/**
 * Are the octets behind the discriminator shared UUI? At least one item, none past the end, and
 * identifiers from 0x80 on: plain text of some length can look like items otherwise.
 */
bool uui_shared_is(struct str info);

/** Does it begin like shared UUI, whole or not: FA with the length of a UCID, or C8? */
bool uui_shared_begins(struct str info);

/** Data of the first item of that identifier; absent: there is none. */
struct str uui_shared_find(struct str info, uint8_t id);

/** What the identifier is called; "" when it is not known. */
const char *uui_shared_name(uint8_t id);

/** Write one item. @return 0; E_TOOBIG: over UUI_SHARED_ITEM_MAX; E_SPACE */
int uui_shared_write(struct out *o, uint8_t id, struct str data) MUST_USE;

/** Which items go first when not all fit: identifiers, the first is kept longest. Those that
   are not named come behind them. NULL: ASAI user data, then the UCID. */
struct uui_shared_order {
    const uint8_t *id;
    size_t n;
};

/** What uui_shared_fit did. */
struct uui_shared_fit {
    size_t kept, dropped; /**< items */
    uint8_t first;        /**< identifier of the most important one that was left out */
};

/**
 * Write those items of `info` that fit into `limit` octets, in their order, by priority.
 * @param info  uui_shared_is
 * @return 0, also when items were left out; E_TOOBIG: not even the most important one fits;
 *         E_TOOMANY: more than 64 items; E_SPACE
 */
int uui_shared_fit(struct str info, size_t limit, const struct uui_shared_order *order,
                   struct out *o, struct uui_shared_fit *out) MUST_USE;

/** "00001001361488967357" of the 8 octets of a UCID, NUL-terminated. @return false: not 8 */
bool uui_ucid_text(struct str octets, char text[UUI_UCID_DIGITS + 1]);

/** And back. @return false: not 20 digits, or a part is too large for its octets */
bool uui_ucid_octets(struct str digits, char octets[UUI_UCID_OCTETS]);

#endif
