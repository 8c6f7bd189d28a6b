/* SPDX-License-Identifier: Apache-2.0 */
/* One line each for what programs ask most. A path that is too long is "", which is refused. */
#include "client/parts.h"

enum { PATH_MAX_LEN = 1024 };

static int post(struct baton_client *c, const char *path, json_t *body,
                struct baton_answer *out)
{
    struct baton_request r = {
        .path = path, .method = "POST", .body = body != NULL ? body : json_object()};
    return baton_ask(c, &r, out);
}

int baton_make_call(struct baton_client *c, const char *device, const char *to, json_t *more,
                    struct baton_answer *out)
{
    char path[PATH_MAX_LEN];
    json_t *body = more != NULL ? more : json_object();

    (void)json_object_set_new(body, "calledDirectoryNumber", json_string(to));
    return post(c, baton_path(path, sizeof(path), "/v1/devices/%s/calls", device), body, out);
}

int baton_verb(struct baton_client *c, const char *call, const char *device, const char *verb,
               json_t *body, struct baton_answer *out)
{
    char path[PATH_MAX_LEN];

    return post(
        c, baton_path(path, sizeof(path), "/v1/calls/%s/connections/%s/%s", call, device, verb),
        body, out);
}

int baton_service(struct baton_client *c, const char *service, json_t *body,
                  struct baton_answer *out)
{
    char path[PATH_MAX_LEN];

    return post(c, baton_path(path, sizeof(path), "/v1/services/%s", service), body, out);
}

static const char feature_path[] = "/v1/devices/%s/features/%s";

int baton_get_feature(struct baton_client *c, const char *device, const char *feature,
                      struct baton_answer *out)
{
    char path[PATH_MAX_LEN];

    return baton_ask(c,
                     &(struct baton_request){
                         .path = baton_path(path, sizeof(path), feature_path, device, feature)},
                     out);
}

int baton_set_feature(struct baton_client *c, const char *device, const char *feature,
                      json_t *body, const char *if_match, struct baton_answer *out)
{
    char path[PATH_MAX_LEN];
    struct baton_request r = {.path =
                                  baton_path(path, sizeof(path), feature_path, device, feature),
                              .method = "PUT",
                              .body = body,
                              .if_match = if_match};
    return baton_ask(c, &r, out);
}

int baton_route_register(struct baton_client *c, const char *device, struct baton_answer *out)
{
    return post(c, "/v1/routes",
                device != NULL ? json_pack("{s:s}", "routeingDevice", device) : NULL, out);
}

int baton_route_select(struct baton_client *c, const char *cross_ref, const char *to,
                       struct baton_answer *out)
{
    char path[PATH_MAX_LEN];

    return to != NULL
               ? post(c, baton_path(path, sizeof(path), "/v1/routes/%s/select", cross_ref),
                      json_pack("{s:s}", "routeSelected", to), out)
               : post(c, baton_path(path, sizeof(path), "/v1/routes/%s/end", cross_ref), NULL,
                      out);
}
