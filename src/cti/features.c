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

struct outcome service_get_csta_features(struct request *r)
{
    struct csta_get_csta_features_response *answer =
        arena_zalloc(r->cti->scratch, sizeof(*answer));

    const struct csta_get_csta_features *m = r->msg->get_csta_features;
    struct outcome err;

    if (answer == NULL || csta_features_supported(r->cti->scratch, answer) != 0) {
        return outcome_nomem();
    }
    if (m != NULL && !support_answer(r, m->extensions, &answer->extensions, &err)) {
        return err;
    }
    return outcome_answer(r, answer);
}
