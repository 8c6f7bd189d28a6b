/* SPDX-License-Identifier: Apache-2.0 */
/* Hops and times in rows: see hop.h. */
#include "base/hop.h"

void pack_addr(struct out *o, const struct addr *a)
{
    pack_number(o, a->family);
    pack_number(o, a->port);
    out_str(o, str_make((const char *)a->ip, sizeof(a->ip)));
}

void unpack_addr(struct unpack *u, struct addr *out)
{
    *out = (struct addr){.family = (uint8_t)unpack_upto(u, ADDR_IP6)};
    out->port = (uint16_t)unpack_upto(u, UINT16_MAX);
    if (u->rest.n < sizeof(out->ip)) {
        u->bad = true;
        u->rest = STR_NONE;
        *out = (struct addr){.family = ADDR_NONE};
        return;
    }
    memcpy(out->ip, u->rest.p, sizeof(out->ip));
    u->rest = str_from(u->rest, sizeof(out->ip));
}

void pack_hop(struct out *o, const struct env *env, const struct hop *hop)
{
    struct addr local = {.family = ADDR_NONE};

    if (hop->flow != 0) {
        env->local(env->ctx, hop, &local);
    }
    pack_number(o, hop->transport);
    pack_addr(o, &hop->remote);
    pack_addr(o, &local);
}

void unpack_hop(struct unpack *u, const struct env *env, struct hop *out)
{
    struct addr local;

    *out = (struct hop){.transport = (uint8_t)unpack_upto(u, TP_COUNT - 1)};
    unpack_addr(u, &out->remote);
    unpack_addr(u, &local);
    if (u->bad || local.family == ADDR_NONE) {
        return;
    }
    if (env->listener != NULL) {
        out->flow = env->listener(env->ctx, out, &local);
    }
    if (out->flow == 0 && out->transport == TP_UDP && env->open(env->ctx, out, STR_NONE) != 0) {
        out->flow = 0;
    }
}

void pack_date(struct out *o, const struct env *env, uint64_t date_ms, uint64_t now_ms)
{
    if (date_ms == UINT64_MAX) {
        pack_number(o, 0);
        return;
    }
    /* rounded up: who is told of a date is not told of an earlier one after a restart */
    pack_number(o, env->wall_s(env->ctx) +
                       (date_ms > now_ms ? (date_ms - now_ms + 999) / 1000 : 0) + 1);
}

uint64_t unpack_date(struct unpack *u, const struct env *env, uint64_t now_ms)
{
    uint64_t date_s = unpack_number(u), wall_s = env->wall_s(env->ctx);

    if (date_s == 0) {
        return UINT64_MAX;
    }
    date_s--;
    return date_s > wall_s && date_s - wall_s < UINT32_MAX ? now_ms + (date_s - wall_s) * 1000
                                                           : now_ms;
}
