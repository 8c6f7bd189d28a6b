/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POST /v1/uui/decode, encode, lint: what `baton uui` says of User-to-User, as JSON
 * (lint/lint.h says it for both). Nothing is asked of the engine.
 */
#include "api/handlers.h"
#include "api/parts.h"
#include "api/text.h"
#include "base/err.h"
#include "csta/json_text.h"
#include "lint/lint.h"
#include "sip/uri.h"
#include <stdlib.h>

/** Members of the bodies; absent ones are not set. */
struct wish {
    struct str value, text, hex, package, content, encoding, dialect, discriminator, octets;
    bool lenient, uri;
};

static struct str *member_of(struct wish *w, struct str name)
{
    struct {
        struct str name;
        struct str *value;
    } table[] = {
        {STR("value"), &w->value},      {STR("text"), &w->text},
        {STR("hex"), &w->hex},          {STR("package"), &w->package},
        {STR("content"), &w->content},  {STR("encoding"), &w->encoding},
        {STR("dialect"), &w->dialect},  {STR("discriminator"), &w->discriminator},
        {STR("maxOctets"), &w->octets},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        if (str_eq(name, table[i].name)) {
            return table[i].value;
        }
    }
    return NULL;
}

/** One member: a string, a number or a truth. @return 0; E_VALUE: nobody knows it */
static int read_member(struct json_reader *r, struct wish *w)
{
    struct str name = r->text;
    struct str *to = member_of(w, name);
    int kind = json_value(r);

    if (to != NULL && (kind == JSON_STRING || kind == JSON_NUMBER)) {
        *to = r->text;
        return 0;
    }
    if (kind == JSON_TRUE || kind == JSON_FALSE) {
        bool *flag = str_eq(name, STR("lenient")) ? &w->lenient
                     : str_eq(name, STR("uri"))   ? &w->uri
                                                  : NULL;
        if (flag != NULL) {
            *flag = kind == JSON_TRUE;
            return 0;
        }
    }
    return kind < 0 ? kind : E_VALUE;
}

/** @return false: answered */
static bool read_wish(struct api_request *r, struct wish *w)
{
    struct json_reader in;
    int more = 0;

    json_init(&in, r->body, 64, r->arena);
    if (json_value(&in) == JSON_OBJECT) {
        while ((more = json_next_member(&in)) == 1) {
            struct str name = in.text;
            if (read_member(&in, w) == E_VALUE) {
                api_refuse(r, 422, "unknownMember", "%.*s is not known here, or not like that.",
                           STR_ARG(str_upto(name, 60)));
                return false;
            }
        }
        if (more == 0 && json_end(&in) == 0) {
            return true;
        }
    }
    api_refuse(r, 400, "invalidJSON", "The body is no JSON object of strings: %s.",
               in.reason != NULL ? in.reason : "see docs/trace.md");
    return false;
}

/** The dialect in which it is written, or is to be. @return false: answered */
static bool read_dialect(struct api_request *r, const struct wish *w, struct uui_far *far)
{
    *far = (struct uui_far){.reading = w->lenient ? UUI_READ_LENIENT : UUI_READ_AS_ALL};
    if (str_is_set(w->dialect)) {
        far->dialect = uui_dialect_named(w->dialect);
        if (far->dialect == NULL) {
            api_refuse(r, 422, "unknownDialect", "%.*s is no dialect: docs/uui-dialects.md.",
                       STR_ARG(str_upto(w->dialect, 60)));
            return false;
        }
    }
    if (str_is_set(w->octets) && !str_to_u32(w->octets, &far->max_octets)) {
        api_refuse(r, 422, "invalidNumber", "maxOctets is a number of octets.");
        return false;
    }
    return true;
}

/** What `put` writes, into the text. */
static void add_json(struct text *t, void (*put)(struct out *o, const void *ctx),
                     const void *ctx)
{
    struct out o;
    char *buf;

    out_init(&o, NULL, 0);
    put(&o, ctx);
    buf = arena_alloc(t->arena, o.need + 1);
    if (buf == NULL) {
        t->failed = true;
        return;
    }
    out_init(&o, buf, o.need + 1);
    put(&o, ctx);
    text_add(t, out_str_of(&o));
}

/* ---- decode ---- */

struct decoding {
    struct text t;
    size_t n;
    int err;
};

struct shown {
    const struct uui_value *v;
    struct str where;
};

static void put_value(struct out *o, const void *ctx)
{
    const struct shown *s = ctx;
    lint_value_json(o, s->v, s->where);
}

static void on_value(void *ctx, const struct uui_value *v, struct str where)
{
    struct decoding *d = ctx;

    text_c(&d->t, d->n++ > 0 ? "," : "");
    add_json(&d->t, put_value, &(struct shown){v, where});
}

static void on_failed(void *ctx, int err)
{
    ((struct decoding *)ctx)->err = err;
}

void api_decode_uui(struct api_request *r)
{
    struct decoding d = {.t = text_in(r->arena)};
    struct uui_packages known = *r->api->rules->rules.packages;
    struct uui_far far;
    struct wish w = {0};

    if (!read_wish(r, &w) || !read_dialect(r, &w, &far)) {
        return;
    }
    known.lenient = w.lenient;
    struct lint_decoding how = {.far = &far,
                                .known = &known,
                                .arena = r->arena,
                                .value = on_value,
                                .failed = on_failed,
                                .ctx = &d};
    text_c(&d.t, "{\"items\":[");
    if (str_is_set(w.value)) {
        lint_decode_one(&how, w.value);
    } else if (str_is_set(w.text)) {
        lint_decode_text(&how, w.text);
    } else {
        api_refuse(r, 422, "valueWanted",
                   "value: one value, header line or URI; or text: lines of those, a message.");
        return;
    }
    text_c(&d.t, "]}");
    if (d.err == E_TOOMANY) {
        api_refuse(r, 422, "tooManyValues", "More than %d values in one message.",
                   UUI_VALUES_MAX);
    } else if (d.err != 0) {
        api_busy(r, E_TOOMANY);
    } else {
        text_reply(r, &d.t);
    }
}

/* ---- encode ---- */

/** @return false: answered */
static bool read_octets(struct api_request *r, const struct wish *w, struct str *out)
{
    char *p = arena_alloc(r->arena, w->hex.n / 2 + 1);

    if (str_is_set(w->text) == str_is_set(w->hex)) {
        api_refuse(r, 422, "octetsWanted", "One of text and hex is wanted.");
        return false;
    }
    *out = w->text;
    for (size_t i = 0; p != NULL && i + 1 < w->hex.n + 1 && str_is_set(w->hex); i += 2) {
        int high = i < w->hex.n ? hex_digit(w->hex.p[i]) : 0;
        int low = i + 1 < w->hex.n ? hex_digit(w->hex.p[i + 1]) : i < w->hex.n ? -1 : 0;
        if (high < 0 || low < 0) {
            api_refuse(r, 422, "invalidHex", "hex is pairs of hex digits.");
            return false;
        }
        p[i / 2] = (char)(high * 16 + low);
    }
    if (str_is_set(w->hex)) {
        *out = str_make(p, w->hex.n / 2);
    }
    return p != NULL;
}

static void refuse_rule(struct api_request *r, enum uui_rule why)
{
    api_refuse(r, 422, "invalidUserToUser", "A receiver would not take this: %s (%s, %s).",
               uui_rule_text(why), uui_rule_name(why), uui_rule_source(why));
}

/** The answer: the element, its line in the dialect, and what a reader makes of it. */
static void reply_encoded(struct api_request *r, const struct wish *w, struct str element,
                          const struct uui_far *far)
{
    const struct uui_packages *known = r->api->rules->rules.packages;
    struct text t = text_in(r->arena);
    struct uui_dialect_text there;
    enum uui_rule why = UUI_R_NONE;
    struct uui_value v;
    char *escaped = arena_alloc(r->arena, element.n * 3 + 1);
    struct out o;

    if (escaped == NULL || uui_parse(element, known, r->arena, &v) != 0) {
        api_busy(r, E_TOOMANY);
        return;
    }
    text_c(&t, "{");
    text_member(&t, "value", element);
    if (w->uri) {
        out_init(&o, escaped, element.n * 3 + 1);
        sip_escape_header(&o, element);
        text_member(&t, "uri", out_str_of(&o));
    }
    if (far->dialect != NULL) {
        if (uui_dialect_write(far, known, &v, r->arena, &there, &why) != 0) {
            refuse_rule(r, why);
            return;
        }
        text_member(&t, "line", lint_write_line(&there, r->arena));
    }
    text_c(&t, ",\"decoded\":");
    add_json(&t, put_value, &(struct shown){&v, STR_NONE});
    text_c(&t, "}");
    text_reply(r, &t);
}

void api_encode_uui(struct api_request *r)
{
    struct wish w = {0};
    struct uui_format f;
    struct uui_far far;
    struct str octets;
    enum uui_rule why = UUI_R_NONE;
    uint32_t pd = 0;
    struct out o;

    if (!read_wish(r, &w) || !read_dialect(r, &w, &far) || !read_octets(r, &w, &octets)) {
        return;
    }
    if (str_is_set(w.discriminator) && (!str_to_u32(w.discriminator, &pd) || pd > 255)) {
        api_refuse(r, 422, "invalidNumber", "discriminator is a number from 0 to 255.");
        return;
    }
    f = (struct uui_format){.package = w.package,
                            .content = w.content,
                            .encoding = w.encoding,
                            .has_pd = str_is_set(w.discriminator),
                            .pd = (uint8_t)pd};
    size_t room = 2 * octets.n + w.package.n + w.content.n + w.encoding.n + 64;
    char *buf = arena_alloc(r->arena, room);
    if (buf == NULL) {
        api_busy(r, E_TOOMANY);
        return;
    }
    out_init(&o, buf, room);
    if (uui_write(&o, octets, &f, &why) != 0) {
        refuse_rule(r, why);
        return;
    }
    reply_encoded(r, &w, out_str_of(&o), &far);
}

/* ---- lint ---- */

struct linting {
    struct text t;
    size_t n;
};

static void put_report(struct out *o, const void *ctx)
{
    lint_report_json(o, ctx);
}

static void put_summary(struct out *o, const void *ctx)
{
    lint_summary_json(o, ctx);
}

static void on_report(struct lint *l, const struct lint_report *report)
{
    struct linting *to = l->ctx;

    text_c(&to->t, to->n++ > 0 ? "," : "");
    add_json(&to->t, put_report, report);
}

/** The lines of a log or message, one by one. */
static void read_lines(struct lint *l, struct str text)
{
    struct lint_place place = {0};

    while (text.n > 0) {
        size_t end = str_index(text, '\n');
        place.line++;
        lint_text_line(l, str_upto(text, end), &place);
        text = str_from(text, end + 1);
    }
    lint_text_end(l);
}

void api_lint_uui(struct api_request *r)
{
    struct linting to = {.t = text_in(r->arena)};
    struct wish w = {0};
    struct lint l;

    if (!read_wish(r, &w)) {
        return;
    }
    if (!str_is_set(w.value) && !str_is_set(w.text)) {
        api_refuse(r, 422, "valueWanted", "value: one value, header line or URI; or text.");
        return;
    }
    if (lint_init(&l, on_report, &to) != 0) {
        api_busy(r, E_TOOMANY);
        return;
    }
    if (!read_dialect(r, &w, &l.far)) {
        lint_fini(&l);
        return;
    }
    text_c(&to.t, "{\"values\":[");
    if (str_is_set(w.value)) {
        lint_value(&l, w.value, &(struct lint_place){0});
    } else {
        read_lines(&l, w.text);
    }
    text_c(&to.t, "],\"summary\":");
    add_json(&to.t, put_summary, &l);
    text_c(&to.t, "}");
    lint_fini(&l);
    text_reply(r, &to.t);
}
