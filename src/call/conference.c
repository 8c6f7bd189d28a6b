/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a conference: seats at the focus, and who leaves.
 *
 *   ann ═══ seat ┐
 *   bob ═══ seat ┼ focus        each ═══ is a bridge of its own: call_other of a party is its
 *   cleo ══ seat ┘              seat, and of a seat its party
 *
 * A seat is a connection that is in no list of parties, has no device and is told of to nobody.
 * Everything that a bridge does for two legs it does for a party and its seat: re-INVITE and
 * INFO pass, hold and retrieve are offers to both. So three parties are no more than three
 * calls of two that bear one callID.
 *
 *   a party hangs up, is cleared, is lost    BYE to its seat; ConnectionCleared to all; the
 * call goes on while two are left the focus hangs up on a seat             BYE to its phone,
 * the same events (RFC 4579 §5.12) one is left                              the call ends the
 * device's leg is in another call      (consultation, share.c) its seat is answered by us
 *
 * TWO LEFT. The conference stays at the focus: nobody's media is moved because somebody else
 * has left, a third party can come back, and an announcement that the focus plays at the end is
 * heard. Whoever wants a bridge of two again consults and transfers; nothing of it is ours to
 * decide.
 *
 * NOT FROM HERE. Who is in a conference can be replaced by nobody: REFER is refused with 403,
 * Replaces with 603, SingleStepTransferCall and TransferCall as impossible in this state.
 *
 * OWNERSHIP. Room and seats lie in the arena of their call and stay until it goes; a seat that
 * was left has no leg any more.
 */
#include "call/gather.h"

static bool is_over(const struct call *c)
{
    return c->phase == CALL_ENDING;
}

/* ---- seats ---- */

struct connection *seat_new(struct call *c)
{
    struct connection *seat = arena_zalloc(&c->arena, sizeof(*seat));

    if (seat != NULL) {
        seat->call = c;
        seat->is_seat = true;
        seat->policy = c->layer->config.policy;
        list_init(&seat->branches);
        list_append(&c->conference->seats, &seat->link);
    }
    return seat;
}

/** An offer that was made to us, or an answer, and no ACK yet: one that takes no media. */
static void acknowledge(struct connection *conn, struct leg *leg, uint64_t now_ms)
{
    struct leg_content content = {.type = STR("application/sdp")};

    if (leg->uac && leg->unacked != NULL) {
        content.body = media_silence(conn, conn->call->layer->scratch);
        if (!str_is_set(content.body)) {
            content = (struct leg_content){0};
        }
        (void)leg_ack(leg, &content, now_ms);
    }
}

void connection_let_go(struct connection *conn, const struct leg_content *content,
                       uint64_t now_ms)
{
    struct leg *leg = connection_leg(conn);

    connection_stop_ringing(conn, conn->stem, STR_NONE, now_ms);
    if (leg != NULL && leg->state < LEG_ENDING) {
        acknowledge(conn, leg, now_ms);
        connection_end(conn, 0, content, now_ms);
    }
}

void seat_leave(struct connection *seat, const struct leg_content *content, uint64_t now_ms)
{
    if (seat != NULL && !seat->ended) {
        seat->ended = true;
        connection_let_go(seat, content, now_ms);
    }
}

void seat_take(struct connection *party, struct connection *seat, uint64_t now_ms)
{
    struct connection *old = party->seat;

    party->seat = seat;
    seat->seat = party;
    if (old != NULL) {
        old->seat = NULL;
        seat_leave(old, NULL, now_ms);
    }
}

void conference_end(struct call *c, const struct leg_content *content, uint64_t now_ms)
{
    if (c->conference == NULL) {
        return;
    }
    list_each(it, &c->conference->seats)
    {
        seat_leave(list_entry(it, struct connection, link), content, now_ms);
    }
}

void conference_fini(struct call *c)
{
    if (c->conference == NULL) {
        return;
    }
    list_each(it, &c->conference->seats)
    {
        struct connection *seat = list_entry(it, struct connection, link);
        search_stop(seat);
        media_fini(seat);
    }
}

unsigned conference_count(const struct call *c)
{
    unsigned n = 0;

    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        n += !conn->ended && (conn->state == CONN_CONNECTED || conn->state == CONN_HOLD);
    }
    return n;
}

/* ---- parties leave ---- */

/** Its legs are ended, or about to be: that is told, and one alone is no conference. */
static void leave(struct connection *party, const char *cause, struct str uui, uint64_t now_ms)
{
    struct call *c = party->call;

    if (conference_count(c) > 2) {
        connection_cleared(party, party, cause, uui, now_ms);
    } else {
        call_release(c, party, cause, NULL, uui, now_ms);
    }
}

bool conference_drop(struct connection *party, const char *cause,
                     const struct leg_content *content, struct str uui, uint64_t now_ms)
{
    if (gather_clear(party, 487, now_ms)) {
        return true;
    }
    if (party->seat == NULL || party->is_seat || party->ended || is_over(party->call)) {
        return false;
    }
    gather_lose(party, now_ms);
    if (!share_leave(party, now_ms)) {
        connection_end(party, 0, content, now_ms);
    }
    seat_leave(party->seat, content, now_ms);
    leave(party, cause, uui, now_ms);
    return true;
}

bool conference_on_bye(struct branch *b, struct txn *t, const struct sip_msg *m,
                       uint64_t now_ms)
{
    struct connection *party = b->conn;

    if (gather_invites(party)) {
        call_answer_request(b->leg, t, 200, &(struct leg_content){0}, now_ms);
        return gather_clear(party, 487, now_ms);
    }
    if (party->seat == NULL || party->is_seat || party->ended || party->stem != b ||
        is_over(party->call)) {
        return false;
    }
    gather_lose(party, now_ms);
    relay_bye(b, t, m, now_ms);
    party->seat->ended = true;
    leave(party, "normalClearing", uus_values(party, UUS_END, m), now_ms);
    return true;
}

/* ---- the legs to the focus ---- */

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *seat = b->conn;
    struct member *member = gather_member(seat);

    if (is_over(seat->call) || seat->ended || b->refused || member == NULL) {
        branch_let_go(leg, now_ms);
        return;
    }
    seat->stem = b;
    connection_stop_ringing(seat, b, STR(CALL_ELSEWHERE), now_ms);
    gather_on_seat(member, leg, m, now_ms);
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *seat = b->conn;
    struct member *member = gather_member(seat);
    unsigned best;

    if (is_over(seat->call) || seat->ended || b->refused || member == NULL) {
        return;
    }
    best = branch_refused(b, status, m, now_ms);
    if (best != 0) {
        gather_on_refusal(member, best, m, now_ms);
    }
}

/** The party that has this seat and is there, or NULL. */
static struct connection *holder(const struct connection *seat)
{
    struct connection *party = seat->seat;

    return is_over(seat->call) || seat->ended || party == NULL || party->ended ? NULL : party;
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *seat = b->conn, *party = holder(seat);

    if (party == NULL || share_keeps(party)) {
        call_answer_request(leg, t, 200, &(struct leg_content){0}, now_ms);
    } else {
        gather_lose(party, now_ms);
        relay_bye(b, t, m, now_ms);
    }
    if (party == NULL) {
        return; /* on_ended knows */
    }
    seat->ended = true;
    (void)conference_drop(party, "normalClearing", NULL, STR_NONE, now_ms);
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *seat = b->conn, *party = holder(seat);
    const struct leg_content lost = {.lines = STR("Reason: Q.850;cause=27\r\n")};

    branch_leave_peer(b);
    if (why == LEG_END_LOCAL) {
        return;
    }
    if (party != NULL) {
        seat->ended = true;
        (void)conference_drop(party, "networkSignal", &lost, STR_NONE, now_ms);
    } else if (!is_over(seat->call) && !seat->ended && gather_member(seat) != NULL) {
        seat->ended = true;
        gather_fail(seat->call->gather, CALL_NO_FOCUS, 480, now_ms);
    }
}

const struct leg_user seat_user = {
    .on_provisional = leg_no_response,
    .on_answered = on_answered,
    .on_rejected = on_rejected,
    .on_cancelled = leg_no_cancel,
    .on_acked = branch_on_acked,
    .on_request = branch_on_request,
    .on_request_cancelled = branch_on_request_cancelled,
    .on_request_gone = branch_on_request_gone,
    .on_bye = on_bye,
    .on_ended = on_ended,
    .on_gone = branch_on_gone,
};
