/* SPDX-License-Identifier: Apache-2.0 */
/* Commands: see command.h. */
#include "api/command.h"
#include "api/parts.h"
#include "base/err.h"
#include "csta/json.h"
#include "csta/json_build.h"
#include <openssl/evp.h>

enum { EXPLAIN_MAX = 1024 };

/* ---- what is asked ---- */

struct str command_quote(struct api_request *r, struct str text)
{
    size_t cap = text.n * 6 + 2;
    char *buf = arena_alloc(r->arena, cap);
    struct out o;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    json_put_string(&o, text);
    return out_str_of(&o);
}

/** The body with the members that the path gives. @return absent: no memory */
static struct str fill_in(struct api_request *r, struct str body,
                          const struct command_fill *fill, size_t fills)
{
    struct str rest = str_trim(body);
    size_t cap = body.n + 8;
    struct out o;
    char *buf;

    if (rest.n > 0 && rest.p[0] != '{') {
        return body; /* the reader says what is wrong with it */
    }
    for (size_t i = 0; i < fills; i++) {
        cap += strlen(fill[i].name) + fill[i].json.n + 8;
    }
    buf = arena_alloc(r->arena, cap);
    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_ch(&o, '{');
    for (size_t i = 0; i < fills; i++) {
        json_key(&o, fill[i].name);
        out_str(&o, fill[i].json);
    }
    rest = rest.n > 0 ? str_trim(str_from(rest, 1)) : STR("}");
    if (fills > 0 && !str_starts(rest, STR("}"))) {
        out_ch(&o, ',');
    }
    out_str(&o, rest);
    return out_str_of(&o);
}

/** No JSON: at which octet of what the client sent, which `whole` ends with (fill_in). */
static void refuse_text(struct api_request *r, struct str body, struct str whole,
                        const struct csta_fault *why)
{
    struct str sent = str_trim(body);
    size_t behind = whole.n - why->offset, at = why->offset;

    if (whole.p != body.p) {
        at = (size_t)(sent.p - body.p) + sent.n;
        at -= behind < at ? behind : at;
    }
    api_refuse(r, 400, "invalidJSON", "The body is no JSON, at octet %zu: %s.", at + 1,
               why->reason);
}

/** What is wrong with the members, where, and with which error of CSTA. */
static void refuse_body(struct api_request *r, int err, const struct csta_json_fault *fault)
{
    struct str category = csta_error_category_name(fault->why.error.kind);
    struct str value = csta_error_value_name(fault->why.error);
    struct api_fault said = {.status = err == E_UNSUPPORTED ? 501 : 400, .code = "badBody"};
    char *names = arena_alloc(r->arena, category.n + value.n + 2);
    char text[EXPLAIN_MAX];
    struct out o;

    if (err == E_NOMEM || names == NULL) {
        api_busy(r, E_TOOMANY);
        return;
    }
    if (category.n > 0 && value.n > 0) {
        memcpy(names, category.p, category.n);
        names[category.n] = '\0';
        memcpy(names + category.n + 1, value.p, value.n);
        names[category.n + 1 + value.n] = '\0';
        said.csta_category = names;
        said.csta_value = said.code = names + category.n + 1;
    }
    said.pointer = str_make(fault->pointer, fault->pointer_n);
    out_init(&o, text, sizeof(text));
    csta_json_explain(fault, &o);
    api_problem(r, &said, "%.*s", STR_ARG(out_str_of(&o)));
}

/** Method, target and body: the same key with another of them is a mistake. */
static bool digest(struct command *c)
{
    const struct api_request *r = c->r;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned n = 0;
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
              EVP_DigestUpdate(ctx, &r->method, sizeof(r->method)) == 1 &&
              EVP_DigestUpdate(ctx, r->target.p, r->target.n) == 1 &&
              EVP_DigestUpdate(ctx, "\n", 1) == 1 &&
              EVP_DigestUpdate(ctx, r->body.n > 0 ? r->body.p : "", r->body.n) == 1 &&
              EVP_DigestFinal_ex(ctx, c->digest, &n) == 1;

    EVP_MD_CTX_free(ctx);
    return ok && n == sizeof(c->digest);
}

static bool take_key(struct command *c)
{
    struct str key = c->r->field[API_IDEMPOTENCY_KEY];

    if (!str_is_set(key)) {
        return true;
    }
    if (key.n == 0 || key.n > OPERATION_KEY_MAX) {
        api_refuse(c->r, 400, "badIdempotencyKey",
                   "Idempotency-Key must have 1 to %d octets; a UUID will do.",
                   OPERATION_KEY_MAX);
        return false;
    }
    c->key = key;
    if (!digest(c)) {
        api_busy(c->r, E_TOOMANY);
        return false;
    }
    return true;
}

static bool take_call_id(struct command *c)
{
    struct str id = api_query(c->r, "callID");

    if (c->msg.id != CSTA_MSG_MAKE_CALL || !str_is_set(id)) {
        return true;
    }
    for (size_t i = 0; i < id.n; i++) {
        if ((id.p[i] < '0' || id.p[i] > '9') && (id.p[i] < 'a' || id.p[i] > 'z')) {
            id.n = 0;
        }
    }
    if (id.n != CALL_ID_LEN) {
        api_refuse(c->r, 400, "badParameter",
                   "callID must be %d characters of 0-9 and a-z, chosen at random.",
                   CALL_ID_LEN);
        return false;
    }
    c->call_id = id;
    return true;
}

struct command *command_read(struct api_request *r, enum csta_msg_id id, struct str body,
                             const struct command_fill *fill, size_t fills)
{
    struct command *c = arena_zalloc(r->arena, sizeof(*c));
    struct csta_json_fault *fault = arena_zalloc(r->arena, sizeof(*fault));
    struct str whole = fill_in(r, body, fill, fills);
    int err;

    if (c != NULL) {
        c->buf = arena_alloc(r->arena, COMMAND_ANSWER_MAX);
    }
    if (c == NULL || c->buf == NULL || fault == NULL || !str_is_set(whole)) {
        api_busy(r, E_TOOMANY);
        return NULL;
    }
    c->r = r;
    err = csta_json_read_body(id, whole, NULL, r->arena, &c->msg, fault);
    if (err == E_SYNTAX) {
        refuse_text(r, body, whole, &fault->why);
        return NULL;
    }
    if (err != 0) {
        refuse_body(r, err, fault);
        return NULL;
    }
    c->wait_s = pace_wait(r);
    return take_key(c) && take_call_id(c) ? c : NULL;
}

/* ---- what comes of it ---- */

void command_refuse(struct api_request *r, const struct problem *p)
{
    struct str category = csta_error_category_name(p->error.kind);
    struct str value = csta_error_value_name(p->error), code = problem_code(p);
    struct api_fault said = {
        .status = p->status != 0 ? p->status : problem_status(p->error, p->sip), .sip = p->sip};
    char *text = arena_alloc(r->arena, category.n + value.n + code.n + 3);
    char sentence[PROBLEM_SENTENCE_MAX];
    struct out o;

    if (text == NULL) {
        api_busy(r, E_TOOMANY);
        return;
    }
    out_init(&o, text, category.n + value.n + code.n + 3);
    out_str(&o, code);
    out_ch(&o, '\0');
    out_str(&o, category);
    out_ch(&o, '\0');
    out_str(&o, value);
    out_ch(&o, '\0');
    said.code = text;
    if (category.n > 0) {
        said.csta_category = text + code.n + 1;
        said.csta_value = value.n > 0 ? text + code.n + category.n + 2 : NULL;
    }
    api_problem(r, &said, "%.*s",
                STR_ARG(problem_sentence(p->detail.n > 0 ? p->detail : code, sentence)));
}

/** As it is now. */
static void answer_operation(struct command *c, const struct operation *op)
{
    struct api_request *r = c->r;
    struct api_header *headers = arena_zalloc(r->arena, 2 * sizeof(*headers));
    struct str problem = operation_problem(op);
    bool ended = operation_state(op) != OPERATION_ACCEPTED;
    size_t n = 1;
    struct out o;

    out_init(&o, c->buf, COMMAND_ANSWER_MAX);
    operation_write(op, &o);
    if (headers == NULL || o.over) {
        api_busy(r, E_TOOMANY);
        return;
    }
    if (c->shows) {
        api_reply_json(r, out_str_of(&o));
        return;
    }
    headers[0] = (struct api_header){
        "Location", arena_fmt(r->arena, "/v1/operations/%.*s", STR_ARG(operation_id(op)))};
    if (c->wait_s > 0) {
        headers[n++] = (struct api_header){"Preference-Applied",
                                           arena_fmt(r->arena, "wait=%u", c->wait_s)};
    }
    if (ended && c->wait_s > 0 && problem.n > 0) {
        api_reply(r, operation_status(op), "application/problem+json",
                  arena_dup(r->arena, problem), headers, n);
    } else {
        api_reply(r, ended && c->wait_s > 0 ? 200 : 202, "application/json", out_str_of(&o),
                  headers, n);
    }
}

static void on_wait(struct operation_wait *w, const struct operation *op, uint64_t now_ms)
{
    struct command *c = container_of(w, struct command, wait);

    (void)now_ms;
    answer_operation(c, op);
    api_answered(c->r);
}

/** The answer to what only looks. */
static void answer_query(struct command *c, const struct cti_client_answer *a)
{
    struct problem p = {.error = a->error, .sip = a->sip, .detail = a->why};
    struct out o;

    if (a->msg == NULL) {
        if (a->lost) {
            api_busy(c->r, E_STATE);
        } else {
            command_refuse(c->r, &p);
        }
        return;
    }
    out_init(&o, c->buf, COMMAND_ANSWER_MAX);
    if (a->msg->id == CSTA_MSG_NONE) {
        api_reply_json(c->r, STR("{}"));
    } else if (csta_json_write(a->msg, &o) == 0) {
        api_reply_json(c->r, out_str_of(&o));
    } else {
        api_refuse(c->r, 500, "tooLarge", "The answer is longer than %d octets.",
                   COMMAND_ANSWER_MAX);
    }
}

static void on_query(struct cti_client_ask *a, const struct cti_client_answer *said,
                     uint64_t now_ms)
{
    struct command *c = container_of(a, struct command, ask);

    (void)now_ms;
    c->told = true;
    answer_query(c, said);
    if (!c->inside) {
        api_answered(c->r);
    }
}

static bool query(struct command *c, struct engine *e, uint64_t now_ms)
{
    c->ask.fn = on_query;
    c->inside = true;
    if (!operation_query(e, c->r->who, &c->msg, &c->ask, now_ms)) {
        api_busy(c->r, E_TOOMANY);
        return false;
    }
    c->inside = false;
    return !c->told;
}

static bool operate(struct command *c, struct engine *e, uint64_t now_ms)
{
    struct operation_ask ask = {.who = c->r->who,
                                .msg = &c->msg,
                                .call_id = c->call_id,
                                .about_call = api_param(c->r, "callID"),
                                .about_device = api_param(c->r, "device"),
                                .key = c->key,
                                .trace = api_traceparent(c->r),
                                .digest = str_make((const char *)c->digest, sizeof(c->digest))};
    struct problem why;

    if (operation_begin(e, &ask, c->r->arena, &c->op, &why, now_ms) == OPERATION_REFUSED) {
        command_refuse(c->r, &why);
        return false;
    }
    if (c->wait_s == 0 || operation_state(c->op) != OPERATION_ACCEPTED) {
        answer_operation(c, c->op);
        return false;
    }
    c->wait.fn = on_wait;
    operation_wait(e, c->op, &c->wait, c->wait_s * 1000, now_ms);
    return true;
}

/** Nothing is changed by it, and nobody needs to find out later what it came to. */
static bool is_query(enum csta_msg_id id)
{
    return cti_only_looks(id) || id == CSTA_MSG_REQUEST_SYSTEM_STATUS;
}

bool command_run(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct command *c = r->ctx;

    return is_query(c->msg.id) ? query(c, e, now_ms) : operate(c, e, now_ms);
}

void command_send(struct command *c)
{
    c->r->ctx = c;
    api_ask(c->r, command_run, NULL);
}

/* ---- operations ---- */

static bool run_operation(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct command *c = r->ctx;
    struct operation *op = operation_find(e, r->who, api_param(r, "operation"));

    if (op == NULL) {
        api_refuse(r, 404, "unknownOperation",
                   "There is no such operation of this token, or it has been forgotten.");
        return false;
    }
    if (c->wait_s > 0 && operation_state(op) == OPERATION_ACCEPTED) {
        c->wait.fn = on_wait;
        operation_wait(e, op, &c->wait, c->wait_s * 1000, now_ms);
        return true;
    }
    answer_operation(c, op);
    return false;
}

void command_show(struct api_request *r)
{
    struct command *c = arena_zalloc(r->arena, sizeof(*c));

    if (c != NULL) {
        c->buf = arena_alloc(r->arena, COMMAND_ANSWER_MAX);
    }
    if (c == NULL || c->buf == NULL) {
        api_busy(r, E_TOOMANY);
        return;
    }
    c->r = r;
    c->shows = true;
    c->wait_s = pace_wait(r);
    r->ctx = c;
    api_ask(r, run_operation, NULL);
}
