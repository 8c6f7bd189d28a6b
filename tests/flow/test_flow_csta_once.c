/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSTA outside of any session (TR/87 digest 4.7, S-17): refused as the standards have it, or
 * served when the configuration says so; who sends it has to prove itself like anybody else.
 */
#include "world.h"

#include <stdio.h>

#define NS "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""
#define MAKE_CALL                                          \
    "<MakeCall " NS "><callingDevice>1001</callingDevice>" \
    "<calledDirectoryNumber>1002</calledDirectoryNumber>"  \
    "<autoOriginate>doNotPrompt</autoOriginate></MakeCall>"

static struct world w;
static struct raw sender;
static enum cti_out_of_dialog takes;
static unsigned sent;

static void tweak(struct world *to)
{
    to->config.cti.out_of_dialog = takes;
}

static void up(enum cti_out_of_dialog what)
{
    takes = what;
    world_up(&w, &(struct world_options){.tweak = tweak, .no_apps = true});
    raw_up(&sender, &w.net, "sender", "10.0.9.9");
}

static void down(void)
{
    world_run(&w, 40000);
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    CHECK_INT(world_stat(&w, "csta_monitors"), 0);
    world_down(&w);
    raw_down(&sender);
}

static void say(const char *method, const char *lines, const char *type, const char *body)
{
    struct hop hop = vnet_hop(&w.node, TP_UDP);
    sent++;
    raw_sendf(
        &sender, &hop,
        "%s sip:csta@example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.9.9;branch=z9hG4bKo%u\n"
        "Max-Forwards: 70\nFrom: <sip:crm@example.com>;tag=1\nTo: <sip:csta@example.com>\n"
        "Call-ID: once%u\nCSeq: %u %s\nContact: <sip:crm@10.0.9.9>\n%s"
        "Content-Type: %s\n\n%s",
        method, sent, sent, sent, method, lines, type, body);
    world_run(&w, 200);
}

/** Say it, answer the challenge. @return what the other end says in the end; text_free it */
static struct text_msg ask(const char *user, const char *method, const char *lines,
                           const char *body)
{
    char word[32], more[2048];
    struct auth_client auth = {.user = str_c(user),
                               .password = arena_fmt(&w.crm.arena, "pw%s", user)};
    struct out o;
    say(method, lines, "application/csta+xml", body);
    (void)snprintf(word, sizeof(word), "401 %s", method);
    struct text_msg t = world_take(&sender, word);
    out_init(&o, more, sizeof(more) - 1);
    out_c(&o, lines);
    CHECK_INT(auth_client_answer(&auth, &sender.node.env, t.m, str_c(method),
                                 STR("sip:csta@example.com"), STR_NONE, &o),
              0);
    more[o.n] = '\0';
    text_free(&t);
    for (char *p = more; *p != '\0'; p++) {
        *p = *p == '\r' ? ' ' : *p;
    }
    say(method, more, "application/csta+xml", body);
    return raw_take(&sender);
}

static void expect(struct text_msg *t, unsigned status, const char *part)
{
    if (CHECK(t->m != NULL)) {
        CHECK_INT(t->m->status, status);
        test_context(part);
        CHECK(str_find(sip_msg_body(t->m), str_c(part)) < sip_msg_body(t->m).n ||
              part[0] == '\0');
        test_context(NULL);
    }
    text_free(t);
}

/** As it comes: nobody is even asked who he is. */
static void test_refused(void)
{
    up(CTI_OUT_OF_DIALOG_OFF);
    say("INFO", "", "application/csta+xml", MAKE_CALL);
    struct text_msg t = world_take(&sender, "481 INFO");
    expect(&t, 481, "");
    say("NOTIFY", "Event: uaCSTA\nSubscription-State: active\n", "application/csta+xml",
        MAKE_CALL);
    t = world_take(&sender, "489 NOTIFY");
    CHECK(str_find(text_value(&t, "Allow-Events"), STR("dialog")) <
          text_value(&t, "Allow-Events").n);
    expect(&t, 489, "");
    CHECK_INT(world_stat(&w, "csta_requests"), 0);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    down();
}

static void test_info(void)
{
    up(CTI_OUT_OF_DIALOG_INFO);
    struct text_msg t = ask("crm", "INFO", "", MAKE_CALL);
    expect(&t, 200, "<MakeCallResponse ");
    CHECK_INT(world_stat(&w, "csta_sessions"), 0);
    world_run(&w, 1000);
    CHECK_INT(phone_answer(PHONE(&w, 0)), 0);
    world_run(&w, 1000);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 1000);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    t = ask("crm", "INFO", "",
            "<HoldCall " NS
            "><callToBeHeld><deviceID>1001</deviceID></callToBeHeld></HoldCall>");
    expect(&t, 200, "<HoldCallResponse "); /* its outcome comes later than the request */
    t = ask("crm", "INFO", "",
            "<ClearConnection " NS "><connectionToBeCleared><deviceID>1001</deviceID>"
            "</connectionToBeCleared></ClearConnection>");
    expect(&t, 200, "<ClearConnectionResponse ");
    /* what goes on behind its answer, what is none of the sender's, and what is no CSTA */
    t = ask("crm", "INFO", "",
            "<MonitorStart " NS "><monitorObject><deviceObject>1001</deviceObject>"
            "</monitorObject></MonitorStart>");
    CHECK(str_find(text_value(&t, "Warning"), STR("session")) < text_value(&t, "Warning").n);
    expect(&t, 200, "<operation>serviceNotSupported</operation>");
    t = ask("crm", "INFO", "", "<MakeCall");
    expect(&t, 400, "");
    say("INFO", "", "application/dtmf-relay", "Signal=1");
    t = world_take(&sender, "481 INFO");
    expect(&t, 481, "");
    say("NOTIFY", "Event: uaCSTA\nSubscription-State: active\n", "application/csta+xml",
        MAKE_CALL);
    t = world_take(&sender, "489 NOTIFY");
    expect(&t, 489, "");
    down();
}

/** As OpenStage and ShoreTel servers write it. */
static void test_notify(void)
{
    static const char lines[] = "Event: uaCSTA\nSubscription-State: active\n";
    up(CTI_OUT_OF_DIALOG_NOTIFY);
    struct text_msg t = ask("crm", "NOTIFY", lines, MAKE_CALL);
    expect(&t, 200, "<MakeCallResponse ");
    t = ask("crm", "NOTIFY", lines, "");
    expect(&t, 400, "");
    say("INFO", "", "application/csta+xml", MAKE_CALL);
    t = world_take(&sender, "481 INFO");
    expect(&t, 481, "");
    world_run(&w, 1000);
    t = ask("crm", "NOTIFY", lines,
            "<ClearConnection " NS "><connectionToBeCleared><deviceID>1001</deviceID>"
            "</connectionToBeCleared></ClearConnection>");
    expect(&t, 200, "<ClearConnectionResponse ");
    down();
}

/** A phone is no application, and a wrong password is none. */
static void test_who(void)
{
    up(CTI_OUT_OF_DIALOG_INFO);
    say("INFO", "Authorization: Digest username=\"crm\"\n", "application/csta+xml", MAKE_CALL);
    struct text_msg t = raw_take(&sender);
    CHECK(t.m != NULL && t.m->status >= 400 && t.m->status < 500);
    text_free(&t);
    t = ask("1001", "INFO", "", MAKE_CALL);
    expect(&t, 403, "");
    CHECK_INT(world_stat(&w, "csta_requests"), 0);
    down();
}

/** The server stops while an answer is due. */
static void test_stopped(void)
{
    up(CTI_OUT_OF_DIALOG_INFO);
    struct text_msg t = ask("crm", "INFO", "", MAKE_CALL);
    expect(&t, 200, "<MakeCallResponse ");
    world_restart(&w);
    down();
}

TEST_MAIN(T(test_refused), T(test_info), T(test_notify), T(test_who), T(test_stopped))
