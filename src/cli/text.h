/* SPDX-License-Identifier: Apache-2.0 */
/* Text between people and programs: to a terminal, and octets as hex digits. */
#ifndef BATON_CLI_TEXT_H
#define BATON_CLI_TEXT_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/out.h"
#include <stdio.h>

/** To a terminal: what could steer it (control characters, C1 too) becomes '.', and so does
    what is no UTF-8. As many columns as utf8_count says. */
void text_put(struct str s, FILE *to);

/** What `put` writes, whatever its length: it is called twice. */
void text_out(FILE *to, void (*put)(struct out *o, const void *ctx), const void *ctx);

/**
 * Pairs of hex digits to octets in the arena; blanks and colons may stand between the octets.
 * @return 0, E_SYNTAX, E_NOMEM; *octets is absent then
 */
int text_hex(struct str digits, struct arena *a, struct str *octets) MUST_USE;

#endif
