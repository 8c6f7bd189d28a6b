/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User of a rule: sealed when its package has a key; and, where Baton itself redirects
 * or refers, what of it goes into the URI that the caller is told, by the table of uui/merge.h.
 *
 * Who follows a redirection sends what he has sent already once more (RFC 3261 §8.1.3.4), so
 * its Contact brings the new values only, and none where the target is of another
 * administration and the caller has a value of the package. Who follows a REFER begins anew:
 * its Refer-To brings what the caller had as well.
 */
#include "engine/steer.h"

#include "base/err.h"
#include "seal/value.h"

bool steer_value(struct steering *s)
{
    const struct rule *r = s->verdict.rule;
    struct engine *e = s->e;
    const struct uui_package *p =
        r->uui_value.n == 0 ? NULL : uui_package_of(e->config.packages, r->uui_package);
    int err;

    s->uui = r->uui_value;
    if (p == NULL || p->seal_key == 0) {
        return true;
    }
    err = seal_write(&e->seal, e->config.packages, r->uui_package, r->uui_octets, SEAL_FORWARD,
                     e->env->wall_s(e->env->ctx), &e->scratch, &s->uui);
    if (err != 0) {
        env_trace(e->env, TRACE_WARN, "route",
                  "User-to-User (%.*s) of the rule \"%.*s\" cannot be sealed: %s",
                  STR_ARG(r->uui_package), STR_ARG(str_upto(r->name, 64)), err_text(err));
    }
    return err == 0;
}

struct str steer_domain(const struct steering *s, const struct destination *to)
{
    bool ours = to->device != NULL || (to->peer != NULL && peer_is_inside(to->peer));

    return ours ? s->e->config.directory->domains[0] : STR_NONE;
}

/** The host of a URI, which may have a place for the number. */
static struct str domain_of(const struct steering *s, struct str uri)
{
    const struct directory *d = s->e->config.directory;
    struct sip_uri u;
    struct out o;
    uint32_t at;
    char *buf;

    out_init(&o, NULL, 0); /* once to measure, once to write */
    rule_write_uri(&o, uri, s->verdict.called, NULL);
    buf = arena_alloc(&s->e->scratch, o.need + 1);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, o.need + 1);
    rule_write_uri(&o, uri, s->verdict.called, NULL);
    if (sip_uri_parse(out_str_of(&o), 0, &u, &at) != 0) {
        return STR_NONE;
    }
    return directory_is_domain(d, u.host) ? d->domains[0] : u.host;
}

static void tell(const struct steering *s, const struct uui_merged *r, struct str uri)
{
    struct engine *e = s->e;
    struct str id = sip_msg_value(s->m, SIP_HDR_CALL_ID);
    const char *what = r->refused > 0    ? "foreign replacement refused"
                       : r->replaced > 0 ? "replaced"
                                         : "isdn-uui dropped (RFC 7434 §8)";

    e->count.uui_replaced += r->replaced;
    e->count.uui_refused += r->refused;
    e->count.uui_forbidden += r->forbidden;
    if (r->replaced + r->refused + r->forbidden > 0) {
        env_trace_of(e->env, TRACE_INFO, "route", &(struct trace_ids){.sip_call = id},
                     "call %.*s: User-to-User %s: rule %.*s, to %.*s", STR_ARG(id), what,
                     STR_ARG(s->verdict.rule->name), STR_ARG(uri));
    }
}

static void on_lost(void *ctx, const struct uui_value *v, enum uui_fate fate)
{
    const struct steering *s = ctx;
    struct border_moved moved = {.call_id = sip_msg_value(s->m, SIP_HDR_CALL_ID),
                                 .rule = s->verdict.rule->name,
                                 .value = v,
                                 .fate = fate,
                                 .in = SIP_HDR_OTHER};

    border_note_moved(&s->e->border, &moved);
}

bool steer_uui(const struct steering *s, enum uui_move how, struct str domain, struct str uri,
               struct uui_merged *out)
{
    const struct uui_carriage *rules = s->e->config.call.carriage;
    struct str ours = s->e->config.directory->domains[0];
    struct arena *a = &s->e->scratch;
    struct uui_merge_args q = {.given = s->uui,
                               .known = s->e->config.packages,
                               .lost = on_lost,
                               .ctx = (void *)(uintptr_t)s,
                               .isdn_strict = rules != NULL && rules->isdn_strict};

    q.had = uui_of_msg(a, s->m);
    domain = domain.n > 0 ? domain : domain_of(s, uri);
    q.may_replace = uui_may_replace(rules, how, ours, domain);
    if ((q.had.p == NULL && sip_msg_has(s->m, SIP_HDR_USER_TO_USER)) ||
        uui_merge(a, &q, out) != 0) {
        return false;
    }
    tell(s, out, uri);
    return true;
}
