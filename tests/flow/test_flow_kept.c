/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives the process: the engine goes without a word and comes back with what it had
 * handed to the store.
 */
#include "keep.h"
#include "test.h"

static struct keep keep;

static void with_store(struct world *w)
{
    w->config.store = &keep.ops;
}

static void up(struct world *w, const struct world_options *o)
{
    struct world_options with = *o;
    with.tweak = with_store;
    keep_init(&keep);
    world_up(w, &with);
}

static void down(struct world *w)
{
    world_down(w);
    keep_fini(&keep);
}

/* ---- the journal ---- */

static void test_history_is_written_whoever_watches(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 200);
    CHECK_STR(str_c(keep_story(&keep, NULL)),
              "Originated Delivered Established ConnectionCleared ConnectionCleared "
              "CallCleared");
    down(&w);
}

static void test_a_refused_call_ends_once(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    PHONE(&w, 1)->on_call = 486;
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 500);
    const char *story = keep_story(&keep, NULL);
    CHECK(strstr(story, "Failed") != NULL);
    CHECK_INT(test_count(story, "CallCleared"), 1);
    CHECK(str_ends(str_c(story), STR("CallCleared")));
    down(&w);
}

static void test_numbers_go_on_after_a_restart(void)
{
    struct world w;
    up(&w, &(struct world_options){.no_apps = true});
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 200);
    size_t before = keep.events;
    CHECK(before > 6);
    keep_restart(&w, &keep);
    phone_register(PHONE(&w, 0), 3600);
    phone_register(PHONE(&w, 1), 3600);
    phone_register(PHONE(&w, 2), 3600);
    world_run(&w, 200);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 200);
    CHECK(keep.events > before + 6); /* keep.c has looked at the numbers */
    down(&w);
}

TEST_MAIN(T(test_history_is_written_whoever_watches), T(test_a_refused_call_ends_once),
          T(test_numbers_go_on_after_a_restart))
