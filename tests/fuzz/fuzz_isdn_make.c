/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages of our own, ISUP and GTD, from any parameters, in any body. What is written is read
 * back as it was meant, what cannot be written leaves nothing, and a body that gets a part
 * keeps its others.
 *
 *     type  base  flags  cause  length-of-called  called…  length-of-uui  uui…  form  body…
 */
#include "base/err.h"
#include "fuzz_env.h"
#include "isdn/body.h"
#include "isdn/gtd_make.h"
#include "isdn/wrap.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t take(struct str *s)
{
    uint8_t c = s->n > 0 ? (uint8_t)s->p[0] : 0;

    *s = str_from(*s, 1);
    return c;
}

static struct str take_text(struct str *s)
{
    struct str text = str_upto(str_from(*s, 1), take(s));

    *s = str_from(*s, text.n);
    return text;
}

static struct str write(const struct isup_new *m, char *buf, size_t room)
{
    struct isup_msg back;
    struct str got;
    struct out o;

    out_init(&o, buf, room);
    if (isup_write(&o, m) != 0) {
        MUST(o.n == 0);
        return STR_NONE;
    }
    MUST(isup_view(out_str_of(&o), (enum isup_base)m->base, &back) == 0);
    MUST(back.layout->type == m->type);
    int err = isup_uui_get(&back, &got);
    MUST(str_is_set(m->uui) ? err == 0 && str_eq(got, m->uui) : err == E_NOTFOUND);
    return out_str_of(&o);
}

static size_t octets_in(struct str type, struct str body, struct arena *a, struct str uui)
{
    struct isdn_body found;
    size_t n = 0;

    MUST(isdn_body_find(type, body, a, &found) == 0 || found.n == ISDN_FOUND_MAX);
    for (size_t i = 0; i < found.n; i++) {
        n += found.v[i].place == ISDN_ISUP && str_eq(found.v[i].octets, uui) ? 1 : 0;
    }
    return n;
}

static void wrap(struct str isup, struct str uui, uint8_t form, struct str body)
{
    static const struct str types[] = {
        {NULL, 0},
        STR_INIT("application/sdp"),
        STR_INIT("multipart/mixed;boundary=b"),
        STR_INIT("multipart/mixed"),
        STR_INIT("text/plain"),
    };
    struct isdn_content had = {.type = types[form % ARRAY_LEN(types)], .body = body};
    struct isdn_wrapped w;
    struct arena a;

    arena_init(&a, &mem_libc, 1024);
    if (isdn_wrap(&a, &had, isup, form >> 4, STR("b1"), &w) == 0) {
        struct isdn_body before = {.n = 0};
        MUST(w.sdp_n <= w.all.body.n && w.sdp_at <= w.all.body.n - w.sdp_n);
        MUST(form % ARRAY_LEN(types) != 1 ||
             str_eq(str_make(w.all.body.p + w.sdp_at, w.sdp_n), body));
        if (!str_is_set(had.type) || isdn_body_find(had.type, body, &a, &before) == 0) {
            if (before.n < ISDN_FOUND_MAX && str_is_set(uui)) {
                MUST(octets_in(w.all.type, w.all.body, &a, uui) >= 1);
            }
        }
    }
    arena_fini(&a);
}

/** The same as GTD, alone and beside that description. */
static void gtd(const struct isup_new *m, size_t room, struct str body)
{
    const struct gtd_new g = {.type = m->type,
                              .called = m->called,
                              .call_id = STR("0123456789abcdef"),
                              .uui = m->uui};
    const struct isdn_content had = {.type = STR("application/sdp"), .body = body};
    char buf[GTD_MADE_MAX];
    struct isdn_body found;
    struct isdn_wrapped w;
    struct arena a;
    struct out o;

    out_init(&o, buf, room);
    if (gtd_write(&o, &g) != 0) {
        MUST(o.n == 0);
        return;
    }
    const struct isdn_part part = {STR("application/gtd"), out_str_of(&o)};
    arena_init(&a, &mem_libc, 1024);
    MUST(isdn_body_find(part.type, part.body, &a, &found) == 0 && found.n == 1);
    MUST(str_eq(isdn_body_octets(&found, ISDN_GTD), m->uui));
    if (isdn_wrap_part(&a, &had, &part, STR("b1"), &w) == 0) {
        MUST(isdn_body_find(w.all.type, w.all.body, &a, &found) == 0);
        MUST(str_eq(isdn_body_octets(&found, ISDN_GTD), m->uui));
        MUST(str_eq(str_make(w.all.body.p + w.sdp_at, w.sdp_n), body));
    }
    arena_fini(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_make((const char *)data, size), isup;
    struct isup_new m = {.type = take(&rest), .base = take(&rest) & 1};
    uint8_t flags = take(&rest);
    char buf[ISUP_MADE_MAX];

    m.restricted = (flags & 1) != 0;
    m.free = (flags & 2) != 0;
    m.location = flags >> 4;
    m.cause = m.event = take(&rest);
    m.called = take_text(&rest);
    m.calling = (flags & 4) != 0 ? m.called : STR_NONE;
    m.uui = take_text(&rest);
    m.uui = (flags & 8) != 0 ? m.uui : STR_NONE;
    isup = write(&m, buf, sizeof(buf));
    (void)write(&m, buf, flags);
    gtd(&m, flags, rest);
    gtd(&m, GTD_MADE_MAX, rest);
    isup = write(&m, buf, sizeof(buf));
    if (str_is_set(isup)) {
        uint8_t form = take(&rest);
        /* a reader goes by the version, so only one of that layout can be read back */
        bool fits = isup_version_base((form & 0x6F) >> 4) == m.base;
        wrap(isup, fits ? m.uui : STR_NONE, form & 0x6F, rest);
    }
    return 0;
}
