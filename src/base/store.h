/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core hands over to be kept, so that it outlives the process.
 *
 * Two things are kept. EVENTS, numbered one by one, never changed, forgotten by age: the
 * journal (cti/journal.h). And ROWS, one for each thing that stands now: a binding, a call, a
 * session, a subscription, a secret; a row is replaced or dropped. Whoever writes a row has
 * made it with base/pack.h and reads it again after the next start (engine_restore).
 *
 * The functions take copies and return at once; that something could not be kept is the
 * store's business, which says so to whoever runs it. What is handed over between two ends of
 * an input (engine.h) is kept together or not at all.
 *
 * The core does not wait for the disk. That nothing which tells of a change leaves before the
 * change is kept is the business of who sends: store/hold.h.
 */
#ifndef BATON_BASE_STORE_H
#define BATON_BASE_STORE_H

#include "base/str.h"

/** In the order in which they are restored: what stands later may speak of what stood before.
    The numbers stand in databases: append only. */
enum store_kind {
    STORE_SECRET, /**< keys of this installation */
    STORE_BINDING,
    STORE_CALL,
    STORE_SESSION,
    STORE_SUBSCRIPTION,
    STORE_OPERATION, /**< commands of the API and what became of them */
    STORE_TOKEN,     /**< of those above the engine (engine_put_row): tokens of the API … */
    STORE_WEBHOOK,   /**< … and where events are brought, and up to which */
    STORE_FEATURES,  /**< do not disturb and forwarding of a device */
    STORE_MAILBOX,   /**< what is known of the messages for a device */
    STORE_AGENTS,    /**< who is logged on at a device */
    STORE_CALLBACK,  /**< who is to be called back */
    STORE_KINDS
};

/** Key of a STORE_SECRET: this is a copy that was put in its place (store/copy.h), and has not
   been started since. What it says of dialogs is of another time, or of another server. */
#define STORE_COPY_ROW STR("copy")

/** An event. Strings may be absent but for `event`. */
struct store_event {
    uint64_t number;
    struct str watched; /**< whose record it is: the key of a device, or of a watched call;
                             empty: nobody's, it tells what happened to a call or a device */
    struct str call_id;
    struct str event; /**< "DeliveredEvent", in the standard's spelling; or STORE_GAP */
    struct str cause;
    struct str subject, calling, called, other; /**< device identifiers, for history … */
    struct str user_data;                       /**< … and octets of User-to-User */
    struct str data;                            /**< the record itself */
};

/** The name of an event that could not be kept. */
#define STORE_GAP STR("gap")

struct store_ops {
    void *ctx;
    bool streams; /**< events that are nobody's are told to clients: all of them is needed */
    void (*event)(void *ctx, const struct store_event *e);
    void (*put)(void *ctx, enum store_kind kind, struct str key, struct str value);
    void (*drop)(void *ctx, enum store_kind kind, struct str key);
    /** Nothing stands but what is put from now on. */
    void (*clear)(void *ctx);
};

#endif
