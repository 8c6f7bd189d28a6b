/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is now, as JSON: devices, calls, connections, monitors, sessions, agents,
 * registrations, peers (docs/api.md has the members).
 *
 * A view is written in the engine's thread, of the state between two inputs, into the caller's
 * buffer, and changes nothing but the scratch arena. It holds behind the journal's number that
 * stands in it as `sequence`: who applies the events that come after it has what is then.
 *
 * WHO LOOKS sees the devices that he may observe, the calls in which one of these is, all
 * parties of such a call (as an application that monitors a device does), and sessions,
 * monitors and peers as the server's administrator only, or his own. What he may not see is
 * not there for him (E_NOTFOUND), so that nobody learns which numbers exist. A party that
 * asked for privacy is not named to anybody.
 *
 * PAGES. A list is given in pieces of at most `limit` items and one buffer; `next` is where the
 * next piece begins, and only a page without it is the last. A page looks at VIEW_LOOKED things
 * at most, so it may have fewer items than it could, even none. What is there during the whole
 * walk is in exactly one page.
 */
#ifndef BATON_ENGINE_VIEW_H
#define BATON_ENGINE_VIEW_H

#include "access/access.h"
#include "engine/engine.h"

enum { VIEW_LIMIT = 100, VIEW_LIMIT_MAX = 1000, VIEW_LOOKED = 2000, VIEW_CURSOR_MAX = 48 };

/** Room that any single thing has in a buffer. */
enum { VIEW_ITEM_MAX = 65536 };

enum view_list {
    VIEW_DEVICES,
    VIEW_CALLS,
    VIEW_REGISTRATIONS, /**< records with their bindings */
    VIEW_AGENTS,
    VIEW_MONITORS,
    VIEW_SESSIONS,
    VIEW_PEERS,
    VIEW_ROUTES, /**< who says where calls go */
};

struct view_ask {
    const struct access_principal *who;
    struct str after; /**< `next` of the page before; absent: from the beginning */
    uint32_t limit;   /**< 0: VIEW_LIMIT */
};

/**
 * `{"items":[…],"next":"…","sequence":"…"}`.
 * @return 0; E_VALUE: `after` is none of ours; E_SPACE: not even one item fits
 */
int view_list(struct engine *e, enum view_list what, const struct view_ask *ask, struct out *o,
              uint64_t now_ms) MUST_USE;

/** One of them, with `sequence`. @return 0; E_NOTFOUND, also when he may not see it; E_SPACE */
int view_device(struct engine *e, const struct access_principal *who, struct str device,
                struct out *o, uint64_t now_ms) MUST_USE;
int view_call(struct engine *e, const struct access_principal *who, struct str call_id,
              struct out *o, uint64_t now_ms) MUST_USE;
int view_connection(struct engine *e, const struct access_principal *who, struct str call_id,
                    struct str device, struct out *o, uint64_t now_ms) MUST_USE;
/** What there is to be said about a device that does not do what it should: its registrations,
    sessions with its phones, and by which means each service works (`baton diagnose`). */
int view_diagnosis(struct engine *e, const struct access_principal *who, struct str device,
                   struct out *o, uint64_t now_ms) MUST_USE;

/** How the log calls the device that a text names, whoever may see it: "sip:1001@example.com".
    Absent: there is none. Good until the configuration is another one. */
struct str view_device_uri(const struct engine *e, struct str text);

/** The device that a text names, if he may see it (`control`: command it); else NULL. */
struct device *view_find_device(const struct engine *e, const struct access_principal *who,
                                struct str text, bool control);

/** End a monitor or session, as their lists name them. @return 0; E_NOTFOUND; E_DENIED: it is
    another's, and he no administrator */
int view_end_monitor(struct engine *e, const struct access_principal *who, struct str id,
                     uint64_t now_ms) MUST_USE;
int view_end_session(struct engine *e, const struct access_principal *who, struct str id,
                     uint64_t now_ms) MUST_USE;

#endif
