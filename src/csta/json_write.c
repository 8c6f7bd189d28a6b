/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structs to JSON: the tables of csta/vocab.c walked in schema order, as the XML encoder does.
 *
 * What is absent is not written; a missing mandatory field ends the walk with E_VALUE. What two
 * peers of ours might say twice where XML does not mind, a feature in a capability list or a
 * bit of one, is written once, the first time: n² comparisons, with n bounded by what a
 * document may have.
 */
#include "csta/json.h"
#include "csta/json_text.h"
#include "csta/table.h"
#include "csta/xml.h"

struct writer {
    struct out *o;
    int err;
};

static void write_value(struct writer *w, const struct csta_type *type, const void *p);

static void fail(struct writer *w)
{
    w->err = w->err != 0 ? w->err : E_VALUE;
}

/* `"name":`, after a comma when something is there already. Names of the table need no escape.
 */
static void put_name(struct writer *w, bool *first, struct str name)
{
    if (!*first) {
        out_ch(w->o, ',');
    }
    *first = false;
    out_ch(w->o, '"');
    out_str(w->o, name);
    out_str(w->o, STR("\":"));
}

static void write_int(struct writer *w, const struct csta_type *type, const void *p)
{
    struct csta_int i;
    memcpy(&i, p, sizeof(i));
    if (i.value < type->min || i.value > type->max) {
        fail(w);
    }
    if (i.value < 0) {
        out_ch(w->o, '-');
    }
    out_u64(w->o, i.value < 0 ? (uint64_t) - (i.value + 1) + 1 : (uint64_t)i.value);
}

static void write_enum(struct writer *w, const struct csta_type *type, const void *p)
{
    unsigned value;
    memcpy(&value, p, sizeof(value));
    value = value != 0 ? value : type->names->lax;
    if (value == 0 || value > type->names->n) {
        fail(w);
        return;
    }
    out_ch(w->o, '"');
    out_str(w->o, type->names->name[value]);
    out_ch(w->o, '"');
}

static void write_bool(struct writer *w, const void *p)
{
    enum csta_bool value;
    memcpy(&value, p, sizeof(value));
    out_str(w->o, value == CSTA_TRUE ? STR("true") : STR("false"));
}

static void write_text(struct writer *w, const struct csta_type *type, const void *p)
{
    struct str text;
    memcpy(&text, p, sizeof(text));
    if (type->kind != CSTA_K_STR && type->kind != CSTA_K_HEX && text.n > CSTA_ID_MAX) {
        fail(w);
    }
    if (type->kind == CSTA_K_HEX) {
        out_ch(w->o, '"');
        out_hex(w->o, text, true);
        out_ch(w->o, '"');
    } else {
        json_put_string(w->o, text);
    }
}

static void write_xml(struct writer *w, const void *p)
{
    struct csta_xml xml;
    bool first = true;
    memcpy(&xml, p, sizeof(xml));
    if (!xml_is_content(xml.body) || !xml_is_attrs(xml.attrs)) {
        fail(w);
        return;
    }
    out_ch(w->o, '{');
    if (xml.attrs.n > 0) {
        put_name(w, &first, STR("attributes"));
        json_put_string(w->o, xml.attrs);
    }
    put_name(w, &first, STR("xml"));
    json_put_string(w->o, xml.body);
    out_ch(w->o, '}');
}

static void write_list(struct writer *w, const struct csta_type *type, const void *p)
{
    struct csta_any_list list;
    memcpy(&list, p, sizeof(list));
    const char *item = list.item;
    out_ch(w->o, '[');
    for (size_t i = 0; i < list.n && w->err == 0; i++) {
        if (i > 0) {
            out_ch(w->o, ',');
        }
        write_value(w, type->field->type, item + i * type->item_size);
    }
    out_ch(w->o, ']');
}

/* ---- capability lists */

static const struct csta_cap *cap_of(const struct csta_type *type, enum csta_msg_id id)
{
    for (size_t i = 0; i < type->ncap; i++) {
        if (type->caps[i].id == id) {
            return &type->caps[i];
        }
    }
    return NULL;
}

static bool bit_is_before(const struct csta_feature *f, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (str_eq(f->bit[i].name, f->bit[at].name)) {
            return true;
        }
    }
    return false;
}

static bool cap_is_before(const struct csta_feature_list *list, size_t at)
{
    for (size_t i = 0; i < at; i++) {
        if (list->item[i].id == list->item[at].id) {
            return true;
        }
    }
    return false;
}

static void write_bits(struct writer *w, const struct csta_feature *f)
{
    bool first = true;
    out_ch(w->o, '{');
    for (size_t i = 0; i < f->nbit; i++) {
        if (!csta_is_bit_name(f->bit[i].name)) {
            fail(w);
            return;
        }
        if (!bit_is_before(f, i)) {
            put_name(w, &first, f->bit[i].name);
            out_str(w->o, f->bit[i].value ? STR("true") : STR("false"));
        }
    }
    out_ch(w->o, '}');
}

static void write_caps(struct writer *w, const struct csta_type *type, const void *p)
{
    struct csta_feature_list list;
    bool first = true;
    memcpy(&list, p, sizeof(list));
    out_ch(w->o, '{');
    for (size_t i = 0; i < list.n; i++) {
        const struct csta_cap *cap = cap_of(type, list.item[i].id);
        if (cap == NULL) {
            fail(w);
            return;
        }
        if (!cap_is_before(&list, i)) {
            put_name(w, &first, cap->name);
            write_bits(w, &list.item[i]);
        }
    }
    out_ch(w->o, '}');
}

/* ---- members */

/* The value of a field, NULL when there is nothing to write: a choice without alternative,
   which is empty in XML, is no member here. */
static const void *value_of(const struct csta_field *f, const char *base)
{
    const void *p = base + f->offset;
    if (f->flags & CSTA_F_POINTER) {
        memcpy(&p, base + f->offset, sizeof(p));
        bool chosen =
            p != NULL && (f->type->kind != CSTA_K_CHOICE || csta_is_present(f->type, p));
        return chosen ? p : NULL;
    }
    return csta_is_present(f->type, p) ? p : NULL;
}

static void write_fields(struct writer *w, const struct csta_type *type, const char *base,
                         bool *first)
{
    for (size_t i = 0; i < type->nfield && w->err == 0; i++) {
        const struct csta_field *f = &type->field[i];
        const void *p = f->flags & CSTA_F_ALIAS ? NULL : value_of(f, base);
        if (p != NULL) {
            put_name(w, first, str_make(f->name, f->len));
            write_value(w, f->type, p);
        } else if ((f->flags & CSTA_F_MANDATORY) && !(f->flags & CSTA_F_ALIAS)) {
            fail(w);
        }
    }
}

static void write_struct(struct writer *w, const struct csta_type *type, const void *p)
{
    bool first = true;
    out_ch(w->o, '{');
    write_fields(w, type, p, &first);
    out_ch(w->o, '}');
}

/* A device identifier: the text that is its first member, and what are attributes in XML. */
static void write_device(struct writer *w, const struct csta_type *type, const char *base)
{
    bool first = true;
    out_ch(w->o, '{');
    put_name(w, &first, STR("id"));
    write_text(w, type, base);
    write_fields(w, type, base, &first);
    if (type->more != NULL) {
        const char *more;
        memcpy(&more, base + type->more_offset, sizeof(more));
        if (more != NULL) {
            write_fields(w, type->more, more, &first);
        }
    }
    out_ch(w->o, '}');
}

static void write_choice(struct writer *w, const struct csta_type *type, const char *base)
{
    unsigned kind;
    bool first = true;
    memcpy(&kind, base, sizeof(kind));
    for (size_t i = 0; i < type->nfield; i++) {
        const struct csta_field *f = &type->field[i];
        if (f->kind != kind || (f->flags & CSTA_F_ALIAS)) {
            continue;
        }
        const void *p = base + f->offset;
        if (f->flags & CSTA_F_POINTER) {
            memcpy(&p, base + f->offset, sizeof(p));
        }
        out_ch(w->o, '{');
        put_name(w, &first, str_make(f->name, f->len));
        write_value(w, f->type, p);
        out_ch(w->o, '}');
        return;
    }
    fail(w); /* none, or a kind that this choice does not have */
}

static void write_value(struct writer *w, const struct csta_type *type, const void *p)
{
    if (p == NULL) {
        fail(w); /* an alternative that is a pointer, and has none */
        return;
    }
    switch (type->kind) {
    case CSTA_K_BOOL:
        write_bool(w, p);
        break;
    case CSTA_K_INT:
        write_int(w, type, p);
        break;
    case CSTA_K_ENUM:
        write_enum(w, type, p);
        break;
    case CSTA_K_STR:
    case CSTA_K_ID:
    case CSTA_K_HEX:
        write_text(w, type, p);
        break;
    case CSTA_K_XML:
        write_xml(w, p);
        break;
    case CSTA_K_EMPTY:
        out_str(w->o, STR("true"));
        break;
    case CSTA_K_TARGET:
        write_device(w, type->more, p);
        break;
    case CSTA_K_TEXT:
        write_device(w, type, p);
        break;
    case CSTA_K_STRUCT:
        write_struct(w, type, p);
        break;
    case CSTA_K_CHOICE:
        write_choice(w, type, p);
        break;
    case CSTA_K_LIST:
        write_list(w, type, p);
        break;
    case CSTA_K_CAPS:
        write_caps(w, type, p);
        break;
    }
}

static const struct csta_type *body_of(const struct csta_msg *msg)
{
    return (unsigned)msg->id < CSTA_MSG_COUNT ? csta_msg_infos[msg->id].body : NULL;
}

int csta_json_write_body(const struct csta_msg *msg, struct out *out)
{
    const struct csta_type *type = body_of(msg);
    struct writer w = {out, 0};
    if (type == NULL) {
        return E_UNSUPPORTED;
    }
    write_value(&w, type, msg->body);
    return w.err != 0 ? w.err : out->over ? E_SPACE : 0;
}

int csta_json_write(const struct csta_msg *msg, struct out *out)
{
    struct writer w = {out, 0};
    bool first = true;
    if (body_of(msg) == NULL) {
        return E_UNSUPPORTED;
    }
    out_ch(out, '{');
    put_name(&w, &first, csta_msg_infos[msg->id].name);
    int err = csta_json_write_body(msg, out);
    out_ch(out, '}');
    return err == 0 && out->over ? E_SPACE : err;
}
