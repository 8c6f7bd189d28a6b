/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backups: see copy.h.
 *
 *   copy      read transaction ──► pages ──► NAME.part ──► fsync ──► rename
 *   restore   lock ──► check ──► copy to DB.part ──► mark ──► old -wal, -shm go ──► rename
 *
 * A copy has no journal beside it (journal_mode DELETE), so it is one file to carry about. What
 * is left of a copy that failed is removed.
 */
#include "store/copy.h"
#include "store/parts.h"
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_LEN = 4096, BUSY_MS = 5000 };

static bool fail(char *why, size_t cap, const char *path, const char *what, const char *more)
{
    (void)snprintf(why, cap, "%s: %s%s%s", path, what, more[0] != '\0' ? ": " : "", more);
    return false;
}

static bool name_of(char *out, const char *path, const char *suffix, char *why, size_t cap)
{
    int n = snprintf(out, NAME_MAX_LEN, "%s%s", path, suffix);
    return (n > 0 && n < NAME_MAX_LEN) || fail(why, cap, path, "the name is too long", "");
}

static sqlite3 *open_to_read(const char *path, char *why, size_t cap)
{
    sqlite3 *db = NULL;

    if (access(path, R_OK) != 0) {
        (void)fail(why, cap, path, "cannot be read", strerror(errno));
    } else if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db, BUSY_MS);
        return db;
    } else {
        (void)fail(why, cap, path, "cannot be opened",
                   db != NULL ? sqlite3_errmsg(db) : "out of memory");
    }
    (void)sqlite3_close(db);
    return NULL;
}

static bool number(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *s = NULL;
    bool ok =
        sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW;

    *out = ok ? sqlite3_column_int64(s, 0) : 0;
    (void)sqlite3_finalize(s);
    return ok;
}

/* ---- is it one of ours ---- */

static bool is_sound(sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    bool ok = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL) == SQLITE_OK &&
              sqlite3_step(s) == SQLITE_ROW && str_eq(db_str(s, 0), STR("ok"));

    (void)sqlite3_finalize(s);
    return ok;
}

static bool check(sqlite3 *db, const char *path, struct store_sum *sum, char *why, size_t cap)
{
    int64_t whose, version, events, head, rows, octets;

    if (!number(db, "PRAGMA application_id", &whose) ||
        !number(db, "PRAGMA user_version", &version)) {
        return fail(why, cap, path, "is no database", sqlite3_errmsg(db));
    }
    if (whose != DB_APPLICATION) {
        return fail(why, cap, path, "is a database of something else", "");
    }
    if (version > db_version()) {
        return fail(why, cap, path, "was written by a later version of this program", "");
    }
    if (!is_sound(db)) {
        return fail(why, cap, path, "is damaged", "");
    }
    if (!number(db, "SELECT count(*) FROM events", &events) ||
        !number(db, "SELECT ifnull(max(seq), 0) FROM events", &head) ||
        !number(db, "SELECT count(*) FROM rows", &rows) ||
        !number(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
                &octets)) {
        return fail(why, cap, path, "cannot be read", sqlite3_errmsg(db));
    }
    if (sum != NULL) {
        *sum = (struct store_sum){version, (uint64_t)events, (uint64_t)head, (uint64_t)rows,
                                  (uint64_t)octets};
    }
    return true;
}

bool store_check(const char *path, struct store_sum *sum, char *why, size_t cap)
{
    sqlite3 *db = open_to_read(path, why, cap);
    bool ok = db != NULL && check(db, path, sum, why, cap);

    (void)sqlite3_close(db);
    return ok;
}

/* ---- copying ---- */

/** An empty file that only its owner reads. */
static bool make(const char *path, char *why, size_t cap)
{
    int fd;

    (void)unlink(path);
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return fail(why, cap, path, "cannot be made", strerror(errno));
    }
    (void)close(fd);
    return true;
}

/** All pages as they are at one moment. */
static bool copy_pages(sqlite3 *from, sqlite3 *to)
{
    int64_t tables;
    sqlite3_backup *b;
    int err = sqlite3_exec(from, "BEGIN", NULL, NULL, NULL);

    if (err != SQLITE_OK || !number(from, "SELECT count(*) FROM sqlite_master", &tables)) {
        return false;
    }
    b = sqlite3_backup_init(to, "main", from, "main");
    if (b == NULL) {
        return false;
    }
    err = sqlite3_backup_step(b, -1);
    if (sqlite3_backup_finish(b) != SQLITE_OK || err != SQLITE_DONE) {
        return false;
    }
    return sqlite3_exec(to, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) == SQLITE_OK;
}

static bool copy_into(const char *path, const char *part, char *why, size_t cap)
{
    sqlite3 *from = open_to_read(path, why, cap), *to = NULL;
    bool ok = from != NULL && make(part, why, cap);

    if (ok && sqlite3_open_v2(part, &to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        ok = fail(why, cap, part, "cannot be opened", "out of memory");
    }
    if (ok && !copy_pages(from, to)) {
        const char *said =
            sqlite3_errcode(to) != SQLITE_OK && sqlite3_errcode(to) != SQLITE_DONE
                ? sqlite3_errmsg(to)
                : sqlite3_errmsg(from);
        ok = fail(why, cap, path, "cannot be copied", said);
    }
    (void)sqlite3_close(to);
    (void)sqlite3_close(from);
    return ok;
}

static bool sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return ok;
}

/** The new name is on disk when the folder is. */
static void sync_folder(const char *path)
{
    char copy[NAME_MAX_LEN];

    (void)snprintf(copy, sizeof(copy), "%s", path);
    (void)sync_file(dirname(copy));
}

bool store_copy(const char *path, const char *to, char *why, size_t cap)
{
    char part[NAME_MAX_LEN];

    if (!name_of(part, to, ".part", why, cap)) {
        return false;
    }
    bool ok = copy_into(path, part, why, cap);
    if (ok && (!sync_file(part) || rename(part, to) != 0)) {
        ok = fail(why, cap, to, "cannot be written", strerror(errno));
    }
    if (ok) {
        sync_folder(to);
    } else {
        (void)unlink(part);
    }
    return ok;
}

/* ---- restoring ---- */

/** Whose the old database was, or the folder is: the server has to be able to open it. */
static void give_to_owner(const char *file, const char *path)
{
    char copy[NAME_MAX_LEN];
    struct stat s;

    (void)snprintf(copy, sizeof(copy), "%s", path);
    if (stat(path, &s) == 0 || stat(dirname(copy), &s) == 0) {
        int err = chown(file, s.st_uid, s.st_gid); /* only root can, and only then it matters */
        (void)err;
    }
}

/** The server that starts with it shall know. */
static bool mark(const char *path, char *why, size_t cap)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    const struct str key = STORE_COPY_ROW;
    bool ok = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
              sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO rows VALUES (?, ?, x'')", -1, &s,
                                 NULL) == SQLITE_OK &&
              sqlite3_bind_int(s, 1, STORE_SECRET) == SQLITE_OK &&
              sqlite3_bind_blob(s, 2, key.p, (int)key.n, SQLITE_STATIC) == SQLITE_OK &&
              sqlite3_step(s) == SQLITE_DONE;

    if (!ok) {
        (void)fail(why, cap, path, "cannot be written", sqlite3_errmsg(db));
    }
    (void)sqlite3_finalize(s);
    (void)sqlite3_close(db);
    return ok;
}

static bool put_in_place(const char *from, const char *path, char *why, size_t cap)
{
    char part[NAME_MAX_LEN], old[NAME_MAX_LEN];
    static const char *const companions[] = {"-wal", "-shm", "-journal"};

    if (!name_of(part, path, ".restored", why, cap) || !store_copy(from, part, why, cap)) {
        return false;
    }
    if (!mark(part, why, cap)) {
        (void)unlink(part);
        return false;
    }
    give_to_owner(part, path);
    for (size_t i = 0; i < ARRAY_LEN(companions); i++) {
        if (name_of(old, path, companions[i], why, cap)) {
            (void)unlink(old);
        }
    }
    if (rename(part, path) != 0) {
        (void)unlink(part);
        return fail(why, cap, path, "cannot be replaced", strerror(errno));
    }
    sync_folder(path);
    return true;
}

bool store_restore(const char *from, const char *path, bool replace, char *why, size_t cap)
{
    int lock;
    bool ok;

    if (!store_check(from, NULL, why, cap)) {
        return false;
    }
    lock = db_lock(path, why, cap);
    if (lock < 0) {
        return false;
    }
    ok = replace || access(path, F_OK) != 0
             ? put_in_place(from, path, why, cap)
             : fail(why, cap, path, "is there already, and would be lost (--force)", "");
    (void)close(lock);
    return ok;
}
