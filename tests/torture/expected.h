/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables EXPECTED_*.tsv of the torture messages: one line per file, with its class and the
 * codes an element may answer. Walked here for the two that judge by them: the parser alone
 * (test_torture_static.c) and the whole engine (test_torture_engine.c).
 */
#ifndef BATON_TESTS_EXPECTED_H
#define BATON_TESTS_EXPECTED_H

#include "test.h"

#include "sip/hdr.h"
#include <stdio.h>
#include <stdlib.h>

/** Judges the message at `path`. @param lenient it may also be taken as what it meant */
typedef void (*expected_fn)(const char *path, struct str class, struct str codes, bool lenient);

static struct str expected_field(struct str *line)
{
    size_t tab = str_index(*line, '\t');
    struct str f = str_upto(*line, tab);
    *line = str_from(*line, tab + 1);
    return f;
}

/** Is `status` in "400,none"? 0 is silence. "any-not-400" allows every answer but 400. */
static bool expected_accepts(struct str codes, unsigned status)
{
    struct str one;
    while (sip_list_next(&codes, &one)) {
        uint32_t n;
        if (str_ieq(one, STR("any")) || (str_ieq(one, STR("none")) && status == 0) ||
            (str_ieq(one, STR("any-not-400")) && status != 400 && status != 0) ||
            (str_to_u32(one, &n) && n == status)) {
            return true;
        }
    }
    return false;
}

/** RFC 5118 §4.6 prints a Content-Length that is 17 too large: corrected in place. */
static void expected_correct_length(struct str bytes)
{
    struct str wrong = STR("Content-Length: 268\r\n");
    size_t at = str_find(bytes, wrong);
    if (CHECK(at < bytes.n)) {
        memcpy((char *)(uintptr_t)bytes.p + at + wrong.n - 5, "251", 3);
    }
}

/** @return number of files judged; 0 without the data */
static unsigned expected_table(const char *table, const char *folder, const char *suffix,
                               bool long_form, expected_fn expect)
{
    char path[512];
    unsigned count = 0;
    const char *dir = test_data_dir("torture");
    if (dir == NULL) {
        return 0;
    }
    snprintf(path, sizeof(path), "%s/%s", dir, table);
    struct str text = test_read_file(path);
    struct str rest = str_from(text, str_index(text, '\n') + 1);
    while (rest.n > 0) {
        size_t nl = str_index(rest, '\n');
        struct str line = str_trim(str_upto(rest, nl));
        rest = str_from(rest, nl + 1);
        struct str name = expected_field(&line);
        if (name.n == 0) {
            continue;
        }
        if (long_form) {
            (void)expected_field(&line); /* the section */
        }
        struct str class = expected_field(&line);
        struct str codes = expected_field(&line);
        bool lenient = long_form && str_eq(expected_field(&line), STR("y"));
        snprintf(path, sizeof(path), "%s/%s/%.*s%s", dir, folder, STR_ARG(name), suffix);
        expect(path, class, codes, lenient);
        count++;
    }
    free((void *)(uintptr_t)text.p);
    test_context(NULL);
    return count;
}

#endif
