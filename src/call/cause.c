/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Causes: SIP status and Q.850 cause to CSTA EventCause, and back.
 *
 * The tables follow ECMA-323's names. A Reason header with a Q.850 cause says more than the
 * status and goes before it (RFC 3326); a few statuses mean one thing before the phone rang
 * and another after it did.
 */
#include "call/parts.h"
#include "history/reason.h"

struct status_cause {
    uint16_t status;
    const char *cause;
};

static const struct status_cause by_status[] = {
    {401, "blocked"},
    {402, "blocked"},
    {403, "blocked"},
    {404, "numberUnallocated"},
    {405, "incompatibleDestination"},
    {407, "blocked"},
    {408, "destNotObtainable"},
    {410, "numberChanged"},
    {415, "incompatibleDestination"},
    {420, "incompatibleDestination"},
    {480, "callNotAnswered"},
    {482, "reorderTone"},
    {483, "reorderTone"},
    {484, "invalidNumberFormat"},
    {486, "busy"},
    {487, "callCancelled"},
    {488, "incompatibleDestination"},
    {503, "resourcesNotAvailable"},
    {504, "destNotObtainable"},
    {600, "busy"},
    {603, "callNotAnswered"},
    {604, "numberUnallocated"},
    {606, "incompatibleDestination"},
};

struct q850_cause {
    uint8_t q850;
    const char *cause;
};

static const struct q850_cause by_q850[] = {
    {1, "numberUnallocated"},
    {16, "normalClearing"},
    {17, "busy"},
    {18, "callNotAnswered"},
    {19, "callNotAnswered"},
    {21, "blocked"},
    {22, "numberChanged"},
    {27, "destOutOfOrder"},
    {28, "invalidNumberFormat"},
    {34, "trunksBusy"},
    {38, "networkOutOfOrder"},
    {41, "networkCongestion"},
    {42, "networkCongestion"},
    {57, "unauthorisedBearerService"},
    {58, "notAvailableBearerService"},
    {65, "notSupportedBearerService"},
    {88, "incompatibleDestination"},
};

/** ClearConnection's reason: the response to an alerting call and the Q.850 cause of a BYE. */
struct clearing {
    const char *cause;
    uint16_t status; /**< 0: the configured decline status */
    uint8_t q850;
};

static const struct clearing reasons[] = {
    {"normal", 0, 16},
    {"normalClearing", 0, 16},
    {"callCancelled", 0, 16},
    {"busy", 486, 17},
    {"doNotDisturb", 486, 17},
    {"callNotAnswered", 480, 19},
    {"destNotObtainable", 480, 20},
    {"destOutOfOrder", 480, 27},
    {"incompatibleDestination", 488, 88},
    {"numberUnallocated", 404, 1},
    {"numberChanged", 410, 22},
    {"networkCongestion", 503, 42},
    {"resourcesNotAvailable", 503, 47},
    {"blocked", 403, 21},
};

const char *cause_of_status(unsigned status, const struct sip_msg *m, bool alerted)
{
    struct reason why;
    uint32_t q850 = m != NULL && reason_find(m, STR("Q.850"), &why) ? why.cause : 0;

    for (size_t i = 0; i < ARRAY_LEN(by_q850); i++) {
        if (by_q850[i].q850 == q850) {
            return by_q850[i].cause;
        }
    }
    if (status == 408 && alerted) {
        return "callNotAnswered";
    }
    for (size_t i = 0; i < ARRAY_LEN(by_status); i++) {
        if (by_status[i].status == status) {
            return by_status[i].cause;
        }
    }
    return status >= 300 && status < 400 ? "redirected" : "destNotObtainable";
}

static const struct clearing *reason_named(struct str reason)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (str_eq(reason, str_c(reasons[i].cause))) {
            return &reasons[i];
        }
    }
    return NULL;
}

unsigned cause_to_status(struct str reason, unsigned decline)
{
    const struct clearing *r = reason_named(reason);

    return r == NULL || r->status == 0 ? decline : r->status;
}

struct str cause_to_reason_line(struct str reason)
{
    static const char *const lines[] = {
        [1] = "Reason: Q.850;cause=1\r\n",   [16] = "Reason: Q.850;cause=16\r\n",
        [17] = "Reason: Q.850;cause=17\r\n", [19] = "Reason: Q.850;cause=19\r\n",
        [20] = "Reason: Q.850;cause=20\r\n", [21] = "Reason: Q.850;cause=21\r\n",
        [22] = "Reason: Q.850;cause=22\r\n", [27] = "Reason: Q.850;cause=27\r\n",
        [42] = "Reason: Q.850;cause=42\r\n", [47] = "Reason: Q.850;cause=47\r\n",
        [88] = "Reason: Q.850;cause=88\r\n",
    };
    const struct clearing *r = reason_named(reason);

    return r == NULL ? STR_NONE : str_c(lines[r->q850]);
}

const char *cause_name(struct str reason)
{
    const struct clearing *r = reason_named(reason);

    return r == NULL ? "normalClearing" : r->cause;
}
