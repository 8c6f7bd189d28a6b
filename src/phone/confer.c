/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone mixes: Conferenced of a phone that has brought its calls together, or whose party
 * has.
 *
 *   two foreign calls        one call of three: Conferenced with both old calls, told once
 *   one, and a name          the party that is named comes to it
 *   one, and a bridged one   the same: the bridged call is Baton's, and stays what it is
 *   two bridged calls        nothing: for Baton they are two calls, and what the phone does to
 *                            their media is seen as Retrieved of the one that it had held
 *
 * Who is in it says conferenceConnections, else addedParty, else the party that the second call
 * had. Names that are known already are no news, so an event that comes twice is told once.
 *
 * BOUNDS. CALL_PARTIES_MAX parties a call in all its life; what goes beyond is counted as
 * unread, and the calls stay as they were.
 */
#include "phone/parts.h"

/** All whom the event names, but the line itself. @return how many */
static size_t names_of(const struct phone *f, const struct fact *fact, struct str *out)
{
    size_t n = 0;

    for (size_t i = 0; fact->parties != NULL && i < fact->parties->n; i++) {
        const struct csta_connection_list_item *item = &fact->parties->item[i];
        struct str id = item->new_connection.device_id.value;
        if (item->endpoint.kind == CSTA_DEVICE_REF_ID && item->endpoint.id.value.n > 0) {
            id = item->endpoint.id.value;
        }
        id = str_trim(id);
        if (n < CALL_PARTIES_MAX && id.n > 0 && id.n <= CSTA_ID_MAX &&
            item->new_connection.device_id.type_of_number != CSTA_NUMBER_DYNAMIC &&
            !phone_is_self(f, id)) {
            out[n++] = phone_party(f, id);
        }
    }
    return n;
}

struct connection *phone_party_of(const struct phone *f, const struct connection *own,
                                  const struct fact *fact)
{
    struct connection *named;

    if (!own->call->mixed) {
        return call_other(own);
    }
    named =
        call_foreign_party(own->call, phone_party(f, str_trim(fact->conn->device_id.value)));
    named = named == NULL ? call_foreign_party(own->call, fact->subject) : named;
    return named == NULL || named == own ? call_other(own) : named;
}

void phone_conferenced(struct phone_call *pc, struct connection *own, const struct fact *fact,
                       uint64_t now_ms)
{
    struct phone *f = pc->phone;
    struct phone_call *second =
        fact->second != NULL ? phone_call_find(f, fact->second->call_id) : NULL;
    struct str party[CALL_PARTIES_MAX];
    struct call_foreign_meeting m = {.party = party, .added = fact->to};

    m.second = second != NULL && second != pc ? phone_call_own(second) : NULL;
    m.by = fact->own ? own : phone_party_of(f, own, fact);
    m.count = names_of(f, fact, party);
    if (m.by == NULL || !call_foreign_conferenced(&m, fact->cause, now_ms)) {
        f->phones->stats.unread++;
        return;
    }
    if (m.second != NULL) {
        phone_call_free(second);
    }
    if (fact->new_id.n > 0) {
        (void)phone_call_rename(pc, fact->new_id);
    }
}
