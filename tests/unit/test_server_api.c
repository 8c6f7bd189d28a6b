/* SPDX-License-Identifier: Apache-2.0 */
/* The section `api` of the configuration: what it comes to, and what is wrong with it. */
#include "server/config.h"
#include "test.h"

#define TLS "tls: {certificates: [{cert: a.pem, key: b.pem}], ca: c.pem}\n"

static void test_nothing_listens_unless_told(void)
{
    struct config_error error;
    struct config *c = config_read("dir/test.yaml", STR(""), &error);
    REQUIRE(c != NULL);
    CHECK_INT(c->api.listen_count, 0);
    CHECK_INT(c->api.max_clients, 1000);
    CHECK_INT(c->api.max_body, 256 << 10);
    CHECK_INT(c->api.rules.origin_count, 0);
    CHECK(c->api.rules.tls == NULL && c->api.rules.web_root == NULL);
    config_free(c);
}

static void test_listeners_and_rules(void)
{
    struct config_error error;
    struct config *c = config_read(
        "dir/test.yaml",
        STR(TLS
            "api:\n"
            "  listen: ['tcp:8080', 'tcp:[::1]:8081', 'tls:10.0.0.5:8443', 'unix:run/api.sock', "
            "'unix:/run/x']\n"
            "  origins: ['https://crm.example.com', 'http://127.0.0.1:3000']\n"
            "  hosts: [pbx]\n"
            "  web_root: web\n"
            "  verify_client: request\n"
            "  request_s: 3\n"),
        &error);
    REQUIRE(c != NULL);
    const struct api_listen *l = c->api.listen;
    CHECK_INT(c->api.listen_count, 5);
    CHECK(l[0].face == API_FACE_TCP && addr_is_loopback(&l[0].at) && l[0].at.port == 8080);
    CHECK(l[1].face == API_FACE_TCP && l[1].at.family == ADDR_IP6 && l[1].at.port == 8081);
    CHECK(l[2].face == API_FACE_TLS && !addr_is_loopback(&l[2].at));
    CHECK(l[3].face == API_FACE_UNIX);
    CHECK_STR(str_c(l[3].path), "dir/run/api.sock");
    CHECK_STR(str_c(l[4].path), "/run/x");
    CHECK_INT(l[4].fd, -1);
    CHECK_INT(c->api.rules.origin_count, 2);
    CHECK_STR(c->api.rules.host[0], "pbx");
    CHECK_STR(str_c(c->api.rules.web_root), "dir/web");
    REQUIRE(c->api.rules.tls != NULL);
    CHECK_INT(c->api.rules.tls->client_verify, NET_TLS_REQUEST);
    CHECK_INT(c->tls.client_verify, NET_TLS_NO_CLIENT_CERT); /* that of SIP is another */
    CHECK_INT(c->api.request_ms, 3000);
    config_free(c);
}

static void test_faults_are_told_where_they_are(void)
{
    static const struct {
        const char *text, *why;
        unsigned line;
    } cases[] = {
        {"api:\n  listen: ['udp:127.0.0.1:1']\n", "tcp:ADDRESS:PORT", 2},
        {"api:\n  listen: ['tcp:example.com:80']\n", "tcp:ADDRESS:PORT", 2},
        {"api:\n  listen: ['tcp:70000']\n", "tcp:ADDRESS:PORT", 2},
        {"api:\n  listen: ['unix:']\n", "unix:PATH", 2},
        {"api:\n  listen: ['tls:127.0.0.1:1']\n", "tls.certificates", 2},
        {"api:\n  origins:\n    - 'https://ok.example'\n    - '*'\n", "https://crm.example.com",
         4},
        {"api:\n  origins: ['https://crm.example/']\n", "origins", 2},
        {"api:\n  origins: ['https://CRM.example']\n", "small letters", 2},
        {"api:\n  verify_client: require\n", "tls.ca", 2},
        {"api:\n  max_clients: 0\n", "max_clients", 2},
        {"api:\n  nonsense: 1\n", "nonsense", 2},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct config_error error = {0};
        struct config *c = config_read("dir/test.yaml", str_c(cases[i].text), &error);
        test_context(cases[i].text);
        CHECK(c == NULL);
        CHECK(strstr(error.text, cases[i].why) != NULL);
        CHECK_INT(error.line, cases[i].line);
        config_free(c);
        test_context(NULL);
    }
}

TEST_MAIN(T(test_nothing_listens_unless_told), T(test_listeners_and_rules),
          T(test_faults_are_told_where_they_are))
