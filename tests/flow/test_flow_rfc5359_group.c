/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 5359 §2.10, §2.11 and §2.15 to §2.18: conferences of three, park, pickup, automatic
 * redial, click to dial; through the bridge and through the proxy.
 */
#include "service.h"
#include "watcher.h"

#include <stdio.h>

static struct service s;
static struct watcher pc; /* another station of a device: subscribes and refers */

static void at_once(struct world *w)
{
    w->config.event.interval_ms = 1;
}

static void up(enum role role)
{
    service_begin(&s, role);
    s.tweak = at_once;
    if (role == ROLE_BRIDGE) { /* subscriptions and messages to the trunk's numbers pass */
        struct rule *r = service_rule(&s, "8*", RULE_PROXY);
        r->methods = 1u << SIP_METHOD_SUBSCRIBE;
        service_target(&s, r, RULE_TO_PEER, "trunk");
    }
    service_up(&s);
}

static struct hop answer(const struct text_msg *m, const char *status, const char *lines,
                         const char *body)
{
    struct hop back = raw_from(&s.w.trunk);
    char all[1024], route[512] = "";
    struct str rr = text_value(m, "Record-Route");
    if (rr.n > 0) {
        (void)snprintf(route, sizeof(route), "Record-Route: %.*s\n", STR_ARG(rr));
    }
    (void)snprintf(all, sizeof(all), "%s%s", route, lines);
    raw_reply(&s.w.trunk, &back, m->m, status, "t", all, body);
    service_run(&s, 100);
    return back;
}

static const char *route_of(const struct text_msg *m)
{
    static char text[512];
    struct str rr = text_value(m, "Record-Route");
    text[0] = '\0';
    if (rr.n > 0) {
        (void)snprintf(text, sizeof(text), "Route: %.*s\n", STR_ARG(rr));
    }
    return text;
}

/* ---- §2.10, §2.11 ---- */

#define FOCUS "<sip:conf-1@10.0.2.2>;isfocus"

static const char focus_sdp[] = "v=0\r\no=raw 1 2 IN IP4 10.0.2.1\r\ns=-\r\n"
                                "c=IN IP4 10.0.2.1\r\nt=0 0\r\nm=audio 6002 RTP/AVP 0\r\n";

/** ann talks to 8002, which mixes and takes cleo in. */
static void third_is_added(enum role role)
{
    struct text_msg invite, ok;
    up(role);
    REQUIRE(phone_call(s.ann, "8002", true, STR("User-to-User: " SERVICE_UUI "\r\n")) != NULL);
    service_run(&s, 100);
    invite = world_take(&s.w.trunk, "INVITE");
    CHECK_STR(text_value(&invite, "User-to-User"), SERVICE_UUI);
    (void)answer(&invite, "200 OK",
                 "Contact: <sip:8002@10.0.2.2>\nContent-Type: application/sdp\n", world_sdp);
    REQUIRE(phone_talks(s.ann));
    /* F5: the Contact says that a focus speaks. It is the proxy's to pass on; in the bridge's
       dialog with ann the bridge is the contact, and what it says of itself is true of it */
    service_mark(&s);
    char lines[700];
    (void)snprintf(lines, sizeof(lines), "Contact: " FOCUS "\n%s", route_of(&invite));
    struct hop to = vnet_hop(ENGINE(&s.w), TP_UDP);
    struct sip_addr contact;
    CHECK_INT(sip_msg_addr(invite.m, SIP_HDR_CONTACT, &contact), 0);
    raw_sendf(&s.w.trunk, &to,
              "INVITE %.*s SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.2;branch=z9hG4bK-focus\n"
              "Max-Forwards: 70\nFrom: %.*s;tag=t\nTo: %.*s\nCall-ID: %.*s\nCSeq: 1 INVITE\n"
              "%sContent-Type: application/sdp\n\n%s",
              STR_ARG(contact.uri_text), STR_ARG(text_value(&invite, "To")),
              STR_ARG(text_value(&invite, "From")), STR_ARG(text_value(&invite, "Call-ID")),
              lines, focus_sdp);
    service_run(&s, 100);
    ok = world_take(&s.w.trunk, "200 INVITE");
    world_raw_request(&s.w, &s.w.trunk, "ACK", 1, &invite, route_of(&invite), "");
    service_run(&s, 100);
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    struct str seen = service_to(&s, &s.ann->s.node, "INVITE", 0, "Contact");
    if (role == ROLE_PROXY) {
        CHECK_STR(seen, FOCUS);
    } else {
        CHECK(str_starts(seen, STR("<sip:baton@10.0.0.1")));
        CHECK(str_find(seen, STR("isfocus")) == seen.n);
    }
    CHECK_STR(wire_body(service_to(&s, &s.ann->s.node, "INVITE", 0, NULL)), focus_sdp);
    text_free(&ok);
    /* F8: the other one */
    world_raw_invite(&s.w, &s.w.trunk, "third", "1003", "User-to-User: 00C8;encoding=hex\n",
                     focus_sdp);
    service_run(&s, 100);
    CHECK_STR(service_to(&s, &s.cleo->s.node, "INVITE", 0, "User-to-User"),
              "00C8;encoding=hex");
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 100);
    ok = world_take(&s.w.trunk, "200 INVITE");
    world_raw_request(&s.w, &s.w.trunk, "ACK", 1, &ok, route_of(&ok), "");
    service_run(&s, 100);
    LADDER(&s, s.cleo, "<INVITE >180 >200 <ACK");
    CHECK(phone_talks(s.ann) && phone_talks(s.cleo));
    world_raw_request(&s.w, &s.w.trunk, "BYE", 2, &ok, route_of(&ok), "");
    world_raw_request(&s.w, &s.w.trunk, "BYE", 2, &invite, route_of(&invite), "");
    service_run(&s, 100);
    CHECK(s.ann->s.leg == NULL && s.cleo->s.leg == NULL);
    text_free(&ok);
    text_free(&invite);
    service_down(&s);
}

static void test_2_10_third_is_added(void)
{
    third_is_added(ROLE_BRIDGE);
    third_is_added(ROLE_PROXY);
}

/** carol, at the gateway, wants to join: nobody mixes in the bridge. The proxy lets bob say. */
static void third_joins(enum role role, bool required, const char *expected)
{
    char join[400], lines[500];
    struct text_msg t;
    up(role);
    service_talk(&s, s.ann, s.bob);
    (void)snprintf(join, sizeof(join), "%s", service_replaces_line(s.bob->s.leg, ""));
    (void)snprintf(lines, sizeof(lines), "Join: %s%s", join + strlen("Replaces: "),
                   required ? "Require: join\r\n" : "");
    struct line first = role == ROLE_PROXY ? line_keep(s.bob) : (struct line){0};
    service_mark(&s);
    world_raw_invite(&s.w, &s.w.gateway, "join", "1002", lines, world_sdp);
    service_run(&s, 200);
    if (role == ROLE_PROXY) {
        LADDER(&s, s.bob, "<INVITE >180");
        struct str named = str_c(join + strlen("Replaces: "));
        CHECK_BYTES(service_to(&s, &s.bob->s.node, "INVITE", 0, "Join"), str_trim(named));
        CHECK_INT(phone_respond(s.bob, 488), 0);
        service_run(&s, 100);
        line_resume(s.bob, &first);
    } else {
        LADDER(&s, s.bob, "");
    }
    t = world_take(&s.w.gateway, expected);
    if (t.m->status == 420) {
        CHECK_STR(text_value(&t, "Unsupported"), "join");
    }
    text_free(&t);
    LADDER(&s, s.ann, "");
    service_down(&s);
}

static void test_2_11_third_joins(void)
{
    third_joins(ROLE_BRIDGE, false, "488 INVITE");
    third_joins(ROLE_BRIDGE, true, "420 INVITE");
    third_joins(ROLE_PROXY, false, "488 INVITE");
}

/* ---- §2.15 ---- */

/** The park server is 1004. Who was sent to it, and from it, says so in Referred-By. */
static void test_2_15_park_bridge(void)
{
    char lines[512];
    up(ROLE_BRIDGE);
    service_talk(&s, s.ann, s.bob);
    /* F9: bob has asked it out of band */
    (void)snprintf(lines, sizeof(lines),
                   "%sRequire: replaces\r\nReferred-By: <sip:1002@example.com>\r\n"
                   "User-to-User: 00C8;encoding=hex\r\n",
                   service_replaces_line(s.bob->s.leg, ""));
    REQUIRE(phone_call(s.dan, "1001", true, str_c(lines)) != NULL);
    service_run(&s, 300);
    LADDER(&s, s.dan, ">INVITE <401 >ACK >INVITE <200 >ACK");
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    LADDER(&s, s.bob, "<BYE >200.BYE");
    CHECK_STR(service_to(&s, &s.ann->s.node, "INVITE", 0, "User-to-User"), "00C8;encoding=hex");
    CHECK(phone_talks(s.ann) && phone_talks(s.dan));
    /* F20 by somebody whom the server has not sent */
    service_mark(&s);
    (void)snprintf(lines, sizeof(lines), "%sRequire: replaces\r\n",
                   service_replaces_line(s.dan->s.leg, ""));
    REQUIRE(phone_call(s.cleo, "1001", true, str_c(lines)) != NULL);
    service_run(&s, 300);
    LADDER(&s, s.cleo, ">INVITE <401 >ACK >INVITE <403 >ACK");
    LADDER(&s, s.ann, "");
    LADDER(&s, s.dan, "");
    /* and by who was */
    service_mark(&s);
    (void)snprintf(lines, sizeof(lines),
                   "%sRequire: replaces\r\nReferred-By: <sip:1004@example.com>\r\n",
                   service_replaces_line(s.dan->s.leg, ""));
    REQUIRE(phone_call(s.cleo, "1001", true, str_c(lines)) != NULL);
    service_run(&s, 300);
    LADDER(&s, s.cleo, ">INVITE <401 >ACK >INVITE <200 >ACK");
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    LADDER(&s, s.dan, "<BYE >200.BYE");
    CHECK(phone_talks(s.ann) && phone_talks(s.cleo) && s.dan->s.leg == NULL);
    CHECK_STR(service_to(&s, &s.cleo->s.node, "200 INVITE", 0, "User-to-User"), SERVICE_UUI);
    CHECK_STR(str_c(phones_media(s.ann, s.cleo)), "sendrecv|sendrecv");
    CHECK_INT(world_stat(&s.w, "calls_active"), 1);
    service_down(&s);
}

/** F16 to F19: what is parked is asked of a park server behind a peer. */
static void park_is_watched(enum role role)
{
    static const char info[] = "<?xml version=\"1.0\"?>\n<dialog-info "
                               "xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" "
                               "state=\"full\" entity=\"sip:8701@example.com\">"
                               "<dialog id=\"1\" call-id=\"parked\" local-tag=\"a\" "
                               "remote-tag=\"b\"><state>confirmed</state></dialog>"
                               "</dialog-info>\n";
    struct text_msg subscribe, t;
    up(role);
    service_watcher(&s, &pc, "pc", "10.0.4.3", "1003", "pw1003");
    watcher_subscribe(&pc, "8701", "dialog", 0, "Accept: application/dialog-info+xml\r\n", "");
    service_run(&s, 100);
    subscribe = world_take(&s.w.trunk, "SUBSCRIBE");
    CHECK_STR(text_value(&subscribe, "Event"), "dialog");
    CHECK_STR(text_value(&subscribe, "Expires"), "0");
    CHECK_STR(text_value(&subscribe, "Contact"), "<sip:1003@10.0.4.3>");
    CHECK_INT(text_value(&subscribe, "Authorization").n, 0);
    struct hop back =
        answer(&subscribe, "200 OK", "Contact: <sip:park@10.0.2.2>\nExpires: 0\n", "");
    CHECK_INT(pc.status, 200);
    raw_sendf(&s.w.trunk, &back,
              "NOTIFY sip:1003@10.0.4.3 SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.2;branch=z9hG4bK-n1\n"
              "Max-Forwards: 70\n%sFrom: <sip:8701@example.com>;tag=t\nTo: %.*s\n"
              "Call-ID: %.*s\nCSeq: 1 NOTIFY\nContact: <sip:park@10.0.2.2>\nEvent: dialog\n"
              "Subscription-State: terminated;reason=timeout\n"
              "Content-Type: application/dialog-info+xml\n\n%s",
              route_of(&subscribe), STR_ARG(text_value(&subscribe, "From")),
              STR_ARG(text_value(&subscribe, "Call-ID")), info);
    service_run(&s, 100);
    t = world_take(&s.w.trunk, "200 NOTIFY");
    text_free(&t);
    CHECK_STR(str_c(watcher_last(&pc)->body), info);
    text_free(&subscribe);
    service_down(&s);
}

static void test_2_15_park_is_watched(void)
{
    park_is_watched(ROLE_BRIDGE);
    park_is_watched(ROLE_PROXY);
}

/* ---- §2.16 ---- */

/** bill is 1003: he watches bob, and takes what rings there. */
static void watch_bob(const char *number, const char *password)
{
    service_watcher(&s, &pc, "pc", "10.0.4.3", number, password);
    watcher_subscribe(&pc, "1002", "dialog", 600, "", "");
    service_run(&s, 200);
    CHECK_INT(pc.status, 200);
}

static void test_2_16_pickup(void)
{
    char lines[512];
    up(ROLE_BRIDGE);
    watch_bob("1003", "pw1003");
    REQUIRE(phone_call(s.ann, "1002", true, STR("User-to-User: " SERVICE_UUI "\r\n")) != NULL);
    service_run(&s, 200);
    CHECK(watcher_has(&pc, "<state>early</state>"));
    (void)snprintf(lines, sizeof(lines),
                   "Replaces: %s;to-tag=%s;from-tag=%s;early-only\r\nRequire: replaces\r\n",
                   watcher_value(&pc, "call-id=\""), watcher_value(&pc, "remote-tag=\""),
                   watcher_value(&pc, "local-tag=\""));
    service_mark(&s);
    REQUIRE(phone_call(s.cleo, "1001", true, str_c(lines)) != NULL);
    service_run(&s, 300);
    LADDER(&s, s.bob, "<CANCEL >200.CANCEL >487 <ACK");
    LADDER(&s, s.cleo, ">INVITE <401 >ACK >INVITE <200 >ACK <INVITE >200 <ACK");
    LADDER(&s, s.ann, "<200 >ACK");
    CHECK_STR(service_to(&s, &s.cleo->s.node, "200 INVITE", 0, "User-to-User"), SERVICE_UUI);
    struct str reason = service_to(&s, &s.bob->s.node, "CANCEL", 0, "Reason");
    CHECK(str_starts(reason, STR("SIP;cause=200")));
    CHECK(phone_talks(s.ann) && phone_talks(s.cleo) && s.bob->s.leg == NULL);
    CHECK_STR(str_c(phones_media(s.ann, s.cleo)), "sendrecv|sendrecv");
    service_mark(&s);
    phone_hang_up(s.ann, STR_NONE); /* F14 */
    service_run(&s, 200);
    LADDER(&s, s.ann, ">BYE <200.BYE");
    LADDER(&s, s.cleo, "<BYE >200.BYE");
    watcher_refresh(&pc, 0, "", "");
    service_run(&s, 200);
    service_down(&s);
}

/** Too late: bob has answered. With early-only it is 486, without it is not cleo's call. */
static void test_2_16_pickup_too_late(void)
{
    static const struct {
        const char *params, *ladder;
    } row[] = {{";early-only", ">INVITE <401 >ACK >INVITE <486 >ACK"},
               {"", ">INVITE <401 >ACK >INVITE <403 >ACK"}};
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        char lines[512];
        up(ROLE_BRIDGE);
        service_talk(&s, s.ann, s.bob);
        (void)snprintf(lines, sizeof(lines), "%sRequire: replaces\r\n",
                       service_replaces_line(s.bob->s.leg, row[i].params));
        REQUIRE(phone_call(s.cleo, "1001", true, str_c(lines)) != NULL);
        service_run(&s, 300);
        LADDER(&s, s.cleo, row[i].ladder);
        LADDER(&s, s.ann, "");
        LADDER(&s, s.bob, "");
        service_down(&s);
    }
}

/** Through the proxy the INVITE gets to ann's phone, which does the rest. */
static void test_2_16_pickup_proxy(void)
{
    char lines[512];
    struct line waiting;
    up(ROLE_PROXY);
    REQUIRE(phone_call(s.ann, "1002", true, STR_NONE) != NULL);
    service_run(&s, 200);
    (void)snprintf(lines, sizeof(lines), "%sRequire: replaces\r\n",
                   service_replaces_line(s.bob->s.leg, ";early-only"));
    waiting = line_keep(s.ann);
    service_mark(&s);
    REQUIRE(phone_call(s.cleo, "1001", true, str_c(lines)) != NULL);
    service_run(&s, 200);
    struct str line = str_upto(str_c(lines), str_find(str_c(lines), STR("\r\n")));
    CHECK_BYTES(service_to(&s, &s.ann->s.node, "INVITE", 0, "Replaces"),
                str_from(line, strlen("Replaces: ")));
    CHECK_INT(phone_answer(s.ann), 0);
    service_run(&s, 200);
    leg_end(waiting.leg, 0, NULL, NULL, NULL, station_now(&s.ann->s)); /* F9 */
    service_run(&s, 200);
    LADDER(&s, s.ann, "<INVITE >180 >200 <ACK >CANCEL <200.CANCEL <487 >ACK");
    LADDER(&s, s.bob, "<CANCEL >200.CANCEL >487 <ACK");
    CHECK(phone_talks(s.ann) && phone_talks(s.cleo));
    service_down(&s);
}

/* ---- §2.17 ---- */

static void test_2_17_automatic_redial(void)
{
    up(ROLE_BRIDGE);
    service_talk(&s, s.cleo, s.bob);
    struct line busy = line_keep(s.bob);
    s.bob->on_call = 486;
    REQUIRE(phone_call(s.ann, "1002", true, STR("User-to-User: " SERVICE_UUI "\r\n")) != NULL);
    service_run(&s, 200);
    LADDER(&s, s.ann, ">INVITE <401 >ACK >INVITE <486 >ACK");
    line_resume(s.bob, &busy);
    watch_bob("1001", "pw1001");
    CHECK(watcher_has(&pc, "<state>confirmed</state>")); /* F6 */
    phone_hang_up(s.cleo, STR_NONE);
    service_run(&s, 200);
    CHECK(watcher_has(&pc, ">terminated</state>")); /* F8 */
    CHECK_STR(str_upto(str_c(watcher_last(&pc)->state), 6), "active");
    s.bob->on_call = 180;
    service_talk(&s, s.ann, s.bob); /* F10 */
    CHECK(watcher_has(&pc, "<state>confirmed</state>"));
    size_t notes = pc.notes;
    watcher_refresh(&pc, 0, "", ""); /* F16 */
    service_run(&s, 200);
    CHECK_INT(pc.status, 200);
    CHECK_INT(pc.notes, notes + 1);
    CHECK(str_starts(str_c(watcher_last(&pc)->state), STR("terminated")));
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 200);
    CHECK_INT(pc.notes, notes + 1);
    CHECK_INT(world_stat(&s.w, "event_subscriptions"), 0);
    service_down(&s);
}

/* ---- §2.18 ---- */

#define CLICK                                                                 \
    "Refer-To: <sip:1003@example.com?User-to-User=00C8%3Bencoding%3Dhex>\r\n" \
    "Supported: norefersub\r\n"

/** bob's PC has his phone call cleo. */
static void test_2_18_click_to_dial(void)
{
    up(ROLE_BRIDGE);
    service_watcher(&s, &pc, "pc", "10.0.4.2", "1002", "pw1002");
    watcher_send_out(&pc, "REFER", "1002", CLICK "Refer-Sub: false\r\n", "");
    service_run(&s, 200);
    CHECK_INT(pc.status, 200); /* RFC 4488 §4: no subscription; the example has 202 */
    CHECK_STR(watcher_answer(&pc, "Refer-Sub"), "false");
    LADDER(&s, s.bob, "<INVITE >180");
    LADDER(&s, s.cleo, "");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    CHECK_STR(service_to(&s, &s.cleo->s.node, "INVITE", 0, "User-to-User"),
              "00C8;encoding=hex");
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 300);
    LADDER(&s, s.bob, "<INVITE >180 >200 <ACK <INVITE >200 <ACK");
    LADDER(&s, s.cleo, "<INVITE >180 >200 <ACK");
    CHECK(phone_talks(s.bob) && phone_talks(s.cleo));
    CHECK_STR(str_c(phones_media(s.bob, s.cleo)), "sendrecv|sendrecv");
    CHECK_INT(pc.notes, 0);
    service_down(&s);
}

/** Somebody else's PC may not; and through the proxy the phone is asked itself. */
static void test_2_18_click_to_dial_not(void)
{
    up(ROLE_BRIDGE);
    service_watcher(&s, &pc, "pc", "10.0.4.2", "1001", "pw1001");
    watcher_send_out(&pc, "REFER", "1002", CLICK, "");
    service_run(&s, 200);
    CHECK_INT(pc.status, 403);
    LADDER(&s, s.bob, "");
    service_down(&s);

    up(ROLE_PROXY);
    service_watcher(&s, &pc, "pc", "10.0.4.2", "1002", "pw1002");
    watcher_send_out(&pc, "REFER", "8002", CLICK "Refer-Sub: false\r\n", "");
    service_run(&s, 200);
    struct text_msg refer = world_take(&s.w.trunk, "REFER");
    CHECK_STR(text_value(&refer, "Refer-To"),
              "<sip:1003@example.com?User-to-User=00C8%3Bencoding%3Dhex>");
    CHECK_STR(text_value(&refer, "Refer-Sub"), "false");
    CHECK_STR(text_value(&refer, "Supported"), "norefersub");
    (void)answer(&refer, "202 Accepted", "Refer-Sub: false\nContact: <sip:8002@10.0.2.2>\n",
                 "");
    CHECK_INT(pc.status, 202);
    CHECK_STR(watcher_answer(&pc, "Refer-Sub"), "false");
    text_free(&refer);
    service_down(&s);
}

TEST_MAIN(T(test_2_10_third_is_added), T(test_2_11_third_joins), T(test_2_15_park_bridge),
          T(test_2_15_park_is_watched), T(test_2_16_pickup), T(test_2_16_pickup_too_late),
          T(test_2_16_pickup_proxy), T(test_2_17_automatic_redial), T(test_2_18_click_to_dial),
          T(test_2_18_click_to_dial_not))
