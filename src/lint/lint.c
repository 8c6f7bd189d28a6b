/* SPDX-License-Identifier: Apache-2.0 */
/* User-to-User in words: what a lint is, and single values; see lint.h. */
#include "lint/lint.h"
#include "base/err.h"

const char *lint_level_text(enum lint_level level)
{
    static const char *const text[] = {"note", "ignored", "wrong"};
    return text[level];
}

/* ---- life ---- */

int lint_init(struct lint *l, lint_report_fn report, void *ctx)
{
    *l = (struct lint){.report = report, .ctx = ctx};
    arena_init(&l->arena, &mem_libc, 16384);
    l->calls = mem_zalloc(&mem_libc, LINT_CALLS * sizeof(*l->calls));
    return l->calls != NULL ? 0 : E_NOMEM;
}

void lint_fini(struct lint *l)
{
    arena_fini(&l->arena);
    mem_free(&mem_libc, l->calls);
    l->calls = NULL;
}

/* ---- single values ---- */

void lint_value(struct lint *l, struct str text, const struct lint_place *place)
{
    size_t colon = str_index(text, ':');
    struct str name = str_trim(str_upto(text, colon));
    bool header = colon < text.n && uui_is_token(name) && !str_istarts(name, STR("sip")) &&
                  !str_ieq(name, STR("tel"));
    struct lint_line line = {.value = header ? str_trim(str_from(text, colon + 1)) : text};
    if (header &&
        (str_ieq(name, STR("User-to-User")) ||
         (l->far.dialect != NULL && uui_dialect_owns(l->far.dialect, UUI_AT_HEADER, name)))) {
        line.name = name;
        lint_list(l, &line, 1, place);
    } else {
        line.name = header ? name : STR_NONE;
        if (str_index(text, '?') == text.n || !lint_uris(l, &line, place)) {
            line = (struct lint_line){.value = text};
            lint_list(l, &line, 1, place);
        }
    }
    arena_reset(&l->arena);
}
