/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of raw peers, written and read; see peer.h. */
#include "peer.h"
#include "../unit/test.h"

static const char *host_of(const struct world *w, const struct raw *r)
{
    return r == &w->trunk ? "10.0.2.2" : "10.0.2.1";
}

struct str peer_uui(const struct text_msg *t)
{
    static char text[1024];
    struct str v, bytes = str_make(t->m->buf, t->m->len);
    struct out o;
    out_init(&o, text, sizeof(text));
    for (size_t i = 0; str_is_set(v = wire_raw(bytes, "User-to-User", i)); i++) {
        out_c(&o, i > 0 ? "|" : "");
        out_str(&o, str_trim(v));
    }
    return out_str_of(&o);
}

struct text_msg peer_expect(struct world *w, struct raw *r, const char *pattern,
                            const char *uui)
{
    world_run(w, 50);
    struct text_msg t = world_take(r, pattern);
    test_context(pattern);
    CHECK_STR(peer_uui(&t), uui);
    test_context(NULL);
    return t;
}

static void send_out(struct raw *r, const struct hop *to, const struct out *o)
{
    struct str run = out_str_of(o);
    CHECK(!o->over);
    CHECK_INT(r->node.env.send(&r->node, to, &run, 1), 0);
}

void peer_invite(struct world *w, struct raw *r, const char *id, const char *user,
                 const char *lines, const char *type, struct str body)
{
    char wire[4096];
    struct hop to = vnet_hop(ENGINE(w), TP_UDP);
    const char *host = host_of(w, r);
    struct out o;
    out_init(&o, wire, sizeof(wire));
    out_fmt(&o,
            "INVITE sip:%s@example.com SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:9000@%s>;tag=f\r\nTo: <sip:%s@example.com>\r\n"
            "Call-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:raw@%s>\r\n%s"
            "Content-Type: %s\r\nContent-Length: %zu\r\n\r\n",
            user, host, id, host, user, id, host, lines, type, body.n);
    out_str(&o, body);
    if (to.flow == 0) {
        (void)r->node.env.open(&r->node, &to, STR_NONE);
    }
    send_out(r, &to, &o);
}

void peer_respond(struct world *w, struct raw *r, const struct text_msg *req,
                  const char *status, const char *lines, const char *type, struct str body)
{
    char wire[8192];
    struct hop back = raw_from(r);
    struct str via, bytes = str_make(req->m->buf, req->m->len);
    bool tagged = str_is_set(sip_msg_tag(req->m, SIP_HDR_TO));
    struct out o;
    out_init(&o, wire, sizeof(wire));
    out_fmt(&o, "SIP/2.0 %s\r\n", status);
    for (size_t i = 0; str_is_set(via = wire_raw(bytes, "Via", i)); i++) {
        out_fmt(&o, "Via: %.*s\r\n", STR_ARG(str_trim(via)));
    }
    out_fmt(&o,
            "From: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
            "Contact: <sip:raw@%s>\r\n",
            STR_ARG(text_value(req, "From")), STR_ARG(text_value(req, "To")),
            tagged ? "" : ";tag=t", STR_ARG(text_value(req, "Call-ID")),
            STR_ARG(text_value(req, "CSeq")), host_of(w, r));
    for (const char *p = lines; *p != '\0'; p++) {
        out_c(&o, *p == '\n' ? "\r" : "");
        out_ch(&o, *p);
    }
    if (body.n > 0) {
        out_fmt(&o, "Content-Type: %s\r\n", type);
    }
    out_fmt(&o, "Content-Length: %zu\r\n\r\n", body.n);
    out_str(&o, body);
    send_out(r, &back, &o);
}

void peer_answer(struct world *w, struct raw *r, const struct text_msg *req, const char *status,
                 const char *lines)
{
    bool answers = status[0] == '2' && req->m->method == SIP_METHOD_INVITE;
    peer_respond(w, r, req, status, lines, "application/sdp",
                 answers ? STR("v=0\r\no=- 5 1 IN IP4 10.0.2.9\r\ns=-\r\nc=IN IP4 10.0.2.9\r\n"
                               "t=0 0\r\nm=audio 4002 RTP/AVP 8\r\n")
                         : STR(""));
}
