/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands: a CSTA request as JSON, on its way to the engine and back as an operation.
 *
 *   body and path ──► command_read ──► command_run ──┬─► 202, an operation
 *                       │  400 with a pointer        ├─► 200, it has ended (Prefer: wait), or
 *                       └─ 404 no such service       │   only looked
 *                                                    └─► a problem: refused, or failed in time
 *
 * The JSON is read in the API's thread; what the engine gets is a message in the request's
 * arena.
 */
#ifndef BATON_API_COMMAND_H
#define BATON_API_COMMAND_H

#include "api/request.h"
#include "engine/operation.h"

struct command {
    struct api_request *r;
    struct csta_msg msg;
    struct str call_id;       /**< that the call of MakeCall shall have, or absent */
    struct str key;           /**< Idempotency-Key, or absent */
    unsigned char digest[32]; /**< of all that was asked, with a key */
    unsigned wait_s;
    char *buf; /**< room for the answer */
    struct cti_client_ask ask;
    struct operation_wait wait;
    struct operation *op;
    bool shows;  /**< the operation itself is what was asked for */
    bool inside; /**< command_run is on the stack */
    bool told;   /**< the answer has come */
};

enum { COMMAND_ANSWER_MAX = 64 * 1024 };

/** A member that is put into the body. */
struct command_fill {
    const char *name;
    struct str json;
};

/**
 * Read it. @param body  JSON of the request, an object or empty
 * @return NULL after having answered
 */
struct command *command_read(struct api_request *r, enum csta_msg_id id, struct str body,
                             const struct command_fill *fill, size_t fills);

/** To the engine, and what comes of it is the answer. */
void command_send(struct command *c);
/** The same from within a `run`: as that returns. */
bool command_run(struct api_request *r, struct engine *e, uint64_t now_ms);

/** GET of an operation, with or without waiting. */
void command_show(struct api_request *r);

/** `"1001"` in the arena. @return absent: no memory */
struct str command_quote(struct api_request *r, struct str text);

/** Answer with a problem of the engine's. */
void command_refuse(struct api_request *r, const struct problem *p);

#endif
