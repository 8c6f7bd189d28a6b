/* SPDX-License-Identifier: Apache-2.0 */
/* Errors of CSTA and SIP as problems of HTTP: see problem.h. */
#include "engine/problem.h"
#include "csta/json_build.h"

/** Errors of one category, from `first` to `last` in the order of the standard. */
struct row {
    uint8_t kind;
    unsigned first, last, status;
};

#define OP(first, last, status)                                                       \
    {                                                                                 \
        CSTA_ERROR_OPERATION, CSTA_OPERATION_##first, CSTA_OPERATION_##last, (status) \
    }
#define SYS(first, last, status)                                                          \
    {                                                                                     \
        CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY, CSTA_SYSTEM_##first, CSTA_SYSTEM_##last, \
            (status)                                                                      \
    }
#define SUB(first, last, status)                                              \
    {                                                                         \
        CSTA_ERROR_SUBSCRIBED_RESOURCE_AVAILABILITY, CSTA_SUBSCRIBED_##first, \
            CSTA_SUBSCRIBED_##last, (status)                                  \
    }
#define ALL(kind, status)                   \
    {                                       \
        CSTA_ERROR_##kind, 0, ~0U, (status) \
    }

/* The first that fits counts. */
static const struct row rows[] = {
    OP(OBJECT_NOT_KNOWN, INVALID_PICK_UP_DEVICE_ID, 404),
    OP(INVALID_CROSS_REF_ID, INVALID_CROSS_REF_ID, 404),
    OP(INVALID_MONITOR_CROSS_REF_ID, INVALID_MONITOR_CROSS_REF_ID, 404),
    OP(INVALID_ROUTEING_CROSS_REF_ID, INVALID_ROUTE_REGISTRATION_CROSS_REF_ID, 404),
    OP(INVALID_AGENT_STATE, INVALID_AGENT_STATE, 409),
    OP(PRIVILEGE_VIOLATION_SPECIFIED_DEVICE, PRIVILEGE_VIOLATION_PICK_UP_DEVICE, 403),
    OP(SECURITY_VIOLATION, SECURITY_VIOLATION, 403),
    OP(ROUTEING_TIMER_EXPIRED, ROUTEING_TIMER_EXPIRED, 409),
    OP(REQUEST_INCOMPATIBLE_WITH_OBJECT, REQUEST_INCOMPATIBLE_WITH_PICKUP_DEVICE, 409),
    OP(SERVICE_NOT_SUPPORTED, SERVICE_NOT_SUPPORTED, 501),
    ALL(OPERATION, 400),
    ALL(STATE_INCOMPATIBILITY, 409),
    SYS(INTERNAL_RESOURCE_BUSY, INTERNAL_RESOURCE_BUSY, 503),
    SYS(RESOURCE_OUT_OF_SERVICE, RESOURCE_OUT_OF_SERVICE, 504),
    SYS(RESOURCE_BUSY, NETWORK_BUSY, 409),
    SYS(DEVICE_OUT_OF_SERVICE, PICKUP_DEVICE_OUT_OF_SERVICE, 409),
    SYS(CONFERENCE_MEMBER_LIMIT_EXCEEDED, CONFERENCE_MEMBER_LIMIT_EXCEEDED, 409),
    ALL(SYSTEM_RESOURCE_AVAILABILITY, 503),
    SUB(OUTSTANDING_REQ_LIMIT_EXCEEDED, OUTSTANDING_REQ_LIMIT_EXCEEDED, 429),
    ALL(SUBSCRIBED_RESOURCE_AVAILABILITY, 409),
    ALL(PERFORMANCE_MANAGEMENT, 429),
    ALL(SECURITY, 403),
    ALL(PRIVATE_DATA, 400),
};

/** SIP alone says why. */
static unsigned status_of_sip(unsigned sip)
{
    switch (sip) {
    case 0:
        return 500;
    case 400:
    case 403:
    case 404:
    case 503:
        return sip;
    case 408:
    case 504:
        return 504;
    case 486:
    case 491:
    case 600:
        return 409;
    default:
        return sip < 500 ? 409 : 502;
    }
}

unsigned problem_status(struct csta_error error, unsigned sip)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].kind == (unsigned)error.kind && error.value >= rows[i].first &&
            error.value <= rows[i].last) {
            return rows[i].status;
        }
    }
    return status_of_sip(sip);
}

const char *problem_title(unsigned status)
{
    static const struct {
        unsigned status;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };

    for (size_t i = 0; i < ARRAY_LEN(titles); i++) {
        if (titles[i].status == status) {
            return titles[i].title;
        }
    }
    return "Error";
}

struct str problem_code(const struct problem *p)
{
    struct str value = csta_error_value_name(p->error);

    if (str_is_set(p->code)) {
        return p->code;
    }
    return value.n > 0 ? value : STR("refused");
}

struct str problem_sentence(struct str detail, char buf[PROBLEM_SENTENCE_MAX])
{
    size_t word = 0;
    struct out o;

    if (detail.n == 0 || detail.n >= PROBLEM_SENTENCE_MAX - 1) {
        return detail;
    }
    while (word < detail.n && detail.p[word] >= 'a' && detail.p[word] <= 'z') {
        word++;
    }
    out_init(&o, buf, PROBLEM_SENTENCE_MAX);
    out_str(&o, detail);
    if (word > 0 && (word == detail.n || strchr(" ,;?!", detail.p[word]) != NULL)) {
        buf[0] = (char)(buf[0] - 'a' + 'A');
    }
    if (strchr(".!?", detail.p[detail.n - 1]) == NULL) {
        out_ch(&o, '.');
    }
    return out_str_of(&o);
}

static void put_csta(struct out *o, struct csta_error error)
{
    struct str category = csta_error_category_name(error.kind);
    struct str value = csta_error_value_name(error);

    if (category.n == 0) {
        return;
    }
    json_key(o, "csta");
    out_ch(o, '{');
    json_text(o, "category", category);
    json_text(o, "value", value.n > 0 ? value : STR_NONE);
    out_ch(o, '}');
}

void problem_write(const struct problem *p, struct out *o)
{
    unsigned status = p->status != 0 ? p->status : problem_status(p->error, p->sip);
    struct str code = problem_code(p);
    char sentence[PROBLEM_SENTENCE_MAX];

    out_ch(o, '{');
    json_key(o, "type");
    out_fmt(o, "\"urn:baton:problem:%.*s\"", STR_ARG(code));
    json_text(o, "title", str_c(problem_title(status)));
    json_number(o, "status", status);
    json_text(o, "detail", p->detail.n > 0 ? problem_sentence(p->detail, sentence) : STR_NONE);
    json_text(o, "code", code);
    put_csta(o, p->error);
    if (p->sip != 0) {
        json_number(o, "sip", p->sip);
    }
    out_ch(o, '}');
}
