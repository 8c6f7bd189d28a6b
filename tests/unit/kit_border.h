/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A border between two peers, `pbx` (10.0.0.2) and `trunk` (10.0.0.3, also over TLS), and
 * phones at other addresses; messages that go through one of its doors.
 */
#ifndef BATON_TESTS_KIT_BORDER_H
#define BATON_TESTS_KIT_BORDER_H

#include "base/err.h"
#include "base/wheel.h"
#include "border/border.h"
#include "kit_msg.h"

struct kit_border {
    struct kit kit;
    struct arena arena;
    struct wheel wheel;
    struct directory directory;
    struct peer peer[3];
    struct border border;
    struct border_policy policy;
    struct border_result result;
};

static const struct str kit_border_domain = STR_INIT("example.com");

static inline struct hop kit_border_hop(int last, enum transport tp)
{
    struct hop h = {.flow = 1, .transport = (uint8_t)tp};
    char text[40];
    (void)snprintf(text, sizeof(text), "10.0.0.%d", last);
    (void)addr_parse_host(str_c(text), 5060, &h.remote);
    return h;
}

/** @return 0 or E_NOMEM; kit_border_down in either case */
static inline int kit_border_up(struct kit_border *k, const struct border_rule *rule, size_t n,
                                const struct uui_packages *packages)
{
    k->peer[0] = (struct peer){.name = STR("pbx"),
                               .host = STR("10.0.0.2"),
                               .trusted = true,
                               .addr = kit_border_hop(2, TP_UDP).remote};
    k->peer[1] = (struct peer){.name = STR("trunk"),
                               .host = STR("10.0.0.3"),
                               .addr = kit_border_hop(3, TP_UDP).remote};
    k->peer[2] = (struct peer){.name = STR("far"), .host = STR("far.example.net")};
    arena_init(&k->arena, &k->kit.env.mem, 4096);
    wheel_init(&k->wheel, 0);
    memset(&k->border, 0, sizeof(k->border));
    k->policy = (struct border_policy){.rule = rule, .count = n};
    if (directory_init(&k->directory, &k->kit.env, &kit_border_domain, 1) != 0) {
        return E_NOMEM;
    }
    k->directory.peers = k->peer;
    k->directory.peer_count = k->directory.peer_room = ARRAY_LEN(k->peer);
    if (border_init(&k->border, &k->kit.env, &k->wheel, &k->directory, &k->arena) != 0) {
        return E_NOMEM;
    }
    return border_refresh(&k->border, &k->policy, packages);
}

static inline void kit_border_down(struct kit_border *k)
{
    border_fini(&k->border);
    directory_fini(&k->directory);
    arena_fini(&k->arena);
}

static inline enum border_verdict kit_border_in(struct kit_border *k, struct str text, int from,
                                                enum transport tp)
{
    static struct kit_msg msg;
    struct hop hop = kit_border_hop(from, tp);
    CHECK(kit_index(&msg, text));
    return border_in(&k->border, &msg.m, &hop, &k->result);
}

static inline enum border_verdict kit_border_out(struct kit_border *k, struct str text, int to,
                                                 enum transport tp)
{
    struct hop hop = kit_border_hop(to, tp);
    return border_out(&k->border, &hop, &(struct txn_leaving){.run = &text, .n = 1},
                      &k->result);
}

#endif
