/* SPDX-License-Identifier: Apache-2.0 */
/* The guard and the load levels, in virtual time. */
#include "engine/guard.h"
#include "engine/load.h"

#include "kit_msg.h"

static struct kit k;
static struct guard g;
static uint64_t now;

static const struct str scanners[] = {STR_INIT("friendly-scanner"), STR_INIT("sipvicious")};
static const struct str users[] = {STR_INIT("sipvicious")};
static const struct guard_config strict = {.rate = 10,
                                           .burst = 20,
                                           .ban_after = 5,
                                           .window_s = 60,
                                           .ban_s = 60,
                                           .max_ban_s = 240,
                                           .slow_after = 3,
                                           .slow_s = 2,
                                           .max_slow_s = 16,
                                           .max_sources = 8,
                                           .scanners = scanners,
                                           .scanner_count = 2,
                                           .scanner_users = users,
                                           .scanner_user_count = 1};

static void up(const struct guard_config *config)
{
    kit_init(&k);
    now = 1000;
    CHECK_INT(guard_init(&g, &k.env, config), 0);
}

static void down(void)
{
    guard_fini(&g);
    CHECK_INT(k.mem.live, 0);
}

static struct hop at(const char *host, enum transport tp)
{
    struct hop hop = {.flow = 1, .transport = (uint8_t)tp};
    CHECK(addr_parse_host(str_c(host), 5060, &hop.remote));
    return hop;
}

static const struct sip_msg *request(const char *user, const char *lines)
{
    static struct kit_msg msg;
    static char text[1024];
    int n = snprintf(text, sizeof(text),
                     "REGISTER sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
                     "From: <sip:%s@x>;tag=1\r\nTo: <sip:%s@x>\r\nCall-ID: c\r\n"
                     "CSeq: 1 REGISTER\r\n%s\r\n",
                     user, user, lines);
    CHECK(n > 0 && kit_index(&msg, str_make(text, (size_t)n)));
    return &msg.m;
}

static const struct sip_msg *credentials(const char *user)
{
    char line[128];
    (void)snprintf(line, sizeof(line), "Authorization: Digest username=\"%s\", realm=\"x\"\r\n",
                   user);
    return request("anybody", line);
}

static enum guard_verdict ask(const char *host, const struct sip_msg *m)
{
    struct hop hop = at(host, TP_UDP);
    return guard_request(&g, m, &hop, now);
}

static uint32_t tell(const char *host, const struct sip_msg *m, bool right)
{
    struct hop hop = at(host, TP_UDP);
    return guard_credentials(&g, m, &hop.remote, right, now);
}

static uint32_t offend(const char *host)
{
    struct hop hop = at(host, TP_UDP);
    return guard_offend(&g, &hop.remote, GUARD_MALFORMED, now);
}

static unsigned passes(const char *host, enum transport tp, unsigned n)
{
    struct hop hop = at(host, tp);
    unsigned passed = 0;
    for (unsigned i = 0; i < n; i++) {
        passed += guard_request(&g, request("1", ""), &hop, now) == GUARD_PASS;
    }
    return passed;
}

static void test_rate(void)
{
    struct hop tcp = at("10.0.0.1", TP_TCP);
    up(&strict);
    CHECK_INT(passes("10.0.0.1", TP_UDP, 100), 20); /* the burst */
    CHECK_INT(ask("10.0.0.1", request("1", "")), GUARD_DROP);
    CHECK_INT(guard_request(&g, request("1", ""), &tcp, now), GUARD_LIMIT);
    CHECK_INT(passes("10.0.0.2", TP_UDP, 100), 20); /* another source has its own */
    now += 1000;
    CHECK_INT(passes("10.0.0.1", TP_UDP, 100), 10);
    now += 50; /* half a request */
    CHECK_INT(passes("10.0.0.1", TP_UDP, 100), 0);
    now += 50;
    CHECK_INT(passes("10.0.0.1", TP_UDP, 100), 1);
    now += UINT64_C(1) << 50;
    CHECK_INT(passes("10.0.0.1", TP_UDP, 100), 20);
    CHECK(g.limited > 300);
    down();
    up(&(struct guard_config){0});
    CHECK_INT(passes("10.0.0.1", TP_UDP, 1000), 1000); /* off */
    CHECK_INT(g.sources.pool.in_use, 0);
    down();
}

/** One /64 is one source; an IPv4 address in IPv6 is that address. */
static void test_sources(void)
{
    up(&strict);
    CHECK_INT(passes("2001:db8:1:2::1", TP_UDP, 20), 20);
    CHECK_INT(passes("2001:db8:1:2:ffff::9", TP_UDP, 20), 0);
    CHECK_INT(passes("2001:db8:1:3::1", TP_UDP, 20), 20);
    CHECK_INT(passes("10.1.1.1", TP_UDP, 20), 20);
    CHECK_INT(passes("::ffff:10.1.1.1", TP_UDP, 20), 0);
    CHECK_INT(passes("::ffff:10.1.1.2", TP_UDP, 20), 20);
    CHECK_INT(passes("127.0.0.1", TP_UDP, 100), 100);
    CHECK_INT(passes("::1", TP_UDP, 100), 100);
    down();
    struct guard_config all = strict;
    all.loopback = true;
    up(&all);
    CHECK_INT(passes("127.0.0.1", TP_UDP, 100), 20);
    down();
}

static void test_scanners(void)
{
    up(&strict);
    CHECK_INT(ask("10.0.0.1", request("100", "User-Agent: Friendly-Scanner\r\n")), GUARD_DROP);
    CHECK_INT(ask("10.0.0.1", request("100", "User-Agent: x/SIPVicious 1\r\n")), GUARD_DROP);
    CHECK_INT(ask("10.0.0.1", request("SipVicious", "")), GUARD_DROP);
    CHECK_INT(ask("10.0.0.1", request("100", "User-Agent: friendly\r\n")), GUARD_PASS);
    CHECK_INT(ask("10.0.0.1", request("sipvicious2", "")), GUARD_PASS);
    CHECK_INT(g.scanners, 3);
    CHECK_INT(g.last_ban_s, 0);
    down();
}

/** Offences within the window ban; each ban is longer, until it has been quiet for long. */
static void test_bans(void)
{
    up(&strict);
    for (int i = 0; i < 4; i++) {
        CHECK_INT(offend("10.0.0.1"), 0);
    }
    now += 61 * 1000; /* the window has passed */
    for (int i = 0; i < 4; i++) {
        CHECK_INT(offend("10.0.0.1"), 0);
    }
    CHECK_INT(ask("10.0.0.1", request("1", "")), GUARD_PASS);
    CHECK_INT(offend("10.0.0.1"), 60);
    CHECK_INT(ask("10.0.0.1", request("1", "")), GUARD_DROP);
    CHECK_INT(ask("10.0.0.2", request("1", "")), GUARD_PASS);
    CHECK_INT(g.banned, 1);
    now += 59 * 1000;
    CHECK_INT(ask("10.0.0.1", request("1", "")), GUARD_DROP);
    now += 2 * 1000;
    CHECK_INT(ask("10.0.0.1", request("1", "")), GUARD_PASS);
    static const uint32_t next[] = {120, 240, 240};
    for (int b = 0; b < 3; b++) {
        uint32_t got = 0;
        for (int i = 0; i < 5; i++) {
            got = offend("10.0.0.1");
        }
        CHECK_INT(got, next[b]);
        now += (uint64_t)next[b] * 1000;
    }
    now += 300 * 1000;
    for (int i = 0; i < 4; i++) {
        CHECK_INT(offend("10.0.0.1"), 0);
    }
    CHECK_INT(offend("10.0.0.1"), 60);
    CHECK_INT(g.bans, 5);
    struct hop hop = at("10.0.0.1", TP_UDP);
    CHECK(guard_is_banned(&g, &hop.remote, now));
    CHECK(!guard_is_banned(&g, &hop.remote, now + 61 * 1000));
    down();
}

/** Guesses are looked at ever more seldom, from one source and for one user. */
static void test_guessing(void)
{
    struct guard_config patient = strict;
    patient.ban_after = 0;
    patient.rate = 0;
    up(&patient);
    unsigned looked_at = 0;
    for (unsigned i = 0; i < 600; i++) { /* ten a second for a minute */
        if (ask("10.0.0.66", credentials("1001")) == GUARD_PASS) {
            looked_at++;
            CHECK_INT(tell("10.0.0.66", credentials("1001"), false), 0);
        }
        now += 100;
    }
    CHECK(looked_at <= 8);
    CHECK(g.slowed > 500);
    /* the same user from elsewhere is slowed as well, another user from there is not */
    CHECK_INT(ask("10.0.0.67", credentials("1001")), GUARD_DROP);
    CHECK_INT(ask("10.0.0.67", credentials("1002")), GUARD_PASS);
    CHECK_INT(ask("10.0.0.66", credentials("1002")), GUARD_DROP);
    /* without credentials there is nothing to guess */
    CHECK_INT(ask("10.0.0.66", request("1001", "")), GUARD_PASS);
    now += 400 * 1000;
    CHECK_INT(ask("10.0.0.66", credentials("1001")), GUARD_PASS);
    down();
}

/** Who has proven to be a user from somewhere is let in from there, whatever others do. */
static void test_the_phone_gets_through(void)
{
    up(&strict);
    CHECK_INT(tell("10.0.0.5", credentials("1001"), true), 0);
    for (int i = 0; i < 50; i++) { /* a guesser elsewhere, and one with the phone's address */
        (void)tell("10.0.0.66", credentials("1001"), false);
        (void)tell("10.0.0.5", credentials("1001"), false);
        (void)tell("10.0.0.5", credentials("1002"), false);
    }
    CHECK_INT(ask("10.0.0.66", credentials("1001")), GUARD_DROP);
    CHECK_INT(ask("10.0.0.5", credentials("1002")), GUARD_DROP);
    CHECK_INT(ask("10.0.0.5", credentials("1001")), GUARD_PASS);
    CHECK_INT(ask("10.0.0.5", request("1001", "")), GUARD_PASS); /* it may ask for a nonce */
    now += UINT64_C(25) * 3600 * 1000;
    for (int i = 0; i < 5; i++) {
        (void)tell("10.0.0.5", credentials("1001"), false);
    }
    CHECK_INT(ask("10.0.0.5", credentials("1001")), GUARD_DROP); /* a day is over */
    down();
}

/** Whoever sends with the phone's address, or from behind the same NAT, empties his own bucket.
 */
static void test_the_phone_has_its_own_bucket(void)
{
    up(&strict);
    CHECK_INT(tell("10.0.0.5", credentials("1001"), true), 0);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_INT(ask("10.0.0.5", request("x", "")), GUARD_PASS);
    }
    CHECK_INT(ask("10.0.0.5", request("x", "")), GUARD_DROP);
    for (unsigned i = 0; i < 20; i++) {
        CHECK_INT(ask("10.0.0.5", request("1001", "")), GUARD_PASS);
    }
    CHECK_INT(ask("10.0.0.5", request("1001", "")), GUARD_DROP); /* it has a limit too */
    now += 100;
    CHECK_INT(ask("10.0.0.5", request("1001", "")), GUARD_PASS);
    down();
}

/** The tables keep to their bounds; strangers do not push out those who are known. */
static void test_bounded(void)
{
    up(&strict);
    CHECK_INT(tell("10.0.0.5", credentials("1001"), true), 0);
    for (unsigned i = 0; i < 1000; i++) {
        char host[32];
        char user[32];
        (void)snprintf(host, sizeof(host), "10.1.%u.%u", i / 250, i % 250 + 1);
        (void)snprintf(user, sizeof(user), "u%u", i);
        (void)ask(host, credentials(user));
        (void)tell(host, credentials(user), false);
    }
    CHECK_INT(g.sources.pool.in_use, 8);
    CHECK_INT(g.users.pool.in_use, 8);
    CHECK_INT(g.proven.pool.in_use, 1);
    CHECK(g.evicted > 1900);
    for (int i = 0; i < 9; i++) {
        (void)tell("10.0.0.66", credentials("1001"), false);
    }
    CHECK_INT(ask("10.0.0.5", credentials("1001")), GUARD_PASS);
    down();
}

static void test_claims(void)
{
    kit_init(&k);
    CHECK_STR(guard_claim(credentials("1001")), "1001");
    CHECK_STR(guard_claim(request("1002", "")), "1002");
    CHECK_STR(guard_claim(request("1002", "Authorization: Basic x\r\n")), "1002");
    CHECK_STR(guard_claim(request("1002", "Authorization: \"\r\nAuthorization: Digest "
                                          "nonce=x, username=1003\r\n")),
              "1003");
}

static void test_memory(void)
{
    for (size_t n = 1; n < 12; n++) {
        kit_init(&k);
        now = 1000;
        k.mem.fail_at = n;
        k.mem.fail_on = true;
        if (guard_init(&g, &k.env, &strict) == 0) {
            CHECK_INT(ask("10.0.0.1", credentials("1")), GUARD_PASS);
            (void)tell("10.0.0.1", credentials("1"), n % 2 == 0);
            (void)offend("10.0.0.1");
        }
        k.mem.fail_at = 0;
        k.mem.fail_on = false;
        down();
    }
}

/* ---- load ---- */

static const struct str emergency[] = {STR_INIT("112"), STR_INIT("91*")};
static const struct load_config careful = {.high_percent = 80,
                                           .full_percent = 95,
                                           .lag_ms = 100,
                                           .retry_s = 5,
                                           .emergency = emergency,
                                           .emergency_count = 2};

static const struct sip_msg *invite(const char *to)
{
    static struct kit_msg msg;
    static char text[256];
    int n =
        snprintf(text, sizeof(text), "INVITE sip:%s@x SIP/2.0\r\nCSeq: 1 INVITE\r\n\r\n", to);
    CHECK(n > 0 && kit_index(&msg, str_make(text, (size_t)n)));
    return &msg.m;
}

static void test_levels(void)
{
    static const struct {
        uint32_t percent, lag;
        bool call, registers;
        enum load_level level;
    } rows[] = {
        {0, 0, true, true, LOAD_NORMAL},   {79, 99, true, true, LOAD_NORMAL},
        {80, 0, false, true, LOAD_HIGH},   {0, 100, false, true, LOAD_HIGH},
        {94, 399, false, true, LOAD_HIGH}, {95, 0, false, false, LOAD_FULL},
        {0, 400, false, false, LOAD_FULL},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct load l;
        load_init(&l, &careful);
        load_lag(&l, rows[i].lag, 4500);
        load_lag(&l, rows[i].lag, 5000);
        CHECK_INT(load_level(&l, rows[i].percent, 5500), rows[i].level);
        CHECK_INT(load_refuses(&l, invite("1"), rows[i].percent, 5500) == 0, rows[i].call);
        CHECK_INT(load_refuses(&l, request("1", ""), rows[i].percent, 5500) == 0,
                  rows[i].registers);
        CHECK_INT(load_refuses(&l, invite("112"), rows[i].percent, 5500), 0);
        CHECK_INT(load_refuses(&l, invite("911"), rows[i].percent, 5500), 0);
        CHECK_INT(l.shed, !rows[i].call + !rows[i].registers);
        CHECK_INT(l.shed_calls, !rows[i].call);
    }
}

static void test_lag_is_forgotten(void)
{
    struct load l;
    load_init(&l, &careful);
    load_lag(&l, 100, 500);
    load_lag(&l, 500, 1000);
    load_lag(&l, 0, 1500); /* once in time is no proof */
    CHECK_INT(load_level(&l, 0, 1900), LOAD_FULL);
    CHECK_INT(load_level(&l, 0, 2100), LOAD_NORMAL);
    load_lag(&l, 120, 2100);
    CHECK_INT(load_level(&l, 0, 2200), LOAD_HIGH);
    load_init(&l, &(struct load_config){0});
    load_lag(&l, 500, 1000);
    load_lag(&l, 500, 1500);
    CHECK_INT(load_level(&l, 100, 1500), LOAD_NORMAL); /* off */
}

/** A machine that stood still is not overloaded; late again soon after is. */
static void test_late_once_is_no_load(void)
{
    struct load l;
    load_init(&l, &careful);
    load_lag(&l, 60000, 100000);
    CHECK_INT(load_level(&l, 0, 100000), LOAD_NORMAL);
    load_lag(&l, 99, 100500); /* not late */
    CHECK_INT(load_level(&l, 0, 100500), LOAD_NORMAL);
    load_lag(&l, 200, 101201); /* due 1001 ms after it went on */
    CHECK_INT(load_level(&l, 0, 101201), LOAD_NORMAL);
    load_lag(&l, 200, 102401); /* due 1000 ms after that */
    CHECK_INT(load_level(&l, 0, 102401), LOAD_HIGH);
    load_lag(&l, 3000, 105500); /* the delay itself does not count as time that has passed */
    CHECK_INT(load_level(&l, 0, 105500), LOAD_FULL);
    CHECK_INT(load_level(&l, 0, 106501), LOAD_NORMAL);
}

/** Those who are sent away do not all come back at once. */
static void test_retry_after(void)
{
    struct load l;
    unsigned seen = 0;
    load_init(&l, &careful);
    for (int i = 0; i < 100; i++) {
        uint32_t s = load_refuses(&l, invite("1"), 90, 0);
        CHECK(s >= 5 && s <= 10);
        seen |= 1U << s;
    }
    CHECK_INT(seen, 0x7e0);
    CHECK_INT(load_fill(0, 50, 200), 25);
    CHECK_INT(load_fill(30, 50, 200), 30);
    CHECK_INT(load_fill(30, 50, 0), 30);
}

TEST_MAIN(T(test_rate), T(test_sources), T(test_scanners), T(test_bans), T(test_guessing),
          T(test_the_phone_gets_through), T(test_the_phone_has_its_own_bucket), T(test_bounded),
          T(test_claims), T(test_memory), T(test_levels), T(test_lag_is_forgotten),
          T(test_late_once_is_no_load), T(test_retry_after))
