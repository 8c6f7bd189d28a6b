/* SPDX-License-Identifier: Apache-2.0 */
/* Package reg (RFC 3680): what becomes of the bindings of a device, told to who watches it. */
#include "watcher.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct watcher own; /* 1002 watches itself */
static struct phone *bob;

static void no_interval(struct world *world)
{
    world->config.event.interval_ms = 1;
}

static void up(bool unregistered)
{
    world_up(&w, &(struct world_options){
                     .no_apps = true, .unregistered = unregistered, .tweak = no_interval});
    watcher_up(&own, &w.net, &w.node, "own", "10.0.4.2", "1002", "pw1002", TP_UDP);
    bob = PHONE(&w, 1);
}

static void down(void)
{
    CHECK(vnet_run_quiet(&w.net, 200000000));
    CHECK_INT(world_stat(&w, "event_subscriptions"), 0);
    world_down(&w);
    watcher_down(&own);
}

static void watch(void)
{
    watcher_subscribe(&own, "1002", "reg", 3600, "", "");
    world_run(&w, 100);
    CHECK_INT(own.status, 200);
}

static void test_life_of_a_binding(void)
{
    char id[32];
    up(true);
    watch();
    CHECK_STR(str_c(watcher_last(&own)->type), "application/reginfo+xml");
    CHECK(watcher_has(&own, "version=\"0\" state=\"full\""));
    CHECK(watcher_has(&own, "<registration aor=\"sip:1002@example.com\""));
    CHECK(watcher_has(&own, "state=\"init\">"));
    CHECK(!watcher_has(&own, "<contact"));
    phone_register_contact(bob, "\"B\" <sip:1002@10.0.1.2:5060;a=1>;q=0.5;+x=\"<&>\"", 600);
    world_run(&w, 100);
    CHECK_INT(own.notes, 2);
    CHECK(watcher_has(&own, "version=\"1\" state=\"partial\""));
    CHECK(watcher_has(&own, "state=\"active\" event=\"created\""));
    CHECK(watcher_has(&own, "expires=\"600\" q=\"0.500\""));
    CHECK(watcher_has(&own, "<uri>sip:1002@10.0.1.2:5060;a=1</uri>"));
    CHECK(watcher_has(&own, "<unknown-param name=\"+x\">\"&lt;&amp;&gt;\"</unknown-param>"));
    (void)snprintf(id, sizeof(id), "%s", watcher_value(&own, "<contact id=\""));
    world_run(&w, 100000);
    phone_register_contact(bob, "<sip:1002@10.0.1.2:5060;a=1>", 600);
    world_run(&w, 100);
    CHECK_INT(own.notes, 3);
    CHECK(watcher_has(&own, "event=\"refreshed\" duration-registered=\"100\""));
    CHECK_STR(str_c(watcher_value(&own, "<contact id=\"")), id);
    phone_register_contact(bob, "<sip:1002@10.0.1.2:5060;a=1>", 0);
    world_run(&w, 100);
    CHECK_INT(own.notes, 4);
    CHECK(watcher_has(&own, "state=\"terminated\">"));
    CHECK(watcher_has(&own, "state=\"terminated\" event=\"unregistered\""));
    CHECK_STR(str_c(watcher_value(&own, "<contact id=\"")), id);
    watcher_refresh(&own, 3600, "", ""); /* told: over */
    world_run(&w, 100);
    CHECK(watcher_has(&own, "state=\"full\""));
    CHECK(watcher_has(&own, "state=\"init\">") && !watcher_has(&own, "<contact"));
    down();
}

static void test_binding_expires(void)
{
    up(true);
    phone_register(bob, 60);
    world_run(&w, 100);
    watch();
    CHECK(watcher_has(&own, "state=\"full\""));
    CHECK(watcher_has(&own, "<contact id=\""));
    world_run(&w, 61000);
    CHECK_INT(own.notes, 2);
    CHECK(watcher_has(&own, "state=\"terminated\" event=\"expired\""));
    down();
}

/** Two contacts: what has not changed is not in a partial document. */
static void test_two(void)
{
    up(true);
    watch();
    phone_register_contact(bob, "<sip:1002@10.0.1.2>, <sip:1002@10.0.1.2:5070>", 600);
    world_run(&w, 100);
    CHECK_INT(test_count(watcher_last(&own)->body, "<contact "), 2);
    CHECK_INT(own.notes, 2); /* one document for one REGISTER */
    phone_register_contact(bob, "<sip:1002@10.0.1.2:5070>", 0);
    world_run(&w, 100);
    CHECK_INT(test_count(watcher_last(&own)->body, "<contact "), 1);
    CHECK(watcher_has(&own, "<registration aor=\"sip:1002@example.com\" id=\"1002\" "
                            "state=\"active\">"));
    CHECK(watcher_has(&own, "<uri>sip:1002@10.0.1.2:5070</uri>"));
    watcher_refresh(&own, 3600, "", "");
    world_run(&w, 100);
    CHECK_INT(test_count(watcher_last(&own)->body, "<contact "), 1);
    CHECK(watcher_has(&own, "<uri>sip:1002@10.0.1.2</uri>"));
    phone_register_contact(bob, "*", 0);
    world_run(&w, 100);
    down();
}

/** While a NOTIFY is in the air a binding comes and goes: both ends are told. */
static void test_coalesced(void)
{
    up(true);
    watch();
    own.reply = 0;
    phone_register_contact(bob, "<sip:1002@10.0.1.2>", 600);
    world_run(&w, 100);
    phone_register_contact(bob, "<sip:1002@10.0.1.2:5070>", 600);
    world_run(&w, 100);
    phone_register_contact(bob, "*", 0);
    world_run(&w, 100);
    CHECK_INT(own.notes, 2);
    own.reply = 200;
    watcher_reply(&own, 200, "");
    world_run(&w, 100);
    CHECK_INT(own.notes, 3);
    CHECK_INT(test_count(watcher_last(&own)->body, "event=\"unregistered\""), 2);
    down();
}

/** RFC 5628: phones with an instance have GRUUs, and watchers see them. */
static void test_gruus(void)
{
    up(true);
    watch();
    phone_register_contact(
        bob, "<sip:1002@10.0.1.2>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-AABBCC>\"",
        600);
    world_run(&w, 100);
    CHECK(watcher_has(&own, "xmlns:gr=\"urn:ietf:params:xml:ns:gruuinfo\""));
    CHECK_STR(str_c(watcher_value(&own, "<gr:pub-gruu uri=\"")),
              "sip:1002@example.com;gr=urn:uuid:00000000-0000-1000-8000-AABBCC");
    CHECK(strstr(watcher_value(&own, "<gr:temp-gruu uri=\""), "@example.com;gr") != NULL);
    CHECK(strcmp(watcher_value(&own, "first-cseq=\""), "") != 0);
    phone_register_contact(bob, "*", 0);
    down();
}

/** Not everybody's business. */
static void test_private(void)
{
    up(true);
    watcher_subscribe(&own, "1001", "reg", 3600, "", "");
    world_run(&w, 100);
    CHECK_INT(own.status, 403);
    down();
}

TEST_MAIN(T(test_life_of_a_binding), T(test_binding_expires), T(test_two), T(test_coalesced),
          T(test_gruus), T(test_private))
