/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of HTTP, as its handler sees it, and the ways of answering.
 *
 * Everything here is of the API's thread, but for what is said of `run`.
 *
 *   routed ──► allowed ──► handler ──┬─► api_reply / api_problem             (one answer)
 *      │           │                 ├─► api_ask ─► run ─► done ─► api_reply (from the engine)
 *      404 405     401 403           ├─► api_stream_begin … write … end      (an answer in
 * parts) └─► api_socket_accept                   (a WebSocket)
 *
 * A HANDLER gets a request that is whole: the route was found (gen/api.txt), its scope was
 * checked, the body has come. It answers EXACTLY ONCE, at once or later. The request lives
 * until that answer has left, also when the client has gone meanwhile (`gone`): an answer to
 * nobody is dropped, so a handler need not care. All strings borrow from the request and die
 * with it.
 *
 * MEMORY: `arena` is the request's. It is bounded by the limits on what comes in, not on what a
 * handler makes of it: a list has a limit (`limit` of the query), a file is a stream.
 *
 * WHO asks is `who` (access/access.h). That the scope of the route is his was checked before
 * the handler runs; a handler of scope `observe` looks at access_observe for each thing it
 * shows.
 */
#ifndef BATON_API_REQUEST_H
#define BATON_API_REQUEST_H

#include "api/job.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/wheel.h"

struct access_principal;
struct api_route;

enum api_method {
    API_GET,
    API_HEAD, /**< routed as GET; the body is left out on the way */
    API_POST,
    API_PUT,
    API_PATCH,
    API_DELETE,
    API_OPTIONS, /**< answered before any handler */
    API_METHODS
};

/** Header fields that handlers want; absent ones are not set (str_is_set). */
enum api_field {
    API_AUTHORIZATION, /**< for the look-up of `who`; log it never */
    API_ACCEPT,
    API_CONTENT_TYPE,
    API_PREFER, /**< RFC 7240; api_prefer_wait reads it */
    API_IDEMPOTENCY_KEY,
    API_IF_MATCH,
    API_IF_NONE_MATCH,
    API_ORIGIN,
    API_HOST,
    API_LAST_EVENT_ID,
    API_TRACEPARENT, /**< W3C Trace Context */
    API_USER_AGENT,
    API_ACCEPT_ENCODING,
    API_WS_PROTOCOL, /**< Sec-WebSocket-Protocol, the list */
    API_FIELDS
};

/** How the client came. */
enum api_face { API_FACE_TCP, API_FACE_TLS, API_FACE_UNIX };

#define API_PARAMS_MAX 4 /**< placeholders in one path of gen/api.txt */

struct api_request {
    struct api *api;
    enum api_method method;
    const struct api_route *route;
    struct str target; /**< as it was sent: path and query */
    struct str path;   /**< without the query */
    struct str query;  /**< behind the "?", still encoded; api_query reads it */
    /** What stands for the placeholders of the route, percent-decoded, in the order of the
       path; valid UTF-8 without control characters. By name: api_param. */
    struct str param[API_PARAMS_MAX];
    struct str field[API_FIELDS];
    struct str body; /**< whole; empty when there was none */
    enum api_face face;
    struct str peer; /**< "127.0.0.1:40112", "uid 1000": for logs and audit */
    /** Who asks: never NULL in a handler; of scope `none` it may be nobody (no scopes). */
    const struct access_principal *who;
    uint64_t number; /**< of the request in this process: X-Request-Id, and the logs */
    bool gone;       /**< the client has left: there is nobody to tell */
    struct arena *arena;
    void *ctx; /**< the handler's own, NULL at first */
};

typedef void (*api_handler)(struct api_request *r);

/* ---- what was asked ---- */

/** A path parameter by its name in gen/api.txt ("device"); not set for an unknown name. */
struct str api_param(const struct api_request *r, const char *name);

/** A parameter of the query, decoded into the arena ("+" is a blank); not set: not there. The
    first one when it comes twice. */
struct str api_query(struct api_request *r, const char *name);

/**
 * A number of the query.
 * @return 0, *out as it was when it is not there; E_VALUE after having ANSWERED 400: return
 */
int api_query_u64(struct api_request *r, const char *name, uint64_t least, uint64_t most,
                  uint64_t *out) MUST_USE;

/** W3C Trace Context §3.2; not set: there is none, or what there is has not its form. */
struct str api_traceparent(const struct api_request *r);
/** Seconds of `Prefer: wait=N`, at most 30; 0: the client does not wait (RFC 7240 §4.3). */
unsigned api_prefer_wait(const struct api_request *r);

/** Does Accept take that media type ("application/json")? An absent Accept takes all. */
bool api_accepts(const struct api_request *r, const char *type);

/** Milliseconds of the API thread's clock, which stands still while a callback runs. */
uint64_t api_now(const struct api *a);
/** Timers (base/wheel.h) that fire in the API's thread. */
struct wheel *api_wheel(struct api *a);

/* ---- one answer ---- */

/** A header field beside those that every answer has. */
struct api_header {
    const char *name; /**< "ETag" */
    struct str value;
};

/**
 * Answer. The body is copied when it is not of r->arena; `content_type` NULL: there is no body.
 * Content-Length, the security headers, CORS and X-Request-Id are put there. With an ETag that
 * If-None-Match names, GET becomes 304 by itself.
 *
 * Also from a job's `run` (api_ask): then it leaves when the job is back.
 */
void api_reply(struct api_request *r, unsigned status, const char *content_type,
               struct str body, const struct api_header *headers, size_t header_count);

/** 200 and JSON without more. */
void api_reply_json(struct api_request *r, struct str body);

/** What went wrong, as RFC 9457 has it; zeros: the member is not there. */
struct api_fault {
    unsigned status;                        /**< of HTTP */
    const char *code;                       /**< stable, for programs: "unknownDevice" */
    const char *csta_category, *csta_value; /**< of ECMA-323: "operation", "invalidDeviceID" */
    unsigned sip;                           /**< the status a phone or peer gave */
    struct str pointer;                     /**< RFC 6901, into the body that was sent */
};

/** application/problem+json; the sentence (`detail`) says what to do about it. */
void api_problem(struct api_request *r, const struct api_fault *fault, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/** The short form for faults that are HTTP's own. */
#define api_refuse(r, http_status, problem_code, ...)                                    \
    api_problem(r, &(struct api_fault){.status = (http_status), .code = (problem_code)}, \
                __VA_ARGS__)

/** 503 with Retry-After: a queue is full (E_TOOMANY), or the server stops (E_STATE). */
void api_busy(struct api_request *r, int err);

/* ---- the engine is asked ---- */

/**
 * Have `run` called in the engine's thread, where it may read and write `r`, its arena and its
 * ctx, and answer; then, unless `run` has answered, `done` in this one. When the queue is full
 * it is answered 503 here, and neither is called.
 *
 * A `run` that cannot answer yet returns true and calls api_answered later, in the engine's
 * thread; false: it is finished.
 */
void api_ask(struct api_request *r,
             bool (*run)(struct api_request *r, struct engine *e, uint64_t now_ms),
             void (*done)(struct api_request *r));
/** From the engine's thread, after a `run` that returned true. */
void api_answered(struct api_request *r);

/* ---- an answer in parts: Server-Sent Events, long files ---- */

/*
 * The client's buffer takes api.client_buffer_kb. What does not fit is refused as a whole and
 * nothing is lost: the writer waits for `writable`, which comes when at least half of the
 * buffer is free again. A client that takes nothing for api.stalled_s seconds is closed.
 *
 * `closed` comes exactly once, also after api_stream_end: the last call for this request. It
 * may come from within api_stream_write only by way of the loop, never inside of it.
 */
/** So many octets api_stream_write takes at once however small api.client_buffer_kb is. */
enum { API_STREAM_PART = 60 << 10 };

struct api_stream_ops {
    /** It is a thing that has an end, as a file: when the server stops before that, the client
        must not take what he has for all of it. Else it is Server-Sent Events. */
    bool whole;
    void (*writable)(struct api_request *r);
    void (*closed)(struct api_request *r);
};

/** Status and headers leave; `ops` must outlive the request. */
void api_stream_begin(struct api_request *r, unsigned status, const char *content_type,
                      const struct api_header *headers, size_t header_count,
                      const struct api_stream_ops *ops);
/** @return 0; E_SPACE: wait for `writable`; E_TOOBIG: never fits; E_STATE: closed already */
int api_stream_write(struct api_request *r, struct str bytes) MUST_USE;
/** Octets that wait for the client now. */
size_t api_stream_waits(const struct api_request *r);
/** What was written leaves, then the answer is complete. */
void api_stream_end(struct api_request *r);
/** The rest of it will not come: the connection ends in the middle, so that the client knows.
 */
void api_stream_cut(struct api_request *r);

/** It cannot go on: Server-Sent Events end with `event: problem`, whose data is what the
   request would have been refused with; a thing that is whole is cut. */
void api_stream_refuse(struct api_request *r, const struct api_fault *fault,
                       const char *detail);

/**
 * Before an answer that was long in the making begins: who has asked may have been revoked
 * meanwhile, or have expired, and only what has begun is ended with him.
 * @return false after having ANSWERED 401
 */
bool api_may_still(struct api_request *r) MUST_USE;

/* ---- a WebSocket (RFC 6455) ---- */

/*
 * A GET with Upgrade comes to its handler as any other request (`upgrade` of the route in
 * gen/api.txt), so it is routed, allowed and refused as those are, and handshakes that are no
 * handshakes are answered 400 and 426 before. Text messages only; a binary one closes with
 * 1003, one that is longer than api.max_body_kb with 1009. Ping and pong are answered below.
 *
 * The same buffer and the same promises as of a stream.
 */
struct api_socket_ops {
    void (*message)(struct api_request *r, struct str text); /**< valid UTF-8 */
    void (*writable)(struct api_request *r);
    void (*closed)(struct api_request *r); /**< once, the last call */
};

/** Did the client ask for a WebSocket? */
bool api_wants_socket(const struct api_request *r);
/** @param subprotocol of those the client offers; not set: none */
void api_socket_accept(struct api_request *r, struct str subprotocol,
                       const struct api_socket_ops *ops);
/** One text message. As api_stream_write. */
int api_socket_send(struct api_request *r, struct str text) MUST_USE;
size_t api_socket_waits(const struct api_request *r);
/** A close frame behind what was sent; `reason` at most 123 octets. */
void api_socket_close(struct api_request *r, unsigned code, struct str reason);

#endif
