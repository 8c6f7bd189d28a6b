/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: every counter of the program under one name each, as Prometheus reads them (text
 * format 0.0.4, docs/operations.md).
 *
 *   engine's thread:  metrics_take ──► struct metrics ──► API's thread: metrics_write
 *
 * NAMES. `baton_`, then what it is about; base units (seconds, octets as `_bytes`); `_total`
 * for what only grows. `process_…` are those that every Prometheus client has. Labels are few
 * and each has a fixed set of values (how a request was routed, which verdict): no device,
 * call, address or token is ever a label, so the number of series is known when the program is
 * compiled.
 *
 * ONE TABLE (metrics_table.h) says which figure becomes which metric; a figure without a row is
 * a failed test.
 */
#ifndef BATON_SERVER_METRICS_H
#define BATON_SERVER_METRICS_H

#include "base/histogram.h"
#include "base/out.h"

/** Where a figure comes from; the name in the row is looked for there. */
enum metric_source {
    METRIC_ENGINE,  /**< engine_each_stat */
    METRIC_NET,     /**< metrics_net_stats */
    METRIC_STORE,   /**< metrics_store_stats */
    METRIC_SERVER,  /**< reloads, drain, log */
    METRIC_API,     /**< requests, clients, jobs */
    METRIC_EVENTS,  /**< api_each_event_stat */
    METRIC_TRACE,   /**< capturing_each_stat */
    METRIC_PROCESS, /**< processor, memory, descriptors */
};

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE };

struct metric_row {
    enum metric_source source;
    const char *figure; /**< its name in the source */
    const char *name;   /**< of the metric; NULL: it is shown otherwise */
    const char *labels; /**< `action="proxy"`, or NULL */
    enum metric_kind kind;
    double scale;     /**< what one of the figure is; 1 mostly */
    const char *help; /**< of the first row with that name; NULL in the others */
};

enum { METRICS_MAX = 320 };

/** All rows; those of one metric stand together. */
const struct metric_row *metrics_rows(size_t *n);

/** What takes long, and where: each is one histogram. */
enum metric_duration {
    METRIC_CSTA_REQUEST,
    METRIC_API_REQUEST,
    METRIC_STORE_COMMIT,
    METRIC_DURATIONS
};

struct metrics {
    uint64_t value[METRICS_MAX]; /**< by row */
    bool has[METRICS_MAX];
    struct histogram duration[METRIC_DURATIONS];
    bool has_duration[METRIC_DURATIONS];
    uint64_t unknown; /**< figures without a row */
};

/** A figure; the signature of what engine_each_stat and its like call, with this as ctx. */
struct metrics_from {
    struct metrics *m;
    enum metric_source source;
};
void metrics_figure(void *from, const char *name, uint64_t value);

struct net_stats;
/** Every figure of it by name. */
void metrics_net_stats(const struct net_stats *s,
                       void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx);

/** Of this process, by the system: what cannot be had is left out. */
void metrics_process(struct metrics *m);

/** The text. @param version  of the program, for baton_build_info */
void metrics_write(struct out *o, const struct metrics *m, const char *version);

#endif
