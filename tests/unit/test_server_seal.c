/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys for sealed values in the configuration: read with it, checked against what the packages
 * want, and changed by a reload, all or nothing.
 */
#include "engine/parts.h"
#include "kit_msg.h"
#include "server/reload.h"
#include "uui/merge.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define KEY(id, more) \
    " - {id: " #id ", algorithm: aes-siv, secret: " HEX32 ", identity: \"sip:a@b\"" more "}\n"

/** A configuration and its keys, in a folder of their own. */
struct folder {
    char path[32], config[64], keys[64], log[64];
};

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    CHECK(f != NULL);
    if (f != NULL) {
        fputs(text, f);
        (void)fclose(f);
        CHECK_INT(chmod(path, 0600), 0);
    }
}

static void folder_init(struct folder *f)
{
    (void)snprintf(f->path, sizeof(f->path), "/tmp/baton-keys-XXXXXX");
    CHECK(mkdtemp(f->path) != NULL);
    (void)snprintf(f->config, sizeof(f->config), "%s/baton.yaml", f->path);
    (void)snprintf(f->keys, sizeof(f->keys), "%s/uui.keys", f->path);
    (void)snprintf(f->log, sizeof(f->log), "%s/log", f->path);
    put(f->keys, "keys:\n" KEY(5, "") KEY(6, ", packages: [crm]") KEY(7, ", use: open"));
}

static void folder_fini(struct folder *f)
{
    (void)unlink(f->config);
    (void)unlink(f->keys);
    (void)unlink(f->log);
    CHECK_INT(rmdir(f->path), 0);
}

static struct config *load(struct folder *f, const char *text, struct config_error *error)
{
    put(f->config, text);
    return config_load(f->config, error);
}

#define UUI "uui:\n  keys: uui.keys\n"

static void test_keys_of_the_configuration(void)
{
    struct folder f;
    struct config_error error;
    folder_init(&f);
    struct config *c = load(&f,
                            UUI "  replay_s: 60\n  replay_entries: 1000\n"
                                "  packages:\n"
                                "    - {name: isdn-uui, seal: required, seal_key: 5}\n"
                                "    - {name: crm, seal_key: 6}\n",
                            &error);
    REQUIRE(c != NULL);
    CHECK_INT(seal_keys_count(c->engine.seal_keys), 3);
    CHECK_INT(c->engine.seal.window_s, 60);
    CHECK_INT(c->engine.seal.max_entries, 1000);
    CHECK_INT(c->engine.seal.since_s, 0);
    config_set_start(c, 1800000000);
    CHECK_INT(c->engine.seal.since_s, 1800000010);
    config_free(c);
    c = load(&f, "domains: [example.com]\n", &error);
    REQUIRE(c != NULL);
    CHECK(c->engine.seal_keys == NULL);
    CHECK_INT(c->engine.seal.window_s, 120);
    config_free(c);
    folder_fini(&f);
}

static void test_faults(void)
{
    static const struct {
        const char *text, *says;
        unsigned line, column;
    } table[] = {
        {"uui:\n  keys: other.keys\n", "No such file", 2, 9},
        {"uui:\n  packages: [{name: isdn-uui, seal: optional}]\n", "seal: needs keys", 2, 37},
        {"uui:\n  packages: [{name: isdn-uui, seal_key: 5}]\n", "seal_key: needs keys", 2, 41},
        {UUI "  packages: [{name: isdn-uui, seal_key: 4}]\n",
         "has no key 4 that seals isdn-uui", 3, 41},
        {UUI "  packages: [{name: isdn-uui, seal_key: 6}]\n",
         "has no key 6 that seals isdn-uui", 3, 41},
        {UUI "  packages: [{name: isdn-uui, seal_key: 7}]\n",
         "has no key 7 that seals isdn-uui", 3, 41},
        {UUI "  packages: [{name: crm, encodings: [text], seal_key: 5}]\n",
         "a seal is sent as hex", 3, 55},
        {UUI "  replay_s: 5\n", "replay_s: 5 is not between 10 and 86400", 3, 13},
    };
    struct folder f;
    struct config_error error;
    folder_init(&f);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct config *c = load(&f, table[i].text, &error);
        test_context(error.text);
        CHECK(c == NULL);
        CHECK(strstr(error.text, table[i].says) != NULL);
        CHECK_INT(error.line, table[i].line);
        CHECK_INT(error.column, table[i].column);
        config_free(c);
    }
    test_context(NULL);
    put(f.keys, "keys:\n" KEY(0, ""));
    CHECK(load(&f, UUI, &error) == NULL);
    CHECK(strstr(error.text, "uui.keys, line 2, column 9: id: 0 is not between") != NULL);
    CHECK_INT(chmod(f.keys, 0640), 0);
    CHECK(load(&f, UUI, &error) == NULL);
    CHECK(strstr(error.text, "chmod 600") != NULL);
    folder_fini(&f);
}

/* `baton route` and its like may be run by who must not read the keys. */
static void test_who_only_looks_needs_no_keys(void)
{
    struct folder f;
    struct config_error error;
    folder_init(&f);
    (void)unlink(f.keys);
    put(f.config, UUI "  packages: [{name: isdn-uui, seal: required, seal_key: 5}]\n");
    struct config *c = config_look(f.config, &error);
    CHECK(c != NULL);
    config_free(c);
    folder_fini(&f);
}

static int no_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    (void)ctx;
    (void)hop;
    (void)run;
    (void)n;
    return 0;
}

static void test_reload(void)
{
    static const struct str domains[] = {STR_INIT("example.com")};
    static struct kit kit;
    struct folder f;
    struct config_error error;
    struct directory dir;
    struct reload r;
    folder_init(&f);
    kit_init(&kit);
    kit.env.mem = mem_libc;
    kit.env.send = no_send;
    struct config *c = load(&f, UUI "domains: [example.com]\n", &error);
    struct log *log = log_new(TRACE_INFO, false, f.log);
    REQUIRE(c != NULL && log != NULL);
    REQUIRE(directory_init(&dir, &kit.env, domains, 1) == 0 && reload_init(&r, c, &dir) == 0);
    c->engine.directory = &dir;
    struct engine *e = engine_new(&kit.env, &c->engine, 1000);
    REQUIRE(e != NULL);
    CHECK(e->seal.keys == c->seal_keys && seal_keys_count(e->seal.keys) == 3);

    put(f.keys, "keys:\n" KEY(99999, "")); /* wrong: everything stays */
    CHECK(!reload_run(&r, e, NULL, log, 2000));
    CHECK_INT(seal_keys_count(e->seal.keys), 3);

    for (int again = 0; again < 2; again++) { /* the same file with other keys */
        put(f.keys, again ? "keys:\n" KEY(9, "") KEY(10, "") : "keys:\n" KEY(8, ""));
        CHECK(reload_run(&r, e, NULL, log, 3000));
        CHECK(e->seal.keys == r.routes->seal_keys);
        CHECK_INT(seal_keys_count(e->seal.keys), again ? 2 : 1);
        CHECK(c->seal_keys == NULL); /* what is not used any more is wiped */
    }
    put(f.config, "domains: [example.com]\n");
    CHECK(reload_run(&r, e, NULL, log, 4000));
    CHECK(e->seal.keys == NULL);

    engine_free(e);
    reload_fini(&r);
    directory_fini(&dir);
    config_free(c);
    log_free(log);
    folder_fini(&f);
}

/** examples/uui.yaml, from wherever the test runs; a static text. */
static const char *example(void)
{
    static char text[16384];
    struct str s = test_project_file("examples/uui.yaml");
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(s));
    free((void *)(uintptr_t)s.p);
    return text;
}

static void test_example_of_all_of_it_is_right(void)
{
    struct folder f;
    struct config_error error;
    folder_init(&f);
    CHECK(load(&f, example(), &error) == NULL); /* no password by accident */
    CHECK(strstr(error.text, "BATON_PASSWORD_1001 is not set") != NULL);
    setenv("BATON_PASSWORD_1001", "a", 1);
    setenv("BATON_PASSWORD_1002", "b", 1);
    setenv("BATON_PASSWORD_CRM", "c", 1);
    struct config *c = load(&f, example(), &error);
    if (CHECK(c != NULL)) {
        for (size_t i = 0; i < c->listen_count; i++) {
            CHECK(addr_is_loopback(&c->listen[i].at));
        }
        CHECK_INT(c->policy.count, 5);
        CHECK(c->policy.refuse_plain);
        CHECK_INT(c->peer_count, 4);
        const struct uui_carriage *carriage = c->engine.call.carriage;
        REQUIRE(carriage != NULL);
        CHECK(uui_same_domain(carriage, STR("192.0.2.30"), STR("example.com")));
        CHECK(!uui_same_domain(carriage, STR("192.0.2.40"), STR("example.com")));
        CHECK(c->peers[0].policy.isdn && c->peers[0].uui.max_octets == 32);
        CHECK(c->peers[1].uui.dialect != NULL);
        CHECK(c->peers[2].policy.gtd_create);
        CHECK(!peer_is_inside(&c->peers[3]));
        const struct uui_package *p = uui_package_of(c->engine.packages, STR("payment"));
        CHECK(p != NULL && p->seal == UUI_SEAL_REQUIRED);
        p = uui_package_of(c->engine.packages, STR("health"));
        CHECK(p != NULL && p->tls_only);
    }
    config_free(c);
    folder_fini(&f);
}

TEST_MAIN(T(test_example_of_all_of_it_is_right), T(test_keys_of_the_configuration),
          T(test_faults), T(test_who_only_looks_needs_no_keys), T(test_reload))
