/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /metrics: figures are taken between two inputs of the engine, and written in the API's
 * thread.
 */
#include "api/handlers.h"
#include "base/err.h"
#include "server/admin.h"
#include "server/metrics.h"

enum { ROOM = 96 * 1024 };

static void take_server(struct metrics *m, const struct admin *a)
{
    struct metrics_from f = {m, METRIC_SERVER};
    struct log_levels levels;

    log_levels_get(a->log, &levels);
    metrics_figure(&f, "started", a->started_s);
    metrics_figure(&f, "draining", a->draining);
    metrics_figure(&f, "reloaded", a->reload->done);
    metrics_figure(&f, "reload_refused", a->reload->refused);
    metrics_figure(&f, "log_followed", levels.followed);
}

static void take_store(struct metrics *m, struct keeping *k)
{
    struct store_stats s;

    if (k->store != NULL) {
        store_stats(k->store, &s);
        m->duration[METRIC_STORE_COMMIT] = s.commit_time;
        m->has_duration[METRIC_STORE_COMMIT] = true;
        keeping_each_stat(k, metrics_figure, &(struct metrics_from){m, METRIC_STORE});
    }
}

static bool run(struct api_request *r, struct engine *e, uint64_t now_ms)
{
    struct admin *a = api_host(r->api);
    struct metrics *m = r->ctx;
    struct net_stats net;
    (void)now_ms;

    net_stats(a->net, &net);
    metrics_net_stats(&net, metrics_figure, &(struct metrics_from){m, METRIC_NET});
    engine_each_stat(e, metrics_figure, &(struct metrics_from){m, METRIC_ENGINE});
    engine_request_time(e, &m->duration[METRIC_CSTA_REQUEST]);
    m->has_duration[METRIC_CSTA_REQUEST] = true;
    take_store(m, a->keeping);
    capturing_each_stat(a->capturing, metrics_figure, &(struct metrics_from){m, METRIC_TRACE});
    take_server(m, a);
    return false;
}

static void take_api(struct metrics *m, struct api *a)
{
    struct metrics_from f = {m, METRIC_API};
    struct api_stats s;

    api_stats(a, &s);
    metrics_figure(&f, "clients", s.clients);
    metrics_figure(&f, "accepted", s.accepted);
    metrics_figure(&f, "turned_away", s.turned_away);
    metrics_figure(&f, "requests", s.requests);
    metrics_figure(&f, "answers_2xx", s.answers[2]);
    metrics_figure(&f, "answers_3xx", s.answers[3]);
    metrics_figure(&f, "answers_4xx", s.answers[4]);
    metrics_figure(&f, "answers_5xx", s.answers[5]);
    metrics_figure(&f, "jobs", s.jobs);
    metrics_figure(&f, "jobs_refused", s.jobs_refused);
    metrics_figure(&f, "refused_pace", s.refused_pace);
    metrics_figure(&f, "refused_streams", s.refused_streams);
    metrics_figure(&f, "closed_slow", s.closed_slow);
    metrics_figure(&f, "closed_bad", s.closed_bad);
    metrics_figure(&f, "octets_in", s.octets_in);
    metrics_figure(&f, "octets_out", s.octets_out);
    m->duration[METRIC_API_REQUEST] = s.took;
    m->has_duration[METRIC_API_REQUEST] = true;
}

static void done(struct api_request *r)
{
    struct metrics *m = r->ctx;
    char *room = arena_alloc(r->arena, ROOM);
    struct out o;

    if (room == NULL) {
        api_busy(r, E_NOMEM);
        return;
    }
    take_api(m, r->api);
    api_each_event_stat(r->api, metrics_figure, &(struct metrics_from){m, METRIC_EVENTS});
    metrics_process(m);
    out_init(&o, room, ROOM);
    metrics_write(&o, m, BATON_VERSION);
    api_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", out_str_of(&o), NULL, 0);
}

void api_get_metrics(struct api_request *r)
{
    r->ctx = arena_zalloc(r->arena, sizeof(struct metrics));
    if (r->ctx == NULL) {
        api_busy(r, E_NOMEM);
    } else {
        api_ask(r, run, done);
    }
}
