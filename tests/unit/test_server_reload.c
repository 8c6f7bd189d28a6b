/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reload: who stays keeps his struct, who is gone leaves the directory, who comes back is
 * known; a file that is wrong changes nothing; what cannot change is named; a whole engine goes
 * on.
 */
#include "base/err.h"
#include "engine/parts.h"
#include "kit_msg.h"
#include "kit_tls.h"
#include "server/reload.h"
#include "uui/merge.h"
#include <stdlib.h>
#include <unistd.h>

static struct kit kit;

static struct config *read_text(const char *text)
{
    struct config_error error;
    struct config *c = config_read("test.yaml", str_c(text), &error);
    test_context(c == NULL ? error.text : NULL);
    CHECK(c != NULL);
    return c;
}

struct fixture {
    struct directory dir;
    struct roster roster;
    size_t gone;
    char last[64];
};

static void on_gone(void *ctx, struct device *d)
{
    struct fixture *f = ctx;
    f->gone++;
    (void)snprintf(f->last, sizeof(f->last), "%.*s", STR_ARG(d->key));
    CHECK(directory_device(&f->dir, d->key) == NULL);
    CHECK(!d->has_secret && !str_is_set(d->secret.password));
}

static const struct str domains[] = {STR_INIT("example.com")};

static bool setup(struct fixture *f, size_t room)
{
    memset(f, 0, sizeof(*f));
    kit_init(&kit);
    kit.env.mem = mem_libc;
    return CHECK_INT(directory_init(&f->dir, &kit.env, domains, 1), 0) &&
           CHECK_INT(roster_init(&f->roster, &f->dir, room), 0);
}

static void fini(struct fixture *f)
{
    roster_fini(&f->roster);
    directory_fini(&f->dir);
}

/** Take the text over and forget it: the roster must not borrow from it. */
static void take(struct fixture *f, const char *text)
{
    const char *why = NULL;
    struct config *c = read_text(text);
    REQUIRE(c != NULL);
    struct roster_change *ch = roster_prepare(&f->roster, c, &why);
    test_context(why);
    REQUIRE(ch != NULL);
    roster_commit(&f->roster, ch, on_gone, f);
    config_free(c);
}

#define HEAD "domains: [example.com]\n"

static void test_devices_keep_their_structs(void)
{
    struct fixture f;
    REQUIRE(setup(&f, 4));
    take(&f, HEAD "devices: [{number: \"1001\", display: Ann, password: one},\n"
                  "  {number: \"1002\", password: two}]\n");
    struct device *ann = directory_device(&f.dir, STR("1001"));
    struct device *bob = directory_device(&f.dir, STR("1002"));
    REQUIRE(ann != NULL && bob != NULL);
    CHECK_STR(ann->display, "Ann");
    CHECK_STR(ann->uri, "sip:1001@example.com");
    CHECK_STR(ann->secret.password, "one");
    int mark;
    ann->cti = &mark; /* something hangs on it */
    take(&f, HEAD
         "devices: [{number: \"1003\"}, {number: \"1001\", display: Anna, password: new}]\n");
    CHECK(directory_device(&f.dir, STR("1001")) == ann);
    CHECK(ann->cti == &mark);
    CHECK_STR(ann->display, "Anna");
    CHECK_STR(ann->secret.password, "new");
    CHECK(directory_device(&f.dir, STR("1002")) == NULL);
    CHECK(directory_device(&f.dir, STR("1003")) != NULL);
    CHECK(!directory_device(&f.dir, STR("1003"))->has_secret);
    CHECK_INT(f.gone, 1);
    CHECK_STR(str_c(f.last), "1002@example.com");
    CHECK_STR(bob->number, "1002"); /* whoever still has it may look at it */
    take(&f, HEAD "devices: [{number: \"1002\", password: three}]\n");
    CHECK(directory_device(&f.dir, STR("1002")) == bob);
    CHECK_STR(bob->secret.password, "three");
    CHECK_INT(f.gone, 3);
    take(&f, "{}\n");
    CHECK_INT(f.gone, 4);
    fini(&f);
}

static void test_applications(void)
{
    struct fixture f;
    REQUIRE(setup(&f, 4));
    take(&f, HEAD "devices: [{number: \"1001\"}, {number: \"2001\"}]\n"
                  "applications: [{name: crm, grants: [\"10*\", \"20*\"], password: x},\n"
                  "  {name: old, password: y}]\n");
    struct application *crm = directory_application(&f.dir, STR("crm"));
    struct application *old = directory_application(&f.dir, STR("old"));
    REQUIRE(crm != NULL && old != NULL);
    CHECK(directory_may_control(crm, directory_device(&f.dir, STR("2001"))));
    take(
        &f, HEAD
        "devices: [{number: \"1001\"}, {number: \"2001\"}]\n"
        "applications: [{name: crm, grants: [\"10*\"], max_monitors: 7, max_sessions: 3, password: z}]\n");
    CHECK(directory_application(&f.dir, STR("crm")) == crm);
    CHECK(!directory_may_control(crm, directory_device(&f.dir, STR("2001"))));
    CHECK(directory_may_control(crm, directory_device(&f.dir, STR("1001"))));
    CHECK_INT(crm->max_monitors, 7);
    CHECK_INT(crm->max_sessions, 3);
    CHECK_STR(crm->secret.password, "z");
    CHECK(directory_application(&f.dir, STR("old")) == NULL);
    CHECK(!directory_may_control(old, directory_device(&f.dir, STR("1001"))));
    fini(&f);
}

static void test_peers_keep_their_places(void)
{
    struct fixture f;
    REQUIRE(setup(&f, 3));
    take(&f, "peers: [{name: a, uri: \"sip:192.0.2.1\", numbers: [\"1*\", \"2*\"]},\n"
             "  {name: b, uri: \"sip:192.0.2.2\", trusted: true}]\n");
    const struct peer *a = directory_peer_named(&f.dir, STR("a"));
    const struct peer *b = directory_peer_named(&f.dir, STR("b"));
    REQUIRE(a != NULL && b != NULL);
    take(&f, "peers: [{name: c, uri: \"sip:192.0.2.3\"}, {name: b, uri: \"sip:192.0.2.9\"}]\n");
    CHECK(directory_peer_named(&f.dir, STR("b")) == b);
    CHECK_STR(b->host, "192.0.2.9");
    CHECK(!b->trusted);
    CHECK(directory_peer_named(&f.dir, STR("a")) == NULL);
    const struct peer *c = directory_peer_named(&f.dir, STR("c"));
    CHECK(c != NULL && c != a); /* a's place is given away at a later change */
    CHECK_INT(a->number_count, 0);
    CHECK(!a->trusted && a->addr.family == ADDR_NONE);
    take(&f, "peers: [{name: d, uri: \"sip:192.0.2.4\"}, {name: b, uri: \"sip:192.0.2.9\"},\n"
             "  {name: c, uri: \"sip:192.0.2.3\"}]\n");
    CHECK(directory_peer_named(&f.dir, STR("d")) == a);
    /* no room: refused, and nothing has changed */
    const char *why = NULL;
    struct config *many =
        read_text("devices: [{number: \"9\"}]\n"
                  "peers: [{name: d, uri: \"sip:192.0.2.4\"},\n"
                  "  {name: e, uri: \"sip:192.0.2.5\"}, {name: f, uri: \"sip:h\"},\n"
                  "  {name: g, uri: \"sip:192.0.2.7\"}]\n");
    REQUIRE(many != NULL);
    CHECK(roster_prepare(&f.roster, many, &why) == NULL);
    CHECK(why != NULL && strstr(why, "limits.peers") != NULL);
    config_free(many);
    CHECK(directory_device(&f.dir, STR("9")) == NULL);
    CHECK_STR(directory_peer_named(&f.dir, STR("d"))->host, "192.0.2.4");
    fini(&f);
}

static void test_discarded(void)
{
    struct fixture f;
    const char *why;
    REQUIRE(setup(&f, 2));
    take(&f, HEAD "devices: [{number: \"1\", password: a}]\n");
    struct config *c =
        read_text(HEAD "devices: [{number: \"1\", password: b}, {number: \"2\"}]\n"
                       "applications: [{name: x, password: y}]\n"
                       "peers: [{name: p, uri: \"sip:h\"}]\n");
    REQUIRE(c != NULL);
    struct roster_change *ch = roster_prepare(&f.roster, c, &why);
    REQUIRE(ch != NULL);
    roster_discard(ch);
    roster_discard(NULL);
    config_free(c);
    CHECK_STR(directory_device(&f.dir, STR("1"))->secret.password, "a");
    CHECK(directory_device(&f.dir, STR("2")) == NULL);
    CHECK(directory_application(&f.dir, STR("x")) == NULL);
    fini(&f);
}

/* ---- what cannot change ---- */

static void note(void *ctx, const char *key)
{
    char *to = ctx;
    (void)strcat(strcat(to, key), " ");
}

static void check_diff(const char *a, const char *b, const char *want)
{
    char got[400] = "";
    struct config *x = read_text(a), *y = read_text(b);
    REQUIRE(x != NULL && y != NULL);
    config_each_fixed_change(x, y, note, got);
    test_context(b);
    CHECK_STR(str_c(got), want);
    config_free(x);
    config_free(y);
}

static void test_fixed_keys_are_named(void)
{
    check_diff("{}\n", "{}\n", "");
    check_diff("limits: {calls: 5}\n", "limits: {calls: 6}\n", "limits.calls ");
    check_diff("listen: [\"udp:127.0.0.1:5060\"]\n", "listen: [\"udp:127.0.0.1:5061\"]\n",
               "listen ");
    check_diff("domains: [a]\n", "domains: [a, b]\n", "domains ");
    check_diff("realm: a\n", "log: {format: json, level: debug}\n", "realm log.format ");
    check_diff("{}\n", "calls: {auto_answer: false}\ntimers: {t1_ms: 100}\n",
               "timers.t1_ms calls.auto_answer ");
    /* all that is taken over */
    check_diff("{}\n",
               "devices: [{number: \"1\"}]\nroutes: [{action: refuse}]\ntime_zone: \"+01:00\"\n"
               "peers: [{name: p, uri: \"sip:h\"}]\napplications: [{name: x, password: y}]\n"
               "dial_plans: [{name: p, country: 1}]\nlog: {level: warn}\n"
               "uui: {redirects: keep, blind_transfers: keep, attended_transfers: keep,\n"
               "      services: keep, isdn_redirect: strict,\n"
               "      domain_groups: [{domains: [a.example, b.example]}]}\n",
               "");
}

/* ---- the whole of it ---- */

static char file[] = "/tmp/baton-reload-XXXXXX";
static char log_file[] = "/tmp/baton-reload-log-XXXXXX";

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");
    REQUIRE(f != NULL);
    fputs(text, f);
    (void)fclose(f);
}

static bool logged(const char *text)
{
    struct str all = test_read_file(log_file);
    bool found = str_find(all, str_c(text)) < all.n;
    free((void *)(uintptr_t)all.p);
    return found;
}

static int no_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    (void)ctx;
    (void)hop;
    (void)run;
    (void)n;
    return 0;
}

static void test_reload_is_all_or_nothing(void)
{
    struct config_error error;
    struct directory dir;
    struct reload r;
    kit_init(&kit);
    kit.env.mem = mem_libc;
    kit.env.send = no_send;
    write_file("domains: [example.com]\ndevices: [{number: \"1001\", password: a}]\n"
               "routes: [{name: one, action: refuse}]\n");
    struct config *c = config_load(file, &error);
    REQUIRE(c != NULL);
    CHECK_STR(str_c(c->file), file);
    struct log *log = log_new(TRACE_INFO, false, log_file);
    REQUIRE(log != NULL);
    REQUIRE(directory_init(&dir, &kit.env, domains, 1) == 0);
    REQUIRE(reload_init(&r, c, &dir) == 0);
    c->engine.directory = &dir;
    c->engine.routes = &c->routes;
    struct engine *e = engine_new(&kit.env, &c->engine, 1000);
    REQUIRE(e != NULL);

    write_file("devices: [{number: \"1002\"}]\nroutes:\n  - match: {to: [\"(\"]}\n");
    CHECK(!reload_run(&r, e, NULL, log, 2000));
    CHECK(directory_device(&dir, STR("1001")) != NULL);
    CHECK(directory_device(&dir, STR("1002")) == NULL);
    CHECK(r.routes == c);
    CHECK(logged("not taken over: line 3, column 18: to: the parenthesis is not closed"));

    CHECK_INT(e->calls.config.carriage->replacing[UUI_MOVE_REDIRECT], UUI_REPLACE_IN_DOMAIN);
    write_file("domains: [example.com]\ndevices: [{number: \"1002\"}]\nlimits: {calls: 3}\n"
               "uui: {redirects: keep, isdn_redirect: strict}\n"
               "routes: [{name: two, action: refuse}, {name: three}]\n");
    CHECK(reload_run(&r, e, NULL, log, 3000));
    CHECK(directory_device(&dir, STR("1001")) == NULL);
    CHECK(directory_device(&dir, STR("1002")) != NULL);
    CHECK(r.routes != c && r.routes->routes.count == 2);
    CHECK(e->calls.config.carriage == r.routes->engine.call.carriage);
    CHECK(e->proxy.config.carriage == r.routes->engine.call.carriage);
    CHECK_INT(e->calls.config.carriage->replacing[UUI_MOVE_REDIRECT], UUI_KEEP);
    CHECK(e->calls.config.carriage->isdn_strict);
    CHECK(logged("taken over: 2 routes, 1 devices, 0 applications, 0 peers"));
    CHECK(logged("taken over by a restart only: limits.calls"));

    (void)unlink(file);
    CHECK(!reload_run(&r, e, NULL, log, 4000));
    CHECK(logged("not taken over: No such file"));
    CHECK_INT(r.done, 1);
    CHECK_INT(r.refused, 2);
    engine_free(e);
    reload_fini(&r);
    directory_fini(&dir);
    log_free(log);
    config_free(c);
}

/** What a device's user has switched on stays with the device, and goes with it. */
static void test_features_survive(void)
{
    static const char both[] =
        "domains: [example.com]\ndevices: [{number: \"1001\"}, {number: \"1002\"}, {number: \"1009\"}]\n";
    struct config_error error;
    struct directory dir;
    struct reload r;
    kit_init(&kit);
    kit.env.mem = mem_libc;
    kit.env.send = no_send;
    write_file(both);
    struct config *c = config_load(file, &error);
    REQUIRE(c != NULL);
    struct log *log = log_new(TRACE_INFO, false, log_file);
    REQUIRE(log != NULL);
    REQUIRE(directory_init(&dir, &kit.env, domains, 1) == 0);
    REQUIRE(reload_init(&r, c, &dir) == 0);
    c->engine.directory = &dir;
    c->engine.routes = &c->routes;
    struct engine *e = engine_new(&kit.env, &c->engine, 1000);
    REQUIRE(e != NULL);
    struct device *ann = directory_device(&dir, STR("1001"));
    struct device *bob = directory_device(&dir, STR("1002"));
    for (int i = 0; i < 2; i++) {
        struct device *d = i == 0 ? ann : bob;
        CHECK_INT(call_set_dnd(&e->calls, d, true, 1500), 0);
        CHECK_INT(call_set_forward(&e->calls, d, FORWARD_NO_ANSWER, true, STR("1009"), 4, 1500),
                  0);
    }
    write_file("domains: [example.com]\n"
               "devices: [{number: \"1001\", display: Ann}, {number: \"1003\"}]\n");
    CHECK(reload_run(&r, e, NULL, log, 2000));
    CHECK(directory_device(&dir, STR("1001")) == ann);
    const struct device_features *f = call_features(ann);
    CHECK(f->dnd && f->forward[FORWARD_NO_ANSWER].on);
    CHECK_INT(f->forward[FORWARD_NO_ANSWER].rings, 4);
    CHECK_STR(str_c(f->forward[FORWARD_NO_ANSWER].to), "1009");
    CHECK(!f->forward[FORWARD_BUSY].on);
    write_file(both); /* bob was gone: whoever has his number now begins anew */
    CHECK(reload_run(&r, e, NULL, log, 3000));
    f = call_features(directory_device(&dir, STR("1002")));
    CHECK(!f->dnd && !f->forward[FORWARD_NO_ANSWER].on);
    CHECK_STR(str_c(f->forward[FORWARD_NO_ANSWER].to), "");
    CHECK(call_features(ann)->dnd);
    write_file("domains: [\n"); /* refused: nothing changes */
    CHECK(!reload_run(&r, e, NULL, log, 4000));
    CHECK(call_features(ann)->dnd && call_features(ann)->forward[FORWARD_NO_ANSWER].on);
    (void)unlink(file);
    engine_free(e);
    reload_fini(&r);
    directory_fini(&dir);
    log_free(log);
    config_free(c);
}

/* ---- certificates ---- */

/** The number of the certificate that is served there; 0: none. */
static long served(struct world *w, const struct addr *at, const struct cert *root)
{
    struct tls_end end = tls_client(root);
    long serial = 0;
    if (tls_connect(w, &end, at, NULL)) {
        serial = ASN1_INTEGER_get(X509_get0_serialNumber(SSL_get0_peer_certificate(end.ssl)));
    }
    tls_end(&end);
    return serial;
}

/** Other file names are taken over with the rest, or not at all. */
static void test_certificates(void)
{
    struct config_error error;
    struct directory dir;
    struct reload r;
    struct pki p;
    struct world w;
    char text[1200];
    pki_init(&p, "DNS:example.com");
    struct cert leaf =
        cert_make(&(struct cert_spec){.by = &p.root, .cn = "next", .san = "DNS:example.com"});
    const char *next = files_cert(&p.files, "next.pem", &leaf);
    const char *next_key = files_key(&p.files, "next.key", &leaf);
    long first = ASN1_INTEGER_get(X509_get0_serialNumber(p.leaf.x));
    kit_init(&kit);
    kit.env.mem = mem_libc;
    kit.env.send = no_send;
#define TLS_FILE(number, cert, key)                                             \
    (void)snprintf(text, sizeof(text),                                          \
                   "domains: [example.com]\nlisten: [\"tls:127.0.0.1:5061\"]\n" \
                   "devices: [{number: \"%s\"}]\ntls:\n  certificates:\n"       \
                   "    - cert: %s\n      key: %s\n",                           \
                   number, cert, key);                                          \
    write_file(text)
    TLS_FILE("1001", p.cert.cert_file, p.cert.key_file);
    struct config *c = config_load(file, &error);
    REQUIRE(c != NULL);
    world_init(&w, (struct net_config){0});
    load(&w, &c->tls);
    struct addr at = listen_at(&w, TP_TLS);
    struct log *log = log_new(TRACE_INFO, false, log_file);
    REQUIRE(log != NULL && directory_init(&dir, &kit.env, domains, 1) == 0);
    REQUIRE(reload_init(&r, c, &dir) == 0);
    c->engine.directory = &dir;
    c->engine.routes = &c->routes;
    struct engine *e = engine_new(&kit.env, &c->engine, 1000);
    REQUIRE(e != NULL);
    CHECK_INT(served(&w, &at, &p.root), first);

    /* a certificate that is not there; a key that belongs to another; no certificate at all */
    TLS_FILE("1002", "/nowhere.pem", next_key);
    CHECK(!reload_run(&r, e, w.net, log, 2000));
    CHECK(logged("not taken over: line 6, column 13: certificate /nowhere.pem: No such file"));
    TLS_FILE("1002", next, p.cert.key_file);
    CHECK(!reload_run(&r, e, w.net, log, 3000));
    CHECK(logged("not taken over: line 7, column 12: key "));
    write_file("domains: [example.com]\ndevices: [{number: \"1002\"}]\ntls: {}\n");
    CHECK(!reload_run(&r, e, w.net, log, 4000));
    CHECK(logged("not taken over: line 3, column 6: tls: the listeners of the start need"));
    CHECK(directory_device(&dir, STR("1001")) != NULL);
    CHECK(directory_device(&dir, STR("1002")) == NULL);
    CHECK_INT(served(&w, &at, &p.root), first);
    CHECK(r.routes == c);

    TLS_FILE("1002", next, next_key);
    CHECK(reload_run(&r, e, w.net, log, 5000));
    CHECK(directory_device(&dir, STR("1002")) != NULL);
    CHECK(served(&w, &at, &p.root) > first);
    CHECK(!logged("restart only: tls"));
    engine_free(e);
    reload_fini(&r);
    directory_fini(&dir);
    log_free(log);
    config_free(c);
    world_fini(&w);
    cert_free(&leaf);
    pki_fini(&p);
}

static const struct test tests[] = {T(test_certificates),
                                    T(test_devices_keep_their_structs),
                                    T(test_applications),
                                    T(test_peers_keep_their_places),
                                    T(test_discarded),
                                    T(test_fixed_keys_are_named),
                                    T(test_reload_is_all_or_nothing),
                                    T(test_features_survive)};

int main(int argc, char **argv)
{
    int fd = mkstemp(file), log_fd = mkstemp(log_file);
    int code = test_run(tests, ARRAY_LEN(tests), argc, argv);
    (void)close(fd);
    (void)close(log_fd);
    (void)unlink(file);
    (void)unlink(log_file);
    return code;
}
