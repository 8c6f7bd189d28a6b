/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard: see guard.h.
 *
 * The three tables hold one kind of entry each under a keyed hash of 64 bits, which nobody can
 * aim at; two sources with the same hash would be one source. An entry is a hundred octets.
 */
#include "engine/guard.h"

#include "base/err.h"
#include "sip/hdr.h"

enum { PROVEN_MS = 24 * 3600 * 1000, MILLI = 1000 };

struct guard_entry {
    struct map_node node;
    struct list link;
    uint64_t filled_ms; /**< sources: when `tokens` was right */
    uint64_t tokens;    /**< in thousandths of a request */
    uint64_t window_ms; /**< when counting offences began */
    uint64_t until_ms;  /**< sources: banned; proven: known until then */
    uint64_t slow_ms;   /**< credentials are not looked at until then */
    uint32_t offences;
    uint8_t bans;  /**< in a row */
    uint8_t wrong; /**< credentials in a row */
};

/* ---- tables ---- */

static int table_init(struct guard_table *t, const struct mem *mem, size_t max)
{
    list_init(&t->quiet);
    pool_init(&t->pool, mem, sizeof(struct guard_entry), 64, max);
    return map_init(&t->map, mem, 64);
}

static void table_fini(struct guard_table *t)
{
    map_fini(&t->map);
    pool_fini(&t->pool);
}

static struct guard_entry *find(const struct guard_table *t, uint64_t key)
{
    struct map_node *n = map_first(&t->map, key);
    return n == NULL ? NULL : container_of(n, struct guard_entry, node);
}

static void drop_oldest(struct guard *g, struct guard_table *t)
{
    struct guard_entry *e = container_of(t->quiet.next, struct guard_entry, link);
    map_remove(&t->map, &e->node);
    list_remove(&e->link);
    pool_put(&t->pool, e);
    g->evicted++;
}

/** The entry, made when there is none; it was heard of now. NULL: no memory. */
static struct guard_entry *touch(struct guard *g, struct guard_table *t, uint64_t key,
                                 uint64_t now_ms)
{
    struct guard_entry *e = find(t, key);
    if (e == NULL) {
        if (t->pool.in_use == t->pool.limit) {
            drop_oldest(g, t);
        }
        e = pool_get(&t->pool);
        if (e == NULL) {
            return NULL;
        }
        e->filled_ms = now_ms;
        e->window_ms = now_ms;
        e->tokens = (uint64_t)g->config.burst * MILLI;
        map_add(&t->map, &e->node, key);
    } else {
        list_remove(&e->link);
    }
    list_append(&t->quiet, &e->link);
    return e;
}

/* ---- keys ---- */

static uint64_t key_of_source(const struct guard *g, const struct addr *a)
{
    return hash_bytes(&g->key, addr_source(a));
}

static uint64_t key_of_user(const struct guard *g, struct str user)
{
    return hash_mix(hash_ibytes(&g->key, user), 1);
}

static uint64_t key_of_pair(const struct guard *g, struct str user, const struct addr *a)
{
    return hash_mix(key_of_user(g, user), key_of_source(g, a));
}

struct str guard_claim(const struct sip_msg *m)
{
    const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_AUTHORIZATION);
    struct sip_credentials c;
    struct sip_addr from;
    struct str key;
    struct str value;
    for (; h != NULL; h = sip_msg_next_line(m, h)) {
        if (sip_credentials_parse(sip_hdr_value(m, h), &c) != 0) {
            continue;
        }
        while (sip_credentials_next(&c.params, &key, &value)) {
            if (str_ieq(key, STR("username"))) {
                return value;
            }
        }
    }
    return sip_msg_addr(m, SIP_HDR_FROM, &from) == 0 ? from.uri.user : STR_NONE;
}

/** The entry of who has proven to be that user from there, or NULL. */
static struct guard_entry *proven(const struct guard *g, const struct sip_msg *m,
                                  const struct addr *from, uint64_t now_ms)
{
    struct str user = guard_claim(m);
    struct guard_entry *e = user.n == 0 ? NULL : find(&g->proven, key_of_pair(g, user, from));
    return e != NULL && e->until_ms > now_ms ? e : NULL;
}

/* ---- scanners ---- */

static bool holds(struct str text, struct str what)
{
    for (size_t i = 0; what.n > 0 && i + what.n <= text.n; i++) {
        if (str_istarts(str_from(text, i), what)) {
            return true;
        }
    }
    return false;
}

static bool is_scanner_user(const struct guard *g, const struct sip_msg *m, enum sip_hdr_id id)
{
    struct sip_addr addr;
    if (g->config.scanner_user_count == 0 || sip_msg_addr(m, id, &addr) != 0) {
        return false;
    }
    for (size_t i = 0; i < g->config.scanner_user_count; i++) {
        if (str_ieq(addr.uri.user, g->config.scanner_users[i])) {
            return true;
        }
    }
    return false;
}

static bool is_scanner(const struct guard *g, const struct sip_msg *m)
{
    struct str agent = sip_msg_value(m, SIP_HDR_USER_AGENT);
    for (size_t i = 0; i < g->config.scanner_count; i++) {
        if (holds(str_upto(agent, 256), g->config.scanners[i])) {
            return true;
        }
    }
    return is_scanner_user(g, m, SIP_HDR_FROM) || is_scanner_user(g, m, SIP_HDR_TO);
}

/* ---- judging ---- */

/** Take one request off the source's bucket. @return false: it is empty */
static bool take_token(const struct guard *g, struct guard_entry *e, uint64_t now_ms)
{
    uint64_t most = (uint64_t)g->config.burst * MILLI;
    uint64_t gone = now_ms - e->filled_ms;
    /* a source that was silent for long has its bucket full, without a product that wraps */
    uint64_t more = gone > most ? most : gone * g->config.rate;
    e->tokens = e->tokens + more > most ? most : e->tokens + more;
    e->filled_ms = now_ms;
    if (e->tokens < MILLI) {
        return false;
    }
    e->tokens -= MILLI;
    return true;
}

static bool is_slowed(const struct guard *g, const struct sip_msg *m,
                      const struct guard_entry *source, uint64_t now_ms)
{
    if (!sip_msg_has(m, SIP_HDR_AUTHORIZATION)) {
        return false;
    }
    const struct guard_entry *user = find(&g->users, key_of_user(g, guard_claim(m)));
    return (source != NULL && source->slow_ms > now_ms) ||
           (user != NULL && user->slow_ms > now_ms);
}

static bool spared(const struct guard *g, const struct addr *from)
{
    return addr_is_loopback(from) && !g->config.loopback;
}

enum guard_verdict guard_request(struct guard *g, const struct sip_msg *m,
                                 const struct hop *from, uint64_t now_ms)
{
    if (spared(g, &from->remote)) {
        return GUARD_PASS;
    }
    if (is_scanner(g, m)) {
        g->scanners++;
        return GUARD_DROP;
    }
    struct guard_entry *e = find(&g->sources, key_of_source(g, &from->remote));
    struct guard_entry *known = proven(g, m, &from->remote, now_ms);
    bool banned = e != NULL && e->until_ms > now_ms;
    bool slowed = !banned && is_slowed(g, m, e, now_ms);
    if ((banned || slowed) && known == NULL) {
        *(banned ? &g->banned : &g->slowed) += 1;
        if (slowed && e != NULL &&
            e->slow_ms > now_ms) { /* it is he who guesses, and goes on */
            (void)guard_offend(g, &from->remote, GUARD_WRONG, now_ms);
        }
        return GUARD_DROP;
    }
    if (g->config.rate == 0) {
        return GUARD_PASS;
    }
    e = known != NULL ? known : touch(g, &g->sources, key_of_source(g, &from->remote), now_ms);
    if (e == NULL || take_token(g, e, now_ms)) {
        return GUARD_PASS;
    }
    g->limited++;
    return transport_is_reliable((enum transport)from->transport) ? GUARD_LIMIT : GUARD_DROP;
}

bool guard_is_banned(const struct guard *g, const struct addr *from, uint64_t now_ms)
{
    const struct guard_entry *e;
    if (g->banned_until_ms <= now_ms) {
        return false; /* nobody is: this is asked for every message */
    }
    e = find(&g->sources, key_of_source(g, from));
    return e != NULL && e->until_ms > now_ms && !spared(g, from);
}

/* ---- offences ---- */

/** first, then doubled `times` times, at most `most` */
static uint64_t doubled(uint32_t first, unsigned times, uint32_t most)
{
    uint64_t n = first;
    while (times-- > 0 && n < most) {
        n *= 2;
    }
    return n < most ? n : most;
}

static uint32_t ban(struct guard *g, struct guard_entry *e, uint64_t now_ms)
{
    /* good behaviour for as long as the longest ban is forgiven */
    if (e->bans > 0 && now_ms > e->until_ms + (uint64_t)g->config.max_ban_s * MILLI) {
        e->bans = 0;
    }
    uint64_t for_s = doubled(g->config.ban_s, e->bans, g->config.max_ban_s);
    e->bans = e->bans < UINT8_MAX ? (uint8_t)(e->bans + 1) : e->bans;
    e->until_ms = now_ms + for_s * MILLI;
    if (g->banned_until_ms < e->until_ms) {
        g->banned_until_ms = e->until_ms;
    }
    e->offences = 0;
    g->bans++;
    g->last_ban_s = (uint32_t)for_s;
    return (uint32_t)for_s;
}

uint32_t guard_offend(struct guard *g, const struct addr *from, enum guard_offence what,
                      uint64_t now_ms)
{
    (void)what; /* they weigh alike */
    if (g->config.ban_after == 0 || spared(g, from)) {
        return 0;
    }
    struct guard_entry *e = touch(g, &g->sources, key_of_source(g, from), now_ms);
    if (e == NULL || e->until_ms > now_ms) {
        return 0;
    }
    if (now_ms - e->window_ms > (uint64_t)g->config.window_s * MILLI) {
        e->window_ms = now_ms;
        e->offences = 0;
    }
    e->offences++;
    return e->offences >= g->config.ban_after ? ban(g, e, now_ms) : 0;
}

static void slow(struct guard *g, struct guard_entry *e, uint64_t now_ms)
{
    if (e == NULL) {
        return;
    }
    if (e->wrong > 0 && now_ms > e->slow_ms + (uint64_t)g->config.max_slow_s * MILLI &&
        now_ms > e->window_ms + (uint64_t)g->config.window_s * MILLI) {
        e->wrong = 0; /* it was long ago */
    }
    e->window_ms = e->wrong == 0 ? now_ms : e->window_ms;
    e->wrong = e->wrong < UINT8_MAX ? (uint8_t)(e->wrong + 1) : e->wrong;
    if (e->wrong >= g->config.slow_after) {
        e->slow_ms = now_ms + doubled(g->config.slow_s, e->wrong - g->config.slow_after,
                                      g->config.max_slow_s) *
                                  MILLI;
    }
}

uint32_t guard_credentials(struct guard *g, const struct sip_msg *m, const struct addr *from,
                           bool right, uint64_t now_ms)
{
    struct str user = guard_claim(m);
    if (spared(g, from)) {
        return 0;
    }
    if (right) {
        struct guard_entry *source = find(&g->sources, key_of_source(g, from));
        struct guard_entry *e = touch(g, &g->proven, key_of_pair(g, user, from), now_ms);
        if (e != NULL) {
            e->until_ms = now_ms + PROVEN_MS;
        }
        if (source != NULL) {
            source->wrong = 0;
        }
        return 0;
    }
    if (proven(g, m, from, now_ms) != NULL) {
        return 0; /* anybody can send wrong credentials with a phone's address */
    }
    if (g->config.slow_after > 0) {
        slow(g, touch(g, &g->sources, key_of_source(g, from), now_ms), now_ms);
        slow(g, touch(g, &g->users, key_of_user(g, user), now_ms), now_ms);
    }
    return guard_offend(g, from, GUARD_WRONG, now_ms);
}

/* ---- life ---- */

int guard_init(struct guard *g, const struct env *env, const struct guard_config *config)
{
    *g = (struct guard){.env = env, .config = *config};
    struct guard_config *c = &g->config;
    g->key.k0 = env_random64(env);
    g->key.k1 = env_random64(env);
    c->burst = or_default(c->burst, c->rate);
    c->window_s = or_default(c->window_s, 60);
    c->ban_s = or_default(c->ban_s, 60);
    c->max_ban_s = or_default(c->max_ban_s, 3600);
    c->slow_s = or_default(c->slow_s, 1);
    c->max_slow_s = or_default(c->max_slow_s, 60);
    c->max_sources = or_default(c->max_sources, 16384);
    struct guard_table *const table[] = {&g->sources, &g->users, &g->proven};
    int err = 0;
    for (size_t i = 0; i < ARRAY_LEN(table) && err == 0; i++) {
        err = table_init(table[i], &env->mem, g->config.max_sources);
    }
    return err;
}

void guard_fini(struct guard *g)
{
    table_fini(&g->sources);
    table_fini(&g->users);
    table_fini(&g->proven);
}
