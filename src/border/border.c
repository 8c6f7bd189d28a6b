/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two doors. Each asks the scan first; only what that does not let through is indexed, its
 * values found (find.h), decided about (decide.c) and the message written anew (apply.c).
 *
 * NEIGHBOURS. Who is at the other end of a hop is told by the directory, by address or
 * certificate. A peer that the configuration has by name only is known by the name of the
 * target when something is sent to it; its address is remembered, for what comes back.
 *
 * FAILING. Without memory nothing passes: a request that came in is dropped, and comes again;
 * one that was to leave is not sent, as if memory had been out a line further on.
 */
#include "border/border.h"

#include "base/err.h"
#include "border/parts.h"
#include "border/scan.h"
#include "border/source.h"

/** What goes out is ours, and has been measured when it came in. */
static const struct sip_limits no_limits = {UINT32_MAX, SIP_HDR_MAX, UINT32_MAX};

int border_init(struct border *b, const struct env *env, const struct wheel *wheel,
                const struct directory *directory, struct arena *arena)
{
    memset(b, 0, sizeof(*b));
    b->env = env;
    b->wheel = wheel;
    b->directory = directory;
    b->arena = arena;
    env->random(env->ctx, &b->key, sizeof(b->key));
    return 0;
}

void border_fini(struct border *b)
{
    if (b->env != NULL) {
        border_source_free(&b->env->mem, b->source);
        mem_free(&b->env->mem, b->note);
        b->source = NULL;
        b->note = NULL;
    }
}

static bool packages_want(const struct uui_packages *packages)
{
    for (size_t i = 0; packages != NULL && i < packages->n; i++) {
        if (packages->row[i].tls_only || packages->row[i].direction == UUI_IN) {
            return true;
        }
    }
    return false;
}

static bool peers_want(const struct directory *d)
{
    for (size_t i = 0; i < d->peer_count; i++) {
        if (d->peers[i].uui.dialect != NULL || d->peers[i].uui.max_octets > 0) {
            return true;
        }
    }
    return false;
}

int border_refresh(struct border *b, const struct border_policy *policy,
                   const struct uui_packages *packages)
{
    uint64_t n = b->noted < BORDER_NOTES ? b->noted : BORDER_NOTES;
    for (uint64_t i = 0; i < n; i++) {
        b->note[i].peer = b->note[i].rule = STR_NONE; /* texts of the old configuration */
    }
    b->policy = policy;
    b->packages = packages;
    border_forget(b);
    b->named.peer = NULL;
    b->active = (policy != NULL && policy->count > 0) || packages_want(packages) ||
                peers_want(b->directory);
    if (b->source == NULL && border_policy_asks_source(policy)) {
        b->source = border_source_new(&b->env->mem);
        return b->source != NULL ? 0 : E_NOMEM;
    }
    return 0;
}

/* ---- neighbours ---- */

static const struct peer *peer_by_name(const struct border *b, struct str name)
{
    for (size_t i = 0; i < b->directory->peer_count && name.n > 0; i++) {
        const struct peer *p = &b->directory->peers[i];
        if (p->addr.family == ADDR_NONE && str_ieq(p->host, name)) {
            return p;
        }
    }
    return NULL;
}

static const struct border_learned *learned(const struct border *b, const struct addr *addr)
{
    for (size_t i = 0; i < BORDER_LEARNED; i++) {
        if (addr_ip_eq(&b->learned[i].addr, addr) && b->learned[i].addr.family != ADDR_NONE) {
            return &b->learned[i];
        }
    }
    return NULL;
}

static void learn(struct border *b, const struct addr *addr, struct str name)
{
    struct border_learned *l = (struct border_learned *)(uintptr_t)learned(b, addr);
    if (l == NULL) {
        l = &b->learned[b->learned_next++ % BORDER_LEARNED];
    }
    l->addr = *addr;
    l->name_n = (uint8_t)(name.n < sizeof(l->name) ? name.n : sizeof(l->name));
    memcpy(l->name, name.p, l->name_n);
}

static struct border_party neighbour_at(struct border *b, const struct hop *hop,
                                        struct str name)
{
    const struct peer *p = directory_peer_from(b->directory, hop);
    if (p == NULL && name.n > 0 && (p = peer_by_name(b, name)) != NULL) {
        learn(b, &hop->remote, name);
    }
    if (p == NULL && name.n == 0) {
        const struct border_learned *l = learned(b, &hop->remote);
        p = l != NULL ? peer_by_name(b, str_make(l->name, l->name_n)) : NULL;
    }
    return (struct border_party){.peer = p, .device = p == NULL};
}

/* ---- crossing ---- */

static enum border_verdict cross(struct crossing *x)
{
    struct border *b = x->b;
    static const struct uui_far canonical = {0};
    x->far = x->neighbour.peer != NULL ? &x->neighbour.peer->uui : &canonical;
    int err = border_find(x->m, x->what, b->packages,
                          x->direction == BORDER_IN ? x->far : &canonical, b->arena, &x->found);
    if (err == E_TOOMANY) {
        x->out->refusal =
            (struct txn_reply){.status = 400, .reason = STR("Too Much User-to-User")};
        return sip_is_request(x->m) && x->m->method != SIP_METHOD_ACK ? BORDER_REFUSED
                                                                      : BORDER_NO_MEMORY;
    }
    if (err == 0 && x->found.values.n == 0) {
        return BORDER_AS_IT_IS;
    }
    border_patch_init(&x->patch, b->arena);
    if (err == 0) {
        border__decide(x);
        err = x->err;
    }
    if (err == 0 && x->refused) {
        return str_is_set(x->out->refusal.lines) ? BORDER_REFUSED : BORDER_NO_MEMORY;
    }
    if (err == 0 && !x->changed) {
        return BORDER_AS_IT_IS;
    }
    if (err == 0) {
        border_apply(&x->found, &x->patch);
        err = border_apply_body(&x->found, &x->patch);
        b->stats.left += err == E_VALUE ? 1 : 0; /* it cannot be changed: as it is */
        err = err == E_NOMEM ? err : border_emit(&x->found, &x->patch, &x->out->bytes);
    }
    return err == 0 ? BORDER_CHANGED : BORDER_NO_MEMORY;
}

static enum border_verdict settled(struct border *b, enum border_verdict v)
{
    b->stats.failed += v == BORDER_NO_MEMORY ? 1 : 0;
    return v;
}

/** Octets of this message need not be looked at again, nor its values be parsed. */
static void remember(struct border *b, const struct sip_msg *m, unsigned what,
                     const struct crossing *x)
{
    b->recent.m = NULL;
    b->recent.found = NULL;
    if (what == BORDER_SCAN_HEADER) {
        b->recent.found = arena_alloc(b->arena, sizeof(x->found));
        b->recent.from = x->neighbour;
    }
    if (what == 0 || b->recent.found != NULL) {
        b->recent.m = m;
        b->recent.text = str_make(m->buf, m->len);
        b->recent.copy = STR_NONE;
    }
    if (b->recent.found != NULL) {
        *b->recent.found = x->found;
    }
    if (b->recent.m != NULL && b->asked == NULL) {
        b->known = (struct txn_known){.octets = m->buf, .clean = what == 0};
    }
}

void border_forget(struct border *b)
{
    b->recent.m = NULL;
    b->known = (struct txn_known){0};
}

void border_copied(void *border, const struct sip_msg *m, const struct sip_msg *copy)
{
    struct border *b = border;
    if (b->recent.m == m) {
        b->recent.copy = str_make(copy->buf, copy->len);
        b->known.copy = copy->buf;
    }
}

enum border_verdict border_in(struct border *b, const struct sip_msg *m, const struct hop *from,
                              struct border_result *out)
{
    *out = (struct border_result){0};
    border_forget(b);
    if (!b->active) {
        return BORDER_AS_IT_IS;
    }
    unsigned what = border_scan_msg(m);
    if (what == 0) {
        remember(b, m, 0, NULL);
        return BORDER_AS_IT_IS;
    }
    struct crossing x = {.b = b,
                         .m = m,
                         .what = what,
                         .hop = from,
                         .direction = BORDER_IN,
                         .neighbour = neighbour_at(b, from, STR_NONE),
                         .secure = transport_is_secure((enum transport)from->transport),
                         .out = out};
    enum border_verdict v = settled(b, cross(&x));
    if (v == BORDER_AS_IT_IS) {
        remember(b, m, what, &x);
    }
    return v;
}

static inline bool is_within(struct str part, struct str whole)
{
    uintptr_t at = (uintptr_t)part.p - (uintptr_t)whole.p; /* huge when it is before that */
    return at <= whole.n && part.n <= whole.n - at;
}

/** Is it made of what came in, and of texts that have nothing to do with all this? */
static bool is_known(const struct border *b, const struct str *run, size_t n)
{
    if (b->recent.m == NULL || b->asked != NULL) {
        return false;
    }
    if (n == 1 && str_starts(run[0], STR("SIP/2.0 100 "))) {
        return true; /* nobody passes it on (RFC 3261 §16.7): it is ours, and has no values */
    }
    for (size_t i = 0; i < n; i++) {
        if (!is_within(run[i], b->recent.text) && !is_within(run[i], b->recent.copy) &&
            border_scan_fragment(run[i])) {
            return false;
        }
    }
    return true;
}

/** Is it the same request, or a response to it, as the rules see it? */
static bool is_alike(const struct sip_msg *m, struct str start)
{
    struct str method = sip_msg_method(m);
    return sip_is_request(m)
               ? str_starts(start, method) && start.n > method.n && start.p[method.n] == ' '
               : str_istarts(start, STR("SIP/2.0 "));
}

/** Would its values, which are those of the message that came in, all leave as they are? */
static bool values_leave(struct border *b, const struct hop *to, struct str name,
                         struct str start)
{
    struct border_result unused;
    struct crossing x = {.b = b,
                         .m = b->recent.m,
                         .hop = to,
                         .direction = BORDER_OUT,
                         .neighbour = neighbour_at(b, to, name),
                         .from = &b->recent.from,
                         .secure = transport_is_secure((enum transport)to->transport),
                         .found = *b->recent.found,
                         .out = &unused};
    const struct peer *p = x.neighbour.peer;
    bool translates = p != NULL && (p->uui.dialect != NULL || p->uui.max_octets > 0);
    return !translates && is_alike(b->recent.m, start) && border__all_pass(&x);
}

/** Without looking at the octets again. @return true: it leaves as it is */
static bool leaves_as_known(struct border *b, const struct hop *to,
                            const struct txn_leaving *what)
{
    return is_known(b, what->run, what->known ? 1 : what->n) &&
           (b->recent.found == NULL || values_leave(b, to, what->name, what->run[0]));
}

/** The runs as one. Absent: memory is out. */
static struct str joined(struct border *b, const struct str *run, size_t n)
{
    return n == 1 ? run[0] : arena_join(b->arena, run, n);
}

/** With all that it takes. */
static enum border_verdict look_at(struct border *b, const struct hop *to, struct str name,
                                   struct str bytes, struct border_result *out)
{
    struct sip_msg m = {.hdr = b->hdr};
    struct sip_fault fault;
    if (!str_is_set(bytes)) {
        return settled(b, BORDER_NO_MEMORY);
    }
    unsigned what = border_scan_bytes(bytes);
    if (what == 0) {
        return BORDER_AS_IT_IS;
    }
    if (sip_msg_index(&m, bytes, true, &no_limits, &fault) != 0) {
        return settled(b, BORDER_NO_MEMORY); /* what cannot be looked at does not leave */
    }
    struct crossing x = {.b = b,
                         .m = &m,
                         .what = what,
                         .hop = to,
                         .direction = BORDER_OUT,
                         .neighbour = neighbour_at(b, to, name),
                         .secure = transport_is_secure((enum transport)to->transport),
                         .out = out};
    return settled(b, cross(&x));
}

enum border_verdict border_out(struct border *b, const struct hop *to,
                               const struct txn_leaving *what, struct border_result *out)
{
    if (!b->active || leaves_as_known(b, to, what)) {
        return BORDER_AS_IT_IS;
    }
    *out = (struct border_result){0};
    return look_at(b, to, what->name,
                   str_is_set(what->bytes) ? what->bytes : joined(b, what->run, what->n), out);
}

enum txn_exit border_leaves(void *border, const struct hop *hop, const struct txn_leaving *what,
                            struct txn_exit_out *out)
{
    struct border_result r;
    switch (border_out(border, hop, what, &r)) {
    case BORDER_AS_IT_IS:
        return TXN_EXIT_PASS;
    case BORDER_CHANGED:
        out->bytes = r.bytes;
        return TXN_EXIT_CHANGED;
    case BORDER_REFUSED:
        out->refusal = r.refusal;
        return TXN_EXIT_REFUSED;
    case BORDER_NO_MEMORY:
        break;
    }
    return TXN_EXIT_FAILED;
}
