/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application behind `baton csta`: what is monitored, which calls are known, which command
 * runs, what it waits for.
 *
 *   a command   parsed to an order, begun when the session is up and none is running; done with
 *               its answer, or later when it watches a call, monitors or waits
 *   the shell   lines in a queue, one order after the other, events in between
 *   the end     MonitorStop for each monitor as far as time allows, BYE, exit code
 *
 * csta_client.c runs orders, csta_watch.c deals with monitors and events.
 */
#ifndef BATON_CLI_CSTA_CLIENT_H
#define BATON_CLI_CSTA_CLIENT_H

#include "cli/csta_request.h"
#include "cli/csta_session.h"
#include "cli/help.h"

/** Slots of ua_after beside the session's. */
enum { CSTA_SLOT_WAIT = 2, CSTA_SLOT_GONE = 3 };

struct csta_client;

/** A monitored device. */
struct csta_monitor {
    struct list link;
    struct csta_client *client;
    bool running;     /**< MonitorStart was answered in this session */
    bool asked;       /**< by a command, whose end waits for the answer */
    bool call;        /**< a connection, whose call is monitored */
    bool dropped;     /**< waits for its last answer to be freed */
    unsigned pending; /**< requests that will be answered to it */
    char *device;     /**< as the user wrote it */
    char *without;    /**< events that are not wanted, or NULL */
    char *cross_ref;
};

/** The call that --watch follows, seen from one device. */
struct csta_watch {
    bool on;
    bool answered;   /**< the request itself is done */
    bool over;       /**< the call is */
    bool failed;     /**< there was a Failed event */
    bool conference; /**< a party that leaves is no sign of the end */
    struct str device;
    char *call_id; /**< NULL: not known yet */
};

struct csta_client {
    struct ua *ua;
    struct csta_session session;
    struct csta_printer printer;
    enum csta_edition edition;
    bool shell, echo, exit_on_error;
    int exit_code;

    struct arena arena;      /**< of the order that runs */
    struct csta_order order; /**< verb NONE: none runs */
    bool order_failed;       /**< monitor: one of the devices was refused */
    struct str raw;          /**< raw: what is to be sent */
    struct csta_watch watch;
    size_t unanswered; /**< monitor: MonitorStart without answer */
    uint32_t counted;  /**< monitor: events printed */
    bool listed;       /**< devices: the last one of the list is there */
    bool call_pending; /**< MakeCall is out: hold events of unknown calls (S-16) */
    bool closing, input_ended;

    struct list monitors; /**< struct csta_monitor */
    struct list calls;    /**< calls that the user has heard of */
    struct list held;     /**< events held back */
    struct list seen;     /**< events that `wait` may still ask for */
    size_t nseen;
    bool waited;       /**< the last order was a wait: the next command begins a new group */
    struct list lines; /**< of the shell, not yet run */
};

void csta_client_init(struct csta_client *c, FILE *out, FILE *err, bool json);
/** Before ua_free. */
void csta_client_fini(struct csta_client *c);

/** Open the session and run `order`, which lives in c->arena, in it. @return EXIT_CODE_OK: run
   the loop; else what the command returns, the reason having been said */
int csta_client_start(struct csta_client *c, struct ua *ua,
                      const struct csta_session_config *config, const struct csta_order *order);

/** A connection closed: does the session still stand? */
void csta_client_flow_closed(void *client);

/** A signal: stop what runs and leave. */
void csta_client_interrupt(void *client);

/** Leave: MonitorStop, BYE, ua_stop. */
void csta_client_close(struct csta_client *c);

/** The order that runs is done. @param code  EXIT_CODE_OK or EXIT_CODE_FAILED */
void csta_client_done(struct csta_client *c, int code);

/** Milliseconds since 1970. */
uint64_t csta_wall_ms(void);

/** Encode and send; a failure is printed. @return false: it was not sent, `fn` is not called */
bool csta_client_send(struct csta_client *c, const struct csta_msg *msg, csta_answer_fn fn,
                      void *owner);

/** Print why `what` failed. */
void csta_client_refused(struct csta_client *c, struct str what, const struct csta_answer *a);

/* csta_watch.c */

/** @return the monitor of `device`, running or on its way, or NULL */
struct csta_monitor *csta_monitor_find(struct csta_client *c, struct str device);
/** Send MonitorStart. @return false: not sent, said so; else csta_client_monitor_answered
 * follows */
bool csta_monitor_start(struct csta_client *c, struct str device, bool call,
                        struct str without);
/** csta_client.c: the answer to it. */
void csta_client_monitor_answered(struct csta_client *c, bool ok);
/** All monitors again in a new session, with a snapshot of each device. */
void csta_monitors_again(struct csta_client *c);
void csta_monitor_forget(struct csta_client *c, struct str cross_ref);

void csta_client_on_event(void *client, const struct csta_msg *m, struct str body);
/** Print what was held back. */
void csta_held_release(struct csta_client *c);

/** A call that the user has heard of, so that its events need not be held. */
void csta_call_known(struct csta_client *c, struct str call_id);

/** `wait`: has such an event come already? It is used up then. */
bool csta_seen_take(struct csta_client *c, enum csta_msg_id event, struct str device);
void csta_seen_clear(struct csta_client *c);

/** Follow the calls of a device; call_id may be absent. */
void csta_watch_begin(struct csta_client *c, struct str device, struct str call_id);
void csta_watch_end(struct csta_client *c);
/** The call of a device that has only one: its callID becomes the one to watch. */
void csta_watch_learn(struct csta_client *c, const struct csta_msg *snapshot);
/** The request is answered: done when the call is over too. */
void csta_watch_answered(struct csta_client *c);
void csta_watch_set_call(struct csta_client *c, struct str call_id);

void csta_watch_fini(struct csta_client *c);

#endif
