/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader of Server-Sent Events (WHATWG HTML §9.2): octets in, events out.
 *
 * Lines end in CR, LF or both; fields are `data`, `id`, `event`; comments and unknown fields
 * are passed over. An event that has not ended when the stream does is not told, as the
 * standard has it: it comes again behind Last-Event-ID. One with an id and no data is told,
 * too: it moves the place to come back to.
 */
#ifndef BATON_CLIENT_SSE_H
#define BATON_CLIENT_SSE_H

#include "base/attr.h"
#include "base/str.h"

/** Borrowed for the call. */
struct sse_event {
    struct str id;   /**< not set: it has none */
    struct str type; /**< of `event`; not set: none */
    struct str data; /**< its lines, joined by line feeds */
};

struct sse {
    /** @return false: read no further */
    bool (*event)(void *ctx, const struct sse_event *e);
    void *ctx;
    char *line; /**< that is not whole yet */
    size_t n, cap;
    char *data;
    size_t data_n, data_cap;
    char id[64], type[96];
    bool has_id, has_type, has_data, after_cr;
};

void sse_init(struct sse *s, bool (*event)(void *ctx, const struct sse_event *e), void *ctx);
void sse_fini(struct sse *s);

/** @return false: no further: the event function has enough, a line is too long, no memory */
bool sse_read(struct sse *s, struct str bytes) MUST_USE;

#endif
