/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies with several parts (RFC 2046 §5.1): walked, and written.
 *
 *     struct multipart it;
 *     struct mime_part part;
 *     int got = multipart_begin(&it, content_type, body);
 *     while (got >= 0 && (got = multipart_next(&it, &part)) > 0) {
 *         use(mime_header(&part, STR("Content-Type")), part.body);
 *     }
 *     if (got < 0) { the body is not well-formed; what was walked was }
 *
 * READING is strict about what separates: lines end in CRLF, a delimiter is a whole line, and
 * the closing one has to be there, since a body without it may have been cut. Preamble and
 * epilogue are skipped. A part that is a multipart itself is given as it is: who wants to can
 * walk it in the same way.
 *
 * OWNERSHIP. Everything borrows from the body. No memory; linear in its length.
 *
 * NOT HERE: what the types mean; transfer encodings, of which SIP needs none (RFC 3261 §7.4).
 */
#ifndef BATON_MIME_MULTIPART_H
#define BATON_MIME_MULTIPART_H

#include "base/attr.h"
#include "base/out.h"
#include "base/str.h"

/** Longest boundary (RFC 2046 §5.1.1). */
#define MIME_BOUNDARY_MAX 70

/** Parts of one body; more is E_TOOMANY. */
#define MIME_PARTS_MAX 32

struct mime_part {
    struct str
        headers;     /**< its header lines, the CRLF of the last one left out; may be empty */
    struct str body; /**< may be empty */
};

struct multipart {
    struct str rest;     /**< from the first octet of the next part */
    struct str boundary; /**< without its two dashes */
    unsigned count;
    bool open; /**< the closing delimiter has not been seen */
};

/** Is the value of a Content-Type header `multipart/…`? */
bool mime_is_multipart(struct str content_type);

/** A parameter of a Content-Type or Content-Disposition value, without its quotes, escapes
   left.
    @return false: there is none of that name, or what stands before it is not well-formed */
bool mime_param(struct str content_type, struct str name, struct str *out);

/**
 * Start to walk.
 * @param content_type  value of the header, with its boundary parameter
 * @return 0; E_UNSUPPORTED: not multipart; E_SYNTAX: no boundary or not one, or no delimiter
 */
int multipart_begin(struct multipart *it, struct str content_type, struct str body) MUST_USE;

/**
 * The next part.
 * @return 1; 0 behind the last; E_SYNTAX: no delimiter behind the part, or a header line
 *         without a name; E_TOOMANY. After an error there is nothing more: 0
 */
int multipart_next(struct multipart *it, struct mime_part *part) MUST_USE;

/** Value of the first header of that name, trimmed, folds as they are; absent if none. */
struct str mime_header(const struct mime_part *part, struct str name);

/** One part: delimiter, `lines` (each with CRLF), the empty line, body. */
void multipart_write_part(struct out *o, struct str boundary, struct str lines,
                          struct str body);

/** The closing delimiter. */
void multipart_write_end(struct out *o, struct str boundary);

#endif
