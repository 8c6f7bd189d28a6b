/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"
static struct world w;
static void test_first(void)
{
    world_up(&w, &(struct world_options){0});
    const char *a = world_monitor(&w, &w.crm, "1001"), *b = world_monitor(&w, &w.crm, "1002");
    app_forget(&w.crm);
    CHECK(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    phone_hang_up(PHONE(&w, 1), STR_NONE);
    world_run(&w, 500);
    CHECK_STR(str_c(app_events(&w.crm, a)), "");
    CHECK_STR(str_c(app_events(&w.crm, b)), "");
    world_down(&w);
}
TEST_MAIN(T(test_first))
