/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The section `store` of the configuration: see config_keys.h.
 */
#ifndef BATON_SERVER_CONFIG_KEYS_STORE_H
#define BATON_SERVER_CONFIG_KEYS_STORE_H

#define CONFIG_STORE(U, B, S, W, L, N, M, Q)                                                   \
    S(path, "",                                                                                \
      "The database (SQLite), seen from this file's folder; it is made when it is not there. " \
      "Unless given nothing outlives the process: the journal is in memory only.")             \
    W(sync, "normal", "normal full",                                                           \
      "`normal`: what was told to anybody survives the end of the process at any moment. "     \
      "`full`: it survives the loss of power, too; each group waits for the disk.")            \
    U(group_ms, 2, 0, 100,                                                                     \
      "The least time between two groups of changes, which are written together. What tells "  \
      "of a change waits until its group is written: not at all on a quiet server.")           \
    U(group_count, 256, 1, 100000, "So many do not wait any longer.")                          \
    U(queue_mb, 64, 1, 4096, "Changes that may wait for the disk.")                            \
    U(keep_days, 30, 0, 36500, "Events older than that are deleted; 0: none for its age.")     \
    U(keep_mb, 1024, 0, 1000000,                                                               \
      "When the database is larger the oldest events are deleted; 0: whatever its size.")      \
    U(memory_mb, 64, 1, 65536,                                                                 \
      "Without `path`, but with `api.listen`: events that are kept in memory for those who "   \
      "follow them.")                                                                          \
    W(uui, "none", "none length full",                                                         \
      "What the history of calls shows of User-to-User: nothing, how many octets it had, "     \
      "or all of it. Events that clients may resume have it in any case.")                     \
    W(on_error, "continue", "continue refuse",                                                 \
      "When the disk cannot be written. `continue`: go on, events are told without being "     \
      "kept. `refuse`: what begins something gets 503 until it works again; what stands "      \
      "goes on.")

#endif
