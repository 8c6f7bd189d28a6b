/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A strict pull reader for the XML that CSTA uses.
 *
 * It reads UTF-8 documents without document type: elements, attributes, text, the five
 * entities, character references, CDATA sections and comments. Whatever it accepts is
 * well-formed XML 1.0 and means what expat says it means (a differential fuzzer holds it to
 * that). What it does not read though it may be well-formed (another encoding, processing
 * instructions, names beyond ASCII) it declines with E_UNSUPPORTED; xml_recode, which stands
 * on expat, turns such a document into one that this reader takes. A document type is
 * refused by both: E_DENIED.
 *
 * Namespaces are not resolved: `name` is what follows the prefix, and an end tag has to
 * match the start tag in full.
 *
 * The reader allocates nothing, owns nothing, and borrows the input. About 2 KiB of state,
 * one pass over the bytes.
 */
#ifndef BATON_CSTA_XML_H
#define BATON_CSTA_XML_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/out.h"
#include "base/str.h"

enum {
    XML_DEPTH_MAX = 64,
    XML_ATTR_MAX = 32,
};

enum xml_event {
    XML_END_OF_DOCUMENT,
    XML_START, /**< name, qname, attr, nattr, attrs, at */
    XML_TEXT,  /**< text: everything between two tags, at least one octet of it */
    XML_END,   /**< qname; also after the start of an empty element */
};

struct xml_limits {
    size_t bytes;
    unsigned depth; /**< at most XML_DEPTH_MAX */
    unsigned elements;
    bool any_name; /**< take octets beyond ASCII in names (behind xml_recode) */
};

/** Text as it stands in the document. */
struct xml_raw {
    struct str raw;
    bool plain; /**< nothing in it to replace: the raw text is the text */
};

struct xml_attr {
    struct str name; /**< without prefix */
    struct str qname;
    struct xml_raw value;
};

struct xml_reader {
    const char *p, *end, *start;
    struct xml_limits limits;
    const char *at;     /**< where the last event, or the fault, is */
    const char *reason; /**< of a failure; static text */
    struct str name, qname;
    struct str attrs; /**< raw, from behind the name to the end of the last attribute */
    struct xml_raw text;
    unsigned nattr, depth, elements;
    bool empty_tag; /**< the end of an empty element is due */
    bool seen_root;
    bool fragment; /**< the input is what stands between two tags, or in one */
    struct xml_attr attr[XML_ATTR_MAX];
    struct str open[XML_DEPTH_MAX];
};

/** Start reading; `limits` is copied. Fails on a document larger than allowed: E_TOOBIG. */
MUST_USE int xml_init(struct xml_reader *r, struct str doc, const struct xml_limits *limits);

/**
 * The next event.
 * @return an enum xml_event; E_SYNTAX, E_TOOMANY, E_DENIED (document type) or E_UNSUPPORTED
 *         (declined), with `at` and `reason` set. After a failure nothing more is read.
 */
MUST_USE int xml_next(struct xml_reader *r);

/**
 * The text of the element whose start was the last event; its end is read too.
 * @return 0; E_VALUE when there is an element inside (`at` is there); or as xml_next, E_NOMEM
 */
MUST_USE int xml_text(struct xml_reader *r, struct arena *a, struct str *out);

/**
 * Skip the element whose start was the last event, its end included.
 * @param raw  what is between the tags, as it stands; may be NULL
 * @return 0 or as xml_next
 */
MUST_USE int xml_skip(struct xml_reader *r, struct str *raw);

/**
 * Text with references replaced, line ends normalised, comments left out. A slice of the
 * document where that changes nothing, in `a` otherwise. @return 0 or E_NOMEM
 */
MUST_USE int xml_text_of(const struct xml_raw *raw, struct arena *a, struct str *out);

/** The same for an attribute: blanks are normalised too (XML 1.0 §3.3.3). */
MUST_USE int xml_attr_of(const struct xml_raw *raw, struct arena *a, struct str *out);

/**
 * Write text so that a reader gets it back: with references where they are needed. Octets that
 * XML cannot carry (control characters, what is no UTF-8) become U+FFFD.
 * @param attr  between the quotation marks of an attribute
 */
void xml_write(struct out *o, struct str s, bool attr);

/** Whether `body` can stand between tags, and `attrs` behind a tag's name. */
bool xml_is_content(struct str body);
bool xml_is_attrs(struct str attrs);

/** One element start of a recoded document, for positions. */
struct xml_place {
    size_t to, from; /**< offset in the new document and in the old one */
};

struct xml_recoded {
    struct str doc;
    struct xml_place *place;
    size_t nplace;
};

/**
 * Read any document with expat and write it again in the form that xml_next reads: UTF-8, no
 * declaration, no comments, no processing instructions.
 *
 * expat keeps its tables in memory of the C library: its allocator interface has no room for
 * a context, and the core has no mutable globals to hold one. All of it is given back before
 * the return. Expat is not asked for randomness: `salt` seeds its hash, 0 means a constant.
 *
 * @param at      on failure: offset in `doc`
 * @param reason  on failure: static text
 * @return 0, E_SYNTAX, E_DENIED (document type), E_TOOBIG, E_TOOMANY, E_NOMEM
 */
MUST_USE int xml_recode(struct str doc, const struct xml_limits *limits, unsigned long salt,
                        struct arena *a, struct xml_recoded *out, size_t *at,
                        const char **reason);

/** The place in the old document that belongs to `offset` in the new one. */
size_t xml_recoded_from(const struct xml_recoded *rec, size_t offset);

/** Line and column from 1, columns in octets; any of CR, LF, CRLF ends a line. */
void xml_position(struct str doc, size_t offset, unsigned *line, unsigned *column);

#endif
