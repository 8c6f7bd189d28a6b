/* SPDX-License-Identifier: Apache-2.0 */
/* `baton profiles`: the list, one profile, which one a phone gets, and what is wrong in a file.
 */
#include "cli/profile_cmd.h"
#include "test.h"
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

static char dir[] = "/tmp/baton-profcmd-XXXXXX";
static char acme[64], broken[64], config[64];

static void put(char *path, const char *name, const char *text)
{
    (void)snprintf(path, 64, "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    REQUIRE(f != NULL);
    fputs(text, f);
    (void)fclose(f);
}

/** Run with these words, up to NULL. @return what it said */
static const char *run(int *code, const char *first, ...)
{
    static char said[8192];
    char words[8][128];
    char *argv[8] = {(char[]){"profiles"}};
    char *buf = NULL;
    size_t n = 0;
    int argc = 1;
    va_list args;
    va_start(args, first);
    for (const char *w = first; w != NULL; w = va_arg(args, const char *)) {
        (void)snprintf(words[argc], sizeof(words[argc]), "%s", w);
        argv[argc] = words[argc];
        argc++;
    }
    va_end(args);
    FILE *out = open_memstream(&buf, &n);
    *code = profiles_run(argc, argv, out, out);
    (void)fclose(out);
    (void)snprintf(said, sizeof(said), "%s", buf);
    free(buf);
    return said;
}

static void test_all(void)
{
    int code;
    REQUIRE(mkdtemp(dir) != NULL);
    put(acme, "acme.yaml",
        "name: acme\ntext: Acme phones.\nagents: [\"Acme*\", \"*me 3*\"]\nmeans: session\n"
        "services: [MonitorStart, MakeCall]\ntalk: true\nquirks: [tls-only]\n"
        "action: {uri: \"http://{address}/{key}\", answer: OK}\n"
        "settings: [\"csta = 1\"]\nevidence: [\"its manual\"]\n");
    put(config, "baton.conf", "phones: {profile_folder: \".\"}\n");

    CHECK_STR(str_c(run(&code, "-c", config, NULL)),
              "acme           session  Acme phones.\n"
              "generic        session  Any phone that speaks TR/87 as it is written.\n"
              "none           none     A phone that is left alone.\n");
    CHECK_INT(code, EXIT_CODE_OK);

    char about[1024];
    (void)snprintf(about, sizeof(about),
                   "acme\n"
                   "  for        Acme phones.\n"
                   "  User-Agent Acme*\n"
                   "             *me 3*\n"
                   "  means      INFO in a session that is opened to it (TR/87)\n"
                   "  form       edition 3, devices as aor, tells calls\n"
                   "  services   MakeCall MonitorStart\n"
                   "  besides    NOTIFY talk answers\n"
                   "  action URI http://{address}/{key}\n"
                   "             answer: OK\n"
                   "  quirk      CSTA is taken over TLS only\n"
                   "  set there  csta = 1\n"
                   "  known from its manual\n"
                   "  file       %s\n",
                   acme);
    CHECK_STR(str_c(run(&code, "--folder", dir, "acme", NULL)), about);
    CHECK_INT(code, EXIT_CODE_OK);

    char explained[2000];
    (void)snprintf(explained, sizeof(explained),
                   "acme: its User-Agent fits: Acme*\n"
                   "  acme fits too, less closely or later: *me 3*\n%s",
                   about);
    CHECK_STR(str_c(run(&code, "--folder", dir, "--explain", "Acme 3.1", NULL)), explained);
    CHECK_INT(code, EXIT_CODE_OK);
    CHECK_STR(str_c(run(&code, "--folder", dir, "--explain", "Other", NULL)),
              "none: no profile fits its User-Agent. It is left alone unless its device has a "
              "phone_profile.\n");
    CHECK_INT(code, EXIT_CODE_FAILED);
    CHECK_STR(str_c(run(&code, "--folder", dir, "acne", NULL)),
              "baton profiles: there is no acne\n");
    CHECK_INT(code, EXIT_CODE_FAILED);
    CHECK(strstr(run(&code, "--folder", dir, "generic", NULL), "built in\n") != NULL);
    CHECK(strstr(run(&code, "--folder", dir, "none", NULL), "it is left alone") != NULL);

    char want[128];
    (void)snprintf(want, sizeof(want), "%s: acme\n", acme);
    CHECK_STR(str_c(run(&code, "--check", acme, NULL)), want);
    CHECK_INT(code, EXIT_CODE_OK);
    put(broken, "broken.yaml", "name: b\ntext: c\nmeans: radio\n");
    (void)snprintf(want, sizeof(want), "%s:3:8: means: none, session or notify is wanted\n",
                   broken);
    CHECK_STR(str_c(run(&code, "--check", broken, NULL)), want);
    CHECK_INT(code, EXIT_CODE_USAGE);
    CHECK_STR(str_c(run(&code, "--folder", dir, NULL)), want);
    CHECK_INT(code, EXIT_CODE_USAGE);

    char json[1400];
    (void)unlink(broken);
    CHECK_STR(
        str_c(run(&code, "-c", config, "--json", NULL)),
        "[{\"name\":\"acme\",\"means\":\"session\",\"text\":\"Acme phones.\"},"
        "{\"name\":\"generic\",\"means\":\"session\",\"text\":\"Any phone that speaks TR/87 "
        "as it is written.\"},{\"name\":\"none\",\"means\":\"none\",\"text\":\"A phone that is "
        "left alone.\"}]\n");
    (void)unlink(broken);
    (void)snprintf(
        json, sizeof(json),
        "{\"name\":\"acme\",\"means\":\"session\",\"text\":\"Acme phones.\",\"agents\":"
        "[\"Acme*\",\"*me 3*\"],\"edition\":3,\"names\":\"aor\",\"events\":true,"
        "\"talk\":true,\"feature_event\":false,\"services\":[\"MakeCall\","
        "\"MonitorStart\"],\"quirks\":[\"tls-only\"],\"action\":{\"uri\":"
        "\"http://{address}/{key}\",\"answer\":\"OK\"},\"settings\":[\"csta = 1\"],"
        "\"evidence\":[\"its manual\"],\"file\":\"%s\"}",
        acme);
    (void)snprintf(explained, sizeof(explained), "[%s]\n", json);
    CHECK_STR(str_c(run(&code, "--folder", dir, "acme", "--json", NULL)), explained);
    CHECK_INT(code, EXIT_CODE_OK);
    (void)snprintf(
        explained, sizeof(explained),
        "{\"profile\":%s,\"why\":\"its User-Agent fits\",\"pattern\":\"Acme*\",\"others\":"
        "[{\"name\":\"acme\",\"pattern\":\"*me 3*\"}]}\n",
        json);
    CHECK_STR(str_c(run(&code, "--folder", dir, "--json", "--explain", "Acme 3.1", NULL)),
              explained);
    CHECK_INT(code, EXIT_CODE_OK);
    CHECK_STR(str_c(run(&code, "--folder", dir, "--explain", "Other", "--json", NULL)),
              "{\"profile\":null,\"why\":\"no profile fits its User-Agent\",\"others\":[]}\n");
    CHECK_INT(code, EXIT_CODE_FAILED);
    (void)snprintf(want, sizeof(want), "[{\"file\":\"%s\",\"name\":\"acme\"}]\n", acme);
    CHECK_STR(str_c(run(&code, "--check", acme, "--json", NULL)), want);

    CHECK_INT((run(&code, "--check", NULL), code), EXIT_CODE_USAGE);
    CHECK_INT((run(&code, "-c", config, "--folder", dir, NULL), code), EXIT_CODE_USAGE);
    CHECK_INT((run(&code, "--nonsense", NULL), code), EXIT_CODE_USAGE);
    (void)unlink(acme);
    (void)unlink(broken);
    (void)unlink(config);
    CHECK_INT(rmdir(dir), 0);
}

TEST_MAIN(T(test_all))
