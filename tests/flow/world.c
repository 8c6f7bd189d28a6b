/* SPDX-License-Identifier: Apache-2.0 */
/* See world.h. */
#include "world.h"

#include "base/err.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- the engine's node ---- */

static struct world_stream *stream_of(struct world *w, uint32_t flow)
{
    struct world_stream *unused = NULL;
    for (size_t i = 0; i < WORLD_STREAMS; i++) {
        if (w->stream[i].flow == flow) {
            return &w->stream[i];
        }
        unused = w->stream[i].flow == 0 && unused == NULL ? &w->stream[i] : unused;
    }
    if (unused == NULL) {
        abort();
    }
    *unused = (struct world_stream){.flow = flow};
    sip_framer_init(&unused->framer);
    return unused;
}

static void stream_drop(struct world_stream *s)
{
    free(s->buf);
    *s = (struct world_stream){0};
}

/** As a server feeds it: whole messages are taken off the front, the rest waits. */
static void feed(struct world *w, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct world_stream *s = stream_of(w, from->flow);
    if (s->dead) {
        return;
    }
    s->buf = realloc(s->buf, s->n + bytes.n + 1);
    if (s->buf == NULL) {
        abort();
    }
    memcpy(s->buf + s->n, bytes.p, bytes.n);
    s->n += bytes.n;
    bool csta = from->remote.ip[2] == 44; /* 10.0.44.x */
    struct str all = test_guard(str_make(s->buf, s->n));
    size_t used = csta ? engine_csta_input(w->engine, from, all, now_ms)
                       : engine_stream_input(w->engine, &s->framer, from, all, now_ms);
    test_guard_free(all);
    if (used == SIZE_MAX) {
        s->dead = true;
        if (csta) {
            w->node.env.close(&w->node, from->flow);
            return;
        }
        engine_flow_closed(w->engine, from->flow, now_ms);
        return;
    }
    s->n -= used;
    memmove(s->buf, s->buf + used, s->n);
}

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    struct world *w = ctx;
    if (w->engine == NULL) {
        return;
    }
    if (from->transport == TP_UDP) {
        struct str guarded = test_guard(bytes);
        engine_input(w->engine, from, guarded, true, now_ms);
        test_guard_free(guarded);
    } else {
        feed(w, bytes, from, now_ms);
    }
}

static void tick(void *ctx, uint64_t now_ms)
{
    struct world *w = ctx;
    if (w->engine != NULL) {
        engine_tick(w->engine, now_ms);
    }
}

static uint64_t deadline(void *ctx)
{
    struct world *w = ctx;
    return w->engine != NULL ? engine_deadline(w->engine) : WHEEL_NEVER;
}

static void flow_closed(void *ctx, uint32_t flow, uint64_t now_ms)
{
    struct world *w = ctx;
    stream_drop(stream_of(w, flow));
    if (w->engine != NULL) {
        engine_flow_closed(w->engine, flow, now_ms);
    }
}

static void resolved(void *ctx, uint64_t now_ms)
{
    struct world *w = ctx;
    if (w->engine != NULL) {
        engine_resolved(w->engine, now_ms);
    }
}

static const struct vnode_user engine_node = {receive, tick, deadline, flow_closed, resolved};

static void on_trace(void *ctx, enum trace_level level, const char *module,
                     const struct trace_ids *ids, struct str text)
{
    struct vnode *node = ctx;
    struct world *w = node->ctx;
    (void)level;
    if (strcmp(module, "audit") == 0) {
        snprintf(w->audited, sizeof(w->audited), "%.*s %.*s %.*s", STR_ARG(ids->who),
                 STR_ARG(ids->device), STR_ARG(text));
        return;
    }
    snprintf(w->traced, sizeof(w->traced), "%s: %.*s", module, STR_ARG(text));
    if (w->net.trace) {
        fprintf(stderr, "%9llu  %s\n", (unsigned long long)w->net.now_ms, w->traced);
    }
}

/* ---- who there is ---- */

static const struct str domains[] = {STR_INIT("example.com"), STR_INIT("10.0.0.1")};
static const struct access_scope all[] = {{STR_INIT("*"), ACCESS_CONTROL}};
static const struct access_scope first[] = {{STR_INIT("1001"), ACCESS_CONTROL}};
static const struct str outside[] = {STR_INIT("9*"), STR_INIT("8*")};

static void populate(struct world *w)
{
    static const char *const text[WORLD_DEVICES][5] = {
        {"1001", "sip:1001@example.com", "1001@example.com", "Ann One", "pw1001"},
        {"1002", "sip:1002@example.com", "1002@example.com", "Bob Two", "pw1002"},
        {"1003", "sip:1003@example.com", "1003@example.com", "Cleo Three", "pw1003"},
        {"1004", "sip:1004@example.com", "1004@example.com", NULL, "pw1004"},
        {"1005", "sip:1005@example.com", "1005@example.com", NULL, "pw1005"},
    };
    if (directory_init(&w->directory, &w->plain, domains, ARRAY_LEN(domains)) != 0) {
        abort();
    }
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        w->device[i] = (struct device){.number = str_c(text[i][0]),
                                       .uri = str_c(text[i][1]),
                                       .key = str_c(text[i][2]),
                                       .display = str_c(text[i][3]),
                                       .secret.password = str_c(text[i][4]),
                                       .has_secret = true};
        CHECK_INT(directory_add_device(&w->directory, &w->device[i]), 0);
    }
    w->application[0] = (struct application){
        .name = STR("crm"), .secret.password = STR("pwcrm"), .scopes = all, .scope_count = 1};
    w->application[1] = (struct application){.name = STR("frontdesk"),
                                             .secret.password = STR("pwfrontdesk"),
                                             .scopes = first,
                                             .scope_count = 1};
    CHECK_INT(directory_add_application(&w->directory, &w->application[0]), 0);
    CHECK_INT(directory_add_application(&w->directory, &w->application[1]), 0);
    w->peer[0] = (struct peer){.name = STR("gateway"),
                               .uri = STR("sip:10.0.2.1:5060"),
                               .host = STR("10.0.2.1"),
                               .port = 5060,
                               .transport = TP_UDP,
                               .numbers = &outside[0],
                               .number_count = 1,
                               .trusted = true};
    w->peer[1] = w->peer[0];
    w->peer[1].name = STR("trunk");
    w->peer[1].uri = STR("sip:10.0.2.2:5060");
    w->peer[1].host = STR("10.0.2.2");
    w->peer[1].numbers = &outside[1];
    (void)addr_parse(STR("10.0.2.1:5060"), &w->peer[0].addr);
    (void)addr_parse(STR("10.0.2.2:5060"), &w->peer[1].addr);
    w->directory.peers = w->peer;
    w->directory.peer_count = 2;
}

static void configure(struct world *w)
{
    w->config = (struct engine_config){
        .directory = &w->directory,
        .server_name = STR("Baton"),
        .leg.contact_user = STR("baton"),
        .leg.session_expires_s = 1800,
        .leg.min_se_s = 90,
        .leg.allow =
            STR("INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, NOTIFY, REFER"),
        .leg.accept = STR("application/sdp, application/csta+xml"),
        .cti.back_in_service_on_monitor = true,
        .cti.journal_records = 512,
        .call.auto_answer = true,
        .call.pickup = true,
        .leg.supported = STR("replaces, norefersub, tdialog, histinfo"),
    };
}

struct phone *world_phone(struct world *w, const char *name, const char *ip, const char *number,
                          enum transport transport)
{
    static const char *const passwords[] = {"pw1001", "pw1002", "pw1003", "pw1004", "pw1005"};
    if (w->phones == WORLD_PHONES) {
        abort();
    }
    struct phone *p = &w->phone[w->phones++];
    phone_up(p, &w->net, &w->node, name, ip, number, passwords[number[3] - '1'], transport);
    phone_register(p, 3600);
    world_run(w, 100);
    CHECK_INT(p->register_status, 200);
    return p;
}

static void phones_up(struct world *w, const struct world_options *o, enum transport transport)
{
    static const char *const name[] = {"ann", "bob", "cleo", "dan", "eve"};
    static const char *const ip[] = {"10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4",
                                     "10.0.1.5"};
    static const char *const number[] = {"1001", "1002", "1003", "1004", "1005"};
    static const char *const password[] = {"pw1001", "pw1002", "pw1003", "pw1004", "pw1005"};
    w->phones = o->phones == 0 ? 3 : o->phones;
    for (size_t i = 0; i < w->phones; i++) {
        phone_up_with(&w->phone[i], &w->net, &w->node, name[i], ip[i], number[i], password[i],
                      transport, &o->phone_leg);
        if (!o->unregistered) {
            phone_register(&w->phone[i], 3600);
        }
    }
    world_run(w, 200);
    for (size_t i = 0; i < w->phones && !o->unregistered; i++) {
        CHECK_INT(w->phone[i].register_status, 200);
    }
}

void world_up(struct world *w, const struct world_options *o)
{
    enum transport transport = o->transport == TP_NONE ? TP_UDP : o->transport;
    memset(w, 0, sizeof(*w));
    vnet_init(&w->net, o->seed == 0 ? 1 : o->seed);
    wire_up(&w->wire, &w->net);
    test_mem_init(&w->mem);
    vnet_add(&w->net, &w->node, "baton", "10.0.0.1", &w->mem.mem, &engine_node, w);
    w->node.env.trace = on_trace;
    w->plain = w->node.env;
    w->plain.mem = mem_libc;
    populate(w);
    configure(w);
    if (o->tweak != NULL) {
        o->tweak(w);
    }
    w->engine = engine_new(&w->node.env, &w->config, w->net.now_ms);
    if (w->engine == NULL) {
        abort();
    }
    raw_up(&w->gateway, &w->net, "gateway", "10.0.2.1");
    raw_up(&w->trunk, &w->net, "trunk", "10.0.2.2");
    app_up(&w->crm, &w->net, &w->node, "crm", "10.0.3.1", "crm", "pwcrm", transport, &w->calls,
           &o->app_leg);
    app_up(&w->desk, &w->net, &w->node, "desk", "10.0.3.2", "frontdesk", "pwfrontdesk",
           transport, &w->calls, &o->app_leg);
    phones_up(w, o, transport);
    if (!o->no_apps) {
        CHECK(app_open(&w->crm) != NULL);
        world_run(w, 100);
        CHECK(app_is_open(&w->crm));
    }
}

void world_run(struct world *w, uint64_t ms)
{
    vnet_run_for(&w->net, ms);
}

uint64_t world_stat(const struct world *w, const char *name)
{
    return engine_stat(w->engine, name);
}

static void engine_gone(struct world *w)
{
    engine_free(w->engine);
    w->engine = NULL;
    CHECK_INT(w->mem.live, 0);
    for (size_t i = 0; i < WORLD_DEVICES; i++) {
        CHECK(w->device[i].cti == NULL);
        CHECK(list_empty(&w->device[i].calls));
    }
    for (size_t i = 0; i < WORLD_STREAMS; i++) {
        stream_drop(&w->stream[i]);
    }
}

void world_restart(struct world *w)
{
    engine_gone(w);
    list_each(it, &w->net.nodes)
    {
        struct vnode *other = list_entry(it, struct vnode, link);
        (void)vnet_close(&w->net, other, &w->node);
        (void)vnet_close(&w->net, &w->node, other);
    }
    w->engine = engine_new(&w->node.env, &w->config, w->net.now_ms);
    if (w->engine == NULL) {
        abort();
    }
}

bool world_call(struct world *w, struct phone *from, struct phone *to)
{
    if (phone_call(from, to->number, true, STR_NONE) == NULL) {
        return false;
    }
    world_run(w, 200);
    if (phone_answer(to) != 0) {
        return false;
    }
    world_run(w, 200);
    return phone_talks(from) && phone_talks(to);
}

const char *world_monitor(struct world *w, struct app *a, const char *device)
{
    static char ref[8][16];
    static unsigned next;
    char *out = ref[next++ % 8];
    struct ask *q = app_monitor(a, device);
    world_run(w, 100);
    out[0] = '\0';
    if (CHECK(q->msg.id == CSTA_MSG_MONITOR_START_RESPONSE)) {
        snprintf(out, sizeof(ref[0]), "%.*s",
                 STR_ARG(q->msg.monitor_start_response->monitor_cross_ref_id));
    }
    return out;
}

struct ask *world_asked(struct world *w, struct ask *q, uint64_t ms)
{
    world_run(w, ms);
    CHECK_INT(q->answers, 1);
    return q;
}

/* ---- raw peers ---- */

const char world_sdp[] = "v=0\r\no=raw 1 1 IN IP4 10.0.2.1\r\ns=-\r\nc=IN IP4 10.0.2.1\r\n"
                         "t=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=sendrecv\r\n";

struct text_msg world_take(struct raw *r, const char *pattern)
{
    for (;;) {
        struct text_msg t = raw_take(r);
        if (t.m == NULL || wire_is(str_make(t.m->buf, t.m->len), pattern)) {
            test_context(pattern);
            bool found = CHECK(t.m != NULL);
            test_context(NULL);
            return found ? t : text_parse("NONE sip:nobody SIP/2.0\nCSeq: 1 NONE\n\n");
        }
        text_free(&t);
    }
}

static const char *host_of(const struct raw *r, char *buf, size_t cap)
{
    struct out o;
    out_init(&o, buf, cap - 1);
    addr_write_host(&o, &r->node.addr);
    buf[o.n] = '\0';
    return buf;
}

void world_raw_invite(struct world *w, struct raw *r, const char *id, const char *user,
                      const char *lines, const char *body)
{
    struct hop to = vnet_hop(&w->node, TP_UDP);
    char host[64];
    (void)host_of(r, host, sizeof(host));
    raw_sendf(r, &to,
              "INVITE sip:%s@example.com SIP/2.0\n"
              "Via: SIP/2.0/UDP %s;branch=z9hG4bK-%s\n"
              "Max-Forwards: 70\nFrom: \"Raw\" <sip:9000@%s>;tag=f-%s\n"
              "To: <sip:%s@example.com>\nCall-ID: %s\nCSeq: 1 INVITE\n"
              "Contact: <sip:raw@%s>\n%s%s\n%s",
              user, host, id, host, id, user, id, host, lines,
              body[0] != '\0' ? "Content-Type: application/sdp\n" : "", body);
}

void world_raw_request(struct world *w, struct raw *r, const char *method, unsigned cseq,
                       const struct text_msg *answer, const char *lines, const char *body)
{
    static unsigned branch;
    struct hop to = vnet_hop(&w->node, TP_UDP);
    struct sip_addr contact;
    const char *tag = "";
    char host[64];
    (void)host_of(r, host, sizeof(host));
    if (answer->m == NULL || sip_msg_addr(answer->m, SIP_HDR_CONTACT, &contact) != 0) {
        CHECK(answer->m != NULL);
        return;
    }
    struct str from = text_value(answer, "From"), dest = text_value(answer, "To");
    if (sip_is_request(answer->m)) {
        struct str other = from;
        from = dest;
        dest = other;
        tag = str_is_set(sip_msg_tag(answer->m, SIP_HDR_TO)) ? "" : ";tag=t";
    }
    raw_sendf(r, &to,
              "%s %.*s SIP/2.0\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-r%u\nMax-Forwards: 70\n"
              "From: %.*s%s\nTo: %.*s\nCall-ID: %.*s\nCSeq: %u %s\n"
              "Contact: <sip:raw@%s>\n%s%s\n%s",
              method, STR_ARG(contact.uri_text), host, branch++, STR_ARG(from), tag,
              STR_ARG(dest), STR_ARG(text_value(answer, "Call-ID")), cseq, method, host, lines,
              body[0] != '\0' ? "Content-Type: application/sdp\n" : "", body);
}

/* ---- the end ---- */

void world_end(struct world *w)
{
    for (size_t i = 0; i < w->phones; i++) {
        phone_hang_up(&w->phone[i], STR_NONE);
    }
    /* again: what was between the states before, and an INVITE that came through only now */
    for (unsigned round = 0; round < (w->hard ? 8 : 2); round++) {
        world_run(w, w->hard ? 10000 : 1000);
        for (size_t i = 0; i < w->phones; i++) {
            phone_hang_up(&w->phone[i], STR_NONE);
        }
    }
    app_close(&w->crm);
    app_close(&w->desk);
    for (size_t i = 0; i < w->phones; i++) {
        if (w->phone[i].register_status != 0) {
            phone_register(&w->phone[i], 0);
        }
    }
    /* two hours: an hour of registration that could not be removed, and a session's timer */
    CHECK(vnet_run_quiet(&w->net, 7200000));
}

void world_check_empty(struct world *w)
{
    static const char *const names[] = {
        "calls_active",       "dialog_legs",       "dialogs",
        "txn_active",         "csta_sessions",     "csta_monitors",
        "registrar_bindings", "registrar_records", "timers"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (w->where == NULL) {
            test_context(names[i]);
        }
        if (!CHECK_INT(world_stat(w, names[i]), 0) && w->where != NULL) {
            printf("#   %s\n", names[i]);
        }
    }
    test_context(w->where);
    CHECK_INT(world_stat(w, "csta_requests"), world_stat(w, "csta_answered"));
    CHECK(engine_idle(w->engine));
    for (size_t i = 0; i < w->phones; i++) {
        station_check_empty(&w->phone[i].s);
    }
    station_check_empty(&w->crm.s);
    station_check_empty(&w->desk.s);
    app_check(&w->crm, !w->hard, w->where);
    app_check(&w->desk, !w->hard, w->where);
}

void world_down(struct world *w)
{
    world_end(w);
    world_check_empty(w);
    engine_gone(w);
    directory_fini(&w->directory);
    for (size_t i = 0; i < w->phones; i++) {
        phone_down(&w->phone[i]);
    }
    app_down(&w->crm);
    app_down(&w->desk);
    raw_down(&w->gateway);
    raw_down(&w->trunk);
    vnet_fini(&w->net);
    wire_down(&w->wire);
}
