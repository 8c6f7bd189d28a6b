/* SPDX-License-Identifier: Apache-2.0 */
/* See phone.h. */
#include "phone.h"

#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>

static struct phone *phone_of(struct station *s)
{
    return (struct phone *)s;
}

/* ---- media ---- */

struct str phone_sdp(struct phone *p, enum sdp_dir dir)
{
    struct media *m = &p->media;
    if (!m->sent || m->dir != dir) {
        char host[64];
        struct out o;
        out_init(&o, host, sizeof(host) - 1);
        addr_write_host(&o, &p->s.node.addr);
        host[o.n] = '\0';
        m->version++;
        m->dir = (uint8_t)dir;
        m->sent = true;
        (void)snprintf(m->text, sizeof(m->text),
                       "v=0\r\no=%s %llu %llu IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
                       "m=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
                       "a=%s\r\n",
                       p->s.node.name, (unsigned long long)m->id,
                       (unsigned long long)m->version, host, host, sdp_dir_text(dir).p);
    }
    return str_c(m->text);
}

static void media_reset(struct phone *p, struct str tag)
{
    uint64_t id = p->media.id + 100;
    p->media = (struct media){.id = id};
    p->want = SDP_SENDRECV;
    snprintf(p->media.tag, sizeof(p->media.tag), "%.*s", STR_ARG(tag));
}

/** Does `now` continue what the peer said before? */
static void check_continues(struct media *m, const struct sdp *now, struct str body)
{
    struct sdp before;
    uint64_t v0 = 0, v1 = 0;
    struct str seen = str_make(m->remote, m->remote_n);
    if (!CHECK(sdp_parse(seen, &before, NULL) == 0)) {
        return;
    }
    CHECK_BYTES(now->username, before.username);
    CHECK_BYTES(now->id, before.id);
    CHECK_BYTES(now->net, before.net);
    CHECK(str_to_u64(before.version, UINT64_MAX, &v0) &&
          str_to_u64(now->version, UINT64_MAX, &v1));
    CHECK(str_eq(seen, body) ? v1 == v0 : v1 > v0);
    CHECK(now->media_count >= before.media_count);
}

/** Note the session description in `m`. @return false: it has none */
static bool media_take(struct phone *p, const struct sip_msg *msg, struct str tag)
{
    struct media *m = &p->media;
    struct str body = msg != NULL ? sip_msg_body(msg) : STR_NONE;
    struct sdp now;
    if (p->any_media) {
        m->remote_dir = SDP_SENDRECV;
        return body.n > 0;
    }
    if (body.n == 0 || !sip_msg_content_is(msg, STR("application"), STR("sdp"))) {
        return false;
    }
    if (!CHECK(sdp_parse(body, &now, NULL) == 0) || !CHECK(now.media_count > 0) ||
        !CHECK(body.n <= sizeof(m->remote))) {
        return false;
    }
    if (m->seen && !str_eq(tag, str_c(m->tag))) {
        m->seen = false; /* another branch of a fork */
    }
    if (m->seen) {
        check_continues(m, &now, body);
    }
    if (m->offering) {
        CHECK((now.media[0].dir & ~(unsigned)sdp_dir_reverse((enum sdp_dir)m->dir)) == 0);
    }
    snprintf(m->tag, sizeof(m->tag), "%.*s", STR_ARG(tag));
    memcpy(m->remote, body.p, body.n);
    m->remote_n = body.n;
    m->remote_dir = now.media[0].dir;
    m->seen = true;
    m->received++;
    return true;
}

/** The answer to what came last. */
static struct str media_answer(struct phone *p)
{
    p->media.offering = false;
    return phone_sdp(p,
                     sdp_dir_answer((enum sdp_dir)p->media.remote_dir, (enum sdp_dir)p->want));
}

static struct str media_offer(struct phone *p)
{
    struct str body = phone_sdp(p, (enum sdp_dir)p->want);
    p->media.offering = true;
    return body;
}

const char *phones_media(const struct phone *a, const struct phone *b)
{
    static char text[64];
    snprintf(text, sizeof(text), "%s|%s", sdp_dir_text((enum sdp_dir)a->media.dir).p,
             sdp_dir_text((enum sdp_dir)b->media.dir).p);
    return text;
}

/* ---- calls ---- */

static struct leg_content content_of(struct str sdp, struct str lines)
{
    return (struct leg_content){
        .type = sdp.n > 0 ? STR("application/sdp") : STR_NONE, .body = sdp, .lines = lines};
}

int phone_respond(struct phone *p, unsigned status)
{
    struct leg_content c = content_of(STR_NONE, status < 200 ? p->ring_lines : p->answer_lines);
    if (p->s.leg == NULL) {
        return E_STATE;
    }
    if (status >= 200 && status < 300) {
        c = content_of(p->offerless ? media_offer(p) : media_answer(p), p->answer_lines);
    }
    return leg_respond(p->s.leg, NULL, status, STR_NONE, &c, station_now(&p->s));
}

int phone_answer(struct phone *p)
{
    return phone_respond(p, 200);
}

static bool asked_to_answer(const struct sip_msg *m)
{
    const struct sip_hdr *h = sip_msg_named(m, STR("Answer-Mode"));
    return h != NULL && str_ieq(sip_hdr_value(m, h), STR("Auto"));
}

static void on_call(struct station *s, struct leg *leg, const struct sip_msg *m)
{
    struct phone *p = phone_of(s);
    (void)leg;
    media_reset(p, sip_msg_tag(m, SIP_HDR_FROM));
    p->offerless = !media_take(p, m, sip_msg_tag(m, SIP_HDR_FROM));
    unsigned status = p->obeys_auto && asked_to_answer(m) ? 200 : p->on_call;
    if (status != 0) {
        CHECK_INT(phone_respond(p, status), 0);
    }
}

struct leg *phone_call(struct phone *p, const char *to, bool offer, struct str lines)
{
    char uri[128], from[128], called[160];
    bool whole = strncmp(to, "sip:", 4) == 0 || strncmp(to, "sips:", 5) == 0;
    media_reset(p, STR_NONE);
    p->offerless = !offer;
    snprintf(uri, sizeof(uri), "%s%s%s%s", whole ? "" : "sip:", to, whole ? "" : "@",
             whole ? "" : p->domain);
    snprintf(called, sizeof(called), "<%s>", uri);
    snprintf(from, sizeof(from), "\"Phone %s\" <sip:%s@%s>", p->number, p->number, p->domain);
    struct leg_invite args = {
        .request_uri = str_c(uri),
        .from = str_c(from),
        .to = str_c(called),
        .target = {.hop = vnet_hop(p->server, p->transport)},
        .content = content_of(offer ? media_offer(p) : STR_NONE, lines),
        .auth = &p->auth,
    };
    p->s.leg = leg_invite(&p->s.legs, &args, &station_user, &p->s, station_now(&p->s));
    arena_reset(&p->s.arena);
    return p->s.leg;
}

void phone_hang_up(struct phone *p, struct str lines)
{
    struct leg_content c = {.lines = lines};
    if (p->s.leg != NULL && p->s.leg->state < LEG_ENDING) {
        leg_end(p->s.leg, 0, &c, NULL, NULL, station_now(&p->s));
    }
}

int phone_offer(struct phone *p, enum sdp_dir dir)
{
    struct leg_content c;
    uint8_t want = p->want, was = p->media.dir;
    uint64_t version = p->media.version;
    p->want = (uint8_t)dir;
    c = content_of(media_offer(p), STR_NONE);
    int err = leg_send(p->s.leg, NULL, STR("INVITE"), &c, station_listen, &p->s, NULL,
                       station_now(&p->s));
    if (err != 0) {
        p->want = want;
        p->media.offering = false;
        p->media.dir = was;
        p->media.version = version;
    }
    return err;
}

bool phone_talks(const struct phone *p)
{
    return p->s.leg != NULL && p->s.leg->state == LEG_CONFIRMED;
}

/* ---- what it hears ---- */

static void ack(struct phone *p, struct leg *leg, bool offered_to_us, uint64_t now_ms)
{
    struct leg_content c = content_of(offered_to_us ? media_answer(p) : STR_NONE, STR_NONE);
    (void)leg_ack(leg, &c, now_ms);
    p->media.offering = false;
}

static void on_response(struct phone *p, struct leg *leg, uint64_t now_ms)
{
    const struct sip_msg *m = p->s.last != NULL ? &p->s.last->m : NULL;
    struct sip_cseq cseq;
    bool invite =
        m != NULL && sip_msg_cseq(m, &cseq) == 0 && cseq.method_id == SIP_METHOD_INVITE;
    if (m == NULL) {
        p->media.offering = false; /* 408 or 503 of its own */
    }
    if (!invite || p->s.last_status < 200) {
        return;
    }
    if (p->s.last_status < 300) {
        bool had_offer = p->media.offering;
        (void)media_take(p, m, sip_msg_tag(m, SIP_HDR_TO));
        ack(p, leg, !had_offer, now_ms);
    }
    p->media.offering = false;
}

static void answer(struct phone *p, unsigned status, struct str sdp)
{
    struct leg_content c = content_of(sdp, STR_NONE);
    (void)leg_answer(p->s.leg, p->s.request, status, STR_NONE, &c, station_now(&p->s));
}

static void on_request(struct phone *p, struct leg *leg)
{
    const struct sip_msg *m = &p->s.last->m;
    const struct sip_hdr *event = sip_msg_named(m, STR("Event"));
    bool talk = event != NULL && str_ieq(sip_hdr_value(m, event), STR("talk"));
    bool offer = sip_msg_body(m).n > 0;
    p->s.leg = leg;
    if (p->idle) {
        return;
    }
    if (m->method == SIP_METHOD_INVITE || (m->method == SIP_METHOD_UPDATE && offer)) {
        if (p->refuse_offers != 0) {
            answer(p, p->refuse_offers, STR_NONE);
            return;
        }
        answer(p, 200,
               media_take(p, m, sip_msg_tag(m, SIP_HDR_FROM)) ? media_answer(p)
                                                              : media_offer(p));
    } else if (m->method == SIP_METHOD_NOTIFY &&
               str_istarts(sip_msg_value(m, SIP_HDR_EVENT), STR("refer"))) {
        (void)leg_answer(leg, p->s.request, 200, STR_NONE, NULL, station_now(&p->s));
    } else if (m->method == SIP_METHOD_NOTIFY) {
        answer(p, talk && p->talk ? 200 : 489, STR_NONE);
        if (talk && p->talk && leg->state == LEG_EARLY) {
            CHECK_INT(phone_answer(p), 0);
        }
    } else {
        answer(p, 200, STR_NONE);
    }
}

static void hook(struct station *s, const char *what, struct leg *leg, uint64_t now_ms)
{
    struct phone *p = phone_of(s);
    const struct sip_msg *m = s->last != NULL ? &s->last->m : NULL;
    if (strcmp(what, "provisional") == 0) {
        (void)media_take(p, m, sip_msg_tag(m, SIP_HDR_TO));
    } else if (strcmp(what, "answered") == 0) {
        (void)media_take(p, m, sip_msg_tag(m, SIP_HDR_TO));
        ack(p, leg, p->offerless, now_ms);
    } else if (strcmp(what, "acked") == 0) {
        if (media_take(p, m, sip_msg_tag(m, SIP_HDR_FROM))) {
            CHECK(p->any_media || p->media.offering);
        }
        p->media.offering = false;
    } else if (strcmp(what, "response") == 0) {
        on_response(p, leg, now_ms);
    } else if (strcmp(what, "request") == 0) {
        on_request(p, leg);
    } else if (strcmp(what, "bye") == 0 && !p->idle) {
        struct leg_content c = {.lines = p->bye_lines};
        (void)leg_answer(leg, s->bye, 200, STR_NONE, &c, now_ms);
    }
}

/* ---- registration ---- */

static void send_register(struct phone *p, struct str credentials);

static void reg_done(struct phone *p, unsigned status, const struct sip_msg *m)
{
    mem_free(&mem_libc, p->registered);
    p->registered = m != NULL ? sip_msg_dup(&mem_libc, m) : NULL;
    p->register_status = status;
}

static void reg_on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                            uint64_t now_ms)
{
    struct phone *p = t->owner;
    char lines[2048], uri[96];
    struct out o;
    (void)from;
    (void)now_ms;
    if (m->status < 200) {
        return;
    }
    snprintf(uri, sizeof(uri), "%s:%s", p->sips ? "sips" : "sip", p->domain);
    out_init(&o, lines, sizeof(lines));
    if (m->status == 401 && auth_client_answer(&p->auth, &p->s.node.env, m, STR("REGISTER"),
                                               str_c(uri), str_c(p->register_auth), &o) == 0) {
        (void)snprintf(p->register_auth, sizeof(p->register_auth), "%.*s",
                       STR_ARG(out_str_of(&o)));
        send_register(p, out_str_of(&o));
        return;
    }
    reg_done(p, m->status, m);
}

static void reg_on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    (void)now_ms;
    reg_done(t->owner, why == TXN_TIMEOUT ? 408 : 503, NULL);
}

static void send_register(struct phone *p, struct str credentials)
{
    static const struct txn_user user = {.on_response = reg_on_response,
                                         .on_failure = reg_on_failure};
    struct txn_target to = {.hop = vnet_hop(p->server, p->transport)};
    char start[128], head[1024], tail[256];
    int n = snprintf(start, sizeof(start), "REGISTER %s:%s SIP/2.0\r\n",
                     p->sips ? "sips" : "sip", p->domain);
    struct str run[4] = {str_make(start, (size_t)n)};
    n = snprintf(head, sizeof(head),
                 "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=r%u\r\nTo: <sip:%s@%s>\r\n"
                 "Call-ID: %s\r\nCSeq: %u REGISTER\r\nAllow: %.*s\r\n%s%s",
                 p->number, p->domain, p->register_cseq, p->number, p->domain, p->register_id,
                 p->register_cseq, STR_ARG(p->config.allow),
                 p->talk ? "Allow-Events: talk, hold\r\n" : "",
                 p->register_lines != NULL ? p->register_lines : "");
    run[1] = str_make(head, (size_t)n);
    run[2] = credentials;
    n = p->register_contact[0] == '\0'
            ? snprintf(tail, sizeof(tail), "Content-Length: 0\r\n\r\n")
            : snprintf(tail, sizeof(tail),
                       "Contact: %s\r\nExpires: %u\r\nContent-Length: 0\r\n\r\n",
                       p->register_contact, p->register_expires);
    run[3] = str_make(tail, (size_t)n);
    p->register_cseq++;
    if (txn_client_new(&p->s.txn, SIP_METHOD_REGISTER, &to, run, 4, &user, p,
                       station_now(&p->s)) == NULL) {
        abort();
    }
}

void phone_register_contact(struct phone *p, const char *contact, uint32_t expires_s)
{
    snprintf(p->register_contact, sizeof(p->register_contact), "%s", contact);
    p->register_expires = expires_s;
    p->register_auth[0] = '\0';
    p->register_status = 0;
    send_register(p, STR_NONE);
}

void phone_register(struct phone *p, uint32_t expires_s)
{
    char contact[160], host[64];
    struct out o;
    out_init(&o, host, sizeof(host) - 1);
    addr_write_host(&o, &p->s.node.addr);
    host[o.n] = '\0';
    bool named = p->transport != TP_UDP && !p->sips;
    snprintf(contact, sizeof(contact), "<%s:%s@%s:%d%s%s>%s", p->sips ? "sips" : "sip",
             p->number, host, p->transport == TP_TLS ? 5061 : 5060, named ? ";transport=" : "",
             named ? transport_name(p->transport) : "",
             p->register_params != NULL ? p->register_params : "");
    phone_register_contact(p, contact, expires_s);
}

/* ---- life ---- */

void phone_up_with(struct phone *p, struct vnet *net, struct vnode *server, const char *name,
                   const char *ip, const char *number, const char *password,
                   enum transport transport, const struct leg_config *config)
{
    *p = (struct phone){.number = number,
                        .password = password,
                        .domain = "example.com",
                        .server = server,
                        .transport = transport,
                        .on_call = 180,
                        .want = SDP_SENDRECV,
                        .register_cseq = 1,
                        .media.id = 1000};
    if (config != NULL) {
        p->config = *config;
    }
    p->config.allow = STR("INVITE, ACK, CANCEL, BYE, UPDATE, INFO, PRACK, OPTIONS, NOTIFY");
    p->config.contact_user = str_c(number);
    station_up(&p->s, net, name, ip, &p->config);
    p->s.auto_ack = p->s.auto_answer = false;
    p->s.on_call = on_call;
    p->s.hook = hook;
    p->auth.user = str_c(number);
    p->auth.password = str_c(password);
    env_random_token(&p->s.node.env, p->register_id, sizeof(p->register_id) - 1);
}

void phone_up(struct phone *p, struct vnet *net, struct vnode *server, const char *name,
              const char *ip, const char *number, const char *password,
              enum transport transport)
{
    phone_up_with(p, net, server, name, ip, number, password, transport, NULL);
}

void phone_down(struct phone *p)
{
    mem_free(&mem_libc, p->registered);
    p->registered = NULL;
    station_down(&p->s);
}
