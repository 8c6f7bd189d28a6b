/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who did what: one line for each request that takes control of something, when its outcome is
 * known, and the same as a fact of the journal, for administrators.
 *
 *   request ──► serve ──► answered at once ──────────────► audit_outcome
 *                  └────► pending ──► its end, any of them ──► audit_outcome
 *
 * What only looks is not noted, nor what is refused before anybody knows what it wants. A line
 * says who, by which face, what, to which device and call, and how it ended; never what a
 * message carried: no number that was called, no User-to-User, no password.
 *
 * BOUND. The journal keeps so many octets, and what is new puts out what is old. So that nobody
 * makes it forget calls by asking for what he may not, REFUSED_MOST refusals of one principal
 * in REFUSED_MS become facts; the log has all of them.
 */
#include "csta/json_text.h"
#include "cti/parts.h"

/* Six strings of what we have checked, and their names. */
enum { LINE_MAX = 1024, REFUSED_MOST = 60, REFUSED_MS = 60000 };

#define AUDIT_TYPE STR("org.baton.audit.v1")

static void put(struct out *o, const char *name, struct str value)
{
    if (value.n > 0) {
        if (o->n > 1) {
            out_ch(o, ',');
        }
        json_put_string(o, str_c(name));
        out_ch(o, ':');
        json_put_string(o, value);
    }
}

/** Who shares a slot with others shares what it takes. */
static bool is_too_much(struct cti *c, const struct cti_audit *a)
{
    struct audit_slot *slot = &c->refused[hash_bytes(&c->agent_key, a->who) % AUDIT_SLOTS];
    uint64_t now_ms = c->wheel->now_ms;

    if (str_eq(a->outcome, STR("done"))) {
        return false;
    }
    if (now_ms - slot->since_ms >= REFUSED_MS) {
        *slot = (struct audit_slot){.since_ms = now_ms};
    }
    return slot->n++ >= REFUSED_MOST;
}

void cti_audit(struct cti *c, const struct cti_audit *a)
{
    const struct device *d =
        a->device.n > 0 ? directory_device_named(c->directory, a->device) : NULL;
    const struct str device = d != NULL ? d->key : a->device; /* however it was written */
    const struct trace_ids ids = {
        .call = a->call_id, .device = d != NULL ? d->uri : device, .who = a->who};
    struct journal_fact fact = {.type = AUDIT_TYPE, .subject = device, .call_id = a->call_id};
    char buf[LINE_MAX];
    struct out o;

    env_trace_of(c->env, TRACE_INFO, "audit", &ids, "%.*s over %.*s: %.*s", STR_ARG(a->action),
                 STR_ARG(a->face), STR_ARG(a->outcome));
    out_init(&o, buf, sizeof(buf));
    out_ch(&o, '{');
    put(&o, "who", a->who);
    put(&o, "face", a->face);
    put(&o, "action", a->action);
    put(&o, "deviceID", device);
    put(&o, "callID", a->call_id);
    put(&o, "outcome", a->outcome);
    out_ch(&o, '}');
    fact.data = out_str_of(&o);
    if (!o.over && !is_too_much(c, a)) {
        (void)cti_tell(c, &fact);
    }
}

/** The name of an application is written so that it is not taken for a principal's. */
static struct str name_of(const struct cti_session *s)
{
    struct str name = s->app->name;

    return str_index(name, ':') < name.n
               ? name
               : arena_fmt(s->cti->scratch, "application:%.*s", STR_ARG(name));
}

static struct str outcome_name(const struct cti_session *s, const struct csta_error *error)
{
    return error == NULL ? STR("done")
                         : arena_fmt(s->cti->scratch, "%.*s/%.*s",
                                     STR_ARG(csta_error_category_name(error->kind)),
                                     STR_ARG(csta_error_value_name(*error)));
}

void audit_outcome(const struct cti_session *s, const struct audited *a,
                   const struct csta_error *error)
{
    struct cti_audit line;

    if (a->service == CSTA_MSG_NONE || s->cti->closing) {
        return;
    }
    line = (struct cti_audit){.who = name_of(s),
                              .face = str_c(s->via->name),
                              .action = csta_msg_name(a->service),
                              .outcome = outcome_name(s, error)};
    if (a->device != NULL) {
        line.device = a->device->key;
    }
    if (a->call_id[0] != '\0') {
        line.call_id = str_make(a->call_id, CALL_ID_LEN);
    }
    cti_audit(s->cti, &line);
}

void audit_device(const struct request *r, const struct device *d)
{
    if (r->audited->device == NULL) {
        r->audited->device = d;
    }
}

void audit_call(const struct request *r, struct str call_id)
{
    if (r->audited->call_id[0] == '\0' && call_id.n == CALL_ID_LEN) {
        memcpy(r->audited->call_id, call_id.p, CALL_ID_LEN);
    }
}
