/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User of route rules, through the bridge and through the proxy: beside what the caller
 * has sent, sealed when its package has a key, and kept when who is called redirects.
 */
#include "../unit/kit_seal_keys.h"
#include "seal/value.h"
#include "service.h"
#include "uui/message.h"

#include <stdio.h>

static struct service s;
static struct uui_package row[2];
static struct uui_packages packages;
static struct seal_keys *ours, *theirs;
static struct seal far_end;

#define RULED "04B1;encoding=hex;purpose=isdn-uui"
#define CRM "B2;encoding=hex;purpose=crm"

static void use(struct world *w)
{
    packages = (struct uui_packages){.row = row, .n = 2};
    w->config.packages = &packages;
    w->config.seal_keys = ours;
}

/** 700 goes to 1003 with a value of that package. */
static struct rule *up(enum role role, const char *package, uint16_t key)
{
    bool isdn = strcmp(package, "isdn-uui") == 0;
    row[0] = *uui_package_of(NULL, uui_isdn);
    row[1] = (struct uui_package){.name = STR("crm")};
    row[isdn ? 0 : 1].seal_key = key;
    ours = seal_keys_new(&mem_libc);
    theirs = seal_keys_new(&mem_libc);
    CHECK_INT(kit_add_keys(ours, true), 0);
    CHECK_INT(kit_add_keys(theirs, false), 0);
    service_begin(&s, role);
    s.tweak = use;
    struct rule *r = service_rule(&s, "700", role == ROLE_PROXY ? RULE_PROXY : RULE_BRIDGE);
    r->recurse = r->parallel = r->record_route = true;
    r->uui_value = isdn ? STR(RULED) : STR(CRM);
    r->uui_octets = isdn ? STR("\x04\xb1") : STR("\xb2");
    r->uui_package = str_c(package);
    service_target(&s, r, RULE_TO_DEVICE, "1003");
    service_up(&s);
    CHECK_INT(seal_init(&far_end, &s.w.plain, &(struct seal_config){0}), 0);
    seal_set_keys(&far_end, theirs);
    return r;
}

static void down(void)
{
    service_down(&s);
    seal_fini(&far_end);
    seal_keys_free(ours);
    seal_keys_free(theirs);
}

static void call(const char *uui)
{
    char line[128] = "";
    if (uui != NULL) {
        (void)snprintf(line, sizeof(line), "User-to-User: %s\r\n", uui);
    }
    REQUIRE(phone_call(s.ann, "700", true, str_c(line)) != NULL);
    service_run(&s, 300);
}

/** All values of the first INVITE to a phone, line by line. */
static struct str values(const struct phone *p)
{
    static char text[256];
    struct str m = wire_find(&s.w.wire, &s.w.node, &p->s.node, "INVITE", 0), one;
    size_t n = 0;
    text[0] = '\0';
    for (size_t i = 0; str_is_set(m) && str_is_set(one = wire_raw(m, "User-to-User", i)); i++) {
        one = str_trim(one);
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.*s", i > 0 ? ", " : "",
                              STR_ARG(one));
    }
    return str_make(text, n);
}

static const struct {
    const char *package, *had, *want;
} rows[] = {
    {"isdn-uui", NULL, RULED},
    {"isdn-uui", "C3;encoding=hex;purpose=crm", RULED ", C3;encoding=hex;purpose=crm"},
    {"isdn-uui", "04AA;encoding=hex", "04AA;encoding=hex"},
    {"isdn-uui", "04b1;encoding=hex", "04b1;encoding=hex"},
    {"isdn-uui", "x;purpose=other, 04AA", "x;purpose=other, 04AA"},
    {"crm", "04AA;encoding=hex", CRM ", 04AA;encoding=hex"},
    {"crm", "C3;encoding=hex;purpose=crm", "C3;encoding=hex;purpose=crm"},
    {"crm", "\"un;closed", CRM ", \"un;closed"},
};

static void test_beside_the_callers(void)
{
    for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
        char why[80];
        (void)snprintf(why, sizeof(why), "%s row %zu", i % 2 == 0 ? "bridge" : "proxy", i / 2);
        test_context(why);
        up(i % 2 == 0 ? ROLE_BRIDGE : ROLE_PROXY, rows[i / 2].package, 0);
        call(rows[i / 2].had);
        CHECK_STR(values(s.cleo), rows[i / 2].want);
        down();
    }
    test_context(NULL);
}

/** Who is called redirects: all that he got goes on. */
static void test_rule_redirected(void)
{
    for (int i = 0; i < 2; i++) {
        test_context(i == 0 ? "bridge" : "proxy");
        up(i == 0 ? ROLE_BRIDGE : ROLE_PROXY, "crm", 0);
        s.cleo->on_call = 302;
        s.cleo->answer_lines = STR("Contact: <sip:1004@example.com>\r\n");
        call("04AA;encoding=hex");
        CHECK_STR(values(s.cleo), CRM ", 04AA;encoding=hex");
        CHECK_STR(values(s.dan), CRM ", 04AA;encoding=hex");
        down();
    }
    test_context(NULL);
}

/** The value of a package, opened at the far end. */
static void check_sealed(const struct phone *p, const char *package, const char *octets)
{
    struct arena a;
    struct uui_list list = {0};
    struct seal_opened opened;
    struct str all = values(p);
    size_t found = 0;
    arena_init(&a, &mem_libc, 4096);
    CHECK_INT(uui_list_parse(&all, 1, &packages, &a, &list), 0);
    for (size_t i = 0; i < list.n; i++) {
        const struct uui_value *v = &list.v[i];
        if (!str_ieq(v->package, str_c(package))) {
            continue;
        }
        struct seal_about about = seal_about_of(uui_package_of(&packages, v->package),
                                                v->package, v->content, SEAL_FORWARD);
        found++;
        CHECK_INT(seal_open(&far_end, &about, v->octets, 0, s.w.plain.wall_s(s.w.plain.ctx), &a,
                            &opened),
                  SEAL_OK);
        CHECK_STR(opened.plain, octets);
    }
    CHECK_INT(found, 1);
    arena_fini(&a);
}

static void test_sealed(void)
{
    static const char *const package[] = {"isdn-uui", "crm"};
    for (int i = 0; i < 4; i++) {
        test_context(i % 2 == 0 ? "bridge" : "proxy");
        up(i % 2 == 0 ? ROLE_BRIDGE : ROLE_PROXY, package[i / 2], SIV_KEY);
        call(i / 2 == 0 ? "C3;encoding=hex;purpose=crm" : "04AA;encoding=hex");
        check_sealed(s.cleo, package[i / 2], i / 2 == 0 ? "\x04\xb1" : "\xb2");
        down();
    }
    test_context(NULL);
}

/** A seal is good for two minutes: after that the transfer of the call seals the octets anew.
 */
static void test_sealed_anew(void)
{
    up(ROLE_BRIDGE, "crm", SIV_KEY);
    call(NULL);
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 300000);
    service_send(&s, s.cleo, "REFER", "Refer-To: <sip:1004@example.com>\r\n", NULL, NULL);
    service_run(&s, 500);
    check_sealed(s.dan, "crm", "\xb2");
    down();
}

/** In a redirection and a referral of ours, too. */
static void test_sealed_in_uris(void)
{
    for (int i = 0; i < 2; i++) {
        struct rule *r = up(ROLE_BRIDGE, "crm", SIV_KEY);
        r->action = i == 0 ? RULE_REDIRECT : RULE_REFER;
        r->status = 302;
        s.ann->s.legs.config.allow = STR("INVITE, ACK, CANCEL, BYE, NOTIFY, REFER");
        call(NULL);
        struct str to = service_to(&s, &s.ann->s.node, i == 0 ? "302 INVITE" : "REFER", 0,
                                   i == 0 ? "Contact" : "Refer-To");
        CHECK(str_find(to, STR("User-to-User=00B")) < to.n); /* a frame begins 00 B2 or 00 B3 */
        CHECK_INT(str_find(to, STR("User-to-User=B2")), to.n);
        down();
    }
}

/** A key that is not there any more: the call is refused, and nothing goes in clear. */
static void test_never_in_clear(void)
{
    for (int i = 0; i < 2; i++) {
        up(i == 0 ? ROLE_BRIDGE : ROLE_PROXY, "crm", 99);
        call(NULL);
        CHECK_INT(wire_count(&s.w.wire, &s.w.node, &s.cleo->s.node, "INVITE"), 0);
        CHECK_INT(wire_count(&s.w.wire, &s.w.node, &s.ann->s.node, "503 INVITE"), 1);
        down();
    }
}

static void test_without_memory(void)
{
    for (size_t at = 1; at < 120; at++) {
        up(at % 2 == 0 ? ROLE_BRIDGE : ROLE_PROXY, "crm", SIV_KEY);
        s.w.hard = true;
        s.w.mem.fail_at = s.w.mem.calls + at;
        (void)phone_call(s.ann, "700", true, STR("User-to-User: 04AA;encoding=hex\r\n"));
        service_run(&s, 500);
        s.w.mem.fail_at = 0;
        if (wire_count(&s.w.wire, &s.w.node, &s.cleo->s.node, "INVITE") > 0) {
            check_sealed(s.cleo, "crm", "\xb2");
        }
        down();
    }
}

TEST_MAIN(T(test_beside_the_callers), T(test_rule_redirected), T(test_sealed),
          T(test_sealed_anew), T(test_sealed_in_uris), T(test_never_in_clear),
          T(test_without_memory))
