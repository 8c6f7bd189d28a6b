/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the engine share. */
#ifndef BATON_ENGINE_PARTS_H
#define BATON_ENGINE_PARTS_H

#include "border/border.h"
#include "engine/engine.h"

#define ENGINE_COMPLAINTS 20

struct engine_counters {
    uint64_t received, bytes, keepalives, malformed, refused, requests, responses, dropped;
    uint64_t challenged, auth_failed, no_dialog, unknown_method;
    uint64_t drained;                /**< calls refused while the server is drained */
    uint64_t routed[RULE_REFER + 1]; /**< by enum rule_action */
    uint64_t redirect_asked;         /**< redirected because the caller wanted it */
    uint64_t uui_replaced, uui_refused, uui_forbidden; /**< by our own 3xx and REFER: carry.c */
    uint64_t restored, not_restored;                   /**< rows of the store */
};

/** Who sent a request, as far as it is proven. */
struct identity {
    struct device *device;
    struct application *application;
    const struct peer *peer; /**< trusted by address */
};

struct engine {
    const struct env *env;
    struct engine_config config;
    struct wheel wheel;
    struct arena scratch; /**< lives for one input */
    struct border border; /**< User-to-User of all that comes in and goes out */
    struct txn_layer txn;
    struct auth_server auth;
    struct peers peers;
    struct registrar registrar;
    struct leg_layer legs;
    struct call_layer calls;
    struct proxy proxy;
    struct cti *cti;
    struct event_layer *events;
    struct phones *phones;
    struct operations *operations;
    struct list references;           /**< refer.c: that are being carried out */
    const struct rule_table *routes;  /**< NULL: none */
    const struct sip_msg *identified; /**< the request whose sender is … */
    struct identity sender;           /**< … this one; NULL: nobody has asked yet */
    struct seal seal; /**< sealed User-to-User: keys, and the memory of frames */
    struct guard guard;
    struct load load;
    bool stopping;
    bool closed;           /**< engine_close_gate */
    bool draining;         /**< engine_drain */
    bool of_copy;          /**< what is put back is of a copy: until engine_restored */
    uint64_t complaint_ms; /**< when the present time of complaints began … */
    uint32_t complaints;   /**< … and how many there were */
    struct map rows;       /**< rows.c: struct own_row */
    struct hash_key row_key;
    struct engine_counters count;
    struct sip_hdr hdr[SIP_HDR_MAX]; /**< index of the message that is being processed */
};

/** Warnings of RFC 5630 §4.1, with a 480. */
#define SIPS_NOT_ALLOWED "Warning: 380 baton \"SIPS Not Allowed\"\r\n"
#define SIPS_REQUIRED "Warning: 381 baton \"SIPS Required\"\r\n"

/* ---- engine.c ---- */

/**
 * May one more line be written about what a stranger sent? At most ENGINE_COMPLAINTS in ten
 * seconds: else whoever sends rubbish fills the disk with log lines. The counters have all.
 */
bool engine_may_complain(struct engine *e);

/** What is due is run; the beginning of every entry. */
void engine_begin(struct engine *e, uint64_t now_ms);
/** What an input has left behind: freed, told, kept. */
void engine_settle(struct engine *e);

/* ---- asked.c ---- */

/** cti_asked_fn; ctx: the engine. */
bool engine_asked(void *engine, struct str name, const struct csta_msg *msg, uint64_t now_ms);

/* ---- restore.c ---- */

/** What has changed is handed to the store. */
void engine_keep(struct engine *e);
/** All layers hand over to that; NULL: to nobody. */
void engine_keep_in(struct engine *e, const struct store_ops *store);

/* ---- rows.c ---- */

/** @return 0 or E_NOMEM */
int rows_init(struct engine *e) MUST_USE;
void rows_fini(struct engine *e);
/** A row of before. @return 0; E_UNSUPPORTED: it is the engine's own; E_TOOMANY, E_NOMEM */
int rows_restore(struct engine *e, enum store_kind kind, struct str key,
                 struct str value) MUST_USE;
void rows_keep_all(struct engine *e);

/* ---- dispatch.c ---- */

/** A request that passed index and check. */
void dispatch_request(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms);
/** Answer with a new server transaction, or without one when there is no room. */
void dispatch_reply(struct engine *e, const struct sip_msg *m, const struct hop *from,
                    const struct txn_reply *r, uint64_t now_ms);
/** Answer somebody who has not proven who he is: without a transaction. */
void dispatch_stranger(struct engine *e, const struct sip_msg *m, const struct hop *from,
                       const struct txn_reply *r);
void dispatch_status(struct engine *e, const struct sip_msg *m, const struct hop *from,
                     unsigned status, uint64_t now_ms);

/* ---- gate.c: may they come in ---- */

/** A request of a stranger that belongs to nothing. @return false: it has been dealt with */
bool gate_stranger(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms);
/** The same for a request that begins something, which also needs room (503). */
bool gate_begin(struct engine *e, const struct sip_msg *m, const struct hop *from,
                uint64_t now_ms);
/** A message that cannot be read. @return false: nobody answers it */
bool gate_fault(struct engine *e, const struct hop *from, uint64_t now_ms);
/** Credentials were right or wrong. */
void gate_credentials(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      bool right, uint64_t now_ms);

/** The same for a password that was sent as it is. */
void gate_login(struct engine *e, const struct hop *from, bool right, uint64_t now_ms);

/**
 * The lines of an answer to a stranger. Over UDP his address may be somebody else's: then
 * nobody shall get more octets by us than were sent to us, as far as that can be had. What is
 * only helpful (what we can do, where a message is wrong) is left out of an answer that would
 * be larger than the request; a challenge is not.
 */
struct str gate_modest(const struct sip_msg *m, const struct hop *from,
                       const struct txn_reply *r);

/* ---- identity.c ---- */

/**
 * Find out who it is; answers 401, 403 or 400 itself when that is not proven.
 * @param by_address  a trusted peer's address is proof enough
 * @return true: *who holds at least one
 */
bool identify(struct engine *e, const struct sip_msg *m, const struct hop *from,
              bool by_address, struct identity *who, uint64_t now_ms);

/* ---- login.c: who comes over a connection with CSTA (struct cti_gate; ctx: the engine) ----
 */

struct application *login_application(void *engine, const struct hop *from, struct str name,
                                      struct str password, uint64_t now_ms);
struct application *login_known(void *engine, const struct hop *from);

/* ---- options.c ---- */

/** OPTIONS outside of any dialog. */
void options_asked(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms);

/* ---- events.c ---- */

void events_subscribe(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms);
void events_publish(struct engine *e, const struct sip_msg *m, const struct hop *from,
                    uint64_t now_ms);
void events_notify(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms);
/** A request with a To tag that no leg owns. @return false: no subscription does either */
bool events_in_dialog(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms);

/* ---- steer.c ---- */

/**
 * Show a request that begins something to the route rules, and do what they say.
 * @return false: they say nothing, and it carries no Route beyond us; nothing was done
 */
bool steer(struct engine *e, const struct sip_msg *m, const struct hop *from, uint64_t now_ms);

/** call_permit_fn: false when the rules refuse an INVITE of that device to there. `ctx`: the
    engine */
bool steer_permits(void *ctx, const struct device *by, const struct destination *to);

/** proxy_places_fn: the places of a redirection's contact (forward.c). `ctx`: the engine */
size_t steer_redirected(void *ctx, const struct sip_msg *m, const struct hop *from,
                        const struct sip_uri *u, struct proxy_target *out, size_t room);
/** proxy.flow_failed: the registrar is told. */
void steer_flow_failed(void *ctx, struct str record, uint64_t binding);

/* ---- refer.c ---- */

/** A REFER outside of any dialog. */
void refer_outside(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms);
void refer_fini(struct engine *e);

/* ---- report.c: what the log says ---- */

/** Write a line, then let the observers know: call_event_fn and registrar_change_fn. */
void report_call_event(void *engine, const struct call_event *ev);
void report_registration(void *engine, const struct record *r, bool registered,
                         uint64_t now_ms);
void report_callback(void *engine, const struct device *from, const struct device *to, bool set,
                     uint64_t now_ms);
void report_feature(void *engine, struct device *d, unsigned which, bool changed,
                    uint64_t now_ms);
void report_waiting(void *engine, struct device *d, uint64_t now_ms);
void report_binding(void *engine, const struct record *r, const struct binding *b,
                    enum binding_event what, uint64_t now_ms);

/** "METHOD URI of FROM from TRANSPORT ADDRESS: …"; who calls it bounds how often. */
void report_request(struct engine *e, enum trace_level level, const char *module,
                    const struct sip_msg *m, const struct hop *from, const char *fmt, ...)
    PRINTF_LIKE(6, 7);
/** That a request is refused with this answer (but 401), unless there were too many. */
void report_refusal(struct engine *e, const struct sip_msg *m, const struct hop *from,
                    const struct txn_reply *r);
/** A message that could not be read. */
void report_fault(struct engine *e, const struct hop *from, const struct sip_fault *fault);

/* ---- shed.c ---- */

/** Without the history that an untrusted neighbour tells; `m` may be another message then.
    @return false: no memory, it is to be dropped */
bool shed_past(struct engine *e, const struct hop *from, struct sip_msg *m);

#endif
