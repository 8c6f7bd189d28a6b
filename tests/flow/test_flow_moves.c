/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-to-User of a call that goes to somebody else, through bridge and proxy: redirections
 * within a domain and out of it, referrals, services, chains of them; and whether who gets the
 * call can tell who put the value in (RFC 7433 §4.3), from what stands in his INVITE.
 */
#include "border/origin.h"
#include "kit_msg.h"
#include "service.h"
#include "uui/merge.h"
#include "uui/message.h"

static struct service s;
static struct uui_carriage rules;

#define A "04AA;encoding=hex"
#define B "04BB;encoding=hex"
#define C "04CC;encoding=hex"
#define Q "BB;encoding=hex;purpose=crm"
#define URI(hex) "User-to-User=" hex "%3Bencoding%3Dhex"
#define URI_Q URI("BB") "%3Bpurpose%3Dcrm"
#define BOB "sip:1002@example.com"
#define CLEO "sip:1003@example.com"

/** The gateway is somebody else's. */
static void use(struct world *w)
{
    w->peer[0].domain = PEER_OUTSIDE;
    w->config.call.carriage = w->config.proxy.carriage = &rules;
}

static void begin(enum role role, bool recurse)
{
    service_begin(&s, role);
    rules = uui_carriage_default;
    s.tweak = use;
    for (const char *const *n = (const char *const[]){"1002", "1003", NULL};
         role == ROLE_PROXY && recurse && *n != NULL; n++) {
        struct rule *r = service_rule(&s, *n, RULE_PROXY);
        r->recurse = true;
        r->parallel = true;
    }
}

static struct str invite_to(const struct vnode *party, size_t nth)
{
    return wire_find(&s.w.wire, &s.w.node, party, "INVITE", nth);
}

static struct str uui_to(const struct vnode *party, size_t nth)
{
    struct str m = invite_to(party, nth);
    return str_is_set(m) ? str_trim(wire_raw(m, "User-to-User", 0)) : STR("no INVITE");
}

/** "redirector sip:1002@example.com" for the first value of an INVITE, which is believed. */
static const char *origin_in(struct str invite)
{
    static char text[160];
    static struct kit_msg k;
    struct uui_origin o;
    struct uui_list list = {0};
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    struct origin_args q = {.m = &k.m, .trusted = true};
    if (!str_is_set(invite) || !kit_index(&k, invite) ||
        uui_list_of_msg(&k.m, NULL, &a, &list) != 0 || list.n == 0) {
        arena_fini(&a);
        return "no value";
    }
    q.value = &list.v[0];
    CHECK_INT(origin_of(&a, &q, &o), 0);
    (void)snprintf(text, sizeof(text), "%s %.*s%s", uui_role_text((enum uui_role)o.role),
                   STR_ARG(o.identity), o.conflicts != 0 ? " conflict" : "");
    arena_fini(&a);
    return text;
}

/* ---- redirections ---- */

static const struct row {
    const char *name, *had, *contact; /**< of bob's 302 */
    bool foreign;                     /**< it leads to the gateway */
    enum uui_replacing may;
    bool strict;
    const char *values, *origin;
    unsigned replaced, refused, forbidden;
} rows[] = {
    {"no value, one given", NULL, URI("04BB"), false, UUI_REPLACE_IN_DOMAIN, false, B,
     "redirector " BOB, 0, 0, 0},
    {"no value, one given, foreign", NULL, URI("04BB"), true, UUI_REPLACE_IN_DOMAIN, false, B,
     "redirector " BOB, 0, 0, 0},
    {"a value, none given", A, "", false, UUI_REPLACE_IN_DOMAIN, false, A,
     "originator sip:1001@example.com", 0, 0, 0},
    {"equal octets", A, URI("04aa"), true, UUI_REPLACE_IN_DOMAIN, false, A,
     "originator sip:1001@example.com", 0, 0, 0},
    {"different, one domain", A, URI("04BB"), false, UUI_REPLACE_IN_DOMAIN, false, B,
     "redirector " BOB, 1, 0, 0},
    {"different, foreign", A, URI("04BB"), true, UUI_REPLACE_IN_DOMAIN, false, A,
     "originator sip:1001@example.com", 0, 1, 0},
    {"different, foreign, allowed", A, URI("04BB"), true, UUI_REPLACE, false, B,
     "redirector " BOB, 1, 0, 0},
    {"different, one domain, not allowed", A, URI("04BB"), false, UUI_KEEP, false, A,
     "originator sip:1001@example.com", 0, 1, 0},
    {"another package", A, URI_Q, true, UUI_REPLACE_IN_DOMAIN, false, Q ", " A,
     "redirector " BOB, 0, 0, 0},
    {"isdn-uui, strict", A, URI("04BB"), false, UUI_REPLACE, true, A,
     "originator sip:1001@example.com", 0, 0, 1},
};

static void count_note(void *ctx, const struct border_note *n)
{
    unsigned *count = ctx;
    count[strcmp(n->why, "foreign replacement refused") == 0 ? 0 : 1]++;
    CHECK_STR(str_c(n->package), "isdn-uui");
    CHECK_INT(n->octets, 2);
    CHECK_INT(n->action, BORDER_STRIP);
    CHECK_STR(n->peer, "device");
}

/** What stayed behind is noted, and nothing else is. */
static void check_notes(unsigned refused, unsigned forbidden)
{
    unsigned count[2] = {0};
    engine_each_note(s.w.engine, STR_NONE, count_note, count);
    CHECK_INT(count[0], refused);
    CHECK_INT(count[1], forbidden);
}

static void redirect(enum role role, const struct row *r)
{
    char contact[160], line[64] = "";
    const struct vnode *target;
    test_context(r->name);
    begin(role, true);
    rules.replacing[UUI_MOVE_REDIRECT] = (uint8_t)r->may;
    rules.isdn_strict = r->strict;
    service_up(&s);
    target = r->foreign ? &s.w.gateway.node : &s.cleo->s.node;
    (void)snprintf(contact, sizeof(contact), "Contact: <sip:%s@example.com%s%s>\r\n",
                   r->foreign ? "9555" : "1003", *r->contact != 0 ? "?" : "", r->contact);
    s.bob->on_call = 302;
    s.bob->answer_lines = str_c(contact);
    if (r->had != NULL) {
        (void)snprintf(line, sizeof(line), "User-to-User: %s\r\n", r->had);
    }
    REQUIRE(phone_call(s.ann, "1002", true, str_c(line)) != NULL);
    service_run(&s, 200);
    CHECK_STR(uui_to(target, 0), r->values);
    CHECK(!str_is_set(wire_raw(invite_to(target, 0), "User-to-User", 1)));
    CHECK_STR(str_c(origin_in(invite_to(target, 0))), r->origin);
    CHECK_INT(world_stat(&s.w, "uui_move_replaced"), r->replaced);
    CHECK_INT(world_stat(&s.w, "uui_move_refused"), r->refused);
    CHECK_INT(world_stat(&s.w, "uui_move_forbidden"), r->forbidden);
    check_notes(r->refused, r->forbidden);
    service_down(&s);
    test_context(NULL);
}

static void test_redirections(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        redirect(ROLE_BRIDGE, &rows[i]);
        redirect(ROLE_PROXY, &rows[i]);
    }
}

/** Two redirections: what the second one names is seen against what the first one gave. */
static void chain(enum role role, const char *second, enum uui_replacing may,
                  const char *values, const char *origin)
{
    char contact[160];
    begin(role, true);
    rules.replacing[UUI_MOVE_REDIRECT] = (uint8_t)may;
    service_up(&s);
    (void)snprintf(contact, sizeof(contact), "Contact: <sip:1004@example.com%s>\r\n", second);
    s.bob->on_call = s.cleo->on_call = 302;
    s.bob->answer_lines = STR("Contact: <sip:1003@example.com?" URI("04BB") ">\r\n");
    s.cleo->answer_lines = str_c(contact);
    REQUIRE(phone_call(s.ann, "1002", true, STR_NONE) != NULL);
    service_run(&s, 300);
    CHECK_STR(uui_to(&s.cleo->s.node, 0), B);
    CHECK_STR(str_c(origin_in(invite_to(&s.cleo->s.node, 0))), "redirector " BOB);
    CHECK_STR(uui_to(&s.dan->s.node, 0), values);
    CHECK_STR(str_c(origin_in(invite_to(&s.dan->s.node, 0))), origin);
    service_down(&s);
}

static void test_chains(void)
{
    for (unsigned i = 0; i < 2; i++) {
        enum role role = i == 0 ? ROLE_BRIDGE : ROLE_PROXY;
        test_context(i == 0 ? "bridge" : "proxy");
        chain(role, "", UUI_REPLACE_IN_DOMAIN, B, "redirector " BOB);
        chain(role, "?" URI("04bb"), UUI_REPLACE_IN_DOMAIN, B, "redirector " BOB);
        chain(role, "?" URI("04CC"), UUI_REPLACE_IN_DOMAIN, C, "redirector " CLEO);
        chain(role, "?" URI("04CC"), UUI_KEEP, B, "redirector " BOB);
    }
    test_context(NULL);
}

/** The proxy that does not recurse gives the 3xx back, untouched. */
static void test_passed(void)
{
    begin(ROLE_PROXY, false);
    service_up(&s);
    s.bob->on_call = 302;
    s.bob->answer_lines = STR("Contact: <sip:1003@example.com?" URI("04BB") ">\r\n");
    REQUIRE(phone_call(s.ann, "1002", true, STR("User-to-User: " A "\r\n")) != NULL);
    service_run(&s, 200);
    CHECK_STR(service_to(&s, &s.ann->s.node, "302 INVITE", 0, "Contact"),
              "<sip:1003@example.com?" URI("04BB") ">");
    CHECK_STR(uui_to(&s.bob->s.node, 0), A);
    service_down(&s);
}

/* ---- whose domain it is ---- */

static const char *proven; /**< what the gateway's certificate says */

static bool proves(void *ctx, const struct hop *hop, struct str name)
{
    (void)ctx;
    CHECK(transport_is_secure((enum transport)hop->transport));
    return str_ieq(name, str_c(proven));
}

static void use_tls(struct world *w)
{
    use(w);
    w->node.env.proves = proven != NULL ? proves : NULL;
    w->peer[0].transport = TP_TLS;
    w->peer[0].port = w->peer[0].addr.port = 5061;
}

/** The gateway, somebody else's, sends the call on to another number of its own. */
static void gateway_redirects(enum role role, const char *certificate, const char *values)
{
    struct text_msg t;
    struct hop back;
    begin(role, true);
    if (role == ROLE_PROXY) {
        struct rule *r = service_rule(&s, "9*", RULE_PROXY);
        r->recurse = r->parallel = true;
    }
    s.tweak = use_tls;
    proven = certificate;
    service_up(&s);
    REQUIRE(phone_call(s.ann, "9555", true, STR("User-to-User: " A "\r\n")) != NULL);
    service_run(&s, 200);
    t = world_take(&s.w.gateway, "INVITE");
    back = raw_from(&s.w.gateway);
    raw_reply(&s.w.gateway, &back, t.m, "302 Moved Temporarily", "t",
              "Contact: <sip:9777@10.0.2.1?" URI("04BB") ">\n", "");
    service_run(&s, 200);
    text_free(&t);
    t = world_take(&s.w.gateway, "ACK");
    text_free(&t);
    t = world_take(&s.w.gateway, "INVITE");
    CHECK_STR(str_trim(text_value(&t, "User-to-User")), values);
    raw_reply(&s.w.gateway, &back, t.m, "486 Busy Here", "u", "", "");
    text_free(&t);
    service_run(&s, 200);
    service_down(&s);
}

/** Over TLS only the certificate says who has redirected. */
static void test_certificate(void)
{
    for (unsigned i = 0; i < 2; i++) {
        enum role role = i == 0 ? ROLE_BRIDGE : ROLE_PROXY;
        test_context(i == 0 ? "bridge" : "proxy");
        gateway_redirects(role, "10.0.2.1", B);
        gateway_redirects(role, "elsewhere.example", A);
        gateway_redirects(role, NULL, A);
    }
    test_context(NULL);
}

/* ---- our own redirections and referrals ---- */

static void by_rule(enum rule_action action, const char *had, const char *target,
                    const char *value, const char *want)
{
    char line[64] = "";
    service_begin(&s, ROLE_BRIDGE);
    rules = uui_carriage_default;
    s.tweak = use;
    struct rule *r = service_rule(&s, "700", action);
    r->status = 302;
    r->uui_value = str_c(value);
    service_target(&s, r, RULE_TO_URI, target);
    service_up(&s);
    s.ann->s.legs.config.allow = STR("INVITE, ACK, CANCEL, BYE, NOTIFY, REFER");
    if (had != NULL) {
        (void)snprintf(line, sizeof(line), "User-to-User: %s\r\n", had);
    }
    REQUIRE(phone_call(s.ann, "700", true, str_c(line)) != NULL);
    service_run(&s, 100);
    bool refers = action == RULE_REFER;
    CHECK_STR(service_to(&s, &s.ann->s.node, refers ? "REFER" : "302 INVITE", 0,
                         refers ? "Refer-To" : "Contact"),
              want);
    service_down(&s);
}

#define FAR "sip:{number}@far.example"
#define NEAR "sip:1003@example.com"

static void test_own(void)
{
    by_rule(RULE_REDIRECT, NULL, FAR, B, "<sip:700@far.example?" URI("04BB") ">");
    by_rule(RULE_REDIRECT, A, FAR, B, "<sip:700@far.example>");
    CHECK_INT(s.rules, 1);
    by_rule(RULE_REDIRECT, A, FAR, Q, "<sip:700@far.example?" URI_Q ">");
    by_rule(RULE_REDIRECT, A, NEAR, B, "<" NEAR "?" URI("04BB") ">");
    by_rule(RULE_REDIRECT, B, NEAR, B, "<" NEAR ">");
    /* who refers has the whole context written: the caller begins anew */
    by_rule(RULE_REFER, NULL, FAR, B, "<sip:700@far.example?" URI("04BB") ">");
    by_rule(RULE_REFER, A, FAR, Q,
            "<sip:700@far.example?" URI_Q "%2C%20"
            "04AA%3Bencoding%3Dhex>");
    by_rule(RULE_REFER, A, NEAR, B, "<" NEAR "?" URI("04BB") ">");
}

/* ---- referrals ---- */

/** ann and bob talk, with A; bob refers ann to cleo. */
static void referred(enum uui_replacing may, const char *refer_to, const char *lines,
                     const char *values, const char *origin)
{
    char text[256];
    begin(ROLE_BRIDGE, false);
    rules.replacing[UUI_MOVE_BLIND] = (uint8_t)may;
    service_up(&s);
    REQUIRE(phone_call(s.ann, "1002", true, STR("User-to-User: " A "\r\n")) != NULL);
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    (void)snprintf(text, sizeof(text), "Refer-To: <sip:1003@example.com%s>\r\n%s", refer_to,
                   lines);
    service_send(&s, s.bob, "REFER", text, NULL, NULL);
    service_run(&s, 300);
    CHECK_STR(uui_to(&s.cleo->s.node, 0), values);
    CHECK_STR(str_c(origin_in(invite_to(&s.cleo->s.node, 0))), origin);
}

static void test_referrals(void)
{
    const char *by = "Referred-By: <" BOB ">\r\n";
    referred(UUI_REPLACE, "?" URI("04BB"), by, B, "referrer " BOB);
    CHECK_INT(world_stat(&s.w, "uui_move_replaced"), 1);
    service_down(&s);
    referred(UUI_REPLACE, "?" URI("04BB"), "", B, "redirector " BOB); /* who else sent it? */
    service_down(&s);
    referred(UUI_KEEP, "?" URI("04BB"), by, A, "referrer " BOB);
    CHECK_INT(world_stat(&s.w, "uui_move_refused"), 1);
    service_down(&s);
    referred(UUI_REPLACE, "?" URI_Q, by, Q ", " A, "referrer " BOB);
    service_down(&s);
    referred(UUI_REPLACE, "", by, A, "referrer " BOB);
    service_down(&s);
}

/** cleo, who is referred to, redirects to dan. */
static void referred_and_redirected(const char *contact, const char *values, const char *origin)
{
    static const char refer[] =
        "Refer-To: <" CLEO "?" URI("04BB") ">\r\nReferred-By: <" BOB ">\r\n";
    char text[160];
    begin(ROLE_BRIDGE, false);
    service_up(&s);
    (void)snprintf(text, sizeof(text), "Contact: <sip:1004@example.com%s>\r\n", contact);
    s.cleo->on_call = 302;
    s.cleo->answer_lines = str_c(text);
    REQUIRE(phone_call(s.ann, "1002", true, STR_NONE) != NULL);
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    service_send(&s, s.bob, "REFER", refer, NULL, NULL);
    service_run(&s, 400);
    CHECK_STR(uui_to(&s.dan->s.node, 0), values);
    CHECK_STR(str_c(origin_in(invite_to(&s.dan->s.node, 0))), origin);
    CHECK_INT(phone_answer(s.dan), 0);
    service_run(&s, 5000);
    CHECK(phone_talks(s.ann) && phone_talks(s.dan));
    service_down(&s);
}

static void test_refer_then_redirect(void)
{
    referred_and_redirected("", B, "referrer " BOB);
    referred_and_redirected("?" URI("04CC"), C, "redirector " CLEO);
}

/** Attended: what the second call had stays behind, what the call has may be kept. */
static void attended(enum uui_replacing may, const char *values)
{
    char text[512];
    struct line first;
    begin(ROLE_BRIDGE, false);
    rules.replacing[UUI_MOVE_ATTENDED] = (uint8_t)may;
    service_up(&s);
    REQUIRE(phone_call(s.ann, "1002", true, STR("User-to-User: " A "\r\n")) != NULL);
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    first = line_keep(s.bob);
    REQUIRE(phone_call(s.bob, "1003", true, STR("User-to-User: " C "\r\n")) != NULL);
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 200);
    (void)snprintf(text, sizeof(text), "Refer-To: <sip:1003@example.com?%s&%s>\r\n",
                   service_replaces(s.bob->s.leg), URI("04BB"));
    struct line second = line_keep(s.bob);
    line_resume(s.bob, &first);
    service_send(&s, s.bob, "REFER", text, NULL, NULL);
    service_run(&s, 500);
    CHECK_STR(uui_to(&s.cleo->s.node, 1), values);
    (void)second;
    service_run(&s, 5000);
    CHECK(phone_talks(s.ann) && phone_talks(s.cleo));
    service_down(&s);
}

static void test_attended(void)
{
    attended(UUI_REPLACE, B);
    attended(UUI_KEEP, A);
}

/* ---- services ---- */

/** An application moves ann's call from bob to cleo. */
static void moved(const char *service, enum uui_replacing may, const char *values)
{
    bool deflects = strcmp(service, "DeflectCall") == 0;
    struct ask *ask;
    begin(ROLE_BRIDGE, false);
    rules.replacing[UUI_MOVE_SERVICE] = (uint8_t)may;
    s.apps = true;
    service_up(&s);
    REQUIRE(phone_call(s.ann, "1002", true, STR("User-to-User: " A ", " Q "\r\n")) != NULL);
    (void)world_monitor(&s.w, &s.w.crm, "1002");
    service_run(&s, 200);
    if (!deflects) {
        CHECK_INT(phone_answer(s.bob), 0);
        service_run(&s, 200);
    }
    ask = app_on_connection(
        &s.w.crm, service, deflects ? "callToBeDiverted" : "activeCall", "c1", "1002",
        deflects
            ? "<newDestination>1003</newDestination><userData><string>04DD</string></userData>"
            : "<transferredTo>1003</transferredTo><userData><string>04DD</string></userData>");
    service_run(&s, 300);
    CHECK_INT(ask->answers, 1);
    CHECK_STR(uui_to(&s.cleo->s.node, 0), values);
    service_down(&s);
}

static void test_services(void)
{
    moved("DeflectCall", UUI_REPLACE, "04DD;encoding=hex;purpose=isdn-uui, " Q);
    moved("DeflectCall", UUI_KEEP, A ", " Q);
    moved("SingleStepTransferCall", UUI_REPLACE, "04DD;encoding=hex;purpose=isdn-uui, " Q);
    moved("SingleStepTransferCall", UUI_KEEP, A ", " Q);
}

/* ---- memory ---- */

/** What a move must never lead to: a value that may not go there, or two of isdn-uui. */
static void check_sane(const struct vnode *party, const char *never)
{
    for (size_t i = 0; str_is_set(invite_to(party, i)); i++) {
        struct str m = invite_to(party, i);
        struct str first = wire_raw(m, "User-to-User", 0);
        size_t at = str_find(first, STR("04"));
        CHECK_INT(str_find(m, str_c(never)), m.n);
        CHECK(!str_is_set(wire_raw(m, "User-to-User", 1)));
        CHECK_INT(str_find(str_from(first, at + 1), STR("04")),
                  at < first.n ? first.n - at - 1 : 0);
    }
}

/** Every allocation of a redirected and of a referred call fails once. */
static void test_moved_without_memory(void)
{
    for (size_t at = 1; at < 150; at++) {
        enum role role = at % 2 == 0 ? ROLE_BRIDGE : ROLE_PROXY;
        begin(role, true);
        service_up(&s);
        s.w.hard = true;
        s.bob->on_call = 302;
        s.bob->answer_lines = STR("Contact: <sip:9555@example.com?" URI("04BB") ">\r\n");
        s.w.mem.fail_at = s.w.mem.calls + at;
        (void)phone_call(s.ann, "1002", true, STR("User-to-User: " A "\r\n"));
        service_run(&s, 500);
        s.w.mem.fail_at = 0;
        check_sane(&s.w.gateway.node, "04BB");
        service_down(&s);
    }
    for (size_t at = 1; at < 100; at++) {
        begin(ROLE_BRIDGE, false);
        rules.replacing[UUI_MOVE_BLIND] = UUI_KEEP;
        service_up(&s);
        s.w.hard = true;
        REQUIRE(phone_call(s.ann, "1002", true, STR("User-to-User: " A "\r\n")) != NULL);
        service_run(&s, 200);
        CHECK_INT(phone_answer(s.bob), 0);
        service_run(&s, 200);
        s.w.mem.fail_at = s.w.mem.calls + at;
        service_send(&s, s.bob, "REFER",
                     "Refer-To: <sip:1003@example.com?" URI("04BB") "&" URI_Q ">\r\n", NULL,
                     NULL);
        service_run(&s, 500);
        s.w.mem.fail_at = 0;
        check_sane(&s.cleo->s.node, "04BB");
        service_down(&s);
    }
}

TEST_MAIN(T(test_redirections), T(test_chains), T(test_passed), T(test_certificate),
          T(test_own), T(test_referrals), T(test_refer_then_redirect), T(test_attended),
          T(test_services), T(test_moved_without_memory))
