/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baton/uui.h - User-to-User Information of SIP: read it, judge it, write it.
 *
 * The header field User-to-User (RFC 7433) carries a few octets from the application that
 * starts or ends a call to the application at the other end. This file reads and writes its
 * values and says of each whether a receiver has to deliver it, ignore it, or call it wrong,
 * by which rule, of which document, and at which octet.
 *
 *     const char *text = "04C8034B3D31;encoding=hex;purpose=isdn-uui";
 *     unsigned char octets[64];
 *     struct baton_uui_value v;
 *
 *     int rc = baton_uui_parse(text, strlen(text), octets, sizeof(octets), &v);
 *     if (rc == 0 && v.verdict == BATON_UUI_VALID) {
 *         use(v.octets, v.octets_len);      // 04 C8 03 4B 3D 31
 *     } else if (rc == 0) {
 *         printf("%s (%s), octet %zu\n", baton_uui_rule_text(v.rule),
 *                baton_uui_rule_source(v.rule), v.at);
 *     }
 *
 * MEMORY. Nothing here allocates, keeps state, or needs to be initialised; every function
 * may be called from any thread. Results are written to buffers of the caller. The pointers
 * in a struct baton_uui_value point into the text and the octet buffer that were passed in
 * and are valid as long as those are. Texts are not NUL-terminated: use the lengths. What
 * the *_text, *_name and *_source functions return is static and NUL-terminated.
 *
 * ERRORS. Functions return 0 or a negative BATON_UUI_E... number. A malformed value is no
 * error: it is the answer, in `verdict` and `rule`.
 *
 * THE PROTOCOL DISCRIMINATOR. The first octet of isdn-uui data is a protocol discriminator
 * (RFC 7434 §9, Table 4-26/Q.931; 0x00 user-specific, 0x04 IA5 characters). Parsing returns
 * all octets, that one first, and baton_uui_discriminator names it. Encoding takes the
 * octets as they are, so the application supplies the discriminator as its first octet;
 * set `has_pd` to have one put in front. Nothing is ever added or removed unasked.
 */
#ifndef BATON_UUI_H
#define BATON_UUI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BATON_UUI_EXPORT __attribute__((visibility("default")))
#else
#define BATON_UUI_EXPORT
#endif

/** The most octets of isdn-uui that an ISDN carries, discriminator included (RFC 7434 §6). */
#define BATON_UUI_ISDN_OCTETS 129

/** What a function could not do. */
enum baton_uui_error {
    BATON_UUI_ETOOMANY = -4, /**< more values than places to put them */
    BATON_UUI_ESPACE = -6,   /**< the buffer is too small */
    BATON_UUI_EVALUE = -11,  /**< a request that a receiver would have to ignore or refuse */
};

/** What a receiver has to do with a value. */
enum baton_uui_verdict {
    BATON_UUI_VALID,   /**< deliver it */
    BATON_UUI_IGNORED, /**< well-formed, but a rule says to ignore or discard it */
    BATON_UUI_WRONG,   /**< malformed: report it to whoever sends it */
};

/** Why. Numbers are stable; new ones are added at the end. */
enum baton_uui_rule {
    BATON_UUI_RULE_NONE,
    BATON_UUI_RULE_EMPTY,         /**< no data */
    BATON_UUI_RULE_CHAR,          /**< a character that has no place outside of quotes */
    BATON_UUI_RULE_QUOTE_OPEN,    /**< a quoted string without end */
    BATON_UUI_RULE_QUOTE_CHAR,    /**< an octet that has no place in a quoted string */
    BATON_UUI_RULE_PARAM_NAME,    /**< a parameter without name, e.g. a ';' at the end */
    BATON_UUI_RULE_PARAM_VALUE,   /**< '=' and nothing behind it */
    BATON_UUI_RULE_PARAM_TWICE,   /**< a parameter that stands there twice */
    BATON_UUI_RULE_PARAM_COUNT,   /**< more than 32 parameters */
    BATON_UUI_RULE_PURPOSE_FORM,  /**< purpose quoted or without value */
    BATON_UUI_RULE_CONTENT_FORM,  /**< content likewise */
    BATON_UUI_RULE_ENCODING_FORM, /**< encoding likewise */
    BATON_UUI_RULE_ESCAPED,       /**< %3Bencoding%3D: escaped for a URI, never unescaped */
    BATON_UUI_RULE_HEX_CHAR,      /**< no hex digit where hex is meant */
    BATON_UUI_RULE_HEX_ODD,       /**< an odd number of hex digits */
    BATON_UUI_RULE_NO_PD,         /**< isdn-uui without any octet */
    BATON_UUI_RULE_URI_CHAR,      /**< in a URI: a character that has to be escaped */
    BATON_UUI_RULE_URI_ESCAPE,    /**< in a URI: a broken escape, or CR, LF, NUL */
    BATON_UUI_RULE_URI_EQUALS,    /**< in a URI: no '=' behind the name, or an escaped one */
    BATON_UUI_RULE_PACKAGE,       /**< a package other than isdn-uui */
    BATON_UUI_RULE_ENCODING,      /**< an encoding that the package does not have */
    BATON_UUI_RULE_CONTENT,       /**< a content that the package does not have */
    BATON_UUI_RULE_MANY,          /**< several isdn-uui values in one message: none counts */
    BATON_UUI_RULE_LONG,          /**< longer than the package may be */
    BATON_UUI_RULE_DIRECTION,     /**< a package that does not go in this direction */
    BATON_UUI_RULE_TLS,           /**< a package for encrypted hops only */
    BATON_UUI_RULE_NO_SEAL,       /**< not sealed, and the package has to be */
    BATON_UUI_RULE_BAD_SEAL,      /**< the seal does not hold */
    BATON_UUI_RULE_DIALECT,       /**< not in the form in which the dialect writes it */
    BATON_UUI_RULE_FAR_LENGTH,    /**< longer than the far side takes */
    BATON_UUI_RULE_FAR_CHAR,      /**< an octet that the far side cannot take */
    BATON_UUI_RULE_FAR_PACKAGE,   /**< a far side that knows isdn-uui only */
    BATON_UUI_RULE_FAR_PD,        /**< a discriminator that the far side cannot take */
    BATON_UUI_RULE_SHARED_ITEM,   /**< an item of shared UUI that runs past the end */
};

/** Bits of `notes`: worth knowing, no reason to ignore the value. */
enum baton_uui_note {
    BATON_UUI_NOTE_DRAFT_PURPOSE = 1,   /**< purpose=isdn-interwork, read as isdn-uui */
    BATON_UUI_NOTE_LONG = 2,            /**< longer than an ISDN carries (RFC 7434 §6) */
    BATON_UUI_NOTE_NO_ENCODING = 4,     /**< no encoding is given: the default was taken */
    BATON_UUI_NOTE_LOOKS_HEX = 8,       /**< said to be text, but it is pairs of hex digits */
    BATON_UUI_NOTE_LOOKS_TEXT = 16,     /**< said to be hex, but it is text */
    BATON_UUI_NOTE_FORGIVEN = 32,       /**< read leniently, `forgiven` has the rule */
    BATON_UUI_NOTE_PD_ADDED = 64,       /**< the discriminator was not in the data */
    BATON_UUI_NOTE_PD_DROPPED = 128,    /**< written without discriminator: no place for it */
    BATON_UUI_NOTE_ITEMS_DROPPED = 256, /**< items of shared UUI left out: no room */
    BATON_UUI_NOTE_WRAPPED = 512,       /**< packed as ASAI user data of shared UUI */
};

/** One value of the header, i.e. what stands between two commas. */
struct baton_uui_value {
    enum baton_uui_verdict verdict;
    enum baton_uui_rule rule; /**< BATON_UUI_RULE_NONE exactly when VALID */
    size_t at;                /**< offset in `text` at which the rule struck */
    unsigned notes;           /**< bits of enum baton_uui_note */

    const char *text; /**< the whole value, white space around it cut off */
    size_t text_len;
    const char *data; /**< the token, or what stands between the quotes; NULL if unreadable */
    size_t data_len;
    bool quoted; /**< the data was in quotes */

    /** Decoded: hex as octets, anything else as its characters with quotes and backslashes
        resolved. NULL when the verdict is WRONG. */
    const unsigned char *octets;
    size_t octets_len;

    /** The package: the purpose, or "isdn-uui" when there is none. NULL if unreadable. */
    const char *package;
    size_t package_len;
    /** The parameters as written; NULL when absent. */
    const char *purpose;
    size_t purpose_len;
    const char *content;
    size_t content_len;
    const char *encoding;
    size_t encoding_len;
    /** All parameters, after the first ';', for baton_uui_param; NULL when there are none. */
    const char *params;
    size_t params_len;

    /** With BATON_UUI_NOTE_FORGIVEN: the rule that a strict reader would have applied. */
    enum baton_uui_rule forgiven;
};

/**
 * Parse one value.
 *
 * @param text        the value: no header name, no comma-separated list
 * @param octets      receives the decoded octets; `len` octets are always enough
 * @param octets_len  size of that buffer
 * @return 0 whatever the verdict is; BATON_UUI_ESPACE: the octets do not fit, *out is
 *         unchanged
 *
 * Rules that need the whole message (BATON_UUI_RULE_MANY) are not applied.
 */
BATON_UUI_EXPORT int baton_uui_parse(const char *text, size_t len, unsigned char *octets,
                                     size_t octets_len, struct baton_uui_value *out);

/**
 * Parse all values of one message: the comma-separated list of its User-to-User lines.
 *
 * Join several header lines with a comma, in their order (RFC 3261 §7.3.1). Two or more
 * values of the isdn-uui package are all IGNORED, as RFC 7434 §7 and §8 demand.
 *
 * @param octets  receives the octets of all values, one after the other; `len` is enough
 * @param values  receives the values, in order
 * @param max     places in `values`
 * @param count   number of values written; an empty text has one, which is WRONG
 * @return 0; BATON_UUI_ETOOMANY: more than `max` values; BATON_UUI_ESPACE. *count is 0 then.
 */
BATON_UUI_EXPORT int baton_uui_parse_list(const char *text, size_t len, unsigned char *octets,
                                          size_t octets_len, struct baton_uui_value *values,
                                          size_t max, size_t *count);

/**
 * The next parameter of a value, generic ones included.
 *
 *     size_t at = 0;
 *     while (baton_uui_param(&v, &at, &name, &name_len, &value, &value_len)) ...
 *
 * A quoted value keeps its quotes; a parameter without value has `*value` NULL.
 * @return false when there is none left
 */
BATON_UUI_EXPORT bool baton_uui_param(const struct baton_uui_value *v, size_t *at,
                                      const char **name, size_t *name_len, const char **value,
                                      size_t *value_len);

/** The protocol discriminator, 0 to 255; -1 when the value is not isdn-uui or is WRONG. */
BATON_UUI_EXPORT int baton_uui_discriminator(const struct baton_uui_value *v);

/** How to write a value. All zero: isdn-uui in hex, the octets are complete. */
struct baton_uui_format {
    const char *package;  /**< NUL-terminated; NULL: "isdn-uui" */
    const char *content;  /**< NULL: not written, i.e. the package's default */
    const char *encoding; /**< NULL: "hex"; another one writes the octets as text */
    bool has_pd;          /**< put `pd` in front of the octets */
    uint8_t pd;
};

/**
 * Write octets as one value, e.g. `0448656C6C6F;encoding=hex;purpose=isdn-uui`.
 *
 * @param format  NULL: all zero
 * @param buf     receives the value, NUL-terminated
 * @param size    of `buf`
 * @param len     receives the length without NUL; when BATON_UUI_ESPACE, the length it would
 *                have. May be NULL
 * @param why     receives the rule that the value would break when BATON_UUI_EVALUE. May be
 *                NULL
 * @return 0; BATON_UUI_ESPACE; BATON_UUI_EVALUE: isdn-uui without any octet, or with another
 *         content or encoding; a name that is no token; the draft name isdn-interwork, which
 *         is never sent (RFC 7434 §8); text with control characters or that is not UTF-8.
 *         `buf` holds an empty string then
 *
 * isdn-uui longer than BATON_UUI_ISDN_OCTETS is legal and written; an ISDN gateway drops it
 * without telling anybody.
 */
BATON_UUI_EXPORT int baton_uui_encode(const void *octets, size_t octets_len,
                                      const struct baton_uui_format *format, char *buf,
                                      size_t size, size_t *len, enum baton_uui_rule *why);

/**
 * Take the User-to-User value out of the headers of a URI, as in
 * `<sip:a@example.com?User-to-User=0448%3Bencoding%3Dhex>`.
 *
 * @param uri  a URI, or a header value with one in angle brackets (Refer-To, Contact)
 * @param buf  receives the value, unescaped once, not terminated; `len` octets are enough.
 *             Several embedded User-to-User headers are joined with ", "
 * @param out_len  octets written; 0 when the URI has no User-to-User header
 * @param why  receives the rule when BATON_UUI_EVALUE. May be NULL
 * @param at   receives the offset in `uri` at which it struck. May be NULL
 * @return 0; BATON_UUI_EVALUE: not well-formed as part of a URI; BATON_UUI_ESPACE
 */
BATON_UUI_EXPORT int baton_uui_from_uri(const char *uri, size_t len, char *buf, size_t size,
                                        size_t *out_len, enum baton_uui_rule *why, size_t *at);

/**
 * Escape a value so that it can stand behind `User-to-User=` in a URI.
 *
 * @param buf   receives the escaped text, NUL-terminated; 3 * len + 1 octets are enough
 * @return 0 or BATON_UUI_ESPACE; *out_len as in baton_uui_encode
 */
BATON_UUI_EXPORT int baton_uui_to_uri(const char *value, size_t len, char *buf, size_t size,
                                      size_t *out_len);

/* ------------------------------------------------------------------------ dialects
 *
 * Real systems write User-to-User in ways of their own: in other headers, as text, with the
 * discriminator in a parameter or nowhere. docs/uui-dialects.md has them. The value in between,
 * as RFC 7433 and RFC 7434 have it, is called canonical here.
 */

/** Where values of a package may go, seen from here. */
enum baton_uui_direction {
    BATON_UUI_BOTH,
    BATON_UUI_IN,  /**< received only: not written */
    BATON_UUI_OUT, /**< sent only: what is read is IGNORED */
};

/**
 * A package besides isdn-uui that is understood (RFC 7433). Values of others are IGNORED by
 * BATON_UUI_RULE_PACKAGE. All zero but the name: hex, any content, any length, both directions.
 */
struct baton_uui_package {
    const char *name;             /**< the purpose */
    const char *const *contents;  /**< ends with NULL, the first is the default; NULL: any */
    const char *const *encodings; /**< likewise; NULL: hex alone */
    uint32_t max_octets;          /**< longer is BATON_UUI_RULE_LONG; 0: any length */
    enum baton_uui_direction direction;
};

/** What is known of the system at the other end. All zero: the standard, strictly. */
struct baton_uui_far {
    const char *dialect; /**< "genesys-pd"; NULL: the standard, nothing is translated */
    uint32_t max_octets; /**< of user information that it takes; 0: what its dialect says */
    bool lenient;        /**< read on behind a broken rule; leave out what it cannot take */
    bool has_pd;         /**< `pd` in place of the dialect's, for data that has none */
    uint8_t pd;
    const struct baton_uui_package *packages; /**< borrowed for the call */
    size_t packages_len;                      /**< at most BATON_UUI_PACKAGES_MAX */
};

/** Packages that can be given, and names in one of their lists. */
#define BATON_UUI_PACKAGES_MAX 16
#define BATON_UUI_NAMES_MAX 8

/** Where a dialect keeps its values. */
enum baton_uui_place {
    BATON_UUI_AT_NONE,
    BATON_UUI_AT_HEADER,    /**< a header field */
    BATON_UUI_AT_URI_PARAM, /**< a parameter of a URI; the value is escaped for it */
    BATON_UUI_AT_BODY,      /**< a line of a body of that media type */
};

/** A value as the other end wants it. The name is static, the value lies in the buffer. */
struct baton_uui_text {
    enum baton_uui_place place;
    const char *name;
    size_t name_len;
    const char *value;
    size_t value_len;
    unsigned notes; /**< bits of enum baton_uui_note: what a lenient one left out */
};

/** A buffer that is large enough to read or write a text of so many octets. */
#define BATON_UUI_ROOM(len) (32 * (len) + 8192)

/**
 * Read a value of a dialect: one element of a comma list for those that write User-to-User as
 * RFC 7433 has it, otherwise the whole header value, URI parameter value, or line.
 *
 * @param from  NULL: all zero
 * @param buf   receives the canonical text and the octets; BATON_UUI_ROOM(len) is enough. The
 *              pointers in *out point into it and into `text`
 * @param out   `text` is the canonical value unless the verdict is WRONG
 * @return 0 whatever the verdict is; BATON_UUI_ESPACE; BATON_UUI_EVALUE: no such dialect;
 *         BATON_UUI_ETOOMANY: packages, or names in one of them
 */
BATON_UUI_EXPORT int baton_uui_read(const char *text, size_t len,
                                    const struct baton_uui_far *from, char *buf, size_t size,
                                    struct baton_uui_value *out);

/**
 * Write a canonical value in a dialect. What the other end could not take is refused: it would
 * be lost there without a word.
 *
 * @param text  a value as baton_uui_read and baton_uui_encode give it
 * @param buf   BATON_UUI_ROOM(len) is enough
 * @param why   receives the rule when BATON_UUI_EVALUE; BATON_UUI_RULE_NONE then: no such
 *              dialect. May be NULL
 * @return 0; BATON_UUI_ESPACE; BATON_UUI_EVALUE; BATON_UUI_ETOOMANY: *out is unchanged
 */
BATON_UUI_EXPORT int baton_uui_write(const char *text, size_t len,
                                     const struct baton_uui_far *to, char *buf, size_t size,
                                     struct baton_uui_text *out, enum baton_uui_rule *why);

/** Name of the i-th dialect, from 0 on, and a sentence about it (may be NULL). NULL: no more */
BATON_UUI_EXPORT const char *baton_uui_dialect(size_t i, const char **text);

/** What one bit of `notes` says. */
BATON_UUI_EXPORT const char *baton_uui_note_text(unsigned bit);

/* ---------------------------------------------------------------------- shared UUI */

/** Identifiers of items. */
#define BATON_UUI_ITEM_ASAI 0xC8 /**< what an application put in */
#define BATON_UUI_ITEM_UCID 0xFA /**< universal call identifier */

#define BATON_UUI_UCID_OCTETS 8
#define BATON_UUI_UCID_DIGITS 20

/**
 * The next item of shared UUI (Avaya).
 *
 *     size_t at = 1;      // behind the protocol discriminator
 *     while (baton_uui_item(v.octets, v.octets_len, &at, &id, &data, &data_len)) ...
 *
 * @return false when there is none left, or when one runs past the end: *at is not `len` then
 */
BATON_UUI_EXPORT bool baton_uui_item(const void *octets, size_t len, size_t *at, uint8_t *id,
                                     const unsigned char **data, size_t *data_len);

/** A UCID as people write it, five, five and ten digits in one, NUL-terminated. */
BATON_UUI_EXPORT bool baton_uui_ucid_digits(const void *octets,
                                            char digits[BATON_UUI_UCID_DIGITS + 1]);

/** And back. @return false: not twenty digits, or a part that is too large */
BATON_UUI_EXPORT bool baton_uui_ucid_octets(const char *digits,
                                            unsigned char octets[BATON_UUI_UCID_OCTETS]);

BATON_UUI_EXPORT const char *baton_uui_verdict_text(enum baton_uui_verdict v); /**< "valid" */
BATON_UUI_EXPORT const char *baton_uui_rule_name(enum baton_uui_rule r);       /**< "HEX_ODD" */
BATON_UUI_EXPORT const char *baton_uui_rule_text(enum baton_uui_rule r);
BATON_UUI_EXPORT const char *
baton_uui_rule_source(enum baton_uui_rule r); /**< "RFC 7433 §4.2" */
/** What Q.931 calls a protocol discriminator: "IA5 characters". */
BATON_UUI_EXPORT const char *baton_uui_discriminator_text(uint8_t pd);

#ifdef __cplusplus
}
#endif

#endif
