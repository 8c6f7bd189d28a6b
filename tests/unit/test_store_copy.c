/* SPDX-License-Identifier: Apache-2.0 */
/* Backups: one moment of a database that is written to, and putting it back. */
#include "kit_store.h"
#include "store/copy.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>

static char copy[128], why[512];

static void up(struct kit_store *k)
{
    kit_store_make(k);
    (void)snprintf(copy, sizeof(copy), "%s/copy.db", k->dir);
    kit_store_up(k);
    CHECK(store_start(k->st));
}

static void down(struct kit_store *k)
{
    (void)unlink(copy);
    (void)kit_store_down(k);
    kit_store_remove(k);
}

static void note(struct kit_store *k, uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n <= to; n++) {
        kit_store_note(k, n, "c1", "OriginatedEvent");
        store_flush(k->st);
    }
    kit_store_sync(k);
}

static struct store_sum sum_of(const char *path)
{
    struct store_sum sum = {0};
    test_context(path);
    why[0] = '\0';
    if (!CHECK(store_check(path, &sum, why, sizeof(why)))) {
        printf("# %s\n", why);
    }
    test_context(NULL);
    return sum;
}

static void test_a_copy_while_it_is_written(void)
{
    struct kit_store k;
    struct stat s;
    char beside[160];
    up(&k);
    note(&k, 1, 200);
    CHECK(store_copy(k.path, copy, why, sizeof(why)));
    note(&k, 201, 300);
    CHECK_INT(sum_of(copy).events, 200);
    CHECK_INT(sum_of(copy).head, 200);
    CHECK(stat(copy, &s) == 0 && (s.st_mode & 0777) == 0600);
    (void)snprintf(beside, sizeof(beside), "%s-wal", copy);
    CHECK(stat(beside, &s) != 0); /* one file */
    (void)snprintf(beside, sizeof(beside), "%s.part", copy);
    CHECK(stat(beside, &s) != 0);
    CHECK(store_copy(k.path, copy, why, sizeof(why))); /* the older one is replaced */
    CHECK_INT(sum_of(copy).events, 300);
    note(&k, 301, 301); /* and the server goes on */
    down(&k);
}

struct writer {
    struct kit_store *k;
    atomic_bool stop;
    uint64_t number;
};

static void *write_on(void *arg)
{
    struct writer *w = arg;
    while (!atomic_load(&w->stop)) {
        kit_store_note(w->k, ++w->number, "c1", "OriginatedEvent");
        store_flush(w->k->st);
        if (w->number % 64 == 0) {
            kit_store_sync(w->k);
        }
    }
    return NULL;
}

static void test_copies_under_load_are_whole(void)
{
    struct kit_store k;
    pthread_t thread;
    uint64_t last = 0;
    up(&k);
    struct writer w = {.k = &k};
    REQUIRE(pthread_create(&thread, NULL, write_on, &w) == 0);
    for (int i = 0; i < 8; i++) {
        CHECK(store_copy(k.path, copy, why, sizeof(why)));
        struct store_sum sum = sum_of(copy);
        CHECK_INT(sum.events, sum.head); /* none is missing in between */
        CHECK(sum.head >= last);
        last = sum.head;
    }
    atomic_store(&w.stop, true);
    (void)pthread_join(thread, NULL);
    kit_store_sync(&k);
    down(&k);
}

static void test_putting_one_back(void)
{
    struct kit_store k;
    char other[160];
    up(&k);
    note(&k, 1, 10);
    CHECK(store_copy(k.path, copy, why, sizeof(why)));
    note(&k, 11, 20);
    CHECK(!store_restore(copy, k.path, true, why, sizeof(why)));
    CHECK(strstr(why, "another server writes to it") != NULL);
    CHECK_INT(store_close(k.st), 0);
    CHECK_INT(sum_of(k.path).head, 20);
    CHECK(!store_restore(copy, k.path, false, why, sizeof(why)));
    CHECK(strstr(why, "is there already") != NULL);
    CHECK_INT(sum_of(k.path).head, 20);
    CHECK(store_restore(copy, k.path, true, why, sizeof(why)));
    CHECK_INT(sum_of(k.path).head, 10);
    CHECK_INT(sum_of(k.path).rows, sum_of(copy).rows + 1); /* the mark: STORE_COPY_ROW */
    (void)snprintf(other, sizeof(other), "%s/new.db", k.dir);
    CHECK(store_restore(copy, other, false, why, sizeof(why)));
    CHECK_INT(sum_of(other).head, 10);
    (void)unlink(other);
    (void)snprintf(other, sizeof(other), "%s/new.db.lock", k.dir);
    (void)unlink(other);
    kit_store_up(&k); /* a server starts with it, and numbers go on */
    CHECK_INT(store_head(k.st), 10);
    down(&k);
}

static void spoil(const char *sql)
{
    sqlite3 *db = NULL;
    CHECK_INT(sqlite3_open(copy, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

static void check_refused(const struct kit_store *k, const char *because)
{
    why[0] = '\0';
    CHECK(!store_restore(copy, k->path, true, why, sizeof(why)));
    if (!CHECK(strstr(why, because) != NULL)) {
        printf("# %s\n", why);
    }
}

static void test_what_is_no_copy_is_refused(void)
{
    struct kit_store k;
    up(&k);
    note(&k, 1, 400);
    CHECK(store_copy(k.path, copy, why, sizeof(why)));
    CHECK_INT(store_close(k.st), 0);

    spoil("PRAGMA user_version = 9999");
    check_refused(&k, "later version");
    spoil("PRAGMA user_version = 1; PRAGMA application_id = 7");
    check_refused(&k, "of something else");
    CHECK(store_copy(k.path, copy, why, sizeof(why)));
    FILE *f = fopen(copy, "r+");
    REQUIRE(f != NULL && fseek(f, 4096 * 3, SEEK_SET) == 0);
    for (int i = 0; i < 4096; i++) {
        fputc(0xA5, f);
    }
    (void)fclose(f);
    check_refused(&k, "is damaged");
    f = fopen(copy, "w");
    fputs("this is no database, whatever its name says; it is text and nothing else", f);
    (void)fclose(f);
    check_refused(&k, "is no database");
    (void)unlink(copy);
    check_refused(&k, "cannot be read");
    CHECK_INT(sum_of(k.path).head, 400);
    CHECK(!store_copy(k.path, "/no/such/folder/copy", why, sizeof(why)));
    CHECK(strstr(why, "/no/such/folder/copy.part: cannot be made") != NULL);
    kit_store_up(&k);
    down(&k);
}

TEST_MAIN(T(test_a_copy_while_it_is_written), T(test_copies_under_load_are_whole),
          T(test_putting_one_back), T(test_what_is_no_copy_is_refused))
