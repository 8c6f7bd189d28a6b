/* SPDX-License-Identifier: Apache-2.0 */
/* Dialects, limits and bodies at the border: what the peer wrote, what others see, and back. */
#include "kit_border.h"
#include "sip/hdr.h"

static struct kit_border k;

#define START "INVITE sip:bob@example.com SIP/2.0\r\n"
#define TOP                                         \
    "Via: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKx\r\n" \
    "From: <sip:alice@example.com>;tag=1\r\n"       \
    "To: <sip:bob@example.com>\r\n"                 \
    "Call-ID: c1\r\n"                               \
    "CSeq: 7 INVITE\r\n"
#define END "Content-Length: 0\r\n\r\n"

/* "Hello" with the discriminator of IA5 characters */
#define HELLO "0448656C6C6F"
#define FULL HELLO ";encoding=hex;purpose=isdn-uui"
#define FULL_U HELLO "%3Bencoding%3Dhex%3Bpurpose%3Disdn-uui"

static void up(const char *dialect, const struct border_rule *rule, size_t n)
{
    kit_init(&k.kit);
    memset(k.peer, 0, sizeof(k.peer));
    CHECK_INT(kit_border_up(&k, rule, n, NULL), 0);
    k.peer[0].uui.dialect = dialect != NULL ? uui_dialect_named(str_c(dialect)) : NULL;
    CHECK(dialect == NULL || k.peer[0].uui.dialect != NULL);
    CHECK_INT(border_refresh(&k.border, &k.policy, NULL), 0);
}

static void down(void)
{
    kit_border_down(&k);
    CHECK_INT(k.kit.mem.live, 0);
}

static struct str message(const char *start, const char *lines)
{
    const struct str parts[] = {str_c(start), STR(TOP), str_c(lines), STR(END)};
    return arena_join(&k.arena, parts, 4);
}

static struct str passed(enum border_verdict v, struct str text)
{
    return v == BORDER_AS_IT_IS ? text : v == BORDER_CHANGED ? k.result.bytes : STR("refused");
}

struct row {
    const char *name, *dialect;
    const char *theirs, *ours; /**< lines, as the peer has them and as we have them */
    bool in, out;              /**< directions in which they become one another */
};

static const struct row rows[] = {
    {"as the standard has it", "rfc7434", "User-to-User: " FULL "\r\n",
     "User-to-User: " FULL "\r\n", true, true},
    {"another header", "x-header", "X-User-to-User: 48656C6C6F;encoding=hex\r\n",
     "User-to-User: " FULL "\r\n", true, true},
    {"another header, in a URI", "x-header",
     "Refer-To: <sip:a@b?Subject=x&X-User-to-User=48656C6C6F%3Bencoding%3Dhex>\r\n",
     "Refer-To: <sip:a@b?Subject=x&User-to-User=" FULL_U ">\r\n", true, true},
    {"X-Uui", "sangoma", "X-Uui: protocol-discriminator=4;user-information=Hello\r\n",
     "User-to-User: " FULL "\r\n", true, true},
    {"without discriminator", "bare-hex", "User-to-User: 48656C6C6F\r\nX-A: b\r\n",
     "User-to-User: " FULL "\r\nX-A: b\r\n", true, false},
    {"in a URI without discriminator", "bare-hex",
     "Refer-To: <sip:a@b?User-to-User=48656C6C6F&Replaces=x>\r\n",
     "Refer-To: <sip:a@b?User-to-User=" FULL_U "&Replaces=x>\r\n", true, false},
    {"two headers with one value", "twilio",
     "User-to-User: " HELLO ";encoding=hex\r\nX-User-to-User: " HELLO ";encoding=hex\r\n",
     "User-to-User: " HELLO ";encoding=hex\r\n", true, false},
    {"out of a list into a line of its own", "x-header",
     "User-to-User: 1;purpose=crm\r\nX-User-to-User: 48656C6C6F;encoding=hex\r\n",
     "User-to-User: 1;purpose=crm, " FULL "\r\n", false, false},
    {"nothing of the dialect's", "x-header", "X-Other: 1\r\n", "X-Other: 1\r\n", true, true},
};

static void test_dialects(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        test_context(r->name);
        up(r->dialect, NULL, 0);
        struct str theirs = message(START, r->theirs), ours = message(START, r->ours);
        if (r->in) {
            CHECK_BYTES(passed(kit_border_in(&k, theirs, 2, TP_UDP), theirs), ours);
            /* from somebody else it is not touched */
            CHECK_INT(kit_border_in(&k, theirs, 3, TP_UDP), BORDER_AS_IT_IS);
        }
        if (r->out) {
            CHECK_BYTES(passed(kit_border_out(&k, ours, 2, TP_UDP), ours), theirs);
            CHECK_INT(kit_border_out(&k, ours, 3, TP_UDP), BORDER_AS_IT_IS);
        }
        down();
    }
    test_context(NULL);
}

/** Whatever a dialect writes it reads as the same octets. */
static void test_there_and_back(void)
{
    for (size_t i = 0; uui_dialect_at(i) != NULL; i++) {
        const struct uui_dialect *d = uui_dialect_at(i);
        char name[64];
        (void)snprintf(name, sizeof(name), "%.*s", STR_ARG(d->name));
        test_context(name);
        up(name, NULL, 0);
        char line[80];
        (void)snprintf(line, sizeof(line),
                       "User-to-User: %02X48656C6C6F;encoding=hex;purpose=isdn-uui\r\n", d->pd);
        struct str ours = message(START, line);
        struct str there = passed(kit_border_out(&k, ours, 2, TP_UDP), ours);
        struct str back = passed(kit_border_in(&k, there, 2, TP_UDP), there);
        CHECK(str_find(back, STR("\r\nUser-to-User: ")) < back.n);
        CHECK(str_find(back, STR("48656C6C6F")) < back.n);
        down();
    }
    test_context(NULL);
}

static void test_request_uri_parameter(void)
{
    up("cisco-aai", NULL, 0);
    struct str theirs =
        message("INVITE sip:bob@example.com;aai=PD%2C04%3BC8%2C48656C6C6F SIP/2.0\r\n", "");
    struct str ours = message(START, "User-to-User: 04C80548656C6C6F;encoding=hex;purpose="
                                     "isdn-uui\r\n");
    CHECK_INT(kit_border_in(&k, theirs, 2, TP_UDP), BORDER_CHANGED);
    CHECK(str_find(k.result.bytes, STR("INVITE sip:bob@example.com SIP/2.0\r\n")) == 0);
    CHECK(str_find(k.result.bytes, STR("\r\nUser-to-User: 04C80548656C6C6F;encoding=hex")) <
          k.result.bytes.n);
    CHECK_INT(kit_border_out(&k, ours, 2, TP_UDP), BORDER_CHANGED);
    CHECK(str_find(k.result.bytes, STR("INVITE sip:bob@example.com;aai=")) == 0);
    CHECK(str_find(k.result.bytes, STR("User-to-User")) == k.result.bytes.n);
    /* a response has no Request-URI: it keeps the header */
    CHECK_INT(kit_border_out(&k, message("SIP/2.0 200 OK\r\n", "User-to-User: " FULL "\r\n"), 2,
                             TP_UDP),
              BORDER_AS_IT_IS);
    down();
}

static void test_limits(void)
{
    up(NULL, NULL, 0);
    CHECK(!k.border.active);
    k.peer[0].uui.max_octets = 5;
    CHECK_INT(border_refresh(&k.border, &k.policy, NULL), 0);
    CHECK(k.border.active);
    struct str fits = message(START, "User-to-User: " HELLO "\r\n");
    struct str longer = message(START, "User-to-User: " HELLO "21\r\n");
    CHECK_INT(kit_border_out(&k, fits, 2, TP_UDP), BORDER_AS_IT_IS);
    CHECK_INT(kit_border_out(&k, longer, 3, TP_UDP), BORDER_AS_IT_IS);
    CHECK_INT(kit_border_in(&k, longer, 2, TP_UDP), BORDER_AS_IT_IS);
    CHECK_INT(kit_border_out(&k, longer, 2, TP_UDP), BORDER_REFUSED);
    CHECK_INT(k.result.refusal.status, 403);
    CHECK_STR(
        k.result.refusal.lines,
        "Warning: 399 baton \"User-to-User (isdn-uui): longer than the far side takes\"\r\n");
    k.policy.strip_long = true;
    CHECK_INT(kit_border_out(&k, longer, 2, TP_UDP), BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, message(START, ""));
    k.peer[0].uui.dialect = uui_dialect_named(STR("rfc7434"));
    CHECK_INT(kit_border_out(&k, fits, 2, TP_UDP), BORDER_AS_IT_IS);
    CHECK_INT(kit_border_out(&k, longer, 2, TP_UDP), BORDER_CHANGED);
    CHECK_INT(k.border.stats.too_long, 3);
    down();
}

/** What the far side could not take is an answer here, not a loss there. */
static void test_cannot_be_told(void)
{
    up("genesys-x", NULL, 0);
    struct str text = message(START, "User-to-User: 0448FF;encoding=hex\r\n");
    CHECK_INT(kit_border_out(&k, text, 2, TP_UDP), BORDER_REFUSED);
    CHECK_STR(k.result.refusal.reason, "User-to-User Not Allowed");
    struct str bye =
        message("BYE sip:bob@example.com SIP/2.0\r\n", "User-to-User: 0448FF;encoding=hex\r\n");
    CHECK_INT(kit_border_out(&k, bye, 2, TP_UDP), BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, message("BYE sip:bob@example.com SIP/2.0\r\n", ""));
    down();
}

/* ---- rules see canonical values ---- */

static const struct str crm[] = {STR_INIT("isdn-uui")};
static const struct border_rule swap[] = {
    {.name = STR_INIT("swap"),
     .package = crm,
     .package_count = 1,
     .direction = BORDER_OUT,
     .action = BORDER_REPLACE,
     .value = STR_INIT(HELLO)},
    {.name = STR_INIT("none"), .places = 1 << BORDER_X_HEADER, .action = BORDER_STRIP},
};

static void test_rule_then_dialect(void)
{
    up("x-header", swap, 2);
    struct str text = message(START, "User-to-User: 04AABB;encoding=hex\r\n");
    CHECK_INT(kit_border_out(&k, text, 2, TP_UDP), BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, message(START, "X-User-to-User: 48656C6C6F;encoding=hex\r\n"));
    CHECK_INT(kit_border_out(&k, text, 3, TP_UDP), BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, message(START, "User-to-User: " HELLO "\r\n"));
    text = message(START, "X-User-to-User: 48656C6C6F;encoding=hex\r\n");
    CHECK_INT(kit_border_in(&k, text, 2, TP_UDP), BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, message(START, ""));
    down();
}

/* ---- bodies ---- */

/* REL with a cause and user-to-user information: discriminator 4, "Hi" */
#define REL "\x0c\x02\x04\x02\x80\x90\x20\x03\x04Hi\x00"

static const struct border_rule strip_body = {
    .name = STR_INIT("bodies"), .places = 1 << BORDER_BODY, .action = BORDER_STRIP};
static const struct border_rule swap_body = {.name = STR_INIT("bodies"),
                                             .places = 1 << BORDER_BODY,
                                             .action = BORDER_REPLACE,
                                             .value = STR_INIT("0448656C6C6F")};

static const char gtd_before[] = "REL,\r\nPRN,isdn*,,ATT5*,\r\nUUS,3,4869\r\nGCI,1\r\n\r\n";

static struct str with_body(const char *lines, const char *type, const char *body, size_t n)
{
    return arena_fmt(&k.arena,
                     START TOP "%sContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%.*s", lines,
                     type, n, (int)n, body);
}

static void test_values_in_bodies(void)
{
    static const char sdp[] = "v=0\r\no=- 1 1 IN IP4 h\r\ns=-\r\nc=IN IP4 h\r\nt=0 0\r\n"
                              "m=audio 9 PSTN -\r\na=cs-correlation:uuie:044869\r\n";
    up(NULL, &strip_body, 1);
    struct str text = with_body("", "application/sdp", sdp, sizeof(sdp) - 1);
    CHECK_INT(kit_border_in(&k, text, 3, TP_UDP), BORDER_CHANGED);
    CHECK(str_find(k.result.bytes, STR("044869")) == k.result.bytes.n);
    CHECK(str_find(k.result.bytes, STR("m=audio 9 PSTN -\r\n")) < k.result.bytes.n);
    struct kit_msg msg;
    CHECK(kit_index(&msg, k.result.bytes));
    CHECK_INT(msg.m.len, k.result.bytes.n); /* its Content-Length is right */

    static const char loud[] =
        "v=0\r\na=CS-Correlation:uuie:044869\r\n"; /* short, and in capitals */
    text = with_body("", "application/sdp", loud, sizeof(loud) - 1);
    CHECK_INT(kit_border_in(&k, text, 3, TP_UDP), BORDER_CHANGED);
    CHECK(str_find(k.result.bytes, STR("044869")) == k.result.bytes.n);
    CHECK_INT(kit_border_out(&k, text, 3, TP_UDP), BORDER_CHANGED);

    text = with_body("", "application/gtd", gtd_before, sizeof(gtd_before) - 1);
    CHECK_INT(kit_border_in(&k, text, 3, TP_UDP), BORDER_CHANGED);
    CHECK(str_find(k.result.bytes, STR("UUS")) == k.result.bytes.n);
    CHECK(str_find(k.result.bytes, STR("GCI,1\r\n")) < k.result.bytes.n);
    k.policy.rule = &swap_body;
    CHECK_INT(kit_border_in(&k, text, 3, TP_UDP), BORDER_CHANGED);
    CHECK(str_find(k.result.bytes, STR("UUS,3,48656C6C6F\r\n")) < k.result.bytes.n ||
          str_find(k.result.bytes, STR("UUS,3,48656c6c6f\r\n")) < k.result.bytes.n);
    down();
}

static void test_signed_bodies(void)
{
    static const char *const by[] = {"Identity: abc;info=<https://x/y>\r\n", "y: abc\r\n",
                                     "Authorization: Digest qop=auth-int,username=\"x\"\r\n"};
    for (size_t i = 0; i < ARRAY_LEN(by); i++) {
        up(NULL, &strip_body, 1);
        struct str text =
            with_body(by[i], "application/gtd", gtd_before, sizeof(gtd_before) - 1);
        CHECK_INT(kit_border_in(&k, text, 3, TP_UDP), BORDER_AS_IT_IS);
        CHECK_INT(k.border.stats.left, 1);
        CHECK_INT(k.border.noted, 1);
        CHECK(str_find(str_c(k.border.note[0].why), STR("signed")) <
              strlen(k.border.note[0].why));
        down();
    }
}

static void test_isup_body(void)
{
    struct kit_msg msg;
    up(NULL, &strip_body, 1);
    const struct str parts[] = {STR(START TOP "Content-Type: application/ISUP;version=itu-t92+;"
                                              "base=itu-t92+\r\nContent-Length: 12\r\n\r\n"),
                                {REL, sizeof(REL) - 1}};
    struct str text = arena_join(&k.arena, parts, 2);
    CHECK(kit_index(&msg, text));
    CHECK_INT(kit_border_in(&k, text, 3, TP_UDP), BORDER_CHANGED);
    CHECK(str_find(k.result.bytes, STR("Hi")) == k.result.bytes.n);
    CHECK(kit_index(&msg, k.result.bytes));
    CHECK_INT(msg.m.len, k.result.bytes.n);
    down();
}

/* A NOTIFY that quotes the answer to a transfer: what the answer had is not for everybody. */
#define QUOTED(uui, contact)                                                          \
    "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n" uui "Contact: <sip:c@h" contact ">\r\nX: " \
    "User-to-User=04\r\n\r\nUser-to-User: 04AA\r\n"
#define PARTS(part) \
    "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b\r\nContent-Type: " part "\r\n--b--"

static const struct {
    const char *type, *before, *after; /* NULL: nothing is found */
    size_t values;
} quoted[] = {
    {"message/sipfrag;version=2.0", QUOTED("User-to-User: 04AA\r\n", ""), QUOTED("", ""), 1},
    {"Message/SIPfrag", QUOTED("user-to-user:\r\n 04AA,\r\n\t04BB\r\n", ""), QUOTED("", ""), 2},
    {"message/sip", QUOTED("X-UUI: 04AA\r\n", "?User-to-User=04AA"), QUOTED("", ""), 2},
    {"message/sipfrag",
     QUOTED("History-Info: <sip:a@h?User-to-User=04AA&Reason=x>;index=1\r\n", ";uui=04AA;lr"),
     QUOTED("History-Info: <sip:a@h?Reason=x>;index=1\r\n", ";lr"), 2},
    {"multipart/mixed;boundary=b",
     PARTS("message/sipfrag\r\n\r\n" QUOTED("User-to-User: 04AA\r\n", "")),
     PARTS("message/sipfrag\r\n\r\n" QUOTED("", "")), 1},
    {"message/sipfrag", "User-to-User: 04AA", "", 1}, /* without a line end */
    {"message/sipfrag", QUOTED("", ""), NULL, 0},
    {"text/plain", QUOTED("User-to-User: 04AA\r\n", ""), NULL, 0},
    {"multipart/mixed;boundary=b", PARTS("text/x\r\n\r\n" QUOTED("User-to-User: 04AA\r\n", "")),
     NULL, 0},
};

static void test_quoted_messages(void)
{
    for (size_t i = 0; i < ARRAY_LEN(quoted); i++) {
        const char *after = quoted[i].after != NULL ? quoted[i].after : quoted[i].before;
        enum border_verdict want = quoted[i].after != NULL ? BORDER_CHANGED : BORDER_AS_IT_IS;
        up(NULL, &strip_body, 1);
        struct str text =
            with_body("", quoted[i].type, quoted[i].before, strlen(quoted[i].before));
        struct str bare = with_body("", quoted[i].type, after, strlen(after));
        test_context(quoted[i].before);
        CHECK_INT(kit_border_in(&k, text, 3, TP_UDP), want);
        CHECK_BYTES(want == BORDER_CHANGED ? k.result.bytes : text, bare);
        CHECK_INT(k.border.stats.stripped, quoted[i].values);
        CHECK_INT(kit_border_out(&k, text, 3, TP_UDP), want);
        CHECK_BYTES(want == BORDER_CHANGED ? k.result.bytes : text, bare);
        test_context(NULL);
        down();
    }
}

/** With another value in its place, and under a signature. */
static void test_quoted_message_otherwise(void)
{
    static const char body[] = QUOTED("User-to-User: 04AA , 04BB;purpose=x\r\n", "");
    static const char other[] = QUOTED("User-to-User: 0448656C6C6F , 0448656C6C6F\r\n", "");
    up(NULL, &swap_body, 1);
    struct str text = with_body("", "message/sipfrag", body, sizeof(body) - 1);
    CHECK_INT(kit_border_in(&k, text, 3, TP_UDP), BORDER_CHANGED);
    CHECK_BYTES(k.result.bytes, with_body("", "message/sipfrag", other, sizeof(other) - 1));
    k.policy.rule = &strip_body;
    text = with_body("Identity: abc\r\n", "message/sipfrag", body, sizeof(body) - 1);
    CHECK_INT(kit_border_in(&k, text, 3, TP_UDP), BORDER_AS_IT_IS);
    CHECK_INT(k.border.stats.left, 2);
    down();
}

TEST_MAIN(T(test_dialects), T(test_there_and_back), T(test_request_uri_parameter),
          T(test_limits), T(test_cannot_be_told), T(test_rule_then_dialect),
          T(test_values_in_bodies), T(test_signed_bodies), T(test_isup_body),
          T(test_quoted_messages), T(test_quoted_message_otherwise))
