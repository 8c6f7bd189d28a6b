/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of keys for sealed User-to-User values (docs/seal.md), read for the server and for
 * `baton uui`.
 *
 * It is no part of the configuration, so that it can belong to one user alone, and has to:
 * a file that others may read or change is refused. What was read of it is wiped when the
 * keys are made.
 */
#ifndef BATON_SERVER_SEAL_FILE_H
#define BATON_SERVER_SEAL_FILE_H

#include "seal/keys.h"
#include "server/config.h"

/** @return NULL with *error filled; no error text has anything of a secret */
struct seal_keys *seal_file_load(const char *path, struct config_error *error);

/** The same for text in memory, which is left as it is; `path` names it in errors. */
struct seal_keys *seal_file_read(const char *path, struct str text, struct config_error *error);

#endif
