/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The border: every message that comes in from a neighbour or goes out to one is looked at for
 * User-to-User information, wherever that hides (RFC 7433, and what was there before it), and
 * is changed or refused as the configuration wants. Nobody else in Baton knows of dialects and
 * policies: inside, a value is an element of RFC 7433.
 *
 *     wire → [index, check] → border_in  → transactions, dialogs, calls …
 *     … calls, dialogs, transactions → border_out → [Via] → wire
 *
 * IN: what the neighbour's dialect wrote becomes canonical, then the rules are asked.
 * OUT: the rules are asked, packages with tls_only stay behind where there is no TLS, what is
 * left is written in the dialect of the neighbour who gets it, and what that one cannot take is
 * refused here, in place of being lost there. A bridged call, a proxied one, a redirection, a
 * referral, a registration and what Baton says by itself pass the same two doors.
 *
 * ELEMENT BY ELEMENT. What a rule takes out disappears with its comma, its '&' or its line; all
 * other octets of the message leave as they came, at whatever depth of escaping it stood. Texts
 * that somebody has signed (a body under Identity or auth-int, multipart/signed) are not
 * edited: that is noted.
 *
 * WHO BROUGHT IT. At the out door the message of the in door is long gone. The border keeps a
 * hash of each value and of who brought it last (source.h), so `from` in a rule works for
 * whatever way the value has taken inside.
 *
 * NOTES. Each change is counted, noted in a ring, and logged without its octets.
 *
 * COST. Not active: one test for each message. Active, but no User-to-User in the message: one
 * pass over its head (scan.h) when it comes in. When it leaves, what is still octet by octet in
 * the message that came in is not looked at again, and neither are its values parsed again: so
 * that is some words, and the rules. In all other cases: a pass, an index, the values, the
 * rules.
 *
 * OWNERSHIP. Config, policy, directory and packages are the caller's. What comes out of in and
 * out lies in the arena that was given to border_init.
 */
#ifndef BATON_BORDER_BORDER_H
#define BATON_BORDER_BORDER_H

#include "border/policy.h"
#include "seal/seal.h"
#include "txn/txn.h"
#include "uui/merge.h"

struct border_found;
struct border_source;

/** Notes that are kept. */
#define BORDER_NOTES 1024

/** What became of one value. */
struct border_note {
    uint64_t call;    /**< hash of the Call-ID */
    uint64_t message; /**< hash of Call-ID, CSeq, direction and neighbour: repetitions have the
                           same and are not noted again */
    uint64_t time_ms;
    struct str peer;  /**< of the directory; "device" */
    struct str rule;  /**< name; absent: no rule, `why` says it */
    const char *why;  /**< static text */
    char package[24]; /**< cut, NUL-terminated; "" when it cannot be told */
    uint32_t octets;
    uint16_t status; /**< of the message; 0: a request */
    uint8_t method, place, header, action, direction;
};

struct border_stats {
    uint64_t seen;    /**< values */
    uint64_t decoded; /**< came in a dialect */
    uint64_t encoded; /**< left in one */
    uint64_t stripped, replaced, refused;
    uint64_t withheld; /**< for want of TLS; they are in stripped or refused, too */
    uint64_t too_long; /**< the neighbour could not have taken them; likewise */
    uint64_t left;     /**< in bodies that are not or cannot be changed: signed, malformed */
    uint64_t failed;   /**< memory was out */
};

/** A value of a redirection, referral, service or rule that did not go on (uui/merge.h). */
struct border_moved {
    struct str call_id;
    struct border_party by; /**< who brought it; zeros: Baton */
    struct str rule;        /**< of the routes; absent: none */
    const struct uui_value *value;
    enum uui_fate fate; /**< what was replaced is counted, and not noted */
    enum sip_hdr_id
        in; /**< Contact or Refer-To, in whose URI it stood; SIP_HDR_OTHER: in none */
};
/** Peers that are known by name only and whose addresses are remembered. */
#define BORDER_LEARNED 16

struct border_learned {
    struct addr addr;
    uint8_t name_n;
    char name[119];
};

struct border {
    const struct env *env;
    struct arena *arena; /**< of the input or the tick */
    const struct directory *directory;
    const struct wheel *wheel;
    const struct uui_packages *packages; /**< NULL: isdn-uui alone */
    const struct border_policy *policy;  /**< NULL: none */
    struct seal *seal; /**< opens what is sealed, for rules that ask; NULL: there are no keys */
    /** enum border_understood: does who gets `m` understand the package? A peer, or `to` is
       NULL and a request goes to a phone. Set after init; NULL: nobody knows */
    unsigned (*understands)(void *ctx, const struct peer *to, const struct sip_msg *m,
                            struct str package, struct str feature_tag);
    void *understands_ctx;
    bool active; /**< anything to do at all: border_refresh */
    struct hash_key key;
    struct border_source *source; /**< who brought what; NULL: no rule asks */
    struct border_note *note;     /**< ring of BORDER_NOTES; NULL until there is one */
    uint64_t noted;               /**< ever */
    struct border_stats stats;
    /** Hears of each value that is shown to the rules, with the one that holds or NULL; for who
        explains them. May be NULL. */
    void (*asked)(void *ctx, const struct border_question *q, const struct border_rule *r);
    void *ctx;
    struct border_learned learned[BORDER_LEARNED];
    uint32_t learned_next;
    /** What came in last and went on as it was, until border_forget: its octets are known. */
    struct {
        const struct sip_msg *m;  /**< NULL: nothing */
        struct str text, copy;    /**< it, and what its transaction keeps of it */
        struct border_party from; /**< who brought it */
        struct border_found
            *found; /**< its values, all of them in headers; NULL: it has none */
    } recent;
    struct txn_known known; /**< the same, for the transactions */
    struct {
        const struct peer *peer;
        uint64_t hash;
    } named;           /**< the name of one peer as border_source_put keeps it; NULL: of none */
    uint64_t lines_ms; /**< when the present time of log lines began … */
    uint32_t lines;    /**< … and how many there were */
    struct sip_hdr hdr[SIP_HDR_MAX];
};

/** @return 0 or E_NOMEM */
int border_init(struct border *b, const struct env *env, const struct wheel *wheel,
                const struct directory *directory, struct arena *arena);
void border_fini(struct border *b);

/**
 * Policy, packages or the directory's peers have changed. The old ones are not looked at any
 * more. Without memory the border stays active but does not know who brought what: values then
 * count as nobody's. @return 0 or E_NOMEM
 */
int border_refresh(struct border *b, const struct border_policy *policy,
                   const struct uui_packages *packages);

enum border_verdict {
    BORDER_AS_IT_IS,
    BORDER_CHANGED,
    BORDER_REFUSED, /**< only requests that may be refused: not ACK, CANCEL, BYE */
    BORDER_NO_MEMORY,
};

struct border_result {
    struct str bytes;         /**< CHANGED: the message in place of the old one */
    struct txn_reply refusal; /**< REFUSED */
};

/** A checked message from the wire. */
enum border_verdict border_in(struct border *b, const struct sip_msg *m, const struct hop *from,
                              struct border_result *out);

/** The input has been dealt with. */
void border_forget(struct border *b);

/** A message that is about to leave. */
enum border_verdict border_out(struct border *b, const struct hop *to,
                               const struct txn_leaving *what, struct border_result *out);

/** txn_border.leaves; `border` is the ctx. */
enum txn_exit border_leaves(void *border, const struct hop *hop, const struct txn_leaving *what,
                            struct txn_exit_out *out);
/** txn_border.copied */
void border_copied(void *border, const struct sip_msg *m, const struct sip_msg *copy);

/** A value that has stayed behind, into the notes; once for a call, even if it is tried again.
 */
void border_note_moved(struct border *b, const struct border_moved *m);

/** Has somebody signed the body, so that it is not to be changed? */
bool border_body_is_signed(const struct sip_msg *m);

/** The notes about a call, oldest first; Call-ID absent: all of them. */
void border_each_note(const struct border *b, struct str call_id,
                      void (*fn)(void *ctx, const struct border_note *note), void *ctx);

#endif
