/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fork: one request, and a branch for each target that was tried. Which one is next stands in
 * queue.c.
 *
 *   group    the next one starts when no branch is pending, or after group_s when some still
 *            ring; these are cancelled then, unless the caller said no-cancel, and it begins
 *            with the breadth that they give back
 *   Timer C  (RFC 3261 §16.8) runs per branch of an INVITE; each 101-199 starts it anew. When
 *            it fires the branch is cancelled, or, without any provisional, counts as 408
 *
 * INVARIANTS  pending = branches that are not done. A fork is freed when it has answered and no
 * branch can bring another 2xx, or when its server transaction has gone.
 */
#include "peers/peers.h"
#include "proxy/priv.h"

enum { KEEP_CHUNK = 1024, CANCEL_AGAIN_MS = 500 };

static const struct str elsewhere =
    STR_INIT("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n");

/* ---- life ---- */

static void on_group(struct timer *timer, uint64_t now_ms);

/** The request's slices moved with it into the server transaction. */
static struct str moved(struct str s, const struct sip_msg *from, const struct sip_msg *to)
{
    return str_is_set(s) ? str_make(to->buf + (s.p - from->buf), s.n) : s;
}

struct proxy__fork *proxy__fork_new(struct proxy *p, const struct proxy__request *r,
                                    const struct proxy_plan *plan, uint64_t now_ms)
{
    struct proxy__fork *f = pool_get(&p->forks);
    if (f == NULL) {
        return NULL;
    }
    f->server = txn_server_new(p->txn, r->m, r->from, &proxy__server_user, f, now_ms);
    if (f->server == NULL) {
        pool_put(&p->forks, f);
        return NULL;
    }
    f->proxy = p;
    f->from = *r->from;
    f->request = *r;
    f->request.from = &f->from;
    f->request.m = &f->server->req->m;
    f->request.route.ruri = moved(r->route.ruri, r->m, f->request.m);
    f->request.route.next = moved(r->route.next, r->m, f->request.m);
    f->caller = plan->caller;
    f->record_route = plan->record_route;
    f->recurse = plan->recurse;
    f->no_cancel = plan->no_cancel;
    f->ring_ms = or_default(plan->ring_s, p->config.ring_s) * 1000;
    f->group_ms = or_default(plan->group_s, 20) * 1000;
    f->wants_199 = proxy__wants_199(r->m);
    list_init(&f->branches);
    arena_init(&f->keep, &p->env->mem, KEEP_CHUNK);
    timer_init(&f->group, on_group);
    list_append(&p->all, &f->link);
    p->stats.forwarded++;
    return f;
}

void proxy__leave_peer(const struct peer **peer)
{
    if (*peer != NULL) {
        peer_release(*peer);
        *peer = NULL;
    }
}

static void free_branch(struct proxy__branch *b)
{
    struct proxy *p = b->fork->proxy;
    proxy__leave_peer(&b->peer);
    timer_stop(p->wheel, &b->ring);
    list_remove(&b->link);
    if (b->txn != NULL) {
        txn_detach(b->txn);
    }
    pool_put(&p->branches, b);
}

void proxy__fork_free(struct proxy__fork *f)
{
    struct proxy *p = f->proxy;
    list_each(it, &f->branches)
    {
        free_branch(list_entry(it, struct proxy__branch, link));
    }
    if (f->server != NULL) {
        txn_detach(f->server);
        f->server->user = &proxy__past_user; /* a copy that comes by another way is known */
    }
    timer_stop(p->wheel, &f->group);
    proxy__leave_peer(&f->caller);
    mem_free(&p->env->mem, f->best);
    arena_fini(&f->keep);
    list_remove(&f->link);
    pool_put(&p->forks, f);
}

/** The last branch that could bring a 2xx has gone. */
static void free_if_over(struct proxy__fork *f)
{
    if (!f->answered) {
        return;
    }
    list_each(it, &f->branches)
    {
        if (list_entry(it, struct proxy__branch, link)->txn != NULL) {
            return;
        }
    }
    proxy__fork_free(f);
}

static void on_branch_gone(struct txn *t)
{
    struct proxy__branch *b = t->owner;
    struct proxy__fork *f = b->fork;
    b->txn = NULL;
    free_if_over(f);
}

/** The server transaction is over: nothing that comes now can be passed on. */
static void on_server_gone(struct txn *t)
{
    struct proxy__fork *f = t->owner;
    f->server = NULL;
    f->request.m = NULL;
    proxy__fork_free(f);
}

const struct txn_user proxy__server_user = {.on_gone = on_server_gone};
const struct txn_user proxy__past_user = {.on_gone = NULL};
const struct txn_user proxy__branch_user = {.on_response = proxy__on_response,
                                            .on_failure = proxy__on_failure,
                                            .on_gone = on_branch_gone,
                                            .on_way = proxy__on_way};

/* ---- CANCEL and Timer C ---- */

static void cancel(struct proxy__branch *b, struct str lines, uint64_t now_ms)
{
    struct proxy *p = b->fork->proxy;
    if (b->done || b->cancelled || b->txn == NULL || b->txn->kind != TXN_ICT) {
        return;
    }
    if (txn_cancel(b->txn, lines, now_ms) == E_NOMEM) {
        timer_set(p->wheel, &b->ring, now_ms + CANCEL_AGAIN_MS);
        return;
    }
    b->cancelled = true;
    timer_stop(p->wheel, &b->ring); /* the guard of the CANCEL runs (§9.1) */
}

void proxy__cancel_branches(struct proxy__fork *f, struct str lines, uint64_t now_ms)
{
    list_each(it, &f->branches)
    {
        cancel(list_entry(it, struct proxy__branch, link), lines, now_ms);
    }
}

static void on_timer_c(struct timer *timer, uint64_t now_ms)
{
    struct proxy__branch *b = container_of(timer, struct proxy__branch, ring);
    b->fork->proxy->stats.ring_timeouts++;
    if (b->rang) {
        cancel(b, STR_NONE, now_ms);
    } else {
        proxy__branch_done(b, 408, NULL, now_ms);
    }
}

/* ---- branches ---- */

static struct proxy__branch *branch_new(struct proxy__fork *f,
                                        const struct proxy_target *target, uint32_t breadth)
{
    struct proxy *p = f->proxy;
    struct proxy__branch *b = pool_get(&p->branches);
    if (b == NULL) {
        return NULL;
    }
    b->fork = f;
    b->breadth = breadth;
    timer_init(&b->ring, on_timer_c);
    list_append(&f->branches, &b->link);
    b->unknown = target == NULL;
    if (target != NULL) {
        b->pinned = target->to.hop;
        b->inside = target->inside;
        b->policy = target->policy;
        f->tells = f->tells || target->tells;
        b->target = f->recurse ? target : NULL;
        b->phone = target->binding != 0 ? (struct proxy_target *)(uintptr_t)target : NULL;
    }
    return b;
}

/** Is the flow of the target the only way to it? Then the Record-Route remembers it. */
static void forget_needless_flow(struct proxy__branch *b, const struct proxy_target *target)
{
    struct sip_uri uri;
    struct addr a;
    uint32_t at;
    enum transport t = (enum transport)b->pinned.transport;
    if (b->pinned.flow == 0 || target == NULL || t == TP_WS || t == TP_WSS) {
        return;
    }
    if (target->routes.n > 0 || !str_is_set(target->request_uri) ||
        sip_uri_parse(target->request_uri, 0, &uri, &at) != 0 ||
        !addr_parse_host(uri.host, 0, &a) || addr_ip_eq(&a, &b->pinned.remote)) {
        b->pinned = (struct hop){0};
    }
}

/** @return 0; else not even begun: E_DENIED: it must go over TLS and cannot */
static int start_branch(struct proxy__fork *f, const struct proxy_target *target,
                        uint32_t breadth, uint64_t now_ms)
{
    struct proxy *p = f->proxy;
    struct str run[SIP_RUN_MAX + 1];
    struct txn_target to;
    struct proxy__branch *b = branch_new(f, target, breadth);
    struct proxy__copy copy = {.request = &f->request, .target = target, .breadth = breadth};
    struct proxy_target changed;
    int n = 0;
    if (b == NULL) {
        return E_NOMEM;
    }
    copy.uus = &b->uus;
    copy.sized = &b->sized;
    if (target != NULL && target->peer != NULL && f->server->method == SIP_METHOD_INVITE) {
        if (!peer_take(target->peer)) {
            free_branch(b);
            return E_TOOMANY;
        }
        b->peer = target->peer;
    }
    forget_needless_flow(b, target);
    if (proxy__has_trail(f, target)) {
        changed = *target;
        copy.target = &changed;
        n = proxy__trail_request(f, b, &changed);
    }
    if (n == 0) {
        n = proxy__write_copy(p, &copy, run, &to);
    }
    to.has_other = target != NULL && target->flows != NULL;
    b->by_token = target == NULL && n > 0 && to.hop.flow != 0;
    if (target == NULL && f->request.route.by_path) {
        b->pinned = f->request.route.path; /* the dialog's requests go the same way */
    }
    if (n > 0) {
        b->txn = txn_client_new(p->txn, (enum sip_method)f->server->method, &to, run, (size_t)n,
                                &proxy__branch_user, b, now_ms);
    }
    if (b->txn == NULL) {
        free_branch(b);
        return n < 0 ? n : E_NOMEM;
    }
    if (b->txn->kind == TXN_ICT) {
        timer_set(p->wheel, &b->ring, now_ms + f->ring_ms);
    }
    f->pending++;
    f->breadth_out += breadth;
    p->stats.branches++;
    return 0;
}

void proxy__try(struct proxy__fork *f, const struct proxy_target *target, uint32_t breadth,
                uint64_t now_ms)
{
    int err = start_branch(f, target, breadth, now_ms);
    unsigned status = err == E_DENIED ? 480 : 503; /* RFC 5630 §5.3 */
    f->tried++;
    if (err != 0 &&
        (f->best_status == 0 || proxy__rank(status) < proxy__rank(f->best_status))) {
        f->best_status = (uint16_t)status;
        f->no_sips = err == E_DENIED;
    }
}

/* ---- a branch ends ---- */

static bool is_better(const struct proxy__fork *f, unsigned status)
{
    return f->best_status == 0 || proxy__rank(status) < proxy__rank(f->best_status);
}

/** Keep the lines by which another realm can be satisfied (§16.7 step 7). */
static void keep_challenges(struct proxy__fork *f, const struct sip_msg *m)
{
    static const enum sip_hdr_id ids[] = {SIP_HDR_WWW_AUTHENTICATE, SIP_HDR_PROXY_AUTHENTICATE};
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        const struct sip_hdr *h = sip_msg_line(m, ids[i]);
        for (; h != NULL; h = sip_msg_next_line(m, h)) {
            struct str part[] = {f->challenges, sip_hdr_name(m, h), STR(": "),
                                 sip_hdr_value(m, h), STR("\r\n")};
            struct str all = arena_join(&f->keep, part, ARRAY_LEN(part));
            f->challenges = str_is_set(all) ? all : f->challenges;
        }
    }
}

static bool is_challenge(unsigned status)
{
    return status == 401 || status == 407;
}

/** Remember a response that may be the best one. `m` is NULL when we made it up. */
static void keep_response(const struct proxy__branch *b, unsigned status,
                          const struct sip_msg *m, bool inside)
{
    struct proxy__fork *f = b->fork;
    const struct mem *mem = &f->proxy->env->mem;
    if (!is_better(f, status)) {
        if (m != NULL && is_challenge(status)) {
            keep_challenges(f, m);
        }
        return;
    }
    if (f->best != NULL && is_challenge(f->best_status)) {
        keep_challenges(f, &f->best->m);
    }
    mem_free(mem, f->best);
    f->best =
        m != NULL ? sip_msg_dup(mem, m) : NULL; /* without memory only its status counts */
    f->best_status = (uint16_t)status;
    f->best_inside = inside;
    f->best_uus = b->uus;
}

void proxy__success(struct proxy__branch *b, const struct sip_msg *m, uint64_t now_ms)
{
    struct proxy__fork *f = b->fork;
    f->stopped = true;
    (void)proxy__pass_response(f, m, m->status, proxy__sender_inside(b, m), &b->uus,
                               now_ms); /* not sent: it comes again */
    if (b->txn == NULL || b->txn->kind != TXN_ICT) {
        proxy__fork_free(f); /* RFC 4320 §4.2: nothing else is passed on */
        return;
    }
    f->answered = true;
    proxy__leave_peer(&f->caller);
    f->request.m = NULL; /* the server transaction needs it no more */
    timer_stop(f->proxy->wheel, &f->group);
    if (!f->no_cancel) {
        proxy__cancel_branches(f, elsewhere, now_ms);
    }
}

/** One has failed: who of its group had to wait for breadth begins, or, when it was the last,
    the next group. @return true: something is on its way */
static bool go_on(struct proxy__fork *f, uint64_t now_ms)
{
    const struct proxy__waiting *w = f->stopped ? NULL : proxy__first_waiting(f);
    if (f->pending > 0) {
        if (w != NULL && w->target.group == f->open_group) {
            (void)proxy__start_group(f, now_ms);
        }
        return true;
    }
    while (proxy__start_group(f, now_ms)) {
        if (f->pending > 0) {
            return true;
        }
    }
    return false;
}

static void end_branch(struct proxy__branch *b)
{
    struct proxy__fork *f = b->fork;
    b->done = true;
    proxy__leave_peer(&b->peer);
    timer_stop(f->proxy->wheel, &b->ring);
    f->pending--;
    f->breadth_out -= b->breadth;
}

void proxy__branch_done(struct proxy__branch *b, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct proxy__fork *f = b->fork;
    if (b->done) {
        return;
    }
    bool inside = m != NULL && proxy__sender_inside(b, m);
    end_branch(b);
    proxy__trail_answered(b, status, m);
    if (proxy__other_flow(b, status, m == NULL, now_ms)) {
        return;
    }
    if (status / 100 == 2) {
        proxy__success(b, m, now_ms);
        return;
    }
    if (f->answered) {
        return;
    }
    if (status / 100 == 6) {
        f->stopped = true;
        proxy__cancel_branches(f, STR_NONE, now_ms);
    }
    if (status / 100 == 3 && f->recurse && !f->stopped && m != NULL &&
        proxy__recurse(b, m) > 0) {
        (void)proxy__start_group(f, now_ms); /* instead of the response */
        status = 0;
    }
    bool waits = f->pending > 0 || (!f->stopped && proxy__first_waiting(f) != NULL);
    if (!waits && m != NULL && status != 0 && is_better(f, status)) {
        if (f->best != NULL && is_challenge(f->best_status)) {
            keep_challenges(f, &f->best->m);
        }
        f->best_status = (uint16_t)status;
        f->best_inside = inside;
        f->best_uus = b->uus;
        proxy__answer(f, m, now_ms);
        return;
    }
    if (status != 0) {
        keep_response(b, status, m, inside);
    }
    if (waits && status != 0) {
        proxy__end_early(b, status, now_ms);
    }
    if (!go_on(f, now_ms)) {
        proxy__answer(f, NULL, now_ms);
    }
}

/* ---- a group's time is over ---- */

/** Who has said nothing at all counts as 408, as for Timer C (§16.8), and keeps no breadth. */
static void give_up_silent(struct proxy__fork *f)
{
    list_each(it, &f->branches)
    {
        struct proxy__branch *b = list_entry(it, struct proxy__branch, link);
        if (!b->done) {
            proxy__trail_answered(b, 408, NULL); /* given up, whatever comes now */
        }
        if (!b->done && !b->rang) {
            end_branch(b);
            keep_response(b, 408, NULL, true);
        }
    }
}

static void on_group(struct timer *timer, uint64_t now_ms)
{
    struct proxy__fork *f = container_of(timer, struct proxy__fork, group);
    if (f->answered || f->stopped || proxy__first_waiting(f) == NULL) {
        return;
    }
    if (!f->no_cancel) {
        proxy__cancel_branches(f, STR_NONE, now_ms);
        give_up_silent(f);
    }
    if (f->pending > 0) {
        (void)proxy__start_group(f, now_ms);
    } else if (!go_on(f, now_ms)) {
        proxy__answer(f, NULL, now_ms);
    }
}
