/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `baton csta` prints: a table for people, one JSON object a line for programs.
 *
 * Texts of the peer are cleaned of control characters on their way to a terminal. Each call
 * writes whole lines and flushes them. Times are milliseconds since 1970.
 */
#ifndef BATON_CLI_CSTA_PRINT_H
#define BATON_CLI_CSTA_PRINT_H

#include "cli/csta_view.h"
#include <stdio.h>

struct csta_printer {
    FILE *out, *err;
    bool json;
    bool headed; /**< the table has its head line */
    struct arena *scratch;
};

/** An event of the monitor of `device`. `body`: the message as it came. */
void csta_print_event(struct csta_printer *p, uint64_t wall_ms, struct str device,
                      const struct csta_msg *m, struct str body);

/** A positive answer; `what` is the device, connection or file that the request was about. */
void csta_print_answer(struct csta_printer *p, uint64_t wall_ms, enum csta_msg_id request,
                       struct str what, const struct csta_msg *answer, struct str body);

/** The answer to `raw`, as it came; body may be absent. */
void csta_print_raw(struct csta_printer *p, uint64_t wall_ms, unsigned status, struct str body);

/** A request or a session that was refused, or never answered. Zeros are "not known". */
struct csta_refusal {
    struct str what;            /**< "MakeCall", "the session" */
    unsigned status;            /**< of the SIP response; 0: there was none */
    struct str reason, warning; /**< of the SIP response */
    struct csta_error error;
    const char *because; /**< when none of the above says it */
};
void csta_print_refusal(struct csta_printer *p, uint64_t wall_ms, const struct csta_refusal *r);

/** A part of the list of devices: SwitchingFunctionDevices. */
void csta_print_list(struct csta_printer *p, uint64_t wall_ms, const struct csta_msg *m,
                     struct str body);

/** News of the session itself: "lost", "up", "interrupted". */
void csta_print_news(struct csta_printer *p, uint64_t wall_ms, const char *state,
                     struct str text);

#endif
