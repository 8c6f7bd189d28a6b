/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing that comes in can hurt: guard pages, every prefix, every octet changed, and
   memory that runs out at each allocation. */
#include "base/err.h"
#include "baton/uui.h"
#include "test.h"
#include "uui/uui.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const samples[] = {
    "56a390f3d2b7310023a2;encoding=hex;purpose=foo;content=bar",
    "\"a\\\"b\\\\\xC3\xA4\xF0\x9F\x98\x80\r\n c\" ; encoding = jwt ;flag;q=\"x\\\\\"",
    "0448 ;\r\n encoding=hex, \"0a0b\";purpose=pk1;h=[::1],",
    "00C8%253Bencoding%253Dhex;purpose=isdn-interwork;content=isdn-uui",
    "<sip:a@h?X=1&User-to-User=0448%3Bencoding%3Dhex&User-to-User=%2249%22,>",
    "User-to-User%3D04&User-to-User=04%2C%09%3b&User-to-User",
};

/** What holds for each value, whatever the input was. */
static void check_invariants(const struct uui_value *v)
{
    CHECK_INT(v->verdict, uui_rule_verdict(v->rule));
    CHECK_INT(v->rule == UUI_R_NONE, v->verdict == UUI_VALID);
    CHECK(v->at <= v->text.n);
    CHECK_INT(str_is_set(v->octets), v->verdict != UUI_WRONG);
    CHECK_INT(v->octets.n, uui_decoded_len(v));
    struct str rest = v->params, name, value;
    size_t n = 0;
    while (uui_param_next(&rest, &name, &value)) {
        n++;
    }
    CHECK(n <= UUI_PARAMS_MAX);
}

/** All readers over one text that ends at an unreadable page. */
static void read_all(struct arena *a, struct str text)
{
    struct str guarded = test_guard(text);
    struct uui_list l;
    REQUIRE(uui_list_parse(&guarded, 1, NULL, a, &l) == 0);
    CHECK(l.n > 0);
    for (size_t i = 0; i < l.n; i++) {
        check_invariants(&l.v[i]);
    }
    struct str ways[2] = {guarded, uui_uri_headers(guarded)};
    for (size_t k = 0; k < 2; k++) {
        REQUIRE(uui_list_parse_uri(ways[k], NULL, a, &l) == 0);
        for (size_t i = 0; i < l.n; i++) {
            check_invariants(&l.v[i]);
        }
    }
    test_guard_free(guarded);
    arena_reset(a);
}

static void test_every_prefix(void)
{
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        for (size_t n = 0; n <= strlen(samples[i]); n++) {
            read_all(&a, str_make(samples[i], n));
        }
    }
    arena_fini(&a);
}

static void test_every_octet_changed(void)
{
    static const unsigned char marks[] =
        "\0\t\n\r \"%&,;=<>?@\\[]aZ5\x7F\x80\xBF\xC3\xE2\xF0\xFD\xFF";
    struct arena a;
    char text[128];
    arena_init(&a, &mem_libc, 4096);
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        size_t n = strlen(samples[i]);
        REQUIRE(n <= sizeof(text));
        for (size_t at = 0; at < n; at++) {
            memcpy(text, samples[i], n);
            for (size_t k = 0; k < sizeof(marks) - 1; k++) {
                text[at] = (char)marks[k];
                read_all(&a, str_make(text, n));
            }
        }
    }
    arena_fini(&a);
}

static void test_memory_runs_out(void)
{
    static const struct str lines[] = {STR_INIT("0448;encoding=hex,01;purpose=x"),
                                       STR_INIT("\"text\";encoding=jwt")};
    const struct str headers = STR("User-to-User=0448%2C04&User-to-User=05");
    for (int uri = 0; uri < 2; uri++) {
        size_t failures = 0;
        for (size_t at = 1;; at++) {
            struct test_mem t;
            struct arena a;
            struct uui_list l;
            test_mem_init(&t);
            t.fail_at = at;
            arena_init(&a, &t.mem, 16);
            int err = uri ? uui_list_parse_uri(headers, NULL, &a, &l)
                          : uui_list_parse(lines, 2, NULL, &a, &l);
            arena_fini(&a);
            CHECK_INT(t.live, 0);
            if (err == 0) {
                CHECK_INT(l.n, 3);
                break;
            }
            CHECK_INT(err, E_NOMEM);
            CHECK_INT(l.n, 0);
            REQUIRE(++failures < 100);
        }
        CHECK(failures >= 3);
    }
}

/** A copy of packages stands by itself, or there is none. */
static void test_packages_are_copied(void)
{
    static const struct str contents[] = {STR_INIT("ticket"), STR_INIT("order")};
    char name[] = "acme";
    const struct uui_package row[] = {{.name = {name, 4},
                                       .contents = contents,
                                       .content_n = 2,
                                       .encodings = contents,
                                       .encoding_n = 1,
                                       .feature_tag = STR_INIT("+x"),
                                       .max_octets = 7},
                                      {.name = STR_INIT("plain")}};
    const struct uui_packages from = {row, 2, true};
    struct uui_packages *to = NULL;
    for (size_t at = 1; to == NULL; at++) {
        struct test_mem t;
        struct arena a;
        test_mem_init(&t);
        t.fail_at = at;
        arena_init(&a, &t.mem, 16);
        to = uui_packages_copy(&from, &a);
        name[0] = to != NULL ? 'x' : 'a';
        if (to != NULL) {
            const struct uui_package *p = uui_package_of(to, STR("ACME"));
            CHECK(at > 8 && to->n == 2 && to->lenient);
            CHECK(p != NULL && p->content_n == 2 && p->max_octets == 7);
            CHECK(p != NULL && str_eq(p->contents[1], STR("order")));
            CHECK(!str_is_set(to->row[1].feature_tag));
        }
        arena_fini(&a);
        CHECK_INT(t.live, 0);
        REQUIRE(at < 100);
    }
}

/** The public readers with buffers of exactly the promised size. */
static void test_api_promises_hold(void)
{
    for (size_t i = 0; i < ARRAY_LEN(samples); i++) {
        for (size_t n = 0; n <= strlen(samples[i]); n++) {
            struct str text = test_guard(str_make(samples[i], n));
            unsigned char *octets = malloc(n > 0 ? n : 1);
            char *buf = malloc(3 * n + 1);
            struct baton_uui_value v[16];
            size_t count, len;
            CHECK_INT(baton_uui_parse(text.p, n, octets, n, &v[0]), 0);
            CHECK_INT(baton_uui_parse_list(text.p, n, octets, n, v, 16, &count), 0);
            CHECK(count > 0);
            CHECK_INT(baton_uui_to_uri(text.p, n, buf, 3 * n + 1, &len), 0);
            int err = baton_uui_from_uri(text.p, n, buf, n, &len, NULL, NULL);
            CHECK(err == 0 || err == BATON_UUI_EVALUE);
            free(octets);
            free(buf);
            test_guard_free(text);
        }
    }
}

TEST_MAIN(T(test_every_prefix), T(test_every_octet_changed), T(test_packages_are_copied),
          T(test_memory_runs_out), T(test_api_promises_hold))
