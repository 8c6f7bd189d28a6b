/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: see metrics.h. Figures are looked for by name, some two hundred for each scrape:
 * nobody scrapes more than once a second.
 */
#include "server/metrics.h"
#include "base/attr.h"
#include "net/net.h"
#include "server/metrics_table.h"
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const struct metric_row rows[] = {
#define METRIC_ROW(source, figure, name, labels, kind, scale, help) \
    {METRIC_##source, figure, name, labels, METRIC_##kind, scale, help},
    METRICS(METRIC_ROW)
#undef METRIC_ROW
};
_Static_assert(ARRAY_LEN(rows) <= METRICS_MAX, "METRICS_MAX is too small");

static const struct {
    const char *name, *help;
} durations[METRIC_DURATIONS] = {
    [METRIC_CSTA_REQUEST] = {"baton_csta_request_duration_seconds",
                             "From a CSTA request of an application to its answer."},
    [METRIC_API_REQUEST] = {"baton_api_request_duration_seconds",
                            "From the head of an HTTP request to the beginning of its answer."},
    [METRIC_STORE_COMMIT] = {"baton_store_commit_duration_seconds",
                             "Of writing a group of changes."},
};

const struct metric_row *metrics_rows(size_t *n)
{
    *n = ARRAY_LEN(rows);
    return rows;
}

/* ---- figures ---- */

void metrics_figure(void *from, const char *name, uint64_t value)
{
    const struct metrics_from *f = from;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].source == f->source && strcmp(rows[i].figure, name) == 0) {
            f->m->value[i] = value;
            f->m->has[i] = true;
            return;
        }
    }
    f->m->unknown++;
}

void metrics_net_stats(const struct net_stats *s,
                       void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx)
{
#define NET_STAT(name) fn(ctx, #name, s->name);
    NET_STAT(udp_received)
    NET_STAT(udp_batches_in)
    NET_STAT(udp_sent)
    NET_STAT(udp_batches_out)
    NET_STAT(udp_dropped)
    NET_STAT(stream_received)
    NET_STAT(stream_sent)
    NET_STAT(connections)
    NET_STAT(accepted)
    NET_STAT(connected)
    NET_STAT(refused)
    NET_STAT(evicted)
    NET_STAT(connect_failed)
    NET_STAT(closed_slow)
    NET_STAT(closed_bad)
    NET_STAT(closed_idle)
    NET_STAT(closed_dead)
    NET_STAT(half_open)
    NET_STAT(handshakes)
    NET_STAT(handshakes_failed)
    NET_STAT(stun)
    NET_STAT(fetches)
    NET_STAT(fetches_failed)
    NET_STAT(names)
    NET_STAT(lookups)
    NET_STAT(names_asked)
    NET_STAT(names_failed)
    NET_STAT(names_stale)
#undef NET_STAT
}

/* ---- the process ---- */

/** Field `n` of /proc/self/stat, counted from 1, behind the name in parentheses. */
static bool stat_field(const char *text, unsigned n, unsigned long long *out)
{
    const char *at = strrchr(text, ')'); /* the second one */
    for (unsigned i = 2; at != NULL && i < n; i++) {
        at = strchr(at + 1, ' ');
    }
    if (at == NULL) {
        return false;
    }
    *out = strtoull(at, NULL, 10);
    return true;
}

static void of_proc(struct metrics_from *f)
{
    enum { THREADS = 20, STARTED = 22, VIRTUAL = 23, RESIDENT = 24 };
    unsigned long long v;
    struct timespec boot, wall;
    char text[1024] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    size_t n = file != NULL ? fread(text, 1, sizeof(text) - 1, file) : 0;

    if (file != NULL) {
        (void)fclose(file);
    }
    text[n] = '\0';
    if (stat_field(text, THREADS, &v)) {
        metrics_figure(f, "threads", v);
    }
    if (stat_field(text, VIRTUAL, &v)) {
        metrics_figure(f, "virtual", v);
    }
    if (stat_field(text, RESIDENT, &v)) {
        metrics_figure(f, "resident", v * (uint64_t)sysconf(_SC_PAGESIZE));
    }
    if (stat_field(text, STARTED, &v) && clock_gettime(CLOCK_BOOTTIME, &boot) == 0 &&
        clock_gettime(CLOCK_REALTIME, &wall) == 0) {
        uint64_t up_ms = (uint64_t)boot.tv_sec * 1000 + (uint64_t)boot.tv_nsec / 1000000;
        uint64_t now_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000;
        metrics_figure(f, "start_ms",
                       now_ms - up_ms + v * 1000 / (uint64_t)sysconf(_SC_CLK_TCK));
    }
}

static uint64_t us_of(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

void metrics_process(struct metrics *m)
{
    struct metrics_from f = {m, METRIC_PROCESS};
    struct rusage used;
    struct rlimit limit;
    uint64_t fds = 0;
    DIR *d = opendir("/proc/self/fd");

    if (getrusage(RUSAGE_SELF, &used) == 0) {
        metrics_figure(&f, "cpu_us", us_of(used.ru_utime) + us_of(used.ru_stime));
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        metrics_figure(&f, "max_fds", limit.rlim_cur);
    }
    if (d != NULL) {
        for (const struct dirent *e; (e = readdir(d)) != NULL;) {
            fds += e->d_name[0] != '.';
        }
        (void)closedir(d);
        metrics_figure(&f, "open_fds", fds - 1); /* that of the folder */
    }
    of_proc(&f);
}

/* ---- the text ---- */

static void head(struct out *o, const char *name, const char *type, const char *help)
{
    out_fmt(o, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void write_rows(struct out *o, const struct metrics *m)
{
    const char *last = "", *help = "";
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct metric_row *r = &rows[i];
        help = r->help != NULL ? r->help : help; /* of the first row of the metric */
        if (!m->has[i] || r->name == NULL) {
            continue;
        }
        if (strcmp(r->name, last) != 0) {
            head(o, r->name, r->kind == METRIC_COUNTER ? "counter" : "gauge", help);
            last = r->name;
        }
        out_c(o, r->name);
        if (r->labels != NULL) {
            out_fmt(o, "{%s}", r->labels);
        }
        if (r->scale < 1) {
            out_fmt(o, " %.6f\n", (double)m->value[i] * r->scale);
        } else {
            out_fmt(o, " %llu\n", (unsigned long long)m->value[i]);
        }
    }
}

static void write_duration(struct out *o, const char *name, const char *help,
                           const struct histogram *h)
{
    uint64_t upto = 0;
    head(o, name, "histogram", help);
    for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
        upto += h->bucket[i];
        out_fmt(o, "%s_bucket{le=\"%g\"} %llu\n", name, histogram_bound_us[i] / 1e6,
                (unsigned long long)upto);
    }
    out_fmt(o, "%s_bucket{le=\"+Inf\"} %llu\n", name, (unsigned long long)h->count);
    out_fmt(o, "%s_sum %.6f\n%s_count %llu\n", name, (double)h->sum_us / 1e6, name,
            (unsigned long long)h->count);
}

void metrics_write(struct out *o, const struct metrics *m, const char *version)
{
    head(o, "baton_build_info", "gauge", "Always 1; which program this is.");
    out_fmt(o, "baton_build_info{version=\"%s\"} 1\n", version);
    write_rows(o, m);
    for (size_t i = 0; i < METRIC_DURATIONS; i++) {
        if (m->has_duration[i]) {
            write_duration(o, durations[i].name, durations[i].help, &m->duration[i]);
        }
    }
}
