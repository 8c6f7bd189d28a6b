/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies with several parts: where one ends, what is none, and what is cut short. */
#include "base/err.h"
#include "mime/multipart.h"
#include "test.h"

/** All parts as `type|body;`, then the outcome. */
static struct str walk(struct str type, struct str body)
{
    static char text[512];
    struct multipart it;
    struct mime_part part;
    struct out o;
    int got = multipart_begin(&it, type, body);
    out_init(&o, text, sizeof(text));
    while (got >= 0 && (got = multipart_next(&it, &part)) > 0) {
        struct str t = mime_header(&part, STR("Content-Type"));
        out_fmt(&o, "%.*s|%.*s;", STR_ARG(t), STR_ARG(part.body));
    }
    out_c(&o, got == 0               ? "end"
              : got == E_SYNTAX      ? "syntax"
              : got == E_UNSUPPORTED ? "unsupported"
              : got == E_TOOMANY     ? "toomany"
                                     : "?");
    CHECK_INT(multipart_next(&it, &part), 0); /* nothing more after the end or an error */
    return out_str_of(&o);
}

static const struct {
    const char *body, *want;
} bodies[] = {
    {"--x\r\nContent-Type: a/b\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n", "a/b|one;|two;end"},
    {"--x\r\n\r\none\r\n--x--", "|one;end"},
    {"before\r\n--x \t\r\n\r\none\r\n--x-- \r\nbehind\r\n--x\r\n\r\nno\r\n--x--", "|one;end"},
    {"--x\r\n\r\na\r\n\r\nb\r\n\r\n--x--",
     "|a\r\n\r\nb\r\n;end"}, /* one CRLF is the delimiter's */
    {"--x\r\n\r\n\r\n--x--", "|;end"},
    {"--x\r\nContent-Type: a/b\r\n\r\n\r\n--x--", "a/b|;end"},
    {"--x\r\nContent-Type: a/b\r\n--x--", "a/b|;end"},
    {"--x\r\nContent-Type: a/b\r\n\r\n--x--", "a/b|;end"},
    {"--x\r\ncontent-TYPE :\r\n\r\n1\r\n--x--", "syntax"},
    {"--x\r\nA: b\r\ncontent-TYPE:\r\n a/b\r\n\r\n1\r\n--x--", "a/b|1;end"},
    {"--x\r\n\r\n--xy\r\n--x-\r\n-x\r\n --x\r\n--x--", "|--xy\r\n--x-\r\n-x\r\n --x;end"},
    {"--x\r\nContent-Type: multipart/mixed;boundary=xx\r\n\r\n--xx\r\n\r\nin\r\n--xx--\r\n--x--",
     "multipart/mixed;boundary=xx|--xx\r\n\r\nin\r\n--xx--;end"},
    {"", "syntax"},
    {"--x--", "syntax"},
    {"--x", "syntax"},
    {"--x\r\n", "syntax"},
    {"--x\r\n\r\none", "syntax"},
    {"--x\r\n\r\none\r\n--x\r\n\r\ntwo", "|one;syntax"},
    {"--x\n\none\n--x--\n", "syntax"},
    {"x--x\r\n\r\none\r\n--x--", "syntax"},
    {"--x\r\nno colon\r\n\r\none\r\n--x--", "syntax"},
    {"--x\r\n: none\r\n\r\none\r\n--x--", "syntax"},
};

static void test_bodies(void)
{
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct str body = test_guard(str_c(bodies[i].body));
        test_context(bodies[i].body);
        CHECK_STR(walk(STR("multipart/mixed;boundary=x"), body), bodies[i].want);
        test_guard_free(body);
    }
    test_context(NULL);
}

static void test_boundary(void)
{
    static const struct {
        const char *type, *want;
    } t[] = {
        {"multipart/mixed;boundary=x", "|1;end"},
        {"MultiPart/Mixed ; charset=\"a;b\\\"c\"; BOUNDARY = \"x\" ; z", "|1;end"},
        {"multipart/mixed;flag;;boundary=x;y=z", "|1;end"},
        {"multipart / related; boundary=x", "|1;end"},
        {"multipart/mixed", "syntax"},
        {"multipart/mixed;", "syntax"},
        {"multipart/mixed;boundary", "syntax"},
        {"multipart/mixed;boundary=", "syntax"},
        {"multipart/mixed;boundary=\"\"", "syntax"},
        {"multipart/mixed;boundary=\"x", "syntax"},
        {"multipart/mixed;boundary=\"x\"y", "syntax"},
        {"multipart/mixed;boundary=\"x \"", "syntax"},
        {"multipart/mixed;boundary=\"x\\\"\"", "syntax"},
        {"multipart/mixed;boundary=y", "syntax"},
        {"application/sdp;boundary=x", "unsupported"},
        {"multipart", "unsupported"},
        {"", "unsupported"},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct str type = test_guard(str_c(t[i].type));
        test_context(t[i].type);
        CHECK_STR(walk(type, STR("--x\r\n\r\n1\r\n--x--")), t[i].want);
        test_guard_free(type);
    }
    test_context(NULL);
}

/** 70 characters are a boundary, 71 are not. */
static void test_boundary_length(void)
{
    char type[128], body[256];
    for (size_t n = 70; n <= 71; n++) {
        struct out t, b;
        out_init(&t, type, sizeof(type));
        out_init(&b, body, sizeof(body));
        out_c(&t, "multipart/mixed;boundary=");
        struct str boundary = {t.p + t.n, n};
        for (size_t i = 0; i < n; i++) {
            out_ch(&t, 'b');
        }
        multipart_write_part(&b, boundary, STR(""), STR("1"));
        multipart_write_end(&b, boundary);
        CHECK_STR(walk(out_str_of(&t), out_str_of(&b)), n == 70 ? "|1;end" : "syntax");
    }
}

static void test_too_many(void)
{
    char body[1024];
    for (unsigned n = MIME_PARTS_MAX; n <= MIME_PARTS_MAX + 1; n++) {
        struct multipart it;
        struct mime_part part;
        struct out o;
        unsigned seen = 0;
        int got;
        out_init(&o, body, sizeof(body));
        for (unsigned i = 0; i < n; i++) {
            multipart_write_part(&o, STR("x"), STR("A: b\r\n"), STR("1"));
        }
        multipart_write_end(&o, STR("x"));
        REQUIRE(!o.over);
        CHECK_INT(multipart_begin(&it, STR("multipart/mixed;boundary=x"), out_str_of(&o)), 0);
        while ((got = multipart_next(&it, &part)) > 0) {
            CHECK_STR(part.body, "1");
            CHECK_STR(mime_header(&part, STR("a")), "b");
            CHECK(!str_is_set(mime_header(&part, STR("b"))));
            seen++;
        }
        CHECK_INT(seen, MIME_PARTS_MAX);
        CHECK_INT(got, n == MIME_PARTS_MAX ? 0 : E_TOOMANY);
    }
}

/** Whether the empty line and the body are there or not, the headers are the same. */
static void test_headers_without_a_body(void)
{
    static const char *const bodies_of[] = {"--x\r\nA: b\r\n--x--", "--x\r\nA: b\r\n\r\n--x--",
                                            "--x\r\nA: b\r\n\r\n\r\n--x--"};
    for (size_t i = 0; i < ARRAY_LEN(bodies_of); i++) {
        struct multipart it;
        struct mime_part part;
        CHECK_INT(multipart_begin(&it, STR("multipart/mixed;boundary=x"), str_c(bodies_of[i])),
                  0);
        CHECK_INT(multipart_next(&it, &part), 1);
        CHECK_STR(part.headers, "A: b");
        CHECK_INT(part.body.n, 0);
    }
}

/** Nothing is read beyond the end, and no part lies outside of the body. */
static void use(struct str type, struct str body)
{
    struct multipart it;
    struct mime_part part;
    int got = multipart_begin(&it, type, body);
    while (got >= 0 && (got = multipart_next(&it, &part)) > 0) {
        CHECK(part.headers.p >= body.p && part.body.p + part.body.n <= body.p + body.n);
        CHECK(part.headers.p + part.headers.n <= part.body.p);
    }
}

static void test_every_prefix_and_mutation(void)
{
    static const char sample[] =
        "pre\r\n--x\r\nContent-Type: a/b\r\n c\r\n\r\none\r\n--x \r\n\r\n"
        "two\r\n--x--\r\nepi";
    static const char type[] = "multipart/mixed;q=\"a\\\"b\" ; boundary=\"x\"";
    static const char marks[] = "\0\r\n -:;=x\"\\\t\xFF";
    char text[128];
    for (size_t n = 0; n < sizeof(sample); n++) {
        struct str body = test_guard(str_make(sample, n));
        use(str_c(type), body);
        /* whole without its epilogue, and not before the closing delimiter */
        CHECK(str_ends(walk(str_c(type), body), STR("end")) ==
              (n >= strlen(sample) - 5 && n != strlen(sample) - 4));
        test_guard_free(body);
    }
    for (size_t n = 0; n < sizeof(type); n++) {
        struct str head = test_guard(str_make(type, n));
        use(head, str_c(sample));
        test_guard_free(head);
    }
    for (size_t at = 0; at < strlen(sample); at++) {
        for (size_t k = 0; k < sizeof(marks) - 1; k++) {
            memcpy(text, sample, sizeof(sample));
            text[at] = marks[k];
            struct str body = test_guard(str_make(text, strlen(sample)));
            use(str_c(type), body);
            test_guard_free(body);
        }
    }
}

static void test_param(void)
{
    static const char type[] = "application/ISUP ; version=\"a;base=b\" ; flag ;Base = x ;y=";
    struct str value;

    CHECK(mime_param(str_c(type), STR("base"), &value));
    CHECK_STR(value, "x");
    CHECK(mime_param(str_c(type), STR("VERSION"), &value));
    CHECK_STR(value, "a;base=b");
    CHECK(mime_param(str_c(type), STR("y"), &value));
    CHECK_INT(value.n, 0);
    CHECK(!mime_param(str_c(type), STR("flag"), &value));
    CHECK(!mime_param(STR("a/b;x=\"open;base=1"), STR("base"), &value));
    CHECK(!mime_param(STR("a/b"), STR("base"), &value));
}

TEST_MAIN(T(test_param), T(test_bodies), T(test_boundary), T(test_boundary_length),
          T(test_too_many), T(test_headers_without_a_body), T(test_every_prefix_and_mutation))
