/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Baton as the one who refers (RFC 3515, RFC 5589 §6): a phone is asked to call somebody by
 * itself, and when it tells that it has, the call is over. What the context is goes into
 * Refer-To, escaped (RFC 3261 §19.1.1, RFC 7433 §4.2).
 *
 *   Baton ── REFER ──► phone        a phone whose Allow has no REFER is not asked
 *         ◄── 202 ────
 *         ◄── NOTIFY 100, 180 …     each gives the procedure its time anew
 *         ◄── NOTIFY 200            BYE to both parties
 *         ◄── NOTIFY 486            nothing has changed
 *
 * It is a step (step.c): one at a time, with a limit; the phone's own transfer key and
 * re-INVITE wait for its end.
 */
#include "base/err.h"
#include "call/parts.h"

static void on_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                      uint64_t now_ms)
{
    struct call *c = r->owner;

    (void)m;
    if (status < 200 || c->step == NULL) {
        return;
    }
    *step_request(c->step) = NULL;
    if (status >= 300) {
        step_done(c->step, CALL_REFUSED, status, now_ms);
    }
}

unsigned refer_status(struct str body)
{
    uint32_t status = 0;

    return str_istarts(body, STR("SIP/2.0 ")) &&
                   str_to_u32(str_upto(str_from(body, 8), 3), &status) && status >= 100 &&
                   status <= 699
               ? status
               : 0;
}

bool refer_notified(struct branch *from, struct txn *t, const struct sip_msg *m,
                    uint64_t now_ms)
{
    struct call *c = from->conn->call;
    struct str event = sip_msg_value(m, SIP_HDR_EVENT);
    bool over = str_istarts(sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE), STR("terminated"));
    unsigned status = refer_status(sip_msg_body(m));

    if (c->step == NULL || step_kind_of(c->step) != STEP_REFER ||
        step_connection(c->step) != from->conn ||
        !str_ieq(str_trim(str_upto(event, str_index(event, ';'))), STR("refer"))) {
        return false;
    }
    call_answer_request(from->leg, t, 200, &(struct leg_content){0}, now_ms);
    if (status < 200 && !over) {
        step_prolong(c->step, now_ms);
    } else if (status >= 200 && status < 300) {
        step_done(c->step, CALL_OK, 0, now_ms);
        call_release(c, NULL, "transfer", NULL, STR_NONE, now_ms);
    } else {
        step_done(c->step, CALL_REFUSED, status, now_ms);
    }
    return true;
}

/** "Refer-To: <…>" and Referred-By, which is the party on whose behalf it is; absent: too long
 */
static struct str lines_of(const struct connection *to, struct str target, struct str uui)
{
    struct call_layer *l = to->call->layer;
    const struct connection *by = call_other(to);
    size_t cap = target.n * 3 + uui.n * 3 + by->id.n + l->directory->domains[0].n + 96;
    char *buf = arena_alloc(l->scratch, cap);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_c(&o, "Refer-To: <");
    if (str_index(target, ':') == target.n) {
        out_c(&o, "sip:");
        sip_escape_user(&o, target);
        out_ch(&o, '@');
        out_str(&o, l->directory->domains[0]);
    } else {
        out_str(&o, target);
    }
    if (uui.n > 0) {
        out_c(&o, str_index(target, '?') < target.n ? "&" : "?");
        out_c(&o, "User-to-User=");
        sip_escape_header(&o, uui);
    }
    out_c(&o, ">\r\n");
    if (!by->restricted) {
        out_c(&o, "Referred-By: <");
        out_str(&o, by->id);
        out_c(&o, ">\r\n");
    }
    return o.over ? STR_NONE : out_str_of(&o);
}

enum call_error call_refer(struct connection *to, struct str target, struct str uui_values,
                           call_done_fn fn, void *owner, uint64_t now_ms)
{
    struct leg_content content = {0};
    struct leg *leg = connection_leg(to);
    struct step *s;
    enum call_error err = call_step_ready(to, (enum connection_state)to->state);

    if (err != CALL_OK) {
        return err;
    }
    if (to->call->phase != CALL_ACTIVE || to->seat != NULL) {
        return CALL_BAD_STATE;
    }
    if (leg->dialog->peer_methods != 0 &&
        (leg->dialog->peer_methods & 1u << SIP_METHOD_REFER) == 0) {
        return CALL_UNSUPPORTED;
    }
    content.lines = lines_of(to, str_trim(target), uui_values);
    s = content.lines.p == NULL ? NULL : step_new(to, STEP_REFER, fn, owner, now_ms);
    if (s == NULL) {
        return CALL_NO_RESOURCES;
    }
    if (leg_send(leg, NULL, STR("REFER"), &content, on_answer, to->call, step_request(s),
                 now_ms) != 0) {
        step_cancel(s, now_ms);
        return CALL_NO_RESOURCES;
    }
    return CALL_OK;
}
