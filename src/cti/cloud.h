/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event of the journal as a CloudEvent (CloudEvents 1.0, JSON format), for programs that
 * follow the journal as a stream. docs/events.md is the page for who reads them.
 *
 * It is made of the row alone: no call, session or table is looked at, nothing is kept between
 * two rows, and any thread may do it with an arena of its own.
 *
 *     {"specversion":"1.0","id":"42","source":"/baton/pbx","type":"org.baton.csta.delivered.v1",
 *      "subject":CALLID,"time":"2026-02-28T12:00:00.000Z","sequence":"42","partition":CALLID,
 *      "datacontenttype":"application/json",
 *      "data":{"DeliveredEvent":{…},"ids":{…},"uui":[…]}}
 *
 * The event in it is the JSON of CSTA (docs/json.md). A stream is no monitor; because the
 * schema wants a monitorCrossRefID, it is "0", which no monitor has. What XML clients find
 * about User-to-User in private data stands in `uui` here, and the private data are left out.
 */
#ifndef BATON_CTI_CLOUD_H
#define BATON_CTI_CLOUD_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/store.h"

/** What is told of an event besides its text: who may have it, and by what it can be chosen. */
struct cloud_event {
    uint64_t number;
    int64_t at_ms;       /**< since 1970 */
    struct str type;     /**< "org.baton.csta.delivered.v1" */
    struct str subject;  /**< callID or device identifier, or absent */
    struct str call_id;  /**< or absent */
    struct str audience; /**< keys of devices with a blank between two (journal.h) */
    /** Of an event of CSTA, as far as they are known and may be shown: identifiers of the
       subject, of who calls and who is called, and the cause in the standard's words. */
    struct str device, calling, called, cause;
    struct str owner; /**< name of the principal that is told in any case, or absent */
    struct str text;  /**< all of it, JSON */
    bool gap;         /**< numbers that are not there; told to everybody, whatever he chose */
};

/**
 * The event of nobody's row.
 * @param at_ms   when it happened, since 1970
 * @param source  of CloudEvents: "/baton/NODE"
 * @return 0 and *out, in the arena or borrowing from the row; E_NOMEM; else the row cannot be
 *         read: cloud_gap tells of it
 */
int cloud_event(const struct store_event *row, int64_t at_ms, struct str source,
                struct arena *a, struct cloud_event *out) MUST_USE;

/** Numbers from `from` to `to` cannot be told. @param reason  a word: "retention", "lost" …
    @return 0, E_NOMEM */
int cloud_gap(uint64_t from, uint64_t to, const char *reason, int64_t at_ms, struct str source,
              struct arena *a, struct cloud_event *out) MUST_USE;

/**
 * Any event, around `data`, which is JSON.
 * @param e  number, at_ms, type, subject, call_id are given; text is made
 */
int cloud_wrap(struct cloud_event *e, struct str source, struct str data,
               struct arena *a) MUST_USE;

/** Cut the first key off an audience. @return false: there is none */
bool cloud_next_key(struct str *audience, struct str *key);

#endif
