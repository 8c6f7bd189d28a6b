/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Somebody takes the place of a party: an INVITE with Replaces (replace.c), and the phone of a
 * device that picks a call up (pickup.c).
 *
 *   who stays is up        N's description goes to him by re-INVITE, his answer to N (join.c);
 *                          only when that has worked is the place taken, and who had it leaves
 *   who stays waits for    the place is taken at once, and who had it stops ringing. Then
 *   an answer              the two descriptions are brought together:
 *
 *      the caller has offered      N gets his offer in a re-INVITE, the caller N's answer in
 *                                  his 200. N's own offer, if it made one, was met with silence
 *      he has not                  N is asked for an offer; that is the caller's 200, and his
 *                                  answer comes with his ACK
 *
 * Who leaves is told as Transferred when it was up and is replaced, as Diverted when it rang,
 * waited, or was picked up from; without a word when nobody had heard of it.
 */
#include "base/err.h"
#include "call/parts.h"

/** The caller's and the callee's side: `n` stands where `old` stood. */
static void put_in_place(struct connection *n, struct connection *old)
{
    struct call *c = n->call;

    if (old->originating) {
        old->originating = false;
        call_other(old)->originating = true;
        c->called = n->id;
    }
    if (c->a == old) {
        c->a = n;
    } else {
        c->b = n;
    }
    c->last_redirection = old->id;
}

static void tell_moved(struct connection *n, struct connection *old, enum call_event_kind kind,
                       uint64_t now_ms)
{
    struct call_event e;

    old->ended = true;
    old->state = CONN_NULL;
    e = call_event_make(n->call, kind, old, n->moved, now_ms);
    e.by = old;
    e.by_id = old->id;
    e.to_id = n->id;
    call_tell(&e);
}

/* ---- the party that stays is up ---- */

void place_on_joined(void *owner, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct connection *n = owner, *old = n->replaces;
    struct call *c = n->call;
    bool picked;

    (void)status;
    n->replaces = NULL;
    if (err != CALL_OK) {
        n->ended = true;
        if (connection_leg(n) != NULL) {
            leg_end(connection_leg(n), 500, NULL, NULL, NULL, now_ms);
        }
        return;
    }
    park_leave(c);
    put_in_place(n, old);
    call_set_timer(c, 0, now_ms);
    if (c->phase != CALL_ACTIVE) {
        c->phase = CALL_ACTIVE;
        c->layer->bridged++;
    }
    picked = str_eq(str_c(n->moved), STR("callPickup"));
    c->layer->transferred += old->established && !picked ? 1 : 0;
    if (old->stem != NULL) {
        uus_transferred(c);
    }
    tell_moved(n, old, picked ? CALL_EV_DIVERTED : CALL_EV_TRANSFERRED, now_ms);
    connection_established_with(n, STR_NONE, n->moved, now_ms);
    connection_stop_ringing(old, old->stem, STR("Reason: SIP;cause=200\r\n"), now_ms);
    if (!share_leave(old, now_ms) && connection_leg(old) != NULL) {
        leg_end(connection_leg(old), 0, NULL, NULL, NULL, now_ms);
    }
}

/* ---- the party that stays waits for an answer ---- */

void place_take(struct connection *n, struct connection *old, uint64_t now_ms)
{
    struct call *c = n->call;
    bool seen = old->reached || old->queued || old->alerted;

    c->hunt = NULL; /* somebody has decided */
    queue_leave(c);
    asked_leave(c);
    call_set_timer(c, 0, now_ms); /* the legs have limits of their own */
    put_in_place(n, old);
    if (seen) {
        tell_moved(n, old, CALL_EV_DIVERTED, now_ms);
    }
    old->ended = true;
    old->state = CONN_NULL;
    connection_stop_ringing(old, NULL, STR(CALL_ELSEWHERE), now_ms);
}

/** The caller hears what N has answered to his offer, or has offered. */
void place_answer_caller(struct connection *n, const struct sip_msg *m, uint64_t now_ms)
{
    struct call *c = n->call;
    struct leg_content content = {.type = STR("application/sdp"), .body = sip_msg_body(m)};

    if (!media_has_sdp(m) || !media_sent(c->a, content.body) ||
        leg_respond(connection_leg(c->a), NULL, 200, STR_NONE, &content, now_ms) != 0) {
        (void)leg_ack(connection_leg(n), &(struct leg_content){0}, now_ms); /* if it waits */
        call_setup_failed(c, 488, NULL, now_ms);
        return;
    }
    media_received(n, m);
    call_set_timer(c, 0, now_ms);
    c->phase = CALL_ACTIVE;
    c->layer->bridged++;
    connection_established_with(n, STR_NONE, n->moved, now_ms);
}

static void on_brought_together(struct leg_request *r, unsigned status, const struct sip_msg *m,
                                uint64_t now_ms)
{
    struct connection *n = r->owner;
    bool offered = str_is_set(n->call->a->desc);

    if (status < 200) {
        return;
    }
    if (status < 300 && (offered || n->call->phase == CALL_ENDING || !media_has_sdp(m))) {
        (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
    }
    if (n->call->phase == CALL_ENDING) {
        return;
    }
    if (status >= 300) {
        call_setup_failed(n->call, 488, NULL, now_ms);
    } else {
        place_answer_caller(n, m, now_ms);
    }
}

void place_bring_together(struct connection *n, uint64_t now_ms)
{
    struct call *c = n->call;
    struct leg_content content = {0};
    struct str continued;
    bool known = true;

    if (str_is_set(c->a->desc)) {
        content = (struct leg_content){.type = STR("application/sdp"), .body = c->a->desc};
        continued = media_continue(n, content.body, c->layer->scratch);
        content.body = str_is_set(continued) ? continued : content.body;
        known = media_sent(n, content.body);
    }
    if (!known || leg_send(connection_leg(n), NULL, STR("INVITE"), &content,
                           on_brought_together, n, NULL, now_ms) != 0) {
        call_setup_failed(c, 500, NULL, now_ms);
    }
}

/* ---- who came is gone again ---- */

bool place_left(struct connection *n, uint64_t now_ms)
{
    struct call *c = n->call;

    if (n->replaces == NULL || c->phase == CALL_ENDING || c->join.offerer != n) {
        return false;
    }
    n->ended = true;
    n->replaces = NULL;
    join_undo(c, now_ms);
    return true;
}
