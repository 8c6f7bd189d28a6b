/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of which nothing was kept: the engine goes while a phone rings, or between a phone's
 * 2xx and our ACK. Who answers the next engine is acknowledged and hung up, once he has proven
 * that he was called; nobody else hears anything.
 */
#include "keep.h"
#include "peer.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

static struct keep keep;
static struct world w;

static void with_store(struct world *world)
{
    world->config.store = &keep.ops;
}

static void with_short_memory(struct world *world)
{
    with_store(world);
    world->config.leg.late_s = 20;
    world->config.leg.late_rate = 1;
}

static void up_as(enum transport transport, void (*tweak)(struct world *world))
{
    keep_init(&keep);
    world_up(&w,
             &(struct world_options){.no_apps = true, .transport = transport, .tweak = tweak});
    engine_restored(w.engine, w.net.now_ms); /* as a server does, of an empty store */
}

static void up(enum transport transport)
{
    up_as(transport, with_store);
}

static void down(void)
{
    world_down(&w);
    keep_fini(&keep);
}

static size_t sent_to(const struct vnode *node, const char *what)
{
    return wire_count(&w.wire, ENGINE(&w), node, what);
}

/* ---- phones ---- */

/** It rings, and goes on to when the engine is gone: who answers then has no call. */
static void rings_over_a_restart(enum transport transport)
{
    up(transport);
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 300);
    keep_restart(&w, &keep);
    if (transport != TP_UDP) { /* phones whose connection has closed come again */
        phone_register(PHONE(&w, 1), 3600);
    }
    world_run(&w, 5000);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 3000);
    CHECK(!phone_talks(PHONE(&w, 1)));
    CHECK_INT(sent_to(PHONE_NODE(&w, 1), "ACK"), 1);
    CHECK_INT(sent_to(PHONE_NODE(&w, 1), "BYE"), 1);
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 1);
    CHECK_INT(world_stat(&w, "txn_stray_responses"), 1);
    w.hard = true; /* the caller's INVITE runs out */
    down();
}

static void test_a_phone_that_rings_over_a_restart(void)
{
    rings_over_a_restart(TP_UDP);
}

static void test_a_phone_that_rings_over_a_restart_tcp(void)
{
    rings_over_a_restart(TP_TCP);
}

/** The 2xx has come, and the engine is gone before it is kept. */
static void test_a_2xx_that_was_lost_with_the_process(void)
{
    up(TP_UDP);
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 300);
    wire_lose(&w.wire, PHONE_NODE(&w, 1), ENGINE(&w), "200 INVITE", 0, 2);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 400);
    keep_restart(&w, &keep);
    world_run(&w, 4000);
    CHECK(!phone_talks(PHONE(&w, 1)));
    CHECK_INT(sent_to(PHONE_NODE(&w, 1), "BYE"), 1);
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 1);
    w.hard = true;
    down();
}

/** Two restarts, the second before anybody has answered. */
static void test_the_process_before_the_last_one(void)
{
    up(TP_UDP);
    (void)phone_call(PHONE(&w, 0), "1002", true, STR_NONE);
    world_run(&w, 300);
    keep_restart(&w, &keep);
    world_run(&w, 3000);
    keep_restart(&w, &keep);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 3000);
    CHECK(!phone_talks(PHONE(&w, 1)));
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 1);
    w.hard = true;
    down();
}

/** The mirror: a caller who had our 2xx, of which nothing was kept. He hears 481. */
static void test_a_caller_whose_call_is_not_known(void)
{
    up(TP_UDP);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    for (size_t i = 0; i < keep.rows; i++) {
        if (keep.row[i].kind == STORE_CALL) {
            struct str key = str_make(keep.row[i].key, keep.row[i].key_n);
            keep.ops.drop(keep.ops.ctx, STORE_CALL, key);
            break;
        }
    }
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "calls_active"), 0);
    CHECK_INT(phone_offer(PHONE(&w, 0), SDP_SENDONLY), 0);
    world_run(&w, 500);
    CHECK_INT(sent_to(PHONE_NODE(&w, 0), "481 INVITE"), 1);
    CHECK(!phone_talks(PHONE(&w, 0)));
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 500);
    CHECK_INT(sent_to(PHONE_NODE(&w, 1), "481 BYE"), 1);
    CHECK_INT(world_stat(&w, "sip_no_dialog"), 2);
    down();
}

/* ---- peers, and those who forge ---- */

/** What the gateway says instead of what the INVITE had; "" and 0: that. */
struct forged {
    const char *status, *branch, *from_tag, *to_tag, *call_id, *contact, *via;
    unsigned cseq;
};

/** An INVITE of ours to the gateway, which keeps it. */
static struct text_msg called(void)
{
    (void)phone_call(PHONE(&w, 0), "9123", true, STR_NONE);
    world_run(&w, 100);
    return world_take(&w.gateway, "INVITE");
}

static struct str branch_of(const struct text_msg *invite)
{
    struct str branch = STR_NONE;
    CHECK(sip_msg_branch(invite->m, &branch));
    return branch;
}

static struct str or_else(const char *forged, struct str own)
{
    return forged != NULL ? str_c(forged) : own;
}

static void answer(const struct text_msg *invite, const struct forged *f)
{
    struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
    struct sip_cseq cseq;
    CHECK_INT(sip_msg_cseq(invite->m, &cseq), 0);
    raw_sendf(&w.gateway, &to,
              "SIP/2.0 %s\n"
              "Via: SIP/2.0/UDP 10.0.0.1:5060;branch=%.*s;rport\n%s"
              "From: <sip:1001@example.com>;tag=%.*s\nTo: <sip:9123@10.0.2.1>%s\n"
              "Call-ID: %.*s\nCSeq: %u INVITE\nContact: <%s>\n\n",
              f->status != NULL ? f->status : "200 OK",
              STR_ARG(or_else(f->branch, branch_of(invite))), f->via != NULL ? f->via : "",
              STR_ARG(or_else(f->from_tag, sip_msg_tag(invite->m, SIP_HDR_FROM))),
              f->to_tag != NULL ? f->to_tag : ";tag=t",
              STR_ARG(or_else(f->call_id, text_value(invite, "Call-ID"))),
              f->cseq != 0 ? f->cseq : cseq.number,
              f->contact != NULL ? f->contact : "sip:gw@10.0.2.1");
    world_run(&w, 50);
}

static void end(struct text_msg *invite)
{
    text_free(invite);
    w.hard = true;
    down();
}

/** ACK and BYE are of the dialog that the 2xx makes, and go where it says. */
static void test_a_peer_is_hung_up_on(void)
{
    up(TP_UDP);
    struct text_msg invite = called();
    keep_restart(&w, &keep);
    answer(&invite, &(struct forged){.contact = "sip:gw@10.0.2.2"});
    struct text_msg ack = world_take(&w.trunk, "ACK"), bye = world_take(&w.trunk, "BYE");
    CHECK_STR(text_start(&bye), "BYE sip:gw@10.0.2.2 SIP/2.0");
    CHECK_BYTES(text_value(&ack, "Call-ID"), text_value(&invite, "Call-ID"));
    CHECK_BYTES(sip_msg_tag(bye.m, SIP_HDR_FROM), sip_msg_tag(invite.m, SIP_HDR_FROM));
    CHECK_STR(text_value(&bye, "To"), "<sip:9123@10.0.2.1>;tag=t");
    CHECK_STR(text_value(&bye, "CSeq"), "2 BYE");
    text_free(&ack);
    text_free(&bye);
    end(&invite);
}

/** Whatever is not as it was in the INVITE. */
static void test_forged_answers_hear_nothing(void)
{
    char swapped[64], longer[64];
    up(TP_UDP);
    struct text_msg invite = called();
    struct str branch = branch_of(&invite);
    CHECK_INT(branch.n, TXN_BRANCH_OWN + TXN_MARK_MAX);
    snprintf(swapped, sizeof(swapped), "%.*s", STR_ARG(branch));
    swapped[branch.n - 1] = swapped[branch.n - 1] == '0' ? '1' : '0';
    snprintf(longer, sizeof(longer), "%.*s0", STR_ARG(branch));
    char *own = strndup(branch.p, TXN_BRANCH_OWN);
    const struct forged forged[] = {
        {.branch = swapped},
        {.branch = longer},
        {.branch = own},
        {.branch = "z9hG4bK"},
        {.from_tag = "another"},
        {.call_id = "another"},
        {.cseq = 7},
        {.to_tag = ""},
        {.via = "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx\n"},
        {.status = "183 Session Progress"},
        {.status = "302 Moved Temporarily"},
        {.status = "486 Busy Here"},
    };
    keep_restart(&w, &keep);
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        answer(&invite, &forged[i]);
        CHECK_INT(world_stat(&w, "txn_stray_responses"), i + 1);
    }
    CHECK_INT(sent_to(&w.gateway.node, "ACK") + sent_to(&w.gateway.node, "BYE"), 0);
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 0);
    answer(&invite, &(struct forged){0}); /* the very same with nothing changed */
    CHECK_INT(sent_to(&w.gateway.node, "ACK"), 1);
    free(own);
    end(&invite);
}

/** What this process has sent is nothing of before, however late the answer; nor is what a
    process before sent after a while. */
static void test_answers_in_their_time(void)
{
    up(TP_UDP);
    struct text_msg invite = called();
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 300000);
    size_t acks = sent_to(&w.gateway.node, "ACK");
    answer(&invite, &(struct forged){0});
    CHECK_INT(world_stat(&w, "txn_stray_responses"), 1);
    CHECK_INT(sent_to(&w.gateway.node, "ACK"), acks);
    keep_restart(&w, &keep);
    world_run(&w, 599000);
    answer(&invite, &(struct forged){0});
    CHECK_INT(sent_to(&w.gateway.node, "ACK"), acks + 1);
    world_run(&w, 1000);
    answer(&invite, &(struct forged){0});
    CHECK_INT(sent_to(&w.gateway.node, "ACK"), acks + 1);
    end(&invite);
}

/** Both are what the configuration says. */
static void test_a_shorter_time_for_late_answers(void)
{
    up_as(TP_UDP, with_short_memory);
    struct text_msg invite = called();
    keep_restart(&w, &keep);
    answer(&invite, &(struct forged){.to_tag = ";tag=a"});
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 1);
    answer(&invite, &(struct forged){.to_tag = ";tag=b"}); /* the second of the same second */
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 1);
    CHECK_INT(world_stat(&w, "dialog_hung_up_not"), 1);
    world_run(&w, 18000);
    answer(&invite, &(struct forged){.to_tag = ";tag=b"});
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 2);
    world_run(&w, 2000);
    answer(&invite, &(struct forged){.to_tag = ";tag=c"});
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 2);
    end(&invite);
}

/** A key that was kept while the time was longer counts no longer than the time of now. */
static void test_the_time_is_made_shorter(void)
{
    up(TP_UDP);
    struct text_msg invite = called();
    keep_restart(&w, &keep); /* until 600 s from now, in the row */
    with_short_memory(&w);
    keep_restart(&w, &keep);
    world_run(&w, 19000);
    answer(&invite, &(struct forged){.to_tag = ";tag=a"});
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 1);
    world_run(&w, 1000);
    answer(&invite, &(struct forged){.to_tag = ";tag=b"});
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 1);
    end(&invite);
}

/** Who answers under ever new tags gets no more than a hundred a second. */
static void test_a_flood_of_answers(void)
{
    up(TP_UDP);
    struct text_msg invite = called();
    char tag[32];
    keep_restart(&w, &keep);
    w.net.latency_ms = 0;
    uint64_t began = w.net.now_ms;
    for (unsigned i = 0; i < 150; i++) {
        snprintf(tag, sizeof(tag), ";tag=t%u", i);
        struct hop to = vnet_hop(ENGINE(&w), TP_UDP);
        raw_sendf(&w.gateway, &to,
                  "SIP/2.0 200 OK\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=%.*s;rport\n"
                  "From: <sip:1001@example.com>;tag=%.*s\nTo: <sip:9123@10.0.2.1>%s\n"
                  "Call-ID: %.*s\nCSeq: 1 INVITE\nContact: <sip:gw@10.0.2.1>\n\n",
                  STR_ARG(branch_of(&invite)), STR_ARG(sip_msg_tag(invite.m, SIP_HDR_FROM)),
                  tag, STR_ARG(text_value(&invite, "Call-ID")));
    }
    world_run(&w, 1);
    CHECK(w.net.now_ms - began < 1000);
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 100);
    CHECK_INT(world_stat(&w, "dialog_hung_up_not"), 50);
    world_run(&w, 1000);
    answer(&invite, &(struct forged){0});
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 101);
    w.net.latency_ms = 5;
    world_run(&w, 70000); /* nobody answers the BYEs */
    end(&invite);
}

/** Without the row of before nobody can prove anything; a cut one is dropped. */
static void test_without_the_row(void)
{
    up(TP_UDP);
    struct text_msg invite = called();
    size_t n = 0;
    for (size_t i = 0; i < keep.rows; i++) {
        struct kept_row *r = &keep.row[i];
        if (r->kind == STORE_SECRET && str_eq(str_make(r->key, r->key_n), STR("marks"))) {
            r->value_n--;
            n++;
        }
    }
    CHECK_INT(n, 1);
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "store_not_restored"), 1);
    answer(&invite, &(struct forged){0});
    CHECK_INT(sent_to(&w.gateway.node, "ACK"), 0);
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 0);
    end(&invite);
}

/** Many restarts in a short time: the eight last ones count, and the row has an end. */
static void test_many_restarts(void)
{
    up(TP_UDP);
    struct text_msg invite = called();
    for (int i = 0; i < 8; i++) {
        keep_restart(&w, &keep);
    }
    answer(&invite, &(struct forged){.to_tag = ";tag=a"});
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 1);
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "store_not_restored"), 0);
    answer(&invite, &(struct forged){.to_tag = ";tag=b"});
    CHECK_INT(world_stat(&w, "dialog_hung_up"), 0);
    end(&invite);
}

/** Nothing is written into branches that no later process could read. */
static void test_no_mark_without_a_store(void)
{
    world_up(&w, &(struct world_options){.no_apps = true});
    struct text_msg invite = called();
    CHECK_INT(branch_of(&invite).n, TXN_BRANCH_OWN);
    text_free(&invite);
    w.hard = true;
    world_down(&w);
}

TEST_MAIN(T(test_a_phone_that_rings_over_a_restart),
          T(test_a_phone_that_rings_over_a_restart_tcp),
          T(test_a_2xx_that_was_lost_with_the_process), T(test_the_process_before_the_last_one),
          T(test_a_caller_whose_call_is_not_known), T(test_a_peer_is_hung_up_on),
          T(test_forged_answers_hear_nothing), T(test_answers_in_their_time),
          T(test_a_shorter_time_for_late_answers), T(test_the_time_is_made_shorter),
          T(test_a_flood_of_answers), T(test_without_the_row), T(test_many_restarts),
          T(test_no_mark_without_a_store))
