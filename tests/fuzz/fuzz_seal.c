/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a sealed value. Two octets choose the purpose and a key, two say which bit is
 * to be changed; the rest is opened as it is, then sealed as plain octets, opened, damaged,
 * opened. Demanded: an answer that does not change when asked again, nothing but the answer
 * when it is not OK, the same octets out that went in, and never OK for what was changed.
 */
#include "../unit/kit_seal_keys.h"
#include "fuzz_env.h"
#include "seal/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1767225600u /* as docs/seal-vectors.json */

static struct fuzz_env env;
static struct seal sealer, opener;
static struct arena arena;
static uint64_t calls;

/** In memory of their own, so that reading past the end is seen. */
static struct str copy_of(struct str octets)
{
    char *p = malloc(octets.n > 0 ? octets.n : 1);
    MUST(p != NULL);
    memcpy(p, octets.p, octets.n);
    return str_make(p, octets.n);
}

static void drop(struct str octets)
{
    free((void *)(uintptr_t)octets.p);
}

static void end(void)
{
    struct seal_keys *a = sealer.keys, *b = opener.keys;
    seal_fini(&sealer);
    seal_fini(&opener);
    seal_keys_free(a);
    seal_keys_free(b);
    MUST(env.live == 0);
    env.seed = 0;
}

/* Time stands still here, so frames are forgotten by beginning anew, long before it is full. */
static void begin(void)
{
    struct seal_keys *a, *b;
    fuzz_env_init(&env);
    a = seal_keys_new(&env.env.mem);
    b = seal_keys_new(&env.env.mem);
    MUST(a != NULL && b != NULL && kit_add_keys(a, true) == 0 && kit_add_keys(b, false) == 0);
    MUST(seal_init(&sealer, &env.env, &(struct seal_config){0}) == 0);
    MUST(seal_init(&opener, &env.env, &(struct seal_config){0}) == 0);
    seal_set_keys(&sealer, a);
    seal_set_keys(&opener, b);
}

static enum seal_result ask(const struct seal_about *about, struct str octets, uint64_t message,
                            struct seal_opened *x)
{
    enum seal_result r = seal_open(&opener, about, octets, message, NOW, &arena, x);
    struct seal_opened again;
    MUST(r < SEAL_RESULT_COUNT && r != SEAL_FAILED);
    MUST((r == SEAL_OK) == (x->plain.n > 0));
    MUST(seal_open(&opener, about, octets, message, NOW, &arena, &again) == r);
    MUST(str_eq(x->plain, again.plain) && x->key_id == again.key_id);
    return r;
}

static void seal_and_damage(const struct seal_about *about, uint16_t key, struct str plain,
                            size_t bit)
{
    static char frame[SEAL_PLAIN_MAX + 256];
    struct seal_opened x;
    struct out o;
    out_init(&o, frame, sizeof(frame));
    int err = seal_close(&sealer, key, about, plain, 0, NOW, &o);
    MUST(err == 0 || plain.n == 0 || plain.n > SEAL_PLAIN_MAX);
    if (err != 0) {
        return;
    }
    struct str whole = copy_of(out_str_of(&o));
    MUST(seal_is_sealed(whole));
    enum seal_result r = ask(about, whole, ++calls, &x);
    MUST(r == SEAL_OK && str_eq(x.plain, plain));
    drop(whole);
    frame[bit / 8 % o.n] ^= (char)(1 << bit % 8);
    MUST(ask(about, out_str_of(&o), calls, &x) != SEAL_OK);
    frame[bit / 8 % o.n] ^= (char)(1 << bit % 8);
    MUST(ask(about, str_upto(out_str_of(&o), bit % o.n), calls, &x) != SEAL_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint16_t keys[] = {SIV_KEY, SIV64_KEY, BOX_KEY, SIGN_KEY};
    if (size < 4) {
        return 0;
    }
    if (env.seed == 0) {
        begin();
    }
    arena_init(&arena, &mem_libc, 8192);
    struct seal_opened x;
    struct seal_about about = {.package = STR("isdn-uui"),
                               .content = data[0] & 4 ? STR_NONE : STR("isdn-uui"),
                               .way = data[0] % 3};
    struct str octets = copy_of(str_make((const char *)data + 4, size - 4));
    (void)ask(&about, octets, ++calls, &x);
    seal_and_damage(&about, keys[data[1] % 4], octets, (size_t)data[2] << 8 | data[3]);
    drop(octets);
    arena_fini(&arena);
    if (calls > 10000) {
        calls = 0;
        end();
    }
    return 0;
}
