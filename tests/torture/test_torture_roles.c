/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The torture messages in the other roles of a running engine: a route rule proxies everything
 * to a peer, redirects everything, or nothing but registrations are looked at. What each role
 * makes of each message of RFC 4475 and RFC 5118 is in a table; what the proxy lets through is
 * well-formed with its body as it was. The templates of c07-sip go through the proxy too, and
 * as SUBSCRIBE, REFER and PUBLISH into the roles behind these. In the end nothing is left.
 */
#include "expected.h"
#include "kit_torture.h"
#include "own.h"
#include "service.h"

static struct service s;
static struct raw sender;
static struct peer peers[3];
static struct device named[3];

enum duty { DUTY_PROXY, DUTY_REDIRECT, DUTY_REGISTRAR, DUTIES };
static enum duty duty;

static void tweak(struct world *world)
{
    static const char *const names[][3] = {
        {"watson", "sip:watson@example.com", "watson@example.com"},
        {"user", "sip:user@example.com", "user@example.com"},
        {"j.user", "sip:j.user@example.com", "j.user@example.com"}};
    for (size_t i = 0; i < ARRAY_LEN(named); i++) {
        named[i] = (struct device){.number = str_c(names[i][0]),
                                   .uri = str_c(names[i][1]),
                                   .key = str_c(names[i][2]),
                                   .secret.password = STR("w"),
                                   .has_secret = true};
        CHECK_INT(directory_add_device(&world->directory, &named[i]), 0);
    }
    peers[0] = world->peer[0];
    peers[1] = world->peer[1];
    world->directory.peers = peers;
    world->directory.peer_count = 2;
}

static void up(const char *host)
{
    service_begin(&s, ROLE_BRIDGE);
    s.tweak = tweak;
    if (duty != DUTY_REGISTRAR) {
        struct rule *r =
            service_rule(&s, NULL, duty == DUTY_PROXY ? RULE_PROXY : RULE_REDIRECT);
        r->methods = ~0u & ~(1u << SIP_METHOD_REGISTER);
        r->status = 302;
        if (duty == DUTY_PROXY) {
            service_target(&s, r, RULE_TO_PEER, "trunk");
        } else {
            service_target(&s, r, RULE_TO_URI, "sip:{number}@elsewhere.example");
        }
    }
    service_up(&s);
    raw_up(&sender, &s.w.net, "sender", host);
    peers[2] = (struct peer){.name = STR("sender"), .trusted = true};
    peers[2].addr = sender.node.addr;
    peers[2].addr.port = 0;
    s.w.directory.peer_count = 3;
}

static void drain(struct raw *r)
{
    for (size_t i = 0; i < r->in_n; i++) {
        free((void *)(uintptr_t)r->in[i].p);
    }
    r->in_n = r->taken = 0;
}

static void down(void)
{
    s.w.hard = true;
    service_down(&s);
    raw_down(&sender);
}

static void send_bytes(struct str bytes)
{
    struct hop hop = vnet_hop(ENGINE(&s.w), TP_UDP);
    CHECK_INT(sender.node.env.open(&sender.node, &hop, STR_NONE), 0);
    CHECK_INT(sender.node.env.send(&sender.node, &hop, &bytes, 1), 0);
}

static void check_alive(void)
{
    static unsigned n;
    size_t mark = s.w.wire.n, answers = 0;
    struct hop hop = vnet_hop(ENGINE(&s.w), TP_UDP);
    n++;
    raw_sendf(&s.w.gateway, &hop,
              "OPTIONS sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.1;branch=z9hG4bKa%u\n"
              "Max-Forwards: 70\nFrom: <sip:probe@10.0.2.1>;tag=p\nTo: <sip:example.com>\n"
              "Call-ID: alive%u\nCSeq: 1 OPTIONS\n\n",
              n, n);
    service_run(&s, 20);
    for (size_t i = mark; i < s.w.wire.n; i++) {
        answers += s.w.wire.packet[i].to == &s.w.gateway.node &&
                   wire_is(s.w.wire.packet[i].bytes, "200 OPTIONS");
    }
    CHECK_INT(answers, 1);
    drain(&s.w.gateway);
    drain(&s.w.trunk);
    drain(&sender);
}

/* ---- one message ---- */

/** What the proxy lets through: right in itself, and its body is what the sender's was. */
static void check_forwarded(struct str bytes, struct str original)
{
    struct sip_hdr hdr[SIP_HDR_MAX], was_hdr[SIP_HDR_MAX];
    struct sip_msg m = {.hdr = hdr}, was = {.hdr = was_hdr};
    struct sip_fault fault;
    CHECK_INT(sip_msg_index(&m, bytes, true, &sip_limits_default, &fault), 0);
    CHECK_INT(sip_msg_check(&m, &sip_limits_default, &fault), 0);
    if (CHECK_INT(sip_msg_index(&was, original, true, &sip_limits_default, &fault), 0)) {
        CHECK_BYTES(sip_msg_body(&m), sip_msg_body(&was));
        CHECK_BYTES(sip_msg_method(&m), sip_msg_method(&was));
        CHECK_INT(m.count[SIP_HDR_USER_TO_USER], was.count[SIP_HDR_USER_TO_USER]);
    }
}

#define FORWARDED 1u

/** @return the final answer, FORWARDED, or 0: silence */
static unsigned run_message(struct str bytes)
{
    char host[64];
    unsigned status = 0;
    source_of(bytes, host, sizeof(host));
    up(host);
    send_bytes(bytes);
    service_run(&s, 400);
    for (size_t i = s.mark; i < s.w.wire.n && status == 0; i++) {
        const struct wire_packet *p = &s.w.wire.packet[i];
        if (p->from != ENGINE(&s.w)) {
            continue;
        }
        if (p->to == &s.w.trunk.node && !str_starts(p->bytes, STR("SIP/2.0"))) {
            check_forwarded(p->bytes, bytes);
            status = FORWARDED;
        } else if (str_starts(p->bytes, STR("SIP/2.0 ")) && p->bytes.p[8] != '1') {
            status = (unsigned)strtoul(p->bytes.p + 8, NULL, 10);
        }
    }
    check_alive();
    down();
    return status;
}

/* ---- the tables ---- */

struct outcome {
    const char *name;
    const char *codes[DUTIES]; /**< "forwarded", "none", statuses; NULL: not for that role */
};

#include "outcomes.h"

static bool is_outcome(const char *codes, unsigned status)
{
    return status == FORWARDED ? strcmp(codes, "forwarded") == 0
                               : expected_accepts(str_c(codes), status);
}

static void expect(const char *path, struct str class, struct str codes, bool lenient)
{
    const char *name = strrchr(path, '/') + 1;
    struct str bytes = test_read_file(path);
    const struct outcome *row = NULL;
    (void)class;
    (void)codes;
    (void)lenient;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        row = strcmp(outcomes[i].name, name) == 0 ? &outcomes[i] : row;
    }
    if (str_ends(str_c(path), STR("ipv6-in-sdp.sip"))) {
        expected_correct_length(bytes);
    }
    test_context(path);
    bool registers = str_find(bytes, STR("REGISTER")) < bytes.n;
    if (duty != DUTY_REGISTRAR || registers) {
        unsigned status = run_message(bytes);
        test_context(path);
        if (!CHECK(row != NULL && row->codes[duty] != NULL &&
                   is_outcome(row->codes[duty], status))) {
            printf("#   %s, role %d: %u\n", name, (int)duty, status);
        }
    }
    test_context(NULL);
    free((void *)(uintptr_t)bytes.p);
}

static void tables(enum duty role)
{
    duty = role;
    if (test_data_dir("torture") != NULL) {
        CHECK(expected_table("EXPECTED_rfc4475.tsv", "rfc4475", "", true, expect) >= 33);
        CHECK(expected_table("EXPECTED_rfc5118.tsv", "rfc5118-wire", ".sip", false, expect) >=
              8);
    }
}

static void test_proxy(void)
{
    tables(DUTY_PROXY);
}

static void test_redirect(void)
{
    tables(DUTY_REDIRECT);
}

static void test_registrar(void)
{
    tables(DUTY_REGISTRAR);
}

/** Messages of our own, for a clone without the others. */
static void test_own(void)
{
    for (duty = DUTY_PROXY; duty <= DUTY_REDIRECT; duty++) {
        for (size_t i = 0; i < ARRAY_LEN(own_messages); i++) {
            const struct own *own = &own_messages[i];
            char text[2048];
            size_t n = 0;
            for (const char *p = own->text; *p != '\0'; p++) {
                if (*p == '\n') {
                    text[n++] = '\r';
                }
                text[n++] = *p;
            }
            test_context(own->name);
            unsigned status = run_message(str_make(text, n));
            /* what is right goes on, what no method or extension of ours is, too */
            const char *good = duty == DUTY_PROXY ? "forwarded" : "302";
            bool passes = expected_accepts(str_c(own->codes), 405) ||
                          expected_accepts(str_c(own->codes), 420) ||
                          expected_accepts(str_c(own->codes), 200);
            if (!CHECK((passes && is_outcome(good, status)) ||
                       is_outcome(own->codes, status))) {
                printf("#   %s, role %d: %u\n", own->name, (int)duty, status);
            }
        }
    }
    test_context(NULL);
}

/* ---- c07-sip ---- */

static const struct {
    const char *method, *lines;
} entries[] = {{"INVITE", ""},
               {"SUBSCRIBE", "Event: dialog\r\n"},
               {"REFER", "Refer-To: <sip:1001@example.com>\r\n"},
               {"PUBLISH", "Event: message-summary\r\n"}};

/** INVITE becomes another method, in start line and CSeq; with a header that this one needs. */
static struct str become(struct str text, size_t entry, char *buf, size_t cap)
{
    struct str word = STR("INVITE"), start = str_upto(text, str_find(text, STR("\r\n")) + 2);
    struct out o;
    out_init(&o, buf, cap);
    if (entry == 0 || !str_starts(text, word) || start.n >= text.n) {
        out_str(&o, text);
        return out_str_of(&o);
    }
    out_c(&o, entries[entry].method);
    out_str(&o, str_from(start, word.n));
    out_c(&o, entries[entry].lines);
    text = str_from(text, start.n);
    size_t at = str_find(text, STR("CSeq: "));
    at += str_find(str_from(text, at), word);
    out_str(&o, str_upto(text, at));
    if (at < text.n) {
        out_c(&o, entries[entry].method);
        out_str(&o, str_from(text, at + word.n));
    }
    return out_str_of(&o);
}

static void play(struct str bytes, size_t entry)
{
    static char filled[300000], changed[300000];
    static unsigned number = 1;
    number++;
    while (bytes.n > 0) {
        uint32_t n = 0;
        size_t sp = str_index(bytes, ' ');
        if (!CHECK(str_to_u32(str_trim(str_upto(bytes, sp)), &n))) {
            return;
        }
        bytes = str_from(bytes, sp + 1);
        struct str text = fill(str_upto(bytes, n), number, filled, sizeof(filled) - 64);
        text = become(text, entry, changed, sizeof(changed));
        bytes = str_from(bytes, n);
        if (text.n <= 65535) {
            send_bytes(text);
        }
        service_run(&s, 20);
    }
}

/** Requests that the proxy sent on, and those that a role accepted. */
static size_t got_through(void)
{
    size_t n = 0;
    for (size_t i = s.mark; i < s.w.wire.n; i++) {
        const struct wire_packet *p = &s.w.wire.packet[i];
        n += p->from == ENGINE(&s.w) &&
             (duty == DUTY_PROXY
                  ? wire_is(p->bytes, "INVITE")
                  : wire_is(p->bytes, "20x SUBSCRIBE") || wire_is(p->bytes, "20x REFER") ||
                        wire_is(p->bytes, "20x PUBLISH"));
    }
    return n;
}

/** Every fourth template, from `first` on. At least `least` get through. */
static void run_protos(enum duty role, size_t entry, size_t first, size_t least)
{
    static char path[1024];
    const char *dir = test_data_dir("protos");
    size_t n = 0, played = 0, through = 0;
    if (dir == NULL) {
        return;
    }
    duty = role;
    snprintf(path, sizeof(path), "%s/c07-sip-r2", dir);
    char **names = list_folder(path, &n);
    CHECK(n > 3000);
    up("192.0.2.200");
    for (size_t i = 0; i < n; i++) {
        if (i % 4 == first) {
            snprintf(path, sizeof(path), "%s/c07-sip-r2/%s", dir, names[i]);
            struct str bytes = test_read_file(path);
            test_context(path);
            play(bytes, entry);
            check_alive();
            free((void *)(uintptr_t)bytes.p);
            if (++played % 250 == 0) {
                through += got_through();
                down();
                up("192.0.2.200");
            }
        }
        free(names[i]);
    }
    test_context(NULL);
    through += got_through();
    if (!CHECK(through >= least)) {
        printf("#   %zu\n", through);
    }
    down();
    free(names);
}

static void test_protos_proxied(void)
{
    run_protos(DUTY_PROXY, 0, 0, 100);
}

static void test_protos_subscribe(void)
{
    run_protos(DUTY_REGISTRAR, 1, 1, 100);
}

static void test_protos_refer(void)
{
    run_protos(DUTY_REGISTRAR, 2, 2, 100);
}

static void test_protos_publish(void)
{
    run_protos(DUTY_REGISTRAR, 3, 3, 0); /* a body of SDP is no summary: 415 */
}

TEST_MAIN(T(test_own), T(test_proxy), T(test_redirect), T(test_registrar),
          T(test_protos_proxied), T(test_protos_subscribe), T(test_protos_refer),
          T(test_protos_publish))
