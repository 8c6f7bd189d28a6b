/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table: see table.h.
 *
 * An entry is one block: the struct, its scopes, its texts. It stands in the list of all and in
 * the map, under its id, until it is revoked; after that it lives on, gone, for those who hold
 * it. A token that has only expired stays, so that lists show it and its owner is told why.
 *
 *   made ──► known ──(expires)──► expired ──┐
 *              └───────(revoked)────────────┴──► gone, held ──► freed
 */
#include "access/table.h"

#include "base/err.h"
#include "base/pack.h"

enum { ROW_VERSION = 1 };

int access_table_init(struct access_table *t, const struct env *env,
                      const struct access_limits *limits)
{
    memset(t, 0, sizeof(*t));
    t->env = env;
    t->limits.max_tokens = or_default(limits->max_tokens, 1000);
    t->limits.max_browser = or_default(limits->max_browser, 1000);
    t->key = (struct hash_key){env_random64(env), env_random64(env)};
    t->soonest_ms = UINT64_MAX;
    list_init(&t->entries);
    return map_init(&t->by_id, &env->mem, 64);
}

/* ---- entries ---- */

/** What an entry is made of; its texts are copied. */
struct draft {
    enum access_source source;
    struct str id, prefix, name, suffix, by, origin, parent;
    const struct access_scope *scopes;
    size_t count;
    uint64_t created_ms, expires_ms;
    const uint8_t *hash;
};

static struct str place(char **at, struct str s)
{
    struct str copy = {*at, s.n};
    if (s.n > 0) {
        memcpy(*at, s.p, s.n);
        *at += s.n;
    }
    return s.n > 0 ? copy : STR_NONE;
}

static size_t size_of(const struct draft *d)
{
    size_t n = sizeof(struct access_entry) + d->count * sizeof(struct access_scope) + d->id.n +
               d->prefix.n + 2 * d->name.n + d->suffix.n + d->by.n + d->origin.n + d->parent.n;
    for (size_t i = 0; i < d->count; i++) {
        n += d->scopes[i].pattern.n;
    }
    return n;
}

/** The entry, held once, not yet in the table. NULL: no memory. */
static struct access_entry *entry_new(struct access_table *t, const struct draft *d)
{
    struct access_entry *e = mem_zalloc(&t->env->mem, size_of(d));
    if (e == NULL) {
        return NULL;
    }
    struct access_scope *scopes = (struct access_scope *)(void *)(e + 1);
    char *at = (char *)(scopes + d->count);
    for (size_t i = 0; i < d->count; i++) {
        scopes[i] = (struct access_scope){place(&at, d->scopes[i].pattern), d->scopes[i].kind};
    }
    struct str full = {at, d->prefix.n + d->name.n + d->suffix.n};
    (void)place(&at, d->prefix);
    (void)place(&at, d->name);
    (void)place(&at, d->suffix);
    e->who = (struct access_principal){
        .name = full,
        .scopes = scopes,
        .count = d->count,
        .expires_ms = d->expires_ms,
        .admin = access_scopes_admin(scopes, d->count),
        .entry = e,
    };
    e->family = str_upto(full, full.n - d->suffix.n);
    e->id = d->id.n > 0 ? place(&at, d->id) : e->who.name;
    e->name = place(&at, d->name);
    e->by = place(&at, d->by);
    e->origin = place(&at, d->origin);
    e->parent = place(&at, d->parent);
    e->source = d->source;
    e->created_ms = d->created_ms;
    e->table = t;
    e->refs = 1;
    if (d->hash != NULL) {
        memcpy(e->hash, d->hash, sizeof(e->hash));
    }
    return e;
}

static void add(struct access_table *t, struct access_entry *e)
{
    map_add(&t->by_id, &e->node, hash_bytes(&t->key, e->id));
    list_append(&t->entries, &e->link);
    t->count[e->source]++;
    if (e->who.expires_ms != 0 && e->who.expires_ms < t->soonest_ms) {
        t->soonest_ms = e->who.expires_ms;
    }
}

static void unlink_entry(struct access_table *t, struct access_entry *e)
{
    map_remove(&t->by_id, &e->node);
    list_remove(&e->link);
    t->count[e->source]--;
}

/** He may nothing from now on, and who must know is told; once. */
static void end(struct access_table *t, struct access_entry *e)
{
    if (!e->who.gone) {
        __atomic_store_n(&e->who.gone, true, __ATOMIC_RELAXED);
        if (t->on_gone != NULL) {
            t->on_gone(t->gone_ctx, e);
        }
    }
}

void access_hold(const struct access_principal *p)
{
    if (p != NULL && p->entry != NULL) {
        p->entry->refs++;
    }
}

void access_release(const struct access_principal *p)
{
    struct access_entry *e = p != NULL ? p->entry : NULL;
    if (e != NULL && --e->refs == 0) {
        mem_free(&e->table->env->mem, e);
    }
}

static void drop(struct access_table *t, struct access_entry *e)
{
    unlink_entry(t, e);
    end(t, e);
    access_release(&e->who);
}

void access_table_fini(struct access_table *t)
{
    list_each(it, &t->entries)
    {
        struct access_entry *e = list_entry(it, struct access_entry, link);
        unlink_entry(t, e);
        access_release(&e->who);
    }
    map_fini(&t->by_id);
}

static struct access_entry *find(const struct access_table *t, struct str id)
{
    struct map_node *n = map_first(&t->by_id, hash_bytes(&t->key, id));
    for (; n != NULL; n = map_next(n)) {
        struct access_entry *e = container_of(n, struct access_entry, node);
        if (str_eq(e->id, id)) {
            return e;
        }
    }
    return NULL;
}

static bool is_token(const struct access_entry *e)
{
    return e->source == ACCESS_TOKEN || e->source == ACCESS_BROWSER;
}

static struct access_entry *token(const struct access_table *t, struct str id)
{
    struct access_entry *e = find(t, id);
    if (e != NULL && is_token(e)) {
        return e;
    }
    list_each(it, &t->entries)
    {
        e = list_entry(it, struct access_entry, link);
        if (e->source == ACCESS_TOKEN && str_eq(e->name, id)) {
            return e;
        }
    }
    return NULL;
}

const struct access_entry *access_token(const struct access_table *t, struct str id)
{
    return token(t, id);
}

const struct access_entry *access_next(const struct access_table *t,
                                       const struct access_entry *e)
{
    struct list *next = e == NULL ? t->entries.next : e->link.next;
    return next == &t->entries ? NULL : list_entry(next, struct access_entry, link);
}

/* ---- tokens ---- */

/** What a name has can stand in JSON, in a header and in a log line as it is. */
static bool is_text(struct str s, size_t most)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f || s.p[i] == '"' || s.p[i] == '\\') {
            return false;
        }
    }
    return s.n > 0 && s.n <= most;
}

static bool is_good(const struct access_order *o)
{
    return o->count > 0 && o->count <= ACCESS_SCOPES_MAX &&
           (o->expires_ms == 0 || o->expires_ms > o->now_ms);
}

/** The draft becomes a token: id, secret, a place in the table. */
static int issue(struct access_table *t, struct draft *d, struct access_fresh *text,
                 const struct access_entry **out)
{
    int err = access_token_make(t->env, text);
    if (err != 0) {
        return err;
    }
    d->id = access_token_id(str_make(text->text, ACCESS_TEXT));
    d->hash = text->hash;
    if (find(t, d->id) != NULL) {
        return E_EXISTS; /* 62 bits of chance */
    }
    struct access_entry *e = entry_new(t, d);
    if (e == NULL) {
        return E_NOMEM;
    }
    add(t, e);
    *out = e;
    return 0;
}

int access_create(struct access_table *t, const struct access_order *order,
                  struct access_fresh *text, const struct access_entry **out)
{
    if (!is_good(order) || !is_text(order->name, ACCESS_NAME_MAX)) {
        return E_VALUE;
    }
    if (token(t, order->name) != NULL) {
        return E_EXISTS;
    }
    if (t->count[ACCESS_TOKEN] >= t->limits.max_tokens) {
        return E_TOOMANY;
    }
    struct draft d = {.source = ACCESS_TOKEN,
                      .prefix = STR("token:"),
                      .name = order->name,
                      .by = order->by,
                      .scopes = order->scopes,
                      .count = order->count,
                      .created_ms = order->now_ms,
                      .expires_ms = order->expires_ms};
    return issue(t, &d, text, out);
}

/** How many tokens the pages of one family may have: a greedy one leaves room to others. */
static uint32_t share_of(const struct access_table *t)
{
    uint32_t half = (t->limits.max_browser + 1) / 2;
    return half > 2 ? half : 2;
}

/** Of the browser tokens, the one with the least time left goes; of that family, when it has
   its share. */
static void make_room(struct access_table *t, struct str root)
{
    struct access_entry *first = NULL, *own = NULL;
    uint32_t owns = 0;
    list_each(it, &t->entries)
    {
        struct access_entry *e = list_entry(it, struct access_entry, link);
        if (e->source != ACCESS_BROWSER) {
            continue;
        }
        if (first == NULL || e->who.expires_ms < first->who.expires_ms) {
            first = e;
        }
        if (str_eq(e->name, root)) {
            owns++;
            own = own == NULL || e->who.expires_ms < own->who.expires_ms ? e : own;
        }
    }
    if (owns >= share_of(t)) {
        drop(t, own);
    } else if (first != NULL && t->count[ACCESS_BROWSER] >= t->limits.max_browser) {
        drop(t, first);
    }
}

/** RFC 6454 §6.2: a scheme, "://", host and port, nothing more. */
static bool is_origin(struct str s)
{
    size_t at = str_find(s, STR("://"));
    struct str host = str_from(s, at + 3);
    return is_text(s, ACCESS_ORIGIN_MAX) && at > 0 && at < s.n && host.n > 0 &&
           str_index(host, '/') == host.n && str_index(host, '?') == host.n &&
           str_index(host, '#') == host.n;
}

static bool same_scopes(const struct access_scope *a, size_t an, const struct access_scope *b,
                        size_t bn)
{
    bool same = an == bn;
    for (size_t i = 0; same && i < an; i++) {
        same = a[i].kind == b[i].kind && str_eq(a[i].pattern, b[i].pattern);
    }
    return same;
}

/** Who stands behind a page: whoever asked for it, or for the page that asks for another one.
 */
static const struct access_principal *behind(const struct access_table *t,
                                             const struct access_principal *asker)
{
    const struct access_entry *e = asker->entry;
    bool page = e != NULL && e->source == ACCESS_BROWSER && e->parent.n > 0;
    const struct access_entry *root = page ? find(t, e->parent) : NULL;
    return root != NULL ? &root->who : asker;
}

int access_create_browser(struct access_table *t, const struct access_principal *asker,
                          struct str origin, const struct access_order *order,
                          struct access_fresh *text, const struct access_entry **out)
{
    uint64_t last = order->now_ms + ACCESS_BROWSER_MAX_MS;
    struct access_order o = *order;
    if (asker->expires_ms != 0 && asker->expires_ms < last) {
        last = asker->expires_ms;
    }
    if (o.expires_ms == 0 || o.expires_ms > last) {
        o.expires_ms = last;
    }
    if (o.count == 0) {
        o.scopes = asker->scopes;
        o.count = asker->count;
    }
    if (!is_good(&o) || !is_origin(origin)) {
        return E_VALUE;
    }
    for (size_t i = 0; i < o.count; i++) {
        if (!access_scopes_cover(asker->scopes, asker->count, &o.scopes[i])) {
            return E_DENIED;
        }
    }
    if (!access_alive(asker, o.now_ms)) {
        return E_DENIED;
    }
    const struct access_principal *root = behind(t, asker);
    char tag[1 + ACCESS_TAG] = "~";
    struct draft d = {.source = ACCESS_BROWSER,
                      .prefix = STR("browser:"),
                      .name = root->name,
                      .by = asker->name,
                      .origin = origin,
                      .parent = root->entry != NULL ? root->entry->id : STR_NONE,
                      .scopes = o.scopes,
                      .count = o.count,
                      .created_ms = o.now_ms,
                      .expires_ms = o.expires_ms};
    if (!same_scopes(root->scopes, root->count, o.scopes, o.count)) {
        if (!access_scopes_tag(o.scopes, o.count, tag + 1)) {
            return E_NOMEM;
        }
        d.suffix = str_make(tag, sizeof(tag));
    }
    make_room(t, root->name);
    return issue(t, &d, text, out);
}

/** What pages got by that entry. One at a time, as others may go meanwhile. */
static struct access_entry *child_of(const struct access_table *t, struct str id)
{
    list_each(it, &t->entries)
    {
        struct access_entry *e = list_entry(it, struct access_entry, link);
        if (e->source == ACCESS_BROWSER && str_eq(e->parent, id)) {
            return e;
        }
    }
    return NULL;
}

static void drop_with_children(struct access_table *t, struct access_entry *e)
{
    struct access_entry *child;
    while (e->source != ACCESS_BROWSER && (child = child_of(t, e->id)) != NULL) {
        drop(t, child);
    }
    drop(t, e);
}

int access_revoke(struct access_table *t, struct str id)
{
    struct access_entry *e = token(t, id);
    if (e == NULL) {
        return E_NOTFOUND;
    }
    drop_with_children(t, e);
    return 0;
}

/* ---- who is it? ---- */

static const struct access_principal *hold(struct access_entry *e, uint64_t now_ms)
{
    e->used_ms = now_ms;
    access_hold(&e->who);
    return &e->who;
}

enum access_verdict access_find(struct access_table *t, struct str text, struct str origin,
                                uint64_t now_ms, const struct access_principal **out)
{
    static const uint8_t nobody[ACCESS_HASH];
    struct access_claim claim;
    *out = NULL;
    if (access_token_read(text, &claim) != 0) {
        return ACCESS_UNKNOWN;
    }
    struct access_entry *e = find(t, claim.id);
    /* Compared also when there is nothing to compare with: it takes the same time. */
    bool right = access_hash_eq(claim.hash, e != NULL ? e->hash : nobody);
    if (e == NULL || !right || !is_token(e)) {
        return ACCESS_UNKNOWN;
    }
    if (!access_alive(&e->who, now_ms)) {
        return ACCESS_EXPIRED;
    }
    if (e->source == ACCESS_BROWSER && str_is_set(origin) && !str_ieq(origin, e->origin)) {
        return ACCESS_ELSEWHERE;
    }
    *out = hold(e, now_ms);
    return ACCESS_OK;
}

const struct access_principal *access_local(struct access_table *t, uint32_t uid,
                                            uint64_t now_ms)
{
    static const struct access_scope admin = {.kind = ACCESS_ADMIN};
    char buf[24];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    out_str(&o, STR("uid:"));
    out_u64(&o, uid);
    struct access_entry *e = find(t, out_str_of(&o));
    if (e == NULL) {
        struct draft d = {.source = ACCESS_LOCAL,
                          .name = out_str_of(&o),
                          .scopes = &admin,
                          .count = 1,
                          .created_ms = now_ms};
        e = entry_new(t, &d);
        if (e == NULL) {
            return NULL;
        }
        add(t, e);
    }
    return hold(e, now_ms);
}

/* ---- certificates ---- */

static struct access_entry *certificate(const struct access_table *t, struct str name)
{
    list_each(it, &t->entries)
    {
        struct access_entry *e = list_entry(it, struct access_entry, link);
        if (e->source == ACCESS_CERTIFICATE && str_ieq(e->name, name)) {
            return e;
        }
    }
    return NULL;
}

const struct access_principal *access_certificate(struct access_table *t, struct str name,
                                                  uint64_t now_ms)
{
    struct access_entry *e = name.n > 0 ? certificate(t, name) : NULL;
    return e != NULL ? hold(e, now_ms) : NULL;
}

static bool is_same(const struct access_entry *e, const struct access_client *c)
{
    return str_ieq(e->name, c->certificate) &&
           same_scopes(e->who.scopes, e->who.count, c->scopes, c->count);
}

static bool is_kept(const struct access_entry *e, const struct access_client *client, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (is_same(e, &client[i])) {
            return true;
        }
    }
    return false;
}

int access_set_clients(struct access_table *t, const struct access_client *client, size_t n)
{
    struct list fresh;
    int err = 0;
    list_init(&fresh);
    for (size_t i = 0; i < n && err == 0; i++) {
        const struct access_entry *old = certificate(t, client[i].certificate);
        struct draft d = {.source = ACCESS_CERTIFICATE,
                          .prefix = STR("certificate:"),
                          .name = client[i].certificate,
                          .scopes = client[i].scopes,
                          .count = client[i].count};
        struct access_entry *e = NULL;
        if (old != NULL && is_same(old, &client[i])) {
            continue;
        }
        e = entry_new(t, &d);
        if (e == NULL) {
            err = E_NOMEM;
        } else {
            list_append(&fresh, &e->link);
        }
    }
    for (struct list *it = t->entries.next, *next; err == 0 && it != &t->entries; it = next) {
        struct access_entry *e = list_entry(it, struct access_entry, link);
        next = it->next;
        if (e->source == ACCESS_CERTIFICATE && !is_kept(e, client, n)) {
            struct access_entry *child;
            while ((child = child_of(t, e->id)) != NULL) {
                drop(t, child);
            }
            next = e->link.next;
            drop(t, e);
        }
    }
    while (!list_empty(&fresh)) {
        struct access_entry *e = list_entry(fresh.next, struct access_entry, link);
        list_remove(&e->link);
        if (err == 0) {
            add(t, e);
        } else {
            access_release(&e->who);
        }
    }
    return err;
}

/* ---- time ---- */

uint64_t access_sweep(struct access_table *t, uint64_t now_ms)
{
    if (now_ms < t->soonest_ms) {
        return t->soonest_ms;
    }
    t->soonest_ms = UINT64_MAX;
    for (struct list *it = t->entries.next, *next; it != &t->entries; it = next) {
        struct access_entry *e = list_entry(it, struct access_entry, link);
        uint64_t at = e->who.expires_ms;
        next = it->next;
        if (at == 0 || e->who.gone) {
            continue;
        }
        if (at > now_ms) {
            t->soonest_ms = at < t->soonest_ms ? at : t->soonest_ms;
        } else if (e->source == ACCESS_BROWSER) {
            drop(t, e);
        } else {
            end(t, e);
        }
    }
    return t->soonest_ms;
}

/* ---- rows ---- */

void access_pack(struct out *o, const struct access_entry *e)
{
    pack_number(o, ROW_VERSION);
    pack_str(o, e->name);
    pack_str(o, e->by);
    pack_str(o, str_make((const char *)e->hash, sizeof(e->hash)));
    pack_number(o, e->created_ms);
    pack_number(o, e->who.expires_ms);
    pack_number(o, e->who.count);
    for (size_t i = 0; i < e->who.count; i++) {
        pack_number(o, e->who.scopes[i].kind);
        pack_str(o, e->who.scopes[i].pattern);
    }
}

int access_restore(struct access_table *t, struct str id, struct str row)
{
    struct access_scope scopes[ACCESS_SCOPES_MAX];
    struct unpack u = unpack_of(row);
    if (unpack_number(&u) != ROW_VERSION) {
        return u.bad ? E_SYNTAX : E_VERSION;
    }
    struct draft d = {.source = ACCESS_TOKEN, .prefix = STR("token:"), .id = id};
    d.name = unpack_str(&u);
    d.by = unpack_str(&u);
    struct str hash = unpack_str(&u);
    d.created_ms = unpack_number(&u);
    d.expires_ms = unpack_number(&u);
    d.count = unpack_upto(&u, ACCESS_SCOPES_MAX);
    d.scopes = scopes;
    for (size_t i = 0; i < d.count && !u.bad; i++) {
        scopes[i].kind = (uint8_t)unpack_upto(&u, ACCESS_ADMIN);
        scopes[i].pattern = unpack_str(&u);
        u.bad = u.bad || scopes[i].pattern.n > ACCESS_PATTERN_MAX;
    }
    if (u.bad || u.rest.n > 0 || hash.n != ACCESS_HASH || !is_text(d.name, ACCESS_NAME_MAX) ||
        id.n != ACCESS_ID || d.count == 0) {
        return E_SYNTAX;
    }
    if (find(t, id) != NULL || token(t, d.name) != NULL) {
        return E_EXISTS;
    }
    if (t->count[ACCESS_TOKEN] >= t->limits.max_tokens) {
        return E_TOOMANY;
    }
    d.hash = (const uint8_t *)hash.p;
    struct access_entry *e = entry_new(t, &d);
    if (e == NULL) {
        return E_NOMEM;
    }
    add(t, e);
    return 0;
}
