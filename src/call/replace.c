/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INVITE with Replaces (RFC 3891) that names a dialog of ours: who sends it takes the place of
 * the party at the far end of that dialog.
 *
 * On a bridge each party knows only the dialog between itself and us, so that is what Replaces
 * names, whoever tells whom: a phone that refers somebody to its partner names its own dialog,
 * and who picks up a ringing call names the one that rings.
 *
 *   a party that is up:     N ── INVITE (offer) ─► Baton ── INVITE (offer) ─► who stays
 *                           N ◄─ 200 (answer) ──── Baton ◄─ 200 (answer) ──── who stays
 *                           the party that is replaced ◄─ BYE ── Baton            join.c
 *
 *   a phone that rings      N ── INVITE (offer) ─► Baton ── CANCEL ─► the phone
 *   (call pickup):          N ◄─ 200 (silence) ─── Baton
 *                           N ◄─ INVITE (the caller's offer) ─ Baton
 *                           N ── 200 (answer) ───► Baton ── 200 (answer) ─► the caller
 *
 * Two offers meet in a pickup, the caller's and N's, and neither is an answer to the other;
 * so N's is answered with silence first. A caller who has made none gets N's second one, for
 * which it is asked (place.c). To take the place of a party that is up without an
 * offer of one's own is possible too: who stays is asked for one (join.c). An INVITE without an
 * offer gets the caller's at once.
 *
 * The 200 has the User-to-User that the call was set up with: whoever takes a place in it gets
 * its context.
 *
 *   refused                                                              with
 *   Replaces next to Join, or not readable                               400
 *   early-only, and the dialog is confirmed                              486
 *   the dialog is ending, or ends meanwhile                              603
 *   it is the caller's own early dialog (§3), or no call's               481
 *   another procedure of the call runs                                   491
 *   an offer that the party that stays does not like, or none from it    488
 *   pickup without an offer of a call whose caller has made none either  488
 *   one may not                                                          403
 *
 * A call to a device at which no phone can be, where a call is parked (park.c), takes the place
 * of that in the same way.
 *
 * A dialog that is not ours is the target's business: the INVITE goes on as it is.
 *
 * WHO MAY, besides knowing Call-ID and both tags, which only a party of the dialog or a
 * notifier of it can tell: the device that is replaced, on another phone; who was referred by
 * it (Referred-By, which anybody can write: so only while no lamp of others was told the tags);
 * a trusted peer; and, while it rings and `calls.pickup` allows it, every device of ours.
 * Nothing has changed until the replacement stands, but that a phone that is picked up from
 * stops ringing.
 */
#include "base/err.h"
#include "call/referral.h"

static bool by_referral_of(struct call_layer *l, const struct sip_msg *m,
                           const struct connection *replaced)
{
    struct sip_addr addr;

    return replaced->device != NULL && sip_msg_addr(m, SIP_HDR_REFERRED_BY, &addr) == 0 &&
           directory_device_of_uri(l->directory, &addr.uri) == replaced->device;
}

/** Were others told the names of a dialog of that connection? */
static bool was_told(const struct connection *conn)
{
    list_each(it, &conn->branches)
    {
        const struct branch *b = list_entry(it, struct branch, link);
        if (b->leg != NULL && b->leg->told) {
            return true;
        }
    }
    return false;
}

static bool may(struct call_layer *l, const struct sip_msg *m, const struct device *device,
                const struct connection *replaced, bool rings)
{
    const struct connection *stays = call_other(replaced);

    return device == NULL || device == replaced->device || (rings && l->config.pickup) ||
           (by_referral_of(l, m, replaced) && !was_told(replaced) &&
            (stays == NULL || !was_told(stays)));
}

/** What speaks against replacing that leg; 0: nothing. */
static unsigned judge(struct call_layer *l, const struct sip_msg *m,
                      const struct device *device, const struct branch *b, bool early_only)
{
    const struct connection *replaced = b->conn, *stays = call_other(replaced);
    const struct call *c = replaced->call;
    bool rings = b->leg->state < LEG_ANSWERED;

    if (replaced->ended || replaced->seat != NULL || replaced->is_seat ||
        c->phase == CALL_ENDING || b->leg->state >= LEG_ENDING) {
        return 603;
    }
    if (c->sips && !sip_msg_is_sips(m)) {
        return 480; /* nobody takes TLS out of a call (RFC 5630 §5.1.1.3) */
    }
    if (rings && (!b->leg->uac || replaced != c->b)) {
        return 481;
    }
    if (early_only && !rings) {
        return 486;
    }
    if (!may(l, m, device, replaced, rings) || !call_room_for(l, device)) {
        return 403;
    }
    if (stays == NULL || connection_leg(stays) == NULL || c->step != NULL ||
        c->referral != NULL || c->borrower != NULL || c->join.offerer != NULL ||
        c->gather != NULL || relays_pending_offer(c) || (c->phase == CALL_ACTIVE && rings)) {
        return 491;
    }
    if (device != NULL && device == stays->device) {
        return 482;
    }
    return 0;
}

static const struct leg_user replacer_user;

/** A connection with the INVITE's leg. NULL: the INVITE was answered */
static struct connection *take(struct call *c, const struct sip_msg *m, const struct hop *from,
                               struct device *device, uint64_t now_ms)
{
    struct connection *n = call_add_caller(c, m, from, device);
    struct branch *b = n == NULL ? NULL : connection_add_branch(n);

    if (b == NULL) {
        call_refuse(c->layer, m, from, 503, "Retry-After: 5\r\n", now_ms);
    } else {
        b->leg = leg_incoming(c->layer->legs, m, from, &replacer_user, b, now_ms);
    }
    if (b == NULL || b->leg == NULL) {
        if (n != NULL) {
            n->ended = true;
        }
        return NULL;
    }
    n->stem = b;
    c->legs++;
    branch_watched(b, sip_msg_value(m, SIP_HDR_CALL_ID));
    return n;
}

/* ---- the party that stays is up ---- */

static void replace_party(struct connection *n, struct connection *old, const struct sip_msg *m,
                          uint64_t now_ms)
{
    struct call *c = n->call;
    struct arena *a = c->layer->scratch;

    n->moved = old->stem != NULL ? "transfer" : "callPickup";
    n->replaces = old;
    c->join.lines = arena_dup(&c->arena, call_uui_values_line(a, uus_values(n, UUS_ANSWER, m)));
    if (media_has_sdp(m)) {
        join_start(n, call_other(old), m, place_on_joined, n, now_ms);
    } else {
        join_ask(n, call_other(old), place_on_joined, n, now_ms);
    }
}

/* ---- the party that stays waits for an answer ---- */

static void pick_up(struct connection *n, struct connection *old, const struct sip_msg *m,
                    uint64_t now_ms)
{
    struct call *c = n->call;
    struct leg_content content = {.lines = call_uui_values_line(c->layer->scratch, c->uui),
                                  .type = STR("application/sdp"),
                                  .body = c->a->desc};
    struct str answer;

    n->moved = "callPickup";
    media_received(n, m);
    if (media_has_sdp(m)) {
        content.body = media_silence(n, c->layer->scratch);
    }
    answer = content.body;
    uus_pass(NULL, n, UUS_ANSWER, &content);
    if (answer.n == 0 || !media_sent(n, answer) ||
        leg_respond(connection_leg(n), NULL, 200, STR_NONE, &content, now_ms) != 0) {
        n->ended = true;
        leg_end(connection_leg(n), 488, NULL, NULL, NULL, now_ms);
        return;
    }
    place_take(n, old, now_ms);
}

static void on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *n = b->conn;
    struct call *c = n->call;
    const struct leg *caller = connection_leg(c->a);

    if (initial && join_acked(n, m, now_ms)) {
        return;
    }
    if (c->phase != CALL_SETUP || c->b != n || !initial || caller == NULL || caller->uac ||
        caller->state > LEG_EARLY) {
        branch_on_acked(leg, m, initial, now_ms);
    } else if (media_has_sdp(m)) {
        place_answer_caller(n, m, now_ms);
    } else {
        place_bring_together(n, now_ms);
    }
}

static void on_cancelled(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct call *c = b->conn->call;

    (void)m;
    b->conn->ended = true;
    if (c->join.offerer == b->conn) {
        join_undo(c, now_ms);
    }
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;

    if (place_left(b->conn, now_ms)) {
        call_answer_request(leg, t, 200, &(struct leg_content){0}, now_ms);
    } else {
        branch_on_bye(leg, t, m, now_ms);
    }
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    struct branch *b = leg->owner;

    if (place_left(b->conn, now_ms)) {
        branch_leave_peer(b);
    } else {
        branch_on_ended(leg, why, now_ms);
    }
}

static const struct leg_user replacer_user = {
    .on_provisional = leg_no_response,
    .on_answered = leg_no_cancel,
    .on_rejected = leg_no_refusal,
    .on_cancelled = on_cancelled,
    .on_acked = on_acked,
    .on_request = branch_on_request,
    .on_request_cancelled = branch_on_request_cancelled,
    .on_request_gone = branch_on_request_gone,
    .on_bye = on_bye,
    .on_ended = on_ended,
    .on_gone = branch_on_gone,
};

/* ---- the INVITE ---- */

/**
 * The leg whose party is to be replaced. As RFC 3891 has it to-tag is ours; but who knows a
 * dialog from a notifier (RFC 4235) may name it as the phone sees it that the dialog is with.
 * Then it is the party at the other end that goes, unless the phone still rings.
 */
static struct leg *named(struct call_layer *l, const struct sip_replaces *r)
{
    struct dialog *d = dialog_find_parts(l->legs, r->call_id, r->to_tag, r->from_tag);
    struct branch *b;

    if (d != NULL) {
        return d->leg;
    }
    d = dialog_find_parts(l->legs, r->call_id, r->from_tag, r->to_tag);
    b = d == NULL ? NULL : branch_of_leg(d->leg);
    if (b == NULL || d->leg->state < LEG_ANSWERED) {
        return d == NULL ? NULL : d->leg;
    }
    return connection_leg(call_other(b->conn));
}

const struct device *call_device_of_leg(const struct leg *leg)
{
    const struct branch *b = branch_of_leg(leg);

    return b != NULL ? b->conn->device : NULL;
}

/** Join names a dialog of ours: there is no mixer here (RFC 3911 §4). */
static bool joins_ours(struct call_layer *l, const struct sip_msg *m)
{
    struct sip_replaces r;

    return sip_msg_has(m, SIP_HDR_JOIN) &&
           sip_replaces_parse(sip_msg_value(m, SIP_HDR_JOIN), &r) == 0 &&
           dialog_find_parts(l->legs, r.call_id, r.to_tag, r.from_tag) != NULL;
}

bool call_is_named(struct call_layer *l, const struct sip_msg *m)
{
    struct sip_replaces r;

    return joins_ours(l, m) ||
           (sip_msg_has(m, SIP_HDR_REPLACES) &&
            sip_replaces_parse(sip_msg_value(m, SIP_HDR_REPLACES), &r) == 0 &&
            named(l, &r) != NULL);
}

bool replace_parked(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                    struct device *device, const struct device *at, uint64_t now_ms)
{
    struct connection *old = at == NULL || at->has_secret ? NULL : park_find(l, at), *n;
    const struct peer *peer = device == NULL ? directory_peer_from(l->directory, from) : NULL;
    struct call *c;
    unsigned status = 0;

    if (old == NULL) {
        return false;
    }
    if (device == NULL && (peer == NULL || !peer_is_inside(peer))) {
        call_refuse(l, m, from, 486, NULL, now_ms); /* a trunk takes no parked call */
        return true;
    }
    c = old->call;
    if (c->sips && !sip_msg_is_sips(m)) {
        status = 480;
    } else if (c->duo != NULL || call_is_busy(c)) {
        status = 491;
    } else if (device != NULL && device == call_other(old)->device) {
        status = 482;
    } else if (!call_room_for(l, device)) {
        status = 403;
    }
    if (status != 0) {
        call_refuse(l, m, from, status, NULL, now_ms);
        return true;
    }
    n = take(c, m, from, device, now_ms);
    if (n != NULL) {
        replace_party(n, old, m, now_ms);
    }
    return true;
}

bool call_replace(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                  struct device *device, uint64_t now_ms)
{
    struct sip_replaces r;
    struct branch *b = NULL;
    struct connection *n;
    struct leg *leg = NULL;
    unsigned status = 0;

    if (!sip_msg_has(m, SIP_HDR_REPLACES)) {
        if (!joins_ours(l, m)) {
            return false;
        }
        call_refuse(l, m, from, 488, NULL, now_ms);
        return true;
    }
    if (m->count[SIP_HDR_REPLACES] != 1 || sip_msg_has(m, SIP_HDR_JOIN) ||
        sip_replaces_parse(sip_msg_value(m, SIP_HDR_REPLACES), &r) != 0) {
        status = 400;
    } else {
        leg = named(l, &r);
        b = leg == NULL ? NULL : branch_of_leg(leg);
    }
    if (status == 0 && leg == NULL) {
        return false;
    }
    if (status == 0) {
        status = b == NULL ? 481 : judge(l, m, device, b, r.early_only);
    }
    if (status != 0) {
        call_refuse(l, m, from, status, NULL, now_ms);
        return true;
    }
    n = take(b->conn->call, m, from, device, now_ms);
    if (n == NULL) {
        return true;
    }
    if (connection_leg(call_other(b->conn))->state == LEG_CONFIRMED) {
        replace_party(n, b->conn, m, now_ms);
    } else {
        pick_up(n, b->conn, m, now_ms);
    }
    return true;
}
