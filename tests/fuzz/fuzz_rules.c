/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets as a pattern, a replacement, a period, a zone, and numbers to work on: lines of
 * the input in that order. Demanded: what compiles can be matched within bounds; kept parts
 * lie in the text; a plain literal is what every match begins with; numbers lead back.
 */
#include "rules/number.h"
#include "rules/pattern.h"
#include "rules/when.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool ok)
{
    if (!ok) {
        abort();
    }
}

static struct str line(struct str *rest)
{
    size_t n = str_index(*rest, '\n');
    struct str l = str_upto(*rest, n);
    *rest = str_from(*rest, n + 1);
    return l;
}

static void match(struct arena *a, struct str text, struct str replacement, struct str subject)
{
    struct pattern p;
    struct pattern_fault fault;
    struct pattern_match m;
    if (pattern_compile(a, text, (unsigned)text.n & 1, &p, &fault) != 0) {
        demand(fault.at <= text.n && fault.what != NULL);
        return;
    }
    demand(p.op_count > 0 && p.op_count <= PATTERN_OPS_MAX);
    bool yes = pattern_matches(&p, subject, &m);
    demand(yes == pattern_matches(&p, subject, NULL));
    if (!yes) {
        return;
    }
    demand(p.flags != 0 ? str_istarts(subject, p.literal) : str_starts(subject, p.literal));
    for (size_t i = 0; i <= PATTERN_GROUPS; i++) {
        demand(m.part[i].p == NULL || (m.part[i].p >= subject.p &&
                                       m.part[i].p + m.part[i].n <= subject.p + subject.n));
    }
    if (pattern_replacement_ok(replacement, p.groups, &fault)) {
        char buf[64];
        struct out o;
        out_init(&o, buf, sizeof(buf));
        pattern_replace(&o, replacement, &m);
    }
}

static void number(struct str digits, struct str text)
{
    struct dial_plan plan = {.country = str_upto(digits, 2),
                             .area = str_from(str_upto(digits, 4), 2),
                             .trunk = str_from(str_upto(digits, 5), 4),
                             .international = str_from(str_upto(digits, 7), 5),
                             .extension_digits = (uint32_t)(text.n % 5)};
    char e164[4 * NUMBER_MAX], local[4 * NUMBER_MAX], back[4 * NUMBER_MAX];
    struct out a, b, c;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9') {
            return;
        }
    }
    if (text.n > NUMBER_MAX / 2) {
        return;
    }
    out_init(&a, e164, sizeof(e164));
    number_to_e164(&a, &plan, text);
    out_init(&b, local, sizeof(local));
    number_from_e164(&b, &plan, out_str_of(&a));
    out_init(&c, back, sizeof(back));
    number_to_e164(&c, &plan, out_str_of(&b));
    demand(!a.over && !b.over && !c.over);
    demand(str_eq(out_str_of(&a), out_str_of(&c)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_make((const char *)data, size);
    struct arena a;
    struct zone z = {0}, other;
    struct period p;
    size_t at = 0;
    if (size > 4096) {
        return 0;
    }
    arena_init(&a, &mem_libc, 1024);
    struct str text = line(&rest), replacement = line(&rest), time = line(&rest);
    struct str zone = line(&rest), digits = line(&rest);
    match(&a, text, replacement, rest);
    if (!zone_parse_offset(zone, &z) && !zone_parse_posix(zone, &z)) {
        z = (struct zone){0};
    }
    if (zone_parse_tzif(&a, rest, &other) == 0) {
        z = other;
    }
    if (period_parse(time, &p, &at)) {
        for (int64_t t = -86400 * 400; t < 86400 * 400; t += 86400 * 37 + 4321) {
            (void)period_holds(&p, &z, t);
        }
    } else {
        demand(at <= time.n);
    }
    number(digits, rest);
    arena_fini(&a);
    return 0;
}
