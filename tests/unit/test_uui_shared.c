/* SPDX-License-Identifier: Apache-2.0 */
/* Shared UUI: items, the UCID in digits, and what stays when there is no room for all. */
#include "base/err.h"
#include "test.h"
#include "uui/shared.h"

static void test_items(void)
{
    struct str rest = STR("\xFA\0101234"
                          "5678\xC8\0\xC9\001x");
    struct uui_shared_item item;
    CHECK(uui_shared_is(rest));
    CHECK_STR(uui_shared_find(rest, UUI_SHARED_UCID), "12345678");
    CHECK_STR(uui_shared_find(rest, 0xC9), "x");
    CHECK_INT(uui_shared_find(rest, UUI_SHARED_ASAI).n, 0);
    CHECK(str_is_set(uui_shared_find(rest, UUI_SHARED_ASAI)));
    CHECK(!str_is_set(uui_shared_find(rest, 0x81)));
    CHECK(uui_shared_next(&rest, &item));
    CHECK_INT(item.id, 0xFA);
    CHECK(uui_shared_next(&rest, &item));
    CHECK(uui_shared_next(&rest, &item));
    CHECK_INT(item.id, 0xC9);
    CHECK(!uui_shared_next(&rest, &item));
    CHECK_INT(rest.n, 0);
}

static void test_what_is_none(void)
{
    static const struct str none[] = {
        STR_INIT(""),
        STR_INIT("\xFA"),
        STR_INIT("\xFA\001"),
        STR_INIT("\xFA\377a"),
        STR_INIT("\xC8\001ab"),
        STR_INIT("A\001x"),
        STR_INIT("\xC8\001xA\001x"),
    };
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        struct str guarded = test_guard(none[i]);
        CHECK(!uui_shared_is(guarded));
        test_guard_free(guarded);
    }
    CHECK(uui_shared_begins(STR("\xFA\xC9")));
    CHECK(!uui_shared_begins(STR("\xC9\xC9")));
    CHECK(!uui_shared_begins(STR("\xFA")));
}

static void test_ucid(void)
{
    char text[UUI_UCID_DIGITS + 1], octets[UUI_UCID_OCTETS];
    static const struct str value = STR_INIT("\000\001\000\x88\x58\xBF\xD6\xBD");
    CHECK(uui_ucid_text(value, text));
    CHECK_STR(str_c(text), "00001001361488967357");
    CHECK(uui_ucid_octets(str_c(text), octets));
    CHECK_BYTES(str_make(octets, sizeof(octets)), value);
    CHECK(uui_ucid_text(STR("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), text));
    CHECK_STR(str_c(text), "65535655354294967295");
    CHECK(!uui_ucid_text(STR("1234567"), text));
    CHECK(!uui_ucid_octets(STR("65536655354294967295"), octets));
    CHECK(!uui_ucid_octets(STR("65535655354294967296"), octets));
    CHECK(!uui_ucid_octets(STR("6553565535429496729"), octets));
    CHECK(!uui_ucid_octets(STR("6553565535429496729x"), octets));
}

static struct str fitted(size_t limit, const struct uui_shared_order *order,
                         struct uui_shared_fit *fit, int want)
{
    static const struct str info = STR_INIT("\xFA\01012345678\xC9\001x\xC8\003abc");
    static char buf[64];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(uui_shared_fit(info, limit, order, &o, fit), want);
    return out_str_of(&o);
}

static void test_room(void)
{
    struct uui_shared_fit fit;
    static const uint8_t ucid_first[] = {UUI_SHARED_UCID};
    const struct uui_shared_order order = {ucid_first, 1};
    CHECK_STR(fitted(18, NULL, &fit, 0), "\xFA\01012345678\xC9\001x\xC8\003abc");
    CHECK_INT(fit.kept, 3);
    CHECK_INT(fit.dropped, 0);
    /* ASAI data first, then the UCID, then the others */
    CHECK_STR(fitted(17, NULL, &fit, 0), "\xFA\01012345678\xC8\003abc");
    CHECK_INT(fit.dropped, 1);
    CHECK_INT(fit.first, 0xC9);
    CHECK_STR(fitted(14, NULL, &fit, 0), "\xC9\001x\xC8\003abc");
    CHECK_INT(fit.first, UUI_SHARED_UCID);
    CHECK_STR(fitted(5, NULL, &fit, 0), "\xC8\003abc");
    CHECK_INT(fit.dropped, 2);
    CHECK_STR(fitted(10, &order, &fit, 0), "\xFA\01012345678");
    CHECK_INT(fit.first, 0xC9);
    (void)fitted(2, NULL, &fit, E_TOOBIG);
    CHECK_INT(fit.kept, 0);
    char many[2 * 65];
    struct out o;
    char buf[200];
    for (size_t i = 0; i < sizeof(many); i++) {
        many[i] = (char)(i % 2 == 0 ? 0xC8 : 0);
    }
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(uui_shared_fit(str_make(many, 128), 200, NULL, &o, &fit), 0);
    CHECK_INT(uui_shared_fit(str_make(many, 130), 200, NULL, &o, &fit), E_TOOMANY);
    out_init(&o, buf, 3);
    CHECK_INT(uui_shared_fit(STR("\xC8\003abc"), 200, NULL, &o, &fit), E_SPACE);
}

static void test_write(void)
{
    char buf[300], long_data[256] = {0};
    struct out o;
    out_init(&o, buf, sizeof(buf));
    CHECK_INT(uui_shared_write(&o, 0xC8, STR("ab")), 0);
    CHECK_STR(out_str_of(&o), "\xC8\002ab");
    CHECK_INT(uui_shared_write(&o, 0xC8, str_make(long_data, 256)), E_TOOBIG);
    CHECK_INT(uui_shared_write(&o, 0xC8, str_make(long_data, 255)), 0);
    CHECK_INT(uui_shared_write(&o, 0xC8, str_make(long_data, 255)), E_SPACE);
    CHECK_STR(str_c(uui_shared_name(0xFA)), "UCID, universal call identifier");
    CHECK_STR(str_c(uui_shared_name(0x01)), "");
}

TEST_MAIN(T(test_items), T(test_what_is_none), T(test_ucid), T(test_room), T(test_write))
