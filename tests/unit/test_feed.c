/* SPDX-License-Identifier: Apache-2.0 */
/* Those who follow the journal: each event once and in order, whatever they are. */
#include "base/attr.h"
#include "base/err.h"
#include "cti/record.h"
#include "feed/feed.h"
#include "kit_store.h"

enum { NUMBERS_MAX = 600 };

struct follower {
    struct feed_reader r;
    uint64_t got[NUMBERS_MAX];
    size_t n;
    char gaps[256]; /**< "4-7 retention " */
    size_t gaps_n;
    size_t room; /**< events that it takes */
    bool alive;
    const struct access_principal *who;
    unsigned beats;
    int ended; /**< enum feed_end + 1 */
};

struct kit {
    struct kit_store s;
    struct feed *feed;
    struct pack_room room;
    uint64_t number, now_ms;
};

static struct follower *of(const struct feed_reader *r)
{
    return container_of((struct feed_reader *)(uintptr_t)r, struct follower, r);
}

static int on_event(struct feed_reader *r, const struct feed_event *e)
{
    struct follower *f = of(r);
    if (f->room == 0) {
        return E_SPACE;
    }
    f->room--;
    CHECK(str_find(e->sse, e->e.text) < e->sse.n);
    if (e->e.gap) {
        struct str data = str_from(e->e.text, str_find(e->e.text, STR("\"data\":")));
        f->gaps_n += (size_t)snprintf(f->gaps + f->gaps_n, sizeof(f->gaps) - f->gaps_n, "%.*s ",
                                      STR_ARG(data));
    } else if (f->n < NUMBERS_MAX) {
        f->got[f->n++] = e->e.number;
    }
    return 0;
}

static void on_beat(struct feed_reader *r)
{
    of(r)->beats++;
}

static bool on_may(const struct feed_reader *r, const struct cloud_event *e)
{
    return feed_may(of(r)->who, e);
}

static bool on_alive(const struct feed_reader *r, uint64_t now_ms)
{
    (void)now_ms;
    return of(r)->alive;
}

static void on_end(struct feed_reader *r, enum feed_end why)
{
    of(r)->ended = (int)why + 1;
}

static const struct feed_sink sink = {on_event, on_beat, on_may, on_alive, on_end, NULL};
static const struct access_scope everything[] = {{.kind = ACCESS_ADMIN}};
static const struct access_principal admin = {
    .name = STR_INIT("uid:0"), .scopes = everything, .count = 1, .admin = true};

static void up(struct kit *k, const struct feed_config *config)
{
    struct feed_config c = *config;
    *k = (struct kit){.room.mem = &mem_libc};
    kit_store_make(&k->s);
    k->s.config.streams = true;
    k->s.config.recent = 16;
    kit_store_up(&k->s);
    c.store = k->s.st;
    c.source = STR("/baton/test");
    c.wake = kit_wake;
    c.ctx = &k->s;
    k->feed = feed_new(&c);
    CHECK(k->feed != NULL);
    CHECK(store_start(k->s.st));
}

static void down(struct kit *k)
{
    CHECK_INT(kit_store_down(&k->s), 0);
    feed_free(k->feed);
    pack_room_fini(&k->room);
    kit_store_remove(&k->s);
}

static void tell(struct kit *k, const char *audience, const char *type)
{
    const struct journal_fact f = {.type = str_c(type),
                                   .call_id = STR("c1"),
                                   .audience = str_c(audience),
                                   .owner = STR("token:owner"),
                                   .data = STR("{}")};
    CHECK(fact_keep(store_ops(k->s.st), &k->room, &f, ++k->number));
}

static void tell_many(struct kit *k, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (k->number % 3 == 2) {
            kit_store_event(&k->s, ++k->number, "1001@example.com"); /* somebody's */
        } else {
            tell(k, "1001@example.com", "org.baton.operation.v1");
        }
    }
    kit_store_sync(&k->s);
}

struct sentinel {
    struct feed_ask ask;
    bool done;
};

static void on_sentinel(struct feed_ask *ask, const struct store_page *page)
{
    CHECK_INT(page->err, 0);
    container_of(ask, struct sentinel, ask)->done = true;
}

/** Until nothing more is on its way: behind a page of our own nothing new was asked for. */
static void settle(struct kit *k)
{
    struct feed_stats a, b;
    do {
        struct sentinel s = {.ask = {.limit = 1, .done = on_sentinel}};
        feed_stats(k->feed, &a);
        feed_run(k->feed, k->now_ms);
        CHECK_INT(feed_read(k->feed, &s.ask), 0);
        while (!s.done) {
            pthread_mutex_lock(&k->s.lock);
            while (k->s.wakes == 0) {
                pthread_cond_wait(&k->s.woken, &k->s.lock);
            }
            k->s.wakes = 0;
            pthread_mutex_unlock(&k->s.lock);
            feed_run(k->feed, k->now_ms);
        }
        feed_stats(k->feed, &b);
    } while (b.pages != a.pages + 1);
}

static void follow(struct kit *k, struct follower *f, enum feed_from from, uint64_t after)
{
    if (f->who == NULL) {
        f->who = &admin;
    }
    f->room = f->room != 0 ? f->room : 100000;
    f->alive = true;
    f->r.sink = &sink;
    f->r.kind = "test";
    feed_open(k->feed, &f->r, from, after, k->now_ms);
}

/** It has had all of nobody's events from `first` to `last`, once each, in order. */
static void check_all(const struct follower *f, uint64_t first, uint64_t last)
{
    size_t i = 0;
    for (uint64_t n = first; n <= last; n++) {
        if ((n - 1) % 3 == 2) {
            continue;
        }
        if (i >= f->n || f->got[i] != n) {
            CHECK_INT(i < f->n ? f->got[i] : 0, n);
            return;
        }
        i++;
    }
    CHECK_INT(f->n, i);
}

static void test_feed_from_everywhere(void)
{
    struct kit k;
    static struct follower now, early, middle, newest;
    now = early = middle = newest = (struct follower){.n = 0};
    up(&k, &(struct feed_config){.ring_events = 64});
    tell_many(&k, 300);
    follow(&k, &now, FEED_NOW, 0);
    follow(&k, &early, FEED_EARLIEST, 0);
    follow(&k, &middle, FEED_AFTER, 150);
    follow(&k, &newest, FEED_AFTER, 300);
    settle(&k);
    CHECK_INT(now.n, 0);
    CHECK_INT(newest.n, 0);
    check_all(&early, 1, 300);
    check_all(&middle, 151, 300);
    CHECK_INT(feed_head(k.feed), 300);
    tell_many(&k, 90);
    settle(&k);
    check_all(&now, 301, 390);
    check_all(&newest, 301, 390);
    check_all(&early, 1, 390);
    check_all(&middle, 151, 390);
    CHECK_STR(str_make(early.gaps, early.gaps_n), "");
    CHECK_INT(now.r.after, 390);
    feed_close(&now.r);
    feed_close(&early.r);
    feed_close(&middle.r);
    feed_close(&newest.r);
    feed_close(&newest.r);
    tell_many(&k, 3);
    newest.n = 0;
    follow(&k, &newest, FEED_AFTER, 390); /* it was quiet meanwhile: it starts anew */
    settle(&k);
    check_all(&newest, 391, 393);
    feed_close(&newest.r);
    down(&k);
}

/** One that takes little loses its own place only, and nothing else. */
static void test_feed_slow_and_fast(void)
{
    struct kit k;
    static struct follower slow, fast;
    slow = (struct follower){.room = 1};
    fast = (struct follower){.n = 0};
    up(&k, &(struct feed_config){.ring_events = 32, .slow_ms = 1000});
    follow(&k, &slow, FEED_NOW, 0);
    follow(&k, &fast, FEED_NOW, 0);
    settle(&k);
    for (int i = 0; i < 6; i++) {
        tell_many(&k, 60);
        settle(&k);
        check_all(&fast, 1, k.number);
        CHECK_INT(slow.n, (size_t)i * 7 + 1);
        slow.room = 7;
        k.now_ms += 500; /* it takes something now and then: that is not dead */
        feed_go(&slow.r, k.now_ms);
        settle(&k);
        CHECK_INT(slow.ended, 0);
    }
    slow.room = 100000;
    feed_go(&slow.r, k.now_ms);
    settle(&k);
    check_all(&slow, 1, k.number);
    slow.room = 0;
    tell_many(&k, 1);
    settle(&k);
    feed_tick(k.feed, k.now_ms + 999);
    CHECK_INT(slow.ended, 0);
    feed_tick(k.feed, k.now_ms + 1000);
    CHECK_INT(slow.ended, FEED_SLOW + 1);
    CHECK(slow.r.feed == NULL);
    CHECK_INT(fast.ended, 0);
    feed_close(&slow.r);
    feed_close(&fast.r);
    down(&k);
}

static void test_feed_gaps(void)
{
    struct kit k;
    static struct follower old, early, ahead;
    old = early = ahead = (struct follower){.n = 0};
    up(&k, &(struct feed_config){.ring_events = 64});
    const struct store_ops *ops = store_ops(k.s.st);
    k.number = 9; /* what was before is gone */
    tell_many(&k, 3);
    struct store_event lost = {
        .number = 13, .watched = STR(""), .event = STORE_GAP, .data = STR("20")};
    ops->event(ops->ctx, &lost);
    k.number = 20;
    tell(&k, "", "org.baton.audit.v1");
    kit_store_sync(&k.s);
    follow(&k, &old, FEED_AFTER, 4);
    follow(&k, &early, FEED_EARLIEST, 0);
    follow(&k, &ahead, FEED_AFTER, 500); /* of a journal that is not there any more */
    settle(&k);
    CHECK_STR(str_make(old.gaps, old.gaps_n),
              "\"data\":{\"from\":\"5\",\"to\":\"9\",\"reason\":\"retention\"}} "
              "\"data\":{\"from\":\"13\",\"to\":\"20\",\"reason\":\"lost\"}} ");
    CHECK_INT(old.n, 3);
    CHECK_INT(old.got[2], 21);
    CHECK_STR(str_make(early.gaps, early.gaps_n),
              "\"data\":{\"from\":\"13\",\"to\":\"20\",\"reason\":\"lost\"}} ");
    CHECK_STR(str_make(ahead.gaps, ahead.gaps_n),
              "\"data\":{\"from\":\"22\",\"to\":\"500\",\"reason\":\"reset\"}} ");
    tell(&k, "", "org.baton.audit.v1");
    kit_store_sync(&k.s);
    settle(&k);
    CHECK_INT(ahead.n, 1);
    CHECK_INT(ahead.got[0], 22);
    feed_close(&old.r);
    feed_close(&early.r);
    feed_close(&ahead.r);
    down(&k);
}

static bool wants(const struct feed_filter *f, const char *type, const char *audience,
                  const char *call)
{
    const struct cloud_event e = {
        .type = str_c(type), .audience = str_c(audience), .call_id = str_c(call)};
    return feed_wants(f, &e);
}

static void test_feed_filters(void)
{
    static const struct access_scope devices[] = {{STR_INIT("1001"), ACCESS_OBSERVE},
                                                  {STR_INIT("20*"), ACCESS_OBSERVE}};
    static const struct str types[] = {STR_INIT("delivered"), STR_INIT("org.baton.op*")};
    struct feed_filter f = {.devices = 0};
    CHECK(wants(&f, "org.baton.csta.held.v1", "", ""));
    f = (struct feed_filter){.device = devices, .devices = 2};
    CHECK(wants(&f, "t", "1002@x 1001@x", ""));
    CHECK(wants(&f, "t", "2099@x", ""));
    CHECK(!wants(&f, "t", "1002@x 10010@x", ""));
    CHECK(!wants(&f, "t", "", ""));
    f = (struct feed_filter){.type = types, .types = 2};
    CHECK(wants(&f, "org.baton.csta.delivered.v1", "", ""));
    CHECK(wants(&f, "org.baton.operation.v1", "", ""));
    CHECK(!wants(&f, "org.baton.csta.held.v1", "", ""));
    f = (struct feed_filter){.call_id = STR("c1")};
    CHECK(wants(&f, "t", "", "c1"));
    CHECK(!wants(&f, "t", "", "c2"));
    const struct cloud_event gap = {.type = STR("org.baton.gap.v1"), .gap = true};
    CHECK(feed_wants(&f, &gap));
    CHECK(feed_type_matches(STR("*"), STR("anything")));
    CHECK(!feed_type_matches(STR("deliver"), STR("org.baton.csta.delivered.v1")));
}

/** What a reader may ask for: types that can come, by any of their names. */
static void test_feed_knows_its_types(void)
{
    static const char *const good[] = {"delivered",
                                       "org.baton.csta.delivered.v1",
                                       "org.baton.csta.*",
                                       "*",
                                       "agent*",
                                       "transfered",
                                       "operation",
                                       "org.baton.operation.v1",
                                       "audit",
                                       "gap",
                                       "reRoute",
                                       "org.baton.csta.routeRequest.v1",
                                       "snapshot",
                                       "resynced",
                                       "test",
                                       "org.baton.*",
                                       "speakerVolume"};
    static const char *const bad[] = {"",
                                      "delivred",
                                      "Delivered",
                                      "deliver",
                                      "DeliveredEvent",
                                      "org.baton.delivered.v1",
                                      "org.baton.csta.operation.v1",
                                      "org.baton.csta.delivered.v2",
                                      "agents*",
                                      "hold"};
    char text[1300];
    struct out o;
    size_t commas = 0;

    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        test_context(good[i]);
        CHECK(feed_type_is_known(str_c(good[i])));
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_context(bad[i]);
        CHECK(!feed_type_is_known(str_c(bad[i])));
    }
    test_context(NULL);
    out_init(&o, text, sizeof(text));
    feed_types(&o);
    CHECK(!o.over && str_starts(out_str_of(&o), STR("operation, audit, resynced, ")));
    for (struct str rest = out_str_of(&o); rest.n > 0; commas++) { /* each is one itself */
        struct str one = str_upto(rest, str_index(rest, ','));
        CHECK(feed_type_is_known(str_trim(one)));
        rest = str_from(rest, one.n + 1);
    }
    CHECK(commas > 40);
}

/** Rights are looked at when an event is given out, not when somebody begins. */
static void test_feed_rights(void)
{
    static const struct access_scope one[] = {{STR_INIT("1001"), ACCESS_OBSERVE}};
    static struct access_principal some = {
        .name = STR_INIT("token:some"), .scopes = one, .count = 1};
    static struct access_principal owner = {.name = STR_INIT("token:owner")};
    static struct follower a, b, c;
    struct kit k;
    a = (struct follower){.who = &some};
    b = (struct follower){.who = &owner};
    c = (struct follower){.who = &admin};
    up(&k, &(struct feed_config){.ring_events = 64});
    follow(&k, &a, FEED_EARLIEST, 0);
    follow(&k, &b, FEED_EARLIEST, 0);
    follow(&k, &c, FEED_EARLIEST, 0);
    tell(&k, "1002@x 1001@x", "org.t");
    tell(&k, "1002@x", "org.t");
    tell(&k, "", "org.t");
    kit_store_sync(&k.s);
    settle(&k);
    CHECK_INT(a.n, 1);
    CHECK_INT(a.got[0], 1);
    CHECK_INT(b.n, 3); /* its own */
    CHECK_INT(c.n, 3);
    some.gone = true;
    tell(&k, "1001@x", "org.t");
    kit_store_sync(&k.s);
    settle(&k);
    CHECK_INT(a.n, 1);
    CHECK_INT(c.n, 4);
    a.alive = false;
    feed_tick(k.feed, k.now_ms);
    CHECK_INT(a.ended, FEED_DENIED + 1);
    some.gone = false;
    feed_close(&b.r);
    feed_close(&c.r);
    down(&k);
}

/** Who has nothing to read hears that he stands where the journal does. */
static void test_feed_beats(void)
{
    struct kit k;
    static struct follower f;
    static const struct str types[] = {STR_INIT("delivered")};
    f = (struct follower){.r.filter = {.type = types, .types = 1}};
    up(&k, &(struct feed_config){.beat_ms = 5000});
    follow(&k, &f, FEED_EARLIEST, 0);
    tell_many(&k, 9);
    settle(&k);
    CHECK_INT(f.n, 0);
    feed_tick(k.feed, 4999);
    CHECK_INT(f.beats, 0);
    feed_tick(k.feed, 5000);
    CHECK_INT(f.beats, 1);
    CHECK_INT(f.r.after, 9);
    feed_tick(k.feed, 6000);
    CHECK_INT(f.beats, 1);
    feed_close(&f.r);
    down(&k);
}

/** Many who want all of it, and go in the middle of it. */
static void test_feed_many(void)
{
    enum { MANY = 60 };
    struct kit k;
    static struct follower f[MANY];
    up(&k, &(struct feed_config){.ring_events = 16});
    tell_many(&k, 400);
    for (size_t i = 0; i < MANY; i++) {
        f[i] = (struct follower){.n = 0};
        follow(&k, &f[i], FEED_EARLIEST, 0);
    }
    for (size_t i = 0; i < MANY; i += 3) {
        feed_close(&f[i].r);
    }
    tell_many(&k, 30);
    settle(&k);
    for (size_t i = 0; i < MANY; i++) {
        if (i % 3 != 0) {
            check_all(&f[i], 1, 430);
        }
        feed_close(&f[i].r);
    }
    down(&k);
}

/** What waits for a page when everything ends. */
static void test_feed_ends(void)
{
    struct kit k;
    static struct follower f;
    f = (struct follower){.n = 0};
    up(&k, &(struct feed_config){.ring_events = 16});
    tell_many(&k, 100);
    follow(&k, &f, FEED_EARLIEST, 0);
    feed_close(&f.r);
    down(&k);
    CHECK_INT(f.n, 0);
}

TEST_MAIN(T(test_feed_from_everywhere), T(test_feed_slow_and_fast), T(test_feed_gaps),
          T(test_feed_filters), T(test_feed_knows_its_types), T(test_feed_rights),
          T(test_feed_beats), T(test_feed_many), T(test_feed_ends))
