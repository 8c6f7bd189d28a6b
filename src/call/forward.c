/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call in its set-up goes on to somebody else because the called device forwards it
 * (features.h). The connection that is left is told as Diverted with the cause, gets its one
 * terminal event by that, and the new one takes its place as c->b (deflect.c).
 *
 * LOOPS. A call is forwarded FORWARDS_MAX times, and never to a device that it has been at or
 * that it comes from: then the forwarding counts as off and the device is called.
 */
#include "base/err.h"
#include "call/features.h"
#include "call/parts.h"

enum { FORWARDS_MAX = 5 };

static bool has_been_at(const struct call *c, const struct device *d)
{
    list_each(it, &c->connections)
    {
        if (list_entry(it, struct connection, link)->device == d) {
            return true;
        }
    }
    return false;
}

/** Where the device forwards to, if that is possible for this call; else *out is as it was. */
static bool forward_of(const struct call *c, const struct device *d, enum forward_type type,
                       struct destination *out)
{
    const struct forward *f = &call_features(d)->forward[type];
    struct destination to;

    if (!f->on || c->forwards >= FORWARDS_MAX ||
        !destination_of_text(c->layer, str_c(f->to), &to) ||
        (to.device != NULL && has_been_at(c, to.device)) ||
        !destination_permitted(c->layer, d, &to)) {
        return false;
    }
    *out = to;
    return true;
}

static bool forward(struct call *c, enum forward_type type, struct destination *dest,
                    uint64_t now_ms)
{
    static const char *const causes[] = {[FORWARD_IMMEDIATE] = "callForwardImmediate",
                                         [FORWARD_BUSY] = "callForwardBusy",
                                         [FORWARD_NO_ANSWER] = "callForwardNoAnswer"};
    static const uint16_t why[] = {/* RFC 4458 §2 */
                                   [FORWARD_IMMEDIATE] = 302,
                                   [FORWARD_BUSY] = 486,
                                   [FORWARD_NO_ANSWER] = 408};

    struct destination to;
    struct connection *next;

    if (!forward_of(c, c->b->device, type, &to) ||
        (next = call_add_connection(c, to.device, to.id)) == NULL) {
        return false;
    }
    c->hunt = NULL; /* the device's user has decided */
    trail_given_up(c->b, why[type]);
    trail_divert(c, to.id, why[type]);
    deflect_leave(c->b, next, causes[type], now_ms);
    *dest = to;
    c->forwards++;
    c->layer->forwarded++;
    return true;
}

unsigned forward_before(struct call *c, struct destination *to, uint64_t now_ms)
{
    const struct device_features *f;
    bool moved;

    if (str_is_set(to->gr)) { /* that phone, and nobody else (RFC 5627 §6.1) */
        f = call_features(c->b->device);
        return f->dnd ? c->layer->config.dnd_status : 0;
    }
    do {
        f = call_features(c->b->device);
        moved = forward(c, FORWARD_IMMEDIATE, to, now_ms) ||
                (f->dnd && forward(c, FORWARD_BUSY, to, now_ms));
    } while (moved);
    return f->dnd ? c->layer->config.dnd_status : 0;
}

bool forward_after(struct call *c, unsigned status, uint64_t now_ms)
{
    struct connection *conn = c->b;
    struct destination to;
    const struct leg *caller = connection_leg(c->a);
    bool busy = status == 486 || status == 600;
    bool silent = status == 408 || status == 480; /* or cannot be reached */

    if (c->phase != CALL_SETUP || conn->device == NULL || !(busy || silent) ||
        str_is_set(conn->gr) ||
        (!c->offerless &&
         (caller == NULL || caller->invite == NULL || caller->invite->req == NULL)) ||
        !forward(c, busy ? FORWARD_BUSY : FORWARD_NO_ANSWER, &to, now_ms)) {
        return false;
    }
    status = forward_before(c, &to, now_ms);
    if (status == 0) {
        status = deflect_ring(c, &to, NULL, now_ms);
    }
    if (status != 0 && !forward_after(c, status, now_ms)) {
        call_setup_failed(c, status, NULL, now_ms);
    }
    return true;
}

uint32_t call_ring_ms(const struct call *c, uint32_t otherwise)
{
    struct destination to;
    const struct device *d = c->b != NULL ? c->b->device : NULL;
    uint32_t ms;

    if (d == NULL || !forward_of(c, d, FORWARD_NO_ANSWER, &to)) {
        return otherwise;
    }
    ms = forward_ring_ms(&call_features(d)->forward[FORWARD_NO_ANSWER]);
    return ms < otherwise ? ms : otherwise;
}
