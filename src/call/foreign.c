/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign calls: those that Baton does not carry, and of which a phone tells (phone/phone.h).
 *
 * A foreign call is a call like any other to whoever watches: it has a callID, connections with
 * states, events that leave through event.c. What it has not is a leg. So nothing here sends
 * anything, nothing is bridged, and a procedure of this layer is never begun on one: whoever
 * commands a connection asks `call->foreign` first and goes to the phone (phone/driver.c).
 *
 *   own    the connection of the device whose phone tells
 *   other  the other party: a name, perhaps not even that, and never a device of ours, even
 *          when the name is one's: what its own phone tells of the call is another call
 *
 * STATES follow the events, in any order in which a phone sends them; what was told is not
 * told again. A call is over when its own connection is, since nobody hears more of it.
 *
 * CONFERENCES. A phone that mixes has one call of several parties, and so has Baton: the
 * parties of its second call, and whom it names besides, come to the first one (`mixed`); who
 * leaves is told to the device that is left with the others, as in a conference at a focus.
 * With two left it is a call of two again.
 */
#include "call/foreign.h"
#include "call/parts.h"

static bool add_parties(struct call *c, const struct call_foreign *f)
{
    struct connection *own = call_add_connection(c, f->device, f->device->uri);
    struct connection *other =
        call_add_connection(c, NULL, f->other.n > 0 ? f->other : STR(""));

    if (own == NULL || other == NULL) {
        return false;
    }
    own->originating = f->outgoing;
    other->originating = !f->outgoing;
    other->restricted = f->restricted;
    c->a = f->outgoing ? own : other;
    c->b = f->outgoing ? other : own;
    c->called = c->b->id;
    return true;
}

struct connection *call_foreign_new(struct call_layer *l, const struct call_foreign *f)
{
    struct call *c = call_room_for(l, f->device) ? call_new(l) : NULL;

    if (c == NULL) {
        return NULL;
    }
    c->foreign = true;
    c->phase = CALL_ACTIVE;
    if (!add_parties(c, f)) {
        call_foreign_forget(c);
        return NULL;
    }
    return f->outgoing ? c->a : c->b;
}

void call_foreign_forget(struct call *c)
{
    list_each(it, &c->connections)
    {
        list_entry(it, struct connection, link)->ended = true;
    }
    c->phase = CALL_ENDING;
    call_check_dead(c);
}

bool call_foreign_name(struct connection *other, struct str id)
{
    struct call *c = other->call;
    struct str copy;

    if (id.n == 0 || str_eq(other->id, id)) {
        return true;
    }
    copy = arena_dup(&c->arena, id);
    if (copy.p == NULL) {
        return false;
    }
    if (c->b == other && (c->called.n == 0 || str_eq(c->called, other->id))) {
        c->called = copy;
    }
    other->id = copy;
    return true;
}

static void tell(struct connection *subject, enum call_event_kind kind,
                 enum connection_state state, const char *cause, uint64_t now_ms)
{
    struct call_event e;

    if (subject->ended) {
        return;
    }
    subject->state = (uint8_t)state;
    e = call_event_make(subject->call, kind, subject, cause, now_ms);
    call_tell(&e);
}

/** An event that says nothing new about the other end of an outgoing call: its own has begun.
 */
static void has_begun(struct connection *own)
{
    if (own->state == CONN_NULL || own->state == CONN_INITIATED) {
        own->state = CONN_CONNECTED;
    }
}

void call_foreign_tell(struct connection *subject, enum call_event_kind kind, const char *cause,
                       uint64_t now_ms)
{
    struct call *c = subject->call;

    if (subject == c->b && c->a->device != NULL) {
        has_begun(c->a);
    }
    switch (kind) {
    case CALL_EV_SERVICE_INITIATED:
        tell(subject, kind, CONN_INITIATED, cause, now_ms);
        break;
    case CALL_EV_ORIGINATED:
        if (subject->state == CONN_NULL || subject->state == CONN_INITIATED) {
            tell(subject, kind, CONN_CONNECTED, cause, now_ms);
        }
        break;
    case CALL_EV_NETWORK_REACHED:
        if (!subject->reached) {
            subject->reached = true;
            tell(subject, kind, (enum connection_state)subject->state, cause, now_ms);
        }
        break;
    case CALL_EV_DELIVERED:
        if (c->a->device == NULL && c->a->state == CONN_NULL) {
            c->a->state = CONN_CONNECTED; /* who calls us is in the call */
        }
        connection_alerting(subject, NULL, cause, now_ms);
        break;
    case CALL_EV_ESTABLISHED:
        c->a->state = c->a->state == CONN_HOLD ? CONN_HOLD : CONN_CONNECTED;
        connection_established_with(subject, STR_NONE, cause, now_ms);
        break;
    case CALL_EV_HELD:
        if (subject->state != CONN_HOLD) {
            tell(subject, kind, CONN_HOLD, cause, now_ms);
        }
        break;
    case CALL_EV_RETRIEVED:
        if (subject->state == CONN_HOLD) {
            tell(subject, kind, CONN_CONNECTED, cause, now_ms);
        }
        break;
    case CALL_EV_FAILED:
        c->layer->failed++;
        connection_failed(subject, 0, cause, STR_NONE, now_ms);
        break;
    case CALL_EV_CONNECTION_CLEARED:
        connection_cleared(subject, subject, cause, STR_NONE, now_ms);
        break;
    default:
        break; /* the functions below */
    }
}

void call_foreign_dialed(struct connection *own, struct str digits, const char *cause,
                         uint64_t now_ms)
{
    if (own->state == CONN_INITIATED || own->state == CONN_CONNECTED) {
        connection_dialed(own, digits, cause, now_ms);
    }
}

void call_foreign_over(struct call *c, struct connection *by, const char *cause,
                       uint64_t now_ms)
{
    call_release(c, by, cause, NULL, STR_NONE, now_ms);
}

void call_foreign_diverted(struct connection *own, struct str to, const char *cause,
                           uint64_t now_ms)
{
    struct call *c = own->call;
    struct call_event e;

    if (own->ended) {
        return;
    }
    e = call_event_make(c, CALL_EV_DIVERTED, own, cause, now_ms);
    e.to_id = to;
    own->ended = true;
    own->state = CONN_NULL;
    call_tell(&e);
    call_foreign_forget(c);
}

void call_foreign_transferred(struct connection *own, struct connection *second, struct str to,
                              const char *cause, uint64_t now_ms)
{
    struct call *c = own->call;
    struct call_event e;

    if (own->ended) {
        return;
    }
    c->layer->transferred++;
    e = call_event_make(c, CALL_EV_TRANSFERRED, own, cause, now_ms);
    e.by = own;
    e.by_id = own->id;
    e.to_id = to;
    e.secondary = second;
    own->ended = true;
    own->state = CONN_NULL;
    if (second != NULL) {
        second->ended = true;
        second->state = CONN_NULL;
    }
    call_tell(&e);
    call_foreign_forget(c);
    if (second != NULL) {
        call_foreign_forget(second->call);
    }
}

void call_foreign_moved(struct connection *other, struct str to, const char *cause,
                        uint64_t now_ms)
{
    struct call_event e;

    if (other->ended || to.n == 0) {
        return;
    }
    e = call_event_make(other->call, CALL_EV_TRANSFERRED, other, cause, now_ms);
    e.by = other;
    e.by_id = other->id;
    e.to_id = to;
    call_tell(&e);
    (void)!call_foreign_name(other, to); /* no memory: the name is the old one */
}

/* ---- conferences ---- */

unsigned call_foreign_count(const struct call *c)
{
    unsigned n = 0;

    list_each(it, &c->connections)
    {
        n += !list_entry(it, struct connection, link)->ended;
    }
    return n;
}

struct connection *call_foreign_party(const struct call *c, struct str id)
{
    list_each(it, &c->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (!conn->ended && id.n > 0 && str_eq(conn->id, id)) {
            return conn;
        }
    }
    return NULL;
}

/** Who comes to a conference, none of them a party yet. */
struct newcomers {
    struct call *call;
    struct connection *conn[CALL_PARTIES_MAX];
    size_t n, from_second; /**< the first of them were in the other call */
};

static bool come(struct newcomers *in, struct str id)
{
    struct connection *conn;

    if (in->n == CALL_PARTIES_MAX || call_foreign_count(in->call) + in->n >= CALL_PARTIES_MAX) {
        return false;
    }
    conn = call_add_connection(in->call, NULL, id);
    if (conn == NULL) {
        return false;
    }
    conn->ended = true; /* until all have come */
    conn->moved = "conference";
    in->conn[in->n++] = conn;
    return true;
}

static bool come_from(struct newcomers *in, const struct connection *second)
{
    list_each(it, &second->call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn == second || conn->ended) {
            continue;
        }
        if (!come(in, conn->id)) {
            return false;
        }
        in->conn[in->n - 1]->restricted = conn->restricted;
    }
    in->from_second = in->n;
    return true;
}

/** Is that one of those who come, be it one whose name was not known? */
static bool is_coming(struct newcomers *in, struct str id)
{
    for (size_t i = 0; i < in->n; i++) {
        if (str_eq(in->conn[i]->id, id)) {
            return true;
        }
    }
    for (size_t i = 0; i < in->from_second; i++) {
        if (in->conn[i]->id.n == 0) {
            return call_foreign_name(in->conn[i], id);
        }
    }
    return false;
}

static bool come_by_name(struct newcomers *in, struct str id)
{
    return id.n == 0 || call_foreign_party(in->call, id) != NULL || is_coming(in, id) ||
           come(in, id);
}

static bool gather_names(struct newcomers *in, const struct call_foreign_meeting *m)
{
    if ((m->second != NULL && !come_from(in, m->second)) || !come_by_name(in, m->added)) {
        return false;
    }
    for (size_t i = 0; i < m->count; i++) {
        if (!come_by_name(in, m->party[i])) {
            return false;
        }
    }
    return true;
}

static void leave_second(struct connection *second)
{
    list_each(it, &second->call->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        conn->ended = true;
        conn->state = CONN_NULL;
    }
}

bool call_foreign_conferenced(const struct call_foreign_meeting *m, const char *cause,
                              uint64_t now_ms)
{
    struct call *c = m->by->call;
    struct newcomers in = {.call = c};
    struct call_event e;

    if (m->by->ended || !gather_names(&in, m)) {
        return false;
    }
    if (in.n == 0) {
        return true; /* no news */
    }
    if (m->second != NULL) {
        leave_second(m->second); /* out of there before anybody hears of it */
    }
    for (size_t i = 0; i < in.n; i++) {
        in.conn[i]->ended = false;
        in.conn[i]->established = true;
        in.conn[i]->state = CONN_CONNECTED;
        in.conn[i]->merging = i < in.from_second;
    }
    m->by->state = CONN_CONNECTED;
    c->mixed = call_foreign_count(c) > 2;
    e = call_event_make(c, CALL_EV_CONFERENCED, m->by, cause, now_ms);
    e.by = m->by;
    e.by_id = m->by->id;
    e.to_id = m->added.n > 0 ? m->added : in.conn[0]->id;
    e.secondary = m->second;
    call_tell(&e);
    for (size_t i = 0; i < in.n; i++) {
        in.conn[i]->merging = false;
    }
    if (m->second != NULL) {
        call_foreign_forget(m->second->call);
    }
    return true;
}

/** Somebody else of the call stands for the other end of it. */
static void stand_in(struct call *c, const struct connection *gone)
{
    list_each(it, &c->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (conn->ended || conn == c->a || conn == c->b) {
            continue;
        }
        c->a = c->a == gone ? conn : c->a;
        c->b = c->b == gone ? conn : c->b;
        return;
    }
}

void call_foreign_left(struct connection *party, const char *cause, uint64_t now_ms)
{
    struct call *c = party->call;

    connection_cleared(party, party, cause, STR_NONE, now_ms);
    stand_in(c, party);
    c->mixed = call_foreign_count(c) > 2;
}
