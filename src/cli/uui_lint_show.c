/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `baton uui lint` prints: each value octet by octet with what is said about it, one line
 * for each finding, or JSON. See uui_lint.h.
 *
 * What comes out of a log or off the wire goes to a terminal here: text_put shows what could
 * steer it as dots.
 */
#include "cli/text.h"
#include "cli/uui_lint.h"
#include "cli/uui_show.h"

static void put_report(struct out *o, const void *r)
{
    lint_report_json(o, r);
}

static void put_summary(struct out *o, const void *l)
{
    lint_summary_json(o, l);
}

/** "trace.pcap:packet 12", "log:7"; nothing for the command line. */
static void put_place(const struct lint_place *p, FILE *to)
{
    if (p->file == NULL) {
        return;
    }
    text_put(str_c(p->file), to);
    if (p->packet > 0) {
        fprintf(to, ":packet %zu", p->packet);
    }
    if (p->line > 0) {
        fprintf(to, p->packet > 0 ? ":line %zu" : ":%zu", p->line);
    }
    fputs(": ", to);
}

static struct str text_of(const struct lint_report *r)
{
    return str_is_set(r->text) ? r->text : r->value->text;
}

static void show_brief(const struct lint_report *r, FILE *to)
{
    for (size_t i = 0; i < r->findings; i++) {
        const struct lint_finding *f = &r->finding[i];
        put_place(r->place, to);
        fprintf(to, "%s: %s: %s (%s)", lint_level_text(f->level), f->rule, f->text, f->source);
        if (f->at != SIZE_MAX) {
            fprintf(to, ", at octet %zu", f->at);
        }
        fputs(": ", to);
        if (str_is_set(r->where)) {
            text_put(r->where, to);
            fputs(": ", to);
        }
        text_put(text_of(r), to);
        fputc('\n', to);
    }
}

static void show_text(const struct lint_report *r, bool first, FILE *to)
{
    fputs(first ? "" : "\n", to);
    if (r->place->file != NULL) {
        put_place(r->place, to);
        text_put(str_is_set(r->start) ? r->start : STR("no message around it"), to);
        fputc('\n', to);
    }
    if (str_is_set(r->place->hops)) {
        fprintf(to, "  %.*s\n", STR_ARG(r->place->hops));
    }
    if (r->call_id.n > 0) {
        fputs("  Call-ID ", to);
        text_put(r->call_id, to);
        fputc('\n', to);
    }
    if (r->value != NULL && str_is_set(r->text)) {
        fputs("  written   ", to);
        text_put(r->text, to);
        fputc('\n', to);
    }
    if (r->value != NULL) {
        uui_show_text(r->value, r->where, to);
    } else {
        fputs("in ", to);
        text_put(r->where, to);
        fputs(":\n", to);
        text_put(r->text, to);
        fputc('\n', to);
    }
    for (size_t i = 0; i < r->findings; i++) {
        const struct lint_finding *f = &r->finding[i];
        bool said = r->value != NULL && i == 0 && r->value->rule != UUI_R_NONE;
        if (!said) { /* the rule of the value itself stands there with its place already */
            fprintf(to, "  %-9s %s\n  rule      %s (%s)\n", lint_level_text(f->level), f->text,
                    f->rule, f->source);
        }
    }
}

static void show_json(const struct lint_report *r, bool first, FILE *to)
{
    fputs(first ? "{\"values\": [\n  " : ",\n  ", to);
    text_out(to, put_report, r);
}

void lint_show(const struct lint_report *r, enum lint_form form, bool first, FILE *to)
{
    switch (form) {
    case LINT_BRIEF:
        show_brief(r, to);
        break;
    case LINT_JSON:
        show_json(r, first, to);
        break;
    case LINT_TEXT:
        show_text(r, first, to);
        break;
    }
}

void lint_show_end(const struct lint *l, enum lint_form form, bool any, FILE *to)
{
    if (form == LINT_JSON) {
        fputs(any ? "\n],\n \"summary\": " : "{\"values\": [],\n \"summary\": ", to);
        text_out(to, put_summary, l);
        fputs("}\n", to);
    } else {
        fprintf(to,
                "%smessages: %zu; values: %zu, without a finding: %zu; findings: wrong %zu, "
                "ignored %zu, notes %zu\n",
                any && form == LINT_TEXT ? "\n" : "", l->messages, l->values, l->sound,
                l->level[LINT_WRONG], l->level[LINT_IGNORED], l->level[LINT_NOTE]);
    }
}
