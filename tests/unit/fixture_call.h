/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange for the tests of calls: a node with transactions, legs, registrar, directory and
 * the call layer, wired as an engine does it, without digest and without CSTA. It writes the
 * call events down as words: "originated:1001 delivered:1002 established:1002 …".
 *
 * Phones are stations (fixture_leg.h); exchange_register puts a binding in for one.
 */
#ifndef BATON_TESTS_FIXTURE_CALL_H
#define BATON_TESTS_FIXTURE_CALL_H

#include "call/call.h"
#include "fixture_leg.h"

enum { EXCHANGE_DEVICES = 5 };

struct exchange {
    struct vnode node;
    struct test_mem mem;
    struct wheel wheel;
    struct arena arena;
    struct txn_layer txn;
    struct leg_layer legs;
    struct registrar registrar;
    struct directory directory;
    struct call_layer calls;
    struct device device[EXCHANGE_DEVICES]; /**< 1001 … */
    struct peer peer;
    struct str peer_number;
    uint32_t cseq;
    bool up;
    const struct call_plan *plan; /**< by which INVITEs are bridged; NULL: as they say */
    char log[8192];
    size_t log_n;
    char uui[2048]; /**< "kind:uui_to|uui_from " for events that carry any */
    size_t uui_n;
    /* outcome of the last procedure */
    int done; /**< -1: none yet; else enum call_error */
    unsigned done_status;
};

void exchange_up(struct exchange *x, struct vnet *net, const char *ip);
/** Checks that nothing is left, then frees. */
void exchange_down(struct exchange *x);
/** No call, leg, dialog, request, transaction. */
void exchange_check_empty(struct exchange *x);
/** Bind device `i` to the station, with Allow-Events: talk when asked. */
void exchange_register(struct exchange *x, unsigned i, const struct vnode *phone, bool talk);
/** The live connection of device `i`, or NULL. */
struct connection *exchange_connection(struct exchange *x, unsigned i);
/** call_done_fn for procedures; owner: the exchange. */
void exchange_done(void *x, enum call_error err, unsigned status, uint64_t now_ms);
/** To be called after each use of a call_… function: what the engine does after an input. */
void exchange_settle(struct exchange *x);

/** A station calls a number through the exchange. */
struct leg *exchange_dial(struct exchange *x, struct station *from, unsigned number,
                          const char *to, struct str sdp, struct str lines);

/** An exchange and three phones, 1001 to 1003, all registered. */
struct trio {
    struct vnet net;
    struct exchange x;
    struct station s[3];
};
void trio_up(struct trio *w, uint64_t seed);
/** Lets everything end; checks that nothing is left. */
void trio_down(struct trio *w);
/** 1001 calls 1002, which rings and answers. */
bool trio_talk(struct trio *w);
/** The last station answers its ringing call: 180, a while, 200 with that description. */
void trio_ring_and_answer(struct trio *w, unsigned i, struct str sdp);

#endif
