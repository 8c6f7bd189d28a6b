/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Change a message without copying it.
 *
 * An edit holds a message and an ordered list of changes (cut a span, put text at an
 * offset). `sip_edit_emit` resolves both in one walk into runs of borrowed bytes, ready
 * for env->send: what nobody touched leaves byte for byte as it came, in its order.
 *
 * Texts that are put must live until the runs have been used; they come from an arena or
 * are literals. Changes are given in any order; at one offset, puts come out in the order
 * in which they were given, before what stood there. A put inside a cut span comes out;
 * overlapping cuts merge.
 *
 * When the body is replaced or cut, Content-Length is the caller's business only through
 * sip_edit_body, which rewrites it.
 */
#ifndef BATON_SIP_EDIT_H
#define BATON_SIP_EDIT_H

#include "base/arena.h"
#include "sip/msg.h"

#define SIP_EDIT_MAX 96 /**< changes */
#define SIP_RUN_MAX (2 * SIP_EDIT_MAX + 2)

struct sip_change {
    uint32_t from, to; /**< octets [from, to) disappear */
    struct str put;    /**< and this stands before them */
    uint32_t order;
};

struct sip_edit {
    const struct sip_msg *m;
    struct arena *arena;
    int err; /**< sticky: E_TOOMANY, E_NOMEM */
    uint32_t count;
    struct sip_change change[SIP_EDIT_MAX];
};

void sip_edit_init(struct sip_edit *e, const struct sip_msg *m, struct arena *arena);

/** A whole new start line, without CRLF. */
void sip_edit_start_line(struct sip_edit *e, struct str line);

/** Cut one line, or all lines of a header, with their CRLF. */
void sip_edit_cut_line(struct sip_edit *e, const struct sip_hdr *h);
void sip_edit_cut(struct sip_edit *e, enum sip_hdr_id id);

/** Replace the value of one line. */
void sip_edit_value(struct sip_edit *e, const struct sip_hdr *h, struct str value);

/** Replace the octets [off, off+len) of the buffer, e.g. one element of a list. */
void sip_edit_span(struct sip_edit *e, uint32_t off, uint32_t len, struct str text);

/** Replace the first line's value and cut the others; add at the end when absent. */
void sip_edit_set(struct sip_edit *e, enum sip_hdr_id id, struct str value);

/** "Name: value" CRLF, before the first line of that header (or first of all headers). */
void sip_edit_prepend(struct sip_edit *e, enum sip_hdr_id id, struct str value);

/** After the last header line. */
void sip_edit_append(struct sip_edit *e, struct str name, struct str value);

/** Header lines as they are, each with CRLF, after the start line. */
void sip_edit_top(struct sip_edit *e, struct str lines);

/**
 * New body with its type (absent: none); Content-Length and Content-Type follow.
 * Content-Encoding of the old body goes, without a type also its Content-Disposition and
 * Content-Language.
 */
void sip_edit_body(struct sip_edit *e, struct str type, struct str body);

/** Is what is left all there is, and nothing was put? */
bool sip_edit_only_cuts(const struct sip_edit *e);

/**
 * Resolve. @param run SIP_RUN_MAX entries
 * @return number of runs, or e->err
 */
int sip_edit_emit(struct sip_edit *e, struct str *run);

/** Sum of the runs. */
size_t sip_runs_len(const struct str *run, size_t n);

/** Contiguous copy (for retransmission); {NULL,0} when memory is out. mem_free(mem, p). */
struct str sip_runs_flatten(const struct mem *mem, const struct str *run, size_t n);

#endif
