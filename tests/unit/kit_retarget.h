/* SPDX-License-Identifier: Apache-2.0 */
/* One request that is forwarded, from history_begin to history_request, in one call. */
#ifndef BATON_TESTS_KIT_RETARGET_H
#define BATON_TESTS_KIT_RETARGET_H

#include "base/err.h"
#include "history/history.h"

/** One request, forwarded without keeping its history. */
struct history_args {
    struct history_rules rules;
    struct str domain;      /**< ours */
    struct str request_uri; /**< of the request that goes out; absent: as it came */
    struct str user;        /**< another user whom it goes to now; absent: the same one */
    uint32_t cause;         /**< with `user`: why (history_divert); 0: not a diversion */
    uint32_t fork;          /**< how many branches there were before this one */
};

/** Add to `out` what changes. @return 0 or E_NOMEM */
static inline int history_retarget(struct arena *a, const struct sip_msg *m,
                                   const struct history_args *args, struct history_out *out)
{
    struct history h;
    struct hi_entry e;
    if (args->user.n == 0 && !history_concerns(m, &args->rules)) {
        return 0;
    }
    int err = history_begin(&h, a, m, args->rules.diversion != DIVERSION_PASS, args->domain);
    if (err != 0) {
        return err;
    }
    h.tried = args->fork;
    if (args->user.n > 0) {
        err = history_divert(&h, args->user, args->cause);
    }
    if (err == 0) {
        err = history_branch(
            &h, str_is_set(args->request_uri) ? args->request_uri : sip_msg_ruri(m), &e);
    }
    if (err == E_NOMEM) {
        return err;
    }
    return history_request(&h, a, err == 0 ? &e : NULL, m, &args->rules, out);
}

#endif
