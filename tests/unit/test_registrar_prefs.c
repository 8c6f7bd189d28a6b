/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feature sets and caller preferences: the matching operation value by value, the example of
 * RFC 3841 §7.2.5, the use cases of RFC 4596 §3, and Request-Disposition.
 */
#include "kit_registrar.h"
#include "registrar/select.h"

/* ---- feature_fit ---- */

static void test_values_that_fit(void)
{
    static const struct {
        const char *a, *b;
        bool fit;
    } row[] = {
        {"audio", "audio", true},
        {"audio", "audio=\"TRUE\"", true},
        {"audio", "audio=\"FALSE\"", false},
        {"audio", "audio=\"!FALSE\"", true},
        {"audio=\"!TRUE\"", "audio=\"!FALSE\"", false},
        {"audio", "video=\"FALSE\"", true}, /* says nothing about the other */
        {"mobility=\"fixed\"", "mobility=\"FIXED\"", true},
        {"mobility=\"fixed\"", "mobility=\"mobile\"", false},
        {"mobility=\"!fixed\"", "mobility=\"mobile\"", true},
        {"mobility=\"!fixed\"", "mobility=\"fixed\"", false},
        {"mobility=\"!fixed\"", "mobility=\"!mobile\"", true},
        {"mobility=\"!fixed\"", "mobility=\"!fixed\"", true},
        {"methods=\"INVITE,BYE\"", "methods=\"BYE,ACK\"", true},
        {"methods=\"INVITE, BYE\"", "methods=\"bye\"", true},
        {"methods=\"INVITE\"", "methods=\"BYE,ACK\"", false},
        {"methods=\"!INVITE,BYE\"", "methods=\"INVITE\"", false},
        {"+x.s=\"<Abc>\"", "+x.s=\"<Abc>\"", true},
        {"+x.s=\"<Abc>\"", "+x.s=\"<abc>\"", false}, /* strings have case … */
        {"+x.s=\"Abc\"", "+x.s=\"abc\"", true},      /* … tokens have not */
        {"+x.s=\"<abc>\"", "+x.s=\"abc\"", false},
        {"+x.s=\"!<abc>\"", "+x.s=\"<abc>\"", false},
        {"+x.s=\"!<abc>\"", "+x.s=\"<abd>\"", true},
        {"+x.s=\"<a,b>\"", "+x.s=\"<a,b>\"", true},
        {"+sip.audio", "audio=\"FALSE\"", false}, /* two spellings of one tag */
        {"+X.S", "+x.s=\"FALSE\"", false},
        {"x.s", "x.s=\"FALSE\"", true}, /* no feature at all */
        {"+n=\"#=4\"", "+n=\"#=4.0\"", true},
        {"+n=\"#=1.5\"", "+n=\"#=1.50\"", true},
        {"+n=\"#=4\"", "+n=\"#=5\"", false},
        {"+n=\"#=-4\"", "+n=\"#=4\"", false},
        {"+n=\"#>=4\"", "+n=\"#<=4\"", true},
        {"+n=\"#>=4.1\"", "+n=\"#<=4\"", false},
        {"+n=\"#1:5\"", "+n=\"#5:9\"", true},
        {"+n=\"#1:5\"", "+n=\"#6:9\"", false},
        {"+n=\"#-9:-6\"", "+n=\"#<=-7\"", true},
        {"+n=\"!#=4\"", "+n=\"#=4\"", false},
        {"+n=\"!#=4\"", "+n=\"#4:5\"", true},
        {"+n=\"!#3:5\"", "+n=\"#4:5\"", false},
        {"+n=\"!#>=4\"", "+n=\"#>=4\"", false},
        {"+n=\"!#>=4\"", "+n=\"#>=3\"", true},
        {"+n=\"!#>=4\"", "+n=\"!#<=4\"", false}, /* together they leave nothing */
        {"+n=\"!#>=4\"", "+n=\"!#<=3\"", true},
        {"+n=\"#=4\"", "+n=\"4\"", false},
        {"+n=\"!4\"", "+n=\"#=4\"", true},
        {"+n=\"#=1,#=2,#>=7\"", "+n=\"#5:6,#=2\"", true},
        {"+n=\"#5:1\"", "+n=\"#=3\"", false}, /* no range */
        {"+n=\"#=\"", "+n=\"#=\"", true},     /* no number: a token like any other */
    };
    for (size_t i = 0; i < ARRAY_LEN(row); i++) {
        struct feature_set a, b;
        struct str ga = test_guard(str_c(row[i].a));
        struct str gb = test_guard(str_c(row[i].b));
        test_context(row[i].a);
        CHECK(feature_read(&a, ga));
        CHECK(feature_read(&b, gb));
        CHECK_INT(feature_fit(&a, &b), row[i].fit);
        CHECK_INT(feature_fit(&b, &a), row[i].fit);
        test_guard_free(ga);
        test_guard_free(gb);
    }
    test_context(NULL);
}

static void test_feature_sets_are_bounded(void)
{
    struct feature_set set;
    char text[2000];
    size_t at = 0;
    for (int i = 0; i < FEATURE_TAGS_MAX; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, ";+t%d", i);
    }
    CHECK(feature_read(&set, str_make(text, at)));
    CHECK_INT(set.count, FEATURE_TAGS_MAX);
    at += (size_t)snprintf(text + at, sizeof(text) - at, ";+t0;+one.more");
    CHECK(!feature_read(&set, str_make(text, at)));
    CHECK_INT(set.count, FEATURE_TAGS_MAX);
    CHECK(
        feature_read(&set, STR(";q=1;expires=3;reg-id=1;foo=bar;audio;audio=\"FALSE\";video")));
    CHECK_INT(set.count, 2); /* the first of a name */
    CHECK(!str_is_set(feature_find(&set, STR("AUDIO"))->value));
}

/* ---- registrar_select ---- */

/* "u5/0 u1/1": user parts and groups, in order; an other flow behind it as "u1/0+u2". */
static void choose(struct fixture *f, const char *start, const char *lines, const char *want)
{
    char request[4000];
    char text[500];
    struct kit_msg msg;
    struct arena arena;
    struct selected *at = NULL;
    struct out o;
    unsigned status = 0;
    snprintf(request, sizeof(request), "%s SIP/2.0\r\n%s\r\n", start, lines);
    out_init(&o, text, sizeof(text));
    arena_init(&arena, &f->k.env.mem, 1024);
    test_context(lines);
    if (CHECK(kit_index(&msg, str_c(request)))) {
        size_t n = registrar_select(record_of(f), &msg.m, &arena, &at, &status);
        if (n == 0) {
            out_fmt(&o, "%u", status);
        }
        for (size_t i = 0; i < n; i++) {
            out_c(&o, i > 0 ? " " : "");
            for (const struct selected *s = &at[i]; s != NULL; s = s->next_flow) {
                struct sip_uri u;
                uint32_t pos;
                CHECK_INT(sip_uri_parse(s->binding->contact, 0, &u, &pos), 0);
                out_c(&o, s == &at[i] ? "" : "+");
                out_str(&o, u.user);
                if (s == &at[i]) {
                    out_fmt(&o, "/%u", s->group);
                }
            }
        }
        CHECK_BYTES(out_str_of(&o), str_c(want));
    }
    test_context(NULL);
    arena_fini(&arena);
}

#define INVITE "INVITE sip:bob@biloxi.com"

/* Each contact in a request of its own: then the last is the newest, as the phones would be. */
static void add(struct fixture *f, const char *contact)
{
    static unsigned n;
    char lines[600];
    snprintf(lines, sizeof(lines), "Call-ID: add%u\r\nCSeq: 1 REGISTER\r\nContact: %s\r\n", ++n,
             contact);
    CHECK_INT(put(f, lines), 200);
}

static void test_the_example_of_the_rfc(void)
{
    struct fixture f;
    setup(&f);
    add(&f, "<sip:u1@h.example.com>;audio;video;methods=\"INVITE,BYE\";q=0.2");
    add(&f,
        "<sip:u2@h.example.com>;audio=\"FALSE\";methods=\"INVITE\";actor=\"msg-taker\";q=0.2");
    add(&f, "<sip:u3@h.example.com>;audio;actor=\"msg-taker\";methods=\"INVITE\";video;q=0.3");
    add(&f, "<sip:u4@h.example.com>;audio;methods=\"INVITE,OPTIONS\";q=0.2");
    add(&f, "<sip:u5@h.example.com>;q=0.5");
    choose(&f, INVITE,
           "Reject-Contact: *;actor=\"msg-taker\";video\r\n"
           "Accept-Contact: *;audio;require\r\n"
           "Accept-Contact: *;video;explicit\r\n"
           "Accept-Contact: *;methods=\"BYE\";class=\"business\";q=1.0\r\n",
           "u5/0 u1/1 u4/2");
    /* compact forms, all on one line */
    choose(&f, INVITE,
           "j: *;actor=\"msg-taker\";video\r\n"
           "a: *;audio;require, *;video;explicit, *;methods=\"BYE\";class=\"business\"\r\n",
           "u5/0 u1/1 u4/2");
    check_invariants(&f);
    teardown(&f);
}

static void test_qa(void)
{
    struct fixture f;
    struct kit_msg msg;
    struct prefs p;
    uint32_t qa;
    setup(&f);
    CHECK(kit_index(&msg, STR("INVITE sip:x SIP/2.0\r\nAccept-Contact: *;audio;require\r\n"
                              "Accept-Contact: *;video;explicit\r\n"
                              "Accept-Contact: *;methods=\"BYE\";class=\"business\"\r\n\r\n")));
    CHECK_INT(prefs_read(&msg.m, &f.arena, &p), 0);
    CHECK(prefs_score(&p, STR(";audio;video;methods=\"INVITE,BYE\""), &qa));
    CHECK_INT(qa, 833);
    CHECK(prefs_score(&p, STR(";audio;methods=\"INVITE,OPTIONS\""), &qa));
    CHECK_INT(qa, 500);
    CHECK(prefs_score(&p, STR(";x=y"), &qa)); /* immune */
    CHECK_INT(qa, 1000);
    CHECK(!prefs_score(&p, STR(";audio=\"FALSE\""), &qa));
    teardown(&f);
}

/* RFC 4596 §3.1, §3.2 */
static void test_methods_by_themselves(void)
{
    struct fixture f;
    setup(&f);
    add(&f, "<sip:y1@pc>;methods=\"INVITE,ACK,OPTIONS,BYE,CANCEL\";audio;mobility=\"mobile\"");
    choose(&f, "MESSAGE sip:bob@biloxi.com", "", "y1/0"); /* it says 405 itself */
    add(&f, "<sip:y2@pc>;methods=\"OPTIONS,MESSAGE\";+sip.message;mobility=\"mobile\"");
    choose(&f, INVITE, "", "y1/0");
    choose(&f, "MESSAGE sip:bob@biloxi.com", "", "y2/0");
    choose(&f, "OPTIONS sip:bob@biloxi.com", "", "y2/0 y1/0");
    teardown(&f);
}

/* §3.3, §3.4 */
static void test_packages(void)
{
    struct fixture f;
    setup(&f);
    add(&f, "<sip:y1@pc>;methods=\"INVITE,SUBSCRIBE\";events=\"dialog\";audio");
    add(&f, "<sip:yp@pc>;methods=\"SUBSCRIBE\";events=\"presence\"");
    choose(&f, "SUBSCRIBE sip:bob@biloxi.com", "Event: presence\r\n", "yp/0");
    choose(&f, "SUBSCRIBE sip:bob@biloxi.com", "Event: dialog;x=y\r\n", "y1/0");
    choose(&f, INVITE, "", "y1/0");
    add(&f, "<sip:y1@pc>;methods=\"INVITE,SUBSCRIBE\";audio");
    choose(&f, "SUBSCRIBE sip:bob@biloxi.com", "o: presence\r\n", "yp/0 y1/1");
    teardown(&f);
}

/* §3.5, §3.6 */
static void test_video(void)
{
    struct fixture f;
    setup(&f);
    add(&f, "<sip:y1@pc>;q=1.0;methods=\"INVITE,BYE\";audio");
    add(&f, "<sip:y2@pc>;q=0.6;methods=\"INVITE,BYE\";audio;video");
    choose(&f, INVITE, "Accept-Contact: *;methods=\"INVITE\";video\r\n", "y1/0 y2/1");
    choose(&f, INVITE, "Accept-Contact: *;video;require;explicit\r\n", "y2/0");
    choose(&f, INVITE, "Accept-Contact: *;audio;video;require;explicit\r\n", "y2/0");
    choose(&f, INVITE, "Accept-Contact: *;text;require;explicit\r\n", "480");
    teardown(&f);
}

/* §3.10, §3.11, §3.14, §3.15, with the tags of RFC 3840 */
static void test_people_and_machines(void)
{
    struct fixture f;
    setup(&f);
    add(&f, "<sip:y1@pc>;q=0.1;audio");
    add(&f, "<sip:y2@pc2>;actor=\"attendant\";q=1.0");
    add(&f, "<sip:y3@pc3>;actor=\"msg-taker\";automata;q=0.5");
    add(&f, "<sip:y4@mobile>;mobility=\"mobile\";q=0.1");
    choose(&f, INVITE, "", "y2/0 y3/1 y4/2 y1/2");
    choose(&f, INVITE, "Reject-Contact: *;actor=\"msg-taker\"\r\n", "y2/0 y4/1 y1/1");
    choose(&f, INVITE,
           "Reject-Contact: *;actor=\"attendant\"\r\nReject-Contact: *;automata\r\n",
           "y4/0 y1/0");
    /* both in one: only who is both */
    choose(&f, INVITE, "Reject-Contact: *;actor=\"attendant\";automata\r\n",
           "y2/0 y3/1 y4/2 y1/2");
    choose(&f, INVITE, "Accept-Contact: *;actor=\"msg-taker\";require;explicit\r\n", "y3/0");
    choose(&f, INVITE, "Accept-Contact: *;mobility=\"mobile\";require;explicit\r\n", "y4/0");
    choose(&f, INVITE, "Accept-Contact: *;mobility=\"mobile\"\r\n", "y2/0 y3/1 y4/2 y1/3");
    teardown(&f);
}

/* §3.9, §3.16 */
static void test_languages(void)
{
    struct fixture f;
    setup(&f);
    add(&f, "<sip:y1@pc>;language=\"en\"");
    add(&f, "<sip:y2@pc>;language=\"en,es\"");
    add(&f, "<sip:y3@pc>;language=\"es,pt\"");
    choose(&f, INVITE,
           "Accept-Contact: *;language=\"en\";require\r\n"
           "Accept-Contact: *;language=\"es\";require\r\n",
           "y2/0");
    choose(&f, INVITE, "Accept-Contact: *;language=\"en,pt\";require\r\n", "y3/0 y2/0 y1/0");
    choose(&f, INVITE, "Reject-Contact: *;language=\"es\"\r\n", "y1/0");
    teardown(&f);
}

/* A rule that wants nothing neither orders nor rejects. */
static void test_rules_without_features(void)
{
    struct fixture f;
    setup(&f);
    add(&f, "<sip:y1@pc>;audio");
    add(&f, "<sip:y2@pc>");
    choose(&f, INVITE, "Accept-Contact: *;require;explicit\r\nReject-Contact: *\r\n",
           "y2/0 y1/0");
    choose(&f, INVITE, "Reject-Contact: *;q=1\r\n", "y2/0 y1/0");
    teardown(&f);
}

static void test_too_many_rules(void)
{
    struct fixture f;
    char lines[4000] = "";
    size_t at = 0;
    setup(&f);
    add(&f, "<sip:y1@pc>;audio");
    for (int i = 0; i < PREFS_RULES_MAX; i++) {
        at += (size_t)snprintf(lines + at, sizeof(lines) - at, "%s-Contact: *;audio\r\n",
                               i % 2 ? "Accept" : "Reject");
    }
    choose(&f, INVITE, lines, "480"); /* rejected, but read */
    snprintf(lines + at, sizeof(lines) - at, "Accept-Contact: *;audio\r\n");
    choose(&f, INVITE, lines, "400");
    at = (size_t)snprintf(lines, sizeof(lines), "Accept-Contact: *");
    for (int i = 0; i <= FEATURE_TAGS_MAX; i++) {
        at += (size_t)snprintf(lines + at, sizeof(lines) - at, ";+t%d", i);
    }
    snprintf(lines + at, sizeof(lines) - at, "\r\n");
    choose(&f, INVITE, lines, "400");
    teardown(&f);
}

static void test_dispositions(void)
{
    struct fixture f;
    struct kit_msg msg;
    struct disposition d;
    setup(&f);
    add(&f, "<sip:y1@pc>;q=0.5");
    add(&f, "<sip:y2@pc>");
    add(&f, "<sip:y3@pc>");
    choose(&f, INVITE, "", "y3/0 y2/0 y1/1");
    choose(&f, INVITE, "Request-Disposition: parallel\r\n", "y3/0 y2/0 y1/0");
    choose(&f, INVITE, "d: proxy, Sequential\r\n", "y3/0 y2/1 y1/2");
    choose(&f, INVITE, "Request-Disposition: no-fork\r\n", "y3/0");
    choose(&f, INVITE, "Request-Disposition: fork, no-fork, what\r\n", "y3/0 y2/0 y1/1");
    CHECK(
        kit_index(&msg, STR("INVITE sip:x SIP/2.0\r\nRequest-Disposition: proxy, no-cancel\r\n"
                            "Request-Disposition: no-recurse,no-queue , parallel\r\n\r\n")));
    disposition_read(&msg.m, &d);
    CHECK_INT(d.proxy, DIRECTIVE_YES);
    CHECK_INT(d.cancel, DIRECTIVE_NO);
    CHECK_INT(d.recurse, DIRECTIVE_NO);
    CHECK_INT(d.queue, DIRECTIVE_NO);
    CHECK_INT(d.parallel, DIRECTIVE_YES);
    CHECK_INT(d.fork, DIRECTIVE_NONE);
    CHECK(kit_index(&msg, STR("INVITE sip:x SIP/2.0\r\nd: no-fork, no-recurse, sequential,"
                              "queue, no-cancel, redirect\r\n\r\n")));
    disposition_read(&msg.m, &d);
    CHECK_INT(d.proxy, DIRECTIVE_NO);
    CHECK_INT(d.fork, DIRECTIVE_NONE);
    CHECK_INT(d.recurse, DIRECTIVE_NONE);
    CHECK_INT(d.parallel, DIRECTIVE_NONE);
    CHECK_INT(d.queue, DIRECTIVE_YES);
    CHECK_INT(d.cancel, DIRECTIVE_NO);
    choose(&f, INVITE, "d: no-fork, redirect\r\n", "y3/0 y2/0 y1/1");
    teardown(&f);
}

/* Without memory there is no choice, and nothing else happens. */
static void test_no_memory(void)
{
    struct fixture f;
    struct kit_msg msg;
    setup(&f);
    add(&f, "<sip:y1@pc>;audio");
    CHECK(kit_index(&msg, STR("INVITE sip:x SIP/2.0\r\nAccept-Contact: *;audio\r\n\r\n")));
    for (size_t at = 1;; at++) {
        struct arena arena;
        struct selected *s;
        unsigned status;
        arena_init(&arena, &f.k.env.mem, 64);
        f.k.mem.calls = 0;
        f.k.mem.fail_at = at;
        size_t n = registrar_select(record_of(&f), &msg.m, &arena, &s, &status);
        f.k.mem.fail_at = 0;
        arena_fini(&arena);
        CHECK(n == 1 || (n == 0 && status == 503));
        if (n == 1) {
            CHECK(at > 2);
            break;
        }
        REQUIRE(at < 20);
    }
    teardown(&f);
}

TEST_MAIN(T(test_values_that_fit), T(test_feature_sets_are_bounded),
          T(test_the_example_of_the_rfc), T(test_qa), T(test_methods_by_themselves),
          T(test_packages), T(test_video), T(test_people_and_machines), T(test_languages),
          T(test_rules_without_features), T(test_too_many_rules), T(test_dispositions),
          T(test_no_memory))
