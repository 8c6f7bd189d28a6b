/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Subscriptions, publications and feature keys: requests whose headers and bodies are the
 * input's, around them what makes something happen: a phone that registers and is called,
 * answers of all kinds to NOTIFY, time, a lost flow.
 *
 * A step is an octet that says what, and the text up to the next 0: header lines, and behind an
 * empty line the body.
 *
 * MUST hold: what the engine sends is well formed, and so is the XML in it; in the end no
 * subscription, timer or memory is left.
 */
#include "base/err.h"
#include "csta/xml.h"
#include "engine/engine.h"
#include "fuzz_env.h"
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUEUE = 64, TEXT = 16384 };

static struct fuzz_env fe;
static struct engine *engine;
static uint64_t now_ms;
static unsigned serial, answer;
static struct hop peer = {.flow = 1, .transport = TP_UDP};
static char to_tag[64], call_id[32];
static struct device dev[2];

static struct {
    char text[TEXT];
    size_t n;
} queue[QUEUE];
static size_t queued;

/* ---- the world ---- */

static void check_xml(const struct sip_msg *m)
{
    static const struct xml_limits limits = {.bytes = 65536, .depth = 32, .elements = 2000};
    struct xml_recoded rec;
    struct arena a;
    const char *reason;
    size_t at;
    if (str_ends(sip_msg_value(m, SIP_HDR_CONTENT_TYPE), STR("+xml"))) {
        arena_init(&a, &mem_libc, 4096);
        MUST(xml_recode(sip_msg_body(m), &limits, 1, &a, &rec, &at, &reason) == 0);
        arena_fini(&a);
    }
}

static int env_send(void *ctx, const struct hop *hop, const struct str *run, size_t n)
{
    size_t len = 0;
    (void)ctx;
    (void)hop;
    if (queued == QUEUE) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (len + run[i].n > TEXT) {
            return 0;
        }
        memcpy(queue[queued].text + len, run[i].p, run[i].n);
        len += run[i].n;
    }
    queue[queued++].n = len;
    return 0;
}

static int env_open(void *ctx, struct hop *hop, struct str name)
{
    (void)ctx;
    (void)name;
    hop->flow = 1;
    return 0;
}

static void env_local(void *ctx, const struct hop *hop, struct addr *out)
{
    (void)ctx;
    (void)hop;
    (void)addr_parse(STR("10.0.0.100:5060"), out);
}

static int env_query(void *ctx, enum dns_type type, struct str name,
                     const struct dns_record **records, size_t *n)
{
    (void)ctx;
    (void)type;
    (void)name;
    (void)records;
    (void)n;
    return E_NOTFOUND;
}

static void input(const char *text, size_t n)
{
    engine_input(engine, &peer, str_make(text, n), true, now_ms);
}

static void reply(const struct sip_msg *m, unsigned status, const char *lines)
{
    char text[TEXT];
    struct out o;
    bool tagged = str_is_set(sip_msg_tag(m, SIP_HDR_TO));
    out_init(&o, text, sizeof(text));
    out_fmt(&o, "SIP/2.0 %u X\r\n", status);
    for (const struct sip_hdr *h = sip_msg_line(m, SIP_HDR_VIA); h != NULL;
         h = sip_msg_next_line(m, h)) {
        out_fmt(&o, "Via: %.*s\r\n", STR_ARG(sip_hdr_value(m, h)));
    }
    out_fmt(&o, "From: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n%s",
            STR_ARG(sip_msg_value(m, SIP_HDR_FROM)), STR_ARG(sip_msg_value(m, SIP_HDR_TO)),
            tagged ? "" : ";tag=p", STR_ARG(sip_msg_value(m, SIP_HDR_CALL_ID)),
            STR_ARG(sip_msg_value(m, SIP_HDR_CSEQ)), lines);
    out_c(&o, "Contact: <sip:p@10.0.0.1>\r\nContent-Length: 0\r\n\r\n");
    if (!o.over) {
        input(o.p, o.n);
    }
}

static void on_request(const struct sip_msg *m)
{
    static const unsigned statuses[] = {200, 0, 481, 503, 486, 180, 200, 302};
    unsigned status = statuses[answer % 8];
    if (m->method == SIP_METHOD_ACK) {
        return;
    }
    if (m->method != SIP_METHOD_INVITE && m->method != SIP_METHOD_NOTIFY) {
        status = 200;
    } else if (m->method == SIP_METHOD_NOTIFY && status == 180) {
        status = 200;
    }
    if (status != 0) {
        reply(m, status, status == 503 ? "Retry-After: 7\r\n" : "");
    }
}

/** Look at what was sent, and answer it. */
static void settle(void)
{
    static struct fuzz_msg f;
    for (size_t i = 0; i < queued && i < QUEUE; i++) {
        f.m.hdr = f.hdr;
        struct str text = str_make(queue[i].text, queue[i].n);
        if (!fuzz_sent(&f.m, text)) {
            continue;
        }
        check_xml(&f.m);
        if (sip_is_request(&f.m)) {
            on_request(&f.m);
        } else if (f.m.status == 200 && f.m.method == SIP_METHOD_SUBSCRIBE) {
            snprintf(to_tag, sizeof(to_tag), "%.*s", STR_ARG(sip_msg_tag(&f.m, SIP_HDR_TO)));
        } else if (f.m.status >= 200 && f.m.method == SIP_METHOD_INVITE) {
            continue;
        }
    }
    queued = 0;
}

static void pass_time(uint64_t ms)
{
    uint64_t until = now_ms + ms;
    for (unsigned i = 0; i < 2000 && engine_deadline(engine) <= until; i++) {
        uint64_t due = engine_deadline(engine);
        now_ms = due > now_ms ? due : now_ms;
        engine_tick(engine, now_ms);
        settle();
    }
    now_ms = until;
    engine_tick(engine, now_ms);
    settle();
}

/* ---- steps ---- */

static void request(const char *method, const char *target, bool inside, struct str text)
{
    char msg[TEXT];
    struct out o;
    size_t head = str_find(text, STR("\n\n"));
    struct str body = str_from(text, head + 2);
    serial++;
    if (!inside) {
        snprintf(call_id, sizeof(call_id), "c%u", serial);
    }
    out_init(&o, msg, sizeof(msg));
    out_fmt(&o,
            "%s sip:%s@example.com SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK%u\r\n"
            "Max-Forwards: 70\r\nFrom: <sip:1002@example.com>;tag=f\r\n"
            "To: <sip:%s@example.com>%s%s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
            "Contact: <sip:1002@10.0.0.1>\r\n",
            method, target, serial, target, inside ? ";tag=" : "", inside ? to_tag : "",
            call_id, serial, method);
    out_str(&o, str_upto(text, head));
    out_fmt(&o, "%sContent-Length: %zu\r\n\r\n", head > 0 ? "\r\n" : "", body.n);
    out_str(&o, body);
    if (!o.over) {
        input(o.p, o.n);
    }
    settle();
}

static void subscribe(const char *event, bool inside, struct str text)
{
    char lines[TEXT];
    struct out o;
    out_init(&o, lines, sizeof(lines));
    out_fmt(&o, "Event: %s%s", event, text.n > 0 && text.p[0] != ';' ? "\r\n" : "");
    out_str(&o, text);
    request("SUBSCRIBE", "1002", inside, out_str_of(&o));
}

static void step(unsigned what, struct str text)
{
    static const char *const events[] = {"dialog", "reg", "message-summary",
                                         "as-feature-event"};
    switch (what & 15) {
    case 0:
    case 1:
    case 2:
    case 3:
        subscribe(events[what & 3], false, text);
        break;
    case 4:
    case 5:
        subscribe(events[what >> 4 & 3], true, text);
        break;
    case 6:
        request("PUBLISH", "1002", false, text);
        break;
    case 7:
        request("NOTIFY", "1002", false, text);
        break;
    case 8:
        request("REGISTER", "1002", false, text);
        break;
    case 9:
        request("INVITE", "1002", false, text);
        break;
    case 10:
        answer = what >> 4;
        break;
    case 11:
        pass_time(1u << (what >> 4) << 6);
        break;
    case 12:
        engine_flow_closed(engine, 1, now_ms);
        break;
    case 13:
        request("SUBSCRIBE", "1002", what >> 4 & 1, text);
        break;
    case 14:
        engine_forget_device(engine, &dev[0], now_ms);
        settle();
        break;
    default:
        request("SUBSCRIBE", "1003", false, text);
        break;
    }
    settle();
}

/* ---- from birth to death ---- */

static const struct str domains[] = {STR_INIT("example.com"), STR_INIT("10.0.0.100")};

static void set_up(struct directory *dir, struct peer *trusted)
{
    static const char *const text[][4] = {
        {"1002", "1002@example.com", "sip:1002@example.com", "B<o>b & \"x\" \x01\xff"},
        {"1003", "1003@example.com", "sip:1003@example.com", NULL}};
    MUST(directory_init(dir, &fe.env, domains, 2) == 0);
    for (size_t i = 0; i < 2; i++) {
        dev[i] = (struct device){.number = str_c(text[i][0]),
                                 .key = str_c(text[i][1]),
                                 .uri = str_c(text[i][2]),
                                 .display = str_c(text[i][3])};
        MUST(directory_add_device(dir, &dev[i]) == 0);
    }
    *trusted = (struct peer){.name = STR("p"), .trusted = true, .addr = peer.remote};
    trusted->addr.port = 0;
    dir->peers = trusted;
    dir->peer_count = 1;
}

static void drain(void)
{
    static const char *const empty[] = {"event_subscriptions", "event_resources",
                                        "event_publications",  "calls_active",
                                        "txn_active",          "timers"};
    answer = 0;
    engine_stop(engine, now_ms);
    settle();
    for (int i = 0; i < 200 && engine_stat(engine, "timers") > 0; i++) {
        pass_time(600000);
    }
    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++) {
        MUST(engine_stat(engine, empty[i]) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct directory dir;
    struct peer trusted;
    struct str rest = str_make((const char *)data, size);
    fuzz_env_init(&fe);
    fe.env.send = env_send;
    fe.env.open = env_open;
    fe.env.query = env_query;
    fe.env.local = env_local;
    now_ms = 1000;
    serial = answer = 0;
    queued = 0;
    to_tag[0] = '\0';
    MUST(addr_parse(STR("10.0.0.1:5060"), &peer.remote));
    set_up(&dir, &trusted);
    struct engine_config config = {
        .directory = &dir,
        .leg.allow = STR("INVITE, ACK, CANCEL, BYE, NOTIFY"),
        .event = {.dialog_identity = true, .unsolicited_mwi = true, .max_publications = 4},
    };
    engine = engine_new(&fe.env, &config, now_ms);
    MUST(engine != NULL);
    for (unsigned steps = 0; rest.n > 0 && steps < 60; steps++) {
        unsigned what = (unsigned char)rest.p[0];
        size_t end = str_index(str_from(rest, 1), '\0');
        step(what, str_upto(str_from(rest, 1), end));
        rest = str_from(rest, end + 2);
    }
    drain();
    engine_free(engine);
    directory_fini(&dir);
    MUST(fe.live == 0);
    return 0;
}
