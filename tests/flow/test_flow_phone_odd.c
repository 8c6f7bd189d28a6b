/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Phones that speak uaCSTA and do what they should not, phones of the field as their profiles
 * have them, lines on a peer, and memory that fails.
 */
#include "tel.h"
#include "uaphone.h"

#include "base/err.h"
#include <stdio.h>

#define NS "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""

static struct world w;
static struct tel tel;
static struct uaphone u;
static struct phone_profile notify;
static const struct phone_profile *profile;

static void with_phone(struct world *world)
{
    static const struct phone_profile *item;
    static struct phone_profiles set;
    world->device[0].phone_profile = STR("generic");
    world->config.phone.refresh_s = 60;
    if (profile != NULL) {
        item = profile;
        set = (struct phone_profiles){.item = item, .count = 1};
        world->device[0].phone_profile = item->name;
        world->config.phone_profiles = &set;
    }
}

static void up(void)
{
    profile = NULL;
    tel_world_up(&tel, &w, &(struct world_options){.tweak = with_phone});
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
}

static const char *monitor(void)
{
    const char *ref = world_monitor(&w, &w.crm, "1001");
    world_run(&w, 100);
    app_forget(&w.crm);
    return ref;
}

static const char *told(const char *ref)
{
    world_run(&w, 300);
    const char *text = app_events(&w.crm, ref);
    app_forget(&w.crm);
    return text;
}

/* ---- odd messages ---- */

static void test_garbage(void)
{
    static const char *const bodies[] = {
        "<", "no XML at all", "<!DOCTYPE x [<!ENTITY a \"b\">]><DeliveredEvent/>",
        "<DeliveredEvent " NS "><monitorCrossRefID>7</monitorCrossRefID>"};
    up();
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        tel_info(&tel, "application/csta+xml", bodies[i]);
        world_run(&w, 200);
        CHECK_INT(tel.event_status, 400);
    }
    tel_info(&tel, "text/plain", "hello");
    world_run(&w, 200);
    CHECK_INT(tel.event_status, 415);
    tel_info(&tel, "application/csta+xml", "<SomethingNewEvent " NS "/>");
    world_run(&w, 200);
    CHECK_INT(tel.event_status, 200);
    tel_info(&tel, "application/csta+xml",
             "<DeliveredEvent " NS "><cause>newCall</cause>"
             "</DeliveredEvent>"); /* of no connection */
    world_run(&w, 200);
    CHECK_INT(tel.event_status, 200);
    CHECK_INT(world_stat(&w, "phone_events_unread"), 6);
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** Requests of the phone are answered: each once, and with what they ask for. */
static void test_its_requests(void)
{
    up();
    tel_info(&tel, "application/csta+xml", "<RequestSystemStatus " NS "/>");
    world_run(&w, 200);
    struct str m = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "200 INFO", 0);
    CHECK(str_find(m, STR("<systemStatus>normal</systemStatus>")) < m.n);
    CHECK(str_find(m, STR("csta/ed3\"")) < m.n);
    tel_info(&tel, "application/csta+xml",
             "<SystemStatus " NS "><systemStatus>normal"
             "</systemStatus></SystemStatus>");
    world_run(&w, 200);
    m = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "200 INFO", 1);
    CHECK(str_find(m, STR("<SystemStatusResponse ")) < m.n);
    tel_info(&tel, "application/csta+xml",
             "<MakeCall " NS "><callingDevice>1</callingDevice>"
             "</MakeCall>");
    world_run(&w, 200);
    m = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "200 INFO", 2);
    CHECK(str_find(m, STR("serviceNotSupported")) < m.n);
    CHECK_INT(tel.sessions, 1);
    tel_info(&tel, "application/csta+xml",
             "<MonitorStop " NS "><monitorCrossRefID>7"
             "</monitorCrossRefID></MonitorStop>");
    world_run(&w, 2000);
    m = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 0), "200 INFO", 3);
    CHECK(str_find(m, STR("<MonitorStopResponse ")) < m.n);
    CHECK_INT(tel.sessions, 2); /* and it is monitored again */
    CHECK_INT(world_stat(&w, "phones_monitored"), 1);
    world_down(&w);
}

/** BYE of the phone, INVITE refused for good, not normal: each has its time. */
static void test_ends(void)
{
    up();
    leg_end(tel.session, 0, NULL, NULL, NULL, station_now(&tel.p->s));
    world_run(&w, 2000);
    CHECK_INT(tel.sessions, 2);
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    tel.status = "disabled";
    leg_end(tel.session, 0, NULL, NULL, NULL, station_now(&tel.p->s));
    world_run(&w, 4000);
    CHECK(tel.sessions > 2);
    CHECK_INT(world_stat(&w, "phone_sessions"), 0);
    tel.take = 488;
    world_run(&w, 70000);
    unsigned n = tel.sessions;
    world_run(&w, 600000);
    CHECK_INT(tel.sessions, n); /* it has said no for good */
    tel.take = 200;
    tel.status = "normal";
    snprintf(PHONE(&w, 0)->register_id, sizeof(PHONE(&w, 0)->register_id), "anew");
    phone_register(PHONE(&w, 0), 3600);
    world_run(&w, 2000);
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    world_down(&w);
}

/** A request that is not answered costs its asker no more than its patience. */
static void test_unanswered(void)
{
    up();
    tel_say(&tel, "GetSpeakerVolume", NULL);
    struct ask *q = app_ask(&w.crm, "GetSpeakerVolume", "<device>1001</device>");
    world_run(&w, 9000);
    CHECK_INT(q->answers, 1);
    CHECK_STR(str_c(q->text), "systemResourceAvailibility/resourceOutOfService");
    world_run(&w, 40000);
    CHECK_INT(tel.sessions, 2); /* nothing was said for 32 s: it is begun anew */
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    world_down(&w);
}

/** The answer in an INFO of its own (S-11). */
static void test_apart(void)
{
    up();
    tel.empty = true;
    struct ask *q = app_ask(&w.crm, "GetSpeakerMute", "<device>1001</device>");
    world_run(&w, 300);
    CHECK_INT(q->answers, 0);
    tel.empty = false;
    tel_info(&tel, "application/csta+xml",
             "<GetSpeakerMuteResponse " NS "><speakerMuteList><speakerMuteItem>"
             "<auditoryApparatus>1</auditoryApparatus><speakerMuteOn>false</speakerMuteOn>"
             "</speakerMuteItem></speakerMuteList></GetSpeakerMuteResponse>");
    world_run(&w, 300);
    CHECK_INT(q->answers, 1);
    CHECK(q->msg.id == CSTA_MSG_GET_SPEAKER_MUTE_RESPONSE);
    world_down(&w);
}

/** More requests than it takes, and an application that goes while it waits. */
static void test_queue(void)
{
    up();
    tel_say(&tel, "GetSpeakerVolume", NULL);
    w.crm.parallel = true;
    for (int i = 0; i < 40; i++) {
        (void)app_ask(&w.crm, "GetSpeakerVolume", "<device>1001</device>");
    }
    world_run(&w, 500);
    unsigned answered = 0;
    for (size_t i = w.crm.asks - 40; i < w.crm.asks; i++) {
        answered += w.crm.ask[i].answers;
    }
    CHECK_INT(answered, 8); /* 32 wait, of this session and for this phone */
    world_run(&w, 60000);
    w.crm.parallel = false;
    world_down(&w);
}

/** Calls that nobody could follow in memory: the 17th of one phone. */
static void test_too_many_calls(void)
{
    char id[16];
    up();
    for (int i = 0; i < 20; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        tel_delivered(&tel, id, "1001", "777", "1001", "alerting");
        world_run(&w, 50);
    }
    CHECK_INT(world_stat(&w, "calls_active"), 16);
    CHECK_INT(world_stat(&w, "phone_limited"), 4);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(id, sizeof(id), "%d", i);
        tel_cleared(&tel, id, "1001", "null");
        world_run(&w, 50);
    }
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** Two calls of its own become one, without it. */
static void test_transferred(void)
{
    up();
    const char *ref = monitor();
    tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
    tel_established(&tel, "1", "1001", "777", "1001");
    tel_held(&tel, "1", true);
    tel_delivered(&tel, "2", "1001", "888", "1001", "alerting");
    tel_established(&tel, "2", "1001", "888", "1001");
    (void)told(ref);
    struct ask *q =
        app_on_two(&w.crm, "TransferCall", "heldCall", "c1", "activeCall", "c2", "1001");
    world_run(&w, 200);
    CHECK_INT(q->answers, 1);
    CHECK(strstr(tel.last, "<TransferCall ") != NULL);
    tel_event(&tel, "TransferedEvent",
              "<primaryOldCall><callID>1</callID><deviceID>1001</deviceID></primaryOldCall>"
              "<secondaryOldCall><callID>2</callID><deviceID>1001</deviceID></secondaryOldCall>"
              "<transferringDevice><deviceIdentifier>1001</deviceIdentifier>"
              "</transferringDevice><transferredToDevice><deviceIdentifier>888"
              "</deviceIdentifier></transferredToDevice><transferredConnections/>"
              "<localConnectionInfo>null</localConnectionInfo><cause>transfer</cause>");
    CHECK_STR(str_c(told(ref)),
              "Transferred c1:1001 null transfer and c2:1001 to=888 [777,888]");
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    world_down(&w);
}

/** A bridged call and a foreign one are never one pair. */
static void test_mixed_pair(void)
{
    up();
    const char *ref = monitor();
    tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
    tel_established(&tel, "1", "1001", "777", "1001");
    tel_held(&tel, "1", true);
    world_run(&w, 200);
    REQUIRE(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
    world_run(&w, 200);
    phone_answer(PHONE(&w, 0));
    (void)told(ref);
    struct ask *q =
        app_on_two(&w.crm, "TransferCall", "heldCall", "c1", "activeCall", "c2", "1001");
    world_run(&w, 200);
    CHECK_INT(q->answers, 1);
    CHECK_STR(str_c(q->text), "stateIncompatibility/noHeldCall");
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    tel_cleared(&tel, "1", "1001", "null");
    world_run(&w, 200);
    world_down(&w);
}

/* ---- a line that lives on a peer ---- */

static void on_peer(struct world *world)
{
    world->device[3].phone_peer = STR("gateway");
    world->config.phone.refresh_s = 60;
}

static void answer_at_peer(const char *pattern, const char *body)
{
    struct text_msg m = world_take(&w.gateway, pattern);
    struct hop to = raw_from(&w.gateway);
    raw_reply(&w.gateway, &to, m.m, "200 OK", "t",
              "Contact: <sip:1004@10.0.2.1>\nContent-Type: application/csta+xml\n", body);
    text_free(&m);
    world_run(&w, 200);
}

static void test_peer(void)
{
    world_up(&w, &(struct world_options){.tweak = on_peer});
    world_run(&w, 500);
    answer_at_peer("INVITE<RequestSystemStatus",
                   "<RequestSystemStatusResponse " NS "><systemStatus>normal</systemStatus>"
                   "</RequestSystemStatusResponse>");
    answer_at_peer("INFO<GetCSTAFeatures", "<GetCSTAFeaturesResponse " NS "/>");
    answer_at_peer("INFO<MonitorStart", "<MonitorStartResponse " NS "><monitorCrossRefID>9"
                                        "</monitorCrossRefID></MonitorStartResponse>");
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    CHECK_INT(world_stat(&w, "phones_monitored"), 1);
    struct str invite = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "INVITE", 0);
    CHECK(str_starts(invite, STR("INVITE sip:1004@10.0.2.1:5060")));
    struct str start = wire_find(&w.wire, ENGINE(&w), &w.gateway.node, "INFO<MonitorStart", 0);
    CHECK(str_find(start, STR("<deviceObject>sip:1004@10.0.2.1</deviceObject>")) < start.n);
    w.hard = true; /* the peer answers no BYE */
    engine_stop(w.engine, w.net.now_ms);
    world_down(&w);
}

/* ---- phones as their profiles have them ---- */

static void ua_up(const struct phone_profile *p, unsigned odd)
{
    profile = p;
    world_up(&w, &(struct world_options){.tweak = with_phone, .unregistered = true});
    uaphone_up(&u, &w.net, &w.node, "ua", "10.0.1.77", "1001", "pw1001", TP_UDP, p, NULL, odd);
    phone_register(&u.p, 3600);
    world_run(&w, 4000);
    CHECK_INT(u.p.register_status, 200);
}

static void ua_down(void)
{
    phone_register(&u.p, 0);
    world_run(&w, 500);
    uaphone_forget(&u);
    world_down(&w);
    uaphone_down(&u);
}

static void story(const char *where)
{
    test_context(where);
    const char *ref = monitor();
    struct uaphone_call *c = uaphone_rings(&u, "777");
    world_run(&w, 3000);
    CHECK_STR(str_c(told(ref)), "Delivered c1:1001 alerting newCall 777>1001");
    uaphone_answers(&u, c);
    world_run(&w, 3000);
    CHECK(str_starts(str_c(told(ref)), STR("Established c1:1001 connected ")));
    uaphone_holds(&u, c);
    world_run(&w, 3000);
    CHECK_STR(str_c(told(ref)), "Held c1:1001 hold normal");
    uaphone_retrieves(&u, c);
    world_run(&w, 3000);
    CHECK_STR(str_c(told(ref)), "Retrieved c1:1001 connected normal");
    uaphone_clears(&u, c, true);
    world_run(&w, 5000);
    const char *end = told(ref);
    CHECK(strstr(end, "Cleared c1:1001 null") != NULL);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    test_context(NULL);
}

static void test_odd_phones(void)
{
    static const struct {
        const char *name;
        unsigned odd;
    } rows[] = {{"plain", 0},
                {"repeats", UAPHONE_REPEATS},
                {"late", UAPHONE_LATE},
                {"event first", UAPHONE_EVENT_FIRST},
                {"garbage", UAPHONE_GARBAGE},
                {"empty answers", UAPHONE_EMPTY},
                {"SIP refusals", UAPHONE_SIP_REFUSALS},
                {"answers apart", UAPHONE_APART},
                {"no status", UAPHONE_NO_STATUS}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context(rows[i].name);
        ua_up(&phone_profile_generic, rows[i].odd);
        CHECK_INT(world_stat(&w, "phone_sessions"), 1);
        story(rows[i].name);
        ua_down();
    }
}

/** It is found out within one refresh, and nobody was left without a word. */
static void test_forgets(void)
{
    ua_up(&phone_profile_generic, 0);
    const char *ref = monitor();
    struct uaphone_call *c = uaphone_rings(&u, "777");
    world_run(&w, 500);
    (void)told(ref);
    uaphone_forget(&u);
    world_run(&w, 62000);
    CHECK_INT(u.sessions, 2);
    CHECK_STR(str_c(told(ref)), "BackInService 1001");
    CHECK_INT(world_stat(&w, "phone_resynced"), 1);
    uaphone_answers(&u, c);
    world_run(&w, 500);
    CHECK(str_starts(str_c(told(ref)), STR("Established c1:1001 ")));
    uaphone_restart(&u);
    world_run(&w, 3000);
    CHECK_STR(str_c(told(ref)), "Cleared c1:1001 null normal by=1001; BackInService 1001");
    ua_down();
}

/** CSTA in NOTIFY: nothing is opened, and the phone's body is at hand. */
static void test_notify(void)
{
    notify = phone_profile_generic;
    notify.name = STR("sheet");
    notify.means = PHONE_MEANS_NOTIFY;
    notify.own_events = false;
    ua_up(&notify, 0);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &u.p.s.node, "INVITE"), 0);
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    struct ask *q = app_ask(&w.crm, "SetMicrophoneMute",
                            "<device>1001</device><microphoneMuteOn>true</microphoneMuteOn>");
    world_run(&w, 500);
    CHECK_STR(str_c(q->text), "SetMicrophoneMuteResponse");
    CHECK(u.mic_muted);
    ua_down();
}

/* ---- memory ---- */

static void run_once(size_t fail_at)
{
    profile = NULL;
    world_up(&w, &(struct world_options){.tweak = with_phone, .unregistered = true});
    tel_up(&tel, PHONE(&w, 0));
    w.hard = true;
    phone_register(PHONE(&w, 0), 3600);
    w.mem.calls = 0;
    w.mem.fail_at = fail_at;
    world_run(&w, 5000);
    if (tel.session != NULL) {
        tel_delivered(&tel, "1", "1001", "777", "1001", "alerting");
        world_run(&w, 500);
    }
    if (tel.session != NULL) {
        tel_established(&tel, "1", "1001", "777", "1001");
        (void)app_ask(&w.crm, "GetSpeakerMute", "<device>1001</device>");
        world_run(&w, 500);
    }
    if (tel.session != NULL) {
        tel_cleared(&tel, "1", "1001", "null");
        world_run(&w, 500);
    }
    w.mem.fail_at = 0;
    world_run(&w, 130000);
    phone_register(PHONE(&w, 0), 3600);
    world_run(&w, 130000);
    CHECK_INT(world_stat(&w, "phone_sessions"), 1);
    if (tel.session != NULL) {
        tel_cleared(&tel, "1", "1001", "null");
        world_run(&w, 500);
    }
    world_down(&w);
}

static void test_memory(void)
{
    for (size_t n = 1; n < 120; n += 1) {
        char where[32];
        (void)snprintf(where, sizeof(where), "allocation %zu", n);
        test_context(where);
        run_once(n);
    }
    test_context(NULL);
}

TEST_MAIN(T(test_garbage), T(test_its_requests), T(test_ends), T(test_unanswered),
          T(test_apart), T(test_queue), T(test_too_many_calls), T(test_transferred),
          T(test_mixed_pair), T(test_peer), T(test_odd_phones), T(test_forgets), T(test_notify),
          T(test_memory))
