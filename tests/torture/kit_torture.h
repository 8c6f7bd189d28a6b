/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the torture tests of a running engine share: where a message comes from, the files of a
 * folder, the templates of c07-sip.
 */
#ifndef BATON_TESTS_KIT_TORTURE_H
#define BATON_TESTS_KIT_TORTURE_H

#include "world.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

/** Where a message says that it comes from. */
static void source_of(struct str bytes, char *host, size_t cap)
{
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct sip_via via;
    struct addr addr;
    int err = sip_msg_index(&m, bytes, true, &sip_limits_default, &fault);
    snprintf(host, cap, "192.0.2.200");
    if ((err == 0 || m.hdr_count > 0) && sip_msg_via(&m, &via) == 0 &&
        addr_parse_host(via.host, 0, &addr)) {
        snprintf(host, cap, "%.*s", STR_ARG(via.host));
    }
}

static int by_name(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

/** The names of the files of a folder, sorted; free each and the list. */
static char **list_folder(const char *dir, size_t *n)
{
    char **names = NULL;
    size_t cap = 0;
    DIR *d = opendir(dir);
    *n = 0;
    for (struct dirent *e = d != NULL ? readdir(d) : NULL; e != NULL; e = readdir(d)) {
        if (e->d_name[0] == '.') {
            continue;
        }
        if (*n == cap) {
            cap = cap == 0 ? 64 : cap * 2;
            names = realloc(names, cap * sizeof(*names));
        }
        if (names == NULL || (names[*n] = strdup(e->d_name)) == NULL) {
            abort();
        }
        ++*n;
    }
    if (d != NULL) {
        closedir(d);
    }
    if (*n > 0) {
        qsort(names, *n, sizeof(*names), by_name);
    }
    return names;
}

/** A template of that set with its places filled. */
static struct str fill(struct str text, unsigned number, char *buf, size_t cap)
{
    char value[32];
    struct out o;
    out_init(&o, buf, cap);
    snprintf(value, sizeof(value), "%u", number);
    size_t length_at = SIZE_MAX;
    while (text.n > 0 && !o.over) {
        static const struct {
            const char *place, *value;
        } row[] = {{"<From-Address>", "192.0.2.200"},
                   {"<From-IP>", "192.0.2.200"},
                   {"<From>", "0@192.0.2.200"},
                   {"<To>", "1002@example.com"},
                   {"<Local-Port>", "5060"},
                   {"<CSeq>", "1"},
                   {"<Teardown-Method>", "CANCEL"},
                   {"<Branch-ID>", NULL},
                   {"<Call-ID>", NULL},
                   {"<Content-Length>", ""}};
        size_t at = str_index(text, '<'), i = 0;
        out_str(&o, str_upto(text, at));
        text = str_from(text, at);
        while (i < ARRAY_LEN(row) && !str_starts(text, str_c(row[i].place))) {
            i++;
        }
        if (i == ARRAY_LEN(row)) {
            out_str(&o, str_upto(text, 1));
            text = str_from(text, 1);
            continue;
        }
        if (i + 1 == ARRAY_LEN(row)) {
            length_at = o.n;
        }
        out_c(&o, row[i].value != NULL ? row[i].value : value);
        text = str_from(text, strlen(row[i].place));
    }
    if (length_at != SIZE_MAX && !o.over) {
        struct str rest = str_from(out_str_of(&o), length_at);
        size_t body = wire_body(out_str_of(&o)).n, tail = rest.n;
        int digits = snprintf(value, sizeof(value), "%zu", body);
        memmove(buf + length_at + digits, buf + length_at, tail);
        memcpy(buf + length_at, value, (size_t)digits);
        o.n += (size_t)digits;
    }
    return out_str_of(&o);
}

#endif
