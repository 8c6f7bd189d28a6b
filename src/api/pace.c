/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nobody asks so much that others wait: what a principal may ask in a second, and how many
 * answers that stay open he may hold (access/pace.h).
 *
 * Who has no name is limited by his address and by the places that there are (http.c). Who came
 * over the UNIX socket as the one who runs the server is not limited: he has to get in when
 * things go wrong.
 */
#include "api/parts.h"

/** Is it somebody whom a limit is for? */
static bool has_limit(const struct access_principal *who)
{
    return who != NULL && who->entry != NULL && who->entry->source != ACCESS_LOCAL;
}

/** Pages that one token has asked for share what they may. */
static struct str payer(const struct access_principal *who)
{
    return who->entry->family;
}

int pace_init(struct api *a, const struct env *env)
{
    const struct access_pace_limits limits = {.per_s = a->config.requests_per_s,
                                              .streams = a->config.max_streams};
    return access_pace_init(&a->access.pace, env, &limits);
}

uint32_t pace_ask(struct api_request *r)
{
    struct api *a = r->api;
    uint32_t wait_ms = has_limit(r->who)
                           ? access_pace_ask(&a->access.pace, payer(r->who), wire_now(a->wire))
                           : 0;
    if (wait_ms > 0) {
        count_one(&a->count.refused_pace);
    }
    return (wait_ms + 999) / 1000;
}

bool pace_request(struct api_request *r)
{
    uint32_t wait_s = pace_ask(r);
    if (wait_s == 0) {
        return true;
    }
    struct api_header after = {"Retry-After", arena_fmt(r->arena, "%u", wait_s)};
    answer_fault(r, &(struct api_fault){.status = 429, .code = "tooManyRequests"}, &after, 1,
                 "%.*s asks more than %u times a second (api.requests_per_s). Wait %u s.",
                 STR_ARG(r->who->name), r->api->config.requests_per_s, wait_s);
    return false;
}

bool pace_enter(struct api_request *r)
{
    struct exchange *x = exchange_of(r);
    if (!has_limit(r->who) || str_is_set(x->streams_of)) {
        return true;
    }
    struct str name = arena_dup(&x->arena, payer(r->who));
    if (name.p == NULL) {
        return false;
    }
    if (!access_pace_enter(&r->api->access.pace, name)) {
        count_one(&r->api->count.refused_streams);
        return false;
    }
    x->streams_of = name;
    return true;
}

uint64_t pace_payer(const struct api_request *r)
{
    return has_limit(r->who) ? hash_bytes(&r->api->access.pace.key, payer(r->who)) | 1 : 0;
}

unsigned pace_wait(struct api_request *r)
{
    unsigned wait_s = api_prefer_wait(r);
    return wait_s > 0 && pace_enter(r) ? wait_s : 0;
}

bool pace_stream(struct api_request *r)
{
    static const struct api_header after = {"Retry-After", STR_INIT("5")};
    if (pace_enter(r)) {
        return true;
    }
    answer_fault(r, &(struct api_fault){.status = 429, .code = "tooManyStreams"}, &after, 1,
                 "%.*s holds %u streams, as many as one may (api.max_streams). Close one.",
                 STR_ARG(r->who->name), r->api->config.max_streams);
    return false;
}

void pace_left(struct exchange *x)
{
    if (str_is_set(x->streams_of)) {
        access_pace_leave(&x->r.api->access.pace, x->streams_of);
        x->streams_of = STR_NONE;
    }
}
