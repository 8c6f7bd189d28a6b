/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The redirect role: a Contact for each target of a rule (RFC 3261 §8.3), and what the one who
 * follows it learns of the history of the call.
 *
 *   rc, mp        of each Contact, for a sender who has or wants a history (RFC 7044 §8), whose
 *                 3xx has the entries too (§9.4): he writes the next one himself
 *   embedded      History-Info for one who is always written a history and does not know it,
 *                 Diversion for one who knows that (policy of the peer, else of `calls`): his
 *                 next request has it without his doing (RFC 3261 §19.1.1)
 *
 * WHO ASKS FOR IT (RFC 3841 §9.1 "redirect") is told where the phones of the called device are,
 * when `calls.redirect_asked` allows that: it is whereabouts, and who knows them calls past us,
 * our limits and those who watch the device. So he is not, whatever the policy, when the device
 * has switched on do not disturb or forwarding, or when a rule leads elsewhere than to devices.
 *
 * A CONTACT of a phone that only we can reach, over a flow or through its Path, is of no use to
 * anybody: its GRUU (RFC 5627) stands in its place, if it has one. Who has called a GRUU
 * is not redirected because he asks (§6.1), nor told the same GRUU again.
 *
 * Everything lies in the scratch arena.
 */
#include "engine/steer.h"
#include "history/history.h"
#include "registrar/select.h"

struct contacts {
    const struct steering *s;
    struct str lines;
    bool no_memory;
    struct history_rules rules; /**< for who is redirected */
    bool tells;                 /**< history parameters, and the entries in the response */
    bool embeds;
    bool asked;    /**< it is the sender who wants this: what is of no use to him is left out */
    enum fit best; /**< of the targets, to what the request demands */
    bool only_diversion; /**< embedded: he writes the history himself, or wants none */
};

static bool is_ours(const void *ctx, struct str host)
{
    return directory_is_domain(ctx, host);
}

static void read_policy(struct contacts *c)
{
    const struct engine *e = c->s->e;
    const struct peer *peer = c->s->who->peer;
    const struct neighbour *policy = peer != NULL ? &peer->policy : &e->config.call.policy;
    bool asked = sip_msg_has(c->s->m, SIP_HDR_HISTORY_INFO) ||
                 sip_msg_has_token(c->s->m, SIP_HDR_SUPPORTED, STR("histinfo"));
    bool writes = policy->history == HISTORY_WRITE;

    c->rules = (struct history_rules){.mode = policy->history,
                                      .diversion = policy->diversion,
                                      .leaves = peer == NULL || !peer_is_inside(peer),
                                      .ours = is_ours,
                                      .ctx = e->config.directory};
    c->tells = asked && (writes || policy->history == HISTORY_AUTO);
    c->embeds = c->s->m->method == SIP_METHOD_INVITE &&
                ((writes && !asked) || policy->diversion == DIVERSION_WRITE ||
                 policy->diversion == DIVERSION_BOTH);
    c->only_diversion = asked || !writes;
}

/** "History-Info=%3C…&Diversion=…" for header lines. Absent: no memory */
static struct str escaped(struct arena *a, struct str lines)
{
    size_t cap = 3 * lines.n + 1;
    char *buf = arena_alloc(a, cap);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    while (lines.n > 0) {
        struct str line = str_upto(lines, str_find(lines, STR("\r\n")));
        size_t colon = str_index(line, ':');
        out_c(&o, o.n > 0 ? "&" : "");
        out_str(&o, str_upto(line, colon));
        out_ch(&o, '=');
        sip_escape_header(&o, str_trim(str_from(line, colon + 1)));
        lines = str_from(lines, line.n + 2);
    }
    return out_str_of(&o);
}

static int begin(const struct contacts *c, struct history *h)
{
    const struct engine *e = c->s->e;

    return history_begin(h, &c->s->e->scratch, c->s->m, c->rules.diversion != DIVERSION_PASS,
                         e->config.directory->domains[0]);
}

/** What the next request has to say, when he who sends it does not know. @return 0 or E_… */
static int embed(const struct contacts *c, struct history *h, struct str uri, bool same_user,
                 struct rule_more *more)
{
    struct arena *a = &c->s->e->scratch;
    struct hi_entry *root = hi_list_find(&h->cache, h->root), next;
    struct str why = arena_fmt(a, "SIP;cause=%u", (unsigned)c->s->verdict.rule->status);
    struct history_rules rules = c->rules;
    struct history_out out = {0};
    bool added = same_user && history_branch(h, uri, &next) == 0;
    int err = why.p == NULL                    ? -1
              : root != NULL && !h->unreadable ? hi_entry_add_reason(a, root, why)
                                               : 0;

    rules.mode = c->only_diversion ? HISTORY_STRIP : rules.mode;
    if (err == 0 && !same_user && history_divert(h, uri, 302) == 0) {
        err = history_carry(h, more->uui); /* else too long to grow: as it is */
    }
    err = err != 0 ? err : history_request(h, a, added ? &next : NULL, c->s->m, &rules, &out);
    if (err == 0 && out.lines.n > 0) {
        more->headers = escaped(a, out.lines);
        err = more->headers.p == NULL ? -1 : 0;
    }
    return err;
}

/** A text with {number} filled in, without headers. Absent: no memory */
static struct str filled(const struct contacts *c, struct str uri)
{
    size_t cap = uri.n + (uri.n / 8 + 1) * (3 * c->s->verdict.called.n + 1);
    char *buf = arena_alloc(&c->s->e->scratch, cap);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    rule_write_uri(&o, uri, c->s->verdict.called, NULL);
    return str_upto(out_str_of(&o), str_index(out_str_of(&o), '?'));
}

static bool past_of(const struct contacts *c, struct str uri, bool same_user,
                    struct rule_more *more)
{
    struct history h;

    if (!c->tells && !c->embeds) {
        return true;
    }
    uri = filled(c, uri);
    if (uri.p == NULL || begin(c, &h) != 0) {
        return false;
    }
    if (c->tells && !h.unreadable) {
        more->params = history_contact(&h, &c->s->e->scratch, same_user);
    }
    return (!c->tells || h.unreadable || more->params.p != NULL) &&
           (!c->embeds || embed(c, &h, uri, same_user, more) == 0);
}

/** One Contact. @param domain  of whom it means; absent: the host of the URI says */
static void add(struct contacts *c, struct str uri, uint32_t q, bool same_user,
                struct str domain)
{
    const struct steering *s = c->s;
    struct rule_more more = {0};
    struct str part[2] = {c->lines};
    struct uui_merged uui;
    struct out o;
    char *buf = NULL;

    if (!steer_uui(s, UUI_MOVE_REDIRECT, domain, uri, &uui)) {
        c->no_memory = true;
        return;
    }
    more.uui = uui.fresh;
    if (past_of(c, uri, same_user, &more)) {
        out_init(&o, NULL, 0); /* once to measure, once to write */
        rule_write_contact(&o, uri, s->verdict.called, s->verdict.rule, q, &more);
        buf = arena_alloc(&s->e->scratch, o.need);
    }
    if (buf == NULL) {
        c->no_memory = true;
        return;
    }
    out_init(&o, buf, o.need);
    rule_write_contact(&o, uri, s->verdict.called, s->verdict.rule, q, &more);
    part[1] = out_str_of(&o);
    c->lines = arena_join(&s->e->scratch, part, 2);
    c->no_memory = c->no_memory || c->lines.p == NULL;
}

/** Can others reach the contact itself? */
static bool is_open(const struct binding *b)
{
    struct binding direct = *b;
    struct txn_target target;

    direct.hop.flow = 0;
    return b->routes.n == 0 && b->reg_id == 0 && binding_target(&direct, &target);
}

static bool asks_for_gruu(const struct steering *s)
{
    struct sip_uri u;
    struct str gr;
    uint32_t at;

    return sip_uri_parse(sip_msg_ruri(s->m), 0, &u, &at) == 0 && gruu_in_uri(&u, &gr);
}

/** What to tell of a phone. Absent: nothing that would be of use */
static struct str contact_of(struct contacts *c, const struct binding *b)
{
    bool has_gruu = b->gruu_life != 0 && !asks_for_gruu(c->s);
    struct arena *a = &c->s->e->scratch;
    struct out o;
    char *buf;

    if (is_open(b) || (!has_gruu && !c->asked)) {
        return b->contact;
    }
    if (!has_gruu) {
        return STR_NONE;
    }
    out_init(&o, NULL, 0); /* once to measure, once to write */
    registrar_gruu_write_public(b, &o);
    buf = arena_alloc(a, o.need);
    if (buf == NULL) {
        c->no_memory = true;
        return STR_NONE;
    }
    out_init(&o, buf, o.need);
    registrar_gruu_write_public(b, &o);
    return out_str_of(&o);
}

/** A Contact for each of a device's phones. */
static void add_device(struct contacts *c, const struct rule_target *t, const struct device *d)
{
    const struct steering *s = c->s;
    const struct record *rec = registrar_find(&s->e->registrar, d->key);
    struct str ours = s->e->config.directory->domains[0];
    struct selected *phone = NULL;
    unsigned status;
    size_t n = rec == NULL ? 0 : registrar_select(rec, s->m, &s->e->scratch, &phone, &status);

    for (size_t i = 0; i < n; i++) {
        uint32_t q = t->q != RULE_NO_Q ? t->q : n > 1 ? phone[i].q_milli : RULE_NO_Q;
        struct str contact = contact_of(c, phone[i].binding);
        if (str_is_set(contact)) {
            add(c, contact, q, steer_is_called(s, d), ours);
        }
    }
}

/** Does the URI of a rule stand for the number that was called? */
static bool is_for_called(const struct steering *s, struct str uri)
{
    return !s->verdict.called_changed && str_find(uri, STR("{number}")) < uri.n;
}

static void add_target(struct contacts *c, const struct rule_target *t)
{
    const struct steering *s = c->s;
    struct destination to;
    struct txn_target way;
    enum fit fit;
    char uri[512];
    struct out u;

    if (t->kind == RULE_TO_URI) { /* as the rule has it, its headers too */
        add(c, t->text, t->q, is_for_called(s, t->text), STR_NONE);
        return;
    }
    if (!steer_place(s, t, &to)) {
        return;
    }
    fit = steer_fit(s, &to);
    c->best = fit > c->best ? fit : c->best;
    if (!fits(fit)) {
        return;
    }
    if (to.device != NULL) {
        add_device(c, t, to.device);
        return;
    }
    out_init(&u, uri, sizeof(uri));
    if (to.peer == NULL) {
        out_str(&u, to.uri);
    } else if (!call_way_to_peer(to.peer, to.number, sip_msg_is_sips(s->m), &u, &way)) {
        return;
    }
    if (!u.over) {
        add(c, out_str_of(&u), t->q, !s->verdict.called_changed, steer_domain(s, &to));
    }
}

/** The entries that a sender who has asked gets with the response. */
static void add_history(struct contacts *c)
{
    struct history_out out = {0};
    struct history h;
    struct str part[2] = {c->lines};

    if (begin(c, &h) != 0 ||
        history_response(&h, &c->s->e->scratch, NULL, &c->rules, &out) != 0) {
        c->no_memory = true;
        return;
    }
    part[1] = out.lines;
    if (part[1].n > 0) {
        c->lines = arena_join(&c->s->e->scratch, part, 2);
        c->no_memory = c->no_memory || c->lines.p == NULL;
    }
}

static bool write_contacts(struct contacts *c, struct str *lines)
{
    read_policy(c);
    for (size_t i = 0; i < c->s->verdict.target_count && !c->no_memory; i++) {
        add_target(c, c->s->verdict.target[i]);
    }
    if (c->lines.n > 0 && c->tells && !c->no_memory) {
        add_history(c);
    }
    *lines = c->lines;
    return !c->no_memory;
}

bool steer_contacts(const struct steering *s, struct str *lines, enum fit *best)
{
    struct contacts c = {.s = s, .best = steer_is_choosy(s) ? FIT_NO_OPTION : FIT_UNKNOWN};
    bool done = write_contacts(&c, lines);

    *best = c.best;
    return done;
}

/* ---- because the sender asks ---- */

static bool may_know(const struct steering *s)
{
    switch ((enum engine_ask)s->e->config.redirect_asked) {
    case ENGINE_ASK_NOBODY:
        break;
    case ENGINE_ASK_TRUSTED:
        return s->who->peer != NULL && peer_is_inside(s->who->peer);
    case ENGINE_ASK_ALL:
        return true;
    }
    return false;
}

/** A device that is called as such: nothing that its user has switched on is passed by. */
static bool is_plain_device(const struct steering *s, const struct rule_target *t)
{
    const struct device_features *f;
    struct destination to;

    if (!steer_place(s, t, &to) || to.device == NULL) {
        return false;
    }
    f = call_features(to.device);
    for (size_t i = 0; i < FORWARD_COUNT; i++) {
        if (f->forward[i].on) {
            return false;
        }
    }
    return !f->dnd;
}

bool steer_contacts_asked(const struct steering *s, struct str *lines)
{
    static const struct rule_target called = {.kind = RULE_TO_LOCATION, .q = RULE_NO_Q};
    const struct rule_target *only = &called;
    struct steering as_asked = *s;
    struct rule rule = {0};
    struct contacts c = {.s = &as_asked, .asked = true};

    if (s->verdict.rule != NULL) {
        rule = *s->verdict.rule;
    } else {
        as_asked.verdict.target = &only;
        as_asked.verdict.target_count = 1;
    }
    rule.status = 302;
    as_asked.verdict.rule = &rule;
    if (!may_know(s) || asks_for_gruu(s)) {
        return false;
    }
    for (size_t i = 0; i < as_asked.verdict.target_count; i++) {
        if (!is_plain_device(&as_asked, as_asked.verdict.target[i])) {
            return false;
        }
    }
    return write_contacts(&c, lines) && lines->n > 0;
}
