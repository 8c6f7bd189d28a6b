/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACTION-URI by NOTIFY: the key that does what a request asks for, named in a SIP request.
 *
 *   NOTIFY sip:1001@phone            Event: ACTION-URI
 *   Subscription-State: active       Content-Type: message/sipfrag
 *   key=OK
 *   ◄── 200: it was pressed
 *
 * It goes the way on which the phone has registered, like any other request for it: through
 * its NAT, its connection and the proxies on its Path. So it is tried before HTTP, which
 * reaches a phone only where its address is its own.
 */
#include "base/err.h"
#include "phone/action.h"
#include "phone/means.h"

/** Numbers to call stand in the template of HTTP alone. */
static bool takes(const struct phone_profile *p, const struct csta_msg *msg)
{
    struct str number;
    enum phone_act act;

    return p->action_notify && phone_act_of(msg, &act, &number) && act != PHONE_ACT_MAKE &&
           str_is_set(p->action_key[act]);
}

static int send_key(struct phone_carrier *by, const struct phone_way *way,
                    const struct phone_profile *p, const struct csta_msg *msg, struct str xml,
                    phone_errand_fn fn, void *owner, struct phone_errand **out, uint64_t now_ms)
{
    static const char lines[] = "Event: ACTION-URI\r\nContent-Type: message/sipfrag\r\n";
    struct str number, body;
    enum phone_act act;

    (void)xml;
    if (!takes(p, msg) || !phone_act_of(msg, &act, &number)) {
        return E_UNSUPPORTED;
    }
    body = arena_fmt(by->scratch, "key=%.*s", STR_ARG(p->action_key[act]));
    return body.p == NULL ? E_NOMEM
                          : phone_notify_send(by, way, lines, body, fn, owner, out, now_ms);
}

const struct phone_means_ops phone_means_key = {
    .name = "key",
    .takes = takes,
    .send = send_key,
};
