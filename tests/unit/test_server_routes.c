/* SPDX-License-Identifier: Apache-2.0 */
/* Routes in the configuration: what becomes of them, and what is wrong, with line and column.
 */
#include "server/config.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

#define HEAD                                         \
    "devices: [{number: \"1001\"}]\n"                \
    "peers: [{name: pbx, uri: \"sip:192.0.2.7\"}]\n" \
    "dial_plans: [{name: berlin, country: 49, area: 30, trunk: 0, international: 00}]\n"

static struct config *read_text(const char *text, struct config_error *error)
{
    struct str copy = test_guard(str_c(text));
    struct config *c = config_read("test.yaml", copy, error);
    test_guard_free(copy);
    return c;
}

static void test_a_whole_rule(void)
{
    static const char text[] =
        HEAD "time_zone: CET-1CEST,M3.5.0,M10.5.0/3\n"
             "routes:\n"
             "  - name: sales\n"
             "    match:\n"
             "      method: [INVITE, MESSAGE]\n"
             "      to: [\"+49(*)\", \"0049(*)\"]\n"
             "      from: [\"10XX\"]\n"
             "      domain: [example.com]\n"
             "      peer: [pbx, none]\n"
             "      device: [\"*\"]\n"
             "      called: [device]\n"
             "      transport: [tls, wss]\n"
             "      wants: [video, language=de]\n"
             "      has: [audio]\n"
             "      supported: [timer]\n"
             "      header: [{name: X-Foo, value: \"abc*\"}, {name: X-Bar, absent: true}]\n"
             "      uui: [isdn-uui, none]\n"
             "      time: [\"mon-fri 08:00-18:00\", 12-24]\n"
             "      percent: 40\n"
             "    action: redirect\n"
             "    called: {rewrite: \"0$1\", strip: 1, prepend: \"9\", to_e164: berlin}\n"
             "    targets:\n"
             "      - {to: location, q: 0.7}\n"
             "      - {to: \"device:1001\", weight: 3, q: 1}\n"
             "      - {to: \"peer:pbx\"}\n"
             "      - {to: \"sip:{number}@example.net\"}\n"
             "    order: weight\n"
             "    status: 301\n"
             "    headers: [{name: Reason, value: \"Q.850;cause=31\"}]\n"
             "    uui: \"customer 7\"\n"
             "  - {action: refuse, reason: Closed, status: 480}\n"
             "  - match: {method: [\"*\"]}\n"
             "    action: proxy\n"
             "    fork: serial\n"
             "    record_route: false\n"
             "    ring_s: 25\n"
             "    uui_hex: 0aff\n"
             "    uui_package: other\n";
    struct config_error error;
    struct config *c = read_text(text, &error);
    test_context(error.text);
    REQUIRE(c != NULL);
    CHECK_INT(c->routes.count, 3);
    const struct rule *r = &c->routes.rule[0];
    CHECK_STR(r->name, "sales");
    CHECK_INT(r->line, 6);
    CHECK_INT(r->methods, 1u << SIP_METHOD_INVITE | 1u << SIP_METHOD_MESSAGE);
    CHECK_INT(r->to_count, 2);
    CHECK_STR(r->to[1].literal, "0049");
    CHECK_INT(r->from_count + r->domain_count + r->device_count, 3);
    CHECK_INT(r->peer_count, 2);
    CHECK_INT(r->called, 1u << RULE_CALLED_REGISTERED | 1u << RULE_CALLED_UNREGISTERED);
    CHECK_INT(r->transports, 1u << TP_TLS | 1u << TP_WSS);
    CHECK_STR(r->wants[1].value, "de");
    CHECK_INT(r->has_count + r->supported_count, 2);
    CHECK(r->header[0].has_value && !r->header[0].absent && r->header[1].absent);
    CHECK_INT(r->uui_count, 2);
    CHECK_INT(r->time_count, 2);
    CHECK_INT(r->percent, 40);
    CHECK_INT(r->action, RULE_REDIRECT);
    CHECK_STR(r->called_number.replace, "0$1");
    CHECK_INT(r->called_number.strip, 1);
    CHECK(r->called_number.to_e164 == &c->plans[0] && r->called_number.from_e164 == NULL);
    CHECK_INT(r->target_count, 4);
    CHECK_INT(r->target[0].q, 700);
    CHECK_INT(r->target[1].q, 1000);
    CHECK_INT(r->target[1].weight, 3);
    CHECK_INT(r->target[2].kind, RULE_TO_PEER);
    CHECK_INT(r->target[3].kind, RULE_TO_URI);
    CHECK(r->by_weight);
    CHECK_INT(r->status, 301);
    CHECK_STR(r->uui_value, "04637573746F6D65722037;encoding=hex;purpose=isdn-uui");
    r = &c->routes.rule[1];
    CHECK_STR(r->name, "rule 2");
    CHECK_INT(r->methods, 1u << SIP_METHOD_INVITE);
    CHECK_INT(r->percent, 100);
    CHECK_INT(r->status, 480);
    CHECK_STR(r->reason, "Closed");
    r = &c->routes.rule[2];
    CHECK(!r->parallel && !r->record_route && !r->recurse);
    CHECK_INT(r->ring_s, 25);
    CHECK_STR(r->uui_value, "0AFF;encoding=hex;purpose=other");
    CHECK_INT(zone_offset(c->routes.zone, 0), 3600);
    config_free(c);
}

static void test_faults_of_routes(void)
{
    static const struct {
        const char *text; /**< behind HEAD, which has three lines */
        unsigned line, column;
        const char *says;
    } t[] = {
        {"routes: [{match: {to: [\"(1\"]}}]\n", 4, 24, "the parenthesis is not closed"},
        {"routes:\n  - match:\n      to: [\"1\", \"[9-1]\"]\n", 6, 17, "runs backwards"},
        {"routes: [{match: {method: [BYE]}}]\n", 4, 28, "begins nothing"},
        {"routes: [{match: {method: [invite]}}]\n", 4, 28, "begins nothing"},
        {"routes: [{match: {peer: [nobody]}}]\n", 4, 26, "no peer nobody"},
        {"routes: [{match: {transport: [sctp]}}]\n", 4, 31, "udp, tcp"},
        {"routes: [{match: {called: [busy]}}]\n", 4, 28, "registered"},
        {"routes: [{match: {time: [\"mon 8:00-9:00\"]}}]\n", 4, 26, "at character 5"},
        {"routes: [{match: {percent: 101}}]\n", 4, 28, "not between"},
        {"routes: [{match: {header: [{name: \"a b\"}]}}]\n", 4, 35, "no header name"},
        {"routes: [{match: {header: [{value: x}]}}]\n", 4, 28, "name is missing"},
        {"routes: [{match: {header: [{name: a, value: \"(\"}]}}]\n", 4, 45, "not closed"},
        {"routes: [{match: {whom: [x]}}]\n", 4, 19, "unknown key \"whom\""},
        {"routes: [{action: drop}]\n", 4, 19, "bridge proxy redirect refuse"},
        {"routes: [{match: {method: [\"*\"]}}]\n", 4, 27,
         "only INVITE can be bridged or referred"},
        {"routes: [{called: {rewrite: \"$1\"}}]\n", 4, 29, "no part of that number"},
        {"routes: [{match: {to: [\"(1)\", \"2\"]}, called: {rewrite: \"$1\"}}]\n", 4, 56,
         "no part of that number"},
        {"routes: [{called: {to_e164: paris}}]\n", 4, 29, "no dialling plan paris"},
        {"routes: [{targets: [{to: \"device:1002\"}]}]\n", 4, 26, "no device 1002"},
        {"routes: [{targets: [{to: \"peer:x\"}]}]\n", 4, 26, "no peer x"},
        {"routes: [{targets: [{to: \"http://x\"}]}]\n", 4, 26, "URI is wanted"},
        {"routes: [{targets: [{to: location, q: 1.5}]}]\n", 4, 39, "0 to 1"},
        {"routes: [{targets: [{weight: 1}]}]\n", 4, 21, "to is missing"},
        {"routes: [{action: redirect, status: 303}]\n", 4, 37, "a redirect is 300"},
        {"routes: [{action: refuse, status: 200}]\n", 4, 35, "400 to 699"},
        {"routes: [{status: 404}]\n", 4, 19, "only redirect and refuse"},
        {"routes: [{reason: x}]\n", 4, 19, "only a refusal"},
        {"routes: [{action: refuse, targets: [{to: location}]}]\n", 4, 36,
         "a refusal has none"},
        {"routes: [{headers: [{name: Via, value: x}]}]\n", 4, 28, "cannot set Via"},
        {"routes: [{headers: [{name: User-to-User, value: x}]}]\n", 4, 28, "uui or uui_hex"},
        {"routes: [{uui_hex: 123}]\n", 4, 20, "pairs of hexadecimal"},
        {"routes: [{uui: a, uui_hex: 12}]\n", 4, 28, "not uui as well"},
        {"routes: [{uui_package: a}]\n", 4, 24, "uui_hex is missing"},
        {"routes: [{uui: a, uui_package: \"a b\"}]\n", 4, 10, "purpose has to be a token"},
        {"routes: [{next_on: [\"200\"]}]\n", 4, 21, "300 to 699"},
        {"routes: [{action: redirect, headers: [{name: a, value: b}], targets: [{to: \"tel:1\"}]}]\n",
         4, 71, "carries no headers"},
        {"routes: [{action: proxy, calling: {strip: 1}}]\n", 4, 35, "only a bridge"},
        {"routes: [{name: a}, {name: a}]\n", 4, 28, "a rule a already"},
        {"time_zone: Nowhere/City\n", 4, 12, "no such zone"},
        {"time_zone: ../../etc/passwd\n", 4, 12, "no such zone"},
    };
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char text[600];
        struct config_error error;
        (void)snprintf(text, sizeof(text), HEAD "%s", t[i].text);
        struct config *c = read_text(text, &error);
        test_context(t[i].text);
        CHECK(c == NULL);
        config_free(c);
        CHECK_INT(error.line, t[i].line);
        CHECK_INT(error.column, t[i].column);
        test_context(error.text);
        CHECK(strstr(error.text, t[i].says) != NULL);
    }
    static const char *const plans[] = {
        "dial_plans: [{name: a, country: x}]\n",
        "dial_plans: [{name: a, country: 123456789}]\n",
        "dial_plans: [{name: a, country: 1}, {name: a, country: 2}]\n"};
    for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
        struct config_error error;
        test_context(plans[i]);
        CHECK(read_text(plans[i], &error) == NULL);
        CHECK_INT(error.line, 1);
        CHECK(error.column > 20);
    }
}

/** Whatever stands in the file: a table, or one fault with a place. */
static void test_prefixes_and_mutations_of_rules(void)
{
    static const char text[] = HEAD
        "routes:\n"
        "  - {name: a, match: {to: [\"+49(*)\", \"/[0-9]{2,3}/\"], time: [\"mon-fri 08:00-18:00\",\n"
        "     12-24], header: [{name: X-A, value: \"b*\"}], percent: 40, peer: [pbx]},\n"
        "     action: redirect, called: {rewrite: \"0$1\", to_e164: berlin}, uui: x,\n"
        "     targets: [{to: \"sip:{number}@h\", q: 0.5}], headers: [{name: B, value: c}]}\n";
    uint64_t seed = 11;
    size_t good = 0;
    for (size_t i = 0; i < sizeof(text) - 1 + 3000; i++) {
        char copy[sizeof(text)];
        struct config_error error = {.text = ""};
        size_t n = i < sizeof(text) - 1 ? i : sizeof(text) - 1;
        memcpy(copy, text, sizeof(text));
        for (size_t k = 0; i >= sizeof(text) - 1 && k < 1 + i % 3; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            copy[sizeof(HEAD) + (seed >> 33) % (sizeof(text) - 1 - sizeof(HEAD))] =
                "\"[]{}:,()*$/-0aX\n "[(seed >> 20) % 19];
        }
        struct str guarded = test_guard(str_make(copy, n));
        struct config *c = config_read("m.yaml", guarded, &error);
        good += c != NULL;
        CHECK((c != NULL) == (error.text[0] == '\0'));
        config_free(c);
        test_guard_free(guarded);
    }
    CHECK(good > 5);
}

static void test_example_routes_are_right(void)
{
    struct str text = test_project_file("examples/routes.yaml");
    struct config_error error = {.text = ""};
    REQUIRE(text.p != NULL);
    struct config *c = config_read("routes.yaml", text, &error);
    test_context(error.text);
    CHECK(c != NULL && c->routes.count == 8);
    config_free(c);
    free((void *)(uintptr_t)text.p);
}

/** Every example in the guide is one that the server takes. */
static void test_guide_to_routes_is_right(void)
{
    static const char head[] =
        "domains: [example.com]\n"
        "devices: [{number: \"1001\"}, {number: \"1002\"}, {number: \"1099\"}]\n"
        "peers: [{name: pbx, uri: \"sip:192.0.2.7\"}, {name: trunk-a, uri: \"sip:192.0.2.8\"},\n"
        "  {name: trunk-b, uri: \"sip:192.0.2.9\"}]\n";
    struct str guide = test_project_file("docs/routing.md"), rest = guide;
    size_t blocks = 0;
    REQUIRE(guide.p != NULL);
    for (;;) {
        size_t from = str_find(rest, STR("```yaml\n"));
        if (from == rest.n) {
            break;
        }
        rest = str_from(rest, from + 8);
        struct str block = str_upto(rest, str_find(rest, STR("```")));
        char text[4096];
        struct config_error error = {.text = ""};
        int n = snprintf(text, sizeof(text), "%s%.*s", head, STR_ARG(block));
        struct config *c = config_read("routing.md", str_make(text, (size_t)n), &error);
        test_context(error.text);
        if (!CHECK(c != NULL)) {
            printf("# in: %.*s\n", STR_ARG(block));
        }
        config_free(c);
        blocks++;
        rest = str_from(rest, block.n + 3);
    }
    CHECK(blocks >= 8);
    free((void *)(uintptr_t)guide.p);
}

static void test_zone_files(void)
{
    static const char *const names[] = {"Europe/Berlin", "America/New_York", "UTC", "+05:30"};
    static const int32_t winter[] = {3600, -18000, 0, 19800};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char text[80];
        struct config_error error;
        (void)snprintf(text, sizeof(text), "time_zone: \"%s\"\n", names[i]);
        struct config *c = read_text(text, &error);
        if (c == NULL && i < 2) {
            continue; /* this machine has no zones */
        }
        test_context(names[i]);
        REQUIRE(c != NULL);
        CHECK_INT(zone_offset(&c->zone, 1767225600), winter[i]); /* 2026-01-01 */
        CHECK_INT(zone_offset(&c->zone, 2556144000), winter[i]); /* 2051-01-01 */
        config_free(c);
    }
}

TEST_MAIN(T(test_a_whole_rule), T(test_faults_of_routes),
          T(test_prefixes_and_mutations_of_rules), T(test_zone_files),
          T(test_example_routes_are_right), T(test_guide_to_routes_is_right))
