/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CTI: application sessions, services, monitors, events.
 *
 * A SESSION is an INVITE dialog that carries CSTA (TR/87 §7; the leg layer runs it). Services
 * come in INFO, each is answered in the 200 to its INFO, exactly once. Events go out as INFO,
 * in order, one at a time.
 *
 * Everything that happens goes into the JOURNAL first (journal.h): a record per event and
 * monitored device, with a sequence number. A session is a cursor over it. What survives a
 * restart is the journal's business alone, so making it durable changes no caller.
 *
 * The SWITCH DRIVER carries services out on calls that Baton bridges (call.h). It is behind a
 * small table of functions (driver.h), so that a phone driver can stand next to it.
 *
 * A session that misses events (too far behind, or its records are gone) and has registered
 * for it (SystemRegister) hears SystemStatus `messagesLost` and goes on; any other is ended
 * with BYE and `Reason: SIP;cause=500;text="messagesLost"`, the only * way to tell it. A
 * refused request is answered with the standard's error, and with a Warning header that says in
 * words why.
 */
#ifndef BATON_CTI_CTI_H
#define BATON_CTI_CTI_H

#include "base/histogram.h"
#include "base/store.h"
#include "border/border.h"
#include "call/call.h"
#include "csta/csta.h"

struct cti;
struct cti_session;
struct event_layer;

/** Which requests outside of any session are served (TR/87 digest S-17). */
enum cti_out_of_dialog {
    CTI_OUT_OF_DIALOG_OFF,
    CTI_OUT_OF_DIALOG_INFO,
    CTI_OUT_OF_DIALOG_NOTIFY, /**< Event: uaCSTA */
};

struct cti_config {
    uint32_t max_app_sessions;     /**< of one application; 0: no limit of its own */
    uint32_t max_sessions;         /**< default 1000 */
    uint32_t max_monitors;         /**< of all sessions; default 10000 */
    uint32_t max_session_monitors; /**< default 1000 */
    uint32_t max_agents;           /**< logged on, in all; default 10000 */
    uint32_t journal_records;      /**< records kept in memory; default 65536 */
    uint32_t max_unsent;      /**< records a session may be behind before it is told of the gap;
                                 default 4096 */
    uint32_t max_connections; /**< of CSTA over TCP; default 1000 */
    bool back_in_service_on_monitor; /**< TR/87 digest N-6; the configuration says true by
                                          default, zeros mean false */
    bool failed_local_fail; /**< localConnectionInfo of Failed: fail instead of connected */
    enum cti_out_of_dialog out_of_dialog;
    bool no_private_data;          /**< events say nothing about User-to-User but its octets */
    const struct store_ops *store; /**< outlives the process; NULL: nothing does */
};

/** The engine gives the session INVITE, already authenticated as `app`. */
void cti_incoming(struct cti *c, const struct sip_msg *m, const struct hop *from,
                  struct application *app, uint64_t now_ms);

/** Is this request, outside of any dialog, to be given to cti_once? */
bool cti_takes_once(const struct cti *c, const struct sip_msg *m);
/** It, already authenticated as `app`: served and answered, and no session is left. */
void cti_once(struct cti *c, const struct sip_msg *m, const struct hop *from,
              struct application *app, uint64_t now_ms);

/** To be set as call_layer.on_event and registrar.on_change (ctx: struct cti *). */
void cti_on_call_event(void *cti, const struct call_event *e);
/** To be set as call_layer.on_gone. */
void cti_on_call_gone(void *cti, struct call *call);
void cti_on_registration(void *cti, const struct record *r, bool registered, uint64_t now_ms);

/** What is asked about who comes over a connection. */
struct cti_gate {
    void *ctx;
    /** The application with that name, if the password is its own; else NULL. */
    struct application *(*login)(void *ctx, const struct hop *from, struct str name,
                                 struct str password, uint64_t now_ms);
    /** The application that is known by where it comes from; else NULL. */
    struct application *(*known)(void *ctx, const struct hop *from);
};
/** Without one no connection is taken. */
void cti_set_gate(struct cti *c, const struct cti_gate *gate);

/**
 * Octets of a connection with CSTA (ECMA-323 Annex J.2): takes whole frames off the front.
 * @return octets used; SIZE_MAX: what stands there is no frame, or nobody more is taken: close
 *         it
 */
size_t cti_stream_input(struct cti *c, const struct hop *from, struct str bytes,
                        uint64_t now_ms);
/** Of any flow; sessions of others than connections hear of it by their legs. */
void cti_on_flow_closed(struct cti *c, uint32_t flow, uint64_t now_ms);

/**
 * Devices, applications or their grants have changed: monitors of what is not granted any more
 * are ended with MonitorStop, and who registered for it hears that the devices are others.
 */
void cti_roster_changed(struct cti *c, uint64_t now_ms);

/** A switch of the device is another one (call/features.h): after call_feature_fn with
    `changed`. */
void cti_on_feature(void *cti, struct device *d, unsigned which, uint64_t now_ms);

/**
 * An event about a device and no call: told to all who watch the device now, in order with
 * everything else. `body` needs no monitorCrossRefID, and names the device by device->uri; it
 * is written down at once, so it may die afterwards and what it spoke of may change.
 * @return 0; E_NOMEM: who watches finds a gap; E_VALUE, E_UNSUPPORTED: it is no such event
 */
int cti_device_event(struct cti *c, const struct device *dev, enum csta_msg_id event,
                     const struct csta_msg *body, uint64_t now_ms);

/** Call back of two devices is set, or is no more (call_back_fn). */
void cti_on_callback(void *cti, const struct device *from, const struct device *to, bool set,
                     uint64_t now_ms);

struct journal_fact;
/** What happened and is no event of CSTA (journal.h): told to those who follow the journal.
    @return its number; 0: nobody is told */
uint64_t cti_tell(struct cti *c, const struct journal_fact *f);

/** Somebody took control of something. Strings of ours: no text that a client chose but names
    that were checked. Absent ones are left out. */
struct cti_audit {
    struct str who;    /**< "token:crm-1", "application:crm", "uid:0" */
    struct str face;   /**< "SIP", "TCP", "HTTP" */
    struct str action; /**< "MakeCall", "createToken" */
    struct str device; /**< its key, or what was named instead */
    struct str call_id;
    struct str outcome; /**< "done", "operation/invalidDeviceID", "403" */
};
/** A line in the log (module `audit`) and a fact in the journal. */
void cti_audit(struct cti *c, const struct cti_audit *a);
/** Number of the newest event: what is shown now holds at that place of the journal. */
uint64_t cti_head(const struct cti *c);

/** The message waiting indicator of the device is another one (event_waiting_fn). */
void cti_on_waiting(void *cti, struct device *d, uint64_t now_ms);

struct cti_driver;
/** Who carries services out from now on; its ctx is the call layer. Borrowed. */
void cti_set_driver(struct cti *c, const struct cti_driver *driver);

/** Whose mailboxes there are; without it there is no message waiting. The caller's. */
void cti_set_events(struct cti *c, struct event_layer *events);

/** Sessions on connections are handed to the store, for a program that gets the sockets. */
void cti_keep_connections(struct cti *c, uint64_t now_ms);
/** After the rows, before cti_restored: that connection of the program before us goes on. Whose
    connection does not come along ends there. */
void cti_adopted(struct cti *c, const struct hop *from);

/**
 * A row of the agents of that device, of an earlier run.
 * @return 0; E_NOTFOUND: no such device; E_EXISTS; E_SYNTAX, E_VERSION, E_TOOMANY, E_NOMEM.
 * Nothing has changed then
 */
int cti_restore_agents(struct cti *c, struct str key, struct str value) MUST_USE;

/** The device is none any more: its agents are forgotten. Who watches it stays. */
void cti_device_gone(struct cti *c, const struct device *d);

/** Everything given is the caller's and must outlive it. @return NULL when memory is out */
struct cti *cti_new(const struct env *env, struct wheel *wheel, struct leg_layer *legs,
                    struct call_layer *calls, struct registrar *registrar,
                    struct directory *directory, struct arena *scratch,
                    const struct cti_config *config);
/** Drops what is left without a word. Before call_layer_fini and leg_layer_fini. NULL is
 * allowed. */
void cti_free(struct cti *c);

/** The packages of User-to-User that are known; borrowed. NULL: isdn-uui alone. */
void cti_set_packages(struct cti *c, const struct uui_packages *packages);

/** The border, whose notes are told with events; borrowed. NULL: none. */
void cti_set_border(struct cti *c, const struct border *border);

/** What there is to be said about a device, as XML elements (docs/csta-private.md). Asked
   twice, it says the same. */
typedef void (*cti_report_fn)(void *ctx, const struct device *d, struct out *o,
                              uint64_t now_ms);
/** Who knows it; NULL: nobody. */
void cti_set_report(struct cti *c, cti_report_fn fn, void *ctx);

/** BYE to every session, 503 to new ones. */
void cti_end_all(struct cti *c, uint64_t now_ms);

/** Is this INVITE one for a CSTA session: has it, or accepts it only, application/csta+xml? */
bool cti_wants(const struct sip_msg *m);

/** What the store kept of the journal: the number of its newest event, and then all events
    behind `from` in order. Before anything else happens. */
void cti_restore_head(struct cti *c, uint64_t from, uint64_t head);
void cti_restore_event(struct cti *c, const struct store_event *e);
/** A row of a session or of a monitor, in the order of keys. @return 0; E_SYNTAX, E_VERSION;
    E_NOTFOUND: who it was, or what was watched, is not there any more; E_NOMEM, E_TOOMANY */
int cti_restore(struct cti *c, struct str key, struct str value, uint64_t now_ms) MUST_USE;
/** All are back: what was missed is told. */
void cti_restored(struct cti *c, uint64_t now_ms);

/** That leg has changed; false: it is no session's. */
bool cti_touch_leg(const struct leg *leg);
/** What has changed is handed to the store. At the end of each input. */
void cti_keep(struct cti *c, uint64_t now_ms);
void cti_keep_all(struct cti *c, uint64_t now_ms);
/** How many are wanted back. */
uint32_t cti_journal_records(const struct cti *c);

struct cti_stats {
    uint64_t sessions, monitors, agents, connections; /**< now */
    uint64_t unframed;                   /**< connections closed for what was no frame */
    uint64_t requests, answered, errors; /**< so far; answered counts errors too */
    uint64_t events_recorded, events_sent, gaps; /**< so far */
    uint64_t route_requests, route_timeouts;     /**< so far */
    uint64_t uui_wrong;   /**< User-to-User values in calls that break a rule */
    uint64_t uui_ignored; /**< and those that are well-formed, and no application is shown */
    struct histogram request_time; /**< from a request to its answer */
};
void cti_stats(const struct cti *c, struct cti_stats *out);

#endif
