/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry of a History-Info header (RFC 7044 §5), and the arithmetic of its indexes.
 *
 *     <sip:bob@192.0.2.4;cause=486?Reason=SIP%3Bcause%3D302>;index=1.1;mp=1
 *      '------ uri ---------------' '------ headers ------'       |    '- target, of
 *                                                               index
 *
 * An entry keeps the text that it came as, and that text is what leaves again, until one of
 * the functions here changes the entry: those write a new text. All slices point into the
 * message or into the arena.
 *
 * INDEXES are texts such as "1.2.1", compared number by number, so that the list of entries in
 * ascending order is the preorder of the tree of attempts (RFC 7044 §10.3).
 */
#ifndef BATON_HISTORY_ENTRY_H
#define BATON_HISTORY_ENTRY_H

#include "base/arena.h"
#include "sip/msg.h"

/** Entries that one request may have; more are not looked at (E_TOOMANY). */
#define HI_MAX 64
/** Octets of one index. */
#define HI_INDEX_MAX 160

/** How a target came about (RFC 7044 §10.4). */
enum hi_target {
    HI_TARGET_NONE,
    HI_TARGET_RC, /**< another address of the same user */
    HI_TARGET_MP, /**< another user */
    HI_TARGET_NP, /**< nothing changed */
};

struct hi_entry {
    struct str text;    /**< the whole entry as it goes out */
    struct str name;    /**< what stands before the bracket: a display name, mostly nothing */
    struct str uri;     /**< hi-targeted-to-uri without its headers */
    struct str headers; /**< the headers of that URI, escaped, without '?'; absent: none */
    struct str params;  /**< parameters of the entry, after the first ';'; absent: none */
    struct str index;
    uint8_t target; /**< enum hi_target … */
    struct str of;  /**< … and the index that it names */
};

/** A list in ascending order of index. The entries lie in an arena. */
struct hi_list {
    struct hi_entry *entry; /**< room for HI_MAX, NULL when empty from the start */
    uint32_t count;
};

/** index-val of RFC 7044 §5, at most HI_INDEX_MAX octets. */
bool hi_index_valid(struct str index);

/** Order of two indexes: <0, 0, >0. "1.2" < "1.2.1" < "1.10". */
int hi_index_cmp(struct str a, struct str b);

/** `parent` with one level more, "1.1" and 3 give "1.1.3". Absent when memory is out or it
    becomes too long. */
struct str hi_index_child(struct arena *a, struct str parent, uint32_t n);

/**
 * One element of the header. An entry without brackets is taken as well; one without an index
 * is not (every implementation writes it).
 * @return 0 or E_SYNTAX
 */
int hi_entry_parse(struct str value, struct hi_entry *out);

/** All entries of a message, in the order in which they stand. @return 0, E_SYNTAX, E_TOOMANY,
    E_NOMEM; the list is empty then */
int hi_list_parse(struct arena *a, const struct sip_msg *m, struct hi_list *out);

/** What an entry is made from. */
struct hi_new {
    struct str uri;     /**< a tel: URI becomes sip:…@domain;user=phone (RFC 7044 §9.2) */
    struct str domain;  /**< … of this domain; absent: unknown.invalid (RFC 7544 §5) */
    uint32_t cause;     /**< cause parameter of the URI (RFC 4458), in place of one that is
                             there already; 0: none is added, and one that is there stays */
    struct str privacy; /**< Privacy in its headers; absent: none */
    struct str index;
    uint8_t target;
    struct str of;
};
/** @return 0, E_NOMEM; E_SYNTAX: that is no URI */
int hi_entry_make(struct arena *a, const struct hi_new *from, struct hi_entry *out);

/**
 * Put an entry where its index belongs, behind those of the same index.
 * @return 0; E_TOOMANY; E_NOMEM
 */
int hi_list_add(struct arena *a, struct hi_list *l, const struct hi_entry *e);

/** The entry with that index, the last one if there are several; NULL: none. */
struct hi_entry *hi_list_find(const struct hi_list *l, struct str index);

/** The cause parameter of the URI (RFC 4458 §2); 0: none. */
uint32_t hi_entry_cause(const struct hi_entry *e);

/**
 * Add a Reason ("SIP;cause=302", in clear) to the headers of the URI, unless one of the same
 * protocol is there. A tel: URI cannot have one: nothing is changed then (RFC 7044 §10.2).
 * @return 0 or E_NOMEM
 */
int hi_entry_add_reason(struct arena *a, struct hi_entry *e, struct str reason);

/** Add a header to the URI, its value escaped. A tel: URI cannot have one: nothing is changed.
    @return 0 or E_NOMEM */
int hi_entry_add_header(struct arena *a, struct hi_entry *e, struct str name, struct str value);

/** Does the entry itself ask for privacy (Privacy=history in its URI)? */
bool hi_entry_private(const struct hi_entry *e);

/** The same entry without Privacy in its URI, and with `anonymous` as an anonymous URI
    (RFC 7044 §10.1.2). @return 0 or E_NOMEM */
int hi_entry_conceal(struct arena *a, struct hi_entry *e, bool anonymous);

/** Are two URIs the same target? Headers and a cause parameter do not count. */
bool hi_same_target(struct str a, struct str b);

/** Same index and same target: one entry that was seen twice. */
bool hi_entry_same(const struct hi_entry *a, const struct hi_entry *b);

#endif
