/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of a message, as many as there are elements in it: cut these octets, and put those in
 * their place. Like sip/edit.h, but without a bound of its own and into one text, which is what
 * the border hands on. Private to the border.
 */
#ifndef BATON_BORDER_PATCH_H
#define BATON_BORDER_PATCH_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

struct border_change {
    uint32_t from, to;
    struct str put;
    uint32_t order;
};

struct border_patch {
    struct arena *arena;
    struct border_change *change;
    uint32_t n, room;
    bool failed; /**< memory is out */
};

void border_patch_init(struct border_patch *p, struct arena *a);

/** [from, to) disappear, `put` stands there (it lives until emit). */
void border_patch_add(struct border_patch *p, uint32_t from, uint32_t to, struct str put);

/** The text with all changes made, in the arena. What two cuts have in common is cut once.
    @return 0 or E_NOMEM */
int border_patch_emit(struct border_patch *p, struct str whole, struct str *out) MUST_USE;

#endif
