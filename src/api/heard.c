/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and answers that are captured (capture/capture.h), so that the ladder of a call has
 * them: those that command something, and those about one call. What is only looked at, and
 * what has secrets in it, is not.
 */
#include "api/parts.h"

static bool is_heard(const struct api_request *r)
{
    static const struct str never[] = {STR_INIT("/v1/tokens"), STR_INIT("/v1/trace"),
                                       STR_INIT("/v1/uui"), STR_INIT("/v1/admin"),
                                       STR_INIT("/v1/webhooks")};

    if (r->api->config.capture == NULL || r->route == NULL) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(never); i++) {
        if (str_starts(str_c(r->route->path), never[i])) { /* however it was written */
            return false;
        }
    }
    return (r->method != API_GET && r->method != API_HEAD) ||
           str_is_set(api_param(r, "callID"));
}

static void hear(const struct exchange *x, bool sent, struct str head, struct str body)
{
    const struct wire_conn *c = x->client != NULL ? x->client->wire : NULL;
    bool here = c == NULL || c->face == API_FACE_UNIX;

    capture_http(x->r.api->config.capture,
                 &(struct capture_http){.sent = sent,
                                        .exchange = x->r.number,
                                        .who = x->r.who != NULL ? x->r.who->name : STR_NONE,
                                        .remote = here ? NULL : &c->remote,
                                        .local = here ? NULL : &c->local,
                                        .head = head,
                                        .body = body});
}

void heard_request(const struct exchange *x)
{
    const struct api_request *r = &x->r;
    char head[2048];
    struct out o;

    if (!is_heard(r)) {
        return;
    }
    out_init(&o, head, sizeof(head));
    out_fmt(&o, "%s ", api_method_name(r->method));
    out_str(&o, str_upto(r->target, 1024));
    out_c(&o, " HTTP/1.1\r\n");
    if (str_is_set(r->field[API_HOST])) {
        out_fmt(&o, "Host: %.*s\r\n", STR_ARG(str_upto(r->field[API_HOST], 200)));
    }
    if (str_is_set(r->field[API_TRACEPARENT])) {
        out_fmt(&o, "traceparent: %.*s\r\n", STR_ARG(str_upto(r->field[API_TRACEPARENT], 100)));
    }
    if (r->body.n > 0) {
        out_fmt(&o, "Content-Type: %.*s\r\nContent-Length: %zu\r\n",
                STR_ARG(str_upto(r->field[API_CONTENT_TYPE], 100)), r->body.n);
    }
    out_fmt(&o, "X-Request-Id: %llu\r\n\r\n", (unsigned long long)r->number);
    hear(x, false, out_str_of(&o), r->body);
}

void heard_answer(const struct exchange *x, struct str head, struct str body)
{
    if (is_heard(&x->r)) {
        hear(x, true, head, body);
    }
}
