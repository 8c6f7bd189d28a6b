/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baton/client.h - a client of Baton's HTTP API: ask, command, and follow what happens.
 *
 *     struct baton_config config = {.url = "http://127.0.0.1:8080", .token = getenv("TOKEN")};
 *     struct baton_client *c = baton_client_new(&config, NULL);
 *     struct baton_answer a;
 *
 *     if (baton_make_call(c, "1001", "1002", NULL, &a) == BATON_OK) {
 *         printf("call %s\n", baton_text(a.result, "callingDevice.callID"));
 *     } else {
 *         printf("%s\n", a.problem.detail);        // a sentence that says what to do
 *     }
 *     baton_answer_free(&a);
 *
 *     struct baton_stream *s = baton_stream_open(
 *         c, &(struct baton_filter){.devices = "1002", .types = "delivered"}, NULL, NULL);
 *     const struct baton_event *e;
 *     while ((e = baton_stream_next(s, -1)) != NULL) {
 *         printf("%s rings, call %s\n", e->device, e->call);
 *     }
 *
 * Which routes, bodies and events there are: docs/api.md, docs/events.md, /openapi.json. JSON
 * is that of jansson. This is a program's one connection to one server; the pieces are
 *
 *     baton_client    a server, and who asks it
 *     baton_request   what is asked; baton_answer: what came of it
 *     baton_stream    events from some number of the journal on
 *
 * WHAT IS PROMISED
 * - A command is carried out once. Each has an Idempotency-Key, and is repeated under the same
 *   one while the server is not reached, restarts, or is too busy, for `patience_ms` at most.
 * - The answer to a command is its outcome: the operation is waited for.
 * - A stream gives each event once and in order. When its connection breaks, or is silent for
 *   longer than the server's heartbeats allow, it is made again from where it was. What the
 *   journal does not have any more is an event of its own kind (a gap), never left out unsaid;
 *   a stream that began with a snapshot takes a new one then.
 * - Who is turned away waits longer each time, by a random part of it.
 * - Certificates are verified. The token is in a header field, and goes to that server only:
 *   redirections are not followed, and no proxy is used.
 *
 * MEMORY. What the functions return is borrowed, unless they say otherwise: of an answer until
 * baton_answer_free, of an event until the next one is taken. A body that is given to a request
 * belongs to it from then on, also when the request fails.
 *
 * THREADS AND LOOPS. There is no thread and no global state here (libcurl has some of its own:
 * a program with threads calls curl_global_init first). A client and what belongs to it are for
 * one thread at a time. Use it in one of three ways, or mix them:
 *   - functions that wait: baton_ask and all that are made of it, baton_stream_next;
 *   - functions that are called: baton_send, a stream with one; baton_client_run calls them;
 *   - a loop of your own: baton_client_fd is readable when baton_client_process has something
 *     to do; time limits are in it, too.
 * Functions of yours are called by run and process only, one after the other, never from inside
 * another; those that wait may be used in them.
 */
#ifndef BATON_CLIENT_H
#define BATON_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BATON_CLIENT_EXPORT __attribute__((visibility("default")))
#define BATON_CLIENT_FORMAT(text, args) __attribute__((format(printf, text, args)))
#else
#define BATON_CLIENT_EXPORT
#define BATON_CLIENT_FORMAT(text, args)
#endif

/** What became of something. */
enum baton_result {
    BATON_OK = 0,
    BATON_REFUSED = -1,     /**< the server says no: see the problem */
    BATON_UNREACHABLE = -2, /**< nobody answers there, or somebody who is not to be trusted */
    BATON_TIMEOUT = -3,     /**< a command has begun and has not ended in time */
    BATON_WRONG = -4,       /**< it cannot be asked: an address, a path, a file that is none */
    BATON_NOMEM = -5,
    BATON_CANCELLED = -6, /**< baton_cancel, or its client was freed */
};

/** Why not. Texts are "" where there is nothing to say. */
struct baton_problem {
    long status;            /**< of HTTP; 0: there was no answer */
    char code[64];          /**< for programs: "invalidConnectionState", "scopeMissing"; of the
                                 client itself "network", "certificate", "timeout", "wrong",
                                 "memory", "cancelled" */
    char title[64];         /**< a few words */
    char detail[512];       /**< for people: a sentence */
    char csta_category[48]; /**< the error that CSTA has for it: "stateIncompatibility" … */
    char csta_value[64];    /**< … "invalidConnectionState" */
    char pointer[128]; /**< the member of the body that is wrong: "/calledDirectoryNumber" */
    int sip;           /**< the status with which a phone or peer refused; 0: none */
};

/* ---- a client ---- */

struct baton_client;

/** Zeros are the defaults. Texts are copied. */
struct baton_config {
    const char *url;   /**< "https://pbx.example.com", "http://127.0.0.1:8080", or a socket of
                            the same machine: "unix:/run/baton/control" */
    const char *token; /**< docs/access.md; NULL: none (on the UNIX socket, by a certificate) */
    const char *ca_file;   /**< PEM: roots to trust instead of the system's */
    const char *cert_file; /**< PEM: a certificate of one's own … */
    const char *key_file;  /**< … and its key, when it is not in the same file */
    unsigned patience_ms;  /**< how long a request is repeated that finds no server; 30 000 */
    unsigned silence_ms;   /**< a server that says nothing for so long is not there; 45 000 */
    unsigned backoff_ms;   /**< the longest wait between two tries; 10 000 */
};

/** @param why  out, may be NULL. @return NULL: it cannot be, see `why`; baton_client_free */
BATON_CLIENT_EXPORT struct baton_client *baton_client_new(const struct baton_config *config,
                                                          struct baton_problem *why);

/** With all its requests and streams; requests that have not ended are told so (cancelled). */
BATON_CLIENT_EXPORT void baton_client_free(struct baton_client *c);

/** From now on this one; NULL: none. @return BATON_OK, BATON_NOMEM */
BATON_CLIENT_EXPORT int baton_client_set_token(struct baton_client *c, const char *token);

/** To be polled for reading (poll, epoll, any loop); level triggered. Not to be read, not to be
 *  closed. */
BATON_CLIENT_EXPORT int baton_client_fd(const struct baton_client *c);

/** Whatever can be done now, without waiting. */
BATON_CLIENT_EXPORT void baton_client_process(struct baton_client *c);

/** Until baton_client_stop, or until nothing is under way: no request, no stream. */
BATON_CLIENT_EXPORT void baton_client_run(struct baton_client *c);

/** Let baton_client_run and baton_stream_next return, now or as soon as they are called, from
 * now on. May be called from a signal handler, or from another thread. */
BATON_CLIENT_EXPORT void baton_client_stop(struct baton_client *c);

/* ---- requests ---- */

/** Zeros are the defaults. */
struct baton_request {
    const char *path;   /**< "/v1/calls?limit=10"; baton_path makes those with names in them */
    const char *method; /**< NULL: POST when there is a body, else GET */
    json_t *body;       /**< taken over; NULL: none */
    const char *accept; /**< NULL: application/json */
    const char *if_match; /**< an ETag */
    const char *key;      /**< Idempotency-Key; NULL: a new one for all that is no GET */
    unsigned wait_ms;     /**< how long a command's end is waited for; 30 000 */
    bool no_wait;         /**< be content when it has begun: the answer is 202 */
    bool once;            /**< never repeat it */
};

struct baton_answer {
    enum baton_result outcome;
    long status;          /**< of HTTP; 0: none */
    json_t *json;         /**< the body when it is JSON, else NULL */
    const json_t *result; /**< of a command that is done: the members of CSTA's response; of one
                               that only looks (Get…, Snapshot…) as well; else NULL */
    char *text;           /**< the body as it came, a NUL behind it; NULL: none */
    size_t text_len;
    char etag[96];
    struct baton_problem problem; /**< when outcome is not BATON_OK */
};

BATON_CLIENT_EXPORT void baton_answer_free(struct baton_answer *a);

/**
 * Ask, and wait for the answer; of a command, for its end.
 * @param out  set in any case; baton_answer_free. @return out->outcome
 */
BATON_CLIENT_EXPORT int baton_ask(struct baton_client *c, const struct baton_request *r,
                                  struct baton_answer *out);

/** The answer is borrowed for the call. */
typedef void (*baton_answer_fn)(void *ctx, const struct baton_answer *a);

/**
 * Ask, and be called with the answer, once in any case: later, never from in here.
 * @return a name for baton_cancel, greater than 0; 0: no memory for it, and `fn` is not called
 */
BATON_CLIENT_EXPORT unsigned long baton_send(struct baton_client *c,
                                             const struct baton_request *r, baton_answer_fn fn,
                                             void *ctx);

/** Wait no longer: its function is called with BATON_CANCELLED. A command may be carried out
 * all the same. One that has ended is passed over. */
BATON_CLIENT_EXPORT void baton_cancel(struct baton_client *c, unsigned long request);

/** All items of a list, page by page. @param path  "/v1/calls", with a query or without
 *  @param why  out, may be NULL. @return an array, json_decref; NULL: see `why` */
BATON_CLIENT_EXPORT json_t *baton_list(struct baton_client *c, const char *path,
                                       struct baton_problem *why);

/* ---- commands: what baton_ask does with one line (docs/api.md has all of them) ---- */

/** A call from a device. @param more  further members of MakeCall, or NULL; taken over */
BATON_CLIENT_EXPORT int baton_make_call(struct baton_client *c, const char *device,
                                        const char *to, json_t *more, struct baton_answer *out);

/**
 * A verb of a device in a call: "answer", "hold", "retrieve", "clear", "deflect", "consult",
 * "transfer", "single-step-transfer", "digits", "data" …
 * @param body  NULL when it wants none; taken over
 */
BATON_CLIENT_EXPORT int baton_verb(struct baton_client *c, const char *call, const char *device,
                                   const char *verb, json_t *body, struct baton_answer *out);

/** Any request of CSTA by its name: "SnapshotDevice". @param body  taken over */
BATON_CLIENT_EXPORT int baton_service(struct baton_client *c, const char *service, json_t *body,
                                      struct baton_answer *out);

/** A switch of a device: "doNotDisturb", "forwardImmediate" … out->etag goes with what is read.
 */
BATON_CLIENT_EXPORT int baton_get_feature(struct baton_client *c, const char *device,
                                          const char *feature, struct baton_answer *out);
/** @param body  as its Set service has it; taken over. @param if_match  an ETag, or NULL */
BATON_CLIENT_EXPORT int baton_set_feature(struct baton_client *c, const char *device,
                                          const char *feature, json_t *body,
                                          const char *if_match, struct baton_answer *out);

/**
 * Be asked where calls of a routing device go (docs/routing.md); the questions are events
 * "routeRequest" and "reRoute". @param device  NULL: of all that the token may control
 */
BATON_CLIENT_EXPORT int baton_route_register(struct baton_client *c, const char *device,
                                             struct baton_answer *out);
/** @param cross_ref  crossRefIdentifier of the question. @param to  where the call goes; NULL:
 *  where the rules of the server have it */
BATON_CLIENT_EXPORT int baton_route_select(struct baton_client *c, const char *cross_ref,
                                           const char *to, struct baton_answer *out);

/* ---- events ---- */

struct baton_stream;

/** NULL is no choice. Texts are copied; lists have commas between. */
struct baton_filter {
    const char *from;    /**< "now" (and so is NULL), "earliest", "snapshot", or the sequence
                              of the last event that is known already */
    const char *devices; /**< "1001,10*" */
    const char *types;   /**< "delivered,agent*" */
    const char *call;    /**< a callID */
};

enum baton_event_kind {
    BATON_EVENT,    /**< something has happened */
    BATON_SNAPSHOT, /**< what there is at this sequence: json's data.devices and data.calls */
    BATON_GAP, /**< events are not to be had any more: json's data.from, data.to, data.reason */
};

struct baton_event {
    enum baton_event_kind kind;
    const char *type;     /**< "delivered", "operation": of org.baton.csta.delivered.v1 … */
    const char *sequence; /**< its number: keep it to go on behind it in another process */
    const char *call;     /**< the callID, or "" */
    const char *device;   /**< the number of the device, or "" */
    const json_t *csta;   /**< the members of the CSTA event, or NULL */
    const json_t *json;   /**< the whole CloudEvent (docs/events.md) */
};

/** `e` is borrowed for the call. NULL: it was the last; baton_stream_problem says why. */
typedef void (*baton_event_fn)(void *ctx, struct baton_stream *s, const struct baton_event *e);

/**
 * Follow events. It connects, and connects again, by itself whenever its client runs, processes
 * or waits. What is not taken is kept for a while; then the server is left to keep it.
 * @param fn  is called with each; NULL: they are taken by baton_stream_next
 * @return NULL: no memory, or a filter that is far too long
 */
BATON_CLIENT_EXPORT struct baton_stream *baton_stream_open(struct baton_client *c,
                                                           const struct baton_filter *filter,
                                                           baton_event_fn fn, void *ctx);
/** Also from within its own function. */
BATON_CLIENT_EXPORT void baton_stream_close(struct baton_stream *s);

/**
 * The next event of a stream without a function.
 * @param timeout_ms  -1: as long as it takes
 * @return NULL: none in that time; or the stream has ended (baton_stream_problem); or
 *         baton_client_stop was called
 */
BATON_CLIENT_EXPORT const struct baton_event *baton_stream_next(struct baton_stream *s,
                                                                int timeout_ms);

/** Does it have a connection on which the server has said something? */
BATON_CLIENT_EXPORT bool baton_stream_is_open(const struct baton_stream *s);

/** Behind which event the program is: that of the last one that it was given, or where a filter
 *  has left nothing for it. "" before the first. */
BATON_CLIENT_EXPORT const char *baton_stream_sequence(const struct baton_stream *s);

/** Why it has ended, which it does only for what waiting does not mend: the token is refused, a
 *  filter is wrong, a certificate is not to be trusted. NULL: it has not. */
BATON_CLIENT_EXPORT const struct baton_problem *
baton_stream_problem(const struct baton_stream *s);

/* ---- texts and JSON ---- */

/** The value at "data.ids.callID" or "items.0.callID", or NULL. */
BATON_CLIENT_EXPORT const json_t *baton_at(const json_t *json, const char *path);

/** The same when it is a string, else "". */
BATON_CLIENT_EXPORT const char *baton_text(const json_t *json, const char *path);

/**
 * A path: each %s of the format is percent-encoded as one segment or value; nothing else is a
 * conversion. baton_path(p, sizeof(p), "/v1/devices/%s", "sip:1001@example.com")
 * @return `out`; "" when it is too small, which no request takes
 */
BATON_CLIENT_EXPORT const char *baton_path(char *out, size_t cap, const char *format, ...)
    BATON_CLIENT_FORMAT(3, 4);

/** Text as userData or correlatorData of CSTA's JSON: 04 (IA5 characters) and its octets. */
BATON_CLIENT_EXPORT json_t *baton_user_data(const char *text);

/** The text of such data, "" when it is none. @return `out` */
BATON_CLIENT_EXPORT const char *baton_user_text(const json_t *data, char *out, size_t cap);

/** "1001" of "sip:1001@example.com", of "tel:1001;ext=2", and of {"id": "sip:1001@…"} as CSTA
 * has devices; "" of none. @return `out` */
BATON_CLIENT_EXPORT const char *baton_number(const json_t *device, char *out, size_t cap);

#ifdef __cplusplus
}
#endif

#endif
