/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys from YAML:
 *
 *     keys:
 *       - id: 5
 *         algorithm: aes-siv
 *         secret: 000102…            # hexadecimal
 *         identity: sip:crm@example.com
 *
 * The form is checked by the same walker that checks the configuration; what makes a key is the
 * key table's to say. Secrets stand in three places for a moment: the text, libyaml's nodes and
 * octets on the stack. All are wiped.
 */
#include "server/seal_file.h"
#include "base/err.h"
#include "server/config_tree.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MOST = 16 << 20, SECRET_MOST = 64 };

static const struct config_key key_keys[] = {
    {.name = "id", .kind = KEY_NUMBER, .least = 1, .most = SEAL_KEY_ID_MAX},
    {.name = "algorithm", .kind = KEY_WORD, .words = "aes-siv x25519 ed25519"},
    {.name = "use", .kind = KEY_WORD, .words = "both seal open"},
    {.name = "secret", .kind = KEY_STRING},
    {.name = "public", .kind = KEY_STRING},
    {.name = "identity", .kind = KEY_NEEDED},
    {.name = "packages", .kind = KEY_LIST},
    {.name = "not_before", .kind = KEY_STRING},
    {.name = "not_after", .kind = KEY_STRING},
    {.name = NULL},
};
static const struct config_section key_section = {.name = "key", .keys = key_keys};
static const struct config_key file_keys[] = {
    {.name = "keys", .kind = KEY_SECTIONS, .section = &key_section},
    {.name = NULL},
};
static const struct config_section file_section = {.name = "", .keys = file_keys};

static struct str text_of(struct config_tree *t, yaml_node_t *at, const char *key)
{
    yaml_node_t *n = tree_key(t, at, key);
    return n != NULL ? str_make((const char *)n->data.scalar.value, n->data.scalar.length)
                     : STR_NONE;
}

/** Hexadecimal digits to octets. `out` is absent when the key is. */
static bool octets_of(struct config_tree *t, yaml_node_t *at, const char *key, char *to,
                      struct str *out)
{
    struct str digits = text_of(t, at, key);
    bool ok = digits.n % 2 == 0 && digits.n <= 2 * SECRET_MOST;
    *out = STR_NONE;
    for (size_t i = 0; ok && i < digits.n; i += 2) {
        int high = hex_digit(digits.p[i]), low = hex_digit(digits.p[i + 1]);
        ok = high >= 0 && low >= 0;
        to[i / 2] = (char)(high * 16 + low);
    }
    if (!ok) {
        return tree_fault(t, tree_key(t, at, key),
                          "%s: 64 hexadecimal digits are wanted, or 128 with aes-siv", key);
    }
    if (str_is_set(digits)) {
        *out = str_make(to, digits.n / 2);
    }
    return true;
}

/** 2026-01-31 or 2026-01-31T12:00:00Z; absent: 0. */
static bool time_of(struct config_tree *t, yaml_node_t *at, const char *key, bool to_its_end,
                    uint64_t *out)
{
    struct str s = text_of(t, at, key);
    char text[32];
    struct tm tm = {0};
    *out = 0;
    if (!str_is_set(s)) {
        return true;
    }
    (void)snprintf(text, sizeof(text), "%.*s", STR_ARG(s));
    bool day = s.n == 10;
    const char *end = strptime(text, day ? "%Y-%m-%d" : "%Y-%m-%dT%H:%M:%SZ", &tm);
    time_t when = end != NULL && *end == '\0' ? timegm(&tm) : -1;
    if (when <= 0) {
        return tree_fault(t, tree_key(t, at, key),
                          "%s: a day, 2026-01-31, or a time, 2026-01-31T12:00:00Z, is wanted",
                          key);
    }
    *out = (uint64_t)when + (day && to_its_end ? 24 * 3600 - 1 : 0);
    return true;
}

static bool packages_of(struct config_tree *t, yaml_node_t *at, struct seal_key *key,
                        struct str *room, size_t most)
{
    yaml_node_t *list = tree_key(t, at, "packages");
    yaml_node_t *one;
    while ((one = tree_entry(t, list, key->package_count)) != NULL) {
        if (key->package_count == most) {
            return tree_fault(t, one, "packages: more than %zu", most);
        }
        room[key->package_count++] =
            str_make((const char *)one->data.scalar.value, one->data.scalar.length);
    }
    key->packages = room;
    if (list != NULL && key->package_count == 0) {
        return tree_fault(t, list, "packages: at least one is wanted; leave it out for all");
    }
    return true;
}

static bool facts_of(struct config_tree *t, yaml_node_t *at, struct seal_key *key)
{
    uint32_t id = 0;
    enum seal_alg alg = SEAL_AES_SIV;
    if (!str_to_u32(text_of(t, at, "id"), &id)) {
        return tree_fault(t, at, "keys: id is missing here");
    }
    if (!seal_alg_of(text_of(t, at, "algorithm"), &alg)) {
        return tree_fault(t, at, "keys: algorithm is missing here");
    }
    struct str use = text_of(t, at, "use");
    key->id = (uint16_t)id;
    key->alg = (uint8_t)alg;
    key->use = str_eq(use, STR("seal"))   ? SEAL_USE_SEAL
               : str_eq(use, STR("open")) ? SEAL_USE_OPEN
                                          : SEAL_USE_BOTH;
    key->identity = text_of(t, at, "identity");
    return time_of(t, at, "not_before", false, &key->not_before_s) &&
           time_of(t, at, "not_after", true, &key->not_after_s) &&
           (key->not_after_s == 0 || key->not_before_s <= key->not_after_s ||
            tree_fault(t, tree_key(t, at, "not_after"), "not_after: is before not_before"));
}

static bool add(struct config_tree *t, yaml_node_t *at, struct seal_keys *k)
{
    struct seal_key key = {0};
    struct str packages[32];
    char secret[SECRET_MOST], public_key[SECRET_MOST];
    const char *why = "";
    bool ok = facts_of(t, at, &key) &&
              packages_of(t, at, &key, packages, ARRAY_LEN(packages)) &&
              octets_of(t, at, "secret", secret, &key.secret) &&
              octets_of(t, at, "public", public_key, &key.public_key);
    if (ok) {
        int err = seal_keys_add(k, &key, &why);
        ok = err == 0 || tree_fault(t, at, "keys: id %u: %s", key.id,
                                    err == E_NOMEM ? "out of memory" : why);
    }
    explicit_bzero(secret, sizeof(secret));
    return ok;
}

/** Everything that was read of the file. */
static void wipe_nodes(struct config_tree *t)
{
    for (yaml_node_t *n = t->doc.nodes.start; t->loaded && n < t->doc.nodes.top; n++) {
        if (n->type == YAML_SCALAR_NODE) {
            explicit_bzero(n->data.scalar.value, n->data.scalar.length);
        }
    }
}

struct seal_keys *seal_file_read(const char *path, struct str text, struct config_error *error)
{
    struct config_tree t;
    struct seal_keys *k = NULL;
    memset(error, 0, sizeof(*error));
    bool ok = tree_load(&t, path, text, error);
    yaml_node_t *root = ok ? tree_root(&t) : NULL;
    ok = ok && (root == NULL || tree_check(&t, root, path, &file_section));
    if (ok) {
        k = seal_keys_new(&mem_libc);
        ok = k != NULL || tree_fault(&t, NULL, "out of memory");
    }
    yaml_node_t *list = ok ? tree_key(&t, root, "keys") : NULL, *at;
    for (size_t i = 0; ok && (at = tree_entry(&t, list, i)) != NULL; i++) {
        ok = add(&t, at, k);
    }
    wipe_nodes(&t);
    tree_free(&t);
    if (!ok) {
        seal_keys_free(k);
        return NULL;
    }
    return k;
}

/** All of an open file. @return false: *why says it */
static bool read_all(int fd, char **text, size_t *n, const char **why)
{
    struct stat st;
    if (fstat(fd, &st) != 0) {
        *why = strerror(errno);
    } else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MOST) {
        *why = "is no file of keys";
    } else if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        *why = "holds secrets and is open to others: chmod 600";
    } else if (st.st_uid != geteuid() && st.st_uid != 0) {
        *why = "holds secrets and belongs to somebody else";
    } else if ((*text = malloc((size_t)st.st_size + 1)) == NULL) {
        *why = "out of memory";
    } else {
        ssize_t got = 1;
        while (*n < (size_t)st.st_size && got > 0) {
            got = read(fd, *text + *n, (size_t)st.st_size - *n);
            *n += got > 0 ? (size_t)got : 0;
        }
        *why = got < 0 ? strerror(errno) : NULL;
    }
    return *why == NULL;
}

struct seal_keys *seal_file_load(const char *path, struct config_error *error)
{
    const char *why = NULL;
    char *text = NULL;
    size_t n = 0;
    struct seal_keys *k = NULL;
    *error = (struct config_error){.file = path};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        why = strerror(errno);
    } else if (read_all(fd, &text, &n, &why)) {
        k = seal_file_read(path, str_make(text, n), error);
    }
    if (why != NULL) {
        (void)snprintf(error->text, sizeof(error->text), "%s", why);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (text != NULL) {
        explicit_bzero(text, n);
    }
    free(text);
    return k;
}
