/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client of the HTTP API without HTTP: commands as JSON, as operations of the engine; and
 * views of it.
 *
 * Outcomes are short texts: "done MakeCallResponse", "accepted", "failed 409 noHeldCall",
 * "refused 404 invalidDeviceID", "again …".
 */
#ifndef BATON_TESTS_CLIENT_H
#define BATON_TESTS_CLIENT_H

#include "engine/operation.h"
#include "engine/view.h"
#include "keep.h"
#include "world.h"

extern const struct access_principal client_all, client_first, client_looker, client_admin;

/** A command. `json`: `{"HoldCall":{…}}`. @return the outcome, good for the next seven */
const char *client_do(struct world *w, const struct access_principal *who, const char *fmt, ...)
    PRINTF_LIKE(3, 4);
/** The same with a key, and a callID (NULL: none). */
const char *client_do_keyed(struct world *w, const struct access_principal *who,
                            const char *key, const char *call_id, const char *json);
/** The id of the last operation; empty: it was refused. */
const char *client_last(void);
/** What an operation says now, "none" when it is not there. */
const char *client_state(struct world *w, const struct access_principal *who, const char *id);
/** All of it, as JSON. */
const char *client_json(struct world *w, const struct access_principal *who, const char *id);

/** What only looks: the answer as JSON, or "refused 404 invalidDeviceID". */
const char *client_ask(struct world *w, const struct access_principal *who, const char *json);

/** A list, all pages of `limit` one behind the other: items only. @param pages  how many */
const char *client_list(struct world *w, const struct access_principal *who,
                        enum view_list what, uint32_t limit, size_t *pages);
/** Is that well-formed JSON? A failed check otherwise. */
bool client_is_json(const char *text);

/** The callID of the device's only call; "" for none. */
const char *client_call_of(struct world *w, unsigned phone);

/** Ends of operations in the journal: "op_… done", one behind the other. */
size_t client_ends(const struct keep *k, const char *id);

#endif
