/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACTION-URI: which templates are taken, that none leads to another machine than the phone, and
 * that nothing from outside gets into a request but as an escaped value.
 */
#include "base/err.h"
#include "phone/action.h"
#include "test.h"

static bool good(const char *template)
{
    struct str t = test_guard(str_c(template));
    const char *why = NULL;
    bool ok = phone_action_check(t, &why);
    test_guard_free(t);
    CHECK(ok == (why == NULL));
    return ok;
}

static void test_templates(void)
{
    CHECK(good("http://{address}/servlet?key={key}"));
    CHECK(good("https://{address}:8443/a/{key}/b?c=d"));
    CHECK(good("HTTP://{address}/{key}"));
    CHECK(!good(""));
    CHECK(!good("http://"));
    CHECK(!good("ftp://{address}/{key}"));
    CHECK(!good("file:///etc/{key}"));
    CHECK(!good("http://{address}"));
    CHECK(!good("http://{address}/"));
    CHECK(!good("http://{address}/{key}/{key}"));
    CHECK(!good("http://{address}:0/{key}"));
    CHECK(!good("http://{address}:65536/{key}"));
    CHECK(!good("http://{address}:/{key}"));
    CHECK(!good("http://{address}/a b/{key}"));
    CHECK(!good("http://{address}/{key}#top"));
    CHECK(!good("http://{address}/{key}\r\nHost: other"));
    CHECK(!good("http://{address}/{other}/{key}"));
}

static void test_no_other_machine(void)
{
    CHECK(!good("http://192.0.2.1/{key}"));
    CHECK(!good("http://localhost/?a={address}&b={key}"));
    CHECK(!good("http://{address}.example.com/{key}"));
    CHECK(!good("http://{address}@example.com/{key}"));
    CHECK(!good("http://user:word@{address}/{key}"));
    CHECK(!good("http://{address}:80@example.com/{key}"));
}

static void test_keys(void)
{
    const char *why;
    CHECK(phone_action_key_check(PHONE_ACT_ANSWER, STR("OK"), &why));
    CHECK(phone_action_key_check(PHONE_ACT_MAKE, STR("number={number}&x=1"), &why));
    CHECK(!phone_action_key_check(PHONE_ACT_MAKE, STR("number"), &why));
    CHECK(!phone_action_key_check(PHONE_ACT_HOLD, STR("{number}"), &why));
    CHECK(!phone_action_key_check(PHONE_ACT_HOLD, STR(""), &why));
    CHECK(!phone_action_key_check(PHONE_ACT_HOLD, STR("a b"), &why));
    CHECK(!phone_action_key_check(PHONE_ACT_MAKE, STR("{number}{number}"), &why));
    for (unsigned i = 0; i < PHONE_ACT_COUNT; i++) {
        CHECK(phone_act_name((enum phone_act)i)[0] != '\0');
    }
}

static struct phone_profile phone(void)
{
    return (struct phone_profile){
        .action_uri = STR_INIT("http://{address}:8080/servlet?key={key}&z"),
        .action_key = {[PHONE_ACT_ANSWER] = STR_INIT("OK"),
                       [PHONE_ACT_MAKE] = STR_INIT("number={number};x")},
    };
}

static const char *written(enum phone_act act, const char *at, const char *number, int *err)
{
    static char buf[256];
    struct phone_profile p = phone();
    struct addr a = {0};
    struct out o;
    (void)addr_parse(str_c(at), &a);
    out_init(&o, buf, sizeof(buf) - 1);
    *err = phone_action_write(&p, act, &a, str_c(number), &o);
    buf[*err == 0 ? o.n : 0] = '\0';
    return buf;
}

static void test_requests(void)
{
    int err;
    CHECK_STR(str_c(written(PHONE_ACT_ANSWER, "10.0.0.7:5060", NULL, &err)),
              "http://10.0.0.7:8080/servlet?key=OK&z");
    CHECK_STR(str_c(written(PHONE_ACT_ANSWER, "[2001:db8::7]:5060", NULL, &err)),
              "http://[2001:db8::7]:8080/servlet?key=OK&z");
    CHECK_STR(str_c(written(PHONE_ACT_MAKE, "10.0.0.7", "+49 30#1&key=X\r\n", &err)),
              "http://10.0.0.7:8080/servlet?key=number=%2B49%2030%231%26key%3DX%0D%0A;x&z");
    (void)written(PHONE_ACT_MAKE, "10.0.0.7", NULL, &err);
    CHECK_INT(err, E_VALUE);
    (void)written(PHONE_ACT_ANSWER, "no address", NULL, &err);
    CHECK_INT(err, E_VALUE);
    (void)written(PHONE_ACT_HOLD, "10.0.0.7", NULL, &err);
    CHECK_INT(err, E_UNSUPPORTED);
    (void)written(PHONE_ACT_COUNT, "10.0.0.7", NULL, &err);
    CHECK_INT(err, E_UNSUPPORTED);
}

static void test_every_size_of_buffer(void)
{
    struct phone_profile p = phone();
    struct addr a = {0};
    char buf[64];
    REQUIRE(addr_parse(STR("10.0.0.7"), &a));
    for (size_t n = 0; n <= 38; n++) {
        struct out o;
        out_init(&o, buf, n);
        int err = phone_action_write(&p, PHONE_ACT_ANSWER, &a, STR_NONE, &o);
        CHECK_INT(err, n < 37 ? E_SPACE : 0);
    }
}

TEST_MAIN(T(test_templates), T(test_no_other_machine), T(test_keys), T(test_requests),
          T(test_every_size_of_buffer))
