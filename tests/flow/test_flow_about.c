/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What events say in private data about the User-to-User that they have (docs/csta-private.md):
 * package, verdict, who put it in and what speaks for that, and what the border did.
 */
#include "../unit/kit_seal_keys.h"
#include "seal/value.h"
#include "service.h"

#include "csta/xml.h"
#include "uui/merge.h"
#include <stdio.h>

static struct service s;

#define HEAD "<userToUser xmlns=\"" CSTA_PRIVATE_NAMESPACE "\">"
#define TAIL "</userToUser>"
#define VALID(octets, hex)                                                                    \
    "<value package=\"isdn-uui\" encoding=\"hex\" octets=\"" octets "\" discriminator=\"" hex \
    "\""

static struct border_rule rule;
static const struct border_policy policy = {.rule = &rule, .count = 1};

static void begin(void (*tweak)(struct world *w))
{
    service_begin(&s, ROLE_BRIDGE);
    s.apps = true;
    s.tweak = tweak;
    service_up(&s);
}

static const struct csta_common_arguments *extensions_of(const struct csta_msg *m)
{
    switch ((unsigned)m->id) {
    case CSTA_MSG_DELIVERED_EVENT:
        return m->delivered_event->extensions;
    case CSTA_MSG_ESTABLISHED_EVENT:
        return m->established_event->extensions;
    case CSTA_MSG_CONNECTION_CLEARED_EVENT:
        return m->connection_cleared_event->extensions;
    case CSTA_MSG_DIVERTED_EVENT:
        return m->diverted_event->extensions;
    case CSTA_MSG_TRANSFERRED_EVENT:
        return m->transferred_event->extensions;
    case CSTA_MSG_FAILED_EVENT:
        return m->failed_event->extensions;
    case CSTA_MSG_ORIGINATED_EVENT:
        return m->originated_event->extensions;
    default:
        return NULL;
    }
}

/** The private data of the first event of a monitor that begins so; absent: it has none. */
static struct str about(const char *ref, const char *event)
{
    for (size_t i = s.w.crm.forgotten; i < s.w.crm.notes; i++) {
        const struct note *n = &s.w.crm.note[i];
        if (strcmp(n->ref, ref) == 0 && strncmp(n->text, event, strlen(event)) == 0) {
            const struct csta_common_arguments *x = extensions_of(&n->msg);
            return x == NULL ? STR_NONE : x->private_data.foreign.body;
        }
    }
    return STR("no such event");
}

static void call(const char *uui, const char *to)
{
    char line[256];
    (void)snprintf(line, sizeof(line), "User-to-User: %s\r\n", uui);
    REQUIRE(phone_call(s.ann, to, true, uui == NULL ? STR_NONE : str_c(line)) != NULL);
    service_run(&s, 200);
}

static void test_originator_and_answerer(void)
{
    const char *a, *b;
    begin(NULL);
    a = world_monitor(&s.w, &s.w.crm, "1001");
    b = world_monitor(&s.w, &s.w.crm, "1002");
    s.bob->ring_lines = STR("User-to-User: 04BB;encoding=hex\r\n");
    call("04AA;encoding=hex", "1002");
#define BY_ANN                                                                               \
    HEAD VALID("2", "04") " verdict=\"valid\" userData=\"true\"><origin role=\"originator\"" \
                          " identity=\"sip:1001@example.com\" confidence=\"proven\""         \
                          " evidence=\"authenticated\"/></value>" TAIL
#define BY_BOB                                                                             \
    HEAD VALID("2", "04") " verdict=\"valid\" userData=\"true\"><origin role=\"answerer\"" \
                          " identity=\"sip:1002@example.com\" confidence=\"trusted\""      \
                          " evidence=\"seen\"/></value>" TAIL
    CHECK_STR(about(b, "Delivered"), BY_ANN);
    CHECK_STR(about(a, "Delivered"), BY_BOB);
    CHECK(!str_is_set(about(a, "Originated"))); /* has no userData by the standard */
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    CHECK_STR(about(b, "Established"), BY_ANN);
    phone_hang_up(s.bob, STR("User-to-User: 04CC;encoding=hex\r\n"));
    service_run(&s, 200);
#define BYE_BY_BOB                                                                           \
    HEAD VALID("2", "04") " verdict=\"valid\" userData=\"true\"><origin role=\"originator\"" \
                          " identity=\"sip:1002@example.com\" confidence=\"trusted\""        \
                          " evidence=\"seen\"/></value>" TAIL
    CHECK_STR(about(a, "Cleared"), BYE_BY_BOB);
    CHECK_STR(about(b, "Cleared"), BYE_BY_BOB);
    service_down(&s);
}

/** What is wrong, what is somebody else's, and what is not shown. */
static void test_each_value(void)
{
    const char *b;
    begin(NULL);
    b = world_monitor(&s.w, &s.w.crm, "1002");
    call("04A;encoding=hex, \"a&b\";purpose=crm;encoding=x, AABB;purpose=other;encoding=hex",
         "1002");
#define BY " confidence=\"proven\" evidence=\"authenticated\"/></value>"
#define ANN "<origin role=\"originator\" identity=\"sip:1001@example.com\"" BY
    CHECK_STR(about(b, "Delivered"),
              HEAD "<value package=\"isdn-uui\" encoding=\"hex\" verdict=\"wrong\""
                   " rule=\"HEX_ODD\">" ANN
                   "<value package=\"crm\" encoding=\"x\" octets=\"3\" verdict=\"ignored\""
                   " rule=\"PACKAGE\" userData=\"true\">" ANN
                   "<value package=\"other\" encoding=\"hex\" octets=\"2\" verdict=\"ignored\""
                   " rule=\"PACKAGE\" data=\"AABB\">" ANN TAIL);
    service_down(&s);
}

/** bob sends the call to cleo, with something. */
static void test_who_redirected(void)
{
    const char *c;
    begin(NULL);
    c = world_monitor(&s.w, &s.w.crm, "1003");
    s.bob->on_call = 302;
    s.bob->answer_lines =
        STR("Contact: <sip:1003@example.com?User-to-User=04BB%3Bencoding%3Dhex>\r\n");
    call("04AA;encoding=hex", "1002");
    CHECK_STR(about(c, "Delivered"),
              "<userToUser xmlns=\"" CSTA_PRIVATE_NAMESPACE "\" replaced=\"1\">" VALID(
                  "2", "04") " verdict=\"valid\" userData=\"true\"><origin"
                             " role=\"redirector\" identity=\"sip:1002@example.com\""
                             " confidence=\"trusted\" evidence=\"seen\"/></value>" TAIL);
    service_down(&s);
}

/** bob refers ann to cleo; an application made the call, with a value of its own. */
static void test_referrer_and_application(void)
{
    const char *b, *c;
    begin(NULL);
    b = world_monitor(&s.w, &s.w.crm, "1002");
    c = world_monitor(&s.w, &s.w.crm, "1003");
    (void)app_make_call(&s.w.crm, "1001", "1002", true, "04AA");
    service_run(&s, 200);
    CHECK_INT(phone_answer(s.ann), 0);
    service_run(&s, 200);
    CHECK(
        str_find(about(b, "Delivered"), STR("<origin role=\"baton\" confidence=\"trusted\"")) <
        about(b, "Delivered").n);
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    service_send(&s, s.bob, "REFER",
                 "Refer-To: <sip:1003@example.com?User-to-User=BB%3Bpurpose%3Dcrm>\r\n", NULL,
                 NULL);
    service_run(&s, 300);
    struct str told = about(c, "Delivered");
    size_t crm = str_find(told, STR("package=\"crm\"")),
           isdn = str_find(told, STR("package=\"isdn-uui\""));
    CHECK(crm < isdn && isdn < told.n);
    CHECK(str_find(told, STR("role=\"referrer\" identity=\"sip:1002@example.com\"")) < isdn);
    CHECK(str_find(told, STR("role=\"baton\"")) > isdn &&
          str_find(told, STR("role=\"baton\"")) < told.n);
    service_down(&s);
}

/** A caller from elsewhere who does not want to be known. */
static void test_withheld_caller(void)
{
    const char *b;
    struct text_msg t;
    begin(NULL);
    b = world_monitor(&s.w, &s.w.crm, "1002");
    world_raw_invite(&s.w, &s.w.trunk, "w", "1002",
                     "P-Asserted-Identity: <sip:+4930@trunk.example>\nPrivacy: id\n"
                     "User-to-User: 04AA;encoding=hex\n",
                     world_sdp);
    service_run(&s, 200);
    CHECK_STR(about(b, "Delivered"),
              HEAD VALID("2", "04") " verdict=\"valid\" userData=\"true\"><origin"
                                    " role=\"originator\" confidence=\"trusted\""
                                    " evidence=\"asserted\" withheld=\"true\"/></value>" TAIL);
    CHECK_INT(phone_respond(s.bob, 486), 0);
    service_run(&s, 100);
    t = world_take(&s.w.trunk, "486 INVITE");
    text_free(&t);
    service_down(&s);
}

static void strip_crm(struct world *w)
{
    static const struct str crm[] = {STR_INIT("crm")};
    rule = (struct border_rule){.name = STR("no <crm>"),
                                .package = crm,
                                .package_count = 1,
                                .direction = BORDER_OUT,
                                .action = BORDER_STRIP};
    w->config.policy = &policy;
}

/** The border takes a value out: whoever watches is told so. */
static void test_what_the_border_did(void)
{
    const char *b;
    begin(strip_crm);
    b = world_monitor(&s.w, &s.w.crm, "1001");
    call("BB;purpose=crm, 04AA;encoding=hex", "1002");
    CHECK_INT(phone_answer(s.bob), 0);
    service_run(&s, 200);
    struct str told = about(b, "Established");
    CHECK(str_find(told, STR("<change action=\"strip\" package=\"crm\" octets=\"2\""
                             " place=\"header\" direction=\"out\" neighbour=\"device\""
                             " rule=\"no &lt;crm&gt;\"")) < told.n);
    service_down(&s);
}

static void keep_all(struct world *w)
{
    static struct uui_carriage rules;
    rules = uui_carriage_default;
    rules.replacing[UUI_MOVE_REDIRECT] = rules.replacing[UUI_MOVE_SERVICE] = UUI_KEEP;
    w->config.call.carriage = &rules;
}

/** A redirection and a service want to replace a value, and may not. */
static void test_what_stayed_behind(void)
{
    const char *a;
    begin(keep_all);
    a = world_monitor(&s.w, &s.w.crm, "1001");
    s.bob->on_call = 302;
    s.bob->answer_lines =
        STR("Contact: <sip:1003@example.com?User-to-User=04BBCC%3Bencoding%3Dhex>\r\n");
    call("04AA;encoding=hex", "1002");
    CHECK_INT(phone_answer(s.cleo), 0);
    service_run(&s, 200);
    struct str told = about(a, "Established");
    CHECK(str_find(told, STR("<change action=\"strip\" package=\"isdn-uui\" octets=\"3\""
                             " place=\"uri-header\" direction=\"in\" neighbour=\"device\""
                             " reason=\"foreign replacement refused\"/>")) < told.n);
    app_forget(&s.w.crm);
    (void)app_on_connection(&s.w.crm, "SingleStepTransferCall", "activeCall", "c1", "1003",
                            "<transferredTo>1004</transferredTo>"
                            "<userData><string>04DDEEFF</string></userData>");
    service_run(&s, 300);
    told = about(a, "Transferred");
    CHECK(str_find(told, STR("<change action=\"strip\" package=\"isdn-uui\" octets=\"4\""
                             " place=\"header\" direction=\"in\" neighbour=\"baton\""
                             " reason=\"foreign replacement refused\"/>")) < told.n);
    service_down(&s);
}

/* ---- sealed values ---- */

static struct uui_package row;
static struct uui_packages packages = {.row = &row, .n = 1};
static struct seal_keys *keys;

static void with_keys(struct world *w)
{
    w->config.packages = &packages;
    w->config.seal_keys = keys;
}

/** ann's value under a key, as she would make it; with one bit changed, if asked for. */
static void call_sealed(bool forged)
{
    char octets[UUI_ISDN_OCTETS], line[400] = "User-to-User: ";
    struct seal_about about = seal_about_of(&row, uui_isdn, STR_NONE, SEAL_FORWARD);
    struct seal_keys *hers = seal_keys_new(&mem_libc);
    struct seal far_end;
    struct out o;
    CHECK_INT(kit_add_keys(hers, false), 0);
    CHECK_INT(seal_init(&far_end, &s.w.plain, &(struct seal_config){0}), 0);
    seal_set_keys(&far_end, hers);
    out_init(&o, octets, sizeof(octets));
    CHECK_INT(seal_close(&far_end, SIV_KEY, &about, STR("\x04\xAA"), sizeof(octets),
                         s.w.plain.wall_s(s.w.plain.ctx), &o),
              0);
    octets[o.n - 1] ^= forged;
    for (size_t i = 0; i < o.n; i++) {
        size_t n = strlen(line);
        (void)snprintf(line + n, sizeof(line) - n, "%02X", (unsigned)(uint8_t)octets[i]);
    }
    (void)snprintf(line + strlen(line), sizeof(line) - strlen(line), ";encoding=hex\r\n");
    REQUIRE(phone_call(s.ann, "1002", true, str_c(line)) != NULL);
    service_run(&s, 200);
    seal_fini(&far_end);
    seal_keys_free(hers);
}

static void sealed(bool forged, const char *want)
{
    char key[16];
    const char *b;
    struct str told;
    row = *uui_package_of(NULL, uui_isdn);
    row.seal = UUI_SEAL_OPTIONAL;
    keys = seal_keys_new(&mem_libc);
    CHECK_INT(kit_add_keys(keys, true), 0);
    begin(with_keys);
    b = world_monitor(&s.w, &s.w.crm, "1002");
    call_sealed(forged);
    told = about(b, "Delivered");
    (void)snprintf(key, sizeof(key), "key=\"%u\"", (unsigned)SIV_KEY);
    CHECK(str_find(told, str_c(key)) < told.n);
    CHECK(str_find(told, str_c(want)) < told.n);
    CHECK_INT(strstr(app_events(&s.w.crm, b), "uui=04aa") != NULL, !forged);
    CHECK_INT(str_find(told, STR("userData=\"true\"")) < told.n, !forged);
    service_down(&s);
    seal_keys_free(keys);
}

/** The seal names who it is, whatever the path says; a broken one is said to be broken. */
static void test_sealed_value(void)
{
    sealed(false, "<origin role=\"originator\" identity=\"sip:group@example.com\""
                  " confidence=\"proven\" evidence=\"authenticated seal\""
                  " conflicts=\"sealDiffers\"/><seal result=\"ok\"");
    sealed(true, "rule=\"BAD_SEAL\"");
    sealed(true, "<seal result=\"forged\"");
}

static void no_private_data(struct world *w)
{
    w->config.cti.no_private_data = true;
}

static void test_no_private_data(void)
{
    const char *b;
    begin(no_private_data);
    b = world_monitor(&s.w, &s.w.crm, "1002");
    call("04AA;encoding=hex", "1002");
    CHECK(!str_is_set(about(b, "Delivered")));
    CHECK(strstr(app_events(&s.w.crm, b), "uui=04aa") != NULL);
    service_down(&s);
}

/** However much there is, an event stays an event, and well-formed. */
static void test_never_too_much(void)
{
    char line[4096] = "User-to-User: ";
    const char *b;
    begin(NULL);
    b = world_monitor(&s.w, &s.w.crm, "1002");
    for (size_t i = 0; i < 12; i++) {
        size_t n = strlen(line);
        (void)snprintf(
            line + n, sizeof(line) - n, "%s\"%.120s\";purpose=p%zu;encoding=%.64s",
            i > 0 ? "," : "",
            "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&"
            "&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&&",
            i, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee");
    }
    (void)snprintf(line + strlen(line), sizeof(line) - strlen(line), "\r\n");
    REQUIRE(phone_call(s.ann, "1002", true, str_c(line)) != NULL);
    service_run(&s, 300);
    struct str told = about(b, "Delivered");
    CHECK(told.n > 0 && told.n <= 2100 && xml_is_content(told));
    CHECK(str_ends(told, STR(TAIL)));
    service_down(&s);
}

TEST_MAIN(T(test_originator_and_answerer), T(test_each_value), T(test_who_redirected),
          T(test_referrer_and_application), T(test_withheld_caller),
          T(test_what_the_border_did), T(test_what_stayed_behind), T(test_sealed_value),
          T(test_no_private_data), T(test_never_too_much))
