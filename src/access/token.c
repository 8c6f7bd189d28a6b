/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens as text: see token.h. The octets of a secret are wiped as soon as they are hashed; the
 * text itself is wiped by who showed it.
 */
#include "access/token.h"

#include "base/base64url.h"
#include "base/err.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>

#define PREFIX STR("bt_")

static bool hash_of(const uint8_t *secret, uint8_t *hash)
{
    unsigned n = 0;
    return EVP_Digest(secret, ACCESS_SECRET, hash, &n, EVP_sha256(), NULL) == 1 &&
           n == ACCESS_HASH;
}

int access_token_make(const struct env *env, struct access_fresh *out)
{
    uint8_t secret[ACCESS_SECRET];
    struct out o;

    env->random(env->ctx, secret, sizeof(secret));
    out_init(&o, out->text, sizeof(out->text));
    out_str(&o, PREFIX);
    env_random_token(env, out->text + o.n, ACCESS_ID);
    o.n += ACCESS_ID;
    out_ch(&o, '_');
    base64url_write(&o, secret, sizeof(secret));
    bool ok = !o.over && hash_of(secret, out->hash);
    OPENSSL_cleanse(secret, sizeof(secret));
    return ok ? 0 : E_NOMEM;
}

static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'z')) {
            return false;
        }
    }
    return s.n == ACCESS_ID;
}

struct str access_token_id(struct str text)
{
    struct str id;

    text = str_trim(text);
    id = str_upto(str_from(text, PREFIX.n), ACCESS_ID);
    bool is_token = text.n == ACCESS_TEXT && str_starts(text, PREFIX) && is_id(id) &&
                    text.p[PREFIX.n + ACCESS_ID] == '_';
    return is_token ? id : STR_NONE;
}

int access_token_read(struct str text, struct access_claim *out)
{
    uint8_t secret[ACCESS_SECRET];

    text = str_trim(text);
    *out = (struct access_claim){.id = access_token_id(text)};
    if (!str_is_set(out->id) || base64url_read(str_from(text, PREFIX.n + ACCESS_ID + 1), secret,
                                               sizeof(secret)) != ACCESS_SECRET) {
        return E_SYNTAX;
    }
    bool ok = hash_of(secret, out->hash);
    OPENSSL_cleanse(secret, sizeof(secret));
    return ok ? 0 : E_NOMEM;
}

bool access_scopes_tag(const struct access_scope *scopes, size_t n, char out[ACCESS_TAG])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    char text[ACCESS_SCOPE_TEXT];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx != NULL && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    struct out o;

    for (size_t i = 0; ok && i < n; i++) {
        out_init(&o, text, sizeof(text));
        access_scope_write(&o, &scopes[i]);
        out_ch(&o, '\n');
        ok = !o.over && EVP_DigestUpdate(ctx, text, o.n) == 1;
    }
    ok = ok && EVP_DigestFinal_ex(ctx, sum, &len) == 1 && len == ACCESS_HASH;
    EVP_MD_CTX_free(ctx);
    out_init(&o, out, ACCESS_TAG);
    out_hex(&o, str_make((const char *)sum, ok ? ACCESS_TAG / 2 : 0), false);
    return ok;
}

bool access_hash_eq(const uint8_t *a, const uint8_t *b)
{
    return CRYPTO_memcmp(a, b, ACCESS_HASH) == 0;
}
