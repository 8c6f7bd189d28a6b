/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ed25519: an Ed25519 signature (RFC 8032, the pure one) over the associated data and the body,
 * which stays readable. Who has the public key can check it; only who has the secret can make
 * it, so this is the one to use between administrative domains.
 *
 * The associated data has the lengths of its parts in it, so where it ends and the body begins
 * is not open to reading in two ways.
 *
 * COST   70 us to sign, 160 us to verify: replay.c remembers what was verified.
 */
#include "base/err.h"
#include "seal/parts.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>

int seal_sign_ready(struct seal_keys *k, struct seal_row *r, const struct seal_key *key,
                    const char **why)
{
    (void)k;
    r->signs = str_is_set(key->secret);
    struct str raw = r->signs ? key->secret : key->public_key;
    const unsigned char *p = (const unsigned char *)raw.p;
    if (raw.n != 32 || (r->signs && str_is_set(key->public_key))) {
        *why = "ed25519 has either our secret or another's public key, 32 octets";
        return E_VALUE;
    }
    r->pkey = r->signs ? EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, p, raw.n)
                       : EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, p, raw.n);
    return r->pkey != NULL ? 0 : E_NOMEM;
}

/** Associated data and body in one piece, as EVP wants them. */
struct text {
    unsigned char p[SEAL_AAD_MAX + SEAL_PLAIN_MAX];
    size_t n;
};

static void put_text(struct text *t, const struct seal_job *j, struct str body)
{
    memcpy(t->p, j->aad.p, j->aad.n);
    memcpy(t->p + j->aad.n, body.p, body.n);
    t->n = j->aad.n + body.n;
}

bool seal_sign_close(const struct seal_job *j, struct str plain, char *to)
{
    EVP_MD_CTX *x = j->keys->md;
    size_t size = SEAL_SIGN_ADDS;
    struct text text;
    put_text(&text, j, plain);
    memcpy(to, plain.p, plain.n);
    return EVP_MD_CTX_reset(x) == 1 &&
           EVP_DigestSignInit(x, NULL, NULL, NULL, j->row->pkey) == 1 &&
           EVP_DigestSign(x, (unsigned char *)to + plain.n, &size, text.p, text.n) == 1;
}

bool seal_sign_open(const struct seal_job *j, struct str rest, char *to)
{
    EVP_MD_CTX *x = j->keys->md;
    struct str body = str_upto(rest, rest.n - SEAL_SIGN_ADDS);
    const unsigned char *signature = (const unsigned char *)rest.p + body.n;
    struct text text;
    put_text(&text, j, body);
    if (EVP_MD_CTX_reset(x) != 1 ||
        EVP_DigestVerifyInit(x, NULL, NULL, NULL, j->row->pkey) != 1 ||
        EVP_DigestVerify(x, signature, SEAL_SIGN_ADDS, text.p, text.n) != 1) {
        return false;
    }
    memcpy(to, body.p, body.n);
    return true;
}
