/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which targets of a rule fit what the request demands of whom it reaches: Require: uui (RFC
 * 7433 §3) and the preferences of the caller (RFC 3841). What is known of them is what phones
 * said when they registered, and peers in answer to OPTIONS or the configuration in their
 * place.
 *
 * Who is known not to fit is left out; those who are known to fit go before those of whom
 * nobody knows. The order among each stays the rule's.
 */
#include "base/err.h"
#include "engine/steer.h"

unsigned steer_demand(struct steering *s)
{
    int err = demand_read(s->m, &s->e->scratch, &s->demand);

    return err == 0 ? 0 : err == E_TOOMANY ? 400 : 503;
}

bool steer_is_choosy(const struct steering *s)
{
    return s->demand.uui || s->demand.prefers;
}

enum fit steer_fit(const struct steering *s, struct destination *to)
{
    return steer_is_choosy(s) ? destination_fit(&s->e->calls, &s->demand, to) : FIT_YES;
}

size_t steer_suit(const struct steering *s, struct destination *to, size_t n, enum fit *best)
{
    struct destination *in = NULL;
    enum fit *fit = NULL;
    size_t kept = 0;

    *best = FIT_YES;
    if (!steer_is_choosy(s) || n == 0) {
        return n;
    }
    in = arena_alloc(&s->e->scratch, n * sizeof(*in));
    fit = arena_alloc(&s->e->scratch, n * sizeof(*fit));
    if (in == NULL || fit == NULL) {
        return n; /* who does not fit says so himself */
    }
    memcpy(in, to, n * sizeof(*in));
    *best = FIT_NO_OPTION;
    for (size_t i = 0; i < n; i++) {
        fit[i] = steer_fit(s, &in[i]);
        *best = fit[i] > *best ? fit[i] : *best;
    }
    for (int want = FIT_YES; want >= FIT_UNKNOWN; want--) {
        for (size_t i = 0; i < n; i++) {
            if (fit[i] == (enum fit)want) {
                to[kept++] = in[i];
            }
        }
    }
    return kept;
}
