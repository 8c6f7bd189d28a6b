/* SPDX-License-Identifier: Apache-2.0 */
/* History-Info: entries, indexes, and the way of a request through an intermediary. */
#include "history/history.h"

#include "kit_history.h"
#include "kit_retarget.h"

static struct hist k;

static bool ours(const void *ctx, struct str host)
{
    (void)ctx;
    return str_ieq(host, STR("example.com"));
}

static const struct history_rules inside = {.mode = HISTORY_AUTO, .ours = ours};
static const struct history_rules outside = {
    .mode = HISTORY_AUTO, .ours = ours, .leaves = true};

static struct str request_of(const struct history *h, const struct hi_entry *e,
                             const struct sip_msg *m, const struct history_rules *rules)
{
    struct history_out out = {0};
    CHECK_INT(history_request(h, &k.arena, e, m, rules, &out), 0);
    return out.lines;
}

/* ---- entries ---- */

static void test_index_order(void)
{
    static const char *const sorted[] = {"1",     "1.0",    "1.0.1", "1.1",  "1.1.1", "1.1.2",
                                         "1.1.9", "1.1.10", "1.2",   "1.10", "2",     "10"};
    size_t n = sizeof(sorted) / sizeof(sorted[0]);
    for (size_t i = 0; i < n; i++) {
        CHECK(hi_index_valid(str_c(sorted[i])));
        for (size_t j = 0; j < n; j++) {
            int want = i < j ? -1 : i > j;
            int got = hi_index_cmp(str_c(sorted[i]), str_c(sorted[j]));
            CHECK_INT((got > 0) - (got < 0), want);
        }
    }
    static const char *const bad[] = {"",   ".",    "1.", ".1",  "1..2",
                                      "01", "1.01", "a",  "1,2", "-1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        test_context(bad[i]);
        CHECK(!hi_index_valid(str_c(bad[i])));
    }
    test_context(NULL);
}

static void test_entry_reads(void)
{
    struct hi_entry e;
    REQUIRE(hi_entry_parse(STR("<sip:UserB@example.com;cause=302?Privacy=history&Reason=SIP%3B"
                               "cause%3D486>;index=1.2;mp=1.1;foo=bar"),
                           &e) == 0);
    CHECK_STR(e.uri, "sip:UserB@example.com;cause=302");
    CHECK_STR(e.headers, "Privacy=history&Reason=SIP%3Bcause%3D486");
    CHECK_STR(e.index, "1.2");
    CHECK_INT(e.target, HI_TARGET_MP);
    CHECK_STR(e.of, "1.1");
    CHECK(hi_entry_private(&e));
    CHECK_INT(hi_entry_cause(&e), 302);
    REQUIRE(hi_entry_parse(STR("<tel:+4930>;index=1"), &e) == 0);
    CHECK(!hi_entry_private(&e) && hi_entry_cause(&e) == 0 && e.target == HI_TARGET_NONE);
    REQUIRE(hi_entry_parse(STR("\"B\" <sips:b@x>;np=1;index=1.1"), &e) == 0);
    CHECK_INT(e.target, HI_TARGET_NP);
    static const char *const bad[] = {"",
                                      "*",
                                      "<sip:a@b>",
                                      "<sip:a@b>;index",
                                      "<sip:a@b>;index=",
                                      "<sip:a@b>;index=1.",
                                      "<sip:a@b>;index=x",
                                      "<sip:a@b;index=1",
                                      "sip:a@b?x=y>;index=1"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        test_context(bad[i]);
        CHECK_INT(hi_entry_parse(str_c(bad[i]), &e), E_SYNTAX);
    }
    test_context(NULL);
}

static void test_entry_changes(void)
{
    struct hi_entry e;
    hist_init(&k);
    REQUIRE(hi_entry_parse(STR("\"B\" <sip:b@x>;index=1.1;rc=1;foo=bar"), &e) == 0);
    CHECK_INT(hi_entry_add_reason(&k.arena, &e, STR("SIP;cause=302")), 0);
    CHECK_INT(hi_entry_add_reason(&k.arena, &e, STR("SIP;cause=486")),
              0); /* one per protocol */
    CHECK_INT(hi_entry_add_reason(&k.arena, &e, STR("Q.850;cause=17;text=\"a b\"")), 0);
    CHECK_STR(e.text, "\"B\" <sip:b@x?Reason=SIP%3Bcause%3D302&Reason=Q.850%3Bcause%3D17%3Btext"
                      "%3D%22a%20b%22>;index=1.1;rc=1;foo=bar");
    struct hi_entry again;
    REQUIRE(hi_entry_parse(e.text, &again) == 0);
    CHECK_STR(again.uri, "sip:b@x");
    REQUIRE(hi_entry_parse(STR("<tel:+49>;index=1"), &e) == 0);
    CHECK_INT(hi_entry_add_reason(&k.arena, &e, STR("SIP;cause=302")), 0);
    CHECK_STR(e.text, "<tel:+49>;index=1");
    REQUIRE(hi_entry_parse(STR("\"B\" <sip:b@x;cause=302?Reason=a&Privacy=history>;index=1"),
                           &e) == 0);
    CHECK_INT(hi_entry_conceal(&k.arena, &e, false), 0);
    CHECK_STR(e.text, "\"B\" <sip:b@x;cause=302?Reason=a>;index=1");
    CHECK_INT(hi_entry_conceal(&k.arena, &e, true), 0);
    CHECK_STR(e.text, "<sip:anonymous@anonymous.invalid;cause=302?Reason=a>;index=1");
    hist_fini(&k);
}

/* ---- an intermediary ---- */

/** The flow of RFC 7044 §5.1, at biloxi.example.com. */
static void test_basic_call(void)
{
    struct history h;
    struct hi_entry pc;
    struct hi_entry phone;
    struct history_out out = {0};
    hist_init(&k);
    const struct sip_msg *m =
        hist_invite(&k, "sip:bob@biloxi.example.com;p=x",
                    "Supported: histinfo\r\n"
                    "History-Info: <sip:bob@biloxi.example.com;p=x>;index=1\r\n"
                    "History-Info: <sip:bob@biloxi.example.com;p=x>;np=1;index=1.1\r\n");
    CHECK_INT(history_begin(&h, &k.arena, m, false, STR("biloxi.example.com")), 0);
    CHECK_INT(history_branch(&h, STR("sip:bob@192.0.2.3"), &pc), 0);
    CHECK_INT(history_branch(&h, STR("sip:bob@192.0.2.7"), &phone), 0);
    CHECK_STR(request_of(&h, &pc, m, &inside),
              "History-Info: <sip:bob@biloxi.example.com;p=x>;index=1\r\n"
              "History-Info: <sip:bob@biloxi.example.com;p=x>;np=1;index=1.1\r\n"
              "History-Info: <sip:bob@192.0.2.3>;index=1.1.1;rc=1.1\r\n");
    CHECK_STR(request_of(&h, &phone, m, &inside),
              "History-Info: <sip:bob@biloxi.example.com;p=x>;index=1\r\n"
              "History-Info: <sip:bob@biloxi.example.com;p=x>;np=1;index=1.1\r\n"
              "History-Info: <sip:bob@192.0.2.7>;index=1.1.2;rc=1.1\r\n");
    static struct hist other; /* the request must stay */
    struct hist *answer = &other;
    hist_init(answer);
    const struct sip_msg *ok =
        hist_text(answer, "SIP/2.0 200 OK", "INVITE",
                  "History-Info: <sip:bob@biloxi.example.com;p=x>;index=1,"
                  "<sip:bob@biloxi.example.com;p=x>;np=1;index=1.1,"
                  "<sip:bob@192.0.2.3>;index=1.1.1;rc=1.1\r\n");
    CHECK_INT(history_answered(&h, &pc, 200, ok), 0);
    CHECK_INT(history_response(&h, &k.arena, ok, &inside, &out), 0);
    CHECK(hist_cuts(&out, SIP_HDR_HISTORY_INFO));
    CHECK_STR(out.lines, "History-Info: <sip:bob@biloxi.example.com;p=x>;index=1\r\n"
                         "History-Info: <sip:bob@biloxi.example.com;p=x>;np=1;index=1.1\r\n"
                         "History-Info: <sip:bob@192.0.2.3>;index=1.1.1;rc=1.1\r\n");
    hist_fini(answer);
    hist_fini(&k);
}

/** Sequential forking as in RFC 7131 §3.1: refused, mapped to another user, timed out. */
static void test_sequential(void)
{
    struct history h;
    struct hi_entry e;
    struct history_out out = {0};
    hist_init(&k);
    const struct sip_msg *m = hist_invite(&k, "sip:bob@example.com",
                                          "Supported: histinfo\r\n"
                                          "History-Info: <sip:bob@example.com>;index=1\r\n");
    CHECK_INT(history_begin(&h, &k.arena, m, false, STR("example.com")), 0);
    CHECK_INT(history_branch(&h, STR("sip:bob@192.0.2.4"), &e), 0);
    CHECK_INT(history_answered(&h, &e, 302, NULL), 0);
    CHECK_INT(history_divert(&h, STR("sip:office@example.com"), 0), 0);
    CHECK_INT(history_branch(&h, STR("sip:office@192.0.2.5"), &e), 0);
    CHECK_STR(request_of(&h, &e, m, &inside),
              "History-Info: <sip:bob@example.com>;index=1\r\n"
              "History-Info: <sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1\r\n"
              "History-Info: <sip:office@example.com>;index=1.2;mp=1\r\n"
              "History-Info: <sip:office@192.0.2.5>;index=1.2.1;rc=1.2\r\n");
    CHECK_INT(history_answered(&h, &e, 180, NULL), 0);
    CHECK_INT(history_answered(&h, &e, 408, NULL), 0);
    CHECK_INT(history_answered(&h, &e, 408, NULL), 0); /* heard twice, written once */
    CHECK_INT(history_divert(&h, STR("sip:home@example.com"), 0), 0);
    CHECK_INT(history_branch(&h, STR("sip:home@192.0.2.6"), &e), 0);
    CHECK_STR(request_of(&h, &e, m, &inside),
              "History-Info: <sip:bob@example.com>;index=1\r\n"
              "History-Info: <sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1\r\n"
              "History-Info: <sip:office@example.com>;index=1.2;mp=1\r\n"
              "History-Info: <sip:office@192.0.2.5?Reason=SIP%3Bcause%3D408>;index=1.2.1;rc=1.2"
              "\r\n"
              "History-Info: <sip:home@example.com>;index=1.3;mp=1.2\r\n"
              "History-Info: <sip:home@192.0.2.6>;index=1.3.1;rc=1.3\r\n");
    CHECK_INT(history_response(&h, &k.arena, m, &inside, &out), 0);
    CHECK_INT(hist_count(out.lines, "History-Info"), 5); /* home has not answered */
    hist_fini(&k);
}

/** A 3xx that we act on: the Contact's own parameter decides (§10.4). */
static void test_redirected(void)
{
    struct history h;
    struct hi_entry e;
    struct hi_entry next;
    hist_init(&k);
    const struct sip_msg *m = hist_invite(&k, "sip:bob@example.com", "Supported: histinfo\r\n");
    CHECK_INT(history_begin(&h, &k.arena, m, false, STR("example.com")), 0);
    CHECK_STR(history_contact(&h, &k.arena, false), ";mp=1");
    CHECK_STR(history_contact(&h, &k.arena, true), ";rc=1");
    CHECK_INT(history_branch(&h, STR("sip:bob@192.0.2.4"), &e), 0);
    CHECK_INT(history_answered(&h, &e, 302, NULL), 0);
    CHECK_INT(history_redirected(&h, e.index, STR("<sip:x@y?User-to-User=56>;mp=1")), 0);
    CHECK_INT(history_branch(&h, STR("sip:x@y"), &next), 0);
    CHECK_STR(request_of(&h, &next, m, &inside),
              "History-Info: <sip:bob@example.com>;index=1\r\n"
              "History-Info: <sip:bob@192.0.2.4?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1\r\n"
              "History-Info: <sip:x@y;cause=302>;index=1.2;mp=1.1\r\n"
              "History-Info: <sip:x@y>;index=1.2.1;np=1.2\r\n");
    CHECK_INT(history_redirected(&h, e.index, STR("<sip:z@y>;q=0.5")), 0);
    CHECK_STR(h.cache.entry[h.cache.count - 1].text, "<sip:z@y;cause=302>;index=1.3");
    CHECK_INT(history_redirected(&h, e.index, STR("*")), E_SYNTAX);
    hist_fini(&k);
}

/** §10.3 rule 6: who sent it did not write what he did. */
static void test_gap(void)
{
    struct history h;
    struct hi_entry e;
    hist_init(&k);
    const struct sip_msg *m = hist_invite(&k, "tel:+4930;phone-context=x",
                                          "History-Info: <sip:a@example.com>;index=1.1.2\r\n");
    CHECK_INT(history_begin(&h, &k.arena, m, false, STR("example.com")), 0);
    CHECK_INT(history_branch(&h, STR("sip:+4930@192.0.2.9"), &e), 0);
    CHECK_STR(
        request_of(&h, &e, m, &inside),
        "History-Info: <sip:a@example.com>;index=1.1.2\r\n"
        "History-Info: <sip:+4930;phone-context=x@example.com;user=phone>;index=1.1.2.0\r\n"
        "History-Info: <sip:+4930@192.0.2.9>;index=1.1.2.0.1;rc=1.1.2.0\r\n");
    hist_fini(&k);
}

/** What is written when, by mode; and that a plain call is left alone. */
static void test_modes(void)
{
    static const struct {
        const char *lines;
        uint8_t mode;
        bool cut;
        unsigned entries;
    } rows[] = {
        {"", HISTORY_AUTO, false, 0},
        {"", HISTORY_WRITE, true, 2},
        {"", HISTORY_PASS, false, 0},
        {"Supported: 100rel, histinfo\r\n", HISTORY_AUTO, true, 2},
        {"History-Info: <sip:b@example.com>;index=1\r\n", HISTORY_AUTO, true, 2},
        {"History-Info: <sip:b@example.com>;index=1\r\n", HISTORY_PASS, false, 0},
        {"History-Info: <sip:b@example.com>;index=1\r\n", HISTORY_STRIP, true, 0},
    };
    hist_init(&k);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct history_args args = {.rules = inside, .request_uri = STR("sip:b@192.0.2.1")};
        struct history_out out = {0};
        args.rules.mode = rows[i].mode;
        CHECK_INT(history_retarget(&k.arena,
                                   hist_invite(&k, "sip:b@example.com", rows[i].lines), &args,
                                   &out),
                  0);
        CHECK_INT(hist_cuts(&out, SIP_HDR_HISTORY_INFO), rows[i].cut);
        CHECK_INT(hist_count(out.lines, "History-Info: "), rows[i].entries);
    }
    hist_fini(&k);
}

/** Diverted by us: written in the mode `auto` even when nobody asked, and as Diversion. */
static void test_retarget(void)
{
    struct history_args args = {.rules = inside,
                                .domain = STR("example.com"),
                                .user = STR("sip:carol@example.com"),
                                .cause = 486,
                                .request_uri = STR("sip:carol@192.0.2.1")};
    struct history_out out = {0};
    hist_init(&k);
    const struct sip_msg *m = hist_invite(&k, "sip:bob@example.com", "");
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK_STR(out.lines, "History-Info: <sip:bob@example.com>;index=1\r\n"
                         "History-Info: <sip:carol@example.com;cause=486>;index=1.1;mp=1\r\n"
                         "History-Info: <sip:carol@192.0.2.1>;index=1.1.1;rc=1.1\r\n");
    out = (struct history_out){0};
    args.rules.diversion = DIVERSION_WRITE;
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK_STR(out.lines,
              "Diversion: <sip:bob@example.com>;reason=user-busy;counter=1;privacy=off\r\n");
    CHECK(hist_cuts(&out, SIP_HDR_HISTORY_INFO));
    out = (struct history_out){0};
    args.rules.diversion = DIVERSION_BOTH;
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK_INT(hist_count(out.lines, "History-Info: "), 3);
    CHECK_INT(hist_count(out.lines, "Diversion: "), 1);
    hist_fini(&k);
}

/** Diversion that came: turned into History-Info, or kept with ours before it. */
static void test_diversion_modes(void)
{
    static const char came[] = "Diversion: <sip:a@example.com>;reason=no-answer;screen=yes\r\n";
    struct history_args args = {.rules = inside, .request_uri = STR("sip:b@192.0.2.1")};
    struct history_out out = {0};
    hist_init(&k);
    const struct sip_msg *m = hist_invite(&k, "sip:b@example.com", came);
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK(out.lines.n == 0 && out.cut == NULL); /* untouched */
    args.rules.diversion = DIVERSION_HISTORY;
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK(hist_cuts(&out, SIP_HDR_DIVERSION));
    CHECK_STR(out.lines, "History-Info: <sip:a@example.com>;index=1\r\n"
                         "History-Info: <sip:b@example.com;cause=408>;index=1.1;mp=1\r\n");
    out = (struct history_out){0};
    args.rules.diversion = DIVERSION_WRITE;
    args.user = STR("sip:c@example.com");
    args.cause = 302;
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK_STR(out.lines,
              "Diversion: <sip:b@example.com>;reason=unconditional;counter=1;privacy=off\r\n"
              "Diversion: <sip:a@example.com>;reason=no-answer;screen=yes\r\n");
    /* what says more than who diverted stays as it came */
    out = (struct history_out){0};
    m = hist_invite(&k, "sip:b@example.com",
                    "History-Info: <sip:app@example.com>;index=1,<sip:b@example.com>;index=1.1;"
                    "rc=1\r\n");
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK(!hist_cuts(&out, SIP_HDR_HISTORY_INFO));
    CHECK_STR(out.lines, "Diversion: <sip:b@example.com>;reason=unconditional;counter=1;"
                         "privacy=off\r\n");
    hist_fini(&k);
}

/** §10.1.2: what is ours and private does not leave. */
static void test_private_entries(void)
{
    static const char entries[] =
        "Supported: histinfo\r\n"
        "History-Info: <sip:a@other.org?Privacy=history>;index=1\r\n"
        "History-Info: <sip:a@example.com?Privacy=history>;index=1.1;mp=1\r\n"
        "History-Info: <sip:b@example.com>;index=1.2;mp=1\r\n";
    char lines[1024];
    struct history_args args = {.rules = outside};
    struct history_out out = {0};
    hist_init(&k);
    const struct sip_msg *m = hist_invite(&k, "sip:b@example.com", entries);
    args.rules.mode = HISTORY_PASS; /* not ours to write, but ours to keep */
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK_STR(out.lines, "History-Info: <sip:a@other.org?Privacy=history>;index=1\r\n"
                         "History-Info: <sip:anonymous@anonymous.invalid>;index=1.1;mp=1\r\n"
                         "History-Info: <sip:b@example.com>;index=1.2;mp=1\r\n");
    (void)snprintf(lines, sizeof(lines), "%sPrivacy: history\r\n", entries);
    m = hist_invite(&k, "sip:b@example.com", lines);
    out = (struct history_out){0};
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK_INT(hist_count(out.lines, "anonymous.invalid"), 2);
    CHECK(hist_count(out.lines, "@example.com") == 0);
    args.rules.leaves = false;
    out = (struct history_out){0};
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK(out.lines.n == 0 && out.cut == NULL);
    m = hist_invite(&k, "sip:b@example.com",
                    "Diversion: <sip:d@example.com>;privacy=full, <sip:e@other.org>;"
                    "privacy=full\r\n");
    args.rules.leaves = true;
    out = (struct history_out){0};
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK_STR(out.lines, "Diversion: <sip:anonymous@anonymous.invalid>\r\n"
                         "Diversion: <sip:e@other.org>;privacy=full\r\n");
    hist_fini(&k);
}

/** §9.4: who has not asked is not told. */
static void test_response_not_asked(void)
{
    struct history h;
    struct hi_entry e;
    struct history_out out = {0};
    hist_init(&k);
    const struct sip_msg *m = hist_invite(&k, "sip:b@example.com", "");
    CHECK_INT(history_begin(&h, &k.arena, m, false, STR("example.com")), 0);
    CHECK_INT(history_branch(&h, STR("sip:b@192.0.2.1"), &e), 0);
    CHECK_INT(history_answered(&h, &e, 180, NULL), 0);
    CHECK_INT(history_response(&h, &k.arena, m, &inside, &out), 0);
    CHECK(hist_cuts(&out, SIP_HDR_HISTORY_INFO) && out.lines.n == 0);
    hist_fini(&k);
}

/** What cannot be read passes inside and does not leave; too much is treated alike. */
static void test_unreadable(void)
{
    struct history_args args = {.rules = inside, .request_uri = STR("sip:b@192.0.2.1")};
    struct history_out out = {0};
    char many[8192] = "";
    hist_init(&k);
    const struct sip_msg *m =
        hist_invite(&k, "sip:b@example.com", "History-Info: <sip:a@x>;index=1..1\r\n");
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK(out.cut == NULL && out.lines.n == 0);
    args.rules = outside;
    CHECK_INT(history_retarget(&k.arena, m, &args, &out), 0);
    CHECK(hist_cuts(&out, SIP_HDR_HISTORY_INFO) && out.lines.n == 0);
    for (int i = 0; i <= HI_MAX; i++) {
        (void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "%s<sip:a@x>;index=%d",
                       i == 0 ? "History-Info: " : ",", i + 1);
    }
    (void)snprintf(many + strlen(many), sizeof(many) - strlen(many), "\r\n");
    m = hist_invite(&k, "sip:b@example.com", many);
    struct history h;
    CHECK_INT(history_begin(&h, &k.arena, m, false, STR("example.com")), 0);
    CHECK(h.unreadable && h.cache.count == 0);
    hist_fini(&k);
}

/** However many answers come, the cache stays within HI_MAX. */
static void test_bounded(void)
{
    struct history h;
    struct hi_entry e;
    hist_init(&k);
    const struct sip_msg *m = hist_invite(&k, "sip:b@example.com", "Supported: histinfo\r\n");
    CHECK_INT(history_begin(&h, &k.arena, m, false, STR("example.com")), 0);
    for (int i = 0; i < 3 * HI_MAX; i++) {
        CHECK_INT(history_branch(&h, STR("sip:b@192.0.2.1"), &e), 0);
        CHECK_INT(history_answered(&h, &e, 486, NULL), 0);
    }
    CHECK_INT(h.cache.count, HI_MAX);
    CHECK_INT(history_divert(&h, STR("sip:c@example.com"), 302), E_TOOMANY);
    hist_fini(&k);
}

static void walk_everything(const struct sip_msg *m)
{
    struct history_args args = {.rules = outside,
                                .domain = STR("example.com"),
                                .request_uri = STR("sip:b@192.0.2.1"),
                                .user = STR("sip:c@example.com"),
                                .cause = 302};
    for (uint8_t mode = HISTORY_AUTO; mode <= HISTORY_STRIP; mode++) {
        for (uint8_t d = DIVERSION_PASS; d <= DIVERSION_BOTH; d++) {
            struct history_out out = {0};
            args.rules.mode = mode;
            args.rules.diversion = d;
            int err = history_retarget(&k.arena, m, &args, &out);
            CHECK(err == 0 || err == E_NOMEM);
        }
    }
}

static const char full[] =
    "INVITE sip:b@example.com SIP/2.0\r\nPrivacy: history;header\r\n"
    "Diversion: \"A\" <sip:a@example.com>;reason=away;counter=2;privacy=\"full\"\r\n"
    "History-Info: <sip:x@example.com;cause=302?Reason=SIP%3Bcause%3D302&Privacy=history>;"
    "index=1,<sip:b@example.com;cause=486>;index=1.1;mp=1\r\n\r\n";

/** Every prefix, with an unreadable page behind it. */
static void test_prefixes(void)
{
    hist_init(&k);
    for (size_t n = 0; n <= sizeof(full) - 1; n++) {
        struct str text = test_guard(str_make(full, n));
        (void)kit_index(&k.msg, text);
        if (k.msg.m.hdr_count > 0 && k.msg.m.status == 0) {
            walk_everything(&k.msg.m);
        }
        test_guard_free(text);
        arena_reset(&k.arena);
    }
    hist_fini(&k);
}

/** User-to-User that came with a target stands in its entry (RFC 7433 §4.3). */
static void test_carry(void)
{
    static const struct str uui = STR_INIT("04AA;encoding=hex, \"b\";purpose=x");
#define EMBEDDED "User-to-User=04AA%3Bencoding%3Dhex%2C%20%22b%22%3Bpurpose%3Dx"
    struct history h;
    struct hi_entry e;
    hist_init(&k);
    REQUIRE(history_begin_at(&h, &k.arena, STR("sip:bob@example.com"), STR("example.com")) ==
            0);
    CHECK_INT(history_carry(&h, uui), 0); /* nobody has been named */
    CHECK_STR(request_of(&h, NULL, NULL, &inside), "");
    REQUIRE(history_divert(&h, STR("sip:alice@example.com"), 0) == 0);
    CHECK_STR(request_of(&h, NULL, NULL, &inside), ""); /* no diversion, nobody has asked */
    CHECK_INT(history_carry(&h, STR_NONE), 0);
    CHECK_STR(request_of(&h, NULL, NULL, &inside), "");
    CHECK_INT(history_carry(&h, uui), 0);
    CHECK_STR(request_of(&h, NULL, NULL, &inside),
              "History-Info: <sip:bob@example.com>;index=1\r\n"
              "History-Info: <sip:alice@example.com?" EMBEDDED ">;index=1.1;mp=1\r\n");
    REQUIRE(history_branch(&h, STR("sip:alice@192.0.2.4"), &e) == 0);
    CHECK_INT(history_answered(&h, &e, 302, NULL), 0);
    REQUIRE(history_redirected(&h, e.index, STR("<tel:+4930;x=1>")) == 0);
    CHECK_INT(history_carry(&h, uui), 0);
    CHECK_STR(e.text, "<sip:alice@192.0.2.4?Reason=SIP%3Bcause%3D302>;index=1.1.1;rc=1.1");
    CHECK_INT(hist_count(request_of(&h, NULL, NULL, &inside), EMBEDDED), 2);
    REQUIRE(hi_entry_parse(STR("<tel:+4930>;index=1"), &e) == 0);
    CHECK_INT(hi_entry_add_header(&k.arena, &e, STR("User-to-User"), uui), 0);
    CHECK_STR(e.text, "<tel:+4930>;index=1");
    hist_fini(&k);
}

static void test_memory(void)
{
    for (size_t at = 1; at < 60; at++) {
        hist_init(&k);
        arena_fini(&k.arena);
        arena_init(&k.arena, &k.mem.mem, 32);
        REQUIRE(kit_index(&k.msg, str_c(full)));
        k.mem.fail_at = at;
        walk_everything(&k.msg.m);
        hist_fini(&k);
    }
}

TEST_MAIN(T(test_index_order), T(test_entry_reads), T(test_entry_changes), T(test_basic_call),
          T(test_sequential), T(test_redirected), T(test_gap), T(test_modes), T(test_retarget),
          T(test_diversion_modes), T(test_private_entries), T(test_response_not_asked),
          T(test_unreadable), T(test_bounded), T(test_prefixes), T(test_carry), T(test_memory))
