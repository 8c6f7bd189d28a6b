/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What applications give for a package with a key goes out sealed: with MakeCall, DeflectCall,
 * SingleStepTransferCall and ClearConnection. It is opened here by the far end, with the keys
 * of the other party. What cannot be sealed is refused, and never sent in clear.
 */
#include "../unit/kit_seal_keys.h"
#include "seal/value.h"
#include "world.h"

#include <stdio.h>

static struct world w;
static struct phone *ann, *bob, *cleo;
static struct uui_package row;
static struct uui_packages packages;
static struct seal_keys *ours, *theirs;
static struct seal far_end;
static struct arena arena;

static void with_key(struct world *x)
{
    packages = (struct uui_packages){.row = &row, .n = 1};
    x->config.packages = &packages;
    x->config.seal_keys = ours;
}

/** @param key  that isdn-uui is sent with */
static void up(uint16_t key)
{
    struct world_options o = {.tweak = with_key};
    row = *uui_package_of(NULL, uui_isdn);
    row.seal_key = key;
    ours = seal_keys_new(&mem_libc);
    theirs = seal_keys_new(&mem_libc);
    CHECK_INT(kit_add_keys(ours, true), 0);
    CHECK_INT(kit_add_keys(theirs, false), 0);
    arena_init(&arena, &mem_libc, 4096);
    world_up(&w, &o);
    CHECK_INT(seal_init(&far_end, &w.plain, &(struct seal_config){0}), 0);
    seal_set_keys(&far_end, theirs);
    ann = PHONE(&w, 0);
    bob = PHONE(&w, 1);
    cleo = PHONE(&w, 2);
    ann->obeys_auto = true;
}

static void down(void)
{
    world_down(&w);
    seal_fini(&far_end);
    seal_keys_free(ours);
    seal_keys_free(theirs);
    arena_fini(&arena);
}

/** What the far end makes of the User-to-User of the last message of that kind to a phone. */
static enum seal_result opened(const struct phone *p, const char *pattern, enum seal_way way,
                               struct seal_opened *out)
{
    size_t n = wire_count(&w.wire, ENGINE(&w), &p->s.node, pattern);
    struct uui_value v;
    *out = (struct seal_opened){0};
    CHECK(n > 0);
    struct str msg = wire_find(&w.wire, ENGINE(&w), &p->s.node, pattern, n - 1);
    struct str value = str_trim(wire_raw(msg, "User-to-User", 0));
    CHECK_INT(uui_parse(value, NULL, &arena, &v), 0);
    CHECK_INT(v.verdict, UUI_VALID);
    struct seal_about about = seal_about_of(&row, v.package, v.content, way);
    return seal_open(&far_end, &about, v.octets, 0, w.plain.wall_s(w.plain.ctx), &arena, out);
}

static bool shows(const struct phone *p, const char *octets_in_hex)
{
    size_t n = wire_count(&w.wire, ENGINE(&w), &p->s.node, "INVITE");
    for (size_t i = 0; i < n; i++) {
        struct str msg = wire_find(&w.wire, ENGINE(&w), &p->s.node, "INVITE", i);
        if (str_find(msg, str_c(octets_in_hex)) < msg.n) {
            return true;
        }
    }
    return false;
}

static void make(const char *data)
{
    struct ask *q = app_make_call(&w.crm, "1001", "1002", false, data);
    world_run(&w, 300);
    CHECK_STR(str_c(q->text), "MakeCallResponse c1:1001");
}

static void test_make_call(void)
{
    static const struct {
        uint16_t key;
        const char *identity;
    } table[] = {{SIV_KEY, "sip:group@example.com"},
                 {SIV64_KEY, "sip:group@example.com"},
                 {BOX_KEY, "sip:a@example.com"},
                 {SIGN_KEY, "sip:a@example.com"}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct seal_opened x;
        up(table[i].key);
        make("order 4711");
        CHECK_INT(opened(bob, "INVITE", SEAL_FORWARD, &x), SEAL_OK);
        CHECK_STR(x.plain, "order 4711");
        CHECK_STR(x.identity, table[i].identity);
        CHECK_INT(x.key_id, table[i].key);
        CHECK_INT(opened(bob, "INVITE", SEAL_END, &x), SEAL_FORGED);
        CHECK_INT(shows(bob, "6F726465722034373131"), table[i].key == SIGN_KEY);
        CHECK_INT(world_stat(&w, "seal_made"), 1);
        down();
    }
}

static void test_clear_connection(void)
{
    struct seal_opened x;
    up(BOX_KEY);
    make("hello");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 300);
    struct ask *q = app_on_connection(&w.crm, "ClearConnection", "connectionToBeCleared", "c1",
                                      "1001", "<userData><string>04627965</string></userData>");
    world_run(&w, 300);
    CHECK_INT(q->answers, 1);
    CHECK_INT(opened(bob, "BYE", SEAL_END, &x), SEAL_OK);
    CHECK_STR(x.plain, "\x04"
                       "bye");
    down();
}

static void test_transfer(void)
{
    struct seal_opened x;
    up(SIV_KEY);
    make("hello");
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 300);
    (void)app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c1", "1001",
                            "<transferredTo>1003</transferredTo>"
                            "<userData><string>04726561736f6e</string></userData>");
    world_run(&w, 300);
    CHECK_INT(opened(cleo, "INVITE", SEAL_FORWARD, &x), SEAL_OK);
    CHECK_STR(x.plain, "\x04"
                       "reason");
    down();
}

static void test_deflect(void)
{
    struct seal_opened x;
    up(SIV_KEY);
    make("hello");
    (void)app_on_connection(&w.crm, "DeflectCall", "callToBeDiverted", "c1", "1002",
                            "<newDestination>1003</newDestination>"
                            "<userData><string>0431</string></userData>");
    world_run(&w, 300);
    CHECK_INT(opened(cleo, "INVITE", SEAL_FORWARD, &x), SEAL_OK);
    CHECK_STR(x.plain, "\x04"
                       "1");
    down();
}

/* A key that is not there, one that only opens, and more octets than there is room for. */
static void test_never_in_clear(void)
{
    char room[108];
    memset(room, 'a', 107);
    room[107] = '\0';
    const struct {
        uint16_t key;
        const char *data;
    } table[] = {{99, "secret"}, {BOX_KEY, room}, {SIV_KEY, room}};
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        up(table[i].key);
        struct ask *q = app_make_call(&w.crm, "1001", "1002", false, table[i].data);
        world_run(&w, 300);
        CHECK_INT(q->answers, 1);
        CHECK(strstr(q->text, "MakeCallResponse") == NULL);
        CHECK_INT(strcmp(q->text, "operation/valueOutOfRange") == 0, table[i].data == room);
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), &bob->s.node, "INVITE"), 0);
        CHECK_INT(wire_count(&w.wire, ENGINE(&w), &ann->s.node, "INVITE"), 0);
        CHECK_INT(world_stat(&w, "seal_made"), 0);
        CHECK(strstr(w.traced, "cannot be sealed with key") != NULL);
        CHECK(strstr(w.traced, "secret") == NULL);
        down();
    }
}

/* Keys can be changed while calls go on. */
static void test_new_keys(void)
{
    struct seal_opened x;
    up(SIV_KEY);
    engine_set_seal_keys(w.engine, NULL);
    struct ask *q = app_make_call(&w.crm, "1001", "1002", false, "hello");
    world_run(&w, 300);
    CHECK(strstr(q->text, "MakeCallResponse") == NULL);
    engine_set_seal_keys(w.engine, ours);
    make("again");
    CHECK_INT(opened(bob, "INVITE", SEAL_FORWARD, &x), SEAL_OK);
    CHECK_STR(x.plain, "again");
    down();
}

/* ---- what comes ---- */

static const char *monitor;

/** The far end calls 1002 with these octets; what the application hears. */
static const char *called_with(const char *id, struct str octets)
{
    char hex[600], line[700];
    struct out o;
    out_init(&o, hex, sizeof(hex) - 1);
    out_hex(&o, octets, true);
    hex[o.n] = '\0';
    (void)snprintf(line, sizeof(line), "User-to-User: %s;encoding=hex\n", hex);
    app_forget(&w.crm);
    world_raw_invite(&w, &w.gateway, id, "1002", line, world_sdp);
    world_run(&w, 300);
    return app_events(&w.crm, monitor);
}

/** Octets sealed by the far end. */
static struct str sealed_there(uint16_t key, const char *plain, enum seal_way way)
{
    static char frame[256];
    struct out o;
    struct seal_about about = seal_about_of(&row, uui_isdn, STR_NONE, way);
    out_init(&o, frame, sizeof(frame));
    CHECK_INT(seal_close(&far_end, key, &about, str_c(plain), UUI_ISDN_OCTETS,
                         w.plain.wall_s(w.plain.ctx), &o),
              0);
    return out_str_of(&o);
}

static void up_receiving(enum uui_seal seal)
{
    up(0);
    row.seal = (uint8_t)seal;
    monitor = world_monitor(&w, &w.crm, "1002");
}

static bool tells(const char *events, const char *what)
{
    return strstr(events, "Delivered") != NULL && strstr(events, what) != NULL;
}

static void test_received(void)
{
    static const uint16_t keys[] = {SIV_KEY, SIV64_KEY, BOX_KEY};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        for (enum uui_seal seal = UUI_SEAL_OPTIONAL; seal <= UUI_SEAL_REQUIRED; seal++) {
            up_receiving(seal);
            CHECK(tells(called_with("a", sealed_there(keys[i], "order4711", SEAL_FORWARD)),
                        " uui=order4711"));
            CHECK(world_stat(&w, "seal_ok") > 0);
            CHECK_INT(world_stat(&w, "uui_wrong"), 0);
            /* what the phone gets is as it came */
            CHECK_INT(opened(bob, "INVITE", SEAL_FORWARD, &(struct seal_opened){0}), SEAL_OK);
            down();
        }
    }
}

/* Each attack is told as what it is; the application sees none of these octets. */
static void test_attacks(void)
{
    static const char *const hidden[] = {"seal_forged", "seal_forged", "seal_replayed",
                                         "seal_unknown_key"};
    up_receiving(UUI_SEAL_REQUIRED);
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        char copy[256], id[8] = {(char)('a' + i), 0};
        struct str f = sealed_there(SIV_KEY, "x", i == 1 ? SEAL_END : SEAL_FORWARD);
        memcpy(copy, f.p, f.n);
        if (i == 0) {
            copy[f.n - 1] ^= 1;
        } else if (i == 2) {
            CHECK(tells(called_with("first", f), " uui=x"));
        } else if (i == 3) {
            copy[2] = 99;
        }
        uint64_t before = world_stat(&w, hidden[i]), wrong = world_stat(&w, "uui_wrong");
        const char *events = called_with(id, str_make(copy, f.n));
        CHECK(strstr(events, "Delivered") != NULL);
        CHECK(strstr(events, "uui=") == NULL);
        CHECK(world_stat(&w, hidden[i]) > before);
        CHECK_INT(world_stat(&w, "uui_wrong"), wrong + 1);
    }
    uint64_t ignored = world_stat(&w, "uui_ignored");
    CHECK(strstr(called_with("plain", STR("\x04plain")), "uui=") == NULL);
    CHECK_INT(world_stat(&w, "uui_ignored"), ignored + 1);
    struct str late = sealed_there(SIV_KEY, "late", SEAL_FORWARD);
    world_run(&w, 121000);
    CHECK(strstr(called_with("late", late), "uui=") == NULL);
    CHECK(world_stat(&w, "seal_stale") > 0);
    down();
}

/* Events of a call show what its INVITE had, however long ago that was opened. */
static void test_later_events(void)
{
    up_receiving(UUI_SEAL_REQUIRED);
    CHECK(tells(called_with("a", sealed_there(BOX_KEY, "hello", SEAL_FORWARD)), " uui=hello"));
    app_forget(&w.crm);
    CHECK_INT(phone_answer(bob), 0);
    world_run(&w, 300);
    CHECK(strstr(app_events(&w.crm, monitor), "uui=hello") != NULL);
    world_run(&w, 600000);
    app_forget(&w.crm);
    struct ask *q = app_on_connection(&w.crm, "HoldCall", "callToBeHeld", "c1", "1002", "");
    world_run(&w, 300);
    CHECK_INT(q->answers, 1);
    CHECK_INT(world_stat(&w, "seal_stale"), 0);
    down();
}

/* What was given is shown to others as it was given, though it goes out sealed. */
static void test_own_values_in_events(void)
{
    up(SIV_KEY);
    row.seal = UUI_SEAL_REQUIRED;
    monitor = world_monitor(&w, &w.crm, "1002");
    make("hello");
    CHECK(tells(app_events(&w.crm, monitor), " uui=hello"));
    CHECK_INT(world_stat(&w, "uui_wrong") + world_stat(&w, "uui_ignored"), 0);
    down();
}

/* A rule of the border takes away what is not sealed well; the border and the application's
   events ask about the same frame, and neither takes the other's for a replay. */
static void test_rule_about_seals(void)
{
    static const struct border_rule rules[] = {
        {.name = STR_INIT("whole"), .direction = BORDER_IN, .seals = 1 << SEAL_OK},
        {.name = STR_INIT("others"), .direction = BORDER_IN, .action = BORDER_STRIP}};
    static const struct border_policy policy = {.rule = rules, .count = ARRAY_LEN(rules)};
    char copy[256];
    up_receiving(UUI_SEAL_REQUIRED);
    engine_set_policy(w.engine, &policy);
    struct str f = sealed_there(BOX_KEY, "first", SEAL_FORWARD);
    memcpy(copy, f.p, f.n);
    CHECK(tells(called_with("a", f), " uui=first"));
    CHECK_INT(opened(bob, "INVITE", SEAL_FORWARD, &(struct seal_opened){0}), SEAL_OK);
    CHECK_INT(world_stat(&w, "seal_replayed"), 0);
    f = str_make(copy, f.n);
    for (int i = 0; i < 2; i++) { /* in another call; then damaged */
        copy[f.n - 1] ^= (char)i;
        CHECK(strstr(called_with(i == 0 ? "b" : "c", f), "uui=") == NULL);
        size_t n = wire_count(&w.wire, ENGINE(&w), &bob->s.node, "INVITE");
        struct str msg = wire_find(&w.wire, ENGINE(&w), &bob->s.node, "INVITE", n - 1);
        CHECK(!str_is_set(wire_raw(msg, "User-to-User", 0)));
        CHECK_INT(world_stat(&w, i == 0 ? "seal_replayed" : "seal_forged"), 1);
    }
    world_run(&w, 121000); /* nobody answers */
    down();
}

/* A call moves on long after it began: what was given with it is sealed anew. */
static void test_moved_later(void)
{
    struct seal_opened x;
    for (int by_phone = 0; by_phone < 2; by_phone++) {
        up(BOX_KEY);
        make("hello");
        CHECK_INT(phone_answer(bob), 0);
        world_run(&w, 600000);
        if (by_phone) {
            struct leg_content content = {.lines = STR("Refer-To: <sip:1003@example.com>\r\n")};
            CHECK_INT(leg_send(bob->s.leg, NULL, STR("REFER"), &content, station_listen,
                               &bob->s, NULL, station_now(&bob->s)),
                      0);
        } else {
            (void)app_on_connection(&w.crm, "SingleStepTransferCall", "activeCall", "c1",
                                    "1001", "<transferredTo>1003</transferredTo>");
        }
        world_run(&w, 300);
        CHECK_INT(opened(cleo, "INVITE", SEAL_FORWARD, &x), SEAL_OK);
        CHECK_STR(x.plain, "hello");
        CHECK(x.sealed_s > w.plain.wall_s(w.plain.ctx) - 5);
        CHECK_INT(world_stat(&w, "seal_made"), 2);
        down();
    }
}

/* A PBX sends a call on to another of our devices, as it got it: that is the same call. */
static void test_comes_back(void)
{
    char hex[600], line[700], id[128];
    struct out o;
    up_receiving(UUI_SEAL_REQUIRED);
    const char *third = world_monitor(&w, &w.crm, "1003");
    struct str frame = sealed_there(SIV_KEY, "hello", SEAL_FORWARD);
    CHECK(tells(called_with("a", frame), " uui=hello"));
    struct str msg = wire_find(&w.wire, ENGINE(&w), &bob->s.node, "INVITE", 0);
    (void)snprintf(id, sizeof(id), "%.*s", STR_ARG(str_trim(wire_raw(msg, "Call-ID", 0))));
    out_init(&o, hex, sizeof(hex) - 1);
    out_hex(&o, frame, true);
    hex[o.n] = '\0';
    (void)snprintf(line, sizeof(line), "User-to-User: %s;encoding=hex\n", hex);
    world_raw_invite(&w, &w.trunk, id, "1003", line, world_sdp);
    world_run(&w, 300);
    CHECK(tells(app_events(&w.crm, third), " uui=hello"));
    CHECK_INT(world_stat(&w, "seal_replayed"), 0);
    world_run(&w, 121000); /* nobody answers */
    down();
}

/* Memory fails somewhere: the call may fail, but what goes out is sealed, and what is shown of
   what came is what was sealed. */
static void test_memory(void)
{
    for (size_t at = 1; at <= 40; at++) {
        struct seal_opened x;
        up(BOX_KEY);
        row.seal = UUI_SEAL_REQUIRED;
        w.hard = true;
        monitor = world_monitor(&w, &w.crm, "1002");
        w.mem.fail_at = w.mem.calls + at;
        (void)app_make_call(&w.crm, "1001", "1002", false, "hello");
        world_run(&w, 300);
        w.mem.fail_at = 0;
        if (wire_count(&w.wire, ENGINE(&w), &bob->s.node, "INVITE") > 0) {
            CHECK_INT(opened(bob, "INVITE", SEAL_FORWARD, &x), SEAL_OK);
            CHECK_STR(x.plain, "hello");
        }
        w.mem.fail_at = w.mem.calls + at;
        const char *events = called_with("a", sealed_there(BOX_KEY, "order", SEAL_FORWARD));
        w.mem.fail_at = 0;
        CHECK(strstr(events, "uui=") == NULL || strstr(events, "uui=order") != NULL);
        world_run(&w, 130000);
        down();
    }
}

TEST_MAIN(T(test_make_call), T(test_clear_connection), T(test_transfer), T(test_deflect),
          T(test_never_in_clear), T(test_new_keys), T(test_received), T(test_attacks),
          T(test_later_events), T(test_own_values_in_events), T(test_rule_about_seals),
          T(test_moved_later), T(test_comes_back), T(test_memory))
