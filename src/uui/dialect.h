/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dialects: how real systems write User-to-User Information, and what they can take.
 *
 *     far side  ── its dialect ──►  canonical value  ── its dialect ──►  far side
 *
 * Inside of Baton a value is an element of RFC 7433, for isdn-uui hex with the protocol
 * discriminator in front. Out there it may lie in another header, in a parameter of a URI or in
 * a body, as hex, as text, with the discriminator in the data, in a parameter of its own or
 * nowhere (docs/uui-dialects.md has them all). A dialect is a row of data (dialect_table.c);
 * only the forms that are no element of RFC 7433 have code of their own (dialect_form.c).
 *
 * READING gives the canonical value with a verdict, like uui_parse. A dialect makes readable
 * what its systems are known to write; beyond that nothing is guessed: what is not in its form
 * is WRONG with a rule, or, leniently, is decoded as far as can be, with the rule in
 * `forgiven`.
 *
 * WRITING checks first what the far side can take: length, characters, package, discriminator.
 * What it cannot take is an error here, with the rule, in place of a silent loss there. Only a
 * lenient one may lose something (a discriminator that there is no place for, items of shared
 * UUI of lower priority), and says so in the notes.
 *
 * COST. One pass over the text, a few arena blocks. OWNERSHIP. What is read or written lies in
 * the arena or borrows from what was given. The dialects are constants.
 */
#ifndef BATON_UUI_DIALECT_H
#define BATON_UUI_DIALECT_H

#include "uui/uui.h"

/** Where a dialect keeps a value. */
enum uui_place {
    UUI_AT_NONE,
    UUI_AT_HEADER, /**< name: of the header field. Also embedded in a URI, escaped as usual */
    UUI_AT_URI_PARAM, /**< name: of the URI parameter. The value has %HH escapes */
    UUI_AT_BODY,      /**< name: the media type. The value is the line that holds it */
};

struct uui_carrier {
    uint8_t place; /**< enum uui_place */
    struct str name;
};

#define UUI_CARRIERS_MAX 3

struct uui_dialect {
    struct str name;    /**< as the configuration has it, "genesys-pd" */
    const char *text;   /**< one sentence: whose dialect it is */
    const char *writes; /**< an example of what Baton sends */
    struct uui_carrier carrier[UUI_CARRIERS_MAX]; /**< the first is the one that is written */
    struct str content;   /**< content parameter that is written; absent: none */
    struct str purpose;   /**< likewise purpose */
    struct str label;     /**< likewise encoding */
    uint32_t max_octets;  /**< of user information, without discriminator; 0: any number */
    uint32_t max_chars;   /**< of the value as it is written; 0: any number */
    uint8_t form;         /**< enum uui_form, private to the module */
    uint8_t pd;           /**< the discriminator of what comes without one */
    uint8_t pd_hex;       /**< enum uui_pd_at of data in hex, private to the module */
    uint8_t pd_text;      /**< and of data in text */
    uint8_t pd_base;      /**< of the number in pd=: 10, or 16 in two digits; 0: not read */
    bool lists;           /**< several values may stand in one header, between commas */
    bool text_data;       /**< encoding=ascii and encoding=text are read */
    bool unlabelled_text; /**< without encoding it is text */
    bool writes_text;     /**< as text, not as hex */
    bool quotes;          /**< text that is no token is put into quotes */
    bool seven_bit;       /**< octets of user information above 0x7F are lost there */
    bool other_packages;  /**< values of other packages pass as they are */
    bool as_is;           /**< values that are in order already are written as they stand */
    bool shared;          /**< the octets are items (shared.h) */
    bool escapes;         /**< form of text: %HH are octets */
    bool labelled_tail;   /**< form of text: parameters may follow the data */
};

/** How leniently a neighbour is read. */
enum uui_reading { UUI_READ_AS_ALL, UUI_READ_STRICT, UUI_READ_LENIENT };

/** Items of shared UUI of which the order is given. */
#define UUI_FAR_ITEMS_MAX 8

/** What is known of a neighbour's User-to-User. All zero: RFC 7433, nothing is translated. */
struct uui_far {
    const struct uui_dialect *dialect; /**< NULL: values pass as they are */
    uint32_t max_octets; /**< of user information, without discriminator; 0: the dialect's */
    uint8_t reading;     /**< enum uui_reading; UUI_READ_AS_ALL: uui_packages.lenient says */
    uint8_t pd;          /**< with has_pd, instead of the dialect's */
    bool has_pd;
    /** Identifiers of items of shared UUI, the first is kept longest; item_n 0: as shared.h */
    uint8_t item[UUI_FAR_ITEMS_MAX], item_n;
};

/** By name, without case; NULL: there is none. "rfc7434" is the standard with its checks. */
const struct uui_dialect *uui_dialect_named(struct str name);

/** All of them in the order of the documentation: i from 0 on; NULL behind the last. */
const struct uui_dialect *uui_dialect_at(size_t i);

/** Does the dialect keep values in the header (URI parameter, body) of that name? No case. */
bool uui_dialect_owns(const struct uui_dialect *d, enum uui_place place, struct str name);

/** The same for whatever dialect: is it one of the places where values hide? */
bool uui_dialect_any_owns(enum uui_place place, struct str name);

/**
 * Read one value. In a dialect with `lists`, `text` is one element (uui_cut_next), otherwise
 * the whole header value, URI parameter value, or line.
 *
 * @param out  VALID, IGNORED: `text` is the canonical element, with `octets`, `forgiven` and
 *             notes. WRONG: as uui_parse leaves it, `at` counts in `text` as it was given
 * @return 0 whatever the verdict is, or E_NOMEM
 *
 * Values of other packages are judged and stay as they are. Rules that need the whole message
 * are the caller's (uui_list_judge).
 */
int uui_dialect_read(const struct uui_far *far, const struct uui_packages *known,
                     struct str text, struct arena *a, struct uui_value *out) MUST_USE;

/** A value as the far side wants it. */
struct uui_dialect_text {
    uint8_t place;    /**< enum uui_place */
    struct str name;  /**< of header, URI parameter or media type */
    struct str value; /**< in a URI parameter: escaped already */
    uint16_t notes;   /**< bits of enum uui_note: what a lenient one left out */
};

/**
 * Write a value. isdn-uui has to be VALID: what a receiver ignores is not put into another form
 * (its octets may be characters without discriminator). Values of other packages that are not
 * WRONG pass as they are, where the dialect has other packages.
 *
 * @param why  receives the rule when E_VALUE or E_TOOBIG
 * @return 0; E_TOOBIG: longer than the far side takes; E_VALUE: something else that it could
 * not take, or what the package forbids to send; E_NOMEM. Nothing is sent then
 */
int uui_dialect_write(const struct uui_far *far, const struct uui_packages *known,
                      const struct uui_value *v, struct arena *a, struct uui_dialect_text *out,
                      enum uui_rule *why) MUST_USE;

#endif
