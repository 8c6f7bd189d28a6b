/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record of the journal as the message that one monitor's client gets.
 *
 * The record says what happened and who played which part; here it becomes a CSTA event in the
 * client's edition, with its spelling of devices and the reference of its monitor. Optional
 * elements that a lean producer leaves out are left out: an event should fit a datagram.
 */
#include "cti/parts.h"

/** What all events are made from. */
struct view {
    const struct event_reader *who;
    const struct journal_record *r;
    struct arena *arena;
    struct str ref;
    struct csta_data correlator, user;
    const struct csta_common_arguments *extensions;
    enum csta_local_connection_state local;
    enum csta_event_cause cause;
};

static struct str spelt(const struct view *v, struct str id)
{
    return v->who->spell != NULL ? v->who->spell(v->who->ctx, id) : id;
}

static struct csta_device_ref ref_of(const struct view *v, enum journal_party party)
{
    switch ((enum journal_identity)v->r->identity[party]) {
    case JOURNAL_ID:
        return csta_device_ref_of(spelt(v, v->r->party[party]));
    case JOURNAL_RESTRICTED:
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_RESTRICTED};
    case JOURNAL_NOT_REQUIRED:
        return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_NOT_REQUIRED};
    case JOURNAL_NOT_KNOWN:
    case JOURNAL_ABSENT:
        break;
    }
    return (struct csta_device_ref){.kind = CSTA_DEVICE_REF_NOT_KNOWN};
}

static struct csta_connection_id connection_of(const struct view *v, enum journal_party party)
{
    struct csta_connection_id id = {.call_id = v->r->call_id};

    if (v->r->identity[party] != JOURNAL_ID) {
        id.device_id.value = v->r->party[party];
        id.device_id.type_of_number = CSTA_NUMBER_DYNAMIC;
    } else {
        id.device_id.value = spelt(v, v->r->party[party]);
    }
    return id;
}

static struct csta_data data_of(struct str octets)
{
    struct csta_data d = {.kind = CSTA_DATA_ABSENT};

    if (octets.n > 0) {
        d.kind = CSTA_DATA_STRING;
        d.string = octets;
    }
    return d;
}

/* ---- one function for each event ---- */

/**
 * A function that makes one event of a view: what all call events have, and what is said of
 * this one, as initialisers in which `v` is the view. NULL when memory is out.
 */
#define EVENT(name, type, ...)                                           \
    static const void *name(const struct view *v)                        \
    {                                                                    \
        struct csta_##type *e = arena_zalloc(v->arena, sizeof(*e));      \
        if (e != NULL) {                                                 \
            *e = (struct csta_##type){.monitor_cross_ref_id = v->ref,    \
                                      .local_connection_info = v->local, \
                                      .correlator_data = v->correlator,  \
                                      .cause = v->cause,                 \
                                      .extensions = v->extensions,       \
                                      __VA_ARGS__};                      \
        }                                                                \
        return e;                                                        \
    }

EVENT(service_initiated, service_initiated_event,
      .initiated_connection = connection_of(v, JOURNAL_SUBJECT),
      .initiating_device = ref_of(v, JOURNAL_SUBJECT),
      .called_device = ref_of(v, JOURNAL_CALLED))

EVENT(digits_dialed, digits_dialed_event,
      .dialing_connection = connection_of(v, JOURNAL_SUBJECT),
      .dialing_device = ref_of(v, JOURNAL_SUBJECT), .dialing_sequence = {.value = v->r->digits})

EVENT(originated, originated_event, .originated_connection = connection_of(v, JOURNAL_SUBJECT),
      .calling_device = ref_of(v, JOURNAL_CALLING), .called_device = ref_of(v, JOURNAL_CALLED))

EVENT(network_reached, network_reached_event,
      .outbound_connection = connection_of(v, JOURNAL_SUBJECT),
      .network_interface_used = ref_of(v, JOURNAL_SUBJECT),
      .calling_device = ref_of(v, JOURNAL_CALLING), .called_device = ref_of(v, JOURNAL_CALLED),
      .last_redirection_device = ref_of(v, JOURNAL_REDIRECTION), .user_data = v->user)

EVENT(delivered, delivered_event, .connection = connection_of(v, JOURNAL_SUBJECT),
      .alerting_device = ref_of(v, JOURNAL_SUBJECT),
      .calling_device = ref_of(v, JOURNAL_CALLING), .called_device = ref_of(v, JOURNAL_CALLED),
      .last_redirection_device = ref_of(v, JOURNAL_REDIRECTION), .user_data = v->user)

EVENT(established, established_event,
      .established_connection = connection_of(v, JOURNAL_SUBJECT),
      .answering_device = ref_of(v, JOURNAL_SUBJECT),
      .calling_device = ref_of(v, JOURNAL_CALLING), .called_device = ref_of(v, JOURNAL_CALLED),
      .last_redirection_device = ref_of(v, JOURNAL_REDIRECTION), .user_data = v->user)

EVENT(held, held_event, .held_connection = connection_of(v, JOURNAL_SUBJECT),
      .holding_device = ref_of(v, JOURNAL_SUBJECT))

EVENT(retrieved, retrieved_event, .retrieved_connection = connection_of(v, JOURNAL_SUBJECT),
      .retrieving_device = ref_of(v, JOURNAL_SUBJECT))

EVENT(diverted, diverted_event, .connection = connection_of(v, JOURNAL_SUBJECT),
      .diverting_device = ref_of(v, JOURNAL_SUBJECT), .new_destination = ref_of(v, JOURNAL_TO),
      .calling_device = ref_of(v, JOURNAL_CALLING), .called_device = ref_of(v, JOURNAL_CALLED),
      .last_redirection_device = ref_of(v, JOURNAL_REDIRECTION), .user_data = v->user)

EVENT(queued, queued_event, .queued_connection = connection_of(v, JOURNAL_SUBJECT),
      .queue = ref_of(v, JOURNAL_SUBJECT), .calling_device = ref_of(v, JOURNAL_CALLING),
      .called_device = ref_of(v, JOURNAL_CALLED),
      .last_redirection_device = ref_of(v, JOURNAL_REDIRECTION),
      .number_queued = {.value = v->r->number_queued, .set = true},
      .calls_in_front = {.value = v->r->in_front, .set = true}, .user_data = v->user)

/** That party's connection in the other call of a transfer; absent when there was one call. */
static struct csta_connection_id in_secondary(const struct view *v, enum journal_party party)
{
    struct csta_connection_id id = {0};

    if (str_is_set(v->r->secondary)) {
        id = connection_of(v, party);
        id.call_id = v->r->secondary;
    }
    return id;
}

/** The call after a transfer: who stays, under its old connection, and who came. */
static struct csta_connection_list_item_list parties(const struct view *v)
{
    struct csta_connection_list_item *item = arena_zalloc(v->arena, 2 * sizeof(*item));
    size_t n = 0;

    if (item == NULL) {
        return (struct csta_connection_list_item_list){0};
    }
    if (v->r->identity[JOURNAL_STAYS] != JOURNAL_ABSENT) {
        item[n].new_connection = connection_of(v, JOURNAL_STAYS);
        item[n].old_connection = item[n].new_connection;
        item[n].endpoint = ref_of(v, JOURNAL_STAYS);
        n++;
    }
    item[n].new_connection = connection_of(v, JOURNAL_TO);
    if (str_is_set(v->r->secondary)) {
        item[n].old_connection = in_secondary(v, JOURNAL_TO);
    }
    item[n].endpoint = ref_of(v, JOURNAL_TO);
    return (struct csta_connection_list_item_list){item, n + 1};
}

EVENT(transferred_call, transferred_event,
      .primary_old_call = connection_of(v, JOURNAL_SUBJECT),
      .secondary_old_call = in_secondary(v, JOURNAL_SUBJECT),
      .transferring_device = ref_of(v, JOURNAL_SUBJECT),
      .transferred_to_device = ref_of(v, JOURNAL_TO), .transferred_connections = parties(v),
      .user_data = v->user)

static const void *transferred(const struct view *v)
{
    const struct csta_transferred_event *e = transferred_call(v);

    return e != NULL && e->transferred_connections.n > 0 ? e : NULL;
}

/** A party of a conference, and where it was. */
static struct csta_connection_list_item member_of(const struct view *v,
                                                  const struct journal_member *m)
{
    struct csta_connection_list_item item = {.new_connection = {.call_id = v->r->call_id}};

    if (m->identity == JOURNAL_ID) {
        item.new_connection.device_id.value = spelt(v, m->id);
        item.endpoint = csta_device_ref_of(item.new_connection.device_id.value);
    } else {
        item.new_connection.device_id.value = m->id;
        item.new_connection.device_id.type_of_number = CSTA_NUMBER_DYNAMIC;
        item.endpoint.kind = m->identity == JOURNAL_RESTRICTED ? CSTA_DEVICE_REF_RESTRICTED
                                                               : CSTA_DEVICE_REF_NOT_KNOWN;
    }
    if (m->before != JOURNAL_NOWHERE) {
        item.old_connection = item.new_connection;
    }
    if (m->before == JOURNAL_OTHER) {
        item.old_connection.call_id = v->r->secondary;
    }
    return item;
}

static struct csta_connection_list_item_list members(const struct view *v)
{
    struct csta_connection_list_item *item;
    struct journal_member m;
    size_t n = 0;

    for (struct str rest = v->r->parties; parties_next(&rest, &m);) {
        n++;
    }
    item = n == 0 ? NULL : arena_zalloc(v->arena, n * sizeof(*item));
    if (item == NULL) {
        return (struct csta_connection_list_item_list){0};
    }
    n = 0;
    for (struct str rest = v->r->parties; parties_next(&rest, &m);) {
        item[n++] = member_of(v, &m);
    }
    return (struct csta_connection_list_item_list){item, n};
}

EVENT(conferenced_call, conferenced_event,
      .primary_old_call = connection_of(v, JOURNAL_SUBJECT),
      .secondary_old_call = in_secondary(v, JOURNAL_SUBJECT),
      .conferencing_device = ref_of(v, JOURNAL_SUBJECT), .added_party = ref_of(v, JOURNAL_TO),
      .conference_connections = members(v), .user_data = v->user)

static const void *conferenced(const struct view *v)
{
    const struct csta_conferenced_event *e = conferenced_call(v);

    return e != NULL && e->conference_connections.n > 0 ? e : NULL;
}

EVENT(failed, failed_event, .failed_connection = connection_of(v, JOURNAL_SUBJECT),
      .failing_device = ref_of(v, JOURNAL_SUBJECT),
      .calling_device = ref_of(v, JOURNAL_CALLING), .called_device = ref_of(v, JOURNAL_CALLED),
      .last_redirection_device = ref_of(v, JOURNAL_REDIRECTION), .user_data = v->user)

EVENT(connection_cleared, connection_cleared_event,
      .dropped_connection = connection_of(v, JOURNAL_SUBJECT),
      .releasing_device = ref_of(v, JOURNAL_BY), .user_data = v->user)

static const void *call_cleared(const struct view *v)
{
    struct csta_call_cleared_event *e = arena_zalloc(v->arena, sizeof(*e));

    if (e != NULL) {
        *e = (struct csta_call_cleared_event){
            .monitor_cross_ref_id = v->ref,
            .cleared_call = {.call_id = v->r->call_id},
            .correlator_data = v->correlator,
            .user_data = v->user,
            .cause = v->cause,
        };
    }
    return e;
}

/** A list of one number: it is the same for every digit. */
static struct csta_long_list durations(const struct view *v, uint32_t ms)
{
    size_t n = v->r->digits.n;
    struct csta_int *item = ms == 0 ? NULL : arena_alloc(v->arena, n * sizeof(*item));

    if (item == NULL) {
        return (struct csta_long_list){0};
    }
    for (size_t i = 0; i < n; i++) {
        item[i] = (struct csta_int){.value = ms, .set = true};
    }
    return (struct csta_long_list){item, n};
}

static const void *digits_generated(const struct view *v)
{
    struct csta_digits_generated_event *e = arena_zalloc(v->arena, sizeof(*e));

    if (e != NULL) {
        *e = (struct csta_digits_generated_event){
            .monitor_cross_ref_id = v->ref,
            .connection = connection_of(v, JOURNAL_SUBJECT),
            .digit_generated_list = v->r->digits,
            .digit_duration_list = durations(v, v->r->tone_ms),
            .pause_duration_list = durations(v, v->r->pause_ms),
        };
    }
    return e;
}

/** Has neither localConnectionInfo nor cause. */
static const void *call_information(const struct view *v)
{
    struct csta_call_information_event *e = arena_zalloc(v->arena, sizeof(*e));

    if (e != NULL) {
        *e = (struct csta_call_information_event){
            .monitor_cross_ref_id = v->ref,
            .connection = connection_of(v, JOURNAL_SUBJECT),
            .device = ref_of(v, JOURNAL_SUBJECT),
            .calling_device = ref_of(v, JOURNAL_CALLING),
            .correlator_data = v->correlator,
            .user_data = v->user,
            .extensions = v->extensions,
        };
    }
    return e;
}

/** OutOfService has the same elements. */
static const void *back_in_service(const struct view *v)
{
    struct csta_back_in_service_event *e = arena_zalloc(v->arena, sizeof(*e));

    if (e != NULL) {
        *e = (struct csta_back_in_service_event){
            .monitor_cross_ref_id = v->ref,
            .device = ref_of(v, JOURNAL_SUBJECT),
            .cause = v->cause,
        };
    }
    return e;
}

static const void *out_of_service(const struct view *v)
{
    struct csta_out_of_service_event *e = arena_zalloc(v->arena, sizeof(*e));

    if (e != NULL) {
        *e = (struct csta_out_of_service_event){
            .monitor_cross_ref_id = v->ref,
            .device = ref_of(v, JOURNAL_SUBJECT),
            .cause = v->cause,
        };
    }
    return e;
}

typedef const void *(*make_fn)(const struct view *v);

static make_fn maker(unsigned event)
{
    switch (event) {
    case CSTA_MSG_SERVICE_INITIATED_EVENT:
        return service_initiated;
    case CSTA_MSG_DIGITS_DIALED_EVENT:
        return digits_dialed;
    case CSTA_MSG_ORIGINATED_EVENT:
        return originated;
    case CSTA_MSG_NETWORK_REACHED_EVENT:
        return network_reached;
    case CSTA_MSG_DELIVERED_EVENT:
        return delivered;
    case CSTA_MSG_ESTABLISHED_EVENT:
        return established;
    case CSTA_MSG_HELD_EVENT:
        return held;
    case CSTA_MSG_RETRIEVED_EVENT:
        return retrieved;
    case CSTA_MSG_DIVERTED_EVENT:
        return diverted;
    case CSTA_MSG_TRANSFERRED_EVENT:
        return transferred;
    case CSTA_MSG_CONFERENCED_EVENT:
        return conferenced;
    case CSTA_MSG_FAILED_EVENT:
        return failed;
    case CSTA_MSG_CONNECTION_CLEARED_EVENT:
        return connection_cleared;
    case CSTA_MSG_CALL_CLEARED_EVENT:
        return call_cleared;
    case CSTA_MSG_QUEUED_EVENT:
        return queued;
    case CSTA_MSG_DIGITS_GENERATED_EVENT:
        return digits_generated;
    case CSTA_MSG_CALL_INFORMATION_EVENT:
        return call_information;
    case CSTA_MSG_BACK_IN_SERVICE_EVENT:
        return back_in_service;
    case CSTA_MSG_OUT_OF_SERVICE_EVENT:
        return out_of_service;
    default:
        return NULL;
    }
}

/** An event about a device: as it was written down, addressed anew (device_event.c). */
static int device_message(const struct event_reader *who, const struct journal_record *r,
                          struct csta_msg *out)
{
    struct csta_limits limits = {.hash_salt = who->xml_salt};
    int err = csta_decode(r->body, &limits, who->arena, out, NULL);

    return err != 0 ? err
                    : csta_event_address(out, who->ref, who->spell, who->ctx, who->arena, out);
}

int event_message(const struct event_reader *who, const struct journal_record *r,
                  struct csta_msg *out)
{
    struct view v = {
        .who = who,
        .r = r,
        .arena = who->arena,
        .ref = who->ref,
        .correlator = data_of(r->correlator),
        .user = data_of(r->user_data),
        .local = (enum csta_local_connection_state)r->local,
        .cause = (enum csta_event_cause)r->cause,
    };
    struct csta_common_arguments *more;
    make_fn make = maker(r->event);

    if (str_is_set(r->body)) {
        return device_message(who, r, out);
    }
    if (make == NULL) {
        return E_UNSUPPORTED;
    }
    if (r->about.n > 0) {
        more = arena_zalloc(who->arena, sizeof(*more));
        if (more == NULL) {
            return E_NOMEM;
        }
        more->private_data.kind = CSTA_DATA_FOREIGN;
        more->private_data.foreign.body = r->about;
        v.extensions = more;
    }
    *out = (struct csta_msg){.id = (enum csta_msg_id)r->event, .body = make(&v)};
    return out->body == NULL ? E_NOMEM : 0;
}

static struct str spell(const void *ctx, struct str id)
{
    return monitor_spelling(ctx, id);
}

int event_text(const struct monitor *m, const struct journal_record *r, struct str *out)
{
    struct cti *c = m->session->cti;
    struct event_reader who = {.ref = arena_fmt(c->scratch, "%u", m->ref),
                               .spell = spell,
                               .ctx = m,
                               .xml_salt = c->xml_salt,
                               .arena = c->scratch};
    struct csta_msg msg;
    int err = who.ref.n == 0 ? E_NOMEM : event_message(&who, r, &msg);

    return err != 0 ? err : csta_text(c, &msg, (enum csta_edition)m->edition, out);
}

int event_greeting(const struct monitor *m, struct str *out)
{
    struct journal_record r = {.event = CSTA_MSG_BACK_IN_SERVICE_EVENT,
                               .cause = CSTA_CAUSE_NORMAL};

    r.party[JOURNAL_SUBJECT] = m->watch->device->uri;
    r.identity[JOURNAL_SUBJECT] = JOURNAL_ID;
    return event_text(m, &r, out);
}
