/* SPDX-License-Identifier: Apache-2.0 */
/* Nonces of the server and the table of those in use. Internal to the module; see nonce.c. */
#ifndef BATON_AUTH_NONCE_H
#define BATON_AUTH_NONCE_H

#include "auth/auth.h"

#define AUTH_NONCE_LEN 64

/** What a nonce says once its MAC was found to be right. */
struct auth_nonce {
    uint64_t birth_ms;
    uint64_t serial;
};

/** A new nonce. @return its text in `text` (AUTH_NONCE_LEN bytes); absent: hashing failed */
struct str auth_nonce_mint(struct auth_server *a, uint64_t now_ms, char *text);

/** @return false: not one of ours */
bool auth_nonce_read(struct auth_server *a, struct str text, struct auth_nonce *out);

/**
 * Count one use by somebody who knows the secret.
 * @param counted  the credentials had an nc; without, a nonce can be used once only
 * @return AUTH_OK, AUTH_STALE (too old, pushed out, or no memory to remember it), AUTH_REPLAY
 */
enum auth_verdict auth_nonce_use(struct auth_server *a, const struct auth_nonce *n,
                                 bool counted, uint32_t nc, uint64_t now_ms);

/** Sets up and tears down the table. @return 0 or E_NOMEM */
int auth_nonce_table_init(struct auth_server *a, size_t max) MUST_USE;
void auth_nonce_table_fini(struct auth_server *a);

#endif
