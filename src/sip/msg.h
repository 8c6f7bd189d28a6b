/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One SIP message: an immutable buffer and an index of offsets into it.
 *
 * Stage one of parsing. `sip_msg_index` makes one pass over the head, allocates nothing
 * and records for each header line which header it is (by id from gen/sip_headers.txt,
 * full or compact name, any case) and where name and value lie. No value is interpreted;
 * that is stage two (the views of uri.h, hdr.h), done when someone asks.
 *
 * Everything is an offset, so a message moves with one memcpy: see sip_msg_dup.
 *
 * The buffer is never written to and needs no NUL. A `struct str` that any function here
 * returns is a slice of the buffer, valid as long as the buffer. Folded values keep their
 * line breaks (CRLF + white space): the views treat them as white space.
 */
#ifndef BATON_SIP_MSG_H
#define BATON_SIP_MSG_H

#include "base/attr.h"
#include "base/mem.h"
#include "base/str.h"
#include "sip/vocab.h" /* generated: enum sip_hdr_id, enum sip_method, SIP_HDR_COUNT */

struct sip_limits {
    uint32_t message; /**< octets of one message, head and body */
    uint32_t headers; /**< header lines */
    uint32_t uri;     /**< octets of the Request-URI or of any URI that is viewed */
};

/** 64 KiB, 255 lines, 4 KiB. */
extern const struct sip_limits sip_limits_default;

/** The most header lines any limit can allow: size of the index array. Fits an octet. */
#define SIP_HDR_MAX 256

struct sip_hdr {
    uint32_t name_off, val_off, val_len; /**< value without surrounding white space */
    uint16_t name_len;
    uint8_t id;   /**< enum sip_hdr_id; SIP_HDR_OTHER when not in the table */
    uint8_t next; /**< index of the next line with the same id (not for OTHER), 0: last */
};

struct sip_msg {
    const char *buf;
    uint32_t len;      /**< octets of this message: head and body, without what follows */
    uint32_t head_len; /**< start line, headers and the empty line */
    uint32_t ruri_off, ruri_len; /**< request: Request-URI; response: reason phrase */
    uint16_t status;             /**< 0: a request */
    uint8_t method;     /**< request: enum sip_method. Response: method of CSeq, or OTHER */
    uint8_t method_len; /**< request: octets of the method token at offset 0 */
    uint16_t hdr_count;
    uint16_t first[SIP_HDR_COUNT]; /**< by id: 0 absent, else index + 1 of the first line */
    uint8_t count[SIP_HDR_COUNT];  /**< by id: number of lines, 255 for more */
    struct sip_hdr *hdr;           /**< the caller's array of SIP_HDR_MAX (or a dup's own) */
};

/** Why a message could not be indexed or may not be processed, for an answer and a log. */
struct sip_fault {
    uint16_t status;    /**< the response that RFC 3261 asks for; 0: drop silently */
    uint32_t at;        /**< offset in the message */
    const char *reason; /**< static text, fit as reason phrase or Warning text */
};

/**
 * Index one whole message: a datagram, or what the framer cut from a stream.
 *
 * @param m    `m->hdr` is set by the caller (SIP_HDR_MAX entries); the rest is written.
 *             On failure `m` holds what was indexed until then, so that a 400 can be
 *             answered when Via, From, To, Call-ID and CSeq were found.
 * @param bytes CRLF octets before the start line of a datagram are skipped: `m->buf` then
 *              points behind them.
 * @param datagram  a body may be shorter than what follows (trailing octets are ignored,
 *             RFC 4475 §3.1.1.8); without Content-Length the body goes to the end
 * @return 0; E_SYNTAX, E_TOOBIG, E_TOOMANY, E_VERSION with *fault
 * RFC 3261 §7, §18.3.
 */
int sip_msg_index(struct sip_msg *m, struct str bytes, bool datagram,
                  const struct sip_limits *limits, struct sip_fault *fault) MUST_USE;

/**
 * The rules that go beyond form: mandatory headers, single headers that occur twice,
 * CSeq against the method, number ranges, Via and address syntax, URI escapes (RFC 3261
 * §8.1.1, §16.3 and RFC 4475). Run on everything from the wire before matching.
 * @return 0, or E_SYNTAX/E_VERSION/… with *fault (status 400, 505, …; 0 for a bad response:
 * drop)
 */
int sip_msg_check(const struct sip_msg *m, const struct sip_limits *limits,
                  struct sip_fault *fault) MUST_USE;

static inline bool sip_is_request(const struct sip_msg *m)
{
    return m->status == 0;
}

struct str sip_msg_method(const struct sip_msg *m); /**< request: the method as written */
struct str sip_msg_ruri(const struct sip_msg *m);
/** Is the Request-URI a sips one: is TLS wanted on each hop (RFC 5630)? */
bool sip_msg_is_sips(const struct sip_msg *m);
struct str sip_msg_reason(const struct sip_msg *m);
struct str sip_msg_body(const struct sip_msg *m);

static inline bool sip_msg_has(const struct sip_msg *m, enum sip_hdr_id id)
{
    return m->first[id] != 0;
}

static inline struct str sip_hdr_value(const struct sip_msg *m, const struct sip_hdr *h)
{
    return str_make(m->buf + h->val_off, h->val_len);
}

static inline struct str sip_hdr_name(const struct sip_msg *m, const struct sip_hdr *h)
{
    return str_make(m->buf + h->name_off, h->name_len);
}

/** First line of that header, or NULL. */
const struct sip_hdr *sip_msg_line(const struct sip_msg *m, enum sip_hdr_id id);

/** The next line of the same header, or NULL. */
const struct sip_hdr *sip_msg_next_line(const struct sip_msg *m, const struct sip_hdr *h);

/** Value of the first line of that header, or the absent string. */
struct str sip_msg_value(const struct sip_msg *m, enum sip_hdr_id id);

/** First line whose name is `name` (any case), known or not; NULL when there is none. */
const struct sip_hdr *sip_msg_named(const struct sip_msg *m, struct str name);

/**
 * Walk the comma-separated values of a header over all its lines, in order. Commas in
 * quoted strings and in angle brackets do not separate. Zero the iterator first:
 *
 *     struct sip_values it = {0};
 *     struct str v;
 *     while (sip_msg_each(m, SIP_HDR_VIA, &it, &v)) ...
 */
struct sip_values {
    const struct sip_hdr *line;
    uint32_t at; /**< offset in the line's value */
    bool begun;
};
bool sip_msg_each(const struct sip_msg *m, enum sip_hdr_id id, struct sip_values *it,
                  struct str *value);

/** The same for one value text: cut the first element off *rest. @return false at the end */
bool sip_list_next(struct str *rest, struct str *element);

/** Does a list header hold this token (any case)? */
bool sip_msg_has_token(const struct sip_msg *m, enum sip_hdr_id id, struct str token);

/** A message that owns its bytes and its index, in one block. */
struct sip_msg_own {
    struct sip_msg m;
    /* struct sip_hdr[] and the octets follow */
};

/** Copy; give it back with mem_free(mem, copy). NULL when memory is out. */
struct sip_msg_own *sip_msg_dup(const struct mem *mem, const struct sip_msg *m);

/** Names and texts from the tables. */
struct str sip_method_name(enum sip_method m);
enum sip_method sip_method_of(struct str name); /**< case-sensitive, RFC 3261 §7.1 */
struct str sip_hdr_id_name(enum sip_hdr_id id);
enum sip_hdr_id sip_hdr_id_of(struct str name); /**< any case, compact forms too */

enum sip_hdr_flag {
    SIP_HDRF_LIST = 1,
    SIP_HDRF_SINGLE = 2,
    SIP_HDRF_HOP = 4,
    SIP_HDRF_OWN = 8,
    SIP_HDRF_URI = 16,
};
unsigned sip_hdr_flags(enum sip_hdr_id id);

/** Default reason phrase of a status, or "Unknown". RFC 3261 §21 and the extensions' RFCs. */
const char *sip_reason(unsigned status);

#endif
