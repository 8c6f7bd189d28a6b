/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk of csta/json_read.c over a text: where it is, what is wrong there, simple values.
 *
 * A walk ends with its first fault. Whatever returns an error has said all of it in `fault`,
 * and its caller passes the error on. Private to src/csta.
 */
#ifndef BATON_CSTA_JSON_WALK_H
#define BATON_CSTA_JSON_WALK_H

#include "csta/json.h"
#include "csta/json_text.h"
#include "csta/table.h"

enum { WALK_STEPS_MAX = 32 };

/** A step on the way down: into a member, or into an item of an array. */
struct walk_step {
    struct str name; /**< absent: an item */
    size_t index;
};

struct walk {
    struct json_reader r;
    struct arena *arena;
    struct csta_json_fault *fault;
    const struct csta_field *field; /**< whose value is being read; NULL: the message's */
    struct walk_step step[WALK_STEPS_MAX];
    unsigned nstep;
};

/** A fault at the reader's place that the text is to blame for, answered with
    operation/`error`. @return E_VALUE */
int walk_reject(struct walk *w, struct str element, unsigned error, const char *reason);

/** The value of the current field is none of its type. @return E_VALUE */
int walk_mistyped(struct walk *w, const char *reason);

/** The reader, or the arena, failed with `err`. @return err */
int walk_broken(struct walk *w, int err);

/** Zeroed memory; NULL, and *err, when there is none. */
void *walk_alloc(struct walk *w, size_t size, int *err);

/** One step down; the caller takes it back by `nstep--` when all went well. */
MUST_USE int walk_into(struct walk *w, struct str name, size_t index);

/** The next value has to be a `kind`, or is mistyped for that reason. @return 0 or an error */
MUST_USE int walk_expect(struct walk *w, int kind, const char *reason);

/** As json_next_member and json_next_item. */
MUST_USE int walk_member(struct walk *w);
MUST_USE int walk_item(struct walk *w);

/** A member that is not wanted, its name being in the reader's text. @return an error */
int walk_refuse(struct walk *w, unsigned error, const char *reason);
int walk_unknown(struct walk *w);
int walk_twice(struct walk *w);

/** A member that the object at `at` has to have. `error` 0: the usual. @return E_VALUE */
int walk_missing(struct walk *w, const char *at, struct str name, unsigned error);

/** What the reader's text says, as in XML, into `p`. @return 0 or an error */
MUST_USE int walk_parse(struct walk *w, const struct csta_type *type, void *p);

/** The next value, of a type of that kind, into `p`. walk_text: CSTA_K_STR, _ID, _HEX. */
MUST_USE int walk_bool(struct walk *w, void *p);
MUST_USE int walk_int(struct walk *w, const struct csta_type *type, void *p);
MUST_USE int walk_enum(struct walk *w, const struct csta_type *type, void *p);
MUST_USE int walk_text(struct walk *w, const struct csta_type *type, void *p);

#endif
