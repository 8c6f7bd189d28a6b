/* SPDX-License-Identifier: Apache-2.0 */
/* The log: levels, escapes, secrets, files. */
#include "base/err.h"
#include "server/log.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct str line_of(const struct log_form *form, const struct trace_ids *ids,
                          const char *text)
{
    static char buf[16384];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    struct str copy = test_guard(str_c(text));
    log_format(&o, form, TRACE_WARN, "net", ids, copy);
    test_guard_free(copy);
    return out_str_of(&o);
}

static struct str line(bool json, const char *text)
{
    return line_of(&(struct log_form){.json = json}, &(struct trace_ids){0}, text);
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
        {"Bearer abc.def x", "Bearer *** x"},
        {"Authorization: Bearer bt_7f_AAbb-_0, more", "Authorization: Bearer bt_7f_***, more"},
        {"bearer.bt_7f_AAbb-_0", "bearer.bt_7f_***"},
        {"bt_7f_AAbb-_0", "bt_7f_***"},
        {"bt_7f is a name", "bt_7f is a name"},
        {"bt__x", "bt__x"},
        {"secret=abc token: def", "secret=*** token: ***"},
        {"bt_", "bt_"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char want[200];
        test_context(table[i][0]);
        (void)snprintf(want, sizeof(want), "warn  net: %s", table[i][1]);
        CHECK_STR(line(false, table[i][0]), want);
    }
    test_context(NULL);
}

static void test_user_to_user(void)
{
    static const struct {
        const char *text, *redacted, *length;
    } table[] = {
        {"sip:2@h?User-to-User=04c8%3Bencoding%3Dhex&Subject=x",
         "sip:2@h?User-to-User=***&Subject=x", "sip:2@h?User-to-User=(21 octets)&Subject=x"},
        {"<sip:2@h?a=b&user-to-user=04> y", "<sip:2@h?a=b&user-to-user=***> y",
         "<sip:2@h?a=b&user-to-user=(2 octets)> y"},
        {"User-to-User: 04c842;encoding=hex\r\nTo: x", "User-to-User: ***\\x0d\\x0aTo: x",
         "User-to-User: (19 octets)\\x0d\\x0aTo: x"},
        {"<userData><string>04</string></userData>", "<userData>***/string></userData>",
         "<userData>(11 octets)/string></userData>"},
        {"{\"userData\":{\"string\":\"04\"},\"a\":1}", "{\"userData\":***},\"a\":1}",
         "{\"userData\":(14 octets)},\"a\":1}"},
        {"call c1: User-to-User replaced", "call c1: User-to-User replaced",
         "call c1: User-to-User replaced"},
    };
    const struct trace_ids nobody = {0};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        char want[200];
        test_context(table[i].text);
        (void)snprintf(want, sizeof(want), "warn  net: %s", table[i].redacted);
        CHECK_STR(line(false, table[i].text), want);
        (void)snprintf(want, sizeof(want), "warn  net: %s", table[i].length);
        CHECK_STR(line_of(&(struct log_form){.uui = LOG_UUI_LENGTH}, &nobody, table[i].text),
                  want);
    }
    test_context(NULL);
    CHECK_STR(line_of(&(struct log_form){.uui = LOG_UUI_FULL}, &nobody, "User-to-User=04"),
              "warn  net: User-to-User=04");
}

static void test_whom_a_line_is_about(void)
{
    const struct trace_ids ids = {.call = STR("c1"),
                                  .device = STR("sip:1001:pw@x"),
                                  .sip_call = STR("a b@x"),
                                  .who = STR("crm"),
                                  .request = STR("r-7"),
                                  .parent = STR("00-0af7-b7ad-01")};
    CHECK_STR(line_of(&(struct log_form){0}, &ids, "t"),
              "warn  net: t callID=c1 device=sip:1001:***@x sipCallID=\"a b@x\" who=crm "
              "request=r-7 traceparent=00-0af7-b7ad-01");
    CHECK_STR(line_of(&(struct log_form){.json = true}, &ids, "t"),
              "\"level\":\"warn\",\"module\":\"net\",\"text\":\"t\",\"callID\":\"c1\","
              "\"device\":\"sip:1001:***@x\",\"sipCallID\":\"a b@x\",\"who\":\"crm\","
              "\"request\":\"r-7\",\"traceparent\":\"00-0af7-b7ad-01\"}");
    const struct trace_ids odd = {.call = STR("a=\"\n")};
    CHECK_STR(line_of(&(struct log_form){.json = true}, &odd, "t"),
              "\"level\":\"warn\",\"module\":\"net\",\"text\":\"t\","
              "\"callID\":\"a=\\\"\\u000a\"}");
    /* what a client names is no field of its own */
    const struct trace_ids forged = {.device = STR("x\" who=\"uid:0\\\n")};
    CHECK_STR(line_of(&(struct log_form){0}, &forged, "t"),
              "warn  net: t device=\"x\\\" who=\\\"uid:0\\\\\\x0a\"");
}

static void test_modules_have_levels(void)
{
    const struct trace_ids nobody = {0};
    struct log_levels l = {.all = TRACE_INFO};
    CHECK(!log_levels_wants(&l, TRACE_DEBUG, "call", &nobody, 0));
    CHECK_INT(log_levels_lowest(&l), TRACE_INFO);
    CHECK_INT(log_levels_set(&l, STR("call"), TRACE_DEBUG), 0);
    CHECK_INT(log_levels_set(&l, STR("sip"), TRACE_ERROR), 0);
    CHECK(log_levels_wants(&l, TRACE_DEBUG, "call", &nobody, 0));
    CHECK(!log_levels_wants(&l, TRACE_WARN, "sip", &nobody, 0));
    CHECK(log_levels_wants(&l, TRACE_INFO, "cti", &nobody, 0));
    CHECK(!log_levels_wants(&l, TRACE_DEBUG, "cti", &nobody, 0));
    CHECK_INT(log_levels_lowest(&l), TRACE_DEBUG);
    CHECK_INT(log_levels_set(&l, STR("call"), TRACE_WARN), 0);
    CHECK(!log_levels_wants(&l, TRACE_INFO, "call", &nobody, 0));
    log_levels_unset(&l, STR("call"));
    CHECK(log_levels_wants(&l, TRACE_INFO, "call", &nobody, 0));
    CHECK_INT(l.modules, 1);
    CHECK_INT(log_levels_set(&l, STR(""), TRACE_WARN), E_SYNTAX);
    CHECK_INT(log_levels_set(&l, STR("a-name-of-24-characters-"), TRACE_WARN), E_SYNTAX);
    for (int i = 0; i < LOG_MODULES - 1; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "m%d", i);
        CHECK_INT(log_levels_set(&l, str_c(name), TRACE_WARN), 0);
    }
    CHECK_INT(log_levels_set(&l, STR("more"), TRACE_WARN), E_TOOMANY);
    enum trace_level level;
    CHECK(log_level_parse(STR("warn"), &level) && level == TRACE_WARN);
    CHECK(!log_level_parse(STR("warning"), &level));
}

static void test_somebody_is_followed_for_a_while(void)
{
    const struct trace_ids nobody = {0}, call = {.call = STR("c1")},
                           sip = {.sip_call = STR("c1")}, other = {.call = STR("c2")},
                           device = {.device = STR("sip:1001@x.example")};
    struct log_levels l = {.all = TRACE_WARN};
    CHECK_INT(log_levels_follow(&l, STR("c1"), 100, 0), 0);
    CHECK_INT(log_levels_lowest(&l), TRACE_DEBUG);
    CHECK(log_levels_wants(&l, TRACE_DEBUG, "call", &call, 99));
    CHECK(log_levels_wants(&l, TRACE_DEBUG, "proxy", &sip, 99));
    CHECK(!log_levels_wants(&l, TRACE_INFO, "call", &other, 99));
    CHECK(!log_levels_wants(&l, TRACE_INFO, "call", &nobody, 99));
    CHECK(!log_levels_wants(&l, TRACE_DEBUG, "call", &call, 100));
    CHECK_INT(log_levels_follow(&l, STR("1001"), 300, 100), 0);
    CHECK_INT(l.followed, 1); /* the first one's time is over */
    CHECK(log_levels_wants(&l, TRACE_DEBUG, "registrar", &device, 200));
    log_levels_unfollow(&l, STR("1001"));
    CHECK(!log_levels_wants(&l, TRACE_DEBUG, "registrar", &device, 200));
    CHECK_INT(log_levels_follow(&l, STR("sip:1001@x.example"), 300, 100), 0);
    CHECK(log_levels_wants(&l, TRACE_DEBUG, "registrar", &device, 200));
    log_levels_expire(&l, 300);
    CHECK_INT(l.followed, 0);
    CHECK_INT(log_levels_lowest(&l), TRACE_WARN);
    CHECK_INT(log_levels_follow(&l, STR(""), 300, 0), E_SYNTAX);
    for (int i = 0; i < LOG_FOLLOWED; i++) {
        char id[8];
        (void)snprintf(id, sizeof(id), "c%d", i);
        CHECK_INT(log_levels_follow(&l, str_c(id), 300, 0), 0);
    }
    CHECK_INT(log_levels_follow(&l, STR("more"), 300, 0), E_TOOMANY);
    CHECK_INT(log_levels_follow(&l, STR("c1"), 400, 0), 0);
    CHECK_INT(log_levels_follow(&l, STR("more"), 500, 300), 0);
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
    CHECK_INT(log_follow_change(l, STR("c1"), 60000), 0);
    CHECK_INT(log_lowest(l), TRACE_DEBUG);
    log_fmt_of(l, TRACE_DEBUG, "call", &(struct trace_ids){.call = STR("c1")}, "fourth");
    log_fmt_of(l, TRACE_INFO, "call", &(struct trace_ids){.call = STR("c2")}, "not shown");
    CHECK_INT(log_follow_change(l, STR("c1"), 0), 0);
    CHECK_INT(log_level_change(l, STR("call"), &(enum trace_level){TRACE_INFO}), 0);
    log_fmt(l, TRACE_INFO, "call", "fifth");
    CHECK_INT(log_level_change(l, STR("call"), NULL), 0);
    log_fmt(l, TRACE_INFO, "call", "not shown");
    log_free(l);
    struct str a = test_read_file(old), b = test_read_file(path);
    CHECK(str_find(a, STR("warn  test: first 1\n")) < a.n);
    CHECK(str_find(a, STR("error test: second\n")) < a.n);
    CHECK(str_find(a, STR("not shown")) == a.n);
    CHECK(str_find(a, STR("third")) == a.n);
    CHECK(str_find(b, STR("error test: third\n")) < b.n);
    CHECK(str_find(b, STR("debug call: fourth callID=c1\n")) < b.n);
    CHECK(str_ends(b, STR("info  call: fifth\n")));
    CHECK(str_find(b, STR("not shown")) == b.n);
    CHECK_INT(str_index(b, 'Z'), strlen("2026-01-31T12:00:00.123"));
    free((void *)(uintptr_t)a.p);
    free((void *)(uintptr_t)b.p);
    unlink(path);
    unlink(old);
    rmdir(dir);
    CHECK(log_new(TRACE_INFO, false, "/no/such/folder/log") == NULL);
}

TEST_MAIN(T(test_forms), T(test_nothing_breaks_out_of_a_line), T(test_secrets_are_blanked),
          T(test_user_to_user), T(test_whom_a_line_is_about), T(test_modules_have_levels),
          T(test_somebody_is_followed_for_a_while), T(test_levels_and_rotation))
