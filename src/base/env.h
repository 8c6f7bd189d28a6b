/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that the core wants from the world.
 *
 * L0-L5 have no socket, clock, thread, resolver, random source or log of their own: they
 * hold one `const struct env *`. The server implements it over libuv and OpenSSL, tests
 * over a virtual network and a seeded generator. Time is not in here: it comes with every
 * input as `now_ms`, monotonic milliseconds from any origin.
 *
 * FLOWS. A flow is a number that the environment gives out: a UDP listener (many remote
 * addresses) or one TCP/TLS/WS connection (one remote address). 0 is no flow. Flow numbers
 * are not used again within a run. The core is told of a closed flow by engine_flow_closed.
 */
#ifndef BATON_BASE_ENV_H
#define BATON_BASE_ENV_H

#include "base/addr.h"
#include "base/mem.h"
#include "base/str.h"

/** Where a message came from, or where one is to go. */
struct hop {
    uint32_t flow;     /**< 0: none chosen yet */
    uint8_t transport; /**< enum transport */
    struct addr remote;
};

enum dns_type { DNS_A, DNS_AAAA, DNS_SRV, DNS_NAPTR, DNS_TYPES };

/** One record; what its type does not have is zero. */
struct dns_record {
    struct addr addr;                  /**< A, AAAA; port 0 */
    uint16_t priority, weight, port;   /**< SRV; NAPTR: order and preference */
    struct str target;                 /**< SRV target, NAPTR replacement; "" is the root */
    struct str service, flags, regexp; /**< NAPTR */
};

enum trace_level { TRACE_DEBUG, TRACE_INFO, TRACE_WARN, TRACE_ERROR };

/** Whom a log line is about, for who searches for one call: what is absent is not known.
    Borrowed for the call. */
struct trace_ids {
    struct str call;     /**< our callID */
    struct str device;   /**< the device, or the one whose connection it is */
    struct str sip_call; /**< Call-ID of the SIP dialog or message */
    struct str who;      /**< the application or token that asks */
    struct str request;  /**< identifier of an API request */
    struct str parent;   /**< its traceparent (W3C Trace Context) */
};

/** A message of CSTA that came or goes without a message of SIP around it. Borrowed. */
struct env_csta {
    const struct hop *hop; /**< NULL: within the process */
    bool sent;
    uint16_t invoke; /**< which request and which answer belong together; 9999: an event */
    struct str who;  /**< the application's name; absent: not known yet */
    struct str text; /**< XML */
};

/** A dialog that belongs to a call from now on. Borrowed. */
struct env_leg {
    struct str call;     /**< callID */
    struct str sip_call; /**< Call-ID */
    struct str party;    /**< who is at its other end: a device identifier */
    bool device;         /**< one of ours; else somebody outside */
    struct str named; /**< the dialog is a CSTA session with a phone, of all its calls: how that
                           phone calls this one. Absent: it is a leg of the call */
};

/** What has been done to a User-to-User value, and why. Borrowed. */
struct env_note {
    struct str sip_call; /**< Call-ID of the message */
    bool sent;           /**< it was about to leave; else it had come in */
    uint16_t status;     /**< of the message; 0: a request */
    struct str method;
    struct str package; /**< may be empty */
    struct str dialect; /**< name, when it was read or written in one; else empty */
    struct str text;    /**< a sentence without the value */
};

/**
 * Who watches as it happens, to show it to people later (capture/capture.h). Called from
 * inside: takes copies and returns. All members are there.
 */
struct env_watch {
    void *ctx;
    /** A message of SIP that came in, as it stood on the wire. What leaves, `send` sees. */
    void (*heard)(void *ctx, const struct hop *from, struct str bytes);
    /** Not those that leave in frames: `send` sees them. */
    void (*csta)(void *ctx, const struct env_csta *said);
    void (*leg)(void *ctx, const struct env_leg *leg);
    /** Parties of two calls are in one now, or one call came of another. */
    void (*joined)(void *ctx, struct str call, struct str other);
    /** The call has ended. */
    void (*over)(void *ctx, struct str call);
    void (*note)(void *ctx, const struct env_note *note);
};

struct env {
    void *ctx;
    struct mem mem;
    const struct env_watch *watch; /**< NULL: nobody watches */

    /**
     * Which round of the loop this is: between two there may be a wait, within one there is
     * none, so that whoever wants to know what time it is may ask once a round. 0: there are no
     * rounds.
     */
    uint64_t turn;

    /** Fill `out` with `n` unpredictable bytes. */
    void (*random)(void *ctx, void *out, size_t n);

    /**
     * Wall-clock time, seconds since 1970 (for Date headers and CSTA time stamps only).
     */
    uint64_t (*wall_s)(void *ctx);

    /**
     * Send one message: the concatenation of `n` runs. The bytes are copied or sent before
     * it returns. On a stream flow bytes queue while it connects.
     * @return 0, E_IO (the flow is gone), E_TOOBIG (queue or datagram limit)
     */
    int (*send)(void *ctx, const struct hop *hop, const struct str *run, size_t n);

    /**
     * Choose or make the flow for `hop->transport` and `hop->remote` and write hop->flow:
     * the UDP listener of that family, an open connection to that address, or a new one.
     * @param name  the SIP domain or host that is to be reached (borrowed): what a TLS
     *              connection asks for (SNI) and what the server's certificate must prove (RFC
     *              5922 §7.3); not set: the numeric address. A connection over TLS is used
     *              again only for the name it was made for. Without meaning on UDP and TCP.
     * @return 0, E_UNSUPPORTED (no such transport or family here, and always for WebSocket:
     *         there only the client opens), E_TOOMANY, E_IO
     */
    int (*open)(void *ctx, struct hop *hop, struct str name);

    /**
     * Has the peer at the other end of the flow proved, by a certificate that was verified,
     * that it is `name` (a SIP domain, RFC 5922 §7.1)? May be NULL: nobody has.
     */
    bool (*proves)(void *ctx, const struct hop *hop, struct str name);

    /**
     * DNS records of one type. Names are taken as they are: no search path but for A and AAAA
     * of a name without a dot. The hosts file answers A and AAAA first.
     * @param records  out, borrowed until the next call of `query` or the next input
     * @return 0 and *n > 0; E_AGAIN: the look-up runs, ask again (engine_resolved says when);
     *         E_NOTFOUND: there are none; E_IO: nobody who should know answers
     */
    int (*query)(void *ctx, enum dns_type type, struct str name,
                 const struct dns_record **records, size_t *n);

    /**
     * Can a request go out by hop->transport to hop->remote? An address of zeros means any of
     * its family. May be NULL: everything can. `open` may fail all the same.
     */
    bool (*reaches)(void *ctx, const struct hop *hop);

    /**
     * The address that peers on this hop should use to reach us, as Via and Contact show it.
     */
    void (*local)(void *ctx, const struct hop *hop, struct addr *out);

    /**
     * Close a connection: nothing more is read from it, what is queued still goes out, and
     * engine_flow_closed follows. Not for UDP. May be NULL: none can be closed.
     */
    void (*close)(void *ctx, uint32_t flow);

    /**
     * The listener for datagrams that peers at hop->remote know by that address of ours
     * (`local`, as it was in an earlier run); for a stream the connection with hop->remote,
     * when an earlier run has handed it over. Opens none. May be NULL: `open` chooses. @return
     * its flow; 0: there is none
     */
    uint32_t (*listener)(void *ctx, const struct hop *hop, const struct addr *local);

    /** Octets that wait in a connection for its peer to read. May be NULL: not known. */
    size_t (*queued)(void *ctx, uint32_t flow);

    /**
     * Make one HTTP GET; of its answer only the status counts. The outcome comes as an input of
     * its own (engine_fetched) with this tag, never from inside. `url` is borrowed. May be
     * NULL: there is no HTTP.
     * @return 0; E_UNSUPPORTED: it is no http or https, or not made here; E_TOOMANY; E_NOMEM
     */
    int (*fetch)(void *ctx, struct str url, uint32_t timeout_ms, uint64_t tag);

    /** A thing worth a log line. `ids` (never NULL) and `text` are borrowed. */
    void (*trace)(void *ctx, enum trace_level level, const char *module,
                  const struct trace_ids *ids, struct str text);
    enum trace_level trace_from; /**< lower ones are not even formatted; 0: all are wanted */
};

/** printf to env->trace; at most 512 bytes of text. Does nothing without a trace function,
    or when nobody wants that level. */
void env_trace(const struct env *env, enum trace_level level, const char *module,
               const char *fmt, ...) PRINTF_LIKE(4, 5);
/** The same about somebody. `ids` may be NULL. */
void env_trace_of(const struct env *env, enum trace_level level, const char *module,
                  const struct trace_ids *ids, const char *fmt, ...) PRINTF_LIKE(5, 6);

uint64_t env_random64(const struct env *env);

/** Write `n` characters of [0-9a-z] from the environment's random source. */
void env_random_token(const struct env *env, char *out, size_t n);

#endif
