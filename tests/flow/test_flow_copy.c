/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database that was restored from a copy: what stood in it is of another time, or of a server
 * that goes on elsewhere. It ends here, and nobody out there hears of that.
 */
#include "keep.h"
#include "test.h"
#include "watcher.h"

static struct keep keep;

static void with_store(struct world *w)
{
    w->config.store = &keep.ops;
}

static void up(struct world *w)
{
    keep_init(&keep);
    world_up(w, &(struct world_options){.phones = 2, .tweak = with_store});
}

static void down(struct world *w)
{
    world_down(w);
    keep_fini(&keep);
}

/** As `baton restore` leaves it. */
static void restart_as_copy(struct world *w)
{
    keep.ops.put(keep.ops.ctx, STORE_SECRET, STORE_COPY_ROW, STR(""));
    keep_restart(w, &keep);
}

static size_t sent_to(struct world *w, const struct vnode *node)
{
    static const char *const methods[] = {"BYE",  "INVITE", "OPTIONS", "UPDATE",
                                          "INFO", "NOTIFY", "ACK"};
    size_t n = 0;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        n += wire_count(&w->wire, ENGINE(w), node, methods[i]);
    }
    return n;
}

static void test_a_copy_says_nothing_to_phones(void)
{
    struct world w;
    up(&w);
    (void)world_monitor(&w, &w.crm, "1001");
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    REQUIRE(keep_count(&keep, STORE_CALL) == 1);
    size_t before = sent_to(&w, PHONE_NODE(&w, 0)) + sent_to(&w, PHONE_NODE(&w, 1)) +
                    sent_to(&w, &w.crm.s.node);
    restart_as_copy(&w);
    world_run(&w, 40000);
    CHECK_INT(sent_to(&w, PHONE_NODE(&w, 0)) + sent_to(&w, PHONE_NODE(&w, 1)) +
                  sent_to(&w, &w.crm.s.node),
              before);
    CHECK(phone_talks(PHONE(&w, 0)) && phone_talks(PHONE(&w, 1)));
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    CHECK_INT(keep_count(&keep, STORE_CALL), 0);
    CHECK_INT(keep_count(&keep, STORE_SESSION), 0);
    CHECK(str_ends(str_c(keep_story(&keep, NULL)),
                   STR("ConnectionCleared ConnectionCleared CallCleared")));
    CHECK_INT(world_stat(&w, "registrar_bindings"), 2); /* these are found again */
    w.hard = true; /* phones and application have what we have not */
    down(&w);
}

/** From then on it is a database as any other. */
static void test_a_copy_is_one_once(void)
{
    struct world w;
    up(&w);
    restart_as_copy(&w);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 500);
    CHECK(!phone_talks(PHONE(&w, 1)));
    w.hard = true; /* the application's session was of before */
    down(&w);
}

static void test_a_copy_tells_no_watchers(void)
{
    struct world w;
    struct watcher v;
    up(&w);
    watcher_up(&v, &w.net, ENGINE(&w), "lamp", "10.0.5.1", "1003", "pw1003", TP_UDP);
    watcher_subscribe(&v, "1001", "dialog", 600, "", "");
    world_run(&w, 300);
    REQUIRE(v.notes == 1);
    restart_as_copy(&w);
    world_run(&w, 5000);
    CHECK_INT(v.notes, 1);
    CHECK_INT(keep_count(&keep, STORE_SUBSCRIPTION), 0);
    w.hard = true;
    down(&w);
    watcher_down(&v);
}

TEST_MAIN(T(test_a_copy_says_nothing_to_phones), T(test_a_copy_is_one_once),
          T(test_a_copy_tells_no_watchers))
