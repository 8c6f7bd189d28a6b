/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP request by which a WebSocket connection begins, and our answer to it (RFC 6455 §4.2,
 * RFC 7118 §4.1). Octets in, octets out: no socket, no state.
 */
#ifndef BATON_NET_WS_HTTP_H
#define BATON_NET_WS_HTTP_H

#include "base/out.h"
#include "base/str.h"

/** Octets of a request head, and of its answer. */
#define WS_HEAD_MAX 8192
#define WS_ANSWER_MAX 512

/** Whom we let in. Zeros: everybody, on any path. */
struct ws_rules {
    struct str path;          /**< "/sip"; absent: any */
    const struct str *origin; /**< of the pages that may connect: "https://phone.example.com" */
    size_t origin_count;      /**< 0: any. Programs that are no browser send none, and may */
};

/** Octets of the head with its empty line. 0: it is not whole yet */
size_t ws_http_head(struct str bytes);

/**
 * Answer a head.
 * @param o  WS_ANSWER_MAX octets
 * @return the status: 101 it is agreed; 400, 403 (origin), 404 (path), 426 (no WebSocket, or
 *         another version): the answer says so, and the connection ends
 */
unsigned ws_http_answer(struct str head, const struct ws_rules *rules, struct out *o);

#endif
