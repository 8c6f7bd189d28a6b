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

static const struct directory *here; /**< whose addresses are ours */

static const char *written(enum phone_act act, const char *at, const char *number, int *err)
{
    static char buf[256];
    struct phone_profile p = phone();
    struct addr a = {0};
    struct out o;
    (void)addr_parse(str_c(at), &a);
    out_init(&o, buf, sizeof(buf) - 1);
    *err = phone_action_write(&p, act, &a, here, str_c(number), &o);
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

/** @return of phone_action_write for a phone there */
static int asked(const char *at)
{
    int err;
    (void)written(PHONE_ACT_ANSWER, at, NULL, &err);
    return err;
}

/** What no phone has for its address is asked nothing. */
static void test_addresses_of_no_phone(void)
{
    static const char *const none[] = {"0.0.0.0",
                                       "0.1.2.3",
                                       "127.0.0.1",
                                       "127.9.9.9",
                                       "169.254.169.254",
                                       "224.0.0.1",
                                       "239.1.1.1",
                                       "240.0.0.1",
                                       "255.255.255.255",
                                       "[::]",
                                       "[::1]",
                                       "[fe80::1]",
                                       "[febf::1]",
                                       "[ff02::1]",
                                       "[::ffff:127.0.0.1]",
                                       "[::ffff:0.0.0.0]",
                                       "[::ffff:169.254.1.1]"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        test_context(none[i]);
        CHECK_INT(asked(none[i]), E_VALUE);
    }
    test_context(NULL);
    CHECK_INT(asked("169.253.0.1"), 0);
    CHECK_INT(asked("192.168.1.1"), 0);
    CHECK_INT(asked("[fec0::1]"), 0);
    CHECK_INT(asked("[fd00::1]"), 0);
}

/** Nor is Baton itself; the loopback is a phone's only when nobody else is served. */
static void test_own_addresses(void)
{
    static const struct str domains[] = {STR_INIT("example.com"), STR_INIT("10.0.0.9"),
                                         STR_INIT("[2001:db8::9]")};
    struct addr own[2] = {0};
    struct directory d = {.domains = domains, .domain_count = ARRAY_LEN(domains)};
    here = &d;
    CHECK_INT(asked("10.0.0.9:1"), E_VALUE); /* of an interface */
    CHECK_INT(asked("[2001:db8::9]"), E_VALUE);
    CHECK_INT(asked("127.0.0.1"), E_VALUE);
    d.own = own;
    d.own_count = 2;
    REQUIRE(addr_parse(STR("127.0.0.1:5060"), &own[0]));
    REQUIRE(addr_parse(STR("10.0.0.1:5060"), &own[1]));
    CHECK_INT(asked("127.0.0.1"), E_VALUE);
    CHECK_INT(asked("10.0.0.1:7"), E_VALUE);
    CHECK_INT(asked("[::ffff:10.0.0.1]"), E_VALUE);
    CHECK_INT(asked("10.0.0.2"), 0);
    REQUIRE(addr_parse(STR("0.0.0.0:5060"), &own[1]));
    CHECK_INT(asked("127.0.0.1"), E_VALUE);
    REQUIRE(addr_parse(STR("[::1]:5060"), &own[1])); /* it serves this machine alone */
    CHECK_INT(asked("127.0.0.1"), 0);
    here = NULL;
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
        int err = phone_action_write(&p, PHONE_ACT_ANSWER, &a, NULL, STR_NONE, &o);
        CHECK_INT(err, n < 37 ? E_SPACE : 0);
    }
}

TEST_MAIN(T(test_templates), T(test_no_other_machine), T(test_keys), T(test_requests),
          T(test_addresses_of_no_phone), T(test_own_addresses), T(test_every_size_of_buffer))
