/* SPDX-License-Identifier: Apache-2.0 */
/* The XML reader, and the way round through expat. */
#include "base/out.h"
#include "csta/xml.h"
#include "test.h"
#include <stdio.h>
#include <stdlib.h>

static const struct xml_limits usual = {.bytes = 65536, .depth = 32, .elements = 2000};

/* The events of a document in one line: `<a x=1>text</a>`; what failed as "! reason". */
static struct str trace(struct str doc, const struct xml_limits *limits, struct arena *a)
{
    struct xml_reader r;
    struct out o;
    char *buf = arena_alloc(a, 8 * doc.n + 256);
    out_init(&o, buf, 8 * doc.n + 256);
    int ev = xml_init(&r, doc, limits);
    for (ev = ev < 0 ? ev : xml_next(&r); ev > 0; ev = xml_next(&r)) {
        struct str text;
        if (ev == XML_START) {
            out_fmt(&o, "<%.*s", STR_ARG(r.name));
            for (unsigned i = 0; i < r.nattr; i++) {
                CHECK_INT(xml_attr_of(&r.attr[i].value, a, &text), 0);
                out_fmt(&o, " %.*s=%.*s", STR_ARG(r.attr[i].qname), STR_ARG(text));
            }
            out_ch(&o, '>');
        } else if (ev == XML_TEXT) {
            CHECK_INT(xml_text_of(&r.text, a, &text), 0);
            out_str(&o, text);
        } else {
            out_fmt(&o, "</%.*s>", STR_ARG(r.qname));
        }
    }
    if (ev < 0) {
        out_fmt(&o, "! %d at %zu", ev, (size_t)(r.at - r.start));
        CHECK(r.reason[0] != '\0');
    }
    return out_str_of(&o);
}

static void check_trace(const char *doc, const char *want)
{
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    struct str guarded = test_guard(str_c(doc));
    test_context(doc);
    CHECK_STR(trace(guarded, &usual, &a), want);
    test_context(NULL);
    test_guard_free(guarded);
    arena_fini(&a);
}

static void test_reader_events(void)
{
    check_trace("<a/>", "<a></a>");
    check_trace(
        "\xEF\xBB\xBF<?xml version='1.0' encoding=\"utf-8\" standalone='no' ?>\n<a></a>\n",
        "<a></a>");
    check_trace("<a>x<b>y</b >z</a\n>", "<a>x<b>y</b>z</a>");
    check_trace("<p:a xmlns:p='u'><p:b/></p:a>", "<a xmlns:p=u><b></p:b></p:a>");
}

static void test_reader_prefix(void)
{
    check_trace("<p:a><p:b/></p:a>", "<a><b></p:b></p:a>");
    check_trace("<p:a></q:a>", "<a>! -2 at 5");
    check_trace("<p:a></a>", "<a>! -2 at 5");
}

static void test_reader_attributes(void)
{
    check_trace("<a x = '1'\n y=\"it's\"/>", "<a x=1 y=it's></a>");
    check_trace("<a x='a\tb\r\nc\rd&#10;e'/>", "<a x=a b c d\ne></a>");
    check_trace("<a x='&lt;&amp;&quot;&apos;&gt;'/>", "<a x=<&\"'>></a>");
    check_trace("<a x='1' x='2'/>", "! -2 at 9");
    check_trace("<a x='1'y='2'/>", "! -2 at 8");
    check_trace("<a x=1/>", "! -2 at 5");
    check_trace("<a x/>", "! -2 at 4");
    check_trace("<a x='<'/>", "! -2 at 6");
    check_trace("<a x='1/>", "! -2 at 5");
    check_trace("<a x:y='1' z:y='2'/>", "<a x:y=1 z:y=2></a>");
}

static void test_reader_text(void)
{
    check_trace("<a>1&#x41;&#66;\r\n2\r3&amp;lt;</a>", "<a>1AB\n2\n3&lt;</a>");
    check_trace("<a>x<!-- < & -->y<![CDATA[<&]]]>z&#13;</a>", "<a>xy<&]z\r</a>");
    check_trace("<a><![CDATA[\r\n]]>\n</a>", "<a>\n\n</a>");
    check_trace("<a>]] &gt; ]]&gt;</a>", "<a>]] > ]]></a>");
    check_trace("<a>\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80</a>",
                "<a>\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80</a>");
    check_trace("<a>&#228;&#x20AC;&#x1F600;</a>",
                "<a>\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80</a>");
    check_trace("<a>]]></a>", "<a>! -2 at 3");
}

static void test_reader_refuses_bad_characters(void)
{
    static const char *const bad[] = {"\x01",
                                      "\x1F",
                                      "\x80",
                                      "\xC0\x80",
                                      "\xC3",
                                      "\xE0\x80\x80",
                                      "\xED\xA0\x80",
                                      "\xEF\xBF\xBF",
                                      "\xEF\xBF\xBE",
                                      "\xF0\x80\x80\x80",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "&#0;",
                                      "&#x1;",
                                      "&#xD800;",
                                      "&#xFFFE;",
                                      "&#x110000;",
                                      "&#99999999999;",
                                      "&#;",
                                      "&#x;",
                                      "&#1",
                                      "&nbsp;",
                                      "&amp",
                                      "&",
                                      "&#xg;"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char doc[64];
        snprintf(doc, sizeof(doc), "<a>%s</a>", bad[i]);
        check_trace(doc, "<a>! -2 at 3");
        snprintf(doc, sizeof(doc), "<a x='%s'/>", bad[i]);
        check_trace(doc, "! -2 at 6");
    }
}

static void test_reader_structure(void)
{
    check_trace("", "! -2 at 0");
    check_trace("  ", "! -2 at 2");
    check_trace("<a>", "<a>! -2 at 3");
    check_trace("<a>x", "<a>! -2 at 4");
    check_trace("<a", "! -2 at 2");
    check_trace("<", "! -2 at 1");
    check_trace("<a/", "! -2 at 3");
    check_trace("<a / >", "! -2 at 4");
    check_trace("<1/>", "! -2 at 1");
    check_trace("< a/>", "! -2 at 1");
    check_trace("<a></b>", "<a>! -2 at 3");
    check_trace("<a></ab>", "<a>! -2 at 3");
    check_trace("<a></a", "<a>! -2 at 3");
    check_trace("<a/><b/>", "<a></a>! -2 at 4");
    check_trace("<a/>x", "<a></a>! -2 at 4");
    check_trace("x<a/>", "! -2 at 0");
    check_trace("</a>", "! -2 at 1");
    check_trace("<!-- a --><a/><!----> ", "<a></a>");
    check_trace("<!-- a -- b --><a/>", "! -2 at 0");
    check_trace("<!-- a --><a><!-- </a>", "<a>! -2 at 13");
}

static void test_reader_refuses_document_types(void)
{
    check_trace("<!DOCTYPE a><a/>", "! -10 at 0");
    check_trace("<?xml version='1.0'?> <!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
                "! -10 at 22");
}

static void test_reader_declines(void)
{
    check_trace("<?pi x?><a/>", "! -9 at 0");
    check_trace("<a><?pi x?></a>", "<a>! -9 at 3");
    check_trace("<?xml version='1.1'?><a/>", "! -9 at 19");
    check_trace("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "! -9 at 41");
    check_trace("<\xC3\xA4/>", "! -9 at 1");
    check_trace("<a:b:c/>", "! -9 at 4");
    check_trace("\xFF\xFE<", "! -9 at 0");
}

static void test_reader_limits(void)
{
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    struct xml_limits l = {.bytes = 12, .depth = 2, .elements = 3};
    CHECK_STR(trace(STR("<a><b/></a> "), &l, &a), "<a><b></b></a>");
    CHECK_STR(trace(STR("<a><b/></a>  "), &l, &a), "! -3 at 0");
    l.bytes = 100;
    CHECK_STR(trace(STR("<a><b><c/></b></a>"), &l, &a), "<a><b>! -4 at 6");
    CHECK_STR(trace(STR("<a><b/><b/><b/></a>"), &l, &a), "<a><b></b><b></b>! -4 at 11");
    char many[1024] = "<a";
    for (int i = 0; i <= XML_ATTR_MAX; i++) {
        snprintf(many + strlen(many), 16, " x%d=''", i);
    }
    l.bytes = sizeof(many);
    struct str got = trace(str_c(many), &l, &a);
    CHECK(str_starts(got, STR("! -4 ")));
    arena_fini(&a);
}

static void test_reader_skip_and_raw(void)
{
    struct xml_reader r;
    struct str raw;
    CHECK_INT(xml_init(&r, STR("<a><p y='1' ><b>1</b>&amp;<p/></p><c/>z</a>"), &usual), 0);
    CHECK_INT(xml_next(&r), XML_START);
    CHECK_INT(xml_next(&r), XML_START);
    CHECK_STR(r.attrs, " y='1'");
    CHECK_INT(xml_skip(&r, &raw), 0);
    CHECK_STR(raw, "<b>1</b>&amp;<p/>");
    CHECK_INT(xml_next(&r), XML_START);
    CHECK_INT(xml_skip(&r, &raw), 0);
    CHECK_STR(raw, "");
    CHECK_INT(xml_next(&r), XML_TEXT);
    CHECK_STR(r.text.raw, "z");
    CHECK_INT(xml_next(&r), XML_END);
    CHECK_INT(xml_next(&r), XML_END_OF_DOCUMENT);
    CHECK_INT(xml_init(&r, STR("<a><b></c></a>"), &usual), 0);
    CHECK_INT(xml_next(&r), XML_START);
    CHECK_INT(xml_skip(&r, &raw), E_SYNTAX);
}

static void test_reader_value(void)
{
    struct arena a;
    struct xml_reader r;
    struct str text;
    struct str doc = STR("<a>1<!-- x -->2</a>");
    arena_init(&a, &mem_libc, 256);
    CHECK_INT(xml_init(&r, doc, &usual), 0);
    CHECK_INT(xml_next(&r), XML_START);
    CHECK_INT(xml_text(&r, &a, &text), 0);
    CHECK_STR(text, "12");
    CHECK_INT(xml_next(&r), XML_END_OF_DOCUMENT);
    CHECK_INT(xml_init(&r, STR("<a>plain</a>"), &usual), 0);
    CHECK_INT(xml_next(&r), XML_START);
    CHECK_INT(xml_text(&r, &a, &text), 0);
    CHECK_STR(text, "plain");
    CHECK(text.p == r.start + 3);
    CHECK_INT(xml_init(&r, STR("<a/>"), &usual), 0);
    CHECK_INT(xml_next(&r), XML_START);
    CHECK_INT(xml_text(&r, &a, &text), 0);
    CHECK(str_is_set(text) && text.n == 0);
    CHECK_INT(xml_init(&r, STR("<a>1<b/></a>"), &usual), 0);
    CHECK_INT(xml_next(&r), XML_START);
    CHECK_INT(xml_text(&r, &a, &text), E_VALUE);
    CHECK_INT(r.at - r.start, 4);
    arena_fini(&a);
}

static void test_fragments(void)
{
    CHECK(xml_is_content(STR("")));
    CHECK(xml_is_content(STR("a<b x='1'>&amp;</b> c")));
    CHECK(xml_is_content(STR("<p:\xC3\xA4/>")));
    CHECK(!xml_is_content(STR("</a>")));
    CHECK(!xml_is_content(STR("</>")));
    CHECK(!xml_is_content(STR("<b>")));
    CHECK(!xml_is_content(STR("<b></b></a><a>")));
    CHECK(!xml_is_content(STR("&x;")));
    CHECK(!xml_is_content(STR("<?pi?>")));
    CHECK(!xml_is_content(STR("a\x01")));
    CHECK(!xml_is_content(STR("<\xC3/>")));
    CHECK(xml_is_attrs(STR("")));
    CHECK(xml_is_attrs(STR(" a='1' xmlns:b=\"u\"")));
    CHECK(!xml_is_attrs(STR("a='1'")));
    CHECK(!xml_is_attrs(STR(" a='1'/")));
    CHECK(!xml_is_attrs(STR(" a='1'>")));
    CHECK(!xml_is_attrs(STR(" a='1' a='2'")));
    CHECK(!xml_is_attrs(STR(" a")));
}

static void test_every_prefix_and_mutation(void)
{
    struct str doc = STR("<?xml version=\"1.0\"?><!--c--><a x='&lt;1'>t&#65;\xC3\xA4"
                         "<![CDATA[d]]><p:b/>]]</a>");
    struct arena a;
    arena_init(&a, &mem_libc, 4096);
    for (size_t n = 0; n < doc.n; n++) {
        struct str part = test_guard(str_upto(doc, n));
        struct str got = trace(part, &usual, &a);
        CHECK(str_find(got, STR("! ")) < got.n);
        test_guard_free(part);
    }
    size_t accepted = 0;
    for (size_t i = 0; i < doc.n; i++) {
        static const char other[] = "<>&'\"/!?-]x \x80\xFF";
        for (size_t k = 0; k < sizeof(other); k++) { /* the NUL too */
            struct str bad = test_guard(doc);
            ((char *)(uintptr_t)bad.p)[i] = other[k];
            struct str got = trace(bad, &usual, &a);
            accepted += str_find(got, STR("! ")) == got.n;
            test_guard_free(bad);
        }
        arena_reset(&a);
    }
    CHECK(accepted > 0);
    arena_fini(&a);
}

static int recode(const char *p, size_t n, struct arena *a, struct xml_recoded *rec, size_t *at)
{
    const char *reason = "";
    int err = xml_recode(str_make(p, n), &usual, 1, a, rec, at, &reason);
    CHECK((err != 0) == (reason[0] != '\0'));
    return err;
}

static void check_recode(struct str doc, const char *want)
{
    struct arena a;
    struct xml_recoded rec;
    size_t at;
    arena_init(&a, &mem_libc, 4096);
    test_context(want);
    CHECK_INT(recode(doc.p, doc.n, &a, &rec, &at), 0);
    CHECK_STR(rec.doc, want);
    test_context(NULL);
    arena_fini(&a);
}

static void test_recode(void)
{
    check_recode(STR("<?xml version='1.0' encoding='ISO-8859-1'?><a>\xE4\xDF</a>"),
                 "<a>\xC3\xA4\xC3\x9F</a>");
    check_recode(STR("\xFF\xFE<\0a\0/\0>\0"), "<a></a>");
    check_recode(STR("<a><?pi x?><!-- y --><![CDATA[<&>]]>\r\n</a>"), "<a>&lt;&amp;&gt;\n</a>");
    check_recode(STR("<\xC3\xA4 b='&#10;&quot;\t&lt;'/>"),
                 "<\xC3\xA4 b=\"&#10;&quot; &lt;\"></\xC3\xA4>");
}

static void test_recode_refuses(void)
{
    struct arena a;
    struct xml_recoded rec;
    size_t at;
    arena_init(&a, &mem_libc, 4096);
    struct str doctype = STR("<?pi?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>");
    CHECK_INT(recode(doctype.p, doctype.n, &a, &rec, &at), E_DENIED);
    CHECK(at >= 6 && at < 40);
    struct str bad = STR("<?pi?><a></b>");
    CHECK_INT(recode(bad.p, bad.n, &a, &rec, &at), E_SYNTAX);
    CHECK(at >= 9);
    struct xml_limits l = {.bytes = 20, .depth = 2, .elements = 2};
    const char *reason;
    CHECK_INT(xml_recode(STR("<a><b/><b/></a>"), &l, 0, &a, &rec, &at, &reason), E_TOOMANY);
    CHECK_INT(xml_recode(STR("<a><b><c/></b></a>"), &l, 0, &a, &rec, &at, &reason), E_TOOMANY);
    CHECK_INT(xml_recode(STR("<a>                 </a>"), &l, 0, &a, &rec, &at, &reason),
              E_TOOBIG);
    arena_fini(&a);
}

static void test_recode_positions(void)
{
    struct arena a;
    struct xml_recoded rec;
    size_t at;
    arena_init(&a, &mem_libc, 4096);
    struct str doc = STR("<?pi?>\n<a>\n  <b/>\n  <c>1</c></a>");
    CHECK_INT(recode(doc.p, doc.n, &a, &rec, &at), 0);
    CHECK_INT(rec.nplace, 3);
    CHECK_INT(xml_recoded_from(&rec, str_find(rec.doc, STR("<c"))), str_find(doc, STR("<c")));
    CHECK_INT(xml_recoded_from(&rec, str_find(rec.doc, STR("1"))), str_find(doc, STR("<c")));
    CHECK_INT(xml_recoded_from(&rec, 0), str_find(doc, STR("<a")));
    arena_fini(&a);
}

static void test_recode_without_memory(void)
{
    struct test_mem mem;
    struct str doc = STR("<?pi?><a><b>1</b><b>2</b></a>");
    for (size_t n = 1;; n++) {
        struct arena a;
        struct xml_recoded rec;
        size_t at;
        test_mem_init(&mem);
        mem.fail_at = n;
        mem.fail_on = true;
        arena_init(&a, &mem.mem, 64);
        int err = recode(doc.p, doc.n, &a, &rec, &at);
        bool done = err == 0;
        CHECK(done || err == E_NOMEM);
        arena_fini(&a);
        CHECK_INT(mem.live, 0);
        if (done) {
            CHECK(n > 1);
            break;
        }
    }
}

static void test_position(void)
{
    unsigned line, column;
    struct str doc = STR("ab\ncd\r\nef\rg");
    xml_position(doc, 0, &line, &column);
    CHECK(line == 1 && column == 1);
    xml_position(doc, 4, &line, &column);
    CHECK(line == 2 && column == 2);
    xml_position(doc, 7, &line, &column);
    CHECK(line == 3 && column == 1);
    xml_position(doc, 10, &line, &column);
    CHECK(line == 4 && column == 1);
    xml_position(doc, 99, &line, &column);
    CHECK(line == 4 && column == 2);
}

TEST_MAIN(T(test_reader_events), T(test_reader_prefix), T(test_reader_attributes),
          T(test_reader_text), T(test_reader_refuses_bad_characters), T(test_reader_structure),
          T(test_reader_refuses_document_types), T(test_reader_declines), T(test_reader_limits),
          T(test_reader_skip_and_raw), T(test_reader_value), T(test_fragments),
          T(test_every_prefix_and_mutation), T(test_recode), T(test_recode_refuses),
          T(test_recode_positions), T(test_recode_without_memory), T(test_position))
