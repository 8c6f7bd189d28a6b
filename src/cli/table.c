/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: see table.h. Widths are counted in characters, as all that is shown here is text. */
#include "cli/table.h"
#include "base/utf8.h"
#include "cli/text.h"
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { SHORTEST = 8, GAP = 2 };

struct table_style table_style_of(FILE *to)
{
    const char *term = getenv("TERM"), *plain = getenv("NO_COLOR");
    struct table_style s = {0};
    struct winsize w;

    if (isatty(fileno(to))) {
        s.width = ioctl(fileno(to), TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
        s.colour =
            (plain == NULL || plain[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
    }
    return s;
}

void table_init(struct table *t, const char *const *titles, size_t columns)
{
    *t = (struct table){.titles = titles, .columns = columns};
}

void table_fini(struct table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        free(t->cell[i]);
    }
    free(t->cell);
    *t = (struct table){0};
}

void table_cell(struct table *t, struct str text)
{
    if (t->n == t->cap && !t->failed) {
        size_t cap = t->cap * 2 + 64;
        char **more = realloc(t->cell, cap * sizeof(*more));
        t->failed = more == NULL;
        t->cell = more != NULL ? more : t->cell;
        t->cap = more != NULL ? cap : t->cap;
    }
    text = text.n > 0 ? text : STR("-");
    char *copy = t->failed ? NULL : malloc(text.n + 1);
    t->failed = copy == NULL;
    if (copy != NULL) {
        memcpy(copy, text.p, text.n);
        copy[text.n] = '\0';
        t->cell[t->n++] = copy;
    }
}

size_t table_rows(const struct table *t)
{
    return t->n / t->columns;
}

/* ---- widths ---- */

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t sum(const size_t *width, size_t n)
{
    size_t all = 0;
    for (size_t i = 0; i < n; i++) {
        all += width[i] + (i > 0 ? GAP : 0);
    }
    return all;
}

/** Take from the widest ones until it fits, or nothing more can be taken. */
static void narrow(size_t *width, size_t n, size_t room)
{
    while (sum(width, n) > room) {
        size_t widest = 0;
        for (size_t i = 1; i < n; i++) {
            widest = width[i] > width[widest] ? i : widest;
        }
        if (width[widest] <= SHORTEST) {
            return;
        }
        width[widest]--;
    }
}

static void measure(const struct table *t, size_t room, size_t *width)
{
    for (size_t c = 0; c < t->columns; c++) {
        width[c] = utf8_count(str_c(t->titles[c]));
    }
    for (size_t i = 0; i < t->n; i++) {
        size_t c = i % t->columns;
        width[c] = most(width[c], utf8_count(str_c(t->cell[i])));
    }
    if (room > 0) {
        narrow(width, t->columns, room);
    }
}

/* ---- printing ---- */

/** The octets of the first `n` characters. */
static struct str front(struct str s, size_t n)
{
    size_t i = 0;
    while (i < s.n && (n > 0 || ((unsigned char)s.p[i] & 0xC0) == 0x80)) {
        n -= ((unsigned char)s.p[i] & 0xC0) != 0x80;
        i++;
    }
    return str_upto(s, i);
}

static void put(struct str text, size_t width, bool last, FILE *to)
{
    size_t n = utf8_count(text);
    if (n > width) {
        text_put(front(text, width - 1), to);
        fputs("…", to);
        n = width;
    } else {
        text_put(text, to);
    }
    if (!last) {
        fprintf(to, "%*s", (int)(width - n + GAP), "");
    }
}

void table_print(const struct table *t, const struct table_style *style, size_t indent,
                 FILE *to)
{
    size_t width[TABLE_COLUMNS] = {0};
    size_t whole = t->n - t->n % t->columns;

    measure(t, style->width > indent ? style->width - indent : 0, width);
    fprintf(to, "%*s%s", (int)indent, "", style->colour ? "\033[1m" : "");
    for (size_t c = 0; c < t->columns; c++) {
        put(str_c(t->titles[c]), width[c], c + 1 == t->columns, to);
    }
    fputs(style->colour ? "\033[0m\n" : "\n", to);
    for (size_t i = 0; i < whole; i++) {
        size_t c = i % t->columns;
        if (c == 0) {
            fprintf(to, "%*s", (int)indent, "");
        }
        put(str_c(t->cell[i]), width[c], c + 1 == t->columns, to);
        if (c + 1 == t->columns) {
            fputc('\n', to);
        }
    }
}
