/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GetAgentState, SetAgentState (ECMA-269 §22.1.2, §22.1.9).
 *
 * The right to a device is the right to its agents: an application that may control the device
 * logs on there whom it likes. Groups and passwords of agents are none of Baton's, and a
 * password that nobody checks would be a promise, so both are refused.
 *
 * WHICH AGENT. Log on needs a device and an identifier. Otherwise one of them is enough where
 * it leaves no doubt: the only agent of the device, or the only device, of those that the
 * application may use, at which the agent is logged on.
 *
 * A wish that is true already is answered well and told nobody. The answer has
 * pendingAgentState when the wish has to wait for the end of a call (agent.c).
 */
#include "cti/parts.h"

static bool fail(struct outcome *err, unsigned value, const char *why)
{
    *err = outcome_error(CSTA_ERROR_OPERATION, value, why);
    return false;
}

/** The only agent of the device. */
static struct agent *of_device(const struct cti *c, const struct device *d, struct outcome *err)
{
    struct agent *a = agent_next(c, d, NULL);

    if (a == NULL) {
        (void)fail(err, CSTA_OPERATION_INVALID_AGENT_STATE,
                   "no agent is logged on at the device");
    } else if (agent_next(c, d, a) != NULL) {
        a = NULL;
        (void)fail(err, CSTA_OPERATION_INVALID_AGENT_IDENTIFIER,
                   "several agents are logged on at the device: give agentID");
    }
    return a;
}

/** The only agent of that name at a device that the application may use. */
static struct agent *of_name(const struct request *r, struct str id, struct outcome *err)
{
    struct agent *found = NULL;
    struct map_node *n;
    size_t slot = 0;

    for (n = map_walk(&r->cti->agents, &slot, NULL); n != NULL;
         n = map_walk(&r->cti->agents, &slot, n)) {
        struct agent *a = container_of(n, struct agent, node);
        if (!str_eq(a->id, id) || !request_may(r, a->device)) {
            continue;
        }
        if (found != NULL) {
            (void)fail(err, CSTA_OPERATION_INVALID_DEVICE_ID,
                       "the agent is logged on at several devices: give device");
            return NULL;
        }
        found = a;
    }
    if (found == NULL) {
        (void)fail(err, CSTA_OPERATION_INVALID_AGENT_IDENTIFIER,
                   "no such agent is logged on at a device of this application");
    }
    return found;
}

static struct agent *find(const struct request *r, const struct device *d, struct str id,
                          struct outcome *err)
{
    struct agent *a;

    if (d == NULL) {
        return of_name(r, id, err);
    }
    if (id.n == 0) {
        return of_device(r->cti, d, err);
    }
    a = agent_find(r->cti, d, id);
    if (a == NULL) {
        (void)fail(err, CSTA_OPERATION_INVALID_AGENT_STATE,
                   "the agent is not logged on at the device");
    }
    return a;
}

/** Parameters alone, before anything is looked up. */
static bool check(const struct csta_set_agent_state *m, struct str id, struct outcome *err)
{
    bool on = m->requested_agent_state == CSTA_REQ_AGENT_STATE_LOGGED_ON;

    if (m->group.value.n > 0) {
        return fail(err, CSTA_OPERATION_AGENT_GROUP_NOT_SUPPORTED,
                    "agents have no groups here");
    }
    if (m->password.n > 0) {
        return fail(err, CSTA_OPERATION_AGENT_PASSWORD_NOT_SUPPORTED,
                    "agents have no passwords here: the application has the right");
    }
    if (m->device.value.n == 0 && (on || id.n == 0)) {
        return fail(err, CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED,
                    "a device is needed, or the agentID of one who is logged on");
    }
    if ((on && id.n == 0) || id.n > AGENT_ID_MAX) {
        return fail(err, CSTA_OPERATION_INVALID_AGENT_IDENTIFIER,
                    "an agentID has 1 to 64 octets");
    }
    return true;
}

static struct outcome log_on(struct request *r, struct device *d, struct str id)
{
    static const struct csta_set_agent_state_response plain;

    switch (agent_log_on(r->cti, d, id, r->now_ms)) {
    case 0:
        return outcome_answer(r, &plain);
    case E_TOOMANY:
        return outcome_error(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                             CSTA_SYSTEM_RESOURCE_LIMIT_EXCEEDED,
                             "as many agents as may be are logged on");
    default:
        return outcome_nomem();
    }
}

static enum csta_agent_state wanted(enum csta_req_agent_state asked)
{
    switch (asked) {
    case CSTA_REQ_AGENT_STATE_LOGGED_OFF:
        return CSTA_AGENT_STATE_AGENT_NULL;
    case CSTA_REQ_AGENT_STATE_READY:
        return CSTA_AGENT_STATE_AGENT_READY;
    case CSTA_REQ_AGENT_STATE_WORKING_AFTER_CALL:
        return CSTA_AGENT_STATE_AGENT_WORKING_AFTER_CALL;
    default:
        return CSTA_AGENT_STATE_AGENT_NOT_READY;
    }
}

struct outcome service_set_agent_state(struct request *r)
{
    const struct csta_set_agent_state *m = r->msg->set_agent_state;
    struct csta_set_agent_state_response *answer =
        arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct str id = str_trim(m->agent_id);
    struct device *d = NULL;
    struct outcome err;
    struct agent *a;

    if (!check(m, id, &err) ||
        (m->device.value.n > 0 &&
         !resolve_device(r, &m->device, CSTA_OPERATION_INVALID_DEVICE_ID, &d, &err))) {
        return err;
    }
    if (m->requested_agent_state == CSTA_REQ_AGENT_STATE_LOGGED_ON) {
        return log_on(r, d, id);
    }
    a = find(r, d, id, &err);
    if (a == NULL) {
        return err;
    }
    if (answer == NULL) {
        return outcome_nomem();
    }
    answer->pending_agent_state =
        agent_set(r->cti, a, wanted(m->requested_agent_state), r->now_ms);
    return outcome_answer(r, answer);
}

struct outcome service_get_agent_state(struct request *r)
{
    const struct csta_get_agent_state *m = r->msg->get_agent_state;
    struct arena *scratch = r->cti->scratch;
    struct csta_get_agent_state_response *answer = arena_zalloc(scratch, sizeof(*answer));
    struct csta_agent_state_entry *entry;
    struct csta_agent_info *info;
    struct agent *a = NULL;
    struct outcome err;
    struct device *d;
    size_t n = 0;

    if (m->acd_group.value.n > 0) {
        (void)fail(&err, CSTA_OPERATION_AGENT_GROUP_NOT_SUPPORTED,
                   "agents have no groups here");
        return err;
    }
    if (m->device.value.n == 0) {
        (void)fail(&err, CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED,
                   "agents are asked for by their device");
        return err;
    }
    if (!resolve_device(r, &m->device, CSTA_OPERATION_INVALID_DEVICE_ID, &d, &err)) {
        return err;
    }
    while ((a = agent_next(r->cti, d, a)) != NULL) {
        n++;
    }
    entry = arena_zalloc(scratch, (n + 1) * sizeof(*entry));
    info = arena_zalloc(scratch, (n + 1) * sizeof(*info));
    if (answer == NULL || entry == NULL || info == NULL) {
        return outcome_nomem();
    }
    n = 0;
    while ((a = agent_next(r->cti, d, a)) != NULL) {
        info[n].agent_state = (enum csta_agent_state)a->state;
        info[n].pending_agent_state = agent_pending(a);
        entry[n].agent_id = a->id;
        entry[n].logged_on_state = CSTA_TRUE;
        entry[n].agent_info.item = &info[n];
        entry[n].agent_info.n = 1;
        n++;
    }
    answer->agent_state_list.item = entry;
    answer->agent_state_list.n = n;
    return outcome_answer(r, answer);
}
