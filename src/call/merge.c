/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attended transfer: Refer-To names a dialog of ours (RFC 3891, RFC 5589 §7), the second call
 * of the one who refers. No phone is called: the party at the other end of that call is
 * borrowed by the call in which the REFER came, asked for an offer, and joined with who stays.
 *
 *   this call     stays ─── by │          lender     by' ─── x'        before
 *                 stays ────── x                     by'     (husk)    borrowed
 *
 * The legs of x' get new branches in this call's arena; the old ones stay behind, empty, so
 * that giving them back needs no memory. While x rings (RFC 5589 calls that case the worst of
 * all, and phones do it every day) its INVITE goes on as it is, and by' hears nothing:
 * it gets 487 when the transfer has worked, and what x said when not.
 *
 * Transferred tells of both calls at once: it is the last that anybody hears of the other one,
 * and x, which was a party there, is one here from then on without another event.
 *
 * CONTEXT. User-to-User of this call is kept or replaced as with any transfer (uui/merge.h). A
 * REFER gives what its Refer-To embeds, and what the other call had stays behind, as if x had
 * been called by who stays (RFC 5589 §7). A TransferCall gives what the other call had, since
 * that is what the application has given with ConsultationCall. x is told what it does not know
 * yet with the re-INVITE that asks it for an offer. correlatorData, which no REFER can bring,
 * are given by either.
 *
 * WHO MAY. The one who refers must be the one at our end of the dialog that he names: the same
 * device, or both of them parties behind peers. Knowing Call-ID and tags alone moves
 * nobody's call.
 */
#include "base/err.h"
#include "call/referral.h"

struct branch *branch_of_leg(const struct leg *leg)
{
    return leg->user->on_gone == branch_on_gone ? leg->owner : NULL;
}

bool merge_same_party(const struct connection *by, const struct connection *other)
{
    if (by->device != NULL) {
        return by->device == other->device;
    }
    return other->device == NULL && by->outside && other->outside;
}

/* Both have the same branches, in the same order. */
void merge_move_legs(struct connection *from, struct connection *to)
{
    struct list *at = to->branches.next;

    list_each(it, &from->branches)
    {
        branch_hand_over(list_entry(it, struct branch, link),
                         list_entry(at, struct branch, link));
        at = at->next;
    }
    media_hand_over(from, to);
}

struct connection *merge_like(struct call *c, const struct connection *other)
{
    struct connection *x = call_add_connection(c, other->device, other->id);

    if (x == NULL) {
        return NULL;
    }
    x->ended = true; /* until it is whole */
    x->display = arena_dup(&c->arena, other->display);
    x->moved = "transfer";
    x->outside = other->outside;
    x->host = arena_dup(&c->arena, other->host);
    x->trusted = other->trusted;
    x->policy = other->policy;
    x->passes_refer = other->passes_refer;
    x->restricted = other->restricted;
    x->reached = other->reached;
    x->alerted = other->alerted;
    x->state = other->established ? CONN_NULL : other->state;
    list_each(it, &other->branches)
    {
        const struct branch *old = list_entry(it, struct branch, link);
        struct branch *b = connection_add_branch(x);
        if (b == NULL) {
            return NULL;
        }
        b->talk = old->talk;
        b->refused = old->refused;
        b->status = old->status;
        x->stem = other->stem == old ? b : x->stem;
    }
    x->ended = false;
    return x;
}

static bool is_up(const struct connection *conn)
{
    return connection_leg(conn) != NULL && connection_leg(conn)->state == LEG_CONFIRMED;
}

/** May that call give its party away now? */
static unsigned judge(const struct referral *r, const struct branch *named, bool early_only)
{
    const struct connection *theirs = named->conn, *x = call_other(theirs);
    const struct call *c = theirs->call;

    if (theirs->ended || c->phase == CALL_ENDING ||
        (named->leg != NULL && named->leg->state >= LEG_ENDING)) {
        return 603; /* RFC 3891 §3 */
    }
    if (c == r->call || theirs->stem != named || theirs->seat != NULL ||
        !merge_same_party(r->by->conn, theirs)) {
        return 403;
    }
    if (early_only && c->phase == CALL_ACTIVE) {
        return 486;
    }
    if (x == NULL || c->step != NULL || c->referral != NULL || c->borrower != NULL ||
        c->join.offerer != NULL || c->duo != NULL || c->gather != NULL || !relays_empty(c)) {
        return 491;
    }
    if (x->device != NULL && x->device == call_other(r->by->conn)->device) {
        return 482;
    }
    return c->phase == CALL_ACTIVE && !(is_up(x) && (is_up(theirs) || share_is_parked(theirs)))
               ? 491
               : 0;
}

unsigned merge_borrow(struct referral *r, struct dialog *named, bool early_only)
{
    struct branch *b = branch_of_leg(named->leg);

    /* else no call, but an application's session */
    return b == NULL ? 481 : merge_take(r, b, early_only);
}

unsigned merge_take(struct referral *r, struct branch *b, bool early_only)
{
    struct connection *husk, *x;
    struct call *lender;
    unsigned status = judge(r, b, early_only);

    if (status != 0) {
        return status;
    }
    husk = call_other(b->conn);
    lender = b->conn->call;
    x = merge_like(r->call, husk);
    if (x == NULL) {
        return 503;
    }
    search_stop(husk); /* whom it has not called yet it calls no more */
    merge_move_legs(husk, x);
    list_each(it, &x->branches)
    {
        struct branch *own = list_entry(it, struct branch, link);
        if (own->leg != NULL) {
            own->leg->user = &referred_user;
        }
    }
    r->x = x;
    r->husk = husk;
    r->lender = lender;
    r->merged = true;
    lender->borrower = r;
    r->offered = !lender->offerless && b->conn->desc.n > 0;
    return 0;
}

bool merge_contexts(struct referral *r, struct str given)
{
    struct call *c = r->call, *other = r->lender;
    struct arena *a = c->layer->scratch;
    struct move m = {.how = UUI_MOVE_ATTENDED,
                     .by = r->by->conn,
                     .to = context_domain(r->x),
                     .given = given,
                     .had = c->uui};
    struct uui_merged joined;

    if (r->service) {
        m.how = UUI_MOVE_SERVICE;
        m.by = NULL;
        m.given = context_fresh(other, other->uui);
        m.of = other;
    }
    if ((r->service && !context_seals_of(c, other)) || !context_move(c, &m, &joined)) {
        return false;
    }
    r->news = !str_eq(joined.values, other->uui);
    r->x->uui_lines = arena_dup(&c->arena, call_uui_values_line(a, joined.values));
    if (other->correlator.n > 0 && (c->correlator.n == 0 || context_may_replace(c, &m))) {
        r->correlator = arena_dup(&c->arena, other->correlator);
        if (r->correlator.n == 0) {
            return false;
        }
    }
    return joined.values.n == 0 || r->x->uui_lines.n > 0;
}

void merge_go(struct referral *r, uint64_t now_ms)
{
    struct call *lender = r->lender;

    referral_start(r, now_ms);
    if (lender->phase == CALL_ACTIVE) {
        referral_ask(r, now_ms);
    } else {
        call_set_timer(lender, 0, now_ms); /* its ring time is ours now */
        if (r->x->alerted) {
            progress_tell(r, 180, false, now_ms);
        }
    }
}

static struct call *take_lender(struct referral *r)
{
    struct call *lender = r->lender;

    r->lender = NULL;
    if (lender != NULL) {
        lender->borrower = NULL;
    }
    return lender;
}

struct connection *merge_theirs(const struct referral *r)
{
    return r->lender == NULL ? NULL : call_other(r->husk);
}

void merge_undo(struct referral *r, unsigned status, uint64_t now_ms)
{
    struct call *lender = take_lender(r);

    if (lender == NULL) {
        return;
    }
    if (lender->phase == CALL_ACTIVE && is_up(r->x)) {
        merge_move_legs(r->x, r->husk);
        if (call_other(r->husk)->state == CONN_CONNECTED) {
            step_restore(call_other(r->husk), now_ms); /* x may have been told of another */
        }
    } else if (lender->phase == CALL_ACTIVE) {
        call_release(lender, r->husk, "normalClearing", NULL, STR_NONE, now_ms);
    } else {
        call_setup_failed(lender, status, NULL, now_ms);
    }
}

void merge_done(struct referral *r, uint64_t now_ms)
{
    struct call *lender = take_lender(r);
    struct leg *theirs;

    if (lender == NULL) {
        return;
    }
    /* Transferred was their end, for both */
    r->husk->ended = call_other(r->husk)->ended = true;
    r->husk->state = call_other(r->husk)->state = CONN_NULL;
    theirs = connection_leg(call_other(r->husk));
    if (theirs != NULL && !theirs->uac && theirs->state <= LEG_EARLY) {
        (void)leg_respond(theirs, NULL, 487, STR_NONE, NULL,
                          now_ms); /* else it ends with 480 */
    }
    call_release(lender, call_other(r->husk), "transfer", NULL, STR_NONE, now_ms);
}
