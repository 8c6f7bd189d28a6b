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
 * and they differ, isdn_settle says which count.
 *
 * ONE DOOR. Every message that the call layer hands to a leg and that could have User-to-User
 * passes uus_invite or uus_pass right before. Where no neighbour is an ISDN that is two tests.
 */
#include "base/err.h"
#include "call/parts.h"
#include "isdn/body.h"

/** Header lines that are looked at; more cannot be one value. */
#define LINES_MAX 16

/** The User-to-User of a message that is about to go, or has come. */
struct carried {
    struct uui_list list;
    struct isdn_body body;
    bool crowded; /**< more than can be judged: nothing counts */
};

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

    (*count)++;
    env_trace(c->layer->env, TRACE_INFO, "call", "%s: User-to-User, %.*s: %s", c->id,
              STR_ARG(str_upto(conn->id, 96)), what);
}

/* ---- what is there ---- */

static bool line_is_uui(struct str line)
{
    return str_istarts(line, STR("User-to-User:"));
}

static struct str cut_line(struct str *rest)
{
    struct str line = str_upto(*rest, str_index(*rest, '\n') + 1);

    *rest = str_from(*rest, line.n);
    return line;
}

static bool is_cut(const enum sip_hdr_id *cut)
{
    for (; cut != NULL && *cut != SIP_HDR_OTHER; cut++) {
        if (*cut == SIP_HDR_USER_TO_USER) {
            return true;
        }
    }
    return false;
}

/** Values of our own lines. @return how many */
static size_t own_values(struct str lines, struct str *value)
{
    size_t n = 0;

    while (lines.n > 0) {
        struct str line = cut_line(&lines);
        if (line_is_uui(line) && n < LINES_MAX) {
            value[n++] = call_uui_values(line);
        }
    }
    return n;
}

static size_t message_values(const struct sip_msg *m, struct str *value)
{
    size_t n = 0;

    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_USER_TO_USER);
         h != NULL && n < LINES_MAX; h = sip_msg_next_line(m, h)) {
        value[n++] = sip_hdr_value(m, h);
    }
    return n;
}

static bool passes_header(const struct leg_content *c)
{
    return c->pass != NULL && !is_cut(c->cut) && sip_msg_has(c->pass, SIP_HDR_USER_TO_USER);
}

static bool passes_body(const struct leg_content *c)
{
    return c->pass != NULL && !c->no_body && !str_is_set(c->type) && isdn_body_may(c->pass);
}

static void judge(const struct call_layer *l, const struct str *value, size_t n,
                  struct carried *out)
{
    out->crowded =
        n >= LINES_MAX || uui_list_parse(value, n, l->packages, l->scratch, &out->list) != 0;
}

/** Everything that `c` would carry. @param body  bodies count */
static void gather(const struct call_layer *l, const struct leg_content *c, bool body,
                   struct carried *out)
{
    struct str value[2 * LINES_MAX];
    size_t n = own_values(c->lines, value);

    *out = (struct carried){0};
    if (passes_header(c)) {
        n += message_values(c->pass, value + n);
    }
    judge(l, value, n, out);
    if (body && passes_body(c)) {
        (void)!isdn_body_read(c->pass, l->scratch,
                              &out->body); /* what can be read of it counts */
    }
}

/** The one value that counts; absent: none. */
static struct str header_octets(const struct carried *c)
{
    return c->list.isdn != NULL ? c->list.isdn->octets : STR_NONE;
}

static struct str body_octets(const struct carried *c)
{
    return isdn_body_octets(&c->body, ISDN_ISUP | ISDN_GTD);
}

/** What is wrong with that of the bodies: 0, E_TOOMANY, E_TOOBIG; E_NOTFOUND: there is none. */
static int body_fault(const struct carried *c)
{
    int fault = E_NOTFOUND;

    for (size_t i = 0; i < c->body.n; i++) {
        const struct isdn_found *f = &c->body.v[i];
        if ((f->place & (ISDN_ISUP | ISDN_GTD)) == 0) {
            continue;
        }
        if (f->err == 0) {
            return 0;
        }
        fault = f->err == E_TOOMANY || f->err == E_TOOBIG ? f->err : fault;
    }
    return fault;
}

/** Is anything of it ISDN's at all? */
static bool any_isdn(const struct carried *c)
{
    return c->crowded || c->list.isdn_seen > 0 || body_fault(c) != E_NOTFOUND;
}

/* ---- changing it ---- */

/** Elements of other packages as one list, behind `first` (may be absent). */
static struct str without_isdn(struct arena *a, const struct carried *c, struct str first)
{
    size_t cap = first.n + 2;
    struct out o;
    char *buf;

    for (size_t i = 0; i < c->list.n; i++) {
        cap += c->list.v[i].text.n + 2;
    }
    buf = arena_alloc(a, cap);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_str(&o, first);
    for (size_t i = 0; i < c->list.n; i++) {
        if (!c->list.v[i].isdn) {
            out_c(&o, o.n > 0 ? ", " : "");
            out_str(&o, c->list.v[i].text);
        }
    }
    return out_str_of(&o);
}

/** `lines` without User-to-User, and these values instead. */
static struct str with_values(struct arena *a, struct str lines, struct str values)
{
    size_t cap = lines.n + values.n + 32;
    char *buf = arena_alloc(a, cap);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    while (lines.n > 0) {
        struct str line = cut_line(&lines);
        if (!line_is_uui(line)) {
            out_str(&o, line);
        }
    }
    out_str(&o, call_uui_values_line(a, values));
    return out_str_of(&o);
}

/**
 * The header has this isdn-uui and no other; octets absent: none. Without memory the message
 * goes without any User-to-User, and if there was some among our own lines, without these.
 */
static void write_header(struct call *c, const struct carried *had, struct str octets,
                         struct leg_content *content)
{
    struct arena *a = c->layer->scratch;
    struct str first = call_uui_values(call_uui_line(a, octets));
    struct str values = had->crowded ? first : without_isdn(a, had, first);
    struct str lines = with_values(a, content->lines, values);
    struct str own[LINES_MAX];

    if (!str_is_set(lines) && own_values(content->lines, own) == 0) {
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

static void leave_out(struct call *c, const struct carried *had, struct leg_content *content)
{
    if (had->crowded || had->list.isdn_seen > 0) {
        write_header(c, had, STR_NONE, content);
    }
    if (body_fault(had) != E_NOTFOUND) {
        write_body(c, STR_NONE, content);
    }
}

/** Header and body say the same, as `to` wants it. */
static void settle(const struct connection *from, struct connection *to,
                   const struct carried *had, struct leg_content *content)
{
    struct call *c = to->call;
    struct isdn_settled s = isdn_settle(header_octets(had), body_octets(had),
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
}

/* ---- the service of one connection ---- */

/** Octets that may go to or come from that party. */
static size_t limit_of(const struct connection *conn)
{
    return is_isdn(conn) && conn->policy.isdn_octets > 0 ? conn->policy.isdn_octets
                                                         : UUI_ISDN_OCTETS;
}

/** Why there is nothing that this ISDN would take; NULL: there is, or nothing at all. */
static const char *why_not(const struct connection *conn, const struct carried *had,
                           uint64_t **counter)
{
    struct uus_stats *count = &conn->call->layer->uus;
    struct str octets = header_octets(had);
    bool header = had->list.isdn_seen > 0;

    if (had->crowded || had->list.isdn_seen > 1 || (!header && body_fault(had) == E_TOOMANY)) {
        *counter = &count->several;
        return "several values, none counts";
    }
    if (header && !str_is_set(octets)) {
        *counter = &count->malformed;
        return "not valid as isdn-uui";
    }
    octets = header ? octets : body_octets(had);
    if (octets.n > limit_of(conn) || (!header && body_fault(had) == E_TOOBIG)) {
        *counter = &count->too_long;
        return "longer than an ISDN carries";
    }
    return NULL;
}

/** The INVITE of this leg has that: it opens the service, or leaves it closed for good. */
static bool opens(struct connection *conn, const struct carried *had)
{
    struct uus_stats *count = &conn->call->layer->uus;
    uint64_t *counter;
    const char *why = why_not(conn, had, &counter);

    if (why != NULL) {
        note(conn, counter, why);
    }
    conn->uus_open = why == NULL && any_isdn(had);
    count->opened += conn->uus_open ? 1 : 0;
    return conn->uus_open;
}

void uus_called(struct connection *from, const struct sip_msg *m)
{
    struct leg_content content = {.pass = m};
    struct carried had;

    if (is_isdn(from)) {
        gather(from->call->layer, &content, reads_bodies(from), &had);
        (void)opens(from, &had);
    }
}

/** What the caller's INVITE has does not count: only what is ours goes along. */
static void forget_callers(struct call *c, struct leg_content *content)
{
    struct leg_content callers = {.pass = content->pass, .cut = content->cut};
    struct arena *a = c->layer->scratch;
    struct carried had;

    gather(c->layer, &callers, true, &had);
    if (!any_isdn(&had)) {
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

void uus_invite(const struct connection *from, struct connection *to,
                struct leg_content *content)
{
    struct carried had;

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
        settle(from, to, &had, content);
    }
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

void uus_pass(const struct connection *from, struct connection *to, enum uus_message kind,
              struct leg_content *content)
{
    struct carried had;
    uint64_t *counter;
    const char *why;

    if (!uus_concerns(from, to)) {
        return;
    }
    gather(to->call->layer, content, reads_bodies(from) || reads_bodies(to), &had);
    if (!any_isdn(&had)) {
        return;
    }
    why = forbidden(from, to, kind, &counter);
    why = why != NULL ? why : why_not(to, &had, &counter);
    if (why == NULL) {
        settle(from, to, &had, content);
        return;
    }
    note(is_isdn(to) ? to : from, counter, why);
    leave_out(to->call, &had, content);
    if (counter == &to->call->layer->uus.too_long && is_isdn(to)) {
        to->uus_open = false; /* RFC 7434 §10: the service is gone with it */
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
    struct carried had;
    struct str octets;

    if (!is_isdn(from) || m == NULL) {
        return uui_of_msg(a, m);
    }
    gather(from->call->layer, &content, reads_bodies(from), &had);
    octets = header_octets(&had);
    if (!from->uus_open || kind == UUS_ELSEWHERE ||
        (kind == UUS_REFUSAL && !from->policy.uui_in_failure) || had.crowded ||
        (!str_is_set(octets) && had.list.isdn_seen > 0)) {
        octets = STR_NONE; /* that is nobody's */
    } else if (str_is_set(octets)) {
        return uui_of_msg(a, m);
    } else {
        octets = body_octets(&had);
    }
    struct str values = without_isdn(a, &had, call_uui_values(call_uui_line(a, octets)));
    return values.n > 0 ? values : STR_NONE;
}
