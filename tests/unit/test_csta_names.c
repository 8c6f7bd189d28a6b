/* SPDX-License-Identifier: Apache-2.0 */
/* Names, capability lists, device identifiers. */
#include "csta/csta.h"
#include "test.h"
#include <stdio.h>

static void test_roots(void)
{
    for (unsigned id = CSTA_MSG_NONE + 1; id < CSTA_MSG_COUNT; id++) {
        struct str name = csta_msg_name((enum csta_msg_id)id);
        CHECK(name.n > 0);
        CHECK_INT(csta_msg_find(name), id);
        CHECK(csta_msg_role((enum csta_msg_id)id) != CSTA_ROLE_EVENT ||
              str_ends(name, STR("Event")));
        CHECK(id <= CSTA_MSG_LAST_BODY || !csta_msg_is_supported((enum csta_msg_id)id));
    }
    CHECK_INT(csta_msg_find(STR("")), CSTA_MSG_NONE);
    CHECK_INT(csta_msg_find(STR("makeCall")), CSTA_MSG_NONE);
    CHECK_INT(csta_msg_find(STR("MakeCal")), CSTA_MSG_NONE);
    CHECK_INT(csta_msg_find(STR("TransferredEvent")), CSTA_MSG_TRANSFERRED_EVENT);
    CHECK_STR(csta_msg_name(CSTA_MSG_TRANSFERRED_EVENT), "TransferedEvent");
    CHECK_STR(csta_msg_name(CSTA_MSG_NONE), "");
    CHECK_STR(csta_msg_name(CSTA_MSG_COUNT), "");
}

static void test_roles_and_responses(void)
{
    CHECK_INT(csta_msg_role(CSTA_MSG_MAKE_CALL), CSTA_ROLE_REQUEST);
    CHECK_INT(csta_msg_role(CSTA_MSG_MAKE_CALL_RESPONSE), CSTA_ROLE_RESPONSE);
    CHECK_INT(csta_msg_role(CSTA_MSG_ERROR_CODE), CSTA_ROLE_RESPONSE);
    CHECK_INT(csta_msg_role(CSTA_MSG_HELD_EVENT), CSTA_ROLE_EVENT);
    CHECK_INT(csta_msg_role(CSTA_MSG_AGENT_BUSY_EVENT), CSTA_ROLE_EVENT);
    CHECK_INT(csta_msg_role(CSTA_MSG_SYSTEM_STATUS), CSTA_ROLE_REQUEST);
    CHECK_INT(csta_msg_response(CSTA_MSG_MAKE_CALL), CSTA_MSG_MAKE_CALL_RESPONSE);
    CHECK_INT(csta_msg_response(CSTA_MSG_HELD_EVENT), CSTA_MSG_NONE);
    CHECK(csta_msg_is_supported(CSTA_MSG_MAKE_CALL));
    CHECK(!csta_msg_is_supported(CSTA_MSG_ACCEPT_CALL));
}

static void test_enumerations(void)
{
    for (unsigned v = 1; v < CSTA_CAUSE_COUNT; v++) {
        CHECK_INT(csta_event_cause_find(csta_event_cause_name((enum csta_event_cause)v)), v);
    }
    for (unsigned v = 1; v < CSTA_OPERATION_COUNT; v++) {
        enum csta_operation_errors e = (enum csta_operation_errors)v;
        CHECK_INT(csta_operation_errors_find(csta_operation_errors_name(e)), v);
    }
    CHECK_STR(csta_event_cause_name(CSTA_CAUSE_ACD_BUSY), "aCDBusy");
    CHECK_STR(csta_event_cause_name(CSTA_CAUSE_ABSENT), "");
    CHECK_STR(csta_event_cause_name(CSTA_CAUSE_COUNT), "");
    CHECK_INT(csta_event_cause_find(STR("Busy")), CSTA_CAUSE_ABSENT);
    CHECK_INT(csta_event_cause_find(STR_NONE), CSTA_CAUSE_ABSENT);
    CHECK_STR(csta_local_connection_state_name(CSTA_STATE_NULL), "null");
    CHECK_STR(csta_type_of_number_name(CSTA_NUMBER_EXPLICIT_PRIVATE_PTN_SPECIFIC_NUMBER),
              "explicitPrivate:pTNSpecificNumber");
}

static void test_error_names(void)
{
    struct csta_error e = csta_error_of(CSTA_ERROR_SYSTEM_RESOURCE_AVAILABILITY,
                                        CSTA_SYSTEM_DEVICE_OUT_OF_SERVICE);
    CHECK_STR(csta_error_category_name(e.kind), "systemResourceAvailibility");
    CHECK_STR(csta_error_value_name(e), "deviceOutOfService");
    CHECK_STR(csta_error_value_name(csta_error_of(CSTA_ERROR_UNSPECIFIED, 0)), "");
    CHECK_STR(csta_error_category_name(CSTA_ERROR_ABSENT), "");
    struct csta_error private_one = {.kind = CSTA_ERROR_PRIVATE_ERROR_CODE,
                                     .private_error_code = STR("x")};
    CHECK_STR(csta_error_value_name(private_one), "x");
}

static void test_editions(void)
{
    CHECK_STR(csta_edition_ns(CSTA_ED3),
              "http://www.ecma-international.org/standards/ecma-323/csta/ed3");
    CHECK_STR(csta_edition_ns(CSTA_ED2), "http://www.ecma.ch/standards/ecma-323/csta/ed2");
    CHECK(!str_is_set(csta_edition_ns(CSTA_EDITION_NONE)));
}

static const struct csta_feature *find_feature(const struct csta_feature_list *list,
                                               enum csta_msg_id id)
{
    for (size_t i = 0; i < list->n; i++) {
        if (list->item[i].id == id) {
            return &list->item[i];
        }
    }
    return NULL;
}

/* Every supported service and event is announced once, nothing else is, and it reads back. */
static void test_features(void)
{
    struct arena a;
    struct csta_get_csta_features_response r;
    struct csta_msg msg = {.id = CSTA_MSG_GET_CSTA_FEATURES_RESPONSE,
                           .get_csta_features_response = &r};
    static char buf[8192];
    struct out o;
    arena_init(&a, &mem_libc, 4096);
    REQUIRE(csta_features_supported(&a, &r) == 0);
    out_init(&o, buf, sizeof(buf));
    REQUIRE(csta_encode(&msg, CSTA_ED6, &o) == 0);
    REQUIRE(csta_decode(out_str_of(&o), NULL, &a, &msg, NULL) == 0);
    const struct csta_supported_services *s =
        msg.get_csta_features_response->supported_services;
    const struct csta_supported_events *e = msg.get_csta_features_response->supported_events;
    REQUIRE(s != NULL && e != NULL);
    const struct csta_feature_list *all[] = {
        &s->cap_exchange_serv_list, &s->system_stat_serv_list,  &s->monitoring_serv_list,
        &s->snapshot_serv_list,     &s->call_control_serv_list, &s->call_associated_serv_list,
        &s->media_serv_list,        &s->routeing_serv_list,     &s->phys_dev_serv_list,
        &s->logical_serv_list,      &e->call_control_evts_list, &e->call_associated_evts_list,
        &e->phys_dev_evts_list,     &e->logical_evts_list,      &e->device_maint_evts_list};
    for (unsigned id = 1; id < CSTA_MSG_COUNT; id++) {
        unsigned found = 0;
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            found += find_feature(all[i], (enum csta_msg_id)id) != NULL;
        }
        test_context(csta_msg_name((enum csta_msg_id)id).p);
        CHECK_INT(found, csta_msg_is_supported((enum csta_msg_id)id) ? 1 : 0);
        test_context(NULL);
    }
    static const struct {
        enum csta_msg_id id;
        const char *bits;
    } announced[] = {
        {CSTA_MSG_MAKE_CALL, "null autoOriginatePrompt autoOriginateDoNotPrompt correlatorData "
                             "userData multiStage supportsPrompting "},
        {CSTA_MSG_ANSWER_CALL, "alerting initiated queued correlatorData "},
        {CSTA_MSG_CLEAR_CONNECTION,
         "alerting connected fail queued initiated hold correlatorData userData "
         "reason "},
        {CSTA_MSG_DEFLECT_CALL, "alerting correlatorData userData "},
        {CSTA_MSG_HOLD_CALL, ""},
        {CSTA_MSG_SINGLE_STEP_TRANSFER_CALL, "correlatorData userData "},
    };
    for (size_t i = 0; i < ARRAY_LEN(announced); i++) {
        const struct csta_feature *f =
            find_feature(&s->call_control_serv_list, announced[i].id);
        static char text[256];
        struct out bits;
        REQUIRE(f != NULL);
        out_init(&bits, text, sizeof(text));
        for (size_t b = 0; b < f->nbit; b++) {
            CHECK(f->bit[b].value);
            out_str(&bits, f->bit[b].name);
            out_ch(&bits, ' ');
        }
        CHECK_STR(out_str_of(&bits), announced[i].bits);
    }
    CHECK(s->media_serv_list.item == NULL);
    arena_fini(&a);
}

static void test_features_without_memory(void)
{
    int err = E_NOMEM;
    for (size_t n = 1; err == E_NOMEM; n++) {
        struct test_mem mem;
        struct arena a;
        struct csta_get_csta_features_response r;
        test_mem_init(&mem);
        mem.fail_at = n;
        arena_init(&a, &mem.mem, 16);
        err = csta_features_supported(&a, &r);
        CHECK(err == 0 || err == E_NOMEM);
        CHECK(err != 0 || n > 3);
        arena_fini(&a);
        CHECK_INT(mem.live, 0);
    }
}

/* A phone's own list: unknown services, bits that are none, a list that is empty. */
static void test_features_of_a_peer(void)
{
    struct arena a;
    struct csta_msg msg;
    arena_init(&a, &mem_libc, 4096);
    REQUIRE(csta_decode(STR("<GetCSTAFeaturesResponse><supportedServices><snapshotServList/>"
                            "<callControlServList><newService><a>1</a></newService>"
                            "<holdCall><connected> true </connected><x>maybe</x><y><z/></y>"
                            "<n1>0</n1><n2>0</n2><n3>0</n3><n4>1</n4></holdCall><clearCall/>"
                            "</callControlServList></supportedServices>"
                            "</GetCSTAFeaturesResponse>"),
                        NULL, &a, &msg, NULL) == 0);
    const struct csta_supported_services *s =
        msg.get_csta_features_response->supported_services;
    REQUIRE(s != NULL);
    CHECK(s->snapshot_serv_list.item != NULL && s->snapshot_serv_list.n == 0);
    REQUIRE(s->call_control_serv_list.n == 2);
    const struct csta_feature *hold = s->call_control_serv_list.item;
    CHECK_INT(hold->id, CSTA_MSG_HOLD_CALL);
    REQUIRE(hold->nbit == 5);
    CHECK_STR(hold->bit[0].name, "connected");
    CHECK(hold->bit[0].value && !hold->bit[1].value && hold->bit[4].value);
    CHECK(find_feature(&s->call_control_serv_list, CSTA_MSG_CLEAR_CALL) != NULL);
    CHECK(find_feature(&s->call_control_serv_list, CSTA_MSG_MAKE_CALL) == NULL);
    arena_fini(&a);
}

static void test_device_split(void)
{
    static const struct {
        const char *id, *user, *host;
    } t[] = {
        {"", "", NULL},
        {"1001", "1001", NULL},
        {" 1001\n", "1001", NULL},
        {"sip:1001@pbx.example", "1001", "pbx.example"},
        {"SIPS:1001@192.0.2.1:5061;transport=tls?x=y", "1001", "192.0.2.1"},
        {"sip:1001:secret@PBX.example", "1001", "PBX.example"},
        {"1001@pbx.example", "1001", "pbx.example"},
        {"sip:1001", "1001", NULL},
        {"sip:bob@[2001:DB8::1]:5060", "bob", "[2001:DB8::1]"},
        {"\"Bob\" <sip:1001@pbx.example;x=y>;tag=1", "1001", "pbx.example"},
        {"<sip:1001@pbx.example>", "1001", "pbx.example"},
        {"tel:+49-30-(123).4", "+49-30-(123).4", NULL},
        {"tel:73124;phone-context=dialstring;partition=BE", "73124", NULL},
        {"tel:1@2", "1@2", NULL},
        {"+49-30", "+49-30", NULL},
        {"sip:+4930;phone-context=x@pbx.example;user=phone", "+4930", "pbx.example"},
        {"N<+17867100001>Line00001;displayNumber=00001;noa=nk", "+17867100001", NULL},
        {"N<302118840100>;noa=nk", "302118840100", NULL},
        {"N<123!98>", "123!98", NULL},
        {"N<>", "", NULL},
        {"N<sip:1001@pbx.example>", "1001", "pbx.example"},
        {"00:10:49:54:3B:4C", "00:10:49:54:3B:4C", NULL},
        {"sip:a%20b@Host:5060", "a%20b", "Host"},
        {"sip:pbx.example", "pbx.example", NULL},
        {"a<b", "a<b", NULL},
    };
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct csta_device_parts p;
        struct str id = test_guard(str_c(t[i].id));
        test_context(t[i].id);
        csta_device_split(id, &p);
        CHECK_STR(p.user, t[i].user);
        CHECK_INT(str_is_set(p.host), t[i].host != NULL);
        CHECK_STR(p.host, t[i].host);
        test_context(NULL);
        test_guard_free(id);
    }
}

static void test_connection_is_absent(void)
{
    struct csta_connection_id a = {.call_id = STR("c"), .device_id = {.value = STR("1")}};
    CHECK(!csta_connection_is_absent(&a));
    a.device_id.value = STR("");
    CHECK(!csta_connection_is_absent(&a));
    a.call_id = STR("");
    CHECK(csta_connection_is_absent(&a));
}

TEST_MAIN(T(test_roots), T(test_roles_and_responses), T(test_enumerations), T(test_error_names),
          T(test_editions), T(test_features), T(test_features_without_memory),
          T(test_features_of_a_peer), T(test_device_split), T(test_connection_is_absent))
