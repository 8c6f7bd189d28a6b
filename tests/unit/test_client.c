/* SPDX-License-Identifier: Apache-2.0 */
/* libbaton-client's texts and JSON. What it does with servers is in tests/client. */
#include "test.h"
#include <baton/client.h>
#include <string.h>

static void test_client_path_is_encoded(void)
{
    char p[64];

    CHECK_STR(str_c(baton_path(p, sizeof(p), "/v1/devices/%s", "sip:a@b/c d")),
              "/v1/devices/sip%3Aa%40b%2Fc%20d");
    CHECK_STR(str_c(baton_path(p, sizeof(p), "/%s/x/%s", "A-z_0.~", "\xc3\xa9")),
              "/A-z_0.~/x/%C3%A9");
    CHECK_STR(str_c(baton_path(p, sizeof(p), "/%s", "")), "/");
}

static void test_client_path_too_long_is_none(void)
{
    char p[16];

    for (size_t cap = 0; cap <= sizeof(p); cap++) {
        const char *out = baton_path(p, cap, "/v1/%s", "a b/c");
        CHECK_STR(str_c(out), cap > 13 ? "/v1/a%20b%2Fc" : "");
    }
}

static void test_client_json_by_path(void)
{
    json_t *j = json_pack("{s:{s:{s:s}},s:[{s:s},s]}", "data", "ids", "callID", "c1", "items",
                          "callID", "c2", "x");

    CHECK_STR(str_c(baton_text(j, "data.ids.callID")), "c1");
    CHECK_STR(str_c(baton_text(j, "items.0.callID")), "c2");
    CHECK_STR(str_c(baton_text(j, "items.1")), "x");
    CHECK(baton_at(j, "") == j);
    CHECK(baton_at(j, "items.2") == NULL && baton_at(j, "items.x") == NULL &&
          baton_at(j, "data.ids.callID.more") == NULL && baton_at(j, "nothing") == NULL &&
          baton_at(NULL, "data") == NULL);
    CHECK_STR(str_c(baton_text(j, "data")), "");
    json_decref(j);
}

static void test_client_user_data(void)
{
    char text[16];
    json_t *data = baton_user_data("Hi \xc3\xa9");
    json_t *other = json_pack("{s:s}", "string", "00FF");
    json_t *bare = json_string("4869"), *odd = json_string("4z");

    CHECK_STR(str_c(baton_text(data, "string")), "04486920C3A9");
    CHECK_STR(str_c(baton_user_text(data, text, sizeof(text))), "Hi \xc3\xa9");
    CHECK_STR(str_c(baton_user_text(data, text, 3)), "Hi");
    CHECK_STR(str_c(baton_user_text(data, text, 0)), "");
    CHECK_STR(str_c(baton_user_text(other, text, sizeof(text))), "");
    CHECK_STR(str_c(baton_user_text(bare, text, sizeof(text))), "Hi");
    CHECK_STR(str_c(baton_user_text(odd, text, sizeof(text))), "");
    CHECK_STR(str_c(baton_user_text(NULL, text, sizeof(text))), "");
    json_decref(data);
    json_decref(other);
    json_decref(bare);
    json_decref(odd);
}

static void test_client_number_of_a_device(void)
{
    static const char *const same[] = {
        "1001",           "sip:1001@example.com", "SIPS:1001@x;a=b",
        "tel:1001;ext=2", "<sip:1001@x>",         "sip:1001?x"};
    char out[16];

    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        json_t *text = json_string(same[i]), *as_id = json_pack("{s:s}", "id", same[i]);
        json_t *deep = json_pack("{s:{s:s}}", "deviceIdentifier", "id", same[i]);
        CHECK_STR(str_c(baton_number(text, out, sizeof(out))), "1001");
        CHECK_STR(str_c(baton_number(as_id, out, sizeof(out))), "1001");
        CHECK_STR(str_c(baton_number(deep, out, sizeof(out))), "1001");
        json_decref(text);
        json_decref(as_id);
        json_decref(deep);
    }
    CHECK_STR(str_c(baton_number(NULL, out, sizeof(out))), "");
}

static void test_client_addresses(void)
{
    static const char *const good[] = {"http://127.0.0.1:8080", "HTTPS://pbx.example.com/",
                                       "unix:/run/baton/api.sock"};
    static const char *const bad[] = {"",      "pbx",          "ftp://x",    "http://",
                                      "unix:", "http://u:p@x", "http://x y", "http://x?a"};
    struct baton_problem why;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct baton_client *c = baton_client_new(&(struct baton_config){.url = good[i]}, &why);
        CHECK(c != NULL && baton_client_fd(c) >= 0);
        baton_client_run(c); /* there is nothing to do */
        baton_client_free(c);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(baton_client_new(&(struct baton_config){.url = bad[i]}, &why) == NULL);
        CHECK_STR(str_c(why.code), "wrong");
        CHECK(strstr(why.detail, bad[i]) != NULL);
    }
    CHECK(baton_client_new(&(struct baton_config){0}, NULL) == NULL);
    baton_client_free(NULL);
}

static void test_client_stop_ends_waiting(void)
{
    struct baton_client *c =
        baton_client_new(&(struct baton_config){.url = "unix:/nothing"}, NULL);
    struct baton_stream *s = baton_stream_open(c, NULL, NULL, NULL);

    CHECK(baton_stream_next(s, 0) == NULL && baton_stream_problem(s) == NULL);
    CHECK(!baton_stream_is_open(s));
    baton_client_stop(c);
    CHECK(baton_stream_next(s, -1) == NULL);
    baton_client_run(c);
    baton_stream_close(s);
    baton_client_free(c);
}

static void test_client_header_fields_stay_one_line(void)
{
    struct baton_client *c = baton_client_new(
        &(struct baton_config){.url = "unix:/nothing", .token = "a\r\nb"}, NULL);
    struct baton_answer a;

    CHECK(baton_ask(c, &(struct baton_request){.path = "/v1/status"}, &a) == BATON_WRONG);
    baton_answer_free(&a);
    CHECK(baton_client_set_token(c, NULL) == BATON_OK);
    CHECK(baton_ask(
              c,
              &(struct baton_request){.path = "/", .if_match = "x\ny", .body = json_object()},
              &a) == BATON_WRONG);
    baton_answer_free(&a);
    baton_client_free(c);
}

TEST_MAIN(T(test_client_path_is_encoded), T(test_client_path_too_long_is_none),
          T(test_client_json_by_path), T(test_client_user_data),
          T(test_client_number_of_a_device), T(test_client_addresses),
          T(test_client_stop_ends_waiting), T(test_client_header_fields_stay_one_line))
