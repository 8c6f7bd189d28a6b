/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test kit. One line a test ("ok 3 - name"), one line a failed check before it, a count
 * at the end; the program fails when a check failed, when a test made no check at all
 * (unless it said that its data is missing), or when a name on the command line fits none.
 */
#include "test.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct {
    const char *context;
    unsigned long checks, failed;
    bool skipped;
} state;

bool test_check(bool ok, const char *what, const char *file, int line)
{
    state.checks++;
    if (!ok) {
        state.failed++;
        printf("# %s:%d: failed: %s", file, line, what);
        printf(state.context != NULL ? " (%s)\n" : "%s\n", state.context ? state.context : "");
    }
    return ok;
}

bool test_check_int(long long got, long long want, const char *what, const char *file, int line)
{
    bool ok = test_check(got == want, what, file, line);
    if (!ok) {
        printf("#   got %lld, want %lld\n", got, want);
    }
    return ok;
}

static void print_bytes(const char *label, struct str s)
{
    printf("#   %s %zu: ", label, s.n);
    if (!str_is_set(s)) {
        printf("(absent)\n");
        return;
    }
    putchar('"');
    for (size_t i = 0; i < s.n && i < 400; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '\\' || c == '"') {
            printf("\\%c", c);
        } else if (c >= ' ' && c < 0x7f) {
            putchar(c);
        } else {
            printf("\\x%02x", c);
        }
    }
    printf(s.n > 400 ? "\"...\n" : "\"\n");
}

bool test_check_str(struct str got, struct str want, const char *what, const char *file,
                    int line)
{
    bool ok = test_check(str_eq(got, want), what, file, line);
    if (!ok) {
        print_bytes("got ", got);
        print_bytes("want", want);
    }
    return ok;
}

void test_context(const char *text)
{
    state.context = text;
}

/* ------------------------------------------------------------------ guard pages */

static size_t round_to_page(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (n + page - 1) / page * page;
}

size_t test_count(const char *text, const char *word)
{
    size_t n = 0;
    for (; (text = strstr(text, word)) != NULL; text++) {
        n++;
    }
    return n;
}

struct str test_guard(struct str s)
{
    size_t room = round_to_page(s.n);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *base =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(base + room, page, PROT_NONE) != 0) {
        perror("test_guard");
        exit(2);
    }
    if (s.n > 0) {
        memcpy(base + room - s.n, s.p, s.n);
    }
    return str_make(base + room - s.n, s.n);
}

void test_guard_free(struct str s)
{
    size_t room = round_to_page(s.n);
    char *base = (char *)(uintptr_t)s.p + s.n - room;
    if (s.p != NULL) {
        munmap(base, room + (size_t)sysconf(_SC_PAGESIZE));
    }
}

/* ----------------------------------------------------------------------- memory */

static void *counted_alloc(void *ctx, size_t n)
{
    struct test_mem *t = ctx;
    t->calls++;
    if (t->fail_at != 0 && (t->calls == t->fail_at || (t->fail_on && t->calls > t->fail_at))) {
        return NULL;
    }
    void *p = malloc(n);
    if (p != NULL) {
        memset(p, 0xa5, n); /* nobody may count on zeroes */
        t->live++;
    }
    return p;
}

static void counted_free(void *ctx, void *p)
{
    struct test_mem *t = ctx;
    if (p != NULL) {
        t->live--;
        free(p);
    }
}

void test_mem_init(struct test_mem *t)
{
    *t = (struct test_mem){.mem = {counted_alloc, counted_free, t}};
}

/* ------------------------------------------------------------------------ files */

struct str test_read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return STR_NONE;
    }
    size_t n = 0;
    size_t cap = 4096;
    char *p = malloc(cap);
    while (p != NULL && (n += fread(p + n, 1, cap - n, f)) == cap) {
        char *more = realloc(p, cap *= 2);
        if (more == NULL) {
            free(p);
        }
        p = more;
    }
    bool failed = ferror(f) != 0;
    fclose(f);
    if (p == NULL || failed) {
        free(p);
        return STR_NONE;
    }
    return str_make(p, n);
}

struct str test_project_file(const char *name)
{
    static const char up[] = "../../../";
    struct str text = STR_NONE;
    for (int n = 0; n <= 3 && text.p == NULL; n++) {
        char path[256];
        (void)snprintf(path, sizeof(path), "%.*s%s", 3 * n, up, name);
        text = test_read_file(path);
    }
    return text;
}

void test_keep(struct str text)
{
    const char *folder = getenv("BATON_TEST_KEEP");
    unsigned long long hash = 0xCBF29CE484222325;
    char path[512];
    if (folder == NULL) {
        return;
    }
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * 0x100000001B3;
    }
    (void)snprintf(path, sizeof(path), "%s/%016llx.xml", folder, hash);
    FILE *f = access(path, F_OK) == 0 ? NULL : fopen(path, "w");
    if (f != NULL) {
        (void)fwrite(text.p, 1, text.n, f);
        (void)fclose(f);
    }
}

/** "../shared/data", "../../shared/data" …: tests run in the root or in a build folder. */
static const char *find_data(void)
{
    static char path[128];
    const char *given = getenv("BATON_TEST_DATA");
    if (given != NULL) {
        return given;
    }
    for (int up = 1; up <= 5; up++) {
        int n = 0;
        for (int i = 0; i < up; i++) {
            n += snprintf(path + n, sizeof(path) - (size_t)n, "../");
        }
        snprintf(path + n, sizeof(path) - (size_t)n, "shared/data");
        if (access(path, R_OK) == 0) {
            return path;
        }
    }
    return "../shared/data";
}

const char *test_data_dir(const char *name)
{
    static char path[8][512]; /* the last few answers stay valid */
    static unsigned next;
    static bool said;
    char *p = path[next++ % 8];
    int n = snprintf(p, sizeof(path[0]), "%s/%s", find_data(), name);
    if (n > 0 && (size_t)n < sizeof(path[0]) && access(p, R_OK) == 0) {
        return p;
    }
    if (!said) {
        printf("# no test data at %s: the checks over it are left out\n", p);
        said = true;
    }
    state.skipped = true;
    return NULL;
}

/* ---------------------------------------------------------------------- running */

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strstr(name, argv[i]) != NULL) {
            return true;
        }
    }
    return argc < 2;
}

/** @return true when the test is good */
static bool run_one(const struct test *t, size_t number)
{
    unsigned long checks = state.checks;
    unsigned long failed = state.failed;
    state.skipped = false;
    state.context = NULL;
    t->run();
    bool ok = state.failed == failed;
    if (state.checks == checks && !state.skipped) {
        printf("# %s checks nothing\n", t->name);
        ok = false;
    }
    printf("%s %zu - %s%s\n", ok ? "ok" : "not ok", number, t->name,
           ok && state.skipped ? " # SKIP in part: no data" : "");
    return ok;
}

int test_run(const struct test *table, size_t n, int argc, char **argv)
{
    size_t ran = 0;
    size_t bad = 0;
    bool list = argc > 1 && strcmp(argv[1], "-l") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < n; i++) {
        if (list) {
            printf("%s\n", table[i].name);
        } else if (wanted(table[i].name, argc, argv)) {
            ran++;
            bad += !run_one(&table[i], ran);
        }
    }
    if (list) {
        return 0;
    }
    printf("1..%zu\n# %zu tests, %zu failed; %lu checks, %lu failed\n", ran, ran, bad,
           state.checks, state.failed);
    return bad > 0 || ran == 0 ? 1 : 0;
}
