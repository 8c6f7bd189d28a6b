/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton uui vectors`: test vectors of the frame (docs/seal.md), always the same octets.
 *
 * Keys are those of the RFCs (7748 §6.1, 8032 §7.1) and counting octets; what would be random
 * counts, too. The frames come from src/seal as it is in the server, not from a list: so the
 * file in docs, which a test compares with this, shows what Baton does.
 *
 * Two ends: A seals, B opens. Every object of "seal" must come out of a sealer that is given
 * the same octets for salt or nonce (they stand in the frame); every object of "open" has what
 * an opener has to say, those with the same "message" being of one call.
 */
#include "base/err.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/uui_seal.h"
#include "seal/parts.h"
#include "uui/uui.h"

#define NOW 1767225600u /* 2026-01-01T00:00:00Z */

/** Rows of both ends; with aes-siv B has what A has. */
static const struct {
    uint16_t id;
    enum seal_alg alg;
    const char *a_secret, *a_public, *b_secret, *b_public;
} pairs[] = {
    {5, SEAL_AES_SIV, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", NULL,
     NULL, NULL},
    {300, SEAL_AES_SIV,
     "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
     "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f",
     NULL, NULL, NULL},
    {6, SEAL_X25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
     "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
     "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"},
    {7, SEAL_ED25519, "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", NULL, NULL},
};

/** What is sealed with each key: how many counting octets, in how many, and for what. */
static const struct {
    size_t octets, most;
    struct seal_about about;
} cases[] = {
    {6, UUI_ISDN_OCTETS, {STR_INIT("isdn-uui"), STR_INIT("isdn-uui"), SEAL_FORWARD}},
    {0, UUI_ISDN_OCTETS, {STR_INIT("isdn-uui"), STR_INIT("isdn-uui"), SEAL_FORWARD}},
    {1, 0, {STR_INIT("ISDN-uui"), STR_INIT("isdn-uui"), SEAL_BACKWARD}},
    {40, 0, {STR_INIT("crm"), STR_INIT("record"), SEAL_END}},
    {300, 0, {STR_INIT("crm"), {NULL, 0}, SEAL_FORWARD}},
};

struct end {
    struct env env;
    struct seal s;
    struct seal_keys *keys;
    uint8_t next; /**< of what counts instead of being random */
};

struct vectors {
    FILE *to;
    struct end a, b;
    struct arena arena;
    char frame[1024];
    struct str made; /**< in `frame` */
    const char *comma;
    bool failed;
};

static void count(void *ctx, void *out, size_t n)
{
    struct end *e = ctx;
    for (size_t i = 0; i < n; i++) {
        ((uint8_t *)out)[i] = e->next++;
    }
}

static struct str octets_of(struct arena *a, const char *hex)
{
    struct str s = STR_NONE;
    return hex != NULL && text_hex(str_c(hex), a, &s) == 0 ? s : STR_NONE;
}

static bool end_init(struct end *e, struct arena *a, bool first)
{
    const char *why;
    *e = (struct end){.next = 0xa0};
    e->env = (struct env){.ctx = e, .mem = mem_libc, .random = count};
    e->keys = seal_keys_new(&mem_libc);
    int err = seal_init(&e->s, &e->env, &(struct seal_config){0});
    e->next = 0xa0;
    for (size_t i = 0; i < ARRAY_LEN(pairs) && err == 0 && e->keys != NULL; i++) {
        bool box = pairs[i].alg == SEAL_X25519, sign = pairs[i].alg == SEAL_ED25519;
        struct seal_key key = {.id = pairs[i].id, .alg = (uint8_t)pairs[i].alg};
        if (!sign || first) {
            key.secret = octets_of(a, box && !first ? pairs[i].b_secret : pairs[i].a_secret);
        }
        if (box || (sign && !first)) {
            key.public_key = octets_of(a, box && first ? pairs[i].b_public : pairs[i].a_public);
        }
        err = seal_keys_add(e->keys, &key, &why);
    }
    seal_set_keys(&e->s, e->keys);
    return err == 0 && e->keys != NULL;
}

static void end_fini(struct end *e)
{
    seal_fini(&e->s);
    seal_keys_free(e->keys);
}

static void put_hex(const char *name, struct str octets, FILE *to)
{
    fprintf(to, ", \"%s\": \"", name);
    for (size_t i = 0; i < octets.n; i++) {
        fprintf(to, "%02x", (unsigned char)octets.p[i]);
    }
    fputc('"', to);
}

static void put_keys(FILE *to)
{
    fputs("  \"keys\": [", to);
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        fprintf(to, "%s\n    {\"id\": %u, ", i > 0 ? "," : "", pairs[i].id);
        json_print_member("algorithm", str_c(seal_alg_name(pairs[i].alg)), true, to);
        json_print_member("secretA", str_c(pairs[i].a_secret), false, to);
        json_print_member("publicA", str_c(pairs[i].a_public), false, to);
        json_print_member("secretB", str_c(pairs[i].b_secret), false, to);
        json_print_member("publicB", str_c(pairs[i].b_public), false, to);
        fputc('}', to);
    }
    fputs("\n  ],\n", to);
}

static void put_about(const struct seal_about *about, FILE *to)
{
    static const char *const ways[] = {"forward", "backward", "end"};
    json_print_member("package", about->package, false, to);
    json_print_member("content", about->content.n > 0 ? about->content : STR(""), false, to);
    json_print_member("way", str_c(ways[about->way]), false, to);
}

/** Seal counting octets into v->frame; 0 of them means as many as there is room for. */
static struct str seal_some(struct vectors *v, size_t pair, size_t which)
{
    static char plain[512];
    struct out o;
    size_t n = cases[which].octets, most = cases[which].most;
    for (size_t i = 0; i < sizeof(plain); i++) {
        plain[i] = (char)(i + 4);
    }
    if (n == 0) {
        n = most - 7 - (pairs[pair].id > 127) - seal_alg_adds(pairs[pair].alg);
    }
    out_init(&o, v->frame, sizeof(v->frame));
    if (seal_close(&v->a.s, pairs[pair].id, &cases[which].about, str_make(plain, n), most, NOW,
                   &o) != 0) {
        v->failed = true;
    }
    v->made = out_str_of(&o);
    return str_make(plain, n);
}

static void put_sealed(struct vectors *v, size_t pair, size_t which)
{
    struct seal_frame f;
    char aad[SEAL_AAD_MAX];
    struct str plain = seal_some(v, pair, which);
    if (v->failed || seal_peek(v->made, &f) != SEAL_OK) {
        v->failed = true;
        return;
    }
    struct str with = str_make(aad, seal_write_aad(aad, &cases[which].about, f.header));
    fprintf(v->to, "%s\n    {\"key\": %u", v->comma, f.key_id);
    put_about(&cases[which].about, v->to);
    fprintf(v->to, ", \"time\": %u,\n     \"salted\": %s", f.time, f.salted ? "true" : "false");
    put_hex("plain", plain, v->to);
    put_hex("aad", with, v->to);
    put_hex("frame", v->made, v->to);
    fputc('}', v->to);
    v->comma = ",";
}

/** What B says to v->made. */
static enum seal_result put_opened(struct vectors *v, const char *what,
                                   const struct seal_about *about, uint64_t at_s,
                                   uint64_t message)
{
    struct seal_opened x;
    enum seal_result r = seal_open(&v->b.s, about, v->made, message, at_s, &v->arena, &x);
    fprintf(v->to, "%s\n    {", v->comma);
    json_print_member("what", str_c(what), true, v->to);
    put_about(about, v->to);
    fprintf(v->to, ", \"at\": %llu, \"message\": %llu,\n     ", (unsigned long long)at_s,
            (unsigned long long)message);
    json_print_member("result", str_c(seal_result_word(r)), true, v->to);
    put_hex("frame", v->made, v->to);
    if (r == SEAL_OK) {
        put_hex("plain", x.plain, v->to);
    }
    fputc('}', v->to);
    v->comma = ",";
    return r;
}

/** One frame of a key in all the ways in which it can go wrong. */
static void put_attacks(struct vectors *v, size_t pair)
{
    const struct seal_about *about = &cases[0].about;
    struct seal_about other = *about;
    (void)seal_some(v, pair, 0);
    struct str whole = v->made;
    v->failed = put_opened(v, "as it was sealed", about, NOW, 1) != SEAL_OK || v->failed;
    put_opened(v, "the same message once more", about, NOW + 100, 1);
    put_opened(v, "in another call", about, NOW + 1, 2);
    put_opened(v, "after the window", about, NOW + 121, 1);
    put_opened(v, "before the window", about, NOW - 121, 1);
    other.package = STR("crm");
    put_opened(v, "in another package", &other, NOW, 1);
    other = *about;
    other.way = SEAL_BACKWARD;
    put_opened(v, "another way", &other, NOW, 1);
    size_t time_at = pairs[pair].id > 127 ? 7 : 6;
    static const char *const where[] = {
        "a bit of the time changed", "a bit of the body changed", "a bit of the tag changed"};
    size_t at[] = {time_at, whole.n - seal_alg_adds(pairs[pair].alg), whole.n - 1};
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        v->frame[at[i]] ^= 1;
        put_opened(v, where[i], about, NOW, 1);
        v->frame[at[i]] ^= 1;
    }
    v->made = str_upto(whole, whole.n - 1);
    put_opened(v, "the last octet cut off", about, NOW, 1);
    v->made = str_upto(whole, 20);
    put_opened(v, "cut to 20 octets", about, NOW, 1);
    v->made = whole;
    v->frame[0] = 4;
    put_opened(v, "another discriminator", about, NOW, 1);
    v->frame[0] = 0;
    v->frame[2] = 9;
    put_opened(v, "a key that B does not have", about, NOW, 1);
}

static void put_all(struct vectors *v)
{
    fputs("{\n", v->to);
    put_keys(v->to);
    fputs("  \"seal\": [", v->to);
    v->comma = "";
    for (size_t pair = 0; pair < ARRAY_LEN(pairs); pair++) {
        for (size_t which = 0; which < ARRAY_LEN(cases); which++) {
            put_sealed(v, pair, which);
        }
    }
    fputs("\n  ],\n  \"window\": 120,\n  \"open\": [", v->to);
    v->comma = "";
    for (size_t pair = 0; pair < ARRAY_LEN(pairs); pair++) {
        put_attacks(v, pair);
    }
    fputs("\n  ]\n}\n", v->to);
}

bool uui_seal_vectors(FILE *to)
{
    static struct vectors v;
    v = (struct vectors){.to = to};
    arena_init(&v.arena, &mem_libc, 4096);
    bool ok = end_init(&v.a, &v.arena, true);
    ok = end_init(&v.b, &v.arena, false) && ok;
    if (ok) {
        put_all(&v);
    }
    end_fini(&v.a);
    end_fini(&v.b);
    arena_fini(&v.arena);
    return ok && !v.failed;
}
