/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The history of a call that Baton redirects: rc and mp of the Contacts and the entries of the
 * 3xx for a caller who asks (RFC 7044 §8), embedded headers for one whose policy says so.
 */
#include "history/history.h"
#include "service.h"

#include <stdio.h>

static struct service s;
static struct neighbour policy;

static void use_policy(struct world *w)
{
    w->config.call.policy = policy;
}

/** ann calls 1002 and is sent to bob, to cleo, and to a number elsewhere. */
static void redirect(struct neighbour p, const char *lines)
{
    service_begin(&s, ROLE_BRIDGE);
    policy = p;
    s.tweak = use_policy;
    struct rule *r = service_rule(&s, "1002", RULE_REDIRECT);
    r->status = 302;
    service_target(&s, r, RULE_TO_DEVICE, "1002");
    service_target(&s, r, RULE_TO_DEVICE, "1003");
    service_target(&s, r, RULE_TO_URI, "sip:{number}@far.example?X=1");
    service_up(&s);
    service_mark(&s);
    REQUIRE(phone_call(s.ann, "1002", true, str_c(lines)) != NULL);
    service_run(&s, 200);
}

static struct str header_of(const char *name, size_t nth)
{
    return str_trim(
        wire_raw(wire_find(&s.w.wire, &s.w.node, &s.ann->s.node, "302 INVITE", 0), name, nth));
}

static void test_asked(void)
{
    static const char *const params[] = {">;rc=1", ">;mp=1", "<sip:1002@far.example?X=1>;rc=1"};
    redirect((struct neighbour){0}, "Supported: histinfo\r\n");
    for (unsigned i = 0; i < 3; i++) {
        CHECK(str_ends(header_of("Contact", i), str_c(params[i])));
        CHECK_INT(str_find(header_of("Contact", i), STR("History-Info")),
                  header_of("Contact", i).n);
    }
    CHECK_STR(header_of("History-Info", 0), "<sip:1002@example.com>;index=1");
    service_down(&s);
}

/** Behind the entries that came. */
static void test_redirected_with_entries(void)
{
    redirect((struct neighbour){0},
             "History-Info: <sip:1009@example.com>;index=1\r\n"
             "History-Info: <sip:1002@example.com;cause=302>;index=1.1;mp=1\r\n");
    CHECK(str_ends(header_of("Contact", 1), STR(">;mp=1.1")));
    CHECK_STR(header_of("History-Info", 1), "<sip:1002@example.com;cause=302>;index=1.1;mp=1");
    service_down(&s);
}

static void test_not_asked(void)
{
    redirect((struct neighbour){0}, "");
    CHECK(str_ends(header_of("Contact", 0), STR(">")) &&
          str_ends(header_of("Contact", 1), STR(">")));
    CHECK(!str_is_set(header_of("History-Info", 0)));
    service_down(&s);
    redirect((struct neighbour){.history = HISTORY_STRIP}, "Supported: histinfo\r\n");
    CHECK(str_ends(header_of("Contact", 1), STR(">")));
    CHECK(!str_is_set(header_of("History-Info", 0)));
    service_down(&s);
}

/** Who is always to have a history, and writes none himself, gets the whole of it. */
static void test_embedded_history(void)
{
    redirect((struct neighbour){.history = HISTORY_WRITE}, "");
    struct str c = header_of("Contact", 1);
    CHECK(
        str_find(c, STR("?History-Info=%3Csip:1002%40example.com?Reason%3DSIP%253Bcause%253D302"
                        "%3E%3Bindex%3D1&History-Info=%3Csip:1003%40")) < c.n);
    CHECK(str_find(c, STR("%3Bcause%3D302%3E%3Bindex%3D1.1%3Bmp%3D1")) < c.n);
    CHECK(str_ends(c, STR(">")));
    c = header_of("Contact", 2);
    CHECK(str_starts(c, STR("<sip:1002@far.example?X=1&History-Info=")));
    CHECK(str_ends(c, STR("%3Csip:1002%40far.example%3E%3Bindex%3D1.1%3Brc%3D1>")));
    service_down(&s);
}

/** Who knows Diversion learns who diverted: where it goes to somebody else. */
static void test_embedded_diversion(void)
{
    redirect((struct neighbour){.diversion = DIVERSION_WRITE}, "");
    CHECK(str_ends(header_of("Contact", 0), STR(">")));
    CHECK_INT(str_find(header_of("Contact", 0), STR("Diversion")), header_of("Contact", 0).n);
    struct str c = header_of("Contact", 1);
    CHECK(str_ends(c, STR("?Diversion=%3Csip:1002%40example.com%3E%3Breason%3Dunconditional"
                          "%3Bcounter%3D1%3Bprivacy%3Doff>")));
    service_down(&s);
}

TEST_MAIN(T(test_asked), T(test_redirected_with_entries), T(test_not_asked),
          T(test_embedded_history), T(test_embedded_diversion))
