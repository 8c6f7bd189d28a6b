/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call tells, as each watched device sees it (TR/87 10, 11).
 *
 * One thing happens to one connection, the subject. Who is told, besides nobody watches:
 *
 *   ServiceInitiated, DigitsDialed,
 *   Originated                                the subject
 *   NetworkReached                            the caller
 *   Delivered, Established, Held, Retrieved,
 *   Queued                                    every party that is in the call
 *   Failed                                    every party but the subject
 *   Diverted, ConnectionCleared               the subject: each party has a terminal event
 *                                             of its own, exactly one; of one who leaves a
 *                                             conference that goes on all others are told
 *   Transferred                               the subject, which leaves, and who stays; when
 *                                             two calls become one, the parties of both
 *   Conferenced                               every party of the conference, of which one
 *                                             was in another call, or in none
 *   DigitsGenerated                           every party that is in the call
 *   CallInformation                           every party that is in the call
 *
 * Who watches the call itself hears of all that, once each, and of CallCleared when the last
 * party is gone.
 *
 * localConnectionInfo is the state of the device that looks, after the event. userData is what
 * the device that looks has got: the subject sees what was sent to it, the others what came
 * from it. Private data says more about it (about.c).
 *
 * A caller who asked for privacy is `restricted`; where a ConnectionID cannot do without an id,
 * one is made up that means something in this call only (typeOfNumber dynamic). The same goes
 * for an identifier that is longer than CSTA allows: what a caller writes into From keeps no
 * event from being sent.
 *
 * User-to-User that breaks a rule, or is not for applications, is counted and traced with the
 * rule, its source and the offset in the joined value: once for each message, watched or not.
 *
 * Everything goes into the journal at once. Who is told when is the business of deliver.c.
 */
#include "cti/parts.h"
#include "cti/view.h"
#include "uui/uui.h"

enum csta_local_connection_state connection_csta_state(const struct connection *conn)
{
    static const uint8_t states[] = {
        [CONN_NULL] = CSTA_STATE_NULL,         [CONN_INITIATED] = CSTA_STATE_INITIATED,
        [CONN_ALERTING] = CSTA_STATE_ALERTING, [CONN_CONNECTED] = CSTA_STATE_CONNECTED,
        [CONN_HOLD] = CSTA_STATE_HOLD,         [CONN_QUEUED] = CSTA_STATE_QUEUED,
        [CONN_FAIL] = CSTA_STATE_FAIL,
    };

    return conn->ended ? CSTA_STATE_NULL
                       : (enum csta_local_connection_state)states[conn->state];
}

bool connection_is_live(const struct connection *conn)
{
    return !conn->ended && conn->state != CONN_NULL;
}

static const uint16_t event_ids[] = {
    [CALL_EV_SERVICE_INITIATED] = CSTA_MSG_SERVICE_INITIATED_EVENT,
    [CALL_EV_ORIGINATED] = CSTA_MSG_ORIGINATED_EVENT,
    [CALL_EV_NETWORK_REACHED] = CSTA_MSG_NETWORK_REACHED_EVENT,
    [CALL_EV_DELIVERED] = CSTA_MSG_DELIVERED_EVENT,
    [CALL_EV_ESTABLISHED] = CSTA_MSG_ESTABLISHED_EVENT,
    [CALL_EV_HELD] = CSTA_MSG_HELD_EVENT,
    [CALL_EV_RETRIEVED] = CSTA_MSG_RETRIEVED_EVENT,
    [CALL_EV_DIVERTED] = CSTA_MSG_DIVERTED_EVENT,
    [CALL_EV_TRANSFERRED] = CSTA_MSG_TRANSFERRED_EVENT,
    [CALL_EV_CONFERENCED] = CSTA_MSG_CONFERENCED_EVENT,
    [CALL_EV_FAILED] = CSTA_MSG_FAILED_EVENT,
    [CALL_EV_CONNECTION_CLEARED] = CSTA_MSG_CONNECTION_CLEARED_EVENT,
    [CALL_EV_DIGITS_DIALED] = CSTA_MSG_DIGITS_DIALED_EVENT,
    [CALL_EV_DIGITS_GENERATED] = CSTA_MSG_DIGITS_GENERATED_EVENT,
    [CALL_EV_QUEUED] = CSTA_MSG_QUEUED_EVENT,
    [CALL_EV_INFORMATION] = CSTA_MSG_CALL_INFORMATION_EVENT,
};

static bool sees(const struct call_event *e, const struct connection *conn)
{
    bool own = conn == e->subject;

    switch (e->kind) {
    case CALL_EV_SERVICE_INITIATED:
    case CALL_EV_DIGITS_DIALED:
    case CALL_EV_ORIGINATED:
    case CALL_EV_DIVERTED:
        return own;
    case CALL_EV_CONNECTION_CLEARED:
        return own || ((e->subject->seat != NULL || e->call->mixed) &&
                       e->call->phase != CALL_ENDING && connection_is_live(conn));
    case CALL_EV_NETWORK_REACHED:
        return conn == e->calling;
    case CALL_EV_FAILED:
        return !own && connection_is_live(conn);
    case CALL_EV_DELIVERED:
    case CALL_EV_ESTABLISHED:
    case CALL_EV_HELD:
    case CALL_EV_RETRIEVED:
    case CALL_EV_TRANSFERRED:
    case CALL_EV_CONFERENCED:
    case CALL_EV_DIGITS_GENERATED:
    case CALL_EV_QUEUED:
    case CALL_EV_INFORMATION:
        return own || connection_is_live(conn);
    }
    return false;
}

/* ---- the parts of a record ---- */

/** The connection with that identifier: its place in the call; 0: none. */
static unsigned place_of(const struct call *call, struct str id, bool restricted)
{
    unsigned place = 0;

    list_each(it, &call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        place++;
        if ((conn->restricted || !restricted) && str_eq(conn->id, id)) {
            return place;
        }
    }
    return 0;
}

/** How the party with that identifier is named to those who look. */
static enum journal_identity identify(const struct cti *c, const struct call *call,
                                      struct str *id)
{
    unsigned place = id->n == 0 ? 0 : place_of(call, *id, true);

    if (place != 0) {
        *id = arena_fmt(c->scratch, "restricted%u", place);
        return JOURNAL_RESTRICTED;
    }
    if (id->n > CSTA_ID_MAX) {
        *id = arena_fmt(c->scratch, "unknown%u", place_of(call, *id, false));
        return JOURNAL_NOT_KNOWN;
    }
    return id->n == 0 ? JOURNAL_NOT_KNOWN : JOURNAL_ID;
}

static void set_party(struct journal_record *r, enum journal_party party, const struct cti *c,
                      const struct call *call, struct str id)
{
    r->party[party] = id;
    r->identity[party] = (uint8_t)identify(c, call, &r->party[party]);
}

/** All who are in a conference now; absent: no memory. */
static struct str parties_of(const struct cti *c, const struct call_event *e)
{
    struct str list = STR_NONE;

    list_each(it, &e->call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        struct journal_member m = {.id = conn->id, .before = JOURNAL_HERE};
        if (!connection_is_live(conn)) {
            continue;
        }
        if (conn->merging) {
            m.before = JOURNAL_OTHER;
        } else if (str_eq(conn->id, e->to_id)) {
            m.before = e->secondary != NULL ? JOURNAL_OTHER : JOURNAL_NOWHERE;
        }
        m.identity = (uint8_t)identify(c, e->call, &m.id);
        if (!parties_add(c->scratch, &list, &m)) {
            return STR_NONE;
        }
    }
    return list;
}

/* Octets of user data in an event. In hex twice as many, and with the rest of the event and
   of the INFO they have to fit a datagram; the journal keeps them 65536 times. */
enum { USER_DATA_MAX = 2048 };

/** Of the values of one message the one that applications see, or NULL. */
static const struct uui_value *shown_of(const struct uui_list *list)
{
    const struct uui_value *best = list->isdn;

    for (size_t i = 0; best == NULL && i < list->n; i++) {
        /* a package that Baton does not know may be the application's own (RFC 7433 §4.1) */
        if (list->v[i].verdict == UUI_VALID || list->v[i].rule == UUI_R_PACKAGE) {
            best = &list->v[i];
        }
    }
    return best != NULL && best->octets.n > USER_DATA_MAX ? NULL : best;
}

/**
 * The values, judged, and their seals taken off where packages want that.
 * @param tell  the call, when what is wrong with a seal is to be logged; else NULL
 * @return as the list
 */
static int values_of(const struct cti *c, struct str raw, const struct seal_from *came,
                     const struct call *tell, struct values *out)
{
    const struct call_layer *l = c->calls;
    int err = uui_list_parse(&raw, 1, l->packages, c->scratch, &out->list);

    out->seal =
        err != 0 ? NULL : arena_zalloc(c->scratch, (out->list.n + 1) * sizeof(*out->seal));
    if (out->seal == NULL) {
        out->list = (struct uui_list){0};
        return err != 0 ? err : E_NOMEM;
    }
    for (size_t i = 0; err == 0 && i < out->list.n; i++) {
        struct sealing *s = &out->seal[i];
        s->result = (uint8_t)seal_value(l->seal, l->packages, &out->list.v[i], came, c->scratch,
                                        &s->opened);
        if (tell != NULL && out->list.v[i].rule == UUI_R_BAD_SEAL) {
            struct trace_ids ids = call_trace_ids(tell, NULL);
            env_trace_of(c->env, TRACE_INFO, "cti", &ids,
                         "call %s: seal of User-to-User, key %u: %s", tell->id,
                         s->opened.key_id, seal_result_text((enum seal_result)s->result));
        }
    }
    if (err == 0 && out->list.isdn != NULL && out->list.isdn->verdict != UUI_VALID) {
        out->list.isdn = NULL;
    }
    return err;
}

struct str event_user_data(const struct cti *c, struct str raw, const struct seal_from *came)
{
    struct values v = {.seal = NULL};
    const struct uui_value *shown;

    if (raw.n == 0 || values_of(c, raw, came, NULL, &v) != 0) {
        return STR_NONE;
    }
    shown = shown_of(&v.list);
    return shown == NULL ? STR_NONE : shown->octets;
}

/** Does the event have userData, by the standard? */
static bool has_user_data(enum call_event_kind kind)
{
    return kind == CALL_EV_NETWORK_REACHED || kind == CALL_EV_QUEUED ||
           kind == CALL_EV_INFORMATION || kind == CALL_EV_DELIVERED ||
           kind == CALL_EV_ESTABLISHED || kind == CALL_EV_FAILED || kind == CALL_EV_DIVERTED ||
           kind == CALL_EV_TRANSFERRED || kind == CALL_EV_CONFERENCED ||
           kind == CALL_EV_CONNECTION_CLEARED;
}

/** What an application is told of the User-to-User of an event. */
struct told {
    struct str data;  /**< octets */
    struct str about; /**< XML */
};

/** @param own  the subject looks: it sees what it was sent, if there is something */
static struct told told_of(const struct cti *c, const struct call_event *e, bool own)
{
    bool back = own ? e->uui_to.n == 0 : e->uui_from.n > 0;
    struct str raw = back ? e->uui_from : e->uui_to;
    const struct seal_from *came = back ? &e->uui_from_came : &e->uui_to_came;
    const struct uui_value *shown = NULL;
    struct values v = {.seal = NULL};
    struct told t = {STR_NONE, STR_NONE};

    if (raw.n > 0 && values_of(c, raw, came, NULL, &v) == 0) {
        shown = shown_of(&v.list);
    }
    t.data = shown == NULL ? STR_NONE : shown->octets;
    if (has_user_data(e->kind)) {
        t.about = about_uui(c, e->call, back, &v, shown);
    }
    return t;
}

static void tell_of_value(const struct cti *c, const struct call *call, struct str raw,
                          const struct uui_value *v)
{
    struct trace_ids ids = call_trace_ids(call, NULL);
    if (v->rule == UUI_R_NONE) { /* nothing wrong with it, but it is not what is shown */
        env_trace_of(c->env, TRACE_INFO, "cti", &ids,
                     v->octets.n > USER_DATA_MAX
                         ? "call %s: User-to-User ignored: %zu octets are too many for events"
                         : "call %s: User-to-User ignored: another value is shown (%zu octets)",
                     call->id, v->octets.n);
        return;
    }
    env_trace_of(c->env, TRACE_INFO, "cti", &ids,
                 "call %s: User-to-User %s: %s (%s), offset %zu", call->id,
                 uui_verdict_text((enum uui_verdict)v->verdict),
                 uui_rule_text((enum uui_rule)v->rule), uui_rule_source((enum uui_rule)v->rule),
                 (size_t)(v->text.p - raw.p) + v->at);
}

/** Count what is wrong with the values of one message, and say why. */
static void judge(struct cti *c, const struct call *call, struct str raw,
                  const struct seal_from *came)
{
    const struct uui_value *shown;
    struct values v;
    struct uui_list list;
    int err = values_of(c, raw, came, call, &v);

    if (err == E_TOOMANY) {
        c->stats.uui_wrong++;
        struct trace_ids ids = call_trace_ids(call, NULL);
        env_trace_of(c->env, TRACE_INFO, "cti", &ids,
                     "call %s: User-to-User wrong: more than %d values", call->id,
                     UUI_VALUES_MAX);
    }
    if (err != 0) {
        return;
    }
    list = v.list;
    shown = shown_of(&list);
    for (size_t i = 0; i < list.n; i++) {
        bool wrong = list.v[i].verdict == UUI_WRONG;
        if (&list.v[i] == shown) {
            continue;
        }
        c->stats.uui_wrong += wrong ? 1 : 0;
        c->stats.uui_ignored += wrong ? 0 : 1;
        tell_of_value(c, call, raw, &list.v[i]);
    }
}

static const struct connection *who_stays(const struct call_event *e)
{
    list_each(it, &e->call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn != e->subject && connection_is_live(conn)) {
            return conn;
        }
    }
    return NULL;
}

/** All that the views of one event have in common. */
static void fill(struct journal_record *r, const struct cti *c, const struct call_event *e)
{
    const struct connection *stays = e->kind == CALL_EV_TRANSFERRED ? who_stays(e) : NULL;
    enum csta_event_cause cause = csta_event_cause_find(str_c(e->cause));

    *r = (struct journal_record){
        .call_id = str_make(e->call->id, CALL_ID_LEN),
        .correlator = e->call->correlator,
        .secondary =
            e->secondary == NULL ? STR_NONE : str_make(e->secondary->call->id, CALL_ID_LEN),
        .digits = e->digits,
        .tone_ms = e->tone_ms,
        .pause_ms = e->pause_ms,
        .number_queued = e->number_queued,
        .in_front = e->in_front,
        .event = event_ids[e->kind],
        .cause = cause == CSTA_CAUSE_ABSENT ? CSTA_CAUSE_NORMAL : (uint16_t)cause,
    };
    set_party(r, JOURNAL_SUBJECT, c, e->call, e->subject->id);
    set_party(r, JOURNAL_CALLING, c, e->call, e->calling_id);
    set_party(r, JOURNAL_CALLED, c, e->call, e->called_id);
    set_party(r, JOURNAL_BY, c, e->call, e->by_id);
    set_party(r, JOURNAL_TO, c, e->call, e->to_id);
    set_party(r, JOURNAL_REDIRECTION, c, e->call, e->last_redirection);
    if (e->last_redirection.n == 0) {
        r->identity[JOURNAL_REDIRECTION] = JOURNAL_NOT_REQUIRED;
    }
    if (e->kind == CALL_EV_CONFERENCED) {
        r->parties = parties_of(c, e);
    }
    if (stays != NULL) {
        set_party(r, JOURNAL_STAYS, c, e->call, stays->id);
    }
}

void event_record(struct cti *c, struct watch *w, struct journal_record *r)
{
    r->device = watch_key(w);
    c->stats.events_recorded++;
    watch_on_record(w, journal_append(c->journal, r));
}

/* ---- calls that are watched as calls ---- */

bool call_may_observe(const struct call *call, const struct application *app)
{
    list_each(it, &call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn->device != NULL && directory_may_observe(app, conn->device)) {
            return true;
        }
    }
    return false;
}

/** Is it the application's business, or does a device of its own hear of it? */
static bool may_see(const struct call_event *e, const struct application *app)
{
    if (e->subject->device == NULL || directory_may_observe(app, e->subject->device)) {
        return true;
    }
    list_each(it, &e->call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn->device != NULL && sees(e, conn) && directory_may_observe(app, conn->device)) {
            return true;
        }
    }
    return false;
}

static bool is_over(const struct call *call)
{
    list_each(it, &call->connections)
    {
        if (connection_is_live(list_entry(it, struct connection, link))) {
            return false;
        }
    }
    return true;
}

/** The event for those who watch the call; behind its last one comes CallCleared. */
static void record_for_call(struct cti *c, const struct call_event *e, struct journal_record *r)
{
    struct call *call = e->subject->call;
    struct watch *w;

    if (e->secondary != NULL) {
        watch_call_moved(e->secondary->call, call);
    }
    r->local = CSTA_STATE_ABSENT;
    for (w = call->cti; w != NULL; w = w->next) {
        if (may_see(e, w->app)) {
            event_record(c, w, r);
        }
    }
    if (call->cti == NULL || !is_over(call)) {
        return;
    }
    r->event = CSTA_MSG_CALL_CLEARED_EVENT;
    for (w = call->cti; w != NULL; w = w->next) {
        event_record(c, w, r);
    }
    watch_call_over(call);
}

void cti_on_call_gone(void *cti, struct call *call)
{
    (void)cti;
    watch_call_over(call);
}

/* ---- what calls and the registrar tell ---- */

/** What all views of this event have in common, made once. */
struct views {
    struct journal_record r;
    struct told own, other; /**< what the subject gets, and what the others do */
    bool filled;
};

static void fill_once(struct views *v, const struct cti *c, const struct call_event *e)
{
    if (v->filled) {
        return;
    }
    fill(&v->r, c, e);
    v->own = told_of(c, e, true);
    v->other = told_of(c, e, false);
    v->filled = true;
}

static void record_for_devices(struct cti *c, const struct call_event *e, struct views *v)
{
    const struct told *told;

    list_each(it, &e->call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        bool twice =
            conn != e->subject && conn->device == e->subject->device && sees(e, e->subject);
        if (conn->device == NULL || conn->device->cti == NULL || twice || !sees(e, conn)) {
            continue;
        }
        fill_once(v, c, e);
        told = conn == e->subject ? &v->own : &v->other;
        v->r.user_data = told->data;
        v->r.about = c->config.no_private_data ? STR_NONE : told->about;
        v->r.local = (uint8_t)connection_csta_state(conn);
        if (e->kind == CALL_EV_FAILED && c->config.failed_local_fail) {
            v->r.local = CSTA_STATE_FAIL;
        }
        event_record(c, conn->device->cti, &v->r);
    }
}

/* ---- what stands in the journal whoever watches: history, and streams ---- */

static bool has_key(struct str keys, struct str key)
{
    while (keys.n > 0) {
        struct str one = str_upto(keys, str_index(keys, ' '));
        if (str_eq(one, key)) {
            return true;
        }
        keys = str_from(keys, one.n + 1);
    }
    return false;
}

/** One device more that hears of it. Without memory it does not. */
static void add_key(struct cti *c, struct str *keys, const struct device *d)
{
    struct str more;

    if (d == NULL || has_key(*keys, d->key)) {
        return;
    }
    more = keys->n == 0 ? d->key
                        : arena_join(c->scratch, (struct str[]){*keys, STR(" "), d->key}, 3);
    *keys = str_is_set(more) ? more : *keys;
}

static struct str audience_of(struct cti *c, const struct call_event *e)
{
    struct str keys = STR("");

    add_key(c, &keys, e->subject->device);
    list_each(it, &e->call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (sees(e, conn)) {
            add_key(c, &keys, conn->device);
        }
    }
    return keys;
}

/** Of the leg that counts; while several phones ring, of the first of them. */
static struct str sip_call_id_of(const struct connection *conn)
{
    const struct branch *b = conn->stem != NULL || list_empty(&conn->branches)
                                 ? conn->stem
                                 : list_entry(conn->branches.next, struct branch, link);
    const struct leg *leg = b != NULL ? b->leg : NULL;

    return leg != NULL && leg->dialog != NULL ? leg->dialog->call_id : STR_NONE;
}

static void note_end(struct cti *c, struct call *call, struct journal_record *r)
{
    if (!call->cti_over) {
        call->cti_over = true;
        r->call_id = str_make(call->id, CALL_ID_LEN);
        r->event = CSTA_MSG_CALL_CLEARED_EVENT;
        journal_note(c->journal, r);
    }
}

/** A party that was not reached has left the call by that, whatever its phone goes on with. */
static bool is_ended(const struct call *call)
{
    list_each(it, &call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (connection_is_live(conn) && conn->state != CONN_FAIL) {
            return false;
        }
    }
    return true;
}

static void note(struct cti *c, const struct call_event *e, struct views *v)
{
    struct journal_record r;

    fill_once(v, c, e);
    r = v->r;
    r.user_data = str_is_set(v->own.data) ? v->own.data : v->other.data;
    r.about = str_is_set(v->own.about) ? v->own.about : v->other.about;
    r.local = CSTA_STATE_ABSENT;
    r.audience = audience_of(c, e);
    r.sip_call_id = sip_call_id_of(e->subject);
    journal_note(c->journal, &r);
    if (is_ended(e->call)) {
        note_end(c, e->subject->call, &r);
    }
    if (e->secondary != NULL && e->secondary->call != e->subject->call) {
        note_end(c, e->secondary->call, &r); /* two calls have become one */
    }
}

void cti_on_call_event(void *cti, const struct call_event *e)
{
    struct cti *c = cti;
    struct views v = {.filled = false};

    pending_on_event(c, e);
    if (!e->uui_to_again && str_is_set(e->uui_to)) {
        judge(c, e->call, e->uui_to, &e->uui_to_came);
    }
    if (!e->uui_from_again && str_is_set(e->uui_from)) {
        judge(c, e->call, e->uui_from, &e->uui_from_came);
    }
    if (journal_notes(c->journal)) {
        note(c, e, &v);
    }
    record_for_devices(c, e, &v);
    if (e->call->cti != NULL || (e->secondary != NULL && e->secondary->call->cti != NULL)) {
        fill_once(&v, c, e);
        v.r.user_data = v.own.data;
        v.r.about = c->config.no_private_data ? STR_NONE : v.own.about;
        record_for_call(c, e, &v.r);
    }
    agents_on_call(c, e);
    route_on_event(c, e);
    cti_flush(c, e->now_ms);
}

static void note_information(struct cti *c, const struct connection *conn,
                             struct journal_record r)
{
    if (!journal_notes(c->journal)) {
        return;
    }
    r.audience = STR("");
    list_each(it, &conn->call->connections)
    {
        const struct connection *who = list_entry(it, struct connection, link);
        if (who == conn || connection_is_live(who)) {
            add_key(c, &r.audience, who->device);
        }
    }
    r.sip_call_id = sip_call_id_of(conn);
    journal_note(c->journal, &r);
}

void event_call_information(struct cti *c, const struct connection *conn, uint64_t now_ms)
{
    const struct call *call = conn->call;
    struct journal_record r = {
        .call_id = str_make(call->id, CALL_ID_LEN),
        .correlator = call->correlator,
        .event = CSTA_MSG_CALL_INFORMATION_EVENT,
    };

    set_party(&r, JOURNAL_SUBJECT, c, call, conn->id);
    set_party(&r, JOURNAL_CALLING, c, call, call->a->id);
    list_each(it, &call->connections)
    {
        const struct connection *who = list_entry(it, struct connection, link);
        if (who->device != NULL && who->device->cti != NULL && connection_is_live(who)) {
            r.local = (uint8_t)connection_csta_state(who);
            event_record(c, who->device->cti, &r);
        }
    }
    r.local = CSTA_STATE_ABSENT;
    note_information(c, conn, r);
    for (struct watch *w = call->cti; w != NULL; w = w->next) {
        event_record(c, w, &r);
    }
    cti_flush(c, now_ms);
}

void cti_on_registration(void *cti, const struct record *rec, bool registered, uint64_t now_ms)
{
    struct cti *c = cti;
    struct device *dev = directory_device(c->directory, rec->key);
    struct journal_record r = {
        .event = registered ? CSTA_MSG_BACK_IN_SERVICE_EVENT : CSTA_MSG_OUT_OF_SERVICE_EVENT,
        .cause = CSTA_CAUSE_NORMAL,
    };

    if (dev == NULL) {
        return;
    }
    r.party[JOURNAL_SUBJECT] = dev->uri;
    r.identity[JOURNAL_SUBJECT] = JOURNAL_ID;
    r.audience = dev->key;
    journal_note(c->journal, &r);
    r.audience = STR_NONE;
    if (dev->cti == NULL) {
        return;
    }
    event_record(c, dev->cti, &r);
    cti_flush(c, now_ms);
}

/* ---- views ---- */

void cti_each_value(const struct cti *c, const struct call *call,
                    void (*fn)(void *ctx, const struct cti_value *v), void *ctx)
{
    struct values all = {.seal = NULL};

    if (call->uui.n == 0 || values_of(c, call->uui, &call->uui_came, NULL, &all) != 0) {
        return;
    }
    for (size_t i = 0; i < all.list.n; i++) {
        enum seal_result result = (enum seal_result)all.seal[i].result;
        fn(ctx, &(struct cti_value){
                    .value = &all.list.v[i],
                    .mark = call_uui_mark(call, false, all.list.v[i].text),
                    .seal = result == SEAL_NOT_SEALED ? NULL : seal_result_word(result),
                    .sealed_by = all.seal[i].opened.identity});
    }
}

struct str cti_user_data(const struct cti *c, const struct call *call)
{
    return event_user_data(c, call->uui, &call->uui_came);
}
