/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a call is: its connections, the legs of these, and what goes on with it. call.h says
 * what is told of calls, how the layer is made and what it can be asked for.
 *
 *   call ──► connections (one for each device or outside number) ──► branches ──► legs
 *
 * A call, its connections, branches and strings lie in an arena of its own and live until its
 * last leg has gone; a connection that has ended stays in the list, so that pointers to it stay
 * good as long as the call. What a file of this module keeps for a call of its own accord (a
 * place in the queue, a procedure under way) hangs on it as a pointer to a struct that only
 * that file knows.
 *
 * Others read these structs. Only the module writes them.
 */
#ifndef BATON_CALL_MODEL_H
#define BATON_CALL_MODEL_H

#include "auth/directory.h"
#include "border/origin.h"
#include "dialog/leg.h"
#include "registrar/registrar.h"
#include "seal/value.h"
#include "uui/merge.h"

enum connection_state {
    CONN_NULL,
    CONN_INITIATED,
    CONN_ALERTING,
    CONN_CONNECTED,
    CONN_HOLD,
    CONN_QUEUED,
    CONN_FAIL,
};

#define CALL_ID_LEN 20
/** A call that has had so many parties is picked up and parked no more. */
#define CALL_PARTIES_MAX 32

struct call;
struct branch;
struct away;
struct hunt;
struct queued;
struct parked;
struct call_group;
struct asked;
struct duo;
struct digits;
struct conference;
struct gather;
struct history;
struct hi_entry;

/** What a leg has had of ISUP, where its neighbour wants it made. */
enum conn_isup {
    CONN_ISUP = 1,      /**< the INVITE had an ISUP message */
    CONN_ISUP_RANG = 2, /**< a provisional response had one, or a GTD: an ACM */
};

struct connection {
    struct list link;      /**< of the call */
    struct list of_device; /**< of device->calls */
    struct call *call;
    struct device *device; /**< NULL: an outside number */
    struct str
        id; /**< device identifier: "sip:1001@example.com", "tel:…", in the call's arena */
    struct str gr;           /**< only this phone of the device (RFC 5627); absent: all */
    struct str display;      /**< name that came with it, or absent */
    uint8_t state;           /**< enum connection_state */
    bool originating;        /**< it began the call (or was made to by MakeCall) */
    bool outside;            /**< reached over a peer: NetworkReached */
    bool trusted;            /**< a peer of our trust domain (RFC 3325) */
    struct neighbour policy; /**< what it is told about identities and diversions */
    struct str host;         /**< of the peer or URI, in the call's arena; absent: a device */
    bool restricted;         /**< the caller asked for privacy: identity not to be shown */
    bool reached, queued, alerted, established, ended; /**< told already */
    bool merging;          /**< while Conferenced is told: it comes from the other call */
    const char *moved;     /**< cause with which it joined ("redirected", …); NULL: newCall */
    struct search *search; /**< contacts that have not rung yet (search.c), or NULL */
    struct branch *stem;   /**< the branch that answered (or called); NULL until then */
    struct list branches;  /**< struct branch.link: all legs of this connection */
    struct str desc;       /**< the session description that its phone sent last; owned */
    struct str sent;       /**< the one that was sent to it last; owned */
    bool sent_stale;       /**< there was no memory for that: `sent` is an older one … */
    uint64_t sent_version; /**< … and this the version that the phone has seen */
    struct str uui_lines;  /**< User-to-User line that a transfer sends to it, or absent */
    struct history *trail; /**< of whom a REFER names: its own; NULL: it has the call's */
    /** Who calls it while a referral runs (referral.c), else NULL … */
    struct connection *behalf;
    bool uui_told;               /**< … and an event of that time had its own User-to-User */
    bool passes_refer;           /**< a peer that carries REFER out itself (refer_pass.c) */
    struct connection *replaces; /**< whose place it is taking (replace.c), else NULL */
    struct connection *mate;     /**< of another call, on the same leg (share.c), else NULL */
    /** In a conference: its place at the focus, and of such a place who has it (conference.c)
     */
    struct connection *seat;
    bool is_seat;         /**< it is such a place, and no party of the call */
    uint8_t consult;      /**< enum call_consult_for: what may become of a consultation */
    bool uus_open;        /**< an ISDN's: User-to-User may be used in this leg (uus.c) */
    uint8_t isup;         /**< bits of enum conn_isup (uus_make.c) */
    struct str mate_call; /**< who is to be its mate again, while calls are put back (keep.c) */
    uint32_t mate_place;
};

/** A leg of a connection: an INVITE to one of its contacts, or the one that came from it. */
struct branch {
    struct list link;
    struct connection *conn;
    struct leg *leg;       /**< NULL: gone */
    const struct way *way; /**< how it is reached, when there are other ways; else NULL */
    uint64_t binding;      /**< id of the registration that led there; 0: none */
    uint32_t group;        /**< of the search */
    bool talk;             /**< its registration said Allow-Events: talk */
    bool refused;          /**< has a final refusal: `status` */
    bool referred;         /**< a REFER was accepted in this dialog: further ones need an id */
    uint32_t passed_in, passed_out; /**< CSeq of a REFER that was passed on, here and there */
    uint16_t status;
    const struct peer *peer; /**< on which it takes room; NULL: on none, or not any more */
    struct hi_entry *trail;  /**< what its INVITE said of itself in History-Info, or NULL */
};

enum call_phase {
    CALL_PROMPTING, /**< MakeCall: the caller's phone is being called */
    CALL_SETUP,     /**< the callee's is */
    CALL_ACTIVE,
    CALL_MOVING, /**< a transfer is being set up */
    CALL_ENDING,
};

enum call_error {
    CALL_OK = 0,
    CALL_UNKNOWN_DESTINATION, /**< no such device, no peer that takes the number, malformed */
    CALL_NOT_REGISTERED,      /**< the device has no binding */
    CALL_BAD_STATE,           /**< not possible in the connection's state */
    CALL_BUSY_STEP,           /**< another procedure of this call runs */
    CALL_UNSUPPORTED,         /**< the phone cannot do it (AnswerCall without talk) */
    CALL_NO_RESOURCES,
    CALL_REFUSED, /**< the phone or the far side refused: `status` says how */
    CALL_TIMEOUT,
    CALL_GONE,          /**< the call ended meanwhile */
    CALL_RESTRICTED,    /**< consultOptions forbid it */
    CALL_IN_CONFERENCE, /**< not with a call that is at the focus */
    CALL_NO_SERVICE,    /**< a foreign call, whose phone has no such service */
    CALL_OCCUPIED,      /**< another call is parked there */
    CALL_UNFIT_DATA, /**< longer than the far side, or the seal, can carry; nothing was sent */
    CALL_NO_FOCUS,   /**< none is configured, or it has refused or gone: `status` says how */
    CALL_FULL,       /**< a conference takes no more parties */
    CALL_ID_TAKEN,   /**< the callID that it should have is another call's, or is none */
    CALL_DRAINED,    /**< no new calls are let in (engine_drain) */
};

/**
 * Outcome of a procedure that takes time. `status`: SIP status of a refusal, or 0. May be
 * called before the function that started the procedure has returned.
 */
typedef void (*call_done_fn)(void *owner, enum call_error err, unsigned status,
                             uint64_t now_ms);

/**
 * Who wants to hear what becomes of a reference (RFC 3515 §2.4.5): each status as it would
 * stand in a sipfrag. After `final` nothing more is told. fn NULL: nobody.
 */
struct call_progress {
    void (*fn)(void *owner, unsigned status, bool final, uint64_t now_ms);
    void *owner;
};

/** Connecting a leg that has made an offer with one that is up. Nothing runs: offerer is NULL.
 */
struct join {
    struct connection *offerer, *other;
    call_done_fn fn;
    void *owner;
    struct leg_request *request;
    struct str lines; /**< header lines of the re-INVITE that carries the offer */
    uint8_t retries;
    bool asks;  /**< the offer is asked of `other`, for an INVITE without one … */
    bool waits; /**< … which was answered with it, and is not acknowledged */
    struct timer retry;
};

/** Who put a value of a call's User-to-User in. */
struct uui_mark {
    struct uui_mark *next; /**< an older one */
    struct str value;      /**< one element, as it came */
    /** Whose response or BYE it came with; NULL: it goes to who is called */
    const struct connection *from;
    struct uui_origin origin;
};

struct call {
    struct map_node by_id;
    struct list link;
    struct list touch; /**< it has changed since it was kept (keep.c) … */
    uint64_t kept;     /**< … as a row of this hash; 0: it was not */
    struct call_layer *layer;
    struct arena arena;       /**< strings, connections and branches of this call */
    char id[CALL_ID_LEN + 1]; /**< callID, [0-9a-z] */
    uint8_t phase;
    struct list connections;
    uint32_t parties;         /**< connections there have been: they stay with the call */
    struct connection *a, *b; /**< the two that are bridged now; b NULL while unknown */
    struct str called_gr;     /**< and which phone of it (RFC 5627), or absent: all */
    struct str called;        /**< device identifier that was dialled first */
    struct str
        last_redirection; /**< identifier of the device that last moved the call, or absent */
    struct str uui;       /**< raw User-to-User value(s) of the set-up, or absent */
    struct seal_from uui_came; /**< with which message, for its seals */
    bool uui_told;             /**< an event had it */
    bool end_uui_told;         /**< and one what the message had that ended the call */
    struct str uui_lines; /**< the header line that carries it when an application gave it */
    struct own_seal *own_seals; /**< values that were sealed here (seals.c) */
    struct uui_mark *marks;     /**< whose it is, the newest first; in the arena */
    /** Values that moves have replaced, were not allowed to, or brought though they must not */
    uint16_t uui_replaced, uui_refused, uui_forbidden;
    struct str correlator;  /**< decoded correlatorData, or absent; call_set_correlator */
    char *correlator_block; /**< where it lies, CALL_CORRELATOR_MAX octets; NULL: nowhere */
    struct join join;       /**< of two legs, see join.c */
    struct step *step;      /**< the procedure that runs (hold, transfer …), or NULL */
    struct duo *duo;        /**< one on this call and another of the same device, or NULL */
    struct conference *conference; /**< what it is at the focus; NULL: it never was there */
    struct gather *gather;         /**< parties are being brought there, or NULL */
    struct digits *digits;         /**< that are being sent, digits.c; NULL: none */
    struct connection *joining;    /**< the party that a transfer is calling, or NULL */
    struct str from;  /**< From value of the INVITEs, by a plan; absent: the caller's own */
    struct str lines; /**< further header lines of the INVITEs, by a plan or MakeCall */
    struct call_progress heard; /**< who hears what becomes of MakeCall */
    struct redirect *redirect;  /**< where a 3xx has pointed, redirect.c; NULL: nowhere yet */
    struct list referrals;      /**< all that are not forgotten yet, referral.c … */
    struct referral *referral;  /**< … the one whose outcome is open, or NULL … */
    struct referral *borrower;  /**< … and one of another call that has taken our callee */
    struct history *trail;      /**< who sent it where, in the arena; NULL: nobody asks */
    struct dialog *spare;       /**< the caller's early dialog of a 181 before anybody rang */
    struct away *away;          /**< where its caller is sent, send_away.c; NULL: nowhere */
    struct hunt *hunt;          /**< where it may go yet, hunt.c; NULL: nowhere else */
    struct queued *queued;      /**< its place in the queue, queue.c; NULL: it has none */
    struct parked *parked;      /**< where it is or is to be parked, park.c; or NULL */
    struct asked *asked;        /**< who says where it goes, asked.c; NULL: nobody was asked */
    struct txn *early; /**< an offer that waits for the other side's ACK, or NULL; relay.c */
    struct branch *early_from; /**< where it came in */
    struct list relays;        /**< requests that are being passed across, relay.c */
    struct timer timer;        /**< ring time; when ENDING: patience with the far side's BYE */
    size_t legs;               /**< that still refer to this call */
    uint8_t forwards;          /**< times that it was forwarded, forward.c */
    void *cti;                 /**< the CTI layer's: who watches this call; NULL: nobody … */
    bool cti_over;             /**< … and whether its end stands in the journal */
    bool offerless;            /**< Baton made the call: the callee's INVITE has no offer */
    bool foreign;              /**< a phone tells of it, and it has no leg: foreign.c */
    bool mixed;                /**< foreign: that phone mixes three parties or more */
    const char *made_as;       /**< call_make.cause */
    uint64_t began_s;          /**< when it began, seconds since 1970; 0: not known … */
    uint64_t answered_s;       /**< … and when somebody answered it; 0: nobody has */
    bool dialling;             /**< `called` is not complete yet: DialDigits follows (dial.c) */
    bool sips; /**< begun with a sips URI: every leg of it is over TLS (RFC 5630 §5.1.1.3) */
    uint16_t sips_warning; /**< warn-code for a 480: somebody cannot be reached so; or 0 */
};

#endif
