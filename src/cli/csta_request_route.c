/* SPDX-License-Identifier: Apache-2.0 */
/* The commands about routeing as CSTA messages: this program as the ACD, by hand. */
#include "cli/csta_draft.h"

static int build_register(struct draft *d)
{
    BODY(d, route_register, CSTA_MSG_ROUTE_REGISTER, route_register);
    body->routeing_device.value = d->narg > 0 ? d->arg[0] : STR_NONE;
    return 0;
}

static int build_cancel(struct draft *d)
{
    BODY(d, route_register_cancel, CSTA_MSG_ROUTE_REGISTER_CANCEL, route_register_cancel);
    body->route_register_req_id = d->arg[0];
    return 0;
}

static int build_select(struct draft *d)
{
    struct csta_device_id *other = arena_zalloc(d->arena, d->narg * sizeof(*other));
    BODY(d, route_select, CSTA_MSG_ROUTE_SELECT, route_select);
    if (other == NULL) {
        return E_NOMEM;
    }
    for (size_t i = 2; i < d->narg; i++) {
        other[i - 2].value = d->arg[i];
    }
    body->cross_ref_identifier = d->arg[0];
    body->route_selected.value = d->arg[1];
    body->alternate_routes.item = other;
    body->alternate_routes.n = d->narg - 2;
    body->route_used_req = CSTA_TRUE;
    body->correlator_data = d->correlator;
    return csta_private_user_data(d->arena, csta_data_octets(&d->user_data), &body->extensions);
}

static int build_end(struct draft *d)
{
    BODY(d, route_end, CSTA_MSG_ROUTE_END, route_end);
    body->cross_ref_identifier = d->arg[0];
    return 0;
}

static int build_reject(struct draft *d)
{
    BODY(d, route_reject, CSTA_MSG_ROUTE_REJECT, route_reject);
    body->cross_ref_identifier = d->arg[0];
    body->reject_cause = d->narg > 1 ? csta_reject_cause_find(d->arg[1]) : CSTA_REJECT_ABSENT;
    return d->narg > 1 && body->reject_cause == CSTA_REJECT_ABSENT
               ? COMPLAIN(d,
                          "\"%.*s\" is no cause: busyOverflow, queueTimeOverflow, "
                          "capacityOverflow, calendarOverflow or unknownOverflow",
                          STR_ARG(d->arg[1]))
               : 0;
}

int csta_build_route(struct draft *d)
{
    switch ((unsigned)d->order->verb) {
    case CSTA_VERB_ROUTE_REGISTER:
        return build_register(d);
    case CSTA_VERB_ROUTE_CANCEL:
        return build_cancel(d);
    case CSTA_VERB_ROUTE:
        return build_select(d);
    case CSTA_VERB_ROUTE_END:
        return build_end(d);
    default:
        return build_reject(d);
    }
}
