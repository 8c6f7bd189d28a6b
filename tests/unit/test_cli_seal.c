/* SPDX-License-Identifier: Apache-2.0 */
/* `baton uui keygen`, `seal`, `open`, `vectors`, and files of keys, as their user sees them. */
#include "cli/uui_cmd.h"
#include "cli/uui_seal.h"
#include "server/seal_file.h"
#include "test.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/** What one run printed. */
struct run {
    int code;
    char *out, *err;
    size_t out_len, err_len;
};

static struct run run_on(const char *input, const char *const *args)
{
    char *argv[24] = {0}, *keep[24];
    int argc = 0;
    struct run r = {0};
    FILE *out = open_memstream(&r.out, &r.out_len), *err = open_memstream(&r.err, &r.err_len);
    argv[argc++] = strdup("uui");
    while (args[argc - 1] != NULL) {
        argv[argc] = strdup(args[argc - 1]);
        argc++;
    }
    memcpy(keep, argv, sizeof(keep));
    FILE *in = tmpfile();
    fputs(input, in);
    rewind(in);
    r.code = uui_run(argc, argv, in, out, err);
    (void)fclose(in);
    (void)fclose(out);
    (void)fclose(err);
    for (int i = 0; i < argc; i++) {
        free(keep[i]);
    }
    return r;
}

static struct run run(const char *const *args)
{
    return run_on("", args);
}

static void drop(struct run *r)
{
    free(r->out);
    free(r->err);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static bool has(const char *text, const char *what)
{
    return strstr(text, what) != NULL;
}

/** A folder of its own for a test's files. */
struct folder {
    char path[32], a[64], b[64];
};

static void folder_init(struct folder *f)
{
    (void)snprintf(f->path, sizeof(f->path), "/tmp/baton-seal-XXXXXX");
    CHECK(mkdtemp(f->path) != NULL);
    (void)snprintf(f->a, sizeof(f->a), "%s/a", f->path);
    (void)snprintf(f->b, sizeof(f->b), "%s/b", f->path);
}

static void folder_fini(struct folder *f)
{
    (void)unlink(f->a);
    (void)unlink(f->b);
    CHECK_INT(rmdir(f->path), 0);
}

static void put_file(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "we");
    CHECK(f != NULL);
    if (f != NULL) {
        fputs(text, f);
        (void)fclose(f);
        CHECK_INT(chmod(path, mode), 0);
    }
}

/** The hexadecimal digits behind a word of a file. */
static void digits_behind(const char *path, const char *word, char *to)
{
    struct str text = test_read_file(path);
    size_t at = str_find(text, str_c(word)) + strlen(word);
    CHECK(at + 64 <= text.n);
    memcpy(to, text.p + at, 64);
    to[64] = '\0';
    free((void *)(uintptr_t)text.p);
}

/** Seal with A's file, open with B's; *say is what open prints. */
static void seal_and_open(const struct folder *f, struct run *say)
{
    struct run sealed = run(ARGS("seal", "--keys", f->a, "--key", "7", "--hex", "04 48 69"));
    CHECK_INT(sealed.code, 0);
    CHECK(has(sealed.out, "00B307") || has(sealed.out, "00B207"));
    CHECK(has(sealed.out, ";encoding=hex;purpose=isdn-uui\n"));
    *say = run(ARGS("open", "--keys", f->b, sealed.out));
    drop(&sealed);
}

static void test_shared_secret(void)
{
    struct folder f;
    struct run r, say;
    struct stat st;
    folder_init(&f);
    r = run(ARGS("keygen", "--id", "7", "--identity", "sip:crm@example.com", "--out", f.a));
    CHECK_INT(r.code, 0);
    CHECK_STR(str_c(r.out), "");
    drop(&r);
    CHECK_INT(stat(f.a, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    r = run(ARGS("keygen", "--identity", "sip:x@y", "--out", f.a)); /* never writes over one */
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "exists"));
    drop(&r);
    CHECK_INT(rename(f.a, f.b), 0);
    CHECK_INT(link(f.b, f.a), 0);
    seal_and_open(&f, &say);
    CHECK_INT(say.code, 0);
    CHECK(has(say.out, "  seal      ok: the seal is whole\n"));
    CHECK(has(say.out, "  key       7, aes-siv\n"));
    CHECK(has(say.out, "  by        sip:crm@example.com\n"));
    CHECK(has(say.out, "  octets    3: 044869\n"));
    drop(&say);
    folder_fini(&f);
}

static void test_pair(void)
{
    struct folder f;
    struct run r, say;
    char digits[65];
    folder_init(&f);
    r = run(ARGS("keygen", "--algorithm", "x25519", "--id", "7", "--identity", "sip:a@x",
                 "--out", f.b));
    CHECK_INT(r.code, 0);
    drop(&r);
    r = run(ARGS("open", "--keys", f.b, "00B2")); /* the other's key is not there yet */
    CHECK_INT(r.code, 2);
    CHECK(has(r.err, "public: 64 hexadecimal digits are wanted"));
    drop(&r);
    digits_behind(f.b, "#   public: ", digits);
    r = run(ARGS("keygen", "--algorithm", "x25519", "--id", "7", "--identity", "sip:b@x",
                 "--public", digits, "--out", f.a));
    CHECK_INT(r.code, 0);
    drop(&r);
    char theirs[65], secret[65], text[512];
    digits_behind(f.a, "#   public: ", theirs);
    digits_behind(f.b, "secret: ", secret);
    (void)snprintf(text, sizeof(text),
                   "keys:\n  - id: 7\n    algorithm: x25519\n    secret: %s\n    public: %s\n"
                   "    identity: sip:a@x\n",
                   secret, theirs);
    put_file(f.b, text, 0600);
    seal_and_open(&f, &say);
    CHECK_INT(say.code, 0);
    CHECK(has(say.out, "key       7, x25519\n"));
    CHECK(has(say.out, "by        sip:a@x\n"));
    drop(&say);
    folder_fini(&f);
}

static void test_signature(void)
{
    struct folder f;
    struct run r, say;
    char digits[65], text[512];
    folder_init(&f);
    r = run(ARGS("keygen", "--algorithm", "ed25519", "--id", "7", "--identity", "sip:a@x",
                 "--out", f.a));
    CHECK_INT(r.code, 0);
    drop(&r);
    digits_behind(f.a, "#    public: ", digits);
    (void)snprintf(text, sizeof(text),
                   "keys:\n  - id: 7\n    algorithm: ed25519\n    public: %s\n"
                   "    identity: sip:a@x\n    packages: [isdn-uui]\n    use: open\n"
                   "    not_before: 2020-01-01\n    not_after: 2099-12-31T00:00:00Z\n",
                   digits);
    put_file(f.b, text, 0600);
    seal_and_open(&f, &say);
    CHECK_INT(say.code, 0);
    CHECK(has(say.out, "key       7, ed25519\n"));
    drop(&say);
    r = run(ARGS("seal", "--keys", f.b, "--key", "7", "--text", "x"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "not for sealing"));
    drop(&r);
    folder_fini(&f);
}

static void test_other_purpose_and_time(void)
{
    struct folder f;
    struct run r, s;
    folder_init(&f);
    r = run(ARGS("keygen", "--id", "7", "--identity", "sip:a@x", "--out", f.a));
    drop(&r);
    s = run(ARGS("seal", "--keys", f.a, "--key", "7", "--text", "order 1", "--package", "crm",
                 "--content", "note", "--way", "end"));
    CHECK_INT(s.code, 0);
    CHECK(has(s.out, ";purpose=crm;content=note"));
    r = run(ARGS("open", "--keys", f.a, "--way=end", "--json", s.out));
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "\"seal\": \"ok\"") && has(r.out, "\"octets\": \"6F726465722031\""));
    CHECK(has(r.out, "\"identity\": \"sip:a@x\"") && has(r.out, "\"key\": 7"));
    drop(&r);
    r = run(ARGS("open", "--keys", f.a, s.out));
    CHECK_INT(r.code, 1);
    CHECK(has(r.out, "seal      forged:"));
    drop(&r);
    r = run(ARGS("open", "--keys", f.a, "--way", "end", "--at", "1000", s.out));
    CHECK_INT(r.code, 1);
    CHECK(has(r.out, "seal      stale:"));
    drop(&r);
    drop(&s);
    r = run(ARGS("seal", "--keys", f.a, "--key", "8", "--text", "x"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "no key of that number"));
    drop(&r);
    r = run(ARGS("seal", "--keys", f.a, "--key", "7", "--text", "x", "--most", "10"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.err, "more than the value may have"));
    drop(&r);
    r = run(ARGS("open", "--keys", f.a, "04C8;encoding=hex", "04C"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.out, "not-sealed") && has(r.err, "odd number"));
    drop(&r);
    folder_fini(&f);
}

static void test_standard_input(void)
{
    struct folder f;
    struct run r, s;
    char two[600];
    folder_init(&f);
    r = run(ARGS("keygen", "--id", "7", "--identity", "sip:a@x", "--out", f.a));
    drop(&r);
    s = run_on("from a pipe", ARGS("seal", "--keys", f.a, "--key", "7", "-"));
    CHECK_INT(s.code, 0);
    (void)snprintf(two, sizeof(two), "%s00C8;encoding=hex\n", s.out);
    r = run_on(s.out, ARGS("open", "--keys", f.a));
    CHECK_INT(r.code, 0);
    CHECK(has(r.out, "as text   from a pipe\n"));
    drop(&r);
    r = run_on(two, ARGS("open", "--keys", f.a, "--json"));
    CHECK_INT(r.code, 1);
    CHECK(has(r.out, "\"seal\": \"ok\"") && has(r.out, "\"seal\": \"not-sealed\""));
    drop(&r);
    drop(&s);
    s = run_on("", ARGS("seal", "--keys", f.a, "--key", "7", "-"));
    CHECK_INT(s.code, 1);
    drop(&s);
    folder_fini(&f);
}

static void test_usage(void)
{
    static const char *const bad[][6] = {
        {"keygen"},
        {"keygen", "--identity", "sip:a@b", "--id", "0"},
        {"keygen", "--identity", "sip:a@b", "--algorithm", "rot13"},
        {"keygen", "--identity", "sip:a@b", "--public", "12"},
        {"seal", "--key", "1"},
        {"seal", "--keys", "/nowhere/at/all", "--key", "1"},
        {"open", "--keys", "/nowhere/at/all", "00"},
        {"open", "--bad", "1"},
        {"vectors", "more"},
        {"solve"},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct run r = run(bad[i]);
        CHECK_INT(r.code, 2);
        drop(&r);
    }
}

/* ---- files of keys ---- */

#define HEX32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define ROW "keys:\n - id: 5\n   algorithm: aes-siv\n   secret: " HEX32 "\n"

static void test_file_faults(void)
{
    static const struct {
        const char *text, *says;
        unsigned line;
    } table[] = {
        {ROW, "identity is missing here", 2},
        {ROW "   identity: sip:a@b\n   colour: red\n", "unknown key \"colour\"", 6},
        {ROW "   identity: sip:a@b\n   packages: []\n", "at least one is wanted", 6},
        {ROW "   identity: sip:a@b\n   not_after: tomorrow\n", "a day, 2026-01-31", 6},
        {ROW "   identity: a\n   not_after: 2026-01-01\n   not_before: 2026-01-02\n",
         "is before not_before", 6},
        {ROW "   identity: a\n   public: " HEX32 "\n", "has no public key", 2},
        {ROW "   identity: a\n   use: never\n", "both seal open", 6},
        {"keys:\n - algorithm: aes-siv\n   identity: a\n", "id is missing", 2},
        {"keys:\n - id: 5\n   identity: a\n", "algorithm is missing", 2},
        {"keys:\n - id: 32768\n", "not between 1 and 32767", 2},
        {"keys:\n - id: 5\n   algorithm: aes-siv\n   identity: a\n   secret: 00zz\n",
         "hexadecimal digits are wanted", 5},
        {"keys:\n - id: 5\n   algorithm: aes-siv\n   identity: a\n   secret: 0011\n",
         "32 or 64 octets", 2},
        {"keys: 5\n", "a list is wanted", 1},
        {"keys:\n - id: 5\n  algorithm: x\n", "", 3},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct config_error e;
        struct seal_keys *k = seal_file_read("f", str_c(table[i].text), &e);
        CHECK(k == NULL);
        test_context(e.text);
        CHECK(has(e.text, table[i].says));
        CHECK_INT(e.line, table[i].line);
        CHECK(!has(e.text, "0001020304"));
        seal_keys_free(k);
    }
    test_context(NULL);
}

static void test_file_twice_the_same_id(void)
{
    struct config_error e;
    static const char text[] = ROW "   identity: a\n - id: 5\n   algorithm: aes-siv\n"
                                   "   secret: " HEX32 "\n   identity: b\n";
    CHECK(seal_file_read("f", str_c(text), &e) == NULL);
    CHECK(has(e.text, "id 5: the id is taken"));
    CHECK_INT(e.line, 6);
}

static void test_file_without_keys(void)
{
    struct config_error e;
    struct seal_keys *k = seal_file_read("f", STR(""), &e);
    CHECK(k != NULL && seal_keys_count(k) == 0);
    seal_keys_free(k);
}

/* Only its owner may read it, or change it. */
static void test_file_mode(void)
{
    static const mode_t open_modes[] = {0640, 0620, 0610, 0604, 0602, 0644, 0666};
    struct folder f;
    struct config_error e;
    folder_init(&f);
    put_file(f.a, ROW "   identity: sip:a@b\n", 0600);
    struct seal_keys *k = seal_file_load(f.a, &e);
    CHECK(k != NULL && seal_keys_count(k) == 1);
    seal_keys_free(k);
    for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
        CHECK_INT(chmod(f.a, open_modes[i]), 0);
        CHECK(seal_file_load(f.a, &e) == NULL);
        CHECK(has(e.text, "chmod 600"));
    }
    CHECK(seal_file_load(f.b, &e) == NULL);
    CHECK(has(e.text, "No such file"));
    CHECK(seal_file_load(f.path, &e) == NULL);
    CHECK(has(e.text, "is no file of keys"));
    folder_fini(&f);
}

/* docs/seal-vectors.json is what this program makes. */
static void test_vectors(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    CHECK(uui_seal_vectors(to));
    (void)fclose(to);
    struct str want = test_project_file("docs/seal-vectors.json");
    CHECK(want.n > 1000);
    CHECK(str_eq(str_make(text, n), want)); /* baton uui vectors > docs/seal-vectors.json */
    free((void *)(uintptr_t)want.p);
    free(text);
}

TEST_MAIN(T(test_shared_secret), T(test_pair), T(test_signature),
          T(test_other_purpose_and_time), T(test_standard_input), T(test_usage),
          T(test_file_faults), T(test_file_twice_the_same_id), T(test_file_without_keys),
          T(test_file_mode), T(test_vectors))
