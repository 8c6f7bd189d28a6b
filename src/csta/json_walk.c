/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the reader of messages is, what is wrong there, and the values that have no others in
 * them.
 */
#include "csta/json_walk.h"

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

int walk_reject(struct walk *w, struct str element, unsigned error, const char *reason)
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
    return walk_reject(w, f != NULL ? str_make(f->name, f->len) : STR_NONE, error, reason);
}

int walk_mistyped(struct walk *w, const char *reason)
{
    return bad_value(w, CSTA_OPERATION_INVALID_PARAMETER_VALUE, reason);
}

int walk_broken(struct walk *w, int err)
{
    if (err == E_NOMEM) {
        w->fault->why.reason = "out of memory";
        w->fault->why.error = csta_error_of(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                                            CSTA_SYSTEM_INTERNAL_RESOURCE_BUSY);
        return err;
    }
    (void)walk_reject(w, STR_NONE, CSTA_OPERATION_GENERIC, w->r.reason);
    return err;
}

void *walk_alloc(struct walk *w, size_t size, int *err)
{
    void *p = arena_zalloc(w->arena, size);
    *err = p != NULL ? 0 : walk_broken(w, E_NOMEM);
    return p;
}

int walk_into(struct walk *w, struct str name, size_t index)
{
    if (w->nstep == WALK_STEPS_MAX) {
        return E_STATE; /* no type is that deep */
    }
    w->step[w->nstep++] = (struct walk_step){name, index};
    return 0;
}

int walk_expect(struct walk *w, int kind, const char *reason)
{
    int got = json_value(&w->r);
    return got < 0 ? walk_broken(w, got) : got == kind ? 0 : walk_mistyped(w, reason);
}

int walk_member(struct walk *w)
{
    int more = json_next_member(&w->r);
    return more < 0 ? walk_broken(w, more) : more;
}

int walk_item(struct walk *w)
{
    int more = json_next_item(&w->r);
    return more < 0 ? walk_broken(w, more) : more;
}

int walk_refuse(struct walk *w, unsigned error, const char *reason)
{
    struct str name = w->r.text;
    int err = walk_into(w, name, 0);
    return err ? err : walk_reject(w, name, error, reason);
}

int walk_unknown(struct walk *w)
{
    return walk_refuse(w, CSTA_OPERATION_PARAMETER_NOT_SUPPORTED, "a member that is not known");
}

int walk_twice(struct walk *w)
{
    return walk_refuse(w, CSTA_OPERATION_INVALID_PARAMETER_VALUE, "a member that comes twice");
}

int walk_missing(struct walk *w, const char *at, struct str name, unsigned error)
{
    w->r.at = at;
    return walk_reject(w, name, error != 0 ? error : CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                       is_missing);
}

/* ---- simple values */

int walk_bool(struct walk *w, void *p)
{
    int kind = json_value(&w->r);
    enum csta_bool value = kind == JSON_TRUE ? CSTA_TRUE : CSTA_FALSE;
    if (kind != JSON_TRUE && kind != JSON_FALSE) {
        return kind < 0 ? walk_broken(w, kind) : walk_mistyped(w, "neither true nor false");
    }
    memcpy(p, &value, sizeof(value));
    return 0;
}

int walk_parse(struct walk *w, const struct csta_type *type, void *p)
{
    const char *reason = NULL;
    int err = csta_value_parse(type, w->r.text, w->arena, p, &reason);
    bool range = err == E_VALUE || err == E_TOOBIG;
    if (err == E_NOMEM) {
        return walk_broken(w, err);
    }
    w->fault->why.type = err ? type : NULL;
    return err ? bad_value(w,
                           range ? CSTA_OPERATION_VALUE_OUT_OF_RANGE
                                 : CSTA_OPERATION_INVALID_PARAMETER_VALUE,
                           reason)
               : 0;
}

int walk_int(struct walk *w, const struct csta_type *type, void *p)
{
    int err = walk_expect(w, JSON_NUMBER, "not a number");
    if (err) {
        return err;
    }
    for (size_t i = 0; i < w->r.text.n; i++) {
        char c = w->r.text.p[i];
        if (c == '.' || c == 'e' || c == 'E') {
            return walk_mistyped(w, "not a whole number written in digits only");
        }
    }
    return walk_parse(w, type, p);
}

int walk_enum(struct walk *w, const struct csta_type *type, void *p)
{
    int err = walk_expect(w, JSON_STRING, "not a string");
    if (err) {
        return err;
    }
    unsigned value = csta_enum_find(type->names, w->r.text);
    if (value == 0 || !str_eq(csta_enum_name(type->names, value), w->r.text)) {
        w->fault->why.type = type;
        return walk_mistyped(w, "not one of the words that can stand here");
    }
    memcpy(p, &value, sizeof(value));
    return 0;
}

int walk_text(struct walk *w, const struct csta_type *type, void *p)
{
    int err = walk_expect(w, JSON_STRING, "not a string");
    if (err) {
        return err;
    }
    for (size_t i = 0; type->kind == CSTA_K_HEX && i < w->r.text.n; i++) {
        if (hex_digit(w->r.text.p[i]) < 0) {
            return walk_mistyped(
                w, "not a hexadecimal digit; octets are written as two of them each");
        }
    }
    return walk_parse(w, type, p);
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
