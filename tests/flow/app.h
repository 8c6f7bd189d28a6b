/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A CSTA application: opens a session over SIP with digest, sends requests in INFO one after
 * the other, collects the answers, takes and answers the events in the order in which they
 * come.
 *
 * Both are kept decoded and as short text, so that a test can say what it expects in one line:
 *
 *   answers   "MakeCallResponse c1:1001", "operation/invalidDeviceID", "SIP 481"
 *   events    "Delivered c1:1002 alerting newCall 1001>1002"
 *             "Cleared c1:1002 null busy by=1002", with " uui=", " to=", " last=", " corr="
 * when they are there
 *
 * Calls are c1, c2 … in the order in which they are first heard of (by all applications of a
 * world); devices are their user parts.
 */
#ifndef BATON_TESTS_APP_H
#define BATON_TESTS_APP_H

#include "csta/csta.h"
#include "fixture_leg.h"

#define APP_ASKS 64
#define APP_NOTES 256
#define APP_CALLS 16

/** Names of calls, shared by the applications of a world. */
struct call_names {
    char id[APP_CALLS][64];
    size_t n;
};
/** "c1" … */
const char *call_name(struct call_names *names, struct str id);

/** A request, and what came of it. */
struct ask {
    const char *service;
    char *body;
    bool sent;
    unsigned answers; /**< final ones; one when all is well */
    unsigned status;  /**< SIP status of the answer */
    struct csta_msg msg;
    char text[512];
};

/** An event that came. */
struct note {
    struct csta_msg msg;
    char ref[16], call[64], device[64];
    unsigned session;
    char other[40]; /**< callID of the call that the event ends besides, or empty */
    bool terminal;  /**< the watched device is out of the call now */
    uint64_t time_ms;
    char text[2560];
};

struct app {
    struct station s;
    const char *name, *password, *domain;
    struct vnode *server;
    enum transport transport;
    struct auth_client auth;
    struct leg_config config;
    struct call_names *names;
    struct arena arena;
    const char *edition;   /**< "ed5": of the requests that it sends */
    bool mute;             /**< answers no event */
    bool parallel;         /**< does not wait for one answer before it sends the next request */
    unsigned event_status; /**< answer to events; 200 */
    const char *answer_body; /**< CSTA in that answer, or NULL */

    struct str opened;    /**< CSTA body of the 200 to its INVITE */
    unsigned open_status; /**< of a refused INVITE */
    struct ask ask[APP_ASKS];
    size_t asks;
    struct note note[APP_NOTES];
    size_t notes, forgotten; /**< of the notes, the first ones are known */
    unsigned sessions;       /**< opened so far */
};

void app_up(struct app *a, struct vnet *net, struct vnode *server, const char *name,
            const char *ip, const char *user, const char *password, enum transport transport,
            struct call_names *names, const struct leg_config *config);
void app_down(struct app *a);

/** INVITE with RequestSystemStatus. */
struct leg *app_open(struct app *a);
/** The session is up. */
bool app_is_open(const struct app *a);
void app_close(struct app *a);

/** Send a request: `body` is what stands inside <SERVICE>. @return it, for its outcome */
struct ask *app_ask(struct app *a, const char *service, const char *fmt, ...) PRINTF_LIKE(3, 4);
/** What an answered request says, as above. */
#define ANSWER(q, want) CHECK_STR(str_c((q)->text), want)
/** Send an INFO with exactly this body. */
struct ask *app_ask_raw(struct app *a, const char *service, const char *body);

/** Shorthands. `call`: "c1". */
struct ask *app_monitor(struct app *a, const char *device);
struct ask *app_make_call(struct app *a, const char *from, const char *to, bool prompt,
                          const char *uui);
struct ask *app_on_connection(struct app *a, const char *service, const char *element,
                              const char *call, const char *device, const char *more);
/** The same about two connections of a device. */
struct ask *app_on_two(struct app *a, const char *service, const char *element,
                       const char *call, const char *element2, const char *call2,
                       const char *device);
/** The callID behind "c1". */
const char *app_call_id(const struct app *a, const char *call);

/** The events of one monitor since the last app_forget, joined by "; ". ref NULL: of all. */
const char *app_events(const struct app *a, const char *ref);
/** So far is known. */
void app_forget(struct app *a);

/**
 * Each request was answered once; after an event by which the watched device has left a call
 * no further one came for it on that monitor. `complete`: and there was one for each call.
 * @param where  context of failed checks, or NULL
 */
void app_check(const struct app *a, bool complete, const char *where);

#endif
