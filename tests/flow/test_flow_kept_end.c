/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call has ended, everybody has been told, and the process goes before its phones know: the
 * BYE was still to leave, or was lost. The next process sends it again, and tells nothing
 * twice.
 */
#include "keep.h"
#include "tel.h"
#include "test.h"

static struct keep keep;

static void with_store(struct world *w)
{
    w->config.store = &keep.ops;
}

static void up(struct world *w)
{
    keep_init(&keep);
    world_up(w, &(struct world_options){.phones = 3, .tweak = with_store});
    (void)world_monitor(w, &w->crm, "1002"); /* so that the call has a name here: c1 */
}

static void down(struct world *w)
{
    world_down(w);
    keep_fini(&keep);
}

static void command(struct world *w, const char *service, const char *what, const char *device,
                    const char *answer)
{
    struct ask *q = app_on_connection(&w->crm, service, what, "c1", device, "");
    world_run(w, 100);
    ANSWER(q, answer);
}

/** Neither of them hears it before the restart, or the answers are not heard. */
static void test_a_bye_is_sent_again(void)
{
    for (int heard = 0; heard < 2; heard++) {
        struct world w;
        up(&w);
        REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
        for (unsigned i = 0; i < 2; i++) {
            if (heard) {
                wire_lose(&w.wire, PHONE_NODE(&w, i), ENGINE(&w), "200 BYE", 0, 1);
            } else {
                wire_lose(&w.wire, ENGINE(&w), PHONE_NODE(&w, i), "BYE", 0, 1);
            }
        }
        command(&w, "ClearConnection", "connectionToBeCleared", "1001",
                "ClearConnectionResponse");
        CHECK_INT(phone_talks(PHONE(&w, 0)), !heard);
        CHECK_INT(phone_talks(PHONE(&w, 1)), !heard);
        CHECK_INT(keep_count(&keep, STORE_CALL), 1);
        keep_restart(&w, &keep);
        world_run(&w, 300);
        CHECK(!phone_talks(PHONE(&w, 0)) && !phone_talks(PHONE(&w, 1)));
        CHECK_INT(keep_count(&keep, STORE_CALL), 0);
        CHECK_INT(world_stat(&w, "calls_active"), 0);
        CHECK_STR(str_c(keep_story(&keep, NULL)),
                  "Originated Delivered Established ConnectionCleared ConnectionCleared "
                  "CallCleared");
        down(&w);
    }
}

/** Who has left by a transfer hears it, too; the call goes on without him. */
static void test_who_was_transferred_away_hears_bye(void)
{
    struct world w;
    up(&w);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    wire_lose(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "BYE", 0, 8);
    struct ask *q = app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c1",
                                      "1001", "<transferredTo>1003</transferredTo>");
    world_run(&w, 100);
    CHECK_INT(phone_answer(PHONE(&w, 2)), 0);
    world_run(&w, 100);
    ANSWER(q, "SingleStepTransferCallResponse c1:1003");
    CHECK(phone_talks(PHONE(&w, 0)));
    keep_restart(&w, &keep);
    world_run(&w, 32000); /* its BYE comes again until one is not lost */
    CHECK(!phone_talks(PHONE(&w, 0)));
    CHECK(phone_talks(PHONE(&w, 1)) && phone_talks(PHONE(&w, 2)));
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    command(&w, "ClearConnection", "connectionToBeCleared", "1002", "ClearConnectionResponse");
    CHECK(!phone_talks(PHONE(&w, 1)) && !phone_talks(PHONE(&w, 2)));
    CHECK_INT(keep_count(&keep, STORE_CALL), 0);
    down(&w);
}

TEST_MAIN(T(test_a_bye_is_sent_again), T(test_who_was_transferred_away_hears_bye))
