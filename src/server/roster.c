/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The roster: see roster.h.
 *
 * What never changes about a device or an application (key, number, name) lies behind its
 * struct, in the same block; what a change brings (secret, display, scopes) is a second block
 * that is replaced. Blocks with secrets are overwritten before they are freed.
 */
#include "server/roster.h"
#include "base/err.h"
#include <stdlib.h>

/** A block that strings are copied into; first only measured. */
struct packing {
    char *p;
    size_t n;
};

static struct str pack(struct packing *b, struct str s)
{
    struct str copy = STR_NONE;
    if (b->p != NULL && str_is_set(s)) {
        copy = str_make(b->p + b->n, s.n);
        if (s.n > 0) {
            memcpy(b->p + b->n, s.p, s.n);
        }
    }
    b->n += s.n;
    return copy;
}

/** Room for `n` slices at the front of a block. */
static struct str *pack_list(struct packing *b, size_t n)
{
    struct str *list = b->p != NULL ? (struct str *)(void *)(b->p + b->n) : NULL;
    b->n += n * sizeof(*list);
    return list;
}

/** The same for scopes, whose slices come behind them. */
static struct access_scope *pack_scopes(struct packing *b, size_t n)
{
    struct access_scope *list =
        b->p != NULL ? (struct access_scope *)(void *)(b->p + b->n) : NULL;
    b->n += n * sizeof(*list);
    return list;
}

struct block {
    size_t n;
    char bytes[];
};

static void block_free(struct block *b)
{
    if (b != NULL) {
        explicit_bzero(b->bytes, b->n);
        free(b);
    }
}

struct own_device {
    struct map_node node;
    struct list link;
    uint64_t turn; /**< of the last change that had it */
    bool present;
    struct block *changing;
    struct device d;
    char fixed[];
};

struct own_application {
    struct map_node node;
    struct list link;
    uint64_t turn;
    bool present;
    struct block *changing;
    struct application a;
    char fixed[];
};

struct device_change {
    struct own_device *to;
    struct block *changing;
    bool fresh;
};

struct application_change {
    struct own_application *to;
    struct block *changing;
    bool fresh;
};

struct peer_change {
    size_t at; /**< place in the array */
    char *block;
    struct peer peer;
};

struct roster_change {
    const struct config *c;
    struct device_change *device;
    struct application_change *application;
    struct peer_change *peer;
    size_t device_count, application_count, peer_count;
};

/* ---- copies ---- */

static void pack_secret(struct packing *b, const struct auth_secret *from,
                        struct auth_secret *to)
{
    struct auth_secret copy = *from;
    copy.password = pack(b, from->password);
    for (size_t i = 0; i < ARRAY_LEN(copy.ha1); i++) {
        copy.ha1[i] = pack(b, from->ha1[i]);
    }
    *to = copy;
}

static void pack_device(struct packing *b, const struct device *from, struct device *to)
{
    to->display = pack(b, from->display);
    to->tel = pack(b, from->tel);
    to->phone = from->phone;
    to->phone_profile = pack(b, from->phone_profile);
    to->phone_peer = pack(b, from->phone_peer);
    pack_secret(b, &from->secret, &to->secret);
    to->has_secret = from->has_secret;
}

/** The plan too: the configuration that it comes from does not stay. Behind slices. */
static const struct dial_plan *pack_plan(struct packing *b, const struct dial_plan *from)
{
    struct dial_plan *to = (struct dial_plan *)(void *)(b->p != NULL ? b->p + b->n : NULL);
    struct dial_plan copy;

    if (from == NULL) {
        return NULL;
    }
    b->n += sizeof(*to);
    copy = (struct dial_plan){.name = pack(b, from->name),
                              .country = pack(b, from->country),
                              .area = pack(b, from->area),
                              .trunk = pack(b, from->trunk),
                              .international = pack(b, from->international),
                              .extension_digits = from->extension_digits};
    if (to != NULL) {
        *to = copy;
    }
    return to;
}

static void pack_application(struct packing *b, const struct application *from,
                             struct application *to)
{
    struct access_scope *scopes = pack_scopes(b, from->scope_count);
    const struct dial_plan *plan = pack_plan(b, from->dial_plan);
    struct str hosts =
        pack(b, str_make((const char *)from->hosts, from->host_count * sizeof(*from->hosts)));
    to->hosts = (const struct addr *)(const void *)hosts.p; /* it stands behind slices */
    to->host_count = from->host_count;
    to->dial_plan = plan;
    to->tls_name = pack(b, from->tls_name);
    for (size_t i = 0; i < from->scope_count; i++) {
        struct access_scope s = {pack(b, from->scopes[i].pattern), from->scopes[i].kind};
        if (scopes != NULL) {
            scopes[i] = s;
        }
    }
    to->scopes = scopes;
    to->scope_count = from->scope_count;
    to->max_monitors = from->max_monitors;
    to->max_sessions = from->max_sessions;
    pack_secret(b, &from->secret, &to->secret);
}

static void pack_peer(struct packing *b, const struct peer *from, struct peer *to)
{
    struct str *numbers = pack_list(b, from->number_count);
    for (size_t i = 0; i < from->number_count; i++) {
        struct str s = pack(b, from->numbers[i]);
        if (numbers != NULL) {
            numbers[i] = s;
        }
    }
    *to = *from;
    to->numbers = numbers;
    to->name = pack(b, from->name);
    to->uri = pack(b, from->uri);
    to->host = pack(b, from->host);
    to->tls_name = pack(b, from->tls_name);
    to->uui_option = pack(b, from->uui_option);
    to->uui_features = pack(b, from->uui_features);
}

static struct block *block_new(size_t n)
{
    struct block *b = malloc(sizeof(*b) + n + 1);
    if (b != NULL) {
        b->n = n;
    }
    return b;
}

/* ---- life ---- */

int roster_init(struct roster *r, struct directory *d, size_t peer_room)
{
    *r = (struct roster){.directory = d, .peer_room = peer_room};
    list_init(&r->device_list);
    list_init(&r->application_list);
    r->peers = calloc(peer_room + 1, sizeof(*r->peers));
    r->peer_block = calloc(peer_room + 1, sizeof(*r->peer_block));
    if (r->peers == NULL || r->peer_block == NULL ||
        map_init(&r->devices, &mem_libc, 64) != 0 ||
        map_init(&r->applications, &mem_libc, 16) != 0) {
        return E_NOMEM;
    }
    d->peers = r->peers;
    d->peer_count = 0;
    d->peer_room = peer_room;
    return 0;
}

void roster_fini(struct roster *r)
{
    if (r->directory == NULL) {
        return;
    }
    list_each(it, &r->device_list)
    {
        struct own_device *o = list_entry(it, struct own_device, link);
        block_free(o->changing);
        free(o);
    }
    list_each(jt, &r->application_list)
    {
        struct own_application *o = list_entry(jt, struct own_application, link);
        block_free(o->changing);
        free(o);
    }
    for (size_t i = 0; r->peer_block != NULL && i < r->peer_room; i++) {
        free(r->peer_block[i]);
    }
    map_fini(&r->devices);
    map_fini(&r->applications);
    free(r->peers);
    free(r->peer_block);
    *r = (struct roster){0};
}

static struct own_device *device_known(const struct roster *r, struct str key)
{
    struct map_node *n = map_first(&r->devices, hash_bytes(&r->directory->key, key));
    for (; n != NULL; n = map_next(n)) {
        struct own_device *o = container_of(n, struct own_device, node);
        if (str_eq(o->d.key, key)) {
            return o;
        }
    }
    return NULL;
}

static struct own_application *application_known(const struct roster *r, struct str name)
{
    struct map_node *n = map_first(&r->applications, hash_bytes(&r->directory->key, name));
    for (; n != NULL; n = map_next(n)) {
        struct own_application *o = container_of(n, struct own_application, node);
        if (str_eq(o->a.name, name)) {
            return o;
        }
    }
    return NULL;
}

/* ---- prepare ---- */

static struct own_device *device_new(const struct device *from)
{
    struct packing b = {NULL, from->number.n + from->uri.n + from->key.n};
    struct own_device *o = calloc(1, sizeof(*o) + b.n);
    if (o != NULL) {
        b = (struct packing){o->fixed, 0};
        o->d.number = pack(&b, from->number);
        o->d.uri = pack(&b, from->uri);
        o->d.key = pack(&b, from->key);
    }
    return o;
}

static bool prepare_device(const struct roster *r, const struct device *from,
                           struct device_change *to)
{
    struct packing b = {NULL, 0};
    struct device unused;
    pack_device(&b, from, &unused);
    to->to = device_known(r, from->key);
    to->fresh = to->to == NULL;
    to->to = to->fresh ? device_new(from) : to->to;
    to->changing = block_new(b.n);
    return to->to != NULL && to->changing != NULL;
}

static struct own_application *application_new(const struct application *from)
{
    struct own_application *o = calloc(1, sizeof(*o) + from->name.n);
    if (o != NULL) {
        struct packing b = {o->fixed, 0};
        o->a.name = pack(&b, from->name);
    }
    return o;
}

static bool prepare_application(const struct roster *r, const struct application *from,
                                struct application_change *to)
{
    struct packing b = {NULL, 0};
    struct application unused;
    pack_application(&b, from, &unused);
    to->to = application_known(r, from->name);
    to->fresh = to->to == NULL;
    to->to = to->fresh ? application_new(from) : to->to;
    to->changing = block_new(b.n);
    return to->to != NULL && to->changing != NULL;
}

static bool is_chosen(const struct roster_change *ch, size_t at, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (ch->peer[i].at == at) {
            return true;
        }
    }
    return false;
}

/** The place of a peer: its own, an empty one, or the first behind all. */
static size_t peer_place(const struct roster *r, const struct roster_change *ch, size_t n,
                         struct str name)
{
    size_t empty = r->peer_room;
    for (size_t i = 0; i < r->peer_room; i++) {
        if (str_eq(r->peers[i].name, name)) {
            return i;
        }
        if (empty == r->peer_room && r->peers[i].name.n == 0 && !is_chosen(ch, i, n)) {
            empty = i;
        }
    }
    return empty;
}

static bool prepare_peer(const struct roster *r, struct roster_change *ch, size_t i,
                         const char **why)
{
    const struct peer *from = &ch->c->peers[i];
    struct peer_change *to = &ch->peer[i];
    struct packing b = {NULL, 0};
    to->at = peer_place(r, ch, i, from->name);
    if (to->at == r->peer_room) {
        *why = "more peers than limits.peers of the running server";
        return false;
    }
    pack_peer(&b, from, &to->peer);
    to->block = malloc(b.n + 1);
    if (to->block == NULL) {
        return false;
    }
    b = (struct packing){to->block, 0};
    pack_peer(&b, from, &to->peer);
    return true;
}

struct roster_change *roster_prepare(struct roster *r, const struct config *c, const char **why)
{
    struct roster_change *ch = calloc(1, sizeof(*ch));
    bool ok = ch != NULL;
    *why = "out of memory";
    if (ok) {
        ch->c = c;
        ch->device = calloc(c->device_count + 1, sizeof(*ch->device));
        ch->application = calloc(c->application_count + 1, sizeof(*ch->application));
        ch->peer = calloc(c->peer_count + 1, sizeof(*ch->peer));
        ok = ch->device != NULL && ch->application != NULL && ch->peer != NULL;
    }
    for (size_t i = 0; ok && i < c->device_count; i++) {
        ok = prepare_device(r, &c->devices[i], &ch->device[ch->device_count++]);
    }
    for (size_t i = 0; ok && i < c->application_count; i++) {
        ok = prepare_application(r, &c->applications[i],
                                 &ch->application[ch->application_count++]);
    }
    for (size_t i = 0; ok && i < c->peer_count; i++) {
        ch->peer_count++;
        ok = prepare_peer(r, ch, i, why);
    }
    if (!ok) {
        roster_discard(ch);
        return NULL;
    }
    return ch;
}

static void change_free(struct roster_change *ch)
{
    free(ch->device);
    free(ch->application);
    free(ch->peer);
    free(ch);
}

void roster_discard(struct roster_change *ch)
{
    if (ch == NULL) {
        return;
    }
    for (size_t i = 0; i < ch->device_count; i++) {
        block_free(ch->device[i].changing);
        if (ch->device[i].fresh) {
            free(ch->device[i].to);
        }
    }
    for (size_t i = 0; i < ch->application_count; i++) {
        block_free(ch->application[i].changing);
        if (ch->application[i].fresh) {
            free(ch->application[i].to);
        }
    }
    for (size_t i = 0; i < ch->peer_count; i++) {
        free(ch->peer[i].block);
    }
    change_free(ch);
}

/* ---- commit ---- */

static void commit_device(struct roster *r, struct device_change *ch, const struct device *from)
{
    struct own_device *o = ch->to;
    struct packing b = {ch->changing->bytes, 0};
    struct block *old = o->changing;
    if (o->present) {
        directory_forget_tel(r->directory, &o->d);
    }
    pack_device(&b, from, &o->d);
    if (o->present) {
        directory_know_tel(r->directory, &o->d);
    }
    o->changing = ch->changing;
    block_free(old);
    if (ch->fresh) {
        map_add(&r->devices, &o->node, hash_bytes(&r->directory->key, o->d.key));
        list_append(&r->device_list, &o->link);
    }
    if (!o->present) {
        (void)directory_add_device(r->directory,
                                   &o->d); /* nobody has its key: it was checked */
        o->present = true;
    }
    o->turn = r->turn;
}

static void commit_application(struct roster *r, struct application_change *ch,
                               const struct application *from)
{
    struct own_application *o = ch->to;
    struct packing b = {ch->changing->bytes, 0};
    struct block *old = o->changing;
    pack_application(&b, from, &o->a);
    o->changing = ch->changing;
    block_free(old);
    if (ch->fresh) {
        map_add(&r->applications, &o->node, hash_bytes(&r->directory->key, o->a.name));
        list_append(&r->application_list, &o->link);
    }
    if (!o->present) {
        (void)directory_add_application(r->directory, &o->a);
        o->present = true;
    }
    o->turn = r->turn;
}

static void drop_missing_devices(struct roster *r, void (*gone)(void *ctx, struct device *d),
                                 void *ctx)
{
    list_each(it, &r->device_list)
    {
        struct own_device *o = list_entry(it, struct own_device, link);
        if (!o->present || o->turn == r->turn) {
            continue;
        }
        directory_remove_device(r->directory, &o->d);
        o->present = false;
        o->d.secret = (struct auth_secret){0};
        o->d.has_secret = false;
        o->d.display = o->d.tel = STR_NONE;
        block_free(o->changing);
        o->changing = NULL;
        if (gone != NULL) {
            gone(ctx, &o->d);
        }
    }
}

static void drop_missing_applications(struct roster *r)
{
    list_each(it, &r->application_list)
    {
        struct own_application *o = list_entry(it, struct own_application, link);
        if (!o->present || o->turn == r->turn) {
            continue;
        }
        directory_remove_application(r->directory, &o->a);
        o->present = false;
        o->a.secret = (struct auth_secret){0};
        o->a.hosts = NULL;
        o->a.host_count = 0;
        o->a.tls_name = STR_NONE;
        o->a.scopes = NULL; /* its sessions may go on, over nothing */
        o->a.scope_count = 0;
        block_free(o->changing);
        o->changing = NULL;
    }
}

static void commit_peers(struct roster *r, struct roster_change *ch)
{
    struct directory *d = r->directory;
    for (size_t i = 0; i < r->peer_room; i++) {
        if (r->peers[i].name.n > 0 && !is_chosen(ch, i, ch->peer_count)) {
            struct peer_state *state = r->peers[i].state;
            free(r->peer_block[i]);
            r->peer_block[i] = NULL;
            r->peers[i] = (struct peer){.state = state};
        }
    }
    for (size_t i = 0; i < ch->peer_count; i++) {
        struct peer_change *p = &ch->peer[i];
        free(r->peer_block[p->at]);
        r->peer_block[p->at] = p->block;
        p->peer.state = r->peers[p->at].state;
        r->peers[p->at] = p->peer;
        d->peer_count = p->at >= d->peer_count ? p->at + 1 : d->peer_count;
    }
}

void roster_commit(struct roster *r, struct roster_change *ch,
                   void (*gone)(void *ctx, struct device *d), void *ctx)
{
    r->turn++;
    for (size_t i = 0; i < ch->device_count; i++) {
        commit_device(r, &ch->device[i], &ch->c->devices[i]);
    }
    for (size_t i = 0; i < ch->application_count; i++) {
        commit_application(r, &ch->application[i], &ch->c->applications[i]);
    }
    commit_peers(r, ch);
    drop_missing_devices(r, gone, ctx);
    drop_missing_applications(r);
    change_free(ch);
}
