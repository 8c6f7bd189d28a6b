/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Route rules at work: a request that begins something is shown to the table, and what the
 * matching rule says is done.
 *
 *   bridge    call_incoming_by, with the rule's targets as destinations to hunt through; with
 *             `ask`, once the application that routes has not said otherwise
 *   proxy     proxy_forward, with a plan made of them (forward.c)
 *   redirect  3xx with a Contact for each, headers embedded (redirect.c)
 *   refuse    that answer
 *             bridge and proxy become a redirection for a sender who asks (RFC 3841)
 *   refer     call_incoming_by, which answers and sends REFER; to a caller who does not know
 *             REFER as bridge
 *
 * IDENTITY COMES FIRST. Nobody whom we do not know learns what rules there are, and nothing is
 * relayed for him: identify answers 401 or 403, and only what it lets through is looked at.
 * What is for the server itself (OPTIONS without a user, CSTA sessions, an INVITE whose
 * Replaces names a call of ours, registrations unless a rule names REGISTER) is never steered.
 *
 * Calls that Baton makes itself (REFER, redirections, forwarding, services) go where they are
 * sent, but not where a rule refuses an INVITE of the device on whose behalf they are made:
 * else who may not dial a number would have himself transferred to it.
 *
 * A request whose Route is a Path of ours is for a phone that is registered elsewhere through
 * us: it goes there before any rule is asked. A request that carries Routes beyond us and
 * matches no rule follows them (RFC 3261 §16.4),
 * again only for a sender whom we know.
 */
#include "engine/steer.h"
#include "sip/disposition.h"

static void fill_query(struct steering *s)
{
    struct engine *e = s->e;
    struct rule_query *q = &s->query;
    struct device *d = NULL;
    struct sip_uri uri;
    uint32_t at;

    *q = (struct rule_query){.m = s->m,
                             .scratch = &e->scratch,
                             .transport = s->from->transport,
                             .unix_s = (int64_t)e->env->wall_s(e->env->ctx)};
    if (s->who->peer != NULL) {
        q->peer = s->who->peer->name;
        q->asserted = s->who->peer->trusted;
    }
    if (s->who->device != NULL) {
        q->device = q->calling = s->who->device->number;
    }
    if (sip_uri_parse(sip_msg_ruri(s->m), 0, &uri, &at) == 0) {
        d = directory_device_of_uri(e->config.directory, &uri);
    }
    q->called_state = d == NULL ? RULE_CALLED_OTHER
                      : registrar_find(&e->registrar, d->key) != NULL
                          ? RULE_CALLED_REGISTERED
                          : RULE_CALLED_UNREGISTERED;
}

/* ---- the actions ---- */

static void answer(const struct steering *s, unsigned status, struct str reason,
                   struct str lines)
{
    dispatch_reply(s->e, s->m, s->from,
                   &(struct txn_reply){.status = status, .reason = reason, .lines = lines},
                   s->now_ms);
}

static void nobody_fits(const struct steering *s, enum fit best)
{
    const char *line;
    unsigned status = fit_status(best, &line);

    answer(s, status, STR_NONE, str_c(line));
}

static void bridge(struct steering *s)
{
    const struct rule *r = s->verdict.rule;
    bool no_memory = false, passed_over = false;
    enum fit best;
    struct call_plan plan = {.from = steer_from(s),
                             .lines = steer_lines(s, &no_memory),
                             .uui = s->uui,
                             .uui_octets = r->uui_octets,
                             .uui_package = r->uui_package,
                             .ring_s = r->ring_s,
                             .next_on = r->next_on,
                             .next_count = r->next_count};
    struct destination *to = arena_alloc(&s->e->scratch, s->verdict.target_count * sizeof(*to));
    bool asked;

    if (to == NULL || no_memory) {
        answer(s, 503, STR_NONE, STR("Retry-After: 5\r\n"));
        return;
    }
    for (size_t i = 0; i < s->verdict.target_count; i++) {
        struct destination *at = &to[plan.count];
        if (!steer_place(s, s->verdict.target[i], at)) {
            continue;
        }
        if (at->peer != NULL && !peer_usable(at->peer)) {
            passed_over = true;
        } else {
            plan.count++;
        }
    }
    plan.to = to;
    plan.count = steer_suit(s, to, plan.count, &best);
    if (r->action == RULE_REFER) {
        struct str *list;
        plan.refer_count = steer_references(s, &list);
        plan.refer_to = list;
        plan.called = sip_msg_ruri(s->m);
    }
    if (r->ask.n > 0) {
        plan.ask = directory_device_named(s->e->config.directory, r->ask);
        plan.ask_s = r->ask_s;
    }
    asked = plan.ask != NULL && call_is_routed(&s->e->calls, plan.ask);
    if (plan.count + plan.refer_count == 0 && !asked && !fits(best)) {
        nobody_fits(s, best);
        return;
    }
    if (plan.count + plan.refer_count == 0 && !asked) {
        answer(s, passed_over ? 503 : 404, STR_NONE,
               passed_over ? STR("Retry-After: 5\r\n") : STR_NONE);
        return;
    }
    call_incoming_by(&s->e->calls, s->m, s->from, s->who->device, &plan, s->now_ms);
}

static void redirect(struct steering *s)
{
    struct str contacts;
    enum fit best;

    if (!steer_contacts(s, &contacts, &best)) {
        answer(s, 503, STR_NONE, STR("Retry-After: 5\r\n"));
    } else if (contacts.n == 0) {
        nobody_fits(s, best);
    } else {
        answer(s, s->verdict.rule->status, STR_NONE, contacts);
    }
}

static void refuse(struct steering *s)
{
    const struct rule *r = s->verdict.rule;
    bool no_memory = false;

    answer(s, r->status, r->reason, steer_lines(s, &no_memory));
}

/** Does the sender want to be told where it goes, rather than have it go there (RFC 3841)? */
static bool wants_redirect(const struct sip_msg *m)
{
    struct disposition said = {0};

    if (sip_msg_has(m, SIP_HDR_REQUEST_DISPOSITION)) {
        disposition_read(m, &said);
    }
    return said.proxy == DIRECTIVE_NO;
}

/** What would be bridged or proxied is redirected. @return false: it is not */
static bool redirect_asked(const struct steering *s)
{
    const struct rule *r = s->verdict.rule;
    struct str contacts;

    if ((r == NULL && s->m->method != SIP_METHOD_INVITE) ||
        (r != NULL && r->action != RULE_BRIDGE && r->action != RULE_PROXY) ||
        !steer_contacts_asked(s, &contacts)) {
        return false;
    }
    s->e->count.redirect_asked++;
    report_request(s->e, TRACE_INFO, "route", s->m, s->from, "redirected, as the caller asks");
    answer(s, 302, STR_NONE, contacts);
    return true;
}

static void carry_out(struct steering *s)
{
    const struct rule *r = s->verdict.rule;
    const char *lines;
    unsigned status;

    s->e->count.routed[r->action]++;
    report_request(s->e, s->m->method == SIP_METHOD_INVITE ? TRACE_INFO : TRACE_DEBUG, "route",
                   s->m, s->from, "%s, by the rule \"%.*s\"", rule_action_name(r->action),
                   STR_ARG(str_upto(r->name, 64)));
    if (!steer_value(s)) {
        answer(s, 503, STR_NONE, STR("Retry-After: 5\r\n"));
        return;
    }
    switch ((enum rule_action)r->action) {
    case RULE_BRIDGE:
    case RULE_REFER:
        bridge(s);
        break;
    case RULE_PROXY:
        status = steer_forward(s, &lines);
        if (status != 0) {
            answer(s, status, STR_NONE,
                   status == 503 ? STR("Retry-After: 5\r\n") : str_c(lines));
        }
        break;
    case RULE_REDIRECT:
        redirect(s);
        break;
    case RULE_REFUSE:
        refuse(s);
        break;
    }
}

/* ---- calls that Baton makes itself ---- */

/** The INVITE that `by` would send. @return false: no memory */
static bool imagine(struct steering *s, const struct destination *to, struct sip_msg *m)
{
    struct arena *a = &s->e->scratch;
    struct sip_fault fault;
    struct str from =
        s->who->device != NULL ? s->who->device->uri : STR("sip:anonymous@anonymous.invalid");
    struct str text =
        arena_fmt(a,
                  "INVITE %.*s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n"
                  "From: <%.*s>;tag=1\r\nTo: <%.*s>\r\nCall-ID: %.*s\r\n"
                  "CSeq: 1 INVITE\r\n\r\n",
                  STR_ARG(to->id), STR_ARG(from), STR_ARG(to->id), STR_ARG(to->id));

    m->hdr = arena_alloc(a, SIP_HDR_MAX * sizeof(*m->hdr));
    s->m = m;
    return text.p != NULL && m->hdr != NULL &&
           sip_msg_index(m, text, true, &s->e->config.limits, &fault) == 0;
}

bool steer_permits(void *ctx, const struct device *by, const struct destination *to)
{
    struct identity who = {.device = (struct device *)(uintptr_t)by};
    struct hop nowhere = {0};
    struct steering s = {.e = ctx, .from = &nowhere, .who = &who};
    struct sip_msg m;

    if (s.e->routes == NULL || (s.e->routes->methods >> SIP_METHOD_INVITE & 1) == 0) {
        return true;
    }
    if (!imagine(&s, to, &m)) {
        return false;
    }
    fill_query(&s);
    return rule_query_read(&s.query) == 0 &&
           rule_find(s.e->routes, &s.query, &s.verdict) == 0 &&
           (s.verdict.rule == NULL || s.verdict.rule->action != RULE_REFUSE);
}

/** What a registrar behind us sends to a phone that has registered there through us. */
static void to_registered_elsewhere(const struct steering *s)
{
    struct proxy_plan plan = {.record_route = true};

    if (s->m->method == SIP_METHOD_INVITE && s->who->peer != NULL) {
        if (!peer_enter(s->who->peer)) {
            answer(s, 503, STR_NONE, STR("Retry-After: 5\r\n"));
            return;
        }
        plan.caller = s->who->peer;
    }
    proxy_forward(&s->e->proxy, s->m, s->from, &plan, s->now_ms);
}

/* ---- who is asked ---- */

/** Is it for the server itself, whatever the rules say? */
static bool is_ours_alone(struct engine *e, const struct sip_msg *m)
{
    struct sip_uri uri;
    uint32_t at;

    if (sip_uri_parse(sip_msg_ruri(m), 0, &uri, &at) != 0) {
        return true;
    }
    if (m->method == SIP_METHOD_CANCEL) {
        return true; /* of nothing that we have: it cannot be challenged (§22.1), nor answered
                        by others */
    }
    if (m->method == SIP_METHOD_REGISTER) {
        return false; /* never has a user part, and rules do not mean it unless they say so */
    }
    if (m->method == SIP_METHOD_INVITE && (cti_wants(m) || call_is_named(&e->calls, m))) {
        return true;
    }
    return uri.scheme != SIP_SCHEME_TEL && uri.user.n == 0 &&
           directory_is_ours(e->config.directory, &uri);
}

static bool has_rules_for(const struct engine *e, const struct sip_msg *m)
{
    return e->routes != NULL && (e->routes->methods >> m->method & 1) != 0;
}

bool steer(struct engine *e, const struct sip_msg *m, const struct hop *from, uint64_t now_ms)
{
    struct identity who;
    struct steering s = {.e = e, .m = m, .from = from, .who = &who, .now_ms = now_ms};
    bool rules = has_rules_for(e, m);
    bool route = m->method != SIP_METHOD_REGISTER && proxy_has_route(&e->proxy, m, from);

    bool path = proxy_has_path(&e->proxy, m, from);
    unsigned status;
    bool asks = e->config.redirect_asked != ENGINE_ASK_NOBODY && wants_redirect(m);

    if (!path && ((!rules && !route && !asks) || is_ours_alone(e, m))) {
        return false;
    }
    if (!identify(e, m, from, true, &who, now_ms)) {
        return true;
    }
    if (who.application != NULL) {
        return false; /* the role says what applications may do */
    }
    if (path) {
        to_registered_elsewhere(&s);
        return true;
    }
    if (rules) {
        fill_query(&s);
        if (rule_query_read(&s.query) != 0 || rule_find(e->routes, &s.query, &s.verdict) != 0) {
            answer(&s, 503, STR_NONE, STR("Retry-After: 5\r\n"));
            return true;
        }
    }
    status = steer_demand(&s);
    if (status != 0) {
        answer(&s, status, STR_NONE, status == 503 ? STR("Retry-After: 5\r\n") : STR_NONE);
        return true;
    }
    if (asks && !(route && s.verdict.rule == NULL) && redirect_asked(&s)) {
        return true;
    }
    if (s.verdict.rule != NULL) {
        carry_out(&s);
        return true;
    }
    if (route) {
        proxy_forward(&e->proxy, m, from, &(struct proxy_plan){.record_route = true}, now_ms);
    }
    return route;
}
