/* SPDX-License-Identifier: Apache-2.0 */
/* A CSTA message as JSON, all of it: what the curated members of csta_print leave out. */
#ifndef BATON_CLI_CSTA_JSON_H
#define BATON_CLI_CSTA_JSON_H

#include "base/arena.h"
#include <stdio.h>

/**
 * Write `{"DeliveredEvent": {"monitorCrossRefID": "43", …}}`. Elements without elements inside
 * are strings, empty ones "", repeated ones arrays; attributes become members named "@name".
 * @return false, and nothing written, when `body` is no XML that can be read
 */
bool csta_json_message(struct str body, struct arena *a, FILE *to);

/** Each element that has no others in it, a line: "  a.b.c: text". Nothing when there is none.
 */
void csta_put_leaves(struct str body, struct arena *a, FILE *to);

#endif
