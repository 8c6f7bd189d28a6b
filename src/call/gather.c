/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parties are brought to the focus: one procedure for ConferenceCall and the second half of
 * SingleStepConferenceCall.
 *
 *   CALLING   INVITE without an offer for each party's seat; the first alone, for it makes the
 *             room. Each 2xx brings an offer of the focus, and its ACK has to wait.
 *   MOVING    when all have come: re-INVITE with its seat's offer to each phone; the phone's
 *             answer is the seat's ACK (RFC 3725 §4.3, flow III, once for each party)
 *   done      when all have answered: Conferenced
 *
 *   phone                  Baton                     focus
 *     │                      │── INVITE ─────────────►│
 *     │                      │◄───────── 200 (offer) ─│   … for all seats, before
 *     │◄── INVITE (offer) ───│                        │   any phone is touched
 *     │─── 200 (answer) ────►│── ACK (answer) ───────►│
 *     │◄── ACK ──────────────│                        │
 *
 * WHY NOT REFER. RFC 4579 §5.5 has the phones call the focus themselves. Not every phone knows
 * REFER with Replaces; one that does makes a new dialog outside of this bridge, and with it
 * goes what an application can do to it; and its refusal would be seen when the others had
 * already moved. So Baton calls the focus for each, and a phone sees an offer in its old
 * dialog.
 *
 * Who was called to come (invite.c) has made an offer, which waits for its ACK: his seat's
 * INVITE carries it, and the focus's answer is that ACK.
 *
 * NOTHING IS LOST. The calls stay what they are until the last phone has answered: legs,
 * branches and connections of the conference are ready before the first message goes out, so
 * that what is done then needs no memory. A focus that refuses or is silent costs nobody a
 * moment's sound. A phone that refuses when others have been moved: each of them is put back,
 * with what its partner says now, by re-INVITE. Glare (491) is tried again after the time of
 * RFC 3261 §14.1, and all of it has to be done within `timers.step_s`.
 *
 * Meanwhile both calls refuse other procedures (CALL_BUSY_STEP) and offers of their phones
 * (491). A call that ends, or a party that leaves, undoes it.
 *
 * OWNERSHIP. A gather lies in the layer's pool; both calls point to it. Who asked hears once,
 * or, when he is gone (call_forget), not at all.
 */
#include "call/gather.h"
#include "base/err.h"
#include "call/referral.h"
#include "sdp/sdp.h"

enum { RETRIES = 3 };

static void move_member(struct member *m, uint64_t now_ms);
static void on_retry(struct timer *t, uint64_t now_ms);
static void on_limit(struct timer *t, uint64_t now_ms);

/* ---- life ---- */

void gather_pool_init(struct call_layer *l)
{
    pool_init(&l->gather_pool, &l->env->mem, sizeof(struct gather), 4, 0);
}

struct gather *gather_new(struct call *c, struct call *other, call_done_fn fn, void *owner)
{
    struct gather *g = pool_get(&c->layer->gather_pool);

    if (g == NULL) {
        return NULL;
    }
    *g = (struct gather){.call = c, .other = other, .fn = fn, .owner = owner};
    g->stage = GATHER_CALLING;
    timer_init(&g->limit, on_limit);
    c->gather = g;
    if (other != NULL) {
        other->gather = g;
    }
    return g;
}

void gather_free(struct gather *g)
{
    struct call_layer *l = g->call->layer;

    timer_stop(l->wheel, &g->limit);
    for (size_t i = 0; i < g->count; i++) {
        timer_stop(l->wheel, &g->member[i].retry);
    }
    g->call->gather = NULL;
    if (g->other != NULL) {
        g->other->gather = NULL;
    }
    pool_put(&l->gather_pool, g);
}

bool gather_add(struct gather *g, struct connection *party, struct connection *becomes)
{
    struct connection *seat = seat_new(g->call);
    struct member *m = &g->member[g->count];

    if (seat == NULL) {
        return false;
    }
    *m = (struct member){.gather = g, .party = party, .becomes = becomes, .seat = seat};
    timer_init(&m->retry, on_retry);
    g->count++;
    return true;
}

void gather_tell(struct gather *g, enum call_error err, unsigned status, uint64_t now_ms)
{
    call_done_fn fn = g->fn;

    g->fn = NULL;
    if (fn != NULL) {
        fn(g->owner, err, status, now_ms);
    }
}

void gather_forget(struct call *c, const void *owner)
{
    if (c->gather != NULL && c->gather->owner == owner) {
        c->gather->fn = NULL;
    }
}

bool gather_moves_media(const struct call *c)
{
    return c->gather != NULL && c->gather->stage != GATHER_INVITING;
}

bool gather_invites(const struct connection *x)
{
    const struct gather *g = x->call->gather;

    return g != NULL && g->other == NULL && g->added == x && !x->ended;
}

struct member *gather_member(const struct connection *seat)
{
    struct gather *g = seat->call->gather;

    for (size_t i = 0; g != NULL && i < g->count; i++) {
        if (g->member[i].seat == seat) {
            return &g->member[i];
        }
    }
    return NULL;
}

/** Has it made an offer that waits for its ACK? */
static bool has_offered(const struct member *m)
{
    return gather_invites(m->party);
}

/* ---- undone ---- */

/** What the phone of `conn` was told last before; absent: nothing is known, or no memory. */
static struct str as_before(const struct connection *conn, struct arena *a)
{
    const struct connection *partner = call_other(conn);

    if (share_is_parked(partner)) {
        return media_silence_offer(conn, a);
    }
    if (partner == NULL || !str_is_set(partner->desc)) {
        return STR_NONE;
    }
    if (partner->state == CONN_HOLD) {
        return media_aimed(partner->desc, SDP_HOLD, a);
    }
    return conn->state == CONN_HOLD ? media_aimed(partner->desc, SDP_SILENCE, a)
                                    : partner->desc;
}

static void on_put_back(struct leg_request *r, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    (void)m;
    if (status >= 200 && status < 300) {
        (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
    }
}

static void put_back(struct connection *conn, uint64_t now_ms)
{
    struct arena *a = conn->call->layer->scratch;
    struct leg_content content = {.type = STR("application/sdp")};
    struct leg *leg = connection_leg(conn);
    struct str continued;

    if (leg == NULL || leg->state != LEG_CONFIRMED || conn->ended ||
        conn->call->phase == CALL_ENDING) {
        return;
    }
    content.body = as_before(conn, a);
    if (!str_is_set(content.body)) {
        return;
    }
    continued = media_continue(conn, content.body, a);
    content.body = str_is_set(continued) ? continued : content.body;
    if (leg_send(leg, NULL, STR("INVITE"), &content, on_put_back, NULL, NULL, now_ms) == 0) {
        (void)media_sent(conn, content.body);
    }
}

/** The phone has taken what does not stand any more; with a step that puts it right. */
static void on_late(struct leg_request *r, unsigned status, const struct sip_msg *m,
                    uint64_t now_ms)
{
    struct connection *conn = r->owner;

    if (status >= 200 && status < 300) {
        (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
        media_received(conn, m);
        if (conn->call->step == NULL) {
            put_back(conn, now_ms);
        }
    }
}

static bool is_touched(const struct gather *g, const struct connection *party)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->member[i].party == party && g->member[i].touched) {
            return true;
        }
    }
    return false;
}

/** Two who talked to each other and have both been moved get each other's descriptions anew;
    others what they had. A phone that has refused is not asked again. */
static void restore(const struct gather *g, struct member *m, uint64_t now_ms)
{
    struct connection *conn = m->party, *partner = call_other(conn);
    struct leg_request *r = m->request;
    bool talked = conn->state == CONN_CONNECTED && partner != NULL &&
                  partner->state == CONN_CONNECTED && is_touched(g, partner);

    m->request = NULL;
    if (!m->touched || conn->ended || conn->call->phase == CALL_ENDING) {
        if (r != NULL) {
            leg_request_detach(r);
        }
        return;
    }
    if (r != NULL) {
        r->on_response = on_late;
        r->owner = conn;
        leg_request_cancel(r, now_ms);
    }
    if (talked) {
        step_restore(conn, now_ms);
    } else if (r == NULL) {
        put_back(conn, now_ms);
    }
}

/** Who was to become a party of the conference is none. */
static void forget_newcomer(struct gather *g, unsigned status, uint64_t now_ms)
{
    if (g->other != NULL) {
        g->added->ended = true;
        g->added->state = CONN_NULL;
    } else if (g->added != NULL) {
        invite_drop(g, status, now_ms);
    }
}

void gather_fail(struct gather *g, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct gather was = *g;

    g->call->layer->focus_failed += err == CALL_NO_FOCUS ? 1 : 0;
    for (size_t i = 0; i < g->count; i++) {
        seat_leave(g->member[i].seat, NULL, now_ms);
    }
    forget_newcomer(g, status, now_ms);
    g->fn = NULL;
    gather_free(g); /* from here the calls are free for what puts them back */
    for (size_t i = 0; i < was.count; i++) {
        if (was.member[i].party != was.added || was.other != NULL) {
            restore(&was, &was.member[i], now_ms);
        }
    }
    if (was.fn != NULL) {
        was.fn(was.owner, err, status, now_ms);
    }
}

void gather_abort(struct call *c, uint64_t now_ms)
{
    if (c->gather != NULL) {
        gather_fail(c->gather, CALL_GONE, 487, now_ms);
    }
}

void gather_lose(const struct connection *party, uint64_t now_ms)
{
    struct gather *g = party->call->gather;
    bool part = g != NULL && (g->by == party || g->with == party);

    for (size_t i = 0; g != NULL && i < g->count; i++) {
        part = part || g->member[i].party == party;
    }
    if (part) {
        gather_fail(g, CALL_GONE, 487, now_ms);
    }
}

static void on_limit(struct timer *t, uint64_t now_ms)
{
    struct gather *g = container_of(t, struct gather, limit);

    gather_fail(g, g->stage == GATHER_CALLING ? CALL_NO_FOCUS : CALL_TIMEOUT, 408, now_ms);
}

/* ---- done ---- */

/** The leg goes over; the one who had it is in no call any more. */
static void become(struct member *m, uint64_t now_ms)
{
    struct connection *from = m->party, *to = m->becomes;

    if (from != to && to->mate == from) {
        (void)share_take(to, now_ms);
    } else if (from != to) {
        relays_part(from->call, from->stem->leg, now_ms);
        merge_move_legs(from, to);
    }
    seat_take(to, m->seat, now_ms);
}

/** The other call is over: Conferenced is the end of its connections, for all of them. */
static void close_other(struct gather *g, struct call *other, uint64_t now_ms)
{
    list_each(it, &other->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        conn->ended = true;
        conn->state = CONN_NULL;
        (void)share_cut(conn);
    }
    (void)g;
    call_release(other, NULL, "conference", NULL, STR_NONE, now_ms);
}

static void tell_conferenced(const struct gather *g, uint64_t now_ms)
{
    const char *cause = g->other == NULL ? "singleStepConference" : "conference";
    struct call_event e = call_event_make(g->call, CALL_EV_CONFERENCED, g->by, cause, now_ms);

    e.by = g->by;
    e.by_id = g->by->id;
    e.to_id = g->added->id;
    e.secondary = g->with;
    call_tell(&e);
}

static void finish(struct gather *g, uint64_t now_ms)
{
    struct call *c = g->call, *other = g->other;
    struct gather was;

    for (size_t i = 0; i < g->count; i++) {
        become(&g->member[i], now_ms);
    }
    g->by->state = CONN_CONNECTED;
    if (other != NULL) {
        g->added->ended = false;
        g->added->established = true;
        g->added->state = g->husk->state;
        if (c->correlator.n == 0 && other->correlator.n > 0) {
            (void)!call_set_correlator(c, other->correlator);
        }
        /* out of that call before anybody hears of it, as the standard has it */
        g->husk->ended = g->with->ended = true;
        g->husk->state = g->with->state = CONN_NULL;
    }
    uus_transferred(c);
    c->layer->conferenced++;
    gather_tell(g, CALL_OK, 0, now_ms);
    if (other == NULL) {
        connection_established_with(g->added, g->uui_answer, g->added->moved, now_ms);
        g->added->behalf = NULL;
    }
    was = *g;
    gather_free(g);
    tell_conferenced(&was, now_ms);
    if (other != NULL) {
        close_other(&was, other, now_ms);
    }
}

static void check_done(struct gather *g, uint64_t now_ms)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->member[i].stage != MEMBER_THERE) {
            return;
        }
    }
    finish(g, now_ms);
}

/* ---- moving ---- */

/** The answer of its phone, or of the focus, acknowledges the other. @return false: no memory
 */
static bool acknowledge(struct connection *conn, struct str answer, uint64_t now_ms)
{
    struct str continued = media_continue(conn, answer, conn->call->layer->scratch);
    struct leg_content content = {.type = STR("application/sdp"), .body = answer};

    content.body = str_is_set(continued) ? continued : answer;
    return media_sent(conn, content.body) &&
           leg_ack(connection_leg(conn), &content, now_ms) == 0;
}

static void again(struct member *m, uint64_t now_ms)
{
    struct call_layer *l = m->gather->call->layer;

    m->retries++;
    timer_set(l->wheel, &m->retry, now_ms + 2100 + env_random64(l->env) % 1900);
}

static void refused(struct member *m, unsigned status, uint64_t now_ms)
{
    if (status == 491 && m->retries < RETRIES) {
        again(m, now_ms);
    } else {
        gather_fail(m->gather, CALL_REFUSED, status, now_ms);
    }
}

static void on_moved(struct leg_request *r, unsigned status, const struct sip_msg *msg,
                     uint64_t now_ms)
{
    struct member *m = r->owner;

    if (status < 200) {
        return;
    }
    m->request = NULL;
    if (status >= 300) {
        m->touched = false;
        refused(m, status, now_ms);
        return;
    }
    (void)leg_ack(r->leg, &(struct leg_content){0}, now_ms);
    if (!media_has_sdp(msg)) {
        refused(m, 488, now_ms);
        return;
    }
    media_received(m->party, msg);
    if (!acknowledge(m->seat, sip_msg_body(msg), now_ms)) {
        gather_fail(m->gather, CALL_NO_RESOURCES, 0, now_ms);
        return;
    }
    m->stage = MEMBER_THERE;
    check_done(m->gather, now_ms);
}

/** Who has offered gets the focus's answer. @return false: it could not be given, and all is
    undone */
static bool let_in(struct member *m, uint64_t now_ms)
{
    if (connection_leg(m->party) == NULL || !acknowledge(m->party, m->seat->desc, now_ms)) {
        gather_fail(m->gather, CALL_NO_RESOURCES, 0, now_ms);
        return false;
    }
    m->stage = MEMBER_THERE;
    return true;
}

static void move_member(struct member *m, uint64_t now_ms)
{
    struct leg *leg = connection_leg(m->party);
    struct leg_content content = {.type = STR("application/sdp"), .body = m->seat->desc};
    struct str continued =
        media_continue(m->party, content.body, m->seat->call->layer->scratch);
    int err;

    if (leg == NULL || !str_is_set(content.body)) {
        gather_fail(m->gather, leg == NULL ? CALL_GONE : CALL_NO_RESOURCES, 0, now_ms);
        return;
    }
    content.body = str_is_set(continued) ? continued : content.body;
    m->stage = MEMBER_MOVES;
    uus_pass(NULL, m->party, UUS_ELSEWHERE, &content);
    err = leg_send(leg, NULL, STR("INVITE"), &content, on_moved, m, &m->request, now_ms);
    if (err == 0) {
        m->touched = true;
        (void)media_sent(m->party, content.body);
    } else if (err == E_STATE) {
        refused(m, 491, now_ms);
    } else {
        gather_fail(m->gather, CALL_NO_RESOURCES, 0, now_ms);
    }
}

static void on_retry(struct timer *t, uint64_t now_ms)
{
    move_member(container_of(t, struct member, retry), now_ms);
}

/** All seats are there. Who has offered is let in last: that cannot be undone. */
static void move_all(struct gather *g, uint64_t now_ms)
{
    struct call *c = g->call;

    g->stage = GATHER_MOVING;
    for (size_t i = 0; i < g->count; i++) {
        if (!has_offered(&g->member[i])) {
            move_member(&g->member[i], now_ms);
        }
        if (c->gather != g) {
            return;
        }
    }
    for (size_t i = 0; i < g->count; i++) {
        if (has_offered(&g->member[i]) && !let_in(&g->member[i], now_ms)) {
            return;
        }
    }
    check_done(g, now_ms);
}

/* ---- calling the focus ---- */

static bool call_seat(struct member *m, uint64_t now_ms)
{
    struct gather *g = m->gather;
    struct connection *seat = m->seat;
    struct ring ring = {.user = &seat_user};
    bool offered = has_offered(m);
    struct destination to;

    m->stage = MEMBER_CALLS;
    if (!focus_place(g->call, g->silent && m->becomes == g->added, &to)) {
        gather_fail(g, CALL_NO_FOCUS, 404, now_ms);
        return false;
    }
    seat->id = arena_dup(&g->call->arena, to.id);
    if (offered) {
        ring.type = STR("application/sdp");
        ring.body = m->party->desc;
    }
    if (!str_is_set(seat->id) || (offered && !media_sent(seat, ring.body)) ||
        call_invite_with(seat, &to, m->party, &ring, now_ms) != 0) {
        gather_fail(g, CALL_NO_FOCUS, 503, now_ms);
        return false;
    }
    return true;
}

static void call_waiting(struct gather *g, uint64_t now_ms)
{
    struct call *c = g->call;

    for (size_t i = 0; i < g->count; i++) {
        if (g->member[i].stage == MEMBER_WAITS && !call_seat(&g->member[i], now_ms)) {
            return;
        }
        if (c->gather != g) {
            return;
        }
    }
}

void gather_go(struct gather *g, uint64_t now_ms)
{
    struct call_layer *l = g->call->layer;

    g->stage = GATHER_CALLING;
    timer_set(l->wheel, &g->limit, now_ms + l->config.step_s * 1000ull);
    if (g->first) {
        (void)call_seat(&g->member[0], now_ms);
    } else {
        call_waiting(g, now_ms);
    }
}

void gather_on_seat(struct member *m, struct leg *leg, const struct sip_msg *msg,
                    uint64_t now_ms)
{
    struct gather *g = m->gather;

    media_received(m->seat, msg);
    if (has_offered(m)) {
        (void)leg_ack(leg, &(struct leg_content){0}, now_ms);
    }
    if (!focus_learn(g->call, msg)) {
        gather_fail(g, CALL_NO_FOCUS, 502, now_ms);
        return;
    }
    if (!media_has_sdp(msg) || !str_is_set(m->seat->desc)) {
        gather_fail(g, CALL_NO_FOCUS, 488, now_ms);
        return;
    }
    m->stage = MEMBER_READY;
    if (g->first) {
        g->first = false;
        call_waiting(g, now_ms);
        return;
    }
    for (size_t i = 0; i < g->count; i++) {
        if (g->member[i].stage != MEMBER_READY) {
            return;
        }
    }
    move_all(g, now_ms);
}

void gather_on_refusal(struct member *m, unsigned status, const struct sip_msg *msg,
                       uint64_t now_ms)
{
    struct gather *g = m->gather;

    if (g->first && status >= 300 && status < 400 && !g->call->conference->known &&
        focus_learn(g->call, msg)) {
        m->seat = seat_new(g->call); /* a factory that sends us to the room */
        if (m->seat != NULL) {
            (void)call_seat(m, now_ms);
            return;
        }
    }
    gather_fail(g, CALL_NO_FOCUS, status, now_ms);
}
