/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones: stations that register with digest, ring, answer, and know their media.
 *
 * MEDIA. A phone keeps to RFC 3264 and checks that the others do: what it sends is one session
 * with a version that rises by one with every change; of what it gets, each description must
 * continue the last one (same origin; the same version only for the same octets, else a
 * higher one; no section less) and an answer must fit the offer. A breach is a failed check.
 *
 * BEHAVIOUR. What a phone does by itself is set by members; the rest a test does by hand with
 * the functions below or those of fixture_leg.h on `s`. One call at a time.
 */
#ifndef BATON_TESTS_PHONE_H
#define BATON_TESTS_PHONE_H

#include "fixture_leg.h"
#include "sdp/sdp.h"

/** One end of a media session, and what it has seen of the other. */
struct media {
    uint64_t id, version;
    bool sent, seen;
    bool offering;      /**< an offer of ours waits for its answer */
    uint8_t dir;        /**< enum sdp_dir of our last description */
    uint8_t remote_dir; /**< of theirs */
    char text[512];     /**< our last one */
    char remote[2048];  /**< theirs */
    size_t remote_n;
    char tag[80];    /**< of the dialog that they came in */
    size_t received; /**< descriptions that came */
};

struct phone {
    struct station s;
    const char *number, *password;
    const char *domain;
    struct vnode *server;
    enum transport transport;
    bool sips; /**< registers a sips contact, over TLS */
    struct auth_client auth;
    struct leg_config config;

    /* what it does by itself */
    unsigned on_call; /**< sent at once to an INVITE: 180 (default), 200, 486 …; 0: nothing */
    struct str ring_lines, answer_lines,
        bye_lines;          /**< further lines of 1xx, 2xx, 2xx to BYE */
    bool talk;              /**< registers Allow-Events: talk, and obeys it */
    bool obeys_auto;        /**< answers at once when it is asked to (Answer-Mode: Auto) */
    unsigned refuse_offers; /**< status for a re-INVITE or UPDATE with an offer; 0: takes it */
    bool any_media;         /**< callers may send any body: it is not looked at */
    bool idle;              /**< leaves requests inside the dialog to the test */
    uint8_t want;           /**< enum sdp_dir that it wants now; SENDRECV */

    struct media media;
    bool offerless; /**< its call, or the call to it, began without an offer */

    /* registration */
    char register_id[24];
    uint32_t register_cseq;
    char register_auth[1024]; /**< credentials of the one that is out, "" for none */
    unsigned register_status; /**< 0: no answer yet */
    uint32_t register_expires;
    const char *register_params;    /**< of the contact, e.g. ";q=0.5" */
    const char *register_lines;     /**< further lines, each with CRLF; NULL: none */
    char register_contact[160];     /**< Contact value; empty: none is sent (a query) */
    struct sip_msg_own *registered; /**< the last final answer */
};

/** @param number  user part; also its name on the net is `name` */
void phone_up(struct phone *p, struct vnet *net, struct vnode *server, const char *name,
              const char *ip, const char *number, const char *password,
              enum transport transport);
/** With leg configuration of its own (session timers). */
void phone_up_with(struct phone *p, struct vnet *net, struct vnode *server, const char *name,
                   const char *ip, const char *number, const char *password,
                   enum transport transport, const struct leg_config *config);
void phone_down(struct phone *p);

/** REGISTER with its contact; 0 s removes it. The outcome comes in register_status. */
void phone_register(struct phone *p, uint32_t expires_s);
/** REGISTER with this Contact value ("": a query), and optionally Expires. */
void phone_register_contact(struct phone *p, const char *contact, uint32_t expires_s);

/** INVITE to a number, a sip or a sips URI with an offer (`offer` false: without). @return its
 * leg */
struct leg *phone_call(struct phone *p, const char *to, bool offer, struct str lines);
int phone_respond(struct phone *p, unsigned status);
int phone_answer(struct phone *p);
/** BYE, CANCEL or refusal, whatever ends its call now. Nothing when there is none. */
void phone_hang_up(struct phone *p, struct str lines);
/** re-INVITE with that direction. @return as leg_send */
int phone_offer(struct phone *p, enum sdp_dir dir);
/** Is its call up? */
bool phone_talks(const struct phone *p);

/** What both phones do with their media now: "sendrecv|sendrecv" */
const char *phones_media(const struct phone *a, const struct phone *b);

/** A description of ours with that direction; the same one while nothing changes. */
struct str phone_sdp(struct phone *p, enum sdp_dir dir);

#endif
