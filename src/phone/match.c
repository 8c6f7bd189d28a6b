/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a call of the phone one that Baton bridges? Then the switch is the truth about it, and
 * what the phone tells is no news.
 *
 * The sure sign is the Call-ID of a leg to the phone, which some phones put into their callIDs
 * ("call-id:…, remote-tag=…"). Else it is a call of the device in the same direction, with the
 * same other party, as far as both are known, which is not matched with another call of the
 * phone. One that is coming in rings because Baton has called the phone, so it is known before;
 * one that goes out may be told of before its INVITE is here, or is let in (follow.c waits).
 */
#include "phone/parts.h"

static bool same_party(struct str a, struct str b)
{
    struct csta_device_parts x, y;

    if (a.n == 0 || b.n == 0) {
        return true; /* nobody says that it is not */
    }
    csta_device_split(a, &x);
    csta_device_split(b, &y);
    return str_eq(x.user, y.user);
}

static bool is_taken(const struct phone *f, const struct call *call)
{
    list_each(it, &f->calls)
    {
        const struct phone_call *pc = list_entry(it, struct phone_call, link);
        if (pc->anchored && str_eq(str_c(pc->call), str_make(call->id, CALL_ID_LEN))) {
            return true;
        }
    }
    return false;
}

/** Does the phone's callID name a dialog of that connection? */
static bool names_leg(const struct connection *conn, struct str id)
{
    list_each(it, &conn->branches)
    {
        const struct branch *b = list_entry(it, struct branch, link);
        const struct dialog *d = b->leg == NULL           ? NULL
                                 : b->leg->dialog != NULL ? b->leg->dialog
                                                          : b->leg->seed;
        if (d != NULL && d->call_id.n >= 8 && str_find(id, d->call_id) < id.n) {
            return true;
        }
    }
    return false;
}

struct connection *phone_anchor(struct phone *f, struct str id, bool outgoing, struct str other)
{
    struct connection *found = NULL;

    for (struct connection *conn = NULL; (conn = call_of_device(f->device, conn)) != NULL;) {
        const struct connection *far = call_other(conn);
        if (conn->call->foreign || is_taken(f, conn->call)) {
            continue;
        }
        if (names_leg(conn, id)) {
            return conn;
        }
        /* MakeCall has the phone rung up, which for the phone is a call that comes in */
        bool comes_in = list_empty(&conn->branches) ||
                        list_entry(conn->branches.next, struct branch, link)->leg == NULL ||
                        list_entry(conn->branches.next, struct branch, link)->leg->uac;
        if (comes_in == outgoing) {
            continue;
        }
        if (found == NULL && (conn->originating != outgoing || far == NULL || far->restricted ||
                              same_party(far->id, other))) {
            found = conn;
        }
    }
    return found;
}
