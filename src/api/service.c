/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs: rows of gen/api.txt with `service:NAME`, and POST /v1/services/{service}. There is no
 * code for any of them: what the path says is put into the request, and the table of CSTA
 * messages reads the rest.
 *
 *   {device}      "1001"
 *   {connection}  {"callID":"…","deviceID":"1001"}
 *   {call}        {"callID":"…"}
 *   {held}        {"deviceID":"1001"}: the one that it holds, unless the body says which
 *   another       its text
 *
 * What the path says has no place in the body; that is refused in these words, because for the
 * table it would be a member that comes twice.
 */
#include "api/command.h"
#include "api/handlers.h"
#include "api/route.h"
#include "csta/json_text.h"

enum { FILL_MAX = 4, DEEP = 8, VALUES_MAX = 256 };

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

/** Over a value, whatever is in it. @return 0, or it cannot be read */
static int pass(struct json_reader *in, unsigned deep)
{
    int kind = json_value(in), more;

    if (kind < 0 || deep == 0) {
        return E_SYNTAX;
    }
    if (kind != JSON_OBJECT && kind != JSON_ARRAY) {
        return 0;
    }
    while ((more = kind == JSON_OBJECT ? json_next_member(in) : json_next_item(in)) == 1) {
        if (pass(in, deep - 1) != 0) {
            return E_SYNTAX;
        }
    }
    return more;
}

/** Does the body have that member? Of one that is no JSON, or a maze, its reader has to speak.
 */
static bool body_says(struct api_request *r, const char *member)
{
    struct json_reader in;

    json_init(&in, r->body, VALUES_MAX, r->arena);
    if (r->body.n == 0 || json_value(&in) != JSON_OBJECT) {
        return false;
    }
    while (json_next_member(&in) == 1) {
        if (str_eq(in.text, str_c(member))) {
            return true;
        }
        if (pass(&in, DEEP) != 0) {
            break;
        }
    }
    return false;
}

/** What the path says, into `fill`. @return false: answered */
static bool fill_by_path(struct api_request *r, struct command_fill *fill, size_t *n)
{
    const struct api_route *route = r->route;

    for (size_t i = 0; i < route->fill_count && *n < FILL_MAX; i++) {
        const struct api_fill *f = &route->fill[i];
        bool said = body_says(r, f->member);

        if (said && strcmp(f->param, "held") != 0) {
            struct api_fault twice = {
                .status = 400,
                .code = "invalidParameterValue",
                .csta_category = "operation",
                .csta_value = "invalidParameterValue",
                .pointer = arena_fmt(r->arena, "/%s", f->member),
            };
            api_problem(r, &twice, "The path says what %s is: leave it out of the body.",
                        f->member);
            return false;
        }
        if (!said) {
            fill[(*n)++] = (struct command_fill){f->member, value_of(r, f->param)};
        }
    }
    return true;
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
    if (!fill_by_path(r, fill, &n)) {
        return;
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
