/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log says about calls, registrations and refused requests: the questions of whoever
 * runs the server. Did the phone register, and from where? What became of that call? Why was
 * this request turned away?
 *
 * A call is two to four lines at level info, each with its callID: who calls whom (with the
 * Call-ID of the caller's INVITE, by which the SIP trace is searched), answered, failed with
 * which status, ended by whom. Before them stands one with the route rule that took the INVITE,
 * when there is one. Ringing, holding and the like are debug. Observers get every
 * event as before; a line here changes nothing.
 *
 * What comes from outside is cut to TEXT_MAX, since a URI may have thousands of octets, and
 * what people without credentials can cause is bounded by engine_may_complain. Control
 * characters are the log writer's business.
 */
#include "engine/parts.h"
#include <stdarg.h>
#include <stdio.h>

enum { TEXT_MAX = 96 };

/** "%.*s" of what a stranger wrote. */
#define CUT_ARG(s) STR_ARG(str_upto((s), TEXT_MAX))

static struct str hop_text(const struct hop *h, char *buf, size_t cap)
{
    struct out o;

    out_init(&o, buf, cap);
    out_c(&o, transport_name((enum transport)h->transport));
    out_ch(&o, ' ');
    addr_write(&o, &h->remote);
    return out_str_of(&o);
}

/* ---- calls ---- */

/** The Call-ID of the INVITE that the caller sent; absent when Baton made the call. */
static struct str call_id_of(const struct connection *caller)
{
    const struct leg *leg = caller->stem == NULL ? NULL : caller->stem->leg;
    const struct txn *invite = leg == NULL ? NULL : leg->invite;

    return invite == NULL || invite->req == NULL
               ? STR_NONE
               : sip_msg_value(&invite->req->m, SIP_HDR_CALL_ID);
}

/** Is no other connection's end still to be told? */
static bool is_over(const struct call *c)
{
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        bool known = conn->alerted || conn->established || conn->originating;
        if (known && !conn->ended && conn->state != CONN_FAIL) {
            return false;
        }
    }
    return true;
}

static void on_begun(const struct env *env, const struct call_event *ev)
{
    struct trace_ids ids = call_trace_ids(ev->call, ev->subject);
    struct str id = call_id_of(ev->subject);

    if (str_is_set(id)) {
        env_trace_of(env, TRACE_INFO, "call", &ids, "%s: %.*s calls %.*s, Call-ID %.*s",
                     ev->call->id, CUT_ARG(ev->subject->id), CUT_ARG(ev->called_id),
                     CUT_ARG(id));
    } else { /* MakeCall: ServiceInitiated said whom */
        env_trace_of(env, TRACE_DEBUG, "call", &ids, "%s: %.*s's phone is ready", ev->call->id,
                     CUT_ARG(ev->subject->id));
    }
}

static void on_failed(const struct env *env, const struct call_event *ev)
{
    struct trace_ids ids = call_trace_ids(ev->call, ev->subject);

    if (ev->status != 0) {
        env_trace_of(env, TRACE_INFO, "call", &ids, "%s: %.*s was not reached: %s, %u %s",
                     ev->call->id, CUT_ARG(ev->subject->id), ev->cause, ev->status,
                     sip_reason(ev->status));
    } else {
        env_trace_of(env, TRACE_INFO, "call", &ids, "%s: %.*s was not reached: %s",
                     ev->call->id, CUT_ARG(ev->subject->id), ev->cause);
    }
}

/** The events that are one line of `verb` with an object behind it. */
static void say(const struct env *env, enum trace_level level, const struct call_event *ev,
                const char *verb, struct str object)
{
    struct trace_ids ids = call_trace_ids(ev->call, ev->subject);

    env_trace_of(env, level, "call", &ids, "%s: %.*s %s%.*s", ev->call->id,
                 CUT_ARG(ev->subject->id), verb, CUT_ARG(object));
}

void report_call_event(void *ctx, const struct call_event *ev)
{
    struct engine *e = ctx;
    const struct env *env = e->env;

    switch (ev->kind) {
    case CALL_EV_SERVICE_INITIATED:
        say(env, TRACE_INFO, ev, "is to call ", ev->call->called);
        break;
    case CALL_EV_ORIGINATED:
        on_begun(env, ev);
        break;
    case CALL_EV_NETWORK_REACHED:
        say(env, TRACE_DEBUG, ev, "is called over a peer", STR(""));
        break;
    case CALL_EV_DELIVERED:
        say(env, TRACE_DEBUG, ev, "rings", STR(""));
        break;
    case CALL_EV_ESTABLISHED:
        say(env, TRACE_INFO, ev, "answered", STR(""));
        break;
    case CALL_EV_HELD:
        say(env, TRACE_DEBUG, ev, "holds", STR(""));
        break;
    case CALL_EV_RETRIEVED:
        say(env, TRACE_DEBUG, ev, "retrieves", STR(""));
        break;
    case CALL_EV_DIVERTED:
        say(env, TRACE_INFO, ev, "is relieved: deflected to ", ev->to_id);
        break;
    case CALL_EV_TRANSFERRED:
        say(env, TRACE_INFO, ev, "leaves: transferred to ", ev->to_id);
        break;
    case CALL_EV_CONFERENCED:
        say(env, TRACE_INFO, ev, "confers with ", ev->to_id);
        break;
    case CALL_EV_DIGITS_DIALED:
    case CALL_EV_DIGITS_GENERATED:
        say(env, TRACE_DEBUG, ev, "has sent digits", STR(""));
        break;
    case CALL_EV_QUEUED:
        say(env, TRACE_INFO, ev, "has the call waiting: ", str_c(ev->cause));
        break;
    case CALL_EV_INFORMATION:
        say(env, TRACE_DEBUG, ev, "has sent user data", STR(""));
        break;
    case CALL_EV_FAILED:
        on_failed(env, ev);
        break;
    case CALL_EV_CONNECTION_CLEARED:
        if (is_over(ev->call)) { /* CSTA has a party that failed release itself */
            struct trace_ids ids = call_trace_ids(ev->call, ev->subject);
            bool by = ev->by != NULL && ev->by != ev->subject;
            env_trace_of(env, TRACE_INFO, "call", &ids, "%s: ended%s%.*s, %s", ev->call->id,
                         by ? " by " : "", CUT_ARG(by ? ev->by_id : STR("")), ev->cause);
        }
        break;
    }
    cti_on_call_event(e->cti, ev);
    phones_on_call_event(e->phones, ev);
    event_on_call(e->events, ev);
}

void report_feature(void *ctx, struct device *d, unsigned which, bool changed, uint64_t now_ms)
{
    static const char *const names[] = {[FORWARD_IMMEDIATE] = "forwarding of all calls",
                                        [FORWARD_BUSY] = "forwarding when busy",
                                        [FORWARD_NO_ANSWER] = "forwarding without answer",
                                        [FEATURE_DND] = "do not disturb"};
    struct engine *e = ctx;
    const struct device_features *f = call_features(d);
    bool on = which == FEATURE_DND ? f->dnd : f->forward[which].on;

    env_trace_of(e->env, TRACE_INFO, "call", &(struct trace_ids){.device = d->uri},
                 "%.*s: %s %s", CUT_ARG(d->uri), names[which], on ? "on" : "off");
    event_on_feature(e->events, d, which);
    if (changed) {
        cti_on_feature(e->cti, d, which, now_ms);
        phones_on_feature(e->phones, d, which, now_ms);
    }
}

void report_callback(void *ctx, const struct device *from, const struct device *to, bool set,
                     uint64_t now_ms)
{
    struct engine *e = ctx;

    env_trace_of(e->env, TRACE_INFO, "call", &(struct trace_ids){.device = from->uri},
                 "%.*s: call back of %.*s %s", CUT_ARG(from->uri), CUT_ARG(to->uri),
                 set ? "set" : "over");
    cti_on_callback(e->cti, from, to, set, now_ms);
}

void report_waiting(void *ctx, struct device *d, uint64_t now_ms)
{
    struct engine *e = ctx;

    env_trace_of(e->env, TRACE_INFO, "event", &(struct trace_ids){.device = d->uri},
                 "%.*s: message waiting %s", CUT_ARG(d->uri),
                 event_waiting(e->events, d).on ? "on" : "off");
    cti_on_waiting(e->cti, d, now_ms);
    phones_on_waiting(e->phones, d, now_ms);
}

/* ---- registrations ---- */

void report_registration(void *ctx, const struct record *r, bool registered, uint64_t now_ms)
{
    struct engine *e = ctx;
    const struct device *d = directory_device(e->config.directory, r->key);
    const struct trace_ids ids = {.device = d != NULL ? d->uri : r->key};
    char buf[128];

    if (registered && !list_empty(&r->bindings)) {
        const struct binding *b = list_entry(r->bindings.next, struct binding, link);
        env_trace_of(e->env, TRACE_INFO, "registrar", &ids,
                     "%.*s is registered, from %.*s%s%.*s%s", CUT_ARG(r->key),
                     STR_ARG(hop_text(&b->hop, buf, sizeof(buf))),
                     b->user_agent.n > 0 ? " (" : "", CUT_ARG(b->user_agent),
                     b->user_agent.n > 0 ? ")" : "");
    } else {
        env_trace_of(e->env, TRACE_INFO, "registrar", &ids, "%.*s is no longer registered",
                     CUT_ARG(r->key));
    }
    cti_on_registration(e->cti, r, registered, now_ms);
    event_on_registration(e->events, r, registered, now_ms);
}

void report_binding(void *ctx, const struct record *r, const struct binding *b,
                    enum binding_event what, uint64_t now_ms)
{
    struct engine *e = ctx;

    event_on_binding(e->events, r, b, what);
    phones_on_binding(e->phones, r, b, what, now_ms);
}

/* ---- messages ---- */

void report_fault(struct engine *e, const struct hop *from, const struct sip_fault *fault)
{
    char buf[128];

    env_trace(e->env, TRACE_INFO, "sip", "malformed message from %.*s: %s, at octet %u",
              STR_ARG(hop_text(from, buf, sizeof(buf))),
              fault->reason == NULL ? "?" : fault->reason, fault->at);
}

void report_request(struct engine *e, enum trace_level level, const char *module,
                    const struct sip_msg *m, const struct hop *from, const char *fmt, ...)
{
    char buf[128], what[160];
    struct sip_addr who = {0};
    va_list args;

    if (level < e->env->trace_from) {
        return;
    }
    va_start(args, fmt);
    int n = vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    if (n < 0) {
        return;
    }
    (void)sip_msg_addr(m, SIP_HDR_FROM, &who);
    env_trace_of(e->env, level, module,
                 &(struct trace_ids){.sip_call = sip_msg_value(m, SIP_HDR_CALL_ID)},
                 "%.*s %.*s of %.*s from %.*s: %s", STR_ARG(str_upto(sip_msg_method(m), 32)),
                 CUT_ARG(sip_msg_ruri(m)), CUT_ARG(who.uri_text),
                 STR_ARG(hop_text(from, buf, sizeof(buf))), what);
}

void report_refusal(struct engine *e, const struct sip_msg *m, const struct hop *from,
                    const struct txn_reply *r)
{
    struct str reason = str_is_set(r->reason) ? r->reason : str_c(sip_reason(r->status));

    /* 401 is how every request begins; who then fails is told of by identify */
    if (r->status >= 400 && r->status != 401 && m->method != SIP_METHOD_ACK &&
        engine_may_complain(e)) {
        report_request(e, TRACE_INFO, "sip", m, from, "%u %.*s", r->status, STR_ARG(reason));
    }
}
