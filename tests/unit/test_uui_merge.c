/* SPDX-License-Identifier: Apache-2.0 */
/* User-to-User from two sources: the decision table, domains, memory. */
#include "uui/merge.h"

#include "base/err.h"
#include "test.h"

#include <stdio.h>

static struct test_mem mem;
static struct arena arena;

static void begin(size_t chunk)
{
    test_mem_init(&mem);
    arena_init(&arena, &mem.mem, chunk);
}

static void end(void)
{
    arena_fini(&arena);
    CHECK_INT(mem.live, 0);
}

/* one value of isdn-uui in three spellings, another one, and two of a package of its own */
#define A "04AA;encoding=hex"
#define A_LOWER "04aa;encoding=hex;purpose=isdn-uui"
#define A_QUOTED "\"04AA\";encoding=hex;content=isdn-uui"
#define B "04BB;encoding=hex"
#define P "AA;encoding=hex;purpose=crm"
#define Q "BB;encoding=hex;purpose=crm"
#define DRAFT "04BB;encoding=hex;purpose=isdn-interwork"
#define STRANGE "x;purpose=\"a, b\""

enum { MAY = 1, STRICT = 2 };

static const struct row {
    const char *name, *given, *had;
    unsigned how;
    const char *values, *fresh;
    unsigned replaced, refused, forbidden;
} rows[] = {
    {"nothing at all", "", "", MAY, "", "", 0, 0, 0},
    {"only given", A, "", 0, A, A, 0, 0, 0},
    {"only had", "", A, MAY, A, "", 0, 0, 0},
    {"had, byte for byte", "", A " ,  " P, MAY, A " ,  " P, "", 0, 0, 0},
    {"equal octets", A_LOWER, A, MAY, A, "", 0, 0, 0},
    {"equal octets, other domain", A_QUOTED, A, 0, A, "", 0, 0, 0},
    {"different", B, A, MAY, B, B, 1, 0, 0},
    {"different, other domain", B, A, 0, A, "", 0, 1, 0},
    {"the draft's name is the same package", DRAFT, A, 0, A, "", 0, 1, 0},
    {"another package", P, A, 0, P ", " A, P, 0, 0, 0},
    {"another package, same octets", "04AA;encoding=hex;purpose=crm", A, MAY,
     "04AA;encoding=hex;purpose=crm, " A, "04AA;encoding=hex;purpose=crm", 0, 0, 0},
    {"one replaced, one stays", B, A ", " P, MAY, B ", " P, B, 1, 0, 0},
    {"one refused, one added", B ", " P, A, 0, P ", " A, P, 0, 1, 0},
    {"two of a package for one", P ", " Q, "CC;encoding=hex;purpose=crm", MAY, P ", " Q,
     P ", " Q, 1, 0, 0},
    {"one more of a package", P ", " Q, P, MAY, Q ", " P, Q, 0, 0, 0},
    {"two that the call has are one too many", B, A ", " A, MAY, B, B, 2, 0, 0},
    {"a package that cannot be told", STRANGE, A, MAY, STRANGE ", " A, STRANGE, 0, 0, 0},
    {"the same twice", STRANGE, STRANGE, MAY, STRANGE, "", 0, 0, 0},
    {"strict: isdn-uui is dropped", B, A, MAY | STRICT, A, "", 0, 0, 1},
    {"strict: even when there is none", B, "", MAY | STRICT, "", "", 0, 0, 1},
    {"strict: other packages are not", B ", " Q, A ", " P, MAY | STRICT, Q ", " A, Q, 1, 0, 1},
    {"one that breaks the rules is replaced", B, "04A;encoding=hex", MAY, B, B, 1, 0, 0},
    {"and protected", B, "04A;encoding=hex", 0, "04A;encoding=hex", "", 0, 1, 0},
};

static void test_table(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct uui_merge_args q = {.given = str_c(r->given),
                                   .had = str_c(r->had),
                                   .may_replace = (r->how & MAY) != 0,
                                   .isdn_strict = (r->how & STRICT) != 0};
        struct uui_merged m;
        begin(512);
        test_context(r->name);
        CHECK_INT(uui_merge(&arena, &q, &m), 0);
        CHECK_STR(m.values, r->values);
        CHECK_STR(m.fresh, r->fresh);
        CHECK_INT(m.replaced, r->replaced);
        CHECK_INT(m.refused, r->refused);
        CHECK_INT(m.forbidden, r->forbidden);
        end();
    }
    test_context(NULL);
}

static void test_absent(void)
{
    struct uui_merge_args q = {.may_replace = true};
    struct uui_merged m;
    begin(512);
    CHECK_INT(uui_merge(&arena, &q, &m), 0);
    CHECK(str_is_set(m.values) && m.values.n == 0);
    end();
}

static void test_too_many(void)
{
    char text[UUI_VALUES_MAX * 3 + 8];
    struct uui_merged m;
    struct out o;
    out_init(&o, text, sizeof(text));
    for (size_t i = 0; i <= UUI_VALUES_MAX; i++) {
        out_c(&o, i > 0 ? ",04" : "04");
    }
    struct uui_merge_args q = {.given = out_str_of(&o), .had = STR(A), .may_replace = true};
    begin(512);
    CHECK_INT(uui_merge(&arena, &q, &m), 0);
    CHECK_STR(m.values, A);
    CHECK_STR(m.fresh, "");
    end();
}

static void test_domains(void)
{
    static const struct str one[] = {STR_INIT("example.com"), STR_INIT("pbx.example.net")};
    static const struct str two[] = {STR_INIT("192.0.2.7"), STR_INIT("carrier.example")};
    static const struct uui_domain_group groups[] = {{one, 2}, {two, 2}};
    struct uui_carriage c = {.groups = groups, .group_count = 2};
    CHECK(uui_same_domain(&c, STR("other.example"), STR("OTHER.example")));
    CHECK(uui_same_domain(&c, STR("EXAMPLE.com"), STR("pbx.example.net")));
    CHECK(!uui_same_domain(&c, STR("example.com"), STR("carrier.example")));
    CHECK(!uui_same_domain(&c, STR("example.com"), STR("sub.example.com")));
    CHECK(!uui_same_domain(&c, STR_NONE, STR_NONE));
    CHECK(uui_may_replace(&c, UUI_MOVE_REDIRECT, STR("192.0.2.7"), STR("carrier.example")));
    CHECK(!uui_may_replace(&c, UUI_MOVE_BLIND, STR("192.0.2.7"), STR("example.com")));
    c.replacing[UUI_MOVE_BLIND] = UUI_REPLACE;
    c.replacing[UUI_MOVE_ATTENDED] = UUI_KEEP;
    CHECK(uui_may_replace(&c, UUI_MOVE_BLIND, STR("192.0.2.7"), STR("example.com")));
    CHECK(!uui_may_replace(&c, UUI_MOVE_ATTENDED, STR("example.com"), STR("example.com")));
    CHECK(uui_may_replace(NULL, UUI_MOVE_SERVICE, STR("a.example"), STR("b.example")));
    CHECK(!uui_may_replace(NULL, UUI_MOVE_REDIRECT, STR("a.example"), STR("b.example")));
}

static const char *proven[3];

static bool proves(void *ctx, const struct hop *hop, struct str name)
{
    (void)ctx;
    (void)hop;
    for (size_t i = 0; i < ARRAY_LEN(proven) && proven[i] != NULL; i++) {
        if (str_ieq(name, str_c(proven[i]))) {
            return true;
        }
    }
    return false;
}

/** Over TLS a domain is what the certificate proves. */
static void test_proven(void)
{
    static const struct str one[] = {STR_INIT("example.com"), STR_INIT("pbx.example.net")};
    static const struct uui_domain_group groups[] = {{one, 2}};
    static const struct {
        const char *proves, *claimed, *to, *want;
    } table[] = {
        {"carrier.example", "carrier.example", "example.com", "carrier.example"},
        {"example.com", "carrier.example", "example.com", "example.com"},
        {"pbx.example.net", "carrier.example", "example.com", "pbx.example.net"},
        {"pbx.example.net", "carrier.example", "other.example", ""},
        {"third.example", "example.com", "example.com", ""},
        {"third.example", "", "example.com", ""},
        {"example.com", "example.com", "", "example.com"},
    };
    struct uui_carriage c = {.groups = groups, .group_count = 1};
    struct env env = {.proves = proves};
    struct hop tls = {.transport = TP_TLS}, ws = {.transport = TP_WSS},
               udp = {.transport = TP_UDP};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct str claimed = str_c(table[i].claimed), to = str_c(table[i].to);
        proven[0] = table[i].proves;
        CHECK_STR(uui_proven_domain(&c, &env, &tls, claimed, to), table[i].want);
        CHECK_STR(uui_proven_domain(&c, &env, &ws, claimed, to), table[i].want);
        CHECK_STR(uui_proven_domain(&c, &env, &udp, claimed, to), table[i].claimed);
        CHECK_STR(uui_proven_domain(&c, &env, NULL, claimed, to), table[i].claimed);
    }
    env.proves = NULL; /* nobody looks at certificates: then they say nothing */
    CHECK_STR(uui_proven_domain(&c, &env, &tls, STR("example.com"), STR("example.com")), "");
}

struct heard {
    char text[128];
    size_t n;
};

static void on_lost(void *ctx, const struct uui_value *v, enum uui_fate fate)
{
    struct heard *h = ctx;
    h->n += (size_t)snprintf(h->text + h->n, sizeof(h->text) - h->n, "%.*s %s; ",
                             STR_ARG(v->text), uui_fate_text(fate));
}

/** Each value that does not go on is told of, with the reason. */
static void test_lost(void)
{
    static const struct {
        const char *given, *had, *want;
        unsigned how;
    } table[] = {
        {B, A, A " replaced; ", MAY},
        {B, A, B " foreign replacement refused; ", 0},
        {A_LOWER, A, "", 0},
        {B ", " Q, A ", " P,
         B " isdn-uui is not taken from others than the caller (RFC 7434 §8); " P " replaced; ",
         MAY | STRICT},
        {P, A, "", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct heard h = {.n = 0};
        struct uui_merged m;
        struct uui_merge_args q = {.given = str_c(table[i].given),
                                   .had = str_c(table[i].had),
                                   .may_replace = (table[i].how & MAY) != 0,
                                   .isdn_strict = (table[i].how & STRICT) != 0,
                                   .lost = on_lost,
                                   .ctx = &h};
        begin(512);
        CHECK_INT(uui_merge(&arena, &q, &m), 0);
        CHECK_STR(str_c(h.text), table[i].want);
        end();
    }
}

static void test_memory(void)
{
    struct uui_merge_args q = {
        .given = STR(B ", " P), .had = STR(A ", " STRANGE), .may_replace = true};
    size_t failures = 0;
    for (size_t at = 1; at < 16; at++) {
        struct uui_merged m;
        begin(16);
        mem.fail_at = at;
        int err = uui_merge(&arena, &q, &m);
        CHECK(err == 0 || err == E_NOMEM);
        failures += err != 0;
        if (err == 0) {
            CHECK_STR(m.values, B ", " P ", " STRANGE);
        }
        end();
    }
    CHECK(failures > 4);
}

TEST_MAIN(T(test_table), T(test_absent), T(test_too_many), T(test_domains), T(test_proven),
          T(test_lost), T(test_memory))
