/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of CSTA over TCP, and messages of ECMA-354. */
#include "csta/appl.h"
#include "csta/frame.h"
#include "test.h"

#include <string.h>

static void test_frame_reads_and_writes(void)
{
    static const char octets[] = "\0\0\0\x0d"
                                 "1011<a/>X";
    struct csta_frame f = {0};
    size_t used = 0;
    for (size_t n = 0; n < 13; n++) {
        struct str part = test_guard(str_make(octets, n));
        CHECK_INT(csta_frame_next(part, &f, &used), n < 13 ? CSTA_FRAME_MORE : 0);
        test_guard_free(part);
    }
    struct str whole = test_guard(str_make(octets, 13));
    CHECK_INT(csta_frame_next(whole, &f, &used), CSTA_FRAME_WHOLE);
    CHECK_INT(used, 13);
    CHECK_INT(f.invoke, 1011);
    CHECK_STR(f.xml, "<a/>X");
    test_guard_free(whole);

    char header[CSTA_FRAME_HEADER];
    CHECK(csta_frame_header(header, 9999, 995));
    CHECK(memcmp(header,
                 "\0\0\x03\xeb"
                 "9999",
                 8) == 0);
    CHECK(csta_frame_header(header, 7, CSTA_FRAME_MAX - CSTA_FRAME_HEADER));
    CHECK(memcmp(header,
                 "\0\0\xff\xff"
                 "0007",
                 8) == 0);
    CHECK(!csta_frame_header(header, 7, CSTA_FRAME_MAX - CSTA_FRAME_HEADER + 1));
}

static void test_frame_refuses(void)
{
    static const struct {
        const char *octets;
        size_t n;
    } bad[] = {{"\1\0\0\x09"
                "0001x",
                9},
               {"\1", 1},
               {"\0\1", 2},
               {"\0\0\0\x07"
                "0001",
                8},
               {"\0\0\0\0"
                "0",
                5},
               {"\0\0\0\x09"
                "00x",
                7},
               {"INVITE sip:", 11},
               {"\0\0\0\x20/", 5}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct csta_frame f;
        size_t used;
        struct str s = test_guard(str_make(bad[i].octets, bad[i].n));
        CHECK_INT(csta_frame_next(s, &f, &used), CSTA_FRAME_BAD);
        test_guard_free(s);
    }
}

#define NS "xmlns=\"" CSTA_APPL_NAMESPACE "\""

static int read_guarded(const char *xml, struct arena *a, struct csta_appl *m)
{
    struct str s = test_guard(str_c(xml));
    int err = csta_appl_read(s, 1, a, m);
    /* what is kept must not be borrowed beyond the test: compare before */
    struct str *text[] = {&m->application_id, &m->user,       &m->password,
                          &m->version,        &m->session_id, &m->reason};
    for (size_t i = 0; i < ARRAY_LEN(text); i++) {
        *text[i] = str_is_set(*text[i]) ? arena_dup(a, *text[i]) : STR_NONE;
    }
    test_guard_free(s);
    return err;
}

static void test_appl_start(void)
{
    struct arena a;
    struct csta_appl m;
    arena_init(&a, &mem_libc, 4096);
    CHECK_INT(
        read_guarded("<ns3:StartApplicationSession xmlns:ns3=\"" CSTA_APPL_NAMESPACE
                     "\"><ns3:extensions><user>none</user></ns3:extensions>"
                     "<ns3:requestedSessionDuration> 600 </ns3:requestedSessionDuration>"
                     "<ns3:requestedProtocolVersions><ns3:protocolVersion>urn:x"
                     "</ns3:protocolVersion><ns3:protocolVersion>\n"
                     "http://www.ecma-international.org/standards/ecma-323/csta/ed5 "
                     "</ns3:protocolVersion></ns3:requestedProtocolVersions>"
                     "<ns3:applicationInfo><ns3:applicationID>me &amp; you"
                     "</ns3:applicationID><ns3:applicationSpecificInfo><x><LOGIN>u</LOGIN>"
                     "<pwd> p&lt; </pwd></x></ns3:applicationSpecificInfo>"
                     "</ns3:applicationInfo></ns3:StartApplicationSession>",
                     &a, &m),
        0);
    CHECK_INT(m.kind, CSTA_APPL_START);
    CHECK_INT(m.duration_s, 600);
    CHECK_STR(m.application_id, "me & you");
    CHECK_STR(m.user, "u");
    CHECK_STR(m.password, "p<");
    CHECK_STR(m.version, "http://www.ecma-international.org/standards/ecma-323/csta/ed5");
    arena_fini(&a);
}

static void test_appl_other_and_broken(void)
{
    static const struct {
        const char *xml;
        int err;
        enum csta_appl_kind kind;
    } table[] = {
        {"<MakeCall/>", 0, CSTA_APPL_NONE},
        {"", E_SYNTAX, CSTA_APPL_NONE},
        {"<StopApplicationSession><sessionID>1</sessionID>", E_SYNTAX, CSTA_APPL_STOP},
        {"<StopApplicationSession><sessionID><b/></sessionID></StopApplicationSession>",
         E_VALUE, CSTA_APPL_STOP},
        {"<ResetApplicationSessionTimer><requestedSessionDuration>x</requestedSessionDuration>"
         "</ResetApplicationSessionTimer>",
         E_VALUE, CSTA_APPL_RESET},
        {"<!DOCTYPE a><StopApplicationSession/>", E_DENIED, CSTA_APPL_NONE},
    };
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct csta_appl m;
        test_context(table[i].xml);
        CHECK_INT(read_guarded(table[i].xml, &a, &m), table[i].err);
        CHECK_INT(m.kind, table[i].kind);
    }
    test_context(NULL);
    arena_fini(&a);
}

/** Each kind is read as it was written. */
static void test_appl_round(void)
{
    static const struct csta_appl table[] = {
        {.kind = CSTA_APPL_START,
         .application_id = STR_INIT("a"),
         .user = STR_INIT("u"),
         .password = STR_INIT("<p>"),
         .version = STR_INIT("http://www.ecma-international.org/standards/ecma-323/csta/ed3"),
         .duration_s = 60},
        {.kind = CSTA_APPL_START_POS,
         .session_id = STR_INIT("s"),
         .version = STR_INIT("http://www.ecma-international.org/standards/ecma-323/csta/ed6"),
         .duration_s = 60},
        {.kind = CSTA_APPL_START_NEG, .reason = STR_INIT("maxNumberSessions"), .defined = true},
        {.kind = CSTA_APPL_RESET, .session_id = STR_INIT("s"), .duration_s = 1},
        {.kind = CSTA_APPL_RESET_POS, .duration_s = 1},
        {.kind = CSTA_APPL_RESET_NEG, .reason = STR_INIT("invalidSessionID"), .defined = true},
        {.kind = CSTA_APPL_STOP, .session_id = STR_INIT("s"), .reason = STR_INIT("enough")},
        {.kind = CSTA_APPL_STOP_POS},
        {.kind = CSTA_APPL_STOP_NEG, .reason = STR_INIT("other")},
        {.kind = CSTA_APPL_TERMINATED,
         .session_id = STR_INIT("s"),
         .reason = STR_INIT("resourceLimitation"),
         .defined = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const struct csta_appl *want = &table[i];
        struct csta_appl m;
        struct arena a;
        char buf[1024];
        struct out o;
        arena_init(&a, &mem_libc, 4096);
        out_init(&o, buf, sizeof(buf));
        csta_appl_write(want, &o);
        CHECK(!o.over);
        CHECK_INT(csta_appl_read(out_str_of(&o), 1, &a, &m), 0);
        CHECK_INT(m.kind, want->kind);
        CHECK_INT(m.duration_s, want->duration_s);
        CHECK(str_eq(m.application_id, want->application_id) && str_eq(m.user, want->user) &&
              str_eq(m.password, want->password) && str_eq(m.version, want->version) &&
              str_eq(m.session_id, want->session_id) && str_eq(m.reason, want->reason));
        arena_fini(&a);
    }
}

TEST_MAIN(T(test_frame_reads_and_writes), T(test_frame_refuses), T(test_appl_start),
          T(test_appl_other_and_broken), T(test_appl_round))
