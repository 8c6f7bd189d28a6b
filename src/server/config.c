/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading: file → text → tree (checked) → structs (libcyaml) → defaults → config_map.
 *
 * OWNERSHIP. struct config owns libcyaml's structs, in which most strings lie, and an arena for
 * what is made from them. The directory and the engine borrow from it, so it is freed last.
 */
#include "server/config.h"
#include "base/err.h"
#include "server/config_map.h"
#include "server/profile_file.h"
#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/** A file larger than this is no configuration. */
#define FILE_MAX_SIZE (64u << 20)

static const cyaml_config_t loader = {.mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};

void config_free(struct config *c)
{
    if (c == NULL) {
        return;
    }
    (void)cyaml_free(&loader, &config_schema, c->raw, 0);
    seal_keys_free(c->seal_keys);
    profile_set_free(c->profiles);
    arena_fini(&c->arena);
    free(c);
}

static bool load_raw(struct config_tree *t, struct str text, struct config *c)
{
    if (tree_root(t) == NULL) {
        c->raw = calloc(1, sizeof(*c->raw));
        return c->raw != NULL || tree_fault(t, NULL, "out of memory");
    }
    cyaml_err_t err = cyaml_load_data((const uint8_t *)text.p, text.n, &loader, &config_schema,
                                      (cyaml_data_t **)&c->raw, NULL);
    return err == CYAML_OK || tree_fault(t, NULL, "%s", cyaml_strerror(err));
}

static struct config *read_text(const char *path, struct str text, bool look,
                                struct config_error *error)
{
    struct config_tree t;
    struct config *c = calloc(1, sizeof(*c));
    memset(error, 0, sizeof(*error));
    error->file = path;
    if (c == NULL) {
        (void)snprintf(error->text, sizeof(error->text), "out of memory");
        return NULL;
    }
    arena_init(&c->arena, &mem_libc, 4096);
    bool ok = tree_load(&t, path, text, error);
    t.look = look;
    ok = ok && config_check(&t) && load_raw(&t, text, c);
    if (ok) {
        config_set_defaults(&t, c->raw);
        ok = config_map(&t, c);
    }
    tree_free(&t);
    if (!ok) {
        config_free(c);
        return NULL;
    }
    return c;
}

struct config *config_read(const char *path, struct str text, struct config_error *error)
{
    return read_text(path, text, false, error);
}

/** The whole file; {NULL, 0} with the error filled. */
static struct str read_file(const char *path, struct config_error *error, bool *open_to_others)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    char *text = NULL;
    size_t n = 0;
    if (f == NULL || fstat(fileno(f), &st) != 0) {
        (void)snprintf(error->text, sizeof(error->text), "%s", strerror(errno));
    } else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_SIZE) {
        (void)snprintf(error->text, sizeof(error->text), "is no configuration file");
    } else {
        *open_to_others = (st.st_mode & S_IROTH) != 0;
        text = malloc((size_t)st.st_size + 1);
        n = text != NULL ? fread(text, 1, (size_t)st.st_size, f) : 0;
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return str_make(text, n);
}

static struct config *load(const char *path, bool look, struct config_error *error)
{
    bool open_to_others = false;
    memset(error, 0, sizeof(*error));
    error->file = path;
    struct str text = read_file(path, error, &open_to_others);
    if (text.p == NULL) {
        return NULL;
    }
    struct config *c = read_text(path, text, look, error);
    free((void *)(uintptr_t)text.p);
    if (c != NULL) {
        struct str name = arena_fmt(&c->arena, "%s%c", path, 0);
        c->file = name.p;
        c->exposed = c->exposed && open_to_others;
    }
    return c;
}

struct config *config_load(const char *path, struct config_error *error)
{
    return load(path, false, error);
}

struct config *config_look(const char *path, struct config_error *error)
{
    return load(path, true, error);
}

int config_set_listen(struct config *c, const struct config_listen *listen, size_t n)
{
    struct config_listen *copy = arena_alloc(&c->arena, n * sizeof(*copy));
    if (copy == NULL) {
        return E_NOMEM;
    }
    memcpy(copy, listen, n * sizeof(*copy));
    c->listen = copy;
    c->listen_count = n;
    return config_map_domains(c);
}

int config_fill_directory(struct config *c, struct directory *d)
{
    d->own = c->own;
    d->own_count = c->own_count;
    int err = 0;
    for (size_t i = 0; i < c->device_count && err == 0; i++) {
        err = directory_add_device(d, &c->devices[i]);
    }
    for (size_t i = 0; i < c->application_count && err == 0; i++) {
        err = directory_add_application(d, &c->applications[i]);
    }
    d->peers = c->peers;
    d->peer_count = c->peer_count;
    return err;
}
