/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The CTI layer: made, counted.
 *
 * Bounds: sessions, monitors (all, of a session, of an application), requests of a session that
 * wait, records that are kept, records that a session may be behind. Each has an answer of its
 * own when it is reached.
 */
#include "cti/parts.h"

static void configure(struct cti *c, const struct cti_config *config)
{
    c->config = *config;
    c->config.max_sessions = or_default(config->max_sessions, 1000);
    c->config.max_monitors = or_default(config->max_monitors, 10000);
    c->config.max_session_monitors = or_default(config->max_session_monitors, 1000);
    c->config.max_agents = or_default(config->max_agents, 10000);
    c->config.journal_records = or_default(config->journal_records, 65536);
    c->config.max_connections = or_default(config->max_connections, 1000);
    c->config.max_unsent = or_default(config->max_unsent, 4096);
}

struct cti *cti_new(const struct env *env, struct wheel *wheel, struct leg_layer *legs,
                    struct call_layer *calls, struct registrar *registrar,
                    struct directory *directory, struct arena *scratch,
                    const struct cti_config *config)
{
    struct cti *c = mem_zalloc(&env->mem, sizeof(*c));

    if (c == NULL) {
        return NULL;
    }
    c->env = env;
    c->wheel = wheel;
    c->legs = legs;
    c->calls = calls;
    c->registrar = registrar;
    c->directory = directory;
    c->scratch = scratch;
    c->driver = &cti_switch_driver;
    c->driver_ctx = calls;
    c->xml_salt = (unsigned long)env_random64(env);
    configure(c, config);
    list_init(&c->sessions);
    list_init(&c->conns);
    list_init(&c->clients);
    list_init(&c->dirty);
    list_init(&c->touched);
    list_init(&c->touched_monitors);
    c->room.mem = &env->mem;
    list_init(&c->pending);
    list_init(&c->registrations);
    list_init(&c->routeings);
    pool_init(&c->session_pool, &env->mem, sizeof(struct cti_session), 16, 0);
    pool_init(&c->monitor_pool, &env->mem, sizeof(struct monitor), 64, 0);
    pool_init(&c->watch_pool, &env->mem, sizeof(struct watch), 64, 0);
    pool_init(&c->agent_pool, &env->mem, sizeof(struct agent), 16, 0);
    c->agent_key = (struct hash_key){env_random64(env), env_random64(env)};
    pool_init(&c->pending_pool, &env->mem, sizeof(struct pending), 16, 0);
    c->journal = journal_new(env, c->config.journal_records);
    if (c->journal == NULL || map_init(&c->conn_map, &env->mem, 16) != 0 ||
        map_init(&c->agents, &env->mem, 64) != 0) {
        cti_free(c);
        return NULL;
    }
    journal_set_store(c->journal, config->store);
    calls->router = &cti_router;
    calls->router_ctx = c;
    return c;
}

void cti_stats(const struct cti *c, struct cti_stats *out)
{
    *out = c->stats;
    out->agents = c->agents.count;
}

void cti_device_gone(struct cti *c, const struct device *d)
{
    agents_drop(c, d);
}

void cti_set_events(struct cti *c, struct event_layer *events)
{
    c->events = events;
}

void cti_set_driver(struct cti *c, const struct cti_driver *driver)
{
    c->driver = driver;
}

void cti_set_border(struct cti *c, const struct border *border)
{
    c->border = border;
}

void cti_set_gate(struct cti *c, const struct cti_gate *gate)
{
    c->gate = *gate;
}

void cti_set_packages(struct cti *c, const struct uui_packages *packages)
{
    c->packages = packages;
}

void cti_restore_head(struct cti *c, uint64_t from, uint64_t head)
{
    journal_restore_head(c->journal, from, head);
}

uint64_t cti_tell(struct cti *c, const struct journal_fact *f)
{
    return journal_tell(c->journal, f);
}

uint64_t cti_head(const struct cti *c)
{
    return journal_head(c->journal);
}

void cti_restore_event(struct cti *c, const struct store_event *e)
{
    journal_restore(c->journal, e);
}

uint32_t cti_journal_records(const struct cti *c)
{
    return c->config.journal_records;
}
