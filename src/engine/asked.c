/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Baton asks an application of the HTTP API (cti/client.h), above all where a call is to
 * go: an event of the journal for its principal alone, org.baton.csta.routeRequest.v1 and its
 * sisters. The answer is a command (RouteSelect, RouteEnd, RouteReject).
 *
 *     {"RouteRequest":{…},"ids":{"callID":"…"}}
 *
 * Without a journal nobody could hear it, and then nobody is asked.
 */
#include "csta/json.h"
#include "csta/json_build.h"
#include "cti/client.h"
#include "cti/journal.h"
#include "engine/parts.h"

enum { QUESTION_MAX = 16384 };

/** "org.baton.csta.routeRequest.v1" */
static struct str type_of(const struct csta_msg *msg, struct arena *a)
{
    struct str name = csta_msg_name(msg->id);

    return arena_fmt(a, "org.baton.csta.%c%.*s.v1", (char)(name.p[0] | 0x20),
                     STR_ARG(str_from(name, 1)));
}

bool engine_asked(void *engine, struct str name, const struct csta_msg *msg, uint64_t now_ms)
{
    struct engine *e = engine;
    char *buf = arena_alloc(&e->scratch, QUESTION_MAX);
    struct journal_fact fact = {.type = type_of(msg, &e->scratch), .owner = name};
    struct out o;

    (void)now_ms;
    if (buf == NULL || fact.type.n == 0) {
        return false;
    }
    out_init(&o, buf, QUESTION_MAX);
    if (csta_json_write(msg, &o) != 0) {
        return false;
    }
    if (msg->id == CSTA_MSG_ROUTE_REQUEST) {
        fact.call_id = msg->route_request->routed_call.call_id;
        o.n--; /* once more open */
        json_key(&o, "ids");
        out_ch(&o, '{');
        json_text(&o, "callID", fact.call_id);
        out_c(&o, "}}");
    }
    fact.data = out_str_of(&o);
    fact.subject = fact.call_id;
    return !o.over && cti_tell(e->cti, &fact) != 0;
}
