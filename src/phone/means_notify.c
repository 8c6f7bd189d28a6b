/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSTA in NOTIFY (TR/87 digest 4.7): Unify OpenStage, ShoreTel and Mitel IP400.
 *
 *   NOTIFY sip:1001@phone            Event: uaCSTA
 *   Subscription-State: active       Content-Type: application/csta+xml
 *   ◄── 200 with the response, or CSTAErrorCode
 *
 * There is no subscription behind it, and no dialog: each has a Call-ID of its own. RFC 6665
 * wants Subscription-State in any NOTIFY, and these phones look for it.
 *
 * A profile with tls-only is sent nothing over another transport: what is in it commands a
 * phone, and the phone would refuse it anyway.
 */
#include "base/err.h"
#include "dialog/dialog.h"
#include "phone/means.h"

static bool takes(const struct phone_profile *p, const struct csta_msg *msg)
{
    return p->means == PHONE_MEANS_NOTIFY && phone_profile_has(p, msg->id);
}

static struct str csta_of(const struct sip_msg *m)
{
    return sip_msg_content_is(m, STR("application"), STR("csta+xml")) ? sip_msg_body(m)
                                                                      : STR_NONE;
}

static void on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    struct phone_errand *e = t->owner;

    (void)from;
    if (m->status >= 200) {
        txn_detach(t);
        phone_errand_done(e, m->status, csta_of(m), now_ms);
    }
}

static void on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    struct phone_errand *e = t->owner;

    txn_detach(t);
    phone_errand_done(e, why == TXN_TIMEOUT ? 408 : 503, STR_NONE, now_ms);
}

static const struct txn_user user = {.on_response = on_response, .on_failure = on_failure};

/** What stands behind the start line. */
static struct str head_of(struct phone_carrier *by, const struct phone_way *way,
                          struct str contact, const char *lines, size_t octets)
{
    char id[24], tag[12];

    env_random_token(by->env, id, sizeof(id));
    env_random_token(by->env, tag, sizeof(tag));
    return arena_fmt(by->scratch,
                     "%.*sMax-Forwards: 70\r\nFrom: <%.*s>;tag=%.*s\r\nTo: <%.*s>\r\n"
                     "Call-ID: %.*s\r\nCSeq: 1 NOTIFY\r\nContact: %.*s\r\n"
                     "Subscription-State: active\r\n%.*s%sContent-Length: %zu\r\n\r\n",
                     STR_ARG(way->routes), STR_ARG(way->uri), (int)sizeof(tag), tag,
                     STR_ARG(way->uri), (int)sizeof(id), id, STR_ARG(contact),
                     STR_ARG(by->txn->user_agent_line), lines, octets);
}

int phone_notify_send(struct phone_carrier *by, const struct phone_way *way, const char *lines,
                      struct str body, phone_errand_fn fn, void *owner,
                      struct phone_errand **out, uint64_t now_ms)
{
    struct phone_errand *e;
    struct str contact = dialog_own_contact(by->env, by->scratch, by->contact_user,
                                            &way->target.hop, way->target.sips);
    struct str start =
        arena_fmt(by->scratch, "NOTIFY %.*s SIP/2.0\r\n", STR_ARG(way->request_uri));
    struct str head = contact.p != NULL ? head_of(by, way, contact, lines, body.n) : STR_NONE;
    struct str run[] = {start, head, body};
    int err;

    if (start.p == NULL || head.p == NULL) {
        return E_NOMEM;
    }
    e = phone_errand_new(by, fn, owner, &err);
    if (e == NULL) {
        return err;
    }
    e->txn = txn_client_new(by->txn, SIP_METHOD_NOTIFY, &way->target, run, ARRAY_LEN(run),
                            &user, e, now_ms);
    if (e->txn == NULL) {
        phone_errand_free(e);
        return E_NOMEM;
    }
    by->sent++;
    if (out != NULL) {
        *out = e;
    }
    return 0;
}

static int send_notify(struct phone_carrier *by, const struct phone_way *way,
                       const struct phone_profile *p, const struct csta_msg *msg,
                       struct str xml, phone_errand_fn fn, void *owner,
                       struct phone_errand **out, uint64_t now_ms)
{
    static const char lines[] = "Event: uaCSTA\r\n"
                                "Content-Disposition: signal;handling=required\r\n"
                                "Content-Type: application/csta+xml\r\n";

    if (!takes(p, msg)) {
        return E_UNSUPPORTED;
    }
    if ((p->quirks & PHONE_QUIRK_TLS_ONLY) != 0 &&
        !transport_is_secure((enum transport)way->target.hop.transport)) {
        by->refused++;
        return E_STATE;
    }
    return phone_notify_send(by, way, lines, xml, fn, owner, out, now_ms);
}

const struct phone_means_ops phone_means_notify = {
    .name = "notify",
    .takes = takes,
    .send = send_notify,
};
