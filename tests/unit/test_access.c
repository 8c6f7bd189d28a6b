/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes: what they allow, how they are written, which of them cover others. */
#include "access/access.h"

#include "base/err.h"
#include "test.h"

/** "control:10* observe:1001" as a list; the texts must be good. */
static size_t scopes_of(const char *text, struct access_scope *out, size_t cap)
{
    size_t n = 0;
    for (struct str rest = str_c(text); rest.n > 0 && n < cap;) {
        size_t end = str_index(rest, ' ');
        CHECK_INT(access_scope_read(str_upto(rest, end), &out[n++]), 0);
        rest = str_from(rest, end + 1);
    }
    return n;
}

static void test_what_scopes_allow(void)
{
    static const struct {
        const char *scopes, *device;
        bool observe, control;
    } rows[] = {
        {"", "1001@example.com", false, false},
        {"observe:1001", "1001@example.com", true, false},
        {"observe:1001", "1001", true, false},
        {"observe:1001", "10011@example.com", false, false},
        {"observe:1001@example.com", "1001@example.com", true, false},
        {"observe:1001@example.com", "1001@other.com", false, false},
        {"observe:1001@example.com", "1001", false, false},
        {"control:1001", "1001@example.com", true, true},
        {"control:10*", "1099@example.com", true, true},
        {"control:10*", "10@example.com", true, true},
        {"control:10*", "1", false, false},
        {"control:10*", "2001@10.example.com", false, false},
        {"observe:* control:1001", "1002@example.com", true, false},
        {"observe:* control:1001", "1001@example.com", true, true},
        {"control:*", "1001@example.com", true, true},
        {"control:*", "", false, false},
        {"admin", "1001@example.com", true, true},
        {"admin", "", true, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct access_scope s[4];
        struct access_principal p = {.scopes = s, .count = scopes_of(rows[i].scopes, s, 4)};
        test_context(rows[i].scopes);
        CHECK_INT(access_observe(&p, str_c(rows[i].device)), rows[i].observe);
        CHECK_INT(access_control(&p, str_c(rows[i].device)), rows[i].control);
        p.gone = true;
        CHECK(!access_observe(&p, str_c(rows[i].device)));
        CHECK(!access_control(&p, str_c(rows[i].device)));
    }
    test_context(NULL);
    CHECK(!access_observe(NULL, STR("1001")));
    CHECK(!access_control(NULL, STR("1001")));
}

static void test_some(void)
{
    struct access_scope s[2];
    struct access_principal p = {.scopes = s, .count = scopes_of("observe:1001", s, 2)};
    CHECK(access_may_some(&p, ACCESS_OBSERVE));
    CHECK(!access_may_some(&p, ACCESS_CONTROL));
    CHECK(!access_is_admin(&p));
    p.count = scopes_of("observe:2 control:1", s, 2);
    CHECK(access_may_some(&p, ACCESS_CONTROL));
    CHECK(!access_is_admin(&p));
    p.count = scopes_of("admin", s, 2);
    CHECK(access_may_some(&p, ACCESS_OBSERVE));
    CHECK(access_is_admin(&p));
    p.gone = true;
    CHECK(!access_is_admin(&p));
    CHECK(!access_may_some(NULL, ACCESS_OBSERVE));
}

static void test_alive(void)
{
    struct access_principal p = {0};
    CHECK(access_alive(&p, UINT64_MAX));
    p.expires_ms = 1000;
    CHECK(access_alive(&p, 999));
    CHECK(!access_alive(&p, 1000));
    p.gone = true;
    CHECK(!access_alive(&p, 1));
    CHECK(!access_alive(NULL, 1));
}

static void test_text(void)
{
    static const char *const good[] = {"admin",
                                       "observe:*",
                                       "control:1001",
                                       "control:10*",
                                       "observe:1001@example.com",
                                       "control:anna.b-c+1"};
    static const char *const bad[] = {"",
                                      "Admin",
                                      "admin:",
                                      "admin:*",
                                      "observe",
                                      "observe:",
                                      "control:",
                                      ":1001",
                                      "watch:1",
                                      "control:1*1",
                                      "control:**",
                                      "control:1 1",
                                      "control:\"",
                                      "control:\\",
                                      "control:'",
                                      "control:\x7f",
                                      "control:\xc3\xa4",
                                      " admin",
                                      "observe :1"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        char buf[ACCESS_SCOPE_TEXT];
        struct out o;
        struct access_scope s;
        struct str text = test_guard(str_c(good[i]));
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(access_scope_read(text, &s), 0);
        access_scope_write(&o, &s);
        CHECK_STR(out_str_of(&o), good[i]);
        test_guard_free(text);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct access_scope s;
        struct str text = test_guard(str_c(bad[i]));
        test_context(bad[i]);
        CHECK_INT(access_scope_read(text, &s), E_SYNTAX);
        test_guard_free(text);
    }
    test_context(NULL);
    char big[ACCESS_PATTERN_MAX + 10];
    struct access_scope s;
    memset(big, '1', sizeof(big));
    memcpy(big, "observe:", 8);
    CHECK_INT(access_scope_read(str_make(big, 8 + ACCESS_PATTERN_MAX), &s), 0);
    CHECK_INT(access_scope_read(str_make(big, 9 + ACCESS_PATTERN_MAX), &s), E_TOOBIG);
}

static void test_what_is_missing(void)
{
    char buf[64];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    access_missing(&o, ACCESS_CONTROL, STR("1001"));
    out_ch(&o, ' ');
    access_missing(&o, ACCESS_OBSERVE, STR_NONE);
    out_ch(&o, ' ');
    access_missing(&o, ACCESS_ADMIN, STR("1001"));
    CHECK_STR(out_str_of(&o), "control:1001 observe admin");
}

static void test_cover(void)
{
    static const struct {
        const char *have, *asked;
        bool covers;
    } rows[] = {
        {"admin", "admin", true},
        {"admin", "control:*", true},
        {"control:*", "admin", false},
        {"control:*", "control:10*", true},
        {"control:*", "observe:*", true},
        {"observe:*", "control:1001", false},
        {"control:10*", "control:100*", true},
        {"control:10*", "control:1*", false},
        {"control:10*", "control:*", false},
        {"control:10*", "observe:1001", true},
        {"control:1001", "control:1001*", false},
        {"control:1001", "control:1001@example.com", true},
        {"control:1001@example.com", "control:1001", false},
        {"control:1001@*", "control:1001@example.com", true},
        {"observe:1 observe:2", "observe:2", true},
        {"observe:1 observe:2", "observe:3", false},
        {"", "observe:3", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct access_scope have[4];
        struct access_scope asked;
        size_t n = scopes_of(rows[i].have, have, 4);
        test_context(rows[i].asked);
        CHECK_INT(access_scope_read(str_c(rows[i].asked), &asked), 0);
        CHECK_INT(access_scopes_cover(have, n, &asked), rows[i].covers);
    }
    test_context(NULL);
}

TEST_MAIN(T(test_what_scopes_allow), T(test_some), T(test_alive), T(test_text),
          T(test_what_is_missing), T(test_cover))
