/* SPDX-License-Identifier: Apache-2.0 */
/* Path (RFC 3327), and where a binding is reached. */
#include "kit_registrar.h"

#define PHONE "Contact: <sip:bob@192.0.2.4:5070>\r\n"
#define KNOWS "Supported: path\r\n"

static const struct binding *first(struct fixture *f)
{
    return nth(record_of(f), 0);
}

/* RFC 3327 §5.5.1: the vector is kept in order, and comes back in the 200. */
static void test_path_is_kept_and_comes_back(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(put(&f, ID("a", 1) KNOWS PHONE "Path: <sip:P3.EXAMPLEHOME.COM;lr>,\r\n"
                                             " <sip:P1.EXAMPLEVISITED.COM;lr>;x=\"a\r\n b\"\r\n"
                                             "Path: <sip:p0.example.org;lr>\r\n"),
              200);
    CHECK_STR(first(&f)->routes, "Route: <sip:P3.EXAMPLEHOME.COM;lr>\r\n"
                                 "Route: <sip:P1.EXAMPLEVISITED.COM;lr>;x=\"a b\"\r\n"
                                 "Route: <sip:p0.example.org;lr>\r\n");
    CHECK_BYTES(str_from(f.a.lines, str_find(f.a.lines, STR("Path:"))),
                STR("Path: <sip:P3.EXAMPLEHOME.COM;lr>\r\n"
                    "Path: <sip:P1.EXAMPLEVISITED.COM;lr>;x=\"a b\"\r\n"
                    "Path: <sip:p0.example.org;lr>\r\n"));
    /* a refresh that came another way has no Path any more */
    CHECK_INT(put(&f, ID("a", 2) KNOWS PHONE), 200);
    CHECK_INT(first(&f)->routes.n, 0);
    CHECK_INT(str_find(f.a.lines, STR("Path:")), f.a.lines.n);
    /* a query gets it as well: it is a successful REGISTER */
    CHECK_INT(put(&f, ID("q", 1) "Require: path\r\nPath: <sip:p;lr>\r\n"), 200);
    CHECK(str_ends(f.a.lines, STR("Path: <sip:p;lr>\r\n")));
    check_invariants(&f);
    teardown(&f);
}

static void test_path_that_nobody_asked_for(void)
{
    struct fixture f;
    setup(&f);
    CHECK_INT(put(&f, ID("a", 1) PHONE "Path: <sip:p;lr>\r\n"), 420);
    CHECK_STR(f.a.lines, "Unsupported: path\r\n");
    CHECK_INT(put(&f, ID("a", 1) "Supported: outbound\r\n" PHONE "Path: <sip:p;lr>\r\n"), 420);
    CHECK(record_of(&f) == NULL);
    CHECK_INT(f.r.refused, 2);
    f.r.config.path_lenient = true;
    CHECK_INT(put(&f, ID("a", 1) PHONE "Path: <sip:p;lr>\r\n"), 200);
    CHECK_STR(first(&f)->routes, "Route: <sip:p;lr>\r\n");
    teardown(&f);
}

static void test_paths_that_are_none(void)
{
    static const struct {
        const char *path;
        unsigned status;
    } row[] = {
        {"<sip:p;lr", 400},  {"<tel:+15551234>", 400}, {"*", 400},
        {"sip:p;lr", 400},   {"<sip:p;lr>, <x>", 400}, {"<sip:p>", 400},
        {"<sip:p>;lr", 400}, {"<sips:p;lr>", 200},     {"<sip:p;LR=1>", 200},
    };
    struct fixture f;
    char lines[2000];
    setup(&f);
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        test_context(row[i].path);
        snprintf(lines, sizeof(lines),
                 "Call-ID: %zu\r\nCSeq: 1 REGISTER\r\n" KNOWS PHONE "Path: %s\r\n", i,
                 row[i].path);
        CHECK_INT(put(&f, lines), row[i].status);
        CHECK((record_of(&f) != NULL) == (row[i].status == 200));
        put(&f, ID("z", 1) "Contact: *\r\nExpires: 0\r\n");
    }
    test_context(NULL);
    size_t at =
        (size_t)snprintf(lines, sizeof(lines), ID("b", 1) KNOWS PHONE "Path: <sip:p;lr>");
    for (int i = 1; i < 17; i++) {
        at += (size_t)snprintf(lines + at, sizeof(lines) - at, ", <sip:p%d;lr>", i);
    }
    snprintf(lines + at, sizeof(lines) - at, "\r\n");
    CHECK_INT(put(&f, lines), 403);
    CHECK_STR(f.a.reason, "Path Too Long");
    teardown(&f);
}

/* ---- where requests go ---- */

static void check_target(struct fixture *f, const char *want)
{
    struct txn_target t;
    char text[200];
    struct out o;
    out_init(&o, text, sizeof(text));
    if (!binding_target(first(f), &t)) {
        out_c(&o, "nowhere");
    } else if (t.hop.flow != 0) {
        out_fmt(&o, "flow %u", t.hop.flow);
    } else {
        out_fmt(&o, "%s ", transport_name((enum transport)t.hop.transport));
        if (t.hop.remote.family != ADDR_NONE) {
            addr_write(&o, &t.hop.remote);
        } else {
            out_fmt(&o, "%.*s:%u", STR_ARG(t.host), t.port);
        }
    }
    CHECK_BYTES(out_str_of(&o), str_c(want));
}

static void test_the_first_node_of_the_path(void)
{
    struct fixture f;
    setup(&f);
    /* the proxy that sent the REGISTER is the first node: its flow */
    put(&f, ID("a", 1) KNOWS PHONE "Path: <sip:192.0.2.1;lr>, <sip:p1;lr>\r\n");
    check_target(&f, "flow 1");
    put(&f, ID("a", 2) KNOWS PHONE "Path: <sip:192.0.2.1:5062;lr>\r\n");
    check_target(&f, "UDP 192.0.2.1:5062");
    put(&f, ID("a", 3) KNOWS PHONE "Path: <sip:192.0.2.1;lr;transport=tcp>\r\n");
    check_target(&f, "TCP 192.0.2.1:5060");
    put(&f, ID("a", 4) KNOWS PHONE "Path: \"x, y\" <sips:edge.example.com;lr>\r\n");
    check_target(&f, "? edge.example.com:0");
    teardown(&f);
}

static void test_flow_or_contact(void)
{
    static const struct {
        const char *contact, *want;
    } row[] = {
        {"sip:b@192.0.2.9", "TCP 192.0.2.9:5060"},
        {"sip:b@[2001:db8::9]:5080", "TCP [2001:db8::9]:5080"},
        {"sips:b@host.example.com", "? host.example.com:0"},
        {"sip:b@x;maddr=192.0.2.8", "TCP 192.0.2.8:5060"},
        {"sip:b@df7jal23ls0d.invalid", "nowhere"}, /* RFC 7118 §5.2 */
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct fixture f;
        char lines[200];
        setup(&f);
        f.sips = strncmp(row[i].contact, "sips", 4) == 0;
        test_context(row[i].contact);
        f.hop = (struct hop){.flow = 7, .transport = TP_TCP};
        snprintf(lines, sizeof(lines), ID("a", 1) "Contact: <%s%s>\r\n", row[i].contact,
                 strncmp(row[i].contact, "sips", 4) == 0 ? "" : ";transport=tcp");
        put(&f, lines);
        check_target(&f, "flow 7");
        nth(record_of(&f), 0)->hop.flow = 0;
        check_target(&f, row[i].want);
        nth(record_of(&f), 0)->hop.flow = 7;
        teardown(&f);
    }
    test_context(NULL);
}

/* ---- what observers are told ---- */

static void test_bindings_are_told_of(void)
{
    struct fixture f;
    setup(&f);
    put(&f, ID("a", 1) "Contact: <sip:b@h1>;expires=60, <sip:b@h2>, <sip:b@h3>\r\n");
    CHECK_INT(f.told[BINDING_CREATED], 3);
    uint64_t id = nth(record_of(&f), 1)->id;
    uint64_t born = f.now;
    pass(&f, 5000);
    put(&f, ID("a", 2) "Contact: <sip:b@h2>, <sip:b@h3>;expires=0\r\n");
    CHECK_INT(f.told[BINDING_REFRESHED], 1);
    CHECK_INT(f.told[BINDING_UNREGISTERED], 1);
    CHECK_INT(nth(record_of(&f), 0)->id, id); /* the same one still */
    CHECK_INT(nth(record_of(&f), 0)->created_ms, born);
    pass(&f, 60000);
    CHECK_INT(f.told[BINDING_EXPIRED], 1);
    put(&f, ID("c", 1) "Contact: *\r\nExpires: 0\r\n");
    CHECK_INT(f.told[BINDING_UNREGISTERED], 2);
    check_invariants(&f);
    teardown(&f);
}

TEST_MAIN(T(test_path_is_kept_and_comes_back), T(test_path_that_nobody_asked_for),
          T(test_paths_that_are_none), T(test_the_first_node_of_the_path),
          T(test_flow_or_contact), T(test_bindings_are_told_of))
