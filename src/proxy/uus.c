/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-user signalling with the ISDN in calls that are only passed on (RFC 7434): the rules
 * that call/uus.c has for bridged ones, as far as one can keep to them who has no call.
 *
 * WHAT IS REMEMBERED. Whether the INVITE of a dialog opened the service is one octet in the
 * token of our Record-Route, under its MAC: every later request of the dialog brings it back,
 * be it after a restart. So a call with an ISDN is record-routed whatever its plan says. A
 * value that was too long in an answer ends the service, too, and there is no token to write
 * any more: those calls are noted in a small table, by the hash of their Call-ID, of which the
 * oldest goes first; when it is forgotten the service counts as open again.
 *
 * WHAT IS CHANGED. The User-to-User header, element by element, and, from and to a neighbour
 * with `isup_body`, the information in the ISUP and GTD bodies that a message has. That is more
 * than a proxy may do (RFC 3261 §16.6), and is done for these neighbours alone, who want it.
 * A body that somebody has signed stays as it is. No body is made: for that the call has to be
 * bridged.
 *
 * NOT SEEN. Transfers and what phones agree on by themselves; forks whose branches lead to
 * several ISDNs have one service each, by their branch. A dialog without a token of ours has no
 * state: what it carries is judged message by message.
 *
 * COST. Of requests that begin no dialog, and of responses, one look at the index while nobody
 * is an ISDN; of an INVITE, whose both neighbours are.
 */
#include "border/border.h"
#include "proxy/priv.h"

/** Octets that he takes. */
static size_t limit_of(const struct neighbour *n)
{
    return n->isdn && n->isdn_octets > 0 ? n->isdn_octets : UUI_ISDN_OCTETS;
}

static void note(struct proxy *p, const struct sip_msg *m, uint64_t *count, const char *what)
{
    (*count)++;
    env_trace_of(p->env, TRACE_INFO, "proxy",
                 &(struct trace_ids){.sip_call = sip_msg_value(m, SIP_HDR_CALL_ID)},
                 "%.*s: User-to-User: %s",
                 STR_ARG(str_upto(sip_msg_value(m, SIP_HDR_CALL_ID), 96)), what);
}

/* ---- calls whose service has ended ---- */

static struct proxy_ended *row_of(struct proxy *p, const struct sip_msg *m, uint64_t *hash)
{
    *hash = hash_mac(&p->dialog_key, sip_msg_value(m, SIP_HDR_CALL_ID)) | 1;
    return &p->ended[*hash / 2 % (PROXY_ENDED / PROXY_ENDED_ROW) * PROXY_ENDED_ROW];
}

static bool has_ended(struct proxy *p, const struct sip_msg *m)
{
    uint64_t hash;
    const struct proxy_ended *row = row_of(p, m, &hash);

    for (size_t i = 0; i < PROXY_ENDED_ROW; i++) {
        if (row[i].call == hash) {
            return p->wheel->now_ms < row[i].until_ms;
        }
    }
    return false;
}

static void end_service(struct proxy *p, const struct sip_msg *m)
{
    uint64_t hash;
    struct proxy_ended *row = row_of(p, m, &hash), *at = row;

    for (size_t i = 0; i < PROXY_ENDED_ROW && at->call != hash; i++) {
        at = row[i].call == hash || row[i].until_ms < at->until_ms ? &row[i] : at;
    }
    *at = (struct proxy_ended){hash, p->wheel->now_ms + PROXY_ENDED_MS};
}

/* ---- one message ---- */

/** What it is to the ISDN. */
enum kind { BEGINS, ANSWERS, REFUSES, ENDS, ELSEWHERE };

struct passing {
    struct proxy *p;
    const struct sip_msg *m;
    const struct neighbour *from, *to;
    enum kind kind;
    struct str lines;           /**< of ours, that it gets */
    const enum sip_hdr_id *cut; /**< headers that go anyhow */
    uint8_t *service;
};

static bool is_cut(const enum sip_hdr_id *cut)
{
    while (cut != NULL && *cut != SIP_HDR_OTHER && *cut != SIP_HDR_USER_TO_USER) {
        cut++;
    }
    return cut != NULL && *cut == SIP_HDR_USER_TO_USER;
}

static bool may_carry(const struct sip_msg *m)
{
    return sip_msg_has(m, SIP_HDR_USER_TO_USER) ||
           (isdn_body_may(m) && !sip_msg_content_is(m, STR("application"), STR("sdp")));
}

static void gather(const struct passing *x, struct isdn_carried *had)
{
    const struct isdn_source s = {.m = x->m,
                                  .header = !is_cut(x->cut),
                                  .body = x->from->isup_body || x->to->isup_body,
                                  .lines = x->lines};

    isdn_gather(x->p->scratch, &s, had);
}

/** The header has this and no other isdn-uui; absent: none. @return 0 or E_NOMEM */
static int write_header(const struct passing *x, const struct isdn_carried *had,
                        struct str octets, struct proxy__said *out)
{
    struct arena *a = x->p->scratch;
    struct str first = isdn_element(a, octets);
    struct str values = had->crowded ? first : isdn_others(a, had, first);

    if ((octets.n > 0 && !str_is_set(first)) || (!had->crowded && !str_is_set(values))) {
        return E_NOMEM;
    }
    out->lines = isdn_with_values(a, x->lines, values);
    out->header = true;
    return str_is_set(out->lines) ? 0 : E_NOMEM;
}

/** The bodies have it; absent: none have any. @return 0 or E_NOMEM */
static int write_body(const struct passing *x, struct str octets, struct proxy__said *out)
{
    int err =
        border_body_is_signed(x->m)
            ? 0
            : isdn_body_edit(x->m, x->p->scratch, ISDN_ISUP | ISDN_GTD, octets, &out->edit);

    out->body = err == 0 && out->edit.changed;
    return err == E_NOMEM ? err : 0; /* else it stays as it is */
}

static int leave_out(const struct passing *x, const struct isdn_carried *had,
                     struct proxy__said *out)
{
    int err = had->crowded || had->list.isdn_seen > 0 ? write_header(x, had, STR_NONE, out) : 0;

    return err == 0 && isdn_body_fault(had) != E_NOTFOUND ? write_body(x, STR_NONE, out) : err;
}

static int settle(const struct passing *x, const struct isdn_carried *had,
                  struct proxy__said *out)
{
    struct isdn_settled s = isdn_settle(isdn_in_header(had), isdn_in_body(had),
                                        x->to->isup_body ? ISDN_TO_ISUP : ISDN_TO_NATIVE);
    int err = 0;

    if (s.differ) {
        note(x->p, x->m, &x->p->stats.isdn.differed, "header and body differ");
    }
    if (s.header) {
        err = write_header(x, had, s.octets, out);
    }
    return err == 0 && s.body ? write_body(x, s.octets, out) : err;
}

static uint64_t *counter_of(struct proxy_isdn *count, enum isdn_unfit u)
{
    return u == ISDN_SEVERAL     ? &count->several
           : u == ISDN_MALFORMED ? &count->malformed
                                 : &count->too_long;
}

/** An INVITE that begins a dialog: what it has opens the service of each ISDN, or closes it. */
static int begin(const struct passing *x, const struct isdn_carried *had,
                 struct proxy__said *out)
{
    const struct neighbour *end[] = {x->from, x->to};

    *x->service = isdn_carries(had) ? PROXY_UUS_OPEN : PROXY_UUS_CLOSED;
    for (size_t i = 0; i < ARRAY_LEN(end) && *x->service == PROXY_UUS_OPEN; i++) {
        enum isdn_unfit unfit = end[i]->isdn ? isdn_unfit(had, limit_of(end[i])) : ISDN_FITS;
        if (unfit != ISDN_FITS) {
            note(x->p, x->m, counter_of(&x->p->stats.isdn, unfit), isdn_unfit_text(unfit));
            *x->service = PROXY_UUS_CLOSED;
        }
    }
    if (*x->service == PROXY_UUS_CLOSED) {
        return leave_out(x, had, out);
    }
    x->p->stats.isdn.opened++;
    return settle(x, had, out);
}

/** Why it may not stand there; NULL: it may. */
static const char *forbidden(const struct passing *x, uint64_t **counter)
{
    struct proxy_isdn *count = &x->p->stats.isdn;

    if (*x->service == PROXY_UUS_CLOSED) {
        *counter = &count->closed;
        return "left out, the service is not open";
    }
    *counter = &count->misplaced;
    if (x->kind == ELSEWHERE) {
        return "left out, it does not belong in this message";
    }
    return x->kind == REFUSES && ((x->from->isdn && !x->from->uui_in_failure) ||
                                  (x->to->isdn && !x->to->uui_in_failure))
               ? "left out of a refusal"
               : NULL;
}

static int pass(const struct passing *x, struct proxy__said *out)
{
    struct isdn_carried had;
    uint64_t *counter;
    const char *why;

    gather(x, &had);
    if (x->kind == BEGINS) {
        return begin(x, &had, out);
    }
    if (!isdn_carries(&had)) {
        return 0;
    }
    why = forbidden(x, &counter);
    if (why == NULL) {
        enum isdn_unfit unfit = isdn_unfit(&had, limit_of(x->to));
        why = isdn_unfit_text(unfit);
        counter = counter_of(&x->p->stats.isdn, unfit);
        if (unfit == ISDN_TOO_LONG && x->to->isdn) { /* RFC 7434 §10 */
            *x->service = PROXY_UUS_CLOSED;
            end_service(x->p, x->m);
        }
    }
    if (why == NULL) {
        return settle(x, &had, out);
    }
    note(x->p, x->m, counter, why);
    return leave_out(x, &had, out);
}

/* ---- requests ---- */

static const struct peer *peer_at(const struct proxy *p, const struct hop *hop)
{
    return p->directory != NULL && hop->remote.family != ADDR_NONE
               ? directory_peer_from(p->directory, hop)
               : NULL;
}

/** Whom the copy goes to, as far as that is known before a name is looked up. */
static const struct peer *peer_to(const struct proxy *p, const struct proxy_target *t,
                                  const struct txn_target *to)
{
    const struct directory *d = p->directory;

    if (t != NULL && t->peer != NULL) {
        return t->peer;
    }
    for (size_t i = 0; d != NULL && to->host.n > 0 && i < d->peer_count; i++) {
        if (d->peers[i].name.n > 0 && str_ieq(d->peers[i].host, to->host)) {
            return &d->peers[i];
        }
    }
    return peer_at(p, &to->hop);
}

static enum kind kind_of(const struct sip_msg *m)
{
    bool inside = str_is_set(sip_msg_tag(m, SIP_HDR_TO));

    return m->method == SIP_METHOD_INVITE && !inside ? BEGINS
           : m->method == SIP_METHOD_BYE && inside   ? ENDS
                                                     : ELSEWHERE;
}

int proxy__uus_request(struct proxy *p, const struct proxy__copy *c,
                       const struct txn_target *to, struct proxy__said *out)
{
    const struct sip_msg *m = c->request->m;
    const struct proxy_target *t = c->target;
    struct proxy__uus none = {0}, *uus = c->uus != NULL ? c->uus : &none;
    struct passing x = {.p = p,
                        .m = m,
                        .from = &uus->near,
                        .to = &uus->far,
                        .kind = kind_of(m),
                        .lines = t != NULL ? t->lines : STR_NONE,
                        .cut = t != NULL ? t->cut : NULL,
                        .service = &uus->service};
    const struct peer *from, *far;

    *out = (struct proxy__said){.lines = x.lines};
    *uus = (struct proxy__uus){0};
    if (x.kind == ELSEWHERE && !may_carry(m)) {
        return 0;
    }
    from = peer_at(p, c->request->from);
    far = peer_to(p, t, to);
    uus->near = from != NULL ? from->policy : uus->near;
    uus->far = far != NULL ? far->policy : uus->far;
    if (!uus->near.isdn && !uus->far.isdn) {
        return 0;
    }
    uus->service = has_ended(p, m) && x.kind != BEGINS            ? PROXY_UUS_CLOSED
                   : c->request->route.ways.uus != PROXY_UUS_NONE ? c->request->route.ways.uus
                                                                  : PROXY_UUS_OPEN;
    return pass(&x, out);
}

/* ---- responses ---- */

void proxy__uus_heard(struct proxy__branch *b, const struct sip_msg *m)
{
    const struct peer *far;

    if (b->uus.service == PROXY_UUS_NONE && b->txn != NULL && may_carry(m)) {
        far = peer_at(b->fork->proxy, &b->txn->hop);
        b->uus.far = far != NULL ? far->policy : b->uus.far;
    }
}

static enum kind kind_of_answer(const struct proxy__fork *f, unsigned status)
{
    enum kind kind = f->request.m != NULL ? kind_of(f->request.m) : ELSEWHERE;

    if (kind == BEGINS && status > 100) {
        return status < 300 ? ANSWERS : REFUSES;
    }
    return kind == ENDS && status >= 200 && status < 300 ? ENDS : ELSEWHERE;
}

int proxy__uus_response(struct proxy__fork *f, const struct sip_msg *m, unsigned status,
                        struct proxy__uus *uus, struct proxy__said *out)
{
    struct passing x = {.p = f->proxy,
                        .m = m,
                        .from = &uus->far,
                        .to = &uus->near,
                        .kind = kind_of_answer(f, status),
                        .service = &uus->service};

    *out = (struct proxy__said){.lines = STR_NONE};
    if (uus->service == PROXY_UUS_NONE) {
        const struct peer *near = may_carry(m) ? peer_at(f->proxy, &f->from) : NULL;
        uus->near = near != NULL ? near->policy : uus->near;
        if (!uus->near.isdn && !uus->far.isdn) {
            return 0;
        }
        uus->service = PROXY_UUS_OPEN;
    }
    if (has_ended(f->proxy, m)) {
        uus->service = PROXY_UUS_CLOSED;
    }
    return may_carry(m) ? pass(&x, out) : 0;
}

void proxy__put_said(struct sip_edit *e, const struct proxy__said *s)
{
    if (s->header) {
        sip_edit_cut(e, SIP_HDR_USER_TO_USER);
    }
    if (s->body) {
        sip_edit_body(e, s->edit.type, s->edit.body);
    }
}
