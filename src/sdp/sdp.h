/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of SDP that call control needs: who sends, to where, and which version it is.
 *
 * A bridge holds, retrieves and connects calls by changing a few words of a session
 * description that is not its own. So a body is viewed, not modelled: `sdp_parse` finds the
 * o= line, the media sections, their directions and addresses; `sdp_rewrite` gives the
 * same octets with other directions and another o= line, and nothing else touched: codecs,
 * candidates, keys, unknown lines and the kind of line ends stay as they came. Where Baton
 * has to speak for itself (a phone without media, third-party call control), `sdp_write_*`
 * write the little that is needed.
 *
 * DIRECTION is seen from the author of the description: SENDONLY is "I send". As two bits,
 * so that what an answer may say is an AND (RFC 3264 §6.1).
 *
 * THE O= LINE. Each side of a call has to see one session: same user name, id and address,
 * the version one higher with every change (RFC 3264 §8). A bridge that shows one side now
 * the description of this peer and now of that one keeps a `struct sdp_origin` per side and
 * has it written into every body.
 *
 * OWNERSHIP. A `struct sdp` borrows the body. Lines end in CRLF or LF (RFC 4566 §5).
 *
 * NOT HERE: multipart bodies; codec negotiation beyond the phone without media; the rule
 * that sections never become fewer (RFC 3264 §8), which is for those who pair two bodies.
 */
#ifndef BATON_SDP_SDP_H
#define BATON_SDP_SDP_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/out.h"
#include "base/str.h"

/** Media sections of one body; more is E_TOOMANY. */
#define SDP_MEDIA_MAX 32

enum sdp_dir {
    SDP_INACTIVE = 0,
    SDP_SENDONLY = 1,
    SDP_RECVONLY = 2,
    SDP_SENDRECV = SDP_SENDONLY | SDP_RECVONLY,
};

/** "sendrecv", "sendonly", "recvonly", "inactive" */
struct str sdp_dir_text(enum sdp_dir dir);

/** The same stream seen from the other end. */
enum sdp_dir sdp_dir_reverse(enum sdp_dir dir);

/** What an answer may say when it wants `wanted` (RFC 3264 §6.1). */
enum sdp_dir sdp_dir_answer(enum sdp_dir offered, enum sdp_dir wanted);

/** What a hold makes of it (RFC 3264 §8.4): no longer receiving. */
enum sdp_dir sdp_dir_hold(enum sdp_dir dir);

/** One media section. */
struct sdp_media {
    struct str text;    /**< from its m= line to the next one, line ends included */
    struct str kind;    /**< "audio" */
    struct str proto;   /**< "RTP/AVP" */
    struct str formats; /**< "0 8 101"; empty when none are there */
    struct str address; /**< of its c= line or the session's, without TTL; absent if none */
    uint16_t port;      /**< 0: rejected or removed */
    uint8_t dir;        /**< enum sdp_dir, its own or the session's or the default */
    bool has_dir;       /**< it has an attribute of its own */
    bool black_hole;    /**< the address says "nowhere": 0.0.0.0, ::, *.invalid */
};

struct sdp {
    struct str text;
    struct str origin;                     /**< the o= line without "o=" and line end */
    struct str username, id, version, net; /**< its parts; net: "IN IP4 192.0.2.1" */
    struct str address; /**< of the session's c= line; absent when there is none */
    uint8_t dir;        /**< of the session, SENDRECV when it says nothing */
    size_t media_count;
    struct sdp_media media[SDP_MEDIA_MAX];
};

/**
 * View a session description (RFC 4566 §5). Of the session lines only v= and o= are
 * demanded, because many bodies in the field lack others.
 *
 * @param at  where it went wrong, offset in `body`; may be NULL
 * @return 0; E_SYNTAX, E_VERSION (v= is not 0), E_TOOMANY
 */
int sdp_parse(struct str body, struct sdp *out, size_t *at) MUST_USE;

/** Does its author ask for silence? Some stream is in use, and none may be sent to. */
bool sdp_is_held(const struct sdp *s);

/** The next a=NAME[:VALUE] in the text of a section, cut off *rest. *value is absent for a
    flag. @return false at the end */
bool sdp_attr_next(struct str *rest, struct str name, struct str *value);

/** The o= line as one side of a call has seen it. */
struct sdp_origin {
    struct str username, id, net; /**< absent: as the body has it */
    uint64_t version;
};

enum sdp_aim {
    SDP_KEEP,     /**< directions as they are */
    SDP_HOLD,     /**< each stream on hold (RFC 3264 §8.4) */
    SDP_RETRIEVE, /**< each stream as in `other`, the body before the hold */
    SDP_ANSWER,   /**< each stream as far as the offer `other` allows (RFC 3264 §6.1) */
    SDP_SILENCE,  /**< each stream inactive */
};

struct sdp_edit {
    uint8_t aim;                     /**< enum sdp_aim */
    bool bump;                       /**< without `origin`: version plus one */
    const struct sdp *other;         /**< for RETRIEVE and ANSWER; sections pair by position */
    const struct sdp_origin *origin; /**< what to write as o= line */
};

/**
 * The body with its directions and its o= line changed, everything else octet for octet.
 *
 * Sections with port 0, and those that `other` has no counterpart in use for, stay as they
 * are. A section without a direction of its own gets one, as its last line, only when it
 * has to differ from what it inherits.
 * @return 0; E_VALUE (`other` is missing, or a part of `origin` is not one line of visible
 *         characters), E_NOMEM
 */
int sdp_rewrite(const struct sdp *s, const struct sdp_edit *e, struct arena *a,
                struct str *out) MUST_USE;

/** Random octets from which keys are made that nobody has. */
#define SDP_ENTROPY 72

/** What a black hole says more of one stream than its offer, in octets, at most. */
#define SDP_KEYS_MAX 320

/** What Baton says of itself when the description is its own. */
struct sdp_local {
    struct str username; /**< absent: "-" */
    uint64_t id, version;
    struct str address; /**< numeric; IPv6 also in brackets, which SDP has not */
    uint16_t port;      /**< for audio; not 0 */
    uint8_t dir;        /**< enum sdp_dir; note that 0 is INACTIVE */
    bool offers;        /**< a black hole is a new offer to the author of `offer`, no answer */
    const uint8_t *entropy; /**< SDP_ENTROPY octets; NULL: streams with keys are rejected */
};

/** An offer of one audio stream: PCMU, PCMA, telephone-event. @return 0, E_VALUE, E_SPACE */
int sdp_write_offer(struct out *o, const struct sdp_local *l) MUST_USE;

/**
 * An answer: the first audio stream over RTP/AVP that has PCMU or PCMA is taken, in the
 * offer's order and payload numbers; every other stream is rejected (RFC 3264 §6).
 * @return 0; E_UNSUPPORTED: nothing in common (488), nothing is written; E_VALUE, E_SPACE
 */
int sdp_write_answer(struct out *o, const struct sdp_local *l,
                     const struct sdp *offer) MUST_USE;

/**
 * An answer that takes nothing: every stream of the offer in its place, with port 0 (RFC 3264
 * §6). `port` and `dir` of *l are not looked at. @return 0, E_VALUE, E_SPACE
 */
int sdp_write_rejection(struct out *o, const struct sdp_local *l,
                        const struct sdp *offer) MUST_USE;

/**
 * A description that takes the call and no media: address 0.0.0.0, inactive (RFC 3725 §4.2,
 * §4.3). With `offer` it is the answer to it: each RTP stream accepted with all its formats,
 * the others rejected. A stream with keys (SDES, DTLS and ICE) gets keys that nobody has, so
 * that a browser or a phone that insists on them takes the description. NULL: an offer of one
 * audio stream.
 * @return 0; E_UNSUPPORTED: the offer has no such stream, nothing is written; E_VALUE, E_SPACE
 */
int sdp_write_black_hole(struct out *o, const struct sdp_local *l,
                         const struct sdp *offer) MUST_USE;

#endif
