/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call layer: table, life and look-up of calls, connections and branches.
 *
 * LIFE. call_new puts a call into the table under a fresh callID. Each leg that refers to
 * it counts in `legs`. When the phase is ENDING and the last leg is gone, the call goes to
 * the `dead` list; the engine sweeps that list when no callback is on the stack. Nothing
 * else frees a call, so no pointer between its parts can dangle before.
 *
 * OWNERSHIP. Connections and branches lie in the call's arena; the session descriptions of
 * a connection, which change, are blocks of their own.
 */
#include "base/err.h"
#include "call/parts.h"

enum { CALL_ARENA_CHUNK = 1536 };

static void on_timer(struct timer *t, uint64_t now_ms)
{
    call_on_timer(t, now_ms);
}

static void call_fini(struct call *c)
{
    struct call_layer *l = c->layer;

    if (c->cti != NULL && l->on_gone != NULL) {
        l->on_gone(l->ctx, c);
    }
    list_each(it, &c->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        list_remove(&conn->of_device);
        search_stop(conn);
        media_fini(conn);
    }
    call_unkeep(c);
    conference_fini(c);
    queue_leave(c);
    park_leave(c);
    timer_stop(l->wheel, &c->timer);
    timer_stop(l->wheel, &c->join.retry);
    digits_fini(c);
    referrals_fini(c);
    relays_fini(c);
    map_remove(&l->by_id, &c->by_id);
    list_remove(&c->link);
    arena_fini(&c->arena);
    pool_put(&l->call_pool, c);
}

int call_layer_init(struct call_layer *l, const struct env *env, struct wheel *wheel,
                    struct leg_layer *legs, struct registrar *registrar,
                    struct directory *directory, struct arena *scratch,
                    const struct call_config *config)
{
    *l = (struct call_layer){
        .env = env,
        .wheel = wheel,
        .legs = legs,
        .registrar = registrar,
        .directory = directory,
        .scratch = scratch,
        .config = *config,
    };
    l->config.ring_s = or_default(config->ring_s, 120);
    l->config.prompt_s = or_default(config->prompt_s, 30);
    l->config.step_s = or_default(config->step_s, 20);
    l->config.group_s = or_default(config->group_s, 20);
    l->config.max_redirects = or_default(config->max_redirects, 5);
    l->config.max_device_calls = or_default(config->max_device_calls, 100);
    if (config->decline_status < 400 || config->decline_status > 699) {
        l->config.decline_status = 603;
    }
    if (config->dnd_status < 400 || config->dnd_status > 699) {
        l->config.dnd_status = 486;
    }
    l->config.max_reroutes = or_default(config->max_reroutes, 10);
    l->config.max_parties = or_default(config->max_parties, 10);
    l->config.queue_max = or_default(config->queue_max, 100);
    l->config.queue_per_device = or_default(config->queue_per_device, 10);
    list_init(&l->duos);
    list_init(&l->features);
    list_init(&l->queue);
    list_init(&l->parked);
    l->config.park_max = or_default(config->park_max, 100);
    l->key = (struct hash_key){env_random64(env), env_random64(env)};
    list_init(&l->calls);
    list_init(&l->dead);
    list_init(&l->touched);
    pool_init(&l->call_pool, &env->mem, sizeof(struct call), 32, config->max_calls);
    relay_pool_init(l);
    step_pool_init(l);
    duo_pool_init(l);
    digits_pool_init(l);
    gather_pool_init(l);
    referral_pool_init(l);
    l->config.callback_s = or_default(config->callback_s, 3600);
    l->config.callback_max = or_default(config->callback_max, 1000);
    callback_pool_init(l);
    return map_init(&l->by_id, &env->mem, 64);
}

void call_layer_fini(struct call_layer *l)
{
    list_each(it, &l->calls)
    {
        call_fini(list_entry(it, struct call, link));
    }
    list_each(it, &l->dead)
    {
        call_fini(list_entry(it, struct call, link));
    }
    features_fini(l);
    pack_room_fini(&l->room);
    callbacks_fini(l);
    pool_fini(&l->call_pool);
    pool_fini(&l->step_pool);
    pool_fini(&l->duo_pool);
    pool_fini(&l->digits_pool);
    pool_fini(&l->gather_pool);
    pool_fini(&l->relay_pool);
    pool_fini(&l->referral_pool);
    map_fini(&l->by_id);
}

void call_layer_sweep(struct call_layer *l)
{
    while (!list_empty(&l->dead)) {
        call_fini(list_entry(l->dead.next, struct call, link));
    }
}

struct call *call_new(struct call_layer *l)
{
    struct call *c = pool_get(&l->call_pool);

    if (c == NULL) {
        return NULL;
    }
    c->layer = l;
    c->phase = CALL_SETUP;
    list_init(&c->connections);
    list_init(&c->relays);
    list_init(&c->referrals);
    timer_init(&c->timer, on_timer);
    join_init(c);
    arena_init(&c->arena, &l->env->mem, CALL_ARENA_CHUNK);
    env_random_token(l->env, c->id, CALL_ID_LEN);
    map_add(&l->by_id, &c->by_id, hash_bytes(&l->key, str_make(c->id, CALL_ID_LEN)));
    list_append(&l->calls, &c->link);
    c->began_s = l->env->wall_s(l->env->ctx);
    l->made++;
    return c;
}

void call_rename(struct call *c, struct str id)
{
    map_remove(&c->layer->by_id, &c->by_id);
    memcpy(c->id, id.p, CALL_ID_LEN);
    map_add(&c->layer->by_id, &c->by_id, hash_bytes(&c->layer->key, id));
}

bool call_id_is_free(const struct call_layer *l, struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        bool digit = id.p[i] >= '0' && id.p[i] <= '9';
        if (!digit && (id.p[i] < 'a' || id.p[i] > 'z')) {
            return false;
        }
    }
    return id.n == CALL_ID_LEN && call_find(l, id) == NULL;
}

static struct list *device_calls(struct device *d)
{
    if (d->calls.next == NULL) {
        list_init(&d->calls);
    }
    return &d->calls;
}

struct connection *call_add_connection(struct call *c, struct device *dev, struct str id)
{
    struct connection *conn = arena_zalloc(&c->arena, sizeof(*conn));

    if (conn == NULL) {
        return NULL;
    }
    conn->call = c;
    conn->device = dev;
    conn->policy = c->layer->config.policy;
    conn->id = arena_dup(&c->arena, id);
    list_init(&conn->branches);
    if (conn->id.p == NULL) {
        return NULL;
    }
    list_append(&c->connections, &conn->link);
    c->parties++;
    if (dev != NULL) {
        list_append(device_calls(dev), &conn->of_device);
    }
    return conn;
}

struct branch *connection_add_branch(struct connection *conn)
{
    struct branch *b = arena_zalloc(&conn->call->arena, sizeof(*b));

    if (b == NULL) {
        return NULL;
    }
    b->conn = conn;
    list_append(&conn->branches, &b->link);
    return b;
}

void branch_watched(const struct branch *b, struct str sip_call)
{
    const struct connection *conn = b->conn;
    const struct env_watch *w = conn->call->layer->env->watch;

    if (w != NULL) {
        w->leg(w->ctx, &(struct env_leg){.call = str_make(conn->call->id, CALL_ID_LEN),
                                         .sip_call = sip_call,
                                         .party = conn->id,
                                         .device = conn->device != NULL});
    }
}

void branch_leave_peer(struct branch *b)
{
    if (b->peer != NULL) {
        peer_release(b->peer);
        b->peer = NULL;
    }
}

void branch_hand_over(struct branch *from, struct branch *to)
{
    struct leg *leg = from->leg;

    to->leg = leg;
    to->peer = from->peer; /* its room on the peer goes along */
    from->leg = NULL;
    from->peer = NULL;
    if (leg == NULL) {
        return;
    }
    leg->owner = to;
    from->conn->call->legs--;
    to->conn->call->legs++;
    if (leg->dialog != NULL) {
        branch_watched(to, leg->dialog->call_id);
    }
    list_each(it, &leg->dialogs)
    {
        list_entry(it, struct dialog, link)->owner = NULL;
    }
}

void branch_gone(struct branch *b)
{
    struct call *c = b->conn->call;

    branch_leave_peer(b);
    b->leg = NULL;
    c->legs--;
    if (!list_empty(&c->layer->queue)) {
        queue_freed(b->conn, c->layer->wheel->now_ms);
    }
    if (!list_empty(&c->layer->callbacks)) {
        callback_freed(b->conn, c->layer->wheel->now_ms);
    }
    call_check_dead(c);
}

void call_check_dead(struct call *c)
{
    struct call_layer *l = c->layer;

    if (c->phase != CALL_ENDING || c->legs != 0 || !relays_empty(c)) {
        return;
    }
    timer_stop(l->wheel, &c->timer);
    map_remove(&l->by_id, &c->by_id);
    list_each(it, &c->connections)
    {
        list_remove(&list_entry(it, struct connection, link)->of_device);
    }
    list_remove(&c->link);
    list_append(&l->dead, &c->link);
    if (l->env->watch != NULL) {
        l->env->watch->over(l->env->watch->ctx, str_make(c->id, CALL_ID_LEN));
    }
}

void call_set_timer(struct call *c, uint32_t after_ms, uint64_t now_ms)
{
    if (after_ms == 0) {
        timer_stop(c->layer->wheel, &c->timer);
    } else {
        timer_set(c->layer->wheel, &c->timer, now_ms + after_ms);
    }
}

/* One block a call, whatever is set how often: events keep copies. */
bool call_set_correlator(struct call *c, struct str octets)
{
    call_touch(c);
    if (octets.n == 0) {
        c->correlator = STR_NONE;
        return true;
    }
    if (c->correlator_block == NULL) {
        c->correlator_block = arena_alloc(&c->arena, CALL_CORRELATOR_MAX);
    }
    if (c->correlator_block == NULL || octets.n > CALL_CORRELATOR_MAX) {
        return false;
    }
    memmove(c->correlator_block, octets.p, octets.n);
    c->correlator = str_make(c->correlator_block, octets.n);
    return true;
}

struct call *call_find(const struct call_layer *l, struct str id)
{
    struct map_node *n = map_first(&l->by_id, hash_bytes(&l->key, id));

    for (; n != NULL; n = map_next(n)) {
        struct call *c = container_of(n, struct call, by_id);
        if (str_eq(str_make(c->id, CALL_ID_LEN), id)) {
            return c;
        }
    }
    return NULL;
}

struct connection *call_connection(const struct call *c, const struct device *device)
{
    list_each(it, &c->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (conn->device == device && device != NULL && !conn->ended) {
            return conn;
        }
    }
    return NULL;
}

struct connection *call_of_device(const struct device *d, const struct connection *last)
{
    const struct list *it = last == NULL ? d->calls.next : last->of_device.next;

    for (; it != NULL && it != &d->calls; it = it->next) {
        struct connection *conn =
            container_of((struct list *)(uintptr_t)it, struct connection, of_device);
        if (!conn->ended) {
            return conn;
        }
    }
    return NULL;
}

bool call_room_for(const struct call_layer *l, const struct device *d)
{
    const struct connection *conn = NULL;
    uint32_t n = 0;

    while (d != NULL && n < l->config.max_device_calls &&
           (conn = call_of_device(d, conn)) != NULL) {
        n += conn->originating;
    }
    return n < l->config.max_device_calls;
}

struct connection *call_other(const struct connection *c)
{
    const struct call *call = c->call;

    if (c->seat != NULL || c->is_seat) {
        return c->seat;
    }
    if (call->a == c) {
        return call->b;
    }
    return call->b == c ? call->a : NULL;
}

struct leg *connection_leg(const struct connection *conn)
{
    return conn == NULL || conn->stem == NULL ? NULL : conn->stem->leg;
}
