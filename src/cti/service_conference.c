/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ConferenceCall and SingleStepConferenceCall (ECMA-269 §17.1; TR/87 7.11, 7.12).
 *
 * Both need a focus (docs/conferences.md); without one they are no services of ours (cti_has),
 * but for ConferenceCall with two calls of a phone that mixes (phone/driver.c).
 * ConferenceCall takes two connections of one device, each of them in hold or connected, and
 * answers with the device's connection in the conference. Where one has a deviceID only,
 * heldCall means the call that the device holds and activeCall the one that it is in.
 * SingleStepConferenceCall answers with that of the party it has called, when that rings.
 *
 * participationType: `active`; `silent` where the configuration has a silent room; `none` is a
 * party without media, which a focus cannot have.
 */
#include "call/conference.h"
#include "cti/serve.h"

struct outcome service_conference_call(struct request *r)
{
    static const struct wanted held_want = {CSTA_MSG_CONFERENCE_CALL, STATE(HOLD)};
    static const struct wanted active_want = {CSTA_MSG_CONFERENCE_CALL, STATE(CONNECTED)};
    const struct csta_conference_call *m = r->msg->conference_call;
    struct connection *held, *active;
    struct data none = {0};
    struct outcome err;
    struct pending *p;

    if (!resolve_connection(r, &m->held_call, &held_want, &held, &err) ||
        !resolve_connection(r, &m->active_call, &active_want, &active, &err)) {
        return err;
    }
    if (held->call == active->call) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_CONNECTION_ID,
                             "it takes two different calls");
    }
    p = hold_on(r, held, &err);
    return p == NULL
               ? err
               : begun(r, p, held, &none,
                       r->cti->driver->conference(r->cti->driver_ctx, held, active, &p->made,
                                                  pending_on_done, p, r->now_ms));
}

static bool read_participation(const struct request *r, bool *silent, struct outcome *err)
{
    switch (r->msg->single_step_conference_call->participation_type) {
    case CSTA_PARTICIPATION_TYPE_SILENT:
        *silent = true;
        return true;
    case CSTA_PARTICIPATION_TYPE_NONE:
        *err =
            outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_PARTICIPATION_TYPE_OUT_OF_RANGE,
                          "a party of a conference has media: active or silent");
        return false;
    default:
        return true;
    }
}

struct outcome service_single_step_conference_call(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_SINGLE_STEP_CONFERENCE_CALL, STATE(CONNECTED)};
    const struct csta_single_step_conference_call *m = r->msg->single_step_conference_call;
    struct call_invite_args args = {.to = m->device_to_join.value};
    struct connection *conn;
    struct outcome err;
    struct data data;
    struct pending *p;

    if (!read_participation(r, &args.silent, &err) ||
        !take_both(r, &m->user_data, &m->correlator_data, &data, &err) ||
        !resolve_connection(r, &m->active_call, &want, &conn, &err) ||
        (p = hold_on(r, conn, &err)) == NULL) {
        return err;
    }
    if (!correlate(r, conn->call, &data, &err)) {
        pending_free(p);
        return err;
    }
    args.uui = data.uui;
    return begun(r, p, conn, &data,
                 r->cti->driver->invite(r->cti->driver_ctx, conn, &args, &p->made,
                                        pending_on_done, p, r->now_ms));
}
