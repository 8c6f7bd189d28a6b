/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts that a phone tells become what happens to foreign calls (call/foreign.c).
 *
 *                                     in time: Baton bridges it
 *   goes out, registered here ──► held ──────────────────────────► anchored: no news any more
 *                                  │ unanchored_ms, or it goes on
 *                                  ▼
 *   comes in, not bridged ─────► foreign ──► over
 *   goes out, line on a peer ──►
 *
 * HELD. A call that goes out from a phone that is registered here most likely comes here, and
 * the phone may tell of it before its INVITE is let in. So it is told to nobody for a moment;
 * then, if it has not come, all that was told of it is told on. A dial tone alone has no time:
 * nobody knows yet where it will lead, and it is told with the number, or not at all.
 *
 * END. A call is over when the line's own connection is. A phone that tells only that the
 * other party has left, and nothing more for ALONE_MS, means the same (TR/87 11.1).
 *
 * BOUNDS. max_calls of a phone; what goes beyond is not followed, and counted. Calls that have
 * ended here without a word of the phone make room first.
 */
#include "phone/parts.h"

enum { ALONE_MS = 2000, MOVES_MAX = 32 };

enum hold_stage { HELD_NOT, HELD_TONE, HELD_ORIGINATED, HELD_DELIVERED, HELD_ESTABLISHED };

/* ---- the table ---- */

static struct call *call_of(const struct phone_call *pc)
{
    return pc->call[0] == '\0' ? NULL
                               : call_find(pc->phone->phones->world.calls, str_c(pc->call));
}

struct connection *phone_call_own(const struct phone_call *pc)
{
    struct call *c = pc->anchored ? NULL : call_of(pc);

    return c == NULL || !c->foreign ? NULL : call_connection(c, pc->phone->device);
}

void phone_call_free(struct phone_call *pc)
{
    struct phone *f = pc->phone;

    timer_stop(f->phones->world.wheel, &pc->timer);
    list_remove(&pc->link);
    f->call_count--;
    pool_put(&f->phones->call_pool, pc);
}

struct phone_call *phone_call_find(struct phone *f, struct str id)
{
    struct phone_call *only = NULL;

    id = str_trim(id);
    list_each(it, &f->calls)
    {
        struct phone_call *pc = list_entry(it, struct phone_call, link);
        only = pc;
        if (str_eq(str_c(pc->id), id) && id.n > 0) {
            return pc;
        }
    }
    /* a phone that names no calls means the one that it has */
    return id.n == 0 && f->call_count == 1 ? only : NULL;
}

struct phone_call *phone_call_of(struct phone *f, const struct connection *conn)
{
    list_each(it, &f->calls)
    {
        struct phone_call *pc = list_entry(it, struct phone_call, link);
        if (str_eq(str_c(pc->call), str_make(conn->call->id, CALL_ID_LEN))) {
            return pc;
        }
    }
    return NULL;
}

static void make_room(struct phone *f)
{
    list_each(it, &f->calls)
    {
        struct phone_call *pc = list_entry(it, struct phone_call, link);
        if (pc->call[0] != '\0' && call_of(pc) == NULL) {
            phone_call_free(pc);
        }
    }
}

void phone_call_watched(const struct phone_call *pc)
{
    const struct phone *f = pc->phone;
    const struct env_watch *w = f->phones->env->watch;

    if (w != NULL && pc->id[0] != '\0' && pc->call[0] != '\0' && f->leg != NULL) {
        w->leg(w->ctx, &(struct env_leg){.call = str_c(pc->call),
                                         .sip_call = f->leg->dialog->call_id,
                                         .party = f->device->uri,
                                         .device = true,
                                         .named = str_c(pc->id)});
    }
}

bool phone_call_rename(struct phone_call *pc, struct str id)
{
    id = str_trim(id);
    if (id.n > PHONE_CALL_ID_MAX || memchr(id.n > 0 ? id.p : "", '\0', id.n) != NULL) {
        return false;
    }
    memcpy(pc->id, id.n > 0 ? id.p : "", id.n);
    pc->id[id.n] = '\0';
    phone_call_watched(pc);
    return true;
}

struct phone_call *phone_call_new(struct phone *f, struct str id)
{
    struct phone_call *pc;

    if (f->call_count >= f->phones->config.max_calls) {
        make_room(f);
    }
    pc = f->call_count >= f->phones->config.max_calls ? NULL : pool_get(&f->phones->call_pool);
    if (pc == NULL) {
        f->phones->stats.full++;
        return NULL;
    }
    pc->phone = f;
    timer_init(&pc->timer, phone_call_on_timer);
    list_append(&f->calls, &pc->link);
    f->call_count++;
    if (!phone_call_rename(pc, id)) {
        phone_call_free(pc);
        return NULL;
    }
    return pc;
}

static void anchor(struct phone_call *pc, const struct connection *conn)
{
    memcpy(pc->call, conn->call->id, CALL_ID_LEN);
    phone_call_watched(pc);
    pc->anchored = true;
    pc->stage = HELD_NOT;
    timer_stop(pc->phone->phones->world.wheel, &pc->timer);
}

struct connection *phone_call_begin(struct phone_call *pc, bool outgoing, struct str other,
                                    bool restricted)
{
    struct phone *f = pc->phone;
    struct connection *own = call_foreign_new(f->phones->world.calls,
                                              &(struct call_foreign){.device = f->device,
                                                                     .outgoing = outgoing,
                                                                     .restricted = restricted,
                                                                     .other = other});

    if (own != NULL) {
        memcpy(pc->call, own->call->id, CALL_ID_LEN);
        phone_call_watched(pc);
        pc->stage = HELD_NOT;
        f->phones->stats.foreign++;
        f->changes++;
    }
    return own;
}

static void end_calls(struct phone *f, const char *cause, bool tell, uint64_t now_ms)
{
    list_each(it, &f->calls)
    {
        struct phone_call *pc = list_entry(it, struct phone_call, link);
        struct connection *own = phone_call_own(pc);
        if (own != NULL && tell) {
            call_foreign_over(own->call, NULL, cause, now_ms);
        } else if (own != NULL) {
            call_foreign_forget(own->call);
        }
        phone_call_free(pc);
    }
}

void phone_calls_over(struct phone *f, const char *cause, uint64_t now_ms)
{
    end_calls(f, cause, true, now_ms);
}

void phone_calls_free(struct phone *f)
{
    end_calls(f, "normal", false, 0);
}

/* ---- held ---- */

/** It does not come here: all that was told of it is told on. @return its connection */
static struct connection *release(struct phone_call *pc, uint64_t now_ms)
{
    uint8_t stage = pc->stage;
    struct connection *own = phone_call_begin(pc, true, str_c(pc->called), false);
    struct call *c;

    timer_stop(pc->phone->phones->world.wheel, &pc->timer);
    if (own == NULL) {
        phone_call_free(pc);
        return NULL;
    }
    c = own->call;
    call_foreign_tell(own, CALL_EV_ORIGINATED, "newCall", now_ms);
    if (stage >= HELD_DELIVERED) {
        call_foreign_tell(c->b, CALL_EV_DELIVERED, "newCall", now_ms);
    }
    if (stage >= HELD_ESTABLISHED) {
        call_foreign_tell(c->b, CALL_EV_ESTABLISHED, "newCall", now_ms);
    }
    return own;
}

void phone_call_on_timer(struct timer *t, uint64_t now_ms)
{
    struct phone_call *pc = container_of(t, struct phone_call, timer);
    struct connection *own;

    if (pc->stage != HELD_NOT) {
        (void)release(pc, now_ms);
        return;
    }
    own = phone_call_own(pc);
    if (own != NULL) {
        call_foreign_over(own->call, call_other(own), "normalClearing", now_ms);
    }
    phone_call_free(pc);
}

/** @return false: it is held no longer, and the fact is to be followed */
static bool hold_on(struct phone_call *pc, const struct fact *fact, uint64_t now_ms)
{
    struct phone *f = pc->phone;
    struct connection *conn;
    uint8_t stage = HELD_NOT;

    if (fact->called.n > 0 && fact->called.n <= CSTA_ID_MAX) {
        memcpy(pc->called, fact->called.p, fact->called.n);
        pc->called[fact->called.n] = '\0';
    }
    switch (fact->event) {
    case CSTA_MSG_SERVICE_INITIATED_EVENT:
    case CSTA_MSG_DIGITS_DIALED_EVENT:
        stage = HELD_TONE;
        break;
    case CSTA_MSG_ORIGINATED_EVENT:
    case CSTA_MSG_NETWORK_REACHED_EVENT:
        stage = HELD_ORIGINATED;
        break;
    case CSTA_MSG_DELIVERED_EVENT:
        stage = HELD_DELIVERED;
        break;
    case CSTA_MSG_ESTABLISHED_EVENT:
        stage = HELD_ESTABLISHED;
        break;
    default:
        break;
    }
    conn = phone_anchor(f, str_c(pc->id), true, str_c(pc->called));
    if (conn != NULL) {
        anchor(pc, conn);
        return false;
    }
    if (stage == HELD_NOT) {
        if (pc->stage == HELD_TONE && fact->event == CSTA_MSG_CONNECTION_CLEARED_EVENT) {
            phone_call_free(pc); /* the receiver was put back */
            return true;
        }
        return release(pc, now_ms) == NULL;
    }
    if (stage > HELD_TONE && !timer_running(&pc->timer)) {
        timer_set(f->phones->world.wheel, &pc->timer, now_ms + f->phones->config.unanchored_ms);
    }
    pc->stage = stage > pc->stage ? stage : pc->stage;
    return true;
}

void phones_on_call_event(struct phones *p, const struct call_event *e)
{
    struct connection *conn;
    const struct device *d = e->subject->device;

    if (e->call->foreign || d == NULL || e->kind != CALL_EV_ORIGINATED) {
        return;
    }
    for (struct phone *f = NULL; (f = phone_of_device(p, d, f)) != NULL;) {
        list_each(it, &f->calls)
        {
            struct phone_call *pc = list_entry(it, struct phone_call, link);
            if (pc->stage != HELD_NOT &&
                (conn = phone_anchor(f, str_c(pc->id), true, str_c(pc->called))) != NULL) {
                anchor(pc, conn);
                p->stats.duplicates++;
            }
        }
    }
}

/* ---- what happens ---- */

/** Does the fact say that the line has begun the call? */
static bool is_outgoing(const struct phone *f, const struct fact *fact)
{
    if (fact->event == CSTA_MSG_SERVICE_INITIATED_EVENT ||
        fact->event == CSTA_MSG_DIGITS_DIALED_EVENT ||
        fact->event == CSTA_MSG_ORIGINATED_EVENT ||
        fact->event == CSTA_MSG_NETWORK_REACHED_EVENT) {
        return true;
    }
    if (fact->event == CSTA_MSG_DELIVERED_EVENT) {
        return !fact->own;
    }
    if (fact->calling.n > 0) {
        return str_eq(fact->calling, f->device->uri);
    }
    return fact->called.n > 0 && !str_eq(fact->called, f->device->uri);
}

/** One that we have asked for and whose callID is not known yet. */
static struct phone_call *made(struct phone *f, const struct fact *fact)
{
    list_each(it, &f->calls)
    {
        struct phone_call *pc = list_entry(it, struct phone_call, link);
        if (pc->making && pc->id[0] == '\0' && is_outgoing(f, fact) &&
            phone_call_rename(pc, fact->conn->call_id)) {
            return pc;
        }
    }
    return NULL;
}

static bool can_begin(const struct fact *fact)
{
    return fact->event != CSTA_MSG_CONNECTION_CLEARED_EVENT &&
           fact->event != CSTA_MSG_FAILED_EVENT && fact->event != CSTA_MSG_TRANSFERRED_EVENT &&
           fact->event != CSTA_MSG_CONFERENCED_EVENT && fact->event != CSTA_MSG_RETRIEVED_EVENT;
}

/** The first that is heard of a call. @return NULL: it is none, or is not followed */
static struct phone_call *begin(struct phone *f, const struct fact *fact)
{
    bool outgoing = is_outgoing(f, fact);
    struct str other = outgoing ? fact->called : fact->calling;
    struct phone_call *pc;
    struct connection *conn;

    if (!can_begin(fact)) {
        return NULL;
    }
    pc = phone_call_new(f, fact->conn->call_id);
    if (pc == NULL) {
        return NULL;
    }
    conn = phone_anchor(f, str_c(pc->id), outgoing, other);
    if (conn != NULL) {
        anchor(pc, conn);
    } else if (outgoing && f->id.n > 0) {
        pc->stage = HELD_TONE; /* at least; hold_on knows */
    } else if (phone_call_begin(pc, outgoing, other, fact->restricted) == NULL) {
        phone_call_free(pc);
        pc = NULL;
    }
    return pc;
}

static void ended(struct phone_call *pc, struct connection *own, const struct fact *fact,
                  uint64_t now_ms)
{
    struct connection *other = phone_party_of(pc->phone, own, fact);
    bool by_own = fact->subject.n == 0 || str_eq(fact->subject, own->id);

    if (fact->own) {
        call_foreign_over(own->call, by_own ? own : other, fact->cause, now_ms);
        phone_call_free(pc);
        return;
    }
    if (own->call->mixed) {
        call_foreign_left(other, fact->cause, now_ms);
        return;
    }
    if (other != NULL) {
        call_foreign_tell(other, CALL_EV_CONNECTION_CLEARED, fact->cause, now_ms);
    }
    timer_set(pc->phone->phones->world.wheel, &pc->timer, now_ms + ALONE_MS);
}

/**
 * The line leaves both calls, or its party has changed. A call keeps the names of all whom it
 * has had for its other party, so a phone can hand it on only so often: then it stays with the
 * last one.
 */
static void transferred(struct phone_call *pc, struct connection *own, const struct fact *fact,
                        uint64_t now_ms)
{
    struct phone *f = pc->phone;
    struct phone_call *second =
        fact->second != NULL ? phone_call_find(f, fact->second->call_id) : NULL;
    struct connection *own2 = second != NULL ? phone_call_own(second) : NULL;
    struct str to = fact->to;

    if (fact->own) {
        if (to.n == 0 && own2 != NULL) {
            to = call_other(own2)->id;
        }
        call_foreign_transferred(own, own2, to, fact->cause, now_ms);
        phone_call_free(pc);
        if (second != NULL && second != pc) {
            phone_call_free(second);
        }
        return;
    }
    if (fact->new_id.n > 0) {
        (void)phone_call_rename(pc, fact->new_id);
    }
    if (pc->moves == MOVES_MAX) {
        f->phones->stats.unread++;
        return;
    }
    pc->moves++;
    call_foreign_moved(call_other(own), to, fact->cause, now_ms);
}

static void learn_parties(struct phone *f, struct connection *own, const struct fact *fact)
{
    struct str other = own->originating ? fact->called : fact->calling;

    if (other.n > 0 && !str_eq(other, f->device->uri) && call_other(own)->id.n == 0) {
        (void)!call_foreign_name(call_other(own), other); /* no memory: it stays unknown */
    }
}

static void apply(struct phone_call *pc, struct connection *own, const struct fact *fact,
                  uint64_t now_ms)
{
    struct call *c = own->call;
    struct connection *subject = fact->own ? own : phone_party_of(pc->phone, own, fact);

    learn_parties(pc->phone, own, fact);
    switch (fact->event) {
    case CSTA_MSG_SERVICE_INITIATED_EVENT:
        call_foreign_tell(own, CALL_EV_SERVICE_INITIATED, fact->cause, now_ms);
        break;
    case CSTA_MSG_ORIGINATED_EVENT:
        call_foreign_tell(own, CALL_EV_ORIGINATED, fact->cause, now_ms);
        break;
    case CSTA_MSG_DIGITS_DIALED_EVENT:
        call_foreign_dialed(own, fact->digits, fact->cause, now_ms);
        break;
    case CSTA_MSG_NETWORK_REACHED_EVENT:
        call_foreign_tell(call_other(own), CALL_EV_NETWORK_REACHED, fact->cause, now_ms);
        break;
    case CSTA_MSG_DELIVERED_EVENT:
        call_foreign_tell(c->b, CALL_EV_DELIVERED, fact->cause, now_ms);
        break;
    case CSTA_MSG_ESTABLISHED_EVENT:
        call_foreign_tell(c->b, CALL_EV_ESTABLISHED, fact->cause, now_ms);
        break;
    case CSTA_MSG_HELD_EVENT:
        call_foreign_tell(subject, CALL_EV_HELD, fact->cause, now_ms);
        break;
    case CSTA_MSG_RETRIEVED_EVENT:
        call_foreign_tell(subject, CALL_EV_RETRIEVED, fact->cause, now_ms);
        break;
    case CSTA_MSG_FAILED_EVENT:
        call_foreign_tell(c->b, CALL_EV_FAILED, fact->cause, now_ms);
        break;
    case CSTA_MSG_DIVERTED_EVENT:
        call_foreign_diverted(own, fact->to, fact->cause, now_ms);
        phone_call_free(pc);
        break;
    case CSTA_MSG_CONNECTION_CLEARED_EVENT:
        ended(pc, own, fact, now_ms);
        break;
    case CSTA_MSG_TRANSFERRED_EVENT:
        transferred(pc, own, fact, now_ms);
        break;
    case CSTA_MSG_CONFERENCED_EVENT:
        phone_conferenced(pc, own, fact, now_ms);
        break;
    default:
        break;
    }
}

/** The phone is done with a call that Baton bridges. */
static bool is_last(const struct fact *fact)
{
    return fact->own && (fact->event == CSTA_MSG_CONNECTION_CLEARED_EVENT ||
                         fact->event == CSTA_MSG_DIVERTED_EVENT ||
                         fact->event == CSTA_MSG_TRANSFERRED_EVENT);
}

/** The call that it is about. One that meets another of which more is known is that other. */
static struct phone_call *call_named(struct phone *f, const struct fact *fact)
{
    struct phone_call *pc = phone_call_find(f, fact->conn->call_id);

    if (pc == NULL && fact->event == CSTA_MSG_CONFERENCED_EVENT && fact->second != NULL) {
        pc = phone_call_find(f, fact->second->call_id);
    }
    return pc;
}

void phone_follow(struct phone *f, const struct fact *fact, uint64_t now_ms)
{
    struct phone_call *pc = call_named(f, fact);
    struct connection *own;

    if (pc != NULL && pc->call[0] != '\0' && call_of(pc) == NULL) {
        phone_call_free(pc); /* it has ended here: the callID is another call's now */
        pc = NULL;
    }
    pc = pc == NULL ? made(f, fact) : pc;
    pc = pc == NULL ? begin(f, fact) : pc;
    if (pc == NULL || (pc->stage != HELD_NOT && hold_on(pc, fact, now_ms))) {
        return;
    }
    if (pc->anchored) {
        f->phones->stats.duplicates++;
        if (is_last(fact)) {
            phone_call_free(pc);
        } else if (fact->event == CSTA_MSG_CONFERENCED_EVENT && fact->new_id.n > 0) {
            (void)phone_call_rename(pc, fact->new_id);
        }
        return;
    }
    own = phone_call_own(pc);
    if (own == NULL) {
        phone_call_free(pc);
        return;
    }
    apply(pc, own, fact, now_ms);
}
