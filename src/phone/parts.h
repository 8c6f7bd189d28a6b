/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this module share: the table of contents of phone/.
 *
 *   profile.c   what a make of phone can be asked
 *   phones.c    the layer: phones come and go with their registrations
 *   session.c   life of one session
 *   ask.c       requests of ours: in turn, each with one outcome
 *   serve.c     what comes from the phone: requests, late answers, events
 *   start.c     a session begins: features, monitor, switches
 *   resync.c    the calls that the phone has, compared with those that are known
 *   fact.c      an event, whatever its kind, as one fact about one call
 *   follow.c    facts become what happens to foreign calls
 *   confer.c    and so does Conferenced of a phone that mixes
 *   match.c     which call of the phone is one that Baton bridges
 *   mirror.c    do not disturb, forwarding, message lamp: one fact at both ends
 *   driver.c    commands on calls; command.c what they send
 *   device.c    services on the phone's body
 *   key.c       keys of the phone, pressed by NOTIFY or over HTTP
 *   means.h     means besides the session: NOTIFY, keys
 *   report.c    what there is to be said about the phones of a device; report_names.c: of DNS
 */
#ifndef BATON_PHONE_PARTS_H
#define BATON_PHONE_PARTS_H

#include "base/err.h"
#include "base/map.h"
#include "call/foreign.h"
#include "phone/means.h"
#include "phone/phone.h"

enum { PHONE_CALL_ID_MAX = 256, PHONE_REF_MAX = 64, PHONE_DIALLED_MAX = 64 };

/** Why a session was lost: what `resynced` says. */
enum phone_loss {
    PHONE_LOSS_NONE,    /**< it is the first one */
    PHONE_LOSS_UNKNOWN, /**< 481: the phone knows no such session */
    PHONE_LOSS_SILENT,  /**< no answer */
    PHONE_LOSS_BYE,     /**< it hung up */
    PHONE_LOSS_EXPIRED, /**< the session timer */
    PHONE_LOSS_RESTART, /**< the phone registered as one that has begun anew */
    PHONE_LOSS_PATH,    /**< … or from another place */
    PHONE_LOSS_MONITOR, /**< it has stopped the monitor */
    PHONE_LOSS_REFUSED, /**< it could not be monitored or looked at */
};
const char *phone_loss_name(enum phone_loss why);

struct phones {
    struct phone_world world;
    const struct env *env;
    struct phone_config config;
    struct cti_driver driver; /**< the switch's, and ours in front of it */
    struct pool phone_pool, call_pool, act_pool;
    struct list phones; /**< struct phone.link */
    struct list acts;   /**< struct act.link, command.c */
    struct map devices; /**< struct phone.by_device */
    struct hash_key key;
    struct phone_carrier carrier; /**< means besides the session */
    struct phone *telling; /**< whose facts are being taken over: it needs not be told them */
    struct phone_stats stats;
    unsigned long xml_salt;
    bool stopping;
};

/** A call as the phone names it. */
struct phone_call {
    struct list link;
    struct phone *phone;
    char id[PHONE_CALL_ID_MAX + 1];      /**< the phone's callID; empty: not known yet */
    char call[CALL_ID_LEN + 1];          /**< ours; empty: `held` */
    bool anchored;                       /**< Baton bridges it */
    bool making;                         /**< we have asked for it, and wait for its callID */
    bool seen;                           /**< in the snapshot that is being compared */
    uint8_t stage;                       /**< while held: enum hold_stage, what it has told */
    char called[CSTA_ID_MAX + 1];        /**< and who was called */
    char dialled[PHONE_DIALLED_MAX + 1]; /**< digits that we had it dial so far */
    uint8_t moves;                       /**< how often its other party has changed */
    struct timer timer; /**< held: until it counts as foreign; else: until its own
                             end is taken for granted */
};

struct phone {
    struct list link;
    struct map_node by_device;
    struct phones *phones;
    struct device *device;
    struct str id; /**< +sip.instance, or else contact; absent: through a peer. Owned */
    const struct phone_profile *profile;
    struct phone_messages refused; /**< struck out at run time */
    bool key_refused;              /**< it takes no NOTIFY with ACTION-URI, whatever its profile
                                      says */
    uint64_t life;                 /**< hash of the Call-ID of its registration */
    struct hop hop;                /**< where that came from */
    uint8_t state;                 /**< enum phone_state */
    uint8_t loss;                  /**< enum phone_loss: of the last session */
    uint8_t step;                  /**< of start.c */
    bool was_up;                   /**< there has been a session */
    bool monitored;
    bool out;     /**< it was told that the device is out of service */
    uint8_t push; /**< mirror.c: switches to be set there, by bit */
    uint32_t attempts;
    uint16_t status; /**< of the last refusal */
    const char *trouble;
    struct leg *leg;    /**< NULL while WAITING */
    struct timer timer; /**< next attempt; or keep-alive */
    uint64_t heard_ms;  /**< when it last said something */
    uint64_t lost_ms;   /**< when the last session was */
    uint64_t up_ms;     /**< since when this one is up */
    struct list asks;   /**< struct phone_ask.link */
    uint32_t ask_count;
    struct leg_request *request; /**< of the first ask … */
    struct phone_errand *errand; /**< … or this, of a phone without sessions */
    bool late;                   /**< its answer may come in an INFO of its own (S-11) */
    struct list calls;           /**< struct phone_call.link */
    uint32_t call_count;
    char ref[PHONE_REF_MAX + 1]; /**< monitorCrossRefID */
    uint32_t changes;            /**< found by the resync that runs */
};

/* ---- phones.c ---- */

/** Walk the phones of a device: pass NULL first. */
struct phone *phone_of_device(const struct phones *p, const struct device *d,
                              const struct phone *last);
/** It is forgotten; its calls are told to be over. */
void phone_drop(struct phone *f, uint64_t now_ms);
/** The line as the phone wants to hear it, in scratch. */
struct str phone_name(const struct phone *f);
/** Does this identifier mean the phone's own line? */
bool phone_is_self(const struct phone *f, struct str id);
/** An identifier as the phone writes it in ours: of a device of ours its URI. In scratch */
struct str phone_party(const struct phone *f, struct str id);
/** Where it is now. @return false: nowhere */
struct phone_path {
    struct str request_uri, routes;
    struct txn_target target;
    bool pin;
};
bool phone_path(const struct phone *f, struct phone_path *out);
/** Its registration that counts; NULL: it has none, or is reached through a peer. */
const struct binding *phone_binding(const struct phone *f);
/** The phone of that registration (struct binding.id), and what there is of it; or NULL. */
struct phone *phone_registered_as(const struct phones *p, const struct device *d, uint64_t id,
                                  const struct binding **out);
/** Does it serve that, as far as we know, and is there a session? */
bool phone_serves(const struct phone *f, enum csta_msg_id service);
/** It has said that it does not. */
void phone_strike(struct phone *f, enum csta_msg_id service);

/* ---- session.c ---- */

void phone_on_timer(struct timer *t, uint64_t now_ms);
/** Call it soon. */
void phone_open_soon(struct phone *f, uint32_t after_ms, uint64_t now_ms);
/** The session is over, whatever has ended it; another one follows. */
void phone_lost(struct phone *f, enum phone_loss why, uint64_t now_ms);
/** It ends for good, and nothing follows. */
void phone_close(struct phone *f, uint64_t now_ms);
/** The session is as it should be. */
void phone_is_up(struct phone *f, uint64_t now_ms);
/** It has said something. */
void phone_heard(struct phone *f, uint64_t now_ms);

/* ---- ask.c ---- */

/** @param answer  the response (of an empty 2xx: with an empty body) or a CSTAErrorCode; NULL:
    nothing was said in time */
typedef void (*phone_answer_fn)(void *owner, struct phone *f, const struct csta_msg *answer,
                                uint64_t now_ms);
/** @return 0, E_STATE (no session), E_TOOMANY, E_NOMEM, E_VALUE */
int phone_ask(struct phone *f, const struct csta_msg *msg, phone_answer_fn fn, void *owner,
              uint64_t now_ms) MUST_USE;
/** The owner is gone. */
void phone_ask_forget(struct phone *f, const void *owner);
/** None is answered any more: all hear NULL. */
void phone_asks_drop(struct phone *f, bool tell, uint64_t now_ms);
/** A response as a message of its own. @return false: nobody waits for it */
bool phone_ask_late(struct phone *f, const struct csta_msg *msg, uint64_t now_ms);

/* ---- serve.c ---- */

/** Content that is CSTA; absent: it is none. */
struct str phone_csta_of(const struct sip_msg *m);
/** @return as csta_decode */
int phone_decode(struct phone *f, struct str xml, struct csta_msg *out);
/** A request in the session. */
void phone_on_request(struct leg *leg, struct dialog *d, struct txn *t, const struct sip_msg *m,
                      uint64_t now_ms);

extern const struct str phone_csta_type, phone_csta_lines;
/** A message as XML in scratch. @return 0, E_NOMEM, E_VALUE */
int phone_text(struct phones *p, const struct csta_msg *msg, enum csta_edition edition,
               struct str *out) MUST_USE;

/* ---- start.c ---- */

void phone_start(struct phone *f, uint64_t now_ms);
/** `resynced`, or that it is lost, to those who watch the device. */
void phone_tell_resynced(struct phone *f, uint64_t now_ms);

/* ---- resync.c ---- */

/** What the phone has, against what is known. @param answer NULL: it does not say */
void phone_resync(struct phone *f, const struct csta_snapshot_device_response *answer,
                  uint64_t now_ms);

/* ---- fact.c ---- */

struct fact {
    enum csta_msg_id event;
    const struct csta_connection_id *conn;   /**< whose state changed */
    struct str subject, calling, called, to; /**< identifiers, absent when not told */
    const struct csta_connection_id *second; /**< secondaryOldCall */
    struct str digits;                       /**< dialled, of DigitsDialed */
    struct str new_id;                       /**< callID after a transfer or conference */
    const struct csta_connection_list_item_list *parties; /**< of a conference, or NULL */
    enum csta_local_connection_state local;
    const char *cause;
    bool own;        /**< the subject is the phone's line */
    bool restricted; /**< the other party is */
};
/** @return false: no event of a call */
bool fact_of(const struct phone *f, const struct csta_msg *event, struct fact *out);
/** Name of a cause that lives as long as the program. */
const char *fact_cause(enum csta_event_cause cause);

/* ---- confer.c ---- */

/** Whose state changed, when it is not the line itself. */
struct connection *phone_party_of(const struct phone *f, const struct connection *own,
                                  const struct fact *fact);
/** Conferenced of a foreign call. */
void phone_conferenced(struct phone_call *pc, struct connection *own, const struct fact *fact,
                       uint64_t now_ms);

/* ---- follow.c ---- */

void phone_follow(struct phone *f, const struct fact *fact, uint64_t now_ms);
struct phone_call *phone_call_find(struct phone *f, struct str id);
/** Who watches hears how the phone calls it, when both names are known. */
void phone_call_watched(const struct phone_call *pc);
/** The phone calls it so from now on. @return false: that is no callID */
bool phone_call_rename(struct phone_call *pc, struct str id);
/** @return NULL: too many, or no memory */
struct phone_call *phone_call_new(struct phone *f, struct str id);
void phone_call_free(struct phone_call *pc);
/** The device's own connection of a foreign call; NULL: it is over, or not foreign. */
struct connection *phone_call_own(const struct phone_call *pc);
/** The call of the phone behind a connection of ours, or NULL. */
struct phone_call *phone_call_of(struct phone *f, const struct connection *conn);
/** A foreign call begins. @return the device's own connection, or NULL */
struct connection *phone_call_begin(struct phone_call *pc, bool outgoing, struct str other,
                                    bool restricted);
/** All that it tells of ends: nobody can say any more. */
void phone_calls_over(struct phone *f, const char *cause, uint64_t now_ms);
/** The same without a word. */
void phone_calls_free(struct phone *f);
void phone_call_on_timer(struct timer *t, uint64_t now_ms);

/* ---- match.c ---- */

/** The connection of a bridged call that this call of the phone is; NULL: there is none. */
struct connection *phone_anchor(struct phone *f, struct str id, bool outgoing,
                                struct str other);

/* ---- mirror.c ---- */

/** A switch that the phone tells of. @return false: no such event */
bool phone_mirror(struct phone *f, const struct csta_msg *event, uint64_t now_ms);
/** What the phone says about its switches when the session begins. */
void phone_mirror_answer(struct phone *f, const struct csta_msg *answer, uint64_t now_ms);
/** Set there what was set here meanwhile. */
void phone_mirror_push(struct phone *f, uint64_t now_ms);

/* ---- command.c ---- */

/** A command on its way, and who waits for its outcome. */
struct act {
    struct list link; /**< of phones.acts */
    struct phones *phones;
    call_done_fn fn; /**< NULL: nobody */
    cti_phone_fn phone_fn;
    void *owner;
    struct device *device;
    enum csta_msg_id service;
    char call[CALL_ID_LEN + 1]; /**< ours, about which it is */
    char made[CALL_ID_LEN + 1]; /**< that it begins, or empty */
    bool by_switch;             /**< when the phone refuses, the switch may try */
    bool by_notify;             /**< the key went by NOTIFY: when that is refused, by HTTP */
};

/** @return NULL: no memory */
struct act *act_new(struct phones *p, call_done_fn fn, void *owner);
/** NULL is allowed. */
void act_free(struct act *a);

/** Do the rules let the phone's device call that? Whoever gets calls through a phone shall get
    no further than by the switch. */
bool phone_may_call(const struct phone *f, struct str to);
/** The same for further digits of a call that it begins, which are noted. */
bool phone_may_dial(const struct phone *f, struct phone_call *pc, struct str digits);
/** The phone that tells of this foreign call; NULL: it is gone. */
struct phone *phone_of_call(const struct connection *c, struct phone_call **pc);
/** How the phone names a connection of its own. */
struct csta_connection_id phone_connection(const struct phone *f, const struct phone_call *pc);
/** What `answer` is in the words of the call layer. */
enum call_error phone_error_of(const struct csta_msg *answer);
/** A command about foreign call `c`; `fn` hears the outcome, unless there is an error. */
enum call_error phone_command(struct connection *c, const struct csta_msg *msg, call_done_fn fn,
                              void *owner, uint64_t now_ms);

/* ---- driver.c ---- */

void phones_driver_init(struct phones *p);
/** Those who wait for this phone hear nothing any more. */
void phones_driver_fini(struct phones *p);

/* ---- key.c ---- */

/** Is there a phone that rings with that connection and has a key for it? */
bool phone_has_answer_key(const struct connection *c);
/** Press it. @return CALL_UNSUPPORTED: there is none; else as phone_command */
enum call_error phone_press_answer(struct connection *c, call_done_fn fn, void *owner,
                                   uint64_t now_ms);
/** Has its profile a key for that request, and does the phone take it now? */
bool phone_has_key(const struct phone *f, enum csta_msg_id service);
/** Could one do that to this call of the phone's own? */
bool phone_can_press(const struct connection *c, enum csta_msg_id service);
/** Press it, in place of a command that the phone does not serve. @return CALL_NO_SERVICE:
    there is none for it; else as phone_command */
enum call_error phone_press(struct connection *c, enum csta_msg_id service, call_done_fn fn,
                            void *owner, uint64_t now_ms);
/** The phone has refused the command: press its key. @return false: there is none */
bool phone_press_instead(struct act *a, uint64_t now_ms);
/** The switch of do not disturb; nobody waits. @return 0, also when there is no key */
int phone_press_dnd(struct phone *f, const struct csta_msg *msg, uint64_t now_ms);

/* ---- report_names.c ---- */

/** What DNS says about the names of the device: elements `name` of its report. */
void phone_report_names(const struct phones *p, const struct device *d, struct out *o);

/* ---- device.c ---- */

enum call_error phone_on_body(void *ctx, struct device *d, const struct csta_msg *request,
                              cti_phone_fn fn, void *owner, uint64_t now_ms);

#endif
