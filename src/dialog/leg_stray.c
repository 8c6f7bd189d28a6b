/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A 2xx to an INVITE of ours that no leg waits for. It has to be acknowledged whoever sent the
 * INVITE is gone (RFC 3261 §13.2.2.4): else the phone repeats it for half a minute, and has a
 * call that nobody knows.
 *
 *   the leg is gone, its INVITE's         ORPHAN: ACK and BYE; all that is needed for them is
 *   transaction waits on                  taken from the 2xx itself
 *   an earlier process sent the INVITE,   ACK. The phone takes no offer before it
 *   and the dialog stands again (keep.c)
 *   an earlier process sent the INVITE,   ACK and BYE, as for an orphan
 *   and nothing was kept of its dialog
 *   anything else                         nothing: it is a stranger's, or proxied
 *
 * MARKS. That the INVITE was one of ours is proven by its branch: behind our own part there is
 * a MAC over Call-ID, From tag and CSeq, and whether the dialog is pinned to where the INVITE
 * went. Each process has a key of its own; the store has that of the present one, and those of
 * the ones before while they count, late_s after their end, the last LEG_LIVES of them at most:
 * each is two MACs for every such answer. So what this process has sent is never taken for an
 * earlier one's, and who has not been sent the INVITE cannot make its branch: those who are
 * told of dialogs (RFC 4235) hear Call-ID and tags, but no branch.
 *
 * BOUNDS. A phone that was called may answer as often as it likes, under any number of tags,
 * and say where the BYE goes: late_rate of them a second are dealt with, the others have to
 * repeat themselves. STATELESS but for the BYE's transaction.
 */
#include "dialog/leg_impl.h"

#include "base/hop.h"

enum { MARKS_VERSION = 1 };

/* ---- what is sent ---- */

static bool write_plain(struct leg_layer *l, const struct dialog *d, struct str method,
                        uint32_t cseq, struct str run[2])
{
    size_t cap = dialog_head_size(d) + d->request_uri.n + 96;
    char *buf = arena_alloc(l->scratch, cap);
    struct out o;
    if (buf == NULL) {
        return false;
    }
    out_init(&o, buf, cap);
    out_str(&o, method);
    out_ch(&o, ' ');
    out_str(&o, d->request_uri);
    out_c(&o, " SIP/2.0\r\n");
    run[0] = out_str_of(&o);
    dialog_write_head(d, &o, method, cseq, l->config.max_forwards, STR_NONE);
    out_c(&o, "Content-Length: 0\r\n\r\n");
    run[1] = str_from(out_str_of(&o), run[0].n);
    return !o.over;
}

/** ACK and BYE. @param hop  where the 2xx's sender is; with `pinned` also where they go */
static void hang_up(struct leg_layer *l, const struct sip_msg *m, const struct hop *hop,
                    bool pinned, uint64_t now_ms)
{
    struct dialog d = {.next = {.hop = *hop}};
    struct str run[2];
    if (m->status < 200 || m->status > 299 ||
        dialog_from_response_only(&d, &l->env->mem, m) != 0) {
        return;
    }
    if (pinned) {
        d.next = (struct txn_target){.hop = *hop};
    }
    if (write_plain(l, &d, STR("ACK"), d.local_cseq, run)) {
        (void)txn_send_ack(l->txn, &d.next, run, 2);
    }
    if (write_plain(l, &d, STR("BYE"), d.local_cseq + 1, run)) {
        (void)txn_client_new(l->txn, SIP_METHOD_BYE, &d.next, run, 2, NULL, NULL, now_ms);
    }
    dialog_clear(&d, &l->env->mem);
}

/* ---- orphans ---- */

static void orphan_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                            uint64_t now_ms)
{
    (void)from;
    hang_up(t->owner, m, &t->hop, false, now_ms);
}

static void pinned_orphan_response(struct txn *t, const struct sip_msg *m,
                                   const struct hop *from, uint64_t now_ms)
{
    (void)from;
    hang_up(t->owner, m, &t->hop, true, now_ms);
}

void leg_uac_orphan(struct leg_request *r)
{
    static const struct txn_user orphan = {.on_response = orphan_response};
    static const struct txn_user pinned = {.on_response = pinned_orphan_response};
    struct leg_layer *l = r->leg->layer;
    struct txn *t = r->txn;
    r->txn = NULL;
    t->user = r->dialog->pinned ? &pinned : &orphan;
    t->owner = l;
    (void)txn_cancel(t, STR_NONE, l->wheel->now_ms); /* harmless after a final response */
    if (r->leg->invite == t) {
        r->leg->invite = NULL;
    }
}

/* ---- marks ---- */

void leg_marks_init(struct leg_layer *l)
{
    l->marks.own = (struct hash_key){env_random64(l->env), env_random64(l->env)};
}

/** What a mark speaks for. */
struct marked {
    struct str call_id, from_tag;
    uint32_t cseq;
    bool pinned;
};

static struct str make_mark(const struct hash_key *key, const struct marked *what,
                            char buf[static LEG_MARK])
{
    uint64_t part[] = {hash_mac(key, what->call_id), hash_mac(key, what->from_tag),
                       (uint64_t)what->cseq << 1 | (what->pinned ? 1 : 0)};
    uint64_t mac = hash_mac(key, str_make((const char *)part, sizeof(part)));
    struct out o;
    out_init(&o, buf, LEG_MARK);
    out_hex(&o, str_make((const char *)&mac, sizeof(mac)), false);
    return out_str_of(&o);
}

struct str leg_mark(const struct leg_layer *l, const struct dialog *d, uint32_t cseq,
                    char buf[static LEG_MARK])
{
    struct marked what = {d->call_id, d->local_tag, cseq, d->pinned};
    return l->keeps ? make_mark(&l->marks.own, &what, buf) : STR_NONE;
}

/** Was it made by one of the processes before this? `what` but for `pinned`, which is set. */
static bool is_of_before(const struct leg_layer *l, struct str mark, struct marked *what,
                         uint64_t now_ms)
{
    const struct leg_marks *all = &l->marks;
    char buf[LEG_MARK];
    for (size_t i = 0; i < all->before_n; i++) {
        for (int pinned = 0; all->before[i].until_ms > now_ms && pinned < 2; pinned++) {
            what->pinned = pinned != 0;
            if (str_eq_secret(make_mark(&all->before[i].key, what, buf), mark)) {
                return true;
            }
        }
    }
    return false;
}

static void pack_key(struct out *o, const struct hash_key *key)
{
    pack_str(o, str_make((const char *)key, sizeof(*key)));
}

static bool unpack_key(struct unpack *u, struct hash_key *out)
{
    struct str s = unpack_str(u);
    u->bad = u->bad || s.n != sizeof(*out);
    if (!u->bad) {
        memcpy(out, s.p, sizeof(*out));
    }
    return !u->bad;
}

void leg_keep_marks(const struct leg_layer *l, const struct store_ops *store, uint64_t now_ms)
{
    const struct leg_marks *all = &l->marks;
    char row[64 + LEG_LIVES * 64];
    struct out o;
    out_init(&o, row, sizeof(row));
    pack_number(&o, MARKS_VERSION);
    pack_key(&o, &all->own);
    pack_number(&o, all->before_n);
    for (size_t i = 0; i < all->before_n; i++) {
        pack_key(&o, &all->before[i].key);
        pack_date(&o, l->env, all->before[i].until_ms, now_ms);
    }
    store->put(store->ctx, STORE_SECRET, LEG_MARKS_ROW, out_str_of(&o));
}

/** How long those of a process that has ended just now count. */
static uint64_t life_ms(const struct leg_layer *l)
{
    return (uint64_t)l->config.late_s * 1000;
}

int leg_restore_marks(struct leg_layer *l, struct str value, uint64_t now_ms)
{
    struct leg_marks back = {.own = l->marks.own, .before_n = 1};
    struct unpack u = unpack_of(value);
    uint64_t version = unpack_number(&u), n;
    if (version != MARKS_VERSION) {
        return u.bad ? E_SYNTAX : E_VERSION;
    }
    (void)unpack_key(&u, &back.before[0].key);
    back.before[0].until_ms = now_ms + life_ms(l); /* it has ended just now, for us */
    n = unpack_upto(&u, LEG_LIVES);
    for (uint64_t i = 0; i < n && !u.bad; i++) {
        struct hash_key key = {0};
        uint64_t until_ms;
        (void)unpack_key(&u, &key);
        until_ms = unpack_date(&u, l->env, now_ms);
        if (!u.bad && until_ms > now_ms && back.before_n < LEG_LIVES) {
            /* no longer than it is now, whatever it was, and wherever the clock has been */
            back.before[back.before_n].key = key;
            back.before[back.before_n++].until_ms =
                until_ms < back.before[0].until_ms ? until_ms : back.before[0].until_ms;
        }
    }
    if (u.bad) {
        return E_SYNTAX;
    }
    l->marks = back;
    return 0;
}

/* ---- of before ---- */

/** Behind our own part of the branch of its only Via; absent: it has none, or others sent it */
static struct str mark_of(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct str branch, v;
    unsigned vias = 0;
    while (vias < 2 && sip_msg_each(m, SIP_HDR_VIA, &it, &v)) {
        vias++;
    }
    if (vias != 1 || !sip_msg_branch(m, &branch) || branch.n != TXN_BRANCH_OWN + LEG_MARK) {
        return STR_NONE;
    }
    return str_from(branch, TXN_BRANCH_OWN);
}

static bool has_room(struct leg_layer *l, uint64_t now_ms)
{
    struct leg_marks *all = &l->marks;
    if (now_ms - all->since_ms >= 1000) {
        all->since_ms = now_ms;
        all->lately = 0;
    }
    if (all->lately >= l->config.late_rate) {
        all->refused++;
        return false;
    }
    all->lately++;
    return true;
}

static void acknowledge(struct leg_layer *l, struct dialog *d, uint32_t cseq)
{
    struct str run[2];
    (void)dialog_locate(d, &l->locator, &l->env->mem);
    if (write_plain(l, d, STR("ACK"), cseq, run)) {
        (void)txn_send_ack(l->txn, &d->next, run, 2);
    }
}

bool leg_on_stray_response(struct leg_layer *l, const struct sip_msg *m, const struct hop *from,
                           uint64_t now_ms)
{
    struct sip_cseq cseq;
    struct str remote = sip_msg_tag(m, SIP_HDR_TO), mark = mark_of(m);
    struct marked what = {.call_id = sip_msg_value(m, SIP_HDR_CALL_ID),
                          .from_tag = sip_msg_tag(m, SIP_HDR_FROM)};

    if (m->status < 200 || m->status > 299 || what.from_tag.n == 0 || remote.n == 0 ||
        sip_msg_cseq(m, &cseq) != 0 || !str_eq(cseq.method, STR("INVITE"))) {
        return false;
    }
    struct dialog *d = dialog_find_parts(l, what.call_id, what.from_tag, remote);
    if (d != NULL) {
        bool ours = d->state == DIALOG_CONFIRMED && cseq.number <= d->local_cseq;
        if (ours) {
            acknowledge(l, d, cseq.number);
        }
        return ours;
    }
    what.cseq = cseq.number;
    if (mark.n == 0 || !is_of_before(l, mark, &what, now_ms)) {
        return false;
    }
    if (has_room(l, now_ms)) {
        hang_up(l, m, from, what.pinned, now_ms);
        l->marks.hung_up++;
    }
    return true;
}
