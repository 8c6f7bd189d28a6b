/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aes-siv: AEAD_AES_SIV_CMAC_256 and _512 of RFC 5297, over OpenSSL's EVP.
 *
 * One string of associated data (what frame.c writes: there is no nonce apart from it), body,
 * then the synthetic IV as tag. A key of 32 octets is two of AES-128, one of 64 two of AES-256.
 *
 * Giving a key to OpenSSL's SIV fetches its parts and expands it, which costs more than twice
 * what a frame costs; so each row has two contexts with the key in them, and an operation
 * begins with a copy of one.
 */
#include "base/err.h"
#include "seal/parts.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>

int seal_siv_ready(struct seal_keys *k, struct seal_row *r, const struct seal_key *key,
                   const char **why)
{
    if (key->secret.n != 32 && key->secret.n != 64) {
        *why = "the secret of aes-siv has 32 or 64 octets";
        return E_VALUE;
    }
    if (str_is_set(key->public_key)) {
        *why = "aes-siv has no public key";
        return E_VALUE;
    }
    const EVP_CIPHER *cipher = k->siv[key->secret.n == 64];
    const unsigned char *secret = (const unsigned char *)key->secret.p;
    r->siv_close = EVP_CIPHER_CTX_new();
    r->siv_open = EVP_CIPHER_CTX_new();
    if (r->siv_close == NULL || r->siv_open == NULL ||
        EVP_EncryptInit_ex2(r->siv_close, cipher, secret, NULL, NULL) != 1 ||
        EVP_DecryptInit_ex2(r->siv_open, cipher, secret, NULL, NULL) != 1) {
        return E_NOMEM;
    }
    return 0;
}

bool seal_siv_close(const struct seal_job *j, struct str plain, char *to)
{
    EVP_CIPHER_CTX *x = j->keys->work;
    int n;
    return EVP_CIPHER_CTX_copy(x, j->row->siv_close) == 1 &&
           EVP_EncryptUpdate(x, NULL, &n, (const unsigned char *)j->aad.p, (int)j->aad.n) ==
               1 &&
           EVP_EncryptUpdate(x, (unsigned char *)to, &n, (const unsigned char *)plain.p,
                             (int)plain.n) == 1 &&
           EVP_EncryptFinal_ex(x, (unsigned char *)to + plain.n, &n) == 1 &&
           EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_GET_TAG, SEAL_SIV_ADDS, to + plain.n) == 1;
}

bool seal_siv_open(const struct seal_job *j, struct str rest, char *to)
{
    EVP_CIPHER_CTX *x = j->keys->work;
    struct str body = str_upto(rest, rest.n - SEAL_SIV_ADDS);
    unsigned char tag[SEAL_SIV_ADDS];
    int n;
    memcpy(tag, rest.p + body.n, sizeof(tag));
    if (EVP_CIPHER_CTX_copy(x, j->row->siv_open) == 1 &&
        EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) == 1 &&
        EVP_DecryptUpdate(x, NULL, &n, (const unsigned char *)j->aad.p, (int)j->aad.n) == 1 &&
        EVP_DecryptUpdate(x, (unsigned char *)to, &n, (const unsigned char *)body.p,
                          (int)body.n) == 1 &&
        EVP_DecryptFinal_ex(x, (unsigned char *)to + body.n, &n) == 1) {
        return true;
    }
    OPENSSL_cleanse(to, body.n);
    return false;
}
