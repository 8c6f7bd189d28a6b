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
 */
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
