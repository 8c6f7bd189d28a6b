/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measuring kit of the message benchmarks: the same loop for us and for our peers.
 *
 * A program gives one function that takes a message apart and looks at what routing needs
 * (Request-URI, topmost Via with its branch, From with its tag, To, CSeq, Contact). It is
 * run in batches; the fastest batch of several counts, since everything that disturbs a
 * batch makes it slower. One line per message: "NAME-MESSAGE ns".
 */
#ifndef BATON_BENCH_H
#define BATON_BENCH_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define BENCH_BATCHES 15
#define BENCH_BATCH_NS 40e6

/** @return something computed from what was found; 0: the message was not understood */
typedef size_t (*bench_fn)(void *ctx, const char *p, size_t n);

static volatile size_t bench_sink;

static inline double bench_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static inline double bench_batch(bench_fn fn, void *ctx, const char *p, size_t n, long rounds)
{
    double from = bench_now_ns();
    for (long i = 0; i < rounds; i++) {
        bench_sink = fn(ctx, p, n);
    }
    return (bench_now_ns() - from) / (double)rounds;
}

static inline int bench_file(const char *name, const char *what, const char *dir, bench_fn fn,
                             void *ctx)
{
    char path[1024];
    static char buf[65536];
    snprintf(path, sizeof(path), "%s/%s.sip", dir, what);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        perror(path);
        return 1;
    }
    size_t n = fread(buf, 1, sizeof(buf) - 1, f);
    fclose(f);
    buf[n] = '\0';
    if (fn(ctx, buf, n) == 0) {
        fprintf(stderr, "%s: %s not understood\n", name, path);
        return 1;
    }
    long rounds = 1000;
    double once = bench_batch(fn, ctx, buf, n, rounds);
    rounds = (long)(BENCH_BATCH_NS / once) + 1;
    double best = once;
    for (int i = 0; i < BENCH_BATCHES; i++) {
        double ns = bench_batch(fn, ctx, buf, n, rounds);
        best = ns < best ? ns : best;
    }
    printf("%s-%s %.1f\n", name, what, best);
    return 0;
}

/** argv[1]: the folder of the messages, else bench/messages. */
static inline int bench_messages(const char *name, int argc, char **argv, bench_fn fn,
                                 void *ctx)
{
    const char *dir = argc > 1 ? argv[1] : "bench/messages";
    return bench_file(name, "invite", dir, fn, ctx) | bench_file(name, "info", dir, fn, ctx);
}

#endif
