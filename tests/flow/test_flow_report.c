/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application is told about a device that it asks about (deviceReport of
 * docs/csta-private.md): nobody registered, an unknown phone, one whose session stands, one
 * that refuses it, one that is lost; and who may ask.
 */
#include "uaphone.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct uaphone u;

static void with_phone(struct world *world)
{
    world->config.phone.automatic = true;
}

static void up(unsigned odd, const char *profile)
{
    world_up(&w, &(struct world_options){.tweak = with_phone});
    uaphone_up(&u, &w.net, &w.node, "u", "10.0.1.40", "1004", "pw1004", TP_UDP,
               &phone_profile_generic, "Acme 1", odd);
    w.device[3].phone_profile = str_c(profile);
}

static void down(void)
{
    phone_register(&u.p, 0);
    world_run(&w, 1000);
    world_down(&w);
    uaphone_down(&u);
}

/** The report as text. */
static const char *report(struct app *a, const char *device)
{
    static char text[8192];
    struct ask *q = app_ask(a, "GetCSTAFeatures",
                            "<extensions><privateData><private><deviceReport "
                            "xmlns=\"urn:x-baton:csta\" device=\"%s\"/></private></privateData>"
                            "</extensions>",
                            device);
    world_run(&w, 500);
    text[0] = '\0';
    if (q->msg.id == CSTA_MSG_GET_CSTA_FEATURES_RESPONSE &&
        q->msg.get_csta_features_response->extensions != NULL) {
        (void)snprintf(
            text, sizeof(text), "%.*s",
            STR_ARG(q->msg.get_csta_features_response->extensions->private_data.foreign.body));
    }
    return text[0] != '\0' ? text : q->text;
}

static void has(const char *text, const char *part)
{
    test_context(text);
    CHECK(strstr(text, part) != NULL || !CHECK_STR(STR("(not there)"), part));
    test_context(NULL);
}

static void test_nobody_there(void)
{
    up(0, "generic");
    const char *r = report(&w.crm, "1004");
    has(r, "device=\"sip:1004@example.com\" mayRegister=\"yes\"");
    CHECK(strstr(r, "<registration") == NULL && strstr(r, "<session") == NULL);
    has(r, "<service name=\"MakeCall\" carried=\"switch\" others=\"none\"/>");
    has(r, "<service name=\"AnswerCall\" carried=\"none\" others=\"none\"/>");
    has(r, "<service name=\"SetSpeakerVolume\" carried=\"none\" others=\"none\"/>");
    down();
}

/** The device's domain: asked for, then known, or known not to be there. */
static void test_names_in_a_report(void)
{
    up(0, "generic");
    has(report(&w.crm, "1004"), "<name of=\"domain\" host=\"example.com\" found=\"no\"/>");
    down();
    up(0, "generic");
    vnet_record(&w.net, "_sip._udp.example.com", "SRV 0 0 5070 sip.example.com", 800);
    vnet_name(&w.net, "sip.example.com", "192.0.2.44", 800);
    has(report(&w.crm, "1004"), "host=\"example.com\" found=\"asking\"/>");
    world_run(&w, 3000);
    (void)report(&w.crm, "1004");
    world_run(&w, 3000);
    has(report(&w.crm, "1004"),
        "host=\"example.com\" found=\"yes\" address=\"192.0.2.44:5070\" transport=\"UDP\"");
    down();
}

static void test_session_up(void)
{
    up(0, "generic");
    phone_register(&u.p, 3600);
    world_run(&w, 2000);
    const char *r = report(&w.crm, "sip:1004@example.com");
    has(r, "<registration contact=\"sip:1004@10.0.1.40:5060\" transport=\"UDP\" "
           "from=\"10.0.1.40:5060\" userAgent=\"Acme 1\" expiresS=\"359");
    has(r, " nat=\"no\" flow=\"open\" talk=\"no\" profileBy=\"configured\" "
           "profile=\"generic\" means=\"session\">");
    has(r, "<session phone=\"sip:1004@10.0.1.40:5060\" profile=\"generic\" state=\"up\" "
           "monitored=\"yes\" attempts=\"0\" calls=\"0\"");
    has(r, "<service name=\"AnswerCall\" carried=\"session\" others=\"session\"/>");
    has(r, "<service name=\"HoldCall\" carried=\"switch\" others=\"session\"/>");
    has(r, "<service name=\"SetRingerStatus\" carried=\"none\" others=\"none\"/>");
    down();
}

static void test_refused(void)
{
    up(UAPHONE_NO_CSTA, "generic");
    phone_register(&u.p, 3600);
    world_run(&w, 2000);
    const char *r = report(&w.crm, "1004");
    has(r, "state=\"waiting\"");
    has(r, "status=\"415\"");
    has(r, "trouble=\"the phone does not take CSTA");
    has(r, "nextS=\"1");
    has(r, "<service name=\"AnswerCall\" carried=\"none\"");
    down();
}

static void test_unknown_phone(void)
{
    up(0, "");
    phone_register(&u.p, 3600);
    world_run(&w, 2000);
    const char *r = report(&w.crm, "1004");
    has(r, "profileBy=\"noMatch\"/>");
    CHECK(strstr(r, "<session") == NULL);
    down();
}

/** One that takes `talk`, and stands behind a NAT. */
static void test_talk_and_nat(void)
{
    up(0, "none");
    u.p.talk = true;
    CHECK(addr_parse(STR("192.0.2.77:1024"), &u.p.s.node.outside));
    phone_register(&u.p, 3600);
    world_run(&w, 2000);
    const char *r = report(&w.crm, "1004");
    has(r, "from=\"192.0.2.77:");
    has(r, "nat=\"yes\"");
    has(r, "talk=\"yes\"");
    has(r, "<service name=\"AnswerCall\" carried=\"talk\" others=\"none\"/>");
    down();
}

static void test_who_may_ask(void)
{
    up(0, "generic");
    CHECK_STR(str_c(report(&w.crm, "4711")), "operation/invalidDeviceID");
    CHECK_STR(str_c(report(&w.crm, "")), "operation/invalidDeviceID");
    REQUIRE(app_is_open(&w.desk) || app_open(&w.desk) != NULL);
    world_run(&w, 500);
    const char *r = report(&w.desk, "1004"); /* granted 1001 only */
    CHECK(strstr(r, "deviceReport") == NULL);
    has(r, "/"); /* an error, of whatever category */
    app_close(&w.desk);
    down();
}

TEST_MAIN(T(test_nobody_there), T(test_names_in_a_report), T(test_session_up), T(test_refused),
          T(test_unknown_phone), T(test_talk_and_nat), T(test_who_may_ask))
