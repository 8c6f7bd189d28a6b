/* SPDX-License-Identifier: Apache-2.0 */
/* How events go out: one at a time, in order, over datagrams and streams, and what is lost. */
#include "fixture_cti.h"

/** 1001 comes and goes: two events a turn. */
static void flap(struct office *o, unsigned turns)
{
    for (unsigned i = 0; i < turns; i++) {
        office_register(o, 0, false, 3600);
        office_register(o, 0, false, 0);
    }
}

static void test_deliver_one_at_a_time(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    c->answer_with = 0;
    flap(o, 3);
    for (unsigned i = 0; i < 6; i++) {
        office_run(o, 200);
        CHECK_INT(c->open, 1);
        CHECK_INT(test_count(c->log, "E:"), i + 1);
        client_answer(c, 200);
    }
    office_run(o, 200);
    CHECK_INT(c->open, 0);
    CHECK_STR(str_c(c->log), "E:BackInService E:OutOfService E:BackInService E:OutOfService "
                             "E:BackInService E:OutOfService");
    office_down(o);
}

static void test_deliver_goes_on_after_refusals(void)
{
    static const unsigned statuses[] = {400, 415, 500, 503, 603};
    for (size_t i = 0; i < ARRAY_LEN(statuses); i++) {
        struct office *o = office_up(NULL, TP_UDP);
        struct client *c = &o->client[0];
        client_watch(c, "crm", "1001");
        c->answer_with = statuses[i];
        flap(o, 2);
        office_run(o, 500);
        CHECK_INT(test_count(c->log, "E:"), 4);
        CHECK_INT(office_stats(o).sessions, 1);
        office_down(o);
    }
}

static void test_deliver_waits_for_ack(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    c->st.auto_ack = false;
    client_open(c, "crm",
                "<MonitorStart xmlns=\"" CSTA_NS(
                    "ed3") "\"><monitorObject><deviceObject>1001"
                           "</deviceObject></monitorObject></MonitorStart>");
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse");
    flap(o, 1);
    office_run(o, 200);
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse");
    CHECK_INT(leg_ack(c->leg, NULL, o->net.now_ms), 0);
    office_run(o, 200);
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse E:BackInService E:OutOfService");
    office_down(o);
}

static void test_deliver_under_loss(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    o->net.loss = 20;
    o->net.duplicate = 10;
    o->net.reorder = 20;
    flap(o, 10);
    office_run(o, 200000);
    o->net.loss = o->net.duplicate = o->net.reorder = 0;
    CHECK_INT(test_count(c->log, "E:"), 20);
    CHECK_INT(test_count(c->log, "E:BackInService E:OutOfService"), 10);
    CHECK_INT(c->most_open, 0);
    office_down(o);
}

static void test_deliver_stream_does_not_wait_for_the_mute(void)
{
    struct office *o = office_up(NULL, TP_TCP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    c->answer_with = 0;
    flap(o, 2);
    office_run(o, 400);
    CHECK_INT(test_count(c->log, "E:"), 1); /* it may answer yet */
    office_run(o, 400);
    CHECK_INT(test_count(c->log, "E:"), 4); /* it does not */
    flap(o, 1);
    office_run(o, 50);
    CHECK_INT(test_count(c->log, "E:"), 6);
    office_run(o, 60000); /* all INFOs time out, the stream lives */
    CHECK_INT(office_stats(o).sessions, 1);
    CHECK_INT(office_stats(o).monitors, 1);
    client_clear(c);
    c->open = 0;
    flap(o, 1);
    office_run(o, 50);
    CHECK_INT(test_count(c->log, "E:"), 2);
    office_down(o);
}

static void test_deliver_stream_waits_again_for_who_answers(void)
{
    struct office *o = office_up(NULL, TP_TCP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    c->answer_with = 0;
    flap(o, 2);
    office_run(o, 1000);
    CHECK_INT(c->open, 4);
    client_answer(c, 200);
    office_run(o, 50);
    flap(o, 2);
    office_run(o, 50);
    CHECK_INT(c->open, 1);
    office_down(o);
}

static void test_deliver_stream_has_a_limit(void)
{
    struct office *o = office_up(NULL, TP_TCP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    c->answer_with = 0;
    flap(o, 100);
    office_run(o, 2000);
    CHECK_INT(c->open, 128);
    office_run(o, 33000);
    CHECK_INT(c->open, 200);
    CHECK_INT(office_stats(o).sessions, 1);
    c->open = 0;
    office_down(o);
}

static void test_deliver_stream_481_ends_it(void)
{
    struct office *o = office_up(NULL, TP_TCP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    c->answer_with = 481;
    flap(o, 1);
    office_run(o, 200);
    CHECK_INT(office_stats(o).sessions, 0);
    CHECK_INT(office_stats(o).monitors, 0);
    office_down(o);
}

static void test_deliver_after_the_stream_closed(void)
{
    struct office *o = office_up(NULL, TP_TCP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    CHECK_INT(vnet_close(&o->net, &o->node, &c->st.node), 1);
    office_run(o, 50);
    flap(o, 1);
    office_run(o, 200);
    CHECK_STR(str_c(c->log), "E:BackInService E:OutOfService"); /* on a new one */
    /* and when there is nobody any more */
    c->st.up = false;
    vnet_close(&o->net, &o->node, &c->st.node);
    list_remove(&c->st.node.link);
    office_run(o, 50);
    flap(o, 1);
    office_run(o, 40000);
    CHECK_INT(office_stats(o).sessions, 0);
    CHECK_INT(office_stats(o).monitors, 0);
    list_append(&o->net.nodes, &c->st.node.link);
    office_down(o);
}

static void test_deliver_too_far_behind(void)
{
    struct office *o = office_up(&(struct cti_config){.max_unsent = 5}, TP_UDP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    client_watch(&o->client[1], "crm", "1001");
    c->answer_with = 0;
    for (unsigned i = 0; i < 3; i++) {
        flap(o, 1);
        office_run(o, 100);
    }
    CHECK_INT(office_stats(o).gaps, 0);
    flap(o, 1);
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "E:BackInService BYE(SIP;cause=500;text=\"messagesLost\")");
    CHECK_INT(office_stats(o).gaps, 1);
    CHECK_INT(office_stats(o).sessions, 1); /* the other one keeps up */
    CHECK_INT(test_count(o->client[1].log, "E:"), 8);
    office_down(o);
}

static void test_deliver_ring_overtakes(void)
{
    struct office *o = office_up(&(struct cti_config){.journal_records = 4}, TP_UDP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001");
    c->answer_with = 0;
    flap(o, 3);
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "E:BackInService");
    client_answer(c, 200);
    office_run(o, 100);
    CHECK_STR(str_c(c->log), "E:BackInService BYE(SIP;cause=500;text=\"messagesLost\")");
    CHECK_INT(office_stats(o).gaps, 1);
    office_down(o);
}

static void test_deliver_gap_behind_the_greeting(void)
{
    static const struct cti_config config = {.journal_records = 4,
                                             .back_in_service_on_monitor = true};
    struct office *o = office_up(&config, TP_UDP);
    struct client *c = &o->client[0];
    office_register(o, 0, false, 3600);
    c->st.auto_ack = false;
    client_open(c, "crm",
                "<MonitorStart xmlns=\"" CSTA_NS(
                    "ed3") "\"><monitorObject><deviceObject>1001"
                           "</deviceObject></monitorObject></MonitorStart>");
    flap(o, 3);
    CHECK_INT(leg_ack(c->leg, NULL, o->net.now_ms), 0);
    office_run(o, 200);
    CHECK_STR(str_c(c->log), "A:MonitorStartResponse E:BackInService "
                             "BYE(SIP;cause=500;text=\"messagesLost\")");
    office_down(o);
}

static void test_deliver_stopped_monitor_tells_no_more(void)
{
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    client_watch(c, "crm", "1001 1001");
    c->answer_with = 0;
    flap(o, 2);
    office_run(o, 100);
    client_ask(c, "MonitorStop", "<monitorCrossRefID>1</monitorCrossRefID>");
    CHECK_STR(str_c(c->log), "E:BackInService A:MonitorStopResponse");
    struct cti_session *s = list_entry(o->cti->sessions.next, struct cti_session, link);
    CHECK_INT(s->unsent, 4); /* those of the other one */
    client_clear(c);
    client_answer(c, 200);
    c->answer_with = 200;
    office_run(o, 500);
    CHECK_INT(test_count(c->log, "E:"), 4);
    CHECK_STR(str_c(client_text(c, "<monitorCrossRefID>1<")), "");
    office_down(o);
}

static void test_deliver_answer_before_events(void)
{
    /* over UDP without jitter the order of sending is the order of arrival */
    struct office *o = office_up(NULL, TP_UDP);
    struct client *c = &o->client[0];
    office_register(o, 0, false, 3600);
    client_watch(c, "crm", "1001");
    for (unsigned i = 0; i < 3; i++) {
        client_clear(c);
        client_ask(c, "MakeCall",
                   "<callingDevice>1001</callingDevice>"
                   "<calledDirectoryNumber>1002</calledDirectoryNumber>");
        CHECK_STR(str_c(c->log), "A:MakeCallResponse E:ServiceInitiated[initiated]");
        client_clear(c);
        client_ask(c, "ClearConnection",
                   "<connectionToBeCleared><deviceID>1001</deviceID></connectionToBeCleared>");
        CHECK_STR(str_c(c->log), "A:ClearConnectionResponse E:ConnectionCleared[null]");
    }
    office_down(o);
}

TEST_MAIN(T(test_deliver_one_at_a_time), T(test_deliver_goes_on_after_refusals),
          T(test_deliver_waits_for_ack), T(test_deliver_under_loss),
          T(test_deliver_stream_does_not_wait_for_the_mute),
          T(test_deliver_stream_waits_again_for_who_answers),
          T(test_deliver_stream_has_a_limit), T(test_deliver_stream_481_ends_it),
          T(test_deliver_after_the_stream_closed), T(test_deliver_too_far_behind),
          T(test_deliver_ring_overtakes), T(test_deliver_gap_behind_the_greeting),
          T(test_deliver_stopped_monitor_tells_no_more), T(test_deliver_answer_before_events))
