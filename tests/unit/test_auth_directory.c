/* SPDX-License-Identifier: Apache-2.0 */
/* The directory: spellings of devices, domains, grants, peers. */
#include "auth/directory.h"
#include "base/err.h"
#include "test.h"

static void fill_random(void *ctx, void *out, size_t n)
{
    uint8_t *p = out;
    uint64_t *state = ctx;
    while (n-- > 0) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        *p++ = (uint8_t)(*state >> 56);
    }
}

static uint64_t seed = 7;
static const struct str domains[] = {STR_INIT("example.com"), STR_INIT("Sales.example.com"),
                                     STR_INIT("192.0.2.1"), STR_INIT("[2001:db8::1]")};

struct world {
    struct test_mem mem;
    struct env env;
    struct directory d;
    struct device dev[3];
};

static struct device device_of(const char *number, const char *key)
{
    return (struct device){.number = str_c(number), .key = str_c(key)};
}

static void world_init(struct world *w)
{
    test_mem_init(&w->mem);
    w->env = (struct env){.ctx = &seed, .mem = w->mem.mem, .random = fill_random};
    CHECK_INT(directory_init(&w->d, &w->env, domains, 4), 0);
    w->dev[0] = device_of("1001", "1001@example.com");
    w->dev[1] = device_of("1001", "1001@sales.example.com");
    w->dev[2] = device_of("+4930123", "+4930123@example.com");
    for (size_t i = 0; i < 3; i++) {
        CHECK_INT(directory_add_device(&w->d, &w->dev[i]), 0);
    }
}

static void world_fini(struct world *w)
{
    directory_fini(&w->d);
    CHECK_INT(w->mem.live, 0);
}

static void test_device_spellings(void)
{
    static const struct {
        const char *text;
        int dev; /* -1: nobody */
    } table[] = {
        {"1001", 0},
        {" 1001 ", 0},
        {"1001@example.com", 0},
        {"1001@EXAMPLE.com", 0},
        {"1001@sales.example.com", 1},
        {"sip:1001@example.com", 0},
        {"SIP:1001@Example.Com;transport=tcp", 0},
        {"sips:1001@sales.example.com", 1},
        {"sip:%31001@example.com", 0},
        {"sip:1001;phone-context=x@example.com", 0},
        {"sip:1001:secret@example.com", 0},
        {"sip:1001@192.0.2.1:5062", 0},
        {"sip:1001@[2001:db8::1]", 0},
        {"<sip:1001@example.com>;tag=9", 0},
        {"\"A\" <sip:1001@sales.example.com>", 1},
        {"tel:1001;phone-context=example.com", 0},
        {"tel:+49-30-123", 2},
        {"tel:+49(30)1.23", 2},
        {"N<1001>Line;displayNumber=1", 0},
        {"N<1001&5>", 0},
        {"N<+4930123>", 2},
        {"1001;ext=4", 0},
        {"1002", -1},
        {"sip:1001@example.org", -1},
        {"sip:example.com", -1},
        {"sip:1001@", -1},
        {"mailto:1001@example.com", -1},
        {"N<1001", -1},
        {"N<>", -1},
        {"", -1},
        {"@example.com", -1},
        {"+4930123@sales.example.com", -1},
    };
    struct world w;
    world_init(&w);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        test_context(table[i].text);
        struct str text = test_guard(str_c(table[i].text));
        struct device *want = table[i].dev < 0 ? NULL : &w.dev[table[i].dev];
        CHECK(directory_device_named(&w.d, text) == want);
        test_guard_free(text);
    }
    test_context(NULL);
    world_fini(&w);
}

static void test_long_names_are_nobody(void)
{
    struct world w;
    world_init(&w);
    char text[2000];
    memset(text, '1', sizeof(text));
    CHECK(directory_device_named(&w.d, str_make(text, sizeof(text))) == NULL);
    memcpy(text, "sip:", 4);
    memcpy(text + sizeof(text) - 12, "@example.com", 12);
    CHECK(directory_device_named(&w.d, str_make(text, sizeof(text))) == NULL);
    world_fini(&w);
}

/** By its number in the world, however that is written. */
static void test_world_numbers(void)
{
    static const char *const same[] = {"+493012341001",
                                       "tel:+493012341001",
                                       "tel:+49-30-(1234)-1001",
                                       "+49 30 1234-1001",
                                       "sip:+493012341001@example.com;user=phone",
                                       "tel:1001x1;phone-context=x",
                                       "tel:1001;phone-context=+49-30-1234",
                                       "N<+493012341001>Ann;noa=nk",
                                       ("TEL:1001;x=y;Phone-Context=+493012"
                                        "34")};
    static const char *const other[] = {"493012341001",
                                        "tel:+49301234100",
                                        "sip:+493012341001@elsewhere.example",
                                        "tel:5;phone-context=49301234100",
                                        "tel:+",
                                        "+"};
    struct world w;
    struct device d = {.number = STR("77"),
                       .uri = STR("sip:77@example.com"),
                       .key = STR("77@example.com"),
                       .tel = STR("+493012341001")};
    world_init(&w);
    CHECK_INT(directory_add_device(&w.d, &d), 0);
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        test_context(same[i]);
        CHECK((directory_device_named(&w.d, str_c(same[i])) == &d) == (i != 5));
    }
    for (size_t i = 0; i < ARRAY_LEN(other); i++) {
        test_context(other[i]);
        CHECK(directory_device_named(&w.d, str_c(other[i])) == NULL);
    }
    test_context(NULL);
    directory_forget_tel(&w.d, &d);
    d.tel = STR("+49301");
    directory_know_tel(&w.d, &d);
    CHECK(directory_device_named(&w.d, STR("+493012341001")) == NULL);
    CHECK(directory_device_named(&w.d, STR("tel:+49-301")) == &d);
    directory_remove_device(&w.d, &d);
    CHECK(directory_device_named(&w.d, STR("tel:+49-301")) == NULL);
    world_fini(&w);
}

static void test_added_once(void)
{
    struct world w;
    world_init(&w);
    struct device again = device_of("1001", "1001@example.com");
    CHECK_INT(directory_add_device(&w.d, &again), E_EXISTS);
    struct application a = {.name = STR_INIT("crm")}, b = {.name = STR_INIT("crm")};
    CHECK_INT(directory_add_application(&w.d, &a), 0);
    CHECK_INT(directory_add_application(&w.d, &b), E_EXISTS);
    CHECK(directory_application(&w.d, STR("crm")) == &a);
    CHECK(directory_application(&w.d, STR("CRM")) == NULL);
    world_fini(&w);
}

static void test_domains(void)
{
    struct world w;
    world_init(&w);
    CHECK(directory_is_domain(&w.d, STR("EXAMPLE.COM")));
    CHECK(directory_is_domain(&w.d, STR("192.0.2.1")));
    CHECK(!directory_is_domain(&w.d, STR("192.0.2.2")));
    CHECK(!directory_is_domain(&w.d, STR("")));
    world_fini(&w);
}

static bool leads(const struct directory *d,
                  bool (*where)(const struct directory *, const struct sip_uri *),
                  const char *text)
{
    struct sip_uri u;
    uint32_t at;
    CHECK_INT(sip_uri_parse(str_c(text), 0, &u, &at), 0);
    return where(d, &u);
}

static void test_ports_of_domains(void)
{
    static const struct addr plain[] = {{.ip = {192, 0, 2, 1}, .port = 5070, .family = 4}};
    static const struct addr any[] = {{.port = 5060, .family = 4}};
    struct world w;
    world_init(&w);
    CHECK(leads(&w.d, directory_is_ours, "sip:1001@192.0.2.1:5999")); /* nobody knows */
    w.d.own = plain;
    w.d.own_count = 1;
    CHECK(leads(&w.d, directory_is_ours, "sip:1001@192.0.2.1:5070"));
    CHECK(leads(&w.d, directory_is_ours, "sip:1001@192.0.2.1"));
    CHECK(!leads(&w.d, directory_is_ours, "sip:1001@192.0.2.1:5060"));
    CHECK(!leads(&w.d, directory_is_here, "sip:1001@192.0.2.1"));
    CHECK(leads(&w.d, directory_is_here, "sip:1001@192.0.2.1:5070"));
    CHECK(leads(&w.d, directory_is_ours, "sip:1001@example.com:5999")); /* a name */
    CHECK(!leads(&w.d, directory_is_ours, "sip:1001@192.0.2.2:5070"));
    CHECK(directory_device_named(&w.d, STR("sip:1001@192.0.2.1:5060")) == NULL);
    CHECK(directory_device_named(&w.d, STR("sip:1001@192.0.2.1:5070")) != NULL);
    w.d.own = any;
    CHECK(leads(&w.d, directory_is_here, "sip:1001@192.0.2.1"));
    CHECK(!leads(&w.d, directory_is_ours, "sip:1001@192.0.2.1:5061"));
    CHECK(!leads(&w.d, directory_is_here, "sips:1001@192.0.2.1"));
    world_fini(&w);
}

static void test_grants(void)
{
    static const struct access_scope some[] = {
        {STR_INIT("2*"), ACCESS_CONTROL},
        {STR_INIT("1001@sales.example.com"), ACCESS_OBSERVE},
    };
    static const struct access_scope all[] = {{STR_INIT("*"), ACCESS_CONTROL}};
    struct world w;
    world_init(&w);
    struct application app = {.scopes = some, .scope_count = 2};
    struct device dev = device_of("2005", "2005@example.com");
    CHECK(directory_may_observe(&app, &dev) && directory_may_control(&app, &dev));
    CHECK(!directory_may_observe(&app, &w.dev[0]) && !directory_may_control(&app, &w.dev[0]));
    CHECK(directory_may_observe(&app, &w.dev[1]) && !directory_may_control(&app, &w.dev[1]));
    app = (struct application){.scopes = all, .scope_count = 1};
    CHECK(directory_may_control(&app, &w.dev[0]));
    app.scope_count = 0;
    CHECK(!directory_may_control(&app, &w.dev[0]));
    world_fini(&w);
}

static void test_patterns(void)
{
    CHECK(access_matches(STR("10*"), STR("10")));
    CHECK(access_matches(STR("10*"), STR("1001")));
    CHECK(!access_matches(STR("10*"), STR("1")));
    CHECK(!access_matches(STR("10"), STR("1001")));
    CHECK(access_matches(STR("10"), STR("10")));
    CHECK(access_matches(STR("*"), STR("")));
    CHECK(!access_matches(STR("1*0"), STR("1x0")));
}

static void test_peers(void)
{
    static const struct str numbers_a[] = {STR_INIT("0*")};
    static const struct str numbers_b[] = {STR_INIT("9"), STR_INIT("00*")};
    struct peer peers[3] = {
        {.name = STR_INIT("any"), .numbers = numbers_a, .number_count = 1},
        {.name = STR_INIT("port"), .numbers = numbers_b, .number_count = 2},
        {.name = STR_INIT("name")},
    };
    struct world w;
    world_init(&w);
    w.d.peers = peers;
    w.d.peer_count = 3;
    CHECK(addr_parse(STR("192.0.2.9"), &peers[0].addr));
    CHECK(addr_parse(STR("192.0.2.9:5062"), &peers[1].addr));
    struct hop from = {.transport = TP_UDP};
    CHECK(addr_parse(STR("192.0.2.9:5062"), &from.remote));
    CHECK(directory_peer_from(&w.d, &from) == &peers[1]);
    from.remote.port = 33333;
    CHECK(directory_peer_from(&w.d, &from) == &peers[0]);
    CHECK(addr_parse(STR("192.0.2.10:5062"), &from.remote));
    CHECK(directory_peer_from(&w.d, &from) == NULL);
    world_fini(&w);
}

/** A certificate that proves `b.example` and came on flow 7. */
static bool proves(void *ctx, const struct hop *hop, struct str name)
{
    (void)ctx;
    return hop->flow == 7 && str_eq(name, STR("b.example"));
}

/** Who has a tls_name is known by it alone: his address says nothing. */
static void test_peers_with_certificates(void)
{
    struct peer peers[2] = {
        {.name = STR_INIT("a"), .tls_name = STR_INIT("a.example")},
        {.name = STR_INIT("b"), .tls_name = STR_INIT("b.example")},
    };
    struct world w;
    world_init(&w);
    w.d.peers = peers;
    w.d.peer_count = 2;
    CHECK(addr_parse(STR("192.0.2.9"), &peers[0].addr));
    struct hop from = {.flow = 7, .transport = TP_TLS};
    CHECK(addr_parse(STR("192.0.2.9:5061"), &from.remote));
    CHECK(directory_peer_from(&w.d, &from) == NULL); /* nobody looks at certificates here */
    struct env env = *w.d.env;
    env.proves = proves;
    w.d.env = &env;
    CHECK(directory_peer_from(&w.d, &from) == &peers[1]);
    from.transport = TP_WSS;
    CHECK(directory_peer_from(&w.d, &from) == &peers[1]);
    from.transport = TP_TCP;
    CHECK(directory_peer_from(&w.d, &from) == NULL);
    from = (struct hop){.flow = 8, .transport = TP_TLS, .remote = from.remote};
    CHECK(directory_peer_from(&w.d, &from) == NULL);
    world_fini(&w);
}

static void test_no_memory(void)
{
    struct test_mem mem;
    test_mem_init(&mem);
    for (size_t i = 1; i <= 2; i++) {
        mem.calls = 0;
        mem.fail_at = i;
        struct env env = {.ctx = &seed, .mem = mem.mem, .random = fill_random};
        struct directory d;
        CHECK_INT(directory_init(&d, &env, domains, 4), E_NOMEM);
        CHECK_INT(mem.live, 0);
    }
}

TEST_MAIN(T(test_device_spellings), T(test_long_names_are_nobody), T(test_world_numbers),
          T(test_added_once), T(test_domains), T(test_ports_of_domains), T(test_grants),
          T(test_patterns), T(test_peers), T(test_peers_with_certificates), T(test_no_memory))
