/* SPDX-License-Identifier: Apache-2.0 */
/* `baton route`: what it says of a request, as text and as JSON; the pid file of `baton
 * reload`. */
#include "cli/route_cmd.h"
#include "server/pid_file.h"
#include "test.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char config[] =
    "time_zone: CET-1CEST,M3.5.0,M10.5.0/3\n"
    "domains: [example.com]\n"
    "devices: [{number: \"1001\"}, {number: \"1002\"}]\n"
    "peers: [{name: trunk, uri: \"sip:192.0.2.7\", trusted: true, numbers: [\"0*\"]}]\n"
    "dial_plans: [{name: b, country: 49, area: 30, trunk: 0, international: 00}]\n"
    "routes:\n"
    "  - {name: night, match: {to: [\"0*\"], time: [\"22:00-06:00\"]}, action: refuse,\n"
    "     reason: Closed}\n"
    "  - name: queue\n"
    "    match: {method: [INVITE, MESSAGE], header: [{name: X-Queue, value: sales}]}\n"
    "    action: redirect\n"
    "    targets: [{to: \"sip:{number}@sales.example\"}]\n"
    "    uui: hello\n"
    "  - name: abroad\n"
    "    match: {to: [\"00(*)\"], peer: [none], called: [other], uui: [none]}\n"
    "    called: {to_e164: b}\n"
    "    calling: {prepend: \"+4930\"}\n"
    "    targets: [{to: \"peer:trunk\"}, {to: location}, {to: \"device:1002\"}]\n";

static char file[] = "/tmp/baton-route-XXXXXX";

/** What the command prints, in a static text; -1: usage. */
static const char *run(int *code, const char *line)
{
    static char text[8192];
    static char name[] = "route", option[] = "-c";
    char words[512], *argv[40] = {name}, *rest = words, *word;
    int argc = 1;
    (void)snprintf(words, sizeof(words), "%s", line);
    while ((word = strsep(&rest, " ")) != NULL && argc < 37) {
        for (char *p = word; *p != '\0'; p++) {
            *p = *p == '_' ? ' ' : *p;
        }
        argv[argc++] = word;
    }
    argv[argc++] = option;
    argv[argc++] = file;
    char *buf = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&buf, &n);
    *code = route_run(argc, argv, out, out);
    (void)fclose(out);
    (void)snprintf(text, sizeof(text), "%s", buf);
    free(buf);
    return text;
}

static void check(const char *line, const char *want)
{
    int code;
    const char *got = run(&code, line);
    test_context(line);
    CHECK_INT(code, EXIT_CODE_OK);
    CHECK_STR(str_c(got), want);
}

static void test_text(void)
{
    check("explain --to 0891 --from 1001 --at 2026-11-20T23:00",
          "INVITE sip:0891@example.com from 1001, Fri 2026-11-20 23:00\n"
          "  night (line 7): matches: refuse\n"
          "    answer: 403 Closed\n");
    check("explain --to 0043123 --from 1001 --at 2026-07-20T09:00",
          "INVITE sip:0043123@example.com from 1001, Mon 2026-07-20 09:00\n"
          "  night (line 7): no, the time 2026-07-20 09:00 is not within 22:00-06:00\n"
          "  queue (line 9): no, the header X-Queue is missing or does not match sales\n"
          "  abroad (line 14): matches: bridge\n"
          "    called number  0043123 -> +43123\n"
          "    calling number 1001 -> +49301001\n"
          "    1. peer trunk (sip:192.0.2.7), number +43123\n"
          "    2. nowhere: no device and no peer has +43123\n"
          "    3. device 1002\n");
    check("explain --to sip:700@example.com --method MESSAGE --header X-Queue:_Sales --at "
          "2026-11-20",
          "MESSAGE sip:700@example.com from anonymous, Fri 2026-11-20 00:00\n"
          "  night (line 7): no, the method MESSAGE is not the rule's\n"
          "  queue (line 9): matches: redirect\n"
          "    answer: 302 Moved Temporarily\n"
          "    1. sip:700@sales.example?User-to-User=0468656C6C6F%3Bencoding%3Dhex%3Bpurpose%3D"
          "isdn-uui\n"
          "    User-to-User: 0468656C6C6F;encoding=hex;purpose=isdn-uui\n");
    check("explain --to 1002 --from 1001 --at 2026-11-20T09:00",
          "INVITE sip:1002@example.com from 1001, Fri 2026-11-20 09:00\n"
          "  night (line 7): no, the called number 1002 does not match 0*\n"
          "  queue (line 9): no, the header X-Queue is missing or does not match sales\n"
          "  abroad (line 14): no, the called number 1002 does not match 00(*)\n"
          "  no rule matches: bridge to device 1002\n");
}

static void test_senders(void)
{
    int code;
    CHECK(strstr(run(&code, "explain --to 00431 --peer trunk --at 2026-11-20T09:00"),
                 "abroad (line 14): no, the peer trunk is not none") != NULL);
    CHECK(strstr(run(&code, "explain --to 00431 --uui 00aa;encoding=hex --at 2026-11-20T09:00"),
                 "no, User-to-User present") != NULL);
    CHECK(strstr(run(&code, "explain --to 00431 --device 1001 --at 2026-11-20T09:00"),
                 "calling number 1001 -> +49301001") != NULL);
}

static void test_json(void)
{
    check(
        "explain --to 0043123 --from 1001 --at 2026-07-20T09:00 --json",
        "{\"rules\": [{\"name\": \"night\", \"line\": 7, \"matches\": false, \"why\": \"the time "
        "2026-07-20 09:00 is not within 22:00-06:00\"}, {\"name\": \"queue\", \"line\": 9, "
        "\"matches\": false, \"why\": \"the header X-Queue is missing or does not match "
        "sales\"}, {\"name\": \"abroad\", \"line\": 14, \"matches\": true}], \"rule\": \"abroad\", "
        "\"action\": \"bridge\", \"called\": \"+43123\", \"calling\": \"+49301001\", \"targets\": "
        "[\"peer trunk (sip:192.0.2.7), number +43123\", \"nowhere: no device and no peer has "
        "+43123\", \"device 1002\"]}\n");
    int code;
    CHECK(strstr(run(&code, "explain --to 1002 --json"),
                 "\"default\": \"bridge to device 1002\"}") != NULL);
}

static void test_list(void)
{
    check("list",
          "1. night (line 7): refuse; to 0*; at 22:00-06:00\n"
          "2. queue (line 9): redirect -> sip:{number}@sales.example\n"
          "3. abroad (line 14): bridge; to 00(*) -> peer:trunk, location, device:1002\n");
}

static void test_mistakes(void)
{
    static const char *const lines[] = {
        "explain --to 1 --peer nobody",
        "explain --to 1 --device 1099",
        "explain --to 1 --transport pigeon",
        "explain --to 1 --at yesterday",
        "explain --to 1 --at 2026-13-01",
        "explain --to a:b@c --from 1001",
        "explain --to 1 --header nonsense",
        "explain --to 1 --at 2026-11-20T25:00",
        "list --json",
    };
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        int code;
        const char *text = run(&code, lines[i]);
        test_context(lines[i]);
        if (i != 5) { /* any URI can be asked about; it matches nothing */
            CHECK_INT(code, EXIT_CODE_USAGE);
            CHECK(strstr(text, "baton route: ") == text);
        }
    }
}

static void test_pid_file(void)
{
    char path[] = "/tmp/baton-pid-XXXXXX";
    int spare = mkstemp(path), tell[2], done[2], status;
    REQUIRE(spare >= 0 && pipe(tell) == 0 && pipe(done) == 0);
    CHECK_INT(pid_file_holder(path), 0); /* there, but nobody holds it */
    pid_t child = fork();
    if (child == 0) {
        char byte = (char)(pid_file_take(path) >= 0);
        (void)!write(tell[1], &byte, 1);
        (void)!read(done[0], &byte, 1);
        _exit(0);
    }
    char byte = 0;
    CHECK_INT(read(tell[0], &byte, 1), 1);
    CHECK_INT(byte, 1);
    CHECK_INT(pid_file_holder(path), child);
    CHECK_INT(pid_file_take(path), -1);
    CHECK_INT(errno, EEXIST);
    CHECK_INT(write(done[1], &byte, 1), 1);
    (void)waitpid(child, &status, 0);
    CHECK_INT(pid_file_holder(path), 0); /* it goes with the process */
    int fd = pid_file_take(path);
    CHECK(fd >= 0);
    pid_file_drop(path, fd);
    CHECK_INT(access(path, F_OK), -1);
    (void)close(spare);
}

static const struct test tests[] = {T(test_text), T(test_senders),  T(test_json),
                                    T(test_list), T(test_mistakes), T(test_pid_file)};

int main(int argc, char **argv)
{
    int fd = mkstemp(file);
    if (fd < 0 || write(fd, config, sizeof(config) - 1) != (ssize_t)sizeof(config) - 1) {
        return 1;
    }
    int code = test_run(tests, ARRAY_LEN(tests), argc, argv);
    (void)close(fd);
    (void)unlink(file);
    return code;
}
