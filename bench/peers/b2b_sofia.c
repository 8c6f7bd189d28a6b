/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A back-to-back user agent on sofia-sip's transaction and dialog layer (nta): what the bridged
 * call of Baton is compared with.
 *
 *     b2b_sofia PORT TARGET-URI
 *
 * An INVITE makes a second leg to TARGET-URI with the same session description and
 * User-to-User; 18x, final answers, ACK, CANCEL and BYE pass in both directions, with the
 * descriptions that they carry. Each leg is a dialog of its own: tags, Call-ID, CSeq, Contact.
 *
 * It is meant to be as cheap as the library allows. 100 goes out only when nothing else did in
 * 200 ms, as RFC 3261 §17.2.1 permits and as Baton has it. One thread, no log, nothing parsed
 * twice: the target is parsed once, headers are passed on as the library read them, one
 * allocation of ours per call. NUA, the library's upper layer, would cost more.
 *
 * A call is freed when the BYE of the second leg is answered, or the refusal of the first one
 * is sent. Requests in a dialog other than BYE are refused with 501.
 */
struct call;
#define NTA_LEG_MAGIC_T struct call
#define NTA_OUTGOING_MAGIC_T struct call
#define NTA_INCOMING_MAGIC_T struct call
#define NTA_AGENT_MAGIC_T struct call

#include <signal.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport_tag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static nta_agent_t *agent;
static su_root_t *root;
static url_t *target;

struct call {
    nta_leg_t *a, *b;         /* the caller's dialog, the callee's */
    nta_incoming_t *invite;   /* from the caller, until ACK or a refusal */
    nta_outgoing_t *call_out; /* to the callee */
    nta_outgoing_t *bye;
    int answered; /* the callee's 2xx came and was passed on */
    int acked;    /* our ACK to the callee was sent */
    int ending;
};

static void call_free(struct call *c)
{
    if (c->invite != NULL) {
        nta_incoming_destroy(c->invite);
    }
    if (c->call_out != NULL) {
        nta_outgoing_destroy(c->call_out);
    }
    if (c->bye != NULL) {
        nta_outgoing_destroy(c->bye);
    }
    if (c->a != NULL) {
        nta_leg_destroy(c->a);
    }
    if (c->b != NULL) {
        nta_leg_destroy(c->b);
    }
    free(c);
}

/* User-to-User is not in the library's table: it stands among the unknown headers. */
static sip_unknown_t *uui_of(const sip_t *sip, sip_unknown_t *out)
{
    for (const sip_unknown_t *u = sip->sip_unknown; u != NULL; u = u->un_next) {
        if (u->un_name != NULL && strcasecmp(u->un_name, "User-to-User") == 0) {
            sip_unknown_init(out);
            out->un_name = u->un_name;
            out->un_value = u->un_value;
            return out;
        }
    }
    return NULL;
}

static int on_bye_answer(struct call *c, nta_outgoing_t *o, const sip_t *sip)
{
    (void)o;
    if (sip == NULL || sip->sip_status->st_status >= 200) {
        call_free(c);
    }
    return 0;
}

static void send_ack(struct call *c, const sip_t *sip)
{
    if (c->acked || c->b == NULL) {
        return;
    }
    c->acked = 1;
    nta_outgoing_t *o = nta_outgoing_tcreate(
        c->b, NULL, NULL, NULL, SIP_METHOD_ACK, NULL,
        TAG_IF(sip != NULL && sip->sip_payload, SIPTAG_CONTENT_TYPE(sip->sip_content_type)),
        TAG_IF(sip != NULL && sip->sip_payload, SIPTAG_PAYLOAD(sip->sip_payload)), TAG_END());
    if (o != NULL) {
        nta_outgoing_destroy(o);
    }
}

/* BYE to one leg; its answer ends the call. */
static void send_bye(struct call *c, nta_leg_t *leg)
{
    c->ending = 1;
    c->bye = nta_outgoing_tcreate(leg, on_bye_answer, c, NULL, SIP_METHOD_BYE, NULL, TAG_END());
    if (c->bye == NULL) {
        call_free(c);
    }
}

/* ACK or CANCEL of the caller's INVITE; sip is NULL when ACK did not come in time. */
static int on_ack_cancel(struct call *c, nta_incoming_t *irq, const sip_t *sip)
{
    if (sip != NULL && sip->sip_request->rq_method == sip_method_cancel) {
        if (!c->answered && c->call_out != NULL) {
            nta_outgoing_cancel(c->call_out); /* its 487 goes to the caller */
        }
        return 0;
    }
    c->invite = NULL;
    nta_incoming_destroy(irq);
    if (!c->answered) {
        call_free(c);
        return 0;
    }
    send_ack(c, sip);
    if (sip == NULL && !c->ending) {
        send_bye(c, c->b);
    }
    return 0;
}

static int on_answer(struct call *c, nta_outgoing_t *o, const sip_t *sip)
{
    int status = sip != NULL ? sip->sip_status->st_status : 408;
    sip_unknown_t uui;
    (void)o;
    if (status == 100) {
        return 0;
    }
    if (sip != NULL && sip->sip_to->a_tag != NULL && status < 300) {
        nta_leg_rtag(c->b, sip->sip_to->a_tag);
        nta_leg_client_route(c->b, sip->sip_record_route, sip->sip_contact);
    }
    if (c->answered || c->invite == NULL) {
        return 0;
    }
    c->answered = status >= 200 && status < 300;
    nta_incoming_treply(
        c->invite, status, sip != NULL ? sip->sip_status->st_phrase : NULL,
        TAG_IF(status < 300, SIPTAG_CONTACT(nta_agent_contact(agent))),
        TAG_IF(sip != NULL && sip->sip_payload, SIPTAG_CONTENT_TYPE(sip->sip_content_type)),
        TAG_IF(sip != NULL && sip->sip_payload, SIPTAG_PAYLOAD(sip->sip_payload)),
        TAG_IF(sip != NULL && uui_of(sip, &uui) != NULL, SIPTAG_UNKNOWN(&uui)), TAG_END());
    if (status >= 300) {
        call_free(c);
    }
    return 0;
}

/* Requests in either dialog. */
static int on_in_dialog(struct call *c, nta_leg_t *leg, nta_incoming_t *irq, const sip_t *sip)
{
    (void)irq;
    switch (sip->sip_request->rq_method) {
    case sip_method_ack:
        return 0;
    case sip_method_bye:
        if (!c->ending) {
            send_ack(c, NULL);
            send_bye(c, leg == c->a ? c->b : c->a);
        }
        return 200;
    default:
        return 501;
    }
}

static int on_invite(nta_incoming_t *irq, const sip_t *sip)
{
    struct call *c = calloc(1, sizeof(*c));
    sip_from_t from;
    sip_to_t to;
    sip_unknown_t uui;
    if (c == NULL || sip->sip_contact == NULL) {
        free(c);
        return c == NULL ? 500 : 400;
    }
    c->invite = irq;
    nta_incoming_bind(irq, on_ack_cancel, c);
    c->a = nta_leg_tcreate(agent, on_in_dialog, c, SIPTAG_CALL_ID(sip->sip_call_id),
                           SIPTAG_FROM(sip->sip_to), SIPTAG_TO(sip->sip_from), TAG_END());
    sip_from_init(&from);
    *from.a_url = *sip->sip_from->a_url;
    from.a_display = sip->sip_from->a_display;
    sip_to_init(&to);
    *to.a_url = *sip->sip_to->a_url;
    to.a_display = sip->sip_to->a_display;
    c->b =
        nta_leg_tcreate(agent, on_in_dialog, c, SIPTAG_FROM(&from), SIPTAG_TO(&to), TAG_END());
    if (c->a == NULL || c->b == NULL) {
        c->invite = NULL;
        call_free(c);
        return 500;
    }
    nta_leg_tag(c->a, nta_incoming_tag(irq, NULL));
    nta_leg_server_route(c->a, sip->sip_record_route, sip->sip_contact);
    nta_leg_tag(c->b, NULL);
    c->call_out = nta_outgoing_tcreate(
        c->b, on_answer, c, NULL, SIP_METHOD_INVITE, (url_string_t *)target,
        SIPTAG_CONTACT(nta_agent_contact(agent)),
        TAG_IF(sip->sip_payload, SIPTAG_CONTENT_TYPE(sip->sip_content_type)),
        TAG_IF(sip->sip_payload, SIPTAG_PAYLOAD(sip->sip_payload)),
        TAG_IF(uui_of(sip, &uui) != NULL, SIPTAG_UNKNOWN(&uui)), TAG_END());
    if (c->call_out == NULL) {
        c->invite = NULL;
        call_free(c);
        return 500;
    }
    return 0;
}

/* What belongs to no dialog. */
static int on_request(struct call *none, nta_leg_t *leg, nta_incoming_t *irq, const sip_t *sip)
{
    (void)none;
    (void)leg;
    if (sip->sip_request->rq_method == sip_method_ack) {
        return 0;
    }
    if (sip->sip_to->a_tag != NULL) {
        return 481;
    }
    if (sip->sip_request->rq_method == sip_method_invite) {
        return on_invite(irq, sip);
    }
    return sip->sip_request->rq_method == sip_method_options ? 200 : 501;
}

static void on_signal(int number)
{
    (void)number;
    _Exit(0);
}

int main(int argc, char **argv)
{
    char bind_to[64];
    su_home_t home[1] = {SU_HOME_INIT(home)};
    if (argc != 3) {
        fprintf(stderr, "usage: b2b_sofia PORT TARGET-URI\n");
        return 2;
    }
    snprintf(bind_to, sizeof(bind_to), "sip:127.0.0.1:%s;transport=udp", argv[1]);
    su_init();
    signal(SIGTERM, on_signal);
    root = su_root_create(NULL);
    target = url_hdup(home, URL_STRING_MAKE(argv[2])->us_url);
    agent = nta_agent_create(root, URL_STRING_MAKE(bind_to), NULL, NULL, NTATAG_UA(1),
                             TPTAG_UDP_RMEM(4 << 20), TPTAG_UDP_WMEM(4 << 20), TAG_END());
    if (root == NULL || target == NULL || agent == NULL ||
        nta_leg_tcreate(agent, on_request, NULL, NTATAG_NO_DIALOG(1), TAG_END()) == NULL) {
        fprintf(stderr, "b2b_sofia: cannot start\n");
        return 1;
    }
    printf("ready\n");
    fflush(stdout);
    su_root_run(root);
    return 0;
}
