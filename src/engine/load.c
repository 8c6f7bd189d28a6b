/* SPDX-License-Identifier: Apache-2.0 */
/* Load: see load.h. */
#include "engine/load.h"

#include "sip/uri.h"

enum { FORGET_MS = 1000, FULL_LAG = 4 };

void load_init(struct load *l, const struct load_config *config)
{
    *l = (struct load){.config = *config};
    if (l->config.full_percent == 0) {
        l->config.full_percent = 100;
    }
    if (l->config.retry_s == 0) {
        l->config.retry_s = 5;
    }
}

void load_lag(struct load *l, uint64_t late_ms, uint64_t now_ms)
{
    uint64_t last_ms = l->late_ms, due_ms = now_ms - late_ms;

    if (late_ms == 0 || late_ms < l->config.lag_ms) {
        return;
    }
    l->late_ms = now_ms;
    if (last_ms == 0 || due_ms > last_ms + FORGET_MS) {
        return; /* it stood still, for once */
    }
    if (late_ms >= l->lag_ms || now_ms - l->lag_seen_ms > FORGET_MS) {
        l->lag_ms = late_ms;
        l->lag_seen_ms = now_ms;
    }
}

uint32_t load_fill(uint32_t percent, uint64_t used, uint64_t limit)
{
    uint64_t part = limit == 0 ? 0 : used * 100 / limit;
    return part > percent ? (uint32_t)part : percent;
}

enum load_level load_level(const struct load *l, uint32_t percent, uint64_t now_ms)
{
    const struct load_config *c = &l->config;
    uint64_t lag = now_ms - l->lag_seen_ms > FORGET_MS ? 0 : l->lag_ms;
    if (c->high_percent != 0 && percent >= c->full_percent) {
        return LOAD_FULL;
    }
    if (c->lag_ms != 0 && lag >= (uint64_t)c->lag_ms * FULL_LAG) {
        return LOAD_FULL;
    }
    return (c->high_percent != 0 && percent >= c->high_percent) ||
                   (c->lag_ms != 0 && lag >= c->lag_ms)
               ? LOAD_HIGH
               : LOAD_NORMAL;
}

bool load_is_emergency(const struct load *l, const struct sip_msg *m)
{
    struct sip_uri u;
    uint32_t at;
    if (l->config.emergency_count == 0 || sip_uri_parse(sip_msg_ruri(m), 0, &u, &at) != 0) {
        return false;
    }
    for (size_t i = 0; i < l->config.emergency_count; i++) {
        struct str want = l->config.emergency[i];
        bool open = want.n > 0 && want.p[want.n - 1] == '*';
        if (open ? str_starts(u.user, str_upto(want, want.n - 1)) : str_eq(u.user, want)) {
            return true;
        }
    }
    return false;
}

uint32_t load_refuses(struct load *l, const struct sip_msg *m, uint32_t percent,
                      uint64_t now_ms)
{
    enum load_level level = load_level(l, percent, now_ms);
    if (level == LOAD_NORMAL || (level == LOAD_HIGH && m->method == SIP_METHOD_REGISTER)) {
        return 0;
    }
    if (load_is_emergency(l, m)) {
        l->emergency++;
        return 0;
    }
    l->shed++;
    l->shed_calls += m->method == SIP_METHOD_INVITE;
    return l->config.retry_s +
           (uint32_t)(l->shed % (l->config.retry_s + 1)); /* not all at once */
}
