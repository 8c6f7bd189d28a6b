/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls to sips URIs (RFC 5630), bridged and proxied: over TLS to sips contacts, or not at all.
 *
 * Ann and Bob speak TLS and register sips contacts; Cleo speaks TLS with a sip contact; Dan has
 * UDP.
 */
#include "world.h"

static struct world w;
static struct arena arena;
static struct rule rule;
static struct rule_table routes;
static struct phone *ann, *bob, *cleo, *dan;

static void by_proxy(struct world *world)
{
    rule = (struct rule){.name = STR("all"),
                         .methods = ~0u & ~(1u << SIP_METHOD_REGISTER),
                         .percent = 100,
                         .action = RULE_PROXY,
                         .record_route = true};
    REQUIRE(rule_table_init(&routes, &arena, &rule, 1, NULL) == 0);
    world->config.routes = &routes;
}

static void up(bool proxy)
{
    arena_init(&arena, &mem_libc, 4096);
    world_up(&w, &(struct world_options){.no_apps = true,
                                         .unregistered = true,
                                         .phones = 4,
                                         .transport = TP_TLS,
                                         .tweak = proxy ? by_proxy : NULL});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    dan = PHONE(&w, 3);
    ann->sips = bob->sips = true;
    dan->transport = TP_UDP;
    for (size_t i = 0; i < 4; i++) {
        phone_register(PHONE(&w, i), 3600);
        world_run(&w, 200);
        CHECK_INT(PHONE(&w, i)->register_status, 200);
    }
}

static void down(void)
{
    world_run(&w, 40000);
    world_down(&w);
    arena_fini(&arena);
}

static struct str to(const struct phone *p, const char *pattern)
{
    return wire_find(&w.wire, ENGINE(&w), &p->s.node, pattern, 0);
}

static struct str value(struct str message, const char *name)
{
    return str_trim(wire_raw(message, name, 0));
}

static bool begins(struct str s, const char *with)
{
    return str_starts(s, str_c(with));
}

static void test_sips_all_along(void)
{
    for (int proxy = 0; proxy < 2; proxy++) {
        up(proxy != 0);
        REQUIRE(phone_call(ann, "sips:1002@example.com", true, STR_NONE) != NULL);
        world_run(&w, 200);
        CHECK_INT(phone_answer(bob), 0);
        world_run(&w, 200);
        CHECK(phone_talks(ann) && phone_talks(bob));
        struct str invite = to(bob, "INVITE");
        CHECK(begins(invite, "INVITE sips:1002@10.0.1.2:5061 SIP/2.0\r\n"));
        CHECK(begins(value(invite, "Via"), "SIP/2.0/TLS "));
        CHECK(begins(value(invite, "Contact"), "<sips:"));
        CHECK(begins(value(to(ann, "200 INVITE"), "Contact"), "<sips:"));
        if (proxy) { /* one Record-Route, for both sides are the same */
            CHECK(begins(value(invite, "Record-Route"), "<sips:"));
            CHECK(!str_is_set(wire_raw(invite, "Record-Route", 1)));
        }
        phone_hang_up(bob, STR_NONE);
        world_run(&w, 200);
        CHECK(ann->s.leg == NULL && bob->s.leg == NULL);
        CHECK(begins(to(ann, "BYE"), "BYE sips:1001@10.0.1.1:5061 SIP/2.0\r\n"));
        down();
    }
}

/** §4.1, §5.3: no way down to sip, whether the phone has TLS or not. */
static void test_no_downgrade(void)
{
    static const char *const called[] = {"sips:1003@example.com", "sips:1004@example.com",
                                         "sips:9123@example.com"};
    for (size_t i = 0; i < 2 * ARRAY_LEN(called); i++) {
        up(i % 2 == 1);
        test_context(called[i / 2]);
        REQUIRE(phone_call(ann, called[i / 2], true, STR_NONE) != NULL);
        world_run(&w, 200);
        struct str no = to(ann, "480 INVITE");
        CHECK_STR(value(no, "Warning"), "380 baton \"SIPS Not Allowed\"");
        CHECK(!str_is_set(to(cleo, "INVITE")) && !str_is_set(to(dan, "INVITE")));
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), &w.gateway.node, "INVITE"), 0);
        CHECK(ann->s.leg == NULL);
        test_context(NULL);
        down();
    }
}

/** §4.1: a phone with a sips contact is there for sip calls too, as a sip phone, over TLS. */
static void test_no_upgrade(void)
{
    for (int proxy = 0; proxy < 2; proxy++) {
        up(proxy != 0);
        REQUIRE(phone_call(dan, "1002", true, STR_NONE) != NULL);
        world_run(&w, 200);
        struct str invite = to(bob, "INVITE");
        CHECK(begins(invite, "INVITE sip:1002@10.0.1.2:5061 SIP/2.0\r\n"));
        CHECK(begins(value(invite, "Via"), "SIP/2.0/TLS "));
        CHECK(begins(value(invite, "Contact"), "<sip:"));
        CHECK(!begins(value(invite, "Record-Route"), "<sips:"));
        CHECK_INT(phone_answer(bob), 0);
        world_run(&w, 200);
        CHECK(phone_talks(dan) && phone_talks(bob));
        phone_hang_up(dan, STR_NONE);
        world_run(&w, 200);
        down();
    }
}

static void test_refused_before_anything(void)
{
    static const struct {
        enum transport transport;
        const char *contact, *start, *warning;
    } row[] = {
        {TP_UDP, "sips:raw@10.0.2.1", "480 INVITE", "380 baton \"SIPS Not Allowed\""},
        {TP_TCP, "sips:raw@10.0.2.1", "480 INVITE", "380 baton \"SIPS Not Allowed\""},
        {TP_TLS, "sip:raw@10.0.2.1", "400 INVITE", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct hop hop;
        up(false);
        hop = vnet_hop(ENGINE(&w), row[i].transport);
        raw_sendf(&w.gateway, &hop,
                  "INVITE sips:1002@example.com SIP/2.0\n"
                  "Via: SIP/2.0/%s 10.0.2.1;branch=z9hG4bKs\nMax-Forwards: 70\n"
                  "From: <sip:9@10.0.2.1>;tag=s\nTo: <sips:1002@example.com>\nCall-ID: s\n"
                  "CSeq: 1 INVITE\nContact: <%s>\n\n",
                  transport_name(row[i].transport), row[i].contact);
        world_run(&w, 100);
        struct text_msg no = world_take(&w.gateway, row[i].start);
        CHECK_STR(text_value(&no, "Warning"), row[i].warning);
        text_free(&no);
        CHECK_INT(world_stat(&w, "calls_made"), 0);
        down();
    }
}

/** A phone cannot send a sips call on to a sip address, nor a sip call to a sips one. */
static void test_redirections_keep_the_scheme(void)
{
    static const struct {
        const char *called, *contact;
        bool followed;
    } row[] = {
        {"sips:1002@example.com", "Contact: <sip:1001@example.com>\r\n", false},
        {"sips:1002@example.com", "Contact: <sip:1003@example.com>\r\n", false},
        {"sip:1002@example.com", "Contact: <sips:1003@example.com>\r\n", false},
        {"sip:1002@example.com", "Contact: <sip:1003@example.com>\r\n", true},
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        up(false);
        bob->on_call = 302;
        bob->answer_lines = str_c(row[i].contact);
        test_context(row[i].contact);
        REQUIRE(phone_call(ann, row[i].called, true, STR_NONE) != NULL);
        world_run(&w, 300);
        CHECK_INT(str_is_set(to(cleo, "INVITE")), row[i].followed);
        CHECK_INT(str_is_set(to(ann, "302 INVITE")), !row[i].followed);
        test_context(NULL);
        phone_hang_up(ann, STR_NONE);
        down();
    }
}

TEST_MAIN(T(test_sips_all_along), T(test_no_downgrade), T(test_no_upgrade),
          T(test_refused_before_anything), T(test_redirections_keep_the_scheme))
