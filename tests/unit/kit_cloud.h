/* SPDX-License-Identifier: Apache-2.0 */
/* One record of nobody's for every kind of event there is, as rows of the journal. */
#ifndef BATON_TESTS_KIT_CLOUD_H
#define BATON_TESTS_KIT_CLOUD_H

#include "base/attr.h"
#include "csta/csta.h"
#include "cti/cloud.h"
#include "cti/journal.h"
#include "test.h"

#define CLOUD_NS "http://www.ecma-international.org/standards/ecma-323/csta/ed6"
#define CLOUD_ABOUT                                                                            \
    "<userToUser xmlns=\"urn:x-baton:csta\"><value package=\"isdn-uui\" encoding=\"hex\" "     \
    "octets=\"3\" discriminator=\"04\" verdict=\"valid\" userData=\"true\">"                   \
    "<origin role=\"redirector\" identity=\"sip:1002@example.com\" confidence=\"trusted\" "    \
    "evidence=\"seen from\"/><seal result=\"ok\" key=\"7\" identity=\"sip:crm@example.com\"/>" \
    "</value><value package=\"crm\" octets=\"3\" verdict=\"ignored\" rule=\"PACKAGE\" "        \
    "data=\"AABBCC\"><origin role=\"originator\" confidence=\"proven\"/></value>"              \
    "<change action=\"strip\" package=\"c&amp;m\" octets=\"3\" place=\"header\" "              \
    "direction=\"out\" neighbour=\"trunk\" rule=\"no-crm\"/></userToUser>"

/** Events of calls. */
static const uint16_t kit_cloud_calls[] = {
    CSTA_MSG_SERVICE_INITIATED_EVENT,
    CSTA_MSG_DIGITS_DIALED_EVENT,
    CSTA_MSG_ORIGINATED_EVENT,
    CSTA_MSG_NETWORK_REACHED_EVENT,
    CSTA_MSG_DELIVERED_EVENT,
    CSTA_MSG_ESTABLISHED_EVENT,
    CSTA_MSG_HELD_EVENT,
    CSTA_MSG_RETRIEVED_EVENT,
    CSTA_MSG_DIVERTED_EVENT,
    CSTA_MSG_TRANSFERRED_EVENT,
    CSTA_MSG_CONFERENCED_EVENT,
    CSTA_MSG_FAILED_EVENT,
    CSTA_MSG_CONNECTION_CLEARED_EVENT,
    CSTA_MSG_CALL_CLEARED_EVENT,
    CSTA_MSG_QUEUED_EVENT,
    CSTA_MSG_DIGITS_GENERATED_EVENT,
    CSTA_MSG_CALL_INFORMATION_EVENT,
    CSTA_MSG_BACK_IN_SERVICE_EVENT,
    CSTA_MSG_OUT_OF_SERVICE_EVENT,
};

/** Events of devices, as device_event.c writes them down. */
static const struct {
    uint16_t event;
    const char *xml;
} kit_cloud_devices[] = {
#define DEVICE "<device><deviceIdentifier>sip:1001@example.com</deviceIdentifier></device>"
#define EVENT_OF(name, inside)          \
    "<" name " xmlns=\"" CLOUD_NS "\">" \
    "<monitorCrossRefID>0</monitorCrossRefID>" inside "</" name ">"
    {CSTA_MSG_DO_NOT_DISTURB_EVENT,
     EVENT_OF("DoNotDisturbEvent", DEVICE "<doNotDisturbOn>true</doNotDisturbOn>")},
    {CSTA_MSG_FORWARDING_EVENT,
     EVENT_OF("ForwardingEvent", DEVICE "<forwardingType>forwardBusy</forwardingType>"
                                        "<forwardStatus>true</forwardStatus>"
                                        "<forwardTo>1003</forwardTo>")},
    {CSTA_MSG_MESSAGE_WAITING_EVENT,
     EVENT_OF("MessageWaitingEvent",
              "<targetDevice><deviceIdentifier>sip:1001@example.com</deviceIdentifier>"
              "</targetDevice><messageWaitingOn>true</messageWaitingOn>")},
    {CSTA_MSG_AGENT_READY_EVENT,
     EVENT_OF("AgentReadyEvent",
              "<agentDevice><deviceIdentifier>sip:1001@example.com</deviceIdentifier>"
              "</agentDevice><agentID>a1</agentID>")},
    {CSTA_MSG_BACK_IN_SERVICE_EVENT,
     EVENT_OF("BackInServiceEvent",
              DEVICE "<cause>normal</cause><extensions><privateData><private><resynced "
                     "xmlns=\"urn:x-baton:csta\" reason=\"lost\" lostMs=\"1200\" changes=\"2\" "
                     "calls=\"followed\"/></private></privateData></extensions>")},
#undef EVENT_OF
#undef DEVICE
};

struct kit_cloud {
    struct test_mem mem;
    struct arena arena;
    struct journal *journal;
    struct env env;
    struct store_ops ops;
    struct store_event row; /**< the last one; its strings in the arena */
    size_t rows;
};

static inline void kit_cloud_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 7, n);
}

static inline void kit_cloud_row(void *ctx, const struct store_event *e)
{
    struct kit_cloud *k = ctx;
    k->row = *e;
    k->row.event = arena_dup(&k->arena, e->event);
    k->row.data = arena_dup(&k->arena, e->data);
    k->rows++;
}

static inline void kit_cloud_up(struct kit_cloud *k, bool streams)
{
    *k = (struct kit_cloud){.rows = 0};
    test_mem_init(&k->mem);
    k->env = (struct env){.mem = k->mem.mem, .random = kit_cloud_random};
    arena_init(&k->arena, &k->env.mem, 4096);
    k->journal = journal_new(&k->env, 8);
    k->ops = (struct store_ops){.ctx = k, .streams = streams, .event = kit_cloud_row};
    journal_set_store(k->journal, &k->ops);
}

static inline void kit_cloud_down(struct kit_cloud *k)
{
    journal_free(k->journal);
    arena_fini(&k->arena);
    CHECK_INT(k->mem.live, 0);
}

/** Everything that a record of that event could have. */
static inline struct journal_record kit_cloud_record(struct kit_cloud *k, uint16_t event)
{
    struct journal_record r = {
        .call_id = STR("c1"),
        .user_data = STR("\4AB"),
        .correlator = STR("\1\2"),
        .secondary = STR("c2"),
        .digits = STR("12#"),
        .tone_ms = 100,
        .about = STR(CLOUD_ABOUT),
        .number_queued = 3,
        .in_front = 1,
        .audience = STR("1001@example.com 1002@example.com"),
        .sip_call_id = STR("abc@192.0.2.1"),
        .event = event,
        .cause = CSTA_CAUSE_NORMAL,
    };
    const struct journal_member m[] = {
        {JOURNAL_ID, JOURNAL_HERE, STR("sip:1001@example.com")},
        {JOURNAL_RESTRICTED, JOURNAL_OTHER, STR("restricted2")},
    };
    static const char *const ids[JOURNAL_PARTY_COUNT] = {
        [JOURNAL_SUBJECT] = "sip:1002@example.com", [JOURNAL_CALLING] = "sip:1001@example.com",
        [JOURNAL_CALLED] = "sip:1002@example.com",  [JOURNAL_BY] = "sip:1001@example.com",
        [JOURNAL_TO] = "sip:1003@example.com",      [JOURNAL_STAYS] = "sip:1001@example.com",
    };
    for (size_t i = 0; i < JOURNAL_PARTY_COUNT; i++) {
        r.party[i] = ids[i] == NULL ? STR_NONE : str_c(ids[i]);
        r.identity[i] = ids[i] == NULL ? JOURNAL_NOT_REQUIRED : JOURNAL_ID;
    }
    for (size_t i = 0; i < ARRAY_LEN(m); i++) {
        CHECK(parties_add(&k->arena, &r.parties, &m[i]));
    }
    return r;
}

static inline struct journal_record kit_cloud_device(size_t i)
{
    struct journal_record r = {
        .event = kit_cloud_devices[i].event,
        .body = str_c(kit_cloud_devices[i].xml),
        .audience = STR("1001@example.com"),
    };
    r.party[JOURNAL_SUBJECT] = STR("sip:1001@example.com");
    r.identity[JOURNAL_SUBJECT] = JOURNAL_ID;
    return r;
}

/** What is made of the last row. */
static inline struct cloud_event kit_cloud_event(struct kit_cloud *k)
{
    struct cloud_event e;
    CHECK_INT(cloud_event(&k->row, 1772280000123, STR("/baton/test"), &k->arena, &e), 0);
    return e;
}

static const struct journal_fact kit_cloud_fact = {
    .type = STR_INIT("org.baton.operation.v1"),
    .subject = STR_INIT("op_1"),
    .call_id = STR_INIT("c1"),
    .audience = STR_INIT("1001@example.com"),
    .owner = STR_INIT("token:crm"),
    .data = STR_INIT("{\"operation\":\"op_1\",\"state\":\"done\"}"),
};

#endif
