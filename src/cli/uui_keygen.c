/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `baton uui keygen`: a new key, as a file that `uui.keys` can name, with the row that the
 * other side needs as a comment behind it.
 *
 * The secret is drawn from OpenSSL's private generator. A file is made new and for its owner
 * alone; one that is there already stays.
 */
#include "cli/args.h"
#include "cli/uui_cmd.h"
#include "cli/uui_seal.h"
#include "seal/keys.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SHORT = 32, LONG = 64 };

const struct help_option uui_keygen_options[] = {
    {"--algorithm", "A",
     "aes-siv (one secret that both ends share; the default), x25519 (a pair between two "
     "parties) or ed25519 (signatures that everybody can check)."},
    {"--id", "N", "Number of the key, 1 to 32767; up to 127 it takes one octet. Default: 1."},
    {"--identity", "URI", "Who seals with it; with x25519: the other party."},
    {"--public", "HEX", "With x25519: the other party's public key, when it is known already."},
    {"--out", "FILE",
     "Write to this file, which is made new and for you alone. Default: standard output."},
    {NULL, NULL, NULL},
};

struct wish {
    const char *algorithm, *id, *identity, *public_key, *file;
    enum seal_alg alg;
    uint32_t number;
};

static void put_hex(const char *name, const unsigned char *p, size_t n, FILE *to)
{
    fprintf(to, "%s", name);
    for (size_t i = 0; i < n; i++) {
        fprintf(to, "%02x", p[i]);
    }
    fputc('\n', to);
}

/** Our public key to a secret of 32 octets. */
static bool public_of(int type, const unsigned char *secret, unsigned char *to)
{
    size_t n = SHORT;
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(type, NULL, secret, SHORT);
    bool ok = key != NULL && EVP_PKEY_get_raw_public_key(key, to, &n) == 1;
    EVP_PKEY_free(key);
    return ok;
}

static void put_head(const struct wish *w, const char *mark, FILE *to)
{
    fprintf(to, "%s  - id: %u\n%s    algorithm: %s\n", mark, w->number, mark, w->algorithm);
}

static void put_rows(const struct wish *w, const unsigned char *secret,
                     const unsigned char *public_key, FILE *to)
{
    fputs("# Keys for sealed User-to-User values (baton uui seal, uui.keys). Secret.\nkeys:\n",
          to);
    put_head(w, "", to);
    put_hex("    secret: ", secret, w->alg == SEAL_AES_SIV ? LONG : SHORT, to);
    if (w->alg == SEAL_X25519) {
        fprintf(to, "    public: %s\n",
                w->public_key != NULL ? w->public_key : "the-public-key-of-the-other-party");
    }
    fprintf(to, "    identity: %s\n", w->identity);
    if (w->alg == SEAL_AES_SIV) {
        fputs("# The other side has the same row.\n", to);
    } else if (w->alg == SEAL_X25519) {
        fputs("# The other party's row has a secret of its own, you as identity, and this:\n",
              to);
        put_hex("#   public: ", public_key, SHORT, to);
    } else {
        fputs("# The row of those who check your signatures:\n", to);
        put_head(w, "#", to);
        put_hex("#    public: ", public_key, SHORT, to);
        fprintf(to, "#    identity: %s\n", w->identity);
    }
}

static bool make(const struct wish *w, FILE *to)
{
    unsigned char secret[LONG], public_key[SHORT];
    int type = w->alg == SEAL_X25519 ? EVP_PKEY_X25519 : EVP_PKEY_ED25519;
    bool ok = RAND_priv_bytes(secret, sizeof(secret)) == 1 &&
              (w->alg == SEAL_AES_SIV || public_of(type, secret, public_key));
    if (ok) {
        put_rows(w, secret, public_key, to);
    }
    OPENSSL_cleanse(secret, sizeof(secret));
    return ok && fflush(to) == 0;
}

static int parse(int argc, char **argv, struct wish *w)
{
    for (int i = 1; i < argc; i++) {
        if (!args_value(NULL, "--algorithm", argc, argv, &i, &w->algorithm) &&
            !args_value(NULL, "--id", argc, argv, &i, &w->id) &&
            !args_value(NULL, "--identity", argc, argv, &i, &w->identity) &&
            !args_value(NULL, "--public", argc, argv, &i, &w->public_key) &&
            !args_value(NULL, "--out", argc, argv, &i, &w->file)) {
            return help_usage_error(&help_uui, "unexpected '%s'", argv[i]);
        }
    }
    if (!seal_alg_of(str_c(w->algorithm), &w->alg)) {
        return help_usage_error(
            &help_uui, "--algorithm is aes-siv, x25519 or ed25519, not '%s'", w->algorithm);
    }
    if (!str_to_u32(str_c(w->id), &w->number) || w->number == 0 ||
        w->number > SEAL_KEY_ID_MAX) {
        return help_usage_error(&help_uui, "--id takes 1 to %d, not '%s'", SEAL_KEY_ID_MAX,
                                w->id);
    }
    if (w->identity == NULL || w->identity[0] == '\0' || strpbrk(w->identity, " \n#") != NULL) {
        return help_usage_error(&help_uui, "--identity is needed: a URI");
    }
    if (w->public_key != NULL && (strlen(w->public_key) != 64 ||
                                  strspn(w->public_key, "0123456789abcdefABCDEF") != 64)) {
        return help_usage_error(&help_uui, "--public takes 64 hexadecimal digits");
    }
    return 0;
}

int uui_keygen(int argc, char **argv, FILE *out, FILE *err)
{
    struct wish w = {.algorithm = "aes-siv", .id = "1"};
    int rc = parse(argc, argv, &w);
    if (rc != 0) {
        return rc;
    }
    int fd = w.file != NULL ? open(w.file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    FILE *to = fd >= 0 ? fdopen(fd, "w") : out;
    if (w.file != NULL && (fd < 0 || to == NULL)) {
        fprintf(err, "baton uui: %s: %s\n", w.file, strerror(errno));
        return EXIT_CODE_FAILED;
    }
    bool ok = make(&w, to);
    if (to != out) {
        ok = fclose(to) == 0 && ok;
    }
    if (!ok) {
        fprintf(err, "baton uui: the key could not be made or written\n");
    }
    return ok ? EXIT_CODE_OK : EXIT_CODE_FAILED;
}
