/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as an ISUP message, and as a body that may hold one. What is put in is read again,
 * what is taken out is gone, and nothing else of the message changes. The first octet chooses:
 * bit 0 ANSI, bits 1 and 2 message or body of some type.
 */
#include "base/err.h"
#include "fuzz_env.h"
#include "isdn/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct str octets = STR_INIT("\x04Hi");

/** All that is not user-to-user information, in two messages. */
static void same_but_uui(const struct isup_msg *a, const struct isup_msg *b)
{
    struct str x = a->optional, y = b->optional;
    struct isup_param p = {0}, q = {0};
    bool more, with;

    MUST(a->layout == b->layout && str_eq(a->fixed, b->fixed));
    for (size_t i = 0; i < a->layout->variable && a->layout->type != ISUP_USR; i++) {
        MUST(str_eq(a->variable[i], b->variable[i]));
    }
    do {
        while ((more = isup_param_next(&x, &p)) && p.code == ISUP_USER_TO_USER) {
        }
        while ((with = isup_param_next(&y, &q)) && q.code == ISUP_USER_TO_USER) {
        }
        MUST(more == with && (!more || (p.code == q.code && str_eq(p.content, q.content))));
    } while (more);
}

static void put(const struct isup_msg *m, enum isup_base base, struct str value)
{
    size_t cap = m->octets.n + 2 * ISDN_UUI_MAX;
    char *buf = malloc(cap);
    struct isup_msg again;
    struct str got;
    struct out o;

    MUST(buf != NULL);
    out_init(&o, buf, cap);
    if (isup_uui_set(m, value, &o) == 0) {
        MUST(isup_view(out_str_of(&o), base, &again) == 0);
        int err = isup_uui_get(&again, &got);
        if (!str_is_set(value)) {
            MUST(err == E_NOTFOUND);
        } else if (m->layout->type != ISUP_USR) {
            MUST(err == 0 && str_eq(got, value));
        }
        same_but_uui(m, &again);
    }
    free(buf);
}

static void message(struct str s, enum isup_base base)
{
    struct isup_indicators i;
    struct isup_msg m;
    struct str got;

    if (isup_view(s, base, &m) != 0) {
        return;
    }
    if (isup_uui_get(&m, &got) == 0) {
        MUST(got.n > 0 && got.n <= ISDN_UUI_MAX && got.p >= s.p && got.p + got.n <= s.p + s.n);
    }
    (void)!isup_indicators_get(&m, &i);
    put(&m, base, octets);
    put(&m, base, STR_NONE);
}

static void body(struct str s, const char *type)
{
    static struct fuzz_msg f;
    struct fuzz_env env;
    struct arena arena;
    struct isdn_body found, again;
    struct isdn_edit e;
    struct sip_fault fault;
    size_t cap = s.n + 512;
    char *buf = malloc(cap);
    struct out o;

    MUST(buf != NULL);
    fuzz_env_init(&env);
    arena_init(&arena, &env.env.mem, 4096);
    out_init(&o, buf, cap);
    out_fmt(&o, "INVITE sip:a@h SIP/2.0\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
            type, s.n);
    out_str(&o, s);
    f.m.hdr = f.hdr;
    if (sip_msg_index(&f.m, out_str_of(&o), true, &sip_limits_default, &fault) == 0 &&
        isdn_body_read(&f.m, &arena, &found) == 0) {
        MUST(isdn_body_edit(&f.m, &arena, ISDN_ANYWHERE, STR_NONE, &e) <= 0);
        MUST(e.changed || str_eq(e.body, s));
        if (e.changed && e.left == 0 && str_is_set(e.type)) {
            struct str less = e.body;
            char *copy = malloc(less.n + 512);
            MUST(copy != NULL);
            out_init(&o, copy, less.n + 512);
            out_fmt(&o,
                    "INVITE sip:a@h SIP/2.0\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
                    type, less.n);
            out_str(&o, less);
            MUST(sip_msg_index(&f.m, out_str_of(&o), true, &sip_limits_default, &fault) == 0);
            MUST(isdn_body_read(&f.m, &arena, &again) == 0);
            MUST(!str_is_set(isdn_body_octets(&again, ISDN_ANYWHERE)));
            free(copy);
        }
    }
    arena_fini(&arena);
    MUST(env.live == 0);
    free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const types[] = {"application/isup;version=itu-t92+", "application/gtd",
                                        "application/sdp", "multipart/mixed;boundary=b"};
    struct str s = str_make((const char *)data, size);

    if (size == 0) {
        return 0;
    }
    s = str_from(s, 1);
    message(s, (data[0] & 1) != 0 ? ISUP_ANSI : ISUP_ITU);
    body(s, types[data[0] >> 1 & 3]);
    return 0;
}
