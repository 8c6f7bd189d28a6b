/* SPDX-License-Identifier: Apache-2.0 */
/* Events addressed to one reader: reference, spelling, and what has none. */
#include "csta/csta.h"
#include "test.h"

static struct test_mem mem;
static struct arena arena;

static struct str spell(const void *ctx, struct str id)
{
    CHECK_STR(str_c(ctx), "ctx");
    return str_eq(id, STR("sip:1001@example.com")) ? STR("tel:1001") : id;
}

static void up(void)
{
    test_mem_init(&mem);
    arena_init(&arena, &mem.mem, 1024);
}

static void down(void)
{
    arena_fini(&arena);
    CHECK_INT(mem.live, 0);
}

static void test_address(void)
{
    const struct csta_forwarding_event e = {
        .device = csta_device_ref_of(STR("sip:1001@example.com")),
        .forward_status = CSTA_TRUE,
        .forward_to.value = STR("1003"),
    };
    const struct csta_msg m = {.id = CSTA_MSG_FORWARDING_EVENT, .forwarding_event = &e};
    struct csta_msg out;
    up();
    CHECK_INT(csta_event_address(&m, STR("7"), spell, "ctx", &arena, &out), 0);
    CHECK_INT(out.id, CSTA_MSG_FORWARDING_EVENT);
    CHECK_STR(out.forwarding_event->monitor_cross_ref_id, "7");
    CHECK_STR(out.forwarding_event->device.id.value, "tel:1001");
    CHECK_STR(out.forwarding_event->forward_to.value, "1003");
    CHECK_INT(out.forwarding_event->forward_status, CSTA_TRUE);
    CHECK(!str_is_set(e.monitor_cross_ref_id)); /* the original is as it was */
    CHECK_STR(e.device.id.value, "sip:1001@example.com");
    CHECK_INT(csta_event_address(&m, STR("8"), NULL, NULL, &arena, &out), 0);
    CHECK_STR(out.forwarding_event->device.id.value, "sip:1001@example.com");
    down();
}

/** No identifier, nothing to spell; a connection is no device. */
static void test_others(void)
{
    const struct csta_out_of_service_event gone = {.device.kind = CSTA_DEVICE_REF_NOT_KNOWN};
    const struct csta_held_event held = {
        .held_connection = {.call_id = STR("c"),
                            .device_id.value = STR("sip:1001@example.com")}};
    struct csta_msg out, m = {.id = CSTA_MSG_OUT_OF_SERVICE_EVENT, .body = &gone};
    up();
    CHECK_INT(csta_event_address(&m, STR("7"), spell, "ctx", &arena, &out), 0);
    CHECK_INT(out.out_of_service_event->device.kind, CSTA_DEVICE_REF_NOT_KNOWN);
    m = (struct csta_msg){.id = CSTA_MSG_HELD_EVENT, .body = &held};
    CHECK_INT(csta_event_address(&m, STR("7"), spell, "ctx", &arena, &out), 0);
    CHECK_STR(out.held_event->held_connection.device_id.value, "sip:1001@example.com");
    down();
}

static void test_refused(void)
{
    const struct csta_get_do_not_disturb asks = {.device.value = STR("1001")};
    const struct csta_held_event held = {0};
    struct csta_msg out, m = {.id = CSTA_MSG_GET_DO_NOT_DISTURB, .body = &asks};
    up();
    CHECK_INT(csta_event_address(&m, STR("7"), spell, "ctx", &arena, &out), E_UNSUPPORTED);
    m = (struct csta_msg){.id = CSTA_MSG_HELD_EVENT};
    CHECK_INT(csta_event_address(&m, STR("7"), spell, "ctx", &arena, &out), E_UNSUPPORTED);
    m = (struct csta_msg){.id = CSTA_MSG_COUNT, .body = &held};
    CHECK_INT(csta_event_address(&m, STR("7"), spell, "ctx", &arena, &out), E_UNSUPPORTED);
    m = (struct csta_msg){.id = CSTA_MSG_HELD_EVENT, .body = &held};
    mem.fail_at = mem.calls + 1;
    CHECK_INT(csta_event_address(&m, STR("7"), spell, "ctx", &arena, &out), E_NOMEM);
    mem.fail_at = 0;
    down();
}

TEST_MAIN(T(test_address), T(test_others), T(test_refused))
