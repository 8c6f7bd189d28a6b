/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Diversion (RFC 5806), and what it is in History-Info and back (RFC 7544).
 *
 * Diversion lists who sent the call elsewhere, the latest first; History-Info lists where the
 * call was sent, the first attempt first. A History-Info entry whose URI has a cause parameter
 * of RFC 4458 is the target of a diversion, and the entry that its `mp` names (else the one
 * before it) is who diverted:
 *
 *   Diversion: <B>;reason=user-busy, <A>;reason=unconditional          Request-URI: C
 *   History-Info: <A>;index=1, <B;cause=302>;index=1.1;mp=1, <C;cause=486>;index=1.1.1;mp=1.1
 *
 * Both functions add only what the other header does not know yet (RFC 7544 §3.4, §3.5), so
 * that a message which has both does not grow.
 */
#ifndef BATON_HISTORY_DIVERSION_H
#define BATON_HISTORY_DIVERSION_H

#include "history/entry.h"

struct diversion {
    struct str text; /**< the whole value */
    struct str uri;
    struct str reason;  /**< as written, without quotes; absent: none */
    struct str privacy; /**< likewise */
    struct str screen;  /**< likewise */
    uint32_t counter;   /**< 1 when it is not given */
    uint32_t limit;     /**< 0: none */
};

struct diversion_list {
    struct diversion *entry;
    uint32_t count;
};

/** One element of the header. Unknown parameters are no fault. @return 0 or E_SYNTAX */
int diversion_parse(struct str value, struct diversion *out);

/** All of a message, the latest first. @return 0, E_SYNTAX, E_TOOMANY (over HI_MAX), E_NOMEM;
    the list is empty then */
int diversion_list_parse(struct arena *a, const struct sip_msg *m, struct diversion_list *out);

/** Does it ask that the name of the diverter be withheld (full, name, uri)? */
bool diversion_is_private(const struct diversion *d);

/** The cause of RFC 4458 for a reason; 404 for one that has none of its own (RFC 7544 §5). */
uint32_t diversion_cause(struct str reason);
/** And back (RFC 7544 §6); absent when this is no cause of a diversion. */
struct str diversion_reason(uint32_t cause);

/**
 * Append to `l` the diversions that it does not hold yet, oldest first, then the target
 * (RFC 7544 §5). Nothing is appended when it holds all.
 * @param request_uri  of the request that has these Diversion values
 * @return 0, E_NOMEM, E_TOOMANY, E_SYNTAX; `l` is as it was then
 */
int diversion_to_history(struct arena *a, const struct diversion_list *from,
                         struct str request_uri, struct hi_list *l);

/**
 * The Diversion value (without "Diversion: ") for the diversions in `l` that `present` does not
 * hold, latest first; {"", 0} when there are none. @return 0 or E_NOMEM
 */
int diversion_from_history(struct arena *a, const struct hi_list *l,
                           const struct diversion_list *present, struct str *out);

/** Is there nothing in `l` but diverters and targets of diversions (RFC 7544 §3.5)? */
bool diversion_is_all(const struct hi_list *l);

/**
 * The value with an anonymous URI and without `privacy` (RFC 7544 §3.2).
 * @return the absent string when memory is out
 */
struct str diversion_concealed(struct arena *a, const struct diversion *d);

#endif
