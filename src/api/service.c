/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs: rows of gen/api.txt with `service:NAME`, and POST /v1/services/{service}. There is no
 * code for any of them: what the path says is put into the request, and the table of CSTA
 * messages reads the rest.
 *
 *   {device}      "1001"
 *   {connection}  {"callID":"…","deviceID":"1001"}
 *   {call}        {"callID":"…"}
 *   {held}        {"deviceID":"1001"}: the one that it holds
 *   another       its text
 */
#include "api/command.h"
#include "api/handlers.h"
#include "api/route.h"

enum { FILL_MAX = 4 };

/** `{"callID":…,"deviceID":…}` of what there is. @return absent: no memory */
static struct str connection_of(struct api_request *r, bool call, bool device)
{
    struct str id = call ? command_quote(r, api_param(r, "callID")) : STR_NONE;
    struct str dev = device ? command_quote(r, api_param(r, "device")) : STR_NONE;

    if (call && device) {
        return arena_fmt(r->arena, "{\"callID\":%.*s,\"deviceID\":%.*s}", STR_ARG(id),
                         STR_ARG(dev));
    }
    return call ? arena_fmt(r->arena, "{\"callID\":%.*s}", STR_ARG(id))
                : arena_fmt(r->arena, "{\"deviceID\":%.*s}", STR_ARG(dev));
}

static struct str value_of(struct api_request *r, const char *param)
{
    if (strcmp(param, "connection") == 0) {
        return connection_of(r, true, true);
    }
    if (strcmp(param, "call") == 0) {
        return connection_of(r, true, false);
    }
    if (strcmp(param, "held") == 0) {
        return connection_of(r, false, true);
    }
    return command_quote(r, api_param(r, param));
}

/**
 * A call to nobody is meant only when it is said: the phone would ring, and whoever picks up
 * would hear nothing until DialDigits comes.
 */
static bool calls_nobody(const struct api_request *r, enum csta_msg_id id)
{
    return id == CSTA_MSG_MAKE_CALL && str_trim(r->body).n == 0;
}

void api_service(struct api_request *r)
{
    const struct api_route *route = r->route;
    enum csta_msg_id id = csta_msg_find(str_c(route->service));
    struct command_fill fill[FILL_MAX];
    size_t n = 0;
    struct command *c;

    if (calls_nobody(r, id)) {
        api_refuse(
            r, 400, "bodyMissing",
            "The body says who is called: {\"calledDirectoryNumber\": \"1002\"}. With {} "
            "the device's own phone is rung and waits for DialDigits.");
        return;
    }
    for (; n < route->fill_count && n < FILL_MAX; n++) {
        fill[n] =
            (struct command_fill){route->fill[n].member, value_of(r, route->fill[n].param)};
    }
    c = command_read(r, id, r->body, fill, n);
    if (c != NULL) {
        command_send(c);
    }
}

void api_services(struct api_request *r)
{
    struct str name = api_param(r, "service");
    enum csta_msg_id id = csta_msg_find(name);
    struct command *c;

    if (id == CSTA_MSG_NONE || csta_msg_role(id) != CSTA_ROLE_REQUEST ||
        !str_eq(csta_msg_name(id), name)) {
        api_refuse(r, 404, "unknownService",
                   "ECMA-323 has no request of this name; docs/coverage-csta.md lists them.");
        return;
    }
    c = command_read(r, id, r->body, NULL, 0);
    if (c != NULL) {
        command_send(c);
    }
}

void api_get_operation(struct api_request *r)
{
    command_show(r);
}
