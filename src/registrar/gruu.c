/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GRUUs (RFC 5627): addresses that lead to one phone of an address of record.
 *
 * PUBLIC     the address with ;gr=INSTANCE. Nothing is kept for it: any instance of an
 *            address that we know has one, always the same; without a binding of that
 *            instance it leads nowhere for now (480).
 * TEMPORARY  a user part that says nothing, and ;gr without a value. It is one AES block,
 *            encrypted with a key of this installation (without a store: of this run), of
 *
 *                6 octets     4 octets              6 octets
 *                life         number of the GRUU    zero
 *
 *            A life begins with the first binding of an instance and ends with the last, or
 *            when a refresh comes under another Call-ID (§5.1); all bindings of the instance
 *            share it. So all GRUUs of a life are valid until it ends, as the RFC wants,
 *            however many there are, and none costs memory. Two of them have nothing in
 *            common to who has no key, and one that was made up decrypts to something
 *            without the zeros, but for one in 2^48.
 *
 * COST       one map entry a binding with an instance; a look-up decrypts one block.
 */
#include "base/base64url.h"
#include "base/err.h"
#include "registrar/parts.h"
#include <openssl/evp.h>

enum { BLOCK = 16 };

/** A longer instance has no GRUU: nobody could write it into a URI that others read. */
#define INSTANCE_MAX 256

static EVP_CIPHER_CTX *cipher(const uint8_t *key, int encrypt)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (c != NULL && (EVP_CipherInit_ex(c, EVP_aes_128_ecb(), NULL, key, NULL, encrypt) != 1 ||
                      EVP_CIPHER_CTX_set_padding(c, 0) != 1)) {
        EVP_CIPHER_CTX_free(c);
        c = NULL;
    }
    return c;
}

_Static_assert(sizeof(((struct registrar *)0)->gruu_key) == BLOCK, "one block");

int registrar_gruu_take_key(struct registrar *r)
{
    EVP_CIPHER_CTX_free(r->gruu_write);
    EVP_CIPHER_CTX_free(r->gruu_read);
    r->gruu_write = cipher(r->gruu_key, 1);
    r->gruu_read = cipher(r->gruu_key, 0);
    return r->gruu_write != NULL && r->gruu_read != NULL ? 0 : E_NOMEM;
}

int registrar_gruu_init(struct registrar *r)
{
    r->env->random(r->env->ctx, r->gruu_key, sizeof(r->gruu_key));
    int err = registrar_gruu_take_key(r);
    return err == 0 ? map_init(&r->lives, &r->env->mem, 64) : err;
}

void registrar_gruu_fini(struct registrar *r)
{
    EVP_CIPHER_CTX_free(r->gruu_write);
    EVP_CIPHER_CTX_free(r->gruu_read);
    map_fini(&r->lives);
}

static struct str bare(struct str instance)
{
    bool brackets =
        instance.n >= 2 && instance.p[0] == '<' && instance.p[instance.n - 1] == '>';
    return brackets ? str_make(instance.p + 1, instance.n - 2) : instance;
}

/* ---- lives ---- */

void registrar_gruu_link(struct binding *b)
{
    if (b->gruu_life != 0) {
        map_add(&b->record->registrar->lives, &b->by_life, b->gruu_life);
    }
}

void registrar_gruu_unlink(struct binding *b)
{
    map_remove(&b->record->registrar->lives, &b->by_life);
}

/** The next binding of the same instance in the record, or NULL. Begin with NULL. */
static struct binding *sibling(const struct record *rec, struct str instance,
                               const struct binding *last)
{
    struct list *it = last != NULL ? last->link.next : rec->bindings.next;
    for (; it != &rec->bindings; it = it->next) {
        struct binding *b = list_entry(it, struct binding, link);
        if (str_is_set(b->instance) && str_ieq(b->instance, instance)) {
            return b;
        }
    }
    return NULL;
}

void registrar_gruu_renew(const struct record *rec, struct binding *b, bool ends)
{
    uint64_t life = ends ? 0 : b->gruu_life;
    uint32_t number = ends ? 0 : b->gruu_count;
    size_t len = bare(b->instance).n;
    b->gruu_life = 0;
    if (len == 0 || len > INSTANCE_MAX) {
        return;
    }
    for (struct binding *s = sibling(rec, b->instance, NULL); s != NULL && !ends;
         s = sibling(rec, b->instance, s)) {
        life = s->gruu_life;
        number = s->gruu_count;
    }
    b->gruu_life = life != 0 ? life : ++rec->registrar->last_life;
    b->gruu_count = number + 1;
    for (struct binding *s = sibling(rec, b->instance, NULL); s != NULL;
         s = sibling(rec, b->instance, s)) {
        registrar_gruu_unlink(s);
        s->gruu_life = b->gruu_life;
        s->gruu_count = b->gruu_count;
        registrar_gruu_link(s);
    }
}

/* ---- writing ---- */

/** pvalue of RFC 3261 §25.1: everything else is escaped. */
void gruu_write_value(struct out *o, struct str instance)
{
    static const struct str plain = STR_INIT("-_.!~*'()[]/:&+$");
    struct str s = bare(instance);
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool keep = (c >= '0' && c <= '9') ||
                    (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
                    str_index(plain, c) < plain.n;
        if (keep) {
            out_ch(o, c);
        } else {
            out_fmt(o, "%%%02X", (unsigned)(uint8_t)c);
        }
    }
}

/** That of the contact (RFC 5630 §5.2.1); both lead to the phone. */
static void write_scheme(struct out *o, const struct binding *b)
{
    out_c(o, binding_is_sips(b) ? "sips:" : "sip:");
}

void registrar_gruu_write_public(const struct binding *b, struct out *o)
{
    struct str key = b->record->key;
    size_t at = str_index(key, '@');
    write_scheme(o, b);
    sip_escape_user(o, str_upto(key, at));
    out_str(o, str_from(key, at));
    out_c(o, ";gr=");
    gruu_write_value(o, b->instance);
}

bool registrar_gruu_write_temporary(const struct binding *b, struct out *o)
{
    struct registrar *r = b->record->registrar;
    uint8_t plain[BLOCK] = {0};
    uint8_t block[BLOCK];
    int len = 0;
    for (int i = 0; i < 6; i++) {
        plain[i] = (uint8_t)(b->gruu_life >> (40 - 8 * i));
    }
    for (int i = 0; i < 4; i++) {
        plain[6 + i] = (uint8_t)(b->gruu_count >> (24 - 8 * i));
    }
    if (EVP_CipherUpdate(r->gruu_write, block, &len, plain, BLOCK) != 1 || len != BLOCK) {
        return false;
    }
    write_scheme(o, b);
    base64url_write(o, block, BLOCK);
    out_str(o, str_from(b->record->key, str_index(b->record->key, '@')));
    out_c(o, ";gr");
    return true;
}

/* ---- finding ---- */

bool gruu_in_uri(const struct sip_uri *u, struct str *instance)
{
    return (u->scheme == SIP_SCHEME_SIP || u->scheme == SIP_SCHEME_SIPS) &&
           sip_param(u->params, STR("gr"), instance);
}

bool gruu_is_instance(struct str gr, struct str instance)
{
    char text[INSTANCE_MAX];
    struct out o;
    out_init(&o, text, sizeof(text));
    sip_unescape(&o, gr);
    return str_is_set(instance) && !o.over && str_ieq(out_str_of(&o), bare(instance));
}

/** The latest of the bindings that live that life and have a GRUU of that number. */
static struct binding *of_life(const struct registrar *r, uint64_t life, uint32_t number)
{
    struct binding *best = NULL;
    for (struct map_node *n = map_first(&r->lives, life); n != NULL; n = map_next(n)) {
        struct binding *b = container_of(n, struct binding, by_life);
        if (number <= b->gruu_count && (best == NULL || b->serial > best->serial)) {
            best = b;
        }
    }
    return best;
}

static struct binding *find_temporary(const struct registrar *r, const struct sip_uri *u)
{
    uint8_t block[BLOCK], plain[BLOCK];
    int len = 0;
    uint64_t life = 0;
    uint32_t number = 0;
    unsigned rest = 0;
    if (base64url_read(u->user, block, BLOCK) != BLOCK ||
        EVP_CipherUpdate(r->gruu_read, plain, &len, block, BLOCK) != 1 || len != BLOCK) {
        return NULL;
    }
    for (int i = 0; i < 6; i++) {
        life = life << 8 | plain[i];
        rest |= plain[10 + i];
    }
    for (int i = 0; i < 4; i++) {
        number = number << 8 | plain[6 + i];
    }
    struct binding *b = rest == 0 && number > 0 ? of_life(r, life, number) : NULL;
    if (b == NULL) {
        return NULL;
    }
    struct str host = str_from(b->record->key, str_index(b->record->key, '@') + 1);
    return str_ieq(u->host, host) ? b : NULL;
}

void registrar_write_key(struct out *o, const struct sip_uri *u)
{
    sip_unescape(o, u->user);
    out_ch(o, '@');
    for (size_t i = 0; i < u->host.n; i++) {
        out_ch(o, ascii_lower(u->host.p[i]));
    }
}

struct record *registrar_find_gruu(const struct registrar *r, const struct sip_uri *u,
                                   struct binding **only)
{
    char key[512];
    struct out o;
    struct str gr;
    *only = NULL;
    if (!gruu_in_uri(u, &gr)) {
        return NULL;
    }
    if (gr.n == 0) {
        *only = find_temporary(r, u);
        return *only != NULL ? (*only)->record : NULL;
    }
    out_init(&o, key, sizeof(key));
    registrar_write_key(&o, u);
    struct record *rec = o.over ? NULL : registrar_find(r, out_str_of(&o));
    if (rec == NULL) {
        return NULL;
    }
    list_each(it, &rec->bindings)
    {
        struct binding *b = list_entry(it, struct binding, link);
        if (gruu_is_instance(gr, b->instance) &&
            (*only == NULL || b->serial > (*only)->serial)) {
            *only = b;
        }
    }
    return rec;
}
