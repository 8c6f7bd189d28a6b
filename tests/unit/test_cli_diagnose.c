/* SPDX-License-Identifier: Apache-2.0 */
/* `baton diagnose`: what it makes of a server's report, and of a configuration. */
#include "cli/diagnose_cmd.h"
#include "kit_control.h"

static const char *shown(const char *report, int *code)
{
    static char said[8192];
    struct str guarded = test_guard(str_c(report));
    char *buf = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&buf, &n);
    *code = diagnose_show(guarded, out);
    (void)fclose(out);
    (void)snprintf(said, sizeof(said), "%s", buf);
    free(buf);
    test_guard_free(guarded);
    return said;
}

#define HEAD "<deviceReport xmlns=\"urn:x-baton:csta\" device=\"sip:1001@example.com\" "
#define REGISTERED                                                                           \
    "<registration contact=\"sip:1001@10.0.0.5\" transport=\"UDP\" from=\"192.0.2.7:1024\" " \
    "userAgent=\"Acme &lt;1&gt;\" expiresS=\"600\" nat=\"yes\" flow=\"open\" talk=\"no\" "
#define SERVICES                                                         \
    "<service name=\"MakeCall\" carried=\"switch\" others=\"session\"/>" \
    "<service name=\"AnswerCall\" carried=\"talk\" others=\"none\"/></deviceReport>"

static void test_all_is_well(void)
{
    int code;
    CHECK_STR(
        str_c(shown(HEAD "mayRegister=\"yes\">" REGISTERED
                         "profileBy=\"userAgent\" profile=\"acme\" pattern=\"Acme*\" "
                         "means=\"session\"><setting>csta = 1</setting></registration>"
                         "<session phone=\"x\" profile=\"acme\" state=\"up\" "
                         "monitored=\"yes\" attempts=\"0\" calls=\"0\"/>" SERVICES,
                    &code)),
        "device      sip:1001@example.com\n"
        "registered  sip:1001@10.0.0.5 over UDP, from 192.0.2.7:1024, for 10 more minutes\n"
        "  phone     Acme <1>\n"
        "  path      behind NAT: it is reached where its REGISTER came from\n"
        "  profile   acme: its User-Agent fits Acme*\n"
        "session     up, and the phone tells its calls\n"
        "services                            calls that Baton carries     others of the "
        "phone\n"
        "            MakeCall                by Baton                     by the phone\n"
        "            AnswerCall              by the phone (NOTIFY talk)   -\n"
        "All is as it should be.\n");
    CHECK_INT(code, EXIT_CODE_OK);
}

static void test_refused_by_the_phone(void)
{
    int code;
    const char *text = shown(
        HEAD "mayRegister=\"yes\">" REGISTERED
             "profileBy=\"configured\" profile=\"acme\" means=\"session\">"
             "<setting>csta = 1</setting><setting>reboot</setting></registration>"
             "<session phone=\"x\" profile=\"acme\" state=\"waiting\" monitored=\"no\" "
             "attempts=\"3\" calls=\"0\" status=\"415\" trouble=\"it does not take CSTA\" "
             "nextS=\"1700\"/>" SERVICES,
        &code);
    CHECK_INT(code, EXIT_CODE_FAILED);
    CHECK(strstr(text,
                 "session     none: it does not take CSTA (415), tried again in 1700 s\n") !=
          NULL);
    CHECK(strstr(text, "            -> on the phone: csta = 1\n"
                       "            -> on the phone: reboot\n") != NULL);
    CHECK(strstr(text, "Something is to be done") != NULL);
}

static void test_what_else_fails(void)
{
    int code;
    CHECK(strstr(shown(HEAD "mayRegister=\"yes\">" SERVICES, &code),
                 "registered  no phone\n            -> set server, number and password") !=
          NULL);
    CHECK_INT(code, EXIT_CODE_FAILED);
    CHECK(strstr(shown(HEAD "mayRegister=\"no\">" SERVICES, &code), "has no password") != NULL);
    CHECK(strstr(shown(HEAD "mayRegister=\"yes\">" REGISTERED
                            "profileBy=\"userAgent\" profile=\"a\" pattern=\"A\" "
                            "means=\"session\"/>" SERVICES,
                       &code),
                 "-> set phone_profile or phone: on") != NULL);
    CHECK_INT(code, EXIT_CODE_FAILED);
    /* a plain phone is no fault */
    CHECK(
        strstr(shown(HEAD "mayRegister=\"yes\">" REGISTERED "profileBy=\"noMatch\"/>" SERVICES,
                     &code),
               "none: no profile fits its User-Agent\n") != NULL);
    CHECK_INT(code, EXIT_CODE_OK);
    CHECK(strstr(shown(HEAD "mayRegister=\"yes\">" REGISTERED
                            "profileBy=\"unknownName\"/>" SERVICES,
                       &code),
                 "names a profile that is not there") != NULL);
    CHECK_INT(code, EXIT_CODE_FAILED);
    (void)shown(HEAD "mayRegister=\"yes\"><registration contact=\"sip:a\" flow=\"closed\" "
                     "profileBy=\"noMatch\"/>" SERVICES,
                &code);
    CHECK_INT(code, EXIT_CODE_FAILED);
}

/** The first thing that is walked: where the names lead. */
static void test_names_of_a_device(void)
{
    static const struct {
        const char *name, *said;
        int code;
    } rows[] = {
        {"of=\"domain\" found=\"yes\" address=\"192.0.2.1:5060\" transport=\"UDP\" here=\"yes\"",
         "dns         a.example: 192.0.2.1:5060 over UDP, which is this server\n",
         EXIT_CODE_OK},
        {"of=\"domain\" found=\"yes\" address=\"192.0.2.1:5060\" transport=\"TLS\" here=\"no\"",
         "over TLS, which is not this server\n            -> phones that are told",
         EXIT_CODE_OK},
        {"of=\"domain\" found=\"no\"",
         "a.example: there is no such name\n            -> phones that are told", EXIT_CODE_OK},
        {"of=\"domain\" found=\"asking\"",
         "a.example: the name servers have not answered yet\nregistered", EXIT_CODE_OK},
        {"of=\"peer\" found=\"yes\" address=\"192.0.2.9:5060\" transport=\"UDP\" here=\"no\"",
         "dns         a.example: 192.0.2.9:5060 over UDP\nregistered", EXIT_CODE_OK},
        {"of=\"peer\" found=\"no\"",
         "a.example: there is no such name\n            -> correct the peer's uri",
         EXIT_CODE_FAILED},
        {"of=\"contact\" found=\"no\"", "            -> the phone registers by a name",
         EXIT_CODE_FAILED},
        {"of=\"peer\" found=\"silent\"",
         "a.example: no name server answers\n            -> are the name servers right",
         EXIT_CODE_FAILED},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char report[2048];
        int code;
        test_context(rows[i].name);
        (void)snprintf(report, sizeof(report),
                       HEAD "mayRegister=\"yes\"><name host=\"a.example\" %s/>" REGISTERED
                            "profileBy=\"noMatch\"/>" SERVICES,
                       rows[i].name);
        const char *said = shown(report, &code);
        CHECK(strstr(said, rows[i].said) != NULL || !CHECK_STR(str_c(said), rows[i].said));
        CHECK_INT(code, rows[i].code);
    }
}

/* ---- the same over the socket ---- */

static struct fake answers_of(const char *const *answers, bool json, char *said, size_t cap,
                              int *code)
{
    struct fake f;
    struct ask_words where = {.json = json};
    fake_up(&f, answers);
    where.socket = f.socket;
    FILE *out = fmemopen(said, cap, "w");
    *code = diagnose_over_socket(&where, "10/01", out, out);
    (void)fclose(out);
    fake_down(&f);
    return f;
}

#define JSON_HEAD "{\"deviceID\":\"sip:1001@example.com\",\"mayRegister\":true,"
#define JSON_REGISTERED                                                                     \
    "\"registrations\":[{\"contact\":\"sip:1001@10.0.0.5\",\"transport\":\"UDP\",\"from\":" \
    "\"192.0.2.7:1024\",\"userAgent\":\"Acme <1>\",\"expiresS\":600,\"nat\":true,"          \
    "\"flow\":\"open\",\"talk\":false,"
#define JSON_SERVICES                                                                      \
    "\"services\":[{\"name\":\"MakeCall\",\"carried\":\"switch\",\"others\":\"session\"}," \
    "{\"name\":\"AnswerCall\",\"carried\":\"talk\",\"others\":\"none\"}],\"sequence\":\"7\"}"

/** Word for word what an application is told of the same device. */
static void test_json_says_the_same(void)
{
    static const struct {
        const char *xml;
        const char *answers[2];
    } cases[] = {
        {HEAD "mayRegister=\"yes\">" REGISTERED
              "profileBy=\"userAgent\" profile=\"acme\" pattern=\"Acme*\" means=\"session\">"
              "<setting>csta = 1</setting></registration>"
              "<session phone=\"x\" profile=\"acme\" state=\"up\" monitored=\"yes\" "
              "attempts=\"0\" calls=\"0\"/>" SERVICES,
         {FAKE_JSON(JSON_HEAD JSON_REGISTERED
                    "\"profileBy\":\"userAgent\",\"profile\":\"acme\",\"pattern\":\"Acme*\","
                    "\"means\":\"session\",\"settings\":[\"csta = 1\"]}],"
                    "\"sessions\":[{\"phone\":\"x\",\"profile\":\"acme\",\"state\":\"up\","
                    "\"monitored\":true,\"attempts\":0,\"calls\":0}]," JSON_SERVICES)}},
        {HEAD "mayRegister=\"yes\">" REGISTERED
              "profileBy=\"configured\" profile=\"acme\" means=\"session\">"
              "<setting>csta = 1</setting><setting>reboot</setting></registration>"
              "<session phone=\"x\" state=\"waiting\" monitored=\"no\" attempts=\"3\" "
              "calls=\"0\" status=\"415\" trouble=\"it does not take CSTA\" "
              "nextS=\"1700\"/>" SERVICES,
         {FAKE_JSON(JSON_HEAD JSON_REGISTERED
                    "\"profileBy\":\"configured\",\"profile\":\"acme\",\"means\":\"session\","
                    "\"settings\":[\"csta = 1\",\"reboot\"]}],"
                    "\"sessions\":[{\"phone\":\"x\",\"state\":\"waiting\",\"monitored\":false,"
                    "\"attempts\":3,\"calls\":0,\"status\":415,\"trouble\":\"it does not take "
                    "CSTA\",\"nextS\":1700}]," JSON_SERVICES)}},
        {HEAD "mayRegister=\"yes\">" SERVICES, {FAKE_JSON(JSON_HEAD JSON_SERVICES)}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char said[8192] = "";
        int xml_code, code;
        const char *wanted = shown(cases[i].xml, &xml_code);
        struct fake f = answers_of(cases[i].answers, false, said, sizeof(said), &code);
        CHECK_STR(str_c(said), wanted);
        CHECK_INT(code, xml_code);
        CHECK(strstr(f.seen, "GET /v1/devices/10%2F01/diagnosis HTTP") != NULL);
    }
}

/** As JSON it comes as it is, and the exit code says the same as the words. */
/** A server that has to ask DNS first is asked again. */
static void test_names_are_asked_again(void)
{
    static const char *const answers[] = {
        FAKE_JSON(JSON_HEAD "\"names\":[{\"of\":\"domain\",\"host\":\"a.example\",\"found\":"
                            "\"asking\"}]," JSON_SERVICES),
        FAKE_JSON(JSON_HEAD "\"names\":[{\"of\":\"domain\",\"host\":\"a.example\",\"found\":"
                            "\"yes\",\"address\":\"192.0.2.1:5060\",\"transport\":\"UDP\","
                            "\"here\":true}]," JSON_SERVICES),
        NULL};
    char said[8192] = "";
    int code;
    (void)answers_of(answers, false, said, sizeof(said), &code);
    CHECK(strstr(said,
                 "dns         a.example: 192.0.2.1:5060 over UDP, which is this server\n") !=
          NULL);
    CHECK(strstr(said, "not answered yet") == NULL);
}

static void test_json_and_its_exit_code(void)
{
    static const char *const well[] = {
        FAKE_JSON(JSON_HEAD JSON_REGISTERED "\"profileBy\":\"noMatch\"}]," JSON_SERVICES),
        NULL};
    static const char *const ill[] = {FAKE_JSON("{\"deviceID\":\"sip:a\"}"), NULL};
    static const char *const rubbish[] = {FAKE_JSON("[1,{\"registrations\":7}]"), NULL};
    char said[8192];
    int code;
    (void)answers_of(well, true, said, sizeof(said), &code);
    CHECK_INT(code, EXIT_CODE_OK);
    CHECK(said[0] == '{' && strstr(said, "\"expiresS\":600") != NULL);
    (void)answers_of(ill, true, said, sizeof(said), &code);
    CHECK_INT(code, EXIT_CODE_FAILED);
    CHECK_STR(str_c(said), "{\"deviceID\":\"sip:a\"}\n");
    (void)answers_of(rubbish, false, said, sizeof(said), &code);
    CHECK_INT(code, EXIT_CODE_FAILED);
    CHECK_STR(str_c(said), "the server's report cannot be read\n");
}

static void test_rubbish(void)
{
    static const char whole[] =
        HEAD "mayRegister=\"yes\">" REGISTERED "profileBy=\"noMatch\"/>" SERVICES;
    int code;
    for (size_t n = 0; n < sizeof(whole) - 1; n++) {
        char part[sizeof(whole)];
        (void)snprintf(part, sizeof(part), "%.*s", (int)n, whole);
        (void)shown(part, &code);
        CHECK_INT(code, EXIT_CODE_FAILED);
    }
    (void)shown(HEAD "x=\"\x1b[2J\"/>", &code);
}

static void test_configuration(void)
{
    struct config_error error;
    static const struct {
        const char *device, *application, *says;
        int code;
    } cases[] = {
        {"1001", NULL, "config      sip:1001@example.com\n            profile generic: Any",
         EXIT_CODE_OK},
        {"1001", "crm", "config      sip:1001@example.com\n", EXIT_CODE_OK},
        {"1001", "crm@example.com", "config      sip:1001@example.com\n", EXIT_CODE_OK},
        {"1002", "crm", "crm is not granted it", EXIT_CODE_FAILED},
        {"1002", NULL, "it cannot register", EXIT_CODE_FAILED},
        {"1001", "hr", "no application is called hr", EXIT_CODE_FAILED},
        {"1003", NULL, "no device is called 1003", EXIT_CODE_FAILED},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config *c = config_read(
            "x.yaml",
            STR("domains: [example.com]\n"
                "devices: [{number: \"1001\", password: a, phone_profile: generic},\n"
                "  {number: \"1002\"}]\n"
                "applications: [{name: crm, password: b, grants: [\"1001\"]}]\n"),
            &error);
        REQUIRE(c != NULL);
        char *buf = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&buf, &n);
        CHECK_INT(diagnose_config(c, cases[i].device, cases[i].application, out),
                  cases[i].code);
        (void)fclose(out);
        test_context(buf);
        CHECK(strstr(buf, cases[i].says) != NULL);
        test_context(NULL);
        free(buf);
        config_free(c);
    }
}

TEST_MAIN(T(test_all_is_well), T(test_refused_by_the_phone), T(test_what_else_fails),
          T(test_names_of_a_device), T(test_names_are_asked_again), T(test_json_says_the_same),
          T(test_json_and_its_exit_code), T(test_rubbish), T(test_configuration))
