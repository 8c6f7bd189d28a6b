/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test kit: a table of functions, checks that say where and what, memory that counts
 * or fails, buffers that end at a guard page.
 *
 *     static void test_via_folds(void) { CHECK_INT(f(), 0); }
 *     TEST_MAIN(T(test_via_folds), ...)
 *
 * A failed check is printed and counted and the test goes on; REQUIRE ends the test.
 * `program NAME` runs the tests whose name contains NAME; `-l` lists them.
 */
#ifndef BATON_TESTS_TEST_H
#define BATON_TESTS_TEST_H

#include "base/mem.h"
#include "base/str.h"
#include <stdbool.h>
#include <stddef.h>

struct test {
    const char *name;
    void (*run)(void);
};

/* clang-format off */
#define T(fn) {#fn, fn}
/* clang-format on */
#define TEST_MAIN(...)                                                        \
    int main(int argc, char **argv)                                           \
    {                                                                         \
        static const struct test table[] = {__VA_ARGS__};                     \
        return test_run(table, sizeof(table) / sizeof(table[0]), argc, argv); \
    }
int test_run(const struct test *table, size_t n, int argc, char **argv);

#define CHECK(cond) test_check((cond), #cond, __FILE__, __LINE__)
#define CHECK_INT(got, want) \
    test_check_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
#define CHECK_STR(got, want) test_check_str((got), str_c(want), #got, __FILE__, __LINE__)
#define CHECK_BYTES(got, want) test_check_str((got), (want), #got, __FILE__, __LINE__)
#define REQUIRE(cond)                                         \
    do {                                                      \
        if (!test_check((cond), #cond, __FILE__, __LINE__)) { \
            return;                                           \
        }                                                     \
    } while (0)

bool test_check(bool ok, const char *what, const char *file, int line);
bool test_check_int(long long got, long long want, const char *what, const char *file,
                    int line);
bool test_check_str(struct str got, struct str want, const char *what, const char *file,
                    int line);
/** Printed with the next failures, e.g. the name of the file under test. NULL: none. */
void test_context(const char *text);

/** How often `word` stands in `text`, overlaps included. */
size_t test_count(const char *text, const char *word);

/** A copy of `s` whose last byte is followed by an unreadable page; test_guard_free it. */
struct str test_guard(struct str s);
void test_guard_free(struct str s);

/** Memory that counts what is out and can fail. fail_at: 0 never; n: the n-th alloc fails
    (and all later ones when `fail_on`). */
struct test_mem {
    struct mem mem;
    size_t live, calls, fail_at;
    bool fail_on;
};
void test_mem_init(struct test_mem *t);

/** Whole file; {NULL,0} when it cannot be read. free((void *)s.p). */
struct str test_read_file(const char *path);

/** A file of the project by its name in there, e.g. "docs/seal.md", from whichever folder of a
    build the test runs in. As test_read_file. */
struct str test_project_file(const char *name);
/** When the environment variable BATON_TEST_KEEP names a folder: `text`, which the program
   under test has sent, becomes a file there, once. tests/schema/validate.py looks at them. */
void test_keep(struct str text);
/** "../shared/data/NAME" seen from the project's root when it exists, else NULL after saying
    so once in one line. The environment variable BATON_TEST_DATA overrides the folder. */
const char *test_data_dir(const char *name);

#endif
