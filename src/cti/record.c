/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the journal as a row: see record.h. */
#include "cti/record.h"
#include "base/err.h"
#include "csta/csta.h"

enum { VERSION = 2, FACT_VERSION = 1 };

/** A record, with its User-to-User or without. */
struct row {
    const struct journal_record *r;
    bool with_data;
};

static void write(struct out *o, const void *what, uint64_t now_ms)
{
    const struct row *row = what;
    const struct journal_record *r = row->r;
    bool with_data = row->with_data;

    (void)now_ms;
    pack_number(o, VERSION);
    pack_str(o, csta_msg_name((enum csta_msg_id)r->event));
    pack_str(o, csta_event_cause_name((enum csta_event_cause)r->cause));
    pack_str(o, csta_local_connection_state_name((enum csta_local_connection_state)r->local));
    pack_str(o, r->call_id);
    pack_str(o, with_data ? r->user_data : STR_NONE);
    pack_str(o, r->correlator);
    pack_str(o, r->secondary);
    pack_str(o, r->digits);
    pack_number(o, r->tone_ms);
    pack_number(o, r->pause_ms);
    pack_str(o, with_data ? r->about : STR_NONE);
    pack_str(o, r->body);
    pack_number(o, JOURNAL_PARTY_COUNT);
    for (size_t i = 0; i < JOURNAL_PARTY_COUNT; i++) {
        pack_number(o, r->identity[i]);
        pack_str(o, r->party[i]);
    }
    pack_str(o, r->parties);
    pack_number(o, r->number_queued);
    pack_number(o, r->in_front);
    pack_str(o, r->audience);
    pack_str(o, r->sip_call_id);
}

static struct str shown(const struct journal_record *r, enum journal_party party)
{
    return r->party[party].n > 0 ? r->party[party] : STR_NONE;
}

void record_keep(const struct store_ops *store, struct pack_room *room,
                 const struct journal_record *r, uint64_t number, struct str watched)
{
    bool shared = watched.n == 0;
    struct store_event e = {
        .number = number,
        .watched = watched,
        .call_id = r->call_id,
        .event = csta_msg_name((enum csta_msg_id)r->event),
        .cause = csta_event_cause_name((enum csta_event_cause)r->cause),
        .data = pack_in(room, write, &(struct row){r, !shared || store->streams}, 0),
    };

    if (shared) {
        e.subject = shown(r, JOURNAL_SUBJECT);
        e.calling = shown(r, JOURNAL_CALLING);
        e.called = shown(r, JOURNAL_CALLED);
        e.other = shown(r, JOURNAL_TO);
        e.user_data = r->user_data;
    }
    store->event(store->ctx, &e);
}

int record_read(struct str data, struct journal_record *out)
{
    struct unpack u = unpack_of(data);
    uint64_t version = unpack_number(&u);
    struct str event, cause, local;
    uint64_t parties;

    *out = (struct journal_record){0};
    if (u.bad || version == 0 || version > VERSION) {
        return u.bad ? E_SYNTAX : E_VERSION;
    }
    event = unpack_str(&u);
    cause = unpack_str(&u);
    local = unpack_str(&u);
    out->event = (uint16_t)csta_msg_find(event);
    out->cause = (uint16_t)csta_event_cause_find(cause);
    out->local = (uint8_t)csta_local_connection_state_find(local);
    out->call_id = unpack_str(&u);
    out->user_data = unpack_str(&u);
    out->correlator = unpack_str(&u);
    out->secondary = unpack_str(&u);
    out->digits = unpack_str(&u);
    out->tone_ms = (uint32_t)unpack_upto(&u, UINT32_MAX);
    out->pause_ms = (uint32_t)unpack_upto(&u, UINT32_MAX);
    out->about = unpack_str(&u);
    out->body = unpack_str(&u);
    parties = unpack_upto(&u, JOURNAL_PARTY_COUNT);
    for (size_t i = 0; i < parties; i++) {
        out->identity[i] = (uint8_t)unpack_upto(&u, JOURNAL_NOT_REQUIRED);
        out->party[i] = unpack_str(&u);
    }
    if (version >= 2) {
        out->parties = unpack_str(&u);
        out->number_queued = (uint32_t)unpack_upto(&u, UINT32_MAX);
        out->in_front = (uint32_t)unpack_upto(&u, UINT32_MAX);
        out->audience = unpack_str(&u);
        out->sip_call_id = unpack_str(&u);
    }
    if (u.bad) {
        return E_SYNTAX;
    }
    return out->event == CSTA_MSG_NONE ? E_VERSION : 0;
}

/* ---- what is no event of CSTA ---- */

static void write_fact(struct out *o, const void *what, uint64_t now_ms)
{
    const struct journal_fact *f = what;

    (void)now_ms;
    pack_number(o, FACT_VERSION);
    pack_str(o, f->subject);
    pack_str(o, f->call_id);
    pack_str(o, f->audience);
    pack_str(o, f->owner);
    pack_str(o, f->data);
}

bool fact_is(struct str event)
{
    return str_starts(event, STR("org."));
}

bool fact_keep(const struct store_ops *store, struct pack_room *room,
               const struct journal_fact *f, uint64_t number)
{
    /* no call_id beside it: it is no step of the call that history would show */
    struct store_event e = {.number = number,
                            .watched = STR(""),
                            .event = str_upto(f->type, JOURNAL_TYPE_MAX),
                            .data = pack_in(room, write_fact, f, 0)};

    if (!str_is_set(e.data)) {
        return false;
    }
    store->event(store->ctx, &e);
    return true;
}

int fact_read(struct str event, struct str data, struct journal_fact *out)
{
    struct unpack u = unpack_of(data);
    uint64_t version = unpack_number(&u);

    *out = (struct journal_fact){.type = event};
    if (u.bad || version != FACT_VERSION) {
        return u.bad ? E_SYNTAX : E_VERSION;
    }
    out->subject = unpack_str(&u);
    out->call_id = unpack_str(&u);
    out->audience = unpack_str(&u);
    out->owner = unpack_str(&u);
    out->data = unpack_str(&u);
    return u.bad ? E_SYNTAX : 0;
}
