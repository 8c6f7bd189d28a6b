/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this module share: the table of contents of event/.
 *
 *   event.c         the layer: its life, resources, subscribers, counters
 *   subscribe.c     SUBSCRIBE: what may be subscribed, by whom, for how long
 *   subscription.c  the life of a subscription; feeds
 *   notify.c        NOTIFY: when, where to, and what its answer means
 *   packages.c      the table of packages, and what their documents share
 *   dialog_info.c   package dialog
 *   reg_info.c      package reg
 *   mailbox.c       package message-summary, and what it tells of; mailbox_keep.c outlives us
 *   feature_keys.c  package as-feature-event
 *   keep.c          subscriptions that outlive the process
 *   publish.c       PUBLISH, and NOTIFY from voice mail systems
 *
 * LIFE. A subscription is freed in three places only, each of which has just taken it off its
 * NOTIFY: when the last NOTIFY has been handed to the transaction layer, when a NOTIFY failed,
 * and when the layer goes. Everything else marks it and puts it on the layer's work list. Its
 * resource goes with its last subscription.
 */
#ifndef BATON_EVENT_PARTS_H
#define BATON_EVENT_PARTS_H

#include "base/err.h"
#include "dialog/keep.h"
#include "event/event.h"

struct resource;

/** What a NOTIFY carries. In scratch or longer-lived. */
struct event_body {
    struct str type, body; /**< an absent body: none */
};

struct event_package {
    struct str name;
    struct str type;      /**< of its bodies, as Accept would have it */
    uint32_t expires_s;   /**< when a SUBSCRIBE says nothing */
    uint32_t interval_ms; /**< between NOTIFYs, as its RFC recommends */
    bool open_to_domain;  /**< without rules every device of the domain may watch */
    bool implicit;        /**< no SUBSCRIBE makes one */
    /** The first watcher comes. @return 0 or E_NOMEM */
    int (*open)(struct resource *r, uint64_t now_ms);
    /** The last one went. */
    void (*close)(struct resource *r);
    /** Write what `s` is to be told: all of it, or what is newer than s->told_rev.
        @return false: no memory */
    bool (*write)(struct subscription *s, bool full, struct event_body *out, uint64_t now_ms);
    /** A SUBSCRIBE has a body: do what it says. @return 0 or the status that refuses it;
        NULL: bodies mean nothing */
    unsigned (*ask)(struct event_layer *l, struct device *d, const struct sip_msg *m,
                    uint64_t now_ms);
};

extern const struct event_package event_refer, event_dialog, event_reg, event_summary,
    event_features;

/** All that can be subscribed; ends with NULL. */
extern const struct event_package *const event_packages[];

/** One device under one package. */
struct resource {
    struct map_node node;
    struct event_layer *layer;
    const struct event_package *package;
    struct device *device;
    struct list subscriptions; /**< struct subscription.of_resource */
    uint32_t count;
    uint64_t rev; /**< of its state: rises with every change */
    void *state;  /**< the package's */
};

/** Who has subscriptions, and how many. */
struct subscriber {
    struct map_node node;
    struct str key; /**< "1001@example.com", "peer:gateway", "app:crm"; owned */
    struct list subscriptions;
    uint32_t count;
};

struct subscription {
    struct event_layer *layer;
    const struct event_package *package;
    struct resource *resource;     /**< NULL: a feed, or what was watched is gone */
    struct subscriber *subscriber; /**< NULL: a feed of nobody in particular */
    struct dialog dialog;
    struct list of_resource, of_subscriber, work, touch;
    bool kept;     /**< there is a row */
    struct str id; /**< Event's id parameter; owned */
    char tag[16];  /**< ours, NUL-terminated */
    uint64_t expires_ms;
    struct timer expire, pause;
    uint64_t next_ms;   /**< no NOTIFY before, unless urgent */
    struct txn *notify; /**< the one in the air */
    uint32_t version;   /**< of the document that comes next */
    uint64_t sent_rev;  /**< what the NOTIFY in the air, or else the last one, tells */
    uint64_t told_rev;  /**< what the subscriber has confirmed */
    uint8_t tries;      /**< NOTIFYs that failed one after the other */
    uint8_t reason;     /**< enum event_reason, when ending */
    bool dirty;         /**< there is something to tell */
    bool full;          /**< all of it */
    bool urgent;        /**< at once */
    bool may_set;       /**< its SUBSCRIBEs may have bodies that change something */
    bool ending;        /**< the next NOTIFY is the last one */
    /* feeds */
    struct str body; /**< owned */
    event_feed_gone_fn gone;
    void *owner;
};

/** What is known of the messages for a device. */
struct mailbox {
    struct map_node node;
    struct device *device;
    struct list publications; /**< the one that counts is the last */
};

enum { ETAG_LEN = 16 };

/** What one source has said of a mailbox. */
struct publication {
    struct map_node node; /**< by etag */
    struct list link;     /**< of the mailbox */
    struct event_layer *layer;
    struct mailbox *box;
    char etag[ETAG_LEN];
    uint64_t sender; /**< of NOTIFY: who, the same in each run; 0: it was published, and has
                        an etag */
    struct str text; /**< owned */
    struct timer expire;
};

#define EVENT_FLOW_LISTS 256

struct event_layer {
    const struct env *env;
    struct wheel *wheel;
    struct txn_layer *txn;
    struct registrar *registrar;
    struct call_layer *calls;
    struct directory *directory;
    struct arena *scratch;
    struct dialog_locator locator;
    struct event_config config;
    struct hash_key key;
    struct map dialogs, resources, subscribers, mailboxes, publications;
    struct pool subscription_pool, resource_pool, subscriber_pool;
    struct pool mailbox_pool, publication_pool;
    struct list work;                    /**< struct subscription.work */
    struct list flows[EVENT_FLOW_LISTS]; /**< pinned: struct subscription.dialog.flow_link */
    struct list touched;                 /**< struct subscription.touch: not kept as they are */
    const struct store_ops *store;       /**< NULL: nobody keeps them */
    struct pack_room room;
    event_waiting_fn on_waiting; /**< may be NULL */
    void *waiting_ctx;
    struct event_stats count;
    bool stopping;
};

/* ---- event.c ---- */

struct resource *resource_find(const struct event_layer *l, const struct event_package *p,
                               const struct device *d);
/** Find or make. NULL when memory is out. */
struct resource *resource_get(struct event_layer *l, const struct event_package *p,
                              struct device *d, uint64_t now_ms);
/** Frees it when nobody watches. */
void resource_settle(struct resource *r);

/** Its state has changed: rev rises and every watcher is to be told. */
void resource_changed(struct resource *r);

/** The lowest told_rev of its watchers: what is older and gone need not be kept. */
uint64_t resource_told(const struct resource *r);

/** "1001@example.com", "app:crm", "peer:gateway". */
struct str event_party_key(struct arena *a, const struct event_party *who);

struct subscriber *subscriber_get(struct event_layer *l, const struct event_party *who);
/** The same by its key. */
struct subscriber *subscriber_keyed(struct event_layer *l, struct str key);
void subscriber_settle(struct event_layer *l, struct subscriber *s);

/** Whom a key means today. @return false: nobody any more */
bool event_party_keyed(const struct event_layer *l, struct str key, struct event_party *out);

/* ---- subscribe.c ---- */

/** May he know of the device what this package tells? */
bool subscribe_may_watch(const struct event_layer *l, const struct event_party *who,
                         const struct event_package *p, const struct device *d);
/** May a SUBSCRIBE of his change something? Who may only watch, may not. */
bool subscribe_may_set(const struct event_party *who, const struct device *d);

/* ---- subscription.c ---- */

struct subscription_args {
    const struct event_package *package;
    struct resource *resource;
    struct subscriber *subscriber;
    struct str id;
};

/** From a request that makes a dialog; in all tables. NULL when memory or the limit is out. */
struct subscription *subscription_new(struct event_layer *l, const struct sip_msg *m,
                                      const struct hop *from,
                                      const struct subscription_args *args, uint64_t now_ms);
struct subscription *subscription_find(const struct event_layer *l, const struct sip_msg *m);
/** Its end is now + seconds. */
void subscription_live(struct subscription *s, uint32_t seconds, uint64_t now_ms);
/** There is something to tell: it comes up at the next settle. */
void subscription_wake(struct subscription *s);
/** One more NOTIFY, the last one. */
void subscription_end(struct subscription *s, enum event_reason why);
/** At once and without a word; its owner hears of it. */
void subscription_free(struct subscription *s, uint64_t now_ms);
/** On the list of the flow that its dialog is pinned to. */
void subscription_bind_flow(struct subscription *s);
/** One of an earlier run, read: into all tables, and it is told all there is. */
void subscription_restored(struct subscription *s, const struct subscription_args *args);

/* ---- keep.c ---- */

/** Something of it is another than when it was kept. */
void subscription_touch(struct subscription *s);
/** It is over. */
void subscription_unkeep(struct subscription *s);

/* ---- subscription.c ---- */

/** "Contact: …" CRLF in scratch; absent when memory is out. */
struct str subscription_contact(const struct subscription *s);

/* ---- packages.c ---- */

typedef void (*event_write_fn)(const void *ctx, struct out *o);

/** What `fn` writes, measured first, in scratch. @return false: no memory */
bool event_render(struct event_layer *l, event_write_fn fn, const void *ctx, struct str *out);

/** ` name="value"`, escaped. */
void event_attr(struct out *o, const char *name, struct str value);

/** Does the subscriber watch himself? */
bool event_is_self(const struct subscription *s);

/* ---- mailbox.c ---- */

struct mailbox *mailbox_find(const struct event_layer *l, const struct device *d);
struct mailbox *mailbox_get(struct event_layer *l, struct device *d);
/** Frees it when there is nothing in it. NULL is allowed. */
void mailbox_settle(struct event_layer *l, struct mailbox *box);
/** All that is in it, and it. Nobody is told. */
void mailbox_free(struct event_layer *l, struct mailbox *box);
/** The publication that counts, or NULL. */
const struct publication *mailbox_newest(const struct mailbox *box);
/** What stands for the state of the indicator; 0: off. */
uint64_t mailbox_mark(const struct event_layer *l, const struct device *d);
/** Its text is another one: tell. `was`: its mark before that. */
void mailbox_changed(struct event_layer *l, struct device *d, uint64_t was, uint64_t now_ms);
/** The summary as it is kept, in the arena. @return false: it is none, or no memory */
bool mailbox_read(struct arena *a, struct str body, struct str *text);

/* ---- mailbox_keep.c ---- */

/** What is known of the messages for `d` has changed. */
void mailbox_keep(struct event_layer *l, const struct device *d, uint64_t now_ms);
void mailbox_keep_all(struct event_layer *l, uint64_t now_ms);

/* ---- publish.c ---- */

/** An empty one in the mailbox of `d`; NULL when memory or the limit is out. */
struct publication *publication_new(struct event_layer *l, struct device *d);
/** It has its entity-tag and can be found by it. */
void publication_tagged(struct event_layer *l, struct publication *p);
/** Out of its mailbox, without telling. */
void publication_free(struct event_layer *l, struct publication *p);

/* ---- notify.c ---- */

/** Send its NOTIFY if one is due. May free it. */
void notify_try(struct subscription *s, uint64_t now_ms);

#endif
