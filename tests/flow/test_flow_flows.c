/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A phone with two flows behind the proxy (RFC 5626 §5.3, §7): when one fails, the request goes
 * over the other; what the phone itself says stays.
 */
#include "service.h"

static struct service s;
static struct phone *bob2;

#define PHONE_ID ";+sip.instance=\"<urn:uuid:1>\""
#define OUTBOUND "Supported: outbound\r\n"
#define CALLING ">INVITE <401 >ACK >INVITE"

static size_t invites(const struct phone *p)
{
    return wire_count(&s.w.wire, ENGINE(&s.w), &p->s.node, "INVITE");
}

static void again(struct phone *p, const char *params)
{
    p->register_params = params;
    p->register_lines = OUTBOUND;
    phone_register(p, 3600);
    service_run(&s, 100);
    CHECK_INT(p->register_status, 200);
}

/** bob's phone on two flows, of which bob2 is the later one: it is tried first. */
static void up(bool serial, enum transport transport)
{
    service_begin(&s, ROLE_PROXY);
    struct rule *r = service_rule(&s, "1002", RULE_PROXY);
    r->parallel = !serial;
    r->record_route = true;
    service_up(&s);
    again(s.bob, ";reg-id=1" PHONE_ID);
    bob2 = world_phone(&s.w, "bob2", "10.0.1.12", "1002", transport);
    again(bob2, ";reg-id=2" PHONE_ID);
    service_mark(&s);
}

static void call(void)
{
    REQUIRE(phone_call(s.ann, "1002", true, STR_NONE) != NULL);
    service_run(&s, 200);
}

/** The flow fails by that status: bob's other flow rings, and the next call begins there. */
static void fails_with(bool serial, unsigned status, bool dead)
{
    up(serial, TP_UDP);
    bob2->on_call = status;
    call();
    CHECK_INT(invites(bob2), 1);
    CHECK_INT(invites(s.bob), 1);
    LADDER(&s, s.ann, CALLING " <180");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    CHECK(phone_talks(s.ann) && phone_talks(s.bob));
    CHECK_INT(world_stat(&s.w, "proxy_reflowed"), 1);
    phone_hang_up(s.ann, STR_NONE);
    service_run(&s, 1000);
    call();
    CHECK_INT(invites(bob2), dead ? 1 : 2);
    CHECK_INT(invites(s.bob), 2);
    service_down(&s);
}

static void test_the_other_flow_takes_over(void)
{
    for (int serial = 0; serial < 2; serial++) {
        fails_with(serial != 0, 430, true);
        fails_with(serial != 0, 408, false);
    }
}

/** Whatever else it says is the phone's own word. */
static void test_the_phone_has_spoken(void)
{
    static const unsigned said[] = {486, 480, 503, 603, 302};
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        up(false, TP_UDP);
        bob2->on_call = said[i];
        bob2->answer_lines = said[i] == 302 ? STR("Contact: <sip:x@y.invalid>\r\n") : STR_NONE;
        call();
        CHECK_INT(invites(bob2), 1);
        CHECK_INT(invites(s.bob), 0);
        CHECK_INT(world_stat(&s.w, "proxy_reflowed"), 0);
        service_down(&s);
    }
}

/** Both fail: the caller hears so once, and has tried each once. */
static void test_both_fail(void)
{
    up(false, TP_UDP);
    s.bob->on_call = bob2->on_call = 430;
    call();
    LADDER(&s, s.ann, CALLING " <430 >ACK");
    CHECK_INT(invites(bob2), 1);
    CHECK_INT(invites(s.bob), 1);
    service_down(&s);
}

/** The connection closes while the phone rings. */
static void test_a_flow_closes(void)
{
    up(false, TP_TCP);
    call();
    CHECK_INT(invites(bob2), 1);
    CHECK(vnet_close(&s.w.net, ENGINE(&s.w), &bob2->s.node) > 0);
    service_run(&s, 200);
    CHECK_INT(invites(s.bob), 1);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    CHECK(phone_talks(s.ann) && phone_talks(s.bob));
    service_down(&s);
}

static void (*wire_tap)(void *ctx, struct vpacket *p);

static void deaf(void *ctx, struct vpacket *p)
{
    wire_tap(ctx, p);
    if (bob2 != NULL && (p->to == &bob2->s.node || p->from == &bob2->s.node)) {
        p->copies = 0;
    }
}

static void soon(struct world *w)
{
    w->config.timing.silent = 4000;
}

/** Nobody is at the other end of the first flow any more; through the bridge likewise. */
static void test_a_silent_flow(void)
{
    for (int bridge = 0; bridge < 2; bridge++) {
        service_begin(&s, bridge ? ROLE_BRIDGE : ROLE_PROXY);
        s.tweak = soon;
        bob2 = NULL;
        service_up(&s);
        again(s.bob, ";reg-id=1" PHONE_ID);
        bob2 = world_phone(&s.w, "bob2", "10.0.1.12", "1002", TP_UDP);
        again(bob2, ";reg-id=2" PHONE_ID);
        wire_tap = s.w.net.tap;
        s.w.net.tap = deaf;
        call();
        service_run(&s, 3000);
        CHECK_INT(invites(s.bob), 0);
        service_run(&s, 1000);
        CHECK_INT(invites(s.bob), 1);
        CHECK_INT(phone_answer(s.bob), 0);
        service_run(&s, 200);
        CHECK(phone_talks(s.ann) && phone_talks(s.bob));
        s.w.net.tap = wire_tap;
        service_down(&s);
    }
}

/** Who has hung up is not called over the other flow. */
static void test_not_after_cancel(void)
{
    up(false, TP_UDP);
    call();
    CHECK_INT(invites(bob2), 1);
    phone_hang_up(s.ann, STR_NONE);
    bob2->on_call = 430;
    service_run(&s, 1000);
    CHECK_INT(invites(s.bob), 0);
    service_down(&s);
}

/** Beside another phone of the number: its group keeps ringing, each phone once. */
static void test_in_a_group(void)
{
    up(false, TP_UDP);
    struct phone *other = world_phone(&s.w, "bob3", "10.0.1.13", "1002", TP_UDP);
    again(other, ";+sip.instance=\"<urn:uuid:9>\"");
    bob2->on_call = 430;
    call();
    CHECK_INT(invites(bob2), 1);
    CHECK_INT(invites(s.bob), 1);
    CHECK_INT(invites(other), 1);
    CHECK_INT(phone_answer(other), 0);
    service_run(&s, 200);
    CHECK_INT(wire_count(&s.w.wire, ENGINE(&s.w), &s.bob->s.node, "CANCEL"), 1);
    CHECK(phone_talks(s.ann) && phone_talks(other));
    service_down(&s);
}

TEST_MAIN(T(test_the_other_flow_takes_over), T(test_the_phone_has_spoken), T(test_both_fail),
          T(test_a_flow_closes), T(test_a_silent_flow), T(test_not_after_cancel),
          T(test_in_a_group))
