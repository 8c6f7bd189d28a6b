/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs between two configurations and cannot change while the server runs: told by the
 * same table by which the file is checked, so that a new key is told from its first day on.
 */
#include "server/config.h"
#include "server/config_raw.h"

/** What a running server takes over. */
static const char *const taken_over[] = {"devices",
                                         "applications",
                                         "peers",
                                         "routes",
                                         "dial_plans",
                                         "time_zone",
                                         "log.level",
                                         "log.uui",
                                         "tls.certificates",
                                         "uui.packages",
                                         "uui.strict",
                                         "uui.keys",
                                         "uui.rules",
                                         "uui.domain_groups",
                                         "uui.redirects",
                                         "uui.blind_transfers",
                                         "uui.attended_transfers",
                                         "uui.services",
                                         "uui.isdn_redirect",
                                         "uui.tls_only",
                                         "uui.too_long",
                                         "tls.ca",
                                         "tls.verify_client",
                                         "tls.min_version",
                                         "tls.ciphers",
                                         "phones.profiles",
                                         "phones.profile_folder",
                                         "api.clients",
                                         "api.origins",
                                         "api.hosts",
                                         "api.web_root",
                                         "api.verify_client"};

static bool is_taken_over(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(taken_over); i++) {
        if (strcmp(taken_over[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/** A member that is a pointer, and for lists the count behind it. */
static const void *pointer_at(const char *base, size_t offset, uint32_t *count)
{
    const void *p;
    memcpy(&p, base + offset, sizeof(p));
    if (count != NULL) {
        memcpy(count, base + offset + sizeof(p), sizeof(*count));
    }
    return p;
}

static bool same_section(const struct config_section *s, const char *a, const char *b);

static bool same_value(const struct config_key *k, const char *a, const char *b)
{
    uint32_t na, nb;
    const void *pa, *pb;
    switch (k->kind) {
    case KEY_NUMBER:
        return memcmp(a + k->offset, b + k->offset, sizeof(uint32_t)) == 0;
    case KEY_BOOL:
        return memcmp(a + k->offset, b + k->offset, sizeof(bool)) == 0;
    case KEY_SECTION:
        return same_section(k->section, a + k->offset, b + k->offset);
    case KEY_LIST:
    case KEY_SECTIONS:
        pa = pointer_at(a, k->offset, &na);
        pb = pointer_at(b, k->offset, &nb);
        for (size_t i = 0; na == nb && i < na; i++) {
            bool same = k->kind == KEY_LIST
                            ? same_text(((char *const *)pa)[i], ((char *const *)pb)[i])
                            : same_section(k->section, (const char *)pa + i * k->section->size,
                                           (const char *)pb + i * k->section->size);
            if (!same) {
                return false;
            }
        }
        return na == nb;
    default:
        return same_text(pointer_at(a, k->offset, NULL), pointer_at(b, k->offset, NULL));
    }
}

static bool same_section(const struct config_section *s, const char *a, const char *b)
{
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        if (!same_value(k, a, b)) {
            return false;
        }
    }
    return true;
}

struct telling {
    bool taken; /**< what is taken over, not what is not */
    void (*fn)(void *ctx, const char *key);
    void *ctx;
};

static void tell_section(const struct config_section *s, const char *way, const char *a,
                         const char *b, const struct telling *t)
{
    for (const struct config_key *k = s->keys; k->name != NULL; k++) {
        char name[128];
        (void)snprintf(name, sizeof(name), "%s%s%s", way, way[0] != '\0' ? "." : "", k->name);
        bool taken = is_taken_over(name);
        if (k->kind == KEY_SECTION && !taken) {
            tell_section(k->section, name, a + k->offset, b + k->offset, t);
        } else if (taken == t->taken && !same_value(k, a, b)) {
            t->fn(t->ctx, name);
        }
    }
}

static void tell(const struct config *a, const struct config *b, const struct telling *t)
{
    tell_section(&config_root_section, "", (const char *)a->raw, (const char *)b->raw, t);
}

void config_each_taken_change(const struct config *a, const struct config *b,
                              void (*fn)(void *ctx, const char *key), void *ctx)
{
    tell(a, b, &(struct telling){true, fn, ctx});
}

void config_each_fixed_change(const struct config *a, const struct config *b,
                              void (*fn)(void *ctx, const char *key), void *ctx)
{
    tell(a, b, &(struct telling){false, fn, ctx});
}
