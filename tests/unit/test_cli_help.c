/* SPDX-License-Identifier: Apache-2.0 */
/* Help texts: a terminal's width, man pages without accidental requests, the nearest name. */
#include "cli/help.h"
#include "cli/uui_cmd.h"
#include "test.h"
#include <stdlib.h>

static const char *const synopsis[] = {"try [-x]", NULL};
static const struct help_option options[] = {
    {"-x, --a-very-long-option-name", "ARGUMENT", "Short."},
    {"-y", NULL, "First.\n\nSecond paragraph with \xc3\xa4\xc3\xb6\xc3\xbc."},
    {NULL, NULL, NULL},
};
static const struct help_section sections[] = {{"Words", "Text.", options}, {NULL, NULL, NULL}};
static const struct help_example examples[] = {{"baton try -x 'a\\b'", ".dot first"},
                                               {NULL, NULL}};
static const char *const see_also[] = {"", "serve", NULL};
static const struct help sample = {
    .name = "try",
    .summary = "a sample",
    .synopsis = synopsis,
    .description = ".SH is no request here, nor is what the end of a line, and not a\n"
                   "'word has made a beginning of. A_word_that_is_longer_than_a_line_of_"
                   "eighty_columns_stands_out_rather_than_being_cut_anywhere_at_all.",
    .options = options,
    .sections = sections,
    .examples = examples,
    .see_also = see_also,
};

static char *printed(const struct help *h, bool man)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    if (man) {
        help_man(h, "1.2", "2001-02-03", f);
    } else {
        help_print(h, f);
    }
    fclose(f);
    return text;
}

static void test_terminal(void)
{
    char *text = printed(&sample, false);
    struct str s = str_c(text);
    CHECK(str_starts(s, STR("baton try: a sample\n\nUsage:\n  baton try [-x]\n")));
    CHECK(str_find(s, STR("  -x, --a-very-long-option-name ARGUMENT\n"
                          "                          Short.\n")) < s.n);
    CHECK(str_find(s, STR("  -y                      First.\n\n"
                          "                          Second paragraph")) < s.n);
    CHECK(str_find(s, STR("\nWords:\n  Text.\n")) < s.n);
    CHECK(str_find(s, STR("  2   The command line")) < s.n); /* the usual exit codes */
    free(text);
}

static void test_terminal_width(void)
{
    char *text = printed(&help_uui, false);
    for (char *line = text; *line != '\0';) {
        size_t n = strcspn(line, "\n");
        CHECK(n <= 80);
        CHECK(n == 0 || line[n - 1] != ' ');
        line += n + (line[n] != '\0');
    }
    free(text);
}

static void test_man_page(void)
{
    char *text = printed(&sample, true);
    struct str s = str_c(text);
    CHECK(str_starts(s, STR(".TH BATON-TRY 1 \"2001-02-03\" \"Baton 1.2\" \"Baton\"\n.SH NAME\n"
                            "baton-try \\- a sample\n")));
    CHECK(str_find(s,
                   STR("\n\\&.SH is no request here, nor is what the end of a line, and not a\n"
                       "\\&'word has made")) < s.n);
    CHECK(str_find(
              s, STR("\\fB\\-x, \\-\\-a\\-very\\-long\\-option\\-name\\fR \\fIARGUMENT\\fR")) <
          s.n);
    CHECK(str_find(s, STR("First.\n.PP\nSecond")) < s.n);
    CHECK(str_find(s, STR(".B baton try \\-x 'a\\eb'\n\\&.dot first\n")) < s.n);
    CHECK(str_find(s, STR(".SH WORDS\nText.\n")) < s.n);
    CHECK(str_find(s, STR(".BR baton (1),\n.BR baton\\-serve (1)\n")) < s.n);
    free(text);
}

static void test_nearest(void)
{
    static const char *const names[] = {"serve", "phone", "csta", "uui"};
    CHECK_STR(str_c(help_nearest("serv", names, 4)), "serve");
    CHECK_STR(str_c(help_nearest("server", names, 4)), "serve");
    CHECK_STR(str_c(help_nearest("fone", names, 4)), "phone");
    CHECK_STR(str_c(help_nearest("cst", names, 4)), "csta");
    CHECK(help_nearest("bridge", names, 4) == NULL);
    CHECK(help_nearest("", names, 4) == NULL);
    CHECK(help_nearest("a-name-that-is-longer-than-any-that-there-can-be", names, 4) == NULL);
}

TEST_MAIN(T(test_terminal), T(test_terminal_width), T(test_man_page), T(test_nearest))
