/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small office on the virtual network, for tests of CTI with nothing faked beneath it.
 *
 *   switch    transactions, legs, registrar, calls, cti, as an engine wires them (no digest)
 *   phones    stations; 1001, 1002, 1003 of example.com, and a peer that takes 0…
 *   clients   applications: "crm" may use 100*, "desk" only 1001
 *
 * A client writes down what it gets, in order, as words:
 *
 *     A:MakeCallResponse         the answer to a request of its own
 *     X:operation/invalidDeviceID
 *     S:415                      an answer without CSTA
 *     E:Delivered[alerting]      an event, with localConnectionInfo
 *
 * and keeps the text of the last ones.
 */
#ifndef BATON_TESTS_FIXTURE_CTI_H
#define BATON_TESTS_FIXTURE_CTI_H

#include "cti/parts.h"
#include "fixture_leg.h"

enum { PHONES = 3, CLIENTS = 2, KEPT = 64 };

struct client {
    struct station st;
    struct office *office;
    struct leg *leg; /**< the session; NULL after it ended */
    char log[8192];
    size_t log_n;
    char *text[KEPT]; /**< bodies, as they came; events and answers */
    size_t texts;
    char warning[512];
    char sdp[512]; /**< description that came with the last answer; "" when none did */
    unsigned open, most_open; /**< event INFOs that it has not answered */
    struct txn *unanswered[KEPT];
    unsigned answer_with; /**< to event INFOs: 200; 0: not at all */
    unsigned status;      /**< of the answer to its INVITE */
};

struct office {
    struct vnet net;
    struct vnode node;
    struct test_mem mem;
    struct wheel wheel;
    struct arena arena;
    struct txn_layer txn;
    struct leg_layer legs;
    struct directory directory;
    struct registrar registrar;
    struct call_layer calls;
    struct cti *cti;
    bool up;
    struct str domains[1];
    struct device device[PHONES];
    struct application crm, desk;
    struct access_scope crm_scopes[1], desk_scopes[1];
    struct peer peer;
    struct station phone[PHONES], outside;
    struct client client[CLIENTS];
    enum transport transport; /**< of the clients */
    uint64_t last_ms;         /**< time of the input that is being handled */
};

/**
 * Everything up; phones not registered. It is too large for a stack.
 * @param config     NULL: defaults
 * @param transport  of the clients
 */
struct office *office_up(const struct cti_config *config, enum transport transport);
/** Sessions and calls are ended, all is freed, and nothing may be left. */
void office_down(struct office *o);
/** The same without ending anything first: cti_free with sessions that stand. */
void office_drop(struct office *o);

/** 1001 + i registers (or, with expires 0, leaves). */
void office_register(struct office *o, unsigned i, bool talk, unsigned expires);
void office_run(struct office *o, uint64_t ms);

/** Phone `from` calls `number`. */
void phone_call(struct office *o, struct station *from, const char *number, const char *lines);

/** The client opens its session with this body (NULL: none). */
void client_open(struct client *c, const char *user, const char *body);
void client_open_typed(struct client *c, const char *user, const char *type, const char *body);
/** A request in INFO: body inside the root, e.g. "<device>1001</device>". Edition 3. */
void client_ask(struct client *c, const char *root, const char *inside);
/** The same with the elements as in printf; what the client has heard before is forgotten, and
    50 ms more go by. */
void client_ask_fmt(struct client *c, const char *root, const char *fmt, ...) PRINTF_LIKE(3, 4);
void client_ask_in(struct client *c, const char *edition, const char *root, const char *inside);
void client_send(struct client *c, const char *method, const char *type, const char *body);
/** Open as crm and monitor these devices (one word each, as the client spells them). */
void client_watch(struct client *c, const char *user, const char *devices);
void client_bye(struct client *c);
/** Answer event INFOs that were left open. */
void client_answer(struct client *c, unsigned status);
void client_clear(struct client *c);
/** The text of the last message that has `part` in it; "" when none. */
const char *client_text(const struct client *c, const char *part);
/** What stands between <name> and </name> in the text with `part`, first time; "" if nowhere.
 */
struct str client_value(const struct client *c, const char *part, const char *name);

struct cti_stats office_stats(const struct office *o);

#define CSTA_NS(edition) "http://www.ecma-international.org/standards/ecma-323/csta/" edition
#define STATUS_REQUEST "<RequestSystemStatus xmlns=\"" CSTA_NS("ed3") "\"/>"

/** Services of a phone's body, which the phones of the office have not: no CSTA. */
bool only_phones_have(enum csta_msg_id service);

#endif
