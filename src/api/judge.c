/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request whose route is known, and may be used by who asks, held against what the route
 * takes: names of parameters, type of the body, types of the answer. What it does not take is
 * answered here, and no handler hears of it. Values are the handlers' business.
 */
#include "api/parts.h"

/** Is it of a type that the route reads? A body that nobody wants must be empty. */
static bool judge_type(struct api_request *r)
{
    struct str type = r->field[API_CONTENT_TYPE];
    const char *want = r->route->body_type;
    if (want == NULL || r->body.n == 0) {
        return true;
    }
    type = str_trim(str_upto(type, str_index(type, ';')));
    if (!str_ieq(type, str_c(want))) {
        api_refuse(r, 415, "unsupportedMediaType", "The body must be %s.", want);
        return false;
    }
    return true;
}

/** Does the client take any of what the route answers with? */
static bool judge_accept(struct api_request *r)
{
    const char *const *types = r->route->answer_types;
    for (size_t i = 0; types != NULL && types[i] != NULL; i++) {
        if (api_accepts(r, types[i])) {
            return true;
        }
    }
    if (types != NULL) {
        api_refuse(r, 406, "notAcceptable", "The answer is %s%s%s.", types[0],
                   types[1] != NULL ? " or " : "", types[1] != NULL ? types[1] : "");
    }
    return types == NULL;
}

static bool is_known(const char *const *known, struct str name)
{
    while (known != NULL && *known != NULL && !str_eq(name, str_c(*known))) {
        known++;
    }
    return known != NULL && *known != NULL;
}

/** A parameter that the route does not know is most likely one of its own, misspelt: without it
    the answer would not be what was asked for. */
static bool judge_query(struct api_request *r)
{
    struct str rest = r->query, key, raw;
    char text[256];
    struct out o;
    while (request_next_query(r, &rest, &key, &raw)) {
        if (is_known(r->route->query, key)) {
            continue;
        }
        out_init(&o, text, sizeof(text));
        for (const char *const *k = r->route->query; k != NULL && *k != NULL; k++) {
            out_fmt(&o, "%s%s", o.n > 0 ? ", " : "", *k);
        }
        api_refuse(r, 400, "unknownParameter",
                   "There is no parameter \"%.*s\" here; known: %.*s.",
                   STR_ARG(str_upto(key, 64)), STR_ARG(o.n > 0 ? out_str_of(&o) : STR("none")));
        return false;
    }
    return true;
}

bool judge_request(struct exchange *x)
{
    return judge_query(&x->r) && judge_type(&x->r) && judge_accept(&x->r);
}
