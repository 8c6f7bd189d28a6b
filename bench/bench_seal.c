/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing and opening 40 octets with each algorithm (src/seal), and the same done with OpenSSL
 * alone: the bare cipher or signature over the same octets, key given each time. Prints
 * "NAME ns".
 *
 * Opening is measured with message 0, so that nothing is remembered and each frame is verified;
 * "known" is a signature that was verified before, which is how a second reader of the same
 * message finds it.
 */
#include "bench.h"

#include "seal/seal.h"
#include <openssl/evp.h>
#include <stdio.h>

enum { PLAIN = 40, SIV = 5, BOX = 6, SIGN = 7 };

static struct seal a, b;
static struct arena arena;
static char plain[PLAIN], frame[256];
static struct str sealed;
static uint64_t now_s = 1767225600, seeds, message;
static const struct seal_about about = {STR_INIT("isdn-uui"), STR_INIT("isdn-uui"), 0};

static void count(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 0, n);
    seeds++;
    memcpy(out, &seeds, n < sizeof(seeds) ? n : sizeof(seeds));
}

static struct str raw_public(int type, const char *secret)
{
    static unsigned char out[2][32];
    static int next;
    size_t n = 32;
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(type, NULL, (const unsigned char *)secret, 32);
    unsigned char *p = out[next++ % 2];
    EVP_PKEY_get_raw_public_key(k, p, &n);
    EVP_PKEY_free(k);
    return str_make((char *)p, n);
}

static bool ready(struct seal *s, const struct env *env, bool first)
{
    char own[32], other[32];
    const char *why;
    memset(own, first ? 7 : 9, sizeof(own));
    memset(other, first ? 9 : 7, sizeof(other));
    struct seal_key row[] = {
        {.id = SIV, .alg = SEAL_AES_SIV, .secret = {plain, 32}},
        {.id = BOX, .alg = SEAL_X25519, .secret = {own, 32}},
        {.id = SIGN, .alg = SEAL_ED25519},
    };
    row[1].public_key = raw_public(EVP_PKEY_X25519, other);
    row[2].secret = first ? str_make(own, 32) : STR_NONE;
    row[2].public_key = first ? STR_NONE : raw_public(EVP_PKEY_ED25519, other);
    struct seal_keys *keys = seal_keys_new(&mem_libc);
    bool ok = seal_init(s, env, &(struct seal_config){0}) == 0 && keys != NULL;
    for (size_t i = 0; ok && i < ARRAY_LEN(row); i++) {
        ok = seal_keys_add(keys, &row[i], &why) == 0;
    }
    seal_set_keys(s, keys);
    return ok;
}

/* Time goes on, so that the memory of frames has its size of a server that seals all the time.
 */
static size_t do_seal(void *ctx, const char *p, size_t n)
{
    struct out o;
    out_init(&o, frame, sizeof(frame));
    now_s += seeds % 256 == 0;
    seeds++;
    if (seal_close(&a, *(const uint16_t *)ctx, &about, str_make(p, n), 0, now_s, &o) != 0) {
        return 0;
    }
    sealed = out_str_of(&o);
    return o.n;
}

static size_t do_open(void *ctx, const char *p, size_t n)
{
    struct seal_opened x;
    (void)ctx;
    (void)p;
    (void)n;
    arena_reset(&arena);
    return seal_open(&b, &about, sealed, message, now_s, &arena, &x) == SEAL_OK ? x.plain.n : 0;
}

/* ---- OpenSSL alone ---- */

struct bare {
    EVP_CIPHER_CTX *x;
    EVP_CIPHER *cipher;
    EVP_MD_CTX *md;
    EVP_PKEY *sign;
    unsigned char signature[64];
};
static struct bare w;

static size_t bare_cipher(void *ctx, const char *p, size_t n)
{
    static const unsigned char key[64] = {1}, aad[56] = {2};
    unsigned char out[64], tag[16];
    int len;
    (void)ctx;
    EVP_EncryptInit_ex2(w.x, w.cipher, key, aad, NULL);
    EVP_EncryptUpdate(w.x, NULL, &len, aad, sizeof(aad));
    EVP_EncryptUpdate(w.x, out, &len, (const unsigned char *)p, (int)n);
    EVP_EncryptFinal_ex(w.x, out, &len);
    return EVP_CIPHER_CTX_ctrl(w.x, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;
}

static size_t bare_sign(void *ctx, const char *p, size_t n)
{
    size_t len = sizeof(w.signature);
    (void)ctx;
    EVP_MD_CTX_reset(w.md);
    return EVP_DigestSignInit(w.md, NULL, NULL, NULL, w.sign) == 1 &&
           EVP_DigestSign(w.md, w.signature, &len, (const unsigned char *)p, n) == 1;
}

static size_t bare_verify(void *ctx, const char *p, size_t n)
{
    (void)ctx;
    EVP_MD_CTX_reset(w.md);
    return EVP_DigestVerifyInit(w.md, NULL, NULL, NULL, w.sign) == 1 &&
           EVP_DigestVerify(w.md, w.signature, 64, (const unsigned char *)p, n) == 1;
}

/* ---- */

static bool run(const char *name, bench_fn fn, void *ctx)
{
    if (fn(ctx, plain, PLAIN) == 0) {
        fprintf(stderr, "%s does not work\n", name);
        return false;
    }
    double best = bench_batch(fn, ctx, plain, PLAIN, 100);
    for (int k = 0; k < BENCH_BATCHES; k++) {
        double ns = bench_batch(fn, ctx, plain, PLAIN, (long)(BENCH_BATCH_NS / best) + 1);
        best = ns < best ? ns : best;
    }
    printf("%s %.1f\n", name, best);
    return true;
}

static bool run_pair(const char *name, uint16_t key)
{
    char text[64];
    snprintf(text, sizeof(text), "seal-%s", name);
    bool ok = run(text, do_seal, &key);
    snprintf(text, sizeof(text), "open-%s", name);
    message = 0;
    return ok && run(text, do_open, NULL);
}

static bool run_bare_cipher(const char *name, const char *cipher)
{
    w.cipher = EVP_CIPHER_fetch(NULL, cipher, NULL);
    bool ok = w.cipher != NULL && run(name, bare_cipher, NULL);
    EVP_CIPHER_free(w.cipher);
    return ok;
}

int main(void)
{
    struct env env = {.mem = mem_libc, .random = count};
    memset(plain, 'u', sizeof(plain));
    arena_init(&arena, &mem_libc, 4096);
    w.x = EVP_CIPHER_CTX_new();
    w.md = EVP_MD_CTX_new();
    w.sign = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, (unsigned char *)plain, 32);
    if (!ready(&a, &env, true) || !ready(&b, &env, false) || w.x == NULL || w.md == NULL ||
        w.sign == NULL) {
        return 1;
    }
    bool ok = run_pair("aes-siv", SIV) && run_bare_cipher("bare-aes-siv", "AES-128-SIV") &&
              run_pair("x25519", BOX) &&
              run_bare_cipher("bare-chacha20", "ChaCha20-Poly1305") &&
              run_pair("ed25519", SIGN) && run("bare-sign", bare_sign, NULL) &&
              run("bare-verify", bare_verify, NULL);
    message = 1;
    ok = ok && run("open-ed25519-known", do_open, NULL);
    EVP_CIPHER_CTX_free(w.x);
    EVP_MD_CTX_free(w.md);
    EVP_PKEY_free(w.sign);
    arena_fini(&arena);
    struct seal_keys *keys[] = {a.keys, b.keys};
    seal_fini(&a);
    seal_fini(&b);
    seal_keys_free(keys[0]);
    seal_keys_free(keys[1]);
    return ok ? 0 : 1;
}
