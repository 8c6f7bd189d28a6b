/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions that outlive the process: those over SIP; and, where the socket is handed over to
 * the next program, those on a connection of TCP.
 *
 *   SESSION/       "12"      who, its dialog, registrations, the event that is in the air
 *   its monitors   "12/3"    what is watched, how, and how far it has been told
 *
 * A session costs one small row an event, however many monitors it has: the dialog's CSeq and
 * the cursor of the monitor that has told something are what changes.
 *
 * EACH EVENT ONCE. The cursor moves when an event is handed to the dialog, and nothing is sent
 * before that is kept. What was sent and not answered when the process ended is in doubt: the
 * client may have it or not. Its row says so, and it is sent again under the CSeq that it had:
 * who has not seen it takes it, who has refuses it (500, or 482), and is passed over. A client
 * on a stream that does not answer events has to live with what its connection has swallowed.
 *
 * CONNECTIONS. A client on a stream is not called at its Contact, where mostly nobody listens:
 * its events wait until it comes over a new connection, or the leg finds that it does not
 * (leg_timer.c, flow_lost_s).
 *
 * RECORDS are the journal's. A monitor whose next record is not kept any more finds a gap, and
 * deliver.c does what it does with gaps.
 *
 * Filters are kept by the names of events. A device that is configured no more takes its
 * monitors with it; a call that is over tells what it had to tell.
 */
#include "base/hop.h"
#include "cti/sip.h"

enum { VERSION = 1, VERSION_ON_CONNECTION = 2, KEY_MAX = 40 };

/* ---- writing ---- */

static struct str session_key(const struct cti_session *s, char *buf)
{
    struct out o;

    out_init(&o, buf, KEY_MAX);
    out_u64(&o, s->id);
    return out_str_of(&o);
}

static struct str monitor_key(const struct monitor *m, char *buf)
{
    struct out o;

    out_init(&o, buf, KEY_MAX);
    out_fmt(&o, "%llu/%u", (unsigned long long)m->session->id, m->ref);
    return out_str_of(&o);
}

static void write_flying(struct out *o, const struct cti_session *s)
{
    const struct flying *f = &s->flying;
    /* another request has gone out behind it: its CSeq cannot be used again */
    bool again = f->cseq != 0 && f->cseq == s->leg->dialog->local_cseq;

    pack_number(o, f->cseq != 0 ? f->ref : 0);
    pack_number(o, f->after);
    pack_bool(o, f->greet);
    pack_number(o, again ? f->cseq : 0);
}

static void write_session(struct out *o, const void *what, uint64_t now_ms)
{
    const struct cti_session *s = what;

    pack_number(o, VERSION);
    pack_str(o, s->app->name);
    leg_pack(o, s->leg, now_ms);
    pack_number(o, s->last_ref);
    pack_number(o, s->last_system_ref);
    pack_number(o, s->system.id);
    pack_bool(o, s->system.status);
    pack_bool(o, s->system.devices);
    pack_number(o, s->edition);
    pack_str(o, s->sdp);
    pack_number(o, s->sdp_id);
    pack_number(o, s->sdp_version);
    write_flying(o, s);
    routes_pack(o, s);
}

/** Of a session on a connection. */
static void write_on_connection(struct out *o, const void *what, uint64_t now_ms)
{
    const struct cti_session *s = what;

    pack_number(o, VERSION_ON_CONNECTION);
    pack_str(o, s->app->name);
    conn_pack(o, s, now_ms);
    pack_number(o, s->last_ref);
    pack_number(o, s->last_system_ref);
    pack_number(o, s->system.id);
    pack_bool(o, s->system.status);
    pack_bool(o, s->system.devices);
    pack_number(o, s->edition);
    routes_pack(o, s);
}

static void write_filter(struct out *o, const struct event_set *set)
{
    uint64_t n = 0;

    for (unsigned id = 0; id < CSTA_MSG_COUNT; id++) {
        n += filter_has(set, id) ? 1 : 0;
    }
    pack_number(o, n);
    for (unsigned id = 0; id < CSTA_MSG_COUNT; id++) {
        if (filter_has(set, id)) {
            pack_str(o, csta_msg_name((enum csta_msg_id)id));
        }
    }
}

static void write_monitor(struct out *o, const void *what, uint64_t now_ms)
{
    const struct monitor *m = what;
    const struct watch *w = m->watch;

    (void)now_ms;
    pack_number(o, VERSION);
    pack_number(o, m->ref);
    pack_str(o, w->device != NULL ? w->device->key : STR_NONE);
    pack_str(o, w->call != NULL ? str_make(w->call->id, CALL_ID_LEN) : STR_NONE);
    pack_str(o, str_c(w->name));
    pack_str(o, m->spelling);
    pack_number(o, m->edition);
    pack_number(o, m->cursor.after);
    pack_bool(o, m->greet);
    pack_bool(o, m->ending);
    write_filter(o, &m->filter);
    write_filter(o, &m->earlier);
    pack_number(o, m->filter_since);
}

static bool is_kept(const struct cti_session *s)
{
    return s->cti->config.store != NULL && s->via == &cti_link_sip;
}

void session_touch(struct cti_session *s)
{
    if (is_kept(s) && !s->over && !list_linked(&s->touch)) {
        list_append(&s->cti->touched, &s->touch);
    }
}

void monitor_touch(struct monitor *m)
{
    if (is_kept(m->session) && !list_linked(&m->touch)) {
        list_append(&m->session->cti->touched_monitors, &m->touch);
    }
}

void session_unkeep(struct cti_session *s)
{
    const struct store_ops *store = s->cti->config.store;
    char key[KEY_MAX];

    list_remove(&s->touch);
    if (is_kept(s) && s->kept && !s->cti->closing) {
        store->drop(store->ctx, STORE_SESSION, session_key(s, key));
    }
    s->kept = false;
}

void monitor_unkeep(struct monitor *m)
{
    const struct store_ops *store = m->session->cti->config.store;
    char key[KEY_MAX];

    list_remove(&m->touch);
    if (is_kept(m->session) && !m->session->cti->closing) {
        store->drop(store->ctx, STORE_SESSION, monitor_key(m, key));
    }
}

static void keep_session(struct cti_session *s, uint64_t now_ms)
{
    struct cti *c = s->cti;
    char key[KEY_MAX];
    struct str row;

    if (!leg_is_kept(s->leg)) {
        return;
    }
    row = pack_in(&c->room, write_session, s, now_ms);
    if (row.n > 0) { /* else its next event writes it */
        s->kept = true;
        c->config.store->put(c->config.store->ctx, STORE_SESSION, session_key(s, key), row);
    }
}

static void keep_monitor(struct monitor *m, uint64_t now_ms)
{
    struct cti *c = m->session->cti;
    char key[KEY_MAX];
    struct str row = pack_in(&c->room, write_monitor, m, now_ms);

    if (row.n > 0) {
        c->config.store->put(c->config.store->ctx, STORE_SESSION, monitor_key(m, key), row);
    }
}

void cti_keep_connections(struct cti *c, uint64_t now_ms)
{
    const struct store_ops *store = c->config.store;
    char key[KEY_MAX];

    list_each(it, &c->sessions)
    {
        struct cti_session *s = list_entry(it, struct cti_session, link);
        struct str row = store == NULL || s->over || s->via != &cti_link_tcp
                             ? STR_NONE
                             : pack_in(&c->room, write_on_connection, s, now_ms);
        if (row.n == 0) {
            continue;
        }
        store->put(store->ctx, STORE_SESSION, session_key(s, key), row);
        list_each(jt, &s->monitors)
        {
            keep_monitor(list_entry(jt, struct monitor, of_session), now_ms);
        }
    }
}

/** Its rows were for once. */
static void forget_rows(const struct cti_session *s)
{
    const struct store_ops *store = s->cti->config.store;
    const struct list *all = &s->monitors;
    char key[KEY_MAX];

    store->drop(store->ctx, STORE_SESSION, session_key(s, key));
    for (const struct list *it = all->next; it != all; it = it->next) {
        const struct monitor *m =
            list_entry((struct list *)(uintptr_t)it, struct monitor, of_session);
        store->drop(store->ctx, STORE_SESSION, monitor_key(m, key));
    }
}

void cti_keep(struct cti *c, uint64_t now_ms)
{
    while (!list_empty(&c->touched)) {
        struct cti_session *s = list_entry(c->touched.next, struct cti_session, touch);
        list_remove(&s->touch);
        keep_session(s, now_ms);
    }
    while (!list_empty(&c->touched_monitors)) {
        struct monitor *m = list_entry(c->touched_monitors.next, struct monitor, touch);
        list_remove(&m->touch);
        keep_monitor(m, now_ms);
    }
}

void cti_keep_all(struct cti *c, uint64_t now_ms)
{
    list_each(it, &c->sessions)
    {
        struct cti_session *s = list_entry(it, struct cti_session, link);
        session_touch(s);
        list_each(jt, &s->monitors)
        {
            monitor_touch(list_entry(jt, struct monitor, of_session));
        }
    }
    cti_keep(c, now_ms);
    agents_keep_all(c);
}

bool cti_touch_leg(const struct leg *leg)
{
    if (leg->user != &cti_session_user) {
        return false;
    }
    session_touch(leg->owner);
    return true;
}

/* ---- putting back ---- */

static int take_text(struct cti *c, struct unpack *u, struct str *out)
{
    return mem_dup(&c->env->mem, unpack_str(u), out);
}

static int read_session(struct cti_session *s, struct unpack *u, uint64_t now_ms)
{
    struct cti *c = s->cti;
    int err = leg_unpack(c->legs, u, &cti_session_user, s, &s->leg, now_ms);

    if (err != 0) {
        return err;
    }
    s->last_ref = (uint32_t)unpack_upto(u, UINT32_MAX);
    s->last_system_ref = (uint32_t)unpack_upto(u, UINT32_MAX);
    s->system.id = (uint32_t)unpack_upto(u, UINT32_MAX);
    s->system.status = unpack_bool(u);
    s->system.devices = unpack_bool(u);
    s->system.seen = s->system.devices ? devices_seen(c, s->app) : 0;
    s->edition = (enum csta_edition)unpack_upto(u, CSTA_ED6);
    err = take_text(c, u, &s->sdp);
    s->sdp_id = unpack_number(u);
    s->sdp_version = unpack_number(u);
    s->flying.ref = (uint32_t)unpack_upto(u, UINT32_MAX);
    s->flying.after = unpack_number(u);
    s->flying.greet = unpack_bool(u);
    s->flying.cseq = (uint32_t)unpack_upto(u, UINT32_MAX);
    if (err == 0 && !u->bad) {
        err = routes_unpack(u, s);
    }
    if (s->flying.cseq != 0) {
        s->leg->dialog->local_cseq = s->flying.cseq - 1;
    }
    return u->bad ? E_SYNTAX : err;
}

static int read_on_connection(struct cti_session *s, struct unpack *u, uint64_t now_ms)
{
    int err = conn_unpack(u, s, now_ms);

    if (err != 0) {
        return err;
    }
    s->last_ref = (uint32_t)unpack_upto(u, UINT32_MAX);
    s->last_system_ref = (uint32_t)unpack_upto(u, UINT32_MAX);
    s->system.id = (uint32_t)unpack_upto(u, UINT32_MAX);
    s->system.status = unpack_bool(u);
    s->system.devices = unpack_bool(u);
    s->system.seen = s->system.devices ? devices_seen(s->cti, s->app) : 0;
    s->edition = (enum csta_edition)unpack_upto(u, CSTA_ED6);
    err = u->bad ? E_SYNTAX : routes_unpack(u, s);
    return u->bad ? E_SYNTAX : err;
}

static int restore_session(struct cti *c, uint64_t id, const struct cti_link *via,
                           struct unpack *u, uint64_t now_ms)
{
    struct application *app = directory_application(c->directory, unpack_str(u));
    struct cti_session *s;
    int err;

    if (app == NULL) {
        return u->bad ? E_SYNTAX : E_NOTFOUND;
    }
    if (!session_has_room(c, app)) {
        return E_TOOMANY;
    }
    s = session_new(c, app, via);
    if (s == NULL) {
        return E_NOMEM;
    }
    s->id = id;
    c->last_session = id > c->last_session ? id : c->last_session;
    err = via == &cti_link_sip ? read_session(s, u, now_ms) : read_on_connection(s, u, now_ms);
    if (err == 0) {
        s->kept = true;
        return 0;
    }
    if (s->conn != NULL) {
        conn_give_up(s, now_ms);
        return err;
    }
    if (s->leg != NULL) {
        leg_free(s->leg);
    }
    session_free(s);
    return err;
}

static struct cti_session *session_of(const struct cti *c, uint64_t id)
{
    list_each(it, &c->sessions)
    {
        struct cti_session *s = list_entry(it, struct cti_session, link);
        if (s->id == id && (s->via == &cti_link_sip || s->via == &cti_link_tcp)) {
            return s;
        }
    }
    return NULL;
}

static void read_filter(struct unpack *u, struct event_set *set)
{
    uint64_t n = unpack_upto(u, CSTA_MSG_COUNT);

    for (uint64_t i = 0; i < n && !u->bad; i++) {
        filter_add(set, csta_msg_find(unpack_str(u)));
    }
}

/** What is read of a monitor before it is made. */
struct read_monitor {
    struct str device, call, name, spelling;
    uint32_t ref;
    uint8_t edition;
    uint64_t after;
};

static struct watch *watch_of(struct cti *c, const struct cti_session *s,
                              const struct read_monitor *r, int *err)
{
    struct device *d = r->device.n > 0 ? directory_device(c->directory, r->device) : NULL;
    struct call *call = r->device.n > 0 ? NULL : call_find(c->calls, r->call);

    if (r->device.n > 0) {
        bool may = d != NULL && directory_may_observe(s->app, d);
        *err = may ? E_NOMEM : E_NOTFOUND;
        return may ? watch_of_device(c, d) : NULL;
    }
    if (call != NULL && !call_may_observe(call, s->app)) {
        *err = E_NOTFOUND;
        return NULL;
    }
    *err = E_NOMEM;
    return watch_restored(c, call, s->app, r->name);
}

static int restore_monitor(struct cti *c, uint64_t session, struct unpack *u)
{
    struct cti_session *s = session_of(c, session);
    struct read_monitor r = {.ref = (uint32_t)unpack_upto(u, UINT32_MAX)};
    struct monitor *m;
    struct watch *w;
    int err;

    r.device = unpack_str(u);
    r.call = unpack_str(u);
    r.name = unpack_str(u);
    r.spelling = unpack_str(u);
    r.edition = (uint8_t)unpack_upto(u, CSTA_ED6);
    r.after = unpack_number(u);
    if (u->bad || s == NULL) {
        return u->bad ? E_SYNTAX : E_NOTFOUND;
    }
    w = watch_of(c, s, &r, &err);
    if (w == NULL) {
        return err;
    }
    if (s->flying.ref == r.ref) {
        r.after = s->flying.after;
    }
    m = monitor_restored(s, w, r.spelling, r.ref, r.after);
    if (m == NULL) {
        return E_NOMEM;
    }
    m->edition = r.edition;
    m->greet = unpack_bool(u) || (s->flying.ref == r.ref && s->flying.greet);
    m->ending = unpack_bool(u);
    read_filter(u, &m->filter);
    read_filter(u, &m->earlier);
    m->filter_since = unpack_number(u);
    if (u->bad) {
        monitor_free(m);
        return E_SYNTAX;
    }
    monitor_catch_up(m);
    return 0;
}

int cti_restore(struct cti *c, struct str key, struct str value, uint64_t now_ms)
{
    struct unpack u = unpack_of(value);
    size_t slash = str_index(key, '/');
    uint64_t id, version = unpack_number(&u);
    bool connection = version == VERSION_ON_CONNECTION && slash == key.n;

    if (u.bad || (version != VERSION && !connection)) {
        return u.bad ? E_SYNTAX : E_VERSION;
    }
    if (!str_to_u64(str_upto(key, slash), UINT64_MAX, &id)) {
        return E_SYNTAX;
    }
    if (session_of(c, id) != NULL && slash == key.n) {
        return E_EXISTS;
    }
    return slash < key.n
               ? restore_monitor(c, id, &u)
               : restore_session(c, id, connection ? &cti_link_tcp : &cti_link_sip, &u, now_ms);
}

void cti_restored(struct cti *c, uint64_t now_ms)
{
    agents_restored(c, now_ms);
    list_each(it, &c->sessions)
    {
        struct cti_session *s = list_entry(it, struct cti_session, link);
        if (s->via == &cti_link_tcp) {
            forget_rows(s);
            if (!conn_is_there(s)) {
                conn_give_up(s, now_ms);
                continue;
            }
        }
        s->flying = (struct flying){.cseq = 0};
        s->waits = s->leg != NULL && s->leg->dialog->lost;
        session_touch(s);
        deliver_mark(s);
        list_each(jt, &s->monitors)
        {
            monitor_told_all(list_entry(jt, struct monitor, of_session), now_ms);
        }
    }
    journal_restored(c->journal);
    cti_flush(c, now_ms);
}
