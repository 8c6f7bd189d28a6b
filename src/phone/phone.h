/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The phone driver: phones that speak uaCSTA (TR/87) are commanded and watched by themselves.
 *
 * Baton is the computing function here and the phone the switching function. Each phone whose
 * profile has the means gets one SESSION, an INVITE dialog that carries CSTA, opened over the
 * flow on which it registered, so that NAT is no obstacle, or through the peer (a PBX) on which
 * the line lives.
 *
 *              registers             200           monitored, looked at
 *   (none) ──► WAITING ──► OPENING ──► STARTING ──► UP
 *                 ▲  back-off             │          │
 *                 └─── refused, 481, 408, no answer, BYE, flow or phone begins anew ┘
 *
 * WITHOUT A SESSION. A phone whose profile says `notify` is asked by NOTIFY (means.h): it is up
 * as soon as it has registered, and tells no calls. A phone that rings and can be asked in no
 * other way has its key pressed over HTTP, if its profile has one.
 *
 * KEPT ALIVE. The session timer of the dialog refreshes it (RFC 4028), and who has said nothing
 * for refresh_s is asked RequestSystemStatus. So a phone, a path or a server that has begun
 * anew is found out within one refresh, and at once when the phone registers from another place
 * or under another Call-ID. Then the session is made anew, the device monitored again, its
 * calls are looked at (SnapshotDevice) and compared with what was known: what has happened
 * meanwhile is told as events, and after them `resynced` (docs/csta-private.md).
 *
 * ONE DEVICE, TWO DRIVERS. A call that Baton bridges is the switch's: what the phone tells of
 * it is no news and goes no further (match.c). Every other call that the phone tells of becomes
 * a foreign call of the call layer (call.h), told to those who watch the device like any
 * other. Commands on foreign calls go to the phone, and so does AnswerCall of a bridged call,
 * which only the phone itself can do, and what has to do with its body: speaker, microphone,
 * ringer, hookswitch. Do not disturb, forwarding and the message lamp are one fact each,
 * whoever changes it: set here it is set at the phone, switched there it is told here.
 *
 * BOUNDS. Sessions, requests that wait for one phone, foreign calls of one phone. One request
 * at a time is out to a phone (S-14); each has one outcome, an answer or none in time.
 *
 * OWNERSHIP. The layer owns its phones; they go when their registration goes. Devices,
 * profiles and peers are borrowed. Nothing is kept of a call but its callID.
 */
#ifndef BATON_PHONE_PHONE_H
#define BATON_PHONE_PHONE_H

#include "cti/cti.h"
#include "cti/driver.h"
#include "event/event.h"
#include "phone/profile.h"

struct phones;

struct phone_config {
    bool automatic;         /**< devices that say nothing about it: by the User-Agent of
                                 their phones; off by default */
    uint32_t max_phones;    /**< default 10000 */
    uint32_t max_requests;  /**< that wait for one phone; default 32 */
    uint32_t max_calls;     /**< foreign ones of one phone; default 16 */
    uint32_t refresh_s;     /**< who has been silent so long is asked; default 120 */
    uint32_t answer_ms;     /**< patience with a request; default 8000 */
    uint32_t retry_ms;      /**< before the second attempt, doubled each time … */
    uint32_t retry_max_s;   /**< … up to this; default 500 ms and 60 s */
    uint32_t refused_s;     /**< a phone that does not take the session at all is tried again
                                 after this; default 1800 */
    uint32_t unanchored_ms; /**< an outgoing call of a registered phone that has not come here
                                 by then does not come here; default 500 */
};

/** What it stands on; all borrowed. */
struct phone_world {
    const struct env *env;
    struct wheel *wheel;
    struct leg_layer *legs;
    struct call_layer *calls;
    struct registrar *registrar;
    struct directory *directory;
    struct cti *cti;
    struct event_layer *events;
    struct arena *scratch;
    const struct phone_profiles *profiles; /**< NULL: the built-in ones */
};

/** Becomes the driver of `cti`, in front of the switch. @return NULL when memory is out */
struct phones *phones_new(const struct phone_world *w, const struct phone_config *config);
/** Without a word to any phone. Before cti_free. NULL is allowed. */
void phones_free(struct phones *p);

/** Other profiles from now on, borrowed likewise: phones choose anew. */
void phones_set_profiles(struct phones *p, const struct phone_profiles *profiles,
                         uint64_t now_ms);
/** The directory has changed, or all begins: who is reached through a peer is called. */
void phones_roster_changed(struct phones *p, uint64_t now_ms);
void phones_device_gone(struct phones *p, const struct device *d, uint64_t now_ms);

/** To be told of each (registrar_binding_fn). */
void phones_on_binding(struct phones *p, const struct record *r, const struct binding *b,
                       enum binding_event what, uint64_t now_ms);
/** After cti has heard of it. */
void phones_on_call_event(struct phones *p, const struct call_event *e);
/** A switch of the device was set, by anybody (call_feature_fn). */
void phones_on_feature(struct phones *p, struct device *d, unsigned which, uint64_t now_ms);
/** Its message lamp. */
void phones_on_waiting(struct phones *p, struct device *d, uint64_t now_ms);

/** An HTTP request of env->fetch has ended (engine_fetched). */
void phones_fetched(struct phones *p, uint64_t tag, unsigned status, uint64_t now_ms);

/** BYE to every phone, and no new session. */
void phones_end_all(struct phones *p, uint64_t now_ms);
/** Is this the dialog of a session that was given up? Its BYE is sent, and nobody needs to wait
    for a phone that may be gone. */
bool phones_gave_up(const struct leg *leg);

enum phone_state {
    PHONE_WAITING,  /**< for the next attempt, or for its registration */
    PHONE_OPENING,  /**< INVITE is out */
    PHONE_STARTING, /**< the session stands; monitor and calls are being asked for */
    PHONE_UP,
};

/** What is to be said about one phone, for people and tools; borrowed. */
struct phone_about {
    struct str id; /**< of the registration: its instance or contact; absent: through a peer */
    const struct phone_profile *profile;
    enum phone_state state;
    unsigned status;     /**< SIP status with which the last attempt failed; 0: none */
    const char *trouble; /**< why there is no session, or NULL */
    bool monitored;      /**< it tells events */
    uint32_t attempts;   /**< in a row that have failed */
    uint64_t next_ms;    /**< when it is tried again; WHEEL_NEVER: when it registers */
    uint32_t calls;      /**< that Baton does not carry */
};
/** The phones of a device. */
void phones_each(const struct phones *p, const struct device *d,
                 void (*fn)(void *ctx, const struct phone_about *a), void *ctx);

/** What there is to be said about the phones of a device (cti_report_fn; docs/csta-private.md).
 */
void phones_report(void *phones, const struct device *d, struct out *o, uint64_t now_ms);

/** Which phone of the device serves that now? It says so, and has not refused it lately. */
bool phones_serve(const struct phones *p, const struct device *d, enum csta_msg_id service);

struct phone_stats {
    uint64_t phones, sessions, monitored;          /**< now */
    uint64_t opened, lost, refused;                /**< sessions, so far */
    uint64_t requests, unanswered, refusals, full; /**< of ours, so far */
    uint64_t events, duplicates, unread;           /**< of theirs, so far */
    uint64_t resynced, foreign;                    /**< so far */
};
void phones_stats(const struct phones *p, struct phone_stats *out);

#endif
