/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: their text, the table, who is slowed, who asks too much. */
#include "access/pace.h"
#include "access/slow.h"
#include "access/table.h"
#include "base/base64url.h"
#include "base/err.h"
#include "test.h"
#include <stdio.h>

#define NOW 1700000000000U

/* ---- an environment: memory that counts or fails, numbers that are no secret ---- */

struct place {
    struct test_mem mem;
    struct env env;
    uint64_t seed;
    struct access_table t;
    char gone[512];
};

static void numbers(void *ctx, void *out, size_t n)
{
    struct place *p = ctx;
    for (size_t i = 0; i < n; i++) {
        p->seed = p->seed * 6364136223846793005U + 1442695040888963407U;
        ((uint8_t *)out)[i] = (uint8_t)(p->seed >> 56);
    }
}

static void on_gone(void *ctx, const struct access_entry *e)
{
    struct place *p = ctx;
    size_t n = strlen(p->gone);
    CHECK(e->who.gone);
    CHECK(n + e->who.name.n + 2 < sizeof(p->gone));
    memcpy(p->gone + n, e->who.name.p, e->who.name.n);
    memcpy(p->gone + n + e->who.name.n, " ", 2);
}

static void up(struct place *p, const struct access_limits *limits)
{
    static const struct access_limits none;
    memset(p, 0, sizeof(*p));
    test_mem_init(&p->mem);
    p->env = (struct env){.ctx = p, .mem = p->mem.mem, .random = numbers};
    CHECK_INT(access_table_init(&p->t, &p->env, limits != NULL ? limits : &none), 0);
    p->t.on_gone = on_gone;
    p->t.gone_ctx = p;
}

static void down(struct place *p)
{
    access_table_fini(&p->t);
    CHECK_INT(p->mem.live, 0);
}

static const struct access_scope control_10[] = {{STR_INIT("10*"), ACCESS_CONTROL},
                                                 {STR_INIT("*"), ACCESS_OBSERVE}};
static const struct access_scope all[] = {{.kind = ACCESS_ADMIN}};
static const struct access_scope see_10[] = {{STR_INIT("10*"), ACCESS_OBSERVE}};
static const struct access_scope see_1001[] = {{STR_INIT("1001"), ACCESS_OBSERVE}};

static int create(struct place *p, const char *name, uint64_t expires_ms,
                  struct access_fresh *text)
{
    const struct access_entry *e = NULL;
    struct access_order o = {.name = str_c(name),
                             .by = STR("uid:0"),
                             .scopes = control_10,
                             .count = 2,
                             .now_ms = NOW,
                             .expires_ms = expires_ms};
    return access_create(&p->t, &o, text, &e);
}

static struct str text_of(const struct access_fresh *f)
{
    return str_make(f->text, sizeof(f->text));
}

static enum access_verdict find(struct place *p, const struct access_fresh *f, uint64_t now_ms,
                                const struct access_principal **out)
{
    return access_find(&p->t, text_of(f), STR_NONE, now_ms, out);
}

/* ---- text ---- */

static void test_text(void)
{
    struct place p;
    struct access_fresh a, b;
    struct access_claim claim;
    up(&p, NULL);
    CHECK_INT(access_token_make(&p.env, &a), 0);
    CHECK_INT(access_token_make(&p.env, &b), 0);
    CHECK(!str_eq(text_of(&a), text_of(&b)));
    CHECK(str_starts(text_of(&a), STR("bt_")));
    CHECK_INT(access_token_read(text_of(&a), &claim), 0);
    CHECK(access_hash_eq(claim.hash, a.hash));
    CHECK(!access_hash_eq(claim.hash, b.hash));
    CHECK_BYTES(claim.id, str_make(a.text + 3, ACCESS_ID));
    CHECK_BYTES(access_token_id(text_of(&a)), claim.id);
    /* every prefix, in memory that ends where it ends */
    for (size_t n = 0; n < ACCESS_TEXT; n++) {
        struct str cut = test_guard(str_upto(text_of(&a), n));
        CHECK_INT(access_token_read(cut, &claim), E_SYNTAX);
        test_guard_free(cut);
    }
    /* every octet another one: no token, or another hash */
    for (size_t i = 0; i < ACCESS_TEXT; i++) {
        struct access_fresh c = a;
        c.text[i] = c.text[i] == 'x' ? 'y' : 'x';
        int err = access_token_read(text_of(&c), &claim);
        CHECK(err == E_SYNTAX || !access_hash_eq(claim.hash, a.hash) ||
              !str_eq(claim.id, str_make(a.text + 3, ACCESS_ID)));
        c.text[i] = '\0';
        CHECK_INT(access_token_read(text_of(&c), &claim), E_SYNTAX);
    }
    /* known: SHA-256 of 32 zeros */
    char zeros[] = "bt_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const uint8_t want[] = {0x66, 0x68, 0x7a, 0xad, 0xf8, 0x62, 0xbd, 0x77};
    CHECK_INT(access_token_read(str_c(zeros), &claim), 0);
    CHECK(memcmp(claim.hash, want, sizeof(want)) == 0);
    down(&p);
}

/* ---- life ---- */

static void test_create_find_revoke(void)
{
    struct place p;
    struct access_fresh a, b, wrong;
    const struct access_principal *who, *again;
    up(&p, NULL);
    CHECK_INT(create(&p, "crm-1", 0, &a), 0);
    CHECK_INT(create(&p, "wall", NOW + 5000, &b), 0);
    CHECK_INT(create(&p, "crm-1", 0, &wrong), E_EXISTS);
    CHECK_INT(find(&p, &a, NOW, &who), ACCESS_OK);
    REQUIRE(who != NULL);
    CHECK_STR(who->name, "token:crm-1");
    CHECK(access_control(who, STR("1001")) && access_observe(who, STR("2001")));
    CHECK(!access_control(who, STR("2001")) && !who->admin);
    CHECK_INT(access_token(&p.t, STR("crm-1"))->used_ms, NOW);
    CHECK_STR(access_token(&p.t, STR("crm-1"))->by, "uid:0");
    /* the secret of another one, and an id that nobody has */
    wrong = a;
    memcpy(wrong.text + 3, b.text + 3, ACCESS_ID);
    CHECK_INT(find(&p, &wrong, NOW, &again), ACCESS_UNKNOWN);
    memset(wrong.text + 3, '0', ACCESS_ID);
    CHECK_INT(find(&p, &wrong, NOW, &again), ACCESS_UNKNOWN);
    CHECK_INT(access_find(&p.t, STR("crm-1"), STR_NONE, NOW, &again), ACCESS_UNKNOWN);
    CHECK(again == NULL);
    /* revoked while somebody holds it */
    CHECK_INT(access_revoke(&p.t, STR("nobody")), E_NOTFOUND);
    CHECK_INT(access_revoke(&p.t, access_token_id(text_of(&a))), 0);
    CHECK_STR(str_c(p.gone), "token:crm-1 ");
    CHECK(!access_control(who, STR("1001")) && !access_alive(who, NOW));
    CHECK_STR(who->name, "token:crm-1");
    access_release(who);
    CHECK_INT(find(&p, &a, NOW, &again), ACCESS_UNKNOWN);
    /* expired: it is told so, and stands in the list until it is revoked */
    CHECK_INT(find(&p, &b, NOW + 4999, &who), ACCESS_OK);
    CHECK_INT(find(&p, &b, NOW + 5000, &again), ACCESS_EXPIRED);
    CHECK_INT(access_sweep(&p.t, NOW + 4999), NOW + 5000);
    CHECK_STR(str_c(p.gone), "token:crm-1 ");
    CHECK(access_sweep(&p.t, NOW + 5000) == UINT64_MAX);
    CHECK_STR(str_c(p.gone), "token:crm-1 token:wall ");
    CHECK_INT(find(&p, &b, NOW, &again), ACCESS_EXPIRED);
    access_release(who);
    CHECK(access_next(&p.t, NULL) != NULL);
    CHECK_INT(access_revoke(&p.t, STR("wall")), 0);
    CHECK_STR(str_c(p.gone), "token:crm-1 token:wall ");
    CHECK(access_next(&p.t, NULL) == NULL);
    down(&p);
}

static void test_refused(void)
{
    static const struct access_limits two = {.max_tokens = 2};
    struct place p;
    struct access_fresh f;
    char big[ACCESS_NAME_MAX + 2];
    up(&p, &two);
    memset(big, 'a', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    CHECK_INT(create(&p, "", 0, &f), E_VALUE);
    CHECK_INT(create(&p, "a b", 0, &f), E_VALUE);
    CHECK_INT(create(&p, "a\"b", 0, &f), E_VALUE);
    CHECK_INT(create(&p, big, 0, &f), E_VALUE);
    CHECK_INT(create(&p, "a", NOW, &f), E_VALUE);
    CHECK_INT(create(&p, big + 1, 0, &f), 0);
    CHECK_INT(create(&p, "b", NOW + 1, &f), 0);
    CHECK_INT(create(&p, "c", 0, &f), E_TOOMANY);
    CHECK_INT(access_revoke(&p.t, STR("b")), 0);
    CHECK_INT(create(&p, "c", 0, &f), 0);
    struct access_order none = {.name = STR("d"), .now_ms = NOW};
    const struct access_entry *e;
    CHECK_INT(access_create(&p.t, &none, &f, &e), E_VALUE);
    down(&p);
}

/* ---- pages ---- */

#define PAGE STR("https://crm.example.com")

static int browser(struct place *p, const struct access_principal *asker, struct str origin,
                   const struct access_scope *scopes, size_t n, uint64_t expires_ms,
                   struct access_fresh *text)
{
    const struct access_entry *e = NULL;
    struct access_order o = {
        .scopes = scopes, .count = n, .now_ms = NOW, .expires_ms = expires_ms};
    return access_create_browser(&p->t, asker, origin, &o, text, &e);
}

static void test_browser(void)
{
    char name[128];
    struct place p;
    struct access_fresh f, page, second;
    const struct access_principal *asker, *who;
    up(&p, NULL);
    CHECK_INT(create(&p, "crm", 0, &f), 0);
    CHECK_INT(find(&p, &f, NOW, &asker), ACCESS_OK);
    CHECK_INT(browser(&p, asker, PAGE, see_1001, 1, 0, &page), 0);
    CHECK_INT(access_find(&p.t, text_of(&page), PAGE, NOW, &who), ACCESS_OK);
    CHECK(str_starts(who->name, STR("browser:token:crm~")));
    CHECK_STR(who->entry->family, "browser:token:crm");
    (void)snprintf(name, sizeof(name), "%.*s ", STR_ARG(who->name));
    CHECK(access_observe(who, STR("1001")) && !access_observe(who, STR("1002")));
    CHECK_INT(who->expires_ms, NOW + ACCESS_BROWSER_MAX_MS);
    /* it asks for another one, as pages do before the first ends */
    CHECK_INT(browser(&p, who, PAGE, NULL, 0, NOW + 1000, &second), 0);
    CHECK_INT(browser(&p, who, PAGE, see_10, 1, 0, &second), E_DENIED);
    access_release(who);
    /* of another page; of none: a page asks its own server so (GET of the same origin) */
    CHECK_INT(access_find(&p.t, text_of(&page), STR("https://evil.example"), NOW, &who),
              ACCESS_ELSEWHERE);
    CHECK_INT(access_find(&p.t, text_of(&page), STR("null"), NOW, &who), ACCESS_ELSEWHERE);
    CHECK_INT(find(&p, &page, NOW, &who), ACCESS_OK);
    access_release(who);
    /* more than the asker has */
    CHECK_INT(browser(&p, asker, PAGE, all, 1, 0, &second), E_DENIED);
    CHECK_INT(browser(&p, asker, PAGE, control_10, 2, 0, &second), 0);
    CHECK_INT(browser(&p, asker, STR("crm.example.com"), NULL, 0, 0, &second), E_VALUE);
    CHECK_INT(browser(&p, asker, STR("https://crm.example.com/"), NULL, 0, 0, &second),
              E_VALUE);
    CHECK_INT(browser(&p, asker, STR("https://"), NULL, 0, 0, &second), E_VALUE);
    /* one second, then it is gone, and forgotten */
    CHECK_INT(access_sweep(&p.t, NOW + 1000), NOW + ACCESS_BROWSER_MAX_MS);
    CHECK_STR(str_c(p.gone), name); /* the same again, not a longer one each time */
    /* what pages have ends with the token that asked for it */
    CHECK_INT(access_revoke(&p.t, STR("crm")), 0);
    CHECK_INT(find(&p, &page, NOW, &who), ACCESS_UNKNOWN);
    CHECK_INT(browser(&p, asker, PAGE, NULL, 0, 0, &page), E_DENIED);
    CHECK(access_next(&p.t, NULL) == NULL);
    access_release(asker);
    down(&p);
}

/** What belongs to a name belongs to all who have it: pages that may not the same have
   different ones, and yet share what their token may ask. */
static void test_browser_names(void)
{
    struct place p;
    struct access_fresh f, page[4];
    const struct access_principal *asker, *who[4];
    up(&p, NULL);
    CHECK_INT(create(&p, "crm", 0, &f), 0);
    CHECK_INT(find(&p, &f, NOW, &asker), ACCESS_OK);
    CHECK_INT(browser(&p, asker, PAGE, see_1001, 1, 0, &page[0]), 0);
    CHECK_INT(browser(&p, asker, PAGE, see_1001, 1, 0, &page[1]), 0);
    CHECK_INT(browser(&p, asker, PAGE, see_10, 1, 0, &page[2]), 0);
    CHECK_INT(browser(&p, asker, PAGE, NULL, 0, 0, &page[3]), 0);
    for (size_t i = 0; i < ARRAY_LEN(page); i++) {
        REQUIRE(find(&p, &page[i], NOW, &who[i]) == ACCESS_OK);
        CHECK_STR(who[i]->entry->family, "browser:token:crm");
    }
    CHECK(str_eq(who[0]->name, who[1]->name));
    CHECK(!str_eq(who[0]->name, who[2]->name));
    CHECK_STR(who[3]->name, "browser:token:crm"); /* it may what its token may */
    for (size_t i = 0; i < ARRAY_LEN(page); i++) {
        access_release(who[i]);
    }
    access_release(asker);
    down(&p);
}

/** Pages of one token do not put those of another one out. */
static void test_browser_families(void)
{
    static const struct access_limits six = {.max_browser = 6};
    struct place p;
    struct access_fresh f, g, modest, greedy;
    const struct access_principal *one, *other, *who;
    up(&p, &six);
    CHECK_INT(create(&p, "modest", 0, &f), 0);
    CHECK_INT(create(&p, "greedy", 0, &g), 0);
    CHECK_INT(find(&p, &f, NOW, &one), ACCESS_OK);
    CHECK_INT(find(&p, &g, NOW, &other), ACCESS_OK);
    CHECK_INT(browser(&p, one, PAGE, NULL, 0, NOW + 1000, &modest), 0);
    for (int i = 0; i < 20; i++) {
        CHECK_INT(browser(&p, other, PAGE, NULL, 0, 0, &greedy), 0);
    }
    CHECK_INT(find(&p, &greedy, NOW, &who), ACCESS_OK);
    access_release(who);
    CHECK_INT(find(&p, &modest, NOW, &who), ACCESS_OK);
    access_release(who);
    access_release(one);
    access_release(other);
    down(&p);
}

static void test_browser_bounded(void)
{
    static const struct access_limits two = {.max_browser = 2};
    struct place p;
    struct access_fresh f, page[3];
    const struct access_principal *asker, *who;
    up(&p, &two);
    CHECK_INT(create(&p, "crm", NOW + 30000, &f), 0);
    CHECK_INT(find(&p, &f, NOW, &asker), ACCESS_OK);
    CHECK_INT(browser(&p, asker, PAGE, NULL, 0, 0, &page[0]), 0);
    CHECK_INT(browser(&p, asker, PAGE, NULL, 0, NOW + 10, &page[1]), 0);
    CHECK_INT(browser(&p, asker, PAGE, NULL, 0, 0, &page[2]), 0);
    CHECK_INT(find(&p, &page[1], NOW, &who), ACCESS_UNKNOWN);
    CHECK_INT(find(&p, &page[0], NOW, &who), ACCESS_OK);
    CHECK_INT(who->expires_ms, NOW + 30000); /* no later than the asker's */
    access_release(who);
    access_release(asker);
    down(&p);
}

/* ---- others ---- */

static void test_local(void)
{
    struct place p;
    up(&p, NULL);
    const struct access_principal *a = access_local(&p.t, 0, NOW);
    const struct access_principal *b = access_local(&p.t, 0, NOW);
    const struct access_principal *c = access_local(&p.t, 1000, NOW);
    REQUIRE(a != NULL && c != NULL);
    CHECK(a == b && a != c);
    CHECK_STR(c->name, "uid:1000");
    CHECK(access_is_admin(a));
    /* it is no token */
    CHECK_INT(access_revoke(&p.t, STR("uid:0")), E_NOTFOUND);
    access_release(a);
    access_release(b);
    access_release(c);
    down(&p);
}

static void test_certificates(void)
{
    static const struct access_client first[] = {
        {STR_INIT("wall.example.com"), see_10, 1},
        {STR_INIT("acd"), control_10, 2},
    };
    static const struct access_client second[] = {
        {STR_INIT("acd"), see_10, 1},
        {STR_INIT("wall.example.com"), see_10, 1},
    };
    struct place p;
    struct access_fresh page;
    up(&p, NULL);
    CHECK_INT(access_set_clients(&p.t, first, 2), 0);
    const struct access_principal *wall =
        access_certificate(&p.t, STR("WALL.example.com"), NOW);
    const struct access_principal *acd = access_certificate(&p.t, STR("acd"), NOW);
    REQUIRE(wall != NULL && acd != NULL);
    CHECK_STR(wall->name, "certificate:wall.example.com");
    CHECK(access_control(acd, STR("1001")));
    CHECK(access_certificate(&p.t, STR("nobody"), NOW) == NULL);
    CHECK(access_certificate(&p.t, STR_NONE, NOW) == NULL);
    CHECK_INT(browser(&p, acd, PAGE, NULL, 0, 0, &page), 0);
    /* another configuration: who is as he was stays, the other ends with what he asked for */
    CHECK_INT(access_set_clients(&p.t, second, 2), 0);
    CHECK_STR(str_c(p.gone), "browser:certificate:acd certificate:acd ");
    CHECK(access_observe(wall, STR("1001")) && !access_observe(acd, STR("1001")));
    access_release(acd);
    acd = access_certificate(&p.t, STR("acd"), NOW);
    REQUIRE(acd != NULL);
    CHECK(access_observe(acd, STR("1001")) && !access_control(acd, STR("1001")));
    CHECK_INT(access_set_clients(&p.t, NULL, 0), 0);
    CHECK(!access_observe(wall, STR("1001")));
    access_release(acd);
    access_release(wall);
    down(&p);
}

/* ---- rows ---- */

static void test_rows(void)
{
    struct place p, q;
    struct access_fresh f;
    const struct access_principal *who;
    char buf[512];
    struct out o;
    up(&p, NULL);
    up(&q, NULL);
    CHECK_INT(create(&p, "crm", NOW + 9000, &f), 0);
    const struct access_entry *e = access_token(&p.t, STR("crm"));
    out_init(&o, buf, sizeof(buf));
    access_pack(&o, e);
    CHECK(!o.over);
    /* the secret is not in it */
    CHECK_INT(str_find(out_str_of(&o), str_make(f.text + 16, 43)), o.n);
    for (size_t n = 0; n < o.n; n++) {
        struct str cut = test_guard(str_upto(out_str_of(&o), n));
        int err = access_restore(&q.t, e->id, cut);
        CHECK(err == E_SYNTAX || err == E_VERSION);
        test_guard_free(cut);
    }
    CHECK(access_next(&q.t, NULL) == NULL);
    CHECK_INT(access_restore(&q.t, STR("short"), out_str_of(&o)), E_SYNTAX);
    CHECK_INT(access_restore(&q.t, e->id, out_str_of(&o)), 0);
    CHECK_INT(access_restore(&q.t, e->id, out_str_of(&o)), E_EXISTS);
    CHECK_INT(find(&q, &f, NOW, &who), ACCESS_OK);
    CHECK_STR(who->name, "token:crm");
    CHECK(access_control(who, STR("1001")) && access_observe(who, STR("2001")));
    CHECK_INT(who->expires_ms, NOW + 9000);
    CHECK_INT(who->entry->created_ms, NOW);
    CHECK_STR(who->entry->by, "uid:0");
    access_release(who);
    CHECK_INT(find(&q, &f, NOW + 9000, &who), ACCESS_EXPIRED);
    down(&p);
    down(&q);
}

static void test_without_memory(void)
{
    static const struct access_client client[] = {{STR_INIT("acd"), control_10, 2},
                                                  {STR_INIT("wall"), see_10, 1}};
    struct place p;
    bool whole = false;
    for (size_t at = 1; !whole && at < 100; at++) {
        struct access_fresh f, page;
        up(&p, NULL);
        p.mem.fail_at = p.mem.calls + at;
        const struct access_principal *a = access_local(&p.t, 0, NOW);
        int err = create(&p, "crm", 0, &f);
        CHECK(err == 0 || err == E_NOMEM);
        if (a != NULL) {
            err = browser(&p, a, PAGE, NULL, 0, 0, &page);
            CHECK(err == 0 || err == E_NOMEM);
        }
        err = access_set_clients(&p.t, client, 2);
        CHECK(err == 0 ? p.t.count[ACCESS_CERTIFICATE] == 2
                       : err == E_NOMEM && p.t.count[ACCESS_CERTIFICATE] == 0);
        whole = p.mem.calls < p.mem.fail_at;
        p.mem.fail_at = 0;
        access_release(a);
        down(&p);
    }
    CHECK(whole);
}

/* ---- who guesses ---- */

static void test_slow(void)
{
    struct place p;
    struct access_slow s;
    struct addr a, b, net1, net2;
    bool begins;
    up(&p, NULL);
    CHECK_INT(access_slow_init(&s, &p.env, 0), 0);
    addr_parse(STR("192.0.2.1:1"), &a);
    addr_parse(STR("[::ffff:192.0.2.1]:2"), &b);
    addr_parse(STR("[2001:db8::1]:1"), &net1);
    addr_parse(STR("[2001:db8::ffff:1]:1"), &net2);
    uint64_t now = 100000;
    for (int i = 0; i < 5; i++) {
        CHECK_INT(access_slow_failed(&s, &a, now, &begins), 0);
        CHECK(!begins);
    }
    CHECK_INT(access_slow_failed(&s, &b, now, &begins), 1); /* the same one */
    CHECK(begins);
    CHECK_INT(access_slow_failed(&s, &a, now + 500, &begins), 1); /* it did not wait */
    CHECK(!begins);
    uint32_t wait = 1;
    static const uint32_t waits[] = {2, 4, 8, 16, 32, 60, 60};
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        now += wait * 1000;
        wait = access_slow_failed(&s, &a, now, &begins);
        CHECK_INT(wait, waits[i]);
    }
    /* others are not slowed, a /64 is one, slow guesses are forgiven, so is who was quiet */
    CHECK_INT(access_slow_failed(&s, &net1, now, NULL), 0);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(access_slow_failed(&s, &net2, now, NULL), 0);
    }
    CHECK_INT(access_slow_failed(&s, &net1, now, NULL), 1);
    now += 11 * 60 * 1000;
    for (int i = 0; i < 20; i++) {
        CHECK_INT(access_slow_failed(&s, &a, now, NULL), 0);
        now += 20000;
    }
    access_slow_fini(&s);
    /* bounded */
    CHECK_INT(access_slow_init(&s, &p.env, 2), 0);
    for (int i = 0; i < 6; i++) {
        (void)access_slow_failed(&s, &a, now, NULL);
    }
    (void)access_slow_failed(&s, &net1, now, NULL);
    CHECK_INT(access_slow_failed(&s, &a, now, NULL), 1);
    addr_parse(STR("192.0.2.2:1"), &b);
    (void)access_slow_failed(&s, &b, now, NULL); /* net1 is forgotten, not a */
    CHECK_INT(access_slow_failed(&s, &a, now, NULL), 1);
    CHECK_INT(s.pool.in_use, 2);
    access_slow_fini(&s);
    down(&p);
}

/* ---- who asks too much ---- */

static void test_pace_of_requests(void)
{
    struct place p;
    struct access_pace a;
    const struct access_pace_limits ten = {.per_s = 10}, none = {0};
    uint64_t now = 5000;
    up(&p, NULL);
    CHECK_INT(access_pace_init(&a, &p.env, &ten), 0);
    for (int i = 0; i < 20; i++) { /* two seconds' worth at once */
        CHECK_INT(access_pace_ask(&a, STR("token:a"), now), 0);
    }
    CHECK_INT(access_pace_ask(&a, STR("token:a"), now), 100);
    CHECK_INT(access_pace_ask(&a, STR("token:a"), now + 40), 60); /* asking costs nothing */
    CHECK_INT(access_pace_ask(&a, STR("token:b"), now), 0);
    CHECK_INT(access_pace_ask(&a, STR("token:a"), now + 100), 0);
    CHECK_INT(access_pace_ask(&a, STR("token:a"), now + 100), 100);
    now += 60000; /* and no more than that is saved */
    for (int i = 0; i < 20; i++) {
        CHECK_INT(access_pace_ask(&a, STR("token:a"), now), 0);
    }
    CHECK(access_pace_ask(&a, STR("token:a"), now) > 0);
    access_pace_fini(&a);
    CHECK_INT(access_pace_init(&a, &p.env, &none), 0);
    for (int i = 0; i < 1000; i++) {
        CHECK_INT(access_pace_ask(&a, STR("token:a"), now), 0);
    }
    access_pace_fini(&a);
    down(&p);
}

static void test_pace_of_streams(void)
{
    struct place p;
    struct access_pace a;
    const struct access_pace_limits limits = {.per_s = 1, .streams = 2, .names = 2};
    up(&p, NULL);
    CHECK_INT(access_pace_init(&a, &p.env, &limits), 0);
    CHECK(access_pace_enter(&a, STR("token:a")));
    CHECK(access_pace_enter(&a, STR("token:a")));
    CHECK(!access_pace_enter(&a, STR("token:a")));
    CHECK(access_pace_enter(&a, STR("token:b")));
    /* the table is full of those who hold some: a third one is let in, and nobody forgotten */
    CHECK(access_pace_enter(&a, STR("token:c")));
    access_pace_leave(&a, STR("token:c"));
    CHECK(!access_pace_enter(&a, STR("token:a")));
    access_pace_leave(&a, STR("token:a"));
    CHECK(access_pace_enter(&a, STR("token:a")));
    CHECK(!access_pace_enter(&a, STR("token:a")));
    /* who holds none gives way */
    access_pace_leave(&a, STR("token:b"));
    access_pace_leave(&a, STR("token:b"));
    for (int i = 0; i < 3; i++) {
        CHECK(access_pace_enter(&a, STR("token:c")) == (i < 2));
    }
    CHECK_INT(a.pool.in_use, 2);
    access_pace_fini(&a);
    down(&p);
}

static void test_pace_without_memory(void)
{
    struct place p;
    const struct access_pace_limits limits = {.per_s = 1, .streams = 1};
    bool whole = false;
    for (size_t fail = 1; !whole; fail++) {
        struct access_pace a;
        up(&p, NULL);
        p.mem.fail_at = p.mem.calls + fail;
        if (access_pace_init(&a, &p.env, &limits) == 0) {
            whole = p.mem.fail_at > p.mem.calls;
            (void)access_pace_ask(&a, STR("token:a"), 1);
            CHECK(access_pace_enter(&a, STR("token:a"))); /* nobody is refused for that */
            access_pace_leave(&a, STR("token:a"));
        }
        access_pace_fini(&a);
        down(&p);
    }
}

TEST_MAIN(T(test_text), T(test_create_find_revoke), T(test_refused), T(test_browser),
          T(test_browser_names), T(test_browser_families), T(test_browser_bounded),
          T(test_local), T(test_certificates), T(test_rows), T(test_without_memory),
          T(test_slow), T(test_pace_of_requests), T(test_pace_of_streams),
          T(test_pace_without_memory))
