/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns: both notations, kept parts, faults with their place, a slow and simple reference.
 */
#include "base/err.h"
#include "kit_msg.h"
#include "rules/pattern.h"

static struct arena arena;

static bool compile(const char *text, unsigned flags, struct pattern *p)
{
    struct pattern_fault fault;
    struct str copy = test_guard(str_c(text));
    int err = pattern_compile(&arena, copy, flags, p, &fault);
    test_guard_free(copy);
    test_context(text);
    return CHECK_INT(err, 0);
}

static bool matches(const char *pattern, const char *text)
{
    struct pattern p;
    struct str copy = test_guard(str_c(text));
    bool ok = compile(pattern, 0, &p) && pattern_matches(&p, copy, NULL);
    test_guard_free(copy);
    return ok;
}

static void test_what_matches(void)
{
    static const struct {
        const char *pattern, *yes, *no; /* texts, separated by spaces; "-" is the empty one */
    } t[] = {
        {"1001", "1001", "- 100 10011 01001"},
        {"49*", "49 491 49*", "- 4 5 149"},
        {"*", "- 1 anything", ""},
        {"*49", "49 149 4949", "- 4 490"},
        {"4*9*", "49 419 4199x", "4 94"},
        {"[2-9]XX", "200 999", "100 20 2000 2a0"},
        {"[!0]X", "11 a0", "01 1a"},
        {"[^0]X", "11", "01"},
        {"1?3", "123 1x3 1*3", "13 1223"},
        {"[]x]", "] x", "y"},
        {"[a-]b", "ab -b", "bb"},
        {"\\*97", "*97", "97 197"},
        {"+49(*)", "+49 +4989", "49"},
        {"(00|+)49*", "0049 +49 +491", "49 0+49"},
        {"a|b|cd", "a b cd", "c d ab"},
        {"(|9)100", "100 9100", "99100"},
        {"X", "7", "X x"},
        {"[X]", "X", "7"},
        {"/abc/", "abc", "ab abcd ABC"},
        {"/^abc$/", "abc", "abcd"},
        {"/a.c/", "abc axc", "ac"},
        {"/ab*c/", "ac abc abbbc", "bc"},
        {"/ab+c/", "abc abbc", "ac"},
        {"/ab?c/", "ac abc", "abbc"},
        {"/[0-9]{3}/", "123", "12 1234"},
        {"/[0-9]{2,}/", "12 12345", "1 -"},
        {"/[0-9]{1,3}x/", "1x 12x 123x", "x 1234x"},
        {"/x{0}y/", "y", "xy"},
        {"/x{0,}y/", "y xy xxxy", "x"},
        {"/x{0,2}y/", "y xy xxy", "xxxy"},
        {"/(ab){2}/", "abab", "ab ababab"},
        {"/(a|b)*c/", "c ac abbac", "adc"},
        {"/\\d+/", "0 99", "x -"},
        {"/a\\$$/", "a$", "a"},
        {"/a\\.b/", "a.b", "axb"},
        {"/(a*)*/", "- aaa", "b"},
        {"/[^,;]+/", "abc", "a,b"},
        {"/X/", "X", "7"},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        for (int side = 0; side < 2; side++) {
            char text[64], *word, *rest = text;
            (void)snprintf(text, sizeof(text), "%s", side == 0 ? t[i].yes : t[i].no);
            while ((word = strsep(&rest, " ")) != NULL) {
                if (word[0] == '\0') {
                    continue;
                }
                char about[200];
                bool got = matches(t[i].pattern, strcmp(word, "-") == 0 ? "" : word);
                (void)snprintf(about, sizeof(about), "%s on %s", t[i].pattern, word);
                test_context(about);
                CHECK_INT(got, side == 0);
            }
        }
    }
}

static void check_parts(const char *pattern, const char *text, const char *replacement,
                        const char *want)
{
    struct pattern p;
    struct pattern_match m;
    struct pattern_fault fault;
    char buf[200];
    struct out o;
    REQUIRE(compile(pattern, 0, &p));
    CHECK(pattern_replacement_ok(str_c(replacement), p.groups, &fault));
    REQUIRE(pattern_matches(&p, str_c(text), &m));
    out_init(&o, buf, sizeof(buf));
    pattern_replace(&o, str_c(replacement), &m);
    CHECK_STR(out_str_of(&o), want);
}

static void test_parts_are_kept(void)
{
    check_parts("+49(*)", "+4989123", "0$1", "089123");
    check_parts("49*", "4912", "+$0", "+4912");
    check_parts("(X)(X)(*)", "12345", "$3-$2-$1$$", "345-2-1$");
    check_parts("(00|+)49(*)", "00491", "[$1][$2]", "[00][1]");
    check_parts("(*)5(*)", "15253", "$1|$2", "152|3"); /* runs are as long as possible */
    check_parts("/(a|ab)(c|bcd)(d*)/", "abcd", "$1,$2,$3", "a,bcd,");
    check_parts("/(x)?y/", "y", "<$1>", "<>"); /* took no part */
    check_parts("/((a)b){2}/", "abab", "$1$2", "aba");
    check_parts("/(\\d+)-(\\d+)/", "12-345", "$2$1", "34512");
}

static void test_case_counts_unless_told(void)
{
    struct pattern p;
    CHECK(!matches("abc*", "ABCD"));
    REQUIRE(compile("aBc*[x-z]", PATTERN_NO_CASE, &p));
    CHECK(pattern_matches(&p, STR("AbCqY"), NULL));
    REQUIRE(compile("Sip:*", PATTERN_NO_CASE, &p));
    CHECK(pattern_matches(&p, STR("sIP:x"), NULL));
    REQUIRE(compile("Plain", PATTERN_NO_CASE, &p));
    CHECK(pattern_matches(&p, STR("pLAIN"), NULL));
    CHECK(!pattern_matches(&p, STR("plainer"), NULL));
}

static void test_faults_have_a_place(void)
{
    static const struct {
        const char *text;
        int err;
        size_t at;
    } t[] = {
        {"", E_SYNTAX, 0},        {"(1", E_SYNTAX, 0},
        {"1)", E_SYNTAX, 1},      {"12[3", E_SYNTAX, 4},
        {"[", E_SYNTAX, 1},       {"[9-1]", E_SYNTAX, 4},
        {"12\\", E_SYNTAX, 3},    {"/*a/", E_SYNTAX, 1},
        {"/a**/", E_SYNTAX, 3},   {"/a{2,1}/", E_SYNTAX, 6},
        {"/a{65}/", E_SYNTAX, 5}, {"/a{x}/", E_SYNTAX, 3},
        {"/a\\w/", E_SYNTAX, 3},  {"/a^b/", E_SYNTAX, 2},
        {"/a$b/", E_SYNTAX, 2},   {"()()()()()()()()()()", E_TOOBIG, 19},
    };
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct pattern p;
        struct pattern_fault fault;
        test_context(t[i].text);
        CHECK_INT(pattern_compile(&arena, str_c(t[i].text), 0, &p, &fault), t[i].err);
        CHECK_INT(fault.at, t[i].at);
        CHECK(fault.what != NULL && fault.what[0] != '\0');
    }
    struct pattern_fault fault;
    CHECK(!pattern_replacement_ok(STR("a$2"), 1, &fault));
    CHECK_INT(fault.at, 1);
    CHECK(!pattern_replacement_ok(STR("abc$"), 1, &fault));
    CHECK(!pattern_replacement_ok(STR("$x"), 1, &fault));
    CHECK(pattern_replacement_ok(STR("$$$1$0"), 1, &fault));
}

/** Programs that make other matchers run for ever end at once, one step an octet and state. */
static void test_nothing_explodes(void)
{
    char text[PATTERN_SUBJECT_MAX + 2];
    struct pattern p;
    memset(text, 'a', sizeof(text));
    REQUIRE(compile("/(a*)*(a*)*(a*)*b/", 0, &p));
    CHECK(!pattern_matches(&p, str_make(text, 3000), NULL));
    REQUIRE(compile("/(a?){40}a{40}/", 0, &p));
    CHECK(pattern_matches(&p, str_make(text, 60), NULL));
    REQUIRE(compile("*a*a*a*a*a*a*a*a*b", 0, &p));
    CHECK(!pattern_matches(&p, str_make(text, 3000), NULL));
    /* too long for a program; a plain beginning needs none */
    CHECK(!pattern_matches(&p, str_make(text, sizeof(text)), NULL));
    REQUIRE(compile("aa*", 0, &p));
    CHECK(pattern_matches(&p, str_make(text, sizeof(text)), NULL));
    /* copies of copies run into the limit of steps */
    struct pattern_fault fault;
    CHECK_INT(pattern_compile(&arena, STR("/((a{60}){60}){60}/"), 0, &p, &fault), E_TOOBIG);
    char deep[60];
    memset(deep, '(', sizeof(deep));
    CHECK_INT(pattern_compile(&arena, str_make(deep, sizeof(deep)), 0, &p, &fault), E_TOOBIG);
    memset(deep, '|', sizeof(deep));
    CHECK_INT(pattern_compile(&arena, str_make(deep, sizeof(deep)), 0, &p, &fault), E_TOOBIG);
}

/** A matcher for globs as one would write it down first: tries everything. */
static bool slow(const char *p, const char *t)
{
    switch (*p) {
    case '\0':
        return *t == '\0';
    case '*':
        return slow(p + 1, t) || (*t != '\0' && slow(p, t + 1));
    case '?':
        return *t != '\0' && slow(p + 1, t + 1);
    case 'X':
        return *t >= '0' && *t <= '9' && slow(p + 1, t + 1);
    default:
        return *t == *p && slow(p + 1, t + 1);
    }
}

static void test_as_the_reference(void)
{
    static const char alphabet[] = "12*?X";
    uint64_t seed = 7;
    size_t yes = 0;
    for (int round = 0; round < 20000; round++) {
        char pattern[8], text[8];
        size_t pn = 1 + kit_next(&seed) % 6, tn = kit_next(&seed) % 7;
        for (size_t i = 0; i < pn; i++) {
            pattern[i] = alphabet[kit_next(&seed) % 5];
        }
        for (size_t i = 0; i < tn; i++) {
            text[i] = "12"[kit_next(&seed) % 2];
        }
        pattern[pn] = text[tn] = '\0';
        struct pattern p;
        struct pattern_fault fault;
        REQUIRE(pattern_compile(&arena, str_c(pattern), 0, &p, &fault) == 0);
        bool want = slow(pattern, text);
        yes += want;
        test_context(pattern);
        CHECK_INT(pattern_matches(&p, str_c(text), NULL), want);
        arena_reset(&arena);
    }
    CHECK(yes > 2000 && yes < 18000);
}

static void test_no_memory(void)
{
    struct test_mem mem;
    for (size_t fail = 1; fail < 10; fail++) {
        struct arena a;
        struct pattern p;
        struct pattern_fault fault;
        test_mem_init(&mem);
        mem.fail_at = fail;
        mem.fail_on = true;
        arena_init(&a, &mem.mem, 32);
        int err = pattern_compile(&a, STR("+49(X|[4-5])*"), 0, &p, &fault);
        CHECK(err == 0 || err == E_NOMEM);
        bool done = err == 0;
        arena_fini(&a);
        CHECK_INT(mem.live, 0);
        if (done) {
            CHECK(fail > 1);
            return;
        }
    }
    CHECK(false);
}

static const struct test tests[] = {
    T(test_what_matches),        T(test_parts_are_kept),   T(test_case_counts_unless_told),
    T(test_faults_have_a_place), T(test_nothing_explodes), T(test_as_the_reference),
    T(test_no_memory),
};

int main(int argc, char **argv)
{
    arena_init(&arena, &mem_libc, 4096);
    int code = test_run(tests, ARRAY_LEN(tests), argc, argv);
    arena_fini(&arena);
    return code;
}
