/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder: one walk over the reader's events, led by the tables of csta/vocab.c.
 *
 * Every function below is entered behind the start tag of its element and leaves behind the
 * end tag. A value goes to `base + offset` of its field; zero is "absent", which is also how
 * an element that comes twice is noticed. Recursion follows the types, which do not refer to
 * themselves, so it ends within seven steps whatever the input.
 *
 * Elements mostly come in schema order, so the search for a name starts behind the field
 * that was found last: one comparison a field, usually.
 *
 * ERRORS  the first one wins and ends the walk: reject() fills the fault. A document that
 *         the strict reader declines is recoded (xml_expat.c) and walked again.
 */
#include "csta/table.h"
#include "csta/xml.h"
#include "csta/xml_char.h"

struct decoder {
    struct xml_reader *r;
    struct arena *arena;
    struct csta_fault *fault; /**< offset is set relative to the reader's document */
    bool declined;            /**< the failure is E_UNSUPPORTED of the reader */
};

static int decode_value(struct decoder *d, const struct csta_field *f, void *p);

/* A fault that the input is to blame for, answered with operation/`error`. */
static int reject(struct decoder *d, const char *at, const struct csta_field *f, unsigned error,
                  const char *reason)
{
    struct csta_fault *fault = d->fault;
    fault->offset = (size_t)(at - d->r->start);
    fault->reason = reason;
    fault->element = f != NULL ? str_make(f->name, f->len) : STR_NONE;
    fault->error = csta_error_of(CSTA_ERROR_OPERATION, error);
    return E_VALUE;
}

/* The reader failed with `err`. */
static int broken(struct decoder *d, int err)
{
    if (err == E_NOMEM) {
        d->fault->reason = "out of memory";
        d->fault->error = csta_error_of(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                                        CSTA_SYSTEM_INTERNAL_RESOURCE_BUSY);
        return err;
    }
    d->declined = err == E_UNSUPPORTED;
    (void)reject(d, d->r->at, NULL, CSTA_OPERATION_GENERIC, d->r->reason);
    return err;
}

static unsigned error_of(const struct csta_field *f, unsigned otherwise)
{
    return f->error != 0 ? f->error : otherwise;
}

static void *alloc(struct decoder *d, size_t size, int *err)
{
    void *p = arena_zalloc(d->arena, size);
    *err = p != NULL ? 0 : broken(d, E_NOMEM);
    return p;
}

static const struct csta_field *find_field(const struct csta_type *type, struct str name,
                                           size_t *hint)
{
    for (size_t step = 0, i = *hint; step < type->nfield; step++, i++) {
        i = i >= type->nfield ? 0 : i;
        const struct csta_field *f = &type->field[i];
        if (f->len == name.n && xml_same(f->name, name.p, name.n)) {
            *hint = i + 1;
            return f;
        }
    }
    return NULL;
}

static bool is_blank(struct str text)
{
    return str_trim(text).n == 0;
}

/* ---- simple values */

/* Text to value; `at` is where to point when it is wrong. */
static int store(struct decoder *d, const struct csta_field *f, struct str text, const char *at,
                 void *p)
{
    const char *reason = NULL;
    int err = csta_value_parse(f->type, text, d->arena, p, &reason);
    if (err == E_NOMEM) {
        return broken(d, err);
    }
    if (err) {
        unsigned error = err == E_VALUE || err == E_TOOBIG
                             ? CSTA_OPERATION_VALUE_OUT_OF_RANGE
                             : CSTA_OPERATION_INVALID_PARAMETER_VALUE;
        d->fault->type = f->type;
        return reject(d, at, f, error_of(f, error), reason);
    }
    return 0;
}

/* The text of an element without elements in it. */
static int read_text(struct decoder *d, const struct csta_field *f, struct str *out)
{
    int err = xml_text(d->r, d->arena, out);
    if (err == E_VALUE) {
        return reject(d, d->r->at, f, error_of(f, CSTA_OPERATION_INVALID_PARAMETER_VALUE),
                      d->r->reason);
    }
    return err ? broken(d, err) : 0;
}

static int decode_simple(struct decoder *d, const struct csta_field *f, void *p)
{
    const char *at = d->r->at;
    struct str text;
    int err = read_text(d, f, &text);
    return err ? err : store(d, f, text, at, p);
}

/* ---- device identifiers: text with attributes */

static int decode_attr(struct decoder *d, const struct csta_type *type,
                       const struct xml_attr *a, char *base)
{
    size_t hint = 0;
    const struct csta_field *f = find_field(type, a->name, &hint);
    const struct csta_type *more = type->more;
    char *at = base;
    int err;
    if (f == NULL && more != NULL && (f = find_field(more, a->name, &hint)) != NULL) {
        memcpy(&at, base + type->more_offset, sizeof(at));
        if (at == NULL) {
            at = alloc(d, more->size, &err);
            if (at == NULL) {
                return err;
            }
            memcpy(base + type->more_offset, &at, sizeof(at));
        }
    }
    if (f == NULL) {
        return 0;
    }
    struct str text;
    err = xml_attr_of(&a->value, d->arena, &text);
    return err ? broken(d, err) : store(d, f, text, a->value.raw.p, at + f->offset);
}

/* The attributes of the start tag just read; those with a prefix are not ours. */
static int decode_attrs(struct decoder *d, const struct csta_type *type, char *base)
{
    for (unsigned i = 0; i < d->r->nattr; i++) {
        const struct xml_attr *a = &d->r->attr[i];
        int err = a->name.n == a->qname.n ? decode_attr(d, type, a, base) : 0;
        if (err) {
            return err;
        }
    }
    return 0;
}

static const struct csta_type id_type = {.name = "id", .kind = CSTA_K_ID};

/* Text into the first member of `p`. */
static int store_id(struct decoder *d, const struct csta_field *f, struct str text,
                    const char *at, void *p)
{
    const struct csta_field id = {.name = f->name,
                                  .len = f->len,
                                  .error = CSTA_OPERATION_INVALID_DEVICE_ID,
                                  .type = &id_type};
    return store(d, &id, text, at, p);
}

static int decode_device(struct decoder *d, const struct csta_field *f,
                         const struct csta_type *type, void *p)
{
    const char *at = d->r->at;
    struct str text;
    int err = d->r->nattr > 0 ? decode_attrs(d, type, p) : 0;
    if (!err) {
        err = read_text(d, f, &text);
    }
    return err ? err : store_id(d, f, text, at, p);
}

/* newDestination: text, or a list of `device` of which the first counts. */
static int decode_target(struct decoder *d, const struct csta_field *f, void *p)
{
    const struct csta_type *type = f->type->more;
    const char *at = d->r->at;
    struct csta_device_id *device = p;
    int err = d->r->nattr > 0 ? decode_attrs(d, type, p) : 0;
    bool listed = false;
    while (!err) {
        int ev = xml_next(d->r);
        if (ev < 0) {
            return broken(d, ev);
        }
        if (ev == XML_END) {
            return str_is_set(device->value) ? 0 : store_id(d, f, STR(""), at, p);
        }
        if (ev == XML_TEXT && !listed && !str_is_set(device->value)) {
            struct str text;
            err = xml_text_of(&d->r->text, d->arena, &text);
            err = err ? broken(d, err) : is_blank(text) ? 0 : store_id(d, f, text, at, p);
        } else if (ev == XML_START && !listed && str_eq(d->r->name, STR("device"))) {
            listed = true;
            *device = (struct csta_device_id){0};
            err = decode_device(d, f, type, p);
        } else if (ev == XML_START) {
            err = xml_skip(d->r, NULL);
            err = err ? broken(d, err) : 0;
        }
    }
    return err;
}

/* ---- compound values */

/* Lists double their room at 4, 8, 16 ... items; the arena keeps what was outgrown. */
static int append(struct decoder *d, const struct csta_field *item, size_t size, void *list)
{
    struct csta_any_list l;
    int err = 0;
    memcpy(&l, list, sizeof(l));
    char *items = l.item;
    if (l.n == 0 || (l.n >= 4 && (l.n & (l.n - 1)) == 0)) {
        items = alloc(d, (l.n == 0 ? 4 : 2 * l.n) * size, &err);
        if (items == NULL) {
            return err;
        }
        if (l.n > 0) {
            memcpy(items, l.item, l.n * size);
        }
    }
    err = decode_value(d, item, items + l.n * size);
    l.item = items;
    l.n++;
    memcpy(list, &l, sizeof(l));
    return err;
}

/* Calls nothing for blanks and foreign elements: the next start tag that `type` has a field
   for, NULL and *err 0 at the end of the element. Text that is not blank goes to *text. */
static const struct csta_field *next_field(struct decoder *d, const struct csta_type *type,
                                           size_t *hint, struct xml_raw *text, bool *foreign,
                                           int *err)
{
    for (;;) {
        int ev = xml_next(d->r);
        if (ev == XML_START) {
            const struct csta_field *f = find_field(type, d->r->name, hint);
            if (f != NULL) {
                return f;
            }
            *foreign = true;
            ev = xml_skip(d->r, NULL);
        } else if (ev == XML_TEXT && !is_blank(d->r->text.raw)) {
            *text = d->r->text;
        }
        if (ev < 0 || ev == XML_END) {
            *err = ev < 0 ? broken(d, ev) : 0;
            return NULL;
        }
    }
}

static int decode_list(struct decoder *d, const struct csta_field *f, void *p)
{
    struct csta_any_list empty = {csta_no_items(), 0};
    memcpy(p, &empty, sizeof(empty));
    const struct csta_field *item;
    struct xml_raw text;
    bool foreign;
    size_t hint = 0;
    int err = 0;
    while ((item = next_field(d, f->type, &hint, &text, &foreign, &err)) != NULL) {
        err = append(d, item, f->type->item_size, p);
        if (err) {
            return err;
        }
    }
    return err;
}

/* One field of a struct or choice, whose start tag was the last event. */
static int decode_field(struct decoder *d, const struct csta_field *f, char *base)
{
    char *p = base + f->offset;
    if (f->flags & CSTA_F_REPEATED) {
        return append(d, f->type->field, f->type->item_size, p);
    }
    void *value = NULL;
    bool is_pointer = (f->flags & CSTA_F_POINTER) != 0;
    if (is_pointer) {
        memcpy(&value, p, sizeof(value));
    }
    if (is_pointer ? value != NULL : csta_is_present(f->type, p)) {
        return reject(d, d->r->at, f, error_of(f, CSTA_OPERATION_INVALID_PARAMETER_VALUE),
                      "an element twice");
    }
    if (!is_pointer) {
        return decode_value(d, f, p);
    }
    int err;
    value = alloc(d, f->type->size, &err);
    if (value != NULL) {
        memcpy(p, &value, sizeof(value));
        err = decode_value(d, f, value);
    }
    return err;
}

/* Whether all that has to be there is there; `at` is the start of the element. */
static int check_struct(struct decoder *d, const struct csta_field *self,
                        const struct csta_type *type, const char *at, const char *base)
{
    bool any = !(type->flags & CSTA_T_ANY);
    for (size_t i = 0; i < type->nfield; i++) {
        const struct csta_field *f = &type->field[i];
        if ((f->flags & CSTA_F_ALIAS) || (!(f->flags & CSTA_F_MANDATORY) && any)) {
            continue;
        }
        bool there = csta_field_is_present(f, base + f->offset);
        any = any || there;
        if (!there && (f->flags & CSTA_F_MANDATORY)) {
            return reject(d, at, f, error_of(f, CSTA_OPERATION_INVALID_PARAMETER_VALUE),
                          "a mandatory element is missing");
        }
    }
    return any ? 0
               : reject(d, at, self,
                        CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED,
                        "one of its elements is needed");
}

static int decode_struct(struct decoder *d, const struct csta_field *self,
                         const struct csta_type *type, void *base)
{
    const char *at = d->r->at;
    const struct csta_field *f;
    struct xml_raw text;
    bool foreign;
    size_t hint = 0;
    int err = 0;
    while ((f = next_field(d, type, &hint, &text, &foreign, &err)) != NULL) {
        err = decode_field(d, f, base);
        if (err) {
            return err;
        }
    }
    return err ? err : check_struct(d, self, type, at, base);
}

/* Text in place of the first alternative: a device (as-feature-event, digest §17) or a volume.
 */
static int decode_plain(struct decoder *d, const struct csta_field *self,
                        const struct csta_type *type, const struct xml_raw *raw, char *base)
{
    const struct csta_field *f = type->field;
    struct str text;
    int err = xml_text_of(raw, d->arena, &text);
    if (err) {
        return broken(d, err);
    }
    if (is_blank(text)) {
        return 0;
    }
    unsigned kind = f->kind;
    memcpy(base, &kind, sizeof(kind));
    return f->type->kind == CSTA_K_TEXT ? store_id(d, self, text, raw->raw.p, base + f->offset)
                                        : store(d, f, text, raw->raw.p, base + f->offset);
}

static int decode_choice(struct decoder *d, const struct csta_field *self,
                         const struct csta_type *type, void *base)
{
    const struct csta_field *f;
    struct xml_raw text = {STR_NONE, true};
    bool foreign = false;
    size_t hint = 0;
    unsigned kind = 0;
    int err = 0;
    while ((f = next_field(d, type, &hint, &text, &foreign, &err)) != NULL) {
        if (kind != 0) {
            return reject(d, d->r->at, f, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                          "more than one alternative");
        }
        kind = f->kind;
        memcpy(base, &kind, sizeof(kind));
        err = decode_field(d, f, base);
        if (err) {
            return err;
        }
    }
    if (err || kind != 0) {
        return err;
    }
    if (str_is_set(text.raw) && (type->flags & CSTA_T_PLAIN)) {
        return decode_plain(d, self, type, &text, base);
    }
    kind = foreign ? type->lax : 0;
    memcpy(base, &kind, sizeof(kind));
    return 0;
}

static int decode_xml(struct decoder *d, struct csta_xml *out)
{
    out->attrs = d->r->attrs;
    int err = xml_skip(d->r, &out->body);
    return err ? broken(d, err) : 0;
}

/* ---- capability lists */

/* The bits of one feature: elements whose text is a boolean; anything else is ignored. */
static int decode_bits(struct decoder *d, struct csta_feature *feature)
{
    static const struct csta_type bool_type = {.name = "bool", .kind = CSTA_K_BOOL};
    struct csta_feature_bit *bits = NULL;
    for (;;) {
        int ev = xml_next(d->r);
        if (ev < 0) {
            return broken(d, ev);
        }
        if (ev == XML_END) {
            return 0;
        }
        if (ev != XML_START) {
            continue;
        }
        struct str name = d->r->name;
        struct str raw, text;
        int err = xml_skip(d->r, &raw);
        enum csta_bool value = CSTA_BOOL_ABSENT;
        const char *reason;
        if (err) {
            return broken(d, err);
        }
        text = str_trim(raw);
        if (csta_value_parse(&bool_type, text, d->arena, &value, &reason) ||
            !csta_is_bit_name(name)) {
            continue;
        }
        size_t n = feature->nbit;
        if (n == 0 || (n >= 4 && (n & (n - 1)) == 0)) {
            struct csta_feature_bit *more =
                alloc(d, (n == 0 ? 4 : 2 * n) * sizeof(*more), &err);
            if (more == NULL) {
                return err;
            }
            if (n > 0) {
                memcpy(more, bits, n * sizeof(*more));
            }
            bits = more;
            feature->bit = bits;
        }
        bits[feature->nbit++] = (struct csta_feature_bit){name, value == CSTA_TRUE};
    }
}

static const struct csta_cap *find_cap(const struct csta_type *type, struct str name)
{
    for (size_t i = 0; i < type->ncap; i++) {
        if (str_eq(type->caps[i].name, name)) {
            return &type->caps[i];
        }
    }
    return NULL;
}

static int decode_caps(struct decoder *d, const struct csta_type *type, void *p)
{
    struct csta_feature *items = arena_zalloc(d->arena, (type->ncap + 1u) * sizeof(*items));
    struct csta_feature_list list = {items, 0};
    int err = items != NULL ? 0 : broken(d, E_NOMEM);
    while (!err) {
        int ev = xml_next(d->r);
        if (ev < 0) {
            return broken(d, ev);
        }
        if (ev == XML_END) {
            memcpy(p, &list, sizeof(list));
            return 0;
        }
        if (ev == XML_START) {
            const struct csta_cap *cap = find_cap(type, d->r->name);
            if (cap != NULL && list.n < type->ncap) {
                items[list.n].id = cap->id;
                err = decode_bits(d, &items[list.n++]);
            } else {
                err = xml_skip(d->r, NULL);
                err = err ? broken(d, err) : 0;
            }
        }
    }
    return err;
}

static int decode_value(struct decoder *d, const struct csta_field *f, void *p)
{
    int err;
    switch (f->type->kind) {
    case CSTA_K_BOOL:
    case CSTA_K_INT:
    case CSTA_K_ENUM:
    case CSTA_K_STR:
    case CSTA_K_ID:
    case CSTA_K_HEX:
        return decode_simple(d, f, p);
    case CSTA_K_EMPTY:
        err = xml_skip(d->r, NULL);
        return err ? broken(d, err) : 0;
    case CSTA_K_XML:
        return decode_xml(d, p);
    case CSTA_K_TARGET:
        return decode_target(d, f, p);
    case CSTA_K_TEXT:
        return decode_device(d, f, f->type, p);
    case CSTA_K_STRUCT:
        return decode_struct(d, f, f->type, p);
    case CSTA_K_CHOICE:
        return decode_choice(d, f, f->type, p);
    case CSTA_K_LIST:
        return decode_list(d, f, p);
    case CSTA_K_CAPS:
        return decode_caps(d, f->type, p);
    }
    return E_STATE;
}

/* ---- the message */

/* any namespace that names an edition, or none; false for a foreign one. */
static bool find_edition(const struct xml_reader *r, enum csta_edition *out)
{
    size_t prefix = r->qname.n - r->name.n; /* with its colon */
    *out = CSTA_EDITION_NONE;
    for (unsigned i = 0; i < r->nattr; i++) {
        struct str name = r->attr[i].qname;
        struct str ns = r->attr[i].value.raw;
        bool ours = prefix == 0 ? str_eq(name, STR("xmlns"))
                                : str_starts(name, STR("xmlns:")) &&
                                      str_eq(str_from(name, 6), str_upto(r->qname, prefix - 1));
        if (ours && !is_blank(ns)) {
            return csta_edition_of_ns(ns, out);
        }
    }
    return true;
}

static int refuse(struct decoder *d, const char *at, const char *reason)
{
    int err = xml_skip(d->r, NULL);
    if (!err) {
        err = xml_next(d->r); /* behind the root: 0 */
    }
    if (err) {
        return broken(d, err);
    }
    (void)reject(d, at, NULL, CSTA_OPERATION_SERVICE_NOT_SUPPORTED, reason);
    return E_UNSUPPORTED;
}

static int decode_root(struct decoder *d, struct csta_msg *out)
{
    int ev = xml_next(d->r);
    if (ev < 0) {
        return broken(d, ev);
    }
    out->root_name = d->r->name;
    out->id = csta_msg_find(d->r->name);
    const struct csta_type *type = csta_msg_infos[out->id].body;
    const char *at = d->r->at;
    if (!find_edition(d->r, &out->edition)) {
        out->id = CSTA_MSG_NONE;
        return refuse(d, at, "the namespace is not one of CSTA");
    }
    if (type == NULL) {
        return refuse(d, at, "the message is not supported");
    }
    int err;
    void *body = alloc(d, type->size, &err);
    if (body == NULL) {
        return err;
    }
    err = type->kind == CSTA_K_CHOICE ? decode_choice(d, NULL, type, body)
                                      : decode_struct(d, NULL, type, body);
    if (err) {
        return err;
    }
    out->body = body;
    if (type->kind == CSTA_K_CHOICE && !csta_is_present(type, body)) {
        return reject(d, at, NULL, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                      "the message is empty");
    }
    ev = xml_next(d->r);
    return ev < 0 ? broken(d, ev) : 0;
}

static int decode_doc(struct str xml, const struct xml_limits *limits, struct arena *arena,
                      struct csta_msg *out, struct csta_fault *fault, bool *declined)
{
    struct xml_reader r;
    struct decoder d = {&r, arena, fault, false};
    memset(out, 0, sizeof(*out));
    int err = xml_init(&r, xml, limits);
    err = err ? broken(&d, err) : decode_root(&d, out);
    *declined = d.declined;
    return err;
}

/* The way round through expat; the fault is given the position in the input. */
static int decode_recoded(struct str xml, struct xml_limits *limits, unsigned long salt,
                          struct arena *arena, struct csta_msg *out, struct csta_fault *fault)
{
    struct xml_recoded rec;
    bool declined;
    int err = xml_recode(xml, limits, salt, arena, &rec, &fault->offset, &fault->reason);
    if (err) {
        fault->error = csta_error_of(CSTA_ERROR_OPERATION, CSTA_OPERATION_GENERIC);
        return err;
    }
    limits->bytes = SIZE_MAX; /* escapes are longer than what they stand for */
    limits->any_name = true;
    err = decode_doc(rec.doc, limits, arena, out, fault, &declined);
    fault->offset = xml_recoded_from(&rec, fault->offset);
    return err;
}

int csta_decode(struct str xml, const struct csta_limits *limits, struct arena *arena,
                struct csta_msg *out, struct csta_fault *fault)
{
    static const struct csta_limits none;
    const struct csta_limits *l = limits != NULL ? limits : &none;
    struct xml_limits xl = {.bytes = l->bytes != 0 ? l->bytes : 65536,
                            .depth = l->depth != 0 ? l->depth : 32,
                            .elements = l->elements != 0 ? l->elements : 2000};
    struct csta_fault why = {.reason = ""};
    bool declined;
    int err = decode_doc(xml, &xl, arena, out, &why, &declined);
    if (declined) {
        why = (struct csta_fault){.reason = ""};
        err = decode_recoded(xml, &xl, l->hash_salt, arena, out, &why);
    }
    if (err && fault != NULL) {
        xml_position(xml, why.offset, &why.line, &why.column);
        *fault = why;
    }
    return err;
}
