/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Printing help: a terminal's 80 columns, or a man page.
 *
 * The filled text is broken at spaces only, at 78 columns, with an indent; words that are
 * longer (paths, URIs) stand out rather than being cut. In man pages everything that could be
 * taken for a request or an escape (a leading dot or apostrophe, backslashes, hyphens of
 * options) is escaped.
 */
#include "cli/help.h"
#include "base/utf8.h"
#include <stdarg.h>

#define WIDTH 78
/** Of lines in the source of man pages; escapes come on top. */
#define MAN_WIDTH 66

static const struct help_exit usual_exits[] = {
    {EXIT_CODE_OK, "It worked."},
    {EXIT_CODE_FAILED, "It was tried and did not work."},
    {EXIT_CODE_USAGE, "The command line, or a file that it names, is wrong."},
    {0, NULL},
};

static const struct help_exit *exits_of(const struct help *h)
{
    return h->exits != NULL ? h->exits : usual_exits;
}

/** Fill `text` at `indent`, from column `at` of a line that was begun. Ends the line. */
static void fill(const char *text, size_t indent, size_t at, FILE *to)
{
    bool first = true;
    while (*text != '\0') {
        if (text[0] == '\n' && text[1] == '\n') {
            fputs("\n\n", to);
            at = 0;
            first = true;
            text += strspn(text, "\n");
            continue;
        }
        if (*text == ' ' || *text == '\n') {
            text++;
            continue;
        }
        size_t n = strcspn(text, " \n");
        size_t width = utf8_count(str_make(text, n));
        if (!first && at + 1 + width > WIDTH) {
            fputc('\n', to);
            at = 0;
            first = true;
        }
        if (first && at < indent) {
            fprintf(to, "%*s", (int)(indent - at), "");
            at = indent;
        } else if (!first) {
            fputc(' ', to);
            at++;
        }
        (void)fwrite(text, 1, n, to);
        at += width;
        first = false;
        text += n;
    }
    fputc('\n', to);
}

static void print_options(const struct help_option *o, FILE *to)
{
    const size_t indent = 26;
    for (; o != NULL && o->names != NULL; o++) {
        size_t at = 2 + utf8_count(str_c(o->names));
        fprintf(to, "  %s", o->names);
        if (o->arg != NULL) {
            at += 1 + utf8_count(str_c(o->arg));
            fprintf(to, " %s", o->arg);
        }
        if (at + 2 > indent) {
            fputc('\n', to);
            at = 0;
        }
        fill(o->text, indent, at, to);
    }
}

void help_print(const struct help *h, FILE *to)
{
    fprintf(to, "baton%s%s: %s\n", h->name[0] != '\0' ? " " : "", h->name, h->summary);
    fputs("\nUsage:\n", to);
    for (const char *const *s = h->synopsis; *s != NULL; s++) {
        fputs("  baton", to);
        fill(*s, 8, 7, to);
    }
    if (h->description != NULL) {
        fputc('\n', to);
        fill(h->description, 0, 0, to);
    }
    if (h->options != NULL) {
        fputs("\nOptions:\n", to);
        print_options(h->options, to);
    }
    for (const struct help_section *s = h->sections; s != NULL && s->title != NULL; s++) {
        fprintf(to, "\n%s:\n", s->title);
        if (s->text != NULL) {
            fill(s->text, 2, 0, to);
        }
        print_options(s->entries, to);
    }
    if (h->examples != NULL) {
        fputs("\nExamples:\n", to);
        for (const struct help_example *e = h->examples; e->command != NULL; e++) {
            fprintf(to, "  %s\n", e->command);
            fill(e->text, 6, 0, to);
        }
    }
    fputs("\nExit codes:\n", to);
    for (const struct help_exit *e = exits_of(h); e->text != NULL; e++) {
        int n = fprintf(to, "  %d", e->code);
        fill(e->text, 6, n > 0 ? (size_t)n : 0, to);
    }
}

/* ---- man ---- */

/** Text as roff: nothing in it is a request, and a hyphen stays one. */
static void roff_line(const char *text, size_t n, bool line_start, FILE *to)
{
    if (line_start && n > 0 && (*text == '.' || *text == '\'')) {
        fputs("\\&", to);
    }
    for (; n > 0; n--, text++) {
        if (*text == '\\') {
            fputs("\\e", to);
        } else if (*text == '-') {
            fputs("\\-", to);
        } else {
            fputc(*text, to);
        }
    }
}

static void roff_word(const char *text, FILE *to)
{
    roff_line(text, strlen(text), true, to);
}

/** The same in lines that an editor shows whole; an empty line is a new paragraph. */
static void roff(const char *text, FILE *to)
{
    size_t at = 0;
    while (*text != '\0') {
        size_t n = strcspn(text, " \n");
        if (at > 0 && at + 1 + n > MAN_WIDTH) {
            fputc('\n', to);
            at = 0;
        } else if (at > 0) {
            fputc(' ', to);
            at++;
        }
        roff_line(text, n, at == 0, to);
        at += n;
        text += n;
        bool paragraph = text[0] == '\n' && text[1] == '\n';
        text += strspn(text, " \n");
        if (paragraph && *text != '\0') {
            fputs("\n.PP\n", to);
            at = 0;
        }
    }
}
static void man_options(const struct help_option *o, FILE *to)
{
    for (; o != NULL && o->names != NULL; o++) {
        fputs(".TP\n\\fB", to);
        roff_word(o->names, to);
        fputs("\\fR", to);
        if (o->arg != NULL) {
            fputs(" \\fI", to);
            roff_word(o->arg, to);
            fputs("\\fR", to);
        }
        fputc('\n', to);
        roff(o->text, to);
        fputc('\n', to);
    }
}

static void man_examples(const struct help *h, FILE *to)
{
    if (h->examples == NULL) {
        return;
    }
    fputs(".SH EXAMPLES\n", to);
    for (const struct help_example *e = h->examples; e->command != NULL; e++) {
        fputs(".TP\n.B ", to);
        roff_word(e->command, to);
        fputc('\n', to);
        roff(e->text, to);
        fputc('\n', to);
    }
}

static void upper(const char *text, FILE *to)
{
    for (; *text != '\0'; text++) {
        fputc(*text >= 'a' && *text <= 'z' ? *text - ('a' - 'A') : *text, to);
    }
}

static void man_title(const char *title, FILE *to)
{
    fputs(".SH ", to);
    upper(title, to);
    fputc('\n', to);
}

void help_man(const struct help *h, const char *version, const char *date, FILE *to)
{
    const char *dash = h->name[0] != '\0' ? "-" : "";
    fputs(".TH BATON", to);
    fputs(dash, to);
    upper(h->name, to);
    fprintf(to, " 1 \"%s\" \"Baton %s\" \"Baton\"\n", date, version);
    fprintf(to, ".SH NAME\nbaton%s%s \\- ", dash, h->name);
    roff(h->summary, to);
    fputs("\n.SH SYNOPSIS\n", to);
    for (const char *const *s = h->synopsis; *s != NULL; s++) {
        fputs(s == h->synopsis ? "" : ".br\n", to);
        fputs(".B baton\n", to);
        roff(*s, to);
        fputc('\n', to);
    }
    if (h->description != NULL) {
        fputs(".SH DESCRIPTION\n", to);
        roff(h->description, to);
        fputc('\n', to);
    }
    if (h->options != NULL) {
        fputs(".SH OPTIONS\n", to);
        man_options(h->options, to);
    }
    for (const struct help_section *s = h->sections; s != NULL && s->title != NULL; s++) {
        man_title(s->title, to);
        if (s->text != NULL) {
            roff(s->text, to);
            fputc('\n', to);
        }
        man_options(s->entries, to);
    }
    man_examples(h, to);
    fputs(".SH \"EXIT STATUS\"\n", to);
    for (const struct help_exit *e = exits_of(h); e->text != NULL; e++) {
        fprintf(to, ".TP\n.B %d\n", e->code);
        roff(e->text, to);
        fputc('\n', to);
    }
    if (h->see_also != NULL) {
        fputs(".SH \"SEE ALSO\"\n", to);
        for (const char *const *s = h->see_also; *s != NULL; s++) {
            fprintf(to, "%s.BR baton%s%s (1)", s == h->see_also ? "" : ",\n",
                    (*s)[0] != '\0' ? "\\-" : "", *s);
        }
        fputc('\n', to);
    }
}

/* ---- mistakes ---- */

int help_usage_error(const struct help *h, const char *fmt, ...)
{
    const char *space = h->name[0] != '\0' ? " " : "";
    va_list args;
    fprintf(stderr, "baton%s%s: ", space, h->name);
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\nTry 'baton help%s%s'.\n", space, h->name);
    return EXIT_CODE_USAGE;
}

/** Edit distance (Levenshtein) of two short words; large when one is long. */
static size_t distance(const char *a, const char *b)
{
    enum { MAX = 32 };
    size_t row[MAX + 1];
    size_t na = strlen(a), nb = strlen(b);
    if (na > MAX || nb > MAX) {
        return MAX;
    }
    for (size_t k = 0; k <= nb; k++) {
        row[k] = k;
    }
    for (size_t i = 1; i <= na; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= nb; k++) {
            size_t best = corner + (a[i - 1] != b[k - 1]);
            best = row[k] + 1 < best ? row[k] + 1 : best;
            best = row[k - 1] + 1 < best ? row[k - 1] + 1 : best;
            corner = row[k];
            row[k] = best;
        }
    }
    return row[nb];
}

const char *help_nearest(const char *text, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t best_distance = 3; /* three letters wrong is another word */
    for (size_t i = 0; i < n; i++) {
        size_t d = distance(text, names[i]);
        if (d < best_distance && d < strlen(names[i])) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}
