/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialects at the border (uui/dialect.h): what a neighbour wrote in his becomes canonical when
 * it comes in, and what goes to him is written in it, in the place where he has it.
 *
 * A value keeps its place if it can: in a header, or in a header of a URI. Where the dialect
 * has another header the name changes with the value; out of a list the value moves into a line
 * of its own. A dialect with a parameter of the Request-URI (cisco-aai) has it there in
 * requests that begin a dialog; elsewhere, and for dialects of bodies, the value stays a header
 * (bodies are written by who writes the call's bodies, see call/uus_make.c).
 *
 * A limit that the far side would keep in silence is kept here, and loudly: the request is
 * refused, or goes on without the value, with a note (`uui.too_long`).
 */
#include "base/err.h"
#include "border/parts.h"
#include "border/source.h"

static const struct str standard = STR_INIT("User-to-User");

static void note(struct crossing *x, const struct border_value *b, enum border_action action,
                 uint64_t *count)
{
    struct border_event e = {.value = b, .action = action};
    *count += border__note(x, &e) ? 1 : 0;
    x->changed = true;
}

/** "Name: value" in front of the line at that offset. */
static void put_line(struct crossing *x, uint32_t at, struct str name, struct str value)
{
    struct str line = arena_fmt(x->b->arena, "%.*s: %.*s\r\n", STR_ARG(name), STR_ARG(value));
    if (!str_is_set(line)) {
        x->err = E_NOMEM;
    } else {
        border_patch_add(&x->patch, at, at, line);
    }
}

/** Has the message the same value in a line before? Some write it in two headers. */
static bool repeats(const struct crossing *x, const struct border_value *b)
{
    uint64_t own = border_value_hash(&x->b->key, &b->v);
    for (const struct border_value *o = border_value_at(&x->found, 0); o < b; o++) {
        if (!o->gone && o->group != b->group &&
            (o->place == BORDER_HEADER || o->place == BORDER_X_HEADER) &&
            border_value_hash(&x->b->key, &o->v) == own) {
            return true;
        }
    }
    return false;
}

bool border__decode(struct crossing *x, struct border_value *b)
{
    if (!b->foreign || b->v.verdict == UUI_WRONG || str_is_set(b->put) || x->err != 0) {
        return true;
    }
    if (b->place == BORDER_X_HEADER && repeats(x, b)) {
        border__drop(x, b,
                     (struct border_event){.action = BORDER_STRIP,
                                           .why = "the same as in another header"});
        return false;
    }
    if (b->place == BORDER_URI_PARAM) {
        bool ruri = b->header == SIP_HDR_OTHER && sip_is_request(x->m);
        if (ruri) {
            put_line(x, x->m->head_len - 2, standard, b->v.text);
            b->gone = true;
            note(x, b, BORDER_DECODE, &x->b->stats.decoded);
        }
        return true;
    }
    bool named = b->place == BORDER_HEADER;
    if (named && str_eq(b->v.text, b->text.s)) {
        return true;
    }
    b->put = b->v.text;
    border__name_group(x, b, standard);
    note(x, b, BORDER_DECODE, &x->b->stats.decoded);
    return true;
}

static void too_long(struct crossing *x, struct border_value *b, enum uui_rule why)
{
    bool refuses = x->b->policy == NULL || !x->b->policy->strip_long;
    x->b->stats.too_long++;
    border__drop(x, b,
                 (struct border_event){.action = refuses ? BORDER_REFUSE : BORDER_STRIP,
                                       .why = uui_rule_text(why)});
}

/** Out of its list, into a line of its own name. */
static void move_line(struct crossing *x, struct border_value *b,
                      const struct uui_dialect_text *t)
{
    struct border_group *g = border_group_at(&x->found, b->group);
    if (g->n == 1) {
        b->put = t->value;
        g->name = t->name;
    } else {
        b->gone = true;
        put_line(x, g->to, t->name, t->value);
    }
}

static void move_param(struct crossing *x, struct border_value *b,
                       const struct uui_dialect_text *t)
{
    struct str param =
        arena_fmt(x->b->arena, ";%.*s=%.*s", STR_ARG(t->name), STR_ARG(t->value));
    uint32_t at = x->m->ruri_off + x->m->ruri_len;
    if (!str_is_set(param)) {
        x->err = E_NOMEM;
        return;
    }
    border_patch_add(&x->patch, at, at, param);
    b->gone = true;
}

/** In the Request-URI a parameter says nothing but where there is no dialog yet. */
static bool takes_param(const struct crossing *x, const struct border_value *b)
{
    return b->place == BORDER_HEADER && sip_is_request(x->m) &&
           !str_is_set(sip_msg_tag(x->m, SIP_HDR_TO));
}

static void place(struct crossing *x, struct border_value *b, const struct uui_dialect_text *t)
{
    struct border_stats *s = &x->b->stats;
    bool same = str_ieq(t->name, standard);
    if (t->place == UUI_AT_URI_PARAM && takes_param(x, b)) {
        move_param(x, b, t);
    } else if (t->place != UUI_AT_HEADER || (same && str_eq(t->value, b->text.s))) {
        return;
    } else if (same || b->place == BORDER_URI_HEADER) {
        b->put = t->value;
        border__name_group(x, b, t->name);
    } else {
        move_line(x, b, t);
    }
    note(x, b, BORDER_ENCODE, &s->encoded);
}

void border__encode(struct crossing *x, struct border_value *b)
{
    const struct uui_far *far = x->far;
    struct uui_dialect_text text;
    enum uui_rule why = UUI_R_NONE;
    bool limit = far->max_octets > 0 && b->v.isdn && b->v.octets.n > far->max_octets + 1u;
    if (b->v.verdict == UUI_WRONG || b->place == BORDER_URI_PARAM ||
        b->place == BORDER_X_HEADER) {
        return;
    }
    if (limit && (far->dialect == NULL || b->place == BORDER_BODY)) {
        too_long(x, b, UUI_R_FAR_LENGTH);
        return;
    }
    if (far->dialect == NULL || b->place == BORDER_BODY) {
        return;
    }
    int err = uui_dialect_write(far, x->b->packages, &b->v, x->b->arena, &text, &why);
    if (err == E_NOMEM) {
        x->err = err;
    } else if (err != 0) {
        too_long(x, b, why);
    } else {
        place(x, b, &text);
    }
}
