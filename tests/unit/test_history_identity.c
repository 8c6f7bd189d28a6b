/* SPDX-License-Identifier: Apache-2.0 */
/* P-Asserted-Identity, P-Preferred-Identity, Privacy and Remote-Party-ID at the boundary. */
#include "history/identity.h"

#include "kit_history.h"

static struct hist k;

enum { IN = 1, OUT = 0 };

static struct identity_args device_args(const struct sip_msg *m, bool to_trusted)
{
    return (struct identity_args){.m = m,
                                  .to_trusted = to_trusted,
                                  .uri = STR("sip:1001@example.com"),
                                  .tel = STR("+49301001"),
                                  .display = STR("A \"B\"")};
}

static struct history_out pass(const struct identity_args *a)
{
    struct history_out out = {0};
    CHECK_INT(identity_pass(&k.arena, a, &out), 0);
    return out;
}

static void test_privacy_values(void)
{
    hist_init(&k);
    CHECK_INT(privacy_of(NULL), 0);
    CHECK_INT(privacy_of(hist_invite(&k, "sip:b@x", "")), 0);
    CHECK_INT(privacy_of(hist_invite(&k, "sip:b@x", "Privacy: ID ; critical\r\n")),
              PRIVACY_ID | PRIVACY_CRITICAL);
    CHECK_INT(privacy_of(hist_invite(&k, "sip:b@x",
                                     "Privacy: header;user,session\r\n"
                                     "Privacy: history;;x\r\n")),
              PRIVACY_HEADER | PRIVACY_USER | PRIVACY_SESSION | PRIVACY_HISTORY |
                  PRIVACY_OTHER);
    CHECK(privacy_withholds(PRIVACY_ID) && privacy_withholds(PRIVACY_USER));
    CHECK(!privacy_withholds(PRIVACY_ID | PRIVACY_NONE) && !privacy_withholds(PRIVACY_HISTORY));
    hist_fini(&k);
}

/** A phone to a trusted peer: what it asserts goes, what we know of it is asserted. */
static void test_device_to_trusted(void)
{
    hist_init(&k);
    const struct sip_msg *m = hist_invite(&k, "sip:b@x",
                                          "P-Asserted-Identity: <sip:boss@example.com>\r\n"
                                          "Remote-Party-ID: <sip:boss@example.com>\r\n"
                                          "Privacy: id\r\n");
    struct identity_args a = device_args(m, true);
    struct history_out out = pass(&a);
    CHECK(hist_cuts(&out, SIP_HDR_P_ASSERTED_IDENTITY));
    CHECK(hist_cuts(&out, SIP_HDR_P_PREFERRED_IDENTITY));
    CHECK(hist_cuts(&out, SIP_HDR_REMOTE_PARTY_ID));
    CHECK(!hist_cuts(&out, SIP_HDR_PRIVACY)); /* for the peer to act on */
    CHECK(!identity_is_anonymous(&a));
    CHECK_STR(out.lines, "P-Asserted-Identity: \"A \\\"B\\\"\" <sip:1001@example.com>\r\n"
                         "P-Asserted-Identity: \"A \\\"B\\\"\" <tel:+49301001>\r\n");
    a.tel = STR_NONE;
    a.display = STR_NONE;
    CHECK_STR(pass(&a).lines, "P-Asserted-Identity: <sip:1001@example.com>\r\n");
    a.uri = STR_NONE;
    CHECK_STR(pass(&a).lines, "");
    hist_fini(&k);
}

static void test_preferred(void)
{
    static const struct {
        const char *line;
        const char *want;
    } rows[] = {
        {"P-Preferred-Identity: \"Me\" <sip:1001@EXAMPLE.com>\r\n",
         "P-Asserted-Identity: <sip:1001@example.com>\r\n"},
        {"P-Preferred-Identity: <tel:+49301001>\r\n",
         "P-Asserted-Identity: <tel:+49301001>\r\n"},
        {"P-Preferred-Identity: <tel:+49301001>, <sip:1001@example.com>\r\n",
         "P-Asserted-Identity: <sip:1001@example.com>\r\n"
         "P-Asserted-Identity: <tel:+49301001>\r\n"},
        {"P-Preferred-Identity: <sip:boss@example.com>\r\n",
         "P-Asserted-Identity: <sip:1001@example.com>\r\n"
         "P-Asserted-Identity: <tel:+49301001>\r\n"},
        {"P-Preferred-Identity: <tel:+49301001>\r\nP-Preferred-Identity: <tel:110>\r\n",
         "P-Asserted-Identity: <sip:1001@example.com>\r\n"
         "P-Asserted-Identity: <tel:+49301001>\r\n"},
        {"P-Preferred-Identity: <<>>\r\n", "P-Asserted-Identity: <sip:1001@example.com>\r\n"
                                           "P-Asserted-Identity: <tel:+49301001>\r\n"},
    };
    hist_init(&k);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct identity_args a = device_args(hist_invite(&k, "sip:b@x", rows[i].line), true);
        a.display = STR_NONE;
        test_context(rows[i].line);
        struct history_out out = pass(&a);
        CHECK_STR(out.lines, rows[i].want);
        CHECK(hist_cuts(&out, SIP_HDR_P_PREFERRED_IDENTITY));
    }
    test_context(NULL);
    hist_fini(&k);
}

/** Nothing is asserted to who is not trusted, nor in ACK and CANCEL (RFC 5876). */
static void test_not_asserted(void)
{
    hist_init(&k);
    struct identity_args a = device_args(hist_invite(&k, "sip:b@x", ""), false);
    CHECK_STR(pass(&a).lines, "");
    a = device_args(hist_text(&k, "ACK sip:b@x SIP/2.0", "ACK", ""), true);
    CHECK_STR(pass(&a).lines, "");
    a = device_args(hist_text(&k, "CANCEL sip:b@x SIP/2.0", "CANCEL", ""), true);
    CHECK_STR(pass(&a).lines, "");
    a = device_args(hist_text(&k, "UPDATE sip:b@x SIP/2.0", "UPDATE", ""), true);
    CHECK(pass(&a).lines.n > 0);
    a = device_args(hist_text(&k, "SIP/2.0 200 OK", "INVITE", ""), true);
    CHECK(pass(&a).lines.n > 0);
    hist_fini(&k);
}

/** What a trusted peer asserts passes, unless it is to be kept from the other side. */
static void test_trusted_peer(void)
{
    static const struct {
        const char *privacy;
        bool to, cut, anonymous, rewritten;
        const char *left;
    } rows[] = {
        {"", OUT, false, false, false, ""},
        {"Privacy: id\r\n", OUT, true, false, true, ""},
        {"Privacy: id\r\n", IN, false, false, false, ""},
        {"Privacy: none\r\n", OUT, false, false, false, ""},
        {"Privacy: id;critical\r\n", OUT, true, false, true, ""},
        {"Privacy: id;session\r\n", OUT, true, false, true, "Privacy: session\r\n"},
        {"Privacy: session;critical;user\r\n", OUT, true, true, true,
         "Privacy: session;critical\r\n"},
        {"Privacy: history\r\n", OUT, false, false, true, ""},
        {"Privacy: session\r\n", OUT, false, false, false, ""},
    };
    hist_init(&k);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char lines[256];
        (void)snprintf(lines, sizeof(lines), "P-Asserted-Identity: <sip:c@y>\r\n%s",
                       rows[i].privacy);
        struct identity_args a = {.m = hist_invite(&k, "sip:b@x", lines),
                                  .from_trusted = true,
                                  .to_trusted = rows[i].to};
        test_context(rows[i].privacy);
        struct history_out out = pass(&a);
        CHECK_INT(hist_cuts(&out, SIP_HDR_P_ASSERTED_IDENTITY), rows[i].cut);
        CHECK_INT(hist_cuts(&out, SIP_HDR_PRIVACY), rows[i].rewritten);
        CHECK_INT(identity_is_anonymous(&a), rows[i].anonymous);
        CHECK_STR(out.lines, rows[i].left);
    }
    test_context(NULL);
    struct identity_args a = {.m = hist_invite(&k, "sip:b@x", ""), .from_trusted = true};
    a.withheld = true; /* said in the INVITE, meant in its dialog as well */
    struct history_out out = pass(&a);
    CHECK(hist_cuts(&out, SIP_HDR_P_ASSERTED_IDENTITY));
    hist_fini(&k);
}

static void test_user_privacy(void)
{
    hist_init(&k);
    struct identity_args a = device_args(
        hist_invite(&k, "sip:b@x", "Privacy: user\r\nSubject: me\r\nOrganization: us\r\n"),
        false);
    struct history_out out = pass(&a);
    CHECK(hist_cuts(&out, SIP_HDR_SUBJECT) && hist_cuts(&out, SIP_HDR_ORGANIZATION));
    CHECK(hist_cuts(&out, SIP_HDR_USER_AGENT) && hist_cuts(&out, SIP_HDR_CALL_INFO));
    CHECK(hist_cuts(&out, SIP_HDR_REPLY_TO) && hist_cuts(&out, SIP_HDR_IN_REPLY_TO));
    CHECK(identity_is_anonymous(&a));
    a.to_trusted = true; /* still inside: whoever lets it out does that */
    out = pass(&a);
    CHECK(!hist_cuts(&out, SIP_HDR_SUBJECT) && !identity_is_anonymous(&a));
    hist_fini(&k);
}

/** A proxy leaves From alone, and so `user` to somebody else. */
static void test_proxied(void)
{
    struct str reason;
    hist_init(&k);
    struct identity_args a = {
        .m = hist_invite(&k, "sip:b@x", "Privacy: user;id;history\r\nSubject: s\r\n"),
        .from_trusted = true,
        .proxied = true};
    struct history_out out = pass(&a);
    CHECK(hist_cuts(&out, SIP_HDR_P_ASSERTED_IDENTITY) && !hist_cuts(&out, SIP_HDR_SUBJECT));
    CHECK_STR(out.lines, "Privacy: user\r\n");
    CHECK(privacy_is_possible(&k.arena, hist_invite(&k, "sip:b@x", "Privacy: id;critical\r\n"),
                              false, true, &reason));
    CHECK(!privacy_is_possible(&k.arena,
                               hist_invite(&k, "sip:b@x", "Privacy: id;user;critical\r\n"),
                               false, true, &reason));
    CHECK_STR(reason, "Privacy Not Possible: user");
    hist_fini(&k);
}

static void test_critical(void)
{
    static const struct {
        const char *line;
        bool to, possible;
        const char *reason;
    } rows[] = {
        {"", OUT, true, ""},
        {"Privacy: session\r\n", OUT, true, ""},
        {"Privacy: id;user;header;history;critical\r\n", OUT, true, ""},
        {"Privacy: session;critical\r\n", OUT, false, "Privacy Not Possible: session"},
        {"Privacy: id;shape;critical;session\r\n", OUT, false,
         "Privacy Not Possible: shape;session"},
        {"Privacy: session;critical\r\n", IN, true, ""},
        {"Privacy: none;critical\r\n", OUT, true, ""},
    };
    hist_init(&k);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str reason = STR_NONE;
        test_context(rows[i].line);
        CHECK_INT(privacy_is_possible(&k.arena, hist_invite(&k, "sip:b@x", rows[i].line),
                                      rows[i].to, false, &reason),
                  rows[i].possible);
        CHECK_STR(reason, rows[i].reason);
    }
    test_context(NULL);
    hist_fini(&k);
}

static void test_remote_party_id(void)
{
    static const char rpid[] =
        "Remote-Party-ID: <sip:callee@y>;party=called\r\n"
        "Remote-Party-ID: \"C, D\" <sip:c@y>;party=calling;screen=yes;privacy=off\r\n";
    static const char secret[] = "Remote-Party-ID: <sip:c@y>;privacy=full\r\n";
    hist_init(&k);
    struct identity_args a = {
        .m = hist_invite(&k, "sip:b@x", rpid), .from_trusted = true, .rpid = true};
    struct history_out out = pass(&a);
    CHECK(hist_cuts(&out, SIP_HDR_REMOTE_PARTY_ID));
    CHECK_STR(out.lines, "P-Asserted-Identity: \"C, D\" <sip:c@y>\r\n");
    a.rpid = false;
    out = pass(&a);
    CHECK(!hist_cuts(&out, SIP_HDR_REMOTE_PARTY_ID) && out.lines.n == 0);
    a = (struct identity_args){
        .m = hist_invite(&k, "sip:b@x", secret), .from_trusted = true, .rpid = true};
    out = pass(&a);
    CHECK(identity_is_anonymous(&a) && out.lines.n == 0);
    CHECK(hist_cuts(&out, SIP_HDR_REMOTE_PARTY_ID));
    a.to_trusted = true;
    CHECK_STR(pass(&a).lines, "P-Asserted-Identity: <sip:c@y>\r\nPrivacy: id\r\n");
    hist_fini(&k);
}

/** Every allocation fails once: an error, and no leak. */
static void test_memory(void)
{
    for (size_t at = 1; at < 40; at++) {
        struct history_out out = {0};
        hist_init(&k);
        struct identity_args a =
            device_args(hist_invite(&k, "sip:b@x", "Privacy: user;session\r\n"), at % 2 == 0);
        arena_fini(&k.arena);
        arena_init(&k.arena, &k.mem.mem, 64);
        k.mem.fail_at = k.mem.calls + at;
        int err = identity_pass(&k.arena, &a, &out);
        CHECK(err == 0 || err == E_NOMEM);
        hist_fini(&k);
        if (err == 0 && at > 10) {
            return;
        }
    }
}

TEST_MAIN(T(test_privacy_values), T(test_device_to_trusted), T(test_preferred),
          T(test_not_asserted), T(test_trusted_peer), T(test_user_privacy), T(test_critical),
          T(test_proxied), T(test_remote_party_id), T(test_memory))
