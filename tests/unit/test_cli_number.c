/* SPDX-License-Identifier: Apache-2.0 */
/* `baton number`: what it says of each way to write a number. */
#include "cli/number_cmd.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char yaml[] =
    "domains: [example.com]\n"
    "devices: [{number: \"1001\", tel: \"+493012341001\"}]\n"
    "dial_plans: [{name: b, country: \"49\", area: \"30\", trunk: \"0\"}]\n";

static char file[] = "/tmp/baton-number-XXXXXX";

static const char *run(int *code, char *text)
{
    static char said[4096];
    char *argv[] = {(char[]){"number"}, (char[]){"test"}, (char[]){"-c"}, file, text};
    char *buf = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&buf, &n);
    *code = number_run(text == NULL ? 4 : 5, argv, out, out);
    (void)fclose(out);
    (void)snprintf(said, sizeof(said), "%s", buf);
    free(buf);
    return said;
}

static void check(const char *text, int code, const char *want)
{
    char copy[128];
    int got;
    (void)snprintf(copy, sizeof(copy), "%s", text);
    CHECK_STR(str_c(run(&got, copy)), want);
    CHECK_INT(got, code);
}

static void test_number(void)
{
    int fd = mkstemp(file);
    REQUIRE(fd >= 0 && write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
    (void)close(fd);
    check("tel:1001;phone-context=dialstring", EXIT_CODE_OK,
          "tel:1001;phone-context=dialstring\n"
          "  name     1001  a URI\n"
          "  context  dialstring\n"
          "  number   1001  of this place\n"
          "  device   sip:1001@example.com\n"
          "  plan     b: in the world +49301001, dialled 1001\n");
    check("tel:1001;phone-context=+49-30-1234", EXIT_CODE_OK,
          "tel:1001;phone-context=+49-30-1234\n"
          "  name     1001  a URI\n"
          "  context  +49-30-1234\n"
          "  number   +493012341001  of the world: phone-context is its beginning\n"
          "  device   sip:1001@example.com  it is its tel\n"
          "  plan     b: in the world +493012341001, dialled 12341001\n");
    check("N<+49 30 1234-1001>Ann;noa=nk", EXIT_CODE_OK,
          "N<+49 30 1234-1001>Ann;noa=nk\n"
          "  name     +49 30 1234-1001  a name in brackets\n"
          "  number   +493012341001  of the world: it begins with +\n"
          "  device   sip:1001@example.com  it is its tel\n"
          "  plan     b: in the world +493012341001, dialled 12341001\n");
    check("sip:0891234@other.example", EXIT_CODE_FAILED,
          "sip:0891234@other.example\n"
          "  name     0891234  a URI\n"
          "  host     other.example  not ours\n"
          "  number   0891234  of this place\n"
          "  device   none  no device has this name or number\n"
          "  plan     b: in the world +49891234, dialled 0891234\n");
    check("sip:example.com", EXIT_CODE_FAILED,
          "sip:example.com\n  wrong    there is no name in it\n");
    (void)unlink(file);
}

/** The same for programs; --json may stand anywhere. */
static void test_number_as_json(void)
{
    char path[] = "/tmp/baton-number-XXXXXX", said[2048] = "";
    int fd = mkstemp(path);
    REQUIRE(fd >= 0 && write(fd, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
    (void)close(fd);
    char *argv[] = {(char[]){"number"},
                    (char[]){"test"},
                    (char[]){"-c"},
                    path,
                    (char[]){"sip:12341001@example.com"},
                    (char[]){"--json"},
                    (char[]){"sip:x.y"}};
    FILE *out = fmemopen(said, sizeof(said), "w");
    CHECK_INT(number_run(7, argv, out, out), EXIT_CODE_FAILED);
    (void)fclose(out);
    CHECK_STR(
        str_c(said),
        "[{\"text\":\"sip:12341001@example.com\",\"name\":\"12341001\",\"form\":\"a URI\","
        "\"host\":\"example.com\",\"ours\":true,\"number\":\"12341001\",\"world\":false,"
        "\"plans\":[{\"plan\":\"b\",\"world\":\"+493012341001\",\"dialled\":\"12341001\","
        "\"device\":\"sip:1001@example.com\"}]},{\"text\":\"sip:x.y\"}]\n");
    (void)unlink(path);
}

TEST_MAIN(T(test_number), T(test_number_as_json))
