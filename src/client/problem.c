/* SPDX-License-Identifier: Apache-2.0 */
/* Why not, in words: from the server's problem (RFC 9457), from libcurl, from ourselves. */
#include "client/parts.h"
#include <stdarg.h>
#include <stdio.h>

void problem_set(struct baton_problem *p, const char *code, const char *title, const char *fmt,
                 ...)
{
    va_list args;

    *p = (struct baton_problem){0};
    text_copy(p->code, sizeof(p->code), code);
    text_copy(p->title, sizeof(p->title), title);
    va_start(args, fmt);
    (void)vsnprintf(p->detail, sizeof(p->detail), fmt, args);
    va_end(args);
}

static bool is_about_trust(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_ISSUER_ERROR ||
           code == CURLE_SSL_INVALIDCERTSTATUS || code == CURLE_SSL_CRL_BADFILE;
}

static bool is_ours(CURLcode code)
{
    return code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL ||
           code == CURLE_NOT_BUILT_IN;
}

enum baton_result problem_of_transfer(struct baton_problem *p, const struct transfer *t,
                                      CURLcode code)
{
    const char *where = t->c->socket != NULL ? t->c->socket : t->c->base;
    const char *why = t->reason[0] != '\0' ? t->reason : curl_easy_strerror(code);

    if (code == CURLE_OUT_OF_MEMORY) {
        problem_set(p, "memory", "Out of memory", "There is no memory for it.");
        return BATON_NOMEM;
    }
    if (is_ours(code)) {
        problem_set(p, "wrong", "No such request", "%s cannot be asked for that: %s.", where,
                    why);
        return BATON_WRONG;
    }
    if (is_about_trust(code)) {
        problem_set(p, "certificate", "Not to be trusted",
                    "The certificate of %s, or one of ours, does not do: %s.", where, why);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
        problem_set(p, "network", "No answer", "%s has said nothing for too long.", where);
    } else {
        problem_set(p, "network", "Not reached", "%s is not reached: %s.", where, why);
    }
    return BATON_UNREACHABLE;
}

void problem_of_answer(struct baton_problem *p, long status, const json_t *json)
{
    *p = (struct baton_problem){.status = status};
    text_copy(p->code, sizeof(p->code), baton_text(json, "code"));
    text_copy(p->title, sizeof(p->title), baton_text(json, "title"));
    text_copy(p->detail, sizeof(p->detail), baton_text(json, "detail"));
    text_copy(p->csta_category, sizeof(p->csta_category), baton_text(json, "csta.category"));
    text_copy(p->csta_value, sizeof(p->csta_value), baton_text(json, "csta.value"));
    text_copy(p->pointer, sizeof(p->pointer), baton_text(json, "pointer"));
    p->sip = (int)json_integer_value(baton_at(json, "sip"));
    if (p->code[0] == '\0') { /* somebody in between has answered */
        (void)snprintf(p->code, sizeof(p->code), "http%ld", status);
    }
    if (p->detail[0] == '\0') {
        (void)snprintf(p->detail, sizeof(p->detail), "The answer has status %ld and no words.",
                       status);
    }
}

bool problem_is_passing(const struct transfer *t, CURLcode code, const json_t *json)
{
    if (code != CURLE_OK) {
        return !is_about_trust(code) && !is_ours(code) && code != CURLE_OUT_OF_MEMORY;
    }
    /* what CSTA or a phone has said to a command is its outcome, and would be said again */
    return (t->status == 502 || t->status == 503 || t->status == 504) &&
           baton_at(json, "csta") == NULL && baton_at(json, "sip") == NULL;
}
