/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User data that a network could not carry is refused to the application that gives it, in
 * every service that takes some, and nothing leaves. The trunk (8*) leads to an ISDN of 32
 * octets, the gateway (9*) to a system whose dialect takes seven bits.
 */
#include "world.h"

#include <stdio.h>
#include <string.h>

static struct world w;
static struct phone *ann, *bob;

#define FITS "123456789012345678901234567890123" /* 33, the discriminator included */
#define LONG FITS "4"

static void tweak(struct world *world)
{
    world->peer[1].policy.isdn = true;
    world->peer[1].policy.isdn_octets = 33;
    world->peer[0].uui.dialect = uui_dialect_named(STR("genesys"));
}

static void up(void)
{
    world_up(&w, &(struct world_options){.tweak = tweak});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    ann->obeys_auto = true;
    (void)world_monitor(&w, &w.crm, "1001");
    (void)world_monitor(&w, &w.crm, "1002");
}

static const char *data(const char *octets)
{
    static char text[1024];
    struct out o;
    out_init(&o, text, sizeof(text) - 1);
    out_c(&o, "<userData><string>");
    out_hex(&o, str_c(octets), false);
    out_c(&o, "</string></userData>");
    text[o.n] = '\0';
    return text;
}

#define REFUSED "operation/valueOutOfRange"

static void answers(struct ask *q, const char *want)
{
    world_run(&w, 300);
    CHECK_INT(q->answers, 1);
    CHECK_STR(str_c(q->text), want);
}

/** A service on ann's or bob's connection in call `c1`. */
static void on(const char *service, const char *element, const char *device, const char *more,
               const char *octets, const char *want)
{
    char text[2048];
    test_context(service);
    snprintf(text, sizeof(text), "%s%s", more, data(octets));
    answers(app_on_connection(&w.crm, service, element, "c1", device, text), want);
    test_context(NULL);
}

static size_t left(struct raw *r)
{
    return wire_count(&w.wire, ENGINE(&w), &r->node, "INVITE");
}

static void test_unfit_made(void)
{
    up();
    answers(app_make_call(&w.crm, "1001", "8555", false, LONG), REFUSED);
    answers(app_make_call(&w.crm, "1001", "9555", false, "\x04\xC3"), REFUSED);
    CHECK_INT(wire_count(&w.wire, ENGINE(&w), &ann->s.node, "INVITE"), 0);
    CHECK_INT(world_stat(&w, "calls_made"), 0);
    CHECK(strstr(app_events(&w.crm, NULL), "Initiated") == NULL);
    /* what fits arrives, and among ourselves all of it does */
    answers(app_make_call(&w.crm, "1001", "8555", false, FITS), "MakeCallResponse c1:1001");
    struct text_msg invite = world_take(&w.trunk, "INVITE");
    CHECK(str_is_set(wire_raw(str_make(invite.m->buf, invite.m->len), "User-to-User", 0)));
    CHECK_INT(world_stat(&w, "isdn_too_long"), 0);
    text_free(&invite);
    world_down(&w);
    up();
    answers(app_make_call(&w.crm, "1001", "1002", false, LONG), "MakeCallResponse c1:1001");
    world_down(&w);
}

/** The number comes later: the digits that complete it are refused, and can be corrected. */
static void test_unfit_dialled(void)
{
    up();
    answers(app_make_call(&w.crm, "1001", "85;", false, LONG), "MakeCallResponse c1:1001");
    answers(app_on_connection(&w.crm, "DialDigits", "diallingConnection", "c1", "1001",
                              "<diallingSequence>55</diallingSequence>"),
            REFUSED);
    CHECK_INT(left(&w.trunk), 0);
    world_down(&w);
}

static void test_unfit_deflected(void)
{
    up();
    (void)phone_call(ann, "1002", true, STR_NONE);
    world_run(&w, 300);
    on("DeflectCall", "callToBeDiverted", "1002", "<newDestination>8555</newDestination>", LONG,
       REFUSED);
    CHECK_INT(left(&w.trunk), 0);
    on("DeflectCall", "callToBeDiverted", "1002", "<newDestination>8555</newDestination>", FITS,
       "DeflectCallResponse");
    CHECK_INT(left(&w.trunk), 1);
    CHECK_INT(world_stat(&w, "isdn_too_long"), 0);
    world_down(&w);
}

static void test_unfit_moved(void)
{
    up();
    REQUIRE(world_call(&w, ann, bob));
    on("SingleStepTransferCall", "activeCall", "1001", "<transferredTo>8555</transferredTo>",
       LONG, REFUSED);
    on("ConsultationCall", "existingCall", "1001", "<consultedDevice>8555</consultedDevice>",
       LONG, REFUSED);
    CHECK_INT(left(&w.trunk), 0);
    CHECK(phone_talks(ann) && phone_talks(bob));
    (void)app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c1", "1001",
                            "<transferredTo>8555</transferredTo>");
    world_run(&w, 300);
    CHECK_INT(left(&w.trunk), 1);
    world_down(&w);
}

/** A farewell that is too long: the call stays, and can be ended with less. */
static void test_unfit_farewell(void)
{
    up();
    world_raw_invite(&w, &w.trunk, "x", "1001", "User-to-User: 0461;encoding=hex\n", world_sdp);
    world_run(&w, 200);
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 200);
    struct text_msg ok = world_take(&w.trunk, "200 INVITE");
    world_raw_request(&w, &w.trunk, "ACK", 1, &ok, "", "");
    world_run(&w, 100);
    on("ClearConnection", "connectionToBeCleared", "1001", "", LONG, REFUSED);
    CHECK(phone_talks(ann));
    on("ClearConnection", "connectionToBeCleared", "1001", "", FITS, "ClearConnectionResponse");
    struct text_msg bye = world_take(&w.trunk, "BYE");
    CHECK(str_is_set(wire_raw(str_make(bye.m->buf, bye.m->len), "User-to-User", 0)));
    text_free(&bye);
    text_free(&ok);
    world_down(&w);
}

TEST_MAIN(T(test_unfit_made), T(test_unfit_dialled), T(test_unfit_deflected),
          T(test_unfit_moved), T(test_unfit_farewell))
