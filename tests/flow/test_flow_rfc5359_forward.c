/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 5359 §2.7 to §2.9, §2.12 to §2.14: forwarding, find-me, screening. Each by route rules
 * through the bridge and through the proxy; forwarding also by feature keys, by a redirection
 * of the phone, and by one of ours.
 */
#include "service.h"
#include "watcher.h"

#include <stdio.h>

static struct service s;
static struct watcher keys; /* of 1002's phone */

#define UUI_LINE STR("User-to-User: " SERVICE_UUI "\r\n")
#define TO_GATEWAY "19727293660"

static struct str header(const struct phone *p, const char *pattern, size_t nth,
                         const char *name)
{
    return service_to(&s, &p->s.node, pattern, nth, name);
}

/** ann calls 1002. */
static void call(void)
{
    service_mark(&s);
    REQUIRE(phone_call(s.ann, "1002", true, UUI_LINE) != NULL);
    service_run(&s, 200);
}

/** `p` rings: it answers, they talk, ann hangs up. @param before  what ann saw until it rang */
static void answered_by(struct phone *p, const char *before)
{
    char want[256];
    (void)snprintf(want, sizeof(want), "%s <200 >ACK", before);
    CHECK_STR(service_to(&s, &p->s.node, "INVITE", 0, "User-to-User"), SERVICE_UUI);
    CHECK_INT(phone_answer(p), 0);
    service_run(&s, 200);
    LADDER(&s, s.ann, want);
    CHECK(phone_talks(s.ann) && phone_talks(p));
    CHECK_STR(str_c(phones_media(s.ann, p)), "sendrecv|sendrecv");
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 200);
    CHECK(s.ann->s.leg == NULL && p->s.leg == NULL);
    LADDER(&s, p, "<INVITE >180 >200 <ACK <BYE >200.BYE");
}

#define CALLING ">INVITE <401 >ACK >INVITE"

/* ---- §2.7 ---- */

/** All calls for bob go to the gateway. */
static void unconditional(enum role role, enum rule_action action)
{
    struct text_msg invite, ack, bye;
    struct hop back;
    service_begin(&s, role);
    struct rule *r = service_rule(&s, "1002", action);
    r->called_number.replace = STR(TO_GATEWAY);
    service_target(&s, r, RULE_TO_PEER, "gateway");
    service_up(&s);
    call();
    LADDER(&s, s.bob, "");
    invite = world_take(&s.w.gateway, "INVITE");
    back = raw_from(&s.w.gateway);
    CHECK_STR(sip_msg_ruri(invite.m), "sip:" TO_GATEWAY "@10.0.2.1:5060");
    CHECK_STR(text_value(&invite, "User-to-User"), SERVICE_UUI);
    if (action == RULE_PROXY) { /* F4 */
        CHECK_STR(text_value(&invite, "To"), "<sip:1002@example.com>");
        CHECK_BYTES(text_value(&invite, "Call-ID"),
                    service_from(&s, &s.ann->s.node, "INVITE", 1, "Call-ID"));
    }
    char lines[512] = "", *route = lines;
    if (action == RULE_PROXY) {
        route += snprintf(lines, sizeof(lines), "Record-Route: %.*s\n",
                          STR_ARG(text_value(&invite, "Record-Route")));
    }
    (void)snprintf(route, sizeof(lines) - (size_t)(route - lines),
                   "Contact: <sip:gw@10.0.2.1>\nContent-Type: application/sdp\n");
    raw_reply(&s.w.gateway, &back, invite.m, "180 Ringing", "t", "Contact: <sip:gw@10.0.2.1>\n",
              "");
    service_run(&s, 100);
    raw_reply(&s.w.gateway, &back, invite.m, "200 OK", "t", lines, world_sdp);
    service_run(&s, 100);
    ack = world_take(&s.w.gateway, "ACK");
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 100);
    bye = world_take(&s.w.gateway, "BYE");
    CHECK_STR(sip_msg_ruri(bye.m), "sip:gw@10.0.2.1");
    raw_reply(&s.w.gateway, &back, bye.m, "200 OK", "", "", "");
    service_run(&s, 100);
    LADDER(&s, s.ann, CALLING " <180 <200 >ACK >BYE <200.BYE");
    text_free(&invite);
    text_free(&ack);
    text_free(&bye);
    service_down(&s);
}

static void test_2_7_by_rule(void)
{
    unconditional(ROLE_BRIDGE, RULE_BRIDGE);
    unconditional(ROLE_PROXY, RULE_PROXY);
}

/** "Forwarding could be accomplished using a redirect." */
static void test_2_7_by_redirect(void)
{
    service_begin(&s, ROLE_BRIDGE);
    struct rule *r = service_rule(&s, "1002", RULE_REDIRECT);
    r->status = 302;
    r->uui_value = STR("00C8;encoding=hex;purpose=crm");
    service_target(&s, r, RULE_TO_URI, "sip:" TO_GATEWAY "@gw1.example.net");
    service_up(&s);
    call();
    LADDER(&s, s.ann, CALLING " <302 >ACK");
    LADDER(&s, s.bob, "");
    CHECK_STR(header(s.ann, "302 INVITE", 0, "Contact"),
              "<sip:" TO_GATEWAY
              "@gw1.example.net?User-to-User=00C8%3Bencoding%3Dhex%3Bpurpose%3Dcrm>");
    service_down(&s);
}

/** bob's phone itself: the bridge follows, the proxy when its rule says so. */
static void by_phone(enum role role, bool recurse)
{
    service_begin(&s, role);
    if (role == ROLE_PROXY) {
        struct rule *r = service_rule(&s, "1002", RULE_PROXY);
        r->recurse = recurse;
        r->parallel = true;
    }
    service_up(&s);
    s.bob->on_call = 302;
    s.bob->answer_lines = STR("Contact: <sip:1003@example.com>\r\n");
    call();
    LADDER(&s, s.bob, "<INVITE >302 <ACK");
    if (role == ROLE_PROXY && !recurse) {
        LADDER(&s, s.ann, CALLING " <302 >ACK");
        CHECK_STR(header(s.ann, "302 INVITE", 0, "Contact"), "<sip:1003@example.com>");
    } else {
        answered_by(s.cleo, role == ROLE_PROXY ? CALLING " <180" : CALLING " <181 <180");
    }
    service_down(&s);
}

static void test_2_7_by_phone(void)
{
    by_phone(ROLE_BRIDGE, true);
    by_phone(ROLE_PROXY, false);
    by_phone(ROLE_PROXY, true);
}

/** Two that forward to each other: the second redirection is the answer. */
static void test_2_7_in_a_circle(void)
{
    service_begin(&s, ROLE_PROXY);
    service_rule(&s, "1002", RULE_PROXY)->recurse = true;
    service_up(&s);
    s.bob->on_call = s.cleo->on_call = 302;
    s.bob->answer_lines = STR("Contact: <sip:1003@example.com>\r\n");
    s.cleo->answer_lines = STR("Contact: <sip:1002@example.com>\r\n");
    call();
    LADDER(&s, s.bob, "<INVITE >302 <ACK");
    LADDER(&s, s.cleo, "<INVITE >302 <ACK");
    LADDER(&s, s.ann, CALLING " <302 >ACK");
    service_down(&s);
}

static void press(const char *type, unsigned rings)
{
    char body[500], count[64] = "";
    service_watcher(&s, &keys, "keys", "10.0.4.2", "1002", "pw1002");
    watcher_subscribe(&keys, "1002", "as-feature-event", 600, "", "");
    service_run(&s, 200);
    if (rings != 0) {
        (void)snprintf(count, sizeof(count), "<ringCount>%u</ringCount>", rings);
    }
    (void)snprintf(body, sizeof(body),
                   "<SetForwarding xmlns=\"http://www.ecma-international.org/standards/"
                   "ecma-323/csta/ed3\"><device/><forwardingType>%s</forwardingType>"
                   "<activateForward>true</activateForward><forwardDN>1003</forwardDN>%s"
                   "</SetForwarding>",
                   type, count);
    watcher_refresh(&keys, 600, "Content-Type: application/x-as-feature-event+xml\r\n", body);
    service_run(&s, 200);
    CHECK_INT(keys.status, 200);
}

static void test_2_7_by_key(void)
{
    service_begin(&s, ROLE_BRIDGE);
    service_up(&s);
    press("forwardImmediate", 0);
    call();
    LADDER(&s, s.bob, "");
    answered_by(s.cleo, CALLING " <181 <180");
    service_down(&s);
}

/* ---- §2.8, §2.9 ---- */

/** B1 is bob, B2 is cleo; a rule names both. */
static void serial_rule(enum role role, const uint16_t *next_on, size_t n)
{
    service_begin(&s, role);
    struct rule *r = service_rule(&s, "1002", role == ROLE_PROXY ? RULE_PROXY : RULE_BRIDGE);
    r->ring_s = 15;
    memcpy(r->next_on, next_on, n * sizeof(*next_on));
    r->next_count = n;
    service_target(&s, r, RULE_TO_DEVICE, "1002");
    service_target(&s, r, RULE_TO_DEVICE, "1003");
    service_up(&s);
}

static const uint16_t busy_or_gone[] = {408, 480, 486};

static void test_2_8_busy_by_rule(void)
{
    for (enum role role = ROLE_BRIDGE; role <= ROLE_PROXY; role++) {
        serial_rule(role, busy_or_gone, 3);
        s.bob->on_call = 486;
        call();
        LADDER(&s, s.bob, "<INVITE >486 <ACK");
        answered_by(s.cleo, CALLING " <180");
        service_down(&s);
    }
}

static void test_2_8_busy_by_key(void)
{
    service_begin(&s, ROLE_BRIDGE);
    service_up(&s);
    press("forwardBusy", 0);
    s.bob->on_call = 486;
    call();
    LADDER(&s, s.bob, "<INVITE >486 <ACK");
    answered_by(s.cleo, CALLING " <181 <180");
    service_down(&s);
}

/** Busy, and nobody else is named: it is ann who hears it. */
static void test_2_8_busy_and_no_more(void)
{
    for (enum role role = ROLE_BRIDGE; role <= ROLE_PROXY; role++) {
        service_begin(&s, role);
        service_up(&s);
        s.bob->on_call = 486;
        call();
        LADDER(&s, s.ann, CALLING " <486 >ACK");
        service_down(&s);
    }
}

static void test_2_9_no_answer_by_rule(void)
{
    for (enum role role = ROLE_BRIDGE; role <= ROLE_PROXY; role++) {
        serial_rule(role, busy_or_gone, 3);
        call();
        LADDER(&s, s.ann, CALLING " <180");
        service_run(&s, 14000);
        LADDER(&s, s.bob, "<INVITE >180");
        service_run(&s, 1500);
        LADDER(&s, s.bob, "<INVITE >180 <CANCEL >200.CANCEL >487 <ACK");
        answered_by(s.cleo, CALLING " <180 <180");
        service_down(&s);
    }
}

static void test_2_9_no_answer_by_key(void)
{
    service_begin(&s, ROLE_BRIDGE);
    service_up(&s);
    press("forwardNoAns", 2);
    call();
    service_run(&s, 12500);
    LADDER(&s, s.bob, "<INVITE >180 <CANCEL >200.CANCEL >487 <ACK");
    answered_by(s.cleo, CALLING " <180 <181 <180");
    service_down(&s);
}

/* ---- §2.12 ---- */

/** B1 does not answer, B2 is not there, B3 is busy, B4 it is. */
static void find_me(enum role role)
{
    service_begin(&s, role);
    struct rule *r = service_rule(&s, "1002", role == ROLE_PROXY ? RULE_PROXY : RULE_BRIDGE);
    r->ring_s = 10;
    memcpy(r->next_on, busy_or_gone, sizeof(busy_or_gone));
    r->next_count = ARRAY_LEN(busy_or_gone);
    service_target(&s, r, RULE_TO_DEVICE, "1002");
    service_target(&s, r, RULE_TO_DEVICE, "1003");
    service_target(&s, r, RULE_TO_DEVICE, "1004");
    service_target(&s, r, RULE_TO_DEVICE, "1005");
    service_up(&s);
    s.cleo->on_call = 480;
    s.dan->on_call = 486;
    call();
    LADDER(&s, s.cleo, "");
    service_run(&s, 11000);
    LADDER(&s, s.bob, "<INVITE >180 <CANCEL >200.CANCEL >487 <ACK");
    LADDER(&s, s.cleo, "<INVITE >480 <ACK");
    LADDER(&s, s.dan, "<INVITE >486 <ACK");
    answered_by(PHONE(&s.w, 4), CALLING " <180 <180");
    service_down(&s);
}

static void test_2_12_find_me(void)
{
    find_me(ROLE_BRIDGE);
    find_me(ROLE_PROXY);
}

/** Nobody: the best of what they said. */
static void test_2_12_nobody(void)
{
    for (enum role role = ROLE_BRIDGE; role <= ROLE_PROXY; role++) {
        serial_rule(role, busy_or_gone, 3);
        s.bob->on_call = 480;
        s.cleo->on_call = 486;
        call();
        LADDER(&s, s.bob, "<INVITE >480 <ACK");
        LADDER(&s, s.cleo, "<INVITE >486 <ACK");
        struct str last = service_from(&s, ENGINE(&s.w), "48x INVITE", 0, NULL);
        CHECK(str_starts(last, STR("SIP/2.0 480")) || str_starts(last, STR("SIP/2.0 486")));
        CHECK(s.ann->s.leg == NULL);
        service_down(&s);
    }
}

/** ann gives up while one after the other is tried. */
static void test_2_12_given_up(void)
{
    for (enum role role = ROLE_BRIDGE; role <= ROLE_PROXY; role++) {
        serial_rule(role, busy_or_gone, 3);
        s.bob->on_call = 486;
        call();
        phone_hang_up(s.ann, STR_NONE);
        service_run(&s, 200);
        /* the proxy has a better one than the 487 by then (RFC 3261 §16.7 step 6) */
        LADDER(&s, s.ann,
               role == ROLE_PROXY ? CALLING " <180 >CANCEL <200.CANCEL <486 >ACK"
                                  : CALLING " <180 >CANCEL <200.CANCEL <487 >ACK");
        LADDER(&s, s.cleo, "<INVITE >180 <CANCEL >200.CANCEL >487 <ACK");
        service_down(&s);
    }
}

/* ---- §2.13, §2.14 ---- */

#define ANNOUNCEMENT "<sip:announcement-17@media.example.com>"

/** "Screening cannot be done using the From": the rule asks who proved himself to be whom. */
static void screening(enum role role, const char *caller, const char *called,
                      const char *phrase)
{
    static const struct rule_line lines[] = {{STR_INIT("Error-Info"), STR_INIT(ANNOUNCEMENT)}};
    char want[64];
    service_begin(&s, role);
    struct rule *r = service_rule(&s, called, RULE_REFUSE);
    r->device = service_pattern(&s, caller);
    r->device_count = 1;
    r->status = 403;
    r->reason = str_c(phrase);
    r->headers = lines;
    r->header_lines = 1;
    service_up(&s);
    call();
    LADDER(&s, s.ann, CALLING " <403 >ACK");
    LADDER(&s, s.bob, "");
    (void)snprintf(want, sizeof(want), "SIP/2.0 403 %s\r\n", phrase);
    CHECK(str_starts(header(s.ann, "403 INVITE", 0, NULL), str_c(want)));
    CHECK_STR(header(s.ann, "403 INVITE", 0, "Error-Info"), ANNOUNCEMENT);
    /* everybody else gets through */
    service_talk(&s, s.cleo, s.bob);
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 200);
    /* with another's name and her own password ann gets nowhere */
    s.ann->number = "1003";
    service_mark(&s);
    REQUIRE(phone_call(s.ann, "1002", true, STR_NONE) != NULL);
    service_run(&s, 200);
    s.ann->number = "1001";
    LADDER(&s, s.ann, CALLING " <403 >ACK");
    CHECK(str_starts(header(s.ann, "403 INVITE", 0, NULL),
                     STR("SIP/2.0 403 These Credentials Are Another's")));
    LADDER(&s, s.bob, "");
    service_down(&s);
}

static void test_2_13_incoming(void)
{
    screening(ROLE_BRIDGE, "1001", "1002", "Screening Failure (Terminating)");
    screening(ROLE_PROXY, "1001", "1002", "Screening Failure (Terminating)");
}

static void test_2_14_outgoing(void)
{
    screening(ROLE_BRIDGE, "1001", "1002", "Screening Failure (Originating)");
    screening(ROLE_PROXY, "1001", "1002", "Screening Failure (Originating)");
}

TEST_MAIN(T(test_2_7_by_rule), T(test_2_7_by_redirect), T(test_2_7_by_phone),
          T(test_2_7_in_a_circle), T(test_2_7_by_key), T(test_2_8_busy_by_rule),
          T(test_2_8_busy_by_key), T(test_2_8_busy_and_no_more), T(test_2_9_no_answer_by_rule),
          T(test_2_9_no_answer_by_key), T(test_2_12_find_me), T(test_2_12_nobody),
          T(test_2_12_given_up), T(test_2_13_incoming), T(test_2_14_outgoing))
