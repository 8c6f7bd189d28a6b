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
#include "cli/text.h"
#include "lint/lint.h"
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

struct shown {
    const struct uui_value *v;
    struct str where;
};

static void put_json(struct out *o, const void *ctx)
{
    const struct shown *s = ctx;
    lint_value_json(o, s->v, s->where);
}

void uui_show_json(const struct uui_value *v, struct str where, FILE *to)
{
    text_out(to, put_json, &(struct shown){v, where});
}
