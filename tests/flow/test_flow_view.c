/* SPDX-License-Identifier: Apache-2.0 */
/* Views of what there is, as JSON: what stands in them, who sees it, and that pages have
   everything once. */
#include "base/attr.h"
#include "base/err.h"
#include "client.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 64 * 1024 };

typedef int (*view_fn)(struct engine *e, const struct access_principal *who, struct str what,
                       struct out *o, uint64_t now_ms);

/** One thing; "none" when it is not there. */
static const char *see(struct world *w, view_fn fn, const struct access_principal *who,
                       const char *what)
{
    static char buf[ROOM];
    struct out o;
    out_init(&o, buf, sizeof(buf) - 1);
    int err = fn(w->engine, who, str_c(what), &o, w->net.now_ms);
    if (err != 0) {
        CHECK_INT(err, E_NOTFOUND);
        return "none";
    }
    buf[o.n] = '\0';
    CHECK(client_is_json(buf));
    return buf;
}

#define HAS(text, want) CHECK(strstr((text), (want)) != NULL)
#define HAS_NOT(text, other) CHECK(strstr((text), (other)) == NULL)

static void up(struct world *w)
{
    world_up(w, &(struct world_options){.no_apps = true});
}

static void test_a_device(void)
{
    struct world w;
    up(&w);
    const char *d = see(&w, view_device, &client_all, "1001");
    HAS(d, "{\"deviceID\":\"sip:1001@example.com\",\"number\":\"1001\"");
    HAS(d, "\"display\":\"Ann One\"");
    HAS(d, "\"registered\":true,\"bindings\":[{\"contact\":\"sip:");
    HAS(d, "\"transport\":\"UDP\",\"address\":\"10.0.1.1:");
    HAS(d, "\"calls\":[],\"features\":{\"doNotDisturb\":false,\"forwarding\":["
           "{\"forwardingType\":\"forwardImmediate\",\"forwardStatus\":false}");
    HAS(d, "\"agents\":[],\"drivers\":[\"switch\"],\"services\":[\"MakeCall\"");
    HAS(d, "\"sequence\":\"");
    HAS_NOT(d, "SetMicrophoneMute"); /* no phone of it can be asked */
    HAS_NOT(see(&w, view_device, &client_looker, "sip:1001@example.com"), "\"services\"");
    CHECK_STR(str_c(see(&w, view_device, &client_first, "1002")), "none");
    CHECK_STR(str_c(see(&w, view_device, &client_admin, "4711")), "none");
    HAS(see(&w, view_device, &client_all, "1005"), "\"registered\":false,\"bindings\":[]");
    (void)client_do(
        &w, &client_all,
        "{\"SetForwarding\":{\"device\":\"1001\",\"forwardingType\":\"forwardNoAns\","
        "\"activateForward\":true,\"forwardDN\":\"1002\",\"ringCount\":5}}");
    (void)client_do(&w, &client_all,
                    "{\"SetAgentState\":{\"device\":\"1001\",\"requestedAgentState\":"
                    "\"loggedOn\",\"agentID\":\"lea\"}}");
    d = see(&w, view_device, &client_all, "1001");
    HAS(d, "{\"forwardingType\":\"forwardNoAns\",\"forwardStatus\":true,\"forwardDN\":\"1002\","
           "\"ringCount\":5}");
    HAS(d, "\"agents\":[{\"agentID\":\"lea\",\"deviceID\":\"sip:1001@example.com\","
           "\"agentState\":\"agentNotReady\"}]");
    world_down(&w);
}

static void test_a_call(void)
{
    struct world w;
    up(&w);
    (void)client_do(&w, &client_all,
                    "{\"MakeCall\":{\"callingDevice\":\"1001\",\"calledDirectoryNumber\":"
                    "\"1002\",\"autoOriginate\":\"doNotPrompt\",\"userData\":{\"string\":"
                    "\"044849\"},\"correlatorData\":{\"string\":\"AB\"}}}");
    char id[32];
    (void)snprintf(id, sizeof(id), "%s", client_call_of(&w, 0));
    world_run(&w, 200);
    CHECK_INT(phone_answer(PHONE(&w, 0)), 0);
    world_run(&w, 200);
    const char *c = see(&w, view_call, &client_first, id);
    HAS(c, "\"localConnectionInfo\":\"alerting\",\"originating\":false");
    HAS_NOT(c, "\"answered\"");
    CHECK_INT(phone_answer(PHONE(&w, 1)), 0);
    world_run(&w, 200);
    c = see(&w, view_call, &client_first, id);
    HAS(c, "\"calledDevice\":\"sip:1002@example.com\"");
    HAS(c, "\"deviceID\":\"sip:1001@example.com\",\"number\":\"1001\",\"display\":\"Ann One\","
           "\"localConnectionInfo\":\"connected\",\"originating\":true,\"ours\":true");
    HAS(c, "\"created\":\"");
    HAS(c, "\"answered\":\"");
    HAS(c, "\"correlatorData\":{\"string\":\"AB\"},\"userData\":{\"string\":\"044849\"}");
    HAS(c, "\"uui\":[{\"package\":\"isdn-uui\"");
    HAS(c, "\"hex\":\"044849\",\"text\":\"HI\",\"verdict\":\"valid\",\"origin\":{\"role\":"
           "\"baton\"");
    CHECK_INT(test_count(c, "\"services\":["), 1); /* its own connection only */
    HAS(c, "\"HoldCall\"");
    HAS_NOT(c, "\"RetrieveCall\"");
    CHECK_STR(str_c(see(&w, view_call, &client_admin, "nosuchcall")), "none");
    const struct access_scope third[] = {{STR_INIT("1003"), ACCESS_CONTROL}};
    const struct access_principal cleo = {.name = STR("x"), .scopes = third, .count = 1};
    CHECK_STR(str_c(see(&w, view_call, &cleo, id)), "none");
    char buf[4096];
    struct out o;
    out_init(&o, buf, sizeof(buf) - 1);
    CHECK_INT(view_connection(w.engine, &client_first, str_c(id), STR("1002"), &o, 0), 0);
    buf[o.n] = '\0';
    CHECK(client_is_json(buf));
    HAS(buf, "\"deviceID\":\"sip:1002@example.com\"");
    CHECK_INT(view_connection(w.engine, &client_first, str_c(id), STR("1003"), &o, 0),
              E_NOTFOUND);
    HAS(see(&w, view_device, &client_all, "1001"), id);
    world_down(&w);
}

/** Whatever the buffer: all of it or an error, never beyond it. */
static void test_a_buffer_that_is_too_small(void)
{
    struct world w;
    up(&w);
    static char buf[ROOM];
    struct out o;
    out_init(&o, buf, sizeof(buf));
    REQUIRE(view_device(w.engine, &client_all, STR("1001"), &o, w.net.now_ms) == 0);
    size_t whole = o.n;
    for (size_t n = 0; n <= whole; n++) {
        struct str end = test_guard(str_make(buf, n));
        out_init(&o, (char *)(uintptr_t)end.p, n);
        CHECK_INT(view_device(w.engine, &client_all, STR("1001"), &o, w.net.now_ms),
                  n < whole ? E_SPACE : 0);
        test_guard_free(end);
    }
    world_down(&w);
}

static void test_lists_in_pages(void)
{
    struct world w;
    size_t pages;
    world_up(&w, &(struct world_options){.seed = 1});
    (void)world_monitor(&w, &w.crm, "1001");
    (void)world_monitor(&w, &w.crm, "1002");
    REQUIRE(world_call(&w, PHONE(&w, 0), PHONE(&w, 1)));
    for (uint32_t limit = 1; limit <= 6; limit++) {
        const char *all = client_list(&w, &client_all, VIEW_DEVICES, limit, &pages);
        CHECK_INT(test_count(all, "\"number\":"), WORLD_DEVICES);
        CHECK_INT(pages, WORLD_DEVICES / limit + 1 - (limit == 1 ? 0 : 0));
        for (unsigned i = 0; i < WORLD_DEVICES; i++) {
            char want[40];
            (void)snprintf(want, sizeof(want), "\"number\":\"100%u\"", i + 1);
            CHECK_INT(test_count(all, want), 1);
        }
        CHECK_INT(test_count(client_list(&w, &client_admin, VIEW_MONITORS, limit, NULL),
                             "\"monitor\":"),
                  2);
        CHECK_INT(
            test_count(client_list(&w, &client_admin, VIEW_PEERS, limit, NULL), "\"peer\":"),
            2);
        CHECK_INT(test_count(client_list(&w, &client_looker, VIEW_REGISTRATIONS, limit, NULL),
                             "\"record\":"),
                  3);
    }
    CHECK_INT(test_count(client_list(&w, &client_first, VIEW_DEVICES, 0, NULL), "\"number\""),
              1);
    CHECK_INT(test_count(client_list(&w, &client_first, VIEW_CALLS, 0, NULL), "\"created\""),
              1);
    CHECK_STR(str_c(client_list(&w, &client_all, VIEW_MONITORS, 0, NULL)), "");
    CHECK_STR(str_c(client_list(&w, &client_all, VIEW_PEERS, 0, NULL)), "");
    const char *sessions = client_list(&w, &client_admin, VIEW_SESSIONS, 0, NULL);
    HAS(sessions, "\"application\":\"crm\",\"link\":\"SIP\",\"monitors\":2");
    struct view_ask bad = {.who = &client_all, .after = STR("xyz")};
    static const enum view_list lists[] = {VIEW_DEVICES, VIEW_CALLS,    VIEW_REGISTRATIONS,
                                           VIEW_AGENTS,  VIEW_MONITORS, VIEW_SESSIONS,
                                           VIEW_PEERS,   VIEW_ROUTES};
    char buf[1024];
    struct out o;
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(view_list(w.engine, lists[i], &bad, &o, w.net.now_ms), E_VALUE);
    }
    out_init(&o, buf, 200);
    CHECK_INT(view_list(w.engine, VIEW_DEVICES, &(struct view_ask){.who = &client_all}, &o,
                        w.net.now_ms),
              E_SPACE);
    world_down(&w);
}

/** A page ends where the buffer does, and the next one goes on there. */
static void test_a_page_that_is_full(void)
{
    struct world w;
    up(&w);
    static char buf[ROOM];
    struct str next = STR_NONE;
    char cursor[VIEW_CURSOR_MAX];
    size_t seen = 0, pages = 0;
    do {
        struct view_ask ask = {.who = &client_all, .after = next};
        struct out o;
        out_init(&o, buf, 2500);
        REQUIRE(view_list(w.engine, VIEW_DEVICES, &ask, &o, w.net.now_ms) == 0);
        buf[o.n] = '\0';
        CHECK(client_is_json(buf));
        seen += test_count(buf, "\"number\":");
        const char *at = strstr(buf, "\"next\":\"");
        next = STR_NONE;
        if (at != NULL) {
            (void)snprintf(cursor, sizeof(cursor), "%.16s", at + 8);
            next = str_c(cursor);
        }
        pages++;
    } while (str_is_set(next) && pages < 20);
    CHECK_INT(seen, WORLD_DEVICES);
    CHECK(pages > 1);
    world_down(&w);
}

static void test_a_diagnosis(void)
{
    struct world w;
    up(&w);
    const char *d = see(&w, view_diagnosis, &client_all, "1001");
    HAS(d, "{\"deviceID\":\"sip:1001@example.com\",\"mayRegister\":true,\"names\":[{"
           "\"of\":\"domain\",\"host\":\"example.com\",\"found\":false}],"
           "\"registrations\":[{\"contact\":\"sip:");
    HAS(d, "\"nat\":false");
    HAS(d, "\"services\":[{\"name\":\"MakeCall\",\"carried\":\"switch\",\"others\":\"none\"}");
    CHECK_STR(str_c(see(&w, view_diagnosis, &client_first, "1002")), "none");
    HAS(see(&w, view_diagnosis, &client_all, "1005"), "}],\"services\":[");
    world_down(&w);
}

static void test_sessions_and_monitors_are_ended(void)
{
    struct world w;
    world_up(&w, &(struct world_options){.seed = 1});
    (void)world_monitor(&w, &w.crm, "1001");
    const char *m = client_list(&w, &client_admin, VIEW_MONITORS, 0, NULL);
    char id[24];
    (void)snprintf(id, sizeof(id), "%.*s", (int)strcspn(m + 12, "\""), m + 12);
    CHECK_INT(view_end_monitor(w.engine, &client_all, str_c(id), w.net.now_ms), E_DENIED);
    CHECK_INT(view_end_monitor(w.engine, &client_admin, STR("9.9"), w.net.now_ms), E_NOTFOUND);
    struct access_principal owner = client_all;
    owner.name = STR("crm");
    CHECK_INT(view_end_monitor(w.engine, &owner, str_c(id), w.net.now_ms), 0);
    world_run(&w, 200);
    CHECK_STR(str_c(client_list(&w, &client_admin, VIEW_MONITORS, 0, NULL)), "");
    CHECK(strstr(app_events(&w.crm, NULL), "MonitorStop") != NULL);
    const char *s = client_list(&w, &client_admin, VIEW_SESSIONS, 0, NULL);
    (void)snprintf(id, sizeof(id), "%.*s", (int)strcspn(s + 12, "\""), s + 12);
    CHECK_INT(view_end_session(w.engine, &owner, str_c(id), w.net.now_ms), E_DENIED);
    CHECK_INT(view_end_session(w.engine, &client_admin, STR("77"), w.net.now_ms), E_NOTFOUND);
    CHECK_INT(view_end_session(w.engine, &client_admin, str_c(id), w.net.now_ms), 0);
    world_run(&w, 200);
    CHECK(!app_is_open(&w.crm));
    world_down(&w);
}

TEST_MAIN(T(test_a_device), T(test_a_call), T(test_a_buffer_that_is_too_small),
          T(test_lists_in_pages), T(test_a_page_that_is_full), T(test_a_diagnosis),
          T(test_sessions_and_monitors_are_ended))
