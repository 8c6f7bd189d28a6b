/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the journal as CloudEvents. tests/schema holds all kinds against the schemas. */
#include "base/err.h"
#include "csta/json.h"
#include "fixture_cti.h"
#include "kit_cloud.h"
#include <string.h>

static bool has(struct str text, const char *part)
{
    bool found = str_find(text, str_c(part)) < text.n;
    if (!found) {
        CHECK_STR(text, part);
    }
    return found;
}

static void test_cloud_of_a_call(void)
{
    struct kit_cloud k;
    kit_cloud_up(&k, true);
    struct journal_record r = kit_cloud_record(&k, CSTA_MSG_DELIVERED_EVENT);
    journal_note(k.journal, &r);
    struct cloud_event e = kit_cloud_event(&k);
    CHECK_INT(e.number, 1);
    CHECK_STR(e.type, "org.baton.csta.delivered.v1");
    CHECK_STR(e.subject, "c1");
    CHECK_STR(e.call_id, "c1");
    CHECK_STR(e.audience, "1001@example.com 1002@example.com");
    CHECK(has(e.text, "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/baton/test\","
                      "\"type\":\"org.baton.csta.delivered.v1\",\"subject\":\"c1\","
                      "\"time\":\"2026-02-28T12:00:00.123Z\",\"sequence\":\"1\","
                      "\"partition\":\"c1\",\"datacontenttype\":\"application/json\","
                      "\"data\":{\"DeliveredEvent\":{\"monitorCrossRefID\":\"0\","));
    CHECK(has(e.text, ",\"ids\":{\"callID\":\"c1\",\"deviceID\":\"sip:1002@example.com\","
                      "\"sipCallID\":\"abc@192.0.2.1\"}"));
    CHECK(has(e.text, "\"userData\":{\"string\":\"044142\"}"));
    CHECK(str_find(e.text, STR("userToUser")) == e.text.n); /* said in `uui`, not twice */
    kit_cloud_down(&k);
}

static void test_cloud_tells_of_uui(void)
{
    struct kit_cloud k;
    kit_cloud_up(&k, true);
    struct journal_record r = kit_cloud_record(&k, CSTA_MSG_ESTABLISHED_EVENT);
    journal_note(k.journal, &r);
    struct cloud_event e = kit_cloud_event(&k);
    CHECK(has(e.text,
              "\"uui\":[{\"package\":\"isdn-uui\",\"encoding\":\"hex\",\"octets\":3,"
              "\"discriminator\":\"04\",\"verdict\":\"valid\",\"userData\":true,"
              "\"hex\":\"044142\",\"text\":\"AB\",\"origin\":{\"role\":\"redirector\","
              "\"identity\":\"sip:1002@example.com\",\"confidence\":\"trusted\","
              "\"evidence\":[\"seen\",\"from\"]},\"seal\":{\"result\":\"ok\",\"key\":7,"
              "\"identity\":\"sip:crm@example.com\"}},"
              "{\"package\":\"crm\",\"octets\":3,\"verdict\":\"ignored\",\"rule\":\"PACKAGE\","
              "\"hex\":\"AABBCC\",\"origin\":{\"role\":\"originator\","
              "\"confidence\":\"proven\"}}],"
              "\"uuiChanges\":[{\"action\":\"strip\",\"package\":\"c&m\",\"octets\":3,"));
    r.about = STR_NONE; /* nothing is known but its octets */
    journal_note(k.journal, &r);
    e = kit_cloud_event(&k);
    CHECK(has(e.text, "\"uui\":[{\"hex\":\"044142\"}]"));
    kit_cloud_down(&k);
}

/** Who keeps a history only keeps no User-to-User beyond its policy. */
static void test_cloud_without_streams(void)
{
    struct kit_cloud k;
    kit_cloud_up(&k, false);
    struct journal_record r = kit_cloud_record(&k, CSTA_MSG_DELIVERED_EVENT);
    journal_note(k.journal, &r);
    struct cloud_event e = kit_cloud_event(&k);
    CHECK(str_find(e.text, STR("uui")) == e.text.n);
    CHECK(str_find(k.row.data, STR("isdn-uui")) == k.row.data.n);
    kit_cloud_down(&k);
}

static void test_cloud_of_a_device(void)
{
    static const char *const types[] = {
        "org.baton.csta.doNotDisturb.v1", "org.baton.csta.forwarding.v1",
        "org.baton.csta.messageWaiting.v1", "org.baton.csta.agentReady.v1",
        "org.baton.resynced.v1"};
    struct kit_cloud k;
    kit_cloud_up(&k, true);
    for (size_t i = 0; i < ARRAY_LEN(kit_cloud_devices); i++) {
        struct journal_record r = kit_cloud_device(i);
        journal_note(k.journal, &r);
        struct cloud_event e = kit_cloud_event(&k);
        CHECK_STR(e.type, types[i]);
        CHECK_STR(e.subject, "sip:1001@example.com");
        CHECK(!str_is_set(e.call_id));
        CHECK(has(e.text, "\"monitorCrossRefID\":\"0\""));
        CHECK(has(e.text, "\"ids\":{\"deviceID\":\"sip:1001@example.com\"}"));
        if (i + 1 == ARRAY_LEN(kit_cloud_devices)) {
            CHECK(has(e.text, "\"resynced\":{\"reason\":\"lost\",\"lostMs\":1200,"
                              "\"changes\":2,\"calls\":\"followed\"}"));
        }
    }
    kit_cloud_down(&k);
}

static void test_cloud_of_a_fact(void)
{
    struct kit_cloud k;
    kit_cloud_up(&k, true);
    CHECK_INT(journal_tell(k.journal, &kit_cloud_fact), 1);
    CHECK_INT(journal_head(k.journal), 1);
    CHECK(!str_is_set(k.row.call_id)); /* no step of the call, for history */
    struct cloud_event e = kit_cloud_event(&k);
    CHECK_STR(e.type, "org.baton.operation.v1");
    CHECK_STR(e.owner, "token:crm");
    CHECK_STR(e.audience, "1001@example.com");
    CHECK(has(e.text, "\"subject\":\"op_1\""));
    CHECK(has(e.text, "\"partition\":\"c1\""));
    CHECK(has(e.text, "\"data\":{\"operation\":\"op_1\",\"state\":\"done\"}}"));
    journal_set_store(k.journal, NULL);
    CHECK_INT(journal_tell(k.journal, &kit_cloud_fact), 0);
    kit_cloud_down(&k);
}

static void test_cloud_of_a_gap(void)
{
    struct kit_cloud k;
    kit_cloud_up(&k, true);
    k.row = (struct store_event){.number = 5, .event = STORE_GAP, .data = STR("9")};
    struct cloud_event e = kit_cloud_event(&k);
    CHECK(e.gap);
    CHECK_INT(e.number, 9);
    CHECK_STR(e.type, "org.baton.gap.v1");
    CHECK(has(e.text, "\"data\":{\"from\":\"5\",\"to\":\"9\",\"reason\":\"lost\"}"));
    journal_note_missed(k.journal);
    e = kit_cloud_event(&k);
    CHECK(has(e.text, "\"data\":{\"from\":\"1\",\"to\":\"1\",\"reason\":\"lost\"}"));
    kit_cloud_down(&k);
}

/** A row of any length that is none, and a row for which there is no memory. */
static void test_cloud_of_no_row(void)
{
    struct kit_cloud k;
    struct cloud_event e;
    kit_cloud_up(&k, true);
    struct journal_record r = kit_cloud_record(&k, CSTA_MSG_CONFERENCED_EVENT);
    journal_note(k.journal, &r);
    struct store_event row = k.row;
    for (size_t n = 0; n < k.row.data.n; n++) {
        row.data = test_guard(str_upto(k.row.data, n));
        CHECK(cloud_event(&row, 0, STR("/"), &k.arena, &e) != 0);
        test_guard_free(row.data);
    }
    CHECK(journal_tell(k.journal, &kit_cloud_fact) != 0);
    row = k.row;
    for (size_t n = 0; n < k.row.data.n; n++) {
        row.data = test_guard(str_upto(k.row.data, n));
        CHECK(cloud_event(&row, 0, STR("/"), &k.arena, &e) != 0);
        test_guard_free(row.data);
    }
    row = (struct store_event){.number = 1, .event = STR("HeldEvent")};
    CHECK(cloud_event(&row, 0, STR("/"), &k.arena, &e) != 0);
    kit_cloud_down(&k);
}

static void test_cloud_when_memory_is_out(void)
{
    struct kit_cloud k;
    int failed = 0;
    kit_cloud_up(&k, true);
    struct journal_record r = kit_cloud_record(&k, CSTA_MSG_CONFERENCED_EVENT);
    journal_note(k.journal, &r);
    for (unsigned i = 0; i < 100; i++) {
        struct test_mem mem;
        struct arena a;
        struct cloud_event e;
        test_mem_init(&mem);
        mem.fail_at = i + 1;
        arena_init(&a, &mem.mem, 16);
        int err = cloud_event(&k.row, 0, STR("/"), &a, &e);
        CHECK(err == 0 || err == E_NOMEM);
        failed += err != 0;
        arena_fini(&a);
        CHECK_INT(mem.live, 0);
        if (err == 0) {
            break;
        }
    }
    CHECK(failed > 3);
    kit_cloud_down(&k);
}

/** The years that calendars get wrong. */
static void test_cloud_times(void)
{
    static const struct {
        int64_t ms;
        const char *text;
    } all[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {951782399999, "2000-02-28T23:59:59.999Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
        {1709251199000, "2024-02-29T23:59:59.000Z"},
        {1709251200000, "2024-03-01T00:00:00.000Z"},
        {1735689599999, "2024-12-31T23:59:59.999Z"},
        {4107542400000, "2100-03-01T00:00:00.000Z"},
        {-5, "1970-01-01T00:00:00.000Z"},
    };
    struct kit_cloud k;
    kit_cloud_up(&k, true);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        struct cloud_event e = {.number = 1, .at_ms = all[i].ms, .type = STR("t")};
        CHECK_INT(cloud_wrap(&e, STR("s"), STR("{}"), &k.arena), 0);
        CHECK(has(e.text, all[i].text));
    }
    kit_cloud_down(&k);
}

/* ---- what a real call leaves ---- */

struct told {
    struct store_ops ops;
    struct arena arena;
    char log[4096]; /**< "delivered[1001@… 1002@…] " of each */
    struct out o;
};

static void on_told(void *ctx, const struct store_event *row)
{
    struct told *t = ctx;
    struct cloud_event e;
    if (row->watched.n > 0) {
        return;
    }
    CHECK_INT(cloud_event(row, 0, STR("/baton/test"), &t->arena, &e), 0);
    struct str name = str_from(e.type, sizeof("org.baton.csta.") - 1);
    out_fmt(&t->o, "%.*s[%.*s] ", STR_ARG(str_upto(name, name.n - 3)), STR_ARG(e.audience));
    arena_reset(&t->arena);
}

static void on_row(void *ctx, enum store_kind kind, struct str key, struct str value)
{
    (void)ctx;
    (void)kind;
    (void)key;
    (void)value;
}

static void on_drop(void *ctx, enum store_kind kind, struct str key)
{
    (void)ctx;
    (void)kind;
    (void)key;
}

static void told_up(struct told *t, struct office *o)
{
    *t = (struct told){
        .ops = {.ctx = t, .streams = true, .event = on_told, .put = on_row, .drop = on_drop}};
    out_init(&t->o, t->log, sizeof(t->log));
    arena_init(&t->arena, &o->mem.mem, 4096);
    journal_set_store(o->cti->journal, &t->ops);
}

#define A "1001@example.com"
#define B "1002@example.com"

static void test_cloud_of_an_office(void)
{
    struct office *o = office_up(NULL, TP_TCP);
    struct told t;
    told_up(&t, o);
    office_register(o, 0, false, 3600);
    office_register(o, 1, false, 3600);
    CHECK_STR(out_str_of(&t.o), "backInService[" A "] backInService[" B "] ");
    t.o.n = 0;
    phone_call(o, &o->phone[0], "1002", NULL);
    office_run(o, 3000);
    CHECK_STR(out_str_of(&t.o), "originated[" A "] ");
    CHECK_INT(station_respond(&o->phone[1], 486, STR_NONE), 0);
    office_run(o, 50);
    CHECK_STR(out_str_of(&t.o), "originated[" A "] failed[" B " " A "] "
                                "connectionCleared[" A "] callCleared[" A "] ");
    t.o.n = 0;
    CHECK_INT(call_set_dnd(&o->calls, &o->device[2], true, o->last_ms), 0);
    cti_on_feature(o->cti, &o->device[2], FEATURE_DND, o->last_ms);
    cti_on_callback(o->cti, &o->device[0], &o->device[1], true, o->last_ms);
    CHECK(str_ends(out_str_of(&t.o), STR("doNotDisturb[1003@example.com] "
                                         "callBack[" A " " B "] "))); /* once */
    journal_set_store(o->cti->journal, NULL);
    arena_fini(&t.arena);
    office_down(o);
}

TEST_MAIN(T(test_cloud_of_a_call), T(test_cloud_tells_of_uui), T(test_cloud_without_streams),
          T(test_cloud_of_a_device), T(test_cloud_of_a_fact), T(test_cloud_of_a_gap),
          T(test_cloud_of_no_row), T(test_cloud_when_memory_is_out), T(test_cloud_times),
          T(test_cloud_of_an_office))
