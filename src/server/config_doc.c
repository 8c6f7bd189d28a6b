/* SPDX-License-Identifier: Apache-2.0 */
/* docs/configuration.md, printed from the table by which the file is checked. */
#include "server/config.h"
#include "server/config_raw.h"

static void write_default(const struct config_key *k, FILE *to)
{
    switch (k->kind) {
    case KEY_NUMBER:
        fprintf(to, "%u (%u to %u)", k->def, k->least, k->most);
        break;
    case KEY_BOOL:
        fputs(k->def != 0 ? "true" : "false", to);
        break;
    case KEY_NEEDED:
        fputs("must be given", to);
        break;
    case KEY_WORD:
        fprintf(to, "`%s`, of: %s", k->def_text, k->words);
        break;
    default:
        if (k->def_text[0] != '\0') {
            fprintf(to, "`%s`", k->def_text);
        } else {
            fputs("none", to);
        }
        break;
    }
}

static void write_rows(const struct config_section *s, FILE *to)
{
    fputs("\n| key | value | default | meaning |\n|---|---|---|---|\n", to);
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        static const char *const kinds[] = {
            [KEY_NUMBER] = "number", [KEY_BOOL] = "yes/no", [KEY_STRING] = "text",
            [KEY_WORD] = "word",     [KEY_LIST] = "list",   [KEY_NEEDED] = "text",
        };
        if (k->kind == KEY_SECTION || k->kind == KEY_SECTIONS) {
            continue;
        }
        fprintf(to, "| `%s` | %s | ", k->name, kinds[k->kind]);
        write_default(k, to);
        fprintf(to, " | %s |\n", k->text);
    }
}

/** The sections within one, under the way that leads there: "routes.match". */
static void write_sections(const struct config_section *s, const char *way, FILE *to)
{
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        if (k->kind == KEY_SECTION || k->kind == KEY_SECTIONS) {
            char here[128];
            (void)snprintf(here, sizeof(here), "%s%s%s", way, way[0] != '\0' ? "." : "",
                           k->name);
            fprintf(to, "\n##%s `%s`%s\n\n%s\n", way[0] != '\0' ? "#" : "", here,
                    k->kind == KEY_SECTIONS ? " (a list)" : "", k->text);
            write_rows(k->section, to);
            write_sections(k->section, here, to);
        }
    }
}

void config_write_doc(FILE *to)
{
    fputs(
        "# Configuration\n\n"
        "One YAML file, given to `baton serve -c FILE`. Every key may be left out, except "
        "where a section says that it\nmust be given; `{}` is a complete configuration, which "
        "listens on this machine only and knows nobody. An unknown\nkey, a value out of "
        "range or of the wrong kind is an error that names file, line and column.\n"
        "`baton serve -c FILE --check` says whether a file is right, without starting.\n\n"
        "Durations end in `_ms` (milliseconds) or `_s` (seconds), sizes are octets.\n\n"
        "<!-- Printed by `baton serve --explain-config`; a test compares them. -->\n\n"
        "## At the top\n",
        to);
    write_rows(&config_root_section, to);
    write_sections(&config_root_section, "", to);
}
