/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a proxied call's neighbours learn of each other: who is named in responses (RFC 3325 §5,
 * §7), and the history of a fork (RFC 7044 §9; src/history).
 *
 * HISTORY is kept from the first branch on whose target is written one, because the request
 * brings or wants it, because that neighbour always gets it, or because the target came with a
 * redirection. Each branch then has the entry that its request carried, its responses bring it
 * into the fork's history, with the reason when they refuse, and the next branch carries all of
 * them (§9.2, §9.3). Responses carry it to a caller who has asked (§9.4).
 *
 * TRUST. Whether the target of a plan is in our trust domain, the plan says; inside a dialog,
 * and of the caller, the peer does from whom the flow leads here.
 *
 * COST. Nothing but a look at the header index for a call that has neither; the rest lies in
 * the arena of the fork.
 */
#include "history/history.h"

#include "history/identity.h"
#include "proxy/priv.h"

static bool names_somebody(const struct sip_msg *m)
{
    return sip_msg_has(m, SIP_HDR_P_ASSERTED_IDENTITY) ||
           sip_msg_has(m, SIP_HDR_P_PREFERRED_IDENTITY) ||
           sip_msg_has(m, SIP_HDR_REMOTE_PARTY_ID) || sip_msg_has(m, SIP_HDR_PRIVACY);
}

static const struct peer *peer_at(const struct proxy *p, const struct hop *hop)
{
    return p->directory != NULL ? directory_peer_from(p->directory, hop) : NULL;
}

static bool is_inside(const struct peer *peer)
{
    return peer != NULL && peer_is_inside(peer);
}

static bool is_ours(const void *ctx, struct str host)
{
    return ctx == NULL || directory_is_domain(ctx, host);
}

static struct history_rules rules_for(const struct proxy *p, const struct neighbour *policy,
                                      bool inside)
{
    return (struct history_rules){.mode = policy->history,
                                  .diversion = policy->diversion,
                                  .leaves = !inside,
                                  .ours = is_ours,
                                  .ctx = p->directory};
}

/* ---- requests ---- */

/** Is that contact the one whose entry was made last? A contact may mean several phones. */
static bool is_target(const struct history *h, struct str contact)
{
    const struct hi_entry *now = hi_list_find(&h->cache, h->target);
    struct sip_addr addr;
    uint32_t at;
    return now != NULL && !str_eq(h->target, h->root) &&
           sip_addr_parse(contact, &addr, &at) == 0 && hi_same_target(now->uri, addr.uri_text);
}

/** Who is called on that branch. @return 0 or E_… */
static int choose_target(struct history *h, const struct proxy_target *t)
{
    const struct hi_entry *now = hi_list_find(&h->cache, h->target);
    if (str_is_set(t->contact)) {
        if (is_target(h, t->contact)) {
            return 0;
        }
        int err = history_redirected(h, t->of, t->contact);
        return err != 0 ? err : history_carry(h, t->fresh);
    }
    if (t->user.n == 0) {
        h->target = h->root;
        return 0;
    }
    bool same = now != NULL && !str_eq(h->target, h->root) && hi_same_target(now->uri, t->user);
    return same ? 0 : history_divert(h, t->user, 0);
}

/** A redirection that is followed as it stands: the target's entry is the branch's too. */
static bool is_its_own(const struct history *h, const struct proxy_target *t, struct str uri,
                       struct hi_entry *e)
{
    const struct hi_entry *now = hi_list_find(&h->cache, h->target);
    if (!str_is_set(t->contact) || now == NULL || !hi_same_target(now->uri, uri)) {
        return false;
    }
    *e = *now;
    return true;
}

static int add_entry(struct proxy__fork *f, struct proxy__branch *b,
                     const struct proxy_target *t)
{
    struct hi_entry *e = arena_alloc(&f->keep, sizeof(*e));
    struct str uri = str_is_set(t->request_uri) ? t->request_uri : sip_msg_ruri(f->request.m);
    if (e == NULL) {
        return E_NOMEM;
    }
    int err = choose_target(f->trail, t);
    if (err == 0 && !is_its_own(f->trail, t, uri, e)) {
        err = history_branch(f->trail, uri, e);
    }
    b->trail = err == 0 ? e : NULL;
    return err == E_NOMEM ? err : 0; /* full, or unreadable: it goes on without an entry */
}

static int begin(struct proxy__fork *f, const struct history_rules *rules)
{
    const struct directory *d = f->proxy->directory;
    struct history *h = arena_alloc(&f->keep, sizeof(*h));
    if (h == NULL ||
        history_begin(h, &f->keep, f->request.m, rules->diversion != DIVERSION_PASS,
                      d != NULL ? d->domains[0] : STR_NONE) != 0) {
        return E_NOMEM;
    }
    f->trail = h;
    return 0;
}

int proxy__trail_request(struct proxy__fork *f, struct proxy__branch *b, struct proxy_target *t)
{
    struct history_rules rules = rules_for(f->proxy, &t->policy, t->inside);
    struct history_out out;
    int err = f->trail == NULL ? begin(f, &rules) : 0;
    if (err == 0) {
        err = add_entry(f, b, t);
    }
    if (err == 0) {
        err = change_begin(&out, f->proxy->scratch, t->lines, t->cut);
    }
    if (err == 0) {
        err =
            history_request(f->trail, f->proxy->scratch, b->trail, f->request.m, &rules, &out);
    }
    if (err == 0) {
        t->lines = out.lines;
        t->cut = out.cut;
    }
    return err;
}

bool proxy__has_trail(const struct proxy__fork *f, const struct proxy_target *t)
{
    struct history_rules rules;
    if (t == NULL || !t->tells || f->trail != NULL) {
        return t != NULL && t->tells;
    }
    rules = rules_for(f->proxy, &t->policy, t->inside);
    return t->user.n > 0 || str_is_set(t->contact) || history_concerns(f->request.m, &rules);
}

/* ---- responses ---- */

void proxy__trail_answered(struct proxy__branch *b, unsigned status, const struct sip_msg *m)
{
    if (b->trail != NULL) {
        (void)history_answered(b->fork->trail, b->trail, status, m); /* not kept, not told */
    }
}

bool proxy__sender_inside(const struct proxy__branch *b, const struct sip_msg *m)
{
    return b->inside || (b->unknown && b->txn != NULL && names_somebody(m) &&
                         is_inside(peer_at(b->fork->proxy, &b->txn->hop)));
}

static int history_back(const struct proxy__fork *f, const struct peer *caller,
                        const struct sip_msg *m, struct history_out *out)
{
    const struct proxy *p = f->proxy;
    struct history_rules rules =
        rules_for(p, caller != NULL ? &caller->policy : &p->policy, is_inside(caller));
    if (f->trail != NULL) {
        return history_response(f->trail, p->scratch, m, &rules, out);
    }
    return f->tells && rules.mode != HISTORY_PASS
               ? change_cut(out, p->scratch, SIP_HDR_HISTORY_INFO) /* nobody has asked (§9.4) */
               : 0;
}

int proxy__response_changes(const struct proxy__fork *f, const struct sip_msg *m, bool inside,
                            struct history_out *out)
{
    bool names = m != NULL && names_somebody(m);
    int err = 0;
    if (!names && f->trail == NULL && (m == NULL || !sip_msg_has(m, SIP_HDR_HISTORY_INFO))) {
        return 0;
    }
    const struct peer *caller = peer_at(f->proxy, &f->from);
    if (names) {
        struct identity_args who = {
            .m = m, .from_trusted = inside, .to_trusted = is_inside(caller), .proxied = true};
        err = identity_pass(f->proxy->scratch, &who, out);
    }
    return err != 0 ? err : history_back(f, caller, m, out);
}
