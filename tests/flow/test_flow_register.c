/* SPDX-License-Identifier: Apache-2.0 */
/* Registration as in RFC 3665 §2, and who may register what. */
#include "world.h"

static struct world w;

static const struct world_options idle = {.unregistered = true, .no_apps = true};

static void up(void)
{
    world_up(&w, &idle);
}

/** §2.1: challenged, then taken; the answer has the contact with its time. */
static void test_success(void)
{
    up();
    phone_register(PHONE(&w, 1), 3600);
    world_run(&w, 100);
    CHECK_INT(PHONE(&w, 1)->register_status, 200);
    CHECK_INT(wire_count(&w.wire, PHONE_NODE(&w, 1), ENGINE(&w), "REGISTER"), 2);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "401 REGISTER"), 1);
    struct str ok = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "200 REGISTER", 0);
    CHECK_STR(str_trim(wire_raw(ok, "Contact", 0)), "<sip:1002@10.0.1.2:5060>;expires=3600");
    CHECK_INT(world_stat(&w, "registrar_bindings"), 1);
    CHECK_INT(world_stat(&w, "auth_ok"), 1);
    world_down(&w);
}

/** The same over TCP and TLS. */
static void test_success_over_streams(void)
{
    for (unsigned t = TP_TCP; t <= TP_TLS; t++) {
        struct world_options o = idle;
        o.transport = (enum transport)t;
        world_up(&w, &o);
        phone_register(PHONE(&w, 0), 600);
        world_run(&w, 200);
        CHECK_INT(PHONE(&w, 0)->register_status, 200);
        world_down(&w);
    }
}

/** §2.2: a second contact is added, the answer lists both. §2.3: a query lists them too. */
static void test_contact_list(void)
{
    struct phone *bob;
    up();
    bob = PHONE(&w, 1);
    phone_register(bob, 3600);
    world_run(&w, 100);
    phone_register_contact(bob, "<mailto:bob@example.com>", 3600);
    world_run(&w, 100);
    CHECK_INT(bob->register_status, 403); /* only what a call can reach */
    phone_register_contact(bob, "<sip:1002@10.0.1.99>;q=0.1", 1200);
    world_run(&w, 100);
    CHECK_INT(bob->register_status, 200);
    phone_register_contact(bob, "", 0);
    world_run(&w, 100);
    CHECK_INT(bob->register_status, 200);
    struct str all = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "200 REGISTER", 2);
    CHECK(str_starts(str_trim(wire_raw(all, "Contact", 0)), STR("<sip:1002@10.0.1.2:5060>")));
    CHECK(str_starts(str_trim(wire_raw(all, "Contact", 1)), STR("<sip:1002@10.0.1.99>")));
    CHECK_INT(world_stat(&w, "registrar_bindings"), 2);
    phone_register_contact(bob, "*", 0);
    world_run(&w, 100);
    world_down(&w);
}

/** §2.4: `*` with 0 removes all. */
static void test_cancel(void)
{
    struct phone *bob;
    up();
    bob = PHONE(&w, 1);
    phone_register(bob, 3600);
    world_run(&w, 100);
    phone_register_contact(bob, "*", 0);
    world_run(&w, 100);
    CHECK_INT(bob->register_status, 200);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 0);
    struct str ok = wire_find(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "200 REGISTER", 1);
    CHECK(!str_is_set(wire_raw(ok, "Contact", 0)));
    world_down(&w);
}

/** §2.5: a wrong password is challenged again; the phone tries once more, for the nonce is new.
 */
static void test_unsuccessful(void)
{
    struct phone *bob;
    up();
    bob = PHONE(&w, 1);
    bob->auth.password = STR("guess");
    phone_register(bob, 3600);
    world_run(&w, 1000);
    CHECK_INT(bob->register_status, 401);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "401 REGISTER"), 3);
    CHECK_INT(world_stat(&w, "auth_wrong"), 2);
    CHECK_INT(world_stat(&w, "auth_failed"), 2);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 0);
    world_down(&w);
}

/** Right credentials for another's address of record. */
static void test_for_another(void)
{
    struct phone *bob;
    up();
    bob = PHONE(&w, 1);
    bob->auth.user = STR("1001");
    bob->auth.password = STR("pw1001");
    phone_register(bob, 3600);
    world_run(&w, 100);
    CHECK_INT(bob->register_status, 403);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 0);
    world_down(&w);
}

/** An application has a name and a password, but is no device. */
static void test_application_cannot_register(void)
{
    struct phone *bob;
    up();
    bob = PHONE(&w, 1);
    bob->auth.user = STR("crm");
    bob->auth.password = STR("pwcrm");
    phone_register(bob, 3600);
    world_run(&w, 100);
    CHECK_INT(bob->register_status, 403);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 0);
    world_down(&w);
}

/** A number that nobody has: the challenge does not tell, and no password opens it. */
static void test_unknown(void)
{
    struct phone *bob;
    up();
    bob = PHONE(&w, 1);
    bob->number = "1999";
    phone_register(bob, 3600);
    world_run(&w, 100);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), PHONE_NODE(&w, 1), "401 REGISTER"), 1);
    CHECK(bob->register_status == 403 || bob->register_status == 404);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 0);
    bob->number = "1002";
    world_down(&w);
}

/** Credentials that were recorded do not work a second time, nor for another request. */
static void test_replay(void)
{
    struct hop to;
    up();
    phone_register(PHONE(&w, 1), 3600);
    world_run(&w, 100);
    struct str sent = wire_find(&w.wire, PHONE_NODE(&w, 1), ENGINE(&w), "REGISTER", 1);
    struct str credentials = wire_raw(sent, "Authorization", 0);
    to = vnet_hop(ENGINE(&w), TP_UDP);
    struct raw thief;
    raw_up(&thief, &w.net, "thief", "10.0.9.9");
    raw_sendf(&thief, &to,
              "REGISTER sip:example.com SIP/2.0\nVia: SIP/2.0/UDP 10.0.9.9;branch=z9hG4bKx\n"
              "Max-Forwards: 70\nFrom: <sip:1002@example.com>;tag=1\n"
              "To: <sip:1002@example.com>\nCall-ID: thief\nCSeq: 1 REGISTER\n"
              "Contact: <sip:1002@10.0.9.9>\nAuthorization:%.*s\n\n",
              STR_ARG(credentials));
    world_run(&w, 100);
    struct text_msg t = world_take(&thief, "401 REGISTER");
    CHECK(str_find(text_value(&t, "WWW-Authenticate"), STR("stale=true")) <
          text_value(&t, "WWW-Authenticate").n);
    text_free(&t);
    CHECK_INT(world_stat(&w, "auth_replayed"), 1);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 1);
    world_down(&w);
    raw_down(&thief);
}

/** Too short is 423 with what is possible; the time runs out by itself. */
static void test_time(void)
{
    struct phone *bob;
    up();
    bob = PHONE(&w, 1);
    phone_register(bob, 10);
    world_run(&w, 100);
    CHECK_INT(bob->register_status, 423);
    CHECK(bob->registered != NULL && sip_msg_has(&bob->registered->m, SIP_HDR_MIN_EXPIRES));
    phone_register(bob, 60);
    world_run(&w, 59000);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 1);
    world_run(&w, 2000);
    CHECK_INT(world_stat(&w, "registrar_bindings"), 0);
    CHECK_INT(world_stat(&w, "registrar_expired"), 1);
    world_down(&w);
}

/** A nonce that is too old costs one more round and no question to the user. */
static void test_stale_nonce(void)
{
    struct phone *bob;
    up();
    bob = PHONE(&w, 1);
    phone_register(bob, 3600);
    world_run(&w, 100);
    wire_delay(&w.wire, PHONE_NODE(&w, 1), ENGINE(&w), "REGISTER", 1, 1, 310000);
    wire_lose(&w.wire, PHONE_NODE(&w, 1), ENGINE(&w), "REGISTER", 2, 20);
    phone_register(bob, 3600); /* its credentials arrive after five minutes */
    world_run(&w, 320000);
    CHECK_INT(bob->register_status, 408);
    CHECK_INT(world_stat(&w, "auth_stale"), 1);
    CHECK_INT(world_stat(&w, "auth_wrong"), 0);
    w.wire.rules = 0;
    world_down(&w);
}

TEST_MAIN(T(test_success), T(test_success_over_streams), T(test_contact_list), T(test_cancel),
          T(test_unsuccessful), T(test_for_another), T(test_application_cannot_register),
          T(test_unknown), T(test_replay), T(test_time), T(test_stale_nonce))
