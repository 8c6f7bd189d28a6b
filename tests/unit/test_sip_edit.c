/* SPDX-License-Identifier: Apache-2.0 */
/* Edits: each function, the order of changes, and random edits against a naive rebuild. */
#include "sip/edit.h"

#include "sip_helpers.h"
#include "test.h"

#include <stdio.h>

static const char text[] = "INVITE sip:b@h SIP/2.0\r\n"
                           "Via: one\r\n"
                           "Subject : x\r\n"
                           "v: two\r\n"
                           " folded\r\n"
                           "X-Odd:keep  this \r\n"
                           "Content-Type: a/b\r\n"
                           "Content-Encoding: gzip\r\n"
                           "l: 4\r\n"
                           "\r\n"
                           "body";

struct fixture {
    struct sip_parsed p;
    struct arena arena;
    struct sip_edit e;
};

static void begin_with(struct fixture *f, struct str bytes, const struct mem *mem)
{
    CHECK_INT(sip_test_index(&f->p, bytes), 0);
    arena_init(&f->arena, mem, 4096);
    sip_edit_init(&f->e, &f->p.m, &f->arena);
}

static void begin(struct fixture *f)
{
    begin_with(f, str_make(text, sizeof(text) - 1), &mem_libc);
}

static void expect(struct fixture *f, const char *want)
{
    struct str run[SIP_RUN_MAX];
    int n = sip_edit_emit(&f->e, run);
    if (CHECK(n >= 0)) {
        struct str flat = sip_runs_flatten(&mem_libc, run, (size_t)n);
        CHECK_STR(flat, want);
        CHECK_INT(sip_runs_len(run, (size_t)n), strlen(want));
        mem_free(&mem_libc, (void *)(uintptr_t)flat.p);
    }
    arena_fini(&f->arena);
}

#define START "INVITE sip:b@h SIP/2.0\r\n"
#define VIA1 "Via: one\r\n"
#define SUBJECT "Subject : x\r\n"
#define VIA2 "v: two\r\n folded\r\n"
#define ODD "X-Odd:keep  this \r\n"
#define TYPE "Content-Type: a/b\r\n"
#define ENCODING "Content-Encoding: gzip\r\n"
#define LENGTH "l: 4\r\n"
#define BODY "\r\nbody"

static void test_nothing(void)
{
    struct fixture f;
    struct str run[SIP_RUN_MAX];
    begin(&f);
    CHECK_INT(sip_edit_emit(&f.e, run), 1); /* one borrowed run, not a copy */
    CHECK(run[0].p == text);
    expect(&f, text);
}

static void test_start_line(void)
{
    struct fixture f;
    begin(&f);
    sip_edit_start_line(&f.e, STR("BYE sip:c@d SIP/2.0"));
    expect(&f, "BYE sip:c@d SIP/2.0\r\n" VIA1 SUBJECT VIA2 ODD TYPE ENCODING LENGTH BODY);
}

static void test_cut(void)
{
    struct fixture f;
    begin(&f);
    sip_edit_cut(&f.e, SIP_HDR_VIA);
    sip_edit_cut(&f.e, SIP_HDR_ROUTE); /* not there: nothing to do */
    sip_edit_cut_line(&f.e, sip_msg_line(&f.p.m, SIP_HDR_CONTENT_LENGTH));
    expect(&f, START SUBJECT ODD TYPE ENCODING BODY);
}

static void test_values(void)
{
    struct fixture f;
    begin(&f);
    sip_edit_set(&f.e, SIP_HDR_VIA, STR("only"));
    sip_edit_set(&f.e, SIP_HDR_MAX_FORWARDS, STR("69"));
    sip_edit_value(&f.e, sip_msg_named(&f.p.m, STR("x-odd")), STR("new"));
    const struct sip_hdr *s = sip_msg_line(&f.p.m, SIP_HDR_SUBJECT);
    sip_edit_span(&f.e, s->val_off, 0, STR("y"));
    expect(&f, START "Via: only\r\nSubject : yx\r\nX-Odd:new \r\n" TYPE ENCODING LENGTH
                     "Max-Forwards: 69\r\n" BODY);
}

static void test_places(void)
{
    struct fixture f;
    begin(&f);
    sip_edit_append(&f.e, STR("Z"), STR("1"));
    sip_edit_prepend(&f.e, SIP_HDR_VIA, STR("zero"));
    sip_edit_prepend(&f.e, SIP_HDR_ROUTE, STR("<sip:r>"));
    sip_edit_top(&f.e, STR("A: 1\r\nB: 2\r\n"));
    sip_edit_prepend(&f.e, SIP_HDR_SUBJECT, STR("first"));
    sip_edit_append(&f.e, STR("Z"), STR("2"));
    expect(&f, START "Via: zero\r\nRoute: <sip:r>\r\nA: 1\r\nB: 2\r\n" VIA1
                     "Subject: first\r\n" SUBJECT VIA2 ODD TYPE ENCODING LENGTH
                     "Z: 1\r\nZ: 2\r\n" BODY);
}

static void test_without_headers(void)
{
    struct fixture f;
    begin_with(&f, STR("BYE sip:a SIP/2.0\r\n\r\n"), &mem_libc);
    sip_edit_append(&f.e, STR("Z"), STR("1"));
    sip_edit_prepend(&f.e, SIP_HDR_VIA, STR("v"));
    sip_edit_start_line(&f.e, STR("ACK sip:a SIP/2.0"));
    sip_edit_body(&f.e, STR("a/b"), STR("hi"));
    expect(&f, "ACK sip:a SIP/2.0\r\nZ: 1\r\nVia: v\r\nContent-Type: a/b\r\n"
               "Content-Length: 2\r\n\r\nhi");
}

static void test_body(void)
{
    struct fixture f;
    begin(&f);
    sip_edit_body(&f.e, STR("c/d"), STR("longer body"));
    expect(&f, START VIA1 SUBJECT VIA2 ODD "Content-Type: c/d\r\nl: 11\r\n\r\nlonger body");
    begin(&f);
    sip_edit_body(&f.e, STR_NONE, STR_NONE);
    expect(&f, START VIA1 SUBJECT VIA2 ODD "l: 0\r\n\r\n");
    begin(&f); /* the length agrees: the line stays as it is */
    sip_edit_body(&f.e, STR("a/b"), STR("same"));
    expect(&f, START VIA1 SUBJECT VIA2 ODD TYPE LENGTH "\r\nsame");
}

static void test_cuts_merge_and_puts_survive(void)
{
    struct fixture f;
    begin(&f);
    sip_edit_span(&f.e, 30, 10, STR("P2"));
    sip_edit_span(&f.e, 24, 10, STR("P1"));
    sip_edit_span(&f.e, 26, 2, STR_NONE);
    sip_edit_span(&f.e, 24, 0, STR("P0"));
    sip_edit_span(&f.e, 36, 0, STR("P3"));
    char want[sizeof(text) + 16];
    snprintf(want, sizeof(want), "%.24sP1P0P2P3%s", text, text + 40);
    expect(&f, want);
}

static void test_too_many(void)
{
    struct fixture f;
    struct str run[SIP_RUN_MAX];
    begin(&f);
    for (unsigned i = 0; i < SIP_EDIT_MAX; i++) {
        sip_edit_span(&f.e, 3 * i % 90, 1, STR("x"));
    }
    int n = sip_edit_emit(&f.e, run);
    CHECK(n > 0 && n <= SIP_RUN_MAX);
    sip_edit_span(&f.e, 0, 1, STR("x"));
    CHECK_INT(sip_edit_emit(&f.e, run), E_TOOMANY);
    arena_fini(&f.arena);
}

static void test_allocation_failure(void)
{
    struct test_mem t;
    struct str run[SIP_RUN_MAX];
    unsigned failures = 0;
    for (size_t at = 1; at < 8; at++) {
        struct fixture f;
        test_mem_init(&t);
        t.fail_at = at;
        t.fail_on = true;
        CHECK_INT(sip_test_index(&f.p, str_make(text, sizeof(text) - 1)), 0);
        arena_init(&f.arena, &t.mem, 64);
        sip_edit_init(&f.e, &f.p.m, &f.arena);
        sip_edit_append(&f.e, STR("X-A-Header-That-Fills-A-Chunk-Of-The-Arena"), STR("value"));
        sip_edit_body(&f.e, STR("a/b"), STR("something else"));
        sip_edit_prepend(&f.e, SIP_HDR_ROUTE, STR("<sip:somewhere.else.example.com;lr>"));
        int n = sip_edit_emit(&f.e, run);
        CHECK(n == E_NOMEM || n > 0);
        failures += n == E_NOMEM;
        arena_fini(&f.arena);
        CHECK_INT(t.live, 0);
    }
    CHECK(failures >= 2 && failures < 7);
    test_mem_init(&t);
    t.fail_at = 1;
    run[0] = STR("x");
    CHECK(!str_is_set(sip_runs_flatten(&t.mem, run, 1)));
    t.fail_at = 0;
    struct str none = sip_runs_flatten(&t.mem, run, 0);
    CHECK(str_is_set(none) && none.n == 0);
    mem_free(&t.mem, (void *)(uintptr_t)none.p);
}

/* --------------------------------------------------------------- against a model */

struct model {
    bool cut[sizeof(text)];
    char put[sizeof(text)][256]; /* what stands before octet i */
};

static void random_edit(uint32_t *seed, struct sip_edit *e, struct model *model)
{
    static const char *const words[] = {"", "x", "yz", "abc"};
    uint32_t off = sip_test_random(seed) % sizeof(text);
    uint32_t len = sip_test_random(seed) % 3 == 0 ? sip_test_random(seed) % 40 : 0;
    const char *word = words[sip_test_random(seed) % 4];
    if (off + len > sizeof(text) - 1) {
        len = (uint32_t)sizeof(text) - 1 - off;
    }
    sip_edit_span(e, off, len, str_c(word));
    memset(model->cut + off, true, len);
    size_t used = strlen(model->put[off]);
    snprintf(model->put[off] + used, sizeof(model->put[off]) - used, "%s", word);
}

static void test_random_edits(void)
{
    uint32_t seed = 20;
    for (int round = 0; round < 3000; round++) {
        static struct model model;
        struct fixture f;
        char want[4096];
        size_t n = 0;
        memset(&model, 0, sizeof(model));
        begin(&f);
        for (uint32_t i = sip_test_random(&seed) % 50; i > 0; i--) {
            random_edit(&seed, &f.e, &model);
        }
        for (size_t i = 0; i < sizeof(text); i++) {
            n += (size_t)snprintf(want + n, sizeof(want) - n, "%s", model.put[i]);
            if (!model.cut[i] && i + 1 < sizeof(text)) {
                want[n++] = text[i];
            }
        }
        want[n] = '\0';
        expect(&f, want);
    }
}

/* Line edits in random order give what the same edits of a list of lines give. */
static void test_random_line_edits(void)
{
    static const char *const lines[] = {VIA1, SUBJECT, VIA2, ODD, TYPE, ENCODING, LENGTH};
    uint32_t seed = 4711;
    for (int round = 0; round < 500; round++) {
        struct fixture f;
        char want[4096];
        uint32_t cut = sip_test_random(&seed) % 128;
        uint32_t rotate = sip_test_random(&seed) % 7;
        begin(&f);
        for (uint32_t i = 0; i < 7; i++) {
            uint32_t k = (i + rotate) % 7;
            if ((cut >> k & 1) != 0) {
                sip_edit_cut_line(&f.e, &f.p.m.hdr[k]);
            }
        }
        sip_edit_top(&f.e, STR("T: t\r\n"));
        sip_edit_append(&f.e, STR("E"), STR("e"));
        size_t n = (size_t)snprintf(want, sizeof(want), START "T: t\r\n");
        for (uint32_t k = 0; k < 7; k++) {
            if ((cut >> k & 1) == 0) {
                n += (size_t)snprintf(want + n, sizeof(want) - n, "%s", lines[k]);
            }
        }
        snprintf(want + n, sizeof(want) - n, "E: e\r\n" BODY);
        expect(&f, want);
    }
}

TEST_MAIN(T(test_nothing), T(test_start_line), T(test_cut), T(test_values), T(test_places),
          T(test_without_headers), T(test_body), T(test_cuts_merge_and_puts_survive),
          T(test_too_many), T(test_allocation_failure), T(test_random_edits),
          T(test_random_line_edits))
