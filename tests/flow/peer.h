/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What raw peers of a world (gateway, trunk) say and hear when bodies may be binary and the
 * User-to-User matters octet by octet: requests and responses written by hand, values read.
 */
#ifndef BATON_TESTS_PEER_H
#define BATON_TESTS_PEER_H

#include "world.h"

/** Its User-to-User, trimmed, lines joined by '|', "" for none. A static text. */
struct str peer_uui(const struct text_msg *t);

/** 50 ms later there is such a message at `r`, with this User-to-User. @return it, text_free */
struct text_msg peer_expect(struct world *w, struct raw *r, const char *pattern,
                            const char *uui);

/** INVITE to `user` at the engine, Call-ID `id`; `lines` end with CR LF. */
void peer_invite(struct world *w, struct raw *r, const char *id, const char *user,
                 const char *lines, const char *type, struct str body);

/** A response under the tag "t", with all Vias; `lines` end with \n. */
void peer_respond(struct world *w, struct raw *r, const struct text_msg *req,
                  const char *status, const char *lines, const char *type, struct str body);
/** The same; a 2xx to INVITE has a description, others have no body. */
void peer_answer(struct world *w, struct raw *r, const struct text_msg *req, const char *status,
                 const char *lines);

#endif
