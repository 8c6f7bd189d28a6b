/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP API: its thread, from start to end, as the server sees it.
 *
 *   api_new ──► (engine) ──► api_start ──► api_run_jobs, api_release … ──► api_stop ──►
 * api_free
 *
 * THREADS. One thread owns every connection of HTTP, and nothing of the engine. The engine's
 * thread owns the engine, and nothing here but the functions that say so. They exchange jobs
 * (job.h). A client that is slow, dead or greedy costs its own buffer and some turns of that
 * thread; signalling does not notice.
 *
 * MEMORY per client: what api.max_body_kb and api.client_buffer_kb say at most; an idle one
 * costs its socket and some 500 octets, and OpenSSL's state over TLS.
 */
#ifndef BATON_API_API_H
#define BATON_API_API_H

#include "access/table.h"
#include "api/request.h"
#include "base/addr.h"
#include "base/env.h"
#include "base/histogram.h"
#include "capture/story.h"
#include "net/net.h"

struct api;
struct engine;
struct store;

struct api_listen {
    enum api_face face;
    struct addr at;   /**< of TCP and TLS */
    const char *path; /**< of a UNIX socket */
    int fd;    /**< that listens already (socket activation); -1: none. Closed with the API */
    bool ours; /**< with fd: the path was made by us, in an earlier process: unlink it */
};

/** What can change while it runs (api_reload). Strings are the caller's, for the call only. */
struct api_rules {
    const struct str *origin; /**< pages that may ask: "https://crm.example.com" */
    size_t origin_count;
    const struct str *host; /**< names of ours, for Host; beside numeric ones and localhost */
    size_t host_count;
    const struct net_tls *tls; /**< certificates, and whether clients are asked for theirs */
    const char *web_root;      /**< a folder instead of what is built in; NULL: none */
    const struct access_client *client; /**< who may what by his certificate */
    size_t client_count;
    const struct uui_packages *packages; /**< of User-to-User; NULL: isdn-uui alone */
};

/** What the rest of the server counts, for GET /v1/status. Called in the engine's thread. */
typedef void (*api_count_fn)(void *to, const char *part, const char *name, uint64_t value);
typedef void (*api_each_count)(void *ctx, api_count_fn fn, void *to);

/** Zeros mean the defaults. */
struct api_config {
    const struct api_listen *listen;
    size_t listen_count;
    struct api_rules rules;
    uint32_t max_clients;     /**< default 1000 */
    uint32_t max_per_address; /**< from one address that is not loopback; default 100 */
    uint32_t max_jobs;        /**< on their way to the engine and back; default 1000 */
    uint32_t requests_per_s;  /**< of one principal; default 500 */
    uint32_t max_streams;     /**< of one principal at a time; default 500 */
    size_t max_body;          /**< octets of a request's body; default 256 KiB */
    size_t client_buffer;     /**< octets that wait for one client; default 1 MiB */
    uint32_t request_ms;      /**< for a whole request to come; default 20 s */
    uint32_t idle_ms;         /**< between two requests; default 60 s */
    uint32_t stalled_ms;      /**< for a client to take something; default 30 s */
    struct store *store;      /**< whose journal is told; NULL: there are no events */
    bool webhook_private;     /**< webhooks may go to loopback and private addresses */
    uint32_t max_webhooks;    /**< default 100 */
    struct str node;          /**< name of this server in events; absent: "baton" */
    const struct env *env;    /**< for wall time, random octets; not its `trace` */
    /** Lines for the log; from any thread. As env->trace. */
    void (*log)(void *ctx, enum trace_level level, const char *module,
                const struct trace_ids *ids, struct str text);
    void *log_ctx;
    struct capture *capture;    /**< what was said lately; NULL: nothing is captured */
    struct story_options story; /**< how it is shown */
    const char *database;       /**< for the history of calls; NULL: there is none */
    api_each_count each_count;
    void *count_ctx;
    void *host;        /**< what handlers of the server itself find again: api_host */
    bool metrics_open; /**< GET /metrics takes no token */
    /** There are jobs for the engine: have api_run_jobs called in its thread. Any thread. */
    void (*wake_engine)(void *ctx);
    void *wake_ctx;
};

/** Opens the listeners. Before store_start. @param why  out: a sentence. @return NULL with *why
 */
struct api *api_new(const struct api_config *config, char *why, size_t cap);

/** Where it listens, before api_start: ports that were 0 are what they have become. */
void api_each_listener(const struct api *a, void (*fn)(void *ctx, const struct api_listen *l),
                       void *ctx);

/**
 * Each socket that listens, for the process after us; they stay ours. The paths of UNIX sockets
 * are left behind from now on. `ours` says of a path that we have made it. Before api_stop; the
 * listeners themselves are fixed, so that the thread need not be asked.
 */
void api_hand_over(struct api *a, void (*fn)(void *ctx, const struct api_listen *l), void *ctx);

/** The tokens of before, as the engine was given them back. Before api_start. */
void api_restore(struct api *a, const struct engine *e);

/** @return false: there is no thread to be had */
bool api_start(struct api *a) MUST_USE;

/** In the place of api_start, for programs of one thread: one round of its loop. */
void api_turn(struct api *a);

/* ---- the engine's thread ---- */

/** Run what was posted. */
void api_run_jobs(struct api *a, struct engine *e, uint64_t now_ms);
/**
 * After each thing that happened to the engine, when what it changed was flushed: jobs that are
 * finished go home when what they tell of is kept.
 * @param mark, done  store_mark and store_done; without a store 0 and UINT64_MAX
 */
void api_release(struct api *a, uint64_t mark, uint64_t done);
/** Does a job that was run wait for the disk? */
bool api_waits(const struct api *a);

/** GET /v1/status says so from now on: the server stops; no new calls come in, or they do. */
void api_set_stopping(struct api *a);
void api_set_draining(struct api *a, bool on);

/**
 * Other rules from now on; certificates are read at once.
 * @return false with *why: a file is bad, everything stays as it was
 */
bool api_reload(struct api *a, const struct api_rules *rules, char *why, size_t cap);

/**
 * Stop: no more clients, jobs that have not run come back refused, answers leave, sockets get
 * their close frames; who is left after `within_ms` is cut off, however slow he is. Waits for
 * the thread, so an engine that is to go on waits no longer than that. No job is run after it.
 */
void api_stop(struct api *a, uint32_t within_ms);
/** After everybody who could call api_send_home is gone, too. */
void api_free(struct api *a);

/** Figures of who follows events, and of webhooks, by their names. In the API's thread. */
void api_each_event_stat(struct api *a, void (*fn)(void *ctx, const char *name, uint64_t value),
                         void *ctx);

/* ---- any thread ---- */

/** api_config.host */
void *api_host(const struct api *a);

struct api_stats {
    uint64_t clients;                 /**< now */
    uint64_t accepted, turned_away;   /**< connections; those for which there was no room */
    uint64_t requests, answers[6];    /**< answers[2]: those with 2xx … */
    uint64_t jobs, jobs_refused;      /**< posted; for which there was no room */
    uint64_t closed_slow, closed_bad; /**< requests that did not come whole; that were none */
    uint64_t refused_pace, refused_streams; /**< asked too much; held too many streams */
    uint64_t octets_in, octets_out;
    struct histogram took; /**< answers, by the time from a whole head on */
};
void api_stats(struct api *a, struct api_stats *out);

#endif
