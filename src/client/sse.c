/* SPDX-License-Identifier: Apache-2.0 */
/* Server-Sent Events: see sse.h. A line and the data of an event are kept, both bounded. */
#include "client/sse.h"
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 16 << 20 };

void sse_init(struct sse *s, bool (*event)(void *ctx, const struct sse_event *e), void *ctx)
{
    *s = (struct sse){.event = event, .ctx = ctx};
}

void sse_fini(struct sse *s)
{
    free(s->line);
    free(s->data);
    *s = (struct sse){0};
}

static bool append(char **p, size_t *n, size_t *cap, struct str more)
{
    if (*n + more.n > MOST) {
        return false;
    }
    if (*n + more.n > *cap) {
        size_t want = (*n + more.n) * 2;
        char *grown = realloc(*p, want);
        if (grown == NULL) {
            return false;
        }
        *p = grown;
        *cap = want;
    }
    if (more.n > 0) {
        memcpy(*p + *n, more.p, more.n);
        *n += more.n;
    }
    return true;
}

static void keep_text(char *to, size_t cap, bool *has, struct str value)
{
    *has = value.n < cap;
    if (*has) {
        (void)snprintf(to, cap, "%.*s", STR_ARG(value));
    }
}

/** An empty line: what came is an event. */
static bool dispatch(struct sse *s)
{
    struct sse_event e = {.id = s->has_id ? str_c(s->id) : STR_NONE,
                          .type = s->has_type ? str_c(s->type) : STR_NONE,
                          .data = str_make(s->data, s->data_n)};
    bool go_on = (!s->has_data && !s->has_id) || s->event(s->ctx, &e);

    s->data_n = 0;
    s->has_data = s->has_type = s->has_id = false;
    return go_on;
}

static bool take_line(struct sse *s, struct str line)
{
    size_t colon = str_index(line, ':');
    struct str name = str_upto(line, colon);
    struct str value = str_from(line, colon < line.n ? colon + 1 : line.n);

    if (line.n == 0) {
        return dispatch(s);
    }
    if (value.n > 0 && value.p[0] == ' ') {
        value = str_from(value, 1);
    }
    if (str_eq(name, STR("data"))) {
        bool ok = (!s->has_data || append(&s->data, &s->data_n, &s->data_cap, STR("\n"))) &&
                  append(&s->data, &s->data_n, &s->data_cap, value);
        s->has_data = true;
        return ok;
    }
    if (str_eq(name, STR("id"))) {
        keep_text(s->id, sizeof(s->id), &s->has_id, value);
    } else if (str_eq(name, STR("event"))) {
        keep_text(s->type, sizeof(s->type), &s->has_type, value);
    }
    return true;
}

bool sse_read(struct sse *s, struct str bytes)
{
    while (bytes.n > 0) {
        size_t n = 0;
        if (s->after_cr && bytes.p[0] == '\n') {
            bytes = str_from(bytes, 1);
        }
        s->after_cr = false;
        while (n < bytes.n && bytes.p[n] != '\n' && bytes.p[n] != '\r') {
            n++;
        }
        if (!append(&s->line, &s->n, &s->cap, str_upto(bytes, n))) {
            return false;
        }
        if (n == bytes.n) {
            return true;
        }
        s->after_cr = bytes.p[n] == '\r';
        bytes = str_from(bytes, n + 1);
        size_t len = s->n;
        s->n = 0;
        if (!take_line(s, str_make(s->line != NULL ? s->line : "", len))) {
            return false;
        }
    }
    return true;
}
