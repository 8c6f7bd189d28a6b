/* SPDX-License-Identifier: Apache-2.0 */
/*
 * View of a URI: sip, sips, tel, or any other scheme as an opaque rest.
 *
 * RFC 3261 §19.1, §25; RFC 3966 for tel. All members are slices of the input, escapes
 * left in place (compare and canonicalise through the functions below, which decode).
 */
#ifndef BATON_SIP_URI_H
#define BATON_SIP_URI_H

#include "base/out.h"
#include "base/str.h"

enum sip_scheme { SIP_SCHEME_OTHER, SIP_SCHEME_SIP, SIP_SCHEME_SIPS, SIP_SCHEME_TEL };

struct sip_uri {
    struct str text; /**< the whole URI */
    uint8_t scheme;  /**< enum sip_scheme */
    struct str scheme_name;
    struct str user;     /**< with escapes; tel: the number. Absent: no '@' */
    struct str password; /**< absent or what follows ':' in userinfo */
    struct str host;     /**< IPv6 in its brackets */
    uint32_t port;       /**< 0: not given */
    struct str params;   /**< after the first ';', without it; absent when none */
    struct str headers;  /**< after '?', without it; absent when none */
    struct str opaque;   /**< OTHER: what follows the colon */
};

/**
 * @param at  where it went wrong, offset in `text`
 * @return 0, E_SYNTAX, E_TOOBIG (longer than `max`; 0: no limit)
 */
int sip_uri_parse(struct str text, size_t max, struct sip_uri *out, uint32_t *at);

/**
 * Value of a parameter in "a=1;b;c=x" (URI or header parameters, quoted values keep their
 * quotes). @return false when absent; *value is absent for a flag like ";lr"
 */
bool sip_param(struct str params, struct str name, struct str *value);

/** Walk: cut the next parameter off *rest. @return false at the end */
bool sip_param_next(struct str *rest, struct str *name, struct str *value);

/** Write the parameters, each after a ';', but those named `but` (absent: all of them). */
void sip_params_write(struct out *o, struct str params, struct str but);

/** Walk URI headers "a=b&c=d": names and values still escaped. */
bool sip_uri_header_next(struct str *rest, struct str *name, struct str *value);

/** RFC 3261 §19.1.4. */
bool sip_uri_eq(const struct sip_uri *a, const struct sip_uri *b);

/** Port of the URI or the default of scheme and transport (5060, 5061). */
uint16_t sip_uri_port(const struct sip_uri *u);

/** Decode %HH. Writes at most s.n bytes. */
void sip_unescape(struct out *o, struct str s);

/** Encode for the user part, or for a header value in a URI (RFC 3261 §19.1.1, §25). */
void sip_escape_user(struct out *o, struct str s);
void sip_escape_header(struct out *o, struct str s);

/**
 * The key under which a device or binding is kept: "user@host" with escapes decoded where
 * the character needs none, host in lower case, no port when it is the default, no
 * parameters; a tel number without visual separators. Two spellings of one address of
 * record give the same key (RFC 3261 §10.3 step 5).
 */
void sip_uri_write_aor(struct out *o, const struct sip_uri *u);

#endif
