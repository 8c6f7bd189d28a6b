/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing leaves before what it tells of is kept, in order, and nothing is left behind. */
#include "base/attr.h"
#include "base/err.h"
#include "kit_store.h"
#include "store/hold.h"

#include <stddef.h>

struct wire {
    char text[512];
    size_t n;
    int err;
};

static int on_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    struct wire *w = ctx;
    w->n += (size_t)snprintf(w->text + w->n, sizeof(w->text) - w->n, "%u:", hop->flow);
    for (size_t i = 0; i < n; i++) {
        w->n +=
            (size_t)snprintf(w->text + w->n, sizeof(w->text) - w->n, "%.*s", STR_ARG(run[i]));
    }
    w->n += (size_t)snprintf(w->text + w->n, sizeof(w->text) - w->n, " ");
    return w->err;
}

static void on_close(void *ctx, uint32_t flow)
{
    struct wire *w = ctx;
    w->n += (size_t)snprintf(w->text + w->n, sizeof(w->text) - w->n, "%u:close ", flow);
}

struct kit {
    struct kit_store s;
    struct wire wire;
    struct env inner;
    struct hold *hold;
    const struct env *env;
};

static void up(struct kit *k, size_t bytes)
{
    kit_store_make(&k->s);
    kit_store_up(&k->s);
    k->wire = (struct wire){.n = 0};
    k->inner = (struct env){.ctx = &k->wire, .send = on_send, .close = on_close};
    k->hold = hold_new(&k->inner, k->s.st, bytes);
    k->env = hold_env(k->hold);
}

static void down(struct kit *k)
{
    CHECK_INT(kit_store_down(&k->s), 0);
    hold_free(k->hold);
    kit_store_remove(&k->s);
}

static int say(struct kit *k, const char *text)
{
    struct hop hop = {.flow = 7, .transport = TP_UDP};
    struct str run[] = {str_c(text), STR("!")};
    return k->env->send(k->env->ctx, &hop, run, 2);
}

static uint64_t waiting(const struct kit *k)
{
    struct hold_stats s;
    hold_stats(k->hold, &s);
    return s.waiting;
}

/** The end of an input. */
static void done(struct kit *k)
{
    store_flush(k->s.st);
    hold_release(k->hold);
}

static void test_it_leaves_when_it_is_kept(void)
{
    struct kit k;
    up(&k, 0);
    CHECK_INT(say(&k, "before"), 0);
    CHECK_INT(k.wire.n, 0); /* not before the input is done with */
    done(&k);
    CHECK_STR(str_make(k.wire.text, k.wire.n), "7:before! ");
    k.wire.n = 0;
    CHECK_INT(say(&k, "one"), 0); /* sent first, and the change comes behind */
    kit_store_event(&k.s, 1, "d");
    done(&k);
    CHECK_INT(say(&k, "two"), 0);
    k.env->close(k.env->ctx, 9);
    done(&k);
    kit_store_event(&k.s, 2, "d");
    CHECK_INT(say(&k, "three"), 0);
    done(&k);
    CHECK_INT(k.wire.n, 0);
    CHECK_INT(waiting(&k), 4);
    CHECK(store_start(k.s.st));
    kit_store_sync(&k.s);
    CHECK_INT(say(&k, "four"), 0); /* behind what waits, though nothing of its own does */
    hold_release(k.hold);
    CHECK_STR(str_make(k.wire.text, k.wire.n), "7:one! 7:two! 9:close 7:three! 7:four! ");
    CHECK_INT(waiting(&k), 0);
    k.wire.n = 0;
    CHECK_INT(say(&k, "after"), 0);
    k.env->close(k.env->ctx, 9);
    done(&k);
    CHECK_STR(str_make(k.wire.text, k.wire.n), "7:after! 9:close ");
    down(&k);
}

static void test_bounds(void)
{
    static char large[66000];
    struct kit k;
    struct hold_stats s;
    struct hop hop = {.flow = 7, .transport = TP_UDP};
    up(&k, 4096);
    memset(large, 'x', sizeof(large));
    struct str run = str_make(large, 65508);
    kit_store_event(&k.s, 1, "d");
    CHECK_INT(k.env->send(k.env->ctx, &hop, &run, 1), E_TOOBIG); /* no datagram */
    run.n = 3000;
    CHECK_INT(k.env->send(k.env->ctx, &hop, &run, 1), 0);
    CHECK_INT(k.env->send(k.env->ctx, &hop, &run, 1), E_TOOBIG); /* no room */
    hold_stats(k.hold, &s);
    CHECK_INT(s.refused, 1);
    CHECK_INT(s.waiting, 1);
    CHECK(s.octets <= 4096);
    CHECK(store_start(k.s.st));
    down(&k);
}

static int on_fetch(void *ctx, struct str url, uint32_t timeout_ms, uint64_t tag)
{
    struct wire *w = ctx;
    w->n += (size_t)snprintf(w->text + w->n, sizeof(w->text) - w->n, "GET %.*s %u %llu",
                             STR_ARG(url), (unsigned)timeout_ms, (unsigned long long)tag);
    return E_TOOMANY;
}

/** What has nothing to do with the disk is as it was, and what is not there is not there. */
static void test_the_rest_goes_through(void)
{
    struct kit k;
    void (*fn[13])(void);
    const size_t first = offsetof(struct env, random);
    up(&k, 0);
    CHECK(k.env->fetch == NULL);
    hold_free(k.hold);
    k.inner.fetch = on_fetch;
    k.hold = hold_new(&k.inner, k.s.st, 0);
    k.env = hold_env(k.hold);
    kit_store_event(&k.s, 1, "d"); /* not even this keeps it back */
    REQUIRE(k.env->fetch != NULL);
    CHECK_INT(k.env->fetch(k.env->ctx, STR("http://10.0.1.1/x"), 500, 7), E_TOOMANY);
    CHECK_STR(str_make(k.wire.text, k.wire.n), "GET http://10.0.1.1/x 500 7");
    hold_free(k.hold);
    /* every function of an environment that has all of them */
    memset((char *)&k.inner + first, 0x55, sizeof(fn));
    k.hold = hold_new(&k.inner, k.s.st, 0);
    memcpy(fn, (const char *)hold_env(k.hold) + first, sizeof(fn));
    for (size_t i = 0; i < ARRAY_LEN(fn); i++) {
        CHECK(fn[i] != NULL);
    }
    CHECK(store_start(k.s.st));
    down(&k);
}

/** A long time of waiting and releasing: the order holds, and memory is what waits. */
static void test_many(void)
{
    struct kit k;
    up(&k, 1 << 20);
    CHECK(store_start(k.s.st));
    unsigned next = 0;
    for (unsigned i = 0; i < 5000; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%u", i);
        if (i % 3 == 0) {
            kit_store_event(&k.s, i / 3 + 1, "d");
        }
        CHECK_INT(say(&k, text), 0);
        if (i % 50 == 49) {
            kit_store_sync(&k.s);
            hold_release(k.hold);
            CHECK_INT(waiting(&k), 0);
        } else {
            store_flush(k.s.st);
            hold_release(k.hold);
        }
        for (char *at = k.wire.text; at < k.wire.text + k.wire.n; at = strchr(at, ' ') + 1) {
            CHECK_INT(strtoul(at + 2, NULL, 10), next++);
        }
        k.wire.n = 0;
    }
    CHECK_INT(next, 5000);
    down(&k);
}

TEST_MAIN(T(test_it_leaves_when_it_is_kept), T(test_bounds), T(test_the_rest_goes_through),
          T(test_many))
