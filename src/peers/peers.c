/* SPDX-License-Identifier: Apache-2.0 */
/* See peers.h. */
#include "peers/parts.h"

#define KEEP_S 3600
#define KEEP_NO_S 300

int peers_init(struct peers *p, const struct env *env, struct wheel *wheel,
               struct txn_layer *txn, struct directory *dir, const struct peers_config *config)
{
    *p = (struct peers){.env = env, .wheel = wheel, .txn = txn, .dir = dir};
    p->config = config != NULL ? *config : p->config;
    p->config.keep_s = p->config.keep_s != 0 ? p->config.keep_s : KEEP_S;
    p->config.keep_no_s = p->config.keep_no_s != 0 ? p->config.keep_no_s : KEEP_NO_S;
    size_t room = dir->peer_room > dir->peer_count ? dir->peer_room : dir->peer_count;
    if (room == 0) {
        return 0;
    }
    p->state = mem_zalloc(&env->mem, room * sizeof *p->state);
    if (p->state == NULL) {
        return E_NOMEM;
    }
    peers_changed(p);
    return 0;
}

/** What the place's peer was is no longer known: calls to it count on, for whoever ends them.
 */
static void begin_anew(struct peer_state *s, struct peers *p, struct peer *peer)
{
    if (s->peers != NULL) {
        probe_end(s);
        peer_forget(s);
    }
    s->peers = p;
    s->peer = peer;
    s->failed = 0;
    s->down = s->down && peer->probe_s != 0;
    peer->state = s;
    probe_begin(s);
}

void peers_changed(struct peers *p)
{
    p->count = p->state != NULL ? p->dir->peer_count : 0;
    for (size_t i = 0; i < p->count; i++) {
        begin_anew(&p->state[i], p, &p->dir->peers[i]);
    }
}

void peers_fini(struct peers *p)
{
    for (size_t i = 0; p->state != NULL && i < p->count; i++) {
        probe_end(&p->state[i]);
        peer_forget(&p->state[i]);
        p->state[i].peer->state = NULL;
    }
    if (p->env != NULL) {
        mem_free(&p->env->mem, p->state);
    }
    p->state = NULL;
}

/* ---- room ---- */

static bool has_room(const struct peer *peer)
{
    return peer->max_calls == 0 || peer->state->calls < peer->max_calls;
}

bool peer_usable(const struct peer *peer)
{
    return peer->state == NULL || (!peer->state->down && has_room(peer));
}

bool peer_take(const struct peer *peer)
{
    if (peer->state == NULL) {
        return true;
    }
    return !peer->state->down && peer_enter(peer);
}

bool peer_enter(const struct peer *peer)
{
    if (peer->state == NULL) {
        return true;
    }
    if (!has_room(peer)) {
        peer->state->peers->full++;
        return false;
    }
    peer->state->calls++;
    return true;
}

void peer_release(const struct peer *peer)
{
    if (peer->state != NULL && peer->state->calls > 0) {
        peer->state->calls--;
    }
}

/* ---- choice ---- */

/** Whose turn it may be: who takes the number, and fits as well as the best does. */
struct choice {
    const struct directory *dir;
    struct str number;
    const struct demand *demand;
    enum fit least;
};

static bool takes(const struct peer *p, struct str number)
{
    for (size_t i = 0; i < p->number_count; i++) {
        if (access_matches(p->numbers[i], number)) {
            return true;
        }
    }
    return false;
}

static bool suits(const struct choice *c, const struct peer *p)
{
    return takes(p, c->number) && (c->demand == NULL || peer_fit(p, c->demand) >= c->least);
}

static const struct peer *draw(const struct env *env, const struct choice *c)
{
    uint64_t sum = 0, run = 0;
    for (size_t i = 0; i < c->dir->peer_count; i++) {
        const struct peer *p = &c->dir->peers[i];
        sum += suits(c, p) && peer_usable(p) ? p->weight : 0;
    }
    uint64_t lot = sum > 0 ? env_random64(env) % sum : 0;
    for (size_t i = 0; i < c->dir->peer_count; i++) {
        const struct peer *p = &c->dir->peers[i];
        if (p->weight > 0 && suits(c, p) && peer_usable(p)) {
            run += p->weight;
            if (lot < run) {
                return p;
            }
        }
    }
    return NULL;
}

/** *any: the first that suits, usable or not. */
static const struct peer *first_usable(const struct env *env, const struct choice *c,
                                       const struct peer **any)
{
    for (size_t i = 0; i < c->dir->peer_count; i++) {
        const struct peer *p = &c->dir->peers[i];
        if (!suits(c, p)) {
            continue;
        }
        *any = *any != NULL ? *any : p;
        if (peer_usable(p)) {
            return p->weight > 0 ? draw(env, c) : p;
        }
    }
    return NULL;
}

static enum fit best_fit(const struct choice *c)
{
    enum fit best = FIT_NO_OPTION;
    for (size_t i = 0; c->demand != NULL && i < c->dir->peer_count; i++) {
        const struct peer *p = &c->dir->peers[i];
        enum fit f = takes(p, c->number) ? peer_fit(p, c->demand) : FIT_NO_OPTION;
        best = f > best ? f : best;
    }
    return c->demand == NULL ? FIT_YES : best;
}

const struct peer *peer_for_demand(const struct env *env, const struct directory *dir,
                                   struct str number, const struct demand *w, enum fit *best)
{
    struct choice c = {.dir = dir, .number = number, .demand = w};
    const struct peer *any = NULL;
    const struct peer *p = NULL;
    *best = best_fit(&c);
    for (int least = (int)*best; p == NULL && least >= FIT_UNKNOWN; least--) {
        c.least = (enum fit)least;
        p = first_usable(env, &c, &any);
    }
    return p != NULL ? p : any;
}

const struct peer *peer_for(const struct env *env, const struct directory *dir,
                            struct str number)
{
    enum fit best;
    return peer_for_demand(env, dir, number, NULL, &best);
}

/* ---- where it is ---- */

void peer_target(const struct peer *peer, struct txn_target *out)
{
    *out = (struct txn_target){
        .hop = {.transport = peer->transport}, .port = peer->port, .fixed = peer->fixed};
    if (addr_parse_host(peer->host, peer->port, &out->hop.remote)) {
        out->host = peer->tls_name; /* whom a TLS connection to that address must reach */
    } else {
        out->host = peer->host;
    }
}

static void write_uri(const struct peer *peer, struct str user, bool sips, struct out *o)
{
    out_c(o, sips ? "sips:" : "sip:");
    if (user.n > 0) {
        out_str(o, user);
        out_ch(o, '@');
    }
    out_str(o, peer->host);
    if (peer->port != 0) {
        out_fmt(o, ":%u", peer->port);
    }
    if (peer->transport > TP_UDP && !(sips && peer->transport == TP_TLS)) {
        out_fmt(o, ";transport=%s", transport_name((enum transport)peer->transport));
    }
}

void peer_write_uri(const struct peer *peer, struct str user, struct out *o)
{
    write_uri(peer, user, false, o);
}

void peer_write_sips_uri(const struct peer *peer, struct str user, struct out *o)
{
    write_uri(peer, user, true, o);
}

struct peers_now peers_now(const struct peers *p)
{
    struct peers_now now = {0};
    for (size_t i = 0; p->state != NULL && i < p->count; i++) {
        bool there = p->dir->peers[i].name.n > 0;
        now.up += there && !p->state[i].down;
        now.down += there && p->state[i].down;
        now.calls += p->state[i].calls;
    }
    return now;
}
