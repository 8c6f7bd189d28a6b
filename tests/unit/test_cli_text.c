/* SPDX-License-Identifier: Apache-2.0 */
/* What peers send, as it reaches a terminal or a JSON reader; and what people type. */
#include "base/err.h"
#include "base/utf8.h"
#include "cli/args.h"
#include "cli/json.h"
#include "cli/text.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static void check_shown(void (*show)(struct str, FILE *), struct str in, const char *want)
{
    char *text = NULL;
    size_t n = 0;
    struct str s = test_guard(in);
    FILE *f = open_memstream(&text, &n);
    show(s, f);
    fclose(f);
    CHECK_BYTES(str_make(text, n), str_c(want));
    free(text);
    test_guard_free(s);
}

static void test_json_is_json_whatever_comes(void)
{
    check_shown(json_print_string, STR("a\"\\\n\x7f/"), "\"a\\\"\\\\\\u000A\\u007F/\"");
    check_shown(json_print_string, STR("\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"),
                "\"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"");
    check_shown(json_print_string, STR("a\xC3"), "\"a\\uFFFD\"");
    check_shown(json_print_string, STR("\xC0\xAF"), "\"\\uFFFD\\uFFFD\"");            /* overlong */
    check_shown(json_print_string, STR("\xE0\x80\xAF"), "\"\\uFFFD\\uFFFD\\uFFFD\""); /* too */
    check_shown(json_print_string, STR("\xED\xA0\x80"), "\"\\uFFFD\\uFFFD\\uFFFD\""); /* surrogate */
    check_shown(json_print_string, STR("\xF4\x90\x80\x80"), "\"\\uFFFD\\uFFFD\\uFFFD\\uFFFD\"");
    check_shown(json_print_string, STR(""), "\"\"");
}

static void test_nothing_steers_the_terminal(void)
{
    check_shown(text_put, STR("caf\xC3\xA9 \x1b[2J\r\n\t\x7f"), "caf\xC3\xA9 .[2J....");
    check_shown(text_put,
                STR("a\xC2\x9B"
                    "2J"),
                "a.2J"); /* CSI in one octet of C1 */
    check_shown(text_put, STR("\x9B\xC3"), "..");
    check_shown(text_put, STR_NONE, "");
}

static void test_utf8(void)
{
    static const struct {
        const char *text;
        size_t n;
    } t[] = {{"a", 1},
             {"\xC2\x80", 2},
             {"\xDF\xBF", 2},
             {"\xE0\xA0\x80", 3},
             {"\xED\x9F\xBF", 3},
             {"\xEE\x80\x80", 3},
             {"\xF0\x90\x80\x80", 4},
             {"\xF4\x8F\xBF\xBF", 4},
             {"\x80", 0},
             {"\xC1\xBF", 0},
             {"\xE0\x9F\xBF", 0},
             {"\xED\xA0\x80", 0},
             {"\xF0\x8F\xBF\xBF", 0},
             {"\xF4\x90\x80\x80", 0},
             {"\xF5\x80\x80\x80", 0},
             {"\xFF", 0},
             {"\xE2\x82x", 0}};
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct str whole = test_guard(str_c(t[i].text));
        test_context(t[i].text);
        CHECK_INT(utf8_len(whole), t[i].n);
        test_guard_free(whole);
        for (size_t n = 0; n < t[i].n; n++) {
            struct str cut = test_guard(str_upto(str_c(t[i].text), n));
            CHECK_INT(utf8_len(cut), 0);
            test_guard_free(cut);
        }
        test_context(NULL);
    }
    CHECK_INT(utf8_count(STR("a\xC3\xA4\xE2\x82\xAC")), 3);
}

static void test_hex_as_people_type_it(void)
{
    struct arena a;
    struct str octets;
    arena_init(&a, &mem_libc, 256);
    CHECK_INT(text_hex(STR("04c8 4B:3d\n"), &a, &octets), 0);
    CHECK_BYTES(octets, STR("\x04\xC8\x4B\x3D"));
    CHECK_INT(text_hex(STR(""), &a, &octets), 0);
    CHECK(str_is_set(octets) && octets.n == 0);
    static const char *const bad[] = {"0", "0g", "g0", "04 8", "0 4", "04-05"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct str s = test_guard(str_c(bad[i]));
        test_context(bad[i]);
        CHECK_INT(text_hex(s, &a, &octets), E_SYNTAX);
        CHECK(!str_is_set(octets));
        test_guard_free(s);
    }
    test_context(NULL);
    arena_fini(&a);
    struct test_mem mem;
    test_mem_init(&mem);
    mem.fail_at = 1;
    arena_init(&a, &mem.mem, 256);
    CHECK_INT(text_hex(STR("04"), &a, &octets), E_NOMEM);
    arena_fini(&a);
}

static void test_options_anywhere(void)
{
    char words[5][16] = {"phone", "-s", "host", "--user=crm", "--user"};
    char *argv[] = {words[0], words[1], words[2], words[3], words[4], NULL};
    const char *server = NULL, *user = NULL;
    int i = 1;
    CHECK(args_value("-s", "--server", 5, argv, &i, &server));
    CHECK_INT(i, 2);
    CHECK_STR(str_c(server), "host");
    i = 3;
    CHECK(!args_value("-s", "--server", 5, argv, &i, &server));
    CHECK(args_value(NULL, "--user", 5, argv, &i, &user));
    CHECK_STR(str_c(user), "crm");
    i = 4; /* its value is missing */
    CHECK(!args_value(NULL, "--user", 5, argv, &i, &user));
    CHECK_INT(i, 4);
    CHECK(args_is("-j", "-j", "--json") && args_is("--json", NULL, "--json"));
    CHECK(!args_is("-j", NULL, "--json") && !args_is("--jso", "-j", "--json"));
}

TEST_MAIN(T(test_json_is_json_whatever_comes), T(test_nothing_steers_the_terminal),
          T(test_utf8), T(test_hex_as_people_type_it), T(test_options_anywhere))
