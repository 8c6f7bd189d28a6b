/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TransferCall: two calls of one device become one, without it (ECMA-269 §17.1.23; TR/87 7.10).
 *
 * It is what a phone's REFER with Replaces asks for (merge.c), asked by an application: the
 * party of the active call is borrowed by the held one, asked for an offer, and joined with the
 * party there by re-INVITE (RFC 3725 §7). Both ends are ours, so nobody needs to know REFER or
 * Replaces, and no phone is called a second time. Whatever fails on the way (glare for too
 * long, an offer that is refused, a party that hangs up) leaves both calls as they were: see
 * referral.c.
 *
 *   held     held ─── p │          active ─── q          before
 *            p ──────── q                                after, in the call of `held`
 *
 * SEMI-ATTENDED. While q still rings, the device leaves at once: an application that transfers
 * then wants its user free, and waits for an answer at most half a minute. The call is one that
 * is being set up between p and q from then on, and ends when q cannot be had.
 *
 * What the active call has of User-to-User and correlatorData, which is what the application
 * gave with ConsultationCall, meets what the held one has as the `userData` of any other
 * service does (merge.c).
 *
 * The device may be in both calls with one leg (share.c) or with two.
 */
#include "call/referral.h"

static bool is_up(const struct connection *conn)
{
    const struct leg *leg = connection_leg(conn);

    return leg != NULL && leg->state == LEG_CONFIRMED;
}

static bool talks(const struct connection *conn)
{
    return !conn->ended && (conn->state == CONN_CONNECTED || conn->state == CONN_HOLD);
}

static enum call_error judge(const struct connection *held, const struct connection *active)
{
    const struct connection *p = call_other(held), *q = call_other(active);

    if (held->device == NULL || held->device != active->device || held->call == active->call ||
        !talks(held) || !talks(active) || q == NULL || q->ended ||
        held->call->phase != CALL_ACTIVE || !is_up(p) ||
        (!is_up(held) && !share_is_parked(held)) || active->call->phase == CALL_ENDING) {
        return CALL_BAD_STATE;
    }
    if (held->seat != NULL || active->seat != NULL) {
        return CALL_IN_CONFERENCE;
    }
    if (q->device != NULL && q->device == p->device) {
        return CALL_BAD_STATE; /* nobody talks to himself */
    }
    if (held->call->duo != NULL || active->call->duo != NULL || call_is_busy(held->call) ||
        call_is_busy(active->call)) {
        return CALL_BUSY_STEP;
    }
    if (held->consult == CALL_CONSULT_ONLY || held->consult == CALL_CONSULT_CONFERENCE ||
        active->consult == CALL_CONSULT_ONLY || active->consult == CALL_CONSULT_CONFERENCE) {
        return CALL_RESTRICTED;
    }
    return CALL_OK;
}

static enum call_error error_of(unsigned status)
{
    switch (status) {
    case 491:
        return CALL_BUSY_STEP;
    case 503:
        return CALL_NO_RESOURCES;
    default:
        return CALL_BAD_STATE;
    }
}

enum call_error call_unite(struct connection *held, struct connection *active, call_done_fn fn,
                           void *owner, uint64_t now_ms)
{
    enum call_error err = judge(held, active);
    bool rings = active->call->phase != CALL_ACTIVE;
    struct referral *r;
    unsigned status;

    if (err != CALL_OK) {
        return err;
    }
    step_unsilence(held->call, now_ms);
    step_unsilence(active->call, now_ms);
    r = referral_new(held->stem, NULL, 0);
    if (r == NULL) {
        return CALL_NO_RESOURCES;
    }
    r->leg = NULL; /* nobody has sent a REFER, and nobody hears NOTIFY */
    r->service = true;
    status = merge_take(r, active->stem, false);
    if (status == 0 && !merge_contexts(r, STR_NONE)) {
        status = 503;
    }
    if (status != 0) {
        referral_fail(r, status, now_ms);
        return error_of(status);
    }
    r->done = fn;
    r->done_owner = owner;
    merge_go(r, now_ms);
    if (rings) {
        referral_leave(r, now_ms);
    }
    return CALL_OK;
}
