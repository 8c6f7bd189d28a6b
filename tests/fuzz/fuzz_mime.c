/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a body with several parts: the first line is the Content-Type, the rest the
 * body. Parts lie in the body, in order; written again, they are read again as the same.
 */
#include "mime/multipart.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static size_t walk(struct str type, struct str body, struct mime_part *part, int *got)
{
    struct multipart it;
    size_t n = 0;
    *got = multipart_begin(&it, type, body);
    while (*got >= 0 && (*got = multipart_next(&it, &part[n])) > 0) {
        const char *from = n == 0 ? body.p : part[n - 1].body.p + part[n - 1].body.n;
        demand(n < MIME_PARTS_MAX && part[n].headers.p >= from);
        demand(part[n].headers.p + part[n].headers.n <= part[n].body.p);
        demand(part[n].body.p + part[n].body.n <= body.p + body.n);
        (void)mime_header(&part[n], STR("Content-Type"));
        n++;
    }
    return n;
}

static void write_again(struct str type, size_t size, const struct mime_part *part, size_t n)
{
    struct mime_part again[MIME_PARTS_MAX + 1];
    struct multipart it;
    struct out o;
    size_t cap = 4 * size + 4096 + (n + 1) * 128;
    char *buf = malloc(cap), *lines = malloc(size + 2);
    int got = 0;
    demand(buf != NULL && lines != NULL);
    (void)!multipart_begin(&it, type, STR("")); /* for the boundary */
    out_init(&o, buf, cap);
    for (size_t i = 0; i < n; i++) {
        struct out l;
        out_init(&l, lines, size + 2);
        out_str(&l, part[i].headers);
        out_c(&l, part[i].headers.n > 0 ? "\r\n" : "");
        multipart_write_part(&o, it.boundary, out_str_of(&l), part[i].body);
    }
    multipart_write_end(&o, it.boundary);
    demand(!o.over && walk(type, out_str_of(&o), again, &got) == n && got == 0);
    for (size_t i = 0; i < n; i++) {
        demand(str_eq(part[i].headers, again[i].headers));
        demand(str_eq(part[i].body, again[i].body));
    }
    free(buf);
    free(lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mime_part part[MIME_PARTS_MAX + 1];
    struct str all = str_make((const char *)data, size);
    struct str type = str_upto(all, str_index(all, '\n'));
    struct str body = str_from(all, type.n + 1);
    int got = 0;
    size_t n = walk(type, body, part, &got);
    if (n > 0 && got == 0) {
        write_again(type, size, part, n);
    }
    return 0;
}
