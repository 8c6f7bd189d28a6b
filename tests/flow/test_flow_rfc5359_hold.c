/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 5359 §2.1 to §2.3: call hold, consultation hold, music on hold; through the bridge and
 * through the proxy.
 */
#include "service.h"
#include "watcher.h"

#include <stdio.h>

static struct service s;
static struct watcher desk; /* 1002's other station, which can refer */

static void up(enum role role)
{
    service_begin(&s, role);
    service_up(&s);
}

/** §2.1: the callee holds and takes the call back; the caller hangs up. */
static void hold(enum role role)
{
    up(role);
    service_talk(&s, s.ann, s.bob);
    CHECK_INT(phone_offer(s.bob, SDP_SENDONLY), 0);
    service_run(&s, 200);
    LADDER(&s, s.bob, ">INVITE <200 >ACK");
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    CHECK_STR(str_c(phones_media(s.ann, s.bob)), "recvonly|sendonly");
    /* what was said is what is heard */
    CHECK_STR(wire_body(service_to(&s, &s.ann->s.node, "INVITE", 0, NULL)), s.bob->media.text);
    service_mark(&s);
    CHECK_INT(phone_offer(s.bob, SDP_SENDRECV), 0);
    service_run(&s, 200);
    LADDER(&s, s.bob, ">INVITE <200 >ACK");
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    CHECK_STR(str_c(phones_media(s.ann, s.bob)), "sendrecv|sendrecv");
    service_mark(&s);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 200);
    LADDER(&s, s.ann, ">BYE <200.BYE");
    LADDER(&s, s.bob, "<BYE >200.BYE");
    service_down(&s);
}

static void test_2_1_hold(void)
{
    hold(ROLE_BRIDGE);
    hold(ROLE_PROXY);
}

/** §2.2: bob asks cleo something while ann waits. */
static void consultation(enum role role)
{
    struct line first;
    up(role);
    service_talk(&s, s.ann, s.bob);
    CHECK_INT(phone_offer(s.bob, SDP_INACTIVE), 0);
    service_run(&s, 200);
    CHECK_STR(str_c(phones_media(s.ann, s.bob)), "inactive|inactive");
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    first = line_keep(s.bob);
    service_talk(&s, s.bob, s.cleo);
    phone_hang_up(s.bob, STR_NONE);
    service_run(&s, 200);
    LADDER(&s, s.bob, ">BYE <200.BYE");
    LADDER(&s, s.cleo, "<BYE >200.BYE");
    LADDER(&s, s.ann, ""); /* she noticed nothing */
    service_mark(&s);
    line_resume(s.bob, &first);
    CHECK_INT(phone_offer(s.bob, SDP_SENDRECV), 0);
    service_run(&s, 200);
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    CHECK_STR(str_c(phones_media(s.ann, s.bob)), "sendrecv|sendrecv");
    service_mark(&s);
    phone_hang_up(s.bob, STR_NONE);
    service_run(&s, 200);
    LADDER(&s, s.ann, "<BYE >200.BYE");
    service_down(&s);
}

static void test_2_2_consultation(void)
{
    consultation(ROLE_BRIDGE);
    consultation(ROLE_PROXY);
}

/* ---- §2.3: music on hold ---- */

static const char music_sdp[] = "v=0\r\no=music 7 1 IN IP4 10.0.2.2\r\ns=-\r\n"
                                "c=IN IP4 10.0.2.2\r\nt=0 0\r\nm=audio 7000 RTP/AVP 0\r\n"
                                "a=sendonly\r\n";

/** F8 to F11: bob's other station asks the music server 8111 to call ann in his place. */
static void ask_for_music(const struct leg *bobs)
{
    char lines[640];
    struct text_msg refer;
    service_watcher(&s, &desk, "desk", "10.0.4.2", "1002", "pw1002");
    (void)snprintf(
        lines, sizeof(lines),
        "Refer-To: <sip:1001@example.com?%s&User-to-User=00C8%%3Bencoding%%3Dhex>\r\n"
        "Referred-By: <sip:1002@example.com>\r\n",
        service_replaces(bobs));
    watcher_send_out(&desk, "REFER", "8111", lines, "");
    service_run(&s, 100);
    refer = world_take(&s.w.trunk, "REFER");
    struct str to = text_value(&refer, "Refer-To");
    CHECK(str_find(str_c(lines), to) < strlen(lines)); /* it came as it was */
    CHECK_STR(text_value(&refer, "Referred-By"), "<sip:1002@example.com>");
    CHECK_INT(text_value(&refer, "Authorization").n, 0);
    struct hop back = raw_from(&s.w.trunk);
    raw_reply(&s.w.trunk, &back, refer.m, "202 Accepted", "m", "Contact: <sip:8111@10.0.2.2>\n",
              "");
    service_run(&s, 100);
    CHECK_INT(desk.status, 202);
    raw_sendf(&s.w.trunk, &back,
              "NOTIFY sip:1002@10.0.4.2 SIP/2.0\nVia: SIP/2.0/UDP 10.0.2.2;branch=z9hG4bK-n1\n"
              "Max-Forwards: 70\nRoute: %.*s\nFrom: <sip:8111@example.com>;tag=m\n"
              "To: %.*s\nCall-ID: %.*s\nCSeq: 1 NOTIFY\nContact: <sip:8111@10.0.2.2>\n"
              "Event: refer\nSubscription-State: terminated;reason=noresource\n"
              "Content-Type: message/sipfrag\n\nSIP/2.0 200 OK\r\n",
              STR_ARG(text_value(&refer, "Record-Route")), STR_ARG(text_value(&refer, "From")),
              STR_ARG(text_value(&refer, "Call-ID")));
    text_free(&refer);
    service_run(&s, 100);
    struct text_msg t = world_take(&s.w.trunk, "200 NOTIFY");
    text_free(&t);
    CHECK_STR(str_c(watcher_last(&desk)->body), "SIP/2.0 200 OK\r\n");
}

/** F12 to F16 through the bridge: the dialog that Replaces names is the one with Baton. */
static void test_2_3_music_bridge(void)
{
    char lines[512];
    struct text_msg ok;
    service_begin(&s, ROLE_BRIDGE);
    struct rule *r = service_rule(&s, "8*", RULE_PROXY); /* referrals go to the server */
    r->methods = 1u << SIP_METHOD_REFER;
    service_target(&s, r, RULE_TO_PEER, "trunk");
    service_up(&s);
    service_talk(&s, s.ann, s.bob);
    CHECK_INT(phone_offer(s.bob, SDP_INACTIVE), 0);
    service_run(&s, 200);
    service_mark(&s);
    (void)snprintf(lines, sizeof(lines),
                   "%sRequire: replaces\r\nUser-to-User: 00C8;encoding=hex\r\n",
                   service_replaces_line(s.bob->s.leg, ""));
    ask_for_music(s.bob->s.leg);
    service_mark(&s);
    world_raw_invite(&s.w, &s.w.trunk, "music", "1001", lines, music_sdp);
    service_run(&s, 200);
    ok = world_take(&s.w.trunk, "200 INVITE");
    world_raw_request(&s.w, &s.w.trunk, "ACK", 1, &ok, "", "");
    service_run(&s, 200);
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    LADDER(&s, s.bob, "<BYE >200.BYE");
    CHECK_STR(service_to(&s, &s.ann->s.node, "INVITE", 0, "User-to-User"), "00C8;encoding=hex");
    CHECK_INT(s.ann->media.remote_dir, SDP_SENDONLY);
    CHECK(phone_talks(s.ann) && s.bob->s.leg == NULL);
    /* bob takes her back. The dialog that he names is the server's with us: he is no party of
       it, and the server, which is none of our devices, has referred him nowhere */
    struct sip_addr to;
    CHECK_INT(sip_msg_addr(ok.m, SIP_HDR_TO, &to), 0);
    (void)snprintf(lines, sizeof(lines),
                   "Replaces: music;to-tag=%.*s;from-tag=f-music\r\nRequire: replaces\r\n",
                   STR_ARG(sip_msg_tag(ok.m, SIP_HDR_TO)));
    service_mark(&s);
    REQUIRE(phone_call(s.bob, "1001", true, str_c(lines)) != NULL);
    service_run(&s, 200);
    LADDER(&s, s.bob, ">INVITE <401 >ACK >INVITE <403 >ACK");
    LADDER(&s, s.ann, "");
    /* so he has the server refer ann back to him */
    service_mark(&s);
    world_raw_request(&s.w, &s.w.trunk, "REFER", 2, &ok,
                      "Refer-To: <sip:1002@example.com>\nRefer-Sub: false\n"
                      "Supported: norefersub\n",
                      "");
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 300);
    LADDER(&s, s.bob, "<INVITE >180 >200 <ACK");
    LADDER(&s, s.ann, "<INVITE >200 <ACK");
    CHECK_STR(service_to(&s, &s.bob->s.node, "INVITE", 0, "User-to-User"), SERVICE_UUI);
    CHECK(phone_talks(s.ann) && phone_talks(s.bob));
    CHECK_STR(str_c(phones_media(s.ann, s.bob)), "sendrecv|sendrecv");
    text_free(&ok);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 5000);
    struct text_msg bye = world_take(&s.w.trunk, "BYE");
    struct hop back = raw_from(&s.w.trunk);
    raw_reply(&s.w.trunk, &back, bye.m, "200 OK", "", "", "");
    text_free(&bye);
    service_down(&s);
}

/** The same through the proxy: the phones and the server do it all, and are let do it. */
static void test_2_3_music_proxy(void)
{
    char lines[512], replaces[320];
    struct text_msg ok;
    struct line first;
    up(ROLE_PROXY);
    service_talk(&s, s.ann, s.bob);
    CHECK_INT(phone_offer(s.bob, SDP_INACTIVE), 0);
    service_run(&s, 200);
    (void)snprintf(replaces, sizeof(replaces), "%s", service_replaces_line(s.bob->s.leg, ""));
    (void)snprintf(lines, sizeof(lines),
                   "%sRequire: replaces\r\nUser-to-User: 00C8;encoding=hex\r\n", replaces);
    ask_for_music(s.bob->s.leg);
    service_mark(&s);
    first = line_keep(s.ann);
    world_raw_invite(&s.w, &s.w.trunk, "music", "1001", lines, music_sdp);
    service_run(&s, 200);
    LADDER(&s, s.ann, "<INVITE >180");
    /* names ann's own dialog, untouched */
    struct str named = service_to(&s, &s.ann->s.node, "INVITE", 0, "Replaces");
    CHECK_BYTES(named, str_trim(str_from(str_c(replaces), strlen("Replaces:"))));
    CHECK_BYTES(str_upto(named, first.leg->dialog->call_id.n), first.leg->dialog->call_id);
    CHECK(str_find(named, first.leg->dialog->local_tag) < named.n);
    CHECK_STR(service_to(&s, &s.ann->s.node, "INVITE", 0, "User-to-User"), "00C8;encoding=hex");
    CHECK_STR(service_to(&s, &s.ann->s.node, "INVITE", 0, "Require"), "replaces");
    CHECK_INT(phone_answer(s.ann), 0);
    service_run(&s, 100);
    ok = world_take(&s.w.trunk, "200 INVITE");
    char route[512];
    (void)snprintf(route, sizeof(route), "Route: %.*s\n",
                   STR_ARG(text_value(&ok, "Record-Route")));
    world_raw_request(&s.w, &s.w.trunk, "ACK", 1, &ok, route, "");
    service_run(&s, 100);
    struct line second = line_keep(s.ann);
    line_resume(s.ann, &first);
    phone_hang_up(s.ann, STR_NONE); /* F15 */
    service_run(&s, 100);
    LADDER(&s, s.ann, "<INVITE >180 >200 <ACK >BYE <200.BYE");
    LADDER(&s, s.bob, "<BYE >200.BYE");
    line_resume(s.ann, &second);
    CHECK(phone_talks(s.ann));
    /* F19: bob takes her back */
    service_mark(&s);
    (void)snprintf(lines, sizeof(lines),
                   "Replaces: music;to-tag=%.*s;from-tag=f-music\r\nRequire: replaces\r\n",
                   STR_ARG(sip_msg_tag(ok.m, SIP_HDR_TO)));
    REQUIRE(phone_call(s.bob, "1001", true, str_c(lines)) != NULL);
    service_run(&s, 100);
    CHECK_INT(phone_answer(s.ann), 0);
    service_run(&s, 100);
    LADDER(&s, s.ann, "<INVITE >180 >200 <ACK");
    struct str line = str_upto(str_c(lines), str_find(str_c(lines), STR("\r\n")));
    CHECK_BYTES(service_to(&s, &s.ann->s.node, "INVITE", 0, "Replaces"),
                str_from(line, strlen("Replaces: ")));
    CHECK(phone_talks(s.ann) && phone_talks(s.bob));
    CHECK_STR(str_c(phones_media(s.ann, s.bob)), "sendrecv|sendrecv");
    leg_end(second.leg, 0, NULL, NULL, NULL, station_now(&s.ann->s)); /* F22 */
    service_run(&s, 100);
    struct text_msg bye = world_take(&s.w.trunk, "BYE");
    struct hop back = raw_from(&s.w.trunk);
    raw_reply(&s.w.trunk, &back, bye.m, "200 OK", "", "", "");
    service_run(&s, 100);
    text_free(&bye);
    text_free(&ok);
    service_down(&s);
}

TEST_MAIN(T(test_2_1_hold), T(test_2_2_consultation), T(test_2_3_music_bridge),
          T(test_2_3_music_proxy))
