/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole engine, driven by bytes: a few peers of which each can send every kind of message
 * that Baton knows, made from templates so that registrations, calls and CSTA sessions really
 * come about, with octets of any of them replaced; clock jumps, connections that close,
 * look-ups that end; and plain bytes.
 *
 *   peers 0, 1   phones 1001 and 1002, UDP      peer 3   gateway for 9*, by name, UDP
 *   peer 2       phone 1003, TCP                peers 4, 5   application crm, UDP and TCP
 *
 * Route rules send calls to 60, 61 … to each of their actions, and what 1003 registers to the
 * gateway; phones subscribe, publish, refer, and send messages; the gateway has room for two
 * calls and is asked whether it lives.
 *
 * A peer that is `nice` answers by itself: 180 and 200 to INVITE, 200 to all else, ACK to a
 * 2xx. The addresses of 0 to 3 are trusted, the application proves itself with digest.
 *
 * MUST hold: what the engine sends is well formed; its deadline is never in the past after a
 * tick; in the end all of it drains (calls, legs, dialogs, transactions, sessions, timers),
 * every CSTA request was answered, and no memory is left.
 */
#include "fuzz_env.h"

#include "base/err.h"
#include "engine/engine.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PEERS = 6, QUEUE = 96, TEXT = 4096 };

/** A dialog as one peer knows it. */
struct talk {
    bool known;
    char id[96], local[160], remote[160], target[160];
    unsigned cseq;
};

struct far_end {
    struct hop hop;
    bool nice;
    struct talk talk;
    char request[TEXT]; /**< the last one that came, and its length */
    size_t request_n;
    char invite[TEXT]; /**< the last INVITE that it sent */
    unsigned calls;
};

struct mail {
    unsigned peer;
    size_t n;
    char text[TEXT];
};

static struct fuzz_env fe;
static struct engine *engine;
static uint64_t now_ms;
static struct far_end peer[PEERS];
static struct mail queue[QUEUE];
static size_t queued;
static bool resolves;
static unsigned branches;
static char call_id[64];
static struct auth_client crm;

static const struct {
    uint8_t last, transport;
    const char *number;
} who[PEERS] = {{1, TP_UDP, "1001"}, {2, TP_UDP, "1002"}, {3, TP_TCP, "1003"},
                {4, TP_UDP, "9001"}, {5, TP_UDP, "crm"},  {6, TP_TCP, "crm"}};

static const char sdp[] = "v=0\r\no=f 1 %u IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\n"
                          "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=%s\r\n";

/* ---- input bytes ---- */

struct input {
    const uint8_t *p;
    size_t n;
};

static unsigned take(struct input *in)
{
    if (in->n == 0) {
        return 0;
    }
    in->n--;
    return *in->p++;
}

/* ---- what a peer says ---- */

static void post(unsigned p, const char *text, size_t n)
{
    if (queued < QUEUE && n < TEXT) {
        queue[queued].peer = p;
        queue[queued].n = n;
        memcpy(queue[queued].text, text, n);
        queue[queued++].text[n] = '\0';
    }
}

/** Head and body with the length between them. */
static void post_message(unsigned p, const char *head, const char *type, const char *body)
{
    char text[TEXT];
    int n = snprintf(text, sizeof(text), "%s%s%s%sContent-Length: %zu\r\n\r\n%s", head,
                     type[0] != '\0' ? "Content-Type: " : "", type,
                     type[0] != '\0' ? "\r\n" : "", strlen(body), body);
    if (n > 0 && (size_t)n < sizeof(text)) {
        post(p, text, (size_t)n);
    }
}

static const char *sdp_of(unsigned variant)
{
    static const char *const dir[] = {"sendrecv", "sendonly", "inactive", "recvonly"};
    static char text[512];
    snprintf(text, sizeof(text), sdp, variant, dir[variant % 4]);
    return text;
}

static bool index_text(struct fuzz_msg *f, const char *text, size_t n)
{
    struct sip_fault fault;
    f->m.hdr = f->hdr;
    return sip_msg_index(&f->m, str_make(text, n), true, &sip_limits_default, &fault) == 0;
}

static void copy(char *out, size_t cap, struct str s)
{
    snprintf(out, cap, "%.*s", STR_ARG(s));
}

/** An answer to a request that came. */
static void answer(unsigned p, const struct sip_msg *req, unsigned status, unsigned variant)
{
    char head[TEXT];
    struct out o;
    bool body =
        req->method == SIP_METHOD_INVITE && status > 100 && status < 300 && variant != 0;
    out_init(&o, head, sizeof(head) - 1);
    out_fmt(&o, "SIP/2.0 %u %s\r\n", status, sip_reason(status));
    for (const struct sip_hdr *h = sip_msg_line(req, SIP_HDR_VIA); h != NULL;
         h = sip_msg_next_line(req, h)) {
        out_fmt(&o, "Via: %.*s\r\n", STR_ARG(sip_hdr_value(req, h)));
    }
    out_fmt(&o, "From: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n",
            STR_ARG(sip_msg_value(req, SIP_HDR_FROM)), STR_ARG(sip_msg_value(req, SIP_HDR_TO)),
            status > 100 && !str_is_set(sip_msg_tag(req, SIP_HDR_TO)) ? ";tag=t" : "",
            STR_ARG(sip_msg_value(req, SIP_HDR_CALL_ID)),
            STR_ARG(sip_msg_value(req, SIP_HDR_CSEQ)));
    out_fmt(&o, "Contact: <sip:%s@10.0.0.%u:5060>\r\n", who[p].number, who[p].last);
    if ((variant & 4) != 0 && status > 100) {
        out_c(&o, "User-to-User: 04616263;encoding=hex\r\nAllow-Events: talk\r\n");
    }
    if ((variant & 8) != 0 && status > 100 && status < 200) {
        out_c(&o, "Require: 100rel\r\nRSeq: 7\r\n");
    }
    if (!o.over) {
        head[o.n] = '\0';
        post_message(p, head, body ? "application/sdp" : "", body ? sdp_of(variant) : "");
    }
}

/** A request of its own outside of any dialog. */
static void begin(unsigned p, const char *method, const char *uri, const char *to,
                  const char *lines, const char *type, const char *body)
{
    char head[TEXT];
    struct far_end *s = &peer[p];
    s->calls++;
    snprintf(head, sizeof(head),
             "%s %s SIP/2.0\r\nVia: SIP/2.0/%s 10.0.0.%u:5060;branch=z9hG4bK%u-%u\r\n"
             "Max-Forwards: 70\r\nFrom: <sip:%s@example.com>;tag=f%u\r\nTo: <%s>\r\n"
             "Call-ID: c%u-%u\r\nCSeq: %u %s\r\nContact: <sip:%s@10.0.0.%u:5060>\r\n%s",
             method, uri, transport_name((enum transport)who[p].transport), who[p].last, p,
             s->calls, who[p].number, s->calls, to, p, s->calls, s->calls, method,
             who[p].number, who[p].last, lines);
    post_message(p, head, type, body);
    if (strcmp(method, "INVITE") == 0 && queued > 0) {
        snprintf(s->invite, sizeof(s->invite), "%s", queue[queued - 1].text);
    }
}

/** A request inside its dialog; `method` may be ACK. */
static void inside(unsigned p, const char *method, const char *lines, const char *type,
                   const char *body)
{
    char head[TEXT];
    struct talk *t = &peer[p].talk;
    if (!t->known) {
        return;
    }
    if (strcmp(method, "ACK") != 0) {
        t->cseq++;
    }
    snprintf(head, sizeof(head),
             "%s %s SIP/2.0\r\nVia: SIP/2.0/%s 10.0.0.%u:5060;branch=z9hG4bKi%u\r\n"
             "Max-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
             "Contact: <sip:%s@10.0.0.%u:5060>\r\n%s",
             method, t->target, transport_name((enum transport)who[p].transport), who[p].last,
             branches++, t->local, t->remote, t->id, t->cseq, method, who[p].number,
             who[p].last, lines);
    post_message(p, head, type, body);
}

/** CANCEL of the last INVITE: its head with another method. */
static void cancel(unsigned p)
{
    char head[TEXT];
    struct fuzz_msg *f = malloc(sizeof(*f));
    MUST(f != NULL);
    if (index_text(f, peer[p].invite, strlen(peer[p].invite))) {
        const struct sip_msg *m = &f->m;
        struct sip_cseq cseq = {0};
        (void)sip_msg_cseq(m, &cseq);
        snprintf(head, sizeof(head),
                 "CANCEL %.*s SIP/2.0\r\nVia: %.*s\r\nMax-Forwards: 70\r\nFrom: %.*s\r\n"
                 "To: %.*s\r\nCall-ID: %.*s\r\nCSeq: %u CANCEL\r\n",
                 STR_ARG(sip_msg_ruri(m)), STR_ARG(sip_msg_value(m, SIP_HDR_VIA)),
                 STR_ARG(sip_msg_value(m, SIP_HDR_FROM)), STR_ARG(sip_msg_value(m, SIP_HDR_TO)),
                 STR_ARG(sip_msg_value(m, SIP_HDR_CALL_ID)), cseq.number);
        post_message(p, head, "", "");
    }
    free(f);
}

/* ---- what a peer hears ---- */

/** Sides of the dialog that a message is of, seen by peer `p`. */
static void learn(unsigned p, const struct sip_msg *m, bool caller)
{
    struct talk *t = &peer[p].talk;
    struct sip_addr contact;
    struct sip_cseq cseq;
    bool tagged = str_is_set(sip_msg_tag(m, SIP_HDR_TO));
    if (sip_msg_addr(m, SIP_HDR_CONTACT, &contact) != 0 || sip_msg_cseq(m, &cseq) != 0) {
        return;
    }
    t->known = true;
    t->cseq = caller ? cseq.number : 1;
    copy(t->id, sizeof(t->id), sip_msg_value(m, SIP_HDR_CALL_ID));
    copy(t->target, sizeof(t->target), contact.uri_text);
    copy(caller ? t->local : t->remote, sizeof(t->local), sip_msg_value(m, SIP_HDR_FROM));
    snprintf(caller ? t->remote : t->local, sizeof(t->remote), "%.*s%s",
             STR_ARG(sip_msg_value(m, SIP_HDR_TO)), tagged ? "" : ";tag=t");
}

/** 401: the INVITE again, with credentials. */
static void authenticate(unsigned p, const struct sip_msg *m)
{
    char text[TEXT], lines[1024];
    struct str invite = str_c(peer[p].invite);
    struct out o, all;
    struct sip_cseq cseq;
    size_t at = str_find(invite, STR("\r\nContact: "));
    out_init(&o, lines, sizeof(lines));
    if (at == invite.n || sip_msg_cseq(m, &cseq) != 0 ||
        auth_client_answer(&crm, &fe.env, m, STR("INVITE"), STR("sip:example.com"), STR_NONE,
                           &o) != 0) {
        return;
    }
    out_init(&all, text, sizeof(text));
    out_str(&all, str_upto(invite, at + 2));
    out_str(&all, out_str_of(&o));
    out_str(&all, str_from(invite, at + 2));
    /* another branch: the letter behind the cookie */
    size_t branch = str_find(out_str_of(&all), STR("z9hG4bK"));
    if (!all.over && branch < all.n) {
        text[branch + 7] = 'x';
        post(p, text, all.n);
        snprintf(peer[p].invite, sizeof(peer[p].invite), "%.*s", (int)all.n, text);
    }
}

static void on_response(unsigned p, const struct sip_msg *m)
{
    struct sip_cseq cseq;
    if (sip_msg_cseq(m, &cseq) != 0 || cseq.method_id != SIP_METHOD_INVITE) {
        return;
    }
    if (m->status > 100 && m->status < 300 && str_is_set(sip_msg_tag(m, SIP_HDR_TO))) {
        learn(p, m, true);
    }
    if (m->status == 401 && p >= 4 && sip_msg_has(m, SIP_HDR_WWW_AUTHENTICATE)) {
        authenticate(p, m);
    } else if (m->status >= 200 && m->status < 300 && peer[p].nice) {
        peer[p].talk.cseq = cseq.number;
        inside(p, "ACK", "", "", "");
    }
}

static void on_request(unsigned p, const struct sip_msg *m, struct str bytes)
{
    struct far_end *s = &peer[p];
    if (bytes.n < TEXT) {
        memcpy(s->request, bytes.p, bytes.n);
        s->request_n = bytes.n;
    }
    if (m->method == SIP_METHOD_INVITE) {
        learn(p, m, false);
    }
    if (!s->nice || m->method == SIP_METHOD_ACK) {
        return;
    }
    if (m->method == SIP_METHOD_INVITE) {
        answer(p, m, 180, 0);
    }
    answer(p, m, 200, 1);
}

/* ---- the world around the engine ---- */

static int env_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    char buf[65536];
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct out o;
    (void)ctx;
    out_init(&o, buf, sizeof(buf));
    for (size_t i = 0; i < n; i++) {
        out_str(&o, run[i]);
    }
    if (o.over) {
        return E_TOOBIG;
    }
    struct str bytes = out_str_of(&o);
    if (str_eq(bytes, STR("\r\n"))) {
        return 0;
    }
    if (!fuzz_sent(&m, bytes)) {
        return 0;
    }
    size_t at = str_find(bytes, STR("<callID>"));
    if (at < bytes.n) {
        struct str id = str_from(bytes, at + 8);
        copy(call_id, sizeof(call_id), str_upto(id, str_index(id, '<')));
    }
    for (unsigned p = 0; p < PEERS; p++) {
        if (!addr_ip_eq(&peer[p].hop.remote, &hop->remote)) {
            continue;
        }
        if (hop->transport != TP_UDP && peer[p].hop.flow != hop->flow) {
            return E_IO;
        }
        if (sip_is_request(&m)) {
            on_request(p, &m, bytes);
        } else {
            on_response(p, &m);
        }
        break;
    }
    return 0;
}

static uint32_t flows;

static int env_open(void *ctx, struct hop *hop, struct str name)
{
    (void)name;
    (void)ctx;
    if (hop->transport == TP_UDP) {
        hop->flow = 1;
        return 0;
    }
    for (unsigned p = 0; p < PEERS; p++) {
        if (peer[p].hop.transport == hop->transport &&
            addr_ip_eq(&peer[p].hop.remote, &hop->remote)) {
            hop->flow = peer[p].hop.flow;
            return 0;
        }
    }
    return E_UNSUPPORTED;
}

static int env_query(void *ctx, enum dns_type type, struct str name,
                     const struct dns_record **records, size_t *n)
{
    static struct dns_record here;
    (void)ctx;
    if (type != DNS_A || !str_ieq(name, STR("gw.example.net"))) {
        return E_NOTFOUND;
    }
    if (!resolves) {
        return E_AGAIN;
    }
    here.addr = peer[3].hop.remote;
    here.addr.port = 0;
    *records = &here;
    *n = 1;
    return 0;
}

static void env_local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    (void)hop;
    (void)addr_parse(STR("10.0.0.100:5060"), out);
}

/** One message into the engine. */
static void deliver(unsigned p, const char *text, size_t n)
{
    char *copy_of = malloc(n > 0 ? n : 1);
    struct hop from = peer[p].hop;
    MUST(copy_of != NULL);
    memcpy(copy_of, text, n);
    if (from.transport == TP_UDP) {
        engine_input(engine, &from, str_make(copy_of, n), true, now_ms);
    } else {
        struct sip_framer framer;
        sip_framer_init(&framer);
        if (engine_stream_input(engine, &framer, &from, str_make(copy_of, n), now_ms) ==
            SIZE_MAX) {
            engine_flow_closed(engine, from.flow, now_ms);
            peer[p].hop.flow = ++flows;
        }
    }
    free(copy_of);
}

/** What is in the mail, and what follows from it. */
static void settle(void)
{
    size_t rounds = 0;
    for (size_t i = 0; i < queued && rounds < 300; i++, rounds++) {
        struct mail m = queue[i];
        deliver(m.peer, m.text, m.n);
        if (i + 1 == queued || queued == QUEUE) {
            queued -= i + 1; /* room for the answers */
            memmove(queue, &queue[i + 1], queued * sizeof(queue[0]));
            i = (size_t)-1;
        }
    }
    queued = 0;
}

static void pass_time(uint64_t ms)
{
    uint64_t end = now_ms + ms;
    unsigned ticks = 0;
    while (engine_deadline(engine) <= end && ticks++ < 3000) {
        uint64_t due = engine_deadline(engine);
        now_ms = due > now_ms ? due : now_ms;
        engine_tick(engine, now_ms);
        MUST(engine_deadline(engine) >= now_ms);
        settle();
    }
    now_ms = end > now_ms ? end : now_ms;
    engine_tick(engine, now_ms);
    settle();
}

/* ---- what the bytes mean ---- */

static void csta(unsigned p, unsigned service, unsigned arg)
{
    static const char *const number[] = {
        "1001", "1002", "1003", "9001", "sip:1001@example.com", "1999", "", "tel:1002"};
    static const char *const reason[] = {"", "<reason>busy</reason>",
                                         "<userData><string>0461</string></userData>"};
    static const char *const one[] = {"ClearConnection", "AnswerCall",
                                      "HoldCall",        "RetrieveCall",
                                      "DeflectCall",     "SingleStepTransferCall"};
    static const char *const element[] = {"connectionToBeCleared", "callToBeAnswered",
                                          "callToBeHeld",          "callToBeRetrieved",
                                          "callToBeDiverted",      "activeCall"};
    char body[1024], more[128] = "";
    const char *device = number[arg % 8], *other = number[(arg / 8) % 8];
    service %= 12;
    if (service < 6) {
        if (service >= 4) {
            snprintf(more, sizeof(more), "<%s>%s</%s>",
                     service == 4 ? "newDestination" : "transferredTo", other,
                     service == 4 ? "newDestination" : "transferredTo");
        }
        snprintf(body, sizeof(body),
                 "<%s><%s><callID>%s</callID><deviceID>%s</deviceID></%s>%s%s</%s>",
                 one[service], element[service], call_id, device, element[service], more,
                 reason[(arg / 64) % 3], one[service]);
    } else if (service < 8) {
        snprintf(body, sizeof(body),
                 "<MonitorStart><monitorObject><deviceObject>%s</deviceObject></monitorObject>"
                 "</MonitorStart>",
                 device);
    } else if (service == 8) {
        snprintf(body, sizeof(body),
                 "<MonitorStop><monitorCrossRefID>%u</monitorCrossRefID></MonitorStop>",
                 arg % 4);
    } else if (service == 9) {
        snprintf(body, sizeof(body),
                 "<SnapshotDevice><snapshotObject>%s</snapshotObject>"
                 "</SnapshotDevice>",
                 device);
    } else {
        snprintf(body, sizeof(body),
                 "<MakeCall><callingDevice>%s</callingDevice><calledDirectoryNumber>%s"
                 "</calledDirectoryNumber><autoOriginate>%s</autoOriginate>%s</MakeCall>",
                 device, other, arg & 64 ? "prompt" : "doNotPrompt", reason[arg & 128 ? 2 : 0]);
    }
    inside(p, "INFO", "Content-Disposition: signal\r\n", "application/csta+xml", body);
}

static void open_session(unsigned p)
{
    begin(
        p, "INVITE", "sip:example.com", "sip:example.com", "Supported: timer\r\n",
        "application/csta+xml",
        "<RequestSystemStatus xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/"
        "ed3\"/>");
}

static void respond(unsigned p, unsigned choice)
{
    static const uint16_t status[] = {100, 180, 183, 200, 202, 302, 401, 404,
                                      408, 422, 481, 486, 487, 491, 503, 603};
    struct fuzz_msg *f = malloc(sizeof(*f));
    MUST(f != NULL);
    if (peer[p].request_n > 0 && index_text(f, peer[p].request, peer[p].request_n)) {
        answer(p, &f->m, status[choice % 16], choice / 16);
    }
    free(f);
}

static void in_dialog(unsigned p, unsigned choice)
{
    static const char *const refer_to[] = {
        "Refer-To: <sip:1002@example.com>\r\n",
        "Refer-To: <sip:1003@example.com?User-to-User=0462>\r\nRefer-Sub: false\r\n",
        "Refer-To: <sip:1001@example.com?Replaces=c0-1%3Bto-tag%3Dt%3Bfrom-tag%3Df1>\r\n",
        "Refer-To: <tel:9001>\r\n"};
    static const char *const method[] = {"BYE",   "ACK",     "INVITE", "UPDATE", "INFO",
                                         "PRACK", "OPTIONS", "REFER",  "NOTIFY", "DANCE"};
    const char *name = method[choice % 10];
    unsigned variant = choice / 10;
    bool body = (variant & 1) != 0;
    if (choice % 10 == 8) { /* what became of a REFER */
        char text[64];
        snprintf(text, sizeof(text), "SIP/2.0 %u X\r\n", 100 + (variant & 7) * 100);
        inside(p, name,
               (variant & 8) != 0 ? "Event: refer\r\nSubscription-State: terminated\r\n"
                                  : "Event: refer;id=2\r\nSubscription-State: active\r\n",
               "message/sipfrag", text);
        return;
    }
    inside(p, name,
           choice % 10 == 5     ? "RAck: 7 1 INVITE\r\n"
           : choice % 10 == 7   ? refer_to[variant % 4]
           : (variant & 2) != 0 ? "User-to-User: 0462;encoding=hex\r\n"
           : (variant & 4) != 0 ? "Session-Expires: 90;refresher=uac\r\n"
                                : "",
           body ? "application/sdp" : "", body ? sdp_of(variant) : "");
}

/** A method that is neither INVITE nor REGISTER. */
static void something(unsigned p, unsigned which, const char *uri)
{
    static const struct {
        const char *method, *lines, *type, *body;
    } what[] = {
        {"OPTIONS", "", "", ""},
        {"SUBSCRIBE", "Event: dialog\r\nExpires: 300\r\n", "", ""},
        {"SUBSCRIBE", "Event: reg\r\nExpires: 60\r\n", "", ""},
        {"SUBSCRIBE", "Event: as-feature-event\r\nExpires: 300\r\n", "", ""},
        {"MESSAGE", "", "text/plain", "hello"},
        {"PUBLISH", "Event: message-summary\r\nExpires: 60\r\n",
         "application/simple-message-summary", "Messages-Waiting: yes\r\n"},
        {"REFER", "Refer-To: <sip:1002@example.com?User-to-User=0462>\r\n", "", ""},
        {"INVITE", "Replaces: c0-1;to-tag=t;from-tag=f1\r\n", "application/sdp", NULL},
    };
    begin(p, what[which].method, uri, uri, what[which].lines, what[which].type,
          what[which].body != NULL ? what[which].body : sdp_of(1));
}

static void out_of_dialog(unsigned p, unsigned choice, unsigned arg)
{
    static const char *const to[] = {"1001", "1002", "1003", "9001", "1999", "8001",
                                     "600",  "610",  "620",  "630",  "640",  "650"};
    char uri[96], lines[160];
    snprintf(uri, sizeof(uri), "sip:%s@example.com", to[arg % 12]);
    if (choice == 0) {
        snprintf(lines, sizeof(lines), "Expires: %u\r\nAllow: INVITE, BYE\r\n%s",
                 (arg & 15) * 60, arg & 16 ? "Allow-Events: talk\r\n" : "");
        snprintf(uri, sizeof(uri), "sip:%s@example.com", who[p].number);
        begin(p, "REGISTER", "sip:example.com", uri, lines, "", "");
    } else if (choice == 1) {
        begin(p, "INVITE", uri, uri,
              arg & 64   ? "Supported: 100rel, timer\r\nSession-Expires: 90\r\n"
              : arg & 32 ? "User-to-User: 0463;encoding=hex\r\n"
                         : "",
              arg & 128 ? "" : "application/sdp", arg & 128 ? "" : sdp_of(1));
    } else {
        something(p, arg / 12 % 8, uri);
    }
}

/** Octets of the newest message are replaced, as the input says. */
static void mutate(struct input *in, unsigned times)
{
    if (queued == 0) {
        return;
    }
    struct mail *m = &queue[queued - 1];
    for (unsigned i = 0; i < times && in->n > 0 && m->n > 0; i++) {
        size_t at = (take(in) * 256U + take(in)) % m->n;
        unsigned what = take(in);
        if (what < 16 && m->n > at + what) { /* leave some out */
            memmove(m->text + at, m->text + at + what, m->n - at - what);
            m->n -= what;
        } else if (what < 32 && m->n + (what - 15) < TEXT) { /* double some */
            memmove(m->text + at + (what - 15), m->text + at, m->n - at);
            m->n += what - 15;
        } else {
            m->text[at] = (char)what;
        }
    }
}

static void step(struct input *in)
{
    unsigned op = take(in), p = (op >> 4) % PEERS;
    switch (op & 15) {
    case 0:
    case 1:
    case 2:
        out_of_dialog(p, op & 15, take(in));
        break;
    case 3:
        open_session(4 + (p & 1));
        break;
    case 4:
    case 5: {
        unsigned service = take(in);
        csta(4 + (op & 1), service, take(in));
        break;
    }
    case 6:
    case 7:
        respond(p, take(in));
        break;
    case 8:
    case 9:
        in_dialog(p, take(in));
        break;
    case 10:
        cancel(p);
        break;
    case 11:
        peer[p].nice = !peer[p].nice;
        return;
    case 12:
        pass_time((uint64_t)take(in) * take(in) * 10);
        return;
    case 13:
        if (peer[p].hop.transport != TP_UDP) {
            engine_flow_closed(engine, peer[p].hop.flow, now_ms);
            peer[p].hop.flow = ++flows;
        } else {
            resolves = !resolves;
            engine_resolved(engine, now_ms);
        }
        break;
    case 14: {
        size_t n = take(in);
        n = n < in->n ? n : in->n;
        post(p, (const char *)in->p, n);
        in->p += n;
        in->n -= n;
        break;
    }
    default: /* the next message, with some octets changed */
        if (in->n > 0 && (in->p[0] & 15) < 10) {
            size_t before = queued;
            unsigned times = 1 + p;
            unsigned next = take(in);
            switch (next & 15) {
            case 3:
                open_session(4);
                break;
            case 4:
            case 5:
                csta(4, take(in), 1);
                break;
            case 6:
            case 7:
                respond((next >> 4) % PEERS, take(in));
                break;
            case 8:
            case 9:
                in_dialog((next >> 4) % PEERS, take(in));
                break;
            default:
                out_of_dialog((next >> 4) % PEERS, next & 3, take(in));
                break;
            }
            if (queued > before) {
                mutate(in, times);
            }
        }
        break;
    }
    settle();
}

/* ---- from birth to death ---- */

static const uint16_t next_on[] = {408, 480, 486, 503};

/** One rule a number; made once, for they are the same for each input. */
static const struct rule_table *rules(void)
{
    static const struct {
        const char *to;
        enum rule_action action;
        const char *target[3]; /**< a colon: a URI; "g": the gateway */
    } want[] = {{"60*", RULE_PROXY, {"9001", "1002", NULL}},
                {"61*", RULE_REDIRECT, {"sip:{number}@far.example", "1002", NULL}},
                {"62*", RULE_REFUSE, {NULL}},
                {"63*", RULE_REFER, {"sip:{number}@far.example", "1002", NULL}},
                {"64*", RULE_BRIDGE, {"9001", "1002", "1003"}},
                {"65*", RULE_PROXY, {"1001", "1002", "1003"}}};
    enum { N = sizeof(want) / sizeof(want[0]) };
    static struct rule rule[N + 2];
    static struct rule_target target[N + 2][3];
    static struct arena arena;
    static struct rule_table table;
    if (table.count > 0) {
        return &table;
    }
    arena_init(&arena, &mem_libc, 4096);
    for (size_t i = 0; i < N + 2; i++) {
        struct pattern *p = arena_alloc(&arena, sizeof(*p));
        struct pattern_fault fault;
        struct rule *r = &rule[i];
        MUST(p != NULL &&
             pattern_compile(&arena, str_c(i < N ? want[i].to : "1003"), 0, p, &fault) == 0);
        *r = (struct rule){.name = STR("rule"),
                           .percent = 100,
                           .parallel = true,
                           .record_route = true,
                           .recurse = i == 5,
                           .status = 480,
                           .next_count = 4,
                           .target = target[i]};
        memcpy(r->next_on, next_on, sizeof(next_on));
        if (i < N) {
            r->methods = 1u << SIP_METHOD_INVITE;
            r->action = (uint8_t)want[i].action;
            r->status = r->action == RULE_REDIRECT ? 302 : 480;
            r->to = p;
            r->to_count = 1;
            r->uui_value = STR("0461;encoding=hex");
        } else {
            r->methods = i == N ? 1u << SIP_METHOD_REGISTER : 1u << SIP_METHOD_MESSAGE;
            r->action = RULE_PROXY;
            r->from = i == N ? p : NULL;
            r->from_count = i == N;
        }
        for (size_t k = 0; i <= N && k < 3; k++) {
            const char *to = i < N ? want[i].target[k] : k == 0 ? "9001" : NULL;
            if (to != NULL) {
                target[i][r->target_count++] =
                    (struct rule_target){.kind = strchr(to, ':') != NULL ? RULE_TO_URI
                                                 : to[0] == '9'          ? RULE_TO_PEER
                                                                         : RULE_TO_DEVICE,
                                         .text = str_c(to),
                                         .weight = 1,
                                         .q = RULE_NO_Q};
            }
        }
    }
    MUST(rule_table_init(&table, &arena, rule, N + 2, NULL) == 0);
    return &table;
}

static const struct str domains[] = {STR_INIT("example.com"), STR_INIT("10.0.0.100")};
static const struct access_scope all[] = {{STR_INIT("*"), ACCESS_CONTROL}};
static const struct str outside[] = {STR_INIT("9*")};

static void set_up(struct directory *dir, struct device *dev, struct application *app,
                   struct peer *peers)
{
    static const char *const key[] = {"1001@example.com", "1002@example.com",
                                      "1003@example.com"};
    static const char *const uri[] = {"sip:1001@example.com", "sip:1002@example.com",
                                      "sip:1003@example.com"};
    MUST(directory_init(dir, &fe.env, domains, 2) == 0);
    for (size_t i = 0; i < 3; i++) {
        dev[i] = (struct device){
            .number = str_c(who[i].number), .key = str_c(key[i]), .uri = str_c(uri[i])};
        dev[i].secret.password = STR("pw");
        dev[i].has_secret = true;
        MUST(directory_add_device(dir, &dev[i]) == 0);
    }
    *app = (struct application){
        .name = STR("crm"), .secret.password = STR("pw"), .scopes = all, .scope_count = 1};
    MUST(directory_add_application(dir, app) == 0);
    for (unsigned i = 0; i < 4; i++) {
        peers[i] = (struct peer){
            .name = str_c(who[i].number), .trusted = true, .addr = peer[i].hop.remote};
        peers[i].addr.port = 0;
    }
    peers[3].host = STR("gw.example.net");
    peers[3].port = 5060;
    peers[3].transport = TP_UDP;
    peers[3].numbers = outside;
    peers[3].number_count = 1;
    peers[3].max_calls = 2;
    peers[3].probe_s = 30;
    peers[3].policy.isdn = peers[3].policy.isup_body = true;
    dir->peers = peers;
    dir->peer_count = 4;
}

static void peers_up(void)
{
    flows = 1;
    queued = 0;
    resolves = false;
    branches = 0;
    call_id[0] = '\0';
    crm = (struct auth_client){.user = STR("crm"), .password = STR("pw")};
    memset(peer, 0, sizeof(peer));
    for (unsigned i = 0; i < PEERS; i++) {
        char text[32];
        snprintf(text, sizeof(text), "10.0.0.%u:5060", who[i].last);
        peer[i].hop.transport = who[i].transport;
        peer[i].hop.flow = who[i].transport == TP_UDP ? 1 : ++flows;
        peer[i].nice = true;
        MUST(addr_parse(str_c(text), &peer[i].hop.remote));
    }
}

/** Shut down, and wait for the last registration and session timer to end. */
static void drain(struct peer *gateway)
{
    static const char *const empty[] = {"calls_active",       "dialog_legs",   "dialogs",
                                        "txn_active",         "csta_sessions", "csta_monitors",
                                        "registrar_bindings", "timers"};
    gateway->probe_s = 0; /* a probe is never the last one */
    engine_peers_changed(engine);
    resolves = true;
    engine_resolved(engine, now_ms);
    settle();
    engine_stop(engine, now_ms);
    settle();
    for (int i = 0; i < 30 && engine_stat(engine, "timers") > 0; i++) {
        pass_time(600000);
    }
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        MUST(engine_stat(engine, empty[i]) == 0);
    }
    MUST(engine_idle(engine));
    MUST(engine_stat(engine, "csta_requests") == engine_stat(engine, "csta_answered"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct directory dir;
    struct device dev[3];
    struct application app;
    struct peer peers[4];
    struct input in = {data, size};
    fuzz_env_init(&fe);
    fe.env.send = env_send;
    fe.env.open = env_open;
    fe.env.query = env_query;
    fe.env.local = env_local;
    now_ms = 1000;
    peers_up();
    set_up(&dir, dev, &app, peers);
    struct engine_config config = {
        .directory = &dir,
        .routes = rules(),
        .server_name = STR("Baton"),
        .leg.contact_user = STR("baton"),
        .leg.session_expires_s = 1800,
        .leg.min_se_s = 90,
        .leg.allow = STR("INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY, "
                         "REFER, SUBSCRIBE, PUBLISH, MESSAGE"),
        .leg.accept = STR("application/sdp, application/csta+xml"),
        .cti.back_in_service_on_monitor = true,
        .cti.journal_records = 128,
        .call.auto_answer = true,
        /* strangers are judged, but not so strictly that nothing is left to try */
        .guard =
            {.rate = 1000, .burst = 1000, .ban_after = 100, .slow_after = 20, .max_sources = 4},
        .load = {.high_percent = 80, .full_percent = 95, .lag_ms = 100000000},
    };
    engine = engine_new(&fe.env, &config, now_ms);
    MUST(engine != NULL);
    for (unsigned steps = 0; in.n > 0 && steps < 200; steps++) {
        step(&in);
    }
    drain(&peers[3]);
    engine_free(engine);
    directory_fini(&dir);
    MUST(fe.live == 0);
    return 0;
}
