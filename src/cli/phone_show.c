/* SPDX-License-Identifier: Apache-2.0 */
/* What the phone prints: a line for people or an object for programs, flushed at once. */
#include "base/err.h"
#include "cli/json.h"
#include "cli/phone.h"
#include "uui/uui.h"
#include <stdio.h>

enum { LINES_MAX = 16 };

/** The User-to-User elements of a message. @return how many */
static size_t values_of(struct phone *p, const struct sip_msg *m, struct uui_list *out)
{
    struct str line[LINES_MAX];
    size_t n = 0;

    *out = (struct uui_list){0};
    if (m == NULL) {
        return 0;
    }
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_USER_TO_USER);
         h != NULL && n < LINES_MAX; h = sip_msg_next_line(m, h)) {
        line[n++] = sip_hdr_value(m, h);
    }
    return uui_list_parse(line, n, NULL, &p->ua->scratch, out) == 0 ? out->n : 0;
}

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
        printf("  uui [%.*s, %s] %.*s", STR_ARG(v->package), uui_verdict_text(v->verdict),
               STR_ARG(v->text));
        if (str_is_set(text)) {
            printf("  \"%.*s\"", STR_ARG(text));
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
        json_member("value", v->text, true, stdout);
        json_member("package", v->package, false, stdout);
        json_member("verdict", str_c(uui_verdict_text(v->verdict)), false, stdout);
        json_member("text", readable(v), false, stdout);
        putchar('}');
    }
    putchar(']');
}

void phone_show(struct phone *p, const struct phone_news *n)
{
    struct uui_list uui;
    size_t values = values_of(p, n->uui_of, &uui);

    if (p->opt.json) {
        putchar('{');
        json_member("event", str_c(n->event), true, stdout);
        if (n->call != NULL) {
            printf(", \"call\": %u", n->call->id);
        }
        json_member("peer", n->peer, false, stdout);
        if (n->status != 0) {
            printf(", \"status\": %u", n->status);
        }
        json_member("text", n->text, false, stdout);
        if (values > 0) {
            show_uui_json(&uui);
        }
        puts("}");
    } else {
        if (n->call != NULL) {
            printf("call %u ", n->call->id);
        }
        fputs(n->event, stdout);
        if (n->peer.n > 0) {
            printf(" %.*s", STR_ARG(n->peer));
        }
        if (n->status != 0) {
            printf(" %u", n->status);
        }
        if (n->text.n > 0) {
            printf(" %.*s", STR_ARG(n->text));
        }
        putchar('\n');
        show_uui_text(&uui);
    }
    fflush(stdout);
}

struct str phone_uui_line(struct phone *p, const char *hex, size_t n)
{
    char octets[PHONE_UUI_MAX], buf[640];
    struct out o;

    if (hex == NULL || n == 0 || n % 2 != 0 || n / 2 > sizeof(octets)) {
        return STR_NONE;
    }
    for (size_t i = 0; i < n; i += 2) {
        int hi = hex_digit(hex[i]), lo = hex_digit(hex[i + 1]);
        if (hi < 0 || lo < 0) {
            return STR_NONE;
        }
        octets[i / 2] = (char)(hi << 4 | lo);
    }
    out_init(&o, buf, sizeof(buf));
    out_c(&o, "User-to-User: ");
    if (uui_write(&o, str_make(octets, n / 2), &(struct uui_format){0}, NULL) != 0) {
        return STR_NONE;
    }
    out_c(&o, "\r\n");
    return arena_dup(&p->ua->scratch, out_str_of(&o));
}
