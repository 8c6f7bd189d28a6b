/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route rules: what becomes of a request that begins something, by a table. First match wins.
 *
 *     facts of a request  ──►  table of rules  ──►  verdict: action, numbers, targets in order
 *
 * A rule has conditions, all of which must hold (within one list one entry is enough, except
 * where it says so), and one action. The table is plain data, made by whoever reads the
 * configuration; nothing here allocates but in the arena of the query, and nothing is kept of
 * a request: the same request gives the same verdict as long as the table and the minute are
 * the same. What looks like chance, percentages and weights, is a hash of the Call-ID: a
 * request that is repeated with credentials, or that reaches us twice, goes the same way.
 *
 * OWNERSHIP. A table borrows everything from the configuration it was made of, and owns its
 * index. A verdict borrows from table, request and arena.
 *
 * COST. A rule whose called numbers begin with other digits, or that is for other methods,
 * costs one comparison of eight octets; bench/ measures 1 000 rules.
 */
#ifndef BATON_RULES_RULES_H
#define BATON_RULES_RULES_H

#include "base/arena.h"
#include "base/env.h"
#include "rules/number.h"
#include "rules/pattern.h"
#include "rules/when.h"
#include "sip/msg.h"

enum rule_action { RULE_BRIDGE, RULE_PROXY, RULE_REDIRECT, RULE_REFUSE, RULE_REFER };

/** What the called number is to us, when the request comes. */
enum rule_called {
    RULE_CALLED_OTHER,        /**< no device of ours */
    RULE_CALLED_REGISTERED,   /**< a device with a registration */
    RULE_CALLED_UNREGISTERED, /**< a device without one */
};

struct rule_header_test {
    struct str name;
    struct pattern value; /**< one line must match; not has_value: be there */
    bool has_value;
    bool absent; /**< there must be none (that matches) */
};

/** A feature tag, alone or with a value. */
struct rule_tag {
    struct str name, value;
};

/** Where a request can go. */
enum rule_target_kind { RULE_TO_LOCATION, RULE_TO_DEVICE, RULE_TO_PEER, RULE_TO_URI };

struct rule_target {
    uint8_t kind; /**< enum rule_target_kind */
    struct str
        text; /**< device, name of the peer, or URI, in which {number} is the called one */
    uint32_t weight; /**< its share; 0: only after those that have one */
    uint32_t q;      /**< of a redirect's Contact, thousandths; RULE_NO_Q: none */
};
#define RULE_NO_Q UINT32_MAX

struct rule_line {
    struct str name, value;
};

/** What happens to a number, in this order. */
struct rule_number {
    struct str replace; /**< absent: stays. Parts are those of the pattern that matched */
    uint32_t strip;     /**< octets off the front */
    struct str prepend;
    const struct dial_plan *to_e164, *from_e164; /**< NULL: not */
};

#define RULE_STATUSES_MAX 16

struct rule {
    struct str name;
    unsigned line; /**< in the file, from 1 */

    /* conditions; a count of 0: any */
    uint32_t methods;    /**< bit by enum sip_method */
    uint8_t called;      /**< bit by enum rule_called; 0: any */
    uint16_t transports; /**< bit by enum transport; 0: any */
    const struct pattern *to, *from, *domain, *device;
    size_t to_count, from_count, domain_count, device_count;
    const struct str *peer; /**< names; "*" any peer, "none": no peer */
    size_t peer_count;
    const struct rule_header_test *header; /**< all must hold */
    size_t header_count;
    const struct str *uui; /**< "any", "none", or packages */
    size_t uui_count;
    const struct rule_tag *wants, *has; /**< Accept-Contact; Contact: all must hold */
    size_t wants_count, has_count;
    const struct str *supported; /**< option tags, all of them */
    size_t supported_count;
    const struct period *time;
    const struct str *time_text;
    size_t time_count;
    uint32_t percent; /**< 100: always */

    /* what then */
    uint8_t action; /**< enum rule_action */
    struct rule_number called_number, calling_number;
    const struct rule_target *target; /**< none: the called number's location */
    size_t target_count;
    bool by_weight;                  /**< targets by their shares; else in order */
    unsigned status;                 /**< redirect, refuse */
    struct str reason;               /**< phrase; absent: the usual one */
    const struct rule_line *headers; /**< redirect: into each Contact; refuse: of the response;
                                           bridge, proxy: of the request that goes out */
    size_t header_lines;
    struct str uui_value; /**< User-to-User, ready to be written; absent: none */
    struct str uui_octets,
        uui_package; /**< what is in it: to be sealed, when the package says so */
    bool record_route, recurse, parallel;
    uint32_t ring_s; /**< for each target; 0: the usual */
    struct str ask;  /**< bridge: the routing device whose application is asked first where the
                        call goes; absent: none */
    uint32_t ask_s;  /**< so long, each time; 0: the usual */
    uint16_t next_on[RULE_STATUSES_MAX]; /**< bridge: these statuses lead to the next target */
    size_t next_count;
};

/** What of a rule is looked at first. */
struct rule_quick {
    uint64_t mask, value; /**< of the first octets of the called number */
    uint32_t methods;
};

struct rule_table {
    const struct rule *rule;
    size_t count;
    const struct zone *zone;  /**< of times in the rules */
    uint32_t methods;         /**< that any rule is for */
    struct rule_quick *quick; /**< one each */
};

/** Make the index. `quick` lies in the arena. @return 0 or E_NOMEM */
int rule_table_init(struct rule_table *t, struct arena *a, const struct rule *rule,
                    size_t count, const struct zone *zone) MUST_USE;

/** The facts of a request. */
struct rule_query {
    const struct sip_msg *m;
    struct arena *scratch;
    uint8_t transport;    /**< enum transport */
    uint8_t called_state; /**< enum rule_called */
    struct str peer;      /**< name of the peer it came from, or absent */
    struct str device;    /**< number of the device it came from, or absent */
    int64_t unix_s;
    bool asserted; /**< the sender's word about identities counts: P-Asserted-Identity (RFC
                      3325) goes before From */

    /* what rule_query_read finds in the message; each may be set to something better */
    struct str called, calling;                 /**< numbers, plain */
    struct str called_address, calling_address; /**< "number@domain" */
    struct str domain;                          /**< of the Request-URI */
};

/**
 * Read called and calling number off the message: the user part of the Request-URI, and of
 * From unless `calling` is set already (the number of the device that proved itself).
 * @return 0 or E_NOMEM
 */
int rule_query_read(struct rule_query *q) MUST_USE;

struct rule_verdict {
    const struct rule *rule;    /**< NULL: none matches */
    struct str called, calling; /**< after the rewriting */
    bool called_changed, calling_changed;
    const struct rule_target **target; /**< in the order in which they are to be tried */
    size_t target_count;
};

/** @return 0 with *out filled, or E_NOMEM */
int rule_find(const struct rule_table *t, const struct rule_query *q,
              struct rule_verdict *out) MUST_USE;

/**
 * Does the rule hold? If not, and `why` is not NULL, the first condition that failed is
 * written there in words.
 */
bool rule_holds(const struct rule *r, const struct zone *zone, const struct rule_query *q,
                struct out *why);

/** Below a rule's percentage or not: 0 to 9999, the same for each request of a call. */
unsigned rule_draw(const struct rule *r, const struct sip_msg *m);

const char *rule_action_name(enum rule_action a);

/* ---- contact.c: the redirect role (RFC 3261 §8.3, §21.3) ---- */

/** Header lines that a rule may not set: they belong to whoever sends the request. */
bool rule_header_allowed(struct str name);

/**
 * One address with embedded headers: `uri` with `r`'s User-to-User and headers behind '?',
 * escaped as RFC 3261 §19.1.1 and §25.1 ask (a tel: URI takes none), and the URI's number put
 * in for {number}. Without `r` no headers are added.
 */
void rule_write_uri(struct out *o, struct str uri, struct str number, const struct rule *r);

/** What a Contact or Refer-To has besides. */
struct rule_more {
    struct str params;  /**< of a Contact, with the first ';', or absent */
    struct str headers; /**< "Name=value&…", escaped, or absent */
    struct str uui; /**< User-to-User in place of the rule's; empty: none. Absent: the rule's */
};

/** The same with `more` (may be NULL). */
void rule_write_reference(struct out *o, struct str uri, struct str number,
                          const struct rule *r, const struct rule_more *more);

/** "Contact: <…>;q=0.5" CRLF. `more` may be NULL. */
void rule_write_contact(struct out *o, struct str uri, struct str number, const struct rule *r,
                        uint32_t q, const struct rule_more *more);

/** A user part from a number: escapes what must be. */
void rule_write_user(struct out *o, struct str number);

#endif
