/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: commands of the HTTP API, from the moment they are accepted to what became of
 * them.
 *
 *   asked ──► refused at once: nothing is left of it
 *        └──► ACCEPTED ──► DONE    with the response of CSTA
 *                      └─► FAILED  with a problem; `restarted` when the process ended meanwhile
 *
 * WHAT IS JUDGED AT ONCE is the request itself: is the service known, is there such a device,
 * may he command it, is its state right. Who is refused so gets a problem and no operation.
 * What takes time (a phone has to answer) is an operation, which ends in exactly one event of
 * the journal (org.baton.operation.v1, for its owner), and can be asked for until it is
 * forgotten.
 *
 * KEPT. With a store an operation is a row from the input that accepts it on; so whoever heard
 * that it was accepted finds it after `kill -9`. One that had not ended then ends as
 * `restarted`: what became of it nobody knows better than the calls that stand.
 *
 * AGAIN. A key that the client chooses (Idempotency-Key) stands for one operation of its
 * principal as long as that is remembered. The same request with it is answered with that
 * operation, another one is an error.
 *
 * BOUNDS. operation_config.max of them; the oldest that has ended is forgotten for a new one,
 * and each after keep_s. When all of them run, nothing more is accepted.
 */
#ifndef BATON_ENGINE_OPERATION_H
#define BATON_ENGINE_OPERATION_H

#include "access/access.h"
#include "cti/client.h"
#include "engine/engine.h"
#include "engine/problem.h"

enum { OPERATION_ID_LEN = 23, OPERATION_KEY_MAX = 255, OPERATION_RESULT_MAX = 16384 };

enum operation_state { OPERATION_ACCEPTED, OPERATION_DONE, OPERATION_FAILED };

struct operation;

/** What is asked. Borrowed for the call. */
struct operation_ask {
    const struct access_principal *who;
    const struct csta_msg *msg; /**< the request */
    struct str call_id;         /**< that the call of MakeCall is to have; absent: any */
    struct str about_call;      /**< callID and device that it is about, for its event; … */
    struct str about_device;    /**< … absent: none */
    struct str key;             /**< Idempotency-Key, or absent */
    struct str digest;          /**< of all that was asked, at most 32 octets, with a key */
    struct str trace;           /**< traceparent (W3C Trace Context) as it came, or absent */
};

/** What came of asking. */
enum operation_begun {
    OPERATION_NEW,     /**< *out; perhaps it has ended already */
    OPERATION_AGAIN,   /**< *out is the one that the key stands for */
    OPERATION_REFUSED, /**< *why; its texts are in the arena */
};

/** An entry of the engine, as engine_input. */
enum operation_begun operation_begin(struct engine *e, const struct operation_ask *ask,
                                     struct arena *arena, struct operation **out,
                                     struct problem *why, uint64_t now_ms);

/** One that he may see: his own, or any for an administrator. */
struct operation *operation_find(const struct engine *e, const struct access_principal *who,
                                 struct str id);

enum operation_state operation_state(const struct operation *op);
/** HTTP status of the problem of one that has failed. */
unsigned operation_status(const struct operation *op);
struct str operation_id(const struct operation *op);
/** `{"operation":"op_…","service":…,"state":…,"created":…,"result":{…},"problem":{…}}` */
void operation_write(const struct operation *op, struct out *o);
/** The problem alone, of one that has failed. */
struct str operation_problem(const struct operation *op);

/** Somebody waits for its end; the caller's memory until fn is called. */
struct operation_wait {
    struct list link;
    struct timer timer;
    struct operation *op;
    /** It has ended, or the time is over: look at its state. In the middle of an input: write
       it down and go. */
    void (*fn)(struct operation_wait *w, const struct operation *op, uint64_t now_ms);
};
/** `fn` is called exactly once, not before this returns. The operation has not ended. */
void operation_wait(struct engine *e, struct operation *op, struct operation_wait *w,
                    uint32_t wait_ms, uint64_t now_ms);

/** What only looks has no operation: the answer comes to `a`, perhaps before this returns. An
    entry of the engine. @return false: no room, nothing is told */
bool operation_query(struct engine *e, const struct access_principal *who,
                     const struct csta_msg *msg, struct cti_client_ask *a, uint64_t now_ms);

/** The principal is none any more: what he has begun ends, as far as it can. */
void operation_drop_principal(struct engine *e, struct str name, uint64_t now_ms);

/* ---- the engine's ---- */

struct operations;
struct operations *operations_new(struct engine *e, const struct operation_config *config);
void operations_free(struct operations *all);
/** A row. @return 0; E_SYNTAX, E_VERSION, E_NOTFOUND: it is too old; E_NOMEM, E_TOOMANY */
int operations_restore(struct operations *all, struct str key, struct str value) MUST_USE;
/** All are back: those that had not ended end. */
void operations_restored(struct operations *all, uint64_t now_ms);
void operations_keep_all(struct operations *all);
/** So many there are, and so many run. */
uint64_t operations_count(const struct operations *all);
uint64_t operations_running(const struct operations *all);

#endif
