/* SPDX-License-Identifier: Apache-2.0 */
/* Rows: numbers and strings come back as they were, and a cut row is never read beyond. */
#include "base/attr.h"
#include "base/pack.h"
#include "test.h"

static const uint64_t numbers[] = {
    0, 1, 127, 128, 16383, 16384, UINT32_MAX, 1ull << 62, (1ull << 63) - 1, UINT64_MAX};
static const int64_t signeds[] = {0, -1, 1, -64, 64, INT64_MIN, INT64_MAX};

static size_t write_all(char *buf, size_t cap)
{
    struct out o;
    out_init(&o, buf, cap);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        pack_number(&o, numbers[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(signeds); i++) {
        pack_signed(&o, signeds[i]);
    }
    pack_str(&o, STR("text"));
    pack_str(&o, STR_NONE);
    pack_str(&o, STR(""));
    pack_bool(&o, true);
    pack_bool(&o, false);
    CHECK(!o.over);
    return o.n;
}

static void test_all_comes_back(void)
{
    char buf[256];
    struct unpack u = unpack_of(str_make(buf, write_all(buf, sizeof(buf))));
    struct str s;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        CHECK(unpack_number(&u) == numbers[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(signeds); i++) {
        CHECK(unpack_signed(&u) == signeds[i]);
    }
    CHECK_STR(unpack_str(&u), "text");
    CHECK(!str_is_set(unpack_str(&u)));
    s = unpack_str(&u);
    CHECK(str_is_set(s) && s.n == 0);
    CHECK(unpack_bool(&u));
    CHECK(!unpack_bool(&u));
    CHECK(!u.bad && u.rest.n == 0);
    CHECK_INT(unpack_number(&u), 0);
    CHECK(u.bad);
}

static void test_every_prefix_is_bad_or_short(void)
{
    char buf[256];
    size_t n = write_all(buf, sizeof(buf));
    for (size_t len = 0; len < n; len++) {
        struct str cut = test_guard(str_make(buf, len));
        struct unpack u = unpack_of(cut);
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
            (void)unpack_number(&u);
        }
        for (size_t i = 0; i < ARRAY_LEN(signeds); i++) {
            (void)unpack_signed(&u);
        }
        for (size_t i = 0; i < 3; i++) {
            (void)unpack_str(&u);
        }
        (void)unpack_bool(&u);
        (void)unpack_bool(&u);
        CHECK(u.bad);
        test_guard_free(cut);
    }
}

static void test_what_is_no_number(void)
{
    static const char too_long[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    static const char too_large[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02";
    struct unpack u = unpack_of(str_make(too_long, sizeof(too_long) - 1));
    CHECK_INT(unpack_number(&u), 0);
    CHECK(u.bad);
    u = unpack_of(str_make(too_large, sizeof(too_large) - 1));
    (void)unpack_number(&u);
    CHECK(u.bad);
    u = unpack_of(STR("\x05"));
    CHECK_INT(unpack_upto(&u, 4), 0);
    CHECK(u.bad);
    u = unpack_of(STR("\x05"
                      "abc"));
    CHECK(!str_is_set(unpack_str(&u)));
    CHECK(u.bad);
}

TEST_MAIN(T(test_all_comes_back), T(test_every_prefix_is_bad_or_short),
          T(test_what_is_no_number))
