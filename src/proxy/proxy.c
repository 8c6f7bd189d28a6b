/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The proxy's life, and what is asked of it from above.
 *
 * A request that cannot be forwarded is answered with a transaction of its own, because it is
 * known by then who sent it; when even that has no room, without one.
 */
#include "proxy/priv.h"
#include "sip/disposition.h"

enum { PER_SLAB = 32, DISPOSED_MAX = 64 };

/** Keys from a secret that is the same after a restart, or from nowhere. */
static void make_keys(struct proxy *p, struct str secret)
{
    static const struct hash_key salt[] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}, {11, 12}};
    uint64_t k[6];
    p->env->random(p->env->ctx, k, sizeof(k));
    for (size_t i = 0; i < ARRAY_LEN(k) && secret.n > 0; i++) {
        k[i] = hash_mac(&salt[i], secret);
    }
    p->dialog_key = (struct hash_key){k[0], k[1]};
    p->token_key[0] = (struct hash_key){k[2], k[3]};
    p->token_key[1] = (struct hash_key){k[4], k[5]};
    p->env->random(p->env->ctx, &p->loop_key, sizeof(p->loop_key));
}

int proxy_init(struct proxy *p, const struct env *env, struct wheel *wheel,
               struct txn_layer *txn, struct directory *directory, struct arena *scratch,
               const struct proxy_config *config)
{
    *p = (struct proxy){.env = env,
                        .wheel = wheel,
                        .txn = txn,
                        .directory = directory,
                        .scratch = scratch,
                        .config = *config};
    struct proxy_config *c = &p->config;
    c->max_forks = or_default(c->max_forks, 100000);
    c->max_branches = or_default(c->max_branches, 32);
    c->max_breadth = or_default(c->max_breadth, 60);
    c->ring_s = or_default(c->ring_s, 181);
    make_keys(p, c->secret);
    c->secret = STR_NONE;
    pool_init(&p->forks, &env->mem, sizeof(struct proxy__fork), PER_SLAB, c->max_forks);
    pool_init(&p->branches, &env->mem, sizeof(struct proxy__branch), PER_SLAB, 0);
    list_init(&p->all);
    return 0;
}

void proxy_fini(struct proxy *p)
{
    if (p->env == NULL) {
        return;
    }
    list_each(it, &p->all)
    {
        proxy__fork_free(list_entry(it, struct proxy__fork, link));
    }
    pool_fini(&p->forks);
    pool_fini(&p->branches);
}

bool proxy_busy(const struct proxy *p)
{
    list_each(it, &p->all)
    {
        if (!list_entry(it, struct proxy__fork, link)->answered) {
            return true;
        }
    }
    return false;
}

/* ---- answers of our own ---- */

static void refuse(struct proxy *p, const struct sip_msg *m, const struct hop *from,
                   unsigned status, struct str lines, uint64_t now_ms)
{
    struct txn_reply r = {.status = status, .lines = lines};
    p->stats.refused++;
    if (m->method == SIP_METHOD_ACK) {
        return;
    }
    struct txn *t = txn_server_new(p->txn, m, from, &proxy__past_user, NULL, now_ms);
    if (t != NULL) {
        (void)txn_reply(t, &r, now_ms);
        return;
    }
    (void)txn_reply_stateless(
        p->txn, m, from,
        &(struct txn_reply){.status = 503, .lines = STR("Retry-After: 5\r\n")});
}

/* ---- forwarding ---- */

/** What the caller asks of proxies (RFC 3841 §9.1). `space` has room for DISPOSED_MAX targets.
 */
static void heed_disposition(struct proxy_plan *plan, const struct sip_msg *m,
                             struct proxy_target *space)
{
    struct disposition said;
    disposition_read(m, &said);
    plan->no_cancel = plan->no_cancel || said.cancel == DIRECTIVE_NO;
    plan->recurse = plan->recurse && said.recurse != DIRECTIVE_NO;
    if (plan->count > DISPOSED_MAX) {
        plan->count = DISPOSED_MAX;
    }
    plan->count = said.fork == DIRECTIVE_NO && plan->count > 1 ? 1 : plan->count;
    if (plan->count < 2 || said.parallel == DIRECTIVE_NONE) {
        return;
    }
    for (size_t i = 0; i < plan->count; i++) {
        space[i] = plan->target[i];
        space[i].group = said.parallel == DIRECTIVE_NO ? (uint32_t)i : 0;
    }
    plan->target = space;
}

static void forward(struct proxy *p, struct proxy__request *r, const struct proxy_plan *plan,
                    uint64_t now_ms)
{
    struct proxy_target space[DISPOSED_MAX];
    struct proxy_plan heeded = *plan;
    struct str lines;
    unsigned status = proxy__admit(p, r, &lines);
    if (status != 0) {
        proxy__leave_peer(&heeded.caller);
        refuse(p, r->m, r->from, status, lines, now_ms);
        return;
    }
    if (r->route.by_path && r->route.path.flow == 0) {
        proxy__leave_peer(&heeded.caller);
        refuse(p, r->m, r->from, 430, STR_NONE, now_ms); /* RFC 5626 §5.3 */
        return;
    }
    if (sip_msg_has(r->m, SIP_HDR_REQUEST_DISPOSITION)) {
        heed_disposition(&heeded, r->m, space);
    }
    struct proxy__fork *f = proxy__fork_new(p, r, &heeded, now_ms);
    if (f == NULL) {
        proxy__leave_peer(&heeded.caller);
        refuse(p, r->m, r->from, 503, STR("Retry-After: 5\r\n"), now_ms);
        return;
    }
    proxy__fork_start(f, &heeded, now_ms);
}

void proxy_forward(struct proxy *p, const struct sip_msg *m, const struct hop *from,
                   const struct proxy_plan *plan, uint64_t now_ms)
{
    struct proxy__request r = {.m = m, .from = from};
    proxy__preprocess(p, m, from, &r.route);
    r.route.side = PROXY_FROM_NOBODY; /* a dialog that only begins has no ways */
    forward(p, &r, plan, now_ms);
}

bool proxy_has_route(const struct proxy *p, const struct sip_msg *m, const struct hop *from)
{
    struct proxy__route route;
    if (!sip_msg_has(m, SIP_HDR_ROUTE)) {
        return false;
    }
    proxy__preprocess(p, m, from, &route);
    return str_is_set(route.next);
}

bool proxy_has_path(const struct proxy *p, const struct sip_msg *m, const struct hop *from)
{
    struct proxy__route route;
    if (!sip_msg_has(m, SIP_HDR_ROUTE)) {
        return false;
    }
    proxy__preprocess(p, m, from, &route);
    return route.by_path;
}

/* ---- inside a dialog ---- */

static bool is_trusted(const struct proxy *p, const struct hop *from)
{
    const struct peer *peer =
        p->directory != NULL ? directory_peer_from(p->directory, from) : NULL;
    return peer != NULL && peer->trusted;
}

/**
 * A phone that has a GRUU of ours as Contact is where it is registered now (RFC 5627 §6.1), and
 * not at the host of that URI, which is us. @return false: no GRUU, nobody is there, or
 * somebody else is to be visited first
 */
static bool place_of_gruu(const struct proxy *p, const struct proxy__route *r,
                          struct proxy_target *out)
{
    struct dialog_place place = {0};
    struct sip_uri u;
    struct str gr;
    uint32_t at;
    if (p->locator.find == NULL || str_is_set(r->next) ||
        sip_uri_parse(r->ruri, 0, &u, &at) != 0 || !sip_param(u.params, STR("gr"), &gr) ||
        !p->locator.find(p->locator.ctx, &u, &place)) {
        return false;
    }
    *out = (struct proxy_target){
        .request_uri = place.request_uri, .to = place.target, .routes = place.routes};
    return true;
}

/** RFC 3261 §16.11: the same branch for each copy of one ACK. */
static void forward_ack(struct proxy *p, struct proxy__request *r,
                        const struct proxy_target *target)
{
    struct str run[SIP_RUN_MAX + 1], lines;
    struct proxy__copy copy = {.request = r, .target = target};
    struct txn_target to;
    struct sip_via via;
    char text[40];
    struct out branch;
    if (proxy__admit(p, r, &lines) != 0 || sip_msg_via(r->m, &via) != 0) {
        p->stats.refused++;
        return;
    }
    int n = proxy__write_copy(p, &copy, run, &to);
    if (n < 0) {
        return;
    }
    uint64_t h = hash_bytes(&p->loop_key, via.text);
    out_init(&branch, text, sizeof(text));
    out_c(&branch, SIP_BRANCH_COOKIE);
    out_hex(&branch, str_make((const char *)&h, sizeof(h)), false);
    out_str(&branch, to.mark);
    to.branch = out_str_of(&branch);
    if (txn_send_ack(p->txn, &to, run, (size_t)n) == 0) {
        p->stats.acks++;
    }
}

bool proxy_on_request(struct proxy *p, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    struct proxy_plan plan = {0}; /* follow the Route */
    struct proxy_target phone;
    struct proxy__request r = {.m = m, .from = from};
    if (!sip_msg_has(m, SIP_HDR_ROUTE)) {
        return false;
    }
    proxy__preprocess(p, m, from, &r.route);
    if (r.route.side == PROXY_FROM_NOBODY && (!r.route.named || !is_trusted(p, from))) {
        p->stats.forged += r.route.named ? 1 : 0;
        return false;
    }
    if (place_of_gruu(p, &r.route, &phone)) {
        plan.target = &phone;
        plan.count = 1;
    }
    if (m->method == SIP_METHOD_ACK) {
        forward_ack(p, &r, plan.target);
    } else {
        forward(p, &r, &plan, now_ms);
    }
    return true;
}

bool proxy_to_gruu(struct proxy *p, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms)
{
    struct proxy_target phone;
    struct proxy_plan plan = {.target = &phone, .count = 1};
    struct proxy__request r = {.m = m, .from = from};
    proxy__preprocess(p, m, from, &r.route);
    if (!place_of_gruu(p, &r.route, &phone)) {
        return false;
    }
    if (m->method == SIP_METHOD_ACK) {
        forward_ack(p, &r, &phone);
    } else {
        forward(p, &r, &plan, now_ms);
    }
    return true;
}

/* ---- CANCEL ---- */

bool proxy_owns(const struct txn *t)
{
    return t != NULL && (t->user == &proxy__server_user || t->user == &proxy__past_user);
}

/** The Reason lines of a CANCEL go on (RFC 3326 §2). */
static struct str reasons(struct proxy *p, const struct sip_msg *m)
{
    struct str all = STR_NONE;
    const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_REASON);
    for (; h != NULL; h = sip_msg_next_line(m, h)) {
        struct str part[] = {all, STR("Reason: "), sip_hdr_value(m, h), STR("\r\n")};
        all = arena_join(p->scratch, part, ARRAY_LEN(part));
    }
    return all;
}

bool proxy_on_cancel(struct proxy *p, struct txn *invite, const struct sip_msg *m,
                     const struct hop *from, uint64_t now_ms)
{
    if (!proxy_owns(invite)) {
        return false;
    }
    struct proxy__fork *f = invite->owner;
    struct txn *t = txn_server_new(p->txn, m, from, NULL, NULL, now_ms);
    if (t != NULL) {
        (void)txn_reply_status(t, 200, now_ms);
    } else {
        (void)txn_reply_stateless(p->txn, m, from, &(struct txn_reply){.status = 200});
    }
    if (f != NULL && !f->answered && !f->cancelled) {
        f->cancelled = f->stopped = true;
        p->stats.cancelled++;
        proxy__cancel_branches(f, reasons(p, m), now_ms);
    }
    return true;
}
