/* SPDX-License-Identifier: Apache-2.0 */
/* A registrar on a virtual clock, and REGISTER requests made from header lines. */
#ifndef BATON_TESTS_KIT_REGISTRAR_H
#define BATON_TESTS_KIT_REGISTRAR_H

#include "base/err.h"
#include "kit_msg.h"
#include "registrar/registrar.h"

#define KEY "bob@biloxi.com"

struct fixture {
    struct kit k;
    struct wheel wheel;
    struct registrar r;
    struct arena arena;
    struct hop hop;
    uint64_t now;
    unsigned appeared, vanished;
    unsigned told[BINDING_DEACTIVATED + 1]; /* by what on_binding said */
    struct registrar_answer a;              /* of the last request */
    bool sips;                              /* the next requests have a sips Request-URI */
    char text[20000];
    struct kit_msg msg;
};

static inline void on_change(void *ctx, const struct record *rec, bool registered,
                             uint64_t now_ms)
{
    struct fixture *f = ctx;
    CHECK_INT(now_ms, f->now);
    CHECK_INT(rec->count > 0, registered);
    CHECK((registrar_find(&f->r, rec->key) != NULL) == registered);
    f->appeared += registered;
    f->vanished += !registered;
}

static inline void on_binding(void *ctx, const struct record *rec, const struct binding *b,
                              enum binding_event what, uint64_t now_ms)
{
    struct fixture *f = ctx;
    bool stays = what <= BINDING_SHORTENED;
    CHECK_INT(now_ms, f->now);
    CHECK(b->record == rec && b->id != 0 && b->contact.n > 0);
    CHECK(list_linked(&b->link) == stays);
    f->told[what]++;
}

static inline void setup_with(struct fixture *f, const struct registrar_config *config)
{
    *f = (struct fixture){.now = 1000000};
    kit_init(&f->k);
    f->hop = (struct hop){.flow = 1, .transport = TP_UDP};
    addr_parse(STR("192.0.2.1:5060"), &f->hop.remote);
    wheel_init(&f->wheel, f->now);
    arena_init(&f->arena, &f->k.env.mem, 4096);
    CHECK_INT(registrar_init(&f->r, &f->k.env, &f->wheel, config), 0);
    f->r.on_change = on_change;
    f->r.on_binding = on_binding;
    f->r.ctx = f;
}

static inline void setup(struct fixture *f)
{
    setup_with(f, &(struct registrar_config){0});
}

static inline void teardown(struct fixture *f)
{
    registrar_fini(&f->r);
    CHECK_INT(f->wheel.count, 0); /* no timer outlives its binding */
    registrar_fini(&f->r);
    arena_fini(&f->arena);
    CHECK_INT(f->k.mem.live, 0);
}

/* What every request needs: Call-ID and CSeq. */
#define ID(call_id, cseq) "Call-ID: " call_id "\r\nCSeq: " #cseq " REGISTER\r\n"

static inline unsigned put_for(struct fixture *f, const char *key, const char *lines)
{
    int n = snprintf(f->text, sizeof(f->text), "REGISTER %s:biloxi.com SIP/2.0\r\n%s\r\n",
                     f->sips ? "sips" : "sip", lines);
    f->a = (struct registrar_answer){0};
    if (!CHECK(n > 0 && (size_t)n < sizeof(f->text)) ||
        !CHECK(kit_index(&f->msg, str_c(f->text)))) {
        return 0;
    }
    arena_reset(&f->arena);
    registrar_register(&f->r, &f->msg.m, str_c(key), &f->hop, f->now, &f->arena, &f->a);
    memset(f->text, '#', sizeof(f->text)); /* nothing may point into the request */
    return f->a.status;
}

static inline unsigned put(struct fixture *f, const char *lines)
{
    return put_for(f, KEY, lines);
}

static inline void pass(struct fixture *f, uint64_t ms)
{
    f->now += ms;
    wheel_advance(&f->wheel, f->now);
}

/* The answer without its Date line. */
static inline struct str contacts(const struct fixture *f)
{
    return str_upto(f->a.lines, str_find(f->a.lines, STR("Date:")));
}

static inline struct record *record_of(struct fixture *f)
{
    return registrar_find(&f->r, STR(KEY));
}

static inline struct binding *nth(const struct record *rec, unsigned n)
{
    struct list *it = rec->bindings.next;
    while (n-- > 0) {
        it = it->next;
    }
    return list_entry(it, struct binding, link);
}

/* The invariants that hold between any two calls. */
static inline void check_invariants(struct fixture *f)
{
    size_t bindings = 0;
    size_t records = 0;
    size_t slot = 0;
    size_t on_flows = 0;
    for (struct map_node *n = map_walk(&f->r.records, &slot, NULL); n != NULL;
         n = map_walk(&f->r.records, &slot, n)) {
        struct record *rec = container_of(n, struct record, node);
        unsigned count = 0;
        unsigned q = 1000;
        list_each(it, &rec->bindings)
        {
            struct binding *b = list_entry(it, struct binding, link);
            CHECK(b->record == rec);
            CHECK(timer_running(&b->expire));
            CHECK(b->expires_ms > f->now);
            CHECK(b->q_milli <= q);
            CHECK_INT(list_linked(&b->flow_link),
                      b->hop.flow != 0 && b->hop.transport != TP_UDP);
            on_flows += list_linked(&b->flow_link);
            q = b->q_milli;
            count++;
        }
        CHECK(count > 0);
        CHECK_INT(rec->count, count);
        CHECK(rec->count <= f->r.config.max_contacts);
        bindings += count;
        records++;
    }
    for (size_t i = 0; i < REGISTRAR_FLOW_BUCKETS; i++) {
        list_each(it, &f->r.flows[i])
        {
            on_flows--;
        }
    }
    CHECK_INT(on_flows, 0);
    CHECK_INT(f->r.binding_pool.in_use, bindings);
    /* every binding that came and is not there any more was told of as gone */
    CHECK_INT(f->told[BINDING_CREATED] - f->told[BINDING_EXPIRED] -
                  f->told[BINDING_UNREGISTERED] - f->told[BINDING_DEACTIVATED],
              bindings);
    CHECK_INT(f->told[BINDING_CREATED], f->r.registered);
    CHECK_INT(f->told[BINDING_REFRESHED], f->r.refreshed);
    CHECK_INT(f->told[BINDING_EXPIRED], f->r.expired);
    CHECK_INT(f->r.record_pool.in_use, records);
    CHECK_INT(f->r.contacts.count, bindings);
    CHECK_INT(f->wheel.count, bindings);
}

#endif
