/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text that grows in an arena, for answers whose length nobody knows beforehand. Errors
 * stick, as with base/out.h: write all of it, then look once (text_reply does).
 */
#ifndef BATON_API_TEXT_H
#define BATON_API_TEXT_H

#include "api/request.h"
#include "base/arena.h"

struct text {
    struct arena *arena;
    char *p;
    size_t n, cap;
    bool failed; /**< memory was out: what is there is of no use */
};

static inline struct text text_in(struct arena *arena)
{
    return (struct text){.arena = arena};
}
static inline struct str text_str(const struct text *t)
{
    return str_make(t->p != NULL ? t->p : "", t->n);
}

void text_add(struct text *t, struct str s);
void text_c(struct text *t, const char *s);
void text_fmt(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/** A string of JSON with its quotes. */
void text_json(struct text *t, struct str s);
/** `"name":"value"`, with a comma before it unless a brace or bracket stands there. */
void text_member(struct text *t, const char *name, struct str value);
/** `"name":`, with the comma likewise. */
void text_name(struct text *t, const char *name);
/** Milliseconds since 1970 as "2026-11-20T12:00:00.123Z". */
void text_time(struct text *t, uint64_t wall_ms);

/** Answer with it: 200 and JSON; 503 when memory was out. */
void text_reply(struct api_request *r, const struct text *t);

#endif
