/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed octets: rooms, round trips of every length, every prefix and every bit of a frame
 * changed, another purpose, the wrong keys; time, replay and the bounded memory of it.
 */
#include "base/err.h"
#include "kit_seal.h"
#include "uui/uui.h"

static const uint16_t keys[] = {SIV_KEY, SIV64_KEY, BOX_KEY, SIGN_KEY};

struct pair {
    struct kit_end a, b;
};

static void pair_init(struct pair *p)
{
    kit_end_init(&p->a, true, &(struct seal_config){0});
    kit_end_init(&p->b, false, &(struct seal_config){0});
}

static void pair_fini(struct pair *p)
{
    kit_end_fini(&p->a);
    kit_end_fini(&p->b);
}

/* What an ISDN carries is 128 octets behind the discriminator (RFC 7434 §6). */
static void test_rooms(void)
{
    static const struct {
        uint16_t key;
        size_t room;
    } table[] = {{SIV_KEY, 106}, {BOX_KEY, 86}, {SIGN_KEY, 58}, {SIV64_KEY, 105}};
    KIT_OCTETS(plain, 0, 128)
    struct pair p;
    pair_init(&p);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        size_t room = table[i].room;
        struct str frame =
            kit_close(&p.a, table[i].key, str_make(plain, room), UUI_ISDN_OCTETS, 0);
        CHECK_INT(frame.n, 129);
        CHECK_INT(kit_open(&p.b, frame, 1), SEAL_OK);
        CHECK_BYTES(p.b.opened.plain, str_make(plain, room));
        (void)kit_close(&p.a, table[i].key, str_make(plain, room + 1), UUI_ISDN_OCTETS,
                        E_TOOBIG);
        frame = kit_close(&p.a, table[i].key, str_make(plain, room + 1), 0, 0);
        CHECK(frame.n > 129);
    }
    pair_fini(&p);
}

static void test_round_trip_of_every_length(void)
{
    static char plain[SEAL_PLAIN_MAX + 1];
    struct pair p;
    pair_init(&p);
    for (size_t n = 0; n < sizeof(plain); n++) {
        plain[n] = (char)(n * 7);
    }
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        for (size_t n = 1; n <= SEAL_PLAIN_MAX; n += n < 140 ? 1 : 989) {
            struct str octets = str_make(plain, n);
            struct str frame = kit_close(&p.a, keys[k], octets, 0, 0);
            CHECK_INT(kit_open(&p.b, frame, 9), SEAL_OK);
            CHECK_BYTES(p.b.opened.plain, octets);
            CHECK_INT(p.b.opened.key_id, keys[k]);
            CHECK_INT(p.b.opened.sealed_s, p.a.k.wall_s);
            CHECK(!p.b.opened.own);
        }
        (void)kit_close(&p.a, keys[k], str_make(plain, SEAL_PLAIN_MAX), 0, 0);
        (void)kit_close(&p.a, keys[k], str_make(plain, SEAL_PLAIN_MAX + 1), 0, E_TOOBIG);
        (void)kit_close(&p.a, keys[k], str_make(plain, 0), 0, E_VALUE);
    }
    CHECK_INT(p.b.s.seen[SEAL_OK], p.a.s.sealed - ARRAY_LEN(keys));
    pair_fini(&p);
}

static void test_identity_is_of_the_key(void)
{
    struct pair p;
    pair_init(&p);
    CHECK_INT(kit_open(&p.b, kit_close(&p.a, SIV_KEY, STR("x"), 0, 0), 1), SEAL_OK);
    CHECK_STR(p.b.opened.identity, "sip:group@example.com");
    CHECK_INT(p.b.opened.alg, SEAL_AES_SIV);
    CHECK_INT(kit_open(&p.b, kit_close(&p.a, BOX_KEY, STR("x"), 0, 0), 1), SEAL_OK);
    CHECK_STR(p.b.opened.identity, "sip:a@example.com");
    CHECK_INT(p.b.opened.alg, SEAL_X25519);
    CHECK_INT(kit_open(&p.b, kit_close(&p.a, SIGN_KEY, STR("x"), 0, 0), 1), SEAL_OK);
    CHECK_STR(p.b.opened.identity, "sip:a@example.com");
    CHECK_INT(p.b.opened.alg, SEAL_ED25519);
    pair_fini(&p);
}

/* Privacy: the octets are not in the frame, but of ed25519, which only proves who it was. */
static void test_plain_octets_do_not_show(void)
{
    struct str secret = STR("4711 0815 customer");
    struct pair p;
    pair_init(&p);
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        struct str frame = kit_close(&p.a, keys[k], secret, 0, 0);
        CHECK_INT(str_find(frame, secret) < frame.n, keys[k] == SIGN_KEY);
    }
    pair_fini(&p);
}

static void test_every_bit_counts(void)
{
    struct pair p;
    pair_init(&p);
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        struct str frame = kit_close(&p.a, keys[k], STR("\x04order 4711"), 0, 0);
        for (size_t bit = 0; bit < frame.n * 8; bit++) {
            p.a.frame[bit / 8] ^= (char)(1 << bit % 8);
            enum seal_result r = kit_open(&p.b, frame, 1);
            CHECK(r != SEAL_OK);
            CHECK(p.b.opened.plain.p == NULL && p.b.opened.identity.p == NULL);
            /* the octets that say what it is; then the key id; then all else */
            bool form = bit < 16, id = bit >= 16 && bit < 24 + (keys[k] > 127 ? 8 : 0);
            CHECK(r == SEAL_FORGED || (form && r == SEAL_NOT_SEALED) ||
                  (id && r == SEAL_UNKNOWN_KEY) || ((form || id) && r == SEAL_MALFORMED));
            p.a.frame[bit / 8] ^= (char)(1 << bit % 8);
        }
        CHECK_INT(kit_open(&p.b, frame, 1), SEAL_OK);
    }
    pair_fini(&p);
}

static void test_every_prefix_and_more(void)
{
    struct pair p;
    pair_init(&p);
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        struct str frame = kit_close(&p.a, keys[k], STR("0123456789"), 0, 0);
        for (size_t n = 0; n < frame.n; n++) {
            struct str part = test_guard(str_upto(frame, n));
            enum seal_result r = kit_open(&p.b, part, 1);
            CHECK(n < 2 ? r == SEAL_NOT_SEALED : r == SEAL_MALFORMED || r == SEAL_FORGED);
            test_guard_free(part);
        }
        p.a.frame[frame.n] = 0;
        CHECK_INT(kit_open(&p.b, str_make(frame.p, frame.n + 1), 1), SEAL_FORGED);
    }
    pair_fini(&p);
}

static void test_octets_that_are_not_sealed(void)
{
    struct pair p;
    pair_init(&p);
    CHECK_INT(kit_open(&p.b, STR_NONE, 1), SEAL_NOT_SEALED);
    CHECK_INT(kit_open(&p.b, STR("\x04Hello"), 1), SEAL_NOT_SEALED);
    CHECK_INT(kit_open(&p.b, str_make("\0\xc8\x03", 3), 1), SEAL_NOT_SEALED);
    CHECK_INT(kit_open(&p.b, str_make("\0\xb4\x05", 3), 1), SEAL_NOT_SEALED);
    CHECK_INT(kit_open(&p.b, str_make("\0\xb2\x05", 3), 1), SEAL_MALFORMED);
    char frame[64] = "\0\xb2\x80\x05"; /* a key id in two octets that has room in one */
    CHECK_INT(kit_open(&p.b, str_make(frame, sizeof(frame)), 1), SEAL_MALFORMED);
    frame[2] = 0; /* no key has this id */
    CHECK_INT(kit_open(&p.b, str_make(frame, sizeof(frame)), 1), SEAL_MALFORMED);
    pair_fini(&p);
}

/* A value that is cut out and put in elsewhere. */
static void test_purpose_is_sealed_too(void)
{
    static const struct seal_about others[] = {
        {.package = STR_INIT("crm"), .content = STR_INIT("isdn-uui")},
        {.package = STR_INIT("isdn-uui"), .content = STR_INIT("other")},
        {.package = STR_INIT("isdn-uui")},
        {.package = STR_INIT("isdn-uu"), .content = STR_INIT("iisdn-uui")},
        {.package = STR_INIT("isdn-uui"),
         .content = STR_INIT("isdn-uui"),
         .way = SEAL_BACKWARD},
        {.package = STR_INIT("isdn-uui"), .content = STR_INIT("isdn-uui"), .way = SEAL_END},
    };
    struct pair p;
    pair_init(&p);
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        struct str frame = kit_close(&p.a, keys[k], STR("x"), 0, 0);
        for (size_t i = 0; i < ARRAY_LEN(others); i++) {
            CHECK_INT(
                seal_open(&p.b.s, &others[i], frame, 1, p.b.k.wall_s, &p.b.a, &p.b.opened),
                SEAL_FORGED);
        }
        struct seal_about same = {.package = STR("ISDN-UUI"), .content = STR("Isdn-uui")};
        CHECK_INT(seal_open(&p.b.s, &same, frame, 1, p.b.k.wall_s, &p.b.a, &p.b.opened),
                  SEAL_OK); /* tokens have no case */
    }
    char name[256];
    memset(name, 'p', sizeof(name));
    struct seal_about about = {.package = str_make(name, 256)};
    struct out o;
    out_init(&o, p.a.frame, sizeof(p.a.frame));
    CHECK_INT(seal_close(&p.a.s, SIV_KEY, &about, STR("x"), 0, 1, &o), E_VALUE);
    pair_fini(&p);
}

static void test_way_of_a_message(void)
{
    static const struct {
        const char *start, *method;
        enum seal_way way;
    } table[] = {{"INVITE sip:a@b SIP/2.0", "INVITE", SEAL_FORWARD},
                 {"REFER sip:a@b SIP/2.0", "REFER", SEAL_FORWARD},
                 {"SIP/2.0 180 Ringing", "INVITE", SEAL_BACKWARD},
                 {"SIP/2.0 302 Moved", "INVITE", SEAL_BACKWARD},
                 {"BYE sip:a@b SIP/2.0", "BYE", SEAL_END},
                 {"SIP/2.0 200 OK", "BYE", SEAL_END}};
    static struct kit_msg m;
    struct pair p;
    pair_init(&p);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "%s\r\nCall-ID: a\r\nFrom: <sip:a@b>;tag=7\r\nCSeq: 1 %s\r\n\r\n",
                       table[i].start, table[i].method);
        REQUIRE(kit_index(&m, str_c(text)));
        CHECK_INT(seal_way_of(&m.m), table[i].way);
        CHECK(seal_message_of(&p.a.s, &m.m) == seal_message(&p.a.s, STR("a")));
    }
    CHECK(seal_message(&p.a.s, STR("a")) != seal_message(&p.a.s, STR("b")));
    CHECK(seal_message(&p.a.s, STR_NONE) != 0);
    pair_fini(&p);
}

/* ---- keys ---- */

static void test_keys_that_are_none(void)
{
    KIT_OCTETS(k, 1, 64)
    static const char zeros[32];
    const struct {
        struct seal_key row;
        int err;
    } table[] = {
        {{.id = 0, .secret = {k, 32}}, E_VALUE},
        {{.id = 32768, .secret = {k, 32}}, E_VALUE},
        {{.id = 1, .secret = {k, 31}}, E_VALUE},
        {{.id = 1, .secret = {k, 48}}, E_VALUE},
        {{.id = 1, .secret = {k, 32}, .public_key = {k, 32}}, E_VALUE},
        {{.id = 1}, E_VALUE},
        {{.id = 1, .alg = SEAL_X25519, .secret = {k, 32}}, E_VALUE},
        {{.id = 1, .alg = SEAL_X25519, .public_key = {k, 32}}, E_VALUE},
        {{.id = 1, .alg = SEAL_X25519, .secret = {k, 32}, .public_key = {k, 33}}, E_VALUE},
        /* a point of small order: everybody would have the same secret (RFC 7748 §6.1) */
        {{.id = 1, .alg = SEAL_X25519, .secret = {k, 32}, .public_key = {zeros, 32}}, E_VALUE},
        {{.id = 1, .alg = SEAL_ED25519}, E_VALUE},
        {{.id = 1, .alg = SEAL_ED25519, .secret = {k, 32}, .public_key = {k, 32}}, E_VALUE},
        {{.id = 1, .alg = SEAL_ED25519, .public_key = {k, 31}}, E_VALUE},
        {{.id = 1, .alg = SEAL_ALG_COUNT, .secret = {k, 32}}, E_VALUE},
        {{.id = SIV_KEY, .secret = {k, 32}}, E_EXISTS},
    };
    struct pair p;
    pair_init(&p);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const char *why = NULL;
        CHECK_INT(seal_keys_add(p.a.keys, &table[i].row, &why), table[i].err);
        CHECK(why != NULL && why[0] != '\0');
    }
    CHECK_INT(seal_keys_count(p.a.keys), ARRAY_LEN(keys));
    pair_fini(&p);
}

static void test_many_keys_are_found(void)
{
    KIT_OCTETS(k, 0, 32)
    struct kit_end e;
    const char *why = "";
    kit_end_init(&e, true, &(struct seal_config){0});
    for (unsigned i = 0; i < 500; i++) { /* in no order; 1000 … 32767 */
        k[0] = (char)i;
        struct seal_key row = {.id = (uint16_t)(1000 + i * 7919 % 31768), .secret = {k, 32}};
        CHECK_INT(seal_keys_add(e.keys, &row, &why), 0);
    }
    CHECK_INT(seal_keys_count(e.keys), 504);
    for (unsigned i = 0; i < 500; i++) {
        uint16_t id = (uint16_t)(1000 + i * 7919 % 31768);
        struct str frame = kit_close(&e, id, STR("x"), 0, 0);
        CHECK_INT(kit_open(&e, frame, 1), SEAL_OK);
        CHECK_INT(e.opened.key_id, id);
    }
    (void)kit_close(&e, 999, STR("x"), 0, E_NOTFOUND);
    kit_end_fini(&e);
}

/** A row of aes-siv under id 20 with other facts, at both ends. */
static void add_row(struct pair *p, const struct seal_key *facts)
{
    KIT_OCTETS(k, 9, 32)
    const char *why = "";
    struct seal_key row = *facts;
    row.id = 20;
    row.secret = str_make(k, 32);
    CHECK_INT(seal_keys_add(p->a.keys, &row, &why), 0);
    CHECK_INT(seal_keys_add(p->b.keys, &row, &why), 0);
}

static void test_validity(void)
{
    struct pair p;
    pair_init(&p);
    uint64_t now = p.a.k.wall_s;
    add_row(&p, &(struct seal_key){.not_before_s = now - 10, .not_after_s = now + 10});
    struct str frame = kit_close(&p.a, 20, STR("x"), 0, 0);
    CHECK_INT(kit_open(&p.b, frame, 1), SEAL_OK);
    p.b.k.wall_s = now + 10;
    CHECK_INT(kit_open(&p.b, frame, 1), SEAL_OK);
    p.b.k.wall_s = now + 11;
    CHECK_INT(kit_open(&p.b, frame, 1), SEAL_NOT_VALID_NOW);
    p.b.k.wall_s = now - 11;
    CHECK_INT(kit_open(&p.b, frame, 1), SEAL_NOT_VALID_NOW);
    p.a.k.wall_s = now + 11;
    (void)kit_close(&p.a, 20, STR("x"), 0, E_DENIED);
    p.a.k.wall_s = now - 11;
    (void)kit_close(&p.a, 20, STR("x"), 0, E_DENIED);
    CHECK(!seal_keys_can_seal(p.a.keys, 20, STR("isdn-uui"), now - 11));
    CHECK(seal_keys_can_seal(p.a.keys, 20, STR("isdn-uui"), now));
    CHECK(!seal_keys_can_seal(p.a.keys, 21, STR("isdn-uui"), now));
    CHECK(!seal_keys_can_seal(NULL, 21, STR("isdn-uui"), now));
    pair_fini(&p);
}

static void test_packages_of_a_key(void)
{
    const struct str packages[] = {STR("crm"), STR("erp")};
    struct pair p;
    pair_init(&p);
    add_row(&p, &(struct seal_key){.packages = packages, .package_count = 2});
    (void)kit_close(&p.a, 20, STR("x"), 0, E_DENIED); /* isdn-uui */
    struct seal_about about = {.package = STR("ERP")};
    struct out o;
    out_init(&o, p.a.frame, sizeof(p.a.frame));
    CHECK_INT(seal_close(&p.a.s, 20, &about, STR("x"), 0, p.a.k.wall_s, &o), 0);
    CHECK_INT(seal_open(&p.b.s, &about, out_str_of(&o), 1, p.b.k.wall_s, &p.b.a, &p.b.opened),
              SEAL_OK);
    pair_fini(&p);
}

/* The other end thinks that the key is for more than this end does. */
static void test_wrong_package(void)
{
    KIT_OCTETS(k, 9, 32)
    const struct str packages[] = {STR("crm")};
    const char *why = "";
    struct seal_key row = {.id = 20, .secret = {k, 32}};
    struct pair p;
    pair_init(&p);
    CHECK_INT(seal_keys_add(p.a.keys, &row, &why), 0);
    row.packages = packages;
    row.package_count = 1;
    CHECK_INT(seal_keys_add(p.b.keys, &row, &why), 0);
    CHECK_INT(kit_open(&p.b, kit_close(&p.a, 20, STR("x"), 0, 0), 1), SEAL_WRONG_PACKAGE);
    CHECK(p.b.opened.plain.p == NULL);
    pair_fini(&p);
}

static void test_use(void)
{
    struct pair p;
    pair_init(&p);
    add_row(&p, &(struct seal_key){.use = SEAL_USE_SEAL});
    struct str frame = kit_close(&p.a, 20, STR("x"), 0, 0);
    CHECK_INT(kit_open(&p.b, frame, 1), SEAL_UNKNOWN_KEY);
    CHECK_INT(kit_open(&p.a, frame, 1), SEAL_OK); /* but what it made itself, it reads */
    CHECK(p.a.opened.own);
    seal_keys_free(p.a.keys);
    p.a.keys = seal_keys_new(&p.a.k.mem.mem);
    seal_set_keys(&p.a.s, p.a.keys);
    CHECK_INT(kit_open(&p.a, frame, 1), SEAL_UNKNOWN_KEY);
    pair_fini(&p);
    pair_init(&p);
    add_row(&p, &(struct seal_key){.use = SEAL_USE_OPEN});
    (void)kit_close(&p.a, 20, STR("x"), 0, E_DENIED);
    (void)kit_close(&p.b, SIGN_KEY, STR("x"), 0, E_DENIED); /* has the public key only */
    pair_fini(&p);
}

/* Whose key it is decides: another key under the same id, another partner. */
static void test_other_keys_do_not_fit(void)
{
    KIT_OCTETS(k, 77, 32)
    struct pair p;
    struct kit_end c;
    const char *why = "";
    pair_init(&p);
    kit_end_init(&c, true, &(struct seal_config){0});
    seal_keys_free(c.keys);
    c.keys = seal_keys_new(&c.k.mem.mem);
    const struct seal_key row[] = {
        {.id = SIV_KEY, .secret = {k, 32}},
        {.id = BOX_KEY, .alg = SEAL_X25519, .secret = {k, 32}, .public_key = STR(BOB_PUBLIC)},
        {.id = SIGN_KEY, .alg = SEAL_ED25519, .secret = {k, 32}}};
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        CHECK_INT(seal_keys_add(c.keys, &row[i], &why), 0);
    }
    seal_set_keys(&c.s, c.keys);
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct str frame = kit_close(&c, row[i].id, STR("x"), 0, 0);
        CHECK_INT(kit_open(&p.b, frame, 1), SEAL_FORGED);
    }
    kit_end_fini(&c);
    pair_fini(&p);
}

/* ---- time and replay ---- */

static void test_window(void)
{
    struct pair p;
    pair_init(&p);
    uint64_t now = p.a.k.wall_s;
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        p.a.k.wall_s = now;
        struct str frame = kit_close(&p.a, keys[k], STR("x"), 0, 0);
        p.b.k.wall_s = now + 120;
        CHECK_INT(kit_open(&p.b, frame, 1), SEAL_OK);
        p.b.k.wall_s = now + 121;
        CHECK_INT(kit_open(&p.b, frame, 1), SEAL_STALE);
        CHECK(p.b.opened.plain.p == NULL && p.b.opened.identity.n > 0);
        CHECK_INT(p.b.opened.sealed_s, now);
        p.b.k.wall_s = now - 120;
        CHECK_INT(kit_open(&p.b, frame, 1), SEAL_OK);
        p.b.k.wall_s = now - 121;
        CHECK_INT(kit_open(&p.b, frame, 1), SEAL_STALE);
    }
    pair_fini(&p);
}

/** What was sealed before the start may have come before it: it is taken no more. */
static void test_restart(void)
{
    struct kit_end a, b;
    kit_end_init(&a, true, &(struct seal_config){0});
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        uint64_t start = a.k.wall_s + 5;
        struct seal_config c = {.since_s = start};
        char before[256], at[256];
        struct str old = kit_close(&a, keys[k], STR("x"), 0, 0);
        memcpy(before, old.p, old.n);
        a.k.wall_s = start;
        struct str same = kit_close(&a, keys[k], STR("x"), 0, 0);
        memcpy(at, same.p, same.n);
        kit_end_init(&b, false, &c);
        b.k.wall_s = start + 1;
        CHECK_INT(kit_open(&b, str_make(before, old.n), 1), SEAL_STALE);
        CHECK(b.opened.plain.p == NULL);
        CHECK_INT(kit_open(&b, str_make(at, same.n), 1), SEAL_STALE);
        CHECK_INT(kit_open(&b, str_make(at, same.n), 0), SEAL_OK); /* replays do not matter */
        a.k.wall_s = start + 1;
        struct str fresh = kit_close(&a, keys[k], STR("x"), 0, 0);
        CHECK_INT(kit_open(&b, fresh, 1), SEAL_OK);
        CHECK_INT(kit_open(&b, fresh, 1), SEAL_OK);
        CHECK_INT(kit_open(&b, fresh, 2), SEAL_REPLAYED);
        kit_end_fini(&b);
    }
    kit_end_fini(&a);
}

static void test_time_wraps(void)
{
    struct pair p;
    pair_init(&p);
    p.a.k.wall_s = UINT32_MAX;
    p.b.k.wall_s = (uint64_t)UINT32_MAX + 60; /* in 2106 */
    CHECK_INT(kit_open(&p.b, kit_close(&p.a, SIV_KEY, STR("x"), 0, 0), 1), SEAL_OK);
    CHECK_INT(p.b.opened.sealed_s, UINT32_MAX);
    pair_fini(&p);
}

static void test_replay(void)
{
    struct pair p;
    pair_init(&p);
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        struct str frame = kit_close(&p.a, keys[k], STR("x"), 0, 0);
        for (int again = 0; again < 3; again++) {
            CHECK_INT(kit_open(&p.b, frame, 11), SEAL_OK);
            CHECK_INT(kit_open(&p.b, frame, 22), SEAL_REPLAYED);
            CHECK(p.b.opened.plain.p == NULL);
        }
        CHECK_INT(kit_open(&p.b, frame, 0), SEAL_OK); /* somebody who only looks */
        struct seal_about about = kit_about();
        seal_passes_on(&p.b.s, &about, frame, 22);
        CHECK_INT(kit_open(&p.b, frame, 22), SEAL_OK);
        CHECK_INT(kit_open(&p.b, frame, 33), SEAL_REPLAYED);
        seal_passes_on(&p.b.s, &about, frame, 33);
        seal_passes_on(&p.b.s, &about, frame, 33);
        seal_passes_on(&p.b.s, &about, frame, 44);
        seal_passes_on(&p.b.s, &about, frame, 55); /* of a fifth call nothing is kept */
        CHECK_INT(kit_open(&p.b, frame, 44), SEAL_OK);
        CHECK_INT(kit_open(&p.b, frame, 55), SEAL_REPLAYED);
    }
    pair_fini(&p);
}

/* A changed copy of a frame that is known is not known. */
static void test_forgery_of_a_known_frame(void)
{
    struct pair p;
    pair_init(&p);
    struct str frame = kit_close(&p.a, SIGN_KEY, STR("amount 10"), 0, 0);
    CHECK_INT(kit_open(&p.b, frame, 1), SEAL_OK);
    p.a.frame[str_find(frame, STR("10"))] = '9';
    CHECK_INT(kit_open(&p.b, frame, 1), SEAL_FORGED);
    pair_fini(&p);
}

/* Equal octets in the same second are different frames, with and without room for a salt. */
static void test_equal_octets_are_no_replay(void)
{
    KIT_OCTETS(plain, 0, 106)
    struct pair p;
    pair_init(&p);
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        for (uint64_t i = 1; i <= 25; i++) {
            struct str frame = kit_close(&p.a, keys[k], STR("vip"), UUI_ISDN_OCTETS, 0);
            CHECK_INT(kit_open(&p.b, frame, i), SEAL_OK);
        }
    }
    for (uint64_t i = 1; i <= 31; i++) {
        struct str frame = kit_close(&p.a, SIV_KEY, str_make(plain, 106), UUI_ISDN_OCTETS, 0);
        CHECK_INT(kit_open(&p.b, frame, i), SEAL_OK);
        CHECK_INT(p.b.opened.sealed_s, p.a.k.wall_s - (i - 1));
    }
    (void)kit_close(&p.a, SIV_KEY, str_make(plain, 106), UUI_ISDN_OCTETS, E_AGAIN);
    p.a.k.wall_s++;
    (void)kit_close(&p.a, SIV_KEY, str_make(plain, 106), UUI_ISDN_OCTETS, 0);
    pair_fini(&p);
}

/* What is sent back to who made it is told to be his own, not the other's. */
static void test_reflection(void)
{
    struct pair p;
    pair_init(&p);
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        struct str frame = kit_close(&p.a, keys[k], STR("x"), 0, 0);
        CHECK_INT(kit_open(&p.a, frame, 5), SEAL_OK);
        CHECK(p.a.opened.own);
        CHECK_INT(p.a.opened.identity.n == 0, keys[k] == BOX_KEY);
    }
    /* of a pair of keys that is told without memory: by whose half it was made with */
    struct kit_end again;
    kit_end_init(&again, true, &(struct seal_config){0});
    CHECK_INT(kit_open(&again, kit_close(&p.a, BOX_KEY, STR("x"), 0, 0), 5), SEAL_OK);
    CHECK(again.opened.own);
    kit_end_fini(&again);
    pair_fini(&p);
}

static void test_memory_is_bounded(void)
{
    char frames[40][64];
    struct str frame[40];
    struct pair p;
    kit_end_init(&p.a, true, &(struct seal_config){0});
    kit_end_init(&p.b, false, &(struct seal_config){.window_s = 60, .max_entries = 16});
    for (size_t i = 0; i < 40; i++) {
        struct str f = kit_close(&p.a, SIV_KEY, STR("x"), 0, 0);
        memcpy(frames[i], f.p, f.n);
        frame[i] = str_make(frames[i], f.n);
        CHECK_INT(kit_open(&p.b, frame[i], 100 + i), SEAL_OK);
        p.a.k.wall_s++;
        p.b.k.wall_s++;
    }
    CHECK_INT(p.b.s.evicted, 24);
    for (size_t i = 0; i < 40; i++) { /* forgotten ones cannot be used again */
        CHECK_INT(kit_open(&p.b, frame[i], 500 + i), i < 24 ? SEAL_STALE : SEAL_REPLAYED);
    }
    p.b.k.wall_s += 100; /* all are stale: room again */
    p.a.k.wall_s += 100;
    for (uint64_t i = 0; i < 16; i++) {
        CHECK_INT(kit_open(&p.b, kit_close(&p.a, SIV_KEY, STR("y"), 0, 0), 900 + i), SEAL_OK);
    }
    CHECK_INT(p.b.s.evicted, 24);
    kit_end_fini(&p.a);
    kit_end_fini(&p.b);
}

/* ---- memory ---- */

static void test_without_memory(void)
{
    bool done = false;
    for (size_t at = 1; !done; at++) {
        struct kit k;
        struct seal s;
        struct arena a;
        kit_init(&k);
        k.mem.fail_at = at;
        int err = seal_init(&s, &k.env, &(struct seal_config){0});
        struct seal_keys *table = seal_keys_new(&k.mem.mem);
        arena_init(&a, &k.mem.mem, 256);
        int added = table != NULL ? kit_add_keys(table, true) : E_NOMEM;
        CHECK(err == 0 || err == E_NOMEM);
        CHECK(added == 0 || added == E_NOMEM);
        if (err == 0 && added == 0) {
            struct seal_about about = kit_about();
            struct seal_opened opened;
            char frame[128];
            struct out o;
            out_init(&o, frame, sizeof(frame));
            seal_set_keys(&s, table);
            err = seal_close(&s, SIV_KEY, &about, STR("x"), 0, 1000, &o);
            CHECK(err == 0 || (err == E_NOMEM && o.n == 0));
            if (err == 0) {
                enum seal_result r =
                    seal_open(&s, &about, out_str_of(&o), 1, 1000, &a, &opened);
                CHECK(r == SEAL_OK || r == SEAL_FAILED);
                done = r == SEAL_OK && k.mem.calls < at;
            }
        }
        arena_fini(&a);
        seal_fini(&s);
        seal_fini(&s); /* twice is harmless */
        seal_keys_free(table);
        CHECK_INT(k.mem.live, 0);
        REQUIRE(at < 200);
    }
}

/* The receiving end has to remember; when it cannot, the frame does not count. */
static void test_opening_without_memory(void)
{
    struct pair p;
    pair_init(&p);
    struct str frame = kit_close(&p.a, SIV_KEY, STR("x"), 0, 0);
    p.b.k.mem.fail_at = p.b.k.mem.calls + 1;
    CHECK_INT(kit_open(&p.b, frame, 1), SEAL_FAILED);
    p.b.k.mem.fail_at = 0;
    CHECK_INT(kit_open(&p.b, frame, 1), SEAL_OK);
    pair_fini(&p);
}

static void test_small_buffer(void)
{
    struct pair p;
    struct out o;
    char buf[128];
    struct seal_about about = kit_about();
    pair_init(&p);
    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        size_t need = kit_close(&p.a, keys[k], STR("x"), 0, 0).n;
        for (size_t cap = 0; cap <= need; cap++) {
            out_init(&o, buf, cap);
            int err = seal_close(&p.a.s, keys[k], &about, STR("x"), 0, p.a.k.wall_s, &o);
            CHECK_INT(err, cap < need ? E_SPACE : 0);
            CHECK_INT(o.need, need);
            CHECK_INT(o.n, cap < need ? 0 : need);
        }
    }
    pair_fini(&p);
}

static void test_words(void)
{
    CHECK(strcmp(seal_result_word(SEAL_NOT_VALID_NOW), "not-valid-now") == 0);
    for (int r = 0; r < SEAL_RESULT_COUNT; r++) {
        CHECK(seal_result_word((enum seal_result)r)[0] != '\0');
        CHECK(seal_result_text((enum seal_result)r)[0] != '\0');
    }
    CHECK(seal_result_word(SEAL_RESULT_COUNT)[0] == '\0');
    for (int i = 0; i < SEAL_ALG_COUNT; i++) {
        enum seal_alg alg = SEAL_ALG_COUNT;
        CHECK(seal_alg_of(str_c(seal_alg_name((enum seal_alg)i)), &alg));
        CHECK_INT(alg, i);
    }
    enum seal_alg alg;
    CHECK(!seal_alg_of(STR("aes-gcm"), &alg));
}

TEST_MAIN(T(test_rooms), T(test_round_trip_of_every_length), T(test_identity_is_of_the_key),
          T(test_plain_octets_do_not_show), T(test_every_bit_counts),
          T(test_every_prefix_and_more), T(test_octets_that_are_not_sealed),
          T(test_purpose_is_sealed_too), T(test_way_of_a_message), T(test_keys_that_are_none),
          T(test_many_keys_are_found), T(test_validity), T(test_packages_of_a_key),
          T(test_wrong_package), T(test_use), T(test_other_keys_do_not_fit), T(test_window),
          T(test_restart), T(test_time_wraps), T(test_replay), T(test_forgery_of_a_known_frame),
          T(test_equal_octets_are_no_replay), T(test_reflection), T(test_memory_is_bounded),
          T(test_without_memory), T(test_opening_without_memory), T(test_small_buffer),
          T(test_words))
