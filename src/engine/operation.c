/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations: see operation.h.
 *
 * Two maps, by id and by principal and key, and two lists: those that run, and those that have
 * ended, the oldest first, which a timer forgets. When there are too many the oldest that has
 * ended goes; whoever has half of them pays for more with his own, so that nobody's keys are
 * forgotten because of what somebody else asks. The answer of a service may come before
 * cti_client_ask returns; then nothing has been said of the operation yet, and a refusal leaves
 * nothing behind.
 *
 * OWNERSHIP. An operation is one block with its texts; what came of it is another one.
 */
#include "engine/operation.h"
#include "base/err.h"
#include "base/pack.h"
#include "csta/json.h"
#include "csta/json_build.h"
#include "cti/journal.h"
#include "engine/owner.h"
#include "engine/parts.h"

enum { VERSION_WITHOUT_TRACE = 1, VERSION, OPERATIONS = 10000, KEEP_S = 3600, DIGEST_MAX = 32 };

struct operations {
    struct engine *engine;
    struct map by_id, by_key;
    struct owners owners;
    struct hash_key hash;
    struct list running, ended; /**< struct operation.link */
    struct timer forget;        /**< the oldest that has ended */
    uint64_t count, open;
    uint32_t max, keep_s;
    struct pack_room room;
};

struct operation {
    struct map_node by_id, by_key;
    struct list link, own;
    struct operations *all;
    struct owner *of;
    struct cti_client_ask ask;
    struct list waits; /**< struct operation_wait.link */
    char id[OPERATION_ID_LEN];
    uint8_t state;   /**< enum operation_state */
    uint16_t status; /**< of HTTP, of what failed */
    uint64_t began_s, ended_s;
    uint64_t ended_ms; /**< on the engine's clock */
    struct str owner;  /**< of->name */
    struct str service, key, digest, device, trace;
    char call_id[CALL_ID_LEN];
    bool has_call;
    struct str outcome;      /**< JSON: the result or the problem. Its own block */
    struct refusal *refusal; /**< while it begins; nobody has been told that there is one */
};

/** Where a refusal at once is said. */
struct refusal {
    struct problem *why;
    struct arena *arena; /**< of its texts */
};

static uint64_t wall_s(const struct operations *all)
{
    const struct env *env = all->engine->env;

    return env->wall_s(env->ctx);
}

struct str operation_id(const struct operation *op)
{
    return str_make(op->id, OPERATION_ID_LEN);
}

enum operation_state operation_state(const struct operation *op)
{
    return (enum operation_state)op->state;
}

unsigned operation_status(const struct operation *op)
{
    return op->status;
}

struct str operation_problem(const struct operation *op)
{
    return op->state == OPERATION_FAILED ? op->outcome : STR_NONE;
}

/* ---- as JSON ---- */

static const char *state_name(enum operation_state state)
{
    static const char *const names[] = {[OPERATION_ACCEPTED] = "accepted",
                                        [OPERATION_DONE] = "done",
                                        [OPERATION_FAILED] = "failed"};
    return names[state];
}

void operation_write(const struct operation *op, struct out *o)
{
    out_ch(o, '{');
    json_text(o, "operation", operation_id(op));
    json_text(o, "service", op->service);
    json_text(o, "state", str_c(state_name((enum operation_state)op->state)));
    json_second(o, "created", op->began_s);
    json_second(o, "ended", op->ended_s);
    if (op->has_call) {
        json_text(o, "callID", str_make(op->call_id, CALL_ID_LEN));
    }
    json_text(o, "deviceID", op->device.n > 0 ? op->device : STR_NONE);
    json_text(o, "traceparent", op->trace.n > 0 ? op->trace : STR_NONE);
    if (op->outcome.n > 0) {
        json_key(o, op->state == OPERATION_DONE ? "result" : "problem");
        out_str(o, op->outcome);
    }
    out_ch(o, '}');
}

/* ---- the table ---- */

static uint64_t key_hash(const struct operations *all, struct str owner, struct str key)
{
    return hash_mix(hash_bytes(&all->hash, owner), hash_bytes(&all->hash, key));
}

static struct operation *find_key(const struct operations *all, struct str owner,
                                  struct str key)
{
    struct map_node *n = map_first(&all->by_key, key_hash(all, owner, key));

    for (; n != NULL; n = map_next(n)) {
        struct operation *op = container_of(n, struct operation, by_key);
        if (str_eq(op->owner, owner) && str_eq(op->key, key)) {
            return op;
        }
    }
    return NULL;
}

static struct operation *find_id(const struct operations *all, struct str id)
{
    struct map_node *n = map_first(&all->by_id, hash_bytes(&all->hash, id));

    for (; n != NULL; n = map_next(n)) {
        struct operation *op = container_of(n, struct operation, by_id);
        if (str_eq(operation_id(op), id)) {
            return op;
        }
    }
    return NULL;
}

static struct str put(char **at, struct str s)
{
    struct str out = str_make(*at, s.n);

    if (s.n > 0) {
        memcpy(*at, s.p, s.n);
        *at += s.n;
    }
    return out;
}

/** What an operation is made of. */
struct texts {
    struct str owner, service, key, digest, device, trace, call_id;
};

static struct operation *operation_new(struct operations *all, const struct texts *t)
{
    struct operation *op =
        mem_zalloc(&all->engine->env->mem, sizeof(*op) + t->service.n + t->key.n + t->digest.n +
                                               t->device.n + t->trace.n);
    char *at;

    if (op == NULL || (op->of = owner_take(&all->owners, t->owner)) == NULL) {
        mem_free(&all->engine->env->mem, op);
        return NULL;
    }
    at = (char *)(op + 1);
    op->all = all;
    op->owner = op->of->name;
    op->service = put(&at, t->service);
    op->key = put(&at, t->key);
    op->digest = put(&at, t->digest);
    op->device = put(&at, t->device);
    op->trace = put(&at, t->trace);
    op->has_call = t->call_id.n == CALL_ID_LEN;
    if (op->has_call) {
        memcpy(op->call_id, t->call_id.p, CALL_ID_LEN);
    }
    list_init(&op->waits);
    return op;
}

static void enter(struct operation *op)
{
    struct operations *all = op->all;

    map_add(&all->by_id, &op->by_id, hash_bytes(&all->hash, operation_id(op)));
    if (op->key.n > 0) {
        map_add(&all->by_key, &op->by_key, key_hash(all, op->owner, op->key));
    }
    list_append(&all->running, &op->link);
    all->count++;
    all->open++;
}

/** Nothing is told, and no row is touched. */
static void operation_free(struct operation *op)
{
    const struct mem *mem = &op->all->engine->env->mem;

    list_remove(&op->own);
    owner_leave(&op->all->owners, op->of);
    map_remove(&op->all->by_id, &op->by_id);
    map_remove(&op->all->by_key, &op->by_key);
    if (list_linked(&op->link)) {
        list_remove(&op->link);
        op->all->count--;
        op->all->open -= op->state == OPERATION_ACCEPTED ? 1 : 0;
    }
    mem_free(mem, (void *)(uintptr_t)op->outcome.p);
    mem_free(mem, op);
}

/* ---- rows ---- */

static void write_row(struct out *o, const void *what, uint64_t now_ms)
{
    const struct operation *op = what;

    (void)now_ms;
    pack_number(o, VERSION);
    pack_number(o, op->state);
    pack_number(o, op->status);
    pack_number(o, op->began_s);
    pack_number(o, op->ended_s);
    pack_str(o, op->owner);
    pack_str(o, op->service);
    pack_str(o, op->key);
    pack_str(o, op->digest);
    pack_str(o, op->device);
    pack_str(o, op->has_call ? str_make(op->call_id, CALL_ID_LEN) : STR_NONE);
    pack_str(o, op->trace);
    pack_str(o, op->outcome);
}

static void keep(struct operation *op)
{
    struct operations *all = op->all;
    const struct store_ops *store = all->engine->config.store;
    struct str row;

    if (store != NULL) {
        row = pack_in(&all->room, write_row, op, 0);
        if (row.n > 0) {
            store->put(store->ctx, STORE_OPERATION, operation_id(op), row);
        }
    }
}

static void forget(struct operation *op)
{
    const struct store_ops *store = op->all->engine->config.store;

    if (store != NULL) {
        store->drop(store->ctx, STORE_OPERATION, operation_id(op));
    }
    operation_free(op);
}

/* ---- the end of one ---- */

static void run_forget_timer(struct operations *all)
{
    const struct operation *first;

    if (list_empty(&all->ended)) {
        timer_stop(&all->engine->wheel, &all->forget);
        return;
    }
    first = list_entry(all->ended.next, struct operation, link);
    timer_set(&all->engine->wheel, &all->forget,
              first->ended_ms + all->keep_s * UINT64_C(1000));
}

static void on_forget(struct timer *t, uint64_t now_ms)
{
    struct operations *all = container_of(t, struct operations, forget);

    while (!list_empty(&all->ended)) {
        struct operation *op = list_entry(all->ended.next, struct operation, link);
        if (op->ended_ms + all->keep_s * UINT64_C(1000) > now_ms) {
            break;
        }
        forget(op);
    }
    run_forget_timer(all);
}

static void move_to_ended(struct operation *op, uint64_t now_ms)
{
    struct operations *all = op->all;

    op->ended_ms = now_ms;
    list_remove(&op->link);
    list_append(&all->ended, &op->link);
    list_append(&op->of->ended, &op->own);
    all->open--;
    if (!timer_running(&all->forget)) {
        run_forget_timer(all);
    }
}

/** The event of its end, for its owner. */
static void tell(const struct operation *op)
{
    struct engine *e = op->all->engine;
    size_t cap = op->outcome.n + op->device.n * 6 + op->trace.n + 1024;
    char *buf = arena_alloc(&e->scratch, cap);
    struct journal_fact fact = {
        .type = STR("org.baton.operation.v1"), .subject = operation_id(op), .owner = op->owner};
    struct out o;

    if (buf == NULL) {
        return;
    }
    out_init(&o, buf, cap);
    operation_write(op, &o);
    fact.data = out_str_of(&o);
    if (op->has_call) {
        fact.call_id = str_make(op->call_id, CALL_ID_LEN);
    }
    if (!o.over) {
        (void)cti_tell(e->cti, &fact);
    }
}

static void answer_waits(struct operation *op, uint64_t now_ms)
{
    while (!list_empty(&op->waits)) {
        struct operation_wait *w = list_entry(op->waits.next, struct operation_wait, link);
        list_remove(&w->link);
        timer_stop(&op->all->engine->wheel, &w->timer);
        w->fn(w, op, now_ms);
    }
}

/** It has ended: kept, told, and whoever waits hears. */
static void finish(struct operation *op, uint64_t now_ms)
{
    op->ended_s = wall_s(op->all);
    if (op->refusal != NULL) {
        return; /* begin goes on */
    }
    move_to_ended(op, now_ms);
    keep(op);
    tell(op);
    answer_waits(op, now_ms);
}

static void fail(struct operation *op, const struct problem *p)
{
    struct engine *e = op->all->engine;
    size_t cap = p->detail.n * 6 + 1024;
    char *buf = arena_alloc(&e->scratch, cap);
    struct out o;

    op->state = OPERATION_FAILED;
    op->status = (uint16_t)(p->status != 0 ? p->status : problem_status(p->error, p->sip));
    if (buf != NULL) {
        out_init(&o, buf, cap);
        problem_write(p, &o);
        (void)mem_dup(&e->env->mem, o.over ? STR_NONE : out_str_of(&o), &op->outcome);
    }
}

/** The call that has come of it. */
static struct str call_made(const struct csta_msg *msg)
{
    switch (msg->id) {
    case CSTA_MSG_MAKE_CALL_RESPONSE:
        return msg->make_call_response->calling_device.call_id;
    case CSTA_MSG_CONSULTATION_CALL_RESPONSE:
        return msg->consultation_call_response->initiated_call.call_id;
    default:
        return STR_NONE;
    }
}

static void succeed(struct operation *op, const struct csta_msg *msg)
{
    struct engine *e = op->all->engine;
    struct str made = call_made(msg);
    char *buf;
    struct out o;

    op->state = OPERATION_DONE;
    if (made.n == CALL_ID_LEN) {
        op->has_call = true;
        memcpy(op->call_id, made.p, CALL_ID_LEN);
    }
    buf = msg->id != CSTA_MSG_NONE ? arena_alloc(&e->scratch, OPERATION_RESULT_MAX) : NULL;
    if (buf != NULL) {
        out_init(&o, buf, OPERATION_RESULT_MAX);
        if (csta_json_write(msg, &o) == 0) {
            (void)mem_dup(&e->env->mem, out_str_of(&o), &op->outcome);
        }
    }
}

static struct problem problem_of(const struct cti_client_answer *a)
{
    struct problem p = {.error = a->error, .sip = a->sip, .detail = a->why};

    if (a->lost) {
        p = (struct problem){.status = 503,
                             .code = STR("lost"),
                             .detail = STR("who asked may act no more, or the server stops; "
                                           "whether it was done the calls tell")};
    }
    return p;
}

/** What is said outlives the input. */
static void refuse_at_once(struct operation *op, const struct problem *p)
{
    const struct refusal *r = op->refusal;

    op->state = OPERATION_FAILED;
    *r->why = *p;
    r->why->detail = arena_dup(r->arena, p->detail);
    r->why->error.private_error_code = arena_dup(r->arena, p->error.private_error_code);
}

static void on_answer(struct cti_client_ask *ask, const struct cti_client_answer *a,
                      uint64_t now_ms)
{
    struct operation *op = container_of(ask, struct operation, ask);
    struct problem p;

    if (a->msg != NULL) {
        succeed(op, a->msg);
        finish(op, now_ms);
        return;
    }
    p = problem_of(a);
    if (op->refusal != NULL) {
        refuse_at_once(op, &p);
    } else {
        fail(op, &p);
        finish(op, now_ms);
    }
}

/* ---- the beginning of one ---- */

static enum operation_begun refuse(struct problem *why, unsigned status, const char *code,
                                   const char *detail)
{
    *why = (struct problem){.status = status, .code = str_c(code), .detail = str_c(detail)};
    return OPERATION_REFUSED;
}

/** What one may have: the rest is for others. */
static uint32_t share_of(const struct operations *all)
{
    return all->max / 2 > 2 ? all->max / 2 : 2;
}

/** @return false: all of them run, or all that he may have */
static bool make_room(struct operations *all, struct str name)
{
    const struct owner *of = owner_find(&all->owners, name);
    bool greedy = of != NULL && of->count >= share_of(all);
    const struct list *from = greedy ? &of->ended : &all->ended;

    if (!greedy && all->count < all->max) {
        return true;
    }
    if (list_empty(from)) {
        return false;
    }
    forget(greedy ? list_entry(from->next, struct operation, own)
                  : list_entry(from->next, struct operation, link));
    run_forget_timer(all);
    return true;
}

/** Ask the services. @return false: refused at once, *op->refusal says why */
static bool begin(struct operation *op, const struct operation_ask *ask,
                  struct cti_client *client, uint64_t now_ms)
{
    struct operations *all = op->all;

    memcpy(op->id, "op_", 3);
    env_random_token(all->engine->env, op->id + 3, OPERATION_ID_LEN - 3);
    op->began_s = wall_s(all);
    op->ask.fn = on_answer;
    cti_client_ask(client, ask->msg, ask->call_id, &op->ask, now_ms);
    if (op->state == OPERATION_FAILED) {
        return false;
    }
    enter(op);
    op->refusal = NULL;
    if (op->state == OPERATION_DONE) {
        finish(op, now_ms);
    } else {
        keep(op);
    }
    return true;
}

static enum operation_begun begin_new(struct operations *all, const struct operation_ask *ask,
                                      struct operation **out, struct refusal *r,
                                      uint64_t now_ms)
{
    struct cti_client *client = cti_client_of(all->engine->cti, ask->who, now_ms);
    struct operation *op;

    if (client == NULL || !make_room(all, ask->who->name)) {
        return refuse(r->why, client == NULL ? 503 : 429, "tooMany",
                      client == NULL ? "there is no room for another session; try again later"
                                     : "too many operations run; wait for some of them to end");
    }
    op = operation_new(all, &(struct texts){.owner = ask->who->name,
                                            .service = csta_msg_name(ask->msg->id),
                                            .key = ask->key,
                                            .digest = str_upto(ask->digest, DIGEST_MAX),
                                            .device = ask->about_device,
                                            .trace = ask->trace,
                                            .call_id = ask->about_call});
    if (op == NULL) {
        return refuse(r->why, 503, "noMemory", "no memory is left; try again later");
    }
    op->refusal = r;
    if (!begin(op, ask, client, now_ms)) {
        operation_free(op);
        return OPERATION_REFUSED;
    }
    *out = op;
    return OPERATION_NEW;
}

enum operation_begun operation_begin(struct engine *e, const struct operation_ask *ask,
                                     struct arena *arena, struct operation **out,
                                     struct problem *why, uint64_t now_ms)
{
    struct refusal r = {why, arena};
    enum operation_begun begun;

    engine_begin(e, now_ms);
    *out = ask->key.n > 0 ? find_key(e->operations, ask->who->name, ask->key) : NULL;
    if (*out == NULL) {
        begun = e->stopping || e->closed
                    ? refuse(why, 503, "stopping", "the server takes no new commands now")
                    : begin_new(e->operations, ask, out, &r, now_ms);
    } else if (str_eq((*out)->digest, str_upto(ask->digest, DIGEST_MAX))) {
        begun = OPERATION_AGAIN;
    } else {
        begun = refuse(why, 422, "idempotencyKeyReused",
                       "this Idempotency-Key stands for another request; choose a new one");
    }
    engine_settle(e);
    return begun;
}

bool operation_query(struct engine *e, const struct access_principal *who,
                     const struct csta_msg *msg, struct cti_client_ask *a, uint64_t now_ms)
{
    struct cti_client *client;

    engine_begin(e, now_ms);
    client = cti_client_of(e->cti, who, now_ms);
    if (client != NULL) {
        cti_client_ask(client, msg, STR_NONE, a, now_ms);
    }
    engine_settle(e);
    return client != NULL;
}

void operation_drop_principal(struct engine *e, struct str name, uint64_t now_ms)
{
    engine_begin(e, now_ms);
    cti_client_drop(e->cti, name, now_ms);
    engine_settle(e);
}

struct operation *operation_find(const struct engine *e, const struct access_principal *who,
                                 struct str id)
{
    struct operation *op = find_id(e->operations, id);

    return op != NULL && (access_is_admin(who) || str_eq(op->owner, who->name)) ? op : NULL;
}

/* ---- waiting ---- */

static void on_wait_over(struct timer *t, uint64_t now_ms)
{
    struct operation_wait *w = container_of(t, struct operation_wait, timer);

    list_remove(&w->link);
    w->fn(w, w->op, now_ms);
}

void operation_wait(struct engine *e, struct operation *op, struct operation_wait *w,
                    uint32_t wait_ms, uint64_t now_ms)
{
    w->op = op;
    timer_init(&w->timer, on_wait_over);
    timer_set(&e->wheel, &w->timer, now_ms + wait_ms);
    list_append(&op->waits, &w->link);
}

/* ---- life ---- */

struct operations *operations_new(struct engine *e, const struct operation_config *config)
{
    struct operations *all = mem_zalloc(&e->env->mem, sizeof(*all));

    if (all == NULL) {
        return NULL;
    }
    all->engine = e;
    all->max = or_default(config->max, OPERATIONS);
    all->keep_s = or_default(config->keep_s, KEEP_S);
    all->hash = (struct hash_key){env_random64(e->env), env_random64(e->env)};
    all->room.mem = &e->env->mem;
    list_init(&all->running);
    list_init(&all->ended);
    timer_init(&all->forget, on_forget);
    if (map_init(&all->by_id, &e->env->mem, 64) != 0 ||
        map_init(&all->by_key, &e->env->mem, 64) != 0 ||
        owners_init(&all->owners, &e->env->mem, all->hash) != 0) {
        operations_free(all);
        return NULL;
    }
    return all;
}

static void free_list(struct list *of)
{
    while (!list_empty(of)) {
        operation_free(list_entry(of->next, struct operation, link));
    }
}

void operations_free(struct operations *all)
{
    if (all == NULL) {
        return;
    }
    free_list(&all->running);
    free_list(&all->ended);
    timer_stop(&all->engine->wheel, &all->forget);
    map_fini(&all->by_id);
    map_fini(&all->by_key);
    owners_fini(&all->owners);
    pack_room_fini(&all->room);
    mem_free(&all->engine->env->mem, all);
}

uint64_t operations_count(const struct operations *all)
{
    return all->count;
}

uint64_t operations_running(const struct operations *all)
{
    return all->open;
}

/* ---- put back ---- */

/** Ended so long ago that it would be forgotten. */
static bool is_old(const struct operations *all, uint64_t ended_s)
{
    return ended_s != 0 && ended_s + all->keep_s < wall_s(all);
}

/** What runs has neither an end nor an outcome; what has ended has at least the former. */
static bool is_of_state(unsigned state, uint64_t ended_s, struct str outcome)
{
    return state == OPERATION_ACCEPTED ? ended_s == 0 && outcome.n == 0 : ended_s != 0;
}

/** In the list of those that have ended, by their age. */
static void insert_ended(struct operation *op, uint64_t now_ms)
{
    struct operations *all = op->all;
    uint64_t wall = wall_s(all); /* may have been put back since */
    uint64_t ago_ms = wall > op->ended_s ? (wall - op->ended_s) * 1000 : 0;
    struct list *at = &all->ended;

    op->ended_ms = now_ms > ago_ms ? now_ms - ago_ms : 0;
    while (at->prev != &all->ended &&
           list_entry(at->prev, struct operation, link)->ended_s > op->ended_s) {
        at = at->prev;
    }
    list_remove(&op->link);
    list_insert_before(at, &op->link);
    at = &op->of->ended;
    while (at->prev != &op->of->ended &&
           list_entry(at->prev, struct operation, own)->ended_s > op->ended_s) {
        at = at->prev;
    }
    list_insert_before(at, &op->own);
    all->open--;
}

int operations_restore(struct operations *all, struct str key, struct str value)
{
    struct unpack u = unpack_of(value);
    uint64_t version = unpack_number(&u), began_s, ended_s;
    unsigned state, status;
    struct operation *op;
    struct str outcome;
    struct texts t;

    if (version != VERSION && version != VERSION_WITHOUT_TRACE) {
        return u.bad ? E_SYNTAX : E_VERSION;
    }
    state = (unsigned)unpack_upto(&u, OPERATION_FAILED);
    status = (unsigned)unpack_upto(&u, 599);
    began_s = unpack_number(&u);
    ended_s = unpack_number(&u);
    t.owner = unpack_str(&u);
    t.service = unpack_str(&u);
    t.key = unpack_str(&u);
    t.digest = unpack_str(&u);
    t.device = unpack_str(&u);
    t.call_id = unpack_str(&u);
    t.trace = version == VERSION ? unpack_str(&u) : STR_NONE;
    outcome = unpack_str(&u);
    if (u.bad || key.n != OPERATION_ID_LEN || find_id(all, key) != NULL ||
        !is_of_state(state, ended_s, outcome)) {
        return E_SYNTAX;
    }
    if (is_old(all, ended_s)) {
        return E_NOTFOUND;
    }
    op = all->count < all->max ? operation_new(all, &t) : NULL;
    if (op == NULL || mem_dup(&all->engine->env->mem, outcome, &op->outcome) != 0) {
        if (op != NULL) {
            operation_free(op);
        }
        return all->count < all->max ? E_NOMEM : E_TOOMANY;
    }
    memcpy(op->id, key.p, OPERATION_ID_LEN);
    op->began_s = began_s;
    op->ended_s = ended_s;
    op->status = (uint16_t)status;
    enter(op);
    op->state = (uint8_t)state;
    if (state != OPERATION_ACCEPTED) {
        insert_ended(op, all->engine->wheel.now_ms);
    }
    return 0;
}

void operations_restored(struct operations *all, uint64_t now_ms)
{
    static const struct problem restarted = {
        .status = 503,
        .code = STR_INIT("restarted"),
        .detail = STR_INIT("the server was started again before this had ended; look at the "
                           "call or the device, and command again if need be")};

    while (!list_empty(&all->running)) {
        struct operation *op = list_entry(all->running.next, struct operation, link);
        fail(op, &restarted);
        finish(op, now_ms);
    }
    run_forget_timer(all);
}

void operations_keep_all(struct operations *all)
{
    struct list *both[] = {&all->running, &all->ended};

    for (size_t i = 0; i < ARRAY_LEN(both); i++) {
        list_each(it, both[i])
        {
            keep(list_entry(it, struct operation, link));
        }
    }
}
