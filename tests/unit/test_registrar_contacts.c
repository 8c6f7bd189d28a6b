/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a contact to its phone: which URIs are the same, whose it is when several say that it is
 * theirs, and that what left the table is not found.
 */
#include "kit_registrar.h"

static const struct binding *of(struct fixture *f, const char *text)
{
    struct sip_uri u;
    uint32_t at;
    CHECK_INT(sip_uri_parse(str_c(text), 0, &u, &at), 0);
    return registrar_find_contact(&f->r, &u);
}

static void test_the_same_uri(void)
{
    static const char *const same[] = {
        "sip:bob@192.0.2.4:5070;transport=tcp", "sip:b%6Fb@192.0.2.4:5070;transport=TCP",
        "sips:bob@192.0.2.4:5070;transport=tcp", "SIP:bob@192.0.2.4:5070;transport=tcp",
        "sip:bob@192.0.2.4:5070;transport=tcp;x=1"};
    static const char *const other[] = {
        "sip:bob@192.0.2.4:5070",
        "sip:bob@192.0.2.4;transport=tcp",
        "sip:bob@192.0.2.4:5071;transport=tcp",
        "sip:Bob@192.0.2.4:5070;transport=tcp",
        "sip:192.0.2.4:5070;transport=tcp",
        "sip:bob@192.0.2.5:5070;transport=tcp",
        "sip:bob@192.0.2.4:5070;transport=tcp?Subject=x",
        "tel:+4930",
        "mailto:bob@192.0.2.4",
    };
    struct fixture f;
    setup(&f);
    put(&f,
        ID("a", 1) "Contact: <sip:bob@192.0.2.4:5070;transport=tcp>, <sip:bob@192.0.2.2>\r\n");
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        const struct binding *b = of(&f, same[i]);
        REQUIRE(b != NULL);
        CHECK_STR(b->contact, "sip:bob@192.0.2.4:5070;transport=tcp");
        CHECK_STR(b->record->key, KEY);
    }
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        CHECK(of(&f, other[i]) == NULL);
    }
    check_invariants(&f);
    teardown(&f);
}

static void test_what_left_is_not_found(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:bob@192.0.2.1>;+sip.instance=\"<urn:x:1>\"\r\n");
    CHECK(of(&f, "sip:bob@192.0.2.1") != NULL);
    put(&f,
        ID("a",
           2) "Contact: <sip:bob@192.0.2.2>;+sip.instance=\"<urn:x:1>\"\r\n"); /* it moved */
    CHECK(of(&f, "sip:bob@192.0.2.1") == NULL);
    CHECK(of(&f, "sip:bob@192.0.2.2") != NULL);
    check_invariants(&f);
    put(&f, ID("a", 3) "Contact: <sip:bob@192.0.2.2>;expires=0\r\n");
    CHECK(of(&f, "sip:bob@192.0.2.2") == NULL);
    put(&f, ID("a", 4) "Contact: <sip:bob@[2001:db8::3]>;expires=100\r\n");
    CHECK(of(&f, "sip:bob@[2001:db8::3]") != NULL);
    pass(&f, 100000);
    CHECK(of(&f, "sip:bob@[2001:db8::3]") == NULL);
    check_invariants(&f);
    teardown(&f);
}

static void test_of_two_flows_the_latest(void)
{
#define FLOW(n) "Contact: <sip:bob@x7.invalid>;reg-id=" #n ";+sip.instance=\"<urn:x:1>\"\r\n"
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) FLOW(1));
    put(&f, ID("b", 1) FLOW(2));
    REQUIRE(of(&f, "sip:bob@x7.invalid") != NULL);
    CHECK_INT(of(&f, "sip:bob@x7.invalid")->reg_id, 2);
    put(&f, ID("a", 2) FLOW(1));
    CHECK_INT(of(&f, "sip:bob@x7.invalid")->reg_id, 1);
    check_invariants(&f);
    teardown(&f);
}

/** Nobody is called because he says that somebody else's contact is his. */
static void test_two_say_it_is_theirs(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:bob@x7.invalid>\r\n");
    put_for(&f, "eve@biloxi.com",
            ID("e", 1) "Contact: <sip:bob@x7.invalid>, <sip:eve@x7.invalid>\r\n");
    CHECK(of(&f, "sip:bob@x7.invalid") == NULL);
    CHECK(of(&f, "sip:eve@x7.invalid") != NULL);
    put_for(&f, "eve@biloxi.com", ID("e", 2) "Contact: *\r\nExpires: 0\r\n");
    REQUIRE(of(&f, "sip:bob@x7.invalid") != NULL);
    CHECK_STR(of(&f, "sip:bob@x7.invalid")->record->key, KEY);
    check_invariants(&f);
    teardown(&f);
}

/** Who dials somebody's name must not reach a phone that says that the name is its own. */
static void test_names_are_nobodys(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:help@bank.example>, <sip:bob@x7.invalid>\r\n");
    CHECK_INT(record_of(&f)->count, 2);
    CHECK(of(&f, "sip:help@bank.example") == NULL);
    CHECK(of(&f, "sip:bob@x7.INVALID") != NULL);
    CHECK(of(&f, "sip:bob@.invalid") == NULL);
    check_invariants(&f);
    teardown(&f);
}

/** Longer than anybody looks up: it is registered all the same. */
static void test_a_long_one(void)
{
    static const char host[] = "@192.0.2.1";
    char uri[700], lines[800];
    struct fixture f;
    setup(&f);
    memset(uri, 'a', sizeof(uri));
    memcpy(uri, "sip:", 4);
    memcpy(uri + sizeof(uri) - sizeof(host), host, sizeof(host));
    snprintf(lines, sizeof(lines), ID("a", 1) "Contact: <%s>, <sip:bob@x7.invalid>\r\n", uri);
    CHECK_INT(put(&f, lines), 200);
    CHECK_INT(record_of(&f)->count, 2);
    CHECK_INT(f.r.contacts.count, 1);
    CHECK(of(&f, uri) == NULL);
    CHECK(of(&f, "sip:bob@x7.invalid") != NULL);
    CHECK_INT(put(&f, ID("a", 2) "Contact: *\r\nExpires: 0\r\n"), 200);
    CHECK_INT(f.r.contacts.count, 0);
    teardown(&f);
}

TEST_MAIN(T(test_the_same_uri), T(test_what_left_is_not_found), T(test_of_two_flows_the_latest),
          T(test_two_say_it_is_theirs), T(test_names_are_nobodys), T(test_a_long_one))
