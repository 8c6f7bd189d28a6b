/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-user signalling towards the ISDN (RFC 7434, ITU-T Q.957.1): service 1, implicit.
 *
 * In the ISDN the service is asked for by having user-to-user information in the SETUP, and is
 * there for that call only. A neighbour with `isdn` is such a network, or leads to one, and its
 * connections have a state:
 *
 *     closed ──► open       the INVITE of that leg, in whatever direction, has one valid
 * isdn-uui open   ──► closed     … which was too long; and when the call has been transferred
 * (§3.2)
 *
 * While it is closed isdn-uui goes neither to that party nor counts when it comes from it, in
 * any message (§7: "if not included in the initial INVITE … SHALL NOT be used"). While it is
 * open it may stand in 101-199 and 2xx to the INVITE, BYE and 2xx to BYE, nowhere else: not in
 * a re-INVITE, UPDATE, INFO, ACK, nor in a refusal unless the neighbour has `uui_in_failure`.
 * Of several values none counts. What is longer than an ISDN carries is left out and the
 * message goes on: the ISDN would do the same without telling anybody. All of that is counted
 * and traced; other packages pass, for a gateway that does not know them ignores them.
 *
 * SIP-I. A neighbour with `isup_body` reads and writes the same octets in ISUP (or GTD) bodies.
 * From him they become a header, to him the header's are put into the body; if both have some
 * and they differ, isdn_settle says which count. In a REFER or 3xx a body speaks for the new
 * target, if the URI does not (uus_for_target).
 *
 * ONE DOOR. Every message that the call layer hands to a leg and that could have User-to-User
 * passes uus_invite or uus_pass right before. Where no neighbour is an ISDN that is two tests.
 */
#include "base/err.h"
#include "call/parts.h"
#include "isdn/carried.h"

static bool is_isdn(const struct connection *conn)
{
    return conn != NULL && conn->policy.isdn;
}

static bool reads_bodies(const struct connection *conn)
{
    return conn != NULL && conn->policy.isup_body;
}

bool uus_concerns(const struct connection *from, const struct connection *to)
{
    return is_isdn(from) || is_isdn(to);
}

static void note(const struct connection *conn, uint64_t *count, const char *what)
{
    const struct call *c = conn->call;
    struct trace_ids ids = call_trace_ids(c, conn);

    (*count)++;
    env_trace_of(c->layer->env, TRACE_INFO, "call", &ids, "%s: User-to-User, %.*s: %s", c->id,
                 STR_ARG(str_upto(conn->id, 96)), what);
}

/* ---- what is there ---- */

static bool is_cut(const enum sip_hdr_id *cut)
{
    for (; cut != NULL && *cut != SIP_HDR_OTHER; cut++) {
        if (*cut == SIP_HDR_USER_TO_USER) {
            return true;
        }
    }
    return false;
}

static bool passes_header(const struct leg_content *c)
{
    return c->pass != NULL && !is_cut(c->cut) && sip_msg_has(c->pass, SIP_HDR_USER_TO_USER);
}

static bool passes_body(const struct leg_content *c)
{
    return c->pass != NULL && !c->no_body && !str_is_set(c->type) && isdn_body_may(c->pass);
}

/** Everything that `c` would carry. @param body  bodies count */
static void gather(const struct call_layer *l, const struct leg_content *c, bool body,
                   struct isdn_carried *out)
{
    const struct isdn_source s = {.m = c->pass,
                                  .header = passes_header(c),
                                  .body = body && passes_body(c),
                                  .lines = c->lines,
                                  .known = l->packages};

    isdn_gather(l->scratch, &s, out);
}

/* ---- changing it ---- */

static bool has_uui(struct str lines)
{
    while (lines.n > 0) {
        if (isdn_line_is_uui(isdn_cut_line(&lines))) {
            return true;
        }
    }
    return false;
}

/**
 * The header has this isdn-uui and no other; octets absent: none. Without memory the message
 * goes without any User-to-User, and if there was some among our own lines, without these.
 */
static void write_header(struct call *c, const struct isdn_carried *had, struct str octets,
                         struct leg_content *content)
{
    struct arena *a = c->layer->scratch;
    struct str first = call_uui_values(call_uui_line(a, octets));
    struct str values = had->crowded ? first : isdn_others(a, had, first);
    struct str lines = isdn_with_values(a, content->lines, values);

    if (!str_is_set(lines) && !has_uui(content->lines)) {
        lines = content->lines;
    }
    if (passes_header(content)) {
        pass_without(c, SIP_HDR_USER_TO_USER, content);
    }
    content->lines = lines;
}

static void write_body(struct call *c, struct str octets, struct leg_content *content)
{
    struct isdn_edit e;

    if (!passes_body(content) || isdn_body_edit(content->pass, c->layer->scratch,
                                                ISDN_ISUP | ISDN_GTD, octets, &e) != 0) {
        return;
    }
    if (e.changed && !str_is_set(e.type)) {
        content->no_body = true;
    } else if (e.changed) {
        content->type = e.type;
        content->body = e.body;
    }
}

static void leave_out(struct call *c, const struct isdn_carried *had,
                      struct leg_content *content)
{
    if (had->crowded || had->list.isdn_seen > 0) {
        write_header(c, had, STR_NONE, content);
    }
    if (isdn_body_fault(had) != E_NOTFOUND) {
        write_body(c, STR_NONE, content);
    }
}

/** Header and body say the same, as `to` wants it. @return what they say; absent: nothing */
static struct str settle(const struct connection *from, struct connection *to,
                         const struct isdn_carried *had, struct leg_content *content)
{
    struct call *c = to->call;
    struct isdn_settled s = isdn_settle(isdn_in_header(had), isdn_in_body(had),
                                        reads_bodies(to) ? ISDN_TO_ISUP : ISDN_TO_NATIVE);

    if (s.differ) {
        note(from != NULL ? from : to, &c->layer->uus.differed, "header and body differ");
    }
    if (s.header) {
        write_header(c, had, s.octets, content);
    }
    if (s.body) {
        write_body(c, s.octets, content);
    }
    return s.octets;
}

/* ---- the service of one connection ---- */

/** Octets that may go to or come from that party. */
static size_t limit_of(const struct connection *conn)
{
    return is_isdn(conn) && conn->policy.isdn_octets > 0 ? conn->policy.isdn_octets
                                                         : UUI_ISDN_OCTETS;
}

/** Why there is nothing that this ISDN would take; NULL: there is, or nothing at all. */
static const char *why_not(const struct connection *conn, const struct isdn_carried *had,
                           uint64_t **counter)
{
    struct uus_stats *count = &conn->call->layer->uus;
    enum isdn_unfit unfit = isdn_unfit(had, limit_of(conn));

    *counter = unfit == ISDN_SEVERAL     ? &count->several
               : unfit == ISDN_MALFORMED ? &count->malformed
                                         : &count->too_long;
    return isdn_unfit_text(unfit);
}

/** The INVITE of this leg has that: it opens the service, or leaves it closed for good. */
static bool opens(struct connection *conn, const struct isdn_carried *had)
{
    struct uus_stats *count = &conn->call->layer->uus;
    uint64_t *counter;
    const char *why = why_not(conn, had, &counter);

    if (why != NULL) {
        note(conn, counter, why);
    }
    conn->uus_open = why == NULL && isdn_carries(had);
    count->opened += conn->uus_open ? 1 : 0;
    return conn->uus_open;
}

void uus_called(struct connection *from, const struct sip_msg *m)
{
    struct leg_content content = {.pass = m};
    struct isdn_carried had;

    if (is_isdn(from)) {
        gather(from->call->layer, &content, reads_bodies(from), &had);
        (void)opens(from, &had);
        isup_called(from, m);
    }
}

/** What the caller's INVITE has does not count: only what is ours goes along. */
static void forget_callers(struct call *c, struct leg_content *content)
{
    struct leg_content callers = {.pass = content->pass, .cut = content->cut};
    struct arena *a = c->layer->scratch;
    struct isdn_carried had;

    gather(c->layer, &callers, true, &had);
    if (!isdn_carries(&had)) {
        return;
    }
    leave_out(c, &had, &callers);
    struct str part[] = {content->lines, callers.lines};
    struct str lines = arena_join(a, part, ARRAY_LEN(part));
    content->lines = str_is_set(lines) ? lines : content->lines;
    content->cut = callers.cut;
    content->no_body = content->no_body || callers.no_body;
    if (str_is_set(callers.type)) {
        content->type = callers.type;
        content->body = callers.body;
    }
}

void uus_invite(const struct connection *from, struct connection *to, struct str target,
                struct leg_content *content)
{
    struct isdn_carried had;
    struct str octets = STR_NONE;

    from = content->pass != NULL ? from : NULL;
    if (!uus_concerns(from, to)) {
        return;
    }
    if (is_isdn(from) && !from->uus_open) {
        forget_callers(to->call, content);
    }
    gather(to->call->layer, content, reads_bodies(from) || reads_bodies(to), &had);
    if (is_isdn(to) && !opens(to, &had)) {
        leave_out(to->call, &had, content);
    } else {
        octets = settle(from, to, &had, content);
    }
    isup_invite(to, target, octets, content);
}

/** May it stand in such a message, as things are? Else the counter of why not. */
static const char *forbidden(const struct connection *from, const struct connection *to,
                             enum uus_message kind, uint64_t **counter)
{
    struct uus_stats *count = &to->call->layer->uus;

    if ((is_isdn(from) && !from->uus_open) || (is_isdn(to) && !to->uus_open)) {
        *counter = &count->closed;
        return "left out, the service is not open";
    }
    if (kind == UUS_ELSEWHERE) {
        *counter = &count->misplaced;
        return "left out, it does not belong in this message";
    }
    if (kind == UUS_REFUSAL && ((is_isdn(from) && !from->policy.uui_in_failure) ||
                                (is_isdn(to) && !to->policy.uui_in_failure))) {
        *counter = &count->misplaced;
        return "left out of a refusal";
    }
    return NULL;
}

/** What of it may go is there in header and body, all else is left out. @return what goes */
static struct str judge(const struct connection *from, struct connection *to,
                        enum uus_message kind, struct leg_content *content)
{
    struct isdn_carried had;
    uint64_t *counter;
    const char *why;

    gather(to->call->layer, content, reads_bodies(from) || reads_bodies(to), &had);
    if (!isdn_carries(&had)) {
        return STR_NONE;
    }
    why = forbidden(from, to, kind, &counter);
    why = why != NULL ? why : why_not(to, &had, &counter);
    if (why == NULL) {
        return settle(from, to, &had, content);
    }
    note(is_isdn(to) ? to : from, counter, why);
    leave_out(to->call, &had, content);
    if (counter == &to->call->layer->uus.too_long && is_isdn(to)) {
        to->uus_open = false; /* RFC 7434 §10: the service is gone with it */
    }
    return STR_NONE;
}

void uus_pass(const struct connection *from, struct connection *to, enum uus_message kind,
              struct leg_content *content)
{
    unsigned status = content->pass != NULL ? content->pass->status : 0;

    if (uus_concerns(from, to)) {
        struct str octets = judge(from, to, kind, content);
        isup_pass(to, kind, kind == UUS_ANSWER && status == 0 ? 200 : status, octets, content);
    }
}

void uus_refuse(const struct connection *from, struct connection *to, unsigned status,
                struct leg_content *content)
{
    if (uus_concerns(from, to)) {
        struct str octets = judge(from, to, UUS_REFUSAL, content);
        isup_pass(to, UUS_REFUSAL, status, octets, content);
    }
}

void uus_transferred(struct call *c)
{
    list_each(it, &c->connections)
    {
        struct connection *conn = list_entry(it, struct connection, link);
        if (is_isdn(conn) && conn->uus_open) {
            conn->uus_open = false;
            note(conn, &c->layer->uus.ended, "the service has ended with the transfer");
        }
    }
}

struct str uus_values(const struct connection *from, enum uus_message kind,
                      const struct sip_msg *m)
{
    struct leg_content content = {.pass = m};
    struct arena *a = from->call->layer->scratch;
    struct isdn_carried had;
    struct str octets;

    if (!is_isdn(from) || m == NULL) {
        return uui_of_msg(a, m);
    }
    gather(from->call->layer, &content, reads_bodies(from), &had);
    octets = isdn_in_header(&had);
    if (!from->uus_open || kind == UUS_ELSEWHERE ||
        (kind == UUS_REFUSAL && !from->policy.uui_in_failure) || had.crowded ||
        (!str_is_set(octets) && had.list.isdn_seen > 0)) {
        octets = STR_NONE; /* that is nobody's */
    } else if (str_is_set(octets)) {
        return uui_of_msg(a, m);
    } else {
        octets = isdn_in_body(&had);
    }
    struct str values = isdn_others(a, &had, call_uui_values(call_uui_line(a, octets)));
    return values.n > 0 ? values : STR_NONE;
}

struct str uus_for_target(const struct connection *from, const struct sip_msg *m)
{
    const struct leg_content content = {.pass = m};
    struct call_layer *l = from->call->layer;
    struct isdn_carried had;
    struct str values;

    if (!reads_bodies(from) || !isdn_body_may(m)) {
        return STR_NONE;
    }
    gather(l, &content, true, &had);
    values = call_uui_values(call_uui_line(l->scratch, isdn_in_body(&had)));
    return values.n > 0 ? values : STR_NONE;
}
