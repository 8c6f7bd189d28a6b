/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who stands on the virtual network in the tests of dialogs.
 *
 * A `station` is a node with a transaction layer and a leg layer, as an engine would wire them.
 * It writes down all that it is told as words in `log` ("180 answered acked bye ended:bye
 * gone"), and can do the usual things by itself: acknowledge, answer requests with 200.
 *
 * A `raw` peer is a node that keeps the messages that reach it and sends what a test writes; it
 * plays proxies, odd peers, and the far end of what a test wants to see byte for byte.
 */
#ifndef BATON_TESTS_FIXTURE_LEG_H
#define BATON_TESTS_FIXTURE_LEG_H

#include "dialog/leg.h"
#include "fixture_net.h"
#include "test.h"

/** An indexed message in memory of its own. */
struct text_msg {
    struct sip_msg_own *own;
    struct sip_msg *m;
};

struct station {
    struct vnode node;
    struct test_mem mem;
    struct wheel wheel;
    struct txn_layer txn;
    struct arena arena;
    struct leg_layer legs;
    bool up;

    /* what it does by itself */
    bool auto_ack, auto_answer; /**< auto_answer: 200 to requests and BYE */
    struct str answer_body;     /**< SDP for 200 to re-INVITE and UPDATE with body */
    bool refuse_calls;          /**< INVITE: nobody takes it */

    /* what it heard */
    char log[8192];
    size_t log_n;
    struct leg *leg;           /**< the last one; NULL after on_gone */
    struct dialog *dialog;     /**< of the last provisional */
    struct txn *request, *bye; /**< open ones */
    struct sip_msg_own *last;  /**< the last message of a callback */
    unsigned last_status;      /**< of the last answer to a request of ours */
    size_t gone;
    void (*on_call)(struct station *s, struct leg *leg, const struct sip_msg *m);
    void (*hook)(struct station *s, const char *what, struct leg *leg, uint64_t now_ms);
    void *hook_ctx;
};

extern const struct leg_user station_user;

/** @param config NULL: timer off, min_se 90 */
void station_up(struct station *s, struct vnet *net, const char *name, const char *ip,
                const struct leg_config *config);
/** Checks that nothing is left but what the layers hold while they live, then frees these. */
void station_down(struct station *s);
/** No leg, dialog, request, transaction, timer. */
void station_check_empty(struct station *s);

/** INVITE from a to b by `transport`. Body: SDP, absent: delayed offer. */
struct leg *station_call(struct station *a, const struct vnode *b, enum transport transport,
                         struct str sdp, struct str lines);
/** Answer its last leg's INVITE. */
int station_respond(struct station *s, unsigned status, struct str sdp);
int station_ack(struct station *s, struct str sdp);
int station_send(struct station *s, const char *method, struct str sdp);
int station_answer(struct station *s, unsigned status, struct str sdp);
void station_clear_log(struct station *s);
uint64_t station_now(const struct station *s);

/** How often its log says that a leg of its has ended. */
size_t station_ends(const struct station *s);
/** End its leg, if it has one. */
void station_stop(struct station *s);
/** One thing that a user might do now, chosen by chance. Errors are answers too. */
void station_act(struct vnet *net, struct station *s);
void station_listen(struct leg_request *r, unsigned status, const struct sip_msg *m,
                    uint64_t now_ms);
/** The header value in the last message that was heard. */
struct str station_last(const struct station *s, const char *name);

/** Two stations on one network: alice at 10.0.0.1, bob at 10.0.0.2. */
struct two {
    struct vnet net;
    struct station a, b;
};

/** @param a, b  their configurations, as for station_up */
void two_up(struct two *w, uint64_t seed, const struct leg_config *a,
            const struct leg_config *b);
/** End the legs that still stand. */
void two_hang_up(struct two *w);
/** Check that both come to rest with nothing left, and free all. */
void two_down(struct two *w);

/** Two stations with a call that stands; false when it does not. */
bool stations_talk(struct station *a, struct station *b, enum transport transport);

#define RAW_MAX 64

struct raw {
    struct vnode node;
    struct test_mem mem;
    struct str in[RAW_MAX]; /**< malloc'ed */
    struct hop from[RAW_MAX];
    size_t in_n, taken;
};

void raw_up(struct raw *r, struct vnet *net, const char *name, const char *ip);
void raw_down(struct raw *r);
/** The next message that has not been taken; absent text when none. */
struct text_msg raw_take(struct raw *r);
/** The last taken message's source. */
struct hop raw_from(const struct raw *r);
/** Text with \n or CRLF line ends; Content-Length is added behind the head when absent. */
void raw_send(struct raw *r, const struct hop *to, const char *text);
void raw_sendf(struct raw *r, const struct hop *to, const char *fmt, ...) PRINTF_LIKE(3, 4);
/** A response to `req`, with its Via, From, To (+tag), Call-ID and CSeq. */
void raw_reply(struct raw *r, const struct hop *to, const struct sip_msg *req,
               const char *status, const char *to_tag, const char *lines, const char *body);

/** Indexed copy of text as raw_send sends it; text_free it. */
struct text_msg text_parse(const char *text);
struct text_msg text_of_bytes(struct str bytes);
void text_free(struct text_msg *t);
/** Value of a header by name, the first line; empty when absent. */
struct str text_value(const struct text_msg *t, const char *name);
struct str text_start(const struct text_msg *t);

#define SDP_A \
    STR("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n")
#define SDP_B \
    STR("v=0\r\no=- 2 1 IN IP4 192.0.2.2\r\ns=-\r\nt=0 0\r\nm=audio 4002 RTP/AVP 0\r\n")

#endif
