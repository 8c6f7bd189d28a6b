/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 3263 §4: which hops a target has, over tables of records. */
#include "kit_dns.h"
#include "route/locate.h"
#include "test.h"

struct world {
    struct kit_zone zone;
    struct env env;
    uint64_t seed;
    bool no_ip6, no_tcp, no_tls, loopback_only;
};

static void random_bytes(void *ctx, void *out, size_t n)
{
    struct world *w = ctx;
    for (size_t i = 0; i < n; i++) {
        w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
        ((unsigned char *)out)[i] = (unsigned char)(w->seed >> 56);
    }
}

static int query(void *ctx, enum dns_type type, struct str name,
                 const struct dns_record **records, size_t *n)
{
    struct world *w = ctx;
    return kit_dns_query(&w->zone, type, name, records, n);
}

static bool reaches(void *ctx, const struct hop *hop)
{
    const struct world *w = ctx;
    return !(w->no_ip6 && hop->remote.family == ADDR_IP6) &&
           !(w->no_tcp && hop->transport == TP_TCP) &&
           !(w->no_tls && hop->transport == TP_TLS) &&
           (!w->loopback_only || hop->remote.ip[0] == 0 || addr_is_loopback(&hop->remote));
}

static void world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->seed = 7;
    w->env = (struct env){.ctx = w, .random = random_bytes, .query = query, .reaches = reaches};
}

/** "UDP 192.0.2.1:5060, TCP [::1]:5060", or the error. */
static const char *locate(struct world *w, const char *host, uint16_t port, enum transport t,
                          bool sips)
{
    static char text[1024];
    struct route_hops hops;
    struct route_want want = {.host = str_c(host), .port = port, .transport = t, .sips = sips};
    struct out o;
    int err = route_locate(&w->env, &want, &hops);
    out_init(&o, text, sizeof text - 1);
    if (err != 0) {
        CHECK_INT(hops.n == 0 || err == E_AGAIN, 1);
        out_c(&o, err == E_AGAIN         ? "again"
                  : err == E_NOTFOUND    ? "none"
                  : err == E_UNSUPPORTED ? "unsupported"
                                         : "failed");
    } else {
        CHECK(hops.n > 0 && hops.n <= ROUTE_HOPS);
    }
    for (size_t i = 0; err == 0 && i < hops.n; i++) {
        CHECK_INT(hops.hop[i].flow, 0);
        out_fmt(&o, "%s%s ", i > 0 ? ", " : "",
                transport_name((enum transport)hops.hop[i].transport));
        addr_write(&o, &hops.hop[i].remote);
    }
    text[o.n] = '\0';
    return text;
}

#define ADD(name, record) (void)kit_dns_add(&w.zone, name, record)
#define LOCATES(want, ...) CHECK_STR(str_c(locate(&w, __VA_ARGS__)), want)

static void test_numeric(void)
{
    struct world w;
    world_init(&w);
    LOCATES("UDP 192.0.2.1:5060", "192.0.2.1", 0, TP_NONE, false);
    LOCATES("UDP 192.0.2.1:5070", "192.0.2.1", 5070, TP_NONE, false);
    LOCATES("TCP 192.0.2.1:5060", "192.0.2.1", 0, TP_TCP, false);
    LOCATES("TLS 192.0.2.1:5061", "192.0.2.1", 0, TP_TLS, false);
    LOCATES("TLS [2001:db8::1]:5061", "[2001:db8::1]", 0, TP_NONE, true);
    LOCATES("TLS 192.0.2.1:5061", "192.0.2.1", 0, TP_TCP, true);
    CHECK_INT(w.zone.asked, 0);
}

/** A port, or a transport, and there is no NAPTR to be asked; a port, and no SRV (§4.2). */
static void test_what_is_given_is_not_asked(void)
{
    struct world w;
    world_init(&w);
    ADD("example.com", "NAPTR 1 1 s SIP+D2T _sip._tcp.example.com");
    ADD("_sip._tcp.example.com", "SRV 1 1 5080 a.example.com");
    ADD("_sip._udp.example.com", "SRV 1 1 5081 a.example.com");
    ADD("_sips._tcp.example.com", "SRV 1 1 5082 a.example.com");
    ADD("a.example.com", "A 192.0.2.1");
    ADD("example.com", "A 192.0.2.9");
    LOCATES("UDP 192.0.2.9:5099", "example.com", 5099, TP_NONE, false);
    LOCATES("TLS 192.0.2.9:5099", "example.com", 5099, TP_NONE, true);
    LOCATES("TCP 192.0.2.9:5099", "example.com", 5099, TP_TCP, false);
    LOCATES("UDP 192.0.2.1:5081", "example.com", 0, TP_UDP, false);
    LOCATES("TCP 192.0.2.1:5080", "example.com.", 0, TP_TCP, false);
    LOCATES("TLS 192.0.2.1:5082", "example.com", 0, TP_TLS, false);
    LOCATES("TLS 192.0.2.1:5082", "example.com", 0, TP_TCP, true);
    LOCATES("TCP 192.0.2.1:5080", "example.com", 0, TP_NONE, false);
    LOCATES("unsupported", "example.com", 0, TP_WSS, false);
}

/** The example of RFC 3263 §4.1. */
static void test_naptr(void)
{
    struct world w;
    world_init(&w);
    ADD("example.com", "NAPTR 100 50 s SIP+D2U _sip._udp.example.com");
    ADD("example.com", "NAPTR 90 50 s SIP+D2T _sip._tcp.example.com");
    ADD("example.com", "NAPTR 50 50 s SIPS+D2T _sips._tcp.example.com");
    ADD("_sip._tcp.example.com", "SRV 0 1 5060 server1.example.com");
    ADD("_sip._tcp.example.com", "SRV 1 2 5060 server2.example.com");
    ADD("_sips._tcp.example.com", "SRV 0 1 5061 server1.example.com");
    ADD("_sip._udp.example.com", "SRV 0 1 5060 server2.example.com");
    ADD("server1.example.com", "A 192.0.2.1");
    ADD("server2.example.com", "A 192.0.2.2");
    LOCATES("TLS 192.0.2.1:5061", "example.com", 0, TP_NONE, false);
    w.no_tls = true;
    LOCATES("TCP 192.0.2.1:5060, TCP 192.0.2.2:5060", "example.com", 0, TP_NONE, false);
    LOCATES("none", "example.com", 0, TP_NONE, true); /* it exists, and we cannot */
    w.no_tcp = true;
    LOCATES("UDP 192.0.2.2:5060", "example.com", 0, TP_NONE, false);
}

static void test_naptr_preference_and_strangers(void)
{
    struct world w;
    world_init(&w);
    ADD("example.com", "NAPTR 10 1 s SIP+D2W ws.example.com");
    ADD("example.com", "NAPTR 10 2 s SIPS+D2W ws.example.com");
    ADD("example.com", "NAPTR 10 3 u E2U+sip x.example.com");
    ADD("example.com", "NAPTR 10 4 a SIP+D2U a.example.com");
    ADD("example.com", "NAPTR 20 9 S sip+d2u udp.example.com");
    ADD("example.com", "NAPTR 20 8 s SIP+D2T tcp.example.com.");
    ADD("udp.example.com", "SRV 0 0 5070 a.example.com.");
    ADD("tcp.example.com", "SRV 0 0 5080 a.example.com");
    ADD("a.example.com", "A 192.0.2.1");
    LOCATES("TCP 192.0.2.1:5080, UDP 192.0.2.1:5070", "example.com", 0, TP_NONE, false);
    /* Only ways that we cannot go: the domain has said so, nothing else is guessed. */
    world_init(&w);
    ADD("example.com", "NAPTR 10 1 s SIP+D2W ws.example.com");
    ADD("example.com", "A 192.0.2.1");
    LOCATES("none", "example.com", 0, TP_NONE, false);
    /* Records that have nothing to do with SIP: as if there were none. */
    world_init(&w);
    ADD("example.com", "NAPTR 10 3 u E2U+sip x.example.com");
    ADD("example.com", "A 192.0.2.1");
    LOCATES("UDP 192.0.2.1:5060", "example.com", 0, TP_NONE, false);
}

static void test_without_naptr(void)
{
    struct world w;
    world_init(&w);
    ADD("_sip._tcp.example.com", "SRV 0 0 5080 a.example.com");
    ADD("a.example.com", "A 192.0.2.1");
    ADD("example.com", "A 192.0.2.9");
    LOCATES("TCP 192.0.2.1:5080", "example.com", 0, TP_NONE, false);
    ADD("_sip._udp.example.com", "SRV 5 0 5070 a.example.com");
    LOCATES("UDP 192.0.2.1:5070, TCP 192.0.2.1:5080", "example.com", 0, TP_NONE, false);
    LOCATES("TLS 192.0.2.9:5061", "example.com", 0, TP_NONE, true);
    LOCATES("UDP 192.0.2.1:5060", "a.example.com", 0, TP_NONE, false);
    LOCATES("TCP 192.0.2.1:5060", "a.example.com", 0, TP_TCP, false);
    LOCATES("none", "b.example.com", 0, TP_NONE, false);
    LOCATES("none", "", 0, TP_NONE, false);
    /* "." says that the service is decidedly not there */
    ADD("_sip._udp.c.example.com", "SRV 0 0 0 .");
    ADD("c.example.com", "A 192.0.2.9");
    LOCATES("none", "c.example.com", 0, TP_UDP, false);
}

static void test_both_families(void)
{
    struct world w;
    world_init(&w);
    ADD("a.example.com", "A 192.0.2.1");
    ADD("a.example.com", "A 192.0.2.2");
    ADD("a.example.com", "A 192.0.2.1");
    ADD("a.example.com", "AAAA 2001:db8::1");
    LOCATES("UDP [2001:db8::1]:5060, UDP 192.0.2.1:5060, UDP 192.0.2.2:5060", "a.example.com",
            0, TP_NONE, false);
    w.no_ip6 = true;
    w.zone.asked = 0;
    LOCATES("UDP 192.0.2.1:5060, UDP 192.0.2.2:5060", "a.example.com", 5060, TP_NONE, false);
    CHECK_INT(w.zone.asked, 1);
    w.loopback_only = true;
    ADD("a.example.com", "A 127.0.0.1");
    LOCATES("UDP 127.0.0.1:5060", "a.example.com", 5060, TP_NONE, false);
}

/** All questions that can be asked at the same time are, and nothing is decided too early. */
static void test_waiting(void)
{
    struct world w;
    world_init(&w);
    struct kit_record *naptr = kit_dns_add(&w.zone, "example.com", "NAPTR wait");
    ADD("example.com", "A 192.0.2.9");
    LOCATES("again", "example.com", 0, TP_NONE, false);
    CHECK_INT(w.zone.asked, 1);
    naptr->err = E_NOTFOUND;
    struct kit_record *udp = kit_dns_add(&w.zone, "_sip._udp.example.com", "SRV wait");
    w.zone.asked = 0;
    LOCATES("again", "example.com", 0, TP_NONE, false);
    CHECK_INT(w.zone.asked, 3); /* NAPTR, and SRV of both transports */
    udp->err = 0;
    udp->r.port = 5070;
    strcpy(udp->target, "a.example.com");
    ADD("_sip._udp.example.com", "SRV 1 0 5071 b.example.com");
    struct kit_record *a = kit_dns_add(&w.zone, "a.example.com", "A wait");
    w.zone.asked = 0;
    LOCATES("again", "example.com", 0, TP_NONE, false);
    CHECK_INT(w.zone.asked, 3 + 4); /* and A and AAAA of both servers */
    a->err = E_IO;
    ADD("b.example.com", "A 192.0.2.2");
    LOCATES("UDP 192.0.2.2:5071", "example.com", 0, TP_NONE, false);
}

/** A broken answer is as good as none, but when nothing comes of it, it is told apart. */
static void test_failing_servers(void)
{
    struct world w;
    world_init(&w);
    ADD("example.com", "NAPTR failed");
    ADD("_sip._udp.example.com", "SRV failed");
    LOCATES("failed", "example.com", 0, TP_NONE, false);
    ADD("example.com", "A 192.0.2.9");
    LOCATES("UDP 192.0.2.9:5060", "example.com", 0, TP_NONE, false);
}

static void test_bounds(void)
{
    struct world w;
    world_init(&w);
    for (unsigned i = 0; i < 40; i++) {
        char text[64];
        snprintf(text, sizeof text, "SRV 1 %u %u a.example.com", i, 5000 + i);
        ADD("_sip._udp.example.com", text);
    }
    ADD("a.example.com", "A 192.0.2.1");
    ADD("a.example.com", "A 192.0.2.2");
    CHECK(strlen(locate(&w, "example.com", 0, TP_NONE, false)) > 100);
    char name[300];
    memset(name, 'a', sizeof name);
    name[255] = '\0';
    LOCATES("none", name, 0, TP_NONE, false);
    name[250] = '\0'; /* no room for _sip._udp. */
    LOCATES("none", name, 0, TP_UDP, false);
}

/** RFC 2782: lower priority first, and inside of one by weight; zero weights nearly never. */
static void test_weights(void)
{
    struct world w;
    unsigned first[4] = {0}, runs = 2000;
    world_init(&w);
    ADD("_sip._udp.example.com", "SRV 20 0 5063 d.example.com");
    ADD("_sip._udp.example.com", "SRV 10 60 5060 a.example.com");
    ADD("_sip._udp.example.com", "SRV 10 20 5061 b.example.com");
    ADD("_sip._udp.example.com", "SRV 10 20 5062 c.example.com");
    ADD("a.example.com", "A 192.0.2.1");
    ADD("b.example.com", "A 192.0.2.1");
    ADD("c.example.com", "A 192.0.2.1");
    ADD("d.example.com", "A 192.0.2.1");
    for (unsigned i = 0; i < runs; i++) {
        struct route_hops hops;
        struct route_want want = {.host = STR("example.com")};
        REQUIRE(route_locate(&w.env, &want, &hops) == 0 && hops.n == 4);
        first[hops.hop[0].remote.port - 5060]++;
        CHECK_INT(hops.hop[3].remote.port, 5063);
    }
    /* 60, 20 and 20 of 100: the generator is seeded, so this is no matter of luck */
    CHECK(first[0] > 1100 && first[0] < 1300);
    CHECK(first[1] > 330 && first[1] < 470);
    CHECK(first[2] > 330 && first[2] < 470);
    CHECK_INT(first[3], 0);
    world_init(&w);
    ADD("_sip._udp.example.com", "SRV 10 0 5060 a.example.com");
    ADD("_sip._udp.example.com", "SRV 10 99 5061 a.example.com");
    ADD("a.example.com", "A 192.0.2.1");
    unsigned zero = 0;
    for (unsigned i = 0; i < runs; i++) {
        zero += strncmp(locate(&w, "example.com", 0, TP_NONE, false), "UDP 192.0.2.1:5060",
                        18) == 0;
    }
    CHECK(zero > 0 && zero < runs / 20);
}

TEST_MAIN(T(test_numeric), T(test_what_is_given_is_not_asked), T(test_naptr),
          T(test_naptr_preference_and_strangers), T(test_without_naptr), T(test_both_families),
          T(test_waiting), T(test_failing_servers), T(test_bounds), T(test_weights))
