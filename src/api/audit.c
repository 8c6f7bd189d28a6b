/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was changed over HTTP, noted (module `audit`, and org.baton.audit.v1 in the journal):
 * what an administrator does, tokens for pages, and what somebody wanted but may not.
 *
 * CSTA that comes over HTTP is noted where all CSTA is (cti/audit.c), and is not noted twice.
 * Who is not known is not noted here but counted and slowed (allow.c): else whoever guesses
 * would write the journal.
 */
#include "api/parts.h"
#include "engine/engine.h"
#include <stdio.h>
#include <stdlib.h>

struct note {
    struct api_job job;
    struct cti_audit line;
    char number[8];
    char text[]; /**< who, device, callID */
};

static void tell(struct api_job *job, struct engine *e, uint64_t now_ms)
{
    struct note *n = container_of(job, struct note, job);
    (void)now_ms;
    engine_audit(e, &n->line);
    api_job_finish(job);
}

static void told(struct api_job *job)
{
    free(container_of(job, struct note, job));
}

static bool is_noted(const struct exchange *x)
{
    const struct api_request *r = &x->r;
    if (r->route == NULL || r->method == API_GET || r->method == API_HEAD || r->who == NULL ||
        r->who->entry == NULL) {
        return false;
    }
    return x->denied || r->route->scope == API_SCOPE_ADMIN ||
           strcmp(r->route->operation, "createBrowserToken") == 0;
}

static struct str place(char **at, struct str s)
{
    struct str copy = {*at, s.n};
    if (s.n > 0) {
        memcpy(*at, s.p, s.n);
        *at += s.n;
    }
    return copy;
}

void audit_answer(const struct exchange *x, unsigned status)
{
    const struct api_request *r = &x->r;
    struct str device = api_param(r, "device"), call = api_param(r, "callID");
    if (!is_noted(x)) {
        return;
    }
    struct note *n = calloc(1, sizeof(*n) + r->who->name.n + device.n + call.n);
    if (n == NULL) {
        return;
    }
    char *at = n->text;
    (void)snprintf(n->number, sizeof(n->number), "%u", status);
    n->line = (struct cti_audit){
        .who = place(&at, r->who->name),
        .face = STR("HTTP"),
        .action = str_c(r->route->operation), /* of the table: it stays */
        .device = place(&at, device),
        .call_id = place(&at, call),
        .outcome = status < 300 ? STR("done") : str_c(n->number),
    };
    n->job.own = true;
    n->job.run = tell;
    n->job.done = n->job.abandon = told;
    if (api_post(r->api, &n->job) != 0) {
        api_log(r->api, TRACE_WARN, "audit: %.*s over HTTP by %.*s: %.*s",
                STR_ARG(n->line.action), STR_ARG(n->line.who), STR_ARG(n->line.outcome));
        free(n);
    }
}
