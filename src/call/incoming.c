/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new INVITE: find out whom it is for, make the call, ring.
 *
 * Refusals that say nothing about a call (no such number, no room) are sent before there is
 * one. From then on the call exists for observers, and whatever goes wrong is told as Failed
 * and ConnectionCleared: an application sees the attempt.
 */
#include "base/err.h"
#include "call/parts.h"
#include "history/identity.h"

/**
 * Take the INVITE's leg for connection `a`.
 * @param room  peer on which the call has taken room, or NULL: the leg's from now on
 * @return false: it was answered, drop the call
 */
static bool take_leg(struct connection *a, const struct sip_msg *m, const struct hop *from,
                     const struct peer *room, const struct leg_user *user, uint64_t now_ms)
{
    struct call *c = a->call;
    struct branch *b = connection_add_branch(a);

    if (b == NULL) {
        return false;
    }
    b->leg = leg_incoming(c->layer->legs, m, from, user, b, now_ms);
    if (b->leg == NULL) {
        return false;
    }
    b->peer = room;
    a->stem = b;
    c->legs++;
    branch_watched(b, sip_msg_value(m, SIP_HDR_CALL_ID));
    return true;
}

struct connection *call_add_caller(struct call *c, const struct sip_msg *m,
                                   const struct hop *hop, struct device *device)
{
    const struct peer *peer =
        device == NULL ? directory_peer_from(c->layer->directory, hop) : NULL;
    struct sip_addr from;
    struct connection *a;
    struct str id = device != NULL ? device->uri : STR("sip:anonymous@anonymous.invalid");
    bool restricted = privacy_withholds(privacy_of(m));

    if (device == NULL && sip_msg_addr(m, SIP_HDR_P_ASSERTED_IDENTITY, &from) == 0) {
        id = from.uri_text;
    } else if (device == NULL && sip_msg_addr(m, SIP_HDR_FROM, &from) == 0) {
        id = from.uri_text;
        restricted = restricted || str_ieq(from.uri.host, STR("anonymous.invalid"));
    }
    a = call_add_connection(c, device, id);
    if (a != NULL) {
        a->restricted = restricted && device == NULL;
        a->outside = device == NULL;
        a->trusted = device == NULL && (peer == NULL || peer_is_inside(peer));
        a->host = peer != NULL ? arena_dup(&c->arena, peer->host) : STR_NONE;
        a->policy = peer != NULL ? peer->policy : a->policy;
        a->passes_refer = peer != NULL && peer->takes_refer;
    }
    return a;
}

static struct connection *add_caller(struct call *c, const struct sip_msg *m,
                                     const struct hop *hop, struct device *device)
{
    struct connection *a = call_add_caller(c, m, hop, device);

    if (a != NULL) {
        a->originating = true;
        a->state = CONN_CONNECTED;
        c->a = a;
        uus_called(a, m);
        c->uui_came = context_came(c->layer, SEAL_FORWARD, NULL);
        c->uui_came.message = c->layer->seal != NULL ? seal_message_of(c->layer->seal, m) : 0;
    }
    return a;
}

struct str call_without_tag(struct arena *arena, const struct sip_msg *m, enum sip_hdr_id id)
{
    struct sip_addr addr;
    struct str text;
    struct out o;
    char *buf;

    if (sip_msg_addr(m, id, &addr) != 0) {
        return STR_NONE;
    }
    if (!str_is_set(sip_addr_tag(&addr))) {
        return addr.text;
    }
    text =
        addr.bracketed
            ? str_upto(addr.text, (size_t)(addr.uri_text.p - addr.text.p) + addr.uri_text.n + 1)
            : addr.uri_text;
    buf = arena_alloc(arena, addr.text.n + 1);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, addr.text.n + 1); /* nothing is added but what stood there */
    out_str(&o, text);
    sip_params_write(&o, addr.params, STR("tag"));
    return o.over ? STR_NONE : out_str_of(&o);
}

const struct sip_msg *call_invite(const struct call *c)
{
    const struct leg *caller = connection_leg(c->a);

    return caller != NULL && !caller->uac && caller->invite != NULL &&
                   caller->invite->req != NULL
               ? &caller->invite->req->m
               : NULL;
}

struct disposition call_wishes(const struct call *c)
{
    const struct sip_msg *m = call_invite(c);
    struct disposition said = {0};

    if (m != NULL && sip_msg_has(m, SIP_HDR_REQUEST_DISPOSITION)) {
        disposition_read(m, &said);
    }
    return said;
}

/** For the log: what is behind a status that call_incoming_by begins with. */
static const char *why_refused(unsigned status)
{
    switch (status) {
    case 404:
        return ": no device has the number, and no peer takes it";
    case 416:
        return ": neither a sip nor a tel URI";
    case 481:
        return ": it replaces a dialog that nobody has";
    case 420:
        return ": it requires uui, which no peer of that number supports";
    case 483:
        return ": Max-Forwards is used up; does it go round in a circle?";
    default:
        return "";
    }
}

static void refuse_because(struct call_layer *l, const struct sip_msg *m,
                           const struct hop *from, unsigned status, struct str reason,
                           const char *why, const char *lines, uint64_t now_ms)
{
    struct txn *t = txn_server_new(l->legs->txn, m, from, NULL, NULL, now_ms);
    struct txn_reply r = {.status = status, .reason = reason, .lines = str_c(lines)};
    struct trace_ids ids = {.sip_call = sip_msg_value(m, SIP_HDR_CALL_ID)};
    struct sip_addr who = {0};

    (void)sip_msg_addr(m, SIP_HDR_FROM, &who);
    env_trace_of(l->env, TRACE_INFO, "call", &ids, "%.*s calls %.*s: refused, %u %s%s",
                 STR_ARG(str_upto(who.uri_text, 96)), STR_ARG(str_upto(sip_msg_ruri(m), 96)),
                 status, sip_reason(status), why);

    if (t == NULL) {
        (void)txn_reply_stateless(l->legs->txn, m, from, &r);
    } else {
        (void)txn_reply(t, &r, now_ms);
    }
}

void call_refuse(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                 unsigned status, const char *lines, uint64_t now_ms)
{
    refuse_because(l, m, from, status, STR_NONE, "", lines, now_ms);
}

/**
 * A number goes to a peer that fits what the request demands. Whether phones do is seen when
 * they are looked up; the device may have been forwarded. @return 0 or the status of the
 * refusal
 */
static unsigned suits_peer(struct call_layer *l, const struct sip_msg *m,
                           struct destination *to)
{
    const char *line;
    struct demand w;
    enum fit f;
    int err;

    if (to->peer == NULL) {
        return 0;
    }
    err = demand_read(m, l->scratch, &w);
    if (err != 0) {
        return err == E_TOOMANY ? 400 : 503;
    }
    f = w.uui || w.prefers ? destination_fit(l, &w, to) : FIT_YES;
    return fits(f) ? 0 : fit_status(f, &line);
}

/** Where it goes first. @return 0 or the status of the refusal */
static unsigned first_destination(struct call_layer *l, const struct sip_msg *m,
                                  const struct call_plan *plan, struct destination *to)
{
    struct sip_uri uri;
    uint32_t at, hops;

    if (sip_msg_number(m, SIP_HDR_MAX_FORWARDS, &hops) == 0 && hops == 0) {
        return 483;
    }
    if (asked_wanted(l, plan)) {
        asked_place(plan, to);
        return 0;
    }
    if (plan != NULL && plan->refer_count > 0 && away_suits(m)) {
        *to = (struct destination){.id = plan->called};
        return 0;
    }
    if (plan != NULL) {
        *to = plan->count > 0 ? plan->to[0] : *to;
        return plan->count > 0 ? 0 : 480;
    }
    if (sip_uri_parse(sip_msg_ruri(m), 0, &uri, &at) != 0 || uri.scheme == SIP_SCHEME_OTHER) {
        return 416;
    }
    return destination_of_uri(l, &uri, to) ? suits_peer(l, m, to) : 404;
}

static void drop(struct call *c)
{
    if (c != NULL) {
        c->phase = CALL_ENDING;
        call_check_dead(c);
    }
}

/** A call with both its connections. NULL: the INVITE was answered */
static struct call *new_call(struct call_layer *l, const struct sip_msg *m,
                             const struct hop *from, struct device *device,
                             const struct call_plan *plan, const struct destination *to,
                             uint64_t now_ms)
{
    struct call *c = call_new(l);

    if (c != NULL) {
        c->sips = sip_msg_is_sips(m);
        c->called = arena_dup(&c->arena, to->id);
        if (add_caller(c, m, from, device) != NULL && context_received(c, m) &&
            (plan == NULL || hunt_begin(c, plan, m) == 0) &&
            (c->b = call_add_connection(c, to->device, to->id)) != NULL) {
            return c;
        }
        drop(c);
    }
    call_refuse(l, m, from, 503, "Retry-After: 5\r\n", now_ms);
    return NULL;
}

void call_incoming(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                   struct device *device, uint64_t now_ms)
{
    call_incoming_by(l, m, from, device, NULL, now_ms);
}

void call_incoming_by(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                      struct device *device, const struct call_plan *plan, uint64_t now_ms)
{
    const struct peer *caller = device == NULL ? directory_peer_from(l->directory, from) : NULL;
    bool away = plan != NULL && plan->refer_count > 0 && away_suits(m);
    struct destination to = {0};
    struct str reason;
    struct call *c;
    unsigned status = first_destination(l, m, plan, &to);

    if (call_replace(l, m, from, device, now_ms) ||
        (status == 0 && replace_parked(l, m, from, device, to.device, now_ms))) {
        return;
    }
    if (status == 404 && sip_msg_has(m, SIP_HDR_REPLACES)) {
        status = 481; /* it is for a dialog, which nobody has, and not for a number */
    }
    if (status != 0) {
        refuse_because(l, m, from, status, STR_NONE, why_refused(status),
                       status == 420 ? UNSUPPORTED_UUI : NULL, now_ms);
        return;
    }
    if (!privacy_is_possible(l->scratch, m, to.peer != NULL && peer_is_inside(to.peer), false,
                             &reason)) {
        refuse_because(l, m, from, 500, reason, "", NULL, now_ms);
        return;
    }
    if (!call_room_for(l, device)) {
        /* 503 would send the phone to our twin */
        refuse_because(l, m, from, 403, STR_NONE, ": calls.per_device is reached", NULL,
                       now_ms);
        return;
    }
    if (caller != NULL && !peer_enter(caller)) {
        call_refuse(l, m, from, 503, "Retry-After: 5\r\n", now_ms);
        return;
    }
    c = new_call(l, m, from, device, away ? NULL : plan, &to, now_ms);
    if (c == NULL ||
        !take_leg(c->a, m, from, caller, away ? &away_user : &caller_user, now_ms)) {
        drop(c);
        if (caller != NULL) {
            peer_release(caller);
        }
        return;
    }
    media_received(c->a, m);
    call_tell(&(struct call_event){.kind = CALL_EV_ORIGINATED,
                                   .call = c,
                                   .subject = c->a,
                                   .calling = c->a,
                                   .calling_id = c->a->id,
                                   .called_id = c->called,
                                   .uui_to = c->uui,
                                   .uui_to_came = c->uui_came,
                                   .cause = "newCall",
                                   .now_ms = now_ms});
    if (away) {
        status = away_begin(c, plan, now_ms);
        if (status != 0) {
            call_setup_failed(c, status, NULL, now_ms);
        }
        return;
    }
    if (asked_wanted(l, plan)) {
        status = asked_begin(c, plan, now_ms);
        if (status != 0) {
            call_setup_failed(c, status, NULL, now_ms);
        }
        return;
    }
    status = forward_before(c, &to, now_ms);
    status = status != 0 ? status : hunt_ring(c, &to, m, now_ms);
    if (status != 0 && !forward_after(c, status, now_ms) && !hunt_next(c, status, now_ms)) {
        call_setup_failed(c, status, NULL, now_ms);
    }
}
