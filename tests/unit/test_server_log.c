/* SPDX-License-Identifier: Apache-2.0 */
/* The log: levels, escapes, secrets, files. */
#include "server/log.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct str line(bool json, const char *text)
{
    static char buf[16384];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    struct str copy = test_guard(str_c(text));
    log_format(&o, json, TRACE_WARN, "net", copy);
    test_guard_free(copy);
    return out_str_of(&o);
}

static void test_forms(void)
{
    CHECK_STR(line(false, "hello"), "warn  net: hello");
    CHECK_STR(line(true, "hello"), "\"level\":\"warn\",\"module\":\"net\",\"text\":\"hello\"}");
}

static void test_nothing_breaks_out_of_a_line(void)
{
    CHECK_STR(line(false, "a\r\nb\x1b[0m\x7f"), "warn  net: a\\x0d\\x0ab\\x1b[0m\\x7f");
    CHECK_STR(line(true, "\"\\\n"),
              "\"level\":\"warn\",\"module\":\"net\",\"text\":\"\\\"\\\\\\u000a\"}");
    CHECK_STR(line(false, "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"),
              "warn  net: \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
    /* a control character of two octets, and the first that is none */
    CHECK_STR(line(false, "\xc2\x9b[31m\xc2\xa0"), "warn  net: \\xc2\\x9b[31m\xc2\xa0");
    CHECK_STR(line(true, "\xc2\x9b"),
              "\"level\":\"warn\",\"module\":\"net\",\"text\":\"\\u009b\"}");
    /* cut short, overlong, a surrogate, too large, a continuation alone */
    CHECK_STR(line(false, "\xc3"), "warn  net: \\xc3");
    CHECK_STR(line(false, "\xc0\xaf"), "warn  net: \\xc0\\xaf");
    CHECK_STR(line(false, "\xe0\x80\x80"), "warn  net: \\xe0\\x80\\x80");
    CHECK_STR(line(false, "\xed\xa0\x80"), "warn  net: \\xed\\xa0\\x80");
    CHECK_STR(line(false, "\xf4\x90\x80\x80"), "warn  net: \\xf4\\x90\\x80\\x80");
    CHECK_STR(line(true, "\x80"),
              "\"level\":\"warn\",\"module\":\"net\",\"text\":\"\\u0080\"}");
}

static void test_secrets_are_blanked(void)
{
    static const char *const table[][2] = {
        {"response=\"abc\", nonce=\"n\"", "response=***, nonce=\"n\""},
        {"Response = abc,qop=auth", "Response = ***,qop=auth"},
        {"password=x y", "password=*** y"},
        {"password: x", "password: ***"},
        {"the password was wrong", "the password was wrong"},
        {"ha1_md5=0123;x", "ha1_md5=***;x"},
        {"monkey=1 key=2", "monkey=1 key=***"},
        {"response=\"a\\\"b\" c", "response=*** c"},
        {"response=\"never ends", "response=***"},
        {"to sip:1001:secret@host;a", "to sip:1001:***@host;a"},
        {"<sips:a:b@h>", "<sips:a:***@h>"},
        {"sip:host:5060", "sip:host:5060"},
        {"sip:a@host:5060", "sip:a@host:5060"},
        {"sip:host:5060 a@b", "sip:host:5060 a@b"},
        {"sip:", "sip:"},
        {"response=", "response=***"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char want[200];
        test_context(table[i][0]);
        (void)snprintf(want, sizeof(want), "warn  net: %s", table[i][1]);
        CHECK_STR(line(false, table[i][0]), want);
    }
    test_context(NULL);
}

static void test_levels_and_rotation(void)
{
    char dir[] = "/tmp/baton-log-XXXXXX";
    char path[64], old[64];
    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/log", dir);
    (void)snprintf(old, sizeof(old), "%s/old", dir);
    struct log *l = log_new(TRACE_WARN, false, path);
    REQUIRE(l != NULL);
    log_fmt(l, TRACE_INFO, "test", "not shown");
    log_fmt(l, TRACE_WARN, "test", "first %d", 1);
    CHECK(!log_wants(l, TRACE_INFO));
    CHECK_INT(rename(path, old), 0);
    log_fmt(l, TRACE_ERROR, "test", "second");
    log_reopen(l);
    log_fmt(l, TRACE_ERROR, "test", "third");
    log_free(l);
    struct str a = test_read_file(old), b = test_read_file(path);
    CHECK(str_find(a, STR("warn  test: first 1\n")) < a.n);
    CHECK(str_find(a, STR("error test: second\n")) < a.n);
    CHECK(str_find(a, STR("not shown")) == a.n);
    CHECK(str_find(a, STR("third")) == a.n);
    CHECK(str_ends(b, STR("error test: third\n")));
    CHECK_INT(str_index(b, 'Z'), strlen("2026-01-31T12:00:00.123"));
    free((void *)(uintptr_t)a.p);
    free((void *)(uintptr_t)b.p);
    unlink(path);
    unlink(old);
    rmdir(dir);
    CHECK(log_new(TRACE_INFO, false, "/no/such/folder/log") == NULL);
}

TEST_MAIN(T(test_forms), T(test_nothing_breaks_out_of_a_line), T(test_secrets_are_blanked),
          T(test_levels_and_rotation))
