/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AssociateData (ECMA-269): an application attaches correlatorData to a call that stands, or
 * takes them off it.
 *
 * They stay with the call through deflection and transfer, stand in every event of it from then
 * on, and whoever watches one of its devices hears of the change in CallInformation. Data
 * without octets are none any more. Nothing leaves Baton, so nobody in the call has to be asked
 * and any state of the connection will do.
 *
 * Account and authorisation codes, and what else the request can carry, would end here without
 * use to anybody: a request with nothing but those is refused.
 */
#include "cti/serve.h"

#define ANY_STATE (~(1U << CONN_NULL))

static struct outcome nothing_to_do(const struct csta_associate_data *m)
{
    if (str_is_set(m->account_code)) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_ACCOUNT_CODE_NOT_SUPPORTED,
                             "nothing is done with account codes here");
    }
    if (str_is_set(m->auth_code)) {
        return outcome_error(CSTA_ERROR_OPERATION,
                             CSTA_OPERATION_AUTHORISATION_CODE_NOT_SUPPORTED,
                             "nothing is done with authorisation codes here");
    }
    return outcome_error(CSTA_ERROR_OPERATION,
                         CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED,
                         "correlatorData are missing");
}

struct outcome service_associate_data(struct request *r)
{
    static const struct csta_associate_data_response answer;
    static const struct wanted want = {CSTA_MSG_ASSOCIATE_DATA, ANY_STATE};
    const struct csta_associate_data *m = r->msg->associate_data;
    struct connection *conn;
    struct str octets;
    struct outcome err;

    if (m->correlator_data.kind == CSTA_DATA_ABSENT) {
        return nothing_to_do(m);
    }
    if (!take_correlator(r, &m->correlator_data, &octets, &err) ||
        !resolve_connection(r, &m->existing_call, &want, &conn, &err)) {
        return err;
    }
    if (!call_set_correlator(conn->call, octets)) {
        return outcome_nomem();
    }
    event_call_information(r->cti, conn, r->now_ms);
    return outcome_answer(r, &answer);
}

/** User data of a call that is being set up: call/inform.c says when there is a way. */
struct outcome service_send_user_information(struct request *r)
{
    static const struct csta_send_user_information_response answer;
    static const struct wanted want = {CSTA_MSG_SEND_USER_INFORMATION, ~STATE(NULL)};
    const struct csta_send_user_information *m = r->msg->send_user_information;
    const struct cti_driver *driver = r->cti->driver;
    struct connection *conn;
    struct outcome err;
    struct data none = {0};
    struct str uui;

    if (driver->inform == NULL) {
        return not_for_this_device();
    }
    if (!take_user_data(r, &m->user_data, &uui, &err) ||
        !resolve_connection(r, &m->existing_call, &want, &conn, &err)) {
        return err;
    }
    if (uui.n == 0) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                             "there is no user data");
    }
    return answer_of(r, &answer, conn, &none,
                     driver->inform(r->cti->driver_ctx, conn, uui, r->now_ms));
}
