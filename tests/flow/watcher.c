/* SPDX-License-Identifier: Apache-2.0 */
/* See watcher.h. */
#include "watcher.h"

#include "csta/xml.h"
#include <stdio.h>
#include <stdlib.h>

static void copy(char *to, size_t cap, struct str from)
{
    (void)snprintf(to, cap, "%.*s", STR_ARG(from));
}

static struct str header(const struct sip_msg *m, const char *name)
{
    const struct sip_hdr *h = sip_msg_named(m, str_c(name));
    return h != NULL ? sip_hdr_value(m, h) : STR("");
}

/* ---- NOTIFY ---- */

static void check_xml(struct str body)
{
    struct xml_limits limits = {.bytes = 65536, .depth = 32, .elements = 2000};
    struct xml_recoded rec;
    struct arena arena;
    const char *reason = NULL;
    size_t at = 0;
    arena_init(&arena, &mem_libc, 4096);
    if (!CHECK_INT(xml_recode(body, &limits, 1, &arena, &rec, &at, &reason), 0)) {
        printf("#   %s at %zu in %.*s\n", reason, at, STR_ARG(body));
    }
    arena_fini(&arena);
}

static void check_version(struct watcher *w, struct str body)
{
    static const char key[] = " version=\"";
    size_t at = str_find(body, STR("-info ")); /* behind the XML declaration */
    struct str rest = str_from(body, at);
    size_t v = str_find(rest, str_c(key));
    if (at == body.n || v == rest.n) {
        return;
    }
    long version = strtol(rest.p + v + sizeof(key) - 1, NULL, 10);
    if (w->version >= 0 && !w->sloppy) {
        CHECK_INT(version, w->version + 1);
    } else if (w->version >= 0) {
        CHECK(version > w->version);
    }
    w->version = version;
}

static void check_told(struct watcher *w, const struct sip_msg *m, const struct told *n)
{
    struct str body = sip_msg_body(m);
    CHECK(n->cseq > w->last_cseq);
    CHECK(w->open == NULL);
    CHECK(n->state[0] != '\0');
    CHECK(n->event[0] != '\0');
    CHECK(sip_msg_has(m, SIP_HDR_CONTACT));
    if (str_ends(str_c(n->type), STR("+xml"))) {
        check_xml(body);
        check_version(w, body);
    }
}

static void on_gone(struct txn *t)
{
    struct watcher *w = t->owner;
    w->open = w->open == t ? NULL : w->open;
}

static void on_notify(struct watcher *w, const struct sip_msg *m, const struct hop *from,
                      uint64_t now_ms)
{
    static const struct txn_user user = {.on_gone = on_gone};
    struct txn *t = txn_server_new(&w->txn, m, from, &user, w, now_ms);
    struct sip_cseq cseq = {0};
    if (t == NULL) {
        abort();
    }
    bool mine = str_eq(sip_msg_value(m, SIP_HDR_CALL_ID), str_c(w->call_id)) ||
                sip_msg_tag(m, SIP_HDR_TO).n == 0;
    if (!mine) {
        (void)txn_reply_status(t, 481, now_ms);
        return;
    }
    if (w->notes == WATCHER_NOTES) {
        memmove(w->note, w->note + 1, sizeof(w->note) - sizeof(w->note[0]));
        w->notes--;
    }
    struct told *n = &w->note[w->notes++];
    (void)sip_msg_cseq(m, &cseq);
    *n = (struct told){.cseq = cseq.number, .time_ms = now_ms};
    copy(n->state, sizeof(n->state), sip_msg_value(m, SIP_HDR_SUBSCRIPTION_STATE));
    copy(n->event, sizeof(n->event), sip_msg_value(m, SIP_HDR_EVENT));
    copy(n->type, sizeof(n->type), sip_msg_value(m, SIP_HDR_CONTENT_TYPE));
    CHECK(sip_msg_body(m).n < sizeof(n->body));
    copy(n->body, sizeof(n->body), sip_msg_body(m));
    check_told(w, m, n);
    w->last_cseq = n->cseq;
    w->source = *from;
    if (sip_msg_tag(m, SIP_HDR_TO).n > 0) {
        copy(w->to_tag, sizeof(w->to_tag), sip_msg_tag(m, SIP_HDR_FROM));
    }
    w->open = t;
    if (w->reply != 0) {
        watcher_reply(w, w->reply, w->reply_lines);
    }
}

void watcher_reply(struct watcher *w, unsigned status, const char *lines)
{
    struct txn *t = w->open;
    w->open = NULL;
    if (CHECK(t != NULL)) {
        CHECK_INT(txn_reply(t, &(struct txn_reply){.status = status, .lines = str_c(lines)},
                            w->node.net->now_ms),
                  0);
    }
}

/* ---- requests ---- */

static void send(struct watcher *w, struct str credentials);

static void finished(struct watcher *w, unsigned status, const struct sip_msg *m)
{
    struct sip_addr contact;
    mem_free(&mem_libc, w->answer);
    w->answer = m != NULL ? sip_msg_dup(&mem_libc, m) : NULL;
    w->status = status;
    if (m != NULL && status < 300 && strcmp(w->method, "SUBSCRIBE") == 0) {
        copy(w->to_tag, sizeof(w->to_tag), sip_msg_tag(m, SIP_HDR_TO));
        if (CHECK_INT(sip_msg_addr(m, SIP_HDR_CONTACT, &contact), 0)) {
            copy(w->remote, sizeof(w->remote), contact.uri_text);
        }
    }
}

static void on_response(struct txn *t, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    struct watcher *w = t->owner;
    char lines[2048];
    struct out o;
    (void)from;
    (void)now_ms;
    if (m->status < 200) {
        return;
    }
    out_init(&o, lines, sizeof(lines));
    if (m->status == 401 &&
        auth_client_answer(&w->auth, &w->node.env, m, str_c(w->method), str_c(w->target),
                           str_c(w->credentials), &o) == 0) {
        (void)snprintf(w->credentials, sizeof(w->credentials), "%.*s", STR_ARG(out_str_of(&o)));
        send(w, out_str_of(&o));
        return;
    }
    finished(w, m->status, m);
}

static void on_failure(struct txn *t, enum txn_failure why, uint64_t now_ms)
{
    (void)now_ms;
    finished(t->owner, why == TXN_TIMEOUT ? 408 : 503, NULL);
}

static void send(struct watcher *w, struct str credentials)
{
    static const struct txn_user user = {.on_response = on_response, .on_failure = on_failure};
    struct txn_target to = {.hop = vnet_hop(w->server, w->transport)};
    char start[160], head[2048], host[64];
    struct out o;
    out_init(&o, host, sizeof(host) - 1);
    addr_write_host(&o, &w->node.addr);
    host[o.n] = '\0';
    bool inside = w->to_tag[0] != '\0';
    int n = snprintf(start, sizeof(start), "%s %s SIP/2.0\r\n", w->method,
                     inside ? w->remote : w->target);
    struct str run[4] = {str_make(start, (size_t)n)};
    n = snprintf(head, sizeof(head),
                 "Max-Forwards: 70\r\nFrom: <sip:%s@%s>;tag=%s\r\nTo: <%s>%s%s\r\n"
                 "Call-ID: %s\r\nCSeq: %u %s\r\nContact: <sip:%s@%s%s%s>\r\n%s",
                 w->number, w->domain, w->tag, w->target, inside ? ";tag=" : "", w->to_tag,
                 w->call_id, w->cseq++, w->method, w->number, host,
                 w->transport == TP_UDP ? "" : ";transport=",
                 w->transport == TP_UDP ? "" : transport_name(w->transport), w->lines);
    run[1] = str_make(head, (size_t)n);
    run[2] = credentials;
    char tail[1200];
    n = snprintf(tail, sizeof(tail), "Content-Length: %zu\r\n\r\n%s", strlen(w->body), w->body);
    run[3] = str_make(tail, (size_t)n);
    w->status = 0;
    if (txn_client_new(&w->txn, sip_method_of(str_c(w->method)), &to, run, 4, &user, w,
                       w->node.net->now_ms) == NULL) {
        abort();
    }
}

void watcher_send(struct watcher *w, const char *method, const char *lines, const char *body)
{
    (void)snprintf(w->method, sizeof(w->method), "%s", method);
    (void)snprintf(w->lines, sizeof(w->lines), "%s", lines);
    (void)snprintf(w->body, sizeof(w->body), "%s", body);
    w->credentials[0] = '\0';
    send(w, STR_NONE);
}

static void new_dialog(struct watcher *w, const char *target)
{
    static unsigned serial;
    (void)snprintf(w->call_id, sizeof(w->call_id), "watch-%u", ++serial);
    (void)snprintf(w->tag, sizeof(w->tag), "w%u", serial);
    (void)snprintf(w->target, sizeof(w->target), "sip:%s@%s", target, w->domain);
    w->to_tag[0] = '\0';
    w->cseq = 1;
    w->last_cseq = 0;
    w->version = -1;
}

void watcher_send_out(struct watcher *w, const char *method, const char *target,
                      const char *lines, const char *body)
{
    new_dialog(w, target);
    watcher_send(w, method, lines, body);
}

static void subscribe(struct watcher *w, int expires, const char *lines, const char *body)
{
    char all[512], number[32] = "";
    if (expires >= 0) {
        (void)snprintf(number, sizeof(number), "Expires: %d\r\n", expires);
    }
    (void)snprintf(all, sizeof(all), "Event: %s\r\n%s%s", w->event, number, lines);
    watcher_send(w, "SUBSCRIBE", all, body);
}

void watcher_subscribe(struct watcher *w, const char *target, const char *event, int expires,
                       const char *lines, const char *body)
{
    new_dialog(w, target);
    (void)snprintf(w->event, sizeof(w->event), "%s", event);
    subscribe(w, expires, lines, body);
}

void watcher_refresh(struct watcher *w, int expires, const char *lines, const char *body)
{
    subscribe(w, expires, lines, body);
}

/* ---- questions ---- */

struct str watcher_answer(const struct watcher *w, const char *name)
{
    return w->answer != NULL ? header(&w->answer->m, name) : STR("");
}

const struct told *watcher_last(const struct watcher *w)
{
    static const struct told none;
    return w->notes > 0 ? &w->note[w->notes - 1] : &none;
}

bool watcher_has(const struct watcher *w, const char *text)
{
    return strstr(watcher_last(w)->body, text) != NULL;
}

const char *watcher_value(const struct watcher *w, const char *before)
{
    static char value[4][256];
    static unsigned next;
    char *out = value[next++ % 4];
    const char *at = strstr(watcher_last(w)->body, before);
    out[0] = '\0';
    if (at != NULL) {
        at += strlen(before);
        (void)snprintf(out, sizeof(value[0]), "%.*s", (int)strcspn(at, "\""), at);
    }
    return out;
}

/* ---- the node ---- */

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct watcher *w = ctx;
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct txn *t = NULL;
    if (!w->up || !CHECK(sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) == 0 &&
                         sip_msg_check(&m, &sip_limits_default, &fault) == 0)) {
        return;
    }
    if (!sip_is_request(&m)) {
        (void)txn_on_response(&w->txn, &m, from, now_ms);
    } else if (txn_on_request(&w->txn, &m, from, now_ms, &t) == TXN_IN_NEW &&
               m.method == SIP_METHOD_NOTIFY) {
        on_notify(w, &m, from, now_ms);
    }
}

static void tick(void *ctx, uint64_t now_ms)
{
    struct watcher *w = ctx;
    (void)wheel_advance(&w->wheel, now_ms);
}

static uint64_t deadline(void *ctx)
{
    struct watcher *w = ctx;
    return w->up ? wheel_next(&w->wheel) : WHEEL_NEVER;
}

static void flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct watcher *w = ctx;
    txn_on_flow_closed(&w->txn, flow, now_ms);
}

static const struct vnode_user watcher_node = {receive, tick, deadline, flow_closed, NULL};

void watcher_up(struct watcher *w, struct vnet *net, struct vnode *server, const char *name,
                const char *ip, const char *number, const char *password,
                enum transport transport)
{
    static const struct txn_timing timing = {0};
    *w = (struct watcher){.up = true,
                          .number = number,
                          .password = password,
                          .domain = "example.com",
                          .server = server,
                          .transport = transport == TP_NONE ? TP_UDP : transport,
                          .version = -1,
                          .reply = 200,
                          .reply_lines = ""};
    test_mem_init(&w->mem);
    vnet_add(net, &w->node, name, ip, &w->mem.mem, &watcher_node, w);
    wheel_init(&w->wheel, net->now_ms);
    if (txn_layer_init(&w->txn, &w->node.env, &w->wheel, &timing, 0) != 0) {
        abort();
    }
    w->auth.user = str_c(number);
    w->auth.password = str_c(password);
}

void watcher_down(struct watcher *w)
{
    w->up = false;
    txn_layer_fini(&w->txn);
    mem_free(&mem_libc, w->answer);
    w->answer = NULL;
    CHECK_INT(w->mem.live, 0);
}
