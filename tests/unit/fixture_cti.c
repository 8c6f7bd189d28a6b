/* SPDX-License-Identifier: Apache-2.0 */
/* See fixture_cti.h. */
#include "fixture_cti.h"
#include "mime/multipart.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the switch ---- */

static void end_input(struct office *o)
{
    leg_layer_sweep(&o->legs);
    call_layer_sweep(&o->calls);
    arena_reset(&o->arena);
}

static struct application *application_of(struct office *o, const struct sip_msg *m)
{
    struct sip_addr from;
    return sip_msg_addr(m, SIP_HDR_FROM, &from) == 0 && str_eq(from.uri.user, STR("desk"))
               ? &o->desk
               : &o->crm;
}

static void new_call(struct office *o, const struct sip_msg *m, const struct hop *from,
                     uint64_t now_ms)
{
    struct sip_addr a;
    if (cti_wants(m)) {
        cti_incoming(o->cti, m, from, application_of(o, m), now_ms);
        return;
    }
    struct device *dev = sip_msg_addr(m, SIP_HDR_FROM, &a) == 0
                             ? directory_device_of_uri(&o->directory, &a.uri)
                             : NULL;
    call_incoming(&o->calls, m, from, dev, now_ms);
}

static void new_request(struct office *o, const struct sip_msg *m, const struct hop *from,
                        uint64_t now_ms)
{
    bool inside = sip_msg_tag(m, SIP_HDR_TO).n > 0;
    if ((inside && leg_on_request(&o->legs, m, from, now_ms)) || m->method == SIP_METHOD_ACK) {
        return;
    }
    if (!inside && m->method == SIP_METHOD_INVITE) {
        new_call(o, m, from, now_ms);
        return;
    }
    struct txn *t = txn_server_new(&o->txn, m, from, NULL, NULL, now_ms);
    if (t != NULL) {
        (void)txn_reply_status(t, inside ? 481 : 404, now_ms);
    }
}

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct office *o = ctx;
    struct sip_hdr hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr};
    struct sip_fault fault;
    struct txn *t = NULL;
    if (!o->up || sip_msg_index(&m, bytes, true, &sip_limits_default, &fault) != 0) {
        return;
    }
    o->last_ms = now_ms;
    if (!sip_is_request(&m)) {
        (void)txn_on_response(&o->txn, &m, from, now_ms);
    } else {
        switch (txn_on_request(&o->txn, &m, from, now_ms, &t)) {
        case TXN_IN_NEW:
        case TXN_IN_ACK:
            new_request(o, &m, from, now_ms);
            break;
        case TXN_IN_CANCEL:
            leg_on_cancel(&o->legs, t, &m, from, now_ms);
            break;
        case TXN_IN_ABSORBED:
        case TXN_IN_MERGED:
            break;
        }
    }
    end_input(o);
}

static void tick(void *ctx, uint64_t now_ms)
{
    struct office *o = ctx;
    o->last_ms = now_ms;
    (void)wheel_advance(&o->wheel, now_ms);
    end_input(o);
}

static uint64_t deadline(void *ctx)
{
    struct office *o = ctx;
    return o->up ? wheel_next(&o->wheel) : WHEEL_NEVER;
}

static void flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct office *o = ctx;
    leg_on_flow_closed(&o->legs, flow, now_ms);
    txn_on_flow_closed(&o->txn, flow, now_ms);
    end_input(o);
}

static const struct vnode_user switch_user = {
    .receive = receive, .tick = tick, .deadline = deadline, .flow_closed = flow_closed};

/* ---- directory ---- */

static void directory_up(struct office *o)
{
    static const char *const numbers[PHONES] = {"1001", "1002", "1003"};
    static const char *const uris[PHONES] = {"sip:1001@example.com", "sip:1002@example.com",
                                             "sip:1003@example.com"};
    static const struct str outside[] = {STR_INIT("0*")};
    o->domains[0] = STR("example.com");
    CHECK_INT(directory_init(&o->directory, &o->node.env, o->domains, 1), 0);
    for (size_t i = 0; i < PHONES; i++) {
        o->device[i] = (struct device){.number = str_c(numbers[i]),
                                       .uri = str_c(uris[i]),
                                       .key = str_from(str_c(uris[i]), 4)};
        CHECK_INT(directory_add_device(&o->directory, &o->device[i]), 0);
    }
    o->crm_scopes[0] = (struct access_scope){STR("100*"), ACCESS_CONTROL};
    o->desk_scopes[0] = (struct access_scope){STR("1001"), ACCESS_CONTROL};
    o->crm =
        (struct application){.name = STR("crm"), .scopes = o->crm_scopes, .scope_count = 1};
    o->desk =
        (struct application){.name = STR("desk"), .scopes = o->desk_scopes, .scope_count = 1};
    o->peer = (struct peer){.name = STR("trunk"),
                            .uri = STR("sip:192.0.2.99"),
                            .transport = TP_UDP,
                            .numbers = outside,
                            .number_count = 1};
    addr_parse(STR("192.0.2.99:5060"), &o->peer.addr);
    o->peer.host = STR("192.0.2.99");
    o->peer.port = 5060;
    o->directory.peers = &o->peer;
    o->directory.peer_count = 1;
}

/* ---- what a client hears ---- */

static void say(struct client *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say(struct client *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (c->log_n > 0 && c->log_n + 1 < sizeof(c->log)) {
        c->log[c->log_n++] = ' ';
    }
    int n = vsnprintf(c->log + c->log_n, sizeof(c->log) - c->log_n, fmt, ap);
    va_end(ap);
    c->log_n += n > 0 && c->log_n + (size_t)n < sizeof(c->log) ? (size_t)n : 0;
}

static void keep(struct client *c, struct str body)
{
    test_keep(body);
    if (c->texts == KEPT) {
        free(c->text[0]);
        memmove(c->text, c->text + 1, (KEPT - 1) * sizeof(c->text[0]));
        c->texts--;
    }
    char *copy = malloc(body.n + 1);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, body.p, body.n);
    copy[body.n] = '\0';
    c->text[c->texts++] = copy;
}

/** Between <name> and </name>. */
static struct str between(struct str text, const char *name)
{
    char open[64], close[64];
    (void)snprintf(open, sizeof(open), "<%s>", name);
    (void)snprintf(close, sizeof(close), "</%s>", name);
    size_t at = str_find(text, str_c(open));
    if (at == text.n) {
        return STR("");
    }
    text = str_from(text, at + strlen(open));
    return str_upto(text, str_find(text, str_c(close)));
}

/** What CSTA has in every message (TR/87 4.2, 5). */
static void check_form(struct str type, struct str disposition, struct str body)
{
    CHECK_STR(type, "application/csta+xml");
    CHECK_STR(disposition, "signal;handling=required");
    CHECK(str_starts(body, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")));
}

/** The CSTA of a message, absent when there is none; a description goes to c->sdp. */
static struct str csta_of(struct client *c, const struct sip_msg *m)
{
    struct str type = sip_msg_value(m, SIP_HDR_CONTENT_TYPE), csta = STR_NONE;
    struct multipart it;
    struct mime_part part;
    c->sdp[0] = '\0';
    if (str_eq(type, STR("application/sdp"))) {
        (void)snprintf(c->sdp, sizeof(c->sdp), "%.*s", STR_ARG(sip_msg_body(m)));
        return STR_NONE;
    }
    if (!mime_is_multipart(type)) {
        check_form(type, sip_msg_value(m, SIP_HDR_CONTENT_DISPOSITION), sip_msg_body(m));
        return sip_msg_body(m);
    }
    CHECK(!sip_msg_has(m, SIP_HDR_CONTENT_DISPOSITION));
    CHECK_INT(multipart_begin(&it, type, sip_msg_body(m)), 0);
    CHECK_INT(multipart_next(&it, &part), 1);
    CHECK_STR(mime_header(&part, STR("Content-Type")), "application/sdp");
    (void)snprintf(c->sdp, sizeof(c->sdp), "%.*s", STR_ARG(part.body));
    if (CHECK_INT(multipart_next(&it, &part), 1)) {
        csta = part.body;
        check_form(mime_header(&part, STR("Content-Type")),
                   mime_header(&part, STR("Content-Disposition")), csta);
    }
    CHECK_INT(multipart_next(&it, &part), 0);
    return csta;
}

static void hear(struct client *c, struct str body, bool event)
{
    struct arena a;
    struct csta_msg m = {0};
    arena_init(&a, &mem_libc, 4096);
    keep(c, body);
    if (CHECK_INT(csta_decode(body, NULL, &a, &m, NULL), 0)) {
        struct str name = csta_msg_name(m.id);
        if (event && str_ends(name, STR("Event"))) {
            name.n -= 5;
        }
        struct str local = between(body, "localConnectionInfo");
        if (m.id == CSTA_MSG_ERROR_CODE) {
            say(c, "X:%.*s/%.*s", STR_ARG(csta_error_category_name(m.error_code->kind)),
                STR_ARG(csta_error_value_name(*m.error_code)));
        } else if (local.n > 0) {
            say(c, "E:%.*s[%.*s]", STR_ARG(name), STR_ARG(local));
        } else {
            say(c, "%s:%.*s", event ? "E" : "A", STR_ARG(name));
        }
    }
    arena_fini(&a);
}

static void on_answer(struct leg_request *r, unsigned status, const struct sip_msg *m,
                      uint64_t now_ms)
{
    struct client *c = r->owner;
    (void)now_ms;
    if (status < 200) {
        return;
    }
    struct str warning = m == NULL ? STR_NONE : sip_msg_value(m, SIP_HDR_WARNING);
    (void)snprintf(c->warning, sizeof(c->warning), "%.*s", STR_ARG(warning));
    if (m != NULL && status < 300 && r->method == SIP_METHOD_INVITE) {
        (void)leg_ack(r->leg, NULL, now_ms);
    }
    struct str csta =
        m != NULL && status == 200 && sip_msg_body(m).n > 0 ? csta_of(c, m) : STR_NONE;
    if (str_is_set(csta)) {
        hear(c, csta, false);
    } else {
        say(c, "S:%u", status);
    }
}

static void on_hook(struct station *s, const char *what, struct leg *leg, uint64_t now_ms)
{
    struct client *c = s->hook_ctx;
    const struct sip_msg *m = s->last == NULL ? NULL : &s->last->m;
    if (strcmp(what, "answered") == 0) {
        c->status = m->status;
        struct str csta = sip_msg_body(m).n > 0 ? csta_of(c, m) : STR_NONE;
        if (str_is_set(csta)) {
            hear(c, csta, false);
        } else {
            say(c, "S:%u", m->status);
        }
    } else if (strcmp(what, "rejected") == 0) {
        struct str warning = m == NULL ? STR_NONE : sip_msg_value(m, SIP_HDR_WARNING);
        (void)snprintf(c->warning, sizeof(c->warning), "%.*s", STR_ARG(warning));
        c->status = m == NULL ? 408 : m->status;
        c->leg = NULL;
        say(c, "S:%u", c->status);
    } else if (strcmp(what, "request") == 0) {
        if (m->method == SIP_METHOD_INFO) {
            hear(c, csta_of(c, m), true);
        }
        if (m->method == SIP_METHOD_INFO && c->answer_with == 0) {
            c->unanswered[c->open++ % KEPT] = s->request;
            c->most_open = c->open > c->most_open ? c->open : c->most_open;
        } else {
            (void)leg_answer(leg, s->request, c->answer_with == 0 ? 200 : c->answer_with,
                             STR_NONE, NULL, now_ms);
        }
    } else if (strcmp(what, "bye") == 0) {
        struct str reason = m == NULL ? STR_NONE : sip_msg_value(m, SIP_HDR_REASON);
        say(c, reason.n > 0 ? "BYE(%.*s)" : "BYE%.*s", STR_ARG(reason));
        (void)leg_answer(leg, s->bye, 200, STR_NONE, NULL, now_ms);
    } else if (strcmp(what, "ended") == 0) {
        c->leg = NULL;
        c->open = 0;
    }
}

/* ---- up and down ---- */

static void clients_up(struct office *o)
{
    static const char *const names[CLIENTS] = {"client0", "client1"};
    static const char *const ips[CLIENTS] = {"192.0.2.21", "192.0.2.22"};
    for (size_t i = 0; i < CLIENTS; i++) {
        struct client *c = &o->client[i];
        station_up(&c->st, &o->net, names[i], ips[i], NULL);
        c->office = o;
        c->answer_with = 200;
        c->st.auto_answer = false;
        c->st.hook = on_hook;
        c->st.hook_ctx = c;
    }
}

static void on_feature(void *ctx, struct device *d, unsigned which, bool changed,
                       uint64_t now_ms)
{
    if (changed) {
        cti_on_feature(ctx, d, which, now_ms);
    }
}

struct office *office_up(const struct cti_config *config, enum transport transport)
{
    static const struct cti_config plain = {.back_in_service_on_monitor = false};
    static const char *const names[PHONES] = {"phone1001", "phone1002", "phone1003"};
    static const char *const ips[PHONES] = {"192.0.2.11", "192.0.2.12", "192.0.2.13"};
    static const struct leg_config legs = {
        .allow = STR_INIT("INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY"),
        .session_expires_s = 1800,
        .contact_user = STR_INIT("baton"),
    };
    struct office *o = calloc(1, sizeof(*o));
    if (o == NULL) {
        abort();
    }
    o->up = true;
    o->transport = transport;
    vnet_init(&o->net, 7);
    o->net.trace = getenv("BATON_TRACE") != NULL;
    test_mem_init(&o->mem);
    vnet_add(&o->net, &o->node, "switch", "192.0.2.1", &o->mem.mem, &switch_user, o);
    wheel_init(&o->wheel, o->net.now_ms);
    arena_init(&o->arena, &o->mem.mem, 32768);
    directory_up(o);
    CHECK_INT(txn_layer_init(&o->txn, &o->node.env, &o->wheel, &(struct txn_timing){0}, 0), 0);
    CHECK_INT(leg_layer_init(&o->legs, &o->node.env, &o->wheel, &o->txn, &o->arena, &legs, 0),
              0);
    CHECK_INT(
        registrar_init(&o->registrar, &o->node.env, &o->wheel, &(struct registrar_config){0}),
        0);
    CHECK_INT(call_layer_init(&o->calls, &o->node.env, &o->wheel, &o->legs, &o->registrar,
                              &o->directory, &o->arena,
                              &(struct call_config){.auto_answer = true}),
              0);
    o->cti = cti_new(&o->node.env, &o->wheel, &o->legs, &o->calls, &o->registrar, &o->directory,
                     &o->arena, config != NULL ? config : &plain);
    o->calls.on_event = cti_on_call_event;
    o->calls.on_gone = cti_on_call_gone;
    o->calls.ctx = o->cti;
    o->calls.on_feature = on_feature;
    o->registrar.on_change = cti_on_registration;
    o->registrar.ctx = o->cti;
    for (size_t i = 0; i < PHONES; i++) {
        station_up(&o->phone[i], &o->net, names[i], ips[i], NULL);
    }
    station_up(&o->outside, &o->net, "outside", "192.0.2.99", NULL);
    clients_up(o);
    return o;
}

static void stations_down(struct office *o)
{
    for (size_t i = 0; i < PHONES; i++) {
        station_down(&o->phone[i]);
    }
    station_down(&o->outside);
    for (size_t i = 0; i < CLIENTS; i++) {
        client_clear(&o->client[i]);
        station_down(&o->client[i].st);
    }
}

void office_drop(struct office *o)
{
    o->calls.on_event = NULL;
    o->calls.on_gone = NULL;
    o->registrar.on_change = NULL;
    cti_free(o->cti);
    for (size_t i = 0; i < PHONES; i++) {
        CHECK(o->device[i].cti == NULL);
    }
    call_layer_fini(&o->calls);
    registrar_fini(&o->registrar);
    leg_layer_fini(&o->legs);
    txn_layer_fini(&o->txn);
    directory_fini(&o->directory);
    arena_fini(&o->arena);
    o->up = false;
    CHECK_INT(o->mem.live, 0);
    stations_down(o);
    vnet_fini(&o->net);
    free(o);
}

void office_down(struct office *o)
{
    o->mem.fail_at = 0;
    cti_end_all(o->cti, o->net.now_ms);
    call_end_all(&o->calls, o->net.now_ms);
    end_input(o);
    office_run(o, 200000);
    CHECK_INT(office_stats(o).sessions, 0);
    CHECK_INT(office_stats(o).monitors, 0);
    CHECK_INT(o->cti->session_pool.in_use, 0);
    CHECK_INT(o->cti->monitor_pool.in_use, 0);
    CHECK_INT(o->cti->watch_pool.in_use, 0);
    CHECK_INT(o->cti->pending_pool.in_use, 0);
    CHECK_INT(o->legs.leg_pool.in_use, 0);
    CHECK_INT(o->calls.call_pool.in_use, 0);
    office_drop(o);
}

/* ---- what they do ---- */

void office_run(struct office *o, uint64_t ms)
{
    vnet_run_for(&o->net, ms);
}

void office_register(struct office *o, unsigned i, bool talk, unsigned expires)
{
    static unsigned cseq;
    char text[512];
    struct registrar_answer a;
    struct hop from = vnet_hop(&o->phone[i].node, TP_UDP);
    from.flow = o->node.udp_flow;
    cseq++;
    (void)snprintf(text, sizeof(text),
                   "REGISTER sip:example.com SIP/2.0\n"
                   "Via: SIP/2.0/UDP 192.0.2.1%u;branch=z9hG4bK%u\n"
                   "From: <sip:100%u@example.com>;tag=1\nTo: <sip:100%u@example.com>\n"
                   "Call-ID: reg%u\nCSeq: %u REGISTER\nMax-Forwards: 70\n"
                   "Contact: <sip:100%u@192.0.2.1%u>;expires=%u\n%s"
                   "User-Agent: phone/1.0\n\n",
                   i + 1, cseq, i + 1, i + 1, i, cseq, i + 1, i + 1, expires,
                   talk ? "Allow-Events: talk, hold\n" : "");
    struct text_msg m = text_parse(text);
    if (CHECK(m.m != NULL)) {
        registrar_register(&o->registrar, m.m, o->device[i].key, &from, o->net.now_ms,
                           &o->arena, &a);
        CHECK_INT(a.status, 200);
    }
    text_free(&m);
    end_input(o);
}

void phone_call(struct office *o, struct station *from, const char *number, const char *lines)
{
    char uri[96], addr[96];
    unsigned i = (unsigned)(from - o->phone);
    struct leg_invite args = {
        .from = i < PHONES ? o->device[i].uri : STR("sip:030123@trunk.example.net"),
        .target = {.hop = vnet_hop(&o->node, TP_UDP)},
        .content = {.type = STR("application/sdp"), .body = SDP_A, .lines = str_c(lines)},
    };
    (void)snprintf(uri, sizeof(uri), "sip:%s@example.com", number);
    (void)snprintf(addr, sizeof(addr), "<sip:%s@example.com>", number);
    args.request_uri = str_c(uri);
    args.to = str_c(addr);
    from->leg = leg_invite(&from->legs, &args, &station_user, from, o->net.now_ms);
    arena_reset(&from->arena);
    office_run(o, 50);
}

void client_open_typed(struct client *c, const char *user, const char *type, const char *body)
{
    char from[96];
    struct leg_invite args = {
        .request_uri = STR("sip:csta@example.com"),
        .to = STR("<sip:csta@example.com>"),
        .target = {.hop = vnet_hop(&c->office->node, c->office->transport)},
        .content = {.type = str_c(type), .body = str_c(body)},
    };
    args.content.lines = STR("Accept: application/csta+xml\r\n");
    (void)snprintf(from, sizeof(from), "<sip:%s@example.com>", user);
    args.from = str_c(from);
    c->st.leg = c->leg =
        leg_invite(&c->st.legs, &args, &station_user, &c->st, c->office->net.now_ms);
    arena_reset(&c->st.arena);
    office_run(c->office, 50);
}

void client_open(struct client *c, const char *user, const char *body)
{
    client_open_typed(c, user, body == NULL ? NULL : "application/csta+xml", body);
}

void client_send(struct client *c, const char *method, const char *type, const char *body)
{
    struct leg_content content = {.type = str_c(type), .body = str_c(body)};
    if (CHECK(c->leg != NULL)) {
        CHECK_INT(leg_send(c->leg, NULL, str_c(method), &content, on_answer, c, NULL,
                           c->office->net.now_ms),
                  0);
    }
    arena_reset(&c->st.arena);
}

void client_ask_in(struct client *c, const char *edition, const char *root, const char *inside)
{
    char body[8192];
    int n = snprintf(body, sizeof(body),
                     "<?xml version=\"1.0\"?><%s xmlns=\"http://www.ecma-international.org/"
                     "standards/ecma-323/csta/%s\">%s</%s>",
                     root, edition, inside, root);
    CHECK(n > 0 && (size_t)n < sizeof(body));
    client_send(c, "INFO", "application/csta+xml", body);
}

void client_ask(struct client *c, const char *root, const char *inside)
{
    client_ask_in(c, "ed3", root, inside);
    office_run(c->office, 50);
}

void client_ask_fmt(struct client *c, const char *root, const char *fmt, ...)
{
    char inside[1024];
    va_list ap;
    va_start(ap, fmt);
    (void)vsnprintf(inside, sizeof(inside), fmt, ap);
    va_end(ap);
    client_clear(c);
    client_ask(c, root, inside);
    office_run(c->office, 50);
}

void client_watch(struct client *c, const char *user, const char *devices)
{
    struct str rest = str_c(devices);
    char inside[256];
    client_open(c, user, STATUS_REQUEST);
    while (rest.n > 0) {
        struct str word = str_upto(rest, str_index(rest, ' '));
        rest = str_from(rest, word.n + 1);
        (void)snprintf(inside, sizeof(inside),
                       "<monitorObject><deviceObject>%.*s</deviceObject></monitorObject>",
                       STR_ARG(word));
        client_ask(c, "MonitorStart", inside);
    }
    client_clear(c);
}

void client_bye(struct client *c)
{
    if (CHECK(c->leg != NULL)) {
        leg_end(c->leg, 0, NULL, NULL, NULL, c->office->net.now_ms);
    }
    office_run(c->office, 50);
}

void client_answer(struct client *c, unsigned status)
{
    unsigned n = c->open;
    c->open = 0;
    for (unsigned i = 0; i < n && c->leg != NULL; i++) {
        (void)leg_answer(c->leg, c->unanswered[i % KEPT], status, STR_NONE, NULL,
                         c->office->net.now_ms);
    }
    arena_reset(&c->st.arena);
}

void client_clear(struct client *c)
{
    for (size_t i = 0; i < c->texts; i++) {
        free(c->text[i]);
    }
    c->texts = 0;
    c->log_n = 0;
    c->log[0] = '\0';
    c->most_open = c->open;
}

const char *client_text(const struct client *c, const char *part)
{
    for (size_t i = c->texts; i > 0; i--) {
        if (strstr(c->text[i - 1], part) != NULL) {
            return c->text[i - 1];
        }
    }
    return "";
}

struct str client_value(const struct client *c, const char *part, const char *name)
{
    return between(str_c(client_text(c, part)), name);
}

struct cti_stats office_stats(const struct office *o)
{
    struct cti_stats s;
    cti_stats(o->cti, &s);
    return s;
}

bool only_phones_have(enum csta_msg_id service)
{
    static const uint16_t ids[] = {
        CSTA_MSG_GET_HOOKSWITCH_STATUS, CSTA_MSG_SET_HOOKSWITCH_STATUS,
        CSTA_MSG_GET_MICROPHONE_MUTE,   CSTA_MSG_SET_MICROPHONE_MUTE,
        CSTA_MSG_GET_RINGER_STATUS,     CSTA_MSG_SET_RINGER_STATUS,
        CSTA_MSG_GET_SPEAKER_MUTE,      CSTA_MSG_SET_SPEAKER_MUTE,
        CSTA_MSG_GET_SPEAKER_VOLUME,    CSTA_MSG_SET_SPEAKER_VOLUME,
    };

    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        if (ids[i] == (unsigned)service) {
            return true;
        }
    }
    return false;
}
