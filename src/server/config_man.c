/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The man page baton.yaml(5), printed from the table by which the file is checked: the same as
 * docs/configuration.md, in roff.
 */
#include "server/config.h"
#include "server/config_raw.h"
#include <string.h>

/** Of lines in the source; escapes come on top. */
#define MAN_WIDTH 60

/** One word: nothing in it is a request, a hyphen stays one, `code` is bold. */
static void put_word(const char *word, size_t n, bool line_start, bool *bold, FILE *to)
{
    if (line_start && n > 0 && (*word == '.' || *word == '\'')) {
        fputs("\\&", to);
    }
    for (; n > 0; n--, word++) {
        switch (*word) {
        case '\\':
            fputs("\\e", to);
            break;
        case '-':
            fputs("\\-", to);
            break;
        case '`':
            *bold = !*bold;
            fputs(*bold ? "\\fB" : "\\fR", to);
            break;
        default:
            fputc(*word, to);
            break;
        }
    }
}

static void put_text(const char *text, FILE *to)
{
    size_t at = 0;
    bool bold = false;
    while (*text != '\0') {
        size_t n = strcspn(text, " \n");
        bool fresh = at == 0;
        if (at > 0 && at + 1 + n > MAN_WIDTH) {
            fputc('\n', to);
            at = 0;
            fresh = true;
        } else if (at > 0) {
            fputc(' ', to);
        }
        put_word(text, n, fresh, &bold, to);
        at += n + 1;
        text += n;
        text += strspn(text, " \n");
    }
    fputc('\n', to);
}

/** "number, 2 (0 to 100)." */
static void put_value(const struct config_key *k, FILE *to)
{
    char text[512];
    switch (k->kind) {
    case KEY_NUMBER:
        (void)snprintf(text, sizeof(text), "A number, %u to %u; %u unless given.", k->least,
                       k->most, k->def);
        break;
    case KEY_BOOL:
        (void)snprintf(text, sizeof(text), "`true` or `false`; `%s` unless given.",
                       k->def != 0 ? "true" : "false");
        break;
    case KEY_NEEDED:
        (void)snprintf(text, sizeof(text), "A text; it must be given.");
        break;
    case KEY_WORD:
        (void)snprintf(text, sizeof(text), "One of: `%s`; `%s` unless given.", k->words,
                       k->def_text);
        break;
    default:
        (void)snprintf(text, sizeof(text), "A %s%s%s%s", k->kind == KEY_LIST ? "list" : "text",
                       k->def_text[0] != '\0' ? "; `" : "", k->def_text,
                       k->def_text[0] != '\0' ? "` unless given." : ".");
        break;
    }
    put_text(text, to);
}

static void put_keys(const struct config_section *s, FILE *to)
{
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        if (k->kind == KEY_SECTION || k->kind == KEY_SECTIONS) {
            continue;
        }
        fprintf(to, ".TP\n.B %s\n", k->name);
        put_text(k->text, to);
        put_value(k, to);
    }
}

static void put_sections(const struct config_section *s, const char *way, FILE *to)
{
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        if (k->kind == KEY_SECTION || k->kind == KEY_SECTIONS) {
            char here[128];
            (void)snprintf(here, sizeof(here), "%s%s%s", way, way[0] != '\0' ? "." : "",
                           k->name);
            fprintf(to, ".SS \"%s%s\"\n", here, k->kind == KEY_SECTIONS ? " (a list)" : "");
            put_text(k->text, to);
            put_keys(k->section, to);
            put_sections(k->section, here, to);
        }
    }
}

void config_write_man(const char *version, const char *date, FILE *to)
{
    fprintf(to,
            ".TH BATON.YAML 5 \"%s\" \"Baton %s\" \"Baton\"\n"
            ".SH NAME\nbaton.yaml \\- configuration of the Baton server\n"
            ".SH SYNOPSIS\n.B baton serve \\-c\n.I baton.yaml\n"
            ".SH DESCRIPTION\n",
            date, version);
    put_text(
        "One YAML file. Every key may be left out, except where a section says that it must "
        "be given; `{}` is a complete configuration, which listens on this machine only and "
        "knows nobody. An unknown key, a value out of range or of the wrong kind is an error "
        "that names file, line and column.",
        to);
    fputs(".PP\n", to);
    put_text("Durations end in `_ms` (milliseconds) or `_s` (seconds), sizes are octets.", to);
    fputs(".SH KEYS\n.SS \"At the top\"\n", to);
    put_keys(&config_root_section, to);
    put_sections(&config_root_section, "", to);
    fputs(".SH \"SEE ALSO\"\n.BR baton (1),\n.BR baton\\-serve (1),\n.BR baton\\-reload (1)\n",
          to);
}
