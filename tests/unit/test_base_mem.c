/* SPDX-License-Identifier: Apache-2.0 */
/* Base: memory, arena, pool, list, map. Every test ends with nothing left allocated. */
#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/map.h"
#include "base/pool.h"
#include "test.h"

static uint64_t seed = 1;

static uint64_t chance(uint64_t below)
{
    seed = hash_mix(seed, 7);
    return seed % below;
}

static void test_mem_allocates(void)
{
    struct test_mem t;
    struct str s = STR("x");
    test_mem_init(&t);
    char *p = mem_zalloc(&t.mem, 100);
    REQUIRE(p != NULL);
    for (int i = 0; i < 100; i++) {
        CHECK_INT(p[i], 0);
    }
    mem_free(&t.mem, p);
    mem_free(&t.mem, NULL);
    CHECK_INT(mem_dup(&t.mem, STR_NONE, &s), 0);
    CHECK(!str_is_set(s) && s.n == 0);
    CHECK_INT(mem_dup(&t.mem, STR("abc"), &s), 0);
    CHECK_STR(s, "abc");
    mem_free(&t.mem, (void *)(uintptr_t)s.p);
    t.fail_at = t.calls + 1;
    t.fail_on = true;
    CHECK_INT(mem_dup(&t.mem, STR("abc"), &s), E_NOMEM);
    CHECK(mem_alloc(&t.mem, 1) == NULL && mem_zalloc(&t.mem, 1) == NULL);
    CHECK_INT(t.live, 0);
    p = mem_alloc(&mem_libc, 0);
    CHECK(p != NULL);
    mem_free(&mem_libc, p);
}

/* ------------------------------------------------------------------------ arena */

static void test_arena_keeps_what_it_gave(void)
{
    struct test_mem t;
    struct arena a;
    unsigned char *p[300];
    size_t len[300];
    test_mem_init(&t);
    arena_init(&a, &t.mem, 1024);
    CHECK_INT(t.calls, 0);
    for (int i = 0; i < 300; i++) {
        len[i] = chance(i % 10 == 0 ? 3000 : 100);
        p[i] = arena_alloc(&a, len[i]);
        REQUIRE(p[i] != NULL);
        CHECK_INT((uintptr_t)p[i] % 16, 0);
        memset(p[i], i & 0xff, len[i]);
    }
    for (int i = 0; i < 300; i++) {
        for (size_t k = 0; k < len[i]; k++) {
            if (p[i][k] != (i & 0xff)) {
                CHECK_INT(p[i][k], i & 0xff);
                break;
            }
        }
    }
    arena_fini(&a);
    arena_fini(&a);
    CHECK_INT(t.live, 0);
}

static void test_arena_is_warm_after_reset(void)
{
    struct test_mem t;
    struct arena a;
    test_mem_init(&t);
    arena_init(&a, &t.mem, 4096);
    arena_reset(&a);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 50; i++) {
            CHECK(arena_alloc(&a, 30) != NULL);
        }
        arena_reset(&a);
    }
    CHECK_INT(t.calls, 1);
    CHECK(arena_alloc(&a, 9000) != NULL); /* larger than a chunk: kept, as the largest */
    arena_reset(&a);
    CHECK_INT(t.live, 1);
    size_t calls = t.calls;
    CHECK(arena_alloc(&a, 9000) != NULL);
    CHECK_INT(t.calls, calls);
    arena_fini(&a);
    CHECK_INT(t.live, 0);
}

static void test_arena_large_request_leaves_room(void)
{
    struct test_mem t;
    struct arena a;
    test_mem_init(&t);
    arena_init(&a, &t.mem, 1000);
    char *p = arena_alloc(&a, 16);
    char *big = arena_alloc(&a, 5000);
    char *q = arena_alloc(&a, 16); /* still from the first chunk */
    CHECK(p != NULL && big != NULL && q > p && q < p + 1000);
    CHECK_INT(t.calls, 2);
    CHECK(arena_alloc(&a, SIZE_MAX) == NULL);
    CHECK(arena_alloc(&a, SIZE_MAX - 8) == NULL);
    arena_fini(&a);
    CHECK_INT(t.live, 0);
}

static void test_arena_strings(void)
{
    struct test_mem t;
    struct arena a;
    const struct str parts[] = {STR("ab"), STR_NONE, STR(""), STR("cde"), STR("f")};
    test_mem_init(&t);
    arena_init(&a, &t.mem, 100);
    CHECK_STR(arena_dup(&a, STR("hello")), "hello");
    CHECK(!str_is_set(arena_dup(&a, STR_NONE)));
    CHECK(str_is_set(arena_dup(&a, STR(""))));
    CHECK_STR(arena_join(&a, parts, ARRAY_LEN(parts)), "abcdef");
    struct str none = arena_join(&a, parts, 0);
    CHECK(none.n == 0 && str_is_set(none));
    CHECK_STR(arena_fmt(&a, "%s-%d", "x", 42), "x-42");
    CHECK_STR(arena_fmt(&a, "%s", ""), "");
    struct str wide = arena_fmt(&a, "%500d", 3);
    CHECK(wide.n == 500 && wide.p[0] == ' ' && wide.p[499] == '3');
    unsigned char *z = arena_zalloc(&a, 64);
    for (int i = 0; z != NULL && i < 64; i++) {
        CHECK_INT(z[i], 0);
    }
    arena_fini(&a);
    t.fail_at = t.calls + 1;
    t.fail_on = true;
    CHECK(arena_alloc(&a, 1) == NULL && arena_zalloc(&a, 1) == NULL);
    CHECK(!str_is_set(arena_dup(&a, STR("x"))));
    CHECK(!str_is_set(arena_join(&a, parts, ARRAY_LEN(parts))));
    CHECK(!str_is_set(arena_fmt(&a, "x")));
    CHECK(str_is_set(arena_dup(&a, STR(""))));
    t.fail_on = false;
    CHECK_STR(arena_dup(&a, STR("x")), "x"); /* and goes on when there is memory again */
    arena_fini(&a);
    CHECK_INT(t.live, 0);
}

/* ------------------------------------------------------------------------- pool */

static void test_pool_gives_and_takes(void)
{
    struct test_mem t;
    struct pool p;
    unsigned char *obj[100];
    test_mem_init(&t);
    pool_init(&p, &t.mem, 40, 8, 0);
    CHECK_INT(t.calls, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 100; i++) {
            obj[i] = pool_get(&p);
            REQUIRE(obj[i] != NULL);
            CHECK_INT((uintptr_t)obj[i] % 16, 0);
            for (int k = 0; k < 40; k++) {
                if (obj[i][k] != 0) {
                    CHECK_INT(obj[i][k], 0);
                }
            }
            memset(obj[i], i + 1, 40);
        }
        CHECK_INT(p.in_use, 100);
        for (int i = 0; i < 100; i++) {
            CHECK(obj[i][0] == i + 1 && obj[i][39] == i + 1);
            pool_put(&p, obj[i]);
        }
        CHECK_INT(p.in_use, 0);
    }
    CHECK_INT(t.calls, 13); /* 100 objects in slabs of 8; warm afterwards */
    pool_put(&p, NULL);
    pool_fini(&p);
    pool_fini(&p);
    CHECK_INT(t.live, 0);
}

static void test_pool_limit_and_no_memory(void)
{
    struct test_mem t;
    struct pool p;
    test_mem_init(&t);
    pool_init(&p, &t.mem, 1, 4, 3);
    void *a = pool_get(&p);
    void *b = pool_get(&p);
    void *c = pool_get(&p);
    CHECK(a != NULL && b != NULL && c != NULL && a != b && b != c && a != c);
    CHECK(pool_get(&p) == NULL);
    pool_put(&p, b);
    CHECK(pool_get(&p) == b);
    CHECK(pool_get(&p) == NULL);
    pool_fini(&p);
    pool_init(&p, &t.mem, 100, 2, 0);
    t.fail_at = t.calls + 2;
    CHECK(pool_get(&p) != NULL && pool_get(&p) != NULL);
    CHECK(pool_get(&p) == NULL); /* the second slab fails … */
    CHECK_INT(p.in_use, 2);
    CHECK(pool_get(&p) != NULL); /* … and the next try does not */
    pool_fini(&p);
    pool_init(&p, &t.mem, 1000, SIZE_MAX / 100, 0);
    CHECK(pool_get(&p) == NULL);
    pool_fini(&p);
    CHECK_INT(t.live, 0);
}

/* ------------------------------------------------------------------------- list */

struct item {
    int value;
    struct list link;
};

static int sum_of(struct list *head)
{
    int sum = 0;
    list_each(it, head)
    {
        sum = sum * 10 + list_entry(it, struct item, link)->value;
    }
    return sum;
}

static void test_list(void)
{
    struct list head = {0};
    struct item a = {1, {0}};
    struct item b = {2, {0}};
    struct item c = {3, {0}};
    CHECK(list_empty(&head) && sum_of(&head) == 0);
    list_init(&head);
    CHECK(list_empty(&head) && sum_of(&head) == 0);
    list_append(&head, &b.link);
    list_append(&head, &c.link);
    list_prepend(&head, &a.link);
    CHECK_INT(sum_of(&head), 123);
    CHECK(list_linked(&b.link) && !list_empty(&head));
    list_remove(&b.link);
    list_remove(&b.link);
    CHECK(!list_linked(&b.link));
    CHECK_INT(sum_of(&head), 13);
    list_insert_before(&c.link, &b.link);
    CHECK_INT(sum_of(&head), 123);
    list_each(it, &head)
    {
        list_remove(it);
    }
    CHECK(list_empty(&head));
}

/* -------------------------------------------------------------------------- map */

struct entry {
    struct map_node node;
    int key;
    bool in;
};

static struct entry *find(const struct map *m, int key, uint64_t hash)
{
    for (struct map_node *n = map_first(m, hash); n != NULL; n = map_next(n)) {
        struct entry *e = container_of(n, struct entry, node);
        if (e->key == key) {
            return e;
        }
    }
    return NULL;
}

/** Few distinct hashes, so that keys collide in full. */
static uint64_t hash_of(int key)
{
    return hash_mix(3, (uint64_t)key / 2);
}

#define ENTRIES 1000
static struct entry entries[ENTRIES];

/** Random additions and removals; after each some look-ups, now and then a whole walk. */
static void run_map(struct test_mem *t, size_t hint)
{
    struct map m;
    size_t count = 0;
    memset(entries, 0, sizeof(entries));
    REQUIRE(map_init(&m, &t->mem, hint) == 0);
    for (int step = 0; step < 20000; step++) {
        int key = (int)chance(ENTRIES);
        struct entry *e = &entries[key];
        e->key = key;
        if (e->in) {
            map_remove(&m, &e->node);
            map_remove(&m, &e->node);
            count--;
        } else {
            map_add(&m, &e->node, hash_of(key));
            count++;
        }
        e->in = !e->in;
        CHECK_INT(m.count, count);
        int other = (int)chance(ENTRIES);
        CHECK(find(&m, other, hash_of(other)) == (entries[other].in ? &entries[other] : NULL));
        if (step % 500 == 0) {
            size_t slot = 0;
            size_t seen = 0;
            for (struct map_node *n = map_walk(&m, &slot, NULL); n != NULL;
                 n = map_walk(&m, &slot, n)) {
                seen++;
                CHECK(container_of(n, struct entry, node)->in);
            }
            CHECK_INT(seen, count);
        }
    }
    map_fini(&m);
    CHECK(map_first(&m, 1) == NULL);
    map_fini(&m);
}

static void test_map_against_model(void)
{
    struct test_mem t;
    test_mem_init(&t);
    run_map(&t, 0);
    CHECK(t.calls > 5); /* it grew */
    CHECK_INT(t.live, 0);
    test_mem_init(&t);
    run_map(&t, ENTRIES);
    CHECK_INT(t.calls, 1); /* the hint was enough */
    CHECK_INT(t.live, 0);
}

static void test_map_without_memory_to_grow(void)
{
    struct test_mem t;
    struct map m;
    test_mem_init(&t);
    t.fail_at = 2;
    t.fail_on = true;
    run_map(&t, 0);
    CHECK(t.calls > 5);
    CHECK_INT(t.live, 0);
    t.fail_at = 1;
    CHECK_INT(map_init(&m, &t.mem, 8), E_NOMEM);
    CHECK(map_first(&m, 1) == NULL);
    size_t slot = 0;
    CHECK(map_walk(&m, &slot, NULL) == NULL);
    map_fini(&m);
    test_mem_init(&t);
    CHECK_INT(map_init(&m, &t.mem, SIZE_MAX), E_NOMEM);
    CHECK_INT(t.calls, 0);
}

/** While the map grows, what was there from the beginning is seen once. */
static void test_map_after_in_pieces(void)
{
    static struct map_node node[4000];
    static unsigned char seen[4000];
    struct map m;
    uint64_t place = 0, x = 1;
    size_t added = 1000, n = 0;
    REQUIRE(map_init(&m, &mem_libc, 4) == 0);
    CHECK(map_after(&m, &place) == NULL);
    memset(seen, 0, sizeof(seen));
    for (size_t i = 0; i < 1000; i++) {
        x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
        map_add(&m, &node[i], x);
    }
    place = 0;
    for (struct map_node *at; (at = map_after(&m, &place)) != NULL; n++) {
        seen[at - node]++;
        for (unsigned more = 0; more < 3 && added < 4000; more++) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
            map_add(&m, &node[added++], x);
        }
    }
    for (size_t i = 0; i < 4000; i++) {
        CHECK(seen[i] == 1 || (i >= 1000 && seen[i] == 0));
    }
    CHECK(n >= 1000 && added == 4000);
    map_fini(&m);
}

static void test_map_walk_while_removing(void)
{
    struct test_mem t;
    struct map m;
    size_t slot = 0;
    size_t gone = 0;
    test_mem_init(&t);
    memset(entries, 0, sizeof(entries));
    REQUIRE(map_init(&m, &t.mem, 0) == 0);
    for (int i = 0; i < ENTRIES; i++) {
        map_add(&m, &entries[i].node, hash_of(i));
    }
    struct map_node *next;
    for (struct map_node *n = map_walk(&m, &slot, NULL); n != NULL; n = next) {
        next = map_walk(&m, &slot, n);
        map_remove(&m, n);
        gone++;
    }
    CHECK_INT(gone, ENTRIES);
    CHECK_INT(m.count, 0);
    map_fini(&m);
    CHECK_INT(t.live, 0);
}

TEST_MAIN(T(test_mem_allocates), T(test_arena_keeps_what_it_gave),
          T(test_arena_is_warm_after_reset), T(test_arena_large_request_leaves_room),
          T(test_arena_strings), T(test_pool_gives_and_takes), T(test_pool_limit_and_no_memory),
          T(test_list), T(test_map_against_model), T(test_map_without_memory_to_grow),
          T(test_map_after_in_pieces), T(test_map_walk_while_removing))
