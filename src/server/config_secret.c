/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets of devices and applications: exactly one source each, and never an empty one.
 *
 * A file or variable that is named but missing or empty is an error: silently having no
 * password would be worse than not starting. Only who does not start (config_look) may be
 * without the variables, which belong to the server's environment. Error texts name the source,
 * never the value.
 */
#include "server/config_map.h"
#include <errno.h>
#include <stdlib.h>

#define PASSWORD_MAX 256

static bool from_environment(struct config_tree *t, struct config *c, yaml_node_t *at,
                             const char *name, struct str *out)
{
    const char *value = getenv(name);
    if (t->look && (value == NULL || value[0] == '\0')) {
        struct str copy = arena_fmt(&c->arena, "%s%c", name, 0);
        c->unset = c->unset_count++ == 0 ? copy.p : c->unset;
        *out = copy; /* a stand-in: nobody is served with it */
        return copy.p != NULL || tree_fault(t, at, "out of memory");
    }
    if (value == NULL || value[0] == '\0') {
        return tree_fault(t, at, "password_env: the environment variable %s is not set", name);
    }
    *out = arena_dup(&c->arena, str_c(value));
    return out->p != NULL || tree_fault(t, at, "out of memory");
}

static bool from_file(struct config_tree *t, struct config *c, yaml_node_t *at,
                      const char *name, struct str *out)
{
    const char *file = config_file_path(t, c, at, name);
    if (file == NULL) {
        return false;
    }
    char line[PASSWORD_MAX + 3];
    FILE *f = fopen(file, "re");
    if (f == NULL) {
        return tree_fault(t, at, "password_file: %s: %s", file, strerror(errno));
    }
    bool got = fgets(line, sizeof(line), f) != NULL;
    (void)fclose(f);
    struct str value = got ? str_trim(str_c(line)) : STR_NONE;
    if (value.n == 0) {
        return tree_fault(t, at, "password_file: the first line of %s is empty", file);
    }
    *out = arena_dup(&c->arena, value);
    explicit_bzero(line, sizeof(line));
    return out->p != NULL || tree_fault(t, at, "out of memory");
}

static bool hash_value(struct config_tree *t, struct config *c, yaml_node_t *at,
                       const char *text, size_t digits, struct str *out)
{
    if (text == NULL) {
        return true;
    }
    char lower[64];
    size_t n = strlen(text);
    bool ok = n == digits;
    for (size_t i = 0; ok && i < n; i++) {
        lower[i] = ascii_lower(text[i]);
        ok = hex_digit(text[i]) >= 0;
    }
    if (!ok) {
        return tree_fault(t, tree_key(t, at, digits == 32 ? "ha1_md5" : "ha1_sha256"),
                          "%s: %zu hexadecimal digits are wanted",
                          digits == 32 ? "ha1_md5" : "ha1_sha256", digits);
    }
    *out = arena_dup(&c->arena, str_make(lower, n));
    return out->p != NULL || tree_fault(t, at, "out of memory");
}

bool config_secret(struct config_tree *t, struct config *c, yaml_node_t *at,
                   const struct raw_secret *raw, struct auth_secret *out, bool *has)
{
    memset(out, 0, sizeof(*out));
    bool hashed = raw->ha1_md5 != NULL || raw->ha1_sha256 != NULL;
    int sources = (raw->password != NULL) + (raw->password_file != NULL) +
                  (raw->password_env != NULL) + hashed;
    *has = sources > 0;
    if (sources > 1) {
        return tree_fault(t, at,
                          "one of password, password_file, password_env and ha1_md5 "
                          "with ha1_sha256 is wanted, not several");
    }
    if (raw->password != NULL || hashed) {
        c->exposed = true;
    }
    if (raw->password != NULL) {
        if (strlen(raw->password) > PASSWORD_MAX) {
            return tree_fault(t, tree_key(t, at, "password"), "password: longer than %d octets",
                              PASSWORD_MAX);
        }
        out->password = str_c(raw->password);
        return true;
    }
    if (raw->password_env != NULL) {
        return from_environment(t, c, tree_key(t, at, "password_env"), raw->password_env,
                                &out->password);
    }
    if (raw->password_file != NULL) {
        return from_file(t, c, tree_key(t, at, "password_file"), raw->password_file,
                         &out->password);
    }
    return hash_value(t, c, at, raw->ha1_md5, 32, &out->ha1[AUTH_MD5]) &&
           hash_value(t, c, at, raw->ha1_sha256, 64, &out->ha1[AUTH_SHA256]);
}
