/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of sealed values, A and B, with a key of each algorithm between them. */
#ifndef BATON_TESTS_KIT_SEAL_H
#define BATON_TESTS_KIT_SEAL_H

#include "kit_msg.h"
#include "kit_seal_keys.h"
#include "seal/seal.h"

struct kit_end {
    struct kit k;
    struct seal s;
    struct seal_keys *keys;
    struct arena a;
    struct seal_opened opened;
    char frame[8192];
};

static inline struct seal_about kit_about(void)
{
    return (struct seal_about){.package = STR("isdn-uui"), .content = STR("isdn-uui")};
}

static inline void kit_end_init(struct kit_end *e, bool first, const struct seal_config *c)
{
    *e = (struct kit_end){0};
    kit_init(&e->k);
    e->k.seed = first ? 1 : 2;
    CHECK_INT(seal_init(&e->s, &e->k.env, c), 0);
    e->keys = seal_keys_new(&e->k.mem.mem);
    CHECK(e->keys != NULL);
    CHECK_INT(kit_add_keys(e->keys, first), 0);
    seal_set_keys(&e->s, e->keys);
    arena_init(&e->a, &mem_libc, 4096);
}

static inline void kit_end_fini(struct kit_end *e)
{
    seal_fini(&e->s);
    seal_keys_free(e->keys);
    arena_fini(&e->a);
    CHECK_INT(e->k.mem.live, 0);
}

/** A frame in e->frame. @return absent: the error was not 0 */
static inline struct str kit_close(struct kit_end *e, uint16_t key, struct str plain,
                                   size_t most, int want)
{
    struct seal_about about = kit_about();
    struct out o;
    out_init(&o, e->frame, sizeof(e->frame));
    CHECK_INT(seal_close(&e->s, key, &about, plain, most, e->k.wall_s, &o), want);
    CHECK(want == 0 || o.n == 0);
    return want == 0 ? out_str_of(&o) : STR_NONE;
}

static inline enum seal_result kit_open(struct kit_end *e, struct str octets, uint64_t message)
{
    struct seal_about about = kit_about();
    return seal_open(&e->s, &about, octets, message, e->k.wall_s, &e->a, &e->opened);
}

#endif
