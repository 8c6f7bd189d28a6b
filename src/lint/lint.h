/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User in words: find the values of messages, logs and captures, and say what is wrong
 * with them and with where they stand; for `baton uui`, and for /v1/uui.
 *
 *   lines of a log ──┐
 *                    ├─► struct lint_message ──► values, judged ──► findings ──► printed
 *   captured bytes ──┘        (its head)         + rules below
 *
 * The codec judges a value by itself. What it cannot see is the message around it: whether
 * that may carry User-to-User at all, and whether the call was begun with isdn-uui. Those are
 * the rules below, each with the document that has it. Nothing is repaired.
 *
 * LEVELS. WRONG: it breaks the grammar or contradicts itself. IGNORED: a receiver that keeps to
 * the documents does not deliver it. NOTE: it works, but not everywhere.
 *
 * A DIALECT can be named in which the values are written; then they are read as the server
 * would read them from a neighbour with that dialect, and shown with what they come to.
 *
 * A message is read tolerantly, as traces have it: LF for CRLF, headers left out, log prefixes
 * before each line.
 */
#ifndef BATON_LINT_LINT_H
#define BATON_LINT_LINT_H

#include "base/arena.h"
#include "base/out.h"
#include "isdn/body.h"
#include "sip/names.h"
#include "uui/dialect.h"

enum lint_level { LINT_NOTE, LINT_IGNORED, LINT_WRONG };

/** Rules about the message: name, level, what it means, where it is written. */
#define LINT_RULE_LIST(X)                                                                      \
    X(NONE, NOTE, "nothing is wrong", "")                                                      \
    X(PLACE, IGNORED, "no message of this kind carries User-to-User", "RFC 7433 §4.1")         \
    X(REFER_HEADER, IGNORED, "a REFER carries it inside the URI of Refer-To, not as a header", \
      "RFC 7433 §4.1")                                                                         \
    X(ISDN_PLACE, IGNORED,                                                                     \
      "isdn-uui goes in the INVITE that begins a call, in BYE, and in what answers them",      \
      "RFC 7434 §7, §8")                                                                       \
    X(ISDN_NOT_OPENED, IGNORED, "the INVITE had no isdn-uui, so nobody may send it later",     \
      "RFC 7434 §7, §8")                                                                       \
    X(ISDN_REDIRECT, NOTE, "who redirects must not put isdn-uui into a Contact",               \
      "RFC 7434 §8; RFC 7433 §4.3 shows it")                                                   \
    X(LINK, NOTE, "the data is a URI; Call-Info is for those", "RFC 7433 §4")                  \
    X(VENDOR, NOTE, "a vendor's header: who keeps to the standard does not look at it",        \
      "RFC 7433 §4.1")                                                                         \
    X(DRAFT, NOTE, "purpose=isdn-interwork is the name in drafts", "RFC 7434 §8")              \
    X(ISDN_LONG, NOTE, "longer than an ISDN carries: a gateway drops it in silence",           \
      "RFC 7434 §6")                                                                           \
    X(TOO_MANY, WRONG, "more values in one message than are looked at",                        \
      "a limit of this program")                                                               \
    X(BODY_FORM, WRONG, "the body or part is not what its type says", "Q.763, RFC 7195")       \
    X(BODY_MANY, IGNORED, "several values in one message of the ISDN: none counts",            \
      "RFC 7434 §7, §8")                                                                       \
    X(BODY_LONG, IGNORED, "longer than the parameter can be", "Q.763 §3.61")                   \
    X(BODY_UNREAD, NOTE, "nobody here can read it: a foreign message, or encoded",             \
      "a limit of this program")                                                               \
    X(BODY_DIFFERS, NOTE, "header and body say different things", "RFC 7434 §4")

enum lint_rule {
#define LINT_RULE_ENUM(name, level, text, source) LINT_R_##name,
    LINT_RULE_LIST(LINT_RULE_ENUM)
#undef LINT_RULE_ENUM
        LINT_R_COUNT
};

/** What is said about one value. */
struct lint_finding {
    enum lint_level level;
    const char *rule, *text, *source;
    size_t at; /**< octet of the value at which it struck; SIZE_MAX: the whole of it */
};
#define LINT_FINDINGS_MAX 6

/** Where something was found. */
struct lint_place {
    const char *file; /**< "-": standard input; NULL: the command line */
    size_t line;      /**< of a text, from 1; 0: none */
    size_t packet;    /**< of a capture, from 1; 0: none */
    int64_t time_us;  /**< of the packet, since 1970 */
    struct str hops;  /**< "192.0.2.1:5060 > 192.0.2.2:5060 UDP", or absent */
};

/** A value with all that is known of it. */
struct lint_report {
    const struct uui_value *value; /**< NULL: a vendor's header, or a list that is too long */
    struct str where;              /**< header that it stood in, absent: a bare value */
    struct str text; /**< as it stands, when that is not `value->text`; else absent */
    const struct lint_place *place;
    struct str start, call_id; /**< of the message, or absent */
    const struct lint_finding *finding;
    size_t findings;
};

struct lint_line {
    struct str name, value;
    size_t line;
};

/** The head of one message. Its strings lie in the arena of the lint. */
struct lint_message {
    bool open;
    struct lint_place place;
    struct str start, call_id, cseq_method;
    bool to_tag;
    struct lint_line uui[UUI_VALUES_MAX], other[UUI_VALUES_MAX];
    size_t uui_n, other_n;
    bool too_many;
    struct lint_line *last; /**< that a folded line continues, or NULL */
    struct isdn_body body;  /**< of a captured message: what its bodies have … */
    int body_err;           /**< … and what is wrong with all of it, or 0 */
};

/** What is known of a call: its Call-ID's hash chooses the place, the latest one counts. */
struct lint_call {
    uint64_t hash;
    bool seen, opened; /**< its first INVITE; whether that had isdn-uui */
};
#define LINT_CALLS 4096

struct lint;
typedef void (*lint_report_fn)(struct lint *l, const struct lint_report *r);

struct lint {
    struct arena arena; /**< for one message */
    lint_report_fn report;
    void *ctx;
    const struct uui_packages *packages; /**< NULL: isdn-uui alone */
    struct uui_far far; /**< in which dialect values are read; zeros: RFC 7433 */
    struct lint_message m;
    struct lint_call *calls; /**< LINT_CALLS of them */
    size_t prefix;           /**< octets that a log puts before each line of the message */
    bool prefix_known;
    size_t messages, values, level[LINT_WRONG + 1]; /**< counters; findings by level */
    size_t sound;                                   /**< values without any finding */
};

/** @return 0 or E_NOMEM */
int lint_init(struct lint *l, lint_report_fn report, void *ctx) MUST_USE;
void lint_fini(struct lint *l);

const char *lint_level_text(enum lint_level level); /**< "note", "ignored", "wrong" */

/* ---- lint.c ---- */

/** One value, header line or URI. */
void lint_value(struct lint *l, struct str text, const struct lint_place *place);

/* ---- message.c ---- */

/** Begin the head of a message. */
void lint_begin(struct lint *l, struct str start, const struct lint_place *place);
/** One more line of the head, without line end. @return false: it is no header line */
bool lint_header(struct lint *l, struct str line, size_t number);
/** The head is complete: judge what it has. Harmless when none is open. */
void lint_end(struct lint *l);

/** The User-to-User values of these lines, as those of the open message, if there is one. */
void lint_list(struct lint *l, const struct lint_line *lines, size_t n,
               const struct lint_place *place);
/** Those embedded in the URIs of a header. @return were there any? */
bool lint_uris(struct lint *l, const struct lint_line *line, const struct lint_place *place);

/**
 * Tell of one value that stands elsewhere than in a header: whatever message may have it.
 * @param v     NULL: there is none, `text` stands there
 * @param rule  that it breaks besides its own, or NONE
 */
void lint_found(struct lint *l, const struct uui_value *v, struct str where, struct str text,
                enum lint_rule rule, const struct lint_place *place);

/* ---- body.c ---- */

/** What a body has. @param header  octets of the message's header, absent: none
    @param err  as isdn_body_read said */
void lint_body(struct lint *l, const struct isdn_body *body, int err, struct str header,
               const struct lint_place *place);
/** A line of a body in a log. @return false: it is none */
bool lint_body_line(struct lint *l, struct str line, const struct lint_place *place);

/* ---- message.c ---- */

/** A whole message, as it was captured. */
void lint_bytes(struct lint *l, struct str bytes, const struct lint_place *place);

/* ---- whole.c ---- */

/** A text that may be one message with a body. @return false: it is not, and nothing was told
 */
bool lint_whole(struct lint *l, struct str text, const struct lint_place *place);

/* ---- text.c ---- */

/** One line of a text or log, without line end. `place->line` is its number. */
void lint_text_line(struct lint *l, struct str line, const struct lint_place *place);
void lint_text_end(struct lint *l);

/* ---- decode.c ---- */

/** All values of a text, in order, each with its verdict. */
struct lint_decoding {
    const struct uui_far *far; /**< in which dialect they are; without one: RFC 7433 */
    const struct uui_packages *known;
    struct arena *arena;
    void (*value)(void *ctx, const struct uui_value *v, struct str where);
    void (*failed)(void *ctx, int err); /**< E_TOOMANY, E_NOMEM: of some */
    void *ctx;
    struct str lines[UUI_VALUES_MAX]; /**< private, like what follows */
    size_t line_count;
};

/** A value, a header line or a URI. */
void lint_decode_one(struct lint_decoding *d, struct str text);
/** A message, or one of those on each line. */
void lint_decode_text(struct lint_decoding *d, struct str text);

/* ---- read.c ---- */

/**
 * The values of one header line, URI or body line as a dialect has them (far->dialect); without
 * one: those of a User-to-User header's value. @return 0, E_NOMEM, E_TOOMANY
 */
int lint_read_line(const struct uui_far *far, const struct uui_packages *known, struct str line,
                   struct arena *a, struct uui_list *out) MUST_USE;
/** "User-to-User: VALUE", ";aai=VALUE" or the line of a body: what a neighbour would get. */
struct str lint_write_line(const struct uui_dialect_text *t, struct arena *a);

/* ---- json.c ---- */

/** A judged value, octet by octet, as one JSON object. @param where  the header that it stood
    in, or absent */
void lint_value_json(struct out *o, const struct uui_value *v, struct str where);
/** What is said about one value, likewise. */
void lint_report_json(struct out *o, const struct lint_report *r);
/** "{"messages": 3, "values": …}" */
void lint_summary_json(struct out *o, const struct lint *l);

#endif
