/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton uui seal` and `baton uui open`: what an application, or somebody with a question, does
 * with keys and values outside of the server.
 *
 * Opening here has no memory of frames: a replay is told by a server only.
 */
#include "cli/uui_seal.h"
#include "base/err.h"
#include "cli/args.h"
#include "cli/json.h"
#include "cli/text.h"
#include "cli/uui_cmd.h"
#include "seal/value.h"
#include "server/seal_file.h"
#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>

const struct help_option uui_seal_options[] = {
    {"--keys", "FILE", "The file of keys; for you alone (chmod 600)."},
    {"--key", "N", "Number of the key."},
    {"--hex", "OCTETS",
     "The octets in hex, spaces allowed; of isdn-uui the discriminator too."},
    {"--text", "TEXT", "The octets as text."},
    {"-", NULL, "The octets as they come from standard input."},
    {"--package", "P", "The purpose. Default: isdn-uui."},
    {"--content", "C", "The content. Default: that of isdn-uui, none of others."},
    {"--way", "W",
     "What it is for: forward (INVITE and what leads to one; the default), backward (responses "
     "to INVITE), end (BYE)."},
    {"--most", "N", "Octets that the sealed value may have. Default: 129 of isdn-uui."},
    {NULL, NULL, NULL},
};

const struct help_option uui_open_options[] = {
    {"--keys", "FILE", "The file of keys; for you alone (chmod 600)."},
    {"VALUE", NULL,
     "A value as it stands in a header: hex with its parameters. None: one per line of standard "
     "input."},
    {"--content", "C", "What an absent content means. Default: as above."},
    {"--way", "W", "What it was for; as above."},
    {"--at", "SECONDS", "As if it were this time (since 1970). Default: now."},
    {"--window", "SECONDS", "How old it may be. Default: 120."},
    {"--json", NULL, "Print one object for each value."},
    {NULL, NULL, NULL},
};

struct seal_args {
    const char *keys, *key, *hex, *text, *package, *content, *way, *most, *at, *window;
    bool json, stream;
    int values; /**< they stand at argv[0..) */
};

/** The environment of src/seal: memory, and randomness out of OpenSSL. */
static void draw(void *ctx, void *out, size_t n)
{
    (void)ctx;
    if (RAND_bytes(out, (int)n) != 1) {
        abort(); /* without randomness nothing may be sealed */
    }
}

static const struct env *own_env(struct env *env)
{
    *env = (struct env){.mem = mem_libc, .random = draw};
    return env;
}

static int parse(int argc, char **argv, struct seal_args *a)
{
    for (int i = 1; i < argc; i++) {
        if (args_is(argv[i], NULL, "--json")) {
            a->json = true;
        } else if (args_is(argv[i], NULL, "-")) {
            a->stream = true;
        } else if (!args_value(NULL, "--keys", argc, argv, &i, &a->keys) &&
                   !args_value(NULL, "--key", argc, argv, &i, &a->key) &&
                   !args_value(NULL, "--hex", argc, argv, &i, &a->hex) &&
                   !args_value(NULL, "--text", argc, argv, &i, &a->text) &&
                   !args_value(NULL, "--package", argc, argv, &i, &a->package) &&
                   !args_value(NULL, "--content", argc, argv, &i, &a->content) &&
                   !args_value(NULL, "--way", argc, argv, &i, &a->way) &&
                   !args_value(NULL, "--most", argc, argv, &i, &a->most) &&
                   !args_value(NULL, "--at", argc, argv, &i, &a->at) &&
                   !args_value(NULL, "--window", argc, argv, &i, &a->window)) {
            if (argv[i][0] == '-') {
                return help_usage_error(&help_uui, "unexpected '%s'", argv[i]);
            }
            argv[a->values++] = argv[i];
        }
    }
    return a->keys != NULL ? 0 : help_usage_error(&help_uui, "--keys FILE is needed");
}

static int number(const char *name, const char *text, uint64_t most, uint64_t *out)
{
    return text == NULL || str_to_u64(str_c(text), most, out)
               ? 0
               : help_usage_error(&help_uui, "%s takes a number, not '%s'", name, text);
}

struct streams {
    FILE *in, *out, *err;
};

/** What the value is for. @return 0, or the exit code after a complaint */
static int about_of(const struct seal_args *a, struct str package, struct str content,
                    struct seal_about *out)
{
    static const struct str ways[] = {STR_INIT("forward"), STR_INIT("backward"),
                                      STR_INIT("end")};
    size_t way = 0;
    while (a->way != NULL && way < ARRAY_LEN(ways) && !str_eq(str_c(a->way), ways[way])) {
        way++;
    }
    if (way == ARRAY_LEN(ways)) {
        return help_usage_error(&help_uui, "--way is forward, backward or end, not '%s'",
                                a->way);
    }
    content = content.n > 0 ? content : str_c(a->content);
    *out = seal_about_of(uui_package_of(NULL, package), package, content, (enum seal_way)way);
    return 0;
}

static struct seal_keys *keys_of(const struct seal_args *a, FILE *err)
{
    struct config_error error;
    struct seal_keys *k = seal_file_load(a->keys, &error);
    if (k == NULL) {
        fputs("baton uui: ", err);
        config_error_print(&error, err);
    }
    return k;
}

/* ---- seal */

static const char *why_not(int e)
{
    return e == E_NOTFOUND ? "there is no key of that number"
           : e == E_DENIED
               ? "the key is not for sealing, not for this package, or not valid now"
           : e == E_TOOBIG ? "the octets and their seal are more than the value may have"
           : e == E_VALUE  ? "there are no octets, or package or content are none"
                           : err_text(e);
}

static int seal_octets(const struct seal_args *a, struct seal *s, struct str plain,
                       struct arena *arena, FILE *out, FILE *err)
{
    uint64_t key = 0, most = 0;
    struct seal_about about;
    struct uui_format f = {.package = str_c(a->package), .content = str_c(a->content)};
    struct str package = f.package.n > 0 ? f.package : uui_isdn;
    int rc = about_of(a, package, STR_NONE, &about);
    most = str_ieq(package, uui_isdn) ? UUI_ISDN_OCTETS : 0;
    rc = rc == 0 ? number("--key", a->key, SEAL_KEY_ID_MAX, &key) : rc;
    rc = rc == 0 ? number("--most", a->most, SEAL_PLAIN_MAX, &most) : rc;
    if (rc != 0) {
        return rc;
    }
    size_t cap = plain.n + 128, room = 2 * cap + 2 * package.n + 128;
    char *frame = arena_alloc(arena, cap), *text = arena_alloc(arena, room);
    struct out o, t;
    int e = E_NOMEM;
    if (frame != NULL && text != NULL) {
        out_init(&o, frame, cap);
        out_init(&t, text, room);
        e = seal_close(s, (uint16_t)key, &about, plain, most, (uint64_t)time(NULL), &o);
        e = e == 0 ? uui_write(&t, out_str_of(&o), &f, NULL) : e;
    }
    if (e != 0) {
        fprintf(err, "baton uui: %s\n", why_not(e));
        return EXIT_CODE_FAILED;
    }
    fprintf(out, "%.*s\n", STR_ARG(out_str_of(&t)));
    return EXIT_CODE_OK;
}

static int run_seal(const struct seal_args *a, struct seal *s, struct arena *arena,
                    const struct streams *io)
{
    char octets[SEAL_PLAIN_MAX + 1];
    struct str plain = str_c(a->text);
    if ((a->hex != NULL) + (a->text != NULL) + a->stream != 1 || a->key == NULL ||
        a->values > 0) {
        return help_usage_error(&help_uui, "--key, and one of --hex, --text and - are needed");
    }
    if (a->stream) {
        plain = str_make(octets, fread(octets, 1, sizeof(octets), io->in));
    }
    if (a->hex != NULL && text_hex(str_c(a->hex), arena, &plain) != 0) {
        return help_usage_error(&help_uui, "--hex takes pairs of hex digits, not '%s'", a->hex);
    }
    return seal_octets(a, s, plain, arena, io->out, io->err);
}

/* ---- open */

static void put_octets(struct str s, FILE *to)
{
    for (size_t i = 0; i < s.n; i++) {
        fprintf(to, "%02X", (unsigned char)s.p[i]);
    }
}

static void put_time(uint64_t s, FILE *to)
{
    time_t t = (time_t)s;
    struct tm tm;
    char text[32] = "";
    if (gmtime_r(&t, &tm) != NULL) {
        (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    }
    fputs(text, to);
}

static bool has_key(enum seal_result r)
{
    return r != SEAL_NOT_SEALED && r != SEAL_MALFORMED && r != SEAL_UNKNOWN_KEY;
}

static void show_json(struct str text, enum seal_result r, const struct seal_opened *x,
                      FILE *to)
{
    fputs("{", to);
    json_print_member("value", text, true, to);
    json_print_member("seal", str_c(seal_result_word(r)), false, to);
    if (r != SEAL_NOT_SEALED) {
        fprintf(to, ", \"key\": %u, \"sealed\": \"", x->key_id);
        put_time(x->sealed_s, to);
        fputc('"', to);
    }
    if (has_key(r)) {
        json_print_member("algorithm", str_c(seal_alg_name((enum seal_alg)x->alg)), false, to);
        json_print_member("identity", x->identity, false, to);
    }
    if (r == SEAL_OK) {
        fprintf(to, ", \"own\": %s, \"octets\": \"", x->own ? "true" : "false");
        put_octets(x->plain, to);
        fputc('"', to);
    }
    fputs("}\n", to);
}

static void show_text(struct str text, enum seal_result r, const struct seal_opened *x,
                      FILE *to)
{
    text_put(text, to);
    fprintf(to, "\n  seal      %s: %s\n", seal_result_word(r), seal_result_text(r));
    if (r == SEAL_NOT_SEALED) {
        return;
    }
    fprintf(to, "  key       %u%s%s\n", x->key_id, has_key(r) ? ", " : "",
            has_key(r) ? seal_alg_name((enum seal_alg)x->alg) : "");
    if (x->identity.n > 0) {
        fputs("  by        ", to);
        text_put(x->identity, to);
        fputc('\n', to);
    }
    fputs("  sealed    ", to);
    put_time(x->sealed_s, to);
    fputs(has_key(r) && r != SEAL_FORGED ? "\n" : " (not proved)\n", to);
    if (r == SEAL_OK) {
        fprintf(to, "  octets    %zu: ", x->plain.n);
        put_octets(x->plain, to);
        fputs("\n  as text   ", to);
        text_put(x->plain, to);
        fputc('\n', to);
    }
}

/** @return is the seal whole? */
static bool open_value(const struct seal_args *a, struct seal *s, struct str text,
                       uint64_t at_s, struct arena *arena, const struct streams *io)
{
    struct uui_value v;
    struct seal_about about;
    struct seal_opened x = {0};
    if (uui_parse(str_trim(text), NULL, arena, &v) != 0 ||
        about_of(a, v.package, v.content, &about) != 0) {
        return false;
    }
    if (!str_is_set(v.octets)) {
        fprintf(io->err, "baton uui: %s\n", uui_rule_text((enum uui_rule)v.rule));
        return false;
    }
    enum seal_result r = seal_open(s, &about, v.octets, 0, at_s, arena, &x);
    (a->json ? show_json : show_text)(v.text, r, &x, io->out);
    return r == SEAL_OK;
}

static int run_open(const struct seal_args *a, char **argv, struct seal *s, struct arena *arena,
                    const struct streams *io)
{
    uint64_t at_s = (uint64_t)time(NULL);
    bool whole = true;
    char line[4 * SEAL_PLAIN_MAX];
    int rc = number("--at", a->at, INT64_MAX, &at_s);
    if (rc != 0) {
        return rc;
    }
    for (int i = 0; i < a->values; i++) {
        whole = open_value(a, s, str_c(argv[i]), at_s, arena, io) && whole;
    }
    while (a->values == 0 && fgets(line, sizeof(line), io->in) != NULL) {
        whole = open_value(a, s, str_c(line), at_s, arena, io) && whole;
    }
    return whole ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}

/* ---- both */

static int with_keys(int argc, char **argv, const struct streams *io)
{
    struct seal_args a = {0};
    struct env env;
    struct seal s;
    struct arena arena;
    bool opens = strcmp(argv[0], "open") == 0;
    uint64_t window = 0;
    int rc = parse(argc, argv, &a);
    rc = rc == 0 ? number("--window", a.window, INT32_MAX, &window) : rc;
    struct seal_keys *keys = rc == 0 ? keys_of(&a, io->err) : NULL;
    if (keys == NULL) {
        return rc != 0 ? rc : EXIT_CODE_USAGE;
    }
    arena_init(&arena, &mem_libc, 4096);
    if (seal_init(&s, own_env(&env), &(struct seal_config){.window_s = (uint32_t)window}) !=
        0) {
        fprintf(io->err, "baton uui: %s\n", err_text(E_NOMEM));
        rc = EXIT_CODE_FAILED;
    } else {
        seal_set_keys(&s, keys);
        rc = opens ? run_open(&a, argv, &s, &arena, io) : run_seal(&a, &s, &arena, io);
    }
    seal_fini(&s);
    seal_keys_free(keys);
    arena_fini(&arena);
    return rc;
}

int uui_seal_run(int argc, char **argv, FILE *in, FILE *out, FILE *err)
{
    if (strcmp(argv[0], "keygen") == 0) {
        return uui_keygen(argc, argv, out, err);
    }
    if (strcmp(argv[0], "vectors") == 0) {
        return argc > 1                ? help_usage_error(&help_uui, "unexpected '%s'", argv[1])
               : uui_seal_vectors(out) ? EXIT_CODE_OK
                                       : EXIT_CODE_FAILED;
    }
    return with_keys(argc, argv, &(struct streams){in, out, err});
}
