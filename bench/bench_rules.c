/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The look-up of a route among 1 000 rules, of which only the last one matches: told apart by
 * the first digits (what a table of number ranges is), by a pattern that needs its program, and
 * by a header that all are asked about. Prints "NAME ns".
 */
#include "bench.h"

#include "rules/rules.h"
#include <stdio.h>

enum { RULES = 1000 };

static const char text[] =
    "INVITE sip:+49301234567@example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nMax-Forwards: 70\r\n"
    "From: Alice <sip:1001@example.com>;tag=1\r\nTo: <sip:+49301234567@example.com>\r\n"
    "Call-ID: a1@x\r\nCSeq: 1 INVITE\r\nContact: <sip:1001@192.0.2.1>\r\n"
    "X-Queue: support\r\nContent-Length: 0\r\n\r\n";

static struct arena arena, scratch;
static struct rule rules[RULES];
static struct rule_table table;
static struct sip_msg msg;
static struct sip_hdr hdr[SIP_HDR_MAX];

static struct pattern *compile(const char *pattern, unsigned flags)
{
    struct pattern *p = arena_alloc(&arena, sizeof(*p));
    struct pattern_fault fault;
    return p != NULL && pattern_compile(&arena, str_c(pattern), flags, p, &fault) == 0 ? p
                                                                                       : NULL;
}

static bool build(const char *form, bool header)
{
    static struct rule_header_test test = {.name = STR_INIT("X-Queue"), .has_value = true};
    const struct pattern *value = compile("sales*", PATTERN_NO_CASE);
    if (value == NULL) {
        return false;
    }
    test.value = *value;
    for (int i = 0; i < RULES; i++) {
        char pattern[64];
        (void)snprintf(pattern, sizeof(pattern), form, header ? 30 : 100 + i % 200);
        rules[i] = (struct rule){.name = STR("r"), .methods = ~0u, .percent = 100};
        rules[i].to = compile(i == RULES - 1 ? "*" : pattern, 0);
        rules[i].to_count = 1;
        if (rules[i].to == NULL) {
            return false;
        }
        if (header && i < RULES - 1) {
            rules[i].header = &test;
            rules[i].header_count = 1;
        }
    }
    return rule_table_init(&table, &arena, rules, RULES, NULL) == 0;
}

static size_t look(void *ctx, const char *p, size_t n)
{
    struct rule_query q = {.m = &msg, .scratch = &scratch};
    struct rule_verdict v;
    (void)ctx;
    (void)p;
    (void)n;
    arena_reset(&scratch);
    if (rule_query_read(&q) != 0 || rule_find(&table, &q, &v) != 0) {
        return 0;
    }
    return v.rule == &rules[RULES - 1];
}

int main(void)
{
    static const struct {
        const char *name, *form;
        bool header;
    } runs[] = {{"rules-1000-ranges", "+49%d*", false},
                {"rules-1000-patterns", "+[0-9]XX%dX*", false},
                {"rules-1000-headers", "+49%d*", true}};
    struct sip_fault fault;
    msg.hdr = hdr;
    arena_init(&arena, &mem_libc, 65536);
    arena_init(&scratch, &mem_libc, 4096);
    if (sip_msg_index(&msg, str_make(text, sizeof(text) - 1), true, &sip_limits_default,
                      &fault) != 0) {
        return 1;
    }
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        if (!build(runs[i].form, runs[i].header) || look(NULL, NULL, 0) != 1) {
            return 1;
        }
        double best = bench_batch(look, NULL, NULL, 0, 100);
        for (int k = 0; k < BENCH_BATCHES; k++) {
            double ns = bench_batch(look, NULL, NULL, 0, (long)(BENCH_BATCH_NS / best) + 1);
            best = ns < best ? ns : best;
        }
        printf("%s %.1f\n", runs[i].name, best);
    }
    arena_fini(&arena);
    arena_fini(&scratch);
    return 0;
}
