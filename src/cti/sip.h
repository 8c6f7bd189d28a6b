/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a session over SIP share: link_sip.c, sip_answer.c, content.c.
 */
#ifndef BATON_CTI_SIP_H
#define BATON_CTI_SIP_H

#include "cti/parts.h"

/* ---- content.c ---- */

/** What a request carries. */
struct content {
    enum {
        CONTENT_NONE, /**< no body, no type */
        CONTENT_CSTA,
        CONTENT_EMPTY,   /**< CSTA by type, and nothing in it */
        CONTENT_BROKEN,  /**< parts that cannot be told apart, or two with CSTA */
        CONTENT_UNKNOWN, /**< another type or an encoding: 415 */
        CONTENT_PACKAGE, /**< INFO of an Info Package: 469 */
    } kind;
    struct str csta; /**< the XML */
    struct str sdp;  /**< a session description that came with it, or absent */
};
struct content content_of(const struct sip_msg *m);

/** Is CSTA in it, whatever is wrong with the rest? */
bool content_has_csta(const struct sip_msg *m);

/**
 * Make the answer to a description that came with CSTA: s->sdp, no stream is taken (S-3).
 * @return 0; E_SYNTAX and others of sdp_parse; E_NOMEM
 */
int content_answer_sdp(struct cti_session *s, struct str offer) MUST_USE;

/** The type of a body made of `csta` (absent: none) and s->sdp, and that body. E_NOMEM */
int content_join(struct cti_session *s, struct str csta, struct str *type,
                 struct str *body) MUST_USE;

/* ---- sip_answer.c ---- */

/** Serve what `m` carries and answer it, now or later. `t` as in struct asker. */
void sip_on_message(struct cti_session *s, struct txn *t, const struct sip_msg *m,
                    uint64_t now_ms);
/** A SIP answer without CSTA. `lines` and `why` (text of a Warning) may be absent. */
void sip_answer(const struct asker *to, unsigned status, const char *lines, struct str why,
                uint64_t now_ms);
/** `Warning: 399 example.com "text"` with CRLF; absent without text or memory. */
struct str sip_warning(const struct cti *c, struct str why);
/** cti_link.answer */
void sip_reply(const struct asker *to, const struct cti_reply *reply, uint64_t now_ms);

/** Of the legs of sessions; owner: the session. */
extern const struct leg_user cti_session_user;

extern const struct str csta_type;        /**< "application/csta+xml" */
extern const struct str csta_disposition; /**< Content-Disposition line */

#endif
