/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What applications are told about User-to-User besides its octets: private data of events
 * (docs/csta-private.md has the elements, docs/csta-private.xsd their schema).
 *
 *     <userToUser xmlns="urn:x-baton:csta">
 *       <value package="isdn-uui" octets="6" discriminator="04" verdict="valid"
 * userData="true"> <origin role="redirector" identity="sip:1002@example.com" …/>
 *       </value>
 *       <change action="strip" package="crm" direction="out" neighbour="trunk" rule="no-crm"/>
 *     </userToUser>
 *
 * It is made once, when the event happens, and kept with the journal's record: who inserted a
 * value and what the border did to it cannot be found out any more when the record is read.
 *
 * BOUNDS. ABOUT_VALUES values, ABOUT_CHANGES of the latest changes, ABOUT_MAX octets in all:
 * what does not fit is left out as a whole element, so that an event stays an event.
 *
 * PRIVACY. An identity that is restricted in this call is nobody's here either.
 */
#include "csta/xml.h"
#include "cti/parts.h"
#include "uui/uui.h"

enum {
    ABOUT_VALUES = 4,
    ABOUT_CHANGES = 4,
    ABOUT_MAX = 2048,
    ELEMENT_MAX = 1024,
    TEXT_MAX = 256, /* of one attribute */
    DATA_MAX = 128, /* octets of a value that is not the event's userData */
};

static void put_attr(struct out *o, const char *name, struct str value)
{
    if (value.n == 0) {
        return;
    }
    out_fmt(o, " %s=\"", name);
    xml_write(o, str_upto(value, TEXT_MAX), true);
    out_ch(o, '"');
}

static void put_hex(struct out *o, const char *name, struct str octets)
{
    out_fmt(o, " %s=\"", name);
    for (size_t i = 0; i < octets.n; i++) {
        out_fmt(o, "%02X", (unsigned)(uint8_t)octets.p[i]);
    }
    out_ch(o, '"');
}

/** A list of names, for bits. */
static void put_bits(struct out *o, const char *name, unsigned bits,
                     const char *(*next)(unsigned *bits))
{
    const char *one = next(&bits);

    if (one == NULL) {
        return;
    }
    out_fmt(o, " %s=\"%s", name, one);
    while ((one = next(&bits)) != NULL) {
        out_fmt(o, " %s", one);
    }
    out_ch(o, '"');
}

/** Is that somebody who is not to be shown? */
static bool is_restricted(const struct call *c, struct str identity)
{
    list_each(it, &c->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        if (conn->restricted && str_eq(conn->id, identity)) {
            return true;
        }
    }
    return false;
}

static void put_origin(struct out *o, const struct call *c, const struct uui_origin *by)
{
    bool hidden = is_restricted(c, by->identity);

    out_c(o, "<origin");
    put_attr(o, "role", str_c(uui_role_text((enum uui_role)by->role)));
    put_attr(o, "identity", hidden ? STR_NONE : by->identity);
    put_attr(o, "confidence", str_c(uui_confidence_text((enum uui_confidence)by->confidence)));
    put_bits(o, "evidence", by->evidence, uui_evidence_next);
    put_bits(o, "conflicts", by->conflicts, uui_conflict_next);
    if (hidden || by->anonymous) {
        put_attr(o, "withheld", STR("true"));
    }
    out_c(o, "/>");
}

static void put_seal(struct out *o, const struct sealing *s)
{
    enum seal_result result = (enum seal_result)s->result;

    if (result == SEAL_NOT_SEALED) {
        return;
    }
    out_c(o, "<seal");
    put_attr(o, "result", str_c(seal_result_word(result)));
    if (result != SEAL_MALFORMED && result != SEAL_FAILED) {
        out_fmt(o, " key=\"%u\"", (unsigned)s->opened.key_id);
    }
    put_attr(o, "identity", s->opened.identity);
    out_c(o, "/>");
}

static void put_value(struct out *o, const struct call *c, bool back, const struct uui_value *v,
                      const struct sealing *seal, bool shown)
{
    const struct uui_mark *mark = call_uui_mark(c, back, v->text);
    struct uui_origin by = mark != NULL ? mark->origin : (struct uui_origin){0};
    int pd = uui_discriminator(v);

    out_c(o, "<value");
    put_attr(o, "package", v->package);
    put_attr(o, "content", v->content);
    put_attr(o, "encoding", v->encoding);
    if (str_is_set(v->octets)) {
        out_fmt(o, " octets=\"%zu\"", v->octets.n);
    }
    if (pd >= 0) {
        out_fmt(o, " discriminator=\"%02X\"", (unsigned)pd);
    }
    put_attr(o, "verdict", str_c(uui_verdict_text((enum uui_verdict)v->verdict)));
    if (v->rule != UUI_R_NONE) {
        put_attr(o, "rule", str_c(uui_rule_name((enum uui_rule)v->rule)));
    }
    if (shown) {
        put_attr(o, "userData", STR("true"));
    } else if (v->octets.n > 0 && v->octets.n <= DATA_MAX) {
        put_hex(o, "data", v->octets);
    }
    if (seal->result == SEAL_OK && seal->opened.identity.n > 0) {
        origin_seal(&by, seal->opened.identity);
    }
    out_ch(o, '>');
    put_origin(o, c, &by);
    put_seal(o, seal);
    out_c(o, "</value>");
}

/** A whole element more, or nothing of it. */
static void append(struct out *o, const struct out *element)
{
    if (!element->over && o->n + element->n < ABOUT_MAX) {
        out_str(o, out_str_of(element));
    }
}

static void put_values(struct out *o, const struct call *c, bool back,
                       const struct values *values, const struct uui_value *shown)
{
    const struct uui_list *list = &values->list;
    char text[ELEMENT_MAX];
    struct out one;

    for (size_t i = 0; i < list->n && i < ABOUT_VALUES; i++) {
        out_init(&one, text, sizeof(text));
        put_value(&one, c, back, &list->v[i], &values->seal[i], &list->v[i] == shown);
        append(o, &one);
    }
}

/* ---- what the border did ---- */

/** The latest changes about a call, oldest first from `next` on. */
struct changes {
    const struct border_note *note[ABOUT_CHANGES];
    size_t n;
};

static void take_note(void *ctx, const struct border_note *note)
{
    struct changes *x = ctx;

    if (note->action != BORDER_PASS) {
        x->note[x->n++ % ABOUT_CHANGES] = note;
    }
}

static void put_change(struct out *o, const struct border_note *n)
{
    out_c(o, "<change");
    put_attr(o, "action", str_c(border_action_name((enum border_action)n->action)));
    put_attr(o, "package", str_c(n->package));
    out_fmt(o, " octets=\"%u\"", (unsigned)n->octets);
    put_attr(o, "place", str_c(border_place_name((enum border_place)n->place)));
    put_attr(o, "direction", n->direction == BORDER_IN ? STR("in") : STR("out"));
    put_attr(o, "neighbour", n->peer);
    put_attr(o, "rule", n->rule);
    put_attr(o, "reason", str_c(n->why));
    out_c(o, "/>");
}

static void put_changes(struct out *o, const struct cti *c, const struct call *call)
{
    struct changes all = {.n = 0};
    char text[ELEMENT_MAX];
    struct out one;

    if (c->border == NULL || c->border->noted == 0) {
        return;
    }
    list_each(it, &call->connections)
    {
        const struct connection *conn = list_entry(it, struct connection, link);
        const struct leg *leg = conn->stem != NULL ? conn->stem->leg : NULL;
        if (leg != NULL && leg->dialog != NULL) {
            border_each_note(c->border, leg->dialog->call_id, take_note, &all);
        }
    }
    for (size_t i = all.n < ABOUT_CHANGES ? 0 : all.n - ABOUT_CHANGES; i < all.n; i++) {
        out_init(&one, text, sizeof(text));
        put_change(&one, all.note[i % ABOUT_CHANGES]);
        append(o, &one);
    }
}

/** What became of values of the call when it moved (call/context.c). @return is there any? */
static bool put_moves(struct out *o, const struct call *c)
{
    const struct {
        const char *name;
        unsigned n;
    } all[] = {{"replaced", c->uui_replaced},
               {"refused", c->uui_refused},
               {"forbidden", c->uui_forbidden}};
    bool any = false;

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (all[i].n > 0) {
            out_fmt(o, " %s=\"%u\"", all[i].name, all[i].n);
            any = true;
        }
    }
    return any;
}

struct str about_uui(const struct cti *c, const struct call *call, bool back,
                     const struct values *values, const struct uui_value *shown)
{
    char *buf = arena_alloc(c->scratch, ABOUT_MAX + sizeof("</userToUser>"));
    struct out o;
    size_t head;
    bool moved;

    if (buf == NULL) {
        return STR_NONE;
    }
    out_init(&o, buf, ABOUT_MAX + sizeof("</userToUser>"));
    out_c(&o, "<userToUser xmlns=\"" CSTA_PRIVATE_NAMESPACE "\"");
    moved = put_moves(&o, call);
    out_ch(&o, '>');
    head = o.n;
    put_values(&o, call, back, values, shown);
    put_changes(&o, c, call);
    if (o.n == head && !moved) {
        return STR_NONE;
    }
    out_c(&o, "</userToUser>");
    return out_str_of(&o);
}
