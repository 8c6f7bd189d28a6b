/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the API: what its files share.
 *
 *   api.c       the thread's life, its configuration
 *   job.c       jobs to the engine and back
 *   wire.c      sockets; wire_tls.c TLS
 *   http.c      requests come in: limits, one after the other
 *   read.c      what they say: heads and bodies; head.c is it written as RFC 9112 has it
 *   head.c      is a head one that everybody reads alike
 *   answer.c    how they are answered: replies, problems, conditional requests
 *   judge.c     does a request fit its route
 *   stream.c    answers in parts; socket.c WebSockets
 *   request.c   what handlers ask of a request
 *   route.c     which route; allow.c who may; site.c from where: Host, Origin
 *   pace.c      nobody asks too much
 *   tokens.c    tokens, by HTTP; audit.c what was changed, noted
 *   asset.c     static files; status.c GET /v1/status
 *   work.c      work that takes its time, in a thread of its own
 *   heard.c     requests and answers into the capture
 *
 * An EXCHANGE is a request with its answer. It lives until it was answered, also when its
 * client has gone; a CLIENT is a connection, and has one exchange at a time or none.
 */
#ifndef BATON_API_PARTS_H
#define BATON_API_PARTS_H

#include "access/pace.h"
#include "access/slow.h"
#include "access/table.h"
#include "api/api.h"
#include "api/job.h"
#include "api/request.h"
#include "api/route.h"
#include "api/wire.h"
#include "capture/capture.h"
#include <http_parser.h>
#include <pthread.h>
#include <stdatomic.h>

/** Octets of a request's head. */
enum { API_HEAD_MAX = 16384 };
/** Octets that came before they were asked for: the next request, sent early. */
enum { API_AHEAD_MAX = 65536 };

/** Counters that any thread may read. */
struct api_counts {
    atomic_uint_fast64_t clients, accepted, turned_away, requests, answers[6], jobs,
        jobs_refused, closed_slow, closed_bad, octets_in, octets_out, refused_pace,
        refused_streams;
};

/** Rules that are in use: copies, never changed. */
struct api_kept_rules {
    struct arena arena;
    struct api_rules rules;
    struct tls_store *tls; /**< until the loop takes it */
};

struct api {
    struct api_config config; /**< with defaults in the place of zeros; `listen` is not kept */
    struct wire *wire;
    pthread_t thread;
    bool running;        /**< the thread is */
    uint64_t started_s;  /**< by the clock on the wall, which may be put back … */
    uint64_t started_ns; /**< … and by uv_hrtime, for how long that is */
    struct api_counts count;

    pthread_mutex_t lock; /**< of what follows up to `took` */
    struct list posted;   /**< to the engine */
    struct list home;     /**< back */
    bool stopping;        /**< the API does … */
    uint32_t within_ms;   /**< … and cuts off who is there then. Does not change after it */
    struct api_kept_rules *rules_next;
    struct histogram took; /**< from a whole head to the beginning of the answer */

    struct list finished; /**< the engine thread's: jobs that wait for the disk */
    uint32_t unmarked;    /**< of them, the last ones that have no mark yet */
    struct {
        uint64_t stopping_s, draining_s; /**< since then; 0: it does not */
    } state;                             /**< of the server, the engine thread's too */

    struct api_kept_rules *rules; /**< all that follows is the API thread's */
    struct list clients, idle;    /**< idle: between two requests, longest first */
    struct list exchanges;
    struct api_events *events; /**< NULL: there is no journal */
    struct {
        struct env env;
        struct access_table table;
        struct access_slow slow;
        struct access_pace pace;        /**< pace.c */
        struct timer sweep;             /**< when the next one expires */
    } access;                           /**< allow.c: who is known */
    uint32_t client_count, local_count; /**< local: over the UNIX socket, of them */
    uint32_t jobs_out[2];               /**< [1]: api_job.own */
    uint64_t last_number;
    bool draining;
    struct timer drain;
    struct worker *worker; /**< work.h; NULL: not needed yet */
    char date[32];
    uint64_t date_s;
};

/* ---- exchanges ---- */

struct client;

struct api_answer {
    unsigned status; /**< 0: there is none yet */
    const char *type;
    struct str body;
    const struct api_header *headers;
    size_t header_count;
};

struct exchange {
    struct api_request r;
    struct list link;      /**< api->exchanges */
    struct client *client; /**< NULL: gone; the API thread's alone */
    struct arena arena;
    struct bytes body;
    struct api_answer answer;
    bool away;         /**< the engine has it */
    bool begun;        /**< an answer has begun to leave */
    bool over;         /**< it has left: nothing more may be said */
    bool head;         /**< HEAD was asked */
    bool keep;         /**< the connection stays */
    bool chunked;      /**< HTTP/1.1: an answer may be in chunks */
    bool upgrade;      /**< the client asks for a WebSocket */
    bool preflight;    /**< an OPTIONS of CORS */
    bool cross;        /**< from a page of another origin that may */
    bool denied;       /**< he is known, but has not the scope */
    uint64_t came_ns;  /**< the head was whole */
    struct str device; /**< of the path, as all of us call it; absent: nobody has said it yet */
    struct str ws_key, ws_version;
    bool early; /**< refused before its body came: there is no more of this connection */

    struct api_job job;
    bool (*run)(struct api_request *r, struct engine *e, uint64_t now_ms);
    void (*done)(struct api_request *r);
    const struct api_stream_ops *stream;
    const struct api_socket_ops *socket;
    struct timer ending;   /**< of a stream that was ended */
    struct str streams_of; /**< whose stream it counts as; absent: nobody's */
};

static inline struct exchange *exchange_of(const struct api_request *r)
{
    return container_of((struct api_request *)(uintptr_t)r, struct exchange, r);
}

enum client_state {
    CLIENT_HEAD,   /**< a request is awaited, or its head comes */
    CLIENT_BODY,   /**< its body does */
    CLIENT_BUSY,   /**< it is whole; its answer is awaited */
    CLIENT_STREAM, /**< the answer leaves in parts */
    CLIENT_SOCKET,
    CLIENT_ENDING
};

struct wslay_event_context;

struct client {
    struct api *api;
    struct wire_conn *wire;
    struct list link, idle;
    struct timer timer;
    struct bytes in;
    struct exchange *x;
    enum client_state state;
    bool serving; /**< client_serve runs: whoever is called from it does not run it again */
    bool complete;
    bool served;       /**< a request of his was answered */
    unsigned fault;    /**< the status that a callback of the parser found */
    uint64_t idle_ms;  /**< since when nothing was asked */
    uint64_t begun_ms; /**< when what is being waited for began */
    http_parser parser;
    struct wslay_event_context *frames;
    struct str feed;
    unsigned fragments; /**< of the message that comes */
    uint64_t heard_ms;
};

/* http.c */
extern const struct wire_handler api_wire_handler;
/** Go on with what has come. */
void client_serve(struct client *c);
/** The exchange's answer has left, or has nowhere to go: it is freed; the client goes on. */
void exchange_finish(struct exchange *x);
void exchange_free(struct exchange *x);
/** Everybody out, politely. */
void clients_drain(struct api *a);
/** What goes wrong before there is a handler, and ends the connection. */
void client_refuse(struct client *c, unsigned status, const char *code, const char *why);

/* read.c */
/** A whole head, of the arena of c->x: what it says is noted there, and judged. *waits: the
   body comes when it is told to. @return false: it was refused, and that was answered */
bool client_read_head(struct client *c, struct str head, bool *waits) MUST_USE;
/** What has come of a body; c->complete: that was all. @return false: refused and answered */
bool client_read_body(struct client *c) MUST_USE;

/* head.c */
/** Of a head with the empty line behind it: is it written as RFC 9112 has it, so that nobody
   else reads another request in it? */
bool head_is_sound(struct str head);

/* judge.c */
/** Does it fit its route? @return false: it does not, and that was answered */
bool judge_request(struct exchange *x);

/* answer.c */
/** An answer begins to leave: counters and a line of the log. */
void answer_noted(struct exchange *x, unsigned status, const char *what);
/** What api_reply has noted leaves. */
void answer_send(struct exchange *x);
/** Status line and header fields of an answer into `o`. @param length SIZE_MAX: not known */
void answer_head(struct exchange *x, struct out *o, unsigned status, const char *type,
                 size_t length, const struct api_header *headers, size_t header_count);
/** As api_problem, with header fields. */
void answer_fault(struct api_request *r, const struct api_fault *fault,
                  const struct api_header *headers, size_t header_count, const char *fmt, ...)
    PRINTF_LIKE(5, 6);
/** The body of a problem, of r->arena, for what has been answered 200 already. `detail` is a
    sentence of ours. @return not set: no memory */
struct str answer_problem(struct api_request *r, const struct api_fault *fault,
                          const char *detail);
const char *answer_phrase(unsigned status);
/** An answer for a connection that has no room here: one text, whole. */
void answer_full(struct out *o);

/* stream.c */
void stream_drained(struct exchange *x);
/** The token of its client was revoked, or has expired. */
void stream_denied(struct api_request *r);
/** The client is gone, or the answer is complete. */
void stream_closed(struct exchange *x);

/* socket.c */
void socket_input(struct client *c, struct str bytes);
void socket_drained(struct exchange *x);
void socket_closed(struct exchange *x);
void socket_tick(struct client *c, uint64_t now_ms);
/** The server goes: a close frame. */
void socket_leave(struct client *c);

/* request.c */
/** Percent-encoding undone, "+" too when asked. @return false: no UTF-8, or control characters
 */
bool request_decode(struct str in, bool plus, struct arena *arena, struct str *out);
/** The next parameter of the query, of which `rest` is what is left: its name decoded, its
   value not. @return false: there is none */
bool request_next_query(struct api_request *r, struct str *rest, struct str *key,
                        struct str *raw);

/* route.c */
/** Segments and query of the target. @return false: it is none */
bool route_read_target(struct api_request *r);
/** @return NULL: *allow, methods by bit, says which it has; 0: there is no such path */
const struct api_route *route_find(struct api_request *r, unsigned *allow);
/** "GET, HEAD, OPTIONS" */
void route_write_methods(struct out *o, unsigned allow);

/* allow.c */
/** Who asks, and may he? @return false: answered */
bool allow_request(struct api_request *r, const struct wire_conn *c);
/** Who has come without credentials shows a token: of a page, in its first message. r->who is
   he then. @return false: it is not known, or may observe nothing */
bool allow_by_token(struct api_request *r, struct str token);
/** Whoever has that name now and may something, held: for what goes on without a request, in
   the name of a token, a certificate or a uid. @return NULL: nobody; *why says it in words */
const struct access_principal *allow_owner(struct api *a, struct str name, const char **why);
/** @return 0 or E_NOMEM; allow_fini in either case */
int allow_init(struct api *a) MUST_USE;
void allow_fini(struct api *a);
/** These certificates and no others. */
void allow_clients(struct api *a, const struct access_client *client, size_t n);
/** What has expired ends, now and from then on in time. After each token that was made. */
void allow_sweep(struct api *a);
/** Milliseconds since 1970. */
uint64_t allow_now_ms(void);

/* pace.c */
/** @return 0 or E_NOMEM */
int pace_init(struct api *a, const struct env *env) MUST_USE;
/** One more request, or message of a WebSocket, of r->who. @return seconds that he is to wait,
    0: none */
uint32_t pace_ask(struct api_request *r);
/** The same. @return false: answered, 429 */
bool pace_request(struct api_request *r);
/** Its answer stays open from now on. @return false: he has too many of them */
bool pace_enter(struct api_request *r);
/** A number for whose allowance it is; 0: nobody is limited. */
uint64_t pace_payer(const struct api_request *r);
/** Seconds that the client would wait for an end (Prefer: wait), when one more answer of his
   may stay open; else 0. */
unsigned pace_wait(struct api_request *r);
/** The same. @return false: answered, 429 */
bool pace_stream(struct api_request *r);
/** It is over. */
void pace_left(struct exchange *x);

/* audit.c */
/** An answer leaves: what it changed is noted. */
void audit_answer(const struct exchange *x, unsigned status);

/* site.c */
/** Is the request for us and from a page that may? @return false: answered */
bool site_request(struct api_request *r, const struct wire_conn *c);
/** Header fields of every answer; `html`: of a page. */
void site_headers(const struct exchange *x, struct out *o, bool html);
/** The answer to OPTIONS. */
void site_preflight(struct api_request *r, unsigned allow);

/* asset.c */
/** A file of the console and its like. @return false: there is none of that name */
bool asset_serve(struct api_request *r);

/* heard.c */
void heard_request(const struct exchange *x);
void heard_answer(const struct exchange *x, struct str head, struct str body);

/* job.c */
void jobs_init(struct api *a);
/** The API thread was woken: what has come home. */
void jobs_home(struct api *a);
void jobs_refuse(struct api *a);
/** No thread is left: what is still on its way. */
void jobs_abandon(struct api *a);

/* api.c */
/** Other rules, or the end, as other threads have asked for. */
void api_look_around(struct api *a);
void api_log(struct api *a, enum trace_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);
/** The same about a request. */
void api_log_of(const struct api_request *r, enum trace_level level, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/** One more of a counter. */
static inline void count_one(atomic_uint_fast64_t *n)
{
    atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}
static inline uint64_t count_of(const atomic_uint_fast64_t *n)
{
    return atomic_load_explicit((atomic_uint_fast64_t *)(uintptr_t)n, memory_order_relaxed);
}

#endif
