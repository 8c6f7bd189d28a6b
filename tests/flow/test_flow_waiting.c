/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message waiting, set and watched by applications (TR/87 8.3), with the lamps of phones and a
 * voice mail system beside them: one indicator, whoever speaks.
 */
#include "watcher.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct watcher lamp, mail; /* 1001's phone; the voice mail system, which is 1005 */
static const char *a, *b, *d;     /* monitors: crm's of 1001 and 1002, the desk's of 1001 */

static void up(void)
{
    world_up(&w, &(struct world_options){0});
    watcher_up(&lamp, &w.net, &w.node, "lamp", "10.0.4.2", "1001", "pw1001", TP_UDP);
    watcher_up(&mail, &w.net, &w.node, "mail", "10.0.4.3", "1001", "pw1001", TP_UDP);
    REQUIRE(app_open(&w.desk) != NULL);
    world_run(&w, 500);
    w.crm.edition = "ed3";
    a = world_monitor(&w, &w.crm, "1001");
    b = world_monitor(&w, &w.crm, "1002");
    d = world_monitor(&w, &w.desk, "1001");
    watcher_subscribe(&lamp, "1001", "message-summary", 3600, "", "");
    world_run(&w, 100);
    CHECK_INT(lamp.status, 200);
    app_forget(&w.crm);
    app_forget(&w.desk);
}

static void down(void)
{
    world_run(&w, 3700000); /* subscriptions and publications end */
    world_down(&w);
    watcher_down(&lamp);
    watcher_down(&mail);
}

#define EVENTS(ref, text) CHECK_STR(str_c(app_events(&w.crm, ref)), text)
#define DESK(text) CHECK_STR(str_c(app_events(&w.desk, d)), text)

static struct ask *done(struct ask *q)
{
    return world_asked(&w, q, 1500); /* a lamp is told once a second */
}

static struct ask *set(struct app *who, const char *device, bool on, const char *more)
{
    return done(app_ask(who, "SetMessageWaitingIndicator",
                        "<device>%s</device><messageWaitingOn>%s</messageWaitingOn>%s", device,
                        on ? "true" : "false", more));
}

static struct ask *get(struct app *who, const char *device)
{
    return done(app_ask(who, "GetMessageWaitingIndicator", "<device>%s</device>", device));
}

static void heard(void)
{
    app_forget(&w.crm);
    app_forget(&w.desk);
}

static void publish(const char *body)
{
    watcher_send_out(&mail, "PUBLISH", "1001",
                     "Event: message-summary\r\nExpires: 3000\r\n"
                     "Content-Type: application/simple-message-summary\r\n",
                     body);
    world_run(&w, 1500);
    CHECK_INT(mail.status, 200);
}

static void test_applications(void)
{
    up();
    ANSWER(get(&w.crm, "1001"), "GetMessageWaitingIndicatorResponse off");
    ANSWER(set(&w.crm, "1001", false, ""), "SetMessageWaitingIndicatorResponse"); /* as it is */
    EVENTS(a, "");
    ANSWER(set(&w.crm, "1001", true, ""), "SetMessageWaitingIndicatorResponse");
    EVENTS(a, "MessageWaiting 1001 on");
    EVENTS(b, "");
    DESK("MessageWaiting 1001 on");
    CHECK(watcher_has(&lamp, "Messages-Waiting: yes\r\n"
                             "Message-Account: sip:1001@example.com\r\n"));
    heard();
    ANSWER(set(&w.desk, "1001", true, ""), "SetMessageWaitingIndicatorResponse"); /* as it is */
    EVENTS(a, "");
    ANSWER(set(&w.desk, "1001", true, "<deviceForMessage>1003</deviceForMessage>"),
           "SetMessageWaitingIndicatorResponse");
    EVENTS(a, "MessageWaiting 1001 on at=sip:1003@example.com");
    ANSWER(get(&w.crm, "1001"),
           "GetMessageWaitingIndicatorResponse on at=sip:1003@example.com");
    CHECK(watcher_has(&lamp, "Message-Account: sip:1003@example.com\r\n"));
    heard();
    ANSWER(set(&w.crm, "1001", true,
               "<deviceForMessage>sip:mail@vm.example.net</deviceForMessage>"),
           "SetMessageWaitingIndicatorResponse");
    DESK("MessageWaiting 1001 on at=sip:mail@vm.example.net");
    heard();
    ANSWER(set(&w.crm, "1001", false, ""), "SetMessageWaitingIndicatorResponse");
    EVENTS(a, "MessageWaiting 1001 off");
    DESK("MessageWaiting 1001 off");
    CHECK(watcher_has(&lamp, "Messages-Waiting: no\r\n"));
    ANSWER(get(&w.desk, "1001"), "GetMessageWaitingIndicatorResponse off");
    down();
}

/** The voice mail system's word and the application's: the newest counts. */
static void test_voice_mail(void)
{
    up();
    publish("Messages-Waiting: yes\r\nVoice-Message: 2/1\r\n");
    EVENTS(a, "MessageWaiting 1001 on");
    DESK("MessageWaiting 1001 on");
    ANSWER(get(&w.crm, "1001"), "GetMessageWaitingIndicatorResponse on");
    heard();
    publish("Messages-Waiting: yes\r\nVoice-Message: 3/1\r\n"); /* another count, still on */
    EVENTS(a, "");
    ANSWER(set(&w.crm, "1001", false, ""), "SetMessageWaitingIndicatorResponse");
    EVENTS(a, "MessageWaiting 1001 off");
    CHECK(watcher_has(&lamp, "Messages-Waiting: no\r\n"));
    heard();
    publish("Messages-Waiting: yes\r\nVoice-Message: 4/1\r\n");
    EVENTS(a, "MessageWaiting 1001 on");
    heard();
    ANSWER(set(&w.crm, "1001", true, ""), "SetMessageWaitingIndicatorResponse");
    EVENTS(a, "");
    publish("Messages-Waiting: no\r\n");
    EVENTS(a, "MessageWaiting 1001 off");
    ANSWER(set(&w.crm, "1001", false, ""), "SetMessageWaitingIndicatorResponse");
    down();
}

static void test_refused(void)
{
    up();
    ANSWER(set(&w.desk, "1002", true, ""), "operation/privilegeViolationSpecifiedDevice");
    ANSWER(set(&w.crm, "1099", true, ""), "operation/invalidDeviceID");
    ANSWER(set(&w.crm, "1001", true, "<deviceForMessage>no where</deviceForMessage>"),
           "operation/invalidParameterValue");
    ANSWER(
        set(&w.crm, "1001", true,
            "<deviceForMessage>sip:a@b.example&#13;&#10;Voice-Message: 1/0</deviceForMessage>"),
        "operation/invalidParameterValue");
    ANSWER(done(app_ask(&w.crm, "SetMessageWaitingIndicator", "<device>1001</device>")),
           "operation/invalidMessageWaitingSetting");
    ANSWER(get(&w.desk, "1002"), "operation/privilegeViolationSpecifiedDevice");
    ANSWER(get(&w.crm, "1099"), "operation/invalidDeviceID");
    EVENTS(NULL, "");
    ANSWER(get(&w.crm, "1001"), "GetMessageWaitingIndicatorResponse off");
    down();
}

/** Whatever allocation fails: one answer, and who is not told does not believe in silence. */
static void test_no_memory(void)
{
    for (size_t k = 0; k < 60; k++) {
        struct ask *q;
        bool on;
        up();
        w.mem.fail_at = w.mem.calls + 1 + k;
        q = app_ask(&w.crm, "SetMessageWaitingIndicator",
                    "<device>1001</device><messageWaitingOn>true</messageWaitingOn>");
        world_run(&w, 500);
        w.mem.fail_at = 0;
        world_run(&w, 40000);
        on = app_is_open(&w.desk) &&
             strcmp(get(&w.desk, "1001")->text, "GetMessageWaitingIndicatorResponse on") == 0;
        if (q->answers == 1 && q->msg.id == CSTA_MSG_SET_MESSAGE_WAITING_INDICATOR_RESPONSE &&
            app_is_open(&w.desk)) {
            CHECK(on);
        }
        if (on) {
            DESK("MessageWaiting 1001 on");
            ANSWER(set(&w.desk, "1001", false, ""), "SetMessageWaitingIndicatorResponse");
        }
        down();
    }
}

TEST_MAIN(T(test_applications), T(test_voice_mail), T(test_refused), T(test_no_memory))
