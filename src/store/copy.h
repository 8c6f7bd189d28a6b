/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups: a copy of the database while it is written to, and putting one in its place.
 *
 * A COPY is one consistent moment: SQLite's online backup within one read transaction, which
 * hinders no writer (WAL). It is a file of its own, readable by its owner only, made under
 * another name and given its own when it is whole and on disk.
 *
 * RESTORING asks for what may go wrong before anything changes: that no server writes to the
 * database (its lock is held meanwhile), that the copy is a database of this program, sound,
 * and not of a later version. What was there is replaced only when that was wished.
 */
#ifndef BATON_STORE_COPY_H
#define BATON_STORE_COPY_H

#include "base/attr.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** What a database has. */
struct store_sum {
    int64_t version;       /**< of its tables */
    uint64_t events, head; /**< how many, and the newest number */
    uint64_t rows;         /**< of what stands */
    uint64_t octets;
};

/**
 * Is that file a database of this program, sound, and not of a later version?
 * @param sum  out, or NULL
 * @return false with a sentence
 */
bool store_check(const char *path, struct store_sum *sum, char *why, size_t cap) MUST_USE;

/** Copy the database at `path` into the file `to`, which is replaced. Any thread or process. */
bool store_copy(const char *path, const char *to, char *why, size_t cap) MUST_USE;

/**
 * Put the copy `from` in the place of `path`.
 * @param replace  what is there may go
 */
bool store_restore(const char *from, const char *path, bool replace, char *why,
                   size_t cap) MUST_USE;

#endif
