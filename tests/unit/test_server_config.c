/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: what is right, what is wrong and where, secrets, the documentation. */
#include "call/services.h"
#include "server/config.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct config *read_text(const char *text, struct config_error *error)
{
    struct str copy = test_guard(str_c(text));
    struct config *c = config_read("dir/test.yaml", copy, error);
    test_guard_free(copy);
    return c;
}

static struct config *good(const char *text)
{
    struct config_error error;
    struct config *c = read_text(text, &error);
    test_context(c == NULL ? error.text : text);
    CHECK(c != NULL);
    return c;
}

static void test_empty_is_loopback_only(void)
{
    static const char *const texts[] = {"", "{}", "# nothing\n", "---\n"};
    for (size_t i = 0; i < 4; i++) {
        struct config *c = good(texts[i]);
        REQUIRE(c != NULL);
        CHECK_INT(c->listen_count, 2);
        CHECK_INT(c->listen[0].transport, TP_UDP);
        CHECK_INT(c->listen[1].transport, TP_TCP);
        CHECK(addr_is_loopback(&c->listen[0].at) && addr_is_loopback(&c->listen[1].at));
        CHECK_INT(c->listen[0].at.port, 5060);
        CHECK_INT(c->device_count, 0);
        CHECK_STR(c->domains[0], "localhost");
        CHECK_STR(c->domains[1], "127.0.0.1");
        CHECK_INT(c->domain_count, 2);
        CHECK_STR(c->engine.realm, "localhost");
        CHECK(c->engine.digest_md5 && !c->engine.digest_sha256);
        CHECK_INT(c->engine.timing.t1, 500);
        CHECK_INT(c->engine.limits.message, 65536);
        CHECK_INT(c->engine.registrar.min_expires_s, 60);
        CHECK(c->engine.call.auto_answer);
        CHECK(c->engine.cti.back_in_service_on_monitor);
        CHECK(!c->engine.cti.failed_local_fail && !c->engine.cti.no_private_data);
        CHECK(str_starts(c->engine.server_name, STR("Baton/")));
        CHECK(str_is_set(c->engine.leg.allow) && str_is_set(c->engine.leg.accept));
        CHECK_INT(c->stop_ms, 10000);
        CHECK_INT(c->log_level, TRACE_INFO);
        CHECK(c->log_file == NULL);
        CHECK(c->sip_trace == NULL);
        CHECK(!c->exposed);
        for (size_t move = 0; move < UUI_MOVES; move++) {
            CHECK_INT(c->engine.call.carriage->replacing[move],
                      uui_carriage_default.replacing[move]);
        }
        CHECK(!c->engine.call.carriage->isdn_strict);
        config_free(c);
    }
}

static const char full[] =
    "listen: [\"udp:0.0.0.0:5070\", \"tcp:[::1]\"]\n"
    "advertise: [\"198.51.100.7:5080\", \"2001:db8::7\"]\n"
    "domains: [example.com, Sales.Example.com]\n"
    "realm: here\n"
    "digest: both\n"
    "server_name: none\n"
    "devices:\n"
    "  - number: \"1001\"\n"
    "    display: Alice\n"
    "    password: \"open sesame\"\n"
    "  - {number: \"1001\", domain: sales.example.com,\n"
    "     ha1_md5: 0123456789ABCDEF0123456789abcdef,\n"
    "     ha1_sha256: \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}\n"
    "  - number: door\n"
    "applications:\n"
    "  - {name: crm, grants: [\"10*\", door], observe: [\"10*\"], max_monitors: 7, password: x}\n"
    "peers:\n"
    "  - {name: pbx, uri: \"sip:192.0.2.7:5062\", trusted: true, numbers: [\"0*\"],\n"
    "     uui_tags: [uui, isdn-uui, +com.example.crm]}\n"
    "  - {name: trunk, uri: \"sip:trunk.example;transport=tcp\", numbers: [\"*\"],\n"
    "     uui_tags: [none]}\n"
    "limits: {message: 20000, connections: 5, late_answers: 7}\n"
    "network: {idle_s: 10, udp_queue: 64}\n"
    "timers: {t1_ms: 100, session_expires_s: 0, stop_s: 0, late_answer_s: 30}\n"
    "registrar: {default_expires_s: 120, min_expires_s: 30}\n"
    "calls: {auto_answer: false, decline_status: 486}\n"
    "groups: [{name: sales, members: [\"1001\", \"20*\"]}, {name: all, members: [\"*\"]}]\n"
    "cti: {max_unsent: 16, failed_local_fail: true, private_data: false}\n"
    "events: {dialog_replaces: all, interval_ms: 250, watchers: [\n"
    "  {who: [\"10*\", \"peer:pbx\"], devices: [\"*\"], packages: [dialog]}, {who: [door],\n"
    "   devices: [\"1001\"]}]}\n"
    "uui: {redirects: keep, blind_transfers: same-domain, attended_transfers: keep,\n"
    "  services: same-domain, isdn_redirect: strict,\n"
    "  domain_groups: [{domains: [example.com, 192.0.2.7]}, {domains: [a.example, b.example,\n"
    "  c.example]}]}\n"
    "log: {level: warn, format: json, file: baton.log, sip_trace: sip.json}\n";

static void test_full_file(void)
{
    struct config *c = good(full);
    REQUIRE(c != NULL);
    CHECK_INT(c->listen_count, 2);
    CHECK_INT(c->listen[0].at.port, 5070);
    CHECK_INT(c->listen[1].at.port, 5060);
    CHECK_INT(c->listen[1].at.family, ADDR_IP6);
    CHECK_INT(c->net.advertise[0].port, 5080);
    CHECK_INT(c->net.advertise[1].family, ADDR_IP6);
    CHECK_STR(c->engine.realm, "here");
    CHECK(c->engine.digest_md5 && c->engine.digest_sha256);
    CHECK(!str_is_set(c->engine.server_name));
    CHECK_INT(c->engine.leg.late_s, 30);
    CHECK_INT(c->engine.leg.late_rate, 7);
    CHECK_INT(c->device_count, 3);
    CHECK_STR(c->devices[0].key, "1001@example.com");
    CHECK_STR(c->devices[0].uri, "sip:1001@example.com");
    CHECK_STR(c->devices[0].display, "Alice");
    CHECK_STR(c->devices[0].secret.password, "open sesame");
    CHECK_STR(c->devices[1].key, "1001@sales.example.com");
    CHECK(!str_is_set(c->devices[1].secret.password));
    CHECK_STR(c->devices[1].secret.ha1[AUTH_MD5], "0123456789abcdef0123456789abcdef");
    CHECK_INT(c->devices[1].secret.ha1[AUTH_SHA256].n, 64);
    CHECK(c->devices[1].has_secret);
    CHECK(!c->devices[2].has_secret);
    CHECK_INT(c->engine.call.group_count, 2);
    CHECK_STR(c->engine.call.groups[0].name, "sales");
    CHECK_INT(c->engine.call.groups[0].member_count, 2);
    CHECK(call_group_has(&c->engine.call.groups[0], &c->devices[0]));
    CHECK(!call_group_has(&c->engine.call.groups[0], &c->devices[2]));
    CHECK(call_group_has(&c->engine.call.groups[1], &c->devices[2]));
    CHECK_INT(c->application_count, 1);
    CHECK_INT(c->applications[0].scope_count, 3);
    CHECK_STR(c->applications[0].scopes[1].pattern, "door");
    CHECK_INT(c->applications[0].scopes[1].kind, ACCESS_CONTROL);
    CHECK_STR(c->applications[0].scopes[2].pattern, "10*");
    CHECK_INT(c->applications[0].scopes[2].kind, ACCESS_OBSERVE);
    CHECK_INT(c->applications[0].max_monitors, 7);
    CHECK(c->peers[0].trusted);
    CHECK_INT(c->peers[0].addr.port, 5062);
    CHECK_INT(c->peers[0].transport, TP_UDP);
    CHECK(!c->peers[1].trusted);
    CHECK_INT(c->peers[1].transport, TP_TCP);
    CHECK_STR(c->peers[1].host, "trunk.example");
    CHECK_STR(c->peers[0].uui_option, "uui,isdn-uui");
    CHECK_STR(c->peers[0].uui_features,
              ";+sip.uui-isdn;+com.example.crm;extensions=\"uui,isdn-uui\"");
    CHECK(str_is_set(c->peers[1].uui_option) && c->peers[1].uui_option.n == 0);
    CHECK_INT(c->peers[1].port, 0);
    CHECK_INT(c->peers[1].addr.family, ADDR_NONE);
    CHECK_INT(c->engine.limits.message, 20000);
    CHECK_INT(c->net.limits.message, 20000);
    CHECK_INT(c->net.max_connections, 5);
    CHECK_INT(c->net.idle_ms, 10000);
    CHECK_INT(c->engine.timing.t1, 100);
    CHECK_INT(c->engine.leg.session_expires_s, 0);
    CHECK_INT(c->stop_ms, 0);
    CHECK_INT(c->engine.registrar.default_expires_s, 120);
    CHECK(!c->engine.call.auto_answer);
    CHECK_INT(c->engine.call.decline_status, 486);
    CHECK_INT(c->engine.cti.max_unsent, 16);
    CHECK(c->engine.cti.failed_local_fail && c->engine.cti.no_private_data);
    CHECK_INT(c->engine.event.replaces, EVENT_REPLACES_ALL);
    CHECK_INT(c->engine.event.interval_ms, 250);
    CHECK_INT(c->engine.event.max_subscriptions, 10000);
    REQUIRE(c->engine.event.rule_count == 2);
    CHECK_STR(c->engine.event.rules[0].who[1], "peer:pbx");
    CHECK_STR(c->engine.event.rules[0].packages[0], "dialog");
    CHECK_INT(c->engine.event.rules[1].package_count, 0);
    CHECK_STR(c->engine.event.rules[1].devices[0], "1001");
    REQUIRE(c->engine.call.carriage != NULL);
    CHECK(c->engine.proxy.carriage == c->engine.call.carriage);
    CHECK_INT(c->engine.call.carriage->replacing[UUI_MOVE_REDIRECT], UUI_KEEP);
    CHECK_INT(c->engine.call.carriage->replacing[UUI_MOVE_BLIND], UUI_REPLACE_IN_DOMAIN);
    CHECK_INT(c->engine.call.carriage->replacing[UUI_MOVE_ATTENDED], UUI_KEEP);
    CHECK_INT(c->engine.call.carriage->replacing[UUI_MOVE_SERVICE], UUI_REPLACE_IN_DOMAIN);
    CHECK(c->engine.call.carriage->isdn_strict);
    CHECK(uui_same_domain(c->engine.call.carriage, STR("192.0.2.7"), STR("example.com")));
    CHECK(uui_same_domain(c->engine.call.carriage, STR("a.example"), STR("c.example")));
    CHECK(!uui_same_domain(c->engine.call.carriage, STR("a.example"), STR("example.com")));
    CHECK_INT(c->log_level, TRACE_WARN);
    CHECK(c->log_json);
    CHECK_STR(str_c(c->sip_trace), "sip.json");
    CHECK(c->exposed);
    config_free(c);
}

static void fill_random(void *ctx, void *out, size_t n)
{
    (void)ctx;
    memset(out, 5, n);
}

static void test_directory_is_filled(void)
{
    struct config *c = good(full);
    REQUIRE(c != NULL);
    struct env env = {.mem = mem_libc, .random = fill_random};
    struct directory d;
    CHECK_INT(directory_init(&d, &env, c->domains, c->domain_count), 0);
    CHECK_INT(config_fill_directory(c, &d), 0);
    CHECK(directory_device_named(&d, STR("sip:1001@example.com")) == &c->devices[0]);
    CHECK(directory_device_named(&d, STR("sip:1001@198.51.100.7")) == &c->devices[0]);
    CHECK(directory_device_named(&d, STR("sip:1001@sales.example.com")) == &c->devices[1]);
    CHECK(directory_application(&d, STR("crm")) == &c->applications[0]);
    directory_fini(&d);
    config_free(c);
}

static void test_other_listeners(void)
{
    struct config *c = good("");
    REQUIRE(c != NULL);
    struct config_listen at;
    CHECK(config_parse_listen(STR("tcp:192.0.2.1:99"), &at));
    CHECK_INT(config_set_listen(c, &at, 1), 0);
    CHECK_INT(c->listen_count, 1);
    CHECK_STR(c->domains[1], "192.0.2.1");
    CHECK(config_parse_listen(STR("tcp:0.0.0.0:99"), &at));
    CHECK_INT(config_set_listen(c, &at, 1), 0);
    CHECK_INT(c->domain_count, 1); /* the wildcard is nobody's name */
    at.at.ip[0] = 10;
    config_add_own_address(c, &at.at);
    config_add_own_address(c, &at.at);
    CHECK_INT(c->domain_count, 2);
    CHECK_STR(c->domains[1], "10.0.0.0");
    for (int i = 0; i < 1000; i++) {
        at.at.ip[1] = (uint8_t)(i >> 8);
        at.at.ip[2] = (uint8_t)i;
        config_add_own_address(c, &at.at);
    }
    CHECK_INT(c->domain_count, c->domain_room);
    CHECK(!config_parse_listen(STR("192.0.2.1:99"), &at));
    CHECK(!config_parse_listen(STR("sctp:192.0.2.1:99"), &at));
    CHECK(!config_parse_listen(STR("udp:192.0.2.1 as host"), &at));
    CHECK(!config_parse_listen(STR("udp:192.0.2.1 as [::1]"), &at));
    CHECK(!config_parse_listen(STR("udp:192.0.2.1 as "), &at));
    CHECK(!config_parse_listen(STR("udp:host:99"), &at));
    CHECK(!config_parse_listen(STR("udp:"), &at));
    CHECK(!config_parse_listen(STR("udp"), &at));
    config_free(c);
}

static const char secure[] =
    "listen: [\"tls:10.0.0.5 as 198.51.100.7\", \"wss:[::]:8443\", \"ws:127.0.0.1\",\n"
    "  \"udp:10.0.0.5:5061 as 198.51.100.7:5070\", \"wss:127.0.0.1\"]\n"
    "tls:\n"
    "  certificates:\n"
    "    - {cert: a.pem, key: /etc/baton/a.key}\n"
    "    - {cert: b.pem, key: b.key, names: [b.example, \"*.b.example\"]}\n"
    "  ca: roots.pem\n"
    "  verify_client: request\n"
    "  min_version: 1.3\n"
    "  ciphers: HIGH\n"
    "websocket: {path: /sip, origins: [\"https://a.example\"]}\n"
    "limits: {handshakes: 7, handshakes_per_address: 3}\n"
    "network: {handshake_ms: 400, keepalive_s: 95}\n"
    "peers:\n"
    "  - {name: sbc, uri: \"sip:192.0.2.7;transport=tls\", trusted: true, tls_name: x.example}\n"
    "  - {name: far, uri: \"sip:y.example\", trusted: true, tls_name: y.example}\n";

static void test_tls_and_websocket(void)
{
    struct config *c = good(secure);
    REQUIRE(c != NULL);
    static const struct {
        uint8_t transport;
        const char *at, *shown;
    } want[] = {{TP_TLS, "10.0.0.5:5061", "198.51.100.7"},
                {TP_WSS, "[::]:8443", NULL},
                {TP_WS, "127.0.0.1:80", NULL},
                {TP_UDP, "10.0.0.5:5061", "198.51.100.7:5070"},
                {TP_WSS, "127.0.0.1:443", NULL}};
    CHECK_INT(c->listen_count, 5);
    for (size_t i = 0; i < 5; i++) {
        struct addr at, shown = {0};
        CHECK(addr_parse(str_c(want[i].at), &at));
        CHECK(want[i].shown == NULL || addr_parse(str_c(want[i].shown), &shown));
        CHECK_INT(c->listen[i].transport, want[i].transport);
        CHECK(addr_eq(&c->listen[i].at, &at));
        CHECK_INT(c->listen[i].shown.family, shown.family);
        CHECK(shown.family == ADDR_NONE || addr_eq(&c->listen[i].shown, &shown));
    }
    CHECK_STR(c->domains[1], "10.0.0.5");
    CHECK_STR(c->domains[2], "198.51.100.7");
    CHECK_INT(c->tls.cert_count, 2);
    CHECK_STR(str_c(c->tls.cert[0].cert_file), "dir/a.pem");
    CHECK_STR(str_c(c->tls.cert[0].key_file), "/etc/baton/a.key");
    CHECK_INT(c->tls.cert[0].name_count, 0);
    CHECK_INT(c->tls.cert[1].name_count, 2);
    CHECK_STR(c->tls.cert[1].names[1], "*.b.example");
    CHECK_STR(str_c(c->tls.ca_file), "dir/roots.pem");
    CHECK_INT(c->tls.client_verify, NET_TLS_REQUEST);
    CHECK(c->tls.only_tls13);
    CHECK_STR(str_c(c->tls.ciphers), "HIGH");
    CHECK_STR(c->net.ws.path, "/sip");
    CHECK_INT(c->net.ws.origin_count, 1);
    CHECK_STR(c->net.ws.origin[0], "https://a.example");
    CHECK_INT(c->net.max_handshakes, 7);
    CHECK_INT(c->net.max_handshakes_per_address, 3);
    CHECK_INT(c->net.handshake_ms, 400);
    CHECK_INT(c->net.keepalive_ms, 95000);
    CHECK_INT(c->peers[0].transport, TP_TLS);
    CHECK_INT(c->peers[0].port, 5061);
    CHECK_STR(c->peers[0].tls_name, "x.example");
    CHECK_INT(c->peers[1].addr.family, ADDR_NONE);
    config_free(c);
}

struct bad {
    const char *text;
    unsigned line, column;
    const char *says;
};

static const struct bad bad_table[] = {
    /* form */
    {"a: b: c\n", 1, 5, "mapping values"},
    {"listen: [\n", 2, 1, "did not find"},
    {"- x\n", 1, 1, "keys with values are wanted, not a list"},
    {"realm: *\n", 1, 9, "in quotes"},
    {"realm: *77\n", 1, 8, "in quotes"},
    {"realm: @a\n", 1, 8, "in quotes"},
    {"realm: \"\\*97\"\n", 1, 9, "in single quotes"},
    {"timers:\n\tt1_ms: 500\n", 2, 1, "spaces, not with tabs"},
    {"a\n", 1, 1, "keys with values are wanted"},
    {"{}\n---\n{}\n", 3, 1, "only one document"},
    {"{}\n---\n[\n", 4, 1, "did not find"},
    {"\nlissten: []\n", 2, 1,
     "unknown key \"lissten\"; is \"listen\" meant? known here: listen, advertise"},
    {"timers:\n  t3_ms: 5\n", 2, 3, "known here: t1_ms, t2_ms"},
    {"devices:\n  - number: \"1\"\n    pass: x\n", 3, 5, "known here: number, domain, display"},
    {"realm: a\nlog: {}\nrealm: b\n", 3, 1, "realm: given twice"},
    {"[1]: x\n", 1, 1, "a key must be a name"},
    /* kinds */
    {"timers: {t1_ms: abc}\n", 1, 17, "a number from 10 to 60000"},
    {"timers: {t1_ms: 12abc}\n", 1, 17, "a number from 10"},
    {"timers: {t1_ms: -1}\n", 1, 17, "a number from 10"},
    {"timers: {t1_ms: 0x20}\n", 1, 17, "a number from 10"},
    {"timers: {t1_ms: 0500}\n", 1, 17, "does not begin with 0"},
    {"timers: {t1_ms: 99999999999999}\n", 1, 17, "a number from 10"},
    {"timers: {t1_ms: 5}\n", 1, 17, "5 is not between 10 and 60000"},
    {"timers: {t1_ms: [5]}\n", 1, 17, "a number from"},
    {"timers: 5\n", 1, 9, "keys with values are wanted, not a single value"},
    {"timers:\nlog: {}\n", 1, 8, "not nothing"},
    {"calls: {auto_answer: maybe}\n", 1, 22, "true or false"},
    {"calls: {auto_answer: yes}\n", 1, 22, "true or false"},
    {"groups: [{members: [\"1\"]}]\n", 1, 10, "name"},
    {"groups: [{name: a, members: [\"1*2\"]}]\n", 1, 30, "end"},
    {"groups: [{name: a}, {name: a}]\n", 1, 21, "twice"},
    {"digest: sha-256\ndevices: [{number: a, ha1_md5: 0123456789ABCDEF0123456789abcdef}]\n", 2,
     32, "ha1_md5: `digest` offers SHA-256"},
    {"applications: [{name: a,\n"
     "  ha1_sha256: \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}]\n",
     2, 15, "ha1_sha256: `digest` offers MD5"},
    {"digest: sha\n", 1, 9, "one of these is wanted: md5 sha-256 both"},
    {"log: {level: loud}\n", 1, 14, "one of these is wanted: error warn info debug"},
    {"log: {level: \"\"}\n", 1, 14, "one of these"},
    {"listen: udp:127.0.0.1:5060\n", 1, 9, "a list is wanted, not a single value"},
    {"listen: [[a]]\n", 1, 10, "a single value is wanted, not a list"},
    {"realm: \"\"\n", 1, 8, "must not be empty"},
    {"realm: {}\n", 1, 8, "a single value is wanted, not a section"},
    {"realm: \"a\\nb\"\n", 1, 8, "control characters"},
    {"realm: \"a\\0b\"\n", 1, 8, "control characters"},
    {"devices: [{display: x}]\n", 1, 11, "number is missing"},
    {"peers: [{name: x}]\n", 1, 9, "uri is missing"},
    /* meaning */
    {"listen: []\n", 1, 9, "at least one"},
    {"listen: [\"udp:localhost:5060\"]\n", 1, 10, "numeric"},
    {"listen: [\"sctp:127.0.0.1\"]\n", 1, 10, "udp:ADDRESS:PORT"},
    {"listen: [\"tls:127.0.0.1\"]\n", 1, 10, "tls.certificates"},
    {"listen: [\"wss:127.0.0.1\"]\n", 1, 10, "tls.certificates"},
    {"listen: [\"tcp:127.0.0.1:80\", \"ws:127.0.0.1\"]\n", 1, 30, "given twice"},
    {"tls: {certificates: [{cert: a}]}\n", 1, 22, "key is missing"},
    {"tls: {min_version: 1.1}\n", 1, 20, "1.2 1.3"},
    {"tls: {verify_client: require}\n", 1, 22, "ca must say"},
    {"websocket: {path: sip}\n", 1, 19, "slash"},
    {"peers: [{name: a, uri: \"sip:192.0.2.1\", tls_name: a.example}]\n", 1, 51,
     "request or require"},
    {"tls: {ca: x, verify_client: request}\n"
     "peers: [{name: a, uri: \"sip:192.0.2.1\", tls_name: \"*.a\"}]\n",
     2, 51, "a host name"},
    {"listen: [\"udp:127.0.0.1\", \"udp:127.0.0.1:5060\"]\n", 1, 27, "given twice"},
    {"csta_tcp: [\"udp:127.0.0.1:8535\"]\n", 1, 12, "tcp:ADDRESS:PORT"},
    {"csta_tcp: [\"tcp:127.0.0.1\"]\n", 1, 12, "tcp:ADDRESS:PORT"},
    {"csta_tcp: [\"tcp:65536\"]\n", 1, 12, "tcp:ADDRESS:PORT"},
    {"csta_tcp: [\"tcp:5060\"]\n", 1, 12, "SIP listens there"},
    {"csta_tcp: [\"tcp:1\", \"tcp:1\"]\n", 1, 21, "given twice"},
    {"csta_tcp: [\"tls:8535\"]\n", 1, 12, "tls.certificates"},
    {"applications: [{name: a, hosts: [x.example]}]\n", 1, 34, "numeric"},
    {"applications: [{name: a, tls_name: a.example}]\n", 1, 36, "request or require"},
    {"advertise: [host]\n", 1, 13, "numeric address"},
    {"advertise: [192.0.2.1, 192.0.2.2]\n", 1, 24, "one address per family"},
    {"domains: [\"a b\"]\n", 1, 11, "host name"},
    {"devices: [{number: \"1 1\"}]\n", 1, 20, "at most 64"},
    {"devices: [{number: \"1@x\"}]\n", 1, 20, "are allowed"},
    {"devices: [{number: \"1\", domain: nowhere}]\n", 1, 33, "nowhere is not one of domains"},
    {"devices:\n  - number: \"1\"\n  - number: \"1\"\n", 3, 13, "a device 1 already"},
    {"devices: [{number: \"1\", password: a, password_env: B}]\n", 1, 11, "not several"},
    {"devices: [{number: \"1\", password: \"\"}]\n", 1, 35, "must not be empty"},
    {"devices: [{number: \"1\", password_env: BATON_TEST_UNSET}]\n", 1, 39, "is not set"},
    {"devices: [{number: \"1\", password_file: no/such}]\n", 1, 40, "dir/no/such"},
    {"devices: [{number: \"1\", ha1_md5: abc}]\n", 1, 34, "32 hexadecimal digits"},
    {"devices: [{number: \"1\", ha1_sha256: 0123456789abcdef0123456789abcdef}]\n", 1, 37,
     "64 hexadecimal digits"},
    {"applications: [{name: a}]\n", 1, 16, "needs a password"},
    {"applications: [{name: a, password: x}, {name: a, password: x}]\n", 1, 47,
     "an application a already"},
    {"applications: [{name: a, password: x, grants: [\"1*0\"]}]\n", 1, 48, "only at the end"},
    {"applications: [{name: a, password: x, observe: [\"1*0\"]}]\n", 1, 49, "only at the end"},
    {"peers: [{name: a, uri: \"tel:1\"}]\n", 1, 24, "a sip: URI"},
    {"peers: [{name: a, uri: \"sip:192.0.2.1\", uui_tags: [uui, none]}]\n", 1, 57,
     "`none` alone"},
    {"peers: [{name: a, uri: \"sip:192.0.2.1\", uui_tags: [\"a b\"]}]\n", 1, 52,
     "a feature tag"},
    {"peers: [{name: a, uri: \"sip:h;transport=ws\"}]\n", 1, 24, "udp, tcp or tls"},
    {"peers: [{name: a, uri: \"sip:h\", trusted: true}]\n", 1, 24, "numeric"},
    {"peers: [{name: a, uri: \"sip:h\"}, {name: a, uri: \"sip:i\"}]\n", 1, 41,
     "a peer a already"},
    {"realm: 'a\"b'\n", 1, 8, "quotation marks"},
    {"registrar: {min_expires_s: 100, default_expires_s: 60}\n", 1, 12, "must not fall"},
    {"registrar: {service_route: \"sip:h;lr\"}\n", 1, 28, "one or several <sip:HOST;lr>"},
    {"registrar: {service_route: \"<sip:h;lr>, <sip:i>\"}\n", 1, 28, "<sip:HOST;lr>"},
    {"timers: {session_expires_s: 80}\n", 1, 9, "at least min_se_s (90)"},
    {"timers: {t1_ms: 5000}\n", 1, 9, "t1_ms (5000)"},
    {"events: {min_expires_s: 900, max_expires_s: 600}\n", 1, 9, "min_expires_s (900)"},
    {"events: {watchers: [{who: [\"1\"]}]}\n", 1, 21, "devices: at least one"},
    {"events: {watchers: [{who: [\"1*2\"], devices: [\"*\"]}]}\n", 1, 28, "only at the end"},
    {"events: {watchers: [{who: [a], devices: [b], packages: [presence]}]}\n", 1, 57,
     "reg, message-summary"},
    {"events: {watchers: [{whom: [a]}]}\n", 1, 22, "unknown key"},
    {"uui: {domain_groups: [{domains: [a.example]}]}\n", 1, 23, "two domains or more"},
    {"uui: {redirects: always}\n", 1, 18, "same-domain replace keep"},
};

static void test_faults_have_a_place(void)
{
    for (size_t i = 0; i < sizeof(bad_table) / sizeof(bad_table[0]); i++) {
        const struct bad *b = &bad_table[i];
        struct config_error error;
        test_context(b->text);
        struct config *c = read_text(b->text, &error);
        CHECK(c == NULL);
        if (c != NULL) {
            config_free(c);
            continue;
        }
        CHECK_INT(error.line, b->line);
        CHECK_INT(error.column, b->column);
        if (!CHECK(strstr(error.text, b->says) != NULL)) {
            fprintf(stderr, "# said: %s\n", error.text);
        }
        CHECK_STR(str_c(error.file), "dir/test.yaml");
    }
    test_context(NULL);
}

/** Every prefix of a good file is right or a fault; nothing worse. */
static void test_prefixes_and_mutations(void)
{
    char text[sizeof(full)];
    for (size_t n = 0; n < sizeof(full) - 1; n++) {
        struct config_error error;
        struct str part = test_guard(str_make(full, n));
        struct config *c = config_read("x", part, &error);
        CHECK(c != NULL || error.text[0] != '\0');
        config_free(c);
        test_guard_free(part);
    }
    static const char with[] = "\n\0:{[&*!\xff'\"#-";
    for (size_t n = 0; n < sizeof(full) - 1; n += 3) {
        struct config_error error;
        memcpy(text, full, sizeof(full));
        text[n] = with[(n / 3) % (sizeof(with) - 1)];
        struct config *c = config_read("x", str_make(text, sizeof(full) - 1), &error);
        CHECK(c != NULL || error.text[0] != '\0');
        config_free(c);
    }
}

static void test_secrets_from_elsewhere(void)
{
    char dir[] = "/tmp/baton-config-XXXXXX";
    char path[64], secret[64];
    REQUIRE(mkdtemp(dir) != NULL);
    (void)snprintf(path, sizeof(path), "%s/b.yaml", dir);
    (void)snprintf(secret, sizeof(secret), "%s/secret", dir);
    FILE *f = fopen(path, "w");
    REQUIRE(f != NULL);
    fputs("devices:\n  - {number: a, password_file: secret}\n"
          "  - {number: b, password_env: BATON_TEST_SECRET}\n",
          f);
    fclose(f);
    struct config_error error;
    CHECK(config_load(path, &error) == NULL);
    CHECK_INT(error.line, 2);

    f = fopen(secret, "w");
    REQUIRE(f != NULL);
    fputs("\nsecond line\n", f);
    fclose(f);
    CHECK(config_load(path, &error) == NULL);
    CHECK(strstr(error.text, "is empty") != NULL);
    CHECK(strstr(error.text, "second") == NULL);

    f = fopen(secret, "w");
    REQUIRE(f != NULL);
    fputs("from file \nsecond line\n", f);
    fclose(f);
    CHECK(config_load(path, &error) == NULL);
    CHECK(strstr(error.text, "BATON_TEST_SECRET is not set") != NULL);
    struct config *seen = config_look(path, &error); /* that is the server's environment */
    REQUIRE(seen != NULL);
    CHECK_INT(seen->unset_count, 1);
    CHECK_STR(str_c(seen->unset), "BATON_TEST_SECRET");
    CHECK_STR(seen->devices[0].secret.password, "from file");
    config_free(seen);
    setenv("BATON_TEST_SECRET", "from environment", 1);
    struct config *c = config_load(path, &error);
    unsetenv("BATON_TEST_SECRET");
    REQUIRE(c != NULL);
    CHECK_STR(c->devices[0].secret.password, "from file");
    CHECK_STR(c->devices[1].secret.password, "from environment");
    CHECK(!c->exposed);
    config_free(c);

    CHECK(config_load(dir, &error) == NULL);
    CHECK_INT(error.line, 0);
    unlink(secret);
    unlink(path);
    CHECK(config_load(path, &error) == NULL);
    rmdir(dir);
}

static void test_fault_text_never_shows_a_secret(void)
{
    static const char *const texts[] = {
        "devices: [{number: \"1\", password: hunter2, password_env: X}]\n",
        "devices: [{number: \"1\", ha1_md5: hunter2}]\n",
        "devices: [{number: \"1\", password: [hunter2]}]\n",
        "devices: [{number: \"1\", password: hunter2}, {number: \"1\"}]\n",
        "devices: [{number: \"1\", password: \"hunter2\\0\"}]\n",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct config_error error;
        CHECK(read_text(texts[i], &error) == NULL);
        CHECK(strstr(error.text, "hunter2") == NULL);
    }
}

static void test_documentation_is_current(void)
{
    struct str want = test_project_file("docs/configuration.md");
    REQUIRE(want.p != NULL);
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    config_write_doc(f);
    fclose(f);
    CHECK(str_eq(str_make(text, n),
                 want)); /* baton serve --explain-config > docs/configuration.md */
    free(text);
    free((void *)(uintptr_t)want.p);
}

static void test_example_is_right(void)
{
    struct str text = test_project_file("examples/baton.yaml");
    REQUIRE(text.p != NULL);
    struct config_error error;
    CHECK(config_read("baton.yaml", text, &error) == NULL); /* no password by accident */
    CHECK(strstr(error.text, "BATON_PASSWORD_1001 is not set") != NULL);
    setenv("BATON_PASSWORD_1001", "a", 1);
    setenv("BATON_PASSWORD_1002", "b", 1);
    setenv("BATON_PASSWORD_DESK", "c", 1);
    struct config *c = config_read("baton.yaml", text, &error);
    CHECK(c != NULL);
    for (size_t i = 0; c != NULL && i < c->listen_count; i++) {
        CHECK(addr_is_loopback(&c->listen[i].at));
    }
    config_free(c);
    free((void *)(uintptr_t)text.p);
}

static void test_csta_tcp(void)
{
    struct config *c = good("csta_tcp: [\"tcp:8535\", \"tcp:[::1]:8536\"]\n"
                            "applications:\n"
                            "  - {name: recorder, hosts: [192.0.2.7, \"::1\"]}\n"
                            "  - {name: crm, password: x}\n"
                            "cti: {max_connections: 5}\n");
    if (CHECK(c != NULL) && CHECK_INT(c->csta_listen_count, 2)) {
        CHECK(addr_is_loopback(&c->csta_listen[0].at));
        CHECK_INT(c->csta_listen[0].at.port, 8535);
        CHECK_INT(c->csta_listen[0].transport, TP_TCP);
        CHECK_INT(c->csta_listen[1].at.family, ADDR_IP6);
        CHECK_INT(c->csta_listen[1].at.port, 8536);
        CHECK_INT(c->applications[0].host_count, 2);
        CHECK_INT(c->applications[0].hosts[1].family, ADDR_IP6);
        CHECK_INT(c->applications[1].host_count, 0);
        CHECK_INT(c->engine.cti.max_connections, 5);
    }
    config_free(c);
    c = good("{}\n");
    CHECK_INT(c->csta_listen_count, 0); /* nowhere unless wanted */
    config_free(c);
}

static void test_store(void)
{
    struct config *c = good("{}\n");
    CHECK(c->store.path == NULL); /* nothing outlives the process unless wanted */
    config_free(c);
    c = good("store: {path: kept.db}\n");
    if (CHECK(c != NULL)) {
        CHECK(str_ends(str_c(c->store.path), STR("kept.db")));
        CHECK(!c->store.sync_full && !c->store_refuses);
        CHECK_INT(c->store.group_ms, 2);
        CHECK_INT(c->store.queue_bytes, 64 << 20);
        CHECK_INT(c->store.keep_days, 30);
        CHECK_INT(c->store.keep_bytes, 1 << 30);
        CHECK_INT(c->store.history_uui, STORE_UUI_NONE);
    }
    config_free(c);
    c = good("store: {path: /var/lib/baton/db, sync: full, group_ms: 0, group_count: 7,\n"
             "        queue_mb: 1, keep_days: 0, keep_mb: 0, uui: length, on_error: refuse}\n");
    if (CHECK(c != NULL)) {
        CHECK_STR(str_c(c->store.path), "/var/lib/baton/db");
        CHECK(c->store.sync_full && c->store_refuses);
        CHECK_INT(c->store.group_ms, 0);
        CHECK_INT(c->store.group_count, 7);
        CHECK_INT(c->store.queue_bytes, 1 << 20);
        CHECK_INT(c->store.keep_days, 0);
        CHECK_INT(c->store.keep_bytes, 0);
        CHECK_INT(c->store.history_uui, STORE_UUI_LENGTH);
    }
    config_free(c);
    c = good("store: {path: x, uui: full}\n");
    CHECK(c != NULL && c->store.history_uui == STORE_UUI_FULL);
    config_free(c);
}

TEST_MAIN(T(test_store), T(test_csta_tcp), T(test_empty_is_loopback_only), T(test_full_file),
          T(test_directory_is_filled), T(test_other_listeners), T(test_tls_and_websocket),
          T(test_faults_have_a_place), T(test_prefixes_and_mutations),
          T(test_secrets_from_elsewhere), T(test_fault_text_never_shows_a_secret),
          T(test_documentation_is_current), T(test_example_is_right))
