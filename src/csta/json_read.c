/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON to structs: one walk over the text, led by the tables of csta/vocab.c.
 *
 * Every function below is asked for a value of a type and reads it whole. What the type does
 * not have is a fault, so nothing is ever skipped, and the recursion follows the types, which
 * do not refer to themselves: the depth of a text is bounded by them.
 *
 * ERRORS  the first one wins and ends the walk. The way down is kept in `path` as the walk
 * goes, and is written out as a pointer only when there is a fault to point at.
 */
#include "csta/json.h"
#include "csta/json_text.h"
#include "csta/table.h"
#include "csta/xml.h"

enum {
    STEPS_MAX = 32,
    FIELDS_MAX = 128,
};

/** A step on the way down: into a member, or into an item of an array. */
struct step {
    struct str name; /**< absent: an item */
    size_t index;
};

struct walk {
    struct json_reader r;
    struct arena *arena;
    struct csta_json_fault *fault;
    const struct csta_field *field; /**< whose value is being read; NULL: the message's */
    struct step step[STEPS_MAX];
    unsigned nstep;
};

/** Members that an object has had. */
struct seen {
    uint64_t bits[FIELDS_MAX / 64];
};

static int read_value(struct walk *w, const struct csta_type *type, void *p);

/* ---- faults */

static const char is_missing[] = "a mandatory member is missing";

/* The pointer to where the walk is. One that is too long is cut between two steps. */
static void write_pointer(struct walk *w)
{
    struct csta_json_fault *fault = w->fault;
    struct out o;
    out_init(&o, fault->pointer, sizeof(fault->pointer));
    for (unsigned i = 0; i < w->nstep && !o.over; i++) {
        size_t mark = o.n;
        if (str_is_set(w->step[i].name)) {
            json_put_token(&o, w->step[i].name);
        } else {
            out_ch(&o, '/');
            out_u64(&o, w->step[i].index);
        }
        o.n = o.over ? mark : o.n;
    }
    fault->pointer_n = o.n;
}

/* A fault at the reader's place that the text is to blame for, answered with operation/`error`.
 */
static int reject(struct walk *w, struct str element, unsigned error, const char *reason)
{
    struct csta_fault *why = &w->fault->why;
    why->offset = (size_t)(w->r.at - w->r.start);
    why->reason = reason;
    why->element = element;
    why->error = csta_error_of(CSTA_ERROR_OPERATION, error);
    write_pointer(w);
    return E_VALUE;
}

/* The value of the current field is wrong. */
static int bad_value(struct walk *w, unsigned error, const char *reason)
{
    const struct csta_field *f = w->field;
    error = f != NULL && f->error != 0 ? f->error : error;
    return reject(w, f != NULL ? str_make(f->name, f->len) : STR_NONE, error, reason);
}

static int mistyped(struct walk *w, const char *reason)
{
    return bad_value(w, CSTA_OPERATION_INVALID_PARAMETER_VALUE, reason);
}

/* The reader, or the arena, failed with `err`. */
static int broken(struct walk *w, int err)
{
    if (err == E_NOMEM) {
        w->fault->why.reason = "out of memory";
        w->fault->why.error = csta_error_of(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                                            CSTA_SYSTEM_INTERNAL_RESOURCE_BUSY);
        return err;
    }
    (void)reject(w, STR_NONE, CSTA_OPERATION_GENERIC, w->r.reason);
    return err;
}

static void *alloc(struct walk *w, size_t size, int *err)
{
    void *p = arena_zalloc(w->arena, size);
    *err = p != NULL ? 0 : broken(w, E_NOMEM);
    return p;
}

/* ---- steps */

static int step_into(struct walk *w, struct str name, size_t index)
{
    if (w->nstep == STEPS_MAX) {
        return E_STATE; /* no type is that deep */
    }
    w->step[w->nstep++] = (struct step){name, index};
    return 0;
}

/* The value of a member or an item of `type`. */
static int read_at(struct walk *w, const struct csta_field *f, struct str name, size_t index,
                   const struct csta_type *type, void *p)
{
    const struct csta_field *above = w->field;
    int err = step_into(w, name, index);
    w->field = f;
    err = err ? err : read_value(w, type, p);
    if (!err) {
        w->nstep--;
        w->field = above;
    }
    return err;
}

/* The next value has to be a `kind`. */
static int expect(struct walk *w, int kind, const char *reason)
{
    int got = json_value(&w->r);
    return got < 0 ? broken(w, got) : got == kind ? 0 : mistyped(w, reason);
}

/* As json_member and json_item. */
static int next_member(struct walk *w)
{
    int more = json_member(&w->r);
    return more < 0 ? broken(w, more) : more;
}

static int next_item(struct walk *w)
{
    int more = json_item(&w->r);
    return more < 0 ? broken(w, more) : more;
}

/* A member that is not wanted, its name being in `text`. */
static int refuse_member(struct walk *w, unsigned error, const char *reason)
{
    struct str name = w->r.text;
    int err = step_into(w, name, 0);
    return err ? err : reject(w, name, error, reason);
}

static int unknown_member(struct walk *w)
{
    return refuse_member(w, CSTA_OPERATION_PARAMETER_NOT_SUPPORTED,
                         "a member that is not known");
}

static int member_twice(struct walk *w)
{
    return refuse_member(w, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                         "a member that comes twice");
}

/* A member that is not there, reported at its object. */
static int missing(struct walk *w, const char *at, struct str name, unsigned error)
{
    w->r.at = at;
    return reject(w, name, error != 0 ? error : CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                  is_missing);
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

/* ---- simple values */

static int read_bool(struct walk *w, void *p)
{
    int kind = json_value(&w->r);
    enum csta_bool value = kind == JSON_TRUE ? CSTA_TRUE : CSTA_FALSE;
    if (kind != JSON_TRUE && kind != JSON_FALSE) {
        return kind < 0 ? broken(w, kind) : mistyped(w, "neither true nor false");
    }
    memcpy(p, &value, sizeof(value));
    return 0;
}

/* What the value's text says, with the reasons of XML. */
static int parse(struct walk *w, const struct csta_type *type, void *p)
{
    const char *reason = NULL;
    int err = csta_value_parse(type, w->r.text, w->arena, p, &reason);
    bool range = err == E_VALUE || err == E_TOOBIG;
    if (err == E_NOMEM) {
        return broken(w, err);
    }
    w->fault->why.type = err ? type : NULL;
    return err ? bad_value(w,
                           range ? CSTA_OPERATION_VALUE_OUT_OF_RANGE
                                 : CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                           reason)
               : 0;
}

static int read_int(struct walk *w, const struct csta_type *type, void *p)
{
    int err = expect(w, JSON_NUMBER, "not a number");
    if (err) {
        return err;
    }
    for (size_t i = 0; i < w->r.text.n; i++) {
        char c = w->r.text.p[i];
        if (c == '.' || c == 'e' || c == 'E') {
            return mistyped(w, "not a whole number written in digits only");
        }
    }
    return parse(w, type, p);
}

static int read_enum(struct walk *w, const struct csta_type *type, void *p)
{
    int err = expect(w, JSON_STRING, "not a string");
    if (err) {
        return err;
    }
    unsigned value = csta_enum_find(type->names, w->r.text);
    if (value == 0 || !str_eq(csta_enum_name(type->names, value), w->r.text)) {
        w->fault->why.type = type;
        return mistyped(w, "not one of the words that can stand here");
    }
    memcpy(p, &value, sizeof(value));
    return 0;
}

static int read_string(struct walk *w, const struct csta_type *type, void *p)
{
    int err = expect(w, JSON_STRING, "not a string");
    if (err) {
        return err;
    }
    for (size_t i = 0; type->kind == CSTA_K_HEX && i < w->r.text.n; i++) {
        if (hex_digit(w->r.text.p[i]) < 0) {
            return mistyped(w, "not a hexadecimal digit");
        }
    }
    return parse(w, type, p);
}

static int read_xml(struct walk *w, void *p)
{
    static const struct csta_type text = {.name = "string", .kind = CSTA_K_STR};
    static const struct str names[] = {STR_INIT("attributes"), STR_INIT("xml")};
    struct csta_xml xml = {.attrs = STR_NONE, .body = STR_NONE};
    struct str *member[] = {&xml.attrs, &xml.body};
    int err = expect(w, JSON_OBJECT, "not an object");
    const char *at = w->r.at;
    if (err) {
        return err;
    }
    while ((err = next_member(w)) > 0) {
        int i = str_eq(w->r.text, names[0]) ? 0 : str_eq(w->r.text, names[1]) ? 1 : -1;
        if (i < 0 || str_is_set(*member[i])) {
            return i < 0 ? unknown_member(w) : member_twice(w);
        }
        err = read_at(w, w->field, names[i], 0, &text, member[i]);
        if (err) {
            return err;
        }
        if (!(i == 0 ? xml_is_attrs(xml.attrs) : xml_is_content(xml.body))) {
            err = step_into(w, names[i], 0);
            return err ? err
                       : mistyped(w, i == 0 ? "not attributes of XML"
                                            : "not the content of an element of XML");
        }
    }
    if (err) {
        return err;
    }
    memcpy(p, &xml, sizeof(xml));
    return str_is_set(xml.body) ? 0 : missing(w, at, names[1], 0);
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
            return missing(w, at, str_make(f->name, f->len), f->error);
        }
    }
    w->r.at = any ? w->r.at : at;
    return any ? 0
               : reject(w, STR_NONE,
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
        value = alloc(w, f->type->size, &err);
        memcpy(p, &value, sizeof(value));
    }
    return err ? err : read_at(w, f, str_make(f->name, f->len), 0, f->type, value);
}

static int read_struct(struct walk *w, const struct csta_type *type, void *base)
{
    struct seen seen = {{0}};
    size_t hint = 0;
    int err = expect(w, JSON_OBJECT, "not an object");
    const char *at = w->r.at;
    if (err) {
        return err;
    }
    while ((err = next_member(w)) > 0) {
        const struct csta_field *f = find_field(type, w->r.text, &hint);
        if (f == NULL || see(&seen, (size_t)(f - type->field))) {
            return f == NULL ? unknown_member(w) : member_twice(w);
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
            at = alloc(w, more->size, &err);
            memcpy(base + type->more_offset, &at, sizeof(at));
        }
    }
    if (err) {
        return err;
    }
    if (f == NULL || see(seen, number)) {
        return f == NULL ? unknown_member(w) : member_twice(w);
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
        return parse(w, &id_type, base);
    }
    if (err != JSON_OBJECT) {
        return err < 0 ? broken(w, err)
                       : mistyped(w, "neither a string nor an object with an id");
    }
    while ((err = next_member(w)) > 0) {
        memcpy(&text, base, sizeof(text));
        if (!str_eq(w->r.text, STR("id"))) {
            err = read_attr(w, type, &seen, base);
        } else if (str_is_set(text)) {
            err = member_twice(w);
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
                            : missing(w, at, STR("id"), CSTA_OPERATION_INVALID_DEVICE_ID);
}

static int read_choice(struct walk *w, const struct csta_type *type, char *base)
{
    size_t hint = 0;
    int err = expect(w, JSON_OBJECT, "not an object");
    const char *at = w->r.at;
    if (err) {
        return err;
    }
    err = next_member(w);
    if (err <= 0) {
        w->r.at = err < 0 ? w->r.at : at;
        return err < 0 ? err : mistyped(w, "an object without the member that is to be chosen");
    }
    const struct csta_field *f = find_field(type, w->r.text, &hint);
    if (f == NULL) {
        return unknown_member(w);
    }
    unsigned kind = f->kind;
    memcpy(base, &kind, sizeof(kind));
    err = read_field(w, f, base);
    if (err) {
        return err;
    }
    err = next_member(w);
    return err <= 0 ? err
                    : refuse_member(w, CSTA_OPERATION_INVALID_PARAMETER_VALUE,
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
    void *more = alloc(w, (n == 0 ? 4 : 2 * n) * size, err);
    if (more != NULL && n > 0) {
        memcpy(more, items, n * size);
    }
    return more;
}

static int read_list(struct walk *w, const struct csta_type *type, void *p)
{
    struct csta_any_list list = {csta_no_items(), 0};
    int err = expect(w, JSON_ARRAY, "not an array");
    if (err) {
        return err;
    }
    while ((err = next_item(w)) > 0) {
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
    int err = expect(w, JSON_OBJECT, "not an object");
    if (err) {
        return err;
    }
    while ((err = next_member(w)) > 0) {
        struct str name = w->r.text;
        for (size_t i = 0; i < feature->nbit; i++) {
            if (str_eq(bits[i].name, name)) {
                return member_twice(w);
            }
        }
        if (!csta_is_bit_name(name)) {
            return unknown_member(w);
        }
        bits = grow(w, bits, feature->nbit, sizeof(*bits), &err);
        feature->bit = bits;
        enum csta_bool value = CSTA_BOOL_ABSENT;
        err = err ? err : step_into(w, name, 0);
        err = err ? err : read_bool(w, &value);
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
    struct csta_feature *items = alloc(w, (type->ncap + 1u) * sizeof(*items), &err);
    struct csta_feature_list list = {items, 0};
    err = err ? err : expect(w, JSON_OBJECT, "not an object");
    if (err) {
        return err;
    }
    while ((err = next_member(w)) > 0) {
        const struct csta_cap *cap = find_cap(type, w->r.text);
        if (cap == NULL) {
            return unknown_member(w);
        }
        for (size_t i = 0; i < list.n; i++) {
            if (items[i].id == cap->id) {
                return member_twice(w);
            }
        }
        items[list.n].id = cap->id;
        err = step_into(w, cap->name, 0);
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
        return read_bool(w, p);
    case CSTA_K_INT:
        return read_int(w, type, p);
    case CSTA_K_ENUM:
        return read_enum(w, type, p);
    case CSTA_K_STR:
    case CSTA_K_ID:
    case CSTA_K_HEX:
        return read_string(w, type, p);
    case CSTA_K_XML:
        return read_xml(w, p);
    case CSTA_K_EMPTY:
        return expect(w, JSON_TRUE, "not true");
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
    void *body = alloc(w, type->size, &err);
    err = err ? err : read_value(w, type, body);
    if (!err) {
        out->body = body;
    }
    return err;
}

static int refuse(struct walk *w, const char *reason)
{
    (void)reject(w, w->r.text, CSTA_OPERATION_SERVICE_NOT_SUPPORTED, reason);
    return E_UNSUPPORTED;
}

/* {"NAME": body} */
static int read_named(struct walk *w, struct csta_msg *out)
{
    int err = expect(w, JSON_OBJECT, "not an object");
    const char *at = w->r.at;
    if (err) {
        return err;
    }
    err = next_member(w);
    if (err <= 0) {
        w->r.at = err < 0 ? w->r.at : at;
        return err < 0 ? err : mistyped(w, "an object without the name of a message");
    }
    out->root_name = w->r.text;
    out->id = csta_msg_find(w->r.text);
    if (!str_eq(csta_msg_name(out->id), w->r.text) || csta_msg_infos[out->id].body == NULL) {
        err = step_into(w, w->r.text, 0);
        return err ? err : refuse(w, "the message is not supported");
    }
    err = step_into(w, csta_msg_name(out->id), 0);
    err = err ? err : read_body(w, out->id, out);
    if (err) {
        return err;
    }
    w->nstep--;
    err = next_member(w);
    return err <= 0 ? err : refuse_member(w, CSTA_OPERATION_GENERIC, "more than one message");
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
        return broken(&w, E_TOOBIG);
    }
    int err = id != CSTA_MSG_NONE ? read_body(&w, id, out) : read_named(&w, out);
    if (!err) {
        err = json_end(&w.r);
        err = err ? broken(&w, err) : 0;
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

void csta_json_explain(const struct csta_json_fault *fault, struct out *out)
{
    char text[CSTA_ALLOWED_MAX];
    struct out allowed;
    out_str(out, STR("At "));
    if (fault->pointer_n > 0) {
        out_str(out, str_make(fault->pointer, fault->pointer_n));
    } else {
        out_str(out, STR("the top"));
    }
    out_str(out, STR(": "));
    out_c(out, fault->why.reason);
    if (fault->why.reason == is_missing) {
        out_str(out, STR(", "));
        out_str(out, fault->why.element);
    }
    out_init(&allowed, text, sizeof(text));
    csta_fault_allowed(&fault->why, &allowed);
    if (allowed.n > 0) {
        out_str(out, STR(" ("));
        out_str(out, out_str_of(&allowed));
        out_ch(out, ')');
    }
    out_ch(out, '.');
}
