/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the border in the configuration: what becomes of them, and what is wrong. */
#include "border/origin.h"
#include "seal/seal.h"
#include "server/config.h"
#include "test.h"
#include <stdio.h>

static struct config *read_text(const char *text, struct config_error *error)
{
    struct str copy = test_guard(str_c(text));
    struct config *c = config_read("test.yaml", copy, error);
    test_guard_free(copy);
    return c;
}

#define PEERS "peers: [{name: pbx, uri: \"sip:192.0.2.7\"}]\nuui:\n  rules:\n"

static void test_no_rules(void)
{
    struct config_error error;
    struct config *c = read_text("{}\n", &error);
    REQUIRE(c != NULL);
    CHECK_INT(c->policy.count, 0);
    CHECK(c->engine.policy == &c->policy);
    CHECK(!c->policy.refuse_plain && !c->policy.strip_long);
    config_free(c);
}

static void test_every_key(void)
{
    static const char text[] =
        "peers: [{name: pbx, uri: \"sip:192.0.2.7\"}]\n"
        "uui:\n"
        "  tls_only: refuse\n"
        "  too_long: strip\n"
        "  packages: [{name: crm, encodings: [text]}]\n"
        "  rules:\n"
        "    - name: ours stays\n"
        "      match:\n"
        "        from: [device, baton]\n"
        "        to: [\"*\", pbx]\n"
        "        direction: out\n"
        "        message: request\n"
        "        method: [INVITE, BYE]\n"
        "        package: [crm, \"x-*\"]\n"
        "        encoding: [hex]\n"
        "        longer_than: 12\n"
        "        place: [header, body]\n"
        "        origin: [redirector, unknown]\n"
        "        verdict: [wrong, ignored]\n"
        "        understood: [no, unknown]\n"
        "        seal: [forged, replayed]\n"
        "        tls: \"no\"\n"
        "      action: strip\n"
        "    - {action: replace, value: '\"a, b\";purpose=crm;encoding=text'}\n"
        "    - {action: refuse, status: 488, reason: Not That}\n"
        "    - {match: {direction: in, message: response, tls: \"yes\"}}\n";
    struct config_error error;
    struct config *c = read_text(text, &error);
    if (c == NULL) {
        config_error_print(&error, stderr);
    }
    REQUIRE(c != NULL);
    REQUIRE(c->policy.count == 4);
    const struct border_rule *r = c->policy.rule;
    CHECK(c->policy.refuse_plain && c->policy.strip_long);
    CHECK_STR(r->name, "ours stays");
    CHECK_INT(r->line, 7);
    CHECK_INT(r->from_count, 2);
    CHECK_STR(r->from[1], "baton");
    CHECK_INT(r->to_count, 2);
    CHECK_STR(r->to[1], "pbx");
    CHECK_INT(r->direction, BORDER_OUT);
    CHECK_INT(r->kind, BORDER_REQUEST);
    CHECK_INT(r->methods, 1u << SIP_METHOD_INVITE | 1u << SIP_METHOD_BYE);
    CHECK_INT(r->package_count, 2);
    CHECK_INT(r->encoding_count, 1);
    CHECK_INT(r->longer_than, 12);
    CHECK_INT(r->places, 1 << BORDER_HEADER | 1 << BORDER_BODY);
    CHECK_INT(r->origins, 1 << UUI_ROLE_REDIRECTOR | 1 << UUI_ROLE_UNKNOWN);
    CHECK_INT(r->verdicts, 1 << UUI_WRONG | 1 << UUI_IGNORED);
    CHECK_INT(r->understood, 1 << BORDER_UNKNOWN | 1 << BORDER_NOT_UNDERSTOOD);
    CHECK_INT(r->seals, 1 << SEAL_FORGED | 1 << SEAL_REPLAYED);
    CHECK_INT(r->secure, BORDER_NO);
    CHECK_INT(r->action, BORDER_STRIP);
    CHECK_STR(r[1].name, "rule 2");
    CHECK_STR(r[1].value, "\"a, b\";purpose=crm;encoding=text");
    CHECK_INT(r[2].status, 488);
    CHECK_STR(r[2].reason, "Not That");
    CHECK_INT(r[3].action, BORDER_PASS);
    CHECK_INT(r[3].direction, BORDER_IN);
    CHECK_INT(r[3].kind, BORDER_RESPONSE);
    CHECK_INT(r[3].secure, BORDER_YES);
    config_free(c);
}

struct fault {
    const char *rule; /**< behind "    - " */
    unsigned line, column;
    const char *text;
};

static const struct fault faults[] = {
    {"{match: {from: [trunk]}}", 4, 23, "there is no peer trunk"},
    {"{match: {to: [baton]}}", 4, 21, "there is no peer baton"},
    {"{match: {method: [INFORM]}}", 4, 25, "INFORM is not known"},
    {"{match: {place: [head]}}", 4, 24, "one of header x-header uri-header"},
    {"{match: {origin: [me]}}", 4, 25, "one of unknown originator"},
    {"{match: {verdict: [bad]}}", 4, 26, "one of valid ignored wrong"},
    {"{match: {understood: [maybe]}}", 4, 29, "one of unknown no yes"},
    {"{match: {seal: [broken]}}", 4, 23, "one of not-sealed ok forged"},
    {"{match: {direction: in, to: [pbx]}}", 4, 35, "goes to nobody yet"},
    {"{match: {direction: up}}", 4, 27, ""},
    {"{action: drop}", 4, 0, ""},
    {"{action: strip, status: 403}", 4, 31, "only a refusal has one"},
    {"{action: pass, reason: x}", 4, 30, "only a refusal has one"},
    {"{action: refuse, status: 302}", 4, 32, "400 to 699 is wanted"},
    {"{action: replace}", 4, 7, "a rule that replaces has one"},
    {"{action: strip, value: 04}", 4, 30, "only a rule that replaces"},
    {"{action: replace, value: 04A}", 4, 32, "odd number of hex digits"},
    {"{action: replace, value: 'x;purpose=y'}", 4, 32, "the package is not known"},
    {"{name: a}\n    - {name: a}", 5, 14, "there is a rule a already"},
};

static void test_rule_faults(void)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
        const struct fault *f = &faults[i];
        struct config_error error;
        char text[400];
        (void)snprintf(text, sizeof(text), PEERS "    - %s\n", f->rule);
        test_context(f->rule);
        struct config *c = read_text(text, &error);
        if (!CHECK(c == NULL)) {
            config_free(c);
            continue;
        }
        CHECK_INT(error.line, f->line);
        if (f->column > 0) {
            CHECK_INT(error.column, f->column);
        }
        CHECK(strstr(error.text, f->text) != NULL);
    }
    test_context(NULL);
}

TEST_MAIN(T(test_no_rules), T(test_every_key), T(test_rule_faults))
