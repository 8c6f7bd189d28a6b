/* SPDX-License-Identifier: Apache-2.0 */
/* What a handler asks of its request, and the way to the engine. See request.h. */
#include "api/parts.h"
#include "base/err.h"
#include "base/utf8.h"
#include "engine/view.h"

enum { WAIT_MAX_S = 30 };

struct str api_param(const struct api_request *r, const char *name)
{
    for (size_t i = 0; i < API_PARAMS_MAX; i++) {
        if (r->route != NULL && r->route->param[i] != NULL &&
            strcmp(r->route->param[i], name) == 0) {
            return r->param[i];
        }
    }
    return STR_NONE;
}

/* ---- the query ---- */

bool request_decode(struct str in, bool plus, struct arena *arena, struct str *out)
{
    char *p = arena_alloc(arena, in.n + 1);
    size_t n = 0;
    if (p == NULL) {
        return false;
    }
    for (size_t i = 0; i < in.n; i++) {
        char ch = in.p[i];
        if (ch == '%') {
            int high = i + 1 < in.n ? hex_digit(in.p[i + 1]) : -1;
            int low = i + 2 < in.n ? hex_digit(in.p[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return false;
            }
            ch = (char)(high * 16 + low);
            i += 2;
        } else if (ch == '+' && plus) {
            ch = ' ';
        }
        if ((unsigned char)ch < 0x20 || ch == 0x7f) {
            return false;
        }
        p[n++] = ch;
    }
    for (struct str rest = str_make(p, n); rest.n > 0;) {
        size_t step = utf8_len(rest);
        if (step == 0) {
            return false;
        }
        rest = str_from(rest, step);
    }
    *out = str_make(p, n);
    return true;
}

bool request_next_query(struct api_request *r, struct str *rest, struct str *key,
                        struct str *raw)
{
    while (rest->n > 0) {
        size_t amp = str_index(*rest, '&');
        struct str one = str_upto(*rest, amp);
        size_t eq = str_index(one, '=');
        *rest = str_from(*rest, amp < rest->n ? amp + 1 : amp);
        *raw = eq < one.n ? str_from(one, eq + 1) : STR("");
        if (one.n > 0) {
            if (!request_decode(str_upto(one, eq), true, r->arena, key)) {
                *key = str_upto(one, eq); /* which is nobody's name */
            }
            return true;
        }
    }
    return false;
}

struct str api_query(struct api_request *r, const char *name)
{
    struct str rest = r->query, key, raw, value;
    while (request_next_query(r, &rest, &key, &raw)) {
        if (str_eq(key, str_c(name))) {
            return request_decode(raw, true, r->arena, &value) ? value : STR("");
        }
    }
    return STR_NONE;
}

int api_query_u64(struct api_request *r, const char *name, uint64_t least, uint64_t most,
                  uint64_t *out)
{
    struct str text = api_query(r, name);
    uint64_t value = 0;
    if (!str_is_set(text)) {
        return 0;
    }
    if (!str_to_u64(text, most, &value) || value < least) {
        api_refuse(r, 400, "badParameter", "%s must be a number from %llu to %llu.", name,
                   (unsigned long long)least, (unsigned long long)most);
        return E_VALUE;
    }
    *out = value;
    return 0;
}

/* ---- header fields ---- */

unsigned api_prefer_wait(const struct api_request *r)
{
    struct str rest = r->field[API_PREFER];
    while (rest.n > 0) {
        size_t comma = str_index(rest, ',');
        struct str one = str_trim(str_upto(rest, comma));
        one = str_trim(str_upto(one, str_index(one, ';')));
        uint64_t s;
        if (str_istarts(one, STR("wait=")) && str_to_u64(str_from(one, 5), UINT32_MAX, &s)) {
            return s < WAIT_MAX_S ? (unsigned)s : WAIT_MAX_S;
        }
        rest = str_from(rest, comma < rest.n ? comma + 1 : comma);
    }
    return 0;
}

/** Quality of a range (RFC 9110 §12.4.2): only whether it is none. */
static bool is_refused(struct str range)
{
    size_t at = str_find(range, STR("q=0"));
    struct str rest = str_from(range, at + 3);
    for (size_t i = 0; i < rest.n && at < range.n; i++) {
        if (rest.p[i] >= '1' && rest.p[i] <= '9') {
            return false;
        }
    }
    return at < range.n;
}

bool api_accepts(const struct api_request *r, const char *type)
{
    struct str rest = r->field[API_ACCEPT], want = str_c(type);
    size_t slash = str_index(want, '/');
    bool took = !str_is_set(rest) || str_trim(rest).n == 0;
    size_t best = 0;
    while (rest.n > 0) {
        size_t comma = str_index(rest, ',');
        struct str one = str_trim(str_upto(rest, comma));
        struct str range = str_trim(str_upto(one, str_index(one, ';')));
        size_t rank = str_ieq(range, want)         ? 3
                      : str_ieq(range, STR("*/*")) ? 1
                      : str_ends(range, STR("/*")) &&
                              str_ieq(str_upto(range, range.n - 2), str_upto(want, slash))
                          ? 2
                          : 0;
        if (rank > best) {
            best = rank;
            took = !is_refused(one);
        }
        rest = str_from(rest, comma < rest.n ? comma + 1 : comma);
    }
    return took;
}

uint64_t api_now(const struct api *a)
{
    return wire_now(a->wire);
}

struct wheel *api_wheel(struct api *a)
{
    return wire_wheel(a->wire);
}

/* ---- the engine ---- */

static void run_ask(struct api_job *job, struct engine *e, uint64_t now_ms)
{
    struct exchange *x = container_of(job, struct exchange, job);
    /* for the log, while we are where devices are known */
    if (x->device.n == 0) {
        x->device = arena_dup(&x->arena, view_device_uri(e, api_param(&x->r, "device")));
    }
    if (!x->run(&x->r, e, now_ms)) {
        api_job_finish(job);
    }
}

static void ask_done(struct api_job *job)
{
    struct exchange *x = container_of(job, struct exchange, job);
    x->away = false;
    x->r.gone = x->client == NULL;
    if (job->refused) {
        api_busy(&x->r, E_STATE);
    } else if (x->answer.status != 0) {
        answer_send(x);
    } else if (x->done != NULL) {
        x->done(&x->r);
    } else {
        api_refuse(&x->r, 500, "noAnswer", "The server has not answered; tell who runs it.");
    }
}

void api_ask(struct api_request *r,
             bool (*run)(struct api_request *r, struct engine *e, uint64_t now_ms),
             void (*done)(struct api_request *r))
{
    struct exchange *x = exchange_of(r);
    x->run = run;
    x->done = done;
    x->job =
        (struct api_job){.run = run_ask, .done = ask_done, .own = r->face == API_FACE_UNIX};
    x->away = true;
    int err = api_post(r->api, &x->job);
    if (err != 0) {
        x->away = false;
        api_busy(r, err);
    }
}

void api_answered(struct api_request *r)
{
    api_job_finish(&exchange_of(r)->job);
}

struct str api_traceparent(const struct api_request *r)
{
    static const char form[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    struct str s = r->field[API_TRACEPARENT];
    bool ok = s.n == sizeof(form) - 1;
    for (size_t i = 0; ok && i < s.n; i++) {
        ok = form[i] == '-' ? s.p[i] == '-' : hex_digit(s.p[i]) >= 0;
    }
    return ok ? s : STR_NONE;
}
