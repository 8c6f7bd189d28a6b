/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encoder: the tables of csta/vocab.c walked in schema order.
 *
 * What is absent is not written, except that a missing mandatory field is a mistake of the
 * caller's and ends the walk with E_VALUE. An element without content becomes `<a/>`: the
 * closing bracket of its start tag is taken back when nothing has come behind it.
 *
 * EDITIONS  fields marked ed4 or ed6 are left out before that edition and those marked pre4
 *           from edition 4 on, as are features of services that an edition does not have; an
 * enumeration value that is new in edition 6 is replaced by the one the table names.
 */
#include "csta/table.h"
#include "csta/xml.h"
#include "csta/xml_char.h"

struct encoder {
    struct out *o;
    enum csta_edition edition;
    size_t mark; /**< octets written when the last start tag was complete */
    int err;
};

static void write_value(struct encoder *e, struct str name, const struct csta_type *type,
                        const void *p);

static void fail(struct encoder *e)
{
    e->err = e->err != 0 ? e->err : E_VALUE;
}

static void open_tag(struct encoder *e, struct str name)
{
    out_ch(e->o, '<');
    out_str(e->o, name);
}

static void open_done(struct encoder *e)
{
    out_ch(e->o, '>');
    e->mark = e->o->n;
}

static void open_element(struct encoder *e, struct str name)
{
    open_tag(e, name);
    open_done(e);
}

static void close_element(struct encoder *e, struct str name)
{
    struct out *o = e->o;
    if (!o->over && o->n == e->mark) {
        o->n--;
        out_str(o, STR("/>"));
    } else {
        out_str(o, STR("</"));
        out_str(o, name);
        out_ch(o, '>');
    }
    e->mark = SIZE_MAX;
}

static void write_int(struct encoder *e, const struct csta_type *type, const void *p)
{
    struct csta_int i;
    memcpy(&i, p, sizeof(i));
    if (i.value < type->min || i.value > type->max) {
        fail(e);
    }
    if (i.value < 0) {
        out_ch(e->o, '-');
        out_u64(e->o, (uint64_t) - (i.value + 1) + 1);
    } else {
        out_u64(e->o, (uint64_t)i.value);
    }
}

static void write_enum(struct encoder *e, const struct csta_type *type, const void *p)
{
    const struct csta_enum *names = type->names;
    unsigned value;
    memcpy(&value, p, sizeof(value));
    value = value != 0 ? value : names->lax;
    if (value == 0 || value > names->n) {
        fail(e);
        return;
    }
    if (e->edition < CSTA_ED6 && names->before6 != NULL) {
        value = names->before6[value];
    }
    out_str(e->o, names->name[value]);
}

/* The text of a simple value, without an element around it. */
static void write_simple(struct encoder *e, const struct csta_type *type, const void *p,
                         bool attr)
{
    enum csta_bool boolean;
    struct str text;
    switch (type->kind) {
    case CSTA_K_BOOL:
        memcpy(&boolean, p, sizeof(boolean));
        out_str(e->o, boolean == CSTA_TRUE ? STR("true") : STR("false"));
        break;
    case CSTA_K_INT:
        write_int(e, type, p);
        break;
    case CSTA_K_ENUM:
        write_enum(e, type, p);
        break;
    case CSTA_K_HEX:
        memcpy(&text, p, sizeof(text));
        out_hex(e->o, text, true);
        break;
    case CSTA_K_ID:
        memcpy(&text, p, sizeof(text));
        if (text.n > CSTA_ID_MAX) {
            fail(e);
        }
        xml_write(e->o, text, attr);
        break;
    default:
        memcpy(&text, p, sizeof(text));
        xml_write(e->o, text, attr);
        break;
    }
}

static bool is_of_edition(const struct encoder *e, const struct csta_field *f)
{
    unsigned others = CSTA_F_ALIAS;
    others |= e->edition < CSTA_ED6 ? CSTA_F_ED6 : 0;
    others |= e->edition < CSTA_ED4 ? CSTA_F_ED4 : CSTA_F_PRE4;
    return !(f->flags & others);
}

static void write_attrs(struct encoder *e, const struct csta_type *type, const char *base)
{
    for (size_t i = 0; i < type->nfield; i++) {
        const struct csta_field *f = &type->field[i];
        const char *p = base + f->offset;
        if (is_of_edition(e, f) && csta_is_present(f->type, p)) {
            out_ch(e->o, ' ');
            out_str(e->o, str_make(f->name, f->len));
            out_str(e->o, STR("=\""));
            write_simple(e, f->type, p, true);
            out_ch(e->o, '"');
        }
    }
    if (type->more != NULL) {
        const char *more;
        memcpy(&more, base + type->more_offset, sizeof(more));
        if (more != NULL) {
            write_attrs(e, type->more, more);
        }
    }
}

/* A device identifier: attributes, and the text that is its first member. */
static void write_device(struct encoder *e, struct str name, const struct csta_type *type,
                         const void *p)
{
    struct str text;
    memcpy(&text, p, sizeof(text));
    if (text.n > CSTA_ID_MAX) {
        fail(e);
    }
    open_tag(e, name);
    write_attrs(e, type, p);
    open_done(e);
    xml_write(e->o, text, false);
    close_element(e, name);
}

static void write_xml(struct encoder *e, struct str name, const void *p)
{
    struct csta_xml xml;
    memcpy(&xml, p, sizeof(xml));
    if (!xml_is_content(xml.body) || !xml_is_attrs(xml.attrs)) {
        fail(e);
        return;
    }
    open_tag(e, name);
    out_str(e->o, xml.attrs);
    open_done(e);
    out_str(e->o, xml.body);
    close_element(e, name);
}

/* Items of a list, each in an element: the list's own name for one that is in place. */
static void write_items(struct encoder *e, struct str name, const struct csta_type *type,
                        const void *p)
{
    struct csta_any_list list;
    memcpy(&list, p, sizeof(list));
    const char *item = list.item;
    for (size_t i = 0; i < list.n; i++) {
        write_value(e, name, type->field->type, item + i * type->item_size);
    }
}

static const struct csta_cap *cap_of(const struct csta_type *type, enum csta_msg_id id)
{
    for (size_t i = 0; i < type->ncap; i++) {
        if (type->caps[i].id == id) {
            return &type->caps[i];
        }
    }
    return NULL;
}

static void write_caps(struct encoder *e, const struct csta_type *type, const void *p)
{
    struct csta_feature_list list;
    memcpy(&list, p, sizeof(list));
    for (size_t i = 0; i < list.n; i++) {
        const struct csta_feature *feature = &list.item[i];
        const struct csta_cap *cap = cap_of(type, feature->id);
        if (cap == NULL) {
            fail(e);
            return;
        }
        if (csta_msg_infos[feature->id].since > e->edition) {
            continue;
        }
        open_element(e, cap->name);
        for (size_t k = 0; k < feature->nbit; k++) {
            struct str bit = feature->bit[k].name;
            if (!csta_is_bit_name(bit)) {
                fail(e);
                return;
            }
            open_element(e, bit);
            out_str(e->o, feature->bit[k].value ? STR("true") : STR("false"));
            close_element(e, bit);
        }
        close_element(e, cap->name);
    }
}

static void write_field(struct encoder *e, const struct csta_field *f, const char *base)
{
    const char *p = base + f->offset;
    struct str name = str_make(f->name, f->len);
    if (f->flags & CSTA_F_REPEATED) {
        write_items(e, name, f->type, p);
    } else if (f->flags & CSTA_F_POINTER) {
        const void *value;
        memcpy(&value, p, sizeof(value));
        write_value(e, name, f->type, value);
    } else {
        write_value(e, name, f->type, p);
    }
}

static void write_fields(struct encoder *e, const struct csta_type *type, const char *base)
{
    for (size_t i = 0; i < type->nfield && e->err == 0; i++) {
        const struct csta_field *f = &type->field[i];
        if (!is_of_edition(e, f)) {
            continue;
        }
        if (csta_field_is_present(f, base + f->offset)) {
            write_field(e, f, base);
        } else if (f->flags & CSTA_F_MANDATORY) {
            fail(e);
        }
    }
}

static void write_alternative(struct encoder *e, const struct csta_type *type, const char *base)
{
    unsigned kind;
    memcpy(&kind, base, sizeof(kind));
    for (size_t i = 0; i < type->nfield; i++) {
        const struct csta_field *f = &type->field[i];
        if (f->kind == kind && !(f->flags & CSTA_F_ALIAS)) {
            write_field(e, f, base);
            return;
        }
    }
    if (kind != 0) {
        fail(e); /* a kind that this choice does not have */
    }
}

static void write_value(struct encoder *e, struct str name, const struct csta_type *type,
                        const void *p)
{
    if (p == NULL) {
        fail(e); /* an alternative that is a pointer, and has none */
        return;
    }
    if (type->kind == CSTA_K_TEXT) {
        write_device(e, name, type, p);
        return;
    }
    if (type->kind == CSTA_K_TARGET && e->edition < CSTA_ED6) {
        write_device(e, name, type->more, p);
        return;
    }
    if (type->kind == CSTA_K_XML) {
        write_xml(e, name, p);
        return;
    }
    open_element(e, name);
    switch (type->kind) {
    case CSTA_K_STRUCT:
        write_fields(e, type, p);
        break;
    case CSTA_K_CHOICE:
        write_alternative(e, type, p);
        break;
    case CSTA_K_LIST:
        write_items(e, str_make(type->field->name, type->field->len), type, p);
        break;
    case CSTA_K_CAPS:
        write_caps(e, type, p);
        break;
    case CSTA_K_TARGET:
        write_device(e, STR("device"), type->more, p);
        break;
    case CSTA_K_EMPTY:
        break;
    default:
        write_simple(e, type, p, false);
    }
    close_element(e, name);
}

int csta_encode(const struct csta_msg *msg, enum csta_edition edition, struct out *out)
{
    if ((unsigned)msg->id >= CSTA_MSG_COUNT || csta_msg_infos[msg->id].body == NULL) {
        return E_UNSUPPORTED;
    }
    const struct csta_msg_info *info = &csta_msg_infos[msg->id];
    struct encoder e = {.o = out, .edition = edition, .mark = SIZE_MAX};
    if (msg->body == NULL) {
        return E_VALUE;
    }
    out_str(out, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
    open_tag(&e, info->name);
    if (edition != CSTA_EDITION_NONE) {
        out_str(out, STR(" xmlns=\""));
        out_str(out, csta_edition_ns(edition));
        out_ch(out, '"');
    }
    open_done(&e);
    if (info->body->kind == CSTA_K_CHOICE) {
        if (!csta_is_present(info->body, msg->body)) {
            return E_VALUE;
        }
        write_alternative(&e, info->body, msg->body);
    } else {
        write_fields(&e, info->body, msg->body);
    }
    close_element(&e, info->name);
    return e.err != 0 ? e.err : out->over ? E_SPACE : 0;
}
