/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: how long an event takes from the engine's hand to the disk, how many a second it
 * takes, and how fast readers follow. Prints "NAME VALUE": us for a
 * commit and of processor time for an event, events a second, events in a group.
 *
 *   bench_store FILE   a database that is made, and removed at the end
 *
 * An event is 600 octets with its row of a session, 700 octets, as a session over SIP costs
 * for each event that it is told.
 */
#include "base/attr.h"
#include "store/store.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ALONE = 1000, PAUSE_US = 3000, MANY = 200000, IN_FLIGHT = 512, PAGE = 500 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t woken = PTHREAD_COND_INITIALIZER;
static bool page_done;
static struct store_page page;

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void wake(void *ctx)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    pthread_cond_broadcast(&woken);
    pthread_mutex_unlock(&lock);
}

static void wait_done(struct store *st, uint64_t mark)
{
    pthread_mutex_lock(&lock);
    while (store_done(st) < mark) {
        pthread_cond_wait(&woken, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static void hand_over(struct store *st, uint64_t number)
{
    static char data[600], row[700];
    const struct store_ops *ops = store_ops(st);
    struct store_event e = {.number = number,
                            .watched = STR("1001@example.com"),
                            .call_id = STR("2rvtn4s2ublw1rspijyk"),
                            .event = STR("EstablishedEvent"),
                            .cause = STR("newCall"),
                            .data = str_make(data, sizeof(data))};
    ops->event(ops->ctx, &e);
    ops->put(ops->ctx, STORE_SESSION, STR("12"), str_make(row, sizeof(row)));
    store_flush(st);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void drop_files(const char *path)
{
    static const char *const more[] = {"", "-wal", "-shm", ".lock"};
    char name[4096];
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        snprintf(name, sizeof(name), "%s%s", path, more[i]);
        (void)unlink(name);
    }
}

static struct store *begin(const char *path, uint32_t group_ms, bool sync_full)
{
    struct store_config config = {.path = path, .group_ms = group_ms, .sync_full = sync_full};
    char why[256];
    drop_files(path);
    struct store *st = store_open(&config, why, sizeof(why));
    if (st == NULL || !store_listen(st, wake, NULL) || !store_start(st)) {
        fprintf(stderr, "bench_store: %s\n", st == NULL ? why : "no thread");
        exit(1);
    }
    return st;
}

/** One after the other with pauses, as a quiet server has it. */
static void alone(const char *path, const char *name, uint32_t group_ms, bool sync_full)
{
    static double took[ALONE];
    struct store *st = begin(path, group_ms, sync_full);
    for (uint64_t i = 0; i < ALONE; i++) {
        double from = now_us();
        hand_over(st, i + 1);
        wait_done(st, store_mark(st));
        took[i] = now_us() - from;
        (void)usleep(PAUSE_US);
    }
    qsort(took, ALONE, sizeof(took[0]), by_size);
    printf("store-commit-%s-p50 %.0f\n", name, took[ALONE / 2]);
    printf("store-commit-%s-p99 %.0f\n", name, took[ALONE * 99 / 100]);
    (void)store_close(st);
}

static void on_page(void *ctx, const struct store_page *p)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    page = *p;
    page_done = true;
    pthread_cond_broadcast(&woken);
    pthread_mutex_unlock(&lock);
}

static void read_all(struct store *st)
{
    double from = now_us();
    uint64_t after = 0, n = 0;
    while (after < MANY) {
        struct store_query q = {.after = after, .limit = PAGE};
        page_done = false;
        if (store_read(st, &q, on_page, NULL) != 0) {
            fprintf(stderr, "bench_store: no reader\n");
            exit(1);
        }
        pthread_mutex_lock(&lock);
        while (!page_done) {
            pthread_cond_wait(&woken, &lock);
        }
        pthread_mutex_unlock(&lock);
        n += page.count;
        after = page.after;
    }
    printf("store-read %.0f\n", (double)n / ((now_us() - from) / 1e6));
}

/** As many as it takes, with a bound on those that wait. */
static void many(const char *path)
{
    struct store *st = begin(path, 2, false);
    struct store_stats s;
    double from = now_us(), cpu = cpu_us();
    for (uint64_t i = 0; i < MANY; i++) {
        hand_over(st, i + 1);
        if (store_mark(st) > IN_FLIGHT) {
            wait_done(st, store_mark(st) - IN_FLIGHT);
        }
    }
    wait_done(st, store_mark(st));
    double took = now_us() - from;
    store_stats(st, &s);
    printf("store-events %.0f\n", MANY / (took / 1e6));
    printf("store-cpu %.2f\n", (cpu_us() - cpu) / MANY);
    printf("store-group %.0f\n", MANY / (double)s.groups);
    read_all(st);
    (void)store_close(st);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: bench_store FILE\n");
        return 2;
    }
    alone(argv[1], "normal", 2, false);
    alone(argv[1], "full", 2, true);
    many(argv[1]);
    drop_files(argv[1]);
    return 0;
}
