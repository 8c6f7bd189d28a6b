/* SPDX-License-Identifier: Apache-2.0 */
/* A request outside of any session: with every allocation failing, and when it is one too many.
 */
#include "fixture_cti.h"

#include <stdio.h>

static const struct cti_config config = {.out_of_dialog = CTI_OUT_OF_DIALOG_INFO};

static void send_once(struct office *o, unsigned number)
{
    char text[1024];
    struct hop from = vnet_hop(&o->outside.node, TP_UDP);
    from.flow = o->node.udp_flow;
    (void)snprintf(
        text, sizeof(text),
        "INFO sip:csta@example.com SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.99;branch=z9hG4bK%u\n"
        "Max-Forwards: 70\nFrom: <sip:crm@example.com>;tag=1\nTo: <sip:csta@example.com>\n"
        "Call-ID: once%u\nCSeq: 1 INFO\nContent-Type: application/csta+xml\n\n"
        "<MakeCall xmlns=\"" CSTA_NS(
            "ed3") "\"><callingDevice>1001</callingDevice>"
                   "<calledDirectoryNumber>1002</calledDirectoryNumber></MakeCall>",
        number, number);
    struct text_msg m = text_parse(text);
    struct txn *t = NULL;
    if (CHECK(m.m != NULL) &&
        txn_on_request(&o->txn, m.m, &from, o->net.now_ms, &t) == TXN_IN_NEW) {
        CHECK(cti_takes_once(o->cti, m.m));
        cti_once(o->cti, m.m, &from, &o->crm, o->net.now_ms);
    }
    text_free(&m);
    arena_reset(&o->arena);
}

static void test_once_without_memory(void)
{
    bool failed = true;
    for (size_t at = 1; failed; at++) {
        struct office *o = office_up(&config, TP_UDP);
        office_register(o, 0, false, 3600);
        office_register(o, 1, false, 3600);
        o->mem.fail_at = o->mem.calls + at;
        send_once(o, 1);
        failed = o->mem.calls >= o->mem.fail_at;
        o->mem.fail_at = 0;
        office_run(o, 100);
        CHECK_INT(office_stats(o).sessions, 0);
        office_down(o);
    }
}

static void test_once_too_many(void)
{
    static const struct cti_config one = {.out_of_dialog = CTI_OUT_OF_DIALOG_INFO,
                                          .max_sessions = 1};
    struct office *o = office_up(&one, TP_UDP);
    client_open(&o->client[0], "crm", STATUS_REQUEST);
    send_once(o, 1);
    office_run(o, 50);
    CHECK_INT(office_stats(o).requests, 1); /* that of the session alone */
    client_bye(&o->client[0]);
    office_run(o, 50);
    send_once(o, 2);
    CHECK_INT(office_stats(o).requests, 2);
    office_drop(o);
}

static void test_once_observe_only(void)
{
    struct office *o = office_up(&config, TP_UDP);
    office_register(o, 0, false, 3600);
    office_register(o, 1, false, 3600);
    o->crm_scopes[0].kind = ACCESS_OBSERVE;
    send_once(o, 1);
    office_run(o, 50);
    CHECK_INT(office_stats(o).errors, 1);
    CHECK(list_empty(&o->calls.calls));
    o->crm_scopes[0].kind = ACCESS_CONTROL;
    send_once(o, 2);
    CHECK_INT(office_stats(o).errors, 1);
    CHECK(!list_empty(&o->calls.calls));
    office_drop(o);
}

TEST_MAIN(T(test_once_observe_only), T(test_once_without_memory), T(test_once_too_many))
