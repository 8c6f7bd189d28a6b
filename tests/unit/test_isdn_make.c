/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISUP messages that Baton makes: octet by octet, read back by our own reader, in bodies of
 * every kind; and what cannot be made. tests/tshark has others read them.
 */
#include "base/err.h"
#include "isdn/body.h"
#include "isdn/wrap.h"
#include "kit_msg.h"

#define B(s) ((struct str){s, sizeof(s) - 1})
#define HI STR_INIT("\x04Hi")

static const struct {
    struct isup_new m;
    struct str want;
} made[] = {
    {{.type = ISUP_IAM, .called = STR_INIT("+4930123"), .calling = STR_INIT("+491"), .uui = HI},
     STR_INIT("\x01\x00\x61\x00\x0a\x03\x02\x08\x06\x04\x10\x94\x03\x21\xf3\x0a\x04\x84\x13\x94"
              "\x01\x20\x03\x04Hi\x00")},
    {{.type = ISUP_IAM, .called = STR_INIT("55*1#")}, /* of unknown nature, nothing optional */
     STR_INIT("\x01\x00\x60\x00\x0a\x03\x02\x00\x05\x02\x10\x55\x1b\xfc")},
    {{.type = ISUP_IAM,
      .called = STR_INIT("123"),
      .calling = STR_INIT("7"),
      .restricted = true},
     STR_INIT("\x01\x00\x60\x00\x0a\x03\x02\x06\x04\x02\x10\x21\xf3\x0a\x03\x82\x17\x07\x00")},
    {{.type = ISUP_IAM, .base = ISUP_ANSI, .called = STR_INIT("+1305"), .uui = HI},
     STR_INIT("\x01\x00\x61\x00\x0a\x03\x06\x0a\x03\x90\x90\xa2\x04\x04\x10\x31\x50\x20\x03\x04"
              "Hi\x00")},
    {{.type = ISUP_ACM, .free = true, .uui = HI},
     STR_INIT("\x06\x16\x04\x01\x20\x03\x04Hi\x00")},
    {{.type = ISUP_ACM}, STR_INIT("\x06\x12\x04\x00")},
    {{.type = ISUP_CPG, .event = ISUP_EVENT_ALERTING, .uui = HI},
     STR_INIT("\x2c\x01\x01\x20\x03\x04Hi\x00")},
    {{.type = ISUP_CPG, .event = ISUP_EVENT_FORWARDED}, STR_INIT("\x2c\x06\x00")},
    {{.type = ISUP_CON, .uui = HI}, STR_INIT("\x07\x16\x04\x01\x20\x03\x04Hi\x00")},
    {{.type = ISUP_ANM, .uui = HI}, STR_INIT("\x09\x01\x20\x03\x04Hi\x00")},
    {{.type = ISUP_ANM}, STR_INIT("\x09\x00")},
    {{.type = ISUP_REL, .cause = 16, .uui = HI},
     STR_INIT("\x0c\x02\x04\x02\x80\x90\x20\x03\x04Hi\x00")},
    {{.type = ISUP_REL, .cause = 17, .location = ISUP_BY_NETWORK},
     STR_INIT("\x0c\x02\x00\x02\x8a\x91")},
    {{.type = ISUP_RLC}, STR_INIT("\x10\x00")},
    {{.type = ISUP_RLC, .base = ISUP_ANSI}, STR_INIT("\x10")},
};

static void test_made_messages(void)
{
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        const struct isup_new *m = &made[i].m;
        char buf[ISUP_MADE_MAX];
        struct isup_msg back;
        struct str uui;
        struct out o;
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(isup_write(&o, m), 0);
        CHECK_BYTES(out_str_of(&o), made[i].want);
        struct str copy = test_guard(out_str_of(&o));
        CHECK_INT(isup_view(copy, (enum isup_base)m->base, &back), 0);
        CHECK_INT(isup_uui_get(&back, &uui), str_is_set(m->uui) ? 0 : E_NOTFOUND);
        CHECK_BYTES(uui, m->uui);
        test_guard_free(copy);
        for (size_t room = 0; room < made[i].want.n; room++) { /* all of it or nothing */
            out_init(&o, buf, room);
            CHECK_INT(isup_write(&o, m), E_SPACE);
            CHECK_INT(o.n, 0);
        }
    }
}

/** Every length of user information, in each type that takes it, comes back. */
static void test_made_lengths(void)
{
    static const uint8_t types[] = {ISUP_IAM, ISUP_ACM, ISUP_CPG, ISUP_CON, ISUP_ANM, ISUP_REL};
    char octets[ISDN_UUI_MAX + 1], buf[ISUP_MADE_MAX];
    for (size_t i = 0; i < sizeof(octets); i++) {
        octets[i] = (char)i;
    }
    for (size_t t = 0; t < ARRAY_LEN(types); t++) {
        struct isup_new m = {.type = types[t],
                             .called = STR("+12345678901234567890123456789012"),
                             .calling = STR("+12345678901234567890123456789012"),
                             .event = 1,
                             .cause = 127};
        struct isup_msg back;
        struct str uui;
        struct out o;
        for (size_t n = 1; n <= ISDN_UUI_MAX; n++) {
            m.uui = str_make(octets, n);
            out_init(&o, buf, sizeof(buf));
            CHECK_INT(isup_write(&o, &m), 0);
            CHECK_INT(isup_view(out_str_of(&o), ISUP_ITU, &back), 0);
            CHECK_INT(isup_uui_get(&back, &uui), 0);
            CHECK_BYTES(uui, m.uui);
        }
        m.uui = str_make(octets, ISDN_UUI_MAX + 1);
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(isup_write(&o, &m), E_TOOBIG);
        m.uui = STR("");
        CHECK_INT(isup_write(&o, &m), E_VALUE);
        CHECK_INT(o.n, 0);
    }
}

static void test_not_made(void)
{
    static const struct {
        struct isup_new m;
        int err;
    } row[] = {
        {{.type = ISUP_IAM}, E_VALUE},
        {{.type = ISUP_IAM, .called = STR_INIT("+")}, E_VALUE},
        {{.type = ISUP_IAM, .called = STR_INIT("alice")}, E_VALUE},
        {{.type = ISUP_IAM, .called = STR_INIT("+49*1")}, E_VALUE},
        {{.type = ISUP_IAM, .called = STR_INIT("12+3")}, E_VALUE},
        {{.type = ISUP_IAM, .called = STR_INIT("123456789012345678901234567890123")}, E_VALUE},
        {{.type = ISUP_IAM, .called = STR_INIT("1"), .calling = STR_INIT("bob")}, E_VALUE},
        {{.type = ISUP_CPG}, E_VALUE},
        {{.type = ISUP_CPG, .event = 0x80}, E_VALUE},
        {{.type = ISUP_REL}, E_VALUE},
        {{.type = ISUP_REL, .cause = 128}, E_VALUE},
        {{.type = ISUP_RLC, .uui = HI}, E_UNSUPPORTED},
        {{.type = ISUP_CON, .base = ISUP_ANSI}, E_UNSUPPORTED},
        {{.type = ISUP_USR, .uui = HI}, E_UNSUPPORTED},
        {{.type = 0}, E_UNSUPPORTED},
    };
    char buf[ISUP_MADE_MAX];
    struct out o;
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        out_init(&o, buf, sizeof(buf));
        CHECK_INT(isup_write(&o, &row[i].m), row[i].err);
        CHECK_INT(o.n, 0);
    }
}

static void test_isup_numbers(void)
{
    static const struct {
        const char *uri, *number; /* NULL: none */
    } row[] = {
        {"tel:+49-30-(123).4", "+49301234"},
        {"sip:+4930123@h;user=phone", "+4930123"},
        {"sip:8555@h", "8555"},
        {"sips:*21@h", "*21"},
        {"sip:al1ce@h", NULL},
        {"sip:1-2@h", NULL},
        {"sip:h", NULL},
        {"sip:+@h", NULL},
        {"tel:-", NULL},
        {"mailto:1@h", NULL},
        {"sip:123456789012345678901234567890123@h", "123456789012345678901234567890123"},
        {"sip:1234567890123456789012345678901234@h", NULL},
    };
    char buf[ISUP_DIGITS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        test_context(row[i].uri);
        struct str got = isup_number_of(str_c(row[i].uri), buf);
        CHECK_INT(str_is_set(got), row[i].number != NULL);
        CHECK_STR(got, row[i].number != NULL ? row[i].number : "");
    }
    test_context(NULL);
}

/* ---- bodies ---- */

static struct arena arena;
static struct test_mem counted;

#define NOTHING               \
    {                         \
        {NULL, 0}, {NULL, 0}, \
        {                     \
            NULL, 0           \
        }                     \
    }
#define SDP "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n"
#define ANM "\x09\x01\x20\x03\x04Hi\x00"
#define PART                                                            \
    "Content-Type: application/ISUP;version=itu-t92+;base=itu-t92+\r\n" \
    "Content-Disposition: signal;handling=optional\r\n\r\n" ANM "\r\n"

static const struct {
    struct isdn_content had, want;
    int err;
    size_t sdp_n;
} wrapped[] = {
    {{{NULL, 0}, {NULL, 0}, {NULL, 0}},
     {STR_INIT("application/ISUP;version=itu-t92+;base=itu-t92+"), STR_INIT(ANM),
      STR_INIT("signal;handling=optional")},
     0,
     0},
    {{STR_INIT("Application/SDP"), STR_INIT(SDP), {NULL, 0}},
     {STR_INIT("multipart/mixed;boundary=t1"),
      STR_INIT("--t1\r\nContent-Type: Application/SDP\r\n\r\n" SDP "\r\n--t1\r\n" PART
               "--t1--\r\n"),
      {NULL, 0}},
     0,
     sizeof(SDP) - 1},
    {{STR_INIT("application/sdp"), STR_INIT(SDP), STR_INIT("session")},
     {STR_INIT("multipart/mixed;boundary=t1"),
      STR_INIT(
          "--t1\r\nContent-Type: application/sdp\r\nContent-Disposition: session\r\n\r\n" SDP
          "\r\n--t1\r\n" PART "--t1--\r\n"),
      {NULL, 0}},
     0,
     sizeof(SDP) - 1},
    {{STR_INIT("multipart/mixed; boundary=\"b c\""),
      STR_INIT("pre\r\n--b c\r\nX: y\r\n\r\nz\r\n--b c--\r\nepi"), STR_INIT("render")},
     {STR_INIT("multipart/mixed; boundary=\"b c\""),
      STR_INIT("pre\r\n--b c\r\nX: y\r\n\r\nz\r\n--b c\r\n" PART "--b c--\r\nepi"),
      STR_INIT("render")},
     0,
     0},
    {{STR_INIT("multipart/mixed;boundary=b"), STR_INIT("no parts"), {NULL, 0}},
     NOTHING,
     E_VALUE,
     0},
    {{STR_INIT("multipart/mixed;boundary=b"), STR_INIT("--b--\r\n"), {NULL, 0}},
     NOTHING,
     E_VALUE,
     0},
    {{STR_INIT("multipart/mixed"), STR_INIT("--b\r\n\r\n\r\n--b--"), {NULL, 0}},
     NOTHING,
     E_VALUE,
     0},
    {{STR_INIT("multipart/signed;boundary=b"), STR_INIT("--b\r\n\r\n\r\n--b--"), {NULL, 0}},
     NOTHING,
     E_UNSUPPORTED,
     0},
    {{STR_INIT("text/plain"), STR_INIT("x"), {NULL, 0}}, NOTHING, E_UNSUPPORTED, 0},
    /* the boundary stands in the description: no such body is made */
    {{STR_INIT("application/sdp"), STR_INIT(SDP "\r\n--t1\r\n"), {NULL, 0}},
     NOTHING,
     E_VALUE,
     0},
};

static void wrap_all(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wrapped); i++) {
        struct isdn_wrapped w;
        int err = isdn_wrap(&arena, &wrapped[i].had, B(ANM), 0, STR("t1"), &w);
        if (err == E_NOMEM) {
            continue;
        }
        test_context(wrapped[i].had.type.p);
        CHECK_INT(err, wrapped[i].err);
        test_context(NULL);
        if (err == 0) {
            CHECK_STR(w.all.type, wrapped[i].want.type.p);
            CHECK_BYTES(w.all.body, wrapped[i].want.body);
            CHECK_BYTES(w.all.disposition, wrapped[i].want.disposition);
            CHECK_INT(w.sdp_n, wrapped[i].sdp_n);
            CHECK(w.sdp_n == 0 ||
                  str_eq(str_make(w.all.body.p + w.sdp_at, w.sdp_n), wrapped[i].had.body));
        }
    }
}

/** What was wrapped is what the reader of bodies finds. */
static void read_back(void)
{
    for (size_t i = 0; i < ARRAY_LEN(wrapped); i++) {
        struct isdn_wrapped w;
        struct isdn_body found;
        if (isdn_wrap(&arena, &wrapped[i].had, B(ANM), 0, STR("t1"), &w) != 0) {
            continue;
        }
        CHECK_INT(isdn_body_find(w.all.type, w.all.body, &arena, &found), 0);
        CHECK_BYTES(isdn_body_octets(&found, ISDN_ISUP), B("\x04Hi"));
    }
}

static void test_wrapped(void)
{
    test_mem_init(&counted);
    arena_init(&arena, &counted.mem, 8192);
    wrap_all();
    read_back();
    arena_fini(&arena);
}

/** Every prefix of a body, at the edge of a page: wrapped, or refused. */
static void test_wrapped_prefixes(void)
{
    static const char whole[] = "pre\r\n--b\r\nContent-Type: application/sdp\r\n\r\n" SDP
                                "\r\n--b\r\nX: y\r\n\r\nz\r\n--b--\r\nepi";
    size_t taken = 0;
    test_mem_init(&counted);
    arena_init(&arena, &counted.mem, 8192);
    for (size_t n = 0; n < sizeof(whole); n++) {
        struct isdn_content had = {.type = STR("multipart/mixed;boundary=b"),
                                   .body = test_guard(str_make(whole, n))};
        struct isdn_wrapped w;
        int err = isdn_wrap(&arena, &had, B(ANM), 0, STR("t1"), &w);
        CHECK(err == 0 || err == E_VALUE);
        if (err == 0) {
            CHECK(str_ends(w.all.body,
                           str_from(had.body, sizeof(whole) - sizeof("\r\n--b--\r\nepi"))));
            CHECK_BYTES(str_make(w.all.body.p + w.sdp_at, w.sdp_n), STR(SDP));
            taken++;
        }
        test_guard_free(had.body);
    }
    CHECK_INT(taken, 5); /* from the closing delimiter on, but not half a line end */
    arena_fini(&arena);
}

static void test_wrapped_memory(void)
{
    for (size_t fail = 1; fail < 60; fail++) {
        test_mem_init(&counted);
        counted.fail_at = fail;
        counted.fail_on = true;
        arena_init(&arena, &counted.mem, 16);
        wrap_all();
        arena_fini(&arena);
        CHECK_INT(counted.live, 0);
    }
}

static void test_versions(void)
{
    CHECK_STR(str_c(isup_version_name(0)), "itu-t92+");
    for (unsigned i = 0; isup_version_name(i) != NULL; i++) {
        char type[64];
        snprintf(type, sizeof(type), "application/isup;version=%s", isup_version_name(i));
        CHECK_INT(isup_base_of(str_c(type)), isup_version_base(i));
    }
}

TEST_MAIN(T(test_made_messages), T(test_made_lengths), T(test_not_made), T(test_isup_numbers),
          T(test_wrapped), T(test_wrapped_prefixes), T(test_wrapped_memory), T(test_versions))
