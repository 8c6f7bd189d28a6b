/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key table: rows by id, each ready to be used.
 *
 * OWNERSHIP  The table owns its rows and their strings. Secrets that are passed in are looked
 * at once and not copied: they go into contexts of OpenSSL, which wipes them when they are
 * freed. Identities and packages are no secrets. INVARIANT  `row` is in the order of ids, each
 * id once. COST       a look-up is a binary search; a row takes 1 to 3 KB, most of it
 * OpenSSL's.
 */
#include "base/err.h"
#include "seal/parts.h"
#include <openssl/evp.h>

static const struct str alg_name[SEAL_ALG_COUNT] = {
    [SEAL_AES_SIV] = STR_INIT("aes-siv"),
    [SEAL_X25519] = STR_INIT("x25519"),
    [SEAL_ED25519] = STR_INIT("ed25519"),
};

const char *seal_alg_name(enum seal_alg alg)
{
    return (unsigned)alg < SEAL_ALG_COUNT ? alg_name[alg].p : "";
}

bool seal_alg_of(struct str name, enum seal_alg *out)
{
    for (int i = 0; i < SEAL_ALG_COUNT; i++) {
        if (str_eq(alg_name[i], name)) {
            *out = (enum seal_alg)i;
            return true;
        }
    }
    return false;
}

static void row_free(const struct mem *mem, struct seal_row *r)
{
    for (size_t i = 0; r->packages != NULL && i < r->package_count; i++) {
        mem_free(mem, (void *)(uintptr_t)r->packages[i].p);
    }
    mem_free(mem, r->packages);
    mem_free(mem, (void *)(uintptr_t)r->identity.p);
    EVP_CIPHER_CTX_free(r->siv_close);
    EVP_CIPHER_CTX_free(r->siv_open);
    EVP_MAC_CTX_free(r->box);
    EVP_PKEY_free(r->pkey);
    mem_free(mem, r);
}

void seal_keys_free(struct seal_keys *k)
{
    if (k == NULL) {
        return;
    }
    for (size_t i = 0; i < k->count; i++) {
        row_free(k->mem, k->row[i]);
    }
    mem_free(k->mem, k->row);
    EVP_CIPHER_free(k->siv[0]);
    EVP_CIPHER_free(k->siv[1]);
    EVP_CIPHER_free(k->chacha);
    EVP_CIPHER_CTX_free(k->work);
    EVP_MD_CTX_free(k->md);
    mem_free(k->mem, k);
}

struct seal_keys *seal_keys_new(const struct mem *mem)
{
    struct seal_keys *k = mem_zalloc(mem, sizeof(*k));
    if (k == NULL) {
        return NULL;
    }
    k->mem = mem;
    k->siv[0] = EVP_CIPHER_fetch(NULL, "AES-128-SIV", NULL);
    k->siv[1] = EVP_CIPHER_fetch(NULL, "AES-256-SIV", NULL);
    k->chacha = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
    k->work = EVP_CIPHER_CTX_new();
    k->md = EVP_MD_CTX_new();
    if (k->siv[0] == NULL || k->siv[1] == NULL || k->chacha == NULL || k->work == NULL ||
        k->md == NULL) {
        seal_keys_free(k);
        return NULL;
    }
    return k;
}

/** The place of an id: where it is, or where it belongs. */
static size_t place_of(const struct seal_keys *k, uint16_t id)
{
    size_t low = 0, high = k->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (k->row[middle]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct seal_row *seal_row_find(const struct seal_keys *k, uint16_t id)
{
    size_t at = k != NULL ? place_of(k, id) : 0;
    return k != NULL && at < k->count && k->row[at]->id == id ? k->row[at] : NULL;
}

static int grow(struct seal_keys *k)
{
    if (k->count < k->room) {
        return 0;
    }
    size_t room = k->room > 0 ? 2 * k->room : 16;
    struct seal_row **row = mem_alloc(k->mem, room * sizeof(struct seal_row *));
    if (row == NULL) {
        return E_NOMEM;
    }
    if (k->count > 0) {
        memcpy(row, k->row, k->count * sizeof(struct seal_row *));
    }
    mem_free(k->mem, k->row);
    k->row = row;
    k->room = room;
    return 0;
}

/** All of a row but what its algorithm makes ready. */
static int take_facts(const struct seal_keys *k, struct seal_row *r, const struct seal_key *key)
{
    r->id = key->id;
    r->alg = key->alg;
    r->use = key->use;
    r->not_before_s = key->not_before_s;
    r->not_after_s = key->not_after_s;
    if (mem_dup(k->mem, key->identity, &r->identity) != 0) {
        return E_NOMEM;
    }
    if (key->package_count == 0) {
        return 0;
    }
    r->packages = mem_zalloc(k->mem, key->package_count * sizeof(*r->packages));
    if (r->packages == NULL) {
        return E_NOMEM;
    }
    r->package_count = key->package_count;
    for (size_t i = 0; i < key->package_count; i++) {
        if (mem_dup(k->mem, key->packages[i], &r->packages[i]) != 0) {
            return E_NOMEM;
        }
    }
    return 0;
}

static int get_ready(struct seal_keys *k, struct seal_row *r, const struct seal_key *key,
                     const char **why)
{
    switch ((enum seal_alg)key->alg) {
    case SEAL_AES_SIV:
        return seal_siv_ready(k, r, key, why);
    case SEAL_X25519:
        return seal_box_ready(k, r, key, why);
    case SEAL_ED25519:
        return seal_sign_ready(k, r, key, why);
    case SEAL_ALG_COUNT:
        break;
    }
    *why = "no such algorithm";
    return E_VALUE;
}

int seal_keys_add(struct seal_keys *k, const struct seal_key *key, const char **why)
{
    if (key->id == 0 || key->id > SEAL_KEY_ID_MAX) {
        *why = "a key id is 1 to 32767";
        return E_VALUE;
    }
    if (seal_row_find(k, key->id) != NULL) {
        *why = "the id is taken";
        return E_EXISTS;
    }
    struct seal_row *r = mem_zalloc(k->mem, sizeof(*r));
    if (r == NULL) {
        return E_NOMEM;
    }
    int err = take_facts(k, r, key);
    err = err == 0 ? get_ready(k, r, key, why) : err;
    err = err == 0 ? grow(k) : err;
    if (err != 0) {
        row_free(k->mem, r);
        return err;
    }
    size_t at = place_of(k, key->id);
    memmove(k->row + at + 1, k->row + at, (k->count - at) * sizeof(struct seal_row *));
    k->row[at] = r;
    k->count++;
    return 0;
}

size_t seal_keys_count(const struct seal_keys *k)
{
    return k != NULL ? k->count : 0;
}

bool seal_row_is_for(const struct seal_row *r, struct str package)
{
    for (size_t i = 0; i < r->package_count; i++) {
        if (str_ieq(r->packages[i], package)) {
            return true;
        }
    }
    return r->package_count == 0;
}

bool seal_row_is_valid(const struct seal_row *r, uint64_t wall_s)
{
    return wall_s >= r->not_before_s && (r->not_after_s == 0 || wall_s <= r->not_after_s);
}

bool seal_row_closes(const struct seal_row *r)
{
    return r->use != SEAL_USE_OPEN && (r->alg != SEAL_ED25519 || r->signs);
}

bool seal_keys_can_seal(const struct seal_keys *k, uint16_t id, struct str package,
                        uint64_t wall_s)
{
    const struct seal_row *r = seal_row_find(k, id);
    return r != NULL && seal_row_closes(r) && seal_row_is_for(r, package) &&
           (wall_s == 0 || seal_row_is_valid(r, wall_s));
}
