/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is named, and where a call has been, through the proxy: History-Info of serial branches,
 * of redirections that it follows and in responses (RFC 7044 §9), identities in responses
 * (RFC 3325).
 */
#include "history/history.h"
#include "service.h"

#include <stdio.h>

static struct service s;

/** All lines of a header of the nth such message to that party, " | " between. */
static const char *lines_of(const struct phone *p, const char *pattern, size_t nth,
                            const char *name)
{
    static char text[2048];
    struct str m = wire_find(&s.w.wire, &s.w.node, &p->s.node, pattern, nth), v;
    size_t n = 0;
    CHECK(m.n > 0);
    text[0] = '\0';
    for (size_t i = 0; (v = wire_raw(m, name, i)).p != NULL; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", n > 0 ? " | " : "",
                              STR_ARG(str_trim(v)));
    }
    return text;
}

static void call(const char *lines)
{
    service_mark(&s);
    REQUIRE(phone_call(s.ann, "1002", true, str_c(lines)) != NULL);
    service_run(&s, 200);
}

static uint8_t mode;

static void use_mode(struct world *w)
{
    w->config.call.policy.history = mode;
}

/** Calls to 1002 go through the proxy to bob, and when that fails, to cleo. */
static void serial_up(uint8_t history)
{
    static const uint16_t busy[] = {486, 408, 480};
    service_begin(&s, ROLE_PROXY);
    struct rule *r = service_rule(&s, "1002", RULE_PROXY);
    r->ring_s = 10;
    memcpy(r->next_on, busy, sizeof(busy));
    r->next_count = ARRAY_LEN(busy);
    service_target(&s, r, RULE_TO_DEVICE, "1002");
    service_target(&s, r, RULE_TO_DEVICE, "1003");
    mode = history;
    s.tweak = use_mode;
    service_up(&s);
}

static void hang_up(void)
{
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 200);
    service_down(&s);
}

/** A later branch carries those that have failed and why, and the caller hears of all. */
static void test_serial_history(void)
{
    serial_up(HISTORY_AUTO);
    s.bob->on_call = 486;
    call("Supported: histinfo\r\n");
    const char *text = lines_of(s.cleo, "INVITE", 0, "History-Info");
    CHECK(str_starts(str_c(text), STR("<sip:1002@example.com>;index=1 | <sip:1002@")));
    CHECK_INT(test_count(text, "?Reason=SIP%3Bcause%3D486>;index=1.1;rc=1 | "
                               "<sip:1003@example.com>;index=1.2;mp=1 | "),
              1);
    CHECK(str_ends(str_c(text), STR(">;index=1.2.1;rc=1.2")));
    char *sent = strdup(text);
    CHECK_STR(str_c(lines_of(s.ann, "180 INVITE", 0, "History-Info")), sent);
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 200);
    CHECK_STR(str_c(lines_of(s.ann, "200 INVITE", 0, "History-Info")), sent);
    free(sent);
    hang_up();
}

/** One that rang and was given up has failed with 408. */
static void test_given_up(void)
{
    serial_up(HISTORY_AUTO);
    call("Supported: histinfo\r\n");
    service_run(&s, 11000);
    CHECK_INT(test_count(lines_of(s.cleo, "INVITE", 0, "History-Info"),
                         "?Reason=SIP%3Bcause%3D408>;index=1.1;rc=1 | "),
              1);
    phone_hang_up(s.ann, STR_NONE); /* CANCEL: 487 says where it has been */
    service_run(&s, 200);
    CHECK_INT(test_count(lines_of(s.ann, "487 INVITE", 0, "History-Info"), ";index="), 4);
    service_down(&s);
}

/** Who has not asked gets none, whoever sends one; a proxy that passes it changes nothing. */
static void test_not_asked(void)
{
    static const char theirs[] = "History-Info: <sip:x@example.org>;index=1\r\n";
    serial_up(HISTORY_AUTO);
    s.bob->ring_lines = STR("History-Info: <sip:x@example.org>;index=1\r\n");
    call("");
    CHECK_STR(str_c(lines_of(s.bob, "INVITE", 0, "History-Info")), "");
    CHECK_STR(str_c(lines_of(s.ann, "180 INVITE", 0, "History-Info")), "");
    hang_up();
    serial_up(HISTORY_PASS);
    s.bob->ring_lines = str_c(theirs);
    call("");
    CHECK_STR(str_c(lines_of(s.ann, "180 INVITE", 0, "History-Info")),
              "<sip:x@example.org>;index=1");
    hang_up();
}

/* ---- redirections ---- */

static void redirected(const char *lines, const char *contact)
{
    char line[128];
    service_begin(&s, ROLE_PROXY);
    struct rule *r = service_rule(&s, "1002", RULE_PROXY);
    r->recurse = true;
    r->parallel = true;
    service_up(&s);
    s.bob->on_call = 302;
    (void)snprintf(line, sizeof(line), "Contact: %s\r\n", contact);
    s.bob->answer_lines = str_c(line);
    call(lines);
}

/** A call that the proxy sends on says from whom, whoever asked. */
static void test_followed_by_the_proxy(void)
{
    redirected("", "<sip:1003@example.com>;mp=1");
    const char *text = lines_of(s.cleo, "INVITE", 0, "History-Info");
    CHECK(str_starts(str_c(text), STR("<sip:1002@example.com>;index=1 | "
                                      "<sip:1003@example.com;cause=302>;index=1.1;mp=1 | "
                                      "<sip:1003@")));
    CHECK(str_ends(str_c(text), STR(">;index=1.1.1;rc=1.1")));
    hang_up();
}

static void test_followed_with_history(void)
{
    redirected("Supported: histinfo\r\n", "<sip:1003@example.com>;rc=1");
    const char *text = lines_of(s.cleo, "INVITE", 0, "History-Info");
    CHECK_INT(test_count(text, "?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1 | "
                               "<sip:1003@example.com;cause=302>;index=1.2;rc=1.1 | "),
              1);
    CHECK_INT(test_count(lines_of(s.ann, "180 INVITE", 0, "History-Info"), ";index="), 4);
    hang_up();
}

/* ---- identities ---- */

/** What a phone asserts in a response is its own opinion. */
static void test_response_of_a_phone(void)
{
    service_begin(&s, ROLE_PROXY);
    service_up(&s);
    s.bob->ring_lines = s.bob->answer_lines =
        STR("P-Asserted-Identity: <sip:boss@example.com>\r\n"
            "P-Preferred-Identity: <sip:boss@example.com>\r\n"
            "Remote-Party-ID: <sip:boss@example.com>;party=called\r\nX-Kept: 1\r\n");
    call("");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    for (unsigned i = 0; i < 2; i++) {
        struct str m = wire_find(&s.w.wire, &s.w.node, &s.ann->s.node,
                                 i == 0 ? "180 INVITE" : "200 INVITE", 0);
        CHECK(str_find(m, STR("boss")) == m.n);
        CHECK_STR(str_trim(wire_raw(m, "X-Kept", 0)), "1");
    }
    hang_up();
}

/** A trusted peer is believed, and what it wants withheld is. */
static void test_response_of_a_peer(void)
{
    static const struct {
        const char *privacy, *asserted;
    } rows[] = {{"", "<sip:boss@example.com>"},
                {"Privacy: id\n", ""},
                {"Privacy: none\n", "<sip:boss@example.com>"}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        char lines[256];
        service_begin(&s, ROLE_PROXY);
        struct rule *r = service_rule(&s, "1002", RULE_PROXY);
        r->record_route = true;
        service_target(&s, r, RULE_TO_PEER, "gateway");
        service_up(&s);
        call("");
        struct text_msg invite = world_take(&s.w.gateway, "INVITE");
        struct hop back = vnet_hop(&s.w.node, TP_UDP);
        (void)snprintf(lines, sizeof(lines), "P-Asserted-Identity: <sip:boss@example.com>\n%s",
                       rows[i].privacy);
        raw_reply(&s.w.gateway, &back, invite.m, "603 Decline", "t", lines, "");
        service_run(&s, 200);
        CHECK_STR(str_c(lines_of(s.ann, "603 INVITE", 0, "P-Asserted-Identity")),
                  rows[i].asserted);
        text_free(&invite);
        service_down(&s);
    }
}

/** Inside a dialog there is no plan: what a phone asserts is cut all the same. */
static void test_request_inside(void)
{
    service_begin(&s, ROLE_PROXY);
    service_up(&s);
    call("");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    service_send(&s, s.ann, "INFO",
                 "P-Asserted-Identity: <sip:boss@example.com>\r\nX-Kept: 1\r\n", NULL, NULL);
    service_run(&s, 200);
    CHECK_STR(str_c(lines_of(s.bob, "INFO", 0, "P-Asserted-Identity")), "");
    CHECK_STR(str_c(lines_of(s.bob, "INFO", 0, "X-Kept")), "1");
    hang_up();
}

/** INVITEs of ours ask for the history (RFC 7044 §6.1), and who has not asked gets none. */
static void test_we_ask(void)
{
    for (int made = 0; made < 2; made++) {
        service_begin(&s, ROLE_BRIDGE);
        mode = HISTORY_AUTO;
        s.tweak = use_mode;
        s.apps = true;
        service_up(&s);
        s.bob->answer_lines = STR("History-Info: <sip:1002@example.com>;index=1\r\n");
        if (made == 1) {
            s.ann->obeys_auto = true;
            (void)app_make_call(&s.w.crm, "1001", "1002", false, NULL);
            service_run(&s, 300);
            CHECK(strstr(lines_of(s.ann, "INVITE", 0, "Supported"), "histinfo") != NULL);
        } else {
            call("");
        }
        CHECK(strstr(lines_of(s.bob, "INVITE", 0, "Supported"), "histinfo") != NULL);
        CHECK_INT(phone_answer(s.bob), 0);
        service_run(&s, 300);
        REQUIRE(phone_talks(s.ann) && phone_talks(s.bob));
        if (made == 0) {
            struct str ok = wire_find(&s.w.wire, &s.bob->s.node, &s.w.node, "200 INVITE", 0);
            CHECK(str_is_set(wire_raw(ok, "History-Info", 0)));
            CHECK_STR(str_c(lines_of(s.ann, "200 INVITE", 0, "History-Info")), "");
            CHECK(strstr(lines_of(s.ann, "200 INVITE", 0, "Supported"), "histinfo") != NULL);
        }
        hang_up();
    }
}

static void strip_untrusted(struct world *w)
{
    w->config.strip_untrusted_history = true;
    w->peer[0].domain = PEER_OUTSIDE;
}

#define FORGED                                                                            \
    "History-Info: <sip:boss@example.com?User-to-User=04AA%3Bencoding%3Dhex>;index=1\n"   \
    "History-Info: <sip:1002@example.com>;index=1.1;rc=1\nDiversion: <sip:a@b.example>\n" \
    "Supported: histinfo\nUser-to-User: 04AA;encoding=hex\n"

/** A peer outside of the trust domain, and a phone, tell of a past: it stays outside. One
 * inside is heard. */
static void test_strangers_have_no_past(void)
{
    for (int role = 0; role < 2; role++) {
        test_context(role == 0 ? "bridge" : "proxy");
        service_begin(&s, role == 0 ? ROLE_BRIDGE : ROLE_PROXY);
        s.tweak = strip_untrusted;
        service_up(&s);
        service_mark(&s);
        for (int i = 0; i < 2; i++) {
            struct raw *r = i == 0 ? &s.w.gateway : &s.w.trunk;
            world_raw_invite(&s.w, r, i == 0 ? "out" : "in", "1002", FORGED, world_sdp);
            service_run(&s, 100);
            const char *lines = lines_of(s.bob, "INVITE", (size_t)i, "History-Info");
            CHECK((strstr(lines, "boss") != NULL) == (i == 1));
            CHECK_STR(str_c(lines_of(s.bob, "INVITE", (size_t)i, "Diversion")),
                      i == 0 ? "" : "<sip:a@b.example>");
            CHECK_STR(str_c(lines_of(s.bob, "INVITE", (size_t)i, "User-to-User")),
                      "04AA;encoding=hex");
            CHECK_INT(phone_respond(s.bob, 486), 0);
            service_run(&s, 100);
            struct text_msg t = world_take(r, "486 INVITE");
            world_raw_request(&s.w, r, "ACK", 1, &t, "", "");
            text_free(&t);
            service_run(&s, 100);
        }
        call("History-Info: <sip:boss@example.com>;index=1\r\n");
        CHECK(strstr(lines_of(s.bob, "INVITE", 2, "History-Info"), "boss") == NULL);
        CHECK_INT(phone_respond(s.bob, 486), 0);
        service_run(&s, 100);
        service_down(&s);
    }
    test_context(NULL);
}

TEST_MAIN(T(test_serial_history), T(test_strangers_have_no_past), T(test_we_ask),
          T(test_given_up), T(test_not_asked), T(test_followed_by_the_proxy),
          T(test_followed_with_history), T(test_response_of_a_phone),
          T(test_response_of_a_peer), T(test_request_inside))
