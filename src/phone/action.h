/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACTION-URI: a phone that presses its own keys when it is asked to, over HTTP or by NOTIFY.
 *
 * For each act that the phone knows its profile has the name of a key. In a NOTIFY with
 * `Event: ACTION-URI` that name is all there is to say, and it goes where any SIP request for
 * the phone goes (means_key.c). Over HTTP the template of the profile,
 * `http://{address}/servlet?key={key}`, says where; with the numeric address of the phone's
 * registration and the key it becomes one GET, which whoever has the network makes.
 *
 * WHERE TO, over HTTP. The address is the one from which the REGISTER came, so a phone can name
 * no other machine by what it registers. Never asked are addresses that no phone has: wildcard,
 * multicast, broadcast, link-local (where clouds keep their secrets), and those of Baton
 * itself; the loopback only by a Baton that listens nowhere else.
 *
 * STRICT, because the request leaves from a machine that may be able to reach what others
 * cannot. The host of a template is {address}, and so never any other machine, unless the
 * configuration allows it; user and password cannot stand in it; what comes from outside (the
 * number to be called) is escaped, all of it but letters and digits.
 */
#ifndef BATON_PHONE_ACTION_H
#define BATON_PHONE_ACTION_H

#include "auth/directory.h"
#include "base/addr.h"
#include "base/out.h"
#include "phone/profile.h"

/** Longest template, key and request. */
#define PHONE_ACTION_MAX 1024

/** "answer", "clear" …: the keys of the section `action` of a profile. */
const char *phone_act_name(enum phone_act act);

/**
 * Is that a template: http or https, {address} as its host, a port or none, {key} once behind
 * it, and otherwise nothing that a URI could not have? @param why  static text when not
 */
bool phone_action_check(struct str template, const char **why);

/** What stands for {key}: characters of a query; {number} in it for PHONE_ACT_MAKE alone. */
bool phone_action_key_check(enum phone_act act, struct str key, const char **why);

/** Which key does that. A message without a body stands for its service. @return false: none.
    `number`: that is to be called, or absent */
bool phone_act_of(const struct csta_msg *msg, enum phone_act *act, struct str *number);

/**
 * The request for one act.
 * @param at      address of the phone; its port does not count: that is its SIP
 * @param here    whose addresses are ours; NULL: nobody knows, and the loopback is no phone's
 * @param number  for PHONE_ACT_MAKE, else absent
 * @return 0; E_UNSUPPORTED: the profile has no such act; E_VALUE: the address is none that
 * may be asked, or the number is missing; E_SPACE
 */
int phone_action_write(const struct phone_profile *p, enum phone_act act, const struct addr *at,
                       const struct directory *here, struct str number,
                       struct out *out) MUST_USE;

#endif
