/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two calls of one phone over one leg: how a phone that nobody can force gets a second call.
 *
 * A consultation needs the phone in two calls. A second INVITE to it would ring, or be taken
 * for call waiting, or be refused by a phone with one line; and which phone answers it by
 * itself while it is in a call, nobody knows. So Baton does what a bridge can do with any
 * phone (RFC 3725): the dialog with the phone stays, and what is at its other end changes.
 *
 *   c1   a1 ═══ b          before          c1   a1     b    held: b hears sendonly
 *                                          c2   a2 ═══ c    the phone's leg is here
 *
 * a1 and a2 are MATES: connections of the same device in two calls, with one leg between them.
 * The leg stands in the call that has the phone's media, the other call is PARKED. Parked is
 * always held: state CONN_HOLD, and its party has a description that says so. AlternateCall
 * moves the leg over and back (duo.c).
 *
 *   the call with the leg ends, whoever ends it     the leg goes back to the parked call, which
 *                                                   stays held, and the phone is silenced
 *   the parked call ends                            its mate is a connection like any other
 *   the phone hangs up, or is lost                  both calls end: it sees one call, and that
 *                                                   is the one it hangs up
 *   the parked party offers (its session timer,     Baton answers: no media; the party is still
 *   its own hold key)                               on hold when it is retrieved
 *   it sends something else                         480, as before anybody has answered
 *
 * Moving a leg needs no memory: the branch for it is made with the connection. What was being
 * passed on over it, in either direction, is answered 481 first. A phone that has two calls in
 * two dialogs of its own, because its keys were pressed, has no mates, and needs none.
 */
#include "call/parts.h"

struct connection *share_prepare(struct call *c, const struct connection *of)
{
    struct connection *conn = c->a;
    struct branch *b = connection_add_branch(conn);

    if (b == NULL) {
        return NULL;
    }
    conn->stem = b;
    b->binding = of->stem->binding;
    b->talk = of->stem->talk;
    conn->display = arena_dup(&c->arena, of->display);
    conn->restricted = of->restricted;
    conn->policy = of->policy;
    return conn;
}

static void move(struct connection *from, struct connection *to, uint64_t now_ms)
{
    relays_part(from->call, from->stem->leg, now_ms);
    to->stem->referred = from->stem->referred;
    branch_hand_over(from->stem, to->stem);
    media_hand_over(from, to);
}

void share_begin(struct connection *from, struct connection *to, uint64_t now_ms)
{
    from->mate = to;
    to->mate = from;
    move(from, to, now_ms);
}

bool share_is_parked(const struct connection *conn)
{
    return conn != NULL && !conn->ended && connection_leg(conn) == NULL &&
           (conn->mate != NULL || park_is_at(conn));
}

/** May its leg go over to the mate? */
static bool goes_back(const struct connection *conn)
{
    const struct connection *m = conn->mate;
    const struct leg *leg = connection_leg(conn);

    return m != NULL && !m->ended && m->call->phase != CALL_ENDING && leg != NULL &&
           leg->state < LEG_ENDING;
}

bool share_keeps(const struct connection *conn)
{
    return conn != NULL && goes_back(conn);
}

bool share_take(struct connection *conn, uint64_t now_ms)
{
    struct connection *m = conn->mate;

    if (!share_is_parked(conn) || !goes_back(m)) {
        return connection_leg(conn) != NULL;
    }
    move(m, conn, now_ms);
    return true;
}

struct connection *share_cut(struct connection *conn)
{
    struct connection *m = conn->mate;

    if (m == NULL) {
        return NULL;
    }
    conn->mate = m->mate = NULL;
    return m->ended || m->call->phase == CALL_ENDING ? NULL : m;
}

bool share_leave(struct connection *conn, uint64_t now_ms)
{
    bool back = goes_back(conn);
    struct connection *m;

    if (back) {
        move(conn, conn->mate, now_ms);
    }
    m = share_cut(conn);
    if (back && m->call->duo == NULL && m->call->referral == NULL) {
        step_silence(m, now_ms);
    }
    return back;
}

void share_phone_gone(struct connection *mate, const char *cause, uint64_t now_ms)
{
    if (mate != NULL && !conference_drop(mate, cause, NULL, STR_NONE, now_ms) &&
        !referral_on_gone(mate->stem, now_ms)) {
        call_release(mate->call, mate, cause, NULL, STR_NONE, now_ms);
    }
}

/** A description of Baton's own for a party that has nobody at the other end now. */
static struct str nobody(struct connection *conn, const struct sip_msg *m)
{
    struct arena *a = conn->call->layer->scratch;
    struct str body, continued;

    if (!media_has_sdp(m)) {
        return conn->sent; /* it wants an offer: the one that it has, which holds */
    }
    body = media_silence(conn, a);
    continued = str_is_set(body) ? media_continue(conn, body, a) : body;
    return str_is_set(continued) ? continued : body;
}

bool share_answers(struct branch *from, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct connection *conn = from->conn;
    struct leg_content content = {.type = STR("application/sdp")};

    if (!share_is_parked(call_other(conn))) {
        return false;
    }
    media_received(conn, m);
    content.body = nobody(conn, m);
    if (!str_is_set(content.body) || !media_sent(conn, content.body)) {
        call_answer_request(from->leg, t, 500, &(struct leg_content){0}, now_ms);
        return true;
    }
    call_answer_request(from->leg, t, 200, &content, now_ms);
    if (media_has_sdp(m)) {
        relay_offer_accepted(conn, sip_msg_body(m), now_ms);
    }
    return true;
}
