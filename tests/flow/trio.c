/* SPDX-License-Identifier: Apache-2.0 */
#include "trio.h"

struct world w;
struct phone *ann, *bob, *cleo;
const char *a, *b, *c;

void trio_watch(void)
{
    a = world_monitor(&w, &w.crm, "1001");
    b = world_monitor(&w, &w.crm, "1002");
    c = world_monitor(&w, &w.crm, "1003");
    app_forget(&w.crm);
}

void trio_up_with(struct world_options o)
{
    world_up(&w, &o);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    if (!o.no_apps) {
        trio_watch();
    }
}

void trio_up(void)
{
    trio_up_with((struct world_options){0});
}

void trio_down(void)
{
    for (size_t i = 0; i < w.phones; i++) {
        PHONE(&w, i)->refuse_offers = 0;
        PHONE(&w, i)->idle = false;
    }
    world_end(&w);
    app_check(&w.crm, true, NULL);
    world_down(&w);
}

void trio_talk(struct phone *from, struct phone *to)
{
    REQUIRE(world_call(&w, from, to));
    app_forget(&w.crm);
}

struct ask *trio_done(struct ask *q)
{
    return world_asked(&w, q, 500);
}

struct ask *trio_on(const char *service, const char *element, const char *call,
                    const char *device, const char *more)
{
    return trio_done(app_on_connection(&w.crm, service, element, call, device, more));
}

struct ask *trio_ask_transfer(void)
{
    return app_on_two(&w.crm, "TransferCall", "heldCall", "c1", "activeCall", "c2", "1001");
}

size_t trio_to(const struct phone *p, const char *pattern)
{
    return wire_count(&w.wire, ENGINE(&w), &p->s.node, pattern);
}

struct str trio_message(const struct phone *p, const char *pattern, size_t nth)
{
    return wire_find(&w.wire, ENGINE(&w), &p->s.node, pattern, nth);
}

struct str trio_header(const struct phone *p, const char *pattern, size_t nth, const char *name)
{
    return str_trim(wire_raw(trio_message(p, pattern, nth), name, 0));
}
