/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a session description. What is accepted can be held, silenced and
 * retrieved, and the result is accepted; an edit without an aim changes no octet; putting
 * the directions and the version back gives what was there before the hold.
 */
#include "base/err.h"
#include "sdp/sdp.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static struct str rewrite(struct arena *a, const struct sdp *s, enum sdp_aim aim,
                          const struct sdp *other, struct sdp *out)
{
    struct sdp_edit e = {.aim = (uint8_t)aim, .bump = aim != SDP_KEEP, .other = other};
    struct str text;
    demand(sdp_rewrite(s, &e, a, &text) == 0);
    demand(sdp_parse(text, out, NULL) == 0);
    demand(out->media_count == s->media_count);
    return text;
}

static void check_edits(struct arena *a, const struct sdp *s)
{
    struct sdp t, u;
    demand(str_eq(rewrite(a, s, SDP_KEEP, NULL, &t), s->text));
    rewrite(a, s, SDP_SILENCE, NULL, &t);
    rewrite(a, s, SDP_ANSWER, s, &u);
    for (size_t i = 0; i < s->media_count; i++) {
        const struct sdp_media *m = &s->media[i];
        demand(t.media[i].dir == (m->port == 0 ? m->dir : SDP_INACTIVE));
        demand(t.media[i].port == m->port && str_eq(t.media[i].formats, m->formats));
        enum sdp_dir answer = sdp_dir_answer((enum sdp_dir)m->dir, (enum sdp_dir)m->dir);
        demand(m->port == 0 || u.media[i].dir == answer);
    }
    rewrite(a, s, SDP_HOLD, NULL, &t);
    rewrite(a, &t, SDP_RETRIEVE, s, &u);
    for (size_t i = 0; i < s->media_count; i++) {
        demand(u.media[i].dir == s->media[i].dir);
    }
}

static void check_answers(struct arena *a, const struct sdp *s)
{
    static const uint8_t entropy[SDP_ENTROPY] = {0xFB, 0xEF, 0xBE, 0xFF};
    struct sdp_local l = {.address = STR("192.0.2.1"), .port = 4000, .dir = SDP_SENDRECV};
    size_t cap = s->text.n + 512 + SDP_MEDIA_MAX * (SDP_KEYS_MAX + 64);
    for (int kind = 0; kind < 4; kind++) {
        struct out o;
        struct sdp answer;
        char *buf = arena_alloc(a, cap);
        demand(buf != NULL);
        l.entropy = kind == 3 ? entropy : NULL;
        out_init(&o, buf, cap);
        int err = kind == 0   ? sdp_write_answer(&o, &l, s)
                  : kind == 2 ? sdp_write_rejection(&o, &l, s)
                              : sdp_write_black_hole(&o, &l, s);
        if (err == 0) {
            demand(sdp_parse(out_str_of(&o), &answer, NULL) == 0);
            demand(answer.media_count == s->media_count);
            demand(kind != 3 || sdp_is_held(&answer));
        } else {
            demand(o.n == 0 && err != E_SPACE);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct sdp s;
    size_t at;
    arena_init(&a, &mem_libc, 65536);
    if (sdp_parse(str_make((const char *)data, size), &s, &at) == 0) {
        check_edits(&a, &s);
        check_answers(&a, &s);
    }
    demand(at <= size);
    arena_fini(&a);
    return 0;
}
