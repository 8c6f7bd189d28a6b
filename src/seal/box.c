/* SPDX-License-Identifier: Apache-2.0 */
/*
 * x25519: privacy and proof of the sender between two parties, each of whom knows the other's
 * public key. Composed of X25519 (RFC 7748), HKDF with SHA-256 (RFC 5869) and
 * ChaCha20-Poly1305 (RFC 8439):
 *
 *     once     PRK = HKDF-Extract(salt = "baton uui box 1", X25519(own secret, peer's public))
 *     a frame  N = time (4 octets of the header) | 20 random octets
 *              K = HKDF-Expand(PRK, sender's public | recipient's public | N, 44)
 *              ChaCha20-Poly1305(key = K[0..32), nonce = K[32..44), associated data, body)
 *
 * WHY SO. Both sides have the same PRK, so the two public keys in the order of sending keep a
 * frame from being sent back to who made it. Every frame has a key of its own from 24 octets
 * that do not repeat (160 random bits), so the 12-octet nonce of the cipher is no limit to how
 * many are sealed. HKDF-Expand of 44 octets is two HMACs, and OpenSSL's context of an HMAC
 * keeps its key, so a row holds that and no secret besides.
 *
 * WHAT IT IS NOT. No forward secrecy: who gets one of the two secrets reads all, and can seal
 * to its owner in the other's name. Nothing is proved to a third party (that is ed25519).
 */
#include "base/err.h"
#include "seal/parts.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#define LABEL "baton uui box 1"
enum { KEY = 32, NONCE = 12, TAG = 16, HASH = 32 };

/** HMAC-SHA-256 with a context that is made ready for that key. */
static EVP_MAC_CTX *hmac_new(const void *key, size_t n)
{
    char digest[] = "SHA256";
    OSSL_PARAM param[2] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *x = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (x != NULL && EVP_MAC_init(x, key, n, param) != 1) {
        EVP_MAC_CTX_free(x);
        x = NULL;
    }
    return x;
}

/** The HMAC of up to three parts, 32 octets. */
static bool hmac(EVP_MAC_CTX *x, const struct str *part, size_t n, unsigned char *to)
{
    size_t len;
    bool ok = EVP_MAC_init(x, NULL, 0, NULL) == 1;
    for (size_t i = 0; ok && i < n; i++) {
        ok = EVP_MAC_update(x, (const unsigned char *)part[i].p, part[i].n) == 1;
    }
    return ok && EVP_MAC_final(x, to, &len, HASH) == 1;
}

/** X25519 of the two, and our own public key. A public key that gives zeros is refused. */
static bool agree(struct seal_row *r, const struct seal_key *key, unsigned char *shared)
{
    size_t own = sizeof(r->own_public), n = KEY;
    EVP_PKEY *ours = EVP_PKEY_new_raw_private_key(
        EVP_PKEY_X25519, NULL, (const unsigned char *)key->secret.p, key->secret.n);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(
        EVP_PKEY_X25519, NULL, (const unsigned char *)key->public_key.p, key->public_key.n);
    EVP_PKEY_CTX *x = ours != NULL ? EVP_PKEY_CTX_new(ours, NULL) : NULL;
    bool ok = theirs != NULL && x != NULL &&
              EVP_PKEY_get_raw_public_key(ours, r->own_public, &own) == 1 &&
              EVP_PKEY_derive_init(x) == 1 && EVP_PKEY_derive_set_peer(x, theirs) == 1 &&
              EVP_PKEY_derive(x, shared, &n) == 1 && n == KEY;
    EVP_PKEY_CTX_free(x);
    EVP_PKEY_free(theirs);
    EVP_PKEY_free(ours);
    return ok;
}

int seal_box_ready(struct seal_keys *k, struct seal_row *r, const struct seal_key *key,
                   const char **why)
{
    unsigned char shared[KEY], prk[HASH];
    (void)k;
    if (key->secret.n != KEY || key->public_key.n != KEY) {
        *why = "x25519 has our secret and the other party's public key, 32 octets each";
        return E_VALUE;
    }
    memcpy(r->peer_public, key->public_key.p, KEY);
    if (!agree(r, key, shared)) {
        *why = "the public key is none";
        return E_VALUE;
    }
    struct str ikm = str_make((const char *)shared, sizeof(shared));
    EVP_MAC_CTX *extract = hmac_new(LABEL, sizeof(LABEL) - 1);
    bool ok = extract != NULL && hmac(extract, &ikm, 1, prk);
    r->box = ok ? hmac_new(prk, sizeof(prk)) : NULL;
    EVP_MAC_CTX_free(extract);
    OPENSSL_cleanse(shared, sizeof(shared));
    OPENSSL_cleanse(prk, sizeof(prk));
    return r->box != NULL ? 0 : E_NOMEM;
}

/** Key and nonce of one frame, 64 octets of which 44 are used. */
static bool expand(const struct seal_job *j, const uint8_t *from, const uint8_t *to,
                   const char *random, unsigned char *k)
{
    char info[32 + 32 + 4 + SEAL_BOX_NONCE];
    memcpy(info, from, 32);
    memcpy(info + 32, to, 32);
    memcpy(info + 64, j->time, 4);
    memcpy(info + 68, random, SEAL_BOX_NONCE);
    struct str first[] = {str_make(info, sizeof(info)), STR("\001")};
    struct str second[] = {str_make((char *)k, HASH), first[0], STR("\002")};
    return hmac(j->row->box, first, 2, k) && hmac(j->row->box, second, 3, k + HASH);
}

bool seal_box_close(const struct seal_job *j, struct str plain, char *to)
{
    EVP_CIPHER_CTX *x = j->keys->work;
    unsigned char k[2 * HASH];
    unsigned char *body = (unsigned char *)to + SEAL_BOX_NONCE;
    int n;
    bool ok =
        expand(j, j->row->own_public, j->row->peer_public, to, k) &&
        EVP_EncryptInit_ex2(x, j->keys->chacha, k, k + KEY, NULL) == 1 &&
        EVP_EncryptUpdate(x, NULL, &n, (const unsigned char *)j->aad.p, (int)j->aad.n) == 1 &&
        EVP_EncryptUpdate(x, body, &n, (const unsigned char *)plain.p, (int)plain.n) == 1 &&
        EVP_EncryptFinal_ex(x, body + plain.n, &n) == 1 &&
        EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, TAG, body + plain.n) == 1;
    OPENSSL_cleanse(k, sizeof(k));
    return ok;
}

static bool open_as(const struct seal_job *j, const uint8_t *from, const uint8_t *to,
                    struct str rest, unsigned char *plain)
{
    EVP_CIPHER_CTX *x = j->keys->work;
    unsigned char k[2 * HASH], tag[TAG];
    const unsigned char *body = (const unsigned char *)rest.p + SEAL_BOX_NONCE;
    int size = (int)(rest.n - SEAL_BOX_ADDS), n;
    memcpy(tag, body + size, TAG);
    bool ok =
        expand(j, from, to, rest.p, k) &&
        EVP_DecryptInit_ex2(x, j->keys->chacha, k, k + KEY, NULL) == 1 &&
        EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, TAG, tag) == 1 &&
        EVP_DecryptUpdate(x, NULL, &n, (const unsigned char *)j->aad.p, (int)j->aad.n) == 1 &&
        EVP_DecryptUpdate(x, plain, &n, body, size) == 1 &&
        EVP_DecryptFinal_ex(x, plain + size, &n) == 1;
    OPENSSL_cleanse(k, sizeof(k));
    if (!ok) {
        OPENSSL_cleanse(plain, (size_t)size);
    }
    return ok;
}

bool seal_box_open(const struct seal_job *j, struct str rest, char *to, bool *own)
{
    const struct seal_row *r = j->row;
    *own = false;
    if (open_as(j, r->peer_public, r->own_public, rest, (unsigned char *)to)) {
        return true;
    }
    *own = open_as(j, r->own_public, r->peer_public, rest, (unsigned char *)to);
    return *own;
}
