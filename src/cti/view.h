/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What there is in this layer now: sessions, monitors, agents, who routes; for whoever shows
 * it. Pointers and slices are good until the next input.
 *
 * Sessions and monitors are walked by their numbers, so that a walk can be interrupted while
 * some come and go. COST: a step is linear in the number of sessions, or of a session's
 * monitors; whoever shows them shows a hundred at a time.
 */
#ifndef BATON_CTI_VIEW_H
#define BATON_CTI_VIEW_H

#include "cti/cti.h"

struct cti_session_about {
    uint64_t id;
    struct str application;
    const char *link; /**< "SIP dialog", "TCP", "API": what carries it */
    uint32_t monitors;
    uint32_t unsent;  /**< events that it still has to tell */
    uint32_t pending; /**< requests that wait for an outcome */
    bool routes;      /**< it says where calls go */
    bool waits;       /**< of an earlier run: its client has not come back yet */
};
/** The session with the lowest id behind `after` (0: the first). @return false: there is none
 */
bool cti_next_session(const struct cti *c, uint64_t after, struct cti_session_about *out);
/** End it from our side. @return false: there is no such session */
bool cti_end_session(struct cti *c, uint64_t id, uint64_t now_ms);

struct cti_monitor_about {
    uint64_t session;
    uint32_t ref; /**< monitorCrossRefID, unique in its session */
    struct str application;
    const struct device *device; /**< NULL: of a call … */
    const struct call *call;     /**< … NULL then: the call is over */
    uint32_t unsent;
    bool ending;
};
/** The monitor behind (session, ref), in this order. */
bool cti_next_monitor(const struct cti *c, uint64_t session, uint32_t ref,
                      struct cti_monitor_about *out);
/** Exactly that one. */
bool cti_find_monitor(const struct cti *c, uint64_t session, uint32_t ref,
                      struct cti_monitor_about *out);
/** MonitorStop behind what it has to tell. @return false: there is no such monitor */
bool cti_end_monitor(struct cti *c, uint64_t session, uint32_t ref, uint64_t now_ms);

struct cti_agent_about {
    const struct device *device;
    struct str id;
    struct str state, pending; /**< "agentReady"; absent: nothing is pending */
};
/** One of those behind `*place`, as map_after has it; fn for each agent there. @return false:
    there is none */
bool cti_next_agents(const struct cti *c, uint64_t *place,
                     void (*fn)(void *ctx, const struct cti_agent_about *a), void *ctx);
/** Those of one device. */
void cti_each_agent(const struct cti *c, const struct device *d,
                    void (*fn)(void *ctx, const struct cti_agent_about *a), void *ctx);

struct cti_routing_about {
    uint32_t id; /**< routeRegisterReqID */
    struct str application;
    struct str device; /**< key of the routing device; absent: all that it may use */
};
void cti_each_routing(const struct cti *c,
                      void (*fn)(void *ctx, const struct cti_routing_about *a), void *ctx);

/** Bits of enum call_service that are possible on this connection now, by whatever driver. */
unsigned cti_connection_services(const struct cti *c, const struct connection *conn);
/** Is that request served here, and for a phone's own services: by a phone of the device? */
bool cti_device_serves(const struct cti *c, const struct device *d, enum csta_msg_id id);
/** State of a connection in CSTA's words. */
struct str cti_connection_state(const struct connection *conn);
/** Is it in the call now, as far as anybody was told? */
bool cti_connection_is_live(const struct connection *conn);

/** A User-to-User value as it is told: judged, its seal taken off. */
struct cti_value {
    const struct uui_value *value;
    const struct uui_mark *mark; /**< who put it in; NULL: not known */
    const char *seal;            /**< "ok", …; NULL: not sealed */
    struct str sealed_by;        /**< whose key, or absent */
};
/** Those of a call's set-up; in the scratch arena. */
void cti_each_value(const struct cti *c, const struct call *call,
                    void (*fn)(void *ctx, const struct cti_value *v), void *ctx);
/** The octets that an application is shown of them, or absent. */
struct str cti_user_data(const struct cti *c, const struct call *call);

#endif
