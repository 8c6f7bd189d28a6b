/* SPDX-License-Identifier: Apache-2.0 */
/* See tel.h. */
#include "tel.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define NS "http://www.ecma-international.org/standards/ecma-323/csta/ed5"

static const struct str disposition =
    STR_INIT("Content-Disposition: signal;handling=required\r\n");

static struct leg_content csta(const char *xml)
{
    return (struct leg_content){
        .lines = disposition, .type = STR("application/csta+xml"), .body = str_c(xml)};
}

/** The name of the root of a document. */
static struct str root_of(struct str xml)
{
    size_t at = 0;
    while (at < xml.n && (xml.p[at] != '<' || xml.p[at + 1] == '?')) {
        at++;
    }
    struct str name = str_from(xml, at + 1);
    size_t n = 0;
    while (n < name.n && name.p[n] != ' ' && name.p[n] != '>' && name.p[n] != '/') {
        n++;
    }
    return str_upto(name, n);
}

static const char *wrap(struct tel *t, const char *name, const char *body)
{
    snprintf(t->xml, sizeof(t->xml), "<?xml version=\"1.0\"?><%s xmlns=\"%s\">%s</%s>", name,
             NS, body, name);
    return t->xml;
}

static const char *answer_to(struct tel *t, struct str service)
{
    char name[128], body[3072] = "";
    for (size_t i = 0; i < t->says; i++) {
        if (str_eq(str_c(t->say[i].service), service)) {
            return t->say[i].answer;
        }
    }
    if (str_eq(service, STR("RequestSystemStatus"))) {
        snprintf(body, sizeof(body), "<systemStatus>%s</systemStatus>", t->status);
    } else if (str_eq(service, STR("MonitorStart"))) {
        snprintf(body, sizeof(body), "<monitorCrossRefID>7</monitorCrossRefID>");
    } else if (str_eq(service, STR("SnapshotDevice"))) {
        snprintf(body, sizeof(body),
                 "<crossRefIDorSnapshotData><snapshotData>%s</snapshotData>"
                 "</crossRefIDorSnapshotData>",
                 t->snapshot);
    } else if (str_eq(service, STR("GetDoNotDisturb"))) {
        snprintf(body, sizeof(body), "<doNotDisturbOn>false</doNotDisturbOn>");
    } else if (str_eq(service, STR("GetForwarding"))) {
        snprintf(body, sizeof(body), "<forwardingList/>");
    } else if (str_eq(service, STR("GetMessageWaitingIndicator"))) {
        snprintf(body, sizeof(body), "<messageWaitingOn>false</messageWaitingOn>");
    } else if (str_eq(service, STR("GetCSTAFeatures"))) {
        body[0] = '\0';
    } else if (str_eq(service, STR("MakeCall"))) {
        snprintf(body, sizeof(body),
                 "<callingDevice><callID>m1</callID><deviceID>%s</deviceID></callingDevice>",
                 t->p->number);
    } else if (str_eq(service, STR("ConsultationCall"))) {
        snprintf(body, sizeof(body),
                 "<initiatedCall><callID>m2</callID><deviceID>%s</deviceID></initiatedCall>",
                 t->p->number);
    } else if (str_eq(service, STR("ConferenceCall"))) {
        snprintf(body, sizeof(body),
                 "<conferenceCall><callID>x</callID><deviceID>%s</deviceID></conferenceCall>",
                 t->p->number);
    } else if (str_starts(service, STR("SingleStepTransfer")) ||
               str_eq(service, STR("TransferCall"))) {
        snprintf(body, sizeof(body),
                 "<transferredCall><callID>x</callID><deviceID>y</deviceID></transferredCall>");
    }
    snprintf(name, sizeof(name), "%.*sResponse", STR_ARG(service));
    return wrap(t, name, body);
}

static void answer(struct tel *t, struct leg *leg, struct txn *txn, const char *xml)
{
    unsigned status = xml != NULL && xml[0] >= '4' && xml[0] <= '6' ? (unsigned)atoi(xml) : 0;
    struct leg_content c = csta(xml);
    if (t->silent || xml == NULL) {
        return;
    }
    if (t->empty || status != 0) {
        c = (struct leg_content){0};
    }
    (void)leg_answer(leg, txn, status != 0 ? status : 200, STR_NONE, &c, station_now(&t->p->s));
}

static void on_request(struct leg *leg, struct dialog *d, struct txn *txn,
                       const struct sip_msg *m, uint64_t now_ms)
{
    struct tel *t = leg->owner;
    struct str xml = sip_msg_body(m), root;
    size_t n = strlen(t->asked);
    (void)d;
    (void)now_ms;
    if (xml.n == 0) {
        (void)leg_answer(leg, txn, 200, STR_NONE, &(struct leg_content){0},
                         station_now(&t->p->s));
        return;
    }
    root = root_of(xml);
    snprintf(t->last, sizeof(t->last), "%.*s", STR_ARG(xml));
    snprintf(t->asked + n, sizeof(t->asked) - n, "%.*s ", STR_ARG(root));
    answer(t, leg, txn, answer_to(t, root));
}

static void on_message(struct leg *leg, struct dialog *d, const struct sip_msg *m,
                       uint64_t now_ms)
{
    (void)leg;
    (void)d;
    (void)m;
    (void)now_ms;
}

static void on_answered(struct leg *leg, const struct sip_msg *m, uint64_t now_ms)
{
    (void)leg;
    (void)m;
    (void)now_ms;
}

static void on_rejected(struct leg *leg, unsigned status, const struct sip_msg *m,
                        uint64_t now_ms)
{
    (void)leg;
    (void)status;
    (void)m;
    (void)now_ms;
}

static void on_acked(struct leg *leg, const struct sip_msg *m, bool initial, uint64_t now_ms)
{
    (void)leg;
    (void)m;
    (void)initial;
    (void)now_ms;
}

static void on_request_cancelled(struct leg *leg, struct txn *t, uint64_t now_ms)
{
    (void)leg;
    (void)t;
    (void)now_ms;
}

static void on_bye(struct leg *leg, struct txn *t, const struct sip_msg *m, uint64_t now_ms)
{
    (void)m;
    (void)leg_answer(leg, t, 200, STR_NONE, NULL, now_ms);
}

static void on_ended(struct leg *leg, enum leg_end why, uint64_t now_ms)
{
    (void)leg;
    (void)why;
    (void)now_ms;
}

static void on_gone(struct leg *leg)
{
    struct tel *t = leg->owner;
    t->session = t->session == leg ? NULL : t->session;
}

static const struct leg_user tel_user = {
    .on_provisional = on_message,
    .on_answered = on_answered,
    .on_rejected = on_rejected,
    .on_cancelled = on_answered,
    .on_acked = on_acked,
    .on_request = on_request,
    .on_request_cancelled = on_request_cancelled,
    .on_bye = on_bye,
    .on_ended = on_ended,
    .on_gone = on_gone,
};

/* One phone a test has CSTA: its own way to take calls stands here. */
static struct tel *tels[WORLD_PHONES];
static void (*plain_call)(struct station *s, struct leg *leg, const struct sip_msg *m);

static void on_call(struct station *s, struct leg *leg, const struct sip_msg *m)
{
    struct tel *t = NULL;
    for (size_t i = 0; i < WORLD_PHONES; i++) {
        t = tels[i] != NULL && &tels[i]->p->s == s ? tels[i] : t;
    }
    if (t == NULL || !sip_msg_content_is(m, STR("application"), STR("csta+xml"))) {
        plain_call(s, leg, m);
        return;
    }
    s->leg = NULL; /* it is no call */
    leg->user = &tel_user;
    leg->owner = t;
    t->session = leg;
    t->sessions++;
    if (t->take == 0) {
        return;
    }
    struct leg_content c = t->take == 200 ? csta(answer_to(t, STR("RequestSystemStatus")))
                                          : (struct leg_content){0};
    if (t->empty) {
        c = (struct leg_content){0};
    }
    (void)leg_respond(leg, NULL, t->take, STR_NONE, &c, station_now(s));
}

void tel_up(struct tel *t, struct phone *p)
{
    *t = (struct tel){.p = p, .take = 200, .status = "normal", .snapshot = ""};
    for (size_t i = 0; i < WORLD_PHONES; i++) {
        if (tels[i] == NULL || tels[i] == t || tels[i]->p == p) {
            tels[i] = t;
            break;
        }
    }
    if (p->s.on_call != on_call) {
        plain_call = p->s.on_call;
        p->s.on_call = on_call;
    }
}

void tel_world_up(struct tel *t, struct world *w, const struct world_options *o)
{
    struct world_options with = *o;
    with.unregistered = true;
    world_up(w, &with);
    tel_up(t, PHONE(w, 0));
    for (size_t i = 0; i < w->phones; i++) {
        phone_register(PHONE(w, i), 3600);
    }
    world_run(w, 1000);
}

struct phone_profile *tel_profile(struct tel_profile *p, struct world *w, size_t i,
                                  const char *name)
{
    p->own = phone_profile_generic;
    p->own.name = str_c(name);
    p->all = (struct phone_profiles){.item = &p->own, .count = 1};
    w->config.phone_profiles = &p->all;
    w->device[i].phone_profile = p->own.name;
    return &p->own;
}

void tel_say(struct tel *t, const char *service, const char *answer_text)
{
    for (size_t i = 0; i < t->says; i++) {
        if (strcmp(t->say[i].service, service) == 0) {
            t->say[i].answer = answer_text;
            return;
        }
    }
    if (t->says == TEL_ANSWERS) {
        abort();
    }
    t->say[t->says].service = service;
    t->say[t->says++].answer = answer_text;
}

static void on_event_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                            uint64_t now_ms)
{
    struct tel *t = r->owner;
    (void)m;
    (void)now_ms;
    t->event_status = status;
}

static void send(struct tel *t, const struct leg_content *c)
{
    t->event_status = 0;
    if (!CHECK(t->session != NULL)) {
        return;
    }
    CHECK_INT(leg_send(t->session, NULL, STR("INFO"), c, on_event_answer, t, NULL,
                       station_now(&t->p->s)),
              0);
    arena_reset(&t->p->s.arena);
}

void tel_event(struct tel *t, const char *name, const char *fmt, ...)
{
    char body[2048], all[2200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(body, sizeof(body), fmt, args);
    va_end(args);
    snprintf(all, sizeof(all), "<monitorCrossRefID>7</monitorCrossRefID>%s", body);
    struct leg_content c = csta(wrap(t, name, all));
    send(t, &c);
}

void tel_info(struct tel *t, const char *type, const char *body)
{
    struct leg_content c = {.type = str_c(type), .body = str_c(body)};
    send(t, &c);
}

void tel_reboot(struct tel *t)
{
    if (t->session != NULL) {
        leg_free(t->session);
        t->session = NULL;
    }
    t->snapshot = "";
}

void tel_forget(struct tel *t)
{
    t->asked[0] = '\0';
}

/* ---- events ---- */

#define REF(device) "<deviceIdentifier>" device "</deviceIdentifier>"
#define CONN(name) "<" name "><callID>%s</callID><deviceID>%s</deviceID></" name ">"

void tel_delivered(struct tel *t, const char *call, const char *alerting, const char *calling,
                   const char *called, const char *state)
{
    tel_event(
        t, "DeliveredEvent",
        CONN("connection") "<alertingDevice>" REF(
            "%s") "</alertingDevice>"
                  "<callingDevice>" REF("%s") "</callingDevice><calledDevice>" REF(
                      "%s") "</calledDevice><lastRedirectionDevice><notRequired/></lastRedirectionDevice>"
                            "<localConnectionInfo>%s</localConnectionInfo><cause>newCall</cause>",
        call, alerting, alerting, calling, called, state);
}

void tel_established(struct tel *t, const char *call, const char *answering,
                     const char *calling, const char *called)
{
    tel_event(
        t, "EstablishedEvent",
        CONN("establishedConnection") "<answeringDevice>" REF("%s") "</answeringDevice><callingDevice>" REF(
            "%s") "</callingDevice><calledDevice>" REF("%s") "</calledDevice><lastRedirectionDevice><notRequired/>"
                                                             "</lastRedirectionDevice><localConnectionInfo>connected</localConnectionInfo>"
                                                             "<cause>normal</cause>",
        call, answering, answering, calling, called);
}

void tel_originated(struct tel *t, const char *call, const char *called)
{
    tel_event(
        t, "OriginatedEvent",
        CONN("originatedConnection") "<callingDevice>" REF(
            "%s") "</callingDevice>"
                  "<calledDevice>" REF(
                      "%s") "</calledDevice>"
                            "<localConnectionInfo>connected</localConnectionInfo><cause>newCall</cause>",
        call, t->p->number, t->p->number, called);
}

void tel_held(struct tel *t, const char *call, bool held)
{
    if (held) {
        tel_event(
            t, "HeldEvent",
            CONN("heldConnection") "<holdingDevice>" REF(
                "%s") "</holdingDevice>"
                      "<localConnectionInfo>hold</localConnectionInfo><cause>normal</cause>",
            call, t->p->number, t->p->number);
    } else {
        tel_event(
            t, "RetrievedEvent",
            CONN("retrievedConnection") "<retrievingDevice>" REF(
                "%s") "</retrievingDevice>"
                      "<localConnectionInfo>connected</localConnectionInfo><cause>normal</cause>",
            call, t->p->number, t->p->number);
    }
}

void tel_cleared(struct tel *t, const char *call, const char *who, const char *state)
{
    tel_event(
        t, "ConnectionClearedEvent",
        CONN("droppedConnection") "<releasingDevice>" REF(
            "%s") "</releasingDevice>"
                  "<localConnectionInfo>%s</localConnectionInfo><cause>normalClearing</cause>",
        call, who, who, state);
}
