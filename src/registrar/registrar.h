/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registrar: which contacts an address of record has, and on which flow each is reached
 * (RFC 3261 §10.3, RFC 3581), through which proxies (RFC 3327), and by which GRUUs (RFC 5627).
 *
 * A binding remembers the contact as it was written, its q, when it ends, the Call-ID and
 * CSeq that made it (an older REGISTER of the same Call-ID changes nothing), the hop from
 * which it came: requests go there, whatever the contact says, so that a phone behind NAT is
 * reached through the hole it opened, and what the phone said it can do (Allow,
 * Allow-Events, methods, Supported, the feature parameters of its contact). A binding with the
 * same contact, or with the same +sip.instance (and reg-id) as an older one of the record,
 * replaces it: a phone that restarted does not leave a ghost.
 *
 * SIPS (RFC 5630). sip and sips addresses of record are the same record. A sips contact is
 * taken only when Request-URI, all contacts and all of Path are sips; contacts that differ in
 * the scheme alone are one, the last counts.
 *
 * OUTBOUND (RFC 5626 §6). Two flows of one phone (same instance, different reg-id) are two
 * bindings, even with one contact URI. A reg-id without an instance is ignored, and so is one
 * that came through a first hop that keeps no flows; if the phone asked for outbound that is
 * 439. The first hop is the last value of Path: each proxy puts its own in front. A binding
 * that only its flow reached goes with the flow.
 *
 * Changes are all or nothing: a request with one bad contact changes none.
 *
 * CONTACT SCHEMES. RFC 3261 §10.2.1 lets a phone register any URI (tel, mailto), and leaves to
 * the registrar what it takes. Baton reaches a contact over the flow of its REGISTER, which
 * only a SIP element has, so it takes sip and sips and refuses any other with 403 and a
 * reason phrase: the request is well formed (so not 400), and to keep a binding that no
 * call can ever reach would be a quiet lie.
 *
 * The registrar decides no policy: who may register what is asked before. It owns all bindings;
 * pointers to them live until the next call that changes the record or time passes.
 * Memory: about 0.6 KiB a binding. Bounded: records, and contacts per record.
 */
#ifndef BATON_REGISTRAR_REGISTRAR_H
#define BATON_REGISTRAR_REGISTRAR_H

#include "base/arena.h"
#include "base/env.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "base/store.h"
#include "base/wheel.h"
#include "sip/hdr.h"
#include "sip/msg.h"
#include "txn/txn.h"

struct registrar;
struct record;

struct binding {
    struct list link; /**< of the record, highest q first, then newest first */
    struct record *record;
    struct timer expire;
    struct str contact;  /**< URI text */
    struct str params;   /**< ";a=b;c": contact parameters without expires and q, or empty */
    struct str instance; /**< +sip.instance value without quotes, or absent */
    uint32_t reg_id; /**< the flow's number (RFC 5626); 0: none, or outbound does not apply */
    struct str call_id;
    uint32_t cseq;
    uint16_t q_milli; /**< 0..1000; 1000 when it was not given */
    bool has_q;
    struct hop hop;    /**< where its REGISTER came from; flow 0: that has closed */
    struct str routes; /**< Path (RFC 3327) as "Route: …" lines with CRLF, which requests to it
                            carry; empty without */
    struct str user_agent;
    struct str supported; /**< option tags of its REGISTER's Supported; absent: it had none */
    uint32_t methods;     /**< bit per enum sip_method that its Allow (or else the methods
                               parameter, RFC 3840 §10) named; 0: not said */
    bool event_talk;      /**< Allow-Events has "talk" */
    bool failed; /**< its flow was found not to work: last choice until the phone comes again */
    struct map_node by_contact; /**< of registrar.contacts */
    struct map_node by_life;    /**< RFC 5627: of registrar.lives, when it has an instance */
    uint64_t gruu_life;         /**< 0: none; see gruu.c */
    uint32_t gruu_count;        /**< temporary GRUUs of that life so far */
    uint64_t serial;            /**< the higher, the later it was registered or refreshed */
    uint64_t id;                /**< its own in this run, kept when it is refreshed */
    uint64_t created_ms;        /**< when it came; on the clock of now_ms, as is … */
    uint64_t expires_ms;
    void *block;           /**< the strings' memory */
    struct list flow_link; /**< stream flows: the bucket of hop.flow */
};

struct record {
    struct map_node node;
    struct str key; /**< "1001@example.com": the device key of the directory */
    struct list bindings;
    uint32_t count;
    struct registrar *registrar;
};

struct registrar_config {
    uint32_t default_expires_s; /**< 3600 */
    uint32_t min_expires_s;     /**< 60: shorter is 423, except 0 */
    uint32_t max_expires_s;     /**< 86400: longer is cut */
    uint32_t max_contacts;      /**< 10 per record */
    uint32_t max_records;       /**< 100000 */
    uint32_t flow_timer_s;      /**< Flow-Timer of RFC 5626 §5.4 for direct flows; 0: none */
    bool path_lenient;          /**< Path is taken from phones that do not support it, too */
    struct str service_route;   /**< value(s) of Service-Route (RFC 3608); absent: none. The
                                     caller's */
};

/** Buckets in which the bindings of a stream flow are found when it closes; a power of two. */
#define REGISTRAR_FLOW_BUCKETS 1024

/**
 * A record got its first binding (registered = true) or lost its last one; then registrar_find
 * finds it no more and it is freed after the call. Called last: the registrar is consistent
 * and may be asked and changed.
 */
typedef void (*registrar_change_fn)(void *ctx, const struct record *r, bool registered,
                                    uint64_t now_ms);

/** What happened to a binding (RFC 3680 §5.2 has the same words). */
enum binding_event {
    BINDING_CREATED,
    BINDING_REFRESHED, /**< also: the phone has another contact or flow now */
    BINDING_SHORTENED, /**< by the registrar */
    BINDING_EXPIRED,
    BINDING_UNREGISTERED, /**< the phone took it back, or another one of its own replaced it */
    BINDING_DEACTIVATED,  /**< by the registrar: the flow that alone reached it is gone */
};

/**
 * A binding was made or changed, or goes: then it is out of its record already and freed after
 * the call. Called while a request is being carried out, once for each binding of it that
 * changes and before on_change: look, but do not change the registrar.
 */
typedef void (*registrar_binding_fn)(void *ctx, const struct record *r, const struct binding *b,
                                     enum binding_event what, uint64_t now_ms);

struct registrar {
    const struct env *env;
    struct wheel *wheel;
    struct registrar_config config;
    struct hash_key key;
    struct map records;
    struct pool record_pool, binding_pool;
    struct map contacts; /**< bindings by user and host of their contact */
    struct map lives;    /**< bindings by their gruu_life */
    struct evp_cipher_ctx_st *gruu_write, *gruu_read;
    struct list *flows; /**< REGISTRAR_FLOW_BUCKETS lists of bindings on stream flows */
    const struct store_ops *store; /**< bindings are handed to that; set after init; NULL: to
                                        nobody */
    uint8_t gruu_key[16];
    registrar_change_fn on_change;   /**< may be NULL; set after init, with ctx */
    registrar_binding_fn on_binding; /**< may be NULL; gets ctx too */
    void *ctx;
    uint64_t last_serial, last_life, last_id;                        /**< of a binding */
    uint64_t registered, refreshed, removed, expired, lost, refused; /**< counters */
};

/**
 * Where a request for this binding is sent. @return false: nowhere, its flow is gone and its
 * contact is no host. out->host is a slice of the binding.
 */
bool binding_target(const struct binding *b, struct txn_target *out);

/** Did the phone register a sips contact? Only then may sips requests go to it (RFC 5630 §5.3).
    It is reached over TLS only, and by sip requests too. */
bool binding_is_sips(const struct binding *b);

/**
 * The Request-URI of a request for it: the contact; of a sip request to a sips contact that
 * with the scheme sip (RFC 5630 §5.3). @return in the binding or the arena; absent: no memory
 */
struct str binding_request_uri(const struct binding *b, bool sips, struct arena *arena);

/** Has the record a binding with a sips contact? */
bool record_has_sips(const struct record *rec);

/** Zeros in `config` mean the defaults above. @return 0 or E_NOMEM */
int registrar_init(struct registrar *r, const struct env *env, struct wheel *wheel,
                   const struct registrar_config *config) MUST_USE;

/** Frees everything without on_change. Harmless on zeroed memory. */
void registrar_fini(struct registrar *r);

struct registrar_answer {
    unsigned status;   /**< 200, 400, 403 (a limit, a scheme), 423, 500 (older CSeq), 503 */
    struct str reason; /**< absent: the default phrase */
    struct str lines;  /**< Contact, Date, Min-Expires, … in the arena */
};

/**
 * Process a REGISTER that passed authentication and whose To is `key`.
 * No Contact: a query. `Contact: *` with Expires: 0 removes all. A status other than 200
 * means that nothing changed. RFC 3261 §10.3 steps 6 to 8; the steps before are the caller's.
 */
void registrar_register(struct registrar *r, const struct sip_msg *m, struct str key,
                        const struct hop *from, uint64_t now_ms, struct arena *arena,
                        struct registrar_answer *out);

/** Every binding of that key ends (deactivated). Harmless when there is none. */
void registrar_remove(struct registrar *r, struct str key, uint64_t now_ms);

/** The record of a canonical address of record that has bindings, or NULL. */
struct record *registrar_find(const struct registrar *r, struct str key);

/**
 * The binding with that contact (RFC 3261 §19.1.4; sip and sips are the same), of several the
 * latest. NULL: none, more than one record has it, or its host is a name (but .invalid).
 */
const struct binding *registrar_find_contact(const struct registrar *r,
                                             const struct sip_uri *u);

/** The GRUUs of a binding that has a gruu_life and stands in its record: the public one … */
void registrar_gruu_write_public(const struct binding *b, struct out *o);
/** … and the latest temporary one. @return false: the library failed, nothing was written */
bool registrar_gruu_write_temporary(const struct binding *b, struct out *o);

/** Is this URI a GRUU? *instance: the value of gr, absent for a temporary one. */
bool gruu_in_uri(const struct sip_uri *u, struct str *instance);

/** The value of gr for an instance (RFC 5627 §5.4: its text, escaped where needed). */
void gruu_write_value(struct out *o, struct str instance);

/** Does the value of gr, escapes in it, mean this instance (RFC 5627 §5.4)? */
bool gruu_is_instance(struct str gr, struct str instance);

/**
 * The record that a GRUU belongs to (RFC 5627 §6.1), and in *only the latest binding of its
 * instance. Temporary: NULL when it is not, or no more, valid: 404. Public: NULL when nobody is
 * registered under that address, *only NULL when not that instance: 480 if the address is
 * known. The host of the URI must be that of the record's key.
 */
struct record *registrar_find_gruu(const struct registrar *r, const struct sip_uri *u,
                                   struct binding **only);

/**
 * A stream flow closed. What only that flow reached goes (RFC 5626 §7): flows of outbound,
 * contacts without a host that could be connected to. Other bindings stay, for a new connection
 * to the contact; hop.flow becomes 0. Costs what is in the flow's bucket.
 */
void registrar_on_flow_closed(struct registrar *r, uint32_t flow, uint64_t now_ms);

/**
 * What the store kept, before anything else is registered: first the secret, if there is one,
 * then the bindings. Nobody is told of them: they have been there all the time.
 * @return 0; E_SYNTAX, E_VERSION; E_NOTFOUND: it has expired meanwhile; E_NOMEM, E_TOOMANY
 */
int registrar_restore_secret(struct registrar *r, struct str value) MUST_USE;
int registrar_restore(struct registrar *r, struct str key, struct str value,
                      uint64_t now_ms) MUST_USE;
/** The key of the record that a row belongs to; absent: it is none. */
struct str registrar_row_key(struct str value);
/** Secret and bindings are handed to the store, whatever was before. */
void registrar_keep_secret(const struct registrar *r);
void registrar_keep_all(const struct registrar *r, uint64_t now_ms);

/** A request to the binding of that id failed because of its flow (430, no way to send). */
void registrar_on_flow_failed(struct registrar *r, struct str key, uint64_t id);

#endif
