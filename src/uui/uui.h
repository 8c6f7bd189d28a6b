/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User Information in SIP: the header of RFC 7433, the isdn-uui package of RFC 7434.
 *
 * One element of the header looks like
 *
 *     04C8034B3D31;encoding=hex;purpose=isdn-uui;content=isdn-uui
 *     |            `- parameters: which package, what it holds, how it is written
 *     `- data: a token or a quoted-string
 *
 * and goes through three steps, each a function of its own:
 *
 *     uui_cut     one header line -> elements                     (commas, quotes)
 *     uui_view    element -> struct uui_value                     (grammar only, no memory)
 *     uui_judge   + which packages are known -> verdict and rule  (RFC 7433, RFC 7434)
 *
 * `uui_parse` does the last two and decodes the octets into an arena; `uui_list_parse` does
 * all for the lines of one message and applies the rules that need to see all of them.
 *
 * THE VERDICT is what a receiver has to do with the element. VALID: give it to the
 * application. IGNORED: well-formed, but a rule says that this receiver ignores or discards
 * it (unknown package, two isdn-uui in a message). WRONG: it breaks the grammar or
 * contradicts itself. Every verdict but VALID carries the rule, the document behind the
 * rule, and the offset at which it struck. Nothing is repaired here: a value that was
 * escaped twice is called that, and stays as it is.
 *
 * THE PROTOCOL DISCRIMINATOR is the first octet of isdn-uui data (RFC 7434 §9), and this
 * codec never guesses about it. Decoding gives all octets, discriminator included. Writing
 * takes the octets as complete unless `uui_format.has_pd` asks to put one in front: an
 * octet added unasked would be data to one peer and framing to the next, and the
 * application could not tell.
 *
 * OWNERSHIP. A `struct uui_value` borrows the text it was made from; only `octets` (and the
 * text of values that were taken out of a URI) lie in the arena.
 *
 * NOT HERE: when an element may be sent (dialog, call); who inserted it, dialects of peers,
 * the ISDN elements themselves, sealing. All of those start from a `struct uui_value` or
 * from `struct str` octets.
 */
#ifndef BATON_UUI_UUI_H
#define BATON_UUI_UUI_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/out.h"
#include "base/str.h"

/** Elements of one message that are looked at; more is E_TOOMANY. */
#define UUI_VALUES_MAX 64

/** Parameters of one element; more is UUI_R_PARAM_COUNT. */
#define UUI_PARAMS_MAX 32

/** Octets that an ISDN carries: 128 and the discriminator (RFC 7434 §6). */
#define UUI_ISDN_OCTETS 129

enum uui_verdict { UUI_VALID, UUI_IGNORED, UUI_WRONG };

/**
 * Every rule that a value can break: name, verdict, what it means, where it is written.
 * The order is part of the public interface (include/baton/uui.h): append only.
 */
#define UUI_RULE_LIST(X)                                                                    \
    X(NONE, VALID, "nothing is wrong", "")                                                  \
    X(EMPTY, WRONG, "there is no data", "RFC 7433 §4.1")                                    \
    X(CHAR, WRONG, "this character may not stand here outside of quotes",                   \
      "RFC 7433 §4.1, RFC 3261 §25.1")                                                      \
    X(QUOTE_OPEN, WRONG, "the quoted string has no end", "RFC 3261 §25.1")                  \
    X(QUOTE_CHAR, WRONG, "this octet may not stand in a quoted string", "RFC 3261 §25.1")   \
    X(PARAM_NAME, WRONG, "a parameter has no name", "RFC 7433 §4.1")                        \
    X(PARAM_VALUE, WRONG, "a parameter has '=' and no value", "RFC 3261 §25.1")             \
    X(PARAM_TWICE, WRONG, "the parameter stands there twice", "RFC 3261 §7.3.1")            \
    X(PARAM_COUNT, WRONG, "more parameters than are looked at", "a limit of this program")  \
    X(PURPOSE_FORM, WRONG, "the purpose has to be a token", "RFC 7433 §4.1")                \
    X(CONTENT_FORM, WRONG, "the content has to be a token", "RFC 7433 §4.1")                \
    X(ENCODING_FORM, WRONG, "the encoding has to be a token", "RFC 7433 §4.1")              \
    X(ESCAPED, WRONG, "still escaped for a URI: the parameters are part of the data",       \
      "RFC 3261 §19.1.1, RFC 7433 §4.1")                                                    \
    X(HEX_CHAR, WRONG, "not a hex digit", "RFC 7433 §4.2")                                  \
    X(HEX_ODD, WRONG, "an odd number of hex digits", "RFC 7433 §4.2")                       \
    X(NO_PD, WRONG, "not even a protocol discriminator", "RFC 7434 §9")                     \
    X(URI_CHAR, WRONG, "this character has to be escaped in a URI", "RFC 3261 §19.1.1")     \
    X(URI_ESCAPE, WRONG, "no escape, or one for CR, LF or NUL", "RFC 3261 §25.1")           \
    X(URI_EQUALS, WRONG, "no '=' between name and value, or an escaped one",                \
      "RFC 3261 §19.1.1")                                                                   \
    X(PACKAGE, IGNORED, "the package is not known", "RFC 7433 §4.1")                        \
    X(ENCODING, IGNORED, "the encoding is not known to the package",                        \
      "RFC 7433 §4.1, RFC 7434 §9")                                                         \
    X(CONTENT, IGNORED, "the content is not known to the package", "RFC 7434 §9")           \
    X(MANY, IGNORED, "more values of the package than a message may have: none counts",     \
      "RFC 7434 §7, §8")                                                                    \
    X(LONG, IGNORED, "longer than the package may be", "RFC 7433 §5, the configuration")    \
    X(DIRECTION, IGNORED, "the package does not go in this direction", "the configuration") \
    X(TLS, IGNORED, "the package is for encrypted hops only",                               \
      "RFC 7433 §7, the configuration")                                                     \
    X(NO_SEAL, IGNORED, "not sealed, and the package has to be",                            \
      "RFC 7433 §7, the configuration")                                                     \
    X(BAD_SEAL, WRONG, "the seal does not hold", "RFC 7433 §7")                             \
    X(DIALECT, WRONG, "not in the form in which this dialect writes it", "the dialect")     \
    X(FAR_LENGTH, WRONG, "longer than the far side takes", "the dialect")                   \
    X(FAR_CHAR, WRONG, "an octet that the far side cannot take", "the dialect")             \
    X(FAR_PACKAGE, WRONG, "the far side knows isdn-uui only", "the dialect")                \
    X(FAR_PD, WRONG, "a discriminator that the far side cannot take", "the dialect")        \
    X(SHARED_ITEM, WRONG, "an item of shared UUI runs past the end", "shared UUI")

enum uui_rule {
#define UUI_RULE_ENUM(name, verdict, text, source) UUI_R_##name,
    UUI_RULE_LIST(UUI_RULE_ENUM)
#undef UUI_RULE_ENUM
        UUI_R_COUNT
};

const char *uui_verdict_text(enum uui_verdict v); /**< "valid", "ignored", "wrong" */
const char *uui_rule_name(enum uui_rule r);       /**< "HEX_ODD"; for logs and machines */
const char *uui_rule_text(enum uui_rule r);
const char *uui_rule_source(enum uui_rule r); /**< "RFC 7433 §4.2"; "" for NONE */
enum uui_verdict uui_rule_verdict(enum uui_rule r);

/**
 * Worth knowing, but no reason for another verdict: bit, name, what it says. The last three
 * come from writing (dialect.h). Part of the public interface: append only.
 */
#define UUI_NOTE_LIST(X)                                                                    \
    X(1, DRAFT_PURPOSE,                                                                     \
      "isdn-interwork is the name in drafts, read as isdn-uui (RFC 7434 §8)")               \
    X(2, LONG, "longer than an ISDN carries: a gateway drops it (RFC 7434 §6)")             \
    X(4, NO_ENCODING, "no encoding is given: the default was taken (RFC 7433 §4)")          \
    X(8, LOOKS_HEX, "said to be text, but all of it is pairs of hex digits")                \
    X(16, LOOKS_TEXT, "said to be hex, but it is text")                                     \
    X(32, FORGIVEN, "read leniently: a rule was broken")                                    \
    X(64, PD_ADDED, "the protocol discriminator was not in the data")                       \
    X(128, PD_DROPPED, "the protocol discriminator was left out: there is no place for it") \
    X(256, ITEMS_DROPPED, "items of shared UUI were left out: there is no room for them")   \
    X(512, WRAPPED, "packed as ASAI user data, an item of shared UUI")

enum uui_note {
#define UUI_NOTE_ENUM(bit, name, text) UUI_NOTE_##name = (bit),
    UUI_NOTE_LIST(UUI_NOTE_ENUM)
#undef UUI_NOTE_ENUM
};

const char *uui_note_name(unsigned bit); /**< "LOOKS_HEX"; "" for a bit that is none */
const char *uui_note_text(unsigned bit);

enum uui_encoding {
    UUI_ENC_NONE,  /**< cannot be told */
    UUI_ENC_HEX,   /**< RFC 7433 §4.2 */
    UUI_ENC_TEXT,  /**< the package's own: the octets are the characters of the data */
    UUI_ENC_OTHER, /**< not understood: the octets are the characters of the data */
};

/** Where a package's values may go, seen from Baton. */
enum uui_direction {
    UUI_BOTH,
    UUI_IN,  /**< received only: not sent */
    UUI_OUT, /**< sent only: what is received is IGNORED */
};

/** What is asked of the seal inside of the octets (RFC 7433 §7). */
enum uui_seal {
    UUI_SEAL_OFF,      /**< not looked for */
    UUI_SEAL_OPTIONAL, /**< opened where there is one; what has none passes */
    UUI_SEAL_REQUIRED, /**< what has none, or a broken one, is not delivered */
};

/**
 * A package that is understood here. isdn-uui always is; a row of that name takes the place of
 * the built-in one. All zero but the name: hex, any content, any length and number, both
 * directions. Of isdn-uui contents, encodings and number are those of RFC 7434 (isdn-uui, hex,
 * one), whatever the row says: it may only ask for more, unless it is `loose`.
 */
struct uui_package {
    struct str name;
    const struct str *contents; /**< the first is the default; none: any */
    size_t content_n;
    const struct str *encodings; /**< the first is the default; none: hex alone */
    size_t encoding_n;
    struct str feature_tag; /**< as in a Contact, "+sip.uui-isdn" (RFC 3840); absent: none */
    uint32_t max_octets;    /**< decoded; longer is UUI_R_LONG. 0: no limit */
    uint32_t max_count;     /**< in one message; more are all ignored. 0: no limit */
    uint16_t seal_key;      /**< number of the key that seals what is sent; 0: none */
    uint8_t direction;      /**< enum uui_direction */
    uint8_t seal;           /**< enum uui_seal */
    bool tls_only;          /**< not over hops without TLS */
    bool loose; /**< isdn-uui: the row counts also where it takes what RFC 7434 does not */
};

/** The packages that are known, as the configuration has them. Borrowed by all who judge. */
struct uui_packages {
    const struct uui_package *row;
    size_t n;
    bool lenient; /**< what is WRONG and can be read all the same is, see uui_value.forgiven */
};

/** A copy with all its strings in the arena; of NULL: an empty one. @return NULL: no memory */
struct uui_packages *uui_packages_copy(const struct uui_packages *from, struct arena *a);

/** The row of that name (no case); isdn-uui has one always. NULL: not known */
const struct uui_package *uui_package_of(const struct uui_packages *known, struct str name);

/** One element. */
struct uui_value {
    struct str text;     /**< the element without surrounding white space */
    struct str data;     /**< the token, or what stands between the quotes (escapes left) */
    struct str purpose;  /**< as written; absent, or {p,0} for ";purpose" without value */
    struct str content;  /**< likewise */
    struct str encoding; /**< likewise */
    struct str params;   /**< after the first ';', for uui_param_next; absent when none */
    struct str package;  /**< "isdn-uui" or the purpose; absent when it cannot be told */
    struct str octets;   /**< decoded; absent when WRONG */
    size_t at;           /**< offset in `text` at which the rule struck */
    uint8_t verdict;     /**< enum uui_verdict */
    uint8_t rule;        /**< enum uui_rule; UUI_R_NONE exactly when VALID */
    uint8_t forgiven;    /**< enum uui_rule that a strict reader would have applied */
    uint8_t encoding_id; /**< enum uui_encoding, resolved */
    uint16_t notes;      /**< bits of enum uui_note */
    bool quoted;         /**< the data was a quoted-string */
    bool isdn;           /**< the package is isdn-uui */
};

/** Walk the elements of one header line. Start with uui_cut_begin. */
struct uui_cut {
    struct str rest;
    bool more;
};
void uui_cut_begin(struct uui_cut *it, struct str line);

/**
 * The next element, trimmed. A comma in quotes does not separate. An empty line has one
 * element, an empty one, and so has what follows a comma at the end: both are WRONG and
 * must not vanish. @return false at the end
 */
bool uui_cut_next(struct uui_cut *it, struct str *element);

/**
 * Grammar of one element (RFC 7433 §4.1). Sets the slices, `quoted`, and verdict, rule and
 * `at` when it does not parse; resolves nothing. Linear in the length, no memory.
 */
void uui_view(struct str element, struct uui_value *out);

/**
 * Resolve package and encoding of a viewed value and pass the verdict. `known` may be NULL:
 * isdn-uui alone. Changes nothing of a value that is WRONG already.
 */
void uui_judge(struct uui_value *v, const struct uui_packages *known);

/** Octets that uui_decode writes; 0 when WRONG. */
size_t uui_decoded_len(const struct uui_value *v);

/** Decode into `buf` of at least uui_decoded_len octets. @return octets written */
size_t uui_decode(const struct uui_value *v, char *buf);

/** View, judge, decode into the arena. @return 0 whatever the verdict is, or E_NOMEM */
int uui_parse(struct str element, const struct uui_packages *known, struct arena *a,
              struct uui_value *out) MUST_USE;

/** Cut the next parameter off *rest (first: v->params). Values keep their quotes; a flag has
    the absent value. Only for values that uui_view accepted. @return false at the end */
bool uui_param_next(struct str *rest, struct str *name, struct str *value);

/** 0..255, or -1 when the value is not isdn-uui or has no octets. */
int uui_discriminator(const struct uui_value *v);

/** The protocol discriminator of IA5 characters, Table 4-26/Q.931. */
#define UUI_PD_IA5 0x04

/** What Table 4-26/Q.931 calls a protocol discriminator. */
const char *uui_pd_text(uint8_t pd);

/** All User-to-User elements of one message. */
struct uui_list {
    struct uui_value *v; /**< in the order of the message */
    size_t n;
    const struct uui_value *isdn; /**< the one VALID isdn-uui value, or NULL */
    size_t isdn_seen;             /**< elements of the isdn-uui package, valid or not */
};

/**
 * Everything that one message carries: the values of its header lines, in order.
 *
 * Two isdn-uui elements make all of them IGNORED (UUI_R_MANY); an element that breaks the
 * rules of hex or content counts, one of which the package cannot be told does not.
 * @return 0; E_TOOMANY (more than UUI_VALUES_MAX elements), E_NOMEM: *out is empty then
 */
int uui_list_parse(const struct str *lines, size_t n, const struct uui_packages *known,
                   struct arena *a, struct uui_list *out) MUST_USE;

/**
 * The same for User-to-User headers embedded in a URI: `headers` is what follows its '?'.
 * Each header value is unescaped once, into the arena. A header that is not well-formed as
 * part of a URI gives one WRONG value whose text is that header as it stands there.
 */
int uui_list_parse_uri(struct str headers, const struct uui_packages *known, struct arena *a,
                       struct uui_list *out) MUST_USE;

/** The count rules over l->v[0..n), and l->isdn: the last step of both above. */
void uui_list_judge(struct uui_list *l, const struct uui_packages *known);

/** A rule struck at that offset: its verdict is the value's. @return false, to be returned */
bool uui_strike(struct uui_value *v, enum uui_rule rule, size_t at);

/** What follows '?' in a URI or in a header value with a URI in brackets; absent if none. */
struct str uui_uri_headers(struct str address);

/** A User-to-User header among the headers of a URI. */
struct uui_embedded {
    struct str header;  /**< "User-to-User=0448%3Bencoding%3Dhex" */
    struct str value;   /**< behind the '=', escapes left; absent after UUI_R_URI_EQUALS */
    enum uui_rule rule; /**< UUI_R_NONE, or one of UUI_R_URI_... */
    size_t at;          /**< offset in `header` at which it struck */
};

/** Cut headers off *headers up to the next User-to-User one. @return false at the end */
bool uui_uri_next(struct str *headers, struct uui_embedded *out);

/** Undo the escapes of a well-formed value into `buf` of value.n octets. @return octets */
size_t uui_unescape(const struct uui_embedded *e, char *buf);

/** How to write an element. Zero is isdn-uui as hex, octets complete. */
struct uui_format {
    struct str package;  /**< absent: isdn-uui */
    struct str content;  /**< absent: not written */
    struct str encoding; /**< absent: hex. Another one writes the octets as text */
    bool has_pd;         /**< put `pd` in front of the octets */
    uint8_t pd;
};

/**
 * Write one element: `0448;encoding=hex;purpose=isdn-uui`. Hex digits are upper case, the
 * canonical form of RFC 7433 §4.2. With another encoding the octets are written as a token
 * when they are one, else as a quoted-string.
 *
 * @param why  the rule that the request would break, when E_VALUE; may be NULL
 * @return 0; E_VALUE: package, content or encoding is no token; isdn-uui with other content
 *         or encoding, or without any octet; the draft name isdn-interwork, which is never
 *         sent (RFC 7434 §8); octets that no quoted-string can carry. Nothing is written.
 *         E_SPACE: `o->need` says how much it takes
 */
int uui_write(struct out *o, struct str octets, const struct uui_format *f,
              enum uui_rule *why) MUST_USE;

/** Is it a token of RFC 3261 §25.1? False for the empty string. */
bool uui_is_token(struct str s);

/** Can a quoted-string carry these octets? UTF-8 without control characters but HTAB. */
bool uui_is_quotable(struct str s);

/** Octets of the UTF8-NONASCII sequence at `i` (RFC 3261 §25.1), 0 when there is none. */
size_t uui_utf8_len(struct str s, size_t i);

/** The name of the package of RFC 7434. */
extern const struct str uui_isdn;

#endif
