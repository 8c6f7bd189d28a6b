/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DNS through c-ares and the cache, against a name server that stands in the same loop: it
 * answers from a zone in a table, counts the questions, and can be silent or talk rubbish.
 */
#include "base/err.h"
#include "kit_dns.h"
#include "net/net.h"
#include "net/sockaddr.h"
#include "test.h"
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define ROUNDS 20000

enum mood { HONEST, SILENT, BROKEN, RUBBISH };

struct world {
    struct net *net;
    const struct env *env;
    uv_poll_t poll;
    uv_timer_t guard;
    int fd;
    char servers[64];
    struct kit_zone zone;
    uint32_t ttl;
    enum mood mood;
    size_t questions, resolved;
    bool late;
};

/* ---- the name server ---- */

struct wire {
    unsigned char p[4096];
    size_t n;
};

static void w8(struct wire *w, unsigned v)
{
    w->p[w->n++] = (unsigned char)v;
}

static void w16(struct wire *w, unsigned v)
{
    w8(w, v >> 8);
    w8(w, v & 0xff);
}

static void w32(struct wire *w, uint32_t v)
{
    w16(w, v >> 16);
    w16(w, v & 0xffff);
}

static void w_text(struct wire *w, const char *text)
{
    w8(w, (unsigned)strlen(text));
    memcpy(w->p + w->n, text, strlen(text));
    w->n += strlen(text);
}

static void w_name(struct wire *w, const char *name)
{
    while (*name != '\0') {
        size_t n = strcspn(name, ".");
        w8(w, (unsigned)n);
        memcpy(w->p + w->n, name, n);
        w->n += n;
        name += n + (name[n] == '.');
    }
    w8(w, 0);
}

static void w_record(struct wire *w, const struct kit_record *k, uint32_t ttl)
{
    static const uint16_t types[] = {1, 28, 33, 35};
    w16(w, 0xc00c); /* the name of the question */
    w16(w, types[k->type]);
    w16(w, 1);
    w32(w, ttl);
    size_t len = w->n;
    w16(w, 0);
    if (k->type == DNS_A || k->type == DNS_AAAA) {
        size_t n = k->type == DNS_A ? 4 : 16;
        memcpy(w->p + w->n, k->r.addr.ip, n);
        w->n += n;
    } else {
        w16(w, k->r.priority);
        w16(w, k->r.weight);
        if (k->type == DNS_SRV) {
            w16(w, k->r.port);
        } else {
            w_text(w, k->flags);
            w_text(w, k->service);
            w_text(w, "");
        }
        w_name(w, k->target);
    }
    w->p[len] = (unsigned char)((w->n - len - 2) >> 8);
    w->p[len + 1] = (unsigned char)(w->n - len - 2);
}

/** The name of the question as text. @return octets of the question, 0: not understood */
static size_t read_question(const unsigned char *p, size_t n, char name[256], unsigned *type)
{
    size_t at = 12, out = 0;
    while (at < n && p[at] != 0 && out + p[at] + 1 < 255) {
        if (out > 0) {
            name[out++] = '.';
        }
        memcpy(name + out, p + at + 1, p[at]);
        out += p[at];
        at += p[at] + 1u;
    }
    name[out] = '\0';
    *type = (unsigned)p[at + 1] << 8 | p[at + 2];
    return at + 5 <= n ? at + 5 - 12 : 0;
}

static void on_question(uv_poll_t *poll, int status, int events)
{
    struct world *w = poll->data;
    unsigned char in[1500];
    struct wire out = {.n = 0};
    struct sockaddr_storage from;
    socklen_t len = sizeof from;
    char name[256];
    unsigned type, answers = 0;
    (void)status;
    (void)events;
    ssize_t got = recvfrom(w->fd, in, sizeof in, 0, (struct sockaddr *)&from, &len);
    if (got < 17) {
        return;
    }
    w->questions++;
    size_t n = read_question(in, (size_t)got, name, &type);
    if (w->mood == SILENT || n == 0) {
        return;
    }
    for (size_t i = 0; i < w->zone.n; i++) {
        answers += str_ieq(str_c(w->zone.record[i].name), str_c(name));
    }
    unsigned rcode = w->mood == BROKEN ? 2 : answers == 0 ? 3 : 0;
    memcpy(out.p, in, 12 + n);
    out.n = 12 + n;
    memcpy(out.p + 2, (unsigned char[]){0x85, (unsigned char)(0x80 | rcode)}, 2);
    answers = 0;
    for (size_t i = 0; rcode == 0 && i < w->zone.n; i++) {
        static const uint16_t types[] = {1, 28, 33, 35};
        const struct kit_record *k = &w->zone.record[i];
        if (types[k->type] == type && str_ieq(str_c(k->name), str_c(name))) {
            w_record(&out, k, w->ttl);
            answers++;
        }
    }
    memcpy(out.p + 6, (unsigned char[]){0, (unsigned char)answers, 0, 0, 0, 0}, 6);
    if (w->mood == RUBBISH) {
        memset(out.p + 12 + n, 0xc0, out.n - 12 - n);
    }
    CHECK(sendto(w->fd, out.p, out.n, 0, (struct sockaddr *)&from, len) == (ssize_t)out.n);
}

/* ---- the world ---- */

static void on_guard(uv_timer_t *t)
{
    ((struct world *)t->data)->late = true;
}

static void on_resolved(void *ctx, uint64_t now_ms)
{
    CHECK(now_ms > 0);
    ((struct world *)ctx)->resolved++;
}

static void world_init(struct world *w, struct net_config config)
{
    struct addr at;
    union net_sockaddr sa;
    socklen_t len = sizeof sa;
    memset(w, 0, sizeof *w);
    w->ttl = 300;
    w->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    CHECK(addr_parse(STR("127.0.0.1"), &at));
    union net_sockaddr own;
    CHECK(bind(w->fd, &own.sa, sockaddr_of(&at, &own)) == 0);
    CHECK(getsockname(w->fd, &sa.sa, &len) == 0 && sockaddr_read(&sa.sa, &at));
    snprintf(w->servers, sizeof w->servers, "127.0.0.1:%u", at.port);
    config.dns_servers = w->servers;
    config.handler = (struct net_handler){.ctx = w, .resolved = on_resolved};
    w->net = net_new(&config);
    REQUIRE(w->net != NULL);
    w->env = net_env(w->net);
    uv_poll_init(net_loop(w->net), &w->poll, w->fd);
    uv_timer_init(net_loop(w->net), &w->guard);
    w->poll.data = w->guard.data = w;
    uv_poll_start(&w->poll, UV_READABLE, on_question);
    uv_timer_start(&w->guard, on_guard, 20000, 0);
}

static void world_fini(struct world *w)
{
    CHECK(!w->late);
    uv_close((uv_handle_t *)&w->poll, NULL);
    uv_close((uv_handle_t *)&w->guard, NULL);
    net_free(w->net);
    close(w->fd);
}

static struct net_stats stats(struct world *w)
{
    struct net_stats s;
    net_stats(w->net, &s);
    return s;
}

static int ask(struct world *w, enum dns_type type, const char *name,
               const struct dns_record **r, size_t *n)
{
    *r = NULL;
    *n = 0;
    return w->env->query(w->env->ctx, type, str_c(name), r, n);
}

/** Ask until there is an answer. */
static int answer(struct world *w, enum dns_type type, const char *name,
                  const struct dns_record **r, size_t *n)
{
    int err = ask(w, type, name, r, n);
    for (int i = 0; i < ROUNDS && err == E_AGAIN && !w->late; i++) {
        size_t before = w->resolved;
        net_turn(w->net, true);
        err = w->resolved > before ? ask(w, type, name, r, n) : E_AGAIN;
    }
    return err;
}

static void until_ms(struct world *w, uint64_t when)
{
    /* turns take a microsecond on a fast machine: the bound is for a clock that stands still */
    for (long i = 0; i < ROUNDS * 100000L && net_now(w->net) < when; i++) {
        net_turn(w->net, false);
    }
}

#define ADD(name, record) (void)kit_dns_add(&w.zone, name, record)

static void test_records_of_all_types(void)
{
    struct world w;
    const struct dns_record *r;
    size_t n;
    world_init(&w, (struct net_config){0});
    ADD("example.net", "NAPTR 50 10 s SIP+D2T _sip._tcp.example.net");
    ADD("example.net", "NAPTR 60 11 u E2U+sip x.example.net");
    ADD("_sip._tcp.example.net", "SRV 1 2 5070 a.example.net");
    ADD("a.example.net", "A 192.0.2.1");
    ADD("a.example.net", "A 192.0.2.2");
    ADD("a.example.net", "AAAA 2001:db8::7");
    CHECK_INT(ask(&w, DNS_NAPTR, "example.net", &r, &n), E_AGAIN);
    CHECK_INT(ask(&w, DNS_NAPTR, "EXAMPLE.net.", &r, &n), E_AGAIN); /* the same question */
    CHECK_INT(answer(&w, DNS_NAPTR, "example.net", &r, &n), 0);
    CHECK_INT(w.questions, 1);
    REQUIRE(n == 2);
    const struct dns_record *s = r[0].priority == 50 ? r : r + 1;
    CHECK_INT(s->weight, 10);
    CHECK_STR(s->service, "SIP+D2T");
    CHECK_STR(s->flags, "s");
    CHECK_STR(s->regexp, "");
    CHECK_STR(s->target, "_sip._tcp.example.net");
    CHECK_INT(answer(&w, DNS_SRV, "_sip._tcp.example.net", &r, &n), 0);
    REQUIRE(n == 1);
    CHECK_INT(r->priority, 1);
    CHECK_INT(r->weight, 2);
    CHECK_INT(r->port, 5070);
    CHECK_STR(r->target, "a.example.net");
    CHECK_INT(answer(&w, DNS_A, "a.example.net", &r, &n), 0);
    REQUIRE(n == 2);
    CHECK_INT(r[0].addr.family, ADDR_IP4);
    CHECK_INT(r[0].addr.port, 0);
    CHECK_INT(answer(&w, DNS_AAAA, "a.example.net", &r, &n), 0);
    REQUIRE(n == 1);
    struct addr want;
    CHECK(addr_parse(STR("2001:db8::7"), &want));
    CHECK(addr_eq(&r->addr, &want));
    CHECK_INT(answer(&w, DNS_SRV, "a.example.net", &r, &n), E_NOTFOUND);
    CHECK_INT(answer(&w, DNS_A, "nobody.example.net", &r, &n), E_NOTFOUND);
    size_t questions = w.questions;
    CHECK_INT(answer(&w, DNS_A, "nobody.example.net", &r, &n), E_NOTFOUND); /* remembered */
    CHECK_INT(answer(&w, DNS_A, "A.example.net", &r, &n), 0);
    CHECK_INT(w.questions, questions);
    CHECK_INT(stats(&w).names, 6);
    CHECK_INT(stats(&w).lookups, 0);
    world_fini(&w);
}

/** The TTL counts, between the two bounds; a name is told of once in a while only. */
static void test_how_long_answers_are_kept(void)
{
    struct world w;
    const struct dns_record *r;
    size_t n;
    world_init(&w, (struct net_config){.resolve_min_ms = 50, .resolve_fail_ms = 50});
    ADD("a.example.net", "A 192.0.2.1");
    w.ttl = 0;
    CHECK_INT(answer(&w, DNS_A, "a.example.net", &r, &n), 0);
    uint64_t end = net_now(w.net) + 50;
    until_ms(&w, end);
    CHECK_INT(ask(&w, DNS_A, "a.example.net", &r, &n), E_AGAIN);
    w.ttl = 300;
    CHECK_INT(answer(&w, DNS_A, "a.example.net", &r, &n), 0);
    until_ms(&w, net_now(w.net) + 60);
    CHECK_INT(ask(&w, DNS_A, "a.example.net", &r, &n), 0);
    CHECK_INT(w.questions, 2);
    CHECK_INT(answer(&w, DNS_A, "b.example.net", &r, &n), E_NOTFOUND);
    until_ms(&w, net_now(w.net) + 60);
    ADD("b.example.net", "A 192.0.2.2");
    CHECK_INT(answer(&w, DNS_A, "b.example.net", &r, &n), 0);
    world_fini(&w);
    world_init(&w, (struct net_config){.resolve_min_ms = 1, .resolve_max_ms = 50});
    ADD("a.example.net", "A 192.0.2.1");
    CHECK_INT(answer(&w, DNS_A, "a.example.net", &r, &n), 0);
    until_ms(&w, net_now(w.net) + 60);
    CHECK_INT(ask(&w, DNS_A, "a.example.net", &r, &n), E_AGAIN);
    world_fini(&w);
}

/** While the name server is silent, broken or mad, what it said before goes on being used. */
static void test_a_server_that_fails(void)
{
    static const enum mood moods[] = {SILENT, BROKEN, RUBBISH};
    for (size_t i = 0; i < ARRAY_LEN(moods); i++) {
        struct world w;
        const struct dns_record *r;
        size_t n;
        world_init(&w, (struct net_config){.resolve_min_ms = 20,
                                           .resolve_max_ms = 20,
                                           .resolve_fail_ms = 20,
                                           .resolve_stale_ms = 60000,
                                           .dns_timeout_ms = 20,
                                           .dns_tries = 1});
        ADD("a.example.net", "A 192.0.2.1");
        CHECK_INT(answer(&w, DNS_A, "a.example.net", &r, &n), 0);
        w.mood = moods[i];
        until_ms(&w, net_now(w.net) + 25);
        CHECK_INT(answer(&w, DNS_A, "a.example.net", &r, &n), 0);
        CHECK_INT(n, 1);
        CHECK(stats(&w).names_stale > 0);
        ADD("b.example.net", "A 192.0.2.2");
        CHECK_INT(answer(&w, DNS_A, "b.example.net", &r, &n), E_IO);
        w.mood = HONEST;
        until_ms(&w, net_now(w.net) + 25);
        CHECK_INT(answer(&w, DNS_A, "b.example.net", &r, &n), 0);
        /* That it is gone is an answer, too. */
        w.zone.n = 1;
        until_ms(&w, net_now(w.net) + 25);
        CHECK_INT(answer(&w, DNS_A, "b.example.net", &r, &n), E_NOTFOUND);
        world_fini(&w);
    }
}

/** The hosts file answers for addresses, in both families, without a question. */
static void test_hosts_file(void)
{
    struct world w;
    const struct dns_record *r;
    size_t n;
    world_init(&w, (struct net_config){0});
    CHECK_INT(ask(&w, DNS_A, "localhost", &r, &n), 0);
    CHECK(n > 0 && addr_is_loopback(&r->addr));
    int err = ask(&w, DNS_AAAA, "LocalHost.", &r, &n);
    CHECK(err == 0 || err == E_NOTFOUND); /* as the file has it */
    CHECK_INT(w.questions, 0);
    CHECK_INT(w.resolved, 0);
    CHECK_INT(answer(&w, DNS_SRV, "localhost", &r, &n), E_NOTFOUND);
    CHECK_INT(w.questions, 1);
    world_fini(&w);
}

static void test_names_that_are_none(void)
{
    struct world w;
    const struct dns_record *r;
    size_t n;
    char text[300];
    world_init(&w, (struct net_config){0});
    static const char *const names[] = {"", "a b", "-x", ".x", "a\nb", "a/b", "[zz]"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str name = test_guard(str_c(names[i]));
        CHECK_INT(w.env->query(w.env->ctx, DNS_A, name, &r, &n), E_NOTFOUND);
        test_guard_free(name);
    }
    memset(text, 'a', sizeof text);
    CHECK_INT(w.env->query(w.env->ctx, DNS_A, str_make(text, 254), &r, &n), E_NOTFOUND);
    CHECK_INT(stats(&w).names_asked, 0);
    CHECK_INT(answer(&w, DNS_A, "a..b", &r, &n), E_NOTFOUND);
    text[64] = '\0'; /* a label is 63 octets at most */
    text[70] = '.';
    CHECK_INT(answer(&w, DNS_A, text, &r, &n), E_NOTFOUND);
    CHECK_INT(w.questions, 0);
    world_fini(&w);
}

static void test_bounds(void)
{
    struct world w;
    const struct dns_record *r;
    size_t n;
    world_init(&w, (struct net_config){.max_names = 3, .max_lookups = 2});
    ADD("a.example.net", "A 192.0.2.1");
    CHECK_INT(ask(&w, DNS_A, "a.example.net", &r, &n), E_AGAIN);
    CHECK_INT(ask(&w, DNS_A, "b.example.net", &r, &n), E_AGAIN);
    CHECK_INT(ask(&w, DNS_A, "c.example.net", &r, &n), E_AGAIN); /* has to wait */
    CHECK_INT(stats(&w).lookups, 2);
    CHECK_INT(ask(&w, DNS_A, "d.example.net", &r, &n), E_AGAIN); /* takes c's place */
    CHECK_INT(stats(&w).names, 3);
    CHECK_INT(answer(&w, DNS_A, "c.example.net", &r, &n), E_NOTFOUND);
    CHECK_INT(answer(&w, DNS_A, "a.example.net", &r, &n), 0);
    CHECK_INT(stats(&w).names, 3);
    world_fini(&w);
    world_init(&w, (struct net_config){.max_names = 2});
    CHECK_INT(ask(&w, DNS_A, "a.example.net", &r, &n), E_AGAIN);
    CHECK_INT(ask(&w, DNS_A, "b.example.net", &r, &n), E_AGAIN);
    CHECK_INT(ask(&w, DNS_A, "c.example.net", &r, &n), E_NOTFOUND); /* all are being asked */
    world_fini(&w);
}

static void test_free_during_a_look_up(void)
{
    struct world w;
    const struct dns_record *r;
    size_t n;
    world_init(&w, (struct net_config){0});
    w.mood = SILENT;
    for (int i = 0; i < 8; i++) {
        char name[32];
        snprintf(name, sizeof name, "host%d.example.net", i);
        CHECK_INT(ask(&w, DNS_A, name, &r, &n), E_AGAIN);
    }
    CHECK_INT(stats(&w).lookups, 8);
    world_fini(&w);
    CHECK_INT(w.resolved, 0);
}

static void test_a_list_of_servers_that_is_none(void)
{
    struct net_config config = {.dns_servers = "nonsense"};
    CHECK(net_new(&config) == NULL);
}

TEST_MAIN(T(test_records_of_all_types), T(test_how_long_answers_are_kept),
          T(test_a_server_that_fails), T(test_hosts_file), T(test_names_that_are_none),
          T(test_bounds), T(test_free_during_a_look_up), T(test_a_list_of_servers_that_is_none))
