/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is different about a message on the other side of a call: who is named (identity.h of
 * history/), what has happened to the call before (history.h), and why it ends (reason.h).
 *
 * IDENTITY. Every message that passes goes through pass_identity. When memory is out it passes
 * with all identities cut: nobody is told more than he may know.
 *
 * TRAIL (RFC 7044). The history of a call that came in begins with its INVITE, if that has one,
 * its sender wants one, or the neighbour is to be written one; else when the call is first
 * diverted. It is kept in the call's arena: at most HI_MAX entries. A call that Baton makes, or
 * one that was transferred, has its own: it begins with whom that INVITE was for. Each branch
 * has the entry that its INVITE carried; the branch's first response brings it into the trail.
 */
#include "base/err.h"
#include "call/parts.h"
#include "history/history.h"
#include "history/identity.h"
#include "history/reason.h"

/** All that says who somebody is or was; with User-to-User in front. */
static const enum sip_hdr_id everything[] = {SIP_HDR_USER_TO_USER,
                                             SIP_HDR_P_PREFERRED_IDENTITY,
                                             SIP_HDR_P_ASSERTED_IDENTITY,
                                             SIP_HDR_REMOTE_PARTY_ID,
                                             SIP_HDR_HISTORY_INFO,
                                             SIP_HDR_DIVERSION,
                                             SIP_HDR_OTHER};

static struct identity_args args_of(const struct connection *from, const struct connection *to,
                                    const struct sip_msg *m)
{
    struct identity_args a = {.m = m, .to_trusted = to != NULL && to->trusted};
    if (from == NULL) {
        return a;
    }
    a.from_trusted = from->trusted;
    a.withheld = from->restricted;
    a.rpid = from->policy.remote_party_id;
    if (from->device != NULL) {
        a.uri = from->device->uri;
        a.tel = from->device->tel;
        a.display = from->device->display;
    }
    return a;
}

static void take(struct leg_content *c, const struct history_out *out, int err)
{
    if (err != 0) {
        c->cut = everything;
    } else {
        c->lines = out->lines;
        c->cut = out->cut;
    }
}

void pass_identity(const struct connection *from, const struct connection *to,
                   const struct sip_msg *m, struct leg_content *c)
{
    struct history_out out = {.lines = c->lines};
    if (m == NULL) {
        return;
    }
    struct identity_args a = args_of(from, to, m);
    int err = identity_pass(to->call->layer->scratch, &a, &out);
    take(c, &out, err);
}

void pass_without(const struct call *c, enum sip_hdr_id id, struct leg_content *content)
{
    struct arena *a = c->layer->scratch;
    struct history_out out;
    int err = change_begin(&out, a, content->lines, content->cut);
    err = err != 0 ? err : change_cut(&out, a, id);
    take(content, &out, err);
}

struct str pass_from(const struct connection *from, const struct connection *to,
                     const struct sip_msg *m, struct str value)
{
    struct identity_args a = args_of(from, to, m);
    return identity_is_anonymous(&a) ? identity_anonymous : value;
}

/* ---- the trail ---- */

static bool is_ours(const void *ctx, struct str host)
{
    return directory_is_domain(ctx, host);
}

static struct history_rules rules_for(const struct connection *to)
{
    return (struct history_rules){.mode = to->policy.history,
                                  .diversion = to->policy.diversion,
                                  .leaves = !to->trusted,
                                  .ours = is_ours,
                                  .ctx = to->call->layer->directory};
}

static struct history *begin(struct call *c, const struct sip_msg *m, bool convert)
{
    struct history *h = arena_alloc(&c->arena, sizeof(*h));
    struct str domain = c->layer->directory->domains[0];
    return h != NULL && history_begin(h, &c->arena, m, convert, domain) == 0 ? h : NULL;
}

/** Of an INVITE of Baton's own. */
static struct history *begin_at(struct call *c, struct str uri)
{
    struct history *h = arena_alloc(&c->arena, sizeof(*h));
    struct str domain = c->layer->directory->domains[0];
    return h != NULL && history_begin_at(h, &c->arena, uri, domain) == 0 ? h : NULL;
}

/** The history that a party belongs to as far as there is one: before a transfer is complete
    whom it calls is not part of the call's. */
static struct history *kept(const struct connection *conn)
{
    return conn->trail != NULL || conn->behalf != NULL ? conn->trail : conn->call->trail;
}

void trail_request(struct branch *b, struct str request_uri, const struct sip_msg *m,
                   struct leg_content *content)
{
    struct call *c = b->conn->call;
    struct history_rules rules = rules_for(b->conn);
    struct history_out out;
    struct history *h;
    struct hi_entry *e;
    if (b->conn->trail == NULL && c->trail == NULL && history_concerns(m, &rules)) {
        c->trail =
            m != NULL ? begin(c, m, rules.diversion != DIVERSION_PASS) : begin_at(c, c->b->id);
        if (c->trail == NULL) { /* nobody is told more than he may know */
            take(content, &out, E_NOMEM);
            return;
        }
    }
    h = kept(b->conn);
    if (h == NULL) {
        return;
    }
    e = arena_alloc(&c->arena, sizeof(*e));
    if (e != NULL && history_branch(h, request_uri, e) == 0) {
        b->trail = e;
    }
    int err = change_begin(&out, c->layer->scratch, content->lines, content->cut);
    err = err != 0 ? err : history_request(h, c->layer->scratch, b->trail, m, &rules, &out);
    take(content, &out, err);
}

/** The history of a call that goes elsewhere; NULL: it has none, or no memory. */
static struct history *trail_of(struct call *c)
{
    const struct leg *caller = connection_leg(c->a);
    if (c->trail == NULL && c->offerless && c->b != NULL) {
        c->trail = begin_at(c, c->b->id);
    } else if (c->trail == NULL && !c->offerless && caller != NULL && caller->invite != NULL &&
               caller->invite->req != NULL) {
        c->trail = begin(c, &caller->invite->req->m, false);
    }
    return c->trail;
}

void trail_divert(struct call *c, struct str to, unsigned cause)
{
    struct history *h = trail_of(c);
    if (h != NULL) {
        (void)history_divert(h, to, cause); /* full: the call goes on without */
    }
}

struct str trail_last(const struct connection *conn)
{
    const struct history *h = kept(conn);
    return h != NULL ? h->answered : STR_NONE;
}

void trail_redirected(struct connection *from, const struct redirect_to *to)
{
    bool referred = from->trail != NULL || from->behalf != NULL;
    struct history *h = referred ? from->trail : trail_of(from->call);
    if (referred && h == NULL && to->fresh.n > 0) {
        h = from->trail = begin_at(from->call, from->id);
    }
    if (h != NULL && history_redirected(h, to->of, to->contact) == 0) {
        (void)history_carry(h, to->fresh);
    }
}

void trail_referred(struct connection *x, const struct connection *by, struct str uui)
{
    struct call *c = x->call;
    struct str who = by->restricted ? STR("sip:anonymous@anonymous.invalid") : by->id;
    struct history *h = uui.n > 0 ? begin_at(c, who) : NULL;
    if (h != NULL && history_divert(h, x->id, 0) == 0 && history_carry(h, uui) == 0) {
        x->trail = h;
    }
}

void trail_answered(struct branch *b, unsigned status, const struct sip_msg *m)
{
    struct history *h = kept(b->conn);
    if (h != NULL && b->trail != NULL) {
        (void)history_answered(h, b->trail, status, m); /* what is not kept is not told */
    }
}

void trail_given_up(struct connection *conn, unsigned status)
{
    list_each(it, &conn->branches)
    {
        struct branch *b = list_entry(it, struct branch, link);
        if (!b->refused) {
            trail_answered(b, status, NULL);
        }
    }
}

void trail_response(struct call *c, const struct sip_msg *m, struct leg_content *content)
{
    struct history_rules rules = rules_for(c->a);
    struct history_out out;
    if (c->trail == NULL) {
        if (m != NULL && sip_msg_has(m, SIP_HDR_HISTORY_INFO) && rules.mode != HISTORY_PASS) {
            pass_without(c, SIP_HDR_HISTORY_INFO, content); /* nobody has asked (§9.4) */
        }
        return;
    }
    int err = change_begin(&out, c->layer->scratch, content->lines, content->cut);
    err = err != 0 ? err : history_response(c->trail, c->layer->scratch, m, &rules, &out);
    take(content, &out, err);
}

/* ---- why ---- */

void pass_q850(const struct connection *to, unsigned status, const struct sip_msg *m,
               struct leg_content *content)
{
    struct arena *a = to->call->layer->scratch;
    struct reason known;
    struct str part[] = {content->lines, STR_NONE};
    if (!to->policy.q850) {
        return;
    }
    if (status != 0) {
        part[1] = reason_q850_line(a, status, m);
    } else if (m == NULL || !reason_find(m, STR("Q.850"), &known)) {
        part[1] = STR("Reason: Q.850;cause=16\r\n"); /* BYE, CANCEL: RFC 3398 §8.2.6.1 */
    }
    if (part[1].n > 0 && str_find(part[0], STR("Q.850")) == part[0].n) {
        struct str lines = arena_join(a, part, 2);
        content->lines = str_is_set(lines) ? lines : content->lines;
    }
}
