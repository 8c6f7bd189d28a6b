/* SPDX-License-Identifier: Apache-2.0 */
/* Reload: see reload.h. */
#include "server/reload.h"
#include "base/err.h"

int reload_init(struct reload *r, struct config *first, struct directory *d)
{
    const char *why;
    *r = (struct reload){.first = first, .routes = first};
    if (roster_init(&r->roster, d, first->peer_room) != 0) {
        return E_NOMEM;
    }
    struct roster_change *ch = roster_prepare(&r->roster, first, &why);
    if (ch == NULL) {
        return E_NOMEM;
    }
    roster_commit(&r->roster, ch, NULL, NULL);
    return 0;
}

void reload_fini(struct reload *r)
{
    roster_fini(&r->roster);
    if (r->routes != r->first) {
        config_free(r->routes);
    }
    *r = (struct reload){0};
}

struct reloading {
    struct engine *engine;
    uint64_t now_ms;
    struct out names;
    size_t gone;
};

static void name_it(void *ctx, const char *key)
{
    struct reloading *x = ctx;
    out_c(&x->names, x->names.n > 0 ? ", " : "");
    out_c(&x->names, key);
}

static void gone(void *ctx, struct device *d)
{
    struct reloading *x = ctx;
    x->gone++;
    engine_forget_device(x->engine, d, x->now_ms);
}

static bool refused(struct reload *r, struct log *log, const char *why)
{
    r->refused++;
    if (r->last.why[0] == '\0') {
        (void)snprintf(r->last.why, sizeof(r->last.why), "%.*s", (int)sizeof(r->last.why) - 1,
                       why);
    }
    log_fmt(log, TRACE_ERROR, "server", "%s: not taken over: %s", r->first->file, why);
    return false;
}

static bool refused_at(struct reload *r, struct log *log, struct config_mark at,
                       const char *why)
{
    char text[RELOAD_WHY + 64];
    r->last.line = at.line;
    r->last.column = at.column;
    (void)snprintf(r->last.why, sizeof(r->last.why), "%s", why);
    (void)snprintf(text, sizeof(text), "line %u, column %u: %s", at.line, at.column, why);
    return refused(r, log, at.line > 0 ? text : why);
}

static bool needs_certificate(const struct config *c)
{
    bool needs = false;
    for (size_t i = 0; i < c->listen_count; i++) {
        needs = needs || transport_is_secure((enum transport)c->listen[i].transport);
    }
    return needs;
}

/** Everything that `tls` names. @return false: said why */
static bool read_tls(struct reload *r, const struct config *c, struct log *log,
                     struct tls_store **out)
{
    struct net_tls_fault fault = {.item = NET_TLS_ANY};
    if (c->tls.cert_count == 0 && needs_certificate(r->first)) {
        return refused_at(r, log, c->tls_marks.section,
                          "tls: the listeners of the start need a certificate");
    }
    return net_tls_read(&c->tls, out, &fault) == 0 ||
           refused_at(r, log, config_tls_mark(c, &fault), fault.why);
}

/** Names that do not all fit end in " …". */
static void end_names(struct out *o, char *text)
{
    text[o->n] = '\0';
    if (o->over) {
        memcpy(text + o->n, " …", sizeof(" …"));
    }
}

static void tell_changes(struct reload *r, const struct config *c, struct reloading *x)
{
    enum { ROOM = RELOAD_NAMES - sizeof(" …") };
    out_init(&x->names, r->last.changed, ROOM);
    config_each_taken_change(r->routes, c, name_it, x);
    end_names(&x->names, r->last.changed);
    out_init(&x->names, r->last.restart, ROOM);
    config_each_fixed_change(r->first, c, name_it, x);
    end_names(&x->names, r->last.restart);
    r->last.gone = x->gone;
    r->last.taken = true;
}

bool reload_run(struct reload *r, struct engine *e, struct net *net, struct log *log,
                uint64_t now_ms)
{
    struct reloading x = {.engine = e, .now_ms = now_ms};
    struct tls_store *store = NULL;
    struct config_error error;
    const char *why;
    r->last = (struct reload_report){0};
    struct config *c = config_load(r->first->file, &error);
    if (c == NULL) {
        return refused_at(r, log, (struct config_mark){error.line, error.column}, error.text);
    }
    if (net != NULL && !read_tls(r, c, log, &store)) {
        config_free(c);
        return false;
    }
    struct roster_change *ch = roster_prepare(&r->roster, c, &why);
    if (ch == NULL) {
        net_tls_drop(store);
        config_free(c);
        return refused(r, log, why);
    }
    if (net != NULL) {
        net_tls_take(net, store, &c->tls);
    }
    roster_commit(&r->roster, ch, gone, &x);
    engine_set_routes(e, &c->routes);
    engine_set_policy(e, &c->policy);
    engine_set_packages(e, c->engine.packages);
    engine_set_carriage(e, c->engine.call.carriage);
    engine_set_seal_keys(e, c->seal_keys);
    engine_set_phone_profiles(e, c->engine.phone_profiles, now_ms);
    seal_keys_free(r->routes->seal_keys); /* the configuration of the start stays */
    r->routes->seal_keys = NULL;
    engine_peers_changed(e);
    engine_roster_changed(e, now_ms);
    tell_changes(r, c, &x);
    if (r->routes != r->first) {
        config_free(r->routes);
    }
    r->routes = c;
    r->done++;
    if (r->last.restart[0] != '\0') {
        log_fmt(log, TRACE_WARN, "server", "changed, but taken over by a restart only: %s",
                r->last.restart);
    }
    log_fmt(log, TRACE_INFO, "server",
            "%s taken over: %zu routes, %zu devices, %zu applications, %zu peers", c->file,
            c->routes.count, c->device_count, c->application_count, c->peer_count);
    return true;
}
