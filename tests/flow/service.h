/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of service flows (RFC 5359, RFC 3725) have in common: a world whose calls go
 * through the bridge or through the proxy, route rules in a few words, phones with two lines,
 * and ladders.
 *
 * A LADDER is what one party sent and got since service_mark, in the order in which it saw
 * it, in one line: ">INVITE <180 <200 >ACK". Responses to other requests than INVITE have
 * their method behind a point: "<200.BYE". Two parties whose ladders are as a diagram has
 * them have the messages of the diagram.
 *
 * LINES. A phone of the kit has one call at a time; a line is a call of it put aside.
 */
#ifndef BATON_TESTS_SERVICE_H
#define BATON_TESTS_SERVICE_H

#include "world.h"

struct watcher;

#define SERVICE_RULES 6
#define SERVICE_UUI "56a390f3d2b7310023;encoding=hex;content=isdn-uui;purpose=isdn-uui"

enum role { ROLE_BRIDGE, ROLE_PROXY };

struct service {
    struct world w; /**< first: world_options.tweak finds the rest by it */
    struct arena arena;
    struct rule rule[SERVICE_RULES];
    struct rule_target target[SERVICE_RULES][4];
    size_t rules;
    struct rule_table table;
    enum role role;
    size_t mark; /**< packets before it are not in a ladder */
    struct phone *ann, *bob, *cleo, *dan;
    struct watcher *watcher[2]; /**< taken down with the rest */
    size_t watchers;
    void (*tweak)(struct world *w);
    bool apps; /**< `crm` opens its session */
};

/** Forget the rules. Before the first rule of a world. */
void service_begin(struct service *s, enum role role);
/** A rule for calls to a number (pattern; NULL: any number). */
struct rule *service_rule(struct service *s, const char *to, enum rule_action action);
void service_target(struct service *s, struct rule *r, enum rule_target_kind kind,
                    const char *text);
/** A pattern for `from`, `device`, `domain` of a rule, in the arena. */
const struct pattern *service_pattern(struct service *s, const char *text);
/** The world, with five phones. In the proxy role a last rule sends everything through it. */
void service_up(struct service *s);
/** Everything is over, in the proxy too, and nothing is left. */
void service_down(struct service *s);
/** service_begin and service_up for calls that an application (`crm`) commands and watches. */
void service_up_with_crm(struct service *s, void (*tweak)(struct world *w));
/** What runs is ended, the application was told right to the end, and service_down. */
void service_down_with_crm(struct service *s);
/** Another station of a device, which can subscribe and refer (RFC 5359: Bob's PC). */
void service_watcher(struct service *s, struct watcher *who, const char *name, const char *ip,
                     const char *number, const char *password);

void service_run(struct service *s, uint64_t ms);

/** ann calls bob with User-to-User, who answers; it has arrived. Then the mark is set. */
void service_talk(struct service *s, struct phone *from, struct phone *to);

/* ---- ladders ---- */

void service_mark(struct service *s);
/** A static text, good for the next seven. */
const char *service_ladder(const struct service *s, const struct vnode *party);
#define LADDER(service, phone, text) \
    CHECK_STR(str_c(service_ladder((service), &(phone)->s.node)), text)

/** A header of the nth such message to (from) a party since the mark. */
struct str service_to(const struct service *s, const struct vnode *party, const char *pattern,
                      size_t nth, const char *name);
struct str service_from(const struct service *s, const struct vnode *party, const char *pattern,
                        size_t nth, const char *name);

/* ---- lines ---- */

struct line {
    struct leg *leg;
    struct media media;
    bool offerless;
};

/** Put the call aside: the phone is free for another one. */
struct line line_keep(struct phone *p);
/** The other way round. */
void line_resume(struct phone *p, const struct line *line);

/** Send a request in the dialog of its call. */
void service_send(struct service *s, struct phone *p, const char *method, const char *lines,
                  const char *type, const char *body);
/** "Replaces=…" of the dialog that this leg has, escaped, as a phone would tell another one. */
const char *service_replaces(const struct leg *leg);
/** "Replaces: …" with CRLF. */
const char *service_replaces_line(const struct leg *leg, const char *params);

#endif
