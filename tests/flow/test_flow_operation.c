/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands of the HTTP API in the engine: what is refused at once, what is accepted and ends in
 * one event, what a key stands for, and what is left of it after a restart.
 */
#include "base/attr.h"
#include "client.h"
#include "service.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

static struct keep keep;

static void with_store(struct world *w)
{
    w->config.store = &keep.ops;
}

static void with_few(struct world *w)
{
    with_store(w);
    w->config.operation.max = 2;
}

static void up_with(struct world *w, void (*tweak)(struct world *w))
{
    keep_init(&keep);
    world_up(w, &(struct world_options){.no_apps = true, .tweak = tweak});
}

static void up(struct world *w)
{
    up_with(w, with_store);
}

static void down(struct world *w)
{
    world_down(w);
    keep_fini(&keep);
}

#define MAKE(from, to)                                                              \
    "{\"MakeCall\":{\"callingDevice\":\"" from "\",\"calledDirectoryNumber\":\"" to \
    "\",\"autoOriginate\":\"doNotPrompt\"}}"

static const char *on_connection(struct world *w, const struct access_principal *who,
                                 const char *service, const char *member, const char *call,
                                 const char *device)
{
    return client_do(w, who, "{\"%s\":{\"%s\":{\"callID\":\"%s\",\"deviceID\":\"%s\"}}}",
                     service, member, call, device);
}

/* ---- commands ---- */

static void test_a_call_is_commanded_from_end_to_end(void)
{
    struct world w;
    up(&w);
    CHECK_STR(str_c(client_do(&w, &client_all, MAKE("1001", "1002"))), "done MakeCallResponse");
    CHECK_INT(client_ends(&keep, client_last()), 1);
    world_run(&w, 200);
    CHECK_INT(phone_answer(PHONE(&w, 0)), 0);
    world_run(&w, 200);
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 200);
    REQUIRE(phone_talks(PHONE(&w, 0)) && phone_talks(PHONE(&w, 1)));
    const char *call = client_call_of(&w, 0);
    CHECK_STR(str_c(on_connection(&w, &client_all, "HoldCall", "callToBeHeld", call, "1001")),
              "accepted");
    char hold[64];
    (void)snprintf(hold, sizeof(hold), "%s", client_last());
    CHECK_INT(client_ends(&keep, hold), 0);
    world_run(&w, 500);
    CHECK_STR(str_c(client_state(&w, &client_all, hold)), "done HoldCallResponse");
    CHECK_INT(client_ends(&keep, hold), 1);
    CHECK_STR(str_c(on_connection(&w, &client_all, "RetrieveCall", "callToBeRetrieved", call,
                                  "1001")),
              "accepted");
    world_run(&w, 500);
    CHECK_STR(str_c(client_state(&w, &client_all, client_last())), "done RetrieveCallResponse");
    CHECK_STR(str_c(on_connection(&w, &client_all, "ClearConnection", "connectionToBeCleared",
                                  call, "1001")),
              "done ClearConnectionResponse");
    world_run(&w, 500);
    CHECK(!phone_talks(PHONE(&w, 1)));
    down(&w);
}

static void test_what_is_wrong_is_refused_at_once(void)
{
    struct world w;
    up(&w);
    CHECK_STR(str_c(client_do(&w, &client_all, MAKE("9999", "1002"))),
              "refused 404 invalidCallingDeviceID");
    CHECK_STR(str_c(client_do(&w, &client_all, MAKE("1001", "77"))),
              "refused 404 invalidCalledDeviceID");
    CHECK_STR(str_c(client_do(&w, &client_all, MAKE("1004", "1002"))),
              "refused 409 deviceOutOfService");
    CHECK_STR(str_c(client_do(&w, &client_first, MAKE("1002", "1001"))),
              "refused 403 privilegeViolationSpecifiedDevice");
    CHECK_STR(str_c(client_do(&w, &client_looker, MAKE("1001", "1002"))),
              "refused 403 privilegeViolationSpecifiedDevice");
    CHECK_STR(
        str_c(on_connection(&w, &client_all, "HoldCall", "callToBeHeld", "nosuchcall", "1001")),
        "refused 404 invalidConnectionID");
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    CHECK_STR(str_c(on_connection(&w, &client_all, "RetrieveCall", "callToBeRetrieved",
                                  client_call_of(&w, 0), "1001")),
              "refused 409 noHeldCall");
    CHECK_STR(str_c(client_do(&w, &client_all,
                              "{\"MonitorStart\":{\"monitorObject\":{\"deviceObject\":"
                              "\"1001\"}}}")),
              "refused 501 serviceNotSupported");
    CHECK_INT(keep_count(&keep, STORE_OPERATION), 0);
    CHECK_INT(client_ends(&keep, NULL), 0);
    down(&w);
}

/** A phone that does not answer: the operation ends when the patience with it does. */
static void test_what_takes_too_long_fails(void)
{
    struct world w;
    up(&w);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    PHONE(&w, 1)->idle = true;
    CHECK_STR(str_c(on_connection(&w, &client_all, "HoldCall", "callToBeHeld",
                                  client_call_of(&w, 0), "1001")),
              "accepted");
    world_run(&w, 40000);
    PHONE(&w, 1)->idle = false;
    CHECK(str_starts(str_c(client_state(&w, &client_all, client_last())), STR("failed 5")));
    CHECK_INT(client_ends(&keep, client_last()), 1);
    CHECK(client_is_json(client_json(&w, &client_all, client_last())));
    down(&w);
}

/** Of outsiders among themselves: 1001, whom one of them called, has deflected him to the other
    and is gone. @return its callID, in `id` */
static bool left_to_outsiders(struct world *w, char *id, size_t cap)
{
    world_raw_invite(w, &w->gateway, "in", "1001", "", world_sdp);
    world_run(w, 200);
    (void)snprintf(id, cap, "%s", client_call_of(w, 0));
    const char *said = client_do(w, &client_all,
                                 "{\"DeflectCall\":{\"callToBeDiverted\":{\"callID\":\"%s\","
                                 "\"deviceID\":\"1001\"},\"newDestination\":\"8555\"}}",
                                 id);
    CHECK_STR(str_c(said), "done DeflectCallResponse");
    world_run(w, 100);
    struct text_msg invite = world_take(&w->trunk, "INVITE");
    struct hop back = raw_from(&w->trunk);
    raw_reply(&w->trunk, &back, invite.m, "200 OK", "t",
              "Contact: <sip:8555@10.0.2.2>\nContent-Type: application/sdp\n", world_sdp);
    text_free(&invite);
    world_run(w, 100);
    struct text_msg ok = world_take(&w->gateway, "200 INVITE");
    world_raw_request(w, &w->gateway, "ACK", 1, &ok, "", "");
    text_free(&ok);
    world_run(w, 100);
    return id[0] != '\0' && client_call_of(w, 0)[0] == '\0';
}

static void clear_of_outsiders(struct world *w, const char *id)
{
    const char *clear = "{\"ClearCall\":{\"callToBeCleared\":{\"callID\":\"%s\"}}}";
    REQUIRE(strstr(client_list(w, &client_admin, VIEW_CALLS, 0, NULL), id) != NULL);
    CHECK(str_starts(str_c(client_do(w, &client_first, clear, id)), STR("refused 40")));
    CHECK(str_starts(str_c(client_do(w, &client_all, clear, id)), STR("refused 40")));
    CHECK_STR(str_c(client_do(w, &client_admin, clear, id)), "done ClearCallResponse");
    world_run(w, 100);
    struct text_msg here = world_take(&w->gateway, "BYE"), there = world_take(&w->trunk, "BYE");
    CHECK(here.m != NULL && there.m != NULL);
    text_free(&here);
    text_free(&there);
    world_run(w, 40000);
    CHECK_STR(str_c(client_list(w, &client_admin, VIEW_CALLS, 0, NULL)), "");
    CHECK_STR(str_c(client_do(w, &client_admin, clear, id)), "refused 404 invalidConnectionID");
}

/** Nobody of ours is in the call any more; an administrator ends it all the same. */
static void test_an_administrator_ends_what_no_device_is_in(void)
{
    struct world w;
    char id[64];
    up(&w);
    REQUIRE(left_to_outsiders(&w, id, sizeof(id)));
    clear_of_outsiders(&w, id);
    down(&w);
}

/** After a restart nothing tells of the device any more. */
static void test_an_administrator_ends_it_after_a_restart(void)
{
    struct world w;
    char id[64];
    up(&w);
    REQUIRE(left_to_outsiders(&w, id, sizeof(id)));
    keep_restart(&w, &keep);
    clear_of_outsiders(&w, id);
    down(&w);
}

static void test_an_operation_is_its_owners(void)
{
    struct world w;
    up(&w);
    (void)client_do(&w, &client_all, MAKE("1001", "1002"));
    CHECK_STR(str_c(client_state(&w, &client_first, client_last())), "none");
    CHECK_STR(str_c(client_state(&w, &client_admin, client_last())), "done MakeCallResponse");
    world_run(&w, 3700 * 1000);
    CHECK_STR(str_c(client_state(&w, &client_all, client_last())), "none");
    CHECK_INT(keep_count(&keep, STORE_OPERATION), 0);
    down(&w);
}

static void test_a_revoked_principal_loses_what_runs(void)
{
    struct world w;
    up(&w);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    CHECK_STR(str_c(on_connection(&w, &client_all, "HoldCall", "callToBeHeld",
                                  client_call_of(&w, 0), "1001")),
              "accepted");
    operation_drop_principal(w.engine, client_all.name, w.net.now_ms);
    CHECK_STR(str_c(client_state(&w, &client_admin, client_last())), "failed 503 lost");
    CHECK_INT(client_ends(&keep, client_last()), 1);
    world_run(&w, 1000);
    CHECK_INT(client_ends(&keep, client_last()), 1);
    CHECK_STR(str_c(client_do(&w, &client_all, MAKE("1003", "1002"))),
              "done MakeCallResponse"); /* the name may come again */
    down(&w);
}

/** The oldest that has ended makes room; when all run nothing more is accepted. */
static void test_there_are_so_many_operations(void)
{
    struct world w;
    up_with(&w, with_few);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    const char *call = client_call_of(&w, 0);
    (void)client_do(&w, &client_all, MAKE("1003", "1002"));
    char made[64];
    (void)snprintf(made, sizeof(made), "%s", client_last());
    CHECK_STR(str_c(on_connection(&w, &client_all, "HoldCall", "callToBeHeld", call, "1001")),
              "accepted");
    CHECK_STR(str_c(client_state(&w, &client_all, made)), "done MakeCallResponse");
    CHECK_STR(str_c(on_connection(&w, &client_all, "ClearConnection", "connectionToBeCleared",
                                  client_call_of(&w, 2), "1003")),
              "done ClearConnectionResponse");
    CHECK_STR(str_c(client_state(&w, &client_all, made)), "none");
    CHECK_INT(keep_count(&keep, STORE_OPERATION), 2);
    down(&w);
}

static void with_four(struct world *w)
{
    with_store(w);
    w->config.operation.max = 4;
}

/** Who commands without end forgets his own keys, and nobody else's. */
static void test_a_greedy_client_pays_with_his_own(void)
{
    static const char quiet[] =
        "{\"SetDoNotDisturb\":{\"device\":\"1001\",\"doNotDisturbOn\":true}}";
    char key[8];
    struct world w;
    up_with(&w, with_four);
    CHECK_STR(str_c(client_do_keyed(&w, &client_all, "kept", NULL, quiet)),
              "done SetDoNotDisturbResponse");
    for (int i = 0; i < 9; i++) {
        (void)snprintf(key, sizeof(key), "k%d", i);
        CHECK_STR(str_c(client_do_keyed(&w, &client_first, key, NULL, quiet)),
                  "done SetDoNotDisturbResponse");
    }
    CHECK_INT(keep_count(&keep, STORE_OPERATION), 3);
    keep_restart(&w, &keep);
    CHECK_STR(str_c(client_do_keyed(&w, &client_first, "k9", NULL, quiet)),
              "done SetDoNotDisturbResponse");
    CHECK_STR(str_c(client_do_keyed(&w, &client_first, "k8", NULL, quiet)),
              "again done SetDoNotDisturbResponse");
    CHECK_STR(str_c(client_do_keyed(&w, &client_all, "kept", NULL, quiet)),
              "again done SetDoNotDisturbResponse");
    CHECK_INT(keep_count(&keep, STORE_OPERATION), 3);
    down(&w);
}

/* ---- keys, and ids that the client chooses ---- */

static void test_a_key_stands_for_one_operation(void)
{
    struct world w;
    up(&w);
    CHECK_STR(str_c(client_do_keyed(&w, &client_all, "k1", NULL, MAKE("1001", "1002"))),
              "done MakeCallResponse");
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", client_last());
    CHECK_STR(str_c(client_do_keyed(&w, &client_all, "k1", NULL, MAKE("1001", "1002"))),
              "again done MakeCallResponse");
    CHECK_STR(str_c(client_last()), id);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    CHECK_STR(str_c(client_do_keyed(&w, &client_all, "k1", NULL,
                                    "{\"ClearConnection\":{\"connectionToBeCleared\":{"
                                    "\"deviceID\":\"1001\"}}}")),
              "refused 422 idempotencyKeyReused");
    keep_restart(&w, &keep);
    CHECK_STR(str_c(client_do_keyed(&w, &client_all, "k1", NULL, MAKE("1001", "1002"))),
              "again done MakeCallResponse");
    CHECK_STR(str_c(client_last()), id);
    CHECK_STR(str_c(client_do_keyed(&w, &client_first, "k1", NULL, MAKE("1001", "77"))),
              "refused 404 invalidCalledDeviceID"); /* another's key is none of his */
    CHECK_INT(client_ends(&keep, id), 1);
    down(&w);
}

static void test_a_client_chooses_the_call_id(void)
{
    static const char *const wrong[] = {"short", "UPPERCASELETTERS1234", "abcdefghij-123456789",
                                        "abcdefghij0123456789x"};
    struct world w;
    up(&w);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CHECK_STR(str_c(client_do_keyed(&w, &client_all, NULL, wrong[i], MAKE("1001", "1002"))),
                  "refused 409 invalidObjectState");
    }
    CHECK_STR(str_c(client_do_keyed(&w, &client_all, NULL, "abcdefghij0123456789",
                                    MAKE("1001", "1002"))),
              "done MakeCallResponse");
    CHECK(strstr(client_json(&w, &client_all, client_last()),
                 "\"callID\":\"abcdefghij0123456789\"") != NULL);
    CHECK_STR(str_c(client_call_of(&w, 0)), "abcdefghij0123456789");
    CHECK_STR(str_c(client_do_keyed(&w, &client_all, NULL, "abcdefghij0123456789",
                                    MAKE("1003", "1002"))),
              "refused 409 invalidObjectState");
    world_run(&w, 200);
    CHECK(strstr(keep_story(&keep, "abcdefghij0123456789"), "ServiceInitiated") != NULL);
    down(&w);
}

/* ---- restarts ---- */

static void test_what_runs_at_a_restart_ends_as_restarted(void)
{
    struct world w;
    up(&w);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    CHECK_STR(str_c(on_connection(&w, &client_all, "HoldCall", "callToBeHeld",
                                  client_call_of(&w, 0), "1001")),
              "accepted");
    CHECK_INT(keep_count(&keep, STORE_OPERATION), 1);
    CHECK_INT(client_ends(&keep, NULL), 0);
    keep_restart(&w, &keep);
    CHECK_STR(str_c(client_state(&w, &client_all, client_last())), "failed 503 restarted");
    CHECK_INT(client_ends(&keep, client_last()), 1);
    keep_restart(&w, &keep);
    CHECK_INT(client_ends(&keep, client_last()), 1);
    CHECK_STR(str_c(client_state(&w, &client_all, client_last())), "failed 503 restarted");
    down(&w);
}

/** A spoiled row: one that runs and has an outcome, one that is done and never ended. */
static void check_contradictions(struct world *w, const char *value, size_t n)
{
    enum { STATE = 1 }; /* behind the version; the outcome is the last member */
    struct str key = STR("op_00000000000000000000");
    uint64_t before = world_stat(w, "store_not_restored");
    char row[1024];

    REQUIRE(n > STATE && n + 1 < sizeof(row) && value[n - 1] == 0);
    memcpy(row, value, n);
    row[n - 1] = 2; /* one octet, see pack_str */
    row[n] = 'x';
    engine_restore_row(w->engine, STORE_OPERATION, key, str_make(row, n + 1), w->net.now_ms);
    CHECK_INT(world_stat(w, "store_not_restored"), before + 1);
    row[n - 1] = 0;
    row[STATE] = OPERATION_DONE;
    engine_restore_row(w->engine, STORE_OPERATION, key, str_make(row, n), w->net.now_ms);
    CHECK_INT(world_stat(w, "store_not_restored"), before + 2);
}

/** Rows that were cut anywhere, and those of another version, are dropped. */
static void test_rows_that_are_none(void)
{
    struct world w;
    up(&w);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    (void)on_connection(&w, &client_all, "HoldCall", "callToBeHeld", client_call_of(&w, 0),
                        "1001"); /* which runs still */
    REQUIRE(keep_count(&keep, STORE_OPERATION) == 1);
    for (size_t i = 0; i < keep.rows; i++) {
        if (keep.row[i].kind != STORE_OPERATION) {
            continue;
        }
        struct str key = STR("op_00000000000000000000");
        for (size_t n = 0; n < keep.row[i].value_n; n++) {
            struct str cut = test_guard(str_make(keep.row[i].value, n));
            uint64_t before = world_stat(&w, "store_not_restored");
            engine_restore_row(w.engine, STORE_OPERATION, key, cut, w.net.now_ms);
            CHECK_INT(world_stat(&w, "store_not_restored"), before + 1);
            test_guard_free(cut);
        }
        check_contradictions(&w, keep.row[i].value, keep.row[i].value_n);
        engine_restore_row(w.engine, STORE_OPERATION, key, STR("\3"), w.net.now_ms);
        engine_restore_row(w.engine, STORE_OPERATION, STR("short"),
                           str_make(keep.row[i].value, keep.row[i].value_n), w.net.now_ms);
    }
    CHECK_STR(str_c(client_state(&w, &client_all, "op_00000000000000000000")), "none");
    down(&w);
}

/** A row of before operations had a trace: it is read, and has none. */
static void test_a_row_without_a_trace(void)
{
    struct world w;
    struct str key = STR("op_00000000000000000000");
    char row[1024];
    up(&w);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    (void)on_connection(&w, &client_all, "HoldCall", "callToBeHeld", client_call_of(&w, 0),
                        "1001");
    for (size_t i = 0; i < keep.rows; i++) {
        size_t n = keep.row[i].value_n;
        if (keep.row[i].kind == STORE_OPERATION) {
            REQUIRE(n < sizeof(row) && keep.row[i].value[0] == 2 &&
                    keep.row[i].value[n - 2] == 1); /* an empty one */
            memcpy(row, keep.row[i].value, n);
            row[0] = 1;
            row[n - 2] = row[n - 1];
            engine_restore_row(w.engine, STORE_OPERATION, key, str_make(row, n - 1),
                               w.net.now_ms);
        }
    }
    CHECK_INT(world_stat(&w, "store_not_restored"), 0);
    CHECK_STR(str_c(client_state(&w, &client_all, "op_00000000000000000000")), "accepted");
    down(&w);
}

/* ---- questions ---- */

static void test_what_only_looks_is_answered(void)
{
    struct world w;
    up(&w);
    CHECK_STR(
        str_c(client_ask(&w, &client_looker, "{\"GetDoNotDisturb\":{\"device\":\"1001\"}}")),
        "{\"GetDoNotDisturbResponse\":{\"doNotDisturbOn\":false}}");
    CHECK_STR(str_c(client_do(&w, &client_first,
                              "{\"SetDoNotDisturb\":{\"device\":\"1001\","
                              "\"doNotDisturbOn\":true}}")),
              "done SetDoNotDisturbResponse");
    CHECK_STR(
        str_c(client_ask(&w, &client_looker, "{\"GetDoNotDisturb\":{\"device\":\"1001\"}}")),
        "{\"GetDoNotDisturbResponse\":{\"doNotDisturbOn\":true}}");
    CHECK_STR(
        str_c(client_ask(&w, &client_first, "{\"GetDoNotDisturb\":{\"device\":\"1002\"}}")),
        "refused 403 privilegeViolationSpecifiedDevice");
    CHECK_INT(keep_count(&keep, STORE_OPERATION), 1);
    down(&w);
}

/* ---- routing ---- */

/** The data of the newest event of that type; absent: there is none. */
static struct str newest(const char *type)
{
    for (size_t i = keep.events; i > 0; i--) {
        if (str_eq(keep.event[i - 1].e.event, str_c(type))) {
            return keep.event[i - 1].e.data;
        }
    }
    return STR_NONE;
}

static struct service house;

static void with_store_too(struct world *w)
{
    w->config.store = &keep.ops;
}

/** Calls to 700 wait at 1005 and are asked about; the rule's own target is 1003. */
static void house_up(void)
{
    struct rule *r;
    keep_init(&keep);
    service_begin(&house, ROLE_BRIDGE);
    r = service_rule(&house, "700", RULE_BRIDGE);
    r->ask = STR("1005");
    r->ask_s = 5;
    service_target(&house, r, RULE_TO_DEVICE, "1003");
    house.tweak = with_store_too;
    service_up(&house);
}

static void house_down(void)
{
    operation_drop_principal(house.w.engine, client_all.name, house.w.net.now_ms);
    service_down(&house);
    keep_fini(&keep);
}

/** The question comes as an event for the one who has registered; his answer is a command. */
static void test_a_client_says_where_calls_go(void)
{
    struct world *w = &house.w;
    house_up();
    CHECK_STR(
        str_c(client_do(w, &client_all, "{\"RouteRegister\":{\"routeingDevice\":\"1005\"}}")),
        "done RouteRegisterResponse");
    CHECK_INT(test_count(client_list(w, &client_all, VIEW_ROUTES, 0, NULL),
                         "\"routeingDevice\":\"sip:1005@example.com\""),
              1);
    CHECK_STR(str_c(client_list(w, &client_first, VIEW_ROUTES, 0, NULL)), "");
    REQUIRE(phone_call(house.ann, "700", true, STR_NONE) != NULL);
    service_run(&house, 200);
    struct str asked = newest("org.baton.csta.routeRequest.v1");
    CHECK(str_find(asked, STR("{\"RouteRequest\":{\"crossRefIdentifier\":\"1\"")) < asked.n);
    CHECK(str_find(asked, STR("\"ids\":{\"callID\":\"")) < asked.n);
    CHECK_STR(str_c(client_do(w, &client_first,
                              "{\"RouteSelect\":{\"crossRefIdentifier\":\"1\","
                              "\"routeSelected\":\"1002\"}}")),
              "refused 404 invalidRouteingCrossRefID");
    CHECK_STR(str_c(client_do(w, &client_all,
                              "{\"RouteSelect\":{\"crossRefIdentifier\":\"1\","
                              "\"routeSelected\":\"1002\",\"routeUsedReq\":true}}")),
              "done");
    service_run(&house, 200);
    CHECK_INT(phone_answer(house.bob), 0);
    service_run(&house, 200);
    CHECK(phone_talks(house.bob));
    CHECK(newest("org.baton.csta.routeUsed.v1").n > 0);
    phone_hang_up(house.ann, STR_NONE);
    service_run(&house, 500);
    house_down();
}

/** Who does not answer in time, and whose token is revoked, leaves the call to the rule. */
static void test_a_client_that_does_not_say(void)
{
    struct world *w = &house.w;
    for (unsigned revoked = 0; revoked < 2; revoked++) {
        house_up();
        (void)client_do(w, &client_all, "{\"RouteRegister\":{\"routeingDevice\":\"1005\"}}");
        REQUIRE(phone_call(house.ann, "700", true, STR_NONE) != NULL);
        service_run(&house, 200);
        if (revoked == 1) {
            operation_drop_principal(w->engine, client_all.name, w->net.now_ms);
        }
        service_run(&house, revoked == 1 ? 200 : 5500);
        CHECK_INT(phone_answer(house.cleo), 0);
        service_run(&house, 200);
        CHECK(phone_talks(house.cleo));
        phone_hang_up(house.ann, STR_NONE);
        service_run(&house, 500);
        house_down();
    }
}

/** A client that is gone is asked three times, and then calls do not wait for it any more. */
static void test_a_client_that_is_gone(void)
{
    struct world *w = &house.w;
    house_up();
    (void)client_do(w, &client_all, "{\"RouteRegister\":{\"routeingDevice\":\"1005\"}}");
    for (unsigned i = 0; i < 5; i++) {
        REQUIRE(phone_call(house.ann, "700", true, STR_NONE) != NULL);
        service_run(&house, 200);
        if (i == 1) { /* it lives: the count begins anew */
            (void)client_do(w, &client_all, "{\"RouteEnd\":{\"crossRefIdentifier\":\"%u\"}}",
                            i + 1);
        } else {
            CHECK_INT(test_count(client_list(w, &client_all, VIEW_ROUTES, 0, NULL),
                                 "\"application\""),
                      1);
        }
        service_run(&house, 5500);
        phone_hang_up(house.ann, STR_NONE);
        service_run(&house, 500);
    }
    CHECK_STR(str_c(client_list(w, &client_all, VIEW_ROUTES, 0, NULL)), "");
    CHECK(newest("org.baton.csta.routeRegisterAbort.v1").n > 0);
    REQUIRE(phone_call(house.ann, "700", true, STR_NONE) != NULL);
    service_run(&house, 200);
    CHECK_INT(phone_answer(house.cleo), 0); /* the rule's own target, at once */
    service_run(&house, 200);
    phone_hang_up(house.ann, STR_NONE);
    service_run(&house, 500);
    house_down();
}

/** Rows of calls as they were before they had times. */
static void test_calls_of_an_older_version(void)
{
    struct world w;
    up(&w);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    for (size_t i = 0; i < keep.rows; i++) {
        struct kept_row *r = &keep.row[i];
        if (r->kind == STORE_CALL) {
            struct unpack u = unpack_of(str_make(r->value, r->value_n));
            CHECK_INT(unpack_number(&u), 2);
            CHECK(unpack_number(&u) > 0 && unpack_number(&u) > 0);
            r->value[0] = 1;
            memmove(r->value + 1, u.rest.p, u.rest.n);
            r->value_n = 1 + u.rest.n;
        }
    }
    keep_restart(&w, &keep);
    CHECK_INT(world_stat(&w, "calls_active"), 1);
    CHECK(strstr(client_list(&w, &client_all, VIEW_CALLS, 0, NULL), "\"created\"") == NULL);
    phone_hang_up(PHONE(&w, 0), STR_NONE);
    world_run(&w, 500);
    CHECK(!phone_talks(PHONE(&w, 1)));
    down(&w);
}

/* ---- waiting ---- */

struct waiter {
    struct operation_wait wait;
    unsigned told;
    enum operation_state state;
};

static void on_wait(struct operation_wait *wait, const struct operation *op, uint64_t now_ms)
{
    struct waiter *x = (struct waiter *)(void *)wait;
    (void)now_ms;
    x->told++;
    x->state = operation_state(op);
}

static void test_who_waits_hears_once(void)
{
    struct waiter a = {.wait.fn = on_wait}, b = {.wait.fn = on_wait};
    struct world w;
    up(&w);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    (void)on_connection(&w, &client_all, "HoldCall", "callToBeHeld", client_call_of(&w, 0),
                        "1001");
    struct operation *op = operation_find(w.engine, &client_all, str_c(client_last()));
    REQUIRE(op != NULL);
    operation_wait(w.engine, op, &a.wait, 1, w.net.now_ms);
    operation_wait(w.engine, op, &b.wait, 5000, w.net.now_ms);
    world_run(&w, 2);
    CHECK_INT(a.told, 1);
    CHECK_INT(a.state, OPERATION_ACCEPTED);
    CHECK_INT(b.told, 0);
    world_run(&w, 6000);
    CHECK_INT(a.told, 1);
    CHECK_INT(b.told, 1);
    CHECK_INT(b.state, OPERATION_DONE);
    down(&w);
}

/* ---- memory ---- */

static void run_without_memory(size_t fail_at, size_t *calls)
{
    struct world w;
    up(&w);
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    size_t before = w.mem.calls;
    w.mem.fail_at = fail_at != 0 ? before + fail_at : 0;
    const char *said =
        client_do_keyed(&w, &client_all, "key", NULL,
                        "{\"HoldCall\":{\"callToBeHeld\":{\"deviceID\":\"1001\"}}}");
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", client_last());
    world_run(&w, 500);
    w.mem.fail_at = 0;
    *calls = w.mem.calls - before;
    if (id[0] != '\0') {
        world_run(&w, 60000);
        CHECK(!str_eq(str_c(client_state(&w, &client_all, id)), STR("accepted")));
        CHECK(client_ends(&keep, id) <= 1);
    } else {
        CHECK(str_starts(str_c(said), STR("refused 5")));
    }
    down(&w);
}

static void test_operations_without_memory(void)
{
    size_t calls = 0, all;
    run_without_memory(0, &all);
    for (size_t i = 1; i <= all; i++) {
        run_without_memory(i, &calls);
    }
}

TEST_MAIN(T(test_a_call_is_commanded_from_end_to_end), T(test_what_is_wrong_is_refused_at_once),
          T(test_what_takes_too_long_fails), T(test_an_administrator_ends_what_no_device_is_in),
          T(test_an_administrator_ends_it_after_a_restart), T(test_an_operation_is_its_owners),
          T(test_a_revoked_principal_loses_what_runs), T(test_there_are_so_many_operations),
          T(test_a_greedy_client_pays_with_his_own), T(test_a_key_stands_for_one_operation),
          T(test_a_client_chooses_the_call_id),
          T(test_what_runs_at_a_restart_ends_as_restarted), T(test_rows_that_are_none),
          T(test_a_row_without_a_trace), T(test_what_only_looks_is_answered),
          T(test_who_waits_hears_once), T(test_a_client_says_where_calls_go),
          T(test_a_client_that_does_not_say), T(test_a_client_that_is_gone),
          T(test_calls_of_an_older_version), T(test_operations_without_memory))
