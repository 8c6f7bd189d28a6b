/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a URI asks of the request that is made from it: its embedded headers and its method
 * (RFC 3261 §19.1.5).
 *
 * Refer-To and the Contacts of a 3xx carry them. Who follows such a URI sends a request in his
 * own name, so what the URI's author may write into it is judged header by header:
 *
 *   taken      User-to-User (apart, since it joins with what the call has), Replaces (apart),
 *              Require (apart), Subject, Priority, Reason, Call-Info, In-Reply-To …, and every
 *              header that is not in our table
 *   ignored    what RFC 3261 §19.1.5 calls dangerous, false advertising, or a description of
 *              a body that is not there; identities that only their owner or a trusted
 *              neighbour asserts, and all other headers that begin with P-; Privacy; where
 *              the call has been; credentials; and all that is hop by hop or written by the
 *              dialog itself
 *   refused    a name that is no token, a value that decodes to CR, LF, NUL or another
 *              control character: a URI from which no valid request can be made (E_SYNTAX);
 *              more than SIP_EMBED_MAX headers (E_TOOMANY)
 *
 * Repetitions of one value of User-to-User or Replaces count once. COST: linear; texts in the
 * arena.
 */
#ifndef BATON_SIP_EMBED_H
#define BATON_SIP_EMBED_H

#include "base/arena.h"
#include "sip/msg.h"
#include "sip/uri.h"

/** Embedded headers of one URI. */
#define SIP_EMBED_MAX 32

struct sip_embedded {
    struct str uri;      /**< the URI without its headers and its method parameter */
    struct str lines;    /**< header lines that are taken, each with CRLF, or empty */
    struct str uui;      /**< User-to-User values, joined by ", "; absent: none */
    struct str replaces; /**< Replaces value; absent: none */
    struct str require;  /**< Require values, joined by ", "; absent: none */
    struct str method;   /**< of the method parameter, or header "method"; absent: none */
    unsigned ignored;    /**< headers that were not taken, a body among them */
    /** Ids of the known headers in `lines`, ends with SIP_HDR_OTHER: what the message that is
        passed on must not have besides. */
    enum sip_hdr_id cut[SIP_EMBED_MAX + 1];
};

/**
 * @param u  parsed; sip and sips may have headers, of other schemes `uri` is the whole text
 * @return 0; E_SYNTAX, E_TOOMANY, E_NOMEM; E_EXISTS: two different Replaces
 */
int sip_embed(const struct sip_uri *u, struct arena *a, struct sip_embedded *out) MUST_USE;

/** The header lines for all of it but User-to-User. May be empty; absent: memory is out. */
struct str sip_embedded_lines(struct arena *a, const struct sip_embedded *e);

#endif
