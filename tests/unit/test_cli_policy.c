/* SPDX-License-Identifier: Apache-2.0 */
/* `baton uui policy explain`: which rule acts on a message, said without a server. */
#include "cli/help.h"
#include "cli/uui_cmd.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char config[] =
    "peers:\n"
    "  - {name: pbx, uri: \"sip:192.0.2.2\", uui_dialect: x-header}\n"
    "  - {name: trunk, uri: \"sip:trunk.example.net\"}\n"
    "  - {name: secure, uri: \"sip:192.0.2.8;transport=tls\"}\n"
    "uui:\n"
    "  packages:\n"
    "    - {name: crm, encodings: [text]}\n"
    "    - {name: medical, encodings: [text], tls_only: true}\n"
    "  rules:\n"
    "    - {name: inside, match: {package: [crm], to: [trunk]}, action: strip}\n"
    "    - {name: phones, match: {from: [device], package: [crm]}, action: refuse, status: 488}\n";

static const char invite[] = "INVITE sip:bob@example.com SIP/2.0\n"
                             "Via: SIP/2.0/UDP h;branch=z9hG4bK1\n"
                             "From: <sip:a@h>;tag=1\nTo: <sip:bob@example.com>\n"
                             "Call-ID: 1\nCSeq: 1 INVITE\n"
                             "User-to-User: key;purpose=crm;encoding=text, m;purpose=medical"
                             ";encoding=text\n"
                             "X-User-to-User: 48656C6C6F;encoding=hex\n"
                             "Content-Length: 0\n\n";

static char config_path[] = "/tmp/baton-policy-XXXXXX",
            message_path[] = "/tmp/baton-policy-XXXXXX";
static char *out_text;
static size_t out_n;

static void write_file(char *path, const char *text)
{
    int fd = mkstemp(path);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (f == NULL || fputs(text, f) < 0 || fclose(f) != 0) {
        abort();
    }
}

/** @param words  behind "policy explain -c FILE --message FILE", ends with NULL */
static int run(const char *const *words)
{
    const char *argv[20] = {"uui",       "policy",    "explain",   "-c",
                            config_path, "--message", message_path};
    int argc = 7;
    while (*words != NULL) {
        argv[argc++] = *words++;
    }
    free(out_text);
    FILE *out = open_memstream(&out_text, &out_n);
    int code = uui_run(argc, (char **)(uintptr_t)argv, stdin, out, out);
    (void)fclose(out);
    return code;
}

static bool says(const char *text)
{
    return strstr(out_text, text) != NULL;
}

#define RUN(...) run((const char *const[]){__VA_ARGS__, NULL})

static void test_policy_through_both_doors(void)
{
    CHECK_INT(RUN("--from", "pbx", "--to", "trunk", "--show"), EXIT_CODE_OK);
    CHECK(says("in, from pbx over UDP\n"));
    CHECK(says("  crm, 3 octets, valid, in a header of User-to-User\n"
               "    inside (line 10): no, to: it is for values that leave\n"
               "    phones (line 11): no, from\n"
               "    no rule holds: it passes\n"));
    CHECK(says("  -> decode isdn-uui\n"));
    CHECK(says("out, to trunk over UDP\n"));
    CHECK(says("  crm, 3 octets, valid, in a header of User-to-User, brought by pbx\n"
               "    inside (line 10): holds: strip\n"));
    CHECK(says("  -> strip crm: rule inside\n"));
    CHECK(says("  -> strip medical: not over a hop without TLS\n"));
    CHECK(says("\r\nUser-to-User: 0448656C6C6F;encoding=hex"));
    CHECK(!says("\r\nX-User-to-User"));
}

static void test_policy_refused(void)
{
    CHECK_INT(RUN("--from", "device", "--to", "pbx"), EXIT_CODE_FAILED);
    CHECK(says("    phones (line 11): holds: refuse\n"));
    CHECK(says("  refused: 488 Not Acceptable Here\n"
               "  Warning: 399 baton \"User-to-User (crm): refused by policy\"\r\n"));
    CHECK(!says("out, to"));
}

static void test_policy_over_tls(void)
{
    CHECK_INT(RUN("--to", "secure"), EXIT_CODE_OK);
    CHECK(says("out, to secure over TLS\n"));
    CHECK(says("brought by baton\n"));
    CHECK(says("  the message goes on as it is\n"));
    CHECK_INT(RUN("--to", "secure", "--to-transport", "udp"), EXIT_CODE_OK);
}

static void test_policy_mistakes(void)
{
    CHECK_INT(RUN("--show"), EXIT_CODE_USAGE);
    CHECK_INT(RUN("--from", "nobody"), EXIT_CODE_USAGE);
    CHECK(says("--from: there is no peer nobody"));
    CHECK_INT(RUN("--from", "pbx", "--from-transport", "x25"), EXIT_CODE_USAGE);
    CHECK_INT(RUN("--from", "pbx", "--message", "/nowhere"), EXIT_CODE_USAGE);
    CHECK_INT(RUN("--from", "pbx", "--message", config_path), EXIT_CODE_USAGE);
    CHECK_INT(RUN("--what"), EXIT_CODE_USAGE);
    CHECK_INT(RUN("--from", "pbx", "-c", message_path), EXIT_CODE_USAGE);
}

static void test_policy_files(void)
{
    (void)unlink(config_path);
    (void)unlink(message_path);
    free(out_text);
    CHECK(access(config_path, F_OK) != 0);
}

int main(int argc, char **argv)
{
    static const struct test table[] = {T(test_policy_through_both_doors),
                                        T(test_policy_refused), T(test_policy_over_tls),
                                        T(test_policy_mistakes), T(test_policy_files)};
    if (argc > 1 && strcmp(argv[1], "-l") == 0) {
        return test_run(table, 5, argc, argv);
    }
    write_file(config_path, config);
    write_file(message_path, invite);
    return test_run(table, 5, argc, argv);
}
