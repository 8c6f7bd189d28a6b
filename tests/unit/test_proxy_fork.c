/* SPDX-License-Identifier: Apache-2.0 */
/* Several targets: groups, the best response, races, 199, recursion, breadth. */
#include "kit_proxy.h"

/** §16.7 step 6 in other words than the product's: which of two goes upstream? */
static bool first_is_better(unsigned a, unsigned b)
{
    static const unsigned tells[] = {401, 407, 415, 420, 421, 422, 484, 488, 489, 494};
    unsigned rank[2], status[2] = {a, b};
    for (int i = 0; i < 2; i++) {
        unsigned class = status[i] / 100;
        rank[i] = class == 6 ? 0 : class == 3 ? 100 : class == 4 ? 200 : 300;
        if (class == 4) {
            rank[i] += 10;
            for (size_t k = 0; k < ARRAY_LEN(tells); k++) {
                rank[i] -= tells[k] == status[i] ? 10 : 0;
            }
        }
        rank[i] += status[i] == 487 || status[i] == 430   ? 5
                   : status[i] == 408 || status[i] == 503 ? 8
                                                          : 0;
    }
    return rank[0] <= rank[1];
}

/** Every pair of final responses, through two branches. */
static void test_best_of_all_pairs(void)
{
    static const unsigned all[] = {
        300, 301, 302, 305, 380, 400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414,
        415, 416, 420, 421, 422, 423, 430, 433, 480, 481, 482, 483, 484, 485, 486, 487, 488,
        489, 491, 493, 494, 500, 501, 502, 503, 504, 505, 513, 580, 600, 603, 604, 606};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        for (size_t k = 0; k < ARRAY_LEN(all); k++) {
            struct px x;
            char want[8];
            px_init(&x);
            px_target(&x, 1, 0);
            px_target(&x, 2, 0);
            px_offer(&x, (struct fx_req){.method = "SUBSCRIBE"});
            px_answer(&x, 0, all[i], "a");
            CHECK_INT(x.fx.sent_n, 2); /* not before the other one */
            px_answer(&x, 1, all[k], "b");
            unsigned best = first_is_better(all[i], all[k]) ? all[i] : all[k];
            if (best == 408) { /* RFC 4320: never to a non-INVITE */
                CHECK_INT(x.fx.sent_n, 2);
            } else {
                REQUIRE(x.fx.sent_n == 3);
                snprintf(want, sizeof want, "%u", best == 503 ? 500 : best);
                CHECK_STR(fx_sent_what(&x.fx, 2), want);
            }
            px_fini(&x);
        }
    }
}

static void test_parallel(void)
{
    struct px x;
    px_init(&x);
    for (unsigned i = 1; i <= 3; i++) {
        px_target(&x, i, 0);
    }
    px_offer(&x, (struct fx_req){0});
    CHECK_SENT(&x, 0, "INVITE INVITE INVITE");
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(px_to(&x, i), i + 1);
        CHECK(px_has(&x, i, "Max-Breadth: 20\r\n"));
    }
    px_answer(&x, 0, 180, "a");
    px_answer(&x, 1, 183, "b");
    px_answer(&x, 0, 486, "a"); /* not told yet */
    CHECK_SENT(&x, 3, "180 183 ACK");
    px_answer(&x, 2, 100, "");
    px_answer(&x, 1, 200, "b");
    CHECK_SENT(&x, 6, "200 CANCEL"); /* of the one that is left */
    CHECK(px_has(&x, 7, "\r\nReason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n"));
    CHECK_INT(px_to(&x, 7), 3);
    px_end(&x);
}

/** Only the one that still rings is cancelled when another has answered. */
static void test_two_2xx(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_target(&x, 2, 0);
    px_offer(&x, (struct fx_req){0});
    px_answer(&x, 0, 180, "a");
    px_answer(&x, 1, 180, "b");
    px_answer(&x, 0, 200, "a");
    CHECK_SENT(&x, 2, "180 180 200 CANCEL");
    CHECK_INT(px_to(&x, 5), 2);
    px_answer(&x, 5, 200, "b");
    px_answer(&x, 1, 200, "b"); /* it was quicker than the CANCEL */
    px_answer(&x, 1, 200, "b");
    px_answer(&x, 0, 200, "a");
    CHECK_SENT(&x, 6, "200 200 200");
    px_answer(&x, 1, 180, "b"); /* nothing provisional after the final */
    CHECK_INT(x.fx.sent_n, 9);
    px_end(&x);
}

static void test_6xx_waits_for_the_others(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_target(&x, 2, 0);
    px_target(&x, 3, 1);
    px_offer(&x, (struct fx_req){0});
    px_answer(&x, 1, 180, "b");
    px_answer(&x, 0, 603, "a");
    CHECK_SENT(&x, 2, "180 ACK CANCEL");
    px_answer(&x, 4, 200, "b");
    px_answer(&x, 1, 487, "b");
    CHECK_SENT(&x, 5, "ACK 603"); /* and the third is not tried */
    px_end(&x);
    /* A 2xx that was under way wins. */
    px_init(&x);
    px_target(&x, 1, 0);
    px_target(&x, 2, 0);
    px_offer(&x, (struct fx_req){0});
    px_answer(&x, 1, 180, "b");
    px_answer(&x, 0, 600, "a");
    px_answer(&x, 1, 200, "b");
    CHECK_SENT(&x, 2, "180 ACK CANCEL 200");
    px_end(&x);
}

static void test_serial(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 3, 7);
    px_target(&x, 1, 2);
    px_target(&x, 2, 5);
    px_offer(&x, (struct fx_req){0});
    CHECK_SENT(&x, 0, "INVITE");
    CHECK_INT(px_to(&x, 0), 1);
    CHECK(px_has(&x, 0, "Max-Breadth: 60\r\n"));
    px_answer(&x, 0, 486, "a");
    CHECK_SENT(&x, 1, "ACK INVITE");
    CHECK_INT(px_to(&x, 2), 2);
    px_answer(&x, 2, 180, "b");
    fx_run(&x.fx, 20000); /* group_s */
    CHECK_SENT(&x, 3, "180 CANCEL");
    px_answer(&x, 4, 200, "b");
    px_answer(&x, 2, 487, "b"); /* the breadth is there again */
    CHECK_SENT(&x, 5, "ACK INVITE");
    CHECK_INT(px_to(&x, 6), 3);
    px_answer(&x, 6, 404, "c");
    CHECK_SENT(&x, 7, "ACK 486"); /* the first of equals */
    px_end(&x);
}

/** A phone that is not there: the next group after group_s, not after Timer B. */
static void test_serial_past_a_silent_phone(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_target(&x, 2, 1);
    x.plan.group_s = 5;
    px_offer(&x, (struct fx_req){0});
    fx_run(&x.fx, 4999);
    size_t n = x.fx.sent_n;
    fx_run(&x.fx, 1);
    REQUIRE(x.fx.sent_n == n + 1);
    CHECK_INT(px_to(&x, n), 2);
    px_answer(&x, 0, 180, "a"); /* there after all: too late */
    CHECK_SENT(&x, n + 1, "CANCEL 180");
    px_answer(&x, n, 486, "b");
    CHECK_STR(fx_sent_what(&x.fx, x.fx.sent_n - 1), "486");
    px_end(&x);
    /* A 2xx of the one that was given up comes through. */
    px_init(&x);
    px_target(&x, 1, 0);
    px_target(&x, 2, 1);
    px_offer(&x, (struct fx_req){0});
    fx_run(&x.fx, 20000);
    n = x.fx.sent_n;
    px_answer(&x, n - 1, 180, "b");
    px_answer(&x, 0, 200, "a");
    CHECK_SENT(&x, n, "180 200 CANCEL");
    px_end(&x);
}

/** A group of which nothing can be sent does not end the search. */
static void test_serial_goes_on_after_a_dead_target(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0)->request_uri = STR("tel:1");
    px_target(&x, 2, 1)->request_uri = STR("mailto:x@y");
    px_target(&x, 3, 2);
    px_offer(&x, (struct fx_req){0});
    CHECK_SENT(&x, 0, "INVITE");
    px_answer(&x, 0, 486, "c");
    CHECK_SENT(&x, 1, "ACK 486");
    px_end(&x);
}

static void test_cancel_of_a_fork(void)
{
    struct px x;
    px_init(&x);
    px_target(&x, 1, 0);
    px_target(&x, 2, 0);
    px_target(&x, 3, 1);
    px_offer(&x, (struct fx_req){0});
    px_answer(&x, 0, 180, "a");
    px_offer(&x, (struct fx_req){.method = "CANCEL"});
    CHECK_SENT(&x, 2, "180 200 CANCEL");
    px_answer(&x, 1, 180, "b"); /* the other CANCEL waited for that; no new ringing */
    px_answer(&x, 4, 200, "a");
    px_answer(&x, 0, 487, "a");
    size_t n = x.fx.sent_n;
    px_answer(&x, 1, 487, "b");
    CHECK_SENT(&x, n, "ACK 487");
    for (size_t i = 0; i < x.fx.sent_n; i++) {
        CHECK(px_to(&x, i) != 3);
    }
    px_end(&x);
}

/** 401 and 407 of all branches are answered together (§16.7 step 7). */
static void test_challenges_are_put_together(void)
{
    struct px x;
    px_init(&x);
    for (unsigned i = 1; i <= 4; i++) {
        px_target(&x, i, 0);
    }
    px_offer(&x, (struct fx_req){0});
    px_answer_lines(&x, 0, 407, "a", "Proxy-Authenticate: Digest realm=\"a\",nonce=\"1\"\n");
    px_answer_lines(&x, 1, 401, "b", "WWW-Authenticate: Digest realm=\"b\",nonce=\"2\"\n");
    px_answer(&x, 2, 404, "c");
    px_answer_lines(&x, 3, 407, "d",
                    "Proxy-Authenticate: Digest realm=\"d\",nonce=\"4\"\n"
                    "proxy-authenticate: Digest realm=\"e\",nonce=\"5\"\n");
    size_t n = x.fx.sent_n - 1;
    CHECK_STR(fx_sent_what(&x.fx, n), "407");
    CHECK(px_has(&x, n, ";tag=a\r\n"));
    CHECK(px_has(&x, n, "\r\nProxy-Authenticate: Digest realm=\"a\",nonce=\"1\"\r\n"));
    CHECK(px_has(&x, n, "\r\nWWW-Authenticate: Digest realm=\"b\",nonce=\"2\"\r\n"));
    CHECK(px_has(&x, n, "\r\nProxy-Authenticate: Digest realm=\"d\",nonce=\"4\"\r\n"));
    CHECK(px_has(&x, n, "\r\nproxy-authenticate: Digest realm=\"e\",nonce=\"5\"\r\n"));
    px_end(&x);
}

/** RFC 6228. */
static void test_199(void)
{
    static const struct {
        const char *lines;
        bool told;
    } table[] = {
        {"Supported: 100rel, 199\n", true},
        {"Supported: 100rel\n", false},
        {"Supported: 199\nRequire: 100rel\n", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct px x;
        px_init(&x);
        px_target(&x, 1, 0);
        px_target(&x, 2, 0);
        px_offer(&x, (struct fx_req){.lines = table[i].lines});
        px_answer(&x, 0, 183, "a1");
        px_answer(&x, 0, 180, "a2"); /* it forks too */
        px_answer(&x, 0, 180, "a2");
        px_answer(&x, 0, 199, "a1"); /* it has told that itself */
        px_answer(&x, 1, 180, "b");
        px_answer(&x, 0, 486, "a2");
        CHECK_SENT(&x, 2,
                   table[i].told ? "183 180 180 199 180 ACK 199" : "183 180 180 199 180 ACK");
        if (table[i].told) {
            CHECK(px_has(&x, 8, ";tag=a2\r\n"));
            CHECK(px_has(&x, 8, "\r\nReason: SIP;cause=486\r\n"));
            CHECK(!px_has(&x, 8, "Contact"));
        }
        size_t n = x.fx.sent_n;
        px_answer(&x, 1, 486, "b"); /* the last one: the final response says it */
        CHECK_SENT(&x, n, "ACK 486");
        px_end(&x);
    }
}

static void test_request_disposition(void)
{
    static const struct {
        const char *lines, *first, *after;
    } table[] = {
        {"", "INVITE INVITE", "200 CANCEL"},
        {"Request-Disposition: no-fork\n", "INVITE", "200"},
        {"d: sequential\n", "INVITE", "200"},
        {"Request-Disposition: parallel\n", "INVITE INVITE INVITE", "200 CANCEL"},
        {"Request-Disposition: no-cancel, queue\n", "INVITE INVITE", "200"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct px x;
        px_init(&x);
        px_target(&x, 1, 0);
        px_target(&x, 2, 0);
        px_target(&x, 3, 1);
        px_offer(&x, (struct fx_req){.lines = table[i].lines});
        CHECK_SENT(&x, 0, table[i].first);
        size_t n = x.fx.sent_n;
        if (n > 1) {
            px_answer(&x, 1, 180, "b");
        }
        px_answer(&x, 0, 180, "a");
        size_t from = x.fx.sent_n;
        px_answer(&x, 0, 200, "a");
        CHECK_SENT(&x, from, table[i].after);
        px_end(&x);
    }
}

/** RFC 5393 §5.5: who has not enough breadth tries them as it becomes free. */
static void test_breadth_is_reused(void)
{
    struct px x;
    px_init(&x);
    for (unsigned i = 1; i <= 5; i++) {
        px_target(&x, i, 0);
    }
    px_offer(&x, (struct fx_req){.lines = "Max-Breadth: 2\n"});
    CHECK_SENT(&x, 0, "INVITE INVITE");
    CHECK(px_has(&x, 0, "Max-Breadth: 1\r\n"));
    px_answer(&x, 0, 486, "a");
    CHECK_SENT(&x, 2, "ACK INVITE");
    px_answer(&x, 1, 486, "b");
    px_answer(&x, 3, 486, "c");
    CHECK_SENT(&x, 4, "ACK INVITE ACK INVITE");
    px_answer(&x, 5, 486, "d");
    px_answer(&x, 7, 486, "e");
    CHECK_SENT(&x, 8, "ACK ACK 486");
    px_end(&x);
    px_init_with(&x, &(struct proxy_config){.max_branches = 3});
    for (unsigned i = 1; i <= 5; i++) {
        px_target(&x, i, 0);
    }
    px_offer(&x, (struct fx_req){0});
    CHECK_SENT(&x, 0, "INVITE INVITE INVITE");
    px_end(&x);
}

/* ---- recursion ---- */

static void test_recursion(void)
{
    struct px x;
    px_init(&x);
    x.plan.recurse = true;
    px_target(&x, 1, 0);
    px_target(&x, 2, 1);
    px_offer(&x,
             (struct fx_req){.lines = "User-to-User: 01;encoding=hex;purpose=a\nSubject: x\n"});
    px_answer_lines(&x, 0, 302, "a",
                    "Contact: <sip:c@203.0.113.6>;q=0.2, <tel:+49>, <sip:b@203.0.113.5?User-to-"
                    "User=02%3bencoding%3Dhex%3bpurpose%3Db&Subject=y&From=evil>;q=0.9\n"
                    "Contact: <sip:phone1@203.0.113.1>, sip:bob@example.com\n");
    CHECK_SENT(&x, 1, "ACK INVITE");
    CHECK(px_has(&x, 2, "INVITE sip:b@203.0.113.5 SIP/2.0\r\n"));
    CHECK(px_has(&x, 2,
                 "User-to-User: 02;encoding=hex;purpose=b, 01;encoding=hex;purpose=a\r\n"));
    CHECK(px_has(&x, 2, "\r\nSubject: y\r\n"));
    CHECK(!px_has(&x, 2, "Subject: x"));
    CHECK(!px_has(&x, 2, "evil"));
    px_answer(&x, 2, 404, "b");
    CHECK_SENT(&x, 3, "ACK INVITE");
    CHECK(px_has(&x, 4, "INVITE sip:c@203.0.113.6 SIP/2.0\r\n"));
    CHECK(px_has(&x, 4, "\r\nUser-to-User: 01;encoding=hex;purpose=a\r\nSubject: x\r\n"));
    px_answer(&x, 4, 404, "c");
    CHECK_SENT(&x, 5, "ACK INVITE"); /* then the plan's next */
    CHECK_INT(px_to(&x, 6), 2);
    px_answer(&x, 6, 200, "d");
    CHECK_SENT(&x, 7, "200");
    CHECK_INT(x.p.stats.recursed, 2);
    px_end(&x);
}

/** One value is there once, however often it is given; the same package is replaced. */
static void test_recursion_never_doubles_uui(void)
{
    struct px x;
    px_init(&x);
    x.plan.recurse = true;
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){.lines = "User-to-User: 01;encoding=hex\n"});
    px_answer_lines(&x, 0, 302, "a",
                    "Contact: <sip:b@203.0.113.5?User-to-User=01%3Bencoding%3Dhex>\n");
    CHECK_INT(test_count((const char *)x.fx.sent[2].bytes.p, "User-to-User"), 1);
    CHECK(px_has(&x, 2, "\r\nUser-to-User: 01;encoding=hex\r\n"));
    px_end(&x);
}

static void test_recursion_that_leads_nowhere(void)
{
    static const char *const contacts[] = {"",
                                           "Contact: <tel:+49>\n",
                                           "Contact: <sip:phone1@203.0.113.1>\n",
                                           "Contact: <sip:b@203.0.113.5?Require=foo>\n",
                                           "Contact: <sip:b@203.0.113.5;method=BYE>\n",
                                           "Contact: <sip:b@203.0.113.5?Subject=%0d%0aEvil>\n",
                                           "Contact: *\n"};
    for (size_t i = 0; i < ARRAY_LEN(contacts); i++) {
        struct px x;
        px_init(&x);
        x.plan.recurse = true;
        px_target(&x, 1, 0);
        px_offer(&x, (struct fx_req){0});
        px_answer_lines(&x, 0, 302, "a", contacts[i]);
        CHECK_SENT(&x, 0, "INVITE ACK 302");
        px_end(&x);
    }
}

/** Without the plan's leave a 3xx is a response. sips is not left for sip. */
static void test_no_recursion(void)
{
    struct px x;
    struct fx_msg m;
    px_init(&x);
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    px_answer_lines(&x, 0, 302, "a", "Contact: <sip:b@203.0.113.5>\n");
    CHECK_SENT(&x, 0, "INVITE ACK 302");
    px_end(&x);
    px_init(&x);
    x.plan.recurse = true;
    px_target(&x, 1, 0);
    px_in(&x, fx_request(&m, (struct fx_req){.ruri = "sips:bob@example.com"}));
    px_answer_lines(&x, 0, 302, "a", "Contact: <sip:b@203.0.113.5>\n");
    CHECK_SENT(&x, 0, "INVITE ACK 302");
    px_end(&x);
    px_init(&x);
    x.plan.recurse = true;
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){.lines = "Request-Disposition: no-recurse\n"});
    px_answer_lines(&x, 0, 302, "a", "Contact: <sip:b@203.0.113.5>\n");
    CHECK_SENT(&x, 0, "INVITE ACK 302");
    px_end(&x);
}

/** Redirections without end are bounded by the targets that a request may have. */
static void test_recursion_is_bounded(void)
{
    struct px x;
    px_init_with(&x, &(struct proxy_config){.max_branches = 8});
    x.plan.recurse = true;
    px_target(&x, 1, 0);
    px_offer(&x, (struct fx_req){0});
    size_t invites = 0, i = 0;
    for (unsigned n = 0; i < x.fx.sent_n && n < 100; i++) {
        if (str_eq(fx_sent_what(&x.fx, i), STR("INVITE"))) {
            char lines[200];
            invites++;
            n++;
            snprintf(lines, sizeof lines,
                     "Contact: <sip:r%ua@203.0.113.5>;q=0.%u, <sip:r%ub@203.0.113.5>\n", n,
                     n % 7, n);
            px_answer_lines(&x, i, 302, "a", lines);
        }
    }
    CHECK_INT(invites, 8);
    CHECK_STR(fx_sent_what(&x.fx, x.fx.sent_n - 1), "302");
    px_end(&x);
}

TEST_MAIN(T(test_best_of_all_pairs), T(test_parallel), T(test_two_2xx),
          T(test_6xx_waits_for_the_others), T(test_serial), T(test_serial_past_a_silent_phone),
          T(test_serial_goes_on_after_a_dead_target), T(test_cancel_of_a_fork),
          T(test_challenges_are_put_together), T(test_199), T(test_request_disposition),
          T(test_breadth_is_reused), T(test_recursion), T(test_recursion_never_doubles_uui),
          T(test_recursion_that_leads_nowhere), T(test_no_recursion),
          T(test_recursion_is_bounded))
