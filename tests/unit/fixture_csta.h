/* SPDX-License-Identifier: Apache-2.0 */
/* CSTA messages made from the table, for whoever reads or writes any of them. */
#ifndef BATON_TESTS_FIXTURE_CSTA_H
#define BATON_TESTS_FIXTURE_CSTA_H

#include "csta/table.h"

/** Enough turns for each alternative of each choice. */
#define CSTA_FILLED_TURNS 12

/** A body of `id` with every field set, in the arena; another one each `turn`. */
void *csta_filled(enum csta_msg_id id, unsigned turn, struct arena *a);

#endif
