/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls and connections: the model that CSTA speaks of, over legs (ECMA-269; TR/87 §9).
 *
 * A CALL is one conversation, from the first INVITE to the last BYE, through deflection and
 * transfer; its id never changes. A CONNECTION is one device (or outside number) in a call,
 * with a leg of its own when signalling runs to it. A plain call A→B has two connections; while
 * B's phone rings on two contacts, B's connection has two legs (branches), of which one stays.
 *
 *   null → initiated → connected ⇄ hold → null          originating side
 *   null → alerting → connected ⇄ hold → null           called side
 *   any → fail → null
 *
 * The structs are in model.h, further services in services.h.
 *
 * This layer bridges the legs (bridge.c), makes calls on behalf of an application (make.c, RFC
 * 3725), and carries out hold, retrieve, deflect and transfer. Everything that an observer
 * may see is told once, by `on_event`, in the order in which it happened. It does not know who
 * observes: that is CTI's business. The phone's own key presses and an application's commands
 * give the same events.
 *
 * UUI. User-to-User of INVITE, 101-199, 2xx, BYE and its 2xx (RFC 7433 §4.1) is carried by the
 * bridge byte for byte (it is neither hop nor own) and shown with the event. When the call goes
 * to somebody else it goes along, joined with what the move brings (context.c, uui/merge.h);
 * who put each value in is remembered.
 *
 * OWNERSHIP. The layer owns calls and connections. Others keep callID and device key, or
 * look up at use; pointers in an event are valid during the callback. Budget: 12 KiB a bridged
 * call with both legs and dialogs (bench/ measures it).
 */
#ifndef BATON_CALL_CALL_H
#define BATON_CALL_CALL_H

#include "base/pack.h"
#include "base/store.h"
#include "call/features.h"
#include "call/model.h"
#include "registrar/support.h"

/** What happened, in CSTA's words. */
enum call_event_kind {
    CALL_EV_SERVICE_INITIATED,
    CALL_EV_ORIGINATED,
    CALL_EV_NETWORK_REACHED,
    CALL_EV_DELIVERED,
    CALL_EV_ESTABLISHED,
    CALL_EV_HELD,
    CALL_EV_RETRIEVED,
    CALL_EV_DIVERTED,
    CALL_EV_TRANSFERRED,
    CALL_EV_CONFERENCED,
    CALL_EV_FAILED,
    CALL_EV_CONNECTION_CLEARED,
    CALL_EV_DIGITS_DIALED,
    CALL_EV_DIGITS_GENERATED,
    CALL_EV_QUEUED,
    CALL_EV_INFORMATION, /**< the subject has sent User-to-User */
};

struct call_event {
    enum call_event_kind kind;
    const struct call *call;
    const struct connection
        *subject; /**< whose state changed: alerting, established, held, dropped … */
    const struct connection *calling; /**< callingDevice, or NULL when it left */
    struct str calling_id;            /**< its identifier, even when it left */
    struct str called_id;
    struct str last_redirection; /**< absent: notRequired */
    const struct connection
        *by; /**< releasing, transferring device; NULL: the subject itself */
    struct str by_id;
    struct str to_id; /**< newDestination of Diverted, transferredTo, addedParty */
    /** secondaryOldCall of Transferred and Conferenced: the subject's connection there; NULL:
       there was one call. `to_id` was its other party */
    const struct connection *secondary;
    struct str digits;          /**< of DigitsDialed and DigitsGenerated */
    uint32_t tone_ms, pause_ms; /**< and how long each, and each pause, was */
    /** Queued: calls that wait there, this one too, and those of them that came before it */
    uint32_t number_queued, in_front;
    const char *cause;   /**< EventCause: "normal", "newCall", "busy", … (table: cause.h) */
    struct str uui_to;   /**< raw User-to-User value(s) that went to the subject (the INVITE's);
                              several lines are joined by ", "; absent: none */
    struct str uui_from; /**< and that came from the subject, or from `by`: 18x, 2xx, BYE */
    struct seal_from uui_to_came, uui_from_came; /**< with which messages, for their seals */
    bool uui_to_again, uui_from_again; /**< an earlier event had it, from the same message */
    unsigned status;                   /**< SIP status behind Failed, or 0 */
    uint64_t now_ms;
};

typedef void (*call_event_fn)(void *ctx, const struct call_event *e);

/** Call back of those devices is set, or is no more. */
typedef void (*call_back_fn)(void *ctx, const struct device *from, const struct device *to,
                             bool set, uint64_t now_ms);

/** Who put that value in, one of those of call_event.uui_to, or with `back` of uui_from. NULL:
    that is not known */
const struct uui_mark *call_uui_mark(const struct call *c, bool back, struct str value);

struct call_config {
    uint32_t ring_s;           /**< unanswered calls end after this; default 120 */
    uint32_t prompt_s;         /**< MakeCall: the caller's phone; default 30 */
    uint32_t step_s;           /**< hold, retrieve, transfer; default 20 */
    uint32_t group_s;          /**< contacts with a lower q ring after this; default 20 */
    uint32_t max_calls;        /**< 0: no limit */
    uint32_t max_device_calls; /**< that one device has begun; default 100 */
    uint16_t
        decline_status;  /**< ClearConnection of an alerting call without reason; default 603 */
    uint16_t dnd_status; /**< refusal of calls to a device that is not to be disturbed; 486 */
    struct neighbour policy; /**< for devices; a peer has its own */
    bool auto_answer;        /**< MakeCall doNotPrompt sends Answer-Mode, Call-Info, Alert-Info;
                                default on */
    bool pass_redirects;     /**< a 3xx of who is called goes to the caller; default off */
    /** What moves may do to a call's User-to-User; the caller's. NULL: uui_carriage_default */
    const struct uui_carriage *carriage;
    uint32_t max_redirects;    /**< that one call follows; default 5 */
    uint32_t max_reroutes;     /**< that it is asked again where a call goes; default 10 */
    uint32_t queue_s;          /**< who wants to wait for a busy device waits so long; 0: not */
    uint32_t queue_max;        /**< so many wait at a time; default 100 … */
    uint32_t queue_per_device; /**< … and for one device; default 10 */
    struct str focus; /**< where conferences are: a sip URI or a peer's name; absent: nowhere */
    struct str room;  /**< user part there: "conf-%s"; without "%s", or absent: a factory's */
    struct str silent_room;          /**< the same for parties that are to be heard by nobody */
    uint32_t max_parties;            /**< of one conference; default 10 */
    uint32_t park_s;                 /**< the parker is called back after this; 0: never */
    uint32_t park_max;               /**< calls that are parked at a time; default 100 */
    uint32_t callback_s;             /**< call back is given up after this; default 3600 */
    uint32_t callback_max;           /**< of them at a time; default 1000 */
    const struct call_group *groups; /**< for GroupPickupCall; the caller's */
    size_t group_count;
    bool pickup; /**< any device may take a ringing call that it can name; default on */
};

struct destination;

/** Who says where calls go that wait at a routing device (asked.c); all get router_ctx. */
struct call_router {
    /** Is there anybody to be asked about calls at that device? */
    bool (*can)(void *ctx, const struct device *at);
    /** Where does this call go? Answered by call_route and its sisters, perhaps before this
        returns. @return false: nobody could be asked */
    bool (*ask)(void *ctx, struct call *c, uint32_t wait_ms, uint64_t now_ms);
    /** Does he want to be asked again, now that it did not get through? */
    bool (*can_again)(void *ctx, const struct call *c);
    /** @param status  SIP status with which it failed; 408: nobody answered. @return as ask */
    bool (*again)(void *ctx, struct call *c, unsigned status, uint32_t wait_ms,
                  uint64_t now_ms);
    /** He took too long: the call goes where its plan says. */
    void (*late)(void *ctx, struct call *c, uint64_t now_ms);
};

/** Seconds that a call waits for that, when its plan does not say. */
#define CALL_ASK_S 10

/** May a call go there on behalf of that device (NULL: of somebody outside)? */
typedef bool (*call_permit_fn)(void *ctx, const struct device *by,
                               const struct destination *to);

/** User-to-user signalling with the ISDN: times that something was so (uus.c). */
struct uus_stats {
    uint64_t opened;    /**< an INVITE opened the service */
    uint64_t closed;    /**< left out or ignored: no INVITE had opened it */
    uint64_t too_long;  /**< left out: more than UUI_ISDN_OCTETS */
    uint64_t several;   /**< values in one message, of which none counts */
    uint64_t malformed; /**< not valid as isdn-uui */
    uint64_t misplaced; /**< in a message that may not have it */
    uint64_t ended;     /**< connections whose service a transfer has ended */
    uint64_t differed;  /**< header and ISUP body did */
    uint64_t made;      /**< ISUP messages of our own */
    uint64_t unmade;    /**< those that were wanted and could not be made */
};

struct call_layer {
    const struct env *env;
    struct wheel *wheel;
    struct leg_layer *legs;
    struct registrar *registrar;
    struct directory *directory;
    struct arena *scratch;
    struct call_config config;
    bool draining; /**< MakeCall is refused (engine_drain) */
    struct hash_key key;
    struct map by_id;
    struct list calls;
    struct pool call_pool, step_pool, relay_pool, referral_pool, duo_pool, digits_pool,
        gather_pool;
    struct list duos;     /**< struct duo.link */
    struct list features; /**< struct device_features.link */
    struct list queue;    /**< callers who wait for a busy device, queue.c */
    uint32_t waiting;     /**< how many */
    struct list parked;   /**< calls that are parked, park.c … */
    uint32_t parked_now;  /**< … and how many */
    struct seal *seal;    /**< seals what applications give; NULL: there are no keys */
    const struct uui_packages *packages; /**< and their packages; NULL: isdn-uui alone */
    struct border *border; /**< its notes tell which values stayed behind; NULL: nobody's do */
    const struct call_router *router; /**< NULL: nobody says where calls go */
    void *router_ctx;
    call_event_fn on_event;
    /** The call is about to be freed, all is told; asked when call->cti is set. */
    void (*on_gone)(void *ctx, struct call *c);
    call_feature_fn on_feature; /**< may be NULL, as on_event; both get ctx */
    void *phones; /**< the phone layer's: who commands foreign calls; NULL: nobody */
    /** Does that phone take NOTIFY `Event: talk` though it has not said so? NULL: none does. */
    bool (*talks)(void *phones, const struct device *d, const struct binding *b);
    call_permit_fn permits; /**< asked, with ctx, before Baton itself sends a call somewhere:
                               REFER, redirection, forwarding, services; NULL: everything */
    void *ctx;
    struct list dead;
    const struct store_ops *store; /**< who keeps calls (keep.h); NULL: nobody */
    struct list touched;           /**< struct call.touch */
    struct pack_room room;
    struct list callbacks; /**< callback.c */
    struct pool callback_pool;
    uint64_t last_callback;
    call_back_fn on_callback; /**< may be NULL; gets ctx */
    uint64_t queued;          /**< callers that had to wait */
    uint64_t queue_full;      /**< and those for whom there was no room */
    uint64_t hunted;          /**< times that a next destination was tried */
    uint64_t forwarded;       /**< times that a device's forwarding was followed */
    uint64_t conferenced;     /**< times that parties were brought to the focus … */
    uint64_t focus_failed;    /**< … and that this came to nothing because of it */
    uint64_t made, bridged, failed, transferred, referred, redirected; /**< counters */
    struct uus_stats uus;
    uint64_t uui_replaced;  /**< values of calls, by those that a move brought … */
    uint64_t uui_refused;   /**< … and those that were not allowed to */
    uint64_t uui_forbidden; /**< isdn-uui that a move brought, where that is not taken */
};

/** Where a call can go: to one of ours, with a number to a peer, or to a URI. */
struct destination {
    struct device *device;   /**< one of ours, or NULL */
    const struct peer *peer; /**< or a peer */
    struct str uri;          /**< or a sip or sips URI without headers, looked up as it says */
    struct str id;           /**< device identifier to show */
    struct str number;       /**< user part, for the peer's Request-URI */
    struct str gr;           /**< only this phone of the device: value of gr; absent: all */
    bool sips;               /**< it was named by a sips URI */
    bool chosen;             /**< `peer` is one of those that take the number */
};

/** What a URI means: a device of ours or the contact of one, or a number that a peer takes.
    @return false: neither */
bool destination_of_uri(struct call_layer *l, const struct sip_uri *u, struct destination *out);

/**
 * How well it fits what a request demands of whom it reaches. Of the peers that take the number
 * the one that fits best is chosen anew. A URI, and a device that nobody has registered, are
 * not known.
 */
enum fit destination_fit(struct call_layer *l, const struct demand *w, struct destination *to);

/**
 * Request-URI of a number (a user part) at a peer, and the way there.
 * @param sips  a sips URI, and TLS
 * @return false: the URI is too long for `uri`, or the peer is not reached over TLS
 */
bool call_way_to_peer(const struct peer *p, struct str number, bool sips, struct out *uri,
                      struct txn_target *to);

/** Most statuses that lead to the next destination. */
#define CALL_NEXT_MAX 16

/** How an INVITE that came in is bridged, when somebody has decided that. Copied. */
struct call_plan {
    const struct destination
        *to; /**< tried one after another; at least one, but see refer_to */
    size_t count;
    struct str from;  /**< From value without tag; absent: the caller's own */
    struct str lines; /**< header lines that are added to each INVITE */
    struct str uui; /**< a User-to-User value, for an INVITE that has none of its package … */
    struct str uui_octets, uui_package; /**< … and what is in it, sealed or not */
    uint32_t ring_s;                    /**< for each destination; 0: the configured time */
    /** URIs to one of which the caller is sent by REFER, in order, if he can be (send_away.c);
        else the call is bridged as above. `to` may have nobody then, but not both */
    const struct str *refer_to;
    size_t refer_count;
    struct str called; /**< with refer_to: who was called */
    /** Routing device: the router is asked where the call goes, and `to` (perhaps nobody) are
        tried only when it does not say. NULL, or nobody routes: as if it were not there */
    struct device *ask;
    uint32_t ask_s;          /**< so long at most, each time; 0: CALL_ASK_S */
    const uint16_t *next_on; /**< a destination that fails so makes room for the next one */
    size_t next_count;
};

int call_layer_init(struct call_layer *l, const struct env *env, struct wheel *wheel,
                    struct leg_layer *legs, struct registrar *registrar,
                    struct directory *directory, struct arena *scratch,
                    const struct call_config *config);
void call_layer_fini(struct call_layer *l);
void call_layer_sweep(struct call_layer *l);

/**
 * A new INVITE that is to be bridged. `device` is the authenticated caller, or NULL (a peer).
 * Answers it itself when it cannot be bridged (404, 480, 482, 483, 503 …).
 */
void call_incoming(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                   struct device *device, uint64_t now_ms);

/** The device whose phone a leg leads to; NULL: somebody outside, or the leg is no call's. */
const struct device *call_device_of_leg(const struct leg *leg);

/** Does Replaces or Join name a dialog of a call of ours? Then it is for that, whatever number
    is called. */
bool call_is_named(struct call_layer *l, const struct sip_msg *m);

/** The same by a plan; NULL: to whom the Request-URI means. */
void call_incoming_by(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                      struct device *device, const struct call_plan *plan, uint64_t now_ms);

/**
 * An INVITE whose Replaces names a dialog of ours takes the place of the party there (RFC
 * 3891); one whose Join does is refused. call_incoming begins with this; who decides otherwise
 * where INVITEs go asks here first. @return true: it was dealt with
 */
bool call_replace(struct call_layer *l, const struct sip_msg *m, const struct hop *from,
                  struct device *device, uint64_t now_ms);

struct call *call_find(const struct call_layer *l, struct str id);

/** The connection of that device in that call that has not ended, or NULL. */
struct connection *call_connection(const struct call *c, const struct device *device);

/** Walk the connections of a device: pass NULL first. */
struct connection *call_of_device(const struct device *d, const struct connection *last);

/** The other connection of a two-party call, or NULL. */
struct connection *call_other(const struct connection *c);

struct call_make {
    struct device *from;
    struct str to;         /**< what was dialled: number, sip: or tel: URI; see call_dial */
    bool overlap;          /**< `to` may be incomplete, see call_dial */
    bool prompt;           /**< ring the caller's phone; false: ask it to answer by itself */
    struct str uui;        /**< octets of userData: go out as isdn-uui hex; absent: none */
    struct str correlator; /**< kept with the call and shown in events */
    struct str
        uui_values; /**< instead of `uui`: User-to-User values as they stand in a header … */
    struct str uui_by; /**< … and the URI of the referrer whose they are; absent: nobody's */
    struct str lines;  /**< further header lines of the INVITE to `to` */
    struct call_progress heard;
    const char *cause;  /**< EventCause of its events, static text; NULL: makeCall */
    struct str call_id; /**< that the call is to have, CALL_ID_LEN of [0-9a-z]; absent: any */
};

/** Octets of correlatorData that a call keeps. */
#define CALL_CORRELATOR_MAX 256

/**
 * From now on `octets` (copied, at most CALL_CORRELATOR_MAX) are the call's correlatorData;
 * absent: it has none. @return false: no memory, nothing has changed
 */
bool call_set_correlator(struct call *c, struct str octets) MUST_USE;

/** MakeCall. On CALL_OK *out is the caller's connection (initiated); the rest are events. */
enum call_error call_make(struct call_layer *l, const struct call_make *args,
                          struct connection **out, uint64_t now_ms);

/**
 * AnswerCall: `fn` hears the outcome unless the error is immediate (then it is returned):
 * CALL_BAD_STATE too when the phone that is called has not rung yet.
 */
enum call_error call_answer(struct connection *c, call_done_fn fn, void *owner,
                            uint64_t now_ms);

/**
 * ClearConnection. `reason`: EventCause name or absent (TR/87 7.3 maps it to a status or to a
 * Reason header); `uui`: octets for the BYE, absent: none.
 */
enum call_error call_clear(struct connection *c, struct str reason, struct str uui,
                           uint64_t now_ms);

/** DeflectCall of an alerting connection. `uui` replaces the set-up's when present. */
enum call_error call_deflect(struct connection *c, struct str to, struct str uui,
                             uint64_t now_ms);

enum call_error call_hold(struct connection *c, call_done_fn fn, void *owner, uint64_t now_ms);
enum call_error call_retrieve(struct connection *c, call_done_fn fn, void *owner,
                              uint64_t now_ms);

/**
 * SingleStepTransferCall: `c` leaves, its partner talks to `to`. `fn` hears when the new party
 * rings or answers (CALL_OK, and the Transferred event is out) or that nothing has changed.
 */
enum call_error call_transfer(struct connection *c, struct str to, struct str uui,
                              call_done_fn fn, void *owner, uint64_t now_ms);

/** What a REFER outside of any dialog asks for. All in the arena of call_refer_read, or
 * borrowed. */
struct call_reference {
    struct str to;    /**< URI without headers: for call_make */
    struct str uui;   /**< User-to-User values, or absent */
    struct str by;    /**< URI of who refers, or absent */
    struct str lines; /**< further header lines, may be empty */
    bool quiet;       /**< no subscription is wanted (RFC 4488) */
};

/**
 * Judge the Refer-To of a REFER (refer.c says how).
 * @return 0, or the status of the refusal with *reason (absent: the default phrase)
 */
unsigned call_refer_read(struct arena *a, const struct sip_msg *m, struct call_reference *out,
                         struct str *reason);

/**
 * A REFER outside of any dialog whose Target-Dialog (RFC 4538) names one of ours: as if it had
 * come there. @param device  who sent it; NULL: a trusted peer
 * @return 0: `heard` is told, at least once; else the status of the refusal
 */
unsigned call_refer_target(struct call_layer *l, const struct sip_msg *m,
                           const struct device *device, const struct call_progress *heard,
                           uint64_t now_ms);

/** What may become of a consultation (consultOptions of CSTA). */
enum call_consult_for {
    CALL_CONSULT_ANY,
    CALL_CONSULT_ONLY,
    CALL_CONSULT_TRANSFER,
    CALL_CONSULT_CONFERENCE,
};

/**
 * ConsultationCall: `c` is held, then its device calls args->to (args->from and prompt are not
 * looked at). On CALL_OK *out is its connection in the new call, which begins when `fn` hears
 * CALL_OK; before that nobody is told of it. The phone keeps its one leg: see share.c.
 */
enum call_error call_consult(struct connection *c, const struct call_make *args,
                             enum call_consult_for options, struct connection **out,
                             call_done_fn fn, void *owner, uint64_t now_ms);

/**
 * AlternateCall: `active` is held, then `held`, of the same device, is retrieved, or answered
 * when it is alerting. When that fails `active` is resumed, and `fn` hears why.
 */
enum call_error call_alternate(struct connection *held, struct connection *active,
                               call_done_fn fn, void *owner, uint64_t now_ms);

/** ReconnectCall: `active` is cleared, then `held` is retrieved. */
enum call_error call_reconnect(struct connection *active, struct connection *held,
                               call_done_fn fn, void *owner, uint64_t now_ms);

/**
 * TransferCall: the parties of `held` and `active`, both of one device, talk to each other, in
 * the call of `held`; the device leaves both. `fn` hears CALL_OK when that is so, or at once
 * when the party of `active` still rings; any other outcome: nothing has changed.
 */
enum call_error call_unite(struct connection *held, struct connection *active, call_done_fn fn,
                           void *owner, uint64_t now_ms);

/** Most characters that one GenerateDigits sends. */
#define CALL_DIGITS_MAX 64

/**
 * GenerateDigits: 0-9 * # A-D, ',' a second's pause, go to the other end of the call by INFO.
 * `fn` hears when the first was taken, or that there is no way. tone_ms, pause_ms 0: defaults.
 */
struct call_digits {
    struct str digits;
    uint32_t tone_ms, pause_ms;
};
enum call_error call_send_digits(struct connection *c, const struct call_digits *args,
                                 call_done_fn fn, void *owner, uint64_t now_ms);

/**
 * DialDigits: what a call that MakeCall has begun with an incomplete number (none, or one that
 * ends with ';') is to dial next. When `digits` do not end with ';', the number is complete,
 * and `whole` is what it is in the world, by whatever plan it was dialled; absent: what it is.
 */
enum call_error call_dial(struct connection *c, struct str digits, struct str whole,
                          uint64_t now_ms);

/** ClearCall: every connection of it. `by`: whose application asks. */
enum call_error call_clear_all(struct connection *by, struct str reason, struct str uui,
                               uint64_t now_ms);

/** The requester of a running procedure, or who hears of a reference, is gone: nobody hears. */
void call_forget(struct call_layer *l, void *owner);

/** Would somebody say where a call at that device goes? */
bool call_is_routed(const struct call_layer *l, const struct device *at);

/** Where a call goes that waits at a routing device. */
struct call_routed {
    struct str to;           /**< number, sip or tel URI */
    const struct str *other; /**< tried after it, one after another */
    size_t other_count;
    struct str uui; /**< octets in place of the set-up's, as isdn-uui; absent: as it came */
};

/**
 * Who was asked says where. @return CALL_OK: it is on its way, and what becomes of it is told
 * by events and, when it does not get through, by call_router.again; CALL_BAD_STATE: it does
 * not wait; else nothing has changed, and another answer may be given
 */
enum call_error call_route(struct call *c, const struct call_routed *r, uint64_t now_ms);
/** He does not say: the targets of its plan, or 480 without any. @return CALL_BAD_STATE: it
    does not wait */
enum call_error call_route_default(struct call *c, uint64_t now_ms);
/** The caller is refused. */
enum call_error call_route_refuse(struct call *c, unsigned status, uint64_t now_ms);

/** Which of the services are possible on this connection now; bits by enum call_service. */
enum call_service {
    CALL_SVC_ANSWER = 1,
    CALL_SVC_CLEAR = 2,
    CALL_SVC_DEFLECT = 4,
    CALL_SVC_HOLD = 8,
    CALL_SVC_RETRIEVE = 16,
    CALL_SVC_TRANSFER = 32,
    CALL_SVC_CONSULT = 64,
    CALL_SVC_ALTERNATE = 128,
    CALL_SVC_RECONNECT = 256,
    CALL_SVC_UNITE = 512,
    CALL_SVC_DIGITS = 1024,
    CALL_SVC_DIAL = 2048,
    CALL_SVC_CONFERENCE = 4096,
    CALL_SVC_INVITE = 8192,  /**< SingleStepConferenceCall */
    CALL_SVC_PICKUP = 16384, /**< it can be picked up */
    CALL_SVC_PARK = 32768,
    CALL_SVC_CALL_BACK = 65536,
};
unsigned call_services(const struct connection *c);

/** By what log lines about a call, or one connection of it (or NULL), are found. Borrowed. */
struct trace_ids call_trace_ids(const struct call *c, const struct connection *conn);

/** End every call (shutdown): BYE, CANCEL, 503. */
void call_end_all(struct call_layer *l, uint64_t now_ms);

#endif
