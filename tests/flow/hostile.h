/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hostile boxes in the network, for the tests of the requirements of RFC 6567: each requirement
 * is a table of whole flows with somebody on the way who changes what passes, and of what is
 * said about that at the far end, by Baton's counters and notes, and to applications.
 *
 * A BOX stands between two nodes and gets its hands on the messages of one pattern (wire.h).
 * The wire keeps what was sent and what arrived.
 *
 * A FLOW is a call of ann's, through the bridge or through the proxy, that ends at bob, or at
 * cleo to whom bob redirects or refers it, or at the trunk. It begins with ann, the gateway, or
 * an application that makes the call. Everything else is in its row.
 *
 * THREE ANSWERS. `arrives`: the User-to-User of the terminator's INVITE, octet by octet.
 * `reads`: what a terminator makes of it that uses the same code, believes Baton, and has the
 * keys: verdict, seal, who inserted it. `reports`: what Baton counted and noted; behind "…":
 * the end of that. `told`: what private data of the last event with User-to-User said to an
 * application that watches the terminator.
 */
#ifndef BATON_TESTS_HOSTILE_H
#define BATON_TESTS_HOSTILE_H

#include "border/border.h"
#include "service.h"

struct box;

/** Write another message. @return false: this one passes as it is */
typedef bool (*attack_fn)(struct box *b, struct str message, struct out *o);

struct box {
    const char *from, *to; /**< names of nodes: "ann", "baton", "bob", "trunk"; NULL: any */
    const char *pattern;   /**< wire.h */
    attack_fn attack;
    const char *arg;
    unsigned done; /**< messages that were changed */
};

#define HOSTILE_BOXES 4

/* ---- attacks ---- */

/** The first text "A" becomes "B": arg "A=>B". Wherever it stands in the head. */
bool attack_text(struct box *b, struct str message, struct out *o);
/** A bit of the middle digit of the first User-to-User, header or embedded, turns over. */
bool attack_flip(struct box *b, struct str message, struct out *o);
/** Its data end after arg digits. */
bool attack_truncate(struct box *b, struct str message, struct out *o);
/** The first value comes a second time, in a line of its own; arg: this one, in place of it. */
bool attack_double(struct box *b, struct str message, struct out *o);
/** The header line arg is put behind the others. */
bool attack_add(struct box *b, struct str message, struct out *o);
/** The line arg is put behind the body, and Content-Length says so. */
bool attack_body(struct box *b, struct str message, struct out *o);
/** All lines of the header arg disappear. */
bool attack_drop(struct box *b, struct str message, struct out *o);
/** The User-to-User lines of the first message are kept … */
bool attack_keep(struct box *b, struct str message, struct out *o);
/** … and put into this one, in place of its own. Any box keeps for all. */
bool attack_put(struct box *b, struct str message, struct out *o);
/** Its hex digits become small letters: the same octets. */
bool attack_case(struct box *b, struct str message, struct out *o);

/* ---- flows ---- */

enum flow {
    FLOW_BRIDGE,
    FLOW_PROXY,
    FLOW_BRIDGE_MOVED, /**< bob answers 302, and Baton follows it to cleo */
    FLOW_PROXY_MOVED,
    FLOW_REFERRED,     /**< bob answers, and refers ann to cleo; Baton carries it out */
    FLOW_BRIDGE_TRUNK, /**< ann calls 8555 */
    FLOW_PROXY_TRUNK,
    FLOW_BRIDGE_GATEWAY, /**< the gateway calls bob */
    FLOW_PROXY_GATEWAY,
    FLOW_MADE, /**< an application makes ann call bob, with `plain` as userData */
    FLOW_COUNT
};

struct trial {
    const char *name;
    uint32_t flows;    /**< bits of enum flow: the same happens in all of these */
    const char *sends; /**< header lines of the caller's INVITE, each with \r\n; "$" in them is
                            the frame of `plain`, in hex */
    const char *plain; /**< octets that the caller, or who moves the call, seals; or NULL */
    uint16_t key;      /**< with this key of kit_seal.h; 0: SIV_KEY */
    const char *package; /**< for this package; NULL: isdn-uui */
    const char *moves;   /**< headers of the URI of the Contact or Refer-To, behind its '?' */
    struct box box[HOSTILE_BOXES];
    const char *arrives, *reads, *reports, *told; /**< told: NULL: whatever */
    void (*tweak)(struct world *w);
    void (*then)(struct service *s,
                 const struct trial *t); /**< the call stands, when bob or cleo
                                 is called: whatever else there is to see */
    bool twice;      /**< the call is made a second time, and that is the one looked at */
    uint32_t age_ms; /**< the caller sealed it so long ago */
};

/** Each trial in each of its flows. A failed check names both. */
void hostile_run(const struct trial *trials, size_t n);

/** What a terminator makes of a message (see `reads`). A static text. */
const char *hostile_reads(struct str message, bool trusts);
/** Counters and notes of Baton (see `reports`). A static text. */
const char *hostile_reports(const struct world *w);
/** Private data of the last event of an application that has some, in short. A static text. */
const char *hostile_told(const struct world *w);
/** The boxes of a trial are put in; they are copied. Before what they are to change. */
void hostile_boxes(struct world *w, const struct box *box);
/** How often the boxes changed something. */
unsigned hostile_done(void);

/** isdn-uui, sealed or not; crm in hex or text; bank: sealed; soft: sealed or not; vault: over
    TLS only. */
extern const struct uui_packages hostile_packages;

#endif
