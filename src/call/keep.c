/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that outlive the process.
 *
 * A call is one row, under its callID: connections, their states and descriptions, the legs to
 * their phones (dialog/keep.c), the context. It is written at the end of each input that has
 * changed it, so that it can be held, transferred and cleared after a restart as before, by its
 * phones and by applications.
 *
 *   the row has                            after a restart
 *   both parties, each with a leg          goes on
 *   a party whose phone is in another      goes on; the two connections are mates again
 *   call (share.c)
 *   a party more, who was being called     goes on without it: ConnectionCleared is told
 *   a conference                           ends, its seats at the focus as well
 *   less than that: it was being set up,   ends: every connection is told cleared, once, phones
 *   or ended                               that have a dialog hear BYE
 *
 * So each connection has its terminal event, and no phone is left in a call that nobody knows.
 * The row goes with the call itself, when all its legs are gone: a BYE that the crash has
 * swallowed is sent again.
 *
 * NOT KEPT: procedures that run (whoever asked is gone), who put User-to-User in (marks), the
 * history of where it has been, referrals. A move after a restart begins a new history.
 */
#include "call/keep.h"
#include "base/err.h"
#include "base/hop.h"
#include "call/gather.h"
#include "call/referral.h"
#include "dialog/keep.h"

enum { VERSION = 2, VERSION_WITHOUT_TIMES = 1 };

/* ---- writing ---- */

enum role { ROLE_NONE, ROLE_A, ROLE_B };

static enum role role_of(const struct connection *conn)
{
    return conn == conn->call->a ? ROLE_A : conn == conn->call->b ? ROLE_B : ROLE_NONE;
}

/** Its leg is written: it goes on, or its phone may not have heard our BYE. */
static bool has_dialog(const struct connection *conn)
{
    const struct leg *leg = connection_leg(conn);

    return leg_is_kept(leg) || leg_is_leaving(leg);
}

/**
 * Who has left is told of already and has no way back; a call that has moved often would only
 * grow by them. Seats without a leg are nothing that anybody sees.
 */
static bool is_written(const struct connection *conn)
{
    return has_dialog(conn) || (!conn->is_seat && (!conn->ended || role_of(conn) != ROLE_NONE));
}

/** Its place in its call, among those that are written. */
static unsigned place_of(const struct connection *conn)
{
    unsigned place = 0;

    list_each(it, &conn->call->connections)
    {
        const struct connection *other = list_entry(it, struct connection, link);
        if (other == conn) {
            break;
        }
        place += is_written(other) ? 1 : 0;
    }
    return place;
}

static void write_party(struct out *o, const struct connection *conn)
{
    const struct branch *stem = conn->stem;

    pack_number(o, role_of(conn));
    pack_str(o, conn->device != NULL ? conn->device->key : STR_NONE);
    pack_str(o, stem != NULL && stem->peer != NULL ? stem->peer->name : STR_NONE);
    pack_str(o, conn->id);
    pack_str(o, conn->gr);
    pack_str(o, conn->display);
    pack_str(o, conn->host);
    pack_str(o, str_c(conn->moved));
    pack_str(o, conn->uui_lines);
    pack_number(o, conn->state);
    pack_bool(o, conn->originating);
    pack_bool(o, conn->outside);
    pack_bool(o, conn->trusted);
    pack_bool(o, conn->restricted);
    pack_bool(o, conn->reached);
    pack_bool(o, conn->alerted);
    pack_bool(o, conn->established);
    pack_bool(o, conn->ended || conn->is_seat);
    pack_bool(o, conn->uui_told);
    pack_bool(o, conn->uus_open);
    pack_number(o, conn->isup);
    pack_number(o, conn->consult);
    pack_bool(o, conn->sent_stale);
    pack_number(o, conn->sent_version);
    pack_str(o, conn->desc);
    pack_str(o, conn->sent);
}

static void write_way(struct out *o, const struct connection *conn, uint64_t now_ms)
{
    const struct branch *stem = conn->stem;

    pack_bool(o, stem != NULL);
    if (stem != NULL) {
        pack_number(o, stem->binding);
        pack_bool(o, stem->talk);
        pack_bool(o, stem->referred);
    }
    pack_bool(o, has_dialog(conn));
    if (has_dialog(conn)) {
        leg_pack(o, connection_leg(conn), now_ms);
    }
    pack_str(o, conn->mate != NULL ? str_make(conn->mate->call->id, CALL_ID_LEN) : STR_NONE);
    pack_number(o, conn->mate != NULL ? place_of(conn->mate) : 0);
}

/** How many there are; and, when `o` is not NULL, write them. */
static uint64_t write_parties(struct out *o, const struct list *all, uint64_t now_ms)
{
    uint64_t n = 0;

    for (const struct list *it = all->next; it != NULL && it != all; it = it->next) {
        const struct connection *conn =
            list_entry((struct list *)(uintptr_t)it, struct connection, link);
        if (!is_written(conn)) {
            continue;
        }
        n++;
        if (o != NULL) {
            write_party(o, conn);
            write_way(o, conn, now_ms);
        }
    }
    return n;
}

static void write_call(struct out *o, const void *what, uint64_t now_ms)
{
    const struct call *c = what;
    const struct list *seats = c->conference != NULL ? &c->conference->seats : NULL;
    uint64_t n = write_parties(NULL, &c->connections, now_ms);

    pack_number(o, VERSION);
    pack_number(o, c->began_s);
    pack_number(o, c->answered_s);
    pack_str(o, c->called);
    pack_str(o, c->called_gr);
    pack_str(o, c->last_redirection);
    pack_str(o, c->uui);
    pack_str(o, c->uui_lines);
    pack_str(o, c->correlator);
    pack_str(o, c->from);
    pack_bool(o, c->uui_told);
    pack_bool(o, c->sips);
    pack_bool(o, c->cti_over);
    pack_number(o, c->forwards);
    pack_bool(o, seats != NULL);
    n += seats != NULL ? write_parties(NULL, seats, now_ms) : 0;
    pack_number(o, n);
    (void)write_parties(o, &c->connections, now_ms);
    if (seats != NULL) {
        (void)write_parties(o, seats, now_ms);
    }
}

void call_keep_in(struct call_layer *l, const struct store_ops *store)
{
    l->store = store;
    l->room.mem = &l->env->mem;
}

void call_touch(struct call *c)
{
    if (c->layer->store != NULL && !list_linked(&c->touch)) {
        list_append(&c->layer->touched, &c->touch);
    }
}

bool call_touch_leg(const struct leg *leg)
{
    const struct branch *b = branch_of_leg(leg);

    if (b != NULL) {
        call_touch(b->conn->call);
    }
    return b != NULL;
}

static void keep(struct call *c, bool again, uint64_t now_ms)
{
    struct call_layer *l = c->layer;
    struct str row = pack_in(&l->room, write_call, c, now_ms);
    uint64_t hash = hash_bytes(&l->key, row) | 1;

    if (row.n == 0 || (hash == c->kept && !again) ||
        (c->phase == CALL_ENDING && c->legs == 0)) {
        return; /* without memory the next change writes it */
    }
    c->kept = hash;
    l->store->put(l->store->ctx, STORE_CALL, str_make(c->id, CALL_ID_LEN), row);
}

void call_keep(struct call_layer *l, uint64_t now_ms)
{
    while (!list_empty(&l->touched)) {
        struct call *c = list_entry(l->touched.next, struct call, touch);
        list_remove(&c->touch);
        keep(c, false, now_ms);
    }
}

void call_keep_all(struct call_layer *l, uint64_t now_ms)
{
    list_each(it, &l->calls)
    {
        keep(list_entry(it, struct call, link), true, now_ms);
    }
}

void call_unkeep(struct call *c)
{
    const struct store_ops *store = c->layer->store;

    list_remove(&c->touch);
    if (store != NULL && c->kept != 0) {
        store->drop(store->ctx, STORE_CALL, str_make(c->id, CALL_ID_LEN));
    }
}

/* ---- putting back ---- */

static struct str take(struct arena *a, struct unpack *u)
{
    struct str s = unpack_str(u), copy;

    if (!str_is_set(s)) {
        return STR_NONE;
    }
    copy = arena_dup(a, s);
    u->bad = u->bad || (copy.p == NULL && s.n > 0);
    return copy;
}

/** A description in memory of its own. */
static void take_description(struct connection *conn, struct unpack *u, struct str *slot)
{
    struct str s = unpack_str(u);

    if (mem_dup(&conn->call->layer->env->mem, s, slot) != 0) {
        u->bad = true;
    }
}

static void set_peer(struct connection *conn, struct branch *stem, struct str name)
{
    struct call_layer *l = conn->call->layer;
    const struct peer *p = name.n > 0 ? directory_peer_named(l->directory, name) : NULL;

    if (p == NULL) {
        return;
    }
    conn->policy = p->policy;
    if (stem != NULL && peer_take(p)) {
        stem->peer = p;
    }
}

static void read_flags(struct unpack *u, struct connection *conn)
{
    conn->state = (uint8_t)unpack_upto(u, CONN_FAIL);
    conn->originating = unpack_bool(u);
    conn->outside = unpack_bool(u);
    conn->trusted = unpack_bool(u);
    conn->restricted = unpack_bool(u);
    conn->reached = unpack_bool(u);
    conn->alerted = unpack_bool(u);
    conn->established = unpack_bool(u);
    conn->ended = unpack_bool(u);
    conn->uui_told = unpack_bool(u);
    conn->uus_open = unpack_bool(u);
    conn->isup = (uint8_t)unpack_upto(u, UINT8_MAX);
    conn->consult = (uint8_t)unpack_upto(u, CALL_CONSULT_CONFERENCE);
    conn->sent_stale = unpack_bool(u);
    conn->sent_version = unpack_number(u);
}

static int read_way(struct unpack *u, struct connection *conn, struct str peer, uint64_t now_ms)
{
    struct call *c = conn->call;
    bool has_stem = unpack_bool(u), has_leg;
    int err = 0;

    if (has_stem) {
        conn->stem = connection_add_branch(conn);
        if (conn->stem == NULL) {
            return E_NOMEM;
        }
        conn->stem->binding = unpack_number(u);
        conn->stem->talk = unpack_bool(u);
        conn->stem->referred = unpack_bool(u);
    }
    set_peer(conn, conn->stem, peer);
    has_leg = unpack_bool(u);
    if (has_leg && has_stem) {
        err = leg_unpack(c->layer->legs, u, &callee_user, conn->stem, &conn->stem->leg, now_ms);
        c->legs += err == 0 ? 1 : 0;
        if (err == 0 && conn->stem->leg->dialog != NULL) {
            branch_watched(conn->stem, conn->stem->leg->dialog->call_id);
        }
    }
    if (err == 0 && has_leg && has_stem && !conn->stem->leg->uac) {
        conn->stem->leg->user = &caller_user;
    }
    conn->mate_call = take(&c->arena, u);
    conn->mate_place = (uint32_t)unpack_upto(u, UINT32_MAX);
    return u->bad || (has_leg && !has_stem) ? E_SYNTAX : err;
}

static int read_party(struct unpack *u, struct call *c, uint64_t now_ms)
{
    struct call_layer *l = c->layer;
    enum role role = (enum role)unpack_upto(u, ROLE_B);
    struct str device = unpack_str(u), peer = unpack_str(u), id = unpack_str(u);
    struct device *dev = device.n > 0 ? directory_device(l->directory, device) : NULL;
    struct connection *conn;

    if (u->bad || id.n == 0) {
        return E_SYNTAX;
    }
    conn = call_add_connection(c, dev, id);
    if (conn == NULL) {
        return E_NOMEM;
    }
    conn->gr = take(&c->arena, u);
    conn->display = take(&c->arena, u);
    conn->host = take(&c->arena, u);
    struct str moved = unpack_str(u);
    conn->moved = moved.n > 0 ? cause_name(moved) : NULL;
    conn->uui_lines = take(&c->arena, u);
    read_flags(u, conn);
    take_description(conn, u, &conn->desc);
    take_description(conn, u, &conn->sent);
    if (role == ROLE_A) {
        c->a = conn;
    } else if (role == ROLE_B) {
        c->b = conn;
    }
    return read_way(u, conn, peer, now_ms);
}

static int read_call(struct unpack *u, struct call *c, uint64_t now_ms)
{
    uint64_t version = unpack_number(u);
    uint64_t n;
    int err = 0;

    if (version != VERSION && version != VERSION_WITHOUT_TIMES) {
        return u->bad ? E_SYNTAX : E_VERSION;
    }
    c->began_s = version == VERSION ? unpack_number(u) : 0;
    c->answered_s = version == VERSION ? unpack_number(u) : 0;
    c->called = take(&c->arena, u);
    c->called_gr = take(&c->arena, u);
    c->last_redirection = take(&c->arena, u);
    c->uui = take(&c->arena, u);
    c->uui_lines = take(&c->arena, u);
    if (!call_set_correlator(c, unpack_str(u))) {
        return E_NOMEM;
    }
    c->from = take(&c->arena, u);
    c->uui_told = unpack_bool(u);
    c->sips = unpack_bool(u);
    c->cti_over = unpack_bool(u);
    c->forwards = (uint8_t)unpack_upto(u, UINT8_MAX);
    c->phase = unpack_bool(u) ? CALL_SETUP : CALL_ACTIVE; /* a conference does not go on */
    n = unpack_number(u); /* what is written is read: the row has an end, too */
    for (uint64_t i = 0; err == 0 && i < n; i++) {
        err = read_party(u, c, now_ms);
    }
    return err != 0 ? err : u->bad || c->a == NULL ? E_SYNTAX : 0;
}

/** Without a word to anybody. */
static void lose_legs(struct call *c)
{
    list_each(it, &c->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (conn->stem != NULL && conn->stem->leg != NULL) {
            leg_free(conn->stem->leg);
            conn->stem->leg = NULL;
        }
        if (conn->stem != NULL) {
            branch_leave_peer(conn->stem);
        }
    }
    c->legs = 0;
}

/** Not even told of: nothing of it has ever been. */
static void give_up(struct call *c)
{
    lose_legs(c);
    list_each(it, &c->connections)
    {
        list_entry(it, struct connection, link)->ended = true;
    }
    c->phase = CALL_ENDING;
    call_check_dead(c);
}

int call_restore(struct call_layer *l, struct str key, struct str value, uint64_t now_ms)
{
    struct unpack u = unpack_of(value);
    struct call *c;
    int err;

    if (key.n != CALL_ID_LEN) {
        return E_SYNTAX;
    }
    if (call_find(l, key) != NULL) {
        return E_EXISTS;
    }
    c = call_new(l);
    if (c == NULL) {
        return E_NOMEM;
    }
    call_rename(c, key);
    l->made--;
    err = read_call(&u, c, now_ms);
    if (err != 0) {
        give_up(c);
    } else {
        c->kept = 1; /* there is a row */
    }
    return err;
}

/* ---- all are back ---- */

static struct connection *party_at(const struct call *c, uint32_t place)
{
    list_each(it, &c->connections)
    {
        if (place-- == 0) {
            return list_entry(it, struct connection, link);
        }
    }
    return NULL;
}

/** Both sides of a pair say so, one of them has the leg. */
static void mate(struct connection *conn)
{
    const struct call *other =
        str_is_set(conn->mate_call) ? call_find(conn->call->layer, conn->mate_call) : NULL;
    struct connection *m = other != NULL ? party_at(other, conn->mate_place) : NULL;

    if (m != NULL && m != conn && m->mate == NULL && m->stem != NULL && conn->stem != NULL &&
        m->device == conn->device && !m->ended && !conn->ended &&
        (connection_leg(m) == NULL) != (connection_leg(conn) == NULL)) {
        conn->mate = m;
        m->mate = conn;
    }
}

static bool is_up(const struct connection *conn)
{
    return conn != NULL && !conn->ended &&
           (connection_leg(conn) != NULL || share_is_parked(conn));
}

static void settle(struct call *c, uint64_t now_ms)
{
    if (c->phase != CALL_ACTIVE || !is_up(c->a) || !is_up(c->b)) {
        call_release(c, NULL, "switchingFunctionTerminated", NULL, STR_NONE, now_ms);
        return;
    }
    list_each(it, &c->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (conn != c->a && conn != c->b && !conn->ended) {
            connection_cleared(conn, NULL, "switchingFunctionTerminated", STR_NONE, now_ms);
            conn->ended = true;
        }
        if (conn->ended) {
            connection_end(conn, 0, NULL, now_ms); /* BYE again, to who has left it */
        }
    }
}

void call_disown(struct call_layer *l)
{
    list_each(it, &l->calls)
    {
        struct call *c = list_entry(it, struct call, link);
        lose_legs(c);
        c->phase = CALL_SETUP; /* as one that has no way to go on */
    }
}

void call_restored(struct call_layer *l, uint64_t now_ms)
{
    list_each(it, &l->calls)
    {
        list_each(jt, &list_entry(it, struct call, link)->connections)
        {
            struct connection *conn = list_entry(jt, struct connection, link);
            if (conn->mate == NULL) {
                mate(conn);
            }
        }
    }
    list_each(kt, &l->calls)
    {
        settle(list_entry(kt, struct call, link), now_ms);
    }
}
