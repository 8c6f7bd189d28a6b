/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public C interface of dialects and of shared UUI (include/baton/uui.h).
 *
 * Reading and writing take their memory from an arena; here that arena lies in the caller's
 * buffer, so the promise of the header holds: nothing is allocated. Its results stay in the
 * buffer when the arena has gone.
 */
#include "base/err.h"
#include "uui/api.h"
#include "uui/dialect.h"
#include "uui/shared.h"

_Static_assert((int)BATON_UUI_AT_BODY == (int)UUI_AT_BODY, "same numbers");
_Static_assert((int)BATON_UUI_NOTE_WRAPPED == (int)UUI_NOTE_WRAPPED, "same bits");
_Static_assert((int)BATON_UUI_OUT == (int)UUI_OUT, "same numbers");
_Static_assert(BATON_UUI_UCID_OCTETS == UUI_UCID_OCTETS, "same size");
_Static_assert(BATON_UUI_UCID_DIGITS == UUI_UCID_DIGITS, "same size");

enum { ALIGN = 16, CHUNK = 1024 };

/** The caller's buffer, from which is only taken. */
struct buffer {
    struct mem mem;
    char *p;
    size_t n;
};

static void *take(void *ctx, size_t n)
{
    struct buffer *b = ctx;
    size_t skip = (size_t)(-(uintptr_t)b->p) % ALIGN;
    if (n > SIZE_MAX - ALIGN || skip + n > b->n) {
        return NULL;
    }
    char *p = b->p + skip;
    b->p += skip + n;
    b->n -= skip + n;
    return p;
}

static void leave(void *ctx, void *p)
{
    (void)ctx, (void)p;
}

static void begin(struct buffer *b, struct arena *a, char *buf, size_t size)
{
    *b = (struct buffer){.mem = {take, leave, b}, .p = buf, .n = size};
    arena_init(a, &b->mem, CHUNK);
}

/** What was given, in the internal form. */
struct given {
    struct uui_far far;
    struct uui_packages known;
    struct uui_package row[BATON_UUI_PACKAGES_MAX];
    struct str names[BATON_UUI_PACKAGES_MAX][2][BATON_UUI_NAMES_MAX];
};

/** A list that ends with NULL. @return false: too long */
static bool import_names(const char *const *list, struct str *names, const struct str **out,
                         size_t *n)
{
    *out = names;
    for (*n = 0; list && list[*n]; (*n)++) {
        if (*n == BATON_UUI_NAMES_MAX) {
            return false;
        }
        names[*n] = str_c(list[*n]);
    }
    return true;
}

static bool import_package(const struct baton_uui_package *from,
                           struct str (*names)[BATON_UUI_NAMES_MAX], struct uui_package *to)
{
    *to = (struct uui_package){.name = str_c(from->name),
                               .max_octets = from->max_octets,
                               .direction = (uint8_t)from->direction};
    return import_names(from->contents, names[0], &to->contents, &to->content_n) &&
           import_names(from->encodings, names[1], &to->encodings, &to->encoding_n);
}

/** @return 0; E_VALUE: no such dialect; E_TOOMANY */
static int import(const struct baton_uui_far *f, struct given *g)
{
    static const struct baton_uui_far standard = {0};
    f = f ? f : &standard;
    if (f->packages_len > BATON_UUI_PACKAGES_MAX) {
        return E_TOOMANY;
    }
    for (size_t i = 0; i < f->packages_len; i++) {
        if (!import_package(&f->packages[i], g->names[i], &g->row[i])) {
            return E_TOOMANY;
        }
    }
    g->known = (struct uui_packages){g->row, f->packages_len, f->lenient};
    g->far = (struct uui_far){
        .dialect = f->dialect ? uui_dialect_named(str_c(f->dialect)) : NULL,
        .max_octets = f->max_octets,
        .reading = f->lenient ? UUI_READ_LENIENT : UUI_READ_STRICT,
        .pd = f->pd,
        .has_pd = f->has_pd,
    };
    return f->dialect && !g->far.dialect ? E_VALUE : 0;
}

int baton_uui_read(const char *text, size_t len, const struct baton_uui_far *from, char *buf,
                   size_t size, struct baton_uui_value *out)
{
    struct given g;
    struct uui_value v;
    struct buffer b;
    struct arena a;
    int err = import(from, &g);
    if (err < 0) {
        return err;
    }
    begin(&b, &a, buf, size);
    err = uui_dialect_read(&g.far, &g.known, str_make(text, len), &a, &v);
    arena_fini(&a);
    if (err < 0) {
        return E_SPACE;
    }
    uui_export_value(&v, out);
    return 0;
}

/** The value for `to`; its memory is the arena's. */
static int write_value(struct str text, const struct given *g, struct arena *a,
                       struct uui_dialect_text *t, enum uui_rule *why)
{
    struct uui_value v;
    int err = uui_parse(text, &g->known, a, &v);
    return err < 0 ? err : uui_dialect_write(&g->far, &g->known, &v, a, t, why);
}

int baton_uui_write(const char *text, size_t len, const struct baton_uui_far *to, char *buf,
                    size_t size, struct baton_uui_text *out, enum baton_uui_rule *why)
{
    struct uui_dialect_text t = {0};
    struct given g;
    enum uui_rule rule = UUI_R_NONE;
    struct buffer b;
    struct arena a;
    int err = import(to, &g);
    if (err == 0) {
        begin(&b, &a, buf, size);
        err = write_value(str_make(text, len), &g, &a, &t, &rule);
        arena_fini(&a);
    }
    if (why) {
        *why = (enum baton_uui_rule)rule;
    }
    if (err < 0) {
        return err == E_NOMEM ? E_SPACE : err == E_TOOMANY ? E_TOOMANY : E_VALUE;
    }
    *out = (struct baton_uui_text){
        .place = (enum baton_uui_place)t.place,
        .name = t.name.p,
        .name_len = t.name.n,
        .value = t.value.p,
        .value_len = t.value.n,
        .notes = t.notes,
    };
    return 0;
}

const char *baton_uui_dialect(size_t i, const char **text)
{
    const struct uui_dialect *d = uui_dialect_at(i);
    if (text) {
        *text = d ? d->text : NULL;
    }
    return d ? d->name.p : NULL;
}

const char *baton_uui_note_text(unsigned bit)
{
    return uui_note_text(bit);
}

bool baton_uui_item(const void *octets, size_t len, size_t *at, uint8_t *id,
                    const unsigned char **data, size_t *data_len)
{
    struct str all = str_make(octets, len), rest = str_from(all, *at);
    struct uui_shared_item item;
    if (!uui_shared_next(&rest, &item)) {
        return false;
    }
    *at = len - rest.n;
    *id = item.id;
    *data = (const unsigned char *)item.data.p;
    *data_len = item.data.n;
    return true;
}

bool baton_uui_ucid_digits(const void *octets, char digits[BATON_UUI_UCID_DIGITS + 1])
{
    return uui_ucid_text(str_make(octets, BATON_UUI_UCID_OCTETS), digits);
}

bool baton_uui_ucid_octets(const char *digits, unsigned char octets[BATON_UUI_UCID_OCTETS])
{
    return uui_ucid_octets(str_c(digits), (char *)octets);
}
