/* SPDX-License-Identifier: Apache-2.0 */
/* Judged User-to-User values, and what is said about them, as JSON; see lint.h. */
#include "csta/json_text.h"
#include "lint/lint.h"
#include "uui/shared.h"
#include <inttypes.h>

/** A member on a line of its own, behind another one. */
static void json_line(const char *name, struct str value, struct out *to)
{
    if (str_is_set(value)) {
        out_fmt(to, ",\n    \"%s\": ", name);
        json_put_string(to, value);
    }
}

static void json_params(const struct uui_value *v, struct out *to)
{
    struct str rest = v->params, name, value;
    const char *comma = "";
    out_c(to, ",\n    \"parameters\": [");
    while (uui_param_next(&rest, &name, &value)) {
        out_fmt(to, "%s{\"name\": ", comma);
        json_put_string(to, name);
        if (str_is_set(value)) {
            out_c(to, ", \"value\": ");
            json_put_string(to, value);
        }
        out_ch(to, '}');
        comma = ", ";
    }
    out_ch(to, ']');
}

static void json_octets(const struct uui_value *v, struct out *to)
{
    int pd = uui_discriminator(v);
    out_c(to, ",\n    \"octets\": \"");
    out_hex(to, v->octets, true);
    out_ch(to, '"');
    if (pd >= 0) {
        out_fmt(to, ",\n    \"discriminator\": %d", pd);
        json_line("discriminatorText", str_c(uui_pd_text((uint8_t)pd)), to);
    }
    struct str text = str_from(v->octets, pd >= 0 ? 1 : 0);
    if (text.n > 0 && uui_is_quotable(text)) {
        json_line("octetsAsText", text, to);
    }
}

static void json_notes(const struct uui_value *v, struct out *to)
{
    const char *comma = "";
    out_c(to, ",\n    \"notes\": [");
    for (unsigned bit = 1; bit <= v->notes; bit <<= 1) {
        if (v->notes & bit) {
            out_fmt(to, "%s\"%s\"", comma, uui_note_name(bit));
            comma = ", ";
        }
    }
    out_ch(to, ']');
    if (v->notes & UUI_NOTE_FORGIVEN) {
        json_line("forgiven", str_c(uui_rule_name((enum uui_rule)v->forgiven)), to);
    }
}

/** Shared UUI: identifier and octets of each item, and the UCID in digits. */
static void json_items(const struct uui_value *v, struct out *to)
{
    struct uui_shared_item item;
    struct str info = str_from(v->octets, 1);
    char ucid[UUI_UCID_DIGITS + 1];
    const char *comma = "";
    if (uui_discriminator(v) < 0 || !uui_shared_is(info)) {
        return;
    }
    out_c(to, ",\n    \"items\": [");
    while (uui_shared_next(&info, &item)) {
        out_fmt(to, "%s{\"id\": \"%02X\", \"octets\": \"", comma, item.id);
        out_hex(to, item.data, true);
        out_ch(to, '"');
        if (item.id == UUI_SHARED_UCID && uui_ucid_text(item.data, ucid)) {
            out_fmt(to, ", \"ucid\": \"%s\"", ucid);
        }
        out_ch(to, '}');
        comma = ", ";
    }
    out_ch(to, ']');
}

void lint_value_json(struct out *to, const struct uui_value *v, struct str where)
{
    out_c(to, "{\n    \"value\": ");
    json_put_string(to, v->text);
    json_line("in", where, to);
    json_line("verdict", str_c(uui_verdict_text(v->verdict)), to);
    if (v->rule != UUI_R_NONE) {
        json_line("rule", str_c(uui_rule_name(v->rule)), to);
        json_line("ruleText", str_c(uui_rule_text(v->rule)), to);
        json_line("ruleSource", str_c(uui_rule_source(v->rule)), to);
        out_fmt(to, ",\n    \"at\": %zu", v->at);
    }
    json_line("package", v->package, to);
    json_line("purpose", v->purpose, to);
    json_line("content", v->content, to);
    json_line("encoding", v->encoding, to);
    out_fmt(to, ",\n    \"draftPurpose\": %s,\n    \"tooLongForIsdn\": %s",
            v->notes & UUI_NOTE_DRAFT_PURPOSE ? "true" : "false",
            v->notes & UUI_NOTE_LONG ? "true" : "false");
    json_notes(v, to);
    json_params(v, to);
    if (str_is_set(v->octets)) {
        json_octets(v, to);
        json_items(v, to);
    }
    out_c(to, "\n  }");
}

/* ---- findings ---- */

static void member(struct out *o, const char *name, struct str value)
{
    if (str_is_set(value)) {
        out_fmt(o, ", \"%s\": ", name);
        json_put_string(o, value);
    }
}

static void put_finding(struct out *o, const struct lint_finding *f)
{
    out_c(o, "{\"level\": ");
    json_put_string(o, str_c(lint_level_text(f->level)));
    member(o, "rule", str_c(f->rule));
    member(o, "text", str_c(f->text));
    member(o, "source", str_c(f->source));
    if (f->at != SIZE_MAX) {
        out_fmt(o, ", \"at\": %zu", f->at);
    }
    out_ch(o, '}');
}

void lint_report_json(struct out *o, const struct lint_report *r)
{
    const char *comma = "";

    out_ch(o, '{');
    if (r->place->file != NULL) {
        out_c(o, "\"file\": ");
        json_put_string(o, str_c(r->place->file));
        comma = ", ";
    }
    if (r->place->line > 0) {
        out_fmt(o, "%s\"line\": %zu", comma, r->place->line);
        comma = ", ";
    }
    if (r->place->packet > 0) {
        out_fmt(o, "%s\"packet\": %zu, \"timeMicroseconds\": %" PRId64, comma, r->place->packet,
                r->place->time_us);
        comma = ", ";
    }
    out_fmt(o, "%s\"findings\": [", comma);
    for (size_t i = 0; i < r->findings; i++) {
        out_c(o, i > 0 ? ", " : "");
        put_finding(o, &r->finding[i]);
    }
    out_ch(o, ']');
    member(o, "hops", r->place->hops);
    member(o, "message", r->start);
    member(o, "callId", r->call_id);
    member(o, "in", r->where);
    member(o, "text", r->text);
    if (r->value != NULL) {
        out_c(o, ", \"decoded\": ");
        lint_value_json(o, r->value, STR_NONE);
    }
    out_ch(o, '}');
}

void lint_summary_json(struct out *o, const struct lint *l)
{
    out_fmt(o,
            "{\"messages\": %zu, \"values\": %zu, \"withoutFinding\": %zu, \"wrong\": %zu, "
            "\"ignored\": %zu, \"notes\": %zu}",
            l->messages, l->values, l->sound, l->level[LINT_WRONG], l->level[LINT_IGNORED],
            l->level[LINT_NOTE]);
}
