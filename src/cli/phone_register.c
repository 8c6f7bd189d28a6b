/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration of the phone: REGISTER, credentials once when asked, refresh at half the time,
 * again after a pause when it failed.
 */
#include "base/err.h"
#include "cli/phone.h"
#include <stdio.h>

enum { SLOT_REGISTER = 0, RETRY_MS = 5000 };

static void again(void *ctx)
{
    struct phone *p = ctx;

    phone_register(p, p->opt.expires_s);
}

static void send_register(struct phone *p, struct str credentials);

/** The first time: what to do about it. The server does not say which of the two is wrong. */
static void hint(struct phone *p, unsigned status)
{
    if (p->hinted || p->quitting) {
        return;
    }
    p->hinted = true;
    fprintf(stderr, "baton phone: %strying again every %d seconds\n",
            status != 401 && status != 407 ? ""
            : p->auth.password.n == 0 ? "no password was given (BATON_PASSWORD or --password); "
                                      : "the user name or the password is wrong; ",
            RETRY_MS / 1000);
}

static void on_final(struct phone *p, const struct sip_msg *m)
{
    uint32_t granted = p->reg_expires;

    if (m->status < 300) {
        struct sip_values it = {0};
        struct str contact, value;
        while (sip_msg_each(m, SIP_HDR_CONTACT, &it, &contact)) {
            struct sip_addr a;
            uint32_t at;
            if (sip_addr_parse(contact, &a, &at) == 0 &&
                str_find(a.params, str_c(p->instance)) < a.params.n &&
                sip_param(a.params, STR("expires"), &value)) {
                (void)str_to_u32(value, &granted);
            }
        }
        if (!p->registered || p->reg_expires == 0) {
            phone_show(p, &(struct phone_news){.event = p->reg_expires == 0 ? "unregistered"
                                                                            : "registered",
                                               .peer = str_c(p->opt.aor),
                                               .status = m->status});
        }
        p->registered = p->reg_expires != 0;
        p->was_registered = p->was_registered || p->registered;
        if (p->registered) {
            ua_after(p->ua, SLOT_REGISTER, (uint64_t)(granted < 2 ? 2 : granted) * 500, again,
                     p);
        }
    } else {
        p->registered = false;
        p->unregistered = true;
        phone_show(p, &(struct phone_news){.event = "registration-failed",
                                           .peer = str_c(p->opt.aor),
                                           .status = m->status,
                                           .text = sip_msg_reason(m)});
        hint(p, m->status);
        ua_after(p->ua, SLOT_REGISTER, RETRY_MS, again, p);
    }
    if (p->quitting) {
        ua_stop(p->ua);
    }
}

static void on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    struct phone *p = t->owner;
    char buf[sizeof(p->reg_credentials)];
    struct out o;

    (void)from;
    (void)now_ms;
    if (m->status < 200) {
        return;
    }
    p->reg = NULL;
    txn_detach(t);
    if (m->status == 401 || m->status == 407) {
        struct str uri = arena_fmt(&p->ua->scratch, "sip:%.*s", STR_ARG(p->aor.host));
        out_init(&o, buf, sizeof(buf));
        if (auth_client_answer(&p->auth, p->ua->env, m, STR("REGISTER"), uri,
                               str_make(p->reg_credentials, p->reg_credentials_n), &o) == 0 &&
            !o.over) {
            memcpy(p->reg_credentials, buf, o.n);
            p->reg_credentials_n = o.n;
            send_register(p, out_str_of(&o));
            return;
        }
    }
    on_final(p, m);
}

static void on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    struct phone *p = t->owner;

    (void)now_ms;
    p->reg = NULL;
    p->registered = false;
    p->unregistered = true;
    phone_show(p, &(struct phone_news){.event = "registration-failed",
                                       .peer = str_c(p->opt.aor),
                                       .text = why == TXN_TIMEOUT
                                                   ? STR("no answer")
                                                   : STR("the server cannot be reached")});
    if (p->quitting) {
        ua_stop(p->ua);
    } else {
        hint(p, 0);
        ua_after(p->ua, SLOT_REGISTER, RETRY_MS, again, p);
    }
}

static const struct txn_user register_user = {.on_response = on_response,
                                              .on_failure = on_failure};

static void send_register(struct phone *p, struct str credentials)
{
    struct ua *u = p->ua;
    struct txn_target to = ua_target(u);
    struct addr local = {0};
    char head[1024], host[64];
    struct out o, h;
    struct str run[4];

    u->env->local(u->env->ctx, &to.hop, &local);
    out_init(&h, host, sizeof(host));
    addr_write(&h, &local);
    run[0] = arena_fmt(&u->scratch, "REGISTER sip:%.*s SIP/2.0\r\n", STR_ARG(p->aor.host));
    out_init(&o, head, sizeof(head));
    out_fmt(&o, "Max-Forwards: 70\r\nFrom: <%s>;tag=%.8s\r\nTo: <%s>\r\nCall-ID: %s\r\n",
            p->opt.aor, p->reg_call_id, p->opt.aor, p->reg_call_id);
    out_fmt(&o, "CSeq: %u REGISTER\r\nContact: <sip:%.*s@%.*s%s>;+sip.instance=\"%s\"\r\n",
            ++p->reg_cseq, STR_ARG(p->aor.user), (int)h.n, host,
            to.hop.transport == TP_TCP ? ";transport=tcp" : "", p->instance);
    out_fmt(&o, "Expires: %u\r\nAllow: %.*s\r\nAllow-Events: talk, hold\r\n", p->reg_expires,
            STR_ARG(u->config.allow));
    run[1] = out_str_of(&o);
    run[2] = credentials;
    run[3] = STR("Content-Length: 0\r\n\r\n");
    p->reg = o.over ? NULL
                    : txn_client_new(&u->txn, SIP_METHOD_REGISTER, &to, run, ARRAY_LEN(run),
                                     &register_user, p, ua_now(u));
    if (p->reg == NULL) {
        ua_after(u, SLOT_REGISTER, RETRY_MS, again, p);
    }
}

void phone_register(struct phone *p, uint32_t expires_s)
{
    if (p->reg_call_id[0] == '\0') {
        env_random_token(p->ua->env, p->reg_call_id, sizeof(p->reg_call_id) - 1);
        memcpy(p->instance, "<urn:baton:", 11);
        env_random_token(p->ua->env, p->instance + 11, 16);
        p->instance[27] = '>';
    }
    if (p->reg != NULL) {
        txn_detach(p->reg);
        p->reg = NULL;
    }
    p->reg_expires = expires_s;
    p->reg_credentials_n = 0;
    send_register(p, STR_NONE);
}
