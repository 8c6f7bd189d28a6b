/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server is and can: RequestSystemStatus, SystemStatus, GetCSTAFeatures (ECMA-269
 * §13, §14; TR/87 9.3, 9.4).
 *
 * RequestSystemStatus opens a session and keeps it alive; a client goes on only if it hears
 * `normal`. The list of features comes from the table of messages, so it cannot promise what
 * the coverage page does not.
 */
#include "cti/parts.h"

struct outcome service_request_system_status(struct request *r)
{
    static const struct csta_request_system_status_response answer = {
        .system_status = CSTA_STATUS_NORMAL,
    };

    return outcome_answer(r, &answer);
}

/** The client's own state: noted with thanks. */
struct outcome service_system_status(struct request *r)
{
    static const struct csta_system_status_response answer;

    return outcome_answer(r, &answer);
}

/** Without what is not possible as we are configured. @return false: no memory */
static bool prune(const struct cti *c, struct csta_feature_list *list)
{
    struct csta_feature *item = arena_alloc(c->scratch, (list->n + 1) * sizeof(*item));
    size_t n = 0;

    if (item == NULL) {
        return false;
    }
    for (size_t i = 0; i < list->n; i++) {
        if (cti_has(c, list->item[i].id)) {
            item[n++] = list->item[i];
        }
    }
    *list = (struct csta_feature_list){item, n};
    return true;
}

/** All that the table has, as far as it is possible here. @return false: no memory */
static bool fill_features(const struct cti *c, struct csta_get_csta_features_response *answer)
{
    struct csta_supported_services *services;
    struct csta_supported_events *events;

    if (csta_features_supported(c->scratch, answer) != 0) {
        return false;
    }
    services = arena_alloc(c->scratch, sizeof(*services));
    events = arena_alloc(c->scratch, sizeof(*events));
    if (services == NULL || events == NULL) {
        return false;
    }
    *services = *answer->supported_services;
    *events = *answer->supported_events;
    answer->supported_services = services;
    answer->supported_events = events;
    return prune(c, &services->call_control_serv_list) &&
           prune(c, &events->call_control_evts_list);
}

struct outcome service_get_csta_features(struct request *r)
{
    struct csta_get_csta_features_response *answer =
        arena_zalloc(r->cti->scratch, sizeof(*answer));

    const struct csta_get_csta_features *m = r->msg->get_csta_features;
    struct outcome err;

    if (answer == NULL || !fill_features(r->cti, answer) ||
        !phone_prune(r->cti, NULL, answer)) {
        return outcome_nomem();
    }
    if (m != NULL && (!support_answer(r, m->extensions, &answer->extensions, &err) ||
                      !report_answer(r, m->extensions, &answer->extensions, &err))) {
        return err;
    }
    return outcome_answer(r, answer);
}
