/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: who wants to be told what becomes of a device, and is told (RFC 6665).
 *
 * A SUBSCRIPTION is a dialog of its own, made by a SUBSCRIBE, with one usage and nothing else
 * in it (no dialog sharing, RFC 6665 §4.5.2). A RESOURCE is what is watched: one device under
 * one package, there while somebody watches it. A PACKAGE says what the state is and how it is
 * written:
 *
 *   reg               RFC 3680, 5628   the bindings of an address of record
 *   dialog            RFC 4235         its calls: busy lamps, and pick-up
 *   message-summary   RFC 3842         what waits in its mailbox
 *   as-feature-event  (no RFC)         do not disturb and forwarding, set by the phone's keys
 *   refer             RFC 3515         what became of a REFER; made by the REFER only
 *
 * NOTIFY. A subscription has at most one NOTIFY in the air, so two can never cross. What
 * changes meanwhile is told together afterwards, at most once in the interval that the package
 * recommends; the NOTIFY that answers a SUBSCRIBE and the last one never wait. They are sent by
 * event_settle, which the engine calls after each input, so that ten changes of one moment
 * are one document and everything has its final state when it is written.
 *
 * FAILURE (RFC 6665 §4.2.2). No answer, or a refusal: the subscription is removed. A refusal
 * with Retry-After: the full state again, later. A connection that is gone: the subscriber is
 * sought at its registration, then at its Contact, with longer and longer pauses, until it is
 * given up.
 *
 * BOUNDS. Subscriptions in all, of one subscriber, of one resource; publications.
 *
 * WHO MAY WATCH WHOM. A device may watch itself. Without rules in the configuration devices of
 * one domain may watch each other's calls (that is what lamps are for), a trusted peer may
 * watch everything, and an application what it is granted. With rules, these and nothing else
 * count.
 *
 * NOT HERE  Resource lists (RFC 4662), filters (RFC 4660), partial PIDF, winfo. NOTIFY inside
 * an INVITE's dialog (talk, hold, a REFER's progress there) belongs to the leg.
 *
 * COST. About 1 KiB a subscription; a change costs one visit to each of its watchers.
 */
#ifndef BATON_EVENT_EVENT_H
#define BATON_EVENT_EVENT_H

#include "auth/directory.h"
#include "call/call.h"
#include "dialog/dialog.h"
#include "registrar/registrar.h"
#include "txn/txn.h"

struct event_layer;
struct subscription;

/** Our Allow-Events value. */
#define EVENT_ALLOW "dialog, message-summary, reg, as-feature-event, refer"

/** Why a subscription ends (RFC 6665 §4.1.3): the reason parameter. */
enum event_reason {
    EVENT_DEACTIVATED, /**< subscribe again at once */
    EVENT_PROBATION,   /**< subscribe again later */
    EVENT_REJECTED,    /**< not any more: the policy has changed */
    EVENT_TIMEOUT,     /**< it was not refreshed */
    EVENT_GIVEUP,      /**< no permission came in time */
    EVENT_NORESOURCE,  /**< what was watched is no more */
    EVENT_INVARIANT,   /**< its state will not change any more */
};

/** One line of policy: these may watch those. */
struct event_rule {
    const struct str *who; /**< numbers, number@domain, beginnings "10*"; "peer:NAME" */
    size_t who_count;
    const struct str *devices; /**< the same without peers */
    size_t device_count;
    const struct str *packages; /**< none: all */
    size_t package_count;
};

/** Whose call identifiers a watcher of calls is shown, with which it could take the call. */
enum event_replaces {
    EVENT_REPLACES_EARLY, /**< while it rings: directed pick-up */
    EVENT_REPLACES_NONE,
    EVENT_REPLACES_ALL,
};

/** Zeros mean what stands behind them. */
struct event_config {
    uint32_t max_subscriptions;  /**< 10000 */
    uint32_t max_per_subscriber; /**< 200 */
    uint32_t max_per_resource;   /**< 200 */
    uint32_t max_publications;   /**< 10000 */
    uint32_t min_expires_s;      /**< 60: shorter is 423, except 0 */
    uint32_t max_expires_s;      /**< 86400: longer is cut */
    uint32_t interval_ms; /**< between two NOTIFYs of a subscription; what the package says */
    const struct event_rule *rules;
    size_t rule_count;
    bool dialog_partial;     /**< changes are told as partial documents */
    bool dialog_identity;    /**< watchers see with whom a device speaks */
    uint8_t replaces;        /**< enum event_replaces */
    bool unsolicited_mwi;    /**< phones that did not subscribe are told of their messages */
    struct str contact_user; /**< user part of our Contact, or absent */
};

/** Who sent a request, as far as it is proven; at least one is set. */
struct event_party {
    struct device *device;
    const struct application *application;
    const struct peer *peer;
};

/** What event_new needs; all must outlive the layer. */
struct event_world {
    const struct env *env;
    struct wheel *wheel;
    struct txn_layer *txn;
    struct registrar *registrar;
    struct call_layer *calls;
    struct directory *directory;
    struct arena *scratch; /**< reset by the engine after each input, after event_settle */
    struct dialog_locator locator; /**< for subscribers whose Contact is a GRUU; may be zeros */
};

/** @return NULL when memory is out */
struct event_layer *event_new(const struct event_world *world,
                              const struct event_config *config);
/** Drops everything without a word. NULL is allowed. */
void event_free(struct event_layer *l);

/** Send what has become due; at the end of each input. */
void event_settle(struct event_layer *l, uint64_t now_ms);

/* ---- requests; the caller sends *out, whose strings live in scratch ---- */

/** Is there such a package, so that it is worth to ask who wants it? Else *out is a 489. */
bool event_known(struct event_layer *l, const struct sip_msg *m, struct txn_reply *out);

/** A SUBSCRIBE outside of any dialog, for the Request-URI. */
void event_subscribe(struct event_layer *l, const struct sip_msg *m, const struct hop *from,
                     const struct event_party *who, struct txn_reply *out, uint64_t now_ms);

/** A request with a To tag that no leg owns. @return false: not ours either (481) */
bool event_on_request(struct event_layer *l, const struct sip_msg *m, const struct hop *from,
                      struct txn_reply *out, uint64_t now_ms);

/** Can that be published? Else *out is a 489. */
bool event_publishes(struct event_layer *l, const struct sip_msg *m, struct txn_reply *out);

/** PUBLISH (RFC 3903) for the Request-URI. */
void event_publish(struct event_layer *l, const struct sip_msg *m,
                   const struct event_party *who, struct txn_reply *out, uint64_t now_ms);

/** Is this NOTIFY outside of any dialog one that is taken: the state of a mailbox? */
bool event_is_notified(const struct sip_msg *m);
void event_notified(struct event_layer *l, const struct sip_msg *m,
                    const struct event_party *who, struct txn_reply *out, uint64_t now_ms);

/** A flow closed: what was pinned to it seeks its subscriber elsewhere. */
void event_on_flow_closed(struct event_layer *l, uint32_t flow);

/* ---- message waiting, for those who do not subscribe ---- */

/** What waits for a device, as far as anybody has said. */
struct event_waiting {
    bool on;
    struct str account; /**< URI of the Message-Account when it is not the device's own;
                           borrowed, until the next change */
};
struct event_waiting event_waiting(const struct event_layer *l, const struct device *d);

/**
 * Switch the indicator of a device, as a source of its own: the newest word of anybody counts,
 * so a voice mail system that publishes afterwards is believed.
 * @param account  URI of the mailbox or device where the message is; absent: the device's own
 * @return 0; E_NOMEM; E_VALUE: octets that cannot stand in a header line
 */
int event_set_waiting(struct event_layer *l, struct device *d, bool on, struct str account,
                      uint64_t now_ms);

/** The indicator of a device is another one than before, whoever has said so. */
typedef void (*event_waiting_fn)(void *ctx, struct device *d, uint64_t now_ms);
/** NULL: nobody is told. */
void event_on_waiting(struct event_layer *l, event_waiting_fn fn, void *ctx);

/* ---- the life of what is watched ---- */

/** What happened in a call. */
void event_on_call(struct event_layer *l, const struct call_event *e);

/** What happened to a binding, as registrar_binding_fn. */
void event_on_binding(struct event_layer *l, const struct record *record,
                      const struct binding *b, enum binding_event what);
/** As call_feature_fn. */
void event_on_feature(struct event_layer *l, struct device *d, unsigned which);
/** Is there a subscription by which the phones of that device are told of its switches? */
bool event_features_watched(const struct event_layer *l, const struct device *d);
/** As registrar_change_fn. */
void event_on_registration(struct event_layer *l, const struct record *record, bool registered,
                           uint64_t now_ms);

/** The device is none any more: who watched it is told noresource, what it watched ends too,
   and its mailbox is forgotten. */
void event_device_gone(struct event_layer *l, struct device *d, uint64_t now_ms);

/** Shutdown: everybody is told to come back later. */
void event_end_all(struct event_layer *l, uint64_t now_ms);

/* ---- subscriptions that another module feeds: a REFER outside of any dialog ---- */

/** Package, type and id of such a subscription. All is copied. */
struct event_feed_args {
    struct str id;   /**< Event's id parameter (RFC 3515 §2.4.6: the CSeq number), or absent */
    struct str body; /**< its state at first: "SIP/2.0 100 Trying\r\n" */
    uint32_t expires_s; /**< 0: 60 */
};

/** The subscription has ended by itself (unsubscribed, expired, the subscriber is gone): the
    pointer is dead. Not called by event_feed with `last`. */
typedef void (*event_feed_gone_fn)(void *owner, uint64_t now_ms);

/**
 * The implicit subscription (package refer, message/sipfrag;version=2.0) that a REFER makes.
 * Its first NOTIFY goes out at the next settle, so answer `m` with 202 before the input ends,
 * with `to_tag` of event_feed_tag and the line of event_feed_contact.
 * @param who  the referrer, for the bound of a subscriber; may be NULL
 * @return NULL when memory or a limit is out: answer 503
 */
struct subscription *event_feed_new(struct event_layer *l, const struct sip_msg *m,
                                    const struct hop *from, const struct event_party *who,
                                    const struct event_feed_args *args, event_feed_gone_fn gone,
                                    void *owner, uint64_t now_ms);
/** Our tag in its dialog. */
struct str event_feed_tag(const struct subscription *s);
/** "Contact: …" CRLF, in scratch; absent when memory is out. */
struct str event_feed_contact(const struct subscription *s);
/** Tell this body (copied). `last`: then it ends with reason noresource (RFC 3515 §2.4.5) and
   the pointer is dead. @return 0; E_NOMEM: not told, but for `last` it ends all the same */
int event_feed(struct subscription *s, struct str body, bool last);

/* ---- what outlives the process ---- */

/** From now on subscriptions are handed to that; borrowed. NULL: to nobody. */
void event_keep_in(struct event_layer *l, const struct store_ops *store);
/** What has changed is. At the end of each input. */
void event_keep(struct event_layer *l, uint64_t now_ms);
void event_keep_all(struct event_layer *l, uint64_t now_ms);
/** A row of an earlier run. @return 0; E_SYNTAX, E_VERSION; E_NOTFOUND: it is over, or what it
    watched is not there any more; E_NOMEM */
int event_restore(struct event_layer *l, struct str value, uint64_t now_ms) MUST_USE;
/** What was known of the messages for that device. @return 0; E_NOTFOUND: no such device, or it
    is over; E_EXISTS; E_SYNTAX, E_VERSION, E_NOMEM. Nothing has changed then */
int event_restore_mailbox(struct event_layer *l, struct str key, struct str value,
                          uint64_t now_ms) MUST_USE;

/* ---- counters ---- */

struct event_stats {
    uint64_t subscriptions, resources, publications;      /**< there are */
    uint64_t subscribed, refreshed, ended, expired;       /**< there were */
    uint64_t refused, notified, notify_failed, coalesced; /**< coalesced: changes that waited */
};
void event_stats(const struct event_layer *l, struct event_stats *out);

#endif
