/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to structs: one walk over the text, led by the tables of csta/vocab.c.
 *
 * Every function below is asked for a value of a type and reads it whole. What the type does
 * not have is a fault, so nothing is ever skipped, and the recursion follows the types, which
 * do not refer to themselves: the depth of a text is bounded by them.
 *
 * ERRORS  the first one wins and ends the walk. The way down is kept in the walk as it
 * goes, and is written out as a pointer only when there is a fault to point at.
 */
#include "csta/json_walk.h"
#include "csta/xml.h"

enum { FIELDS_MAX = 128 };

/** Members that an object has had. */
struct seen {
    uint64_t bits[FIELDS_MAX / 64];
};

static int read_value(struct walk *w, const struct csta_type *type, void *p);

/* The value of a member or an item of `type`. */
static int read_at(struct walk *w, const struct csta_field *f, struct str name, size_t index,
                   const struct csta_type *type, void *p)
{
    const struct csta_field *above = w->field;
    int err = walk_into(w, name, index);
    w->field = f;
    err = err ? err : read_value(w, type, p);
    if (!err) {
        w->nstep--;
        w->field = above;
    }
    return err;
}

static bool see(struct seen *seen, size_t i)
{
    uint64_t bit = UINT64_C(1) << i % 64;
    uint64_t *bits = &seen->bits[i % FIELDS_MAX / 64];
    bool again = (*bits & bit) != 0;
    *bits |= bit;
    return again;
}

/* Members mostly come in the order of the schema. */
static const struct csta_field *find_field(const struct csta_type *type, struct str name,
                                           size_t *hint)
{
    for (size_t step = 0, i = *hint; step < type->nfield; step++, i++) {
        i = i >= type->nfield ? 0 : i;
        const struct csta_field *f = &type->field[i];
        if (!(f->flags & CSTA_F_ALIAS) && str_eq(str_make(f->name, f->len), name)) {
            *hint = i + 1;
            return f;
        }
    }
    return NULL;
}

static int read_xml(struct walk *w, void *p)
{
    static const struct csta_type text = {.name = "string", .kind = CSTA_K_STR};
    static const struct str names[] = {STR_INIT("attributes"), STR_INIT("xml")};
    struct csta_xml xml = {.attrs = STR_NONE, .body = STR_NONE};
    struct str *member[] = {&xml.attrs, &xml.body};
    int err = walk_expect(w, JSON_OBJECT, "not an object");
    const char *at = w->r.at;
    if (err) {
        return err;
    }
    while ((err = walk_member(w)) > 0) {
        int i = str_eq(w->r.text, names[0]) ? 0 : str_eq(w->r.text, names[1]) ? 1 : -1;
        if (i < 0 || str_is_set(*member[i])) {
            return i < 0 ? walk_unknown(w) : walk_twice(w);
        }
        err = read_at(w, w->field, names[i], 0, &text, member[i]);
        if (err) {
            return err;
        }
        if (!(i == 0 ? xml_is_attrs(xml.attrs) : xml_is_content(xml.body))) {
            err = walk_into(w, names[i], 0);
            return err ? err
                       : walk_mistyped(w, i == 0 ? "not attributes of XML"
                                                 : "not the content of an element of XML");
        }
    }
    if (err) {
        return err;
    }
    memcpy(p, &xml, sizeof(xml));
    return str_is_set(xml.body) ? 0 : walk_missing(w, at, names[1], 0);
}

/* ---- objects */

/* Whether all that has to be there is there; `at` is the start of the object. */
static int check_struct(struct walk *w, const struct csta_type *type, const char *at,
                        const char *base)
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
            return walk_missing(w, at, str_make(f->name, f->len), f->error);
        }
    }
    w->r.at = any ? w->r.at : at;
    return any ? 0
               : walk_reject(w, STR_NONE,
                             CSTA_OPERATION_AT_LEAST_ONE_CONDITIONAL_PARAMETER_NOT_PROVIDED,
                             "an object that needs one of its members");
}

/* The value of the member `f`. */
static int read_field(struct walk *w, const struct csta_field *f, char *base)
{
    char *p = base + f->offset;
    void *value = p;
    int err = 0;
    if (f->flags & CSTA_F_POINTER) {
        value = walk_alloc(w, f->type->size, &err);
        memcpy(p, &value, sizeof(value));
    }
    return err ? err : read_at(w, f, str_make(f->name, f->len), 0, f->type, value);
}

static int read_struct(struct walk *w, const struct csta_type *type, void *base)
{
    struct seen seen = {{0}};
    size_t hint = 0;
    int err = walk_expect(w, JSON_OBJECT, "not an object");
    const char *at = w->r.at;
    if (err) {
        return err;
    }
    while ((err = walk_member(w)) > 0) {
        const struct csta_field *f = find_field(type, w->r.text, &hint);
        if (f == NULL || see(&seen, (size_t)(f - type->field))) {
            return f == NULL ? walk_unknown(w) : walk_twice(w);
        }
        err = read_field(w, f, base);
        if (err) {
            return err;
        }
    }
    return err ? err : check_struct(w, type, at, base);
}

/* The member of a device identifier that is an attribute in XML. */
static int read_attr(struct walk *w, const struct csta_type *type, struct seen *seen,
                     char *base)
{
    const struct csta_type *more = type->more;
    size_t hint = 0;
    const struct csta_field *f = find_field(type, w->r.text, &hint);
    char *at = base;
    int err = 0;
    size_t number = f != NULL ? (size_t)(f - type->field) : 0;
    if (f == NULL && more != NULL && (f = find_field(more, w->r.text, &hint)) != NULL) {
        number = type->nfield + (size_t)(f - more->field);
        memcpy(&at, base + type->more_offset, sizeof(at));
        if (at == NULL) {
            at = walk_alloc(w, more->size, &err);
            memcpy(base + type->more_offset, &at, sizeof(at));
        }
    }
    if (err) {
        return err;
    }
    if (f == NULL || see(seen, number)) {
        return f == NULL ? walk_unknown(w) : walk_twice(w);
    }
    return read_field(w, f, at);
}

/* {"id": ..., ...}, or the id alone. */
static int read_device(struct walk *w, const struct csta_type *type, char *base)
{
    static const struct csta_type id_type = {.name = "id", .kind = CSTA_K_ID};
    static const struct csta_field id = {
        "id", 2, CSTA_F_MANDATORY, 0, CSTA_OPERATION_INVALID_DEVICE_ID, &id_type, 0};
    struct seen seen = {{0}};
    struct str text;
    int err = json_value(&w->r);
    const char *at = w->r.at;
    if (err == JSON_STRING) {
        w->field = &id;
        return walk_parse(w, &id_type, base);
    }
    if (err != JSON_OBJECT) {
        return err < 0 ? walk_broken(w, err)
                       : walk_mistyped(w, "neither a string nor an object with an id");
    }
    while ((err = walk_member(w)) > 0) {
        memcpy(&text, base, sizeof(text));
        if (!str_eq(w->r.text, STR("id"))) {
            err = read_attr(w, type, &seen, base);
        } else if (str_is_set(text)) {
            err = walk_twice(w);
        } else {
            err = read_at(w, &id, STR("id"), 0, &id_type, base);
        }
        if (err) {
            return err;
        }
    }
    memcpy(&text, base, sizeof(text));
    return err              ? err
           : text.p != NULL ? 0
                            : walk_missing(w, at, STR("id"), CSTA_OPERATION_INVALID_DEVICE_ID);
}

static int read_choice(struct walk *w, const struct csta_type *type, char *base)
{
    size_t hint = 0;
    int err = walk_expect(w, JSON_OBJECT, "not an object");
    const char *at = w->r.at;
    if (err) {
        return err;
    }
    err = walk_member(w);
    if (err <= 0) {
        w->r.at = err < 0 ? w->r.at : at;
        return err < 0 ? err
                       : walk_mistyped(w, "an object without the member that is to be chosen");
    }
    const struct csta_field *f = find_field(type, w->r.text, &hint);
    if (f == NULL) {
        return walk_unknown(w);
    }
    unsigned kind = f->kind;
    memcpy(base, &kind, sizeof(kind));
    err = read_field(w, f, base);
    if (err) {
        return err;
    }
    err = walk_member(w);
    return err <= 0 ? err
                    : walk_refuse(w, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                                  "a second member where one is to be chosen");
}

/* ---- arrays and capability lists */

/* Room for one item more in an array that doubles, from 4. */
static void *grow(struct walk *w, void *items, size_t n, size_t size, int *err)
{
    *err = 0;
    if (n != 0 && (n < 4 || (n & (n - 1)) != 0)) {
        return items;
    }
    void *more = walk_alloc(w, (n == 0 ? 4 : 2 * n) * size, err);
    if (more != NULL && n > 0) {
        memcpy(more, items, n * size);
    }
    return more;
}

static int read_list(struct walk *w, const struct csta_type *type, void *p)
{
    struct csta_any_list list = {csta_no_items(), 0};
    int err = walk_expect(w, JSON_ARRAY, "not an array");
    if (err) {
        return err;
    }
    while ((err = walk_item(w)) > 0) {
        list.item = grow(w, list.item, list.n, type->item_size, &err);
        if (err) {
            return err;
        }
        err = read_at(w, w->field, STR_NONE, list.n, type->field->type,
                      (char *)list.item + list.n * type->item_size);
        if (err) {
            return err;
        }
        list.n++;
    }
    memcpy(p, &list, sizeof(list));
    return err;
}

static int read_bits(struct walk *w, struct csta_feature *feature)
{
    struct csta_feature_bit *bits = NULL;
    int err = walk_expect(w, JSON_OBJECT, "not an object");
    if (err) {
        return err;
    }
    while ((err = walk_member(w)) > 0) {
        struct str name = w->r.text;
        for (size_t i = 0; i < feature->nbit; i++) {
            if (str_eq(bits[i].name, name)) {
                return walk_twice(w);
            }
        }
        if (!csta_is_bit_name(name)) {
            return walk_unknown(w);
        }
        bits = grow(w, bits, feature->nbit, sizeof(*bits), &err);
        feature->bit = bits;
        enum csta_bool value = CSTA_BOOL_ABSENT;
        err = err ? err : walk_into(w, name, 0);
        err = err ? err : walk_bool(w, &value);
        if (err) {
            return err;
        }
        w->nstep--;
        bits[feature->nbit++] = (struct csta_feature_bit){name, value == CSTA_TRUE};
    }
    return err;
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

static int read_caps(struct walk *w, const struct csta_type *type, void *p)
{
    int err;
    struct csta_feature *items = walk_alloc(w, (type->ncap + 1u) * sizeof(*items), &err);
    struct csta_feature_list list = {items, 0};
    err = err ? err : walk_expect(w, JSON_OBJECT, "not an object");
    if (err) {
        return err;
    }
    while ((err = walk_member(w)) > 0) {
        const struct csta_cap *cap = find_cap(type, w->r.text);
        if (cap == NULL) {
            return walk_unknown(w);
        }
        for (size_t i = 0; i < list.n; i++) {
            if (items[i].id == cap->id) {
                return walk_twice(w);
            }
        }
        items[list.n].id = cap->id;
        err = walk_into(w, cap->name, 0);
        err = err ? err : read_bits(w, &items[list.n]);
        if (err) {
            return err;
        }
        w->nstep--;
        list.n++;
    }
    memcpy(p, &list, sizeof(list));
    return err;
}

static int read_value(struct walk *w, const struct csta_type *type, void *p)
{
    switch (type->kind) {
    case CSTA_K_BOOL:
        return walk_bool(w, p);
    case CSTA_K_INT:
        return walk_int(w, type, p);
    case CSTA_K_ENUM:
        return walk_enum(w, type, p);
    case CSTA_K_STR:
    case CSTA_K_ID:
    case CSTA_K_HEX:
        return walk_text(w, type, p);
    case CSTA_K_XML:
        return read_xml(w, p);
    case CSTA_K_EMPTY:
        return walk_expect(w, JSON_TRUE, "not true");
    case CSTA_K_TARGET:
        return read_device(w, type->more, p);
    case CSTA_K_TEXT:
        return read_device(w, type, p);
    case CSTA_K_STRUCT:
        return read_struct(w, type, p);
    case CSTA_K_CHOICE:
        return read_choice(w, type, p);
    case CSTA_K_LIST:
        return read_list(w, type, p);
    case CSTA_K_CAPS:
        return read_caps(w, type, p);
    }
    return E_STATE;
}

/* ---- the message */

static int read_body(struct walk *w, enum csta_msg_id id, struct csta_msg *out)
{
    const struct csta_type *type = csta_msg_infos[id].body;
    int err;
    void *body = walk_alloc(w, type->size, &err);
    err = err ? err : read_value(w, type, body);
    if (!err) {
        out->body = body;
    }
    return err;
}

static int refuse(struct walk *w, const char *reason)
{
    (void)walk_reject(w, w->r.text, CSTA_OPERATION_SERVICE_NOT_SUPPORTED, reason);
    return E_UNSUPPORTED;
}

/* {"NAME": body} */
static int read_named(struct walk *w, struct csta_msg *out)
{
    int err = walk_expect(w, JSON_OBJECT, "not an object");
    const char *at = w->r.at;
    if (err) {
        return err;
    }
    err = walk_member(w);
    if (err <= 0) {
        w->r.at = err < 0 ? w->r.at : at;
        return err < 0 ? err : walk_mistyped(w, "an object without the name of a message");
    }
    out->root_name = w->r.text;
    out->id = csta_msg_find(w->r.text);
    if (!str_eq(csta_msg_name(out->id), w->r.text) || csta_msg_infos[out->id].body == NULL) {
        err = walk_into(w, w->r.text, 0);
        return err ? err : refuse(w, "the message is not supported");
    }
    err = walk_into(w, csta_msg_name(out->id), 0);
    err = err ? err : read_body(w, out->id, out);
    if (err) {
        return err;
    }
    w->nstep--;
    err = walk_member(w);
    return err <= 0 ? err : walk_refuse(w, CSTA_OPERATION_GENERIC, "more than one message");
}

/* `id` is CSTA_MSG_NONE when the text says which message it is. */
static int read_text(enum csta_msg_id id, struct str text, const struct csta_limits *limits,
                     struct arena *arena, struct csta_msg *out, struct csta_json_fault *fault)
{
    static const struct csta_limits none;
    const struct csta_limits *l = limits != NULL ? limits : &none;
    struct walk w = {.arena = arena, .fault = fault};
    size_t bytes = l->bytes != 0 ? l->bytes : 65536;
    json_init(&w.r, text, l->elements != 0 ? l->elements : 2000, arena);
    if (text.n > bytes) {
        w.r.reason = "more octets than allowed";
        return walk_broken(&w, E_TOOBIG);
    }
    int err = id != CSTA_MSG_NONE ? read_body(&w, id, out) : read_named(&w, out);
    if (!err) {
        err = json_end(&w.r);
        err = err ? walk_broken(&w, err) : 0;
    }
    return err;
}

static int read_message(enum csta_msg_id id, struct str text, const struct csta_limits *limits,
                        struct arena *arena, struct csta_msg *out,
                        struct csta_json_fault *fault)
{
    struct csta_json_fault why = {.why = {.reason = ""}};
    *out = (struct csta_msg){.id = id, .root_name = csta_msg_name(id)};
    int err = read_text(id, text, limits, arena, out, &why);
    if (err) {
        out->body = NULL;
    }
    if (err && fault != NULL) {
        xml_position(text, why.why.offset, &why.why.line, &why.why.column);
        *fault = why;
    }
    return err;
}

int csta_json_read(struct str text, const struct csta_limits *limits, struct arena *arena,
                   struct csta_msg *out, struct csta_json_fault *fault)
{
    return read_message(CSTA_MSG_NONE, text, limits, arena, out, fault);
}

int csta_json_read_body(enum csta_msg_id id, struct str text, const struct csta_limits *limits,
                        struct arena *arena, struct csta_msg *out,
                        struct csta_json_fault *fault)
{
    if ((unsigned)id >= CSTA_MSG_COUNT || csta_msg_infos[id].body == NULL) {
        *out = (struct csta_msg){.id = CSTA_MSG_NONE};
        if (fault != NULL) {
            *fault = (struct csta_json_fault){
                .why = {.line = 1,
                        .column = 1,
                        .reason = "the message is not supported",
                        .error = csta_error_of(CSTA_ERROR_OPERATION,
                                               CSTA_OPERATION_SERVICE_NOT_SUPPORTED)}};
        }
        return E_UNSUPPORTED;
    }
    return read_message(id, text, limits, arena, out, fault);
}
