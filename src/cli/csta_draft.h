/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of words on its way to an order: what its options said, and the message that is built
 * of it. csta_request.c reads the words; the messages about calls are in csta_request_call.c.
 */
#ifndef BATON_CLI_CSTA_DRAFT_H
#define BATON_CLI_CSTA_DRAFT_H

#include "base/err.h"
#include "cli/csta_request.h"

/** What the options of one line say, before there is a message to put it in. */
struct draft {
    struct arena *arena;
    struct csta_order *order;
    struct str *complaint;
    struct str arg[CSTA_WORDS_MAX];
    size_t narg;
    struct csta_data user_data, correlator;
    enum csta_event_cause reason;
    bool prompt;
};

#define COMPLAIN(d, ...) (*(d)->complaint = arena_fmt((d)->arena, __VA_ARGS__), E_VALUE)

/** A body of type `struct csta_<type>` in `member` of the order's message. */
#define BODY(d, member, msg_id, type)                                   \
    struct csta_##type *body = arena_zalloc((d)->arena, sizeof(*body)); \
    if (body == NULL) {                                                 \
        return E_NOMEM;                                                 \
    }                                                                   \
    (d)->order->msg.id = (msg_id);                                      \
    (d)->order->msg.member = body

/** Make calls and do something to those that stand. @return 0, E_VALUE, E_NOMEM */
int csta_build_call(struct draft *d);
/** `request`: NAME and KEY=VALUE words. @return as csta_build_call */
int csta_build_any(struct draft *d);
/** The request that `command` is only another name for. @return as csta_build_call */
int csta_build_form(struct draft *d, const char *command);
/** ChangeMonitorFilter: CROSSREF EVENT… @return as csta_build_call */
int csta_build_filter(struct draft *d);
/** Say where calls go. @return as csta_build_call */
int csta_build_route(struct draft *d);

#endif
