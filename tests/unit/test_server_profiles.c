/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles of phones in files: those that come with Baton are right and fit the phones that
 * they are for; a wrong file says where; a user's own go before; the configuration and a reload
 * take them over.
 */
#include "kit_msg.h"
#include "server/profile_file.h"
#include "server/reload.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/** The folder `profiles` of the project. */
static const char *shipped(void)
{
    static const char up[] = "../../../";
    static char path[64];
    struct stat st;
    for (int n = 0; n <= 3; n++) {
        (void)snprintf(path, sizeof(path), "%.*sprofiles/snom.yaml", 3 * n, up);
        if (stat(path, &st) == 0) {
            break;
        }
    }
    *strrchr(path, '/') = '\0';
    return path;
}

static void test_those_that_come_with_it(void)
{
    static const struct {
        const char *agent, *profile;
    } phones[] = {
        {"snom320/8.7.3.25.5", "snom"},
        {"snomD785/10.1.159.12", "snom"},
        {"Yealink SIP-T46S 66.85.0.5", "yealink"},
        {"Fanvil X5U 2.4.5 0c383e1f2a4b", "fanvil"},
        {"Grandstream GXP2170 1.0.11.35", "grandstream"},
        {"PolycomVVX-VVX_411-UA/5.9.0.9373", "poly"},
        {"PolyEdge-Edge_E450-UA/8.3.1.0000", "poly"},
        {"PolycomSoundPointIP-SPIP_450-UA/4.0.15.1009", "poly"},
        {"PolycomSoundPointIP-SPIP_330-UA/3.1.2.0392", "polycom-sip3"},
        {"Gigaset N870 IP PRO/83.V2.39.0", "gigaset"},
        {"OpenStage_60_V3 R5.8.0", "openstage"},
        {"ShoreTel IPPhone IP480", "mitel-ip400"},
        {"Auerswald COMfortel 2600 IP", "auerswald"},
        {"Cisco-SIPGateway/IOS-15.4.3.M", "cisco-cme"},
        {"Linphone/3.12.0", NULL},
        {"baresip v2.9.0", NULL},
        {"Grandstream HT802 1.0.31.1", NULL},
    };
    struct profile_set *s = profile_set_new();
    struct config_error error = {.text = ""};
    REQUIRE(s != NULL);
    if (!CHECK(profile_set_add(s, shipped(), true, &error))) {
        config_error_print(&error, stderr);
    }
    CHECK_INT(s->profiles.count, 11);
    for (size_t i = 0; i < ARRAY_LEN(phones); i++) {
        struct phone_choice c =
            phone_profile_choose(&s->profiles, str_c(phones[i].agent), STR_NONE);
        test_context(phones[i].agent);
        CHECK_STR(c.profile != NULL ? c.profile->name : STR_NONE,
                  phones[i].profile != NULL ? phones[i].profile : "");
    }
    for (size_t i = 0; i < s->profiles.count; i++) {
        const struct phone_profile *p = &s->item[i];
        test_context(p->origin.p);
        CHECK(p->means != PHONE_MEANS_NONE);
        CHECK(p->settings.n > 0 && p->evidence.n > 0 && p->agent_count > 0);
        CHECK(phone_profile_has(p, CSTA_MSG_ANSWER_CALL));
        CHECK(p->own_events == phone_profile_has(p, CSTA_MSG_MONITOR_START));
    }
    test_context(NULL);
    profile_set_free(s);
}

#define BASE "name: acme\ntext: Acme.\nmeans: session\n"
#define SERVES "services: [MonitorStart, MakeCall]\n"

static void test_one_file(void)
{
    struct profile_set *s = profile_set_new();
    struct config_error error;
    REQUIRE(s != NULL);
    REQUIRE(profile_set_read(s, "acme.yaml",
                             STR(BASE SERVES "agents: [\"Acme*\", \"*Bc\"]\nedition: 5\n"
                                             "name_form: tel\nstatus_first: false\ntalk: true\n"
                                             "hold: true\nfeature_event: true\n"
                                             "action: {uri: \"http://{address}/{key}\",\n"
                                             "  notify: true, dnd_on: a, make: \"b{number}\"}\n"
                                             "quirks: [own-edition, tls-only]\n"
                                             "settings: [one, two]\nevidence: [three]\n"),
                             false, &error));
    const struct phone_profile *p = phone_profile_named(&s->profiles, STR("ACME"));
    REQUIRE(p != NULL && s->profiles.count == 1);
    CHECK_STR(p->text, "Acme.");
    CHECK_STR(p->origin, "acme.yaml");
    CHECK_INT(p->agent_count, 2);
    CHECK_STR(p->agents[1], "*Bc");
    CHECK_INT(p->means, PHONE_MEANS_SESSION);
    CHECK_INT(p->edition, CSTA_ED5);
    CHECK_INT(p->name_form, PHONE_NAME_TEL);
    CHECK(!p->status_first && p->own_events && p->talk && p->hold && p->feature_event);
    CHECK_INT(p->quirks, PHONE_QUIRK_OWN_EDITION | PHONE_QUIRK_TLS_ONLY);
    CHECK(phone_profile_has(p, CSTA_MSG_MAKE_CALL));
    CHECK(!phone_profile_has(p, CSTA_MSG_HOLD_CALL));
    CHECK_STR(p->action_uri, "http://{address}/{key}");
    CHECK(p->action_notify);
    CHECK_STR(p->action_key[PHONE_ACT_MAKE], "b{number}");
    CHECK_STR(p->action_key[PHONE_ACT_DND_ON], "a");
    CHECK(!str_is_set(p->action_key[PHONE_ACT_HOLD]));
    CHECK_STR(p->settings, "one\ntwo");
    CHECK_STR(p->evidence, "three");
    profile_set_free(s);
}

/** The text is refused there and for that. */
static void wrong(const char *text, unsigned line, unsigned column, const char *why)
{
    struct profile_set *s = profile_set_new();
    struct config_error error = {.text = ""};
    REQUIRE(s != NULL);
    test_context(text);
    CHECK(!profile_set_read(s, "acme.yaml", str_c(text), false, &error));
    CHECK_STR(str_c(error.file), "acme.yaml");
    CHECK_INT(error.line, line);
    CHECK_INT(error.column, column);
    CHECK(strstr(error.text, why) != NULL || !CHECK_STR(str_c(error.text), why));
    CHECK_INT(s->profiles.count, 0);
    test_context(NULL);
    profile_set_free(s);
}

static void test_wrong_files(void)
{
    wrong("", 0, 0, "nothing in it");
    wrong("name: a\ntext: b\n", 1, 1, "means is missing");
    wrong("- a\n", 1, 1, "keys with values are wanted");
    wrong(BASE "color: red\n", 4, 1, "unknown key \"color\"");
    wrong(BASE "means: none\n", 4, 1, "given twice");
    wrong("name: a b\ntext: c\nmeans: none\n", 1, 7, "letters, digits");
    wrong("name: generic\ntext: c\nmeans: none\n", 1, 7, "built in");
    wrong("name: a\ntext: c\nmeans: radio\n", 3, 8, "none, session or notify");
    wrong(BASE, 0, 0, "at least one is wanted");
    wrong(BASE "services: [MakeCal]\n", 4, 12, "no service MakeCal");
    wrong(BASE "services: [MakeCallResponse]\n", 4, 12, "no service");
    wrong(BASE "services: [HeldEvent]\n", 4, 12, "no service");
    wrong(BASE "services: [MakeCall, MakeCall]\n", 4, 22, "there already");
    wrong(BASE "services: [MakeCall]\n", 4, 11, "events need MonitorStart");
    wrong("name: a\ntext: c\nmeans: none\n" SERVES, 4, 11, "no way to ask");
    wrong("name: a\ntext: c\nmeans: notify\nown_events: true\n" SERVES, 4, 13,
          "in a session only");
    wrong(BASE SERVES "agents: [\"*\"]\n", 5, 10, "every phone");
    wrong(BASE SERVES "agents: [\"**\"]\n", 5, 10, "every phone");
    wrong(BASE SERVES "agents: [\"\"]\n", 5, 10, "must not be empty");
    wrong(BASE SERVES "edition: 7\n", 5, 10, "not between 2 and 6");
    wrong(BASE SERVES "name_form: e164\n", 5, 12, "aor, user, tel or mac");
    wrong(BASE SERVES "talk: yes\n", 5, 7, "true or false");
    wrong(BASE SERVES "quirks: [odd]\n", 5, 10, "there is no odd; known: device-only");
    wrong(BASE SERVES "action: {answer: a}\n", 5, 9, "uri is missing");
    wrong(BASE SERVES "action: {notify: false}\n", 5, 9, "uri is missing");
    wrong(BASE SERVES "action: {notify: maybe}\n", 5, 18, "true or false");
    wrong(BASE SERVES "action: {uri: \"http://192.0.2.1/{key}\"}\n", 5, 15, "{address}");
    wrong(BASE SERVES "action: {uri: \"http://{address}/{key}\", make: a}\n", 5, 47,
          "{number} is missing");
    wrong("name: \"a\n", 2, 1, "");
}

/** Every beginning of a file is taken or refused, and nothing else happens. */
static void test_every_prefix(void)
{
    static const char text[] = BASE SERVES "agents: [\"Acme*\"]\nquirks: [tls-only]\n"
                                           "action: {uri: \"http://{address}/{key}\"}\n";
    for (size_t n = 0; n < sizeof(text); n++) {
        struct profile_set *s = profile_set_new();
        struct config_error error = {.text = ""};
        REQUIRE(s != NULL);
        bool ok = profile_set_read(s, "x", str_make(text, n), false, &error);
        CHECK(ok == (s->profiles.count == 1));
        CHECK(ok == (error.text[0] == '\0'));
        profile_set_free(s);
    }
}

static void test_names_that_are_there_already(void)
{
    struct profile_set *s = profile_set_new();
    struct config_error error;
    REQUIRE(s != NULL);
    CHECK(profile_set_read(s, "mine", STR(BASE SERVES), false, &error));
    CHECK(!profile_set_read(s, "other", STR(BASE SERVES), false, &error));
    CHECK_STR(str_c(error.text), "name: acme is in mine already");
    CHECK(profile_set_read(s, "shipped", STR(BASE SERVES "agents: [x]\n"), true, &error));
    CHECK_INT(s->profiles.count, 1);
    CHECK_STR(s->item[0].origin, "mine");
    CHECK(!profile_set_add(s, "/nowhere/at.yaml", false, &error));
    CHECK_STR(str_c(error.file), "/nowhere/at.yaml");
    profile_set_free(s);
}

/* ------------------------------------------------------------------------ configuration */

struct folder {
    char path[32], config[64], profile[64], log[64];
};

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "we");
    CHECK(f != NULL);
    if (f != NULL) {
        fputs(text, f);
        (void)fclose(f);
    }
}

static void folder_init(struct folder *f)
{
    (void)snprintf(f->path, sizeof(f->path), "/tmp/baton-profiles-XXXXXX");
    CHECK(mkdtemp(f->path) != NULL);
    (void)snprintf(f->config, sizeof(f->config), "%s/baton.yaml", f->path);
    (void)snprintf(f->profile, sizeof(f->profile), "%s/acme.yaml", f->path);
    (void)snprintf(f->log, sizeof(f->log), "%s/log", f->path);
    put(f->profile, BASE SERVES "agents: [\"Acme*\"]\n");
}

static void folder_fini(struct folder *f)
{
    (void)unlink(f->config);
    (void)unlink(f->profile);
    (void)unlink(f->log);
    CHECK_INT(rmdir(f->path), 0);
}

static struct config *load(struct folder *f, const char *text, struct config_error *error)
{
    put(f->config, text);
    return config_load(f->config, error);
}

#define DEVICE(name) "devices: [{number: \"1001\", phone_profile: " name "}]\n"

static void test_in_the_configuration(void)
{
    struct config_error error;
    struct folder f;
    folder_init(&f);
    struct config *c = load(&f, DEVICE("acme") "phones: {profiles: [acme.yaml]}\n", &error);
    if (CHECK(c != NULL)) {
        CHECK_STR(c->devices[0].phone_profile, "acme");
        CHECK(phone_profile_for(c->engine.phone_profiles, STR("Acme 1"), STR_NONE) != NULL);
        config_free(c);
    }
    c = load(&f, DEVICE("generic"), &error);
    CHECK(c != NULL);
    config_free(c);

    CHECK(load(&f, DEVICE("acme"), &error) == NULL);
    CHECK_INT(error.line, 1);
    CHECK_INT(error.column, 43);
    CHECK(strstr(error.text, "there is no acme") != NULL);

    CHECK(load(&f, "phones: {profiles: [none.yaml]}\n", &error) == NULL);
    CHECK_INT(error.column, 21);
    CHECK(strstr(error.text, "No such file") != NULL);

    put(f.profile, BASE "services: [Nothing]\n");
    CHECK(load(&f, "phones:\n  profiles:\n   - acme.yaml\n", &error) == NULL);
    CHECK_INT(error.line, 3);
    CHECK(strstr(error.text, "acme.yaml, line 4, column 12: services: there is no service "
                             "Nothing") != NULL);
    CHECK(load(&f, "phones: {profile_folder: nowhere}\n", &error) == NULL);
    folder_fini(&f);
}

static struct kit kit;

static void test_a_reload_takes_them_over(void)
{
    struct config_error error;
    struct folder f;
    struct reload r;
    struct directory dir;
    struct log *log;
    folder_init(&f);
    struct config *first =
        load(&f, "domains: [example.com]\n" DEVICE("acme") "phones: {profiles: [acme.yaml]}\n",
             &error);
    REQUIRE(first != NULL);
    kit_init(&kit);
    kit.env.mem = mem_libc;
    CHECK_INT(directory_init(&dir, &kit.env, first->domains, first->domain_count), 0);
    CHECK_INT(reload_init(&r, first, &dir), 0);
    log = log_new(TRACE_INFO, false, f.log);
    first->engine.directory = &dir;
    struct engine *e = engine_new(&kit.env, &first->engine, 0);
    REQUIRE(e != NULL && log != NULL);

    put(f.profile, "name: acme\ntext: Other.\nmeans: none\n");
    CHECK(reload_run(&r, e, NULL, log, 1));
    const struct phone_profiles *now = r.routes->engine.phone_profiles;
    const struct device *d = directory_device(&dir, STR("1001"));
    REQUIRE(d != NULL);
    CHECK_STR(d->phone_profile, "acme");
    CHECK_STR(phone_profile_for(now, STR_NONE, d->phone_profile)->text, "Other.");

    put(f.profile, "name: [\n");
    CHECK(!reload_run(&r, e, NULL, log, 2));
    CHECK(r.routes->engine.phone_profiles == now);
    CHECK_INT(r.refused, 1);

    engine_free(e);
    reload_fini(&r);
    directory_fini(&dir);
    config_free(first);
    log_free(log);
    folder_fini(&f);
}

TEST_MAIN(T(test_those_that_come_with_it), T(test_one_file), T(test_wrong_files),
          T(test_every_prefix), T(test_names_that_are_there_already),
          T(test_in_the_configuration), T(test_a_reload_takes_them_over))
