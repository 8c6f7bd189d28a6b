/* SPDX-License-Identifier: Apache-2.0 */
/* baton csta: dnd, forward, waiting and agent as requests, and their answers as words. */
#include "cli/csta_feature.h"
#include "test.h"

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define ED3 " xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""
#define ED6 " xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed6\""

static struct arena arena;

static struct str body_in(const char *line, enum csta_edition edition)
{
    struct str *word = arena_alloc(&arena, CSTA_WORDS_MAX * sizeof(*word));
    struct str complaint, body;
    struct csta_order o;
    size_t n = 0;

    CHECK_INT(csta_words_split(str_c(line), &arena, word, &n), 0);
    if (csta_order_parse(word, n, &arena, &o, &complaint) != 0) {
        return complaint;
    }
    CHECK_INT(csta_body_write(&o.msg, edition, &arena, &body), 0);
    return str_starts(body, STR(DECLARATION)) ? str_from(body, sizeof(DECLARATION) - 1) : body;
}

#define CHECK_BODY(line, want) CHECK_STR(body_in(line, CSTA_ED3), want)

static void up(void)
{
    arena_init(&arena, &mem_libc, 4096);
}

static void down(void)
{
    arena_fini(&arena);
}

static void test_requests(void)
{
    up();
    CHECK_BODY("dnd 1001", "<GetDoNotDisturb" ED3 "><device>1001</device></GetDoNotDisturb>");
    CHECK_BODY("dnd 1001 on", "<SetDoNotDisturb" ED3 "><device>1001</device>"
                              "<doNotDisturbOn>true</doNotDisturbOn></SetDoNotDisturb>");
    CHECK_BODY("forward 1001", "<GetForwarding" ED3 "><device>1001</device></GetForwarding>");
    CHECK_BODY("forward 1001 no-answer on 1003 5",
               "<SetForwarding" ED3 "><device>1001</device>"
               "<forwardingType>forwardNoAns</forwardingType>"
               "<activateForward>true</activateForward><forwardDN>1003</forwardDN>"
               "<ringCount>5</ringCount></SetForwarding>");
    CHECK_BODY("forward 1001 forwardBusy off",
               "<SetForwarding" ED3 "><device>1001</device>"
               "<forwardingType>forwardBusy</forwardingType>"
               "<activateForward>false</activateForward></SetForwarding>");
    CHECK_STR(body_in("forward 1001 no-answer on 1003 20s", CSTA_ED6),
              "<SetForwarding" ED6 "><device>1001</device>"
              "<forwardingType>forwardNoAns</forwardingType>"
              "<activateForward>true</activateForward><forwardDN>1003</forwardDN>"
              "<ringDuration>20</ringDuration></SetForwarding>");
    CHECK_BODY("waiting 1001", "<GetMessageWaitingIndicator" ED3 "><device>1001</device>"
                               "</GetMessageWaitingIndicator>");
    CHECK_BODY("waiting 1001 on 1003",
               "<SetMessageWaitingIndicator" ED3 "><device>1001</device>"
               "<messageWaitingOn>true</messageWaitingOn>"
               "<deviceForMessage>1003</deviceForMessage></SetMessageWaitingIndicator>");
    CHECK_BODY("agent 1001", "<GetAgentState" ED3 "><device>1001</device></GetAgentState>");
    CHECK_BODY("agent 1001 ready meyer",
               "<SetAgentState" ED3 "><device>1001</device>"
               "<requestedAgentState>ready</requestedAgentState><agentID>meyer</agentID>"
               "</SetAgentState>");
    down();
}

static void test_complaints(void)
{
    up();
    CHECK_BODY("dnd 1001 perhaps", "do not disturb is on or off, not \"perhaps\"");
    CHECK_BODY("forward 1001 sometimes on",
               "\"sometimes\" is no forwarding: immediate, busy, no-answer, or a name of CSTA");
    CHECK_BODY("forward 1001 busy", "a forwarding is switched on or off");
    CHECK_BODY("forward 1001 no-answer on 1003 long",
               "\"long\" is no number of rings, nor of seconds such as 20s");
    CHECK_BODY("waiting 1001 maybe", "message waiting is on or off, not \"maybe\"");
    CHECK_BODY("agent 1001 asleep",
               "\"asleep\" is nothing that an agent can be: loggedOn, loggedOff, ready, "
               "notReady, workingAfterCall");
    CHECK_BODY("dnd", "it is \"dnd DEVICE [on|off]\"");
    down();
}

static void check_text(const char *xml, const char *want)
{
    struct csta_msg m;

    CHECK_INT(csta_decode(str_c(xml), NULL, &arena, &m, NULL), 0);
    CHECK_STR(csta_feature_text(&m, &arena), want);
}

static void test_text(void)
{
    up();
    check_text("<GetDoNotDisturbResponse><doNotDisturbOn>true</doNotDisturbOn>"
               "</GetDoNotDisturbResponse>",
               "on");
    check_text("<GetForwardingResponse><forwardingList><forwardListItem>"
               "<forwardingType>forwardBusy</forwardingType><forwardStatus>false"
               "</forwardStatus></forwardListItem><forwardListItem><forwardingType>"
               "forwardNoAns</forwardingType><forwardStatus>true</forwardStatus>"
               "<forwardDN>1003</forwardDN><ringCount>3</ringCount></forwardListItem>"
               "</forwardingList></GetForwardingResponse>",
               "forwardBusy off, forwardNoAns on to 1003 3 rings");
    check_text("<GetMessageWaitingIndicatorResponse><messageWaitingOn>true</messageWaitingOn>"
               "<deviceForMessage>1003</deviceForMessage></GetMessageWaitingIndicatorResponse>",
               "on at 1003");
    check_text("<GetAgentStateResponse><agentStateList/></GetAgentStateResponse>",
               "nobody is logged on");
    check_text("<GetAgentStateResponse><agentStateList><agentStateEntry><agentID>meyer"
               "</agentID><loggedOnState>true</loggedOnState><agentInfo><agentInfoItem>"
               "<agentState>agentBusy</agentState><pendingAgentState>agentReady"
               "</pendingAgentState></agentInfoItem></agentInfo></agentStateEntry>"
               "</agentStateList></GetAgentStateResponse>",
               "meyer agentBusy then agentReady");
    check_text("<SetAgentStateResponse><pendingAgentState>agentNull</pendingAgentState>"
               "</SetAgentStateResponse>",
               "after the call: agentNull");
    check_text("<SetAgentStateResponse/>", "");
    check_text("<AgentReadyEvent><monitorCrossRefID>1</monitorCrossRefID><agentID>meyer"
               "</agentID></AgentReadyEvent>",
               "meyer");
    down();
}

TEST_MAIN(T(test_requests), T(test_complaints), T(test_text))
