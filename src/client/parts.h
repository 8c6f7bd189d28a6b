/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of libbaton-client: see baton/client.h for what it does.
 *
 *   loop.c      the client: one epoll that holds libcurl's sockets, a timer and a bell
 *   transfer.c  one exchange of HTTP, by libcurl's multi interface
 *   ask.c       a request: exchanges until it has its answer, and a command its outcome
 *   stream.c    a stream: exchanges until somebody has enough, events in between
 *   sse.c       Server-Sent Events, cut into events
 *   problem.c, text.c, verbs.c   words
 *
 * ORDER OF THINGS. client_pump lets libcurl work, lets what is due happen, and ends exchanges;
 * nothing of the user is called in it. client_tell calls functions of the user, outside of
 * libcurl and never one inside another; so they may ask, wait (which pumps) and close.
 */
#ifndef BATON_CLIENT_PARTS_H
#define BATON_CLIENT_PARTS_H

#include "base/attr.h"
#include "base/list.h"
#include "base/str.h"
#include "client/sse.h"
#include <baton/client.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdint.h>

/* ---- loop.c ---- */

/** Something that happens at a time. In the list of its client while it is set. */
struct later {
    struct list link;
    uint64_t at_ms;
    void (*fn)(struct later *l);
};

struct baton_client {
    CURLM *multi;
    int poll, timer, bell; /**< epoll; timerfd; eventfd that stop rings */
    struct list laters;    /**< a few: those due are looked for one by one */
    struct later curl;     /**< libcurl's own time */
    uint64_t armed_ms;     /**< the timerfd's; 0: off */
    struct list asks;      /**< under way */
    struct list ended;     /**< with an answer that has not been told */
    struct list streams;
    unsigned long asked; /**< requests so far: their names */
    char *base;          /**< "https://host:port", without a slash behind it */
    char *socket;        /**< a path in the file system, or NULL */
    char *token, *ca_file, *cert_file, *key_file;
    unsigned patience_ms, silence_ms, backoff_ms;
    bool telling, closing;
    volatile sig_atomic_t stopped;
};

/** Milliseconds of a clock that does not jump. */
uint64_t client_now(void);

void later_set(struct baton_client *c, struct later *l, uint64_t at_ms);
void later_stop(struct later *l);

/** What can be done now; nothing of the user is called. */
void client_pump(struct baton_client *c);

/** client_pump when there is something, or after so many milliseconds; -1: only then. */
void client_step(struct baton_client *c, int timeout_ms);

/** How long to wait before try number `tries`: a random part of a limit that doubles. */
unsigned client_backoff(const struct baton_client *c, unsigned tries);

/** 2 n hexadecimal digits of chance, and a NUL. */
void client_random(char *out, size_t n);

/* ---- transfer.c ---- */

/** One exchange. Its owner holds it; t->easy is NULL between two. */
struct transfer {
    struct baton_client *c;
    CURL *easy;
    struct curl_slist *fields;
    /** Of a body with status 200 as it comes; NULL: it is collected in `text`.
     *  @return the octets taken, or CURL_WRITEFUNC_PAUSE */
    size_t (*take)(struct transfer *t, const char *p, size_t n);
    /** It has ended, t->easy is NULL; a new one may be begun. */
    void (*ended)(struct transfer *t, CURLcode code);
    struct later silence;
    uint64_t heard_ms;
    unsigned silence_ms;
    bool paused;
    char *text; /**< NUL-terminated, or NULL */
    size_t text_len;
    long status, retry_after_s;
    char etag[96], type[96];
    char reason[CURL_ERROR_SIZE];
};

struct transfer_how {
    const char *method, *path;
    const char *body; /**< JSON, or NULL */
    const char *accept;
    const char *extra[4]; /**< whole header fields, NULL behind the last */
    unsigned silence_ms;
};

/** @return BATON_OK, BATON_NOMEM, BATON_WRONG; `ended` comes later, never from in here */
int transfer_begin(struct transfer *t, const struct transfer_how *how) MUST_USE;
/** Give it up; `ended` does not come. Harmless between two. */
void transfer_stop(struct transfer *t);
/** Go on with what was paused. */
void transfer_resume(struct transfer *t);
void transfer_fini(struct transfer *t);

/** libcurl's callbacks that a client has. */
int transfer_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *known);
int transfer_on_time(CURLM *multi, long ms, void *ctx);
/** Tell exchanges that have ended so. */
void transfer_collect(struct baton_client *c);

/* ---- ask.c ---- */

/** Tell of one that has ended. @return false: there was none */
bool ask_tell(struct baton_client *c);
void ask_cancel_all(struct baton_client *c);

/* ---- stream.c ---- */

/** What was read and is not taken yet. */
struct event {
    struct list link; /**< of queue */
    struct baton_event e;
    json_t *json;
    size_t octets; /**< of its text */
    char type[64], sequence[24], number[64];
};

struct baton_stream {
    struct list link; /**< of streams */
    struct baton_client *c;
    baton_event_fn fn;
    void *ctx;
    char *from, *query; /**< the filter as part of a query, "" or "&…" */
    struct transfer t;
    struct later again;
    struct sse sse;
    struct list queue;
    unsigned queued, tries;
    size_t octets, reading; /**< of what is queued; of what is being read */
    uint64_t renewed_ms;    /**< when it last began anew */
    struct event *current;  /**< that next has given out */
    uint64_t last;          /**< sequence of the newest that was read: where to come back to */
    bool has_last;
    char given[24];
    bool open;    /**< this connection has said something */
    bool anew;    /**< after a gap: end this exchange, and begin with a snapshot */
    bool refused; /**< the server has said why it ends it, and would again */
    bool ended;   /**< for good: see problem */
    bool told;    /**< its function knows of the end */
    bool inside;  /**< its function runs */
    bool closed;  /**< … and has closed it */
    struct baton_problem problem;
};

/** Tell of one event. @return false: there was none */
bool stream_tell(struct baton_client *c);
void stream_free(struct baton_stream *s);

/* ---- problem.c ---- */

/** Of the client itself. */
void problem_set(struct baton_problem *p, const char *code, const char *title, const char *fmt,
                 ...) PRINTF_LIKE(4, 5);
/** Of an exchange without an answer. */
enum baton_result problem_of_transfer(struct baton_problem *p, const struct transfer *t,
                                      CURLcode code);
/** Of an answer that is a refusal. @param json  its body, or NULL */
void problem_of_answer(struct baton_problem *p, long status, const json_t *json);
/** Would it be of use to ask again? */
bool problem_is_passing(const struct transfer *t, CURLcode code, const json_t *json);

/* ---- text.c ---- */

/** Into `out`, cut where it is too long. */
void text_copy(char *out, size_t cap, const char *text);
char *text_dup(const char *text); /**< NULL of NULL */

#endif
