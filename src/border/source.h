/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who brought a value in: a bounded memory of hashes, so that a rule about values that leave
 * can ask from whom they are, whatever way they have taken through Baton and in whatever
 * message.
 *
 * The octets of a value are its name. Two neighbours who bring the same octets of one package
 * count as the one who did it last: with that, nobody learns what he could not have known.
 *
 * A value that is not known (any more) is Baton's own. So the memory is large enough for the
 * calls that are being set up, not for all that exist: values leave when a message does that
 * answers, forwards or repeats the one which brought them. BOUNDS. SOURCE_ROOM entries, in rows
 * of four of which the oldest goes. Private to the border.
 */
#ifndef BATON_BORDER_SOURCE_H
#define BATON_BORDER_SOURCE_H

#include "border/border.h"

/** NULL when memory is out. */
struct border_source *border_source_new(const struct mem *mem);
void border_source_free(const struct mem *mem, struct border_source *s);

/** The hash by which a value is known. */
uint64_t border_value_hash(const struct hash_key *key, const struct uui_value *v);

void border_source_put(struct border *b, uint64_t value, const struct border_party *from);
struct border_party border_source_get(struct border *b, uint64_t value);

#endif
