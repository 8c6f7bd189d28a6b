/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The journal: everything that happened, numbered, before anybody is told.
 *
 * One record per event and device that watches it, as that device sees it. A record needs
 * nothing else to be told later: no call, no session, no table. Numbers rise by one and are
 * never used again; 0 is none.
 *
 * A reader is a CURSOR over the records of one device. It is a place, not a queue: it costs 16
 * bytes, and however many readers stand at one device, the record is kept once. What was
 * dropped before a cursor came to it is a GAP, and the cursor says so; a reader never gets the
 * later half of a story as if it were the whole.
 *
 * THE RING in memory is bounded (journal.c) and is what sessions read. With a store
 * (base/store.h) each record is handed over to it, too, under its number; after a restart the
 * newest ones are put back, numbers go on where they were, and a cursor is opened at its place
 * again. What nobody watched is noted there only: history is made of that.
 */
#ifndef BATON_CTI_JOURNAL_H
#define BATON_CTI_JOURNAL_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/env.h"
#include "base/store.h"
#include "csta/vocab.h"

/** The devices that a record may speak of, by the part they play. */
enum journal_party {
    JOURNAL_SUBJECT, /**< whose connection changed */
    JOURNAL_CALLING,
    JOURNAL_CALLED,
    JOURNAL_BY,    /**< releasing or transferring */
    JOURNAL_TO,    /**< newDestination, transferredTo */
    JOURNAL_STAYS, /**< the party of a transfer that stays */
    JOURNAL_REDIRECTION,
    JOURNAL_PARTY_COUNT
};

enum journal_identity {
    JOURNAL_ABSENT,
    JOURNAL_ID,         /**< `id` is a device identifier */
    JOURNAL_RESTRICTED, /**< not to be shown; `id` is one made up for this call */
    JOURNAL_NOT_KNOWN,  /**< none that could be shown; `id` may be made up likewise */
    JOURNAL_NOT_REQUIRED,
};

/** Where a party of a conference was before (parties.c). */
enum journal_before {
    JOURNAL_NOWHERE, /**< in no call that became the conference */
    JOURNAL_HERE,    /**< in the one whose callID it has */
    JOURNAL_OTHER,   /**< in `secondary` */
};

struct journal_member {
    uint8_t identity; /**< enum journal_identity */
    uint8_t before;   /**< enum journal_before */
    struct str id;
};

struct journal_record {
    uint64_t number;   /**< set by the journal */
    uint64_t next;     /**< of the same device, 0: none yet; the journal's own */
    struct str device; /**< key of the device that sees it */
    struct str call_id;
    struct str user_data;  /**< octets, or absent */
    struct str correlator; /**< octets, or absent */
    struct str
        secondary;      /**< callID of the other call of a transfer or conference, or absent */
    struct str parties; /**< of Conferenced: packed struct journal_member, or absent */
    struct str digits;  /**< of DigitsDialed, DigitsGenerated, or absent */
    uint32_t tone_ms, pause_ms; /**< how long each of them was, and what was between two */
    uint32_t number_queued, in_front; /**< of Queued: calls there, and those before this one */
    struct str about;    /**< private data about User-to-User (about.c): XML, or absent */
    struct str body;     /**< the event itself, when it is one about a device and no call: XML
                              in the newest edition, addressed to nobody. Else absent, and
                              the rest is what it is made of */
    struct str audience; /**< of nobody's record: keys of the devices that hear of it, with a
                              blank between two; who may observe one of them is told */
    struct str
        sip_call_id; /**< of nobody's record: Call-ID of the subject's dialog, or absent */
    struct str party[JOURNAL_PARTY_COUNT];
    uint8_t identity[JOURNAL_PARTY_COUNT]; /**< enum journal_identity */
    uint8_t local;                         /**< enum csta_local_connection_state */
    uint16_t event;                        /**< enum csta_msg_id */
    uint16_t cause;                        /**< enum csta_event_cause */
};

/** One more behind the list, which lies in the arena. @return false: no memory */
bool parties_add(struct arena *a, struct str *list, const struct journal_member *m) MUST_USE;
/** Cut the first off. @return false: there is none */
bool parties_next(struct str *list, struct journal_member *out);

struct journal;
struct journal_chain;

struct journal_cursor {
    struct journal_chain *chain;
    uint64_t after; /**< the last number that it has passed */
};

/** @param records how many are kept, at least 1. @return NULL when memory is out */
struct journal *journal_new(const struct env *env, uint32_t records);

/** From now on records are handed over to that as well; borrowed. NULL: to nobody. */
void journal_set_store(struct journal *j, const struct store_ops *store);
/** Is what happens noted even if nobody watches? */
bool journal_notes(const struct journal *j);
/** What happened, as nobody's record: it has a number, and only the store has it. */
void journal_note(struct journal *j, const struct journal_record *r);
/** Such an event could not even be written down: nobody's gap, with a number of its own. */
void journal_note_missed(struct journal *j);

/**
 * What happened and is no event of CSTA: the end of an operation, an audit line. It stands
 * among nobody's records and is told to those who follow the journal (cti/cloud.h).
 */
struct journal_fact {
    struct str type;     /**< "org.baton.operation.v1": at most JOURNAL_TYPE_MAX octets, begins
                              with "org." */
    struct str subject;  /**< of the event: what it is about, or absent */
    struct str call_id;  /**< or absent */
    struct str audience; /**< as of a record. Absent, and `owner` too: for administrators */
    struct str owner;    /**< name of the principal that is told in any case, or absent */
    struct str data;     /**< a JSON object */
};
enum { JOURNAL_TYPE_MAX = 64 };
/** @return its number; 0: there is no store, or no memory, and nobody is told */
uint64_t journal_tell(struct journal *j, const struct journal_fact *f);

/** Numbers up to `head` were given out before this run. Those up to `from` are gone, of
    whatever device; of the others journal_restore is told. Before the first record. */
void journal_restore_head(struct journal *j, uint64_t from, uint64_t head);
/** Such a record, in the order of numbers; `data` as record.h has it. A gap for its device when
    it cannot be read, or is too old for the ring: so the last of a device that is will do. */
void journal_restore(struct journal *j, const struct store_event *e);
/** Cursors of before are open again. */
void journal_restored(struct journal *j);

/** Every cursor must have been closed. NULL is allowed. */
void journal_free(struct journal *j);

/** The number of the newest record, 0 before the first. */
uint64_t journal_head(const struct journal *j);

/**
 * Append a copy of `r`. When there is no memory for it the number is used up and every
 * cursor of the device that has not passed it finds a gap.
 * @return its number
 */
uint64_t journal_append(struct journal *j, const struct journal_record *r);

/**
 * An event of this device could not even be written down: its number is used up, and every
 * cursor that has not passed it finds a gap. @return its number
 */
uint64_t journal_miss(struct journal *j, struct str device);

/**
 * Put a cursor behind the record `after`, of whatever device: journal_head for "from now", a
 * number of earlier to go on from there. @return 0 or E_NOMEM
 */
int journal_open(struct journal *j, struct str device, uint64_t after,
                 struct journal_cursor *c) MUST_USE;
void journal_close(struct journal *j, struct journal_cursor *c);

/**
 * The first record behind the cursor, which stays where it is. O(1).
 * @return 0 and *out, good until the next append; E_AGAIN: nothing new; E_NOTFOUND: a gap
 */
int journal_peek(const struct journal *j, const struct journal_cursor *c,
                 const struct journal_record **out) MUST_USE;

/** The record with that number, or NULL when it is not kept (any more). */
const struct journal_record *journal_find(const struct journal *j, uint64_t number);

/** Behind all that is there: what was not passed is given up, gaps too. */
void journal_skip(struct journal_cursor *c);

/** Pass `r`, which journal_peek gave. */
void journal_step(struct journal_cursor *c, const struct journal_record *r);

#endif
