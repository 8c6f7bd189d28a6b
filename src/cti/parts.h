/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of this module share: the table of contents of cti/.
 *
 *   cti.c           the layer: made, ended, counted
 *   session.c       life of a session, whatever carries it (link.h)
 *   link_sip.c      sessions that are SIP dialogs; sip_answer.c its requests and answers,
 *                   content.c what a request carries, in one part or several
 *   link_once.c     single requests outside of any session
 *   link_tcp.c      sessions on TCP and TLS connections
 *   link_api.c      sessions of clients in the process (client.h)
 *   message.c       answers put together
 *   request.c       one request: parse, known?, serve, answer once
 *   pending.c       requests whose outcome comes later
 *   resolve.c       which device, which connection a request means
 *   numbers.c       names and numbers as an application writes them
 *   service.c       services on calls
 *   service_data.c  data of a call
 *   route.c         an application says where calls go
 *   service_two.c   those on two calls of a device
 *   service_pickup.c  another device takes a call, or it is parked
 *   service_callback.c  who could not be reached is called when he can be
 *   service_digits.c  DialDigits and GenerateDigits
 *   serve.h         what services on calls share
 *   snapshot.c, features.c, monitor.c   the other services
 *   register.c      who wants to hear of the system, and what is told
 *   devices.c, device_info.c, caps.c   which devices there are, what each can do; which
 * profiles watch.c         who watches which device and call, and how monitors end filter.c
 * which events a monitor is not told service_dnd.c, service_forwarding.c what the user of a
 * device has switched on service_waiting.c                   whether messages wait for it
 *   service_phone.c                     what only the phone itself can do
 *   service_agent.c, agent.c            who is logged on there, and what for
 *   support.c       who understands which User-to-User
 *   report.c        what there is to be said about a device
 *   view.c          what there is now, for whoever shows it (view.h)
 *   ready.c         the monitors of a session that have something to tell, in order
 *   journal.c       records of what happened; record.c those that are kept on disk
 *   event.c         what a call tells → records, as each watched device sees it
 *   event_write.c   record → message → XML for one monitor
 *   cloud.c         record → CloudEvent in JSON, for who follows the journal
 *   device_event.c  events about a device and no call
 *   deliver.c       records go out, in order
 *   ask.c           requests of ours to an application, in turn with the records
 *   driver.c        who carries services out
 *   errors.c        why not, in CSTA's words
 *   keep.c          sessions and monitors that outlive the process
 *
 * LIFE. The table of sessions owns a session until its link is gone; `over` says that
 * nothing is served or sent any more. A monitor is owned by its session and stands in the list
 * of a watch: of its device, or of its call as its application may see that. A watch exists
 * while it has monitors.
 *
 * ORDER. Events are recorded the moment they happen, whatever is going on. They go out from
 * cti_flush, which runs when an event was recorded and after a request was answered, but never
 * for a session that is being served (`busy`): so an answer precedes what it caused.
 */
#ifndef BATON_CTI_PARTS_H
#define BATON_CTI_PARTS_H

#include "base/err.h"
#include "base/map.h"
#include "call/features.h"
#include "cti/client.h"
#include "cti/cti.h"
#include "cti/driver.h"
#include "cti/journal.h"
#include "cti/link.h"
#include "dialog/keep.h"
#include "sdp/sdp.h"

/** Refusals that became facts since then; by principal. */
struct audit_slot {
    uint64_t since_ms;
    uint32_t n;
};
enum { AUDIT_SLOTS = 64 };

struct cti {
    const struct env *env;
    struct wheel *wheel;
    struct leg_layer *legs;
    struct call_layer *calls;
    struct registrar *registrar;
    struct directory *directory;
    struct arena *scratch;
    struct cti_config config;
    const struct border *border; /**< may be NULL */
    const struct cti_driver *driver;
    void *driver_ctx;
    struct journal *journal;
    const struct uui_packages *packages; /**< NULL: isdn-uui alone */
    cti_report_fn report;                /**< NULL: nobody knows */
    void *report_ctx;
    struct cti_gate gate; /**< of connections */
    struct map conn_map;  /**< struct cti_conn.by_flow */
    struct list conns;    /**< struct cti_conn.link */
    struct list clients;  /**< struct cti_client.link */
    cti_asked_fn asked;   /**< NULL: clients are asked nothing */
    void *asked_ctx;
    struct list sessions;       /**< struct cti_session.link */
    struct list dirty;          /**< struct cti_session.dirty: something to send */
    struct list pending;        /**< struct pending.of_cti */
    struct list registrations;  /**< struct enlistment.of_cti, route.c */
    struct list routeings;      /**< struct routeing.of_cti, route.c */
    struct event_layer *events; /**< NULL: no mailboxes */
    struct map agents;          /**< struct agent.node, by device */
    struct hash_key agent_key;
    uint32_t last_registration, last_routeing;
    struct pool session_pool, monitor_pool, watch_pool, pending_pool, agent_pool;
    struct cti_stats stats;
    struct list touched;          /**< struct cti_session.touch: not kept as they are … */
    struct list touched_monitors; /**< … and struct monitor.touch */
    struct pack_room room;
    uint64_t last_session;                  /**< id given out last */
    struct audit_slot refused[AUDIT_SLOTS]; /**< audit.c */
    unsigned long xml_salt;
    uint64_t call_watches; /**< given a name so far */
    bool stopping;         /**< no new sessions */
    bool closing;          /**< cti_free: nobody is told anything */
};

/** Somebody watches this device (device->cti), or this call (call->cti, the first of them). */
struct watch {
    struct device *device;         /**< NULL: of a call */
    struct call *call;             /**< NULL: of a device, or the call is over */
    const struct application *app; /**< of a call: who looks */
    struct watch *next;            /**< of the same call */
    struct list monitors;          /**< struct monitor.of_device */
    char name[24];                 /**< of a call: where its records stand in the journal */
};

/** Events, as bits (filter.c). */
struct event_set {
    uint64_t bits[2];
};

struct monitor {
    struct list of_session, of_device, touch;
    struct cti_session *session;
    struct watch *watch;
    struct journal_cursor cursor;
    struct str spelling;      /**< the client's, of the device; absent: device->uri. Owned */
    uint64_t due;             /**< number of the record that is next, when it is ready */
    uint32_t ref;             /**< monitorCrossRefID */
    uint32_t slot;            /**< place in the session's queue + 1; 0: nothing to tell */
    uint32_t unsent;          /**< records behind the cursor */
    uint8_t edition;          /**< enum csta_edition of its MonitorStart */
    bool greet;               /**< BackInService comes first */
    bool ending;              /**< it tells what it has, then MonitorStop */
    struct event_set filter;  /**< what it is not told … */
    struct event_set earlier; /**< … and was not, besides, up to the record … */
    uint64_t filter_since;    /**< … with this number */
};
_Static_assert(sizeof(struct monitor) <= 256, "budget of a monitor");

/** SystemRegister of a session (register.c). */
struct enlistment {
    uint32_t id;   /**< sysStatRegisterID; 0: none */
    bool status;   /**< wants to hear of lost events */
    bool devices;  /**< … and of other devices */
    bool telling;  /**< a report of lost events is on its way */
    uint64_t seen; /**< devices_seen when it was last told */
};

/** The event that was sent and is not answered yet, when there is one and no other. */
struct flying {
    uint32_t ref;   /**< of its monitor … */
    uint64_t after; /**< … whose cursor stood here before … */
    bool greet;     /**< … or which was to greet */
    uint32_t cseq;  /**< 0: there is none */
};

struct cti_session {
    struct list link, dirty, touch;
    uint64_t id; /**< its own, also in later runs */
    bool kept;   /**< there is a row */
    struct cti *cti;
    const struct cti_link *via;
    struct application *app;
    struct list monitors;   /**< struct monitor.of_session */
    struct monitor **queue; /**< heap by due: those that have something to tell */
    uint32_t queue_len, queue_cap;
    uint32_t monitor_count;
    uint32_t last_ref;   /**< monitorCrossRefID given out last */
    uint32_t spelled;    /**< monitors with a spelling of their own */
    uint32_t unsent;     /**< records that its monitors still have to tell */
    struct list pending; /**< struct pending.of_session */
    uint32_t pending_count;
    struct list asks; /**< struct ask.link: requests of ours */
    uint32_t ask_count;
    struct enlistment system;
    uint32_t last_system_ref;  /**< of registrations and lists of devices, given out last */
    enum csta_edition edition; /**< of its last request: in which it is asked */
    struct timer timer;        /**< the link waits for something, or another attempt to send */
    uint32_t busy;             /**< requests being served on the stack */
    bool over;                 /**< ended: waits until its link is gone */

    /* over TCP, and in the process */
    struct cti_conn *conn;
    struct cti_client *client;
    uint32_t
        silent_routes; /**< of a client: questions about calls in a row without an answer */

    /* over SIP */
    struct leg *leg;
    uint32_t in_flight; /**< INFOs of ours without a final response */
    struct flying flying;
    bool waits;     /**< put back without its connection: the client comes first */
    bool mute;      /**< leaves event INFOs unanswered, on a stream that lives */
    struct str sdp; /**< answer to the description that came with a request. Owned */
    uint64_t sdp_id, sdp_version; /**< of its origin */
};

/* ---- session.c ---- */

/** No more requests, monitors and events; the leg goes its own way. Idempotent. */
void session_over(struct cti_session *s, uint64_t now_ms);

/** End it from our side, and tell the client. Idempotent. */
void session_end(struct cti_session *s, enum cti_end why, uint64_t now_ms);

/** May this application have one more? */
bool session_has_room(const struct cti *c, const struct application *app);
/** @return NULL when memory is out */
struct cti_session *session_new(struct cti *c, struct application *app,
                                const struct cti_link *via);
/** Its link is gone. */
void session_free(struct cti_session *s);

/* ---- keep.c ---- */

/** Something of it is another than when it was kept. */
void session_touch(struct cti_session *s);
void monitor_touch(struct monitor *m);
/** It is over. */
void session_unkeep(struct cti_session *s);
void monitor_unkeep(struct monitor *m);

/* ---- link_tcp.c ---- */

/** Whose session it is, for a row; and one that waits for its flow (cti_adopted).
    @return 0, E_SYNTAX, E_NOMEM */
void conn_pack(struct out *o, const struct cti_session *s, uint64_t now_ms);
int conn_unpack(struct unpack *u, struct cti_session *s, uint64_t now_ms) MUST_USE;
/** Has its connection come along? */
bool conn_is_there(const struct cti_session *s);
/** Its session ended as connections end. */
void conn_give_up(struct cti_session *s, uint64_t now_ms);
/** All connections: closed; and given up without a word. */
void conn_hang_up_all(struct cti *c);
void conn_free_all(struct cti *c);

/* ---- link_api.c ---- */

/** The sessions are gone. */
void clients_free(struct cti *c);

/* ---- message.c ---- */

struct outcome;

/** Who waits for an answer. */
struct asker {
    struct cti_session *session;
    enum csta_edition edition;
    struct txn *txn;   /**< over SIP; NULL: the INVITE that opens the session */
    uint16_t invoke;   /**< over TCP: identifier of the request */
    uint64_t asked_ms; /**< when it came */
    bool offered;      /**< it came with a session description: session->sdp answers that */
    struct cti_client_ask *ask; /**< in the process; NULL: nobody wants to know any more … */
    struct str call_id;         /**< … and the id that the call of MakeCall is to have */
};

/** An answer is given: counts it, and how long it took. */
void answer_count(const struct asker *to, uint64_t now_ms);
/** An answer without CSTA: what `status` says in SIP. `why` may be absent. */
void answer_status(const struct asker *to, unsigned status, struct str why, uint64_t now_ms);
/** A CSTA message. */
void answer_csta(const struct asker *to, const struct csta_msg *msg, uint64_t now_ms);
/** CSTAErrorCode, and `why` for people. */
void answer_error(const struct asker *to, struct csta_error error, struct str why,
                  uint64_t now_ms);
/** The same of an outcome that is an error. */
void answer_refusal(const struct asker *to, const struct outcome *o, uint64_t now_ms);

/** A message as XML in the scratch arena. @return 0, E_NOMEM, E_VALUE (see csta_encode) */
int csta_text(struct cti *c, const struct csta_msg *msg, enum csta_edition edition,
              struct str *out) MUST_USE;

/* ---- request.c ---- */

/** Serve a request of that session (`from`, without edition) and answer it, now or later. */
void request_on_csta(struct asker *from, struct str csta, uint64_t now_ms);
/** The same for one that is a message already. */
void request_on_message(struct asker *from, const struct csta_msg *msg, uint64_t now_ms);
/** A CSTA request that its link refuses. */
void request_refuse(const struct asker *from, unsigned status, struct str why, uint64_t now_ms);

/** What is noted of a request that takes control (audit.c). */
struct audited {
    enum csta_msg_id service;    /**< CSTA_MSG_NONE: nothing is noted */
    const struct device *device; /**< the first that it spoke of; NULL: of none */
    char call_id[CALL_ID_LEN];   /**< the first; begins with NUL: there is none */
};

/** A request that is being served. */
struct request {
    struct asker from;
    struct cti *cti;
    const struct csta_msg *msg;
    enum access_kind need; /**< of the devices it speaks of: to observe, or to control them */
    struct audited *audited;
    uint64_t now_ms;
};

/* ---- audit.c ---- */

/** How it ended. @param error  NULL: well */
void audit_outcome(const struct cti_session *s, const struct audited *a,
                   const struct csta_error *error);
/** It speaks of that device, of that call; who comes first stays. */
void audit_device(const struct request *r, const struct device *d);
void audit_call(const struct request *r, struct str call_id);

struct outcome {
    enum { OUTCOME_ANSWER, OUTCOME_ERROR, OUTCOME_LATER, OUTCOME_NOTHING } kind;
    struct csta_msg msg;
    struct csta_error error;
    unsigned sip;   /**< status behind the error, or 0 */
    struct str why; /**< for people */
};
typedef struct outcome (*service_fn)(struct request *r);

/** The positive answer with this body. */
struct outcome outcome_answer(const struct request *r, const void *body);
struct outcome outcome_error(enum csta_error_kind kind, unsigned value, const char *why);
struct outcome outcome_nomem(void);
struct outcome outcome_later(void);
/** Done, and the service has no response: 200 without a body. */
struct outcome outcome_nothing(void);

/* ---- pending.c ---- */

enum { PENDING_PER_SESSION = 32, PENDING_LIMIT_MS = 28000 };

struct pending {
    struct list of_session, of_cti;
    struct asker from;
    enum csta_msg_id service;
    struct audited audited;
    const struct device *device; /**< of the connection */
    char call_id[CALL_ID_LEN];
    struct connection *made;     /**< by the service; good when the outcome is CALL_OK */
    char second_id[CALL_ID_LEN]; /**< of TransferCall: the other call that it is about */
    struct timer limit;
};

/** Keep a request until its outcome is known; NULL: memory. `conn` NULL: it is about none. */
struct pending *pending_new(const struct request *r, const struct connection *conn);
/** The driver refused at once. */
void pending_free(struct pending *p);
/** The outcome (call_done_fn; owner: struct pending). */
void pending_on_done(void *owner, enum call_error err, unsigned status, uint64_t now_ms);
/** The phone's own answer (cti_phone_fn; owner: struct pending). */
void pending_on_phone(void *owner, const struct csta_msg *answer, uint64_t now_ms);
/** Nobody waits for that answer; what it asked for goes on. */
void pending_forget(struct cti_session *s, const struct cti_client_ask *a);
/** An event shows the outcome before the driver does. */
void pending_on_event(struct cti *c, const struct call_event *e);
/** The session is over, or the request of that transaction was cancelled: nobody waits. */
void pending_drop_session(struct cti_session *s);
bool pending_drop_txn(struct cti_session *s, const struct txn *t);

/* ---- resolve.c ---- */

/** What a service needs to know to find its connection. */
struct wanted {
    enum csta_msg_id service;
    unsigned states; /**< bits 1 << enum connection_state */
};

/** May the application do to the device what its request is about (request.need)? */
bool request_may(const struct request *r, const struct device *d);

/**
 * The device that `id` names, if the application may do that to it.
 * @param unknown  operation error when there is none, e.g. CSTA_OPERATION_INVALID_DEVICE_ID
 * @return true, or false and *err
 */
bool resolve_device(const struct request *r, const struct csta_device_id *id, unsigned unknown,
                    struct device **out, struct outcome *err);

/* ---- numbers.c ---- */

/** The device that `text` names for the application of that request, or NULL. */
struct device *device_named(const struct request *r, struct str text);
/**
 * Whom it calls by `text`: as it is, or with its dialling plan the number in the world.
 * @return `text`, or in the scratch arena; absent: no memory
 */
struct str number_dialled(const struct request *r, struct str text);

/* ---- support.c ---- */

/**
 * The answer to a question in private data about who understands which User-to-User; *out stays
 * as it is when there is none. @return false with *err
 */
bool support_answer(struct request *r, const struct csta_common_arguments *asked,
                    const struct csta_common_arguments **out, struct outcome *err);

/** The connection that a ConnectionID means, X-10. @return true, or false and *err */
bool resolve_connection(const struct request *r, const struct csta_connection_id *id,
                        const struct wanted *want, struct connection **out,
                        struct outcome *err);

/**
 * The call that a ConnectionID means: a party of it must be the application's. A deviceID
 * alone stands for the only call of that device. @return true, or false and *err
 */
bool resolve_call(const struct request *r, const struct csta_connection_id *id,
                  struct call **out, struct outcome *err);
/** Who that is, as the session's client spells it. */
struct csta_device_ref party_ref(const struct cti_session *s, const struct connection *conn);
/** The ConnectionID of a party: who cannot be named has an identifier that means something in
    this call only. `place`: of the party in its call. deviceID absent: no memory */
struct csta_connection_id party_id(const struct cti_session *s, const struct connection *conn,
                                   unsigned place);

/** May the application observe one of its devices? */
bool call_may_observe(const struct call *call, const struct application *app);

/* ---- service.c, snapshot.c, features.c, monitor.c ---- */

struct outcome service_make_call(struct request *r);
struct outcome service_answer_call(struct request *r);
struct outcome service_clear_connection(struct request *r);
struct outcome service_deflect_call(struct request *r);
struct outcome service_hold_call(struct request *r);
struct outcome service_retrieve_call(struct request *r);
struct outcome service_single_step_transfer_call(struct request *r);
struct outcome service_alternate_call(struct request *r);
struct outcome service_clear_call(struct request *r);
struct outcome service_consultation_call(struct request *r);
struct outcome service_dial_digits(struct request *r);
struct outcome service_generate_digits(struct request *r);
struct outcome service_reconnect_call(struct request *r);
struct outcome service_transfer_call(struct request *r);
struct outcome service_directed_pickup_call(struct request *r);
struct outcome service_group_pickup_call(struct request *r);
struct outcome service_park_call(struct request *r);
struct outcome service_call_back(struct request *r);
struct outcome service_call_back_non_call_related(struct request *r);
struct outcome service_cancel_call_back(struct request *r);
struct outcome service_get_call_back(struct request *r);
struct outcome service_snapshot_device(struct request *r);
struct outcome service_get_csta_features(struct request *r);
struct outcome service_request_system_status(struct request *r);
struct outcome service_system_status(struct request *r);
struct outcome service_monitor_start(struct request *r);
struct outcome service_monitor_stop(struct request *r);
struct outcome service_change_monitor_filter(struct request *r);
struct outcome service_snapshot_call(struct request *r);
struct outcome service_get_logical_device_information(struct request *r);
struct outcome service_get_physical_device_information(struct request *r);
struct outcome service_get_switching_function_caps(struct request *r);
struct outcome service_get_switching_function_devices(struct request *r);
struct outcome service_system_register(struct request *r);
struct outcome service_system_register_cancel(struct request *r);

/* ---- watch.c ---- */

/** The watch of a device, or of a call for that application; made if need be. NULL: memory */
struct watch *watch_of_device(struct cti *c, struct device *dev);
struct watch *watch_of_call(struct cti *c, struct call *call, const struct application *app);
/** It is freed when nobody watches. */
void watch_drop(struct cti *c, struct watch *w);
struct str watch_key(const struct watch *w);
/** A record of this watch was appended: who watches has something to tell, filters apart. */
void watch_on_record(struct watch *w, uint64_t number);
/** The call went on as another one (two became one): its watches go with it. */
void watch_call_moved(struct call *from, struct call *to);
/** The call is over: its monitors tell what they have, and end. */
void watch_call_over(struct call *call);

void monitor_free(struct monitor *m);
/** It has no records left that it could tell: is it done? It may be freed by that. */
void monitor_told_all(struct monitor *m, uint64_t now_ms);
/** From here: what was recorded and is not told yet is lost to it. */
void monitor_skip(struct monitor *m);
/** The switching function ends it: MonitorStop, behind what it has to tell. */
void monitor_end(struct monitor *m, uint64_t now_ms);

/** The watch of that name in an earlier run. @param call  NULL: it is over */
struct watch *watch_restored(struct cti *c, struct call *call, const struct application *app,
                             struct str name);

/* ---- register.c ---- */

/** Tell a session that events were lost, and let it go on behind them. @return false: it
 * cannot be told so */
bool system_tell_lost(struct cti_session *s, uint64_t now_ms);
/** A sum over the devices that the application may use: another set, another sum. */
uint64_t devices_seen(const struct cti *c, const struct application *app);

/* ---- filter.c ---- */

/** NULL: the empty set. */
struct event_set filter_read(const struct csta_monitor_filter *f);
bool filter_has(const struct event_set *set, unsigned event);
/** Put that event in; none that cannot be filtered. */
void filter_add(struct event_set *set, unsigned event);
/** Is this record kept from it? */
bool monitor_hides(const struct monitor *m, const struct journal_record *r);

/* ---- service_dnd.c, service_forwarding.c ---- */

struct outcome service_get_do_not_disturb(struct request *r);
struct outcome service_get_forwarding(struct request *r);
struct outcome service_set_do_not_disturb(struct request *r);
struct outcome service_set_forwarding(struct request *r);
/** DoNotDisturbEvent, ForwardingEvent: what the switch is now. */
void dnd_tell(struct cti *c, const struct device *d, uint64_t now_ms);
void forwarding_tell(struct cti *c, const struct device *d, enum forward_type type,
                     uint64_t now_ms);

/* ---- service_waiting.c ---- */

struct outcome service_get_message_waiting_indicator(struct request *r);
struct outcome service_set_message_waiting_indicator(struct request *r);

/* ---- service_phone.c ---- */

/** All services on speaker, microphone, ringer and hookswitch. */
struct outcome service_phone(struct request *r);
/** Can a phone of `d` (NULL: of any device) serve that now, or tell that event? What is not a
    phone's alone is always true. */
bool phone_has(const struct cti *c, const struct device *d, enum csta_msg_id id);
/** Leave out of what is announced what phone_has not. @return false: no memory */
bool phone_prune(const struct cti *c, const struct device *d,
                 struct csta_get_csta_features_response *all);

/* ---- agent.c ---- */

enum { AGENT_ID_MAX = 64 };

/** Somebody who is logged on at a device. */
struct agent {
    struct map_node node;
    struct device *device;
    struct str id; /**< owned */
    uint8_t state; /**< enum csta_agent_state; never null */
    uint8_t after; /**< busy: the state that comes then, null too */
    bool asked;    /**< busy: somebody has asked for that, it is pending */
};

/** Walk the agents of a device: pass NULL first. */
struct agent *agent_next(const struct cti *c, const struct device *d, const struct agent *last);
struct agent *agent_find(const struct cti *c, const struct device *d, struct str id);
/** What it will be when it is no longer busy, if somebody has asked for that. */
enum csta_pending_agent_state agent_pending(const struct agent *a);
/** Harmless when it is. @return 0, E_TOOMANY, E_NOMEM */
int agent_log_on(struct cti *c, struct device *d, struct str id, uint64_t now_ms);
/**
 * Ready, not ready, working after call; null logs off, and the agent is gone unless it is busy.
 * @return what is pending now
 */
enum csta_pending_agent_state agent_set(struct cti *c, struct agent *a,
                                        enum csta_agent_state state, uint64_t now_ms);
/** What a call does to those who are in it. */
void agents_on_call(struct cti *c, const struct call_event *e);
/** All are handed to the store, whatever it has. */
void agents_keep_all(struct cti *c);
/** Calls and agents are back: who is in a call is busy, who is in none is not. */
void agents_restored(struct cti *c, uint64_t now_ms);
/** Those of a device that is none any more; and all. Nobody is told. */
void agents_drop(struct cti *c, const struct device *d);
void agents_free(struct cti *c);

/* ---- request.c ---- */

/** Is that request served? What only a phone can do is when it can be asked. */
bool cti_serves(const struct cti *c, enum csta_msg_id id);
/** Supported, and possible as we are configured: conferences want a focus. */
bool cti_has(const struct cti *c, enum csta_msg_id id);

/* ---- service_conference.c ---- */

struct outcome service_conference_call(struct request *r);
struct outcome service_single_step_conference_call(struct request *r);

/* ---- service_agent.c ---- */

struct outcome service_get_agent_state(struct request *r);
struct outcome service_set_agent_state(struct request *r);

/* ---- service_data.c ---- */

struct outcome service_associate_data(struct request *r);
struct outcome service_send_user_information(struct request *r);

/* ---- route.c ---- */

struct outcome service_route_end(struct request *r);
struct outcome service_route_register(struct request *r);
struct outcome service_route_register_cancel(struct request *r);
struct outcome service_route_reject(struct request *r);
struct outcome service_route_select(struct request *r);

/** For struct call_layer; its ctx: struct cti *. */
extern const struct call_router cti_router;
/** The registrations of a session, for its row; and back. @return 0, E_NOMEM */
void routes_pack(struct out *o, const struct cti_session *s);
int routes_unpack(struct unpack *u, struct cti_session *s) MUST_USE;
/** What a call tells may end the dialogue about it. */
void route_on_event(struct cti *c, const struct call_event *e);
/** Has it registrations or dialogues? */
bool session_is_routing(const struct cti_session *s);
/** Its registrations end, and its dialogues: those calls go where the rules say. */
void routes_drop_session(struct cti_session *s, uint64_t now_ms);

/* ---- monitor.c ---- */

/** One of an earlier run, which has told all up to `after`. NULL: no memory */
struct monitor *monitor_restored(struct cti_session *s, struct watch *w, struct str spelling,
                                 uint32_t ref, uint64_t after);
/** Its filter is set: what it has to tell is counted. */
void monitor_catch_up(struct monitor *m);

/** How the client of this session spells the device with that identifier. */
struct str session_spelling(const struct cti_session *s, struct str id);
/** How the monitor's client spells the device with that identifier. */
struct str monitor_spelling(const struct monitor *m, struct str id);

/* ---- report.c ---- */

/** As support_answer, of the other question. */
bool report_answer(struct request *r, const struct csta_common_arguments *asked,
                   const struct csta_common_arguments **out, struct outcome *err);

/* ---- ready.c ---- */

/** Room for one more. @return 0, E_NOMEM */
int ready_reserve(struct cti_session *s, uint32_t monitors) MUST_USE;
void ready_add(struct monitor *m, uint64_t due);
void ready_remove(struct monitor *m);
/** The one whose record is the oldest, or NULL. */
struct monitor *ready_first(const struct cti_session *s);

/* ---- event.c ---- */

/** State of a connection in CSTA's words. */
enum csta_local_connection_state connection_csta_state(const struct connection *conn);
/** Is it in the call now, as far as anybody was told? */
bool connection_is_live(const struct connection *conn);
/** Into the journal, and those who watch have something to tell. */
void event_record(struct cti *c, struct watch *w, struct journal_record *r);

/* ---- device_event.c ---- */

/** As cti_device_event, of an event that is about two devices (`other` may be NULL): who
   watches either of them is told, and nobody's record of it is one. */
int cti_pair_event(struct cti *c, const struct device *dev, const struct device *other,
                   enum csta_msg_id event, const struct csta_msg *body,
                   uint64_t now_ms) MUST_USE;

/** The octets that an application is to see of raw User-to-User values, or absent. */
struct str event_user_data(const struct cti *c, struct str raw, const struct seal_from *came);

/** The data of that connection's call have changed: all who watch a party of it are told. */
void event_call_information(struct cti *c, const struct connection *conn, uint64_t now_ms);

/* ---- about.c ---- */

/** What the seal of a value says. */
struct sealing {
    uint8_t result; /**< enum seal_result */
    struct seal_opened opened;
};

/** The values of an event. */
struct values {
    struct uui_list list;
    struct sealing *seal; /**< of each */
};

/**
 * Private data about the values of an event and what the border has done to those of the call.
 * @param back   they came back: call_event.uui_from
 * @param shown  the one that is userData, or NULL
 * @return in the scratch arena; absent: there is nothing to say, or no memory
 */
struct str about_uui(const struct cti *c, const struct call *call, bool back,
                     const struct values *values, const struct uui_value *shown);

/* ---- event_write.c ---- */

/** For whom a record is made into a message. */
struct event_reader {
    struct str ref;      /**< monitorCrossRefID */
    csta_spell_fn spell; /**< of devices; NULL: as they are */
    const void *ctx;
    unsigned long xml_salt;
    struct arena *arena;
};
/**
 * The record as a message, in the arena and borrowing from the record. Touches nothing else:
 * any thread may call it. @return 0, E_NOMEM, E_UNSUPPORTED, or as csta_decode
 */
int event_message(const struct event_reader *who, const struct journal_record *r,
                  struct csta_msg *out) MUST_USE;

/** The record as this monitor's client gets it. @return as csta_text */
int event_text(const struct monitor *m, const struct journal_record *r,
               struct str *out) MUST_USE;
/** BackInService of a monitor that has just been started. */
int event_greeting(const struct monitor *m, struct str *out) MUST_USE;

/* ---- deliver.c ---- */

void deliver_init(struct cti_session *s);
/** It may have something to send: cti_flush looks. */
void deliver_mark(struct cti_session *s);
/** Look again then. */
void deliver_wait(struct cti_session *s, uint64_t until_ms);
/** Send what can be sent, of all sessions that were marked. */
void cti_flush(struct cti *c, uint64_t now_ms);

/* ---- ask.c ---- */

enum cti_ask_end {
    CTI_ASK_ANSWERED, /**< `answer`: what it said, or NULL: nothing */
    CTI_ASK_REFUSED,  /**< `answer`: the CSTAErrorCode, or NULL: SIP's refusal */
    CTI_ASK_LOST,     /**< no answer, or the session is over */
};
typedef void (*cti_ask_fn)(void *owner, enum cti_ask_end end, const struct csta_msg *answer,
                           uint64_t now_ms);

/**
 * A request to the application behind `s`, behind the events that were recorded before it.
 * @param msg  its edition: the one to write; CSTA_EDITION_NONE: that of the session's requests
 * @param fn   hears the outcome once, perhaps with the session over; NULL: nobody
 * @return 0, E_STATE (the session is over), E_TOOMANY, E_NOMEM, E_VALUE
 */
int cti_ask(struct cti_session *s, const struct csta_msg *msg, cti_ask_fn fn, void *owner,
            uint64_t now_ms) MUST_USE;
/** How many requests more it takes. */
uint32_t asks_room(const struct cti_session *s);
/** The owner is gone: his requests go their way, and nobody hears. */
void cti_ask_forget(struct cti_session *s, void *owner);

struct ask;
/** The one whose turn is next, or NULL. */
struct ask *ask_first(const struct cti_session *s);
/** Number of the record behind which it has its turn. */
uint64_t ask_after(const struct ask *a);
/** @return as cti_link.ask; on E_NOMEM it may be tried again */
int ask_send(struct ask *a, uint64_t now_ms) MUST_USE;
/** It could not be sent, and never can. */
void ask_unsendable(struct ask *a, uint64_t now_ms);
struct cti_session *ask_session(const struct ask *a);
/**
 * The link has the outcome of what it was asked to send.
 * @param status  as SIP has it; 0: no answer
 * @param csta    that came with it, or absent
 */
void ask_on_answer(struct ask *a, unsigned status, struct str csta, uint64_t now_ms);
/** A response that came as a message of its own (S-11). @return false: nobody waits for it */
bool ask_on_response(const struct asker *from, const struct csta_msg *msg, uint64_t now_ms);
/** The session is over. @param tell  whoever asked hears of it */
void asks_drop(struct cti_session *s, bool tell, uint64_t now_ms);

/* ---- errors.c ---- */

/** Why the driver did not do it. */
struct outcome error_of_call(enum csta_msg_id service, enum call_error err, unsigned status,
                             struct arena *arena);
/** The connection is in no state for this service. */
struct csta_error error_of_state(enum csta_msg_id service);

#endif
