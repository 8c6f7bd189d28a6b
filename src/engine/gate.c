/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate: who may begin something here, before it is asked what. Wires the guard (strangers)
 * and the load levels (everybody) to what comes in; see guard.h and load.h.
 *
 * Trusted peers are not judged as strangers. What is dropped is counted and, when a ban begins,
 * logged once.
 */
#include "engine/parts.h"

/* When to come again while the store is broken. */
enum { RETRY_CLOSED_S = 5, RETRY_DRAINED_S = 30 };

static bool is_stranger(const struct engine *e, const struct hop *from)
{
    const struct peer *p = directory_peer_from(e->config.directory, from);

    return p == NULL || !p->trusted;
}

/** The fullest of what a request could take a place in, in percent. */
static uint32_t fill(const struct engine *e)
{
    uint32_t percent = load_fill(0, e->txn.pool.in_use, e->txn.pool.limit);

    return load_fill(percent, e->calls.call_pool.in_use, e->calls.config.max_calls);
}

static void refuse(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   uint32_t retry_s)
{
    struct txn_reply r = {.status = 503};

    r.lines = arena_fmt(&e->scratch, "Retry-After: %u\r\n", retry_s);
    dispatch_stranger(e, m, from, &r);
}

static void tell_ban(struct engine *e, const struct hop *from, uint32_t seconds,
                     const char *why)
{
    char text[64];
    struct out o;

    if (seconds == 0) {
        return;
    }
    out_init(&o, text, sizeof(text));
    addr_write_host(&o, &from->remote);
    env_trace(e->env, TRACE_WARN, "guard", "%.*s is ignored for %u s: %s", (int)o.n, text,
              seconds, why);
}

bool gate_stranger(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   uint64_t now_ms)
{
    uint64_t scanners = e->guard.scanners, bans = e->guard.bans;

    if (!is_stranger(e, from)) {
        return true;
    }
    switch (guard_request(&e->guard, m, from, now_ms)) {
    case GUARD_PASS:
        return true;
    case GUARD_LIMIT:
        refuse(e, m, from, 1);
        return false;
    case GUARD_DROP:
        break;
    }
    if (e->guard.scanners != scanners) {
        tell_ban(e, from, guard_offend(&e->guard, &from->remote, GUARD_SCANNER, now_ms),
                 "it scans");
    } else if (e->guard.bans != bans) {
        tell_ban(e, from, e->guard.last_ban_s, "it goes on guessing");
    }
    return false;
}

/** While the server is drained: would that begin a call here, or ask whether one may? */
static bool begins_call(const struct engine *e, const struct sip_msg *m, const struct hop *from)
{
    if (m->method == SIP_METHOD_OPTIONS) {
        return directory_peer_from(e->config.directory, from) != NULL;
    }
    return m->method == SIP_METHOD_INVITE && !cti_wants(m) &&
           !sip_msg_has(m, SIP_HDR_REPLACES) && !load_is_emergency(&e->load, m);
}

bool gate_begin(struct engine *e, const struct sip_msg *m, const struct hop *from,
                uint64_t now_ms)
{
    uint32_t retry_s;

    if (!gate_stranger(e, m, from, now_ms)) {
        return false;
    }
    if (e->draining && begins_call(e, m, from)) {
        e->count.drained += m->method == SIP_METHOD_INVITE;
        retry_s = RETRY_DRAINED_S;
    } else {
        retry_s = e->closed ? RETRY_CLOSED_S : load_refuses(&e->load, m, fill(e), now_ms);
    }
    if (retry_s != 0) {
        refuse(e, m, from, retry_s);
    }
    return retry_s == 0;
}

bool gate_fault(struct engine *e, const struct hop *from, uint64_t now_ms)
{
    if (!is_stranger(e, from)) {
        return true;
    }
    if (guard_is_banned(&e->guard, &from->remote, now_ms)) {
        e->guard.banned++;
        return false;
    }
    tell_ban(e, from, guard_offend(&e->guard, &from->remote, GUARD_MALFORMED, now_ms),
             "its messages cannot be read");
    return true;
}

void gate_login(struct engine *e, const struct hop *from, bool right, uint64_t now_ms)
{
    if (!right && is_stranger(e, from)) {
        tell_ban(e, from, guard_offend(&e->guard, &from->remote, GUARD_WRONG, now_ms),
                 "its credentials are wrong");
    }
}

void gate_credentials(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      bool right, uint64_t now_ms)
{
    if (is_stranger(e, from)) {
        tell_ban(e, from, guard_credentials(&e->guard, m, &from->remote, right, now_ms),
                 "its credentials are wrong");
    }
}

/** What every response repeats of the request. */
static size_t repeated(const struct sip_msg *m)
{
    static const enum sip_hdr_id id[] = {SIP_HDR_VIA, SIP_HDR_FROM, SIP_HDR_TO, SIP_HDR_CALL_ID,
                                         SIP_HDR_CSEQ};
    size_t n = sizeof("SIP/2.0 400 Bad Request;tag=xxxxxxxxxxxxxxxx;received=255.255.255.255");

    for (size_t i = 0; i < ARRAY_LEN(id); i++) {
        for (const struct sip_hdr *h = sip_msg_line(m, id[i]); h != NULL;
             h = sip_msg_next_line(m, h)) {
            n += h->name_len + h->val_len + sizeof(": \r\n");
        }
    }
    return n;
}

struct str gate_modest(const struct sip_msg *m, const struct hop *from,
                       const struct txn_reply *r)
{
    bool optional = r->status == 200 || r->status == 400;

    if (!optional || transport_is_reliable((enum transport)from->transport) ||
        repeated(m) + r->lines.n <= m->len) {
        return r->lines;
    }
    return STR_NONE;
}
