/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the journal as it is kept on disk (base/store.h).
 *
 * Events, causes and states are written by their names in the standard: the numbers of the
 * vocabulary change when it grows, and a journal is older than the program that reads it. What
 * a reader does not know, because the record is of a later version, is no record to him.
 */
#ifndef BATON_CTI_RECORD_H
#define BATON_CTI_RECORD_H

#include "base/pack.h"
#include "base/store.h"
#include "cti/journal.h"

/**
 * Hand a record over. @param watched  the key of its device; empty: it is nobody's, and then
 * its User-to-User is told beside it only, so that the policy of the store holds, unless
 * there are clients that are told nobody's records (store_ops.streams)
 */
void record_keep(const struct store_ops *store, struct pack_room *room,
                 const struct journal_record *r, uint64_t number, struct str watched);

/** The record of that row, its strings slices of it. @return 0; E_VERSION, E_SYNTAX */
int record_read(struct str data, struct journal_record *out);

/** Hand over what is no event of CSTA. @return false: no memory, nothing was handed over */
bool fact_keep(const struct store_ops *store, struct pack_room *room,
               const struct journal_fact *f, uint64_t number) MUST_USE;
/** Is it such an event, by its name? */
bool fact_is(struct str event);
/** It, from its name and its row. @return as record_read */
int fact_read(struct str event, struct str data, struct journal_fact *out);

#endif
