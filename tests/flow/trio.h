/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of services have in common: Ann (1001), Bob (1002) and Cleo (1003), an
 * application that watches all three and asks for services, and the events on its monitors.
 *
 * The names are short because they stand in every line of such tests. There is one trio in a
 * program; trio_up begins it anew.
 *
 *   trio_up();
 *   trio_talk(ann, bob);
 *   ANSWER(trio_on("HoldCall", "callToBeHeld", "c1", "1001", ""), "HoldCallResponse");
 *   EVENTS(a, "Held c1:1001 hold normal");
 *   trio_down();
 */
#ifndef BATON_TESTS_TRIO_H
#define BATON_TESTS_TRIO_H

#include "world.h"

extern struct world w;
extern struct phone *ann, *bob, *cleo;
extern const char *a, *b, *c; /**< references of the monitors of 1001, 1002, 1003 */

/** A world whose monitors run, with nothing heard yet. Without applications (no_apps): it has
 * no monitors. */
void trio_up_with(struct world_options o);
void trio_up(void);
/** Monitors for all three once more: the session is a new one. */
void trio_watch(void);
/** Everybody hangs up: each request answered, one terminal event for each connection. */
void trio_down(void);

/** These two talk, and what was told of it is forgotten. */
void trio_talk(struct phone *from, struct phone *to);

/** Half a second later there is one answer. @return q */
struct ask *trio_done(struct ask *q);
/** A service about a connection, answered. */
struct ask *trio_on(const char *service, const char *element, const char *call,
                    const char *device, const char *more);
/** TransferCall of 1001's calls c1, held, and c2, not answered yet. */
struct ask *trio_ask_transfer(void);

/** How many such messages (wire.h) the engine has sent to a phone; and the nth of them. */
size_t trio_to(const struct phone *p, const char *pattern);
struct str trio_message(const struct phone *p, const char *pattern, size_t nth);
/** A header of it, trimmed; absent when it is not there. */
struct str trio_header(const struct phone *p, const char *pattern, size_t nth,
                       const char *name);

#define EVENTS(ref, text) CHECK_STR(str_c(app_events(&w.crm, ref)), text)

#endif
