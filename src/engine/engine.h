/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine: one worker. Bytes and time in; bytes, events and a deadline out.
 *
 * It wires L1-L4 to an `env` and dispatches what comes in, in one fixed order:
 *
 *   index → check → border → (response: transaction) → transaction match → dialog match →
 *   identity (device, application, peer) → role by method → default refusal
 *
 * It makes no system call and holds no lock: one thread owns it. The server feeds it from its
 * loop, tests from a virtual network, the fuzzer from bytes.
 *
 *     engine_new → engine_input / engine_tick / engine_resolved / engine_flow_closed … →
 * engine_free
 *
 * After each of these calls ask engine_deadline and wake it then with engine_tick.
 */
#ifndef BATON_ENGINE_ENGINE_H
#define BATON_ENGINE_ENGINE_H

#include "auth/directory.h"
#include "base/store.h"
#include "border/border.h"
#include "call/call.h"
#include "cti/cti.h"
#include "engine/guard.h"
#include "engine/load.h"
#include "event/event.h"
#include "peers/peers.h"
#include "phone/phone.h"
#include "proxy/proxy.h"
#include "registrar/registrar.h"
#include "rules/rules.h"
#include "seal/seal.h"
#include "sip/framer.h"
#include "uui/uui.h"

struct engine;

/** Who is told where a device's phones are when he asks for that (RFC 3841 "redirect"). */
enum engine_ask { ENGINE_ASK_NOBODY, ENGINE_ASK_TRUSTED, ENGINE_ASK_ALL };

/** Commands of the HTTP API (operation.h); zeros: defaults. */
struct operation_config {
    uint32_t max;    /**< that are remembered; 10000 */
    uint32_t keep_s; /**< so long after their end; 3600 */
};

struct engine_config {
    struct sip_limits limits; /**< zeros: defaults */
    struct txn_timing timing;
    uint32_t max_transactions; /**< 0: 100000 */
    uint32_t udp_max;          /**< larger requests go over TCP; 0: any over UDP */
    uint32_t blacklist_ms;     /**< servers that failed are avoided at most so long; 0: not */
    struct registrar_config registrar;
    struct leg_config leg;
    struct call_config call;
    struct cti_config cti;
    struct event_config event;
    struct proxy_config proxy;
    struct phone_config phone; /**< phones that are commanded by CSTA; zeros: defaults */
    struct peers_config peers; /**< how they are asked what they understand; zeros: defaults */
    struct str realm;          /**< digest realm; absent: the first domain */
    uint32_t nonce_life_s;     /**< 0: 300 */
    bool digest_md5, digest_sha256;  /**< which challenges offer; neither: both */
    struct str server_name;          /**< Server and User-Agent value; absent: none */
    const struct rule_table *routes; /**< the caller's, must outlive the engine or
                                        engine_set_routes; NULL: none */
    uint8_t redirect_asked;          /**< enum engine_ask */
    bool strip_untrusted_history; /**< History-Info and Diversion of who is outside of the trust
                                       domain are taken out of what he sends */
    /** The caller's, must outlive the engine or engine_set_packages; NULL: isdn-uui alone. */
    const struct uui_packages *packages;
    /** Rules about User-to-User at the border; the caller's likewise (engine_set_policy). */
    const struct border_policy *policy;
    struct seal_config seal;     /**< zeros: defaults */
    struct seal_keys *seal_keys; /**< borrowed likewise (engine_set_seal_keys); NULL: none */
    /** Of phones; borrowed likewise (engine_set_phone_profiles). NULL: the built-in ones. */
    const struct phone_profiles *phone_profiles;
    struct operation_config operation;
    struct guard_config guard;     /**< strangers; zeros: all of them come in */
    struct load_config load;       /**< zeros: nothing is refused early */
    struct directory *directory;   /**< the caller's, must outlive the engine */
    const struct store_ops *store; /**< what outlives the process; borrowed. NULL: nothing */
};

/** @param now_ms the time, as in every call. @return NULL when memory is out */
struct engine *engine_new(const struct env *env, const struct engine_config *config,
                          uint64_t now_ms);
void engine_free(struct engine *e);

/** One whole message: a datagram, or what engine_stream_input cuts off. */
void engine_input(struct engine *e, const struct hop *from, struct str bytes, bool datagram,
                  uint64_t now_ms);

/**
 * Bytes of a stream flow: takes whole messages off the front of `bytes` and says how many
 * octets are done with. The framer belongs to the flow (zeroed by sip_framer_init).
 * @return octets used; SIZE_MAX: the stream cannot be framed, close it
 */
size_t engine_stream_input(struct engine *e, struct sip_framer *f, const struct hop *from,
                           struct str bytes, uint64_t now_ms);

/** Sessions on connections are handed to the store, for the program that gets the sockets … */
void engine_keep_connections(struct engine *e);
/** … and this is one of them, there. After the last engine_restore_row, before engine_restored.
 */
void engine_adopted(struct engine *e, const struct hop *from);

/**
 * Bytes of a flow with CSTA in frames (ECMA-323 Annex J.2): takes whole ones off the front.
 * What belongs to which kind of flow is the caller's knowledge; flows of both end by
 * engine_flow_closed. Needs env->close.
 * @return octets used; SIZE_MAX: close it
 */
size_t engine_csta_input(struct engine *e, const struct hop *from, struct str bytes,
                         uint64_t now_ms);

/** Run what is due. */
void engine_tick(struct engine *e, uint64_t now_ms);

/** When engine_tick must be called at the latest; WHEEL_NEVER: no timer runs. */
uint64_t engine_deadline(const struct engine *e);

/** A look-up that env->resolve said E_AGAIN to has ended. */
void engine_resolved(struct engine *e, uint64_t now_ms);

/** An HTTP request of env->fetch has ended. @param status of HTTP; 0: there was no answer */
void engine_fetched(struct engine *e, uint64_t tag, unsigned status, uint64_t now_ms);

void engine_flow_closed(struct engine *e, uint32_t flow, uint64_t now_ms);

/**
 * Begin to shut down: no new calls and sessions (503), BYE to all. engine_idle says when
 * everything has ended.
 */
void engine_stop(struct engine *e, uint64_t now_ms);
bool engine_idle(const struct engine *e);

/** Is there nothing half done: no call that is being set up or ended, no request inside of a
   dialog without its answer, none that is proxied? What stands may stand. */
bool engine_settled(const struct engine *e);

/**
 * Go on with these rules; NULL: without any. The table before is not looked at any more. The
 * same holds for what was given to the engine at its start: borrowed.
 */
void engine_set_routes(struct engine *e, const struct rule_table *routes);

/** The packages of User-to-User from now on; borrowed like the routes. NULL: isdn-uui alone. */
void engine_set_packages(struct engine *e, const struct uui_packages *packages);
/** The same for the rules of the border; NULL: none. */
void engine_set_policy(struct engine *e, const struct border_policy *policy);
/** What was done lately to User-to-User values: border_each_note. */
void engine_each_note(const struct engine *e, struct str call_id,
                      void (*fn)(void *ctx, const struct border_note *note), void *ctx);

/** What moves may do to the User-to-User of calls from now on; borrowed. NULL: the default. */
void engine_set_carriage(struct engine *e, const struct uui_carriage *carriage);
/** Keys for sealed User-to-User from now on; borrowed, and used. NULL: none. */
void engine_set_seal_keys(struct engine *e, struct seal_keys *keys);

/** Profiles of phones from now on; borrowed like the routes. NULL: the built-in ones. */
void engine_set_phone_profiles(struct engine *e, const struct phone_profiles *profiles,
                               uint64_t now_ms);

/** The directory's peers were changed in their places. */
void engine_peers_changed(struct engine *e);

/** Devices, applications or grants have changed, and all of that is done: applications hear. */
void engine_roster_changed(struct engine *e, uint64_t now_ms);

/** A device has left the directory: its registrations end. Its calls go on. */
void engine_forget_device(struct engine *e, struct device *d, uint64_t now_ms);

/**
 * What the store kept before this run: the number of the newest event (0: none), all events
 * behind `from` that are somebody's in order, then the rows kind by kind. Right after
 * engine_new, when the listeners are there. A row that cannot be read, or is about something
 * that is configured no more, is dropped with a line in the log. engine_restored ends it.
 */
void engine_restore_head(struct engine *e, uint64_t from, uint64_t head);
void engine_restore_event(struct engine *e, const struct store_event *ev);
void engine_restore_row(struct engine *e, enum store_kind kind, struct str key,
                        struct str value, uint64_t now_ms);
void engine_restored(struct engine *e, uint64_t now_ms);
/** How many of the newest events are wanted back. */
uint32_t engine_journal_records(const struct engine *e);

/**
 * Rows of those above the engine, of a kind from STORE_TOKEN on: kept as all others are, and
 * put back as they were. In the engine's thread.
 * @return 0; E_UNSUPPORTED: there is no store; E_TOOMANY; E_NOMEM. A row with that key is
 * replaced
 */
int engine_put_row(struct engine *e, enum store_kind kind, struct str key,
                   struct str value) MUST_USE;
/** Harmless when there is none. */
void engine_drop_row(struct engine *e, enum store_kind kind, struct str key);
/** In no order; `fn` changes none. Also of before, after engine_restore_row. */
void engine_each_row(const struct engine *e, enum store_kind kind,
                     void (*fn)(void *ctx, struct str key, struct str value), void *ctx);

/** Hand all rows to the store again: some were lost. */
void engine_store_all(struct engine *e, uint64_t now_ms);

struct journal_fact;
/** What happened and is no event of CSTA, into the journal (cti/journal.h): the end of an
    operation, an audit line. @return its number; 0: there is no store, nobody is told */
uint64_t engine_tell(struct engine *e, const struct journal_fact *f);
/** Somebody took control of something by a face that is not the engine's: cti_audit. */
void engine_audit(struct engine *e, const struct cti_audit *a);
/** Number of the newest event: a view that is made now holds at that place of the journal. */
uint64_t engine_head(const struct engine *e);

/**
 * While `on`, no new calls: INVITE that would begin one, MakeCall and REFER get 503 or its
 * like. Registrations, sessions and what stands go on; so do calls to emergency numbers and
 * those that replace a standing one. Peers hear 503 to their OPTIONS, so that they call
 * elsewhere.
 */
void engine_drain(struct engine *e, bool on);

/** While `closed`, nothing new comes in (503): what happens could not be kept. */
void engine_close_gate(struct engine *e, bool closed);

/** Every counter by name, for metrics and tests: fn is called for each. */
void engine_each_stat(const struct engine *e,
                      void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx);
/** How long applications' requests took, from coming in to the answer. */
void engine_request_time(const struct engine *e, struct histogram *out);
/** One of them; 0 for an unknown name. */
uint64_t engine_stat(const struct engine *e, const char *name);

#endif
