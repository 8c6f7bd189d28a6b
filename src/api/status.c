/* SPDX-License-Identifier: Apache-2.0 */
/* GET /v1/status: version, uptime, state and every counter, from the engine's thread. */
#include "api/handlers.h"
#include "api/parts.h"
#include "api/text.h"
#include "base/err.h"
#include "engine/engine.h"

struct counting {
    struct text text;
    const char *part; /**< whose object is open; NULL: none */
    bool first;
};

static void add(void *to, const char *part, const char *name, uint64_t value)
{
    struct counting *c = to;
    if (c->part == NULL || strcmp(c->part, part) != 0) {
        text_fmt(&c->text, "%s\"%s\":{", c->part != NULL ? "}," : "", part);
        c->part = part;
        c->first = true;
    }
    text_fmt(&c->text, "%s\"%s\":%llu", c->first ? "" : ",", name, (unsigned long long)value);
    c->first = false;
}

static void add_own(struct api *a, struct counting *c)
{
    struct api_stats s;
    api_stats(a, &s);
    add(c, "api", "clients", s.clients);
    add(c, "api", "accepted", s.accepted);
    add(c, "api", "turned_away", s.turned_away);
    add(c, "api", "requests", s.requests);
    add(c, "api", "answers_1xx", s.answers[1]);
    add(c, "api", "answers_2xx", s.answers[2]);
    add(c, "api", "answers_3xx", s.answers[3]);
    add(c, "api", "answers_4xx", s.answers[4]);
    add(c, "api", "answers_5xx", s.answers[5]);
    add(c, "api", "jobs", s.jobs);
    add(c, "api", "jobs_refused", s.jobs_refused);
    add(c, "api", "closed_slow", s.closed_slow);
    add(c, "api", "closed_bad", s.closed_bad);
    add(c, "api", "refused_pace", s.refused_pace);
    add(c, "api", "refused_streams", s.refused_streams);
    add(c, "api", "octets_in", s.octets_in);
    add(c, "api", "octets_out", s.octets_out);
}

/** Is the disk refused at the moment? Of all counters those of the store. */
static void look_for_trouble(void *to, const char *part, const char *name, uint64_t value)
{
    bool *broken = to;
    *broken =
        *broken || (value != 0 && strcmp(part, "store") == 0 && strcmp(name, "broken") == 0);
}

/** What is wrong as a whole, in words, before all that is only counted. */
static void put_trouble(const struct api *a, struct text *t)
{
    bool broken = false;
    a->config.each_count(a->config.count_ctx, look_for_trouble, &broken);
    if (broken) {
        text_c(
            t,
            ",\"trouble\":[\"The disk takes nothing: what happens is not kept until it does. "
            "The log says why (module store).\"]");
    }
}

/** "running", or since when it does not, and what stands still. */
static void put_state(const struct api *a, const struct engine *e, struct text *t)
{
    uint64_t since_s = a->state.stopping_s != 0 ? a->state.stopping_s : a->state.draining_s;
    text_c(t, a->state.stopping_s != 0 ? "stopping" : since_s != 0 ? "draining" : "running");
    text_c(t, "\"");
    if (since_s == 0) {
        return;
    }
    text_c(t, ",\"since\":\"");
    text_time(t, since_s * 1000);
    text_fmt(t, "\",\"left\":{\"calls\":%llu,\"proxied\":%llu,\"sessions\":%llu}",
             (unsigned long long)engine_stat(e, "calls_active"),
             (unsigned long long)engine_stat(e, "proxy_active"),
             (unsigned long long)engine_stat(e, "csta_sessions"));
}

static bool run(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct api *a = r->api;
    struct counting c = {.text = text_in(r->arena)};
    uint64_t now_s = a->config.env->wall_s(a->config.env->ctx);
    (void)now_ms;
    text_c(&c.text, "{\"version\":\"" BATON_VERSION "\",\"state\":\"");
    put_state(a, e, &c.text);
    put_trouble(a, &c.text);
    text_c(&c.text, ",\"time\":\"");
    text_time(&c.text, now_s * 1000);
    text_c(&c.text, "\",\"started\":\"");
    text_time(&c.text, a->started_s * 1000);
    text_fmt(&c.text, "\",\"uptime\":%llu,\"counters\":{",
             (unsigned long long)((uv_hrtime() - a->started_ns) / 1000000000));
    a->config.each_count(a->config.count_ctx, add, &c);
    add_own(a, &c);
    text_c(&c.text, "}}}");
    text_reply(r, &c.text);
    return false;
}

void api_get_status(struct api_request *r)
{
    api_ask(r, run, NULL);
}
