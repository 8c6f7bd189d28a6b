/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of a request: transaction, dialog, then the role that its method asks for.
 *
 * The order is that of RFC 3261 §8.2: what it is (scheme, method), what it demands
 * (Require), who sent it, and only then what it wants. One table says which methods begin
 * something here and what the others are told.
 *
 * STRANGERS. Who has not proven who he is gets his answer without a transaction: it costs
 * no memory and is sent once for each request, never repeated by us (RFC 3261 §8.2.7,
 * §26.3.2.4). So nobody fills the table of transactions, or has us send eleven responses for
 * one INVITE to an address that is not his. From identify on, requests have transactions: their
 * credentials count once only, so repetitions must be absorbed.
 */
#include "base/err.h"
#include "engine/parts.h"

void dispatch_reply(struct engine *e, const struct sip_msg *m, const struct hop *from,
                    const struct txn_reply *r, uint64_t now_ms)
{
    struct txn *t;

    if (m->method == SIP_METHOD_ACK) {
        return;
    }
    report_refusal(e, m, from, r);
    t = txn_server_new(&e->txn, m, from, NULL, NULL, now_ms);
    if (t != NULL) {
        (void)txn_reply(t, r, now_ms);
        return;
    }
    e->count.refused++;
    (void)txn_reply_stateless(
        &e->txn, m, from,
        &(struct txn_reply){.status = 503, .lines = STR("Retry-After: 5\r\n")});
}

void dispatch_status(struct engine *e, const struct sip_msg *m, const struct hop *from,
                     unsigned status, uint64_t now_ms)
{
    dispatch_reply(e, m, from, &(struct txn_reply){.status = status}, now_ms);
}

void dispatch_stranger(struct engine *e, const struct sip_msg *m, const struct hop *from,
                       const struct txn_reply *r)
{
    struct txn_reply modest = *r;

    modest.lines = gate_modest(m, from, r);
    report_refusal(e, m, from, r);
    (void)txn_reply_stateless(&e->txn, m, from, &modest); /* not sent: it comes again */
}

static void stranger(struct engine *e, const struct sip_msg *m, const struct hop *from,
                     unsigned status)
{
    dispatch_stranger(e, m, from, &(struct txn_reply){.status = status});
}

/* ---- roles ---- */

static void on_register(struct engine *e, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    struct registrar_answer answer;
    struct identity who;
    struct sip_addr to;
    struct device *d;

    if (sip_msg_addr(m, SIP_HDR_TO, &to) != 0) {
        stranger(e, m, from, 400);
        return;
    }
    if (!identify(e, m, from, true, &who, now_ms)) {
        return;
    }
    d = directory_device_of_uri(e->config.directory, &to.uri);
    if (d == NULL) {
        dispatch_status(e, m, from, 404, now_ms);
        return;
    }
    if (who.device != d && who.peer == NULL) {
        e->count.auth_failed++;
        dispatch_status(e, m, from, 403, now_ms);
        return;
    }
    registrar_register(&e->registrar, m, d->key, from, now_ms, &e->scratch, &answer);
    dispatch_reply(e, m, from,
                   &(struct txn_reply){
                       .status = answer.status, .reason = answer.reason, .lines = answer.lines},
                   now_ms);
}

static void on_invite(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    struct identity who;
    bool csta = cti_wants(m);

    if (!identify(e, m, from, !csta, &who, now_ms)) {
        return;
    }
    if (csta && who.application != NULL) {
        report_request(e, TRACE_INFO, "cti", m, from, "%.*s opens a CSTA session",
                       STR_ARG(who.application->name));
        cti_incoming(e->cti, m, from, who.application, now_ms);
    } else if (csta || who.application != NULL) {
        dispatch_reply(e, m, from,
                       &(struct txn_reply){
                           .status = 403,
                           .reason = csta ? STR("Only Applications Open CSTA Sessions")
                                          : STR("Applications Make Calls by CSTA"),
                       },
                       now_ms);
    } else {
        call_incoming(&e->calls, m, from, who.device, now_ms);
    }
}

/** A request of CSTA without a session, when such are taken. @return false: it is none */
static bool csta_once(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    struct identity who;

    if (!cti_takes_once(e->cti, m)) {
        return false;
    }
    if (!identify(e, m, from, false, &who, now_ms)) {
        return true;
    }
    if (who.application != NULL) {
        cti_once(e->cti, m, from, who.application, now_ms);
    } else {
        dispatch_reply(
            e, m, from,
            &(struct txn_reply){.status = 403, .reason = STR("Only Applications Send CSTA")},
            now_ms);
    }
    return true;
}

/** A NOTIFY of uaCSTA, or of whatever else. */
static void on_notify(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    if (!str_ieq(sip_msg_value(m, SIP_HDR_EVENT), STR("uaCSTA"))) {
        events_notify(e, m, from, now_ms);
    } else if (!csta_once(e, m, from, now_ms)) {
        dispatch_stranger(
            e, m, from,
            &(struct txn_reply){.status = 489,
                                .lines = STR("Allow-Events: " EVENT_ALLOW "\r\n")});
    }
}

static void no_dialog(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    e->count.no_dialog++;
    (void)now_ms;
    stranger(e, m, from, 481);
}

static void on_info(struct engine *e, const struct sip_msg *m, const struct hop *from,
                    uint64_t now_ms)
{
    if (!csta_once(e, m, from, now_ms)) {
        no_dialog(e, m, from, now_ms);
    }
}

static void not_here(struct engine *e, const struct sip_msg *m, const struct hop *from,
                     uint64_t now_ms)
{
    struct txn_reply r = {.status = 405};

    r.lines = arena_fmt(&e->scratch, "Allow: %.*s\r\n", STR_ARG(e->legs.config.allow));
    (void)now_ms;
    dispatch_stranger(e, m, from, &r);
}

typedef void (*role_fn)(struct engine *, const struct sip_msg *, const struct hop *, uint64_t);

/** What a request outside of any dialog leads to. NULL: not implemented (501). */
static const role_fn roles[] = {
    [SIP_METHOD_INVITE] = on_invite,           [SIP_METHOD_REGISTER] = on_register,
    [SIP_METHOD_OPTIONS] = options_asked,      [SIP_METHOD_BYE] = no_dialog,
    [SIP_METHOD_CANCEL] = no_dialog,           [SIP_METHOD_PRACK] = no_dialog,
    [SIP_METHOD_UPDATE] = no_dialog,           [SIP_METHOD_INFO] = on_info,
    [SIP_METHOD_SUBSCRIBE] = events_subscribe, [SIP_METHOD_NOTIFY] = on_notify,
    [SIP_METHOD_PUBLISH] = events_publish,     [SIP_METHOD_REFER] = refer_outside,
    [SIP_METHOD_MESSAGE] = not_here,
};

/* ---- sips ---- */

/** Does it say a Contact that is none although its Request-URI is sips (RFC 5630 §5.1.2)? */
static bool has_plain_contact(const struct sip_msg *m)
{
    struct sip_values it = {0};
    struct sip_addr a;
    struct str value;
    uint32_t at;

    while (m->method != SIP_METHOD_REGISTER && sip_msg_each(m, SIP_HDR_CONTACT, &it, &value)) {
        if (sip_addr_parse(value, &a, &at) == 0 && a.uri.scheme == SIP_SCHEME_SIP) {
            return true;
        }
    }
    return false;
}

/**
 * A sips request comes over TLS and names its sender by sips, or it is refused before it is
 * looked at (RFC 3261 §26.2.2, RFC 5630 §4.1). The registrar has rules of its own for contacts.
 * @return true: it is in order
 */
static bool sips_in_order(const struct sip_msg *m, const struct hop *from, struct txn_reply *r)
{
    *r = (struct txn_reply){0};
    if (!sip_msg_is_sips(m) || m->method == SIP_METHOD_ACK) {
        return true;
    }
    if (!transport_is_secure((enum transport)from->transport)) {
        r->status = 480;
        r->lines = STR(SIPS_NOT_ALLOWED);
    } else if (has_plain_contact(m)) {
        r->status = 400;
        r->reason = STR("sips Request With A sip Contact");
    }
    return r->status == 0;
}

/* ---- what it is and what it demands ---- */

static bool is_known_tag(enum sip_method method, struct str tag)
{
    static const struct str always[] = {STR_INIT("timer"),      STR_INIT("100rel"),
                                        STR_INIT("uui"),        STR_INIT("replaces"),
                                        STR_INIT("norefersub"), STR_INIT("tdialog")};
    static const struct str registering[] = {STR_INIT("path"), STR_INIT("gruu"),
                                             STR_INIT("outbound")};

    for (size_t i = 0; i < ARRAY_LEN(always); i++) {
        if (str_ieq(tag, always[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(registering) && method == SIP_METHOD_REGISTER; i++) {
        if (str_ieq(tag, registering[i])) {
            return true;
        }
    }
    return false;
}

/**
 * Option tags that a request may demand of us outside of an INVITE (RFC 3261 §8.2.2.3). The
 * answer names those that fit in a short line: a request may have thousands.
 */
static bool demands_met(struct engine *e, const struct sip_msg *m, const struct hop *from)
{
    char text[512];
    struct str tag;
    struct sip_values it = {0};
    struct out o;
    bool met = true;

    out_init(&o, text, sizeof(text) - 2);
    while (sip_msg_each(m, SIP_HDR_REQUIRE, &it, &tag)) {
        if (!is_known_tag((enum sip_method)m->method, tag)) {
            if (met || tag.n + 2 <= o.cap - o.n) {
                out_c(&o, met ? "Unsupported: " : ", ");
                out_str(&o, tag);
            }
            met = false;
        }
    }
    if (!met) {
        struct str lines = STR_NONE;
        if (!o.over) {
            memcpy(text + o.n, "\r\n", 2);
            lines = str_make(text, o.n + 2);
        }
        dispatch_stranger(e, m, from, &(struct txn_reply){.status = 420, .lines = lines});
    }
    return met;
}

static bool scheme_known(const struct sip_msg *m)
{
    struct sip_uri uri;
    uint32_t at;

    return sip_uri_parse(sip_msg_ruri(m), 0, &uri, &at) == 0 && uri.scheme != SIP_SCHEME_OTHER;
}

static void begin(struct engine *e, const struct sip_msg *m, const struct hop *from,
                  uint64_t now_ms)
{
    role_fn role = m->method < ARRAY_LEN(roles) ? roles[m->method] : NULL;

    if (e->stopping && role != NULL) {
        dispatch_stranger(
            e, m, from,
            &(struct txn_reply){.status = 503, .lines = STR("Retry-After: 30\r\n")});
    } else if (scheme_known(m) && steer(e, m, from, now_ms)) {
        return;
    } else if (role == NULL) {
        e->count.unknown_method++;
        stranger(e, m, from, 501);
    } else if (!scheme_known(m)) {
        stranger(e, m, from, 416);
    } else if (demands_met(e, m, from)) {
        role(e, m, from, now_ms);
    }
}

static void on_cancel(struct engine *e, struct txn *invite, const struct sip_msg *m,
                      const struct hop *from, uint64_t now_ms)
{
    if (proxy_on_cancel(&e->proxy, invite, m, from, now_ms)) {
        return;
    }
    if (invite->owner != NULL) {
        leg_on_cancel(&e->legs, invite, m, from, now_ms);
    } else {
        dispatch_status(e, m, from, 200, now_ms); /* it was refused already: no effect (§9.2) */
    }
}

/**
 * Is it for a dialog whose tags a lamp has told to others, and not from where its party is?
 * Then knowing them proves nothing, and the sender has to. An ACK cannot be asked: it passes.
 * @return true: it has been answered
 */
static bool is_impostor(struct engine *e, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    const struct dialog *d = e->legs.told > 0 ? dialog_find(&e->legs, m) : NULL;
    struct identity who;

    if (d == NULL || d->leg == NULL || !d->leg->told || m->method == SIP_METHOD_ACK ||
        (from->transport == d->leg->hop.transport &&
         addr_eq(&from->remote, &d->leg->hop.remote))) {
        return false;
    }
    if (!gate_stranger(e, m, from, now_ms) || !identify(e, m, from, true, &who, now_ms)) {
        return true;
    }
    if (who.peer != NULL || (who.device != NULL && who.device == call_device_of_leg(d->leg))) {
        return false; /* a trusted peer may have phones behind it */
    }
    dispatch_status(e, m, from, 403, now_ms);
    return true;
}

/**
 * Is it for a dialog of others, and addressed to one of our phones by its GRUU, since nobody on
 * the way has record-routed (RFC 5627 §6.1)? Then it goes to where that phone is, for a sender
 * who proves who he is; an ACK cannot be asked. @return true: it has been dealt with
 */
static bool is_to_gruu(struct engine *e, const struct sip_msg *m, const struct hop *from,
                       uint64_t now_ms)
{
    const struct directory *dir = e->config.directory;
    bool ack = m->method == SIP_METHOD_ACK;
    struct identity who;
    struct sip_uri u;
    struct str gr;
    uint32_t at;

    if (sip_msg_has(m, SIP_HDR_ROUTE) || sip_uri_parse(sip_msg_ruri(m), 0, &u, &at) != 0 ||
        !gruu_in_uri(&u, &gr) || !directory_is_ours(dir, &u)) {
        return false;
    }
    if (!gate_stranger(e, m, from, now_ms) ||
        (!ack && !identify(e, m, from, true, &who, now_ms)) ||
        proxy_to_gruu(&e->proxy, m, from, now_ms) || ack) {
        return true;
    }
    dispatch_status(e, m, from, directory_device_of_uri(dir, &u) != NULL ? 480 : 404, now_ms);
    return true;
}

void dispatch_request(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    struct txn_reply no;
    struct txn *t = NULL;

    e->identified = NULL;
    switch (txn_on_request(&e->txn, m, from, now_ms, &t)) {
    case TXN_IN_ABSORBED:
        return;
    case TXN_IN_CANCEL:
        on_cancel(e, t, m, from, now_ms);
        return;
    case TXN_IN_MERGED:
        if (proxy_owns(t)) {
            break; /* another branch of a fork upstream, or a spiral (RFC 3261 §16.3) */
        }
        stranger(e, m, from, 482);
        return;
    case TXN_IN_ACK:
        if (!leg_on_request(&e->legs, m, from, now_ms) &&
            !proxy_on_request(&e->proxy, m, from, now_ms)) {
            (void)is_to_gruu(e, m, from, now_ms);
        }
        return;
    case TXN_IN_NEW:
        break;
    }
    if (!sips_in_order(m, from, &no)) {
        if (gate_stranger(e, m, from, now_ms)) {
            dispatch_stranger(e, m, from, &no);
        }
        return;
    }
    if (str_is_set(sip_msg_tag(m, SIP_HDR_TO))) {
        if (!is_impostor(e, m, from, now_ms) && !leg_on_request(&e->legs, m, from, now_ms) &&
            !events_in_dialog(e, m, from, now_ms) &&
            !proxy_on_request(&e->proxy, m, from, now_ms) && !is_to_gruu(e, m, from, now_ms) &&
            gate_stranger(e, m, from, now_ms)) {
            no_dialog(e, m, from, now_ms);
        }
        return;
    }
    if (gate_begin(e, m, from, now_ms)) {
        begin(e, m, from, now_ms);
    }
}
