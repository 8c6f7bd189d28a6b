/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialogs and legs that outlive the process.
 *
 * A leg is kept as a part of what it belongs to: its user writes a row (a call, a session) and
 * puts the legs into it. What is kept is the confirmed dialog with both CSeq, the session timer
 * and the description that a refresh repeats. What is not: requests in the air. Theirs come
 * again if they were not answered, and find their CSeq used up (500, RFC 3261 §12.2.2): done
 * at most once. Ours are gone; whoever sent them is gone too.
 *
 * FLOWS. Over UDP a dialog goes on over the same listener. A dialog that was pinned to a
 * connection is LOST when it comes back, as if that had closed: it is aimed at its target, and
 * follows its phone when that registers again (leg_timer.c).
 *
 * TOUCHED. Whatever changes a leg puts it on the layer's list; who keeps legs empties that at
 * the end of each input. So there is one place that writes rows, and none that forgets to.
 */
#include "dialog/keep.h"
#include "base/err.h"
#include "base/hop.h"
#include "dialog/leg_impl.h"

void dialog_pack(struct out *o, const struct dialog *d, const struct env *env,
                 const struct dialog_locator *locator)
{
    bool stream = transport_is_reliable((enum transport)d->next.hop.transport);
    uint64_t phone = d->phone;

    if (d->pinned && stream && locator->phone != NULL) {
        phone = locator->phone(locator->ctx, d);
    }
    pack_str(o, d->call_id);
    pack_str(o, d->local_tag);
    pack_str(o, d->remote_tag);
    pack_str(o, d->local_addr);
    pack_str(o, d->remote_addr);
    pack_str(o, d->remote_target);
    pack_str(o, d->route_set);
    pack_bool(o, d->pinned);
    pack_bool(o, d->lost);
    pack_bool(o, d->secure);
    pack_bool(o, d->cseq_known);
    pack_number(o, d->local_cseq);
    pack_number(o, d->remote_cseq);
    pack_hop(o, env, &d->next.hop);
    pack_str(o, d->next.host);
    pack_number(o, d->peer_methods);
    pack_bool(o, d->peer_talk);
    pack_number(o, phone);
}

int dialog_unpack(struct unpack *u, struct dialog *d, const struct mem *mem,
                  const struct env *env)
{
    struct dialog_parts p = {.call_id = unpack_str(u)};
    struct hop hop;
    int err;

    p.local_tag = unpack_str(u);
    p.remote_tag = unpack_str(u);
    p.local_addr = unpack_str(u);
    p.remote_addr = unpack_str(u);
    p.remote_target = unpack_str(u);
    p.route_set = unpack_str(u);
    d->pinned = unpack_bool(u);
    d->lost = unpack_bool(u);
    d->secure = unpack_bool(u);
    d->cseq_known = unpack_bool(u);
    d->local_cseq = (uint32_t)unpack_upto(u, UINT32_MAX);
    d->remote_cseq = (uint32_t)unpack_upto(u, UINT32_MAX);
    unpack_hop(u, env, &hop);
    d->next = (struct txn_target){.hop = hop, .host = unpack_str(u)};
    d->peer_methods = (uint32_t)unpack_upto(u, UINT32_MAX);
    d->peer_talk = unpack_bool(u);
    d->phone = unpack_number(u);
    if (u->bad || p.call_id.n == 0 || p.local_tag.n == 0) {
        return E_SYNTAX;
    }
    d->state = DIALOG_CONFIRMED;
    err = dialog_build(d, mem, &p);
    if (err != 0) {
        return err;
    }
    if (d->pinned && hop.flow == 0) {
        d->pinned = false;
        d->lost = true;
    }
    if (!d->pinned) {
        dialog_aim(d);
    }
    return 0;
}

/* ---- legs ---- */

enum { VERSION = 1 };

bool leg_is_kept(const struct leg *leg)
{
    return leg != NULL && !leg->freed && leg->dialog != NULL &&
           leg->dialog->state == DIALOG_CONFIRMED && !leg->end_wanted &&
           (leg->state == LEG_ANSWERED || leg->state == LEG_CONFIRMED);
}

bool leg_is_leaving(const struct leg *leg)
{
    return leg != NULL && !leg->freed && leg->dialog != NULL && leg->end_wanted &&
           leg->dialog->state == DIALOG_CONFIRMED && leg->state == LEG_ENDING;
}

bool leg_is_settled(const struct leg *leg)
{
    if (leg->state == LEG_ENDED) {
        return true;
    }
    list_each(it, &leg->requests)
    {
        if (!list_entry(it, struct leg_request, link)->done) {
            return false;
        }
    }
    return leg->state == LEG_CONFIRMED && list_empty(&leg->served) && leg->unacked == NULL;
}

void leg_pack(struct out *o, const struct leg *leg, uint64_t now_ms)
{
    const struct leg_layer *l = leg->layer;

    pack_number(o, VERSION);
    dialog_pack(o, leg->dialog, l->env, &l->locator);
    pack_bool(o, leg->uac);
    pack_bool(o, leg->told);
    pack_bool(o, leg->no_timer);
    pack_number(o, leg->interval_s);
    pack_number(o, leg->min_se_s);
    pack_bool(o, leg->we_refresh);
    pack_date(o, l->env, leg->refresh_ms, now_ms);
    pack_date(o, l->env, leg->expires_ms, now_ms);
    pack_str(o, leg->last_type);
    pack_str(o, leg->last_body);
}

static void read_timer(struct leg *leg, struct unpack *u, uint64_t now_ms)
{
    const struct env *env = leg->layer->env;

    leg->interval_s = (uint32_t)unpack_upto(u, UINT32_MAX);
    leg->min_se_s = (uint32_t)unpack_upto(u, UINT32_MAX);
    leg->we_refresh = unpack_bool(u);
    leg->refresh_ms = unpack_date(u, env, now_ms);
    leg->expires_ms = unpack_date(u, env, now_ms);
}

static int read_leg(struct leg *leg, struct unpack *u, uint64_t now_ms)
{
    struct leg_layer *l = leg->layer;
    struct leg_parts last = {0};
    struct dialog *d = leg_dialog_new(leg);
    int err;

    if (unpack_number(u) != VERSION) {
        err = u->bad ? E_SYNTAX : E_VERSION;
    } else {
        err = d != NULL ? dialog_unpack(u, d, &l->env->mem, l->env) : E_NOMEM;
    }
    if (err != 0) {
        if (d != NULL) {
            dialog_clear(d, &l->env->mem);
            pool_put(&l->dialog_pool, d);
        }
        return err;
    }
    leg_dialog_enter(d);
    leg->dialog = d;
    leg->state = LEG_CONFIRMED;
    leg->answered = true;
    leg->hop = d->next.hop;
    leg->uac = unpack_bool(u);
    leg->told = unpack_bool(u);
    l->told += leg->told ? 1 : 0;
    leg->no_timer = unpack_bool(u);
    read_timer(leg, u, now_ms);
    last.type = unpack_str(u);
    last.body = unpack_str(u);
    if (u->bad || d->local_tag.n >= sizeof(leg->tag)) {
        return E_SYNTAX;
    }
    memcpy(leg->tag, d->local_tag.p, d->local_tag.n);
    leg->tag[d->local_tag.n] = '\0';
    if (last.type.n > 0) {
        leg_remember(leg, &last);
    }
    dialog_bind_flow(d);
    leg_timer_restored(leg, now_ms);
    return 0;
}

int leg_unpack(struct leg_layer *l, struct unpack *u, const struct leg_user *user, void *owner,
               struct leg **out, uint64_t now_ms)
{
    struct leg *leg = leg_new(l, user, owner);
    int err = leg != NULL ? read_leg(leg, u, now_ms) : E_NOMEM;

    *out = err == 0 ? leg : NULL;
    if (err != 0 && leg != NULL) {
        leg_discard(leg);
    }
    return err;
}

/* ---- what has changed ---- */

void leg_touch(struct leg *leg)
{
    if (leg->layer->keeps && !list_linked(&leg->touch)) {
        list_append(&leg->layer->touched, &leg->touch);
    }
}

struct leg *leg_next_touched(struct leg_layer *l)
{
    struct leg *leg;

    if (list_empty(&l->touched)) {
        return NULL;
    }
    leg = list_entry(l->touched.next, struct leg, touch);
    list_remove(&leg->touch);
    return leg;
}
