/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as the User-to-User lines of a message and as the headers of a URI. What is
 * accepted can be written, and reads back as the same octets; what the public interface
 * says is what the internal one says.
 */
#include "baton/uui.h"
#include "uui/uui.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

/** Write a value again and compare what it reads as. */
static void round_trip(struct arena *a, const struct uui_value *v)
{
    const struct uui_packages none = {0};
    struct uui_format f = {.package = v->package};
    size_t cap = 2 * v->octets.n + v->package.n + 64;
    char *buf = arena_alloc(a, cap);
    struct uui_value back;
    struct out o;
    demand(buf != NULL);
    out_init(&o, buf, cap);
    demand(uui_write(&o, v->octets, &f, NULL) == 0);
    demand(uui_parse(out_str_of(&o), &none, a, &back) == 0);
    demand(str_eq(back.octets, v->octets));
    demand(back.verdict == (v->isdn ? UUI_VALID : UUI_IGNORED));
    demand(str_ieq(back.package, v->package));
    demand(!v->isdn || back.octets.n > 0);
}

static void check_list(struct arena *a, const struct uui_list *l)
{
    size_t valid = 0;
    for (size_t i = 0; i < l->n; i++) {
        const struct uui_value *v = &l->v[i];
        struct str rest = v->params, name, value;
        while (uui_param_next(&rest, &name, &value)) {
            demand(uui_is_token(name));
        }
        demand(v->verdict == uui_rule_verdict(v->rule) && v->at <= v->text.n);
        demand(str_is_set(v->octets) == (v->verdict != UUI_WRONG));
        valid += v->verdict == UUI_VALID ? 1 : 0;
        bool draft = str_ieq(v->purpose, STR("isdn-interwork"));
        if (v->verdict != UUI_WRONG && str_is_set(v->package) &&
            (!v->isdn || v->octets.n > 0)) {
            demand(!draft || v->isdn);
            round_trip(a, v);
        }
    }
    demand(valid == (l->isdn ? 1 : 0));
}

static void check_public(struct str text, const struct uui_list *l)
{
    unsigned char *octets = malloc(text.n + 1);
    struct baton_uui_value v[UUI_VALUES_MAX];
    size_t n;
    demand(octets != NULL);
    demand(baton_uui_parse_list(text.p, text.n, octets, text.n, v, UUI_VALUES_MAX, &n) == 0);
    demand(n == l->n);
    for (size_t i = 0; i < n; i++) {
        demand((unsigned)v[i].rule == l->v[i].rule && v[i].octets_len == l->v[i].octets.n);
        demand(v[i].text == l->v[i].text.p && v[i].at == l->v[i].at);
    }
    free(octets);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct arena a;
    struct uui_list l;
    if (size == 0) {
        return 0;
    }
    arena_init(&a, &mem_libc, 65536);
    if (uui_list_parse(&text, 1, NULL, &a, &l) == 0) {
        check_list(&a, &l);
        check_public(text, &l);
    }
    if (uui_list_parse_uri(text, NULL, &a, &l) == 0) {
        check_list(&a, &l);
    }
    if (uui_list_parse_uri(uui_uri_headers(text), NULL, &a, &l) == 0) {
        check_list(&a, &l);
    }
    arena_fini(&a);
    return 0;
}
