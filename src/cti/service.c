/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The services on calls (ECMA-269 §17; TR/87 7): what they need, what they answer.
 *
 * Each one checks its parameters, finds device or connection, and hands over to the driver.
 * What then happens to the call is told by events, not here.
 *
 * userData goes into a User-to-User header of the package isdn-uui, which an ISDN carries up to
 * 129 octets (RFC 7434 §6); longer data would be dropped on the way without a word, so it is
 * refused here, and by the call layer where somebody takes less (call/fits.c). correlatorData
 * never leaves Baton, but stands in every event: at most 256 octets. AnswerCall has no message
 * of Baton's that could carry userData, so that is refused. Other parameters that have no
 * meaning for a service are ignored.
 */
#include "cti/serve.h"
#include "uui/uui.h"

static bool take_data(const struct request *r, const struct csta_data *data, size_t max,
                      unsigned not_supported, unsigned out_of_range, const char *name,
                      struct str *out, struct outcome *err)
{
    *out = STR_NONE;
    if (data->kind == CSTA_DATA_FOREIGN) {
        *err = outcome_error(CSTA_ERROR_OPERATION, not_supported, NULL);
        err->why = arena_fmt(r->cti->scratch, "%s can be octets only", name);
        return false;
    }
    if (data->kind == CSTA_DATA_STRING && data->string.n > 0) {
        *out = data->string;
    }
    if (out->n > max) {
        *err = outcome_error(CSTA_ERROR_OPERATION, out_of_range, NULL);
        err->why = arena_fmt(r->cti->scratch, "%s has %zu octets; at most %zu can be carried",
                             name, out->n, max);
        return false;
    }
    return true;
}

bool take_user_data(const struct request *r, const struct csta_data *data, struct str *out,
                    struct outcome *err)
{
    return take_data(r, data, UUI_ISDN_OCTETS, CSTA_OPERATION_USER_DATA_NOT_SUPPORTED,
                     CSTA_OPERATION_VALUE_OUT_OF_RANGE, "userData", out, err);
}

bool take_correlator(const struct request *r, const struct csta_data *data, struct str *out,
                     struct outcome *err)
{
    return take_data(r, data, CALL_CORRELATOR_MAX, CSTA_OPERATION_CORRELATOR_DATA_NOT_SUPPORTED,
                     CSTA_OPERATION_CORRELATOR_DATA_OUT_OF_RANGE, "correlatorData", out, err);
}

bool take_both(const struct request *r, const struct csta_data *user,
               const struct csta_data *correlator, struct data *out, struct outcome *err)
{
    return take_user_data(r, user, &out->uui, err) &&
           take_correlator(r, correlator, &out->correlator, err);
}

bool correlate(const struct request *r, struct call *c, struct data *d, struct outcome *err)
{
    d->before = STR_NONE;
    if (d->correlator.n == 0) {
        return true;
    }
    d->before = arena_dup(r->cti->scratch, c->correlator);
    if ((c->correlator.n > 0 && d->before.n == 0) || !call_set_correlator(c, d->correlator)) {
        *err = outcome_nomem();
        return false;
    }
    return true;
}

/* There is room, it has been there before. */
void uncorrelate(struct call *c, const struct data *d)
{
    if (d->correlator.n > 0) {
        (void)!call_set_correlator(c, d->before);
    }
}

struct outcome service_make_call(struct request *r)
{
    const struct csta_make_call *m = r->msg->make_call;
    struct call_make args = {.to = number_dialled(r, m->called_directory_number.value),
                             .overlap = true,
                             .prompt = m->auto_originate != CSTA_AUTO_ORIGINATE_DO_NOT_PROMPT,
                             .call_id = r->from.call_id};
    struct csta_make_call_response *answer = arena_zalloc(r->cti->scratch, sizeof(*answer));
    struct connection *conn = NULL;
    enum call_error failed;
    struct outcome err;

    if (answer == NULL) {
        return outcome_nomem();
    }
    if (!take_user_data(r, &m->user_data, &args.uui, &err) ||
        !take_correlator(r, &m->correlator_data, &args.correlator, &err) ||
        !resolve_device(r, &m->calling_device, CSTA_OPERATION_INVALID_CALLING_DEVICE_ID,
                        &args.from, &err)) {
        return err;
    }
    failed = r->cti->driver->make(r->cti->driver_ctx, &args, &conn, r->now_ms);
    if (failed != CALL_OK) {
        return error_of_call(r->msg->id, failed, 0, r->cti->scratch);
    }
    answer->calling_device.call_id = str_make(conn->call->id, CALL_ID_LEN);
    answer->calling_device.device_id.value = m->calling_device.value; /* as it was spelt */
    return outcome_answer(r, answer);
}

struct outcome answer_of(const struct request *r, const void *body,
                         const struct connection *conn, const struct data *data,
                         enum call_error failed)
{
    if (failed == CALL_OK) {
        return outcome_answer(r, body);
    }
    uncorrelate(conn->call, data);
    return error_of_call(r->msg->id, failed, 0, r->cti->scratch);
}

struct outcome service_clear_connection(struct request *r)
{
    static const struct csta_clear_connection_response answer;
    static const struct wanted want = {CSTA_MSG_CLEAR_CONNECTION, ~STATE(NULL)};
    const struct csta_clear_connection *m = r->msg->clear_connection;
    struct str reason = STR_NONE;
    struct connection *conn;
    enum call_error failed;
    struct outcome err;
    struct data data;

    if (!take_both(r, &m->user_data, &m->correlator_data, &data, &err) ||
        !resolve_connection(r, &m->connection_to_be_cleared, &want, &conn, &err) ||
        !correlate(r, conn->call, &data, &err)) {
        return err;
    }
    if (m->reason != CSTA_CAUSE_ABSENT) {
        reason = csta_event_cause_name(m->reason);
    }
    failed = r->cti->driver->clear(r->cti->driver_ctx, conn, reason, data.uui, r->now_ms);
    return answer_of(r, &answer, conn, &data, failed);
}

struct outcome service_deflect_call(struct request *r)
{
    static const struct csta_deflect_call_response answer;
    static const struct wanted want = {CSTA_MSG_DEFLECT_CALL, STATE(ALERTING)};
    const struct csta_deflect_call *m = r->msg->deflect_call;
    struct connection *conn;
    enum call_error failed;
    struct outcome err;
    struct data data;

    if (!take_both(r, &m->user_data, &m->correlator_data, &data, &err) ||
        !resolve_connection(r, &m->call_to_be_diverted, &want, &conn, &err) ||
        !correlate(r, conn->call, &data, &err)) {
        return err;
    }
    failed = r->cti->driver->deflect(r->cti->driver_ctx, conn,
                                     number_dialled(r, m->new_destination.value), data.uui,
                                     r->now_ms);
    return answer_of(r, &answer, conn, &data, failed);
}

struct outcome not_for_this_device(void)
{
    return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_SERVICE_NOT_SUPPORTED,
                         "the way to this device has no such service");
}

/* ---- those that take time ---- */

struct pending *hold_on(struct request *r, const struct connection *conn, struct outcome *err)
{
    struct pending *p;

    if (r->from.session->pending_count >=
        or_default(r->from.session->via->pending_max, PENDING_PER_SESSION)) {
        *err = outcome_error(CSTA_ERROR_SUBSCRIBED_RESOURCE_AVAILABILITY,
                             CSTA_SUBSCRIBED_OUTSTANDING_REQ_LIMIT_EXCEEDED,
                             "too many requests of this session wait for an outcome");
        return NULL;
    }
    p = pending_new(r, conn);
    if (p == NULL) {
        *err = outcome_nomem();
    }
    return p;
}

struct outcome begun(const struct request *r, struct pending *p, const struct connection *conn,
                     const struct data *data, enum call_error failed)
{
    if (failed == CALL_OK) {
        return outcome_later();
    }
    uncorrelate(conn->call, data);
    pending_free(p);
    return error_of_call(r->msg->id, failed, 0, r->cti->scratch);
}

typedef enum call_error (*start_fn)(void *ctx, struct connection *c, call_done_fn fn,
                                    void *owner, uint64_t now_ms);

static struct outcome start(struct request *r, const struct csta_connection_id *id,
                            const struct wanted *want, struct data *data, start_fn fn)
{
    struct connection *conn;
    struct pending *p;
    struct outcome err;

    if (!resolve_connection(r, id, want, &conn, &err) || (p = hold_on(r, conn, &err)) == NULL) {
        return err;
    }
    if (!correlate(r, conn->call, data, &err)) {
        pending_free(p);
        return err;
    }
    return begun(r, p, conn, data, fn(r->cti->driver_ctx, conn, pending_on_done, p, r->now_ms));
}

struct outcome service_answer_call(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_ANSWER_CALL,
                                       STATE(ALERTING) | STATE(INITIATED) | STATE(QUEUED)};
    const struct csta_answer_call *m = r->msg->answer_call;
    struct data data = {0};
    struct outcome err;

    if (m->user_data.kind == CSTA_DATA_FOREIGN || csta_data_octets(&m->user_data).n > 0) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_USER_DATA_NOT_SUPPORTED,
                             "AnswerCall cannot carry user data: the phone answers by itself");
    }
    if (!take_correlator(r, &m->correlator_data, &data.correlator, &err)) {
        return err;
    }
    return start(r, &m->call_to_be_answered, &want, &data, r->cti->driver->answer);
}

struct outcome service_hold_call(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_HOLD_CALL, STATE(CONNECTED)};
    struct data none = {0};

    return start(r, &r->msg->hold_call->call_to_be_held, &want, &none, r->cti->driver->hold);
}

struct outcome service_retrieve_call(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_RETRIEVE_CALL, STATE(HOLD)};
    struct data none = {0};

    return start(r, &r->msg->retrieve_call->call_to_be_retrieved, &want, &none,
                 r->cti->driver->retrieve);
}

struct outcome service_single_step_transfer_call(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_SINGLE_STEP_TRANSFER_CALL, STATE(CONNECTED)};
    const struct csta_single_step_transfer_call *m = r->msg->single_step_transfer_call;
    struct connection *conn;
    struct pending *p;
    struct outcome err;
    struct data data;

    if (!take_both(r, &m->user_data, &m->correlator_data, &data, &err) ||
        !resolve_connection(r, &m->active_call, &want, &conn, &err) ||
        (p = hold_on(r, conn, &err)) == NULL) {
        return err;
    }
    if (!correlate(r, conn->call, &data, &err)) {
        pending_free(p);
        return err;
    }
    return begun(r, p, conn, &data,
                 r->cti->driver->transfer(r->cti->driver_ctx, conn,
                                          number_dialled(r, m->transferred_to.value), data.uui,
                                          pending_on_done, p, r->now_ms));
}
