/* SPDX-License-Identifier: Apache-2.0 */
/* `baton csta`: requests element by element, those that have a short name, filters, and where
   the server may be. */
#include "base/err.h"
#include "cli/csta_cmd.h"
#include "cli/csta_json.h"
#include "test.h"
#include <stdlib.h>

#define ED3 " xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\""
#define XML "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static struct arena arena;

/** What a line sends, in edition 3; or what is wrong with it, behind "!". */
static struct str sent(const char *line)
{
    struct str word[CSTA_WORDS_MAX], complaint = STR_NONE, body = STR("?");
    struct csta_order o;
    size_t n = 0;

    if (csta_words_split(str_c(line), &arena, word, &n) != 0) {
        return STR("?");
    }
    if (csta_order_parse(word, n, &arena, &o, &complaint) != 0) {
        return arena_fmt(&arena, "!%.*s", STR_ARG(complaint));
    }
    if (o.msg.id != CSTA_MSG_NONE && csta_body_write(&o.msg, CSTA_ED3, &arena, &body) == 0) {
        body = str_from(body, sizeof(XML) - 1);
    }
    return body;
}

static const struct {
    const char *line, *want;
} rows[] = {
    {"request SetDoNotDisturb device=1001 doNotDisturbOn=true",
     "<SetDoNotDisturb" ED3 "><device>1001</device><doNotDisturbOn>true</doNotDisturbOn>"
     "</SetDoNotDisturb>"},
    {"request GetCSTAFeatures", "<GetCSTAFeatures" ED3 "/>"},
    /* neighbours share their elements; the order becomes that of the schema */
    {"request DeflectCall newDestination=1002 callToBeDiverted.deviceID=1001 "
     "callToBeDiverted.callID=c7",
     "<DeflectCall" ED3 "><callToBeDiverted><callID>c7</callID><deviceID>1001</deviceID>"
     "</callToBeDiverted><newDestination>1002</newDestination></DeflectCall>"},
    {"request MakeCall callingDevice='a & b' calledDirectoryNumber=1=2 "
     "correlatorData.string=0102",
     "<MakeCall" ED3 "><callingDevice>a &amp; b</callingDevice><calledDirectoryNumber>1=2"
     "</calledDirectoryNumber><correlatorData><string>0102</string></correlatorData>"
     "</MakeCall>"},
    {"request MonitorStart monitorObject.deviceObject=1 requestedMonitorFilter.callcontrol.held="
     "true requestedMonitorFilter.callcontrol.queued=true monitorType=device",
     "<MonitorStart" ED3 "><monitorObject><deviceObject>1</deviceObject></monitorObject>"
     "<requestedMonitorFilter><callcontrol><held>true</held><queued>true</queued>"
     "</callcontrol></requestedMonitorFilter><monitorType>device</monitorType></MonitorStart>"},
    {"request SetDoNotDisturb device=1001",
     "!SetDoNotDisturb: doNotDisturbOn: a mandatory element is missing"},
    {"request SetDoNotDisturb device=1001 doNotDisturbOn=maybe",
     "!SetDoNotDisturb: doNotDisturbOn: not a boolean (true, false, 1 or 0)"},
    {"request SetDoNotDisturb device=1001 doNotDisturbOn=true nonsense=1",
     "!SetDoNotDisturb has no element \"nonsense\""},
    {"request Dance", "!\"Dance\" is no request of CSTA"},
    {"request SetDisplay device=1", "!the elements of SetDisplay are not known here; use raw"},
    {"request HeldEvent", "!"},
    {"request MakeCall callingDevice..x=1",
     "!\"callingDevice..x=1\" is no element: KEY=VALUE, KEY may be a.b.c"},
    {"request MakeCall =1", "!\"=1\" is no element: KEY=VALUE, KEY may be a.b.c"},
    {"conference c1/1001 c2/1001",
     "<ConferenceCall" ED3 "><heldCall><callID>c1</callID><deviceID>1001</deviceID></heldCall>"
     "<activeCall><callID>c2</callID><deviceID>1001</deviceID></activeCall></ConferenceCall>"},
    {"add 1001 1003 --user-text x",
     "<SingleStepConferenceCall" ED3 "><activeCall><deviceID>1001</deviceID></activeCall>"
     "<deviceToJoin>1003</deviceToJoin><participationType>active</participationType>"
     "<userData><string>0478</string></userData></SingleStepConferenceCall>"},
    {"add / 1003", "!\"/\" is no connection: callID/deviceID, or a device"},
    {"snapshot-call c7/",
     "<SnapshotCall" ED3 "><snapshotObject><callID>c7</callID></snapshotObject>"
     "</SnapshotCall>"},
    {"devices", "<GetSwitchingFunctionDevices" ED3 "/>"},
    {"devices 1001",
     "<GetSwitchingFunctionDevices" ED3 "><requestedDeviceID>1001</requestedDeviceID>"
     "</GetSwitchingFunctionDevices>"},
    {"line 1001",
     "<GetLogicalDeviceInformation" ED3 "><device>1001</device></GetLogicalDeviceInformation>"},
    {"phone 1001", "<GetPhysicalDeviceInformation" ED3
                   "><device>1001</device></GetPhysicalDeviceInformation>"},
    {"capabilities", "<GetSwitchingFunctionCaps" ED3 "/>"},
    {"register",
     "<SystemRegister" ED3 "><requestTypes><systemStatus>true</systemStatus>"
     "<switchingFunctionDevicesChanged>true</switchingFunctionDevicesChanged></requestTypes>"
     "</SystemRegister>"},
    {"unregister 3", "<SystemRegisterCancel" ED3 "><sysStatRegisterID>3</sysStatRegisterID>"
                     "</SystemRegisterCancel>"},
    {"filter 43 Held DoNotDisturb backInService",
     "<ChangeMonitorFilter" ED3 "><monitorCrossRefID>43</monitorCrossRefID>"
     "<requestedFilterList><callcontrol><held>true</held></callcontrol><logicalDeviceFeature>"
     "<doNotDisturb>true</doNotDisturb></logicalDeviceFeature><maintenance><backInService>true"
     "</backInService></maintenance></requestedFilterList></ChangeMonitorFilter>"},
    {"filter 43", "<ChangeMonitorFilter" ED3 "><monitorCrossRefID>43</monitorCrossRefID>"
                  "<requestedFilterList/></ChangeMonitorFilter>"},
    {"filter 43 Lunch", "!\"Lunch\" is no event of CSTA"},
    {"monitor 1001 --without Held,Lunch", "!\"Lunch\" is no event of CSTA"},
    {"hold 1001 --calls", "!hold has no option \"--calls\""},
};

static void test_requests(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        test_context(rows[i].line);
        struct str got = sent(rows[i].line);
        if (strcmp(rows[i].want, "!") == 0) {
            CHECK(got.p[0] == '!');
        } else {
            CHECK_STR(got, rows[i].want);
        }
        test_context(NULL);
    }
    arena_fini(&arena);
}

/** Every allocation may fail: that is said, and nothing else happens. */
static void test_without_memory(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        for (size_t at = 1;; at++) {
            struct test_mem mem;
            struct str word[CSTA_WORDS_MAX], complaint;
            struct csta_order o;
            struct arena a;
            size_t n;
            test_mem_init(&mem);
            mem.fail_at = at;
            mem.fail_on = true;
            arena_init(&a, &mem.mem, 64);
            int err = csta_words_split(str_c(rows[i].line), &a, word, &n);
            err = err != 0 ? err : csta_order_parse(word, n, &a, &o, &complaint);
            CHECK(err == 0 || err == E_NOMEM || (err == E_VALUE && str_is_set(complaint)));
            arena_fini(&a);
            CHECK_INT(mem.live, 0);
            if (mem.calls < at) {
                break;
            }
        }
    }
}

static void test_monitor_options(void)
{
    struct str word[CSTA_WORDS_MAX], complaint;
    struct csta_order o;
    size_t n;
    REQUIRE(csta_words_split(STR("monitor c7/1001 --calls --without=Held"), &arena, word, &n) ==
            0);
    REQUIRE(csta_order_parse(word, n, &arena, &o, &complaint) == 0);
    CHECK(o.calls);
    CHECK_STR(o.without, "Held");
    CHECK_INT(o.ndevice, 1);
    arena_fini(&arena);
}

static void test_leaves(void)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    csta_put_leaves(STR("<R" ED3 "><a x='1'><b>1 &amp; 2</b><c/></a><d> t </d></R>"), &arena,
                    f);
    csta_put_leaves(STR("<R" ED3 "/>"), &arena, f);
    csta_put_leaves(STR("<R"), &arena, f);
    fclose(f);
    CHECK_STR(str_c(text), "  a.b: 1 & 2\n  a.c\n  d: t\n");
    free(text);
    arena_fini(&arena);
}

/** The exit code of reading these words. */
static int read_line(const char *line, struct csta_command *c)
{
    static char words[256];
    char *argv[24], *rest = words;
    int argc = 0;
    (void)snprintf(words, sizeof(words), "%s", line);
    for (char *word; argc < 23 && (word = strtok_r(rest, " ", &rest)) != NULL;) {
        argv[argc++] = word;
    }
    argv[argc] = NULL;
    return csta_command_parse(argc, argv, c);
}

static void test_where(void)
{
    static struct csta_command c;
    CHECK_INT(read_line("csta --tcp 192.0.2.1:8535 -u crm status", &c), EXIT_CODE_OK);
    CHECK(c.stream && !c.implicit);
    CHECK_INT(c.server.transport, TP_TCP);
    CHECK_INT(c.server.port, 8535);
    CHECK_INT(
        read_line("csta --tls=cti.example.com:8536 --tls-ca ca.pem --implicit status", &c),
        EXIT_CODE_OK);
    CHECK(c.stream && c.implicit);
    CHECK_INT(c.server.transport, TP_TLS);
    CHECK_STR(str_c(c.server.host), "cti.example.com");
    CHECK_STR(str_c(c.tls_ca), "ca.pem");
    CHECK_INT(read_line("csta --tcp 192.0.2.1 -u crm status", &c), EXIT_CODE_USAGE);
    CHECK_INT(read_line("csta --tcp h:1 --tls h:1 -u crm status", &c), EXIT_CODE_USAGE);
    CHECK_INT(read_line("csta --tcp h:1 -s h -u crm status", &c), EXIT_CODE_USAGE);
    CHECK_INT(read_line("csta --tcp h:1 status", &c), EXIT_CODE_USAGE);
    CHECK_INT(read_line("csta -s h -u crm --implicit status", &c), EXIT_CODE_USAGE);
    CHECK_INT(read_line("csta --tcp h:1 -u crm --tls-name n status", &c), EXIT_CODE_USAGE);
    CHECK_INT(read_line("csta --tls h:1 -u crm --tls-cert f status", &c), EXIT_CODE_USAGE);
}

int main(int argc, char **argv)
{
    static const struct test table[] = {T(test_requests), T(test_without_memory),
                                        T(test_monitor_options), T(test_leaves), T(test_where)};
    arena_init(&arena, &mem_libc, 4096);
    int code = test_run(table, ARRAY_LEN(table), argc, argv);
    arena_fini(&arena);
    return code;
}
