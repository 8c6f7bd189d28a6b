/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone that speaks uaCSTA, as its profile says and with the misbehaviours of the field.
 *
 * It is a phone of phone.h (it registers, rings, answers) that takes CSTA besides: an INVITE
 * with RequestSystemStatus makes a session, INFO in it a request, NOTIFY with `Event: uaCSTA` a
 * request without one. It is strict where real phones are: a device in another form than its
 * profile's, a service that the profile has not, a second MonitorStart are refused.
 *
 * CALLS. The one that goes through the server is the phone's own (phone.h): what happens to it
 * is told as events, and AnswerCall, ClearConnection, HoldCall, RetrieveCall do to it what its
 * user would. Besides it may have calls that the server never sees (over another line, say),
 * which are facts without SIP: uaphone_rings, uaphone_dials and what follows.
 *
 * It does not use what it tests: what it sends is text.
 */
#ifndef BATON_TESTS_UAPHONE_H
#define BATON_TESTS_UAPHONE_H

#include "csta/csta.h"
#include "phone.h"
#include "phone/profile.h"

/** What it does that it should not. Bits. */
enum uaphone_odd {
    UAPHONE_REPEATS = 1U << 0,      /**< every event comes twice */
    UAPHONE_LATE = 1U << 1,         /**< events come 1.5 s after what they tell */
    UAPHONE_EVENT_FIRST = 1U << 2,  /**< the event of a request goes before its answer */
    UAPHONE_GARBAGE = 1U << 3,      /**< what is no XML comes before the first event */
    UAPHONE_EMPTY = 1U << 4,        /**< answers without parameters have no body (S-12) */
    UAPHONE_SIP_REFUSALS = 1U << 5, /**< 4xx in place of CSTAErrorCode (S-9) */
    UAPHONE_APART = 1U << 6,        /**< answers come in an INFO of their own (S-11) */
    UAPHONE_MUTE = 1U << 7,         /**< answers no CSTA at all */
    UAPHONE_NO_STATUS = 1U << 8,    /**< nothing in the 200 to the INVITE */
    UAPHONE_BUSY = 1U << 9,         /**< refuses the session: 486 */
    UAPHONE_NO_CSTA = 1U << 10,     /**< CSTA is switched off: 415 */
    UAPHONE_DISABLED = 1U << 11,    /**< systemStatus is not normal */
    UAPHONE_NO_KEYS = 1U << 12,     /**< NOTIFY with ACTION-URI is refused: 489 */
};

enum { UAPHONE_CALLS = 6, UAPHONE_QUEUE = 32 };

enum uaphone_state {
    UACALL_NONE,
    UACALL_ALERTING,
    UACALL_DIALLING,
    UACALL_TALKING,
    UACALL_HELD
};

struct uaphone_call {
    enum uaphone_state state;
    char id[48];    /**< its callID */
    char other[64]; /**< the far end's number */
    bool incoming;
    bool sip; /**< it is the call of phone.h */
};

struct uaphone {
    struct phone p;
    const struct phone_profile *profile;
    unsigned odd;
    char lines[256]; /**< of its REGISTER: User-Agent */
    const struct vnode_user *base;
    void (*base_hook)(struct station *s, const char *what, struct leg *leg, uint64_t now_ms);
    void (*base_call)(struct station *s, struct leg *leg, const struct sip_msg *m);

    struct leg *session;        /**< NULL: none */
    bool up;                    /**< it is acknowledged */
    char ref[16];               /**< of the monitor; empty: none */
    bool garbled;               /**< the garbage has been sent */
    char *queue[UAPHONE_QUEUE]; /**< events to be sent; malloc'ed */
    size_t queued;
    bool sending;
    struct timer timer; /**< of late events */

    struct uaphone_call call[UAPHONE_CALLS];
    unsigned next_call;
    bool dnd, mic_muted, speaker_muted;
    unsigned volume;
    char forward_to[32]; /**< immediately; empty: not */
    char digits[32];     /**< last ones that it was to send */

    unsigned sessions, monitors,
        stray;        /**< so far; stray: in-dialog requests after it lost all */
    char heard[2048]; /**< services asked for, one word each */
    char told[2048];  /**< events sent, one word each */
};

/** Not registered yet. `agent`: its User-Agent; NULL: made of the profile's first pattern */
void uaphone_up(struct uaphone *u, struct vnet *net, struct vnode *server, const char *name,
                const char *ip, const char *number, const char *password,
                enum transport transport, const struct phone_profile *profile,
                const char *agent, unsigned odd);
void uaphone_down(struct uaphone *u);

/** The phone is switched off and on: session, monitor and calls are gone without a word, and it
    registers anew. */
void uaphone_restart(struct uaphone *u);
/** It forgets its session, and nothing else: what comes in it is answered 481. */
void uaphone_forget(struct uaphone *u);
/** BYE to the session. */
void uaphone_end_session(struct uaphone *u);

/* ---- calls that do not go through the server; what its user and the far end do ---- */

struct uaphone_call *uaphone_rings(struct uaphone *u, const char *from);
struct uaphone_call *uaphone_dials(struct uaphone *u, const char *to);
void uaphone_far_rings(struct uaphone *u, struct uaphone_call *c);
void uaphone_far_answers(struct uaphone *u, struct uaphone_call *c);
void uaphone_answers(struct uaphone *u, struct uaphone_call *c);
void uaphone_holds(struct uaphone *u, struct uaphone_call *c);
void uaphone_retrieves(struct uaphone *u, struct uaphone_call *c);
void uaphone_clears(struct uaphone *u, struct uaphone_call *c, bool by_far_end);

/** Its user switches do not disturb. */
void uaphone_sets_dnd(struct uaphone *u, bool on);

/** The call in that state, or NULL. */
struct uaphone_call *uaphone_find(struct uaphone *u, enum uaphone_state state);

/* ---- uaphone_serve.c: between the files ---- */

/** Serve a request. @return the answer as text, malloc'ed; NULL: an empty one. *status: of SIP
 */
char *uaphone_serve(struct uaphone *u, struct str xml, unsigned *status);
/** Somebody presses that key of its profile: as its user would. @return false: it has none */
bool uaphone_press(struct uaphone *u, struct str key);
/** What came of the phone's own call. */
void uaphone_on_sip(struct uaphone *u, const char *what, const struct sip_msg *m);
/** Send what waits, as far as it may go now. */
void uaphone_flush(struct uaphone *u);
/** An event waits to be sent. */
void uaphone_tell(struct uaphone *u, const char *event, const char *fmt, ...) PRINTF_LIKE(3, 4);
/** An identifier of its own line, as the profile has it. */
const char *uaphone_self(const struct uaphone *u);
/** `<ROOT xmlns="…">…</ROOT>`, malloc'ed. */
char *uaphone_text(const struct uaphone *u, enum csta_edition asked, const char *root,
                   const char *inner);

#endif
