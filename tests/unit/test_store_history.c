/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that were, by pages: what a page costs does not depend on how many calls there are. */
#include "base/attr.h"
#include "kit_store.h"
#include "store/history.h"

enum { CALLS = 1000, PAGE = 4 };

/** Three events each; the next call begins before the last one has ended. */
static void up(struct kit_store *k)
{
    static const char *const events[] = {"OriginatedEvent", "EstablishedEvent",
                                         "CallClearedEvent"};
    uint64_t number = 0;
    kit_store_make(k);
    kit_store_up(k);
    CHECK(store_start(k->st));
    const struct store_ops *ops = store_ops(k->st);
    for (int turn = 0; turn < CALLS + 2; turn++) {
        for (int i = 0; i < 3; i++) {
            char call[16];
            int c = turn - i;
            (void)snprintf(call, sizeof(call), "c%d", c * 37 % CALLS);
            struct store_event e = {.number = number + 1,
                                    .watched = STR(""),
                                    .call_id = str_c(call),
                                    .event = str_c(events[i]),
                                    .cause = STR("normal"),
                                    .subject = STR("sip:1001@x"),
                                    .calling = STR("sip:1001@x"),
                                    .called = STR("sip:1002@x")};
            if (c >= 0 && c < CALLS) {
                ops->event(ops->ctx, &e);
                number++;
            }
        }
        if (turn % 100 == 0) {
            kit_store_sync(k);
        }
    }
    kit_store_sync(k);
}

static void down(struct kit_store *k)
{
    CHECK_INT(kit_store_down(k), 0);
    kit_store_remove(k);
}

/** The page behind `after`, which becomes its last call. @return how many calls it has */
static int read_page(const struct kit_store *k, struct history_query *q, char after[16],
                     int newest)
{
    static char why[256]; /* said when a check fails */
    int n = 0, more;
    struct history_call c;
    struct history_reader *r = history_open(k->path, q, why, sizeof(why));
    test_context(why);
    CHECK(r != NULL);
    while ((more = history_next(r, &c)) > 0) {
        (void)snprintf(after, 16, "c%d", (newest - n) * 37 % CALLS);
        CHECK_STR(c.call, after);
        CHECK(c.began_ms > 0 && c.answered_ms >= c.began_ms && c.ended_ms >= c.answered_ms);
        q->after_ms = c.began_ms;
        n++;
    }
    test_context(history_why(r));
    CHECK_INT(more, 0);
    history_close(r);
    q->after_call = str_c(after);
    return n;
}

/** Who has long been told to end gets a page all the same: it is there before anybody looks. */
static void test_pages_cost_what_they_show(void)
{
    struct kit_store k;
    atomic_bool over = true;
    struct history_query q = {.limit = PAGE, .newest_first = true, .over = &over};
    char after[16];
    up(&k);
    for (int page = 0; page < 20; page++) {
        CHECK_INT(read_page(&k, &q, after, CALLS - 1 - page * PAGE), PAGE);
    }
    down(&k);
}

static void test_pages_hold_each_call_once(void)
{
    struct kit_store k;
    struct history_query q = {.limit = 300, .newest_first = true};
    char after[16];
    int n, all = 0;
    up(&k);
    while ((n = read_page(&k, &q, after, CALLS - 1 - all)) > 0) {
        all += n;
    }
    CHECK_INT(all, CALLS);
    q.after_call = STR("forgotten");
    CHECK_INT(read_page(&k, &q, after, 0), 0);
    down(&k);
}

TEST_MAIN(T(test_pages_cost_what_they_show), T(test_pages_hold_each_call_once))
