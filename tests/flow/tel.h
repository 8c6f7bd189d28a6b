/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone of the kit that speaks uaCSTA besides: it takes a session, answers what it is asked
 * by a short list of answers, and sends the events that a test writes.
 *
 * What it is asked is kept as root names in `asked`: "MonitorStart SnapshotDevice ".
 */
#ifndef BATON_TESTS_TEL_H
#define BATON_TESTS_TEL_H

#include "world.h"

#define TEL_ANSWERS 32

struct tel {
    struct phone *p;
    struct leg *session;
    unsigned take;        /**< status for the INVITE of a session; 200 */
    const char *status;   /**< systemStatus that it says; "normal" */
    const char *snapshot; /**< the calls that it has: elements snapshotDeviceResponseInfo */
    bool silent;          /**< answers nothing */
    bool empty;           /**< answers 200 without a body */
    struct {
        const char *service, *answer; /**< NULL answer: none. "486": a SIP status */
    } say[TEL_ANSWERS];
    size_t says;
    char asked[4096];
    char last[4096];       /**< body of the last request */
    unsigned sessions;     /**< so far */
    unsigned event_status; /**< of the last event's answer */
    char xml[4096];
};

/** Before or after the phone has registered. */
void tel_up(struct tel *t, struct phone *p);
/** A world, the phone of its first device as `t`; all of its phones are registered then. */
void tel_world_up(struct tel *t, struct world *w, const struct world_options *o);

/** A profile that a test makes, and the set with nothing else in it. */
struct tel_profile {
    struct phone_profile own;
    struct phone_profiles all;
};
/**
 * To be called as the world is made: the phone of device `i` has a profile of that name, which
 * is as the generic one until the caller changes it. @return it
 */
struct phone_profile *tel_profile(struct tel_profile *p, struct world *w, size_t i,
                                  const char *name);
/** What it answers to that service, instead of what it would. */
void tel_say(struct tel *t, const char *service, const char *answer);
/** An event: `body` is what stands in <NAME>, with the reference in front. */
void tel_event(struct tel *t, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
/** Any INFO. */
void tel_info(struct tel *t, const char *type, const char *body);
/** It begins anew: it knows of no session and no call. */
void tel_reboot(struct tel *t);
void tel_forget(struct tel *t);

/** Events by their parts. `state`: localConnectionInfo. */
void tel_delivered(struct tel *t, const char *call, const char *alerting, const char *calling,
                   const char *called, const char *state);
void tel_established(struct tel *t, const char *call, const char *answering,
                     const char *calling, const char *called);
void tel_originated(struct tel *t, const char *call, const char *called);
void tel_held(struct tel *t, const char *call, bool held);
void tel_cleared(struct tel *t, const char *call, const char *who, const char *state);

#endif
