/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every User-to-User value of a message, wherever it stands, and how to take it out there.
 *
 *     line        User-to-User: 04AA;encoding=hex, "x";purpose=crm       a list of two values
 *     line        X-UUI: 04AA                                            of one
 *     uri         Refer-To: <sip:a@b?Replaces=…&User-to-User=04AA%3B…>   a list in one of the
 *                                                                        URI's headers
 *     parameter   Contact: <sip:a@b;uui=04AA>                            of one
 *     body        application/ISUP, …                                    of one
 *     body        message/sipfrag: lines and URIs of the message that it quotes
 *
 * URIs are walked in the Request-URI and in all headers of addresses but From and To, which
 * both ends of a dialog have to see alike; and in the headers of URIs for other URIs, as a
 * Contact may embed a History-Info.
 *
 * The walk is lenient: it is about finding what could be read by somebody, not about judging
 * it. The values are judged as if each list stood in a message of its own.
 *
 * OWNERSHIP. Everything lies in the arena or is a slice of the message. COST: linear.
 * Private to the border.
 */
#ifndef BATON_BORDER_FIND_H
#define BATON_BORDER_FIND_H

#include "border/patch.h"
#include "border/policy.h"
#include "border/text.h"
#include "sip/msg.h"
#include "uui/dialect.h"

/** Values of one message; more is E_TOOMANY. */
#define BORDER_VALUES_MAX 512

/** URIs within URIs. */
#define BORDER_DEPTH_MAX 4

#define BORDER_NOWHERE UINT32_MAX

struct border_value {
    struct uui_value v;      /**< judged; v.text is what stands there, or what it means */
    struct border_text text; /**< what stands there */
    uint64_t hash;           /**< border_value_hash, 0: not asked yet */
    uint32_t group;
    uint8_t place;  /**< enum border_place */
    uint8_t header; /**< enum sip_hdr_id of the line; OTHER: start line, body, unknown */
    uint8_t body;   /**< BODY: enum isdn_place; 0: in a fragment */
    bool foreign;   /**< it stands where the neighbour's dialect has its own */

    /* what is decided about it */
    bool gone;
    struct str put; /**< not absent: this instead of `text` */
};

/** Values one behind another, separated by commas. */
struct border_group {
    uint32_t first, n;
    uint32_t from, to;           /**< disappears with the last of them; none: a URI's header */
    uint32_t name_from, name_to; /**< of an X-header's line; empty: no other name is put */
    struct str name;             /**< the name to be put */
};

/** A header of a URI. */
struct border_part {
    uint32_t from, to;
    uint32_t group; /**< of values, or BORDER_NOWHERE */
};

struct border_uri {
    uint32_t mark; /**< its '?', which goes with the last header */
    uint32_t first, n;
};

struct border_list {
    void *at;
    uint32_t n, room;
};

struct border_found {
    const struct sip_msg *m;
    struct arena *arena;
    const struct uui_packages *packages;
    const struct uui_far *far; /**< whose dialect it is in; zeros: canonical */
    struct border_list values, groups, parts, uris;
    int err; /**< sticky: E_NOMEM, E_TOOMANY */
};

/**
 * @param what bits of enum border_scan: where to look; ~0u: everywhere
 * @param far  how the neighbour writes from whom it comes; zeros: as we do
 * @return 0; E_NOMEM; E_TOOMANY: more than anybody needs
 */
int border_find(const struct sip_msg *m, unsigned what, const struct uui_packages *packages,
                const struct uui_far *far, struct arena *a, struct border_found *out) MUST_USE;

static inline struct border_value *border_value_at(const struct border_found *f, uint32_t i)
{
    return (struct border_value *)f->values.at + i;
}

static inline struct border_group *border_group_at(const struct border_found *f, uint32_t i)
{
    return (struct border_group *)f->groups.at + i;
}

/** Put what was decided about the values into changes of the message; not for those of the
    body. */
void border_apply(const struct border_found *f, struct border_patch *p);

/** The same for the body. @return E_NOMEM; E_VALUE: it cannot be done */
int border_apply_body(const struct border_found *f, struct border_patch *p) MUST_USE;

/** Is anything in a fragment of a message to be changed? */
bool border_changes_fragment(const struct border_found *f);

/** The message with all changes, and with the length that its body has then.
    @return 0 or E_NOMEM */
int border_emit(const struct border_found *f, struct border_patch *p, struct str *out) MUST_USE;

/* ---- within find*.c ---- */

/** A zeroed place at the end, or NULL: f->err. */
void *border__push(struct border_found *f, struct border_list *l, size_t size);

/**
 * A comma list of values, or one that is none.
 * @param name  of the header or parameter
 * @return its group, or BORDER_NOWHERE: f->err
 */
uint32_t border__values(struct border_found *f, const struct border_text *t,
                        enum border_place place, struct str name, enum sip_hdr_id header);

/** Those in the body. */
void border__body(struct border_found *f);
/** Those in fragments of messages in it. */
void border__fragments(struct border_found *f);

/** The values of groups [first, end) stand in one message, so to speak: the rules of number. */
void border__judge(struct border_found *f, uint32_t first);

/** All URIs of a header value; `list`: commas separate. */
void border__addresses(struct border_found *f, const struct border_text *t, bool list,
                       enum sip_hdr_id header);
/** One URI. */
void border__uri(struct border_found *f, const struct border_text *t, enum sip_hdr_id header);

#endif
