/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing in a dialect: what all of them have in common.
 *
 * Reading ends in `canonical`: discriminator and user information become hex, and that element
 * is judged by the rules of the packages like any other. A value that is canonical as it stands
 * is left alone, so that a neighbour who follows the standard gets back his own octets.
 *
 * Writing goes the other way round: everything that could be refused is, before the first octet
 * is written, in the order package, discriminator, length, characters.
 */
#include "base/err.h"
#include "uui/dialect_form.h"
#include "uui/parts.h"
#include "uui/shared.h"

static uui_form_reader *const readers[UUI_FORM_COUNT] = {
    [UUI_FORM_TEXT] = uui_form_text_read,
    [UUI_FORM_XUUI] = uui_form_xuui_read,
    [UUI_FORM_AAI] = uui_form_aai_read,
    [UUI_FORM_GTD] = uui_form_gtd_read,
};

static bool is_lenient(const struct uui_far *far, const struct uui_packages *known)
{
    return far->reading == UUI_READ_LENIENT ||
           (far->reading == UUI_READ_AS_ALL && known && known->lenient);
}

static uint8_t default_pd(const struct uui_far *far)
{
    return far->has_pd ? far->pd : far->dialect->pd;
}

static bool is_foreign(struct str purpose)
{
    return str_is_set(purpose) && !str_ieq(purpose, uui_isdn) &&
           !str_ieq(purpose, STR("isdn-interwork"));
}

/* -------------------------------------------------------------------------- reading */

/** A value in the state of being read: where from, and by which rules. */
struct reading {
    const struct uui_far *far;
    const struct uui_packages *known; /**< `lenient` is resolved */
    struct str text;                  /**< trimmed */
    struct arena *arena;
};

static int wrong(const struct reading *r, enum uui_rule rule, size_t at, struct uui_value *out)
{
    *out = (struct uui_value){.text = r->text};
    uui_strike(out, rule, at < r->text.n ? at : r->text.n);
    return 0;
}

/** Shared UUI has to be whole. @return the offset of the item that is not, or SIZE_MAX */
static size_t broken_item(const struct uui_dialect *d, struct str info)
{
    struct uui_shared_item item;
    struct str rest = info;
    if (!d->shared || !uui_shared_begins(info)) {
        return SIZE_MAX;
    }
    while (uui_shared_next(&rest, &item)) {
    }
    return rest.n > 0 ? info.n - rest.n : SIZE_MAX;
}

/** Make the element of what was read. pd -1: the dialect's. */
static int canonical(const struct reading *r, int pd, struct str info, uint16_t notes,
                     enum uui_rule forgiven, size_t at, struct uui_value *out)
{
    const char first[] = {(char)(unsigned char)(pd < 0 ? default_pd(r->far) : pd)};
    const struct str part[] = {str_make(first, 1), info};
    struct str octets = arena_join(r->arena, part, ARRAY_LEN(part));
    size_t cap = 2 * octets.n + 64;
    char *buf = arena_alloc(r->arena, cap);
    struct uui_format f = {0};
    struct out o;
    if (!str_is_set(octets) || !buf) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    int err = uui_write(&o, octets, &f, NULL);
    err = err < 0 ? err : uui_parse(out_str_of(&o), r->known, r->arena, out);
    if (err < 0) {
        return err;
    }
    out->notes |= notes | (pd < 0 ? UUI_NOTE_PD_ADDED : 0);
    if (forgiven != UUI_R_NONE) {
        out->notes |= UUI_NOTE_FORGIVEN;
        out->forgiven = (uint8_t)forgiven;
        out->at = out->verdict == UUI_VALID ? at : out->at;
    }
    return 0;
}

/** The same after the check of the items. */
static int finish(const struct reading *r, const struct uui_form_read *f, uint16_t notes,
                  struct uui_value *out)
{
    size_t item = broken_item(r->far->dialect, f->info);
    enum uui_rule forgiven = f->forgiven;
    if (item != SIZE_MAX && !r->known->lenient) {
        return wrong(r, UUI_R_SHARED_ITEM, 2 * (f->skipped + item), out);
    }
    if (item != SIZE_MAX && forgiven == UUI_R_NONE) {
        forgiven = UUI_R_SHARED_ITEM;
    }
    return canonical(r, f->pd, f->info, notes, forgiven, f->at, out);
}

/** "04" or "4", by the base. */
static bool read_pd(struct str s, uint8_t base, int *pd)
{
    uint64_t n = 0;
    if (base == 10) {
        bool ok = str_to_u64(s, 255, &n);
        *pd = (int)n;
        return ok;
    }
    int high = s.n == 2 ? hex_digit(s.p[0]) : 0;
    int low = s.n == 1 || s.n == 2 ? hex_digit(s.p[s.n - 1]) : -1;
    *pd = high * 16 + low;
    return high >= 0 && low >= 0;
}

static bool find_param(const struct uui_value *v, const char *wanted, struct str *value)
{
    struct str rest = v->params, name;
    while (uui_param_next(&rest, &name, value)) {
        if (str_ieq(name, str_c(wanted))) {
            return true;
        }
    }
    return false;
}

/** Where is the discriminator of an element, and what is left as information? */
static void split_pd(const struct reading *r, const struct uui_value *v,
                     struct uui_form_read *f)
{
    const struct uui_dialect *d = r->far->dialect;
    bool text = v->encoding_id == UUI_ENC_TEXT && !(v->notes & UUI_NOTE_PD_ADDED);
    uint8_t at = text ? d->pd_text : d->pd_hex;
    struct str param = STR_NONE;
    f->info = v->octets;
    if (v->notes & UUI_NOTE_PD_ADDED) { /* forgiven text: the one in front is not its own */
        f->info = str_from(v->octets, 1);
    } else if (d->pd_base != 0 && find_param(v, "pd", &param)) {
        if (!read_pd(param, d->pd_base, &f->pd)) {
            f->rule = UUI_R_DIALECT;
            f->at = str_is_set(param) ? (size_t)(param.p - v->text.p) : 0;
        }
    } else if (at != UUI_PD_NONE && !text) {
        f->pd = (unsigned char)v->octets.p[0];
        f->info = str_from(v->octets, 1);
        f->skipped = 1;
    } else if (at != UUI_PD_NONE && read_pd(str_upto(v->octets, 2), 16, &f->pd) &&
               v->octets.n >= 2) {
        f->info = str_from(v->octets, 2);
    } else if (at != UUI_PD_NONE) {
        f->pd = -1;
        f->forgiven = UUI_R_DIALECT;
        f->rule = r->known->lenient ? UUI_R_NONE : UUI_R_DIALECT;
        f->at = v->data.p ? (size_t)(v->data.p - v->text.p) : 0;
    }
}

/** Encodings of isdn-uui in a dialect; the first is that of data without one. */
static struct uui_package row_of(const struct uui_dialect *d)
{
    static const struct str hex_first[] = {STR_INIT("hex"), STR_INIT("ascii"),
                                           STR_INIT("text")};
    static const struct str text_first[] = {STR_INIT("ascii"), STR_INIT("hex"),
                                            STR_INIT("text")};
    struct uui_package row = *uui_package_of(NULL, uui_isdn);
    row.encodings = d->unlabelled_text ? text_first : hex_first;
    row.encoding_n = d->text_data ? 3 : 1;
    row.loose = true;
    return row;
}

/** Is the value canonical as it stands? */
static bool is_canonical(const struct uui_dialect *d, const struct uui_value *v)
{
    struct str param;
    return v->encoding_id == UUI_ENC_HEX && v->forgiven == UUI_R_NONE &&
           d->pd_hex != UUI_PD_NONE && !(v->notes & UUI_NOTE_DRAFT_PURPOSE) &&
           !(d->pd_base != 0 && find_param(v, "pd", &param));
}

static int read_element(const struct reading *r, struct uui_value *out)
{
    struct uui_package row = row_of(r->far->dialect);
    const struct uui_packages isdn = {&row, 1, r->known->lenient};
    struct uui_form_read f = {.pd = -1};
    struct uui_value v;
    uui_view(r->text, &v);
    if (is_foreign(v.purpose)) {
        return uui_parse(r->text, r->known, r->arena, out);
    }
    int err = uui_parse(r->text, &isdn, r->arena, &v);
    if (err < 0 || v.verdict != UUI_VALID) {
        *out = v;
        return err < 0                            ? err
               : str_is_set(v.package) && !v.isdn ? uui_parse(r->text, r->known, r->arena, out)
                                                  : 0;
    }
    split_pd(r, &v, &f);
    if (f.rule != UUI_R_NONE) {
        return wrong(r, f.rule, f.at, out);
    }
    if (v.forgiven != UUI_R_NONE) {
        f.forgiven = (enum uui_rule)v.forgiven;
        f.at = v.at;
    }
    if (is_canonical(r->far->dialect, &v) && broken_item(r->far->dialect, f.info) == SIZE_MAX) {
        return uui_parse(r->text, r->known, r->arena, out);
    }
    uint16_t notes = v.notes & (uint16_t) ~(UUI_NOTE_PD_ADDED | UUI_NOTE_FORGIVEN);
    return finish(r, &f, notes, out);
}

/** A text form whose parameters say that it is hex after all. */
static bool is_labelled_hex(const struct uui_dialect *d, struct str text)
{
    struct uui_value v;
    struct str label = STR_NONE;
    uui_view(text, &v);
    return d->form == UUI_FORM_TEXT && d->labelled_tail && v.verdict == UUI_VALID &&
           find_param(&v, "encoding", &label) && str_ieq(label, STR("hex"));
}

int uui_dialect_read(const struct uui_far *far, const struct uui_packages *known,
                     struct str text, struct arena *a, struct uui_value *out)
{
    struct uui_packages own = known ? *known : (struct uui_packages){0};
    own.lenient = is_lenient(far, known);
    const struct reading r = {far, &own, str_trim(text), a};
    const struct uui_dialect *d = far->dialect;
    struct uui_form_read f = {.pd = -1};
    if (!d) {
        return uui_parse(text, &own, a, out);
    }
    if (d->form == UUI_FORM_ELEMENT || is_labelled_hex(d, r.text)) {
        return read_element(&r, out);
    }
    int err = readers[d->form](d, own.lenient, r.text, a, &f);
    if (err < 0) {
        return err;
    }
    return f.rule != UUI_R_NONE ? wrong(&r, f.rule, f.at, out) : finish(&r, &f, 0, out);
}

/* -------------------------------------------------------------------------- writing */

struct writing {
    const struct uui_far *far;
    const struct uui_dialect *d;
    bool lenient;
    uint8_t pd;
    struct str info;
    uint16_t notes;
    enum uui_rule why;
    struct arena *arena;
};

static int refuse(struct writing *w, enum uui_rule rule)
{
    w->why = rule;
    return rule == UUI_R_FAR_LENGTH || rule == UUI_R_LONG ? E_TOOBIG : E_VALUE;
}

/** Plain octets become an item; items that are too many for the room lose some. */
static int pack(struct writing *w, size_t limit)
{
    const struct uui_shared_order order = {w->far->item, w->far->item_n};
    struct uui_shared_fit fit;
    struct out o;
    size_t cap = w->info.n + 2;
    if (w->info.n == 0 || (uui_shared_is(w->info) && (limit == 0 || w->info.n <= limit))) {
        return 0;
    }
    char *buf = arena_alloc(w->arena, cap);
    if (!buf) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    if (!uui_shared_is(w->info)) {
        w->notes |= UUI_NOTE_WRAPPED;
        int err = uui_shared_write(&o, UUI_SHARED_ASAI, w->info);
        w->info = out_str_of(&o);
        return err < 0 ? refuse(w, UUI_R_FAR_LENGTH) : 0;
    }
    if (!w->lenient ||
        uui_shared_fit(w->info, limit, order.n > 0 ? &order : NULL, &o, &fit) < 0) {
        return refuse(w, UUI_R_FAR_LENGTH);
    }
    w->notes |= UUI_NOTE_ITEMS_DROPPED;
    w->info = out_str_of(&o);
    return 0;
}

static uint8_t pd_at(const struct uui_dialect *d)
{
    return d->writes_text ? d->pd_text : d->pd_hex;
}

/** Can the far side be told the discriminator? */
static int check_pd(struct writing *w)
{
    const struct uui_dialect *d = w->d;
    uint8_t at = pd_at(d);
    if (at == UUI_PD_FIRST) {
        return 0;
    }
    if (w->info.n == 0) {
        return refuse(w, UUI_R_EMPTY);
    }
    if (at == UUI_PD_NONE && w->pd != default_pd(w->far)) {
        if (!w->lenient) {
            return refuse(w, UUI_R_FAR_PD);
        }
        w->notes |= UUI_NOTE_PD_DROPPED;
    }
    return 0;
}

static int check_octets(struct writing *w)
{
    uint32_t limit = w->far->max_octets > 0 ? w->far->max_octets : w->d->max_octets;
    int err = w->d->shared ? pack(w, limit) : 0;
    if (err < 0) {
        return err;
    }
    if (limit > 0 && w->info.n > limit) {
        return refuse(w, UUI_R_FAR_LENGTH);
    }
    for (size_t i = 0; w->d->seven_bit && i < w->info.n; i++) {
        if ((unsigned char)w->info.p[i] > 0x7F) {
            return refuse(w, UUI_R_FAR_CHAR);
        }
    }
    return 0;
}

static void write_param(struct out *o, const char *name, struct str value)
{
    if (str_is_set(value)) {
        out_ch(o, ';');
        out_c(o, name);
        out_ch(o, '=');
        out_str(o, value);
    }
}

static void write_pd(struct out *o, uint8_t base, uint8_t pd)
{
    out_c(o, ";pd=");
    if (base == 10) {
        out_u64(o, pd);
    } else {
        out_hex(o, str_make((const char *)&pd, 1), true);
    }
}

static enum uui_rule write_hex(const struct writing *w, struct out *o)
{
    if (pd_at(w->d) == UUI_PD_FIRST) {
        out_hex(o, str_make((const char *)&w->pd, 1), true);
    }
    out_hex(o, w->info, true);
    return UUI_R_NONE;
}

static enum uui_rule write_text(const struct writing *w, struct out *o)
{
    char digits[2];
    struct out two;
    out_init(&two, digits, sizeof(digits));
    if (pd_at(w->d) == UUI_PD_FIRST) {
        out_hex(&two, str_make((const char *)&w->pd, 1), true);
    }
    const struct str part[] = {out_str_of(&two), w->info};
    struct str data = arena_join(w->arena, part, ARRAY_LEN(part));
    return uui_write_text(o, data, w->d->quotes) ? UUI_R_NONE : UUI_R_FAR_CHAR;
}

/** Data, and the parameters that belong to it. */
static enum uui_rule write_value(const struct writing *w, struct out *o)
{
    static uui_form_writer *const writers[UUI_FORM_COUNT] = {
        [UUI_FORM_TEXT] = uui_form_text_write,
        [UUI_FORM_XUUI] = uui_form_xuui_write,
        [UUI_FORM_AAI] = uui_form_aai_write,
        [UUI_FORM_GTD] = uui_form_gtd_write,
    };
    const struct uui_dialect *d = w->d;
    enum uui_rule rule = d->form != UUI_FORM_ELEMENT ? writers[d->form](d, w->pd, w->info, o)
                         : d->writes_text            ? write_text(w, o)
                                                     : write_hex(w, o);
    if (d->form == UUI_FORM_ELEMENT && pd_at(d) == UUI_PD_PARAM) {
        write_pd(o, d->pd_base, w->pd);
    }
    write_param(o, "encoding", d->label);
    write_param(o, "purpose", d->purpose);
    write_param(o, "content", d->content);
    return rule;
}

static int write_isdn(struct writing *w, struct str *value)
{
    int err = check_pd(w);
    err = err < 0 ? err : check_octets(w);
    if (err < 0) {
        return err;
    }
    struct out o;
    size_t cap = 3 * w->info.n + 128;
    char *buf = arena_alloc(w->arena, cap);
    if (!buf) {
        return E_NOMEM;
    }
    out_init(&o, buf, cap);
    enum uui_rule rule = write_value(w, &o);
    *value = out_str_of(&o);
    return rule != UUI_R_NONE ? refuse(w, rule) : 0;
}

/** What forbids to send a value before anybody looks at the far side. */
static enum uui_rule forbidden(const struct uui_value *v, const struct uui_packages *known)
{
    const struct uui_package *p =
        str_is_set(v->package) ? uui_package_of(known, v->package) : NULL;
    if (v->verdict == UUI_WRONG || !str_is_set(v->octets) ||
        (v->isdn && v->verdict != UUI_VALID)) {
        return v->rule != UUI_R_NONE ? (enum uui_rule)v->rule : UUI_R_EMPTY;
    }
    if (p && p->direction == UUI_IN) {
        return UUI_R_DIRECTION;
    }
    if (p && p->max_octets > 0 && v->octets.n > p->max_octets) {
        return UUI_R_LONG;
    }
    return v->isdn && v->octets.n == 0 ? UUI_R_NO_PD : UUI_R_NONE;
}

/** Nothing in it is another's way of writing. */
static bool is_in_order(const struct uui_value *v)
{
    return v->encoding_id == UUI_ENC_HEX && v->forgiven == UUI_R_NONE &&
           !(v->notes & UUI_NOTE_DRAFT_PURPOSE);
}

static int write_any(struct writing *w, const struct uui_value *v,
                     const struct uui_packages *known, struct str *value)
{
    enum uui_rule rule = forbidden(v, known);
    *value = v->text;
    if (rule != UUI_R_NONE) {
        return refuse(w, rule);
    }
    if (!w->d) {
        return 0;
    }
    if (!v->isdn) {
        return w->d->other_packages ? 0 : refuse(w, UUI_R_FAR_PACKAGE);
    }
    w->pd = (uint8_t)v->octets.p[0];
    w->info = str_from(v->octets, 1);
    if (w->d->as_is && is_in_order(v)) {
        return check_octets(w);
    }
    return write_isdn(w, value);
}

int uui_dialect_write(const struct uui_far *far, const struct uui_packages *known,
                      const struct uui_value *v, struct arena *a, struct uui_dialect_text *out,
                      enum uui_rule *why)
{
    static const struct uui_carrier plain = {UUI_AT_HEADER, STR_INIT("User-to-User")};
    const struct uui_dialect *d = far->dialect;
    struct writing w = {.far = far, .d = d, .lenient = is_lenient(far, known), .arena = a};
    struct str value;
    int err = write_any(&w, v, known, &value);
    if (err == 0 && d && d->max_chars > 0 && value.n > d->max_chars) {
        err = refuse(&w, UUI_R_FAR_LENGTH);
    }
    *why = w.why;
    const struct uui_carrier *c = d ? &d->carrier[0] : &plain;
    *out = (struct uui_dialect_text){c->place, c->name, err == 0 ? value : STR_NONE, w.notes};
    return err;
}
