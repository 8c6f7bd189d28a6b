/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The context of a call: User-to-User, kept as a header line, and who put it in.
 *
 * Which of the values of several sources stay when a call goes to somebody else, uui_merge
 * says. It asks which domain somebody belongs to: ours have our devices, and peers inside of
 * our trust domain, since that is what a domain of one administration is (RFC 3324); others
 * have the host by which they are reached.
 *
 * A MARK says whose a value is. There is one for each value of the INVITE that began the call,
 * of what a move brought, of responses that are told of and of the BYE; the newest counts.
 */
#include "base/err.h"
#include "border/border.h"
#include "call/parts.h"
#include "history/identity.h"
#include "seal/value.h"

/* Marks of one message: what is beyond is nobody's. */
enum { MARKS_MAX = 8 };

struct str call_uui_values(struct str line)
{
    return line.n == 0 ? STR_NONE : str_trim(str_from(line, sizeof("User-to-User:") - 1));
}

struct str call_uui_values_line(struct arena *a, struct str values)
{
    struct str part[] = {STR("User-to-User: "), values, STR("\r\n")};

    return values.n > 0 ? arena_join(a, part, ARRAY_LEN(part)) : STR_NONE;
}

struct str call_uui_line(struct arena *a, struct str octets)
{
    size_t cap = octets.n * 2 + 64;
    char *buf;
    struct out o;

    if (!str_is_set(octets) || octets.n == 0 || (buf = arena_alloc(a, cap)) == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_c(&o, "User-to-User: ");
    if (uui_write(&o, octets, &(struct uui_format){0}, NULL) != 0) {
        return STR_NONE;
    }
    out_c(&o, "\r\n");
    return o.over ? STR_NONE : out_str_of(&o);
}

enum call_error call_uui_value(struct call_layer *l, struct str package, struct str octets,
                               enum seal_way way, struct str *value)
{
    int err = 0;

    *value = STR_NONE;
    if (octets.n > 0) {
        err = seal_write(l->seal, l->packages, package, octets, way,
                         l->env->wall_s(l->env->ctx), l->scratch, value);
    }
    if (err != 0) {
        const struct uui_package *p = uui_package_of(l->packages, package);
        env_trace(l->env, TRACE_WARN, "call",
                  "User-to-User of %zu octets cannot be sealed with key %u: %s", octets.n,
                  p != NULL ? p->seal_key : 0, err_text(err));
        return err == E_TOOBIG || err == E_SPACE ? CALL_UNFIT_DATA : CALL_NO_RESOURCES;
    }
    return CALL_OK;
}

enum call_error call_uui_sealed_line(struct call_layer *l, struct str octets, enum seal_way way,
                                     struct str *line)
{
    struct str value;
    enum call_error err = call_uui_value(l, uui_isdn, octets, way, &value);

    *line = call_uui_values_line(l->scratch, value);
    return err == CALL_OK && value.n > 0 && line->n == 0 ? CALL_NO_RESOURCES : err;
}

struct seal_from context_came(const struct call_layer *l, enum seal_way way,
                              const struct dialog *d)
{
    const struct env *env = l->env;

    return (struct seal_from){
        .way = (uint8_t)way,
        .message = l->seal != NULL && d != NULL ? seal_message(l->seal, d->call_id) : 0,
        .wall_s = env->wall_s(env->ctx)};
}

void call_set_uui(struct call *c, struct str line)
{
    c->uui_came = context_came(c->layer, SEAL_FORWARD, NULL);
    c->uui_lines = line;
    c->uui_told = false;
    c->uui = call_uui_values(line);
}

/* ---- domains ---- */

static struct str domain_of_host(const struct call_layer *l, struct str host)
{
    return directory_is_domain(l->directory, host) ? l->directory->domains[0] : host;
}

/** Is it of our administration, as the configuration has it? */
static bool is_inside(const struct connection *conn)
{
    return conn->device != NULL || !conn->outside || conn->trusted;
}

struct str context_domain(const struct connection *conn)
{
    const struct call_layer *l = conn->call->layer;

    return is_inside(conn) ? l->directory->domains[0] : domain_of_host(l, conn->host);
}

struct str context_domain_of(const struct call_layer *l, const struct destination *to)
{
    struct sip_uri u;
    uint32_t at;

    if (to->device != NULL || (to->peer != NULL && peer_is_inside(to->peer))) {
        return l->directory->domains[0];
    }
    if (to->peer != NULL) {
        return domain_of_host(l, to->peer->host);
    }
    return sip_uri_parse(to->uri, 0, &u, &at) == 0 ? domain_of_host(l, u.host) : STR_NONE;
}

/* ---- whose it is ---- */

static bool add_mark(struct call *c, const struct connection *from, struct str value,
                     const struct uui_origin *origin)
{
    struct uui_mark *m = arena_zalloc(&c->arena, sizeof(*m));

    if (m == NULL) {
        return false;
    }
    m->from = from;
    m->origin = *origin;
    m->origin.identity = arena_dup(&c->arena, origin->identity);
    m->value = arena_dup(&c->arena, value);
    m->next = c->marks;
    c->marks = m;
    return m->value.p != NULL && (origin->identity.n == 0 || str_is_set(m->origin.identity));
}

static bool mark_all(struct call *c, const struct connection *from, struct str values,
                     const struct uui_origin *origin)
{
    struct uui_cut it;
    struct str one;
    size_t n = 0;

    uui_cut_begin(&it, values);
    while (values.n > 0 && n++ < MARKS_MAX && uui_cut_next(&it, &one)) {
        if (!add_mark(c, from, one, origin)) {
            return false;
        }
    }
    return true;
}

bool context_mark(struct call *c, const struct connection *from, struct str values,
                  enum uui_role role, struct str identity)
{
    struct uui_origin o = {.identity = identity,
                           .role = (uint8_t)role,
                           .confidence = UUI_TRUSTED,
                           .evidence = UUI_EVIDENCE_SEEN};

    return mark_all(c, from, values, &o);
}

static bool mark_received(struct call *c, const struct sip_msg *m, const struct uui_list *list)
{
    const struct connection *a = c->a;
    struct origin_args q = {.m = m, .known = c->layer->packages, .trusted = a->trusted};
    struct uui_origin o;

    q.proven = a->device != NULL ? a->device->uri : STR_NONE;
    for (size_t i = 0; i < list->n && i < MARKS_MAX; i++) {
        q.value = &list->v[i];
        if (origin_of(c->layer->scratch, &q, &o) != 0) {
            return false;
        }
        if (a->restricted && o.role == UUI_ROLE_ORIGINATOR) {
            o.identity = STR_NONE;
            o.anonymous = true;
        }
        if (!add_mark(c, NULL, q.value->text, &o)) {
            return false;
        }
    }
    return true;
}

bool context_received(struct call *c, const struct sip_msg *m)
{
    struct arena *a = c->layer->scratch;
    struct str values = uus_values(c->a, UUS_ANSWER, m);
    struct uui_list list = {0};

    c->uui = arena_dup(&c->arena, values);
    if (values.n == 0) {
        return true;
    }
    return str_is_set(c->uui) &&
           uui_list_parse(&values, 1, c->layer->packages, a, &list) !=
               E_NOMEM && /* too many: nobody's */
           mark_received(c, m, &list);
}

/** Who is at the other end of that connection, as far as a message of his says it. */
static struct uui_origin sender_of(const struct connection *from, enum uui_role role,
                                   const struct sip_msg *m)
{
    struct uui_origin o = {.identity = from->id,
                           .role = (uint8_t)role,
                           .confidence = from->trusted ? UUI_TRUSTED : UUI_CLAIMED,
                           .evidence = UUI_EVIDENCE_FROM};
    struct origin_args q = {
        .m = m, .known = from->call->layer->packages, .trusted = from->trusted};
    struct uui_value none = {0};

    q.value = &none;
    if (from->device != NULL) {
        o.evidence = UUI_EVIDENCE_SEEN; /* over the flow that it has registered */
        o.confidence = UUI_TRUSTED;
    } else if (m != NULL && m->status != 0 &&
               origin_of(from->call->layer->scratch, &q, &o) != 0) {
        return o; /* nobody can say */
    }
    if (from->restricted || privacy_withholds(privacy_of(m))) {
        o.identity = STR_NONE;
        o.anonymous = true;
    }
    return o;
}

void context_came_back(const struct connection *from, struct str values, enum uui_role role,
                       const struct sip_msg *m)
{
    struct call *c = from->call;
    struct uui_origin o;
    const struct uui_mark *known;
    struct uui_cut it;
    struct str one;
    size_t n = 0;

    if (values.n == 0) {
        return;
    }
    o = sender_of(from, role, m);
    uui_cut_begin(&it, values);
    while (n++ < MARKS_MAX && uui_cut_next(&it, &one)) {
        known = call_uui_mark(c, true, one);
        if (known == NULL || known->from != from) {
            (void)add_mark(c, from, one, &o); /* without memory it is nobody's */
        }
    }
}

const struct uui_mark *call_uui_mark(const struct call *c, bool back, struct str value)
{
    const struct uui_mark *m = c->marks;

    while (m != NULL && ((m->from != NULL) != back || !str_eq(m->value, value))) {
        m = m->next;
    }
    return m;
}

/* ---- the call goes to somebody else ---- */

static void tell_outcome(struct call *c, const struct move *m, const struct uui_merged *out)
{
    static const char *const how[] = {[UUI_MOVE_REDIRECT] = "redirection",
                                      [UUI_MOVE_BLIND] = "referral",
                                      [UUI_MOVE_ATTENDED] = "attended referral",
                                      [UUI_MOVE_SERVICE] = "service"};
    struct call_layer *l = c->layer;
    struct str by = m->by != NULL ? m->by->id : STR("baton");
    struct trace_ids ids = call_trace_ids(c, m->by);

    c->uui_replaced = (uint16_t)(c->uui_replaced + out->replaced); /* bounded by the moves */
    c->uui_refused = (uint16_t)(c->uui_refused + out->refused);
    c->uui_forbidden = (uint16_t)(c->uui_forbidden + out->forbidden);
    l->uui_replaced += out->replaced;
    l->uui_refused += out->refused;
    l->uui_forbidden += out->forbidden;
    if (out->replaced > 0) {
        env_trace_of(l->env, TRACE_INFO, "call", &ids,
                     "call %s: User-to-User replaced: %s by %.*s", c->id, how[m->how],
                     STR_ARG(by));
    }
    if (out->refused > 0) {
        env_trace_of(l->env, TRACE_INFO, "call", &ids,
                     "call %s: User-to-User: foreign replacement refused: %s by %.*s", c->id,
                     how[m->how], STR_ARG(by));
    }
    if (out->forbidden > 0) {
        env_trace_of(
            l->env, TRACE_INFO, "call", &ids,
            "call %s: User-to-User: isdn-uui is not taken from others than the caller: "
            "%s by %.*s (RFC 7434 §8)",
            c->id, how[m->how], STR_ARG(by));
    }
}

static const struct uui_carriage *rules_of(const struct call *c)
{
    const struct uui_carriage *rules = c->layer->config.carriage;

    return rules != NULL ? rules : &uui_carriage_default;
}

bool context_may_replace(const struct call *c, const struct move *m)
{
    const struct call_layer *l = c->layer;
    struct str by = m->by != NULL ? context_domain(m->by) : l->directory->domains[0];

    if (m->by != NULL && !is_inside(m->by)) {
        by = uui_proven_domain(rules_of(c), l->env, m->over, by, m->to);
    }
    return uui_may_replace(rules_of(c), m->how, by, m->to);
}

/** The Call-ID of its caller, or else of another leg; absent: it has none. */
static struct str call_id_of(const struct call *c)
{
    const struct sip_msg *invite = call_invite(c);

    if (invite != NULL) {
        return sip_msg_value(invite, SIP_HDR_CALL_ID);
    }
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        const struct leg *leg = connection_leg(conn);
        const struct dialog *d = leg == NULL           ? NULL
                                 : leg->dialog != NULL ? leg->dialog
                                                       : leg->seed;
        if (d != NULL) {
            return d->call_id;
        }
    }
    return STR_NONE;
}

struct losing {
    const struct call *c;
    const struct move *m;
};

/** The peer of a party that is outside, as it is called now. */
static const struct peer *peer_of(const struct connection *conn)
{
    const struct directory *d = conn->call->layer->directory;

    for (size_t i = 0; conn->device == NULL && i < d->peer_count; i++) {
        if (str_ieq(d->peers[i].host, conn->host)) {
            return &d->peers[i];
        }
    }
    return NULL;
}

static void on_lost(void *ctx, const struct uui_value *v, enum uui_fate fate)
{
    static const enum sip_hdr_id in[] = {[UUI_MOVE_REDIRECT] = SIP_HDR_CONTACT,
                                         [UUI_MOVE_BLIND] = SIP_HDR_REFER_TO,
                                         [UUI_MOVE_ATTENDED] = SIP_HDR_REFER_TO,
                                         [UUI_MOVE_SERVICE] = SIP_HDR_OTHER};
    const struct losing *x = ctx;
    struct border_moved moved = {
        .call_id = call_id_of(x->c), .value = v, .fate = fate, .in = in[x->m->how]};

    if (x->m->by != NULL) {
        moved.by.peer = peer_of(x->m->by);
        moved.by.device = moved.by.peer == NULL;
    }
    if (x->c->layer->border != NULL && moved.call_id.n > 0) {
        border_note_moved(x->c->layer->border, &moved);
    }
}

/** Values of another call: who put them in there, if that is known. */
static bool mark_as_there(struct call *c, const struct call *there, struct str values)
{
    const struct uui_mark *known;
    struct uui_cut it;
    struct str one;
    size_t n = 0;

    uui_cut_begin(&it, values);
    while (values.n > 0 && n++ < MARKS_MAX && uui_cut_next(&it, &one)) {
        known = call_uui_mark(there, false, one);
        if (known != NULL && !add_mark(c, NULL, one, &known->origin)) {
            return false;
        }
    }
    return true;
}

bool context_move(struct call *c, const struct move *m, struct uui_merged *out)
{
    static const uint8_t roles[] = {[UUI_MOVE_REDIRECT] = UUI_ROLE_REDIRECTOR,
                                    [UUI_MOVE_BLIND] = UUI_ROLE_REFERRER,
                                    [UUI_MOVE_ATTENDED] = UUI_ROLE_REFERRER,
                                    [UUI_MOVE_SERVICE] = UUI_ROLE_BATON};
    const struct call_layer *l = c->layer;
    struct str identity = m->by != NULL && !m->by->restricted ? m->by->id : STR_NONE;
    struct losing losing = {c, m};
    struct uui_merge_args q = {.given = m->given,
                               .had = context_fresh(c, m->had),
                               .lost = on_lost,
                               .ctx = &losing,
                               .known = l->packages,
                               .may_replace = context_may_replace(c, m),
                               .isdn_strict =
                                   rules_of(c)->isdn_strict && m->how != UUI_MOVE_SERVICE};

    if (uui_merge(l->scratch, &q, out) != 0 ||
        !context_mark(c, NULL, out->fresh, (enum uui_role)roles[m->how], identity) ||
        (m->of != NULL && !mark_as_there(c, m->of, out->fresh))) {
        return false;
    }
    tell_outcome(c, m, out);
    return true;
}

enum call_error context_of_service(struct call *c, struct str octets,
                                   const struct destination *to, struct str *line)
{
    struct arena *a = c->layer->scratch;
    enum call_error err = call_uui_sealed_line(c->layer, octets, SEAL_FORWARD, line);
    struct str given = call_uui_values(*line);
    struct move m = {.how = UUI_MOVE_SERVICE, .given = given, .had = c->uui};
    struct uui_merged joined;

    *line = STR_NONE;
    if (err != CALL_OK || !context_fits_peer(c->layer, to->peer, given)) {
        return err != CALL_OK ? err : CALL_UNFIT_DATA;
    }
    m.to = context_domain_of(c->layer, to);
    if (!context_sealed(c, uui_isdn, given, octets) || !context_move(c, &m, &joined)) {
        return CALL_NO_RESOURCES;
    }
    *line = arena_dup(&c->arena, call_uui_values_line(a, joined.values));
    return joined.values.n == 0 || line->n > 0 ? CALL_OK : CALL_NO_RESOURCES;
}
