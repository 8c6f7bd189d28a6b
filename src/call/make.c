/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MakeCall: Baton calls both sides (RFC 3725, flow III).
 *
 *   caller's phone            Baton                     callee
 *     │◄── INVITE, no offer ────│                          │   ServiceInitiated
 *     │─── 200 (offer) ────────►│                          │
 *     │◄── ACK (silence) ───────│                          │   Originated
 *     │                         │── INVITE, no offer ─────►│   (with the application's UUI)
 *     │                         │◄── 180 ──────────────────│   Delivered
 *     │                         │◄── 200 (offer) ──────────│   Established
 *     │◄── INVITE (offer) ──────│                          │
 *     │─── 200 (answer) ───────►│── ACK (answer) ─────────►│   join.c
 *
 * Flow III because phones ring long: flow I would leave the caller's 200 unacknowledged until
 * the callee answers. The first answer to the caller is inactive in all streams, on its own
 * codecs, so that no phone has to guess.
 *
 * doNotPrompt asks the caller's phone to answer by itself with the three headers in use:
 * Answer-Mode (RFC 5373), Call-Info with answer-after, Alert-Info with info=alert-autoanswer.
 * With prompt the phone rings like for any call and the person picks up.
 *
 * A number that is not complete is completed by DialDigits (dial.c): until then the phone that
 * has been picked up hears silence, and the call is initiated.
 */
#include "base/err.h"
#include "call/parts.h"

/** `"Alice" <sip:1001@example.com>` for a connection; who asked for privacy is not named. */
struct str connection_address(struct arena *a, const struct connection *conn)
{
    struct str display = conn->device != NULL ? conn->device->display : conn->display;
    struct out o;
    char quoted[256];

    if (conn->restricted) {
        return STR("\"Anonymous\" <sip:anonymous@anonymous.invalid>"); /* RFC 3323 §4.1.1.3 */
    }
    if (!str_is_set(display) || display.n == 0) {
        return arena_fmt(a, "<%.*s>", STR_ARG(conn->id));
    }
    out_init(&o, quoted, sizeof(quoted));
    sip_quote(&o, display);
    return o.over ? arena_fmt(a, "<%.*s>", STR_ARG(conn->id))
                  : arena_fmt(a, "%.*s <%.*s>", (int)o.n, quoted, STR_ARG(conn->id));
}

unsigned call_invite_with(struct connection *conn, const struct destination *to,
                          const struct connection *on_behalf, struct ring *ring,
                          uint64_t now_ms)
{
    struct arena *a = conn->call->layer->scratch;

    ring->from = connection_address(a, on_behalf);
    ring->to = arena_fmt(a, "<%.*s>", STR_ARG(conn->id));
    ring->user = ring->user != NULL ? ring->user : &joined_user;
    return connection_ring(conn, to, ring, now_ms);
}

/* ---- the second leg: an offerless INVITE to the party that is to join ---- */

static struct connection *partner(struct connection *conn)
{
    struct call *c = conn->call;

    return c->a == conn ? c->b : c->a;
}

static void on_joined(void *owner, enum call_error err, unsigned status, uint64_t now_ms)
{
    struct call *c = owner;

    (void)status;
    if (err != CALL_OK && c->phase != CALL_ENDING) {
        call_release(c, NULL, "incompatibleDestination", NULL, STR_NONE, now_ms);
    }
}

static void joined_on_provisional(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                                  uint64_t now_ms)
{
    struct branch *b = leg->owner;

    (void)d;
    if (b->conn->call->phase == CALL_ENDING || b->refused) {
        return;
    }
    trail_answered(b, m->status, m);
    transfer_on_progress(b->conn, now_ms);
    callee_news(b->conn, m, now_ms);
}

static void joined_on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *conn = b->conn;
    struct call *c = conn->call;

    if (c->phase == CALL_ENDING || b->refused) {
        branch_let_go(leg, now_ms);
        return;
    }
    conn->stem = b;
    connection_stop_ringing(conn, b, STR(CALL_ELSEWHERE), now_ms);
    transfer_on_progress(conn, now_ms);
    call_set_timer(c, 0, now_ms);
    c->phase = CALL_ACTIVE;
    c->layer->bridged++;
    callee_news(conn, m, now_ms);
    connection_established(conn, m, conn->moved ? conn->moved : "newCall", now_ms);
    join_start(conn, partner(conn), m, on_joined, c, now_ms);
}

static void joined_on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                               uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *conn = b->conn;
    unsigned best;

    if (conn->call->phase == CALL_ENDING || b->refused) {
        return;
    }
    trail_answered(b, status, m);
    redirect_note(b, status, m);
    best = branch_refused(b, status, m, now_ms);
    if (best != 0 && !transfer_on_failed(conn, best, now_ms) &&
        !(conn == conn->call->b && (redirect_follow(conn->call, best, now_ms) ||
                                    forward_after(conn->call, best, now_ms)))) {
        call_setup_failed(conn->call, best, best == status ? m : NULL, now_ms);
    }
}

const struct leg_user joined_user = {
    .on_provisional = joined_on_provisional,
    .on_answered = joined_on_answered,
    .on_rejected = joined_on_rejected,
    .on_cancelled = leg_no_cancel,
    BRANCH_LEG_USER,
};

/* ---- the first leg: the caller's own phone ---- */

static void caller_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *a = b->conn;
    struct call *c = a->call;

    if (c->phase == CALL_ENDING || b->refused) {
        branch_let_go(leg, now_ms);
        return;
    }
    a->stem = b;
    connection_stop_ringing(a, b, STR_NONE, now_ms);
    if (!media_ack_silence(a, leg, m, now_ms)) {
        call_release(c, a, "resourcesNotAvailable", NULL, STR_NONE, now_ms);
        return;
    }
    step_answered(a, now_ms);
    if (c->dialling) { /* dial.c goes on */
        call_set_timer(c, c->layer->config.prompt_s * 1000, now_ms);
    } else {
        call_set_out(c, c->made_as != NULL ? c->made_as : "makeCall", now_ms);
    }
}

void call_set_out(struct call *c, const char *cause, uint64_t now_ms)
{
    struct destination to;
    struct call_event e;
    unsigned status;

    c->a->state = CONN_CONNECTED;
    c->phase = CALL_SETUP;
    call_set_timer(c, c->layer->config.ring_s * 1000, now_ms);
    e = call_event_make(c, CALL_EV_ORIGINATED, c->a, cause, now_ms);
    call_tell(&e);
    if (!destination_of_text(c->layer, c->called, &to)) {
        status = 404;
    } else {
        to.gr = c->called_gr;
        to.sips = c->sips;
        c->b = call_add_connection(c, to.device, to.id);
        if (c->b != NULL) {
            c->b->moved = c->made_as;
        }
        status = c->b == NULL ? 503 : forward_before(c, &to, now_ms);
        if (status == 0) {
            status = deflect_ring(c, &to, NULL, now_ms);
        }
    }
    if (status != 0 && (c->b == NULL || !forward_after(c, status, now_ms))) {
        call_setup_failed(c, status, NULL, now_ms);
    }
}

static void caller_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                            uint64_t now_ms)
{
    struct branch *b = leg->owner;
    struct connection *a = b->conn;
    unsigned best;

    if (a->call->phase == CALL_ENDING || b->refused) {
        return;
    }
    best = branch_refused(b, status, m, now_ms);
    if (best != 0) {
        call_release(a->call, a, cause_of_status(best, m, true), NULL, STR_NONE, now_ms);
    }
}

const struct leg_user made_caller_user = {
    .on_provisional = leg_no_response,
    .on_answered = caller_answered,
    .on_rejected = caller_rejected,
    .on_cancelled = leg_no_cancel,
    BRANCH_LEG_USER,
};

struct str auto_answer_lines(struct call_layer *l)
{
    struct str domain = l->directory->domains[0];

    return arena_fmt(l->scratch,
                     "Answer-Mode: Auto\r\n"
                     "Call-Info: <sip:%.*s>;answer-after=0\r\n"
                     "Alert-Info: <http://%.*s>;info=alert-autoanswer;delay=0\r\n",
                     STR_ARG(domain), STR_ARG(domain));
}

/** The User-to-User line of a call that is made. */
static enum call_error line_of(struct call_layer *l, const struct call_make *args,
                               const struct destination *to, struct str *line)
{
    enum call_error err;

    if (args->uui_values.n > 0) {
        *line = call_uui_values_line(l->scratch, args->uui_values);
        return line->n > 0 ? CALL_OK : CALL_NO_RESOURCES;
    }
    err = call_uui_sealed_line(l, args->uui, SEAL_FORWARD, line);
    return err != CALL_OK || context_fits_peer(l, to->peer, call_uui_values(*line))
               ? err
               : CALL_UNFIT_DATA;
}

struct call *call_prepare(struct call_layer *l, const struct call_make *args,
                          const struct destination *to, enum call_error *err)
{
    struct call *c;
    struct str line;
    bool correlated;

    *err = line_of(l, args, to, &line);
    c = *err == CALL_OK ? call_new(l) : NULL;
    if (c == NULL) {
        *err = *err != CALL_OK ? *err : CALL_NO_RESOURCES;
        return NULL;
    }
    c->phase = CALL_PROMPTING; /* until the caller's phone is there */
    c->offerless = true;
    c->sips = to->sips;
    c->called = arena_dup(&c->arena, to->id);
    c->called_gr = arena_dup(&c->arena, to->gr);
    correlated = call_set_correlator(c, args->correlator);
    line = arena_dup(&c->arena, line);
    c->lines = arena_dup(&c->arena, args->lines);
    if (line.n > 0) {
        call_set_uui(c, line);
    }
    c->a = call_add_connection(c, args->from, args->from->uri);
    if (!correlated || c->a == NULL || (args->uui.n + args->uui_values.n > 0 && line.n == 0) ||
        c->called.p == NULL ||
        (args->uui_values.n == 0 && !context_sealed(c, uui_isdn, c->uui, args->uui)) ||
        !context_mark(c, NULL, c->uui, args->uui_by.n > 0 ? UUI_ROLE_REFERRER : UUI_ROLE_BATON,
                      args->uui_by)) {
        c->phase = CALL_ENDING;
        call_check_dead(c);
        *err = CALL_NO_RESOURCES;
        return NULL;
    }
    c->a->originating = true;
    c->a->state = CONN_INITIATED;
    return c;
}

enum call_error call_make(struct call_layer *l, const struct call_make *args,
                          struct connection **out, uint64_t now_ms)
{
    struct destination to, self = {.device = args->from};
    struct call_event e;
    struct call *c;
    struct ring ring = {.user = &made_caller_user};
    enum call_error err = CALL_NO_RESOURCES;
    bool more = false;

    if (l->draining) {
        return CALL_DRAINED;
    }
    if (args->overlap) {
        to = (struct destination){.id = dial_number(args->to, &more)};
    }
    if (!more && (!destination_of_text(l, args->to, &to) || to.device == args->from ||
                  !destination_permitted(l, args->from, &to))) {
        return CALL_UNKNOWN_DESTINATION;
    }
    if (registrar_find(l->registrar, args->from->key) == NULL) {
        return CALL_NOT_REGISTERED;
    }
    if (str_is_set(args->call_id) && !call_id_is_free(l, args->call_id)) {
        return CALL_ID_TAKEN;
    }
    c = call_room_for(l, args->from) ? call_prepare(l, args, &to, &err) : NULL;
    if (c == NULL) {
        return err;
    }
    if (str_is_set(args->call_id)) {
        call_rename(c, args->call_id);
    }
    c->dialling = more;
    c->made_as = args->cause;
    ring.from = arena_fmt(l->scratch, "<%.*s>", STR_ARG(more ? c->a->id : c->called));
    ring.to = connection_address(l->scratch, c->a);
    ring.lines = args->prompt || !l->config.auto_answer ? STR_NONE : auto_answer_lines(l);
    if (connection_ring(c->a, &self, &ring, now_ms) != 0) {
        c->phase = CALL_ENDING;
        c->a->ended = true;
        call_check_dead(c);
        return CALL_NO_RESOURCES;
    }
    call_set_timer(c, l->config.prompt_s * 1000, now_ms);
    c->heard = args->heard;
    e = call_event_make(c, CALL_EV_SERVICE_INITIATED, c->a,
                        args->cause != NULL ? args->cause : "makeCall", now_ms);
    call_tell(&e);
    *out = c->a;
    return CALL_OK;
}
