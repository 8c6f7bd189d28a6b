/* SPDX-License-Identifier: Apache-2.0 */
/* Packages of User-to-User and dialects of peers in the configuration: what becomes of them,
   and what is wrong, with line and column. */
#include "server/config.h"
#include "test.h"
#include "uui/shared.h"

static struct config *read_text(const char *text, struct config_error *error)
{
    struct str copy = test_guard(str_c(text));
    struct config *c = config_read("test.yaml", copy, error);
    test_guard_free(copy);
    return c;
}

static void test_nothing_said(void)
{
    struct config_error error;
    struct config *c = read_text("peers: [{name: pbx, uri: \"sip:192.0.2.7\"}]\n", &error);
    REQUIRE(c != NULL);
    REQUIRE(c->engine.packages != NULL);
    CHECK_INT(c->engine.packages->n, 0);
    CHECK(!c->engine.packages->lenient);
    CHECK(c->peers[0].uui.dialect == NULL);
    CHECK(!c->peers[0].uui.has_pd);
    config_free(c);
}

static void test_packages(void)
{
    static const char text[] = "uui:\n"
                               "  strict: false\n"
                               "  ask_s: 900\n"
                               "  keep_no_s: 60\n"
                               "  packages:\n"
                               "    - name: crm\n"
                               "      contents: [key, code]\n"
                               "      encodings: [text, hex]\n"
                               "      max_octets: 40\n"
                               "      max_count: 2\n"
                               "      direction: out\n"
                               "      feature_tag: +com.example.crm\n"
                               "      tls_only: true\n"
                               "    - {name: plain}\n"
                               "    - {name: ISDN-uui, max_octets: 33}\n";
    struct config_error error;
    struct config *c = read_text(text, &error);
    REQUIRE(c != NULL);
    const struct uui_packages *all = c->engine.packages;
    CHECK_INT(all->n, 3);
    CHECK(all->lenient);
    CHECK_INT(c->engine.peers.ask_s, 900);
    CHECK_INT(c->engine.peers.keep_s, 3600);
    CHECK_INT(c->engine.peers.keep_no_s, 60);
    const struct uui_package *p = uui_package_of(all, STR("CRM"));
    REQUIRE(p != NULL);
    CHECK_INT(p->content_n, 2);
    CHECK_STR(p->contents[1], "code");
    CHECK_INT(p->encoding_n, 2);
    CHECK_STR(p->encodings[0], "text");
    CHECK_INT(p->max_octets, 40);
    CHECK_INT(p->max_count, 2);
    CHECK_INT(p->direction, UUI_OUT);
    CHECK_STR(p->feature_tag, "+com.example.crm");
    CHECK(p->tls_only);
    p = uui_package_of(all, STR("plain"));
    REQUIRE(p != NULL);
    CHECK_INT(p->max_count, 1);
    CHECK_INT(p->content_n + p->encoding_n + p->max_octets, 0);
    CHECK_INT(p->direction, UUI_BOTH);
    CHECK_INT(p->seal, UUI_SEAL_OFF);
    p = uui_package_of(all, uui_isdn);
    REQUIRE(p != NULL);
    CHECK_INT(p->max_octets, 33);
    CHECK_INT(p->max_count, 1);
    CHECK_STR(p->contents[0], "isdn-uui");
    CHECK_STR(p->feature_tag, "+sip.uui-isdn");
    config_free(c);
}

/* Only who reads leniently may take more of isdn-uui than RFC 7434 has. */
static void test_loose_isdn(void)
{
    struct config_error error;
    struct config *c = read_text("uui:\n"
                                 "  strict: false\n"
                                 "  packages:\n"
                                 "    - {name: isdn-uui, contents: [isdn-uui, x],\n"
                                 "       encodings: [hex, text], max_count: 0}\n",
                                 &error);
    struct str line = STR("0448;content=x, hello;encoding=text");
    struct arena arena;
    struct uui_list l;
    REQUIRE(c != NULL);
    arena_init(&arena, &mem_libc, 1024);
    CHECK_INT(uui_list_parse(&line, 1, c->engine.packages, &arena, &l), 0);
    REQUIRE(l.n == 2);
    CHECK_INT(l.v[0].verdict, UUI_VALID);
    CHECK_INT(l.v[1].verdict, UUI_VALID);
    CHECK_STR(l.v[1].octets, "hello");
    arena_fini(&arena);
    config_free(c);
}

static void test_neighbours(void)
{
    static const char text[] =
        "peers:\n"
        "  - {name: a, uri: \"sip:192.0.2.7\", uui_dialect: Genesys-PD}\n"
        "  - {name: b, uri: \"sip:192.0.2.8\", uui_dialect: bare-hex, uui_max_octets: 32,\n"
        "     uui_pd: 0, uui_reading: lenient}\n"
        "  - {name: c, uri: \"sip:192.0.2.9\", uui_max_octets: 128}\n"
        "  - {name: d, uri: \"sip:192.0.2.6\", uui_dialect: avaya-shared,\n"
        "     uui_items: [fA, C8]}\n";
    struct config_error error;
    struct config *c = read_text(text, &error);
    REQUIRE(c != NULL);
    CHECK(c->peers[0].uui.dialect == uui_dialect_named(STR("genesys-pd")));
    CHECK(!c->peers[0].uui.has_pd);
    CHECK_INT(c->peers[0].uui.reading, UUI_READ_AS_ALL);
    CHECK_INT(c->peers[1].uui.max_octets, 32);
    CHECK(c->peers[1].uui.has_pd);
    CHECK_INT(c->peers[1].uui.pd, 0);
    CHECK_INT(c->peers[1].uui.reading, UUI_READ_LENIENT);
    CHECK(c->peers[2].uui.dialect == NULL);
    CHECK_INT(c->peers[2].uui.max_octets, 128);
    CHECK_INT(c->peers[3].uui.item_n, 2);
    CHECK_INT(c->peers[3].uui.item[0], UUI_SHARED_UCID);
    CHECK_INT(c->peers[3].uui.item[1], UUI_SHARED_ASAI);
    config_free(c);
}

static void test_what_is_wrong(void)
{
    static const struct {
        const char *text;
        unsigned line, column;
        const char *why;
    } cases[] = {
        {"uui: {packages: [{name: \"a b\"}]}\n", 1, 25, "a token is wanted"},
        {"uui: {packages: [{name: isdn-interwork}]}\n", 1, 25, "not isdn-interwork"},
        {"uui: {packages: [{name: a}, {name: A}]}\n", 1, 36, "a package A already"},
        {"uui: {packages: [{max_count: 1}]}\n", 1, 18, "name"},
        {"uui: {packages: [{name: a, encodings: [\"x y\"]}]}\n", 1, 40, "encodings: a token"},
        {"uui: {packages: [{name: a, contents: [b, \"\\\"c\"]}]}\n", 1, 42,
         "contents: a token"},
        {"uui: {packages: [{name: a, feature_tag: com.x}]}\n", 1, 41, "+ and a name"},
        {"uui: {packages: [{name: a, seal: maybe}]}\n", 1, 34, "seal"},
        {"uui: {packages: [{name: isdn-uui, encodings: [text]}]}\n", 1, 46, "hex only"},
        {"uui: {packages: [{name: isdn-uui, contents: [x]}]}\n", 1, 45, "isdn-uui only"},
        {"uui: {packages: [{name: isdn-uui, max_count: 2}]}\n", 1, 46, "once only"},
        {"peers: [{name: a, uri: \"sip:192.0.2.7\", uui_dialect: esperanto}]\n", 1, 54,
         "there is no esperanto"},
        {"peers: [{name: a, uri: \"sip:192.0.2.7\", uui_pd: 4}]\n", 1, 9, "need a uui_dialect"},
        {"peers: [{name: a, uri: \"sip:192.0.2.7\", uui_items: [C8]}]\n", 1, 9,
         "need a uui_dialect"},
        {"peers: [{name: a, uri: \"sip:192.0.2.7\", uui_dialect: rfc7434, uui_items: [C8]}]\n",
         1, 74, "has no items"},
        {"peers: [{name: a, uri: \"sip:192.0.2.7\", uui_dialect: cisco-aai,\n"
         "         uui_items: [C8, FAX]}]\n",
         2, 26, "two hex digits"},
        {"peers: [{name: a, uri: \"sip:192.0.2.7\", uui_dialect: avaya-shared,\n"
         "         uui_items: [C1, C2, C3, C4, C5, C6, C7, C8, C9]}]\n",
         2, 21, "at most 8"},
        {"peers: [{name: a, uri: \"sip:192.0.2.7\", uui_reading: loose}]\n", 1, 54,
         "uui_reading"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config_error error = {0};
        test_context(cases[i].text);
        struct config *c = read_text(cases[i].text, &error);
        CHECK(c == NULL);
        CHECK_INT(error.line, cases[i].line);
        CHECK_INT(error.column, cases[i].column);
        CHECK(strstr(error.text, cases[i].why) != NULL);
        config_free(c);
    }
    test_context(NULL);
}

TEST_MAIN(T(test_nothing_said), T(test_packages), T(test_loose_isdn), T(test_neighbours),
          T(test_what_is_wrong))
