/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Views of header values: stage two of parsing.
 *
 * Each parser takes one value (one element of a list header), writes the caller's struct
 * with slices of it and says by `at` where it stopped on a fault. Nothing is copied.
 */
#ifndef BATON_SIP_HDR_H
#define BATON_SIP_HDR_H

#include "base/addr.h"
#include "sip/msg.h"
#include "sip/uri.h"

/** Via (RFC 3261 §20.42). */
struct sip_via {
    struct str text;
    struct str transport; /**< as written; transport_of() for the number */
    struct str host;      /**< sent-by */
    uint32_t port;        /**< sent-by, 0: not given */
    struct str params;
    struct str branch; /**< absent in RFC 2543 style messages */
    struct str received;
    struct str maddr;
    bool has_rport; /**< ;rport present */
    uint32_t rport; /**< its value, 0 when empty */
};
int sip_via_parse(struct str value, struct sip_via *out, uint32_t *at);

/** The magic cookie of RFC 3261 §8.1.1.7. */
#define SIP_BRANCH_COOKIE "z9hG4bK"

/** From, To, Contact, Route, Record-Route, Refer-To, P-Asserted-Identity, … */
struct sip_addr {
    struct str text;
    struct str display;  /**< without quotes (escapes left), absent when none */
    struct str uri_text; /**< between the brackets, or the addr-spec */
    struct sip_uri uri;
    struct str params; /**< header parameters, after the first ';' */
    bool star;         /**< Contact: * */
    bool bracketed;
};
int sip_addr_parse(struct str value, struct sip_addr *out, uint32_t *at);

/** ;tag= of From or To; absent when none. */
struct str sip_addr_tag(const struct sip_addr *a);

struct sip_cseq {
    uint32_t number; /**< < 2^31 */
    struct str method;
    uint8_t method_id;
};
int sip_cseq_parse(struct str value, struct sip_cseq *out, uint32_t *at);

/** RAck: response-num, CSeq-num, method (RFC 3262 §7.2). */
struct sip_rack {
    uint32_t rseq;
    struct sip_cseq cseq;
};
int sip_rack_parse(struct str value, struct sip_rack *out, uint32_t *at);

/**
 * A number with optional parameters or a comment behind: Expires, Max-Forwards, Min-SE, …
 * @return 0, E_SYNTAX, E_VALUE (larger than 2^32-1: *out unchanged)
 */
int sip_number_parse(struct str value, uint32_t *out, struct str *params);

/**
 * What stands before the parameters of a value like Event's or Reason's, trimmed.
 * @param params  what follows the first ';', absent when there is none; may be NULL
 */
struct str sip_value_head(struct str value, struct str *params);

/** A qvalue (RFC 3261 §25.1) in thousandths. @return false: it is none, *milli is as it was */
bool sip_q_parse(struct str text, uint16_t *milli);

/** Session-Expires (RFC 4028 §4). */
enum sip_refresher { SIP_REFRESHER_NONE, SIP_REFRESHER_UAC, SIP_REFRESHER_UAS };
struct sip_session_expires {
    uint32_t seconds;
    uint8_t refresher;
};
int sip_session_expires_parse(struct str value, struct sip_session_expires *out);

/** type/subtype;params of Content-Type, one element of Accept, … */
struct sip_media {
    struct str type, subtype, params;
};
int sip_media_parse(struct str value, struct sip_media *out);
bool sip_media_is(const struct sip_media *m, struct str type, struct str subtype);

/** scheme and key=value list of WWW-Authenticate, Authorization, … (RFC 3261 §25.1, RFC 8760).
 */
struct sip_credentials {
    struct str scheme; /**< "Digest" */
    struct str params; /**< comma separated key=value */
};
int sip_credentials_parse(struct str value, struct sip_credentials *out);
/** Walk: cut the next key=value off *rest; quotes are removed from the value. */
bool sip_credentials_next(struct str *rest, struct str *key, struct str *value);

/**
 * Replaces / Target-Dialog / Join: call-id;to-tag=..;from-tag=..[;early-only]. The
 * remote-tag and local-tag of Target-Dialog (RFC 4538) count as to-tag and from-tag.
 */
struct sip_replaces {
    struct str call_id, to_tag, from_tag;
    bool early_only;
};
int sip_replaces_parse(struct str value, struct sip_replaces *out);

/** Shorthands that find and parse the first value. @return 0, E_NOTFOUND, E_SYNTAX */
int sip_msg_via(const struct sip_msg *m, struct sip_via *out);
/** The branch of the top Via alone, of a message that was checked. @return false: it has none
 */
bool sip_msg_branch(const struct sip_msg *m, struct str *out);
int sip_msg_cseq(const struct sip_msg *m, struct sip_cseq *out);
int sip_msg_addr(const struct sip_msg *m, enum sip_hdr_id id, struct sip_addr *out);
struct str sip_msg_tag(const struct sip_msg *m, enum sip_hdr_id from_or_to);
int sip_msg_number(const struct sip_msg *m, enum sip_hdr_id id, uint32_t *out);
bool sip_msg_content_is(const struct sip_msg *m, struct str type, struct str subtype);

/** The text of a quoted-string without quotes and backslashes; other text as it is. */
void sip_unquote(struct out *o, struct str s);
/** Write as a quoted-string, escaping '"' and '\'. */
void sip_quote(struct out *o, struct str s);

#endif
