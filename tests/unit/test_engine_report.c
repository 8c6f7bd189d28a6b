/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the log says at level info: one engine at 10.0.0.1, a trusted peer at 10.0.0.9 who
 * registers 1001 and calls, and a stranger at 10.0.0.66.
 */
#include "engine/engine.h"
#include "fixture_leg.h"

#include <stdio.h>
#include <string.h>

static const struct str domains[] = {STR_INIT("example.com")};

struct site {
    struct vnet net;
    struct vnode node;
    struct test_mem mem;
    struct directory directory;
    struct device device;
    struct peer peer;
    struct engine *engine;
    struct raw stranger, pbx;
    struct hop to;
    char log[8192]; /* "level module: text\n" … */
    size_t n;
    int about, of_caller, of_callee, of_device, of_message; /* lines, by whom they name */
};

static void receive(void *ctx, struct str bytes, const struct hop *from, uint64_t now_ms)
{
    engine_input(((struct site *)ctx)->engine, from, bytes, true, now_ms);
}

static void tick(void *ctx, uint64_t now_ms)
{
    engine_tick(((struct site *)ctx)->engine, now_ms);
}

static uint64_t deadline(void *ctx)
{
    const struct site *s = ctx;
    return s->engine != NULL ? engine_deadline(s->engine) : WHEEL_NEVER;
}

static struct site *the_site; /* env.ctx is the node's */

static void keep(void *ctx, enum trace_level level, const char *module,
                 const struct trace_ids *ids, struct str text)
{
    struct site *s = the_site;
    size_t room = sizeof(s->log) - s->n;
    (void)ctx;
    int n =
        snprintf(s->log + s->n, room, "%c %s: %.*s\n", "DIWE"[level], module, STR_ARG(text));
    s->n += n > 0 && (size_t)n < room ? (size_t)n : 0;
    if (str_is_set(ids->call) && str_starts(text, ids->call) && str_is_set(ids->sip_call)) {
        s->about++;
        s->of_caller +=
            str_eq(ids->sip_call, STR("abc")) && str_eq(ids->device, STR("sip:9@example.com"));
        s->of_callee += !str_eq(ids->sip_call, STR("abc")) &&
                        str_eq(ids->device, STR("sip:1001@example.com"));
    }
    s->of_device +=
        strcmp(module, "registrar") == 0 && str_eq(ids->device, STR("sip:1001@example.com"));
    s->of_message += str_eq(ids->sip_call, STR("def"));
}

static void up(struct site *s)
{
    static const struct vnode_user user = {
        .receive = receive, .tick = tick, .deadline = deadline};
    struct engine_config config = {.directory = &s->directory,
                                   .leg.allow = STR("INVITE, ACK, CANCEL, BYE, OPTIONS"),
                                   .leg.accept = STR("application/sdp")};
    *s = (struct site){0};
    the_site = s;
    vnet_init(&s->net, 1);
    test_mem_init(&s->mem);
    vnet_add(&s->net, &s->node, "baton", "10.0.0.1", &s->mem.mem, &user, s);
    s->node.env.trace = keep;
    CHECK_INT(directory_init(&s->directory, &s->node.env, domains, 1), 0);
    s->device = (struct device){.number = STR("1001"),
                                .uri = STR("sip:1001@example.com"),
                                .key = STR("1001@example.com"),
                                .secret.password = STR("one"),
                                .has_secret = true};
    CHECK_INT(directory_add_device(&s->directory, &s->device), 0);
    s->peer = (struct peer){.name = STR("pbx"), .uri = STR("sip:10.0.0.9"), .trusted = true};
    CHECK(addr_parse_host(STR("10.0.0.9"), 0, &s->peer.addr));
    s->directory.peers = &s->peer;
    s->directory.peer_count = 1;
    s->engine = engine_new(&s->node.env, &config, s->net.now_ms);
    raw_up(&s->stranger, &s->net, "stranger", "10.0.0.66");
    raw_up(&s->pbx, &s->net, "pbx", "10.0.0.9");
    s->to = vnet_hop(&s->node, TP_UDP);
}

static void down(struct site *s)
{
    engine_free(s->engine);
    s->engine = NULL;
    directory_fini(&s->directory);
    raw_down(&s->stranger);
    raw_down(&s->pbx);
    vnet_fini(&s->net);
}

static void ask(struct site *s, struct raw *r, const char *id, const char *method,
                const char *uri, const char *to, const char *lines)
{
    raw_sendf(r, &s->to,
              "%s %s SIP/2.0\nVia: SIP/2.0/UDP x:5060;branch=z9hG4bK%s;rport\n"
              "From: <sip:9@example.com>;tag=a\nTo: <%s>\nCall-ID: %s\nCSeq: 1 %s\n"
              "Max-Forwards: 70\nContact: <sip:9@10.0.0.9>\n%s\n",
              method, uri, id, to, id, method, lines);
    vnet_run_for(&s->net, 40);
}

/** Is there a line that begins and ends so, after the last one that was found? */
static void check_said(struct site *s, const char *begin, const char *end)
{
    const char *at = strstr(s->log, begin);
    const char *stop = at == NULL ? NULL : strchr(at, '\n');

    test_context(begin);
    if (CHECK(stop != NULL)) {
        size_t n = strlen(end);
        CHECK((size_t)(stop - at) >= n && memcmp(stop - n, end, n) == 0);
    }
    test_context(NULL);
}

static void register_1001(struct site *s, const char *id, const char *lines)
{
    ask(s, &s->pbx, id, "REGISTER", "sip:example.com", "sip:1001@example.com", lines);
}

static void test_registration(void)
{
    struct site s;
    up(&s);
    register_1001(&s, "r1", "User-Agent: Desk\n");
    check_said(&s,
               "I registrar: 1001@example.com is registered, from UDP 10.0.0.9:", " (Desk)");
    CHECK_INT(s.of_device, 1);
    s.n = 0;
    register_1001(&s, "r2", "User-Agent: Desk\n");
    CHECK_INT(s.n, 0); /* a refresh is no news */
    register_1001(&s, "r3", "Expires: 0\n");
    check_said(&s, "I registrar: 1001@example.com is no longer", " registered");
    down(&s);
}

static void take(struct raw *r)
{
    struct text_msg m = raw_take(r);
    text_free(&m);
}

static void test_a_call_that_is_refused(void)
{
    struct text_msg m = {0};
    struct site s;
    up(&s);
    register_1001(&s, "r1", "");
    take(&s.pbx);
    ask(&s, &s.pbx, "abc", "INVITE", "sip:1001@example.com", "sip:1001@example.com", "");
    check_said(&s, "I call: ", ": sip:9@example.com calls sip:1001@example.com, Call-ID abc");
    s.n = 0;
    do {
        text_free(&m);
        m = raw_take(&s.pbx);
    } while (m.m != NULL && !sip_is_request(m.m));
    if (CHECK(m.m != NULL)) {
        raw_reply(&s.pbx, &s.to, m.m, "486 Busy Here", "b", "", "");
    }
    text_free(&m);
    vnet_run_for(&s.net, 40);
    check_said(&s, "I call: ", " was not reached: busy, 486 Busy Here");
    CHECK(strstr(s.log, ": ended, busy\n") != NULL);
    CHECK(s.of_caller >= 1 && s.of_callee >= 1);
    CHECK_INT(s.of_caller + s.of_callee, s.about);
    s.n = 0;
    ask(&s, &s.pbx, "def", "INVITE", "sip:1009@example.com", "sip:1009@example.com", "");
    check_said(&s, "I call: sip:9@example.com calls sip:1009@example.com",
               ": refused, 404 Not Found: no device has the number, and no peer takes it");
    CHECK(s.of_message >= 1);
    vnet_run_for(&s.net, 100000);
    down(&s);
}

static void test_the_rule_that_took_a_call(void)
{
    struct rule rule = {.name = STR("closed today"),
                        .methods = 1u << SIP_METHOD_INVITE,
                        .percent = 100,
                        .action = RULE_REFUSE,
                        .status = 480};
    struct rule_table table;
    struct arena arena;
    struct site s;
    up(&s);
    arena_init(&arena, &mem_libc, 1024);
    REQUIRE(rule_table_init(&table, &arena, &rule, 1, NULL) == 0);
    engine_set_routes(s.engine, &table);
    ask(&s, &s.pbx, "r", "INVITE", "sip:1001@example.com", "sip:1001@example.com", "");
    check_said(&s,
               "I route: INVITE sip:1001@example.com of sip:9@example.com from UDP 10.0.0.9:",
               ": refuse, by the rule \"closed today\"");
    check_said(&s, "I sip: INVITE sip:1001@example.com ", ": 480 Temporarily Unavailable");
    down(&s);
    arena_fini(&arena);
}

static void test_who_was_turned_away(void)
{
    struct site s;
    up(&s);
    ask(&s, &s.stranger, "a", "INVITE", "sip:1001@example.com", "sip:1001@example.com", "");
    CHECK_INT(s.n, 0); /* a challenge is how everything begins */
    s.peer.addr.port = 5070;
    ask(&s, &s.pbx, "p", "INVITE", "sip:1001@example.com", "sip:1001@example.com", "");
    check_said(&s,
               "I auth: INVITE sip:1001@example.com of sip:9@example.com from UDP 10.0.0.9:",
               ": the address of peer pbx, but not its port 5070");
    s.n = 0;
    ask(&s, &s.stranger, "m", "MESSAGE", "sip:1001@example.com", "sip:1001@example.com", "");
    check_said(&s,
               "I sip: MESSAGE sip:1001@example.com of sip:9@example.com from UDP 10.0.0.66:",
               ": 405 Method Not Allowed");
    s.n = 0;
    ask(&s, &s.stranger, "w", "INVITE", "sip:1001@example.com", "sip:1001@example.com",
        "Authorization: Digest username=\"ghost\", realm=\"example.com\", nonce=\"n\", "
        "uri=\"sip:1001@example.com\", response=\"00000000000000000000000000000000\", "
        "algorithm=MD5, qop=auth, cnonce=\"c\", nc=00000001\n");
    check_said(&s,
               "W auth: INVITE sip:1001@example.com of sip:9@example.com from UDP 10.0.0.66:",
               ": no device or application with a password is named \"ghost\"");
    s.n = 0;
    ask(&s, &s.stranger, "v", "INVITE", "sip:1001@example.com", "sip:1001@example.com",
        "Authorization: Digest username=\"1001\", realm=\"example.com\", nonce=\"n\", "
        "uri=\"sip:1001@example.com\", response=\"00000000000000000000000000000000\", "
        "algorithm=MD5, qop=auth, cnonce=\"c\", nc=00000001\n");
    check_said(&s, "W auth: ", ": the credentials of \"1001\" are wrong");
    s.n = 0;
    raw_send(&s.stranger, &s.to, "hello\n\n");
    vnet_run_for(&s.net, 40);
    check_said(&s, "I sip: malformed message from UDP 10.0.0.66:", " at octet 5");
    down(&s);
}

TEST_MAIN(T(test_registration), T(test_a_call_that_is_refused),
          T(test_the_rule_that_took_a_call), T(test_who_was_turned_away))
