/* SPDX-License-Identifier: Apache-2.0 */
/* `baton route`: which rule a request would match, and why the others do not. */
#ifndef BATON_CLI_ROUTE_CMD_H
#define BATON_CLI_ROUTE_CMD_H

#include "cli/help.h"
#include "server/config.h"

extern const struct help help_route;
int cmd_route(int argc, char **argv);

/** cmd_route with its streams; usage errors still go to stderr. @return the exit code */
int route_run(int argc, char **argv, FILE *out, FILE *err);

#define ROUTE_HEADERS_MAX 16

/** The request that is asked about, as the command line says. */
struct route_ask {
    const char *file, *to, *from, *method, *peer, *device, *uui, *at, *call_id, *transport;
    const char *header[ROUTE_HEADERS_MAX];
    size_t headers;
    bool unregistered, json;
};

/* ---- route_explain.c ---- */

/** @return exit code */
int route_explain(const struct config *c, const struct route_ask *ask, FILE *out, FILE *err);
void route_list(const struct config *c, FILE *out);

#endif
