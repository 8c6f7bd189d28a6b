/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A User-to-User value as `baton uui decode` shows it.
 *
 *     04C8034B3D31;encoding=hex                     the value as it stands
 *       valid
 *       package   isdn-uui (no purpose given)       what the rules make of it
 *       encoding  hex
 *       octets    6
 *          0  04                                    protocol discriminator: IA5 characters
 *          1  C8 03 4B 3D 31                        ..K=1
 *
 * A fault is pointed at with a caret below the octet where it struck. What comes off the
 * wire goes to a terminal here: text_put shows what could steer it as dots.
 */
#include "cli/uui_show.h"

#include "base/utf8.h"
#include "cli/json.h"
#include "cli/text.h"
#include "uui/shared.h"

enum { ROW = 16 };

static bool is_printable(char c)
{
    return c >= 0x20 && c < 0x7F;
}

static void put_field(const char *name, struct str value, const char *remark, FILE *to)
{
    fprintf(to, "  %-9s ", name);
    text_put(value, to);
    fprintf(to, "%s\n", remark);
}

static void put_verdict(const struct uui_value *v, FILE *to)
{
    if (v->rule != UUI_R_NONE) {
        fprintf(to, "%*s^\n", (int)utf8_count(str_upto(v->text, v->at)), "");
    }
    fprintf(to, "  %s", uui_verdict_text(v->verdict));
    if (v->rule != UUI_R_NONE) {
        fprintf(to, ": %s\n  rule      %s (%s), at octet %zu", uui_rule_text(v->rule),
                uui_rule_name(v->rule), uui_rule_source(v->rule), v->at);
    }
    fputc('\n', to);
    for (unsigned bit = 1; bit <= v->notes; bit <<= 1) {
        if ((v->notes & bit) && bit != UUI_NOTE_FORGIVEN) {
            fprintf(to, "  note      %s\n", uui_note_text(bit));
        }
    }
    if (v->notes & UUI_NOTE_FORGIVEN) {
        fprintf(to, "  forgiven  %s\n            %s (%s), at octet %zu\n",
                uui_rule_text((enum uui_rule)v->forgiven),
                uui_rule_name((enum uui_rule)v->forgiven),
                uui_rule_source((enum uui_rule)v->forgiven), v->at);
    }
}

static void put_row(struct str octets, size_t at, size_t n, FILE *to)
{
    fprintf(to, "    %4zu ", at);
    for (size_t i = 0; i < ROW; i++) {
        if (i < n) {
            fprintf(to, " %02X", (unsigned char)octets.p[at + i]);
        } else {
            fputs("   ", to);
        }
    }
    fputs("  ", to);
}

/** The items of shared UUI behind the discriminator. */
static void put_items(struct str info, bool isdn, FILE *to)
{
    struct uui_shared_item item;
    char ucid[UUI_UCID_DIGITS + 1];
    bool shared = isdn && uui_shared_begins(info);
    while (shared && uui_shared_next(&info, &item)) {
        const char *name = uui_shared_name(item.id);
        fprintf(to, "  item      %02X, %zu octets%s%s", item.id, item.data.n,
                name[0] != '\0' ? ": " : "", name);
        if (item.id == UUI_SHARED_UCID && uui_ucid_text(item.data, ucid)) {
            fprintf(to, " %.5s %.5s %.10s", ucid, ucid + 5, ucid + 10);
        } else if (item.data.n > 0 && uui_is_quotable(item.data)) {
            fputs(" \"", to);
            text_put(item.data, to);
            fputc('"', to);
        }
        fputc('\n', to);
    }
    if (shared && info.n > 0) {
        fprintf(to, "  item      %02X: %s (%s)\n", (unsigned char)info.p[0],
                uui_rule_text(UUI_R_SHARED_ITEM), uui_rule_name(UUI_R_SHARED_ITEM));
    }
}

static void put_octets(const struct uui_value *v, FILE *to)
{
    size_t at = 0;
    fprintf(to, "  octets    %zu\n", v->octets.n);
    int pd = uui_discriminator(v);
    if (pd >= 0) {
        put_row(v->octets, 0, 1, to);
        fprintf(to, "protocol discriminator: %s\n", uui_pd_text((uint8_t)pd));
        at = 1;
    }
    while (at < v->octets.n) {
        size_t n = v->octets.n - at < ROW ? v->octets.n - at : ROW;
        put_row(v->octets, at, n, to);
        for (size_t i = 0; i < n; i++) {
            char c = v->octets.p[at + i];
            fputc(is_printable(c) ? c : '.', to);
        }
        fputc('\n', to);
        at += n;
    }
    put_items(str_from(v->octets, 1), pd >= 0, to);
}

static bool is_named(struct str name)
{
    return str_ieq(name, STR("purpose")) || str_ieq(name, STR("content")) ||
           str_ieq(name, STR("encoding"));
}

void uui_show_text(const struct uui_value *v, struct str where, FILE *to)
{
    if (str_is_set(where)) {
        fputs("in ", to);
        text_put(where, to);
        fputs(":\n", to);
    }
    text_put(v->text, to);
    fputc('\n', to);
    put_verdict(v, to);
    if (str_is_set(v->package)) {
        put_field("package", v->package, str_is_set(v->purpose) ? "" : " (no purpose given)",
                  to);
    }
    if (str_is_set(v->content)) {
        put_field("content", v->content, "", to);
    }
    if (str_is_set(v->encoding)) {
        put_field("encoding", v->encoding, "", to);
    } else if (v->encoding_id == UUI_ENC_HEX) {
        put_field("encoding", STR("hex"), " (default of the package)", to);
    }
    struct str rest = v->params, name, value;
    while (uui_param_next(&rest, &name, &value)) {
        if (!is_named(name)) {
            fputs("  parameter ", to);
            text_put(name, to);
            fputs(str_is_set(value) ? " = " : "", to);
            text_put(value, to);
            fputc('\n', to);
        }
    }
    if (str_is_set(v->octets)) {
        put_octets(v, to);
    }
}

/* ------------------------------------------------------------------------------ JSON */

/** A member on a line of its own, behind another one. */
static void json_line(const char *name, struct str value, FILE *to)
{
    if (str_is_set(value)) {
        fprintf(to, ",\n    ");
        json_print_member(name, value, true, to);
    }
}

static void json_params(const struct uui_value *v, FILE *to)
{
    struct str rest = v->params, name, value;
    const char *comma = "";
    fputs(",\n    \"parameters\": [", to);
    while (uui_param_next(&rest, &name, &value)) {
        fprintf(to, "%s{\"name\": ", comma);
        json_string(name, to);
        if (str_is_set(value)) {
            fputs(", \"value\": ", to);
            json_string(value, to);
        }
        fputc('}', to);
        comma = ", ";
    }
    fputc(']', to);
}

static void json_octets(const struct uui_value *v, FILE *to)
{
    int pd = uui_discriminator(v);
    fputs(",\n    \"octets\": \"", to);
    for (size_t i = 0; i < v->octets.n; i++) {
        fprintf(to, "%02X", (unsigned char)v->octets.p[i]);
    }
    fputc('"', to);
    if (pd >= 0) {
        fprintf(to, ",\n    \"discriminator\": %d", pd);
        json_line("discriminatorText", str_c(uui_pd_text((uint8_t)pd)), to);
    }
    struct str text = str_from(v->octets, pd >= 0 ? 1 : 0);
    if (text.n > 0 && uui_is_quotable(text)) {
        json_line("octetsAsText", text, to);
    }
}

static void json_notes(const struct uui_value *v, FILE *to)
{
    const char *comma = "";
    fputs(",\n    \"notes\": [", to);
    for (unsigned bit = 1; bit <= v->notes; bit <<= 1) {
        if (v->notes & bit) {
            fprintf(to, "%s\"%s\"", comma, uui_note_name(bit));
            comma = ", ";
        }
    }
    fputc(']', to);
    if (v->notes & UUI_NOTE_FORGIVEN) {
        json_line("forgiven", str_c(uui_rule_name((enum uui_rule)v->forgiven)), to);
    }
}

/** Shared UUI: identifier and octets of each item, and the UCID in digits. */
static void json_items(const struct uui_value *v, FILE *to)
{
    struct uui_shared_item item;
    struct str info = str_from(v->octets, 1);
    char ucid[UUI_UCID_DIGITS + 1];
    const char *comma = "";
    if (uui_discriminator(v) < 0 || !uui_shared_is(info)) {
        return;
    }
    fputs(",\n    \"items\": [", to);
    while (uui_shared_next(&info, &item)) {
        fprintf(to, "%s{\"id\": \"%02X\", \"octets\": \"", comma, item.id);
        for (size_t i = 0; i < item.data.n; i++) {
            fprintf(to, "%02X", (unsigned char)item.data.p[i]);
        }
        fputc('"', to);
        if (item.id == UUI_SHARED_UCID && uui_ucid_text(item.data, ucid)) {
            fprintf(to, ", \"ucid\": \"%s\"", ucid);
        }
        fputc('}', to);
        comma = ", ";
    }
    fputc(']', to);
}

void uui_show_json(const struct uui_value *v, struct str where, FILE *to)
{
    fputs("{\n    \"value\": ", to);
    json_string(v->text, to);
    json_line("in", where, to);
    json_line("verdict", str_c(uui_verdict_text(v->verdict)), to);
    if (v->rule != UUI_R_NONE) {
        json_line("rule", str_c(uui_rule_name(v->rule)), to);
        json_line("ruleText", str_c(uui_rule_text(v->rule)), to);
        json_line("ruleSource", str_c(uui_rule_source(v->rule)), to);
        fprintf(to, ",\n    \"at\": %zu", v->at);
    }
    json_line("package", v->package, to);
    json_line("purpose", v->purpose, to);
    json_line("content", v->content, to);
    json_line("encoding", v->encoding, to);
    fprintf(to, ",\n    \"draftPurpose\": %s,\n    \"tooLongForIsdn\": %s",
            v->notes & UUI_NOTE_DRAFT_PURPOSE ? "true" : "false",
            v->notes & UUI_NOTE_LONG ? "true" : "false");
    json_notes(v, to);
    json_params(v, to);
    if (str_is_set(v->octets)) {
        json_octets(v, to);
        json_items(v, to);
    }
    fputs("\n  }", to);
}
