/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who sent this request?
 *
 * A trusted peer is known by its certificate or its address, for calls and registrations; an
 * application proves itself wherever it runs, also on the machine of a peer. Everybody else
 * proves it with digest: a device under its number, an application under its name, in one name
 * space (the directory refuses a name that both have). A device may speak only for itself: its
 * From must be its own address of record, or anonymous, so that nobody calls in another's name.
 *
 * Requests inside a dialog are not asked again (TR/87 digest S-18).
 */
#include "engine/parts.h"

static struct device *device_of_user(const struct directory *dir, struct str user)
{
    struct device *d = directory_device(dir, user);

    return d != NULL && d->has_secret ? d : NULL;
}

static bool lookup(void *ctx, struct str user, struct auth_secret *out)
{
    const struct directory *dir = ctx;
    struct application *app = directory_application(dir, user);
    struct device *d = app == NULL ? device_of_user(dir, user) : NULL;

    if (app != NULL) {
        *out = app->secret;
    } else if (d != NULL) {
        *out = d->secret;
    }
    return app != NULL || d != NULL;
}

static void challenge(struct engine *e, const struct sip_msg *m, const struct hop *from,
                      bool stale, uint64_t now_ms)
{
    char lines[1024];
    struct out o;

    out_init(&o, lines, sizeof(lines));
    auth_server_challenge(&e->auth, SIP_HDR_WWW_AUTHENTICATE, stale, now_ms, &o);
    e->count.challenged++;
    dispatch_stranger(e, m, from, &(struct txn_reply){.status = 401, .lines = out_str_of(&o)});
}

/** Does a device speak for itself? REGISTER is judged by To, everything else by From. */
static bool speaks_for_itself(struct engine *e, const struct sip_msg *m, const struct device *d)
{
    struct sip_addr addr;
    enum sip_hdr_id who = m->method == SIP_METHOD_REGISTER ? SIP_HDR_TO : SIP_HDR_FROM;

    if (sip_msg_addr(m, who, &addr) != 0) {
        return false;
    }
    if (who == SIP_HDR_FROM && str_ieq(addr.uri.host, STR("anonymous.invalid"))) {
        return true; /* who it is, its credentials say (RFC 3325 §10.1) */
    }
    return directory_device_of_uri(e->config.directory, &addr.uri) == d;
}

static bool accept(struct engine *e, const struct sip_msg *m, const struct hop *from,
                   struct str user, struct identity *who, uint64_t now_ms)
{
    struct directory *dir = e->config.directory;

    who->application = directory_application(dir, user);
    if (who->application != NULL) {
        return true;
    }
    who->device = device_of_user(dir, user);
    if (who->device != NULL && speaks_for_itself(e, m, who->device)) {
        return true;
    }
    e->count.auth_failed++;
    if (engine_may_complain(e)) {
        report_request(e, TRACE_WARN, "auth", m, from,
                       "\"%.*s\" may not speak for somebody else", STR_ARG(user));
    }
    dispatch_reply(
        e, m, from,
        &(struct txn_reply){.status = 403, .reason = STR("These Credentials Are Another's")},
        now_ms);
    return false;
}

/** The sender learns only that it is wrong; the log says what. */
static void wrong(struct engine *e, const struct sip_msg *m, const struct hop *from)
{
    struct str user = str_upto(e->auth.claimed, 64);
    struct auth_secret secret;

    report_request(e, TRACE_WARN, "auth", m, from,
                   lookup(e->config.directory, e->auth.claimed, &secret)
                       ? "the credentials of \"%.*s\" are wrong"
                       : "no device or application with a password is named \"%.*s\"",
                   STR_ARG(user));
}

/** A trusted peer that calls from another port than its uri says is a stranger: say so. */
static void unknown_port(struct engine *e, const struct sip_msg *m, const struct hop *from)
{
    const struct directory *dir = e->config.directory;

    for (size_t i = 0; i < dir->peer_count; i++) {
        const struct peer *p = &dir->peers[i];
        if (p->trusted && p->addr.family != ADDR_NONE && addr_ip_eq(&p->addr, &from->remote)) {
            if (engine_may_complain(e)) {
                report_request(e, TRACE_INFO, "auth", m, from,
                               "the address of peer %.*s, but not its port %u",
                               STR_ARG(str_upto(p->name, 64)), p->addr.port);
            }
            return;
        }
    }
}

static bool find_out(struct engine *e, const struct sip_msg *m, const struct hop *from,
                     bool by_address, struct identity *who, uint64_t now_ms)
{
    struct directory *dir = e->config.directory;
    enum auth_verdict verdict;
    struct str user;

    *who = (struct identity){0};
    who->peer = by_address ? directory_peer_from(dir, from) : NULL;
    if (who->peer != NULL && who->peer->trusted) {
        return true;
    }
    who->peer = NULL;
    verdict = auth_server_check(&e->auth, m, SIP_HDR_AUTHORIZATION, lookup, dir, now_ms, &user);
    switch (verdict) {
    case AUTH_OK:
        gate_credentials(e, m, from, true, now_ms);
        return accept(e, m, from, user, who, now_ms);
    case AUTH_MISSING:
        if (by_address) {
            unknown_port(e, m, from);
        }
        challenge(e, m, from, false, now_ms);
        return false;
    case AUTH_STALE:
    case AUTH_REPLAY:
        challenge(e, m, from, true, now_ms);
        return false;
    case AUTH_WRONG:
        e->count.auth_failed++;
        gate_credentials(e, m, from, false, now_ms);
        if (engine_may_complain(e)) {
            wrong(e, m, from);
        }
        challenge(e, m, from, false, now_ms);
        return false;
    case AUTH_MALFORMED:
        if (!gate_fault(e, from, now_ms)) {
            return false;
        }
        break;
    }
    dispatch_stranger(
        e, m, from, &(struct txn_reply){.status = 400, .reason = STR("Malformed Credentials")});
    return false;
}

/* The rules ask, and then the role: credentials count only once, so the answer is kept. */
bool identify(struct engine *e, const struct sip_msg *m, const struct hop *from,
              bool by_address, struct identity *who, uint64_t now_ms)
{
    if (e->identified == m && (by_address || e->sender.peer == NULL)) {
        *who = e->sender;
        return true;
    }
    if (!find_out(e, m, from, by_address, who, now_ms)) {
        return false;
    }
    e->identified = m;
    e->sender = *who;
    return true;
}
