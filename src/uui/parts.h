/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the module: what its files need of each other. */
#ifndef BATON_UUI_PARTS_H
#define BATON_UUI_PARTS_H

#include "uui/uui.h"

/**
 * Make of a value that was judged not VALID what can be made of it. When something can, it has
 * octets, UUI_NOTE_FORGIVEN and `forgiven`, and the verdict of the rules that are left: VALID,
 * or IGNORED by a rule that nobody forgives (an unknown package, a foreign content).
 * Otherwise *v stays as it is.
 * @return 0 or E_NOMEM
 */
int uui_forgive(struct uui_value *v, const struct uui_packages *known,
                struct arena *a) MUST_USE;

/** The rules about a readable value: package, content, length, direction. @return VALID? */
bool uui_judge_use(struct uui_value *v, const struct uui_package *p, size_t octets);

/** Parameters of v->text from the ';' at `at` on (or none). @return false: struck */
bool uui_view_tail(struct uui_value *v, size_t at);

/** Offset of the ';' before the first parameter encoding, purpose, content or pd; s.n if none:
    where data ends that is no token and has no quotes. */
size_t uui_tail_at(struct str s);

/** Decode %HH. Others than those stay; with `strict` they are refused.
    @return octets written to `buf` of s.n octets, or SIZE_MAX with *at where it is wrong */
size_t uui_percent_decode(struct str s, bool strict, char *buf, size_t *at);

/** Text as a token, or as a quoted-string when `quotes` allows. @return false: impossible */
bool uui_write_text(struct out *o, struct str s, bool quotes);

#endif
