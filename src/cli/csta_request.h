/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the words of a command to the CSTA request that they mean: `clear c7/1001 --reason
 * busy`.
 *
 * Pure: words in, struct out; nothing is sent and nothing printed. The same parser serves the
 * command line and the lines of `shell`. One table of verbs says how many arguments each takes
 * and which options.
 *
 * OWNERSHIP. An order lives in the arena that was given and borrows from the words.
 */
#ifndef BATON_CLI_CSTA_REQUEST_H
#define BATON_CLI_CSTA_REQUEST_H

#include "csta/csta.h"

enum { CSTA_WORDS_MAX = 128 };

enum csta_verb {
    CSTA_VERB_NONE,
    CSTA_VERB_MAKE_CALL,
    CSTA_VERB_ANSWER,
    CSTA_VERB_CLEAR,
    CSTA_VERB_HOLD,
    CSTA_VERB_RETRIEVE,
    CSTA_VERB_DEFLECT,
    CSTA_VERB_CONSULT,
    CSTA_VERB_ALTERNATE,
    CSTA_VERB_RECONNECT,
    CSTA_VERB_JOIN, /**< TransferCall */
    CSTA_VERB_DIGITS,
    CSTA_VERB_DIAL,
    CSTA_VERB_CLEAR_CALL,
    CSTA_VERB_ASSOCIATE,
    CSTA_VERB_TRANSFER,
    CSTA_VERB_REQUEST,
    CSTA_VERB_FORM, /**< one of those that are only a name for a request */
    CSTA_VERB_FILTER,
    CSTA_VERB_DEVICES,
    CSTA_VERB_ROUTE_REGISTER,
    CSTA_VERB_ROUTE_CANCEL,
    CSTA_VERB_ROUTE,
    CSTA_VERB_ROUTE_END,
    CSTA_VERB_ROUTE_REJECT,
    CSTA_VERB_MONITOR,
    CSTA_VERB_STOP,
    CSTA_VERB_SNAPSHOT,
    CSTA_VERB_FEATURES,
    CSTA_VERB_STATUS,
    CSTA_VERB_DND,
    CSTA_VERB_FORWARD,
    CSTA_VERB_WAITING,
    CSTA_VERB_AGENT,
    CSTA_VERB_RAW,
    CSTA_VERB_SHELL,
    CSTA_VERB_WAIT,
    CSTA_VERB_QUIT,
};

/** What a line of words asks for. */
struct csta_order {
    enum csta_verb verb;
    struct csta_msg msg; /**< the request; CSTA_MSG_NONE for monitor, raw, shell, wait, quit */
    /** The connection that the request is about; make-call: the calling device alone. */
    struct csta_connection_id subject;
    struct str what;          /**< the first argument: what the request is about */
    const struct str *device; /**< monitor: the devices */
    size_t ndevice;
    bool calls;             /**< monitor: they are connections, and their calls are meant */
    struct str without;     /**< monitor: events that are not wanted, with commas; or absent */
    struct str file;        /**< raw: "-" is standard input */
    enum csta_msg_id event; /**< wait, --until; CSTA_MSG_NONE: any */
    struct str wait_device; /**< wait; absent: any */
    uint32_t count;         /**< --count; 0: no limit */
    uint64_t timeout_ms;    /**< --timeout, wait; 0: none */
    bool watch;
};

/**
 * Split a line at blanks. "…" and '…' keep blanks; inside "…" a backslash takes the next octet
 * as it is. A word that begins with # ends the line.
 * @return 0; E_SYNTAX: a quote is not closed; E_TOOMANY; E_NOMEM
 */
MUST_USE int csta_words_split(struct str line, struct arena *a, struct str *word, size_t *n);

/**
 * Words to an order.
 * @param complaint  written on E_VALUE: what is wrong, one sentence without a full stop
 * @return 0, E_VALUE, E_NOMEM
 */
MUST_USE int csta_order_parse(const struct str *word, size_t n, struct arena *a,
                              struct csta_order *out, struct str *complaint);

/** Whether `option` ("--reason") is one of a command's own options that take a value. */
bool csta_option_takes_value(struct str option);

/** Whether `option` ("--reason", "--reason=busy") is one of a command's own options. */
bool csta_option_known(struct str option);

/** "callID/deviceID", "callID/", or a device. A callID may contain '/', a device may not. */
struct csta_connection_id csta_connection_parse(struct str text);

/** "established", "EstablishedEvent", "Transferred" …; CSTA_MSG_NONE: there is no such event.
 */
enum csta_msg_id csta_event_find(struct str name);
/** "Established", and "Transferred" whatever the schema's spelling; "" when it is no event. */
struct str csta_event_name(enum csta_msg_id id);

/** A message as the body of a SIP request, in the arena. @return 0, or as csta_encode */
MUST_USE int csta_body_write(const struct csta_msg *msg, enum csta_edition edition,
                             struct arena *a, struct str *out);

/**
 * Events, by name and with commas between them, as a filter that keeps them back.
 * @param wrong  on E_VALUE: the one that is none
 * @return 0, E_VALUE, E_NOMEM
 */
MUST_USE int csta_filter_read(struct str events, struct arena *a,
                              const struct csta_monitor_filter **out, struct str *wrong);

/** "10", "10s", "0.5". @return false: no time, or longer than a day */
bool csta_seconds_parse(struct str text, uint64_t *ms);

/** "ed2" … "ed6". @return CSTA_EDITION_NONE: none of them */
enum csta_edition csta_edition_find(struct str name);

#endif
