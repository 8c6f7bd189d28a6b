/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agents: Get and SetAgentState and their events, with two applications, calls that make agents
 * busy, and what is pending until they are over.
 */
#include "world.h"

#include <stdio.h>

static struct world w;
static struct phone *ann, *bob;
static const char *a, *b, *d; /* monitors: crm's of 1001 and 1002, the front desk's of 1001 */

static void up_with(void (*tweak)(struct world *w))
{
    world_up(&w, &(struct world_options){.tweak = tweak});
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    REQUIRE(app_open(&w.desk) != NULL);
    world_run(&w, 500);
    w.desk.edition = "ed6";
    a = world_monitor(&w, &w.crm, "1001");
    b = world_monitor(&w, &w.crm, "1002");
    d = world_monitor(&w, &w.desk, "1001");
    app_forget(&w.crm);
    app_forget(&w.desk);
}

static void up(void)
{
    up_with(NULL);
}

#define EVENTS(ref, text) CHECK_STR(str_c(app_events(&w.crm, ref)), text)
#define DESK(text) CHECK_STR(str_c(app_events(&w.desk, d)), text)
#define OK "SetAgentStateResponse"

static struct ask *done(struct ask *q)
{
    return world_asked(&w, q, 500);
}

static void heard(void)
{
    app_forget(&w.crm);
    app_forget(&w.desk);
}

/** `device` and `id` may be "". */
static struct ask *set(struct app *who, const char *device, const char *state, const char *id)
{
    char dev[64] = "", agent[128] = "";
    if (*device != '\0') {
        snprintf(dev, sizeof(dev), "<device>%s</device>", device);
    }
    if (*id != '\0') {
        snprintf(agent, sizeof(agent), "<agentID>%s</agentID>", id);
    }
    return done(app_ask(who, "SetAgentState",
                        "%s<requestedAgentState>%s</requestedAgentState>%s", dev, state,
                        agent));
}

static struct ask *get(struct app *who, const char *device)
{
    return done(app_ask(who, "GetAgentState", "<device>%s</device>", device));
}

static void test_states(void)
{
    up();
    ANSWER(get(&w.crm, "1001"), "GetAgentStateResponse");
    ANSWER(set(&w.crm, "1001", "loggedOn", "meyer"), OK);
    EVENTS(a, "AgentLoggedOn 1001 meyer; AgentNotReady 1001 meyer");
    EVENTS(b, "");
    DESK("AgentLoggedOn 1001 meyer; AgentNotReady 1001 meyer");
    heard();
    ANSWER(set(&w.desk, "1001", "loggedOn", "meyer"), OK); /* as it is */
    EVENTS(a, "");
    ANSWER(set(&w.desk, "1001", "ready", "meyer"), OK);
    ANSWER(set(&w.crm, "1001", "ready", ""), OK);             /* as it is, the only agent */
    ANSWER(set(&w.crm, "", "workingAfterCall", "meyer"), OK); /* the only device */
    ANSWER(get(&w.desk, "1001"), "GetAgentStateResponse meyer=agentWorkingAfterCall");
    ANSWER(set(&w.crm, "1001", "notReady", "meyer"), OK);
    ANSWER(set(&w.crm, "1001", "loggedOff", "meyer"), OK);
    EVENTS(a, "AgentReady 1001 meyer; AgentWorking 1001 meyer; AgentNotReady 1001 meyer; "
              "AgentLoggedOff 1001 meyer");
    DESK("AgentReady 1001 meyer; AgentWorking 1001 meyer; AgentNotReady 1001 meyer; "
         "AgentLoggedOff 1001 meyer");
    ANSWER(get(&w.crm, "1001"), "GetAgentStateResponse");
    world_down(&w);
}

/** On a call the agent is busy, afterwards what it was. */
static void test_busy(void)
{
    up();
    ANSWER(set(&w.crm, "1001", "loggedOn", "meyer"), OK);
    ANSWER(set(&w.crm, "1001", "ready", "meyer"), OK);
    heard();
    REQUIRE(phone_call(bob, "1001", true, STR_NONE) != NULL);
    world_run(&w, 500);
    EVENTS(a, "Delivered c1:1001 alerting newCall 1002>1001"); /* ringing is not busy */
    CHECK_INT(phone_answer(ann), 0);
    world_run(&w, 500);
    ANSWER(get(&w.crm, "1001"), "GetAgentStateResponse meyer=agentBusy");
    CHECK_INT(phone_offer(ann, SDP_SENDONLY), 0);
    world_run(&w, 500);
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 500);
    EVENTS(a, "Delivered c1:1001 alerting newCall 1002>1001; "
              "Established c1:1001 connected newCall 1002>1001; AgentBusy 1001 meyer; "
              "Held c1:1001 hold normal; "
              "Cleared c1:1001 null normalClearing by=1002; AgentReady 1001 meyer");
    DESK("Delivered c1:1001 alerting newCall 1002>1001; "
         "Established c1:1001 connected newCall 1002>1001; AgentBusy 1001 meyer; "
         "Held c1:1001 hold normal; "
         "Cleared c1:1001 null normalClearing by=1002; AgentReady 1001 meyer");
    world_down(&w);
}

/** A call of their own, too; and what is asked meanwhile waits. */
static void test_pending(void)
{
    up();
    ANSWER(set(&w.crm, "1001", "loggedOn", "meyer"), OK);
    REQUIRE(world_call(&w, ann, bob));
    heard();
    ANSWER(set(&w.crm, "1001", "ready", "meyer"), OK " pending=agentReady");
    ANSWER(set(&w.desk, "1001", "ready", "meyer"), OK " pending=agentReady"); /* as it is */
    ANSWER(set(&w.desk, "1001", "workingAfterCall", "meyer"),
           OK " pending=agentWorkingAfterCall");
    ANSWER(get(&w.crm, "1001"), "GetAgentStateResponse meyer=agentBusy/agentWorkingAfterCall");
    phone_hang_up(bob, STR_NONE);
    world_run(&w, 500);
    EVENTS(a, "AgentBusy 1001 meyer pending=agentReady; "
              "AgentBusy 1001 meyer pending=agentWorkingAfterCall; "
              "Cleared c1:1001 null normalClearing by=1002; AgentWorking 1001 meyer");
    world_down(&w);
}

/** Log off in a call: gone when it is over. Log on in one: busy from the start. */
static void test_log_off_and_on_in_a_call(void)
{
    up();
    ANSWER(set(&w.crm, "1001", "loggedOn", "meyer"), OK);
    REQUIRE(world_call(&w, ann, bob));
    heard();
    ANSWER(set(&w.crm, "1001", "loggedOff", ""), OK " pending=agentNull");
    ANSWER(set(&w.desk, "1001", "loggedOn", "schmidt"), OK);
    EVENTS(a, "AgentBusy 1001 meyer pending=agentNull; AgentLoggedOn 1001 schmidt; "
              "AgentBusy 1001 schmidt");
    heard();
    phone_hang_up(ann, STR_NONE);
    world_run(&w, 500);
    ANSWER(get(&w.crm, "1001"), "GetAgentStateResponse schmidt=agentNotReady");
    ANSWER(set(&w.crm, "1001", "ready", "meyer"), "operation/invalidAgentState");
    world_down(&w);
}

/** Two agents at a device, one agent at two. */
static void test_which(void)
{
    up();
    ANSWER(set(&w.crm, "1001", "ready", ""), "operation/invalidAgentState");
    ANSWER(set(&w.crm, "1001", "loggedOn", "meyer"), OK);
    ANSWER(set(&w.crm, "1001", "loggedOn", "schmidt"), OK);
    ANSWER(set(&w.crm, "1002", "loggedOn", "meyer"), OK);
    ANSWER(set(&w.crm, "1001", "ready", ""), "operation/invalidAgentIdentifier");
    ANSWER(set(&w.crm, "", "ready", "meyer"), "operation/invalidDeviceID");
    ANSWER(set(&w.crm, "", "ready", "nobody"), "operation/invalidAgentIdentifier");
    heard();
    ANSWER(set(&w.desk, "", "ready", "meyer"), OK); /* of its devices there is one */
    EVENTS(a, "AgentReady 1001 meyer");
    EVENTS(b, "");
    ANSWER(get(&w.crm, "1002"), "GetAgentStateResponse meyer=agentNotReady");
    world_down(&w);
}

static void test_refused(void)
{
    char id[100];
    up();
    ANSWER(set(&w.desk, "1002", "loggedOn", "meyer"),
           "operation/privilegeViolationSpecifiedDevice");
    ANSWER(set(&w.crm, "1099", "loggedOn", "meyer"), "operation/invalidDeviceID");
    ANSWER(set(&w.crm, "1001", "loggedOn", ""), "operation/invalidAgentIdentifier");
    ANSWER(set(&w.crm, "", "loggedOn", "meyer"),
           "operation/atLeastOneConditionalParameterNotProvided");
    ANSWER(set(&w.crm, "", "ready", ""), "operation/atLeastOneConditionalParameterNotProvided");
    ANSWER(set(&w.crm, "1001", "asleep", "meyer"), "operation/invalidAgentState");
    memset(id, 'x', sizeof(id));
    id[65] = '\0';
    ANSWER(set(&w.crm, "1001", "loggedOn", id), "operation/invalidAgentIdentifier");
    ANSWER(done(app_ask(&w.crm, "SetAgentState",
                        "<device>1001</device><requestedAgentState>loggedOn"
                        "</requestedAgentState><agentID>m</agentID><password>31</password>")),
           "operation/agentPasswordNotSupported");
    ANSWER(done(app_ask(&w.crm, "SetAgentState",
                        "<device>1001</device><requestedAgentState>loggedOn"
                        "</requestedAgentState><agentID>m</agentID><group>g</group>")),
           "operation/agentGroupNotSupported");
    ANSWER(
        done(app_ask(&w.crm, "GetAgentState", "<device>1001</device><acdGroup>g</acdGroup>")),
        "operation/agentGroupNotSupported");
    ANSWER(done(app_ask(&w.crm, "GetAgentState", "%s", "")),
           "operation/atLeastOneConditionalParameterNotProvided");
    ANSWER(get(&w.desk, "1002"), "operation/privilegeViolationSpecifiedDevice");
    ANSWER(get(&w.crm, "1099"), "operation/invalidDeviceID");
    EVENTS(NULL, "");
    world_down(&w);
}

static void few(struct world *world)
{
    world->config.cti.max_agents = 17;
}

static void test_limits(void)
{
    char id[16];
    up_with(few);
    for (unsigned i = 0; i < 16; i++) {
        snprintf(id, sizeof(id), "agent%u", i);
        ANSWER(set(&w.crm, "1001", "loggedOn", id), OK);
    }
    ANSWER(set(&w.crm, "1001", "loggedOn", "more"),
           "systemResourceAvailibility/resourceLimitExceeded"); /* at a device */
    ANSWER(set(&w.crm, "1002", "loggedOn", "one"), OK);
    ANSWER(set(&w.crm, "1002", "loggedOn", "two"),
           "systemResourceAvailibility/resourceLimitExceeded"); /* in all */
    ANSWER(set(&w.crm, "1001", "loggedOff", "agent3"), OK);
    ANSWER(set(&w.crm, "1002", "loggedOn", "two"), OK);
    world_down(&w);
}

/** The application goes, the agents stay; the device goes, and they with it. */
static void test_life(void)
{
    up();
    ANSWER(set(&w.crm, "1001", "loggedOn", "meyer"), OK);
    app_close(&w.crm);
    world_run(&w, 500);
    ANSWER(get(&w.desk, "1001"), "GetAgentStateResponse meyer=agentNotReady");
    engine_forget_device(w.engine, &w.device[0], w.net.now_ms);
    ANSWER(get(&w.desk, "1001"), "GetAgentStateResponse");
    world_down(&w);
}

static void test_no_memory(void)
{
    for (size_t k = 0; k < 60; k++) {
        struct ask *q;
        bool on;
        up();
        w.mem.fail_at = w.mem.calls + 1 + k;
        q = app_ask(&w.crm, "SetAgentState",
                    "<device>1001</device><requestedAgentState>loggedOn</requestedAgentState>"
                    "<agentID>meyer</agentID>");
        world_run(&w, 500);
        w.mem.fail_at = 0;
        world_run(&w, 40000);
        if (app_is_open(&w.desk)) {
            on = strstr(get(&w.desk, "1001")->text, "meyer") != NULL;
            DESK(on ? "AgentLoggedOn 1001 meyer; AgentNotReady 1001 meyer" : "");
            if (q->answers == 1 && q->msg.id == CSTA_MSG_SET_AGENT_STATE_RESPONSE) {
                CHECK(on);
            }
        }
        world_down(&w);
    }
}

TEST_MAIN(T(test_states), T(test_busy), T(test_pending), T(test_log_off_and_on_in_a_call),
          T(test_which), T(test_refused), T(test_limits), T(test_life), T(test_no_memory))
