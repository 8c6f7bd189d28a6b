/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes, as gen/gen_api.py makes them of gen/api.txt: a table that is searched from the
 * front, in which what is said letter for letter stands before a parameter at the same place.
 */
#ifndef BATON_API_ROUTE_H
#define BATON_API_ROUTE_H

#include "api/request.h"

enum api_scope {
    API_SCOPE_NONE,
    API_SCOPE_OBSERVE,
    API_SCOPE_OBSERVE_DEVICE, /**< of the parameter `device` */
    API_SCOPE_CONTROL,
    API_SCOPE_CONTROL_DEVICE,
    API_SCOPE_ADMIN
};

/** A member of a CSTA request that the path gives. */
struct api_fill {
    const char *member; /**< "callingDevice" */
    const char *param;  /**< "device"; "connection": that of `callID` and `device` */
};

#define API_SEGMENTS_MAX 10

struct api_segment {
    struct str literal; /**< not set: a parameter */
    uint8_t param;      /**< which of r->param */
};

struct api_route {
    const char *path;      /**< "/v1/devices/{device}" */
    const char *operation; /**< operationId: "getDevice" */
    api_handler handler;
    enum api_method method;
    enum api_scope scope;
    bool socket;           /**< a WebSocket */
    const char *body_type; /**< media type that a body must have; NULL: there is none */
    const char *const *answer_types; /**< media types it answers with, NULL at the end */
    const char *const
        *query;          /**< names of its parameters, NULL at the end; NULL: it has none */
    const char *service; /**< of service rows: "MakeCall"; else NULL */
    const struct api_fill *fill;
    size_t fill_count;
    const char *param[API_PARAMS_MAX]; /**< their names */
    struct api_segment segment[API_SEGMENTS_MAX];
    size_t segments;
};

extern const struct api_route api_routes[];
extern const size_t api_route_count;

/** "observe:device", as gen/api.txt has it. */
const char *api_scope_name(enum api_scope scope);
const char *api_method_name(enum api_method method);

#endif
