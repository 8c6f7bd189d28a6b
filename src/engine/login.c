/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who comes over a connection with CSTA in frames?
 *
 * There is no challenge on such a connection (ECMA-354 has none): the password comes as it is,
 * so the connection should be TLS or stay on this machine. Wrong ones are offences of the
 * source, as wrong digest credentials are. An application may be known without any, by its
 * certificate or by its address, when the configuration says so.
 */
#include "engine/parts.h"

struct application *login_application(void *engine, const struct hop *from, struct str name,
                                      struct str password, uint64_t now_ms)
{
    struct engine *e = engine;
    struct application *app = directory_application(e->config.directory, name);
    bool right =
        auth_server_password(&e->auth, name, app != NULL ? &app->secret : NULL, password);

    gate_login(e, from, right, now_ms);
    if (right) {
        return app;
    }
    e->count.auth_failed++;
    if (engine_may_complain(e)) {
        char text[64];
        struct out o;
        out_init(&o, text, sizeof(text));
        addr_write(&o, &from->remote);
        env_trace(e->env, TRACE_WARN, "auth",
                  app != NULL ? "%.*s: the password of \"%.*s\" is wrong"
                              : "%.*s: no application is named \"%.*s\"",
                  (int)o.n, text, STR_ARG(str_upto(name, 64)));
    }
    return NULL;
}

struct application *login_known(void *engine, const struct hop *from)
{
    const struct engine *e = engine;

    return directory_application_from(e->config.directory, from);
}
