/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole system in virtual time: an engine with a directory, phones, applications, a gateway.
 *
 *   10.0.0.1   the engine, for example.com
 *   10.0.1.x   phones of the devices 1001 to 1005 (password "pwNUMBER"); 1002 has two:
 * `phone[1]` and, when it is asked for, the further ones of phone_more 10.0.2.1   the gateway:
 * trusted by address, takes 9*; a raw peer 10.0.2.2   the trunk: the same, takes 8* 10.0.3.x
 * applications: `crm` is granted all, `frontdesk` 1001 only (password "pwNAME")
 *
 * world_down ends all calls and sessions, removes the registrations, lets everything run out,
 * and checks that nothing is left: no call, leg, dialog, transaction, session, monitor,
 * binding, timer, and after engine_free no memory.
 */
#ifndef BATON_TESTS_WORLD_H
#define BATON_TESTS_WORLD_H

#include "app.h"
#include "engine/engine.h"
#include "phone.h"
#include "wire.h"

#define WORLD_PHONES 8
#define WORLD_DEVICES 5
#define WORLD_STREAMS 32

/** Octets of a stream that the engine has not used yet. */
struct world_stream {
    uint32_t flow;
    struct sip_framer framer;
    char *buf;
    size_t n;
    bool dead;
};

struct world {
    struct vnet net;
    struct wire wire;

    struct vnode node;
    struct test_mem mem; /**< of the engine */
    struct env plain;    /**< for what the program owns, not the engine */
    struct directory directory;
    struct device device[WORLD_DEVICES];
    struct application application[2];
    struct peer peer[2];
    struct engine_config config;
    struct engine *engine;
    struct world_stream stream[WORLD_STREAMS];
    char traced[256];  /**< the last thing worth a log line, but for … */
    char audited[256]; /**< … the last that was noted of who did what */

    struct phone phone[WORLD_PHONES]; /**< [0] is 1001's, [1] 1002's … */
    size_t phones;
    struct app crm, desk;
    struct call_names calls;
    struct raw gateway, trunk;
    const char *where; /**< context of failed checks, of sweeps */
    bool hard; /**< the network loses packets: not everything comes to its end in time */
};

/** How a world differs from the plain one. */
struct world_options {
    uint64_t seed;            /**< 0: 1 */
    enum transport transport; /**< of phones and applications; TP_NONE: UDP */
    size_t phones;            /**< 0: 3 */
    struct leg_config phone_leg, app_leg;
    void (*tweak)(struct world *w); /**< may change w->config before the engine is made */
    bool unregistered;              /**< phones do not register yet */
    bool no_apps;                   /**< no application opens a session yet */
};

/** Zeroed options: three phones registered, `crm` has its session. */
void world_up(struct world *w, const struct world_options *o);
void world_down(struct world *w);

/** One more phone for a number, registered. @return it */
struct phone *world_phone(struct world *w, const char *name, const char *ip, const char *number,
                          enum transport transport);

/** Let time pass. */
void world_run(struct world *w, uint64_t ms);

/** A counter of the engine. */
uint64_t world_stat(const struct world *w, const char *name);

/** The engine goes without a word and comes back with nothing but its configuration. */
void world_restart(struct world *w);

/** Phone `from` calls `to`, which rings and answers. @return false: they do not talk */
bool world_call(struct world *w, struct phone *from, struct phone *to);

/** MonitorStart, answered. @return the reference, a static text */
const char *world_monitor(struct world *w, struct app *a, const char *device);

/** Let time pass; then a request of an application has one answer. @return q */
struct ask *world_asked(struct world *w, struct ask *q, uint64_t ms);

/**
 * Take messages of a raw peer until one fits the pattern (wire.h); text_free it.
 * None is a failed check and an empty message.
 */
struct text_msg world_take(struct raw *r, const char *pattern);

/**
 * INVITE of a raw peer to `user` at the engine, Call-ID `id`, From tag `f-ID`.
 * `lines`: further header lines, each with \n; a Via, From, To, CSeq 1, Contact are there.
 */
void world_raw_invite(struct world *w, struct raw *r, const char *id, const char *user,
                      const char *lines, const char *body);
/** A request of the same dialog. `answer`: the response that made it, or the INVITE, when
    the raw peer answered it under the tag "t". */
void world_raw_request(struct world *w, struct raw *r, const char *method, unsigned cseq,
                       const struct text_msg *answer, const char *lines, const char *body);

/** Whatever runs is ended as users would end it; then checks that nothing is left. */
void world_end(struct world *w);
void world_check_empty(struct world *w);

/** A plain description for raw peers. */
extern const char world_sdp[];

#define ENGINE(w) (&(w)->node)
#define PHONE(w, i) (&(w)->phone[i])
#define PHONE_NODE(w, i) (&(w)->phone[i].s.node)

#endif
