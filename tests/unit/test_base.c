/* SPDX-License-Identifier: Apache-2.0 */
/* Base: strings, errors, hash, writer, addresses, environment helpers. */
#include "base/addr.h"
#include "base/base64url.h"
#include "base/env.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/out.h"
#include "test.h"
#include <stdio.h>

static void test_str_compares(void)
{
    CHECK(str_ieq(STR("ViA"), STR("vIa")));
    CHECK(!str_ieq(STR("Via"), STR("Vi")));
    CHECK(!str_ieq(STR("Via"), STR("Vib")));
    CHECK(!str_ieq(STR("@"), STR("`")));       /* 0x40, 0x60: not letters */
    CHECK(!str_ieq(STR("\xc4"), STR("\xe4"))); /* not ASCII */
    CHECK(str_ieq(STR_NONE, STR("")));
    CHECK(str_eq(STR_NONE, STR("")));
    CHECK(!str_is_set(STR_NONE) && str_is_set(STR("")));
    CHECK(str_cmp(STR("a"), STR("b")) < 0);
    CHECK(str_cmp(STR("b"), STR("a")) > 0);
    CHECK(str_cmp(STR("a"), STR("ab")) < 0);
    CHECK(str_cmp(STR("ab"), STR("a")) > 0);
    CHECK(str_cmp(STR("\xff"), STR("a")) > 0); /* unsigned bytes */
    CHECK_INT(str_cmp(STR("ab"), STR("ab")), 0);
    CHECK_INT(str_cmp(STR_NONE, STR("")), 0);
    CHECK(str_eq_secret(STR("abc"), STR("abc")));
    CHECK(!str_eq_secret(STR("abc"), STR("abd")));
    CHECK(!str_eq_secret(STR("abc"), STR("bbc")));
    CHECK(!str_eq_secret(STR("abc"), STR("ab")));
    CHECK(str_eq_secret(STR_NONE, STR("")));
}

static void test_str_searches(void)
{
    CHECK(str_starts(STR("sip:x"), STR("sip:")));
    CHECK(!str_starts(STR("SIP:x"), STR("sip:")));
    CHECK(!str_starts(STR("si"), STR("sip")));
    CHECK(str_starts(STR("x"), STR_NONE));
    CHECK(str_istarts(STR("SIP:x"), STR("sip:")));
    CHECK(!str_istarts(STR("SI"), STR("sip")));
    CHECK(str_ends(STR("a.b"), STR(".b")));
    CHECK(!str_ends(STR("a.b"), STR(".B")));
    CHECK(!str_ends(STR("b"), STR(".b")));
    CHECK_INT(str_index(STR("a;b;c"), ';'), 1);
    CHECK_INT(str_index(STR("abc"), ';'), 3);
    CHECK_INT(str_index(STR_NONE, ';'), 0);
    CHECK_INT(str_find(STR("aabab"), STR("ab")), 1);
    CHECK_INT(str_find(STR("aabab"), STR("b")), 2);
    CHECK_INT(str_find(STR("aab"), STR("aabb")), 3);
    CHECK_INT(str_find(STR("aab"), STR("ba")), 3);
    CHECK_INT(str_find(STR("aab"), STR("")), 0);
    CHECK_INT(str_find(STR_NONE, STR("x")), 0);
}

static void test_str_cuts(void)
{
    CHECK_STR(str_from(STR("abc"), 1), "bc");
    CHECK_STR(str_from(STR("abc"), 9), "");
    CHECK(str_is_set(str_from(STR("abc"), 9)));
    CHECK(!str_is_set(str_from(STR_NONE, 9)));
    CHECK_STR(str_upto(STR("abc"), 2), "ab");
    CHECK_STR(str_upto(STR("abc"), 9), "abc");
    CHECK_STR(str_trim(STR(" \t\r\n a b \r\n\t ")), "a b");
    CHECK_STR(str_trim(STR(" \t ")), "");
    CHECK_STR(str_trim(STR("a")), "a");
    CHECK_INT(str_trim(STR_NONE).n, 0);
}

static void test_str_reads_numbers(void)
{
    uint64_t v = 77;
    uint32_t w = 77;
    CHECK(!str_to_u64(STR(""), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR_NONE, UINT64_MAX, &v));
    CHECK(!str_to_u64(STR("+1"), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR("-1"), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR(" 1"), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR("1 "), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR("1a"), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR("1/"), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR("1:"), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR("18446744073709551616"), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR("99999999999999999999"), UINT64_MAX, &v));
    CHECK(!str_to_u64(STR("256"), 255, &v));
    CHECK(!str_to_u64(STR("1"), 0, &v));
    CHECK(!str_to_u64(STR("7"), 6, &v));
    CHECK(v == 77);
    CHECK(str_to_u64(STR("18446744073709551615"), UINT64_MAX, &v) && v == UINT64_MAX);
    CHECK(str_to_u64(STR("255"), 255, &v) && v == 255);
    CHECK(str_to_u64(STR("0"), 0, &v) && v == 0);
    CHECK(str_to_u64(STR("00000000000000000000000007"), 9, &v) && v == 7);
    CHECK(!str_to_u32(STR("4294967296"), &w) && w == 77);
    CHECK(str_to_u32(STR("4294967295"), &w) && w == UINT32_MAX);
    /* every limit against every number near it */
    for (uint64_t max = 0; max < 130; max++) {
        for (uint64_t n = 0; n < 130; n++) {
            char text[8];
            snprintf(text, sizeof(text), "%u", (unsigned)n);
            bool ok = str_to_u64(str_c(text), max, &v);
            if (ok != (n <= max) || (ok && v != n)) {
                CHECK_INT(n, -1);
            }
        }
    }
}

static void test_hex_digit(void)
{
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdef";
        const char *at = c != 0 ? strchr(digits, ascii_lower((char)c)) : NULL;
        CHECK_INT(hex_digit((char)c), at != NULL ? at - digits : -1);
    }
}

static void test_err_texts(void)
{
    CHECK_STR(str_c(err_text(0)), "no error");
    CHECK_STR(str_c(err_text(5)), "no error");
    CHECK_STR(str_c(err_text(E_NOMEM)), "out of memory");
    CHECK_STR(str_c(err_text(-9999)), "unknown error");
#define CHECK_TEXT(name, value, text) CHECK_STR(str_c(err_text(value)), text);
    ERR_LIST(CHECK_TEXT)
#undef CHECK_TEXT
}

/* ------------------------------------------------------------------------- hash */

/* Key 00 01 … 0f, inputs "", 00, 00 01, …: the published vectors of the reference program
   for the lengths 0-8, 15 and 63. */
static void test_siphash_vectors(void)
{
    static const struct {
        size_t n;
        uint64_t hash;
    } quick[] = {{0, 0xabac0158050fc4dcU},  {1, 0xc9f49bf37d57ca93U},
                 {7, 0xd3927d989bb11140U},  {8, 0x369095118d299a8eU},
                 {15, 0xd320d86d2a519956U}, {63, 0x9d199062b7bbb3a8U}},
      want[] = {
          {0, 0x726fdb47dd0e0e31U},  {1, 0x74f839c593dc67fdU},  {2, 0x0d6c8009d9a94f5aU},
          {3, 0x85676696d7fb7e2dU},  {4, 0xcf2794e0277187b7U},  {5, 0x18765564cd99a68dU},
          {6, 0xcbc9466e58fee3ceU},  {7, 0xab0200f58b01d137U},  {8, 0x93f5f5799a932462U},
          {15, 0xa129ca6149be45e5U}, {63, 0x958a324ceb064572U},
      };
    const struct hash_key key = {0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
    char in[64];
    for (int i = 0; i < 64; i++) {
        in[i] = (char)i;
    }
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        struct str s = test_guard(str_make(in, want[i].n));
        CHECK(hash_mac(&key, s) == want[i].hash);
        test_guard_free(s);
    }
    for (size_t i = 0; i < ARRAY_LEN(quick); i++) { /* SipHash-1-3 */
        struct str s = test_guard(str_make(in, quick[i].n));
        CHECK(hash_bytes(&key, s) == quick[i].hash);
        test_guard_free(s);
    }
}

static void test_hash_folds_ascii_only(void)
{
    const struct hash_key key = {1, 2};
    char in[40];
    char low[40];
    for (int shift = 0; shift < 256; shift++) {
        for (size_t i = 0; i < sizeof(in); i++) {
            in[i] = (char)(shift + (int)i);
            low[i] = ascii_lower(in[i]);
        }
        for (size_t n = 0; n <= sizeof(in); n++) {
            struct str s = test_guard(str_make(in, n));
            uint64_t folded = hash_ibytes(&key, s);
            test_guard_free(s);
            if (folded != hash_bytes(&key, str_make(low, n))) {
                CHECK_INT(shift, n);
            }
        }
    }
    CHECK(hash_ibytes(&key, STR("Call-ID")) == hash_ibytes(&key, STR("cALL-id")));
    CHECK(hash_bytes(&key, STR("a")) != hash_bytes(&key, STR("A")));
    CHECK(hash_bytes(&key, STR("a")) != hash_bytes(&(struct hash_key){1, 3}, STR("a")));
    CHECK(hash_bytes(&key, STR_NONE) == hash_bytes(&key, STR("")));
}

static void test_hash_mix_spreads(void)
{
    /* small neighbouring values fill 64 slots as evenly as chance would */
    unsigned slot[64] = {0};
    for (uint64_t v = 0; v < 6400; v++) {
        slot[hash_mix(12345, v) & 63]++;
    }
    for (int i = 0; i < 64; i++) {
        CHECK(slot[i] > 50 && slot[i] < 150);
    }
    CHECK(hash_mix(1, 2) != hash_mix(2, 1));
    CHECK(hash_mix(1, 2) == hash_mix(1, 2));
}

/* ----------------------------------------------------------------------- writer */

static void test_out_writes(void)
{
    char buf[128];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    out_str(&o, STR("ab"));
    out_str(&o, STR_NONE);
    out_c(&o, "cd");
    out_c(&o, NULL);
    out_ch(&o, ' ');
    out_u64(&o, 0);
    out_ch(&o, ' ');
    out_u64(&o, UINT64_MAX);
    out_fmt(&o, " %d-%s ", -5, "x");
    out_hex(&o, STR("\x00\x9f\xff"), false);
    out_hex(&o, STR("\xab"), true);
    CHECK(!o.over);
    CHECK_INT(o.need, o.n);
    CHECK_STR(out_str_of(&o), "abcd 0 18446744073709551615 -5-x 009fffAB");
}

/** The same writes for every buffer size; they must be the longest whole-write prefix. */
static void test_out_overflow_sticks(void)
{
    for (size_t cap = 0; cap <= 24; cap++) {
        char *buf = (char *)(uintptr_t)test_guard(str_make("........................", cap)).p;
        struct out o;
        out_init(&o, buf, cap);
        out_c(&o, "abcd");
        out_u64(&o, 123456);
        out_ch(&o, '!');
        out_fmt(&o, "%05d", 42);
        out_hex(&o, STR("\x12\x34"), false);
        CHECK_INT(o.need, 4 + 6 + 1 + 5 + 4);
        CHECK(o.over == (cap < 20));
        CHECK_BYTES(out_str_of(&o), str_upto(STR("abcd123456!000421234"), cap >= 20   ? 20
                                                                          : cap >= 18 ? 18
                                                                          : cap >= 16 ? 16
                                                                          : cap >= 11 ? 11
                                                                          : cap >= 10 ? 10
                                                                          : cap >= 4  ? 4
                                                                                      : 0));
        test_guard_free(str_make(buf, cap));
    }
    char buf[4];
    struct out o;
    out_init(&o, buf, 2);
    out_c(&o, "abc");
    out_c(&o, "d"); /* would fit, but what came before is missing */
    CHECK(o.over && o.n == 0 && o.need == 4);
    out_init(&o, NULL, 0);
    out_c(&o, "");
    out_str(&o, STR_NONE);
    CHECK(!o.over && o.need == 0);
}

static void test_out_long_format(void)
{
    char buf[1200];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    out_fmt(&o, "%600d", 7);
    out_fmt(&o, "%255d", 7);
    out_fmt(&o, "%256d", 7);
    CHECK(!o.over && o.n == 600 + 255 + 256 && o.need == o.n);
    CHECK(buf[599] == '7' && buf[600] == ' ' && buf[o.n - 1] == '7');
    struct str g = test_guard(str_make(buf, 601));
    out_init(&o, (char *)(uintptr_t)g.p, 601);
    out_fmt(&o, "%600d", 7);
    CHECK(!o.over && o.n == 600);
    out_init(&o, (char *)(uintptr_t)g.p, 600);
    out_fmt(&o, "%600d", 7); /* no place for the NUL: `need` says what would do */
    CHECK(o.over && o.n == 0 && o.need == 601);
    test_guard_free(g);
    g = test_guard(str_make(buf, 200));
    out_init(&o, (char *)(uintptr_t)g.p, 200);
    out_fmt(&o, "%200d", 7); /* short texts may fill the buffer to the last byte */
    CHECK(!o.over && o.n == 200);
    test_guard_free(g);
}

/* -------------------------------------------------------------------- addresses */

static const char *show(struct addr a)
{
    static char text[64];
    struct out o;
    out_init(&o, text, 49); /* the header promises at most 48 bytes */
    addr_write(&o, &a);
    CHECK(!o.over && o.n <= 48);
    text[o.n] = '\0';
    return text;
}

static void test_addr_reads_and_writes(void)
{
    static const struct {
        const char *in, *out; /* NULL: refused */
    } rows[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"192.0.2.1:5060", "192.0.2.1:5060"},
        {"0.0.0.0:0", "0.0.0.0"},
        {"255.255.255.255:65535", "255.255.255.255:65535"},
        {"192.0.2.1:65536", NULL},
        {"192.0.2.1:", NULL},
        {"192.0.2.1:+5", NULL},
        {"192.0.2.1:5060x", NULL},
        {"192.0.2.1 ", NULL},
        {" 192.0.2.1", NULL},
        {"192.0.2", NULL},
        {"192.0.2.256", NULL},
        {"192.0.2.01", NULL},
        {"192.0.2.1.1", NULL},
        {"0x7f000001", NULL},
        {"2130706433", NULL},
        {"", NULL},
        {":", NULL},
        {":5060", NULL},
        {"example.com", NULL},
        {"example.com:5060", NULL},
        {"::", "[::]"},
        {"::1", "[::1]"},
        {"[::1]", "[::1]"},
        {"[::1]:5060", "[::1]:5060"},
        {"[::1]:0", "[::1]"},
        {"[::1]5060", NULL},
        {"[::1]:", NULL},
        {"[::1", NULL},
        {"::1]", NULL},
        {"[]", NULL},
        {"[", NULL},
        {"]", NULL},
        {"[]:5060", NULL},
        {"[[::1]]", NULL},
        {"[192.0.2.1]", NULL},
        {"[192.0.2.1]:5060", NULL},
        {"2001:DB8::00A", "[2001:db8::a]"},
        {"2001:db8:0:0:0:0:0:1", "[2001:db8::1]"},
        {"2001:db8:0:0:0:0:0:0:1", NULL},
        {"2001:db8::1::2", NULL},
        {"2001:db8", NULL},
        {"[fe80::1%eth0]", NULL},
        {"fe80::1%1", NULL},
        {"[::ffff:192.0.2.1]:5060", "[::ffff:192.0.2.1]:5060"},
        {"[2001:db8::192.0.2.1]", "[2001:db8::c000:201]"},
        {"[2001:db8:::192.0.2.1]:5070", "[2001:db8::c000:201]:5070"},
        {"2001:db8:::192.0.2.1", "[2001:db8::c000:201]"},
        {"[2001:db8::::192.0.2.1]", NULL},
        {"[2001:db8:::1]", NULL},
        {"[2001:::db8:192.0.2.1]", NULL},
        {"[:::192.0.2.1]", "[::192.0.2.1]"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]"},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
        {"0000000000000000000000000000000000000000000000000000000000000000000000000000::1",
         NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct addr a = {.pad = 77};
        struct str in = test_guard(str_c(rows[i].in));
        test_context(rows[i].in);
        bool ok = addr_parse(in, &a);
        CHECK(ok == (rows[i].out != NULL));
        if (ok && rows[i].out != NULL) {
            CHECK_STR(str_c(show(a)), rows[i].out);
        } else {
            CHECK_INT(a.pad, 77); /* untouched */
        }
        test_guard_free(in);
    }
}

static void test_addr_parses_hosts(void)
{
    struct addr a;
    CHECK(addr_parse_host(STR("192.0.2.1"), 5061, &a));
    CHECK(a.family == ADDR_IP4 && a.port == 5061 && a.ip[0] == 192 && a.ip[3] == 1);
    CHECK(addr_parse_host(STR("[2001:db8::1]"), 7, &a));
    CHECK(a.family == ADDR_IP6 && a.port == 7 && a.ip[0] == 0x20 && a.ip[15] == 1);
    CHECK(addr_parse_host(STR("2001:db8::1"), 7, &a));
    CHECK(!addr_parse_host(STR("192.0.2.1:5060"), 7, &a));
    CHECK(!addr_parse_host(STR("[::1]:5060"), 7, &a));
    CHECK(!addr_parse_host(STR("192.0.2.1\0"), 7, &a));
    CHECK(!addr_parse_host(STR("192.0.2.1\0.example.com"), 7, &a));
    CHECK(!addr_parse_host(STR("::1\0"), 7, &a));
    CHECK(!addr_parse_host(STR_NONE, 7, &a));
}

static struct addr addr_of(const char *text)
{
    struct addr a = {.family = ADDR_NONE};
    CHECK(addr_parse(str_c(text), &a));
    return a;
}

static bool same(const char *a, const char *b)
{
    struct addr x = addr_of(a);
    struct addr y = addr_of(b);
    CHECK(addr_eq(&x, &y) == addr_eq(&y, &x));
    return addr_eq(&x, &y);
}

static void test_addr_compares(void)
{
    CHECK(same("192.0.2.1:5060", "192.0.2.1:5060"));
    CHECK(!same("192.0.2.1:5060", "192.0.2.1:5061"));
    CHECK(!same("192.0.2.1:5060", "192.0.2.2:5060"));
    CHECK(same("[::ffff:192.0.2.1]:5060", "192.0.2.1:5060"));
    CHECK(!same("[::ffff:192.0.2.1]:5060", "192.0.2.2:5060"));
    CHECK(!same("[::192.0.2.1]:5060", "192.0.2.1:5060"));
    CHECK(same("[2001:db8:0::1]:1", "[2001:DB8::1]:1"));
    CHECK(!same("[2001:db8::1]:1", "[2001:db8::2]:1"));
    struct addr a = addr_of("10.0.0.1:1");
    struct addr b = addr_of("10.0.0.1:2");
    struct addr none = {.family = ADDR_NONE};
    CHECK(addr_ip_eq(&a, &b));
    CHECK(!addr_ip_eq(&a, &none));
    CHECK(addr_ip_eq(&none, &none));
    CHECK_STR(str_c(show(none)), "?");
}

static void test_addr_loopback(void)
{
    static const char *const yes[] = {"127.0.0.1", "127.9.9.9:1", "::1", "::ffff:127.0.0.1"};
    static const char *const no[] = {
        "128.0.0.1", "10.0.0.127", "::", "::2", "fe80::1", "::ffff:10.0.0.1"};
    struct addr a = {.family = ADDR_NONE};
    CHECK(!addr_is_loopback(&a));
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        a = addr_of(yes[i]);
        CHECK(addr_is_loopback(&a));
    }
    for (size_t i = 0; i < ARRAY_LEN(no); i++) {
        a = addr_of(no[i]);
        CHECK(!addr_is_loopback(&a));
    }
}

static void test_transports(void)
{
    for (int t = 0; t < TP_COUNT; t++) {
        struct str name = str_c(transport_name((enum transport)t));
        CHECK_INT(transport_of(name), t);
        CHECK(transport_is_reliable((enum transport)t) == (t >= TP_TCP));
    }
    CHECK_INT(transport_of(STR("wss")), TP_WSS);
    CHECK_INT(transport_of(STR("sctp")), TP_NONE);
    CHECK_INT(transport_of(STR_NONE), TP_NONE);
    CHECK_STR(str_c(transport_name(TP_COUNT)), "?");
}

/* ------------------------------------------------------------------ environment */

struct world {
    uint8_t byte;
    char text[600];
    size_t n;
    int level, calls;
    const char *module;
    struct trace_ids ids;
};

static void give_bytes(void *ctx, void *out, size_t n)
{
    struct world *w = ctx;
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)out)[i] = w->byte;
        w->byte = (uint8_t)(w->byte * 5 + 3);
    }
}

static void keep_trace(void *ctx, enum trace_level level, const char *module,
                       const struct trace_ids *ids, struct str text)
{
    struct world *w = ctx;
    memcpy(w->text, text.p, text.n);
    w->n = text.n;
    w->level = (int)level;
    w->module = module;
    w->calls++;
    w->ids = *ids;
}

static void test_env_trace(void)
{
    struct world w = {0};
    struct env env = {.ctx = &w};
    env_trace(&env, TRACE_WARN, "base", "%d", 5);
    CHECK_INT(w.calls, 0);
    env.trace = keep_trace;
    env_trace(&env, TRACE_WARN, "base", "%d calls of %s", 5, "x");
    CHECK_INT(w.calls, 1);
    CHECK_INT(w.level, TRACE_WARN);
    CHECK_STR(str_c(w.module), "base");
    CHECK_STR(str_make(w.text, w.n), "5 calls of x");
    CHECK(!str_is_set(w.ids.call));
    env_trace_of(&env, TRACE_WARN, "base", &(struct trace_ids){.call = STR("c1")}, "%s", "x");
    CHECK_STR(w.ids.call, "c1");
    w.calls--;
    env_trace(&env, TRACE_INFO, "base", "%600d", 5);
    CHECK_INT(w.n, 511);
    CHECK_INT(w.calls, 2);
    env.trace_from = TRACE_WARN;
    env_trace(&env, TRACE_INFO, "base", "nobody wants it");
    CHECK_INT(w.calls, 2);
    env_trace(&env, TRACE_WARN, "base", "somebody does");
    CHECK_INT(w.calls, 3);
}

static void test_env_random(void)
{
    struct world w = {.byte = 1};
    struct env env = {.ctx = &w, .random = give_bytes};
    unsigned seen[256] = {0};
    uint64_t first = env_random64(&env);
    CHECK(first != env_random64(&env));
    for (size_t n = 0; n < 40; n++) {
        char text[48];
        memset(text, '#', sizeof(text));
        env_random_token(&env, text, n);
        for (size_t i = 0; i < n; i++) {
            seen[(unsigned char)text[i]]++;
        }
        CHECK(text[n] == '#' && memchr(text, '#', n) == NULL);
    }
    unsigned kinds = 0;
    for (int c = 0; c < 256; c++) {
        bool allowed = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
        CHECK(allowed || seen[c] == 0);
        kinds += seen[c] > 0;
    }
    CHECK(kinds > 30);
}

/* The vectors of RFC 4648 §10, without padding, and every octet. */
static void test_base64url(void)
{
    static const char *const row[][2] = {
        {"", ""},
        {"f", "Zg"},
        {"fo", "Zm8"},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg"},
        {"fooba", "Zm9vYmE"},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xbf", "-_-_"},
    };
    static const char *const bad[] = {"Z", "Zg=", "Zh", "Zm9", "Zm9vYmFyZ", "Zm+v", "Zm 8"};
    uint8_t octets[256], back[256];
    char text[400];
    struct out o;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        size_t n = strlen(row[i][0]);
        out_init(&o, text, sizeof(text));
        base64url_write(&o, (const uint8_t *)row[i][0], n);
        CHECK_BYTES(out_str_of(&o), str_c(row[i][1]));
        CHECK_INT(base64url_read(str_c(row[i][1]), back, sizeof(back)), n);
        CHECK(memcmp(back, row[i][0], n) == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        test_context(bad[i]);
        CHECK(base64url_read(str_c(bad[i]), back, sizeof(back)) == SIZE_MAX);
    }
    test_context(NULL);
    for (size_t i = 0; i < sizeof(octets); i++) {
        octets[i] = (uint8_t)i;
    }
    out_init(&o, text, sizeof(text));
    base64url_write(&o, octets, sizeof(octets));
    CHECK_INT(o.n, BASE64URL_LEN(sizeof(octets)));
    CHECK_INT(base64url_read(out_str_of(&o), back, sizeof(back)), sizeof(octets));
    CHECK(memcmp(octets, back, sizeof(octets)) == 0);
    CHECK(base64url_read(out_str_of(&o), back, sizeof(back) - 1) == SIZE_MAX);
}

TEST_MAIN(T(test_base64url), T(test_str_compares), T(test_str_searches), T(test_str_cuts),
          T(test_str_reads_numbers), T(test_hex_digit), T(test_err_texts),
          T(test_siphash_vectors), T(test_hash_folds_ascii_only), T(test_hash_mix_spreads),
          T(test_out_writes), T(test_out_overflow_sticks), T(test_out_long_format),
          T(test_addr_reads_and_writes), T(test_addr_parses_hosts), T(test_addr_compares),
          T(test_addr_loopback), T(test_transports), T(test_env_trace), T(test_env_random))
