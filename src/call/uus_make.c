/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISUP messages that Baton makes (isdn/make.h), for a neighbour with `isup: create` who is
 * called by, or calls, somebody without ISUP.
 *
 *     INVITE, with User-to-User    IAM
 *     first 1xx                    ACM        further ones   CPG
 *     200 to it                    ANM; CON when there was no ACM
 *     BYE, refusal                 REL        200 to BYE     RLC
 *
 * A LEG IS AN ISUP LEG when its INVITE has an ISUP message, the neighbour's own or one that was
 * made. In it every message above gets its ISUP message unless it brings one, with User-to-User
 * or without: an exchange wants them all, and in their order. In a leg that began without one
 * none is made, for a REL without an IAM means nothing.
 *
 * TRUE OR NOT AT ALL. An IAM needs a number that is called; one that is a name gets none, and
 * neither does an INVITE with a body that is neither a description nor multipart/mixed. Then
 * User-to-User goes in the header alone, which is counted and said. The caller's number is told
 * when it is known to be his (a device of ours, or asserted inside of our trust domain), and as
 * restricted when he wants that. The cause of a REL is that of a Reason header with Q.850, else
 * what RFC 3398 §8.2.6.1 makes of the status; a 3xx and a 487 have none.
 *
 * GTD (isdn/gtd_make.h), for a neighbour that speaks the dialect of Cisco's gateways, is made
 * for the User-to-User alone: each message that has some gets one, unless it brings one, and no
 * other does. It needs no number, and no message before it.
 */
#include "base/err.h"
#include "call/parts.h"
#include "history/reason.h"
#include "isdn/carried.h"
#include "isdn/gtd_make.h"
#include "isdn/wrap.h"

static void say(const struct connection *conn, uint64_t *count, const char *what)
{
    struct trace_ids ids = call_trace_ids(conn->call, conn);

    (*count)++;
    env_trace_of(conn->call->layer->env, TRACE_INFO, "call", &ids, "%s: %s, %.*s: %s",
                 conn->call->id, conn->policy.gtd_create ? "GTD" : "ISUP",
                 STR_ARG(str_upto(conn->id, 96)), what);
}

/* ---- the body that there is ---- */

static bool has_own_body(const struct leg_content *c)
{
    return c->pass != NULL && !c->no_body && !str_is_set(c->type) &&
           sip_msg_body(c->pass).n > 0;
}

/** @return false: it is encoded in some way, and not looked into */
static bool body_of(const struct leg_content *c, struct isdn_content *out)
{
    bool passed = has_own_body(c);

    *out = (struct isdn_content){c->type, c->body, c->disposition};
    if (passed) {
        *out = (struct isdn_content){sip_msg_value(c->pass, SIP_HDR_CONTENT_TYPE),
                                     sip_msg_body(c->pass),
                                     sip_msg_value(c->pass, SIP_HDR_CONTENT_DISPOSITION)};
    } else if (str_is_set(c->type) && !str_is_set(c->disposition) && c->pass != NULL) {
        out->disposition = sip_msg_value(c->pass, SIP_HDR_CONTENT_DISPOSITION);
    }
    return !passed || !sip_msg_has(c->pass, SIP_HDR_CONTENT_ENCODING);
}

/** Is there an ISUP message, or a GTD that stands for one? Something unreadable may have one.
 */
static bool has_isup(struct arena *a, const struct isdn_content *had)
{
    struct isdn_body found;

    return str_is_set(had->type) && (isdn_body_find(had->type, had->body, a, &found) != 0 ||
                                     (found.places & (ISDN_ISUP | ISDN_GTD)) != 0);
}

/** The body with that part; type absent: an ISUP message. @return false: it stays without */
static bool put_part(struct connection *to, struct isdn_part part,
                     const struct isdn_content *had, struct leg_content *content)
{
    struct call_layer *l = to->call->layer;
    struct isdn_wrapped w;
    struct str token =
        arena_fmt(l->scratch, "baton-%016llx", (unsigned long long)env_random64(l->env));
    int err;

    part.body = arena_dup(l->scratch, part.body);
    if (!str_is_set(part.body) || !str_is_set(token)) {
        return false;
    }
    err = str_is_set(part.type)
              ? isdn_wrap_part(l->scratch, had, &part, token, &w)
              : isdn_wrap(l->scratch, had, part.body, to->policy.isup_version, token, &w);
    if (err != 0) {
        return false;
    }
    content->type = w.all.type;
    content->body = w.all.body;
    content->disposition = str_is_set(w.all.disposition) ? w.all.disposition : STR("");
    content->sdp_at = w.sdp_at;
    content->sdp_n = w.sdp_n;
    content->no_body = false;
    l->uus.made++;
    return true;
}

static bool put(struct connection *to, const struct isup_new *m, const struct isdn_content *had,
                struct leg_content *content)
{
    char text[ISUP_MADE_MAX];
    struct out o;

    out_init(&o, text, sizeof(text));
    return isup_write(&o, m) == 0 &&
           put_part(to, (struct isdn_part){STR_NONE, out_str_of(&o)}, had, content);
}

/* ---- GTD ---- */

static bool make_gtd(struct connection *to, struct gtd_new *m, const struct isdn_content *had,
                     struct leg_content *content)
{
    uint64_t id[GTD_CALL_ID_LEN / sizeof(uint64_t)];
    char text[GTD_MADE_MAX];
    struct out o;

    for (size_t i = 0; i < ARRAY_LEN(id); i++) {
        id[i] = env_random64(to->call->layer->env);
    }
    m->call_id = str_make((const char *)id, sizeof(id));
    out_init(&o, text, sizeof(text));
    return gtd_write(&o, m) == 0 &&
           put_part(to, (struct isdn_part){STR("application/gtd"), out_str_of(&o)}, had,
                    content);
}

/** @return it has one now, or had one already */
static bool add_gtd(struct connection *to, struct gtd_new *m, struct leg_content *content)
{
    struct isdn_body found = {.n = 0};
    struct isdn_content had;
    bool readable = body_of(content, &had) &&
                    (!str_is_set(had.type) ||
                     isdn_body_find(had.type, had.body, to->call->layer->scratch, &found) == 0);

    if (readable && ((found.places & ISDN_GTD) != 0 || make_gtd(to, m, &had, content))) {
        return true;
    }
    say(to, &to->call->layer->uus.unmade, "User-to-User is in the header alone");
    return false;
}

static void gtd_invite(struct connection *to, struct str target, struct str uui,
                       struct leg_content *content)
{
    char called[ISUP_DIGITS_MAX + 1];
    struct gtd_new m = {.type = ISUP_IAM, .called = isup_number_of(target, called), .uui = uui};

    if (str_is_set(uui)) {
        (void)add_gtd(to, &m, content);
    }
}

static void gtd_pass(struct connection *to, enum uus_message kind, unsigned status,
                     struct str uui, struct leg_content *content)
{
    bool rings = kind == UUS_ANSWER && status < 200;
    struct gtd_new m = {.uui = uui};

    if (!str_is_set(uui) || kind == UUS_ENDED || kind == UUS_ELSEWHERE ||
        (status >= 300 && status < 400)) {
        return; /* a release completed has no room for it, a redirected call goes on */
    }
    m.type = !rings                             ? (kind == UUS_ANSWER ? ISUP_ANM : ISUP_REL)
             : (to->isup & CONN_ISUP_RANG) == 0 ? ISUP_ACM
                                                : ISUP_CPG;
    if (add_gtd(to, &m, content) && rings) {
        to->isup |= CONN_ISUP_RANG;
    }
}

/* ---- IAM ---- */

/** The number that is known to be his; absent: none is. */
static struct str number_of(const struct connection *conn, char buf[static ISUP_DIGITS_MAX + 1])
{
    const struct device *d = conn->device;

    if (d == NULL) {
        return conn->trusted ? isup_number_of(conn->id, buf) : STR_NONE;
    }
    return isup_number_of(
        str_is_set(d->tel) && d->tel.n > 0
            ? arena_fmt(conn->call->layer->scratch, "tel:%.*s", STR_ARG(d->tel))
            : d->uri,
        buf);
}

void isup_called(struct connection *from, const struct sip_msg *m)
{
    const struct leg_content content = {.pass = m};
    struct isdn_content had;

    from->isup = from->policy.isup_create && has_own_body(&content) &&
                         body_of(&content, &had) && has_isup(from->call->layer->scratch, &had)
                     ? CONN_ISUP
                     : 0;
}

void isup_invite(struct connection *to, struct str target, struct str uui,
                 struct leg_content *content)
{
    const struct call *c = to->call;
    const struct connection *caller = c->a != to ? c->a : c->b;
    struct isup_new m = {.type = ISUP_IAM, .uui = uui};
    char called[ISUP_DIGITS_MAX + 1], calling[ISUP_DIGITS_MAX + 1];
    struct isdn_content had;
    bool plain;

    to->isup = 0;
    if (to->policy.gtd_create) {
        gtd_invite(to, target, uui, content);
    }
    if (!to->policy.isup_create) {
        return;
    }
    plain = body_of(content, &had);
    if (plain && has_isup(c->layer->scratch, &had)) {
        to->isup = CONN_ISUP;
        return;
    }
    if (!str_is_set(uui)) {
        return;
    }
    m.base = (uint8_t)isup_version_base(to->policy.isup_version);
    m.called = isup_number_of(target, called);
    if (caller != NULL && (to->trusted || !caller->restricted)) {
        m.calling = number_of(caller, calling);
        m.restricted = caller->restricted;
    }
    if (!plain || !str_is_set(m.called) || !put(to, &m, &had, content)) {
        say(to, &c->layer->uus.unmade, "no IAM can be made, User-to-User is in the header");
        return;
    }
    to->isup = CONN_ISUP;
}

/* ---- what follows it ---- */

/** Of our own lines, or of the message that passes; 0: nobody says. */
static uint32_t cause_said(const struct leg_content *c)
{
    struct str lines = c->lines, value;
    struct reason r;

    while (lines.n > 0) {
        struct str line = isdn_cut_line(&lines);
        if (!str_istarts(line, STR("Reason:"))) {
            continue;
        }
        line = str_trim(str_from(line, sizeof("Reason:") - 1));
        while (sip_list_next(&line, &value)) {
            if (reason_parse(value, &r) == 0 && r.has_cause &&
                str_ieq(r.protocol, STR("Q.850"))) {
                return r.cause;
            }
        }
    }
    return c->pass != NULL && reason_find(c->pass, STR("Q.850"), &r) ? r.cause : 0;
}

static bool draft_rel(struct isup_new *m, unsigned status, const struct leg_content *c)
{
    uint32_t cause = cause_said(c);

    if (status >= 300 && status < 400) {
        return false; /* it goes on elsewhere */
    }
    if (cause == 0 || cause > 127) {
        cause = status == 0 ? 16 : reason_q850_of_status(status);
    }
    m->type = ISUP_REL;
    m->cause = (uint8_t)cause;
    m->location = status == 0 || status >= 600 ? ISUP_BY_USER : ISUP_BY_NETWORK;
    return cause != 0;
}

static bool draft_answer(struct isup_new *m, unsigned status, bool rang)
{
    if (status >= 200) {
        m->type = rang || m->base == ISUP_ANSI ? ISUP_ANM : ISUP_CON;
    } else if (!rang) {
        m->type = ISUP_ACM;
        m->free = status == 180;
    } else {
        m->type = ISUP_CPG;
        m->event = status == 180   ? ISUP_EVENT_ALERTING
                   : status == 181 ? ISUP_EVENT_FORWARDED
                                   : ISUP_EVENT_PROGRESS;
    }
    return status != 100 && status != 199;
}

/** What belongs to that message. @return false: nothing */
static bool draft(struct isup_new *m, const struct connection *to, enum uus_message kind,
                  unsigned status, const struct leg_content *c)
{
    switch (kind) {
    case UUS_ANSWER:
        return draft_answer(m, status, (to->isup & CONN_ISUP_RANG) != 0);
    case UUS_REFUSAL:
        return draft_rel(m, status, c);
    case UUS_END:
        return draft_rel(m, 0, c);
    case UUS_ENDED:
        m->type = ISUP_RLC;
        m->uui = STR_NONE;
        return true;
    case UUS_ELSEWHERE:
        break;
    }
    return false;
}

void isup_pass(struct connection *to, enum uus_message kind, unsigned status, struct str uui,
               struct leg_content *content)
{
    struct isup_new m = {.base = (uint8_t)isup_version_base(to->policy.isup_version),
                         .uui = uui};
    struct isdn_content had;

    if (to->policy.gtd_create) {
        gtd_pass(to, kind, status, uui, content);
        return;
    }
    if ((to->isup & CONN_ISUP) == 0 || !draft(&m, to, kind, status, content)) {
        return;
    }
    if (!body_of(content, &had) ||
        (!has_isup(to->call->layer->scratch, &had) && !put(to, &m, &had, content))) {
        say(to, &to->call->layer->uus.unmade, "a message of the call goes without");
        return;
    }
    if (kind == UUS_ANSWER && status < 200) {
        to->isup |= CONN_ISUP_RANG;
    }
}
