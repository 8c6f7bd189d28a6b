/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows: numbers and strings one behind the other, as they are kept on disk.
 *
 * A number is written seven bits an octet, the lowest first (LEB128); a string as its length
 * plus one and its octets, 0 for an absent one. There are no names and no types: who writes a
 * row begins it with a version, and who reads it knows that version. The same row is the same
 * octets on every machine.
 *
 * The reader's error sticks: read all fields, look at `bad` once. A row that was cut anywhere
 * is bad, or is shorter by whole fields; nothing is read beyond its end.
 */
#ifndef BATON_BASE_PACK_H
#define BATON_BASE_PACK_H

#include "base/mem.h"
#include "base/out.h"

/** Most octets that a number takes; a string takes so many besides its own. */
enum { PACK_NUMBER_MAX = 10 };

void pack_number(struct out *o, uint64_t v);
/** Negative numbers too: zigzag. */
void pack_signed(struct out *o, int64_t v);
void pack_str(struct out *o, struct str s);

static inline void pack_bool(struct out *o, bool v)
{
    out_ch(o, v ? '\1' : '\0');
}

/** Where rows are made, one after the other. Zeros but `mem` to begin with. */
struct pack_room {
    const struct mem *mem;
    char *p;
    size_t cap;
};
typedef void (*pack_fn)(struct out *o, const void *what, uint64_t now_ms);
/** The row that `fn` writes, good until the next one. @return absent: no memory */
struct str pack_in(struct pack_room *room, pack_fn fn, const void *what, uint64_t now_ms);
void pack_room_fini(struct pack_room *room);

struct unpack {
    struct str rest;
    bool bad;
};

static inline struct unpack unpack_of(struct str row)
{
    return (struct unpack){.rest = row};
}

/** 0 when there is none. */
uint64_t unpack_number(struct unpack *u);
/** The same for one that must not be larger than `most`: else the row is bad. */
uint64_t unpack_upto(struct unpack *u, uint64_t most);
int64_t unpack_signed(struct unpack *u);
bool unpack_bool(struct unpack *u);
/** A slice of the row. */
struct str unpack_str(struct unpack *u);

#endif
