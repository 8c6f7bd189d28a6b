/* SPDX-License-Identifier: Apache-2.0 */
/* What the configuration says about neighbours: identities, diversions, guard. */
#include "history/history.h"
#include "isdn/wrap.h"
#include "server/config.h"
#include "test.h"

static struct config *read(const char *text, bool want)
{
    struct config_error err;
    struct config *c = config_read("x.yaml", str_c(text), &err);
    test_context(text);
    CHECK(want ? c != NULL : c == NULL);
    test_context(NULL);
    return c;
}

static void test_neighbours(void)
{
    struct config *c =
        read("devices: [{number: \"1001\", tel: \"+49301001\"}]\n"
             "calls: {history: write, diversion: both}\n"
             "peers:\n"
             "  - {name: a, uri: \"sip:192.0.2.1\", trusted: true}\n"
             "  - {name: b, uri: \"sip:192.0.2.2\", trusted: true, identity: outside,\n"
             "     history: strip, diversion: diversion, q850: true, remote_party_id: true}\n"
             "  - {name: c, uri: \"sip:h\", identity: inside, history: pass,\n"
             "     diversion: history-info}\n"
             "  - {name: d, uri: \"sip:h\", history: auto, diversion: none}\n",
             true);
    REQUIRE(c != NULL);
    CHECK_STR(c->devices[0].tel, "+49301001");
    CHECK_INT(c->engine.call.policy.history, HISTORY_WRITE);
    CHECK_INT(c->peers[0].policy.history, HISTORY_WRITE);
    CHECK_INT(c->peers[0].policy.diversion, DIVERSION_BOTH);
    CHECK(peer_is_inside(&c->peers[0]) && !c->peers[0].policy.q850);
    CHECK_INT(c->peers[1].policy.history, HISTORY_STRIP);
    CHECK_INT(c->peers[1].policy.diversion, DIVERSION_WRITE);
    CHECK(!peer_is_inside(&c->peers[1]));
    CHECK(c->peers[1].policy.q850 && c->peers[1].policy.remote_party_id);
    CHECK(peer_is_inside(&c->peers[2]));
    CHECK_INT(c->peers[2].policy.history, HISTORY_PASS);
    CHECK_INT(c->peers[2].policy.diversion, DIVERSION_HISTORY);
    CHECK(!peer_is_inside(&c->peers[3]));
    CHECK_INT(c->peers[3].policy.history, HISTORY_AUTO);
    CHECK_INT(c->peers[3].policy.diversion, DIVERSION_PASS);
    config_free(c);
    c = read("peers: [{name: a, uri: \"sip:h\"}]\n", true);
    REQUIRE(c != NULL);
    CHECK_INT(c->peers[0].policy.history, HISTORY_AUTO);
    CHECK_INT(c->peers[0].policy.diversion, DIVERSION_PASS);
    config_free(c);
    (void)read("devices: [{number: \"1\", tel: \"030\"}]\n", false);
    (void)read("devices: [{number: \"1\", tel: \"+49x\"}]\n", false);
    (void)read("peers: [{name: a, uri: \"sip:h\", history: maybe}]\n", false);
}

static void test_isdn(void)
{
    struct config *c = read("peers:\n"
                            "  - {name: a, uri: \"sip:h\"}\n"
                            "  - {name: b, uri: \"sip:h\", isdn: true, uui_in_failure: true,\n"
                            "     uui_dialect: rfc7434, uui_max_octets: 32}\n"
                            "  - {name: c, uri: \"sip:h\", isup_body: true}\n"
                            "  - {name: d, uri: \"sip:h\", isup: create,\n"
                            "     isup_version: ansi00}\n"
                            "  - {name: e, uri: \"sip:h\", uui_dialect: cisco-gtd}\n",
                            true);
    REQUIRE(c != NULL);
    const struct peer *p = c->peers;
    CHECK(!p[0].policy.isdn && !p[0].policy.isup_body && !p[0].policy.uui_in_failure);
    CHECK(p[1].policy.isdn && !p[1].policy.isup_body && p[1].policy.uui_in_failure);
    CHECK_INT(p[1].policy.isdn_octets, 33); /* and the discriminator */
    CHECK_INT(p[2].policy.isdn_octets, 129);
    CHECK(p[2].policy.isdn && p[2].policy.isup_body && !p[2].policy.uui_in_failure);
    CHECK(!p[2].policy.isup_create && p[2].policy.isup_version == 0);
    CHECK(p[3].policy.isdn && p[3].policy.isup_body && p[3].policy.isup_create);
    CHECK_STR(str_c(isup_version_name(p[3].policy.isup_version)), "ansi00");
    CHECK(!p[3].policy.gtd_create);
    CHECK(p[4].policy.isdn && p[4].policy.isup_body && p[4].policy.gtd_create);
    CHECK(!p[4].policy.isup_create);
    config_free(c);
    (void)read("peers: [{name: a, uri: \"sip:h\", uui_dialect: cisco-gtd, isup: create}]\n",
               false);
    (void)read("peers: [{name: a, uri: \"sip:h\", uui_in_failure: true}]\n", false);
}

static void test_strangers_and_load(void)
{
    struct config *c = read("cti: {max_sessions: 10}\n", true);
    REQUIRE(c != NULL);
    CHECK_INT(c->engine.guard.rate, 100);
    CHECK_INT(c->engine.guard.burst, 400);
    CHECK_INT(c->engine.guard.scanner_count, 6);
    CHECK_STR(c->engine.guard.scanners[0], "friendly-scanner");
    CHECK(!c->engine.guard.loopback);
    CHECK_INT(c->engine.load.high_percent, 80);
    CHECK_INT(c->engine.load.emergency_count, 3);
    CHECK_INT(c->engine.cti.max_app_sessions, 3);
    config_free(c);
    c = read("guard: {rate: 0, scanners: [], scanner_users: [root], ban_after: 0}\n"
             "overload: {emergency: [\"999\"], high_percent: 50, full_percent: 60}\n"
             "cti: {max_app_sessions: 7}\n"
             "applications: [{name: a, password: x, max_sessions: 5}]\n",
             true);
    REQUIRE(c != NULL);
    CHECK_INT(c->engine.guard.rate, 0);
    CHECK_INT(c->engine.guard.scanner_count, 0);
    CHECK_INT(c->engine.guard.scanner_user_count, 1);
    CHECK_STR(c->engine.guard.scanner_users[0], "root");
    CHECK_STR(c->engine.load.emergency[0], "999");
    CHECK_INT(c->engine.load.full_percent, 60);
    CHECK_INT(c->engine.cti.max_app_sessions, 7);
    CHECK_INT(c->applications[0].max_sessions, 5);
    config_free(c);
    (void)read("guard: {rate: 100, burst: 10}\n", false);
    (void)read("overload: {high_percent: 90, full_percent: 80}\n", false);
}

TEST_MAIN(T(test_neighbours), T(test_isdn), T(test_strangers_and_load))
