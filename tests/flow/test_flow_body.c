/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only a phone itself can do (ECMA-269 §21): speaker, microphone, ringer, hookswitch. Each
 * of its services goes to the phone with the name that the phone has for its line, and the
 * answer comes back as it is; each of its events reaches who watches the device. And the
 * switches that Baton and the phone both have (do not disturb, forwarding, message lamp): what
 * is switched at one end is switched at the other, and told once.
 */
#include "tel.h"

#include <stdio.h>

static struct world w;
static struct tel tel;
static struct tel_profile profile;

#define NS "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""

static const struct {
    const char *service, *more; /**< what the application adds to the device */
    const char *answer;         /**< what the phone says */
} services[] = {
    {"GetSpeakerMute", "",
     "<speakerMuteList><speakerMuteItem><auditoryApparatus>1</auditoryApparatus>"
     "<speakerMuteOn>true</speakerMuteOn></speakerMuteItem></speakerMuteList>"},
    {"SetSpeakerMute", "<speakerMuteOn>true</speakerMuteOn>", ""},
    {"GetSpeakerVolume", "",
     "<speakerVolumeList><speakerVolumeItem><auditoryApparatus>1</auditoryApparatus>"
     "<speakerVolAbs>40</speakerVolAbs></speakerVolumeItem></speakerVolumeList>"},
    {"SetSpeakerVolume", "<speakerVolume><volAbs>41</volAbs></speakerVolume>", ""},
    {"GetMicrophoneMute", "",
     "<microphoneMuteList><microphoneMuteItem><auditoryApparatus>1</auditoryApparatus>"
     "<microphoneMuteOn>false</microphoneMuteOn></microphoneMuteItem></microphoneMuteList>"},
    {"SetMicrophoneMute", "<microphoneMuteOn>false</microphoneMuteOn>", ""},
    {"GetRingerStatus", "",
     "<ringerStatusList><ringerStatusItem><ringer>1</ringer><ringMode>ringing</ringMode>"
     "</ringerStatusItem></ringerStatusList>"},
    {"SetRingerStatus", "<ringPattern>3</ringPattern>", ""},
    {"GetHookswitchStatus", "",
     "<hookswitchStatusList><hookswitchStatusItem><hookswitch>0</hookswitch>"
     "<hookswitchOnHook>true</hookswitchOnHook></hookswitchStatusItem>"
     "</hookswitchStatusList>"},
    {"SetHookswitchStatus", "<hookswitchOnhook>false</hookswitchOnhook>", ""},
};

#define BY "<invokingDevice><deviceIdentifier>1001</deviceIdentifier></invokingDevice>"
#define OF "<device><deviceIdentifier>1001</deviceIdentifier></device>"

static const struct {
    const char *event, *of, *tells;
} events[] = {
    {"SpeakerMuteEvent", BY, "<speakerMuteOn>true</speakerMuteOn>"},
    {"SpeakerVolumeEvent", BY, "<speakerVolume><volAbs>40</volAbs></speakerVolume>"},
    {"MicrophoneMuteEvent", BY, "<microphoneMuteOn>true</microphoneMuteOn>"},
    {"RingerStatusEvent", OF, "<ringMode>ringing</ringMode>"},
    {"HookswitchEvent", OF,
     "<hookswitch>0</hookswitch><hookswitchOnHook>false</hookswitchOnHook>"},
};

static void with_phone(struct world *world)
{
    struct phone_profile *whole = tel_profile(&profile, world, 0, "whole");
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        phone_messages_add(&whole->services, csta_msg_find(str_c(services[i].service)));
    }
}

static void up(void)
{
    tel_world_up(&tel, &w, &(struct world_options){.tweak = with_phone});
    REQUIRE(world_stat(&w, "phone_sessions") == 1);
}

/** The last message of that kind that the application was sent. */
static bool was_sent(const char *kind, const char *text)
{
    size_t n = wire_count(&w.wire, ENGINE(&w), &w.crm.s.node, kind);
    struct str m = wire_find(&w.wire, ENGINE(&w), &w.crm.s.node, kind, n - 1);

    return n > 0 && str_find(m, str_c(text)) < m.n;
}

static void test_body_services(void)
{
    up();
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        char answer[512], want[64];
        test_context(services[i].service);
        (void)snprintf(want, sizeof(want), "%sResponse", services[i].service);
        (void)snprintf(answer, sizeof(answer), "<%s " NS ">%s</%s>", want, services[i].answer,
                       want);
        tel_say(&tel, services[i].service, answer);
        struct ask *q =
            app_ask(&w.crm, services[i].service, "<device>1001</device>%s", services[i].more);
        world_run(&w, 300);
        ANSWER(q, want);
        CHECK(was_sent("200 INFO", services[i].answer));
        CHECK(strstr(tel.last, "<device>sip:1001@example.com</device>") != NULL);
        CHECK(strstr(tel.last, services[i].more) != NULL);
    }
    world_down(&w);
}

/** It says no, or there is no phone that could be asked. */
static void test_body_refused(void)
{
    up();
    for (size_t i = 0; i < ARRAY_LEN(services); i++) {
        test_context(services[i].service);
        tel_say(&tel, services[i].service,
                "<CSTAErrorCode " NS "><stateIncompatibility>invalidDeviceState"
                "</stateIncompatibility></CSTAErrorCode>");
        struct ask *q =
            app_ask(&w.crm, services[i].service, "<device>1001</device>%s", services[i].more);
        world_run(&w, 300);
        ANSWER(q, "stateIncompatibility/invalidDeviceState");
        q = app_ask(&w.crm, services[i].service, "<device>1002</device>%s", services[i].more);
        world_run(&w, 300);
        ANSWER(q, "operation/serviceNotSupported");
    }
    world_down(&w);
}

static void test_body_events(void)
{
    up();
    (void)world_monitor(&w, &w.crm, "1001");
    world_run(&w, 100);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        char kind[64];
        test_context(events[i].event);
        (void)snprintf(kind, sizeof(kind), "INFO<%s", events[i].event);
        tel_event(&tel, events[i].event, "%s%s", events[i].of, events[i].tells);
        world_run(&w, 300);
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.crm.s.node, kind), 1);
        CHECK(was_sent(kind, events[i].tells));
        CHECK(was_sent(kind, "<deviceIdentifier>1001</deviceIdentifier>"));
    }
    world_down(&w);
}

/* ---- switches at both ends ---- */

/** What the application was told, once. */
static const char *news(void)
{
    world_run(&w, 300);
    const char *text = app_events(&w.crm, NULL);
    app_forget(&w.crm);
    return text;
}

static void watched(void)
{
    up();
    (void)world_monitor(&w, &w.crm, "1001");
    (void)news();
    tel_forget(&tel);
}

static void test_switched_at_the_phone(void)
{
    static const struct {
        const char *type, *more, *told;
    } rows[] = {
        {"forwardImmediate", "", "Forwarding 1001 forwardImmediate on to=sip:1003@example.com"},
        {"forwardBusy", "", "Forwarding 1001 forwardBusy on to=sip:1003@example.com"},
        {"forwardNoAns", "<ringCount>4</ringCount>",
         "Forwarding 1001 forwardNoAns on to=sip:1003@example.com rings=4"},
    };
    watched();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context(rows[i].type);
        for (int twice = 0; twice < 2; twice++) { /* the second time it is no news */
            tel_event(&tel, "ForwardingEvent",
                      "%s<forwardingType>%s</forwardingType><forwardStatus>true"
                      "</forwardStatus><forwardTo>1003</forwardTo>%s",
                      OF, rows[i].type, rows[i].more);
            CHECK_STR(str_c(news()), twice == 0 ? rows[i].told : "");
        }
    }
    tel_event(&tel, "MessageWaitingEvent",
              "<targetDevice><deviceIdentifier>1001</deviceIdentifier></targetDevice>"
              "<messageWaitingOn>true</messageWaitingOn>");
    CHECK_STR(str_c(news()), "MessageWaiting 1001 on");
    CHECK_STR(str_c(tel.asked), ""); /* it needs not be told what it has said */
    /* and it counts for calls */
    REQUIRE(phone_call(PHONE(&w, 1), "1001", true, STR_NONE) != NULL);
    world_run(&w, 500);
    CHECK(PHONE(&w, 2)->s.leg != NULL && PHONE(&w, 0)->s.leg == NULL);
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 500);
    world_down(&w);
}

static void test_switched_here(void)
{
    static const struct {
        const char *service, *content, *told;
        const char *at_the_phone; /**< in what it is asked */
    } rows[] = {
        {"SetForwarding",
         "<forwardingType>forwardImmediate</forwardingType><activateForward>true"
         "</activateForward><forwardDN>1003</forwardDN>",
         "Forwarding 1001 forwardImmediate on to=1003",
         "<forwardingType>forwardImmediate</forwardingType><activateForward>true"
         "</activateForward><forwardDN>1003</forwardDN>"},
        {"SetForwarding",
         "<forwardingType>forwardBusy</forwardingType><activateForward>true"
         "</activateForward><forwardDN>1003</forwardDN>",
         "Forwarding 1001 forwardBusy on to=1003",
         "<forwardingType>forwardBusy</forwardingType><activateForward>true"},
        {"SetForwarding",
         "<forwardingType>forwardNoAns</forwardingType><activateForward>true"
         "</activateForward><forwardDN>1003</forwardDN><ringCount>2</ringCount>",
         "Forwarding 1001 forwardNoAns on to=1003 rings=2", "<ringCount>2</ringCount>"},
        {"SetForwarding",
         "<forwardingType>forwardImmediate</forwardingType><activateForward>false"
         "</activateForward>",
         "Forwarding 1001 forwardImmediate off to=1003",
         "<activateForward>false</activateForward>"},
        {"SetMessageWaitingIndicator", "<messageWaitingOn>true</messageWaitingOn>",
         "MessageWaiting 1001 on", "<messageWaitingOn>true</messageWaitingOn>"},
        {"SetDoNotDisturb", "<doNotDisturbOn>true</doNotDisturbOn>", "DoNotDisturb 1001 on",
         "<doNotDisturbOn>true</doNotDisturbOn>"},
    };
    watched();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char want[64];
        test_context(rows[i].told);
        tel_forget(&tel);
        struct ask *q =
            app_ask(&w.crm, rows[i].service, "<device>1001</device>%s", rows[i].content);
        CHECK_STR(str_c(news()), rows[i].told);
        (void)snprintf(want, sizeof(want), "%s ", rows[i].service);
        CHECK_INT(q->answers, 1);
        CHECK_STR(str_c(tel.asked), want);
        CHECK(strstr(tel.last, rows[i].at_the_phone) != NULL);
    }
    world_down(&w);
}

TEST_MAIN(T(test_switched_at_the_phone), T(test_switched_here), T(test_body_services),
          T(test_body_refused), T(test_body_events))
