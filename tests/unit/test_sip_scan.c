/* SPDX-License-Identifier: Apache-2.0 */
/* The scans of sixteen octets a step against loops of one, at every length and place. */
#include "sip/scan.h"

#include "test.h"

#include <stdint.h>

static const char *plain_control(const char *p, const char *end)
{
    while (p < end && (unsigned char)*p > 0x1f) {
        p++;
    }
    return p;
}

static const char *plain_char(const char *p, const char *end, char c)
{
    while (p < end && *p != c) {
        p++;
    }
    return p;
}

static void compare(struct str g)
{
    const char *end = g.p + g.n;
    CHECK(sip_scan_control(g.p, end) == plain_control(g.p, end));
    CHECK(sip_scan_char(g.p, end, ':') == plain_char(g.p, end, ':'));
    CHECK(sip_scan_char(g.p, end, '\xff') == plain_char(g.p, end, '\xff'));
}

/* Two interesting octets anywhere in up to 50; the buffer ends at a guard page. */
static void test_scans(void)
{
    static const char odd[] = "\0\t\n\r\x1f :\x7f\x80\xff";
    char text[50];
    memset(text, 'x', sizeof(text));
    for (size_t n = 0; n <= sizeof(text); n++) {
        struct str g = test_guard(str_make(text, n));
        char *p = (char *)(uintptr_t)g.p;
        compare(g);
        for (size_t i = 0; i < n; i++) {
            for (size_t k = 0; k < sizeof(odd) - 1; k++) {
                p[i] = odd[k];
                compare(g);
                p[n - 1 - i] = odd[(k + i) % (sizeof(odd) - 1)];
                compare(g);
                p[n - 1 - i] = 'x';
                p[i] = 'x';
            }
        }
        test_guard_free(g);
    }
}

static void test_zero(void)
{
    char buf[320];
    for (size_t n = 16; n <= 300; n++) {
        memset(buf, 1, sizeof(buf));
        sip_zero(buf + 8, n);
        size_t zeros = 0;
        for (size_t i = 0; i < sizeof(buf); i++) {
            zeros += buf[i] == 0;
            CHECK_INT(buf[i] == 0, i >= 8 && i < 8 + n);
        }
        CHECK_INT(zeros, n);
    }
}

TEST_MAIN(T(test_scans), T(test_zero))
