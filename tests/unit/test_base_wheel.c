/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Base: the timer wheel, against examples and against a naive model (a table of deadlines
 * that is searched for the smallest) under random operations over short and very long times.
 */
#include "base/hash.h"
#include "base/wheel.h"
#include "test.h"

struct alarm {
    struct timer timer;
    struct wheel *wheel;
    int id;
    uint64_t again; /**< set to now + again when it fires, times `repeat` */
    int repeat;
    struct alarm *stops; /**< stopped when it fires */
};

static struct {
    int id[64];
    uint64_t now[64];
    int n;
} fired;

static void on_alarm(struct timer *t, uint64_t now_ms)
{
    struct alarm *a = container_of(t, struct alarm, timer);
    CHECK(!timer_running(t));
    if (fired.n < 64) {
        fired.id[fired.n] = a->id;
        fired.now[fired.n++] = now_ms;
    }
    if (a->stops != NULL) {
        timer_stop(a->wheel, &a->stops->timer);
    }
    if (a->repeat > 0) {
        a->repeat--;
        timer_set(a->wheel, t, now_ms + a->again);
    }
}

static void alarms_init(struct wheel *w, struct alarm *a, int n, uint64_t now)
{
    fired.n = 0;
    wheel_init(w, now);
    for (int i = 0; i < n; i++) {
        a[i] = (struct alarm){.wheel = w, .id = i};
        timer_init(&a[i].timer, on_alarm);
    }
}

static void test_wheel_fires_in_order(void)
{
    static const uint64_t due[] = {5000, 1, 64, 63, 65, 4096, 500, 262144, 500, 4095};
    static const int order[] = {1, 3, 2, 4, 6, 8, 9, 5, 0, 7};
    struct wheel w;
    struct alarm a[10];
    alarms_init(&w, a, 10, 0);
    CHECK(wheel_next(&w) == WHEEL_NEVER);
    CHECK_INT(wheel_advance(&w, 0), 0);
    for (int i = 0; i < 10; i++) {
        timer_set(&w, &a[i].timer, due[i]);
        CHECK(timer_running(&a[i].timer) && a[i].timer.due_ms == due[i]);
    }
    CHECK_INT(w.count, 10);
    CHECK_INT(wheel_next(&w), 1);
    CHECK_INT(wheel_advance(&w, 262143), 9);
    CHECK_INT(wheel_advance(&w, 262144), 1);
    CHECK_INT(w.count, 0);
    for (int i = 0; i < 10; i++) {
        CHECK_INT(fired.id[i], order[i]);
        CHECK_INT(fired.now[i], i < 9 ? 262143 : 262144);
    }
}

static void test_wheel_same_millisecond_in_order_of_setting(void)
{
    struct wheel w;
    struct alarm a[4];
    alarms_init(&w, a, 4, 1000);
    timer_set(&w, &a[2].timer, 70000); /* from afar … */
    wheel_advance(&w, 69000);
    timer_set(&w, &a[0].timer, 70000);
    wheel_advance(&w, 69999);
    timer_set(&w, &a[3].timer, 70000); /* … and from near */
    timer_set(&w, &a[1].timer, 70000);
    timer_set(&w, &a[0].timer, 70000); /* moved: now the last */
    CHECK_INT(wheel_advance(&w, 80000), 4);
    CHECK_INT(fired.id[0], 2);
    CHECK_INT(fired.id[1], 3);
    CHECK_INT(fired.id[2], 1);
    CHECK_INT(fired.id[3], 0);
}

static void test_wheel_late_deadlines(void)
{
    struct wheel w;
    struct alarm a[3];
    alarms_init(&w, a, 3, 1000);
    timer_set(&w, &a[0].timer, 1000);
    timer_set(&w, &a[1].timer, 5);
    timer_set(&w, &a[2].timer, 1001);
    CHECK_INT(a[1].timer.due_ms, 1000);
    CHECK_INT(wheel_next(&w), 1000);
    timer_stop(&w, &a[0].timer);
    CHECK_INT(wheel_next(&w), 1000);
    CHECK_INT(wheel_advance(&w, 900), 1); /* time never goes back */
    CHECK_INT(w.now_ms, 1000);
    CHECK_INT(fired.id[0], 1);
    CHECK_INT(fired.now[0], 1000);
    CHECK_INT(wheel_next(&w), 1001);
    timer_stop(&w, &a[2].timer);
    timer_stop(&w, &a[2].timer);
    CHECK_INT(w.count, 0);
    CHECK(wheel_next(&w) == WHEEL_NEVER);
}

static void test_wheel_callbacks_change_timers(void)
{
    struct wheel w;
    struct alarm a[5];
    alarms_init(&w, a, 5, 0);
    for (int i = 0; i < 4; i++) {
        timer_set(&w, &a[i].timer, 100);
    }
    timer_set(&w, &a[4].timer, 200);
    a[0].stops = &a[2]; /* of the same millisecond */
    a[1].stops = &a[4]; /* of a later one */
    a[3].again = 50;
    a[3].repeat = 2;
    CHECK_INT(wheel_advance(&w, 100), 3);
    CHECK_INT(w.count, 1);
    CHECK_INT(wheel_next(&w) <= 150, 1);
    CHECK_INT(wheel_advance(&w, 1000), 1); /* renewed from the true time: 1050 */
    CHECK_INT(wheel_advance(&w, 1049), 0);
    CHECK_INT(wheel_advance(&w, 1050), 1);
    CHECK_INT(fired.n, 5);
    CHECK_INT(fired.id[2], 3);
    CHECK_INT(fired.id[4], 3);
    CHECK_INT(w.count, 0);
}

static void test_wheel_renewal_without_delay_waits(void)
{
    struct wheel w;
    struct alarm a[2];
    alarms_init(&w, a, 2, 0);
    a[0].repeat = 1000;
    timer_set(&w, &a[0].timer, 10);
    timer_set(&w, &a[1].timer, 20);
    CHECK_INT(wheel_advance(&w, 20), 3); /* at 10, again at 20, then left for later */
    CHECK_INT(wheel_next(&w), 20);
    CHECK_INT(wheel_advance(&w, 20), 1);
    CHECK_INT(wheel_advance(&w, 20), 1);
    CHECK_INT(wheel_advance(&w, 1000000), 2);
    CHECK_INT(w.count, 1);
}

static void test_wheel_far_deadlines(void)
{
    static const uint64_t origins[] = {0, 12345, ((uint64_t)1 << 42) - 10,
                                       ((uint64_t)7 << 42) + 5, UINT64_MAX - 5000};
    for (size_t i = 0; i < ARRAY_LEN(origins); i++) {
        struct wheel w;
        struct alarm a[5];
        uint64_t now = origins[i];
        uint64_t far =
            UINT64_MAX - now < ((uint64_t)1 << 43) ? UINT64_MAX : now + ((uint64_t)1 << 43);
        alarms_init(&w, a, 5, now);
        timer_set(&w, &a[0].timer, UINT64_MAX);
        timer_set(&w, &a[1].timer, far);
        timer_set(&w, &a[2].timer, now + 20);
        timer_set(&w, &a[3].timer, now + 4000);
        timer_set(&w, &a[4].timer, now + 1);
        CHECK(wheel_next(&w) <= now + 1);
        CHECK_INT(wheel_advance(&w, now + 19), 1);
        CHECK_INT(wheel_advance(&w, now + 3999), 1);
        CHECK_INT(wheel_advance(&w, now + 4000), 1);
        CHECK_INT(wheel_advance(&w, far - 1), 0);
        CHECK_INT(wheel_advance(&w, far), far == UINT64_MAX ? 2 : 1);
        timer_stop(&w, &a[0].timer);
        CHECK_INT(w.count, 0);
        CHECK(wheel_next(&w) == WHEEL_NEVER);
    }
}

/* ------------------------------------------------------------- against the model */

#define TIMERS 200

static struct model {
    struct wheel wheel;
    struct timer timer[TIMERS];
    uint64_t due[TIMERS]; /**< WHEEL_NEVER: stopped */
    uint64_t order[TIMERS];
    uint64_t next_order;
    uint64_t seed;
    uint64_t target;
    size_t fired;
    uint64_t range;
} model;

static uint64_t chance(uint64_t below)
{
    model.seed = hash_mix(model.seed, 7);
    return model.seed % below;
}

/** Spans of all sizes alike: up to 2^bits, with as many short as long ones. */
static uint64_t span(void)
{
    uint64_t bits = chance(model.range);
    return chance((uint64_t)1 << bits);
}

static void set_some(int i, uint64_t due)
{
    timer_set(&model.wheel, &model.timer[i], due);
    model.due[i] = due > model.wheel.now_ms ? due : model.wheel.now_ms;
    model.order[i] = model.next_order++;
    CHECK(model.timer[i].due_ms == model.due[i]);
}

static void stop_some(int i)
{
    timer_stop(&model.wheel, &model.timer[i]);
    model.due[i] = WHEEL_NEVER;
}

/** The one that must fire next: smallest deadline, then the one that was set first. */
static int earliest(void)
{
    int best = -1;
    for (int i = 0; i < TIMERS; i++) {
        if (model.due[i] != WHEEL_NEVER &&
            (best < 0 || model.due[i] < model.due[best] ||
             (model.due[i] == model.due[best] && model.order[i] < model.order[best]))) {
            best = i;
        }
    }
    return best;
}

static void on_model(struct timer *t, uint64_t now_ms)
{
    int i = (int)(t - model.timer);
    model.fired++;
    CHECK(now_ms == model.target);
    CHECK_INT(i, earliest());
    CHECK(model.due[i] <= model.target && model.wheel.now_ms >= model.due[i]);
    model.due[i] = WHEEL_NEVER;
    /* A deadline that has passed would wait for the next advance, out of the model's order:
       callbacks set later ones, which may still fall into this advance. */
    if (chance(2) == 0) {
        set_some((int)chance(TIMERS), model.wheel.now_ms + 1 + span());
    }
    if (chance(3) == 0) {
        stop_some((int)chance(TIMERS));
    }
}

static void check_idle(void)
{
    size_t running = 0;
    for (int i = 0; i < TIMERS; i++) {
        CHECK(timer_running(&model.timer[i]) == (model.due[i] != WHEEL_NEVER));
        running += model.due[i] != WHEEL_NEVER;
    }
    CHECK_INT(model.wheel.count, running);
    int i = earliest();
    uint64_t next = wheel_next(&model.wheel);
    CHECK(i < 0 ? next == WHEEL_NEVER : next <= model.due[i] && next >= model.wheel.now_ms);
}

static void run_model(uint64_t seed, uint64_t origin, uint64_t range, int steps)
{
    memset(&model, 0, sizeof(model));
    model.seed = seed;
    model.range = range;
    wheel_init(&model.wheel, origin);
    for (int i = 0; i < TIMERS; i++) {
        timer_init(&model.timer[i], on_model);
        model.due[i] = WHEEL_NEVER;
    }
    for (int step = 0; step < steps; step++) {
        for (uint64_t n = chance(6); n > 0; n--) {
            set_some((int)chance(TIMERS), model.wheel.now_ms + span());
        }
        if (chance(3) == 0) {
            stop_some((int)chance(TIMERS));
        }
        uint64_t next = wheel_next(&model.wheel);
        model.target = model.wheel.now_ms + span();
        if (chance(2) == 0 && next != WHEEL_NEVER) {
            model.target = next; /* as an event loop does */
        }
        size_t before = model.fired;
        size_t n = wheel_advance(&model.wheel, model.target);
        CHECK_INT(n, model.fired - before);
        CHECK(model.wheel.now_ms == model.target);
        int i = earliest();
        CHECK(i < 0 || model.due[i] > model.target); /* nothing was forgotten */
        if (step % 16 == 0) {
            check_idle();
        }
    }
    CHECK(model.fired > (size_t)steps / 4);
}

static void test_wheel_against_model(void)
{
    run_model(1, 0, 10, 8000);                            /* seconds */
    run_model(2, 1700000000000, 20, 8000);                /* minutes */
    run_model(3, 86400000, 33, 8000);                     /* months */
    run_model(4, 0, 40, 8000);                            /* many turns of the lower levels */
    run_model(5, ((uint64_t)1 << 42) - 100000, 20, 8000); /* the top digit wraps */
    run_model(6, ((uint64_t)1 << 42) - 100000, 40, 8000);
}

/** A jump over years with few timers costs what the timers cost, not the milliseconds. */
static void test_wheel_far_jump_is_cheap(void)
{
    struct wheel w;
    struct alarm a[1];
    const uint64_t year = (uint64_t)365 * 86400000;
    alarms_init(&w, a, 1, 0);
    for (uint64_t i = 0; i < 100; i++) { /* 10^12 ticks: walking them would take minutes */
        timer_set(&w, &a[0].timer, (i + 1) * year - 1);
        CHECK_INT(wheel_advance(&w, (i + 1) * year), 1);
    }
    /* and an event loop that follows wheel_next wakes at most once a level */
    timer_set(&w, &a[0].timer, 105 * year);
    int wakes = 0;
    while (w.count > 0 && wakes < 20) {
        wheel_advance(&w, wheel_next(&w));
        wakes++;
    }
    CHECK(wakes <= WHEEL_LEVELS);
    CHECK(w.now_ms == 105 * year);
}

TEST_MAIN(T(test_wheel_fires_in_order), T(test_wheel_same_millisecond_in_order_of_setting),
          T(test_wheel_late_deadlines), T(test_wheel_callbacks_change_timers),
          T(test_wheel_renewal_without_delay_waits), T(test_wheel_far_deadlines),
          T(test_wheel_against_model), T(test_wheel_far_jump_is_cheap))
