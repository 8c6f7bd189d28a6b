/* SPDX-License-Identifier: Apache-2.0 */
/* DialDigits and GenerateDigits (ECMA-269 §17.1, §18.1; TR/87 7.13). */
#include "cti/serve.h"

/** The number that these digits complete, as MakeCall would have taken it; absent: none yet. */
static struct str completed(const struct request *r, const struct connection *conn,
                            struct str digits)
{
    struct str number;

    digits = str_trim(digits);
    if (digits.n == 0 || str_ends(digits, STR(";"))) {
        return STR_NONE;
    }
    number =
        arena_fmt(r->cti->scratch, "%.*s%.*s", STR_ARG(conn->call->called), STR_ARG(digits));
    return str_is_set(number) ? number_dialled(r, number) : STR_NONE;
}

struct outcome service_dial_digits(struct request *r)
{
    static const struct csta_dial_digits_response answer;
    static const struct wanted want = {CSTA_MSG_DIAL_DIGITS, STATE(INITIATED)};
    const struct csta_dial_digits *m = r->msg->dial_digits;
    struct connection *conn;
    struct outcome err;
    struct data data = {0};

    if (r->cti->driver->dial == NULL) {
        return not_for_this_device();
    }
    if (!take_correlator(r, &m->correlator_data, &data.correlator, &err) ||
        !resolve_connection(r, &m->dialling_connection, &want, &conn, &err) ||
        !correlate(r, conn->call, &data, &err)) {
        return err;
    }
    return answer_of(r, &answer, conn, &data,
                     r->cti->driver->dial(r->cti->driver_ctx, conn, m->dialling_sequence.value,
                                          completed(r, conn, m->dialling_sequence.value),
                                          r->now_ms));
}

static uint32_t duration(struct csta_int ms)
{
    return !ms.set || ms.value <= 0 || ms.value > 60000 ? 0 : (uint32_t)ms.value;
}

struct outcome service_generate_digits(struct request *r)
{
    static const struct wanted want = {CSTA_MSG_GENERATE_DIGITS, STATE(CONNECTED)};
    const struct csta_generate_digits *m = r->msg->generate_digits;
    struct call_digits args = {.digits = str_trim(m->characters_to_send)};
    struct data none = {0};
    struct connection *conn;
    struct pending *p;
    struct outcome err;

    if (r->cti->driver->digits == NULL) {
        return not_for_this_device();
    }
    if (m->digit_mode == CSTA_DIGIT_MODE_ROTARY_PULSE) {
        return outcome_error(CSTA_ERROR_OPERATION, CSTA_OPERATION_DIGIT_MODE_OUT_OF_RANGE,
                             "there are no pulses in SIP");
    }
    if (!resolve_connection(r, &m->connection_to_send_digits, &want, &conn, &err) ||
        (p = hold_on(r, conn, &err)) == NULL) {
        return err;
    }
    args.tone_ms = duration(m->tone_duration);
    args.pause_ms = duration(m->pause_duration);
    return begun(
        r, p, conn, &none,
        r->cti->driver->digits(r->cti->driver_ctx, conn, &args, pending_on_done, p, r->now_ms));
}
