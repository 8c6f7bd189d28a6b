/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is named and what happened before, across a bridge: devices 1001 and 1002 at 10.0.0.1 and
 * .2, and at 10.0.0.3 either 1003 or a peer.
 */
#include "fixture_call.h"
#include "history/history.h"

static const struct str nines[] = {STR_INIT("9*")};

static struct trio w;

static void up(uint64_t seed)
{
    trio_up(&w, seed);
    w.x.device[0].tel = STR("+49301001");
    w.x.device[0].display = STR("Alice");
}

/** The third station is a peer for numbers that begin with 9. */
static struct peer *peer_up(bool inside)
{
    w.x.peer = (struct peer){.name = STR("gw"),
                             .uri = STR("sip:10.0.0.3"),
                             .host = STR("10.0.0.3"),
                             .transport = TP_UDP,
                             .numbers = nines,
                             .number_count = 1,
                             .trusted = true,
                             .domain = inside ? PEER_AS_TRUSTED : PEER_OUTSIDE};
    CHECK(addr_parse_host(STR("10.0.0.3"), 0, &w.x.peer.addr));
    w.x.directory.peers = &w.x.peer;
    w.x.directory.peer_count = 1;
    return &w.x.peer;
}

/** All lines of a header in the last message that a station heard, " | " between. */
static const char *lines_of(unsigned i, enum sip_hdr_id id)
{
    static char text[2048];
    const struct sip_msg *m = &w.s[i].last->m;
    size_t n = 0;
    text[0] = '\0';
    for (const struct sip_hdr *h = sip_msg_line(m, id); h != NULL;
         h = sip_msg_next_line(m, h)) {
        struct str v = sip_hdr_value(m, h);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n > 0 ? " | " : "",
                              STR_ARG(v));
    }
    return text;
}

static void says(unsigned i, enum sip_hdr_id id, const char *want)
{
    CHECK_STR(str_c(lines_of(i, id)), want);
}

static void dial(unsigned from, unsigned number, const char *to, const char *lines)
{
    exchange_dial(&w.x, &w.s[from], number, to, SDP_A, str_c(lines));
    vnet_run_for(&w.net, 100);
}

static void respond(unsigned i, unsigned status)
{
    CHECK_INT(station_respond(&w.s[i], status, status == 200 ? SDP_B : STR_NONE), 0);
    vnet_run_for(&w.net, 100);
}

static void down(void)
{
    for (int i = 0; i < 3; i++) {
        if (w.s[i].leg != NULL) {
            leg_end(w.s[i].leg, 0, NULL, NULL, NULL, w.net.now_ms);
        }
        vnet_run_for(&w.net, 100);
    }
    trio_down(&w);
}

/* ---- identity ---- */

/** A phone's own identity is asserted to a trusted peer, in the INVITE and in what follows. */
static void test_asserted_to_a_trusted_peer(void)
{
    up(1);
    (void)peer_up(true);
    dial(0, 1001, "90123", "P-Asserted-Identity: <sip:boss@example.com>\r\nPrivacy: id\r\n");
    REQUIRE(w.s[2].leg != NULL);
    says(2, SIP_HDR_P_ASSERTED_IDENTITY,
         "\"Alice\" <sip:1001@example.com> | \"Alice\" <tel:+49301001>");
    says(2, SIP_HDR_PRIVACY, "id");
    trio_ring_and_answer(&w, 2, SDP_B);
    CHECK_INT(station_send(&w.s[0], "INFO", STR_NONE), 0);
    vnet_run_for(&w.net, 100);
    says(2, SIP_HDR_P_ASSERTED_IDENTITY,
         "\"Alice\" <sip:1001@example.com> | \"Alice\" <tel:+49301001>");
    down();
}

static void test_preferred_identity(void)
{
    up(2);
    (void)peer_up(true);
    dial(0, 1001, "90123", "P-Preferred-Identity: <tel:+49301001>\r\n");
    says(2, SIP_HDR_P_ASSERTED_IDENTITY, "\"Alice\" <tel:+49301001>");
    says(2, SIP_HDR_P_PREFERRED_IDENTITY, "");
    down();
}

/** Outside of the trust domain nothing is asserted, and who wants to be nobody is nobody. */
static void test_untrusted_peer(void)
{
    up(3);
    (void)peer_up(false);
    dial(0, 1001, "90123", "Privacy: user\r\nSubject: me\r\n");
    REQUIRE(w.s[2].leg != NULL);
    says(2, SIP_HDR_P_ASSERTED_IDENTITY, "");
    says(2, SIP_HDR_SUBJECT, "");
    says(2, SIP_HDR_PRIVACY, "");
    struct str from = sip_msg_value(&w.s[2].last->m, SIP_HDR_FROM);
    CHECK(str_starts(from, STR("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=")));
    down();
}

/** What an untrusted peer asserts is not believed. */
static void test_from_an_untrusted_peer(void)
{
    up(4);
    (void)peer_up(false);
    dial(2, 7777, "1002", "P-Asserted-Identity: <sip:boss@example.com>\r\n");
    REQUIRE(w.s[1].leg != NULL);
    says(1, SIP_HDR_P_ASSERTED_IDENTITY, "");
    down();
}

static void test_remote_party_id(void)
{
    up(5);
    peer_up(true)->policy.remote_party_id = true;
    dial(2, 7777, "1002", "Remote-Party-ID: \"Ann\" <sip:0301@gw>;party=calling\r\n");
    REQUIRE(w.s[1].leg != NULL);
    says(1, SIP_HDR_P_ASSERTED_IDENTITY, "\"Ann\" <sip:0301@gw>");
    says(1, SIP_HDR_REMOTE_PARTY_ID, "");
    down();
}

/** The media of both sides meet directly, so their addresses cannot be withheld. */
static void test_critical_privacy(void)
{
    up(6);
    (void)peer_up(false);
    dial(0, 1001, "90123", "Privacy: session;critical\r\n");
    CHECK(w.s[2].leg == NULL);
    CHECK_INT(w.s[0].last->m.status, 500);
    CHECK_STR(sip_msg_reason(&w.s[0].last->m), "Privacy Not Possible: session");
    w.x.peer.domain = PEER_INSIDE; /* may be possible further on */
    dial(0, 1001, "90123", "Privacy: session;critical\r\n");
    CHECK(w.s[2].leg != NULL);
    says(2, SIP_HDR_PRIVACY, "session;critical");
    down();
}

/* ---- history ---- */

static void test_plain_call_has_none(void)
{
    up(7);
    dial(0, 1001, "1002", "");
    says(1, SIP_HDR_HISTORY_INFO, "");
    respond(1, 180);
    says(0, SIP_HDR_HISTORY_INFO, "");
    down();
}

/** RFC 7044 §9.2 to §9.4, for a call to two phones of one device. */
static void test_history_of_a_fork(void)
{
    up(8);
    exchange_register(&w.x, 1, &w.s[2].node, false);
    dial(0, 1001, "1002", "Supported: histinfo\r\n");
    char *one = strdup(lines_of(1, SIP_HDR_HISTORY_INFO));
    char *two = strdup(lines_of(2, SIP_HDR_HISTORY_INFO));
    CHECK(str_starts(str_c(one), STR("<sip:1002@example.com>;index=1 | <sip:1002@10.0.0.2")));
    CHECK(str_ends(str_c(one), STR(">;index=1.2;rc=1")));
    CHECK(str_ends(str_c(two), STR(">;index=1.1;rc=1")));
    CHECK_INT(test_count(two, "index="), 2);
    respond(2, 180); /* only what has been answered is told */
    says(0, SIP_HDR_HISTORY_INFO, two);
    respond(1, 486);
    respond(2, 200);
    CHECK_INT(test_count(lines_of(0, SIP_HDR_HISTORY_INFO), "index="), 3);
    CHECK_INT(test_count(lines_of(0, SIP_HDR_HISTORY_INFO),
                         "?Reason=SIP%3Bcause%3D486>;index=1.2;rc=1"),
              1);
    free(one);
    free(two);
    down();
}

/** What is set by the callee's side does not reach a caller who has not asked (§9.4). */
static void test_history_in_response_not_asked(void)
{
    up(9);
    dial(0, 1001, "1002", "");
    REQUIRE(w.s[1].leg != NULL);
    CHECK_INT(
        leg_respond(w.s[1].leg, NULL, 180, STR_NONE,
                    &(struct leg_content){.lines = STR("History-Info: <sip:x@y>;index=1\r\n")},
                    w.net.now_ms),
        0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.s[0].last->m.status, 180);
    says(0, SIP_HDR_HISTORY_INFO, "");
    down();
}

static void deflect(const char *to)
{
    respond(1, 180);
    CHECK_INT(call_deflect(exchange_connection(&w.x, 1), str_c(to), STR_NONE, w.net.now_ms),
              CALL_OK);
    exchange_settle(&w.x);
    vnet_run_for(&w.net, 100);
}

/** A deflected call says from whom it comes, whoever asked. */
static void test_deflected(void)
{
    up(10);
    dial(0, 1001, "1002", "");
    deflect("1003");
    REQUIRE(w.s[2].leg != NULL);
    const char *text = lines_of(2, SIP_HDR_HISTORY_INFO);
    CHECK(str_starts(str_c(text), STR("<sip:1002@example.com>;index=1 | ")));
    CHECK_INT(test_count(text, "<sip:1003@example.com;cause=487>;index=1.1;mp=1 | "), 1);
    CHECK_INT(test_count(text, ">;index=1.1.1;rc=1.1"), 1);
    down();
}

/** With the branch that rang, and its reason, when the history was kept from the start. */
static void test_deflected_with_history(void)
{
    up(11);
    dial(0, 1001, "1002", "Supported: histinfo\r\n");
    deflect("1003");
    const char *text = lines_of(2, SIP_HDR_HISTORY_INFO);
    CHECK_INT(test_count(text, "?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1 | "), 1);
    CHECK_INT(test_count(text, "<sip:1003@example.com;cause=487>;index=1.2;mp=1 | "), 1);
    CHECK_INT(test_count(text, ">;index=1.2.1;rc=1.2"), 1);
    respond(2, 180);
    CHECK_INT(test_count(lines_of(0, SIP_HDR_HISTORY_INFO), "index="), 4);
    down();
}

/** A neighbour that only knows Diversion gets Diversion. */
static void test_deflected_to_diversion(void)
{
    up(12);
    peer_up(true)->policy.diversion = DIVERSION_WRITE;
    dial(0, 1001, "1002", "");
    deflect("90123");
    REQUIRE(w.s[2].leg != NULL);
    says(2, SIP_HDR_DIVERSION,
         "<sip:1002@example.com>;reason=deflection;counter=1;privacy=off");
    says(2, SIP_HDR_HISTORY_INFO, "");
    down();
}

/** What wants privacy and is ours does not leave the trust domain. */
static void test_history_privacy(void)
{
    up(13);
    (void)peer_up(false);
    dial(0, 1001, "90123",
         "Privacy: history\r\n"
         "History-Info: <sip:1005@example.com>;index=1\r\n"
         "History-Info: <sip:90123@example.com>;index=1.1;mp=1\r\n");
    says(2, SIP_HDR_PRIVACY, "");
    says(2, SIP_HDR_HISTORY_INFO,
         "<sip:anonymous@anonymous.invalid>;index=1 | "
         "<sip:anonymous@anonymous.invalid>;index=1.1;mp=1 | "
         "<sip:90123@10.0.0.3>;index=1.1.1;rc=1.1");
    down();
}

/* ---- reason ---- */

static void test_q850(void)
{
    up(14);
    peer_up(true)->policy.q850 = true;
    dial(2, 7777, "1002", "");
    respond(1, 486);
    CHECK_INT(w.s[2].last->m.status, 486);
    says(2, SIP_HDR_REASON, "Q.850;cause=17");
    dial(2, 7777, "1002", "");
    trio_ring_and_answer(&w, 1, SDP_B);
    leg_end(w.s[1].leg, 0, NULL, NULL, NULL, w.net.now_ms);
    vnet_run_for(&w.net, 100);
    says(2, SIP_HDR_REASON, "Q.850;cause=16");
    down();
}

/** What came stays: several protocols, and no second Q.850. */
static void test_reasons_pass(void)
{
    static const char lines[] =
        "Reason: SIP;cause=600\r\nReason: Q.850;cause=21;text=\"no\"\r\n"
        "Reason: preemption;cause=1\r\n";
    up(15);
    peer_up(true)->policy.q850 = true;
    dial(2, 7777, "1002", "");
    REQUIRE(w.s[1].leg != NULL);
    CHECK_INT(leg_respond(w.s[1].leg, NULL, 603, STR_NONE,
                          &(struct leg_content){.lines = str_c(lines)}, w.net.now_ms),
              0);
    vnet_run_for(&w.net, 100);
    CHECK_INT(w.s[2].last->m.status, 603);
    says(2, SIP_HDR_REASON, "SIP;cause=600 | Q.850;cause=21;text=\"no\" | preemption;cause=1");
    down();
}

static void test_completed_elsewhere(void)
{
    up(16);
    exchange_register(&w.x, 1, &w.s[2].node, false);
    dial(0, 1001, "1002", "");
    respond(2, 180);
    respond(1, 200);
    says(2, SIP_HDR_REASON, "SIP;cause=200;text=\"Call completed elsewhere\"");
    down();
}

/** Memory that fails anywhere costs the call or the history, never the truth. */
static void test_memory(void)
{
    for (size_t at = 1; at < 60; at++) {
        up(20 + at);
        (void)peer_up(false);
        w.x.mem.fail_at = w.x.mem.calls + at;
        dial(0, 1001, "90123",
             "Privacy: user;id;history\r\nSupported: histinfo\r\n"
             "P-Asserted-Identity: <sip:secret@example.com>\r\n"
             "History-Info: <sip:secret@example.com>;index=1\r\n");
        w.x.mem.fail_at = 0;
        if (w.s[2].leg != NULL) {
            CHECK(str_find(str_c(lines_of(2, SIP_HDR_HISTORY_INFO)), STR("secret")) ==
                  strlen(lines_of(2, SIP_HDR_HISTORY_INFO)));
            says(2, SIP_HDR_P_ASSERTED_IDENTITY, "");
        }
        down();
    }
}

TEST_MAIN(T(test_asserted_to_a_trusted_peer), T(test_preferred_identity),
          T(test_untrusted_peer), T(test_from_an_untrusted_peer), T(test_remote_party_id),
          T(test_critical_privacy), T(test_plain_call_has_none), T(test_history_of_a_fork),
          T(test_history_in_response_not_asked), T(test_deflected),
          T(test_deflected_with_history), T(test_deflected_to_diversion),
          T(test_history_privacy), T(test_q850), T(test_reasons_pass),
          T(test_completed_elsewhere), T(test_memory))
