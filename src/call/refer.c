/* SPDX-License-Identifier: Apache-2.0 */
/*
 * REFER in a dialog of a call (RFC 3515, RFC 5589): Baton is the referee on behalf of the other
 * side. What comes from a party is judged here; referral.c carries it out.
 *
 *   refused at once                                                      with
 *   Require: explicitsub, nosub (RFC 7614: not supported)                420
 *   Refer-To is not there once, or cannot be read, or no request can
 *   be made of it (RFC 3515 §2.4.2, RFC 3261 §19.1.5)                    400
 *   an outside party that is not trusted                                 403
 *   the call is not up, or its media is being changed, or another
 *   REFER is being carried out                                           480, 491
 *   another scheme than sip, sips and tel, another method than INVITE,
 *   a Require that we cannot fulfil                                      603
 *
 * What is wrong with the number is told by NOTIFY after a 202. It must not be the answer to
 * the REFER: 404, 410, 416 or 604 there would say that this dialog is dead (RFC 5057 §5.1), and
 * a mistyped number would end the call.
 *
 * Refer-Sub: false (RFC 4488) gets 200 and no subscription; the rest is the same.
 *
 * A tel URI is looked up as it was dialled and never becomes something else; the headers of a
 * Refer-To URI become headers of the INVITE as embed.h has it. Referred-By goes along with its
 * token (RFC 3892 §2.2); we do not ask for one.
 */
#include "base/err.h"
#include "call/referral.h"

/** What a REFER asks for. */
struct wish {
    struct sip_addr to;
    struct sip_uri uri; /**< without headers and method */
    struct sip_embedded embedded;
    struct sip_replaces replaces; /**< when embedded.replaces is set */
    bool quiet;                   /**< Refer-Sub: false */
};

struct refusal {
    unsigned status;
    struct str reason, lines;
};

static struct refusal say(unsigned status, const char *reason)
{
    return (struct refusal){.status = status, .reason = str_c(reason)};
}

/** RFC 7614: who Requires these wants another kind of answer than ours. */
static bool wants_other_events(const struct sip_msg *m)
{
    return sip_msg_has_token(m, SIP_HDR_REQUIRE, STR("explicitsub")) ||
           sip_msg_has_token(m, SIP_HDR_REQUIRE, STR("nosub"));
}

bool call_may_require(struct str tags)
{
    struct str one;

    while (tags.n > 0 && sip_list_next(&tags, &one)) {
        one = str_trim(one);
        if (!str_ieq(one, STR("replaces")) && !str_ieq(one, STR("uui"))) {
            return false;
        }
    }
    return true;
}

static bool is_quiet(const struct sip_msg *m)
{
    return str_ieq(sip_value_head(sip_msg_value(m, SIP_HDR_REFER_SUB), NULL), STR("false"));
}

static struct refusal read_wish(struct arena *a, const struct sip_msg *m, struct wish *w)
{
    uint32_t at;
    int err;

    *w = (struct wish){.quiet = is_quiet(m)};
    if (m->count[SIP_HDR_REFER_TO] != 1 || sip_msg_addr(m, SIP_HDR_REFER_TO, &w->to) != 0) {
        return say(400, "Refer-To Must Be There Once");
    }
    if (w->to.uri.scheme == SIP_SCHEME_OTHER) {
        return say(603, "Only sip, sips and tel Are Followed");
    }
    err = sip_embed(&w->to.uri, a, &w->embedded);
    if (err != 0) {
        return err == E_NOMEM ? say(500, NULL) : say(400, "Bad Refer-To");
    }
    if (str_is_set(w->embedded.method) && !str_eq(w->embedded.method, STR("INVITE"))) {
        return say(603, "Only INVITE Is Referred To");
    }
    if (!call_may_require(w->embedded.require)) {
        return say(603, "Refer-To Requires an Unknown Extension");
    }
    if (sip_uri_parse(w->embedded.uri, 0, &w->uri, &at) != 0 ||
        (str_is_set(w->embedded.replaces) &&
         sip_replaces_parse(w->embedded.replaces, &w->replaces) != 0)) {
        return say(400, "Bad Refer-To");
    }
    return say(0, NULL);
}

/** A REFER may overtake the ACK of the other side: some refer in the moment of answering. */
static bool is_answered(const struct leg *leg)
{
    return leg->state == LEG_CONFIRMED || leg->state == LEG_ANSWERED;
}

static struct refusal judge(const struct branch *from, const struct sip_msg *m)
{
    const struct connection *by = from->conn, *other = call_other(by);
    const struct call *c = by->call;
    struct refusal no = {.status = 420, .lines = STR("Unsupported: explicitsub, nosub\r\n")};

    if (wants_other_events(m)) {
        return no;
    }
    if (by->outside && !by->trusted) {
        return say(403, NULL);
    }
    if (by->seat != NULL || by->is_seat) {
        return say(403, "Not from a Conference");
    }
    if (c->phase != CALL_ACTIVE || from->leg->state != LEG_CONFIRMED || other == NULL ||
        connection_leg(other) == NULL || !is_answered(connection_leg(other))) {
        return say(480, "The Call Is Not Up");
    }
    if (c->referral != NULL || c->borrower != NULL || c->step != NULL ||
        c->join.offerer != NULL || c->gather != NULL) {
        return say(491, NULL);
    }
    return say(0, NULL);
}

/* ---- a party that has to be called ---- */

static struct str header_line(struct arena *a, const char *name, struct str value)
{
    return value.n == 0 ? STR("") : arena_fmt(a, "%s: %.*s\r\n", name, STR_ARG(value));
}

/** Referred-By and, when it names one, the token in the body of the REFER (RFC 3892 §2.2). */
static struct str referred_by(struct arena *a, const struct sip_msg *m, struct ring *ring)
{
    struct str value = sip_msg_value(m, SIP_HDR_REFERRED_BY), cid;
    const struct sip_hdr *id = sip_msg_named(m, STR("Content-ID"));
    struct sip_addr addr;
    struct str part[2];

    if (value.n == 0) {
        return STR("");
    }
    part[0] = header_line(a, "Referred-By", value);
    part[1] = STR("");
    if (sip_msg_body(m).n > 0 && sip_msg_addr(m, SIP_HDR_REFERRED_BY, &addr) == 0 &&
        sip_param(addr.params, STR("cid"), &cid)) {
        ring->type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE);
        ring->body = sip_msg_body(m);
        part[1] = id == NULL ? STR("") : header_line(a, "Content-ID", sip_hdr_value(m, id));
    }
    return arena_join(a, part, ARRAY_LEN(part));
}

/** The header lines of the INVITE. Absent: no memory */
static struct str invite_lines(struct referral *r, const struct sip_msg *m,
                               const struct wish *w, struct ring *ring)
{
    struct call *c = r->call;
    struct arena *a = c->layer->scratch;
    struct str part[] = {r->x->uui_lines, sip_embedded_lines(a, &w->embedded),
                         referred_by(a, m, ring)};

    if (part[1].p == NULL || part[2].p == NULL) {
        return STR_NONE;
    }
    if (ring->body.n == 0) { /* what names a body is said only where that goes along */
        r->lines = arena_dup(&c->arena, part[2]);
    }
    return arena_join(a, part, ARRAY_LEN(part));
}

static unsigned resolve(struct referral *r, const struct wish *w, struct destination *dest)
{
    struct call_layer *l = r->call->layer;

    if (!destination_of_uri(l, &w->uri, dest)) {
        return 404;
    }
    if (!destination_permitted(l, r->by->conn->device, dest)) {
        return 403;
    }
    if (dest->device == NULL) {
        return 0;
    }
    if (dest->device == r->by->conn->device ||
        dest->device == call_other(r->by->conn)->device) {
        return 482; /* it is in the call already */
    }
    return registrar_find(l->registrar, dest->device->key) == NULL ? 480 : 0;
}

/** What the call had goes to the new party as well (context_move). @return false: no memory */
static bool carry_context(struct referral *r, const struct wish *w, struct str to,
                          struct uui_merged *joined)
{
    struct call *c = r->call;
    struct arena *a = c->layer->scratch;
    struct move m = {.how = UUI_MOVE_BLIND,
                     .by = r->by->conn,
                     .to = to,
                     .given = w->embedded.uui,
                     .had = c->uui};

    if (!context_move(c, &m, joined)) {
        return false;
    }
    r->x->uui_lines = arena_dup(&c->arena, call_uui_values_line(a, joined->values));
    return joined->values.n == 0 || r->x->uui_lines.n > 0;
}

static unsigned call_party(struct referral *r, const struct wish *w, const struct sip_msg *m,
                           uint64_t now_ms)
{
    struct call *c = r->call;
    struct ring ring = {.user = &referred_user};
    struct destination dest;
    struct uui_merged joined;
    unsigned status = resolve(r, w, &dest);

    if (status != 0) {
        return status;
    }
    r->x = call_add_connection(c, dest.device, dest.id);
    if (r->x == NULL) {
        return 503;
    }
    r->x->moved = "singleStepTransfer";
    ring.lines = !carry_context(r, w, context_domain_of(c->layer, &dest), &joined)
                     ? STR_NONE
                     : invite_lines(r, m, w, &ring);
    if (ring.lines.p == NULL) {
        return 503;
    }
    trail_referred(r->x, r->by->conn, joined.fresh);
    ring.trail = r->x->trail != NULL;
    status = call_invite_with(r->x, &dest, call_other(r->by->conn), &ring, now_ms);
    if (status == 0) {
        referral_start(r, now_ms);
    }
    return status;
}

/* ---- carrying it out ---- */

static unsigned start(struct referral *r, const struct wish *w, const struct sip_msg *m,
                      uint64_t now_ms)
{
    struct leg_layer *legs = r->call->layer->legs;
    struct dialog *named = NULL;
    unsigned status;

    if (str_is_set(w->embedded.replaces)) {
        named = dialog_find_parts(legs, w->replaces.call_id, w->replaces.to_tag,
                                  w->replaces.from_tag);
    }
    if (named == NULL) {
        return call_party(r, w, m, now_ms); /* the dialog is one of the target's own */
    }
    status = merge_borrow(r, named, w->replaces.early_only);
    if (status == 0 && !merge_contexts(r, w->embedded.uui)) {
        status = 503;
    }
    if (status == 0) {
        merge_go(r, now_ms);
    }
    return status;
}

/** Who refers, as a REFER without a dialog says it. */
static struct str referrer_of(const struct sip_msg *m)
{
    struct sip_addr addr;

    return (sip_msg_has(m, SIP_HDR_REFERRED_BY) &&
            sip_msg_addr(m, SIP_HDR_REFERRED_BY, &addr) == 0) ||
                   sip_msg_addr(m, SIP_HDR_FROM, &addr) == 0
               ? addr.uri_text
               : STR_NONE;
}

unsigned call_refer_read(struct arena *a, const struct sip_msg *m, struct call_reference *out,
                         struct str *reason)
{
    struct refusal no;
    struct ring ring = {0};
    struct str part[2];
    struct wish w;

    no = read_wish(a, m, &w);
    *reason = no.reason;
    if (no.status != 0) {
        return no.status;
    }
    part[0] = sip_embedded_lines(a, &w.embedded);
    part[1] = referred_by(a, m, &ring);
    *out = (struct call_reference){
        .to = w.embedded.uri, .uui = w.embedded.uui, .by = referrer_of(m), .quiet = w.quiet};
    out->lines = arena_join(a, part, ARRAY_LEN(part));
    return part[0].p == NULL || part[1].p == NULL || out->lines.p == NULL ? 500 : 0;
}

unsigned call_refer_target(struct call_layer *l, const struct sip_msg *m,
                           const struct device *device, const struct call_progress *heard,
                           uint64_t now_ms)
{
    struct sip_replaces named;
    struct dialog *d = NULL;
    struct refusal no;
    struct branch *b;
    struct referral *r;
    struct wish w;
    unsigned status;

    if (sip_replaces_parse(sip_msg_value(m, SIP_HDR_TARGET_DIALOG), &named) == 0) {
        d = dialog_find_parts(l->legs, named.call_id, named.to_tag, named.from_tag);
    }
    b = d == NULL ? NULL : branch_of_leg(d->leg);
    if (b == NULL) {
        return 481;
    }
    if (device != b->conn->device || b->conn->stem != b) {
        return 403;
    }
    no = judge(b, m);
    no = no.status == 0 ? read_wish(l->scratch, m, &w) : no;
    r = no.status != 0 ? NULL : referral_new(b, d, 0);
    if (r == NULL) {
        return no.status != 0 ? no.status : 500;
    }
    r->leg = NULL; /* its own dialog is not where it is told */
    r->heard = *heard;
    progress_tell(r, 100, false, now_ms);
    status = start(r, &w, m, now_ms);
    if (status != 0) {
        referral_fail(r, status, now_ms);
    }
    return 0;
}

/** As read_wish, of a party of a call. */
static struct refusal read_wish_of(const struct connection *by, const struct sip_msg *m,
                                   struct wish *w)
{
    struct refusal no = read_wish(by->call->layer->scratch, m, w);

    if (no.status == 0 && w->embedded.uui.n == 0) {
        w->embedded.uui = uus_for_target(by, m);
    }
    return no;
}

static bool accept(struct referral *r, struct txn *t, const struct wish *w, uint64_t now_ms)
{
    struct leg *leg = r->by->leg;
    struct leg_content content = {.lines = w->quiet ? STR("Refer-Sub: false\r\n") : STR_NONE};

    if (leg_answer(leg, t, w->quiet ? 200 : 202, STR_NONE, &content, now_ms) == E_NOMEM) {
        leg_refuse(leg, t, 500, now_ms);
        return false;
    }
    if (w->quiet) {
        progress_stop(r);
    } else {
        progress_tell(r, 100, false, now_ms);
    }
    return true;
}

static void refuse(struct branch *from, struct txn *t, const struct refusal *no,
                   uint64_t now_ms)
{
    struct leg_content content = {.lines = no->lines};

    if (leg_answer(from->leg, t, no->status, no->reason, &content, now_ms) == E_NOMEM) {
        leg_refuse(from->leg, t, no->status, now_ms);
    }
}

void refer_request(struct branch *from, struct dialog *d, struct txn *t,
                   const struct sip_msg *m, uint64_t now_ms)
{
    struct refusal no = judge(from, m);
    struct sip_cseq cseq = {0};
    struct referral *r;
    struct wish w;
    unsigned status;

    if (no.status == 0) {
        no = read_wish_of(from->conn, m, &w);
    }
    (void)sip_msg_cseq(m, &cseq);
    r = no.status == 0 ? referral_new(from, d, cseq.number) : NULL;
    if (r == NULL) {
        no.status = no.status == 0 ? 500 : no.status;
        refuse(from, t, &no, now_ms);
        return;
    }
    if (!accept(r, t, &w, now_ms)) {
        progress_stop(r);
        referral_fail(r, 500, now_ms);
        return;
    }
    status = start(r, &w, m, now_ms);
    if (status != 0) {
        referral_fail(r, status, now_ms);
    }
}

/* ---- SUBSCRIBE ---- */

static bool is_id(struct str params, const struct referral *r)
{
    struct str id;
    uint32_t n;

    return !sip_param(params, STR("id"), &id) ? !r->with_id : str_to_u32(id, &n) && n == r->id;
}

bool refer_subscribe(struct branch *from, struct txn *t, const struct sip_msg *m,
                     uint64_t now_ms)
{
    struct str params;
    struct leg_content content = {0};
    uint32_t expires = 1;

    if (!str_ieq(sip_value_head(sip_msg_value(m, SIP_HDR_EVENT), &params), STR("refer"))) {
        return false;
    }
    list_each(it, &from->conn->call->referrals)
    {
        struct referral *r = list_entry(it, struct referral, link);
        if (r->by != from || r->leg == NULL || r->final || !is_id(params, r)) {
            continue;
        }
        (void)sip_msg_number(m, SIP_HDR_EXPIRES, &expires);
        content.lines = arena_fmt(from->conn->call->layer->scratch, "Expires: %u\r\n",
                                  expires == 0 ? 0 : progress_left_s(r, now_ms));
        call_answer_request(from->leg, t, 200, &content, now_ms);
        if (expires == 0) {
            r->final = true;
            r->reason = "timeout";
        }
        progress_repeat(r, now_ms);
        return true;
    }
    call_answer_request(from->leg, t, 403, &content, now_ms);
    return true;
}
