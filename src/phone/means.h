/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Means besides the session: requests to phones that take each on its own, without a dialog.
 *
 *   means_notify.c   NOTIFY with `Event: uaCSTA`; the answer is in its 200 (TR/87 digest 4.7)
 *   means_key.c      NOTIFY with `Event: ACTION-URI`, which presses a key (action.h); its
 * status is the answer means_action.c   an HTTP request that does the same
 *
 * Each is a table of functions, so whoever asks a phone need not know by which means. What is
 * under way is an ERRAND: it has one outcome, which comes later and never from inside of
 * `send`.
 *
 *   send ──► errand ──► fn(status, CSTA or nothing)
 *              └── phone_errand_forget: nobody hears, it goes its way
 *
 * What a means cannot carry it says beforehand (takes), and nothing is sent.
 *
 * OWNERSHIP. Errands are blocks of their own in the carrier's list, which ends them all.
 * BOUNDS. Errands at a time.
 */
#ifndef BATON_PHONE_MEANS_H
#define BATON_PHONE_MEANS_H

#include "base/list.h"
#include "phone/profile.h"
#include "txn/txn.h"

struct phone_errand;

/**
 * What came of it.
 * @param status  as SIP has it, or HTTP: 2xx it is done; 408: no answer; 503: it could not go
 * @param csta    XML that came with it, or absent; dies when this returns
 */
typedef void (*phone_errand_fn)(void *owner, unsigned status, struct str csta, uint64_t now_ms);

/** Where a phone is, and as whom it is asked. All borrowed for the call. */
struct phone_way {
    struct str request_uri;
    struct str routes;        /**< "Route: …" lines, or empty */
    struct str uri;           /**< of its device: From and To */
    struct txn_target target; /**< the way of its registration */
    /** From where its REGISTER came, when that is the phone itself: what its contact or a Path
     * names may be any machine. NULL: it is not known, and nothing goes over HTTP */
    const struct addr *source;
    const struct directory *here; /**< whose addresses are ours, with source */
};

/** What carries errands; one of a phone layer. */
struct phone_carrier {
    const struct env *env;
    struct txn_layer *txn;
    struct arena *scratch;
    struct str contact_user;
    struct list errands;
    uint32_t count, max; /**< errands at a time */
    uint64_t next_tag;   /**< of an HTTP request */
    uint64_t sent, answered, failed, refused;
};

struct phone_means_ops {
    const char *name;
    /** Can it carry that request to a phone of that profile? */
    bool (*takes)(const struct phone_profile *p, const struct csta_msg *msg);
    /**
     * @param xml  the message as it is sent (notify), else not looked at
     * @param out  the errand until its outcome was told
     * @return 0; E_UNSUPPORTED: it does not take that; E_TOOMANY; E_NOMEM; E_VALUE: the phone's
     * address is none for it; E_STATE: the way there is not as the profile wants it
     */
    int (*send)(struct phone_carrier *by, const struct phone_way *way,
                const struct phone_profile *p, const struct csta_msg *msg, struct str xml,
                phone_errand_fn fn, void *owner, struct phone_errand **out, uint64_t now_ms);
};

extern const struct phone_means_ops phone_means_notify, phone_means_key, phone_means_action;

/** The first of them that carries it to a phone of that profile; NULL: none. */
const struct phone_means_ops *phone_means_for(const struct phone_profile *p,
                                              const struct csta_msg *msg);

void phone_carrier_init(struct phone_carrier *c, const struct env *env, struct txn_layer *txn,
                        struct arena *scratch, struct str contact_user, uint32_t max);
/** Nobody hears any more. Before txn_layer_fini. */
void phone_carrier_fini(struct phone_carrier *c);
/** The owner has no interest any more. */
void phone_errand_forget(struct phone_errand *e);

/** The HTTP request with that tag has ended. @param status of HTTP; 0: there was no answer */
void phone_carrier_fetched(struct phone_carrier *c, uint64_t tag, unsigned status,
                           uint64_t now_ms);

/* ---- between the files ---- */

struct phone_errand {
    struct list link;
    struct phone_carrier *by;
    phone_errand_fn fn; /**< NULL: nobody hears */
    void *owner;
    struct txn *txn; /**< of a NOTIFY */
    uint64_t tag;    /**< of an HTTP request; 0: it is none */
};

/**
 * A NOTIFY outside of any dialog.
 * @param lines  header lines that tell of the event and of the body
 * @return 0, E_TOOMANY, E_NOMEM
 */
int phone_notify_send(struct phone_carrier *by, const struct phone_way *way, const char *lines,
                      struct str body, phone_errand_fn fn, void *owner,
                      struct phone_errand **out, uint64_t now_ms) MUST_USE;

/** @return NULL and *err: E_TOOMANY, E_NOMEM */
struct phone_errand *phone_errand_new(struct phone_carrier *by, phone_errand_fn fn, void *owner,
                                      int *err);
/** It is freed, and the outcome told. */
void phone_errand_done(struct phone_errand *e, unsigned status, struct str csta,
                       uint64_t now_ms);
void phone_errand_free(struct phone_errand *e);

#endif
