/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watcher: subscribes with digest over a transaction layer of its own, answers NOTIFY, keeps
 * what it was told.
 *
 * It checks what every notifier owes: CSeq rises, no NOTIFY comes while another is unanswered,
 * Event and Subscription-State are there, XML is well-formed, and the version of a document is
 * one higher than that of the last one in the dialog.
 */
#ifndef BATON_TESTS_WATCHER_H
#define BATON_TESTS_WATCHER_H

#include "auth/auth.h"
#include "fixture_net.h"
#include "test.h"
#include "txn/txn.h"

#define WATCHER_NOTES 64

/** One NOTIFY. */
struct told {
    char state[80]; /**< Subscription-State value */
    char event[64];
    char type[96];
    char body[4096];
    uint32_t cseq;
    uint64_t time_ms;
};

struct watcher {
    struct vnode node;
    struct test_mem mem;
    struct wheel wheel;
    struct txn_layer txn;
    bool up;
    const char *number, *password, *domain;
    struct vnode *server;
    enum transport transport;
    struct auth_client auth;

    /* its dialog */
    char call_id[64], tag[64], to_tag[64], target[96], event[96], remote[128];
    uint32_t cseq, last_cseq;
    long version;      /**< of the last document; -1: none */
    struct hop source; /**< where the last NOTIFY came from */

    /* the request that runs */
    char method[16], lines[512], body[1024];
    char credentials[1024];     /**< of the request that is out, "" for none */
    unsigned status;            /**< final; 0: none yet */
    struct sip_msg_own *answer; /**< the final one */

    /* what it does with a NOTIFY */
    unsigned reply; /**< 200; 0: keeps it open until watcher_reply */
    const char *reply_lines;
    struct txn *open;
    bool sloppy; /**< after losses: documents may be missing */

    struct told note[WATCHER_NOTES];
    size_t notes;
};

void watcher_up(struct watcher *w, struct vnet *net, struct vnode *server, const char *name,
                const char *ip, const char *number, const char *password,
                enum transport transport);
void watcher_down(struct watcher *w);

/** A new dialog: SUBSCRIBE sip:TARGET@domain. `event`: its header value. expires < 0: no
   header. `lines`: further ones with CRLF; `body` with its Content-Type among them. */
void watcher_subscribe(struct watcher *w, const char *target, const char *event, int expires,
                       const char *lines, const char *body);
/** SUBSCRIBE in the dialog. */
void watcher_refresh(struct watcher *w, int expires, const char *lines, const char *body);
/** Any request: in the dialog when there is one. */
void watcher_send(struct watcher *w, const char *method, const char *lines, const char *body);
/** The same outside of any dialog. */
void watcher_send_out(struct watcher *w, const char *method, const char *target,
                      const char *lines, const char *body);
/** Answer the NOTIFY that was kept open. */
void watcher_reply(struct watcher *w, unsigned status, const char *lines);

/** Header of the final answer; empty when there is none. */
struct str watcher_answer(const struct watcher *w, const char *name);
/** The last NOTIFY; never NULL (zeros when there was none). */
const struct told *watcher_last(const struct watcher *w);
/** Does the last body have this text? */
bool watcher_has(const struct watcher *w, const char *text);
/** What comes between `before` and the next quotation mark in the last body. */
const char *watcher_value(const struct watcher *w, const char *before);

#endif
