/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialogs in use: finding them, checking and refreshing them, writing requests from them.
 *
 * INVARIANTS  A dialog is in the layer's table from the time that it has both tags until it or
 *             its leg ends; a seed never is. remote_cseq only grows.
 * COST        Look-up: one keyed hash over Call-ID and local tag.
 * NOT DONE    What may be sent in which state is the leg's (leg.h); how a dialog is made is in
 *             dialog_make.c.
 */
#include "dialog/dialog.h"

#include "base/err.h"
#include "dialog/dialog_impl.h"
#include "dialog/leg.h"

uint64_t dialog_hash(const struct hash_key *key, struct str call_id, struct str local_tag)
{
    return hash_mix(hash_bytes(key, call_id), hash_bytes(key, local_tag));
}

struct dialog *dialog_find_parts(struct leg_layer *l, struct str call_id, struct str local_tag,
                                 struct str remote_tag)
{
    uint64_t hash = dialog_hash(&l->key, call_id, local_tag);
    for (struct map_node *n = map_first(&l->dialogs, hash); n != NULL; n = map_next(n)) {
        struct dialog *d = container_of(n, struct dialog, node);
        if (str_eq(d->call_id, call_id) && str_eq(d->local_tag, local_tag) &&
            (!str_is_set(remote_tag) || str_eq(d->remote_tag, remote_tag))) {
            return d;
        }
    }
    return NULL;
}

struct dialog *dialog_find(struct leg_layer *l, const struct sip_msg *request)
{
    if (l->dialogs.count == 0) {
        return NULL;
    }
    struct str local = sip_msg_tag(request, SIP_HDR_TO);
    struct str remote = sip_msg_tag(request, SIP_HDR_FROM);
    if (local.n == 0) {
        return NULL;
    }
    /* A peer without tags (RFC 2543) has the empty one, which is not "do not compare". */
    return dialog_find_parts(l, sip_msg_value(request, SIP_HDR_CALL_ID), local,
                             str_is_set(remote) ? remote : STR(""));
}

int dialog_check_cseq(struct dialog *d, const struct sip_msg *request)
{
    struct sip_cseq cseq;
    if (sip_msg_cseq(request, &cseq) != 0 || (d->cseq_known && cseq.number <= d->remote_cseq)) {
        return E_STATE;
    }
    d->remote_cseq = cseq.number;
    d->cseq_known = true;
    return 0;
}

int dialog_refresh(struct dialog *d, const struct mem *mem, const struct sip_msg *m,
                   const struct hop *from)
{
    struct str contact = dialog_contact_of(m);
    if (contact.n > 0 && !str_eq(contact, d->remote_target)) {
        struct dialog_parts p = {.call_id = d->call_id,
                                 .local_tag = d->local_tag,
                                 .remote_tag = d->remote_tag,
                                 .local_addr = d->local_addr,
                                 .remote_addr = d->remote_addr,
                                 .remote_target = contact,
                                 .route_set = d->route_set};
        int err = dialog_build(d, mem, &p);
        if (err != 0) {
            return err;
        }
        if (!d->pinned) {
            dialog_aim(d);
        }
    }
    if (from != NULL) {
        dialog_pin(d, m, from);
    }
    dialog_learn(d, m);
    return 0;
}

void dialog_bind_flow(struct dialog *d)
{
    if (d->leg == NULL) {
        return; /* its owner keeps the list */
    }
    list_remove(&d->flow_link);
    if (d->pinned && d->next.hop.flow != 0) {
        list_append(&d->leg->layer->flows[d->next.hop.flow % LEG_FLOW_LISTS], &d->flow_link);
    }
}

size_t dialog_head_size(const struct dialog *d)
{
    return d->local_addr.n + d->local_tag.n + d->remote_addr.n + d->remote_tag.n +
           d->call_id.n + d->routes.n + 160;
}

static void write_party(struct out *o, const char *name, struct str addr, struct str tag)
{
    out_c(o, name);
    out_str(o, addr);
    if (tag.n > 0) {
        out_c(o, ";tag=");
        out_str(o, tag);
    }
    out_c(o, "\r\n");
}

void dialog_write_head(const struct dialog *d, struct out *o, struct str method, uint32_t cseq,
                       uint32_t max_forwards, struct str contact)
{
    out_str(o, d->routes);
    out_c(o, "Max-Forwards: ");
    out_u64(o, max_forwards);
    out_c(o, "\r\n");
    write_party(o, "From: ", d->local_addr, d->local_tag);
    write_party(o, "To: ", d->remote_addr, d->remote_tag);
    out_c(o, "Call-ID: ");
    out_str(o, d->call_id);
    out_c(o, "\r\nCSeq: ");
    out_u64(o, cseq);
    out_ch(o, ' ');
    out_str(o, method);
    out_c(o, "\r\n");
    if (str_is_set(contact)) {
        out_c(o, "Contact: ");
        out_str(o, contact);
        out_c(o, "\r\n");
    }
}

struct str dialog_own_contact(const struct env *env, struct arena *arena, struct str user,
                              const struct hop *hop, bool secure)
{
    static const char *const param[TP_COUNT] = {
        [TP_TCP] = "tcp", [TP_TLS] = "tls", [TP_WS] = "ws", [TP_WSS] = "ws"};
    size_t cap = user.n + 96;
    char *buf = arena_alloc(arena, cap);
    struct addr local = {0};
    struct out o;
    if (buf == NULL) {
        return STR_NONE;
    }
    env->local(env->ctx, hop, &local);
    out_init(&o, buf, cap);
    out_c(&o, secure ? "<sips:" : "<sip:");
    if (user.n > 0) {
        out_str(&o, user);
        out_ch(&o, '@');
    }
    addr_write(&o, &local);
    /* sips says TLS by itself (RFC 3261 §26.2.2) */
    const char *t = hop->transport < TP_COUNT ? param[hop->transport] : NULL;
    if (t != NULL && !(secure && hop->transport == TP_TLS)) {
        out_c(&o, ";transport=");
        out_c(&o, t);
    }
    out_ch(&o, '>');
    return out_str_of(&o);
}
