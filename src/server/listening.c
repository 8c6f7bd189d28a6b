/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the server listens: sockets that somebody has handed over are taken first, the others
 * opened; when all stand, the service manager gets a copy of each for the process after us.
 */
#include "base/err.h"
#include "net/net.h"
#include "net/sockaddr.h"
#include "server/frame.h"
#include "server/inherit.h"

/** Say where, or why not. */
static bool tell_listener(struct server *s, const char *what, uint8_t transport,
                          const struct addr *at, int err)
{
    char buf[64];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    addr_write(&o, at);
    if (err != 0) {
        log_fmt(s->log, TRACE_ERROR, "server", "cannot listen on %s%s %.*s: %s", what,
                transport_name(transport), STR_ARG(out_str_of(&o)),
                err == E_EXISTS     ? "another program has it"
                : err == E_DENIED   ? "not permitted"
                : err == E_NOTFOUND ? "this machine does not have the address"
                : err == E_STATE    ? "there is no certificate (tls.certificates)"
                                    : err_text(err));
        return false;
    }
    log_fmt(s->log, TRACE_INFO, "server", "listening on %s%s %.*s", what,
            transport_name(transport), STR_ARG(out_str_of(&o)));
    return true;
}

/**
 * Who goes on with the calls of an earlier process does so also when an address that is new in
 * the configuration cannot be listened on.
 */
static bool can_do_without(const struct server *s)
{
    return s->inherited->state >= 0;
}

bool listening_open(struct server *s)
{
    for (size_t i = 0; i < s->config->listen_count; i++) {
        const struct config_listen *at = &s->config->listen[i];
        struct addr bound = at->at;
        int err = net_listen_as(s->net, at->transport, &at->at, &at->shown, &bound);
        if (!tell_listener(s, "", at->transport, &bound, err) && !can_do_without(s)) {
            return false;
        }
    }
    for (size_t i = 0; i < s->config->csta_listen_count; i++) {
        const struct config_listen *at = &s->config->csta_listen[i];
        struct addr bound = at->at;
        int err = net_listen_csta(s->net, at->transport, &at->at, &bound);
        if (!tell_listener(s, "CSTA ", at->transport, &bound, err) && !can_do_without(s)) {
            return false;
        }
    }
    size_t connections = inherit_connections(s->inherited, s->net, s->log);
    if (connections > 0) {
        log_fmt(s->log, TRACE_INFO, "server", "%zu connections go on", connections);
    }
    return true;
}

void listening_add_interfaces(struct config *c)
{
    uv_interface_address_t *list = NULL;
    int n = 0;
    if (uv_interface_addresses(&list, &n) != 0) {
        return;
    }
    for (int i = 0; i < n; i++) {
        struct addr a;
        bool here = sockaddr_read((const struct sockaddr *)&list[i].address, &a);
        for (size_t k = 0; here && k < c->listen_count; k++) {
            const struct addr *at = &c->listen[k].at;
            if (at->family == a.family && addr_is_any(at)) {
                config_add_own_address(c, &a);
            }
        }
    }
    uv_free_interface_addresses(list, n);
}

/* ---- the service manager ---- */

static void keep_listener(void *ctx, const char *kind, int fd)
{
    struct server *s = ctx;
    service_keep(&s->service, kind, fd);
}

static void complain_of_socket(void *ctx, const char *name, const char *what, const char *why)
{
    struct server *s = ctx;
    log_fmt(s->log, TRACE_WARN, "server",
            "the socket \"%s\"%s%s that was handed over is closed: %s", name,
            what[0] != '\0' ? ", " : "", what, why);
}

void listening_drop_rest(struct server *s)
{
    net_given_rest(s->net, complain_of_socket, s);
}

void listening_started(struct server *s)
{
    inherit_close(s->inherited);
    for (size_t i = 0; net_kind(i) != NULL; i++) {
        service_forget(&s->service, net_kind(i));
    }
    net_each_listener(s->net, keep_listener, s);
    serving_each_listener(&s->serving, keep_listener, s);
    service_ready(&s->service, s->keeping.store);
}
