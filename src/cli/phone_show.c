/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the phone prints: a line for people or an object for programs, flushed at once. What
 * peers have sent goes through text_put or json_string.
 */
#include "cli/json.h"
#include "cli/phone.h"
#include "cli/text.h"
#include "uui/message.h"
#include <stdio.h>

/** The octets behind the discriminator, when they are text. */
static struct str readable(const struct uui_value *v)
{
    struct str text = str_from(v->octets, v->isdn ? 1 : 0);

    return text.n > 0 && uui_is_quotable(text) ? text : STR_NONE;
}

static void show_uui_text(const struct uui_list *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct uui_value *v = &l->v[i];
        struct str text = readable(v);
        fputs("  uui [", stdout);
        text_put(v->package, stdout);
        printf(", %s] ", uui_verdict_text(v->verdict));
        text_put(v->text, stdout);
        if (str_is_set(text)) {
            fputs("  \"", stdout);
            text_put(text, stdout);
            putchar('"');
        }
        if (v->verdict != UUI_VALID) {
            printf("  (%s)", uui_rule_text(v->rule));
        }
        putchar('\n');
    }
}

static void show_uui_json(const struct uui_list *l)
{
    fputs(", \"uui\": [", stdout);
    for (size_t i = 0; i < l->n; i++) {
        const struct uui_value *v = &l->v[i];
        fputs(i == 0 ? "{" : ", {", stdout);
        json_print_member("value", v->text, true, stdout);
        json_print_member("package", v->package, false, stdout);
        json_print_member("verdict", str_c(uui_verdict_text(v->verdict)), false, stdout);
        json_print_member("text", readable(v), false, stdout);
        putchar('}');
    }
    putchar(']');
}

static void put_word(struct str s)
{
    if (s.n > 0) {
        putchar(' ');
        text_put(s, stdout);
    }
}

void phone_show(struct phone *p, const struct phone_news *n)
{
    struct uui_list uui;

    if (n->uui_of == NULL || uui_list_of_msg(n->uui_of, NULL, &p->ua->scratch, &uui) != 0) {
        uui = (struct uui_list){0};
    }
    if (p->opt.json) {
        putchar('{');
        json_print_member("event", str_c(n->event), true, stdout);
        if (n->call != NULL) {
            printf(", \"call\": %u", n->call->id);
        }
        json_print_member("peer", n->peer, false, stdout);
        if (n->status != 0) {
            printf(", \"status\": %u", n->status);
        }
        json_print_member("text", n->text, false, stdout);
        if (uui.n > 0) {
            show_uui_json(&uui);
        }
        puts("}");
    } else {
        if (n->call != NULL) {
            printf("call %u ", n->call->id);
        }
        fputs(n->event, stdout);
        put_word(n->peer);
        if (n->status != 0) {
            printf(" %u", n->status);
        }
        put_word(n->text);
        putchar('\n');
        show_uui_text(&uui);
    }
    fflush(stdout);
}

struct str phone_uui_line(struct phone *p, struct str hex)
{
    static const struct uui_format format;
    struct arena *a = &p->ua->scratch;
    struct str octets;
    size_t cap = hex.n + 80; /* name, parameters and line end */
    char *buf = arena_alloc(a, cap);
    struct out o;

    if (hex.n == 0 || buf == NULL || text_hex(hex, a, &octets) != 0) {
        return STR_NONE;
    }
    out_init(&o, buf, cap);
    out_c(&o, "User-to-User: ");
    if (uui_write(&o, octets, &format, NULL) != 0) {
        return STR_NONE;
    }
    out_c(&o, "\r\n");
    return o.over ? STR_NONE : out_str_of(&o);
}
