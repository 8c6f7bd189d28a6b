/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer: phones come and go with their registrations, or stand for a line on a peer.
 *
 * ONE PHONE is what has one +sip.instance, or, when it does not say, one contact. Its bindings
 * of several flows (RFC 5626) are one phone, reached over the newest that works.
 *
 * GONE is a phone whose registration has ended, but it may only have lost its flow, or be
 * beginning anew: so it stays for LINGER_MS, and what it is said to be doing stays with it.
 * When it comes back it is looked at; when it does not, its calls are told to be over. A phone
 * without an instance that comes back under another contact takes the place of such a one.
 */
#include "phone/parts.h"

#include "peers/peers.h"

enum { SETTLE_MS = 100, LINGER_MS = 60000 };

/* ---- the table ---- */

static uint64_t hash_of_device(const struct phones *p, const struct device *d)
{
    uintptr_t at = (uintptr_t)d;

    return hash_bytes(&p->key, str_make((const char *)&at, sizeof(at)));
}

struct phone *phone_of_device(const struct phones *p, const struct device *d,
                              const struct phone *last)
{
    struct map_node *n = last == NULL ? map_first(&p->devices, hash_of_device(p, d))
                                      : map_next(&last->by_device);

    for (; n != NULL; n = map_next(n)) {
        struct phone *f = container_of(n, struct phone, by_device);
        if (f->device == d) {
            return f;
        }
    }
    return NULL;
}

static struct phone *find(const struct phones *p, const struct device *d, struct str id)
{
    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        if (str_eq(f->id, id)) {
            return f;
        }
    }
    return NULL;
}

static void free_phone(struct phone *f)
{
    struct phones *p = f->phones;

    phone_asks_drop(f, false, 0);
    phone_calls_free(f);
    timer_stop(p->world.wheel, &f->timer);
    map_remove(&p->devices, &f->by_device);
    list_remove(&f->link);
    mem_free(&p->env->mem, (void *)(uintptr_t)f->id.p);
    p->stats.phones--;
    pool_put(&p->phone_pool, f);
}

static struct phone *new_phone(struct phones *p, struct device *d, struct str id,
                               const struct phone_profile *profile)
{
    struct phone *f = pool_get(&p->phone_pool);

    if (f == NULL) {
        return NULL;
    }
    f->phones = p;
    f->device = d;
    f->profile = profile;
    list_init(&f->asks);
    list_init(&f->calls);
    timer_init(&f->timer, phone_on_timer);
    if (id.n > 0 && mem_dup(&p->env->mem, id, &f->id) != 0) {
        pool_put(&p->phone_pool, f);
        return NULL;
    }
    list_append(&p->phones, &f->link);
    map_add(&p->devices, &f->by_device, hash_of_device(p, d));
    p->stats.phones++;
    return f;
}

void phone_drop(struct phone *f, uint64_t now_ms)
{
    phone_close(f, now_ms);
    phone_calls_over(f, "destOutOfOrder", now_ms);
    free_phone(f);
}

/* ---- which phone has which means ---- */

/** Is it to be tried at all? */
static bool is_wanted(const struct phones *p, const struct device *d)
{
    if (p->stopping || d->phone == DEVICE_PHONE_OFF) {
        return false;
    }
    return d->phone == DEVICE_PHONE_ON || d->phone_profile.n > 0 || d->phone_peer.n > 0 ||
           p->config.automatic;
}

static const struct phone_profile *profile_of(const struct phones *p, const struct device *d,
                                              struct str agent)
{
    const struct phone_profile *profile = NULL;
    struct str named = d->phone_profile;

    if (is_wanted(p, d)) {
        /* nobody sees what stands behind a peer: it is named, or by the book */
        if (d->phone_peer.n > 0 && named.n == 0 && agent.n == 0) {
            named = phone_profile_generic.name;
        }
        profile = phone_profile_for(p->world.profiles, agent, named);
    }
    return profile != NULL && profile->means != PHONE_MEANS_NONE ? profile : NULL;
}

static struct str id_of(const struct binding *b)
{
    return b->instance.n > 0 ? b->instance : b->contact;
}

static const struct binding *best_binding(const struct phone *f)
{
    const struct record *rec = registrar_find(f->phones->world.registrar, f->device->key);
    const struct binding *best = NULL;

    if (rec == NULL) {
        return NULL;
    }
    list_each(it, &rec->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        if (str_eq(id_of(b), f->id) &&
            (best == NULL || best->failed > b->failed ||
             (best->failed == b->failed && b->serial > best->serial))) {
            best = b;
        }
    }
    return best;
}

static bool path_of_peer(const struct phone *f, struct phone_path *out)
{
    const struct phones *p = f->phones;
    const struct peer *peer = directory_peer_named(p->world.directory, f->device->phone_peer);
    struct out o;
    char *buf;

    if (peer == NULL) {
        return false;
    }
    out_init(&o, NULL, 0);
    peer_write_uri(peer, f->device->number, &o);
    buf = arena_alloc(p->world.scratch, o.need);
    if (buf == NULL) {
        return false;
    }
    out_init(&o, buf, o.need);
    peer_write_uri(peer, f->device->number, &o);
    out->request_uri = out_str_of(&o);
    peer_target(peer, &out->target);
    return true;
}

const struct binding *phone_binding(const struct phone *f)
{
    return f->id.n == 0 ? NULL : best_binding(f);
}

bool phone_path(const struct phone *f, struct phone_path *out)
{
    const struct binding *b;

    *out = (struct phone_path){.routes = STR("")};
    if (f->id.n == 0) {
        return path_of_peer(f, out);
    }
    b = best_binding(f);
    if (b == NULL || !binding_target(b, &out->target)) {
        return false;
    }
    out->request_uri = binding_request_uri(b, false, f->phones->world.scratch);
    out->routes = b->routes;
    out->pin = true;
    return str_is_set(out->request_uri);
}

/* ---- names ---- */

/** The host of its address as the phone has it. */
static struct str host_of(const struct phone *f)
{
    const struct peer *peer =
        f->id.n > 0 ? NULL
                    : directory_peer_named(f->phones->world.directory, f->device->phone_peer);

    return peer != NULL ? peer->host
                        : str_from(f->device->key, str_index(f->device->key, '@') + 1);
}

/** The last twelve hexadecimal digits of an instance "urn:uuid:…-001049543b4c". */
static struct str mac_of(const struct phone *f)
{
    struct str id = str_trim(f->id);
    struct out o;
    char *buf;

    while (id.n > 0 && (id.p[id.n - 1] == '>' || id.p[id.n - 1] == '"')) {
        id.n--;
    }
    buf = id.n < 12 ? NULL : arena_alloc(f->phones->world.scratch, 18);
    if (buf == NULL) {
        return f->device->number;
    }
    id = str_from(id, id.n - 12);
    out_init(&o, buf, 18);
    for (size_t i = 0; i < 12; i += 2) {
        if (hex_digit(id.p[i]) < 0 || hex_digit(id.p[i + 1]) < 0) {
            return f->device->number;
        }
        out_fmt(&o, "%s%X%X", i > 0 ? ":" : "", (unsigned)hex_digit(id.p[i]),
                (unsigned)hex_digit(id.p[i + 1]));
    }
    return out_str_of(&o);
}

struct str phone_name(const struct phone *f)
{
    struct arena *a = f->phones->world.scratch;
    const struct device *d = f->device;
    struct str name = STR_NONE;

    switch (f->profile->name_form) {
    case PHONE_NAME_AOR:
        name = arena_fmt(a, "sip:%.*s@%.*s", STR_ARG(d->number), STR_ARG(host_of(f)));
        break;
    case PHONE_NAME_USER:
        break;
    case PHONE_NAME_TEL:
        name = arena_fmt(a, "tel:%.*s", STR_ARG(d->tel.n > 0 ? d->tel : d->number));
        break;
    case PHONE_NAME_MAC:
        name = mac_of(f);
        break;
    }
    return name.n > 0 ? name : d->number;
}

bool phone_is_self(const struct phone *f, struct str id)
{
    const struct device *d = f->device;
    struct csta_device_parts parts;

    if (id.n == 0) {
        return false;
    }
    csta_device_split(id, &parts);
    if (str_eq(parts.user, d->number) || (d->tel.n > 0 && str_eq(parts.user, d->tel))) {
        return !str_is_set(parts.host) ||
               directory_is_domain(f->phones->world.directory, parts.host) ||
               str_ieq(parts.host, host_of(f)) || f->id.n > 0;
    }
    return f->profile->name_form == PHONE_NAME_MAC && str_ieq(id, mac_of(f));
}

struct str phone_party(const struct phone *f, struct str id)
{
    const struct device *d;

    if (id.n == 0 || id.n > CSTA_ID_MAX) {
        return STR_NONE;
    }
    d = directory_device_named(f->phones->world.directory, id);
    return d != NULL ? d->uri : id;
}

/* ---- what it serves ---- */

bool phone_serves(const struct phone *f, enum csta_msg_id service)
{
    return f->state >= PHONE_STARTING && phone_profile_has(f->profile, service) &&
           !phone_messages_has(&f->refused, service);
}

void phone_strike(struct phone *f, enum csta_msg_id service)
{
    if (!phone_messages_has(&f->refused, service)) {
        phone_messages_add(&f->refused, service);
        env_trace_of(f->phones->env, TRACE_INFO, "phone",
                     &(struct trace_ids){.device = f->device->uri},
                     "%.*s: the phone has no %.*s", STR_ARG(f->device->uri),
                     STR_ARG(csta_msg_name(service)));
    }
}

bool phones_serve(const struct phones *p, const struct device *d, enum csta_msg_id service)
{
    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        if (f->state == PHONE_UP && phone_serves(f, service)) {
            return true;
        }
    }
    return false;
}

/* ---- registrations ---- */

static uint64_t life_of(const struct phones *p, const struct binding *b)
{
    return hash_bytes(&p->key, b->call_id);
}

static bool same_hop(const struct hop *a, const struct hop *b)
{
    return a->flow == b->flow && a->transport == b->transport &&
           addr_eq(&a->remote, &b->remote);
}

struct phone *phone_registered_as(const struct phones *p, const struct device *d, uint64_t id,
                                  const struct binding **out)
{
    const struct record *rec = registrar_find(p->world.registrar, d->key);

    if (rec == NULL || id == 0) {
        return NULL;
    }
    list_each(it, &rec->bindings)
    {
        const struct binding *b = list_entry(it, struct binding, link);
        if (b->id == id) {
            *out = b;
            return find(p, d, id_of(b));
        }
    }
    return NULL;
}

/** One that is gone, and was known by its contact only. */
static struct phone *gone_without_instance(const struct phones *p, const struct device *d,
                                           const struct binding *b)
{
    struct phone_path path;

    if (b->instance.n > 0) {
        return NULL;
    }
    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        if (f->id.n > 0 && !str_istarts(f->id, STR("<urn:")) &&
            !str_istarts(f->id, STR("urn:")) && f->state == PHONE_WAITING &&
            !phone_path(f, &path)) {
            return f;
        }
    }
    return NULL;
}

static struct phone *take_place(struct phone *f, struct str id)
{
    struct str copy;

    if (mem_dup(&f->phones->env->mem, id, &copy) != 0) {
        return NULL;
    }
    mem_free(&f->phones->env->mem, (void *)(uintptr_t)f->id.p);
    f->id = copy;
    return f;
}

static struct phone *phone_of_binding(struct phones *p, struct device *d,
                                      const struct binding *b,
                                      const struct phone_profile *profile)
{
    struct phone *f = find(p, d, id_of(b));

    if (f == NULL) {
        f = gone_without_instance(p, d, b);
        f = f != NULL ? take_place(f, id_of(b)) : NULL;
    }
    return f != NULL ? f : new_phone(p, d, id_of(b), profile);
}

static void came(struct phones *p, struct device *d, const struct binding *b, uint64_t now_ms)
{
    const struct phone_profile *profile = profile_of(p, d, b->user_agent);
    struct phone *f =
        profile == NULL ? find(p, d, id_of(b)) : phone_of_binding(p, d, b, profile);
    bool anew, moved;

    if (f == NULL) {
        return;
    }
    if (profile == NULL) {
        phone_drop(f, now_ms);
        return;
    }
    anew = f->life != life_of(p, b);
    moved = !same_hop(&f->hop, &b->hop);
    if (f->profile != profile || anew) {
        f->refused = (struct phone_messages){{0}};
        f->key_refused = false;
    }
    f->profile = profile;
    f->life = life_of(p, b);
    f->hop = b->hop;
    if (!anew && !moved && (f->state != PHONE_WAITING || timer_running(&f->timer))) {
        return;
    }
    if (f->state != PHONE_WAITING) {
        phone_lost(f, anew ? PHONE_LOSS_RESTART : PHONE_LOSS_PATH, now_ms);
    } else if (f->was_up && f->loss != PHONE_LOSS_NONE && anew) {
        f->loss = PHONE_LOSS_RESTART;
    }
    f->attempts = 0;
    phone_open_soon(f, SETTLE_MS, now_ms);
}

static void went(struct phones *p, struct device *d, const struct binding *b, uint64_t now_ms)
{
    struct phone *f = find(p, d, id_of(b));
    struct phone_path path;

    if (f == NULL || phone_path(f, &path)) {
        return; /* another flow of the same phone is left */
    }
    if (f->state != PHONE_WAITING) {
        phone_lost(f, PHONE_LOSS_PATH, now_ms);
    }
    phone_open_soon(f, LINGER_MS, now_ms);
}

void phones_on_binding(struct phones *p, const struct record *r, const struct binding *b,
                       enum binding_event what, uint64_t now_ms)
{
    struct device *d = directory_device(p->world.directory, r->key);

    if (d == NULL || d->phone_peer.n > 0) {
        return;
    }
    if (what == BINDING_CREATED || what == BINDING_REFRESHED) {
        came(p, d, b, now_ms);
    } else if (what != BINDING_SHORTENED) {
        went(p, d, b, now_ms);
    }
}

/* ---- the directory ---- */

static void call_peer(struct phones *p, struct device *d, uint64_t now_ms)
{
    const struct phone_profile *profile = profile_of(p, d, STR_NONE);
    struct phone *f = find(p, d, STR_NONE);

    if (profile == NULL || d->phone_peer.n == 0) {
        if (f != NULL) {
            phone_drop(f, now_ms);
        }
        return;
    }
    if (f == NULL) {
        f = new_phone(p, d, STR_NONE, profile);
    }
    if (f != NULL) {
        f->profile = profile;
        if (f->state == PHONE_WAITING && !timer_running(&f->timer)) {
            phone_open_soon(f, SETTLE_MS, now_ms);
        }
    }
}

/** Its registrations again, as if they had just come. */
static void call_bindings(struct phones *p, struct device *d, uint64_t now_ms)
{
    struct record *rec = registrar_find(p->world.registrar, d->key);

    if (rec == NULL || d->phone_peer.n > 0) {
        return;
    }
    list_each(it, &rec->bindings)
    {
        came(p, d, list_entry(it, struct binding, link), now_ms);
    }
}

void phones_roster_changed(struct phones *p, uint64_t now_ms)
{
    const struct map *devices = &p->world.directory->devices;
    struct map_node *n = NULL;
    size_t slot = 0;

    while ((n = map_walk(devices, &slot, n)) != NULL) {
        struct device *d = container_of(n, struct device, by_key);
        call_peer(p, d, now_ms);
        call_bindings(p, d, now_ms);
    }
}

void phones_set_profiles(struct phones *p, const struct phone_profiles *profiles,
                         uint64_t now_ms)
{
    p->world.profiles = profiles;
    list_each(it, &p->phones)
    {
        struct phone *f = list_entry(it, struct phone, link);
        const struct binding *b = f->id.n > 0 ? best_binding(f) : NULL;
        const struct phone_profile *profile =
            profile_of(p, f->device, b != NULL ? b->user_agent : STR_NONE);
        if (profile == NULL) {
            phone_drop(f, now_ms);
        } else {
            if (f->profile->means != profile->means && f->state != PHONE_WAITING) {
                phone_lost(f, PHONE_LOSS_RESTART, now_ms);
            }
            f->profile = profile;
            f->refused = (struct phone_messages){{0}};
            f->key_refused = false;
        }
    }
    phones_roster_changed(p, now_ms);
}

void phones_device_gone(struct phones *p, const struct device *d, uint64_t now_ms)
{
    struct phone *f;

    while ((f = phone_of_device(p, d, NULL)) != NULL) {
        phone_drop(f, now_ms);
    }
}

/* ---- means besides the session ---- */

static bool talks(void *phones, const struct device *d, const struct binding *b)
{
    const struct phone *f = find(phones, d, id_of(b));

    return f != NULL && f->profile->talk;
}

void phones_fetched(struct phones *p, uint64_t tag, unsigned status, uint64_t now_ms)
{
    phone_carrier_fetched(&p->carrier, tag, status, now_ms);
}

/* ---- life of the layer ---- */

static uint32_t or_else(uint32_t value, uint32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static void configure(struct phones *p, const struct phone_config *config)
{
    p->config = *config;
    p->config.max_phones = or_else(config->max_phones, 10000);
    p->config.max_requests = or_else(config->max_requests, 32);
    p->config.max_calls = or_else(config->max_calls, 16);
    p->config.refresh_s = or_else(config->refresh_s, 120);
    p->config.answer_ms = or_else(config->answer_ms, 8000);
    p->config.retry_ms = or_else(config->retry_ms, 500);
    p->config.retry_max_s = or_else(config->retry_max_s, 60);
    p->config.refused_s = or_else(config->refused_s, 1800);
    p->config.unanchored_ms = or_else(config->unanchored_ms, 500);
}

struct phones *phones_new(const struct phone_world *w, const struct phone_config *config)
{
    struct phones *p = mem_zalloc(&w->env->mem, sizeof(*p));

    if (p == NULL) {
        return NULL;
    }
    p->world = *w;
    p->env = w->env;
    configure(p, config);
    p->key = (struct hash_key){env_random64(p->env), env_random64(p->env)};
    p->xml_salt = (unsigned long)env_random64(p->env);
    list_init(&p->phones);
    list_init(&p->acts);
    pool_init(&p->phone_pool, &p->env->mem, sizeof(struct phone), 16, p->config.max_phones);
    pool_init(&p->call_pool, &p->env->mem, sizeof(struct phone_call), 8, 0);
    if (map_init(&p->devices, &p->env->mem, 64) != 0) {
        mem_free(&p->env->mem, p);
        return NULL;
    }
    phone_carrier_init(&p->carrier, p->env, w->legs->txn, w->scratch,
                       w->legs->config.contact_user, p->config.max_phones);
    w->calls->talks = talks;
    phones_driver_init(p);
    return p;
}

void phones_free(struct phones *p)
{
    if (p == NULL) {
        return;
    }
    p->stopping = true;
    list_each(it, &p->phones)
    {
        struct phone *f = list_entry(it, struct phone, link);
        if (f->leg != NULL) {
            leg_free(f->leg);
            f->leg = NULL;
        }
        free_phone(f);
    }
    phone_carrier_fini(&p->carrier);
    p->world.calls->talks = NULL;
    phones_driver_fini(p);
    pool_fini(&p->phone_pool);
    pool_fini(&p->call_pool);
    map_fini(&p->devices);
    mem_free(&p->env->mem, p);
}

void phones_end_all(struct phones *p, uint64_t now_ms)
{
    p->stopping = true;
    list_each(it, &p->phones)
    {
        struct phone *f = list_entry(it, struct phone, link);
        phone_close(f, now_ms);
        phone_calls_over(f, "switchingFunctionTerminated", now_ms);
        free_phone(f);
    }
}

/* ---- told to others ---- */

void phones_each(const struct phones *p, const struct device *d,
                 void (*fn)(void *ctx, const struct phone_about *a), void *ctx)
{
    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        struct phone_about a = {
            .id = f->id,
            .profile = f->profile,
            .state = (enum phone_state)f->state,
            .status = f->status,
            .trouble = f->trouble,
            .monitored = f->monitored,
            .attempts = f->attempts,
            .next_ms = f->state == PHONE_WAITING && timer_running(&f->timer) ? f->timer.due_ms
                                                                             : WHEEL_NEVER,
        };
        list_each(it, &f->calls)
        {
            a.calls += phone_call_own(list_entry(it, struct phone_call, link)) != NULL;
        }
        fn(ctx, &a);
    }
}

void phones_stats(const struct phones *p, struct phone_stats *out)
{
    *out = p->stats;
    list_each(it, &p->phones)
    {
        const struct phone *f = list_entry(it, struct phone, link);
        out->sessions += f->state >= PHONE_STARTING;
        out->monitored += f->monitored;
    }
}
