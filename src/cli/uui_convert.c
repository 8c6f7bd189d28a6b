/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton uui convert`: a value as one system writes it, as another one wants it.
 *
 * Each value passes the same code as in a running server: what is read strictly there is read
 * strictly here, and what the far side could not take is refused with the rule.
 */
#include "cli/uui_convert.h"
#include "base/err.h"
#include "cli/text.h"
#include "cli/uui_cmd.h"
#include "lint/lint.h"
#include <stdlib.h>

/** Lines beyond this are no values. */
enum { LINE_MAX_OCTETS = 65536 };

static void tell(const char *what, enum uui_rule rule, struct str text, FILE *err)
{
    fprintf(err, "baton uui: %s: %s (%s, %s): ", what, uui_rule_text(rule), uui_rule_name(rule),
            uui_rule_source(rule));
    text_put(text, err);
    fputc('\n', err);
}

static void tell_notes(unsigned notes, FILE *err)
{
    for (unsigned bit = 1; bit <= notes; bit <<= 1) {
        if (notes & bit) {
            fprintf(err, "baton uui: note: %s\n", uui_note_text(bit));
        }
    }
}

bool uui_write_far(const struct uui_far *far, const struct uui_packages *known,
                   const struct uui_value *v, struct arena *a, FILE *out, FILE *err)
{
    struct uui_dialect_text t;
    enum uui_rule why = UUI_R_NONE;
    int rc = uui_dialect_write(far, known, v, a, &t, &why);
    if (rc == E_VALUE || rc == E_TOOBIG) {
        tell("the far side would not take this", why, v->text, err);
        return false;
    }
    struct str line = rc == 0 ? lint_write_line(&t, a) : STR_NONE;
    if (!str_is_set(line)) {
        fprintf(err, "baton uui: %s\n", err_text(E_NOMEM));
        return false;
    }
    tell_notes(t.notes, err);
    fprintf(out, "%.*s\n", STR_ARG(line));
    return true;
}

/** @return values that could not be converted */
static size_t convert_line(const struct uui_options *o, struct str line, FILE *out, FILE *err)
{
    struct arena a;
    struct uui_list l;
    size_t bad = 0;
    arena_init(&a, &mem_libc, 16384);
    int rc = lint_read_line(&o->from, &o->known, str_trim(line), &a, &l);
    if (rc < 0) {
        fprintf(err, "baton uui: %s\n", err_text(rc));
        bad++;
    }
    for (size_t i = 0; rc == 0 && i < l.n; i++) {
        const struct uui_value *v = &l.v[i];
        if (v->verdict == UUI_WRONG || v->rule == UUI_R_MANY) {
            tell(uui_verdict_text((enum uui_verdict)v->verdict), (enum uui_rule)v->rule,
                 v->text, err);
            bad++;
            continue;
        }
        if (v->notes & UUI_NOTE_FORGIVEN) {
            tell("forgiven", (enum uui_rule)v->forgiven, line, err);
        }
        bad += uui_write_far(&o->to, &o->known, v, &a, out, err) ? 0 : 1;
    }
    arena_fini(&a);
    return bad;
}

static size_t convert_stream(const struct uui_options *o, FILE *in, FILE *out, FILE *err)
{
    size_t bad = 0, room = 0;
    char *text = NULL;
    ssize_t n;
    while ((n = getline(&text, &room, in)) >= 0) {
        struct str line = str_trim(str_make(text, (size_t)n));
        if (line.n > LINE_MAX_OCTETS) {
            fprintf(err, "baton uui: %s\n", err_text(E_TOOBIG));
            bad++;
        } else if (line.n > 0 && line.p[0] != '#') {
            bad += convert_line(o, line, out, err);
        }
    }
    free(text);
    return bad;
}

int uui_convert(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
    struct uui_options o = {.from.dialect = uui_dialect_named(STR("rfc7434")),
                            .to.dialect = uui_dialect_named(STR("rfc7434"))};
    size_t bad = 0;
    int n = uui_take_options(argc, argv, &o);
    if (n < 0) {
        return EXIT_CODE_USAGE;
    }
    for (int i = 0; i < n; i++) {
        bad += strcmp(argv[i], "-") == 0 ? convert_stream(&o, in, out, err)
                                         : convert_line(&o, str_c(argv[i]), out, err);
    }
    if (n == 0) {
        bad += convert_stream(&o, in, out, err);
    }
    return bad > 0 ? EXIT_CODE_FAILED : EXIT_CODE_OK;
}

int uui_list_dialects(FILE *out)
{
    const struct uui_dialect *d;
    for (size_t i = 0; (d = uui_dialect_at(i)) != NULL; i++) {
        fprintf(out, "%-18.*s%s\n%18s%.*s: %s\n", STR_ARG(d->name), d->text, "",
                STR_ARG(d->carrier[0].name), d->writes);
    }
    return EXIT_CODE_OK;
}
